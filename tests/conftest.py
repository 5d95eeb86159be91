"""What all tests stand on: the app on both databases, a browser-like client, a small world of people.

The client commits what the test arranged, sends the request in an application context of its own, and so loses
whatever the route forgot to commit, as a real browser would.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser as Chromium
from sqlalchemy import event, select, text

from config import TestConfig
from hearings import create_app
from hearings.db import db, today
from hearings.demo.loader import Loader
from hearings.people.models import User
from tests import factories
from tests.browser import chromium as kit
from tests.postgres import database_or_skip, postgres_url  # noqa: F401

DATABASES = ("sqlite", "postgresql")


def make_app(url: str, folder: Path, **settings: Any) -> Flask:
    """An application on a database of its own."""
    config = TestConfig()
    config.DATABASE_URL = url
    config.INSTANCE = str(folder)
    for name, value in settings.items():
        setattr(config, name, value)
    app = create_app(config)
    app.after_request(_as_a_server_takes_it)
    return app


def _as_a_server_takes_it(response: Response) -> Response:
    """The client of the tests takes any header; gunicorn answers 500 to one with Chinese in it (RFC 9110 §5.5)."""
    for name, value in response.headers:
        assert re.fullmatch(r"[ \t\x21-\x7e\x80-\xff]*", value), f"{name}: {value!r}"
    return response


@pytest.fixture(scope="session", params=DATABASES)
def _app(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        app = make_app(f"sqlite:///{folder / 'test.db'}", folder)
    else:
        app = make_app(database_or_skip(), folder)
    with app.app_context():
        db.create_all()
        if request.param == "sqlite":
            with db.engine.connect() as connection:
                connection.exec_driver_sql("ROLLBACK")
                connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
            db.engine.dispose()
            shutil.copy(folder / "test.db", folder / "empty.db")
    yield app
    with app.app_context():
        db.engine.dispose()


def _empty(app: Flask) -> None:
    """Back to an empty database."""
    db.session.remove()
    if db.engine.dialect.name == "sqlite":
        db.engine.dispose()
        folder = Path(app.config["INSTANCE"])
        for leftover in ("test.db-wal", "test.db-shm"):
            (folder / leftover).unlink(missing_ok=True)
        shutil.copy(folder / "empty.db", folder / "test.db")
    else:
        names = ", ".join(f'"{t.name}"' for t in db.metadata.sorted_tables)
        with db.engine.begin() as connection:
            connection.execute(text(f"TRUNCATE {names} RESTART IDENTITY CASCADE"))


@pytest.fixture
def app(_app: Flask) -> Iterator[Flask]:
    """The application, its database empty, its context pushed; settings that a test changes are its own."""
    settings = dict(_app.config)
    with _app.app_context():
        _empty(_app)
        yield _app
        db.session.rollback()
        db.session.remove()
    _app.config.clear()
    _app.config.update(settings)


class Browser:
    """One person at one browser."""

    def __init__(self, app: Flask, user: Any = None):
        self.app = app
        self.client = app.test_client()
        if user is not None:
            db.session.commit()
            with self.client.session_transaction() as session:
                session["_user_id"] = user.fs_uniquifier
                session["_fresh"] = True
                session["locale"] = "zh_Hans"

    def open(self, path: str, *, method: str = "GET", **kwargs: Any) -> Any:
        """Send a request; follows nothing."""
        db.session.commit()
        with self.app.app_context():
            answer = self.client.open(path, method=method, **kwargs)
        db.session.expire_all()
        return answer

    def get(self, path: str, **kwargs: Any) -> Any:
        return self.open(path, **kwargs)

    def post(self, path: str, data: Any = None, **kwargs: Any) -> Any:
        return self.open(path, method="POST", data=data or {}, **kwargs)


@pytest.fixture
def browser(app: Flask) -> Any:
    """`browser(user)` → a signed-in Browser; `browser()` → nobody's."""
    return lambda user=None: Browser(app, user)


@pytest.fixture
def world(app: Flask) -> factories.World:
    """A small district: one of each role, two stations, three departments. Committed."""
    return factories.World.make()


@contextmanager
def counted() -> Iterator[list[str]]:
    """The SQL statements of a block (without BEGIN and the like)."""
    said: list[str] = []

    def note(conn: Any, cursor: Any, statement: str, *rest: Any) -> None:
        if not statement.startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            said.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield said
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


@pytest.fixture
def statements(app: Flask) -> Any:
    """`with statements() as said:` counts SQL."""
    return counted


@pytest.fixture(scope="session")
def _office_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo, loaded once a worker into SQLite."""
    folder = tmp_path_factory.mktemp("office")
    app = make_app(f"sqlite:///{folder / 'demo.db'}", folder)
    with app.app_context():
        db.create_all()
        Loader(today(), factories.PASSWORD).load()
        db.session.remove()
        with db.engine.connect() as connection:
            connection.exec_driver_sql("ROLLBACK")
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        db.engine.dispose()
    return folder / "demo.db"


@pytest.fixture
def office(_office_file: Path, tmp_path: Path) -> Iterator[tuple[Flask, dict[str, Any]]]:
    """(app, users by login) of a whole office's years: the demo, a copy of its own for the test."""
    shutil.copy(_office_file, tmp_path / "demo.db")
    app = make_app(f"sqlite:///{tmp_path / 'demo.db'}", tmp_path)
    with app.app_context():
        yield app, {user.username: user for user in db.session.scalars(select(User))}
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def latin_office(tmp_path: Path) -> Iterator[tuple[Flask, dict[str, Any]]]:
    """A small office whose data holds no Chinese, to see what of the pages does."""
    latin = {"OFFICE_NAME": "Office", "ORGANISATION": "Committee", "SYSTEM_NAME": "Hearings", "MINUTES_MARK": "Minutes"}
    app = make_app(
        f"sqlite:///{tmp_path / 'latin.db'}",
        tmp_path,
        **latin,
        VAGUE_WORDS=["soon"],
        RESULT_CLASSES={"A": "solved", "B": "partly", "C": "not yet", "D": "for reference"},
        MINUTES_CC=["Offices"],
    )
    with app.app_context():
        db.create_all()
        factories.latin_office()
        yield app, {user.username: user for user in db.session.scalars(select(User))}
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Chromium]:
    """A running Chromium, the same for all tests. Where tests must not be left out, its absence is a failure."""
    if kit.executable() is None:
        missing = "Chromium is not installed: apt-get install chromium."
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with kit.browser() as running:
        yield running
