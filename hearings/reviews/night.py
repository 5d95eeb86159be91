"""The screen to run the night, and what is done from it: sign-in, topics, issues, words, promises.

Every post goes through the hearing's row, which is locked while it is written to: two recorders follow one another,
and their edits of one thing are merged field by field (`Form.merge`).
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from flask import abort, jsonify, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select

from .. import undo, workflow
from ..db import db
from ..errors import RuleBroken
from ..filters import day as day_words
from ..filters import full_day
from ..forms import Form, as_number, fingerprints, new_form_id
from ..issues import operations as issues
from ..issues.forms import CommitmentForm, ExchangeForm, IssueForm, OutcomeForm
from ..issues.limits import basis_words, due_by
from ..issues.models import (
    EXCHANGE_LABELS,
    OUTCOME_LABELS,
    SETTLED_ON_SITE,
    Category,
    Commitment,
    Exchange,
    ExchangeKind,
    Issue,
    IssueStatus,
    Outcome,
)
from ..issues.rules import light
from ..permissions import requires
from ..schedule import operations as schedule
from ..schedule.models import (
    CAME_LABELS,
    LIST_LABELS,
    AttendanceList,
    Came,
    Capacity,
    Hearing,
    HearingKind,
    HearingStatus,
    Participant,
    Topic,
)
from ..web import me, page, perform, submit
from . import drafts, operations, queries
from .course import begin, bp, seat_lines
from .forms import CountForm, IssuedForm, SeatForm, WalkInForm, nobody_named
from .models import BALLOT_LABELS

T = TypeVar("T")
ISSUE_FIELDS = ("statement", "title", "resident", "community", "category", "place", "street")
RECORDING = (HearingStatus.IN_SESSION, HearingStatus.CONCLUDED)
SIGNING_IN = schedule.SIGNING_IN

# -- the screen ----------------------------------------------------------------------------------------


def number_arg(name: str) -> int | None:
    """A row's id from the address; nonsense is none."""
    return as_number(request.args.get(name, ""))


def at(hearing: Hearing, issue: Issue | int | None = None, anchor: str = "") -> str:
    """The screen's address with an issue opened."""
    id_ = issue if isinstance(issue, int) or issue is None else issue.id
    return url_for("reviews.session", id=hearing.id, issue=id_) + (f"#{anchor}" if anchor else "")


def fresh(kind: Any, name: str, **kwargs: Any) -> Any:
    """A form that was not the one posted, on a page that holds several: `name` makes its fields' ids unique."""
    form = kind(formdata=None, **kwargs)
    form.form_id.data = new_form_id()
    form.rebase()
    return named(form, name)


def named(form: Any, name: str) -> Any:
    """Give the fields ids of their own; help that an evening knows by heart is left out."""
    for field in form:
        field.id = f"{name}-{field.short_name}"
        if name in ("issue", "promise", "turn"):
            field.description = ""
    return form


def spoken(labels: Mapping[Any, Any]) -> dict[Any, str]:
    """A vocabulary in the page's language, looked up once and not for each of two hundred seats."""
    return {key: str(words) for key, words in labels.items()}


class Night:
    """The screen's forms, of which at most one was posted."""

    def __init__(self, hearing: Hearing, wanted: int | None, *, pick: bool = False):
        self.hearing = hearing
        self.seen = queries.night(hearing, wanted, pick=pick)
        self.forms: dict[str, Any] = {}
        self.turn: Exchange | None = None
        self.promise: Commitment | None = None
        self.reckoned: str | None = None
        self.posted_name = ""
        self.unsent: set[str] = set()
        """Parts that show what was typed and not sent."""

    def open_for(self, name: str, posted: Any = None) -> None:
        """Fill in the forms of the opened issue that were not posted."""
        self.posted_name = name
        if posted is not None:
            self.forms[name] = named(posted, name)
        seen = self.seen
        issue = seen.current
        if issue is None:
            if "log" not in self.forms:
                self.forms["log"] = log_form(seen, fresh_as="log")
            return
        if "issue" not in self.forms:
            self.forms["issue"] = issue_form(seen, issue, fresh_as="issue")
        if "outcome" not in self.forms:
            self.forms["outcome"] = fresh(
                OutcomeForm, "outcome", data={"outcome": issue.outcome, "outcome_note": issue.outcome_note}
            )
        if issue.outcome == Outcome.FURTHER_STUDY and not seen.promises:
            self.forms["outcome"].outcome.warnings = [
                _("Ask for a day and record it as a commitment. Without one the minutes say that no date was given.")
            ]
        if "turn" not in self.forms:
            self.turn = next((t for t in seen.exchanges if t.id == number_arg("turn")), None)
            data = turn_values(self.turn) if self.turn else {"kind": self._next_kind()}
            self.forms["turn"] = fresh(ExchangeForm, "turn", departments=self._speaking(), data=data)
        if "promise" not in self.forms:
            mine = seen.promises
            self.promise = next((c for c in mine if c.id == number_arg("promise")), None)
            data = promise_values(self.promise) if self.promise else self._next_promise(mine)
            self.forms["promise"] = fresh(CommitmentForm, "promise", departments=self._promising(), data=data)
            self.forms["promise"].warn()
        if "count" not in self.forms:
            self.forms["count"] = fresh(CountForm, "count", data=CountForm.now(seen.ballot))
        waiting = drafts.kept(issue, me()) | (drafts.typed(name) if request.method == "POST" else {})
        opened = {"turn": self.turn and self.turn.id, "promise": self.promise and self.promise.id}
        for part, form in self.forms.items():
            draft = waiting.get(drafts.key_of(part, opened.get(part)))
            if draft and part != name:
                drafts.fill_in(form, draft)
                self.unsent.add(part)
        if "promise" in self.unsent:
            self.forms["promise"].warn()

    def base(self) -> str:
        """The fingerprints of everything that the one form of the opened issue shows."""
        shown: dict[str, str] = {}
        for part, form in self.forms.items():
            if part in drafts.PARTS and self._is_shown(part):
                shown |= fingerprints(form.base.data)
        return json.dumps(shown, separators=(",", ":"))

    def _is_shown(self, part: str) -> bool:
        hearing = self.hearing
        return {
            "turn": hearing.status in SIGNING_IN,
            "promise": hearing.status in RECORDING,
            "outcome": hearing.status != HearingStatus.FILED,
            "count": hearing.status in RECORDING and bool(hearing.ballots_issued),
        }.get(part, True)

    def _speaking(self) -> list[Any]:
        also = [t.department for t in self.seen.exchanges if t.department is not None]
        return [*self.seen.offered, *(d for d in also if not d.is_current)]

    def _promising(self) -> list[Any]:
        also = [self.promise.lead, *self.promise.co_handlers] if self.promise else []
        return [*self.seen.offered, *(d for d in dict.fromkeys(also) if not d.is_current)]

    def _next_kind(self) -> ExchangeKind:
        """A question is answered, an answer followed up."""
        if not self.seen.exchanges:
            return ExchangeKind.QUESTION
        asked = self.seen.exchanges[-1].kind != ExchangeKind.ANSWER
        return ExchangeKind.ANSWER if asked else ExchangeKind.FOLLOW_UP

    def _next_promise(self, mine: list[Commitment]) -> dict[str, Any]:
        """The department that promised last on this issue, or that answered last, promises on."""
        if mine:
            return {"lead": mine[-1].lead_id, "co_handlers": [d.id for d in mine[-1].co_handlers], "unit": "workdays"}
        answered = [t.department_id for t in self.seen.exchanges if t.department_id]
        return {"lead": answered[-1] if answered else None, "co_handlers": [], "unit": "workdays"}

    def answer(self, posted: Any = None, **context: Any) -> Any:
        """The page."""
        hearing, seen = self.hearing, self.seen
        ids = [issue.id for issue in seen.issues]
        here = ids.index(seen.current.id) if seen.current else -1
        return page(
            "reviews/session.html",
            posted,
            hearing=hearing,
            night=seen,
            forms_=self.forms,
            unsent=self.unsent,
            shown_base=self.base() if seen.current else "",
            posted_name=self.posted_name,
            turn=self.turn,
            promise=self.promise,
            reckoned=self.reckoned,
            course=begin(hearing, any(seat.came == Came.UNKNOWN for seat in seen.seats)),
            undos=undo.standing(f"/hearings/{hearing.id}", actor=me()),
            may_sign_in=hearing.status in SIGNING_IN,
            may_log=hearing.status in SIGNING_IN,
            may_record=hearing.status in RECORDING,
            is_filed=hearing.status == HearingStatus.FILED,
            status=workflow.label("hearing", hearing.status),
            base=f"/hearings/{hearing.id}/session",
            previous=ids[here - 1] if here > 0 else None,
            following=ids[here + 1] if 0 <= here < len(ids) - 1 else None,
            place_in_list=here + 1,
            rule=queries.rule_words(seen.ballot) if seen.ballot else None,
            agreed=self._agreed(),
            unregistered=sum(1 for seat in seen.seats if seat.came == Came.UNKNOWN),
            lists=[(LIST_LABELS[listed], seat_lines(seats)) for listed, seats in seen.by_list],
            came_words=spoken(CAME_LABELS),
            outcomes=spoken(OUTCOME_LABELS),
            exchange_words=EXCHANGE_LABELS,
            ballot_words=spoken(BALLOT_LABELS),
            issue_words=workflow.LABELS["issue"],
            commitment_words=workflow.LABELS["commitment"],
            ballot_tones={"satisfied": "green", "mostly_satisfied": "yellow", "dissatisfied": "lamp"},
            **({"last": None, "showing": "issue", "bad_seat": None} | context),
        )

    def _agreed(self) -> dict[str, Any] | None:
        """Whether "the deputy agreed on the spot" is to be offered, or why it cannot be yet."""
        issue = self.seen.current
        if issue is None or issue.status != IssueStatus.REGISTERED or issue.outcome not in SETTLED_ON_SITE:
            return None
        if issue.lead_deputy_id is None:
            return {"why": _("Choose the deputy who will confirm it first.")}
        owed = [c for c in self.seen.promises if c.status in ("open", "reported")]
        if owed:
            return {"why": _("%(count)d commitments are still owed.", count=len(owed))}
        return {"why": None, "deputy": issue.lead_deputy.name if issue.lead_deputy else ""}


def issue_values(issue: Issue) -> dict[str, Any]:
    """An issue as its form's fields."""
    values = {name: getattr(issue, name) for name in ISSUE_FIELDS}
    return values | {"lead_deputy": issue.lead_deputy_id, "cosigners": [d.id for d in issue.cosigners]}


def turn_values(turn: Exchange) -> dict[str, Any]:
    """A turn of speech as its form's fields."""
    return {"kind": turn.kind, "speaker": turn.speaker, "department": turn.department_id, "text": turn.text}


def promise_values(promise: Commitment) -> dict[str, Any]:
    """A promise as its form's fields; a date that was reckoned shows as a date."""
    return {
        "measure": promise.measure,
        "lead": promise.lead_id,
        "co_handlers": [d.id for d in promise.co_handlers],
        "due_on": promise.due_on,
        "unit": None,
        "count": None,
    }


def _ready(form: Any) -> Any:
    """Without what the night does not ask."""
    del form.topic
    return form


def issue_form(seen: queries.Night, issue: Issue, *, fresh_as: str = "") -> Any:
    """The form of an opened issue; its deputies are rows only where it was posted."""
    people = seen.deputies
    kwargs: dict[str, Any] = {"data": issue_values(issue), "streets": lambda: known_streets(seen, issue)}
    if fresh_as:
        return _ready(fresh(IssueForm, fresh_as, deputies=lambda: people, **kwargs))
    return _ready(IssueForm(deputies=lambda: queries.people(people), **kwargs))


def log_form(seen: queries.Night, *, fresh_as: str = "") -> Any:
    """The form of a new issue; its deputies are rows only where it was posted."""
    people = seen.deputies
    kwargs: dict[str, Any] = {"streets": lambda: known_streets(seen)}
    if fresh_as:
        new = {"category": Category.OTHER}
        return _ready(fresh(IssueForm, fresh_as, data=new, deputies=lambda: people, **kwargs))
    return _ready(IssueForm(deputies=lambda: queries.people(people), **kwargs))


def known_streets(seen: queries.Night, issue: Issue | None = None) -> list[str]:
    """Streets that have an office, or stand on this evening's papers; no statement of its own."""
    found = {d.street for d in seen.departments if d.street}
    found |= {i.street for i in seen.issues if i.street} | {t.street for t in seen.topics if t.street}
    if issue is not None and issue.street:
        found.add(issue.street)
    return sorted(found)


@bp.get("/hearings/<int:id>/session")
@requires("hearing.run", Hearing)
def session(hearing: Hearing) -> Any:
    """The night, run from one screen: who is here, topics and issues, the current item.

    `issue` opens one; `item=last` shows what became of last time's, which is where an evening begins;
    `item=new` a blank one; `turn` and `promise` open one of an issue's for mending.
    """
    item = request.args.get("item", "")
    wanted = number_arg("issue")
    screen = Night(hearing, wanted, pick=item not in ("last", "new"))
    screen.open_for("")
    showing = "issue"
    last = None
    if screen.seen.current is None:
        showing = "new" if item == "new" or hearing.kind != HearingKind.NIGHT_HEARING else "last"
    lights: dict[int, str] = {}
    if showing == "last":
        last = queries.last_time(hearing, me())
        lights = {c.id: light(c) for item in last for c in item.commitments}
    return screen.answer(showing=showing, last=last, lights=lights)


def _again(hearing: Hearing, name: str, form: Form, issue: Issue | None = None, **opened: Any) -> Any:
    """The whole screen with the form that did not hold, or that only reckoned a date."""
    screen = Night(hearing, issue.id if issue else None)
    for key, value in opened.items():
        setattr(screen, key, value)
    screen.open_for(name, form)
    return screen.answer(form, showing="issue" if issue else "new")


# -- who is here ---------------------------------------------------------------------------------------


def _known(id_: int) -> int:
    """An id that a database can hold; another is no row's."""
    return id_ if id_ < 2**31 else abort(404)


def _seat(hearing: Hearing, seat_id: int) -> Participant:
    row = db.session.scalar(
        select(Participant).where(Participant.id == _known(seat_id), Participant.hearing_id == hearing.id)
    )
    return row or abort(404)


@bp.post("/hearings/<int:id>/session/seats/<int:seat_id>")
@requires("hearing.run", Hearing)
def sign_in(hearing: Hearing, seat_id: int) -> Any:
    """One tap: signed in, on leave (reason), absent, the stand-in came, or back to unknown."""
    seat = _seat(hearing, seat_id)
    form = SeatForm()

    def act() -> None:
        stand_in = form.came.data == "stand_in"
        came = Came.SIGNED_IN if stand_in else Came(form.came.data)
        schedule.sign_in(
            seat,
            came,
            actor=me(),
            reason=form.reason.data if came in (Came.ON_LEAVE, Came.ABSENT) else None,
            stand_in=stand_in,
            seats_taken=form.seats_taken.data if came == Came.SIGNED_IN else None,
            name=form.who.data,
            title=form.who_title.data,
        )

    opened = number_arg("issue")
    done = submit(form, act, to=at(hearing, opened, f"seat-{seat.id}"))
    if done:
        return done
    screen = Night(hearing, opened, pick=True)
    screen.open_for("")
    return screen.answer(form, bad_seat=seat)


@bp.post("/hearings/<int:id>/session/sign-in-rest")
@requires("hearing.run", Hearing)
def sign_in_rest(hearing: Hearing) -> Any:
    """Everybody who is not registered yet is here, with one undo."""
    return perform(lambda: schedule.sign_in_rest(hearing, actor=me()), to=at(hearing, number_arg("issue"), "who"))


@bp.route("/hearings/<int:id>/session/walk-in", methods=["GET", "POST"])
@requires("hearing.run", Hearing)
def walk_in(hearing: Hearing) -> Any:
    """Somebody at the door: of the directory, or a guest; signed in at once."""
    form = WalkInForm(people=queries.people_to_add(hearing))

    def act() -> None:
        if nobody_named(form):
            return
        person = form.known.get(form.person.data or 0)
        if person is not None:
            seat = schedule.add_person(hearing, person, actor=me())
            seat.is_walk_in = True
            schedule.sign_in(seat, Came.SIGNED_IN, actor=me())
            return
        capacity = form.capacity.data
        listed = {
            Capacity.DEPUTY: AttendanceList.PRESENT,
            Capacity.COMMITTEE_LEADER: AttendanceList.PRESENT,
            Capacity.OBSERVER: AttendanceList.PUBLIC_GALLERY,
        }.get(capacity, AttendanceList.IN_ATTENDANCE)
        schedule.add_guest(
            hearing,
            capacity=capacity,
            listed=listed,
            actor=me(),
            name=form.name.data,
            unit=form.unit.data,
            title=form.title.data,
            seats=form.seats.data or 1,
            is_walk_in=True,
        )

    done = submit(form, act, to=at(hearing, None, "who"), said=_("Added and signed in."))
    return done or page("reviews/walk_in.html", form, hearing=hearing)


# -- topics and issues ---------------------------------------------------------------------------------


def _issue(hearing: Hearing, issue_id: int) -> Issue:
    """An issue of this hearing, its row locked like the hearing's: its own page may be open elsewhere."""
    row = db.session.scalar(
        select(Issue)
        .where(Issue.id == _known(issue_id), Issue.hearing_id == hearing.id)
        .with_for_update(of=Issue)
        .execution_options(populate_existing=True)
    )
    return row or abort(404)


@bp.post("/hearings/<int:id>/session/topics/<int:topic_id>/take-up")
@requires("hearing.run", Hearing)
def take_up(hearing: Hearing, topic_id: int) -> Any:
    """A topic is reached: it becomes an issue. Two who tap at once get the same one."""
    topic = db.session.scalar(select(Topic).where(Topic.id == _known(topic_id), Topic.hearing_id == hearing.id))
    if topic is None:
        abort(404)

    def act() -> Issue:
        there = db.session.scalar(select(Issue).where(Issue.hearing_id == hearing.id, Issue.topic_id == topic.id))
        if there is not None:
            return there
        return issues.log_issue(
            hearing,
            statement=topic.details or topic.title,
            title=topic.title,
            topic=topic,
            lead_deputy=topic.deputy,
            street=topic.street,
            actor=me(),
        )

    return perform(act, to=lambda issue: at(hearing, issue, "item"))


@bp.post("/hearings/<int:id>/session/issues")
@requires("hearing.run", Hearing)
def log(hearing: Hearing) -> Any:
    """A new issue, without a topic."""
    screen = Night(hearing, None)
    form = log_form(screen.seen)
    done = submit(
        form,
        lambda: issues.log_issue(hearing, actor=me(), **form.fields()),
        to=lambda issue: at(hearing, issue, "item"),
    )
    return done or _again(hearing, "log", form)


def _keeping(issue: Issue, act: Callable[[], T], *, but: str = "") -> Callable[[], T]:
    """An act of the opened issue's one form: what its post brings of the parts other than `but` is kept with it."""

    def both() -> T:
        made = act()
        drafts.keep(issue, but=but, actor=me())
        return made

    return both


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>")
@requires("hearing.run", Hearing)
def amend(hearing: Hearing, issue_id: int) -> Any:
    """What was said, by whom, where; saved by itself."""
    issue = _issue(hearing, issue_id)
    seen = queries.night(hearing, issue.id)
    form = issue_form(seen, issue)

    def act() -> None:
        changes = form.rows(form.merge(issue_values(issue), issue))
        if "title" in changes and not changes["title"]:
            changes["title"] = issues.headline(form.statement.data or issue.statement)
        if not form.errors:
            issues.amend_issue(issue, changes, actor=me())

    done = submit(form, _keeping(issue, act, but="issue"), to=at(hearing, issue, "item"), said=_("Saved."))
    return done or _again(hearing, "issue", form, issue)


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/outcome")
@requires("hearing.run", Hearing)
def decide(hearing: Hearing, issue_id: int) -> Any:
    """What was decided on the spot; not accepted asks why. Saved by itself."""
    issue = _issue(hearing, issue_id)
    now = {"outcome": issue.outcome, "outcome_note": issue.outcome_note}
    form = OutcomeForm(data=now)

    def act() -> None:
        changes = form.merge(now, issue)
        if changes and not form.errors:
            chosen = now | changes
            issues.decide_outcome(issue, chosen["outcome"], note=chosen["outcome_note"], actor=me())

    done = submit(form, _keeping(issue, act, but="outcome"), to=at(hearing, issue, "outcome"), said=_("Saved."))
    return done or _again(hearing, "outcome", form, issue)


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/move")
@requires("hearing.run", Hearing)
def move(hearing: Hearing, issue_id: int) -> Any:
    """One place up or down on the list as it stands now; numbers stay."""
    issue = _issue(hearing, issue_id)

    def act() -> None:
        ids = list(
            db.session.scalars(
                select(Issue.id).where(Issue.hearing_id == hearing.id).order_by(Issue.position, Issue.id)
            )
        )
        here = ids.index(issue.id)
        there = here - 1 if request.values.get("direction") == "up" else here + 1
        if 0 <= there < len(ids):
            ids[here], ids[there] = ids[there], ids[here]
            issues.order_issues(hearing, ids, actor=me())

    return perform(_keeping(issue, act), to=at(hearing, number_arg("issue") or issue.id, f"issue-{issue.id}"))


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/remove")
@requires("hearing.run", Hearing)
def remove(hearing: Hearing, issue_id: int) -> Any:
    """Take an issue back that nothing rests on; with undo. One that is gone already is gone."""
    issue = db.session.scalar(select(Issue).where(Issue.id == _known(issue_id), Issue.hearing_id == hearing.id))
    if issue is None:
        return perform(lambda: None, to=at(hearing), said=_("It has been removed already."))
    return perform(lambda: issues.remove_issue(issue, actor=me()), to=at(hearing))


# -- words ---------------------------------------------------------------------------------------------


def _turn(hearing: Hearing, turn_id: int) -> Exchange:
    row = db.session.scalar(
        select(Exchange)
        .join(Issue, Issue.id == Exchange.issue_id)
        .where(Exchange.id == _known(turn_id), Issue.hearing_id == hearing.id)
    )
    return row or abort(404)


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/turns")
@requires("hearing.run", Hearing)
def add_turn(hearing: Hearing, issue_id: int) -> Any:
    """A question, an answer, a follow-up."""
    issue = _issue(hearing, issue_id)
    form = ExchangeForm(departments=queries.night(hearing, issue.id).offered)

    def act() -> Exchange:
        given = form.fields()
        return issues.add_exchange(issue, given.pop("kind"), given.pop("text"), actor=me(), **given)

    done = submit(form, _keeping(issue, act, but="turn"), to=lambda turn: at(hearing, issue, f"turn-{turn.id}"))
    return done or _again(hearing, "turn", form, issue)


@bp.post("/hearings/<int:id>/session/turns/<int:turn_id>")
@requires("hearing.run", Hearing)
def amend_turn(hearing: Hearing, turn_id: int) -> Any:
    """Mend the words of a turn; saved by itself."""
    turn = _turn(hearing, turn_id)
    seen = queries.night(hearing, turn.issue_id)
    departments = [*seen.offered, *([turn.department] if turn.department and not turn.department.is_current else [])]
    values = turn_values(turn)
    form = ExchangeForm(departments=departments, data=values)

    def act() -> None:
        changes = form.merge(values, turn)
        if "department" in changes:
            changes["department"] = form.known.get(changes["department"] or 0)
        if changes and not form.errors:
            issues.amend_exchange(turn, changes, actor=me())

    done = submit(form, _keeping(turn.issue, act, but="turn"), to=at(hearing, turn.issue_id, f"turn-{turn.id}"))
    return done or _again(hearing, "turn", form, turn.issue, turn=turn)


@bp.post("/hearings/<int:id>/session/turns/<int:turn_id>/move")
@requires("hearing.run", Hearing)
def move_turn(hearing: Hearing, turn_id: int) -> Any:
    """One place earlier or later."""
    turn = _turn(hearing, turn_id)
    up = request.values.get("direction") == "up"
    act = _keeping(turn.issue, lambda: operations.move_exchange(turn, up=up, actor=me()))
    return perform(act, to=at(hearing, turn.issue_id, f"turn-{turn.id}"))


@bp.post("/hearings/<int:id>/session/turns/<int:turn_id>/remove")
@requires("hearing.run", Hearing)
def remove_turn(hearing: Hearing, turn_id: int) -> Any:
    """Take a turn out, with undo."""
    turn = _turn(hearing, turn_id)
    issue = turn.issue
    act = _keeping(issue, lambda: issues.remove_exchange(turn, actor=me()))
    return perform(act, to=at(hearing, issue, "turns"))


# -- promises ------------------------------------------------------------------------------------------


def _promise(hearing: Hearing, promise_id: int) -> Commitment:
    row = db.session.scalar(
        select(Commitment)
        .join(Issue, Issue.id == Commitment.issue_id)
        .where(Commitment.id == _known(promise_id), Issue.hearing_id == hearing.id)
    )
    return row or abort(404)


@bp.get("/hearings/<int:id>/session/reckon")
@requires("hearing.run", Hearing)
def reckon(hearing: Hearing) -> Any:
    """The day that "n working days / months" after the hearing fall on, for the script: {day, words, basis}."""
    count, unit = number_arg("count"), request.args.get("unit", "")
    try:
        due, basis = due_by(hearing.day, count or 0, unit)
    except RuleBroken as broken:
        return jsonify(message=str(broken.message)), 422
    return jsonify(day=due.isoformat(), words=full_day(due), basis=basis_words(basis))


def _reckon_only(hearing: Hearing, form: Any) -> str | None:
    """The "reckon" button: put the day into its field, and say how it came about; nothing is saved."""
    if not request.values.get("reckon"):
        return None
    try:
        if form.count.data is None or not form.unit.data:
            raise RuleBroken(_("Say by when: a date, or a number of working days or months."), "count")
        due, basis = due_by(hearing.day, form.count.data, form.unit.data)
    except RuleBroken as broken:
        form.add_error(broken)
        return ""
    form.due_on.data = due
    form.due_on.raw_data = None
    form.warn()
    return _("%(basis)s: %(day)s", basis=basis_words(basis), day=day_words(due))


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/commitments")
@requires("hearing.run", Hearing)
def promise(hearing: Hearing, issue_id: int) -> Any:
    """Measure + department + date. Vague words warn, and are stored with it."""
    issue = _issue(hearing, issue_id)
    form = CommitmentForm(departments=queries.night(hearing, issue.id).offered)
    reckoned = _reckon_only(hearing, form)

    def act() -> Commitment:
        if hearing.status not in RECORDING:
            raise RuleBroken(_("This is noted while the meeting is in session, or after it, until it is filed."))
        return issues.make_commitment(issue, actor=me(), **form.fields(hearing.day))

    if reckoned is None:
        done = submit(
            form,
            _keeping(issue, act, but="promise"),
            to=at(hearing, issue, "promises"),
            said=_promised(form),
            tone="warning" if issues.vague_words(form.measure.data or "") else "success",
        )
        if done:
            return done
    return _again(hearing, "promise", form, issue, reckoned=reckoned)


def _promised(form: Any) -> str:
    words = issues.vague_words(form.measure.data or "")
    if words:
        return _("Recorded, with words that name no date: %(words)s.", words="、".join(words))
    return _("Recorded.")


@bp.post("/hearings/<int:id>/session/commitments/<int:promise_id>")
@requires("hearing.run", Hearing)
def correct(hearing: Hearing, promise_id: int) -> Any:
    """Mend a recording error, until the department has accepted."""
    row = _promise(hearing, promise_id)
    seen = queries.night(hearing, row.issue_id)
    also = [d for d in (row.lead, *row.co_handlers) if not d.is_current]
    values = promise_values(row)
    form = CommitmentForm(departments=[*seen.offered, *also], data=values)
    reckoned = _reckon_only(hearing, form)

    def act() -> None:
        basis = row.due_basis
        if form.count.data is not None:
            form.due_on.data, basis = due_by(hearing.day, form.count.data, form.unit.data or "")
        elif form.due_on.data is None:
            raise RuleBroken(_("Say by when: a date, or a number of working days or months."), "due_on")
        changes = form.merge({k: values[k] for k in ("measure", "lead", "co_handlers", "due_on")}, row)
        if form.errors:
            return
        if "lead" in changes:
            changes["lead"] = form.known[changes["lead"]]
        if "co_handlers" in changes:
            lead = changes.get("lead", row.lead)
            changes["co_handlers"] = [form.known[i] for i in changes["co_handlers"] if i != lead.id]
        if "due_on" in changes:
            changes["due_basis"] = basis if form.count.data is not None else None
        issues.correct_commitment(row, changes, actor=me())

    if reckoned is None:
        act = _keeping(row.issue, act, but="promise")
        done = submit(form, act, to=at(hearing, row.issue_id, "promises"), said=_("Saved."))
        if done:
            return done
    return _again(hearing, "promise", form, row.issue, promise=row, reckoned=reckoned)


@bp.post("/hearings/<int:id>/session/commitments/<int:promise_id>/remove")
@requires("hearing.run", Hearing)
def remove_promise(hearing: Hearing, promise_id: int) -> Any:
    """Take a promise back that was recorded by mistake, with undo."""
    row = _promise(hearing, promise_id)
    issue = row.issue
    act = _keeping(issue, lambda: issues.remove_commitment(row, actor=me()))
    return perform(act, to=at(hearing, issue, "promises"))


# -- counting and agreeing -----------------------------------------------------------------------------


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/ballot")
@requires("hearing.run", Hearing)
def count(hearing: Hearing, issue_id: int) -> Any:
    """The count of one issue, from the screen."""
    issue = _issue(hearing, issue_id)
    now = CountForm.now(queries.ballots_of(hearing).get(issue.id))
    form = CountForm(data=now)

    def act() -> None:
        changes = form.merge(now, None)
        if form.errors or not changes:
            return
        chosen: dict[str, Any] = {name: value or 0 for name, value in (now | changes).items()}
        operations.record_ballot(hearing, issue, actor=me(), present=queries.number_present(hearing), **chosen)

    done = submit(form, _keeping(issue, act, but="count"), to=at(hearing, issue, "ballot"))
    return done or _again(hearing, "count", form, issue)


@bp.post("/hearings/<int:id>/session/ballots-issued")
@requires("hearing.run", Hearing)
def issued(hearing: Hearing) -> Any:
    """How many ballot papers went out; what is counted is judged anew."""
    form: Any = IssuedForm()
    opened = number_arg("issue")
    issue = _issue(hearing, opened) if opened is not None else None

    def act() -> None:
        operations.hand_out_ballots(hearing, form.issued.data, present=queries.number_present(hearing), actor=me())

    done = submit(form, _keeping(issue, act) if issue is not None else act, to=at(hearing, opened, "ballot"))
    if done:
        return done
    screen = Night(hearing, opened, pick=True)
    screen.open_for("")
    return screen.answer(form, issued_form=form)


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/agreed")
@requires("hearing.run", Hearing)
def agreed(hearing: Hearing, issue_id: int) -> Any:
    """Answered in the room, and the deputy agreed: confirmed and settled in one step."""
    issue = _issue(hearing, issue_id)
    act = _keeping(issue, lambda: operations.settle_on_the_spot(issue, actor=me()))
    return perform(act, to=at(hearing, issue, "outcome"))


@bp.post("/hearings/<int:id>/session/issues/<int:issue_id>/keep")
@requires("hearing.run", Hearing)
def keep_typed(hearing: Hearing, issue_id: int) -> Any:
    """What stands in the parts of an issue and is not sent yet, kept as it was typed; saved by itself."""
    issue = _issue(hearing, issue_id)
    return perform(lambda: drafts.keep(issue, actor=me()), to=at(hearing, issue, "item"), said=_("Kept, not sent yet."))
