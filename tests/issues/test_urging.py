"""Reminding a department (催办) and supervising it (督办), from the button to the message and the sheet."""

import re
from datetime import date, time

import pytest
from sqlalchemy import func, select

from hearings import undo
from hearings.audit import AuditEvent, trail
from hearings.db import clock_at, db, local, today
from hearings.errors import RuleBroken
from hearings.issues import operations
from hearings.issues.models import Part, ResultClass
from hearings.notices import news
from hearings.notices.models import Message
from hearings.papers import after
from hearings.reviews import operations as reviews
from tests import factories
from tests.issues.pages import form_of, said

LATE = date(2026, 4, 13)
LIMIT = date(2026, 4, 24)


@pytest.fixture
def late(app, world):
    """The bureau's assignment, five days after the date of its promise."""
    with clock_at(local(date(2026, 3, 20), time(21))):
        issue = world.issue(world.hearing("concluded", day=date(2026, 3, 20)))
        world.commitment(issue, measure="安装路灯12盏。", due_on=date(2026, 4, 8))
        assignment = world.assigned(issue, co_handlers=[world.other_bureau])
    with clock_at(local(LATE, time(10))):
        yield assignment


def helper_of(assignment):
    return next(
        a
        for a in db.session.scalars(select(type(assignment)).where(type(assignment).issue_id == assignment.issue_id))
        if a.part == Part.CO_HANDLER
    )


def lines(assignment, act):
    return [x for x in trail(assignment) if x.action == f"assignment.{act}"]


# -- the way of it -------------------------------------------------------------------------------------


def test_a_department_is_reminded_from_the_issues_page_and_told(app, world, late, browser):
    news.skip()
    desk = browser(world.organiser)
    home, act = f"/issues/{late.issue_id}", f"/assignments/{late.id}/remind"
    assert f'href="{act}"' in desk.get(home).text
    form = form_of(desk.get(act))
    assert form["reason"] == (
        "贵单位承诺“安装路灯12盏”，应于2026年4月8日前完成（逾期5天）；应于2026年6月22日前书面答复代表（还有70天）。"
        "请抓紧办理，并告知进展情况和完成日期。"
    )
    answer = desk.post(act, form | {"reason": "路灯已逾期5天，请报进度。"})
    assert (answer.status_code, answer.location) == (303, home)
    assert [x.details for x in lines(late, "remind")] == [{"reason": "路灯已逾期5天，请报进度。"}]
    for reader in (world.organiser, world.deputy, world.department, world.leader):
        assert "路灯已逾期5天，请报进度。" in browser(reader).get(home).text
    with clock_at(local(LATE, time(12))):
        news.read()
    told = db.session.scalars(select(Message)).all()
    assert [(m.user_id, m.kind, m.url) for m in told] == [(world.department.id, "assignment.remind", home)]
    assert told[0].subject.startswith("催办：")
    assert "路灯已逾期5天，请报进度。" in told[0].text


def test_a_supervision_order_sets_a_limit_is_printed_and_reaches_the_head(app, world, late, browser):
    head = factories.user("deputy", name="孙某某", department=world.bureau)
    world.bureau.head = "孙某某"
    operations.remind_assignment(late, reason="请抓紧", actor=world.organiser)
    db.session.commit()
    news.skip()
    desk = browser(world.organiser)
    home, act = f"/issues/{late.issue_id}", f"/assignments/{late.id}/supervise"
    assert f'href="{act}"' in desk.get(home).text
    form = form_of(desk.get(act))
    assert form["reason"] == (
        "贵单位承诺“安装路灯12盏”，应于2026年4月8日前完成（逾期5天）。请抓紧办理，并告知进展情况和完成日期。"
    ), "what is not late is not supervised"
    answer = desk.post(act, form | {"reason": "请主要负责人督促办理。", "new_due_on": "2026年4月24日"})
    assert (answer.status_code, answer.location) == (303, f"{home}#rounds")
    assert [x.details for x in lines(late, "supervise")] == [
        {"reason": "请主要负责人督促办理。", "new_due_on": "2026-04-24"}
    ]
    page = desk.get(home).text
    assert page.count(f'href="/assignments/{late.id}/papers/supervision.pdf"') == 2, "beside the order and the office"
    assert "2026年4月24日" in page
    assert "/papers/supervision" not in browser(world.other_department).get(home).text
    sheet = dict(after.supervision_sheet(late)["summary"])
    assert sheet["新 时 限"] == "2026年4月24日前"
    assert sheet["此前催办"] == ["2026年4月13日催办（周某某）：请抓紧。"], "the order itself did not go before it"
    assert sheet["督办要求"].startswith("请主要负责人督促办理。请说明逾期原因")
    assert sheet["经 办 人"].startswith("周某某")
    with clock_at(local(LATE, time(12))):
        news.read()
    told = db.session.scalars(select(Message).order_by(Message.id)).all()
    assert {m.user_id for m in told} == {world.department.id, head.id}
    assert all("新时限：2026年4月24日（周五）" in m.text for m in told)


def test_the_promise_keeps_its_date(app, world, late):
    operations.supervise_assignment(late, reason="请办", new_due_on=LIMIT, actor=world.organiser)
    db.session.commit()
    ((promise, due),) = operations.may_remind(late, formally=True)
    assert (promise.due_on, due) == (date(2026, 4, 8), date(2026, 4, 8))


@pytest.mark.parametrize("act", ["remind", "supervise"])
def test_what_was_written_is_taken_back_until_the_department_is_told(app, world, late, browser, monkeypatch, act):
    monkeypatch.setitem(app.config, "NEWS_DELAY", 60)
    news.skip()
    desk, office = browser(world.organiser), browser(world.department)
    home, address = f"/issues/{late.issue_id}", f"/assignments/{late.id}/{act}"
    ((promise, _due),) = operations.may_remind(late, formally=True)
    about = f"/commitments/{promise.id}"
    data = {"reason": "写错了单位。"} | ({"new_due_on": LIMIT.isoformat()} if act == "supervise" else {})
    assert desk.post(address, data).status_code == 303
    desk.get("/")
    offer = re.search(r"/undo/\d+", desk.get(about).text)[0]
    assert offer in desk.get(home).text
    assert "/undo/" not in office.get(home).text and "/undo/" not in browser(world.street).get(home).text
    assert all("写错了单位。" in office.get(where).text for where in (home, about)), "it stands in the story of both"
    assert desk.post(offer).status_code == 303
    assert desk.post(offer).status_code == 409, "a second click"
    for one in (desk, office):
        assert "写错了单位。" not in one.get(about).text
    assert "写错了单位。" not in office.get(home).text
    if act == "supervise":
        assert not dict(after.supervision_sheet(late)["summary"])["督办要求"].startswith("写错了")
    with clock_at(local(LATE, time(12))):
        news.read()
    assert db.session.scalars(select(Message)).all() == [], "nobody was told"
    assert desk.post(address, data | {"reason": "这次对了。"}).status_code == 303, "the day's one is free again"
    assert "这次对了。" in office.get(about).text
    desk.get("/")
    with clock_at(local(LATE, time(10, 2))):
        assert "/undo/" not in desk.get(home).text, "its people have been told"
        last = db.session.scalar(select(func.max(undo.UndoOffer.id)))
        assert desk.post(f"/undo/{last}").status_code == 409


def test_the_story_of_a_promise_tells_how_its_department_was_urged_and_no_other(app, world, late, browser):
    ((promise, _due),) = operations.may_remind(late, formally=True)
    operations.remind_assignment(late, reason="路灯何时装好？", actor=world.organiser)
    operations.remind_assignment(helper_of(late), reason="会办意见何时提出？", actor=world.organiser)
    operations.supervise_assignment(late, reason="请主要负责人督促。", new_due_on=LIMIT, actor=world.organiser)
    db.session.commit()
    page = browser(world.deputy).get(f"/commitments/{promise.id}").text
    assert "路灯何时装好？" in page and "请主要负责人督促。" in page and "2026年4月24日" in page
    assert "会办意见何时提出？" not in page


def test_a_promise_offers_both_to_the_organiser_and_neither_to_the_office(app, world, late, browser):
    ((promise, _due),) = operations.may_remind(late, formally=True)
    page = browser(world.organiser).get(f"/commitments/{promise.id}").text
    own = browser(world.department).get(f"/commitments/{promise.id}").text
    for act in ("remind", "supervise"):
        address = f"/assignments/{late.id}/{act}"
        assert f'href="{address}"' in page
        assert address not in own


def test_the_offices_people_do_not_see_buttons_and_may_not_send(app, world, late, browser):
    for person, code in (
        (world.department, 403),
        (world.deputy, 403),
        (world.leader, 403),
        (world.admin, 404),
        (world.street, 303),
    ):
        for act, more in (("remind", {}), ("supervise", {"new_due_on": LIMIT.isoformat()})):
            one = browser(person)
            assert one.post(f"/assignments/{late.id}/{act}", {"reason": "请办"} | more).status_code == code
        if code == 403:
            assert f"/assignments/{late.id}/remind" not in one.get(f"/issues/{late.issue_id}").text
    assert {x.actor_id for x in trail(late) if x.action in ("assignment.remind", "assignment.supervise")} == {
        world.street.id
    }


# -- every refusal -------------------------------------------------------------------------------------


@pytest.mark.parametrize("act", ["remind", "supervise"])
def test_once_a_day_is_enough_and_the_second_click_says_so(app, world, late, browser, act):
    data = {"reason": "请抓紧办理。"} | ({"new_due_on": LIMIT.isoformat()} if act == "supervise" else {})
    address = f"/assignments/{late.id}/{act}"
    assert browser(world.organiser).post(address, data).status_code == 303
    again = "reminded the department" if act == "remind" else "issued a supervision order"
    words = said(app, f"%(who)s {again} today at %(time)s; once a day is enough.", who="周某某", time="10:00")
    for answer in (browser(world.organiser).get(address), browser(world.street).post(address, data)):
        assert answer.status_code in (409, 422)
        assert words in answer.text
    assert "请抓紧办理。" in answer.text, "nothing typed is lost"
    assert len(lines(late, act)) == 1
    with clock_at(local(date(2026, 4, 14), time(8))):
        assert browser(world.street).post(address, data).status_code == 303
    assert len(lines(late, act)) == 2


def test_the_words_and_the_limit_are_needed_and_the_limit_lies_ahead(app, world, late, browser):
    desk = browser(world.organiser)
    assert desk.post(f"/assignments/{late.id}/remind", {"reason": " "}).status_code == 422
    address = f"/assignments/{late.id}/supervise"
    for reason, limit in (("", "2026-04-24"), ("请办", ""), ("请办", "soon"), ("请办", "2026-04-13")):
        answer = desk.post(address, {"reason": reason, "new_due_on": limit})
        assert answer.status_code == 422
        assert form_of(answer)["new_due_on"] == limit
    assert said(app, "The new limit must be later than today.") in answer.text
    assert not lines(late, "remind")
    assert not lines(late, "supervise")
    operations.supervise_assignment(late, reason="请办", new_due_on=date(2026, 4, 14), actor=world.organiser)


def test_what_is_not_overdue_is_reminded_of_but_not_supervised(app, world, late, browser):
    with clock_at(local(date(2026, 4, 8), time(10))):  # the day itself still counts
        page = browser(world.organiser).get(f"/issues/{late.issue_id}").text
        assert f"/assignments/{late.id}/remind" in page
        assert f"/assignments/{late.id}/supervise" not in page
        answer = browser(world.organiser).get(f"/assignments/{late.id}/supervise")
        assert answer.status_code == 409
        assert said(app, "Nothing of this assignment is overdue yet; the department can be reminded.") in answer.text
        operations.remind_assignment(late, reason="今天到期", actor=world.organiser)


def test_a_co_handlers_opinion_is_reminded_of_and_never_supervised(app, world, late, browser):
    helper = helper_of(late)
    with clock_at(local(date(2026, 6, 1), time(10))):
        assert helper.due_on < today()
        form = form_of(browser(world.organiser).get(f"/assignments/{helper.id}/remind"))
        assert "前向主办单位提出会办意见" in form["reason"]
        with pytest.raises(RuleBroken):
            operations.supervise_assignment(helper, reason="请办", new_due_on=date(2026, 7, 1), actor=world.organiser)
        assert after.why_not_supervised(helper)


def refuses(world, assignment):
    db.session.commit()
    for act in (
        lambda: operations.remind_assignment(assignment, reason="请办", actor=world.organiser),
        lambda: operations.supervise_assignment(assignment, reason="请办", new_due_on=LIMIT, actor=world.organiser),
    ):
        with pytest.raises(RuleBroken):
            act()
    return True


def test_a_department_that_owes_nothing_more_is_left_alone(app, world, late):
    ((promise, _due),) = operations.may_remind(late, formally=True)
    answer = {"text": "在办", "signed_by": "郑某某", "actor": world.department}
    operations.reply(late, result_class=ResultClass.B, **answer)
    db.session.commit()
    assert operations.may_remind(late) == [(promise, promise.due_on)], "replied, but the promise is still open"
    operations.report_done(promise, report="已装", actor=world.department)
    assert refuses(world, late)


def test_what_no_longer_stands_is_not_urged(app, world, late, browser):
    operations.accept_assignment(late, actor=world.department)
    operations.reply(late, result_class=ResultClass.B, text="在办", signed_by="郑", actor=world.department)
    operations.rework(late.issue, reason="未办结", actor=world.organiser)
    assert refuses(world, late), "superseded"
    page = browser(world.organiser).get(f"/issues/{late.issue_id}").text
    assert f"/assignments/{late.id}/remind" not in page


def test_what_was_returned_is_not_urged(app, world, late):
    with clock_at(local(date(2026, 3, 21), time(10))):
        operations.return_assignment(late, reason="不属我局", actor=world.department)
    assert refuses(world, late), "returned"


def test_a_closed_issue_is_over_for_an_opinion_that_never_came(app, world, late, browser):
    ((promise, _due),) = operations.may_remind(late, formally=True)
    operations.report_done(promise, report="已装", actor=world.department)
    operations.verify_commitment(promise, actor=world.organiser)
    operations.reply(late, result_class=ResultClass.A, text="已办", signed_by="郑", actor=world.department)
    asked = reviews.ask_confirmation(late.issue, actor=world.organiser)
    reviews.confirm(asked, actor=world.deputy)
    operations.strike_off(late.issue, actor=world.organiser)
    helper = helper_of(late)
    assert refuses(world, helper)
    assert refuses(world, late)
    answer = browser(world.organiser).get(f"/assignments/{helper.id}/remind")
    assert answer.status_code == 409
    assert said(app, "The issue is closed; reopen it first.") in answer.text


def test_nobody_is_told_of_what_was_sent_to_an_office_that_has_been_relieved(app, world, late):
    news.skip()
    operations.remind_assignment(late, reason="请办", actor=world.organiser)
    operations.accept_assignment(late, actor=world.department)
    operations.reply(late, result_class=ResultClass.B, text="在办", signed_by="郑", actor=world.department)
    operations.rework(late.issue, reason="未办结", actor=world.organiser)
    db.session.commit()
    with clock_at(local(LATE, time(12))):
        news.read()
    assert "assignment.remind" not in set(db.session.scalars(select(Message.kind)))


def test_the_page_asks_the_same_for_no_reminder_and_for_thirty(app, world, late, browser, statements):
    def count():
        asked = []
        for person in (world.organiser, world.department):
            one = browser(person)
            with statements() as heard:
                assert one.get(f"/issues/{late.issue_id}").status_code == 200
            asked.append(len(heard))
        return asked

    few = count()
    for n in range(30):
        with clock_at(local(date(2026, 4, 14), time(8)).replace(month=5, day=1 + n)):
            operations.remind_assignment(late, reason="请办", actor=world.organiser)
            db.session.commit()
    assert count() == few
    with statements() as heard:
        operations.supervise_assignment(late, reason="请办", new_due_on=LIMIT, actor=world.organiser)
        db.session.commit()
    assert len(heard) <= 10
    assert db.session.scalars(select(AuditEvent).where(AuditEvent.action == "assignment.supervise")).one()
