"""Reads of the people room: the directory, the settings, the trail; and pages of a list by key."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from flask_babel import gettext as _
from sqlalchemy import ColumnElement, Select, and_, func, not_, or_, select, tuple_

from ..audit import AuditEvent
from ..db import db, local, today
from ..permissions import Role
from ..workdays import CalendarDay
from .models import Department, User, UserRole, offices_of_today

PAGE = 50
EXACT = 1000
"""Totals are exact up to here."""

# -- pages by key --------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Page:
    """One page of a list: its rows, where the neighbouring pages are, and how many there are in all."""

    rows: Sequence[Any]
    newer_url: str | None
    older_url: str | None
    total: int

    @property
    def count_text(self) -> str:
        """How many, in words; "1,000+" above what is counted."""
        return _("%(count)s in all", count="1,000+" if self.total > EXACT else self.total)


def _key(words: str, width: int) -> tuple[int, ...] | None:
    parts = words.split(".")
    if len(parts) != width or not all(p.lstrip("-").isdigit() and p.isascii() and len(p) < 16 for p in parts):
        return None
    return tuple(int(p) for p in parts)


def keyed(
    statement: Select[Any],
    columns: Sequence[Any],
    args: Mapping[str, str],
    path: str,
    *,
    options: Sequence[Any] = (),
    descending: bool = False,
    size: int = PAGE,
) -> Page:
    """One page of `statement` by the integer `columns` of its entity (newer/older, never by OFFSET).

    `args` are the address's arguments: `after` or `before` hold a key as the list shows it; an odd one is ignored.
    """
    order = [c.desc() if descending else c.asc() for c in columns]
    turned = [c.asc() if descending else c.desc() for c in columns]
    spot = tuple_(*columns)
    after = _key(args.get("after", ""), len(columns))
    before = None if after else _key(args.get("before", ""), len(columns))
    wanted = statement
    if after:
        wanted = wanted.where(spot < after if descending else spot > after)
    elif before:
        wanted = wanted.where(spot > before if descending else spot < before)
    rows: list[Any] = list(
        db.session.scalars(
            wanted.options(*options).order_by(None).order_by(*(turned if before else order)).limit(size + 1)
        ).unique()
    )
    more = len(rows) > size
    rows = rows[:size]
    if before:
        rows.reverse()
    limited = statement.with_only_columns(columns[-1]).order_by(None).limit(EXACT + 1).subquery()
    total = db.session.scalar(select(func.count()).select_from(limited)) or 0

    def to(which: str, row: Any) -> str:
        kept = {k: v for k, v in args.items() if k not in ("after", "before") and v}
        kept[which] = ".".join(str(getattr(row, c.key)) for c in columns)
        return f"{path}?{urlencode(kept)}"

    has_newer = bool(rows) and (more if before else bool(after))
    has_older = bool(rows) and (more if not before else True)
    return Page(rows, to("before", rows[0]) if has_newer else None, to("after", rows[-1]) if has_older else None, total)


# -- people --------------------------------------------------------------------------------------------


def _open() -> ColumnElement[bool]:
    return and_(User.active, or_(User.valid_until.is_(None), User.valid_until >= today()))


def people(*, role: str = "", department: int | None = None, state: str = "", q: str = "") -> Select[Any]:
    """The directory, narrowed: by role, department, state (active, locked, failed or all), part of a name."""
    found = select(User)
    if role in set(Role):
        found = found.where(User.id.in_(select(UserRole.user_id).where(UserRole.role == role)))
    if department is not None:
        found = found.where(User.department_id == department)
    if state == "locked":
        found = found.where(not_(_open()))
    elif state == "all":
        pass
    elif state == "first":
        found = found.where(_open(), User.must_change_password)
    elif state == "failed":
        found = found.where(User.failures > 0)
    else:
        found = found.where(_open())
    if q:
        found = found.where(
            or_(
                User.name.contains(q, autoescape=True),
                User.username.contains(q.lower(), autoescape=True),
                User.title.contains(q, autoescape=True),
            )
        )
    return found


def people_named(names: Iterable[str]) -> Sequence[User]:
    """Who bears one of these names and may sign in."""
    return db.session.scalars(select(User).where(User.name.in_(names), _open()).order_by(User.id)).all()


def awaiting_slips(limit: int) -> Sequence[User]:
    """Who has not chosen a password yet: those who have no first one either come before the others."""
    found = select(User).where(_open(), User.must_change_password)
    return db.session.scalars(
        found.order_by(User.password.is_not(None), User.protocol_order, User.id).limit(limit)
    ).all()


def stations() -> Sequence[Any]:
    """All stations for a street organiser's reach. They belong to the next room: asked through the relationship."""
    station = User.stations.property.mapper.class_
    return db.session.scalars(select(station).order_by(station.street, station.code)).all()


# -- departments ---------------------------------------------------------------------------------------


def departments(*, kind: str = "", state: str = "", q: str = "") -> Select[Any]:
    """The offices, narrowed: by kind, state (current, retired or all), part of a name or of a person's."""
    found = select(Department)
    if kind:
        found = found.where(Department.kind == kind)
    if state == "retired":
        found = found.where(Department.valid_until < today())
    elif state == "planned":
        found = found.where(Department.valid_from > today())
    elif state != "all":
        found = found.where(offices_of_today())
    if q:
        columns = (Department.name, Department.short_name, Department.head, Department.contact, Department.street)
        found = found.where(or_(*(c.contains(q, autoescape=True) for c in columns)))
    return found


def current_departments(also: int | None = None) -> Sequence[Department]:
    """The offices there are now, in their order; `also` one that a person still belongs to."""
    keep = or_(offices_of_today(), Department.id == also)
    return db.session.scalars(select(Department).where(keep).order_by(Department.position, Department.id)).all()


def names_before(department: Department) -> Sequence[Department]:
    """The offices that became this one, over every rename and merger, latest first."""
    base = select(Department.id).where(Department.successor_id == department.id).cte(recursive=True)
    family = base.union(select(Department.id).join(base, Department.successor_id == base.c.id))
    return db.session.scalars(
        select(Department)
        .where(Department.id.in_(select(family.c.id)))
        .order_by(Department.valid_until.desc(), Department.id.desc())
    ).all()


def people_of(department: Department) -> Sequence[User]:
    """Who signs in for an office."""
    return db.session.scalars(
        select(User)
        .where(User.department_id == department.id, _open())
        .order_by(User.protocol_order, User.id)
        .limit(PAGE)
    ).all()


# -- the calendar of working days ----------------------------------------------------------------------


def own_days(year: int) -> Sequence[CalendarDay]:
    """What the district's own table says of a year."""
    within = CalendarDay.day.between(date(year, 1, 1), date(year, 12, 31))
    return db.session.scalars(select(CalendarDay).where(within).order_by(CalendarDay.day)).all()


# -- the trail -----------------------------------------------------------------------------------------


def trail(
    *, person: str = "", action: str = "", subject: str = "", first: date | None = None, last: date | None = None
) -> Select[Any]:
    """The lines of the trail, narrowed: by who acted (part of the name then), act, kind of thing, dates inclusive."""
    found = select(AuditEvent)
    if person:
        found = found.where(AuditEvent.actor_name.contains(person, autoescape=True))
    if action:
        found = found.where(AuditEvent.action == action)
    if subject:
        found = found.where(AuditEvent.subject_type == subject)
    if first:
        found = found.where(AuditEvent.at >= _midnight(first))
    if last:
        found = found.where(AuditEvent.at < _midnight(last + timedelta(days=1)))
    return found


def _midnight(day: date) -> datetime:
    return local(day, time())


def lines_in_trail() -> int:
    """How many lines the trail has."""
    return db.session.scalar(select(func.count()).select_from(AuditEvent)) or 0
