"""Two versions of the minutes side by side, with what differs marked (by characters; numbers and Latin words whole)."""

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .content import pieces

_TOKEN = re.compile(r"[0-9]+(?:\.[0-9]+)?|[A-Za-z]+|\s+|.", re.S)
MOST = 4_000_000
"""Pairs of tokens that are worth comparing; beyond, a piece is compared by its sentences."""

Part = tuple[str, str]
"""("same" | "out" | "in", text)."""


class Compared(NamedTuple):
    """One piece that differs."""

    key: str
    about: str
    left: list[Part] | None
    """None: the older version has no such piece."""
    right: list[Part] | None


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[list[Compared], int]:
    """The pieces that differ, in the order of the newer paper, and how many are the same."""
    before, after = pieces(old), pieces(new)
    found, same = [], 0
    for key in [*after, *(k for k in before if k not in after)]:
        one, two = before.get(key), after.get(key)
        some = two or one
        assert some is not None
        if one is not None and two is not None:
            if one.text == two.text:
                same += 1
                continue
            left, right = marked(one.text, two.text)
            found.append(Compared(key, some.about, left, right))
        elif some.text:
            gone: list[Part] | None = [("out", one.text)] if one else None
            come: list[Part] | None = [("in", two.text)] if two else None
            found.append(Compared(key, some.about, gone, come))
    return found, same


def marked(old: str, new: str) -> tuple[list[Part], list[Part]]:
    """Both texts cut into parts: what is the same, what went out, what came in. Joined, each is its text again."""
    one, two = _TOKEN.findall(old), _TOKEN.findall(new)
    if len(one) * len(two) > MOST:
        one, two = (re.findall(r"[^。；\n]*[。；\n]|[^。；\n]+", words) for words in (old, new))
    left: list[Part] = []
    right: list[Part] = []
    for what, a, b, c, d in difflib.SequenceMatcher(None, one, two, autojunk=False).get_opcodes():
        if what == "equal":
            _put(left, "same", "".join(one[a:b]))
            _put(right, "same", "".join(two[c:d]))
        else:
            _put(left, "out", "".join(one[a:b]))
            _put(right, "in", "".join(two[c:d]))
    return left, right


def _put(parts: list[Part], what: str, words: str) -> None:
    if words:
        parts.append((what, words))
