"""A station's calendar for everybody: only where it is wanted, and only what the notice on the door says."""

import re
from datetime import timedelta

import pytest
from ical.calendar_stream import IcsCalendarStream

from hearings.calendars import feeds
from hearings.db import clock_at, db, now, today
from hearings.papers import before
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import HearingKind
from tests.calendars.test_feeds import summaries, unfolded
from tests.calendars.test_witnesses import own_list
from tests.calendars.witness import by_libical
from tests.factories import evening


@pytest.fixture(autouse=True)
def _cold():
    feeds.events.clear()
    feeds.tags.clear()


@pytest.fixture
def door(world):
    """The address of the station's calendar, open to everybody."""
    schedule.amend_station(world.station, {"feed_is_public": True, "contact_phone": "0574-1"}, actor=world.organiser)
    db.session.commit()
    return f"/stations/{world.station.id}/calendar.ics"


def test_an_organiser_opens_it_and_the_page_gives_the_address(world, browser):
    one, address = browser(world.organiser), f"/stations/{world.station.id}/calendar.ics"
    page = f"/stations/{world.station.id}"
    assert browser().get(address).status_code == 404, "nobody is asked by default"
    assert "calendar.ics" not in one.get(page).text
    form = one.get(f"{page}/edit").text
    assert "任何人都可以订阅本站日历" in form
    hidden = dict(re.findall(r'name="(form_id|base)"[^>]*value="([^"]*)"', form))
    station = world.station
    fields = {k: getattr(station, k) or "" for k in ("code", "name", "street", "address", "capacity")}
    assert one.post(f"{page}/edit", hidden | fields | {"feed_is_public": "y"}).status_code == 303
    shown = one.get(page).text
    assert f"http://localhost{address}" in shown and f"webcal://localhost{address}" in shown and "<svg" in shown
    assert browser().get(address).status_code == 200
    form = one.get(f"{page}/edit").text
    assert re.search(r'<input[^>]*name="feed_is_public"[^>]*checked|checked[^>]*name="feed_is_public"', form)
    hidden = dict(re.findall(r'name="(form_id|base)"[^>]*value="([^"]*)"', form))
    assert one.post(f"{page}/edit", hidden | fields).status_code == 303
    assert browser().get(address).status_code == 404, "closed again, at once"


def test_it_says_what_the_notice_on_the_door_says_and_nothing_more(world, browser, door):
    hearing = world.hearing("announced", title="北仑区人大代表民生夜询会")
    schedule.add_topic(
        title="居民陈某家漏水", departments=[world.bureau], street="新碶", hearing=hearing, actor=world.organiser
    )
    db.session.commit()
    body = browser().get(door).data
    lines = unfolded(body)
    assert "SUMMARY:北仑区人大代表民生夜询会" in lines
    assert f"DESCRIPTION:主题：{hearing.theme}" in lines
    assert f"LOCATION:{hearing.place}" in lines
    assert "CONTACT:0574-1" in lines
    assert not [line for line in lines if line.startswith(("URL", "BEGIN:VALARM", "ORGANIZER", "ATTENDEE", "METHOD"))]
    text = body.decode()
    for word in ("漏水", "http", world.deputy.name, world.leader.name, world.bureau.name):
        assert word not in text.replace("\r\n ", "")
    assert own_list(body) == [] == by_libical(body)
    inside = {e.uid for e in IcsCalendarStream.calendar_from_ics(text).events}
    assert inside == {f"hearing-{hearing.uid}@yexunhui.local"}, "the same identity as in every other calendar"


def test_only_what_is_announced_here_and_calls_residents(world, browser, door):
    shown = world.hearing("announced", day=today() + timedelta(days=1))
    back = world.hearing("announced", day=today() + timedelta(days=2), kind=HearingKind.LOOK_BACK, title="第1期回头看")
    held = world.hearing("concluded", day=today() + timedelta(days=3))
    world.hearing("draft", title="还没定的会")
    discarded = world.hearing("draft", title="不开的会")
    schedule.discard(discarded, actor=world.organiser)
    world.hearing("announced", kind=HearingKind.GROUP_CONSULTATION, title="集体面商会")
    world.hearing("announced", kind=HearingKind.EVALUATION_MEETING, title="评估会")
    world.hearing("announced", station=world.other_station, title="别处的会")
    db.session.commit()
    assert summaries(browser().get(door).data) == [shown.title, back.title, held.title]
    assert "CATEGORIES:回头看" in unfolded(browser().get(door).data)


def test_a_change_reaches_it_and_its_reason_stays_inside(world, browser, door):
    hearing = world.hearing("announced")
    before_ = unfolded(browser().get(door).data)
    schedule.postpone(hearing, reason="主任住院", actor=world.organiser)
    lines = unfolded(browser().get(door).data)
    assert f"SUMMARY:【已延期】{hearing.title}" in lines and "STATUS:TENTATIVE" in lines
    times = evening(hearing.day + timedelta(days=1))
    schedule.reschedule(hearing, station=world.station, reason="主任出院", actor=world.organiser, **times)
    moved = unfolded(browser().get(door).data)
    assert f"SUMMARY:{hearing.title}" in moved and moved != before_
    schedule.cancel(hearing, reason="主任又住院", actor=world.organiser)
    lines = unfolded(browser().get(door).data)
    assert f"SUMMARY:【已取消】{hearing.title}" in lines and "STATUS:CANCELLED" in lines
    assert "住院" not in "".join(lines)
    with clock_at(now() + timedelta(days=31)):
        assert summaries(browser().get(door).data) == []


def test_what_is_taken_back_is_gone(world, browser, door):
    hearing = world.hearing("announced")
    assert summaries(browser().get(door).data) == [hearing.title]
    schedule._take_announcement_back(actor=world.organiser, hearing_id=hearing.id, by=world.organiser.id)
    assert summaries(browser().get(door).data) == []


def test_reading_it_again_costs_one_statement(world, browser, door, statements):
    world.hearing("announced")
    reader = browser()
    first = reader.get(door)
    assert first.content_type == "text/calendar; charset=utf-8"
    assert first.headers["Cache-Control"] == "public, max-age=300, must-revalidate"
    assert first.headers["X-Robots-Tag"] == "noindex"
    assert "Set-Cookie" not in first.headers and "Last-Modified" not in first.headers
    head = reader.open(door, method="HEAD")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", first.headers["ETag"])
    with statements() as said:
        known = reader.get(door, headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.data, len(said)) == (304, b"", 1)
    feeds.events.clear()
    feeds.tags.clear()
    assert reader.get(door).data == first.data
    signed_in = browser(world.organiser).get(door)
    assert signed_in.data == first.data, "whoever reads it reads the same"
    schedule.amend_station(world.station, {"name": "新名联络站"}, actor=world.organiser)
    assert reader.get(door, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


@pytest.mark.parametrize("bend", ["other", "none", "huge", "slash", "upper", "word"])
def test_an_address_that_is_none(world, browser, door, bend):
    bent = {
        "other": f"/stations/{world.other_station.id}/calendar.ics",
        "none": "/stations/999999/calendar.ics",
        "huge": f"/stations/{10**30}/calendar.ics",
        "slash": door + "/",
        "upper": door.upper(),
        "word": "/stations/x/calendar.ics",
    }[bend]
    assert browser().get(bent).status_code == 404


def test_the_notice_on_the_door_names_the_address(world, app, door):
    hearing = world.hearing("announced")

    wanted = {"url": f"http://localhost{door}", "caption": "扫码订阅本站会议日历"}
    assert before.public_notice(hearing)["qr"] == wanted
    app.config["BASE_URL"] = ""
    try:
        assert "qr" not in before.public_notice(hearing), "an address that is nobody's is not printed"
    finally:
        app.config["BASE_URL"] = "http://localhost"
    schedule.amend_station(world.station, {"feed_is_public": False}, actor=world.organiser)
    assert "qr" not in before.public_notice(hearing)


def test_a_look_back_leads_to_its_hearing_and_its_promises_where_one_may_see_them(world, browser, door):
    first = world.hearing("in_session", day=today() - timedelta(days=3))
    issue = world.issue(first)
    promise = world.commitment(issue)
    schedule.conclude(first, actor=world.organiser)
    back = world.hearing("draft", kind=HearingKind.LOOK_BACK, title="第1期回头看", follows=first)
    reviews.carry_in(back, [issue], actor=world.organiser)
    schedule.announce(back, actor=world.organiser)
    db.session.commit()
    parent = f"RELATED-TO;RELTYPE=PARENT:hearing-{first.uid}@yexunhui.local"
    sibling = f"RELATED-TO;RELTYPE=SIBLING:commitment-{promise.uid}@yexunhui.local"
    for user, kinds in (
        (world.organiser, [parent, sibling]),
        (world.department, [parent, sibling]),
        (world.other_department, [parent]),
    ):
        file = unfolded(browser(user).get(f"/hearings/{back.id}/invite.ics").data)
        assert [line for line in file if line.startswith("RELATED-TO")] == kinds
    at_door = [line for line in unfolded(browser().get(door).data) if line.startswith("RELATED-TO")]
    assert at_door == [parent]
    before_ = back.sequence
    later = world.commitment(issue)
    file = unfolded(browser(world.organiser).get(f"/hearings/{back.id}/invite.ics").data)
    assert not [line for line in file if later.uid in line], "nothing changes without a new version"
    item = db.session.scalars(db.select(reviews.AgendaItem)).one()
    reviews.drop_item(item, actor=world.organiser)
    db.session.commit()
    file = unfolded(browser(world.organiser).get(f"/hearings/{back.id}/invite.ics").data)
    assert [line for line in file if line.startswith("RELATED-TO")] == [parent]
    assert back.sequence == before_ + 1
