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


def inbox(user) -> list[str]:
    """The subjects that a person's inbox holds, the oldest first."""
    rows = db.session.scalars(
        select(Message).where(Message.user_id == user.id, Message.channel == "inbox").order_by(Message.id)
    )
    return [m.subject for m in rows]
