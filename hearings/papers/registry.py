"""Every paper a hearing or an assignment can be printed as: what it is for, when there is something to print.

`before` and `after` compose and register; the pages only read this table. A composer takes the row and returns
the plain dict its template wants (templates/documents); its words are Chinese whatever the reader's language.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l

from ..schedule.models import Hearing, HearingStatus


class Group(StrEnum):
    """When a paper of a hearing is wanted."""

    BEFORE = "before"
    NIGHT = "night"
    AFTER = "after"


GROUP_LABELS = {
    Group.BEFORE: _l("Before the hearing"),
    Group.NIGHT: _l("On the night"),
    Group.AFTER: _l("After the hearing"),
}


@dataclass(frozen=True)
class State:
    """What there is of a hearing, counted once for all its papers (`queries.state`)."""

    hearing: Hearing
    seats: int = 0
    """Rows of the list of participants."""
    cards: int = 0
    """Of these, with a name to put on a card."""
    topics: int = 0
    issues: int = 0
    """Its own issues."""
    agenda: int = 0
    """Issues of others carried onto its list."""
    ballots: int = 0
    findings: int = 0


@dataclass(frozen=True, kw_only=True)
class Paper:
    """One kind of paper."""

    key: str
    """Its place in the address: `/hearings/7/papers/<key>.pdf`."""
    label: Any
    """Its name on the page."""
    purpose: Any
    """What it is for, in one line."""
    file: str
    """Its Chinese name in file names, e.g. 会议通知."""
    compose: Callable[[Any], dict[str, Any]]
    """From the hearing (or the assignment) to the dict of its template."""
    when: Callable[[Any], Any]
    """From the hearing's State (or the assignment): None when it can be printed now, else a sentence why not."""
    template: str = "paper"
    group: Group = Group.AFTER
    public_to_readers: bool = False
    """Whoever may read the hearing may have it; else it takes `paper.print`."""


PAPERS: dict[str, Paper] = {}
"""Papers of a hearing, in the order of the page within each group."""
ASSIGNMENT_PAPERS: dict[str, Paper] = {}
"""Papers of an assignment."""


def register(*papers: Paper) -> None:
    """Add papers of a hearing."""
    PAPERS.update({p.key: p for p in papers})


def register_for_assignments(*papers: Paper) -> None:
    """Add papers of an assignment: `compose` and `when` take the assignment."""
    ASSIGNMENT_PAPERS.update({p.key: p for p in papers})


GONE = {
    HearingStatus.CANCELLED: _l("The hearing has been cancelled."),
    HearingStatus.DISCARDED: _l("The draft has been discarded."),
}
POSTPONED = _l("The hearing is postponed; it is printed once there is a new date.")


def draft_or_later(state: State) -> Any:
    """Printable as soon as there is a draft (and then marked as one), while the date stands."""
    status = state.hearing.status
    return POSTPONED if status == HearingStatus.POSTPONED else GONE.get(status)


def announced(state: State) -> Any:
    """Printable once number, date and list are settled."""
    if state.hearing.status == HearingStatus.DRAFT:
        return _l("Possible once the hearing has been announced.")
    return draft_or_later(state)
