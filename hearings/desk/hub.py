"""A hearing's hub: everything about it on one page, in the order of the evening.

Measured against a bare page, so rows are fetched as columns, one statement a kind, and put into words here;
the template only lays them out. The number of statements does not depend on what the hearing holds.
"""

import functools
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from flask import render_template, request
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import Integer, bindparam, func, or_, select
from sqlalchemy.orm import aliased

from .. import undo, workflow
from ..audit import AuditEvent
from ..db import LOCAL, today
from ..filters import clock, day, percent, short_day
from ..forms import as_number
from ..issues import rules
from ..issues.models import (
    CLOSED,
    OUTCOME_LABELS,
    Commitment,
    Issue,
    IssueStatus,
    commitment_co_handler,
)
from ..issues.story import tone as tone_of
from ..ledger import figures as ledger
from ..minutes.models import Minutes, MinutesStatus
from ..notices import invitations, outbox
from ..notices.models import REPLY_LABELS, Invitation, Reply
from ..notices.queries import TROUBLES, trouble
from ..people.models import Department, User
from ..people.words import act, actor_words
from ..permissions import Role, allowed, requires, scoped
from ..prepared import StandIn, ask, particulars, stand_in
from ..reviews.course import begin
from ..reviews.models import BALLOT_LABELS, VERDICT_LABELS, AgendaItem, Ballot, Finding
from ..reviews.queries import rule_words
from ..schedule.models import (
    CAPACITY_LABELS,
    KIND_LABELS,
    LIST_LABELS,
    SOURCE_LABELS,
    AttendanceList,
    Came,
    Capacity,
    Hearing,
    HearingKind,
    HearingStatus,
    Participant,
    Topic,
    topic_department,
)
from ..web import me

LINES = 30
"""Of the history, on one page."""
ACTIONS = (
    "hearing.amend",
    "hearing.create",
    "hearing.name_attendee",
    "hearing.archive",
    "invitation.read",
    "invitation.remind",
    "issue.log",
    "minutes.draft",
    "look_back.plan",
)
STATUS_TONES = {
    HearingStatus.ANNOUNCED: "blue",
    HearingStatus.IN_SESSION: "lamp",
    HearingStatus.CONCLUDED: "lamp",
    HearingStatus.FILED: "green",
    HearingStatus.POSTPONED: "yellow",
}
VERDICT_TONES = {"satisfied": "green", "mostly_satisfied": "blue", "dissatisfied": "yellow"}
OPEN_STATUSES = (IssueStatus.REGISTERED, IssueStatus.RETURNED)
LOGGING = (HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION, HearingStatus.CONCLUDED)
AWAITED = (HearingStatus.ANNOUNCED, HearingStatus.POSTPONED, HearingStatus.IN_SESSION)
"""While it matters who has said what to the invitation."""
OVER = (HearingStatus.CONCLUDED, HearingStatus.FILED)
GONE = (HearingStatus.CANCELLED, HearingStatus.DISCARDED)

Row = dict[str, Any]


@dataclass
class Hub:
    """What the page lays out."""

    hearing: Hearing
    sees_all: bool
    mine: set[str]
    words: "Words"
    facts: list[tuple[Any, Any]] = field(default_factory=list)
    timeline: list[Row] = field(default_factory=list)
    seats: list[Row] = field(default_factory=list)
    seat_count: str = ""
    chair: str = ""
    answers: "Answers | None" = None
    topics: list[Row] = field(default_factory=list)
    issues: list[Row] = field(default_factory=list)
    ballots: list[Row] = field(default_factory=list)
    ballot_rules: list[str] = field(default_factory=list)
    agenda: list[Row] = field(default_factory=list)
    look_backs: list[Row] = field(default_factory=list)
    papers: list[Row] = field(default_factory=list)
    drafts: list[Minutes] = field(default_factory=list)
    figures: list[Row] | None = None
    history: list[Row] = field(default_factory=list)
    older: int | None = None
    primary: Row | None = None
    actions: list[Row] = field(default_factory=list)

    @property
    def status(self) -> Any:
        return workflow.label("hearing", self.hearing.status)

    @property
    def tone(self) -> str:
        return STATUS_TONES.get(self.hearing.status, "grey")

    @property
    def is_night(self) -> bool:
        return self.hearing.kind == HearingKind.NIGHT_HEARING

    @property
    def is_over(self) -> bool:
        return self.hearing.status in OVER

    @property
    def takes_issues(self) -> bool:
        return self.hearing.status in LOGGING

    @property
    def has_invitation(self) -> bool:
        return self.hearing.status not in (HearingStatus.DRAFT, HearingStatus.DISCARDED)

    @property
    def opens_topics(self) -> bool:
        return "hearing.amend" in self.mine


@dataclass
class Answers:
    """What the invited have said, as far as they were asked by mail: names, by what they said."""

    said: dict[Reply, list[str]] = field(default_factory=lambda: {reply: [] for reply in Reply})
    reminded: list[str] = field(default_factory=list)
    instead: list[Row] = field(default_factory=list)
    """Who is named in whose place, and whether the list has it."""
    dead: list[Row] = field(default_factory=list)
    """Whose mail did not arrive."""
    unasked: list[str] = field(default_factory=list)
    """Without an address."""
    can_ask: bool = False

    @property
    def asked(self) -> bool:
        return bool(self.dead) or any(self.said.values())


class Words:
    """The words of one language, looked up once: thousands of rows use them, and the catalogue is not quick."""

    def __init__(self, chinese: bool) -> None:
        self.stop = "、" if chinese else ", "
        self.outcomes = {k: str(v) for k, v in OUTCOME_LABELS.items()}
        self.verdicts = {k: (str(v), VERDICT_TONES[k]) for k, v in BALLOT_LABELS.items()}
        self.issue = {s: (str(workflow.label("issue", s)), tone_of("issue", s)) for s in IssueStatus}
        self.lights = {k: str(v) for k, v in rules.LIGHT_WORDS.items()}
        self.capacities = {k: str(v) for k, v in CAPACITY_LABELS.items()}
        self.lists = {k: str(v) for k, v in LIST_LABELS.items()}
        self.sources = {k: str(v) for k, v in SOURCE_LABELS.items()}
        self.kinds = {k: str(v) for k, v in KIND_LABELS.items()}
        self.findings = {k: str(v) for k, v in VERDICT_LABELS.items()}
        self.steps = {k: str(v) for k, v in STEPS.items()}
        self.came = {
            Came.ON_LEAVE: (str(_("On leave")), "yellow"),
            Came.ABSENT: (str(_("Absent")), "grey"),
            "walk_in": (str(_("walk-in")), "blue"),
        }
        self.replies = {k: str(v) for k, v in REPLY_LABELS.items()}
        self.resident = str(_("Resident"))
        self.late = str(_("late entry"))
        self.table = {
            "issues": _("Issues"),
            "issue": _("Issue"),
            "number": _("No."),
            "promises": _("Commitments"),
            "ballot": _("Ballot"),
            "ballots": _("Satisfaction ballot"),
            "status": _("Status"),
            "handed_out": _("Handed out"),
            "grades": [_("Satisfied"), _("Basically satisfied"), _("Dissatisfied"), _("Invalid")],
            "verdict": _("Verdict"),
            "latest": _("Latest verdict"),
            "agenda": _("Issues looked back at"),
            "found": _("Finding"),
        }
        self.acts: dict[str, str] = {}

    def act(self, action: str) -> str:
        if action not in self.acts:
            self.acts[action] = act(action)
        return self.acts[action]


_words: dict[str, Words] = {}


def words_now() -> Words:
    """The words of the reader's language."""
    language = str(get_locale() or "zh_Hans")
    if language not in _words:
        _words[language] = Words(not language.startswith("en"))
    return _words[language]


# -- the view ------------------------------------------------------------------------------------------


@requires("hearing.read", Hearing)
def hub(hearing: Hearing) -> Any:
    """Everything about a hearing that this person may see."""
    user = me()
    mine = allowed(user, hearing, ACTIONS)
    sees_all = "hearing.amend" in mine or bool(user.role_set & {Role.LEADER, Role.AUDITOR})
    as_of, asked, complaint = day_asked(request.args.get("as_of"), hearing)
    shown = Hub(hearing, sees_all, mine, words_now())
    issue_rows = _issues(shown, user)
    promise_names = _promises(shown, user)
    answers = _ask(_answer_lines, shown, user)
    _offices(shown, answers)
    if sees_all and (shown.issues or (hearing.opened_at and shown.is_night)):
        shown.figures = _figures(hearing, issue_rows, answers, as_of)
    _seats(shown)
    _topics(shown, user)
    if hearing.kind != HearingKind.NIGHT_HEARING:
        _agenda(shown, user)
    _look_backs(shown, user)
    _papers(shown, user)
    _history(shown, promise_names)
    _facts(shown)
    _timeline(shown, issue_rows)
    _choose_actions(shown)
    may_take_back = "hearing.amend" in mine and not request.args.get("as_of")  # a day's figures are only looked at
    return render_template(
        "desk/hub.html", hub=shown, hearing=hearing, base=f"/hearings/{hearing.id}", as_of=as_of, asked=asked,
        complaint=complaint,
        undos=undo.standing(f"/hearings/{hearing.id}", actor=user) if may_take_back else [],
    )  # fmt: skip


def day_asked(words: str | None, hearing: Hearing) -> tuple[date, str, str | None]:
    """The day of `?as_of=`: (day, what was typed, a sentence when it is no day one can count on)."""
    now = today()
    typed = re.sub(r"[^\w\s./年月日-]", "", words or "")[:20].strip()
    if not typed:
        return now, now.isoformat(), None
    parts = re.findall(r"[0-9]+", typed)
    try:
        if len(parts) != 3 or len(parts[0]) != 4:
            raise ValueError
        wanted = date(int(parts[0]), int(parts[1]), int(parts[2]))
    except (ValueError, OverflowError):
        return now, typed, _("This is not a date. Please write it like 2021-03-25.")
    if wanted > now:
        return now, typed, _("This day has not come yet; the figures are those of today.")
    if wanted < hearing.created_at.astimezone(LOCAL).date() - timedelta(days=1) and wanted < hearing.day:
        return now, typed, _("This day lies before the hearing; the figures are those of today.")
    return wanted, wanted.isoformat(), None


# -- sections ------------------------------------------------------------------------------------------

AT: Any = bindparam("hearing", type_=Integer())
"""This hearing. Statements are built once per kind of person (`prepared`)."""


def _ask(statement: Callable[[StandIn], Any], shown: Hub, user: Any) -> Sequence[Any]:
    """The rows of a statement of this page, for this person and hearing."""
    return ask(statement(stand_in(user)), {"hearing": shown.hearing.id} | particulars(user)).all()


@functools.cache
def _issue_lines(user: StandIn) -> Any:
    held = aliased(Hearing)
    return (
        select(
            Issue.id,
            Issue.number,
            Issue.title,
            Issue.status,
            Issue.outcome,
            Issue.round,
            Issue.is_late,
            Issue.resident,
            Issue.community,
            Issue.closed_at,
            User.name.label("deputy"),
            Ballot.hearing_id.label("voted_at"),
            Ballot.voters,
            Ballot.issued,
            Ballot.satisfied,
            Ballot.mostly_satisfied,
            Ballot.dissatisfied,
            Ballot.invalid,
            Ballot.verdict,
            Ballot.rule,
            held.starts_at.label("held_at"),
        )
        .outerjoin(User, User.id == Issue.lead_deputy_id)
        .outerjoin(Ballot, Ballot.issue_id == Issue.id)
        .outerjoin(held, held.id == Ballot.hearing_id)
        .where(Issue.hearing_id == AT, scoped("issue.read", user, Issue))
        .order_by(Issue.position, Issue.id, held.starts_at)
    )


def _issues(shown: Hub, user: Any) -> Sequence[Any]:
    """Issues with all their ballots, one statement. Returns the rows as the figures count them."""
    hearing = shown.hearing
    rows = _ask(_issue_lines, shown, user)
    words = shown.words
    rules_seen: list[Any] = []
    by_id: dict[int, Row] = {}
    for row in rows:
        made = by_id.get(row.id)
        if made is None:
            label, tone = words.issue[row.status]
            by = row.deputy or ""
            if row.resident or row.community:  # never by name
                by = f"{words.resident}（{by}）" if by else words.resident
            about = [by, words.outcomes[row.outcome] if row.outcome else "", words.late if row.is_late else ""]
            made = by_id[row.id] = {
                "id": row.id,
                "ref": rules.reference(hearing.serial_no, hearing.id, row.number),
                "title": row.title,
                "about": " · ".join(a for a in about if a),
                "status": label,
                "tone": tone,
                "round": _("round %(number)d", number=row.round) if row.round > 1 else "",
                "promises": [],
                "office": "",
                "verdict": None,
                "loose": row.status in OPEN_STATUSES,
                "closed": row.status in CLOSED,
            }
        if row.verdict is not None:
            made["verdict"] = words.verdicts[row.verdict]
            if row.voted_at == hearing.id:
                shown.ballots.append(
                    {
                        "ref": made["ref"],
                        "title": row.title,
                        "counts": (row.satisfied, row.mostly_satisfied, row.dissatisfied, row.invalid),
                        "issued": row.issued,
                        "verdict": made["verdict"],
                        "issue": made,
                    }
                )
                if row.rule not in rules_seen:
                    rules_seen.append(row.rule)
                    shown.ballot_rules.append(rule_words(row))
    shown.issues = list(by_id.values())
    return rows


_helper = aliased(Department)


@functools.cache
def _promise_lines(user: StandIn) -> Any:
    return (
        select(
            Commitment.id,
            Commitment.issue_id,
            Commitment.measure,
            Commitment.due_on,
            Commitment.status,
            Commitment.reported_at,
            Department.short_name,
            _helper.short_name.label("helper"),
        )
        .join(Issue, Issue.id == Commitment.issue_id)
        .join(Department, Department.id == Commitment.lead_id)
        .outerjoin(commitment_co_handler, commitment_co_handler.c.commitment_id == Commitment.id)
        .outerjoin(_helper, _helper.id == commitment_co_handler.c.department_id)
        .where(Issue.hearing_id == AT, scoped("issue.read", user, Issue))
        .order_by(Commitment.position, Commitment.id, _helper.position)
    )


def _promises(shown: Hub, user: Any) -> dict[int, str]:
    """Promises beneath their issues, with who, when and the light; one statement. Returns their measures."""
    rows = _ask(_promise_lines, shown, user)
    lights = shown.words.lights
    at_home = {row["id"]: row["promises"] for row in shown.issues}
    made: dict[int, Row] = {}
    dates: dict[tuple[Any, ...], tuple[str, str]] = {}
    for row in rows:
        id_, issue_id, measure, due_on, status, reported_at, office, helper = row
        known = made.get(id_)
        if known is None:
            key = (due_on, status, reported_at)
            if key not in dates:
                dates[key] = (short_day(due_on), rules.light(row))
            due, light = dates[key]
            known = made[id_] = {
                "id": id_,
                "measure": measure,
                "about": office,
                "helpers": [],
                "due": due,
                "light": light,
                "light_words": lights[light],
            }
            if issue_id in at_home:
                at_home[issue_id].append(known)
        if helper:
            known["helpers"].append(helper)
    for promise in made.values():
        if promise["helpers"]:
            promise["about"] += f" / {shown.words.stop.join(promise['helpers'])}"
    return {id_: promise["measure"] for id_, promise in made.items()}


@functools.cache
def _answer_lines(user: StandIn) -> Any:
    return ledger.answers((Issue.hearing_id == AT) & scoped("issue.read", user, Issue))


def _offices(shown: Hub, answers: Iterable[Any]) -> None:
    """Whom an issue without promises was handed to."""
    last = {a.issue_id: a.office for a in answers}
    for row in shown.issues:
        row["office"] = last.get(row["id"], "")


def _figures(hearing: Hearing, rows: Sequence[Any], answers: Sequence[Any], as_of: date) -> list[Row]:
    """The counts of the hearing, each with numerator, denominator and date."""
    ballots = [r for r in rows if r.verdict is not None]
    for_ballots = [
        ledger.BallotRow(r.id, r.voted_at, r.voters, r.verdict, r.held_at) for r in ballots if r.held_at is not None
    ]
    seen = {r.id: r for r in rows}
    if as_of >= today():
        standing = [ledger.IssueRow(r.id, r.status, r.outcome) for r in seen.values()]
    else:
        statuses, outcomes = ledger.past([hearing.id], as_of)
        standing = [ledger.IssueRow(i, statuses[i], outcomes.get(i)) for i in seen if i in statuses]
    told = ledger.count(hearing.id, standing, answers, for_ballots, as_of)
    return figure_words(told)


def figure_words(told: ledger.Figures) -> list[Row]:
    """Figures as the kit shows them: label, value, basis."""
    on = day(told.as_of)
    comma = _(", ")

    def number(label: Any, count: int, *basis: str) -> Row:
        return {"label": label, "value": count, "basis": comma.join(w for w in (*basis, on) if w)}

    def rate(label: Any, share: ledger.Rate, basis: Any) -> Row:
        words = _("%(basis)s: %(part)d of %(whole)d", basis=basis, part=share.part, whole=share.whole)
        return {"label": label, "value": percent(share.part, share.whole), "basis": comma.join((words, on))}

    apart = _("%(count)d not accepted, counted apart", count=told.not_accepted) if told.not_accepted else ""
    made = [
        number(_("Accepted as issues"), told.accepted, apart),
        number(_("Struck off"), told.struck_off),
        number(_("Settled by explanation"), told.explained),
        number(_("Tracked"), told.tracked),
    ]
    if told.transferred:
        made.append(number(_("Transferred"), told.transferred))
    made += [
        rate(_("Closure rate"), told.closure, _("struck off and explained / accepted")),
        rate(_("Resolution rate"), told.resolution, _("class A / accepted")),
        rate(_("Reply rate"), told.replied, _("replied / assigned")),
        rate(_("In time"), told.on_time, _("first reply in time / replied")),
        {
            "label": _("Result classes"),
            "value": " ".join(f"{c}{n}" for c, n in told.classes.items() if n) or "—",
            "basis": comma.join((_("latest reply of each issue"), on)),
        },
    ]
    verdicts = {v.value: str(w) for v, w in BALLOT_LABELS.items()}
    for label, counts in ((_("Ballot of the evening"), told.night), (_("Latest verdicts"), told.latest)):
        words = comma.join(f"{verdicts[v]}×{n}" for v, n in counts.items() if n)
        made.append(number(label, sum(counts.values()), words))
    return made


_SEATS = (
    select(
        Participant.name,
        Participant.unit,
        Participant.capacity,
        Participant.listed,
        Participant.seats,
        Participant.seats_taken,
        Participant.came,
        Participant.reason,
        Participant.stand_in_name,
        Participant.is_stand_in,
        Participant.is_walk_in,
    )
    .where(Participant.hearing_id == AT)
    .order_by(Participant.position, Participant.id)
)
_SEATS_WITH_ANSWERS = _SEATS.add_columns(
    Participant.id.label("seat_id"),
    Participant.stand_in_title,
    Invitation.id.label("invitation_id"),
    Invitation.name.label("invited"),
    Invitation.address,
    Invitation.answer,
    Invitation.delegate,
    Invitation.delegate_title,
    Invitation.reminded_at,
    Invitation.trouble,
).outerjoin(
    Invitation,
    (Invitation.participant_id == Participant.id) & (Invitation.hearing_id == AT) & Invitation.withdrawn_at.is_(None),
)


def _answers(hearing: Hearing, rows: Iterable[Any]) -> Answers:
    """Who comes, who does not, who has not answered, who was asked again, whose address is dead."""
    told = Answers()
    for row in rows:
        if row.invitation_id is None:
            if row.capacity != Capacity.RESIDENT and row.came == Came.UNKNOWN:
                told.unasked.append(row.name or row.unit or "")
            continue
        if row.trouble and row.answer == Reply.NONE:
            told.dead.append(
                {
                    "name": row.invited,
                    "address": row.address,
                    "why": TROUBLES[trouble(row.trouble)],
                    "said": row.trouble,
                    "seat": row.seat_id,
                }
            )
        else:
            told.said[row.answer].append(row.invited)
        if row.reminded_at is not None:
            told.reminded.append(f"{row.invited}（{short_day(row.reminded_at)}）")
        if row.delegate:
            taken = (row.stand_in_name, row.stand_in_title) == (row.delegate, row.delegate_title)
            name = " ".join(w for w in (row.delegate, row.delegate_title) if w)
            told.instead.append({"who": row.invited, "name": name, "taken": taken, "id": row.invitation_id})
    told.can_ask = bool(told.said[Reply.NONE]) and not invitations.is_over(hearing)
    return told


def _seats(shown: Hub) -> None:
    """Who is on the list and who came, by list and capacity; residents by number only."""
    with_answers = "invitation.read" in shown.mine and shown.hearing.status in AWAITED
    rows = ask(_SEATS_WITH_ANSWERS if with_answers else _SEATS, {"hearing": shown.hearing.id}).all()
    if with_answers:
        told = _answers(shown.hearing, rows)
        shown.answers = told if told.asked or outbox.mail_is_set() else None
    lists: dict[Any, dict[Any, list[Any]]] = {listed: defaultdict(list) for listed in AttendanceList}
    seats = came = leave = absent = open_ = 0
    said, stop = shown.words.came, shown.words.stop
    free = functools.cache(lambda count: _("%(count)d seats", count=count))  # two hundred of them, of a few sizes
    for name, unit, capacity, listed, places, counted, arrived, reason, proxy, is_stand_in, is_walk_in, *_more in rows:
        taken = places if counted is None else counted
        seats += places
        if arrived == Came.SIGNED_IN:
            came += taken
        elif arrived == Came.ON_LEAVE:
            leave += places
        elif arrived == Came.ABSENT:
            absent += places
        else:
            open_ += places
        name, unit = name or "", unit or ""
        if capacity == Capacity.CHAIR:
            shown.chair = name
        if capacity == Capacity.RESIDENT:
            name, unit = free(places), ""
            if arrived == Came.SIGNED_IN and taken != places:
                name = _("%(taken)d of %(count)d came", taken=taken, count=places)
        elif not name and places > 1:
            name = free(places)
        if is_stand_in and proxy:
            name = _("%(stand_in)s for %(name)s", stand_in=proxy, name=name or unit)
        mark = said.get("walk_in" if is_walk_in and arrived == Came.SIGNED_IN else arrived)
        if mark and reason:
            mark = (f"{mark[0]}（{reason}）", mark[1])
        lists[listed][capacity].append((name or unit, unit if name else "", mark, stop))
    for groups in lists.values():
        for people in groups.values():
            people[-1] = (*people[-1][:3], "")
    order = {c: n for n, c in enumerate(Capacity)}
    shown.seats = [
        {
            "label": shown.words.lists[listed],
            "groups": [(shown.words.capacities[c], groups[c]) for c in sorted(groups, key=lambda c: order[c])],
        }
        for listed, groups in lists.items()
        if groups
    ]
    if seats:
        words = [free(seats)]
        if shown.hearing.opened_at is not None or came:
            words += [_("%(count)d signed in", count=came)]
            words += [_("%(count)d on leave", count=leave)] if leave else []
            words += [_("%(count)d absent", count=absent)] if absent else []
            words += [_("%(count)d not registered", count=open_)] if open_ else []
        shown.seat_count = _(", ").join(words)


@functools.cache
def _topic_lines(user: StandIn) -> Any:
    return (
        select(Topic.id, Topic.title, Topic.source, User.name.label("deputy"), Department.short_name)
        .outerjoin(User, User.id == Topic.deputy_id)
        .outerjoin(topic_department, topic_department.c.topic_id == Topic.id)
        .outerjoin(Department, Department.id == topic_department.c.department_id)
        .where(Topic.hearing_id == AT, scoped("topic.read", user, Topic))
        .order_by(Topic.position, Topic.id, Department.position)
    )


def _topics(shown: Hub, user: Any) -> None:
    """What is to be asked, and which departments were told; a department sees what is addressed to it."""
    rows = _ask(_topic_lines, shown, user)
    made: dict[int, Row] = {}
    for row in rows:
        known = made.setdefault(
            row.id,
            {
                "id": row.id,
                "title": row.title,
                "source": shown.words.sources[row.source],
                "deputy": row.deputy or "",
                "offices": [],
            },
        )
        if row.short_name:
            known["offices"].append(row.short_name)
    shown.topics = list(made.values())


@functools.cache
def _agenda_lines(user: StandIn) -> Any:
    raised = aliased(Hearing)
    return (
        select(
            Issue.id, Issue.number, Issue.title, Issue.status, raised.serial_no, raised.id.label("raised_at"),
            Finding.verdict,
        )
        .select_from(AgendaItem)
        .join(Issue, Issue.id == AgendaItem.issue_id)
        .join(raised, raised.id == Issue.hearing_id)
        .outerjoin(Finding, (Finding.issue_id == Issue.id) & (Finding.hearing_id == AT))
        .where(AgendaItem.hearing_id == AT, scoped("issue.read", user, Issue))
        .order_by(AgendaItem.position, AgendaItem.id, Finding.id)
    )  # fmt: skip


def _agenda(shown: Hub, user: Any) -> None:
    """Of a look-back or evaluation meeting: the issues carried in, and what was found of each."""
    rows = _ask(_agenda_lines, shown, user)
    made: dict[int, Row] = {}
    for row in rows:
        known = made.setdefault(
            row.id,
            {
                "id": row.id,
                "ref": rules.reference(row.serial_no, row.raised_at, row.number),
                "title": row.title,
                "status": shown.words.issue[row.status][0],
                "tone": shown.words.issue[row.status][1],
                "verdict": "",
            },
        )
        if row.verdict:
            known["verdict"] = shown.words.findings[row.verdict]
    shown.agenda = list(made.values())


@functools.cache
def _look_back_lines(user: StandIn) -> Any:
    own = select(AgendaItem.hearing_id).join(Issue).where(Issue.hearing_id == AT)
    items = (
        select(func.count())
        .select_from(AgendaItem)
        .where(AgendaItem.hearing_id == Hearing.id)
        .correlate(Hearing)
        .scalar_subquery()
    )
    return (
        select(Hearing.id, Hearing.kind, Hearing.title, Hearing.starts_at, Hearing.status, items.label("items"))
        .where(
            or_(Hearing.follows_id == AT, Hearing.id.in_(own)),
            Hearing.id != AT,
            Hearing.status != HearingStatus.DISCARDED,
            scoped("hearing.read", user, Hearing),
        )
        .order_by(Hearing.starts_at, Hearing.id)
        .limit(50)
    )


def _look_backs(shown: Hub, user: Any) -> None:
    """Meetings that looked back at this hearing's issues, in order of time."""
    rows = _ask(_look_back_lines, shown, user)
    shown.look_backs = [
        {
            "id": row.id,
            "title": row.title,
            "kind": shown.words.kinds[row.kind],
            "when": day(row.starts_at),
            "status": workflow.label("hearing", row.status),
            "tone": STATUS_TONES.get(row.status, "grey"),
            "items": row.items,
        }
        for row in rows
    ]


@functools.cache
def _paper_lines(user: StandIn) -> Any:
    return (
        select(
            Minutes.version,
            Minutes.status,
            Minutes.issued_by,
            Minutes.issued_on,
            Minutes.published_at,
            Minutes.reason,
            Minutes.docx_sha256,
        )
        .where(Minutes.hearing_id == AT, scoped("minutes.read", user, Minutes))
        .order_by(Minutes.version.desc())
    )


def _papers(shown: Hub, user: Any) -> None:
    """Minutes in all versions this person may read, and the calendar file."""
    rows = _ask(_paper_lines, shown, user)
    newest = max((r.version for r in rows if r.status == MinutesStatus.PUBLISHED), default=None)
    shown.papers = [
        {
            "version": row.version,
            "status": row.status,
            "words": workflow.label("minutes", row.status),
            "tone": {"draft": "grey", "reviewed": "lamp", "published": "green"}[row.status],
            "issued": f"{row.issued_by} {day(row.issued_on)}" if row.issued_by else "",
            "reason": row.reason or "",
            "published_at": row.published_at,
            "file": f"/hearings/{shown.hearing.id}/minutes",
            "has_word": row.docx_sha256 is not None,
            "which": "" if row.version == newest else f"?version={row.version}",
        }
        for row in rows
    ]


@functools.cache
def _history_lines(sees_all: bool, has_before: bool) -> Any:
    wanted = (
        select(
            AuditEvent.id,
            AuditEvent.at,
            AuditEvent.actor_name,
            AuditEvent.action,
            AuditEvent.subject_type,
            AuditEvent.subject_id,
            AuditEvent.details["reason"].as_string().label("reason"),
        )
        .where(AuditEvent.hearing_id == AT)
        .order_by(AuditEvent.id.desc())
        .limit(LINES + 1)
    )
    if not sees_all:
        wanted = wanted.where(
            AuditEvent.subject_type == "hearing", AuditEvent.action.in_([f"hearing.{a}" for a in PUBLIC_ACTS])
        )
    return wanted.where(AuditEvent.id < bindparam("before")) if has_before else wanted


def _history(shown: Hub, measures: dict[int, str]) -> None:
    """Who did what, newest first; runs of the same act are told once. Others than organisers, leaders and

    auditors see what was done to the hearing itself.
    """
    before = as_number(request.args.get("history", ""))
    values = {"hearing": shown.hearing.id, "before": before}
    lines = ask(_history_lines(shown.sees_all, before is not None), values).all()
    if len(lines) > LINES:
        lines = lines[:LINES]
        shown.older = lines[-1].id
    issues = {row["id"]: f"{row['ref']} {row['title']}" for row in shown.issues}
    about = {"issue": issues, "commitment": measures}
    for line in lines:
        when = f"{day(line.at)} {clock(line.at)}"
        subject = about.get(line.subject_type, {}).get(line.subject_id, "")
        last = shown.history[-1] if shown.history else None
        if last and (last["action"], last["who"], last["when"][:-3]) == (line.action, line.actor_name, when[:-3]):
            last["count"] += 1
            last["about"] = ""
            continue
        shown.history.append(
            {
                "action": line.action,
                "label": shown.words.act(line.action),
                "who": actor_words(line.actor_name),
                "when": when,
                "about": subject,
                "why": line.reason or "",
                "count": 1,
            }
        )


PUBLIC_ACTS = ("announce", "reschedule", "postpone", "cancel", "open", "conclude", "file")
"""What everybody invited is told of a hearing anyway."""


# -- head ----------------------------------------------------------------------------------------------


def _facts(shown: Hub) -> None:
    hearing = shown.hearing
    facts: list[tuple[Any, Any]] = [(_("Kind"), shown.words.kinds[hearing.kind]), (_("Place"), hearing.place)]
    if hearing.theme:
        facts.append((_("Theme"), hearing.theme))
    chair = shown.chair or (hearing.chair.name if hearing.chair_id is not None and hearing.chair is not None else "")
    if chair:
        facts.append((_("Chair"), chair))
    if hearing.code:
        facts.append((_("Office number"), hearing.code))
    if hearing.reason and hearing.status in (*GONE, HearingStatus.POSTPONED):
        facts.append((_("Reason"), hearing.reason))
    shown.facts = facts


STEPS = {
    "draft": _l("Drafted"),
    "announced": _l("Announced"),
    "in_session": _l("In session"),
    "concluded": _l("Concluded"),
    "minutes": _l("Minutes published"),
    "filed": _l("Filed"),
    "closed": _l("All issues closed"),
    "cancelled": _l("Cancelled"),
    "discarded": _l("Discarded"),
}


def _timeline(shown: Hub, issue_rows: Sequence[Any]) -> None:
    """Where in its life the hearing is."""
    hearing = shown.hearing
    out = next((p["published_at"] for p in reversed(shown.papers) if p["published_at"]), None)
    done: list[tuple[str, Any]] = [("draft", hearing.created_at), ("announced", hearing.announced_at)]
    if hearing.status in GONE:
        name = "cancelled" if hearing.status == HearingStatus.CANCELLED else "discarded"
        done = [d for d in done if d[1] is not None] + [(name, hearing.cancelled_at or hearing.changed_at)]
        shown.timeline = [{"label": shown.words.steps[n], "when": short_day(at), "state": "done"} for n, at in done]
        return
    over = hearing.status in OVER
    done += [
        ("in_session", hearing.opened_at),
        ("concluded", hearing.concluded_at if over else None),
        ("minutes", out),
        ("filed", hearing.filed_at),
    ]
    if shown.sees_all and issue_rows and hearing.kind == HearingKind.NIGHT_HEARING:
        ends = [r.closed_at for r in issue_rows]
        done.append(("closed", max(ends) if all(ends) else None))
    steps = [
        {"label": shown.words.steps[n], "when": short_day(at), "state": "done" if at else "todo"} for n, at in done
    ]
    behind = [step for step in steps if step["state"] == "done"]
    if len(behind) < len(steps):  # it stands where it came to last; when all is done, nowhere any more
        behind[-1]["state"] = "current"
    if hearing.announced_at is not None and hearing.opened_at is None:
        steps[2]["when"] = short_day(hearing.starts_at)
    shown.timeline = steps


def _choose_actions(shown: Hub) -> None:
    """The one primary action by state, and the others that would work now, as links and buttons."""
    hearing, mine = shown.hearing, shown.mine
    base = f"/hearings/{hearing.id}"
    links: list[Row] = []

    def link(url: str, label: Any) -> Row:
        return {"url": url, "label": label}

    def post(url: str, label: Any, sure: Any = None) -> Row:
        return {"url": url, "label": label, "post": True, "sure": sure}

    published = [p for p in shown.papers if p["status"] == MinutesStatus.PUBLISHED]
    if "hearing.amend" not in mine:
        if published:
            links.append(link(f"{base}/minutes.pdf", _("Download the minutes")))
        if "hearing.name_attendee" in mine and hearing.status in (HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION):
            links.append(link(f"{base}/attendee", _("Name who attends")))
        if "issue.log" in mine and hearing.status in LOGGING:
            links.insert(0, link(f"{base}/issues/new", _("Log an issue")))
        shown.primary, shown.actions = (links[0], links[1:]) if links else (None, [])
        return
    moves = workflow.moves(hearing)
    is_review = hearing.kind != HearingKind.NIGHT_HEARING
    night = link(f"/look-backs/{hearing.id}", _("Open the look-back")) if is_review else None
    match hearing.status:
        case HearingStatus.DRAFT:
            shown.primary = link(f"{base}/announce", _("Announce"))
        case HearingStatus.ANNOUNCED if hearing.day <= today():
            shown.primary = _button(begin(hearing))
        case HearingStatus.ANNOUNCED:
            shown.primary = link(f"{base}/participants", _("Look after the seats"))
        case HearingStatus.IN_SESSION:
            shown.primary = link(f"{base}/session", _("To the session screen"))
        case HearingStatus.POSTPONED:
            shown.primary = link(f"{base}/reschedule", _("Set a new date"))
        case HearingStatus.CONCLUDED:
            shown.primary = _after(shown, base, bool(published))
        case HearingStatus.FILED if not is_review and _unclosed(shown):
            shown.primary = link(f"/look-backs/new?hearing={hearing.id}", _("Plan a look-back"))
        case HearingStatus.FILED if published:
            shown.primary = link(f"{base}/minutes.pdf", _("Download the minutes"))
    if night is not None:
        links.append(night)
    if hearing.status not in (*GONE, HearingStatus.FILED):
        links.append(link(f"{base}/edit", _("Edit")))
    if hearing.status in (HearingStatus.ANNOUNCED, HearingStatus.CONCLUDED):
        links.append(link(f"{base}/session", _("Session screen")))
    if hearing.status in LOGGING:
        links.append(link(f"{base}/issues/new", _("Log an issue")))
    for move, label in (
        ("reschedule", _("Reschedule")),
        ("postpone", _("Postpone")),
        ("cancel", _("Cancel the hearing")),
    ):
        if move in moves and not (shown.primary and shown.primary["url"].endswith(move)):
            links.append(link(f"{base}/{move}", label))
    if "discard" in moves:
        links.append(
            post(
                f"{base}/discard",
                _("Discard the draft"),
                _("Nobody has been told of it. Its topics go back to the pool."),
            )
        )
    over = hearing.status in (HearingStatus.CONCLUDED, HearingStatus.FILED) and not is_review
    if over and shown.issues and not (shown.primary and shown.primary["url"] == f"{base}/assign"):
        links.append(link(f"{base}/assign", _("Assignments")))
    links.append(link(f"{base}/copy", _("Copy")))
    if shown.primary is None:
        shown.primary = links.pop()
    shown.actions = links


def _button(course: Any) -> Row:
    """What begins a meeting: a button, or a way to the page that asks first."""
    return {"url": course["url"], "label": course["label"]} | (
        {"post": True, "sure": None} if course["at_once"] else {}
    )


def _unclosed(shown: Hub) -> bool:
    return any(not row["closed"] for row in shown.issues)


def _after(shown: Hub, base: str, published: bool) -> Row:
    """After the evening: hand the issues over, publish the minutes, close the file."""
    loose = [r for r in shown.issues if r["loose"]]
    if loose:
        return {
            "url": f"{base}/assign",
            "label": _("Hand over %(count)d issues", count=len(loose)),
        }
    if not published:
        return {"url": f"{base}/minutes", "label": _("To the minutes")}
    return {"url": f"{base}/file", "label": _("Close the file"), "post": True, "sure": None}
