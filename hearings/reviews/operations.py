"""Looking back until it is done: agendas, findings, confirmations, ballots."""

from collections.abc import Iterable
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
from ..issues.models import CLOSED, Commitment, CommitmentStatus, Issue, IssueStatus
from ..people.models import User
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
    if hearing.status in (HearingStatus.CANCELLED, HearingStatus.DISCARDED, HearingStatus.FILED):
        raise RuleBroken(_("This hearing can no longer be changed."))
    there = set(db.session.scalars(select(AgendaItem.issue_id).where(AgendaItem.hearing_id == hearing.id)))
    position = len(there)
    for issue in items:
        if issue.id in there:
            continue
        position += 1
        there.add(issue.id)
        db.session.add(AgendaItem(hearing=hearing, issue=issue, position=position))
        audit.record("look_back.carry_in", issue, actor, hearing=hearing.id)
        if issue.lead_deputy is not None and issue.lead_deputy.active:
            schedule.add_person(hearing, issue.lead_deputy, actor=actor)
    hearing.touch()
    db.session.flush()


def drop_item(item: AgendaItem, *, actor: User) -> None:
    """Take an issue off the agenda, while nothing was found of it there; with undo."""
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
    db.session.delete(item)


@undo.compensation("look_back.drop")
def _carry_in_again(*, actor: User, row: dict[str, Any]) -> None:
    item = undo.restore(AgendaItem, row)
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
    if verdict == Verdict.KEEP_TRACKING and new_due_on is not None:
        if new_due_on <= today():
            raise RuleBroken(_("The new date must lie in the future."), "new_due_on")
        if commitment is None:
            raise RuleBroken(_("Say which commitment the new date is for."), "commitment")
    if verdict == Verdict.STRIKE_OFF and commitment is None:
        reply_open = issue.status not in (IssueStatus.REPLIED, *CLOSED)
        if reply_open:
            raise RuleBroken(_("The department has not replied yet; it cannot be struck off."), "verdict")
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
        by_id=actor.id,
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
    if verdict == Verdict.KEEP_TRACKING and new_due_on is not None and commitment is not None:
        if commitment.status == CommitmentStatus.OPEN and new_due_on != commitment.due_on:
            issues.move_date(commitment, new_due_on, reason=f"回头看结论：{found[:60]}", actor=actor)
    elif verdict == Verdict.STRIKE_OFF and commitment is not None:
        if commitment.status == CommitmentStatus.OPEN:
            issues.report_done(commitment, report=found, actor=actor)
        if commitment.status == CommitmentStatus.REPORTED:
            issues.verify_commitment(commitment, actor=actor)
    elif verdict == Verdict.STRIKE_OFF:
        if workflow.refusal(issue, "strike_off") is None:
            issues.strike_off(issue, actor=actor, basis="finding")
        elif not issue.is_closed and _answer(issue) is None and issue.lead_deputy is not None:
            ask_confirmation(issue, actor=actor)
    elif verdict == Verdict.HANDLE_AGAIN:
        issues.rework(issue, reason=found, actor=actor, due_on=new_due_on)
    return finding


# -- confirmations -------------------------------------------------------------------------------------


def _answer(issue: Issue) -> Confirmation | None:
    """The standing question or answer of the present round."""
    return db.session.scalar(
        select(Confirmation)
        .where(Confirmation.issue_id == issue.id, Confirmation.round == issue.round)
        .order_by(Confirmation.id.desc())
        .limit(1)
    )


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
    asked = Confirmation(
        issue=issue,
        round=issue.round,
        deputy=deputy,
        asked_by_id=actor.id,
        asked_at=now(),
        due_on=workdays.add_workdays(today(), current_app.config["CONFIRM_WORKDAYS"]),
    )
    db.session.add(asked)
    db.session.flush()
    audit.record("confirmation.ask", asked, actor, status=ConfirmationStatus.ASKED, deputy=deputy.name)
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
    confirmation.reason = reason
    workflow.advance(confirmation, "refuse", actor=actor)
    if confirmation.issue.status in (IssueStatus.ASSIGNED, IssueStatus.IN_HANDLING, IssueStatus.REPLIED):
        issues.rework(confirmation.issue, reason=reason, actor=actor)


@guard("confirmation.waive")
def _limit_has_passed(confirmation: Confirmation) -> None:
    if confirmation.due_on >= today() and confirmation.deputy.active:
        raise RuleBroken(_("It can be waived after %(day)s.", day=day_words(confirmation.due_on)))


def waive(confirmation: Confirmation, *, reason: str, actor: User) -> None:
    """The deputy stayed silent past the limit (or has left): go on without, with a reason that is printed."""
    confirmation.reason = reason
    workflow.advance(confirmation, "waive", actor=actor, reason=reason)


def confirmed_on_the_spot(issue: Issue, *, actor: User, note: str | None = None) -> Confirmation:
    """The deputy agreed in the room, the organiser is witness."""
    if issue.lead_deputy is None:
        raise RuleBroken(_("Choose the deputy who will confirm it first."))
    made = Confirmation(
        issue=issue,
        round=issue.round,
        deputy=issue.lead_deputy,
        status=ConfirmationStatus.CONFIRMED,
        asked_by_id=actor.id,
        asked_at=now(),
        due_on=today(),
        answered_at=now(),
        reason=note or "代表当场表示认可",
    )
    db.session.add(made)
    db.session.flush()
    audit.record("confirmation.on_the_spot", made, actor, status=ConfirmationStatus.CONFIRMED)
    return made


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

    A 不满意 before the assignment makes it round 2 with the re-handling limit.
    """
    if hearing.status not in (HearingStatus.IN_SESSION, HearingStatus.CONCLUDED):
        raise RuleBroken(_("Ballots are recorded while the meeting is in session, or after it, until it is filed."))
    issued = issued if issued is not None else hearing.ballots_issued
    if not issued:
        raise RuleBroken(_("Say first how many ballots were handed out."), "issued")
    counted = satisfied + mostly_satisfied + dissatisfied + invalid
    if counted > issued:
        raise RuleBroken(
            _("%(counted)d counted, but only %(issued)d handed out.", counted=counted, issued=issued), "invalid"
        )
    rule = current_app.config["BALLOT_DENOMINATOR"]
    base = {"issued": issued, "present": present or issued, "valid": counted - invalid}[rule]
    tie_passes = bool(current_app.config["BALLOT_TIE_PASSES"])
    verdict, threshold = verdict_of(satisfied, mostly_satisfied, base=base, tie_passes=tie_passes)
    ballot = db.session.scalar(
        select(Ballot).where(Ballot.hearing_id == hearing.id, Ballot.issue_id == issue.id, Ballot.voters == voters)
    )
    before = undo.snapshot(ballot) if ballot is not None else None
    if ballot is None:
        ballot = Ballot(hearing=hearing, issue=issue, voters=voters)
        db.session.add(ballot)
    ballot.issued, ballot.satisfied, ballot.mostly_satisfied = issued, satisfied, mostly_satisfied
    ballot.dissatisfied, ballot.invalid, ballot.verdict = dissatisfied, invalid, verdict
    ballot.rule = {"denominator": rule, "of": base, "threshold": threshold, "tie_passes": tie_passes}
    ballot.by_id, ballot.at = actor.id, now()
    db.session.flush()
    audit.record("ballot.record", ballot, actor, verdict=verdict.value)
    _settle_round(hearing, issue, verdict, actor)
    undo.offer(
        "ballot.record",
        _("Counted: %(title)s.", title=issue.title),
        actor=actor,
        back=f"/hearings/{hearing.id}/session",
        ballot_id=ballot.id,
        before=before,
    )
    return ballot


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
def _ballot_back(*, actor: User, ballot_id: int, before: dict[str, Any] | None) -> None:
    ballot = db.session.get(Ballot, ballot_id)
    if ballot is None:
        raise RuleBroken(_("There is nothing to undo here."))
    if ballot.issue.status != IssueStatus.REGISTERED and ballot.issue.hearing_id == ballot.hearing_id:
        raise RuleBroken(_("The issue has been assigned on this result."))
    hearing, issue = ballot.hearing, ballot.issue
    audit.record("ballot.record.undo", ballot, actor)
    db.session.delete(ballot)
    db.session.flush()
    if before is not None:
        ballot = undo.restore(Ballot, before)
    _settle_round(hearing, issue, BallotVerdict(ballot.verdict) if before is not None else None, actor)
