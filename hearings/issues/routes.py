"""Pages of the issues room: the phone's form, the lists, an issue as a story, promises, files."""

import io
import uuid
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from datetime import date
from typing import Any
from urllib.parse import urlencode

from flask import abort, current_app, render_template, request, send_file
from flask_babel import gettext as _
from werkzeug.datastructures import FileStorage

from .. import audit, undo, workflow
from ..db import db, today
from ..errors import RuleBroken
from ..files import StoredFile, store
from ..filters import day, names
from ..forms import Form, as_number
from ..people.words import act, actor_words
from ..permissions import Role, allowed, fetch, may, requires
from ..schedule.models import Hearing, HearingStatus
from ..web import autosaving, carried_out, me, page, perform, submit
from . import operations, pages_assign, queries, rules, story
from .forms import (
    TRANSFER_WORDS,
    AssignForm,
    CommitmentForm,
    DeclineForm,
    ExplainForm,
    ExtensionForm,
    FigureForm,
    FilesForm,
    IssueFilter,
    IssueForm,
    LogForm,
    NoteForm,
    ProgressForm,
    PromiseFilter,
    ReasonForm,
    RemindForm,
    ReplyForm,
    ReportDoneForm,
    ReworkForm,
    SuperviseForm,
    TransferForm,
    reminder,
)
from .limits import basis_words
from .models import (
    SETTLED_ON_SITE,
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    Extension,
    ExtensionStatus,
    Issue,
    IssueFile,
    IssueStatus,
    Outcome,
    OutcomeFigure,
    Part,
)
from .pages import bp
from .queries import AGREED_ON_THE_SPOT, ISSUE_BUTTONS, STORY_PARTS

__all__ = ["AGREED_ON_THE_SPOT", "ISSUE_BUTTONS", "STORY_PARTS", "bp", "pages_assign"]


# -- what pages share ----------------------------------------------------------------------------------


def _number(name: str) -> int | None:
    """A whole number from the address, or None."""
    return as_number(request.args.get(name, ""))


def _address(**changes: Any) -> str:
    """This list's address with some arguments changed."""
    kept = {k: v for k, v in request.args.items() if v and k not in ("after", "before")}
    merged = {k: v for k, v in (kept | changes).items() if v is not None}
    return f"{request.path}?{urlencode(merged)}" if merged else request.path


def _counted(number: int) -> str:
    return "1,000+" if number > queries.COUNT_TO else str(number)


def _uploads(field: Any) -> list[FileStorage]:
    return [f for f in field.data or () if getattr(f, "filename", "")]


def _stored(field: Any) -> list[StoredFile]:
    """Keep a field's uploads. Raises `RuleBroken` at the field."""
    return [store(upload, actor=me(), field=field.short_name) for upload in _uploads(field)]


def _choose_again(form: Any, name: str) -> None:
    """A page that comes back cannot keep chosen files; say so at the field."""
    if autosaving():  # it was sent from the page, which is still there with the files
        return
    if form.is_submitted() and form.has_errors and _uploads(form[name]) and not form[name].errors:
        form[name].errors = [_("Please choose the files again; a browser does not keep them.")]


def _crumbs(issue: Issue, *more: tuple[Any, str]) -> list[tuple[Any, str]]:
    return [
        (_("Issues"), "/issues/"),
        (f"{issue.reference} {issue.title}", f"/issues/{issue.id}"),
        *more,
    ]


def _about(thing: Any) -> tuple[str, list[tuple[Any, str]], list[tuple[Any, Any]]]:
    """Where an act on a thing leads back to, its crumbs, and what its form says of the thing."""
    if isinstance(thing, Assignment):
        return f"/issues/{thing.issue_id}", _crumbs(thing.issue), _assignment_facts(thing)
    if isinstance(thing, Commitment):
        return f"/commitments/{thing.id}", _promise_crumbs(thing), _promise_facts(thing)
    if isinstance(thing, Extension):
        return f"/commitments/{thing.commitment_id}", _promise_crumbs(thing.commitment), _extension_facts(thing)
    return f"/issues/{thing.id}", _crumbs(thing), []


def _act(
    form: Form,
    do: Callable[[], Any],
    on: Any,
    *,
    heading: Any,
    button: Any,
    move: str = "",
    said: Any = None,
    lead: Any = None,
    back: str | None = None,
    facts: Iterable[tuple[Any, Any]] | None = None,
    files: str | None = None,
) -> Any:
    """One act on a thing with its form: shown, carried out, or shown again with what is wrong.

    With `move`, a form for what cannot happen is not shown: the reason is.
    """
    broken = workflow.refusal(on, move) if move and request.method == "GET" else None
    if broken is not None:
        raise broken
    home, crumbs, known = _about(on)
    done = submit(form, do, to=back or home, said=said)
    if done is not None:
        return done
    if files:
        _choose_again(form, files)
    return page(
        "issues/act.html",
        form,
        heading=heading,
        button=button,
        crumbs=crumbs,
        lead=lead,
        facts=list(known if facts is None else facts),
        back=back or home,
        tone="primary",
    )


def _for_a_reason(do: Callable[..., Any], on: Any, **words: Any) -> Any:
    """An act that takes a reason and nothing else."""
    form: Any = ReasonForm()
    return _act(form, lambda: do(on, reason=form.reason.data, actor=me()), on, **words)


# -- logging -------------------------------------------------------------------------------------------


@bp.route("/hearings/<int:id>/issues/new", methods=["GET", "POST"])
@requires("issue.log", Hearing)
def new(hearing: Hearing) -> Any:
    """Log an issue, on a phone in the room as well as at a desk; until the hearing is filed."""
    if request.method == "GET":
        operations.may_log(hearing)
    user = me()
    form: Any = LogForm(
        deputies=lambda: queries.deputies(hearing), streets=queries.streets, topics=lambda: queries.topics(hearing)
    )
    own = Role.ORGANISER not in user.role_set
    if own:  # a deputy speaks in his own name; whoever raises it too co-signs
        del form.lead_deputy
    if not form.is_submitted():
        form.client_id.data = uuid.uuid4().hex
        form.street.data = hearing.station.street
        topic = _number("topic")
        form.topic.data = topic if topic in form.topics else None
        form.rebase()

    def log() -> Issue:
        given = form.fields() | ({"lead_deputy": user} if own else {})
        issue = operations.log_issue(hearing, client_id=form.sender, actor=user, **given)
        if issue.logged_by_id != user.id or issue.hearing_id != hearing.id:
            raise RuleBroken(_("Please open the form again; this one belongs to another entry."))
        page_id, _sep, nth = (form.form_id.data or "").partition("~")
        sending = as_number(nth) or 0
        if sending > 1 and sending > max(carried_out(page_id), default=0):  # no answer came, and words were changed
            operations.log_again(issue, given, actor=user)
        photos = _stored(form.photos)
        known = queries.fingerprints(issue) if photos else set()
        for file in photos:
            if file.sha256 not in known:
                operations.attach(issue, file, actor=user)
        return issue

    where = f"/hearings/{hearing.id}/issues/new"
    done = submit(form, log, to=lambda issue: f"{where}?done={issue.id}")
    if done is not None:
        return done
    _choose_again(form, "photos")
    return page(
        "issues/new.html",
        form,
        hearing=hearing,
        logged=_just_logged(hearing),
        is_late=hearing.status == HearingStatus.CONCLUDED,
    )


def _just_logged(hearing: Hearing) -> Issue | None:
    """The issue that this person's form before this one has made."""
    number = _number("done")
    if number is None:
        return None
    return (
        db.session.query(Issue)
        .filter(Issue.id == number, Issue.hearing_id == hearing.id, Issue.logged_by_id == me().id)
        .one_or_none()
    )


# -- lists ---------------------------------------------------------------------------------------------


@bp.get("/issues/")
@requires("issue.read")
def index() -> Any:
    """All issues that this person may read, narrowed by the address."""
    user = me()
    form = IssueFilter(request.args, queries.lists(user, _number("hearing")))
    wanted = form.wanted()
    found = queries.issue_page(user, wanted, _number("after"), _number("before"))
    return render_template(
        "issues/index.html",
        form=form,
        found=found,
        count=_counted(found.total),
        newer=_address(before=found.newer) if found.newer else None,
        older=_address(after=found.older) if found.older else None,
        status_words={k: (str(v), story.tone("issue", k)) for k, v in workflow.LABELS["issue"].items()},
        light_words={k: str(v) for k, v in rules.LIGHT_WORDS.items()},
        narrowed=bool(request.args),
    )


@bp.get("/commitments/")
@requires("commitment.read")
def commitments() -> Any:
    """The ledger of promises: by due date, with how many are late, due soon, on time."""
    user = me()
    form = PromiseFilter(request.args, queries.lists(user, _number("hearing")))
    wanted = form.wanted()
    found = queries.promise_page(user, wanted, request.args.get("after"), request.args.get("before"))
    total = sum(found.lights.values())
    tabs = [
        {
            "label": _("All"),
            "url": _address(light=None),
            "active": wanted.light is None,
            "count": None,
        }
    ]
    tabs += [
        {
            "label": str(rules.LIGHT_WORDS[key]),
            "url": _address(light=key),
            "active": wanted.light == key,
            "count": _counted(number),
        }
        for key, number in found.lights.items()
    ]
    return render_template(
        "issues/commitments.html",
        form=form,
        found=found,
        tabs=tabs if total or wanted.light else [],
        count=_counted(found.total),
        newer=_address(before=found.newer) if found.newer else None,
        older=_address(after=found.older) if found.older else None,
        status_words={k: (str(v), story.tone("commitment", k)) for k, v in workflow.LABELS["commitment"].items()},
        light_words={k: str(v) for k, v in rules.LIGHT_WORDS.items()},
        narrowed=bool(request.args),
        narrowing=_address().partition("?")[2],
    )


# -- an issue ------------------------------------------------------------------------------------------

MOVES: tuple[tuple[str, str, str], ...] = (
    ("assign", "issue.assign", "assign"),
    ("strike_off", "issue.strike_off", "strike-off"),
    ("explain", "issue.explain", "explain"),
    ("decline", "issue.decline", "decline"),
    ("transfer", "issue.transfer", "transfer"),
    ("rework", "issue.rework", "rework"),
    ("reopen", "issue.reopen", "reopen"),
)
"""Move, permission, last part of the address; the most wanted first."""


def _move_words(move: str) -> str:
    return {
        "assign": _("Assign"),
        "strike_off": _("Strike off"),
        "explain": _("Settle by explanation"),
        "decline": _("Do not accept"),
        "transfer": _("Transfer"),
        "rework": _("Handle again"),
        "reopen": _("Reopen"),
    }[move]


@bp.get("/issues/<int:id>")
@requires("issue.read")
def show(id: int) -> Any:
    """An issue as a story, with the buttons that would work."""
    user = me()
    issue = fetch("issue.read", Issue, id, user, options=queries.whole_issue())
    record = queries.record_of(issue)
    mine, led, read, urge = queries.may_act_on(user, issue)
    rights = allowed(user, issue, [p for _m, p, _u in MOVES] + ["issue.amend", "issue.attach", "issue.figure"])
    buttons, whys = _issue_buttons(issue, record, rights)
    if not issue.is_closed:
        buttons = [*_assignment_buttons(issue, record, mine), *buttons]
    for more in ISSUE_BUTTONS:
        for button in more(issue, user):
            if "why" in button:
                whys.append(button["why"])
            else:
                buttons.append(button)
    primary = next((b for b in buttons if b.get("primary")), None)
    sees_history = may(user, "audit.read") or Role.ORGANISER in user.role_set
    history = (
        queries.history_of(
            [
                ("issue", [issue.id]),
                ("assignment", [a.id for a in record.assignments]),
                ("commitment", [c.id for c in record.commitments]),
            ]
        )
        if sees_history
        else []
    )
    if sees_history:
        urged = [line for line in audit.standing(history) if line.action in queries.URGED]
    else:
        urged = queries.urged(record.assignments)
    next_due, light = _next_due(issue, record)
    return render_template(
        "issues/show.html",
        issue=issue,
        undos=undo.standing(f"/issues/{issue.id}", actor=user, limit=1),
        status=workflow.label("issue", issue.status),
        status_tone=story.tone("issue", issue.status),
        pending=_waiting(issue, record),
        next_due=next_due,
        light=light,
        events=story.issue_story(issue, record, user, STORY_PARTS, story.urged(urged, record, read)),
        promises=[story.promise(c) for c in record.commitments],
        rounds=story.rounds(issue, record, read, _urging_buttons(record, urge)),
        figures=[
            {
                "id": f.id,
                "label": f.label,
                "value": f"{f.value}{f.unit or ''}",
                "basis": _("as of %(day)s", day=day(f.as_of)) + (f" · {f.source}" if f.source else ""),
            }
            for f in record.figures
        ],
        files=[story.file_of(f, "issue.attach" in rights and not issue.is_closed) for f in record.files],
        primary=primary,
        buttons=[b for b in buttons if b is not primary],
        whys=list(dict.fromkeys(whys)),
        rights=rights,
        led=led,
        history=[
            {"when": line.at, "who": actor_words(line.actor_name), "what": act(line.action), "address": line.address}
            for line in history
        ],
        sees_history=sees_history,
        sees_hearing="hearing.read" in allowed(user, issue.hearing, ["hearing.read"]),
    )


def _issue_buttons(issue: Issue, record: queries.Record, rights: set[str]) -> tuple[list[dict[str, Any]], list[str]]:
    """The moves that would work as buttons, and why others would not (as sentences)."""
    possible = workflow.moves(issue)
    buttons, whys = [], []
    for move, permission, last in MOVES:
        if move not in possible or permission not in rights:
            continue
        words = _move_words(move)
        broken = workflow.refusal(issue, move)
        if move == "explain" and AGREED_ON_THE_SPOT and not any(c.status in rules.OWED for c in record.commitments):
            broken = None  # its form takes the deputy's word on the spot
        if broken is not None:
            whys.append(_("%(act)s: %(reason)s", act=words, reason=broken.message))
            continue
        primary = move in ("assign", "strike_off")
        buttons.append({"url": f"/issues/{issue.id}/{last}", "label": words, "primary": primary})
    if "issue.amend" in rights:
        if issue.lead_deputy_id is None and Role.ORGANISER in me().role_set and not issue.is_closed:
            buttons.append({"url": f"/issues/{issue.id}/edit#lead_deputy", "label": _("Choose the deputy")})
        buttons.append({"url": f"/issues/{issue.id}/edit", "label": _("Edit")})
    return buttons, whys


HANDLING = (AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED, AssignmentStatus.REPLIED)


def _assignment_buttons(issue: Issue, record: queries.Record, mine: set[int]) -> list[dict[str, Any]]:
    """What the person can do with the assignments of the current round."""
    current = [a for a in record.assignments if a.id in mine and a.round == issue.round]
    own = [a for a in current if a.department_id in me().department_ids]
    buttons: list[dict[str, Any]] = []
    for a in own or current:
        of = "" if own else f"（{a.department.short_name}）"
        is_own = bool(own)
        if a.status == AssignmentStatus.ASSIGNED:
            buttons.append(
                {
                    "url": f"/assignments/{a.id}/accept",
                    "label": _("Accept") + of,
                    "post": True,
                    "primary": is_own,
                }
            )
            if workflow.refusal(a, "return") is None:
                buttons.append({"url": f"/assignments/{a.id}/return", "label": _("Return") + of})
        if not issue.is_closed and a.status in HANDLING:
            is_due = is_own and a.status == AssignmentStatus.ACCEPTED
            again = _("Reply again") if a.status == AssignmentStatus.REPLIED else _("Reply")
            if a.status != AssignmentStatus.ASSIGNED:
                buttons.append({"url": f"/assignments/{a.id}/reply", "label": again + of, "primary": is_due})
            buttons.append({"url": f"/assignments/{a.id}/progress", "label": _("Report progress") + of})
    return buttons


def _urging_buttons(record: queries.Record, urge: set[int]) -> dict[int, list[dict[str, Any]]]:
    """By assignment: remind its department, and supervise it, where that would work."""
    found: dict[int, list[dict[str, Any]]] = {}
    for a in record.assignments:
        if a.id in urge:
            for last, words, formally in (("remind", _("Remind"), False), ("supervise", _("Supervise"), True)):
                with suppress(RuleBroken):
                    operations.may_remind(a, record.commitments, formally=formally)
                    found.setdefault(a.id, []).append({"url": f"/assignments/{a.id}/{last}", "label": words})
    return found


def _next_due(issue: Issue, record: queries.Record) -> tuple[date | None, str]:
    """The next date that something is due, and its light."""
    if issue.is_closed:
        return None, "blue"
    owed = [c.due_on for c in record.open_promises]
    if not owed and issue.status in (IssueStatus.ASSIGNED, IssueStatus.IN_HANDLING):
        owed = [
            a.due_on
            for a in record.assignments
            if a.round == issue.round
            and a.part != Part.CO_HANDLER
            and a.status in (AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED)
        ]
    due = min(owed, default=None)
    return due, rules.light(due)


def _waiting(issue: Issue, record: queries.Record) -> str:
    """In a sentence: who is to do what next."""
    leads = [a for a in record.assignments if a.round == issue.round and a.part != Part.CO_HANDLER]
    who = names(a.department for a in leads if a.status != AssignmentStatus.RETURNED)
    if issue.status == IssueStatus.REGISTERED:
        return _("Waits to be assigned after the evening, or settled otherwise.")
    if issue.status == IssueStatus.RETURNED:
        return _("The department has returned it; it waits for another one.")
    if issue.status == IssueStatus.ASSIGNED and leads:
        return _("%(who)s may accept or return it until %(day)s.", who=who, day=day(leads[0].respond_by))
    if issue.status == IssueStatus.IN_HANDLING and leads:
        return _("%(who)s handles it and replies by %(day)s.", who=who, day=day(min(a.due_on for a in leads)))
    if issue.status == IssueStatus.REPLIED:
        if record.open_promises:
            return _(
                "%(who)s has replied; %(count)d promises are still open.", who=who, count=len(record.open_promises)
            )
        return _("%(who)s has replied; it waits to be looked back at and struck off.", who=who)
    return ""


@bp.route("/issues/<int:id>/edit", methods=["GET", "POST"])
@requires("issue.amend", Issue)
def edit(issue: Issue) -> Any:
    """Change what was recorded; two people's changes of different fields are both kept."""
    now: dict[str, Any] = {
        "statement": issue.statement,
        "title": issue.title,
        "lead_deputy": issue.lead_deputy_id,
        "cosigners": [u.id for u in issue.cosigners],
        "resident": issue.resident,
        "community": issue.community,
        "category": issue.category,
        "place": issue.place,
        "street": issue.street,
        "topic": issue.topic_id,
    }
    streets = queries.streets()
    if issue.street and issue.street not in streets:
        streets.append(issue.street)
    people = queries.deputies(issue.hearing)
    there = {p.id for p in people}
    people += [u for u in (issue.lead_deputy, *issue.cosigners) if u is not None and u.id not in there]
    form: Any = IssueForm(
        data=now, deputies=lambda: people, streets=lambda: streets, topics=lambda: queries.topics(issue.hearing)
    )
    dropped: set[str] = set()
    if Role.ORGANISER not in me().role_set:
        dropped |= {"lead_deputy", "cosigners"}
    stays = operations.why_words_stay(issue)
    if stays is not None:
        dropped |= set(now) - operations.STILL_OPEN
    for name in dropped:
        del form[name]
        del now[name]

    def change() -> None:
        changes = form.merge(now, issue)
        if "title" in changes and not changes["title"]:
            changes["title"] = operations.headline(form.statement.data)
        operations.amend_issue(issue, form.rows(changes), actor=me())

    return _act(
        form,
        change,
        issue,
        heading=_("Edit the issue"),
        button=_("Save"),
        said=_("Saved."),
        lead=stays,
    )


@bp.post("/issues/<int:id>/remove")
@requires("issue.remove", Issue)
def remove(issue: Issue) -> Any:
    """Take back an issue that nothing rests on yet; with undo."""
    back = f"/issues/?hearing={issue.hearing_id}"
    return perform(lambda: operations.remove_issue(issue, actor=me()), to=back)


@bp.route("/issues/<int:id>/assign", methods=["GET", "POST"])
@requires("issue.assign", Issue)
def assign(issue: Issue) -> Any:
    """Hand it over (交办): lead with co-handlers, or several that answer each their part."""
    limit, basis = operations.default_limit(issue, today())
    opinion = operations.opinion_limit(today(), limit, basis)
    form: Any = AssignForm(
        departments=queries.departments(),
        limits=_limits_to_choose(issue, limit, basis),
        law=_law_of_limits(issue),
        opinion=_("Left empty: %(day)s (%(basis)s).", day=day(opinion[0]), basis=basis_words(opinion[1])),
    )
    if not form.is_submitted():
        promises = queries.record_of(issue).commitments
        if promises:
            form.lead.data = promises[0].lead_id
            helping = [d.id for p in promises for d in p.co_handlers]
            others = [p.lead_id for p in promises if p.lead_id != promises[0].lead_id]
            form.co_handlers.data = list(dict.fromkeys(i for i in helping if i != promises[0].lead_id))
            form.split.data = list(dict.fromkeys(others))
        form.limit.data = "usual"
        form.rebase()
    return _act(
        form,
        lambda: operations.assign(issue, actor=me(), **form.fields()),
        issue,
        move="assign",
        heading=_("Assign the issue"),
        button=_("Assign"),
        facts=[(_("Issue"), issue.title)],
    )


def _limits_to_choose(issue: Issue, limit: date, basis: str) -> list[tuple[str, str]]:
    """The usual limit and, the first time, the longer one of hard matters: each with its day and how it came about."""
    both = {"usual": (limit, basis)}
    if issue.round == 1:
        both["hard"] = operations.default_limit(issue, today(), is_hard=True)
    return [(key, _("%(day)s (%(basis)s)", day=day(due), basis=basis_words(why))) for key, (due, why) in both.items()]


def _law_of_limits(issue: Issue) -> str:
    """What the limits rest on."""
    settings = current_app.config
    if issue.round > 1:
        return _(
            "Zhejiang's measures, art. 43: handled again within %(months)d months.", months=settings["REWORK_MONTHS"]
        )
    return _(
        "Deputies Law, art. 51; Zhejiang's measures, art. 43: within %(usual)d months, hard matters within %(hard)d.",
        usual=settings["REPLY_MONTHS"],
        hard=settings["HARD_MONTHS"],
    )


@bp.route("/issues/<int:id>/decline", methods=["GET", "POST"])
@requires("issue.decline", Issue)
def decline(issue: Issue) -> Any:
    """Not accepted: the reason, and where to turn instead."""
    noted = issue.outcome_note if issue.outcome == Outcome.NOT_ACCEPTED else None
    form: Any = DeclineForm(data={"reason": noted or ""})
    return _act(
        form,
        lambda: operations.decline(issue, reason=f"{form.reason.data}；引导渠道：{form.referral.data}", actor=me()),
        issue,
        move="decline",
        heading=_("Do not accept the issue"),
        button=_("Do not accept"),
        said=_("Noted as not accepted."),
        lead=_("Matters in court, personal petitions and tenders are referred elsewhere; the reason is printed."),
    )


@bp.route("/issues/<int:id>/transfer", methods=["GET", "POST"])
@requires("issue.transfer", Issue)
def transfer(issue: Issue) -> Any:
    """Turned into a formal suggestion, or handed to a higher level."""
    form: Any = TransferForm()
    return _act(
        form,
        lambda: operations.transfer(issue, to=f"{TRANSFER_WORDS[form.to.data]}：{form.note.data}", actor=me()),
        issue,
        move="transfer",
        heading=_("Transfer the issue"),
        button=_("Transfer"),
        said=_("Transferred."),
    )


@bp.route("/issues/<int:id>/explain", methods=["GET", "POST"])
@requires("issue.explain", Issue)
def explain(issue: Issue) -> Any:
    """Settled in words (解释答复办结); the deputy agrees, now or by a confirmation."""
    form: Any = ExplainForm(data={"note": issue.outcome_note if issue.outcome in SETTLED_ON_SITE else ""})
    if not AGREED_ON_THE_SPOT:
        del form.agreed

    def do() -> None:
        if "agreed" in form and form.agreed.data:
            for agree in AGREED_ON_THE_SPOT:
                agree(issue, actor=me())
        operations.explain(issue, note=form.note.data, actor=me())

    broken = workflow.refusal(issue, "explain")
    return _act(
        form,
        do,
        issue,
        move="" if AGREED_ON_THE_SPOT else "explain",
        heading=_("Settle by explanation"),
        button=_("Settle"),
        lead=broken.message if broken is not None and not form.errors else None,
    )


@bp.route("/issues/<int:id>/strike-off", methods=["GET", "POST"])
@requires("issue.strike_off", Issue)
def strike_off(issue: Issue) -> Any:
    """Struck off the ledger (销号): all promises kept, the deputy agrees; with undo."""
    form: Any = NoteForm()
    return _act(
        form,
        lambda: operations.strike_off(issue, basis=form.note.data, actor=me()),
        issue,
        move="strike_off",
        heading=_("Strike off"),
        button=_("Strike off"),
        lead=_("All promises are kept and the deputy agrees. Note what it rests on, if it was checked at the desk."),
    )


@bp.route("/issues/<int:id>/rework", methods=["GET", "POST"])
@requires("issue.rework", Issue)
def rework(issue: Issue) -> Any:
    """Handle again: the next round, the same departments; the old one stays readable."""
    form: Any = ReworkForm()
    return _act(
        form,
        lambda: operations.rework(issue, reason=form.reason.data, due_on=_later(form.due_on.data), actor=me()),
        issue,
        move="rework",
        heading=_("Handle again"),
        button=_("Begin the next round"),
        said=_("The next round has begun."),
        lead=_("The round before stays readable. Without a date, the usual limit for handling again applies."),
    )


def _later(due: date | None) -> date | None:
    if due is not None and due < today():
        raise RuleBroken(_("The date lies in the past."), "due_on")
    return due


@bp.route("/issues/<int:id>/reopen", methods=["GET", "POST"])
@requires("issue.reopen", Issue)
def reopen(issue: Issue) -> Any:
    """It came back (反弹): a new round, never an edit of the old one."""
    return _for_a_reason(
        operations.reopen,
        issue,
        move="reopen",
        heading=_("Reopen the issue"),
        button=_("Reopen"),
        said=_("Reopened; it waits to be assigned."),
        lead=_("It begins a new round; the old one stays readable."),
    )


@bp.route("/issues/<int:id>/figure", methods=["GET", "POST"])
@requires("issue.figure", Issue)
def figure(issue: Issue) -> Any:
    """A number that says what came of it; also after striking off."""
    form: Any = FigureForm()
    return _act(
        form,
        lambda: operations.add_figure(
            issue,
            label=form.label.data,
            value=form.value.data,
            unit=form.unit.data,
            as_of=form.as_of.data,
            source=form.source.data,
            actor=me(),
        ),
        issue,
        back=f"/issues/{issue.id}#figures",
        heading=_("Add a figure"),
        button=_("Add"),
        said=_("The figure has been added."),
        lead=_("What came of it, as a number with its day and source."),
    )


@bp.post("/issues/<int:id>/figures/<int:figure_id>/remove")
@requires("issue.figure", Issue)
def remove_figure(issue: Issue, figure_id: int) -> Any:
    """Take a figure back; with undo."""
    found = db.session.get(OutcomeFigure, figure_id) if figure_id < 2**31 else None
    if found is None or found.issue_id != issue.id:
        abort(404)
    return perform(lambda: operations.remove_figure(found, actor=me()), to=f"/issues/{issue.id}#figures")


# -- files ---------------------------------------------------------------------------------------------


@bp.route("/issues/<int:id>/files", methods=["GET", "POST"])
@requires("issue.attach", Issue)
def files(issue: Issue) -> Any:
    """Add photos and papers."""
    form: Any = FilesForm()

    def add() -> None:
        if not _uploads(form.files):
            raise RuleBroken(_("Please choose a file."), "files")
        for file in _stored(form.files):
            operations.attach(issue, file, caption=form.caption.data, actor=me())

    return _act(
        form,
        add,
        issue,
        back=f"/issues/{issue.id}#files",
        heading=_("Add photos or papers"),
        button=_("Add"),
        said=_("Added."),
        files="files",
    )


@bp.post("/issues/<int:id>/files/<int:link_id>/remove")
@requires("issue.attach", Issue)
def remove_file(issue: Issue, link_id: int) -> Any:
    """Take a file off; with undo."""
    link = db.session.get(IssueFile, link_id) if link_id < 2**31 else None
    if link is None or link.issue_id != issue.id:
        abort(404)
    return perform(lambda: operations.detach(link, actor=me()), to=f"/issues/{issue.id}#files")


@bp.get("/files/<int:id>")
@requires("commitment.read")
def file(id: int) -> Any:
    """A file's bytes, within the person's scope; kept by the browser, since bytes never change."""
    link = queries.readable_file(me(), id)
    if link is None:
        abort(404)
    kept = link.file
    thumb = kept.thumb_sha256 if request.args.get("thumb") == "1" else None
    sha256 = thumb or kept.sha256
    answer = send_file(
        io.BytesIO(queries.blob(sha256)),
        mimetype="image/jpeg" if thumb else kept.media_type,
        as_attachment=not kept.is_image,
        download_name=kept.name,
        etag=sha256,
        conditional=True,
    )
    answer.headers["Cache-Control"] = "private, max-age=31536000, immutable"
    answer.headers["X-Content-Type-Options"] = "nosniff"
    return answer


# -- assignments ---------------------------------------------------------------------------------------


@bp.post("/assignments/<int:id>/accept")
@requires("assignment.accept", Assignment)
def accept(assignment: Assignment) -> Any:
    """The department takes it on (签收)."""
    return perform(
        lambda: operations.accept_assignment(assignment, actor=me()),
        to=f"/issues/{assignment.issue_id}",
    )


def _assignment_facts(a: Assignment) -> list[tuple[Any, Any]]:
    facts = [
        (_("Issue"), a.issue.title),
        (_("Department"), a.department.name),
        (_("Limit"), _("%(day)s (%(basis)s)", day=day(a.due_on), basis=basis_words(a.due_basis))),
    ]
    return facts + ([(_("What is asked"), a.requirement)] if a.requirement else [])


@bp.route("/assignments/<int:id>/return", methods=["GET", "POST"], endpoint="return_")
@requires("assignment.return", Assignment)
def return_back(assignment: Assignment) -> Any:
    """Wrong addressee (退办): within the limit, with the reason."""
    return _for_a_reason(
        operations.return_assignment,
        assignment,
        move="return",
        heading=_("Return the assignment"),
        button=_("Return"),
        lead=_("Possible until %(day)s; say why, and whose matter it is.", day=day(assignment.respond_by)),
    )


@bp.route("/assignments/<int:id>/remind", methods=["GET", "POST"])
@requires("assignment.remind", Assignment)
def remind(assignment: Assignment) -> Any:
    """Remind the department in writing of what it owes (催办)."""
    form: Any = RemindForm()
    return _urge(
        form,
        lambda: operations.remind_assignment(assignment, reason=form.reason.data, actor=me()),
        assignment,
        action="assignment.remind",
        heading=_("Remind the department"),
        button=_("Remind"),
        lead=_("Its people get a message with these words, and they stand in the course of events."),
    )


@bp.route("/assignments/<int:id>/supervise", methods=["GET", "POST"])
@requires("assignment.supervise", Assignment)
def supervise(assignment: Assignment) -> Any:
    """Order the department to do by a new limit what is overdue (督办); its sheet is printed from the issue's page."""
    form: Any = SuperviseForm()
    return _urge(
        form,
        lambda: operations.supervise_assignment(
            assignment, reason=form.reason.data, new_due_on=form.new_due_on.data, actor=me()
        ),
        assignment,
        action="assignment.supervise",
        heading=_("Supervise the department"),
        button=_("Issue the order"),
        lead=_("A formal order: its people and its head are told, and a supervision sheet can be printed."),
        back=f"/issues/{assignment.issue_id}#rounds",
    )


def _urge(form: Any, do: Callable[[], Any], assignment: Assignment, *, action: str, **words: Any) -> Any:
    """The form of either, with a sentence to begin from; where it cannot be sent, the reason stands instead."""
    if request.method == "GET":
        found = operations.may_remind(assignment, formally=action == "assignment.supervise")
        operations.once_a_day(assignment, action)
        form.reason.data = reminder(assignment, found)
        form.rebase()
    return _act(form, do, assignment, **words)


@bp.route("/assignments/<int:id>/progress", methods=["GET", "POST"])
@requires("assignment.progress", Assignment)
def progress(assignment: Assignment) -> Any:
    """How far it is: on the whole, or on one promise of this department."""
    if assignment.issue.is_closed and request.method == "GET":
        raise RuleBroken(_("The issue is closed; reopen it first."))
    mine = [
        c
        for c in queries.record_of(assignment.issue).commitments
        if c.status == CommitmentStatus.OPEN and assignment.department_id in {c.lead_id, *(d.id for d in c.co_handlers)}
    ]
    form: Any = ProgressForm(commitments=mine)
    wanted = _number("commitment")
    if not form.is_submitted() and wanted in form.known:
        form.commitment.data = wanted
        form.percent.data = form.known[wanted].percent or None
        form.rebase()
    back = f"/commitments/{wanted}" if wanted in form.known else f"/issues/{assignment.issue_id}"

    def report() -> None:
        operations.report_progress(
            assignment,
            text=form.text.data,
            percent=form.percent.data,
            commitment=form.known.get(form.commitment.data or 0),
            files=_stored(form.files),
            actor=me(),
        )

    return _act(
        form,
        report,
        assignment,
        back=back,
        heading=_("Report progress"),
        button=_("Report"),
        said=_("Progress has been noted."),
        files="files",
    )


@bp.route("/assignments/<int:id>/reply", methods=["GET", "POST"])
@requires("assignment.reply", Assignment)
def reply(assignment: Assignment) -> Any:
    """The answer after handling, with its result class."""
    if assignment.issue.is_closed and request.method == "GET":
        raise RuleBroken(_("The issue is closed; reopen it first."))
    form: Any = ReplyForm()
    user = me()
    if not form.is_submitted() and assignment.department_id in user.department_ids:
        form.signed_by.data = assignment.department.head
        form.contact.data = assignment.department.contact
        form.rebase()

    def send() -> None:
        operations.reply(
            assignment,
            result_class=form.result_class.data,
            text=form.text.data,
            next_step=form.next_step.data,
            signed_by=form.signed_by.data,
            contact=form.contact.data,
            met_deputy=form.met_deputy.data,
            files=_stored(form.files),
            actor=user,
        )

    return _act(
        form,
        send,
        assignment,
        heading=_("Reply"),
        button=_("Send the reply"),
        said=_("The reply has been recorded."),
        files="files",
    )


# -- promises ------------------------------------------------------------------------------------------

PROMISE_ACTS = (
    "commitment.report_done",
    "commitment.verify",
    "commitment.reject",
    "commitment.release",
    "commitment.correct",
    "commitment.remove",
    "extension.ask",
    "extension.grant",
)


@bp.get("/commitments/<int:id>")
@requires("commitment.read")
def commitment(id: int) -> Any:
    """One promise: made, moved, how far, reported, kept."""
    user = me()
    found = fetch("commitment.read", Commitment, id, user, options=queries.whole_commitment())
    extensions = queries.extensions_of(found)
    rights = allowed(user, found, [a for a in PROMISE_ACTS if not a.startswith("extension.g")])
    waiting = next((e for e in extensions if e.status == ExtensionStatus.ASKED), None)
    buttons = _promise_buttons(found, rights, extensions)
    primary = next((b for b in buttons if b.get("primary")), None)
    link = queries.is_readable(user, found.issue_id)
    page_ = f"/issues/{found.issue_id}"
    urged = "commitment.verify" in rights and found.status == CommitmentStatus.OPEN
    return render_template(
        "issues/commitment.html",
        undos=undo.standing(page_, actor=user, act="assignment.urge", limit=1) if urged else [],
        commitment=found,
        shown=story.promise(found),
        issue=found.issue,
        link=page_ if link else None,
        events=story.promise_story(
            found,
            extensions,
            queries.progress_of(found),
            queries.evidence_of(found),
            queries.urged_about(found) if link else (),
        ),
        asked=waiting,
        may_decide=waiting is not None and "commitment.verify" in rights,
        primary=primary,
        buttons=[b for b in buttons if b is not primary],
    )


def _promise_buttons(c: Commitment, rights: set[str], extensions: Sequence[Extension]) -> list[dict[str, Any]]:
    """What the person can do with the promise."""
    at = f"/commitments/{c.id}"
    buttons: list[dict[str, Any]] = []
    is_organiser = "commitment.verify" in rights
    if c.status == CommitmentStatus.OPEN:
        if "commitment.report_done" in rights:
            buttons.append({"url": f"{at}/report-done", "label": _("Report done"), "primary": not is_organiser})
            for a in queries.assignments_for(c, me())[:1]:
                if a.status in (AssignmentStatus.RETURNED, AssignmentStatus.SUPERSEDED) or c.issue.is_closed:
                    continue
                buttons.append(
                    {"url": f"/assignments/{a.id}/progress?commitment={c.id}", "label": _("Report progress")}
                )
                if is_organiser:
                    buttons.append({"url": f"/assignments/{a.id}/remind", "label": _("Remind")})
                if is_organiser and rules.overdue(a, [c]):
                    buttons.append({"url": f"/assignments/{a.id}/supervise", "label": _("Supervise")})
        if "extension.ask" in rights:
            with suppress(RuleBroken):
                operations.may_extend(c, extensions)
                buttons.append({"url": f"{at}/extend", "label": _("Ask for an extension")})
        if "commitment.correct" in rights and operations.may_correct(c):
            buttons.append({"url": f"{at}/correct", "label": _("Correct a recording error")})
    if c.status == CommitmentStatus.REPORTED:
        if "commitment.verify" in rights:
            buttons.append({"url": f"{at}/verify", "label": _("Verify: kept"), "post": True, "primary": True})
        if "commitment.reject" in rights:
            buttons.append({"url": f"{at}/reject", "label": _("Not done yet")})
    if c.status in (CommitmentStatus.OPEN, CommitmentStatus.REPORTED) and "commitment.release" in rights:
        buttons.append({"url": f"{at}/release", "label": _("Release")})
    return buttons


def _promise_crumbs(c: Commitment) -> list[tuple[Any, str]]:
    return [(_("Commitments"), "/commitments/"), (c.measure, f"/commitments/{c.id}")]


def _promise_facts(c: Commitment) -> list[tuple[Any, Any]]:
    return [(_("Measure"), c.measure), (_("Lead department"), c.lead.name), (_("Due on"), day(c.due_on))]


@bp.route("/commitments/<int:id>/report-done", methods=["GET", "POST"])
@requires("commitment.report_done", Commitment)
def report_done(commitment: Commitment) -> Any:
    """The department says it is done, with evidence."""
    form: Any = ReportDoneForm()
    return _act(
        form,
        lambda: operations.report_done(commitment, report=form.report.data, files=_stored(form.files), actor=me()),
        commitment,
        move="report_done",
        heading=_("Report done"),
        button=_("Report done"),
        said=_("Reported; the organiser will look at it."),
        files="files",
    )


@bp.post("/commitments/<int:id>/verify")
@requires("commitment.verify", Commitment)
def verify(commitment: Commitment) -> Any:
    """The organiser has seen that it is done; with undo."""
    return perform(lambda: operations.verify_commitment(commitment, actor=me()), to=f"/commitments/{commitment.id}")


@bp.route("/commitments/<int:id>/reject", methods=["GET", "POST"])
@requires("commitment.reject", Commitment)
def reject(commitment: Commitment) -> Any:
    """It is not done yet, and why."""
    return _for_a_reason(
        operations.reject_report,
        commitment,
        move="reject",
        heading=_("Not done yet"),
        button=_("Send the report back"),
        said=_("Sent back to the department."),
        facts=[*_promise_facts(commitment), (_("Report"), commitment.report or "")],
    )


@bp.route("/commitments/<int:id>/release", methods=["GET", "POST"])
@requires("commitment.release", Commitment)
def release(commitment: Commitment) -> Any:
    """The promise no longer binds, and why."""
    return _for_a_reason(
        operations.release_commitment,
        commitment,
        move="release",
        heading=_("Release the promise"),
        button=_("Release"),
        said=_("Released."),
        lead=_("It was overtaken, or merged into another one. The reason is kept."),
    )


@bp.route("/commitments/<int:id>/extend", methods=["GET", "POST"])
@requires("extension.ask", Commitment)
def extend(commitment: Commitment) -> Any:
    """Ask for time; the organiser decides."""
    if request.method == "GET" and commitment.status != CommitmentStatus.OPEN:
        raise RuleBroken(_("Only an open commitment can be extended."))
    form: Any = ExtensionForm()
    return _act(
        form,
        lambda: operations.ask_extension(
            commitment, new_due_on=form.new_due_on.data, reason=form.reason.data, actor=me()
        ),
        commitment,
        heading=_("Ask for an extension"),
        button=_("Ask"),
        said=_("Asked; until it is granted the old date stands."),
    )


@bp.route("/extensions/<int:id>/grant", methods=["GET", "POST"])
@requires("extension.grant", Extension)
def grant(extension: Extension) -> Any:
    """The date moves; the old one stays readable."""
    form: Any = NoteForm()
    return _act(
        form,
        lambda: operations.grant_extension(extension, note=form.note.data, actor=me()),
        extension,
        move="grant",
        heading=_("Grant the extension"),
        button=_("Grant"),
    )


@bp.route("/extensions/<int:id>/refuse", methods=["GET", "POST"])
@requires("extension.refuse", Extension)
def refuse(extension: Extension) -> Any:
    """The date stays, and why."""
    return _for_a_reason(
        operations.refuse_extension,
        extension,
        move="refuse",
        heading=_("Refuse the extension"),
        button=_("Refuse"),
    )


def _extension_facts(e: Extension) -> list[tuple[Any, Any]]:
    return [
        (_("Measure"), e.commitment.measure),
        (_("Due date"), f"{day(e.old_due_on)} → {day(e.new_due_on)}"),
        (_("Reason"), e.reason),
        (_("Asked by"), e.asked_by.name),
    ]


@bp.route("/commitments/<int:id>/correct", methods=["GET", "POST"])
@requires("commitment.correct", Commitment)
def correct(commitment: Commitment) -> Any:
    """Mend a recording error, until the department has accepted; what stood before stays readable."""
    if request.method == "GET" and not operations.may_correct(commitment):
        raise RuleBroken(_("The department has accepted it: a date moves by extension, not by correction."))
    now = {
        "measure": commitment.measure,
        "lead": commitment.lead_id,
        "co_handlers": [d.id for d in commitment.co_handlers],
        "due_on": commitment.due_on,
    }
    people = queries.departments([commitment.lead, *commitment.co_handlers])
    form: Any = CommitmentForm(data=now, departments=people)

    def change() -> None:
        if form.count.data is not None and form.due_on.data == commitment.due_on:
            form.due_on.data = None
        made = form.fields(commitment.issue.hearing.day)
        form.due_on.data = made["due_on"]
        changes = form.merge(now, commitment)
        if form.errors:
            return
        changes = {name: made[name] for name in changes}
        if "due_on" in changes:
            changes["due_basis"] = made["due_basis"]
        operations.correct_commitment(commitment, changes, actor=me())

    return _act(
        form,
        change,
        commitment,
        facts=(),
        heading=_("Correct a recording error"),
        button=_("Save the correction"),
        said=_("Corrected; what stood there before stays readable."),
        lead=_("For what was written down wrongly. A date that moves is asked for as an extension."),
    )


@bp.post("/commitments/<int:id>/remove")
@requires("commitment.remove", Commitment)
def remove_commitment(commitment: Commitment) -> Any:
    """Take back a promise recorded by mistake, before it is assigned; with undo."""
    back = f"/issues/{commitment.issue_id}"
    return perform(lambda: operations.remove_commitment(commitment, actor=me()), to=back)
