"""The worker as a process: beside a server, several at once, and killed in the middle."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from flask_migrate import upgrade
from sqlalchemy import func, select, text

from hearings.db import db, reading
from hearings.notices import outbox
from hearings.notices.models import Cursor, Message, MessageState
from tests.conftest import make_app
from tests.postgres import database_or_skip

ROOT = Path(__file__).resolve().parents[2]


class Sink:
    """Takes everything, and notes the Message-IDs."""

    def __init__(self):
        self.ids = Counter()

    async def handle_DATA(self, server, session, envelope):
        found = re.search(rb"(?im)^message-id:\s*(<[^>]+>)", envelope.content)
        self.ids[found[1].decode()] += 1
        return "250 taken"


@pytest.fixture
def sink():
    taken = Sink()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(taken, hostname="127.0.0.1", port=port)
    server.start()
    taken.port = port
    yield taken
    server.stop()


def house(url, folder, count):
    """A migrated house with so many mails waiting, none of them held back by night."""
    app = make_app(url, folder)
    with app.app_context():
        upgrade()
        for n in range(count):
            db.session.add(
                Message(
                    key=f"k{n}",
                    kind="test",
                    channel="mail",
                    address=f"p{n}@example.org",
                    subject="题",
                    text="文",
                    urgent=True,
                )
            )
        db.session.commit()
    return app


def worker(url, folder, port, *options):
    env = os.environ | {
        "HEARINGS_DATABASE_URL": url,
        "HEARINGS_INSTANCE": str(folder),
        "HEARINGS_MAIL_HOST": "127.0.0.1",
        "HEARINGS_MAIL_PORT": str(port),
        "HEARINGS_MAIL_FROM": "yexunhui@rd.example",
        "HEARINGS_SECRET_KEY": "only for tests of the worker",
    }
    command = [sys.executable, "-m", "flask", "--app", "wsgi", "worker", "--pause", "0.2", *options]
    return subprocess.Popen(command, cwd=ROOT, env=env)


def left(app):
    with app.app_context(), reading():
        count = db.session.scalar(
            select(func.count()).select_from(Message).where(Message.state == MessageState.WAITING)
        )
        db.session.remove()
        return count


def begun(app):
    """Whether a worker has made its first round."""
    with app.app_context():
        found = db.session.scalar(select(func.count()).select_from(Cursor))
        db.session.remove()
        return found


def test_it_ends_with_the_process_it_stands_beside_and_by_a_signal(tmp_path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    app = house(url, tmp_path, 0)
    other = subprocess.Popen(["sleep", "60"])
    beside = worker(url, tmp_path, 1, "--beside", str(other.pid))
    alone = worker(url, tmp_path, 1)
    until = time.monotonic() + 60
    while time.monotonic() < until and not begun(app):  # then both have taken up their work, or will within a moment
        time.sleep(0.3)
    time.sleep(2)
    assert beside.poll() is None and alone.poll() is None
    other.kill()
    other.wait()
    alone.send_signal(signal.SIGTERM)
    assert beside.wait(15) == 0
    assert alone.wait(15) == 0


@pytest.mark.long
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_three_workers_one_killed_again_and_again_lose_nothing(database, tmp_path, sink):
    url = f"sqlite:///{tmp_path / 'a.db'}" if database == "sqlite" else database_or_skip()
    app = house(url, tmp_path, 600)
    running = [worker(url, tmp_path, sink.port) for _ in range(3)]
    kills, until = 0, time.monotonic() + 150
    try:
        while left(app) and time.monotonic() < until:
            time.sleep(2.5)
            if kills < 6 and left(app):
                running[kills % 3].kill()
                running[kills % 3].wait()
                running[kills % 3] = worker(url, tmp_path, sink.port)
                kills += 1
            if len(sink.ids) >= 600 - kills:
                break
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(20)
    with app.app_context():
        waiting = db.session.scalars(select(Message).where(Message.state == MessageState.WAITING)).all()
        assert len(waiting) <= kills, "only what a killed worker held"
        db.session.execute(text("UPDATE message SET claimed_until = '2001-01-01 00:00:00' WHERE state = 'waiting'"))
        db.session.commit()
        app.config.update(MAIL_HOST="127.0.0.1", MAIL_PORT=sink.port, MAIL_FROM="yexunhui@rd.example")
        outbox.send_all()
        ids = set(db.session.scalars(select(Message.message_id)))
        assert left(app) == 0
        db.session.remove()
        db.engine.dispose()
    assert kills > 0
    assert set(sink.ids) == ids
    assert len(ids) == 600
    assert sum(sink.ids.values()) - 600 <= kills, "at most one duplicate a kill"
