"""Which typeface serves which part of a paper, where it comes from, and what is missing.

GB/T 9704-2012 names the faces (小标宋, 仿宋, 楷体, 黑体, 宋体) but not their makers. We take, in this order: the
office's licensed files (installed, or dropped into the fonts directory), the free Fandol faces that `fetch`
unpacks there, and Noto CJK. Nothing is committed and no licensed file is changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

from flask_babel import gettext, lazy_gettext
from fontTools.ttLib import TTCollection, TTFont, TTLibError

INSTANCE = Path(os.environ.get("HEARINGS_INSTANCE") or Path(__file__).resolve().parents[2] / "instance")
FONTS_DIR = Path(os.environ.get("HEARINGS_FONTS_DIR") or INSTANCE / "fonts")
SYSTEM_DIRS = (
    Path("/usr/share/fonts"),
    Path("/usr/local/share/fonts"),
    Path(os.path.expanduser("~/.local/share/fonts")),
    Path(os.path.expanduser("~/.fonts")),
)
FANDOL = (
    "FandolFang-Regular.otf",
    "FandolHei-Regular.otf",
    "FandolKai-Regular.otf",
    "FandolSong-Bold.otf",
    "FandolSong-Regular.otf",
)
WENKAI = ("LXGWWenKai-Light.ttf", "LXGWWenKai-Regular.ttf")
DEBIAN = {"texlive-lang-chinese": FANDOL, "fonts-lxgw-wenkai": WENKAI}
"""Debian's packages and the files we want of them: Fandol has what GB 2312 has, WenKai most of the rest (碶, 喆); its
light face is as heavy as Fandol's Fangsong and Kai, the regular one stands out of a line."""


class FontsMissing(RuntimeError):
    """No face can be had; the message is a sentence that says what to do."""


@dataclass(frozen=True)
class Part:
    """One use of type in the standard and the faces that may serve it, best first, by full or PostScript name."""

    name: str
    label: object
    licensed: tuple[str, ...]
    free: tuple[str, ...]
    last: tuple[str, ...]


SERIF = (
    "NotoSerifCJKsc-Regular",
    "SourceHanSerifSC-Regular",
    "SourceHanSerifCN-Regular",
    "NotoSerifSC-Regular",
)
SERIF_BOLD = ("NotoSerifCJKsc-Bold", "SourceHanSerifSC-Bold", "SourceHanSerifCN-Bold", "NotoSerifSC-Bold")
SANS = (
    "NotoSansCJKsc-Medium",
    "NotoSansCJKsc-Bold",
    "NotoSansCJKsc-Regular",
    "SourceHanSansSC-Medium",
    "NotoSansSC-Medium",
)

RARE = ("LXGWWenKai-Light", "LXGWWenKai-Regular", *SERIF, "NotoSansCJKsc-Regular", *SANS)

PARTS = (
    Part(
        "title",
        lazy_gettext("mark and title (small title Song)"),
        (
            "FZXiaoBiaoSong-B05S",
            "FZXBSJW--GB1-0",
            "FZXBSK--GBK1-0",
            "FZXiaoBiaoSong-B05",
            "方正小标宋_GBK",
            "方正小标宋简体",
        ),
        ("FandolSong-Bold",),
        SERIF_BOLD + SERIF,
    ),
    Part(
        "fang",
        lazy_gettext("body (Fangsong)"),
        (
            "FangSong_GB2312",
            "仿宋_GB2312",
            "FZFSJW--GB1-0",
            "FZFSK--GBK1-0",
            "方正仿宋_GB2312",
            "方正仿宋_GBK",
            "FangSong",
            "仿宋",
            "STFangsong",
        ),
        ("FandolFang-Regular", "ZhuqueFangsong-Regular"),
        SERIF,
    ),
    Part(
        "kai",
        lazy_gettext("second headings (Kai)"),
        (
            "KaiTi_GB2312",
            "楷体_GB2312",
            "FZKTJW--GB1-0",
            "FZKTK--GBK1-0",
            "方正楷体_GB2312",
            "方正楷体_GBK",
            "KaiTi",
            "楷体",
            "STKaiti",
        ),
        ("FandolKai-Regular", "LXGWWenKai-Regular"),
        SERIF,
    ),
    Part(
        "hei",
        lazy_gettext("first headings (Hei)"),
        ("SimHei", "黑体", "FZHTJW--GB1-0", "FZHTK--GBK1-0", "方正黑体_GBK", "STHeiti"),
        ("FandolHei-Regular",),
        SANS,
    ),
    Part(
        "song",
        lazy_gettext("page numbers (Song)"),
        ("SimSun", "宋体", "FZSSK--GBK1-0", "STSong"),
        ("FandolSong-Regular",),
        SERIF,
    ),
    Part("rare", lazy_gettext("characters outside GB 2312 (碶)"), (), (), RARE),
)
OTHER_SCRIPTS = ("DejaVuSans",)
"""Faces for what no Chinese face has (Arabic, symbols): used where installed, not missed where not."""


@dataclass(frozen=True)
class Face:
    """One face in one file. `family` is the name the stylesheet and the PDF know it by."""

    family: str
    path: Path
    index: int


@dataclass(frozen=True)
class Service:
    """How one part is served: by which face, and whether that is the face of the standard or a substitute."""

    part: Part
    face: Face | None
    substitute: bool

    @property
    def warning(self) -> str | None:
        """One sentence that names the part and what is wrong, or None."""
        if self.face is None:
            return gettext(
                "No typeface for %(part)s: run `flask --app wsgi fonts fetch`, or install fonts-noto-cjk.",
                part=str(self.part.label),
            )
        if self.substitute:
            return gettext(
                "%(part)s is set in %(face)s, a substitute: run `flask --app wsgi fonts fetch`.",
                part=str(self.part.label),
                face=self.face.family,
            )
        return None


@dataclass(frozen=True)
class FontSet:
    """Everything a paper needs: font-family lists by part, the characters all parts have, how many em the title
    face sits lower in its line than a face of ascent 0.88 and descent 0.12, the fontconfig file."""

    families: dict[str, str]
    covered: frozenset[str]
    shift: float
    config: Path
    digest: str
    services: tuple[Service, ...]


def services(fonts_dir: Path | None = None) -> tuple[Service, ...]:
    """Say for each part of a paper which face serves it.

    In: the directory of dropped-in and fetched files (default instance/fonts). Out: one Service per part, in the
    order of PARTS. Raises nothing: what is missing stands in `Service.warning`.
    """
    return _match(_installed(fonts_dir or FONTS_DIR))


def prepare(fonts_dir: Path | None = None) -> FontSet:
    """Choose the faces and write the private fontconfig file that offers a child these faces and no others.

    Private, so that the bytes of a paper do not depend on what else is installed. Raises FontsMissing when the
    machine has no Chinese face at all, since every character would print as a blank box.
    """
    fonts_dir = fonts_dir or FONTS_DIR
    installed = _installed(fonts_dir)
    served = _match(installed)
    chosen = {service.part.name: service.face for service in served}
    if chosen["rare"] is None and chosen["fang"] is None:
        raise FontsMissing(
            gettext(
                "This machine has no Chinese typeface: run `flask --app wsgi fonts fetch`, or install fonts-noto-cjk."
            )
        )
    others = [installed[name] for name in OTHER_SCRIPTS if name in installed]
    dropped = [face for face in installed.values() if fonts_dir in face.path.parents]
    alike = {  # a bold title takes its rare characters from a bold face, a heading from a sans serif one
        part.name: next((installed[name] for name in part.last if name in installed), None)
        for part in PARTS
        if part.name in ("title", "hei")
    }
    last = next((installed[name] for name in RARE[2:] if name in installed), None)
    rest = _unique([chosen["rare"], last, *others, *dropped])
    lists = {name: _unique([face, alike.get(name), chosen["fang"], *rest]) for name, face in chosen.items()}
    # a name card with a rare character in it: large type shows that two faces differ, so all cards are of one
    lists["card"] = _unique([alike.get("hei"), *lists["hei"]])
    families = {name: ", ".join(face.family for face in faces) for name, faces in lists.items()}
    faces = _unique([face for each in lists.values() for face in each])
    digest = hashlib.sha256("\n".join(map(_identity, faces)).encode()).hexdigest()[:16]
    config = _configure(faces, digest, fonts_dir)
    covered = _covered([face for name, face in chosen.items() if face and name != "rare"], config)
    return FontSet(families, covered, _shift(chosen["title"]), config, digest, served)


def fetch(fonts_dir: Path | None = None) -> list[Path]:
    """Unpack the free faces Fandol and LXGW WenKai from Debian's packages into the fonts directory.

    Needs apt-get and dpkg-deb but neither root nor TeX. Out: the files written (68 MB; the downloads are 101).
    Raises FontsMissing with one sentence when this is not Debian or Fandol cannot be had; WenKai may be missing.
    """
    fonts_dir = fonts_dir or FONTS_DIR
    if not (shutil.which("apt-get") and shutil.which("dpkg-deb")):
        raise FontsMissing(
            gettext("This is not Debian: put the typefaces into %(directory)s by hand.", directory=str(fonts_dir))
        )
    fonts_dir.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for package, names in DEBIAN.items():
        with tempfile.TemporaryDirectory(dir=fonts_dir, prefix=".fetch-") as scratch:
            written += _unpack(package, names, Path(scratch), fonts_dir)
        if not written:
            raise FontsMissing(
                gettext(
                    "Debian's %(package)s could not be downloaded: check the network, or run `apt-get update` first.",
                    package=package,
                )
            )
    return written


def _unpack(package: str, names: tuple[str, ...], scratch: Path, fonts_dir: Path) -> list[Path]:
    with contextlib.suppress(subprocess.TimeoutExpired, tarfile.TarError):
        command = ["apt-get", "download", package]
        subprocess.run(command, cwd=scratch, capture_output=True, timeout=1800, check=False)
        archive = next(iter(scratch.glob("*.deb")), scratch / "none")
        with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(archive)], stdout=subprocess.PIPE) as unpacker:
            with tarfile.open(fileobj=unpacker.stdout, mode="r|") as members:
                for member in members:
                    name = Path(member.name).name
                    if name in names and (content := members.extractfile(member)):
                        (scratch / name).write_bytes(content.read())
    found = [name for name in names if (scratch / name).exists()]
    for name in found:
        os.replace(scratch / name, fonts_dir / name)
    return [fonts_dir / name for name in found]


def _installed(fonts_dir: Path) -> dict[str, Face]:
    """Every face found, by each of its names; the fonts directory wins over the system."""
    found: dict[str, Face] = {}
    for directory in (fonts_dir, *SYSTEM_DIRS):
        for path in sorted(directory.rglob("*")) if directory.is_dir() else ():
            if path.suffix.lower() in {".otf", ".ttf", ".ttc", ".otc"} and ".use" not in path.parts:
                for names, face in _faces_in(path):
                    for name in names:
                        found.setdefault(name, face)
    return found


def _faces_in(path: Path) -> Iterator[tuple[set[str], Face]]:
    try:
        collection = path.suffix.lower() in {".ttc", ".otc"}
        fonts = TTCollection(path, lazy=True).fonts if collection else [TTFont(path, lazy=True)]
        for index, font in enumerate(fonts):
            if "fvar" in font or "CBDT" in font or "COLR" in font:  # no weight of its own; no place in PDF/A
                continue
            records = font["name"].names
            names = {record.toUnicode().strip() for record in records if record.nameID in (4, 6)}
            if any(r.nameID == 2 and r.toUnicode() in ("Regular", "Book", "常规") for r in records):
                names |= {record.toUnicode().strip() for record in records if record.nameID == 1}
            postscript = font["name"].getDebugName(6) or path.stem
            family = re.sub(r"[^A-Za-z0-9-]", "", postscript).lstrip("-0123456789") or "Face"
            yield names, Face(family, path, index)
    except (TTLibError, OSError, UnicodeDecodeError, AssertionError, KeyError):
        return  # a broken file in the directory must not stop the paper


def _match(installed: dict[str, Face]) -> tuple[Service, ...]:
    served = []
    for part in PARTS:
        good = [installed[name] for name in part.licensed + part.free if name in installed]
        last = [installed[name] for name in part.last if name in installed]
        served.append(Service(part, next(iter(good + last), None), not good and part.name != "rare"))
    return tuple(served)


def _unique(faces: list[Face | None]) -> list[Face]:
    return list({(face.path, face.index): face for face in faces if face is not None}.values())


def _identity(face: Face) -> str:
    status = face.path.stat()
    return f"{face.family}|{face.path}|{face.index}|{status.st_size}|{status.st_mtime_ns}"


def _shift(face: Face | None) -> float:
    if face is None:
        return 0.0
    font = TTFont(face.path, fontNumber=face.index, lazy=True)
    ascent, descent, em = font["hhea"].ascent, abs(font["hhea"].descent), font["head"].unitsPerEm
    return (1 + (ascent - descent) / em) / 2 - 0.88


def _covered(faces: list[Face], config: Path) -> frozenset[str]:
    """The characters that every one of `faces` has; kept beside the fontconfig file, since Noto takes a while."""
    kept = config.with_name("covered.txt")
    if kept.exists():
        return frozenset(kept.read_text(encoding="utf-8"))
    asked = json.dumps([(str(face.path), face.index) for face in _unique([*faces])])
    command = [sys.executable, "-P", str(Path(__file__).with_name("glyphs.py"))]
    covered = subprocess.run(command, input=asked.encode(), stdout=subprocess.PIPE, check=True).stdout.decode()
    draft = kept.with_name(f"covered.{os.getpid()}")
    with contextlib.suppress(OSError):
        draft.write_text(covered, encoding="utf-8", newline="")
        os.replace(draft, kept)
    return frozenset(covered)


def _configure(faces: list[Face], digest: str, fonts_dir: Path) -> Path:
    """Write `.use/<digest>/`: links to the faces, the fontconfig file and room for fontconfig's own cache.

    A scan rule names every face by our family name in normal weight, so no stylesheet needs @font-face and a
    child neither copies nor rescans 30 MB of fonts.
    """
    for base in (fonts_dir, Path(tempfile.gettempdir()) / f"hearings-fonts-{os.getuid()}"):
        target = base / ".use" / digest
        config = target / "fonts.conf"
        if config.exists():
            return config
        try:
            (target / "faces").mkdir(parents=True, exist_ok=True)
            rules = []
            for number, face in enumerate(faces):
                link = target / "faces" / f"{number}{face.path.suffix}"
                if not link.is_symlink():
                    link.symlink_to(face.path)
                rules.append(
                    f'<match target="scan"><test name="file"><string>{escape(str(link))}</string></test>'
                    f'<test name="index"><int>{face.index}</int></test>'
                    f'<edit name="family" mode="assign"><string>{face.family}</string></edit>'
                    '<edit name="weight" mode="assign"><const>regular</const></edit></match>'
                )
            draft = target / f"fonts.conf.{os.getpid()}"
            draft.write_text(
                '<?xml version="1.0"?><!DOCTYPE fontconfig SYSTEM "urn:fontconfig:fonts.dtd"><fontconfig>'
                + "".join(rules)
                + f"<dir>{escape(str(target / 'faces'))}</dir>"
                + f"<cachedir>{escape(str(target / 'cache'))}</cachedir></fontconfig>",
                encoding="utf-8",
            )
            os.replace(draft, config)
        except OSError:  # read-only, or a file in its place: next to the system's other temporary files then
            continue
        return config
    raise FontsMissing(gettext("The directory %(directory)s cannot be written.", directory=str(fonts_dir)))
