"""Reads of the issues room: scoped, eager, a handful of statements whatever the number of rows."""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Integer, and_, bindparam, exists, false, func, literal, or_, select, tuple_, union_all
from sqlalchemy.orm import joinedload, lazyload, raiseload, selectinload

from .. import audit
from ..audit import AuditEvent
from ..db import LOCAL, db, today
from ..files import Blob, StoredFile
from ..filters import listed, serial
from ..people.models import Department, User, UserRole, offices_of_today
from ..permissions import Clause, Role, scoped
from ..prepared import StandIn, ask, particulars, stand_in
from ..schedule.models import Hearing, Participant, Station, Topic
from ..search import SearchEntry, matches
from . import rules
from .models import (
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    Exchange,
    Extension,
    Issue,
    IssueFile,
    IssueStatus,
    OutcomeFigure,
    Part,
    Progress,
    Reply,
    commitment_co_handler,
)

STORY_PARTS: list[Callable[[Issue, User], list[dict[str, Any]]]] = []
"""Later rooms add functions from an issue and its reader to events of its story (see `story.issue_story`)."""

ISSUE_BUTTONS: list[Callable[[Issue, User], list[dict[str, Any]]]] = []
"""Later rooms add functions to buttons: {url, label, post?, tone?, primary?, confirm?}, or {why} for what cannot be."""

AGREED_ON_THE_SPOT: list[Callable[..., Any]] = []
"""A later room adds `f(issue, actor=…)`: the deputy said in the room that it is settled (used by explaining)."""

COUNT_TO = 1000
"""Totals are exact up to here."""

SOURCES_OF_LISTS = 24
"""How many hearings the filter offers; others are reached from their own page."""


# -- to choose from ------------------------------------------------------------------------------------


def departments(also: Sequence[Department] = ()) -> list[Department]:
    """Current offices in their order, and those of `also` that have been retired since."""
    current = db.session.scalars(
        select(Department).where(offices_of_today()).order_by(Department.position, Department.id)
    ).all()
    return [*current, *(d for d in also if d not in current)]


_DEPUTIES = (
    select(User.id, User.name)
    .join(UserRole, and_(UserRole.user_id == User.id, UserRole.role == Role.DEPUTY))
    .where(User.active)
    .order_by(
        exists().where(Participant.hearing_id == bindparam("hearing"), Participant.user_id == User.id).desc(),
        User.protocol_order,
        User.id,
    )
)


def deputies(hearing: Hearing) -> list[Any]:
    """(id, name) of deputies who can sign in; those invited to `hearing` first, each in protocol order."""
    return list(ask(_DEPUTIES, {"hearing": hearing.id}))


def persons(ids: Sequence[int]) -> dict[int, User]:
    """These people, by id."""
    return {u.id: u for u in db.session.scalars(select(User).where(User.id.in_(ids)))} if ids else {}


def topics(hearing: Hearing) -> list[Topic]:
    """The topics of a hearing, in order."""
    return list(
        db.session.scalars(
            select(Topic)
            .where(Topic.hearing_id == hearing.id, Topic.merged_into_id.is_(None))
            .order_by(Topic.position, Topic.id)
        )
    )


_STREETS = select(Station.street).union(select(Department.street).where(Department.street.is_not(None)))


def streets() -> list[str]:
    """Streets that have a station or an office."""
    return sorted(s for s in ask(_STREETS).scalars() if s)


@dataclass(frozen=True)
class Lists:
    """What the filters offer."""

    departments: list[tuple[int, str]]
    streets: list[str]
    hearings: list[tuple[int, str]]
    years: list[int]


_OFFICES_AND_STREETS = union_all(
    select(literal("d"), Department.id, Department.short_name, Department.position).where(
        Department.valid_from <= bindparam("today", type_=Date()),
        or_(Department.successor_id.is_(None), Department.valid_until >= bindparam("today", type_=Date())),
    ),
    select(literal("s"), literal(0), Station.street, literal(0)).distinct(),
)


@functools.cache
def _evenings(person: StandIn) -> Any:
    readable = scoped("hearing.read", person, Hearing)
    latest = (
        select(Hearing.id).where(readable).order_by(Hearing.starts_at.desc(), Hearing.id.desc()).limit(SOURCES_OF_LISTS)
    )
    first = select(func.min(Hearing.starts_at)).scalar_subquery()
    wanted = or_(Hearing.id.in_(latest.scalar_subquery()), Hearing.id == bindparam("chosen"))
    return (
        select(Hearing.id, Hearing.serial_no, Hearing.title, Hearing.starts_at, first)
        .where(wanted, readable)
        .order_by(Hearing.starts_at.desc(), Hearing.id.desc())
    )


def lists(user: Any, hearing_id: int | None = None) -> Lists:
    """Departments, streets, the latest hearings (and the chosen one) and the years there are; two statements."""
    rows = ask(_OFFICES_AND_STREETS, {"today": today()}).all()
    evenings = ask(_evenings(stand_in(user)), particulars(user) | {"chosen": hearing_id or 0}).all()
    since = evenings[0][4].astimezone(LOCAL).year if evenings else today().year
    return Lists(
        departments=[(r[1], r[2]) for r in sorted(rows, key=lambda r: (r[3], r[1])) if r[0] == "d"],
        streets=sorted({r[2] for r in rows if r[0] == "s" and r[2]}),
        hearings=[(e.id, f"{serial(e.serial_no) or _day(e.starts_at)}　{e.title}") for e in evenings],
        years=list(range(max(today().year, since), since - 1, -1)),
    )


def _day(moment: datetime) -> str:
    return moment.astimezone(LOCAL).date().isoformat()


# -- the list of issues --------------------------------------------------------------------------------


@dataclass
class Filter:
    """What a list is narrowed to; `None` is everything."""

    hearing: int | None = None
    status: str | None = None
    outcome: str | None = None
    street: str | None = None
    category: str | None = None
    department: int | None = None
    light: str | None = None
    year: int | None = None
    q: str | None = None
    due_from: date | None = None
    due_to: date | None = None


@dataclass
class Page:
    """Fifty rows, and whether there is more on either side."""

    rows: list[Any] = field(default_factory=list)
    newer: str | None = None
    older: str | None = None
    total: int = 0

    @property
    def is_exact(self) -> bool:
        return self.total <= COUNT_TO


def in_year(year: int) -> Clause:
    """Hearings of a calendar year, in the hearings' zone."""
    return and_(
        Hearing.starts_at >= datetime(year, 1, 1, tzinfo=LOCAL),
        Hearing.starts_at < datetime(year + 1, 1, 1, tzinfo=LOCAL),
    )


def _found(words: str) -> Clause | None:
    """Issues whose texts hold the words, or whose reference this is (9-01)."""
    number, dash, part = words.replace("－", "-").replace("—", "-").partition("-")
    if dash and number.isdigit() and part.isdigit() and len(number) < 6 and len(part) < 5:
        hearing = select(Hearing.id).where(Hearing.serial_no == int(number))
        return and_(Issue.hearing_id.in_(hearing), Issue.number == int(part))
    hits = matches(words)
    return None if hits is None else Issue.id.in_(select(SearchEntry.issue_id).where(hits))


OPEN_PROMISES = Commitment.status == CommitmentStatus.OPEN
AWAITED = and_(
    Assignment.status.in_((AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED)),
    Assignment.part != Part.CO_HANDLER,
)


def _next_dates() -> Any:
    """The next date of every issue that has one: its earliest open promise, else the earliest awaited reply."""
    promised = (
        select(Commitment.issue_id, func.min(Commitment.due_on).label("due_on"))
        .where(OPEN_PROMISES)
        .group_by(Commitment.issue_id)
        .cte("promised")
    )
    awaited = (
        select(Assignment.issue_id, func.min(Assignment.due_on).label("due_on"))
        .where(AWAITED, Assignment.issue_id.not_in(select(promised.c.issue_id)))
        .group_by(Assignment.issue_id)
    )
    return union_all(select(promised.c.issue_id, promised.c.due_on), awaited).subquery("next_dates")


def lit(colour: str) -> Clause:
    """Issues whose next date shows this light; blue: closed, grey: nothing has a date."""
    day, last = today(), today() + timedelta(days=rules.soon())
    closed = Issue.status.in_(rules_closed())
    if colour == "blue":
        return closed
    dates = _next_dates()
    dated = select(dates.c.issue_id)
    if colour == "grey":
        return and_(~closed, Issue.id.not_in(dated))
    span = {
        "red": dates.c.due_on < day,
        "yellow": and_(dates.c.due_on >= day, dates.c.due_on <= last),
        "green": dates.c.due_on > last,
    }.get(colour, false())
    return and_(~closed, Issue.id.in_(dated.where(span)))


def rules_closed() -> tuple[IssueStatus, ...]:
    """Statuses in which an issue is settled."""
    return (IssueStatus.STRUCK_OFF, IssueStatus.ANSWERED, IssueStatus.NOT_ACCEPTED, IssueStatus.TRANSFERRED)


def _issue_clauses(user: Any, wanted: Filter) -> list[Clause]:
    clauses = [scoped("issue.read", user, Issue)]
    for name in ("hearing_id", "status", "outcome", "street", "category"):
        value = getattr(wanted, name.removesuffix("_id"))
        if value is not None:
            clauses.append(getattr(Issue, name) == value)
    if wanted.department is not None:
        handled = select(Assignment.issue_id).where(Assignment.department_id == wanted.department)
        promised = select(Commitment.issue_id).where(Commitment.lead_id == wanted.department)
        clauses.append(or_(Issue.id.in_(handled), Issue.id.in_(promised)))
    if wanted.year is not None:
        clauses.append(Issue.hearing_id.in_(select(Hearing.id).where(in_year(wanted.year))))
    if wanted.light is not None:
        clauses.append(lit(wanted.light))
    if wanted.q:
        found = _found(wanted.q)
        clauses.append(false() if found is None else found)
    return clauses


def issue_page(user: Any, wanted: Filter, after: int | None = None, before: int | None = None, size: int = 50) -> Page:
    """A page of issues, latest first (of one hearing: in the order of its numbers); at most six statements.

    The ids first, over an index; then the details of these only. The first page counts with the ids it finds.
    """
    up, backwards, is_first = wanted.hearing is not None, before is not None, after is None and before is None
    ascending = up != backwards
    if wanted == Filter():
        statements = _all_issues(stand_in(user), ascending, is_first)
    else:
        statements = _issue_ids(_issue_clauses(user, wanted), ascending, is_first, plan_anew=True)
    values = particulars(user) | {"edge": after if before is None else before, "most": size + 1}
    if is_first:
        rows = ask(statements[0], values).all()
        found, total = [row[0] for row in rows], rows[0][1] if rows else 0
    else:
        found, total = list(ask(statements[0], values).scalars()), ask(statements[1], values).scalar_one()
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    page = Page(rows=_issue_rows(found), total=total)
    if found:
        page.older = str(found[-1]) if (backwards or more) else None
        page.newer = str(found[0]) if (after is not None or (backwards and more)) else None
    return page


def _issue_ids(clauses: Sequence[Clause], ascending: bool, is_first: bool, **options: Any) -> tuple[Any, Any]:
    """Statements for the ids of a page and for how many there are; the first page's ids come with their number."""
    ids = select(Issue.id).where(*clauses)
    edge, most = bindparam("edge", type_=Integer()), bindparam("most", type_=Integer())

    def ordered(column: Any) -> Any:
        return column if ascending else column.desc()

    if is_first:  # all that are counted, found once; the page is their beginning
        hits = ids.order_by(ordered(Issue.id)).limit(COUNT_TO + 1).cte("hits")
        number = select(func.count()).select_from(hits).scalar_subquery()
        first = select(hits.c.id, number).order_by(ordered(hits.c.id)).limit(most)
        return first.execution_options(**options), None
    past = ids.where(Issue.id > edge if ascending else Issue.id < edge).order_by(ordered(Issue.id)).limit(most)
    return past.execution_options(**options), _capped(ids).execution_options(**options)


@functools.lru_cache(maxsize=64)
def _all_issues(person: StandIn, ascending: bool, is_first: bool) -> tuple[Any, Any]:
    """The same for a list that nothing narrows, kept: most lists are."""
    return _issue_ids([scoped("issue.read", person, Issue)], ascending, is_first)


def _capped(ids: Any) -> Any:
    """How many, counted no further than COUNT_TO + 1."""
    return select(func.count()).select_from(ids.limit(COUNT_TO + 1).subquery())


@dataclass
class IssueRow:
    """One line of the list."""

    id: int
    reference: str
    title: str
    status: str
    is_late: bool
    hearing: str
    hearing_id: int
    held_on: date
    deputy: str | None
    leads: str = ""
    due_on: date | None = None
    light: str = "grey"
    result_class: str | None = None


_IDS: Any = bindparam("ids", expanding=True)
# Built once: that takes longer than the database takes for fifty rows.
_ISSUES = (
    select(
        Issue.id,
        Issue.number,
        Issue.title,
        Issue.status,
        Issue.round,
        Issue.is_late,
        Issue.hearing_id,
        Hearing.serial_no,
        Hearing.title.label("hearing"),
        Hearing.starts_at,
        User.name,
    )
    .join(Hearing, Hearing.id == Issue.hearing_id)
    .outerjoin(User, User.id == Issue.lead_deputy_id)
    .where(Issue.id.in_(_IDS))
)
_HANDLED = (
    select(Assignment.issue_id, Assignment.round, Assignment.part, Assignment.status, Assignment.due_on)
    .add_columns(Department.short_name)
    .join(Department, Department.id == Assignment.department_id)
    .where(Assignment.issue_id.in_(_IDS), Assignment.part != Part.CO_HANDLER)
    .order_by(Assignment.id)
)
_PROMISED = (
    select(Commitment.issue_id, Commitment.status, Commitment.due_on, Department.short_name)
    .join(Department, Department.id == Commitment.lead_id)
    .where(Commitment.issue_id.in_(_IDS))
    .order_by(Commitment.position)
)
_ANSWERED = select(Reply.issue_id, Reply.result_class).where(Reply.issue_id.in_(_IDS)).order_by(Reply.at, Reply.id)


def _issue_rows(ids: Sequence[int]) -> list[IssueRow]:
    if not ids:
        return []
    found = {"ids": ids}
    rows = ask(_ISSUES, found).all()
    handled, promised, answered = (_grouped(statement, found) for statement in (_HANDLED, _PROMISED, _ANSWERED))
    made, on = {}, today()
    for r in rows:
        promises, answers = promised.get(r.id, ()), answered.get(r.id)
        now = [a for a in handled.get(r.id, ()) if a.round == r.round and a.status != AssignmentStatus.RETURNED]
        leads = [a.short_name for a in now] or [p.short_name for p in promises]
        row = IssueRow(
            id=r.id,
            reference=rules.reference(r.serial_no, r.hearing_id, r.number),
            title=r.title,
            status=r.status,
            is_late=r.is_late,
            hearing=r.hearing,
            hearing_id=r.hearing_id,
            held_on=r.starts_at.astimezone(LOCAL).date(),
            deputy=r.name,
            leads=listed(dict.fromkeys(leads)),
            result_class=answers[-1].result_class if answers else None,
        )
        row.due_on, row.light = _next_date(r.status, promises, now, on)
        made[r.id] = row
    return [made[i] for i in ids]


def _next_date(status: str, promises: Sequence[Any], assignments: Sequence[Any], on: date) -> tuple[date | None, str]:
    """The next date that something is due on an issue, and its light: a promise, else an awaited reply."""
    if status in rules_closed():
        return None, "blue"
    owed = [p.due_on for p in promises if p.status == CommitmentStatus.OPEN]
    if not owed and status in (IssueStatus.ASSIGNED, IssueStatus.IN_HANDLING):
        owed = [a.due_on for a in assignments if a.status in (AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED)]
    due = min(owed, default=None)
    return due, rules.light(due, on=on)


def _grouped(statement: Any, values: dict[str, Any]) -> dict[int, list[Any]]:
    """Rows by their first column."""
    groups: dict[int, list[Any]] = defaultdict(list)
    for row in ask(statement, values):
        groups[row[0]].append(row)
    return groups


# -- the list of promises ------------------------------------------------------------------------------


def _promise_light(colour: str, day: date, last: date) -> Clause:
    """As `rules.light` on a day, but a reported promise (judged by its own day) is green here unless it came late."""
    is_open = Commitment.status == CommitmentStatus.OPEN
    return {
        "red": and_(is_open, Commitment.due_on < day),
        "yellow": and_(is_open, Commitment.due_on >= day, Commitment.due_on <= last),
        "green": and_(is_open, Commitment.due_on > last),
        "blue": Commitment.status == CommitmentStatus.KEPT,
        "grey": Commitment.status == CommitmentStatus.RELEASED,
    }.get(colour, false())


def _yellow() -> tuple[date, date]:
    """Today, and the last day on which an open promise is yellow."""
    return today(), today() + timedelta(days=rules.soon())


def _promise_clauses(user: Any, wanted: Filter) -> list[Clause]:
    clauses = [scoped("commitment.read", user, Commitment)]
    if wanted.department is not None:
        helping = select(commitment_co_handler.c.commitment_id).where(
            commitment_co_handler.c.department_id == wanted.department
        )
        clauses.append(or_(Commitment.lead_id == wanted.department, Commitment.id.in_(helping)))
    if wanted.due_from is not None:
        clauses.append(Commitment.due_on >= wanted.due_from)
    if wanted.due_to is not None:
        clauses.append(Commitment.due_on <= wanted.due_to)
    if wanted.street is not None:
        clauses.append(Commitment.issue_id.in_(select(Issue.id).where(Issue.street == wanted.street)))
    if wanted.hearing is not None:
        clauses.append(Commitment.issue_id.in_(select(Issue.id).where(Issue.hearing_id == wanted.hearing)))
    if wanted.year is not None:
        held = select(Issue.id).join(Hearing, Hearing.id == Issue.hearing_id).where(in_year(wanted.year))
        clauses.append(Commitment.issue_id.in_(held))
    if wanted.q:
        hits = matches(wanted.q)
        issue = _found(wanted.q)
        if hits is None:
            clauses.append(false())
        else:
            mine = select(SearchEntry.subject_id).where(SearchEntry.kind == "commitment", hits)
            by_issue = select(Issue.id).where(issue) if issue is not None else select(Issue.id).where(false())
            has_reference = issue is not None and "-" in wanted.q
            clauses.append(Commitment.issue_id.in_(by_issue) if has_reference else Commitment.id.in_(mine))
    return clauses


LIGHTS = ("red", "yellow", "green")


def statuses_of(status: str | None) -> tuple[CommitmentStatus, ...]:
    """What a status filter means: `owed` (the default) is open and reported, `all` everything."""
    if status == "all":
        return tuple(CommitmentStatus)
    if status in tuple(CommitmentStatus):
        return (CommitmentStatus(status),)
    return (CommitmentStatus.OPEN, CommitmentStatus.REPORTED)


def promises_wanted(user: Any, wanted: Filter) -> list[Clause]:
    """The clauses of a narrowed list of promises, its status and light included; for later rooms' lists of them."""
    clauses = [*_promise_clauses(user, wanted), Commitment.status.in_(statuses_of(wanted.status))]
    return [*clauses, _promise_light(wanted.light, *_yellow())] if wanted.light else clauses


@dataclass
class PromiseRow:
    """One line of the ledger of promises."""

    id: int
    reference: str
    issue_id: int
    issue_title: str
    measure: str
    lead: str
    co_handlers: str
    due_on: date
    status: str
    percent: int
    light: str
    street: str | None


@dataclass
class PromisePage(Page):
    """A page of promises, with how many there are of each light (open ones only)."""

    lights: dict[str, int] = field(default_factory=dict)


def promise_page(
    user: Any, wanted: Filter, after: str | None = None, before: str | None = None, size: int = 50
) -> PromisePage:
    """A page of promises by due date: the most urgent first while they are owed, else the latest; four statements.

    The page is cut from one short list per status, so that each runs along its own index (status, due_on).
    """
    statuses = statuses_of(wanted.status)
    up = not {CommitmentStatus.KEPT, CommitmentStatus.RELEASED} & set(statuses)
    backwards = before is not None
    ascending = up != backwards
    key = _promise_key(before if backwards else after)
    how = (statuses, wanted.light, *_yellow(), ascending, key is not None)
    if replace(wanted, status=None, light=None) == Filter():
        ids, counts, names = _all_promises(stand_in(user), *how)
    else:
        ids, counts, names = _promise_statements(_promise_clauses(user, wanted), *how)
        ids, counts = (s.execution_options(plan_anew=True) for s in (ids, counts))
    values = particulars(user) | {"most": size + 1}
    if key is not None:
        values |= {"edge_day": key[0], "edge_id": key[1]}
    found = sorted(((due_on, id_) for id_, due_on in ask(ids, values)), reverse=not ascending)
    more = len(found) > size
    found = found[:size]
    if backwards:
        found.reverse()
    page = PromisePage(rows=_promise_rows([id_ for _due_on, id_ in found]))
    numbers = dict(zip(names, ask(counts, values).one(), strict=True))
    page.total = sum(numbers.pop(f"of_{status}") for status in statuses)
    page.lights = numbers
    if found:
        first, last = found[0], found[-1]
        page.older = _promise_edge(last) if (backwards or more) else None
        page.newer = _promise_edge(first) if (key is not None and (not backwards or more)) else None
    return page


def _promise_statements(
    clauses: Sequence[Clause],
    statuses: tuple[CommitmentStatus, ...],
    light: str | None,
    day: date,
    soon: date,
    ascending: bool,
    has_edge: bool,
) -> tuple[Any, Any, list[str]]:
    """Statements for the ids of a page and for its numbers, and what the numbers are of."""
    narrowed = [*clauses, *([_promise_light(light, day, soon)] if light else [])]
    spot = tuple_(Commitment.due_on, Commitment.id)
    edge = tuple_(bindparam("edge_day", type_=Date()), bindparam("edge_id", type_=Integer()))
    parts = []
    for status in statuses:
        part = select(Commitment.id.label("id"), Commitment.due_on.label("due_on")).where(
            Commitment.status == status, *narrowed
        )
        if has_edge:
            part = part.where(spot > edge if ascending else spot < edge)
        order = [column if ascending else column.desc() for column in (Commitment.due_on, Commitment.id)]
        sub = part.order_by(*order).limit(bindparam("most", type_=Integer())).subquery()
        parts.append(select(sub.c.id, sub.c.due_on))
    # One count per status, for the same reason; together they stand for the total.
    counts: dict[str, list[Clause]] = {f"of_{status}": [Commitment.status == status, *narrowed] for status in statuses}
    if CommitmentStatus.OPEN in statuses:
        counts |= {colour: [_promise_light(colour, day, soon), *clauses] for colour in LIGHTS}
    capped = [_capped(select(Commitment.id).where(*c)).scalar_subquery() for c in counts.values()]
    return union_all(*parts), select(*capped), list(counts)


@functools.lru_cache(maxsize=64)
def _all_promises(person: StandIn, *how: Any) -> tuple[Any, Any, list[str]]:
    """The same for a ledger that nothing else narrows, kept: most are."""
    return _promise_statements([scoped("commitment.read", person, Commitment)], *how)


def _promise_edge(spot: tuple[date, int]) -> str:
    return f"{spot[0].isoformat()}.{spot[1]}"


def _promise_key(words: str | None) -> tuple[date, int] | None:
    """A place in the ledger from an address; nonsense is no place."""
    if not words:
        return None
    day, _dot, number = words.partition(".")
    try:
        return date.fromisoformat(day), min(max(int(number), 0), 2**31 - 1)
    except ValueError:
        return None


_PROMISES = (
    select(
        Commitment.id,
        Commitment.issue_id,
        Commitment.measure,
        Commitment.due_on,
        Commitment.status,
        Commitment.percent,
        Commitment.reported_at,
        Department.short_name,
        Issue.number,
        Issue.title,
        Issue.street,
        Issue.hearing_id,
        Hearing.serial_no,
    )
    .join(Department, Department.id == Commitment.lead_id)
    .join(Issue, Issue.id == Commitment.issue_id)
    .join(Hearing, Hearing.id == Issue.hearing_id)
    .where(Commitment.id.in_(_IDS))
)
_HELPING = (
    select(commitment_co_handler.c.commitment_id, Department.short_name)
    .join(Department, Department.id == commitment_co_handler.c.department_id)
    .where(commitment_co_handler.c.commitment_id.in_(_IDS))
    .order_by(Department.position)
)


def _promise_rows(ids: Sequence[int]) -> list[PromiseRow]:
    if not ids:
        return []
    rows = ask(_PROMISES, {"ids": ids}).all()
    helping, on = _grouped(_HELPING, {"ids": ids}), today()
    made = {
        r.id: PromiseRow(
            id=r.id,
            reference=rules.reference(r.serial_no, r.hearing_id, r.number),
            issue_id=r.issue_id,
            issue_title=r.title,
            measure=r.measure,
            lead=r.short_name,
            co_handlers=listed(h.short_name for h in helping.get(r.id, ())),
            due_on=r.due_on,
            status=r.status,
            percent=r.percent,
            light=rules.light(r, on=on),
            street=r.street,
        )
        for r in rows
    }
    return [made[i] for i in ids]


# -- one issue -----------------------------------------------------------------------------------------


def whole_issue() -> tuple[Any, ...]:
    """Loader options: everything of an issue that its page names, in the statement that fetches it and one more.

    Co-signers apart and the hearing by an inner join: a join within an outer join is made of whole tables first.
    """
    return (
        joinedload(Issue.hearing, innerjoin=True).raiseload(Hearing.chair),
        joinedload(Issue.topic),
        joinedload(Issue.lead_deputy).options(lazyload(User.role_rows), lazyload(User.department)),
        joinedload(Issue.logged_by).options(lazyload(User.role_rows), lazyload(User.department)),
        selectinload(Issue.cosigners).options(lazyload(User.role_rows), lazyload(User.department)),
    )


@dataclass
class Record:
    """All that belongs to an issue, in order, each with what its page names loaded."""

    exchanges: list[Exchange]
    assignments: list[Assignment]
    progress: list[Progress]
    replies: list[Reply]
    commitments: list[Commitment]
    extensions: list[Extension]
    figures: list[OutcomeFigure]
    files: list[IssueFile]

    @property
    def open_promises(self) -> list[Commitment]:
        return [c for c in self.commitments if c.status == CommitmentStatus.OPEN]


def record_of(issue: Issue) -> Record:
    """Everything recorded on an issue; six statements."""
    exchanges = db.session.scalars(
        select(Exchange)
        .where(Exchange.issue_id == issue.id)
        .options(joinedload(Exchange.department), raiseload(Exchange.issue))
        .order_by(Exchange.position)
    ).all()
    handled = db.session.execute(
        select(Assignment, Progress)
        .outerjoin(Progress, Progress.assignment_id == Assignment.id)
        .where(Assignment.issue_id == issue.id)
        .options(
            joinedload(Assignment.department),
            joinedload(Progress.by).options(lazyload(User.role_rows), lazyload(User.department)),
        )
        .order_by(Assignment.round, Assignment.id, Progress.at, Progress.id)
    ).all()
    promised = (
        db.session.execute(
            select(Commitment, Extension)
            .outerjoin(Extension, Extension.commitment_id == Commitment.id)
            .where(Commitment.issue_id == issue.id)
            .options(
                joinedload(Commitment.lead),
                joinedload(Commitment.co_handlers),
                joinedload(Extension.asked_by).options(lazyload(User.role_rows), lazyload(User.department)),
            )
            .order_by(Commitment.round, Commitment.position, Extension.asked_at, Extension.id)
        )
        .unique()
        .all()
    )
    replies = db.session.scalars(select(Reply).where(Reply.issue_id == issue.id).order_by(Reply.at, Reply.id)).all()
    figures = db.session.scalars(
        select(OutcomeFigure).where(OutcomeFigure.issue_id == issue.id).order_by(OutcomeFigure.as_of, OutcomeFigure.id)
    ).all()
    return Record(
        exchanges=list(exchanges),
        assignments=list(dict.fromkeys(a for a, _p in handled)),
        progress=[p for _a, p in handled if p is not None],
        replies=list(replies),
        commitments=list(dict.fromkeys(c for c, _e in promised)),
        extensions=[e for _c, e in promised if e is not None],
        figures=list(figures),
        files=files_of(issue),
    )


def files_of(issue: Issue) -> list[IssueFile]:
    """An issue's photos and papers, oldest first."""
    return list(
        db.session.scalars(
            select(IssueFile)
            .where(IssueFile.issue_id == issue.id)
            .options(raiseload(IssueFile.issue))
            .order_by(IssueFile.id)
        )
    )


def may_act_on(user: Any, issue: Issue) -> tuple[set[int], set[int], set[int], set[int]]:
    """Ids of the issue's assignments to act on, of promises to report on, of assignments to read and to remind of."""
    rows = db.session.execute(
        union_all(
            select(literal("a"), Assignment.id).where(
                Assignment.issue_id == issue.id, scoped("assignment.reply", user, Assignment)
            ),
            select(literal("c"), Commitment.id).where(
                Commitment.issue_id == issue.id, scoped("commitment.report_done", user, Commitment)
            ),
            select(literal("r"), Assignment.id).where(
                Assignment.issue_id == issue.id, scoped("assignment.read", user, Assignment)
            ),
            select(literal("u"), Assignment.id).where(
                Assignment.issue_id == issue.id, scoped("assignment.remind", user, Assignment)
            ),
        )
    ).all()
    acts, reports, reads, urges = ({i for kind, i in rows if kind == wanted} for wanted in "acru")
    return acts, reports, reads, urges


def history_of(pairs: Sequence[tuple[str, Sequence[int]]]) -> list[AuditEvent]:
    """The trail's lines about rows, given as (table, ids), oldest first."""
    about = [and_(AuditEvent.subject_type == table, AuditEvent.subject_id.in_(ids)) for table, ids in pairs if len(ids)]
    return list(db.session.scalars(select(AuditEvent).where(or_(*about)).order_by(AuditEvent.id)))


URGED = ("assignment.remind", "assignment.supervise")
"""What is written to a department that owes something: 催办, 督办. The trail keeps it."""


def urged(assignments: Iterable[Assignment]) -> list[AuditEvent]:
    """How departments were reminded and supervised, oldest first."""
    return _urged(AuditEvent.subject_id.in_([a.id for a in assignments]))


def urged_about(commitment: Commitment) -> list[AuditEvent]:
    """How the department that leads a promise was reminded and supervised since it was made, oldest first."""
    mine = select(Assignment.id).where(
        Assignment.issue_id == commitment.issue_id, Assignment.department_id == commitment.lead_id
    )
    return _urged(AuditEvent.subject_id.in_(mine), AuditEvent.at >= commitment.made_at)


def _urged(*which: Any) -> list[AuditEvent]:
    acts = (*URGED, *(f"{act}.undo" for act in URGED))
    return audit.standing(
        db.session.scalars(
            select(AuditEvent)
            .where(AuditEvent.subject_type == "assignment", AuditEvent.action.in_(acts), *which)
            .order_by(AuditEvent.id)
        )
    )


# -- one promise ---------------------------------------------------------------------------------------


def whole_commitment() -> tuple[Any, ...]:
    """Loader options for a promise's page."""
    return (
        joinedload(Commitment.lead),
        joinedload(Commitment.co_handlers),
        joinedload(Commitment.issue, innerjoin=True).joinedload(Issue.hearing, innerjoin=True),
    )


def extensions_of(commitment: Commitment) -> list[Extension]:
    """How its date moved, or was asked to, oldest first."""
    quiet = (lazyload(User.role_rows), lazyload(User.department))
    return list(
        db.session.scalars(
            select(Extension)
            .where(Extension.commitment_id == commitment.id)
            .options(joinedload(Extension.asked_by).options(*quiet), joinedload(Extension.decided_by).options(*quiet))
            .order_by(Extension.asked_at, Extension.id)
        )
    )


def progress_of(commitment: Commitment) -> list[Progress]:
    """What was said of its progress, oldest first."""
    return list(
        db.session.scalars(
            select(Progress)
            .where(Progress.commitment_id == commitment.id)
            .options(
                joinedload(Progress.by).options(lazyload(User.role_rows), lazyload(User.department)),
                joinedload(Progress.assignment).joinedload(Assignment.department),
            )
            .order_by(Progress.at, Progress.id)
        )
    )


def evidence_of(commitment: Commitment) -> list[IssueFile]:
    """Files that show it is done."""
    return list(
        db.session.scalars(select(IssueFile).where(IssueFile.commitment_id == commitment.id).order_by(IssueFile.id))
    )


def assignments_for(commitment: Commitment, user: Any) -> list[Assignment]:
    """Assignments of the promise's issue, in its current round, that the person may report progress on."""
    return list(
        db.session.scalars(
            select(Assignment)
            .where(
                Assignment.issue_id == commitment.issue_id,
                Assignment.round == commitment.issue.round,
                Assignment.department_id == commitment.lead_id,
                scoped("assignment.progress", user, Assignment),
            )
            .order_by(Assignment.id)
        )
    )


def is_readable(user: Any, issue_id: int) -> bool:
    """Whether the person may open the issue's own page (a co-handler of a promise may not)."""
    return (
        db.session.scalar(select(Issue.id).where(Issue.id == issue_id, scoped("issue.read", user, Issue))) is not None
    )


# -- files ---------------------------------------------------------------------------------------------


def readable_file(user: Any, id_: int) -> IssueFile | None:
    """A file's link, if the person may read its issue, or the promise it is evidence of."""
    if not 0 < id_ < 2**31:
        return None
    return db.session.scalar(
        select(IssueFile).where(
            IssueFile.id == id_,
            or_(
                IssueFile.issue_id.in_(select(Issue.id).where(scoped("issue.read", user, Issue))),
                IssueFile.commitment_id.in_(select(Commitment.id).where(scoped("commitment.read", user, Commitment))),
            ),
        )
    )


def blob(sha256: str) -> bytes:
    """The bytes kept under a fingerprint."""
    return db.session.scalar(select(Blob.data).where(Blob.sha256 == sha256)) or b""


def fingerprints(issue: Issue) -> set[str]:
    """What files an issue has already, by content."""
    return set(
        db.session.scalars(
            select(StoredFile.sha256)
            .join(IssueFile, IssueFile.file_id == StoredFile.id)
            .where(IssueFile.issue_id == issue.id)
        )
    )
