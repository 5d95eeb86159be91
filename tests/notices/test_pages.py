"""The inbox, how a person is told, what was sent about a hearing and to a person."""

import re
from datetime import time, timedelta

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import select

from hearings.db import clock_at, db, local, now, today
from hearings.notices import news, outbox, queries, reminders
from hearings.notices.models import Message, MessageState, Preference
from hearings.schedule import operations as schedule
from tests import factories
from tests.person import Person, words_of

pytestmark = pytest.mark.usefixtures("by_day")


def note(user, number, **more):
    fields = {"kind": "minutes.publish", "subject": f"第{number}件", "text": "正文", "url": f"/hearings/{number}"}
    return outbox.write(key=f"note{number}", channel="inbox", user_id=user.id, **(fields | more))


def tell():
    """A round of the worker."""
    db.session.commit()
    news.read()
    db.session.commit()
    return outbox.send_all()


# -- the inbox -------------------------------------------------------------------------------------------


def test_an_empty_inbox_says_what_will_stand_there(world, browser):
    page = browser(world.deputy).get("/inbox/").text
    assert "还没有消息" in page
    assert "全部标为已读" not in page


def test_a_message_opens_the_matter_and_is_read_by_it(world, app, browser):
    note(world.deputy, 1, url="/calendar/")
    note(world.deputy, 2, url="/hearings/")
    db.session.commit()
    deputy = Person(app, "deputy", factories.PASSWORD).opens("/inbox/").reads("2条未读")
    deputy.sends("第1件")
    assert deputy.path.endswith("/calendar/")
    deputy.opens("/inbox/").reads("1条未读").follows("第1件")
    assert deputy.path.endswith("/calendar/"), "once read it is a plain link"


def test_all_or_one_are_marked_and_a_second_click_changes_nothing(world, app):
    for number in (1, 2, 3):
        note(world.deputy, number)
    note(world.other_deputy, 4)
    db.session.commit()
    deputy = Person(app, "deputy", factories.PASSWORD).opens("/inbox/")
    deputy.sends("标为已读", row="第2件").reads("2条未读")
    deputy.sends("全部标为已读").reads("0条未读").does_not_read("全部标为已读")
    deputy.browser.post("/inbox/read")
    assert outbox.unread(world.deputy.id) == 0
    assert outbox.unread(world.other_deputy.id) == 1


def test_a_long_list_is_paged_and_leads_back(world, app):
    for number in range(queries.AT_ONCE + 3):
        note(world.deputy, number)
    db.session.commit()
    deputy = Person(app, "deputy", factories.PASSWORD).opens("/inbox/")
    assert len(deputy.soup.select("tbody tr")) == queries.AT_ONCE
    deputy.reads(f"第{queries.AT_ONCE + 2}件").does_not_read("第2件").follows("下一页")
    assert len(deputy.soup.select("tbody tr")) == 3
    deputy.reads("第2件", "第0件").does_not_read("下一页").follows("上一页").reads(f"第{queries.AT_ONCE + 2}件")
    deputy.opens("/inbox/?before=1").reads("没有更早的消息")


def test_what_is_unread_is_found_among_two_hundred_and_a_button_leads_back_to_its_page(world, app):
    for number in range(200):
        note(world.deputy, number)
    db.session.commit()
    outbox.mark_read(world.deputy.id, [m.id for m in queries.inbox(world.deputy.id)][:50])
    db.session.commit()
    deputy = Person(app, "deputy", factories.PASSWORD).opens("/inbox/").reads("150条未读").does_not_read("第149件")
    deputy.follows("未读").does_not_read("第150件").reads("第149件").follows("下一页").reads("第99件")
    deputy.sends("标为已读", row="第99件").does_not_read("第99件").reads("第98件", "149条未读")
    deputy.sends("全部标为已读").opens("/inbox/?show=unread").reads("您已全部读完").follows("全部消息").reads("第199件")
    assert deputy.browser.post("/inbox/read", {"id": "1", "show": "x", "before": "y"}).location == "/inbox/"


def test_nobody_opens_or_marks_what_is_anothers(world, browser):
    other = note(world.other_deputy, 1)
    db.session.commit()
    deputy = browser(world.deputy)
    for path in (f"/inbox/{other.id}", "/inbox/99999", f"/inbox/{2**40}"):
        assert deputy.post(path).status_code == 404
    assert deputy.post("/inbox/read", {"id": other.id}).status_code == 303
    assert outbox.unread(world.other_deputy.id) == 1
    for odd in ("x", "-1", "9" * 30, "%00"):
        assert deputy.get(f"/inbox/?before={odd}").status_code == 200
        assert deputy.post("/inbox/read", {"id": odd}).status_code == 404
    assert browser().get("/inbox/").status_code == 302


def test_what_people_typed_is_no_markup_in_a_message(world, browser):
    note(world.deputy, 1, subject="<script>alert(1)</script>", text="<b>粗</b>\n第二行")
    db.session.commit()
    page = browser(world.deputy).get("/inbox/").text
    assert "<script>alert(1)" not in page
    assert "&lt;b&gt;粗&lt;/b&gt;\n第二行" in page


# -- how a person is told --------------------------------------------------------------------------------


def test_a_person_chooses_mail_but_cannot_refuse_what_has_to_be_told_and_reads_why(world, app, post):
    world.deputy.email = "deputy@example.org"
    db.session.commit()
    deputy = Person(app, "deputy", factories.PASSWORD).opens("/inbox/").follows("通知方式")
    deputy.reads(
        "全部事项，发至deputy@example.org。", "《代表法》第五十一条", "21:00至次日08:00", "会议通知、变更和取消"
    )
    deputy.sends("邮件只发必须通知的事项").reads("只发必须通知的事项，发至")
    assert db.session.get(Preference, world.deputy.id).mail is False
    with clock_at(local(reminders_day(), time(9))):
        note(world.deputy, 1)
        for number, kind in enumerate(
            ("confirmation.ask", "overdue.promise", "hearing.announce", "assignment.reply"), 2
        ):
            note(world.deputy, number, kind=kind, url=f"/{number}")
        db.session.commit()
        reminders.digest()
        outbox.send_all()
    (mail,) = post.to("deputy@example.org")
    text = mail.get_body(("plain",)).get_content()
    assert "第1件" not in text
    assert all(f"第{n}件" in text for n in (2, 3, 4, 5))
    deputy.opens("/inbox/mail").sends("全部事项都发邮件").reads("全部事项，发至")
    assert db.session.get(Preference, world.deputy.id).mail is True


def reminders_day():
    from hearings.workdays import next_workday

    return next_workday(today())


def test_who_has_no_address_or_a_house_without_mail_is_told_so(world, app, post, monkeypatch):
    deputy = Person(app, "deputy", factories.PASSWORD).opens("/inbox/mail")
    deputy.reads("没有登记您的邮箱").has_no_button()
    monkeypatch.setitem(app.config, "MAIL_HOST", "")
    deputy.opens("/inbox/mail").reads("本服务器不发邮件", "站内消息和您的日历会显示全部事项").has_no_button()


def test_the_administrator_sees_how_people_are_told(begun, browser, app, post):
    admin = browser(begun.admin)
    assert re.search(r"<dt>\s*邮件\s*</dt>\s*<dd[^>]*>\s*已启用\s*<", admin.get("/settings/").text)
    app.config["MAIL_HOST"] = ""
    assert "HEARINGS_MAIL_HOST 和 HEARINGS_MAIL_FROM" in admin.get("/settings/").text


# -- what was sent ---------------------------------------------------------------------------------------


@pytest.fixture
def sent(begun, post):
    """A hearing that two people were asked to by mail; one address is dead."""
    begun.deputy.email, begun.leader.email = "deputy@example.org", "dead@example.org"
    post.answers["dead@example.org"] = ["550 5.1.1 no such user"]
    hearing = begun.hearing("announced", title="霞浦专场民生夜询会", day=today() + timedelta(days=9))
    tell()
    return hearing


def rows_of(page):
    soup = BeautifulSoup(page, "html.parser")
    return [[words_of(cell) for cell in row.find_all("td")] for row in soup.select("tbody tr")]


def mail_to(address):
    return db.session.scalars(select(Message).where(Message.address == address).order_by(Message.id)).all()


def test_a_hearing_shows_every_message_with_text_time_and_state(sent, begun, browser):
    rows = rows_of(browser(begun.organiser).get(f"/hearings/{sent.id}/sent").text)
    by_mail = {row[1].split()[-1]: row for row in rows if row[2] == "邮件"}
    good, dead = by_mail["deputy@example.org"], by_mail["dead@example.org"]
    assert good[0].startswith("邀请：霞浦专场民生夜询会 代表甲： 诚邀参加霞浦专场民生夜询会。 时间：")
    assert good[3] == "已发送"
    assert re.search(r"12:00$", good[4])
    assert dead[3] == "发送失败 对方服务器说没有这个邮箱 服务器原话：550 5.1.1 no such user"
    inbox = next(row for row in rows if row[2] == "站内消息" and row[1].startswith("代表甲"))
    assert inbox[3] == "未读"
    outbox.mark_read(begun.deputy.id)
    db.session.commit()
    rows = rows_of(browser(begun.organiser).get(f"/hearings/{sent.id}/sent").text)
    assert any(row[3].endswith("12:00已读") for row in rows)
    page = browser(begun.organiser).get(f"/hearings/{sent.id}/answers").text
    assert "550 5.1.1 no such user" in page


def test_nobody_else_reads_the_link_by_which_a_person_answers(sent, begun, browser):
    link = re.search(r"/r/\d+-[a-z2-7]+", mail_to("deputy@example.org")[0].text)[0]
    for reader in (begun.organiser, begun.leader, begun.auditor):
        for path in (f"/hearings/{sent.id}/sent", f"/sent/{begun.deputy.id}"):
            page = browser(reader).get(path)
            assert page.status_code == 200 and "/r/…" in page.text and link not in page.text
    assert link in browser(begun.deputy).get(f"/sent/{begun.deputy.id}").text


def test_what_waits_for_another_try_and_what_went_perhaps_twice_is_said(sent, begun, browser):
    good, dead = mail_to("deputy@example.org")[0], mail_to("dead@example.org")[0]
    good.maybe_twice = True
    dead.state, dead.error, dead.attempts = MessageState.WAITING, "451 greylisted", 2
    dead.send_after = now() + timedelta(minutes=5)
    db.session.commit()
    page = browser(begun.organiser).get(f"/hearings/{sent.id}/sent").text
    assert "可能发送两次" in page
    states = " ".join(row[3] for row in rows_of(page))
    assert re.search(r"等待发送 已尝试2次，\S+ 12:05再试 服务器原话：451 greylisted", states)


def test_sending_again_makes_one_more_mail_however_often_it_is_clicked(sent, begun, browser, post):
    organiser = browser(begun.organiser)
    (first,) = mail_to("deputy@example.org")
    path = f"/hearings/{sent.id}/sent/again"
    for _ in range(3):
        assert organiser.post(path, {"message": first.id}).status_code == 303
    assert "已在发送，不必重复。" in organiser.get(f"/hearings/{sent.id}/sent").text
    tell()
    assert len(post.to("deputy@example.org")) == 2
    again = mail_to("deputy@example.org")[-1]
    assert organiser.post(path, {"message": again.id}).status_code == 303
    tell()
    assert len(post.to("deputy@example.org")) == 3, "and later once more, also from the copy"
    assert len({m.key for m in mail_to("deputy@example.org")}) == 3


def test_it_is_sent_again_from_the_page_of_one_person_too(sent, begun, browser, post):
    begun.organiser.email = "organiser@example.org"
    (first,) = mail_to("deputy@example.org")
    first.reply_to = "organiser@example.org"
    db.session.commit()
    where = f"/sent/{begun.deputy.id}"
    organiser = browser(begun.organiser)
    path = f"/hearings/{sent.id}/sent/again"
    assert f'action="{path}"' in organiser.get(where).text
    answer = organiser.post(path, {"message": first.id, "to": "person"})
    assert (answer.status_code, answer.location) == (303, where)
    tell()
    mails = post.to("deputy@example.org")
    assert len(mails) == 2 and mails[1]["Reply-To"] == "organiser@example.org"
    for who in (begun.auditor, begun.leader):
        assert "/sent/again" not in browser(who).get(where).text
    assert "/sent/again" not in browser(begun.deputy).get(where).text, "nobody sends themselves anything"


def test_a_failed_mail_sent_again_arrives_once_the_address_lives(sent, begun, browser, post):
    post.answers.clear()
    (dead,) = mail_to("dead@example.org")
    assert browser(begun.organiser).post(f"/hearings/{sent.id}/sent/again", {"message": dead.id}).status_code == 303
    tell()
    assert [m.state for m in mail_to("dead@example.org")] == ["failed", "sent"]
    assert "550 5.1.1" not in browser(begun.organiser).get(f"/hearings/{sent.id}/answers").text


def test_what_a_later_mail_has_overtaken_is_not_sent_again(sent, begun, browser, post):
    (first,) = mail_to("deputy@example.org")
    moved = factories.evening(today() + timedelta(days=12))
    schedule.reschedule(sent, station=begun.station, reason="检修", actor=begun.organiser, **moved)
    tell()
    organiser = browser(begun.organiser)
    answer = organiser.post(f"/hearings/{sent.id}/sent/again", {"message": first.id})
    assert answer.status_code == 409
    assert "请重新发送最新的一封" in answer.text
    newest = mail_to("deputy@example.org")[-1]
    assert organiser.post(f"/hearings/{sent.id}/sent/again", {"message": newest.id}).status_code == 303
    tell()
    assert len(post.to("deputy@example.org")) == 3


def test_only_who_organises_sends_again_and_only_a_mail_of_that_hearing(sent, begun, browser):
    (first,) = mail_to("deputy@example.org")
    other = begun.hearing("announced", station=begun.other_station)
    path = f"/hearings/{sent.id}/sent/again"
    organiser = browser(begun.organiser)
    inbox = db.session.scalars(select(Message).where(Message.channel == "inbox")).first()
    assert organiser.post(path, {"message": inbox.id}).status_code == 409
    for odd in ("99999", "x", "", "9" * 30):
        assert organiser.post(path, {"message": odd}).status_code == 404
    assert organiser.post(f"/hearings/{other.id}/sent/again", {"message": first.id}).status_code == 404
    assert browser(begun.department).get(f"/hearings/{sent.id}/sent").status_code == 403
    assert browser(begun.auditor).get(f"/hearings/{sent.id}/sent").status_code == 200
    assert "重新发送" not in browser(begun.auditor).get(f"/hearings/{sent.id}/sent").text
    assert browser(begun.auditor).post(path, {"message": first.id}).status_code == 403


def test_a_hearing_nobody_was_told_of_says_so(begun, browser):
    draft = begun.hearing("draft")
    assert "还没有发送过消息" in browser(begun.organiser).get(f"/hearings/{draft.id}/sent").text


def test_what_was_sent_to_a_person_is_read_by_them_and_by_who_organises(sent, begun, app, browser):
    elsewhere = begun.hearing("announced", station=begun.other_station, title="小港专场民生夜询会")
    tell()
    deputy = Person(app, "deputy", factories.PASSWORD).opens("/inbox/mail").follows("发给我的记录")
    deputy.reads("邀请：霞浦专场民生夜询会", "小港专场民生夜询会", "deputy@example.org")
    organiser = Person(app, "organiser", factories.PASSWORD).opens(f"/hearings/{sent.id}/sent").follows("代表甲")
    assert organiser.path.endswith(f"/sent/{begun.deputy.id}")
    organiser.reads("发给代表甲的记录", "邀请：霞浦专场民生夜询会", "小港专场民生夜询会")
    street = browser(begun.street).get(f"/sent/{begun.deputy.id}").text
    assert "霞浦专场" in street, "a hearing of the own station"
    assert elsewhere.title not in street
    for who in (begun.other_deputy, begun.department, begun.admin):
        assert browser(who).get(f"/sent/{begun.deputy.id}").status_code == 404
        assert browser(who).get(f"/sent/{who.id}").status_code == 200
    assert browser(begun.organiser).get("/sent/99999").status_code == 404
    assert browser(begun.organiser).get(f"/sent/{2**40}").status_code == 404
