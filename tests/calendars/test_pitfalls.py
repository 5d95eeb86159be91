"""Pitfalls of calendar.md (b) that no other file here is about; `tests/calendars/__init__.py` has the whole list."""

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream

from hearings.calendars import feeds, ics, operations
from hearings.calendars.models import FeedKind
from hearings.db import clock_at, db, now, today
from hearings.issues.models import Commitment
from hearings.schedule import operations as schedule
from tests.calendars.test_feeds import address, owed, summaries, unfolded  # noqa: F401
from tests.calendars.test_ics import HOST, TORTURE, occasion, written
from tests.calendars.test_witnesses import INVITEE, OURS, SENT, due, invitation, own_list
from tests.calendars.witness import by_libical


@pytest.fixture(autouse=True)
def _cold():
    feeds.events.clear()
    feeds.tags.clear()


def alarms(body: bytes) -> list[str]:
    return re.findall(r"BEGIN:VALARM.*?UID:(\S+?)\r", body.decode().replace("\r\n ", ""), re.S)


# -- 5, 11, 16, 17, 38 -----------------------------------------------------------------------------------


def test_a_request_asks_for_an_answer_until_there_is_one():
    said = {answer: invitation_of(answer) for answer in ("NEEDS-ACTION", "ACCEPTED")}
    assert re.search("RSVP=TRUE", said["NEEDS-ACTION"]) and "PARTSTAT=NEEDS-ACTION" in said["NEEDS-ACTION"]
    assert re.search("RSVP=FALSE", said["ACCEPTED"]) and "PARTSTAT=ACCEPTED" in said["ACCEPTED"]


def test_what_changed_is_said_where_every_client_shows_it():
    """Some show no COMMENT; a cancelled one says its reason in any case."""
    asked = unfolded(invitation(change="地点改为：明州路2号"))
    assert "COMMENT:地点改为：明州路2号" in asked
    assert "DESCRIPTION:地点改为：明州路2号\\nhttp://localhost/hearings/7" in asked
    off = unfolded(invitation(occasion(cancelled=True, reason="台风"), change="会议取消：台风"))
    assert "COMMENT:会议取消：台风" in off
    assert "DESCRIPTION:原因：台风\\nhttp://localhost/hearings/7" in off


def invitation_of(answer: str) -> str:
    who = ics.Invitee(INVITEE.address, INVITEE.name, INVITEE.organiser, INVITEE.organisation, answer=answer)
    body = ics.scheduling(occasion(), who, sent=now(), host=HOST)
    return "".join(line for line in unfolded(body) if line.startswith("ATTENDEE"))


def test_a_moment_of_another_zone_is_told_in_the_one_whose_rules_are_in_the_file():
    for zone in (timezone(timedelta(hours=8)), UTC, timezone(timedelta(hours=-5))):
        start = datetime(2026, 12, 10, 11, tzinfo=UTC).astimezone(zone)
        lines = unfolded(written(starts=start, ends=start + timedelta(hours=2)))
        assert "DTSTART;TZID=Asia/Shanghai:20261210T190000" in lines
        assert "DTEND;TZID=Asia/Shanghai:20261210T210000" in lines


@pytest.mark.parametrize("field", ["starts", "ends", "created", "changed"])
def test_a_moment_of_no_zone_would_float_and_is_refused(field):
    with pytest.raises(ValueError, match="floats"):
        written(**{field: datetime(2026, 12, 10, 19)})


def test_alarms_keep_their_identity_through_every_change(world, browser, owed, address):  # noqa: F811
    hearing = world.hearing("announced")
    path, reader = address(world.department), browser()
    rings = alarms(reader.get(path).data)
    assert len(rings) == len(set(rings)) == 4
    schedule.amend_station(world.station, {"name": "新名联络站"}, actor=world.organiser)
    owed.measure = "另一项措施"
    owed.touch()
    schedule.amend_hearing(hearing, {"title": "改正了的题目"}, actor=world.organiser)
    db.session.commit()
    feeds.tags.clear()
    fresh = reader.get(path).data
    assert "改正了的题目" in summaries(fresh)
    assert alarms(fresh) == rings


@pytest.mark.parametrize("kind", OURS)
def test_no_place_is_told_twice(kind):
    assert not re.search(b"GEO|X-APPLE", OURS[kind]())


# -- 23, 26 ----------------------------------------------------------------------------------------------


def test_who_has_several_parts_in_one_hearing_reads_it_once(world, browser, address):  # noqa: F811
    hearing = world.hearing("announced", chair=world.deputy)
    schedule.add_person(hearing, world.department, actor=world.organiser)
    db.session.commit()
    for user in (world.deputy, world.department, world.organiser):
        body = browser().get(address(user)).data
        assert summaries(body) == [hearing.title]
        assert own_list(body) == []


def test_a_feed_stays_under_the_thousand_events_and_the_megabyte(world, browser, owed, address, monkeypatch):  # noqa: F811
    for n in range(1000):
        db.session.add(
            Commitment(
                issue_id=owed.issue_id,
                position=n + 2,
                lead_id=world.bureau.id,
                measure=f"{n:04}" + "长" * 296,
                due_on=today() + timedelta(days=n % 300),
            )
        )
    db.session.commit()
    hearing = world.hearing("announced")
    body = browser().get(address(world.department)).data
    assert 900_000 < len(body) < 1_000_000
    found = IcsCalendarStream.calendar_from_ics(body.decode()).events
    assert 200 < len(found) <= feeds.MOST
    assert hearing.title in summaries(body), "what is due longest ago goes first"
    assert max(e.dtstart for e in found if not isinstance(e.dtstart, datetime)) == today() + timedelta(days=299)
    assert own_list(body) == []
    monkeypatch.setattr(feeds, "MOST", 3)
    feeds._promises.cache_clear()
    feeds._hearings.cache_clear()
    feeds.tags.clear()
    try:
        assert len(summaries(browser().get(address(world.department)).data)) == 3
    finally:
        monkeypatch.undo()
        feeds._promises.cache_clear()
        feeds._hearings.cache_clear()


def test_the_window_ends_before_and_behind(world, browser, address):  # noqa: F811
    days = {-61: False, -60: True, 399: True, 400: False}
    titles = {}
    for days_off in days:
        titles[days_off] = world.hearing("announced", day=today() + timedelta(days=days_off)).title
    shown = summaries(browser().get(address(world.organiser)).data)
    assert {d: titles[d] in shown for d in days} == days


# -- 25, 27–32 -------------------------------------------------------------------------------------------


def test_people_are_told_how_often_clients_come_and_that_changes_come_by_mail(world, browser):
    page = browser(world.department).get("/calendar/").text
    assert "Google 每 4 至 24 小时读取一次" in page
    assert "会议变更会另发邮件" in page


def test_only_clients_that_can_reach_us_are_offered(world, browser, app):
    one = browser(world.department)
    for base, google in (("http://localhost", False), ("http://10.1.2.3", False), ("https://rd.example.gov.cn", True)):
        app.config["BASE_URL"] = base
        try:
            page = one.get("/calendar/").text
        finally:
            app.config["BASE_URL"] = "http://localhost"
        assert ("<dt>Google</dt>" in page) is google
        assert ("通过网址添加" in page) is google


def test_search_engines_are_told_in_the_header_alone(world, browser, address):  # noqa: F811
    answer = browser().get(address(world.department))
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert browser().get("/robots.txt").status_code == 404, "Google obeys it and would fetch no calendar"


@pytest.mark.parametrize("agent", ["Microsoft Office/16.0", "Google-Calendar-Importer", "iOS/18 dataaccessd/1.0", ""])
def test_every_client_gets_the_same_plain_bytes(world, browser, address, agent):  # noqa: F811
    path = address(world.department)
    plain = browser().get(path)
    answer = browser().get(path, headers={"User-Agent": agent, "Accept-Encoding": "gzip, br", "Accept-Language": "en"})
    assert "Content-Encoding" not in answer.headers
    assert answer.data == plain.data
    assert answer.headers["Content-Length"] == str(len(plain.data))
    assert "Location" not in answer.headers and "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
        ({"If-Modified-Since": "gestern"}, 200),
        ({"If-None-Match": '"other"', "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
        ({"If-None-Match": "TAG", "If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 304),
        ({"If-None-Match": '"other", TAG'}, 304),
        ({"If-None-Match": "TAG"}, 304),
        ({"If-None-Match": "gar\tbage, ,,"}, 200),
    ],
    ids=range(8),
)
def test_only_the_fingerprint_decides(world, browser, owed, address, headers, code):  # noqa: F811
    path, reader = address(world.department), browser()
    first = reader.get(path)
    assert "Last-Modified" not in first.headers
    sent = {k: v.replace("TAG", first.headers["ETag"]) for k, v in headers.items()}
    for cold in (False, True):
        if cold:
            feeds.tags.clear()
        answer = reader.get(path, headers=sent)
        assert answer.status_code == code
        assert answer.headers["ETag"] == first.headers["ETag"]
        assert answer.data == (b"" if code == 304 else first.data)


def test_what_went_away_changes_the_fingerprint(world, browser, address):  # noqa: F811
    """A deletion, a right taken away, the day that ends: none may be answered with 304."""
    hearing = world.hearing("announced")
    path, reader = address(world.deputy), browser()
    tag = reader.get(path).headers["ETag"]
    seat = db.session.scalars(
        db.select(schedule.Participant).where(schedule.Participant.user_id == world.deputy.id)
    ).one()
    schedule.remove_participant(seat, actor=world.organiser)
    gone = reader.get(path, headers={"If-None-Match": tag})
    assert (gone.status_code, summaries(gone.data)) == (200, [])
    schedule.add_person(hearing, world.deputy, actor=world.organiser)
    tag = reader.get(path).headers["ETag"]
    with clock_at(now() + timedelta(days=70)):
        assert reader.get(path, headers={"If-None-Match": tag}).status_code == 200


def test_the_address_is_in_no_file_and_goes_to_no_other_site(world, browser, owed, address):  # noqa: F811
    path = address(world.department)
    answer = browser().get(path)
    assert path.split("/")[2] not in answer.get_data(as_text=True)
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"].startswith("private")


def test_no_access_log_keeps_addresses():
    import runpy

    settings = runpy.run_path("gunicorn.conf.py")
    assert settings.get("accesslog") is None
    assert settings["loglevel"] == "error"


def test_it_is_the_address_alone_that_decides_who_reads(world, browser, owed, address):  # noqa: F811
    path = address(world.department)
    plain = browser().get(path)
    for user in (world.department, world.other_department, world.admin):
        reader = browser(user)
        assert reader.get(path).data == plain.data
        assert reader.get(path + "?page=2&per_page=1&lang=en").data == plain.data


# -- bad input: every kind of output, whole way through the database ---------------------------------------


NASTY = [t for t in TORTURE if "\ud83d" not in t]


@pytest.mark.parametrize("words", NASTY, ids=range(len(NASTY)))
def test_no_words_of_anybody_break_a_feed_a_task_list_or_a_file(world, browser, owed, address, words):  # noqa: F811
    hearing = world.hearing("announced")
    hearing.title = hearing.theme = words.replace("\x00", "")  # PostgreSQL keeps no NUL; the next test has it
    hearing.station.name = words.replace("\x00", "")
    hearing.station.address = "明州路1号;B座,3楼:东门"
    owed.measure = owed.issue.title = words.replace("\x00", "")
    world.bureau.name = words.replace("\x00", "")
    for row in (hearing, owed):
        row.touch()
    db.session.commit()
    wanted = ics.line(words)
    path = address(world.department)
    reader = browser(world.department)
    bodies = {
        "feed": reader.get(path).data,
        "tasks": reader.get(path.replace("calendar.ics", "todo.ics")).data,
        "file": reader.get(f"/hearings/{hearing.id}/invite.ics").data,
    }
    for name, body in bodies.items():
        assert own_list(body) == [], name
        assert by_libical(body) == [], name
        vobject.readOne(body.decode())
        assert not [line for line in unfolded(body) if line.startswith("X-EVIL")], name
    calendar = IcsCalendarStream.calendar_from_ics(bodies["feed"].decode())
    place = ics.line(f"{words}（明州路1号;B座,3楼:东门）".replace("\x00", ""))
    assert {(e.summary, e.location) for e in calendar.events if e.location} >= {(wanted, place)}
    assert f"【承诺到期】{wanted}" in {e.summary for e in calendar.events}
    (file,) = IcsCalendarStream.calendar_from_ics(bodies["file"].decode()).events
    assert (file.summary, file.location) == (wanted, place)


@pytest.mark.parametrize("words", TORTURE, ids=range(len(TORTURE)))
def test_no_words_break_what_goes_by_mail_or_a_due_date(words):
    told = occasion(title=words, place=words, theme=words, agenda=(words,), contact=words, reason=words, cancelled=True)
    who = ics.Invitee(INVITEE.address, words, INVITEE.organiser, words)
    bodies = [
        ics.scheduling(told, who, sent=SENT, host=HOST, change=words),
        invitation(occasion(title=words, place=words, contact=words), change=words),
        ics.snapshot([ics.due_event(due(measure=words, issue=words, departments=(words, words)), host=HOST)]),
        ics.snapshot([ics.todo(due(measure=words, issue=words, departments=(words, words)), host=HOST)]),
        ics.feed(words, words, []),
    ]
    for body in bodies:
        assert own_list(body) == []
        assert by_libical(body) == []
        vobject.readOne(body.decode())


def test_a_station_calendar_and_the_district_one_ring_for_nobody(world, browser, address):  # noqa: F811
    world.hearing("announced")
    for kind, which in ((FeedKind.STATION, {"station_id": world.station.id}), (FeedKind.DISTRICT, {})):
        assert b"BEGIN:VALARM" not in browser().get(address(world.organiser, kind, **which)).data
    assert b"BEGIN:VALARM" in browser().get(address(world.organiser)).data
    assert operations.offers(world.organiser)
