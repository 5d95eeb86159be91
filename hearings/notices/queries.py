"""Reads of the notices room."""

import re
from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l
from sqlalchemy import bindparam, or_, select
from sqlalchemy.orm import joinedload

from ..calendars import feeds
from ..db import db
from ..people.models import Department, User, UserRole
from ..permissions import Role, scoped
from ..prepared import ask
from ..schedule.models import Came, Capacity, Hearing, HearingStatus, Participant
from .models import Channel, DoubtfulAnswer, Invitation, Message, MessageState, Reply
from .outbox import NO_UTF8

AT_ONCE = 50


def inbox(user_id: int, *, before: int | None = None, only_unread: bool = False) -> Sequence[Message]:
    """A page of a person's messages, newest first, and one more to know whether there are older ones."""
    wanted = select(Message).where(Message.user_id == user_id, Message.channel == Channel.INBOX)
    if only_unread:
        wanted = wanted.where(Message.read_at.is_(None))
    if before is not None:
        wanted = wanted.where(Message.id < before)
    return db.session.scalars(wanted.order_by(Message.id.desc()).limit(AT_ONCE + 1)).all()


def sent(
    user: Any, *, hearing_id: int | None = None, to_id: int | None = None, before: int | None = None
) -> Sequence[Message]:
    """What was sent about a hearing, or to a person, as far as this one may see it; newest first.

    What was sent to oneself one may always see.
    """
    wanted = select(Message).options(joinedload(Message.hearing))
    if to_id != user.id:
        wanted = wanted.where(scoped("message.read", user, Message))
    if hearing_id is not None:
        wanted = wanted.where(Message.hearing_id == hearing_id)
    if to_id is not None:
        wanted = wanted.where(Message.user_id == to_id)
    if before is not None:
        wanted = wanted.where(Message.id < before)
    return db.session.scalars(wanted.order_by(Message.id.desc()).limit(AT_ONCE + 1)).all()


def stem(message: Message) -> str:
    """The key of the first of its copies."""
    return message.key.partition(":again")[0]


def copies(message: Message) -> Sequence[Message]:
    """The message itself and whatever was sent again of it."""
    first = stem(message)
    again = Message.key.startswith(f"{first}:again", autoescape=True)
    return db.session.scalars(select(Message).where(or_(Message.key == first, again)).order_by(Message.id)).all()


def is_overtaken(message: Message) -> bool:
    """Whether a later scheduling mail about the same hearing went to the same address."""
    if message.method is None:
        return False
    own = [m.id for m in copies(message)]
    later = select(Message.id).where(
        Message.hearing_id == message.hearing_id,
        Message.address == message.address,
        Message.method.is_not(None),
        Message.id > min(own),
        Message.id.not_in(own),
    )
    return db.session.scalar(later.limit(1)) is not None


def invitations_of(hearing_id: int) -> Sequence[Invitation]:
    """Everybody who was asked by mail to a hearing, those who have not answered first."""
    rows = db.session.scalars(
        select(Invitation)
        .where(Invitation.hearing_id == hearing_id)
        .options(joinedload(Invitation.noted_by))
        .order_by(Invitation.id)
    ).all()
    order = {Reply.NONE: 0, Reply.TENTATIVE: 1, Reply.DECLINED: 2, Reply.ACCEPTED: 3}
    return sorted(rows, key=lambda r: (r.withdrawn_at is not None, order[r.answer], r.id))


def seats_of(rows: Sequence[Invitation]) -> dict[int, Participant]:
    """The seats of invitations, by number; those off the list are missing."""
    ids = [r.participant_id for r in rows if r.participant_id is not None]
    return {s.id: s for s in db.session.scalars(select(Participant).where(Participant.id.in_(ids)))}


def unasked(hearing_id: int) -> Sequence[Participant]:
    """Seats that nobody could be asked of by mail, because no address is known; residents are not asked."""
    asked = select(Invitation.participant_id).where(
        Invitation.hearing_id == hearing_id, Invitation.withdrawn_at.is_(None), Invitation.participant_id.is_not(None)
    )
    return db.session.scalars(
        select(Participant)
        .where(
            Participant.hearing_id == hearing_id,
            Participant.id.not_in(asked),
            Participant.capacity != Capacity.RESIDENT,
            Participant.came == Came.UNKNOWN,
        )
        .options(joinedload(Participant.department))
        .order_by(Participant.position, Participant.id)
    ).all()


def doubtful(hearing_id: int) -> Sequence[DoubtfulAnswer]:
    """Answers by mail of a hearing that a person has to look at."""
    return db.session.scalars(
        select(DoubtfulAnswer)
        .where(DoubtfulAnswer.hearing_id == hearing_id, DoubtfulAnswer.settled_at.is_(None))
        .order_by(DoubtfulAnswer.id)
    ).all()


def staff(department_id: int) -> Sequence[User]:
    """The people who answer for an office, or for the one that became it."""
    office = db.session.get_one(Department, department_id).now
    return db.session.scalars(
        select(User)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.department_id == office.id, UserRole.role == Role.DEPARTMENT, User.active)
        .order_by(User.id)
    ).all()


def head(department_id: int) -> Sequence[User]:
    """The head of an office, or of the one that became it, where they have a sign-in of that office."""
    office = db.session.get_one(Department, department_id).now
    return db.session.scalars(
        select(User).where(User.department_id == office.id, User.name == office.head, User.active).order_by(User.id)
    ).all()


def answering(department_id: int) -> list[User]:
    """Who of an office is written to: its named contact, then its head, where they sign in here; else all its people.

    Only those with an address.
    """
    office = db.session.get_one(Department, department_id).now
    people = [u for u in staff(department_id) if u.email and "@" in u.email]
    named = [u for name in (office.contact, office.head) for u in people if name and u.name == name]
    return list(dict.fromkeys(named)) or people


TROUBLES = {
    "unknown": _l("their server knows no such mailbox"),
    "full": _l("their mailbox is full"),
    "refused": _l("their server refuses it"),
    "ours": _l("our own mail server cannot send"),
    "letters": _l("our mail server sends to Latin letters only"),
    "other": _l("several attempts have failed"),
}


def trouble(error: str | None) -> str:
    """Why a mail did not arrive, of what the server said: a key of `TROUBLES`.

    By the enhanced code where there is one (RFC 3463), else by the reply code (RFC 5321 4.2.3).
    """
    said = error or ""
    if said.startswith(NO_UTF8):
        return "letters"
    found = re.match(r"(\d{3})(?:[ -](\d\.\d{1,3}\.\d{1,3}))?", said)
    if found is None:
        return "ours" if re.match(r"(ConnectionRefused|TimeoutError|gaierror|SSL|SMTP\w*)", said) else "other"
    code, enhanced = found[1], found[2] or ""
    if code in ("530", "534", "535") or enhanced.startswith("5.7.8"):
        return "ours"
    if enhanced[2:] in ("2.2",) or (not enhanced and code in ("452", "552")):
        return "full"
    if enhanced[2:4] == "7." or (not enhanced and code == "554"):
        return "refused"
    if enhanced[2:4] == "1." or (not enhanced and code in ("550", "551", "553")):
        return "unknown"
    return "other"


_scheduling = select(Message.id).where(
    Message.hearing_id == Invitation.hearing_id, Message.address == Invitation.address, Message.method.is_not(None)
)
_BY_MAIL = (
    select(Invitation.hearing_id)
    .join(Hearing, Hearing.id == Invitation.hearing_id)
    .where(
        Invitation.user_id == bindparam("person"),
        or_(Invitation.withdrawn_at.is_(None), Hearing.status == HearingStatus.CANCELLED),
        _scheduling.where(Message.state == MessageState.SENT).exists(),
        ~_scheduling.where(Message.state == MessageState.FAILED).exists(),
    )
)


@feeds.known_elsewhere
def invited_by_mail(user_id: int) -> Sequence[int]:
    """Hearings that invitations by mail keep in this person's calendar: those whose mails have all gone out.

    One that is off was taken out of it by its mail, so it counts too. Whom a mail did not reach knows nothing.
    """
    return ask(_BY_MAIL, {"person": user_id}).scalars().all()
