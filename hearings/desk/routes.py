"""The front page, a hearing's hub, search."""

from typing import Any

from flask import Blueprint, render_template

from ..permissions import signed_in

bp = Blueprint("desk", __name__)


@bp.get("/")
@signed_in
def front() -> Any:
    """What this person must do now, most urgent first, and what comes up."""
    return render_template("desk/front.html")
