"""Papers: our export beside bare WeasyPrint, downloads beside rendering, growth, memory, and ten at once.

Part of `make bench`; alone: `python -m tests.benchmarks.documents`. Ratios of one run are the point.
"""

import http.client
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import select

from config import Config
from hearings import create_app
from hearings.db import db, now
from hearings.documents import fonts, pdf
from hearings.issues import operations as issues
from hearings.issues.models import ExchangeKind
from hearings.minutes import operations as minutes
from hearings.people import operations as people
from hearings.people.models import Department, User
from hearings.schedule import operations as schedule
from hearings.schedule.models import Station
from tests.benchmarks import data
from tests.documents.sample import minutes as sample

BARE = """
import sys
from weasyprint import HTML, LOGGER
from weasyprint.text.fonts import FontConfiguration
LOGGER.handlers = []
LOGGER.propagate = False
html, fonts = open(sys.argv[1], encoding="utf-8").read(), FontConfiguration()
for line in sys.stdin:
    made = HTML(string=html, base_url="paper:").write_pdf(font_config=fonts, pdf_variant="pdf/a-3a", pdf_tags=True)
    print(len(made), flush=True)
"""
PORT = 5732
EXPORTS = 10
ITEMS = 60


def main() -> None:
    """Print a line for each figure and what was asked of it."""
    print(f"papers (load average {os.getloadavg()[0]:.1f})")
    _beside_bare()
    _growth()
    _memory()
    _served()
    pdf.close()


def _say(label: str, value: float, unit: str, limit: str, kept: bool) -> None:
    print(f"  {label:52} {value:8.2f} {unit:3} (asked {limit}) {'ok' if kept else 'NOT REACHED'}")


def _seconds(act: Any) -> float:
    begun = time.perf_counter()
    act()
    return time.perf_counter() - begun


def _beside_bare() -> None:
    """The same HTML and CSS, warm, in a process each; turn by turn, so that the machine's moods meet both."""
    paper = sample(30)
    html = pdf.to_html("minutes", paper, fonts.prepare())
    with tempfile.NamedTemporaryFile("w", suffix=".html", encoding="utf-8") as file:
        file.write(html)
        file.flush()
        bare = subprocess.Popen(
            [sys.executable, "-c", BARE, file.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"FONTCONFIG_FILE": str(fonts.prepare().config)},
        )
        assert bare.stdin
        assert bare.stdout

        def theirs() -> None:
            bare.stdin.write(b"\n")  # type: ignore[union-attr]
            bare.stdin.flush()  # type: ignore[union-attr]
            assert bare.stdout.readline().strip()  # type: ignore[union-attr]

        def ours() -> None:
            pdf.render("minutes", paper)

        for act in (ours, theirs, ours, theirs):
            act()
        pairs = [(_seconds(ours), _seconds(theirs)) for _ in range(7)]
        bare.stdin.close()
        bare.wait()
    mine, other = (statistics.median(times) for times in zip(*pairs, strict=True))
    _say(f"ours {mine:.2f} s over bare WeasyPrint {other:.2f} s", mine / other, "×", "≤ 1.15", mine / other <= 1.15)


def _growth() -> None:
    """Small and large in turn, medians."""
    small, large = sample(10), sample(100)
    pdf.render("minutes", small)
    pairs = [
        (_seconds(lambda: pdf.render("minutes", small)), _seconds(lambda: pdf.render("minutes", large)))
        for _ in range(3)
    ]
    one, ten = (statistics.median(times) for times in zip(*pairs, strict=True))
    _say(f"10 items {one:.2f} s, 100 items {ten:.2f} s", ten / one, "×", "≤ 12", ten / one <= 12)


def _memory() -> None:
    """The most that a fresh child ever held, by the kernel's count."""
    fontset = pdf._fontset(None)
    held = pdf._Child(fontset)
    held.ask(pdf.to_html("minutes", sample(200), fontset), {})
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{held.process.pid}/status").read_text())
    held.end()
    assert found
    peak = int(found[1]) / 1024
    _say("200 items, peak of the child", peak, "MB", "< 400", peak < 400)


# -- over HTTP -----------------------------------------------------------------------------------------


def _arranged(url: str, folder: Path) -> tuple[list[int], int, float]:
    """(hearings with drafts of 60 items, one whose minutes are published, seconds to render those)."""
    config = Config()
    config.DATABASE_URL, config.INSTANCE = url, str(folder)
    app = create_app(config)
    with app.app_context():
        db.create_all()
        data.fill(200, 2_000, 3_000)
        organiser = db.session.scalars(select(User).where(User.username == "organiser")).one()
        colleague = people.create_user(
            username="colleague", name="钱某某", roles=["organiser"], password=data.PASSWORD, actor=None
        )
        drafts = [_evening(n, organiser) for n in range(EXPORTS + 5)]
        published = drafts.pop()
        paper = minutes.latest(published)
        assert paper
        minutes.review(paper, actor=colleague)
        signed: dict[str, Any] = {"issued_by": "张某某", "issued_on": now().date()}
        final = minutes.to_print(paper, **signed)
        pdf.render("minutes", final)
        rendering = statistics.median(_seconds(lambda: pdf.render("minutes", final)) for _ in range(3))
        minutes.publish(paper, **signed, actor=organiser)
        db.session.commit()
        ids = [hearing.id for hearing in drafts]
        number = published.id
        db.session.remove()
        db.engine.dispose()
    return ids, number, rendering


def _evening(number: int, actor: User) -> Any:
    station = db.session.scalars(select(Station).limit(1)).one()
    offices = db.session.scalars(select(Department).limit(10)).all()
    deputy = db.session.scalars(select(User).where(User.username == "d0")).one()
    starts = now() - timedelta(hours=2)
    hearing = schedule.draft_hearing(
        title=f"第{number}个要写纪要的晚上",
        station=station,
        starts_at=starts,
        ends_at=starts + timedelta(hours=1),
        actor=actor,
    )
    schedule.add_person(hearing, deputy, actor=actor)
    schedule.announce(hearing, actor=actor)
    schedule.open_session(hearing, actor=actor)
    for n in range(ITEMS):
        issue = issues.log_issue(
            hearing,
            statement=f"第{n}个问题：铁路桥下长期堆物，夜间无灯，居民走路不安全。",
            lead_deputy=deputy,
            actor=actor,
        )
        answer = "桥下空间权属已经核清，先清理、后亮灯，一个月内完成，并落实日常管护单位。"
        issues.add_exchange(issue, ExchangeKind.ANSWER, answer, department=offices[n % 10], actor=actor)
        issues.make_commitment(
            issue,
            measure="完成桥下空间清理和照明安装",
            lead=offices[n % 10],
            due_on=now().date() + timedelta(days=30),
            actor=actor,
        )
    schedule.conclude(hearing, actor=actor)
    minutes.draft(hearing, actor=actor)
    db.session.commit()
    return hearing


class _Reader:
    """One keep-alive connection of a signed-in person."""

    def __init__(self, cookie: str) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", PORT, timeout=120)
        self.headers = {"Cookie": cookie, "Accept-Language": "zh-CN"}

    def get(self, path: str, **headers: str) -> tuple[float, Any]:
        begun = time.perf_counter()
        self.connection.request("GET", path, headers=self.headers | headers)
        answer = self.connection.getresponse()
        answer.read()
        return time.perf_counter() - begun, answer


def _lists(reader: _Reader, *, until: Any) -> list[float]:
    times = []
    while not until(len(times)):
        for path in ("/hearings/", "/issues/", "/commitments/"):
            seconds, answer = reader.get(path)
            assert answer.status == 200
            times.append(seconds)
        time.sleep(0.02)
    return times


def _p95(times: list[float]) -> float:
    return statistics.quantiles(times, n=20)[-1]


def _served() -> None:
    from tests.benchmarks.__main__ import CONF, ROOT, server, sign_in  # it runs us

    with tempfile.TemporaryDirectory(prefix="bench") as scratch:
        url = f"sqlite:///{Path(scratch) / 'bench.db'}"
        if fonts.FONTS_DIR.exists():
            (Path(scratch) / "fonts").symlink_to(fonts.FONTS_DIR.resolve())
        drafts, published, rendering = _arranged(url, Path(scratch))
        pdf.close()
        env = {"HEARINGS_DATABASE_URL": url, "HEARINGS_INSTANCE": scratch}
        with server(PORT, "wsgi:app", env, ROOT, CONF):
            cookie, _token = sign_in(PORT, "organiser")
            reader = _Reader(cookie)
            path = f"/hearings/{published}/minutes.pdf"
            first = reader.get(path)[1]
            assert first.status == 200
            times = [reader.get(path)[0] for _ in range(40)]
            download = statistics.median(times)
            _say(
                f"rendering {rendering:.2f} s over download {download * 1000:.1f} ms",
                rendering / download, "×", "≥ 50", rendering / download >= 50,
            )  # fmt: skip
            known = [reader.get(path, **{"If-None-Match": first.headers["ETag"]}) for _ in range(40)]
            assert {answer.status for _s, answer in known} == {304}
            again = statistics.median(seconds for seconds, _a in known)
            _say("known ETag: 304", again * 1000, "ms", "304", True)
            spare = drafts.pop()
            for _ in range(4):  # both workers have started their children
                reader.get(f"/hearings/{spare}/minutes/preview.pdf")
            preview = [reader.get(f"/hearings/{drafts.pop()}/minutes/preview.pdf")[0] for _ in range(3)]
            middle = statistics.median(preview)
            _say(f"preview of {ITEMS} items, not seen before", middle, "s", "< 2", middle < 2)
            _ten_at_once(cookie, drafts)


def _ten_at_once(cookie: str, drafts: list[int]) -> None:
    lists = _Reader(cookie)
    _lists(lists, until=lambda n: n >= 60)
    idle = _lists(lists, until=lambda n: n >= 300)
    took: list[float] = []

    def export(hearing: int) -> None:
        seconds, answer = _Reader(cookie).get(f"/hearings/{hearing}/minutes/preview.pdf")
        assert answer.status == 200
        took.append(seconds)

    people_ = [threading.Thread(target=export, args=(n,)) for n in drafts]
    for person in people_:
        person.start()
    busy = _lists(lists, until=lambda n: not any(p.is_alive() for p in people_))
    for person in people_:
        person.join()
    share = _p95(busy) / _p95(idle)
    _say(
        f"lists, p95 {_p95(idle) * 1000:.1f} ms idle, {_p95(busy) * 1000:.1f} ms while ten export",
        share, "×", "< 2", share < 2,
    )  # fmt: skip
    print(f"    the ten took {min(took):.1f} to {max(took):.1f} s, {len(busy)} lists were read meanwhile")


if __name__ == "__main__":
    main()
