"""The database session, the base class of all models, and the only clock.

SQLite and PostgreSQL both. On SQLite a transaction that will write opens with BEGIN IMMEDIATE, so that it
never finds out half-way that another writer was first; every command does, and every request but GET once it is
known who asks.
"""

import fcntl
import os
import sqlite3
import threading
import time as time_
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import UTC, date, datetime, time
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import JSON, DateTime, Enum, MetaData, Text, event
from sqlalchemy.engine import Engine
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column, registry
from sqlalchemy.pool import Pool
from sqlalchemy.types import TypeDecorator

LOCAL = ZoneInfo("Asia/Shanghai")
"""Where all hearings take place; no daylight saving since 1991."""


class UTCDateTime(TypeDecorator[datetime]):
    """An aware moment, kept in UTC. Refuses naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a moment without a time zone")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """All models. Text is unbounded in the schema; forms and CHECKs bound it where it matters."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={datetime: UTCDateTime(), str: Text(), dict[str, Any]: JSON(), list[Any]: JSON()},
    )


db = SQLAlchemy(model_class=Base)
if TYPE_CHECKING:
    Model = Base
else:
    Model = db.Model
"""What models inherit from: `Base`, with table names from class names."""


def enum_column(kind: type[StrEnum], **kwargs: Any) -> MappedColumn[Any]:
    """A column for a closed vocabulary: VARCHAR(32) with a CHECK, no database ENUM (portable)."""
    values = Enum(
        kind,
        native_enum=False,
        length=32,
        create_constraint=True,
        name=kind.__name__.lower(),
        values_callable=lambda members: [m.value for m in members],
    )
    return mapped_column(values, **kwargs)


class Numbered:
    """Mixin of rows that can be removed: the trail names them by id, and addresses do, so an id is never given again.

    SQLite would give the highest one again; PostgreSQL's sequences do not.
    """


@event.listens_for(Numbered, "instrument_class", propagate=True)
def _never_again(mapper: Any, _class: type) -> None:
    mapper.local_table.dialect_options["sqlite"]["autoincrement"] = True


class Published:
    """Mixin of what calendars show: identity, a version counter and when it last changed (RFC 5545 3.8.7)."""

    uid: Mapped[str] = mapped_column(default=lambda: uuid.uuid4().hex, unique=True)
    sequence: Mapped[int] = mapped_column(default=0)
    changed_at: Mapped[datetime] = mapped_column(default=lambda: now())

    def touch(self) -> None:
        """Count a change that calendars render."""
        self.sequence = (self.sequence or 0) + 1
        self.changed_at = now()


# -- the clock -----------------------------------------------------------------------------------------

_clock: ContextVar[datetime | None] = ContextVar("clock", default=None)


def now() -> datetime:
    """This moment in UTC, or the one that `clock_at` has set."""
    return _clock.get() or datetime.now(UTC)


def today() -> date:
    """The date in the hearings' time zone."""
    return now().astimezone(LOCAL).date()


def local(day: date, at: time) -> datetime:
    """A wall-clock time of the hearings' zone as an aware moment."""
    return datetime.combine(day, at, LOCAL)


@contextmanager
def clock_at(moment: datetime) -> Iterator[None]:
    """Set the clock; for the demo and for tests only."""
    token = _clock.set(moment.astimezone(UTC))
    try:
        yield
    finally:
        _clock.reset(token)


# -- transactions --------------------------------------------------------------------------------------

_writing: ContextVar[bool] = ContextVar("writing", default=True)


@contextmanager
def reading() -> Iterator[None]:
    """Open transactions without the write lock."""
    token = _writing.set(False)
    try:
        yield
    finally:
        _writing.reset(token)


def will_write(yes: bool) -> None:
    """Say for the rest of this request whether the transactions it opens take the write lock at once."""
    _writing.set(yes)


def write_from_here() -> None:
    """From here to the end of this request transactions take the write lock.

    One under way on SQLite is begun anew with it. What it has read stays: on PostgreSQL, too, others may write
    between two statements of one transaction.
    """
    _writing.set(True)
    if not db.session.registry.has() or not db.session().in_transaction():
        return
    connection = db.session.connection()
    if connection.dialect.name == "sqlite":
        driver: Any = connection.connection.driver_connection
        driver.rollback()
        _queue_up(connection)
        connection.exec_driver_sql("BEGIN IMMEDIATE")


class SQLite(sqlite3.Connection):
    """A connection whose writers wait for the disk side by side, not one behind the other.

    An answered promise survives a power cut: a commit has come back when its pages lie on the disk. SQLite's own way
    (synchronous=FULL) waits for the disk with the write lock held. Here it writes the log in order and without waiting
    (NORMAL: always whole, but its end may be lost), then the next writer has its turn, and the log is synced. A
    commit takes with it all that lie before it in the log; what a checkpoint has moved into the database meanwhile
    was synced before and after.
    """

    turn: int | None = None
    """The open file that says whose turn it is to write, while it is ours."""
    log = ""
    _counted = 0

    def open_log(self) -> None:
        """Find the log; without one (in memory, or a file system that has no WAL) SQLite keeps to its own way."""
        mode = self.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        place = self.execute("PRAGMA database_list").fetchone()[2]
        if mode == "wal" and place:
            self.log = f"{place}-wal"
        self.execute(f"PRAGMA synchronous={'NORMAL' if self.log else 'FULL'}")

    def commit(self) -> None:
        """Commit; come back when what was written is on the disk. Raises `OSError` when the disk does not take it."""
        wrote = self.in_transaction and (self.turn is not None or self.total_changes != self._counted)
        super().commit()
        self._counted = self.total_changes
        self.pass_on()
        if wrote and self.log:
            with suppress(FileNotFoundError):  # no log: there was nothing to write
                log = os.open(self.log, os.O_RDONLY | os.O_CLOEXEC)
                try:
                    os.fdatasync(log)
                finally:
                    os.close(log)

    def pass_on(self) -> None:
        """Our turn is over."""
        if self.turn is not None:
            os.close(self.turn)
            self.turn = None
            _next.release()

    def close(self) -> None:
        """Close; a turn does not outlive its connection."""
        self.pass_on()
        super().close()


@event.listens_for(Engine, "connect")
def _on_connect(connection: Any, record: Any) -> None:
    if isinstance(connection, SQLite):
        connection.isolation_level = None  # we say BEGIN ourselves
        connection.open_log()
        cursor = connection.cursor()
        for pragma in (
            "foreign_keys=ON",
            "busy_timeout=15000",
            "cache_size=-8000",
            "temp_store=MEMORY",
        ):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()
    elif hasattr(connection, "prepared_max"):
        connection.prepared_max = 500  # some pages have thirty statements, each a little different from role to role


# PostgreSQL plans a statement for about as long as it runs most of ours. It need not do so anew when the driver
# prepares the statement, and the driver forgets all it has prepared at a ROLLBACK: a request that has only read
# therefore ends with a COMMIT.


@event.listens_for(Engine, "do_execute")
def _on_execute(cursor: Any, statement: str, parameters: Any, context: Any) -> bool:
    """A statement marked `plan_anew` is planned for its values: what suits a rare word is ruinous for a common one."""
    if context.dialect.name != "postgresql" or not context.execution_options.get("plan_anew"):
        return False
    cursor.execute(statement, parameters, prepare=False)
    return True


@event.listens_for(Engine, "after_cursor_execute")
def _on_executed(
    connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, executemany: bool
) -> None:
    if context is None or context.compiled is None or context.is_text or context.isddl or context.is_crud:
        connection.info["wrote"] = True


def end_reading(error: BaseException | None) -> None:
    """At the end of a request on PostgreSQL: commit, if nothing was written. The rest is rolled back as ever."""
    if error is not None or not db.session.registry.has():
        return
    session = db.session()
    if not session.in_transaction() or not session.is_active:
        return
    connection = session.connection()
    if connection.dialect.name == "postgresql" and not connection.info.get("wrote"):
        driver: Any = connection.connection.driver_connection
        with suppress(connection.dialect.loaded_dbapi.Error):  # the database has gone; the session will find out
            driver.commit()


@event.listens_for(Engine, "begin")
def _on_begin(connection: Any) -> None:
    connection.info.pop("wrote", None)
    if connection.dialect.name == "sqlite":
        if _writing.get():
            _queue_up(connection)
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.connection.driver_connection.execute("BEGIN")


WAIT = 15.0
"""Seconds a writer waits for its turn on SQLite."""
_next = threading.Lock()
"""Held by the thread of this process that has the turn or asks for it; the others sleep and need not ask."""


def _queue_up(connection: Any) -> None:
    """Wait for one's turn to write in steps of a millisecond.

    SQLite's own waiting sleeps ever longer, up to a tenth of a second, while the turn passes by. A file beside
    the database says which process's turn it is; the system gives it back when a process dies. After `WAIT` SQLite is
    asked all the same, and says in its way that it is busy.
    """
    place, driver = connection.engine.url.database, connection.connection.driver_connection
    if not place or place == ":memory:" or driver.turn is not None:
        return
    until = time_.monotonic() + WAIT
    if not _next.acquire(timeout=WAIT):
        return
    try:
        driver.turn = _take(f"{place}-turn", until)
    finally:
        if driver.turn is None:
            _next.release()


def _take(turn: str, until: float) -> int | None:
    """The open file that is the turn to write, or None when it was not to be had in time."""
    handle = os.open(turn, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time_.monotonic() > until:
                os.close(handle)
                return None
            time_.sleep(0.001)
        else:
            return handle


@event.listens_for(Pool, "checkin")
def _turn_is_over(connection: Any, record: Any) -> None:
    if isinstance(connection, SQLite):
        connection.pass_on()
