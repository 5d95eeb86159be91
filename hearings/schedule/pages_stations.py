"""Liaison stations."""

from typing import Any

from flask import current_app, request
from flask_babel import gettext as _

from ..db import today
from ..documents import qr
from ..people import importing
from ..permissions import allowed, may, requires
from ..web import me, page, perform, submit
from . import operations, queries
from .forms import (
    RetireForm,
    StationForm,
)
from .importing import stations as stations_kind
from .models import (
    Station,
)
from .pages import bp


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


@bp.route("/stations/import", methods=["GET", "POST"])
@requires("station.amend")
def import_stations() -> Any:
    """Many stations at once, from a spreadsheet."""
    return importing.bring(stations_kind)


@bp.get("/stations/import/template.xlsx")
@requires("station.amend")
def stations_template() -> Any:
    """The workbook to fill in."""
    return importing.template(stations_kind)


def _station_fields(form: StationForm) -> dict[str, Any]:
    names = ("code", "name", "street", "address", "capacity", "contact", "contact_phone", "feed_is_public")
    return {name: form[name].data for name in names}


@bp.get("/stations/<int:id>")
@requires("station.read", Station)
def station(station: Station) -> Any:
    """A station, the names it had, the hearings there, and its calendar for everybody if it has one."""
    base = (current_app.config["BASE_URL"] or request.host_url).rstrip("/")
    address = f"{base}/stations/{station.id}/calendar.ics" if station.feed_is_public else None
    return page(
        "schedule/station.html",
        station=station,
        hearings=queries.hearings_at(station, me()),
        calendar=address,
        webcal="webcal://" + address.split("://", 1)[1] if address else None,
        code=qr.svg(address) if address else None,
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
