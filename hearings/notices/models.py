"""Messages to people, invitations with their answers, and how far the worker has read the trail."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column, relationship

from ..db import Model, enum_column, now
from ..people.models import User
from ..permissions import Clause, Role, scope
from ..schedule.models import Hearing, hearings_of_organiser


class Channel(StrEnum):
    INBOX = "inbox"
    """The page in this house; always."""
    MAIL = "mail"
    ROBOT = "robot"
    """A group's webhook."""


class MessageState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"
    DROPPED = "dropped"
    """Overtaken before it went out."""


class Message(Model):
    """One message to one recipient by one channel. `key` is unique, so nobody hears of one thing twice."""

    __table_args__ = (
        CheckConstraint("channel <> 'mail' OR address IS NOT NULL", name="mail_has_address"),
        CheckConstraint("state <> 'sent' OR sent_at IS NOT NULL", name="sent_has_time"),
        Index("ix_message_state_send_after", "state", "send_after"),
        Index("ix_message_user_id_channel_read_at", "user_id", "channel", "read_at"),
        Index("ix_message_hearing_id", "hearing_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    kind: Mapped[str]
    """The act or the rule it comes from, e.g. `issue.assign`, `due.before`."""
    channel: Mapped[Channel] = enum_column(Channel)
    state: Mapped[MessageState] = enum_column(MessageState, default=MessageState.WAITING)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    hearing_id: Mapped[int | None] = mapped_column(ForeignKey("hearing.id"))
    name: Mapped[str | None]
    address: Mapped[str | None]
    reply_to: Mapped[str | None]
    """The person whom a written answer reaches; the buttons of a mail program answer to our own mailbox."""
    subject: Mapped[str]
    text: Mapped[str]
    url: Mapped[str | None]
    """Where it is done, as a path of this house."""
    urgent: Mapped[bool] = mapped_column(default=False)
    """A hearing changed: neither quiet hours nor the daily digest hold it back."""
    calendar: Mapped[str | None]
    """The iTIP part of a scheduling mail, or the file of due dates that goes with a digest."""
    method: Mapped[str | None]
    """REQUEST, CANCEL, or PUBLISH for that file (RFC 5546)."""
    part_of_id: Mapped[int | None] = mapped_column(ForeignKey("message.id"), index=True)
    """The digest that carries it by mail."""
    created_at: Mapped[datetime] = mapped_column(default=now)
    send_after: Mapped[datetime] = mapped_column(default=now)
    claimed_until: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]
    error: Mapped[str | None]
    message_id: Mapped[str | None]
    maybe_twice: Mapped[bool] = mapped_column(default=False)
    """A crash left its fate unknown, so it went again under the same Message-ID."""
    read_at: Mapped[datetime | None]

    user: Mapped[User | None] = relationship()
    hearing: Mapped[Hearing | None] = relationship()


class Reply(StrEnum):
    NONE = "none"
    ACCEPTED = "accepted"
    TENTATIVE = "tentative"
    DECLINED = "declined"


REPLY_LABELS = {
    Reply.NONE: _l("no answer yet"),
    Reply.ACCEPTED: _l("comes"),
    Reply.TENTATIVE: _l("perhaps"),
    Reply.DECLINED: _l("does not come"),
}


class Invitation(Model):
    """That somebody was asked to a hearing by mail, and what they answered."""

    __table_args__ = (
        UniqueConstraint("hearing_id", "address"),
        CheckConstraint("answer = 'none' OR answered_at IS NOT NULL", name="answer_has_time"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int] = mapped_column(ForeignKey("hearing.id"))
    participant_id: Mapped[int | None] = mapped_column(index=True)
    """The seat; no foreign key, because a seat may be taken off the list while this stays."""
    user_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"), index=True)
    name: Mapped[str]
    address: Mapped[str]
    """Lower case."""
    sequence: Mapped[int] = mapped_column(default=0)
    """SEQUENCE of the last mail; it grows with every one, or a client would leave the later one unread."""
    asked_sequence: Mapped[int] = mapped_column(default=0)
    """SEQUENCE of the last mail that asked: an answer to an earlier one is stale."""
    asked_at: Mapped[datetime] = mapped_column(default=now)
    told: Mapped[dict[str, Any]]
    """Time and place as told last, to say in a sentence what changed."""
    withdrawn_at: Mapped[datetime | None]
    """When a CANCEL went to this person."""
    answer: Mapped[Reply] = enum_column(Reply, default=Reply.NONE)
    answered_at: Mapped[datetime | None]
    answered_by: Mapped[str | None]
    """link, mail, or organiser."""
    noted_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    """Who wrote down what was said by telephone, or took a doubtful mail as the answer."""
    note: Mapped[str | None]
    delegate: Mapped[str | None]
    """Who comes instead."""
    delegate_title: Mapped[str | None]
    locale: Mapped[str | None]
    """The language that a guest without a sign-in answered in; theirs from then on."""
    reminded_at: Mapped[datetime | None]
    trouble: Mapped[str | None]
    """Why the last mail to this address was given up; empty again once one went out."""

    hearing: Mapped[Hearing] = relationship()
    user: Mapped[User | None] = relationship(foreign_keys=[user_id])
    noted_by: Mapped[User | None] = relationship(foreign_keys=[noted_by_id])


class ToldDueDate(Model):
    """What a person's calendar was told last of a promise, by the file of a digest."""

    __table_args__ = (UniqueConstraint("user_id", "commitment_id"), Index("ix_told_due_date_status", "status"))

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    commitment_id: Mapped[int] = mapped_column(index=True)
    """No foreign key: a promise may be taken off the record, and then this person must hear that it is off."""
    due_on: Mapped[date]
    status: Mapped[str | None]
    """open, kept, released; None once it was told that it is off for this person."""
    uid: Mapped[str]
    measure: Mapped[str]
    """As told, to call the entry off when the promise is no longer there."""
    sequence: Mapped[int] = mapped_column(default=0)


class DoubtfulAnswer(Model):
    """An answer by mail that a person has to look at: not authentic, a counter-proposal, somebody unknown."""

    id: Mapped[int] = mapped_column(primary_key=True)
    hearing_id: Mapped[int | None] = mapped_column(ForeignKey("hearing.id"), index=True)
    sender: Mapped[str]
    attendee: Mapped[str]
    said: Mapped[str]
    """PARTSTAT or METHOD as it came."""
    delegate: Mapped[str | None]
    """Whom it names instead: an address."""
    why: Mapped[str]
    """unknown, forged, counter, delegated, unreadable."""
    at: Mapped[datetime] = mapped_column(default=now)
    settled_at: Mapped[datetime | None]
    digest: Mapped[str] = mapped_column(unique=True)
    """Of the mail, so that fetching it twice makes one line."""

    hearing: Mapped[Hearing | None] = relationship()


class Cursor(Model):
    """How far the trail has been read."""

    __tablename__ = "news_cursor"

    name: Mapped[str] = mapped_column(primary_key=True)
    audit_id: Mapped[int] = mapped_column(default=0)
    at: Mapped[datetime] = mapped_column(default=now)


class Heartbeat(Model):
    """When a part that works by itself was last there: the worker, the reading of the mailbox."""

    name: Mapped[str] = mapped_column(primary_key=True)
    tried_at: Mapped[datetime]
    at: Mapped[datetime | None]
    """When it last ended well."""
    trouble: Mapped[str | None]
    """How it ended last, when not well."""


class Preference(Model):
    """By which channels a person is told; the inbox is always one."""

    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), primary_key=True)
    mail: Mapped[bool] = mapped_column(default=True)


@scope("message", Role.ORGANISER)
def _messages_of_organiser(user: Any) -> Clause:
    return Message.hearing_id.in_(select(Hearing.id).where(hearings_of_organiser(user)))


@scope("invitation", Role.ORGANISER)
def _invitations_of_organiser(user: Any) -> Clause:
    return Invitation.hearing_id.in_(select(Hearing.id).where(hearings_of_organiser(user)))
