"""Square codes: what is drawn is what segno computed, on pages, in Word and on the printed sheet."""

import io
import re
from xml.etree import ElementTree

import pypdfium2
import pytest
import segno
from PIL import Image

from hearings.documents import qr, render
from tests.documents import measure

URL = "http://10.20.30.40:5000/hearings/12"
MM = 25.4 / 72


def wanted(url: str) -> list[list[bool]]:
    return [[bool(cell) for cell in row] for row in segno.make(url, error="m", micro=False, boost_error=False).matrix]


def modules(picture: Image.Image, left: float, top: float, side: float, count: int) -> list[list[bool]]:
    """The dark modules of a code drawn in a picture, its white border included in `side`, read at their centres."""
    grey = picture.convert("L")
    step = side / (count + 2 * qr.QUIET)

    def dark(x: int, y: int) -> bool:
        at = (int(left + (x + qr.QUIET + 0.5) * step), int(top + (y + qr.QUIET + 0.5) * step))
        return int(grey.getpixel(at)) < 128  # type: ignore[arg-type]

    return [[dark(x, y) for x in range(count)] for y in range(count)]


@pytest.mark.parametrize(
    "url", ["http://localhost/hearings/1", URL, "https://例子.中国/核验?码=碶&x=<b>\"'", "x" * 300]
)
def test_the_picture_and_the_drawing_are_the_same_code(url: str) -> None:
    truth = wanted(url)
    picture = Image.open(io.BytesIO(qr.png(url)))
    assert modules(picture, 0, 0, picture.width, len(truth)) == truth

    drawing = ElementTree.fromstring(qr.svg(url))
    assert drawing.attrib["aria-label"] == url
    side = len(truth) + 2 * qr.QUIET
    assert drawing.attrib["viewBox"] == f"0 0 {side} {side}"
    _white, path = drawing.iter("{http://www.w3.org/2000/svg}path")
    drawn = [[False] * len(truth) for _row in truth]
    for x, y, length, back in re.findall(r"M(\d+) (\d+)h(\d+)v1h-(\d+)z", path.attrib["d"]):
        assert length == back
        for column in range(int(x), int(x) + int(length)):
            drawn[int(y) - qr.QUIET][column - qr.QUIET] = True
    assert drawn == truth


def test_a_drawing_needs_no_style_and_names_nothing_elsewhere() -> None:
    drawing = str(qr.svg("http://h/?a=1&b=\"<script>'"))
    assert "style" not in drawing
    assert "<script" not in drawing
    assert "xlink" not in drawing
    assert "url(" not in drawing


def test_what_no_code_holds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"(?i)data too large"):
        qr.svg("x" * 3000)


def test_a_long_address_grows_beside_its_code_and_never_under_it() -> None:
    address = "https://renda.beilun.example.gov.cn/" + "ren-da-dai-biao-min-sheng-ye-xun-hui/" * 12
    about = {"language": "zh-CN", "organisation": "区人大常委会", "title": "签到表"}
    sheet = measure.pages(render("paper", about | {"qr": {"url": address, "caption": "扫码打开本次会议页面" * 4}}))[0]
    words = [c for c in sheet.chars if c["size"] < 13]
    title = min(c["top"] for c in sheet.chars if c["size"] > 20)
    assert max(c["x1"] for c in words) * MM < 28 + 156 - 28
    assert max(c["bottom"] for c in words) < title and title * MM > 37 + 28


def test_on_paper_it_is_28_millimetres_at_the_top_right_and_can_be_read() -> None:
    paper = {
        "language": "zh-CN",
        "organisation": "区人大常委会",
        "title": "签到表",
        "qr": {"url": URL, "caption": "扫码打开本次会议页面"},
    }
    page = pypdfium2.PdfDocument(render("paper", paper))[0]
    scale = 6.0
    picture = page.render(scale=scale).to_pil()
    truth = wanted(URL)
    left, top, side = ((28 + 156 - 28) / MM * scale, 37 / MM * scale, 28 / MM * scale)
    assert modules(picture, left, top, side, len(truth)) == truth
    assert "扫码打开本次会议页面" in page.get_textpage().get_text_range()
    assert URL in page.get_textpage().get_text_range().replace("\r\n", "")
