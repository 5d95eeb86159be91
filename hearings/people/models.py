"""Departments and people."""

import functools
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from flask_security.core import UserMixin
from sqlalchemy import CheckConstraint, Column, ForeignKey, Integer, Table, and_, bindparam, false, or_, select, true
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Model, Numbered, Published, db, enum_column, now, today
from ..permissions import ROLE_LABELS, Clause, Role, scope


class DepartmentKind(StrEnum):
    """What an office is; `other` has no sign-in, the organiser acts for it."""

    BUREAU = "bureau"
    STREET_OFFICE = "street_office"
    ENTERPRISE = "enterprise"
    OTHER = "other"


class Department(Numbered, Published, Model):
    """An office that answers and promises. A rename or merger retires the row in favour of its successor,

    so that old records keep the old name; what is open moves to the successor. Both may be planned: the row of the
    new name stands there ahead of its day, and is offered nowhere until then.
    """

    __table_args__ = (CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="validity"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    short_name: Mapped[str]
    kind: Mapped[DepartmentKind] = enum_column(DepartmentKind, default=DepartmentKind.BUREAU)
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    street: Mapped[str | None]
    """Of a street office: the street it serves."""
    head: Mapped[str | None]
    contact: Mapped[str | None]
    contact_phone: Mapped[str | None]
    """Of the office, not of a person."""
    position: Mapped[int] = mapped_column(default=100)
    valid_from: Mapped[date] = mapped_column(default=date(2016, 1, 1))
    valid_until: Mapped[date | None]
    successor_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)

    successor: Mapped["Department | None"] = relationship(foreign_keys=[successor_id], remote_side=[id])

    @property
    def is_current(self) -> bool:
        return self.valid_from <= today() and (self.valid_until is None or self.valid_until >= today())

    @property
    def is_planned(self) -> bool:
        """Whether its name is of a day to come."""
        return self.valid_from > today()

    @property
    def succeeded_on(self) -> date | None:
        """The first day of what became of it, or will."""
        return self.valid_until + timedelta(days=1) if self.valid_until and self.successor_id else None

    @property
    def now(self) -> "Department":
        """The office itself or, from the day it became another, that one."""
        office = self
        while office.valid_until is not None and office.valid_until < today() and office.successor is not None:
            office = office.successor
        return office


def offices_of_today() -> Clause:
    """The offices there are on this day."""
    return and_(
        Department.valid_from <= today(), or_(Department.valid_until.is_(None), Department.valid_until >= today())
    )


user_station = Table(
    "user_station",
    db.metadata,
    Column("user_id", Integer, ForeignKey("user.id"), primary_key=True),
    Column("station_id", Integer, ForeignKey("station.id"), primary_key=True),
)


class UserRole(Model):
    """One role of one person."""

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    role: Mapped[Role] = enum_column(Role, primary_key=True)


class User(Model, UserMixin):
    """A person who signs in, or once did."""

    id: Mapped[int] = mapped_column(primary_key=True)
    username: Mapped[str] = mapped_column(unique=True)
    """The login name, lower case."""
    name: Mapped[str]
    email: Mapped[str | None]  # type: ignore[assignment]
    password: Mapped[str | None]
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(unique=True)
    """Changes when all sign-ins of the person must end."""
    title: Mapped[str | None]
    """Job title as it stands on papers, e.g. 副主任."""
    protocol_order: Mapped[int] = mapped_column(default=1000)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"), index=True)
    locale: Mapped[str | None]
    valid_from: Mapped[date] = mapped_column(default=today)
    valid_until: Mapped[date | None]
    must_change_password: Mapped[bool] = mapped_column(default=False)
    failures: Mapped[int] = mapped_column(default=0)
    """Wrong passwords since the last right one."""
    failed_at: Mapped[datetime | None]
    """When the last wrong one came."""
    created_at: Mapped[datetime] = mapped_column(default=now)

    department: Mapped[Department | None] = relationship(lazy="joined")
    role_rows: Mapped[list[UserRole]] = relationship(lazy="selectin", cascade="all, delete-orphan")
    stations: Mapped[list[Any]] = relationship("Station", secondary=user_station)

    @property
    def role_set(self) -> frozenset[Role]:
        return frozenset(row.role for row in self.role_rows)

    @property
    def is_with_us(self) -> bool:
        """Whether the person may still sign in, or read by an address of theirs."""
        return bool(self.active) and (self.valid_until is None or self.valid_until >= today())

    @property
    def role_labels(self) -> list[Any]:
        mine = self.role_set
        return [ROLE_LABELS[role] for role in Role if role in mine]

    def set_roles(self, roles: Any) -> None:
        """Replace the set of roles."""
        wanted = {Role(r) for r in roles}
        self.role_rows = [row for row in self.role_rows if row.role in wanted] + [
            UserRole(role=role) for role in sorted(wanted - self.role_set)
        ]

    @property
    def is_district(self) -> bool:
        """An organiser of the whole district: one not bound to stations."""
        return not self.stations

    @property
    def station_ids(self) -> list[int]:
        return [s.id for s in self.stations]

    @property
    def streets(self) -> list[str]:
        """Streets of the person's stations."""
        return [s.street for s in self.stations]

    @property
    def department_ids(self) -> list[int]:
        """The person's office and every office that became it."""
        if self.department is None:
            return []
        cached = self.__dict__.get("_department_ids")
        if cached is None:
            found = db.session.scalars(_family(), {"office": self.department.now.id})
            cached = self.__dict__["_department_ids"] = list(found)
        return cached


@functools.cache
def _family() -> Any:
    """Ids of an office and of every office that became it; built once, asked on every page of an office."""
    base = select(Department.id).where(Department.id == bindparam("office")).cte(recursive=True)
    return select(base.union(select(Department.id).join(base, Department.successor_id == base.c.id)).c.id)


class House(Model):
    """What the office calls itself, chosen by an administrator; one row, or none so far."""

    id: Mapped[int] = mapped_column(primary_key=True)
    words: Mapped[dict[str, Any]]
    """By the name of the setting it stands above."""
    version: Mapped[int] = mapped_column(default=1)
    """Counted up at every change: each process sees by it that its settings are old."""


class WrongName(Model):
    """Tries to sign in under a name that nobody has. They are counted as a person's are, so that the answers do not

    tell which names exist. The name itself is not kept: people type passwords there.
    """

    digest: Mapped[str] = mapped_column(primary_key=True)
    failures: Mapped[int] = mapped_column(default=0)
    failed_at: Mapped[datetime | None] = mapped_column(index=True)


@scope("department", Role.ORGANISER, "district")
def _departments_of_district_organiser(user: Any) -> Clause:
    return true() if user.is_district else false()
