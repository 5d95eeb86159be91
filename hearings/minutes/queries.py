"""What minutes are composed from, and which versions somebody may read."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ..db import db
from ..issues.models import (
    Assignment,
    AssignmentStatus,
    Commitment,
    Exchange,
    Extension,
    ExtensionStatus,
    Issue,
    IssueStatus,
)
from ..permissions import scoped
from ..reviews.models import AgendaItem, Ballot, Finding
from ..schedule.models import Hearing, HearingKind, HearingStatus, Participant
from .models import Minutes, MinutesStatus


def latest(hearing: Hearing, *, lock: bool = False) -> Minutes | None:
    """The newest version, in whatever status; with `lock` nobody else changes it until the end (PostgreSQL)."""
    newest = select(Minutes).where(Minutes.hearing_id == hearing.id).order_by(Minutes.version.desc()).limit(1)
    if lock:
        newest = newest.with_for_update().execution_options(populate_existing=True)
    return db.session.scalar(newest)


def versions(hearing: Hearing, user: Any) -> Sequence[Minutes]:
    """The versions this person may read, newest first."""
    return db.session.scalars(
        select(Minutes)
        .where(Minutes.hearing_id == hearing.id, scoped("minutes.read", user, Minutes))
        .options(joinedload(Minutes.drafted_by), joinedload(Minutes.reviewed_by), joinedload(Minutes.published_by))
        .order_by(Minutes.version.desc())
    ).all()


def published(hearing: Hearing, user: Any, version: int | None = None) -> Minutes | None:
    """The latest published version this person may read, or the one asked for."""
    wanted = select(Minutes).where(
        Minutes.hearing_id == hearing.id,
        Minutes.status == MinutesStatus.PUBLISHED,
        scoped("minutes.read", user, Minutes),
    )
    if version is not None:
        wanted = wanted.where(Minutes.version == version)
    return db.session.scalar(wanted.order_by(Minutes.version.desc()).limit(1))


def is_published(hearing_id: int) -> bool:
    """Whether any version of the hearing's minutes has been published."""
    found = select(func.count()).select_from(Minutes)
    return bool(
        db.session.scalar(found.where(Minutes.hearing_id == hearing_id, Minutes.status == MinutesStatus.PUBLISHED))
    )


# -- the record ----------------------------------------------------------------------------------------


@dataclass
class Record:
    """All of a hearing that its minutes tell."""

    hearing: Hearing
    seats: Sequence[Participant]
    issues: list[Issue]
    """Its own, then those on its agenda, each in order."""
    own: set[int]
    exchanges: dict[int, list[Exchange]] = field(default_factory=lambda: defaultdict(list))
    commitments: dict[int, list[Commitment]] = field(default_factory=lambda: defaultdict(list))
    first_dates: dict[int, Any] = field(default_factory=dict)
    """Of a promise whose date has moved: the date given in the room."""
    assignments: dict[int, list[Assignment]] = field(default_factory=lambda: defaultdict(list))
    ballots: dict[int, Ballot] = field(default_factory=dict)
    findings: dict[int, list[Finding]] = field(default_factory=lambda: defaultdict(list))
    last_time: tuple[int, int, int, int] | None = None
    """Of the evening before: its number, issues accepted, of these struck off and explained by then."""


def record_of(hearing: Hearing) -> Record:
    """Fetch everything, in a number of statements that does not grow."""
    seats = db.session.scalars(
        select(Participant)
        .where(Participant.hearing_id == hearing.id)
        .options(joinedload(Participant.department))
        .order_by(Participant.position, Participant.id)
    ).all()
    agenda = select(AgendaItem.issue_id).where(AgendaItem.hearing_id == hearing.id)
    found = db.session.scalars(
        select(Issue)
        .where(or_(Issue.hearing_id == hearing.id, Issue.id.in_(agenda)))
        .options(joinedload(Issue.lead_deputy), selectinload(Issue.cosigners), joinedload(Issue.hearing))
        .order_by(Issue.hearing_id, Issue.position, Issue.id)
    ).unique()
    issues = sorted(found, key=lambda i: i.hearing_id != hearing.id)
    record = Record(hearing, seats, issues, {i.id for i in issues if i.hearing_id == hearing.id})
    these = select(Issue.id).where(or_(Issue.hearing_id == hearing.id, Issue.id.in_(agenda)))
    for turn in db.session.scalars(
        select(Exchange)
        .join(Issue)
        .where(Issue.hearing_id == hearing.id)
        .options(joinedload(Exchange.department))
        .order_by(Exchange.issue_id, Exchange.position, Exchange.id)
    ):
        record.exchanges[turn.issue_id].append(turn)
    for promise in db.session.scalars(
        select(Commitment)
        .where(Commitment.issue_id.in_(these))
        .options(joinedload(Commitment.lead), selectinload(Commitment.co_handlers))
        .order_by(Commitment.issue_id, Commitment.position, Commitment.id)
    ).unique():
        if hearing.filed_at is None or promise.made_at <= hearing.filed_at:
            record.commitments[promise.issue_id].append(promise)
    for id_, day in db.session.execute(
        select(Extension.commitment_id, Extension.old_due_on)
        .join(Commitment)
        .where(Commitment.issue_id.in_(these), Extension.status == ExtensionStatus.GRANTED)
        .order_by(Extension.id)
    ):
        record.first_dates.setdefault(id_, day)
    for part in db.session.scalars(
        select(Assignment)
        .where(Assignment.issue_id.in_(these), Assignment.status != AssignmentStatus.RETURNED)
        .options(joinedload(Assignment.department))
        .order_by(Assignment.issue_id, Assignment.round, Assignment.id)
    ):
        parts = record.assignments[part.issue_id]
        if not parts or parts[0].round == part.round:  # what was handed over first; later rounds are later papers'
            parts.append(part)
    order = {"residents": 0, "deputies": 1, "all": 2}
    for ballot in sorted(
        db.session.scalars(select(Ballot).where(Ballot.hearing_id == hearing.id)),
        key=lambda b: (order.get(b.voters, 0), b.id),
    ):
        record.ballots[ballot.issue_id] = ballot
    for finding in db.session.scalars(
        select(Finding)
        .where(Finding.hearing_id == hearing.id)
        .options(joinedload(Finding.commitment))
        .order_by(Finding.id)
    ):
        record.findings[finding.issue_id].append(finding)
    record.last_time = _last_time(hearing)
    return record


def _last_time(hearing: Hearing) -> tuple[int, int, int, int] | None:
    if hearing.kind != HearingKind.NIGHT_HEARING or not hearing.serial_no:
        return None
    before = db.session.execute(
        select(Hearing.id, Hearing.serial_no)
        .where(
            Hearing.series == hearing.series,
            Hearing.serial_no < hearing.serial_no,
            Hearing.status.in_((HearingStatus.CONCLUDED, HearingStatus.FILED)),
        )
        .order_by(Hearing.serial_no.desc())
        .limit(1)
    ).one_or_none()
    if before is None:
        return None
    accepted = struck_off = explained = 0
    for status, closed_at in db.session.execute(
        select(Issue.status, Issue.closed_at).where(Issue.hearing_id == before.id)
    ):
        if status == IssueStatus.NOT_ACCEPTED:
            continue
        accepted += 1
        if closed_at is not None and closed_at < hearing.starts_at:
            struck_off += status == IssueStatus.STRUCK_OFF
            explained += status == IssueStatus.ANSWERED
    return before.serial_no, accepted, struck_off, explained
