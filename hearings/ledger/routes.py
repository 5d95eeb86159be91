"""Pages of the ledger room."""

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any
from urllib.parse import quote, urlencode

from flask import Blueprint, abort, render_template, request, stream_with_context
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from .. import files
from ..db import db
from ..documents import RenderFailed, render_volumes, to_workbook
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
    """The register of commitments as a workbook or on paper: what the list of commitments shows at this address.

    A paper of more rows than a volume holds is an archive of volumes whose page numbers go on.
    """
    if kind not in KINDS:
        abort(404)
    form = PromiseFilter(request.args, lists(me(), as_number(request.args.get("hearing", ""))))
    told = registers.register(me(), form.wanted(), KINDS[kind])
    scope = registers.narrowing(form)
    db.session.rollback()  # nothing is held while the file is made
    name = f"{registers.title()}（{told.as_of:%Y%m%d}）"
    if kind == "xlsx":
        return files.answer(
            to_workbook(registers.book(told, scope)), name=f"{name}.xlsx", media_type=files.PAPERS["xlsx"]
        )
    papers = registers.papers(told, scope)
    printed = render_volumes("ledger", papers)
    try:
        first = next(printed)
    except RenderFailed as failed:
        raise RuleBroken(str(failed)) from failed
    if len(papers) == 1:
        return files.answer(first, name=f"{name}.pdf", media_type=files.PAPERS["pdf"])
    answer = Response(stream_with_context(_packed(papers, chain([first], printed))), mimetype="application/zip")
    answer.headers.set("Content-Disposition", "attachment", **{"filename*": f"UTF-8''{quote(name)}.zip"})
    answer.headers["Cache-Control"] = "private, no-store"
    return answer


class _Passed(io.RawIOBase):
    """What is written, taken out again as it comes: an archive that is sent while it is made."""

    def __init__(self) -> None:
        self.held = bytearray()

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.held += data
        return len(data)

    def taken(self) -> bytes:
        data, self.held = bytes(self.held), bytearray()
        return data


def _packed(papers: Sequence[Mapping[str, Any]], printed: Iterator[bytes]) -> Iterator[bytes]:
    """The volumes as an archive, each sent when it is printed: the reader sees it grow and nothing waits too long.

    The answer has begun, so a volume that fails is told in a file of the archive.
    """
    through = _Passed()
    with zipfile.ZipFile(through, "w") as box:
        for number, paper in enumerate(papers, 1):
            try:
                data = next(printed)
            except RenderFailed as failed:
                box.writestr(f"{_('Not complete')}.txt", str(failed))
                break
            box.writestr(f"{number:02d} {paper['title']}.pdf", data)
            yield through.taken()
    yield through.taken()
