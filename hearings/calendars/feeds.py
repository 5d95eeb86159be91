"""What a subscribed calendar holds: a pure function of the rows, the day and what its owner may see.

Serialised events are kept per (uid, sequence, variant), so a feed of which nothing changed costs a look at
two narrow lists. Whether anything changed at all is asked of the trail: every change writes its line there, so
its last number is the version of the whole record.
"""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import String, and_, cast, false, func, literal, or_, select
from sqlalchemy.orm import joinedload, selectinload

from ..audit import AuditEvent
from ..db import db, local, today
from ..issues.models import Commitment, CommitmentStatus, Issue, commitment_co_handler, issue_cosigner
from ..kept import Kept
from ..people.models import User
from ..permissions import Clause, Role, scoped
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
KEPT_EVENTS = 20_000
KEPT_TAGS = 2_000


class Feed(NamedTuple):
    """A feed as it is to be written, whoever asked for it."""

    kind: FeedKind
    user: User | None
    """Whose eyes it is read with; None: the public at a station's door."""
    department_id: int | None = None
    station_id: int | None = None
    alarms: bool = True
    todo: bool = False


def of(row: CalendarFeed, *, todo: bool = False) -> Feed:
    """The feed of a subscription."""
    return Feed(row.kind, row.user, row.department_id, row.station_id, row.alarms, todo)


# -- which rows ------------------------------------------------------------------------------------------


def _hearings(feed: Feed) -> Clause:
    day = today()
    clauses: list[Clause] = [
        Hearing.status.not_in((HearingStatus.DRAFT, HearingStatus.DISCARDED)),
        Hearing.starts_at >= local(day - BACK, datetime.min.time()),
        Hearing.starts_at < local(day + AHEAD, datetime.min.time()),
        or_(
            Hearing.status != HearingStatus.CANCELLED,
            Hearing.cancelled_at >= local(day - CANCELLED_FOR, datetime.min.time()),
        ),
    ]
    if feed.user is not None:
        clauses.append(scoped("hearing.read", feed.user, Hearing))
    match feed.kind:
        case FeedKind.PERSONAL:
            clauses.append(_takes_part(feed.user))
        case FeedKind.DEPARTMENT:
            invited = select(Participant.hearing_id).where(Participant.department_id.in_(_offices(feed)))
            clauses.append(Hearing.id.in_(invited))
        case FeedKind.STATION:
            clauses.append(Hearing.station_id == feed.station_id)
    return and_(*clauses)


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


def _promises(feed: Feed) -> Clause:
    """Still open ones however old; the others within the window."""
    day = today()
    window = or_(Commitment.due_on >= day - BACK, Commitment.status.in_((CommitmentStatus.OPEN, "reported")))
    if feed.user is None or feed.kind not in (FeedKind.PERSONAL, FeedKind.DEPARTMENT):
        return false()
    offices = _offices(feed)
    helping = select(commitment_co_handler.c.commitment_id).where(commitment_co_handler.c.department_id.in_(offices))
    mine: Clause = or_(Commitment.lead_id.in_(offices), Commitment.id.in_(helping))
    if feed.kind == FeedKind.PERSONAL:
        cosigned = select(issue_cosigner.c.issue_id).where(issue_cosigner.c.user_id == feed.user.id)
        raised = select(Issue.id).where(or_(Issue.lead_deputy_id == feed.user.id, Issue.id.in_(cosigned)))
        mine = or_(mine, Commitment.issue_id.in_(raised))
    return and_(mine, window, Commitment.due_on < day + AHEAD, scoped("commitment.read", feed.user, Commitment))


# -- writing ---------------------------------------------------------------------------------------------


events = Kept(KEPT_EVENTS)
tags = Kept(KEPT_TAGS)


def head() -> int:
    """The version of the whole record: the number of the trail's last line."""
    return db.session.scalar(select(func.max(AuditEvent.id))) or 0


def body(feed: Feed, *, base_url: str) -> bytes:
    """The calendar file (RFC 5545; calendar.md a.5). The same rows on the same day give the same bytes."""
    parts: list[bytes] = []
    if not feed.todo:
        parts += _hearing_events(feed, base_url)
    parts += _promise_events(feed, base_url)
    name, about = names(feed)
    return ics.feed(name, about, parts[:MOST])


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


def _hearing_events(feed: Feed, base_url: str) -> list[bytes]:
    found = db.session.execute(
        select(Hearing.id, Hearing.uid, Hearing.sequence)
        .where(_hearings(feed))
        .order_by(Hearing.starts_at, Hearing.id)
        .limit(MOST)
    ).all()
    agendas = _agendas(feed, [k.id for k in found])
    ring = feed.alarms and feed.kind == FeedKind.PERSONAL
    keys = [f"{k.uid}:{k.sequence}:{hash(agendas.get(k.id, ()))}" for k in found]

    def write(missing: Iterable[str]) -> dict[str, bytes]:
        settings = current_app.config
        wanted = {key.split(":", 1)[0]: key for key in missing}
        rows = db.session.scalars(
            select(Hearing).where(Hearing.uid.in_(list(wanted))).options(joinedload(Hearing.follows))
        ).unique()
        return {
            wanted[h.uid]: ics.event(
                occasion(h, agenda=agendas.get(h.id, ()), base_url=base_url),
                host=settings["UID_HOST"],
                organisation=None,
                alarm=ring,
            ).to_ical(sorted=False)
            for h in rows
        }

    return _joined(keys, f"|{ring}|{base_url}", write)


CATEGORIES = {
    HearingKind.NIGHT_HEARING: "民生夜询会",
    HearingKind.LOOK_BACK: "回头看",
    HearingKind.EVALUATION_MEETING: "绩效评估座谈会",
    HearingKind.GROUP_CONSULTATION: "集体面商",
}
"""Words of the record, in Chinese whoever reads the page."""


def occasion(hearing: Hearing, *, agenda: tuple[str, ...], base_url: str) -> ics.Occasion:
    """What the calendar tells of a hearing. `agenda` holds only topics that the reader may see."""
    return ics.Occasion(
        uid=hearing.uid,
        sequence=hearing.sequence,
        created=hearing.created_at,
        changed=hearing.changed_at,
        starts=hearing.starts_at,
        ends=hearing.ends_at,
        title=hearing.title,
        place=hearing.place,
        url=f"{base_url.rstrip('/')}/hearings/{hearing.id}",
        station_key=str(hearing.station_id),
        agenda=agenda,
        theme=hearing.theme,
        category=CATEGORIES[hearing.kind],
        follows_uid=hearing.follows.uid if hearing.follows is not None else None,
        cancelled=hearing.status == HearingStatus.CANCELLED,
        postponed=hearing.status == HearingStatus.POSTPONED,
        reason=hearing.reason,
    )


def _agendas(feed: Feed, ids: list[int]) -> dict[int, tuple[str, ...]]:
    """Topics that the owner may see; at a station's door only the theme is told."""
    found: dict[int, list[str]] = defaultdict(list)
    if feed.user is not None and ids:
        rows = db.session.execute(
            select(Topic.hearing_id, Topic.title)
            .where(Topic.hearing_id.in_(ids), scoped("topic.read", feed.user, Topic))
            .order_by(Topic.position, Topic.id)
        )
        for hearing_id, title in rows:
            found[hearing_id or 0].append(title)
    return {k: tuple(v) for k, v in found.items()}


def _promise_events(feed: Feed, base_url: str) -> list[bytes]:
    if feed.kind not in (FeedKind.PERSONAL, FeedKind.DEPARTMENT):
        return []
    # one narrow column: most of the work of a warm feed is to take these rows from the database
    keys = db.session.scalars(
        select(Commitment.uid + literal(":") + cast(Commitment.sequence, String))
        .where(_promises(feed))
        .order_by(Commitment.due_on.desc(), Commitment.id)
        .limit(MOST)
    ).all()

    def write(missing: Iterable[str]) -> dict[str, bytes]:
        host = current_app.config["UID_HOST"]
        wanted = {key.split(":", 1)[0]: key for key in missing}
        rows = db.session.scalars(
            select(Commitment)
            .where(Commitment.uid.in_(list(wanted)))
            .options(
                joinedload(Commitment.lead),
                selectinload(Commitment.co_handlers),
                joinedload(Commitment.issue).joinedload(Issue.hearing),
            )
        ).unique()
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


def remembered(row_id: int, feed: Feed, base_url: str, version: int) -> str | None:
    """The fingerprint of the body as of `version`, if this process has written it today."""
    found = tags.get((row_id, feed.todo, feed.alarms, base_url))
    return found[2] if found is not None and found[:2] == (version, today()) else None


def remember(row_id: int, feed: Feed, base_url: str, version: int, tag: str) -> None:
    """Keep the fingerprint for the next reader who only asks whether anything changed."""
    tags.put((row_id, feed.todo, feed.alarms, base_url), (version, today(), tag))
