"""Search that finds two Chinese characters anywhere, on both databases.

Every searchable text is stored once, as written and as bigrams joined by spaces; SQLite looks the bigrams up
with FTS5, PostgreSQL with a GIN index over a tsvector. Rooms say what of theirs is searchable with
`@indexed(Model)`; rows follow their models inside the same flush. No resident's data is indexed.
"""

import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Index,
    Select,
    UniqueConstraint,
    bindparam,
    cast,
    column,
    delete,
    event,
    func,
    insert,
    literal_column,
    select,
    table,
    types,
    update,
)
from sqlalchemy.dialects.postgresql import TSQUERY
from sqlalchemy.orm import Mapped, Session, aliased, mapped_column

from .db import Model, db


class SearchEntry(Model):
    """One searchable text and where it belongs."""

    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        Index("ix_search_entry_hearing_id", "hearing_id"),
        Index("ix_search_entry_issue_id_hearing_id", "issue_id", "hearing_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str]
    subject_id: Mapped[int]
    hearing_id: Mapped[int | None]
    issue_id: Mapped[int | None]
    """Where set, the person must be able to read this issue; else the hearing; else anyone signed in."""
    body: Mapped[str]
    bigrams: Mapped[str]


@dataclass(frozen=True)
class Text:
    """What a room makes searchable of one row."""

    kind: str
    body: str
    hearing_id: int | None = None
    issue_id: int | None = None


_indexed: dict[type, Callable[[Any], Text]] = {}


def indexed(model: type) -> Callable[[Callable[[Any], Text]], Callable[[Any], Text]]:
    """Register what of a model is searchable, as a function from the row to `Text`."""

    def register(describe: Callable[[Any], Text]) -> Callable[[Any], Text]:
        _indexed[model] = describe
        return describe

    return register


_PIECES = re.compile(r"[a-z0-9]+|[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]+")


def tokens(words: str) -> list[str]:
    """Han runs as overlapping pairs (one alone stays alone), Latin words and numbers whole, lower case."""
    found: list[str] = []
    for piece in _PIECES.findall(words.lower()):
        if piece[0].isascii() or len(piece) == 1:
            found.append(piece)
        else:
            found.extend(piece[i : i + 2] for i in range(len(piece) - 1))
    return found


@dataclass(frozen=True)
class _Wanted:
    """One word of a query: its pairs in a row, whether the last of them may go on, and what to look at again."""

    tokens: tuple[str, ...]
    goes_on: bool
    again: str | None


def _wanted(query: str) -> list[_Wanted]:
    """The words of a query that can be looked up.

    A Han character alone stands in the index only where nothing Han is beside it: at the end of a word it is looked
    up as the beginning of a pair, at its head it is left out and the text itself is looked at again; a word of one
    Han character cannot be looked up.
    """
    found = []
    for word in query.split():
        pairs = tokens(word)
        goes_on = again = False
        if len(pairs) > 1 and _alone(pairs[0]):
            pairs, again = pairs[1:], True
        if pairs and _alone(pairs[-1]):
            if len(pairs) == 1 and not again:
                continue
            goes_on = True
        if pairs:
            found.append(_Wanted(tuple(pairs), goes_on, word.lower() if again else None))
    return found


def _alone(token: str) -> bool:
    return len(token) == 1 and not token.isascii()


def can_look_up(query: str) -> bool:
    """Whether a query holds anything that can be looked up: two characters that stand together."""
    return any(w.again or sum(map(len, w.tokens)) > 1 for w in _wanted(query))


_fts = table("search_fts", column("rowid"))


@dataclass(frozen=True, eq=False)
class Lookup:
    """The entries that hold some words, as a statement whose words are parameters, and the column to order it by."""

    statement: Select[Any]
    key: Any
    along: "Lookup | None" = None
    """The same entries found by reading the table from its end, without the index, where that is a way."""
    newest: Any = None
    """Counts how many of the newest entries hold the words: whether that way would be short."""


NEWEST = 1000
OFTEN = 20
"""Of the newest: from here on a thousand hits are sooner read off the end of the table than looked up and sorted."""


def find(query: str) -> tuple[Lookup, dict[str, str]] | None:
    """How to look up the entries that hold all words of a query, and the parameters; None for nothing to look for.

    Newest first by its key with a LIMIT, neither database reads more hits than it shows: FTS5 walks its lists
    backwards, PostgreSQL chooses between its index and the end of the table. Queries of the same shape get the same
    Lookup, so that what is built on it can be kept.
    """
    wanted = _wanted(query)
    if not wanted:
        return None
    values = {f"again_{i}": f"%{_escaped(w.again)}%" for i, w in enumerate(wanted) if w.again}
    shape = tuple(bool(w.again) for w in wanted)
    if db.engine.dialect.name == "sqlite":
        values["words"] = " AND ".join(f'"{" ".join(w.tokens)}"{" *" if w.goes_on else ""}' for w in wanted)
        # FTS5 takes all words at once; only those looked at again leave a trace in the statement.
        return _kept(_in_sqlite, shape if any(shape) else ()), values
    values["words"] = " & ".join(
        " & ".join(f"'{t}'{':*' if w.goes_on and t == w.tokens[-1] else ''}" for t in w.tokens) for w in wanted
    )
    for i, w in enumerate(wanted):
        values[f"row_{i}"] = f" {' '.join(w.tokens)}{'' if w.goes_on else ' '}"
    return _kept(_in_postgresql, shape), values


def _escaped(words: str) -> str:
    return words.replace("/", "//").replace("%", "/%").replace("_", "/_")


@functools.lru_cache(maxsize=64)
def _short(build: Callable[[tuple[bool, ...]], Lookup], shape: tuple[bool, ...]) -> Lookup:
    return build(shape)


def _kept(build: Callable[[tuple[bool, ...]], Lookup], shape: tuple[bool, ...]) -> Lookup:
    """Kept for queries of a few words, as nearly all are."""
    return _short(build, shape) if len(shape) <= 4 else build(shape)


def _again(shape: tuple[bool, ...], entry: Any = SearchEntry) -> list[ColumnElement[bool]]:
    words = [bindparam(f"again_{i}", type_=types.Text()) for i, again in enumerate(shape) if again]
    return [func.lower(entry.body).like(word, escape="/") for word in words]


def _in_sqlite(shape: tuple[bool, ...]) -> Lookup:
    hits = select(SearchEntry).join(_fts, _fts.c.rowid == SearchEntry.id)
    match = literal_column("search_fts").op("MATCH", is_comparison=True)(bindparam("words", type_=types.Text()))
    return Lookup(hits.where(match, *_again(shape)), _fts.c.rowid)


def _in_postgresql(shape: tuple[bool, ...]) -> Lookup:
    vector = func.to_tsvector(literal_column("'simple'::regconfig"), SearchEntry.bigrams)
    # The index knows no positions, and asking the vector for a phrase would parse every text anew. The order is read
    # off the pairs themselves; strpos is cheap, so the planner asks it first when it walks the table backwards, and
    # guesses a third, so that it does walk for words that are common. What holds the pairs in their order holds them:
    # where it is known that they are common, the vector, which is made anew for each hit, need not be asked at all.
    match = vector.op("@@")(cast(bindparam("words", type_=types.Text()), TSQUERY))
    rows = [*_pairs(shape, SearchEntry), *_again(shape)]
    last = aliased(SearchEntry, select(SearchEntry).order_by(SearchEntry.id.desc()).limit(NEWEST).subquery())
    return Lookup(
        select(SearchEntry).where(match, *rows),
        SearchEntry.id,
        Lookup(select(SearchEntry).where(*rows), SearchEntry.id),
        select(func.count(last.id)).where(*_pairs(shape, last), *_again(shape, last)),
    )


def _pairs(shape: tuple[bool, ...], entry: Any) -> list[ColumnElement[bool]]:
    text_ = " " + entry.bigrams + " "
    return [func.strpos(text_, bindparam(f"row_{i}", type_=types.Text())) > 0 for i in range(len(shape))]


def matches(query: str) -> ColumnElement[bool] | None:
    """The clause on SearchEntry for all words of a query, or None when there is nothing to look for."""
    found = find(query)
    if found is None:
        return None
    lookup, values = found
    return SearchEntry.id.in_(lookup.statement.with_only_columns(lookup.key).params(values))


def excerpt(body: str, query: str, around: int = 36) -> list[tuple[str, bool]]:
    """The hit in its context, as (piece, is the hit) pairs."""
    words = [w for w in query.split() if w]
    spots = [i for w in words if (i := body.lower().find(w.lower())) >= 0]
    start = max(0, min(spots) - around) if spots else 0
    piece = body[start : start + 2 * around + 24]
    if not words:
        return [(piece, False)]
    marked = re.split("(" + "|".join(re.escape(w) for w in words) + ")", piece, flags=re.IGNORECASE)
    parts = [(p, i % 2 == 1) for i, p in enumerate(marked) if p]
    if start > 0:
        parts.insert(0, ("…", False))
    if start + len(piece) < len(body):
        parts.append(("…", False))
    return parts


def _row(subject: Any, says: Text) -> dict[str, Any]:
    return {
        "kind": says.kind,
        "subject_id": subject.id,
        "hearing_id": says.hearing_id,
        "issue_id": says.issue_id,
        "body": says.body,
        "bigrams": " ".join(tokens(says.body)),
    }


@event.listens_for(Session, "after_flush")
def _follow(session: Session, context: Any) -> None:
    """Plain statements on the table: the session need not look through all it holds for entries to refresh."""
    entries: Any = SearchEntry.__table__
    fresh = [_row(o, _indexed[type(o)](o)) for o in session.new if type(o) in _indexed]
    if fresh:
        session.execute(insert(entries), fresh)
    for thing in session.dirty:
        if type(thing) in _indexed and session.is_modified(thing, include_collections=False):
            row = _row(thing, _indexed[type(thing)](thing))
            which = (entries.c.kind == row["kind"], entries.c.subject_id == row["subject_id"])
            session.execute(update(entries).where(*which).values(**row))
    for thing in session.deleted:
        if type(thing) in _indexed:
            says = _indexed[type(thing)](thing)
            session.execute(delete(entries).where(entries.c.kind == says.kind, entries.c.subject_id == thing.id))


def rebuild() -> int:
    """Index everything anew. Returns the number of texts."""
    db.session.execute(delete(SearchEntry))
    count = 0
    for model, describe in _indexed.items():
        things: Sequence[Any] = db.session.scalars(select(model)).all()
        rows = [_row(thing, describe(thing)) for thing in things]
        if rows:
            db.session.execute(insert(SearchEntry), rows)
        count += len(rows)
    return count
