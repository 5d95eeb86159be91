"""The papers of a hearing: the list, each as PDF and Word, all in one archive."""

import hashlib
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from flask import abort, render_template, request
from werkzeug.wrappers import Response

from .. import permissions
from ..db import db
from ..documents import RenderFailed, render_many, to_word
from ..documents.pdf import Job
from ..errors import RuleBroken
from ..issues.models import Assignment
from ..minutes.content import fingerprint
from ..minutes.models import Minutes
from ..permissions import requires
from ..schedule.models import Hearing
from ..web import me
from . import after, before, pages_archive, pages_assignments, queries
from .pages import answer, bp, file_name, files_of, send
from .registry import ASSIGNMENT_PAPERS, GROUP_LABELS, PAPERS, Group, Paper, State

__all__ = ["after", "before", "bp", "pages_archive", "pages_assignments"]

LONG_AGO = (1980, 1, 1, 0, 0, 0)
"""The date of every entry: the same papers make the same archive."""


def _may_print(hearing: Hearing) -> bool:
    return "paper.print" in permissions.allowed(me(), hearing, ["paper.print"])


def _mine(hearing: Hearing) -> list[Paper]:
    """The papers this person may have of the hearing, possible now or not."""
    prints = _may_print(hearing)
    return [paper for paper in PAPERS.values() if prints or paper.public_to_readers]


@bp.get("/hearings/<int:id>/papers")
@requires("hearing.read", Hearing)
def index(hearing: Hearing) -> Any:
    """Every paper of a hearing, before, on the night and after; why one cannot be printed yet."""
    mine = _mine(hearing)
    state = queries.state(hearing)
    base = f"/hearings/{hearing.id}/papers"
    groups = [
        (
            group,
            GROUP_LABELS[group],
            [
                {"label": p.label, "purpose": p.purpose, "url": f"{base}/{p.key}", "why_not": p.when(state)}
                for p in mine
                if p.group == group
            ],
        )
        for group in Group
    ]
    sheets = []
    if "sheet" in ASSIGNMENT_PAPERS:
        sheets = [
            {
                "reference": a.issue.reference,
                "title": a.issue.title,
                "office": a.department.short_name,
                "round": a.round,
                "url": f"/assignments/{a.id}/papers/sheet",
            }
            for a in queries.assignments_of(hearing, me())
        ]
    return render_template(
        "papers/index.html",
        hearing=hearing,
        groups=groups,
        sheets=sheets,
        minutes=queries.published_minutes(hearing, me()),
        archive=f"{base}.zip" if _may_print(hearing) else None,
    )


@bp.get("/hearings/<int:id>/papers/<key>.pdf")
@requires("hearing.read", Hearing)
def pdf(hearing: Hearing, key: str) -> Response:
    """One paper, laid out for the printer."""
    return _one(hearing, key, "pdf")


@bp.get("/hearings/<int:id>/papers/<key>.docx")
@requires("hearing.read", Hearing)
def docx(hearing: Hearing, key: str) -> Response:
    """One paper for Word or WPS, to go on with by hand."""
    return _one(hearing, key, "docx")


def _one(hearing: Hearing, key: str, form: str) -> Response:
    paper = PAPERS.get(key)
    if paper is None:
        abort(404)
    if not paper.public_to_readers and not _may_print(hearing):
        abort(403)
    why_not = paper.when(queries.state(hearing))
    if why_not:
        raise RuleBroken(str(why_not))
    return answer(paper.template, paper.compose(hearing), form)


# -- all of them ---------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One paper on its way into the archive."""

    name: str
    """Path in the archive without its end."""
    template: str
    content: dict[str, Any]


@bp.get("/hearings/<int:id>/papers.zip")
@requires("paper.print", Hearing)
def archive(hearing: Hearing) -> Response:
    """All papers possible now as PDF and Word, the published minutes as they were published, those of assignments."""
    state = queries.state(hearing)
    entries = list(_entries(hearing, state))
    versions = queries.published_minutes(hearing, me())
    stored = [
        (f"{_minutes_name(m, versions[-1].version)}.{form}", sha)
        for m in versions
        for form, sha in (("pdf", m.pdf_sha256), ("docx", m.docx_sha256))
        if sha
    ]
    said = [*(f"{e.name}={fingerprint(e.content)}" for e in entries), *(f"{name}={sha}" for name, sha in stored)]
    etag = hashlib.sha256("\n".join(said).encode()).hexdigest()
    name = f"{file_name(before.meeting_name(hearing))} {hearing.day.isoformat()}.zip"
    if request.if_none_match.contains(etag):
        return send(b"", "zip", name, etag)
    pictures = [files_of(e.content) for e in entries]
    published = queries.blobs({sha for _name, sha in stored})
    db.session.rollback()  # nothing is held while children print
    jobs = (Job(e.template, e.content, files) for e, files in zip(entries, pictures, strict=True))
    out = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it has been sent)
    try:
        with zipfile.ZipFile(out, "w") as box:
            for entry, files, data in zip(entries, pictures, render_many(jobs), strict=True):
                _put(box, f"{entry.name}.pdf", data)
                _put(box, f"{entry.name}.docx", to_word(entry.template, entry.content, files=files))
            for path, sha in stored:
                _put(box, path, published[sha])
    except RenderFailed as failed:
        out.close()
        raise RuleBroken(str(failed)) from failed
    out.seek(0)
    return send(out, "zip", name, etag)


def _entries(hearing: Hearing, state: State) -> Iterator[Entry]:
    possible = [p for group in Group for p in PAPERS.values() if p.group == group and not p.when(state)]
    for number, paper in enumerate(possible, 1):
        yield Entry(f"{number:02d} {paper.file}", paper.template, paper.compose(hearing))
    seen: Counter[str] = Counter()

    def entry(paper: Paper, assignment: Assignment, content: dict[str, Any]) -> Entry:
        name = file_name(f"{assignment.issue.reference} {assignment.department.short_name}")
        name = f"{paper.file}/{name}" + (f"（第{assignment.round}轮）" if assignment.round > 1 else "")
        seen[name] += 1
        if seen[name] > 1:  # a later reply, or one who was given it again after a return
            name += f"（第{seen[name]}份）"
        return Entry(name, paper.template, content)

    assignments = queries.assignments_of(hearing, me())
    for key in ("sheet", "supervision"):
        for assignment in assignments:
            if not ASSIGNMENT_PAPERS[key].when(assignment):
                yield entry(ASSIGNMENT_PAPERS[key], assignment, ASSIGNMENT_PAPERS[key].compose(assignment))
    for reply in queries.replies_to(assignments):  # each with its feedback form
        yield entry(ASSIGNMENT_PAPERS["reply"], reply.assignment, after.reply_letter(reply))


def _minutes_name(minutes: Minutes, newest: int) -> str:
    """Where a version lies in the archive: one that has been superseded says so in its name."""
    suffix = f"（第{minutes.version}版）" if minutes.version > 1 else ""
    if minutes.version < newest:
        suffix = f"（第{minutes.version}版，已被第{newest}版取代）"
    return f"会议纪要/{file_name(minutes.content['title'])}{suffix}"


def _put(box: zipfile.ZipFile, path: str, data: bytes) -> None:
    """Store one file; PDF and DOCX are packed already, and a Chinese name carries the UTF-8 flag by itself."""
    entry = zipfile.ZipInfo(path, LONG_AGO)
    entry.external_attr = 0o644 << 16
    box.writestr(entry, data)
