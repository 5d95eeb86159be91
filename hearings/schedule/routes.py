"""Pages of the schedule room: stations, the pool of topics, hearings before the evening, seats."""

import io
from calendar import Calendar
from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, current_app, flash, redirect, request, send_file
from flask_babel import gettext as _

from .. import workdays, workflow
from ..db import LOCAL, db, local, today
from ..errors import RuleBroken
from ..files import Blob, store
from ..filters import clock, full_day, names, serial
from ..forms import Filled
from ..people.models import Department, User
from ..permissions import Role, allowed, may, requires
from ..web import me, page, perform, submit
from . import operations, queries
from .forms import (
    AnnounceForm,
    AttendeeForm,
    ChooseTopicsForm,
    HearingFilter,
    HearingForm,
    InviteForm,
    MergeForm,
    ReasonForm,
    RescheduleForm,
    RetireForm,
    SeatForm,
    SetAsideForm,
    StationForm,
    TakeForm,
    TopicFilter,
    TopicForm,
    default_title,
    ids_of,
    month_of,
)
from .models import (
    CAME_LABELS,
    CAPACITY_LABELS,
    KIND_LABELS,
    LIST_LABELS,
    SOURCE_LABELS,
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

bp = Blueprint("schedule", __name__)

TONES = {
    HearingStatus.ANNOUNCED: "blue",
    HearingStatus.IN_SESSION: "lamp",
    HearingStatus.CONCLUDED: "green",
    HearingStatus.FILED: "green",
    HearingStatus.POSTPONED: "yellow",
}
"""Colours of the status words; the rest is grey."""


def _hub(hearing: Hearing) -> str:
    """The address of a hearing's page, which the desk serves."""
    return f"/hearings/{hearing.id}"


def _state(status: HearingStatus) -> tuple[Any, str]:
    return workflow.label("hearing", status), TONES.get(status, "grey")


@bp.context_processor
def _words() -> dict[str, Any]:
    """What the room's templates call by name."""
    return {"kind_labels": KIND_LABELS, "hearing_state": _state, "hub": _hub}


def _total(count: int) -> str:
    return "1,000+" if count > queries.TOTAL_CAP else str(count)


def _address(endpoint_path: str, **more: Any) -> str:
    """This list's address with the filter that is set, and another page."""
    kept = {k: v for k, v in request.args.items() if k not in ("before", "after") and v}
    query = urlencode(kept | more)
    return f"{endpoint_path}?{query}" if query else endpoint_path


# -- stations ------------------------------------------------------------------------------------------


@bp.get("/stations/")
@requires("station.read")
def stations() -> Any:
    """All liaison stations; those retired stand below."""
    every = queries.stations()
    return page(
        "schedule/stations.html",
        current=[s for s in every if s.is_current],
        retired=[s for s in every if not s.is_current],
        may_amend=may(me(), "station.amend"),
    )


@bp.route("/stations/new", methods=["GET", "POST"])
@requires("station.amend")
def new_station() -> Any:
    """A new station."""
    form = StationForm()
    done = submit(
        form,
        lambda: operations.create_station(**_station_fields(form), actor=me()),
        to=lambda made: f"/stations/{made.id}",
        said=_("The station has been added."),
    )
    return done or page("schedule/station_form.html", form, station=None)


def _station_fields(form: StationForm) -> dict[str, Any]:
    names = ("code", "name", "street", "address", "capacity", "contact", "contact_phone")
    return {name: form[name].data for name in names}


@bp.get("/stations/<int:id>")
@requires("station.read", Station)
def station(station: Station) -> Any:
    """A station, the names it had, and the hearings there."""
    return page(
        "schedule/station.html",
        station=station,
        hearings=queries.hearings_at(station, me()),
        former=queries.former_names(station),
        may_do=allowed(me(), station, ["station.amend", "station.retire"]),
        may_plan=may(me(), "hearing.create") and (me().is_district or station.id in me().station_ids),
    )


@bp.route("/stations/<int:id>/edit", methods=["GET", "POST"])
@requires("station.amend", Station)
def edit_station(station: Station) -> Any:
    """Change a station; its current hearings show the new name, past ones keep the old."""
    form = StationForm(obj=station)

    def act() -> None:
        current = {name: getattr(station, name) for name in _station_fields(form)}
        operations.amend_station(station, form.merge(current, station), actor=me())

    done = submit(form, act, to=f"/stations/{station.id}", said=_("The station has been changed."))
    return done or page("schedule/station_form.html", form, station=station)


@bp.route("/stations/<int:id>/retire", methods=["GET", "POST"])
@requires("station.retire", Station)
def retire_station(station: Station) -> Any:
    """No hearings there after a day."""
    form = RetireForm(on=station.valid_until or today())
    done = submit(
        form,
        lambda: operations.retire_station(station, on=form.on.data, actor=me()),  # type: ignore[arg-type]
        to=f"/stations/{station.id}",
        said=_("The station has been retired."),
    )
    return done or page("schedule/station_retire.html", form, station=station)


@bp.post("/stations/<int:id>/reopen")
@requires("station.retire", Station)
def reopen_station(station: Station) -> Any:
    """Use it again."""
    return perform(
        lambda: operations.reopen_station(station, actor=me()),
        to=f"/stations/{station.id}",
        said=_("The station is in use again."),
    )


# -- the pool of topics --------------------------------------------------------------------------------


@bp.get("/topics/")
@requires("topic.read")
def pool() -> Any:
    """Topics collected, wherever they are by now."""
    form = TopicFilter(request.args)
    form.street.offer([(s, s) for s in queries.streets_for(me())])
    form.settle()
    where = queries.pool_where(
        me(), q=form.q.data, state=form.state.data, source=form.source.data, street=form.street.data
    )
    before, after = (ids_of([request.args.get(name, "")]) for name in ("before", "after"))
    rows, later, earlier = queries.page_of_topics(
        where,
        before=before[0] if before else 0,
        after=after[0] if after else 0,
        size=current_app.config["PAGE_SIZE"],
    )
    return page(
        "schedule/pool.html",
        filters=form,
        topics=rows,
        total=_total(queries.counted(*where, of=Topic)),
        newer_url=_address("/topics/", after=rows[0].id) if later and rows else None,
        older_url=_address("/topics/", before=rows[-1].id) if earlier else None,
        sources=SOURCE_LABELS,
        may_amend=may(me(), "topic.amend"),
        may_create=may(me(), "topic.create"),
    )


def _offer_topic(form: TopicForm, keep: Topic | None = None) -> None:
    """Streets, deputies and offices; a deputy brings a topic, and the organiser says who answers."""
    streets = queries.streets_for(me())
    if keep is not None and keep.street and keep.street not in streets:
        streets.append(keep.street)
    form.street.offer([(s, s) for s in streets])
    if not may(me(), "topic.amend"):
        del form.deputy, form.departments
        return
    kept = [d.id for d in keep.departments] if keep is not None else []
    form.deputy.offer([(u.id, u.name) for u in queries.people(Role.DEPUTY, keep=keep.deputy_id if keep else None)])
    form.departments.offer([(d.id, d.short_name) for d in queries.offices(keep=kept)])


def _rows(model: Any, ids: list[int]) -> list[Any]:
    return list(db.session.scalars(db.select(model).where(model.id.in_(ids)).order_by(model.id))) if ids else []


@bp.route("/topics/new", methods=["GET", "POST"])
@requires("topic.create")
def new_topic() -> Any:
    """Collect a topic into the pool, or (?hearing=…) straight onto a list."""
    organises = may(me(), "topic.amend")
    target = ids_of([request.args.get("hearing", "")]) if organises else []
    planned = next((h for h in queries.planned_for(me()) if target and h.id == target[0]), None)
    form = TopicForm(source=TopicSource.DEPUTY_VISIT if not organises else None)
    _offer_topic(form)
    if organises and not me().is_district and planned is None:
        form.street.validators = [Filled()]  # without a street, or a list of theirs, they would not see it again
        form.street.flags.required = True

    def act() -> Topic:
        fields: dict[str, Any] = {"deputy": me() if Role.DEPUTY in me().role_set else None, "departments": []}
        if organises:
            fields["deputy"] = db.session.get(User, form.deputy.data) if form.deputy.data else None
            fields["departments"] = _rows(Department, form.departments.data)
        return operations.add_topic(
            title=form.title.data or "",
            details=form.details.data,
            source=form.source.data or TopicSource.OTHER,
            street=form.street.data,
            hearing=planned,
            actor=me(),
            **fields,
        )

    done = submit(
        form,
        act,
        to=lambda made: f"/hearings/{planned.id}/topics" if planned else f"/topics/{made.id}",
        said=_("The topic has been collected."),
    )
    return done or page("schedule/topic_form.html", form, topic=None, hearing=planned)


@bp.get("/topics/<int:id>")
@requires("topic.read", Topic)
def topic(topic: Topic) -> Any:
    """One topic: what it says, who is to answer, where it is."""
    return page(
        "schedule/topic.html",
        topic=topic,
        folded=queries.folded_into(topic),
        sources=SOURCE_LABELS,
        may_amend="topic.amend" in allowed(me(), topic, ["topic.amend"]),
        hearing_open=topic.hearing is not None and _topics_open(topic.hearing),
    )


def _topics_open(hearing: Hearing) -> bool:
    return hearing.status not in (*operations.LASTING, HearingStatus.FILED)


@bp.route("/topics/<int:id>/edit", methods=["GET", "POST"])
@requires("topic.amend", Topic)
def edit_topic(topic: Topic) -> Any:
    """Change a topic and the offices that are to answer."""
    form = TopicForm(
        data={
            "title": topic.title,
            "details": topic.details,
            "source": topic.source,
            "street": topic.street,
            "deputy": topic.deputy_id,
            "departments": [d.id for d in topic.departments],
        }
    )
    _offer_topic(form, topic)

    def act() -> None:
        current = {
            "title": topic.title,
            "details": topic.details,
            "source": topic.source,
            "street": topic.street,
            "deputy": topic.deputy_id,
            "departments": [d.id for d in topic.departments],
        }
        changes = form.merge(current, topic)
        if "departments" in changes:
            changes["departments"] = _rows(Department, changes["departments"])
        if "deputy" in changes:
            changes["deputy"] = db.session.get(User, changes["deputy"]) if changes["deputy"] else None
        operations.amend_topic(topic, changes, actor=me())

    done = submit(form, act, to=f"/topics/{topic.id}", said=_("The topic has been changed."))
    return done or page("schedule/topic_form.html", form, topic=topic, hearing=None)


@bp.route("/topics/<int:id>/set-aside", methods=["GET", "POST"])
@requires("topic.amend", Topic)
def set_aside_topic(topic: Topic) -> Any:
    """Leave it alone, with the reason."""
    form = SetAsideForm()
    done = submit(
        form,
        lambda: operations.set_aside_topic(topic, reason=form.reason.data or "", actor=me()),
        to=f"/topics/{topic.id}",
        said=_("The topic has been set aside."),
    )
    return done or page("schedule/topic_aside.html", form, topic=topic)


@bp.post("/topics/<int:id>/take-up")
@requires("topic.amend", Topic)
def take_up_topic(topic: Topic) -> Any:
    """Back into the pool."""
    return perform(
        lambda: operations.take_up_topic(topic, actor=me()),
        to=f"/topics/{topic.id}",
        said=_("The topic is in the pool again."),
    )


@bp.post("/topics/<int:id>/release")
@requires("topic.amend", Topic)
def release_topic(topic: Topic) -> Any:
    """From a hearing's list back to the pool."""
    back = f"/hearings/{topic.hearing_id}/topics" if topic.hearing_id else f"/topics/{topic.id}"
    return perform(
        lambda: operations.release_topic(topic, actor=me()),
        to=back,
        said=_("“%(title)s” is in the pool again.", title=topic.title),
    )


@bp.post("/topics/<int:id>/remove")
@requires("topic.amend", Topic)
def remove_topic(topic: Topic) -> Any:
    """Delete, with undo."""
    return perform(lambda: operations.remove_topic(topic, actor=me()), to="/topics/")


@bp.route("/topics/merge", methods=["GET", "POST"])
@requires("topic.merge")
def merge_topics() -> Any:
    """Fold the chosen topics (?topic=1&topic=2) into the one that stays."""
    chosen = queries.chosen_topics(ids_of(request.args.getlist("topic")), me(), "topic.merge")
    if len(chosen) < 2:
        flash(_("Choose at least two topics to merge."), "warning")
        return redirect("/topics/?state=pool", 303)
    form = MergeForm(into=chosen[0].id)
    form.into.offer([(t.id, t.title) for t in chosen])
    done = submit(
        form,
        lambda: operations.merge_topics(chosen, next(t for t in chosen if t.id == form.into.data), actor=me()),
        to=lambda _result: f"/topics/{form.into.data}",
    )
    return done or page("schedule/topic_merge.html", form, topics=chosen)


@bp.route("/topics/take", methods=["GET", "POST"])
@requires("topic.amend")
def take_topics() -> Any:
    """Put the chosen topics (?topic=1&topic=2) onto the list of a hearing that is being prepared."""
    chosen = queries.chosen_topics(ids_of(request.args.getlist("topic")), me(), "topic.amend")
    if not chosen:
        flash(_("Choose at least one topic."), "warning")
        return redirect("/topics/?state=pool", 303)
    planned = {h.id: h for h in queries.planned_for(me())}
    form = TakeForm()
    form.hearing.offer([(h.id, f"{full_day(h.starts_at)}　{h.title}") for h in planned.values()])
    done = submit(
        form,
        lambda: operations.choose_topics(planned[form.hearing.data or 0], chosen, actor=me()),
        to=lambda _result: f"/hearings/{form.hearing.data}/topics",
        said=_("%(count)d topics are on the list.", count=len(chosen)),
    )
    return done or page("schedule/topic_take.html", form, topics=chosen)


# -- the list and the month ----------------------------------------------------------------------------


@bp.get("/hearings/")
@requires("hearing.read")
def hearings() -> Any:
    """All hearings this person may read, the latest evening first."""
    form = HearingFilter(request.args)
    places = queries.stations()
    form.station.offer([(s.id, s.name) for s in places])
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
        total=_total(queries.counted(*where)),
        newer_url=_address("/hearings/", after=queries.key_of(rows[0])) if later and rows else None,
        older_url=_address("/hearings/", before=queries.key_of(rows[-1])) if earlier else None,
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
    holiday = names.get(day) or workdays.holiday_name(day, table)
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


# -- making and changing a hearing ---------------------------------------------------------------------


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


def _checked(form: Any, hearing: Hearing | None) -> list[str] | None:
    """The warnings of an evening that is only being considered (the “check” button), or None if not asked."""
    if not (form.is_submitted() and "check" in request.form and form.validate()):
        return None
    station_, starts_at, ends_at = (
        db.session.get_one(Station, form.station.data),
        local(form.day.data, form.starts.data),
        local(form.day.data, form.ends.data),
    )
    if ends_at <= starts_at:
        form.add_error(RuleBroken(_("The end must come after the start."), "ends"))
        return None
    return operations.warnings(station=station_, starts_at=starts_at, ends_at=ends_at, hearing=hearing)


def _warnings_of(hearing: Hearing) -> list[str]:
    """What speaks against the evening as it is planned; nothing once it has been held."""
    if hearing.status not in operations.BEFORE:
        return []
    return operations.warnings(
        station=hearing.station, starts_at=hearing.starts_at, ends_at=hearing.ends_at, hearing=hearing
    )


def _warn(hearing: Hearing) -> None:
    for words in _warnings_of(hearing):
        flash(words, "warning")


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
    considered = _checked(form, None)
    done = None
    if considered is None and not form.errors:

        def act() -> Hearing:
            fields = _hearing_fields(form)
            if source is None:
                made = operations.draft_hearing(**fields, actor=me())
            else:
                made = operations.copy_hearing(source, **fields, actor=me())
            db.session.flush()
            _warn(made)
            return made

        done = submit(form, act, to=_hub, said=_("The hearing has been planned. Nobody has been told yet."))
    return done or page("schedule/hearing_form.html", form, hearing=None, source=source, considered=considered)


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
                _warn(hearing)

        done = submit(form, act, to=_hub(hearing), said=_("The hearing has been changed."))
    return done or page(
        "schedule/hearing_form.html",
        form,
        hearing=hearing,
        source=None,
        considered=considered if considered is not None or request.method == "POST" else _warnings_of(hearing) or None,
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
        to=_hub(hearing),
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
        warnings=_warnings_of(hearing),
        people=[s for s in seats if s.user_id],
        offices=[s.department for s in seats if s.department_id in reached],
        by_hand=[s for s in seats if not s.user_id and s.department_id not in reached],
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
            _warn(hearing)

        done = submit(form, act, to=_hub(hearing), said=_("The hearing has been moved."))
    return done or page(
        "schedule/reschedule.html",
        form,
        hearing=hearing,
        considered=considered,
        refusal=workflow.refusal(hearing, "reschedule"),
    )


def _with_reason(hearing: Hearing, move: str, act: Any, said: Any) -> Any:
    form = ReasonForm()
    done = submit(form, lambda: act(hearing, reason=form.reason.data or "", actor=me()), to=_hub(hearing), said=said)
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


@bp.post("/hearings/<int:id>/open")
@requires("hearing.open", Hearing)
def open_session(hearing: Hearing) -> Any:
    """The evening begins."""
    return perform(
        lambda: operations.open_session(hearing, actor=me()),
        to=f"/hearings/{hearing.id}/session",
        said=_("The session is open."),
    )


@bp.post("/hearings/<int:id>/conclude")
@requires("hearing.conclude", Hearing)
def conclude(hearing: Hearing) -> Any:
    """The evening is over; undo is offered."""
    return perform(lambda: operations.conclude(hearing, actor=me()), to=_hub(hearing))


@bp.post("/hearings/<int:id>/file")
@requires("hearing.file", Hearing)
def file_hearing(hearing: Hearing) -> Any:
    """Close the file. A guard that refuses says what is missing."""
    return perform(
        lambda: operations.file_hearing(hearing, actor=me()), to=_hub(hearing), said=_("The hearing has been filed.")
    )


# -- who takes part ------------------------------------------------------------------------------------


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
        warnings=_warnings_of(hearing) if "hearing.amend" in can else [],
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
        groups[group].append((person.id, f"{person.name}（{person.title}）" if person.title else person.name))
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
        for user in sorted(chosen.values(), key=lambda u: (u.protocol_order, u.id)):
            operations.add_person(hearing, user, actor=me())
        for office in _rows(Department, form.departments.data or []):
            operations.add_department(hearing, office, actor=me())
        db.session.flush()
        _warn(hearing)
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


# -- a hearing's topics --------------------------------------------------------------------------------


@bp.route("/hearings/<int:id>/topics", methods=["GET", "POST"])
@requires("hearing.read", Hearing)
def topics(hearing: Hearing) -> Any:
    """The list in order; the organiser takes topics of the pool onto it."""
    may_amend = "topic.amend" in allowed(me(), hearing, ["topic.amend"])
    is_open = _topics_open(hearing)
    if request.method == "POST" and not may_amend:
        abort(403)
    form = ChooseTopicsForm()
    pooled = queries.pool_for(hearing, me()) if may_amend and is_open else []
    form.topics.offer([(t.id, _pooled(t)) for t in pooled])

    def act() -> None:
        chosen = [t for t in pooled if t.id in set(form.topics.data or ())]
        if not chosen:
            raise RuleBroken(_("Choose at least one topic."), "topics")
        operations.choose_topics(hearing, chosen, actor=me())

    done = submit(
        form,
        act,
        to=f"/hearings/{hearing.id}/topics",
        said=_("The topics are on the list, and their departments have seats."),
    )
    return done or page(
        "schedule/topics.html",
        form,
        hearing=hearing,
        topics=queries.topics_of(hearing, me()),
        pooled=len(pooled),
        may_amend=may_amend and is_open,
        sources=SOURCE_LABELS,
    )


def _pooled(topic: Topic) -> str:
    return "　".join(w for w in (topic.title, topic.street, names(topic.departments)) if w)


@bp.post("/hearings/<int:id>/topics/order")
@requires("topic.amend", Hearing)
def order_topics(hearing: Hearing) -> Any:
    """One topic up or down."""
    ids = [t.id for t in queries.topics_of(hearing, me())]
    moved = ids_of([request.form.get("topic", "")])
    if moved and moved[0] in ids:
        at = ids.index(moved[0])
        to = max(0, at - 1) if request.form.get("move") == "up" else min(len(ids) - 1, at + 1)
        ids.insert(to, ids.pop(at))
    return perform(lambda: operations.order_topics(hearing, ids, actor=me()), to=f"/hearings/{hearing.id}/topics")
