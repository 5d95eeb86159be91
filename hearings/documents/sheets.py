"""Tables as a workbook (XLSX): one plain dict in, bytes out. The only file that knows XlsxWriter."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from ..db import LOCAL
from .text import clean, width

CELL = 32_767
"""Characters that a cell holds."""
CUT = "……（全文超出单元格容量，此处截断，请到系统内查看）"
"""How a text ends that is longer."""
TALLEST = 405
"""The greatest height of a row, in points."""
ROWS = 1_048_576
"""Rows that a sheet holds."""
CREATED = datetime(2021, 1, 1)
"""The date of creation of every workbook: the same record gives the same bytes."""

_FONT = "宋体"
_FORBIDDEN = re.compile(r"[\[\]:*?/\\\r\n\t]")
_FORMATS = {"date": "yyyy-mm-dd", "percent": "0.0%"}
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def to_workbook(book: Mapping[str, Any]) -> bytes:
    """Return a workbook that opens in WPS, Excel and LibreOffice, the same bytes for the same dict.

    In: {"title", "sheets": [{"name", "columns": [{"head", "width", "kind"}], "rows": [[…]], "note"}]}; a column's
    kind is text, number, date or percent (a share of 1), its width in characters. A cell may be None, str, a number,
    or a date. `note` stands under the table. Out: the bytes. The head is frozen and filters; on paper (A4 on its
    side, as wide as the page) it is repeated, under the title, with the page's number at the foot.

    Text is only ever text: `=1+1` shows as typed, also when the cell is edited. What does not fit its column's kind
    stands there as text. Raises ValueError when a sheet has more rows than a sheet holds, or there is no sheet.
    """
    import xlsxwriter  # only here: not every process makes a workbook

    if not book["sheets"]:
        raise ValueError("a workbook needs a sheet")
    out = io.BytesIO()
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    workbook = xlsxwriter.Workbook(out, options)
    workbook.formats[0].set_font_name(_FONT)
    title = _tidy(book["title"])
    workbook.set_properties({"title": title[:250], "created": CREATED})
    names: set[str] = set()
    for sheet in book["sheets"]:
        _Sheet(workbook, _sheet_name(sheet["name"], names), sheet, title).write()
    workbook.close()
    return out.getvalue()


class _Sheet:
    """One table on its sheet."""

    def __init__(self, workbook: Any, name: str, sheet: Mapping[str, Any], title: str) -> None:
        self.columns: Sequence[Mapping[str, Any]] = sheet["columns"]
        self.rows: Sequence[Sequence[Any]] = sheet["rows"]
        self.note = sheet.get("note")
        self.title = title
        if len(self.rows) + 3 > ROWS:
            raise ValueError(f"{len(self.rows)} rows are more than a sheet holds")
        self.page = workbook.add_worksheet(name)
        self.head = self._format(workbook, bold=True, align="center", bg_color="#EDEDED")
        self.plain = [
            self._format(
                workbook,
                align="left" if c["kind"] == "text" else "center",
                num_format=_FORMATS.get(c["kind"], "General"),
            )
            for c in self.columns
        ]
        self.text = self._format(workbook, align="left")
        self.quoted = self._format(workbook, align="left", quote_prefix=True)
        self.under = workbook.add_format({"font_name": _FONT, "valign": "top"})

    @staticmethod
    def _format(workbook: Any, **more: Any) -> Any:
        return workbook.add_format(
            {"font_name": _FONT, "font_size": 11, "text_wrap": True, "valign": "vcenter", "border": 1} | more
        )

    def write(self) -> None:
        last = len(self.rows)
        for number, column in enumerate(self.columns):
            self.page.set_column(number, number, column["width"])
            self.page.write_string(0, number, _tidy(column["head"]), self.head)
        for row, cells in enumerate(self.rows, 1):
            for number, value in enumerate(cells):
                self._cell(row, number, value)
            lines = max((self._lines(number, value) for number, value in enumerate(cells)), default=1)
            if lines > 1:  # not every program finds the height of wrapped lines by itself
                self.page.set_row(row, min(TALLEST, 15 * lines + 3))
        if self.note:
            self._text(last + 2, 0, _tidy(self.note), self.under)
        if self.columns:
            self.page.autofilter(0, 0, last, len(self.columns) - 1)
        self.page.freeze_panes(1, 0)
        self._paper()

    def _lines(self, number: int, value: Any) -> int:
        """How many lines a cell's text takes at its column's width, a Han character being two digits wide."""
        if not isinstance(value, str):
            return 1
        room = max(1.0, (self.columns[number]["width"] - 1) / 2)
        return sum(max(1, math.ceil(width(line) / room)) for line in value[:CELL].split("\n"))

    def _paper(self) -> None:
        """A4 on its side, as wide as the page; the head on every page."""
        page = self.page
        page.set_landscape()
        page.set_paper(9)
        page.set_margins(left=0.5, right=0.5, top=0.9, bottom=0.8)
        page.center_horizontally()
        page.repeat_rows(0)
        page.fit_to_pages(1, 0)
        page.set_header(f'&C&"{_FONT},Bold"&14{self.title.replace("&", "&&")[:200]}')
        page.set_footer(f'&C&"{_FONT},Regular"— &P —')

    def _cell(self, row: int, number: int, value: Any) -> None:
        plain = self.plain[number]
        kind = self.columns[number]["kind"]
        if value is None or value == "":
            self.page.write_blank(row, number, None, plain)
        elif kind == "date" and _is_day(value):
            if isinstance(value, datetime):
                value = value.astimezone(LOCAL).date() if value.tzinfo else value.date()
            self.page.write_datetime(row, number, value, plain)
        elif kind in ("number", "percent") and _is_number(value):
            self.page.write_number(row, number, value, plain)
        else:
            text = _tidy(value)
            self._text(row, number, text, self.quoted if text.startswith(_FORMULA) else self.text)

    def _text(self, row: int, number: int, text: str, form: Any) -> None:
        if text.startswith("<r>") and text.endswith("</r>"):
            # the library takes such a text for marked-up runs of its own and would write it unescaped
            self.page.write_rich_string(row, number, "<", "r", text[2:], form)
        else:
            self.page.write_string(row, number, text, form)


def _is_day(value: Any) -> bool:
    """Whether a sheet can count the day (they begin in 1900)."""
    return isinstance(value, date) and value.year >= 1900


def _is_number(value: Any) -> bool:
    """Whether a sheet keeps the number exactly: 15 digits."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return math.isfinite(value) and (isinstance(value, float) or abs(value) < 10**15)


def _tidy(value: Any) -> str:
    """A text without what must not stand in a cell; its lines stay lines."""
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    text = "\n".join(clean(line) for line in text.split("\n"))
    if _units(text) <= CELL:
        return text
    kept = text.encode("utf-16-le")[: 2 * (CELL - len(CUT))]
    return kept.decode("utf-16-le", "ignore") + CUT


def _units(text: str) -> int:
    """Characters as a sheet counts them: rare ones and emoji are two."""
    return len(text) + sum(character > "\uffff" for character in text)


def _sheet_name(name: str, taken: set[str]) -> str:
    """A name that a sheet may have, and has alone: 31 characters, without []:*?/\\."""
    wanted = clean(_FORBIDDEN.sub(" ", str(name))).strip(" '")[:31].strip(" '") or "表"
    if wanted.lower() == "history":  # reserved
        wanted += "表"
    made, number = wanted, 2
    while made.lower() in taken:
        tail = f"({number})"
        made, number = wanted[: 31 - len(tail)] + tail, number + 1
    taken.add(made.lower())
    return made
