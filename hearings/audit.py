"""The trail: who did what to what, when, from where; append-only and hash-chained.

`record()` only notes the line; the chain is closed as the last thing before commit, so that a change and its
line are saved together or not at all and writers queue for as short a time as can be. On PostgreSQL one
advisory lock orders them, on SQLite the write lock already does.
A resident's data never stands in `details`, only that it changed.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from flask import has_request_context, request
from sqlalchemy import ForeignKey, Index, event, insert, inspect, select
from sqlalchemy.orm import Mapped, Session, SessionTransaction, mapped_column, relationship

from .db import Model, db, now

LOCK = 0x6E696768
GENESIS = "0" * 64
SYSTEM = "系统"
"""Who acted when nobody did: silence, the clock, a command."""


class AuditEvent(Model):
    """One line of the trail."""

    __table_args__ = (
        Index("ix_audit_event_subject", "subject_type", "subject_id"),
        Index("ix_audit_event_hearing", "hearing_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime]
    actor_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    actor_name: Mapped[str]
    """As it was then; people are renamed and leave."""
    address: Mapped[str | None]
    action: Mapped[str]
    """The permission's string, e.g. `issue.strike_off`."""
    subject_type: Mapped[str]
    subject_id: Mapped[int | None]
    hearing_id: Mapped[int | None]
    """The hearing it belongs to, so that its page can tell its history in one query."""
    status: Mapped[str | None]
    """The subject's status after this act, where it has one: figures as of a date are read from here."""
    details: Mapped[dict[str, Any]]
    previous_hash: Mapped[str]
    hash: Mapped[str]

    actor: Mapped["User | None"] = relationship("User", lazy="raise_on_sql")  # type: ignore[name-defined]  # noqa: F821

    def digest(self) -> str:
        """SHA-256 over the line and the hash before it."""
        return _digest({name: getattr(self, name) for name in ("previous_hash", "at", *_SEALED)})


_SEALED = (
    "actor_id", "actor_name", "address", "action", "subject_type", "subject_id", "hearing_id", "status", "details",
)  # fmt: skip


def _digest(line: Mapping[str, Any]) -> str:
    body = [line["previous_hash"], f"{line['at'].timestamp():.6f}", *(line[name] for name in _SEALED)]
    words = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(words.encode()).hexdigest()


def record(action: str, subject: Any, actor: Any, *, status: str | None = None, **details: Any) -> None:
    """Note an act for the trail. The line is written when the transaction commits.

    `subject` is a model row, `actor` a User or None (the system itself); `details` must be JSON-able.
    """
    line = {
        "at": now(),
        "actor_id": actor.id if actor is not None else None,
        "actor_name": actor.name if actor is not None else SYSTEM,
        "address": request.remote_addr if has_request_context() else None,
        "action": action,
        "subject": subject,
        "hearing_id": _hearing_id(subject),
        "status": status,
        "details": {k: _plain(v) for k, v in details.items() if v is not None},
        "savepoint": db.session().get_nested_transaction(),
    }
    db.session.info.setdefault("audit", []).append(line)


def standing(lines: Iterable[AuditEvent]) -> list[AuditEvent]:
    """The lines, oldest first, without those that an undo has taken back and without the undoing ones.

    `lines` must hold the undoing ones too.
    """
    kept: list[AuditEvent] = []
    for line in lines:
        if not line.action.endswith(".undo"):
            kept.append(line)
            continue
        done = (line.subject_type, line.subject_id, line.action.removesuffix(".undo"))
        at = next((n for n in range(len(kept) - 1, -1, -1) if _act(kept[n]) == done), None)
        if at is not None:
            del kept[at]
    return kept


def _act(line: AuditEvent) -> tuple[str, int | None, str]:
    return line.subject_type, line.subject_id, line.action


def _plain(value: Any) -> Any:
    if isinstance(value, list | tuple | set):
        return [_plain(v) for v in value]
    if isinstance(value, str | int | float | bool | dict) or value is None:
        return value
    return str(value)


def _hearing_id(subject: Any) -> int | None:
    """The hearing a row belongs to, over the rows that own it."""
    if subject.__tablename__ == "hearing":
        return subject.id
    if getattr(subject, "hearing_id", None) is not None:
        return subject.hearing_id
    relations = inspect(type(subject)).relationships
    for owner in ("hearing", "issue", "assignment", "commitment"):
        if owner in relations:
            key = getattr(subject, f"{owner}_id", None)
            other = getattr(subject, owner) if key is None else db.session.get(relations[owner].mapper.class_, key)
            if other is not None:
                return _hearing_id(other)
    return None


@event.listens_for(Session, "before_commit")
def _close_chain(session: Session) -> None:
    if session.in_nested_transaction():  # a savepoint is no commit
        return
    lines = session.info.pop("audit", None)
    if not lines:
        return
    session.flush()
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({LOCK})")
    last = connection.execute(_LAST).scalar() or GENESIS
    rows = []
    for line in lines:
        subject = line.pop("subject")
        del line["savepoint"]
        identity = inspect(subject).identity
        if line["hearing_id"] is None and subject.__tablename__ == "hearing" and identity:
            line["hearing_id"] = identity[0]
        line |= {
            "subject_type": subject.__tablename__,
            "subject_id": identity[0] if identity and isinstance(identity[0], int) else None,
            "previous_hash": last,
        }
        last = _digest(line)
        rows.append(line | {"hash": last})
    connection.execute(_INSERT, rows)


_INSERT: Any = insert(AuditEvent.__table__)  # type: ignore[arg-type]
_LAST = select(AuditEvent.hash).order_by(AuditEvent.id.desc()).limit(1)


@event.listens_for(Session, "after_soft_rollback")
def _forget(session: Session, ended: SessionTransaction) -> None:
    """Lines go with what they tell of: all with the transaction, those of a savepoint with it."""
    if ended.parent is None:
        session.info.pop("audit", None)
    elif ended.nested and "audit" in session.info:
        session.info["audit"] = [line for line in session.info["audit"] if line["savepoint"] is not ended]


def trail(thing: Any) -> Sequence[AuditEvent]:
    """The committed lines about one row, oldest first."""
    return db.session.scalars(
        select(AuditEvent)
        .where(AuditEvent.subject_type == thing.__tablename__, AuditEvent.subject_id == thing.id)
        .order_by(AuditEvent.id)
    ).all()


def verify() -> int | None:
    """Walk the chain. Returns the id of the first line that does not fit, or None if all do."""
    last = GENESIS
    for entry in db.session.scalars(select(AuditEvent).order_by(AuditEvent.id).execution_options(yield_per=500)):
        if entry.previous_hash != last or entry.digest() != entry.hash:
            return entry.id
        last = entry.hash
    return None
