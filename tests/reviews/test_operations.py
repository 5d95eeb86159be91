"""What the room does, without pages: verdicts, rounds, confirmations, findings, and taking each back."""

from datetime import date, datetime, time, timedelta

import pytest
from flask_babel import force_locale
from sqlalchemy import func, select

from hearings import audit, undo
from hearings.audit import AuditEvent
from hearings.db import LOCAL, clock_at, db, today
from hearings.errors import RuleBroken
from hearings.issues import operations as issues
from hearings.issues.models import Assignment, CommitmentStatus, Extension, IssueStatus, ResultClass
from hearings.reviews import operations, queries
from hearings.reviews.models import Ballot, BallotVerdict, Confirmation, ConfirmationStatus, Finding, Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import HearingKind
from hearings.undo import UndoOffer

NIGHT = date(2021, 3, 25)
AFTER = date(2021, 3, 29)


def on(day: date, at: time = time(10, 0)) -> datetime:
    return datetime.combine(day, at, LOCAL)


def last_offer() -> UndoOffer:
    return db.session.scalars(select(UndoOffer).order_by(UndoOffer.id.desc())).first()  # type: ignore[return-value]


def actions() -> list[str]:
    db.session.commit()
    return list(db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)))


def replied(world, *, promises: int = 0, deputy=None, **details):
    """An issue of a concluded hearing, replied to with class A."""
    issue = world.issue(world.hearing("concluded"), **({"lead_deputy": deputy} if deputy else {}), **details)
    for _number in range(promises):
        world.commitment(issue)
    task = world.assigned(issue)
    issues.accept_assignment(task, actor=world.department)
    issues.reply(task, result_class=ResultClass.A, text="已完成。", signed_by="郑某某", actor=world.department)
    db.session.commit()
    return issue


def look_back(world, *items, status="in_session"):
    made = world.hearing(status, day=today(), kind=HearingKind.LOOK_BACK, title="回头看")
    operations.carry_in(made, items, actor=world.organiser)
    db.session.commit()
    return made


# -- the verdict ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("base", "satisfied", "mostly", "verdict"),
    [
        # domain.md §2.3, a neighbouring district's table: 29 present
        (29, 28, 1, "satisfied"),
        (29, 20, 8, "satisfied"),
        (29, 17, 11, "satisfied"),
        # domain.md §5.2, eighteen ballots, nine is half
        (18, 16, 2, "satisfied"),
        (18, 12, 5, "satisfied"),
        (18, 10, 6, "satisfied"),
        (18, 8, 8, "mostly_satisfied"),
        (18, 4, 4, "dissatisfied"),
        (18, 6, 7, "mostly_satisfied"),
        (18, 15, 3, "satisfied"),
        (18, 11, 6, "satisfied"),
        (18, 9, 0, "satisfied"),
        (0, 0, 0, "dissatisfied"),
    ],
)
def test_the_verdict_of_a_count(base, satisfied, mostly, verdict):
    assert operations.verdict_of(satisfied, mostly, base=base)[0] == verdict


def test_exactly_half_counts_only_where_the_rule_says_so():
    assert operations.verdict_of(9, 0, base=18, tie_passes=True) == (BallotVerdict.SATISFIED, 9)
    assert operations.verdict_of(9, 0, base=18, tie_passes=False) == (BallotVerdict.DISSATISFIED, 10)
    assert operations.verdict_of(10, 0, base=19, tie_passes=True) == (BallotVerdict.SATISFIED, 10)
    assert operations.verdict_of(9, 1, base=19, tie_passes=True) == (BallotVerdict.MOSTLY_SATISFIED, 10)


def test_the_rule_is_stored_and_said_in_words(app, world):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    ballot = operations.record_ballot(
        hearing, issue, satisfied=8, mostly_satisfied=8, dissatisfied=2, actor=world.organiser
    )
    assert ballot.rule == {"denominator": "issued", "of": 18, "threshold": 9, "tie_passes": True}
    with app.test_request_context(), force_locale("en"):
        assert "18 ballots handed out" in queries.rule_words(ballot)
        assert "from 9 votes" in queries.rule_words(ballot)


@pytest.mark.parametrize(
    ("denominator", "of", "verdict"),
    [("issued", 20, "dissatisfied"), ("present", 12, "satisfied"), ("valid", 10, "satisfied")],
)
def test_the_denominator_is_a_setting(app, world, monkeypatch, denominator, of, verdict):
    monkeypatch.setitem(app.config, "BALLOT_DENOMINATOR", denominator)
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    ballot = operations.record_ballot(
        hearing,
        issue,
        satisfied=6,
        mostly_satisfied=2,
        dissatisfied=2,
        invalid=1,
        issued=20,
        present=12,
        actor=world.organiser,
    )
    assert (ballot.rule["of"], ballot.verdict) == (of, verdict)


def test_more_counted_than_handed_out_is_refused(world):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    with pytest.raises(RuleBroken) as no_paper:
        operations.record_ballot(hearing, issue, satisfied=1, mostly_satisfied=0, dissatisfied=0, actor=world.organiser)
    assert no_paper.value.field == "issued"
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    with pytest.raises(RuleBroken) as refused:
        operations.record_ballot(
            hearing, issue, satisfied=16, mostly_satisfied=2, dissatisfied=0, invalid=1, actor=world.organiser
        )
    assert refused.value.field == "invalid"


def test_ballots_are_counted_only_while_or_after_the_meeting(world):
    hearing = world.hearing("announced")
    issue = world.issue(hearing)
    with pytest.raises(RuleBroken):
        operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    with pytest.raises(RuleBroken):
        operations.record_ballot(
            hearing, issue, satisfied=1, mostly_satisfied=0, dissatisfied=0, issued=5, actor=world.organiser
        )


def test_a_dissatisfied_vote_before_assignment_gives_one_month(world):
    """domain.md §5.2, item 05: heard 2021-03-25, assigned 03-29, due 04-29 instead of 06-29."""
    with clock_at(on(NIGHT, time(20, 0))):
        hearing = world.hearing("in_session", day=NIGHT)
        content, unhappy = world.issue(hearing), world.issue(hearing)
        promise = world.commitment(unhappy)
        operations.hand_out_ballots(hearing, 18, actor=world.organiser)
        operations.record_ballots(
            hearing,
            {
                content: {"satisfied": 16, "mostly_satisfied": 2, "dissatisfied": 0, "invalid": 0},
                unhappy: {"satisfied": 4, "mostly_satisfied": 4, "dissatisfied": 10, "invalid": 0},
            },
            actor=world.organiser,
        )
        schedule.conclude(hearing, actor=world.organiser)
    with clock_at(on(AFTER)):
        first = world.assigned(content)
        second = world.assigned(unhappy)
    assert (content.round, first.round, first.due_on) == (1, 1, date(2021, 6, 29))
    assert (unhappy.round, second.round, second.due_on) == (2, 2, date(2021, 4, 29))
    assert promise.round == 2
    assert second.due_basis == "months:1:assigned:rework"


def test_a_mended_count_takes_the_round_back(world):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    count = {"mostly_satisfied": 4, "actor": world.organiser}
    operations.record_ballot(hearing, issue, satisfied=4, dissatisfied=10, **count)
    assert issue.round == 2
    operations.record_ballot(hearing, issue, satisfied=10, dissatisfied=4, **count)
    assert issue.round == 1
    undo.take_back(last_offer().id, actor=world.organiser)
    ballot = db.session.scalars(select(Ballot)).one()
    assert (ballot.satisfied, ballot.dissatisfied, ballot.verdict, issue.round) == (4, 10, "dissatisfied", 2)
    undo.take_back(last_offer().id - 1, actor=world.organiser)
    assert (db.session.scalars(select(Ballot)).all(), issue.round) == ([], 1)
    assert actions()[-4:] == ["ballot.record.undo", "issue.round", "ballot.record.undo", "issue.round"]
    assert audit.verify() is None


def test_many_counts_are_taken_back_as_one(world):
    hearing = world.hearing("in_session")
    one, two = world.issue(hearing), world.issue(hearing)
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    offers = db.session.scalar(select(func.count()).select_from(UndoOffer))
    count = {"satisfied": 10, "mostly_satisfied": 5, "dissatisfied": 3, "invalid": 0}
    operations.record_ballots(hearing, {one: count, two: count}, actor=world.organiser)
    assert db.session.scalar(select(func.count()).select_from(UndoOffer)) == offers + 1
    undo.take_back(last_offer().id, actor=world.organiser)
    assert db.session.scalars(select(Ballot)).all() == []


def test_after_assignment_a_count_is_not_taken_back(world):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    ballot = operations.record_ballot(
        hearing, issue, satisfied=4, mostly_satisfied=4, dissatisfied=10, actor=world.organiser
    )
    offer = last_offer()
    schedule.conclude(hearing, actor=world.organiser)
    world.assigned(issue)
    with pytest.raises(RuleBroken):
        undo.take_back(offer.id, actor=world.organiser)
    with pytest.raises(RuleBroken):
        operations.remove_ballot(ballot, actor=world.organiser)


def test_a_count_is_removed_and_put_back(world):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    ballot = operations.record_ballot(
        hearing, issue, satisfied=4, mostly_satisfied=4, dissatisfied=10, actor=world.organiser
    )
    operations.remove_ballot(ballot, actor=world.organiser)
    assert (db.session.scalars(select(Ballot)).all(), issue.round) == ([], 1)
    undo.take_back(last_offer().id, actor=world.organiser)
    again = db.session.scalars(select(Ballot)).one()
    assert (again.dissatisfied, again.verdict, issue.round) == (10, "dissatisfied", 2)


def test_ballots_handed_out_may_be_mended_and_all_is_judged_anew(world):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    operations.hand_out_ballots(hearing, 30, actor=world.organiser)
    ballot = operations.record_ballot(
        hearing, issue, satisfied=10, mostly_satisfied=6, dissatisfied=2, actor=world.organiser
    )
    assert (ballot.verdict, ballot.rule["threshold"]) == ("mostly_satisfied", 15)
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    assert (ballot.verdict, ballot.rule["threshold"], ballot.issued) == ("satisfied", 9, 18)
    with pytest.raises(RuleBroken) as refused:
        operations.hand_out_ballots(hearing, 17, actor=world.organiser)
    assert refused.value.field == "issued"
    db.session.rollback()


def test_an_issue_with_a_count_is_not_removed(world):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    operations.hand_out_ballots(hearing, 18, actor=world.organiser)
    operations.record_ballot(hearing, issue, satisfied=9, mostly_satisfied=9, dissatisfied=0, actor=world.organiser)
    with pytest.raises(RuleBroken):
        issues.remove_issue(issue, actor=world.organiser)


# -- confirmations -------------------------------------------------------------------------------------


def test_striking_off_needs_the_deputys_word(world):
    issue = replied(world)
    with pytest.raises(RuleBroken):
        issues.strike_off(issue, actor=world.organiser)
    asked = operations.ask_confirmation(issue, actor=world.organiser)
    with pytest.raises(RuleBroken):
        issues.strike_off(issue, actor=world.organiser)
    operations.confirm(asked, actor=world.deputy)
    issues.strike_off(issue, actor=world.organiser)
    assert issue.status == IssueStatus.STRUCK_OFF


def test_striking_off_waits_for_every_promise(world):
    issue = replied(world, promises=2)
    operations.confirm(operations.ask_confirmation(issue, actor=world.organiser), actor=world.deputy)
    with pytest.raises(RuleBroken) as refused:
        issues.strike_off(issue, actor=world.organiser)
    assert "2" in str(refused.value)
    assert issue.status == IssueStatus.REPLIED


def test_a_refusal_starts_the_second_round_in_the_same_transaction(world):
    issue = replied(world)
    asked = operations.ask_confirmation(issue, actor=world.organiser)
    db.session.commit()
    operations.refuse(asked, reason="灯还没亮", actor=world.deputy)
    db.session.rollback()
    assert (asked.status, issue.round, issue.status) == ("asked", 1, "replied")
    operations.refuse(asked, reason="灯还没亮", actor=world.deputy)
    db.session.commit()
    assert (asked.status, asked.reason, issue.round, issue.status) == ("refused", "灯还没亮", 2, "in_handling")
    tasks = db.session.scalars(select(Assignment).where(Assignment.issue_id == issue.id).order_by(Assignment.round))
    assert [(t.round, t.status, t.requirement) for t in tasks] == [
        (1, "superseded", None),
        (2, "accepted", "灯还没亮"),
    ]
    line = [a for a in actions() if a in ("confirmation.refuse", "issue.rework")]
    assert line == ["confirmation.refuse", "issue.rework"]


def test_a_refusal_is_taken_back_whole_while_nothing_rests_on_it(world):
    issue = replied(world)
    asked = operations.ask_confirmation(issue, actor=world.organiser)
    operations.refuse(asked, reason="灯还没亮", actor=world.deputy)
    db.session.commit()
    offer = last_offer()
    undo.take_back(offer.id, actor=world.deputy)
    db.session.commit()
    db.session.expire_all()
    assert (asked.status, asked.reason, asked.answered_at) == ("asked", None, None)
    assert (issue.round, issue.status) == (1, "replied")
    tasks = db.session.scalars(select(Assignment).where(Assignment.issue_id == issue.id)).all()
    assert [(t.round, t.status) for t in tasks] == [(1, "replied")]
    assert actions()[-1] == "confirmation.refuse.undo"
    assert audit.verify() is None


def test_a_refusal_stands_once_the_department_works_on_it(world):
    issue = replied(world)
    operations.refuse(operations.ask_confirmation(issue, actor=world.organiser), reason="灯还没亮", actor=world.deputy)
    offer = last_offer()
    task = db.session.scalars(select(Assignment).where(Assignment.round == 2)).one()
    issues.report_progress(task, text="已派工", actor=world.department)
    with pytest.raises(RuleBroken):
        undo.take_back(offer.id, actor=world.deputy)


def test_waiving_only_after_fifteen_working_days(world):
    with clock_at(on(NIGHT)):
        issue = replied(world)
        asked = operations.ask_confirmation(issue, actor=world.organiser)
        assert asked.due_on == date(2021, 4, 16)
        db.session.commit()
    with clock_at(on(date(2021, 4, 16))), pytest.raises(RuleBroken):
        operations.waive(asked, reason="代表出国", actor=world.organiser)
    db.session.rollback()
    with clock_at(on(date(2021, 4, 17))):
        operations.waive(asked, reason="代表出国", actor=world.organiser)
        issues.strike_off(issue, actor=world.organiser)
    assert (asked.status, asked.reason, issue.status) == ("waived", "代表出国", "struck_off")


def test_a_waiver_is_taken_back(world):
    with clock_at(on(NIGHT)):
        asked = operations.ask_confirmation(replied(world), actor=world.organiser)
    with clock_at(on(date(2021, 5, 6))):
        operations.waive(asked, reason="代表出国", actor=world.organiser)
        undo.take_back(last_offer().id, actor=world.organiser)
    assert (asked.status, asked.reason) == ("asked", None)


def test_a_departed_deputy_does_not_block(world):
    issue = replied(world)
    asked = operations.ask_confirmation(issue, actor=world.organiser)
    world.deputy.active = False
    operations.waive(asked, reason="代表资格终止", actor=world.organiser)
    assert asked.status == ConfirmationStatus.WAIVED


def test_a_confirmation_is_taken_back_until_the_issue_is_closed(world):
    issue = replied(world)
    asked = operations.ask_confirmation(issue, actor=world.organiser)
    operations.confirm(asked, actor=world.deputy, note="已去看过")
    offer = last_offer()
    undo.take_back(offer.id, actor=world.deputy)
    assert (asked.status, asked.reason) == ("asked", None)
    operations.confirm(asked, actor=world.deputy)
    issues.strike_off(issue, actor=world.organiser)
    confirmed = db.session.scalars(
        select(UndoOffer).where(UndoOffer.act == "confirmation.confirm").order_by(UndoOffer.id.desc())
    ).first()
    with pytest.raises(RuleBroken):
        undo.take_back(confirmed.id, actor=world.deputy)


def test_asking_is_taken_back(world):
    issue = replied(world)
    operations.ask_confirmation(issue, actor=world.organiser)
    with pytest.raises(RuleBroken):
        operations.ask_confirmation(issue, actor=world.organiser)
    undo.take_back(last_offer().id, actor=world.organiser)
    assert db.session.scalars(select(Confirmation)).all() == []


def test_nothing_is_asked_before_the_department_replied(world):
    issue = world.issue(world.hearing("concluded"))
    world.assigned(issue)
    with pytest.raises(RuleBroken):
        operations.ask_confirmation(issue, actor=world.organiser)


def test_settled_on_the_spot_in_one_act_with_one_undo(world):
    issue = world.issue(world.hearing("in_session"))
    operations.settle_on_the_spot(issue, actor=world.organiser)
    confirmed = db.session.scalars(select(Confirmation)).one()
    assert (issue.status, confirmed.status, confirmed.deputy_id) == ("answered", "confirmed", world.deputy.id)
    undo.take_back(last_offer().id, actor=world.organiser)
    assert (issue.status, issue.closed_at) == ("registered", None)
    assert db.session.scalars(select(Confirmation)).all() == []


def test_a_promise_keeps_an_issue_from_being_settled_on_the_spot(world):
    issue = world.issue(world.hearing("in_session"))
    world.commitment(issue)
    with pytest.raises(RuleBroken):
        operations.settle_on_the_spot(issue, actor=world.organiser)


# -- findings ------------------------------------------------------------------------------------------


def record(world, hearing, issue, verdict, **details):
    return operations.record_finding(
        hearing, issue, found="现场查看。", verdict=verdict, actor=world.organiser, **details
    )


def test_keeping_track_moves_the_date_and_writes_an_extension(world):
    issue = replied(world, promises=1)
    promise = db.session.scalars(select(issues.Commitment).where(issues.Commitment.issue_id == issue.id)).one()
    before, new = promise.due_on, promise.due_on + timedelta(days=40)
    meeting = look_back(world, issue)
    finding = record(world, meeting, issue, Verdict.KEEP_TRACKING, commitment=promise, new_due_on=new, percent=60)
    written = db.session.scalars(select(Extension)).one()
    assert (written.old_due_on, written.new_due_on, written.status) == (before, new, "granted")
    assert (promise.due_on, promise.percent) == (new, 60)
    sequence = promise.sequence
    db.session.commit()
    undo.take_back(last_offer().id, actor=world.organiser)
    db.session.commit()
    assert (promise.due_on, promise.percent) == (before, 0)
    assert promise.sequence > sequence, "calendars never count backwards"
    assert db.session.scalars(select(Extension)).all() == []
    assert db.session.get(Finding, finding.id) is None
    assert actions()[-1] == "finding.record.undo"
    assert audit.verify() is None


@pytest.mark.parametrize(("days", "with_promise", "field"), [(0, True, "new_due_on"), (30, False, "commitment")])
def test_a_new_date_lies_ahead_and_belongs_to_one_promise(world, days, with_promise, field):
    issue = replied(world, promises=1)
    promise = db.session.scalars(select(issues.Commitment)).one() if with_promise else None
    meeting = look_back(world, issue)
    with pytest.raises(RuleBroken) as refused:
        record(
            world,
            meeting,
            issue,
            Verdict.KEEP_TRACKING,
            commitment=promise,
            new_due_on=today() + timedelta(days=days),
        )
    assert refused.value.field == field
    assert db.session.scalars(select(Finding)).all() == []


def test_the_date_of_a_settled_promise_does_not_move(world):
    issue = replied(world, promises=1)
    promise = db.session.scalars(select(issues.Commitment)).one()
    issues.report_done(promise, report="完成", actor=world.department)
    issues.verify_commitment(promise, actor=world.organiser)
    meeting = look_back(world, issue)
    with pytest.raises(RuleBroken) as refused:
        record(world, meeting, issue, Verdict.KEEP_TRACKING, commitment=promise, new_due_on=today() + timedelta(days=9))
    assert refused.value.field == "commitment"


def test_a_confirmed_issue_is_struck_off_at_the_meeting(world):
    issue = replied(world)
    operations.confirm(operations.ask_confirmation(issue, actor=world.organiser), actor=world.deputy)
    meeting = look_back(world, issue)
    record(world, meeting, issue, Verdict.STRIKE_OFF)
    assert issue.status == IssueStatus.STRUCK_OFF
    offer = last_offer()
    assert offer.act == "reviews.act", "one undo for the finding and what follows from it"
    undo.take_back(offer.id, actor=world.organiser)
    assert (issue.status, issue.closed_at) == ("replied", None)


def test_striking_off_without_the_deputys_word_asks_for_it(world):
    issue = replied(world)
    meeting = look_back(world, issue)
    record(world, meeting, issue, Verdict.STRIKE_OFF)
    asked = db.session.scalars(select(Confirmation)).one()
    assert (issue.status, asked.status, asked.deputy_id) == ("replied", "asked", world.deputy.id)
    undo.take_back(last_offer().id, actor=world.organiser)
    assert db.session.scalars(select(Confirmation)).all() == []


def test_striking_off_is_refused_while_promises_are_owed(world):
    issue = replied(world, promises=1)
    operations.confirm(operations.ask_confirmation(issue, actor=world.organiser), actor=world.deputy)
    meeting = look_back(world, issue)
    with pytest.raises(RuleBroken) as refused:
        record(world, meeting, issue, Verdict.STRIKE_OFF)
    assert (refused.value.field, issue.status) == ("verdict", "replied")


def test_striking_off_is_refused_before_the_reply(world):
    issue = world.issue(world.hearing("concluded"))
    world.assigned(issue)
    meeting = look_back(world, issue)
    with pytest.raises(RuleBroken) as refused:
        record(world, meeting, issue, Verdict.STRIKE_OFF)
    assert refused.value.field == "verdict"


def test_one_promise_is_found_kept(world):
    issue = replied(world, promises=2)
    first, second = db.session.scalars(select(issues.Commitment).order_by(issues.Commitment.id))
    meeting = look_back(world, issue)
    record(world, meeting, issue, Verdict.STRIKE_OFF, commitment=first)
    assert (first.status, second.status, issue.status) == ("kept", "open", "replied")
    undo.take_back(last_offer().id, actor=world.organiser)
    assert (first.status, first.closed_at, first.report, first.percent) == (CommitmentStatus.OPEN, None, None, 0)


def test_handling_again_begins_a_round_and_is_taken_back(world):
    issue = replied(world)
    meeting = look_back(world, issue)
    record(world, meeting, issue, Verdict.HANDLE_AGAIN)
    assert (issue.round, issue.status) == (2, "in_handling")
    undo.take_back(last_offer().id, actor=world.organiser)
    assert (issue.round, issue.status) == (1, "replied")
    assert db.session.scalars(select(Assignment.status)).all() == ["replied"]


def test_escalating_leaves_it_open(world):
    issue = replied(world)
    meeting = look_back(world, issue)
    finding = record(world, meeting, issue, Verdict.ESCALATE)
    assert (finding.verdict, issue.status) == ("escalate", "replied")


def test_findings_need_an_open_meeting(world):
    issue = replied(world)
    meeting = look_back(world, issue, status="announced")
    with pytest.raises(RuleBroken):
        record(world, meeting, issue, Verdict.ESCALATE)


def test_somebody_elses_offer_is_not_ones_own(world):
    issue = replied(world)
    operations.ask_confirmation(issue, actor=world.organiser)
    with pytest.raises(RuleBroken):
        undo.take_back(last_offer().id, actor=world.street)


# -- the agenda ----------------------------------------------------------------------------------------


def test_carried_items_seat_their_deputies_and_leads(world):
    issue = replied(world)
    start = on(today() + timedelta(days=5), time(14, 30))
    meeting = operations.plan_look_back(
        title="回头看",
        station=world.station,
        starts_at=start,
        ends_at=start + timedelta(hours=2),
        items=[issue],
        actor=world.organiser,
    )
    seats = queries.seats_of(meeting)
    assert {(s.user_id, s.department_id) for s in seats} == {(world.deputy.id, None), (None, world.bureau.id)}
    operations.carry_in(meeting, [issue], actor=world.organiser)
    items = queries.agenda(meeting, world.organiser).items
    assert [i.issue.id for i in items] == [issue.id]
    operations.drop_item(items[0].entry, actor=world.organiser)
    db.session.flush()
    assert queries.agenda(meeting, world.organiser).items == []
    undo.take_back(last_offer().id, actor=world.organiser)
    assert [i.issue.id for i in queries.agenda(meeting, world.organiser).items] == [issue.id]


def test_an_item_with_a_finding_stays_on_the_agenda(world):
    issue = replied(world)
    meeting = look_back(world, issue)
    record(world, meeting, issue, Verdict.ESCALATE)
    item = queries.agenda(meeting, world.organiser).items[0]
    with pytest.raises(RuleBroken):
        operations.drop_item(item.entry, actor=world.organiser)
