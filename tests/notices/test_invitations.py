"""A hearing in people's calendars by mail: asked, changed, called off, answered; and every answer that is none."""

import base64
import re
from datetime import timedelta

import pytest
import vobject
from sqlalchemy import select

from hearings import undo
from hearings.calendars import ics
from hearings.db import clock_at, db, now, today
from hearings.desk.handover import hand_over
from hearings.notices import inbound, invitations, news, outbox, reminders
from hearings.notices.models import DoubtfulAnswer, Invitation, Message, Reply
from hearings.people import operations as users
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Capacity
from tests import factories
from tests.factories import evening
from tests.schedule.helpers import form_of

pytestmark = pytest.mark.usefixtures("by_day")


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


def doubts():
    return db.session.scalars(select(DoubtfulAnswer).order_by(DoubtfulAnswer.id)).all()


def move(hearing, world, days=1):
    """To another day, and the mails about it."""
    schedule.reschedule(
        hearing,
        station=hearing.station,
        reason="场地冲突",
        actor=world.organiser,
        **evening(hearing.day + timedelta(days=days)),
    )
    db.session.commit()
    tell()


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
    page = scanner.get(path).text
    assert re.findall(r'name="answer"\s+value="(\w+)">([^<]+)<', page) == [
        ("accepted", "参加"), ("tentative", "待定"), ("declined", "不参加"),
    ]  # fmt: skip
    assert scanner.post(path).status_code == 422, "no button, no answer"
    assert one().answer == Reply.NONE
    said = {"answer": "declined", "delegate": "孙某", "delegate_title": "副局长", "note": "出差"}
    done = scanner.post(path, said)
    assert done.status_code == 303
    assert "您的答复已记录" in scanner.get(path).text
    row = one()
    assert (row.answer, row.answered_by, row.delegate, row.note) == (Reply.DECLINED, "link", "孙某", "出差")
    assert scanner.post(path, {"answer": "nonsense"}).status_code == 422
    assert scanner.post(path, {"answer": "accepted", "delegate": "孙某"}).status_code == 422
    assert scanner.get(path[:-1] + "a").status_code in (404, 200)
    assert scanner.get("/r/1-aaaa").status_code == 404
    assert scanner.get("/r/" + "9" * 300).status_code == 404


def test_an_answer_for_another_evening_is_not_taken(asked, browser, begun):
    path = f"/r/{invitations.token_of(one())}"
    guest = browser()
    old = form_of(guest.get(path)) | {"answer": "accepted", "note": "准时参加"}
    schedule.reschedule(
        asked,
        starts_at=asked.starts_at + timedelta(days=1),
        ends_at=asked.ends_at + timedelta(days=1),
        station=asked.station,
        reason="场地维修",
        actor=begun.organiser,
    )
    db.session.commit()
    answer = guest.post(path, old)
    assert answer.status_code == 422 and "准时参加" in answer.text
    assert one().answer == Reply.NONE
    fresh = form_of(answer) | {"answer": "accepted"}
    assert guest.post(path, fresh).status_code == 303 and one().answer == Reply.ACCEPTED


def test_what_was_said_of_another_evening_goes_with_the_answer(asked, browser, begun):
    browser().post(f"/r/{invitations.token_of(one())}", {"answer": "accepted", "note": "准时参加"})
    assert one().note == "准时参加"
    schedule.reschedule(
        asked,
        starts_at=asked.starts_at + timedelta(days=1),
        ends_at=asked.ends_at + timedelta(days=1),
        station=asked.station,
        reason="场地维修",
        actor=begun.organiser,
    )
    db.session.commit()
    tell()
    assert (one().answer, one().note) == (Reply.NONE, None)


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
        whole = b"Authentication-Results: mx.rd.example; spf=none; dmarc=pass (p=none) header.from=Example.org\r\n"
        assert inbound.take(whole + raw) == "noted: accepted"
    finally:
        app.config["MAIL_AUTHSERV"] = ""


@pytest.mark.parametrize(
    "result",
    [
        "dmarc=fail header.from=example.org",
        "dmarc=pass header.from=example.org.evil.example",
        "dmarc=fail header.from=example.org; spf=pass smtp.mailfrom=dmarc=pass@evil.example",
        'dmarc=fail header.from=example.org; spf=pass smtp.mailfrom="; dmarc=pass header.from=example.org "@evil.example',
        "dmarc=fail header.from=example.org (because; dmarc=pass header.from=example.org )",
        "dmarc=fail header.from=example.org (because (of); dmarc=pass header.from=example.org )",
        "spf=pass smtp.mailfrom=evil.example; dmarc=pass header.from=evil.example; x=header.from=example.org",
    ],
)
def test_our_server_vouches_for_the_domain_in_its_own_words_only(asked, post, app, result):
    app.config["MAIL_AUTHSERV"] = "mx.rd.example"
    raw = reply(asked, post.mails[0][1], to="yexunhui@rd.example")
    assert inbound.take(f"Authentication-Results: mx.rd.example; {result}\r\n".encode() + raw) == "for a person: forged"


def test_answers_that_a_person_must_look_at(asked, post, browser, begun):
    mail = post.mails[0][1]
    swap = [("mailto:deputy@example.org", "mailto:stranger@example.org")]
    assert inbound.take(reply(asked, mail, swap=swap)) == "for a person: unknown"
    assert inbound.take(reply(asked, mail, method="COUNTER")) == "for a person: counter"
    assert inbound.take(reply(asked, mail, "DELEGATED")) == "for a person: delegated"
    assert inbound.take(reply(asked, mail, "X-MAYBE")) == "for a person: unreadable"
    assert inbound.take(reply(asked, mail, "X-MAYBE")) == "for a person: unreadable"
    elsewhere = [(f"hearing-{asked.uid}@", "hearing-of-somebody@")]
    assert inbound.take(reply(asked, mail, swap=elsewhere)) == "for a person: unknown"
    assert one().answer == Reply.NONE
    assert len(doubts()) == 5, "the same mail twice is one line"
    page = browser(begun.organiser).get(f"/hearings/{asked.id}/answers")
    assert "stranger@example.org" in page.text
    first = doubts()[0].id
    to = f"/hearings/{asked.id}/answers/settle"
    assert browser(begun.organiser).post(to, {"answer": first}).status_code == 303
    assert browser(begun.organiser).post(to, {"answer": first}).status_code == 409, "looked at already"
    assert browser(begun.deputy).post(to, {"answer": first}).status_code == 403
    assert browser(begun.leader).post(to, {"answer": first}).status_code == 403
    for odd in ("", "x", "99999"):
        assert browser(begun.organiser).post(to, {"answer": odd}).status_code == 404
    other = begun.hearing("announced")
    assert (
        browser(begun.organiser).post(f"/hearings/{other.id}/answers/settle", {"answer": doubts()[1].id}).status_code
        == 404
    )
    for row in doubts():  # a stranger, a counter-proposal and gibberish are no answers
        if row.why in ("unknown", "counter", "unreadable") and row.hearing_id and row.settled_at is None:
            taken = browser(begun.organiser).post(to, {"answer": row.id, "take": "yes"})
            assert taken.status_code == 409, row.why
    assert one().answer == Reply.NONE


def test_a_forged_answer_counts_once_somebody_has_made_sure_of_it(asked, post, browser, begun):
    organiser, to = browser(begun.organiser), f"/hearings/{asked.id}/answers"
    inbound.take(reply(asked, post.mails[0][1], "DECLINED", to="yexunhui@rd.example"))
    db.session.commit()
    (row,) = doubts()
    assert "deputy@example.org：不参加" in organiser.get(to).text
    assert organiser.post(f"{to}/settle", {"answer": row.id, "take": "yes"}).status_code == 303
    assert (one().answer, one().answered_by) == (Reply.DECLINED, "organiser")
    assert doubts()[0].settled_at is not None
    assert "deputy@example.org：不参加" not in organiser.get(to).text


def test_a_doubtful_answer_from_before_a_change_is_not_taken(asked, post, browser, begun):
    inbound.take(reply(asked, post.mails[0][1], "ACCEPTED", to="yexunhui@rd.example"))
    db.session.commit()
    with clock_at(now() + timedelta(minutes=5)):
        move(asked, begun)
        taken = browser(begun.organiser).post(
            f"/hearings/{asked.id}/answers/settle", {"answer": doubts()[0].id, "take": "yes"}
        )
    assert taken.status_code == 409
    assert "重新征询" in taken.text
    assert one().answer == Reply.NONE


def test_a_delegate_named_by_mail_becomes_the_stand_in(asked, post, browser, begun):
    organiser, to = browser(begun.organiser), f"/hearings/{asked.id}/answers"
    swap = [("RSVP=TRUE", 'RSVP=TRUE;DELEGATED-TO="mailto:sun@example.org"')]
    unfold = [("\r\n ", "")]
    said = inbound.take(reply(asked, post.mails[0][1], "DELEGATED", swap=unfold + swap))
    assert said == "for a person: delegated"
    db.session.commit()
    (row,) = doubts()
    assert row.delegate == "sun@example.org"
    assert 'value="sun@example.org"' in organiser.get(to).text
    assert (
        organiser.post(f"{to}/settle", {"answer": row.id, "take": "yes", "delegate": " 孙某某\r\n"}).status_code == 303
    )
    assert (one().answer, one().delegate) == (Reply.DECLINED, "孙某某")
    assert organiser.post(f"{to}/stand-in", {"invitation": one().id}).status_code == 303
    assert db.session.get(schedule.Participant, one().participant_id).stand_in_name == "孙某某"


def test_a_delegate_named_on_the_page_is_taken_onto_the_list_in_one_step_and_back(asked, browser, begun):
    path, to = f"/r/{invitations.token_of(one())}", f"/hearings/{asked.id}/answers"
    organiser = browser(begun.organiser)
    assert organiser.post(f"{to}/stand-in", {"invitation": one().id}).status_code == 409, "nobody is named yet"
    wanted = {"answer": "declined", "delegate": "孙某某", "delegate_title": "副局长"}
    assert browser().post(path, wanted | {"delegate": ""}).status_code == 422, "a title without a name"
    assert browser().post(path, wanted).status_code == 303
    assert "孙某某 副局长" in organiser.get(to).text
    for odd in ("", "x", "99999"):
        assert organiser.post(f"{to}/stand-in", {"invitation": odd}).status_code == 404
    assert browser(begun.deputy).post(f"{to}/stand-in", {"invitation": one().id}).status_code == 403
    assert organiser.post(f"{to}/stand-in", {"invitation": one().id}).status_code == 303
    seat = db.session.get(schedule.Participant, one().participant_id)
    assert (seat.stand_in_name, seat.stand_in_title) == ("孙某某", "副局长")
    page = organiser.get(to).text
    assert "已列入名单（代为参加）" in page and f"{to}/stand-in" not in page
    assert organiser.post(f"{to}/stand-in", {"invitation": one().id}).status_code == 409, "a second click"
    assert "孙某某 副局长" in organiser.get(f"/hearings/{asked.id}/participants").text
    offer = re.search(r"/undo/\d+", page)[0]
    assert organiser.post(offer).status_code == 303
    seat = db.session.get(schedule.Participant, one().participant_id)
    assert (seat.stand_in_name, seat.stand_in_title) == (None, None)


def test_what_is_said_by_telephone_is_written_down_by_the_organiser_and_taken_back(asked, browser, begun):
    to = f"/hearings/{asked.id}/answers"
    path = f"{to}/{one().id}"
    organiser = browser(begun.organiser)
    assert f'href="{path}"' in organiser.get(to).text
    form = form_of(organiser.get(path))
    assert organiser.post(path, form | {"answer": ""}).status_code == 422, "nothing chosen"
    answer = organiser.post(path, form | {"answer": "accepted", "delegate": "李某某"})
    assert answer.status_code == 422 and "李某某" in answer.text, "who comes sends nobody else, and nothing is lost"
    wanted = {"answer": "declined", "delegate": "李某某", "delegate_title": "副局长", "note": "电话告知"}
    assert organiser.post(path, form | wanted).status_code == 303
    assert (one().answer, one().answered_by, one().noted_by) == (Reply.DECLINED, "organiser", begun.organiser)
    page = organiser.get(to).text
    assert "李某某 副局长" in page and "周某某代记" in page and "电话告知" in page
    assert organiser.post(f"{to}/stand-in", {"invitation": one().id}).status_code == 303
    assert organiser.post(re.search(r"/undo/\d+", page)[0]).status_code == 303
    row = one()
    assert (row.answer, row.answered_at, row.noted_by, row.delegate, row.note) == (Reply.NONE, None, None, None, None)


def test_their_own_answer_replaces_what_was_written_down_for_them(asked, browser, begun, post):
    path = f"/hearings/{asked.id}/answers/{one().id}"
    organiser = browser(begun.organiser)
    organiser.post(path, {"answer": "declined"})
    offer = re.search(r"/undo/\d+", organiser.get(f"/hearings/{asked.id}/answers").text)[0]
    assert browser().post(f"/r/{invitations.token_of(one())}", {"answer": "accepted"}).status_code == 303
    assert (one().answer, one().noted_by) == (Reply.ACCEPTED, None)
    assert organiser.post(offer).status_code == 409, "a later answer stands"
    assert one().answer == Reply.ACCEPTED
    organiser.post(path, {"answer": "declined"})
    move(asked, begun)
    tell()
    assert (one().answer, one().noted_by) == (Reply.NONE, None), "it was for another evening"


def test_nobody_else_writes_down_answers_and_none_for_who_is_off_the_list_or_too_late(asked, browser, begun, post):
    path = f"/hearings/{asked.id}/answers/{one().id}"
    other = begun.hearing("draft")
    assert browser(begun.deputy).get(path).status_code == 403
    assert browser(begun.deputy).post(path, {"answer": "accepted"}).status_code == 403
    organiser = browser(begun.organiser)
    for odd in (f"/hearings/{other.id}/answers/{one().id}", f"{path}99", f"{path}{'9' * 20}"):
        assert organiser.get(odd).status_code == 404
    with clock_at(asked.ends_at + timedelta(hours=1)):
        assert organiser.get(path).status_code == 409
        assert organiser.post(path, {"answer": "accepted"}).status_code == 422
        assert "代记答复" not in organiser.get(f"/hearings/{asked.id}/answers").text
    schedule.remove_participant(db.session.get(schedule.Participant, one().participant_id), actor=begun.organiser)
    db.session.commit()
    tell()
    assert organiser.get(path).status_code == 409
    assert one().answer == Reply.NONE


def test_who_was_not_asked_because_mail_was_set_up_later_is_asked_at_a_press(begun, browser, post, app):
    begun.deputy.email = "deputy@example.org"
    host, app.config["MAIL_HOST"] = app.config["MAIL_HOST"], ""
    hearing = begun.hearing("announced")
    tell()
    to = f"/hearings/{hearing.id}/answers"
    organiser = browser(begun.organiser)
    assert "answers/invite" not in organiser.get(to).text, "nothing can go out"
    app.config["MAIL_HOST"] = host
    assert "answers/invite" in organiser.get(to).text
    assert browser(begun.deputy).post(f"{to}/invite").status_code == 403
    assert organiser.post(f"{to}/invite").status_code == 303
    assert "answers/invite" not in organiser.get(to).text, "it is on its way"
    tell()
    assert [calendar_of(m)[0].get_param("method") for m in post.to("deputy@example.org")] == ["REQUEST"]
    assert organiser.post(f"{to}/invite").status_code == 409
    tell()
    assert len(post.mails) == 1


def test_a_seat_that_is_gone_takes_no_stand_in(asked, browser, begun, post):
    browser().post(f"/r/{invitations.token_of(one())}", {"answer": "declined", "delegate": "孙某某"})
    schedule.remove_participant(db.session.get(schedule.Participant, one().participant_id), actor=begun.organiser)
    db.session.commit()
    to = f"/hearings/{asked.id}/answers/stand-in"
    assert browser(begun.organiser).post(to, {"invitation": one().id}).status_code == 409


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
    organiser, to = browser(begun.organiser), f"/hearings/{asked.id}/answers"
    page = organiser.get(to).text
    assert "未答复" in page
    assert organiser.post(f"{to}/remind").status_code == 303
    assert "已再次征询 1 人" in organiser.get(to).text
    assert organiser.post(f"{to}/remind").status_code == 303
    page = organiser.get(to).text
    assert "今天已再次征询过 1 人" in page and "已再次征询 1 人" not in page
    tell()
    assert [m["Subject"] for m in post.to("deputy@example.org")] == [
        f"邀请：{asked.title}",
        f"请答复：{asked.title}",
    ]
    with clock_at(now() + timedelta(days=1)):
        organiser.post(f"{to}/remind")
        tell()
    assert len(post.to("deputy@example.org")) == 3
    assert browser(begun.deputy).get(to).status_code == 403
    assert browser(begun.leader).get(to).status_code == 200
    assert f"{to}/remind" not in browser(begun.leader).get(to).text
    assert browser(begun.leader).post(f"{to}/remind").status_code == 403
    browser().post(f"/r/{invitations.token_of(one())}", {"answer": "accepted"})
    assert f"{to}/remind" not in organiser.get(to).text
    organiser.post(f"{to}/remind")
    assert "都已答复" in organiser.get(to).text
    schedule.cancel(asked, reason="台风", actor=begun.organiser)
    db.session.commit()
    assert organiser.post(f"{to}/remind").status_code == 409


NASTY = ['"x" <a@b>\r\nBcc: evil@example.org', "名字,;:<>@", "x" * 300, "碶某某\u202e", "\x00\x01"]


def test_a_guest_without_a_sign_in_is_written_to_in_the_language_they_answered_in(begun, browser, post):
    hearing = begun.hearing("draft")
    schedule.add_guest(
        hearing, capacity=Capacity.MEDIA, listed=AttendanceList.PUBLIC_GALLERY, name="Smith", email="smith@example.org",
        actor=begun.organiser,
    )  # fmt: skip
    schedule.announce(hearing, actor=begun.organiser)
    db.session.commit()
    tell()
    (first,) = post.to("smith@example.org")
    assert first["subject"].startswith("邀请：")
    path = f"/r/{invitations.token_of(one())}"
    guest = browser()
    assert "English" in guest.get(path).text
    guest.post("/language", {"lang": "en", "next": path})
    assert "Do you come?" in guest.get(path).text
    assert guest.post(path, {"answer": "accepted"}).status_code == 303
    move(hearing, begun)
    tell()
    change = post.to("smith@example.org")[1]
    assert "The time has changed" in change.get_body(("plain",)).get_content()
    with clock_at(hearing.starts_at - timedelta(days=2)):
        reminders.write()
        outbox.send_all()
    reminder = post.to("smith@example.org")[2]
    assert not re.search("[\u4e00-\u9fff]{2,}：", reminder["subject"])


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


def test_an_answer_is_read_by_nobody_elses_library():
    assert ics.read_answer(b"BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n") is None


# -- what changes, and who hears of it -------------------------------------------------------------------


def test_a_move_counts_the_sequence_on_and_says_in_one_sentence_what_is_different(asked, begun, post):
    move(asked, begun)
    first, second = (event_of(m) for m in post.to("deputy@example.org"))
    assert int(second.sequence.value) == int(first.sequence.value) + 1
    words = post.mails[-1][1].get_body(("plain",)).get_content()
    assert words.count("时间由") == 1 and "地点改为" not in words
    assert second.comment.value in words


def test_there_and_back_within_the_minute_is_nothing(asked, begun, post):
    day, here = asked.day, asked.station
    for station, when in ((begun.other_station, day), (here, day)):
        schedule.reschedule(asked, station=station, reason="误改", actor=begun.organiser, **evening(when))
        db.session.commit()
    tell()
    assert len(post.mails) == 1
    assert one().answer == Reply.NONE


def test_an_announcement_taken_back_after_the_mails_went_out_is_called_off_and_asks_anew_later(asked, begun, post):
    (offer,) = db.session.scalars(select(undo.UndoOffer).where(undo.UndoOffer.act == "hearing.announce")).all()
    undo.take_back(offer.id, actor=begun.organiser)
    db.session.commit()
    tell()
    off = post.to("deputy@example.org")[1]
    assert calendar_of(off)[0].get_param("method") == "CANCEL"
    assert "本次邀请已撤回" in off.get_body(("plain",)).get_content()
    schedule.announce(asked, actor=begun.organiser)
    db.session.commit()
    tell()
    numbers = [int(event_of(m).sequence.value) for m in post.to("deputy@example.org")]
    methods = [calendar_of(m)[0].get_param("method") for m in post.to("deputy@example.org")]
    assert methods == ["REQUEST", "CANCEL", "REQUEST"]
    assert numbers == sorted(set(numbers)), "each later than the one before, or a client leaves it unread"


def test_taken_off_and_put_on_again_the_sequence_grows_each_time(asked, begun, post):
    seat = db.session.get(schedule.Participant, one().participant_id)
    schedule.remove_participant(seat, actor=begun.organiser)
    db.session.commit()
    tell()
    schedule.add_person(asked, begun.deputy, actor=begun.organiser)
    db.session.commit()
    tell()
    mails = post.to("deputy@example.org")
    assert [calendar_of(m)[0].get_param("method") for m in mails] == ["REQUEST", "CANCEL", "REQUEST"]
    numbers = [int(event_of(m).sequence.value) for m in mails]
    assert numbers == sorted(set(numbers))
    assert inbound.take(reply(asked, mails[0], "ACCEPTED")) == "ignored: stale"
    assert inbound.take(reply(asked, mails[2], "ACCEPTED")) == "noted: accepted"


def test_a_postponed_hearing_asks_nobody_until_it_has_a_new_time(asked, begun, browser, post):
    path = f"/r/{invitations.token_of(one())}"
    schedule.postpone(asked, reason="台风", actor=begun.organiser)
    db.session.commit()
    tell()
    mail = post.to("deputy@example.org")[1]
    assert mail["Subject"] == f"延期：{asked.title}"
    words = mail.get_body(("plain",)).get_content()
    assert "台风" in words and "/r/" not in words
    assert event_of(mail).status.value == "TENTATIVE"
    assert "会再次征询您" in browser().get(path).text
    assert browser().post(path, {"answer": "accepted"}).status_code == 200
    assert one().answer == Reply.NONE
    move(asked, begun)
    assert event_of(post.to("deputy@example.org")[2]).status.value == "CONFIRMED"
    assert browser().post(path, {"answer": "accepted"}).status_code == 303


def test_a_look_back_is_asked_for_moved_and_called_off_like_a_hearing(begun, post):
    begun.deputy.email = "deputy@example.org"
    issue = begun.assigned().issue
    back = reviews.plan_look_back(
        title="第一次回头看", station=begun.station, items=[issue], follows=issue.hearing, actor=begun.organiser,
        **evening(today() + timedelta(days=20)),
    )  # fmt: skip
    seats = db.session.scalars(select(schedule.Participant).where(schedule.Participant.hearing_id == back.id))
    if begun.deputy.id not in {s.user_id for s in seats}:
        schedule.add_person(back, begun.deputy, actor=begun.organiser)
    schedule.announce(back, actor=begun.organiser)
    db.session.commit()
    tell()
    move(back, begun)
    schedule.cancel(back, reason="改期另行通知", actor=begun.organiser)
    db.session.commit()
    tell()
    mails = post.to("deputy@example.org")
    assert [calendar_of(m)[0].get_param("method") for m in mails] == ["REQUEST", "REQUEST", "CANCEL"]
    event = event_of(mails[0])
    assert event.categories.value == ["回头看"]
    assert f"hearing-{issue.hearing.uid}@yexunhui.local" in [r.value for r in event.contents["related-to"]]


def test_who_does_not_get_the_mail_is_told_in_words_and_asked_at_the_new_address(asked, begun, browser, post):
    post.answers["deputy@example.org"] = ["550 5.1.1 no such user"]
    move(asked, begun)
    to = f"/hearings/{asked.id}/answers"
    organiser = browser(begun.organiser)
    for page in (organiser.get(to).text, organiser.get(f"/hearings/{asked.id}").text):
        assert "550 5.1.1 no such user" in page
        assert f"/participants/{one().participant_id}" in page
    assert f"{to}/remind" not in organiser.get(to).text, "there is nobody to ask at that address"
    seat = db.session.get(schedule.Participant, one().participant_id)
    schedule.amend_participant(seat, {"email": "new@example.org"}, actor=begun.organiser)
    db.session.commit()
    tell()
    (mail,) = post.to("new@example.org")
    assert mail["Subject"] == f"邀请：{asked.title}"
    assert len(post.to("deputy@example.org")) == 1, "nothing more goes to the dead address"
    assert "550" not in organiser.get(to).text


def test_an_address_that_takes_mail_again_is_no_trouble_any_more(asked, begun, browser, post):
    post.answers["deputy@example.org"] = ["550 over quota", "250 OK"]
    move(asked, begun)
    assert one().trouble == "550 over quota"
    message = db.session.scalars(select(Message).where(Message.state == "failed")).one()
    browser(begun.organiser).post(f"/hearings/{asked.id}/sent/again", {"message": message.id})
    tell()
    assert one().trouble is None
    assert len(post.to("deputy@example.org")) == 2


def test_a_new_address_of_a_person_is_asked_and_the_old_one_is_let_go(asked, begun, post):
    users.amend_user(begun.deputy, {"email": "new@example.org"}, actor=begun.admin)
    db.session.commit()
    tell()
    assert [calendar_of(m)[0].get_param("method") for m in post.to("deputy@example.org")] == ["REQUEST", "CANCEL"]
    assert [calendar_of(m)[0].get_param("method") for m in post.to("new@example.org")] == ["REQUEST"]
    users.amend_user(begun.deputy, {"title": "区人大代表、校长"}, actor=begun.admin)
    db.session.commit()
    tell()
    assert len(post.mails) == 3


def test_an_office_is_asked_through_its_contact_and_answers_for_its_seat(begun, post):
    begun.department.email = "head@example.org"
    contact = factories.user("department", name="孙某某", department=begun.bureau, email="contact@example.org")
    begun.bureau.head, begun.bureau.contact = "郑某某", "孙某某"
    hearing = begun.hearing("announced")
    tell()
    (mail,) = post.to("contact@example.org")
    assert post.to("head@example.org") == [], "one of an office answers for its seat"
    assert (one().name, one().user_id) == ("区交通运输局", contact.id)
    assert inbound.take(reply(hearing, mail, "ACCEPTED", sender="contact@example.org")) == "noted: accepted"
    seat = db.session.get(schedule.Participant, one().participant_id)
    assert seat.department_id == begun.bureau.id
    schedule.amend_participant(seat, {"email": "office@example.org"}, actor=begun.organiser)
    db.session.commit()
    tell()
    assert calendar_of(post.to("contact@example.org")[1])[0].get_param("method") == "CANCEL"
    assert len(post.to("office@example.org")) == 1, "an address typed for the seat goes before"


def test_who_has_left_is_not_asked_and_what_has_been_is_not_told_again(asked, begun, post):
    begun.other_deputy.email, begun.other_deputy.active = "other@example.org", False
    db.session.commit()
    with clock_at(asked.ends_at + timedelta(hours=1)):
        schedule.amend_station(begun.station, {"name": "改了名的联络站"}, actor=begun.organiser)
        db.session.commit()
        tell()
    assert len(post.mails) == 1


def test_a_seat_that_is_handed_over_is_asked_of_whoever_has_it_now(asked, begun, post):
    begun.other_deputy.email = "other@example.org"
    schedule.remove_participant(
        db.session.scalar(select(schedule.Participant).where(schedule.Participant.user_id == begun.other_deputy.id)),
        actor=begun.organiser,
    )
    begun.deputy.active = False
    hand_over(begun.deputy, to=begun.other_deputy, actor=begun.admin)
    db.session.commit()
    tell()
    assert [calendar_of(m)[0].get_param("method") for m in post.to("deputy@example.org")] == ["REQUEST", "CANCEL"]
    assert [calendar_of(m)[0].get_param("method") for m in post.to("other@example.org")] == ["REQUEST"]
    begun.deputy.active = True
    (offer,) = db.session.scalars(select(undo.UndoOffer).where(undo.UndoOffer.act == "user.hand_over")).all()
    undo.take_back(offer.id, actor=begun.admin)
    db.session.commit()
    tell()
    assert [calendar_of(m)[0].get_param("method") for m in post.to("deputy@example.org")][2:] == ["REQUEST"]
    assert [calendar_of(m)[0].get_param("method") for m in post.to("other@example.org")] == ["REQUEST", "CANCEL"]


def test_each_is_told_the_topics_they_may_see_and_a_guest_the_theme_only(begun, post):
    hearing = begun.hearing("draft")
    for office, title in ((begun.bureau, "桥下环境"), (begun.other_bureau, "校门口")):
        schedule.add_topic(title=title, departments=[office], hearing=hearing, actor=begun.organiser)
    begun.deputy.email = "deputy@example.org"
    begun.department.email = "bureau@example.org"
    schedule.add_person(hearing, begun.department, actor=begun.organiser)
    schedule.add_guest(
        hearing, capacity=Capacity.MEDIA, listed=AttendanceList.PUBLIC_GALLERY, name="冯某", email="press@example.org",
        actor=begun.organiser,
    )  # fmt: skip
    schedule.announce(hearing, actor=begun.organiser)
    db.session.commit()
    tell()

    def told(address):
        (mail,) = post.to(address)
        return event_of(mail).description.value

    assert "桥下环境" in told("deputy@example.org") and "校门口" in told("deputy@example.org")
    assert "桥下环境" in told("bureau@example.org") and "校门口" not in told("bureau@example.org")
    assert "家门口的民生小事" in told("press@example.org") and "桥下环境" not in told("press@example.org")


# -- the page behind the link ----------------------------------------------------------------------------


def test_an_answer_needs_the_token_of_the_page(asked, browser, app):
    path = f"/r/{invitations.token_of(one())}"
    app.config["WTF_CSRF_ENABLED"] = True
    try:
        somebody = browser()
        assert somebody.post(path, {"answer": "accepted"}).status_code in (400, 422)
        assert one().answer == Reply.NONE
        page = somebody.get(path).text
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)[1]
        assert somebody.post(path, {"answer": "accepted", "csrf_token": token}).status_code == 303
    finally:
        app.config["WTF_CSRF_ENABLED"] = False
    assert one().answer == Reply.ACCEPTED


def test_a_link_of_somebody_taken_off_the_list_says_so(asked, begun, browser, post):
    path = f"/r/{invitations.token_of(one())}"
    schedule.remove_participant(db.session.get(schedule.Participant, one().participant_id), actor=begun.organiser)
    db.session.commit()
    tell()
    assert "您已不在" in browser().get(path).text
    browser().post(path, {"answer": "accepted"})
    assert one().answer == Reply.NONE


# -- the mail itself -------------------------------------------------------------------------------------


def test_the_shape_of_an_invitation_byte_by_byte(asked, begun, post):
    begun.organiser.email = "zhou@rd.example"
    move(asked, begun)
    raw = post.raw[-1]
    mail = post.mails[-1][1]
    head = b"\r\n" + raw.partition(b"\r\n\r\n")[0] + b"\r\n"
    for line in (b"Auto-Submitted: auto-generated", b"Reply-To: zhou@rd.example", b"MIME-Version: 1.0"):
        assert b"\r\n" + line + b"\r\n" in head
    outer, inner = (re.search(b'boundary="([^"]+)"', part)[1] for part in raw.split(b"Content-Type: multipart/")[1:])
    parts = [
        p for p in re.split(b"--(?:%s|%s)(?:--)?\r\n" % (re.escape(outer), re.escape(inner)), raw)[1:] if p.strip()
    ]
    kinds = [re.search(rb"Content-Type: ([\w/]+)", p)[1] for p in parts]
    assert kinds == [b"multipart/alternative", b"text/plain", b"text/html", b"text/calendar", b"application/ics"]
    calendar, _sep, body = parts[3].partition(b"\r\n\r\n")
    for wanted in (
        b'charset="UTF-8"',
        b'method="REQUEST"',
        b'component="VEVENT"',
        b"Content-Transfer-Encoding: base64",
    ):
        assert wanted in calendar, calendar
    assert b"Content-Disposition" not in calendar
    inside = base64.b64decode(body)
    assert b"\r\nMETHOD:REQUEST\r\n" in inside
    assert inside.count(b"BEGIN:VEVENT") == 1 and inside.count(b"ATTENDEE") == 1
    attached, _sep, body = parts[4].partition(b"\r\n\r\n")
    assert b'Content-Disposition: attachment; filename="invite.ics"' in attached
    assert base64.b64decode(body) == inside
    own = mail["From"].addresses[0].addr_spec
    assert f"mailto:{own}".encode() in inside.replace(b"\r\n ", b"")
    assert own != mail["Reply-To"].addresses[0].addr_spec


def test_a_cancel_says_so_in_head_and_body(asked, begun, post):
    schedule.cancel(asked, reason="台风", actor=begun.organiser)
    db.session.commit()
    tell()
    part, text = calendar_of(post.mails[-1][1])
    assert part.get_param("method") == "CANCEL"
    assert "METHOD:CANCEL" in text.splitlines()


def test_a_domain_in_chinese_is_written_as_mail_servers_know_it(begun, post, browser):
    begun.deputy.email = "zhang@例子.公司"
    hearing = begun.hearing("announced")
    tell()
    ascii_ = "zhang@xn--fsqu00a.xn--55qx5d"
    (mail,) = post.to(ascii_)
    assert mail["To"].addresses[0].addr_spec == ascii_
    assert event_of(mail).attendee.value == f"mailto:{ascii_}"
    assert one().address == "zhang@例子.公司"
    for written in (ascii_, "Zhang@例子.公司"):
        said = reply(hearing, mail, swap=[(ascii_, written)], answer="ACCEPTED")
        assert inbound.take(said) == "noted: accepted"


@pytest.mark.parametrize("post", [False], indirect=True)
def test_a_local_part_in_chinese_is_refused_in_words_where_the_server_cannot(begun, post, browser):
    begun.deputy.email = "张三@example.org"
    begun.other_deputy.email = "other@example.org"
    hearing = begun.hearing("announced")
    tell()
    assert len(post.to("other@example.org")) == 1
    assert "不能发往含汉字的地址" in browser(begun.organiser).get(f"/hearings/{hearing.id}/answers").text


def test_a_local_part_in_chinese_goes_out_where_the_server_can(begun, post):
    begun.deputy.email = "张三@例子.公司"
    begun.hearing("announced")
    tell()
    assert len(post.mails) == 1
    assert one().trouble is None
