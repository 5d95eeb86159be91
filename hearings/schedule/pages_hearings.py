"""The list, the month, and a hearing up to its file."""

from calendar import Calendar
from datetime import datetime, time, timedelta
from typing import Any

from flask import current_app, request
from flask_babel import gettext as _

from .. import workdays, workflow
from ..db import LOCAL, db, local, today
from ..filters import clock, full_day, serial
from ..people.models import User
from ..permissions import Role, may, requires
from ..web import me, page, perform, submit
from . import operations, queries
from .forms import (
    AnnounceForm,
    HearingFilter,
    HearingForm,
    ReasonForm,
    RescheduleForm,
    default_title,
    ids_of,
    month_of,
)
from .models import (
    CAPACITY_LABELS,
    KIND_LABELS,
    Hearing,
    HearingKind,
    HearingStatus,
    Participant,
    Station,
)
from .pages import TONES, address_of, bp, hub_of, total_of, warn, warnings_of

# -- the list and the month --------------------------------------------------------------------------------


@bp.get("/hearings/")
@requires("hearing.read")
def hearings() -> Any:
    """All hearings this person may read, the latest evening first."""
    form = HearingFilter(request.args)
    form.station.offer(queries.station_names())
    form.year.offer([(y, str(y)) for y in queries.years(me())])
    form.settle()
    where = queries.narrowed(
        me(),
        q=form.q.data,
        kind=form.kind.data,
        status=form.status.data,
        station=form.station.data,
        year=form.year.data,
    )
    rows, later, earlier = queries.page_of_hearings(
        where,
        before=request.args.get("before", ""),
        after=request.args.get("after", ""),
        size=current_app.config["PAGE_SIZE"],
    )
    return page(
        "schedule/hearings.html",
        filters=form,
        rows=[_listed(row) for row in rows],
        total=total_of(queries.counted(*where)),
        newer_url=address_of("/hearings/", after=queries.key_of(rows[0])) if later and rows else None,
        older_url=address_of("/hearings/", before=queries.key_of(rows[-1])) if earlier else None,
        may_create=may(me(), "hearing.create"),
    )


_STATUS_TONE = {status: (workflow.LABELS["hearing"][status], TONES.get(status, "grey")) for status in HearingStatus}


def _listed(row: Any) -> dict[str, Any]:
    """A row of the list in words, so that the template only prints."""
    at = row.starts_at.astimezone(LOCAL)
    label, tone = _STATUS_TONE[row.status]
    return {
        "id": row.id,
        "serial_no": row.serial_no,
        "title": row.title,
        "theme": row.theme,
        "kind": KIND_LABELS[row.kind],
        "day": full_day(at),
        "time": f"{at:%H:%M}–{clock(row.ends_at)}",
        "place": (row.venue or row.name).split("（", 1)[0],
        "status": label,
        "tone": tone,
        "today": at.date() == today(),
        "off": row.status in operations.LASTING,
    }


@bp.get("/hearings/calendar")
@requires("hearing.read")
def month() -> Any:
    """One month as a table, Monday first, with holidays and the weekends that are worked."""
    first = month_of(request.args.get("month", ""), today())
    days = list(Calendar(0).itermonthdates(first.year, first.month))
    table, names = workdays.overrides(), queries.day_names(days[0], days[-1])
    events = queries.hearings_between(me(), days[0], days[-1])
    weeks = [[_cell(d, first, table, names, events) for d in days[i : i + 7]] for i in range(0, len(days), 7)]
    return page(
        "schedule/month.html",
        first=first,
        weeks=weeks,
        count=sum(len(found) for d, found in events.items() if d.month == first.month),
        previous=(first - timedelta(days=1)).strftime("%Y-%m"),
        following=(first + timedelta(days=31)).replace(day=1).strftime("%Y-%m"),
        this_month=today().strftime("%Y-%m"),
        known=workdays.year_is_known(first.year, table),
        weekdays=[_("Mon"), _("Tue"), _("Wed"), _("Thu"), _("Fri"), _("Sat"), _("Sun")],
        may_create=may(me(), "hearing.create"),
    )


def _cell(day: Any, first: Any, table: Any, names: Any, events: Any) -> dict[str, Any]:
    """A day of the month table: what it is called, and what is held."""
    inside = day.month == first.month
    works = workdays.is_workday(day, table)
    weekend = day.weekday() > 4
    holiday = names.get(day) or workdays.holiday_name(day)
    note = None
    if works and weekend:
        note = _("make-up workday")
    elif not works and (not weekend or holiday):
        note = _("holiday: %(name)s", name=holiday) if holiday else _("holiday")
    marks = [
        "is-empty" if not inside else "",
        "is-off" if not works else "",
        "is-workday" if works and weekend else "",
        "is-today" if day == today() else "",
        "d-none d-sm-table-cell" if not events.get(day) and day != today() and note is None else "",
    ]
    return {
        "day": day,
        "inside": inside,
        "note": note,
        "marks": " ".join(m for m in marks if m),
        "today": day == today(),
        "hearings": [_listed(row) for row in events.get(day, ())] if inside else [],
    }


# -- making and changing a hearing -------------------------------------------------------------------------


def _times() -> tuple[time, time]:
    """The evening's usual hours."""
    return tuple(time.fromisoformat(current_app.config[name]) for name in ("DEFAULT_START", "DEFAULT_END"))  # type: ignore[return-value]


def _offer_hearing(form: HearingForm, hearing: Hearing | None = None) -> None:
    keep_station = hearing.station if hearing is not None else None
    form.station.offer(queries.stations_for(me(), keep=keep_station))
    keep = hearing.chair_id if hearing is not None else None
    leaders = queries.people(Role.LEADER, Role.ORGANISER, keep=keep)
    form.chair.offer([(u.id, f"{u.name}（{u.title}）" if u.title else u.name) for u in leaders])
    follows = hearing.follows if hearing is not None else None
    held = queries.looked_back_at(me(), keep=follows)
    form.follows.offer([(h.id, _named(h)) for h in held])


def _named(hearing: Hearing) -> str:
    return "　".join(w for w in (serial(hearing.serial_no), hearing.title, full_day(hearing.starts_at)) if w)


def _hearing_fields(form: HearingForm) -> dict[str, Any]:
    """What the form says, as the operations take it; only rows that were on offer."""
    return {
        "kind": form.kind.data,
        "title": form.title.data,
        "theme": form.theme.data,
        "station": db.session.get_one(Station, form.station.data),
        "starts_at": local(form.day.data, form.starts.data),
        "ends_at": local(form.day.data, form.ends.data),
        "chair": db.session.get(User, form.chair.data) if form.chair.data else None,
        "follows": db.session.get(Hearing, form.follows.data) if form.follows.data else None,
    }


def _checked(form: Any, hearing: Hearing | None, seats_of: Hearing | None = None) -> list[str] | None:
    """The warnings of an evening that is only being considered (the “check” button), or None if not asked."""
    if not (form.is_submitted() and "check" in request.form and form.validate()):
        return None
    chair = form.chair.data if "chair" in form else None  # moving a hearing leaves it who presides
    return operations.warnings(
        station=db.session.get_one(Station, form.station.data),
        starts_at=local(form.day.data, form.starts.data),
        ends_at=local(form.day.data, form.ends.data),
        hearing=hearing,
        seats_of=seats_of,
        chair=db.session.get(User, chair) if chair else None,
    )


@bp.route("/hearings/new", methods=["GET", "POST"])
@requires("hearing.create")
def new() -> Any:
    """Plan a hearing. The form offers the usual evening; nobody is told yet."""
    kinds = {k.value: k for k in HearingKind}
    kind = kinds.get(request.args.get("kind", ""), HearingKind.NIGHT_HEARING)
    starts, ends = _times()
    mine = me().station_ids
    asked = ids_of([request.args.get("station", "")])
    form = HearingForm(
        data={
            "kind": kind,
            "station": asked[0] if asked else mine[0] if mine else None,
            "day": queries.next_free_evening() if request.method == "GET" else None,
            "starts": starts,
            "ends": ends,
            "title": default_title(kind),
        }
    )
    return _make(form, None)


@bp.route("/hearings/<int:id>/copy", methods=["GET", "POST"])
@requires("hearing.amend", Hearing)
def copy(hearing: Hearing) -> Any:
    """A new hearing as a copy of this one: its seats come along, nobody's answers do."""
    form = HearingForm(
        data={
            "kind": hearing.kind,
            "station": hearing.station_id if hearing.station.is_current else None,
            "day": queries.next_free_evening() if request.method == "GET" else None,
            "starts": hearing.starts_at.astimezone(LOCAL).time(),
            "ends": hearing.ends_at.astimezone(LOCAL).time(),
            "title": hearing.title,
            "theme": hearing.theme,
            "chair": hearing.chair_id if hearing.chair is not None and hearing.chair.active else None,
        }
    )
    return _make(form, hearing)


def _make(form: HearingForm, source: Hearing | None) -> Any:
    _offer_hearing(form)
    considered = _checked(form, None, source)
    done = None
    if considered is None and not form.errors:

        def act() -> Hearing:
            fields = _hearing_fields(form)
            if source is None:
                made = operations.draft_hearing(**fields, actor=me())
            else:
                made = operations.copy_hearing(source, **fields, actor=me())
            db.session.flush()
            warn(made)
            return made

        done = submit(form, act, to=hub_of, said=_("The hearing has been planned. Nobody has been told yet."))
    return done or page(
        "schedule/hearing_form.html",
        form,
        hearing=None,
        source=source,
        considered=considered,
        may_add_station=may(me(), "station.amend"),
    )


@bp.route("/hearings/<int:id>/edit", methods=["GET", "POST"])
@requires("hearing.amend", Hearing)
def edit(hearing: Hearing) -> Any:
    """Change a hearing; once announced, time and place move by “reschedule”."""
    draft = hearing.status == HearingStatus.DRAFT
    form = HearingForm(data=_shown(hearing))
    _offer_hearing(form, hearing)
    if not draft:
        del form.kind, form.station, form.day, form.starts, form.ends
    considered = _checked(form, hearing) if draft else None
    done = None
    if considered is None and not form.errors:

        def act() -> None:
            shown = {name: value for name, value in _shown(hearing).items() if name in form}
            changes = form.merge(shown, hearing)
            operations.amend_hearing(hearing, _as_columns(hearing, changes), actor=me())
            db.session.flush()
            if draft and not form.errors:
                warn(hearing)

        done = submit(form, act, to=hub_of(hearing), said=_("The hearing has been changed."))
    return done or page(
        "schedule/hearing_form.html",
        form,
        hearing=hearing,
        source=None,
        considered=considered if considered is not None or request.method == "POST" else warnings_of(hearing) or None,
        may_add_station=False,
    )


def _shown(hearing: Hearing) -> dict[str, Any]:
    """A hearing as its form shows it."""
    return {
        "kind": hearing.kind,
        "station": hearing.station_id,
        "day": hearing.day,
        "starts": hearing.starts_at.astimezone(LOCAL).time(),
        "ends": hearing.ends_at.astimezone(LOCAL).time(),
        "title": hearing.title,
        "theme": hearing.theme,
        "chair": hearing.chair_id,
        "follows": hearing.follows_id,
    }


def _as_columns(hearing: Hearing, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes by form field as changes by column."""
    kept: dict[str, Any] = {name: changes[name] for name in ("kind", "title", "theme") if name in changes}
    if "station" in changes:
        kept["station"] = db.session.get_one(Station, changes["station"])
    for name, model in (("chair", User), ("follows", Hearing)):
        if name in changes:
            kept[name] = db.session.get(model, changes[name]) if changes[name] else None
    day = changes.get("day", hearing.day)
    for name, column in (("starts", "starts_at"), ("ends", "ends_at")):
        if name in changes or "day" in changes:
            was: datetime = getattr(hearing, column)
            kept[column] = local(day, changes.get(name, was.astimezone(LOCAL).time()))
    return kept


def _called(seat: Participant) -> str:
    """A seat in a list: who sits there, or whose it is, and how many."""
    unit = seat.department.short_name if seat.department is not None else seat.unit
    words = " ".join(w for w in (unit, seat.name) if w) or str(CAPACITY_LABELS[seat.capacity])
    return f"{words} × {seat.seats}" if seat.seats > 1 else words


@bp.route("/hearings/<int:id>/announce", methods=["GET", "POST"])
@requires("hearing.announce", Hearing)
def announce(hearing: Hearing) -> Any:
    """Tell everybody: what speaks against it, who will hear of it, the running number."""
    numbered = hearing.kind == HearingKind.NIGHT_HEARING
    proposed = operations.next_serial(hearing.series) if numbered else None
    form = AnnounceForm(serial_no=proposed)
    if not numbered:
        del form.serial_no
    done = submit(
        form,
        lambda: operations.announce(hearing, actor=me(), serial_no=form.serial_no.data if numbered else None),
        to=hub_of(hearing),
    )
    if done:
        return done
    seats = queries.seats_of(hearing)
    topics = queries.topics_of(hearing, me())
    reached = queries.signed_in_offices(s.department_id for s in seats if s.department_id)
    return page(
        "schedule/announce.html",
        form,
        hearing=hearing,
        numbered=numbered,
        refusal=workflow.refusal(hearing, "announce"),
        warnings=warnings_of(hearing),
        people=[s for s in seats if s.user_id],
        offices=[s.department for s in seats if s.department_id in reached],
        by_hand=[_called(s) for s in seats if not s.user_id and s.department_id not in reached],
        topics=topics,
        seats=seats,
        undo_minutes=current_app.config["UNDO_MINUTES"],
    )


@bp.route("/hearings/<int:id>/reschedule", methods=["GET", "POST"])
@requires("hearing.reschedule", Hearing)
def reschedule(hearing: Hearing) -> Any:
    """Another time or place, with the reason."""
    shown = _shown(hearing)
    form = RescheduleForm(data={name: shown[name] for name in ("day", "starts", "ends", "station")})
    form.station.offer(queries.stations_for(me(), keep=hearing.station))
    considered = _checked(form, hearing)
    done = None
    if considered is None and not form.errors:

        def act() -> None:
            operations.reschedule(
                hearing,
                starts_at=local(form.day.data, form.starts.data),  # type: ignore[arg-type]
                ends_at=local(form.day.data, form.ends.data),  # type: ignore[arg-type]
                station=db.session.get_one(Station, form.station.data),
                reason=form.reason.data or "",
                actor=me(),
            )
            db.session.flush()
            warn(hearing)

        done = submit(form, act, to=hub_of(hearing))
    return done or page(
        "schedule/reschedule.html",
        form,
        hearing=hearing,
        considered=considered,
        refusal=workflow.refusal(hearing, "reschedule"),
    )


def _with_reason(hearing: Hearing, move: str, act: Any, said: Any) -> Any:
    form = ReasonForm()
    done = submit(form, lambda: act(hearing, reason=form.reason.data or "", actor=me()), to=hub_of(hearing), said=said)
    return done or page(f"schedule/{move}.html", form, hearing=hearing, refusal=workflow.refusal(hearing, move))


@bp.route("/hearings/<int:id>/postpone", methods=["GET", "POST"])
@requires("hearing.postpone", Hearing)
def postpone(hearing: Hearing) -> Any:
    """Put off without a new date."""
    return _with_reason(hearing, "postpone", operations.postpone, _("The hearing has been postponed."))


@bp.route("/hearings/<int:id>/cancel", methods=["GET", "POST"])
@requires("hearing.cancel", Hearing)
def cancel(hearing: Hearing) -> Any:
    """Call off for good."""
    return _with_reason(hearing, "cancel", operations.cancel, _("The hearing has been cancelled."))


@bp.post("/hearings/<int:id>/discard")
@requires("hearing.discard", Hearing)
def discard(hearing: Hearing) -> Any:
    """Throw a draft away."""
    return perform(
        lambda: operations.discard(hearing, actor=me()), to="/hearings/", said=_("The draft has been discarded.")
    )


@bp.post("/hearings/<int:id>/file")
@requires("hearing.file", Hearing)
def file_hearing(hearing: Hearing) -> Any:
    """Close the file. A guard that refuses says what is missing."""
    return perform(lambda: operations.file_hearing(hearing, actor=me()), to=hub_of(hearing))
