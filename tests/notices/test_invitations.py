"""A hearing in people's calendars by mail: asked, changed, called off, answered; and every answer that is none."""

import re
from datetime import datetime, timedelta

import pytest
import vobject
from sqlalchemy import select

from hearings.calendars import ics
from hearings.db import clock_at, db, local, now, today
from hearings.notices import inbound, invitations, news, outbox
from hearings.notices.models import DoubtfulAnswer, Invitation, Message, Reply
from hearings.schedule import operations as schedule
from tests.factories import evening

NOON = datetime.min.time().replace(hour=12)


@pytest.fixture(autouse=True)
def _by_day():
    with clock_at(local(today(), NOON)):
        yield


@pytest.fixture
def asked(begun, post):
    """An announced hearing whose first deputy has an address; the invitation has gone out."""
    begun.deputy.email = "Deputy@Example.org"
    hearing = begun.hearing("announced")
    tell()
    return hearing


def tell():
    """One round of the worker."""
    news.read()
    db.session.commit()
    outbox.send_all()
    db.session.commit()


def calendar_of(mail):
    (part,) = [p for p in mail.walk() if p.get_content_type() == "text/calendar"]
    return part, part.get_content() if isinstance(part.get_content(), str) else part.get_content().decode()


def event_of(mail):
    return vobject.readOne(calendar_of(mail)[1]).vevent


def one():
    return db.session.scalars(select(Invitation)).one()


def reply(hearing, mail, answer="ACCEPTED", **bend):
    """The answer a client makes of an invitation."""
    text = calendar_of(mail)[1].replace("METHOD:REQUEST", f"METHOD:{bend.get('method', 'REPLY')}")
    text = text.replace("PARTSTAT=NEEDS-ACTION", f"PARTSTAT={answer}")
    for old, new in bend.get("swap", ()):
        text = text.replace(old, new)
    to = bend.get("to", re.search("mailto:(yexunhui.*)", text.replace("\r\n ", ""))[1].strip())
    return (
        f"From: {bend.get('sender', 'deputy@example.org')}\r\nTo: {to}\r\nSubject: x\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/calendar; charset=utf-8; method=REPLY\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\n" + text
    ).encode()


def test_announcing_asks_each_person_with_an_address_once(asked, post):
    (mail,) = post.to("deputy@example.org")
    assert mail["Subject"] == f"邀请：{asked.title}"
    assert [p.get_content_type() for p in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
        "application/ics",
    ]
    part, _text = calendar_of(mail)
    assert part.get_param("method") == "REQUEST"
    assert part.get_param("charset").lower() == "utf-8"
    assert part["Content-Disposition"] is None
    assert part["Content-Transfer-Encoding"] == "base64"
    event = event_of(mail)
    assert event.uid.value == f"hearing-{asked.uid}@yexunhui.local"
    assert event.sequence.value == str(asked.sequence)
    assert event.attendee.value == "mailto:deputy@example.org"
    assert event.attendee.params["RSVP"] == ["TRUE"]
    own = mail["From"].addresses[0].addr_spec
    assert event.organizer.value == f"mailto:{own}"
    assert own.startswith("yexunhui+") and own.endswith("@rd.example")
    assert event.dtstart.value == asked.starts_at
    assert mail["Auto-Submitted"] == "auto-generated"
    tell()
    assert len(post.mails) == 1


def test_what_is_undone_within_the_minute_was_never_said(begun, post, app):
    app.config["NEWS_DELAY"] = 60
    begun.deputy.email = "deputy@example.org"
    hearing = begun.hearing("announced")
    tell()
    assert post.mails == []
    schedule.cancel(hearing, reason="弄错了", actor=begun.organiser)
    db.session.commit()
    with clock_at(now() + timedelta(seconds=90)):
        tell()
    assert post.mails == [], "nobody was asked, so nobody is told that it is off"


def test_several_changes_within_a_minute_are_one_mail(asked, begun, post, app):
    app.config["NEWS_DELAY"] = 60
    for days in (1, 2):
        schedule.reschedule(
            asked,
            station=begun.other_station,
            reason="场地冲突",
            actor=begun.organiser,
            **evening(asked.day + timedelta(days=days)),
        )
    db.session.commit()
    with clock_at(now() + timedelta(seconds=90)):
        tell()
    first, second = post.to("deputy@example.org")
    assert second["Subject"] == f"变更：{asked.title}"
    text = second.get_body(("plain",)).get_content()
    assert "时间由" in text and "地点改为" in text
    event = event_of(second)
    assert int(event.sequence.value) > int(event_of(first).sequence.value)
    assert event.uid.value == event_of(first).uid.value
    assert event.dtstart.value == asked.starts_at
    assert "时间由" in event.comment.value
    assert event.attendee.params["PARTSTAT"] == ["NEEDS-ACTION"]


def test_a_mended_title_goes_to_no_mailbox(asked, begun, post):
    schedule.amend_hearing(asked, {"title": "改正了错字的题目"}, actor=begun.organiser)
    db.session.commit()
    tell()
    assert len(post.mails) == 1


def test_who_is_taken_off_the_list_is_told_alone(asked, begun, post):
    begun.other_deputy.email = "other@example.org"
    seats = db.session.scalars(select(schedule.Participant).where(schedule.Participant.hearing_id == asked.id)).all()
    other = next(s for s in seats if s.user_id == begun.other_deputy.id)
    other.email = "other@example.org"
    schedule.audit.record("participant.amend", other, begun.organiser)
    db.session.commit()
    tell()
    assert len(post.to("other@example.org")) == 1
    mine = next(s for s in seats if s.user_id == begun.deputy.id)
    schedule.remove_participant(mine, actor=begun.organiser)
    db.session.commit()
    tell()
    assert [m["Subject"] for m in post.to("deputy@example.org")][1] == f"不再需要参加：{asked.title}"
    assert calendar_of(post.to("deputy@example.org")[1])[0].get_param("method") == "CANCEL"
    assert len(post.to("other@example.org")) == 1


def test_calling_off_reaches_everybody_and_frees_the_evening(asked, begun, post):
    schedule.cancel(asked, reason="台风红色预警", actor=begun.organiser)
    db.session.commit()
    tell()
    mail = post.to("deputy@example.org")[1]
    event = event_of(mail)
    assert calendar_of(mail)[0].get_param("method") == "CANCEL"
    assert (event.status.value, event.transp.value) == ("CANCELLED", "TRANSPARENT")
    assert not hasattr(event, "valarm"), "RFC 5546 3.2.5"
    assert "台风红色预警" in mail.get_body(("plain",)).get_content()


def test_the_link_shows_a_page_and_only_a_post_answers(asked, browser, post):
    text = post.mails[0][1].get_body(("plain",)).get_content()
    path = re.search(r"http://localhost(/r/\S+)", text)[1]
    scanner = browser()
    for method in ("GET", "HEAD"):
        assert scanner.open(path, method=method).status_code == 200
    assert one().answer == Reply.NONE
    done = scanner.post(path, {"answer": "declined", "delegate": "副局长 孙某", "note": "出差"})
    assert done.status_code == 303
    assert "您的答复已记录" in scanner.get(path).text
    row = one()
    assert (row.answer, row.answered_by, row.delegate, row.note) == (Reply.DECLINED, "link", "副局长 孙某", "出差")
    assert scanner.post(path, {"answer": "nonsense"}).status_code == 422
    assert scanner.post(path, {"answer": "accepted", "delegate": "孙某"}).status_code == 422
    assert scanner.get(path[:-1] + "a").status_code in (404, 200)
    assert scanner.get("/r/1-aaaa").status_code == 404
    assert scanner.get("/r/" + "9" * 300).status_code == 404


def test_after_the_hearing_the_link_takes_no_answer(asked, browser):
    path = f"/r/{invitations.token_of(one())}"
    db.session.commit()
    with clock_at(asked.ends_at + timedelta(minutes=1)):
        assert "不再接受答复" in browser().get(path).text
        browser().post(path, {"answer": "accepted"})
    assert one().answer == Reply.NONE


@pytest.mark.parametrize(
    ("answer", "noted"), [("ACCEPTED", "accepted"), ("TENTATIVE", "tentative"), ("DECLINED", "declined")]
)
def test_the_buttons_of_a_mail_program_answer(asked, post, answer, noted):
    assert inbound.take(reply(asked, post.mails[0][1], answer)) == f"noted: {noted}"
    assert (one().answer, one().answered_by) == (noted, "mail")


def test_a_reply_to_our_bare_address_counts_when_our_server_vouches(asked, post, app):
    raw = reply(asked, post.mails[0][1], to="yexunhui@rd.example")
    assert inbound.take(raw) == "for a person: forged"
    app.config["MAIL_AUTHSERV"] = "mx.rd.example"
    try:
        vouched = b"Authentication-Results: mx.rd.example; dmarc=pass header.from=example.org\r\n" + raw
        assert inbound.take(vouched) == "noted: accepted"
        other = b"Authentication-Results: evil.example; dmarc=pass header.from=example.org\r\n" + raw
        assert inbound.take(other) == "for a person: forged"
    finally:
        app.config["MAIL_AUTHSERV"] = ""


def test_answers_that_a_person_must_look_at(asked, post, browser, begun):
    mail = post.mails[0][1]
    swap = [("mailto:deputy@example.org", "mailto:stranger@example.org")]
    assert inbound.take(reply(asked, mail, swap=swap)) == "for a person: unknown"
    assert inbound.take(reply(asked, mail, method="COUNTER")) == "for a person: counter"
    assert inbound.take(reply(asked, mail, "DELEGATED")) == "for a person: delegated"
    assert inbound.take(reply(asked, mail, "X-MAYBE")) == "for a person: unreadable"
    assert inbound.take(reply(asked, mail, "X-MAYBE")) == "for a person: unreadable"
    assert one().answer == Reply.NONE
    assert len(db.session.scalars(select(DoubtfulAnswer)).all()) == 4, "the same mail twice is one line"
    page = browser(begun.organiser).get(f"/hearings/{asked.id}/answers")
    assert "stranger@example.org" in page.text
    row = db.session.scalars(select(DoubtfulAnswer)).first()
    done = browser(begun.organiser).post(f"/hearings/{asked.id}/answers/settle", {"answer": row.id})
    assert done.status_code == 303
    assert browser(begun.deputy).post(f"/hearings/{asked.id}/answers/settle", {"answer": row.id}).status_code == 403


def test_answers_that_are_none(asked, post, begun):
    mail = post.mails[0][1]
    assert inbound.take(b"") == "dropped: no calendar"
    assert inbound.take(b"\xff\xfe\x00" * 50) == "dropped: no calendar"
    assert inbound.take(b"x" * (inbound.MOST_MAIL + 1)) == "dropped: too large"
    huge = reply(asked, mail, swap=[("COMMENT", "COMMENT"), ("END:VEVENT", f"X-A:{'a' * 300_000}\r\nEND:VEVENT")])
    assert inbound.take(huge) == "dropped: no calendar"
    assert inbound.take(reply(asked, mail, swap=[("BEGIN:VCALENDAR", "BEGIN:NOTHING")])).startswith("dropped")
    automatic = b"Auto-Submitted: auto-replied\r\nFrom: deputy@example.org\r\n\r\nI am away"
    assert inbound.take(automatic) == "dropped: automatic"
    assert one().answer == Reply.NONE


def test_late_doubled_and_stale_answers(asked, post, begun):
    mail = post.mails[0][1]
    assert inbound.take(reply(asked, mail, "ACCEPTED")) == "noted: accepted"
    assert inbound.take(reply(asked, mail, "ACCEPTED")) == "noted: accepted"
    schedule.reschedule(
        asked, station=asked.station, reason="冲突", actor=begun.organiser, **evening(asked.day + timedelta(days=1))
    )
    db.session.commit()
    tell()
    assert one().answer == Reply.NONE, "a new time asks anew"
    assert inbound.take(reply(asked, mail, "DECLINED")) == "ignored: stale"
    fresh = post.mails[-1][1]
    assert inbound.take(reply(asked, fresh, "DECLINED")) == "noted: declined"
    schedule.cancel(asked, reason="台风", actor=begun.organiser)
    db.session.commit()
    assert inbound.take(reply(asked, fresh, "ACCEPTED")) == "ignored: over"


def test_asking_again_goes_to_those_who_have_not_answered_once_a_day(asked, begun, browser, post):
    organiser = browser(begun.organiser)
    page = organiser.get(f"/hearings/{asked.id}/answers").text
    assert "未答复" in page
    for _ in range(2):
        assert organiser.post(f"/hearings/{asked.id}/answers/remind").status_code == 303
    tell()
    assert [m["Subject"] for m in post.to("deputy@example.org")] == [
        f"邀请：{asked.title}",
        f"请答复：{asked.title}",
    ]
    assert browser(begun.deputy).get(f"/hearings/{asked.id}/answers").status_code == 403
    assert browser(begun.leader).post(f"/hearings/{asked.id}/answers/remind").status_code == 403


NASTY = ['"x" <a@b>\r\nBcc: evil@example.org', "名字,;:<>@", "x" * 300, "碶某某\u202e", "\x00\x01"]


@pytest.mark.parametrize("name", NASTY, ids=range(len(NASTY)))
def test_no_name_or_title_opens_a_header(begun, post, name):
    begun.deputy.email = "deputy@example.org"
    begun.deputy.name = name.replace("\x00", "")
    hearing = begun.hearing("announced", title=f"题目\r\nBcc: evil@example.org {'长' * 250}")
    tell()
    (mail,) = post.to("deputy@example.org")
    assert mail["Bcc"] is None
    assert len(mail.get_all("To")) == 1
    assert "\n" not in mail["Subject"]
    event = event_of(mail)
    assert event.uid.value == f"hearing-{hearing.uid}@yexunhui.local"
    assert {who for who, _mail in post.mails} == {"deputy@example.org"}


def test_what_was_sent_can_be_read_and_sent_again(asked, begun, browser, post):
    organiser = browser(begun.organiser)
    page = organiser.get(f"/hearings/{asked.id}/sent").text
    assert f"邀请：{asked.title}" in page
    message = db.session.scalars(select(Message).where(Message.channel == "mail")).one()
    assert organiser.post(f"/hearings/{asked.id}/sent/again", {"message": message.id}).status_code == 303
    tell()
    assert len(post.to("deputy@example.org")) == 2
    assert organiser.post(f"/hearings/{asked.id}/sent/again", {"message": 99999}).status_code == 404
    assert browser(begun.department).get(f"/hearings/{asked.id}/sent").status_code == 403


def test_an_answer_is_read_by_nobody_elses_library():
    assert ics.read_answer(b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n") is None
