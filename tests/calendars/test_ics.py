"""Calendar files, read back by parsers that are not the one that wrote them."""

import hashlib
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream

from hearings.calendars import ics
from hearings.calendars.ics import Occasion
from hearings.db import LOCAL, clock_at, db
from hearings.schedule import operations as schedule
from hearings.schedule.models import HearingKind
from tests.factories import evening

THURSDAY = date(2026, 12, 10)
MADE = datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
HOST = "yexunhui.local"


def occasion(**details):
    fields = {
        "uid": "0f" * 16,
        "sequence": 4,
        "created": MADE,
        "changed": MADE + timedelta(days=1),
        "starts": datetime(2026, 12, 10, 19, tzinfo=LOCAL),
        "ends": datetime(2026, 12, 10, 21, tzinfo=LOCAL),
        "title": "北仑区人大代表民生夜询会",
        "place": "新碶街道人大代表联络站（明州路1号）",
        "url": "http://localhost/hearings/7",
        "station_key": "1",
    }
    return Occasion(**(fields | details))


def written(**details) -> bytes:
    return ics.publish([ics.event(occasion(**details), host=HOST, organisation="北仑区人大常委会")])


def unfolded(body: bytes) -> list[str]:
    return body.decode().replace("\r\n ", "").split("\r\n")[:-1]


def by_ical(body: bytes):
    (event,) = IcsCalendarStream.calendar_from_ics(body.decode()).events
    return event


def by_vobject(body: bytes):
    return vobject.readOne(body.decode()).vevent


def test_the_whole_file():
    body = written(agenda=("桥下堆物", "末班公交"), theme="家门口", follows_uid="ab" * 16)
    assert unfolded(body) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//hearings//evening livelihood hearings 1//ZH",
        "CALSCALE:GREGORIAN",
        "METHOD:PUBLISH",
        "BEGIN:VTIMEZONE",
        "TZID:Asia/Shanghai",
        "X-LIC-LOCATION:Asia/Shanghai",
        "BEGIN:STANDARD",
        "DTSTART:19700101T000000",
        "TZNAME:CST",
        "TZOFFSETFROM:+0800",
        "TZOFFSETTO:+0800",
        "END:STANDARD",
        "END:VTIMEZONE",
        "BEGIN:VEVENT",
        "UID:hearing-0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f@yexunhui.local",
        "SEQUENCE:4",
        "CREATED:20261102T013000Z",
        "LAST-MODIFIED:20261103T013000Z",
        "DTSTAMP:20261103T013000Z",
        "DTSTART;TZID=Asia/Shanghai:20261210T190000",
        "DTEND;TZID=Asia/Shanghai:20261210T210000",
        "SUMMARY:北仑区人大代表民生夜询会",
        "DESCRIPTION:主题：家门口\\n议题：\\n1. 桥下堆物\\n2. 末班公交\\nhttp://localhost/hearings/7",
        "LOCATION:新碶街道人大代表联络站（明州路1号）",
        "URL;VALUE=URI:http://localhost/hearings/7",
        "ORGANIZER;CN=北仑区人大常委会:mailto:station-1@yexunhui.local",
        "STATUS:CONFIRMED",
        "TRANSP:OPAQUE",
        "X-MICROSOFT-CDO-BUSYSTATUS:BUSY",
        "CLASS:PUBLIC",
        "CATEGORIES:民生夜询会",
        "RELATED-TO;RELTYPE=PARENT:hearing-abababababababababababababababab@yexunhui.local",
        "BEGIN:VALARM",
        "ACTION:DISPLAY",
        "DESCRIPTION:北仑区人大代表民生夜询会",
        "TRIGGER:-PT2H",
        "UID:alarm-0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f@yexunhui.local",
        "END:VALARM",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def test_a_cancelled_one_is_published_as_cancelled_and_frees_the_evening():
    lines = unfolded(written(cancelled=True, reason="台风"))
    assert "METHOD:PUBLISH" in lines
    assert "SUMMARY:【已取消】北仑区人大代表民生夜询会" in lines
    assert "DESCRIPTION:原因：台风\\nhttp://localhost/hearings/7" in lines
    assert [line for line in lines if line.startswith(("STATUS", "TRANSP", "X-MICROSOFT"))] == [
        "STATUS:CANCELLED",
        "TRANSP:TRANSPARENT",
        "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
    ]
    assert "BEGIN:VALARM" not in lines


def test_a_postponed_one_is_tentative_and_rings_no_alarm():
    lines = unfolded(written(postponed=True, reason="台风"))
    assert "SUMMARY:【已延期】北仑区人大代表民生夜询会" in lines
    assert "STATUS:TENTATIVE" in lines
    assert "BEGIN:VALARM" not in lines


TORTURE = [
    "一行\r\n二行",
    "一行\nX-EVIL:1",
    "a\x00b\x0bc\x1bd",
    "C:\\New\\table",
    '说“好”，"quoted" ; , : ^ \'',
    "👩‍👧‍👦 碶 𠮷 emoji",
    "长" * 300,
    "\u2028 a \u2029 b \x85 c",
    "\ud83d半个字",
    "BEGIN:VEVENT",
]


@pytest.mark.parametrize("title", TORTURE, ids=range(len(TORTURE)))
def test_no_title_breaks_the_file(title):
    body = written(title=title, agenda=(title,), place=title, theme=title, reason=title)
    wanted = ics.line(title)
    assert all(ord(sign) >= 32 and not 127 <= ord(sign) < 160 for sign in wanted)
    event = by_ical(body)
    assert (event.summary, event.location) == (wanted, wanted)
    assert event.description == f"主题：{wanted}\n议题：\n1. {wanted}\nhttp://localhost/hearings/7"
    other = by_vobject(body)
    assert (other.summary.value, other.location.value) == (wanted, wanted)
    assert not [line for line in unfolded(body) if line.startswith("X-EVIL")]
    assert unfolded(body).count("BEGIN:VEVENT") == 1


@pytest.mark.parametrize("title", TORTURE, ids=range(len(TORTURE)))
def test_lines_are_folded_at_75_octets_between_characters(title):
    body = written(title=title, agenda=(title, "议题" * 60), place=title)
    assert body.endswith(b"END:VCALENDAR\r\n")
    assert b"\n" not in body.replace(b"\r\n", b"") and b"\r" not in body.replace(b"\r\n", b"")
    for line in body.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()  # no character is cut
    assert not body.startswith(b"\xef\xbb\xbf")


def test_a_quoted_or_careted_name_of_the_office_stays_readable():
    made = ics.event(occasion(), host=HOST, organisation='北仑"区"^人大')
    line = next(line for line in unfolded(ics.publish([made])) if line.startswith("ORGANIZER"))
    assert line == "ORGANIZER;CN=北仑“区”＾人大:mailto:station-1@yexunhui.local"


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="without a time zone"):
        written(created=datetime(2026, 11, 2))


# -- over HTTP -----------------------------------------------------------------------------------------


@pytest.fixture
def told(app, world):
    """A hearing announced for a Thursday in December, with two topics addressed to different offices."""
    with clock_at(MADE):
        made = world.hearing(day=THURSDAY, title="北仑区人大代表民生夜询会", theme="家门口的民生小事")
        for title, office in (("铁路桥下堆物", world.bureau), ("校门口人车混行", world.other_bureau)):
            topic = schedule.add_topic(
                title=title, departments=[office], street="新碶", hearing=made, actor=world.organiser
            )
            assert topic.hearing is made
        db.session.commit()
    return made


def test_the_download_is_a_named_file_that_stays_the_same(world, browser, told):
    one = browser(world.deputy)
    first = one.get(f"/hearings/{told.id}/invite.ics")
    assert first.status_code == 200
    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"
    assert first.headers["Content-Disposition"] == (
        f'attachment; filename="hearing-{told.id}.ics"; '
        "filename*=UTF-8''%E7%AC%AC1%E6%9C%9F%E6%B0%91%E7%94%9F%E5%A4%9C%E8%AF%A2%E4%BC%9A-2026-12-10.ics"
    )
    assert first.headers["ETag"] == f'"{hashlib.sha256(first.data).hexdigest()}"'
    with clock_at(MADE + timedelta(days=3)):
        again = one.get(f"/hearings/{told.id}/invite.ics")
    assert again.data == first.data
    fresh = one.get(f"/hearings/{told.id}/invite.ics", headers={"If-None-Match": first.headers["ETag"]})
    assert (fresh.status_code, fresh.data) == (304, b"")


def test_independent_readers_find_time_place_and_words(world, browser, told):
    body = browser(world.organiser).get(f"/hearings/{told.id}/invite.ics").data
    event = by_ical(body)
    assert event.uid == f"hearing-{told.uid}@yexunhui.local"
    assert event.dtstart.astimezone(UTC) == datetime(2026, 12, 10, 11, tzinfo=UTC)
    assert event.dtend.astimezone(UTC) == datetime(2026, 12, 10, 13, tzinfo=UTC)
    assert event.location == "新碶街道人大代表联络站（" + world.station.address + "）"
    assert event.description.split("\n")[:4] == [
        "主题：家门口的民生小事",
        "议题：",
        "1. 铁路桥下堆物",
        "2. 校门口人车混行",
    ]
    assert event.organizer is not None and not event.attendees
    (alarm,) = event.alarm
    assert alarm.trigger == timedelta(hours=-2)
    other = by_vobject(body)
    assert other.dtstart.value.utcoffset() == timedelta(hours=8)
    assert other.dtstart.value.astimezone(UTC) == datetime(2026, 12, 10, 11, tzinfo=UTC)
    assert other.summary.value == "北仑区人大代表民生夜询会"


def test_khal_prints_the_evening_in_shanghai(world, browser, told, tmp_path):
    body = browser(world.organiser).get(f"/hearings/{told.id}/invite.ics").data
    assert khal(body, tmp_path, "Asia/Shanghai") == (
        f"2026-12-10 19:00|2026-12-10 21:00|北仑区人大代表民生夜询会|新碶街道人大代表联络站（{world.station.address}）"
    )
    assert khal(body, tmp_path, "Europe/Berlin").startswith("2026-12-10 12:00|2026-12-10 14:00|")


def khal(body: bytes, folder: Path, zone: str) -> str:
    """What khal makes of a file, for somebody in that zone."""
    file, config = folder / "invite.ics", folder / "khal.conf"
    file.write_bytes(body)
    (folder / "none").mkdir(exist_ok=True)
    config.write_text(
        f"[calendars]\n[[none]]\npath = {folder / 'none'}\n[sqlite]\npath = {folder / 'khal.db'}\n"
        f"[locale]\nlocal_timezone = {zone}\ndefault_timezone = {zone}\n"
        "timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
    )
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "khal"), "-c", str(config), "printics",
            "--format", "{start-long-full}|{end-long-full}|{title}|{location}", str(file),
        ],
        env=os.environ | {"LC_ALL": "C.UTF-8", "HOME": str(folder), "TZ": zone, "XDG_DATA_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )  # fmt: skip
    return done.stdout.strip().splitlines()[-1]


def test_a_department_reads_only_the_topics_addressed_to_it(world, browser, told):
    event = by_ical(browser(world.department).get(f"/hearings/{told.id}/invite.ics").data)
    assert re.findall(r"^\d+\. (.*)$", event.description, re.M) == ["铁路桥下堆物"]


def test_a_draft_a_discarded_one_and_what_one_may_not_read_are_not_there(world, browser):
    draft = world.hearing("draft")
    assert browser(world.organiser).get(f"/hearings/{draft.id}/invite.ics").status_code == 404
    schedule.discard(draft, actor=world.organiser)
    assert browser(world.organiser).get(f"/hearings/{draft.id}/invite.ics").status_code == 404
    elsewhere = world.hearing(station=world.other_station)
    assert browser(world.street).get(f"/hearings/{elsewhere.id}/invite.ics").status_code == 404
    assert browser(world.admin).get(f"/hearings/{elsewhere.id}/invite.ics").status_code == 404
    assert browser(world.organiser).get("/hearings/999999/invite.ics").status_code == 404


def test_every_change_that_shows_counts(world, browser, told):
    one = browser(world.organiser)

    def now_says() -> tuple[int, str, str]:
        event = by_ical(one.get(f"/hearings/{told.id}/invite.ics").data)
        assert event.dtstamp == event.last_modified
        return event.sequence, event.summary, event.location

    before = now_says()
    schedule.amend_station(world.station, {"name": "新碶联络站"}, actor=world.organiser)
    renamed = now_says()
    assert renamed[0] == before[0] + 1
    assert renamed[2] == f"新碶联络站（{world.station.address}）"
    times = evening(THURSDAY + timedelta(days=7))
    schedule.reschedule(told, **times, station=world.other_station, reason="场地维修", actor=world.organiser)
    moved = by_ical(one.get(f"/hearings/{told.id}/invite.ics").data)
    assert moved.dtstart.astimezone(UTC) == datetime(2026, 12, 17, 11, tzinfo=UTC)
    assert moved.sequence == renamed[0] + 1
    schedule.cancel(told, reason="台风", actor=world.organiser)
    gone = by_ical(one.get(f"/hearings/{told.id}/invite.ics").data)
    assert (gone.sequence, gone.summary) == (moved.sequence + 1, "【已取消】北仑区人大代表民生夜询会")
    assert str(gone.status.value) == "CANCELLED"


def test_a_look_back_points_to_the_hearing_it_follows(world, browser):
    first = world.hearing("concluded", day=date(2026, 9, 10))
    back = world.hearing(kind=HearingKind.LOOK_BACK, title="第1期回头看", follows=first, day=THURSDAY)
    one = browser(world.organiser)
    file = one.get(f"/look-backs/{back.id}/invite.ics").data
    assert file == one.get(f"/hearings/{back.id}/invite.ics").data
    assert f"RELATED-TO;RELTYPE=PARENT:hearing-{first.uid}@yexunhui.local" in unfolded(file)
    assert "CATEGORIES:回头看" in unfolded(file)
    assert one.get(f"/look-backs/{first.id}/invite.ics").status_code == 404


def test_the_place_of_an_evening_that_was_held_stays_what_it_was(world, browser):
    held = world.hearing("concluded")
    before = browser(world.organiser).get(f"/hearings/{held.id}/invite.ics").data
    schedule.amend_station(world.station, {"name": "改了名字的联络站"}, actor=world.organiser)
    assert browser(world.organiser).get(f"/hearings/{held.id}/invite.ics").data == before
