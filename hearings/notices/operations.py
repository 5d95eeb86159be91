"""Writes of the notices room that people ask for."""

from flask_babel import gettext as _

from .. import audit
from ..db import db, now
from ..errors import RuleBroken
from ..people.models import User
from . import outbox, queries, state
from .models import Channel, Message, MessageState, Preference


def send_again(old: Message, *, actor: User) -> Message | None:
    """Send a mail or a robot's message once more, as a message of its own. None while one is on its way already.

    Raises `RuleBroken` for what stands in an inbox, and for a mail about a hearing that a later one has overtaken:
    calendars would take the older for out of date, and the person would read a time that no longer holds.
    """
    if old.channel == Channel.INBOX:
        raise RuleBroken(_("It stands in the person's messages; only a mail can be sent again."))
    copies = queries.copies(old)
    if any(m.state == MessageState.WAITING for m in copies):
        return None
    if queries.is_overtaken(old):
        raise RuleBroken(_("A later mail to the same person has overtaken this one; send that one again."))
    made = outbox.write(
        key=f"{queries.stem(old)}:again{len(copies)}",
        kind=old.kind,
        channel=old.channel,
        user_id=old.user_id,
        hearing_id=old.hearing_id,
        name=old.name,
        address=old.address,
        reply_to=old.reply_to,
        subject=old.subject,
        text=old.text,
        url=old.url,
        urgent=True,
        calendar=old.calendar,
        method=old.method,
    )
    if made is not None:
        audit.record("message.again", old.hearing or old, actor)
    return made


def try_failed_again(*, actor: User) -> int:
    """Let those mails wait anew that failed because our own server could not send them. Returns how many."""
    rows = state.failed_here()
    for message in rows:
        message.state, message.attempts, message.send_after = MessageState.WAITING, 0, now()
    if rows:
        audit.record("setting.try_mail", actor, actor, count=len(rows))
    return len(rows)


def choose_mail(user: User, wanted: bool) -> None:
    """Whether everything is told by mail, or only what nobody can refuse (`reminders.LEGAL`)."""
    row = db.session.get(Preference, user.id)
    if row is None:
        row = Preference(user_id=user.id)
        db.session.add(row)
    row.mail = wanted
