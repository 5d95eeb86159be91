"""Who takes part, and what offices say and bring."""

import io
from typing import Any

from flask import abort, request, send_file
from flask_babel import gettext as _

from ..db import db
from ..errors import RuleBroken
from ..files import Blob, store
from ..people.models import Department
from ..permissions import Role, allowed, requires
from ..web import me, page, perform, submit
from . import operations, queries
from .forms import (
    AttendeeForm,
    InviteForm,
    SeatForm,
    ids_of,
)
from .models import (
    CAME_LABELS,
    CAPACITY_LABELS,
    LIST_LABELS,
    AttendanceList,
    Came,
    Capacity,
    Hearing,
    HearingStatus,
    Participant,
    Preparation,
)
from .pages import bp, rows_by_id, warn, warnings_of


@bp.get("/hearings/<int:id>/participants")
@requires("hearing.read", Hearing)
def participants(hearing: Hearing) -> Any:
    """The lists in protocol order; printed, it is the sheet to sign."""
    seats = queries.seats_of(hearing)
    can = allowed(me(), hearing, ["hearing.amend", "hearing.name_attendee"])
    return page(
        "schedule/participants.html",
        hearing=hearing,
        lists=[(LIST_LABELS[one], [_seat(s, can) for s in seats if s.listed == one]) for one in AttendanceList],
        total=sum(s.seats for s in seats),
        room=hearing.station.capacity,
        warnings=warnings_of(hearing) if "hearing.amend" in can else [],
        may_amend="hearing.amend" in can and hearing.status not in (*operations.LASTING, HearingStatus.FILED),
    )


def _seat(seat: Participant, can: set[str]) -> dict[str, Any]:
    """A line of the list in words."""
    answer = None
    if seat.came != Came.UNKNOWN:
        answer = CAME_LABELS[seat.came]
    elif seat.department_id is not None:
        answer = _("attendee named") if seat.name else _("attendee not named yet")
    names_it = seat.department_id is not None and "hearing.name_attendee" in can
    if names_it and "hearing.amend" not in can and seat.department_id not in me().department_ids:
        names_it = False
    return {
        "id": seat.id,
        "who": seat.name or (_("%(count)d seats", count=seat.seats) if seat.seats > 1 else None),
        "unit": seat.unit,
        "title": seat.title,
        "capacity": CAPACITY_LABELS[seat.capacity],
        "stand_in": " ".join(w for w in (seat.stand_in_name, seat.stand_in_title) if w),
        "answer": answer,
        "seats": seat.seats,
        "reason": seat.reason,
        "department_id": seat.department_id if names_it else None,
    }


@bp.route("/hearings/<int:id>/participants/add", methods=["GET", "POST"])
@requires("hearing.amend", Hearing)
def invite(hearing: Hearing) -> Any:
    """Many at once, from the directory."""
    form = InviteForm()
    seats = queries.seats_of(hearing)
    there = {s.user_id for s in seats}
    seated_offices = {s.department_id for s in seats}
    everyone = queries.people(Role.LEADER, Role.DEPUTY, Role.ORGANISER)
    groups: dict[str, list[tuple[int, str]]] = {"leaders": [], "deputies": [], "staff": []}
    for person in everyone:
        if person.id in there and request.method == "GET":
            continue
        roles = person.role_set
        group = "leaders" if Role.LEADER in roles else "deputies" if Role.DEPUTY in roles else "staff"
        office = person.department.short_name if person.department else _(", ").join(person.streets)
        job = " ".join(w for w in (office, person.title) if w)
        groups[group].append((person.id, f"{person.name}（{job}）" if job else person.name))
    for name, pairs in groups.items():
        form[name].offer(pairs)
    form.departments.offer(
        [(d.id, d.short_name) for d in queries.offices() if d.id not in seated_offices or request.method == "POST"]
    )

    def act() -> int:
        ids = [i for name in groups for i in form[name].data or ()]
        if not ids and not form.departments.data:
            raise RuleBroken(_("Choose at least one person or office."))
        chosen = {u.id: u for u in everyone if u.id in set(ids)}
        for user in sorted(chosen.values(), key=lambda u: (operations.usual_position(u), u.id)):
            operations.add_person(hearing, user, actor=me())
        for office in rows_by_id(Department, form.departments.data or []):
            operations.add_department(hearing, office, actor=me())
        db.session.flush()
        warn(hearing)
        return len(chosen) + len(form.departments.data or ())

    done = submit(
        form, act, to=f"/hearings/{hearing.id}/participants", said=_("The list of participants has been changed.")
    )
    return done or page("schedule/invite.html", form, hearing=hearing)


@bp.route("/hearings/<int:id>/participants/guest", methods=["GET", "POST"])
@requires("hearing.amend", Hearing)
def guest(hearing: Hearing) -> Any:
    """Somebody who is not in the directory, or seats without names."""
    form = SeatForm(capacity=Capacity.RESIDENT, listed=AttendanceList.IN_ATTENDANCE)
    done = submit(
        form,
        lambda: operations.add_guest(
            hearing,
            capacity=form.capacity.data,
            listed=form.listed.data,
            name=form.name.data,
            unit=form.unit.data,
            title=form.title.data,
            email=form.email.data,
            seats=form.seats.data or 1,
            position=form.position.data or 0,
            actor=me(),
        ),
        to=f"/hearings/{hearing.id}/participants",
        said=_("The seat has been added."),
    )
    return done or page("schedule/seat_form.html", form, hearing=hearing, seat=None)


@bp.route("/participants/<int:id>", methods=["GET", "POST"])
@requires("participant.amend", Participant)
def seat(seat: Participant) -> Any:
    """Change one seat. A person of the directory keeps the name, an office names its attendee elsewhere."""
    fields = ["capacity", "listed", "seats", "name", "unit", "title", "email", "position"]
    form = SeatForm(obj=seat)
    if seat.user_id is not None or seat.department_id is not None:
        del form.name, form.seats
        fields = [f for f in fields if f not in ("name", "seats")]
    hearing = seat.hearing

    def act() -> None:
        changes = form.merge({name: getattr(seat, name) for name in fields}, seat)
        operations.amend_participant(seat, changes, actor=me())

    done = submit(form, act, to=f"/hearings/{seat.hearing_id}/participants", said=_("The seat has been changed."))
    return done or page("schedule/seat_form.html", form, hearing=hearing, seat=seat)


@bp.post("/participants/<int:id>/remove")
@requires("participant.amend", Participant)
def remove_seat(seat: Participant) -> Any:
    """Take a seat off the list, with undo."""
    back = f"/hearings/{seat.hearing_id}/participants"
    return perform(lambda: operations.remove_participant(seat, actor=me()), to=back)


@bp.route("/hearings/<int:id>/attendee", methods=["GET", "POST"])
@requires("hearing.name_attendee", Hearing)
def attendee(hearing: Hearing) -> Any:
    """An office says who comes and hands in its preparation; the organiser may do it for any office."""
    organises = "hearing.amend" in allowed(me(), hearing, ["hearing.amend"])
    seats = queries.department_seats(hearing, me(), organises)
    asked = ids_of([request.args.get("department", "")])
    if asked:
        seat = next((s for s in seats if s.department_id == asked[0]), None)
        if seat is None:
            abort(404)
    else:
        seat = seats[0] if len(seats) == 1 else None
    if seat is None:
        return page("schedule/attendees.html", hearing=hearing, seats=seats, papers=queries.preparations(hearing, me()))
    form = AttendeeForm(obj=seat, text=None)
    parts = ("name", "title", "stand_in_name", "stand_in_title")
    proposed = None
    if not form.is_submitted() and not seat.name and (proposed := queries.attended_last(seat)) is not None:
        form.name.data, form.title.data = proposed  # `base` keeps that nothing is known: sent unchanged, it is said

    def act() -> None:
        assert seat is not None and seat.department is not None
        changes = form.merge({name: getattr(seat, name) for name in parts}, seat)
        if form.errors:
            return
        upload = request.files.get("file")
        file = store(upload, actor=me(), field="file") if upload is not None and upload.filename else None
        brings = bool(form.text.data) or file is not None
        if changes or not brings:
            said = {name: changes.get(name, getattr(seat, name)) for name in parts}
            if not said["name"]:
                raise RuleBroken(_("Say who comes."), "name")
            operations.name_attendee(seat, **said, actor=me())
        if brings:
            operations.prepare(hearing, seat.department, text=form.text.data, file=file, actor=me())

    done = submit(
        form,
        act,
        to=f"/hearings/{hearing.id}/attendee?department={seat.department_id}",
        said=_("Noted. The organiser sees it on the list of participants."),
    )
    return done or page(
        "schedule/attendee.html",
        form,
        hearing=hearing,
        seat=seat,
        several=len(seats) > 1,
        proposed=proposed,
        topics=queries.topics_for(hearing, seat.department_id or 0),
        papers=[p for p in queries.preparations(hearing, me()) if p.department_id == seat.department_id],
        closed=hearing.status in (*operations.LASTING, HearingStatus.FILED),
    )


@bp.get("/preparations/<int:id>/file")
@requires("preparation.read", Preparation)
def preparation_file(preparation: Preparation) -> Any:
    """The file an office has handed in, as it was stored."""
    kept = preparation.file
    blob = db.session.get(Blob, kept.sha256) if kept is not None else None
    if kept is None or blob is None:
        abort(404)
    return send_file(
        io.BytesIO(blob.data), kept.media_type, as_attachment=True, download_name=kept.name, etag=kept.sha256
    )
