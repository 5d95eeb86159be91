"""Invitations by mail, as iTIP (RFC 5546): who must be asked, told of a change, or told that it is off.

Nothing is planned ahead: the state of a hearing is compared with what each person was told last, and what is
missing is written. So edits within a minute go out as one, and a thing undone before that was never said.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from .. import audit
from ..calendars import feeds, ics
from ..db import db, now
from ..errors import RuleBroken
from ..filters import full_moment
from ..forms import as_number
from ..language import is_english, speaking
from ..people.models import User
from ..schedule.models import Came, Capacity, Hearing, HearingStatus, Participant, Topic
from . import outbox
from .models import DoubtfulAnswer, Invitation, Message, Reply
from .texts import compose

ASKING = (HearingStatus.ANNOUNCED, HearingStatus.POSTPONED)
SILENT = (HearingStatus.DRAFT, HearingStatus.DISCARDED)
ROLES = {Capacity.CHAIR: "CHAIR", Capacity.RESIDENT: "OPT-PARTICIPANT"}
PARTSTATS = {"ACCEPTED": Reply.ACCEPTED, "TENTATIVE": Reply.TENTATIVE, "DECLINED": Reply.DECLINED}


def token_of(invitation: Invitation) -> str:
    """What the link and the From address carry: the invitation's number and a seal nobody else can make."""
    words = f"rsvp|{invitation.id}|{invitation.hearing_id}|{invitation.address}"
    seal = hmac.new(str(current_app.config["SECRET_KEY"]).encode(), words.encode(), hashlib.sha256).digest()
    return f"{invitation.id}-{base64.b32encode(seal[:15]).decode().lower()}"


def by_token(token: str) -> Invitation | None:
    """The invitation of a token, or None."""
    number = as_number(token.partition("-")[0])
    if number is None or not token.isascii():
        return None
    row = db.session.get(Invitation, number)
    return row if row is not None and hmac.compare_digest(token_of(row), token.lower()) else None


def told_now(hearing: Hearing) -> dict[str, Any]:
    """What a person must know, as it stands now."""
    return {
        "starts": hearing.starts_at.isoformat(),
        "ends": hearing.ends_at.isoformat(),
        "place": hearing.place,
        "status": hearing.status.value if hasattr(hearing.status, "value") else str(hearing.status),
    }


def difference(was: dict[str, Any], hearing: Hearing) -> str:
    """One sentence on what changed since a person was told; in the reader's language."""
    fresh = told_now(hearing)
    if hearing.status == HearingStatus.CANCELLED:
        return _("The hearing is cancelled: %(reason)s", reason=hearing.reason or "")
    if hearing.status == HearingStatus.POSTPONED:
        return _("It is postponed; a new time will be announced. Reason: %(reason)s", reason=hearing.reason or "")
    said = []
    if (was["starts"], was["ends"]) != (fresh["starts"], fresh["ends"]):
        before = datetime.fromisoformat(was["starts"])
        said.append(
            _(
                "The time has changed from %(old)s to %(new)s.",
                old=full_moment(before),
                new=full_moment(hearing.starts_at),
            )
        )
    if was["place"] != fresh["place"]:
        said.append(_("The place has changed to %(place)s.", place=fresh["place"]))
    if was["status"] == HearingStatus.POSTPONED and not said:
        said.append(_("The postponed hearing takes place as announced first."))
    return (" " if is_english() else "").join(said)


def _seats(hearing: Hearing) -> dict[str, Participant]:
    """Seats with an address; the first of an address counts."""
    rows = db.session.scalars(
        select(Participant).where(Participant.hearing_id == hearing.id).order_by(Participant.position, Participant.id)
    )
    found: dict[str, Participant] = {}
    for seat in rows:
        address = (seat.email or (seat.user.email if seat.user else None) or "").strip().lower()
        if "@" in address and seat.came != Came.ON_LEAVE:
            found.setdefault(address, seat)
    return found


def reconcile(hearing: Hearing) -> list[Message]:
    """Write the mails that bring everybody up to date about a hearing. Safe to repeat."""
    rows = db.session.scalars(select(Invitation).where(Invitation.hearing_id == hearing.id)).all()
    have = {r.address: r for r in rows}
    written: list[Message] = []
    if hearing.status in SILENT:
        return written
    seats = _seats(hearing) if hearing.status in ASKING else {}
    agenda = tuple(
        db.session.scalars(select(Topic.title).where(Topic.hearing_id == hearing.id).order_by(Topic.position, Topic.id))
    )
    for address, seat in seats.items():
        row = have.get(address)
        if row is None:
            if hearing.status != HearingStatus.ANNOUNCED:
                continue
            row = Invitation(
                hearing=hearing,
                participant_id=seat.id,
                user_id=seat.user_id,
                name=seat.name or seat.unit or (seat.department.name if seat.department else "") or address,
                address=address,
                sequence=hearing.sequence,
                asked_sequence=hearing.reply_sequence,
                asked_at=now(),
                told=told_now(hearing),
            )
            db.session.add(row)
            db.session.flush()
            written += _mail(row, hearing, seat, agenda, "hearing.announce", "")
        elif row.withdrawn_at is not None or hearing.reply_sequence > row.asked_sequence or _moved(row, hearing):
            change = difference(row.told, hearing) if row.withdrawn_at is None else ""
            row.participant_id, row.user_id = seat.id, seat.user_id
            row.withdrawn_at = None
            if hearing.reply_sequence > row.asked_sequence or _moved(row, hearing):
                row.answer, row.answered_at, row.answered_by = Reply.NONE, None, None
            written += _mail(row, hearing, seat, agenda, "hearing.reschedule", change)
    for address, row in have.items():
        if row.withdrawn_at is not None:
            continue
        if hearing.status == HearingStatus.CANCELLED:
            written += _mail(row, hearing, None, agenda, "hearing.cancel", difference(row.told, hearing))
        elif hearing.status in ASKING and address not in seats:
            written += _mail(row, hearing, None, agenda, "participant.remove", "")
    return written


def _moved(row: Invitation, hearing: Hearing) -> bool:
    """Whether time, place or standing differ from what the person was told."""
    return row.told != told_now(hearing)


def _mail(
    row: Invitation, hearing: Hearing, seat: Participant | None, agenda: tuple[str, ...], kind: str, change: str
) -> list[Message]:
    """One scheduling mail, and what is remembered of it."""
    off = kind in ("hearing.cancel", "participant.remove")
    with speaking(row.user.locale if row.user is not None else None):
        if change:  # in the recipient's language
            change = difference(row.told, hearing)
    subject, words = texts(kind, row, hearing, change)
    host = current_app.config["UID_HOST"]
    occasion = feeds.occasion(hearing, agenda=agenda, base_url=outbox.base_url())
    if kind == "participant.remove":
        occasion = ics.replace_cancelled(occasion)
    sender = outbox.sender(token_of(row))
    answer = "NEEDS-ACTION" if row.answer == Reply.NONE else row.answer.upper()
    body = ics.scheduling(
        occasion,
        ics.Invitee(
            address=row.address,
            name=row.name,
            organiser=sender,
            organisation=current_app.config["ORGANISATION"],
            role=ROLES.get(seat.capacity, "REQ-PARTICIPANT") if seat is not None else "REQ-PARTICIPANT",
            answer=answer,
        ),
        sent=now(),
        host=host,
        change=change or None,
    )
    row.sequence, row.asked_sequence, row.asked_at = hearing.sequence, hearing.reply_sequence, now()
    row.told = told_now(hearing)
    if off:
        row.withdrawn_at = now()
    made = outbox.write(
        key=f"itip:{hearing.uid}:{hearing.sequence}:{kind}:{row.id}:{_count(row)}",
        kind=kind,
        channel="mail",
        user_id=row.user_id,
        hearing_id=hearing.id,
        name=row.name,
        address=row.address,
        subject=subject,
        text=words,
        url=f"/hearings/{hearing.id}",
        urgent=kind != "hearing.announce",  # a first invitation wakes nobody; a change must reach
        calendar=body.decode(),
        method="CANCEL" if off else "REQUEST",
    )
    return [made] if made is not None else []


def _count(row: Invitation) -> int:
    """How many scheduling mails this person has had for this hearing; a second round of the same is another."""
    return len(
        db.session.scalars(
            select(Message.id).where(
                Message.hearing_id == row.hearing_id, Message.address == row.address, Message.method.is_not(None)
            )
        ).all()
    )


def texts(kind: str, row: Invitation, hearing: Hearing, change: str) -> tuple[str, str]:
    """Subject and words of a scheduling mail, in the recipient's language."""
    locale = row.user.locale if row.user is not None else None
    link = f"{outbox.base_url()}/r/{token_of(row)}"
    name = f"invitation.{kind.rpartition('.')[2]}"
    subject, words = compose(name, locale, row=row, hearing=hearing, change=change, link=link)
    return subject, f"{words}\n"


# -- answers ---------------------------------------------------------------------------------------------


def is_over(hearing: Hearing) -> bool:
    """Whether an answer would come too late."""
    return hearing.status not in ASKING or hearing.ends_at < now()


def answer(
    row: Invitation,
    reply: Reply,
    *,
    by: str,
    note: str | None = None,
    delegate: str | None = None,
    at: datetime | None = None,
    actor: User | None = None,
) -> None:
    """Note an answer. Raises `RuleBroken` when it comes too late; the same one again changes nothing."""
    if row.withdrawn_at is not None:
        raise RuleBroken(_("You are no longer on the list of this hearing."))
    if is_over(row.hearing):
        raise RuleBroken(_("This hearing takes no answers any more."))
    if delegate and reply == Reply.ACCEPTED:
        raise RuleBroken(_("Name somebody in your place only when you do not come yourself."), "delegate")
    if (row.answer, row.note, row.delegate) == (reply, note, delegate):
        return
    row.answer, row.note, row.delegate = reply, note, delegate
    row.answered_at, row.answered_by = at or now(), by
    audit.record("invitation.answer", row, actor, answer=reply.value, by=by)


def from_mail(data: bytes, *, sender: str, recipients: Iterable[str], authentic: bool) -> str:
    """An answer that came by mail (calendar.md a.8). Returns what was done with it, for the log.

    `authentic`: our own mail server vouches (DKIM/DMARC) that the sender is who they say. Otherwise the
    recipient address must carry the invitation's seal. What cannot be trusted goes to a list for a person.
    """
    said = ics.read_answer(data)
    if said is None:
        return "dropped: no answer"
    digest = hashlib.sha256(data).hexdigest()
    sealed = next((r for r in map(_sealed, recipients) if r is not None), None)
    host = current_app.config["UID_HOST"]
    uid = said.uid.removeprefix("hearing-").removesuffix(f"@{host}")
    hearing = db.session.scalar(select(Hearing).where(Hearing.uid == uid))
    row = None
    if hearing is not None:
        row = db.session.scalar(
            select(Invitation).where(Invitation.hearing_id == hearing.id, Invitation.address == said.address)
        )
    if hearing is None or row is None:
        return _doubt(hearing, said, sender, "unknown", digest)
    if not ((authentic and sender.lower() == row.address) or (sealed is not None and sealed.id == row.id)):
        return _doubt(hearing, said, sender, "forged", digest)
    if said.method == "COUNTER":
        return _doubt(hearing, said, sender, "counter", digest)
    if said.answer == "DELEGATED":
        return _doubt(hearing, said, sender, "delegated", digest)
    if said.answer not in PARTSTATS:
        return _doubt(hearing, said, sender, "unreadable", digest)
    if said.sequence is not None and said.sequence < row.asked_sequence:
        return "ignored: stale"
    moment = min(said.stamp or now(), now())
    if row.answered_at is not None and moment < row.answered_at:
        return "ignored: older"
    try:
        answer(row, PARTSTATS[said.answer], by="mail", note=row.note, delegate=None, at=moment)
    except RuleBroken:
        return "ignored: over"
    return f"noted: {said.answer.lower()}"


def _sealed(address: str) -> Invitation | None:
    """The invitation whose seal an address of ours carries."""
    local = address.rsplit("@", 1)[0]
    return by_token(local.rsplit("+", 1)[1]) if "+" in local else None


def _doubt(hearing: Hearing | None, said: ics.Answer, sender: str, why: str, digest: str) -> str:
    there = db.session.scalar(select(DoubtfulAnswer.id).where(DoubtfulAnswer.digest == digest))
    if there is None:
        db.session.add(
            DoubtfulAnswer(
                hearing=hearing,
                sender=ics.line(sender)[:200],
                attendee=ics.line(said.address)[:200],
                said=ics.line(said.answer or said.method)[:40],
                why=why,
                digest=digest,
                at=now(),
            )
        )
    return f"for a person: {why}"


def remind(hearing: Hearing, *, actor: User) -> int:
    """Ask those again who have not answered. Returns how many; at most once a day each."""
    if is_over(hearing):
        raise RuleBroken(_("This hearing takes no answers any more."))
    day = now().date()
    rows = db.session.scalars(
        select(Invitation).where(
            Invitation.hearing_id == hearing.id,
            Invitation.answer == Reply.NONE,
            Invitation.withdrawn_at.is_(None),
        )
    ).all()
    count = 0
    for row in rows:
        subject, words = texts("invitation.remind", row, hearing, "")
        made = outbox.write(
            key=f"remind:{hearing.uid}:{hearing.sequence}:{row.id}:{day.isoformat()}",
            kind="invitation.remind",
            channel="mail",
            user_id=row.user_id,
            hearing_id=hearing.id,
            name=row.name,
            address=row.address,
            subject=subject,
            text=words,
            urgent=True,
        )
        if made is not None:
            row.reminded_at = now()
            count += 1
    audit.record("invitation.remind", hearing, actor, count=count)
    return count
