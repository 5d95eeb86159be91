"""Scheduling: stations, hearings, seats, topics."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import func, or_, select, update

from .. import audit, undo, workdays, workflow
from ..audit import AuditEvent
from ..db import LOCAL, db, now, today
from ..errors import RuleBroken
from ..files import StoredFile
from ..filters import clock, full_day, full_moment, serial
from ..people.models import Department, DepartmentKind, User
from ..permissions import Role
from . import queries
from .models import (
    AttendanceList,
    Came,
    Capacity,
    Hearing,
    HearingKind,
    HearingStatus,
    Participant,
    Preparation,
    Station,
    Topic,
    TopicSource,
)

CURRENT = (HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.POSTPONED, HearingStatus.IN_SESSION)
RECORD = ("hearing", "issue", "exchange", "commitment", "ballot", "finding", "assignment", "confirmation", "minutes")
"""Tables of what a session records; while nothing of it was written, opening is taken back."""
BEFORE = (HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.POSTPONED)
SIGNING_IN = (HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION, HearingStatus.CONCLUDED)
LASTING = (HearingStatus.CANCELLED, HearingStatus.DISCARDED)

# -- stations ------------------------------------------------------------------------------------------


def create_station(*, code: str, name: str, street: str, address: str, actor: User | None, **details: Any) -> Station:
    """A new liaison station. Raises `RuleBroken` when the code is taken."""
    _check_code(code)
    station = Station(code=code, name=name, street=street, address=address, **details)
    db.session.add(station)
    db.session.flush()
    audit.record("station.create", station, actor, name=name)
    return station


def _check_code(code: str, but: Station | None = None) -> None:
    other = db.session.scalar(select(Station).where(Station.code == code))
    if other is not None and other is not but:
        raise RuleBroken(_("There is a station with this code already."), "code")


def amend_station(station: Station, changes: Mapping[str, Any], *, actor: User | None) -> None:
    """Change a station. A new name, address or telephone shows on the hearings whose place is not frozen, which count

    the change; past hearings keep the place as it was frozen on their evening.
    """
    if not changes:
        return
    if "code" in changes:
        _check_code(changes["code"], station)
    was = {name: getattr(station, name) for name in ("name", "address") if name in changes}
    for name, value in changes.items():
        setattr(station, name, value)
    station.touch()
    if was or "contact_phone" in changes:
        for hearing in db.session.scalars(
            select(Hearing).where(Hearing.station_id == station.id, Hearing.venue.is_(None))
        ):
            hearing.touch()
    audit.record("station.amend", station, actor, fields=sorted(changes), was=was or None)


def retire_station(station: Station, *, on: date, actor: User | None) -> None:
    """No hearings there after that day. Raises `RuleBroken` when some are still planned."""
    if on < station.valid_from:
        raise RuleBroken(_("It has been in use since %(day)s.", day=full_day(station.valid_from)), "on")
    after = datetime.combine(on + timedelta(days=1), datetime.min.time(), LOCAL)
    planned = db.session.scalar(
        select(func.count())
        .select_from(Hearing)
        .where(Hearing.station_id == station.id, Hearing.status.in_(CURRENT), Hearing.starts_at >= after)
    )
    if planned:
        raise RuleBroken(_("After that day, hearings are still planned there: %(count)d.", count=planned), "on")
    station.valid_until = on
    station.touch()
    audit.record("station.retire", station, actor, on=on.isoformat())


def reopen_station(station: Station, *, actor: User | None) -> None:
    """Use a retired station again."""
    station.valid_until = None
    station.touch()
    audit.record("station.amend", station, actor, fields=["valid_until"])


# -- hearings ------------------------------------------------------------------------------------------


def draft_hearing(
    *,
    kind: HearingKind = HearingKind.NIGHT_HEARING,
    title: str,
    station: Station,
    starts_at: datetime,
    ends_at: datetime,
    actor: User,
    theme: str | None = None,
    chair: User | None = None,
    follows: Hearing | None = None,
) -> Hearing:
    """A hearing that nobody has been told of. The chair takes a seat. Raises `RuleBroken` on end before start."""
    _check_times(starts_at, ends_at)
    _check_station_of(actor, station, starts_at)
    hearing = Hearing(
        kind=kind,
        series=kind.value,
        title=title,
        theme=theme,
        station=station,
        starts_at=starts_at,
        ends_at=ends_at,
        chair=chair,
        follows=follows,
        created_by_id=actor.id,
        status=HearingStatus.DRAFT,
    )
    db.session.add(hearing)
    db.session.flush()
    audit.record("hearing.create", hearing, actor, status=HearingStatus.DRAFT)
    if chair is not None:
        add_person(hearing, chair, actor=actor, capacity=Capacity.CHAIR, listed=AttendanceList.PRESENT)
    return hearing


def _check_times(starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise RuleBroken(_("The end must come after the start."), "ends")


def _check_station_of(actor: User, station: Station, starts_at: datetime) -> None:
    if not actor.is_district and station.id not in actor.station_ids:
        raise RuleBroken(_("You can only plan hearings at your own stations."), "station")
    _check_in_use(station, starts_at)


def _check_in_use(station: Station, starts_at: datetime) -> None:
    if station.valid_until is not None and station.valid_until < starts_at.astimezone(LOCAL).date():
        raise RuleBroken(_("This station is retired as of %(day)s.", day=full_day(station.valid_until)), "station")


def copy_hearing(
    source: Hearing,
    *,
    starts_at: datetime,
    ends_at: datetime,
    title: str,
    actor: User,
    kind: HearingKind | None = None,
    station: Station | None = None,
    theme: str | None = None,
    chair: User | None = None,
    follows: Hearing | None = None,
) -> Hearing:
    """A new draft with the earlier one's kind, station, theme, chair (unless given) and seats (nobody's answers).

    People who have left and offices that are retired are not invited again. The copy of a cancelled hearing is
    held in its place, which calendars tell (calendar.md a.2: a cancelled one is final).
    """
    copy = draft_hearing(
        kind=kind or source.kind,
        title=title,
        theme=theme or source.theme,
        station=station or source.station,
        starts_at=starts_at,
        ends_at=ends_at,
        follows=follows,
        actor=actor,
    )
    if source.status == HearingStatus.CANCELLED:
        copy.replaces = source
    chair = chair or source.chair
    copy.chair = chair if chair is not None and chair.active else None
    for seat in db.session.scalars(
        select(Participant)
        .where(Participant.hearing_id == source.id, Participant.is_walk_in.is_(False))
        .order_by(Participant.position)
    ):
        if seat.user is not None and not seat.user.active:
            continue
        if seat.department is not None and not seat.department.is_current:
            continue
        db.session.add(
            Participant(
                hearing_id=copy.id,
                user_id=seat.user_id,
                department_id=seat.department_id,
                name=seat.name if seat.department_id is None else None,
                unit=seat.unit,
                title=seat.title if seat.department_id is None else None,
                email=seat.email,
                position=seat.position,
                capacity=seat.capacity,
                listed=seat.listed,
                seats=seat.seats,
            )
        )
    db.session.flush()
    if copy.chair is not None:
        _seat_chair(copy, copy.chair, actor)
    return copy


def amend_hearing(hearing: Hearing, changes: Mapping[str, Any], *, actor: User) -> None:
    """Change title, theme, chair, ballots_issued, and (in a draft) kind, station, starts_at, ends_at, follows.

    After announcing, time and place move by `reschedule`, with a reason.
    """
    if not changes:
        return
    if hearing.status in (*LASTING, HearingStatus.FILED):
        raise RuleBroken(_("This hearing can no longer be changed."))
    if hearing.status != HearingStatus.DRAFT and {"starts_at", "ends_at", "station", "kind"} & set(changes):
        raise RuleBroken(_("It has been announced: move it with “reschedule”, so that everybody is told why."))
    _check_times(changes.get("starts_at", hearing.starts_at), changes.get("ends_at", hearing.ends_at))
    if {"station", "starts_at"} & set(changes):
        _check_station_of(actor, changes.get("station", hearing.station), changes.get("starts_at", hearing.starts_at))
    for name, value in changes.items():
        setattr(hearing, name, value)
    if "kind" in changes:
        hearing.series = HearingKind(changes["kind"]).value
    if changes.get("chair") is not None:
        _seat_chair(hearing, changes["chair"], actor)
    hearing.touch()
    audit.record("hearing.amend", hearing, actor, fields=sorted(changes))


def _seat_chair(hearing: Hearing, chair: User, actor: User) -> None:
    seat = db.session.scalar(
        select(Participant).where(Participant.hearing_id == hearing.id, Participant.user_id == chair.id)
    )
    if seat is None:
        add_person(hearing, chair, actor=actor, capacity=Capacity.CHAIR, listed=AttendanceList.PRESENT)
    else:
        seat.capacity = Capacity.CHAIR
    for other in db.session.scalars(
        select(Participant).where(
            Participant.hearing_id == hearing.id,
            Participant.capacity == Capacity.CHAIR,
            Participant.user_id.is_not(None),
            Participant.user_id != chair.id,
        )
    ):
        other.capacity = usual_seat(other.user)[0]  # type: ignore[arg-type]


def next_serial(series: str) -> int:
    """The number the next announced hearing of the series would get: one given back, else the next.

    A series may begin anywhere (the years before this system); below its first number only what a cancelled
    hearing is known to have given back is free.
    """
    used: list[int] = [
        number
        for number in db.session.scalars(
            select(Hearing.serial_no)
            .where(Hearing.series == series, Hearing.serial_no.is_not(None))
            .order_by(Hearing.serial_no)
        )
        if number is not None
    ]
    if not used:
        return 1
    if used[0] > 1:
        returned = queries.numbers_given_back(series)
        below = [number for number in returned if number < used[0]]
        if below:
            return min(below)
    for before, after in pairwise(used):
        if after > before + 1:
            return before + 1
    return used[-1] + 1


def warnings(
    *,
    station: Station,
    starts_at: datetime,
    ends_at: datetime,
    hearing: Hearing | None = None,
    seats_of: Hearing | None = None,
    chair: User | None = None,
) -> list[str]:
    """What speaks against that evening, in sentences; none of it forbids.

    `seats_of`: whose people are meant to come, when the hearing is a copy that does not exist yet; `chair`: who is
    chosen to preside and has no seat yet.
    """
    said = []
    day = starts_at.astimezone(LOCAL).date()
    table = workdays.overrides()
    holiday = queries.day_names(day, day).get(day) or workdays.holiday_name(day)
    if not workdays.is_workday(day, table):
        said.append(
            _("%(day)s is a holiday (%(name)s).", day=full_day(day), name=holiday)
            if holiday
            else _("%(day)s is not a working day.", day=full_day(day))
        )
    if not workdays.year_is_known(day.year, table):
        said.append(_("The holidays of %(year)d are not published yet.", year=day.year))
    notice = current_app.config["NOTICE_DAYS"]
    if hearing is None or hearing.status in BEFORE:
        left = (day - today()).days
        if left < 0:
            said.append(_("This day has passed."))
        elif left < notice:
            said.append(_("Less than %(count)d days' notice.", count=notice))
    overlapping = (
        (Hearing.starts_at < ends_at)
        & (Hearing.ends_at > starts_at)
        & Hearing.status.in_((HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION))
    )
    if hearing is not None:
        overlapping &= Hearing.id != hearing.id
    for other in db.session.scalars(select(Hearing).where(overlapping, Hearing.station_id == station.id)):
        said.append(_("The station is taken at that time: “%(title)s”.", title=_told(other)))
    invited = seats_of or hearing
    meant = [] if chair is None else [Participant.user_id == chair.id]
    if invited is not None:
        mine = (
            select(Participant.user_id, Participant.department_id)
            .where(Participant.hearing_id == invited.id)
            .subquery()
        )
        meant += [
            Participant.user_id.in_(select(mine.c.user_id)),
            Participant.department_id.in_(select(mine.c.department_id)),
        ]
    if meant:
        start = datetime.combine(day, datetime.min.time(), LOCAL)
        evening = (
            (Hearing.starts_at >= start)
            & (Hearing.starts_at < start + timedelta(days=1))
            & Hearing.status.in_((HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.IN_SESSION))
            & (Hearing.id != (hearing.id if hearing is not None else 0))
        )
        booked = (
            select(Hearing, User.name, Department.short_name)
            .select_from(Participant)
            .join(Hearing, Hearing.id == Participant.hearing_id)
            .outerjoin(User, User.id == Participant.user_id)
            .outerjoin(Department, Department.id == Participant.department_id)
            .where(evening, or_(*meant))
            .order_by(Hearing.starts_at, Hearing.id, Participant.position, Participant.id)
        )
        elsewhere: dict[Hearing, list[str]] = {}
        for other, person, office in db.session.execute(booked):
            elsewhere.setdefault(other, []).append(office or person)
        for other, names in elsewhere.items():
            who = _(", ").join(names[:NAMED_AT_MOST])
            if len(names) > NAMED_AT_MOST:
                who = _("%(names)s and %(count)d more", names=who, count=len(names) - NAMED_AT_MOST)
            said.append(_("Booked elsewhere that day, “%(title)s”: %(who)s.", title=_told(other), who=who))
    return said


NAMED_AT_MOST = 8
"""Names in one warning; the others are counted."""


def _told(hearing: Hearing) -> str:
    """A hearing told from others of the same title: number, title, hours."""
    hours = f"{clock(hearing.starts_at)}–{clock(hearing.ends_at)}"
    return " ".join(w for w in (serial(hearing.serial_no), hearing.title, hours) if w)


def announce(hearing: Hearing, *, actor: User, serial_no: int | None = None) -> None:
    """Tell everybody. Evening hearings take the next running number of their series, or the free one given."""
    if hearing.kind == HearingKind.NIGHT_HEARING:
        free = next_serial(hearing.series)
        number = serial_no or hearing.serial_no or free
        taken = db.session.scalar(
            select(Hearing.title).where(
                Hearing.series == hearing.series, Hearing.serial_no == number, Hearing.id != hearing.id
            )
        )
        if taken is not None:
            raise RuleBroken(
                _("No. %(number)d is taken by “%(title)s”; %(free)d is free.", number=number, title=taken, free=free),
                "serial_no",
            )
        last = db.session.scalar(select(func.max(Hearing.serial_no)).where(Hearing.series == hearing.series))
        if last is not None and number > last + 1:
            raise RuleBroken(_("The numbers run on without a gap: the next is %(free)d.", free=free), "serial_no")
        hearing.serial_no = number
    workflow.advance(hearing, "announce", actor=actor, serial_no=hearing.serial_no)
    hearing.reply_sequence = hearing.sequence
    undo.offer(
        "hearing.announce",
        _("“%(title)s” has been announced.", title=hearing.title),
        actor=actor,
        back=f"/hearings/{hearing.id}",
        page=f"/hearings/{hearing.id}",
        hearing_id=hearing.id,
        by=actor.id,
    )


def _first_recorded(hearing_id: int, since: str, *, by: int | None = None) -> AuditEvent | None:
    """The first act of the session itself after `since` was done last: not of a seat, a topic, an answer.

    `by`: what this person has done to the hearing as a whole does not count.
    """
    begun = (
        select(func.max(AuditEvent.id))
        .where(AuditEvent.hearing_id == hearing_id, AuditEvent.action == since)
        .scalar_subquery()
    )
    found = select(AuditEvent).where(
        AuditEvent.hearing_id == hearing_id,
        AuditEvent.id > begun,
        AuditEvent.subject_type.in_(RECORD),
        AuditEvent.action.not_in(("topic.order", "hearing.prepare")),
    )
    if by is not None:
        found = found.where(or_(AuditEvent.subject_type != "hearing", AuditEvent.actor_id.is_distinct_from(by)))
    return db.session.scalar(found.order_by(AuditEvent.id).limit(1))


def _nothing_recorded(line: AuditEvent | None) -> None:
    if line is not None:
        raise RuleBroken(
            _("Something has been recorded since (%(who)s, %(time)s).", who=line.actor_name, time=clock(line.at))
        )


def _is_only_announced(*, hearing_id: int, by: int) -> bool:
    return (
        _is(HearingStatus.ANNOUNCED)(hearing_id=hearing_id)
        and _first_recorded(hearing_id, "hearing.announce", by=by) is None
    )


def _is(status: HearingStatus) -> Any:
    """`holds` of an act that left a hearing in this status."""
    return lambda *, hearing_id, **_payload: db.session.get_one(Hearing, hearing_id).status == status


@undo.compensation("hearing.announce", holds=_is_only_announced)
def _take_announcement_back(*, actor: User, hearing_id: int, by: int) -> None:
    hearing = db.session.get_one(Hearing, hearing_id)
    if hearing.status != HearingStatus.ANNOUNCED:
        raise RuleBroken(_("It is under way already."))
    _nothing_recorded(_first_recorded(hearing_id, "hearing.announce", by=by))
    hearing.status = HearingStatus.DRAFT
    hearing.serial_no = None
    hearing.announced_at = None
    hearing.touch()
    audit.record("hearing.announce.undo", hearing, actor, status=HearingStatus.DRAFT)


def reschedule(
    hearing: Hearing, *, starts_at: datetime, ends_at: datetime, station: Station, reason: str, actor: User
) -> None:
    """Move an announced or postponed hearing in time or place; earlier answers become stale.

    Raises `RuleBroken` on end before start, a retired station, or when an announced one would stay as it is.
    """
    _check_times(starts_at, ends_at)
    if station.id != hearing.station_id:
        _check_station_of(actor, station, starts_at)
    else:
        _check_in_use(station, starts_at)
    stays = (hearing.starts_at, hearing.ends_at, hearing.station_id) == (starts_at, ends_at, station.id)
    if stays and hearing.status == HearingStatus.ANNOUNCED:
        raise RuleBroken(_("Time and place are as they were: there is nothing to tell."), "day")
    before = {"starts_at": hearing.starts_at.isoformat(), "station": hearing.station.name}
    kept = undo.snapshot(hearing)
    workflow.advance(
        hearing, "reschedule", actor=actor, reason=reason, was=before, now=starts_at.isoformat(), place=station.name
    )
    hearing.starts_at, hearing.ends_at, hearing.station = starts_at, ends_at, station
    hearing.reason = reason
    hearing.reply_sequence = hearing.sequence
    undo.offer(
        "hearing.reschedule",
        _("The hearing has been moved."),
        actor=actor,
        back=f"/hearings/{hearing.id}",
        page=f"/hearings/{hearing.id}",
        lasts=timedelta(seconds=float(current_app.config["NEWS_DELAY"])),
        hearing_id=hearing.id,
        sequence=hearing.sequence,
        before={name: kept[name] for name in MOVED},
    )


MOVED = ("starts_at", "ends_at", "station_id", "reason", "reply_sequence", "status")
"""What moving a hearing changes."""


def _is_as_moved(*, hearing_id: int, sequence: int, **_payload: Any) -> bool:
    hearing = db.session.get_one(Hearing, hearing_id)
    return hearing.status == HearingStatus.ANNOUNCED and hearing.sequence == sequence


@undo.compensation("hearing.reschedule", holds=_is_as_moved)
def _move_back(*, actor: User, hearing_id: int, sequence: int, before: dict[str, Any]) -> None:
    """Nobody has been told yet, so answers to the old time hold on."""
    if not _is_as_moved(hearing_id=hearing_id, sequence=sequence):
        raise RuleBroken(_("Something rests on it by now."))
    hearing = db.session.get_one(Hearing, hearing_id)
    for name in MOVED:
        value = undo.value_of(before[name])
        setattr(hearing, name, HearingStatus(value) if name == "status" else value)
    hearing.touch()
    db.session.flush()
    db.session.refresh(hearing, ["station"])
    audit.record("hearing.reschedule.undo", hearing, actor, status=hearing.status)


def postpone(hearing: Hearing, *, reason: str, actor: User) -> None:
    """Put off without a new date yet."""
    workflow.advance(hearing, "postpone", actor=actor, reason=reason)
    hearing.reason = reason


def cancel(hearing: Hearing, *, reason: str, actor: User) -> None:
    """Call off for good; the running number goes back and is the next to be given, topics return to the pool."""
    number, hearing.serial_no = hearing.serial_no, None
    hearing.reason = reason
    workflow.advance(hearing, "cancel", actor=actor, reason=reason, serial_no=number)
    _topics_back(hearing)


def discard(hearing: Hearing, *, actor: User) -> None:
    """Throw a draft away (nobody was told); its topics return to the pool."""
    workflow.advance(hearing, "discard", actor=actor)
    _topics_back(hearing)


def _topics_back(hearing: Hearing) -> None:
    db.session.execute(update(Topic).where(Topic.hearing_id == hearing.id).values(hearing_id=None, position=0))


def untimely(hearing: Hearing) -> str | None:
    """Why opening it at this moment is asked twice: another day than planned, or long before its hour."""
    if hearing.day != today():
        return _(
            "It is planned for %(day)s, and today is %(today)s.", day=full_day(hearing.day), today=full_day(today())
        )
    if hearing.starts_at - now() > timedelta(hours=current_app.config["OPEN_EARLY_HOURS"]):
        return _(
            "It is planned for %(time)s, and it is %(now)s now.",
            time=full_moment(hearing.starts_at),
            now=clock(now()),
        )
    return None


def open_session(hearing: Hearing, *, actor: User) -> None:
    """The evening begins; the place is frozen as it is now. Taken back for as long as nothing has been recorded."""
    workflow.advance(hearing, "open", actor=actor)
    hearing.venue = f"{hearing.station.name}（{hearing.station.address}）"
    undo.offer(
        "hearing.open",
        _("The session is open."),
        actor=actor,
        back=f"/hearings/{hearing.id}/session",
        page=f"/hearings/{hearing.id}",
        lasts=timedelta(days=30),
        hearing_id=hearing.id,
    )


def _is_bare(*, hearing_id: int) -> bool:
    return _is(HearingStatus.IN_SESSION)(hearing_id=hearing_id) and _first_recorded(hearing_id, "hearing.open") is None


@undo.compensation("hearing.open", holds=_is_bare)
def _not_open_yet(*, actor: User, hearing_id: int) -> None:
    hearing = db.session.get_one(Hearing, hearing_id)
    if hearing.status != HearingStatus.IN_SESSION:
        raise RuleBroken(_("It is not in session any more."))
    _nothing_recorded(_first_recorded(hearing_id, "hearing.open"))
    hearing.status, hearing.opened_at, hearing.venue = HearingStatus.ANNOUNCED, None, None
    hearing.touch()
    audit.record("hearing.open.undo", hearing, actor, status=HearingStatus.ANNOUNCED)


def unregistered(hearing: Hearing) -> Sequence[Participant]:
    """The seats of which nobody has said whether their people came, in the order of the list."""
    return db.session.scalars(
        select(Participant)
        .where(Participant.hearing_id == hearing.id, Participant.came == Came.UNKNOWN)
        .order_by(Participant.position, Participant.id)
    ).all()


def conclude(hearing: Hearing, *, actor: User, came: Iterable[int] = (), rest: Came | None = None) -> None:
    """The evening is over.

    Of the seats that nobody has registered, those named in `came` (ids) are noted as here, the others as `rest`
    says; without it they stay unregistered, which is not absence. Taking it back restores every seat it noted.
    """
    workflow.advance(hearing, "conclude", actor=actor)
    here, waiting = set(came), unregistered(hearing)
    # The hour they came is not known at the end: none is written down.
    noted = _note([s for s in waiting if s.id in here], Came.SIGNED_IN, actor=actor)
    if rest is not None:
        noted += _note([s for s in waiting if s.id not in here], rest, actor=actor)
    undo.offer(
        "hearing.conclude",
        _("The session has been concluded."),
        actor=actor,
        back=f"/hearings/{hearing.id}/session",
        page=f"/hearings/{hearing.id}",
        hearing_id=hearing.id,
        noted=noted,
        left=undo.snapshot(hearing)["concluded_at"],
    )


@undo.compensation("hearing.conclude", holds=_is(HearingStatus.CONCLUDED))
def _resume(*, actor: User, hearing_id: int, noted: Iterable[Any], left: Any) -> None:
    hearing = db.session.get_one(Hearing, hearing_id)
    undo.check(undo.snapshot(hearing)["concluded_at"], left)
    workflow.advance(hearing, "resume", actor=actor)
    hearing.concluded_at = None
    _note_back(noted, actor)


def file_hearing(hearing: Hearing, *, actor: User) -> None:
    """Close the file: nothing more is recorded. Guards of later rooms say what is missing."""
    workflow.advance(hearing, "file", actor=actor)
    undo.offer(
        "hearing.file",
        _("The hearing has been filed."),
        actor=actor,
        back=f"/hearings/{hearing.id}",
        page=f"/hearings/{hearing.id}",
        hearing_id=hearing.id,
    )


@undo.compensation("hearing.file", holds=_is(HearingStatus.FILED))
def _open_the_file(*, actor: User, hearing_id: int) -> None:
    hearing = db.session.get_one(Hearing, hearing_id)
    if hearing.status != HearingStatus.FILED:
        raise RuleBroken(_("Something rests on it by now."))
    hearing.status, hearing.filed_at = HearingStatus.CONCLUDED, None
    hearing.touch()
    audit.record("hearing.file.undo", hearing, actor, status=HearingStatus.CONCLUDED)


# -- seats ---------------------------------------------------------------------------------------------


def _open_for_seats(hearing: Hearing) -> None:
    if hearing.status in (*LASTING, HearingStatus.FILED):
        raise RuleBroken(_("The list of this hearing is closed."))


def usual_seat(user: User) -> tuple[Capacity, AttendanceList]:
    """Capacity and list a person usually has, by roles and title."""
    roles = user.role_set
    title = user.title or ""
    if Role.LEADER in roles and "区长" in title:
        return Capacity.GOVERNMENT_LEADER, AttendanceList.IN_ATTENDANCE
    if Role.LEADER in roles:
        return Capacity.COMMITTEE_LEADER, AttendanceList.PRESENT
    if "工委" in title or (Role.ORGANISER in roles and not user.is_district):
        return Capacity.STREET_COMMITTEE, AttendanceList.PRESENT
    if Role.DEPUTY in roles:
        return Capacity.DEPUTY, AttendanceList.PRESENT
    if Role.DEPARTMENT in roles:
        return Capacity.DEPARTMENT_HEAD, AttendanceList.IN_ATTENDANCE
    return Capacity.STAFF, AttendanceList.IN_ATTENDANCE


OF_DEPARTMENTS = 2000
AFTER_DEPARTMENTS = 4000
"""Where those who come for a department sit, and where staff do; guests have 5000 (domain.md §1.4)."""


def usual_position(user: User) -> int:
    """Protocol order on the list: leaders, deputies and streets by their own, then departments, then staff."""
    capacity = usual_seat(user)[0]
    if capacity == Capacity.DEPARTMENT_HEAD and user.department is not None:
        return OF_DEPARTMENTS + user.department.position
    return user.protocol_order + (AFTER_DEPARTMENTS if capacity == Capacity.STAFF else 0)


def unit_of(user: User) -> str | None:
    """What stands before the name on a list: the office, or the street whose congress committee the person is of."""
    if user.department is not None:
        return user.department.short_name
    if Role.ORGANISER in user.role_set and not user.is_district:
        street = user.streets[0]
        return f"{street if street.endswith(('街道', '镇', '乡')) else street + '街道'}人大工委"
    return None


def add_person(
    hearing: Hearing,
    user: User,
    *,
    actor: User,
    capacity: Capacity | None = None,
    listed: AttendanceList | None = None,
    position: int | None = None,
) -> Participant:
    """Seat a person of the directory, once; in protocol order. A second time gives the seat there is."""
    _open_for_seats(hearing)
    seat = db.session.scalar(
        select(Participant).where(Participant.hearing_id == hearing.id, Participant.user_id == user.id)
    )
    if seat is not None:
        return seat
    usual, usual_list = usual_seat(user)
    seat = Participant(
        hearing=hearing,
        user=user,
        name=user.name,
        title=user.title,
        unit=unit_of(user),
        position=usual_position(user) if position is None else position,
        capacity=capacity or usual,
        listed=listed or usual_list,
    )
    return _seated(seat, actor)


def add_department(
    hearing: Hearing, department: Department, *, actor: User, position: int | None = None
) -> Participant:
    """A seat for an office's head, who is named later (by the office, or by phone). Once per office."""
    _open_for_seats(hearing)
    if not department.is_current:
        raise RuleBroken(_("“%(name)s” has been retired.", name=department.name), "departments")
    seat = db.session.scalar(
        select(Participant).where(Participant.hearing_id == hearing.id, Participant.department_id == department.id)
    )
    if seat is not None:
        return seat
    street = department.kind == DepartmentKind.STREET_OFFICE
    seat = Participant(
        hearing=hearing,
        department=department,
        unit=department.short_name,
        position=OF_DEPARTMENTS + department.position if position is None else position,
        capacity=Capacity.STREET_OFFICE if street else Capacity.DEPARTMENT_HEAD,
        listed=AttendanceList.IN_ATTENDANCE,
    )
    return _seated(seat, actor)


def add_guest(
    hearing: Hearing,
    *,
    capacity: Capacity,
    listed: AttendanceList,
    actor: User,
    name: str | None = None,
    unit: str | None = None,
    title: str | None = None,
    seats: int = 1,
    email: str | None = None,
    is_walk_in: bool = False,
    position: int = 5000,
) -> Participant:
    """A named guest, or seats without names such as ten residents."""
    _open_for_seats(hearing)
    if not name and not unit and seats == 1 and capacity != Capacity.RESIDENT:
        raise RuleBroken(_("Give a name, or the unit, or how many seats."), "name")
    seat = Participant(
        hearing=hearing,
        name=name,
        unit=unit,
        title=title,
        email=email,
        capacity=capacity,
        listed=listed,
        seats=seats,
        is_walk_in=is_walk_in,
        position=position,
    )
    if is_walk_in:
        seat.came, seat.came_at, seat.seats_taken = Came.SIGNED_IN, now(), seats
    return _seated(seat, actor)


def _seated(seat: Participant, actor: User) -> Participant:
    db.session.add(seat)
    db.session.flush()
    audit.record("participant.add", seat, actor)
    return seat


def amend_participant(seat: Participant, changes: Mapping[str, Any], *, actor: User) -> None:
    """Change name, unit, title, email, position, capacity, listed, seats."""
    _open_for_seats(seat.hearing)
    for name, value in changes.items():
        setattr(seat, name, value)
    if changes:
        audit.record("participant.amend", seat, actor, fields=sorted(changes))


def remove_participant(seat: Participant, *, actor: User) -> None:
    """Take a seat off the list, with undo."""
    _open_for_seats(seat.hearing)
    hearing_id = seat.hearing_id
    audit.record("participant.remove", seat, actor)
    undo.offer(
        "participant.remove",
        _("The seat has been removed."),
        actor=actor,
        back=f"/hearings/{hearing_id}/participants",
        row=undo.snapshot(seat),
    )
    undo.remove(seat)


@undo.compensation("participant.remove")
def _seat_again(*, actor: User, row: dict[str, Any]) -> None:
    seat = undo.restore(Participant, row)
    _open_for_seats(seat.hearing)
    audit.record("participant.remove.undo", seat, actor)


def name_attendee(
    seat: Participant,
    *,
    name: str,
    title: str | None,
    actor: User,
    stand_in_name: str | None = None,
    stand_in_title: str | None = None,
) -> None:
    """A department says who comes, and who in that person's place if need be."""
    if seat.department_id is None:
        raise RuleBroken(_("This seat belongs to no department."))
    _open_for_seats(seat.hearing)
    seat.name, seat.title = name, title
    seat.stand_in_name, seat.stand_in_title = stand_in_name, stand_in_title
    audit.record("participant.name_attendee", seat, actor)


def name_stand_in(seat: Participant, *, name: str | None, title: str | None, actor: User) -> None:
    """Note who comes in the place of whoever has the seat; with undo."""
    _open_for_seats(seat.hearing)
    if (seat.stand_in_name, seat.stand_in_title) == (name, title):
        raise RuleBroken(_("This stand-in stands on the list already."))
    undo.offer(
        "participant.name_stand_in",
        _("%(name)s stands on the list as stand-in.", name=name),
        actor=actor,
        back=f"/hearings/{seat.hearing_id}/participants",
        seat_id=seat.id,
        name=seat.stand_in_name,
        title=seat.stand_in_title,
        left=[name, title],
    )
    seat.stand_in_name, seat.stand_in_title = name, title
    audit.record("participant.name_stand_in", seat, actor)


@undo.compensation("participant.name_stand_in")
def _stand_in_back(*, actor: User, seat_id: int, name: str | None, title: str | None, left: list[str | None]) -> None:
    seat = db.session.get(Participant, seat_id)
    if seat is None:
        raise RuleBroken(_("This seat is no longer on the list."))
    _open_for_seats(seat.hearing)
    undo.check([seat.stand_in_name, seat.stand_in_title], left)
    seat.stand_in_name, seat.stand_in_title = name, title
    audit.record("participant.name_stand_in.undo", seat, actor)


def prepare(
    hearing: Hearing, department: Department, *, text: str | None, file: StoredFile | None, actor: User
) -> Preparation:
    """What a department brings: a text, a file, or both."""
    _open_for_seats(hearing)
    if not text and file is None:
        raise RuleBroken(_("Write a few lines, or attach a file."), "text")
    made = Preparation(hearing=hearing, department=department, text=text, file=file, by=actor)
    db.session.add(made)
    db.session.flush()
    audit.record("hearing.prepare", made, actor, department=department.short_name)
    return made


def _open_for_sign_in(hearing: Hearing) -> None:
    if hearing.status not in SIGNING_IN:
        raise RuleBroken(_("Sign-in is open from announcing until the file is closed."))


def sign_in(
    seat: Participant,
    came: Came,
    *,
    actor: User,
    reason: str | None = None,
    stand_in: bool = False,
    seats_taken: int | None = None,
    name: str | None = None,
    title: str | None = None,
) -> None:
    """Note who came, is on leave or absent; `stand_in`: the one named as stand-in came.

    For a department's seat `name` says who it was: its attendee, or with `stand_in` the one who came instead.
    """
    _open_for_sign_in(seat.hearing)
    if seats_taken is not None and not 0 <= seats_taken <= max(seat.seats, 500):
        raise RuleBroken(_("That many cannot have come."), "seats_taken")
    before = _marks(seat)
    here = came == Came.SIGNED_IN
    if here and name and seat.department_id is not None and not (stand_in and name == seat.name):
        if stand_in:
            seat.stand_in_name, seat.stand_in_title = name, title
        else:
            seat.name, seat.title = name, title
    if here and stand_in and not seat.stand_in_name:
        raise RuleBroken(_("Say who came instead."), "who")
    seat.came_at = (seat.came_at or now()) if here else None
    seat.came = came
    seat.is_stand_in = stand_in and here
    seat.seats_taken = (seat.seats if seats_taken is None else seats_taken) if here else None
    seat.reason = reason
    audit.record("participant.sign_in", seat, actor, came=came.value)
    undo.offer(
        "participant.sign_in",
        _("%(who)s: noted.", who=seat.name or seat.unit or _("Seat")),
        actor=actor,
        back=f"/hearings/{seat.hearing_id}/session",
        seat_id=seat.id,
        was=before,
        left=_marks(seat),
    )


@undo.compensation("participant.sign_in")
def _sign_in_back(*, actor: User, seat_id: int, was: dict[str, Any], left: dict[str, Any]) -> None:
    seat = db.session.get(Participant, seat_id)
    if seat is None:
        raise RuleBroken(_("This seat is no longer on the list."))
    undo.check(_marks(seat), left)
    _mark_again(seat, was, actor)


MARKS = (
    "came", "came_at", "is_stand_in", "seats_taken", "reason", "name", "title", "stand_in_name", "stand_in_title",
)  # fmt: skip
"""What a seat says of who came."""


def _marks(seat: Participant) -> dict[str, Any]:
    kept = undo.snapshot(seat)
    return {name: kept[name] for name in MARKS}


def _mark_again(seat: Participant, marks: Mapping[str, Any], actor: User) -> None:
    _open_for_sign_in(seat.hearing)
    for name, value in marks.items():
        setattr(seat, name, Came(value) if name == "came" else undo.value_of(value))
    audit.record("participant.sign_in.undo", seat, actor, came=str(seat.came))


def _note(seats: Iterable[Participant], came: Came, *, actor: User, at: datetime | None = None) -> list[dict[str, Any]]:
    """Note the same of several seats. Returns what `_note_back()` needs."""
    noted = []
    for seat in seats:
        was = _marks(seat)
        seat.came, seat.came_at = came, at
        seat.seats_taken = seat.seats if came == Came.SIGNED_IN else None
        audit.record("participant.sign_in", seat, actor, came=came.value)
        noted.append({"seat": seat.id, "was": was, "became": _marks(seat)})
    return noted


def _note_back(noted: Iterable[Any], actor: User) -> None:
    """Seats as they were before `_note()`; one that somebody has noted anew since keeps what it says."""
    for line in noted:
        seat = db.session.get(Participant, line["seat"])
        if seat is not None and _marks(seat) == line["became"]:
            _mark_again(seat, line["was"], actor)


def sign_in_rest(hearing: Hearing, *, actor: User) -> int:
    """Everybody who is not registered yet is here (全部签到), with one undo. Returns how many seats that were."""
    _open_for_sign_in(hearing)
    noted = _note(unregistered(hearing), Came.SIGNED_IN, actor=actor, at=now())
    if noted:
        undo.offer(
            "participant.sign_in_rest",
            _("%(count)d seats signed in.", count=len(noted)),
            actor=actor,
            back=f"/hearings/{hearing.id}/session",
            page=f"/hearings/{hearing.id}",
            noted=noted,
        )
    return len(noted)


@undo.compensation("participant.sign_in_rest")
def _rest_back(*, actor: User, noted: Iterable[Any]) -> None:
    _note_back(noted, actor)


# -- topics --------------------------------------------------------------------------------------------


def add_topic(
    *,
    title: str,
    actor: User,
    details: str | None = None,
    source: TopicSource = TopicSource.OTHER,
    street: str | None = None,
    deputy: User | None = None,
    departments: Iterable[Department] = (),
    hearing: Hearing | None = None,
) -> Topic:
    """Collect a topic, into the pool or straight onto a hearing's list, where its departments get seats."""
    if hearing is not None:
        _open_for_topics(hearing)
    topic = Topic(
        title=title,
        details=details,
        source=source,
        street=street,
        deputy=deputy,
        departments=list(departments),
        created_by_id=actor.id,
    )
    db.session.add(topic)
    if hearing is not None:
        _put_on_list(hearing, topic)
    db.session.flush()
    audit.record("topic.create", topic, actor)
    if hearing is not None:
        _seat_departments(hearing, topic, actor)
        hearing.touch()
    return topic


def _open_for_topics(hearing: Hearing) -> None:
    if hearing.status in (*LASTING, HearingStatus.FILED):
        raise RuleBroken(_("This hearing can no longer be changed."), "hearing")


def _seat_departments(hearing: Hearing, topic: Topic, actor: User) -> None:
    """Who is to answer is invited; an office without sign-in is asked by phone and seated by hand."""
    for department in topic.departments:
        if department.is_current and department.kind != DepartmentKind.OTHER:
            add_department(hearing, department, actor=actor)


def amend_topic(topic: Topic, changes: Mapping[str, Any], *, actor: User) -> None:
    """Change title, details, source, street, deputy, departments. Departments newly asked get seats."""
    if not changes:
        return
    if topic.hearing is not None:
        _open_for_topics(topic.hearing)
    for name, value in changes.items():
        setattr(topic, name, value)
    if topic.hearing is not None:
        topic.hearing.touch()
        if "departments" in changes and topic.hearing.status in BEFORE:
            _seat_departments(topic.hearing, topic, actor)
    audit.record("topic.amend", topic, actor, fields=sorted(changes))


def set_aside_topic(topic: Topic, *, reason: str, actor: User) -> None:
    """Leave a topic of the pool alone, and say why (inadmissible, settled otherwise)."""
    if topic.hearing_id is not None:
        raise RuleBroken(_("It is on a hearing's list; take it off first."))
    if topic.merged_into_id is not None:
        raise RuleBroken(_("“%(title)s” has been merged already.", title=topic.title))
    topic.set_aside = reason
    audit.record("topic.set_aside", topic, actor, reason=reason)


def take_up_topic(topic: Topic, *, actor: User) -> None:
    """Back into the pool after having been set aside."""
    topic.set_aside = None
    audit.record("topic.take_up", topic, actor)


def merge_topics(topics: Sequence[Topic], into: Topic, *, actor: User) -> None:
    """Fold topics into one; it answers for all their departments. The others point to it and leave the lists."""
    others = [t for t in topics if t is not into]
    if not others:
        raise RuleBroken(_("Choose at least two topics to merge."), "topics")
    if into.merged_into_id is not None:
        raise RuleBroken(_("“%(title)s” has been merged already.", title=into.title), "topics")
    before: dict[str, Any] = {}
    gained: list[int] = []
    for topic in others:
        if topic.hearing is not None:
            _open_for_topics(topic.hearing)
        if topic.merged_into_id is not None:
            raise RuleBroken(_("“%(title)s” has been merged already.", title=topic.title), "topics")
        for department in topic.departments:
            if department not in into.departments:
                into.departments.append(department)
                gained.append(department.id)
        held = db.session.scalars(select(Topic.id).where(Topic.merged_into_id == topic.id)).all()
        before[str(topic.id)] = {"hearing": topic.hearing_id, "position": topic.position, "held": list(held)}
        if topic.hearing is not None:
            topic.hearing.touch()
        topic.merged_into = into
        topic.hearing = None
        topic.position = 0
        db.session.execute(update(Topic).where(Topic.merged_into_id == topic.id).values(merged_into_id=into.id))
        audit.record("topic.merge", topic, actor, into=into.id)
    if into.hearing is not None:
        into.hearing.touch()
        if into.hearing.status in BEFORE:
            _seat_departments(into.hearing, into, actor)
    undo.offer(
        "topic.merge",
        _("%(count)d topics merged.", count=len(others) + 1),
        actor=actor,
        back="/topics/",
        into=into.id,
        gained=gained,
        before=before,
    )


@undo.compensation("topic.merge")
def _split_again(*, actor: User, into: int, gained: list[int], before: dict[str, Any]) -> None:
    """Each topic back where it was: its list, what had been folded into it, and the departments it brought."""
    kept = db.session.get(Topic, into)
    if kept is None:
        raise RuleBroken(_("This topic has been removed."))
    kept.departments = [d for d in kept.departments if d.id not in gained]
    for id_, was in before.items():
        topic = db.session.get_one(Topic, int(id_))
        topic.merged_into = None
        hearing = db.session.get(Hearing, was["hearing"]) if was["hearing"] else None
        if hearing is not None and hearing.status in BEFORE:
            topic.hearing, topic.position = hearing, was["position"]
            hearing.touch()
        db.session.execute(update(Topic).where(Topic.id.in_(was["held"])).values(merged_into_id=topic.id))
        audit.record("topic.merge.undo", topic, actor)


def choose_topics(hearing: Hearing, topics: Iterable[Topic], *, actor: User) -> None:
    """Take topics of the pool onto a hearing's list; their departments get seats."""
    _open_for_topics(hearing)
    for topic in topics:
        if topic.hearing_id == hearing.id:
            continue
        if topic.hearing_id is not None or topic.merged_into_id is not None:
            raise RuleBroken(_("“%(title)s” is not in the pool any more.", title=topic.title), "topics")
        _put_on_list(hearing, topic)
        _seat_departments(hearing, topic, actor)
        audit.record("topic.choose", topic, actor, hearing=hearing.id)
    hearing.touch()


def _put_on_list(hearing: Hearing, topic: Topic) -> None:
    last = db.session.scalar(select(func.max(Topic.position)).where(Topic.hearing_id == hearing.id)) or 0
    topic.hearing = hearing
    topic.position = last + 1
    topic.set_aside = None


def release_topic(topic: Topic, *, actor: User) -> None:
    """Back to the pool: not reached, or not this time."""
    hearing = topic.hearing
    if hearing is None:
        return
    _open_for_topics(hearing)
    workflow.ask_guards("topic.release", topic)
    audit.record("topic.release", topic, actor, hearing=hearing.id)
    topic.hearing = None
    topic.position = 0
    hearing.touch()


def order_topics(hearing: Hearing, ids: Sequence[int], *, actor: User) -> None:
    """Put a hearing's topics in this order; ones not named follow as they were."""
    _open_for_topics(hearing)
    topics = db.session.scalars(
        select(Topic).where(Topic.hearing_id == hearing.id).order_by(Topic.position, Topic.id)
    ).all()
    place = {id_: i for i, id_ in enumerate(ids)}
    for position, topic in enumerate(sorted(topics, key=lambda t: (place.get(t.id, len(place)), t.position)), 1):
        topic.position = position
    hearing.touch()
    audit.record("topic.order", hearing, actor)


def remove_topic(topic: Topic, *, actor: User) -> None:
    """Delete a topic from the pool that nothing refers to, with undo."""
    if topic.hearing_id is not None:
        raise RuleBroken(_("It is on a hearing's list; take it off first."))
    if db.session.scalar(select(func.count()).select_from(Topic).where(Topic.merged_into_id == topic.id)):
        raise RuleBroken(_("Others have been merged into it."))
    audit.record("topic.remove", topic, actor)
    undo.offer(
        "topic.remove",
        _("“%(title)s” has been removed.", title=topic.title),
        actor=actor,
        back="/topics/",
        row=undo.snapshot(topic),
        departments=[d.id for d in topic.departments],
    )
    undo.remove(topic)


@undo.compensation("topic.remove")
def _topic_again(*, actor: User, row: dict[str, Any], departments: list[int]) -> None:
    topic = undo.restore(Topic, row)
    topic.departments = list(db.session.scalars(select(Department).where(Department.id.in_(departments))))
    audit.record("topic.remove.undo", topic, actor)
