"""Stations, hearings of every kind, who takes part, and the topics."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    Table,
    UniqueConstraint,
    false,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import LOCAL, Model, Numbered, Published, db, enum_column, now, today
from ..files import StoredFile
from ..people.models import Department, User
from ..permissions import Clause, Role, scope
from ..search import Text, indexed


class Station(Published, Model):
    """A deputies' liaison station or point (代表联络站、点)."""

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str]
    street: Mapped[str]
    address: Mapped[str]
    capacity: Mapped[int | None]
    contact: Mapped[str | None]
    contact_phone: Mapped[str | None]
    feed_is_public: Mapped[bool] = mapped_column(default=False)
    """Whether everybody may subscribe to the meetings announced here."""
    valid_from: Mapped[date] = mapped_column(default=date(2016, 1, 1))
    valid_until: Mapped[date | None]

    @property
    def is_current(self) -> bool:
        return self.valid_until is None or self.valid_until >= today()


class HearingKind(StrEnum):
    """Every meeting of this work is a Hearing; only evening hearings carry a running number."""

    NIGHT_HEARING = "night_hearing"
    LOOK_BACK = "look_back"
    EVALUATION_MEETING = "evaluation_meeting"
    GROUP_CONSULTATION = "group_consultation"


KIND_LABELS = {
    HearingKind.NIGHT_HEARING: _l("Evening livelihood hearing"),
    HearingKind.LOOK_BACK: _l("Look-back"),
    HearingKind.EVALUATION_MEETING: _l("Evaluation meeting"),
    HearingKind.GROUP_CONSULTATION: _l("Group consultation"),
}


class HearingStatus(StrEnum):
    DRAFT = "draft"
    ANNOUNCED = "announced"
    IN_SESSION = "in_session"
    CONCLUDED = "concluded"
    FILED = "filed"
    POSTPONED = "postponed"
    CANCELLED = "cancelled"
    DISCARDED = "discarded"


class Hearing(Published, Model):
    """One evening (or one look-back, one evaluation meeting)."""

    __table_args__ = (
        UniqueConstraint("series", "serial_no"),
        CheckConstraint("ends_at > starts_at", name="order"),
        CheckConstraint("serial_no IS NULL OR serial_no > 0", name="serial_positive"),
        CheckConstraint("status NOT IN ('cancelled', 'discarded') OR serial_no IS NULL", name="serial_given_back"),
        Index("ix_hearing_starts_at", "starts_at"),
        Index("ix_hearing_kind_starts_at", "kind", "starts_at"),
        Index("ix_hearing_status", "status"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[HearingKind] = enum_column(HearingKind, default=HearingKind.NIGHT_HEARING)
    series: Mapped[str] = mapped_column(default="night_hearing")
    serial_no: Mapped[int | None]
    """Given at announcing, continuous across years per series; look-backs have none."""
    title: Mapped[str]
    theme: Mapped[str | None]
    station_id: Mapped[int] = mapped_column(ForeignKey("station.id"), index=True)
    venue: Mapped[str | None]
    """Name and address as they were on the evening, frozen when the session opens."""
    starts_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    chair_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    status: Mapped[HearingStatus] = enum_column(HearingStatus, default=HearingStatus.DRAFT)
    reply_sequence: Mapped[int] = mapped_column(default=0)
    """The sequence at the last change of time or place; older answers are stale (RFC 5546)."""
    ballots_issued: Mapped[int | None]
    """Ballot papers handed out in the room."""
    last_removed: Mapped[int] = mapped_column(default=0)
    """The highest number of an issue that was taken off the list; it is not given again."""
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    announced_at: Mapped[datetime | None]
    opened_at: Mapped[datetime | None]
    concluded_at: Mapped[datetime | None]
    filed_at: Mapped[datetime | None]
    cancelled_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Of the last postponement or cancellation."""
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("hearing.id"), index=True)
    """Of a look-back or evaluation meeting: the hearing it looks back at."""
    replaces_id: Mapped[int | None] = mapped_column(ForeignKey("hearing.id"))
    """The cancelled hearing that this one is held in place of."""

    station: Mapped[Station] = relationship(lazy="joined", innerjoin=True)
    chair: Mapped[User | None] = relationship(foreign_keys=[chair_id])
    follows: Mapped["Hearing | None"] = relationship(foreign_keys=[follows_id], remote_side=[id])
    replaces: Mapped["Hearing | None"] = relationship(foreign_keys=[replaces_id], remote_side=[id])

    @property
    def day(self) -> date:
        """The date in the hearings' zone."""
        return self.starts_at.astimezone(LOCAL).date()

    @property
    def code(self) -> str | None:
        """Office number such as YX-2021-09."""
        return code_of(self.serial_no, self.day)

    @property
    def place(self) -> str:
        """Where, as frozen on the evening, else as the station stands now."""
        return self.venue or f"{self.station.name}（{self.station.address}）"


class Capacity(StrEnum):
    """In what capacity somebody is in the room (domain.md §1.4)."""

    CHAIR = "chair"
    COMMITTEE_LEADER = "committee_leader"
    GOVERNMENT_LEADER = "government_leader"
    DEPARTMENT_HEAD = "department_head"
    DEPUTY = "deputy"
    STREET_COMMITTEE = "street_committee"
    STREET_OFFICE = "street_office"
    RESIDENT = "resident"
    RECORDER = "recorder"
    STAFF = "staff"
    MEDIA = "media"
    OBSERVER = "observer"


CAPACITY_LABELS = {
    Capacity.CHAIR: _l("Chair"),
    Capacity.COMMITTEE_LEADER: _l("Standing committee leader"),
    Capacity.GOVERNMENT_LEADER: _l("District government leader"),
    Capacity.DEPARTMENT_HEAD: _l("Answering department"),
    Capacity.DEPUTY: _l("Deputy"),
    Capacity.STREET_COMMITTEE: _l("Street working committee"),
    Capacity.STREET_OFFICE: _l("Sub-district office"),
    Capacity.RESIDENT: _l("Resident"),
    Capacity.RECORDER: _l("Recorder"),
    Capacity.STAFF: _l("Staff"),
    Capacity.MEDIA: _l("Media"),
    Capacity.OBSERVER: _l("Observer"),
}


class AttendanceList(StrEnum):
    """The list of the minutes somebody stands on: 出席, 列席, 旁听."""

    PRESENT = "present"
    IN_ATTENDANCE = "in_attendance"
    PUBLIC_GALLERY = "public_gallery"


LIST_LABELS = {
    AttendanceList.PRESENT: _l("Present"),
    AttendanceList.IN_ATTENDANCE: _l("In attendance"),
    AttendanceList.PUBLIC_GALLERY: _l("Public gallery"),
}


class Came(StrEnum):
    UNKNOWN = "unknown"
    SIGNED_IN = "signed_in"
    ON_LEAVE = "on_leave"
    ABSENT = "absent"


CAME_LABELS = {
    Came.UNKNOWN: _l("Not registered"),
    Came.SIGNED_IN: _l("Signed in"),
    Came.ON_LEAVE: _l("On leave"),
    Came.ABSENT: _l("Absent"),
}


def code_of(serial_no: int | None, day: date) -> str | None:
    """A hearing's office number, from its running number and its day."""
    return f"{current_app.config['CODE_PREFIX']}-{day.year}-{serial_no:02d}" if serial_no else None


class Participant(Numbered, Model):
    """A seat in the room: a person of the directory, a named guest, a department's seat, or N residents."""

    __table_args__ = (
        UniqueConstraint("hearing_id", "user_id"),
        CheckConstraint("seats > 0", name="seats_positive"),
        Index("ix_participant_hearing_id_position", "hearing_id", "position"),
        Index("ix_participant_user_id_hearing_id", "user_id", "hearing_id"),
        Index("ix_participant_department_id_hearing_id", "department_id", "hearing_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"))
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    """The office whose seat this is."""
    name: Mapped[str | None]
    """Empty for seats without names, and for a department that has not named its attendee."""
    unit: Mapped[str | None]
    title: Mapped[str | None]
    email: Mapped[str | None]
    """Only where it is another than the person's own."""
    position: Mapped[int] = mapped_column(default=1000)
    """Protocol order within the list."""
    capacity: Mapped[Capacity] = enum_column(Capacity)
    listed: Mapped[AttendanceList] = enum_column(AttendanceList)
    seats: Mapped[int] = mapped_column(default=1)
    came: Mapped[Came] = enum_column(Came, default=Came.UNKNOWN)
    seats_taken: Mapped[int | None]
    """Of seats without names: how many came."""
    came_at: Mapped[datetime | None]
    reason: Mapped[str | None]
    """Of leave, e.g. 公务."""
    stand_in_name: Mapped[str | None]
    stand_in_title: Mapped[str | None]
    is_stand_in: Mapped[bool] = mapped_column(default=False)
    """The stand-in came in place of the one named."""
    is_walk_in: Mapped[bool] = mapped_column(default=False)

    hearing: Mapped[Hearing] = relationship()
    user: Mapped[User | None] = relationship()
    department: Mapped[Department | None] = relationship()


class Preparation(Model):
    """What a department brings to a hearing: a text and a file, given before the evening."""

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"), index=True)
    department_id: Mapped[int] = mapped_column(ForeignKey("department.id"))
    text: Mapped[str | None]
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    at: Mapped[datetime] = mapped_column(default=now)

    hearing: Mapped[Hearing] = relationship()
    department: Mapped[Department] = relationship()
    file: Mapped[StoredFile | None] = relationship()
    by: Mapped[User] = relationship()


class TopicSource(StrEnum):
    DEPUTY_VISIT = "deputy_visit"
    STATION_BOX = "station_box"
    DEPUTY_CODE = "deputy_code"
    CHAT_GROUP = "chat_group"
    HOTLINE = "hotline"
    LAST_SESSION = "last_session"
    OTHER = "other"


SOURCE_LABELS = {
    TopicSource.DEPUTY_VISIT: _l("Deputies' visits"),
    TopicSource.STATION_BOX: _l("Station letter box"),
    TopicSource.DEPUTY_CODE: _l("Deputy QR code"),
    TopicSource.CHAT_GROUP: _l("Chat groups"),
    TopicSource.HOTLINE: _l("12345 and petitions"),
    TopicSource.LAST_SESSION: _l("Open since the last hearing"),
    TopicSource.OTHER: _l("Other"),
}

topic_department = Table(
    "topic_department",
    db.metadata,
    Column("topic_id", Integer, ForeignKey("topic.id", ondelete="CASCADE"), primary_key=True),
    Column("department_id", Integer, ForeignKey("department.id"), primary_key=True, index=True),
)


class Topic(Numbered, Model):
    """Something to be asked. The pool exists before a hearing; what was not reached returns to it."""

    __table_args__ = (Index("ix_topic_hearing_id_position", "hearing_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int | None] = mapped_column(ForeignKey("hearing.id"))
    position: Mapped[int] = mapped_column(default=0)
    title: Mapped[str]
    details: Mapped[str | None]
    source: Mapped[TopicSource] = enum_column(TopicSource, default=TopicSource.OTHER)
    street: Mapped[str | None]
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    """Who brought it."""
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("topic.id"), index=True)
    set_aside: Mapped[str | None]
    """Why it is not taken up (inadmissible, settled otherwise)."""
    created_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)

    hearing: Mapped[Hearing | None] = relationship()
    deputy: Mapped[User | None] = relationship(foreign_keys=[deputy_id])
    merged_into: Mapped["Topic | None"] = relationship(remote_side=[id])
    departments: Mapped[list[Any]] = relationship(Department, secondary=topic_department)


# -- who sees what -------------------------------------------------------------------------------------


@scope("station", Role.ORGANISER, "district")
def _stations_of_district_organiser(user: Any) -> Clause:
    return true() if user.is_district else false()


@scope("hearing", Role.ORGANISER)
def hearings_of_organiser(user: Any) -> Clause:
    """All, or those at own stations."""
    return true() if user.is_district else Hearing.station_id.in_(user.station_ids)


@scope("hearing", Role.DEPUTY)
def hearings_of_deputy(user: Any) -> Clause:
    """Those invited to, once announced."""
    return _told() & Hearing.id.in_(select(Participant.hearing_id).where(Participant.user_id == user.id))


@scope("hearing", Role.DEPARTMENT)
def hearings_of_department(user: Any) -> Clause:
    """Those the office (or the person) is invited to, once announced."""
    seats = select(Participant.hearing_id)
    offices = seats.where(Participant.department_id.in_(user.department_ids))
    return _told() & Hearing.id.in_(union_all(offices, seats.where(Participant.user_id == user.id)))


def _told() -> Clause:
    return Hearing.status.not_in((HearingStatus.DRAFT, HearingStatus.DISCARDED))


@scope("participant", Role.ORGANISER)
def _participants_of_organiser(user: Any) -> Clause:
    return Participant.hearing_id.in_(select(Hearing.id).where(hearings_of_organiser(user)))


@scope("participant", Role.DEPARTMENT)
def _participants_of_department(user: Any) -> Clause:
    return Participant.department_id.in_(user.department_ids)


@scope("preparation", Role.ORGANISER)
def _preparations_of_organiser(user: Any) -> Clause:
    return Preparation.hearing_id.in_(select(Hearing.id).where(hearings_of_organiser(user)))


@scope("preparation", Role.DEPARTMENT)
def _preparations_of_department(user: Any) -> Clause:
    return Preparation.department_id.in_(user.department_ids)


@scope("topic", Role.ORGANISER)
def _topics_of_organiser(user: Any) -> Clause:
    if user.is_district:
        return true()
    own = select(Hearing.id).where(hearings_of_organiser(user))
    return or_(Topic.street.in_(user.streets), Topic.hearing_id.in_(own))


@scope("topic", Role.DEPARTMENT)
def topics_of_department(user: Any) -> Clause:
    """Those addressed to the office, at hearings it is invited to."""
    addressed = select(topic_department.c.topic_id).where(topic_department.c.department_id.in_(user.department_ids))
    return Topic.id.in_(addressed) & Topic.hearing_id.in_(select(Hearing.id).where(hearings_of_department(user)))


@scope("topic", Role.DEPUTY)
def topics_of_deputy(user: Any) -> Clause:
    """Those brought by the deputy, and those of hearings invited to."""
    return or_(Topic.deputy_id == user.id, Topic.hearing_id.in_(select(Hearing.id).where(hearings_of_deputy(user))))


@indexed(Hearing)
def _(hearing: Hearing) -> Text:
    words = [
        hearing.code,
        f"第{hearing.serial_no}期" if hearing.serial_no else None,
        hearing.title,
        hearing.theme,
    ]
    return Text("hearing", "　".join(w for w in words if w), hearing_id=hearing.id)


@indexed(Station)
def _(station: Station) -> Text:
    return Text("station", f"{station.name}　{station.address}")
