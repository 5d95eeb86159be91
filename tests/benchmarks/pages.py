"""The pages people open most, beside a bare Flask "hello" under the same server and workers.

Ratios are the point; absolute figures are this machine's. Hello, the small office and the large one are asked in turns of
a few tenths of a second: a machine that others share may be twice as fast a minute later, and what was measured in
another minute is nothing to compare with.
"""

import contextlib
import functools
import os
import re
import runpy
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from flask import Flask
from sqlalchemy import make_url

from config import Config
from hearings import create_app
from hearings.db import db
from tests.benchmarks import data, load
from tests.benchmarks.figures import note

HELLO = 'from flask import Flask\napp = Flask(__name__)\n@app.get("/")\ndef hello():\n    return "hello"\n'
ROOT = Path(__file__).resolve().parents[2]
CONF = ROOT / "gunicorn.conf.py"
SAME = ("workers", "worker_class", "threads", "keepalive", "loglevel", "control_socket_disable", "preload_app")
"""What hello's server is given of ours; the rest of our file concerns the database."""
LIMITS = {"list": 30, "hub": 30, "front": 30, "search": 50, "write": 25}
"""hello's requests/s over ours, at most; nothing was asked of others."""
ROUNDS, TURN = 9, 0.4
"""Turns of hello and of the page in each office, and seconds of each."""
HELLO_PORT = 5730
SIZES = {"small": (5731, (60, 1_000, 1_500)), "large": (5732, (2_000, 100_000, 150_000))}
"""Port; hearings, issues, commitments. Enough hearings to fill a page of their list in both."""


@contextlib.contextmanager
def server(port: int, module: str, env: dict[str, str], cwd: Path, conf: Path) -> Iterator[tuple[float, int]]:
    """gunicorn as `make run` starts it; yields the seconds until the first answer, and the process."""
    start = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "-c", str(conf), "-b", f"127.0.0.1:{port}", module],
        cwd=cwd,
        env={**os.environ, "HEARINGS_WORKER": "0", **env, "PORT": str(port), "PYTHONPATH": str(cwd)},
    )
    try:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5).read()
                break
            except urllib.error.HTTPError:
                break
            except OSError:
                if process.poll() is not None or time.perf_counter() - start > 30:
                    raise
                time.sleep(0.02)
        yield time.perf_counter() - start, process.pid
    finally:
        process.terminate()
        process.wait(15)


def prepared(url: str, folder: Path, size: tuple[int, int, int]) -> dict[str, int]:
    config = Config()
    config.DATABASE_URL, config.INSTANCE = url, str(folder)
    app: Flask = create_app(config)
    with app.app_context():
        db.create_all()
        ids = data.fill(*size)
        db.session.remove()
        db.engine.dispose()
    return ids


@dataclass
class Office:
    """A server with a database of one size, and people signed in to it."""

    size: str
    port: int
    pids: list[int]
    """The processes whose children answer: the server, and PostgreSQL."""
    ids: dict[str, int]
    folder: Path
    organiser: str
    csrf: str
    department: str

    def request(self, page: "Page") -> Callable[[int, int], Sequence[bytes]]:
        """What a client sends for a page: (turn, process) → the bytes of its requests."""
        sent = load.get(page.path.format(**self.ids), getattr(self, page.who))
        return lambda _turn, _process: [sent]

    def writes(self, turn: int, process: int) -> list[bytes]:
        """Issues logged at the big evening, each form sent once."""
        return [
            load.post(
                f"/hearings/{self.ids['hub']}/issues/new",
                urlencode(
                    {
                        "csrf_token": self.csrf,
                        "form_id": form_id,
                        "statement": f"第{n}位居民反映：楼下的路灯坏了，晚上看不清路。",
                        "category": "other",
                        "client_id": f"{turn}-{process}-{n}",
                    }
                ),
                self.organiser,
            )
            for n, form_id in enumerate(load.form_ids(self.folder, 1, 1000, f"b{turn}-{process}-"))
        ]


@dataclass(frozen=True)
class Page:
    """What is asked, by whom, and which limit holds for it."""

    label: str
    kind: str
    path: str
    who: str = "organiser"


PAGES = (
    Page("list /hearings/", "list", "/hearings/"),
    Page("list /hearings/calendar", "list", "/hearings/calendar"),
    Page("list /issues/", "list", "/issues/"),
    Page("list /commitments/", "list", "/commitments/"),
    Page("list /issues/ (department)", "list", "/issues/", "department"),
    Page(f"search {data.RARE} (rare)", "search", f"/search?q={quote(data.RARE)}"),
    Page("search 停车 (common)", "search", f"/search?q={quote('停车')}"),
    Page("hub", "hub", "/hearings/{hub}"),
    Page("session screen", "other", "/hearings/{hub}/session"),
    Page("issue", "other", "/issues/{issue}"),
    Page("front page", "front", "/"),
    Page("front page (department)", "front", "/", "department"),
)


def cpu_of(parents: Iterable[int]) -> float:
    """Seconds that these processes' children have worked so far."""
    total = 0
    for parent in parents:
        children = subprocess.run(["pgrep", "-P", str(parent)], capture_output=True, text=True, check=False)
        for pid in children.stdout.split():
            for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                with contextlib.suppress(OSError):
                    total += int(thread.read_text().split()[0])
    return total / 1e9


def beside(
    name: str,
    label: str,
    kind: str,
    hello_pid: int,
    asked: Sequence[tuple[Office, Callable[[int, int], Sequence[bytes]]]],
) -> None:
    """Measure a page of both offices in turns with hello, and note its share and how it grew: medians of the turns.

    The growth is of CPU time (servers and database, per request), which does not depend on who else is busy.
    """

    def hello(_process: int) -> Sequence[bytes]:
        return [load.get("/")]

    rates: dict[str, list[load.Result]] = {"hello": [], **{office.size: [] for office, _sends in asked}}
    work: dict[str, list[float]] = {size: [] for size in rates}

    def turn(size: str, port: int, pids: Sequence[int], sends: Callable[[int], Sequence[bytes]]) -> None:
        mark = cpu_of(pids)
        rates[size].append(load.run(port, sends, TURN))
        work[size].append((cpu_of(pids) - mark) / rates[size][-1].count)

    for office, sends in asked:
        load.run(office.port, functools.partial(sends, 0), TURN)  # warm
    for number in range(1, ROUNDS + 1):
        turn("hello", HELLO_PORT, [hello_pid], hello)
        for office, sends in asked if number % 2 else reversed(asked):
            turn(office.size, office.port, office.pids, functools.partial(sends, number))

    def over(values: dict[str, list[Any]], one: str, other: str, value: Callable[[Any], float]) -> float:
        return statistics.median(value(a) / value(b) for a, b in zip(values[one], values[other], strict=True))

    for office, _sends in asked:
        share = over(rates, "hello", office.size, lambda result: result.per_second)
        note(f"{name}, {office.size}, {label}: hello's requests/s over it", share, most=LIMITS.get(kind))
        rate, p50, p95 = (
            statistics.median(getattr(r, figure) for r in rates[office.size]) for figure in ("per_second", "p50", "p95")
        )
        last = rates[office.size][-1]
        print(
            f"      {rate:.1f}/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms, {last.status}, {last.size / 1024:.1f} KB,"
            f" CPU {over(work, office.size, 'hello', float):.1f} times hello's",
            flush=True,
        )
    note(f"{name}, {label}: CPU of the large office over the small one", over(work, "large", "small", float), most=1.5)


def measure(name: str, offices: Sequence[Office], hello_pid: int) -> None:
    """All pages of one kind of database."""
    for page in PAGES:
        beside(name, page.label, page.kind, hello_pid, [(office, office.request(page)) for office in offices])
    beside(name, "write (log an issue)", "write", hello_pid, [(office, office.writes) for office in offices])
    for office in offices:
        _memory(office.port)


@contextlib.contextmanager
def opened(name: str, size: str, home: Path) -> Iterator[Office]:
    """An office filled and served."""
    port, amounts = SIZES[size]
    folder = home / f"{name}-{size}"
    folder.mkdir()
    url = data.address(name, folder)
    start = time.perf_counter()
    ids = prepared(url, folder, amounts)
    print(f"{name}, {amounts[1]} issues: filled in {time.perf_counter() - start:.0f} s", flush=True)
    env = {"HEARINGS_DATABASE_URL": url, "HEARINGS_INSTANCE": str(folder)}
    with server(port, "wsgi:app", env, ROOT, CONF) as (cold, pid):
        print(f"{name}, {amounts[1]} issues: first answer after {cold:.2f} s", flush=True)
        organiser, csrf = load.sign_in(port, "organiser")
        department, _csrf = load.sign_in(port, "department")
        yield Office(size, port, [pid, *_postmaster(url)], ids, folder, organiser, csrf, department)


def _postmaster(url: str) -> list[int]:
    """The database server, whose children answer; SQLite works in our own."""
    if url.startswith("sqlite"):
        return []
    home = make_url(url).query["host"]
    return [int(Path(str(home), "data", "postmaster.pid").read_text().split()[0])]


def _memory(port: int) -> None:
    """What the workers hold (proportional set size, so that shared pages are counted once)."""
    found = subprocess.run(["pgrep", "-f", f"127.0.0.1:{port}"], capture_output=True, text=True, check=False)
    for pid in found.stdout.split():
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text()
            sizes = {k: int(v) // 1024 for k, v in re.findall(r"^(Rss|Pss):\s+(\d+)", lines, re.MULTILINE)}
            print(f"  process {pid}: {sizes.get('Rss')} MB resident, {sizes.get('Pss')} MB proportional")


def main() -> None:
    """Note each page of each size and database."""
    with tempfile.TemporaryDirectory(prefix="bench") as scratch:
        home = Path(scratch)
        (home / "hello").mkdir()
        (home / "hello" / "hello.py").write_text(HELLO)
        same = {k: v for k, v in runpy.run_path(str(CONF)).items() if k in SAME}
        (home / "hello" / "conf.py").write_text("".join(f"{k} = {v!r}\n" for k, v in same.items()))
        with server(HELLO_PORT, "hello:app", {}, home / "hello", home / "hello" / "conf.py") as (_cold, hello):
            for name in data.DATABASES:
                with contextlib.ExitStack() as stack:
                    measure(name, [stack.enter_context(opened(name, size, home)) for size in SIZES], hello)
