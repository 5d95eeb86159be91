"""The stock of troubles: who would bring what to a hearing, and what an office would answer.

The stock is written by hand in the text files under `stock/`, because it is prose. A trouble begins with

    # key | category | title | lead | co, … | kind of place | streets or *

and has one or two cases, different complaints about the same matter. A case begins with `=` (time-limited)
or `= outcome`, and its lines begin with a letter: S statement, Q question, R answer, F follow-up, G answer
to that, M a measure (`measure | 30d or 3m | co, …`), N reason and referral when it is not accepted.
`{p}` stands for the place.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from hearings.demo.people import DEPARTMENTS_BY_CODE, STREETS

STOCK = Path(__file__).parent / "stock"

OUTCOMES = {
    "": "time_limited",
    "answered": "answered_on_site",
    "resolved": "resolved_on_site",
    "planned": "planned",
    "study": "further_study",
    "escalate": "escalate",
    "convert": "convert_to_suggestion",
    "not_accepted": "not_accepted",
}


@dataclass(frozen=True)
class Measure:
    text: str
    amount: int
    unit: str
    """d or m"""
    co: tuple[str, ...] = ()


@dataclass(frozen=True)
class Case:
    trouble: Trouble = field(repr=False)
    number: int
    """1 or 2"""
    outcome: str
    statement: str
    question: str
    answer: str
    follow_up: str | None
    follow_answer: str | None
    measures: tuple[Measure, ...]
    reason: str | None
    referral: str | None

    @property
    def key(self) -> str:
        return f"{self.trouble.key}-{self.number}"


@dataclass(frozen=True)
class Trouble:
    key: str
    category: str
    title: str
    lead: str
    co: tuple[str, ...]
    kind: str
    streets: tuple[str, ...]


def _split(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _measure(text: str) -> Measure:
    words, amount, *rest = (part.strip() for part in text.split("|"))
    co = _split(rest[0]) if rest else ()
    return Measure(words, int(amount[:-1]), amount[-1], co)


def _case(trouble: Trouble, number: int, block: str) -> Case:
    first, *lines = block.split("\n")
    said: dict[str, list[str]] = {}
    for line in lines:
        if line.strip():
            said.setdefault(line[0], []).append(line[2:].strip())

    def one(letter: str) -> str | None:
        return said[letter][0] if letter in said else None

    reason, referral = (part.strip() for part in (one("N") or "|").split("|"))
    return Case(
        trouble,
        number,
        OUTCOMES[first.strip()],
        said["S"][0],
        said["Q"][0],
        said["R"][0],
        one("F"),
        one("G"),
        tuple(_measure(text) for text in said.get("M", [])),
        reason or None,
        referral or None,
    )


@cache
def cases() -> tuple[Case, ...]:
    """Every case of the stock, in the order in which it is written."""
    found: list[Case] = []
    for path in sorted(STOCK.glob("*.txt")):
        for block in ("\n" + path.read_text(encoding="utf-8")).split("\n# ")[1:]:
            head, _, body = block.partition("\n")
            key, category, title, lead, co, kind, streets = (part.strip() for part in head.split("|"))
            places = STREETS if streets == "*" else tuple(s for s in _split(streets))
            trouble = Trouble(key, category, title, lead, _split(co), kind, places)
            if not {lead, *trouble.co} <= DEPARTMENTS_BY_CODE.keys():
                raise ValueError(f"{path.name}: unknown department in {head!r}")
            found += [
                _case(trouble, number, part) for number, part in enumerate(("\n" + body).split("\n=")[1:], start=1)
            ]
    return tuple(found)
