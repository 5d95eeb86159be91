"""Every list and record on A4, as Chromium prints it: whole, inside the margins, heads repeated, every sheet signed."""

import io
import re
import unicodedata
from collections import Counter
from typing import Any

import pdfplumber
import pytest
from playwright.sync_api import Browser as Chromium

from tests.browser import chromium as kit
from tests.server import Server

MM = 72 / 25.4
A4 = (210 * MM, 297 * MM)
SIDE, TOP, BOTTOM = 16 * MM, 18 * MM, 20 * MM
SMALLEST = 7.9
"""Points; a page that is too wide is shrunk by Chromium, and nobody can read it."""

PAPERS = {
    "front page": "/",
    "hearings": "/hearings/",
    "month": "/hearings/calendar?month=2021-03",
    "hearing": "/hearings/{ninth}",
    "participants": "/hearings/{ninth}/participants",
    "topics of a hearing": "/hearings/{ninth}/topics",
    "ballots": "/hearings/{ninth}/ballots",
    "minutes": "/hearings/{ninth}/minutes",
    "session": "/hearings/{tonight}/session",
    "issues": "/issues/",
    "issue": "/issues/{issue}",
    "commitments": "/commitments/?status=all",
    "commitment": "/commitments/{commitment}",
    "look-backs": "/look-backs/",
    "look-back": "/look-backs/{look_back}",
    "confirmations": "/confirmations/?state=answered",
    "stations": "/stations/",
    "station": "/stations/1",
    "topics": "/topics/",
    "departments": "/departments/",
    "people": "/people/",
    "trail": "/audit/",
}
READERS = {"people": "admin", "departments": "admin", "trail": "auditor"}
LONG = ("hearings", "issues", "commitments", "trail", "people")

IN_PRINT = """() => {
  document.querySelectorAll(".visually-hidden, select").forEach((e) => e.remove());
  return document.querySelector("main").innerText;
}"""


RADICALS = str.maketrans(
    "⺁⺟⺠⻁⻄⻅⻆⻉⻋⻌⻓⻔⻘⻙⻚⻛⻜⻝⻢⻣⻤⻥⻦⻧⻨⻩⻬⻮⻰⻳",
    "厂母民虎西见角贝车辶长门青韦页风飞食马骨鬼鱼鸟卤麦黄齐齿龙龟",
)
"""Some characters share their glyph with a radical, and a PDF tells only the glyph; NFKC does not know these."""


def plain(words: str) -> str:
    """Without blanks and dashes, one sign for each character."""
    return re.sub(r"[\s‐-―]", "", unicodedata.normalize("NFKC", words.translate(RADICALS)).replace("戶", "户"))


def drawn(sheet: Any) -> Counter[str]:
    return Counter(plain("".join(c["text"] for c in sheet.chars)))


@pytest.mark.parametrize("paper", PAPERS)
def test_on_paper(paper: str, chromium: Chromium, house: Server, known: dict[str, int], signed_in: Any) -> None:
    profile = kit.context(chromium, house.base, storage_state=signed_in(READERS.get(paper, "organiser")))
    page = profile.new_page()
    trouble = kit.Trouble(page)
    answer = page.goto(PAPERS[paper].format(**known))
    assert answer is not None and answer.status == 200
    page.emulate_media(media="print")
    words = Counter(plain(page.evaluate(IN_PRINT)))
    heads = page.locator("main table thead:visible").first.inner_text().split() if paper in LONG else []
    pdf = page.pdf(prefer_css_page_size=True)
    profile.close()
    assert trouble.take() == []

    with pdfplumber.open(io.BytesIO(pdf)) as sheets:
        on_paper: Counter[str] = Counter()
        for number, sheet in enumerate(sheets.pages, 1):
            assert (sheet.width, sheet.height) == pytest.approx(A4, abs=1)
            body = sheet.crop((0, 0, sheet.width, sheet.height - BOTTOM))
            outside = [c for c in sheet.chars if c["x0"] < SIDE - 1 or c["x1"] > sheet.width - SIDE + 1]
            outside += [c for c in sheet.chars if c["top"] < TOP - 2]
            assert "".join(c["text"] for c in outside) == "", f"sheet {number}"
            assert min((c["size"] for c in body.chars), default=SMALLEST) >= SMALLEST
            foot = plain(sheet.crop((0, sheet.height - BOTTOM, sheet.width, sheet.height)).extract_text())
            assert "北仑区人大常委会办公室" in foot
            assert re.search(r"打印日期:\d{4}年\d+月\d+日", foot)
            assert f"第{number}页,共{len(sheets.pages)}页" in foot
            on_paper += drawn(body)
            if number == 2 and heads:
                second = plain(body.extract_text())
                assert [head for head in heads if head not in second] == []
        assert words - on_paper == Counter(), "words of the page that did not reach the paper"
        if paper in LONG:
            assert len(sheets.pages) >= 2
        assert len(sheets.pages) <= 12
