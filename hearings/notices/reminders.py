"""Reminders: an hourly pass asks the record what is due today by the rules, and writes what is missing.

Nothing is planned ahead, so nothing stale must be taken back; each reminder has a key of rule, thing, date and step,
so the pass may run as often as it likes. Steps that were missed (the server was off, a holiday) are not made up for
one by one: only the step that holds now is told. Working days are those of the district's calendar.
"""

from collections.abc import Iterable, Sequence
from datetime import date, time, timedelta
from typing import Any

from flask import current_app
from flask_babel import force_locale
from flask_babel import gettext as _
from sqlalchemy import exists, select
from sqlalchemy.orm import joinedload

from .. import workdays
from ..db import LOCAL, db, local, now, today
from ..filters import clock, day, full_day
from ..issues.models import Commitment, CommitmentStatus, Issue
from ..minutes.models import Download, Minutes, MinutesStatus
from ..people.models import User
from ..reviews.models import Confirmation
from ..schedule.models import Hearing, HearingStatus, Participant
from . import news, outbox
from .models import Invitation, Message, Preference
from .news import Item, deliver

LEGAL = ("due.", "overdue.", "assignment.", "confirmation.")
"""Kinds that rest on the law; a person chooses how to hear of them, not whether (代表法 art. 51)."""
WEEKLY = 7


def write() -> int:
    """Write every reminder that is due now and missing; the caller commits. Returns how many."""
    on = today()
    table = workdays.overrides()
    made = _hearings(on)
    if workdays.is_workday(on, table):
        made += _due(on, table) + _overdue(on) + _confirmations(on, table) + _unfetched(on, table)
    return made


def _rule(name: str) -> Any:
    return current_app.config[name]


# -- hearings and look-backs -----------------------------------------------------------------------------


def _hearings(on: date) -> int:
    """So many days before, and on the morning of the day itself."""
    ahead = int(_rule("REMIND_HEARING_DAYS"))
    rows = db.session.scalars(
        select(Hearing).where(
            Hearing.status == HearingStatus.ANNOUNCED,
            Hearing.starts_at >= now(),
            Hearing.starts_at < local(on + timedelta(days=ahead + 1), time.min),
        )
    ).all()
    made = 0
    for hearing in rows:
        step = "day" if hearing.day == on else "before"
        if step == "before" and hearing.announced_at is not None and hearing.announced_at > now() - timedelta(days=1):
            continue  # the invitation itself is fresh
        stem = f"hearing.{step}:{hearing.uid}:{hearing.day.isoformat()}"
        for user in {u.id: u for u in news.attending(hearing.id)}.values():
            made += deliver(stem, f"hearing.{step}", _of_hearing(hearing, user, step))
        made += _by_mail(hearing, stem, step)
    return made


def _of_hearing(hearing: Hearing, user: User, step: str) -> Item:
    def words() -> tuple[str, str]:
        when = f"{full_day(hearing.starts_at)} {clock(hearing.starts_at)}"
        head = _("Today: %(title)s", title=hearing.title)
        if step == "before":
            head = _("On %(day)s: %(title)s", day=day(hearing.starts_at), title=hearing.title)
        return head, _("Time: %(when)s\nPlace: %(place)s", when=when, place=hearing.place)

    return Item(user, words, f"/hearings/{hearing.id}", hearing.id)


def _by_mail(hearing: Hearing, stem: str, step: str) -> int:
    """Those who were invited by mail and have no sign-in here; and on the morning everybody who was."""
    if not outbox.mail_is_set():
        return 0
    rows = db.session.scalars(
        select(Invitation).where(
            Invitation.hearing_id == hearing.id, Invitation.withdrawn_at.is_(None), Invitation.answer != "declined"
        )
    ).all()
    made = 0
    for row in rows:
        if row.user_id is not None and step == "before":
            continue  # the digest tells
        locale = row.user.locale if row.user is not None and row.user.locale else "zh_Hans"
        with force_locale(locale):
            subject, text = _of_hearing(hearing, row.user or User(), step).words()
        made += (
            outbox.write(
                key=f"{stem}:{row.address}:mail",
                kind=f"hearing.{step}",
                channel="mail",
                user_id=row.user_id,
                hearing_id=hearing.id,
                name=row.name,
                address=row.address,
                subject=subject,
                text=f"{row.name}：\n\n{text}\n",
                url=f"/hearings/{hearing.id}",
                send_after=local(today(), outbox.time_of("QUIET_UNTIL")),
            )
            is not None
        )
    return made


# -- promises --------------------------------------------------------------------------------------------


def _promises(*clauses: Any) -> Sequence[Commitment]:
    return db.session.scalars(
        select(Commitment)
        .where(Commitment.status == CommitmentStatus.OPEN, *clauses)
        .options(joinedload(Commitment.issue).joinedload(Issue.hearing), joinedload(Commitment.lead))
        .order_by(Commitment.due_on, Commitment.id)
    ).all()


def _due(on: date, table: dict[date, bool]) -> int:
    """Seven, three and one working days before, to the office's contact; on the day to its head."""
    steps = sorted(int(n) for n in _rule("REMIND_DUE_WORKDAYS"))
    horizon = on + timedelta(days=3 * max([*steps, 1]) + 14)
    made = 0
    for row in _promises(Commitment.due_on >= on, Commitment.due_on <= horizon):
        left = workdays.workdays_between(on, row.due_on, table)
        step = 0 if row.due_on == on else next((n for n in steps if left <= n), None)
        if step is None:
            continue
        users = _of_office(row, row.lead.head if step == 0 else row.lead.contact)
        made += _tell(row, users, f"due.{'day' if step == 0 else 'before'}", f"{row.due_on.isoformat()}:{step}", left)
    return made


def _of_office(row: Commitment, name: str | None) -> list[User]:
    """The named person of the office where they sign in here, else all who answer for it."""
    staff = list(news.staff(row.lead_id))
    named = [u for u in staff if name and u.name == name]
    return named or staff


def _overdue(on: date) -> int:
    """Daily for three days, then weekly; and ever higher: the office, then the organiser, then the leader."""
    organiser_after, leader_after = int(_rule("OVERDUE_ORGANISER_DAYS")), int(_rule("OVERDUE_LEADER_DAYS"))
    daily = int(_rule("OVERDUE_DAILY"))
    made = 0
    for row in _promises(Commitment.due_on < on):
        late = (on - row.due_on).days
        step = late if late <= daily else daily + 1 + (late - daily - 1) // WEEKLY
        users = list(news.staff(row.lead_id))
        hearing = row.issue.hearing
        if late > organiser_after:
            users += news.organisers(hearing)
        if late > leader_after and hearing.chair is not None and hearing.chair.active:
            users.append(hearing.chair)
        made += _tell(row, users, "overdue.promise", f"{row.due_on.isoformat()}:{step}", -late)
    return made


def _tell(row: Commitment, users: Iterable[User], kind: str, step: str, left: int) -> int:
    made = 0
    for user in {u.id: u for u in users}.values():

        def words() -> tuple[str, str]:
            heads = {
                "due.before": _("Due on %(day)s: %(what)s", day=day(row.due_on), what=row.measure),
                "due.day": _("Due today: %(what)s", what=row.measure),
                "overdue.promise": _("%(days)d days overdue: %(what)s", days=-left, what=row.measure),
            }
            text = _(
                "%(ref)s %(title)s\nLead: %(lead)s. Report it done, or ask for more time.",
                ref=row.issue.reference,
                title=row.issue.title,
                lead=row.lead.short_name,
            )
            return heads[kind], text

        item = Item(user, words, f"/commitments/{row.id}", row.issue.hearing_id)
        made += deliver(f"{kind}:{row.uid}:{step}", kind, item)
    return made


# -- confirmations, minutes ------------------------------------------------------------------------------


def _confirmations(on: date, table: dict[date, bool]) -> int:
    """A confirmation that waits: every so many working days."""
    every = max(1, int(_rule("REMIND_CONFIRM_WORKDAYS")))
    rows = db.session.scalars(
        select(Confirmation)
        .where(Confirmation.status == "asked")
        .options(joinedload(Confirmation.issue), joinedload(Confirmation.deputy))
    ).all()
    made = 0
    for row in rows:
        waited = workdays.workdays_between(row.asked_at.astimezone(LOCAL).date(), on, table)
        if waited < every or not row.deputy.active:
            continue
        issue = row.issue

        def words(issue: Issue = issue, row: Confirmation = row) -> tuple[str, str]:
            return (
                _("Your confirmation is waited for: %(ref)s %(title)s", ref=issue.reference, title=issue.title),
                _("Please say by %(day)s whether it is done.", day=day(row.due_on)),
            )

        item = Item(row.deputy, words, f"/issues/{issue.id}", issue.hearing_id)
        made += deliver(f"confirmation.waits:{row.id}:{waited // every}", "confirmation.waits", item)
    return made


def _unfetched(on: date, table: dict[date, bool]) -> int:
    """Published minutes that an office has not fetched for so many working days: once."""
    after = int(_rule("REMIND_MINUTES_WORKDAYS"))
    since = local(on - timedelta(days=60), time.min)
    statement = (
        select(Minutes, Participant.department_id)
        .join(Participant, Participant.hearing_id == Minutes.hearing_id)
        .where(
            Minutes.status == MinutesStatus.PUBLISHED,
            Minutes.published_at >= since,
            Participant.department_id.is_not(None),
            ~exists().where(Download.minutes_id == Minutes.id, Download.department_id == Participant.department_id),
        )
        .order_by(Minutes.id, Participant.department_id)
    )
    rows = db.session.execute(statement).all()
    made = 0
    for minutes, department_id in rows:
        if minutes.published_at is None or department_id is None:
            continue
        if workdays.workdays_between(minutes.published_at.astimezone(LOCAL).date(), on, table) < after:
            continue
        title = minutes.content["title"]

        def words(title: str = title) -> tuple[str, str]:
            return (
                _("Not fetched yet: %(title)s", title=title),
                _("Your department has not downloaded these minutes yet."),
            )

        for user in news.staff(department_id):
            item = Item(user, words, f"/hearings/{minutes.hearing_id}/minutes", minutes.hearing_id)
            made += deliver(f"minutes.unfetched:{minutes.id}:{department_id}", "minutes.unfetched", item)
    return made


# -- the day's one mail ----------------------------------------------------------------------------------


def digest() -> int:
    """One mail a day and person with what came into the inbox; the caller commits. Returns how many mails.

    Only outside quiet hours and on working days, so what comes on a Friday evening is told on Monday. Who has
    chosen no mail still gets what the law wants told.
    """
    on = today()
    if outbox.is_quiet() or not outbox.mail_is_set() or not workdays.is_workday(on):
        return 0
    rows = db.session.scalars(
        select(Message)
        .where(
            Message.channel == "inbox",
            Message.part_of_id.is_(None),
            Message.read_at.is_(None),
            Message.created_at >= now() - timedelta(days=14),
        )
        .order_by(Message.user_id, Message.id)
    ).all()
    silent = set(db.session.scalars(select(Preference.user_id).where(~Preference.mail)))
    by_user: dict[int, list[Message]] = {}
    for message in rows:
        if message.user_id is None or (message.user_id in silent and not message.kind.startswith(LEGAL)):
            continue
        by_user.setdefault(message.user_id, []).append(message)
    made = 0
    for user_id, items in by_user.items():
        user = db.session.get_one(User, user_id)
        if not user.email or "@" not in user.email or not user.active:
            continue
        with force_locale(user.locale or "zh_Hans"):
            subject = _("%(count)d matters of the evening hearings", count=len(items))
            head = _("%(name)s, this has come in for you:", name=user.name)
            foot = _("All of it: %(url)s", url=f"{outbox.base_url()}/inbox/")
        lines = [head, ""]
        for n, item in enumerate(items, 1):
            lines += [f"{n}. {item.subject}", *item.text.split("\n"), f"{outbox.base_url()}{item.url or ''}", ""]
        made_mail = outbox.write(
            key=f"digest:{on.isoformat()}:{user_id}",
            kind="digest",
            channel="mail",
            user_id=user_id,
            name=user.name,
            address=user.email.strip().lower(),
            subject=subject,
            text="\n".join([*lines, foot, ""]),
            url="/inbox/",
        )
        if made_mail is None:
            continue  # today's mail has been written
        db.session.flush()
        for item in items:
            item.part_of_id = made_mail.id
        made += 1
    return made
