"""The square and the code over the record block: 18 mm, on no text, the rules where they were (GB/T 9704, 7.4)."""

import io
from typing import Any

import pytest
from pdfplumber import open as opened

from hearings.documents import RenderFailed, render
from tests.documents.measure import MM, body, pages, rules
from tests.documents.sample import minutes

VERIFY = {"code": "ABCDEFGHIJKLMNOPQRST", "url": "https://yexunhui.example.gov.cn/verify/ABCDEFGHIJKLMNOPQRST"}


def printed(paper: dict[str, Any]) -> list[Any]:
    try:
        return pages(render("minutes", paper))
    except RenderFailed:
        pytest.skip("no Chinese typeface on this machine")


@pytest.mark.parametrize("filler", range(0, 24, 4))
def test_it_stands_on_no_text_and_moves_no_rule(filler: int) -> None:
    paper = minutes(1, attachments=[], verify=VERIFY)
    paper["sections"][3]["paragraphs"] += ["会议强调，要抓好落实。"] * filler
    page = printed(paper)[-1]
    left = 28.0 if page.page_number % 2 else 26.0
    bottom = max(rules(page), key=lambda rule: rule[2])
    assert bottom[2] == pytest.approx(262.0, abs=0.2)
    assert bottom[:2] == pytest.approx((left, left + 156), abs=0.1)
    said = body(page)
    code = next(line for line in said if "ABCDE-FGHIJ-KLMNO-PQRST" in line.text)
    copies = next(line for line in said if line.text.startswith("抄送："))
    assert code.baseline < copies.baseline
    text = [line for line in said if line.baseline < code.baseline]
    top = copies.baseline - 14 * MM - 20  # of the square: 18 mm and its gap above the first rule
    assert all(line.baseline < top + 3 for line in text), (text[-1:], top)
    whole = "".join(line.text for line in said)
    assert VERIFY["url"].rsplit("/", 1)[0] in whole


def test_the_square_is_18_mm_at_the_right_edge() -> None:
    page = printed(minutes(1, verify=VERIFY))[-1]
    left = 28.0 if page.page_number % 2 else 26.0
    ground = next(r for r in page.rects if r["non_stroking_color"] == (1, 1, 1) and r["height"] * MM > 10)
    assert (ground["width"] * MM, ground["height"] * MM) == pytest.approx((18, 18), abs=0.1)
    assert ground["x1"] * MM == pytest.approx(left + 156, abs=0.1)
    first = min(rule[2] for rule in rules(page) if rule[2] > ground["bottom"] * MM - 1)
    assert 0 < first - ground["bottom"] * MM < 4  # just over the first rule


def test_the_same_content_has_the_same_bytes_and_a_draft_has_no_code() -> None:
    paper = minutes(1, verify=VERIFY)
    assert printed(paper) and render("minutes", paper) == render("minutes", paper)
    with opened(io.BytesIO(render("minutes", minutes(1)))) as draft:
        assert "核验码" not in "".join(page.extract_text() for page in draft.pages)
