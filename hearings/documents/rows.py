"""Rows that an office brings along: pasted, or a CSV or XLSX file. The only file that knows openpyxl."""

import csv
import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from flask_babel import gettext as _

from ..errors import RuleBroken
from .sheets import to_workbook

MOST = 500
"""Rows that are taken at once: a page that people still read through."""
_LINES = 5 * MOST
_CELLS = 60
_UNPACKED = 60 * 1024 * 1024
_HEAD_WITHIN = 10
"""A sheet often has a title and a date above its heads."""


@dataclass(frozen=True)
class Column:
    """What a column is called, in both languages and otherwise, and what stands in it."""

    key: str
    label: Any
    heads: tuple[str, ...]
    """Every way to write it, the labels of both languages among them; blanks, case and brackets make no difference."""
    help: Any = ""
    required: bool = False


@dataclass
class Row:
    """One row as it will be read: what stands in it, what is wrong with it, what is asked about it."""

    number: int
    """As the spreadsheet counts, the first line being 1."""
    cells: dict[str, str]
    shown: list[str] = field(default_factory=list)
    """What will be kept, in the order of the columns."""
    errors: list[str] = field(default_factory=list)
    question: str | None = None
    answer: str = ""


@dataclass
class Table:
    """Rows, and the heads that nobody knows."""

    rows: list[Row]
    unknown: list[str]


def read(words: str, columns: Sequence[Column]) -> Table:
    """The rows of a pasted or converted table, by its heads. Raises `RuleBroken` at `rows` when there are no heads,

    a head stands twice or is missing, and for no rows or more than `MOST`.
    """
    lines = _lines(words)
    known = {_plain(head): column for column in columns for head in column.heads}
    spot = _head(lines, known)
    if spot is None:
        raise RuleBroken(
            _(
                "No line with the heads was found. The first line names the columns: %(heads)s.",
                heads="、".join(str(c.label) for c in columns),
            ),
            "rows",
        )
    places: dict[str, int] = {}
    unknown = []
    for place, head in enumerate(lines[spot][1]):
        column = known.get(_plain(head))
        if column is None:
            if head.strip():
                unknown.append(head.strip())
        elif column.key in places:
            raise RuleBroken(_("The column “%(head)s” stands there twice.", head=str(column.label)), "rows")
        else:
            places[column.key] = place
    missing = [str(c.label) for c in columns if c.required and c.key not in places]
    if missing:
        raise RuleBroken(_("These columns are missing: %(heads)s.", heads="、".join(missing)), "rows")
    rows = [
        Row(number, {key: cells[place].strip() if place < len(cells) else "" for key, place in places.items()})
        for number, cells in lines[spot + 1 :]
    ]
    rows = [row for row in rows if any(row.cells.values())]
    if not rows:
        raise RuleBroken(_("There is no row below the heads."), "rows")
    if len(rows) > MOST:
        raise RuleBroken(_("At most %(most)d rows at once; there are %(count)d.", most=MOST, count=len(rows)), "rows")
    return Table(rows, unknown)


def _lines(words: str) -> list[tuple[int, list[str]]]:
    """The lines that hold something, with their number, in cells: by tabs as spreadsheets paste, else by commas."""
    filled = [line for line in words.split("\n") if line.strip()]
    tabs = any("\t" in line for line in filled[:_HEAD_WITHIN])
    try:
        cut = csv.reader(io.StringIO(words, newline=""), delimiter="\t" if tabs else ",")
        return [(number, cells) for number, cells in enumerate(cut, 1) if any(cell.strip() for cell in cells)]
    except csv.Error:
        raise RuleBroken(_("These rows cannot be read. Is a quotation mark left open?"), "rows") from None


def _plain(head: str) -> str:
    return re.sub(r"[（(].*?[)）]|[\s*＊_-]", "", head).lower()


def _head(lines: list[tuple[int, list[str]]], known: dict[str, Column]) -> int | None:
    """The line with the most heads that are known, of the first ones."""
    best, found = 0, None
    for spot, (_number, cells) in enumerate(lines[:_HEAD_WITHIN]):
        hits = len({known[_plain(c)].key for c in cells if _plain(c) in known})
        if hits > best:
            best, found = hits, spot
    return found


# -- files ---------------------------------------------------------------------------------------------


def from_file(upload: Any, megabytes: int) -> str:
    """An uploaded CSV or XLSX file (its first sheet) as it would have been pasted.

    Raises `RuleBroken` at `file` for one that is empty, too large, of another kind, or not what its name says.
    """
    data = upload.read(megabytes * 1024 * 1024 + 1)
    name = (upload.filename or "").lower()
    if not data:
        raise RuleBroken(_("This file is empty."), "file")
    if len(data) > megabytes * 1024 * 1024:
        raise RuleBroken(_("This file is larger than %(limit)s MB.", limit=megabytes), "file")
    if name.endswith(".xlsx"):
        return _from_workbook(data)
    if name.endswith((".csv", ".txt")):
        return _from_text(data)
    raise RuleBroken(_("Save it as an Excel workbook (.xlsx) or as CSV, or copy the rows and paste them."), "file")


def _from_text(data: bytes) -> str:
    """CSV as Excel and WPS write it: UTF-8 or UTF-16 with a mark, else GB 18030."""
    encodings = ["utf-16"] if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ["utf-8-sig", "gb18030"]
    for encoding in encodings:
        try:
            return data.decode(encoding).replace("\r\n", "\n").replace("\r", "\n")
        except UnicodeDecodeError:
            continue
    raise RuleBroken(_("This file is not what its name says."), "file")


def _from_workbook(data: bytes) -> str:
    import openpyxl  # only here: few processes ever read a workbook

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as parcel:
            if sum(part.file_size for part in parcel.infolist()) > _UNPACKED:
                raise RuleBroken(_("This file is larger than it says."), "file")
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True, keep_links=False)
        page = book.worksheets[0]
        page.reset_dimensions()  # some programs write them wrong
        lines = [
            [_word(c) for c in cells] for cells in page.iter_rows(max_row=_LINES, max_col=_CELLS, values_only=True)
        ]
    except RuleBroken:
        raise
    except Exception as broken:  # the library raises whatever its parsers raise
        raise RuleBroken(_("This file is not what its name says."), "file") from broken
    out = io.StringIO()
    csv.writer(out, delimiter="\t", lineterminator="\n").writerows(lines)
    return out.getvalue().rstrip("\n")


def _word(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime | date):
        return value.strftime("%Y-%m-%d")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip()


def template(title: str, columns: Sequence[Column], lists: Iterable[tuple[str, Iterable[str]]] = ()) -> bytes:
    """A workbook to fill in: the heads, and on a second sheet what each column takes and the words of `lists`."""
    heads = [{"head": str(c.label), "width": 22 if c.required else 16, "kind": "text"} for c in columns]
    told: list[list[Any]] = [
        [str(c.label), _("must be filled in") if c.required else _("may be left empty"), str(c.help)] for c in columns
    ]
    told += [[name, "", word] for name, words in lists for word in words]
    how = [
        {"head": str(_("Column")), "width": 14, "kind": "text"},
        {"head": str(_("Filled in")), "width": 14, "kind": "text"},
        {"head": str(_("What stands in it")), "width": 70, "kind": "text"},
    ]
    return to_workbook(
        {
            "title": title,
            "sheets": [
                {"name": title, "columns": heads, "rows": []},
                {"name": str(_("How to fill it in")), "columns": how, "rows": told},
            ],
        }
    )
