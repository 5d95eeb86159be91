"""What the desk reads across the rooms: search."""

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _l
from sqlalchemy import (
    Column,
    Integer,
    Select,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased, joinedload
from sqlalchemy.sql import visitors

from .. import search
from ..db import LOCAL, db
from ..forms import as_number
from ..issues import rules
from ..issues.models import EXCHANGE_LABELS, Exchange, Issue
from ..people.queries import EXACT, PAGE, Page
from ..permissions import Clause, Role, may, scoped
from ..prepared import StandIn, ask, particulars, stand_in
from ..schedule.models import Hearing, Station, code_of
from ..search import SearchEntry

KINDS: dict[str, Any] = {
    "hearing": _l("Hearings"),
    "issue": _l("Issues"),
    "exchange": _l("Questions and answers"),
    "commitment": _l("Commitments"),
    "reply": _l("Replies"),
    "station": _l("Places"),
}
"""What can be searched, in words."""

KIND_OF_HIT: dict[str, Any] = {
    "hearing": _l("Hearing"),
    "issue": _l("Issue"),
    "exchange": _l("Question or answer"),
    "commitment": _l("Commitment"),
    "reply": _l("Reply"),
    "station": _l("Place"),
}

_REFERENCE = re.compile(r"(?:(?P<serial>\d{1,5})|[Hh](?P<hearing>\d{1,9}))\s*[-–—－]\s*(?P<number>\d{1,4})")


FEW = 2000
"""Issues; with fewer in scope PostgreSQL begins with them and not with the words."""


@functools.cache
def _few(person: StandIn) -> Select[Any]:
    some = select(Issue.id).where(scoped("issue.read", person, Issue)).limit(FEW + 1).subquery()
    return select(func.count()).select_from(some)


def _is_narrow(user: Any, person: StandIn) -> bool:
    """Whether the person reads so little that all of it is soon listed: then a common word is looked for in that."""
    if _reads_all(person):
        return False
    if db.engine.dialect.name == "sqlite":
        return not person.role_set & {Role.ORGANISER, Role.LEADER, Role.AUDITOR}
    return ask(_few(person), particulars(user)).scalar_one() <= FEW


@functools.cache
def _reads_all(person: StandIn) -> bool:
    return str(scoped("issue.read", person, Issue)) == str(scoped("hearing.read", person, Hearing)) == "true"


def _in_scope(person: StandIn, key: Any, narrow: bool) -> Clause:
    """Entries of issues the person may read; of hearings, where no issue is named; and those open to all."""
    if _reads_all(person):
        return true()
    issues, hearings = scoped("issue.read", person, Issue), scoped("hearing.read", person, Hearing)
    if narrow:
        entry = aliased(SearchEntry)
        if key is not SearchEntry.id:  # hidden from SQLite: by it, the words would be asked anew for each entry
            key = func.coalesce(key, literal_column("NULL"))
        made: Clause = key.in_(
            union_all(
                select(entry.id).where(_by_number(issues, entry.issue_id)),
                select(entry.id).where(
                    entry.issue_id.is_(None),
                    or_(entry.hearing_id.is_(None), entry.hearing_id.in_(select(Hearing.id).where(hearings))),
                ),
            )
        )
        return made
    # Asked per hit and not as a set: a hit knows its issue, and the first fifty hits are soon found.
    return or_(
        exists().where(Issue.id == SearchEntry.issue_id, issues),
        and_(
            SearchEntry.issue_id.is_(None),
            or_(SearchEntry.hearing_id.is_(None), exists().where(Hearing.id == SearchEntry.hearing_id, hearings)),
        ),
    )


def _by_number(issues: Clause, number: Any) -> Clause:
    """A clause on issues as one on their number in another table: asked without fetching the issues where it says

    nothing of them but their id.
    """
    table, parts = Issue.__table__, list(visitors.iterate(issues))
    named = {part.name for part in parts if isinstance(part, Column) and _is_of(part, table)}
    own = any(table in part.get_final_froms() for part in parts if isinstance(part, Select))
    if named != {"id"} or own:
        return number.in_(select(Issue.id).where(issues))

    def put(part: Any, **_options: Any) -> Any:
        return number if isinstance(part, Column) and _is_of(part, table) else None

    replace: Any = put  # the library's own types leave out what it says of its parts
    made: Clause = visitors.replacement_traverse(issues, {}, replace)
    return made


def _is_of(part: Any, table: Any) -> bool:
    return getattr(part.table, "name", None) == table.name


def by_reference(words: str, user: Any) -> Sequence[Issue]:
    """The issue that a reference such as 9-01 names, if the person may read it."""
    found = _REFERENCE.fullmatch(words.strip())
    if found is None or not may(user, "issue.read"):
        return []
    wanted = select(Issue).join(Issue.hearing).where(Issue.number == int(found["number"]))
    if found["serial"]:
        wanted = wanted.where(Hearing.serial_no == int(found["serial"]))
    else:
        wanted = wanted.where(Hearing.id == int(found["hearing"]), Hearing.serial_no.is_(None))
    wanted = wanted.where(scoped("issue.read", user, Issue)).options(joinedload(Issue.hearing))
    return db.session.scalars(wanted.order_by(Issue.id.desc()).limit(5)).all()


def hits(words: str, user: Any, args: Mapping[str, str], *, kind: str = "", path: str = "/search") -> Page | None:
    """One page of what a query finds within the person's scope, newest first, as dicts for the page.

    `args` hold `after` or `before`, an entry's id. None when the query holds nothing to look up.
    """
    found = search.find(words) if search.can_look_up(words) else None
    if found is None:
        return None
    lookup, values = found
    kind = kind if kind in KINDS else ""
    person = stand_in(user)
    narrow = _is_narrow(user, person)
    if lookup.along is not None and not narrow and not kind and ask(lookup.newest, values).scalar_one() >= search.OFTEN:
        lookup = lookup.along
    within = _within(lookup, person, narrow, bool(kind))
    after, before = (as_number(args.get(name, "")) for name in ("after", "before"))
    way = "after" if after is not None else "before" if before is not None else ""
    values = values | particulars(user) | {"kind": kind, "edge": after if after is not None else before}
    ids = list(ask(within[way], values | {"most": PAGE + 1 if way else EXACT + 1}).scalars())
    total = len(ids) if not way else ask(within["count"], values).scalar_one()
    more = len(ids) > PAGE
    ids = ids[:PAGE]
    if way == "before":
        ids.reverse()
    newer, older = bool(ids) and (more if way == "before" else way == "after"), bool(ids) and (way == "before" or more)

    def to(which: str, id_: int) -> str:
        return f"{path}?{urlencode({'q': words, **({'kind': kind} if kind else {}), which: id_})}"

    return Page(
        _dressed(ids, words), to("before", ids[0]) if newer else None, to("after", ids[-1]) if older else None, total
    )


@functools.lru_cache(maxsize=256)
def _within(lookup: search.Lookup, person: StandIn, narrow: bool, of_a_kind: bool) -> dict[str, Any]:
    """Statements for the ids of a first page, of one after or before an edge, and for how many there are."""
    key = lookup.key
    wanted = lookup.statement.where(_in_scope(person, key, narrow)).with_only_columns(key)
    if of_a_kind:
        wanted = wanted.where(SearchEntry.kind == bindparam("kind"))
    edge, most = bindparam("edge", type_=Integer()), bindparam("most", type_=Integer())
    made = {
        "": wanted.order_by(key.desc()).limit(most),
        "after": wanted.where(key < edge).order_by(key.desc()).limit(most),
        "before": wanted.where(key > edge).order_by(key.asc()).limit(most),
        "count": select(func.count()).select_from(wanted.limit(EXACT + 1).subquery()),
    }
    return {way: statement.execution_options(plan_anew=True) for way, statement in made.items()}


_DETAILS = (
    select(
        SearchEntry.id,
        SearchEntry.kind,
        SearchEntry.subject_id,
        SearchEntry.issue_id,
        SearchEntry.body,
        Issue.title.label("issue"),
        Issue.number,
        Hearing.id.label("hearing_id"),
        Hearing.title.label("hearing"),
        Hearing.serial_no,
        Hearing.starts_at,
        Station.name.label("station"),
        Exchange.kind.label("turn"),
    )
    .outerjoin(Issue, Issue.id == SearchEntry.issue_id)
    .outerjoin(Hearing, Hearing.id == func.coalesce(Issue.hearing_id, SearchEntry.hearing_id))
    .outerjoin(Station, and_(SearchEntry.kind == "station", Station.id == SearchEntry.subject_id))
    .outerjoin(Exchange, and_(SearchEntry.kind == "exchange", Exchange.id == SearchEntry.subject_id))
    .where(SearchEntry.id.in_(bindparam("ids", expanding=True)))
)


def _dressed(ids: Sequence[int], words: str) -> list[dict[str, Any]]:
    """Entries with where they lead and what they belong to, in the order of the ids; one statement."""
    if not ids:
        return []
    rows = {row.id: row for row in ask(_DETAILS, {"ids": ids})}
    kinds = {kind: str(label) for kind, label in KIND_OF_HIT.items()}
    turns = {turn: str(label) for turn, label in EXCHANGE_LABELS.items()}
    made = []
    for row in (rows[id_] for id_ in ids if id_ in rows):
        title, reference, when, url = "", None, row.starts_at, f"/issues/{row.issue_id}"
        if row.issue is not None:
            title, reference = row.issue, rules.reference(row.serial_no, row.hearing_id, row.number)
            if row.kind == "commitment":
                url = f"/commitments/{row.subject_id}"
        elif row.hearing is not None:
            title, url = row.hearing, f"/hearings/{row.hearing_id}"
            reference = code_of(row.serial_no, row.starts_at.astimezone(LOCAL).date())
        elif row.station is not None:
            title, url = row.station, f"/stations/{row.subject_id}"
        made.append(
            {
                "kind": turns.get(row.turn) or kinds.get(row.kind, row.kind),
                "url": url,
                "title": title,
                "reference": reference,
                "when": when,
                "pieces": search.excerpt(row.body, words),
            }
        )
    return made
