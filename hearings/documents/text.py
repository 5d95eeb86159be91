"""Text on its way to paper: what is taken out, what is counted, how a title breaks. Pure functions.

Nothing is inserted between characters: lines are justified by the renderer (see `child`), so what is copied out
of the PDF is what was typed.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Any

from markupsafe import Markup

LINE = 28
"""Characters in a full line of body text (GB/T 9704-2012, 5.2.2)."""
LINES = 22
"""Lines on a full page (the same clause)."""
TEXT_WIDTH = 156 / 25.4 * 72
"""Width of the type area in points."""

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NO_BREAK_AFTER = frozenset("（《“‘〔【「『(")
_NO_BREAK_BEFORE = frozenset("、。，；：？！）》”’〕】」』…—)·%％")
_GOOD_BREAK_AFTER = frozenset("的、和与及》”）")
_HAN = "[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_BREAK_IN_HAN = re.compile(f"(?<={_HAN})[ ]*[\r\n]+[ ]*(?={_HAN})")
_BREAK = re.compile("[\r\n\t\v\f\x85\u2028\u2029]+")


def clean(text: str) -> str:
    """Return `text` without what must not reach a page: control characters, bidirectional overrides, surrogates
    and noncharacters. Line ends and tabs become one space, or nothing between two Han characters.
    """
    text = _BREAK_IN_HAN.sub("", text)
    text = _BREAK.sub(" ", text)
    return "".join(character for character in text if not _unprintable(character))


def _unprintable(character: str) -> bool:
    code = ord(character)
    return (
        character in _BIDI_CONTROLS
        or character == "\ufeff"
        or unicodedata.category(character) in ("Cc", "Cs")
        or code & 0xFFFE == 0xFFFE
        or 0xFDD0 <= code <= 0xFDEF
    )


def clean_all(value: Any) -> Any:
    """Return a copy of a JSON-able value with `clean` applied to every string in it."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict):
        return {key: clean_all(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean_all(item) for item in value]
    return value


def run(text: object) -> Markup:
    """Return `text` escaped, in the span that keeps a taller fallback glyph (碶) from raising its line.

    With line-height 0 on the span only the paragraph's own strut makes the line: 22 lines a page stay 22.
    """
    return Markup('<span class="t">{}</span>').format(text)


def width(text: str) -> float:
    """Return how wide `text` sets, in full-width characters: 1 for Han and full-width marks, about 0.5 otherwise.

    An upper bound good enough to reserve room; the renderer measures for itself.
    """
    return sum(1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.6 for c in text)


def lines_needed(text: str, per_line: float) -> int:
    """Return an upper bound of the lines `text` takes at `per_line` full-width characters a line.

    One character a line is given away for punctuation that may not start a line.
    """
    return max(1, -int(-width(text) // max(1.0, per_line - 1)))


def title_lines(title: str, per_line: int = 20) -> list[str]:
    """Break a title into lines of nearly equal length, the longer first (GB/T 9704-2012, 7.3.1: 梯形).

    In: the title and how many of its characters fit the type area (20 in 2号). Out: one line or more, joined
    equal to the title; a break goes after 的, 、, 和 and the like where one is near, never before closing
    punctuation, and never inside a number or a Latin word.
    """
    title = title.strip()
    total = width(title)
    if total <= per_line:
        return [title]
    count = int(-(-total // (per_line - 1)))
    lines, start = [], 0
    for remaining in range(count, 1, -1):
        ideal = width(title[start:]) / remaining
        best = min(
            range(start + 1, len(title)),
            key=lambda cut: _cost(title, cut, width(title[start:cut]), ideal, per_line),
            default=len(title),
        )
        lines.append(title[start:best])
        start = best
    return [line for line in [*lines, title[start:]] if line]


def _cost(title: str, cut: int, length: float, ideal: float, per_line: int) -> float:
    before, after = title[cut - 1], title[cut]
    cost = abs(length - ideal - 0.5)
    if length > per_line:
        cost += 1000
    if before in _NO_BREAK_AFTER or after in _NO_BREAK_BEFORE:
        cost += 100
    if before.isascii() and after.isascii():
        cost += 100
    if before in _GOOD_BREAK_AFTER:
        cost -= 2.5
    return cost


def mark_size(mark: str) -> float:
    """Return the size in points at which the mark fills one line at most: 42 (初号) for a short one.

    The standard leaves the size free (7.2.4, recommended 小标宋); a very long mark wraps at 22.
    """
    return round(max(22.0, min(42.0, (TEXT_WIDTH - 2) / max(1.0, width(mark)))), 1)
