"""The pages people open most, beside a bare Flask "hello" under the same server and workers.

Ratios are the point; absolute figures are this machine's. Hello is asked again beside every page, in turns of half a second:
a machine that others share may be twice as fast a minute later, and a hello of another minute is none to compare with.
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
ROUNDS, TURN = 5, 0.5
"""Turns of hello and of the page, and seconds of each."""
HELLO_PORT, PORT = 5730, 5731
LARGE = (2_000, 100_000, 150_000)
SMALL = (60, 1_000, 1_500)
"""Hearings, issues, commitments; enough hearings to fill a page of their list in both."""


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


@dataclass(frozen=True)
class Beside:
    """A page beside hello: medians of the turns."""

    share: float
    """hello's requests/s over the page's."""
    work: float
    """The page's CPU time over hello's: servers and database, per request. Does not depend on who else is busy."""


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
    label: str, kind: str, hello_pid: int, pids: Sequence[int], requests: Callable[[int, int], Sequence[bytes]]
) -> Beside:
    """Measure a page in turns with hello and note it; `requests(turn, process)` gives the bytes to send."""

    def hello(_process: int) -> Sequence[bytes]:
        return [load.get("/")]

    turns: list[tuple[load.Result, load.Result]] = []
    work: list[float] = []
    load.run(PORT, lambda process: requests(0, process), TURN)  # warm
    for turn in range(1, ROUNDS + 1):
        marks = [cpu_of([hello_pid]), cpu_of(pids)]
        turns.append((load.run(HELLO_PORT, hello, TURN), load.run(PORT, functools.partial(requests, turn), TURN)))
        spent = [cpu_of([hello_pid]) - marks[0], cpu_of(pids) - marks[1]]
        work.append(spent[1] / turns[-1][1].count / (spent[0] / turns[-1][0].count))
    found = Beside(statistics.median(h.per_second / p.per_second for h, p in turns), statistics.median(work))
    rate, p50, p95 = (statistics.median(getattr(p, name) for _h, p in turns) for name in ("per_second", "p50", "p95"))
    last = turns[-1][1]
    note(f"{label}: hello's requests/s over it", found.share, most=LIMITS.get(kind))
    print(
        f"      {rate:.1f}/s, p50 {p50:.1f} ms, p95 {p95:.1f} ms, {last.status}, {last.size / 1024:.1f} KB,"
        f" CPU {found.work:.1f} times hello's",
        flush=True,
    )
    return found


def measure(name: str, url: str, folder: Path, ids: dict[str, int], hello_pid: int) -> dict[str, Beside]:
    """All pages of one database."""
    env = {"HEARINGS_DATABASE_URL": url, "HEARINGS_INSTANCE": str(folder)}
    out: dict[str, Beside] = {}
    with server(PORT, "wsgi:app", env, ROOT, CONF) as (cold, pid):
        pids = [pid, *_postmaster(url)]
        print(f"{name}: first answer after {cold:.2f} s")
        cookie, csrf = load.sign_in(PORT, "organiser")
        department, _ = load.sign_in(PORT, "department")
        pages = {
            "list /hearings/": ("list", "/hearings/", cookie),
            "list /hearings/calendar": ("list", "/hearings/calendar", cookie),
            "list /issues/": ("list", "/issues/", cookie),
            "list /commitments/": ("list", "/commitments/", cookie),
            "list /issues/ (department)": ("list", "/issues/", department),
            f"search {data.RARE} (rare)": ("search", f"/search?q={quote(data.RARE)}", cookie),
            "search 停车 (common)": ("search", f"/search?q={quote('停车')}", cookie),
            "hub": ("hub", f"/hearings/{ids['hub']}", cookie),
            "session screen": ("other", f"/hearings/{ids['hub']}/session", cookie),
            "issue": ("other", f"/issues/{ids['issue']}", cookie),
            "front page": ("front", "/", cookie),
            "front page (department)": ("front", "/", department),
        }
        for label, (kind, path, who) in pages.items():
            request = load.get(path, who)
            out[label] = beside(f"{name}, {label}", kind, hello_pid, pids, lambda _turn, _process, r=request: [r])  # type: ignore[misc]

        def writes(turn: int, process: int) -> list[bytes]:
            return [
                load.post(
                    f"/hearings/{ids['hub']}/issues/new",
                    urlencode(
                        {
                            "csrf_token": csrf,
                            "form_id": form_id,
                            "statement": f"第{n}位居民反映：楼下的路灯坏了，晚上看不清路。",
                            "category": "other",
                            "client_id": f"{turn}-{process}-{n}",
                        }
                    ),
                    cookie,
                )
                for n, form_id in enumerate(load.form_ids(folder, 1, 1000, f"b{turn}-{process}-"))
            ]

        out["write (log an issue)"] = beside(f"{name}, write (log an issue)", "write", hello_pid, pids, writes)
        _memory(PORT)
    return out


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
        results: dict[str, Any] = {}
        for name in data.DATABASES:
            for size_name, size in (("small", SMALL), ("large", LARGE)):
                folder = home / f"{name}-{size_name}"
                folder.mkdir()
                url = data.address(name, folder)
                start = time.perf_counter()
                ids = prepared(url, folder, size)
                print(f"{name}, {size[1]} issues: filled in {time.perf_counter() - start:.0f} s")
                with server(HELLO_PORT, "hello:app", {}, home / "hello", home / "hello" / "conf.py") as (_, hello):
                    results[f"{name}-{size_name}"] = measure(f"{name}, {size[1]} issues", url, folder, ids, hello)
            small, large = results[f"{name}-small"], results[f"{name}-large"]
            for label in large:
                grown = large[label].work / small[label].work
                note(f"{name}, {label}: CPU at {LARGE[1]} issues over {SMALL[1]}", grown, most=1.5)
