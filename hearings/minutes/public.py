"""The public rendering (公开版): the published dict without residents, guests and what is said of their persons.

What can be told by the structure of the dict is stripped here; what stands in free text is found by `privacy.scan`
and decided by a person. (个人信息保护法 第二十五条；政府信息公开条例 第十五条)
"""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any

from .content import settled
from .privacy import SURNAME
from .queries import Known

DROPPED = ("data", "signed_copy", "previous_sha256", "verify")
MARK = "（公开版）"

_WHO = "居民|群众|村民|业主|住户|市民|租户|家长"
_NAMED = rf"{SURNAME}(?:某某|某|先生|女士|大爷|大妈|大伯|阿姨|阿婆|阿公|奶奶|爷爷|老伯|师傅)"
_RESIDENTS = (
    (re.compile(rf"(?:{_WHO})(?:代表)?{_NAMED}"), "居民代表"),
    (re.compile(rf"选民(?:代表)?{_NAMED}"), "选民代表"),
)
_COUNTED = re.compile(r"(\d{1,4})名$")
_REASON = re.compile(r"（(?!代)[^（）]*）$")


def public(content: Mapping[str, Any], known: Known = Known()) -> dict[str, Any]:
    """The dict of the public rendering, before what was decided on its spots is applied.

    In: the published content, and the names the record knows. Out: `kind` "public"; 居民陈某 and the like become
    居民代表; the public gallery is a number; no reasons of leave, no names of drafter and reviewer, no scan, no
    machine-readable record.
    """
    made = copy.deepcopy({k: v for k, v in content.items() if k not in DROPPED})
    made |= {"kind": "public", "drafted_by": None, "reviewed_by": None, "title": made["title"] + MARK}
    made = _everywhere(made)
    made["attendance"] = [_list(group, known) for group in made["attendance"]]
    return settled(made)


def _everywhere(value: Any) -> Any:
    if isinstance(value, str):
        for pattern, words in _RESIDENTS:
            value = pattern.sub(words, value)
        return value
    if isinstance(value, list):
        return [_everywhere(v) for v in value]
    if isinstance(value, dict):
        return {k: _everywhere(v) for k, v in value.items()}
    return value


def _list(group: dict[str, Any], known: Known) -> dict[str, Any]:
    entries: Sequence[str] = group["groups"]
    if group["key"] == "public_gallery":
        return group | {"groups": [f"旁听人员{sum(map(_count, entries))}名"]}
    if group["key"] == "on_leave":
        return group | {"groups": [_REASON.sub("", e) for e in entries]}
    guests = [e for e in entries if any(len(n) > 1 and n in e for n in known.private)]
    if guests:
        rest = [e for e in entries if e not in guests]
        return group | {"groups": [*rest, f"群众{sum(map(_count, guests))}名"]}
    return group


def _count(entry: str) -> int:
    found = _COUNTED.search(entry)
    return int(found[1]) if found else 1
