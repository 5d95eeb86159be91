"""Issues from the first word to struck off: logging, answers, promises, handing over, handling."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy import bindparam, delete, func, select
from sqlalchemy.orm import aliased

from .. import audit, undo, workdays, workflow
from ..audit import AuditEvent
from ..db import db, local, now, today
from ..errors import RuleBroken
from ..files import StoredFile
from ..filters import clock
from ..filters import day as day_words
from ..people.models import Department, DepartmentKind, User
from ..prepared import ask
from ..schedule.models import Hearing, HearingStatus, Topic
from ..workflow import guard
from . import limits, rules
from .acts import acts_together, one_act
from .models import (
    Assignment,
    AssignmentStatus,
    Category,
    Commitment,
    CommitmentStatus,
    Exchange,
    ExchangeKind,
    Extension,
    ExtensionStatus,
    Issue,
    IssueFile,
    IssueStatus,
    Outcome,
    OutcomeFigure,
    Part,
    Progress,
    Reply,
    ResultClass,
)

RECORDING = (HearingStatus.IN_SESSION, HearingStatus.CONCLUDED)

OVERTAKES: list[Callable[[Issue, User], None]] = []
"""Later rooms add what is to end when an issue is handled again, or is settled without being struck off."""

# -- logging -------------------------------------------------------------------------------------------


def may_log(hearing: Hearing) -> None:
    """Raises `RuleBroken` unless issues may be logged: from announcing until the file is closed."""
    if hearing.status not in (HearingStatus.ANNOUNCED, *RECORDING):
        raise RuleBroken(_("Issues are logged from the announcement until the hearing is filed."))


def log_issue(
    hearing: Hearing,
    *,
    statement: str,
    actor: User,
    title: str | None = None,
    topic: Topic | None = None,
    lead_deputy: User | None = None,
    cosigners: Iterable[User] = (),
    resident: str | None = None,
    community: str | None = None,
    category: Category = Category.OTHER,
    place: str | None = None,
    street: str | None = None,
    client_id: str | None = None,
    written_at: datetime | None = None,
) -> Issue:
    """Put a trouble on record; it gets its number on arrival. The same `client_id` twice gives the first issue.

    After the hearing has concluded it is marked as a late entry (补录).
    """
    may_log(hearing)
    db.session.flush()
    number, position, there = ask(_ARRIVAL, {"hearing": hearing.id, "client": client_id or ""}).one()
    if there is not None:
        return db.session.get_one(Issue, there)
    issue = Issue(
        hearing_id=hearing.id,
        number=max(number or 0, hearing.last_removed) + 1,
        position=(position or 0) + 1,
        client_id=client_id or None,
        topic_id=topic.id if topic else None,
        lead_deputy_id=lead_deputy.id if lead_deputy else None,
        cosigners=[d for d in cosigners if d is not lead_deputy],
        resident=resident,
        community=community,
        title=title or headline(statement),
        statement=statement,
        category=category,
        place=place,
        street=street,
        is_late=hearing.status == HearingStatus.CONCLUDED,
        logged_by_id=actor.id,
        written_at=written_at or now(),
        received_at=now(),
    )
    db.session.add(issue)
    db.session.flush()
    audit.record("issue.log", issue, actor, status=IssueStatus.REGISTERED)
    return issue


_same = aliased(Issue)
_ARRIVAL = select(
    func.max(Issue.number),
    func.max(Issue.position),
    select(_same.id).where(_same.client_id == bindparam("client")).scalar_subquery(),
).where(Issue.hearing_id == bindparam("hearing"))
"""Of a hearing, the last number and place on its list; and what this device's id has already made."""


def headline(statement: str, most: int = 24) -> str:
    """A title out of a statement: up to its first stop, cut at `most` characters."""
    first = statement.strip()
    for stop in "。！？；\n，,.!?;":
        cut = first.find(stop)
        if cut >= 4:
            first = first[:cut]
    return first if len(first) <= most else first[: most - 1] + "…"


STILL_OPEN = {"lead_deputy", "category", "street", "cosigners"}
"""What may be mended of an issue for ever: who answers for it and where it is counted."""


def why_words_stay(issue: Issue) -> str | None:
    """Why what was said may no longer be changed: the file, or the issue, is closed."""
    if issue.hearing.status == HearingStatus.FILED:
        return _("The hearing has been filed: what was said stays as it is.")
    if issue.is_closed:
        return _("The issue is closed: what was said stays as it is.")
    return None


def amend_issue(issue: Issue, changes: Mapping[str, Any], *, actor: User) -> None:
    """Change what was recorded. Raises `RuleBroken` for what stays as it was said (`why_words_stay`)."""
    if not changes:
        return
    if set(changes) - STILL_OPEN and (why := why_words_stay(issue)) is not None:
        raise RuleBroken(why)
    for name, value in changes.items():
        setattr(issue, name, value)
    if issue.lead_deputy is not None and {"lead_deputy", "cosigners"} & set(changes):
        issue.cosigners = [d for d in issue.cosigners if d is not issue.lead_deputy]  # nobody signs twice
    if "title" in changes:  # calendars name the issue beside each promise
        for commitment in db.session.scalars(select(Commitment).where(Commitment.issue_id == issue.id)):
            commitment.touch()
    audit.record("issue.amend", issue, actor, fields=sorted(changes))


def log_again(issue: Issue, given: Mapping[str, Any], *, actor: User) -> None:
    """What was sent once more with other words, because no answer had come: they take the place of the first ones.

    `given` is what `log_issue` takes. Raises `RuleBroken` once anybody else has worked on the issue.
    """
    wanted = dict(given) | {"title": given["title"] or headline(given["statement"])}
    wanted["cosigners"] = [d for d in given["cosigners"] if d is not given["lead_deputy"]]
    changes = {name: value for name, value in wanted.items() if getattr(issue, name) != value}
    if not changes:
        return
    own = {"issue.log", "issue.attach", "issue.amend"}
    if any(line.actor_id != actor.id or line.action not in own for line in audit.trail(issue)):
        raise RuleBroken(
            _(
                "The first sending has arrived as %(reference)s, and it has been worked on since. "
                "Open that issue to change it.",
                reference=issue.reference,
            )
        )
    amend_issue(issue, changes, actor=actor)


def remove_issue(issue: Issue, *, actor: User) -> None:
    """Take back an issue that nothing rests on yet, with undo."""
    if issue.status != IssueStatus.REGISTERED or issue.hearing.status not in (HearingStatus.ANNOUNCED, *RECORDING):
        raise RuleBroken(_("It has been handed on; it can be declined or transferred, not removed."))
    workflow.ask_guards("issue.remove", issue)
    commitments = list(db.session.scalars(select(Commitment).where(Commitment.issue_id == issue.id)))
    exchanges = list(db.session.scalars(select(Exchange).where(Exchange.issue_id == issue.id)))
    files = list(db.session.scalars(select(IssueFile).where(IssueFile.issue_id == issue.id)))
    audit.record("issue.remove", issue, actor)
    issue.hearing.last_removed = max(issue.hearing.last_removed, issue.number)
    undo.offer(
        "issue.remove",
        _("“%(title)s” has been removed.", title=issue.title),
        actor=actor,
        back=f"/hearings/{issue.hearing_id}/session",
        issue=undo.snapshot(issue),
        cosigners=[u.id for u in issue.cosigners],
        exchanges=[undo.snapshot(e) for e in exchanges],
        commitments=[[undo.snapshot(c), [d.id for d in c.co_handlers]] for c in commitments],
        files=[undo.snapshot(f) for f in files],
    )
    for row in (*files, *commitments, *exchanges):
        undo.remove(row)
    undo.remove(issue)


@undo.compensation("issue.remove")
def _issue_again(
    *,
    actor: User,
    issue: dict[str, Any],
    cosigners: list[int],
    exchanges: list[dict[str, Any]],
    commitments: list[Any],
    files: list[dict[str, Any]],
) -> None:
    row = undo.restore(Issue, issue)
    may_log(row.hearing)
    row.cosigners = list(db.session.scalars(select(User).where(User.id.in_(cosigners))))
    for kept in exchanges:
        undo.restore(Exchange, kept)
    for kept, helpers in commitments:
        again = undo.restore(Commitment, kept)
        again.co_handlers = list(db.session.scalars(select(Department).where(Department.id.in_(helpers))))
    for kept in files:
        undo.restore(IssueFile, kept)
    audit.record("issue.remove.undo", row, actor, status=row.status)


def order_issues(hearing: Hearing, ids: Sequence[int], *, actor: User) -> None:
    """Put the list in this order; numbers stay. Issues not named follow as they were."""
    issues = db.session.scalars(select(Issue).where(Issue.hearing_id == hearing.id).order_by(Issue.position)).all()
    place = {id_: i for i, id_ in enumerate(ids)}
    for position, issue in enumerate(sorted(issues, key=lambda i: (place.get(i.id, len(place)), i.position)), 1):
        issue.position = position
    audit.record("issue.order", hearing, actor)


def add_exchange(
    issue: Issue,
    kind: ExchangeKind,
    text: str,
    *,
    actor: User,
    speaker: str | None = None,
    department: Department | None = None,
) -> Exchange:
    """One turn of speech."""
    _record_open(issue)
    last = db.session.scalar(select(func.max(Exchange.position)).where(Exchange.issue_id == issue.id)) or 0
    turn = Exchange(
        issue=issue, position=last + 1, kind=kind, text=text, speaker=speaker, department=department, by_id=actor.id
    )
    db.session.add(turn)
    db.session.flush()
    audit.record("exchange.add", turn, actor)
    return turn


def amend_exchange(turn: Exchange, changes: Mapping[str, Any], *, actor: User) -> None:
    """Change kind, text, speaker, department."""
    _record_open(turn.issue)
    for name, value in changes.items():
        setattr(turn, name, value)
    if changes:
        audit.record("exchange.amend", turn, actor, fields=sorted(changes))


def remove_exchange(turn: Exchange, *, actor: User) -> None:
    """Take a turn out, with undo."""
    _record_open(turn.issue)
    audit.record("exchange.remove", turn, actor)
    undo.offer(
        "exchange.remove",
        _("Removed."),
        actor=actor,
        back=f"/hearings/{turn.issue.hearing_id}/session",
        row=undo.snapshot(turn),
    )
    undo.remove(turn)


@undo.compensation("exchange.remove")
def _exchange_again(*, actor: User, row: dict[str, Any]) -> None:
    turn = undo.restore(Exchange, row)
    _record_open(turn.issue)
    audit.record("exchange.remove.undo", turn, actor)


def _record_open(issue: Issue) -> None:
    if issue.hearing.status == HearingStatus.FILED:
        raise RuleBroken(_("The hearing has been filed; its record is closed."))


def decide_outcome(issue: Issue, outcome: Outcome | None, *, actor: User, note: str | None = None) -> None:
    """What was decided on the spot. Not accepted needs the reason and where to turn instead."""
    _record_open(issue)
    if outcome == Outcome.NOT_ACCEPTED and not note:
        raise RuleBroken(_("Say why it is not accepted, and where to turn instead."), "outcome_note")
    issue.outcome = outcome
    issue.outcome_note = note
    audit.record("issue.outcome", issue, actor, outcome=outcome.value if outcome else None)


# -- promises ------------------------------------------------------------------------------------------


def vague_words(measure: str) -> list[str]:
    """The words of VAGUE_WORDS that stand in a promise."""
    return [word for word in current_app.config["VAGUE_WORDS"] if word in measure]


def make_commitment(
    issue: Issue,
    *,
    measure: str,
    lead: Department,
    due_on: date,
    actor: User,
    co_handlers: Iterable[Department] = (),
    due_basis: str | None = None,
) -> Commitment:
    """Measure + department + date. Vague words do not block; they are stored with the promise."""
    if issue.is_closed:
        raise RuleBroken(_("The issue is closed; reopen it first."))
    _check_due(issue, due_on)
    _check_lead(lead)
    last = db.session.scalar(select(func.max(Commitment.position)).where(Commitment.issue_id == issue.id)) or 0
    commitment = Commitment(
        issue=issue,
        round=issue.round,
        position=last + 1,
        lead=lead,
        co_handlers=[d for d in co_handlers if d is not lead],
        measure=measure,
        due_on=due_on,
        due_basis=due_basis,
        vague_words="、".join(vague_words(measure)) or None,
    )
    db.session.add(commitment)
    db.session.flush()
    audit.record("commitment.make", commitment, actor, status=CommitmentStatus.OPEN, due_on=due_on.isoformat())
    return commitment


def _check_due(issue: Issue, due_on: date) -> None:
    if due_on < issue.hearing.day:
        raise RuleBroken(_("The date lies before the hearing."), "due_on")


def _check_lead(lead: Department) -> None:
    if not lead.is_current:
        raise RuleBroken(_("“%(name)s” has been retired.", name=lead.name), "lead")


def _accepted(commitment: Commitment) -> bool:
    return bool(
        db.session.scalar(
            select(func.count())
            .select_from(Assignment)
            .where(
                Assignment.issue_id == commitment.issue_id,
                Assignment.department_id == commitment.lead_id,
                Assignment.accepted_at.is_not(None),
            )
        )
    )


def may_correct(commitment: Commitment) -> bool:
    """Whether a recording error can still be mended: open, and not accepted by the department."""
    return commitment.status == CommitmentStatus.OPEN and not _accepted(commitment)


def correct_commitment(commitment: Commitment, changes: Mapping[str, Any], *, actor: User) -> None:
    """Mend a recording error (measure, lead, co_handlers, due_on, due_basis), until the department has accepted.

    Once assigned, what stood before stays readable, struck through.
    """
    if not changes:
        return
    if not may_correct(commitment):
        raise RuleBroken(_("The department has accepted it: a date moves by extension, not by correction."))
    if "due_on" in changes:
        _check_due(commitment.issue, changes["due_on"])
    if "lead" in changes:
        _check_lead(changes["lead"])
    if commitment.issue.status != IssueStatus.REGISTERED:
        was = {
            "at": now().isoformat(),
            "measure": commitment.measure,
            "due_on": commitment.due_on.isoformat(),
            "lead": commitment.lead.short_name,
        }
        commitment.corrected = [*(commitment.corrected or []), was]
    for name, value in changes.items():
        setattr(commitment, name, value)
    commitment.vague_words = "、".join(vague_words(commitment.measure)) or None
    commitment.touch()
    audit.record("commitment.correct", commitment, actor, fields=sorted(changes))


def remove_commitment(commitment: Commitment, *, actor: User) -> None:
    """Take back a promise recorded by mistake, before it is assigned, with undo."""
    if commitment.issue.status != IssueStatus.REGISTERED or commitment.status != CommitmentStatus.OPEN:
        raise RuleBroken(_("It has been assigned: it can be corrected or released, not removed."))
    _record_open(commitment.issue)
    audit.record("commitment.remove", commitment, actor)
    undo.offer(
        "commitment.remove",
        _("The commitment has been removed."),
        actor=actor,
        back=f"/hearings/{commitment.issue.hearing_id}/session",
        row=undo.snapshot(commitment),
        co_handlers=[d.id for d in commitment.co_handlers],
    )
    undo.remove(commitment)


@undo.compensation("commitment.remove")
def _commitment_again(*, actor: User, row: dict[str, Any], co_handlers: list[int]) -> None:
    commitment = undo.restore(Commitment, row)
    if commitment.issue.is_closed:
        raise RuleBroken(_("The issue is closed; reopen it first."))
    _record_open(commitment.issue)
    commitment.co_handlers = list(db.session.scalars(select(Department).where(Department.id.in_(co_handlers))))
    audit.record("commitment.remove.undo", commitment, actor, status=commitment.status)


def report_done(commitment: Commitment, *, report: str, actor: User, files: Iterable[StoredFile] = ()) -> None:
    """The department says it is done, with evidence."""
    workflow.advance(commitment, "report_done", actor=actor)
    _withdraw_extension(commitment, actor=actor)
    commitment.report = report
    commitment.percent = 100
    for file in files:
        attach(commitment.issue, file, actor=actor, commitment=commitment)


def verify_commitment(commitment: Commitment, *, actor: User, note: str | None = None) -> None:
    """The organiser has seen that it is done, also before the department has said so (at a look-back)."""
    before, percent = commitment.status, commitment.percent
    workflow.advance(commitment, "verify", actor=actor, note=note)
    _withdraw_extension(commitment, actor=actor)
    commitment.percent = 100
    undo.offer(
        "commitment.verify",
        _("Verified: kept."),
        actor=actor,
        back=f"/issues/{commitment.issue_id}",
        commitment_id=commitment.id,
        before=before,
        percent=percent,
    )


@undo.compensation("commitment.verify")
def _verify_back(*, actor: User, commitment_id: int, before: str, percent: int) -> None:
    commitment = db.session.get_one(Commitment, commitment_id)
    if commitment.status != CommitmentStatus.KEPT or commitment.issue.is_closed:
        raise RuleBroken(_("Something rests on it by now."))
    commitment.status, commitment.closed_at, commitment.percent = CommitmentStatus(before), None, percent
    commitment.touch()
    audit.record("commitment.verify.undo", commitment, actor, status=commitment.status)


def reject_report(commitment: Commitment, *, reason: str, actor: User) -> None:
    """It is not done yet, and why."""
    workflow.advance(commitment, "reject", actor=actor, reason=reason)


def release_commitment(commitment: Commitment, *, reason: str, actor: User) -> None:
    """The promise no longer binds (overtaken, merged into another), and why."""
    workflow.advance(commitment, "release", actor=actor, reason=reason)
    _withdraw_extension(commitment, actor=actor)
    commitment.report = reason


def may_extend(commitment: Commitment, extensions: Sequence[Extension] | None = None) -> None:
    """Raises `RuleBroken` unless more time can be asked for: an open promise, before its date has passed, and as often

    as EXTENSIONS_MOST allows (domain.md §2.1). `extensions`: the promise's, where they have been read.
    """
    if commitment.status != CommitmentStatus.OPEN:
        raise RuleBroken(_("Only an open commitment can be extended."))
    if today() > commitment.due_on:
        raise RuleBroken(
            _(
                "More time is asked for before the date; this one was due on %(day)s. Say in the progress how it"
                " stands: a look-back sets the new date.",
                day=day_words(commitment.due_on),
            )
        )
    if extensions is None:
        extensions = db.session.scalars(select(Extension).where(Extension.commitment_id == commitment.id)).all()
    if any(e.status == ExtensionStatus.ASKED for e in extensions):
        raise RuleBroken(_("An extension has been asked for and is not decided yet."))
    most = current_app.config["EXTENSIONS_MOST"]
    if sum(e.status == ExtensionStatus.GRANTED and not e.directed for e in extensions) >= most:
        raise RuleBroken(
            ngettext(
                "This commitment has been extended %(num)d time, which is the most.",
                "This commitment has been extended %(num)d times, which is the most.",
                most,
            )
        )


def ask_extension(commitment: Commitment, *, new_due_on: date, reason: str, actor: User) -> Extension:
    """Ask for time. Raises `RuleBroken` as `may_extend` does, and when the new date is not later."""
    may_extend(commitment)
    if new_due_on <= commitment.due_on:
        raise RuleBroken(_("The new date must be later than %(day)s.", day=day_words(commitment.due_on)), "new_due_on")
    extension = Extension(
        commitment=commitment, old_due_on=commitment.due_on, new_due_on=new_due_on, reason=reason, asked_by=actor
    )
    db.session.add(extension)
    db.session.flush()
    audit.record("extension.ask", extension, actor, status="asked", new_due_on=new_due_on.isoformat())
    return extension


@guard("extension.grant")
def _still_later(extension: Extension) -> None:
    due_on = extension.commitment.due_on
    if not extension.directed and extension.new_due_on <= due_on:
        raise RuleBroken(
            _("The promise is due on %(day)s by now: this extension would give no more time.", day=day_words(due_on))
        )


def grant_extension(extension: Extension, *, actor: User, note: str | None = None) -> None:
    """The date moves; the old one stays readable. With undo until the department is told."""
    issue = extension.commitment.issue
    with one_act(issue, "extension.grant", actor=actor, back=f"/issues/{issue.id}", lasts=_until_told()) as act:
        workflow.advance(extension, "grant", actor=actor, note=note)
        extension.decided_by_id = actor.id
        extension.decision_note = note
        extension.commitment.due_on = extension.new_due_on
        extension.commitment.due_basis = None
        extension.commitment.touch()
        act["said"] = _("Granted: now due on %(day)s.", day=day_words(extension.new_due_on))


def _until_told() -> timedelta:
    """How long nobody hears of an act whose telling could not be taken back (NEWS_DELAY)."""
    return timedelta(seconds=float(current_app.config["NEWS_DELAY"]))


def refuse_extension(extension: Extension, *, reason: str, actor: User) -> None:
    """The date stays. With undo until the department is told."""
    issue = extension.commitment.issue
    with one_act(issue, "extension.refuse", actor=actor, back=f"/issues/{issue.id}", lasts=_until_told()) as act:
        workflow.advance(extension, "refuse", actor=actor, reason=reason)
        extension.decided_by_id = actor.id
        extension.decision_note = reason
        act["said"] = _("Refused: the date stays.")


def _undecided(commitment: Commitment) -> Extension | None:
    return db.session.scalar(
        select(Extension).where(Extension.commitment_id == commitment.id, Extension.status == ExtensionStatus.ASKED)
    )


def _withdraw_extension(commitment: Commitment, *, actor: User) -> None:
    """What was asked for and not decided is no longer needed once the promise is reported done or released."""
    waiting = _undecided(commitment)
    if waiting is not None:
        workflow.advance(waiting, "withdraw", actor=actor)


def move_date(commitment: Commitment, new_due_on: date, *, reason: str, actor: User) -> Extension:
    """A finding moves a date: written down as an extension granted at once. What was asked for is overtaken by it."""
    _withdraw_extension(commitment, actor=actor)
    extension = Extension(
        commitment=commitment,
        old_due_on=commitment.due_on,
        new_due_on=new_due_on,
        reason=reason,
        asked_by=actor,
        directed=True,
    )
    db.session.add(extension)
    db.session.flush()
    grant_extension(extension, actor=actor)
    return extension


# -- handing over and handling -------------------------------------------------------------------------


def default_limit(
    issue: Issue,
    start: date,
    *,
    is_hard: bool = False,
    promises: Iterable[Commitment] | None = None,
    table: dict[date, bool] | None = None,
) -> tuple[date, str]:
    """The reply limit of an assignment made on `start`, with its basis (代表法 art. 51, 浙江省实施办法 art. 43).

    REPLY_MONTHS; HARD_MONTHS from the same day for a wide or hard matter; REWORK_MONTHS when it is handled again. What
    is studied after the hearing (会后研究) is answered by the day that was promised, if one was. `promises`: the
    issue's, and `table`: the district's own calendar days, where they are known already.
    """
    if issue.round > 1:
        months, notes = current_app.config["REWORK_MONTHS"], [limits.REWORK]
    elif is_hard:
        months, notes = current_app.config["HARD_MONTHS"], [limits.HARD]
    else:
        promised = _answer_promised(issue, promises)
        if promised is not None and promised >= start:
            return promised, limits.SET_ON_THE_NIGHT
        months, notes = current_app.config["REPLY_MONTHS"], []
    due = workdays.add_months(start, months, table)
    return due, limits.code(months, "months", limits.ASSIGNED, due, *notes, table=table)


def _answer_promised(issue: Issue, promises: Iterable[Commitment] | None) -> date | None:
    if issue.outcome != Outcome.FURTHER_STUDY:
        return None
    if promises is not None:
        return min((c.due_on for c in promises if c.status == CommitmentStatus.OPEN), default=None)
    return db.session.scalar(
        select(func.min(Commitment.due_on)).where(
            Commitment.issue_id == issue.id, Commitment.status == CommitmentStatus.OPEN
        )
    )


def opinion_limit(start: date, reply_due: date, reply_basis: str) -> tuple[date, str]:
    """By when co-handlers give their opinion to the lead: CO_HANDLER_DAYS, never after the lead's own reply is due."""
    days = current_app.config["CO_HANDLER_DAYS"]
    due = workdays.add_days(start, days)
    if due >= reply_due:
        return reply_due, reply_basis
    return due, limits.code(days, "days", limits.ASSIGNED, due, limits.OPINION)


def assign(
    issue: Issue,
    *,
    lead: Department,
    actor: User,
    co_handlers: Iterable[Department] = (),
    split: Iterable[Department] = (),
    requirement: str | None = None,
    is_hard: bool = False,
    due_on: date | None = None,
    co_due_on: date | None = None,
    assigned_on: date | None = None,
) -> list[Assignment]:
    """Hand an issue over: a lead (or sole) department, co-handlers, or several that answer each their part.

    Due as `default_limit` and, for co-handlers, `opinion_limit` say; the organiser may set other days. Raises
    `RuleBroken` for a day before the assignment, a co-handler's after the lead's, a longer limit in a later round.
    """
    start = assigned_on or today()
    if is_hard and issue.round > 1:
        raise RuleBroken(_("The longer limit is for the first time; handled again, it is due earlier."), "limit")
    limit, basis = default_limit(issue, start, is_hard=is_hard)
    if due_on is not None and due_on != limit:
        if due_on < start:
            raise RuleBroken(_("The date lies before the assignment."), "due_on")
        limit, basis = due_on, limits.SET_AT_ASSIGNING
    opinion = opinion_limit(start, limit, basis)
    if co_due_on is not None and co_due_on != opinion[0]:
        if co_due_on < start:
            raise RuleBroken(_("The date lies before the assignment."), "co_due_on")
        if co_due_on > limit:
            raise RuleBroken(
                _("The lead needs the opinion before its own reply is due (%(day)s).", day=day_words(limit)),
                "co_due_on",
            )
        opinion = co_due_on, limits.SET_AT_ASSIGNING
    parts = {lead: Part.LEAD}
    for department in co_handlers:
        parts.setdefault(department, Part.CO_HANDLER)
    for department in split:
        parts.setdefault(department, Part.SPLIT)
    for department in parts:
        _check_lead(department)
    with one_act(issue, "issue.assign", actor=actor, back=f"/issues/{issue.id}") as act:
        act["said"] = _("Assigned.")
        return _hand_over(issue, parts, start, (limit, basis), opinion, requirement, actor)


def assign_all(hearing: Hearing, orders: Mapping[Issue, Mapping[str, Any]], *, actor: User) -> dict[Issue, RuleBroken]:
    """Hand several issues of a hearing over as one act, with one undo. `orders`: what `assign` takes, by issue.

    Returns what was refused; if anything was, nothing is offered and the caller keeps nothing.
    """
    refused: dict[Issue, RuleBroken] = {}
    here = f"/hearings/{hearing.id}/assign"
    with acts_together(list(orders), "issue.assign", actor=actor, back=here, page=here) as act:
        for issue, order in orders.items():
            try:
                with db.session.begin_nested():
                    assign(issue, actor=actor, **order)
            except RuleBroken as broken:
                refused[issue] = broken
        if orders and not refused:
            act["said"] = _("%(count)d issues assigned.", count=len(orders))
    return refused


def _hand_over(
    issue: Issue,
    parts: Mapping[Department, Part],
    start: date,
    limit: tuple[date, str],
    opinion: tuple[date, str],
    requirement: str | None,
    actor: User,
) -> list[Assignment]:
    """Make the assignments that are not there yet; a returned one is made anew."""
    workflow.advance(issue, "assign", actor=actor, departments=[d.short_name for d in parts])
    respond_by = workdays.add_workdays(start, current_app.config["RETURN_WORKDAYS"])
    made = []
    for department, part in parts.items():
        old = db.session.scalar(
            select(Assignment).where(
                Assignment.issue_id == issue.id,
                Assignment.round == issue.round,
                Assignment.department_id == department.id,
            )
        )
        if old is not None and old.status != AssignmentStatus.RETURNED:
            made.append(old)
            continue
        fields: dict[str, Any] = {
            "part": part,
            "assigned_on": start,
            "due_on": (opinion if part == Part.CO_HANDLER else limit)[0],
            "due_basis": (opinion if part == Part.CO_HANDLER else limit)[1],
            "requirement": requirement,
            "respond_by": respond_by,
            "status": AssignmentStatus.ASSIGNED,
            "returned_at": None,
            "return_reason": None,
        }
        if old is None:
            old = Assignment(issue=issue, round=issue.round, department=department, **fields)
            db.session.add(old)
        else:
            for name, value in fields.items():
                setattr(old, name, value)
        db.session.flush()
        audit.record("assignment.make", old, actor, status=AssignmentStatus.ASSIGNED, part=part.value)
        made.append(old)
    return made


def accept_assignment(assignment: Assignment, *, actor: User | None, by_silence: bool = False) -> None:
    """The department takes it on; the lead's acceptance moves the issue. With undo, unless by silence."""
    if actor is None or by_silence:
        _accept(assignment, actor, by_silence)
        return
    issue = assignment.issue
    with one_act(issue, "assignment.accept", actor=actor, back=f"/issues/{issue.id}") as act:
        _accept(assignment, actor, by_silence)
        act["said"] = _("Accepted. Reply by %(day)s.", day=day_words(assignment.due_on))


def _accept(assignment: Assignment, actor: User | None, by_silence: bool) -> None:
    workflow.advance(assignment, "accept", actor=actor, by_silence=by_silence or None)
    assignment.accepted_by_silence = by_silence
    if assignment.part != Part.CO_HANDLER and assignment.issue.status == IssueStatus.ASSIGNED:
        workflow.advance(assignment.issue, "accept", actor=actor)


def is_accepted_by_silence(assignment: Assignment) -> bool:
    """No answer within the return limit counts as accepted."""
    return assignment.status == AssignmentStatus.ASSIGNED and assignment.respond_by < today()


def settle_silence(*, limit: int = 1000) -> int:
    """Write down what silence has accepted by now. Returns how many."""
    silent = db.session.scalars(
        select(Assignment)
        .where(Assignment.status == AssignmentStatus.ASSIGNED, Assignment.respond_by < today())
        .order_by(Assignment.id)
        .limit(limit)
    ).all()
    for assignment in silent:
        accept_assignment(assignment, actor=None, by_silence=True)
    return len(silent)


def _accepted_first(assignment: Assignment, actor: User) -> None:
    """Who acts on an assignment has accepted it."""
    if assignment.status == AssignmentStatus.ASSIGNED:
        _accept(assignment, actor, is_accepted_by_silence(assignment))


@guard("assignment.return")
def _within_limit(assignment: Assignment) -> None:
    if assignment.respond_by < today():
        raise RuleBroken(
            _(
                "The limit for returning it ended on %(day)s; it counts as accepted.",
                day=day_words(assignment.respond_by),
            )
        )


def return_assignment(assignment: Assignment, *, reason: str, actor: User) -> None:
    """Wrong addressee (退办): within the limit, with the reason. A lead's return sends the issue back. With undo."""
    issue = assignment.issue
    with one_act(issue, "assignment.return", actor=actor, back=f"/issues/{issue.id}") as act:
        assignment.return_reason = reason
        workflow.advance(assignment, "return", actor=actor, reason=reason)
        if assignment.part != Part.CO_HANDLER and issue.status == IssueStatus.ASSIGNED:
            workflow.advance(issue, "return", actor=actor)
        act["said"] = _("Returned to the organiser.")


def _still_stands(assignment: Assignment) -> None:
    if assignment.status in (AssignmentStatus.RETURNED, AssignmentStatus.SUPERSEDED):
        raise RuleBroken(_("This assignment no longer stands: it was returned, or handled again in a later round."))


def may_remind(
    assignment: Assignment, promises: Iterable[Commitment] | None = None, *, formally: bool = False
) -> list[tuple[Commitment | None, date]]:
    """What the department is reminded of, as `rules.owed` says it; formally (督办) only what is overdue.

    Raises `RuleBroken` when nothing is owed. One statement, none where the issue's commitments are given.
    """
    _still_stands(assignment)
    if assignment.issue.is_closed:
        raise RuleBroken(_("The issue is closed; reopen it first."))
    if promises is None:
        promises = db.session.scalars(select(Commitment).where(Commitment.issue_id == assignment.issue_id))
    promises = list(promises)
    if not rules.owed(assignment, promises):
        raise RuleBroken(_("The department has replied and keeps nothing open here: there is nothing to remind it of."))
    found = rules.overdue(assignment, promises) if formally else rules.owed(assignment, promises)
    if not found:
        raise RuleBroken(_("Nothing of this assignment is overdue yet; the department can be reminded."))
    return found


def once_a_day(assignment: Assignment, action: str) -> None:
    """Raises `RuleBroken` when this was written to the department today already, and says by whom and when."""
    before = _last_urged(assignment.id, action)
    if before is not None:
        who, at = before.actor_name, clock(before.at)
        if action == "assignment.remind":
            raise RuleBroken(
                _("%(who)s reminded the department today at %(time)s; once a day is enough.", who=who, time=at)
            )
        raise RuleBroken(
            _("%(who)s issued a supervision order today at %(time)s; once a day is enough.", who=who, time=at)
        )


def remind_assignment(assignment: Assignment, *, reason: str, actor: User) -> None:
    """Remind the department in writing (催办) of what it owes, at most once a day; `reason` is what it is told."""
    may_remind(assignment)
    once_a_day(assignment, "assignment.remind")
    audit.record("assignment.remind", assignment, actor, reason=reason)
    _offer_back(assignment, "assignment.remind", _("The department is reminded; its people are told."), actor)


def supervise_assignment(assignment: Assignment, *, reason: str, new_due_on: date, actor: User) -> None:
    """Order the department (督办) to do what is overdue by a new limit, at most once a day.

    The limit stands on the order; the promise keeps its own date, so that it stays overdue on the ledger.
    """
    may_remind(assignment, formally=True)
    once_a_day(assignment, "assignment.supervise")
    if new_due_on <= today():
        raise RuleBroken(_("The new limit must be later than today."), "new_due_on")
    audit.record("assignment.supervise", assignment, actor, reason=reason, new_due_on=new_due_on.isoformat())
    said = _("The supervision order is issued. Its sheet can be printed below.")
    _offer_back(assignment, "assignment.supervise", said, actor)


def _offer_back(assignment: Assignment, action: str, said: Any, actor: User) -> None:
    """What was written to a department is taken back until its people are told."""
    home = f"/issues/{assignment.issue_id}"
    undo.offer(
        "assignment.urge",
        said,
        actor=actor,
        back=home,
        page=home,
        lasts=_until_told(),
        assignment_id=assignment.id,
        action=action,
    )


@undo.compensation("assignment.urge")
def _urge_back(*, actor: User, assignment_id: int, action: str) -> None:
    assignment = db.session.get_one(Assignment, assignment_id)
    before = _last_urged(assignment_id, action)
    if before is None or before.actor_id != actor.id:
        raise RuleBroken(_("There is nothing to undo here."))
    audit.record(f"{action}.undo", assignment, actor)


def _last_urged(assignment_id: int, action: str) -> AuditEvent | None:
    """What was written to the department today and stands."""
    lines = db.session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.subject_type == "assignment",
            AuditEvent.subject_id == assignment_id,
            AuditEvent.action.in_((action, f"{action}.undo")),
            AuditEvent.at >= local(today(), time(0)),
        )
        .order_by(AuditEvent.id)
    )
    return next(reversed(audit.standing(lines)), None)


def report_progress(
    assignment: Assignment,
    *,
    text: str,
    actor: User,
    commitment: Commitment | None = None,
    percent: int | None = None,
    files: Iterable[StoredFile] = (),
) -> Progress:
    """A line of progress, on the whole or on one promise, with what shows it."""
    if assignment.issue.is_closed:
        raise RuleBroken(_("The issue is closed; reopen it first."))
    _still_stands(assignment)
    _accepted_first(assignment, actor)
    if commitment is not None and percent is not None:
        commitment.percent = percent
        commitment.touch()
    line = Progress(
        assignment=assignment,
        commitment_id=commitment.id if commitment else None,
        percent=percent,
        text=text,
        by_id=actor.id,
        at=now(),
    )
    db.session.add(line)
    db.session.flush()
    for file in files:
        attach(assignment.issue, file, actor=actor, commitment=commitment, progress=line)
    audit.record("assignment.progress", assignment, actor, percent=percent)
    return line


def reply(
    assignment: Assignment,
    *,
    result_class: ResultClass,
    text: str,
    signed_by: str,
    actor: User,
    next_step: str | None = None,
    contact: str | None = None,
    met_deputy: bool = False,
    files: Iterable[StoredFile] = (),
) -> Reply:
    """The department answers after handling, with a result class. The lead's answer moves the issue;

    B and C (with a later promise) are answered again when it is done.
    """
    if assignment.issue.is_closed:
        raise RuleBroken(_("The issue is closed; reopen it first."))
    _accepted_first(assignment, actor)
    workflow.advance(assignment, "reply", actor=actor, result_class=result_class.value)
    made = Reply(
        assignment=assignment,
        issue=assignment.issue,
        round=assignment.round,
        result_class=result_class,
        text=text,
        next_step=next_step,
        signed_by=signed_by,
        contact=contact,
        met_deputy=met_deputy,
        by_id=actor.id,
        at=now(),
    )
    db.session.add(made)
    db.session.flush()
    for file in files:
        attach(assignment.issue, file, actor=actor, reply=made)
    if assignment.part != Part.CO_HANDLER and assignment.issue.status == IssueStatus.IN_HANDLING:
        workflow.advance(assignment.issue, "reply", actor=actor, result_class=result_class.value)
    return made


# -- closing -------------------------------------------------------------------------------------------


@guard("issue.decline")
def _nothing_promised(issue: Issue) -> None:
    if db.session.scalar(select(func.count()).select_from(Commitment).where(Commitment.issue_id == issue.id)):
        raise RuleBroken(_("Something has been promised on it; it cannot be declined."))


def _overtake(issue: Issue, actor: User) -> None:
    for end in OVERTAKES:
        end(issue, actor)


def decline(issue: Issue, *, reason: str, actor: User) -> None:
    """Not accepted: the reason, and where to turn instead."""
    _overtake(issue, actor)
    workflow.advance(issue, "decline", actor=actor, reason=reason)
    issue.outcome = Outcome.NOT_ACCEPTED
    issue.outcome_note = reason


def transfer(issue: Issue, *, to: str, actor: User) -> None:
    """Turned into a formal suggestion, or handed to a higher level."""
    _overtake(issue, actor)
    workflow.advance(issue, "transfer", actor=actor, to=to)
    issue.outcome_note = to


@guard("issue.strike_off")
def _all_promises_kept(issue: Issue) -> None:
    owed = db.session.scalar(
        select(func.count())
        .select_from(Commitment)
        .where(
            Commitment.issue_id == issue.id,
            Commitment.status.in_((CommitmentStatus.OPEN, CommitmentStatus.REPORTED)),
        )
    )
    if owed:
        raise RuleBroken(_("%(count)d commitments are still owed.", count=owed))


@guard("issue.explain")
@guard("issue.transfer")
def _no_promise_open(issue: Issue) -> None:
    _all_promises_kept(issue)


def strike_off(issue: Issue, *, actor: User, basis: str | None = None) -> None:
    """Struck off the ledger (销号): all promises kept, the deputy agrees. With undo."""
    workflow.advance(issue, "strike_off", actor=actor, basis=basis)
    _offer_reopening(issue, "strike_off", IssueStatus.REPLIED, actor)


def explain(issue: Issue, *, actor: User, note: str | None = None) -> None:
    """Settled by explanation (解释答复办结); the deputy agrees."""
    before = issue.status
    workflow.advance(issue, "explain", actor=actor, note=note)
    _offer_reopening(issue, "explain", before, actor)


def _offer_reopening(issue: Issue, move: str, before: str, actor: User) -> None:
    undo.offer(
        "issue.close",
        _("“%(title)s” is struck off.", title=issue.title)
        if move == "strike_off"
        else _("“%(title)s” is closed.", title=issue.title),
        actor=actor,
        back=f"/issues/{issue.id}",
        issue_id=issue.id,
        move=move,
        before=str(before),
        left=_closed(issue),
    )


def _closed(issue: Issue) -> dict[str, Any]:
    kept = undo.snapshot(issue)
    return {name: kept[name] for name in ("status", "round", "closed_at")}


@undo.compensation("issue.close")
def _close_back(*, actor: User, issue_id: int, move: str, before: str, left: dict[str, Any]) -> None:
    issue = db.session.get_one(Issue, issue_id)
    if not issue.is_closed:
        raise RuleBroken(_("It has been reopened already."))
    undo.check(_closed(issue), left)
    issue.status, issue.closed_at = IssueStatus(before), None
    audit.record(f"issue.{move}.undo", issue, actor, status=before)


def rework(issue: Issue, *, reason: str, actor: User, due_on: date | None = None) -> None:
    """Handle again: round + 1, the same departments, REWORK_MONTHS; the old round stays readable."""
    current = db.session.scalars(
        select(Assignment)
        .where(Assignment.issue_id == issue.id, Assignment.round == issue.round)
        .order_by(Assignment.id)
    ).all()
    _overtake(issue, actor)
    workflow.advance(issue, "rework", actor=actor, reason=reason)
    issue.round += 1
    limit, basis = default_limit(issue, today())
    if due_on is not None:
        limit, basis = due_on, limits.SET_AT_REWORK
    opinion = opinion_limit(today(), limit, basis)
    for old in current:
        if old.status == AssignmentStatus.RETURNED:
            continue
        due = opinion if old.part == Part.CO_HANDLER else (limit, basis)
        made = Assignment(
            issue=issue,
            round=issue.round,
            department_id=old.department_id,
            part=old.part,
            status=AssignmentStatus.ACCEPTED,
            accepted_at=now(),
            assigned_on=today(),
            due_on=due[0],
            due_basis=due[1],
            requirement=reason,
            respond_by=today(),
        )
        db.session.add(made)
        db.session.flush()
        audit.record("assignment.make", made, actor, status=AssignmentStatus.ACCEPTED, part=old.part.value)
        workflow.advance(old, "supersede", actor=actor)
    db.session.flush()


def reopen(issue: Issue, *, reason: str, actor: User) -> None:
    """It came back (反弹): a new round, never an edit of the old one."""
    current = db.session.scalars(
        select(Assignment).where(Assignment.issue_id == issue.id, Assignment.round == issue.round)
    ).all()
    _overtake(issue, actor)
    workflow.advance(issue, "reopen", actor=actor, reason=reason)
    issue.round += 1
    issue.closed_at = None
    for old in current:
        if old.status != AssignmentStatus.SUPERSEDED:
            workflow.advance(old, "supersede", actor=actor)


def add_figure(
    issue: Issue,
    *,
    label: str,
    value: str,
    as_of: date,
    actor: User,
    unit: str | None = None,
    source: str | None = None,
) -> OutcomeFigure:
    """A number that says what came of it; also after striking off."""
    figure = OutcomeFigure(issue=issue, label=label, value=value, unit=unit, as_of=as_of, source=source)
    db.session.add(figure)
    db.session.flush()
    audit.record("issue.figure", issue, actor, label=label, value=value, unit=unit, as_of=as_of.isoformat())
    return figure


def remove_figure(figure: OutcomeFigure, *, actor: User) -> None:
    """Take a figure back, with undo."""
    audit.record("issue.figure.remove", figure.issue, actor, label=figure.label, value=figure.value)
    undo.offer(
        "issue.figure",
        _("“%(name)s” has been removed.", name=figure.label),
        actor=actor,
        back=f"/issues/{figure.issue_id}",
        row=undo.snapshot(figure),
    )
    db.session.delete(figure)


@undo.compensation("issue.figure")
def _figure_again(*, actor: User, row: dict[str, Any]) -> None:
    figure = undo.restore(OutcomeFigure, row)
    audit.record("issue.figure", figure.issue, actor, label=figure.label, value=figure.value)


# -- files ---------------------------------------------------------------------------------------------


def attach(
    issue: Issue,
    file: StoredFile,
    *,
    actor: User,
    commitment: Commitment | None = None,
    reply: Reply | None = None,
    progress: Progress | None = None,
    caption: str | None = None,
) -> IssueFile:
    """Tie a stored file to an issue, a promise's evidence, a reply, or a line of progress."""
    link = IssueFile(
        issue=issue,
        file=file,
        commitment_id=commitment.id if commitment else None,
        reply_id=reply.id if reply else None,
        progress_id=progress.id if progress else None,
        caption=caption,
    )
    db.session.add(link)
    db.session.flush()
    audit.record("issue.attach", issue, actor, file=file.sha256[:12])
    return link


def detach(link: IssueFile, *, actor: User) -> None:
    """Take a file off an issue, with undo; evidence of a closed issue stays."""
    if link.issue.is_closed:
        raise RuleBroken(_("The issue is closed; its evidence stays."))
    audit.record("issue.detach", link.issue, actor, file=link.file.sha256[:12])
    undo.offer(
        "issue.detach",
        _("“%(name)s” has been removed.", name=link.file.name),
        actor=actor,
        back=f"/issues/{link.issue_id}",
        row=undo.snapshot(link),
    )
    db.session.execute(delete(IssueFile).where(IssueFile.id == link.id))


@undo.compensation("issue.detach")
def _attach_again(*, actor: User, row: dict[str, Any]) -> None:
    link = undo.restore(IssueFile, row)
    audit.record("issue.detach.undo", link.issue, actor)


@guard("hearing.file")
def _every_issue_has_a_place(hearing: Hearing) -> None:
    loose = db.session.scalar(
        select(func.count())
        .select_from(Issue)
        .where(Issue.hearing_id == hearing.id, Issue.status.in_((IssueStatus.REGISTERED, IssueStatus.RETURNED)))
    )
    if loose:
        raise RuleBroken(_("%(count)d issues are not assigned, answered, transferred or declined yet.", count=loose))


@guard("topic.release")
def _not_taken_up(topic: Topic) -> None:
    """What was put to the departments is an issue; in the pool it would be put to them once more."""
    made = db.session.scalar(select(Issue).where(Issue.topic_id == topic.id, Issue.hearing_id == topic.hearing_id))
    if made is not None:
        raise RuleBroken(_("It has been taken up as %(reference)s.", reference=made.reference))


@guard("issue.assign")
def _after_the_evening(issue: Issue) -> None:
    if issue.hearing.status not in (HearingStatus.CONCLUDED, HearingStatus.FILED):
        raise RuleBroken(_("Issues are assigned after the hearing has concluded."))
    if issue.outcome == Outcome.NOT_ACCEPTED:
        raise RuleBroken(_("It was not accepted; decline it, or change the outcome."))


@guard("issue.assign")
def _resident_has_a_deputy(issue: Issue) -> None:
    if issue.lead_deputy_id is None:
        raise RuleBroken(_("Choose the deputy who will confirm it first."))


SIGN_IN_KINDS = (DepartmentKind.BUREAU, DepartmentKind.STREET_OFFICE)
