"""The shape of an archive package (归档包), and how one is checked offline. Nothing but the standard library.

A package is a ZIP of uncompressed members, each dated 1980-01-01, so that the same record gives the same bytes:

    说明.txt                what it is, how to check it
    纪要/第n版/             纪要.pdf, 纪要.docx, 纪要.json (the dict that was printed), 版本.json, 签发件.*
    公开版/第n版-m/         公开版.pdf, 公开版.docx, 公开版.json, 发布.json (withdrawn ones too, with the reason)
    附件/                   photos and papers, named by reference, kind and number
    记录/*.json             the record as data, one file a kind, every column of every row
    记录/附件清单.json      each attachment: path, name, SHA-256, what it belongs to
    轨迹.jsonl              lines of the trail, one JSON object a line, with their hashes
    metadata.xml            about the whole (elements after DA/T 46)
    manifest.json           {"format", "algorithm", "files": [{"path", "size", "sha256"}]}, all of the above in order
    manifest.sha256         SHA-256 of manifest.json; the trail of the system keeps it as well

`verify` proves that a package is whole in itself. That nobody has made another that is whole as well is proved by the
trail: its line “hearing.archive” holds the SHA-256 of the manifest, which `verify` prints.
This file can be carried away and run alone: `python parcel.py FILE`.
"""

import hashlib
import json
import os
import re
import shutil
import struct
import sys
import tempfile
import unicodedata
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import IO, Any, NamedTuple

FORMAT = "yexunhui-archive-1"
ALGORITHM = "SHA-256"
LONG_AGO = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644 << 16
MANIFEST, SEAL, METADATA, README = "manifest.json", "manifest.sha256", "metadata.xml", "说明.txt"
TRAIL, ATTACHMENTS = "轨迹.jsonl", "记录/附件清单.json"
VERSION_FILE, RELEASE_FILE = "版本.json", "发布.json"
MOST_FILES = 50_000
TEXT_BYTES = 256 * 1024 * 1024
"""The largest manifest, record or trail that is read whole."""
CHUNK = 1024 * 1024
BROKEN = (zipfile.BadZipFile, zipfile.LargeZipFile, RuntimeError, ValueError, EOFError, OSError, struct.error)
"""What reading a damaged or made-up ZIP may raise (RuntimeError holds NotImplementedError)."""


HASHED = (
    "actor_id", "actor_name", "address", "action", "subject_type", "subject_id", "hearing_id", "status", "details",
)  # fmt: skip
"""Columns of a line of the trail that its hash is made of, in this order."""


class Finding(NamedTuple):
    """One thing that is wrong, in two languages."""

    zh: str
    en: str

    def __str__(self) -> str:
        return f"{self.zh} / {self.en}"


class Report(NamedTuple):
    """What `verify` found: nothing wrong if there are no findings."""

    findings: list[Finding]
    files: int
    seal: str
    """SHA-256 of the manifest, to be compared with the trail."""
    lines: int
    """Lines of the trail that were checked."""


# -- writing -------------------------------------------------------------------------------------------


class Writer:
    """Writes a package into a seekable file, one member at a time; holds no member longer than it writes it."""

    def __init__(self, out: IO[bytes]) -> None:
        self.box = zipfile.ZipFile(out, "w", zipfile.ZIP_STORED)
        self.files: list[dict[str, Any]] = []

    def add(self, path: str, data: bytes) -> str:
        """Write one member; return its SHA-256."""
        digest = hashlib.sha256(data).hexdigest()
        self.files.append({"path": path, "size": len(data), "sha256": digest})
        self.box.writestr(_entry(path, len(data)), data)
        return digest

    def seal(self) -> str:
        """Write manifest and seal, close; return the manifest's SHA-256."""
        manifest = to_json({"format": FORMAT, "algorithm": ALGORITHM, "files": self.files})
        digest = hashlib.sha256(manifest).hexdigest()
        self.box.writestr(_entry(MANIFEST, len(manifest)), manifest)
        words = f"{digest}  {MANIFEST}\n".encode()
        self.box.writestr(_entry(SEAL, len(words)), words)
        self.box.close()
        return digest


def _entry(path: str, size: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(path, LONG_AGO)
    entry.create_system = 3
    entry.external_attr = MODE
    entry.file_size = size
    return entry


def to_json(value: Any) -> bytes:
    """JSON in one way only, readable."""
    return (json.dumps(value, ensure_ascii=False, sort_keys=True, indent=1) + "\n").encode()


# -- checking ------------------------------------------------------------------------------------------


def verify(path: str | os.PathLike[str]) -> Report:
    """Check a package: structure, every hash, nothing missing or extra, the chain of versions, the trail's own hashes.

    Needs no database. Refuses what no package of ours is: compressed, encrypted or duplicate members, paths that
    leave the folder, links. Never raises for what a file may contain.
    """
    found: list[Finding] = []
    try:
        size = os.path.getsize(path)
        if not size:
            return Report([Finding("空文件", "the file is empty")], 0, "", 0)
        with open(path, "rb") as file, zipfile.ZipFile(file) as box:
            return _Check(box, file, size).run()
    except FileNotFoundError:
        found.append(Finding(f"没有这个文件：{path}", "no such file"))
    except BROKEN as broken:
        found.append(Finding("不是归档包，或已残缺", f"not a package, or damaged ({broken})"))
    return Report(found, 0, "", 0)


class _Check:
    """One package under examination."""

    def __init__(self, box: zipfile.ZipFile, file: IO[bytes], size: int) -> None:
        self.box, self.file, self.size = box, file, size
        self.found: list[Finding] = []
        self.hashes: dict[str, str] = {}
        self.lines = 0

    def say(self, zh: str, en: str) -> None:
        self.found.append(Finding(zh, en))

    def run(self) -> Report:
        self.entries()
        seal = ""
        if not self.found:
            seal, listed = self.manifest()
            if listed is not None:
                self.members(listed)
                if not self.found:
                    self.metadata()
                    self.versions()
                    self.attachments()
                    self.trail()
                    self.container()
        return Report(self.found, len(self.hashes), seal, self.lines)

    def entries(self) -> None:
        """What the directory says, before anything is read."""
        entries = self.box.infolist()
        if len(entries) > MOST_FILES:
            self.say(f"文件过多：{len(entries)} 个", "too many members")
            return
        seen: set[str] = set()
        for entry in entries:
            name = entry.orig_filename
            shown = _shown(name)
            if not _is_plain(name) or name != entry.filename:
                self.say(f"路径不合规：{shown}", "a path that leaves the folder, or cannot be one")
            key = unicodedata.normalize("NFC", name).casefold()
            if key in seen:
                self.say(f"文件重名：{shown}", "two members of one name")
            seen.add(key)
            if entry.flag_bits & 0x1:
                self.say(f"文件加密：{shown}", "an encrypted member")
            if entry.compress_type != zipfile.ZIP_STORED or entry.compress_size != entry.file_size:
                self.say(f"文件经过压缩：{shown}", "a compressed member; ours never are")
            if entry.external_attr != MODE:
                self.say(f"不是普通文件：{shown}", "a link, a folder or some other special member")
        if sum(e.file_size for e in entries) > self.size:
            self.say("各文件之和大于归档包本身", "the members are larger than the package (overlapping)")

    def read(self, name: str) -> bytes | None:
        """A text of the package, or None with a finding."""
        try:
            if self.box.getinfo(name).file_size > TEXT_BYTES:
                self.say(f"文件过大：{name}", "too large to be read")
                return None
            return self.box.read(name)
        except KeyError:
            self.say(f"缺少文件：{name}", "missing")
        except BROKEN as broken:
            self.say(f"文件已损坏：{name}", f"damaged ({broken})")
        return None

    def json(self, name: str) -> Any:
        """A text of the package as data, or None with a finding."""
        data = self.read(name)
        if data is None:
            return None
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            self.say(f"内容无法读取：{name}", "not JSON")
            return None

    def manifest(self) -> tuple[str, list[dict[str, Any]] | None]:
        """The list of files, held against its own hash."""
        data, seal = self.read(MANIFEST), self.read(SEAL)
        if data is None or seal is None:
            return "", None
        digest = hashlib.sha256(data).hexdigest()
        if seal != f"{digest}  {MANIFEST}\n".encode():
            self.say(f"清单与其摘要不符：{SEAL}", "the manifest does not match its hash")
        told = self.json(MANIFEST)
        if told is None:
            return digest, None
        if not _is_manifest(told):
            self.say(f"清单格式不符：{MANIFEST}", f"not a manifest of format {FORMAT}")
            return digest, None
        return digest, told["files"]

    def members(self, listed: list[dict[str, Any]]) -> None:
        """Every file against the manifest, both ways."""
        wanted = [f["path"] for f in listed]
        there = [e.filename for e in self.box.infolist()]
        for name in sorted(set(wanted) - set(there)):
            self.say(f"缺少文件：{_shown(name)}", "listed, but missing")
        for name in sorted(set(there) - set(wanted) - {MANIFEST, SEAL}):
            self.say(f"多出文件：{_shown(name)}", "not listed")
        present = set(there)
        for file in listed:
            name = file["path"]
            if name not in present:
                continue
            try:
                size, digest = self.measure(name)
            except BROKEN as broken:
                self.say(f"文件已损坏：{_shown(name)}", f"damaged ({broken})")
                continue
            self.hashes[name] = digest
            if (size, digest) != (file["size"], file["sha256"]):
                self.say(f"文件与清单不符：{_shown(name)}", "size or SHA-256 differs from the manifest")
        if not self.found and there != [*wanted, MANIFEST, SEAL]:
            self.say("文件次序与清单不符", "the members are not in the manifest's order")

    def measure(self, name: str) -> tuple[int, str]:
        digest, size = hashlib.sha256(), 0
        with self.box.open(name) as member:
            while part := member.read(CHUNK):
                size += len(part)
                digest.update(part)
        return size, digest.hexdigest()

    def metadata(self) -> None:
        """That it can be read, is of our format, and counts the files that are there."""
        data = self.read(METADATA)
        if data is None:
            return
        try:
            if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
                raise ET.ParseError("document type")
            root = ET.fromstring(data)
        except (ET.ParseError, ValueError, LookupError) as broken:
            self.say(f"元数据无法读取：{METADATA}", f"not XML of ours ({broken})")
            return
        if root.tag != "archive" or root.get("format") != FORMAT:
            self.say(f"元数据格式不符：{METADATA}", f"not of format {FORMAT}")
        versions = {n.split("/")[1] for n in self.hashes if n.startswith("纪要/")}
        told = {v.get("folder", "").partition("/")[2] for v in root.iter("version") if v.get("kind") == "internal"}
        if versions != told:
            self.say("元数据所列版本与文件不符", "the versions in metadata.xml are not those in the package")

    def versions(self) -> None:
        """Each version's files against its fingerprints, and each version against the one before."""
        previous = None
        for folder in self.folders("纪要/", VERSION_FILE):
            told = self.json(f"{folder}/{VERSION_FILE}")
            content = self.json(f"{folder}/纪要.json")
            if not isinstance(told, dict) or not isinstance(content, dict):
                continue
            self.same(f"{folder}/纪要.pdf", told.get("pdf_sha256"))
            self.same(f"{folder}/纪要.json", told.get("content_sha256"))
            if told.get("docx_sha256"):
                self.same(f"{folder}/纪要.docx", told["docx_sha256"])
            if told.get("previous_sha256") != previous or content.get("previous_sha256") != previous:
                self.say(f"版本链断开：{folder}", "it does not follow the version before")
            previous = told.get("pdf_sha256")
            scan = content.get("signed_copy")
            if isinstance(scan, dict):
                copies = [n for n in self.hashes if n.startswith(f"{folder}/签发件.")]
                self.same(copies[0] if copies else f"{folder}/签发件", scan.get("sha256"))
        for folder in self.folders("公开版/", RELEASE_FILE):
            told = self.json(f"{folder}/{RELEASE_FILE}")
            if not isinstance(told, dict):
                continue
            self.same(f"{folder}/公开版.pdf", told.get("pdf_sha256"))
            if told.get("docx_sha256"):
                self.same(f"{folder}/公开版.docx", told["docx_sha256"])

    def folders(self, start: str, named: str) -> list[str]:
        """The folders of versions, in the order of the package."""
        return [n.rpartition("/")[0] for n in self.hashes if n.startswith(start) and n.endswith(f"/{named}")]

    def same(self, name: str, digest: Any) -> None:
        if self.hashes.get(name) != digest:
            self.say(f"与发布时的指纹不符：{_shown(name)}", "not the bytes that were published")

    def attachments(self) -> None:
        """Each attachment against the fingerprint the record has of it."""
        listed = self.json(ATTACHMENTS)
        if not isinstance(listed, list):
            return
        named = set()
        for row in listed:
            if isinstance(row, dict) and isinstance(row.get("path"), str):
                named.add(row["path"])
                self.same(row["path"], row.get("sha256"))
        for name in sorted({n for n in self.hashes if n.startswith("附件/")} - named):
            self.say(f"附件清单未列：{_shown(name)}", "an attachment that the record does not know")

    def trail(self) -> None:
        """The hash of every line, and of neighbours that one follows the other."""
        data = self.read(TRAIL)
        if data is None:
            return
        before: dict[str, Any] | None = None
        for number, words in enumerate(data.splitlines(), 1):
            try:
                line = json.loads(words)
                digest = line_hash(line)
                follows = before is None or line["id"] > before["id"]
                if follows and before is not None and line["id"] == before["id"] + 1:
                    follows = line["previous_hash"] == before["hash"]
            except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
                self.say(f"轨迹第 {number} 行无法读取", "a line of the trail that cannot be read")
                continue
            self.lines += 1
            if digest != line["hash"]:
                self.say(f"轨迹第 {number} 行与其摘要不符", "a line of the trail does not match its hash")
            if not follows:
                self.say(f"轨迹第 {number} 行与上一行不相接", "a line of the trail does not follow the one before")
            before = line

    def container(self) -> None:
        """That the package is byte for byte what writing its members gives: nothing before, between or behind them."""
        with tempfile.TemporaryFile() as again:
            with zipfile.ZipFile(again, "w", zipfile.ZIP_STORED) as box:
                for entry in self.box.infolist():
                    clean = _entry(entry.filename, entry.file_size)
                    with self.box.open(entry.filename) as source, box.open(clean, "w") as target:
                        shutil.copyfileobj(source, target, CHUNK)
            again.seek(0)
            self.file.seek(0)
            while True:
                one, other = self.file.read(CHUNK), again.read(CHUNK)
                if one != other:
                    self.say("包内夹有清单以外的字节", "bytes that belong to no member, or an altered directory")
                if one != other or not one:
                    return


def line_hash(line: Mapping[str, Any]) -> str:
    """The hash of a line of the trail, as the system computes it (hearings/audit.py). Raises for what is no line."""
    at = datetime.fromisoformat(line["at"]).timestamp()
    body = [line["previous_hash"], f"{at:.6f}", *(line[key] for key in HASHED)]
    words = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()


def _is_manifest(told: Any) -> bool:
    if not isinstance(told, dict) or told.get("format") != FORMAT or told.get("algorithm") != ALGORITHM:
        return False
    files = told.get("files")
    return isinstance(files, list) and all(
        isinstance(f, dict)
        and isinstance(f.get("path"), str)
        and isinstance(f.get("size"), int)
        and isinstance(f.get("sha256"), str)
        for f in files
    )


def _is_plain(name: str) -> bool:
    """A relative path inside the folder, as every system reads it."""
    parts = name.split("/")
    return (
        bool(name)
        and len(name) < 500
        and not re.search(r'[\x00-\x1f\x7f\\:*?"<>|]', name)
        and all(p and p not in (".", "..") and p == p.rstrip(" .") for p in parts)
    )


def _shown(name: str) -> str:
    return name.encode("unicode_escape").decode() if not name.isprintable() else name[:200]


def main(arguments: Iterable[str]) -> int:
    """Check each package named; one line a finding. Returns 0 when all are whole."""
    code = 0
    for path in arguments:
        told = verify(path)
        for finding in told.findings:
            print(f"{path}：{finding}")
        if told.findings:
            code = 1
        else:
            print(f"{path}：{whole_words(told)}")
    return code


def whole_words(told: Report) -> str:
    """The line about a package that is whole."""
    zh = f"完好：{told.files} 个文件，轨迹 {told.lines} 行。清单摘要（与系统轨迹“归档”一行核对）：{told.seal}"
    return f"{zh} / whole; compare the manifest's hash with the trail's"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
