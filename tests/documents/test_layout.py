"""The page to the millimetre (GB/T 9704-2012): what an independent reader measures on our output."""

import itertools
import logging
import re
from pathlib import Path
from typing import Any

import pytest

from hearings.documents import fonts, render

from . import measure
from .measure import CLOSING, MM, OPENING, body, lines, pages, rules
from .sample import minutes

PITCH = 28.95 * MM


@pytest.fixture(scope="module", params=[1, 60], ids=["1 item", "60 items"])
def count(request: pytest.FixtureRequest) -> int:
    return int(request.param)


@pytest.fixture(scope="module")
def printed(count: int, fonts_dir: Path) -> bytes:
    return render("minutes", minutes(count), fonts_dir=fonts_dir)


@pytest.fixture(scope="module")
def sheets(printed: bytes) -> list[Any]:
    return pages(printed)


def left_edge(page: Any, single_sided: bool = False) -> float:
    return 28.0 if single_sided or page.page_number % 2 else 26.0


def text_pages(sheets: list[Any]) -> list[Any]:
    """The pages before the first annex."""
    first = next((i for i, page in enumerate(sheets) if body(page) and re.match(r"附件\d?$", body(page)[0].text)), None)
    return sheets[:first]


def prose(sheets: list[Any]) -> list[measure.Line]:
    """The body's 16 pt lines from the first paragraph on, in reading order."""
    return [line for page in text_pages(sheets) for line in body(page)][5:]


def test_paper_is_a4(sheets: list[Any]) -> None:
    for page in sheets:
        assert (page.width * MM, page.height * MM) == pytest.approx((210, 297), abs=0.05)


def test_margins_are_mirrored_and_nothing_leaves_the_type_area(sheets: list[Any]) -> None:
    for page in sheets:
        left = left_edge(page)
        inside = [char for char in page.chars if char["matrix"][5] > (297 - 262.5) / MM]
        assert min(char["x0"] for char in inside) * MM >= left - 0.5
        assert max(char["x1"] for char in inside) * MM <= left + 156 + 0.6
        assert min(line.baseline for line in lines(page)) - 16 * MM >= 37 - 0.5
        assert measure.outside(page) == []


def test_full_lines_end_at_the_right_edge(sheets: list[Any]) -> None:
    flow = prose(sheets)
    full = 0
    for line, following in itertools.pairwise(flow):
        edge = left_edge(sheets[line.page - 1])
        continues = abs(following.left - left_edge(sheets[following.page - 1])) < 0.3
        hanging = following.left - left_edge(sheets[following.page - 1]) > 20 and line.font == following.font
        if continues or (hanging and line.right - edge > 150):
            assert line.right == pytest.approx(edge + 156, abs=0.6), line
            full += 1
    assert full >= 8


def test_a_full_line_has_28_characters(sheets: list[Any]) -> None:
    edges = {page.page_number: left_edge(page) for page in sheets}
    han = [line for line in prose(sheets) if line.right > edges[line.page] + 155 and not re.search(r"[ -~]", line.text)]
    flush = [len(line.text) for line in han if line.left < edges[line.page] + 0.5]
    indented = [len(line.text) for line in han if 11 < line.left - edges[line.page] < 11.5]
    assert flush
    assert max(flush) == 28
    assert min(flush) >= 26  # one or two go down for punctuation and quotation marks that may not be parted
    assert set(indented) <= {24, 25, 26}


def test_a_full_page_has_22_lines_on_the_grid(sheets: list[Any]) -> None:
    """Also with 碶, whose glyph comes from a taller face."""
    first = body(sheets[0])[-1].baseline
    for page in text_pages(sheets)[1:]:
        found = body(page)
        top = found[0].baseline
        for line in found:
            steps = (line.baseline - top) / PITCH
            assert steps == pytest.approx(round(steps), abs=0.02)
        assert round((found[-1].baseline - top) / PITCH) + 1 <= 22
        if (page.page_number) < len(text_pages(sheets)):
            following = body(sheets[page.page_number])[0]
            if not re.match(r"[一二三四]、|（[一二三四五六七八九十]+）|附件：|出席：", following.text):
                assert round((found[-1].baseline - top) / PITCH) + 1 == 22
                assert found[-1].baseline == pytest.approx(first, abs=0.1)
    assert "碶" in "".join(line.text for line in prose(sheets))


def test_lines_do_not_start_or_end_wrongly(sheets: list[Any]) -> None:
    flow = [line for page in sheets for line in body(page)]
    for line, following in itertools.pairwise(flow):
        assert line.text[0] not in CLOSING, line
        assert line.text.rstrip()[-1] not in OPENING, line
        torn = line.text[-1].isdigit() and following.text[0].isdigit()
        assert not torn or line.left > 60 or line.size < 15 or following.left > 60, (line, following)


def test_text_comes_out_as_it_went_in(sheets: list[Any], count: int) -> None:
    content = minutes(count)
    extracted = measure.text_of(sheets)
    paragraphs = [*content["overview"], *(p for s in content["sections"] for p in s["paragraphs"])]
    for item in content["sections"][1]["items"]:
        paragraphs += [item["heading"], *item["paragraphs"], *item["measures"]]
    for paragraph in paragraphs:
        assert paragraph.replace(" ", "") in extracted


def test_no_glyph_is_missing(fonts_dir: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        result = render("minutes", minutes(6), fonts_dir=fonts_dir)
    assert not [record for record in caplog.records if "rendering" in record.message]
    assert "�" not in measure.text_of(result)


def test_mark_number_rule_and_title(sheets: list[Any]) -> None:
    page = sheets[0]
    mark = [char for char in page.chars if char["non_stroking_color"] == (1, 0, 0)]
    size = mark[0]["size"]
    baseline = page.height - mark[0]["matrix"][5]
    assert (baseline - 0.88 * size) * MM == pytest.approx(72.0, abs=0.2)  # the top of the character's square
    assert "".join(char["text"] for char in mark) == "北仑区人大代表民生夜询会纪要"
    middle = (mark[0]["x0"] + mark[-1]["x1"]) / 2 * MM
    assert middle == pytest.approx(28 + 78, abs=0.3)

    red = next(rect for rect in page.rects if rect["non_stroking_color"] == (1, 0, 0))
    assert red["x0"] * MM == pytest.approx(28, abs=0.1)
    assert red["x1"] * MM == pytest.approx(184, abs=0.1)
    issued = next(line for line in body(page) if line.text.startswith("北仑区人大常委会办公室"))
    assert issued.text.endswith("2021年3月30日")
    assert issued.left == pytest.approx(28 + 15.79 * MM, abs=0.2)
    assert issued.right == pytest.approx(184 - 15.79 * MM, abs=0.4)

    title = next(line for line in body(page) if line.text == "第9期北仑区人大代表民生夜询会纪要")
    assert title.size == pytest.approx(22, abs=0.1)
    assert title.baseline - red["bottom"] * MM == pytest.approx(3 * PITCH, abs=4)  # under two blank lines


def test_mark_top_as_the_reader_reports_it(sheets: list[Any], fonts_dir: Path) -> None:
    mark = next(char for char in sheets[0].chars if char["non_stroking_color"] == (1, 0, 0))
    if "Fandol" in mark["fontname"]:  # Noto's box is taller than its characters
        assert mark["top"] * MM == pytest.approx(72.0, abs=0.5)


def test_first_page_shows_body_text(sheets: list[Any]) -> None:
    assert len(body(sheets[0])) >= 10


def test_page_numbers(sheets: list[Any]) -> None:
    for page in sheets:
        number = lines(page)[-1]
        assert number.text == f"— {page.page_number} —"
        assert number.size == pytest.approx(14, abs=0.1)
        # the square of the dash begins 7 mm under the type area
        assert number.baseline - 0.88 * 14 * MM == pytest.approx(262 + 7, abs=0.5)
        if page.page_number % 2:
            assert number.right == pytest.approx(184 - 14 * MM, abs=0.2)
        else:
            assert number.left == pytest.approx(26 + 14 * MM, abs=0.2)


def test_heading_faces(fonts_dir: Path, sheets: list[Any]) -> None:
    faces = {line.text: line.font for page in sheets for line in body(page)}
    if "FandolFang-Regular" not in faces.values():
        pytest.skip("Noto has one serif for all of them")
    assert faces["一、总体情况"] == "FandolHei-Regular"
    assert faces["（一）关于老年人接种疫苗和接种点排队的问题"] == "FandolKai-Regular"
    assert faces["1. 4月9日前完成村社宣讲全覆盖。"] == "FandolFang-Regular"
    assert lines(sheets[0])[-1].font == "FandolSong-Regular"
    used = {char["fontname"].split("+")[1] for page in sheets for char in page.chars}
    rare = {
        service.face.family for service in fonts.services(fonts_dir) if service.face and service.part.name == "rare"
    }
    assert used - rare == {
        "FandolFang-Regular", "FandolHei-Regular", "FandolKai-Regular", "FandolSong-Bold", "FandolSong-Regular",
    }  # fmt: skip


def test_attendance_hangs_under_the_first_character_after_the_colon(sheets: list[Any]) -> None:
    flow = prose(sheets)
    start = next(i for i, line in enumerate(flow) if line.text.startswith("出席："))
    assert flow[start].left - left_edge(sheets[flow[start].page - 1]) == pytest.approx(2 * 15.79 * MM, abs=0.2)
    for line in flow[start + 1 : start + 3]:
        assert line.left - left_edge(sheets[line.page - 1]) == pytest.approx(5 * 15.79 * MM, abs=0.2)
    assert next(line for line in flow if line.text.startswith("请假："))


def test_annexes_begin_on_new_pages_and_repeat_their_heads(sheets: list[Any], count: int) -> None:
    starts = [page for page in sheets if re.match(r"附件\d$", body(page)[0].text)]
    assert [body(page)[0].text for page in starts] == ["附件1", "附件2"]
    for page in sheets[starts[0].page_number - 1 : starts[1].page_number - 1]:
        if page.find_tables():
            assert page.find_tables()[0].extract()[0][:3] == ["编号", "问题", "承诺措施和时限"]
    rows = [
        row
        for page in sheets[starts[0].page_number - 1 : starts[1].page_number - 1]
        for table in page.find_tables()
        for row in table.extract()[1:]
    ]
    assert [row[0] for row in rows] == [f"{n + 1:02}" for n in range(count)]  # no row stands on two pages
    assert {row[5] for row in rows} <= {"2021-04-30", "2021-08-31", "2021-06-30", "2021-12-31", "2021-04-29"}


def test_record_block_stands_on_the_last_edge_and_on_no_text(sheets: list[Any]) -> None:
    page = sheets[-1]
    found = rules(page)
    left = left_edge(page)
    bottom = max(found, key=lambda rule: rule[2])
    assert bottom[2] == pytest.approx(262.0, abs=0.2)
    assert bottom[:2] == pytest.approx((left, left + 156), abs=0.1)
    copies = next(line for line in body(page) if line.text.startswith("抄送："))
    above = [line for line in body(page) if line.baseline < copies.baseline]
    top = min(rule[2] for rule in found if rule[2] > copies.baseline - 8)
    assert all(line.baseline < top for line in above)
    assert copies.left == pytest.approx(left + 14 * MM, abs=0.2)
    last = body(page)[-1]
    assert last.text == "北仑区人大常委会办公室2021年3月30日印发"


def test_record_block_never_covers_text_at_any_length(fonts_dir: Path) -> None:
    for filler in range(0, 24, 3):
        paper = minutes(1, attachments=[])
        paper["sections"][3]["paragraphs"] += ["会议强调，要抓好落实。"] * filler
        last = pages(render("minutes", paper, fonts_dir=fonts_dir))[-1]
        copies = next(line for line in body(last) if line.text.startswith("抄送："))
        block = [line for line in body(last) if line.baseline >= copies.baseline]
        text = [line for line in body(last) if line.baseline < copies.baseline]
        assert len(block) == 5
        assert not text or text[-1].baseline < copies.baseline - 20 * MM


def test_single_sided_keeps_the_binding_left(fonts_dir: Path) -> None:
    for page in pages(render("minutes", minutes(6, single_sided=True), fonts_dir=fonts_dir)):
        assert min(line.left for line in body(page)) >= 28 - 0.5
        assert max(line.right for line in body(page)) <= 184 + 0.6
        assert lines(page)[-1].right == pytest.approx(184 - 14 * MM, abs=0.2)


def test_a_draft_says_so_on_every_page(fonts_dir: Path) -> None:
    for page in pages(render("minutes", minutes(6, draft=True), fonts_dir=fonts_dir)):
        assert lines(page)[0].text == "（草稿）"
        assert lines(page)[0].baseline < 37


def test_a_correction_names_its_version_and_reason(fonts_dir: Path) -> None:
    text = measure.text_of(
        render("minutes", minutes(1, version=2, correction_reason="测评票数有误"), fonts_dir=fonts_dir)
    )
    assert "（第2版）" in text
    assert "（本纪要为第2版。更正原因：测评票数有误）" in text


@pytest.mark.parametrize("last", [False, True], ids=["first annex", "last annex"])
def test_a_wide_annex_lies_on_its_side(last: bool, fonts_dir: Path) -> None:
    """Its page number stays where the other pages of the bound paper have it (GB/T 9704-2012, 7.6)."""
    paper = minutes(30)
    paper["attachments"][0]["landscape"] = True
    if last:
        paper["attachments"].reverse()
    sheets = pages(render("minutes", paper, fonts_dir=fonts_dir))
    wide = [page for page in sheets if page.width > page.height]
    assert len(wide) >= 3
    for page in wide:
        odd = bool(page.page_number % 2)
        number = [char for char in page.chars if not char["upright"]]
        assert "".join(char["text"] for char in number) == f"— {page.page_number} —"
        baseline = number[0]["matrix"][4] * MM  # of the bound page: 297 mm less its distance from the top
        assert 297 - baseline - 0.88 * 14 * MM == pytest.approx(269, abs=0.5)
        if odd:
            assert max(char["bottom"] for char in number) * MM == pytest.approx(184 - 14 * MM, abs=0.2)
        else:
            assert min(char["top"] for char in number) * MM == pytest.approx(26 + 14 * MM, abs=0.2)
        upright = [char for char in page.chars if char["upright"]]
        top = 28 if odd else 26
        assert min(char["x0"] for char in upright) * MM >= 35 - 0.1
        assert max(char["x1"] for char in upright) * MM <= 260.1
        assert min(char["top"] for char in upright) * MM >= top - 0.5
        assert max(char["bottom"] for char in upright) * MM <= top + 156 + 0.5
        assert page.find_tables()[0].extract()[0][0] == "编号"
    assert sheets[-1].width < sheets[-1].height
    assert max(rule[2] for rule in rules(sheets[-1])) == pytest.approx(262.0, abs=0.2)
