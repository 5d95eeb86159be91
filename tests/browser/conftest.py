"""One Chromium and one served house a test process; a profile of its own for each person."""

import contextlib
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from hearings.db import db
from hearings.people.models import Department, User
from hearings.schedule.models import Station
from tests import factories
from tests.browser import chromium as kit
from tests.conftest import make_app
from tests.server import Server, serving


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs Chromium."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker("browser")


@pytest.fixture(scope="session")
def house(_office_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's office, served as `make run` serves it. Nothing is changed in it: it is there to be looked at."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(_office_file, folder / "demo.db")
    with serving(f"sqlite:///{folder / 'demo.db'}", folder) as server:
        yield server


@pytest.fixture(scope="session")
def known(_office_file: Path) -> dict[str, int]:
    """Ids of what the tests look at in the demo's office."""
    wanted = {
        "ninth": "SELECT id FROM hearing WHERE serial_no = 9",
        "over": "SELECT id FROM hearing WHERE status = 'concluded' AND kind = 'night_hearing' ORDER BY id DESC",
        "tonight": "SELECT id FROM hearing WHERE status = 'in_session'",
        "look_back": "SELECT hearing_id FROM finding GROUP BY hearing_id ORDER BY count(*) DESC",
        "issue": "SELECT i.id FROM issue i JOIN hearing h ON h.id = i.hearing_id WHERE h.serial_no = 9 AND i.number = 5",
        "commitment": "SELECT id FROM commitment WHERE status = 'reported'",
    }
    with contextlib.closing(sqlite3.connect(_office_file)) as connection:
        return {name: connection.execute(query).fetchone()[0] for name, query in wanted.items()}


@pytest.fixture(scope="session")
def signed_in(chromium: Browser, house: Server) -> Any:
    """`signed_in("deputy")` → what a new context needs to be that person at the demo's office."""
    states: dict[str, Any] = {}

    def state(login: str) -> Any:
        if login not in states:
            profile = kit.context(chromium, house.base)
            kit.sign_in(profile.new_page(), login)
            states[login] = profile.storage_state()
            profile.close()
        return states[login]

    return state


@pytest.fixture(scope="session")
def empty_house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """People and stations, and nothing that has happened yet."""
    folder = tmp_path_factory.mktemp("empty-house")
    url = f"sqlite:///{folder / 'empty.db'}"
    app = make_app(url, folder)
    with app.app_context():
        db.create_all()
        factories.World.make()
        db.session.remove()
        db.engine.dispose()
    with serving(url, folder) as server:
        yield server


def _world() -> factories.World:
    """The people and places that `World.make` has made, found again."""
    people = {user.username: user for user in db.session.scalars(select(User))}
    offices = {office.name: office for office in db.session.scalars(select(Department))}
    stations = {station.code: station for station in db.session.scalars(select(Station))}
    names = ("admin", "auditor", "organiser", "street", "deputy", "leader", "department")
    return factories.World(
        **{name: people[name] for name in names},
        other_deputy=people["deputy2"],
        other_department=people["department2"],
        bureau=offices["区交通运输局"],
        other_bureau=offices["区教育局"],
        street_office=offices["新碶街道办事处"],
        station=stations["XQ"],
        other_station=stations["XP"],
    )


REFUSED = r"status of (409|422) "
"""A form that comes back with what is wrong is no trouble; the browser notes it all the same."""


class Town:
    """A small district of its own, served, whose evening people live through in these tests."""

    def __init__(self, chromium: Browser, server: Server, app: Any):
        self.chromium, self.server, self.app = chromium, server, app
        self.states: dict[str, Any] = {}
        self.profiles: list[Any] = []
        self.trouble: list[kit.Trouble] = []

    def arrange(self, build: Callable[[factories.World], Any]) -> Any:
        """What a test needs beforehand: `build(world)` in the town's database; gives what `build` gives."""
        with self.app.app_context():
            made = build(_world())
            db.session.commit()
            db.session.remove()
            return made

    def page(self, login: str | None = None, **details: Any) -> Page:
        """A new profile, signed in as this person."""
        profile = kit.context(self.chromium, self.server.base, **details)
        self.profiles.append(profile)
        page = profile.new_page()
        self.trouble.append(kit.Trouble(page))
        if login is not None:
            if login not in self.states:
                kit.sign_in(page, login)
                self.states[login] = profile.storage_state()
            else:
                profile.add_cookies(self.states[login]["cookies"])
        return page

    def leave(self) -> list[str]:
        """Everybody goes home; what their browsers complained about."""
        for profile in self.profiles:
            profile.close()
        said = [words for trouble in self.trouble for words in trouble.take() if not re.search(REFUSED, words)]
        self.profiles, self.trouble = [], []
        return said


@pytest.fixture(scope="session")
def _town(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("town")
    url = f"sqlite:///{folder / 'town.db'}"
    app = make_app(url, folder)
    with app.app_context():
        db.create_all()
        factories.World.make()
        db.session.remove()
        db.engine.dispose()
    with serving(url, folder) as server:
        yield Town(chromium, server, app)


@pytest.fixture
def town(_town: Town) -> Iterator[Town]:
    """The town; at the end of a test no browser may have complained."""
    yield _town
    assert _town.leave() == []
