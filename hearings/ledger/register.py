"""The register of commitments (台账): the rows of the list of commitments, with all that an office files of each.

One set of columns for the workbook and for paper. Papers are Chinese whatever the reader's language. Residents are
never named: what a resident brought is said to be a resident's.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import func, select

from ..db import LOCAL, db, today
from ..issues import rules
from ..issues.models import (
    Assignment,
    Commitment,
    CommitmentStatus,
    Extension,
    ExtensionStatus,
    Issue,
    IssueStatus,
    Part,
    Reply,
    commitment_co_handler,
)
from ..issues.queries import Filter, promises_wanted
from ..language import inner
from ..people.models import Department, User
from ..permissions import scoped
from ..reviews.models import Confirmation, ConfirmationStatus
from ..schedule.models import Hearing

IN_A_VOLUME = 500
"""Rows of a printed register, some 60 pages: 8 seconds on an idle machine, 36 on a very busy one; 120 is the limit."""
ON_PAPER = 5_000
"""Rows that are printed, then in volumes."""
IN_A_BOOK = 20_000
"""Rows of a workbook: 2.4 seconds, 80 MB."""


class Column(NamedTuple):
    """One column: its head, its kind, its width in a workbook (characters) and on paper (points of 637)."""

    head: str
    kind: str
    wide: int
    points: float


COLUMNS = (
    Column("编号", "text", 9, 38),
    Column("期次", "text", 16, 43),
    Column("问题", "text", 22, 68),
    Column("提出人", "text", 12, 38),
    Column("承诺措施", "text", 34, 96),
    Column("主办单位", "text", 13, 44),
    Column("会办单位", "text", 14, 46),
    Column("完成时限", "date", 12, 43),
    Column("原定时限", "date", 12, 43),
    Column("状态", "text", 14, 45),
    Column("报完成或兑现", "date", 12, 43),
    Column("类别", "text", 6, 16),
    Column("代表确认", "text", 11, 33),
    Column("销号", "date", 12, 43),
)

STATUS_WORDS = {
    CommitmentStatus.OPEN: "办理中",
    CommitmentStatus.REPORTED: "已报完成",
    CommitmentStatus.KEPT: "已兑现",
    CommitmentStatus.RELEASED: "已解除",
}
LIGHT_WORDS = {"red": "逾期", "yellow": "临期", "green": "正常"}
CONFIRMATION_WORDS = {
    ConfirmationStatus.ASKED: "待确认",
    ConfirmationStatus.CONFIRMED: "已确认",
    ConfirmationStatus.REFUSED: "未同意",
    ConfirmationStatus.WAIVED: "免予确认",
    ConfirmationStatus.WITHDRAWN: "不再确认",
}
RESIDENT = "群众代表"


@dataclass(frozen=True)
class Register:
    """Rows as they are printed, in the order of `COLUMNS`, and how many there are in all."""

    as_of: date
    rows: list[list[Any]]
    total: int

    @property
    def is_cut(self) -> bool:
        return self.total > len(self.rows)


def register(user: Any, wanted: Filter, limit: int) -> Register:
    """The commitments this person may read, narrowed as the list is, by due date; at most `limit`.

    Two statements, one more when there are more than the limit.
    """
    clauses = promises_wanted(user, wanted)
    order = (Commitment.due_on, Commitment.id)
    found = db.session.execute(_rows(user, clauses).order_by(*order).limit(limit + 1)).all()
    total = len(found)
    if total > limit:
        total = db.session.scalar(select(func.count(Commitment.id)).where(*clauses)) or total
        found = found[:limit]
    helping: dict[int, list[str]] = defaultdict(list)
    if found:
        these = select(Commitment.id).where(*clauses).order_by(*order).limit(limit).subquery()
        for id_, name in db.session.execute(
            select(commitment_co_handler.c.commitment_id, Department.short_name)
            .join(Department, Department.id == commitment_co_handler.c.department_id)
            .join(these, these.c.id == commitment_co_handler.c.commitment_id)
            .order_by(Department.position, Department.id)
        ):
            helping[id_].append(name)
    return Register(today(), [_row(r, helping[r.id]) for r in found], total)


def _rows(user: Any, clauses: Sequence[Any]) -> Any:
    """The statement. What stands beside a promise is looked up along indexes, row by row."""
    first_date = (
        select(Extension.old_due_on)
        .where(Extension.commitment_id == Commitment.id, Extension.status == ExtensionStatus.GRANTED)
        .order_by(Extension.id)
        .limit(1)
        .scalar_subquery()
    )
    last_class = (
        select(Reply.result_class)
        .join(Assignment, Assignment.id == Reply.assignment_id)
        .where(Reply.issue_id == Issue.id, Assignment.part != Part.CO_HANDLER)
        .order_by(Reply.at.desc(), Reply.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    word = (
        select(Confirmation.status)
        .where(Confirmation.issue_id == Issue.id)
        .order_by(Confirmation.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return (
        select(
            Commitment.id,
            Commitment.measure,
            Commitment.due_on,
            Commitment.status,
            Commitment.reported_at,
            Commitment.closed_at,
            Issue.number,
            Issue.title,
            Issue.hearing_id,
            Issue.resident,
            Issue.community,
            Issue.status.label("issue_status"),
            Issue.closed_at.label("issue_closed_at"),
            Hearing.serial_no,
            Hearing.starts_at,
            Department.short_name.label("lead"),
            User.name.label("deputy"),
            first_date.label("first_date"),
            last_class.label("last_class"),
            word.label("word"),
            scoped("issue.read", user, Issue).label("is_readable"),
        )
        .join(Issue, Issue.id == Commitment.issue_id)
        .join(Hearing, Hearing.id == Issue.hearing_id)
        .join(Department, Department.id == Commitment.lead_id)
        .outerjoin(User, User.id == Issue.lead_deputy_id)
        .where(*clauses)
    )


def _row(r: Any, helping: Sequence[str]) -> list[Any]:
    held = r.starts_at.astimezone(LOCAL).date()
    when = f"{held:%Y-%m-%d}"
    status = CommitmentStatus(r.status)
    light = rules.light(r)
    words = STATUS_WORDS[status]
    if status == CommitmentStatus.OPEN or (status == CommitmentStatus.REPORTED and light == "red"):
        words += f"（{LIGHT_WORDS[light]}）"
    done = {CommitmentStatus.REPORTED: r.reported_at, CommitmentStatus.KEPT: r.closed_at}.get(status)
    struck_off = r.issue_closed_at if r.issue_status == IssueStatus.STRUCK_OFF else None
    return [
        rules.reference(r.serial_no, r.hearing_id, r.number),
        f"第{r.serial_no}期 {when}" if r.serial_no else when,
        r.title,
        _raised_by(r) if r.is_readable else "",
        r.measure,
        r.lead,
        "、".join(helping),
        r.due_on,
        r.first_date,
        words,
        _day(done),
        str(r.last_class or "") if r.is_readable else "",
        CONFIRMATION_WORDS[ConfirmationStatus(r.word)] if r.word and r.is_readable else "",
        _day(struck_off),
    ]


def _raised_by(r: Any) -> str:
    """The deputy; of a resident only that it was one."""
    if not (r.resident or r.community):
        return r.deputy or ""
    return f"{r.deputy}（群众反映）" if r.deputy else RESIDENT


def _day(moment: datetime | None) -> date | None:
    return moment.astimezone(LOCAL).date() if moment is not None else None


# -- words around the table ----------------------------------------------------------------------------


def volumes(told: Register) -> list[tuple[int, int]]:
    """The first and last row of each volume, counted from 0 and as slices are."""
    count = len(told.rows)
    return [(at, min(at + IN_A_VOLUME, count)) for at in range(0, max(count, 1), IN_A_VOLUME)]


def volume_words(number: int, of: int) -> str:
    """第2册，共6册."""
    return f"第{number}册，共{of}册"


def title() -> str:
    """北仑区人大代表民生夜询会承诺事项台账."""
    congress, system = current_app.config["CONGRESS"], current_app.config["SYSTEM_NAME"]
    return f"{congress.removesuffix('人大') if system.startswith('人大') else congress}{system}承诺事项台账"


def day_words(day: date) -> str:
    return f"{day.year}年{day.month}月{day.day}日"


def narrowing(form: Any) -> str:
    """What the register is narrowed to, in words: 范围：第9期；主办或会办单位：区交通运输局."""
    data = form.data
    said = []
    for field, word in (("hearing", ""), ("year", "年份"), ("street", "街道"), ("department", "单位")):
        if data[field]:
            offered = (str(text) for value, text in form[field].choices if str(value) == str(data[field]))
            label = next(offered, str(data[field]))
            said.append(f"{word}{'：' if word else ''}{label}")
    status = form.wanted().status
    said.append("全部承诺" if status == "all" else STATUS_WORDS.get(status, "尚未兑现的承诺"))
    if form.wanted().light in LIGHT_WORDS:
        said.append(LIGHT_WORDS[form.wanted().light])
    if data["due_from"] or data["due_to"]:
        start, end = (day_words(d) if d else "" for d in (data["due_from"], data["due_to"]))
        said.append(
            f"完成时限{start}至{end}" if start and end else f"完成时限{start}起" if start else f"完成时限至{end}"
        )
    if words := form.wanted().q:
        said.append(f"含“{inner(words)}”")
    return "；".join(said)


def cut_words(told: Register) -> str | None:
    """The sentence of a register that is not whole."""
    if not told.is_cut:
        return None
    return f"共{told.total}项，本表按完成时限列前{len(told.rows)}项；请缩小范围后另行导出其余事项。"


def book(told: Register, scope: str) -> dict[str, Any]:
    """The register for `documents.to_workbook`."""
    note = f"截至{day_words(told.as_of)}，共{told.total}项。范围：{scope}。{cut_words(told) or ''}"
    columns = [{"head": c.head, "width": c.wide, "kind": c.kind} for c in COLUMNS]
    return {
        "title": title(),
        "sheets": [{"name": "承诺事项台账", "columns": columns, "rows": told.rows, "note": note}],
    }


def papers(told: Register, scope: str) -> list[dict[str, Any]]:
    """The register for `documents.render("ledger", …)`: one paper, or its volumes."""
    parts = volumes(told)
    if len(parts) == 1:
        return [_paper(told.rows, told, scope)]
    made = []
    for number, (start, end) in enumerate(parts, 1):
        one = _paper(told.rows[start:end], told, scope)
        one["title"] += f"（{volume_words(number, len(parts))}）"
        one["as_of"] += f"　本册第{start + 1}至{end}项"
        if number < len(parts):
            one["note"] = None
        made.append(one)
    return made


def _paper(rows: list[list[Any]], told: Register, scope: str) -> dict[str, Any]:
    points = sum(c.points for c in COLUMNS)
    return {
        "language": "zh-CN",
        "organisation": current_app.config["OFFICE_NAME"],
        "title": title(),
        "scope": f"范围：{scope}",
        "as_of": f"截至{day_words(told.as_of)}　共{told.total}项",
        "columns": [{"head": c.head, "share": 100 * c.points / points} for c in COLUMNS],
        "rows": [[_printed(cell) for cell in row] for row in rows],
        "note": cut_words(told),
        "single_sided": current_app.config["SINGLE_SIDED"],
    }


_HELD = re.compile(r"(第[0-9]+期 )?([0-9]{4})-([0-9]{2})-([0-9]{2})")

_BRACKETED = re.compile("([^（）]{2,6})(（[^（）]{1,2}）)")
"""办理中（逾期）: what is in short brackets."""


def _printed(cell: Any) -> list[str]:
    """A cell's lines: a date stands on two, so its column may be narrow, and what is in short brackets on its own."""
    if isinstance(cell, date):
        return [f"{cell.year}年", f"{cell.month}月{cell.day}日"]
    if held := _HELD.fullmatch(cell or ""):
        serial = [held[1].strip()] if held[1] else []
        return [*serial, f"{held[2]}年", f"{int(held[3])}月{int(held[4])}日"]
    if held := _BRACKETED.fullmatch(cell or ""):
        return [held[1], held[2]]
    return [cell] if cell else []
