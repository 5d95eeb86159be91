"""500 calendars polled within a minute on two workers, while somebody reads lists as before.

The server as `make run` starts it, with its worker. Subscribers are programs: each opens a connection of its own, most
of them send the ETag they know, a fifth reads for the first time. All along, idle too, somebody writes now and then, so
no version stays the newest for long; and no calendar was read within the last hour, so each reading is noted.
Idle and busy take turns, for the machine may change meanwhile. Part of `make bench`; alone:
`make bench PART=subscribers`.
"""

import http.client
import itertools
import multiprocessing
import random
import statistics
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from sqlalchemy import select, update

from config import Config
from hearings import create_app
from hearings.calendars import operations as calendars
from hearings.calendars.models import CalendarFeed, FeedKind
from hearings.db import db, now
from hearings.notices import news
from hearings.people.models import Department, User
from hearings.permissions import Role
from tests.benchmarks import data, load
from tests.benchmarks.figures import note
from tests.server import serving

SIZE = (500, 20_000, 30_000)
STAFF, LEADERS = 8, 20
"""People of each of the 25 departments, and leaders: with 60 deputies they have 500 calendars."""
TURNS, BUSY, IDLE = 4, 15.0, 6.0
"""Turns of idle and busy, and seconds of each; all busy turns are a minute."""
NEW = 0.2
"""Share of subscribers that read for the first time."""
WRITE_EVERY, READ_EVERY = 3.0, 0.1
"""Seconds between two writes, and between three lists and the next three."""
AGENTS = ("iOS/17.5 (21F79) dataaccessd/1.0", "Microsoft Office/16.0", "Mozilla/5.0 Thunderbird/128.3", "ICSx5/2.3")


class Answer(NamedTuple):
    """One reading of a calendar."""

    seconds: float
    status: int
    size: int
    etag: str


def main() -> None:
    """Note the lists' 95 % beside the idle one, for each database."""
    for database in data.DATABASES:
        with tempfile.TemporaryDirectory(prefix="bench") as scratch:
            folder = Path(scratch)
            url = data.address(database, folder)
            hub, tokens = _arranged(url, folder)
            with serving(url, folder, HEARINGS_WORKER="1") as server:
                _measure(database, url, folder, server.port, hub, tokens)


def _arranged(url: str, folder: Path) -> tuple[int, list[str]]:
    """(an evening in session, the secrets of 500 calendars)."""
    config = Config()
    config.DATABASE_URL, config.INSTANCE = url, str(folder)
    app = create_app(config)
    with app.app_context():
        db.create_all()
        hub = data.fill(*SIZE)["hub"]
        tokens = []
        for office in db.session.scalars(select(Department)).all():
            for n in range(STAFF):
                clerk = _person(f"s{office.id}-{n}", Role.DEPARTMENT, office)
                tokens += [calendars.subscribe(k, actor=clerk)[1] for k in (FeedKind.PERSONAL, FeedKind.DEPARTMENT)]
        for n in range(LEADERS):
            leader = _person(f"l{n}", Role.LEADER)
            tokens += [calendars.subscribe(k, actor=leader)[1] for k in (FeedKind.PERSONAL, FeedKind.DISTRICT)]
        for deputy in db.session.scalars(select(User).where(User.username.like("d%"), User.department_id.is_(None))):
            tokens.append(calendars.subscribe(FeedKind.PERSONAL, actor=deputy)[1])
        news.skip()
        db.session.commit()
        db.session.remove()
        db.engine.dispose()
    return hub, tokens


def _person(username: str, role: Role, office: Department | None = None) -> User:
    """Somebody who only subscribes: no password is worked out."""
    person = User(username=username, name=username, department=office, password="-", fs_uniquifier=username)
    person.set_roles({role})
    db.session.add(person)
    db.session.flush()
    return person


def _measure(database: str, url: str, folder: Path, port: int, hub: int, tokens: list[str]) -> None:
    dice = random.Random(5)
    dice.shuffle(tokens)
    known = {token: _read(port, token, "").etag for token in tokens if dice.random() >= NEW}
    _unread(url, folder)
    cookie, csrf = load.sign_in(port, "organiser")
    reader = load.Reader(port, cookie)
    reader.lists(lambda n: n >= 60)
    idle: list[float] = []
    busy: list[float] = []
    answers: list[Answer] = []
    late: list[float] = []
    share = len(tokens) // TURNS
    with _writing(port, cookie, csrf, folder, hub):
        for turn in range(TURNS):
            until = time.monotonic() + IDLE
            idle += reader.lists(lambda _n, end=until: time.monotonic() >= end, pause=READ_EVERY)  # type: ignore[misc]
            wanted = [(token, known.get(token, "")) for token in tokens[turn * share : (turn + 1) * share]]
            out: multiprocessing.Queue[tuple[list[Answer], list[float]]] = multiprocessing.Queue()
            subscribers = multiprocessing.Process(target=_subscribers, args=(port, wanted, dice.random(), out))
            until = time.monotonic() + BUSY
            subscribers.start()
            busy += reader.lists(lambda _n, end=until: time.monotonic() >= end, pause=READ_EVERY)  # type: ignore[misc]
            found, behind = out.get()
            answers, late = answers + found, late + behind
            subscribers.join()
    codes = Counter(answer.status for answer in answers)
    assert codes.keys() <= {200, 304}, codes
    before, during = load.p95(idle), load.p95(busy)
    label = f"{database}: lists, p95 {before * 1000:.1f} ms idle, {during * 1000:.1f} ms with subscribers"
    note(label, during / before, most=1.5)
    note(f"{database}: the same, medians", statistics.median(busy) / statistics.median(idle))
    times = [answer.seconds * 1000 for answer in answers]
    sizes = [answer.size for answer in answers if answer.status == 200]
    print(
        f"      {len(idle)} lists idle, {len(busy)} with subscribers; {codes[200]} calendars sent whole (up to "
        f"{max(sizes) / 1024:.0f} KB), {codes[304]} unchanged; p50 {statistics.median(times):.1f} ms, p95 "
        f"{load.p95(times):.1f} ms; the latest asked {max(late) * 1000:.0f} ms after its time"
    )


def _read(port: int, token: str, etag: str) -> Answer:
    """As a calendar program does: a connection for each reading."""
    begun = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"User-Agent": AGENTS[sum(token.encode()) % len(AGENTS)], "Accept": "text/calendar"}
    if etag:
        headers["If-None-Match"] = etag
    connection.request("GET", f"/cal/{token}/calendar.ics", headers=headers)
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return Answer(time.perf_counter() - begun, answer.status, len(body), answer.headers["ETag"] or "")


def _subscribers(
    port: int,
    wanted: list[tuple[str, str]],
    seed: float,
    out: "multiprocessing.Queue[tuple[list[Answer], list[float]]]",
) -> None:
    """A process of their own: each asks at a moment of its own, whether the others have been answered or not."""
    dice = random.Random(seed)
    begun = time.monotonic()
    answers: list[Answer] = []
    late: list[float] = []

    def one(token: str, etag: str, at: float) -> None:
        time.sleep(max(0.0, begun + at - time.monotonic()))
        late.append(time.monotonic() - begun - at)
        answers.append(_read(port, token, etag))

    threads = [threading.Thread(target=one, args=(*each, dice.random() * BUSY)) for each in wanted]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == len(wanted), "somebody was not answered"
    out.put((answers, late))


def _unread(url: str, folder: Path) -> None:
    """As if each calendar had been read two hours ago."""
    config = Config()
    config.DATABASE_URL, config.INSTANCE = url, str(folder)
    with create_app(config).app_context():
        db.session.execute(update(CalendarFeed).values(read_at=now() - timedelta(hours=2)))
        db.session.commit()
        db.session.remove()
        db.engine.dispose()


@contextmanager
def _writing(port: int, cookie: str, csrf: str, folder: Path, hub: int) -> Iterator[None]:
    """Somebody logs an issue every few seconds for the length of a block."""
    stop = threading.Event()
    codes: list[int] = []

    def write() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Cookie": cookie, "Content-Type": "application/x-www-form-urlencoded"}
        for n in itertools.count():
            if stop.wait(WRITE_EVERY):
                return
            (form_id,) = load.form_ids(folder, 1, 1, f"sub{n}-")
            form = {"csrf_token": csrf, "form_id": form_id, "category": "other"}
            form["statement"] = f"第{n}位居民反映：楼下的路灯坏了，晚上看不清路。"
            connection.request("POST", f"/hearings/{hub}/issues/new", urlencode(form), headers)
            answer = connection.getresponse()
            answer.read()
            codes.append(answer.status)

    thread = threading.Thread(target=write)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
    assert codes, "nothing was written"
    assert set(codes) == {303}, codes
