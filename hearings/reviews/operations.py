"""Looking back until it is done: agendas, findings, confirmations, ballots."""

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, select

from .. import audit, undo, workdays, workflow
from ..db import db, now, today
from ..errors import RuleBroken
from ..files import StoredFile
from ..filters import day as day_words
from ..issues import operations as issues
from ..issues.acts import RESTS, check, one_act, put_back, stands
from ..issues.models import (
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    Exchange,
    Issue,
    IssueStatus,
    Part,
)
from ..people.models import Department, DepartmentKind, User
from ..schedule import operations as schedule
from ..schedule.models import Hearing, HearingKind, HearingStatus, Station
from ..workflow import guard
from .models import (
    AgendaItem,
    Ballot,
    BallotVerdict,
    Confirmation,
    ConfirmationStatus,
    Finding,
    FindingFile,
    Verdict,
)

# -- taking back ---------------------------------------------------------------------------------------

RESTS[Confirmation] = ("status", "reason", "reminded_at", "answered_at")


def _one_act(issue: Issue, act: str, *, actor: User, back: str) -> AbstractContextManager[dict[str, Any]]:
    """An act of this room, taken back as one; "finding" names the one that it has recorded."""
    return one_act(issue, act, actor=actor, back=back, kind="reviews.act")


@undo.compensation("reviews.act", holds=stands)
def _act_back(*, actor: User, action: str, issue_id: int, before: Any, after: Any, finding: int | None = None) -> None:
    issue = db.session.get_one(Issue, issue_id)
    check(issue, after)
    row = db.session.get(Finding, finding) if finding else None
    was = before["issue"][str(issue_id)]["status"]
    audit.record(f"{action}.undo", row or issue, actor, status=None if row else was)
    if row is not None and was != issue.status:  # the issue's own line: figures as of a date read it
        audit.record("issue.taken_back", issue, actor, status=was)
    if row is not None:
        for link in db.session.scalars(select(FindingFile).where(FindingFile.finding_id == row.id)):
            db.session.delete(link)
        db.session.flush()
        db.session.delete(row)
    put_back(before, after)


@guard("issue.remove")
def _nothing_stands_on_it(issue: Issue) -> None:
    """A counted ballot, a finding or a deputy's word is not thrown away with the issue."""
    for model, words in (
        (Ballot, _("A ballot has been counted on it; take the count back first.")),
        (Finding, _("A finding has been recorded on it.")),
        (Confirmation, _("The deputy has been asked about it.")),
        (AgendaItem, _("It stands on the agenda of a look-back.")),
    ):
        if db.session.scalar(select(func.count()).select_from(model).where(model.issue_id == issue.id)):
            raise RuleBroken(words)


# -- planning ------------------------------------------------------------------------------------------


def plan_look_back(
    *,
    title: str,
    station: Station,
    starts_at: datetime,
    ends_at: datetime,
    items: Iterable[Issue],
    actor: User,
    kind: HearingKind = HearingKind.LOOK_BACK,
    theme: str | None = None,
    chair: User | None = None,
    follows: Hearing | None = None,
) -> Hearing:
    """Gather unresolved issues into a meeting that looks back at them; their deputies and leads get seats."""
    hearing = schedule.draft_hearing(
        kind=kind,
        title=title,
        theme=theme,
        station=station,
        starts_at=starts_at,
        ends_at=ends_at,
        chair=chair,
        follows=follows,
        actor=actor,
    )
    carry_in(hearing, items, actor=actor)
    return hearing


def carry_in(hearing: Hearing, items: Iterable[Issue], *, actor: User) -> None:
    """Put issues on the agenda, once each."""
    _agenda_open(hearing)
    there = set(db.session.scalars(select(AgendaItem.issue_id).where(AgendaItem.hearing_id == hearing.id)))
    last = db.session.scalar(select(func.max(AgendaItem.position)).where(AgendaItem.hearing_id == hearing.id))
    position = last or 0
    items = list(items)
    for issue in items:
        if issue.id in there:
            continue
        position += 1
        there.add(issue.id)
        db.session.add(AgendaItem(hearing=hearing, issue=issue, position=position))
        audit.record("look_back.carry_in", issue, actor, hearing=hearing.id)
        if issue.lead_deputy is not None and issue.lead_deputy.active:
            schedule.add_person(hearing, issue.lead_deputy, actor=actor)
    leads = (
        select(Department)
        .join(Assignment, Assignment.department_id == Department.id)
        .join(Issue, (Issue.id == Assignment.issue_id) & (Issue.round == Assignment.round))
        .where(
            Issue.id.in_([i.id for i in items]),
            Assignment.part != Part.CO_HANDLER,
            Assignment.status != AssignmentStatus.RETURNED,
        )
        .order_by(Department.position, Department.id)
    )
    for office in db.session.scalars(leads).unique():
        if office.is_current and office.kind != DepartmentKind.OTHER:
            schedule.add_department(hearing, office, actor=actor)
    hearing.touch()
    db.session.flush()


def _agenda_open(hearing: Hearing) -> None:
    if hearing.status in (HearingStatus.CANCELLED, HearingStatus.DISCARDED, HearingStatus.FILED):
        raise RuleBroken(_("This hearing can no longer be changed."))


def drop_item(item: AgendaItem, *, actor: User) -> None:
    """Take an issue off the agenda, while nothing was found of it there; with undo."""
    _agenda_open(item.hearing)
    found = db.session.scalar(
        select(func.count())
        .select_from(Finding)
        .where(Finding.hearing_id == item.hearing_id, Finding.issue_id == item.issue_id)
    )
    if found:
        raise RuleBroken(_("A finding has been recorded on it."))
    audit.record("look_back.drop", item.issue, actor, hearing=item.hearing_id)
    undo.offer(
        "look_back.drop",
        _("Taken off the agenda."),
        actor=actor,
        back=f"/look-backs/{item.hearing_id}",
        row=undo.snapshot(item),
    )
    item.hearing.touch()  # calendars name the promises on its list
    db.session.delete(item)


def move_item(item: AgendaItem, *, up: bool, actor: User) -> None:
    """One place up or down on the agenda as it stands now; at the edge nothing moves."""
    _agenda_open(item.hearing)
    rows = list(
        db.session.scalars(
            select(AgendaItem)
            .where(AgendaItem.hearing_id == item.hearing_id)
            .order_by(AgendaItem.position, AgendaItem.id)
        )
    )
    here = rows.index(item)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(rows):
        return
    rows[here], rows[there] = rows[there], rows[here]
    for position, row in enumerate(rows, 1):
        row.position = position
    audit.record("look_back.order", item.hearing, actor)


@undo.compensation("look_back.drop")
def _carry_in_again(*, actor: User, row: dict[str, Any]) -> None:
    item = undo.restore(AgendaItem, row)
    _agenda_open(item.hearing)
    item.hearing.touch()
    audit.record("look_back.drop.undo", item.issue, actor)


# -- findings ------------------------------------------------------------------------------------------


def record_finding(
    hearing: Hearing,
    issue: Issue,
    *,
    found: str,
    verdict: Verdict,
    actor: User,
    commitment: Commitment | None = None,
    deputy_opinion: str | None = None,
    resident_opinion: str | None = None,
    percent: int | None = None,
    new_due_on: date | None = None,
    files: Iterable[StoredFile] = (),
) -> Finding:
    """What was found, and what follows.

    strike_off: strikes the issue off if its deputy has confirmed, else asks the deputy; keep_tracking: a new
    date moves the promise (written down as an extension); handle_again: a new round; escalate: noted, the
    issue stays open. A finding may stand on one commitment: then only its date or progress moves.
    """
    if hearing.status not in (HearingStatus.IN_SESSION, HearingStatus.CONCLUDED):
        raise RuleBroken(_("Findings are recorded while the meeting is in session, or after it, until it is filed."))
    _check_finding(issue, verdict, commitment, new_due_on)
    back = f"/look-backs/{hearing.id}"
    with _one_act(issue, "finding.record", actor=actor, back=back) as act:
        finding = Finding(
            hearing=hearing,
            issue=issue,
            commitment=commitment,
            found=found,
            verdict=verdict,
            deputy_opinion=deputy_opinion,
            resident_opinion=resident_opinion,
            percent=percent,
            new_due_on=new_due_on,
            by=actor,
            at=now(),
        )
        db.session.add(finding)
        db.session.flush()
        for file in files:
            db.session.add(FindingFile(finding_id=finding.id, file_id=file.id))
        audit.record("finding.record", finding, actor, verdict=verdict.value)
        if commitment is not None and percent is not None and commitment.status == CommitmentStatus.OPEN:
            commitment.percent = percent
            commitment.touch()
        act["said"] = _follow(finding, actor)
        act["finding"] = finding.id
    return finding


def _check_finding(issue: Issue, verdict: Verdict, commitment: Commitment | None, new_due_on: date | None) -> None:
    """Raises `RuleBroken` where the verdict cannot stand."""
    closed = commitment is not None and commitment.status in (CommitmentStatus.KEPT, CommitmentStatus.RELEASED)
    if verdict in (Verdict.KEEP_TRACKING, Verdict.HANDLE_AGAIN) and new_due_on is not None and new_due_on <= today():
        raise RuleBroken(_("The new date must lie in the future."), "new_due_on")
    if verdict == Verdict.KEEP_TRACKING and new_due_on is not None:
        if commitment is None:
            raise RuleBroken(_("Say which commitment the new date is for."), "commitment")
        if closed:
            raise RuleBroken(_("This commitment is closed; its date does not move."), "commitment")
    if verdict == Verdict.STRIKE_OFF and commitment is None and not issue.is_closed:
        if issue.status != IssueStatus.REPLIED:
            raise RuleBroken(_("The department has not replied yet; it cannot be struck off."), "verdict")
        owed = db.session.scalar(
            select(func.count())
            .select_from(Commitment)
            .where(
                Commitment.issue_id == issue.id,
                Commitment.status.in_((CommitmentStatus.OPEN, CommitmentStatus.REPORTED)),
            )
        )
        if owed:
            raise RuleBroken(_("%(count)d commitments are still owed.", count=owed), "verdict")
        if _answer(issue) is None and issue.lead_deputy is None:
            raise RuleBroken(_("Choose the deputy who will confirm it first."), "verdict")


def _follow(finding: Finding, actor: User) -> str:
    """Do what follows from a finding. Returns it in words."""
    issue, commitment = finding.issue, finding.commitment
    match finding.verdict:
        case Verdict.STRIKE_OFF if commitment is not None:
            if commitment.status in (CommitmentStatus.OPEN, CommitmentStatus.REPORTED):
                issues.verify_commitment(commitment, actor=actor)
            return _("Recorded: the commitment is kept.")
        case Verdict.STRIKE_OFF if issue.is_closed:
            return _("Recorded; the issue was closed before.")
        case Verdict.STRIKE_OFF:
            if workflow.refusal(issue, "strike_off") is None:
                issues.strike_off(issue, actor=actor, basis="回头看结论")  # words of the record
                return _("Recorded: the deputy has confirmed, the issue is struck off.")
            asked = _answer(issue) or ask_confirmation(issue, actor=actor)
            return _(
                "Recorded: %(deputy)s is asked to confirm until %(day)s; it can be struck off after that.",
                deputy=asked.deputy.name,
                day=day_words(asked.due_on),
            )
        case Verdict.KEEP_TRACKING if finding.new_due_on is not None and commitment is not None:
            if commitment.status == CommitmentStatus.REPORTED:
                issues.reject_report(commitment, reason=finding.found, actor=actor)
            if finding.new_due_on == commitment.due_on:
                return _("Recorded: it stays open.")
            before = commitment.due_on
            reason = f"回头看结论：{finding.found[:60]}"
            issues.move_date(commitment, finding.new_due_on, reason=reason, actor=actor)
            return _(
                "Recorded: the date moves from %(old)s to %(new)s and is kept as an extension.",
                old=day_words(before),
                new=day_words(finding.new_due_on),
            )
        case Verdict.HANDLE_AGAIN:
            issues.rework(issue, reason=finding.found, actor=actor, due_on=finding.new_due_on)
            return _("Recorded: it is handled again, round %(round)d has begun.", round=issue.round)
        case Verdict.ESCALATE:
            return _("Recorded: it goes to a higher level and stays open.")
    return _("Recorded: it stays open.")


# -- confirmations -------------------------------------------------------------------------------------


def _answer(issue: Issue) -> Confirmation | None:
    """The standing question or answer of the present round."""
    return db.session.scalar(
        select(Confirmation)
        .where(Confirmation.issue_id == issue.id, Confirmation.round == issue.round)
        .order_by(Confirmation.id.desc())
        .limit(1)
    )


@guard("confirmation.confirm")
@guard("confirmation.refuse")
def _of_this_round(confirmation: Confirmation) -> None:
    if confirmation.round != confirmation.issue.round:
        raise RuleBroken(_("It is handled again by now: this question is of an earlier round."))


def _ask_no_more(issue: Issue, actor: User) -> None:
    """A deputy is not asked about what is handled again or settled otherwise: an answer would start it once more."""
    waiting = _answer(issue)
    if waiting is not None and waiting.status == ConfirmationStatus.ASKED:
        workflow.advance(waiting, "withdraw", actor=actor)


issues.OVERTAKES.append(_ask_no_more)


@guard("issue.strike_off")
@guard("issue.explain")
def _deputy_agrees(issue: Issue) -> None:
    answer = _answer(issue)
    if answer is None:
        raise RuleBroken(_("The deputy has not been asked to confirm yet."))
    if answer.status == ConfirmationStatus.ASKED:
        raise RuleBroken(_("The deputy has not confirmed yet (asked until %(day)s).", day=day_words(answer.due_on)))
    if answer.status == ConfirmationStatus.REFUSED:
        raise RuleBroken(_("The deputy has refused to confirm."))


def confirmation_limit() -> date:
    """Until when a deputy who is asked today may answer (CONFIRM_WORKDAYS)."""
    return workdays.add_workdays(today(), current_app.config["CONFIRM_WORKDAYS"])


def ask_confirmation(issue: Issue, *, actor: User, deputy: User | None = None) -> Confirmation:
    """Ask the deputy whether it is done; the answer is due in CONFIRM_WORKDAYS working days."""
    deputy = deputy or issue.lead_deputy
    if deputy is None:
        raise RuleBroken(_("Choose the deputy who will confirm it first."))
    if issue.is_closed:
        raise RuleBroken(_("The issue is closed."))
    answer = _answer(issue)
    if answer is not None and answer.status in (ConfirmationStatus.ASKED, ConfirmationStatus.CONFIRMED):
        raise RuleBroken(_("The deputy has been asked already."))
    if issue.status not in (IssueStatus.REGISTERED, IssueStatus.REPLIED):
        raise RuleBroken(_("There is nothing to confirm before the department has replied."))
    with _one_act(issue, "confirmation.ask", actor=actor, back=f"/issues/{issue.id}") as act:
        asked = Confirmation(
            issue=issue,
            round=issue.round,
            deputy=deputy,
            asked_by_id=actor.id,
            asked_at=now(),
            due_on=confirmation_limit(),
        )
        db.session.add(asked)
        db.session.flush()
        audit.record("confirmation.ask", asked, actor, status=ConfirmationStatus.ASKED, deputy=deputy.name)
        act["said"] = _(
            "%(deputy)s has been asked to confirm until %(day)s.", deputy=deputy.name, day=day_words(asked.due_on)
        )
    return asked


def remind_deputy(confirmation: Confirmation, *, actor: User) -> None:
    """Note that the deputy was reminded (the message itself is another matter)."""
    if confirmation.status != ConfirmationStatus.ASKED:
        raise RuleBroken(_("The deputy has answered."))
    confirmation.reminded_at = now()
    audit.record("confirmation.remind", confirmation, actor)


def confirm(confirmation: Confirmation, *, actor: User, note: str | None = None) -> None:
    """The deputy confirms that it is done; with undo until something rests on it."""
    workflow.advance(confirmation, "confirm", actor=actor)
    confirmation.reason = note
    undo.offer(
        "confirmation.confirm",
        _("Confirmed. Thank you."),
        actor=actor,
        back=f"/issues/{confirmation.issue_id}",
        confirmation_id=confirmation.id,
    )


@undo.compensation("confirmation.confirm")
def _confirm_back(*, actor: User, confirmation_id: int) -> None:
    confirmation = db.session.get_one(Confirmation, confirmation_id)
    if confirmation.status != ConfirmationStatus.CONFIRMED or confirmation.issue.is_closed:
        raise RuleBroken(_("The issue has been closed on your word; ask the organiser to reopen it."))
    confirmation.status, confirmation.answered_at, confirmation.reason = ConfirmationStatus.ASKED, None, None
    audit.record("confirmation.confirm.undo", confirmation, actor, status=ConfirmationStatus.ASKED)


def refuse(confirmation: Confirmation, *, reason: str, actor: User) -> None:
    """The deputy refuses: handled again, in the same transaction (浙江省实施代表法办法 art. 43)."""
    issue = confirmation.issue
    with _one_act(issue, "confirmation.refuse", actor=actor, back=f"/confirmations/{confirmation.id}") as act:
        confirmation.reason = reason
        workflow.advance(confirmation, "refuse", actor=actor)
        act["said"] = _("Refused; the organiser has been told why.")
        if issue.status in (IssueStatus.ASSIGNED, IssueStatus.IN_HANDLING, IssueStatus.REPLIED):
            issues.rework(issue, reason=reason, actor=actor)
            act["said"] = _("Refused: it is handled again, round %(round)d has begun.", round=issue.round)


@guard("confirmation.waive")
def _limit_has_passed(confirmation: Confirmation) -> None:
    if confirmation.due_on >= today() and confirmation.deputy.active:
        raise RuleBroken(_("It can be waived after %(day)s.", day=day_words(confirmation.due_on)))


def waive(confirmation: Confirmation, *, reason: str, actor: User) -> None:
    """The deputy stayed silent past the limit (or has left): go on without, with a reason that is printed."""
    with _one_act(
        confirmation.issue, "confirmation.waive", actor=actor, back=f"/confirmations/{confirmation.id}"
    ) as act:
        confirmation.reason = reason
        workflow.advance(confirmation, "waive", actor=actor, reason=reason)
        act["said"] = _("Waived: it can be closed without the deputy's word. The reason is printed.")


def confirmed_on_the_spot(issue: Issue, *, actor: User, note: str | None = None) -> Confirmation:
    """The deputy agreed in the room, the organiser is witness. A question still waiting is answered by it."""
    if issue.lead_deputy is None:
        raise RuleBroken(_("Choose the deputy who will confirm it first."))
    note = note or "代表当场表示认可"
    waiting = _answer(issue)
    if waiting is not None and waiting.status == ConfirmationStatus.ASKED:
        workflow.advance(waiting, "confirm", actor=actor, on_the_spot=True)
        waiting.reason = note
        return waiting
    made = Confirmation(
        issue=issue,
        round=issue.round,
        deputy=issue.lead_deputy,
        status=ConfirmationStatus.CONFIRMED,
        asked_by_id=actor.id,
        asked_at=now(),
        due_on=today(),
        answered_at=now(),
        reason=note,
    )
    db.session.add(made)
    db.session.flush()
    audit.record("confirmation.on_the_spot", made, actor, status=ConfirmationStatus.CONFIRMED)
    return made


def settle_on_the_spot(issue: Issue, *, actor: User, note: str | None = None) -> None:
    """Answered in the room and the deputy agrees: confirmed and settled by explanation, in one act with one undo."""
    if issue.status == IssueStatus.REGISTERED and issue.hearing.status not in (
        HearingStatus.IN_SESSION,
        HearingStatus.CONCLUDED,
    ):
        raise RuleBroken(_("This is noted while the meeting is in session, or after it, until it is filed."))
    back = f"/hearings/{issue.hearing_id}/session?issue={issue.id}"
    with _one_act(issue, "confirmation.on_the_spot", actor=actor, back=back) as act:
        confirmed_on_the_spot(issue, actor=actor, note=note)
        issues.explain(issue, actor=actor, note=note)
        act["said"] = _("The deputy agreed; the issue is settled.")


# -- the order of words --------------------------------------------------------------------------------


def move_exchange(turn: Exchange, *, up: bool, actor: User) -> None:
    """One place earlier or later among the words of its issue, as they stand now; at the edge nothing moves."""
    if turn.issue.hearing.status == HearingStatus.FILED:
        raise RuleBroken(_("The hearing has been filed; its record is closed."))
    turns = list(
        db.session.scalars(
            select(Exchange).where(Exchange.issue_id == turn.issue_id).order_by(Exchange.position, Exchange.id)
        )
    )
    here = turns.index(turn)
    there = here - 1 if up else here + 1
    if not 0 <= there < len(turns):
        return
    turns[here], turns[there] = turns[there], turns[here]
    for position, row in enumerate(turns, 1):
        row.position = position
    audit.record("exchange.order", turn.issue, actor)


# -- ballots -------------------------------------------------------------------------------------------


def verdict_of(satisfied: int, mostly: int, *, base: int, tie_passes: bool = True) -> tuple[BallotVerdict, int]:
    """The verdict of a count and the threshold that was needed (domain.md §2.3, as in 镇海).

    satisfied ≥ half of `base` ⇒ satisfied; else satisfied + mostly ≥ half ⇒ basically satisfied; else
    dissatisfied. With `tie_passes` exactly half is enough, without it more than half is needed.
    """
    threshold = (base + 1) // 2 if tie_passes else base // 2 + 1
    if base > 0 and satisfied >= threshold:
        return BallotVerdict.SATISFIED, threshold
    if base > 0 and satisfied + mostly >= threshold:
        return BallotVerdict.MOSTLY_SATISFIED, threshold
    return BallotVerdict.DISSATISFIED, threshold


def _may_count(hearing: Hearing) -> None:
    if hearing.status not in (HearingStatus.IN_SESSION, HearingStatus.CONCLUDED):
        raise RuleBroken(_("Ballots are recorded while the meeting is in session, or after it, until it is filed."))


def record_ballot(
    hearing: Hearing,
    issue: Issue,
    *,
    satisfied: int,
    mostly_satisfied: int,
    dissatisfied: int,
    actor: User,
    invalid: int = 0,
    issued: int | None = None,
    present: int | None = None,
    voters: str = "all",
) -> Ballot:
    """The count of one issue as read from paper, checked against the ballots issued; again to mend it.

    A 不满意 before the assignment makes it round 2 with the re-handling limit. With undo.
    """
    counts = {
        "satisfied": satisfied,
        "mostly_satisfied": mostly_satisfied,
        "dissatisfied": dissatisfied,
        "invalid": invalid,
    }
    made = record_ballots(hearing, {issue: counts}, actor=actor, issued=issued, present=present, voters=voters)
    return made[0]


def record_ballots(
    hearing: Hearing,
    counts: Mapping[Issue, Mapping[str, int]],
    *,
    actor: User,
    issued: int | None = None,
    present: int | None = None,
    voters: str = "all",
    by_row: bool = False,
) -> list[Ballot]:
    """The counts of several issues at once; one undo for all. With `by_row` a wrong row names its own field,

    `invalid_<issue id>`, as the table of all items has it.
    """
    _may_count(hearing)
    issued = issued if issued is not None else hearing.ballots_issued
    if not issued:
        raise RuleBroken(_("Say first how many ballots were handed out."), "issued")
    there = {
        ballot.issue_id: ballot
        for ballot in db.session.scalars(
            select(Ballot).where(
                Ballot.hearing_id == hearing.id,
                Ballot.voters == voters,
                Ballot.issue_id.in_([issue.id for issue in counts]),
            )
        )
    }
    made, before = [], []
    for issue, count in counts.items():
        field = f"invalid_{issue.id}" if by_row else "invalid"
        ballot = there.get(issue.id)
        before.append(undo.snapshot(ballot) if ballot is not None else None)
        if ballot is None:
            ballot = Ballot(hearing=hearing, issue=issue, voters=voters)
        for name, value in count.items():
            setattr(ballot, name, value)
        _judge(ballot, issued, present, field)
        ballot.by_id, ballot.at = actor.id, now()
        db.session.add(ballot)
        db.session.flush()
        audit.record("ballot.record", ballot, actor, verdict=ballot.verdict)
        _settle_round(hearing, issue, ballot.verdict, actor)
        made.append(ballot)
    if made:
        said = (
            _("Counted: %(title)s.", title=made[0].issue.title)
            if len(made) == 1
            else _("%(count)d items counted.", count=len(made))
        )
        undo.offer(
            "ballot.record",
            said,
            actor=actor,
            back=f"/hearings/{hearing.id}/ballots",
            rows=[[ballot.id, was, undo.snapshot(ballot)] for ballot, was in zip(made, before, strict=True)],
        )
    return made


def _judge(ballot: Ballot, issued: int, present: int | None, field: str) -> None:
    """Set the ballots issued, the verdict and the rule that gave it. Raises `RuleBroken` on too many counted."""
    valid = ballot.satisfied + ballot.mostly_satisfied + ballot.dissatisfied
    counted = valid + ballot.invalid
    if counted > issued:
        raise RuleBroken(
            _("%(counted)d counted, but only %(issued)d handed out.", counted=counted, issued=issued), field
        )
    rule = current_app.config["BALLOT_DENOMINATOR"]
    base = {"issued": issued, "present": present or issued, "valid": valid}[rule]
    tie_passes = bool(current_app.config["BALLOT_TIE_PASSES"])
    verdict, threshold = verdict_of(ballot.satisfied, ballot.mostly_satisfied, base=base, tie_passes=tie_passes)
    ballot.issued, ballot.verdict = issued, verdict
    ballot.rule = {"denominator": rule, "of": base, "threshold": threshold, "tie_passes": tie_passes}


def hand_out_ballots(hearing: Hearing, count: int, *, actor: User, present: int | None = None) -> None:
    """How many ballot papers went out. What is counted already is judged anew on it; with undo."""
    _may_count(hearing)
    if count == hearing.ballots_issued:
        return
    before = hearing.ballots_issued
    _hand_out(hearing, count, present, actor)
    undo.offer(
        "ballot.hand_out",
        _("%(count)d ballots handed out.", count=count),
        actor=actor,
        back=f"/hearings/{hearing.id}/ballots",
        hearing_id=hearing.id,
        count=before,
        present=present,
        left=count,
    )


def _hand_out(hearing: Hearing, count: int | None, present: int | None, actor: User) -> None:
    for ballot in db.session.scalars(select(Ballot).where(Ballot.hearing_id == hearing.id)):
        if count is None:
            raise RuleBroken(_("Something rests on it by now."))
        was = ballot.verdict
        _judge(ballot, count, present, "issued")
        if ballot.verdict != was:
            _settle_round(hearing, ballot.issue, ballot.verdict, actor)
    hearing.ballots_issued = count
    audit.record("ballot.hand_out", hearing, actor, count=count)


@undo.compensation("ballot.hand_out")
def _hand_out_back(*, actor: User, hearing_id: int, count: int | None, present: int | None, left: int) -> None:
    hearing = db.session.get_one(Hearing, hearing_id)
    _may_count(hearing)
    undo.check(hearing.ballots_issued, left)
    _hand_out(hearing, count, present, actor)


def remove_ballot(ballot: Ballot, *, actor: User) -> None:
    """Take a count back, with undo."""
    _may_count(ballot.hearing)
    _not_yet_assigned(ballot)
    hearing, issue = ballot.hearing, ballot.issue
    audit.record("ballot.remove", ballot, actor)
    undo.offer(
        "ballot.remove",
        _("The count has been taken back."),
        actor=actor,
        back=f"/hearings/{hearing.id}/ballots",
        row=undo.snapshot(ballot),
    )
    db.session.delete(ballot)
    db.session.flush()
    _settle_round(hearing, issue, None, actor)


@undo.compensation("ballot.remove")
def _ballot_again(*, actor: User, row: dict[str, Any]) -> None:
    there = select(func.count()).select_from(Ballot)
    same = there.where(Ballot.hearing_id == row["hearing_id"], Ballot.issue_id == row["issue_id"])
    if db.session.scalar(same.where(Ballot.voters == row["voters"])):
        raise RuleBroken(_("It has been counted again meanwhile."))
    ballot = undo.restore(Ballot, row)
    _may_count(ballot.hearing)
    audit.record("ballot.remove.undo", ballot, actor)
    _settle_round(ballot.hearing, ballot.issue, ballot.verdict, actor)


def _not_yet_assigned(ballot: Ballot) -> None:
    if ballot.issue.status != IssueStatus.REGISTERED and ballot.issue.hearing_id == ballot.hearing_id:
        raise RuleBroken(_("The issue has been assigned on this result."))


def _settle_round(hearing: Hearing, issue: Issue, verdict: BallotVerdict | None, actor: User) -> None:
    """Before assignment, a vote of the issue's own evening decides whether it starts in round 2."""
    if issue.hearing_id != hearing.id or issue.status != IssueStatus.REGISTERED or issue.round > 2:
        return
    wanted = 2 if verdict == BallotVerdict.DISSATISFIED else 1
    if issue.round != wanted:
        issue.round = wanted
        for commitment in db.session.scalars(select(Commitment).where(Commitment.issue_id == issue.id)):
            commitment.round = wanted
        audit.record("issue.round", issue, actor, round=wanted)


@undo.compensation("ballot.record")
def _ballots_back(*, actor: User, rows: list[Any]) -> None:
    for ballot_id, before, left in rows:
        ballot = db.session.get(Ballot, ballot_id)
        if ballot is None:
            raise RuleBroken(_("There is nothing to undo here."))
        _may_count(ballot.hearing)
        _not_yet_assigned(ballot)
        undo.check(undo.snapshot(ballot), left)
        hearing, issue = ballot.hearing, ballot.issue
        audit.record("ballot.record.undo", ballot, actor)
        if before is None:
            db.session.delete(ballot)
        else:
            for name in ("issued", "satisfied", "mostly_satisfied", "dissatisfied", "invalid", "rule", "by_id"):
                setattr(ballot, name, before[name])
            ballot.verdict, ballot.at = BallotVerdict(before["verdict"]), undo.value_of(before["at"])
        db.session.flush()
        _settle_round(hearing, issue, None if before is None else ballot.verdict, actor)
