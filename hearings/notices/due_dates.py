"""Due dates in people's calendars by mail: a file with what is new, moved, kept or off, in the day's one digest.

A hearing is told at once and asks for an answer; a due date asks nothing and can wait for the morning, so it rides
along with the digest instead of making mails of its own. What a person's calendar was told is remembered, and only
the difference goes out (`told.compare`). Who has subscribed to a calendar here needs no file: all would show twice.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import or_, select
from sqlalchemy.orm import joinedload, selectinload

from ..calendars import feeds, ics
from ..calendars.models import CalendarFeed, FeedKind
from ..db import db, now, today
from ..filters import day
from ..issues.models import Commitment, CommitmentStatus, Issue, IssueStatus
from ..people.models import User
from . import outbox
from .models import Preference, ToldDueDate
from .queries import answering
from .told import compare

AT_ONCE = 200
"""Of one file; the rest comes the next day."""
READ_WITHIN = timedelta(days=30)
"""A subscribed calendar counts as long as something still reads it."""
LOOSE = (IssueStatus.REGISTERED, IssueStatus.RETURNED, IssueStatus.NOT_ACCEPTED, IssueStatus.TRANSFERRED)
"""Not with the department yet, or no longer: its promises bind nobody there."""
RUNNING = (CommitmentStatus.OPEN, CommitmentStatus.REPORTED)


class State(NamedTuple):
    """What a calendar must know of a promise; wording and progress are the subscribed calendar's business."""

    due: date
    status: str
    """`open` until it is `kept` or `released`."""


class Change(NamedTuple):
    """One line of the mail, and one entry of its file."""

    commitment_id: int
    row: ToldDueDate | None
    """What this person was told before."""
    state: State | None
    """What is told now; None: it is off for this person."""


def pending() -> dict[int, list[Change]]:
    """What has to be told, by person, the nearest date first. Nothing is noted before `attach()`."""
    told: dict[int, dict[int, ToldDueDate]] = defaultdict(dict)
    for row in db.session.scalars(
        select(ToldDueDate)
        .outerjoin(Commitment, Commitment.id == ToldDueDate.commitment_id)
        .where(or_(ToldDueDate.status == "open", Commitment.status.in_(RUNNING)))
    ):
        told[row.user_id][row.commitment_id] = row
    known = select(ToldDueDate.commitment_id).where(ToldDueDate.status == "open")
    promises = db.session.execute(
        select(Commitment.id, Commitment.lead_id, Commitment.status, Commitment.due_on)
        .join(Issue, Issue.id == Commitment.issue_id)
        .where(or_(Commitment.status.in_(RUNNING), Commitment.id.in_(known)), Issue.status.not_in(LOOSE))
        .order_by(Commitment.due_on, Commitment.id)
    ).all()
    people = {lead_id: answering(lead_id) for lead_id in {p.lead_id for p in promises}}
    wanted: dict[int, dict[int, State]] = defaultdict(dict)
    for promise in promises:
        state = State(promise.due_on, "open" if promise.status in RUNNING else promise.status)
        for user in people[promise.lead_id]:
            if promise.id in told[user.id] or (promise.status == CommitmentStatus.OPEN and promise.due_on >= today()):
                wanted[user.id][promise.id] = state
    found = {}
    for user_id in sorted({*told, *wanted} - _served_otherwise()):
        mine, stand = told[user_id], wanted[user_id]
        steps = compare({k: _heard(row) for k, row in mine.items()}, stand)
        keys = [*steps.gone, *sorted([*steps.fresh, *steps.changed], key=lambda k: stand[k].due)][:AT_ONCE]
        if keys:
            found[user_id] = [Change(key, mine.get(key), stand.get(key)) for key in keys]
    return found


def _heard(row: ToldDueDate) -> State | None:
    return State(row.due_on, row.status) if row.status is not None else None


def _served_otherwise() -> set[int]:
    """People whose own calendar reads ours, who want no mail, or who have left."""
    subscribed = select(CalendarFeed.user_id).where(
        CalendarFeed.kind.in_((FeedKind.PERSONAL, FeedKind.DEPARTMENT)),
        CalendarFeed.revoked_at.is_(None),
        CalendarFeed.read_at >= now() - READ_WITHIN,
    )
    silent = select(Preference.user_id).where(~Preference.mail)
    gone = select(User.id).where(~User.active)
    return set(db.session.scalars(subscribed.union(silent, gone)))


def lines(changes: Sequence[Change]) -> list[str]:
    """The changes in words, in the language that is set."""
    rows = _rows(changes)
    said = []
    for change in changes:
        promise, row, state = rows.get(change.commitment_id), change.row, change.state
        what = promise.measure if promise is not None else row.measure if row is not None else ""
        if state is None:
            said.append(_("No longer yours: %(what)s", what=what))
        elif state.status == CommitmentStatus.KEPT:
            said.append(f"{ics.KEPT_MARK}{what}")
        elif state.status == CommitmentStatus.RELEASED:
            said.append(_("No longer binding: %(what)s", what=what))
        elif row is not None and row.status is not None and row.due_on != state.due:
            said.append(_("%(new)s instead of %(old)s: %(what)s", new=day(state.due), old=day(row.due_on), what=what))
        else:
            said.append(_("Due on %(day)s: %(what)s", day=day(state.due), what=what))
    return said


def attach(user_id: int, changes: Sequence[Change]) -> str:
    """The file for this person's calendar (METHOD:PUBLISH), and the note of what it has told; the caller commits.

    SEQUENCE grows with every telling, even where the promise itself has not changed: it went to another office.
    """
    rows = _rows(changes)
    dues = []
    for change in changes:
        promise = rows.get(change.commitment_id)
        row = change.row
        if row is None:
            assert promise is not None
            row = ToldDueDate(user_id=user_id, commitment_id=change.commitment_id, uid=promise.uid, sequence=-1)
            db.session.add(row)
        if promise is not None:
            row.measure = promise.measure
        row.sequence = max(promise.sequence if promise is not None else 0, row.sequence + 1)
        row.status = change.state.status if change.state is not None else None
        if change.state is not None:
            row.due_on = change.state.due
        due = feeds.due(promise, outbox.base_url()) if promise is not None else _vanished(row)
        if change.state is None:
            due = replace(due, due=row.due_on, kept=False, released=True)
        dues.append(replace(due, sequence=row.sequence))
    db.session.flush()
    return ics.due_dates(
        dues,
        organiser=outbox.postal(outbox.sender()),
        organisation=current_app.config["ORGANISATION"],
        sent=now(),
        host=current_app.config["UID_HOST"],
    ).decode()


def _rows(changes: Sequence[Change]) -> dict[int, Commitment]:
    found = db.session.scalars(
        select(Commitment)
        .where(Commitment.id.in_([c.commitment_id for c in changes]))
        .options(
            joinedload(Commitment.lead),
            selectinload(Commitment.co_handlers),
            joinedload(Commitment.issue).joinedload(Issue.hearing),
        )
    ).unique()
    return {c.id: c for c in found}


def _vanished(row: ToldDueDate) -> ics.Due:
    """What is left of a promise that was taken off the record."""
    return ics.Due(
        uid=row.uid,
        sequence=0,
        created=now(),
        changed=now(),
        due=row.due_on,
        measure=row.measure,
        url="",
        released=True,
    )
