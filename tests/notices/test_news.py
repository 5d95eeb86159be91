"""What the trail tells becomes messages; and reminders: who hears what on which day, once."""

import re
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from hearings.db import clock_at, db, local, today
from hearings.issues import operations as issues
from hearings.issues.models import Assignment, ResultClass
from hearings.notices import news, outbox
from hearings.notices.commands import round_
from hearings.notices.models import Message
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from tests import factories

MONDAY = date(2026, 3, 2)


def at(day: date, hour: int = 9):
    return clock_at(local(day, datetime.min.time().replace(hour=hour)))


def inbox(user) -> list[str]:
    rows = db.session.scalars(
        select(Message).where(Message.user_id == user.id, Message.channel == "inbox").order_by(Message.id)
    )
    return [m.subject for m in rows]


@pytest.fixture
def calm(app):
    """News at once."""
    kept = app.config["NEWS_DELAY"]
    app.config["NEWS_DELAY"] = 0
    yield
    app.config["NEWS_DELAY"] = kept


def read():
    news.read()
    db.session.commit()


def test_the_life_of_an_issue_reaches_each_whom_it_concerns(calm, begun, browser):
    w = begun
    issue = w.issue(w.hearing("in_session", day=today() - timedelta(days=1)))
    promise = w.commitment(issue)
    schedule.conclude(issue.hearing, actor=w.organiser)
    read()
    db.session.query(Message).delete()
    issues.assign(issue, lead=w.bureau, actor=w.organiser)
    db.session.commit()
    read()
    ref = f"{issue.reference} {issue.title}"
    assert inbox(w.department) == [f"交办通知：{ref}"]
    (assignment,) = db.session.scalars(select(Assignment)).all()
    issues.accept_assignment(assignment, actor=w.department)
    issues.ask_extension(promise, new_due_on=promise.due_on + timedelta(days=9), reason="雨季", actor=w.department)
    db.session.commit()
    read()
    assert inbox(w.organiser) == [f"申请延期：{promise.measure}"]
    (extension,) = db.session.scalars(select(issues.Extension)).all()
    issues.grant_extension(extension, actor=w.organiser)
    issues.report_done(promise, report="已完成", actor=w.department)
    db.session.commit()
    read()
    assert inbox(w.department)[1:] == [f"同意延期：{promise.measure}"]
    assert inbox(w.organiser)[1:] == [f"报告完成，待核实：{promise.measure}"]
    issues.reply(
        assignment,
        result_class=ResultClass.A,
        text="办结",
        signed_by="郑某某",
        contact=None,
        met_deputy=True,
        actor=w.department,
    )
    reviews.ask_confirmation(issue, deputy=w.deputy, actor=w.organiser)
    db.session.commit()
    read()
    assert inbox(w.deputy) == [f"已答复：{ref}", f"请确认是否办结：{ref}"]
    assert inbox(w.other_department) == []
    page = browser(w.deputy).get("/inbox/").text
    assert "请确认是否办结" in page
    assert "2条未读" in page


def test_reading_twice_tells_once_and_nobody_hears_of_their_own_act(calm, begun):
    hearing = begun.hearing("announced")
    read()
    first = db.session.scalar(select(func.count()).select_from(Message))
    row = news.cursor()
    row.audit_id = 0
    db.session.commit()
    read()
    assert db.session.scalar(select(func.count()).select_from(Message)) == first
    assert inbox(begun.deputy) == [f"会议通知：{hearing.title}"]
    assert inbox(begun.organiser) == []


def test_what_was_rolled_back_is_nobodys_news(calm, begun):
    schedule.draft_hearing(
        title="一晚", station=begun.station, actor=begun.organiser, **factories.evening(today() + timedelta(days=9))
    )
    db.session.rollback()
    read()
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_a_new_house_tells_nothing_of_its_past(calm, world):
    world.hearing("announced")
    read()
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_english_readers_read_english(calm, begun):
    begun.deputy.locale = "en"
    hearing = begun.hearing("announced")
    read()
    assert inbox(begun.deputy) == [f"You are invited: {hearing.title}"]


def test_the_inbox_counts_marks_and_shows_only_ones_own(calm, begun, browser):
    begun.hearing("announced")
    read()
    deputy = browser(begun.deputy)
    message = db.session.scalars(select(Message).where(Message.user_id == begun.deputy.id)).one()
    other = db.session.scalars(select(Message).where(Message.user_id == begun.other_deputy.id)).one()
    assert deputy.get(f"/inbox/{other.id}").status_code == 404
    assert deputy.post("/inbox/read", {"id": other.id}).status_code == 303
    assert outbox.unread(begun.other_deputy.id) == 1
    assert deputy.get(f"/inbox/{message.id}").location == message.url
    assert deputy.post("/inbox/read").status_code == 303
    assert outbox.unread(begun.deputy.id) == 0
    assert "还没有消息" in browser(begun.admin).get("/inbox/").text
    for odd in ("x", "-1", "9" * 30, "%00"):
        assert deputy.get(f"/inbox/?before={odd}").status_code == 200
        assert deputy.post("/inbox/read", {"id": odd}).status_code == 404


def test_every_page_says_how_much_is_unread_in_the_statement_that_finds_the_person(calm, begun, browser, statements):
    deputy = browser(begun.deputy)
    assert "bar-count" not in deputy.get("/calendar/").text
    with statements() as before:
        deputy.get("/calendar/")
    begun.hearing("announced")
    begun.hearing("announced")
    read()
    with statements() as after:
        page = deputy.get("/calendar/").text
    assert '<span class="bar-count">2<span class="visually-hidden">未读</span></span>' in page
    assert len(after) == len(before)
    assert "bar-count" not in browser(begun.organiser).get("/calendar/").text
    deputy.post("/inbox/read")
    assert "bar-count" not in deputy.get("/calendar/").text


def test_a_group_is_told_of_hearings_once_and_its_secret_address_is_kept_nowhere(calm, begun, browser, app):
    app.config["ROBOT_URL"] = "https://robot.example/send?access_token=secret"
    try:
        hearing = begun.hearing("announced")
        issue = begun.issue(begun.hearing("in_session"))
        assert issue
        read()
        read()
    finally:
        app.config["ROBOT_URL"] = ""
    rows = db.session.scalars(select(Message).where(Message.channel == "robot").order_by(Message.id)).all()
    assert rows[0].subject == f"会议通知：{hearing.title}"
    assert {m.kind for m in rows} == {"hearing.announce"}
    assert "robot.example" not in browser(begun.organiser).get(f"/hearings/{hearing.id}/sent").text
    assert all(m.address is None for m in rows)


def test_the_administrator_sees_how_people_are_told(begun, browser, app, post):
    admin = browser(begun.admin)
    assert re.search(r"<dt>\s*邮件\s*</dt>\s*<dd[^>]*>\s*已启用\s*<", admin.get("/settings/").text)
    app.config["MAIL_HOST"] = ""
    assert "HEARINGS_MAIL_HOST 和 HEARINGS_MAIL_FROM" in admin.get("/settings/").text


def test_a_round_of_the_worker_with_no_mail_server_still_fills_the_inbox(calm, begun):
    begun.deputy.email = "deputy@example.org"
    begun.hearing("announced")
    deputy_id = begun.deputy.id
    round_(remind=True)
    told = select(func.count()).where(Message.user_id == deputy_id, Message.channel == "inbox")
    assert db.session.scalar(told) == 1
    assert db.session.scalar(select(func.count()).where(Message.channel == "mail")) == 0
