"""What the reviews room reads: the night's screen, look-backs with their agenda, confirmations, ballots.

Each function asks a fixed number of statements, whatever the number of rows.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Integer, Select, and_, bindparam, case, exists, func, or_, select, true, tuple_
from sqlalchemy.orm import aliased, contains_eager, joinedload, lazyload, load_only

from ..db import db, now, today
from ..files import Blob, StoredFile
from ..issues.models import (
    CLOSED,
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    Exchange,
    Issue,
    IssueFile,
    IssueStatus,
    Outcome,
    Part,
    Reply,
)
from ..issues.rules import light, soon
from ..people.models import Department, User, UserRole
from ..permissions import Role, scoped
from ..schedule.models import (
    AttendanceList,
    Came,
    Capacity,
    Hearing,
    HearingKind,
    HearingStatus,
    Participant,
    Station,
    Topic,
    topic_department,
)
from .models import AgendaItem, Ballot, Confirmation, ConfirmationStatus, Finding, FindingFile

LOOKING_BACK = (HearingKind.LOOK_BACK, HearingKind.EVALUATION_MEETING, HearingKind.GROUP_CONSULTATION)
"""The kinds of meetings that stand under /look-backs/."""

UNRESOLVED = (IssueStatus.ASSIGNED, IssueStatus.RETURNED, IssueStatus.IN_HANDLING, IssueStatus.REPLIED)
"""What a look-back may gather: handed over, and not closed."""

OVER = (HearingStatus.CONCLUDED, HearingStatus.FILED)
EXACT = 1000
LIGHTS = ("red", "yellow", "green", "blue", "grey")

# -- ballots -------------------------------------------------------------------------------------------


def rule_words(ballot: Ballot) -> str:
    """The rule that gave a verdict, in a sentence, as it is printed under every table."""
    rule = ballot.rule
    base = {
        "issued": _("%(of)d ballots handed out", of=rule["of"]),
        "present": _("%(of)d present", of=rule["of"]),
        "valid": _("%(of)d valid ballots", of=rule["of"]),
    }[rule["denominator"]]
    return _(
        "Base: %(base)s. “Satisfied” from %(threshold)d votes: satisfied; else satisfied and basically satisfied "
        "together from %(threshold)d: basically satisfied; else dissatisfied.",
        base=base,
        threshold=rule["threshold"],
    )


def ballots_of(hearing: Hearing) -> dict[int, Ballot]:
    """The counts of one meeting by issue id (the common box). One statement."""
    rows = db.session.scalars(select(Ballot).where(Ballot.hearing_id == hearing.id, Ballot.voters == "all"))
    return {ballot.issue_id: ballot for ballot in rows}


def latest_ballots(issue_ids: Iterable[int]) -> dict[int, Ballot]:
    """The latest count of each issue, at whatever meeting. One statement."""
    rows = db.session.scalars(
        select(Ballot).where(Ballot.issue_id.in_(list(issue_ids)), Ballot.voters == "all").order_by(Ballot.at)
    )
    return {ballot.issue_id: ballot for ballot in rows}


# -- findings and confirmations ------------------------------------------------------------------------


def findings_of(hearing: Hearing) -> dict[int, list[Finding]]:
    """What one meeting found, by issue id, in the order recorded. One statement (evidence: `evidence_of`)."""
    found: dict[int, list[Finding]] = defaultdict(list)
    rows = db.session.scalars(
        select(Finding)
        .where(Finding.hearing_id == hearing.id)
        .options(joinedload(Finding.commitment), joinedload(Finding.by).options(*_name_only()))
        .order_by(Finding.id)
    )
    for finding in rows:
        found[finding.issue_id].append(finding)
    return found


def last_findings(issue_ids: Iterable[int]) -> dict[int, Finding]:
    """The latest finding of each issue, with its meeting. One statement."""
    newest = select(func.max(Finding.id)).where(Finding.issue_id.in_(list(issue_ids))).group_by(Finding.issue_id)
    rows = db.session.scalars(
        select(Finding).where(Finding.id.in_(newest)).options(joinedload(Finding.hearing), joinedload(Finding.by))
    )
    return {finding.issue_id: finding for finding in rows}


def evidence_of(finding_ids: Iterable[int]) -> dict[int, list[FindingFile]]:
    """Evidence by finding id. One statement."""
    kept: dict[int, list[FindingFile]] = defaultdict(list)
    rows = db.session.scalars(
        select(FindingFile).where(FindingFile.finding_id.in_(list(finding_ids))).order_by(FindingFile.id)
    )
    for link in rows:
        kept[link.finding_id].append(link)
    return kept


def confirmation_states(issue_ids: Iterable[int]) -> dict[int, Confirmation]:
    """The standing question or answer of each issue in its present round. One statement."""
    rows = db.session.scalars(
        select(Confirmation)
        .join(Issue, and_(Issue.id == Confirmation.issue_id, Issue.round == Confirmation.round))
        .where(Confirmation.issue_id.in_(list(issue_ids)))
        .options(joinedload(Confirmation.deputy).options(*_name_only()))
        .order_by(Confirmation.id)
    )
    return {row.issue_id: row for row in rows}


def _name_only() -> tuple[Any, ...]:
    """A person's name and whether the person is still there; nothing else of the row's relations."""
    return (load_only(User.id, User.name, User.active), lazyload(User.department), lazyload(User.role_rows))


def waiting_for(deputy: User) -> Sequence[Confirmation]:
    """What waits for a deputy's word, the most urgent first."""
    return db.session.scalars(
        select(Confirmation)
        .where(Confirmation.deputy_id == deputy.id, Confirmation.status == ConfirmationStatus.ASKED)
        .options(joinedload(Confirmation.issue).joinedload(Issue.hearing).lazyload(Hearing.station))
        .order_by(Confirmation.due_on, Confirmation.id)
    ).all()


@dataclass
class ConfirmationPage:
    """A page of confirmations, and the row that the page before and the one after it hang on."""

    rows: Sequence[Confirmation]
    newer: int | None
    older: int | None


def confirmations(
    user: User, state: str = "asked", *, after: int | None = None, before: int | None = None, size: int = 50
) -> ConfirmationPage:
    """Confirmations this person may see: those waiting by date, or the answered ones, latest first.

    `after` and `before` are the confirmation that the wanted page follows or precedes; one that is not there is as
    none. At most two statements.
    """
    waiting = state == "asked"
    key = (Confirmation.due_on, Confirmation.id) if waiting else (Confirmation.answered_at, Confirmation.id)
    order = [part if waiting else part.desc() for part in key]
    found = (
        select(Confirmation)
        .where(
            scoped("confirmation.read", user, Confirmation),
            Confirmation.status == ConfirmationStatus.ASKED
            if waiting
            else Confirmation.status != ConfirmationStatus.ASKED,
        )
        .options(
            joinedload(Confirmation.issue).joinedload(Issue.hearing).lazyload(Hearing.station),
            joinedload(Confirmation.deputy).options(*_name_only()),
        )
    )
    number = after if after is not None else before
    start = db.session.execute(select(*key).where(Confirmation.id == number)).one_or_none() if number else None
    if start is not None and None in start:
        start = None
    backwards = start is not None and after is None
    if start is not None:
        later = tuple_(*key) > tuple_(*start)
        earlier = tuple_(*key) < tuple_(*start)
        found = found.where(later if waiting != backwards else earlier)
    if backwards:
        order = [part.desc() if waiting else part for part in key]
    rows = list(db.session.scalars(found.order_by(*order).limit(size + 1)))
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    is_first, is_last = (not more, False) if backwards else (start is None, not more)
    if not rows:
        return ConfirmationPage([], None, None)
    return ConfirmationPage(rows, None if is_first else rows[0].id, None if is_last else rows[-1].id)


def number_waiting(user: User) -> int:
    """How many confirmations are waiting that this person may see."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Confirmation)
            .where(scoped("confirmation.read", user, Confirmation), Confirmation.status == ConfirmationStatus.ASKED)
        )
        or 0
    )


@dataclass
class ShortStory:
    """What a deputy needs to see before confirming: promised, reported, found, with pictures."""

    commitments: Sequence[Commitment]
    replies: Sequence[Reply]
    findings: Sequence[Finding]
    files: Sequence[IssueFile]
    evidence: Mapping[int, list[FindingFile]]
    ballots: Sequence[Ballot]


def short_story(issue: Issue, *, briefly: bool = False) -> ShortStory:
    """The issue's promises and replies; unless `briefly` its findings, pictures and counts. Two or six statements."""
    commitments = db.session.scalars(
        select(Commitment)
        .where(Commitment.issue_id == issue.id)
        .options(joinedload(Commitment.lead))
        .order_by(Commitment.position)
    ).all()
    replies = db.session.scalars(
        select(Reply)
        .where(Reply.issue_id == issue.id)
        .options(joinedload(Reply.assignment).joinedload(Assignment.department))
        .order_by(Reply.at)
    ).all()
    if briefly:
        return ShortStory(commitments, replies, (), (), {}, ())
    findings = db.session.scalars(
        select(Finding)
        .where(Finding.issue_id == issue.id)
        .options(joinedload(Finding.hearing).lazyload(Hearing.station))
        .order_by(Finding.id)
    ).all()
    files = db.session.scalars(select(IssueFile).where(IssueFile.issue_id == issue.id).order_by(IssueFile.id)).all()
    ballots = db.session.scalars(
        select(Ballot)
        .where(Ballot.issue_id == issue.id)
        .options(joinedload(Ballot.hearing).lazyload(Hearing.station))
        .order_by(Ballot.at)
    ).all()
    return ShortStory(commitments, replies, findings, files, evidence_of(f.id for f in findings), ballots)


def whole_confirmation(row: Confirmation) -> Confirmation:
    """The same row with its issue, hearing and deputy at hand. One statement."""
    return db.session.scalars(
        select(Confirmation)
        .where(Confirmation.id == row.id)
        .options(
            joinedload(Confirmation.issue).joinedload(Issue.hearing).lazyload(Hearing.station),
            joinedload(Confirmation.deputy).options(*_name_only()),
        )
        .execution_options(populate_existing=True)
    ).one()


def whole_issue(issue: Issue) -> Issue:
    """The same row with its hearing and deputy at hand. One statement."""
    return db.session.scalars(
        select(Issue)
        .where(Issue.id == issue.id)
        .options(
            joinedload(Issue.hearing).lazyload(Hearing.station), joinedload(Issue.lead_deputy).options(*_name_only())
        )
        .execution_options(populate_existing=True)
    ).one()


def finding_file(id_: int, user: User) -> FindingFile | None:
    """Evidence that this person may see: whoever may read the issue."""
    return db.session.scalar(
        select(FindingFile)
        .join(Finding, Finding.id == FindingFile.finding_id)
        .join(Issue, Issue.id == Finding.issue_id)
        .where(FindingFile.id == id_, scoped("issue.read", user, Issue))
    )


def bytes_of(file: StoredFile, small: bool) -> bytes:
    """What to send: the file, or its small picture."""
    digest = file.thumb_sha256 if small and file.thumb_sha256 else file.sha256
    return db.session.get_one(Blob, digest).data


# -- the night -----------------------------------------------------------------------------------------


@dataclass
class LastItem:
    """One issue of the last hearing, and what became of it."""

    issue: Issue
    commitments: list[Commitment] = field(default_factory=list)

    @property
    def light(self) -> str | None:
        """The most urgent light of its promises, None without promises."""
        lights = {light(c) for c in self.commitments}
        return next((key for key in LIGHTS if key in lights), None)


def last_time(hearing: Hearing, user: User | None = None) -> list[LastItem]:
    """The issues of the evening hearing before this one, open and since closed, with their promises.

    With `user` only what that person may read (then also: the last hearing that person may read). One statement.
    """
    other = aliased(Hearing)
    before = select(other.id).where(
        other.kind == HearingKind.NIGHT_HEARING,
        other.starts_at < hearing.starts_at,
        other.id != hearing.id,
        other.status.in_(OVER),
    )
    readable: ColumnElement[bool] = true()
    if user is not None:
        mine = select(Hearing.id).where(scoped("hearing.read", user, Hearing))
        before = before.where(other.id.in_(mine))
        readable = scoped("issue.read", user, Issue)
    previous = before.order_by(other.starts_at.desc(), other.id.desc()).limit(1).scalar_subquery()
    rows = db.session.execute(
        select(Issue, Commitment)
        .join(Issue.hearing)
        .outerjoin(Commitment, Commitment.issue_id == Issue.id)
        .outerjoin(Commitment.lead)
        .where(Issue.hearing_id == previous, readable)
        .options(
            contains_eager(Issue.hearing).lazyload(Hearing.station),
            contains_eager(Commitment.lead),
        )
        .order_by(Issue.number, Commitment.position)
    ).unique()
    items: dict[int, LastItem] = {}
    for issue, commitment in rows:
        item = items.setdefault(issue.id, LastItem(issue))
        if commitment is not None:
            item.commitments.append(commitment)
    return list(items.values())


class Person(NamedTuple):
    """Somebody to choose."""

    id: int
    name: str


@dataclass
class Upcoming:
    """A topic that has not been taken up yet."""

    id: int
    title: str
    street: str | None
    deputy: str
    offices: list[str] = field(default_factory=list)


@dataclass
class Night:
    """Everything the session screen shows. Lists are rows of columns; only what is opened is whole."""

    seats: Sequence[Any]
    topics: list[Upcoming]
    issues: Sequence[Any]
    """In their order: id, number, title, outcome, is_late, street, lead_deputy_id, deputy, promised, verdict."""
    departments: Sequence[Department]
    current: Issue | None
    ballot: Ballot | None = None
    promises: list[Commitment] = field(default_factory=list)
    exchanges: Sequence[Exchange] = ()

    @property
    def offered(self) -> list[Department]:
        """The departments that may promise: those there are now; the ones in the room first."""
        here = {seat.department_id for seat in self.seats if seat.department_id}
        now_ = [d for d in self.departments if d.is_current]
        return sorted(now_, key=lambda d: d.id not in here)

    @property
    def by_list(self) -> list[tuple[AttendanceList, list[Any]]]:
        """The seats of each list that has any, in the order of the lists."""
        return [(kind, list(rows)) for kind, rows in groupby(self.seats, key=lambda seat: seat.listed)]

    @property
    def present(self) -> int:
        """How many people have come, seats without names counted."""
        return present(self.seats)

    @property
    def seated(self) -> int:
        """How many were expected, seats without names counted."""
        return sum(seat.seats for seat in self.seats)

    @property
    def deputies(self) -> list[Person]:
        """The deputies in the room, and those who lead an issue of it."""
        found = {seat.user_id: seat.person for seat in self.seats if seat.is_deputy}
        for issue in self.issues:
            if issue.lead_deputy_id is not None:
                found.setdefault(issue.lead_deputy_id, issue.deputy)
        for deputy in self.current.cosigners if self.current else ():
            found.setdefault(deputy.id, deputy.name)
        return [Person(*pair) for pair in found.items()]


def present(seats: Iterable[Any]) -> int:
    """How many people have come, seats without names counted as they were taken."""
    return sum(
        (seat.seats_taken if seat.seats_taken is not None else seat.seats)
        for seat in seats
        if seat.came == Came.SIGNED_IN
    )


def number_present(hearing: Hearing) -> int:
    """The same by one statement; 0 when nobody is signed in."""
    return present(db.session.scalars(select(Participant).where(Participant.hearing_id == hearing.id)))


def night(hearing: Hearing, wanted: int | None = None, *, pick: bool = False) -> Night:
    """The session screen with one issue opened: the one wanted, or with `pick` the first without an outcome.

    Seven statements, whatever the number of seats, topics, issues and promises.
    """
    seats = seats_of(hearing)
    issues = db.session.execute(_ISSUES, {"hearing": hearing.id}).all()
    id_ = next((row.id for row in issues if row.id == wanted), None)
    if id_ is None and pick and issues:
        id_ = next((row.id for row in issues if row.outcome is None), issues[0].id)
    seen = Night(
        seats=seats,
        topics=_upcoming(hearing),
        issues=issues,
        departments=db.session.scalars(_DEPARTMENTS).all(),
        current=None,
    )
    if id_ is None:
        return seen
    opened = db.session.execute(_OPENED, {"hearing": hearing.id, "issue": id_}).unique().one_or_none()
    if opened is not None:  # not removed this moment
        seen.current, seen.ballot = opened
        seen.promises = commitments_by_issue(Issue.id == id_).get(id_, [])
        seen.exchanges = exchanges_of(seen.current)
    return seen


_AT: Any = bindparam("hearing", type_=Integer())
"""The statements of the screen are built once: building them took longer than running them."""

_COMMON_BOX = and_(Ballot.issue_id == Issue.id, Ballot.hearing_id == _AT, Ballot.voters == "all")
"""The one count of an issue at a meeting that everybody's papers went into."""

_SEATS = (
    select(
        Participant.id,
        Participant.user_id,
        Participant.department_id,
        Participant.name,
        Participant.unit,
        Participant.title,
        Participant.capacity,
        Participant.listed,
        Participant.seats,
        Participant.seats_taken,
        Participant.came,
        Participant.came_at,
        Participant.reason,
        Participant.stand_in_name,
        Participant.stand_in_title,
        Participant.is_stand_in,
        Participant.is_walk_in,
        User.name.label("person"),
        UserRole.user_id.label("is_deputy"),
    )
    .outerjoin(User, User.id == Participant.user_id)
    .outerjoin(UserRole, and_(UserRole.user_id == Participant.user_id, UserRole.role == Role.DEPUTY))
    .where(Participant.hearing_id == _AT)
    .order_by(
        case({kind: place for place, kind in enumerate(AttendanceList)}, value=Participant.listed),
        Participant.position,
        Participant.id,
    )
)

_ISSUES = (
    select(
        Issue.id,
        Issue.number,
        Issue.title,
        Issue.outcome,
        Issue.is_late,
        Issue.street,
        Issue.lead_deputy_id,
        User.name.label("deputy"),
        select(func.count())
        .where(Commitment.issue_id == Issue.id)
        .correlate(Issue)
        .scalar_subquery()
        .label("promised"),
        Ballot.verdict,
    )
    .outerjoin(User, User.id == Issue.lead_deputy_id)
    .outerjoin(Ballot, _COMMON_BOX)
    .where(Issue.hearing_id == _AT)
    .order_by(Issue.position, Issue.id)
)

_OPENED = (
    select(Issue, Ballot)
    .outerjoin(Ballot, _COMMON_BOX)
    .where(Issue.id == bindparam("issue", type_=Integer()))
    .options(joinedload(Issue.lead_deputy).options(*_name_only()), joinedload(Issue.cosigners).options(*_name_only()))
)

_UPCOMING = (
    select(Topic.id, Topic.title, Topic.street, User.name.label("deputy"), Department.short_name)
    .outerjoin(User, User.id == Topic.deputy_id)
    .outerjoin(topic_department, topic_department.c.topic_id == Topic.id)
    .outerjoin(Department, Department.id == topic_department.c.department_id)
    .where(
        Topic.hearing_id == _AT,
        or_(Topic.set_aside.is_(None), Topic.set_aside == ""),
        Topic.id.not_in(select(Issue.topic_id).where(Issue.hearing_id == _AT, Issue.topic_id.is_not(None))),
    )
    .order_by(Topic.position, Topic.id, Department.position, Department.id)
)

_DEPARTMENTS = select(Department).order_by(Department.position, Department.id)


def seats_of(hearing: Hearing) -> Sequence[Any]:
    """Who is expected and who came, in the order of the lists (出席, 列席, 旁听): a seat's columns, and of a person

    of the directory `person` (the name) and `is_deputy`. One statement.
    """
    return db.session.execute(_SEATS, {"hearing": hearing.id}).all()


def undated(hearing: Hearing) -> Sequence[Issue]:
    """Issues of the evening to be studied afterwards for which nothing was promised by a day."""
    return db.session.scalars(
        select(Issue)
        .where(
            Issue.hearing_id == hearing.id,
            Issue.outcome == Outcome.FURTHER_STUDY,
            ~exists().where(Commitment.issue_id == Issue.id),
        )
        .order_by(Issue.position)
    ).all()


def surely_here(hearing: Hearing, recorder: User) -> dict[int, str]:
    """Seats whose people must have been in the room, and why: who spoke there, and who writes the record.

    Two statements.
    """
    spoke = db.session.execute(
        select(Exchange.department_id, Exchange.speaker)
        .join(Issue, Issue.id == Exchange.issue_id)
        .where(Issue.hearing_id == hearing.id)
        .distinct()
    ).all()
    offices = {office for office, _speaker in spoke if office is not None}
    speakers = {speaker for _office, speaker in spoke if speaker}
    found = {}
    for seat in seats_of(hearing):
        if seat.department_id in offices or (seat.name and seat.name in speakers):
            found[seat.id] = _("spoke tonight")
        elif seat.capacity == Capacity.RECORDER or seat.user_id == recorder.id:
            found[seat.id] = _("keeps the record")
    return found


def _upcoming(hearing: Hearing) -> list[Upcoming]:
    """The topics not taken up and not set aside, in their order. One statement."""
    found: dict[int, Upcoming] = {}
    for id_, title, street, deputy, office in db.session.execute(_UPCOMING, {"hearing": hearing.id}):
        topic = found.setdefault(id_, Upcoming(id_, title, street, deputy or ""))
        if office:
            topic.offices.append(office)
    return list(found.values())


def people(chosen: Iterable[Person]) -> Sequence[User]:
    """Those people as rows, in the same order. One statement."""
    ids = [person.id for person in chosen]
    rows = {user.id: user for user in db.session.scalars(select(User).where(User.id.in_(ids)))}
    return [rows[id_] for id_ in ids if id_ in rows]


def _list_order() -> ColumnElement[int]:
    """出席, 列席, 旁听."""
    places = {kind: place for place, kind in enumerate(AttendanceList)}
    return case(places, value=Participant.listed)


def commitments_by_issue(which: ColumnElement[bool]) -> dict[int, list[Commitment]]:
    """The promises of the issues that `which` names, by issue id, with who leads and helps. One statement."""
    rows = db.session.scalars(
        select(Commitment)
        .join(Issue, Issue.id == Commitment.issue_id)
        .where(which)
        .options(joinedload(Commitment.lead), joinedload(Commitment.co_handlers))
        .order_by(Commitment.issue_id, Commitment.position, Commitment.id)
    ).unique()
    found: dict[int, list[Commitment]] = defaultdict(list)
    for row in rows:
        found[row.issue_id].append(row)
    return found


def exchanges_of(issue: Issue) -> Sequence[Exchange]:
    """Who said what, in order. One statement."""
    return db.session.scalars(
        select(Exchange)
        .where(Exchange.issue_id == issue.id)
        .options(joinedload(Exchange.department))
        .order_by(Exchange.position, Exchange.id)
    ).all()


def voted_on(hearing: Hearing, user: User) -> list[Issue]:
    """What a ballot is held on: the meeting's own issues that were accepted, then those on its agenda.

    Only issues that the person may read.
    """
    on_agenda = select(AgendaItem.issue_id).where(AgendaItem.hearing_id == hearing.id)
    own = and_(
        Issue.hearing_id == hearing.id,
        or_(Issue.outcome.is_(None), Issue.outcome != "not_accepted"),
        Issue.status != IssueStatus.NOT_ACCEPTED,
    )
    return list(
        db.session.scalars(
            select(Issue)
            .outerjoin(AgendaItem, and_(AgendaItem.issue_id == Issue.id, AgendaItem.hearing_id == hearing.id))
            .where(or_(own, Issue.id.in_(on_agenda)), scoped("issue.read", user, Issue))
            .options(
                joinedload(Issue.hearing).lazyload(Hearing.station),
                joinedload(Issue.lead_deputy).options(*_name_only()),
            )
            .order_by(func.coalesce(AgendaItem.position, 0), Issue.position, Issue.id)
        )
    )


def people_to_add(hearing: Hearing, limit: int = 500) -> Sequence[User]:
    """Who of the directory is not on the list yet: for a walk-in."""
    there = select(Participant.user_id).where(Participant.hearing_id == hearing.id, Participant.user_id.is_not(None))
    kinds = select(UserRole.user_id).where(UserRole.role.in_((Role.DEPUTY, Role.LEADER, Role.DEPARTMENT)))
    return db.session.scalars(
        select(User)
        .where(User.active.is_(True), User.id.not_in(there), User.id.in_(kinds))
        .order_by(User.protocol_order, User.id)
        .limit(limit)
    ).all()


def deputies() -> Sequence[User]:
    """All deputies who can sign in, in protocol order."""
    kinds = select(UserRole.user_id).where(UserRole.role == Role.DEPUTY)
    return db.session.scalars(
        select(User)
        .where(User.active.is_(True), User.id.in_(kinds))
        .options(*_name_only())
        .order_by(User.protocol_order, User.id)
    ).all()


def leaders(also: int | None = None) -> Sequence[User]:
    """Who may chair: leaders and organisers, in protocol order."""
    kinds = select(UserRole.user_id).where(UserRole.role.in_((Role.LEADER, Role.ORGANISER)))
    keep = or_(User.active.is_(True), User.id == also)
    return db.session.scalars(select(User).where(keep, User.id.in_(kinds)).order_by(User.protocol_order, User.id)).all()


# -- look-backs ----------------------------------------------------------------------------------------


@dataclass
class LookBacks:
    """One page of the list of look-backs."""

    rows: Sequence[Hearing]
    counts: Mapping[int, tuple[int, int]]
    """By hearing: items on the agenda, items with a finding."""
    total: int
    older: str | None
    newer: str | None

    @property
    def count_text(self) -> str:
        """How many, in words; exact up to a thousand."""
        return _("%(count)s in all", count="1,000+" if self.total > EXACT else self.total)


def _cursor(hearing: Hearing) -> str:
    return f"{int(hearing.starts_at.timestamp())}.{hearing.id}"


def _spot(words: str) -> tuple[datetime, int] | None:
    parts = words.split(".")
    if len(parts) != 2 or not all(p.isascii() and p.isdigit() and len(p) < 12 for p in parts):
        return None
    return datetime.fromtimestamp(min(int(parts[0]), 32503680000), UTC), min(int(parts[1]), 2**31 - 1)


def look_backs(
    user: User,
    *,
    state: str = "upcoming",
    kind: HearingKind | None = None,
    after: str = "",
    before: str = "",
    size: int = 50,
) -> LookBacks:
    """Meetings that look back, which this person may read: upcoming (next first), held or all (latest first).

    Three statements.
    """
    found: Select[Any] = select(Hearing).where(
        Hearing.kind.in_(LOOKING_BACK), scoped("hearing.read", user, Hearing), Hearing.status != HearingStatus.DISCARDED
    )
    if kind is not None:
        found = found.where(Hearing.kind == kind)
    coming = state == "upcoming"
    if coming:
        found = found.where(
            Hearing.status.in_(
                (HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.POSTPONED, HearingStatus.IN_SESSION)
            )
        )
    elif state == "held":
        found = found.where(Hearing.status.in_(OVER))
    limited = found.with_only_columns(Hearing.id).limit(EXACT + 1).subquery()
    total = db.session.scalar(select(func.count()).select_from(limited)) or 0
    key = tuple_(Hearing.starts_at, Hearing.id)
    forward, back = _spot(after), _spot(before)
    ascending = coming
    if forward:
        found = found.where(key > forward if ascending else key < forward)
    elif back:
        found = found.where(key < back if ascending else key > back)
    ordered = ascending != bool(back and not forward)
    columns = (Hearing.starts_at, Hearing.id)
    order = columns if ordered else tuple(c.desc() for c in columns)
    rows = list(db.session.scalars(found.order_by(*order).limit(size + 1)))
    more = len(rows) > size
    rows = rows[:size]
    if back and not forward:
        rows.reverse()
        newer, older = more, True
    else:
        newer, older = bool(forward), more
    ids = [h.id for h in rows]
    counted = db.session.execute(
        select(
            AgendaItem.hearing_id,
            func.count(AgendaItem.id.distinct()),
            func.count(Finding.issue_id.distinct()),
        )
        .outerjoin(Finding, and_(Finding.hearing_id == AgendaItem.hearing_id, Finding.issue_id == AgendaItem.issue_id))
        .where(AgendaItem.hearing_id.in_(ids))
        .group_by(AgendaItem.hearing_id)
    )
    counts = {row[0]: (row[1], row[2]) for row in counted}
    return LookBacks(
        rows,
        counts,
        total,
        older=_cursor(rows[-1]) if rows and older else None,
        newer=_cursor(rows[0]) if rows and newer else None,
    )


@dataclass
class Item:
    """An issue on an agenda, with what one must know to look back at it."""

    entry: AgendaItem
    issue: Issue
    confirmation: Confirmation | None
    ballot: Ballot | None
    commitments: list[Commitment]
    leads: list[Department] = field(default_factory=list)
    reply: Reply | None = None
    here: list[Finding] = field(default_factory=list)
    last: Finding | None = None


@dataclass
class Agenda:
    """The items a person may read, how many there are besides, and the evidence by finding."""

    items: list[Item]
    hidden: int
    evidence: dict[int, list[FindingFile]]


def agenda(hearing: Hearing, user: User) -> Agenda:
    """The agenda with each issue's promises, findings, confirmation and count. Five statements.

    Only issues that the person may read: a department sees its own.
    """
    newest = (
        select(func.max(Confirmation.id))
        .where(Confirmation.issue_id == Issue.id, Confirmation.round == Issue.round)
        .correlate(Issue)
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(AgendaItem, Confirmation, Ballot, scoped("issue.read", user, Issue).label("mine"))
        .join(AgendaItem.issue)
        .outerjoin(Confirmation, Confirmation.id == newest)
        .outerjoin(
            Ballot,
            and_(
                Ballot.hearing_id == AgendaItem.hearing_id,
                Ballot.issue_id == AgendaItem.issue_id,
                Ballot.voters == "all",
            ),
        )
        .where(AgendaItem.hearing_id == hearing.id)
        .options(
            contains_eager(AgendaItem.issue).options(
                joinedload(Issue.hearing).lazyload(Hearing.station),
                joinedload(Issue.lead_deputy).options(*_name_only()),
            ),
            joinedload(Confirmation.deputy).options(*_name_only()),
        )
        .order_by(AgendaItem.position, AgendaItem.id)
    ).all()
    mine = [row for row in rows if row.mine]
    ids = [row.AgendaItem.issue_id for row in mine]
    promised = commitments_by_issue(Issue.id.in_(ids))
    items = {
        row.AgendaItem.issue_id: Item(
            entry=row.AgendaItem,
            issue=row.AgendaItem.issue,
            confirmation=row.Confirmation,
            ballot=row.Ballot,
            commitments=promised[row.AgendaItem.issue_id],
        )
        for row in mine
    }
    for assignment, reply in db.session.execute(
        select(Assignment, Reply)
        .join(Issue, and_(Issue.id == Assignment.issue_id, Issue.round == Assignment.round))
        .outerjoin(Reply, Reply.assignment_id == Assignment.id)
        .where(
            Assignment.issue_id.in_(ids),
            Assignment.part != Part.CO_HANDLER,
            Assignment.status != AssignmentStatus.RETURNED,
        )
        .options(joinedload(Assignment.department))
        .order_by(Assignment.id, Reply.id)
    ):
        item = items[assignment.issue_id]
        if assignment.department not in item.leads:
            item.leads.append(assignment.department)
        item.reply = reply or item.reply
    for finding in db.session.scalars(
        select(Finding)
        .where(Finding.issue_id.in_(ids))
        .options(joinedload(Finding.commitment), joinedload(Finding.by).options(*_name_only()))
        .order_by(Finding.id)
    ):
        item = items[finding.issue_id]
        item.last = finding
        if finding.hearing_id == hearing.id:
            item.here.append(finding)
    seen = [finding.id for item in items.values() for finding in item.here]
    return Agenda(list(items.values()), len(rows) - len(mine), evidence_of(seen))


def agenda_entry(hearing: Hearing, issue_id: int, user: User) -> AgendaItem | None:
    """One item of the agenda that the person may read."""
    if issue_id >= 2**31:
        return None
    return db.session.scalar(
        select(AgendaItem)
        .join(Issue, Issue.id == AgendaItem.issue_id)
        .where(
            AgendaItem.hearing_id == hearing.id,
            AgendaItem.issue_id == issue_id,
            scoped("issue.read", user, Issue),
        )
        .options(joinedload(AgendaItem.issue).joinedload(Issue.hearing).lazyload(Hearing.station))
    )


def unresolved(user: User) -> ColumnElement[bool]:
    """The clause for issues that this person may gather into a look-back."""
    return and_(Issue.status.in_(UNRESOLVED), scoped("issue.read", user, Issue))


@dataclass
class Candidate:
    """An issue that may be looked back at."""

    issue: Issue
    commitments: list[Commitment]
    leads: list[str]

    @property
    def due(self) -> date | None:
        """The next date still owed."""
        return min(
            (c.due_on for c in self.commitments if c.status in (CommitmentStatus.OPEN, CommitmentStatus.REPORTED)),
            default=None,
        )

    @property
    def light(self) -> str:
        """The most urgent light of what is owed."""
        lights = {light(c) for c in self.commitments}
        return next((key for key in LIGHTS if key in lights), "grey")


def candidates(
    user: User,
    *,
    hearing: int | None = None,
    street: str = "",
    department: int | None = None,
    light: str = "",
    also: Iterable[int] = (),
    but: Hearing | None = None,
    limit: int = 200,
) -> tuple[list[Candidate], bool]:
    """Unresolved issues for a look-back, narrowed; and whether there are more than `limit`. Three statements.

    `also` are chosen already and stay on the list whatever the filter says; `but` is a meeting whose agenda they
    are not yet on.
    """
    narrowed: list[ColumnElement[bool]] = []
    if hearing is not None:
        narrowed.append(Issue.hearing_id == hearing)
    if street:
        narrowed.append(Issue.street == street)
    if department is not None:
        handled = select(Assignment.issue_id).where(Assignment.department_id == department)
        promised = select(Commitment.issue_id).where(Commitment.lead_id == department)
        narrowed.append(or_(Issue.id.in_(handled), Issue.id.in_(promised)))
    if light in ("red", "yellow", "green"):
        narrowed.append(_with_light(light))
    which = and_(true(), *narrowed)
    chosen = list(also)
    if chosen:
        which = or_(which, Issue.id.in_(chosen))
    found = select(Issue).where(unresolved(user), which)
    if but is not None:
        found = found.where(Issue.id.not_in(select(AgendaItem.issue_id).where(AgendaItem.hearing_id == but.id)))
    issues = list(
        db.session.scalars(
            found.join(Issue.hearing)
            .options(
                contains_eager(Issue.hearing).lazyload(Hearing.station),
                joinedload(Issue.lead_deputy).options(*_name_only()),
            )
            .order_by(Hearing.starts_at.desc(), Issue.hearing_id, Issue.number)
            .limit(limit + 1)
        )
    )
    more = len(issues) > limit
    issues = issues[:limit]
    ids = [i.id for i in issues]
    promises = commitments_by_issue(Issue.id.in_(ids))
    leads: dict[int, list[str]] = defaultdict(list)
    for issue_id, name in db.session.execute(
        select(Assignment.issue_id, Department.short_name)
        .join(Issue, and_(Issue.id == Assignment.issue_id, Issue.round == Assignment.round))
        .join(Department, Department.id == Assignment.department_id)
        .where(
            Assignment.issue_id.in_(ids),
            Assignment.part != Part.CO_HANDLER,
            Assignment.status != AssignmentStatus.RETURNED,
        )
        .order_by(Assignment.id)
    ):
        leads[issue_id].append(name)
    return [Candidate(i, promises[i.id], leads[i.id]) for i in issues], more


def _with_light(key: str) -> ColumnElement[bool]:
    """Issues with an open promise of that light."""
    day, edge = today(), today() + timedelta(days=soon())
    within = {
        "red": Commitment.due_on < day,
        "yellow": Commitment.due_on.between(day, edge),
        "green": Commitment.due_on > edge,
    }[key]
    return Issue.id.in_(select(Commitment.issue_id).where(Commitment.status == CommitmentStatus.OPEN, within))


def chosen_issues(user: User, ids: Iterable[int]) -> list[Issue]:
    """The unresolved issues of these ids that the person may gather, ready to be carried in."""
    wanted = list(ids)
    rows = db.session.scalars(
        select(Issue)
        .where(Issue.id.in_(wanted), unresolved(user))
        .options(joinedload(Issue.lead_deputy), joinedload(Issue.hearing))
        .order_by(Issue.hearing_id, Issue.number)
    ).unique()
    return list(rows)


def filter_choices(user: User) -> tuple[Sequence[Any], Sequence[str], Sequence[Any]]:
    """For the filter of unresolved issues: their hearings, streets, departments. Three statements."""
    open_issues = select(Issue.id).where(unresolved(user))
    hearings = db.session.execute(
        select(Hearing.id, Hearing.serial_no, Hearing.title)
        .where(Hearing.id.in_(select(Issue.hearing_id).where(unresolved(user))))
        .order_by(Hearing.starts_at.desc())
        .limit(200)
    ).all()
    streets = db.session.scalars(
        select(Issue.street).where(unresolved(user), Issue.street.is_not(None)).distinct().order_by(Issue.street)
    ).all()
    offices = db.session.execute(
        select(Department.id, Department.short_name)
        .where(
            or_(
                Department.id.in_(select(Assignment.department_id).where(Assignment.issue_id.in_(open_issues))),
                Department.id.in_(select(Commitment.lead_id).where(Commitment.issue_id.in_(open_issues))),
            )
        )
        .order_by(Department.position, Department.id)
    ).all()
    return hearings, [s for s in streets if s], offices


def stations_for(user: User) -> Sequence[Station]:
    """Where this person may hold a meeting."""
    keep = or_(Station.valid_until.is_(None), Station.valid_until >= today())
    if not user.is_district:
        keep = and_(keep, Station.id.in_(user.station_ids))
    return db.session.scalars(select(Station).where(keep).order_by(Station.street, Station.code)).all()


def upcoming(user: User, limit: int = 10) -> Sequence[Hearing]:
    """The next look-backs this person may read."""
    return db.session.scalars(
        select(Hearing)
        .where(
            Hearing.kind.in_(LOOKING_BACK),
            scoped("hearing.read", user, Hearing),
            Hearing.status.in_((HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION)),
            Hearing.ends_at > now() - timedelta(days=1),
        )
        .order_by(Hearing.starts_at)
        .limit(limit)
    ).all()


def is_settled(issue: Issue) -> bool:
    """Whether an issue needs no looking back any more."""
    return issue.status in CLOSED
