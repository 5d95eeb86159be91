"""Invitations by mail, as iTIP (RFC 5546): who must be asked, told of a change, or told that it is off.

Nothing is planned ahead: the state of a hearing is compared with what each person was told last, and what is
missing is written. So edits within a minute go out as one, and a thing undone before that was never said.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from .. import audit, undo
from ..calendars import feeds, ics
from ..db import db, now, today
from ..errors import RuleBroken
from ..filters import full_moment
from ..forms import as_number
from ..language import is_english, speaking
from ..people.models import User
from ..permissions import scoped
from ..schedule.models import Came, Capacity, Hearing, HearingStatus, Participant, Topic
from ..schedule.operations import name_stand_in
from . import outbox, queries
from .models import REPLY_LABELS, DoubtfulAnswer, Invitation, Message, Reply
from .texts import compose
from .told import compare

TOLD = (HearingStatus.ANNOUNCED, HearingStatus.POSTPONED)
"""While it stands so, people's calendars hold it."""
DONE = (HearingStatus.IN_SESSION, HearingStatus.CONCLUDED, HearingStatus.FILED)
ROLES = {Capacity.CHAIR: "CHAIR", Capacity.RESIDENT: "OPT-PARTICIPANT"}
PARTSTATS = {"ACCEPTED": Reply.ACCEPTED, "TENTATIVE": Reply.TENTATIVE, "DECLINED": Reply.DECLINED}


def token_of(invitation: Invitation) -> str:
    """What the link and the From address carry: the invitation's number and a seal nobody else can make."""
    words = f"rsvp|{invitation.id}|{invitation.hearing_id}|{invitation.address}"
    seal = hmac.new(str(current_app.config["SECRET_KEY"]).encode(), words.encode(), hashlib.sha256).digest()
    return f"{invitation.id}-{base64.b32encode(seal[:15]).decode().lower()}"


def without_token(words: str) -> str:
    """A mail's words for others than whom it was written to: whoever has the link answers in that person's name."""
    return _LINK.sub(r"\1…", words)


_LINK = re.compile(r"(/r/)[0-9]+-[a-z2-7]+")


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
        "starts": hearing.starts_at.astimezone(UTC).isoformat(),
        "ends": hearing.ends_at.astimezone(UTC).isoformat(),
        "place": hearing.place,
        "status": str(hearing.status),
    }


def difference(was: dict[str, Any], hearing: Hearing) -> str:
    """One sentence on what changed since a person was told; in the reader's language."""
    fresh = told_now(hearing)
    if hearing.status == HearingStatus.CANCELLED:
        return _("The hearing is cancelled: %(reason)s", reason=hearing.reason or "")
    if hearing.status not in TOLD:
        return _("The invitation has been taken back. If the hearing is announced again, you will hear of it.")
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


class Guest(NamedTuple):
    """A seat, and whose mailbox its invitation goes to: None for somebody without a sign-in."""

    seat: Participant
    user: User | None


def _guests(hearing: Hearing) -> dict[str, Guest]:
    """Seats by address; the first of an address counts.

    The address of a seat is the one typed there, else its person's, else that of the office's contact.
    """
    rows = db.session.scalars(
        select(Participant)
        .where(Participant.hearing_id == hearing.id)
        .options(joinedload(Participant.user))
        .order_by(Participant.position, Participant.id)
    )
    found: dict[str, Guest] = {}
    for seat in rows:
        user = seat.user
        if seat.came == Came.ON_LEAVE or (user is not None and not user.active):
            continue
        if user is None and not seat.email and seat.department_id is not None:
            user = next(iter(queries.answering(seat.department_id)), None)
        address = (seat.email or (user.email if user is not None else None) or "").strip().lower()
        if "@" in address:
            found.setdefault(address, Guest(seat, user))
    return found


def reconcile(hearing: Hearing) -> list[Message]:
    """Write the mails that bring everybody up to date about a hearing. Safe to repeat.

    Once it is in session nobody is asked any more; of a postponed one only those hear who were asked before. An
    announcement that was taken back after the mails had gone out is called off like a cancelled hearing.
    """
    if hearing.status in DONE or (hearing.status == HearingStatus.ANNOUNCED and hearing.ends_at < now()):
        return []
    rows = db.session.scalars(
        select(Invitation).where(Invitation.hearing_id == hearing.id).order_by(Invitation.id)
    ).all()
    have = {r.address: r for r in rows}
    guests = _guests(hearing) if hearing.status in TOLD else {}
    stands = told_now(hearing)
    steps = compare(
        {r.address: None if r.withdrawn_at is not None else r.told for r in rows}, dict.fromkeys(guests, stands)
    )
    written: list[Message] = []
    for address in steps.fresh if hearing.status == HearingStatus.ANNOUNCED else ():
        (seat, user), row = guests[address], have.get(address)
        if row is None:
            row = Invitation(
                hearing=hearing,
                name=seat.name or seat.unit or (seat.department.name if seat.department else "") or address,
                address=address,
                sequence=-1,
                told=stands,
            )
            db.session.add(row)
        elif row.told != stands:
            _forget_answer(row)
        row.participant_id, row.user, row.withdrawn_at = seat.id, user, None
        db.session.flush()
        written += _mail(row, hearing, seat, "hearing.announce")
    for address in steps.changed:
        (seat, user), row = guests[address], have[address]
        row.participant_id, row.user = seat.id, user
        _forget_answer(row)
        written += _mail(row, hearing, seat, "hearing.reschedule")
    off = "participant.remove" if hearing.status in TOLD else "hearing.cancel"
    for address in steps.gone:
        row = have[address]
        if row.trouble is None:
            written += _mail(row, hearing, None, off)
        row.withdrawn_at = now()
    return written


def _forget_answer(row: Invitation) -> None:
    """An answer holds for the time and place it was given for."""
    row.answer, row.answered_at, row.answered_by, row.noted_by = Reply.NONE, None, None, None
    row.note = row.delegate = row.delegate_title = None


def _agenda(hearing: Hearing, reader: User | None) -> tuple[str, ...]:
    """Topics that this person may see; who has no sign-in is told the theme only, as at the station's door."""
    if reader is None:
        return ()
    return tuple(
        db.session.scalars(
            select(Topic.title)
            .where(Topic.hearing_id == hearing.id, scoped("topic.read", reader, Topic))
            .order_by(Topic.position, Topic.id)
        )
    )


def _mail(row: Invitation, hearing: Hearing, seat: Participant | None, kind: str) -> list[Message]:
    """One scheduling mail, and what is remembered of it."""
    off = seat is None
    with speaking(language_of(row)):  # the sentence on what changed
        change = difference(row.told, hearing) if kind in ("hearing.reschedule", "hearing.cancel") else ""
    subject, words = texts(kind, row, hearing, change)
    host = current_app.config["UID_HOST"]
    row.sequence = max(hearing.sequence, row.sequence + 1)
    agenda = _agenda(hearing, row.user)
    occasion = replace(feeds.occasion(hearing, agenda=agenda, base_url=outbox.base_url()), sequence=row.sequence)
    if off and not occasion.cancelled:
        occasion = ics.replace_cancelled(occasion)
    body = ics.scheduling(
        occasion,
        ics.Invitee(
            address=outbox.postal(row.address),
            name=row.name,
            organiser=outbox.sender(token_of(row)),
            organisation=current_app.config["ORGANISATION"],
            role=ROLES.get(seat.capacity, "REQ-PARTICIPANT") if seat is not None else "REQ-PARTICIPANT",
            answer="NEEDS-ACTION" if row.answer == Reply.NONE else row.answer.upper(),
        ),
        sent=now(),
        host=host,
        change=change or None,
    )
    if not off:
        row.asked_sequence, row.asked_at = row.sequence, now()
    row.told = told_now(hearing)
    made = outbox.write(
        key=f"itip:{hearing.uid}:{row.id}:{row.sequence}",
        kind=kind,
        channel="mail",
        user_id=row.user_id,
        hearing_id=hearing.id,
        name=row.name,
        address=row.address,
        reply_to=_human(hearing),
        subject=subject,
        text=words,
        url=f"/hearings/{hearing.id}",
        urgent=kind != "hearing.announce",  # a first invitation wakes nobody; a change must reach
        calendar=body.decode(),
        method="CANCEL" if off else "REQUEST",
    )
    return [made] if made is not None else []


def language_of(row: Invitation) -> str | None:
    """The language to write to somebody in; None for the house's own."""
    return row.user.locale if row.user is not None else row.locale


def _human(hearing: Hearing) -> str | None:
    """Whom somebody reaches who writes back instead of pressing a button: who made the hearing."""
    maker = db.session.get(User, hearing.created_by_id) if hearing.created_by_id else None
    return maker.email if maker is not None and maker.active and maker.email else None


def texts(kind: str, row: Invitation, hearing: Hearing, change: str) -> tuple[str, str]:
    """Subject and words of a scheduling mail, in the recipient's language."""
    link = f"{outbox.base_url()}/r/{token_of(row)}"
    name = f"invitation.{kind.rpartition('.')[2]}"
    subject, words = compose(name, language_of(row), row=row, hearing=hearing, change=change, link=link)
    return subject, f"{words}\n"


# -- answers ---------------------------------------------------------------------------------------------


def uninvited(hearing: Hearing) -> int:
    """How many with an address have not been asked to an announced hearing: mail was set up later, say."""
    if is_over(hearing) or not outbox.mail_is_set():
        return 0
    living = select(Invitation.address).where(Invitation.hearing_id == hearing.id, Invitation.withdrawn_at.is_(None))
    return len(_guests(hearing).keys() - set(db.session.scalars(living)))


def invite(hearing: Hearing, *, actor: User) -> None:
    """Let the worker ask those whom nobody has asked yet. Raises `RuleBroken` where there is nobody to ask."""
    if not uninvited(hearing):
        raise RuleBroken(_("Everybody with an address has been asked."))
    audit.record("invitation.ask", hearing, actor)


def is_over(hearing: Hearing) -> bool:
    """Whether an answer would come too late, or too early: a postponed hearing has no time to come to yet."""
    return hearing.status != HearingStatus.ANNOUNCED or hearing.ends_at < now()


def answer(
    row: Invitation,
    reply: Reply,
    *,
    by: str,
    note: str | None = None,
    delegate: str | None = None,
    delegate_title: str | None = None,
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
    if delegate_title and not delegate:
        raise RuleBroken(_("Whose title is it? Give the name too."), "delegate")
    said = (reply, note, delegate, delegate_title)
    if (row.answer, row.note, row.delegate, row.delegate_title) == said:
        return
    row.answer, row.note, row.delegate, row.delegate_title = said
    row.answered_at, row.answered_by, row.noted_by = at or now(), by, actor
    audit.record("invitation.answer", row, actor, answer=reply.value, by=by)


SAID = ("answer", "note", "delegate", "delegate_title", "answered_at", "answered_by", "noted_by_id")


def note(
    row: Invitation, reply: Reply, *, actor: User, words: str | None, delegate: str | None, delegate_title: str | None
) -> None:
    """Write down an answer that came by telephone or in person; with undo. Raises `RuleBroken` as `answer()` does."""
    before = undo.snapshot(row)
    answer(
        row, reply, by="organiser", note=words, delegate=delegate, delegate_title=delegate_title, actor=actor
    )  # fmt: skip
    db.session.flush()
    after = undo.snapshot(row)
    if before == after:
        return
    undo.offer(
        "invitation.note",
        _("Noted: %(name)s %(answer)s.", name=row.name, answer=REPLY_LABELS[reply]),
        actor=actor,
        back=f"/hearings/{row.hearing_id}/answers",
        invitation_id=row.id,
        before={key: before[key] for key in SAID},
        after={key: after[key] for key in SAID},
    )


@undo.compensation("invitation.note")
def _note_back(*, actor: User, invitation_id: int, before: dict[str, Any], after: dict[str, Any]) -> None:
    row = db.session.get_one(Invitation, invitation_id)
    stands = undo.snapshot(row)
    if any(stands[key] != after[key] for key in SAID):
        raise RuleBroken(_("There is a later answer by now."))
    for key in SAID:
        setattr(row, key, undo.value_of(before[key]))
    audit.record("invitation.answer.undo", row, actor)


def take_delegate(row: Invitation, *, actor: User) -> None:
    """Put who was named instead on the list of participants as the seat's stand-in; with undo.

    Raises `RuleBroken` when nobody was named, the seat is gone, or the hearing is over.
    """
    seat = db.session.get(Participant, row.participant_id) if row.participant_id is not None else None
    if row.delegate is None:
        raise RuleBroken(_("Nobody is named in this person's place."))
    if seat is None or row.withdrawn_at is not None:
        raise RuleBroken(_("This seat is no longer on the list."))
    name_stand_in(seat, name=row.delegate, title=row.delegate_title, actor=actor)


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
    row = invited(hearing, said.address) if hearing is not None else None
    if hearing is None or row is None:
        return _doubt(hearing, said, sender, "unknown", digest)
    vouched = authentic and outbox.postal(sender) == outbox.postal(row.address)
    if not (vouched or (sealed is not None and sealed.id == row.id)):
        return _doubt(hearing, said, sender, "forged", digest)
    if said.method == "COUNTER":
        return _doubt(hearing, said, sender, "counter", digest)
    if said.sequence is not None and said.sequence < row.asked_sequence:
        return "ignored: stale"
    if said.answer == "DELEGATED":
        return _doubt(hearing, said, sender, "delegated", digest)
    if said.answer not in PARTSTATS:
        return _doubt(hearing, said, sender, "unreadable", digest)
    moment = min(said.stamp or now(), now())
    if row.answered_at is not None and moment < row.answered_at:
        return "ignored: older"
    reply = PARTSTATS[said.answer]
    stays = reply != Reply.ACCEPTED  # who comes after all needs nobody in their place
    try:
        answer(
            row,
            reply,
            by="mail",
            note=row.note,
            delegate=row.delegate if stays else None,
            delegate_title=row.delegate_title if stays else None,
            at=moment,
        )
    except RuleBroken:
        return "ignored: over"
    return f"noted: {said.answer.lower()}"


def invited(hearing: Hearing, address: str) -> Invitation | None:
    """The invitation of an address, whichever way its domain is written (RFC 5890)."""
    wanted = outbox.postal(address)
    rows = db.session.scalars(select(Invitation).where(Invitation.hearing_id == hearing.id))
    return next((r for r in rows if outbox.postal(r.address) == wanted), None)


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
                delegate=ics.line(said.delegated_to)[:200] if said.delegated_to else None,
                why=why,
                digest=digest,
                at=now(),
            )
        )
    return f"for a person: {why}"


def can_accept(row: DoubtfulAnswer) -> bool:
    """Whether a person may take it as the answer: it says something, and of somebody who was invited."""
    return row.why in ("forged", "delegated") and (row.said in PARTSTATS or row.said == "DELEGATED")


def accept(row: DoubtfulAnswer, *, delegate: str | None = None, actor: User) -> None:
    """Take a doubtful answer as the invited person's, because somebody has made sure of it.

    `delegate`: who comes instead, where the mail names an address only. Raises `RuleBroken` when it cannot be
    taken, has been settled, or when the person was asked anew since.
    """
    if row.settled_at is not None:
        raise RuleBroken(_("This answer has been looked at already."))
    found = invited(row.hearing, row.attendee) if row.hearing is not None else None
    if found is None or not can_accept(row):
        raise RuleBroken(_("This cannot be taken as an answer."))
    if found.asked_at > row.at:
        raise RuleBroken(_("The hearing has changed since, and this person was asked anew."))
    if row.said == "DELEGATED":
        name = (delegate or "").strip() or row.delegate
        answer(found, Reply.DECLINED, by="organiser", note=found.note, delegate=name, actor=actor)
    else:
        answer(found, PARTSTATS[row.said], by="organiser", note=found.note, actor=actor)
    settle(row, actor=actor, took="accepted")


def settle(row: DoubtfulAnswer, *, actor: User, took: str = "dismissed") -> None:
    """A doubtful answer has been looked at; it changes nothing by itself."""
    if row.settled_at is not None:
        raise RuleBroken(_("This answer has been looked at already."))
    row.settled_at = now()
    audit.record("invitation.settle", row.hearing or row, actor, answer=row.said, took=took)


def remind(hearing: Hearing, *, actor: User) -> tuple[int, int]:
    """Ask those again who have not answered, at most once a day each; a dead address is left alone.

    Returns how many were asked, and how many had been asked today already. Raises `RuleBroken` when it takes no
    answers.
    """
    if is_over(hearing):
        raise RuleBroken(_("This hearing takes no answers any more."))
    rows = db.session.scalars(
        select(Invitation)
        .where(
            Invitation.hearing_id == hearing.id,
            Invitation.answer == Reply.NONE,
            Invitation.withdrawn_at.is_(None),
            Invitation.trouble.is_(None),
        )
        .order_by(Invitation.id)
    ).all()
    count = 0
    for row in rows:
        subject, words = texts("invitation.remind", row, hearing, "")
        made = outbox.write(
            key=f"remind:{hearing.uid}:{row.sequence}:{row.id}:{today().isoformat()}",
            kind="invitation.remind",
            channel="mail",
            user_id=row.user_id,
            hearing_id=hearing.id,
            name=row.name,
            address=row.address,
            reply_to=_human(hearing),
            subject=subject,
            text=words,
        )
        if made is not None:
            row.reminded_at = now()
            count += 1
    if count:
        audit.record("invitation.remind", hearing, actor, count=count)
    return count, len(rows) - count
