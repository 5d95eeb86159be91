"""One Chromium and one served house a test process; a profile of its own for each person."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from hearings.db import db
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
def chromium() -> Iterator[Browser]:
    """A running Chromium, the same for all tests. Where tests must not be left out, its absence is a failure."""
    if kit.executable() is None:
        missing = "Chromium is not installed: apt-get install chromium."
        if os.environ.get("CI") == "true":
            pytest.fail(missing)
        pytest.skip(missing)
    with kit.browser() as running:
        yield running


@pytest.fixture(scope="session")
def house(_office_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The demo's office, served as `make run` serves it. Nothing is changed in it: it is there to be looked at."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copy(_office_file, folder / "demo.db")
    with serving(f"sqlite:///{folder / 'demo.db'}", folder) as server:
        yield server


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
