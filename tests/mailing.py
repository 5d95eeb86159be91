"""Workers that send, are killed and started again, beside a mail server: for tests of the worker and `make bench`."""

import math
import os
import re
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import func, insert, select, update

from hearings.db import db, now, reading
from hearings.notices.models import Channel, Cursor, Message, MessageState
from hearings.notices.outbox import CLAIM
from tests.conftest import make_app
from tests.server import ROOT, free_port

UNTIL = 600.0
"""Seconds after which a delivery has failed."""
HELD = timedelta(seconds=5)
"""Nobody alive holds a mail so long when the server takes it at once."""


# -- the mail server ---------------------------------------------------------------------------------------


class Sink:
    """A real SMTP server on loopback in a process of its own; it takes everything and notes the Message-IDs."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.file = folder / f"taken-{self.port}"
        self.file.touch()
        self.process = subprocess.Popen([sys.executable, "-m", "tests.mailing", str(self.port), self.file], cwd=ROOT)
        until = time.monotonic() + 20
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.05)

    @property
    def ids(self) -> Counter[str]:
        """How often each Message-ID arrived."""
        return Counter(self.file.read_text().split())

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(10)


@contextmanager
def sinking(folder: Path) -> Iterator[Sink]:
    """A mail server for the length of a block."""
    sink = Sink(folder)
    try:
        yield sink
    finally:
        sink.stop()


def _serve(port: int, file: Path) -> None:
    """The server's process."""
    import asyncio

    from aiosmtpd.smtp import SMTP

    notes = file.open("a", buffering=1)

    class Taker:
        async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
            found = re.search(rb"(?im)^message-id:\s*(<[^>]+>)", envelope.content)  # type: ignore[attr-defined]
            notes.write(found[1].decode() + "\n" if found else "none\n")
            return "250 taken"

    async def serve() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: SMTP(Taker(), loop=loop), "127.0.0.1", port)
        await server.serve_forever()

    asyncio.run(serve())


# -- the house that sends ----------------------------------------------------------------------------------


def house(url: str, folder: Path, count: int) -> Flask:
    """A migrated house with so many mails waiting, none of them held back by night."""
    app = make_app(url, folder)
    with app.app_context():
        upgrade()
        fill(count)
    return app


def fill(count: int, prefix: str = "k") -> None:
    """So many mails to different people, as the worker would find them. Commits."""
    rows = [
        {
            "key": f"{prefix}{n}",
            "kind": "test",
            "channel": Channel.MAIL,
            "address": f"p{n}@example.org",
            "subject": f"第{n}件：请于周五前答复",
            "text": "贵单位主办的承诺事项将于周五到期，请核对进展并上传现场照片。",
            "urgent": True,
        }
        for n in range(count)
    ]
    if rows:
        db.session.execute(insert(Message), rows)
    db.session.commit()


def worker(url: str, folder: Path, port: int, *options: str) -> "subprocess.Popen[bytes]":
    """`flask worker` as an operator starts it."""
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


def begun(app: Flask) -> bool:
    """Whether a worker has made its first round."""
    with app.app_context():
        found = db.session.scalar(select(func.count()).select_from(Cursor))
        db.session.remove()
    return bool(found)


def left(app: Flask) -> int:
    """How many mails wait, claimed ones too."""
    with app.app_context(), reading():
        count = db.session.scalar(
            select(func.count()).select_from(Message).where(Message.state == MessageState.WAITING)
        )
        db.session.remove()
    return count or 0


def orphaned(app: Flask) -> int:
    """Let the claims that are older than `HELD` run out now, which takes minutes otherwise. Returns how many."""
    with app.app_context():
        found = db.session.execute(
            update(Message)
            .where(
                Message.state == MessageState.WAITING,
                Message.claimed_until > now(),
                Message.claimed_until < now() + CLAIM - HELD,
            )
            .values(claimed_until=now())
        )
        db.session.commit()
        db.session.remove()
    return int(found.rowcount)  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Delivery:
    """What a delivery came to."""

    count: int
    seconds: float
    """From the first mail that arrived to the last that was sent by workers of their own accord."""
    kills: int
    orphans: int
    """Mails that killed workers held; their claims were let run out at the end."""
    lost: int
    """Message-IDs that never arrived, and mails that still wait."""
    twice: int
    """Mails that arrived more often than once, each repeat counted."""
    unmarked: int
    """Repeats that the record does not show as "perhaps twice"."""

    @property
    def per_second(self) -> float:
        return self.count / self.seconds


def deliver(
    url: str, app: Flask, folder: Path, *, workers: int, kill_every: float = math.inf, kill_after: float = math.inf
) -> Delivery:
    """Have so many workers send all that waits, one of them killed every so many seconds (or every so many mails
    that arrived, on a machine that may be busy) and started again.

    Raises TimeoutError when it takes longer than `UNTIL`.
    """
    count = left(app)
    kills = orphans = 0
    with sinking(folder) as sink:
        running = [worker(url, folder, sink.port) for _ in range(workers)]
        until = time.monotonic() + UNTIL
        try:
            while not sink.file.stat().st_size:
                _pause(until)
            start = last = time.monotonic()
            mark = 0
            while (waiting := left(app)) > kills:
                if time.monotonic() - last >= kill_every or count - waiting - mark >= kill_after:
                    place = kills % workers
                    running[place].kill()
                    running[place].wait()
                    running[place] = worker(url, folder, sink.port)
                    kills, last, mark = kills + 1, time.monotonic(), count - waiting
                _pause(until)
            seconds = time.monotonic() - start
            while waiting:
                orphans += orphaned(app)
                _pause(until)
                waiting = left(app)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(20)
        taken = sink.ids
    with app.app_context():
        known = {
            str(row.message_id): row.maybe_twice
            for row in db.session.execute(
                select(Message.message_id, Message.maybe_twice).where(Message.state == MessageState.SENT)
            )
        }
        db.session.remove()
        db.engine.dispose()
    repeated = {id_: times - 1 for id_, times in taken.items() if times > 1}
    return Delivery(
        count=count,
        seconds=seconds,
        kills=kills,
        orphans=orphans,
        lost=max(count - len(known.keys() & taken.keys()), 0),
        twice=sum(repeated.values()),
        unmarked=sum(not known.get(id_) for id_ in repeated),
    )


def _pause(until: float) -> None:
    if time.monotonic() > until:
        raise TimeoutError("the mails have not all been sent")
    time.sleep(0.1)


if __name__ == "__main__":
    _serve(int(sys.argv[1]), Path(sys.argv[2]))
