"""What a subscribed calendar holds: a pure function of the rows, the day and what its owner may see.

Serialised events are kept per (uid, sequence, variant), so a feed of which nothing changed costs a look at
two narrow lists. Whether anything changed at all is asked of the trail: every change writes its line there, so
its last number is the version of the whole record.
"""

import functools
import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import Select, String, bindparam, cast, func, literal, or_, select
from sqlalchemy.orm import joinedload

from ..audit import AuditEvent
from ..db import db, local, today
from ..issues.models import Commitment, CommitmentStatus, Issue, commitment_co_handler, issue_cosigner
from ..kept import Kept
from ..people.models import Department
from ..permissions import Clause, Role, scoped
from ..prepared import StandIn, ask, particulars, stand_in
from ..reviews.models import AgendaItem
from ..schedule.models import Hearing, HearingKind, HearingStatus, Participant, Station, Topic
from . import ics
from .models import CalendarFeed, FeedKind

BACK = timedelta(days=60)
AHEAD = timedelta(days=400)
"""The window: a feed stays under the megabyte and the thousand events that Google takes."""
CANCELLED_FOR = timedelta(days=30)
"""A cancelled hearing stays this long, struck through, and then goes."""
MOST = 900
"""Events of one feed; beyond it the farthest are left out."""
LARGEST = 998_000
"""Bytes of its events, for the same reason: with the head of the file it stays under the megabyte."""
KEPT_EVENTS = 20_000
KEPT_TAGS = 2_000
AT_THE_DOOR = (HearingKind.NIGHT_HEARING, HearingKind.LOOK_BACK)
"""What residents are called to by a notice on the station's door. The other meetings are the house's own work."""


class Feed(NamedTuple):
    """A feed as it is to be written, whoever asked for it."""

    kind: FeedKind
    user: Any
    """Whose eyes it is read with; None: the public at a station's door."""
    department_id: int | None = None
    station_id: int | None = None
    alarms: bool = True
    todo: bool = False
    without: tuple[int, ...] = ()
    """Hearings that its owner has in the calendar by another way."""


def of(row: CalendarFeed, *, todo: bool = False, without: tuple[int, ...] = ()) -> Feed:
    """The feed of a subscription."""
    return Feed(row.kind, row.user, row.department_id, row.station_id, row.alarms, todo, without)


def at_the_door(station_id: int) -> Feed:
    """The feed of a station that anybody may read: what the notice on its door says, and nobody's name."""
    return Feed(FeedKind.STATION, None, station_id=station_id, alarms=False)


# -- what a person has by another way --------------------------------------------------------------------

_elsewhere: list[Callable[[int], Iterable[int]]] = []


def known_elsewhere(find: Callable[[int], Iterable[int]]) -> Callable[[int], Iterable[int]]:
    """Register a search for hearings that stand in a person's calendar already, not by a feed.

    It gets the person's id and gives ids of hearings, with one statement. A later room knows of such ways; this
    one only leaves out what they name, for those who want it.
    """
    _elsewhere.append(find)
    return find


def held_elsewhere(user_id: int) -> tuple[int, ...]:
    """The hearings this person has in the calendar by another way."""
    return tuple(sorted({id_ for find in _elsewhere for id_ in find(user_id)}))


# -- which rows ------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def _hearings(kind: FeedKind, who: StandIn | None) -> Select[*tuple[Any, ...]]:
    clauses: list[Clause] = [
        Hearing.status.not_in((HearingStatus.DRAFT, HearingStatus.DISCARDED)),
        Hearing.starts_at >= bindparam("since"),
        Hearing.starts_at < bindparam("until"),
        or_(Hearing.status != HearingStatus.CANCELLED, Hearing.cancelled_at >= bindparam("cancelled_since")),
    ]
    if who is None:
        clauses.append(Hearing.kind.in_(AT_THE_DOOR))
    else:
        clauses.append(scoped("hearing.read", who, Hearing))
    match kind:
        case FeedKind.PERSONAL:
            clauses += [_takes_part(who), Hearing.id.not_in(bindparam("without", expanding=True))]
        case FeedKind.DEPARTMENT:
            clauses.append(Hearing.id.in_(select(Participant.hearing_id).where(Participant.department_id.in_(OFFICES))))
        case FeedKind.STATION:
            clauses.append(Hearing.station_id == bindparam("station"))
    return (
        select(Hearing.id, Hearing.uid, Hearing.sequence, Hearing.kind)
        .where(*clauses)
        .order_by(Hearing.starts_at, Hearing.id)
        .limit(MOST)
    )


OFFICES: Any = bindparam("offices", expanding=True)


def _takes_part(user: Any) -> Clause:
    """A seat of one's own or of one's office, the chair, or the organising of it."""
    seats = select(Participant.hearing_id).where(
        or_(Participant.user_id == user.id, Participant.department_id.in_(user.department_ids))
    )
    own: Clause = or_(Hearing.id.in_(seats), Hearing.chair_id == user.id)
    return or_(own, scoped("hearing.run", user, Hearing)) if Role.ORGANISER in user.role_set else own


def _offices(feed: Feed) -> list[int]:
    """The office and those that became it, which its people answer for; of another office only itself."""
    family = feed.user.department_ids if feed.user is not None else []
    if feed.kind == FeedKind.DEPARTMENT and feed.department_id is not None and feed.department_id not in family:
        return [feed.department_id]
    return family


@functools.lru_cache(maxsize=256)
def _promises(kind: FeedKind, who: StandIn) -> Select[*tuple[Any, ...]]:
    """Still open ones however old; the others within the window."""
    window = or_(
        Commitment.due_on >= bindparam("since_day"), Commitment.status.in_((CommitmentStatus.OPEN, "reported"))
    )
    helping = select(commitment_co_handler.c.commitment_id).where(commitment_co_handler.c.department_id.in_(OFFICES))
    mine: Clause = or_(Commitment.lead_id.in_(OFFICES), Commitment.id.in_(helping))
    if kind == FeedKind.PERSONAL:
        cosigned = select(issue_cosigner.c.issue_id).where(issue_cosigner.c.user_id == who.id)
        raised = select(Issue.id).where(or_(Issue.lead_deputy_id == who.id, Issue.id.in_(cosigned)))
        mine = or_(mine, Commitment.issue_id.in_(raised))
    # one narrow column: most of the work of a warm feed is to take these rows from the database
    return (
        select(Commitment.uid + literal(":") + cast(Commitment.sequence, String))
        .where(mine, window, Commitment.due_on < bindparam("until_day"), scoped("commitment.read", who, Commitment))
        .order_by(Commitment.due_on.desc(), Commitment.id)
        .limit(MOST)
    )


@functools.lru_cache(maxsize=256)
def _topics(who: StandIn) -> Select[*tuple[Any, ...]]:
    return (
        select(Topic.hearing_id, Topic.title)
        .where(Topic.hearing_id.in_(bindparam("hearings", expanding=True)), scoped("topic.read", who, Topic))
        .order_by(Topic.position, Topic.id)
    )


@functools.lru_cache(maxsize=256)
def _reviewed(who: StandIn | None) -> Select[*tuple[Any, ...]]:
    """What was promised when the look-back took its present form: what comes after it waits for its next change."""
    found = (
        select(AgendaItem.hearing_id, Commitment.uid)
        .join(Commitment, Commitment.issue_id == AgendaItem.issue_id)
        .join(Hearing, Hearing.id == AgendaItem.hearing_id)
        .where(
            AgendaItem.hearing_id.in_(bindparam("hearings", expanding=True)), Commitment.made_at <= Hearing.changed_at
        )
        .order_by(Commitment.uid)  # another order on the list is no change of what it looks back at
    )
    return found.where(scoped("commitment.read", who, Commitment)) if who is not None else found


def _values(feed: Feed) -> dict[str, Any]:
    """The parameters of all these statements."""
    day, midnight = today(), datetime.min.time()
    person = particulars(feed.user) | {"person_departments": feed.user.department_ids} if feed.user is not None else {}
    return person | {
        "since": local(day - BACK, midnight),
        "until": local(day + AHEAD, midnight),
        "cancelled_since": local(day - CANCELLED_FOR, midnight),
        "since_day": day - BACK,
        "until_day": day + AHEAD,
        "offices": _offices(feed),
        "station": feed.station_id,
        "without": feed.without,
    }


UIDS: Any = bindparam("uids", expanding=True)
_WHOLE_HEARINGS = (
    select(Hearing)
    .where(Hearing.uid.in_(UIDS))
    .options(
        joinedload(Hearing.follows).load_only(Hearing.uid).lazyload(Hearing.station),
        joinedload(Hearing.replaces).load_only(Hearing.uid).lazyload(Hearing.station),
    )
)
_WHOLE_PROMISES = (
    select(Commitment)
    .where(Commitment.uid.in_(UIDS))
    .options(
        joinedload(Commitment.lead).load_only(Department.name),
        joinedload(Commitment.co_handlers).load_only(Department.name),
        joinedload(Commitment.issue)
        .load_only(Issue.title, Issue.hearing_id)
        .joinedload(Issue.hearing)
        .load_only(Hearing.uid)
        .lazyload(Hearing.station),
    )
)


# -- writing ---------------------------------------------------------------------------------------------


events = Kept(KEPT_EVENTS)
tags = Kept(KEPT_TAGS)

HEAD: Any = select(func.max(AuditEvent.id)).scalar_subquery()
"""The version of the whole record: the number of the trail's last line; None of an empty one."""


def body(feed: Feed, *, base_url: str) -> bytes:
    """The calendar file (RFC 5545; calendar.md a.5). The same rows on the same day give the same bytes."""
    values = _values(feed)
    parts: list[bytes] = []
    if not feed.todo:
        parts += _hearing_events(feed, values, base_url)
    parts += _promise_events(feed, values, base_url)
    name, about = names(feed)
    return ics.feed(name, about, _fitting(parts[:MOST]))


def _fitting(parts: list[bytes]) -> list[bytes]:
    """As many as the clients take; the last ones go, which are the promises due longest ago."""
    size = sum(map(len, parts))
    while size > LARGEST:
        size -= len(parts.pop())
    return parts


def names(feed: Feed) -> tuple[str, str]:
    """What the calendar is called in a client, and a line about it; in Chinese, as its entries."""
    system = current_app.config["SYSTEM_NAME"]
    tail = "（任务）" if feed.todo else ""
    match feed.kind:
        case FeedKind.PERSONAL:
            owner = feed.user.name if feed.user else ""
            return f"{system}·{owner}{tail}", "本人参加的会议和负责、提出的承诺事项到期日"
        case FeedKind.DEPARTMENT:
            department = next((d for d in [feed.user.department if feed.user else None] if d), None)
            office = department.short_name if department is not None and department.id == feed.department_id else ""
            return f"{system}·{office or '部门'}{tail}", "本单位参加的会议和承办的承诺事项到期日"
        case FeedKind.STATION:
            station = db.session.get_one(Station, feed.station_id)
            return f"{system}·{station.name}", "在该联络站举行的会议"
        case _:
            return f"{system}·全区", "全区的夜询会、回头看和评估会"


def _hearing_events(feed: Feed, values: dict[str, Any], base_url: str) -> list[bytes]:
    who = stand_in(feed.user) if feed.user is not None else None
    found = ask(_hearings(feed.kind, who), values).all()
    agendas: dict[int, tuple[str, ...]] = {}
    reviews: dict[int, tuple[str, ...]] = {}
    if who is not None:  # at the door only the theme is told
        agendas = _grouped(_topics(who), values, [k.id for k in found])
        reviews = _grouped(_reviewed(who), values, [k.id for k in found if k.kind != HearingKind.NIGHT_HEARING])
    ring = feed.alarms and feed.kind == FeedKind.PERSONAL
    keys = [f"{k.uid}:{k.sequence}:{hash((agendas.get(k.id), reviews.get(k.id)))}" for k in found]

    def write(missing: Iterable[str]) -> dict[str, bytes]:
        settings = current_app.config
        wanted = {key.split(":", 1)[0]: key for key in missing}
        rows = db.session.scalars(_WHOLE_HEARINGS, {"uids": list(wanted)}).unique()
        return {
            wanted[h.uid]: ics.event(
                occasion(
                    h,
                    agenda=agendas.get(h.id, ()),
                    reviews=reviews.get(h.id, ()),
                    base_url=base_url,
                    door=who is None,
                ),
                host=settings["UID_HOST"],
                organisation=None,
                alarm=ring,
            ).to_ical(sorted=False)
            for h in rows
        }

    return _joined(keys, f"|{ring}|{who is None}|{base_url}", write)


def _grouped(statement: Select[*tuple[Any, ...]], values: dict[str, Any], ids: list[int]) -> dict[int, tuple[str, ...]]:
    """What a statement of (hearing, text) says of these hearings, in its order."""
    found: dict[int, list[str]] = defaultdict(list)
    if ids:
        for hearing_id, text in ask(statement, values | {"hearings": ids}):
            found[hearing_id].append(text)
    return {k: tuple(v) for k, v in found.items()}


CATEGORIES = {
    HearingKind.NIGHT_HEARING: "民生夜询会",
    HearingKind.LOOK_BACK: "回头看",
    HearingKind.EVALUATION_MEETING: "绩效评估座谈会",
    HearingKind.GROUP_CONSULTATION: "集体面商",
}
"""Words of the record, in Chinese whoever reads the page."""


def occasion(
    hearing: Hearing,
    *,
    agenda: tuple[str, ...],
    base_url: str,
    reviews: tuple[str, ...] | None = None,
    door: bool = False,
) -> ics.Occasion:
    """What the calendar tells of a hearing. `agenda` holds only topics that the reader may see.

    `reviews`: the uids of the promises on a look-back's list; not given: all of them. `door`: for everybody, as the
    notice on the station's door; no reason of a change, which may be about a person, and no page behind a sign-in.
    """
    if reviews is None:
        ids = [hearing.id] if hearing.kind != HearingKind.NIGHT_HEARING else []
        reviews = _grouped(_reviewed(None), {}, ids).get(hearing.id, ())
    return ics.Occasion(
        uid=hearing.uid,
        sequence=hearing.sequence,
        created=hearing.created_at,
        changed=hearing.changed_at,
        starts=hearing.starts_at,
        ends=hearing.ends_at,
        title=hearing.title,
        place=hearing.place,
        url="" if door else f"{base_url.rstrip('/')}/hearings/{hearing.id}",
        station_key=str(hearing.station_id),
        agenda=agenda,
        theme=hearing.theme,
        category=CATEGORIES[hearing.kind],
        contact=hearing.station.contact_phone if hearing.venue is None else None,
        follows_uid=hearing.follows.uid if hearing.follows is not None else None,
        replaces_uid=hearing.replaces.uid if hearing.replaces is not None else None,
        reviews=reviews,
        cancelled=hearing.status == HearingStatus.CANCELLED,
        postponed=hearing.status == HearingStatus.POSTPONED,
        reason=None if door else hearing.reason,
    )


def agenda_of(hearing: Hearing, user: Any) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Titles of the topics, and uids of the promises looked back at, as far as this person may see them."""
    who, values = stand_in(user), particulars(user)
    topics = _grouped(_topics(who), values, [hearing.id])
    promises = _grouped(_reviewed(who), values, [hearing.id])
    return topics.get(hearing.id, ()), promises.get(hearing.id, ())


def _promise_events(feed: Feed, values: dict[str, Any], base_url: str) -> list[bytes]:
    if feed.user is None or feed.kind not in (FeedKind.PERSONAL, FeedKind.DEPARTMENT):
        return []
    keys = ask(_promises(feed.kind, stand_in(feed.user)), values).scalars().all()

    def write(missing: Iterable[str]) -> dict[str, bytes]:
        host = current_app.config["UID_HOST"]
        wanted = {key.split(":", 1)[0]: key for key in missing}
        rows = db.session.scalars(_WHOLE_PROMISES, {"uids": list(wanted)}).unique()
        make = ics.todo if feed.todo else ics.due_event
        return {
            wanted[c.uid]: make(due(c, base_url), host=host, alarms=feed.alarms).to_ical(sorted=False) for c in rows
        }

    return _joined(keys, f"|{feed.alarms}|{feed.todo}|{base_url}", write)


def due(commitment: Commitment, base_url: str) -> ics.Due:
    """What calendars tell of a promise."""
    return ics.Due(
        uid=commitment.uid,
        sequence=commitment.sequence,
        created=commitment.made_at,
        changed=commitment.changed_at,
        due=commitment.due_on,
        measure=commitment.measure,
        url=f"{base_url.rstrip('/')}/issues/{commitment.issue_id}",
        departments=(commitment.lead.name, *(d.name for d in commitment.co_handlers if d.id != commitment.lead_id)),
        issue=commitment.issue.title,
        percent=commitment.percent,
        hearing_uid=commitment.issue.hearing.uid,
        kept=commitment.status == CommitmentStatus.KEPT,
        released=commitment.status == CommitmentStatus.RELEASED,
        closed=commitment.closed_at,
    )


def _joined(keys: Sequence[str], variant: str, write: Callable[[Iterable[str]], dict[str, bytes]]) -> list[bytes]:
    """The events in the order of `keys` (uid and sequence): those that are known, and the rest written now.

    The sequence counts every change that shows, so uid, sequence and variant name the bytes.
    """
    known = [events.get(key + variant) for key in keys]
    missing = [key for key, found in zip(keys, known, strict=True) if found is None]
    if missing:
        fresh = write(missing)
        for key in missing:
            events.put(key + variant, fresh[key])
        known = [fresh[key] if found is None else found for key, found in zip(keys, known, strict=True)]
    return known


# -- answering -------------------------------------------------------------------------------------------


def etag(data: bytes) -> str:
    """The fingerprint of a body."""
    return hashlib.sha256(data).hexdigest()


def remembered(feed_key: Any, base_url: str, version: Any) -> str | None:
    """The fingerprint of the body as of `version`, if this process has written it today."""
    found = tags.get((feed_key, base_url))
    return found[2] if found is not None and found[:2] == (version, today()) else None


def remember(feed_key: Any, base_url: str, version: Any, tag: str) -> None:
    """Keep the fingerprint for the next reader who only asks whether anything changed."""
    tags.put((feed_key, base_url), (version, today(), tag))
