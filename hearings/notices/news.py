"""News: what the trail tells becomes messages to those whom it concerns.

The worker reads the lines after its cursor, once they are NEWS_DELAY seconds old: until then their author can undo
them, and nothing is said of what was undone. Messages and cursor are saved together, so a message exists if and
only if the change was committed, and each is written once (its key is the line's number).
"""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from ..audit import AuditEvent
from ..db import db, now
from ..issues.models import Assignment, AssignmentStatus, Commitment, Extension, Issue, Part
from ..language import CHINESE
from ..minutes.models import Minutes, MinutesStatus
from ..minutes.queries import is_corrected_at_once
from ..people.models import User, UserRole
from ..permissions import Role
from ..reviews.models import Confirmation
from ..schedule.models import Hearing, HearingStatus, Participant
from . import invitations, outbox
from .models import Channel, Cursor, Invitation, Message
from .queries import head, staff
from .texts import compose

log = logging.getLogger(__name__)
AT_ONCE = 100
"""Lines in one transaction: on SQLite people who save something wait for it."""


class Item(NamedTuple):
    """One thing to tell one person, in words that a template makes of the facts."""

    user: User
    url: str
    hearing_id: int | None
    facts: dict[str, Any]


# -- who -------------------------------------------------------------------------------------------------


def organisers(hearing: Hearing) -> Sequence[User]:
    """Who organises a hearing: who made it, else the district's organisers."""
    maker = db.session.get(User, hearing.created_by_id) if hearing.created_by_id else None
    if maker is not None and maker.active and Role.ORGANISER in maker.role_set:
        return [maker]
    rows = db.session.scalars(
        select(User)
        .join(UserRole, UserRole.user_id == User.id)
        .where(UserRole.role == Role.ORGANISER, User.active)
        .order_by(User.id)
    ).unique()
    return [u for u in rows if u.is_district]


def deputies(issue: Issue) -> list[User]:
    """The deputy who raised it."""
    return [issue.lead_deputy] if issue.lead_deputy is not None and issue.lead_deputy.active else []


# -- what ------------------------------------------------------------------------------------------------

Teller = Callable[[AuditEvent], Iterable[Item]]
TELLERS: dict[str, Teller] = {}


def tells(*actions: str) -> Callable[[Teller], Teller]:
    """Register what an act becomes."""

    def register(teller: Teller) -> Teller:
        TELLERS.update(dict.fromkeys(actions, teller))
        return teller

    return register


def _row(line: AuditEvent, model: Any) -> Any:
    return db.session.get(model, line.subject_id) if line.subject_id is not None else None


def told(users: Iterable[User], url: str, hearing_id: int | None, **facts: Any) -> list[Item]:
    """One item each, however often somebody is named."""
    return [Item(u, url, hearing_id, facts) for u in {u.id: u for u in users}.values()]


@tells("assignment.make")
def _assigned(line: AuditEvent) -> list[Item]:
    row: Assignment | None = _row(line, Assignment)
    if row is None or row.status not in (AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED):
        return []
    issue = row.issue
    return told(staff(row.department_id), f"/issues/{issue.id}", issue.hearing_id, row=row, issue=issue)


@tells("assignment.return", "assignment.reply")
def _answered(line: AuditEvent) -> list[Item]:
    """A co-handler's opinion goes to the leading department, a reply to the deputy; both to the organiser."""
    row: Assignment | None = _row(line, Assignment)
    if row is None:
        return []
    issue = row.issue
    users = list(organisers(issue.hearing))
    if line.action == "assignment.reply" and row.part == Part.CO_HANDLER:
        leads = select(Assignment.department_id).where(
            Assignment.issue_id == issue.id, Assignment.round == row.round, Assignment.part == Part.LEAD
        )
        for department_id in db.session.scalars(leads):
            users += staff(department_id)
    elif line.action == "assignment.reply":
        users += deputies(issue)
    letter = line.details.get("result_class")
    return told(users, f"/issues/{issue.id}", issue.hearing_id, row=row, issue=issue, letter=letter)


@tells("assignment.remind", "assignment.supervise")
def _urged(line: AuditEvent) -> list[Item]:
    """To the department's people; an order to its head as well, where they sign in here."""
    row: Assignment | None = _row(line, Assignment)
    if row is None or row.status in (AssignmentStatus.RETURNED, AssignmentStatus.SUPERSEDED):
        return []
    issue = row.issue
    users = [*staff(row.department_id)]
    facts = {"row": row, "issue": issue, "reason": line.details["reason"]}
    if line.action == "assignment.supervise":
        users += head(row.department_id)
        facts["limit"] = date.fromisoformat(line.details["new_due_on"])
    return told(users, f"/issues/{issue.id}", issue.hearing_id, **facts)


@tells("commitment.report_done", "commitment.reject", "commitment.release")
def _promise(line: AuditEvent) -> list[Item]:
    row: Commitment | None = _row(line, Commitment)
    if row is None:
        return []
    issue = row.issue
    users = organisers(issue.hearing) if line.action == "commitment.report_done" else staff(row.lead_id)
    reason = line.details.get("reason")
    return told(users, f"/commitments/{row.id}", issue.hearing_id, promise=row, issue=issue, reason=reason)


@tells("extension.ask", "extension.grant", "extension.refuse")
def _extension(line: AuditEvent) -> list[Item]:
    row: Extension | None = _row(line, Extension)
    if row is None:
        return []
    promise = row.commitment
    issue = promise.issue
    users = organisers(issue.hearing) if line.action == "extension.ask" else staff(promise.lead_id)
    return told(users, f"/commitments/{promise.id}", issue.hearing_id, row=row, promise=promise, issue=issue)


@tells("confirmation.ask", "confirmation.remind", "confirmation.confirm", "confirmation.refuse")
def _confirmation(line: AuditEvent) -> list[Item]:
    row: Confirmation | None = _row(line, Confirmation)
    asking = line.action in ("confirmation.ask", "confirmation.remind")
    if row is None or (asking and row.status != "asked"):
        return []
    issue = row.issue
    users = [row.deputy] if asking else organisers(issue.hearing)
    return told(users, f"/issues/{issue.id}", issue.hearing_id, row=row, issue=issue)


@tells("issue.strike_off", "issue.explain", "issue.decline", "issue.transfer")
def _closed(line: AuditEvent) -> list[Item]:
    row: Issue | None = _row(line, Issue)
    if row is None or not row.is_closed:
        return []
    reason = next((line.details[key] for key in ("reason", "note", "to") if line.details.get(key)), None)
    return told(deputies(row), f"/issues/{row.id}", row.hearing_id, issue=row, reason=reason)


@tells("minutes.publish")
def _minutes(line: AuditEvent) -> list[Item]:
    row: Minutes | None = _row(line, Minutes)
    if row is None or row.status != MinutesStatus.PUBLISHED or is_corrected_at_once(row):
        return []
    return told(attending(row.hearing_id), f"/hearings/{row.hearing_id}/minutes", row.hearing_id, minutes=row)


@tells("minutes.return")
def _sent_back(line: AuditEvent) -> list[Item]:
    row: Minutes | None = _row(line, Minutes)
    if row is None or row.status != MinutesStatus.DRAFT or not row.drafted_by.active:
        return []
    url = f"/hearings/{row.hearing_id}/minutes"
    return told([row.drafted_by], url, row.hearing_id, minutes=row, reason=line.details.get("reason"))


def attending(hearing_id: int) -> list[User]:
    """Everybody with a sign-in who has a seat, and the people of the offices that have one."""
    seats = db.session.scalars(select(Participant).where(Participant.hearing_id == hearing_id)).all()
    return [user for seat in seats for user in _sitting(seat)]


def _sitting(seat: Participant) -> list[User]:
    users = [seat.user] if seat.user is not None and seat.user.active else []
    return [*users, *(staff(seat.department_id) if seat.department_id is not None else [])]


@tells("hearing.announce", "hearing.reschedule", "hearing.postpone", "hearing.cancel")
def _hearing(line: AuditEvent) -> list[Item]:
    row: Hearing | None = _row(line, Hearing)
    if row is None or row.status != HEARING_ACTS[line.action]:
        return []
    return told(attending(row.id), f"/hearings/{row.id}", row.id, hearing=row, **_moved(line, row))


def _moved(line: AuditEvent, hearing: Hearing) -> dict[str, Any]:
    """Time and place as they were before, where they have changed."""
    was = line.details.get("was")
    if not isinstance(was, dict):
        return {"old_time": None, "old_place": None}
    old_time = datetime.fromisoformat(was["starts_at"])
    return {
        "old_time": old_time if old_time != hearing.starts_at else None,
        "old_place": was["station"] if was["station"] != hearing.station.name else None,
    }


@tells("participant.add")
def _seated(line: AuditEvent) -> list[Item]:
    """Somebody joins the list of a hearing that has been announced."""
    seat: Participant | None = _row(line, Participant)
    if seat is None or seat.hearing.status != HearingStatus.ANNOUNCED or seat.hearing.starts_at < now():
        return []
    if seat.hearing.announced_at is None or line.at <= seat.hearing.announced_at:
        return []  # the announcement itself tells
    return told(_sitting(seat), f"/hearings/{seat.hearing_id}", seat.hearing_id, hearing=seat.hearing)


@tells("participant.remove")
def _unseated(line: AuditEvent) -> list[Item]:
    """Those whom we have told to come, and who have no seat any more."""
    hearing = db.session.get(Hearing, line.hearing_id) if line.hearing_id is not None else None
    if hearing is None or hearing.status != HearingStatus.ANNOUNCED or hearing.starts_at < now():
        return []
    last = (
        select(func.max(Message.id))
        .where(
            Message.hearing_id == hearing.id,
            Message.channel == Channel.INBOX,
            Message.kind.in_(("hearing.announce", "participant.add", "participant.remove")),
        )
        .group_by(Message.user_id)
    )
    asked = db.session.scalars(
        select(User)
        .join(Message, Message.user_id == User.id)
        .where(Message.id.in_(last), Message.kind != "participant.remove", User.active)
    ).all()
    there = {u.id for u in attending(hearing.id)}
    gone = [u for u in asked if u.id not in there]
    return told(gone, "/inbox/", hearing.id, hearing=hearing)  # the hearing's page may be closed to them now


HEARING_ACTS = {
    "hearing.announce": HearingStatus.ANNOUNCED,
    "hearing.reschedule": HearingStatus.ANNOUNCED,
    "hearing.postpone": HearingStatus.POSTPONED,
    "hearing.cancel": HearingStatus.CANCELLED,
}
"""What is told of a hearing, and the standing it must still have then."""
INVITING = (*HEARING_ACTS, "participant.add", "participant.remove")
"""What a scheduling mail tells too, to those who get one."""
CHANGES = ("hearing.reschedule", "hearing.postpone", "hearing.cancel", "participant.remove")
"""Told at once by mail too; everything else waits for the day's one mail."""
BACK = "taken_back"
"""That what was told is off."""
ROBOT_ACTS = {*HEARING_ACTS, "minutes.publish"}
"""Acts that a group is told of; what one person owes is nobody else's news."""
CALENDAR_ACTS = {
    "hearing.announce",
    "hearing.reschedule",
    "hearing.postpone",
    "hearing.cancel",
    "hearing.amend",
    "hearing.announce.undo",
    "hearing.reschedule.undo",
    "invitation.ask",
    "participant.add",
    "participant.amend",
    "participant.remove",
    "participant.remove.undo",
    "participant.sign_in",
    "station.amend",
    "user.amend",
    "user.hand_over",
    "user.hand_over.undo",
}
"""Acts after which invitations may no longer say what is."""


# -- the pass --------------------------------------------------------------------------------------------


def cursor(name: str = "news") -> Cursor:
    """The worker's place in the trail, locked for this transaction; at the end of it for a new house."""
    statement = select(Cursor).where(Cursor.name == name)
    if db.engine.dialect.name == "postgresql":
        statement = statement.with_for_update()
    row = db.session.scalar(statement)
    if row is None:
        row = Cursor(name=name, audit_id=_last(), at=now())
        db.session.add(row)
        db.session.flush()
    return row


def _last() -> int:
    return db.session.scalar(select(func.max(AuditEvent.id))) or 0


def skip() -> None:
    """Move past everything there is; what a demo or an import has written is nobody's news."""
    row = cursor()
    row.audit_id, row.at = _last(), now()


def read(limit: int = AT_ONCE) -> int:
    """Turn the trail's next lines into messages; the caller commits. Returns how many lines were read."""
    place = cursor()
    lines = _lines(place.audit_id, limit)
    taken_back = _taken_back(place.audit_id)
    evenings: dict[int, list[AuditEvent]] = {}
    hearings: set[int] = set()
    for line in lines:
        if line.action in CALENDAR_ACTS:
            hearings |= _hearings_of(line)
        if taken_back.get((line.subject_type, line.subject_id, line.action), 0) > line.id:
            continue
        if line.action in HEARING_ACTS and line.subject_id is not None:
            evenings.setdefault(line.subject_id, []).append(line)
        elif line.action == "minutes.abandon":
            _tell_of_what_holds(line)
        elif line.action in TELLERS:
            _tell(line, line)
        elif line.action.endswith(".undo"):
            _tell_back(line)
    for acts in evenings.values():
        _tell_of_evening(acts)
    if lines:
        place.audit_id, place.at = lines[-1].id, now()
    for hearing_id in sorted(hearings):
        hearing = db.session.get(Hearing, hearing_id)
        if hearing is not None and outbox.mail_is_set():
            invitations.reconcile(hearing)
    return len(lines)


def read_on() -> int:
    """`read()` and commit. A line that cannot be told of, for a fault of ours, is passed over; the others are told."""
    done, step = 0, AT_ONCE
    while done < AT_ONCE:
        try:
            count = read(step)
            db.session.commit()
        except OperationalError:
            raise
        except Exception:  # in some line: which one is found by telling one at a time
            db.session.rollback()
            if step > 1:
                step = 1
                continue
            count = _pass_over()
        done += count
        if step > 1 or not count:
            break
    return done


def _pass_over() -> int:
    place = cursor()
    (line,) = _lines(place.audit_id, 1)
    log.exception("line %s of the trail (%s) could not be told of", line.id, line.action)
    place.audit_id, place.at = line.id, now()
    db.session.commit()
    return 1


def _taken_back(after: int) -> dict[tuple[str, int | None, str], int]:
    """What has been undone, and by which line: also by one that is too young to be told of itself."""
    undoing = select(AuditEvent).where(AuditEvent.id > after, AuditEvent.action.endswith(".undo"))
    return {
        (x.subject_type, x.subject_id, x.action.removesuffix(".undo")): x.id
        for x in db.session.scalars(undoing.order_by(AuditEvent.id))
    }


def _tell_of_evening(acts: list[AuditEvent]) -> None:
    """What was done to one hearing since we looked last, told as one.

    Who has not heard of it yet hears of it as it stands now, or never; else only the last act is told, and where it
    moved the hearing, from where people last knew it.
    """
    first, last = acts[0], acts[-1]
    if first.action == "hearing.announce":
        _tell(first, last)
        return
    moves = [x for x in acts if x.action == "hearing.reschedule"]
    _tell(moves[0] if moves and last.action == "hearing.reschedule" else last, last)


def _tell_of_what_holds(line: AuditEvent) -> None:
    """A correction that kept news of minutes back was thrown away: now people are told, each of them once."""

    def last(action: str, *where: Any) -> AuditEvent | None:
        wanted = select(AuditEvent).where(AuditEvent.action == action, AuditEvent.hearing_id == line.hearing_id, *where)
        return db.session.scalar(wanted.order_by(AuditEvent.id.desc()).limit(1))

    begun = last("minutes.correct", AuditEvent.subject_id == line.subject_id)
    published = last("minutes.publish")
    if begun is None or published is None:
        return
    if timedelta() <= begun.at - published.at <= timedelta(seconds=float(current_app.config["NEWS_DELAY"])):
        _tell(published, published)


def _tell(line: AuditEvent, by: AuditEvent) -> None:
    """Tell of a line; `by` is the last act that it stands for, whose author need not be told."""
    items = list(TELLERS[line.action](line))
    if line.action in ROBOT_ACTS and items and current_app.config["ROBOT_URL"]:
        _tell_the_group(line, items[0])
    for item in items:
        if item.user.id != by.actor_id:  # nobody is told what they did themselves
            deliver(f"{line.id}", line.action, item, urgent=line.action in CHANGES)


def _tell_back(line: AuditEvent) -> None:
    """Whoever has been told of what is taken back now hears that it is off; of what nobody heard of, nobody does."""
    told_of = _undone(line)
    if told_of is None:
        return
    heard = db.session.scalars(
        select(Message)
        .where(Message.key.startswith(f"{told_of.id}:"), Message.channel == Channel.INBOX, Message.kind != BACK)
        .order_by(Message.id)
    )
    for message in heard.all():
        user = message.user
        if user is None or not user.active or user.id == line.actor_id:
            continue
        gone = line.subject_type == "assignment" and _row(line, Assignment) is None  # its page is closed to them now
        facts = {"subject": message.subject, "who": line.actor_name, "when": message.created_at}
        item = Item(user, "/inbox/" if gone else message.url or "/inbox/", message.hearing_id, facts)
        deliver(f"{told_of.id}:back", BACK, item, urgent=told_of.action in CHANGES)


def _undone(line: AuditEvent) -> AuditEvent | None:
    """The line that was told of and that this one takes back.

    It is of the same person and thing, and of the act itself, or of a part of it: handing an issue over tells
    of each assignment.
    """
    lasted = timedelta(minutes=int(current_app.config["UNDO_MINUTES"]) + 1)
    before = db.session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.subject_type == line.subject_type,
            AuditEvent.subject_id == line.subject_id,
            AuditEvent.actor_id == line.actor_id,
            AuditEvent.id < line.id,
            AuditEvent.at >= line.at - lasted,
            AuditEvent.action.in_(TELLERS),
        )
        .order_by(AuditEvent.id.desc())
    ).all()
    act = line.action.removesuffix(".undo")
    return next((x for x in before if x.action == act), next(iter(before), None))


def _tell_the_group(line: AuditEvent, item: Item) -> None:
    """The group's robot says it once, in Chinese. Its address is a secret and stays in the settings."""
    said = compose(line.action, CHINESE, to=None, **item.facts)
    outbox.write(
        key=f"{line.id}:robot",
        kind=line.action,
        channel="robot",
        hearing_id=item.hearing_id,
        subject=said.subject,
        text=f"{said.body}\n{outbox.base_url()}{item.url}",
        urgent=line.action in CHANGES,
    )


def is_on_its_way(hearing_id: int) -> bool:
    """Whether the worker has yet to read something of this hearing after which invitations may have to go out."""
    place = db.session.scalar(select(Cursor.audit_id).where(Cursor.name == "news")) or 0
    line = select(AuditEvent.id).where(
        AuditEvent.id > place, AuditEvent.hearing_id == hearing_id, AuditEvent.action.in_(CALENDAR_ACTS)
    )
    return db.session.scalar(line.limit(1)) is not None


def _lines(after: int, limit: int) -> list[AuditEvent]:
    """The next lines that are old enough. A hearing that is still being edited holds back what comes after.

    A line of the future was written while the clock was wrong: it is as old as the lines around it, so it waits only
    until a later one is old enough.
    """
    moment = now()
    ripe = moment - timedelta(seconds=float(current_app.config["NEWS_DELAY"]))
    rows = list(
        db.session.scalars(select(AuditEvent).where(AuditEvent.id > after).order_by(AuditEvent.id).limit(limit))
    )
    last = 0
    if any(x.at > moment for x in rows):
        old = select(func.max(AuditEvent.id)).where(AuditEvent.id > after, AuditEvent.at <= ripe)
        last = db.session.scalar(old) or 0
    young = {x.id for x in rows if x.at > ripe and not (x.at > moment and x.id < last)}
    busy = {x.hearing_id for x in rows if x.id in young and x.action in CALENDAR_ACTS and x.hearing_id is not None}
    taken = []
    for line in rows:
        if line.id in young or (line.hearing_id in busy and line.action in CALENDAR_ACTS):
            break
        taken.append(line)
    return taken


def _hearings_of(line: AuditEvent) -> set[int]:
    if line.hearing_id is not None:
        return {line.hearing_id}
    current = select(Hearing.id).where(Hearing.status.in_(invitations.TOLD))
    if line.subject_type == "station":
        return set(db.session.scalars(current.where(Hearing.station_id == line.subject_id)))
    if line.subject_type == "user" and (line.action != "user.amend" or "email" in line.details.get("fields", ())):
        seats = select(Participant.hearing_id).where(Participant.user_id == line.subject_id)
        return set(db.session.scalars(current.where(Hearing.id.in_(seats))))
    return set()


def letter(stem: str, kind: str, item: Item) -> dict[str, Any]:
    """What `outbox.write` needs to put one item into a person's inbox, in their language."""
    said = compose(kind, item.user.locale, to=item.user, **item.facts)
    return {
        "key": f"{stem}:{item.user.id}:inbox",
        "kind": kind,
        "channel": "inbox",
        "user_id": item.user.id,
        "hearing_id": item.hearing_id,
        "name": item.user.name,
        "subject": said.subject,
        "text": said.body,
        "url": item.url,
    }


def deliver(stem: str, kind: str, item: Item, *, urgent: bool = False) -> None:
    """Put one item into a person's inbox. The mail is the daily digest's, unless it is urgent: a hearing changed."""
    made = outbox.write(**letter(stem, kind, item))
    address = (item.user.email or "").strip().lower()
    if made is None or not urgent or "@" not in address or not outbox.mail_is_set():
        return
    asked = select(Invitation.id).where(Invitation.hearing_id == item.hearing_id, Invitation.address == address)
    if db.session.scalar(asked) is not None:
        return  # the mail that changes their calendar tells
    mail = outbox.write(
        key=f"{stem}:{item.user.id}:mail",
        kind=kind,
        channel="mail",
        user_id=item.user.id,
        hearing_id=item.hearing_id,
        name=item.user.name,
        address=address,
        subject=made.subject,
        text=f"{made.text}\n",
        url=item.url,
        urgent=True,
    )
    if mail is not None:
        db.session.flush()
        made.part_of_id = mail.id
