"""Whether people can be told: when the worker was last there and the mailbox last read, what waits, what failed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import Row, func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from ..db import db, now
from . import outbox, queries
from .models import Channel, Heartbeat, Message, MessageState

EVERY = timedelta(minutes=1)
"""How often a worker says that it is there."""
MISSING = timedelta(minutes=10)
"""A worker that has said nothing for so long is not there; a mail may be on its way for so long."""
LOOKS_BACK = timedelta(days=14)
"""What has failed earlier is nobody's trouble any more."""
AT_ONCE = 50


def beat(name: str, *, every: timedelta = timedelta(0)) -> bool:
    """Note that `name` begins its work now; commits. False when it, or another like it, did within `every`."""
    moment = now()
    taken = db.session.execute(
        update(Heartbeat)
        .where(Heartbeat.name == name, Heartbeat.tried_at <= moment - every)
        .values(tried_at=moment)
        .execution_options(synchronize_session=False)
    )
    new = False
    if not taken.rowcount and db.session.get(Heartbeat, name) is None:  # type: ignore[attr-defined]
        try:
            with db.session.begin_nested():
                db.session.add(Heartbeat(name=name, tried_at=moment))
                db.session.flush()
            new = True
        except IntegrityError:  # another one was first
            pass
    db.session.commit()
    return new or bool(taken.rowcount)  # type: ignore[attr-defined]


def ended(name: str, trouble: str | None = None) -> None:
    """Note how what `beat()` began has ended; the caller commits."""
    row = db.session.get(Heartbeat, name, populate_existing=True)
    if row is None:
        row = Heartbeat(name=name, tried_at=now())
        db.session.add(row)
    row.trouble = trouble[:500] if trouble else None
    if trouble is None:
        row.at = now()


class State(NamedTuple):
    """What an administrator needs to see."""

    worker: Heartbeat | None
    worker_is_there: bool
    mailbox: Heartbeat | None
    waiting: int
    since: datetime | None
    """When the oldest that waits was written."""
    again: datetime | None
    """When the next of them is tried."""
    sent: int
    """Within a day."""
    failed: Sequence[Row[Any]]
    """Per address: name, user_id, address, count, when, error."""
    robot: str | None
    """What the group's server said last when a message to it failed."""


def _outside() -> Any:
    return Message.channel.in_((Channel.MAIL, Channel.ROBOT)), Message.part_of_id.is_(None)


def look() -> State:
    """The state of the outbox."""
    beats = {row.name: row for row in db.session.scalars(select(Heartbeat))}
    waits = (*_outside(), Message.state == MessageState.WAITING)
    waiting, since, again = db.session.execute(
        select(func.count(), func.min(Message.created_at), func.min(Message.send_after)).where(*waits)
    ).one()
    sent = db.session.scalar(
        select(func.count()).where(
            *_outside(), Message.state == MessageState.SENT, Message.sent_at >= now() - timedelta(days=1)
        )
    )
    return State(
        worker=beats.get("worker"),
        worker_is_there=_is_there(beats.get("worker")),
        mailbox=beats.get("mailbox"),
        waiting=waiting,
        since=since,
        again=again,
        sent=sent or 0,
        failed=_failed(),
        robot=_robot(),
    )


def _is_there(worker: Heartbeat | None) -> bool:
    return worker is not None and worker.tried_at >= now() - MISSING


def _failed() -> Sequence[Row[Any]]:
    """Addresses that the last mail did not reach, the newest first."""
    later = aliased(Message)
    arrived = select(later.id).where(
        later.address == Message.address, later.id > Message.id, later.state == MessageState.SENT
    )
    last = (
        select(func.max(Message.id).label("id"), func.count().label("count"))
        .where(
            Message.channel == Channel.MAIL,
            Message.state == MessageState.FAILED,
            Message.created_at >= now() - LOOKS_BACK,
            ~arrived.exists(),
        )
        .group_by(Message.address)
        .subquery()
    )
    return db.session.execute(
        select(
            Message.name, Message.user_id, Message.address, last.c.count, Message.created_at.label("at"), Message.error
        )
        .join(last, last.c.id == Message.id)
        .order_by(Message.id.desc())
        .limit(AT_ONCE)
    ).all()


def _robot() -> str | None:
    newest = select(Message.error).where(Message.channel == Channel.ROBOT).order_by(Message.id.desc()).limit(1)
    return db.session.scalar(newest)


class Alarm(NamedTuple):
    """That people are not told, for the administrator's front page; each True or False."""

    worker: bool
    waiting: bool
    mailbox: bool


def alarm() -> Alarm | None:
    """What is wrong with telling people, or None. In quiet hours nothing that waits is late."""
    beats = {row.name: row for row in db.session.scalars(select(Heartbeat))}
    worker, mailbox = beats.get("worker"), beats.get("mailbox")
    late = outbox.mail_is_set() and not outbox.is_quiet() and _waits_long()
    found = Alarm(
        worker=worker is not None and not _is_there(worker),
        waiting=late,
        mailbox=bool(current_app.config["MAIL_IMAP_HOST"] and mailbox is not None and mailbox.trouble),
    )
    return found if any(found) else None


def _waits_long() -> bool:
    """Whether the mail server has refused for so long that somebody should look."""
    waits = select(Message.id).where(
        *_outside(),
        Message.state == MessageState.WAITING,
        Message.attempts > 1,
        Message.created_at < now() - MISSING,
    )
    return db.session.scalar(waits.limit(1)) is not None


def failed_here() -> list[Message]:
    """Mails that failed because our own server could not send them, and that nothing has overtaken."""
    rows = db.session.scalars(
        select(Message)
        .where(
            Message.channel == Channel.MAIL,
            Message.state == MessageState.FAILED,
            Message.created_at >= now() - LOOKS_BACK,
        )
        .order_by(Message.id)
    ).all()
    ours = ("ours", "other", "letters")
    return [m for m in rows if queries.trouble(m.error) in ours and not queries.is_overtaken(m)]
