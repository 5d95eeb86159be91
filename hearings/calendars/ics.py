"""A hearing as an iCalendar file: the only file that knows icalendar.

A pure function of the rows and the settings: the same rows give the same bytes, whenever and whoever asks
(`calendar.md` a.0–a.2; RFC 5545, RFC 5546, RFC 7986, RFC 9074). `Calendar.new()` is not used: it invents a
UID for the calendar on every call.
"""

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Alarm, Calendar, Event, Todo, vCalAddress, vDuration, vText, vUri

from ..db import LOCAL

PRODID = "-//hearings//evening livelihood hearings 1//ZH"
CANCELLED_MARK = "【已取消】"
POSTPONED_MARK = "【已延期】"
DUE_MARK = "【承诺到期】"
KEPT_MARK = "✓ "
RELEASED_MARK = "【已撤销】"

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
    contact: str | None = None
    """A telephone of the office, while there is something to ask."""
    follows_uid: str | None = None
    replaces_uid: str | None = None
    reviews: tuple[str, ...] = ()
    """Of a look-back: the uids of the commitments on its list."""
    cancelled: bool = False
    postponed: bool = False
    reason: str | None = None


@dataclass(frozen=True)
class Due:
    """What a calendar tells of a promise: plain values, no rows."""

    uid: str
    sequence: int
    created: datetime
    changed: datetime
    due: date
    measure: str
    url: str
    departments: tuple[str, ...] = ()
    """The lead first."""
    issue: str | None = None
    percent: int = 0
    hearing_uid: str | None = None
    kept: bool = False
    released: bool = False
    closed: datetime | None = None


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


def _local(moment: datetime) -> datetime:
    """In the one zone whose rules stand in the file; a fixed offset would name a zone that does not."""
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone floats")
    return moment.astimezone(LOCAL)


def event(occasion: Occasion, *, host: str, organisation: str | None, alarm: bool = True) -> Event:
    """The VEVENT of a hearing.

    With the `organisation`: the “add to calendar” download (METHOD:PUBLISH wants one ORGANIZER, RFC 5546 3.2.1).
    Without: a feed, where an ORGANIZER would make clients ask for answers. Never an ATTENDEE.
    """
    mark = CANCELLED_MARK if occasion.cancelled else POSTPONED_MARK if occasion.postponed else ""
    made = Event()
    made.add("uid", uid("hearing", occasion.uid, host))
    made.add("sequence", occasion.sequence)
    made.add("created", _utc(occasion.created))
    made.add("last-modified", _utc(occasion.changed))
    made.add("dtstamp", _utc(occasion.changed))  # a snapshot: RFC 5545 3.8.7.2; so equal rows give equal bytes
    made.add("dtstart", _local(occasion.starts))
    made.add("dtend", _local(occasion.ends))
    made.add("summary", vText(mark + line(occasion.title)))
    made.add("description", vText(text(_story(occasion))))
    made.add("location", vText(line(occasion.place)))
    if occasion.url:
        made.add("url", vUri(occasion.url), parameters={"VALUE": "URI"})
    if organisation is not None:
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
    if occasion.contact and not occasion.cancelled and organisation is None:
        made.add("contact", vText(line(occasion.contact)))
    if occasion.follows_uid:
        made.add("related-to", vText(uid("hearing", occasion.follows_uid, host)), parameters={"RELTYPE": "PARENT"})
    if occasion.replaces_uid:
        made.add("related-to", vText(uid("hearing", occasion.replaces_uid, host)), parameters={"RELTYPE": "SIBLING"})
    for promise in occasion.reviews:
        made.add("related-to", vText(uid("commitment", promise, host)), parameters={"RELTYPE": "SIBLING"})
    if alarm and not occasion.cancelled and not occasion.postponed:
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
    return [*lines, occasion.url] if occasion.url else lines


def _alarm(occasion: Occasion, host: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", vText(line(occasion.title)))
    alarm.add("trigger", vDuration(timedelta(hours=-2)))
    alarm.add("uid", uid("alarm", occasion.uid, host))  # stable, or the reminder comes up again (RFC 9074 4)
    return alarm


def publish(events: Iterable[Event]) -> bytes:
    """A calendar file to be downloaded: UTF-8, CRLF, lines of at most 75 octets."""
    return _file(events, method="PUBLISH")


def snapshot(components: Iterable[Event | Todo]) -> bytes:
    """A calendar file to be kept beside a paper: no METHOD, so no client takes it for an invitation."""
    return _file(components)


def _file(components: Iterable[Event | Todo], method: str | None = None) -> bytes:
    head = Calendar()
    head.add("version", "2.0")
    head.add("prodid", PRODID)
    head.add("calscale", "GREGORIAN")
    if method is not None:
        head.add("method", method)
    lines = head.to_ical(sorted=False).split(b"END:VCALENDAR", 1)[0]
    return lines + VTIMEZONE + b"".join(c.to_ical(sorted=False) for c in components) + b"END:VCALENDAR\r\n"


@dataclass(frozen=True)
class Invitee:
    """Who a scheduling mail goes to, and the mailbox the answer goes to."""

    address: str
    name: str
    organiser: str
    """The From address of the mail; it names the invitation, so that an answer can be told from a forgery."""
    organisation: str
    role: str = "REQ-PARTICIPANT"
    answer: str = "NEEDS-ACTION"
    """The answer we know, or that we wait for one."""


def scheduling(occasion: Occasion, invitee: Invitee, *, sent: datetime, host: str, change: str | None = None) -> bytes:
    """The calendar part of a mail (RFC 5546, RFC 6047; calendar.md a.2): REQUEST, or CANCEL of a cancelled one.

    One ATTENDEE, the recipient; ORGANIZER is the mail's From. `change`: one sentence on what is different now.
    A person taken off the list gets a CANCEL too: pass an occasion that is `cancelled`.
    """
    method = "CANCEL" if occasion.cancelled else "REQUEST"
    made = event(occasion, host=host, organisation=None, alarm=method == "REQUEST")
    made["dtstamp"] = Event.types_factory.for_property("dtstamp")(_utc(sent))
    if change:
        made.add("comment", vText(line(change)))
        if method == "REQUEST":  # a cancelled one tells its reason; some programs show no COMMENT
            made["description"] = vText(text([change, *_story(occasion)]))
    organiser = vCalAddress(f"mailto:{invitee.organiser}")
    organiser.params["CN"] = parameter(invitee.organisation)
    made.add("organizer", organiser)
    attendee = vCalAddress(f"mailto:{invitee.address}")
    waiting = invitee.answer == "NEEDS-ACTION" and method == "REQUEST"
    attendee.params["CUTYPE"] = "INDIVIDUAL"
    attendee.params["ROLE"] = invitee.role
    attendee.params["PARTSTAT"] = invitee.answer
    attendee.params["RSVP"] = "TRUE" if waiting else "FALSE"
    attendee.params["CN"] = parameter(invitee.name or invitee.address)
    made.add("attendee", attendee)
    head = Calendar()
    head.add("version", "2.0")
    head.add("prodid", PRODID)
    head.add("calscale", "GREGORIAN")
    head.add("method", method)
    lines = head.to_ical(sorted=False).split(b"END:VCALENDAR", 1)[0]
    return lines + VTIMEZONE + made.to_ical(sorted=False) + b"END:VCALENDAR\r\n"


def replace_cancelled(occasion: Occasion) -> Occasion:
    """The same occasion as it is for a person who is no longer on the list: off, without a reason."""
    return replace(occasion, cancelled=True, postponed=False, reason=None)


@dataclass(frozen=True)
class Answer:
    """What a REPLY says. Nothing of it is trusted before the caller has checked who sent it."""

    method: str
    uid: str
    address: str
    answer: str
    sequence: int | None
    stamp: datetime | None
    delegated_to: str | None = None


MOST_ANSWER = 256 * 1024
"""A longer answer is none (calendar.md a.8)."""


def read_answer(data: bytes) -> Answer | None:
    """Read a scheduling answer; None when it is none. Raises nothing: the bytes come from strangers."""
    if len(data) > MOST_ANSWER:
        return None
    try:
        calendar = Calendar.from_ical(data)
        if calendar.name != "VCALENDAR":
            return None
        method = str(calendar.get("method", "")).upper()
        (found,) = list(calendar.walk("VEVENT"))
        attendees = found.get("attendee")
        attendees = attendees if isinstance(attendees, list) else [attendees] if attendees is not None else []
        if method not in ("REPLY", "COUNTER") or len(attendees) != 1:
            return None
        (attendee,) = attendees
        address = re.sub("(?i)^mailto:", "", str(attendee)).strip().lower()
        sequence = found.get("sequence")
        stamp = found.get("dtstamp")
        moment = getattr(stamp, "dt", None)
        return Answer(
            method=method,
            uid=str(found.get("uid", "")),
            address=address,
            answer=str(attendee.params.get("PARTSTAT", "")).upper(),
            sequence=int(sequence) if sequence is not None else None,
            stamp=moment.astimezone(UTC) if isinstance(moment, datetime) and moment.tzinfo else None,
            delegated_to=_delegate(attendee.params.get("DELEGATED-TO")),
        )
    except Exception:  # a hostile file may break the parser anywhere
        return None


def _delegate(named: object) -> str | None:
    """The first address of DELEGATED-TO (RFC 5545 3.2.5)."""
    first = named[0] if isinstance(named, list) and named else named
    return re.sub("(?i)^mailto:", "", str(first)).strip() or None if first else None


def due_event(due: Due, *, host: str, alarms: bool = True) -> Event:
    """A promise's due date as an all-day VEVENT (calendar.md a.3): shown by every client, blocks no time."""
    made = Event()
    _due_head(made, due, uid("commitment", due.uid, host), host)
    made.add("dtstart", due.due)
    made.add("dtend", due.due + timedelta(days=1))  # exclusive; the same day is no time at all in Outlook
    made.add("status", "CANCELLED" if due.released else "CONFIRMED")
    made.add("transp", "TRANSPARENT")
    made.add("x-microsoft-cdo-busystatus", vText("FREE"))
    if alarms and not due.kept and not due.released:
        for days in (3, 1):
            made.add_component(_morning_alarm(due, days, host))
    return made


def todo(due: Due, *, host: str, alarms: bool = True) -> Todo:
    """The same as a task, for the clients that show tasks; under a UID of its own."""
    made = Todo()
    _due_head(made, due, uid("commitment-todo", due.uid, host), host)
    made.add("due", due.due)
    if due.released:
        status = "CANCELLED"
    elif due.kept:
        status = "COMPLETED"
    else:
        status = "IN-PROCESS" if due.percent else "NEEDS-ACTION"
    made.add("status", status)
    made.add("percent-complete", 100 if due.kept else min(due.percent, 99))
    if due.kept and due.closed is not None:
        made.add("completed", _utc(due.closed))
    if alarms and not due.kept and not due.released:
        made.add_component(_morning_alarm(due, 1, host))
    return made


def due_dates(dues: Iterable[Due], *, organiser: str, organisation: str, sent: datetime, host: str) -> bytes:
    """A file of due dates for the calendar of a person (RFC 5546 3.2.1): METHOD:PUBLISH, nobody is asked anything.

    One file holds many, because a CANCEL or REQUEST must hold one only: what no longer binds comes as CANCELLED.
    Evolution and Thunderbird keep such an entry, under its mark and on a day that counts as free.
    """
    events = []
    for due in dues:
        made = due_event(due, host=host)
        made["dtstamp"] = Event.types_factory.for_property("dtstamp")(_utc(sent))
        address = vCalAddress(f"mailto:{organiser}")
        address.params["CN"] = parameter(organisation)
        made.add("organizer", address)
        events.append(made)
    return publish(events)


def _due_head(made: Event | Todo, due: Due, identity: str, host: str) -> None:
    mark = RELEASED_MARK if due.released else KEPT_MARK if due.kept else DUE_MARK
    made.add("uid", identity)
    made.add("sequence", due.sequence)
    made.add("created", _utc(due.created))
    made.add("last-modified", _utc(due.changed))
    made.add("dtstamp", _utc(due.changed))
    made.add("summary", vText(mark + line(due.measure)))
    made.add("description", vText(text(_promise(due))))
    if due.url:
        made.add("url", vUri(due.url), parameters={"VALUE": "URI"})
    made.add("class", "PUBLIC")
    made.add("categories", ["承诺"])
    if due.hearing_uid:
        made.add("related-to", vText(uid("hearing", due.hearing_uid, host)), parameters={"RELTYPE": "PARENT"})


def _promise(due: Due) -> list[str]:
    lines = []
    if due.issue:
        lines.append(f"问题：{line(due.issue)}")
    if due.departments:
        lines.append(f"主办：{line(due.departments[0])}")
        if len(due.departments) > 1:
            lines.append(f"会办：{'、'.join(map(line, due.departments[1:]))}")
    if due.percent and not due.kept and not due.released:
        lines.append(f"进度：{due.percent}%")
    return [*lines, due.url] if due.url else lines


def _morning_alarm(due: Due, days: int, host: str) -> Alarm:
    """At nine on a morning before the due date, as a moment in UTC: from a DATE, clients count from midnight UTC."""
    at = datetime.combine(due.due - timedelta(days=days), time(9), LOCAL)
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", vText(DUE_MARK + line(due.measure)))
    alarm.add("trigger", at.astimezone(UTC), parameters={"VALUE": "DATE-TIME"})
    alarm.add("uid", uid(f"alarm-{days}", due.uid, host))
    return alarm


def feed(name: str, about: str, components: Iterable[bytes]) -> bytes:
    """A calendar to subscribe to, of events that are bytes already.

    No UID (clients that find one keep the whole feed as one item), no METHOD, no SOURCE (it would copy the secret
    address into every file). How often to come again is only a hint (RFC 7986 5.7).
    """
    return b"".join((_head_of_feed(line(name), line(about)), *components, b"END:VCALENDAR\r\n"))


@functools.lru_cache(maxsize=512)
def _head_of_feed(name: str, about: str) -> bytes:
    head = Calendar()
    head.add("version", "2.0")
    head.add("prodid", PRODID)
    head.add("calscale", "GREGORIAN")
    for label in ("name", "x-wr-calname"):
        head.add(label, vText(name))
    head.add("x-wr-caldesc", vText(about))
    head.add("x-wr-timezone", vText("Asia/Shanghai"))
    head.add("refresh-interval", vDuration(timedelta(hours=1)), parameters={"VALUE": "DURATION"})
    head.add("x-published-ttl", vText("PT1H"))
    return head.to_ical(sorted=False).split(b"END:VCALENDAR", 1)[0] + VTIMEZONE
