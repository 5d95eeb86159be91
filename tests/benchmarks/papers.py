"""Papers: our export beside bare WeasyPrint, downloads beside rendering, growth, memory, and ten at once.

Part of `make bench`; alone: `make bench PART=papers`. Ratios of one run are the point.
"""

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

from config import Config, TestConfig
from hearings import create_app
from hearings.db import db, now, today
from hearings.documents import fonts, pdf
from hearings.issues import operations as issues
from hearings.issues.models import ExchangeKind
from hearings.minutes import operations as minutes
from hearings.people import operations as people
from hearings.people.models import Department, User
from hearings.schedule import operations as schedule
from hearings.schedule.models import Station
from tests.benchmarks import data, load
from tests.benchmarks.figures import note
from tests.documents.sample import minutes as sample
from tests.server import serving

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
EXPORTS, EACH = 10, 3
"""People, and papers of each."""
ITEMS = 60
IDLE = 600


def main() -> None:
    """Note each figure."""
    _beside_bare()
    _growth()
    _memory()
    _served()
    pdf.close()


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
    note(f"ours {mine:.2f} s over bare WeasyPrint {other:.2f} s", mine / other, most=1.15)


def _growth() -> None:
    """Small and large in turn, medians."""
    small, large = sample(10), sample(100)
    pdf.render("minutes", small)
    pairs = [
        (_seconds(lambda: pdf.render("minutes", small)), _seconds(lambda: pdf.render("minutes", large)))
        for _ in range(3)
    ]
    one, ten = (statistics.median(times) for times in zip(*pairs, strict=True))
    note(f"10 items {one:.2f} s, 100 items {ten:.2f} s", ten / one, most=12)


def _memory() -> None:
    """The most that a fresh child ever held, by the kernel's count."""
    fontset = pdf._fontset(None)
    held = pdf._Child(fontset)
    held.ask(pdf.to_html("minutes", sample(200), fontset), {})
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{held.process.pid}/status").read_text())
    held.end()
    assert found
    peak = int(found[1]) / 1024
    note("200 items, peak of the child", peak, "MB", most=400)


# -- over HTTP -----------------------------------------------------------------------------------------


def _arranged(url: str, folder: Path) -> tuple[list[int], int, float]:
    """(hearings with drafts of 60 items, one whose minutes are published, seconds to render those)."""
    config = Config()
    config.DATABASE_URL, config.INSTANCE = url, str(folder)
    config.ORGANISATION, config.OFFICE_NAME = (
        TestConfig.ORGANISATION,
        TestConfig.OFFICE_NAME,
    )  # nothing is issued without
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
        signed: dict[str, Any] = {"issued_by": "张某某", "issued_on": today()}
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


def _served() -> None:
    with tempfile.TemporaryDirectory(prefix="bench") as scratch:
        url = f"sqlite:///{Path(scratch) / 'bench.db'}"
        if fonts.FONTS_DIR.exists():
            (Path(scratch) / "fonts").symlink_to(fonts.FONTS_DIR.resolve())
        drafts, published, rendering = _arranged(url, Path(scratch))
        pdf.close()
        named = {"HEARINGS_ORGANISATION": TestConfig.ORGANISATION, "HEARINGS_OFFICE_NAME": TestConfig.OFFICE_NAME}
        with serving(url, Path(scratch), **named) as server:
            cookie, _token = load.sign_in(server.port, "organiser")
            reader = load.Reader(server.port, cookie)
            path = f"/hearings/{published}/minutes.pdf"
            first = reader.get(path)[1]
            assert first.status == 200
            download = statistics.median(reader.get(path)[0] for _ in range(40))
            note(f"rendering {rendering:.2f} s over download {download * 1000:.1f} ms", rendering / download, least=50)
            known = [reader.get(path, **{"If-None-Match": first.headers["ETag"]}) for _ in range(40)]
            assert {answer.status for _s, answer in known} == {304}
            note("known ETag: 304", statistics.median(seconds for seconds, _a in known) * 1000, "ms")
            spare = drafts.pop()
            for _ in range(4):  # both workers have started their children
                reader.get(f"/hearings/{spare}/minutes/preview.pdf")
            preview = [reader.get(f"/hearings/{drafts.pop()}/minutes/preview.pdf")[0] for _ in range(3)]
            note(f"preview of {ITEMS} items, not seen before", statistics.median(preview), "s", most=2)
            _ten_at_once(server.port, cookie, drafts)


def _ten_at_once(port: int, cookie: str, drafts: list[int]) -> None:
    """Ten people export three papers each, while somebody reads lists as before.

    All of the reading counts, from the first paper asked for to the last that came. Read idly before and after, since
    the machine may have changed meanwhile.
    """
    lists = load.Reader(port, cookie)
    lists.lists(lambda n: n >= 60)
    idle = lists.lists(lambda n: n >= IDLE // 2)
    took: list[float] = []

    def export(person: int) -> None:
        reader = load.Reader(port, cookie)
        for paper in range(EACH):  # another each time: the last few are kept
            hearing = drafts[(person + 3 * paper) % len(drafts)]
            seconds, answer = reader.get(f"/hearings/{hearing}/minutes/preview.pdf")
            assert answer.status == 200
            took.append(seconds)

    people_ = [threading.Thread(target=export, args=(n,)) for n in range(EXPORTS)]
    for person in people_:
        person.start()
    busy = lists.lists(lambda n: not any(p.is_alive() for p in people_))
    for person in people_:
        person.join()
    idle += lists.lists(lambda n: n >= IDLE // 2)
    before, during = load.p95(idle), load.p95(busy)
    label = f"lists, p95 {before * 1000:.1f} ms idle, {during * 1000:.1f} ms while ten export"
    note(label, during / before, most=2)
    middle = statistics.median(busy) / statistics.median(idle)
    note("the same, medians", middle)
    print(
        f"    a paper took {min(took):.1f} to {max(took):.1f} s, {len(busy)} lists were read meanwhile, {len(idle)} idly"
    )
