"""Pages of the ledger room."""

import io
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, abort, render_template, request, send_file
from flask_babel import gettext as _

from ..db import db
from ..documents import RenderFailed, render, to_workbook
from ..errors import RuleBroken
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


KINDS = {
    "xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", registers.IN_A_BOOK),
    "pdf": ("application/pdf", registers.ON_PAPER),
}


@bp.get("/ledger/register.<kind>")
@requires("commitment.read")
def register(kind: str) -> Any:
    """The register of commitments as a workbook or on paper: what the list of commitments shows at this address."""
    if kind not in KINDS:
        abort(404)
    media_type, most = KINDS[kind]
    words = request.args.get("hearing", "")
    hearing = int(words) if words.isascii() and words.isdigit() and len(words) < 10 else None
    form = PromiseFilter(request.args, lists(me(), hearing))
    told = registers.register(me(), form.wanted(), most)
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
    answer = send_file(io.BytesIO(data), mimetype=media_type, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
