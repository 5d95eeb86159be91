"""Pages of the reviews room: ballots, look-backs, findings, confirmations. The night's screen is in `night`."""

import io
from datetime import timedelta
from typing import Any

from flask import abort, redirect, request, send_file, url_for
from flask_babel import gettext as _

from .. import undo, workflow
from ..db import local, now, today
from ..errors import RuleBroken
from ..files import store
from ..filters import serial
from ..forms import Form, clean_arg
from ..issues import queries as issue_reads
from ..issues.models import CommitmentStatus, Issue
from ..issues.rules import LIGHT_WORDS, light
from ..permissions import Role, allowed, may, requires, signed_in
from ..schedule.forms import ids_of
from ..schedule.models import KIND_LABELS, Hearing, HearingKind, HearingStatus
from ..web import me, page, perform, submit
from . import operations, queries, story
from .course import begin
from .forms import (
    CONSEQUENCES,
    COUNT_LABELS,
    COUNTED,
    AddItemsForm,
    AskForm,
    ConfirmForm,
    FindingForm,
    PlanForm,
    RefuseForm,
    WaiveForm,
    ballots_form,
    counts_now,
    default_title,
)
from .models import BALLOT_LABELS, VERDICT_LABELS, Confirmation, ConfirmationStatus, Verdict
from .night import bp, fresh, number_arg

issue_reads.STORY_PARTS.append(story.parts)
issue_reads.ISSUE_BUTTONS.append(story.buttons)
issue_reads.AGREED_ON_THE_SPOT.append(operations.confirmed_on_the_spot)

STATES = ("upcoming", "held", "all")
RUNNING = (HearingStatus.IN_SESSION, HearingStatus.CONCLUDED)
TONES = {
    "draft": "grey",
    "announced": "blue",
    "in_session": "lamp",
    "concluded": "green",
    "filed": "green",
    "postponed": "yellow",
    "cancelled": "grey",
    "discarded": "grey",
}
CONFIRMATION_TONES = {"asked": "lamp", "confirmed": "green", "refused": "yellow"} | dict.fromkeys(
    ("waived", "withdrawn"), "grey"
)

# -- all ballots of a meeting --------------------------------------------------------------------------


@bp.route("/hearings/<int:id>/ballots", methods=["GET", "POST"])
@requires("hearing.read", Hearing)
def ballots(hearing: Hearing) -> Any:
    """The count of every item as read from paper, in one table; who may only read sees the results."""
    may_count = bool(allowed(me(), hearing, ["hearing.run"])) and hearing.status in RUNNING
    if request.method == "POST" and not may_count:
        if not allowed(me(), hearing, ["hearing.run"]):
            abort(403)
        raise RuleBroken(_("Ballots are recorded while the meeting is in session, or after it, until it is filed."))
    issues = queries.voted_on(hearing, me())
    there = queries.ballots_of(hearing)
    form = ballots_form(issues, there, hearing.ballots_issued)

    def act() -> None:
        current = counts_now(issues, there) | {"issued": hearing.ballots_issued}
        changes = form.merge(current, None)
        if form.errors or not changes:
            return
        present = queries.number_present(hearing)
        if "issued" in changes:
            operations.hand_out_ballots(hearing, changes["issued"], present=present, actor=me())
        counts = {}
        for issue in issues:
            names = {name: f"{name}_{issue.id}" for name in COUNTED}
            if not any(field in changes for field in names.values()):
                continue
            row = {name: changes.get(field, current[field]) for name, field in names.items()}
            if all(value is None for value in row.values()):
                operations.remove_ballot(there[issue.id], actor=me())
                continue
            counts[issue] = {name: value or 0 for name, value in row.items()}
        if counts:
            operations.record_ballots(hearing, counts, present=present, actor=me(), by_row=True)

    done = submit(form, act, to=url_for(".ballots", id=hearing.id)) if may_count else None
    if done:
        return done
    rules = list(dict.fromkeys(queries.rule_words(there[i.id]) for i in issues if i.id in there))
    return page(
        "reviews/ballots.html",
        form if may_count else None,
        hearing=hearing,
        issues=issues,
        ballots=there,
        rules=rules,
        may_count=may_count,
        may_run=bool(allowed(me(), hearing, ["hearing.run"])),
        counted=COUNTED,
        count_words=COUNT_LABELS,
        ballot_words=BALLOT_LABELS,
        ballot_tones={"satisfied": "green", "mostly_satisfied": "yellow", "dissatisfied": "lamp"},
        present=queries.number_present(hearing),
        back=f"/look-backs/{hearing.id}" if hearing.kind in queries.LOOKING_BACK else f"/hearings/{hearing.id}",
    )


@bp.post("/hearings/<int:id>/ballots/<int:issue_id>/remove")
@requires("hearing.run", Hearing)
def remove_ballot(hearing: Hearing, issue_id: int) -> Any:
    """Take one count back, with undo."""
    ballot = queries.ballots_of(hearing).get(issue_id) or abort(404)
    return perform(lambda: operations.remove_ballot(ballot, actor=me()), to=url_for(".ballots", id=hearing.id))


# -- look-backs ----------------------------------------------------------------------------------------


@bp.get("/look-backs/")
@requires("hearing.read")
def index() -> Any:
    """Meetings that look back: what is coming, what was held; by kind."""
    state = request.args.get("state", "upcoming")
    state = state if state in STATES else "upcoming"
    kind = request.args.get("kind", "")
    kind = kind if kind in queries.LOOKING_BACK else ""
    found = queries.look_backs(
        me(),
        state=state,
        kind=HearingKind(kind) if kind else None,
        after=clean_arg(request.args.get("after", "")),
        before=clean_arg(request.args.get("before", "")),
    )
    wanted: dict[str, Any] = {"state": state, "kind": kind or None}
    kinds = [("", _("All kinds")), *((k.value, KIND_LABELS[k]) for k in queries.LOOKING_BACK)]
    return page(
        "reviews/index.html",
        None,
        found=found,
        state=state,
        kind=kind,
        kinds=kinds,
        kind_words=KIND_LABELS,
        status_words=workflow.LABELS["hearing"],
        tones=TONES,
        tabs=[
            {"url": url_for(".index", **(wanted | {"state": s})), "label": words, "active": s == state}
            for s, words in zip(STATES, (_("Coming up"), _("Held"), _("All")), strict=True)
        ],
        older_url=url_for(".index", **wanted, after=found.older) if found.older else None,
        newer_url=url_for(".index", **wanted, before=found.newer) if found.newer else None,
        may_plan=may(me(), "look_back.plan"),
        number_waiting=queries.number_waiting(me()) if may(me(), "confirmation.read") else 0,
    )


def _filter() -> dict[str, Any]:
    """What the list of unresolved issues is narrowed to."""
    colour = request.args.get("light", "")
    return {
        "hearing": number_arg("hearing"),
        "street": clean_arg(request.args.get("street", "")),
        "department": number_arg("department"),
        "light": colour if colour in ("red", "yellow", "green") else "",
    }


def _chosen_before() -> list[int]:
    """Ids chosen on an earlier look at the list: from the address, or from the form that did not hold."""
    words = request.form.getlist("items") if request.method == "POST" else request.args.getlist("items")
    return ids_of(words, 500)


@bp.route("/look-backs/new", methods=["GET", "POST"])
@requires("look_back.plan")
def plan() -> Any:
    """Gather unresolved issues into a meeting that looks back at them."""
    wanted = _filter()
    hearings, streets, offices = queries.filter_choices(me())
    known = next((h for h in hearings if h.id == wanted["hearing"]), None)
    kind = request.args.get("kind", "")
    kind = HearingKind(kind) if kind in queries.LOOKING_BACK else HearingKind.LOOK_BACK
    form: Any = PlanForm(
        stations=queries.stations_for(me()),
        chairs=queries.leaders(),
        title=default_title(kind, f"第{known.serial_no}期" if known and known.serial_no else ""),
    )
    if not form.is_submitted():
        form.kind.data = kind
        form.rebase()
    found, more = queries.candidates(me(), **wanted, also=_chosen_before())
    form.items.offer((c.issue.id, c.issue.title) for c in found)

    def act() -> Hearing:
        items = queries.chosen_issues(me(), form.items.data or [])
        if not items:
            raise RuleBroken(_("Choose at least one issue to look back at."), "items")
        day = form.day.data
        sources = {i.hearing_id for i in items}
        return operations.plan_look_back(
            kind=form.kind.data,
            title=form.title.data,
            theme=form.theme.data,
            station=form.places[form.station.data],
            starts_at=local(day, form.starts.data),
            ends_at=local(day, form.ends.data),
            chair=form.people.get(form.chair.data or 0),
            follows=items[0].hearing if len(sources) == 1 else None,
            items=items,
            actor=me(),
        )

    done = submit(
        form,
        act,
        to=lambda made: url_for(".show", id=made.id),
        said=_("Planned as a draft. Nobody has been told yet: announce it when everything stands."),
    )
    if done:
        return done
    return page(
        "reviews/plan.html",
        form,
        **_gathering(found, more, wanted, hearings, streets, offices, form.items.data or []),
    )


def _gathering(
    found: Any, more: bool, wanted: dict[str, Any], hearings: Any, streets: Any, offices: Any, chosen: list[int]
) -> dict[str, Any]:
    """What the two pages that gather issues show."""
    return {
        "found": found,
        "more": more,
        "wanted": wanted,
        "filtered": any(wanted.values()),
        "chosen": set(chosen) or set(_chosen_before()),
        "hearing_choices": [(h.id, f"{serial(h.serial_no)} {h.title}".strip()) for h in hearings],
        "street_choices": streets,
        "department_choices": [(o.id, o.short_name) for o in offices],
        "light_choices": [(k, LIGHT_WORDS[k]) for k in ("red", "yellow", "green")],
        "light": light,
        "issue_words": workflow.LABELS["issue"],
    }


@bp.get("/look-backs/<int:id>")
@requires("hearing.read", Hearing)
def show(hearing: Hearing) -> Any:
    """A meeting that looks back: its agenda with promises, lights, findings, confirmations."""
    if hearing.kind not in queries.LOOKING_BACK:
        return redirect(f"/hearings/{hearing.id}", 302)
    user = me()
    agenda = queries.agenda(hearing, user)
    items = agenda.items
    mine = allowed(user, hearing, ["hearing.run", "hearing.amend", "paper.print"])
    runs = "hearing.run" in mine
    rules = list(dict.fromkeys(queries.rule_words(i.ballot) for i in items if i.ballot))
    return page(
        "reviews/show.html",
        None,
        hearing=hearing,
        items=items,
        hidden=agenda.hidden,
        evidence=agenda.evidence,
        runs=runs,
        may_print="paper.print" in mine,
        may_find=runs and hearing.status in RUNNING,
        may_change=runs and hearing.status not in ("filed", "cancelled", "discarded"),
        course=begin(hearing) if runs else None,
        moves=workflow.moves(hearing) if runs else [],
        undos=undo.standing(f"/hearings/{hearing.id}", actor=user),
        kind=KIND_LABELS[hearing.kind],
        status=workflow.label("hearing", hearing.status),
        status_tone=TONES[hearing.status],
        done=sum(1 for i in items if i.here),
        rules=rules,
        light=light,
        ballot_words=BALLOT_LABELS,
        issue_words=workflow.LABELS["issue"],
        commitment_words=workflow.LABELS["commitment"],
        confirmation_words=workflow.LABELS["confirmation"],
        confirmation_tones=CONFIRMATION_TONES,
        file_cards=story.file_cards,
        finding_rows=story.finding_rows,
        counts_in_words=story.counts_in_words,
    )


@bp.route("/look-backs/<int:id>/items", methods=["GET", "POST"])
@requires("hearing.run", Hearing)
def items(hearing: Hearing) -> Any:
    """Put more issues on the agenda."""
    wanted = _filter()
    hearings, streets, offices = queries.filter_choices(me())
    form = AddItemsForm()
    found, more = queries.candidates(me(), **wanted, also=_chosen_before(), but=hearing)
    form.items.offer((c.issue.id, c.issue.title) for c in found)

    def act() -> None:
        chosen = queries.chosen_issues(me(), form.items.data or [])
        if not chosen:
            raise RuleBroken(_("Choose at least one issue to look back at."), "items")
        operations.carry_in(hearing, chosen, actor=me())

    done = submit(form, act, to=url_for(".show", id=hearing.id), said=_("Put on the agenda."))
    if done:
        return done
    return page(
        "reviews/items.html",
        form,
        hearing=hearing,
        **_gathering(found, more, wanted, hearings, streets, offices, form.items.data or []),
    )


@bp.post("/look-backs/<int:id>/items/<int:issue_id>/drop")
@requires("hearing.run", Hearing)
def drop(hearing: Hearing, issue_id: int) -> Any:
    """Take an issue off the agenda, with undo."""
    entry = queries.agenda_entry(hearing, issue_id, me()) or abort(404)
    return perform(lambda: operations.drop_item(entry, actor=me()), to=url_for(".show", id=hearing.id))


@bp.post("/look-backs/<int:id>/items/<int:issue_id>/move")
@requires("hearing.run", Hearing)
def move_item(hearing: Hearing, issue_id: int) -> Any:
    """One place up or down on the agenda."""
    entry = queries.agenda_entry(hearing, issue_id, me()) or abort(404)
    up = request.form.get("direction") == "up"
    return perform(
        lambda: operations.move_item(entry, up=up, actor=me()), to=url_for(".show", id=hearing.id, _anchor="agenda")
    )


@bp.route("/look-backs/<int:id>/findings/<int:issue_id>", methods=["GET", "POST"])
@requires("hearing.run", Hearing)
def finding(hearing: Hearing, issue_id: int) -> Any:
    """Record what was found of one item; what follows is said before and after."""
    entry = queries.agenda_entry(hearing, issue_id, me()) or abort(404)
    issue = entry.issue
    told = queries.short_story(issue, briefly=True)
    open_ones = [c for c in told.commitments if c.status in (CommitmentStatus.OPEN, CommitmentStatus.REPORTED)]
    form: Any = FindingForm(commitments=open_ones)
    if not form.is_submitted():
        form.commitment.data = number_arg("commitment")
        form.rebase()

    def act() -> None:
        uploads = [f for f in form.files.data or [] if getattr(f, "filename", "")]
        operations.record_finding(
            hearing,
            issue,
            found=form.found.data,
            verdict=form.verdict.data,
            commitment=form.known.get(form.commitment.data or 0),
            deputy_opinion=form.deputy_opinion.data,
            resident_opinion=form.resident_opinion.data,
            percent=form.percent.data,
            new_due_on=form.new_due_on.data,
            files=[store(upload, actor=me()) for upload in uploads],
            actor=me(),
        )

    done = submit(form, act, to=url_for(".show", id=hearing.id, _anchor=f"item-{issue.id}"))
    if done:
        return done
    return page(
        "reviews/finding.html",
        form,
        hearing=hearing,
        issue=issue,
        told=told,
        consequences=[(v.value, VERDICT_LABELS[v], CONSEQUENCES[v]) for v in Verdict],
        why_not=story.why_not_struck_off(issue) if not issue.is_closed else None,
        light=light,
        commitment_words=workflow.LABELS["commitment"],
        issue_words=workflow.LABELS["issue"],
        may_record=hearing.status in RUNNING,
    )


@bp.get("/findings/files/<int:id>")
@signed_in
def file(id: int) -> Any:
    """Evidence of a finding, for whoever may read the issue."""
    link = queries.finding_file(id, me()) if id < 2**31 else None
    if link is None:
        abort(404)
    small = request.args.get("thumb") == "1" and link.file.is_image
    answer = send_file(
        io.BytesIO(queries.bytes_of(link.file, small)),
        mimetype="image/jpeg" if small else link.file.media_type,
        as_attachment=not link.file.is_image,
        download_name=link.file.name,  # encoded as RFC 6266 says: a server refuses a header with Chinese in it
    )
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, max-age=86400"
    return answer


# -- confirmations -------------------------------------------------------------------------------------


@bp.get("/confirmations/")
@requires("confirmation.read")
def confirmations() -> Any:
    """What waits for a deputy's word, the most urgent first; and what has been answered."""
    state = "answered" if request.args.get("state") == "answered" else "asked"
    found = queries.confirmations(me(), state, after=number_arg("after"), before=number_arg("before"))
    here = url_for(".confirmations", state=state)
    return page(
        "reviews/confirmations.html",
        None,
        rows=found.rows,
        newer=f"{here}&before={found.newer}" if found.newer else None,
        older=f"{here}&after={found.older}" if found.older else None,
        state=state,
        tabs=[
            {"url": "/confirmations/", "label": _("Waiting"), "active": state == "asked"},
            {"url": "/confirmations/?state=answered", "label": _("Answered"), "active": state == "answered"},
        ],
        light=light,
        words=workflow.LABELS["confirmation"],
        tones=CONFIRMATION_TONES,
        me_=me(),
        is_deputy=Role.DEPUTY in me().role_set,
    )


@bp.route("/issues/<int:id>/ask-confirmation", methods=["GET", "POST"])
@requires("confirmation.ask", Issue)
def ask(issue: Issue) -> Any:
    """Ask the deputy whether it is done."""
    issue = queries.whole_issue(issue)
    people = list(queries.deputies())
    if issue.lead_deputy is not None and issue.lead_deputy not in people:
        people.insert(0, issue.lead_deputy)
    form = AskForm(people=people, default=issue.lead_deputy_id)
    done = submit(
        form,
        lambda: operations.ask_confirmation(issue, deputy=form.known[form.deputy.data], actor=me()),
        to=f"/issues/{issue.id}",
    )
    return done or page(
        "reviews/ask.html",
        form,
        issue=issue,
        told=queries.short_story(issue, briefly=True),
        until=operations.confirmation_limit(),
        light=light,
        commitment_words=workflow.LABELS["commitment"],
    )


def _confirmation(row: Confirmation, posted: Form | None = None, **forms: Any) -> Any:
    """The confirmation's page, with the form that did not hold."""
    user = me()
    row = queries.whole_confirmation(row)
    acts = allowed(
        user,
        row,
        ["confirmation.confirm", "confirmation.refuse", "confirmation.ask", "confirmation.waive"],
    )
    is_open = row.status == ConfirmationStatus.ASKED
    broken = workflow.refusal(row, "waive") if is_open and "confirmation.waive" in acts else None
    blank: dict[str, Any] = {"confirm": ConfirmForm, "refuse": RefuseForm, "waive": WaiveForm}
    return page(
        "reviews/confirmation.html",
        posted,
        row=row,
        issue=row.issue,
        told=queries.short_story(row.issue),
        forms_={name: forms.get(name) or _blank(kind, name) for name, kind in blank.items()},
        may_answer=is_open and "confirmation.confirm" in acts,
        may_remind=is_open and "confirmation.ask" in acts,
        may_waive=is_open and "confirmation.waive" in acts and broken is None,
        why_not_waived=broken.message if broken is not None else None,
        is_open=is_open,
        status=workflow.label("confirmation", row.status),
        tone=CONFIRMATION_TONES[row.status],
        light=light,
        commitment_words=workflow.LABELS["commitment"],
        issue_words=workflow.LABELS["issue"],
        ballot_words=BALLOT_LABELS,
        file_cards=story.file_cards,
        counts_in_words=story.counts_in_words,
        late=row.due_on < today(),
        reminded_today=row.reminded_at is not None and now() - row.reminded_at < timedelta(hours=12),
    )


def _blank(kind: Any, name: str) -> Any:
    return fresh(kind, name)


@bp.get("/confirmations/<int:id>")
@requires("confirmation.read", Confirmation)
def confirmation(row: Confirmation) -> Any:
    """Promised, reported, seen: and two buttons for the deputy."""
    return _confirmation(row)


@bp.post("/confirmations/<int:id>/confirm")
@requires("confirmation.confirm", Confirmation)
def confirm(row: Confirmation) -> Any:
    """The deputy confirms."""
    form: Any = ConfirmForm()
    done = submit(
        form,
        lambda: operations.confirm(row, note=form.note.data, actor=me()),
        to=url_for(".confirmation", id=row.id),
    )
    return done or _confirmation(row, form, confirm=form)


@bp.post("/confirmations/<int:id>/refuse")
@requires("confirmation.refuse", Confirmation)
def refuse(row: Confirmation) -> Any:
    """The deputy refuses, and says what is missing."""
    form: Any = RefuseForm()
    done = submit(
        form,
        lambda: operations.refuse(row, reason=form.reason.data, actor=me()),
        to=url_for(".confirmation", id=row.id),
    )
    return done or _confirmation(row, form, refuse=form)


@bp.post("/confirmations/<int:id>/remind")
@requires("confirmation.ask", Confirmation)
def remind(row: Confirmation) -> Any:
    """Note that the deputy was reminded."""
    return perform(
        lambda: operations.remind_deputy(row, actor=me()),
        to=url_for(".confirmation", id=row.id),
        said=_("Noted: reminded."),
    )


@bp.post("/confirmations/<int:id>/waive")
@requires("confirmation.waive", Confirmation)
def waive(row: Confirmation) -> Any:
    """Past the limit: go on without the deputy's word, with a reason that is printed."""
    form: Any = WaiveForm()
    done = submit(
        form,
        lambda: operations.waive(row, reason=form.reason.data, actor=me()),
        to=url_for(".confirmation", id=row.id),
    )
    return done or _confirmation(row, form, waive=form)
