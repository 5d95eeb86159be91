"""Time limits: how long there is for what, and how a date came about.

A date that was reckoned keeps its basis as a short code, free of any language, e.g. `months:3:assigned` or
`workdays:10:2021-03-25`; pages and papers say it in words (`basis_words`, `basis_on_paper`).
"""

import re
from datetime import date

from flask_babel import gettext as _

from .. import workdays
from ..errors import RuleBroken
from ..filters import day as day_words
from ..language import in_chinese

ASSIGNED, HEARING = "assigned", "hearing"
"""What a length is counted from, when it is not a day of the calendar."""

REWORK, HARD, OPINION = "rework", "hard", "opinion"
"""Notes of a basis: the limit of handling again, of a hard matter, of a co-handler's opinion to the lead."""

SET_AT_ASSIGNING, SET_AT_REWORK, SET_ON_THE_NIGHT = "set:assigned", "set:rework", "set:hearing"
"""Not reckoned: the organiser said the day, or the department did, when it promised an answer."""

_CODE = re.compile(r"(workdays|days|months):(\d{1,3}):(assigned|hearing|\d{4}-\d{2}-\d{2})((?::[a-z0-9-]+)*)")


def code(
    count: int, unit: str, start: date | str, due: date, *notes: str, table: dict[date, bool] | None = None
) -> str:
    """The basis of a date: `count` `unit`s (workdays, months) from `start`, with what else is to be said of it.

    Notes when the date lies in a year whose holidays nobody has published yet. `table`: as in `workdays`.
    """
    if not workdays.year_is_known(due.year, table):
        notes = (*notes, f"unpublished-{due.year}")
    return ":".join([unit, str(count), start.isoformat() if isinstance(start, date) else start, *notes])


def due_by(start: date, count: int, unit: str) -> tuple[date, str]:
    """A due date from "n working days / months", with its basis. Raises `RuleBroken` for an odd length."""
    if unit not in ("workdays", "months") or not 1 <= count <= (120 if unit == "months" else 750):
        raise RuleBroken(_("Between 1 and 750 working days, or 1 and 120 months."), "count")
    due = workdays.LIMITS[unit](start, count)
    return due, code(count, unit, start, due)


def recomputed(basis: str | None, table: dict[date, bool], **starts: date) -> date | None:
    """The date that a basis gives under this table of working days, or None when it was not reckoned.

    `starts` are the days of `assigned` and `hearing`.
    """
    found = _CODE.fullmatch(basis or "")
    if not found:
        return None
    start = starts.get(found[3]) if found[3] in (ASSIGNED, HEARING) else date.fromisoformat(found[3])
    return None if start is None else workdays.LIMITS[found[1]](start, int(found[2]), table)


def basis_words(basis: str | None) -> str:
    """How a date came about, in the page's language: "3 months from the day of assignment".

    What is no code of ours is said as it stands.
    """
    if basis == SET_AT_ASSIGNING:
        return _("set when it was assigned")
    if basis == SET_AT_REWORK:
        return _("set when it was to be handled again")
    if basis == SET_ON_THE_NIGHT:
        return _("the answer promised at the hearing")
    found = _CODE.fullmatch(basis or "")
    if not found:
        return basis or ""
    length = _length(int(found[2]), found[1])
    if found[3] == ASSIGNED:
        words = _("%(length)s from the day of assignment", length=length)
    elif found[3] == HEARING:
        words = _("%(length)s from the hearing", length=length)
    else:
        words = _("%(length)s from %(day)s", length=length, day=day_words(date.fromisoformat(found[3])))
    for note in found[4].split(":")[1:]:
        words = _("%(basis)s (%(note)s)", basis=words, note=_note(note))
    return words


def basis_on_paper(basis: str | None) -> str:
    """The same in Chinese, whatever language the reader's pages are in."""
    with in_chinese():
        return basis_words(basis)


def _length(count: int, unit: str) -> str:
    if unit == "months":
        return _("1 month") if count == 1 else _("%(count)d months", count=count)
    if unit == "days":
        return _("1 day") if count == 1 else _("%(count)d days", count=count)
    return _("1 working day") if count == 1 else _("%(count)d working days", count=count)


def _note(note: str) -> str:
    kind, _dash, year = note.partition("-")
    if kind == "unpublished":
        return _("the holidays of %(year)s are not published yet, the date may change", year=year)
    return {
        REWORK: _("handled again"),
        HARD: _("hard matter"),
        OPINION: _("opinion to the lead"),
    }.get(note, note)
