"""Measuring a PDF with pdfplumber, in millimetres from the paper's top left corner."""

import io
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import pdfplumber

MM = 25.4 / 72
CLOSING = frozenset("、。，；：？！）》”’〕】」』…")
OPENING = frozenset("（《“‘〔【「『")


@dataclass(frozen=True)
class Line:
    """One printed line: its characters in reading order, where it begins and ends, and its baseline."""

    page: int
    text: str
    left: float
    right: float
    baseline: float
    size: float
    font: str


def pages(pdf: bytes) -> list[Any]:
    return list(pdfplumber.open(io.BytesIO(pdf)).pages)


def lines(page: Any) -> list[Line]:
    """The lines of a page by baseline: a fallback face on a line has other box tops but the same baseline."""
    rows: dict[int, list[Any]] = defaultdict(list)
    for char in page.chars:
        baseline = page.height - char["matrix"][5]
        key = next((k for k in rows if abs(k - baseline * 10) <= 2), round(baseline * 10))
        rows[key].append(char)
    found = []
    for key, row in rows.items():
        ordered = sorted((c for c in row if c["text"] != " "), key=lambda c: c["x0"])
        text = "".join(c["text"] for c in sorted(row, key=lambda c: c["x0"]))
        found.append(
            Line(
                page.page_number,
                text,
                ordered[0]["x0"] * MM,
                ordered[-1]["x1"] * MM,
                key / 10 * MM,
                round(max(c["size"] for c in row), 1),
                ordered[0]["fontname"].split("+")[-1],
            )
        )
    return sorted(found, key=lambda line: line.baseline)


def body(page: Any) -> list[Line]:
    """The lines inside the type area, 37 to 262 mm."""
    return [line for line in lines(page) if 37 < line.baseline < 262.5]


def outside(page: Any) -> list[Line]:
    """What stands under the type area beside the page number, or over it beside the word draft: nothing, we hope."""
    below = [line for line in lines(page) if line.baseline > 262.2 and line.text != f"— {page.page_number} —"]
    return below + [line for line in lines(page) if line.baseline < 37 and line.text != "（草稿）"]


def rules(page: Any) -> list[tuple[float, float, float]]:
    """Horizontal rules as wide as the type area: left, right, bottom edge."""
    shapes = [*page.rects, *page.lines]
    return sorted(
        (shape["x0"] * MM, shape["x1"] * MM, shape["bottom"] * MM)
        for shape in shapes
        if (shape["x1"] - shape["x0"]) * MM > 155 and (shape["bottom"] - shape["top"]) * MM < 1
    )


def text_of(pdf: bytes | list[Any]) -> str:
    """All text in reading order without spaces, as a reader extracts it; from a PDF or from its `pages`."""
    sheets = pages(pdf) if isinstance(pdf, bytes) else pdf
    return "".join("".join(line.text for line in body(page)) for page in sheets).replace(" ", "")
