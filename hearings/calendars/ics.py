"""A hearing as an iCalendar file: the only file that knows icalendar.

A pure function of the rows and the settings: the same rows give the same bytes, whenever and whoever asks
(`calendar.md` a.0–a.2; RFC 5545, RFC 5546, RFC 7986, RFC 9074). `Calendar.new()` is not used: it invents a
UID for the calendar on every call.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from icalendar import Alarm, Calendar, Event, vCalAddress, vDuration, vText, vUri

from ..db import LOCAL

PRODID = "-//hearings//evening livelihood hearings 1//ZH"
CANCELLED_MARK = "【已取消】"
POSTPONED_MARK = "【已延期】"

VTIMEZONE = b"""\
BEGIN:VTIMEZONE\r
TZID:Asia/Shanghai\r
X-LIC-LOCATION:Asia/Shanghai\r
BEGIN:STANDARD\r
DTSTART:19700101T000000\r
TZNAME:CST\r
TZOFFSETFROM:+0800\r
TZOFFSETTO:+0800\r
END:STANDARD\r
END:VTIMEZONE\r
"""
"""The same bytes in every file. Made by hand: libraries write the daylight saving of 1986–1991 with lists of

dates, which some versions of Exchange refuse (KB4456241)."""


@dataclass(frozen=True)
class Occasion:
    """What a calendar file tells of a hearing: plain values, no rows."""

    uid: str
    sequence: int
    created: datetime
    changed: datetime
    starts: datetime
    ends: datetime
    title: str
    place: str
    url: str
    station_key: str
    agenda: tuple[str, ...] = ()
    theme: str | None = None
    category: str = "民生夜询会"
    follows_uid: str | None = None
    cancelled: bool = False
    postponed: bool = False
    reason: str | None = None


def line(words: str) -> str:
    """Text for one line of a calendar: no control characters, no line breaks, no backslash.

    icalendar passes NUL through (libical then cannot read the file at all) and turns a typed `\\N` into a line
    break; parsers that split at any Unicode line break would see a new property after U+2028.
    """
    words = re.sub("[\r\n\t\v\f\x1c-\x1e\x85\u2028\u2029]+", " ", words)
    words = re.sub("[\x00-\x1f\x7f-\x9f\ufeff\ufffe\uffff\ud800-\udfff]", "", words)
    return words.replace("\\", "＼").strip()


def parameter(words: str) -> str:
    """Text for a parameter such as CN, where RFC 6868 would show raw carets in clients that do not know it."""
    odd = iter("“”" * (words.count('"') // 2 + 1))
    words = re.sub('"', lambda _found: next(odd), line(words))
    return words.replace("^", "＾")


def text(parts: Iterable[str]) -> str:
    """Several lines as one text; icalendar writes the breaks as \\n."""
    return "\n".join(line(p) for p in parts)


def uid(kind: str, key: str, host: str) -> str:
    """An identifier for good: of the row's own uid and a fixed host, never of the request's (RFC 7986 5.3)."""
    return f"{kind}-{key}@{host}"


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone floats")
    return moment.astimezone(UTC).replace(microsecond=0)


def event(occasion: Occasion, *, host: str, organisation: str) -> Event:
    """The VEVENT of the “add to calendar” download: METHOD:PUBLISH, nobody asked to answer, no ATTENDEE."""
    mark = CANCELLED_MARK if occasion.cancelled else POSTPONED_MARK if occasion.postponed else ""
    made = Event()
    made.add("uid", uid("hearing", occasion.uid, host))
    made.add("sequence", occasion.sequence)
    made.add("created", _utc(occasion.created))
    made.add("last-modified", _utc(occasion.changed))
    made.add("dtstamp", _utc(occasion.changed))  # a snapshot: RFC 5545 3.8.7.2; so equal rows give equal bytes
    made.add("dtstart", occasion.starts.astimezone(LOCAL))
    made.add("dtend", occasion.ends.astimezone(LOCAL))
    made.add("summary", vText(mark + line(occasion.title)))
    made.add("description", vText(text(_story(occasion))))
    made.add("location", vText(line(occasion.place)))
    made.add("url", vUri(occasion.url), parameters={"VALUE": "URI"})
    organiser = vCalAddress(f"mailto:station-{occasion.station_key}@{host}")
    organiser.params["CN"] = parameter(organisation)
    made.add("organizer", organiser)
    status, transparent, busy = "CONFIRMED", "OPAQUE", "BUSY"
    if occasion.cancelled:
        status, transparent, busy = "CANCELLED", "TRANSPARENT", "FREE"
    elif occasion.postponed:
        status, busy = "TENTATIVE", "TENTATIVE"
    made.add("status", status)
    made.add("transp", transparent)
    made.add("x-microsoft-cdo-busystatus", vText(busy))
    made.add("class", "PUBLIC")
    made.add("categories", [line(occasion.category)])
    if occasion.follows_uid:
        made.add("related-to", vText(uid("hearing", occasion.follows_uid, host)), parameters={"RELTYPE": "PARENT"})
    if not occasion.cancelled and not occasion.postponed:
        made.add_component(_alarm(occasion, host))
    return made


def _story(occasion: Occasion) -> list[str]:
    lines = []
    if occasion.reason and (occasion.cancelled or occasion.postponed):
        lines.append(f"原因：{line(occasion.reason)}")
    if occasion.theme:
        lines.append(f"主题：{line(occasion.theme)}")
    if occasion.agenda:
        lines.append("议题：")
        lines.extend(f"{number}. {line(title)}" for number, title in enumerate(occasion.agenda, 1))
    return [*lines, occasion.url]


def _alarm(occasion: Occasion, host: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", vText(line(occasion.title)))
    alarm.add("trigger", vDuration(timedelta(hours=-2)))
    alarm.add("uid", uid("alarm", occasion.uid, host))  # stable, or the reminder comes up again (RFC 9074 4)
    return alarm


def publish(events: Iterable[Event]) -> bytes:
    """A calendar file to be downloaded: UTF-8, CRLF, lines of at most 75 octets."""
    head = Calendar()
    head.add("version", "2.0")
    head.add("prodid", PRODID)
    head.add("calscale", "GREGORIAN")
    head.add("method", "PUBLISH")
    lines = head.to_ical(sorted=False).split(b"END:VCALENDAR", 1)[0]
    return lines + VTIMEZONE + b"".join(e.to_ical(sorted=False) for e in events) + b"END:VCALENDAR\r\n"
