"""Pages of the ledger room."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from ..permissions import requires
from ..web import me
from . import queries

bp = Blueprint("ledger", __name__)


@bp.get("/ledger/")
@requires("issue.read")
def index() -> Any:
    """Figures over all hearings within the person's scope, as of today."""
    by = request.args.get("by", "")
    by = by if by in queries.BY else "year"
    years = queries.years(me())
    words = request.args.get("year", "")
    year = next((y for y in years if str(y) == words), None)
    rows = queries.lines(me(), by, year)
    labels = {"year": _("By year"), "street": _("By street"), "department": _("By department")}
    tabs = [
        {
            "url": "?" + urlencode({"by": key} | ({"year": year} if year else {})),
            "label": label,
            "active": key == by,
        }
        for key, label in labels.items()
    ]
    return render_template(
        "ledger/index.html", by=by, tabs=tabs, rows=rows, total=queries.total(rows), years=years, year=year
    )
