"""Whether mail works, as the administrator sees it: what is set, a test mail, what failed, who was last at work."""

import re
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from hearings.audit import AuditEvent
from hearings.db import clock_at, db, local, now, today
from hearings.notices import inbound, outbox, state
from hearings.notices.models import Heartbeat, Invitation, Message, MessageState
from tests.notices.test_invitations import asked, one, tell  # noqa: F401

pytestmark = pytest.mark.usefixtures("by_day")
PAGE = "/settings/mail"


def write(number=1, **more):
    fields = {"kind": "digest", "channel": "mail", "subject": f"第{number}封", "text": "私下的话"}
    made = outbox.write(key=f"m{number}", **(fields | {"address": "a@example.org", "name": "甲"} | more))
    db.session.commit()
    return made


def said(answer):
    """The sentences of a page, without its tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.text))


def test_only_an_administrator_sees_it_and_tries_it(world, browser):
    for who in (world.auditor, world.organiser, world.street, world.deputy, world.department, world.leader):
        one_ = browser(who)
        assert one_.get(PAGE).status_code == 403
        for act in ("try", "read", "again"):
            assert one_.post(f"{PAGE}/{act}").status_code == 403
    admin = browser(world.admin)
    assert f'href="{PAGE}"' in admin.get("/settings/").text
    assert admin.get(PAGE).status_code == 200


def test_a_house_without_a_mail_server_says_what_to_set(world, browser):
    world.admin.email = "admin@example.org"
    db.session.commit()
    admin = browser(world.admin)
    page = said(admin.get(PAGE))
    assert "不发送邮件：未设置 HEARINGS_MAIL_HOST" in page and "不读取邮箱" in page and "发送程序尚未运行过" in page
    assert admin.post(f"{PAGE}/try").status_code == 409
    assert admin.post(f"{PAGE}/read").status_code == 409
    admin.post(f"{PAGE}/again")
    assert "没有需要重新发送的邮件" in admin.get(PAGE).text


def test_a_test_mail_goes_to_oneself_at_once_and_the_servers_word_is_shown(world, browser, post, app):
    admin = browser(world.admin)
    assert "登记您本人的邮箱" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/try").status_code == 409
    world.admin.email = "admin@example.org"
    db.session.commit()
    app.config["MAIL_PASSWORD"] = "not to be shown"
    try:
        page = said(admin.get(PAGE))
    finally:
        app.config["MAIL_PASSWORD"] = ""
    assert f"127.0.0.1:{app.config['MAIL_PORT']}" in page and "yexunhui@rd.example" in page
    assert "not to be shown" not in page
    assert admin.post(f"{PAGE}/try").status_code == 303
    assert "邮件服务器已接收发往admin@example.org的测试邮件" in admin.get(PAGE).text
    ((to, mail),) = post.mails
    assert to == "admin@example.org" and "测试邮件" in mail["subject"]
    assert db.session.scalar(select(AuditEvent.id).where(AuditEvent.action == "setting.try_mail"))
    post.answers["admin@example.org"] = ["550 5.1.1 no such user"]
    admin.post(f"{PAGE}/try")
    page = said(admin.get(PAGE))
    assert "未能发出：对方服务器说没有这个邮箱" in page and "550 5.1.1 no such user" in page
    kept, app.config["MAIL_PORT"] = app.config["MAIL_PORT"], 1
    try:
        admin.post(f"{PAGE}/try")
        assert "ConnectionRefusedError" in admin.get(PAGE).text
    finally:
        app.config["MAIL_PORT"] = kept


def test_what_waits_and_what_failed_stand_there_until_mail_arrives_again(world, browser, post):
    admin = browser(world.admin)
    post.answers |= {"a@example.org": ["550 5.1.1 nobody"], "b@example.org": ["451 later"]}
    write(1, user_id=world.deputy.id)
    write(2, user_id=world.deputy.id)
    write(3, address="b@example.org", name="乙")
    outbox.send_all()
    page = said(admin.get(PAGE))
    assert "1封，最早" in page
    assert "a@example.org" in page and "550 5.1.1 nobody" in page and "b@example.org" not in page
    assert "私下的话" not in page and "第1封" not in page, (
        "what people are told is none of the administrator's business"
    )
    assert f'href="/people/{world.deputy.id}"' in admin.get(PAGE).text
    del post.answers["a@example.org"]
    write(4)
    outbox.send_all()
    assert "未能送达" not in admin.get(PAGE).text


def test_what_our_own_server_could_not_send_is_sent_again_at_a_press(world, browser, post):
    admin = browser(world.admin)
    dead, ours = write(1, address="dead@example.org"), write(2, address="fine@example.org")
    for row, words in ((dead, "550 5.1.1 nobody"), (ours, "535 5.7.8 authentication failed")):
        row.state, row.error, row.attempts = MessageState.FAILED, words, 7
    db.session.commit()
    assert "因本单位邮件服务器未能发出的有1封" in admin.get(PAGE).text
    assert admin.post(f"{PAGE}/again").status_code == 303
    assert outbox.send_all() == 1
    assert [to for to, _mail in post.mails] == ["fine@example.org"]
    page = admin.get(PAGE).text
    assert "dead@example.org" in page and "fine@example.org" not in page
    admin.post(f"{PAGE}/again")
    assert outbox.send_all() == 0


def test_the_worker_says_that_it_is_there_and_its_silence_is_on_the_front_page(app, world, browser):
    admin, organiser = browser(world.admin), browser(world.organiser)
    assert "通知发不出去" not in admin.get("/").text, "a house that has never had one is being set up"
    assert app.test_cli_runner().invoke(args=["worker", "--once"]).exit_code == 0
    assert "运行中" in admin.get(PAGE).text
    with clock_at(now() + timedelta(minutes=11)):
        assert "发送程序最近一次活动是" in said(admin.get(PAGE))
        front = admin.get("/").text
        assert "发送程序已停止" in front and f'href="{PAGE}"' in front
        assert "发送程序已停止" not in organiser.get("/").text


def test_a_server_that_takes_nothing_is_on_the_front_page_but_not_at_night(world, browser, post):
    post.answers["a@example.org"] = ["451 later"]
    write()
    noon = local(today(), time(12))
    for minutes in (0, 2, 8):
        with clock_at(noon + timedelta(minutes=minutes)):
            outbox.send_all()
    with clock_at(noon + timedelta(minutes=12)):
        assert "邮件服务器不接收" in browser(world.admin).get("/").text
    with clock_at(local(today(), time(23))):
        assert "邮件服务器不接收" not in browser(world.admin).get("/").text


def test_one_of_several_workers_reads_the_mailbox_every_few_minutes(world, monkeypatch, app):
    fetched = []
    monkeypatch.setattr(inbound, "fetch", lambda: fetched.append(1) or ["noted: accepted"])
    assert inbound.fetch_now_and_then() == 0, "none is set"
    monkeypatch.setitem(app.config, "MAIL_IMAP_HOST", "127.0.0.1")
    assert [inbound.fetch_now_and_then() for _ in range(3)] == [1, 0, 0]
    with clock_at(now() + timedelta(minutes=6)):
        assert inbound.fetch_now_and_then() == 1
    monkeypatch.setitem(app.config, "MAIL_IMAP_MINUTES", 0)
    with clock_at(now() + timedelta(minutes=20)):
        assert inbound.fetch_now_and_then() == 0
    assert len(fetched) == 2


def test_a_mailbox_that_cannot_be_read_is_told_to_the_administrator(world, browser, monkeypatch, app):
    admin = browser(world.admin)
    for name, value in (("HOST", "127.0.0.1"), ("PORT", 1), ("SECURITY", "")):
        monkeypatch.setitem(app.config, f"MAIL_IMAP_{name}", value)
    assert inbound.fetch_now_and_then() == 0
    page = said(admin.get(PAGE))
    assert "未能读取" in page and "ConnectionRefusedError" in page
    assert "邮箱无法读取" in admin.get("/").text
    admin.post(f"{PAGE}/read")
    assert "邮箱未能读取" in admin.get(PAGE).text
    state.ended("mailbox")
    db.session.commit()
    assert "邮箱无法读取" not in admin.get("/").text
    assert db.session.get(Heartbeat, "mailbox").at is not None


# -- what comes back -------------------------------------------------------------------------------------


def report(message_id, *, action="failed", status="5.1.1", words="smtp; 550 5.1.1 <x>: unknown user", kind="rfc822"):
    """A report as Postfix writes it (RFC 3464)."""
    returned = (
        f"Content-Type: message/rfc822\r\n\r\nMessage-ID: {message_id}\r\nSubject: x\r\n\r\nbody\r\n"
        if kind == "rfc822"
        else f"Content-Type: text/rfc822-headers\r\n\r\nMessage-ID: {message_id}\r\nSubject: x\r\n\r\n"
    )
    return (
        "From: MAILER-DAEMON@relay.example\r\nTo: yexunhui@rd.example\r\nAuto-Submitted: auto-replied\r\n"
        "Subject: Undelivered Mail Returned to Sender\r\nMIME-Version: 1.0\r\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="B"\r\n\r\n'
        "--B\r\nContent-Type: text/plain\r\n\r\nI'm sorry.\r\n"
        "--B\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; relay.example\r\n\r\n"
        f"Final-Recipient: rfc822; x@example.org\r\nAction: {action}\r\nStatus: {status}\r\n"
        f"Diagnostic-Code: {words}\r\n\r\n"
        f"--B\r\n{returned}--B--\r\n"
    ).encode()


@pytest.mark.parametrize("kind", ["rfc822", "headers"])
def test_an_invitation_that_comes_back_is_shown_to_the_organiser_as_not_delivered(asked, begun, browser, post, kind):  # noqa: F811
    mail = post.mails[0][1]
    assert inbound.take(report(mail["Message-ID"], kind=kind)) == "came back: deputy@example.org"
    db.session.commit()
    assert one().trouble.startswith("550 5.1.1")
    page = browser(begun.organiser).get(f"/hearings/{asked.id}/answers").text
    assert "对方服务器说没有这个邮箱" in page and "更正邮箱" in page
    assert "deputy@example.org" in browser(begun.admin).get(PAGE).text


def test_a_report_without_codes_in_its_words_is_read_by_its_status(asked, begun, post):  # noqa: F811
    assert inbound.take(report(post.mails[0][1]["Message-ID"], status="5.2.2", words="X-Other; over quota"))
    assert one().trouble == "550 5.2.2 over quota"


def test_what_is_late_or_none_of_ours_changes_nothing(asked, begun, post):  # noqa: F811
    own = post.mails[0][1]["Message-ID"]
    assert inbound.take(report(own, action="delayed")).startswith("dropped")
    number = re.match(r"<(\d+)\.", own)[1]
    for odd in ("", "<x@y>", f"<{number}.{'0' * 20}@{own.rpartition('@')[2]}", f"<999999.{'0' * 20}@x>", "<" * 5000):
        assert inbound.take(report(odd)).startswith("dropped")
    assert one().trouble is None
    assert db.session.scalars(select(Message.state).where(Message.channel == "mail")).all() == ["sent"]
    assert db.session.scalars(select(Invitation)).one().withdrawn_at is None
