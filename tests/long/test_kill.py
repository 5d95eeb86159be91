"""Killed in the middle of writing or sending: what was answered is there once, every mail arrives."""

import http.cookiejar
import random
import re
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from hearings import audit
from hearings.audit import AuditEvent
from hearings.db import db
from hearings.issues.models import Issue
from hearings.search import SearchEntry
from tests import factories, mailing
from tests.conftest import DATABASES, make_app
from tests.postgres import database_or_skip
from tests.server import Server

pytestmark = pytest.mark.long
ROUNDS, CLIENTS = 4, 3


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *args: Any) -> None:
        return None


class Person:
    """Somebody at a browser who sends a form again when no answer came."""

    def __init__(self, base: str):
        self.base = base
        jar = http.cookiejar.CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar), NoRedirect())

    def read(self, path: str, data: dict[str, str] | None = None) -> tuple[int, str]:
        body = urllib.parse.urlencode(data).encode() if data else None
        try:
            with self.opener.open(self.base + path, body, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.read().decode()

    def hidden(self, page: str) -> dict[str, str]:
        found = {}
        for tag in re.findall(r"<input[^>]*>", page):
            name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
            if 'type="hidden"' in tag and name:
                found[name[1]] = value[1].replace("&#34;", '"').replace("&quot;", '"') if value else ""
        return found

    def sign_in(self) -> None:
        _, page = self.read("/login")
        token = self.hidden(page)["csrf_token"]
        code, _ = self.read("/login", {"username": "organiser", "password": factories.PASSWORD, "csrf_token": token})
        assert code == 302


@pytest.mark.parametrize("kind", DATABASES)
def test_what_was_answered_is_there_once(kind: str, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'kill.db'}" if kind == "sqlite" else database_or_skip()
    app = make_app(url, tmp_path)
    with app.app_context():
        db.create_all()
        world = factories.World.make()
        hearing = world.hearing("in_session").id
        db.session.remove()
        db.engine.dispose()
    server = Server(url, tmp_path)
    address = f"/hearings/{hearing}/issues/new"
    stop, lock = threading.Event(), threading.Lock()
    answered: list[str] = []
    unsure: list[str] = []

    def write(number: int) -> None:
        person, count, signed = Person(server.base), 0, False
        while not stop.is_set():
            words = f"第{number}人第{count}件事：路灯不亮，请派人来修。"
            try:
                if not signed:
                    person.sign_in()
                    signed = True
                _, page = person.read(address)
                form = person.hidden(page) | {"statement": words, "category": "other"}
                with lock:
                    unsure.append(words)
                for _ in range(200):  # the same form until there is an answer
                    try:
                        code, _page = person.read(address, form)
                        break
                    except (OSError, ConnectionError):
                        if stop.is_set():
                            return
                        time.sleep(0.1)
                assert code in (303, 302), (code, _page[:400])
                with lock:
                    answered.append(words)
                count += 1
            except (OSError, ConnectionError):
                time.sleep(0.1)

    server.start()
    threads = [threading.Thread(target=write, args=(n,)) for n in range(CLIENTS)]
    for thread in threads:
        thread.start()
    dice = random.Random(7)
    for _ in range(ROUNDS):
        time.sleep(2 + dice.random() * 2)
        server.kill()
        server.start()
    time.sleep(2)
    stop.set()
    for thread in threads:
        thread.join(60)
    server.stop()
    with app.app_context():
        there = db.session.scalars(select(Issue.statement)).all()
        assert len(answered) > 10
        assert sorted(set(answered) - set(there)) == [], "answered and lost"
        assert len(there) == len(set(there)), "written twice"
        assert set(there) - set(unsure) == set()
        logged = db.session.scalar(select(func.count()).where(AuditEvent.action == "issue.log"))
        assert logged == len(there), "a change without its line, or a line without its change"
        assert db.session.scalar(select(func.count()).where(SearchEntry.kind == "issue")) == len(there)
        assert audit.verify() is None
        db.session.remove()
        db.engine.dispose()


@pytest.mark.parametrize("kind", DATABASES)
@pytest.mark.parametrize("workers", [1, 3])
def test_every_mail_arrives_though_workers_are_killed_and_at_most_one_a_kill_goes_twice(
    kind: str, workers: int, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'mail.db'}" if kind == "sqlite" else database_or_skip()
    app = mailing.house(url, tmp_path, 600)
    found = mailing.deliver(url, app, tmp_path, workers=workers, kill_after=100)
    assert found.kills > 0
    assert found.lost == 0
    assert found.twice <= found.kills
    assert found.orphans <= found.kills, "only what a killed worker held waits for its claim to run out"
    assert found.unmarked == 0, "shown as “perhaps twice”"
