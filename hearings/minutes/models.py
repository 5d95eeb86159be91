"""Minutes: versions of one frozen dict, its PDF and Word file and their fingerprints; what was released of them."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, event, inspect, select
from sqlalchemy.orm import Mapped, Session, mapped_column, relationship

from ..db import Model, Numbered, enum_column, now
from ..errors import RuleBroken
from ..files import Blob
from ..people.models import User
from ..permissions import Clause, Role, scope
from ..schedule.models import Hearing, hearings_of_department, hearings_of_deputy, hearings_of_organiser


class MinutesStatus(StrEnum):
    DRAFT = "draft"
    REVIEWED = "reviewed"
    PUBLISHED = "published"


class Minutes(Numbered, Model):
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
        Index("ix_minutes_pdf_sha256", "pdf_sha256"),
        Index("ix_minutes_docx_sha256", "docx_sha256"),
        Index("ix_minutes_code", "code"),
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
    docx_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    """None for versions that were published without a Word file."""
    content_sha256: Mapped[str | None]
    previous_sha256: Mapped[str | None]
    code: Mapped[str | None]
    """What is printed in the record block and asked for at /verify; see proof.py."""

    hearing: Mapped[Hearing] = relationship()
    drafted_by: Mapped[User] = relationship(foreign_keys=[drafted_by_id])
    reviewed_by: Mapped[User | None] = relationship(foreign_keys=[reviewed_by_id])
    published_by: Mapped[User | None] = relationship(foreign_keys=[published_by_id])
    pdf: Mapped[Blob | None] = relationship(foreign_keys=[pdf_sha256])


class Release(Model):
    """The public rendering of one published version, open to everybody until it is withdrawn; its bytes are kept."""

    __tablename__ = "minutes_release"
    __table_args__ = (
        CheckConstraint(
            "withdrawn_at IS NULL OR (withdrawn_by_id IS NOT NULL AND withdraw_reason IS NOT NULL)",
            name="withdrawal_is_whole",
        ),
        Index("ix_minutes_release_hearing_id", "hearing_id"),
        Index("ix_minutes_release_pdf_sha256", "pdf_sha256"),
        Index("ix_minutes_release_docx_sha256", "docx_sha256"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"))
    minutes_id: Mapped[int] = mapped_column(ForeignKey("minutes.id"), index=True)
    code: Mapped[str] = mapped_column(index=True)
    title: Mapped[str]
    content: Mapped[dict[str, Any]]
    """What is printed: nothing of a resident; see public.py."""
    decisions: Mapped[list[Any]]
    """What was decided on each spot that looked personal; see privacy.py. Not public."""
    pdf_sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"))
    docx_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    released_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    released_at: Mapped[datetime] = mapped_column(default=now)
    withdrawn_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    withdrawn_at: Mapped[datetime | None] = mapped_column(active_history=True)
    withdraw_reason: Mapped[str | None]

    hearing: Mapped[Hearing] = relationship()
    minutes: Mapped[Minutes] = relationship()
    released_by: Mapped[User] = relationship(foreign_keys=[released_by_id])
    withdrawn_by: Mapped[User | None] = relationship(foreign_keys=[withdrawn_by_id])


WITHDRAWAL = ("withdrawn_by_id", "withdrawn_at", "withdraw_reason")
"""The only columns of a release that change, and only once."""


class Download(Model):
    """Somebody fetched published minutes: the office counts who has not yet."""

    __tablename__ = "minutes_download"

    id: Mapped[int] = mapped_column(primary_key=True)
    minutes_id: Mapped[int] = mapped_column(ForeignKey("minutes.id"), index=True)
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    """As it was then; None: the person belongs to no department."""
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)
    format: Mapped[str]


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
def _final_is_final(session: Session, context: Any, instances: Any) -> None:
    """The second of three locks; `active_history` because after a commit the old status is not loaded."""
    for thing in [*session.dirty, *session.deleted]:
        if isinstance(thing, Minutes):
            history = inspect(thing).attrs.status.load_history()
            before = history.deleted[0] if history.deleted else thing.status
            if before == MinutesStatus.PUBLISHED and (thing in session.deleted or session.is_modified(thing)):
                raise RuleBroken(_("Published minutes never change. Publish a correction instead."))
        elif isinstance(thing, Release) and (thing in session.deleted or _more_than_withdrawn(session, thing)):
            raise RuleBroken(_("What was released never changes. It can be withdrawn, once."))


def _more_than_withdrawn(session: Session, thing: Release) -> bool:
    if not session.is_modified(thing):
        return False
    state = inspect(thing)
    changed = {a.key for a in state.attrs if a.load_history().has_changes()} - {"withdrawn_by"}
    moment = state.attrs.withdrawn_at.load_history()
    was_open = not any([*(moment.deleted or ()), *(moment.unchanged or ())])
    return bool(changed - set(WITHDRAWAL)) or thing.withdrawn_at is None or not was_open
