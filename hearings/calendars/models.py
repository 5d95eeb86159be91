"""Addresses of calendars that people subscribe to."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Model, enum_column, now
from ..people.models import Department, User
from ..schedule.models import Station


class FeedKind(StrEnum):
    PERSONAL = "personal"
    DEPARTMENT = "department"
    STATION = "station"
    DISTRICT = "district"


class CalendarFeed(Model):
    """One person's secret address of one calendar.

    Only the fingerprint of the secret is kept: whoever reads the database cannot read the calendars. What the
    address shows is decided anew at every reading, by what its owner may see then.
    """

    __table_args__ = (
        CheckConstraint("kind <> 'department' OR department_id IS NOT NULL", name="of_a_department"),
        CheckConstraint("kind <> 'station' OR station_id IS NOT NULL", name="of_a_station"),
        Index("ix_calendar_feed_user_id_kind", "user_id", "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[FeedKind] = enum_column(FeedKind)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    station_id: Mapped[int | None] = mapped_column(ForeignKey("station.id"))
    token_sha256: Mapped[str] = mapped_column(unique=True)
    alarms: Mapped[bool] = mapped_column(default=True)
    hides_invited: Mapped[bool] = mapped_column(default=False)
    """Leave out hearings that an invitation by mail has put into the calendar already (personal ones only)."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    read_at: Mapped[datetime | None]
    read_by: Mapped[str | None]
    """What the reading program calls itself, at most 200 characters."""
    revoked_at: Mapped[datetime | None]

    user: Mapped[User] = relationship()
    department: Mapped[Department | None] = relationship()
    station: Mapped[Station | None] = relationship()
