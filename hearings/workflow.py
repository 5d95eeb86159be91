"""The machine: which moves each thing can make. One table per entity, one door: `advance()`.

A guard says in words why a move cannot happen yet; the room that knows the reason registers it, also a later
room for an earlier entity. Templates draw the buttons that `moves()` returns, so a button always works.
"""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l

from . import audit
from .db import now
from .errors import RuleBroken


@dataclass(frozen=True)
class Move:
    """One row of a table: from these statuses to that one, stamping the time in a column if named."""

    name: str
    sources: frozenset[str]
    target: str
    stamp: str | None = None


def _move(name: str, sources: str, target: str, stamp: str | None = None) -> Move:
    return Move(name, frozenset(sources.split("|")), target, stamp)


MACHINES: dict[str, dict[str, Move]] = {
    entity: {m.name: m for m in table}
    for entity, table in {
        "hearing": (
            _move("announce", "draft", "announced", "announced_at"),
            _move("open", "announced", "in_session", "opened_at"),
            _move("conclude", "in_session", "concluded", "concluded_at"),
            _move("resume", "concluded", "in_session"),
            _move("file", "concluded", "filed", "filed_at"),
            _move("reschedule", "announced|postponed", "announced"),
            _move("postpone", "announced", "postponed"),
            _move("cancel", "draft|announced|postponed", "cancelled", "cancelled_at"),
            _move("discard", "draft", "discarded"),
        ),
        "issue": (
            _move("assign", "registered|returned", "assigned", "assigned_at"),
            _move("accept", "assigned", "in_handling"),
            _move("reply", "in_handling", "replied", "replied_at"),
            _move("strike_off", "replied", "struck_off", "closed_at"),
            _move("explain", "registered|replied", "answered", "closed_at"),
            _move("decline", "registered", "not_accepted", "closed_at"),
            _move("transfer", "registered", "transferred", "closed_at"),
            _move("return", "assigned", "returned"),
            _move("rework", "assigned|in_handling|replied", "in_handling"),
            _move("reopen", "answered|not_accepted|struck_off|transferred", "registered"),
        ),
        "assignment": (
            _move("accept", "assigned", "accepted", "accepted_at"),
            _move("return", "assigned", "returned", "returned_at"),
            _move("reply", "accepted|replied", "replied", "replied_at"),
            _move("supersede", "assigned|accepted|replied|returned", "superseded"),
        ),
        "commitment": (
            _move("report_done", "open", "reported", "reported_at"),
            _move("verify", "open|reported", "kept", "closed_at"),
            _move("reject", "reported", "open"),
            _move("release", "open|reported", "released", "closed_at"),
        ),
        "confirmation": (
            _move("confirm", "asked", "confirmed", "answered_at"),
            _move("refuse", "asked", "refused", "answered_at"),
            _move("waive", "asked", "waived", "answered_at"),
            _move("withdraw", "asked", "withdrawn", "answered_at"),
        ),
        "extension": (
            _move("grant", "asked", "granted", "decided_at"),
            _move("refuse", "asked", "refused", "decided_at"),
            _move("withdraw", "asked", "withdrawn", "decided_at"),
        ),
        "minutes": (
            _move("review", "draft", "reviewed", "reviewed_at"),
            _move("return", "reviewed", "draft"),
            _move("publish", "reviewed", "published", "published_at"),
        ),
    }.items()
}

LABELS: dict[str, dict[str, Any]] = {
    "hearing": {
        "draft": _l("Draft"),
        "announced": _l("Announced"),
        "in_session": _l("In session"),
        "concluded": _l("Concluded"),
        "filed": _l("Filed"),
        "postponed": _l("Postponed"),
        "cancelled": _l("Cancelled"),
        "discarded": _l("Discarded"),
    },
    "issue": {
        "registered": _l("Registered"),
        "assigned": _l("Assigned"),
        "in_handling": _l("In handling"),
        "replied": _l("Replied"),
        "struck_off": _l("Struck off"),
        "answered": _l("Settled by explanation"),
        "not_accepted": _l("Not accepted"),
        "transferred": _l("Transferred"),
        "returned": _l("Returned"),
    },
    "assignment": {
        "assigned": _l("To be accepted"),
        "accepted": _l("Accepted"),
        "returned": _l("Returned"),
        "replied": _l("Replied"),
        "superseded": _l("Superseded"),
    },
    "commitment": {
        "open": _l("Open"),
        "reported": _l("Reported done"),
        "kept": _l("Kept"),
        "released": _l("Released"),
    },
    "confirmation": {
        "asked": _l("Waiting for the deputy"),
        "confirmed": _l("Confirmed"),
        "refused": _l("Refused"),
        "waived": _l("Waived"),
        "withdrawn": _l("No longer asked"),
    },
    "extension": {
        "asked": _l("Asked"),
        "granted": _l("Granted"),
        "refused": _l("Refused"),
        "withdrawn": _l("No longer needed"),
    },
    "minutes": {"draft": _l("Draft"), "reviewed": _l("Reviewed"), "published": _l("Published")},
}

Guard = Callable[..., None]
_guards: dict[str, list[Guard]] = defaultdict(list)


def guard(action: str) -> Callable[[Guard], Guard]:
    """Register `check(thing)` for a move, e.g. `@guard("hearing.file")`; it raises `RuleBroken` to refuse."""

    def register(check: Guard) -> Guard:
        _guards[action].append(check)
        return check

    return register


def ask_guards(action: str, thing: Any) -> None:
    """Ask the guards of an act that is no move of the table, such as removing a row; they raise `RuleBroken`."""
    for check in _guards[action]:
        check(thing)


def label(entity: str, status: str) -> Any:
    """The word for a status, lazily translated."""
    return LABELS[entity][status]


def moves(thing: Any) -> list[str]:
    """The moves that the thing's status allows now (guards are asked only when one is made)."""
    return [m.name for m in MACHINES[thing.__tablename__].values() if thing.status in m.sources]


def refusal(thing: Any, move: str) -> RuleBroken | None:
    """Why this move cannot happen now, or None."""
    entity = thing.__tablename__
    row = MACHINES[entity][move]
    if thing.status not in row.sources:
        return RuleBroken(_l("This is not possible while it is “%(status)s”.", status=label(entity, thing.status)))
    for check in _guards[f"{entity}.{move}"]:
        try:
            check(thing)
        except RuleBroken as broken:
            return broken
    return None


def advance(thing: Any, move: str, *, actor: Any, **details: Any) -> None:
    """Make a move: the only way a status changes. Writes the stamp and the audit line `<entity>.<move>`.

    Raises `RuleBroken` when the status or a guard forbids it. Things that calendars show count the change.
    """
    broken = refusal(thing, move)
    if broken is not None:
        raise broken
    entity = thing.__tablename__
    row = MACHINES[entity][move]
    before = thing.status
    thing.status = row.target
    if row.stamp:
        setattr(thing, row.stamp, now())
    if hasattr(thing, "touch"):
        thing.touch()
    audit.record(f"{entity}.{move}", thing, actor, status=row.target, before=str(before), **details)
