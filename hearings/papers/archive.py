"""The archive package of a hearing: everything that is on record of it, with its fingerprints, in one file.

For the office's archives (档案法实施条例 art. 39: content, structure, context and process complete). What is in it
and how it is checked is told in `parcel`. It is made from one reading of the record and holds no moment of its own
making, so the same record gives the same bytes; its own lines in the trail (`hearing.archive`) are left out of it for
the same reason. Residents' data is in it as far as it is on record: it is no paper for the public.
"""

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, date, datetime
from enum import Enum
from importlib.metadata import PackageNotFoundError, version
from typing import IO, Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import Table, and_, or_, select

from .. import audit
from ..audit import AuditEvent
from ..db import LOCAL, db
from ..errors import RuleBroken
from ..files import Blob, StoredFile
from ..issues import rules
from ..issues.models import (
    Assignment,
    Commitment,
    Exchange,
    Extension,
    Issue,
    IssueFile,
    OutcomeFigure,
    Progress,
    Reply,
    commitment_co_handler,
    issue_cosigner,
)
from ..minutes.content import fingerprint
from ..minutes.models import Minutes, MinutesStatus, Release
from ..people.models import Department, User
from ..reviews.models import AgendaItem, Ballot, Confirmation, Finding, FindingFile
from ..schedule.models import Hearing, HearingStatus, Participant, Preparation, Station, Topic, topic_department
from . import parcel

ACT = "hearing.archive"
RETENTION = {"permanent": "永久", "30y": "30年", "10y": "10年"}
"""What the setting RETENTION_PERIOD may say, in the words of 国家档案局8号令; another text is printed as it is."""
LEFT_OUT = {"participant": {"email"}, "hearing": {"uid", "sequence", "changed_at", "reply_sequence"}}
"""Columns that are no part of the record: addresses for invitations, counters of calendars."""
SUFFIXES = {"jpeg": "jpg"}
KINDS = {"reply_id": "答复附件", "progress_id": "进展附件", "commitment_id": "承诺佐证"}
"""What a file of an issue is called, by what it belongs to."""


def refusal(hearing: Hearing) -> RuleBroken | None:
    """Why there is no package of this hearing yet, or None."""
    if hearing.status not in (HearingStatus.CONCLUDED, HearingStatus.FILED):
        return RuleBroken(_("There is an archive package once the hearing is concluded."))
    published = select(Minutes.id).where(Minutes.hearing_id == hearing.id, Minutes.status == MinutesStatus.PUBLISHED)
    if db.session.scalar(published.limit(1)) is None:
        return RuleBroken(_("There is an archive package once the minutes are published."))
    return None


def file_name(hearing: Hearing) -> str:
    """归档包 YX-2021-09.zip, or with the day where there is no number."""
    return f"归档包 {hearing.code or f'{hearing.day.isoformat()}-{hearing.id}'}.zip"


def build(hearing: Hearing, out: IO[bytes]) -> str:
    """Write the package into `out` (seekable, binary); return the SHA-256 of its manifest.

    Only reads. Holds one file at a time. Raises RuleBroken when there is none yet, or when stored bytes do not have
    the fingerprint they are stored under: what is damaged is not archived as if it were whole.
    """
    broken = refusal(hearing)
    if broken is not None:
        raise broken
    writer = parcel.Writer(out)
    try:
        return _Package(hearing, writer).write()
    finally:
        writer.box.close()  # after a failure: else the library closes it some time later, when `out` is gone


def record(hearing: Hearing, seal: str, *, actor: Any) -> None:
    """Note in the trail that the package was made, with its seal: what a later check is compared with."""
    audit.record(ACT, hearing, actor, file=seal)


class _Package:
    """One package being written."""

    def __init__(self, hearing: Hearing, writer: parcel.Writer) -> None:
        self.hearing, self.writer = hearing, writer
        self.own = select(Issue.id).where(Issue.hearing_id == hearing.id)
        self.people: set[int] = set()
        self.offices: set[int] = set()
        self.versions: list[dict[str, Any]] = []

    def write(self) -> str:
        self.writer.add(parcel.README, _readme(self.hearing).encode())
        self.minutes()
        self.releases()
        self.attachments()
        self.data()
        self.trail()
        self.writer.add(parcel.METADATA, self.metadata())
        return self.writer.seal()

    # -- papers --

    def stored(self, path: str, digest: str) -> None:
        """Write a stored file; its bytes must have the fingerprint."""
        data = db.session.scalar(select(Blob.data).where(Blob.sha256 == digest))
        if data is None or self.writer.add(path, data) != digest:
            raise RuleBroken(_("“%(name)s” is damaged: tell the administrator before anything is archived.", name=path))

    def minutes(self) -> None:
        """Every published version: PDF, Word file, the dict that was printed, the signed copy, and who did what."""
        for m in db.session.scalars(
            select(Minutes)
            .where(Minutes.hearing_id == self.hearing.id, Minutes.status == MinutesStatus.PUBLISHED)
            .order_by(Minutes.version)
        ):
            folder = f"纪要/第{m.version}版"
            self.stored(f"{folder}/纪要.pdf", m.pdf_sha256 or "")
            if m.docx_sha256:
                self.stored(f"{folder}/纪要.docx", m.docx_sha256)
            content = json.dumps(m.content, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()
            if fingerprint(m.content) != m.content_sha256:
                raise RuleBroken(
                    _("“%(name)s” is damaged: tell the administrator before anything is archived.", name=folder)
                )
            self.writer.add(f"{folder}/纪要.json", content)
            scan = m.content.get("signed_copy")
            if scan:
                self.stored(f"{folder}/签发件.{_suffix(scan['name'])}", scan["sha256"])
            row = self.row(Minutes.__table__, {c.key: getattr(m, c.key) for c in Minutes.__table__.columns})
            row = {key: value for key, value in row.items() if key not in ("content", "composed")}
            self.writer.add(f"{folder}/{parcel.VERSION_FILE}", parcel.to_json(row))
            self.versions.append({"kind": "internal", "folder": folder, **row, "title": m.content["title"]})

    def releases(self) -> None:
        """Every public rendering, withdrawn ones too: what was open to everybody, until when, and why no more."""
        found = db.session.execute(
            select(Release, Minutes.version)
            .join(Minutes, Minutes.id == Release.minutes_id)
            .where(Release.hearing_id == self.hearing.id)
            .order_by(Release.id)
        ).all()
        for number, (r, of_version) in enumerate(found, 1):
            folder = f"公开版/第{of_version}版-{number}"
            self.stored(f"{folder}/公开版.pdf", r.pdf_sha256)
            if r.docx_sha256:
                self.stored(f"{folder}/公开版.docx", r.docx_sha256)
            self.writer.add(f"{folder}/公开版.json", parcel.to_json(r.content))
            row = self.row(Release.__table__, {c.key: getattr(r, c.key) for c in Release.__table__.columns})
            row = {key: value for key, value in row.items() if key != "content"} | {"version": of_version}
            self.writer.add(f"{folder}/{parcel.RELEASE_FILE}", parcel.to_json(row))
            self.versions.append({"kind": "public", "folder": folder, **row})

    # -- attachments --

    def attachments(self) -> None:
        """Photos and papers of issues, promises, replies and findings, and what departments brought."""
        listed = []
        for path, file, belongs in self._attached():
            self.stored(path, file.sha256)
            self.people.add(file.uploaded_by_id)
            listed.append(
                {
                    "path": path,
                    "name": file.name,
                    "media_type": file.media_type,
                    "size": file.size,
                    "sha256": file.sha256,
                    "uploaded_at": _plain(file.uploaded_at),
                    "uploaded_by_id": file.uploaded_by_id,
                    **belongs,
                }
            )
        self.writer.add(parcel.ATTACHMENTS, parcel.to_json(listed))

    def _attached(self) -> Iterator[tuple[str, StoredFile, dict[str, Any]]]:
        references = {
            i: rules.reference(serial, held, number)
            for i, serial, held, number in db.session.execute(
                select(Issue.id, Hearing.serial_no, Issue.hearing_id, Issue.number)
                .join(Hearing, Hearing.id == Issue.hearing_id)
                .where(or_(Issue.id.in_(self.own), Issue.id.in_(self._agenda())))
            )
        }
        for link in db.session.scalars(
            select(IssueFile).where(IssueFile.issue_id.in_(self.own)).order_by(IssueFile.issue_id, IssueFile.id)
        ):
            belongs = {
                c.key: getattr(link, c.key) for c in IssueFile.__table__.columns if c.key not in ("id", "file_id")
            }
            kind = next((words for key, words in KINDS.items() if belongs.get(key)), "问题附件")
            yield _path(references[link.issue_id], kind, link.id, link.file), link.file, belongs
        for proof, issue_id in db.session.execute(
            select(FindingFile, Finding.issue_id)
            .join(Finding, Finding.id == FindingFile.finding_id)
            .where(self._reviewed(Finding))
            .order_by(Finding.issue_id, FindingFile.id)
        ):
            belongs = {"issue_id": issue_id, "finding_id": proof.finding_id}
            yield _path(references[issue_id], "回头看", proof.id, proof.file), proof.file, belongs
        for brought, file in db.session.execute(
            select(Preparation, StoredFile)
            .join(StoredFile, StoredFile.id == Preparation.file_id)
            .where(Preparation.hearing_id == self.hearing.id)
            .order_by(Preparation.id)
        ):
            belongs = {"preparation_id": brought.id, "department_id": brought.department_id}
            yield _path("会前", "应询材料", brought.id, file), file, belongs

    # -- the record --

    def _agenda(self) -> Any:
        return select(AgendaItem.issue_id).where(AgendaItem.hearing_id == self.hearing.id)

    def _reviewed(self, model: Any) -> Any:
        """Rows about the hearing's own issues, wherever they were looked at, and about others' looked at in it."""
        return or_(model.issue_id.in_(self.own), model.hearing_id == self.hearing.id)

    def data(self) -> None:
        """The record, one file a kind: every column of every row, in the order of their ids."""
        here, own = self.hearing.id, self.own
        of_issue = select(Commitment.id).where(Commitment.issue_id.in_(own))
        handed = select(Assignment.id).where(Assignment.issue_id.in_(own))
        topics = select(Topic.id).where(Topic.hearing_id == here)
        kinds: dict[str, dict[str, tuple[Any, Any]]] = {
            "会议": {
                "hearing": (Hearing, Hearing.id == here),
                "station": (Station, Station.id == self.hearing.station_id),
                "participants": (Participant, Participant.hearing_id == here),
                "topics": (Topic, Topic.hearing_id == here),
                "topic_departments": (topic_department, topic_department.c.topic_id.in_(topics)),
                "preparations": (Preparation, Preparation.hearing_id == here),
            },
            "问题": {
                "issues": (Issue, or_(Issue.id.in_(own), Issue.id.in_(self._agenda()))),
                "agenda": (AgendaItem, or_(AgendaItem.hearing_id == here, AgendaItem.issue_id.in_(own))),
                "cosigners": (issue_cosigner, issue_cosigner.c.issue_id.in_(own)),
                "exchanges": (Exchange, Exchange.issue_id.in_(own)),
                "figures": (OutcomeFigure, OutcomeFigure.issue_id.in_(own)),
            },
            "交办": {
                "assignments": (Assignment, Assignment.issue_id.in_(own)),
                "progress": (Progress, Progress.assignment_id.in_(handed)),
                "replies": (Reply, Reply.issue_id.in_(own)),
            },
            "承诺": {
                "commitments": (Commitment, Commitment.issue_id.in_(own)),
                "co_handlers": (commitment_co_handler, commitment_co_handler.c.commitment_id.in_(of_issue)),
                "extensions": (Extension, Extension.commitment_id.in_(of_issue)),
            },
            "回头看与测评": {
                "findings": (Finding, self._reviewed(Finding)),
                "confirmations": (Confirmation, Confirmation.issue_id.in_(own)),
                "ballots": (Ballot, self._reviewed(Ballot)),
            },
        }
        for name, tables in kinds.items():
            told = {key: self.rows(model, which) for key, (model, which) in tables.items()}
            self.writer.add(f"记录/{name}.json", parcel.to_json(told))
        self.writer.add("记录/人员与单位.json", parcel.to_json(self.directory()))

    def rows(self, model: Any, which: Any) -> list[dict[str, Any]]:
        table: Table = model if isinstance(model, Table) else model.__table__
        keys = list(table.primary_key.columns)
        return [
            self.row(table, row._mapping)
            for row in db.session.execute(select(*table.columns).where(which).order_by(*keys))
        ]

    def row(self, table: Any, values: Any) -> dict[str, Any]:
        """Every column as plain data. Whom and which offices it names is remembered for the directory."""
        made = {}
        for column in table.columns:
            if column.key in LEFT_OUT.get(table.name, ()):
                continue
            value = values[column.key]
            for key in column.foreign_keys:
                if value is not None and key.column.table.name in ("user", "department"):
                    (self.people if key.column.table.name == "user" else self.offices).add(value)
            made[column.key] = _plain(value)
        return made

    def directory(self) -> dict[str, Any]:
        """Who is meant by the numbers in the record: name, title, office. No sign-in, no address."""
        people = db.session.execute(
            select(User.id, User.name, User.title, User.department_id).where(User.id.in_(self.people)).order_by(User.id)
        ).all()
        self.offices |= {p.department_id for p in people if p.department_id}
        offices = select(Department.id, Department.name, Department.short_name).where(Department.id.in_(self.offices))
        return {
            "people": [dict(p._mapping) for p in people],
            "departments": [dict(d._mapping) for d in db.session.execute(offices.order_by(Department.id))],
        }

    def trail(self) -> None:
        """The lines of the trail about the hearing, its issues and what was found of them, with their hashes."""
        reviewed = [
            and_(AuditEvent.subject_type == kind, AuditEvent.subject_id.in_(which))
            for kind, which in (
                ("issue", self.own),
                ("finding", select(Finding.id).where(Finding.issue_id.in_(self.own))),
                ("ballot", select(Ballot.id).where(Ballot.issue_id.in_(self.own))),
            )
        ]
        lines = (
            select(AuditEvent)
            .where(or_(AuditEvent.hearing_id == self.hearing.id, *reviewed), AuditEvent.action != ACT)
            .order_by(AuditEvent.id)
        )
        told = []
        for line in db.session.scalars(lines.execution_options(yield_per=500)):
            row = {c.key: _plain(getattr(line, c.key)) for c in AuditEvent.__table__.columns}
            told.append(json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")))
        self.writer.add(parcel.TRAIL, "".join(f"{line}\n" for line in told).encode())

    # -- about the whole --

    def metadata(self) -> bytes:
        """metadata.xml. What 文书类电子文件元数据方案 (DA/T 46-2009) has carries its name and number there (@element):

            archive @format
              fonds_unit 立档单位名称 M6, retention 保管期限 M12 (@basis), title 题名 M22, number 文件编号 M31,
              creator 责任者 M32, date 日期 M33, type 文种 M34, security 密级 M38, language 语种 M44,
              system 信息系统描述 M51 (@version)

        and what it lacks, or what was not to be found out of it, does not:

              openness 公开属性
              versions 版本
                version @kind internal|public @folder: title, number, drafter 拟稿, reviewer 核稿, issuer 签发,
                        issued_on 签发日期, published_at 发布时间, reason 更正说明, withdrawn_at, withdraw_reason
              files 文件 @count @bytes @hash_algorithm

        聚合层次 (M1), 电子文件号 (M7) and 档号 (M8) are given by the archive that takes it in.
        Every element carries its Chinese name as `label`. Counts leave out metadata.xml, manifest and seal.
        """
        hearing, config = self.hearing, current_app.config
        root = ET.Element("archive", {"format": parcel.FORMAT, "label": "归档包元数据"})

        def put(parent: ET.Element, name: str, label: str, words: Any, element: str = "", **more: str) -> None:
            if words not in (None, ""):
                more = ({"element": element} if element else {}) | more
                ET.SubElement(parent, name, {"label": label} | more).text = _xml(str(words))

        newest = [v for v in self.versions if v["kind"] == "internal"][-1]
        put(root, "fonds_unit", "立档单位名称", config["ORGANISATION"], "M6")
        put(root, "title", "题名", newest["title"], "M22")
        serial = f"第{hearing.serial_no}期" if hearing.serial_no else None
        put(root, "number", "文件编号", "　".join(w for w in (hearing.code, serial) if w) or f"H{hearing.id}", "M31")
        put(root, "creator", "责任者", config["ORGANISATION"], "M32")
        put(root, "date", "日期", hearing.day.isoformat(), "M33")
        put(root, "type", "文种", "纪要", "M34")
        put(root, "security", "密级", "非涉密", "M38")
        period = str(config["RETENTION_PERIOD"])
        put(root, "retention", "保管期限", RETENTION.get(period, period), "M12", basis="国家档案局令第8号")
        put(root, "language", "语种", "zh-CN", "M44")
        put(root, "openness", "公开属性", "内部：含个人信息，公开以公开版为限")
        names = dict(db.session.execute(select(User.id, User.name).where(User.id.in_(self.people))).all())
        listed = ET.SubElement(root, "versions", {"label": "版本"})
        for v in self.versions:
            each = ET.SubElement(listed, "version", {"kind": v["kind"], "folder": v["folder"]})
            put(each, "title", "题名", v["title"])
            put(each, "number", "版次", v["version"])
            put(each, "drafter", "拟稿", names.get(v.get("drafted_by_id", 0)))
            put(each, "reviewer", "核稿", names.get(v.get("reviewed_by_id") or 0))
            put(each, "issuer", "签发", v.get("issued_by"))
            put(each, "issued_on", "签发日期", v.get("issued_on"))
            put(each, "published_at", "发布时间", v.get("published_at") or v.get("released_at"))
            put(each, "reason", "更正说明", v.get("reason"))
            put(each, "withdrawn_at", "撤回时间", v.get("withdrawn_at"))
            put(each, "withdraw_reason", "撤回理由", v.get("withdraw_reason"))
        sizes = [f["size"] for f in self.writer.files]
        about = {"count": str(len(sizes)), "bytes": str(sum(sizes)), "hash_algorithm": parcel.ALGORITHM}
        ET.SubElement(root, "files", {"label": "文件"} | about)
        put(root, "system", "信息系统描述", config["SYSTEM_NAME"], "M51", version=_our_version())
        ET.indent(root)
        return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="utf-8") + b"\n"


def _path(reference: str, kind: str, number: int, file: StoredFile) -> str:
    """附件/9-01/承诺佐证-12 灯杆.jpg: the number keeps names apart."""
    stem = file.name.rpartition(".")[0] if "." in file.name else file.name
    words = re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', " ", stem).strip(" .")[:60].strip(" .")
    return f"附件/{reference}/{kind}-{number}{' ' if words else ''}{words}.{_suffix(file.name)}"


def _suffix(name: str) -> str:
    """What a file's name ends with, if it is plain."""
    end = name.rpartition(".")[2].lower() if "." in name else ""
    return SUFFIXES.get(end, end) if re.fullmatch(r"[a-z0-9]{1,8}", end) else "bin"


def _plain(value: Any) -> Any:
    """A column's value as JSON has it: moments in UTC to the microsecond, days as 2021-03-25."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat(timespec="microseconds")
    if isinstance(value, date):
        return value.isoformat()
    return value.value if isinstance(value, Enum) else value


def _xml(words: str) -> str:
    """Without what XML cannot hold."""
    return re.sub("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "", words)


def _our_version() -> str:
    try:
        return version("hearings")
    except PackageNotFoundError:
        return "0.1.0"


def _readme(hearing: Hearing) -> str:
    held = hearing.starts_at.astimezone(LOCAL)
    return f"""{hearing.title}
{held:%Y-%m-%d}　{hearing.place}

本归档包由“{current_app.config["SYSTEM_NAME"]}”系统导出，供归档用。内含个人信息，不得对外公开；公开以“公开版”为限。

纪要/　　　已发布的各版纪要（PDF、Word、结构化内容、签发件扫描件）
公开版/　　向社会公开的各版，含已撤回的及撤回理由
附件/　　　问题、承诺、答复、回头看的照片和材料，会前应询材料
记录/　　　会议、问题、交办与答复、承诺、回头看与测评的全部数据
轨迹.jsonl　操作轨迹，每行附摘要
metadata.xml　元数据；manifest.json　文件清单（SHA-256）；manifest.sha256　清单的摘要

校验：flask --app wsgi archive verify 文件名
也可用通用工具：sha256sum -c manifest.sha256，再按 manifest.json 逐个核对。
"""
