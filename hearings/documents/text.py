"""Text on its way to paper: what is taken out, what is counted, how a title breaks. Pure functions.

Nothing is inserted between characters: lines are justified by the renderer (see `child`), so what is copied out
of the PDF is what was typed.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

from markupsafe import Markup

MM = 72 / 25.4
"""Points in a millimetre."""
TEXT_WIDTH, TEXT_HEIGHT = 156 * MM, 225 * MM
"""The type area in points (5.2.1)."""
PITCH = 28.95
"""Distance of two lines in points: 22 fill the type area (5.2.2), 22 of 29 would overflow it."""
RULE = 1.4
"""Thickness of the red rule in points."""

_BIDI_CONTROLS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_NO_BREAK_AFTER = frozenset("（《“‘〔【「『(")
_NO_BREAK_BEFORE = frozenset("、。，；：？！）》”’〕】」』…—)·%％")
_WHOLE = re.findall(
    r"\S+",
    "人民 代表 大会 人大 常委会 委员会 工委 办公室 民生 夜询会 会议 专题 询问 审议 监督 绩效 评估 座谈会 测评 满意 "
    "回头看 承诺 事项 问题 交办 督办 办理 答复 落实 整改 工作 情况 清单 汇总 纪要 报告 通知 公告 建议 意见 街道 部门 "
    "单位 责任 有关 关于 进一步 加强 推进 开展 建设 安全 管理 服务 群众 老年人 儿童 教育 卫生 健康 交通 运输 环境 社区",
)
"""Words a title is not torn in."""
_SLIM = frozenset("0123456789 -.,:;/()")
_GOOD_BREAK_AFTER = frozenset("的、和与及》”）")
_HAN = "[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef]"
_BREAK_IN_HAN = re.compile(f"(?<={_HAN})[ ]*[\r\n]+[ ]*(?={_HAN})")
_NUMBER = re.compile(r"((?<![!-~])[0-9]{1,4}(?:[-/:.~][0-9]{1,4}){1,3}(?![!-~]))")
_LONG_RUN = re.compile(r"[!-~\u00a1-\u024f]{25,}|[、。，；：？！…—·．～“”‘’（）《》〈〉【】「」『』〔〕\u3000]{9,}")
NUMBERED = re.compile(r"(\d{1,3})\. ")
"""A numbered paragraph's beginning."""
_WORD = re.compile(r"[!-~]+")
_FOUR = re.compile(".{1,4}")
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


def _breakable(plain: str) -> str:
    """Let a Latin word longer than 24 characters break every fourth: the line before it would be torn apart.

    So may nine signs or blanks in a row, which no rule lets break: behind them text would run off the paper. The
    zero-width spaces draw no glyph, so they are not in the text that is copied from the PDF.
    """
    return _LONG_RUN.sub(lambda found: "\u200b".join(_FOUR.findall(found[0])), plain)


def run(text: object, covered: frozenset[str] = frozenset()) -> Markup:
    """Return `text` escaped and marked up for the line breaker.

    In: the text, and the characters that every face of the paper has. A text with another character (碶) goes into
    the span `t`, whose line-height is 0, so that the taller fallback glyph does not raise its line and 22 lines
    a page stay 22. A number with inner marks (2021-04-30, 19:00) goes into the span `n`, which does not break.
    """
    plain = str(text)
    parts = _NUMBER.split(_breakable(plain))
    marked = Markup("").join(Markup('<span class="n">{}</span>').format(p) if i % 2 else p for i, p in enumerate(parts))
    return marked if covered.issuperset(plain) else Markup('<span class="t">{}</span>').format(marked)


def lists(lines: Sequence[object]) -> list[tuple[bool, list[object]]]:
    """Tell lists among paragraphs: runs of two or more that begin with 1., 2., 3. … as they were written."""
    found: list[tuple[bool, list[object]]] = []
    for line in lines:
        match = NUMBERED.match(str(line))
        number = int(match[1]) if match else 0
        run_on = found and found[-1][0] and number == len(found[-1][1]) + 1
        if run_on:
            found[-1][1].append(line)
        elif number == 1:
            found.append((True, [line]))
        elif found and not found[-1][0]:
            found[-1][1].append(line)
        else:
            found.append((False, [line]))
    return [(numbered and len(some) > 1, some) for numbered, some in found]


def width(text: str) -> float:
    """Return how wide `text` sets, in full-width characters: Han and full-width marks 1, digits 0.52, else 0.6.

    An upper bound good enough to reserve room; the renderer measures for itself.
    """
    return sum(1.0 if unicodedata.east_asian_width(c) in "WFA" else 0.52 if c in _SLIM else 0.6 for c in text)


def lines_needed(text: str, per_line: float) -> int:
    """Return an upper bound of the lines `text` takes at `per_line` full-width characters a line.

    One character a line is given away for punctuation that may not start a line.
    """
    return max(1, math.ceil(width(text) / max(1.0, per_line - 1)))


def title_lines(title: str, per_line: int = 20) -> list[str]:
    """Break a title into lines of nearly equal length, the longer first (GB/T 9704-2012, 7.3.1: 梯形).

    In: the title and how many of its characters fit the type area (20 in 2号). Out: one line or more, joined
    equal to the title; a break goes after 的, 、, 和 and the like where one is near, never before closing
    punctuation, never inside a number, a Latin word or a word of `_WHOLE`.
    """
    title = title.strip()
    lines: list[str] = []
    while width(title) > per_line:
        ideal = width(title) / math.ceil(width(title) / (per_line - 1))
        cuts = range(per_line // 3, min(len(title), 2 * per_line))
        cut = min(cuts, key=lambda cut: _cost(title, cut, width(title[:cut]), ideal, per_line))
        lines.append(title[:cut])
        title = title[cut:]
    return [*lines, title]


def _cost(title: str, cut: int, length: float, ideal: float, per_line: int) -> float:
    before, after = title[cut - 1], title[cut]
    cost = abs(length - ideal - 0.5)
    if length > per_line:
        cost += 1000
    if before in _NO_BREAK_AFTER or after in _NO_BREAK_BEFORE:
        cost += 100
    if before.isascii() and after.isascii():
        cost += 100
    if any(word in title[max(0, cut - len(word) + 1) : cut + len(word) - 1] for word in _WHOLE):
        cost += 50
    if before in _GOOD_BREAK_AFTER:
        cost -= 2.5
    return cost


def mark_lines(mark: str) -> tuple[float, list[str]]:
    """Return the size in points and the lines of a mark (7.2.4: the size is free).

    Up to 18 characters stand on one line, as large as it allows but at most 42 pt (初号); more on lines of like length.
    """
    lines = title_lines(mark, 18)
    longest = max(map(width, lines))
    return round(min(42.0, (TEXT_WIDTH - 2) / max(1.0, longest)), 1), lines


def head_gap(mark: str, serial: bool) -> float:
    """Return the room in points between the mark and the line under it, about two lines (7.2.5).

    Chosen so that the red rule ends on the grid of 22 lines, and with it the last line of the first page.
    """
    size, lines = mark_lines(mark)
    taken = 35 * MM + size * (1.2 * len(lines) - 0.2) + PITCH * (2 if serial else 1) + 4 * MM + RULE
    return PITCH * math.ceil((taken + 1.2 * PITCH) / PITCH) - taken


def centred(rows: Sequence[Sequence[object]]) -> list[bool]:
    """Say for each column of a table whether it is set centred: every cell at most six characters wide."""
    return [all(width(_cell(cell)) <= 6 for cell in column) for column in zip(*rows, strict=False)]


def column_shares(
    columns: Sequence[str], rows: Sequence[Sequence[object]], widths: Sequence[float], points: float, size: float
) -> list[float]:
    """Return the widths of a table's columns in per cent, none too narrow for a number, a date or a short head.

    In: the heads, the cells, the wished widths in any unit (empty: equal), the table's width and the size of its
    characters in points. What a column needs beyond its wish is taken from the others in proportion.
    """
    wished = [float(w) for w in widths] or [1.0] * len(columns)
    wished = [w / sum(wished) for w in wished]
    needed = []
    for number, head in enumerate(columns):
        words = [match[0] for row in rows for match in _WORD.finditer(_cell(row[number]))]
        short = [word for word in words if len(word) <= 16]
        characters = max([width(head) if len(head) <= 4 else 2.0, *map(width, short)])
        needed.append((characters * size + 10) / points)
    if sum(needed) >= 1:
        return [100 * n / sum(needed) for n in needed]
    spare = [max(0.0, w - n) for w, n in zip(wished, needed, strict=True)]
    room = (1 - sum(needed)) / (sum(spare) or 1.0)
    return [100 * (n + s * room) for n, s in zip(needed, spare, strict=True)]


def fills_a_page(
    cells: Iterable[object], shares: Sequence[float], size: float, line: float, *, on_its_side: bool
) -> bool:
    """Say whether a table's row takes most of a page: only such a one may go on on the next.

    In: its cells (a text, or the lines of one), the columns' widths in per cent, the size of its characters and the
    height of a line in points.
    """
    across, down = (TEXT_HEIGHT, TEXT_WIDTH) if on_its_side else (TEXT_WIDTH, TEXT_HEIGHT)
    lines = 0
    for cell, share in zip(cells, shares, strict=False):
        per_line = (across * share / 100 - 8) / size
        said = cell if isinstance(cell, list | tuple) else [cell]
        lines = max(lines, sum(lines_needed(_cell(part), per_line) for part in said))
    return lines * line > 0.8 * down


def _cell(cell: object) -> str:
    return "" if cell is None else str(cell)
