"""News: what the trail tells becomes messages to those whom it concerns.

The worker reads the lines after its cursor, once they are NEWS_DELAY seconds old: until then their author can undo
them, and nothing is said of what was undone. Messages and cursor are saved together, so a message exists if and
only if the change was committed, and each is written once (its key is the line's number).
"""

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import func, select

from ..audit import AuditEvent
from ..db import db, now
from ..filters import clock, day, full_day
from ..issues.models import Assignment, Commitment, Extension, Issue, Part
from ..minutes.models import Minutes, MinutesStatus
from ..people.models import Department, User, UserRole
from ..permissions import Role
from ..reviews.models import Confirmation
from ..schedule.models import Hearing, HearingStatus, Participant
from . import invitations, outbox
from .models import Cursor

AT_ONCE = 500


class Item(NamedTuple):
    """One thing to tell one person; the words are made in that person's language."""

    user: User
    words: Callable[[], tuple[str, str]]
    """Subject and text."""
    url: str
    hearing_id: int | None = None


# -- who -------------------------------------------------------------------------------------------------


def staff(department_id: int) -> Sequence[User]:
    """The people who answer for an office, or for the one that became it."""
    office = db.session.get_one(Department, department_id).now
    return db.session.scalars(
        select(User)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.department_id == office.id, UserRole.role == Role.DEPARTMENT, User.active)
        .order_by(User.id)
    ).all()


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


def _told(users: Iterable[User], words: Callable[[], tuple[str, str]], url: str, hearing_id: int | None) -> list[Item]:
    return [Item(u, words, url, hearing_id) for u in {u.id: u for u in users}.values()]


@tells("assignment.make")
def _assigned(line: AuditEvent) -> list[Item]:
    row: Assignment | None = _row(line, Assignment)
    if row is None or row.status not in ("assigned", "accepted"):
        return []
    issue = row.issue

    def words() -> tuple[str, str]:
        part = _("as lead") if row.part != Part.CO_HANDLER else _("as co-handler")
        return (
            _("Assigned to you: %(ref)s %(title)s", ref=issue.reference, title=issue.title),
            _(
                "Your department handles it %(part)s. Reply by %(due)s; return it by %(back)s if it is not yours.",
                part=part,
                due=day(row.due_on),
                back=day(row.respond_by),
            ),
        )

    return _told(staff(row.department_id), words, f"/issues/{issue.id}", issue.hearing_id)


@tells("assignment.return", "assignment.reply")
def _answered(line: AuditEvent) -> list[Item]:
    row: Assignment | None = _row(line, Assignment)
    if row is None:
        return []
    issue = row.issue
    returned = line.action == "assignment.return"
    what = {"ref": issue.reference, "title": issue.title}

    def words() -> tuple[str, str]:
        who = row.department.short_name
        if returned:
            head, text = _("Returned: %(ref)s %(title)s", **what), row.return_reason or ""
            return head, _("%(who)s: %(reason)s", who=who, reason=text)
        letter = line.details.get("result_class", "")
        return (
            _("Reply to %(ref)s %(title)s", **what),
            _("%(who)s has replied, class %(letter)s.", who=who, letter=letter),
        )

    users = [*organisers(issue.hearing), *([] if returned else deputies(issue))]
    return _told(users, words, f"/issues/{issue.id}", issue.hearing_id)


@tells("commitment.report_done", "commitment.reject", "commitment.release")
def _promise(line: AuditEvent) -> list[Item]:
    row: Commitment | None = _row(line, Commitment)
    if row is None:
        return []
    issue = row.issue

    def words() -> tuple[str, str]:
        heads = {
            "commitment.report_done": _("Reported done, to be verified: %(what)s", what=row.measure),
            "commitment.reject": _("Not done yet: %(what)s", what=row.measure),
            "commitment.release": _("No longer binding: %(what)s", what=row.measure),
        }
        reason = line.details.get("reason") or (row.report if line.action == "commitment.report_done" else "") or ""
        return heads[line.action], f"{issue.reference} {issue.title}\n{reason}".strip()

    users = organisers(issue.hearing) if line.action == "commitment.report_done" else staff(row.lead_id)
    return _told(users, words, f"/issues/{issue.id}", issue.hearing_id)


@tells("extension.ask", "extension.grant", "extension.refuse")
def _extension(line: AuditEvent) -> list[Item]:
    row: Extension | None = _row(line, Extension)
    if row is None:
        return []
    promise = row.commitment

    def words() -> tuple[str, str]:
        heads = {
            "extension.ask": _("More time asked for: %(what)s", what=promise.measure),
            "extension.grant": _("More time granted: %(what)s", what=promise.measure),
            "extension.refuse": _("More time refused: %(what)s", what=promise.measure),
        }
        return heads[line.action], _(
            "From %(old)s to %(new)s. %(reason)s",
            old=day(row.old_due_on),
            new=day(row.new_due_on),
            reason=(row.reason if line.action == "extension.ask" else row.decision_note) or "",
        )

    asked = line.action == "extension.ask"
    users = organisers(promise.issue.hearing) if asked else staff(promise.lead_id)
    return _told(users, words, f"/issues/{promise.issue_id}", promise.issue.hearing_id)


@tells("confirmation.ask", "confirmation.confirm", "confirmation.refuse")
def _confirmation(line: AuditEvent) -> list[Item]:
    row: Confirmation | None = _row(line, Confirmation)
    if row is None or (line.action == "confirmation.ask" and row.status != "asked"):
        return []
    issue = row.issue
    what = {"ref": issue.reference, "title": issue.title}

    def words() -> tuple[str, str]:
        heads = {
            "confirmation.ask": _("Please confirm: is it done? %(ref)s %(title)s", **what),
            "confirmation.confirm": _("Confirmed: %(ref)s %(title)s", **what),
            "confirmation.refuse": _("Not confirmed: %(ref)s %(title)s", **what),
        }
        return heads[line.action], line.details.get("reason") or issue.statement

    if line.action == "confirmation.ask":
        return _told([row.deputy], words, f"/issues/{issue.id}", issue.hearing_id)
    return _told(organisers(issue.hearing), words, f"/issues/{issue.id}", issue.hearing_id)


@tells("issue.strike_off", "issue.explain", "issue.decline", "issue.transfer")
def _closed(line: AuditEvent) -> list[Item]:
    row: Issue | None = _row(line, Issue)
    if row is None or not row.is_closed:
        return []

    def words() -> tuple[str, str]:
        heads = {
            "issue.strike_off": _("Struck off: %(ref)s %(title)s", ref=row.reference, title=row.title),
            "issue.explain": _("Settled by explanation: %(ref)s %(title)s", ref=row.reference, title=row.title),
            "issue.decline": _("Not accepted: %(ref)s %(title)s", ref=row.reference, title=row.title),
            "issue.transfer": _("Transferred: %(ref)s %(title)s", ref=row.reference, title=row.title),
        }
        return heads[line.action], line.details.get("reason") or row.statement

    return _told(deputies(row), words, f"/issues/{row.id}", row.hearing_id)


@tells("minutes.publish")
def _minutes(line: AuditEvent) -> list[Item]:
    row: Minutes | None = _row(line, Minutes)
    if row is None or row.status != MinutesStatus.PUBLISHED:
        return []

    def words() -> tuple[str, str]:
        return (
            _("Minutes published: %(title)s", title=row.content["title"]),
            _("They can be read and downloaded."),
        )

    return _told(attending(row.hearing_id), words, f"/hearings/{row.hearing_id}/minutes", row.hearing_id)


def attending(hearing_id: int) -> list[User]:
    """Everybody with a sign-in who has a seat, and the people of the offices that have one."""
    seats = db.session.scalars(select(Participant).where(Participant.hearing_id == hearing_id)).all()
    users: list[User] = []
    for seat in seats:
        if seat.user is not None and seat.user.active:
            users.append(seat.user)
        if seat.department_id is not None:
            users.extend(staff(seat.department_id))
    return users


@tells("hearing.announce", "hearing.reschedule", "hearing.postpone", "hearing.cancel")
def _hearing(line: AuditEvent) -> list[Item]:
    row: Hearing | None = _row(line, Hearing)
    wanted = {
        "hearing.announce": HearingStatus.ANNOUNCED,
        "hearing.reschedule": HearingStatus.ANNOUNCED,
        "hearing.postpone": HearingStatus.POSTPONED,
        "hearing.cancel": HearingStatus.CANCELLED,
    }
    if row is None or row.status != wanted[line.action]:
        return []

    def words() -> tuple[str, str]:
        heads = {
            "hearing.announce": _("You are invited: %(title)s", title=row.title),
            "hearing.reschedule": _("New time or place: %(title)s", title=row.title),
            "hearing.postpone": _("Postponed: %(title)s", title=row.title),
            "hearing.cancel": _("Cancelled: %(title)s", title=row.title),
        }
        when = f"{full_day(row.starts_at)} {clock(row.starts_at)}"
        reason = f"\n{row.reason}" if row.reason and line.action != "hearing.announce" else ""
        return heads[line.action], _("Time: %(when)s\nPlace: %(place)s", when=when, place=row.place) + reason

    return _told(attending(row.id), words, f"/hearings/{row.id}", row.id)


ROBOT_ACTS = {"hearing.announce", "hearing.reschedule", "hearing.postpone", "hearing.cancel", "minutes.publish"}
"""Acts that a group is told of; what one person owes is nobody else's news."""
CALENDAR_ACTS = {
    "hearing.announce",
    "hearing.reschedule",
    "hearing.postpone",
    "hearing.cancel",
    "hearing.amend",
    "hearing.announce.undo",
    "participant.add",
    "participant.amend",
    "participant.remove",
    "participant.remove.undo",
    "participant.sign_in",
    "station.amend",
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
    undone = {
        (x.subject_type, x.subject_id, x.action.removesuffix(".undo")) for x in lines if x.action.endswith(".undo")
    }
    hearings: set[int] = set()
    for line in lines:
        if line.action in CALENDAR_ACTS:
            hearings |= _hearings_of(line)
        teller = TELLERS.get(line.action)
        if teller is None or (line.subject_type, line.subject_id, line.action) in undone:
            continue
        items = list(teller(line))
        if line.action in ROBOT_ACTS and items and current_app.config["ROBOT_URL"]:
            _tell_the_group(line, items[0])
        for item in items:
            if item.user.id == line.actor_id:
                continue  # nobody is told what they did themselves
            deliver(f"{line.id}", line.action, item)
        place.audit_id = line.id
    if lines:
        place.audit_id, place.at = lines[-1].id, now()
    for hearing_id in sorted(hearings):
        hearing = db.session.get(Hearing, hearing_id)
        if hearing is not None and outbox.mail_is_set():
            invitations.reconcile(hearing)
    return len(lines)


def _tell_the_group(line: AuditEvent, item: Item) -> None:
    """The group's robot says it once, in Chinese. Its address is a secret and stays in the settings."""
    with force_locale("zh_Hans"):
        subject, text = item.words()
    outbox.write(
        key=f"{line.id}:robot",
        kind=line.action,
        channel="robot",
        hearing_id=item.hearing_id,
        subject=str(subject)[:300],
        text=f"{text}\n{outbox.base_url()}{item.url}",
        urgent=True,
    )


def _lines(after: int, limit: int) -> list[AuditEvent]:
    """The next lines that are old enough. A hearing that is still being edited holds back what comes after."""
    ripe = now() - timedelta(seconds=float(current_app.config["NEWS_DELAY"]))
    rows = list(
        db.session.scalars(select(AuditEvent).where(AuditEvent.id > after).order_by(AuditEvent.id).limit(limit))
    )
    busy = {x.hearing_id for x in rows if x.at > ripe and x.action in CALENDAR_ACTS and x.hearing_id is not None}
    taken = []
    for line in rows:
        if line.at > ripe or (line.hearing_id in busy and line.action in CALENDAR_ACTS):
            break
        taken.append(line)
    return taken


def _hearings_of(line: AuditEvent) -> set[int]:
    if line.hearing_id is not None:
        return {line.hearing_id}
    if line.subject_type == "station" and line.subject_id is not None:
        current = (HearingStatus.ANNOUNCED, HearingStatus.POSTPONED)
        return set(
            db.session.scalars(
                select(Hearing.id).where(Hearing.station_id == line.subject_id, Hearing.status.in_(current))
            )
        )
    return set()


def deliver(stem: str, kind: str, item: Item) -> bool:
    """Put one item into a person's inbox, in their language; the mail is the daily digest's. False for a repeat."""
    with force_locale(item.user.locale or "zh_Hans"):
        subject, text = item.words()
    made = outbox.write(
        key=f"{stem}:{item.user.id}:inbox",
        kind=kind,
        channel="inbox",
        user_id=item.user.id,
        hearing_id=item.hearing_id,
        name=item.user.name,
        subject=str(subject)[:300],
        text=str(text),
        url=item.url,
    )
    return made is not None
