"""What the desk reads across the rooms: search."""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask_babel import lazy_gettext as _l
from sqlalchemy import Select, and_, exists, false, func, or_, select, true, union_all
from sqlalchemy.orm import aliased, joinedload

from .. import search
from ..db import db
from ..issues.models import EXCHANGE_LABELS, Exchange, Issue
from ..people.queries import EXACT, PAGE, Page
from ..permissions import Clause, may, scoped
from ..schedule.models import Hearing, Station
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


def _in_scope(user: Any) -> Clause:
    """Entries of issues the person may read; of hearings, where no issue is named; and those open to all."""
    issues = scoped("issue.read", user, Issue) if may(user, "issue.read") else false()
    hearings = scoped("hearing.read", user, Hearing) if may(user, "hearing.read") else false()
    if str(issues) == str(hearings) == "true":
        return true()
    if db.engine.dialect.name == "postgresql" and _are_few(issues):
        entry = aliased(SearchEntry)
        return SearchEntry.id.in_(
            union_all(
                select(entry.id).where(entry.issue_id.in_(select(Issue.id).where(issues))),
                select(entry.id).where(
                    entry.issue_id.is_(None), entry.hearing_id.in_(select(Hearing.id).where(hearings))
                ),
                select(entry.id).where(entry.issue_id.is_(None), entry.hearing_id.is_(None)),
            )
        )
    # Asked per hit and not as a set: a hit knows its issue, and the first fifty hits are soon found.
    return or_(
        exists().where(Issue.id == SearchEntry.issue_id, issues),
        and_(
            SearchEntry.issue_id.is_(None),
            or_(SearchEntry.hearing_id.is_(None), exists().where(Hearing.id == SearchEntry.hearing_id, hearings)),
        ),
    )


def _are_few(issues: Clause) -> bool:
    some = select(Issue.id).where(issues).limit(FEW + 1).subquery()
    return (db.session.scalar(select(func.count()).select_from(some)) or 0) <= FEW


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
    wanted, key = found
    wanted = wanted.where(_in_scope(user))
    if kind in KINDS:
        wanted = wanted.where(SearchEntry.kind == kind)
    rows, newer, older = _page(wanted, key, args)
    limited = wanted.with_only_columns(SearchEntry.id).order_by(None).limit(EXACT + 1).subquery()
    total = db.session.scalar(select(func.count()).select_from(limited)) or 0

    def to(which: str, entry: SearchEntry) -> str:
        return f"{path}?{urlencode({'q': words, **({'kind': kind} if kind else {}), which: entry.id})}"

    return Page(
        _dressed(rows, words), to("before", rows[0]) if newer else None, to("after", rows[-1]) if older else None, total
    )


def _page(wanted: Select[Any], key: Any, args: Mapping[str, str]) -> tuple[list[SearchEntry], bool, bool]:
    after, before = (_number(args.get(name, "")) for name in ("after", "before"))
    if after is not None:
        wanted = wanted.where(key < after)
    elif before is not None:
        wanted = wanted.where(key > before)
    back = after is None and before is not None
    rows = list(db.session.scalars(wanted.order_by(key.asc() if back else key.desc()).limit(PAGE + 1)))
    more = len(rows) > PAGE
    rows = rows[:PAGE]
    if back:
        rows.reverse()
    return rows, bool(rows) and (more if back else after is not None), bool(rows) and (back or more)


def _number(words: str) -> int | None:
    return int(words) if words.isascii() and words.isdigit() and len(words) < 10 else None


def _dressed(rows: Sequence[SearchEntry], words: str) -> list[dict[str, Any]]:
    """Entries with where they lead and what they belong to; one statement per kind of thing."""
    issues = _rows(Issue, {r.issue_id for r in rows if r.issue_id}, joinedload(Issue.hearing))
    hearings = _rows(Hearing, {r.hearing_id for r in rows if r.hearing_id and not r.issue_id})
    stations = _rows(Station, {r.subject_id for r in rows if r.kind == "station"})
    turns = _rows(Exchange, {r.subject_id for r in rows if r.kind == "exchange"})
    made = []
    for row in rows:
        issue, hearing = issues.get(row.issue_id), hearings.get(row.hearing_id)
        title, reference, when = "", None, None
        url = f"/issues/{row.issue_id}"
        if issue is not None:
            title, reference, when = issue.title, issue.reference, issue.hearing.starts_at
            if row.kind == "commitment":
                url = f"/commitments/{row.subject_id}"
        elif hearing is not None:
            title, reference, when, url = hearing.title, hearing.code, hearing.starts_at, f"/hearings/{hearing.id}"
        elif row.subject_id in stations:
            title, url = stations[row.subject_id].name, f"/stations/{row.subject_id}"
        kind = KIND_OF_HIT.get(row.kind, row.kind)
        if row.kind == "exchange" and row.subject_id in turns:
            kind = EXCHANGE_LABELS[turns[row.subject_id].kind]
        made.append(
            {
                "kind": kind,
                "url": url,
                "title": title,
                "reference": reference,
                "when": when,
                "pieces": search.excerpt(row.body, words),
            }
        )
    return made


def _rows(model: Any, ids: set[int], *options: Any) -> dict[int | None, Any]:
    if not ids:
        return {}
    return {row.id: row for row in db.session.scalars(select(model).where(model.id.in_(ids)).options(*options))}
