"""Pages of the ledger room."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request
from flask_babel import gettext as _

from .. import files
from ..db import db
from ..documents import RenderFailed, render, to_workbook
from ..errors import RuleBroken
from ..forms import as_number
from ..issues.forms import PromiseFilter
from ..issues.queries import lists
from ..permissions import requires
from ..web import me
from . import queries
from . import register as registers

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
        "ledger/index.html",
        by=by,
        tabs=tabs,
        rows=rows,
        total=queries.total(rows),
        years=years,
        year=year,
        register=urlencode({"status": "all"} | ({"year": year} if year else {})),
    )


KINDS = {"xlsx": registers.IN_A_BOOK, "pdf": registers.ON_PAPER}


@bp.get("/ledger/register.<kind>")
@requires("commitment.read")
def register(kind: str) -> Any:
    """The register of commitments as a workbook or on paper: what the list of commitments shows at this address."""
    if kind not in KINDS:
        abort(404)
    form = PromiseFilter(request.args, lists(me(), as_number(request.args.get("hearing", ""))))
    told = registers.register(me(), form.wanted(), KINDS[kind])
    scope = registers.narrowing(form)
    db.session.rollback()  # nothing is held while the file is made
    if kind == "xlsx":
        data = to_workbook(registers.book(told, scope))
    else:
        try:
            data = render("ledger", registers.paper(told, scope))
        except RenderFailed as failed:
            raise RuleBroken(str(failed)) from failed
    name = f"{registers.title()}（{told.as_of:%Y%m%d}）.{kind}"
    return files.answer(data, name=name, media_type=files.PAPERS[kind])
