"""Rendering: what goes in never becomes more than text, what comes out is always the same, and children end."""

import hashlib
import http.server
import io
import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
from pdfminer.pdftypes import resolve1
from PIL import Image

from hearings.documents import RenderFailed, child, fonts, pdf, render, render_many
from hearings.documents.pdf import Job

from . import measure
from .measure import MM, body, pages
from .sample import MINUTES, minutes

SHEET: dict[str, Any] = {
    "format": 1,
    "kind": "assignment",
    "language": "zh-CN",
    "organisation": "北仑区人大常委会",
    "title": "北仑区人大代表民生夜询会问题交办单",
    "code": "YX-2021-09-03",
    "summary": [
        ["交办日期", "2021年3月29日"],
        ["问题摘要", "霞浦铁路桥下长期堆物，夜间无灯，行人通行不便。"],
        ["承诺措施", ["1. 2021年4月16日前完成清理。", "2. 2021年6月30日前安装照明并移交管护。"]],
        ["会办单位", None],
    ],
    "signature": {"organ": "北仑区人大常委会办公室", "date": "2021年3月29日"},
    "receipt": {"title": "签收回执", "rows": [["签收单位", ""], ["签收人、时间", None]]},
}


@pytest.fixture
def canary() -> Iterator[tuple[str, list[str]]]:
    """A web server that nobody may call, and the list of those who did."""
    calls: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            calls.append(self.path)
            self.send_error(404)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", calls
    server.shutdown()


def attacks(base: str) -> list[str]:
    return [
        f'<img src="{base}/a.png">',
        f'<link rel="stylesheet" href="{base}/b.css"><style>@import "{base}/c.css"; p {{ display: none }}</style>',
        f'<svg><image href="{base}/d.svg"/></svg>"><script>x</script>',
        f"{base}/e http://example.invalid/ file:///etc/passwd data:text/html,<b>x</b>",
        '<a href="file:///etc/passwd" rel="attachment">x</a>',
        "{{ 7 * 7 }} {% raw %} --> ]]> </style></title></body> url(javascript:x)",
        "w" * 60,
        "😀 🈵 ﷽ مرحبا بالعالم שלום",
        "\x00\x01\x1b[31m\u202e改\u2066",
        "1" * 200,
        "",
    ]


def poisoned(value: Any, poison: str) -> Any:
    if isinstance(value, str):
        return value + poison
    if isinstance(value, dict):
        return {k: v if k in ("format", "kind", "language") else poisoned(v, poison) for k, v in value.items()}
    if isinstance(value, list):
        return [poisoned(item, poison) for item in value]
    return value


@pytest.mark.parametrize(
    ("template", "number"),
    [*(("minutes", n) for n in range(len(attacks("")))), ("paper", 0), ("paper", 6), ("paper", 7)],
)
def test_what_is_typed_into_any_field_is_text(
    template: str, number: int, canary: tuple[str, list[str]], caplog: pytest.LogCaptureFixture
) -> None:
    base, calls = canary
    poison = attacks(base)[number]
    with caplog.at_level(logging.WARNING):
        result = render(template, poisoned(minutes(1) if template == "minutes" else SHEET, poison))
    assert calls == []
    assert not [record for record in caplog.records if "Failed to load" in record.message]
    sheets = pages(result)
    found = measure.text_of(sheets)
    if poison.isascii() and "\x00" not in poison:
        assert poison.replace(" ", "") in found
    assert "root:" not in found
    for page in sheets:
        left = 28 if page.page_number % 2 else 26
        assert max(char["x1"] for char in page.chars) * MM <= left + 156 + 0.6
        assert measure.outside(page) == []


@pytest.mark.parametrize("field", ["title", "mark", "issuer", "code", "organisation"])
@pytest.mark.parametrize("value", ["", "字" * 5000, "w" * 300])
def test_a_field_may_be_empty_or_enormous(field: str, value: str) -> None:
    for page in pages(render("minutes", minutes(1, **{field: value}))):
        assert measure.outside(page) == []
        for char in page.chars:
            assert char["x1"] * MM <= (184 if page.page_number % 2 else 182) + 0.6


@pytest.mark.parametrize("items", [0, 200])
def test_none_and_two_hundred_items(items: int) -> None:
    assert len(pages(render("minutes", minutes(items)))) >= 3


def test_five_thousand_characters_in_a_paragraph_and_in_a_cell() -> None:
    paper = minutes(2)
    paper["sections"][1]["items"][0]["paragraphs"][0] = "区教育局答复，" * 715
    paper["attachments"][0]["rows"][0][2] = "逐条落实到人，" * 715
    sheets = pages(render("minutes", paper))
    found = measure.text_of(sheets)
    assert found.count("区教育局答复，") == 715
    assert found.count("逐") == 715
    for page in sheets:
        assert measure.outside(page) == []


@pytest.mark.parametrize("lines", range(22, 40, 3))
def test_a_strip_to_cut_off_never_stands_on_a_page_of_its_own(lines: int) -> None:
    """However long the sheet is: on the strip's page stand the signature and a row of the sheet."""
    said = [["问题摘要", ["线" * 20] * lines], ["经 办 人", "周某某"]]
    paper = SHEET | {"summary": said}
    sheet = next(p for p in pages(render("paper", paper)) if "签收回执" in measure.text_of([p]))
    assert "周某某" in measure.text_of([sheet]) and paper["signature"]["organ"] in measure.text_of([sheet])


@pytest.mark.parametrize("lines", range(14, 20))
def test_a_note_stands_on_the_page_of_its_table(lines: int) -> None:
    table = {"title": None, "columns": ["总数", "销号"], "widths": [], "rows": [["3", "1"]], "note": "注：推进的另计。"}
    paper = SHEET | {"summary": [], "paragraphs": ["行。"] * lines, "tables": [table], "receipt": None}
    sheets = [measure.text_of([p]) for p in pages(render("paper", paper))]
    assert [("销号" in s) for s in sheets] == [("注：推进" in s) for s in sheets]


def test_only_a_row_that_fills_a_page_splits_and_it_begins_under_the_row_before() -> None:
    def printed(length: int) -> list[str]:
        table = {"columns": ["编号", "问题"], "widths": [20, 80], "note": None}
        rows = [["01", "前"], ["02", "长" * length], ["03", "后"]]
        content = SHEET | {"summary": [], "tables": [table | {"title": None, "rows": rows}], "receipt": None}
        return [measure.text_of([p]) for p in pages(render("paper", content))]

    short = printed(700)
    assert [t.count("长") for t in short if "长" in t] == [700]
    whole = [t.count("长") for t in printed(3000) if "长" in t]
    assert sum(whole) == 3000 and len(whole) >= 3
    assert any("01" in t and "长" in t for t in printed(3000))


def test_a_character_no_typeface_has_prints_as_the_compositors_mark(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        found = measure.text_of(render("minutes", minutes(1, overview=["甲\U00016a4f乙新碶街道"])))
    assert "甲〓乙新碶街道" in found
    assert "U+16A4F" in caplog.text


def test_same_content_same_bytes_in_any_child() -> None:
    first = render("minutes", MINUTES)
    pdf.close()
    render("minutes", minutes(3, overview=["甲\U00016a4f乙"]))  # a child that has seen other papers
    assert render("minutes", MINUTES) == first
    assert list(render_many([Job("minutes", MINUTES)] * 3)) == [first] * 3


def test_many_come_in_order_and_are_read_lazily() -> None:
    asked: list[int] = []

    def jobs() -> Iterator[Job]:
        for number in range(8):
            asked.append(number)
            yield Job("minutes", minutes(1, title=f"第{number}期纪要"))

    results = render_many(jobs())
    assert "第0期纪要" in measure.text_of(next(results))
    assert len(asked) < 8
    assert [f"第{n}期纪要" in measure.text_of(result) for n, result in enumerate(results, 1)] == [True] * 7


def test_archive_format() -> None:
    """PDF/A-3a as far as it can be seen without a validator: identifier, tags, language, output intent, fonts."""
    result = render("minutes", MINUTES)
    sheets = pages(result)
    document = sheets[0].pdf
    catalog = document.doc.catalog
    described = resolve1(catalog["Metadata"]).get_data().decode()
    assert re.search(r"pdfaid:part\W+3\b", described)
    assert re.search(r"pdfaid:conformance\W+A\b", described)
    assert catalog["Lang"] == b"zh-CN"
    assert catalog["MarkInfo"]["Marked"] is True or str(catalog["MarkInfo"]["Marked"]) == "True"
    assert "StructTreeRoot" in catalog
    assert "OutputIntents" in catalog
    assert "Outlines" in catalog
    assert document.metadata["Title"] == MINUTES["title"]
    assert "Encrypt" not in document.doc.xrefs[0].trailer
    assert all("+" in char["fontname"] for page in sheets for char in page.chars)
    titles = [item.get_title() for item in pypdfium2.PdfDocument(result).get_toc()]
    assert titles[:3] == [MINUTES["title"], "一、总体情况", "二、询问答复及议定事项"]
    assert "问题交办清单" in titles


def test_pdfium_copies_clean_text() -> None:
    document = pypdfium2.PdfDocument(render("minutes", MINUTES))
    found = "".join(page.get_textpage().get_text_bounded() for page in document)
    assert "4月16日前完成桥下空间清理" in found.replace("\r\n", "")
    assert "新碶街道人大代表联络站" in found.replace("\r\n", "")


def test_pictures_come_by_hash_and_by_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (640, 400), (90, 120, 160)).save(picture, "JPEG")
    name = hashlib.sha256(picture.getvalue()).hexdigest()
    paper = {
        **SHEET,
        "pictures": [{"sha256": name, "caption": "施工现场"}, {"sha256": "../../secret", "caption": "无"}],
    }
    with caplog.at_level(logging.WARNING):
        sheets = pages(render("paper", paper, files={name: picture.getvalue()}))
    assert sum(len(page.images) for page in sheets) == 1
    assert "施工现场" in "".join(page.extract_text() for page in sheets)
    assert "attachment:../../secret" in caplog.text


@pytest.mark.parametrize(
    "url",
    ["file:///etc/passwd", "http://127.0.0.1/", "https://example.invalid/", "data:text/plain,x", "ftp://x/",
     "attachment:unknown", "static:../config.py", "static:/etc/passwd", "static:"],
)  # fmt: skip
def test_the_fetcher_refuses(url: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="refused"):
        child._fetcher({"known": b"x"}, str(tmp_path))(url)


def test_the_fetcher_serves(tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    fetch = child._fetcher({"known": b"x"}, str(tmp_path))
    assert fetch("attachment:known").read() == b"x"
    assert fetch("static:a.svg").read() == b"<svg/>"


def test_a_sheet(fonts_dir: Path) -> None:
    result = render("paper", SHEET, fonts_dir=fonts_dir)
    page = pages(result)[0]
    found = body(page)
    assert found[0].text == "编号：YX-2021-09-03"
    assert found[1].text == SHEET["title"]
    organ = next(line for line in found if line.text == "北仑区人大常委会办公室")
    date = next(line for line in found if line.text == "2021年3月29日" and line.size == 16)
    assert organ.right == pytest.approx(184 - 2 * 15.79 * MM, abs=0.5)  # two characters in
    assert date.left - organ.left == pytest.approx(2 * 15.79 * MM, abs=0.3)  # and the date two further right
    facts = page.find_tables()[0].extract()
    assert facts[2] == ["承诺措施", "1. 2021年4月16日前完成清理。\n2. 2021年6月30日前安装照明并移交管护。"]
    assert "签收回执" in measure.text_of(result)


def test_the_web_process_never_loads_the_renderer() -> None:
    code = (
        "import sys; from hearings.documents import render; from tests.documents.sample import minutes;"
        "render('minutes', minutes(1)); sys.exit('weasyprint' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=pdf.ROOT, check=False).returncode == 0


def test_a_child_gets_none_of_the_applications_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEARINGS_SECRET_KEY", "do not tell")
    monkeypatch.setenv("SQLALCHEMY_DATABASE_URI", "postgresql://secret")
    held = pdf._Child(fonts.prepare())
    try:
        environment = Path(f"/proc/{held.process.pid}/environ").read_bytes()
    finally:
        held.end()
    assert b"do not tell" not in environment
    assert b"secret" not in environment


def test_a_child_that_dies_is_a_sentence_and_the_next_paper_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = pdf._pool(None)
    render("minutes", minutes(1))
    held = next(entry for entry in reversed(pool.slots.queue) if entry is not None)
    threading.Timer(0.05, os.kill, (held.process.pid, signal.SIGKILL)).start()
    with pytest.raises(RenderFailed, match="Nothing was changed"):
        render("minutes", minutes(200))
    assert render("minutes", minutes(1)).startswith(b"%PDF")


def test_a_child_that_ended_in_peace_is_replaced_unseen() -> None:
    render("minutes", minutes(1))
    for held in pdf._pool(None).slots.queue:
        if held is not None and held.process.stdin:
            held.process.stdin.close()
            held.process.wait(5)
    assert render("minutes", minutes(1)).startswith(b"%PDF")


def test_a_paper_that_takes_too_long_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    render("minutes", minutes(1))
    monkeypatch.setattr(pdf, "SECONDS", 0.3)
    begun = time.monotonic()
    with pytest.raises(RenderFailed, match="took too long"):
        render("minutes", minutes(200))
    assert time.monotonic() - begun < 3
    monkeypatch.undo()
    assert render("minutes", minutes(1)).startswith(b"%PDF")


def test_when_every_child_stays_busy_one_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = pdf._pool(None)
    taken = [pool.slots.get() for _ in range(pdf.CHILDREN)]
    monkeypatch.setattr(pdf, "SECONDS", 0.1)
    try:
        with pytest.raises(RenderFailed, match="Many papers"):
            render("minutes", minutes(1))
    finally:
        for held in taken:
            pool.slots.put(held)


def test_children_are_few_and_renewed(monkeypatch: pytest.MonkeyPatch) -> None:
    pdf.close()
    monkeypatch.setattr(pdf, "PAPERS_PER_CHILD", 2)
    results = list(render_many([Job("minutes", minutes(1))] * 7))
    assert len(set(results)) == 1
    assert pdf._pool(None).slots.qsize() == pdf.CHILDREN
    pdf.close()


def test_a_forked_worker_starts_its_own_children() -> None:
    render("minutes", minutes(1))
    reader, writer = os.pipe()
    if (worker := os.fork()) == 0:
        try:
            os.write(writer, b"ok" if render("minutes", minutes(1)).startswith(b"%PDF") else b"no")
            pdf.close()
        finally:
            os._exit(0)
    os.close(writer)
    assert os.read(reader, 2) == b"ok"
    os.waitpid(worker, 0)
    assert render("minutes", minutes(1)).startswith(b"%PDF")
