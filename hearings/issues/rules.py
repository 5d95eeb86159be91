"""Small rules that need no database: the light of a date, the reference of an issue, words for acts."""

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


def days_left(due: date, on: date | None = None) -> int:
    """Days until the due day; negative when it has passed."""
    return (due - (on or today())).days


def reference(serial_no: int | None, hearing_id: int, number: int) -> str:
    """The number printed everywhere: 9-01, or H12-01 for a hearing without a running number."""
    return f"{serial_no}-{number:02d}" if serial_no else f"H{hearing_id}-{number:02d}"


ACTION_WORDS = {
    "issue.log": _l("Logged"),
    "issue.amend": _l("Changed"),
    "issue.outcome": _l("Outcome of the evening noted"),
    "issue.assign": _l("Assigned"),
    "issue.accept": _l("Accepted"),
    "issue.return": _l("Returned"),
    "issue.reply": _l("Replied"),
    "issue.strike_off": _l("Struck off"),
    "issue.strike_off.undo": _l("Striking off undone"),
    "issue.explain": _l("Settled by explanation"),
    "issue.explain.undo": _l("Settling undone"),
    "issue.decline": _l("Not accepted"),
    "issue.transfer": _l("Transferred"),
    "issue.rework": _l("To be handled again"),
    "issue.round": _l("New round"),
    "issue.reopen": _l("Reopened"),
    "issue.figure": _l("Figure added"),
    "issue.figure.remove": _l("Figure removed"),
    "issue.attach": _l("File added"),
    "issue.detach": _l("File removed"),
    "issue.detach.undo": _l("File put back"),
    "issue.remove": _l("Removed"),
    "issue.remove.undo": _l("Put back"),
    "assignment.make": _l("Handed to the department"),
    "assignment.accept": _l("Accepted by the department"),
    "assignment.return": _l("Returned by the department"),
    "assignment.reply": _l("Reply of the department"),
    "assignment.progress": _l("Progress reported"),
    "assignment.supersede": _l("Replaced by a new round"),
    "commitment.make": _l("Commitment recorded"),
    "commitment.correct": _l("Commitment corrected"),
    "commitment.remove": _l("Commitment removed"),
    "commitment.remove.undo": _l("Commitment put back"),
    "commitment.report_done": _l("Reported done"),
    "commitment.verify": _l("Verified: kept"),
    "commitment.verify.undo": _l("Verifying undone"),
    "commitment.reject": _l("Report sent back"),
    "commitment.release": _l("Released"),
    "commitment.progress": _l("Progress found"),
    "extension.ask": _l("Extension asked for"),
    "extension.grant": _l("Extension granted"),
    "extension.refuse": _l("Extension refused"),
    "exchange.add": _l("Words recorded"),
    "exchange.amend": _l("Words changed"),
    "exchange.remove": _l("Words removed"),
    "exchange.remove.undo": _l("Words put back"),
    "look_back.carry_in": _l("Put on the look-back's list"),
    "look_back.drop": _l("Taken off the look-back's list"),
    "look_back.drop.undo": _l("Put back on the look-back's list"),
    "finding.record": _l("Finding recorded"),
    "ballot.record": _l("Ballot recorded"),
    "ballot.record.undo": _l("Ballot taken back"),
    "confirmation.ask": _l("Deputy asked to confirm"),
    "confirmation.remind": _l("Deputy reminded"),
    "confirmation.on_the_spot": _l("Deputy agreed on the spot"),
    "confirmation.confirm": _l("Confirmed by the deputy"),
    "confirmation.confirm.undo": _l("Confirming undone"),
    "confirmation.refuse": _l("Refused by the deputy"),
    "confirmation.waive": _l("Confirmation waived"),
}
"""The trail's acts in words, for the history of an issue or a promise."""


def act_words(action: str) -> Any:
    """An act of the trail in words."""
    return ACTION_WORDS.get(action, _l("Changed"))
