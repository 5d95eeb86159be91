"""Papers as Word documents, from the very dicts the PDFs are printed from. The only file that knows python-docx.

What repeats (styles, settings, feet, list) is made once by python-docx and kept as bytes; a paper's body is written
as one string of WordprocessingML, parsed once and put in: a hearing of sixty items has some two thousand paragraphs,
and python-docx's calls paragraph by paragraph take ten times as long.

Measures are those of templates/documents/official.css, in twips (a twentieth of a point).
"""

from __future__ import annotations

import io
import itertools
import logging
import re
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.sax.saxutils import escape, quoteattr

from . import text

if TYPE_CHECKING:
    from docx.document import Document

log = logging.getLogger(__name__)

W = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
NAMESPACES = (
    f'xmlns:w="{W}" xmlns:r="{R}" '
    'xmlns:wp="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006" '
    'xmlns:wps="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"'
)
EMU = 36000
"""English metric units in a millimetre."""
PITCH = round(text.PITCH * 20)
WIDTH, HEIGHT = 11906, 16838
TOP, RIGHT, BOTTOM, LEFT = 2098, 1474, 1984, 1587
"""37, 26, 35 and 28 mm. On even pages left and right change places."""
TYPE_AREA = WIDTH - LEFT - RIGHT
WIDE_AREA = HEIGHT - TOP - BOTTOM
CHARACTER = 315.8
"""156 mm over 28 characters (5.2.2)."""
SIDE = 280
"""One character of 14 pt: what page numbers and the record block keep clear at each side."""
ZIP_DATE = (1980, 1, 1, 0, 0, 0)

SONG, FANG, KAI, HEI = "宋体", "仿宋_GB2312", "楷体_GB2312", "黑体"
TITLE = "方正小标宋简体"
FACES = {
    TITLE: ("FZXiaoBiaoSong-B05S", "roman"),
    FANG: ("FangSong", "modern"),
    KAI: ("KaiTi", "modern"),
    HEI: ("SimHei", "modern"),
    SONG: ("SimSun", "roman"),
}
"""The faces the standard names as offices have them, with the name a machine without them knows and its class."""
LATIN = "Times New Roman"
NO_GAPS = '<w:overflowPunct w:val="1"/><w:autoSpaceDE w:val="0"/><w:autoSpaceDN w:val="0"/>'
"""No air between Han characters and digits. Marks may hang over the edge, as Word does when nothing is said: to say
that they may not would let them hang in LibreOffice, which (7.4) reads this one the wrong way round."""


class Style(NamedTuple):
    """One named paragraph style; distances in twips, sizes in points."""

    id: str
    name: str
    face: str = FANG
    size: float = 16
    line: int = PITCH
    align: str = "both"
    first: int = 0
    """Characters the first line goes in (w:firstLineChars / 100)."""
    before: int = 0
    after: int = 0
    outline: int | None = None
    grid: bool = True
    extra: str = ""
    """More of w:pPr that comes before w:spacing in the schema."""
    indent: str = ""
    run: str = ""


def _bottom(size: int, colour: str = "000000", kind: str = "single") -> str:
    return f'<w:pBdr><w:bottom w:val="{kind}" w:sz="{size}" w:space="0" w:color="{colour}"/></w:pBdr>'


def _hanging(left: float, hanging: float) -> str:
    """Characters the lines after the first stand in, and how many less the first."""
    return (
        f'<w:ind w:leftChars="{round(left * 100)}" w:left="{round(left * CHARACTER)}" '
        f'w:hangingChars="{round(hanging * 100)}" w:hanging="{round(hanging * CHARACTER)}"/>'
    )


_KEEP = "<w:keepNext/>"
_SIDES = f'<w:ind w:left="{SIDE}" w:right="{SIDE}"/>'
STYLES = (
    Style("Body", "公文正文", first=2),
    Style("Mark", "纪要标志", TITLE, 42, 840, "center", grid=False, run='<w:color w:val="FF0000"/>'),
    Style("Serial", "期号", align="center"),
    Style(
        "Number",
        "发文字号",
        align="left",
        grid=False,
        extra=f'<w:tabs><w:tab w:val="right" w:pos="{TYPE_AREA - 316}"/></w:tabs>',
        indent='<w:ind w:left="316" w:right="316"/>',
    ),
    Style("Code", "编号", align="left"),
    Style("Rule", "红色反线", size=2, line=227, grid=False, extra=_bottom(11, "FF0000")),
    Style("PaperTitle", "公文标题", TITLE, 22, PITCH, "center", 0, 2 * PITCH, PITCH, 0, False, _KEEP),
    Style("Version", "版次", KAI, align="center", after=PITCH),
    Style("Addressee", "主送机关", align="left"),
    Style("Heading1", "一级标题", HEI, first=2, outline=1, extra=_KEEP),
    Style("Heading2", "二级标题", KAI, first=2, outline=2, extra=_KEEP),
    Style("Measure", "办理措施", first=2),
    Style("AnnexNote", "附件说明", indent=_hanging(6, 4)),
    Style("Attendance", "出席名单", indent=_hanging(5, 3)),
    Style("Remark", "附注", first=2, before=PITCH),
    Style("Signature", "署名", align="left", grid=False),
    Style("AnnexLabel", "附件", HEI, align="left", extra=_KEEP),
    Style("TableTitle", "表题", HEI, align="center", extra=_KEEP),
    Style("TableText", "表格", size=12, line=340, align="left", grid=False),
    Style("TableHead", "表头", HEI, 12, 340, "center", grid=False),
    Style("TableNote", "表注", size=12, line=340, before=280, grid=False, indent='<w:ind w:firstLine="632"/>'),
    Style("FactText", "要素", size=14, line=440, align="left", grid=False),
    Style("FactHead", "要素名", HEI, 14, 440, "center", grid=False),
    Style("SlipText", "单据要素", size=12, line=360, align="left", grid=False),
    Style("SlipHead", "单据要素名", HEI, 12, 360, "center", grid=False),
    Style("Picture", "图片", size=12, line=0, align="center", before=280, grid=False, extra=_KEEP),
    Style("Caption", "图注", size=12, line=340, align="center", after=280, grid=False),
    Style("CutLine", "裁剪线", size=2, line=280, grid=False, extra=_KEEP + _bottom(6, kind="dashed")),
    Style("Record", "版记", size=14, line=440, align="left", grid=False, indent=_SIDES),
    Style("PageNumber", "页码", SONG, 14, 280, "right", grid=False, indent=_SIDES),
    Style("SquareText", "二维码说明", size=12, line=340, align="right", grid=False),
    Style("VerifyText", "核验说明", size=10.5, line=300, align="right", grid=False),
    Style("CardName", "桌签姓名", HEI, 96, 2304, "center", grid=False),
    Style("CardUnit", "桌签单位", KAI, 22, 572, "center", before=120, grid=False),
    Style("Draft", "草稿标记", HEI, 14, 280, "right", grid=False),
    Style("Spacer", "间隔", size=1, line=10, align="left", grid=False),
)  # fmt: skip
_AFTER = {style.id: style.after for style in STYLES if style.after}
LARGE = {"Body", "Addressee", "Heading1", "Measure", "Signature", "Remark", "AnnexNote", "TableTitle"}


def _styles_of(large: bool) -> Iterator[Style]:
    """The styles of a paper, or of a notice on a door, read from two steps away."""
    for style in STYLES:
        if large and style.id in LARGE:
            yield style._replace(size=18, line=600, grid=False)
        elif large and style.id == "PaperTitle":
            yield style._replace(size=27, line=800, before=200, after=480)
        else:
            yield style


def to_word(template: str, content: Mapping[str, Any], *, files: Mapping[str, bytes] | None = None) -> bytes:
    """Return one paper as a Word document (DOCX) that looks and reads like the PDF of the same dict.

    In: the template's name (`minutes`, `paper`, `cards`), the composed dict (see the heads of templates/documents/),
    and the pictures it names by `attachment:<sha256>`. Out: the document, the same bytes for the same content.
    Text is only ever text: nothing in it becomes a field, a link or markup. A picture that cannot be read leaves
    its caption. Raises KeyError for a template it does not know.
    """
    compose = {"minutes": _minutes, "paper": _paper, "cards": _cards}[template]
    paper = text.clean_all(dict(content))
    base = _base(
        bool(paper.get("single_sided")), bool(paper.get("draft")), bool(paper.get("large")), template == "cards"
    )
    writer = _Writer(base, files or {})
    compose(writer, paper)
    return writer.finish(paper)


# -- what a paper is written with ----------------------------------------------------------------------


_UNSURE = re.compile(
    "[\u00b0\u00b1\u00b7\u00d7\u2010-\u203b\u2103\u2160-\u217f\u2190-\u21ff\u2460-\u24ff\u25a0-\u26ff]"
)
"""Marks that are full-width in Chinese and slim in Latin typefaces; Word wants to be told."""
_GAP = '<w:p><w:pPr><w:pStyle w:val="Spacer"/><w:spacing'
_GAP_LINE = re.compile(_GAP + ' w:line="([0-9]+)"')
_STYLE_OF = re.compile('<w:p><w:pPr><w:pStyle w:val="([^"]+)"/>')


def _run(words: object, face: str = "", size: float = 0) -> str:
    """Return a run of plain text, where wanted in another face and size than its style's."""
    plain = "" if words is None else str(words)
    faces = f' w:ascii="{face}" w:hAnsi="{face}" w:eastAsia="{face}"' if face else ""
    if _UNSURE.search(plain):
        faces = ' w:hint="eastAsia"' + faces
    properties = f"<w:rFonts{faces}/>" if faces else ""
    if size:
        properties += f'<w:sz w:val="{round(size * 2)}"/><w:szCs w:val="{round(size * 2)}"/>'
    properties = f"<w:rPr>{properties}</w:rPr>" if properties else ""
    return f'<w:r>{properties}<w:t xml:space="preserve">{escape(plain)}</w:t></w:r>'


def _paragraph(style: str, runs: str, properties: str = "") -> str:
    """Return a paragraph: `runs` is markup, `properties` what goes into w:pPr beside the style, in its order."""
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/>{properties}</w:pPr>{runs}</w:p>'


def _lines(lines: Iterable[str]) -> str:
    return "<w:r><w:br/></w:r>".join(_run(line) for line in lines)


def _spacing(before: float | None = None, after: float | None = None, line: float | None = None) -> str:
    values = ""
    if before is not None:
        values += f' w:before="{max(0, round(before))}"'
    if after is not None:
        values += f' w:after="{max(0, round(after))}"'
    if line is not None:
        values += f' w:line="{round(line)}" w:lineRule="exact"'
    return f"<w:spacing{values}/>"


def _cell(width: int, paragraphs: str, span: int = 1, middle: bool = True, more: str = "") -> str:
    spans = f'<w:gridSpan w:val="{span}"/>' if span > 1 else ""
    align = '<w:vAlign w:val="center"/>' if middle else ""
    return f'<w:tc><w:tcPr><w:tcW w:w="{width}" w:type="dxa"/>{spans}{more}{align}</w:tcPr>{paragraphs}</w:tc>'


def _row(cells: str, head: bool = False, more: str = "", long: bool = False) -> str:
    """Return a table's row; a `long` one may go on on the next page."""
    whole = "" if long else "<w:cantSplit/>"
    return f"<w:tr><w:trPr>{whole}{more}{'<w:tblHeader/>' if head else ''}</w:trPr>{cells}</w:tr>"


def _grid(widths: Sequence[int]) -> str:
    return "<w:tblGrid>" + "".join(f'<w:gridCol w:w="{width}"/>' for width in widths) + "</w:tblGrid>"


def _shared(whole: int, shares: Sequence[float]) -> list[int]:
    """Divide `whole` twips by `shares`, exactly."""
    edges = [0, *(round(whole * sum(shares[: n + 1]) / (sum(shares) or 1)) for n in range(len(shares)))]
    return [b - a for a, b in itertools.pairwise(edges)]


class _Base(NamedTuple):
    """A prepared empty document and what its two kinds of page are called in it."""

    package: bytes
    upright: str
    wide: str


class _Writer:
    """Collects a paper's blocks; opens a section where the paper turns on its side."""

    def __init__(self, base: _Base, files: Mapping[str, bytes]) -> None:
        import docx

        self.base = base
        self.files = files
        self.document: Document = docx.Document(io.BytesIO(base.package))
        self.blocks: list[str] = []
        self.lists: list[str] = []
        self.drawings = 0
        self.on_its_side = False

    def add(self, style: str, words: object, properties: str = "") -> None:
        self.blocks.append(_paragraph(style, _run(words), properties))

    def paragraphs(self, lines: Iterable[str]) -> None:
        for line in lines:
            self.add("Body", line)

    @property
    def last_style(self) -> str:
        """The style of the last paragraph; nothing after a table or at the beginning."""
        found = _STYLE_OF.match(self.blocks[-1]) if self.blocks else None
        return found[1] if found else ""

    @property
    def whole(self) -> int:
        """How wide the type area is."""
        return WIDE_AREA if self.on_its_side else TYPE_AREA

    def turn(self, on_its_side: bool) -> None:
        """End the section, if the paper lies the other way; the next begins on a new page."""
        if on_its_side == self.on_its_side:
            return
        self.no_gap()
        section = self.base.wide if self.on_its_side else self.base.upright
        self.blocks.append(_paragraph("Spacer", "", section))
        self.on_its_side = on_its_side

    def air(self, before: float) -> str:
        """Return the spacing before the next paragraph: what lies below the last block counts towards it."""
        below = float(_AFTER.get(self.last_style, 0))
        if self.blocks and (gap := _GAP_LINE.match(self.blocks[-1])):
            below = int(gap[1])
        return _spacing(max(0, before - below))

    def keep(self) -> None:
        """Let the last paragraph stand on one page with what comes next."""
        if self.last_style not in ("", "Spacer") and "<w:keepNext/>" not in self.blocks[-1]:
            self.blocks[-1] = _STYLE_OF.sub(lambda style: style[0] + _KEEP, self.blocks[-1], count=1)

    def no_gap(self) -> None:
        """Take back the air after a table where the page ends anyway: it might end on a page of its own."""
        if self.blocks and self.blocks[-1].startswith(_GAP):
            self.blocks.pop()

    def measures(self, measures: Sequence[str]) -> None:
        """Numbered measures become a list of Word's own where it shows what is written: 1. 2. 3. without a gap."""
        found = [text.NUMBERED.match(measure) for measure in measures]
        if len(found) < 2 or [match and match[1] for match in found] != [str(n + 1) for n in range(len(found))]:
            for measure in measures:
                self.add("Measure", measure)
            return
        number = len(self.lists) + 1
        self.lists.append(
            f'<w:num {NAMESPACES} w:numId="{number}"><w:abstractNumId w:val="0"/>'
            '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride></w:num>'
        )
        properties = f'<w:numPr><w:ilvl w:val="0"/><w:numId w:val="{number}"/></w:numPr>'
        for measure, match in zip(measures, found, strict=True):
            assert match
            self.add("Measure", measure[match.end() :], properties)

    def picture(self, image: bytes, alt: str, side: float | None = None) -> str:
        """Return a run with a picture, or nothing if it cannot be read.

        In: the file; what it shows; its height and width in millimetres, if it is a square (else its natural size,
        at most the type area's width and 80 mm high).
        """
        try:
            image, (across, down) = _readable(image)
            part, _ = self.document.part.get_or_add_image(io.BytesIO(image))
        except Exception:  # whatever a damaged picture does to the libraries, the paper is printed
            log.warning("a picture could not be read: %s", alt, exc_info=True)
            return ""
        pixel = 25.4 / 96
        scale = side / across if side else min(pixel, 156 / across, 80 / down)
        width, height = max(1, round(across * scale * EMU)), max(1, round(down * scale * EMU))
        self.drawings += 1
        name = f'id="{self.drawings}" name="图片 {self.drawings}" descr={quoteattr(alt)}'
        return (
            '<w:r><w:drawing><wp:inline distT="0" distB="0" distL="0" distR="0">'
            f'<wp:extent cx="{width}" cy="{height}"/><wp:docPr {name}/>'
            '<a:graphic><a:graphicData uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic>'
            f'<pic:nvPicPr><pic:cNvPr {name}/><pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="{part}"/>'
            '<a:stretch><a:fillRect/></a:stretch></pic:blipFill><pic:spPr><a:xfrm><a:off x="0" y="0"/>'
            f'<a:ext cx="{width}" cy="{height}"/></a:xfrm><a:prstGeom prst="rect"><a:avLst/></a:prstGeom></pic:spPr>'
            "</pic:pic></a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
        )

    def finish(self, paper: Mapping[str, Any]) -> bytes:
        """Put the body in and return the document's bytes."""
        from docx.oxml import parse_xml

        if self.blocks and self.blocks[-1].startswith(_GAP):
            self.blocks[-1] = _paragraph("Spacer", "")  # Word wants a paragraph after the last table
        last = self.base.wide if self.on_its_side else self.base.upright
        body = parse_xml(f"<w:body {NAMESPACES}>{''.join(self.blocks)}{last}</w:body>".encode())
        root = self.document.element
        root.replace(root.body, body)
        if self.lists:
            numbering = self.document.part.numbering_part.element
            for each in self.lists:
                numbering.append(parse_xml(each))
        properties = self.document.core_properties
        properties.title = str(paper.get("title") or "")[:255]
        properties.author = str(paper.get("organisation") or "")[:255]
        properties.language = str(paper.get("language") or "zh-CN")[:255]
        saved = io.BytesIO()
        self.document.save(saved)
        return _timeless(saved)


def _timeless(saved: io.BytesIO) -> bytes:
    """Return the package with one date on all its files: the same paper is the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(saved) as package, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in package.namelist():
            entry = zipfile.ZipInfo(name, ZIP_DATE)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 0
            packed.writestr(entry, package.read(name))
    return out.getvalue()


def _readable(image: bytes) -> tuple[bytes, tuple[int, int]]:
    """Return a picture Word can show and its size in pixels; WebP becomes PNG. Raises what Pillow raises."""
    from PIL import Image

    with Image.open(io.BytesIO(image)) as opened:
        size = opened.size
        if opened.format in ("PNG", "JPEG", "GIF"):
            return image, size
        converted = io.BytesIO()
        opened.convert("RGBA" if opened.has_transparency_data else "RGB").save(converted, "PNG")
        return converted.getvalue(), size


# -- the parts every paper is made of (templates/documents/parts.html) -----------------------------------


def _heading(to: _Writer, title: str, before: float | None = None, per_line: int = 20) -> None:
    properties = "" if before is None else _spacing(before)
    to.blocks.append(_paragraph("PaperTitle", _lines(text.title_lines(title, per_line)), properties))


def _sections(to: _Writer, sections: Iterable[Mapping[str, Any]]) -> None:
    for section in sections:
        to.add("Heading1", section["heading"])
        to.paragraphs(section.get("paragraphs") or [])
        for item in section.get("items") or []:
            to.add("Heading2", item["heading"])
            to.paragraphs(item.get("paragraphs") or [])
            to.measures(item.get("measures") or [])
        _tables(to, section.get("tables") or [])
        _pictures(to, section.get("pictures") or [])


def _table(to: _Writer, table: Mapping[str, Any], title: str) -> None:
    """A real table: its head repeats on every page, its rows do not split unless one fills a page."""
    columns, rows = table["columns"], table["rows"]
    if to.last_style not in ("TableTitle", "PaperTitle", "Heading1", "Heading2", "Spacer", ""):
        _gap(to, 200)
    whole = to.whole
    shares = text.column_shares(columns, rows, table.get("widths") or [], whole / 20, 12)
    widths = _shared(whole, shares)
    middle = text.centred(rows)
    centre = '<w:jc w:val="center"/>'
    parts = [
        '<w:tbl><w:tblPr><w:tblStyle w:val="PaperTable"/>',
        f'<w:tblW w:w="{whole}" w:type="dxa"/><w:tblLayout w:type="fixed"/>',
        f'<w:tblLook w:val="0020" w:firstRow="1"/><w:tblCaption w:val={quoteattr(title)}/></w:tblPr>',
        _grid(widths),
        _row("".join(_cell(w, _paragraph("TableHead", _run(c))) for w, c in zip(widths, columns, strict=True)), True),
    ]
    left = table.get("left") or []
    tall = '<w:trHeight w:val="624" w:hRule="atLeast"/>' if table.get("tall") else ""
    for row in rows:
        cells = (
            _cell(width, _paragraph("TableText", _run(cell), centre if middle[n] and n not in left else ""))
            for n, (width, cell) in enumerate(zip(widths, row, strict=False))
        )
        long = text.fills_a_page(row, shares, 12, 17, on_its_side=to.on_its_side)
        parts.append(_row("".join(cells), more=tall, long=long))
    to.blocks.append("".join(parts) + "</w:tbl>")
    if table.get("note"):
        to.add("TableNote", table["note"])
    else:
        _gap(to, 280)


def _gap(to: _Writer, twips: int) -> None:
    """Leave air after a table, which cannot carry it; Word also wants a paragraph between two."""
    to.blocks.append(_paragraph("Spacer", "", _spacing(line=twips)))


def _tables(to: _Writer, tables: Iterable[Mapping[str, Any]]) -> None:
    for each in tables:
        if each.get("title"):
            after_text = to.last_style not in ("PaperTitle", "Heading1", "Heading2", "Spacer", "")
            to.add("TableTitle", each["title"], _spacing(280) if after_text else "")
        _table(to, each, each.get("title") or "")


def _facts(to: _Writer, rows: Iterable[Sequence[Any]], kind: str = "Fact", together: bool = False) -> None:
    widths = _shared(to.whole, [22, 78])
    rows = list(rows)
    parts = [
        '<w:tbl><w:tblPr><w:tblStyle w:val="PaperTable"/>',
        f'<w:tblW w:w="{to.whole}" w:type="dxa"/><w:tblLayout w:type="fixed"/>',
        '<w:tblLook w:val="0080" w:firstColumn="1"/></w:tblPr>',
        _grid(widths),
    ]
    for number, (label, value) in enumerate(rows, 1):
        keep = _KEEP if together and number < len(rows) else ""
        lines = [""] if value is None else [value] if isinstance(value, str) else list(value) or [""]
        said = "".join(_paragraph(f"{kind}Text", _run(line), keep) for line in lines)
        head = _cell(widths[0], _paragraph(f"{kind}Head", _run(label), keep))
        long = text.fills_a_page([label, lines], [22, 78], 14, 22, on_its_side=False)
        parts.append(_row(head + _cell(widths[1], said), long=long))
    if rows:
        to.blocks.append("".join(parts) + "</w:tbl>")
        _gap(to, PITCH)


def _pictures(to: _Writer, pictures: Iterable[Mapping[str, Any]]) -> None:
    for picture in pictures:
        image = to.files.get(f"attachment:{picture['sha256']}", to.files.get(str(picture["sha256"])))
        shown = to.picture(image, str(picture["caption"])) if image else ""
        if shown:
            to.blocks.append(_paragraph("Picture", shown, to.air(280)))
        to.add("Caption", picture["caption"])


def _annex_note(to: _Writer, attachments: Sequence[Mapping[str, Any]]) -> None:
    for number, annex in enumerate(attachments, 1):
        named = (f"{number}. " if len(attachments) > 1 else "") + str(annex["title"])
        if number == 1:
            to.keep()
            to.add("AnnexNote", "附件：" + named, to.air(PITCH))
        else:
            to.add("AnnexNote", named, _hanging(6, 1))


def _annexes(to: _Writer, attachments: Sequence[Mapping[str, Any]]) -> None:
    for number, annex in enumerate(attachments, 1):
        wide = bool(annex.get("landscape"))
        turned = wide != to.on_its_side
        to.turn(wide)
        to.no_gap()
        label = f"附件{number if len(attachments) > 1 else ''}"
        to.add("AnnexLabel", label, "" if turned else "<w:pageBreakBefore/>")
        _heading(to, annex["title"], PITCH)
        _table(to, annex, annex["title"])


def _record(
    to: _Writer,
    cc: Sequence[str],
    signers: Sequence[str],
    issuer: str,
    issued_on: str | None,
    verify: Mapping[str, Any] | None = None,
) -> None:
    """版记 (7.4): at the bottom of the last page's type area; an over-long one stands in the flow."""
    to.turn(False)
    to.no_gap()
    copies = "、".join(cc)
    dated = f"{issued_on}印发" if issued_on else ""
    count = (text.lines_needed(copies, 26) if cc else 0) + text.lines_needed(f"{issuer}　　{dated}", 28)
    abreast = len(signers) <= 3 and all(text.width(signer) <= 9 for signer in signers)
    count += 1 if signers and abreast else sum(text.lines_needed(signer, 28) for signer in signers)
    rows = []
    if cc:
        rows.append(_cell(TYPE_AREA, _paragraph("Record", _run(f"抄送：{copies}。"), _RECORD_HANGING), 3))
    if signers and abreast:
        thirds = zip(_shared(TYPE_AREA, [1, 1, 1]), ("left", "center", "right"), [*signers, "", ""], strict=False)
        rows.append(
            "".join(
                _cell(wide, _paragraph("Record", _run(signer), f'{_inset(side)}<w:jc w:val="{side}"/>'))
                for wide, side, signer in thirds
            )
        )
    elif signers:
        rows.append(_cell(TYPE_AREA, "".join(_paragraph("Record", _run(signer)) for signer in signers), 3))
    tab = f'<w:tabs><w:tab w:val="right" w:pos="{TYPE_AREA - SIDE}"/></w:tabs>'
    last = _run(issuer) + ("<w:r><w:tab/></w:r>" + _run(dated) if dated else "")
    rows.append(_cell(TYPE_AREA, _paragraph("Record", last, tab), 3))
    table = (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="RecordTable"/><w:tblW w:w="{TYPE_AREA}" w:type="dxa"/>'
        '<w:tblLayout w:type="fixed"/><w:tblLook w:val="0000"/></w:tblPr>'
        + _grid(_shared(TYPE_AREA, [1, 1, 1]))
        + "".join(map(_row, rows))
        + "</w:tbl>"
    )
    if verify:
        table = _verify(to, verify) + table
    end = _paragraph("Spacer", "")
    if count > 26:
        to.blocks += [table, end]
        return
    place = (
        '<wp:positionH relativeFrom="margin"><wp:align>center</wp:align></wp:positionH>'
        '<wp:positionV relativeFrom="margin"><wp:align>bottom</wp:align></wp:positionV>'
    )
    high = (count * 440 + 30 * len(rows) + (1160 if verify else 0)) * 635
    to.blocks.append(_paragraph("Spacer", _box(table + end, place, TYPE_AREA * 635, high, "版记", "topAndBottom", "b")))


def _verify(to: _Writer, verify: Mapping[str, Any]) -> str:
    """Over the first rule: whether this paper is the one that was issued."""
    code = str(verify["code"])
    grouped = "-".join([code[:5], code[5:10], code[10:15], code[15:]])
    where = str(verify["url"]).rsplit("/", 1)[0]
    said = _paragraph("VerifyText", _run(f"核验码：{grouped}"), _spacing(80))
    said += _paragraph("VerifyText", _run(f"扫码，或在{where}输入核验码，可核对本文。"))
    return _beside([TYPE_AREA - 1247, 1247], said, _code(to, verify["url"], 18), 1020) + _paragraph(
        "Spacer", "", _spacing(line=100)
    )


def _inset(side: str) -> str:
    return f'<w:ind w:left="{SIDE if side == "left" else 0}" w:right="{SIDE if side == "right" else 0}"/>'


_RECORD_HANGING = f'<w:ind w:left="{4 * SIDE}" w:right="{SIDE}" w:hanging="{3 * SIDE}"/>'


def _box(
    inside: str, place: str, wide: int, high: int, name: str, wrap: str = "none", anchor: str = "t", more: str = ""
) -> str:
    """Return a run with a frameless box of text that stands at a place of the page; sizes in EMU."""
    wraps = {"none": "<wp:wrapNone/>", "topAndBottom": "<wp:wrapTopAndBottom/>"}[wrap]
    number = 9001 + zlib.crc32((name + place + inside).encode()) % 10**6  # no two alike in one document
    return (
        '<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing>'
        '<wp:anchor distT="0" distB="0" distL="0" distR="0" simplePos="0" relativeHeight="2" behindDoc="0" locked="0" '
        f'layoutInCell="1" allowOverlap="1"><wp:simplePos x="0" y="0"/>{place}'
        f'<wp:extent cx="{wide}" cy="{high}"/>{wraps}'
        f'<wp:docPr id="{number}" name="{name}"/><a:graphic><a:graphicData '
        'uri="http://schemas.microsoft.com/office/word/2010/wordprocessingShape"><wps:wsp><wps:cNvSpPr txBox="1"/>'
        f'<wps:spPr><a:xfrm><a:off x="0" y="0"/><a:ext cx="{wide}" cy="{high}"/></a:xfrm><a:prstGeom prst="rect">'
        "<a:avLst/></a:prstGeom><a:noFill/><a:ln><a:noFill/></a:ln></wps:spPr>"
        f"<wps:txbx><w:txbxContent>{inside}</w:txbxContent></wps:txbx>"
        f'<wps:bodyPr {more}wrap="square" lIns="0" tIns="0" rIns="0" bIns="0" anchor="{anchor}"/></wps:wsp>'
        "</a:graphicData></a:graphic></wp:anchor></w:drawing></mc:Choice></mc:AlternateContent></w:r>"
    )


# -- the papers ------------------------------------------------------------------------------------------


def _minutes(to: _Writer, paper: dict[str, Any]) -> None:
    code = paper.get("code")
    if code:
        to.add("Code", f"编号：{code[:60]}")
    size, lines = text.mark_lines(paper["mark"])
    serial = paper.get("serial_no")
    # The mark's top lies 35 mm under the type area's; in a line of its own height the square begins 0.08 higher.
    before = 35 * text.MM * 20 + 0.08 * size * 20 - (PITCH if code else 0)
    gap = text.head_gap(paper["mark"], serial is not None) * 20 - 0.08 * size * 20
    for number, line in enumerate(lines):
        spacing = _spacing(
            before if number == 0 else 0.2 * size * 20, gap if number == len(lines) - 1 else 0, size * 20
        )
        to.blocks.append(_paragraph("Mark", _run(line, size=size), spacing))
    if serial is not None:
        to.add("Serial", f"第{serial}期")
    dated = "<w:r><w:tab/></w:r>" + _run(paper["issued_on"]) if paper.get("issued_on") else ""
    to.blocks.append(_paragraph("Number", _run(paper["issuer"]) + dated))
    to.blocks.append(_paragraph("Rule", ""))
    _heading(to, paper["title"])
    if paper["version"] > 1:
        to.add("Version", f"（第{paper['version']}版）")
    to.paragraphs(paper["overview"])
    _sections(to, paper["sections"])
    attachments = paper["attachments"]
    _annex_note(to, attachments)
    for number, each in enumerate(paper["attendance"]):
        label = _run(f"{each['label']}：", HEI)
        names = _run("；".join(each["groups"]))
        to.blocks.append(_paragraph("Attendance", label + names, "" if number else to.air(PITCH)))
    if paper.get("correction_reason"):
        to.keep()
        to.add("Remark", f"（本纪要为第{paper['version']}版。更正原因：{paper['correction_reason']}）", to.air(PITCH))
    _annexes(to, attachments)
    named = (("拟稿：", "drafted_by"), ("核稿：", "reviewed_by"), ("签发：", "issued_by"))
    signers = [label + paper[key] for label, key in named if paper.get(key)]
    _record(to, paper["cc"], signers, paper["issuer"], paper["issued_on"], paper.get("verify"))


def _paper(to: _Writer, paper: dict[str, Any]) -> None:
    to.on_its_side = bool(paper.get("landscape"))
    large = bool(paper.get("large"))
    before: float | None = None if large else PITCH
    if paper.get("qr"):
        _square(to, paper["qr"])
        before = None if large else 280
    if paper.get("letter"):
        numbered = _run(f"编号：{paper['code']}") if paper.get("code") else ""
        letter = _run(paper["letter"], HEI, 22)
        tab = f'<w:tabs><w:tab w:val="right" w:pos="{to.whole}"/></w:tabs>'
        to.blocks.append(_paragraph("Code", f"{numbered}<w:r><w:tab/></w:r>{letter}", tab))
        before = before if numbered else 0
    elif paper.get("code"):
        to.add("Code", f"编号：{paper['code']}", '<w:jc w:val="right"/>')
    _heading(to, paper["title"], before, 16 if large else 20)
    if paper.get("addressee"):
        to.add("Addressee", paper["addressee"])
    if paper.get("summary"):
        _facts(to, paper["summary"], "Slip" if paper.get("receipt") else "Fact")
    to.paragraphs(paper.get("paragraphs") or [])
    _sections(to, paper.get("sections") or [])
    _tables(to, paper.get("tables") or [])
    _pictures(to, paper.get("pictures") or [])
    attachments = paper.get("attachments") or []
    _annex_note(to, attachments)
    if paper.get("signature"):
        _signature(to, paper["signature"], large)
    if paper.get("remark"):
        to.keep()
        to.add("Remark", f"（{paper['remark']}）", to.air(PITCH))
    if paper.get("receipt"):
        to.turn(False)
        to.blocks.append(_paragraph("CutLine", "", to.air(280)))
        to.add("TableTitle", paper["receipt"]["title"], _spacing(280))
        _facts(to, paper["receipt"]["rows"], "Slip", together=True)
    _annexes(to, attachments)
    if paper.get("cc") or paper.get("issuer"):
        issuer = paper.get("issuer") or paper["organisation"]
        _record(to, paper.get("cc") or [], [], issuer, paper.get("issued_on"))


def _square(to: _Writer, square: Mapping[str, Any]) -> None:
    """A square code of 28 mm at the top right; beside it what it is for and the address it holds."""
    widths = [to.whole - 1814, 1814]
    said = _paragraph("SquareText", _run(square["caption"]), _spacing(400))
    said += _paragraph("SquareText", _run(square["url"]))
    to.blocks.append(_beside(widths, said, _code(to, square["url"], 28), 1588))
    _gap(to, 20)


def _code(to: _Writer, url: str, side: float) -> str:
    """Return a paragraph with an address as a square code of `side` millimetres; empty if no code can hold it."""
    from . import qr

    try:
        image = qr.png(url)
    except ValueError:
        return _paragraph("SquareText", "")
    shown = to.picture(image, f"二维码：{url}", side)
    return _paragraph("Picture", shown, _spacing(0) + '<w:jc w:val="right"/>')


def _beside(widths: Sequence[int], said: str, shown: str, high: int) -> str:
    """Return a table without lines: words at the left, a picture at the right, `high` twips high."""
    cells = _cell(widths[0], said, middle=False) + _cell(widths[1], shown, middle=False)
    return (
        f'<w:tbl><w:tblPr><w:tblStyle w:val="PlainTable"/><w:tblW w:w="{sum(widths)}" w:type="dxa"/>'
        f'<w:tblLayout w:type="fixed"/><w:tblLook w:val="0000"/></w:tblPr>{_grid(widths)}'
        + _row(cells, more=f'<w:trHeight w:val="{high}" w:hRule="atLeast"/>')
        + "</w:tbl>"
    )


def _signature(to: _Writer, signature: Mapping[str, Any], large: bool) -> None:
    """7.3.5.1 sealed: date four characters from the right, organ centred over it; 7.3.5.2 not sealed: organ two
    characters from the right, the date begins two after the organ's first.
    """
    to.keep()
    organ, date = str(signature["organ"]), str(signature.get("date") or "")
    sealed = bool(signature.get("sealed"))
    right = round((4 if sealed else 2) * CHARACTER)
    shift = 0 if sealed or large else round(2 * CHARACTER)
    size = 360 if large else 320
    wide = max(text.width(organ) * size, text.width(date) * size + shift)
    left = max(0, round(to.whole - right - wide))
    if sealed:  # room on both sides: the air that Word puts between Han characters and digits is not in `wide`
        left, right = max(0, left - round(CHARACTER)), right - round(CHARACTER)
    align = '<w:jc w:val="center"/>' if sealed else ""
    keep = "<w:keepNext/><w:keepLines/>"
    first = f'<w:ind w:left="{left}" w:right="{right if sealed else 0}"/>'
    then = f'<w:ind w:left="{left + shift}" w:right="{right if sealed else 0}"/>'
    to.add("Signature", organ, (keep if date else "") + to.air(PITCH) + first + align)
    if date:
        to.add("Signature", date, then + align)


def _cards(to: _Writer, paper: dict[str, Any]) -> None:
    """Name cards, two to a sheet on its side: columns of 74.25 mm, folded at the dotted line, cut at the dashed one.

    Word cannot stand text on its head; turned a quarter left and right, the two faces of a card do the same.
    """
    to.on_its_side = True
    widths = _shared(HEIGHT, [1, 1, 1, 1])
    cards = paper["cards"]
    rows = []
    for n in range(0, len(cards), 2):
        pair = cards[n : n + 2]
        cells = []
        for place in range(4):
            card = pair[place // 2] if place // 2 < len(pair) else None
            kind = "dotted" if place in (0, 2) and card else "dashed" if place == 1 and len(pair) == 2 else ""
            edge = f'<w:tcBorders><w:right w:val="{kind}" w:sz="6" w:space="0" w:color="000000"/></w:tcBorders>'
            turned = f'<w:textDirection w:val="{"btLr" if place % 2 else "tbRl"}"/>'
            cells.append(_cell(widths[place], _face(card), more=(edge if kind else "") + _CARD_MARGINS + turned))
        rows.append(_row("".join(cells), more=f'<w:trHeight w:val="{WIDTH - 30}" w:hRule="exact"/>'))
    if rows:
        to.blocks.append(
            f'<w:tbl><w:tblPr><w:tblStyle w:val="PlainTable"/><w:tblW w:w="{HEIGHT}" w:type="dxa"/>'
            f'<w:tblLayout w:type="fixed"/><w:tblLook w:val="0000"/></w:tblPr>{_grid(widths)}{"".join(rows)}</w:tbl>'
        )
    to.blocks.append(_paragraph("Spacer", ""))


_CARD_MARGINS = '<w:tcMar><w:top w:w="850" w:type="dxa"/><w:bottom w:w="850" w:type="dxa"/></w:tcMar>'


def _face(card: Mapping[str, Any] | None) -> str:
    if card is None:
        return _paragraph("CardUnit", "")
    name, unit = str(card["name"])[:80], str(card.get("unit") or "")
    long = max(1, len(name))
    size = 96 if long <= 5 else 500 / long if long <= 14 else 36 if long <= 28 else 22
    said = _paragraph("CardName", _run(name, size=size), _spacing(line=size * 24))
    if unit:
        small = 22 if len(unit) <= 22 else 14
        said += _paragraph("CardUnit", _run(unit[:90], size=small), _spacing(line=small * 26))
    return said


# -- the prepared document -------------------------------------------------------------------------------


_UNWANTED = {"thumbnail", "customXml", "stylesWithEffects", "webSettings", "theme"}
"""Of python-docx's own empty document."""


@lru_cache(maxsize=16)
def _base(single_sided: bool, draft: bool, large: bool, cards: bool) -> _Base:
    """Return the empty document with its styles, settings, list and feet, made once in a process."""
    import docx
    from docx.opc.constants import RELATIONSHIP_TYPE as RT
    from docx.oxml import parse_xml
    from lxml import etree

    document = docx.Document()
    package = document.part.package
    for part in (package, document.part):
        for name, relation in list(part.rels.items()):
            if relation.reltype.rsplit("/", 1)[-1] in _UNWANTED:
                del part.rels[name]
    for kind, blob in ((RT.FONT_TABLE, _font_table()), (RT.EXTENDED_PROPERTIES, _application())):
        owner = package if kind == RT.EXTENDED_PROPERTIES else document.part
        owner.part_related_by(kind)._blob = blob.encode()
    _become(document.styles.element, parse_xml(_styles(large)))
    _become(document.settings.element, parse_xml(_settings(single_sided)))
    _become(document.part.numbering_part.element, parse_xml(_numbering()))
    properties = package.core_properties
    for child in list(properties._element):
        properties._element.remove(child)

    section = document.sections[0]
    if cards:
        page = etree.tostring(_page(section, single_sided, True, bare=True)).decode()
        saved = io.BytesIO()
        document.save(saved)
        return _Base(saved.getvalue(), page, page)
    _feet(section, single_sided, draft, None)
    upright = etree.tostring(_page(section, single_sided, False)).decode()
    wide = document.add_section()
    _feet(wide, single_sided, draft, (144.06, 30.94))
    lying = etree.tostring(_page(wide, single_sided, True)).decode()
    saved = io.BytesIO()
    document.save(saved)
    return _Base(saved.getvalue(), upright, lying)


def _become(old: Any, new: Any) -> None:
    """Give an element another's content; python-docx's parts keep hold of the element."""
    old.clear()
    for name, value in new.attrib.items():
        old.set(name, value)
    old.extend(list(new))


def _page(section: Any, single_sided: bool, wide: bool, bare: bool = False) -> Any:
    """Write a section's paper, margins and grid; return its element."""
    from docx.oxml import parse_xml

    element = section._sectPr
    for name in list(element.attrib):
        del element.attrib[name]
    for child in list(element):
        if not child.tag.endswith(("headerReference", "footerReference")):
            element.remove(child)
    if wide:
        # Word mirrors left and right only; the mean keeps every edge within a millimetre on both sides of the sheet.
        top, right, bottom, left = (LEFT, TOP, RIGHT, BOTTOM) if single_sided else (1531, 2041, 1531, 2041)
        if bare:
            top = right = bottom = left = 0
        size = f'w:w="{HEIGHT}" w:h="{WIDTH}" w:orient="landscape"'
        header, lines = 1081, 0
    else:
        top, right, bottom, left = TOP, RIGHT, BOTTOM, LEFT
        size = f'w:w="{WIDTH}" w:h="{HEIGHT}"'
        header, lines = 1591, PITCH
    grid = f'<w:docGrid w:type="lines" w:linePitch="{PITCH}"/>' if lines else ""
    written = parse_xml(
        f'<w:sectPr {NAMESPACES}><w:type w:val="nextPage"/><w:pgSz {size}/><w:pgMar w:top="{top}" w:right="{right}" '
        f'w:bottom="{bottom}" w:left="{left}" w:header="{header}" w:footer="1287" w:gutter="0"/><w:cols w:space="425"/>'
        f"{grid}</w:sectPr>"
    )
    element.extend(list(written))
    return element


def _feet(section: Any, single_sided: bool, draft: bool, places: tuple[float, float] | None) -> None:
    """Write a section's page numbers, right on odd and left on even pages, and the word draft over each page.

    On a page on its side the number stays where it is on the other pages of the bound paper (7.6): in a box that
    stands on end in the left margin, at the height in millimetres of `places` on odd and on even pages.
    """
    from docx.oxml import parse_xml

    number = _run("— ") + '<w:fldSimple w:instr=" PAGE "><w:r><w:t>1</w:t></w:r></w:fldSimple>' + _run(" —")
    sides = [(section.header, section.footer, "right", 0)]
    if not single_sided:
        sides.append((section.even_page_header, section.even_page_footer, "left", 1))
    for header, footer, align, index in sides:
        for story, markup in (
            (footer, _foot(number, align, places[index] if places else None)),
            (header, _paragraph("Draft", _run("（草稿）"))),
        ):
            if story is header and not draft:
                continue
            story.is_linked_to_previous = False
            for child in list(story._element):
                story._element.remove(child)
            story._element.extend(list(parse_xml(f"<w:body {NAMESPACES}>{markup}</w:body>")))


def _foot(number: str, align: str, on_end: float | None) -> str:
    if on_end is None:
        return _paragraph("PageNumber", number, f'<w:jc w:val="{align}"/>')
    inside = _paragraph("PageNumber", number, f'<w:ind w:left="0" w:right="0"/><w:jc w:val="{align}"/>')
    place = (
        f'<wp:positionH relativeFrom="page"><wp:posOffset>{22 * EMU}</wp:posOffset></wp:positionH>'
        f'<wp:positionV relativeFrom="page"><wp:posOffset>{round(on_end * EMU)}</wp:posOffset></wp:positionV>'
    )
    return _paragraph("Spacer", _box(inside, place, 6 * EMU, 35 * EMU, "页码", more='vert="vert" '))


def _styles(large: bool) -> str:
    """Return word/styles.xml: the defaults, one named style for each part of a paper, two tables."""
    latin = f'w:ascii="{LATIN}" w:hAnsi="{LATIN}" w:cs="{LATIN}"'
    parts = [
        f"<w:styles {NAMESPACES}><w:docDefaults><w:rPrDefault><w:rPr>"
        f'<w:rFonts {latin} w:eastAsia="{FANG}"/><w:kern w:val="0"/><w:sz w:val="32"/><w:szCs w:val="32"/>'
        '<w:lang w:val="zh-CN" w:eastAsia="zh-CN" w:bidi="ar-SA"/></w:rPr></w:rPrDefault>'
        f"<w:pPrDefault><w:pPr>{NO_GAPS}</w:pPr></w:pPrDefault></w:docDefaults>"
        '<w:style w:type="paragraph" w:default="1" w:styleId="Normal"><w:name w:val="Normal"/><w:qFormat/><w:pPr>'
        f'<w:widowControl w:val="0"/>{NO_GAPS}'
        f'<w:spacing w:before="0" w:after="0" w:line="{PITCH}" w:lineRule="exact"/><w:jc w:val="both"/></w:pPr>'
        '<w:rPr><w:sz w:val="32"/><w:szCs w:val="32"/></w:rPr></w:style>'
        '<w:style w:type="character" w:default="1" w:styleId="DefaultParagraphFont">'
        '<w:name w:val="Default Paragraph Font"/><w:uiPriority w:val="1"/><w:semiHidden/></w:style>'
        '<w:style w:type="table" w:default="1" w:styleId="TableNormal"><w:name w:val="Normal Table"/>'
        '<w:uiPriority w:val="99"/><w:semiHidden/><w:tblPr><w:tblInd w:w="0" w:type="dxa"/></w:tblPr></w:style>'
        '<w:style w:type="numbering" w:default="1" w:styleId="NoList"><w:name w:val="No List"/>'
        '<w:uiPriority w:val="99"/><w:semiHidden/></w:style>'
    ]
    for style in _styles_of(large):
        half = round(style.size * 2)
        ascii_face = f'w:ascii="{SONG}" w:hAnsi="{SONG}" w:cs="{SONG}"' if style.face == SONG else latin
        line = f'w:line="{style.line}" w:lineRule="exact"' if style.line else 'w:line="240" w:lineRule="auto"'
        indent = style.indent or (
            f'<w:ind w:firstLineChars="{style.first * 100}" w:firstLine="{round(style.first * CHARACTER)}"/>'
            if style.first
            else ""
        )
        outline = f'<w:outlineLvl w:val="{style.outline}"/>' if style.outline is not None else ""
        grid = "" if style.grid else '<w:snapToGrid w:val="0"/>'
        tight = '<w:spacing w:val="-5"/>' if style.grid else ""
        follows = '<w:next w:val="Body"/>' if style.outline is not None else ""
        parts.append(
            f'<w:style w:type="paragraph" w:customStyle="1" w:styleId="{style.id}"><w:name w:val="{style.name}"/>'
            f'<w:basedOn w:val="Normal"/>{follows}<w:qFormat/><w:pPr>{style.extra}{NO_GAPS}{grid}'
            f'<w:spacing w:before="{style.before}" w:after="{style.after}" {line}/>{indent}'
            f'<w:jc w:val="{style.align}"/>'
            f'{outline}</w:pPr><w:rPr><w:rFonts {ascii_face} w:eastAsia="{style.face}"/>{style.run}'
            f"{tight}" + f'<w:sz w:val="{half}"/><w:szCs w:val="{half}"/></w:rPr></w:style>'
        )
    lines = "".join(
        f'<w:{edge} w:val="single" w:sz="6" w:space="0" w:color="000000"/>'
        for edge in ("top", "left", "bottom", "right", "insideH", "insideV")
    )
    margins = '<w:top w:w="60" w:type="dxa"/><w:left w:w="80" w:type="dxa"/><w:bottom w:w="60" w:type="dxa"/>'
    margins += '<w:right w:w="80" w:type="dxa"/>'
    record = "".join(
        f'<w:{edge} w:val="single" w:sz="{size}" w:space="0" w:color="000000"/>'
        for edge, size in (("top", 8), ("bottom", 8), ("insideH", 6))
    )
    none = "".join(f'<w:{edge} w:w="0" w:type="dxa"/>' for edge in ("top", "left", "bottom", "right"))
    for key, name, borders, around in (
        ("PaperTable", "公文表格", lines, margins),
        ("RecordTable", "版记表格", record, none),
        ("PlainTable", "无框表格", "", none),
    ):
        edges = f"<w:tblBorders>{borders}</w:tblBorders>" if borders else ""
        parts.append(
            f'<w:style w:type="table" w:customStyle="1" w:styleId="{key}"><w:name w:val="{name}"/>'
            f'<w:basedOn w:val="TableNormal"/><w:tblPr><w:tblInd w:w="0" w:type="dxa"/>{edges}'
            f"<w:tblCellMar>{around}</w:tblCellMar></w:tblPr></w:style>"
        )
    return "".join(parts) + "</w:styles>"


def _settings(single_sided: bool) -> str:
    both = "" if single_sided else "<w:mirrorMargins/>"
    even = "" if single_sided else "<w:evenAndOddHeaders/>"
    return (
        f'<w:settings {NAMESPACES}><w:zoom w:percent="100"/>{both}<w:defaultTabStop w:val="420"/>{even}'
        '<w:drawingGridVerticalSpacing w:val="579"/><w:characterSpacingControl w:val="doNotCompress"/>'
        "<w:compat><w:spaceForUL/><w:balanceSingleByteDoubleByteWidth/><w:doNotLeaveBackslashAlone/>"
        "<w:ulTrailSpace/><w:doNotExpandShiftReturn/><w:adjustLineHeightInTable/><w:useFELayout/>"
        '<w:compatSetting w:name="compatibilityMode" w:uri="http://schemas.microsoft.com/office/word" w:val="15"/>'
        '</w:compat><w:themeFontLang w:val="zh-CN" w:eastAsia="zh-CN"/><w:decimalSymbol w:val="."/>'
        '<w:listSeparator w:val=","/></w:settings>'
    )


def _numbering() -> str:
    """Return word/numbering.xml with the one list: 1. 2. 3., as wide as it is written."""
    return (
        f'<w:numbering {NAMESPACES}><w:abstractNum w:abstractNumId="0"><w:multiLevelType w:val="singleLevel"/>'
        '<w:lvl w:ilvl="0"><w:start w:val="1"/><w:numFmt w:val="decimal"/><w:suff w:val="nothing"/>'
        '<w:lvlText w:val="%1. "/><w:lvlJc w:val="left"/>'
        '<w:pPr><w:ind w:firstLineChars="200" w:firstLine="632"/></w:pPr>'
        "</w:lvl></w:abstractNum></w:numbering>"
    )


def _font_table() -> str:
    fonts = "".join(
        f'<w:font w:name="{name}"><w:altName w:val="{other}"/><w:charset w:val="86"/><w:family w:val="{family}"/>'
        '<w:pitch w:val="variable"/></w:font>'
        for name, (other, family) in FACES.items()
    )
    latin = (
        f'<w:font w:name="{LATIN}"><w:charset w:val="00"/><w:family w:val="roman"/><w:pitch w:val="variable"/></w:font>'
    )
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><w:fonts {NAMESPACES}>{fonts}{latin}</w:fonts>'


def _application() -> str:
    return (
        '<?xml version="1.0" encoding="UTF-8" standalone="yes"?><Properties '
        'xmlns="http://schemas.openxmlformats.org/officeDocument/2006/extended-properties">'
        "<Application>Microsoft Office Word</Application><AppVersion>16.0000</AppVersion></Properties>"
    )
