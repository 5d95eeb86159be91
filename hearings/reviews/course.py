"""The course of a meeting: opened, asked twice when it is not its hour; concluded, with who is not registered."""

from collections.abc import Iterable
from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _

from .. import workflow
from ..errors import RuleBroken
from ..forms import Form
from ..permissions import requires
from ..schedule import operations as schedule
from ..schedule.models import CAPACITY_LABELS, KIND_LABELS, Hearing
from ..web import me, page, submit
from . import queries
from .forms import ConcludeForm

bp = Blueprint("reviews", __name__)


def seat_lines(seats: Iterable[Any]) -> list[tuple[str, str, str, str, Any]]:
    """Seats as lines of their list: (id, whether they came, who, what else is said of them, the row)."""
    capacities, walk_in = {key: str(words) for key, words in CAPACITY_LABELS.items()}, _("walk-in")
    made = []
    for seat in seats:
        name, unit = seat.name, seat.unit
        if seat.is_stand_in:
            who = seat.stand_in_name
            about = [seat.stand_in_title, _("for %(name)s", name=name or unit or "")]
        else:
            who = name or unit or capacities[seat.capacity]
            about = [unit if name else None, seat.title]
            if not name and seat.seats > 1:
                about.append(_("%(count)s seats", count=seat.seats))
        if seat.is_walk_in:
            about.append(walk_in)
        made.append((str(seat.id), seat.came.value, who or "", " ".join(filter(None, about)), seat))
    return made


def begin(hearing: Hearing, is_waiting: bool | None = None) -> dict[str, Any] | None:
    """The button that begins or ends a meeting, if its state has one: {url, label, at_once}.

    `at_once` is False where its page asks first: on another day than planned, or while somebody is not registered
    (`is_waiting`, looked up when not given).
    """
    moves = workflow.moves(hearing)
    is_night = hearing.kind not in queries.LOOKING_BACK
    if "open" in moves:
        label = _("Open the session") if is_night else _("Open the meeting")
        return {"url": f"/hearings/{hearing.id}/open", "label": label, "at_once": schedule.untimely(hearing) is None}
    if "conclude" in moves:
        waiting = bool(schedule.unregistered(hearing)) if is_waiting is None else is_waiting
        label = _("Conclude the session") if is_night else _("Conclude the meeting")
        return {"url": f"/hearings/{hearing.id}/conclude", "label": label, "at_once": not waiting}
    return None


def _screen(hearing: Hearing) -> str:
    """Where a meeting is run from."""
    night = hearing.kind not in queries.LOOKING_BACK
    return url_for("reviews.session" if night else "reviews.show", id=hearing.id)


@bp.route("/hearings/<int:id>/open", methods=["GET", "POST"])
@requires("hearing.open", Hearing)
def open_session(hearing: Hearing) -> Any:
    """The meeting begins; on another day, or long before its hour, only when that is said once more."""
    form = Form()
    untimely = schedule.untimely(hearing)

    def act() -> None:
        refusal = workflow.refusal(hearing, "open")
        if refusal is None and untimely is not None and request.form.get("sure") != "1":
            raise RuleBroken(untimely)
        schedule.open_session(hearing, actor=me())

    return submit(form, act, to=_screen(hearing)) or page(
        "reviews/open.html",
        form,
        hearing=hearing,
        kind=KIND_LABELS[hearing.kind],
        untimely=untimely,
        refusal=workflow.refusal(hearing, "open"),
        back=_screen(hearing),
    )


@bp.route("/hearings/<int:id>/conclude", methods=["GET", "POST"])
@requires("hearing.conclude", Hearing)
def conclude_session(hearing: Hearing) -> Any:
    """The meeting is over. Who is not registered is named first; who surely was there is ticked."""
    waiting = schedule.unregistered(hearing)
    surely = queries.surely_here(hearing, me())
    form: Any = ConcludeForm(seats=seat_lines(waiting), surely=surely)

    def act() -> None:
        schedule.conclude(hearing, came=form.came.data or (), rest=form.rest.data, actor=me())

    return submit(form, act, to=f"/hearings/{hearing.id}") or page(
        "reviews/conclude.html",
        form,
        hearing=hearing,
        kind=KIND_LABELS[hearing.kind],
        count=len(waiting),
        undated=queries.undated(hearing),
        refusal=workflow.refusal(hearing, "conclude"),
        back=_screen(hearing),
    )
