"""Whatever is typed into any field is text: nothing is fetched for it, nothing of it leaves the type area.

test_pdf.py looks at the same with a web server that nobody may call, on the long fields; here each field by itself,
with what the child says it was asked for.
"""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hearings.documents import RenderFailed, pdf, render

from . import measure
from .measure import MM, pages
from .sample import minutes
from .test_pdf import SHEET
from .test_quality import PICTURE, SECTIONS, VERIFY

TRAPS = [
    '<img src="http://192.0.2.1/a.png"><img src="file:///etc/passwd"><img src="static:logo.svg">',
    '<link rel="stylesheet" href="http://192.0.2.1/b.css"><link rel="attachment" href="file:///etc/passwd">',
    "<style>@import url(http://192.0.2.1/c.css); @font-face { src: url(file:///etc/passwd) }</style>",
    '<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/><use href="http://192.0.2.1/d#x"/></svg>',
    '"><img src=data:image/png;base64,iVBORw0KGgo=> <a rel=attachment href="data:text/plain,x">x</a>',
    "'); background: url(http://192.0.2.1/e.png); content: url('file:///etc/passwd') /*",
    "]]></style></title></head><body onload=x><iframe src=file:///etc/passwd></iframe><object data=http://192.0.2.1/f>",
    "file:///etc/passwd http://192.0.2.1/ static:theme.css attachment:0 data:text/html,x javascript:x",
]
KEYS = ("format", "kind", "language", "sha256", "key", "verify")
"""Keys of the dict that no person types."""
FULL: dict[str, tuple[str, dict[str, Any]]] = {
    "minutes": (
        "minutes",
        minutes(1, version=2, correction_reason="票数有误", cc=["区委办公室", "区政府办公室"], verify=VERIFY),
    ),
    "paper": (
        "paper",
        SHEET
        | {
            "sections": SECTIONS,
            "qr": {"url": VERIFY["url"], "caption": "扫码签收"},
            "addressee": "区交通运输局：",
            "letter": "A",
            "remark": "此件公开发布",
            "cc": ["区政府办公室"],
            "issuer": "区人大常委会办公室",
            "issued_on": "2021年3月29日",
            "attachments": minutes(1)["attachments"],
        },
    ),
}


def fields(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Where the dict has text that people may have typed."""
    if isinstance(value, str):
        if not set(path) & set(KEYS):
            yield path
    elif isinstance(value, dict):
        for key, each in value.items():
            yield from fields(each, (*path, key))
    elif isinstance(value, list):
        for n, each in enumerate(value):
            yield from fields(each, (*path, n))


def put(paper: dict[str, Any], path: tuple[Any, ...], words: str) -> None:
    owner: Any = paper
    for step in path[:-1]:
        owner = owner[step]
    owner[path[-1]] = words


@pytest.fixture(scope="module")
def child() -> Iterator[Any]:
    """A child of our own, that tells what it was asked for."""
    held = pdf._Child(pdf._fontset(None))
    held.left = 10_000
    yield held
    held.end()


def printed(child: Any, template: str, paper: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    outcome = child.ask(pdf.to_html(template, paper, pdf._fontset(None)), {PICTURE[0]: PICTURE[1]})
    assert outcome is not None
    assert outcome[0]["ok"], outcome[0]["error"]
    return outcome


def trimmed(sheets: list[Any]) -> None:
    """Nothing outside the type area but page number, the word draft; of closing signs their empty half may be."""
    for page in sheets:
        left = 28 if page.page_number % 2 else 26
        assert measure.outside(page) == []
        for char in page.chars:
            if not char["text"].isspace():
                assert char["x0"] * MM >= left - 0.6
                assert char["x1"] * MM <= left + 156 + (1.7 if char["text"] in "，、。：；." else 0.6)


@pytest.mark.parametrize("trap", range(len(TRAPS)))
@pytest.mark.parametrize("template", list(FULL))
def test_every_field_at_once_fetches_only_what_is_named_by_hash(template: str, trap: int, child: Any) -> None:
    name, paper = copy.deepcopy(FULL[template])
    places = list(fields(paper))
    assert len(places) > 30
    for path in places:
        put(paper, path, TRAPS[trap])
    reply, result = printed(child, name, paper)
    assert reply["refused"] == []
    assert reply["fetched"] == ([f"attachment:{PICTURE[0]}"] if template == "paper" else [])
    sheets = pages(result)
    found = measure.text_of(sheets)
    assert found.count(TRAPS[trap].replace(" ", "")[:40]) >= 10
    assert "root:" not in found
    trimmed(sheets)


def test_every_field_of_the_dict_by_itself(child: Any) -> None:
    """In one paper a field, so that no field's markup can hide behind another's."""
    for template, (name, paper) in FULL.items():
        seen = set()
        for path in fields(paper):
            kind = tuple(step for step in path if isinstance(step, str))
            if kind in seen:
                continue
            seen.add(kind)
            poisoned = copy.deepcopy(paper)
            put(
                poisoned,
                path,
                '<img src="http://192.0.2.1/x"><link rel=stylesheet href="file:///x"><style>*{color:red}',
            )
            html = pdf.to_html(name, poisoned, pdf._fontset(None))
            assert '<img src="http' not in html and "<link" not in html, (template, path)
            assert html.count("<style>") == 1, (template, path)


WORDS = {
    "unbroken": "w" * 60,
    "emoji": "👩‍👧‍👦😀🈵🏳️‍🌈" * 12,
    "arabic": "مرحبا بالعالم، شكوى رقم ١٢٣ " * 6,
    "combining": "e\u0301\u0323" * 40 + "Z̸̡͔͉̘̦" * 8,
    "digits": "1234567890" * 12,
    "dashes": "—" * 120,
    "blanks": "　" * 90,
    "one sign": "，" * 80,
    "address": "https://example.invalid/" + "a/" * 60 + "?q=" + "%E5%8C%97" * 12,
    "nothing": "",
    "rare": "新碶街道𠮷𪚥㙍" * 10,
}


@pytest.mark.parametrize("words", list(WORDS))
@pytest.mark.parametrize("template", list(FULL))
def test_odd_words_in_every_field_stay_in_the_type_area(template: str, words: str, child: Any) -> None:
    name, paper = copy.deepcopy(FULL[template])
    for path in fields(paper):
        put(paper, path, WORDS[words])
    reply, result = printed(child, name, paper)
    assert reply["refused"] == []
    trimmed(pages(result))


def test_answers_of_five_thousand_characters(child: Any) -> None:
    paper = minutes(3, verify=VERIFY)
    for item in paper["sections"][1]["items"]:
        item["paragraphs"] = ["区教育局答复，" * 715]
        item["heading"] = "（一）" + "关于很长的问题" * 700
    _reply, result = printed(child, "minutes", paper)
    sheets = pages(result)
    assert measure.text_of(sheets).count("区教育局答复，") == 3 * 715
    trimmed(sheets)


@pytest.mark.parametrize("count", [0, 200])
def test_no_items_and_two_hundred(count: int, child: Any) -> None:
    _reply, result = printed(child, "minutes", minutes(count, verify=VERIFY))
    sheets = pages(result)
    found = measure.text_of(sheets)
    assert len(re.findall("（[一二三四五六七八九十百零]+）关于", found)) == count
    trimmed(sheets)


def test_a_department_without_a_name(child: Any) -> None:
    paper = minutes(2)
    for row in paper["attachments"][0]["rows"]:
        row[3] = row[4] = ""
    for row in paper["attachments"][1]["rows"]:
        row[1] = None
    paper["cc"] = ["", "　"]
    paper["attendance"].append({"label": "", "groups": [""]})
    _reply, result = printed(child, "minutes", paper)
    sheets = pages(result)
    (table,) = [
        t
        for page in sheets
        for t in page.find_tables()
        if t.extract()[0][0] == "编号" and t.extract()[0][3] == "主办单位"
    ]
    assert [row[3] for row in table.extract()[1:]] == ["", ""]
    trimmed(sheets)


def test_a_paper_that_fails_says_a_sentence_and_changes_nothing() -> None:
    paper = minutes(1)
    before = copy.deepcopy(paper)
    with pytest.raises(RenderFailed, match="Nothing was changed"):
        pdf._pool(None).print("<p>" + "<b>" * 30_000, {})
    assert paper == before
    assert render("minutes", paper).startswith(b"%PDF")


def test_two_hundred_items_need_less_than_the_memory_they_may() -> None:
    """The most a child ever held, as the kernel counts; 400 MB are asked for."""
    held = pdf._Child(pdf._fontset(None))
    printed(held, "minutes", minutes(200, verify=VERIFY))
    status = Path(f"/proc/{held.process.pid}/status").read_text()
    held.end()
    peak = int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]
    assert peak < 400
