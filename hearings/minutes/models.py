"""Minutes: versions of one frozen dict, its PDF and their fingerprints."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, event, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from ..db import Model, enum_column, now
from ..errors import RuleBroken
from ..files import Blob
from ..people.models import User
from ..permissions import Clause, Role, scope
from ..schedule.models import Hearing, hearings_of_department, hearings_of_deputy, hearings_of_organiser


class MinutesStatus(StrEnum):
    DRAFT = "draft"
    REVIEWED = "reviewed"
    PUBLISHED = "published"


class Minutes(Model):
    """One version of a hearing's minutes. Published is final; a correction is version n + 1."""

    __table_args__ = (
        UniqueConstraint("hearing_id", "version"),
        CheckConstraint(
            "status <> 'published' OR (pdf_sha256 IS NOT NULL AND content_sha256 IS NOT NULL AND issued_by IS NOT NULL"
            " AND issued_on IS NOT NULL AND published_at IS NOT NULL)",
            name="published_is_whole",
        ),
        CheckConstraint("version = 1 OR reason IS NOT NULL", name="correction_has_reason"),
        Index("ix_minutes_status", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"))
    version: Mapped[int]
    status: Mapped[MinutesStatus] = enum_column(MinutesStatus, default=MinutesStatus.DRAFT, active_history=True)
    content: Mapped[dict[str, Any]]
    """What is printed; see minutes/content.py."""
    composed: Mapped[dict[str, Any]]
    """What the record said when prose was last taken from it; later changes are offered as differences."""
    reason: Mapped[str | None]
    """Why it was corrected."""
    drafted_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    drafted_at: Mapped[datetime] = mapped_column(default=now)
    reviewed_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    reviewed_at: Mapped[datetime | None]
    issued_by: Mapped[str | None]
    """The leader's name as signed on paper."""
    issued_on: Mapped[date | None]
    published_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    published_at: Mapped[datetime | None]
    pdf_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    content_sha256: Mapped[str | None]
    previous_sha256: Mapped[str | None]

    hearing: Mapped[Hearing] = relationship()
    drafted_by: Mapped[User] = relationship(foreign_keys=[drafted_by_id])
    reviewed_by: Mapped[User | None] = relationship(foreign_keys=[reviewed_by_id])
    published_by: Mapped[User | None] = relationship(foreign_keys=[published_by_id])
    pdf: Mapped[Blob | None] = relationship()


@scope("minutes", Role.ORGANISER)
def _minutes_of_organiser(user: Any) -> Clause:
    return Minutes.hearing_id.in_(select(Hearing.id).where(hearings_of_organiser(user)))


@scope("minutes", Role.DEPUTY)
def _minutes_of_deputy(user: Any) -> Clause:
    return (Minutes.status == MinutesStatus.PUBLISHED) & Minutes.hearing_id.in_(
        select(Hearing.id).where(hearings_of_deputy(user))
    )


@scope("minutes", Role.DEPARTMENT)
def _minutes_of_department(user: Any) -> Clause:
    return (Minutes.status == MinutesStatus.PUBLISHED) & Minutes.hearing_id.in_(
        select(Hearing.id).where(hearings_of_department(user))
    )


@event.listens_for(Session, "before_flush")
def _published_is_final(session: Session, context: Any, instances: Any) -> None:
    """The second of three locks; `active_history` because after a commit the old status is not loaded."""
    for thing in [*session.dirty, *session.deleted]:
        if not isinstance(thing, Minutes):
            continue
        history = inspect(thing).attrs.status.load_history()
        before = history.deleted[0] if history.deleted else thing.status
        if before == MinutesStatus.PUBLISHED and (thing in session.deleted or session.is_modified(thing)):
            raise RuleBroken(_("Published minutes never change. Publish a correction instead."))
