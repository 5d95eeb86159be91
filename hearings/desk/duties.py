"""What a person must do now: small rules, each a query of standard columns, asked together in one statement.

A rule says for whom it is (an action the person may do, in its scope), what rows wait, until when, and what the line
says. All rules of a person are joined by UNION ALL, each cut at twenty rows with its number counted to a thousand, so
that the front page costs the same few statements for one duty and for three hundred. What is asked depends on what a
person is and not on who: each statement is built once per kind of person (`prepared`).
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from enum import StrEnum
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import (
    Date,
    Select,
    String,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal,
    literal_column,
    not_,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import aliased

from ..db import LOCAL, UTCDateTime, local, today
from ..filters import days_until, moment, serial, short_day, span
from ..issues import rules
from ..issues.models import (
    CLOSED,
    OUTCOME_LABELS,
    SETTLED_ON_SITE,
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    Extension,
    ExtensionStatus,
    Issue,
    IssueStatus,
    Outcome,
    Part,
    Reply,
    ResultClass,
)
from ..minutes.models import Minutes, MinutesStatus
from ..notices import state
from ..people.models import User
from ..people.operations import years_without_holidays
from ..permissions import Role, may, scoped
from ..prepared import MIDNIGHT, TODAY, StandIn, ask, particulars, stand_in
from ..reviews.models import AgendaItem, Confirmation, ConfirmationStatus
from ..schedule.models import Hearing, HearingKind, HearingStatus, Participant
from ..workflow import LABELS

SHOWN = 20
"""Lines of one kind on the front page; more are reached by the list."""
EXACT = 1000
SOON_DAYS = 14
"""A draft this near should be announced."""

SOON: Any = bindparam("soon", type_=Date())
"""The last day on which a promise is yellow."""
FAILURES: Any = bindparam("failures")
"""Wrong passwords that close an account."""

RANK = {"red": 0, "yellow": 1, "green": 2, "grey": 3, "blue": 4}


@dataclass
class Group:
    """Duties of one kind, most urgent first."""

    key: str
    title: Any
    tasks: list[dict[str, Any]] = field(default_factory=list)
    total: int = 0
    more_url: str | None = None

    @property
    def count_text(self) -> str:
        """How many, "1,000+" above what is counted."""
        return "1,000+" if self.total > EXACT else str(self.total)

    @property
    def more(self) -> int:
        """How many are not shown."""
        return max(0, self.total - len(self.tasks))

    @property
    def urgency(self) -> tuple[int, str]:
        """For the order of groups: the worst light, then the earliest date."""
        best = min((RANK.get(t.get("light") or "grey", 3) for t in self.tasks), default=9)
        return best, min((t["sort"] for t in self.tasks), default="")


@dataclass(frozen=True)
class Rule:
    """One kind of duty: its query, its words and where its lines lead."""

    key: str
    query: Select[Any]
    title: Callable[[], str]
    verb: Callable[[], str]
    url: str
    """With {id}: the row's own; {hearing}: its hearing's."""
    more_url: str
    note: Callable[[Any], str | None] | None = None
    paper: str = ""
    """Of a paper to print: the address, where {of} is the row's `extra`."""
    light: Callable[[Any], str | None] | None = None
    """By default that of the date."""
    waits: bool = False
    """Whether nothing but the person is waited for: the light says so and not that a date is near."""
    due: Callable[[Any], date | None] = lambda row: row.due
    counted: Select[Any] | None = None
    """The same rows without what only the lines need, where there may be a thousand; by default the query."""


# -- standard columns ----------------------------------------------------------------------------------


def _columns(
    id_: Any,
    title: Any,
    *,
    due: Any = None,
    since: Any = None,
    extra: Any = None,
    hearing: Any = None,
    number: Any = None,
) -> list[Any]:
    def day(value: Any) -> Any:
        return cast(null(), Date) if value is None else value

    return [
        id_.label("id"),
        title.label("title"),
        day(due).label("due"),
        (cast(null(), UTCDateTime()) if since is None else since).label("since"),
        (literal("") if extra is None else extra).label("extra"),
        (literal(0) if hearing is None else hearing.id).label("hearing"),
        (literal(0) if hearing is None else func.coalesce(hearing.serial_no, 0)).label("serial"),
        (literal(0) if number is None else number).label("number"),
    ]


def _of_issue(id_: Any, *, title: Any = None, **more: Any) -> list[Any]:
    return _columns(id_, Issue.title if title is None else title, hearing=Hearing, number=Issue.number, **more)


def _joined(rules_: Sequence[Rule]) -> Any:
    """All rules in one statement, or None if there are none."""
    parts = []
    for rule in rules_:
        some = rule.query.limit(literal_column(str(SHOWN))).cte(f"{rule.key}_shown")
        shown = select(func.count()).select_from(some).scalar_subquery()
        every = rule.query if rule.counted is None else rule.counted
        all_ = (
            every.with_only_columns(literal(1).label("one")).limit(literal_column(str(EXACT + 1))).subquery()
        )  # ordered: same plan
        count = select(func.count()).select_from(all_).scalar_subquery()
        # Looked for once more only where not all are shown.
        total = case((shown < literal_column(str(SHOWN)), shown), else_=count)
        parts.append(select(literal(rule.key).label("key"), *some.c, total.label("total")))
    return union_all(*parts) if parts else None


def _text(row: Any) -> str:
    if not row.number:
        return row.title
    return f"{rules.reference(row.serial or None, row.hearing, row.number)} {row.title}"


def _words_of_lights() -> dict[str | None, str]:
    return {key: str(words) for key, words in rules.LIGHT_WORDS.items()}


def _tasks(rule: Rule, rows: Sequence[Any], words: "_Days") -> list[dict[str, Any]]:
    verb = rule.verb()
    waits = _("waits for you") if rule.waits else None
    made = []
    for row in rows:
        due = rule.due(row)
        light = rule.light(row) if rule.light is not None else words.light(due)
        made.append(
            {
                "url": rule.url.format(id=row.id, hearing=row.hearing),
                "verb": verb,
                "text": _text(row),
                "note": rule.note(row) if rule.note is not None else None,
                "paper": rule.paper.format(of=row.extra),
                "due": words.until(due),
                "light": light,
                "light_label": waits if light == "yellow" else None,
                "sort": due.isoformat() if due else "9999",
            }
        )
    return made


class _Days:
    """What is said of a date, looked up once for all the lines of a page that have it."""

    def __init__(self) -> None:
        self.light = functools.cache(lambda day: rules.light(day) if day else None)
        self.until = functools.cache(lambda day: days_until(day) if day else None)


def _days_since(row: Any) -> str | None:
    if row.since is None:
        return None
    days = (today() - row.since.astimezone(LOCAL).date()).days
    return _("yesterday") if days == 1 else _("%(count)d days ago", count=days) if days > 1 else _("earlier today")


# -- the organiser's -----------------------------------------------------------------------------------

_OWED = (CommitmentStatus.OPEN, CommitmentStatus.REPORTED)


_STILL_OPEN = tuple(status for status in IssueStatus if status not in CLOSED)
"""Named rather than excluded: the few open issues are found by their index among all there ever were."""


def _aside(column: Any) -> Any:
    """The column, hidden from its index: a database that knows only averages would begin with it."""
    return func.coalesce(column, literal_column("NULL"))


def _is(column: Any, *values: StrEnum) -> Any:
    """The column has one of these values, written out: PostgreSQL plans the statement once, and plans it well only

    if it knows which ones, for of some there are few and of others nearly all there ever were.
    """
    words: list[Any] = [literal_column(f"'{value.value}'") for value in values]
    return column == words[0] if len(words) == 1 else column.in_(words)


def _open_promises(*where: Any) -> Select[Any]:
    """Promises that are not yet reported on, in the order of their dates."""
    mine = select(Commitment.id).where(_is(Commitment.status, CommitmentStatus.OPEN), *where)
    return mine.order_by(Commitment.due_on, Commitment.id)


def _owes() -> Any:
    return exists().where(Commitment.issue_id == Issue.id, _is(Commitment.status, *_OWED))


def _answered(*statuses: ConfirmationStatus) -> Any:
    return exists().where(
        Confirmation.issue_id == Issue.id, Confirmation.round == Issue.round, _is(Confirmation.status, *statuses)
    )


def _organiser(user: StandIn) -> list[Rule]:
    mine = scoped("issue.assign", user, Issue)
    promises = scoped("commitment.verify", user, Commitment)
    held = _is(Hearing.status, HearingStatus.CONCLUDED, HearingStatus.FILED)
    issues = select(Issue.id).join(Hearing, Hearing.id == Issue.hearing_id).where(mine).order_by(Issue.id)
    owed = (
        select(Commitment.id)
        .join(Issue, Issue.id == Commitment.issue_id)
        .join(Hearing, Hearing.id == Issue.hearing_id)
        .where(promises)
        .order_by(Commitment.due_on, Commitment.id)
    )
    planned = (
        select(AgendaItem.issue_id)
        .join(Hearing, Hearing.id == AgendaItem.hearing_id)
        .where(_is(Hearing.status, HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION))
    )
    replied = issues.where(_is(Issue.status, IssueStatus.REPLIED))
    registered = issues.where(_is(Issue.status, IssueStatus.REGISTERED))
    off = _is(Hearing.status, HearingStatus.CANCELLED)
    settled = _is(Issue.outcome, *SETTLED_ON_SITE, Outcome.NOT_ACCEPTED)
    waiting = ConfirmationStatus.ASKED
    agreed = (ConfirmationStatus.CONFIRMED, ConfirmationStatus.WAIVED)
    return [
        Rule(
            "assign",
            registered.where(held, or_(Issue.outcome.is_(None), ~settled)).with_only_columns(
                *_of_issue(Issue.id, since=Hearing.concluded_at)
            ),
            title=lambda: _("Issues to assign"),
            verb=lambda: _("Assign"),
            url="/issues/{id}/assign",
            more_url="/issues/?status=registered",
            note=_since_concluded,
            light=lambda row: "yellow",
            waits=True,
        ),
        Rule(
            "settle",
            registered.where(or_(and_(held, settled), off)).with_only_columns(
                *_of_issue(
                    Issue.id,
                    since=Hearing.concluded_at,
                    extra=case((off, ""), else_=cast(Issue.outcome, String)),
                )
            ),
            title=lambda: _("Not to be assigned, and not settled yet"),
            verb=lambda: _("Settle"),
            url="/issues/{id}",
            more_url="/issues/?status=registered",
            note=lambda row: str(OUTCOME_LABELS[Outcome(row.extra)] if row.extra else _("the hearing was cancelled")),
            light=lambda row: "yellow",
            waits=True,
        ),
        Rule(
            "returned",
            issues.where(_is(Issue.status, IssueStatus.RETURNED)).with_only_columns(*_of_issue(Issue.id)),
            title=lambda: _("Returned assignments"),
            verb=lambda: _("Assign anew"),
            url="/issues/{id}",
            more_url="/issues/?status=returned",
            light=lambda row: "yellow",
            waits=True,
        ),
        Rule(
            "helper",
            select(Assignment.id)
            .join(Issue, and_(Issue.id == Assignment.issue_id, Issue.round == Assignment.round))
            .join(Hearing, Hearing.id == Issue.hearing_id)
            .where(
                _is(Assignment.status, AssignmentStatus.RETURNED),
                _is(Assignment.part, Part.CO_HANDLER),
                _is(_aside(Issue.status), IssueStatus.ASSIGNED, IssueStatus.IN_HANDLING),
                mine,
            )
            .order_by(Assignment.due_on, Assignment.id)
            .with_only_columns(*_of_issue(Issue.id)),
            title=lambda: _("Co-handlers who returned it"),
            verb=lambda: _("Look at"),
            url="/issues/{id}",
            more_url="/issues/?status=in_handling",
            light=lambda row: "yellow",
            waits=True,
        ),
        Rule(
            "verify",
            owed.where(_is(Commitment.status, CommitmentStatus.REPORTED)).with_only_columns(
                *_of_issue(Commitment.id, title=Commitment.measure, due=Commitment.due_on, since=Commitment.reported_at)
            ),
            title=lambda: _("Reports to verify"),
            verb=lambda: _("Verify"),
            url="/commitments/{id}",
            more_url="/commitments/?status=reported",
            note=lambda row: _("reported %(since)s", since=_days_since(row)) if row.since else None,
            light=lambda row: "yellow",
            waits=True,
        ),
        Rule(
            "extension",
            select(Extension.id)
            .join(Commitment, Commitment.id == Extension.commitment_id)
            .join(Issue, Issue.id == Commitment.issue_id)
            .join(Hearing, Hearing.id == Issue.hearing_id)
            .where(_is(Extension.status, ExtensionStatus.ASKED), promises)
            .order_by(Extension.id)
            .with_only_columns(*_of_issue(Commitment.id, title=Commitment.measure, due=Extension.old_due_on)),
            title=lambda: _("Extensions to decide"),
            verb=lambda: _("Decide"),
            url="/commitments/{id}",
            more_url="/commitments/",
            light=lambda row: "red" if row.due < today() else "yellow",
            waits=True,
        ),
        Rule(
            "overdue",
            owed.where(
                _is(Commitment.status, CommitmentStatus.OPEN),
                Commitment.due_on < TODAY,
                Commitment.issue_id.not_in(planned),
            ).with_only_columns(*_of_issue(Commitment.id, title=Commitment.measure, due=Commitment.due_on)),
            counted=_open_promises(promises, Commitment.due_on < TODAY, Commitment.issue_id.not_in(planned)),
            title=lambda: _("Overdue commitments on no look-back"),
            verb=lambda: _("Plan a look-back"),
            url="/commitments/{id}",
            more_url="/commitments/?light=red",
        ),
        Rule(
            "waive",
            issues.join(Confirmation, and_(Confirmation.issue_id == Issue.id, Confirmation.round == Issue.round))
            .where(_is(Confirmation.status, waiting), Confirmation.due_on < TODAY)
            .with_only_columns(*_of_issue(Confirmation.id, due=Confirmation.due_on)),
            title=lambda: _("Deputies who have not answered in time"),
            verb=lambda: _("Remind or waive"),
            url="/confirmations/{id}",
            more_url="/confirmations/",
            light=lambda row: "red",
        ),
        Rule(
            "ask",
            replied.where(not_(_owes()), not_(_answered(waiting, *agreed))).with_only_columns(
                *_of_issue(Issue.id, since=Issue.replied_at)
            ),
            title=lambda: _("Replied issues whose deputy has not been asked"),
            verb=lambda: _("Ask the deputy"),
            url="/issues/{id}",
            more_url="/issues/?status=replied",
            note=lambda row: _("replied %(since)s", since=_days_since(row)) if row.since else None,
            light=lambda row: None,
        ),
        Rule(
            "strike_off",
            replied.where(not_(_owes()), _answered(*agreed)).with_only_columns(
                *_of_issue(Issue.id, since=Issue.replied_at)
            ),
            title=lambda: _("Issues that can be struck off"),
            verb=lambda: _("Strike off"),
            url="/issues/{id}",
            more_url="/issues/?status=replied",
            light=lambda row: None,
        ),
    ]


def _since_concluded(row: Any) -> str | None:
    since = _days_since(row)
    return _("hearing concluded %(since)s", since=since) if since else None


def _soon_due(user: StandIn) -> list[Rule]:
    """What an organiser, a leader or an auditor follows: promises whose light is yellow."""
    return [
        Rule(
            "soon",
            select(Commitment.id)
            .join(Issue, Issue.id == Commitment.issue_id)
            .join(Hearing, Hearing.id == Issue.hearing_id)
            .where(
                scoped("commitment.read", user, Commitment),
                _is(Commitment.status, CommitmentStatus.OPEN),
                Commitment.due_on >= TODAY,
                Commitment.due_on <= SOON,
            )
            .order_by(Commitment.due_on, Commitment.id)
            .with_only_columns(*_of_issue(Commitment.id, title=Commitment.measure, due=Commitment.due_on)),
            counted=_open_promises(
                scoped("commitment.read", user, Commitment), Commitment.due_on >= TODAY, Commitment.due_on <= SOON
            ),
            title=lambda: _("Commitments due soon"),
            verb=lambda: _("Follow"),
            url="/commitments/{id}",
            more_url="/commitments/?light=yellow",
        )
    ]


# -- the deputy's --------------------------------------------------------------------------------------


def _deputy(user: StandIn) -> list[Rule]:
    return [
        Rule(
            "confirm",
            select(Confirmation.id)
            .join(Issue, Issue.id == Confirmation.issue_id)
            .join(Hearing, Hearing.id == Issue.hearing_id)
            .where(Confirmation.deputy_id == user.id, _is(Confirmation.status, ConfirmationStatus.ASKED))
            .order_by(Confirmation.due_on, Confirmation.id)
            .with_only_columns(*_of_issue(Confirmation.id, due=Confirmation.due_on)),
            title=lambda: _("Waiting for your confirmation"),
            verb=lambda: _("Confirm"),
            url="/confirmations/{id}",
            more_url="/confirmations/",
            note=lambda row: _("Has it been done as promised?"),
        )
    ]


def _deputy_follows(user: StandIn) -> list[Rule]:
    return [
        Rule(
            "own",
            select(Issue.id)
            .join(Hearing, Hearing.id == Issue.hearing_id)
            .where(Issue.lead_deputy_id == user.id, Issue.status.not_in(CLOSED))
            .order_by(Issue.id.desc())
            .with_only_columns(*_of_issue(Issue.id, extra=Issue.status)),
            title=lambda: _("Your issues"),
            verb=lambda: _("Follow"),
            url="/issues/{id}",
            more_url="/issues/",
            note=_status_of_issue,
            light=lambda row: None,
        )
    ]


def _status_of_issue(row: Any) -> str:
    return str(LABELS["issue"].get(row.extra, row.extra))


# -- the department's ----------------------------------------------------------------------------------


SHEET = "/assignments/{of}/papers/sheet.pdf"


def _department(user: StandIn) -> list[Rule]:
    ids = user.department_ids
    # A closed issue asks for nothing any more, also not of a co-handler who has kept silent.
    assigned = (
        select(Assignment.id)
        .join(Issue, Issue.id == Assignment.issue_id)
        .join(Hearing, Hearing.id == Issue.hearing_id)
        .where(Assignment.department_id.in_(ids), Issue.status.not_in(CLOSED))
    )
    silent = and_(_is(Assignment.status, AssignmentStatus.ASSIGNED), Assignment.respond_by < TODAY)
    last = (
        select(func.max(Reply.id)).where(Reply.assignment_id == Assignment.id).correlate(Assignment).scalar_subquery()
    )
    still = aliased(Issue)
    own_owed = exists().where(
        Commitment.issue_id == Issue.id, Commitment.lead_id.in_(ids), _is(Commitment.status, *_OWED)
    )
    return [
        Rule(
            "accept",
            assigned.where(_is(Assignment.status, AssignmentStatus.ASSIGNED), Assignment.respond_by >= TODAY)
            .order_by(Assignment.respond_by, Assignment.id)
            .with_only_columns(*_of_issue(Issue.id, due=Assignment.respond_by, extra=cast(Assignment.id, String))),
            title=lambda: _("Assignments to accept or return"),
            verb=lambda: _("Accept or return"),
            url="/issues/{id}",
            more_url="/issues/?status=assigned",
            note=lambda row: _("may be returned until %(day)s; then it counts as accepted", day=short_day(row.due)),
            paper=SHEET,
        ),
        Rule(
            "promise",
            select(Commitment.id)
            .join(Issue, Issue.id == Commitment.issue_id)
            .join(Hearing, Hearing.id == Issue.hearing_id)
            .where(Commitment.lead_id.in_(ids), _is(Commitment.status, CommitmentStatus.OPEN))
            .order_by(Commitment.due_on, Commitment.id)
            .with_only_columns(*_of_issue(Commitment.id, title=Commitment.measure, due=Commitment.due_on)),
            counted=_open_promises(Commitment.lead_id.in_(ids)),
            title=lambda: _("Commitments to keep"),
            verb=lambda: _("Keep and report"),
            url="/commitments/{id}",
            more_url="/commitments/?status=open",
            note=lambda row: _("due %(day)s", day=short_day(row.due)),
        ),
        Rule(
            "reply",
            assigned.where(
                _is(Assignment.status, AssignmentStatus.ACCEPTED, AssignmentStatus.ASSIGNED),  # for the index
                or_(_is(Assignment.status, AssignmentStatus.ACCEPTED), silent),
            )
            .order_by(Assignment.due_on, Assignment.id)
            .with_only_columns(*_of_issue(Issue.id, due=Assignment.due_on, extra=cast(Assignment.id, String))),
            title=lambda: _("Replies due"),
            verb=lambda: _("Reply"),
            url="/issues/{id}",
            more_url="/issues/?status=in_handling",
            note=lambda row: _("due %(day)s", day=short_day(row.due)),
            paper=SHEET,
        ),
        Rule(
            "again",
            # Nearly all an office was ever assigned is replied to: begun with the issues that are still open.
            select(Assignment.id)
            .join(Issue, Assignment.issue_id == _aside(Issue.id))
            .join(Hearing, Hearing.id == _aside(Issue.hearing_id))
            .join(Reply, and_(Reply.assignment_id == Assignment.id, Reply.id == last))
            .where(
                Issue.id.in_(select(still.id).where(_is(still.status, *_STILL_OPEN))),
                _aside(Assignment.department_id).in_(ids),
                _is(_aside(Assignment.status), AssignmentStatus.REPLIED),
                Reply.result_class.in_((ResultClass.B, ResultClass.C)),
                not_(own_owed),
            )
            .order_by(Assignment.due_on, Assignment.id)
            .with_only_columns(*_of_issue(Issue.id, extra=Reply.result_class)),
            title=lambda: _("Answered as B or C: answer again when done"),
            verb=lambda: _("Reply again"),
            url="/issues/{id}",
            more_url="/issues/?status=replied",
            note=lambda row: _("last answered as %(letter)s", letter=row.extra),
            light=lambda row: None,
        ),
        Rule(
            "attendee",
            select(Participant.id)
            .join(Hearing, Hearing.id == Participant.hearing_id)
            .where(
                Participant.department_id.in_(ids),
                Participant.name.is_(None),
                Participant.user_id.is_(None),
                _is(Hearing.status, HearingStatus.ANNOUNCED),
                Hearing.starts_at >= MIDNIGHT,
            )
            .order_by(Hearing.starts_at, Participant.id)
            .with_only_columns(*_columns(Participant.id, Hearing.title, since=Hearing.starts_at, hearing=Hearing)),
            title=lambda: _("Who comes to the hearing"),
            verb=lambda: _("Name the attendee"),
            url="/hearings/{hearing}/attendee",
            more_url="/hearings/?status=announced",
            note=lambda row: " ".join(w for w in (serial(row.serial), moment(row.since)) if w),
            due=lambda row: row.since.astimezone(LOCAL).date(),
            light=lambda row: "yellow" if row.since <= local(today(), time()) + timedelta(days=7) else "green",
        ),
    ]


# -- the leader's and the auditor's --------------------------------------------------------------------


def _overseer(user: StandIn) -> list[Rule]:
    return [
        Rule(
            "see_overdue",
            select(Commitment.id)
            .join(Issue, Issue.id == Commitment.issue_id)
            .join(Hearing, Hearing.id == Issue.hearing_id)
            .where(
                scoped("commitment.read", user, Commitment),
                _is(Commitment.status, CommitmentStatus.OPEN),
                Commitment.due_on < TODAY,
            )
            .order_by(Commitment.due_on, Commitment.id)
            .with_only_columns(*_of_issue(Commitment.id, title=Commitment.measure, due=Commitment.due_on)),
            counted=_open_promises(scoped("commitment.read", user, Commitment), Commitment.due_on < TODAY),
            title=lambda: _("Overdue commitments"),
            verb=lambda: _("Look at"),
            url="/commitments/{id}",
            more_url="/commitments/?light=red",
        )
    ]


@functools.cache
def _figures(user: StandIn) -> Any:
    promises = scoped("commitment.read", user, Commitment)
    issues = scoped("issue.read", user, Issue)

    def count(model: Any, *where: Any) -> Any:
        return select(func.count()).select_from(model).where(*where).scalar_subquery()

    open_ = Commitment.status == CommitmentStatus.OPEN
    return select(
        count(Issue, issues, Issue.status.in_(_STILL_OPEN)).label("open"),
        count(Issue, issues, Issue.status.in_((IssueStatus.STRUCK_OFF, IssueStatus.ANSWERED))).label("closed"),
        count(Commitment, promises, open_).label("owed"),
        count(Commitment, promises, open_, Commitment.due_on < TODAY).label("late"),
    )


def figures(user: User) -> list[dict[str, Any]]:
    """The state of the house in brief, for those who read everything; one statement."""
    row = ask(_figures(stand_in(user)), _values(user)).one()
    as_of = _("as of today")
    return [
        {"label": _("Issues being handled"), "value": row.open, "basis": as_of},
        {"label": _("Issues struck off or settled"), "value": row.closed, "basis": as_of},
        {"label": _("Commitments open"), "value": row.owed, "basis": as_of},
        {"label": _("of these overdue"), "value": row.late, "basis": as_of},
    ]


# -- the administrator's -------------------------------------------------------------------------------


def has_open_items(user: Any = User) -> Any:
    """The clause: this person (a row or the table) chairs, sits, leads or is asked, and it is still ahead."""
    ahead = Hearing.status.in_((HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.POSTPONED))
    return or_(
        exists().where(Hearing.chair_id == user.id, ahead),
        exists().where(Participant.user_id == user.id, Participant.hearing_id == Hearing.id, ahead),
        exists().where(Issue.lead_deputy_id == user.id, Issue.status.not_in(CLOSED)),
        exists().where(Confirmation.deputy_id == user.id, Confirmation.status == ConfirmationStatus.ASKED),
    )


def _admin(user: StandIn) -> list[Rule]:
    people = select(User.id).order_by(User.id)
    return [
        Rule(
            "hand_over",
            people.where(User.active.is_(False), has_open_items()).with_only_columns(*_columns(User.id, User.name)),
            title=lambda: _("Locked people with open items"),
            verb=lambda: _("Hand over"),
            url="/hand-over/{id}",
            more_url="/people/?state=locked",
            light=lambda row: "yellow",
            waits=True,
        ),
        Rule(
            "failures",
            people.where(User.active, User.failures >= FAILURES).with_only_columns(*_columns(User.id, User.name)),
            title=lambda: _("Closed after too many wrong passwords"),
            verb=lambda: _("Look at"),
            url="/people/{id}",
            more_url="/people/?state=failed",
            light=lambda row: "yellow",
            waits=True,
        ),
    ]


def _years() -> Group | None:
    years = years_without_holidays()
    # The State Council publishes next year's holidays in November (known custom); before that nothing can be done.
    years = [year for year in years if year == today().year or today().month >= 11]
    if not years:
        return None
    tasks = [
        {
            "url": f"/settings/holidays?year={year}",
            "verb": _("Fill in"),
            "text": _("the working calendar of %(year)d", year=year),
            "note": _("Until then dates in that year count weekends only."),
            "paper": "",
            "due": None,
            "light": "yellow",
            "light_label": _("waits for you"),
            "sort": "9998",
        }
        for year in years
    ]
    return Group("years", _("Years without holidays"), tasks, len(tasks))


def _untold() -> Group | None:
    """That people are not told: no worker, a mail server that takes nothing, a mailbox that cannot be read."""
    found = state.alarm()
    if found is None:
        return None
    said = [
        (found.worker, _("The worker has stopped, so nobody is told anything.")),
        (found.waiting, _("The mail server takes nothing; mails wait.")),
        (found.mailbox, _("The mailbox cannot be read, so answers by mail are missing.")),
    ]
    tasks = [
        {
            "url": "/settings/mail",
            "verb": _("Look at"),
            "text": words,
            "note": None,
            "paper": "",
            "due": None,
            "light": "red",
            "light_label": _("waits for you"),
            "sort": "0000",
        }
        for holds, words in said
        if holds
    ]
    return Group("untold", _("People are not told"), tasks, len(tasks))


# -- hearings ------------------------------------------------------------------------------------------


@functools.cache
def _hearings(user: StandIn) -> Any:
    """The hearings that ask for something or come up, with the state of their latest minutes."""
    newest = (
        select(func.max(Minutes.version)).where(Minutes.hearing_id == Hearing.id).correlate(Hearing).scalar_subquery()
    )
    unready = (MinutesStatus.DRAFT, MinutesStatus.REVIEWED)
    corrected = aliased(Minutes)
    unpublished = select(corrected.hearing_id).where(corrected.status.in_(unready))
    busy = (HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION, HearingStatus.POSTPONED)
    return (
        select(
            Hearing.id,
            Hearing.title,
            Hearing.serial_no,
            Hearing.kind,
            Hearing.status,
            Hearing.starts_at,
            Hearing.ends_at,
            Hearing.concluded_at,
            Minutes.status.label("minutes"),
        )
        .outerjoin(Minutes, and_(Minutes.hearing_id == Hearing.id, Minutes.version == newest))
        .where(
            scoped("hearing.read", user, Hearing),
            or_(
                Hearing.status.in_((*busy, HearingStatus.CONCLUDED)),
                and_(Hearing.status == HearingStatus.FILED, Hearing.id.in_(unpublished), Minutes.status.in_(unready)),
            ),
        )
        .order_by(case((Hearing.status.in_(busy), 0), else_=1), Hearing.starts_at, Hearing.id)
        .limit(300)
    )


def _hearing_text(row: Any) -> str:
    return f"{serial(row.serial_no)} {row.title}".strip()


def _hearing_task(row: Any, verb: str, url: str, light: str | None, note: str | None = None) -> dict[str, Any]:
    day = row.starts_at.astimezone(LOCAL).date()
    tonight = light == "yellow" and day == today()
    return {
        "url": url,
        "verb": verb,
        "text": _hearing_text(row),
        "note": note if note is not None else span(row),
        "paper": "",
        "due": days_until(day) if day >= today() else short_day(day),
        "light": light,
        "light_label": _("today") if tonight else None,
        "sort": day.isoformat(),
    }


def _hearing_duties(rows: Iterable[Any]) -> list[Group]:
    """What an organiser has to do for each hearing, by where it is in its life."""
    groups: dict[str, Group] = {}

    def add(key: str, title: str, task: dict[str, Any], more: str) -> None:
        group = groups.setdefault(key, Group(key, title, more_url=more))
        group.total += 1
        if len(group.tasks) < SHOWN:
            group.tasks.append(task)

    here, notice = today(), current_app.config["NOTICE_DAYS"]
    for row in rows:
        day = row.starts_at.astimezone(LOCAL).date()
        hub, left = f"/hearings/{row.id}", (row.starts_at.astimezone(LOCAL).date() - today()).days
        night = f"{hub}/session" if row.kind != HearingKind.LOOK_BACK else f"/look-backs/{row.id}"
        if row.status == HearingStatus.DRAFT and left <= SOON_DAYS:
            light = "red" if left < 0 else "yellow" if left <= max(notice, 7) else "green"
            task = _hearing_task(row, _("Announce it"), f"{hub}/announce", light)
            add("announce", _("Hearings to announce"), task, "/hearings/?status=draft")
        elif row.status == HearingStatus.ANNOUNCED and day <= here:
            light = "yellow" if day == here else "red"
            task = _hearing_task(row, _("Open the session"), night, light)
            add("open", _("Hearings to open"), task, "/hearings/?status=announced")
        elif row.status == HearingStatus.IN_SESSION:
            task = _hearing_task(row, _("Record the session"), night, "yellow" if day == here else "red")
            add("conclude", _("In session: record and conclude"), task, "/hearings/?status=in_session")
        elif row.status == HearingStatus.POSTPONED:
            task = _hearing_task(row, _("Set a new date"), f"{hub}/reschedule", None)
            add("postponed", _("Postponed without a new date"), task, "/hearings/?status=postponed")
        elif row.status in (HearingStatus.CONCLUDED, HearingStatus.FILED):
            add(*_paper_duty(row, hub), "/hearings/?status=concluded")
    return list(groups.values())


def _paper_duty(row: Any, hub: str) -> tuple[str, str, dict[str, Any]]:
    """The next step of a held hearing's papers: draft, review, publish the minutes, then file."""
    steps = {
        None: (_("Draft the minutes"), f"{hub}/minutes"),
        MinutesStatus.DRAFT: (_("Edit the minutes and have them reviewed"), f"{hub}/minutes"),
        MinutesStatus.REVIEWED: (_("Publish the minutes"), f"{hub}/minutes"),
        MinutesStatus.PUBLISHED: (_("File the hearing"), hub),
    }
    verb, url = steps[row.minutes]
    since = row.concluded_at
    days = (today() - since.astimezone(LOCAL).date()).days if since else 0
    note = _("concluded %(day)s", day=short_day(since)) if since else None
    task = _hearing_task(row, verb, url, "yellow" if days > 3 else None, note)
    task |= {"due": None, "light_label": _("waits for you") if days > 3 else None}
    return "papers", _("Minutes and files"), task


def _coming(rows: Iterable[Any], organises: bool) -> list[dict[str, Any]]:
    """What comes up: announced and in session from today on, and drafts still far off; nothing that stands above."""
    here, found = today(), []
    for row in rows:
        day = row.starts_at.astimezone(LOCAL).date()
        if day < here or row.status not in (HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION):
            continue
        if row.status == HearingStatus.DRAFT and (day - here).days <= SOON_DAYS:
            continue
        if organises and (day == here or row.status == HearingStatus.IN_SESSION):
            continue
        light, words = None, None
        if row.status == HearingStatus.IN_SESSION:
            light, words = "yellow", _("in session")
        verb = _("Draft") if row.status == HearingStatus.DRAFT else _("Hearing")
        if row.kind == HearingKind.LOOK_BACK:
            verb = _("Look-back")
        found.append(_hearing_task(row, verb, f"/hearings/{row.id}", light) | {"light_label": words})
    return found[:20]


# -- the front page ------------------------------------------------------------------------------------


@dataclass
class Front:
    """Everything the front page shows."""

    now: list[Group]
    coming: list[dict[str, Any]]
    follow: list[Group]
    figures: list[dict[str, Any]]
    lights: dict[str | None, str]
    """Words for the lights, looked up once for all lines."""


@dataclass(frozen=True)
class _Plan:
    """What people of a kind are asked and shown."""

    duties: list[Rule]
    follows: list[Rule]
    statement: Any


@functools.cache
def _plan(user: StandIn) -> _Plan:
    roles = user.role_set
    duties: list[Rule] = []
    follows: list[Rule] = []
    overseer = bool(roles & {Role.LEADER, Role.AUDITOR})
    if Role.ORGANISER in roles:
        duties += _organiser(user)
    if Role.DEPUTY in roles:
        duties += _deputy(user)
        follows += _deputy_follows(user)
    if Role.DEPARTMENT in roles:
        duties += _department(user)
    if Role.ADMIN in roles:
        duties += _admin(user)
    if overseer and Role.ORGANISER not in roles:
        duties += _overseer(user)
    if overseer or Role.ORGANISER in roles:
        follows += _soon_due(user)
    return _Plan(duties, follows, _joined([*duties, *follows]))


def _values(user: User) -> dict[str, Any]:
    return particulars(user) | {
        "soon": today() + timedelta(days=rules.soon()),
        "midnight": local(today(), time()),
        "failures": current_app.config["LOGIN_FAILURES"],
    }


def front(user: User) -> Front:
    """What this person must do now, most urgent first; what comes up; what the person follows."""
    roles, kind, values, words = user.role_set, stand_in(user), _values(user), _Days()
    plan = _plan(kind)
    rows: dict[str, list[Any]] = defaultdict(list)
    if plan.statement is not None:
        for row in ask(plan.statement, values):
            rows[row.key].append(row)
    hearings = ask(_hearings(kind), values).all() if may(user, "hearing.read") else []
    now = [group for rule in plan.duties if (group := _group(rule, rows[rule.key], words)) is not None]
    if Role.ORGANISER in roles:
        now += _hearing_duties(hearings)
    if Role.ADMIN in roles and (years := _years()) is not None:
        now.append(years)
    if Role.ADMIN in roles and (untold := _untold()) is not None:
        now.append(untold)
    now.sort(key=lambda group: group.urgency)
    follow = [group for rule in plan.follows if (group := _group(rule, rows[rule.key], words)) is not None]
    return Front(
        now,
        _coming(hearings, Role.ORGANISER in roles),
        follow,
        figures(user) if roles & {Role.LEADER, Role.AUDITOR} else [],
        _words_of_lights(),
    )


def _group(rule: Rule, rows: Sequence[Any], words: _Days) -> Group | None:
    if not rows:
        return None
    tasks = _tasks(rule, rows, words)
    tasks.sort(key=lambda t: t["sort"])
    return Group(rule.key, rule.title(), tasks, rows[0].total, rule.more_url)
