"""The front page, search, handing over. A hearing's hub stands in hub.py."""

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for

from ..forms import clean_arg
from ..people.models import User
from ..permissions import may, requires, signed_in
from ..web import me, page, submit
from . import duties, handover, hub, moved, queries
from .first_steps import first_steps, has_begun
from .forms import HandOverForm

bp = Blueprint("desk", __name__)
bp.add_url_rule("/hearings/<int:id>", "hub", hub.hub)


@bp.get("/")
@signed_in
def front() -> Any:
    """What this person must do now, most urgent first, and what comes up."""
    person = me()
    found = duties.front(person)
    quiet = not (found.now or found.coming)
    return render_template(
        "desk/front.html",
        front=found,
        steps=first_steps(person),
        begin=quiet and may(person, "hearing.create") and not has_begun(),
    )


@bp.get("/search")
@signed_in
def search() -> Any:
    """Hearings, issues, answers, promises, replies and places that hold the words, within the person's scope."""
    words = clean_arg(request.args.get("q", ""))
    kind = clean_arg(request.args.get("kind", ""))
    kind = kind if kind in queries.KINDS else ""
    keys = {k: clean_arg(request.args.get(k, "")) for k in ("after", "before")}
    first_page = not any(keys.values())
    direct = queries.by_reference(words, me()) if words and first_page and kind in ("", "issue") else []
    rows = queries.hits(words, me(), keys, kind=kind) if words else None
    return render_template(
        "desk/search.html",
        q=words,
        kind=kind,
        kinds=queries.KINDS,
        direct=direct,
        rows=rows,
        too_short=bool(words) and rows is None and not direct,
    )


@bp.route("/hand-over/<int:id>", methods=["GET", "POST"])
@requires("user.hand_over", User)
def hand_over(user: User) -> Any:
    """What a person still has open, and to whom it goes."""
    items = handover.open_items(user)
    form = HandOverForm()
    form.offer(handover.candidates(user) if items.anything else [], items.department)
    done = submit(
        form,
        lambda: handover.hand_over(
            user,
            actor=me(),
            to=form.rows.get(form.to.data or 0),
            office_to=form.rows.get(form.office_to.data or 0),
        ),
        to=url_for(".hand_over", id=user.id),
    )
    return done or page("desk/hand_over.html", form, user=user, items=items, most=handover.MOST)


@bp.get("/settings/holidays/affected")
@signed_in
def moved_dates() -> Any:
    """Due dates that the calendar would put elsewhere now; they move only by hand."""
    person = me()
    if not (may(person, "holiday.amend") or (may(person, "commitment.correct") and person.is_district)):
        abort(403)
    return render_template("desk/moved.html", rows=moved.affected(), may_open=may(person, "commitment.read"))
