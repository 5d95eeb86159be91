"""What minutes are composed from, and which versions somebody may read."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import aliased, defer, joinedload, selectinload

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
from ..people.models import Department, User
from ..permissions import scoped
from ..reviews.models import AgendaItem, Ballot, Finding
from ..schedule.models import Capacity, Hearing, HearingKind, HearingStatus, Participant
from .models import Download, Minutes, MinutesStatus, Release


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


def is_corrected_at_once(minutes: Minutes) -> bool:
    """Whether a correction was begun before anybody was told of this version (NEWS_DELAY): the next one is waited for.

    What is published stays sealed; that nobody is sent to it is all that can honestly be taken back. One statement.
    """
    if minutes.published_at is None:
        return False
    told_at = minutes.published_at + timedelta(seconds=float(current_app.config["NEWS_DELAY"]))
    begun = exists().where(
        Minutes.hearing_id == minutes.hearing_id, Minutes.version > minutes.version, Minutes.drafted_at <= told_at
    )
    return bool(db.session.scalar(select(begun)))


# -- what went out -------------------------------------------------------------------------------------


def releases(hearing: Hearing) -> Sequence[Release]:
    """All public renderings of a hearing's minutes, newest first, the withdrawn ones too."""
    return db.session.scalars(
        select(Release)
        .where(Release.hearing_id == hearing.id)
        .options(
            joinedload(Release.released_by),
            joinedload(Release.withdrawn_by),
            joinedload(Release.minutes).load_only(Minutes.version),
            defer(Release.content),
            defer(Release.decisions),
        )
        .order_by(Release.id.desc())
    ).all()


def released(minutes: Minutes) -> Release | None:
    """The public rendering of this version that is open to everybody now."""
    return db.session.scalar(
        select(Release)
        .where(Release.minutes_id == minutes.id, Release.withdrawn_at.is_(None))
        .order_by(Release.id.desc())
        .limit(1)
    )


def decided_before(hearing: Hearing) -> dict[str, tuple[str, str | None]]:
    """What was decided on each spot when the hearing's minutes were last released: spot key -> (choice, reason).

    A spot's key is made of its place and words, so what has changed since is asked anew. One statement.
    """
    decisions = db.session.scalar(
        select(Release.decisions).where(Release.hearing_id == hearing.id).order_by(Release.id.desc()).limit(1)
    )
    return {d["spot"]: (d["choice"], d.get("reason")) for d in decisions or ()}


def public_release(code: str) -> Release | None:
    """The rendering with this code: the one that is open, else the last that was."""
    return db.session.scalar(
        select(Release)
        .where(Release.code == code)
        .order_by(Release.withdrawn_at.is_not(None), Release.id.desc())
        .options(defer(Release.content), defer(Release.decisions))
        .limit(1)
    )


def public_list(before: int | None, size: int) -> Sequence[Any]:
    """(id, code, title, version, issued_on, has_word) of what is open to everybody, of each hearing the newest,

    one more than `size`; `before`: the id that the page before ended with.
    """
    later = aliased(Release)
    newest = (
        select(func.max(later.id))
        .where(later.hearing_id == Release.hearing_id, later.withdrawn_at.is_(None))
        .correlate(Release)
        .scalar_subquery()
    )
    wanted = (
        select(
            Release.id,
            Release.code,
            Release.title,
            Minutes.version,
            Minutes.issued_on,
            Release.docx_sha256.is_not(None).label("has_word"),
        )
        .join(Minutes, Minutes.id == Release.minutes_id)
        .where(Release.withdrawn_at.is_(None), Release.id == newest)
        .order_by(Release.id.desc())
        .limit(size + 1)
    )
    if before is not None:
        wanted = wanted.where(Release.id < before)
    return db.session.execute(wanted).all()


class Known(NamedTuple):
    """Names that the record knows."""

    private: frozenset[str] = frozenset()
    """Of residents and of guests without office: found wherever they stand."""
    office: frozenset[str] = frozenset()
    """Of people who hold one: not asked about where their title stands before the name."""


def known_names(hearing: Hearing) -> Known:
    """The names that the record of a hearing holds: of people without office, and of those who have one."""
    private: set[str] = set()
    office = set(db.session.scalars(select(User.name)))
    for seat in db.session.scalars(select(Participant).where(Participant.hearing_id == hearing.id)):
        named = {n.strip() for n in (seat.name, seat.stand_in_name) if n and n.strip()}
        if seat.department_id is None and seat.user_id is None and seat.capacity in WITHOUT_OFFICE:
            private |= named
        else:
            office |= named
    agenda = select(AgendaItem.issue_id).where(AgendaItem.hearing_id == hearing.id)
    these = or_(Issue.hearing_id == hearing.id, Issue.id.in_(agenda))
    private |= {n.strip() for n in db.session.scalars(select(Issue.resident).where(these)) if n and n.strip()}
    units = set(db.session.scalars(select(Department.name))) | set(db.session.scalars(select(Department.short_name)))
    spoken = select(Exchange.speaker).join(Issue).where(these, Exchange.department_id.is_(None))
    speakers = {s.strip() for s in db.session.scalars(spoken) if s and s.strip()}
    for_an_office = select(Exchange.speaker).join(Issue).where(these, Exchange.department_id.is_not(None))
    office |= {s.strip() for s in db.session.scalars(for_an_office) if s and s.strip()} - private - units
    private |= speakers - office - units
    return Known(frozenset(n for n in private if n not in GENERIC), frozenset(office))


WITHOUT_OFFICE = (Capacity.RESIDENT, Capacity.OBSERVER)
GENERIC = frozenset({"代表", "居民", "居民代表", "选民代表", "群众", "选民", "主持人", "会议主持人"})


class Fetched(NamedTuple):
    """Whether a department has fetched a version."""

    name: str
    first_at: datetime | None
    last_at: datetime | None
    times: int
    formats: str


def fetched(minutes: Minutes) -> list[Fetched]:
    """Each department that was invited: when it fetched this version, in protocol order. Two statements."""
    invited = db.session.execute(
        select(Department.id, Department.name, Department.successor_id)
        .join(Participant, Participant.department_id == Department.id)
        .where(Participant.hearing_id == minutes.hearing_id)
        .group_by(Department.id, Department.name, Department.successor_id, Department.position)
        .order_by(Department.position, Department.id)
    ).all()
    counted: dict[int, list[Any]] = defaultdict(list)
    for row in db.session.execute(
        select(
            Download.department_id,
            Download.format,
            func.min(Download.at).label("first"),
            func.max(Download.at).label("last"),
            func.count().label("times"),
        )
        .where(Download.minutes_id == minutes.id, Download.department_id.is_not(None))
        .group_by(Download.department_id, Download.format)
        .order_by(Download.format.desc())
    ):
        counted[row.department_id].append(row)
    found = []
    for id_, name, successor in invited:
        rows = [*counted[id_], *(counted[successor] if successor else ())]
        found.append(
            Fetched(
                name,
                min((r.first for r in rows), default=None),
                max((r.last for r in rows), default=None),
                sum(r.times for r in rows),
                "、".join(dict.fromkeys(FORMATS[r.format] for r in rows)),
            )
        )
    return found


FORMATS = {"pdf": "PDF", "docx": "Word"}


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
        .options(joinedload(Participant.department), selectinload(Participant.user).selectinload(User.stations))
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
