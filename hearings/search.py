"""Search that finds two Chinese characters anywhere, on both databases.

Every searchable text is stored once, as written and as bigrams joined by spaces; SQLite looks the bigrams up
with FTS5, PostgreSQL with a GIN index over a tsvector. Rooms say what of theirs is searchable with
`@indexed(Model)`; rows follow their models inside the same flush. No resident's data is indexed.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    Index,
    UniqueConstraint,
    delete,
    event,
    func,
    insert,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from .db import Model, db
from .permissions import Clause


class SearchEntry(Model):
    """One searchable text and where it belongs."""

    __table_args__ = (
        UniqueConstraint("kind", "subject_id"),
        Index("ix_search_entry_hearing_id", "hearing_id"),
        Index("ix_search_entry_issue_id", "issue_id"),
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


def matches(query: str) -> Clause | None:
    """The clause on SearchEntry for all words of a query, or None when there is nothing to look for."""
    phrases = [" ".join(t) for t in (tokens(word) for word in query.split()) if t]
    if not phrases:
        return None
    if db.engine.dialect.name == "sqlite":
        words = " AND ".join(f'"{p}"' for p in phrases)
        hits = text("SELECT rowid FROM search_fts WHERE search_fts MATCH :words").bindparams(words=words)
        return SearchEntry.id.in_(hits)
    vector = func.to_tsvector(literal_column("'simple'::regconfig"), SearchEntry.bigrams)
    wanted: Any = func.phraseto_tsquery(literal_column("'simple'::regconfig"), phrases[0])
    for phrase in phrases[1:]:
        wanted = wanted.op("&&")(func.phraseto_tsquery(literal_column("'simple'::regconfig"), phrase))
    return vector.op("@@")(wanted)


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
    fresh = [_row(o, _indexed[type(o)](o)) for o in session.new if type(o) in _indexed]
    if fresh:
        session.execute(insert(SearchEntry), fresh)
    for thing in session.dirty:
        if type(thing) in _indexed and session.is_modified(thing, include_collections=False):
            row = _row(thing, _indexed[type(thing)](thing))
            which = (SearchEntry.kind == row["kind"], SearchEntry.subject_id == row["subject_id"])
            session.execute(update(SearchEntry).where(*which).values(**row))
    for thing in session.deleted:
        if type(thing) in _indexed:
            says = _indexed[type(thing)](thing)
            session.execute(
                delete(SearchEntry).where(SearchEntry.kind == says.kind, SearchEntry.subject_id == thing.id)
            )


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
