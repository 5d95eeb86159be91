"""Real clients read what we write; and each file with one defect is found by one of them or by our own list."""

import re
import urllib.request
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from flask_migrate import upgrade
from ical.calendar_stream import IcsCalendarStream
from sqlalchemy import select

from hearings.calendars import feeds, ics, operations
from hearings.calendars.models import FeedKind
from hearings.db import LOCAL, db, today
from hearings.schedule import operations as schedule
from tests import factories
from tests.calendars import witness
from tests.calendars.test_ics import HOST, occasion
from tests.conftest import make_app
from tests.server import serving

INVITEE = ics.Invitee(
    address="deputy@example.org", name="代表甲", organiser="yexunhui+1-x@rd.example", organisation="北仑区人大常委会"
)
SENT = datetime(2026, 11, 5, 2, tzinfo=UTC)


def due(**details) -> ics.Due:
    fields = {
        "uid": "ab" * 16,
        "sequence": 3,
        "created": SENT,
        "changed": SENT,
        "due": date(2026, 12, 30),
        "measure": "桥下空间清理完毕，安装照明；移交管护, 含灯杆",
        "url": "http://localhost/issues/1",
        "departments": ("区交通运输局", "霞浦街道办"),
        "issue": "铁路桥下堆物",
        "percent": 60,
        "hearing_uid": "cd" * 16,
    }
    return ics.Due(**(fields | details))


def invitation(told=None, **rest) -> bytes:
    return ics.scheduling(told or occasion(), INVITEE, sent=SENT, host=HOST, **rest)


def feed(*parts) -> bytes:
    return ics.feed("夜询会", "会议和到期日", [p.to_ical(sorted=False) for p in parts])


def due_dates(*dues) -> bytes:
    return ics.due_dates(dues, organiser="yexunhui@rd.example", organisation="北仑区人大常委会", sent=SENT, host=HOST)


OURS = {
    "download": lambda: ics.publish([ics.event(occasion(), host=HOST, organisation="人大")]),
    "request": invitation,
    "update": lambda: invitation(occasion(sequence=5), change="地点改为明州路2号"),
    "cancel": lambda: invitation(occasion(sequence=6, cancelled=True, reason="台风")),
    "postponed": lambda: invitation(occasion(sequence=6, postponed=True, reason="台风")),
    "feed": lambda: feed(ics.event(occasion(), host=HOST, organisation=None), ics.due_event(due(), host=HOST)),
    "kept": lambda: feed(ics.due_event(due(kept=True, closed=SENT), host=HOST)),
    "released": lambda: feed(ics.due_event(due(released=True), host=HOST)),
    "tasks": lambda: feed(ics.todo(due(), host=HOST), ics.todo(due(uid="ef" * 16, kept=True, closed=SENT), host=HOST)),
    "empty": lambda: feed(),
    "look-back": lambda: invitation(
        occasion(category="回头看", follows_uid="12" * 16, reviews=("ab" * 16, "ef" * 16), sequence=0)
    ),
    "taken off": lambda: invitation(ics.replace_cancelled(occasion(sequence=6))),
    "due dates": lambda: due_dates(due(), due(uid="ef" * 16, kept=True), due(uid="12" * 16, released=True)),
    "beside minutes": lambda: ics.snapshot(
        [ics.event(occasion(), host=HOST, organisation=None), ics.due_event(due(), host=HOST)]
    ),
}


def own_list(body: bytes) -> list[str]:
    """What no reader checks for us (calendar.md c): every line of our own rules that a file breaks."""
    found = []
    if body.startswith(b"\xef\xbb\xbf"):
        found.append("byte order mark")
    if b"\n" in body.replace(b"\r\n", b""):
        found.append("a line that ends in LF alone")
    lines = body.split(b"\r\n")
    if any(len(line) > 75 for line in lines):
        found.append("a line of more than 75 octets")
    for line in lines:
        try:
            line.decode()
        except UnicodeDecodeError:
            found.append("a fold inside a character")
    text = body.decode("utf-8", "replace").replace("\r\n ", "")
    if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f]", text):
        found.append("a control character")
    head = text.split("BEGIN:VTIMEZONE")[0]
    method = (re.search("^METHOD:(.+?)\r", text, re.M) or [None, None])[1]
    if "\r\nUID:" in head:
        found.append("a UID of the calendar")
    for part in re.findall("BEGIN:(VEVENT|VTODO)\r\n(.*?)END:\\1", text, re.S):
        body_of = re.sub("BEGIN:VALARM.*?END:VALARM\r\n", "", part[1], flags=re.S)
        for needed in ("UID", "DTSTART" if part[0] == "VEVENT" else "DUE"):
            if not re.search(f"^{needed}[:;]", body_of, re.M):
                found.append(f"no {needed}")
        if "METHOD:" in body_of:
            found.append("METHOD inside a component")
        if not re.search("^DTSTAMP:\\d{8}T\\d{6}Z\r", body_of, re.M):
            found.append("DTSTAMP is not in UTC")
        if method is None and re.search("^(ORGANIZER|ATTENDEE)", body_of, re.M):
            found.append("somebody is asked in a feed")
        if method in ("REQUEST", "CANCEL") and len(re.findall("^ATTENDEE", body_of, re.M)) != 1:
            found.append("not one attendee")
        if re.search('^(ATTENDEE|ORGANIZER)(;("[^"\r]*"|[^:"\r])*)?:(?!mailto:)', body_of, re.M):
            found.append("a bare address")
        if method == "REQUEST" and "PARTSTAT=NEEDS-ACTION" in body_of and "RSVP=TRUE" not in body_of:
            found.append("no answer is asked for")
        if method == "CANCEL" and "STATUS:CANCELLED" not in body_of:
            found.append("CANCEL without STATUS")
        if method == "CANCEL" and "BEGIN:VALARM" in part[1]:
            found.append("an alarm in a CANCEL")
        if "TZID=" in body_of and "BEGIN:VTIMEZONE" not in text:
            found.append("a zone that is not there")
        if re.search("^(RRULE|RDATE)", body_of, re.M):
            found.append("a recurrence")
        if "DTSTART;VALUE=DATE:" in body_of and re.search("TRIGGER:-?P", part[1]):
            found.append("a relative alarm on a day")
        start, end = (re.search(f"^{k};VALUE=DATE:(\\d+)\r", body_of, re.M) for k in ("DTSTART", "DTEND"))
        if start and end and end[1] <= start[1]:
            found.append("a day that ends before it begins")
        start, end = (re.search(f"^{k};TZID=[^:]+:(\\S+)\r", body_of, re.M) for k in ("DTSTART", "DTEND"))
        if start and end and end[1] <= start[1]:
            found.append("an evening that ends before it begins")
        if re.search("TRIGGER:\\d", part[1]):
            found.append("an absolute trigger without VALUE")
        for alarm in re.findall("BEGIN:VALARM\r\n(.*?)END:VALARM", part[1], re.S):
            if "DESCRIPTION:" not in alarm:
                found.append("an alarm without words")
        if re.search(r"^(SUMMARY|LOCATION|DESCRIPTION):(?:[^\r\\]|\\.)*?(?<!\\)[,;]", body_of, re.M):
            found.append("an unescaped comma")
    uids = re.findall("^UID:(.+?)\r", re.sub("BEGIN:VALARM.*?END:VALARM\r\n", "", text, flags=re.S), re.M)
    if len(uids) != len(set(uids)):
        found.append("a UID twice")
    if "REFRESH-INTERVAL" in text and "REFRESH-INTERVAL;VALUE=DURATION:" not in text:
        found.append("REFRESH-INTERVAL without VALUE")
    if "BEGIN:VTIMEZONE" in text and re.search("RDATE|DAYLIGHT", text):
        found.append("a zone with rules it does not have")
    if not re.search("^(BEGIN:VTIMEZONE|BEGIN:VEVENT|BEGIN:VTODO)\r", text, re.M):
        found.append("a calendar without a component")
    return found


READERS = ("libical", "ical", "vobject", "ical.js")


@pytest.fixture
def against(request):
    """`against(reader, body)` → what that reader has against a file; empty when it reads it in full."""

    def ask(reader, body):
        if reader == "ical.js":
            return request.getfixturevalue("strict_ical_js")(body)
        return getattr(witness, f"by_{reader}")(body)

    return ask


@pytest.fixture(scope="module")
def strict_ical_js(chromium):
    with witness.ical_js(chromium) as ask:
        yield ask


@pytest.mark.parametrize("kind", OURS)
@pytest.mark.parametrize("reader", READERS)
def test_every_kind_of_ours_is_read_by_all(reader, kind, against):
    assert against(reader, OURS[kind]()) == []


@pytest.mark.parametrize("kind", OURS)
def test_every_kind_of_ours_keeps_our_own_rules(kind):
    assert own_list(OURS[kind]()) == []


DEFECTS = {
    "byte order mark": ("feed", lambda b: b"\xef\xbb\xbf" + b),
    "a line that ends in LF alone": ("feed", lambda b: b.replace(b"CLASS:PUBLIC\r\n", b"CLASS:PUBLIC\n", 1)),
    "a line of more than 75 octets": ("feed", lambda b: b.replace(b"\r\n ", b"")),
    "a fold inside a character": (
        "feed",
        lambda b: b.replace("X-WR-CALNAME:夜".encode(), b"X-WR-CALNAME:" + b"\xe5\xa4\r\n \x9c", 1),
    ),
    "a control character": ("feed", lambda b: b.replace(b"CLASS:PUBLIC", b"CLASS:PUB\x00LIC", 1)),
    "a UID of the calendar": ("feed", lambda b: b.replace(b"CALSCALE", b"UID:x\r\nCALSCALE", 1)),
    "METHOD inside a component": (
        "request",
        lambda b: b.replace(b"CLASS:PUBLIC", b"METHOD:REQUEST\r\nCLASS:PUBLIC", 1),
    ),
    "DTSTAMP is not in UTC": (
        "request",
        lambda b: b.replace(b"DTSTAMP:20261105T020000Z", b"DTSTAMP:20261105T020000", 1),
    ),
    "somebody is asked in a feed": (
        "feed",
        lambda b: b.replace(b"CLASS:PUBLIC", b"ORGANIZER:mailto:a@b.cn\r\nCLASS:PUBLIC", 1),
    ),
    "not one attendee": ("request", lambda b: re.sub(b"ATTENDEE.*?\r\n(?! )", b"", b, count=1, flags=re.S)),
    "a bare address": ("request", lambda b: b.replace(b"mailto:deputy", b"deputy", 1)),
    "no answer is asked for": (
        "request",
        lambda b: b.replace(b"RSVP\r\n =TRUE", b"X-A\r\n =TRUE").replace(b"RSVP=TRUE", b"X-A=TRUE"),
    ),
    "CANCEL without STATUS": ("cancel", lambda b: b.replace(b"STATUS:CANCELLED\r\n", b"", 1)),
    "an alarm in a CANCEL": (
        "cancel",
        lambda b: b.replace(
            b"END:VEVENT",
            b"BEGIN:VALARM\r\nACTION:DISPLAY\r\nDESCRIPTION:x\r\nTRIGGER:-PT2H\r\nEND:VALARM\r\nEND:VEVENT",
            1,
        ),
    ),
    "a zone that is not there": ("request", lambda b: b.replace(ics.VTIMEZONE, b"")),
    "a recurrence": ("feed", lambda b: b.replace(b"CLASS:PUBLIC", b"RRULE:FREQ=DAILY\r\nCLASS:PUBLIC", 1)),
    "a relative alarm on a day": (
        "feed",
        lambda b: b.replace(b"TRIGGER;VALUE=DATE-TIME:20261227T010000Z", b"TRIGGER:-P3D", 1),
    ),
    "an absolute trigger without VALUE": ("feed", lambda b: b.replace(b"TRIGGER;VALUE=DATE-TIME:", b"TRIGGER:", 1)),
    "a day that ends before it begins": (
        "feed",
        lambda b: b.replace(b"DTEND;VALUE=DATE:20261231", b"DTEND;VALUE=DATE:20261230", 1),
    ),
    "an evening that ends before it begins": (
        "request",
        lambda b: re.sub(b"(DTEND;TZID=Asia/Shanghai:)\\d{4}", rb"\g<1>2020", b, count=1),
    ),
    "no UID": ("feed", lambda b: re.sub(b"(BEGIN:VEVENT\r\n)UID:.*?\r\n", rb"\1", b, count=1)),
    "no DTSTART": ("feed", lambda b: re.sub(b"DTSTART;.*?\r\n", b"", b, count=1)),
    "no DUE": ("tasks", lambda b: re.sub(b"DUE;.*?\r\n", b"", b, count=1)),
    "an alarm without words": (
        "feed",
        lambda b: re.sub(b"(ACTION:DISPLAY\r\n)DESCRIPTION:.*?\r\n(?! )", rb"\1", b, count=1, flags=re.S),
    ),
    "an unescaped comma": ("feed", lambda b: b.replace(b"\\, ", b", ", 1)),
    "a UID twice": ("feed", lambda b: b.replace(b"END:VCALENDAR", b[b.index(b"BEGIN:VEVENT") :], 1)),
    "REFRESH-INTERVAL without VALUE": ("feed", lambda b: b.replace(b";VALUE=DURATION", b"", 1)),
    "a calendar without a component": ("empty", lambda b: b.replace(ics.VTIMEZONE, b"")),
}


@pytest.mark.parametrize("defect", DEFECTS)
def test_a_file_with_one_defect_is_found(defect):
    kind, bend = DEFECTS[defect]
    good = OURS[kind]()
    bad = bend(good)
    assert bad != good
    assert defect in own_list(bad)


SEEN = {
    "no organiser": ("request", lambda b: b.replace(b"ORGANIZER", b"X-ORGANIZER", 1), ["libical"]),
    "nobody is asked": (
        "request",
        lambda b: re.sub(b"ATTENDEE.*?\r\n(?! )", b"", b, count=1, flags=re.S),
        ["libical"],
    ),
    "no sequence in a CANCEL": ("cancel", lambda b: re.sub(b"SEQUENCE:\\d+\r\n", b"", b, count=1), ["libical"]),
    "no VERSION": ("feed", lambda b: b.replace(b"VERSION:2.0\r\n", b"", 1), ["libical"]),
    "no PRODID": ("feed", lambda b: re.sub(b"PRODID:.*?\r\n", b"", b, count=1), ["libical"]),
    "METHOD twice": ("request", lambda b: b.replace(b"METHOD:", b"METHOD:REQUEST\r\nMETHOD:", 1), ["libical", "ical"]),
    "two summaries": ("feed", lambda b: b.replace(b"CLASS:", b"SUMMARY:x\r\nCLASS:", 1), ["libical", "ical"]),
    "half a place on earth": ("feed", lambda b: b.replace(b"CLASS:", b"GEO:29.9\r\nCLASS:", 1), ["libical", "ical"]),
    "a parameter without a value": (
        "request",
        lambda b: b.replace(b"CUTYPE=INDIVIDUAL", b"CUTYPE", 1),
        ["libical", "ical"],
    ),
    "a control character": ("feed", lambda b: b.replace(b"CLASS:PUBLIC", b"CLASS:PUB\x00LIC", 1), ["libical", "ical"]),
    "DUE and DURATION": ("tasks", lambda b: b.replace(b"CLASS:", b"DURATION:P1D\r\nCLASS:", 1), ["ical"]),
    "a task's status in an event": ("feed", lambda b: b.replace(b"STATUS:CONFIRMED", b"STATUS:COMPLETED", 1), ["ical"]),
    "a sequence in words": ("request", lambda b: re.sub(b"SEQUENCE:\\d+", b"SEQUENCE:four", b, count=1), ["ical"]),
    "the 25th hour": ("request", lambda b: b.replace(b"T190000\r\n", b"T250000\r\n", 1), ["ical"]),
    "a moment as the end of a day": (
        "feed",
        lambda b: b.replace(b"DTEND;VALUE=DATE:20261231", b"DTEND:20261231T000000Z", 1),
        ["ical"],
    ),
    "an alarm without a time": ("request", lambda b: b.replace(b"TRIGGER:-PT2H\r\n", b"", 1), ["ical"]),
    "an alarm without words": (
        "feed",
        lambda b: re.sub(b"(ACTION:DISPLAY\r\n)DESCRIPTION:.*?\r\n(?! )", rb"\1", b, count=1, flags=re.S),
        ["ical"],
    ),
    "the 13th month": (
        "feed",
        lambda b: b.replace(b"DTSTART;VALUE=DATE:20261230", b"DTSTART;VALUE=DATE:20261330", 1),
        ["ical", "vobject"],
    ),
    "a date with dashes": (
        "feed",
        lambda b: b.replace(b"DTSTART;VALUE=DATE:20261230", b"DTSTART;VALUE=DATE:2026-12-30", 1),
        ["ical", "vobject"],
    ),
    "a component closed under another name": (
        "feed",
        lambda b: b.replace(b"END:VALARM", b"END:VEVENT", 1),
        ["ical", "vobject"],
    ),
    "a name of two words": (
        "feed",
        lambda b: b.replace(b"CLASS:", b"MY CLASS:", 1),
        ["libical", "ical", "vobject"],
    ),
    "a day without VALUE": (
        "feed",
        lambda b: b.replace(b"DTEND;VALUE=DATE:", b"DTEND:", 1),
        ["ical.js"],
    ),
    "an absolute trigger without VALUE": (
        "feed",
        lambda b: b.replace(b"TRIGGER;VALUE=DATE-TIME:", b"TRIGGER:", 1),
        ["libical", "ical.js"],
    ),
    "a period without an end": (
        "feed",
        lambda b: b.replace(b"CLASS:", b"FREEBUSY:20261208T160000Z/PT\r\nCLASS:", 1),
        ["libical", "ical.js"],
    ),
    "half a duration": (
        "request",
        lambda b: b.replace(b"TRIGGER:-PT2H", b"TRIGGER:-2H", 1),
        ["libical", "ical", "ical.js"],
    ),
    "a byte order mark": ("feed", lambda b: b"\xef\xbb\xbf" + b, ["ical", "vobject", "ical.js"]),
    "another encoding": ("feed", lambda b: b.decode().encode("gbk"), ["ical", "vobject", "ical.js"]),
    "a fold inside a character": (
        "feed",
        lambda b: b.replace("X-WR-CALNAME:夜".encode(), b"X-WR-CALNAME:" + b"\xe5\xa4\r\n \x9c", 1),
        ["ical", "vobject", "ical.js"],
    ),
    "a quotation that does not end": (
        "request",
        lambda b: b.replace(b"PARTSTAT=NEEDS-ACTION", b'PARTSTAT="NEEDS-ACTION', 1),
        ["ical", "vobject", "ical.js"],
    ),
    "an offset in words": (
        "feed",
        lambda b: b.replace(b"TZOFFSETTO:+0800", b"TZOFFSETTO:8h", 1),
        ["ical", "vobject", "ical.js"],
    ),
    "a file cut off": (
        "feed",
        lambda b: b.replace(b"END:VCALENDAR\r\n", b"", 1),
        ["libical", "vobject", "ical.js"],
    ),
    "an event that does not end": ("feed", lambda b: b.replace(b"END:VEVENT\r\n", b"", 1), READERS),
    "a line without a colon": ("feed", lambda b: b.replace(b"CLASS:PUBLIC", b"CLASS PUBLIC", 1), READERS),
    "a line broken without a fold": ("feed", lambda b: b.replace(b"\r\n ", b"\r\n", 1), READERS),
    "a time in words": ("request", lambda b: re.sub(b"(DTSTART;.*?:).*", rb"\1tonight\r", b, count=1), READERS),
    "a date in words": ("feed", lambda b: b.replace(b"DATE:20261230", b"DATE:nonsense", 1), READERS),
}
"""Defects that the readers see, each with those that do: none of the four is there for nothing."""


@pytest.mark.parametrize(("defect", "reader"), [(defect, reader) for defect in SEEN for reader in SEEN[defect][2]])
def test_each_reader_refuses_the_defects_it_is_there_for(defect, reader, against):
    kind, bend, _seen_by = SEEN[defect]
    good = OURS[kind]()
    bad = bend(good)
    assert bad != good
    assert against(reader, bad) != []


def test_evolution_receives_the_invitation_the_change_and_the_cancellation(tmp_path):
    first = occasion(starts=datetime(2026, 12, 10, 19, tzinfo=LOCAL))
    moved = replace(first, sequence=5, starts=first.starts + timedelta(days=1), ends=first.ends + timedelta(days=1))
    off = replace(moved, sequence=6, cancelled=True, reason="台风")
    held = witness.by_evolution(tmp_path, invitation(first), invitation(moved), invitation(off))
    assert [len(h) for h in held] == [1, 1, 0]
    assert held[0][0].startswith("北仑区人大代表民生夜询会|20261210T190000|")
    assert held[1][0].startswith("北仑区人大代表民生夜询会|20261211T190000|")


def test_evolution_subscribes_follows_every_change_and_forgets_what_is_gone(tmp_path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    app = make_app(url, tmp_path)
    with app.app_context():
        upgrade()
        world = factories.World.make()
        one, two = (world.hearing("announced", day=today() + timedelta(days=n)) for n in (5, 6))
        _row, token = operations.subscribe(FeedKind.PERSONAL, actor=world.deputy)
        db.session.commit()
        with (
            serving(url, tmp_path) as server,
            witness.listening_in(server.base) as (base, asked),
            witness.evolution_subscribed(tmp_path, f"{base}/cal/{token}/calendar.ics") as client,
        ):
            first = client.holds(lambda held: len(held) == 2)
            assert [e.split("|")[1] for e in first] == [one.title, two.title]
            assert asked[0] == (None, 200)
            count = len(asked)
            assert client.holds(lambda held: len(asked) > count, again=True) == first
            assert {status for _known, status in asked[1:]} == {304}, "nothing changed: asked by fingerprint, told so"
            assert all(known for known, _status in asked[1:])

            schedule.amend_station(world.station, {"name": "新名联络站"}, actor=world.organiser)
            db.session.commit()
            held = client.holds(lambda held: any("新名联络站" in e for e in held), again=True)
            assert [("新名联络站" in e) for e in held] == [True, True], "a renamed station reaches every event there"
            assert asked[-1][0] is not None and asked[-1][1] == 200

            times = factories.evening(one.day, "18:30", "20:30")
            schedule.reschedule(one, station=one.station, reason="天黑得早", actor=world.organiser, **times)
            db.session.commit()
            held = client.holds(lambda held: any("T183000" in e for e in held), again=True)
            assert len(held) == 2 and held[0].startswith(f"{one.day:%Y%m%d}T183000|{one.title}|")

            schedule.cancel(two, reason="台风", actor=world.organiser)
            seat = db.session.scalars(
                select(schedule.Participant).where(
                    schedule.Participant.hearing_id == one.id, schedule.Participant.user_id == world.deputy.id
                )
            ).one()
            schedule.remove_participant(seat, actor=world.organiser)
            db.session.commit()
            (left,) = client.holds(lambda held: len(held) == 1, again=True)
            assert left.split("|")[1] == f"【已取消】{two.title}"

            operations.revoke(_row, actor=world.deputy)
            db.session.commit()
            count = len(asked)
            client.holds(lambda held: len(asked) > count, again=True)
            assert asked[-1][1] == 410
        db.session.remove()
        db.engine.dispose()


def test_radicale_takes_all_three_at_one_place_from_the_caldav_library(tmp_path):
    first = occasion()
    moved = replace(first, sequence=5, starts=first.starts + timedelta(days=1), ends=first.ends + timedelta(days=1))
    off = replace(first, sequence=6, cancelled=True, reason="台风")
    bare = [re.sub(b"METHOD:.*?\r\n", b"", invitation(b)) for b in (first, moved, off)]  # RFC 4791 4.1: no METHOD
    with witness.radicale(tmp_path) as base:
        # 19:00 in Shanghai is 11:00 in UTC
        assert witness.by_caldav(tmp_path, base, "20261210T105900Z", "20261210T110100Z", *bare) == [
            "1 ['北仑区人大代表民生夜询会']",
            "1 []",
            "1 ['【已取消】北仑区人大代表民生夜询会']",
        ]


def test_radicale_takes_a_whole_feed(tmp_path):
    with witness.radicale(tmp_path) as base:
        status, said = witness.dav("PUT", f"{base}/a/feed/", OURS["feed"]())
        assert status == 201, said
        _status, whole = witness.dav("GET", f"{base}/a/feed/")
        assert whole.count(b"BEGIN:VEVENT") == 2


def test_calcurse_shows_the_evening_where_the_reader_is(tmp_path):
    body = OURS["download"]()
    assert "06:00-08:00 北仑区人大代表民生夜询会" in witness.by_calcurse(
        tmp_path, body, "America/New_York", "2026-12-10", 1
    )
    assert "19:00-21:00 北仑区人大代表民生夜询会" in witness.by_calcurse(
        tmp_path, body, "Asia/Shanghai", "2026-12-10", 1
    )


def test_vdirsyncer_keeps_one_item_for_each_event_and_khal_lists_them(tmp_path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    app = make_app(url, tmp_path)
    with app.app_context():
        upgrade()
        world = factories.World.make()
        issue = world.issue(world.hearing("in_session", day=today()))
        for _ in range(3):
            world.commitment(issue)
        world.hearing("announced")
        _row, token = operations.subscribe(FeedKind.DEPARTMENT, actor=world.department)
        db.session.commit()
        count = len(
            IcsCalendarStream.calendar_from_ics(feeds.body(feeds.of(_row), base_url="http://x").decode()).events
        )
        hearing = world.hearing("announced", day=today() + timedelta(days=20))
        path = f"/cal/{token}/calendar.ics"
        with serving(url, tmp_path) as server:
            assert len(witness.by_vdirsyncer(tmp_path, server.base + path)) == count + 1
            before = urllib.request.urlopen(server.base + path).headers["ETag"]
            schedule.cancel(hearing, reason="台风", actor=world.organiser)
            db.session.commit()
            after = urllib.request.urlopen(server.base + path).headers["ETag"]
            assert before != after
            items = witness.by_vdirsyncer(tmp_path, server.base + path)
            assert len(items) == count + 1
            assert sum("【已取消】" in i.read_text() for i in items) == 1
            title = f"【已取消】{hearing.title}"
            for zone, evening in (("Asia/Shanghai", "19:00-21:00"), ("Asia/Tokyo", "20:00-22:00")):
                shown = witness.by_khal(tmp_path, items[0].parent, zone, hearing.day.isoformat(), 1)
                assert [line for line in shown if title in line] == [f"{hearing.day} {evening} {title}"]
        db.session.remove()
        db.engine.dispose()
