"""The figures of a hearing as of a date: what was accepted, closed, solved, answered in time, and how the room voted.

Nothing here is stored: statuses are read from the trail, replies and ballots by their dates, so a past day's
figures stay what they were. Definitions as in domain.md §2.3; each rate keeps numerator, denominator and date.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any, NamedTuple

from sqlalchemy import case, func, select

from ..audit import AuditEvent
from ..db import db, local, today
from ..issues.models import Assignment, Issue, IssueStatus, Outcome, Part, Reply, ResultClass
from ..people.models import Department
from ..reviews.models import Ballot, BallotVerdict
from ..schedule.models import Hearing


class Rate(NamedTuple):
    """A share; `filters.percent` prints it."""

    part: int
    whole: int


@dataclass(frozen=True)
class Figures:
    """Counts as of the end of a day."""

    as_of: date
    raised: int
    """All put on record by then, whether accepted or not."""
    accepted: int
    """受理: all but those not accepted (refused on the spot or declined)."""
    not_accepted: int
    struck_off: int
    """销号."""
    explained: int
    """解释答复办结."""
    transferred: int
    """Turned into a suggestion, or handed to a higher level: accepted, and no longer tracked here."""
    tracked: int
    """跟踪中."""
    classes: Mapping[str, int]
    """A, B, C, D of the latest reply of each accepted issue."""
    closure: Rate
    """办结率: (struck off + explained) / accepted."""
    resolution: Rate
    """解决率: A / accepted."""
    replied: Rate
    """办复率: with a reply / assigned."""
    on_time: Rate
    """按期率: first reply within its limit / replied."""
    night: Mapping[str, int]
    """Verdicts of the hearing's own ballot."""
    latest: Mapping[str, int]
    """The latest verdict of each issue by then, wherever it was voted on."""


class IssueRow(NamedTuple):
    """An issue as it stood on the day."""

    id: int
    status: str
    outcome: str | None


class AnswerRow(NamedTuple):
    """An assignment that is answered for the issue (not a co-handler's opinion), and one of its replies."""

    issue_id: int
    assigned_on: date
    due_on: date
    returned_at: datetime | None
    at: datetime | None
    result_class: str | None
    office: str


class BallotRow(NamedTuple):
    """One count."""

    issue_id: int
    hearing_id: int
    voters: str
    verdict: str
    held_at: datetime


BOXES = {"all": 0, "deputies": 1, "residents": 2}
"""Where boxes were counted apart, the whole room's count before the deputies', before the residents'."""


def end_of(day: date) -> datetime:
    """The first moment after a local day."""
    return local(day + timedelta(days=1), time())


def figures(hearing: Hearing, as_of: date | None = None) -> Figures:
    """The figures of a hearing's own issues as of the end of that day (default: today). At most 4 statements."""
    as_of = as_of or today()
    return count(
        hearing.id,
        issue_rows(Issue.hearing_id == hearing.id, as_of),
        answer_rows(Issue.hearing_id == hearing.id),
        ballot_rows(Issue.hearing_id == hearing.id),
        as_of,
    )


def issue_rows(which: Any, as_of: date) -> list[IssueRow]:
    """The issues in `which` (a clause on Issue) with status and outcome of that day, from the trail."""
    now_rows = db.session.execute(select(Issue.id, Issue.hearing_id, Issue.status, Issue.outcome).where(which)).all()
    if as_of >= today():
        return [IssueRow(r.id, r.status, r.outcome) for r in now_rows]
    statuses, outcomes = past({r.hearing_id for r in now_rows}, as_of)
    return [IssueRow(r.id, statuses[r.id], outcomes.get(r.id)) for r in now_rows if r.id in statuses]


def past(hearing_ids: Iterable[int], as_of: date) -> tuple[dict[int, str], dict[int, str | None]]:
    """Status and on-the-spot outcome of each issue of these hearings at the end of that day. One statement."""
    ids = set(hearing_ids)
    if not ids:
        return {}, {}
    told_outcome = AuditEvent.action.in_(("issue.outcome", "issue.decline"))
    kind = case((AuditEvent.action == "issue.outcome", 1), else_=0)
    newest = (
        select(func.max(AuditEvent.id))
        .where(
            AuditEvent.hearing_id.in_(ids),
            AuditEvent.subject_type == "issue",
            AuditEvent.at < end_of(as_of),
            AuditEvent.status.is_not(None) | told_outcome,
        )
        .group_by(AuditEvent.subject_id, kind)
    )
    statuses: dict[int, str] = {}
    outcomes: dict[int, str | None] = {}
    lines = select(AuditEvent.subject_id, AuditEvent.action, AuditEvent.status, AuditEvent.details)
    for id_, action, status, details in db.session.execute(lines.where(AuditEvent.id.in_(newest))):
        if action == "issue.outcome":
            outcomes[id_] = details.get("outcome")
        elif status is not None:
            statuses[id_] = status
    return statuses, outcomes


def answers(which: Any) -> Any:
    """The statement: who answers for the issues in `which`, with every reply, oldest first."""
    return (
        select(
            Assignment.issue_id,
            Assignment.assigned_on,
            Assignment.due_on,
            Assignment.returned_at,
            Reply.at,
            Reply.result_class,
            Department.short_name.label("office"),
        )
        .join(Department, Department.id == Assignment.department_id)
        .join(Issue, Issue.id == Assignment.issue_id)
        .outerjoin(Reply, Reply.assignment_id == Assignment.id)
        .where(which, Assignment.part != Part.CO_HANDLER)
        .order_by(Reply.at, Reply.id)
    )


def answer_rows(which: Any) -> Sequence[Any]:
    """Who answers for the issues in `which`, with every reply, oldest first. One statement."""
    return db.session.execute(answers(which)).all()


def ballot_rows(which: Any) -> Sequence[Any]:
    """All counts of the issues in `which`. One statement."""
    return db.session.execute(
        select(Ballot.issue_id, Ballot.hearing_id, Ballot.voters, Ballot.verdict, Hearing.starts_at.label("held_at"))
        .join(Issue, Issue.id == Ballot.issue_id)
        .join(Hearing, Hearing.id == Ballot.hearing_id)
        .where(which)
    ).all()


def count(
    hearing_id: int | None,
    issues: Iterable[IssueRow],
    answers: Iterable[Any],
    ballots: Iterable[Any],
    as_of: date,
) -> Figures:
    """Count rows; `answers` and `ballots` may hold later ones and other issues' (left out here)."""
    until = end_of(as_of)
    rows = list(issues)
    refused = {
        i.id
        for i in rows
        if i.status == IssueStatus.NOT_ACCEPTED
        or (i.outcome == Outcome.NOT_ACCEPTED and i.status in (IssueStatus.REGISTERED, IssueStatus.RETURNED))
    }
    accepted = {i.id: i.status for i in rows if i.id not in refused}
    statuses = Counter(str(s) for s in accepted.values())
    assigned: set[int] = set()
    first: dict[int, bool] = {}
    last: dict[int, str] = {}
    for answer in answers:
        if answer.issue_id not in accepted:
            continue
        if answer.assigned_on <= as_of and (answer.returned_at is None or answer.returned_at >= until):
            assigned.add(answer.issue_id)
        if answer.at is not None and answer.at < until:
            first.setdefault(answer.issue_id, answer.at < end_of(answer.due_on))
            last[answer.issue_id] = str(answer.result_class)
    classes = Counter(last.values())
    closed = statuses[IssueStatus.STRUCK_OFF] + statuses[IssueStatus.ANSWERED]
    night: dict[int, str] = {}
    latest: dict[int, str] = {}
    for ballot in sorted(ballots, key=lambda b: (b.held_at, -BOXES.get(b.voters, 3))):
        if ballot.issue_id in accepted and ballot.held_at < until:
            latest[ballot.issue_id] = ballot.verdict
            if ballot.hearing_id == hearing_id:
                night[ballot.issue_id] = ballot.verdict
    whole = len(accepted)
    return Figures(
        as_of=as_of,
        raised=len(rows),
        accepted=whole,
        not_accepted=len(refused),
        struck_off=statuses[IssueStatus.STRUCK_OFF],
        explained=statuses[IssueStatus.ANSWERED],
        transferred=statuses[IssueStatus.TRANSFERRED],
        tracked=whole - closed - statuses[IssueStatus.TRANSFERRED],
        classes={c.value: classes[c.value] for c in ResultClass},
        closure=Rate(closed, whole),
        resolution=Rate(classes["A"], whole),
        replied=Rate(len(last), len(assigned)),
        on_time=Rate(sum(first.values()), len(first)),
        night=_verdicts(night),
        latest=_verdicts(latest),
    )


def _verdicts(by_issue: Mapping[int, str]) -> dict[str, int]:
    counts = Counter(str(v) for v in by_issue.values())
    return {v.value: counts[v.value] for v in BallotVerdict}
