"""What the trail tells becomes messages; and reminders: who hears what on which day, once."""

import re
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import func, select

from hearings.db import clock_at, db, local, today
from hearings.issues import operations as issues
from hearings.issues.models import Assignment, ResultClass
from hearings.notices import news, outbox, reminders
from hearings.notices.commands import round_
from hearings.notices.models import Message, Preference
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
    assert inbox(w.department) == [f"交办：{ref}"]
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
    assert inbox(w.deputy) == [f"答复：{ref}", f"请确认是否办结：{ref}"]
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


# -- reminders -------------------------------------------------------------------------------------------


@pytest.fixture
def owed(world):
    """A promise made on the first Monday of March 2026, due on the 20th, a Friday."""
    with at(MONDAY):
        issue = world.issue(world.hearing("in_session", day=MONDAY))
        promise = world.commitment(issue, due_on=date(2026, 3, 20))
        schedule.conclude(issue.hearing, actor=world.organiser)
        issues.assign(issue, lead=world.bureau, actor=world.organiser)
        db.session.commit()
    return promise


def passes(days, *users):
    """What each hears on which day, from two passes a day."""
    heard = []
    for day in days:
        before = {u.id: len(inbox(u)) for u in users}
        for hour in (9, 15):
            with at(day, hour):
                reminders.write()
                db.session.commit()
        heard += [(day.day, u.username) for u in users for _ in inbox(u)[before[u.id] :]]
    return heard


def test_a_due_date_is_told_seven_three_and_one_working_days_before_and_on_the_day(owed, world):
    days = [MONDAY + timedelta(days=n) for n in range(19)]
    assert passes(days, world.department) == [
        (11, "department"),
        (17, "department"),
        (19, "department"),
        (20, "department"),
    ]


def test_on_the_day_the_head_is_told_and_before_it_the_contact(owed, world):
    contact = factories.user("department", name="联系人", department=world.bureau)
    world.bureau.contact, world.bureau.head = contact.name, world.department.name
    db.session.commit()
    assert passes([date(2026, 3, 19), date(2026, 3, 20)], world.department, contact) == [
        (19, contact.username),
        (20, "department"),
    ]


def test_overdue_is_told_daily_for_three_days_then_weekly_and_climbs(owed, world):
    days = [date(2026, 3, 20) + timedelta(days=n) for n in range(1, 26)]
    heard = passes(days, world.department, world.organiser, world.leader)
    department = [d for d, who in heard if who == "department"]
    organiser = [d for d, who in heard if who == "organiser"]
    leader = [d for d, who in heard if who == "leader"]
    # the 21st and 22nd are a weekend; the 23rd is the third day, the 24th begins the weekly ones
    assert department == [23, 24, 31, 7, 14]
    assert organiser == [24, 31, 7, 14]
    assert leader == [7, 14]


def test_a_holiday_is_no_day_to_be_reminded_and_a_make_up_day_is(world):
    with at(date(2026, 9, 21)):
        issue = world.issue(world.hearing("in_session", day=date(2026, 9, 21)))
        world.commitment(issue, due_on=date(2026, 10, 9))
        schedule.conclude(issue.hearing, actor=world.organiser)
        db.session.commit()
    days = [date(2026, 9, 27) + timedelta(days=n) for n in range(13)]
    heard = [d for d, _who in passes(days, world.department)]
    assert not set(heard) & {1, 2, 3, 4, 5, 6, 7}, "the National Day holiday"
    assert heard[-1] == 9


def test_what_is_kept_extended_or_released_is_not_reminded_of(owed, world):
    issues.release_commitment(owed, reason="并入", actor=world.organiser)
    db.session.commit()
    assert passes([date(2026, 3, 20), date(2026, 3, 23)], world.department) == []


def test_a_hearing_is_told_three_days_before_and_on_the_morning(world):
    with at(MONDAY):
        hearing = world.hearing("announced", day=date(2026, 3, 20))
    days = [date(2026, 3, 14) + timedelta(days=n) for n in range(7)]
    assert passes(days, world.deputy) == [(17, "deputy"), (20, "deputy")]
    assert inbox(world.deputy)[-1] == f"今天：{hearing.title}"


def test_a_waiting_confirmation_and_unfetched_minutes(owed, world):
    with at(date(2026, 3, 3)):
        assignment = db.session.scalars(select(Assignment)).one()
        issues.accept_assignment(assignment, actor=world.department)
        issues.report_done(owed, report="好了", actor=world.department)
        issues.reply(
            assignment,
            result_class=ResultClass.A,
            text="办结",
            signed_by="郑某某",
            contact=None,
            met_deputy=True,
            actor=world.department,
        )
        reviews.ask_confirmation(owed.issue, deputy=world.deputy, actor=world.organiser)
        db.session.commit()
    days = [date(2026, 3, 4) + timedelta(days=n) for n in range(15)]
    assert passes(days, world.deputy) == [(10, "deputy"), (17, "deputy")]


def test_one_digest_a_day_and_never_at_night(owed, world, post):
    world.department.email = "head@example.org"
    db.session.commit()
    with at(date(2026, 3, 20), 7):
        reminders.write()
        assert reminders.digest() == 0
        db.session.commit()
    with at(date(2026, 3, 20), 9):
        assert reminders.digest() == 1
        assert reminders.digest() == 0
        outbox.write(
            key="later", kind="x", channel="inbox", user_id=world.department.id, subject="再来一件", text="", url="/"
        )
        assert reminders.digest() == 0, "today's has gone"
        db.session.commit()
        outbox.send_all()
    (mail,) = post.to("head@example.org")
    text = mail.get_body(("plain",)).get_content()
    assert "今天到期" in text
    assert f"http://localhost/commitments/{owed.id}" in text
    with at(date(2026, 3, 21)):
        assert reminders.digest() == 0, "a Saturday"
    with at(date(2026, 3, 23)):
        assert reminders.digest() == 1


def test_who_wants_no_mail_still_gets_what_the_law_wants_told(owed, world, post):
    world.department.email = "head@example.org"
    db.session.add(Preference(user_id=world.department.id, mail=False))
    outbox.write(
        key="chat",
        kind="minutes.publish",
        channel="inbox",
        user_id=world.department.id,
        subject="纪要已印发",
        text="",
        url="/",
    )
    db.session.commit()
    with at(date(2026, 3, 20)):
        reminders.write()
        reminders.digest()
        db.session.commit()
        outbox.send_all()
    (mail,) = post.to("head@example.org")
    text = mail.get_body(("plain",)).get_content()
    assert "今天到期" in text
    assert "纪要已印发" not in text


def test_a_round_of_the_worker_with_no_mail_server_still_fills_the_inbox(calm, begun):
    begun.deputy.email = "deputy@example.org"
    begun.hearing("announced")
    deputy_id = begun.deputy.id
    round_(remind=True)
    told = select(func.count()).where(Message.user_id == deputy_id, Message.channel == "inbox")
    assert db.session.scalar(told) == 1
    assert db.session.scalar(select(func.count()).where(Message.channel == "mail")) == 0
