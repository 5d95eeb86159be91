"""Reminders: who hears what on which day, once; on days of the Chinese calendar as it was and will be."""

from datetime import date, time, timedelta

import pytest
from sqlalchemy import func, select

from config import RULES
from hearings.db import clock_at, db, local
from hearings.issues import operations as issues
from hearings.issues.models import Assignment, ResultClass
from hearings.minutes import operations as minutes_
from hearings.notices import invitations, news, outbox, reminders
from hearings.notices.models import Channel, Invitation, Message, MessageState, Preference, Reply
from hearings.notices.queries import trouble
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Capacity, HearingKind
from hearings.workdays import CalendarDay
from tests import factories
from tests.notices.helpers import MONDAY, at, inbox


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
    # the 21st and 22nd are a weekend; the 25th is the third working day; 6 April is a holiday
    assert department == [23, 24, 25, 1, 8]
    assert organiser == [25, 1, 8]
    assert leader == [8]


def promised(world, on, due_on):
    with at(on):
        issue = world.issue(world.hearing("in_session", day=on))
        promise = world.commitment(issue, due_on=due_on)
        schedule.conclude(issue.hearing, actor=world.organiser)
        db.session.commit()
    return promise


def days_of(first, count):
    return [first + timedelta(days=n) for n in range(count)]


@pytest.mark.parametrize(
    ("due_on", "first", "heard"),
    [
        # the first working day after National Day 2026; Mid-autumn is 25 to 27 September
        (date(2026, 10, 8), date(2026, 9, 14), [21, 28, 30, 8]),
        # and of 2025, when Sunday 28 September was worked
        (date(2025, 10, 9), date(2025, 9, 15), [23, 28, 30, 9]),
        # seven working days before 30 September 2026 is a Sunday that is worked
        (date(2026, 9, 30), date(2026, 9, 14), [20, 24, 29, 30]),
        # Saturday 10 October 2026 is worked, and is a day like any other to be due on
        (date(2026, 10, 10), date(2026, 9, 21), [23, 30, 9, 10]),
        # the Spring Festival of 2026: 15 to 23 February; Saturdays 14 and 28 are worked
        (date(2026, 2, 24), date(2026, 2, 2), [6, 12, 14, 24]),
        # due amid the holidays: its day is told on the last working day before them
        (date(2026, 10, 3), date(2026, 9, 14), [20, 24, 29, 30]),
    ],
)
def test_working_days_are_those_of_the_chinese_calendar(world, due_on, first, heard):
    promised(world, first, due_on)
    assert [d for d, _who in passes(days_of(first, (due_on - first).days + 1), world.department)] == heard


def test_what_is_due_before_holidays_is_overdue_on_the_days_that_are_worked(world):
    promised(world, date(2026, 9, 21), date(2026, 9, 30))
    assert [d for d, _ in passes(days_of(date(2026, 10, 1), 22), world.department)] == [8, 9, 10, 19]
    assert inbox(world.department)[0].startswith("承诺已逾期1个工作日：")
    # the weekly one fell on Saturday the 17th


def test_the_districts_own_table_decides_what_is_worked(owed, world):
    db.session.add(CalendarDay(day=date(2026, 3, 19), is_workday=False, name="全区停工"))
    db.session.add(CalendarDay(day=date(2026, 3, 15), is_workday=True, name="调休"))
    db.session.commit()
    assert [d for d, _ in passes(days_of(MONDAY, 19), world.department)] == [11, 16, 18, 20]


def test_each_rule_is_a_setting_with_a_default_that_the_settings_page_shows(owed, world, app, browser, monkeypatch):
    page = browser(world.admin).get("/settings/").text
    for name, value in {
        "REMIND_HEARING_DAYS": [3, 0],
        "REMIND_LOOK_BACK_DAYS": [3, 0],
        "REMIND_DUE_WORKDAYS": [7, 3, 1, 0],
        "OVERDUE_DAILY": 3,
        "OVERDUE_EVERY_DAYS": 7,
        "OVERDUE_ORGANISER_WORKDAYS": 3,
        "OVERDUE_LEADER_WORKDAYS": 10,
        "REMIND_CONFIRM_WORKDAYS": 5,
        "REMIND_MINUTES_WORKDAYS": 3,
        "QUIET_FROM": "21:00",
        "QUIET_UNTIL": "08:00",
    }.items():
        assert RULES[name].value == app.config[name] == value
        assert f"HEARINGS_{name}" in page
    for name, value in {
        "REMIND_DUE_WORKDAYS": [2],
        "OVERDUE_DAILY": 1,
        "OVERDUE_EVERY_DAYS": 14,
        "OVERDUE_ORGANISER_WORKDAYS": 1,
        "OVERDUE_LEADER_WORKDAYS": 999,
    }.items():
        monkeypatch.setitem(app.config, name, value)
    days = days_of(date(2026, 3, 9), 42)
    assert passes(days, world.department) == [(d, "department") for d in (18, 23, 7)]
    assert inbox(world.leader) == []
    assert len(inbox(world.organiser)) == 2


def test_a_reply_that_the_law_limits_is_reminded_of_like_a_promise(owed, world):
    assert db.session.scalars(select(Assignment)).one().due_on == date(2026, 6, 2)
    issues.release_commitment(owed, reason="并入", actor=world.organiser)
    db.session.commit()
    days = days_of(date(2026, 5, 18), 26)
    heard = passes(days, world.department, world.organiser)
    assert [d for d, who in heard if who == "department"] == [22, 28, 1, 2, 3, 4, 5, 12]
    assert [d for d, who in heard if who == "organiser"] == [5, 12]
    told = inbox(world.department)
    assert told[0].startswith("答复将到期（6月2日）：") and told[3].startswith("答复今天到期：")
    assert told[4].startswith("答复已逾期1个工作日：")
    with at(date(2026, 6, 15)):
        assignment = db.session.scalars(select(Assignment)).one()
        issues.accept_assignment(assignment, actor=world.department)
        issues.reply(assignment, result_class=ResultClass.A, text="好", signed_by="郑某某", actor=world.department)
        db.session.commit()
    assert passes([date(2026, 6, 22)], world.department, world.organiser) == []


def test_what_is_kept_extended_or_released_is_not_reminded_of(owed, world):
    issues.release_commitment(owed, reason="并入", actor=world.organiser)
    db.session.commit()
    assert passes([date(2026, 3, 20), date(2026, 3, 23)], world.department) == []


def test_a_hearing_is_told_three_days_before_and_on_the_morning(world):
    with at(MONDAY):
        hearing = world.hearing("announced", day=date(2026, 3, 20))
    days = [date(2026, 3, 14) + timedelta(days=n) for n in range(7)]
    assert passes(days, world.deputy) == [(17, "deputy"), (20, "deputy")]
    assert inbox(world.deputy)[-1] == f"今天19:00开会：{hearing.title}"


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
    assert "承诺今天到期" in text
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
    assert "承诺今天到期" in text
    assert "纪要已印发" not in text


# -- hearings --------------------------------------------------------------------------------------------


def test_a_look_back_has_a_rule_of_its_own(world, app, monkeypatch):
    monkeypatch.setitem(app.config, "REMIND_LOOK_BACK_DAYS", [5])
    with at(MONDAY):
        world.hearing("announced", day=date(2026, 3, 20), kind=HearingKind.LOOK_BACK)
    assert passes(days_of(date(2026, 3, 12), 9), world.deputy) == [(15, "deputy")]


def test_who_was_invited_today_is_not_reminded_before_tomorrow(world):
    with at(date(2026, 3, 18), 15):
        world.hearing("announced", day=date(2026, 3, 20))
    assert passes(days_of(date(2026, 3, 18), 3), world.deputy) == [(19, "deputy"), (20, "deputy")]


def test_a_hearing_that_is_off_or_over_is_not_reminded_of(world):
    with at(MONDAY):
        off = world.hearing("announced", day=date(2026, 3, 20))
        later = world.hearing("announced", day=date(2026, 3, 20))
        schedule.cancel(off, reason="台风", actor=world.organiser)
        schedule.postpone(later, reason="台风", actor=world.organiser)
        over = world.hearing("announced", day=date(2026, 3, 18))
        db.session.commit()
    assert over
    with at(date(2026, 3, 18), 22):
        reminders.write()
        db.session.commit()
    assert passes(days_of(date(2026, 3, 19), 2), world.deputy) == []


@pytest.fixture
def guests(world, post):
    """A hearing on 20 March with a deputy and two guests who were asked by mail."""
    with at(MONDAY):
        world.deputy.email = "deputy@example.org"
        hearing = world.hearing("draft", day=date(2026, 3, 20))
        for name in ("chen", "lin"):
            schedule.add_guest(
                hearing,
                capacity=Capacity.RESIDENT,
                listed=AttendanceList.IN_ATTENDANCE,
                name=f"居民{name}",
                email=f"{name}@example.org",
                actor=world.organiser,
            )
        news.skip()
        schedule.announce(hearing, actor=world.organiser)
        db.session.commit()
        news.read()
        db.session.commit()
        outbox.send_all()
    return hearing


def morning(day, hour=9):
    """A whole round of the worker; the mails that went."""
    with at(day, hour):
        reminders.write()
        reminders.digest()
        outbox.send_all()


def test_guests_are_reminded_by_a_mail_with_their_own_link_and_who_said_no_is_left_alone(guests, world, post):
    lin, deputy = (
        db.session.scalars(select(Invitation).where(Invitation.address == f"{n}@example.org")).one()
        for n in ("lin", "deputy")
    )
    with at(date(2026, 3, 10)):
        for row in (lin, deputy):
            invitations.answer(row, Reply.DECLINED, by="link")
        db.session.commit()
    post.mails.clear()
    for day in (16, 17, 18, 20):
        for hour in (9, 14):
            morning(date(2026, 3, day), hour)
    assert {who for who, _mail in post.mails} == {"chen@example.org"}
    first, last = post.to("chen@example.org")
    assert first["Subject"].startswith("会议提醒：3月20日（周五）")
    assert last["Subject"].startswith("今天19:00开会：")
    text = last.get_body(("plain",)).get_content()
    row = db.session.scalars(select(Invitation).where(Invitation.address == "chen@example.org")).one()
    assert f"http://localhost/r/{invitations.token_of(row)}" in text
    assert "/hearings/" not in text, "a page that a guest cannot open"
    assert inbox(world.deputy)[1:] == []


def test_a_morning_mail_waits_for_the_end_of_the_night(guests, post):
    post.mails.clear()
    for hour, minute, count in ((0, 30, 0), (7, 59, 0), (8, 0, 2)):
        with at(date(2026, 3, 20), hour, minute):
            reminders.write()
            outbox.send_all()
        assert len(post.mails) == count


# -- the night -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("begin", "end", "quiet", "awake"),
    [
        (
            "21:00",
            "08:00",
            ["21:00", "21:01", "23:59", "00:00", "03:00", "07:59"],
            ["08:00", "08:01", "12:00", "20:59"],
        ),
        ("12:00", "14:00", ["12:00", "13:59"], ["11:59", "14:00", "00:00", "21:30"]),
        ("00:00", "00:00", [], ["00:00", "12:00", "23:59"]),
    ],
)
def test_quiet_hours_to_the_minute_over_midnight_and_not(app, monkeypatch, begin, end, quiet, awake):
    monkeypatch.setitem(app.config, "QUIET_FROM", begin)
    monkeypatch.setitem(app.config, "QUIET_UNTIL", end)
    for hour in [*quiet, *awake]:
        assert outbox.is_quiet(local(MONDAY, time.fromisoformat(hour))) is (hour in quiet), hour


# -- the day's one mail ----------------------------------------------------------------------------------


def note(user, kind="minutes.publish", **more):
    fields = {"subject": f"{kind}一件", "text": "正文", "url": "/", "key": f"{kind}{more}", "user_id": user.id}
    outbox.write(kind=kind, channel="inbox", **(fields | more))
    db.session.commit()


def digest_of(post, address):
    return [m.get_body(("plain",)).get_content() for m in post.to(address)]


def test_several_reminders_of_one_thing_are_told_once_in_a_mail(owed, world, post):
    world.department.email = "head@example.org"
    db.session.commit()
    for day in (11, 17, 19, 20):
        with at(date(2026, 3, day)):
            reminders.write()
    with at(date(2026, 3, 20)):
        assert reminders.digest() == 1
        outbox.send_all()
    (text,) = digest_of(post, "head@example.org")
    assert "承诺今天到期" in text and "将到期" not in text
    left = select(func.count()).where(Message.channel == Channel.INBOX, Message.part_of_id.is_(None))
    with at(date(2026, 3, 23)):
        assert reminders.digest() == 0
    assert db.session.scalar(left) == 0


def test_the_most_urgent_stands_first_and_what_was_read_is_left_out(world, post):
    world.deputy.email = "deputy@example.org"
    with at(date(2026, 3, 20)):
        note(world.deputy)
        note(world.deputy, "issue.strike_off")
        note(world.deputy, "overdue.promise", url="/commitments/1")
        note(world.deputy, "due.day", url="/commitments/2")
        seen = db.session.scalars(select(Message).where(Message.kind == "issue.strike_off")).one()
        outbox.mark_read(world.deputy.id, [seen.id])
        db.session.commit()
        assert reminders.digest() == 1
        outbox.send_all()
    ((_who, mail),) = post.mails
    assert mail["Subject"] == "3件事项：overdue.promise一件等"
    text = mail.get_body(("plain",)).get_content()
    assert [text.index(k) for k in ("overdue.promise", "due.day", "minutes.publish")] == sorted(
        text.index(k) for k in ("overdue.promise", "due.day", "minutes.publish")
    )
    assert "issue.strike_off" not in text


def test_who_got_the_invitation_by_mail_is_not_told_again_by_the_digest(guests, world, post):
    world.department.email = "office@example.org"
    db.session.commit()
    post.mails.clear()
    with at(date(2026, 3, 3)):
        reminders.digest()
        outbox.send_all()
    assert {who for who, _mail in post.mails} == {"office@example.org"}, "who has a sign-in and no invitation by mail"


def test_a_change_of_a_hearing_reaches_at_once_and_at_night_whom_no_invitation_reaches(guests, world, post):
    world.department.email = "office@example.org"
    db.session.commit()
    with at(date(2026, 3, 4), 9):
        reminders.digest()
        outbox.send_all()
    post.mails.clear()
    with at(date(2026, 3, 4), 22):
        schedule.cancel(guests, reason="台风", actor=world.organiser)
        db.session.commit()
        news.read()
        db.session.commit()
        outbox.send_all()
    assert len(post.to("office@example.org")) == 1
    assert len(post.to("deputy@example.org")) == 1
    with at(date(2026, 3, 5)):
        assert reminders.digest() == 0, "they know"


def test_on_a_free_day_only_the_evening_itself_is_mailed(world, post):
    world.deputy.email, world.department.email = "deputy@example.org", "office@example.org"
    with at(date(2026, 3, 16)):
        world.hearing("announced", day=date(2026, 3, 21))
        note(world.department, key="n1")
        db.session.commit()
    for day in (20, 21):
        morning(date(2026, 3, day))
    note(world.other_deputy, key="n2")
    with at(date(2026, 3, 22)):
        assert reminders.digest() == 0, "a Sunday"
    saturday = [m["Subject"] for m in post.to("deputy@example.org")]
    assert saturday[-1].startswith("今天19:00开会：")


@pytest.mark.parametrize("off", ["no address", "odd address", "locked", "no mail server"])
def test_who_cannot_be_written_to_still_has_the_inbox(owed, world, post, app, off):
    world.department.email = {"no address": None, "odd address": "电话通知"}.get(off, "head@example.org")
    world.department.active = off != "locked"
    if off == "no mail server":
        app.config["MAIL_HOST"] = ""
    db.session.commit()
    with at(date(2026, 3, 20)):
        reminders.write()
        assert reminders.digest() == 0
        outbox.send_all()
    assert post.mails == []
    assert len(inbox(world.department)) == (0 if off == "locked" else 1)


# -- minutes, mails that did not arrive, the pass itself -------------------------------------------------


def publish(hearing, world, day, mark):
    with at(day):
        newest = minutes_.latest(hearing)
        if newest is not None:
            minutes_.correct(newest, reason="更正一处", actor=world.organiser)
        paper = minutes_.latest(hearing) or minutes_.draft(hearing, actor=world.organiser)
        minutes_.review(paper, actor=world.street)
        minutes_.publish(
            paper, issued_by="李某某", issued_on=day, pdf=b"%PDF" + mark, docx=b"PK" + mark, actor=world.organiser
        )
        db.session.commit()
    return paper


def test_minutes_not_fetched_for_three_working_days_are_told_once_and_only_the_newest(owed, world):
    offices = world.department, world.other_department
    with at(date(2026, 3, 4)):
        issues.release_commitment(owed, reason="并入", actor=world.organiser)
    first = publish(owed.issue.hearing, world, date(2026, 3, 5), b"1")
    minutes_.count_download(first.id, "pdf", user_id=world.department.id, department_id=world.bureau.id)
    db.session.commit()
    # the 7th and 8th are a weekend
    assert passes([date(2026, 3, d) for d in (9, 10, 11, 12)], *offices) == [(10, "department2")]
    assert inbox(world.other_department) == [f"纪要尚未下载：{first.content['title']}"]
    publish(owed.issue.hearing, world, date(2026, 3, 12), b"2")
    days = [date(2026, 3, d) for d in (13, 16, 17, 18)]
    assert passes(days, *offices) == [(17, "department"), (17, "department2")], "the correction is a paper of its own"


def test_nobody_is_chased_for_minutes_whose_correction_was_begun_at_once(owed, world):
    offices = world.department, world.other_department
    with at(date(2026, 3, 4)):
        issues.release_commitment(owed, reason="并入", actor=world.organiser)
    first = publish(owed.issue.hearing, world, date(2026, 3, 5), b"1")
    with clock_at(first.published_at + timedelta(seconds=30)):
        minutes_.correct(first, reason="日期有误", actor=world.organiser)
        db.session.commit()
    assert passes([date(2026, 3, d) for d in (9, 10, 11, 12)], *offices) == []


def test_a_dead_address_is_told_to_the_organiser_once_in_words(guests, world, post):
    post.answers["chen@example.org"] = ["550 5.1.1 no such user"]
    for day in (17, 20):
        morning(date(2026, 3, day))
        morning(date(2026, 3, day), 15)
    failed = db.session.scalars(select(Message).where(Message.state == MessageState.FAILED)).all()
    assert len(failed) == 2
    told = db.session.scalars(select(Message).where(Message.kind == "message.failed")).one()
    assert (told.user_id, told.url) == (world.organiser.id, f"/hearings/{guests.id}/sent")
    assert told.subject == "邮件未送达：居民chen（chen@example.org）"
    assert "没有这个邮箱" in told.text


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("550 no such user", "unknown"),
        ("550 5.1.1 <a@b>: Recipient address rejected", "unknown"),
        ("553 sorry", "unknown"),
        ("552 mailbox full", "full"),
        ("452 4.2.2 over quota", "full"),
        ("550 5.7.1 blocked", "refused"),
        ("554 spam", "refused"),
        ("535 5.7.8 authentication failed", "ours"),
        ("ConnectionRefusedError: [Errno 111] Connection refused", "ours"),
        ("451 try later", "other"),
        ("用户名不能编码", "other"),
        ("", "other"),
        (None, "other"),
    ],
)
def test_what_a_mail_server_says_is_put_in_words(said, why):
    assert trouble(said) == why


def test_a_pass_over_many_promises_asks_no_more_than_over_a_few(owed, world, statements):
    def asked():
        with at(date(2026, 3, 24)):
            with statements() as first:
                reminders.write()
            with statements() as again:
                assert reminders.write() == 0
        assert not [s for s in again if s.startswith(("INSERT", "UPDATE"))]
        return len(first), len(again)

    asked()
    _few, few_again = asked()
    with at(MONDAY, 20):
        for _ in range(12):
            world.commitment(owed.issue, due_on=date(2026, 3, 20))
    many, many_again = asked()
    assert many > many_again
    assert many_again == few_again


def test_reading_what_is_due_takes_no_write_lock(owed, world, app):
    if db.engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's readers never wait")
    db.session.remove()
    with at(date(2026, 3, 12)):
        reminders.write()
        db.session.remove()
        with db.engine.connect() as other:  # somebody is writing
            other.exec_driver_sql("UPDATE station SET name = name")
            assert reminders.write() == 0
