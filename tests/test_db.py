"""How transactions are committed: writers one after the other, and nothing is promised before it is on the disk."""

import fcntl
import os
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from hearings.db import SQLite, db, reading
from hearings.people.models import User
from hearings.schedule import operations as schedule
from hearings.schedule.models import Topic


@pytest.fixture
def office(app: Any, world: Any) -> Any:
    """The small district, on SQLite: PostgreSQL sees to its disk itself."""
    if db.engine.dialect.name != "sqlite":
        pytest.skip("a matter of SQLite")
    db.session.commit()
    return world


def _connection() -> SQLite:
    driver: Any = db.session.connection().connection.driver_connection
    return driver  # type: ignore[no-any-return]


@pytest.fixture
def syncs(monkeypatch: Any) -> list[tuple[str, bool]]:
    """The files that were synced, and whether the turn to write was still ours."""
    seen: list[tuple[str, bool]] = []
    sync = os.fdatasync

    def note(file: int) -> None:
        seen.append((Path(os.readlink(f"/proc/self/fd/{file}")).name, _taken()))
        sync(file)

    monkeypatch.setattr(os, "fdatasync", note)
    return seen


def _taken() -> bool:
    """Whether anybody has the turn to write."""
    with open(f"{db.engine.url.database}-turn") as turn:
        try:
            fcntl.flock(turn, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_a_write_is_synced_once_and_after_the_next_writer_has_the_turn(
    office: Any, app: Any, browser: Any, syncs: list[tuple[str, bool]]
) -> None:
    path = f"/hearings/{office.hearing('announced').id}/issues/new"
    person = browser(office.organiser)
    db.session.commit()
    syncs.clear()
    with app.app_context():
        answer = person.client.post(path, data={"statement": "楼道灯坏了三个月。", "category": "other"})
    assert answer.status_code == 303
    assert syncs == [("test.db-wal", False)]


def test_a_page_that_only_reads_syncs_nothing(
    office: Any, app: Any, browser: Any, syncs: list[tuple[str, bool]]
) -> None:
    person = browser(office.organiser)
    db.session.commit()
    syncs.clear()
    with app.app_context():
        assert person.client.get("/").status_code == 200
    assert syncs == []


def test_a_write_without_the_turn_is_synced_too(office: Any, syncs: list[tuple[str, bool]]) -> None:
    with reading():
        schedule.add_topic(title="早晚高峰公交太挤", actor=office.organiser)
        db.session.commit()
    assert [name for name, _ in syncs] == ["test.db-wal"]


def test_nothing_is_promised_when_the_disk_refuses(office: Any, browser: Any, monkeypatch: Any) -> None:
    hearing = office.hearing("announced")
    person = browser(office.organiser)

    def refuse(file: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", refuse)
    with pytest.raises(OSError, match="Input/output error"):
        person.post(f"/hearings/{hearing.id}/issues/new", {"statement": "楼道灯坏了三个月。", "category": "other"})
    db.session.rollback()


def test_the_log_is_kept_in_order_and_a_database_without_one_waits_for_the_disk_itself(office: Any) -> None:
    connection = _connection()
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert connection.execute("PRAGMA synchronous").fetchone() == (1,)  # NORMAL, and our own sync after it
    alone = SQLite(":memory:", isolation_level=None)
    alone.open_log()
    assert alone.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
    alone.close()


def test_who_asks_is_read_before_the_turn_comes(office: Any, app: Any, browser: Any) -> None:
    """While another writes, a post has found its person; then it waits, and sees what the other has written."""
    path = f"/hearings/{office.hearing('announced').id}/issues/new"
    person = browser(office.organiser)
    schedule.add_topic(title="先写的", actor=office.organiser)
    db.session.flush()
    assert _taken()
    answers: list[int] = []

    def post() -> None:
        with app.app_context():
            answers.append(person.client.post(path, data={"statement": "后写的事。", "category": "other"}).status_code)

    other = threading.Thread(target=post)
    other.start()
    time.sleep(0.3)
    assert answers == []
    db.session.commit()
    other.join(10)
    assert answers == [303]
    assert db.session.query(Topic).filter_by(title="先写的").count() == 1


def test_a_turn_that_does_not_come_is_refused_in_time_and_comes_again(
    office: Any, app: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A writer that holds on keeps the others waiting for so long and no longer; nobody's turn is lost by it."""
    monkeypatch.setattr(sys.modules["hearings.db"], "WAIT", 0.2)
    schedule.add_topic(title="先写的", actor=office.organiser)
    db.session.flush()
    failures: list[str] = []
    organiser = office.organiser.id

    def write() -> None:
        with app.app_context():
            try:
                with reading():
                    db.session.connection().exec_driver_sql("PRAGMA busy_timeout=100")
                    db.session.commit()
                schedule.add_topic(title="后写的", actor=db.session.get_one(User, organiser))
                db.session.commit()
            except OperationalError as error:
                failures.append(str(error.orig))
                db.session.rollback()

    for _ in range(2):
        other = threading.Thread(target=write)
        other.start()
        other.join(20)
    assert failures == ["database is locked"] * 2
    db.session.commit()
    failures.clear()
    other = threading.Thread(target=write)
    other.start()
    other.join(20)
    assert failures == []
    assert db.session.query(Topic).count() == 2
