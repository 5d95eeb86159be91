"""Calendars to subscribe to: who gets what, when bytes change, and when the address stops working."""

import hashlib
import re
from datetime import timedelta

import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream
from sqlalchemy import select

from hearings.calendars import feeds, operations
from hearings.calendars.models import CalendarFeed, FeedKind
from hearings.db import clock_at, db, now, today
from hearings.issues import operations as issues
from hearings.people import operations as people
from hearings.schedule import operations as schedule
from tests.factories import evening


@pytest.fixture(autouse=True)
def _cold():
    feeds.events.clear()
    feeds.tags.clear()


@pytest.fixture
def address(world):
    """`address(user)` → the path of a new subscription."""

    def make(user, kind=FeedKind.PERSONAL, **which):
        _row, token = operations.subscribe(kind, actor=user, **which)
        db.session.commit()
        return f"/cal/{token}/calendar.ics"

    return make


@pytest.fixture
def owed(world):
    """A concluded hearing with a promise of the bureau, raised by the deputy."""
    hearing = world.hearing("in_session", day=today() - timedelta(days=3))
    issue = world.issue(hearing)
    promise = world.commitment(issue)
    schedule.conclude(hearing, actor=world.organiser)
    issues.assign(issue, lead=world.bureau, actor=world.organiser)
    db.session.commit()
    return promise


def unfolded(body: bytes) -> list[str]:
    return body.decode().replace("\r\n ", "").split("\r\n")[:-1]


def summaries(body: bytes) -> list[str]:
    return [line.split(":", 1)[1] for line in unfolded(body) if line.startswith("SUMMARY:")]


def test_the_page_gives_an_address_once_and_the_address_gives_the_calendar(world, browser, owed):
    clerk = browser(world.department)
    page = clerk.get("/calendar/").text
    assert "还没有地址" in page
    form_id = re.search(r'name="form_id"[^>]*value="([^"]+)"', page)[1]
    sent = clerk.post("/calendar/new", {"kind": "personal", "station": "", "form_id": form_id})
    assert sent.status_code == 303
    page = clerk.get("/calendar/").text
    url = re.search(r'value="(http://localhost/cal/[^"]+/calendar\.ics)"', page)[1]
    assert "<svg" in page
    assert url not in clerk.get("/calendar/").text, "the address is shown once"

    stranger = browser()
    answer = stranger.get(url.removeprefix("http://localhost"))
    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["ETag"] == f'"{hashlib.sha256(answer.data).hexdigest()}"'
    assert summaries(answer.data) == [owed.issue.hearing.title, f"【承诺到期】{owed.measure}"]
    page = clerk.get("/calendar/").text
    assert "Werkzeug" in page, "what read it last"


def test_a_second_press_of_the_same_button_makes_one_address(world, browser):
    clerk = browser(world.department)
    form_id = re.search(r'name="form_id"[^>]*value="([^"]+)"', clerk.get("/calendar/").text)[1]
    for _ in range(2):
        assert clerk.post("/calendar/new", {"kind": "personal", "form_id": form_id}).status_code == 303
    assert len(db.session.scalars(select(CalendarFeed)).all()) == 1


def test_two_readings_are_byte_for_byte_the_same_and_a_known_one_is_304(world, browser, owed, address, statements):
    path, reader = address(world.department), browser()
    first = reader.get(path)
    feeds.events.clear()
    feeds.tags.clear()
    second = reader.get(path)
    assert first.data == second.data
    assert first.headers["ETag"] == second.headers["ETag"]
    head = reader.open(path, method="HEAD")
    assert (head.status_code, head.data, head.headers["ETag"]) == (200, b"", first.headers["ETag"])
    with statements() as said:
        known = reader.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")
    assert len(said) <= 3
    assert reader.get(path, headers={"If-None-Match": f"W/{first.headers['ETag']}"}).status_code == 304
    assert reader.get(path, headers={"If-None-Match": '"other"'}).status_code == 200


@pytest.mark.parametrize(
    "change",
    ["measure", "issue title", "progress", "done", "kept", "released", "extended", "station", "time", "cancelled"],
)
def test_every_change_that_shows_moves_the_version_and_nothing_else_changes(world, browser, owed, address, change):
    coming = world.hearing("announced")
    path, reader = address(world.department), browser()
    before = reader.get(path)
    events = {e.uid: e for e in IcsCalendarStream.calendar_from_ics(before.data.decode()).events}
    act = world.organiser
    with clock_at(now() + timedelta(hours=1)):
        if change in ("progress", "done", "kept"):
            assignment = db.session.scalars(select(issues.Assignment)).one()
            issues.accept_assignment(assignment, actor=act)
        match change:
            case "measure":
                issues.correct_commitment(owed, {"measure": "另一项措施"}, actor=act)
            case "issue title":
                issues.amend_issue(owed.issue, {"title": "另一个题目"}, actor=act)
            case "progress":
                issues.report_progress(assignment, text="过半", commitment=owed, percent=60, actor=act)
            case "done":
                issues.report_done(owed, report="完成", actor=act)
            case "kept":
                issues.report_done(owed, report="完成", actor=act)
                issues.verify_commitment(owed, actor=act)
            case "released":
                issues.release_commitment(owed, reason="并入另一项", actor=act)
            case "extended":
                issues.move_date(owed, owed.due_on + timedelta(days=9), reason="雨季", actor=act)
            case "station":
                schedule.amend_station(coming.station, {"name": "新名联络站"}, actor=act)
            case "time":
                times = evening(coming.day + timedelta(days=1))
                schedule.reschedule(coming, station=coming.station, reason="冲突", actor=act, **times)
            case "cancelled":
                schedule.cancel(coming, reason="台风", actor=act)
        db.session.commit()
        after = reader.get(path)
    assert after.data != before.data or change == "done"
    assert (after.headers["ETag"] != before.headers["ETag"]) is (after.data != before.data)
    fresh = {e.uid: e for e in IcsCalendarStream.calendar_from_ics(after.data.decode()).events}
    assert fresh.keys() == events.keys()
    for uid, event in fresh.items():
        if event != events[uid]:
            assert event.sequence > events[uid].sequence
            assert event.last_modified > events[uid].last_modified
            assert event.dtstamp == event.last_modified


def test_kept_and_released_say_so(world, browser, owed, address):
    path, reader = address(world.department), browser()
    issues.release_commitment(owed, reason="并入", actor=world.organiser)
    assert summaries(reader.get(path).data)[1] == f"【已撤销】{owed.measure}"
    assert "STATUS:CANCELLED" in unfolded(reader.get(path).data)


def test_nobody_is_asked_to_answer_and_no_address_of_a_person_is_in_it(world, browser, owed, address):
    world.deputy.email = "deputy@example.org"
    for user in (world.department, world.deputy, world.organiser):
        body = browser().get(address(user)).data
        text = body.decode()
        assert not re.search("ORGANIZER|ATTENDEE|METHOD|@example", text)
        head = text.split("BEGIN:VTIMEZONE")[0]
        assert "UID" not in head
        assert "LAST-MODIFIED" not in head


def test_each_kind_holds_its_own(world, browser, owed, address):
    here = owed.issue.hearing
    other = world.hearing("announced", station=world.other_station)
    everything = [here.title, other.title, f"【承诺到期】{owed.measure}"]
    assert summaries(browser().get(address(world.department, FeedKind.DEPARTMENT)).data) == everything
    assert f"【承诺到期】{owed.measure}" in summaries(browser().get(address(world.deputy)).data)
    district = summaries(browser().get(address(world.leader, FeedKind.DISTRICT)).data)
    assert district == [here.title, other.title]
    station = address(world.organiser, FeedKind.STATION, station_id=world.other_station.id)
    assert summaries(browser().get(station).data) == [other.title]
    tasks = browser().get(address(world.department).replace("calendar.ics", "todo.ics")).data
    (task,) = IcsCalendarStream.calendar_from_ics(tasks.decode()).todos
    assert (task.due, task.status.value) == (owed.due_on, "NEEDS-ACTION")
    assert vobject.readOne(tasks.decode()).vtodo.uid.value == f"commitment-todo-{owed.uid}@yexunhui.local"


def test_rights_are_asked_when_it_is_read(world, browser, owed, address):
    path, reader = address(world.department, FeedKind.DEPARTMENT), browser()
    assert len(summaries(reader.get(path).data)) == 2
    world.department.department = world.street_office
    people.audit.record("user.amend", world.department, None)
    assert summaries(reader.get(path).data) == [], "one who moved to another office reads nothing of the old one"
    people.lock_user(world.department, actor=world.admin)
    assert reader.get(path).status_code == 410


def test_an_empty_calendar_is_a_calendar(world, browser, address):
    body = browser().get(address(world.department)).data
    assert summaries(body) == []
    assert b"BEGIN:VTIMEZONE" in body, "RFC 5545 3.6 wants one component"
    assert list(IcsCalendarStream.calendar_from_ics(body.decode()).events) == []


def test_cancelled_ones_stay_thirty_days_and_old_ones_sixty(world, browser, address):
    coming = world.hearing("announced")
    path, reader = address(world.organiser), browser()
    schedule.cancel(coming, reason="台风", actor=world.organiser)
    assert summaries(reader.get(path).data) == [f"【已取消】{coming.title}"]
    db.session.commit()
    with clock_at(now() + timedelta(days=29)):
        assert len(summaries(reader.get(path).data)) == 1
    with clock_at(now() + timedelta(days=31)):
        assert summaries(reader.get(path).data) == [], "the day alone changes what is remembered"


def test_renewing_and_closing(world, browser, address):
    old = address(world.department)
    new = address(world.department)
    reader = browser()
    assert reader.get(old).status_code == 410
    assert reader.get(new).status_code == 200
    row = db.session.scalars(select(CalendarFeed).where(CalendarFeed.revoked_at.is_(None))).one()
    stranger = browser(world.deputy)
    assert stranger.post(f"/calendar/{row.id}/revoke").status_code == 404
    assert browser(world.department).post(f"/calendar/{row.id}/revoke").status_code == 303
    gone = reader.get(new)
    assert gone.status_code == 410
    assert "已停用" in gone.text


@pytest.mark.parametrize("bend", ["guess", "upper", "slash", "long", "nul", "other name"])
def test_an_address_that_is_not_one(world, browser, address, bend):
    path = address(world.department)
    token = path.split("/")[2]
    bent = {
        "guess": path.replace(token, "A" * 32),
        "upper": path.replace(token, token.swapcase()),
        "slash": path + "/",
        "long": path.replace(token, "A" * 5000),
        "nul": path.replace(token, token + "%00"),
        "other name": path.replace("calendar.ics", "other.ics"),
    }[bend]
    assert browser().get(bent).status_code == 404


def test_the_token_is_kept_by_nobody(world, address):
    token = address(world.department).split("/")[2]
    row = db.session.scalars(select(CalendarFeed)).one()
    assert row.token_sha256 == hashlib.sha256(token.encode()).hexdigest()
    assert token not in repr([vars(r) for r in db.session.scalars(select(people.audit.AuditEvent))])


def test_a_calendar_that_is_not_offered_is_refused(world, browser):
    clerk = browser(world.department)
    form_id = re.search(r'name="form_id"[^>]*value="([^"]+)"', clerk.get("/calendar/").text)[1]
    answer = clerk.post("/calendar/new", {"kind": "district", "form_id": form_id})
    assert answer.status_code == 409
    assert "您不能订阅这个日历" in answer.text
    assert clerk.post("/calendar/new", {"kind": "x"}).status_code == 404


def test_alarms_are_off_where_they_are_switched_off(world, browser, owed, address):
    path, reader = address(world.department), browser()
    assert b"BEGIN:VALARM" in reader.get(path).data
    row = db.session.scalars(select(CalendarFeed)).one()
    assert browser(world.department).post(f"/calendar/{row.id}/alarms", {"alarms": "off"}).status_code == 303
    assert b"BEGIN:VALARM" not in reader.get(path).data


def test_alarms_are_moments_in_utc(world, browser, owed, address):
    lines = unfolded(browser().get(address(world.department)).data)
    day = owed.due_on - timedelta(days=3)
    assert f"TRIGGER;VALUE=DATE-TIME:{day:%Y%m%d}T010000Z" in lines


def test_statements_do_not_grow(world, browser, owed, address, statements):
    path, reader = address(world.department), browser()
    reader.get(path)
    counts = []
    for more in (0, 40):
        for _ in range(more):
            world.commitment(owed.issue)
        db.session.commit()
        feeds.events.clear()
        feeds.tags.clear()
        with statements() as said:
            assert reader.get(path).status_code == 200
        counts.append(len(said))
    assert counts[0] == counts[1] <= 10


@pytest.mark.parametrize(
    ("base", "reach"),
    [
        ("http://127.0.0.1:5000", "machine"),
        ("http://localhost:5000", "machine"),
        ("http://10.1.2.3", "inside"),
        ("http://yexunhui", "inside"),
        ("https://yexunhui.lan", "inside"),
        ("https://yexunhui.example.gov.cn", "outside"),
        ("http://[::1]:5000", "machine"),
    ],
)
def test_the_page_knows_from_where_it_can_be_read(base, reach):
    from hearings.calendars.routes import reach_of

    assert reach_of(base) == reach


def test_inside_wechat_it_says_what_to_do(world, browser):
    clerk = browser(world.department)
    assert "微信" in clerk.get("/calendar/", headers={"User-Agent": "Mozilla/5.0 MicroMessenger/8.0"}).text
    assert "微信不能打开日历" not in clerk.get("/calendar/").text


def test_a_renamed_station_reaches_every_event_that_is_not_history(world, browser, address):
    """Also the cancelled ones that are still shown: a cold and a warm house must write the same."""
    coming = world.hearing("announced", day=today() + timedelta(days=2))
    off = world.hearing("announced", day=today() + timedelta(days=3))
    late = world.hearing("announced", day=today() + timedelta(days=4))
    held = world.hearing("concluded", day=today() + timedelta(days=1))
    schedule.cancel(off, reason="台风", actor=world.organiser)
    schedule.postpone(late, reason="台风", actor=world.organiser)
    db.session.commit()
    path, reader = address(world.organiser), browser()
    before = reader.get(path)
    was = {e.uid: e for e in IcsCalendarStream.calendar_from_ics(before.data.decode()).events}
    with clock_at(now() + timedelta(hours=1)):
        schedule.amend_station(world.station, {"name": "新名联络站"}, actor=world.organiser)
        warm = reader.get(path)
        feeds.events.clear()
        feeds.tags.clear()
        assert reader.get(path).data == warm.data
    assert warm.headers["ETag"] != before.headers["ETag"]
    fresh = {e.uid: e for e in IcsCalendarStream.calendar_from_ics(warm.data.decode()).events}
    for hearing in (coming, off, late):
        uid = f"hearing-{hearing.uid}@yexunhui.local"
        assert fresh[uid].location.startswith("新名联络站（")
        assert fresh[uid].sequence == was[uid].sequence + 1
        assert fresh[uid].last_modified == fresh[uid].dtstamp > was[uid].dtstamp
    uid = f"hearing-{held.uid}@yexunhui.local"
    assert fresh[uid] == was[uid]


def test_what_is_held_in_place_of_a_cancelled_one_leads_to_it(world, browser, address):
    off = world.hearing("announced")
    schedule.cancel(off, reason="台风", actor=world.organiser)
    again = schedule.copy_hearing(
        off, **evening(off.day + timedelta(days=7)), title="补开的夜询会", actor=world.organiser
    )
    schedule.announce(again, actor=world.organiser)
    copied = schedule.copy_hearing(again, **evening(off.day + timedelta(days=9)), title="又一场", actor=world.organiser)
    assert copied.replaces is None
    db.session.commit()
    lines = unfolded(browser().get(address(world.organiser)).data)
    related = [line for line in lines if line.startswith("RELATED-TO")]
    assert related == [f"RELATED-TO;RELTYPE=SIBLING:hearing-{off.uid}@yexunhui.local"]
    assert again.uid != off.uid
