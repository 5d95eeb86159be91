"""What is refused by whatever way it is tried: a closed record, a round that is over, a date that moves backwards."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from hearings import audit
from hearings.db import db, now, today
from hearings.errors import RuleBroken
from hearings.issues import operations
from hearings.issues.models import Assignment, Commitment, ExtensionStatus, IssueStatus, Progress, ResultClass
from hearings.reviews import operations as reviews
from hearings.reviews.models import Confirmation, ConfirmationStatus, Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import HearingKind, HearingStatus
from hearings.undo import UndoOffer, take_back


@pytest.fixture
def replied(world: Any) -> Any:
    """An issue whose department has answered."""
    assignment = world.assigned()
    operations.reply(assignment, result_class=ResultClass.A, text="已办结", signed_by="郑某某", actor=world.department)
    db.session.commit()
    return assignment.issue


def file(hearing: Any) -> None:
    hearing.status, hearing.filed_at = HearingStatus.FILED, now()
    db.session.commit()


# -- a closed record -----------------------------------------------------------------------------------


def test_nothing_is_promised_nor_taken_off_in_a_filed_record(world: Any, browser: Any) -> None:
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    screen = f"/hearings/{issue.hearing_id}/session"
    one = browser(world.organiser)
    new = {"measure": "装灯", "lead": world.bureau.id, "due_on": (today() + timedelta(days=40)).isoformat()}
    file(issue.hearing)
    assert one.post(f"{screen}/issues/{issue.id}/commitments", new).status_code == 422
    assert one.post(f"{screen}/commitments/{promise.id}/remove").status_code == 409
    assert one.post(f"/commitments/{promise.id}/remove").status_code == 409
    assert db.session.scalar(select(func.count()).select_from(Commitment)) == 1
    issue.hearing.status = HearingStatus.CONCLUDED
    assert one.post(f"{screen}/issues/{issue.id}/commitments", new).status_code == 303
    assert one.post(f"/commitments/{promise.id}/remove").status_code == 303
    file(issue.hearing)
    offer = db.session.scalars(select(UndoOffer.id).order_by(UndoOffer.id.desc())).first()
    assert one.post(f"/undo/{offer}").status_code == 409
    assert db.session.scalar(select(func.count()).select_from(Commitment)) == 1


def test_what_is_promised_is_kept_or_released_before_an_issue_goes_elsewhere(world: Any, browser: Any) -> None:
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    one = browser(world.organiser)
    answer = one.post(f"/issues/{issue.id}/transfer", {"to": "higher", "note": "市里"})
    assert answer.status_code == 422 and "还有1项承诺未兑现。" in answer.text
    assert "还有1项承诺未兑现。" in one.get(f"/issues/{issue.id}").text
    operations.release_commitment(promise, reason="由市里办理", actor=world.organiser)
    operations.transfer(issue, to="市里", actor=world.organiser)
    assert issue.status == IssueStatus.TRANSFERRED


def test_a_topic_that_was_taken_up_does_not_go_back_to_the_pool(world: Any, browser: Any) -> None:
    hearing = world.hearing("in_session")
    topic = schedule.add_topic(title="桥下无灯", hearing=hearing, actor=world.organiser)
    issue = world.issue(hearing, topic=topic)
    one = browser(world.organiser)
    answer = one.post(f"/topics/{topic.id}/release")
    assert answer.status_code == 409 and f"已作为{issue.reference}提出" in answer.text
    assert topic.hearing_id == hearing.id
    operations.remove_issue(issue, actor=world.organiser)
    assert one.post(f"/topics/{topic.id}/release").status_code == 303
    assert topic.hearing_id is None


def test_a_promise_of_the_night_is_recorded_on_the_night(world: Any, browser: Any) -> None:
    issue = world.issue(world.hearing("announced"))
    new = {"measure": "装灯", "lead": world.bureau.id, "due_on": (today() + timedelta(days=40)).isoformat()}
    path = f"/hearings/{issue.hearing_id}/session/issues/{issue.id}/commitments"
    assert browser(world.organiser).post(path, new).status_code == 422
    assert db.session.scalar(select(func.count()).select_from(Commitment)) == 0


def test_a_promise_kept_in_an_earlier_round_is_not_taken_off_when_it_is_reopened(world: Any, replied: Any) -> None:
    promise = world.commitment(replied)
    operations.report_done(promise, report="装好了", actor=world.department)
    operations.verify_commitment(promise, actor=world.organiser)
    reviews.confirmed_on_the_spot(replied, actor=world.organiser)
    operations.strike_off(replied, actor=world.organiser)
    operations.reopen(replied, reason="又坏了", actor=world.organiser)
    with pytest.raises(RuleBroken):
        operations.remove_commitment(promise, actor=world.organiser)


# -- an assignment that no longer stands ---------------------------------------------------------------


def test_a_department_that_returned_it_reports_no_progress_on_it(world: Any, browser: Any) -> None:
    assignment = world.assigned()
    operations.return_assignment(assignment, reason="不属本单位职责", actor=world.department)
    answer = browser(world.department).post(f"/assignments/{assignment.id}/progress", {"text": "我们做了"})
    assert answer.status_code == 422
    assert db.session.scalar(select(func.count()).select_from(Progress)) == 0


def test_progress_belongs_to_the_round_that_is_handled(world: Any, replied: Any) -> None:
    first = db.session.scalars(select(Assignment)).one()
    operations.rework(replied, reason="又坏了", actor=world.organiser)
    with pytest.raises(RuleBroken):
        operations.report_progress(first, text="上一轮", actor=world.department)


# -- dates that move -----------------------------------------------------------------------------------


def test_an_extension_asked_for_is_overtaken_by_the_date_that_a_finding_sets(world: Any) -> None:
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    was = promise.due_on
    asked = operations.ask_extension(promise, new_due_on=was + timedelta(days=5), reason="下雨", actor=world.department)
    meeting = world.hearing("in_session", kind=HearingKind.LOOK_BACK)
    later = was + timedelta(days=60)
    found = {"found": "还没完", "verdict": Verdict.KEEP_TRACKING, "commitment": promise, "new_due_on": later}
    reviews.record_finding(meeting, issue, actor=world.organiser, **found)
    db.session.commit()
    assert (promise.due_on, asked.status) == (later, ExtensionStatus.WITHDRAWN)
    with pytest.raises(RuleBroken):
        operations.grant_extension(asked, actor=world.organiser)
    db.session.rollback()
    offer = db.session.scalars(select(UndoOffer.id).order_by(UndoOffer.id.desc())).first()
    take_back(offer, actor=world.organiser)
    assert (promise.due_on, asked.status) == (was, ExtensionStatus.ASKED)


def test_an_extension_never_brings_a_date_forward(world: Any, browser: Any) -> None:
    promise = world.commitment(world.issue(world.hearing("concluded")))
    was = promise.due_on
    asked = operations.ask_extension(promise, new_due_on=was + timedelta(days=5), reason="下雨", actor=world.department)
    operations.correct_commitment(promise, {"due_on": was + timedelta(days=30)}, actor=world.organiser)
    answer = browser(world.organiser).post(f"/extensions/{asked.id}/grant")
    assert answer.status_code == 422 and "此次延期不会再延长时间" in answer.text
    assert (promise.due_on, asked.status) == (was + timedelta(days=30), ExtensionStatus.ASKED)


def test_a_finding_has_it_handled_again_by_a_day_to_come(world: Any, replied: Any) -> None:
    meeting = world.hearing("in_session", kind=HearingKind.LOOK_BACK)
    found = {"found": "又坏了", "verdict": Verdict.HANDLE_AGAIN, "actor": world.organiser}
    with pytest.raises(RuleBroken) as broken:
        reviews.record_finding(meeting, replied, new_due_on=today() - timedelta(days=100), **found)
    assert broken.value.field == "new_due_on"
    reviews.record_finding(meeting, replied, new_due_on=today() + timedelta(days=10), **found)
    assert replied.round == 2


# -- a question whose round is over --------------------------------------------------------------------


def test_a_deputy_is_no_longer_asked_about_what_is_handled_again(world: Any, browser: Any, replied: Any) -> None:
    asked = reviews.ask_confirmation(replied, actor=world.organiser)
    operations.rework(replied, reason="又坏了", actor=world.organiser)
    db.session.commit()
    one = browser(world.deputy)
    assert (asked.status, replied.round) == (ConfirmationStatus.WITHDRAWN, 2)
    assert f"/confirmations/{asked.id}" not in one.get("/confirmations/").text
    assert "不再询问" in one.get(f"/confirmations/{asked.id}").text
    assert "不再请代表确认" in one.get(f"/issues/{replied.id}").text
    for act in ("confirm", "refuse"):
        assert one.post(f"/confirmations/{asked.id}/{act}", {"reason": "没修好"}).status_code == 422
    assert replied.round == 2, "her word on the first round does not begin a third"
    assert audit.verify() is None


def test_a_deputy_is_no_longer_asked_about_what_was_settled_otherwise(world: Any) -> None:
    issue = world.issue(world.hearing("concluded"))
    asked = reviews.ask_confirmation(issue, actor=world.organiser)
    operations.transfer(issue, to="市里", actor=world.organiser)
    assert asked.status == ConfirmationStatus.WITHDRAWN


def test_a_question_left_over_from_an_earlier_round_takes_no_answer(world: Any, replied: Any) -> None:
    asked = reviews.ask_confirmation(replied, actor=world.organiser)
    replied.round += 1  # as before questions were taken back
    for act in (lambda: reviews.confirm(asked, actor=world.deputy),
                lambda: reviews.refuse(asked, reason="没修好", actor=world.deputy)):  # fmt: skip
        with pytest.raises(RuleBroken):
            act()
    assert db.session.scalar(select(Confirmation.status)) == ConfirmationStatus.ASKED
