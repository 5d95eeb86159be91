"""Small rules that need no database: the light of a date, the reference of an issue, words for acts."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from flask import current_app
from flask_babel import lazy_gettext as _l

from ..db import LOCAL, today

LIGHT_WORDS = {
    "red": _l("overdue"),
    "yellow": _l("due soon"),
    "green": _l("on time"),
    "blue": _l("concluded"),
    "grey": _l("no deadline"),
}
"""Most urgent first."""

OWED = ("open", "reported")
"""Statuses of a promise that is not settled yet."""


def soon() -> int:
    """How many days before its date a promise turns yellow."""
    return int(current_app.config["LIGHT_YELLOW_DAYS"])


def light(thing: Any, status: str | None = None, on: date | None = None) -> str:
    """The light of a promise on a day: green, yellow (due within LIGHT_YELLOW_DAYS), red (overdue), blue, grey.

    `thing` is a commitment or a due date (None: no date, grey). What is kept is blue, what was released grey.
    What has been reported done is judged by the day it was reported: the department waits for us, not we for it.
    The due day itself still counts (民法典 art. 201: "before" a day includes it).
    """
    due = getattr(thing, "due_on", thing)
    status = status or getattr(thing, "status", "open")
    if status == "kept":
        return "blue"
    if status == "released" or due is None:
        return "grey"
    on = on or today()
    reported = getattr(thing, "reported_at", None)
    if status == "reported":
        if reported is not None:
            on = min(on, reported.astimezone(LOCAL).date())
        return "red" if due < on else "green"
    if due < on:
        return "red"
    return "yellow" if due <= on + timedelta(days=soon()) else "green"


def owed(assignment: Any, promises: Iterable[Any]) -> list[tuple[Any, date]]:
    """What a department owes on an assignment, each with its day: None for its reply or opinion, then its promises.

    `promises` are the issue's commitments, of every round.
    """
    found: list[tuple[Any, date]] = []
    issue = assignment.issue
    if assignment.status in ("assigned", "accepted") and not issue.is_closed and assignment.round == issue.round:
        found.append((None, assignment.due_on))
    mine = (c for c in promises if c.lead_id == assignment.department_id and c.status == "open")
    return found + [(c, c.due_on) for c in mine]


def overdue(assignment: Any, promises: Iterable[Any], on: date | None = None) -> list[tuple[Any, date]]:
    """What of it can be supervised (督办): past its day, and not a co-handler's opinion, which the lead waits for."""
    on = on or today()
    helps = assignment.part == "co_handler"
    return [(c, due) for c, due in owed(assignment, promises) if due < on and not (helps and c is None)]


def days_left(due: date, on: date | None = None) -> int:
    """Days until the due day; negative when it has passed."""
    return (due - (on or today())).days


def reference(serial_no: int | None, hearing_id: int, number: int) -> str:
    """The number printed everywhere: 9-01, or H12-01 for a hearing without a running number."""
    return f"{serial_no}-{number:02d}" if serial_no else f"H{hearing_id}-{number:02d}"
