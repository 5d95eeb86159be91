"""What Word is strict about and LibreOffice is not: the order of children, ids, what parts say of each other.

The orders are those of ECMA-376, Part 4 (transitional), wml.xsd and dml-wordprocessingDrawing.xsd, as far as the papers
use them: an element that stands in none of these lists is one that nobody has looked up yet, and fails.
"""

import io
import re
import zipfile
from collections import Counter
from typing import Any

import pytest
from lxml import etree

from hearings.documents import to_word, word

from .sample import minutes
from .test_word import CARDS, PHOTO, REPLY, SHA, VERIFY, paper

W = "{" + word.W + "}"
WP = "{http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing}"
R = "{" + word.R + "}"

EDGES = "top left bottom right insideH insideV"
ORDERS = {
    "pPr": "pStyle keepNext keepLines pageBreakBefore framePr widowControl numPr suppressLineNumbers pBdr shd tabs "
    "suppressAutoHyphens kinsoku wordWrap overflowPunct topLinePunct autoSpaceDE autoSpaceDN bidi adjustRightInd "
    "snapToGrid spacing ind contextualSpacing mirrorIndents suppressOverlap jc textDirection textAlignment "
    "textboxTightWrap outlineLvl divId cnfStyle rPr sectPr",
    "rPr": "rStyle rFonts b bCs i iCs caps smallCaps strike dstrike outline shadow emboss imprint noProof snapToGrid "
    "vanish webHidden color spacing w kern position sz szCs highlight u effect bdr shd fitText vertAlign rtl cs em lang "
    "eastAsianLayout specVanish oMath",
    "numPr": "ilvl numId",
    "pBdr": "top left bottom right between bar",
    "tbl": "tblPr tblGrid tr",
    "tblPr": "tblStyle tblpPr tblOverlap bidiVisual tblStyleRowBandSize tblStyleColBandSize tblW jc tblCellSpacing "
    "tblInd tblBorders shd tblLayout tblCellMar tblLook tblCaption tblDescription",
    "tblBorders": EDGES,
    "tcBorders": EDGES,
    "tblCellMar": "top left bottom right",
    "tcMar": "top left bottom right",
    "tr": "trPr tc",
    "tc": "tcPr p",
    "tcPr": "cnfStyle tcW gridSpan hMerge vMerge tcBorders shd noWrap tcMar textDirection tcFitText vAlign hideMark",
    "sectPr": "headerReference footerReference footnotePr endnotePr type pgSz pgMar paperSrc pgBorders lnNumType "
    "pgNumType cols formProt vAlign noEndnote titlePg textDirection bidi rtlGutter docGrid",
    "styles": "docDefaults latentStyles style",
    "docDefaults": "rPrDefault pPrDefault",
    "style": "name aliases basedOn next link autoRedefine hidden uiPriority semiHidden unhideWhenUsed qFormat locked "
    "pPr rPr tblPr trPr tcPr tblStylePr",
    "settings": "writeProtection view zoom removePersonalInformation mirrorMargins alignBordersAndEdges "
    "defaultTabStop autoHyphenation evenAndOddHeaders drawingGridHorizontalSpacing drawingGridVerticalSpacing "
    "characterSpacingControl footnotePr endnotePr compat rsids themeFontLang clrSchemeMapping decimalSymbol "
    "listSeparator",
    "compat": "spaceForUL balanceSingleByteDoubleByteWidth doNotLeaveBackslashAlone ulTrailSpace doNotExpandShiftReturn "
    "adjustLineHeightInTable useFELayout compatSetting",
    "numbering": "numPicBullet abstractNum num",
    "abstractNum": "nsid multiLevelType tmpl name styleLink numStyleLink lvl",
    "lvl": "start numFmt lvlRestart pStyle isLgl suff lvlText lvlPicBulletId legacy lvlJc pPr rPr",
    "num": "abstractNumId lvlOverride",
    "lvlOverride": "startOverride lvl",
    "fonts": "font",
    "font": "altName panose1 charset family notTrueType pitch sig embedRegular",
    "anchor": "simplePos positionH positionV extent effectExtent wrapNone wrapSquare wrapTopAndBottom docPr "
    "cNvGraphicFramePr graphic",
    "inline": "extent effectExtent docPr cNvGraphicFramePr graphic",
    "wsp": "cNvPr cNvSpPr spPr style txbx bodyPr",
    "pic": "nvPicPr blipFill spPr",
    "spPr": "xfrm prstGeom noFill solidFill ln",
}  # fmt: skip
MIXED = {
    "body": {"p", "tbl", "sectPr"}, "hdr": {"p"}, "ftr": {"p", "tbl"}, "txbxContent": {"p", "tbl"},
    "p": {"pPr", "r", "fldSimple"}, "r": {"rPr", "t", "tab", "br", "drawing", "AlternateContent"},
    "fldSimple": {"r"}, "trPr": {"cantSplit", "tblHeader", "trHeight"}, "tabs": {"tab"}, "tblGrid": {"gridCol"},
    "rPrDefault": {"rPr"}, "pPrDefault": {"pPr"}, "document": {"body"}, "drawing": {"inline", "anchor"},
}  # fmt: skip
"""Where the order is free: what may stand there."""


def papers() -> dict[str, bytes]:
    photo = {f"attachment:{SHA}": PHOTO}
    square = {"url": "https://yx.example.gov.cn/hearings/9", "caption": "扫码"}
    return {
        "minutes": to_word("minutes", minutes(6)),
        "published": to_word("minutes", minutes(2, verify=VERIFY, version=2, correction_reason="笔误")),
        "draft": to_word("minutes", minutes(1, draft=True, single_sided=True)),
        "reply": to_word("paper", REPLY, files=photo),
        "door": to_word("paper", paper(large=True, signature={"organ": "办公室", "date": "2021年3月18日"})),
        "wide": to_word("paper", paper(landscape=True, qr=square, tables=[REPLY["sections"][0]["tables"][0]])),
        "twins": to_word("paper", paper(pictures=[{"sha256": SHA, "caption": "同"}] * 3), files=photo),
        "endless": to_word("paper", paper(summary=[["问题摘要", "长" * 5000]])),
        "cards": to_word("cards", CARDS),
    }


@pytest.fixture(scope="module", params=list(papers()))
def package(request: pytest.FixtureRequest) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(papers()[request.param])) as opened:
        assert len(opened.namelist()) == len(set(opened.namelist()))
        return {name: opened.read(name) for name in opened.namelist()}


def stories(package: dict[str, bytes]) -> dict[str, Any]:
    return {
        name: etree.fromstring(data)
        for name, data in package.items()
        if name.startswith("word/") and name.endswith(".xml")
    }


_SAME = {"footerReference": "headerReference"}
"""A choice of the schema: they may be mixed."""


def wrong(element: Any) -> str | None:
    """What is wrong with an element's children, or nothing."""
    name = etree.QName(element).localname
    children = [etree.QName(child).localname for child in element]
    if name in ORDERS:
        order = ORDERS[name].split()
        if unknown := set(children) - set(order):
            return f"{name} holds {unknown}"
        places = [order.index(_SAME.get(child, child)) for child in children]
        if places != sorted(places):
            return f"{name}: {children}"
        many = {"tr", "tc", "p", "style", "headerReference", "footerReference", "num", "abstractNum", "lvl", "font"}
        if twice := {c for c, n in Counter(children).items() if n > 1} - many - {"compatSetting", "lvlOverride"}:
            return f"{name} holds {twice} twice"
    elif name in MIXED and (unknown := set(children) - MIXED[name]):
        return f"{name} holds {unknown}"
    elif element.tag.startswith(W) and children and name not in MIXED:
        return f"nobody has looked up {name}"
    return None


def test_children_stand_in_the_order_of_the_schema(package: dict[str, bytes]) -> None:
    said = [f"{name}: {why}" for name, tree in stories(package).items() for e in tree.iter() if (why := wrong(e))]
    assert not said, said[:3]


def test_the_check_finds_what_word_refuses() -> None:
    def of(markup: str) -> str | None:
        return wrong(etree.fromstring(markup.replace(">", f" {word.NAMESPACES}>", 1)))

    assert of("<w:pPr><w:jc w:val='left'/><w:spacing/></w:pPr>")
    assert of("<w:rPr><w:sz w:val='1'/><w:rFonts/></w:rPr>")
    assert of("<w:tcPr><w:vAlign w:val='center'/><w:tcW w:w='1'/></w:tcPr>")
    assert of("<w:pPr><w:spacing/><w:spacing/></w:pPr>")
    assert of("<w:p><w:tbl/></w:p>") and of("<w:sdt><w:p/></w:sdt>")
    assert of("<w:pPr><w:spacing/><w:jc w:val='left'/></w:pPr>") is None


def test_cells_and_stories_end_in_a_paragraph_and_the_body_in_its_section(package: dict[str, bytes]) -> None:
    for name, tree in stories(package).items():
        for element in tree.iter(W + "tc", W + "hdr", W + "ftr", W + "txbxContent"):
            assert element[-1].tag == W + "p", name
        for body in tree.iter(W + "body"):
            assert body[-1].tag == W + "sectPr"
            assert body[-2].tag == W + "p"
        for table in tree.iter(W + "tbl"):
            columns = len(table.findall(f"{W}tblGrid/{W}gridCol"))
            for row in table.findall(W + "tr"):
                spans = (cell.find(f"{W}tcPr/{W}gridSpan") for cell in row.findall(W + "tc"))
                assert sum(1 if s is None else int(s.get(W + "val")) for s in spans) == columns


def test_measures_are_whole_numbers_and_none_is_negative_where_it_may_not_be(package: dict[str, bytes]) -> None:
    keys = ("w", "h", "before", "after", "line", "left", "right", "firstLine", "hanging", "top", "bottom", "pos", "sz")
    for tree in stories(package).values():
        for element in tree.iter(
            W + "spacing", W + "ind", W + "tcW", W + "tblW", W + "pgSz", W + "pgMar", W + "gridCol"
        ):
            for key in keys:
                value = element.get(W + key)
                assert value is None or re.fullmatch(r"-?\d+", value), etree.tostring(element)
                assert key not in ("w", "h", "before", "after", "line") or value is None or int(value) >= 0
        for element in tree.iter(W + "sz", W + "szCs"):
            if value := element.get(W + "val"):  # of a run, in half points; borders have an attribute of that name
                assert 2 <= int(value) <= 3276
        for cell in tree.iter(W + "tcW"):
            assert int(cell.get(W + "w")) > 0


def test_ids_are_unique_and_lead_somewhere(package: dict[str, bytes]) -> None:
    trees = stories(package)
    drawn = [e.get("id") for tree in trees.values() for e in tree.iter(WP + "docPr")]
    assert len(drawn) == len(set(drawn)), drawn
    styles = [s.get(W + "styleId") for s in trees["word/styles.xml"].iter(W + "style")]
    names = [s.find(W + "name").get(W + "val") for s in trees["word/styles.xml"].iter(W + "style")]
    assert len(styles) == len(set(styles)) and len(names) == len(set(names))
    numbers = [n.get(W + "numId") for n in trees["word/numbering.xml"].iter(W + "num")]
    assert len(numbers) == len(set(numbers))
    for tree in trees.values():
        for kind in ("pStyle", "tblStyle", "basedOn", "next"):
            assert {e.get(W + "val") for e in tree.iter(W + kind)} <= set(styles)
        assert {e.get(W + "val") for e in tree.iter(W + "numId")} <= set(numbers)


def test_parts_are_named_with_their_types_and_found(package: dict[str, bytes]) -> None:
    types = etree.fromstring(package["[Content_Types].xml"])
    ends = {e.get("Extension").lower() for e in types if e.tag.endswith("Default")}
    parts = {e.get("PartName") for e in types if e.tag.endswith("Override")}
    for name in package:
        assert name == "[Content_Types].xml" or f"/{name}" in parts or name.rsplit(".", 1)[-1].lower() in ends, name
    assert {p.lstrip("/") for p in parts} <= set(package)
    for name, tree in stories(package).items():
        folder, _, file = name.rpartition("/")
        links = f"{folder}/_rels/{file}.rels"
        known = {e.get("Id"): e for e in etree.fromstring(package[links])} if links in package else {}
        used = {v for e in tree.iter() for k, v in e.attrib.items() if k.startswith(R)}
        assert used <= set(known), name
        for relation in known.values():
            assert relation.get("TargetMode") != "External"
            assert f"{folder}/{relation.get('Target')}" in package


def test_word_opens_it_in_its_own_mode_not_as_an_old_file(package: dict[str, bytes]) -> None:
    settings = stories(package)["word/settings.xml"]
    modes = [e.get(W + "val") for e in settings.iter(W + "compatSetting") if e.get(W + "name") == "compatibilityMode"]
    assert modes == ["15"]
