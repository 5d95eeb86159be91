"""What the pages of the schedule room read: scoped, eager, a handful of statements each."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from flask import current_app
from sqlalchemy import func, or_, select, true
from sqlalchemy.orm import joinedload, lazyload, selectinload

from .. import workdays
from ..audit import AuditEvent
from ..db import LOCAL, db, local, now, today
from ..people.models import Department, DepartmentKind, User, UserRole, offices_of_today
from ..permissions import Clause, Role, scoped
from ..workdays import CalendarDay
from .models import (
    Hearing,
    HearingKind,
    HearingStatus,
    Participant,
    Preparation,
    Station,
    Topic,
)

TOTAL_CAP = 1000
HELD = (HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION)
"""Statuses in which an evening is taken."""


def counted(*where: Clause, of: Any = Hearing) -> int:
    """How many rows, exact up to 1,000; 1,001 stands for more."""
    some = select(of.id).where(*where).limit(TOTAL_CAP + 1).subquery()
    return db.session.scalar(select(func.count()).select_from(some)) or 0


# -- stations ------------------------------------------------------------------------------------------


def stations() -> Sequence[Station]:
    """All stations, those in use first."""
    return db.session.scalars(
        select(Station).order_by(Station.valid_until.is_not(None), Station.street, Station.code)
    ).all()


def station_names() -> list[tuple[int, str]]:
    """All stations in the same order, as choices."""
    order = (Station.valid_until.is_not(None), Station.street, Station.code)
    return [(id_, name) for id_, name in db.session.execute(select(Station.id, Station.name).order_by(*order))]


def stations_for(user: Any, *, keep: Station | None = None) -> list[tuple[int, str]]:
    """Stations where this organiser may plan, as choices; `keep` stays on offer though it is retired."""
    mine = None if user.is_district else set(user.station_ids)
    return [
        (s.id, f"{s.name}（{s.address}）")
        for s in stations()
        if (s.is_current and (mine is None or s.id in mine)) or (keep is not None and s.id == keep.id)
    ]


def streets_for(user: Any) -> list[str]:
    """Streets a topic can be of: all of the district, or those of own stations."""
    if not user.is_district:
        return sorted({s.street for s in user.stations})
    offices = select(Department.street).where(Department.street.is_not(None))
    known = set(db.session.scalars(select(Station.street).union(offices)))
    return sorted(street for street in known if street)


def hearings_at(station: Station, user: Any, most: int = 20) -> Sequence[Hearing]:
    """The latest hearings at a station that this person may read."""
    return db.session.scalars(
        select(Hearing)
        .where(
            Hearing.station_id == station.id,
            Hearing.status != HearingStatus.DISCARDED,
            scoped("hearing.read", user, Hearing),
        )
        .order_by(Hearing.starts_at.desc(), Hearing.id.desc())
        .limit(most)
    ).all()


def former_names(station: Station) -> list[dict[str, Any]]:
    """Names and addresses the station had, with the day they ended, latest first."""
    lines = db.session.execute(
        select(AuditEvent.at, AuditEvent.details)
        .where(
            AuditEvent.subject_type == "station",
            AuditEvent.subject_id == station.id,
            AuditEvent.action == "station.amend",
        )
        .order_by(AuditEvent.id.desc())
    )
    return [{"until": at, **details["was"]} for at, details in lines if details.get("was")]


# -- the list of hearings ------------------------------------------------------------------------------

_COLUMNS = (
    Hearing.id,
    Hearing.serial_no,
    Hearing.kind,
    Hearing.status,
    Hearing.title,
    Hearing.theme,
    Hearing.venue,
    Hearing.starts_at,
    Hearing.ends_at,
    Station.name,
    Station.address,
)


def narrowed(
    user: Any,
    *,
    q: str | None = None,
    kind: HearingKind | None = None,
    status: HearingStatus | None = None,
    station: int | None = None,
    year: int | None = None,
) -> list[Clause]:
    """The clauses of the list: the person's scope and what the filter says. Discarded drafts only on request."""
    where: list[Clause] = [scoped("hearing.read", user, Hearing)]
    where.append(Hearing.status == status if status else Hearing.status != HearingStatus.DISCARDED)
    if kind:
        where.append(Hearing.kind == kind)
    if station:
        where.append(Hearing.station_id == station)
    if year:
        first, after = local(date(year, 1, 1), time()), local(date(year + 1, 1, 1), time())
        where.append((Hearing.starts_at >= first) & (Hearing.starts_at < after))
    if q:
        hits = [Hearing.title.icontains(q, autoescape=True), Hearing.theme.icontains(q, autoescape=True)]
        number = q.strip("第期号 ").removeprefix("No.").strip()
        if number.isascii() and number.isdigit() and len(number) < 6:
            hits.append(Hearing.serial_no == int(number))
        where.append(or_(*hits))
    return where


def page_of_hearings(where: list[Clause], *, before: str, after: str, size: int) -> tuple[list[Any], bool, bool]:
    """One page, latest evening first: the rows, whether there are later ones, whether there are earlier ones.

    `before` and `after` are keys made by `key_of`; anything else shows the first page.
    """
    older, newer = _moment_of(before), _moment_of(after)
    query = select(*_COLUMNS).join(Station, Station.id == Hearing.station_id).where(*where)
    if newer is not None:
        at, id_ = newer
        past = (Hearing.starts_at > at) | ((Hearing.starts_at == at) & (Hearing.id > id_))
        rows = list(db.session.execute(query.where(past).order_by(Hearing.starts_at, Hearing.id).limit(size + 1)))
        if len(rows) <= size:  # the first page is always a full one
            return page_of_hearings(where, before="", after="", size=size)
        return rows[size - 1 :: -1], True, True
    if older is not None:
        at, id_ = older
        query = query.where((Hearing.starts_at < at) | ((Hearing.starts_at == at) & (Hearing.id < id_)))
    rows = list(db.session.execute(query.order_by(Hearing.starts_at.desc(), Hearing.id.desc()).limit(size + 1)))
    return rows[:size], older is not None, len(rows) > size


def key_of(row: Any) -> str:
    """Where a row stands in the list, for an address."""
    return f"{int(row.starts_at.timestamp())}.{row.id}"


def _moment_of(key: str) -> tuple[datetime, int] | None:
    seconds, dot, id_ = key.partition(".")
    if not dot or not (seconds + id_).isascii() or not (seconds + id_).isdigit() or len(seconds) > 10 or len(id_) > 9:
        return None
    if not seconds or not id_:
        return None
    return datetime.fromtimestamp(int(seconds), UTC), int(id_)


def years(user: Any) -> list[int]:
    """The years in which there are hearings, latest first."""
    mine = scoped("hearing.read", user, Hearing)
    # Two questions and not one: each is then the end of an index.
    earliest, latest = (select(end(Hearing.starts_at)).where(mine).scalar_subquery() for end in (func.min, func.max))
    first, last = db.session.execute(select(earliest, latest)).one()
    if first is None:
        return []
    return list(range((last + timedelta(hours=8)).year, (first + timedelta(hours=8)).year - 1, -1))


def hearings_between(user: Any, first: date, last: date) -> dict[date, list[Any]]:
    """The hearings of some days by day, in order of time, discarded ones left out."""
    rows = db.session.execute(
        select(*_COLUMNS)
        .join(Station, Station.id == Hearing.station_id)
        .where(
            scoped("hearing.read", user, Hearing),
            Hearing.starts_at >= local(first, time()),
            Hearing.starts_at < local(last + timedelta(days=1), time()),
            Hearing.status != HearingStatus.DISCARDED,
        )
        .order_by(Hearing.starts_at, Hearing.id)
    )
    days: dict[date, list[Any]] = defaultdict(list)
    for row in rows:
        days[(row.starts_at + timedelta(hours=8)).date()].append(row)
    return days


def day_names(first: date, last: date) -> dict[date, str]:
    """Words that the district's own table gives to days."""
    rows = db.session.execute(
        select(CalendarDay.day, CalendarDay.name).where(CalendarDay.day >= first, CalendarDay.day <= last)
    )
    return {row.day: row.name for row in rows}


def numbers_given_back(series: str) -> set[int]:
    """Running numbers that cancelled hearings of a series once had, by the trail."""
    cancelled = select(Hearing.id).where(Hearing.series == series, Hearing.status == HearingStatus.CANCELLED)
    lines = db.session.scalars(
        select(AuditEvent.details).where(AuditEvent.action == "hearing.cancel", AuditEvent.subject_id.in_(cancelled))
    )
    return {line["serial_no"] for line in lines if line.get("serial_no")}


def next_free_evening() -> date:
    """The next Thursday that is worked, with enough notice, on which no hearing stands yet."""
    first = today() + timedelta(days=max(0, current_app.config["NOTICE_DAYS"]))
    first += timedelta(days=(3 - first.weekday()) % 7)
    taken = {
        at.astimezone(LOCAL).date()
        for at in db.session.scalars(
            select(Hearing.starts_at).where(
                Hearing.starts_at >= local(first, time()),
                Hearing.starts_at < local(first + timedelta(weeks=26), time()),
                Hearing.status.in_(HELD),
            )
        )
    }
    table = workdays.overrides()
    evenings = [first + timedelta(weeks=n) for n in range(26)]
    return next((d for d in evenings if d not in taken and workdays.is_workday(d, table)), first)


def looked_back_at(user: Any, keep: Hearing | None = None) -> Sequence[Hearing]:
    """Hearings that a look-back can follow: the last sixty that were held."""
    held: Clause = Hearing.status.in_((HearingStatus.CONCLUDED, HearingStatus.FILED))
    if keep is not None:
        held |= Hearing.id == keep.id
    return db.session.scalars(
        select(Hearing)
        .where(scoped("hearing.read", user, Hearing), held, Hearing.kind == HearingKind.NIGHT_HEARING)
        .order_by(Hearing.starts_at.desc())
        .limit(60)
    ).all()


def planned_for(user: Any) -> Sequence[Hearing]:
    """Hearings that topics can go to: drafts and announced ones this organiser keeps, soonest first."""
    return db.session.scalars(
        select(Hearing)
        .where(
            scoped("topic.amend", user, Hearing),
            Hearing.status.in_((HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.POSTPONED)),
        )
        .order_by(Hearing.starts_at, Hearing.id)
        .limit(100)
    ).all()


# -- people and offices --------------------------------------------------------------------------------


def people(*roles: Role, keep: int | None = None) -> Sequence[User]:
    """People in office with one of these roles, in protocol order; `keep` stays on offer though gone."""
    with_role = User.id.in_(select(UserRole.user_id).where(UserRole.role.in_(roles)))
    gone = or_(User.valid_until.is_(None), User.valid_until >= today())
    wanted: Clause = User.active & gone & with_role
    if keep is not None:
        wanted = wanted | (User.id == keep)
    return db.session.scalars(select(User).where(wanted).order_by(User.protocol_order, User.id)).all()


def offices(*, keep: Iterable[int] = ()) -> Sequence[Department]:
    """Offices in their order; retired ones only if they are in `keep`."""
    current = or_(offices_of_today(), Department.id.in_(list(keep)))
    return db.session.scalars(select(Department).where(current).order_by(Department.position, Department.id)).all()


def signed_in_offices(ids: Iterable[int]) -> set[int]:
    """Which of these offices have somebody who signs in."""
    return set(
        db.session.scalars(select(User.department_id).where(User.department_id.in_(list(ids)), User.active).distinct())
    )


# -- seats ---------------------------------------------------------------------------------------------


def seats_of(hearing: Hearing) -> Sequence[Participant]:
    """The seats in protocol order."""
    return db.session.scalars(
        select(Participant)
        .where(Participant.hearing_id == hearing.id)
        .options(joinedload(Participant.department))
        .order_by(Participant.position, Participant.id)
    ).all()


def department_seats(hearing: Hearing, user: Any, everyone: bool) -> Sequence[Participant]:
    """The seats of offices at a hearing: all of them, or those of this person's office."""
    query = (
        select(Participant)
        .where(Participant.hearing_id == hearing.id, Participant.department_id.is_not(None))
        .options(joinedload(Participant.department))
        .order_by(Participant.position, Participant.id)
    )
    if not everyone:
        query = query.where(Participant.department_id.in_(user.department_ids))
    return db.session.scalars(query).all()


def attended_last(seat: Participant) -> tuple[str, str | None] | None:
    """Who came for this office, or was named, at its hearing before: name and job title."""
    found = db.session.execute(
        select(Participant.name, Participant.title)
        .join(Hearing, Hearing.id == Participant.hearing_id)
        .where(
            Participant.department_id == seat.department_id, Participant.name.is_not(None), Participant.id != seat.id
        )
        .order_by(Hearing.starts_at.desc(), Participant.id.desc())
        .limit(1)
    ).one_or_none()
    return (found.name, found.title) if found is not None else None


def preparations(hearing: Hearing, user: Any) -> Sequence[Preparation]:
    """What offices have handed in for a hearing and this person may read, oldest first."""
    return db.session.scalars(
        select(Preparation)
        .where(Preparation.hearing_id == hearing.id, scoped("preparation.read", user, Preparation))
        .options(joinedload(Preparation.file), joinedload(Preparation.department), joinedload(Preparation.by))
        .order_by(Preparation.id)
    ).all()


# -- topics --------------------------------------------------------------------------------------------


def topics_of(hearing: Hearing, user: Any) -> Sequence[Topic]:
    """A hearing's topics in order, as far as this person may read them."""
    return db.session.scalars(
        select(Topic)
        .where(Topic.hearing_id == hearing.id, scoped("topic.read", user, Topic))
        .options(selectinload(Topic.departments), joinedload(Topic.deputy))
        .order_by(Topic.position, Topic.id)
    ).all()


def topics_for(hearing: Hearing, department_id: int) -> Sequence[Topic]:
    """The topics of a hearing that one office is to answer."""
    return db.session.scalars(
        select(Topic)
        .where(Topic.hearing_id == hearing.id, Topic.departments.any(Department.id == department_id))
        .order_by(Topic.position, Topic.id)
    ).all()


IN_POOL = Topic.hearing_id.is_(None) & Topic.merged_into_id.is_(None) & Topic.set_aside.is_(None)


def pool_where(
    user: Any,
    *,
    q: str | None = None,
    state: str | None = None,
    source: str | None = None,
    street: str | None = None,
) -> list[Clause]:
    """The clauses of the pool's list."""
    where: list[Clause] = [scoped("topic.read", user, Topic)]
    if state == "pool":
        where.append(IN_POOL)
    elif state == "on_list":
        where.append(Topic.hearing_id.is_not(None))
    elif state == "merged":
        where.append(Topic.merged_into_id.is_not(None))
    elif state == "set_aside":
        where.append(Topic.set_aside.is_not(None))
    if source:
        where.append(Topic.source == source)
    if street:
        where.append(Topic.street == street)
    if q:
        where.append(Topic.title.icontains(q, autoescape=True) | Topic.details.icontains(q, autoescape=True))
    return where


_TOPIC_PARTS = (
    selectinload(Topic.departments),
    joinedload(Topic.deputy).options(lazyload(User.department), lazyload(User.role_rows)),
    joinedload(Topic.hearing).lazyload(Hearing.station),
    joinedload(Topic.merged_into),
)
"""What a line of the pool shows; nothing of the person but the name, nothing of the hearing but its number."""


def page_of_topics(where: list[Clause], *, before: int, after: int, size: int) -> tuple[list[Topic], bool, bool]:
    """One page of topics, the latest first, by id: rows, whether there are later ones, whether earlier ones."""
    query = select(Topic).where(*where).options(*_TOPIC_PARTS)
    if after:
        rows = list(db.session.scalars(query.where(Topic.id > after).order_by(Topic.id).limit(size + 1)))
        if len(rows) <= size:
            return page_of_topics(where, before=0, after=0, size=size)
        return rows[size - 1 :: -1], True, True
    if before:
        query = query.where(Topic.id < before)
    rows = list(db.session.scalars(query.order_by(Topic.id.desc()).limit(size + 1)))
    return rows[:size], bool(before), len(rows) > size


def chosen_topics(ids: list[int], user: Any, action: str) -> Sequence[Topic]:
    """These topics, as far as the person may do `action` on them, in the order of their making."""
    return db.session.scalars(
        select(Topic).where(Topic.id.in_(ids), scoped(action, user, Topic)).options(*_TOPIC_PARTS).order_by(Topic.id)
    ).all()


def pool_for(hearing: Hearing, user: Any, most: int = 300) -> Sequence[Topic]:
    """What of the pool could go onto this hearing's list: topics of its street first, the latest first."""
    near = Topic.street == hearing.station.street
    return db.session.scalars(
        select(Topic)
        .where(IN_POOL, scoped("topic.amend", user, Topic))
        .options(selectinload(Topic.departments))
        .order_by(near.desc().nulls_last(), Topic.id.desc())
        .limit(most)
    ).all()


def folded_into(topic: Topic, user: Any) -> Sequence[Topic]:
    """Topics that were merged into this one, as far as the person may read them."""
    return db.session.scalars(
        select(Topic).where(Topic.merged_into_id == topic.id, scoped("topic.read", user, Topic)).order_by(Topic.id)
    ).all()


def opening(model: Any, ids: Iterable[int | None], user: Any) -> set[int]:
    """Which of these hearings or topics the person may open; the others are named without a link."""
    wanted = {id_ for id_ in ids if id_ is not None}
    readable = scoped(f"{model.__tablename__}.read", user, model)
    if not wanted or readable.compare(true()):
        return wanted
    return set(db.session.scalars(select(model.id).where(model.id.in_(wanted), readable)))


def is_street_office(department: Department) -> bool:
    return department.kind == DepartmentKind.STREET_OFFICE


def is_past(hearing: Hearing) -> bool:
    """Whether its announced end has gone by."""
    return hearing.ends_at < now()
