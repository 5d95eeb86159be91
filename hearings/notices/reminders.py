"""Reminders: an hourly pass asks the record what is due today by the rules, and writes what is missing.

Nothing is planned ahead, so nothing stale must be taken back; each reminder has a key of rule, thing, date and step,
so the pass may run as often as it likes. Steps that were missed (the server was off, a holiday) are not made up for
one by one: only the step that holds now is told. Working days are those of the district's calendar.

The pass reads first, without the write lock, and then writes what is missing in small steps.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from flask import current_app
from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import aliased, joinedload

from .. import workdays
from ..db import LOCAL, db, local, now, reading, today
from ..issues.models import Assignment, AssignmentStatus, Commitment, CommitmentStatus, Issue, Part
from ..language import speaking
from ..minutes.models import Download, Minutes, MinutesStatus
from ..minutes.queries import is_corrected_at_once
from ..people.models import Department, User
from ..reviews.models import Confirmation
from ..schedule.models import Hearing, HearingKind, HearingStatus, Participant
from . import due_dates, invitations, news, outbox, queries
from .models import Channel, Invitation, Message, MessageState, Preference, Reply
from .news import Item, told
from .queries import trouble
from .texts import compose

LEGAL = (
    "hearing.announce",
    "participant.add",
    "assignment.",
    "due.",
    "overdue.",
    "extension.",
    "commitment.",
    "confirmation.",
    news.BACK,
)
"""Kinds that a person cannot refuse to be told by mail; the page that offers the choice says why."""
FRESH = timedelta(days=1)
"""Who was invited within this time needs no reminder yet."""
LOOKS_BACK = timedelta(days=14)
"""What nobody has read for longer goes into no digest any more."""
AT_ONCE = 200

T = TypeVar("T")
Told = tuple[str, str, Item]
"""The stem of the key, the kind, and what for whom."""


def write() -> int:
    """Write every reminder that is due now and missing; commits. Returns how many."""
    on = today()
    with reading():
        table = workdays.overrides()
        wanted = [news.letter(*one) for one in _missing([*_hearings(on), *_undelivered()])]
        wanted += list(_guests(on))
        if workdays.is_workday(on, table):
            due = [*_due(on, table), *_overdue(on, table), *_confirmations(on, table), *_unfetched(on, table)]
            wanted += [news.letter(*one) for one in _missing(due)]
        db.session.commit()
    return _put(wanted)


def _put(letters: Iterable[dict[str, Any]]) -> int:
    made = 0
    for some in batched(letters, AT_ONCE):
        made += sum(outbox.write(**fields) is not None for fields in some)
        db.session.commit()
    return made


def _missing(wanted: Sequence[Told]) -> Iterator[Told]:
    """Those that have not been written yet; each once."""
    keyed = {f"{stem}:{item.user.id}:inbox": (stem, kind, item) for stem, kind, item in wanted}
    for some in batched(keyed, 500):
        there = set(db.session.scalars(select(Message.key).where(Message.key.in_(some))))
        yield from (keyed[key] for key in some if key not in there)


def batched(things: Iterable[T], most: int) -> Iterator[list[T]]:
    """In lists of so many; what itertools has from Python 3.12 on."""
    rest = iter(things)
    while some := list(islice(rest, most)):
        yield some


def _rule(name: str) -> int:
    return int(current_app.config[name])


def _steps(name: str) -> list[int]:
    """How many days before; 0 is the day itself."""
    value = current_app.config[name]
    return sorted(int(n) for n in (value if isinstance(value, list | tuple) else [value]))


def _step(left: int, steps: list[int]) -> int | None:
    """The step that holds when so many days are left, or None while it is too early."""
    return next((n for n in steps if left <= n), None)


# -- hearings and look-backs -----------------------------------------------------------------------------


def _coming(on: date) -> Iterator[tuple[Hearing, str]]:
    """Hearings to be reminded of now, and whether it is the day itself."""
    steps = {kind: _steps("REMIND_HEARING_DAYS") for kind in HearingKind}
    steps[HearingKind.LOOK_BACK] = _steps("REMIND_LOOK_BACK_DAYS")
    ahead = max((n for some in steps.values() for n in some), default=0)
    rows = db.session.scalars(
        select(Hearing)
        .where(
            Hearing.status == HearingStatus.ANNOUNCED,
            Hearing.starts_at >= now(),
            Hearing.starts_at < local(on + timedelta(days=ahead + 1), time.min),
        )
        .order_by(Hearing.starts_at, Hearing.id)
    )
    for hearing in rows.all():
        step = _step((hearing.day - on).days, steps[hearing.kind])
        if step == 0:
            yield hearing, "day"
        elif step is not None and (hearing.announced_at is None or hearing.announced_at <= now() - FRESH):
            yield hearing, f"before:{step}"


def _hearings(on: date) -> Iterator[Told]:
    """So many days before, and on the morning of the day itself; who has said no is left alone."""
    for hearing, step in _coming(on):
        kind = f"hearing.{step.partition(':')[0]}"
        no = set(
            db.session.scalars(
                select(Invitation.user_id).where(
                    Invitation.hearing_id == hearing.id, Invitation.answer == Reply.DECLINED
                )
            )
        )
        users = [u for u in news.attending(hearing.id) if u.id not in no]
        for item in told(users, f"/hearings/{hearing.id}", hearing.id, hearing=hearing):
            yield f"hearing.{step}:{hearing.uid}:{hearing.day.isoformat()}", kind, item


def _guests(on: date) -> Iterator[dict[str, Any]]:
    """By mail of their own: those who were invited by mail and have no sign-in here."""
    if not outbox.mail_is_set():
        return
    for hearing, step in _coming(on):
        rows = db.session.scalars(
            select(Invitation).where(
                Invitation.hearing_id == hearing.id,
                Invitation.user_id.is_(None),
                Invitation.withdrawn_at.is_(None),
                Invitation.answer != Reply.DECLINED,
            )
        )
        for row in rows.all():
            key = f"hearing.{step}:{hearing.uid}:{hearing.day.isoformat()}:{row.address}:mail"
            if db.session.scalar(select(Message.id).where(Message.key == key)) is not None:
                continue
            token = invitations.token_of(row)
            kind = step.partition(":")[0]
            link = f"{outbox.base_url()}/r/{token}"
            said = compose(f"invitation.{kind}", invitations.language_of(row), hearing=hearing, row=row, link=link)
            yield {
                "key": key,
                "kind": f"hearing.{kind}",
                "channel": "mail",
                "hearing_id": hearing.id,
                "name": row.name,
                "address": row.address,
                "subject": said.subject,
                "text": f"{said.body}\n",
                "url": None,
            }


# -- what an office owes ---------------------------------------------------------------------------------


class Owed(NamedTuple):
    """A promise, or a reply to what was assigned."""

    what: str
    """promise or reply."""
    key: str
    office: Department
    due_on: date
    issue: Issue
    url: str
    facts: dict[str, Any]


def _owed(first: date, last: date) -> Iterator[Owed]:
    """What is open and due in these days."""
    promises = db.session.scalars(
        select(Commitment)
        .where(Commitment.status == CommitmentStatus.OPEN, Commitment.due_on.between(first, last))
        .options(joinedload(Commitment.issue).joinedload(Issue.hearing), joinedload(Commitment.lead))
        .order_by(Commitment.due_on, Commitment.id)
    )
    for row in promises.all():
        facts: dict[str, Any] = {"promise": row, "issue": row.issue}
        yield Owed("promise", row.uid, row.lead, row.due_on, row.issue, f"/commitments/{row.id}", facts)
    waiting = (AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED)
    replies = db.session.scalars(
        select(Assignment)
        .where(Assignment.status.in_(waiting), Assignment.due_on.between(first, last))
        .options(joinedload(Assignment.issue).joinedload(Issue.hearing), joinedload(Assignment.department))
        .order_by(Assignment.due_on, Assignment.id)
    )
    for paper in replies.all():
        if paper.issue.is_closed:
            continue
        facts = {"issue": paper.issue, "co_handler": paper.part == Part.CO_HANDLER}
        url = f"/issues/{paper.issue_id}"
        yield Owed("reply", f"a{paper.id}", paper.department, paper.due_on, paper.issue, url, facts)


KINDS = {
    "promise": {"before": "due.before", "day": "due.day", "over": "overdue.promise"},
    "reply": {"before": "due.reply", "day": "due.reply.day", "over": "overdue.reply"},
}


def _due(on: date, table: dict[date, bool]) -> Iterator[Told]:
    """Working days before, to the office's contact; on the day to its head.

    A day that nobody works on is told on the last working day before it.
    """
    steps = _steps("REMIND_DUE_WORKDAYS")
    staff = Staff()
    for one in _owed(on, on + timedelta(days=3 * max([*steps, 1]) + 14)):
        left = workdays.workdays_between(on, one.due_on, table)
        step = _step(left, steps)
        if step is None:
            continue
        users = staff.named(one.office, one.office.head if step == 0 else one.office.contact)
        kind = KINDS[one.what]["day" if step == 0 else "before"]
        facts = {"office": one.office, "due_on": one.due_on, "left": left, "on": on, **one.facts}
        for item in told(users, one.url, one.issue.hearing_id, **facts):
            yield f"{kind}:{one.key}:{one.due_on.isoformat()}:{step}", kind, item


def _overdue(on: date, table: dict[date, bool]) -> Iterator[Told]:
    """Daily for some working days, then weekly; and ever higher: the office, then the organiser, then the leader.

    Who is higher joins when a step begins, so that nobody hears of one thing on two days running.
    """
    daily, weekly = max(1, _rule("OVERDUE_DAILY")), max(1, _rule("OVERDUE_EVERY_DAYS"))
    staff = Staff()
    for one in _owed(date(1, 1, 1), on - timedelta(days=1)):
        late = step = known = workdays.workdays_between(one.due_on, on, table)
        if late > daily:
            last = workdays.add_workdays(one.due_on, daily, table)
            weeks = (on - last).days // weekly
            since = workdays.next_workday(last + timedelta(days=weeks * weekly), table)
            step, known = daily + weeks, workdays.workdays_between(one.due_on, since, table)
        hearing = one.issue.hearing
        levels = {"office": staff.of(one.office)}
        if known >= _rule("OVERDUE_ORGANISER_WORKDAYS"):
            levels["organiser"] = staff.organisers(hearing)
        if known >= _rule("OVERDUE_LEADER_WORKDAYS") and hearing.chair is not None and hearing.chair.active:
            levels["leader"] = [hearing.chair]
        kind = KINDS[one.what]["over"]
        for level, users in levels.items():
            facts = {"office": one.office, "due_on": one.due_on, "late": late, "level": level, **one.facts}
            for item in told(users, one.url, one.issue.hearing_id, **facts):
                yield f"{kind}:{one.key}:{one.due_on.isoformat()}:{step}", kind, item


class Staff:
    """Who answers for an office or organises a hearing, asked once a pass."""

    def __init__(self) -> None:
        self.by_office: dict[int, list[User]] = {}
        self.by_maker: dict[int | None, list[User]] = {}

    def of(self, office: Department) -> list[User]:
        if office.id not in self.by_office:
            self.by_office[office.id] = list(queries.staff(office.id))
        return self.by_office[office.id]

    def named(self, office: Department, name: str | None) -> list[User]:
        """The named person of the office where they sign in here, else all who answer for it."""
        everybody = self.of(office)
        return [u for u in everybody if name and u.name == name] or everybody

    def organisers(self, hearing: Hearing) -> list[User]:
        if hearing.created_by_id not in self.by_maker:
            self.by_maker[hearing.created_by_id] = list(news.organisers(hearing))
        return self.by_maker[hearing.created_by_id]


# -- confirmations, minutes, mails that did not arrive ---------------------------------------------------


def _confirmations(on: date, table: dict[date, bool]) -> Iterator[Told]:
    """A confirmation that waits: every so many working days."""
    every = max(1, _rule("REMIND_CONFIRM_WORKDAYS"))
    rows = db.session.scalars(
        select(Confirmation)
        .where(Confirmation.status == "asked")
        .options(joinedload(Confirmation.issue), joinedload(Confirmation.deputy))
        .order_by(Confirmation.id)
    )
    for row in rows.all():
        waited = workdays.workdays_between(row.asked_at.astimezone(LOCAL).date(), on, table)
        if waited < every or not row.deputy.active:
            continue
        issue = row.issue
        for item in told([row.deputy], f"/issues/{issue.id}", issue.hearing_id, row=row, issue=issue, on=on):
            yield f"confirmation.waits:{row.id}:{waited // every}", "confirmation.waits", item


def _unfetched(on: date, table: dict[date, bool]) -> Iterator[Told]:
    """The newest published minutes that an office has not fetched for so many working days: once."""
    after = _rule("REMIND_MINUTES_WORKDAYS")
    newer = aliased(Minutes)
    statement = (
        select(Minutes, Participant.department_id)
        .join(Participant, Participant.hearing_id == Minutes.hearing_id)
        .where(
            Minutes.status == MinutesStatus.PUBLISHED,
            Minutes.published_at >= local(on - timedelta(days=60), time.min),
            Participant.department_id.is_not(None),
            ~exists().where(Download.minutes_id == Minutes.id, Download.department_id == Participant.department_id),
            ~exists().where(
                newer.hearing_id == Minutes.hearing_id,
                newer.status == MinutesStatus.PUBLISHED,
                newer.version > Minutes.version,
            ),
        )
        .order_by(Minutes.id, Participant.department_id)
    )
    for minutes, department_id in db.session.execute(statement).all():
        if minutes.published_at is None or department_id is None:
            continue
        published_on = minutes.published_at.astimezone(LOCAL).date()
        if workdays.workdays_between(published_on, on, table) < after or is_corrected_at_once(minutes):
            continue
        facts = {"title": minutes.content["title"], "published_at": minutes.published_at}
        url = f"/hearings/{minutes.hearing_id}/minutes"
        for item in told(queries.staff(department_id), url, minutes.hearing_id, **facts):
            yield f"minutes.unfetched:{minutes.id}:{department_id}", "minutes.unfetched", item


def _undelivered() -> Iterator[Told]:
    """A mail about a hearing that could not be delivered: its organiser hears of it, in words, once an address."""
    rows = db.session.scalars(
        select(Message)
        .where(
            Message.state == MessageState.FAILED,
            Message.channel == Channel.MAIL,
            Message.hearing_id.is_not(None),
            Message.created_at >= now() - LOOKS_BACK,
        )
        .options(joinedload(Message.hearing))
        .order_by(Message.id)
    )
    for row in rows.all():
        facts = {"address": row.address, "subject": row.subject, "why": trouble(row.error), "error": row.error}
        facts["name"] = row.name or row.address
        url = f"/hearings/{row.hearing_id}/sent"
        for item in told(news.organisers(row.hearing), url, row.hearing_id, **facts):  # type: ignore[arg-type]
            yield f"message.failed:{row.hearing_id}:{row.address}", "message.failed", item


# -- the day's one mail ----------------------------------------------------------------------------------

FIRST = ("overdue.", "due.day", "due.reply.day", "hearing.day", "hearing.", "due.", "confirmation.", "assignment.")
"""Kinds in the order in which a digest tells them; the rest comes after, as it came in."""


def digest() -> int:
    """One mail a day and person with what came into the inbox, and the due dates for their calendar; commits.

    Returns how many mails.

    Only outside quiet hours and on working days, so what comes on a Friday evening is told on Monday; but who is to be
    at a hearing hears of it on a Saturday too. Who has chosen no mail still gets what the law wants told.
    """
    on = today()
    if outbox.is_quiet() or not outbox.mail_is_set():
        return 0
    with reading():
        wanted = list(_digests(on, on_workday=workdays.is_workday(on)))
        db.session.commit()
    made = 0
    for fields, ids, dates in wanted:
        mail = outbox.write(**fields)
        if mail is not None:
            if dates:
                mail.calendar, mail.method = due_dates.attach(fields["user_id"], dates), "PUBLISH"
            db.session.flush()
            for message in db.session.scalars(select(Message).where(Message.id.in_(ids))):
                message.part_of_id = mail.id
            made += 1
        db.session.commit()
    return made


def _digests(on: date, *, on_workday: bool) -> Iterator[tuple[dict[str, Any], list[int], list[due_dates.Change]]]:
    """The mails of this day that have not been written yet, each with the messages and due dates it carries."""
    own_mail = exists().where(Invitation.hearing_id == Message.hearing_id, Invitation.user_id == Message.user_id)
    rows = db.session.execute(
        select(Message, User)
        .join(User, User.id == Message.user_id)
        .outerjoin(Preference, Preference.user_id == Message.user_id)
        .where(
            Message.channel == Channel.INBOX,
            Message.part_of_id.is_(None),
            Message.read_at.is_(None),
            Message.created_at >= now() - LOOKS_BACK,
            User.active,
            User.email.contains("@"),
            or_(Preference.mail.is_(None), Preference.mail, *(Message.kind.startswith(prefix) for prefix in LEGAL)),
            ~and_(Message.kind.in_(news.INVITING), own_mail),
        )
        .order_by(Message.user_id, Message.id)
    ).all()
    by_user: dict[User, list[Message]] = {}
    for message, user in rows:
        by_user.setdefault(user, []).append(message)
    dated = due_dates.pending() if on_workday else {}
    for user in db.session.scalars(select(User).where(User.id.in_(dated))):
        by_user.setdefault(user, [])
    for some in batched(by_user, 500):
        keys = [_digest_key(on, user) for user in some]
        there = set(db.session.scalars(select(Message.key).where(Message.key.in_(keys))))
        for user in some:
            items = by_user[user]
            if _digest_key(on, user) in there or not (on_workday or any(_is_of_evening(m) for m in items)):
                continue
            dates = dated.get(user.id, [])
            with speaking(user.locale):
                lines = due_dates.lines(dates)
            shown = sorted({_matter(m): m for m in items}.values(), key=_rank)
            system = current_app.config["SYSTEM_NAME"]
            base = outbox.base_url()
            said = compose("digest", user.locale, to=user, items=shown, dates=lines, base_url=base, system=system)
            fields = {
                "key": _digest_key(on, user),
                "kind": "digest",
                "channel": "mail",
                "user_id": user.id,
                "name": user.name,
                "address": str(user.email).strip().lower(),
                "subject": said.subject,
                "text": f"{said.body}\n",
                "url": "/inbox/",
            }
            yield fields, [m.id for m in items], dates


def _digest_key(on: date, user: User) -> str:
    return f"digest:{on.isoformat()}:{user.id}"


def _is_of_evening(message: Message) -> bool:
    return message.kind in ("hearing.before", "hearing.day")


def _matter(message: Message) -> Any:
    """What a digest tells once: of several reminders of one thing only the last."""
    family = message.kind.partition(".")[0].replace("overdue", "due").replace("participant", "hearing")
    return (message.url, family) if family in ("due", "confirmation", "hearing") else message.id


def _rank(message: Message) -> tuple[int, int]:
    place = next((n for n, prefix in enumerate(FIRST) if message.kind.startswith(prefix)), len(FIRST))
    return place, message.id
