"""What the tests of messages share."""

from contextlib import AbstractContextManager
from datetime import date, time

from sqlalchemy import select

from hearings.db import clock_at, db, local
from hearings.notices.models import Message

MONDAY = date(2026, 3, 2)


def at(day: date, hour: int = 9, minute: int = 0) -> AbstractContextManager[None]:
    """A moment of the wall clock."""
    return clock_at(local(day, time(hour, minute)))


def inbox_rows(user) -> list[Message]:
    """What a person's inbox holds, the oldest first."""
    wanted = select(Message).where(Message.user_id == user.id, Message.channel == "inbox")
    return list(db.session.scalars(wanted.order_by(Message.id)))


def inbox(user) -> list[str]:
    """The subjects of it."""
    return [m.subject for m in inbox_rows(user)]
