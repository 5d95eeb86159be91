"""What an archive and a screen reader ask of our papers, seen by readers that did not write them.

No validator of PDF/A or PDF/UA can be had here, so nothing is said to conform: each claim is looked at by itself.
The identifier of PDF/UA stands only in papers that pass the checks of `child._identify` while they are printed; the tests
look at the same and more from outside.
"""

import hashlib
import html.parser
import io
import itertools
import re
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pypdfium2
import pytest
from pdfminer.pdftypes import PDFStream, resolve1
from PIL import Image

from hearings.documents import fonts, pdf, render

from .sample import minutes
from .structure import Reader, Tag, plain, words
from .test_pdf import SHEET

NAMES = {
    "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    "dc": "http://purl.org/dc/elements/1.1/",
    "pdf": "http://ns.adobe.com/pdf/1.3/",
    "pdfaid": "http://www.aiim.org/pdfa/ns/id/",
    "pdfuaid": "http://www.aiim.org/pdfua/ns/id/",
}


def picture() -> tuple[str, bytes]:
    body = io.BytesIO()
    Image.new("RGB", (640, 400), (90, 120, 160)).save(body, "JPEG")
    return hashlib.sha256(body.getvalue()).hexdigest(), body.getvalue()


STANDARD = {
    "Document", "Div", "Sect", "NonStruct", "H1", "H2", "H3", "P", "Span", "L", "LI", "LBody", "Table", "THead", "TBody",
    "TR", "TH", "TD", "Figure",
}  # fmt: skip
"""Kinds of ISO 32000-1, 14.8.4, that our papers have."""
PICTURE = picture()
VERIFY = {"code": "ABCDEFGHIJKLMNOPQRST", "url": "http://127.0.0.1:5000/verify/ABCDEFGHIJKLMNOPQRST"}
SECTIONS = [
    {"heading": "一、现场查看", "paragraphs": ["新碶街道的桥下已经清理。"], "items": [
        {"heading": "（一）照明", "paragraphs": ["已经亮灯。"], "measures": ["1. 移交管护。"]}]},
    {"heading": "二、图片", "pictures": [{"sha256": PICTURE[0], "caption": "施工现场"}]},
]  # fmt: skip
PAPERS: dict[str, tuple[str, dict[str, Any]]] = {
    "1 item": ("minutes", minutes(1, verify=VERIFY)),
    "60 items": ("minutes", minutes(60, verify=VERIFY)),
    "wide": ("minutes", minutes(12)),
    "sheet": ("paper", SHEET | {"sections": SECTIONS, "qr": {"url": VERIFY["url"], "caption": "扫码签收"}}),
}
PAPERS["wide"][1]["attachments"][0]["landscape"] = True


@pytest.fixture(scope="module", params=list(PAPERS))
def paper(request: pytest.FixtureRequest) -> tuple[str, dict[str, Any]]:
    return PAPERS[request.param]


@pytest.fixture(scope="module")
def printed(paper: tuple[str, dict[str, Any]]) -> bytes:
    return render(paper[0], paper[1], files={PICTURE[0]: PICTURE[1]})


@pytest.fixture(scope="module")
def reader(printed: bytes) -> Reader:
    return Reader(printed)


def test_it_says_what_it_is(paper: tuple[str, dict[str, Any]], reader: Reader) -> None:
    described = resolve1(reader.catalog["Metadata"])
    assert "Filter" not in described.attrs or described.get_data().startswith(b"<?xpacket")
    packet = described.get_data()
    tree = ElementTree.fromstring(re.sub(rb"<\?xpacket.*?\?>", b"", packet))
    (rdf,) = tree.findall("rdf:RDF", NAMES)
    claims = {k: v for each in rdf for k, v in each.attrib.items()}
    assert claims[f"{{{NAMES['pdfaid']}}}part"] == "3"
    assert claims[f"{{{NAMES['pdfaid']}}}conformance"] == "A"
    assert claims[f"{{{NAMES['pdfuaid']}}}part"] == "1"
    described = [e.text for e in rdf.iter("{http://www.aiim.org/pdfa/ns/schema#}namespaceURI")]
    assert described == [NAMES["pdfuaid"]]  # PDF/A knows no other schema that is not described
    (title,) = rdf.findall(".//dc:title/rdf:Alt/rdf:li", NAMES)
    assert title.text == paper[1]["title"]
    (info,) = reader.miner.info
    assert words(info["Title"]) == paper[1]["title"]
    assert words(info["Producer"]) == claims[f"{{{NAMES['pdf']}}}Producer"]
    assert not {"CreationDate", "ModDate"} & set(info)  # in neither place, so the two cannot differ


def test_colours_are_defined(reader: Reader) -> None:
    (intent,) = resolve1(reader.catalog["OutputIntents"])
    intent = resolve1(intent)
    assert plain(intent["S"]) == "GTS_PDFA1"
    profile = resolve1(intent["DestOutputProfile"])
    assert profile.attrs["N"] == 3
    assert profile.get_data()[36:40] == b"acsp"


def test_nothing_is_locked_and_nothing_runs(printed: bytes, reader: Reader) -> None:
    trailers = [x.trailer for x in reader.miner.xrefs if x.trailer]
    assert all("Encrypt" not in t for t in trailers)
    assert any("ID" in t for t in trailers)
    active = {"JS", "JavaScript", "AA", "OpenAction", "Launch", "RichMedia", "XFA", "AcroForm"}

    def look(value: Any) -> None:
        if isinstance(value, PDFStream):
            value = value.attrs
        if isinstance(value, dict):
            assert not active & set(value), value
            assert plain(value.get("S")) not in ("JavaScript", "Launch", "SubmitForm", "ImportData")
            for each in value.values():
                look(each)
        elif isinstance(value, list):
            for each in value:
                look(each)

    look(reader.catalog)
    for each in reader.objects():
        look(each)
    assert not pypdfium2.PdfDocument(printed).get_formtype()


def test_every_typeface_is_embedded_in_part_and_says_what_its_glyphs_mean(reader: Reader) -> None:
    seen = 0
    for page in reader.pages:
        for reference in resolve1(resolve1(page.page_obj.resources)["Font"]).values():
            font = resolve1(reference)
            assert plain(font["Subtype"]) == "Type0"
            assert "ToUnicode" in font
            (descendant,) = (resolve1(each) for each in resolve1(font["DescendantFonts"]))
            descriptor = resolve1(descendant["FontDescriptor"])
            assert {"FontFile2", "FontFile3"} & set(descriptor)
            assert re.fullmatch(r"[A-Z]{6}\+.+", plain(font["BaseFont"]))
            assert plain(descriptor["FontName"]) == plain(font["BaseFont"])
            seen += 1
    assert seen


def test_language_tags_and_title_are_announced(reader: Reader) -> None:
    assert words(reader.catalog["Lang"]) == "zh-CN"
    assert plain(resolve1(reader.catalog["MarkInfo"])["Marked"]) in (True, "true")
    assert plain(resolve1(reader.catalog["ViewerPreferences"])["DisplayDocTitle"]) in (True, "true")
    for page in reader.pages:
        assert plain(page.page_obj.attrs["Tabs"]) == "S"


def test_pages_are_numbered_as_printed(printed: bytes, reader: Reader) -> None:
    labels = resolve1(resolve1(reader.catalog["PageLabels"])["Nums"])
    assert labels[0] == 0 and plain(resolve1(labels[1])["S"]) == "D"
    document = pypdfium2.PdfDocument(printed)
    assert [document.get_page_label(n) for n in range(len(document))] == [str(n + 1) for n in range(len(document))]


def headings(reader: Reader) -> list[Tag]:
    return [tag for tag in reader.document.walk() if re.fullmatch(r"H\d", tag.kind)]


def test_headings_come_in_order(paper: tuple[str, dict[str, Any]], reader: Reader) -> None:
    found = headings(reader)
    levels = [int(tag.kind[1]) for tag in found]
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))
    content = paper[1]
    wanted = [(1, content["title"])]
    for section in content["sections"]:
        wanted.append((2, section["heading"]))
        wanted += [(3, item["heading"]) for item in section.get("items", [])]
    wanted += [(1, annex["title"]) for annex in content.get("attachments", [])]
    assert list(zip(levels, (tag.whole() for tag in found), strict=True)) == wanted


def test_the_outline_is_the_headings(printed: bytes, reader: Reader) -> None:
    outline = [(item.level, item.get_title()) for item in pypdfium2.PdfDocument(printed).get_toc()]
    assert outline == [(int(tag.kind[1]) - 1, tag.whole()) for tag in headings(reader)]


def test_all_that_is_drawn_is_tagged_or_an_artifact(reader: Reader) -> None:
    heads = {bare(tag.whole()) for tag in reader.document.walk() if tag.kind == "THead"}
    for page in reader.pages:
        drawn = [*page.chars, *page.rects, *page.lines, *page.curves, *page.images]
        assert drawn
        assert [thing for thing in drawn if thing["tag"] is None] == []
        for thing in drawn:
            assert (thing["tag"] == "Artifact") == (thing["mcid"] is None)
        artifacts = "".join(c["text"] for c in page.chars if c["tag"] == "Artifact")
        repeated = artifacts.replace("（草稿）", "").removesuffix(f"— {page.page_number} —")
        assert repeated == "" or bare(repeated) in heads  # of a table that began on an earlier page


def test_every_mark_stands_in_the_tree_once_and_the_way_back_leads_there(reader: Reader) -> None:
    assert len(reader.named) == len(set(reader.named))
    marked = {
        (page.page_number, thing["mcid"])
        for page in reader.pages
        for thing in [*page.chars, *page.rects, *page.curves, *page.images]
        if thing["mcid"] is not None
    }
    assert marked <= set(reader.named)
    nums = resolve1(resolve1(resolve1(reader.catalog["StructTreeRoot"])["ParentTree"])["Nums"])
    back = {nums[i]: resolve1(nums[i + 1]) for i in range(0, len(nums), 2)}
    for page in reader.pages:
        elements = back[page.page_obj.attrs["StructParents"]]
        assert len(elements) == len([m for p, m in reader.named if p == page.page_number])
        for mcid, reference in enumerate(elements):
            element = resolve1(reference)
            kids = resolve1(element["K"])
            assert mcid in (kids if isinstance(kids, list) else [kids])


def test_tables_have_heads_with_their_scope(paper: tuple[str, dict[str, Any]], reader: Reader) -> None:
    tables = [tag for tag in reader.document.walk() if tag.kind == "Table"]
    assert tables
    for table in tables:
        assert {child.kind for child in table.children} <= {"THead", "TBody"}
        rows = [tag for tag in table.walk() if tag.kind == "TR"]
        assert all(cell.kind in ("TH", "TD") for row in rows for cell in row.children)
        assert len({len(row.children) for row in rows}) == 1
        heads = [tag for tag in table.walk() if tag.kind == "TH"]
        assert heads
        for head in heads:
            assert head.parent and head.parent.parent
            in_head = head.parent.parent.kind == "THead"
            assert head.attributes["Scope"] == ("Column" if in_head else "Row")
            assert head.attributes["O"] == "Table"
        if paper[0] == "minutes":
            assert [h.whole() for h in heads] in [a["columns"] for a in paper[1]["attachments"]]


def test_a_figures_box_is_where_it_is_drawn(reader: Reader) -> None:
    for tag in reader.document.walk():
        if tag.kind != "Figure":
            continue
        assert tag.attributes["O"] == "Layout" and tag.page is not None
        page = reader.pages[tag.page - 1]
        left, bottom, right, top = tag.attributes["BBox"]
        inside = [
            thing
            for thing in [*page.images, *page.curves, *page.rects]
            if left - 0.1 <= thing["x0"] and thing["x1"] <= right + 0.1
            if bottom - 0.1 <= thing["y0"] and thing["y1"] <= top + 0.1
        ]
        assert inside
        across = max(thing["x1"] for thing in inside) - min(thing["x0"] for thing in inside)
        assert across == pytest.approx(right - left, rel=0.25)  # a square code has a white edge


def test_embedded_and_linked_things_say_what_they_are(reader: Reader) -> None:
    for each in reader.objects():
        if isinstance(each, dict) and plain(each.get("Type")) == "Filespec":
            assert each["F"] and each["UF"] and each["AFRelationship"]
    assert [page.page_number for page in reader.pages if page.annots] == []  # nothing to click: a paper is for print
    assert resolve1(reader.catalog["MarkInfo"]) == {"Marked": True}
    assert {tag.kind for tag in reader.document.walk()} <= STANDARD


def claims_ua(data: bytes) -> bool:
    return b"pdfuaid:part" in resolve1(Reader(data).catalog["Metadata"]).get_data()


def test_name_cards_are_no_table(fonts_dir: Path) -> None:
    cards = {
        "language": "zh-CN",
        "organisation": "区人大",
        "title": "桌签",
        "cards": [{"name": "陈喆", "unit": "代表"}],
    }
    printed = render("cards", cards, fonts_dir=fonts_dir)
    tags = list(Reader(printed).document.walk())
    assert not {"Table", "TR", "TD"} & {tag.kind for tag in tags}
    assert [tag.whole() for tag in tags if tag.kind == "P"] == ["陈喆", "代表"] * 2
    assert claims_ua(printed)


@pytest.mark.parametrize(
    "wrong",
    [
        {"sections": [{"heading": "一、图", "paragraphs": [], "pictures": [{"sha256": PICTURE[0], "caption": ""}]}]},
        {"title": ""},
    ],
    ids=["a picture without words", "no title"],
)
def test_what_does_not_pass_does_not_say_so(wrong: dict[str, Any]) -> None:
    assert claims_ua(render("paper", SHEET))
    assert not claims_ua(render("paper", SHEET | wrong, files={PICTURE[0]: PICTURE[1]}))


def test_pictures_have_words(paper: tuple[str, dict[str, Any]], reader: Reader) -> None:
    found = [tag.alt for tag in reader.document.walk() if tag.kind == "Figure"]
    wanted = {"1 item": 1, "60 items": 1, "sheet": 2, "wide": 0}
    assert len(found) == next(n for name, n in wanted.items() if PAPERS[name] is paper)
    assert all(found)
    if paper[0] == "paper":
        assert "施工现场" in found


class Text(html.parser.HTMLParser):
    """What a page of HTML says."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.said: list[str] = []
        self.hidden = 0
        self.feed(source)

    def handle_starttag(self, tag: str, attributes: Any) -> None:
        self.hidden += tag in ("style", "title", "svg")

    def handle_endtag(self, tag: str) -> None:
        self.hidden -= tag in ("style", "title", "svg")

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.said.append(data)


def bare(text: str) -> str:
    """Without white space and what is drawn as nothing."""
    return re.sub(r"[\s\u200b\ufffe\u00ad]+", "", text)


def typed(paper: tuple[str, dict[str, Any]]) -> str:
    return bare("".join(Text(pdf.to_html(*paper, fonts.prepare())).said))


def test_the_tree_reads_as_it_was_typed(paper: tuple[str, dict[str, Any]], reader: Reader) -> None:
    whole = typed(paper)
    found = bare(reader.document.whole())
    assert found == whole


def test_what_goes_over_pages_is_one_tag_and_numbered_measures_are_lists(
    paper: tuple[str, dict[str, Any]], reader: Reader
) -> None:
    source = pdf.to_html(*paper, fonts.prepare())
    counted = Counter(tag.kind for tag in reader.document.walk())
    for kind, tag in (
        ("P", "(?:p|figcaption)"),
        ("LI", "li"),
        ("L", "ol"),
        ("Table", "table"),
        ("THead", "thead"),
        ("TR", "tr"),
    ):
        assert counted[kind] == len(re.findall(f"<{tag}[ >]", source)), kind
    for element in (tag for tag in reader.document.walk() if tag.kind == "L"):
        assert len(element.children) > 1 and {child.kind for child in element.children} == {"LI"}
        assert all([body.kind for body in item.children] == ["LBody"] for item in element.children)
        assert [item.whole().split(".")[0] for item in element.children] == [
            str(n) for n in range(1, len(element.children) + 1)
        ]
    if paper[0] == "minutes":
        assert counted["L"]


@pytest.mark.parametrize("program", ["poppler", "PDFium"])
def test_what_is_copied_is_what_was_typed(
    program: str, paper: tuple[str, dict[str, Any]], printed: bytes, tmp_path: Path
) -> None:
    if program == "poppler":
        file = tmp_path / "paper.pdf"
        file.write_bytes(printed)
        said = subprocess.run(["pdftotext", "-raw", str(file), "-"], check=True, capture_output=True).stdout.decode()
        sheets = said.split("\f")[:-1]
    else:
        document = pypdfium2.PdfDocument(printed)
        sheets = [page.get_textpage().get_text_range() for page in document]
    found = "".join(re.sub(rf"—{n}—", "", bare(sheet)) for n, sheet in enumerate(sheets, 1))
    whole = typed(paper)
    heads = ["".join(map(bare, annex["columns"])) for annex in paper[1].get("attachments", [])]
    for head in heads:  # of a table that goes over several pages
        found = found.replace(head, "", max(0, found.count(head) - whole.count(head)))
    assert Counter(found) == Counter(whole)
    assert "碶" in found
    bodies = [re.sub(rf"—{n}—", "", bare(sheet)) for n, sheet in enumerate(sheets, 1)]
    for line in map(bare, lines_of(paper[1])):
        assert any(line in body for body in bodies) or goes_over(line, bodies), line
    assert not re.search("[\ufffd\u2e80-\u2fdf\ue000-\uf8ff]", found)  # no stand-ins, radicals or private characters


def goes_over(line: str, bodies: list[str]) -> bool:
    """Whether it begins on one page and goes on at the top of the next."""
    cuts = range(1, len(line))
    return any(line[:c] in one and two.startswith(line[c:]) for one, two in itertools.pairwise(bodies) for c in cuts)


def lines_of(value: Any, key: str = "") -> list[str]:
    """The paragraphs and headings of a paper; its tables are read cell by cell."""
    if key in ("attachments", "summary", "receipt", "verify", "qr", "pictures", "signature", "cc", "attendance"):
        return []
    if isinstance(value, str):
        return [value] if key in ("heading", "title", "paragraphs", "measures", "overview") else []
    if isinstance(value, dict):
        return [line for k, v in value.items() for line in lines_of(v, k)]
    return [line for each in value for line in lines_of(each, key)] if isinstance(value, list) else []
