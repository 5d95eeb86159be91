"""Figures over many hearings, counted by the database: by year, street, department."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import and_, case, extract, func, or_, select

from ..db import db
from ..issues.models import Assignment, Issue, IssueStatus, Outcome, Part, Reply, ResultClass
from ..people.models import Department
from ..permissions import Clause, scoped
from ..schedule.models import Hearing
from .figures import Rate

BY = ("year", "street", "department")
MOST = 200
"""Rows of one table; a district has far fewer streets and offices."""


class Line(NamedTuple):
    """One row of the table: a year, a street, or a department."""

    name: Any
    accepted: int
    not_accepted: int
    struck_off: int
    explained: int
    transferred: int
    solved: int

    @property
    def tracked(self) -> int:
        return self.accepted - self.struck_off - self.explained - self.transferred

    @property
    def closure(self) -> Rate:
        return Rate(self.struck_off + self.explained, self.accepted)

    @property
    def resolution(self) -> Rate:
        return Rate(self.solved, self.accepted)


def _year() -> Any:
    return extract("year", Hearing.starts_at)


def years(user: Any) -> Sequence[int]:
    """Years with issues this person may read, newest first."""
    found = select(_year()).join(Issue, Issue.hearing_id == Hearing.id).where(scoped("issue.read", user, Issue))
    return [int(y) for y in db.session.scalars(found.distinct().order_by(_year().desc()).limit(50))]


def lines(user: Any, by: str, year: int | None) -> list[Line]:
    """Counts of the issues this person may read as they stand now, grouped. One statement."""
    last = (
        select(Reply.issue_id, func.max(Reply.id).label("id"))
        .join(Assignment, Assignment.id == Reply.assignment_id)
        .where(Assignment.part != Part.CO_HANDLER)
        .group_by(Reply.issue_id)
        .subquery()
    )
    refused: Clause = or_(
        Issue.status == IssueStatus.NOT_ACCEPTED,
        and_(
            func.coalesce(Issue.outcome, "") == Outcome.NOT_ACCEPTED.value,
            Issue.status.in_((IssueStatus.REGISTERED, IssueStatus.RETURNED)),
        ),
    )

    def counted(clause: Clause) -> Any:
        return func.sum(case((clause, 1), else_=0))

    statement = select(
        func.count(Issue.id),
        counted(refused),
        counted(Issue.status == IssueStatus.STRUCK_OFF),
        counted(Issue.status == IssueStatus.ANSWERED),
        counted(Issue.status == IssueStatus.TRANSFERRED),
        counted(and_(Reply.result_class == ResultClass.A, ~refused)),
    )
    key: Any
    if by == "street":
        key = Issue.street
    elif by == "department":
        key = Department.name
    else:
        key = _year()
    statement = (
        statement.add_columns(key.label("name"))
        .select_from(Issue)
        .join(Hearing, Hearing.id == Issue.hearing_id)
        .outerjoin(last, last.c.issue_id == Issue.id)
        .outerjoin(Reply, Reply.id == last.c.id)
        .where(scoped("issue.read", user, Issue))
    )
    if by == "department":
        leads = (
            select(Assignment.issue_id, func.max(Assignment.id).label("id"))
            .where(Assignment.part == Part.LEAD)
            .group_by(Assignment.issue_id)
            .subquery()
        )
        statement = (
            statement.outerjoin(leads, leads.c.issue_id == Issue.id)
            .outerjoin(Assignment, Assignment.id == leads.c.id)
            .outerjoin(Department, Department.id == Assignment.department_id)
        )
    if year is not None:
        statement = statement.where(_year() == year)
    rows = db.session.execute(statement.group_by(key).order_by(key.desc() if by == "year" else key).limit(MOST)).all()
    return [
        Line(
            int(r.name) if by == "year" else r.name,
            accepted=r[0] - r[1],
            not_accepted=r[1],
            struck_off=r[2],
            explained=r[3],
            transferred=r[4],
            solved=r[5],
        )
        for r in rows
    ]


def total(rows: Sequence[Line]) -> Line:
    """All rows together."""
    return Line(None, *(sum(r[n] for r in rows) for n in range(1, 7)))
