"""The small change of speech: what goes around a trouble, and what is written when it is handled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from random import Random

from hearings.demo.troubles import STOCK


@cache
def lines(name: str) -> tuple[str, ...]:
    text = (STOCK / f"{name}.lines").read_text(encoding="utf-8")
    return tuple(line for line in text.split("\n") if line.strip())


@cache
def sections(name: str) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The parts of a file of lines, each under a head in square brackets."""
    parts: list[tuple[str, tuple[str, ...]]] = []
    for line in lines(name):
        if line.startswith("["):
            parts.append((line.strip("[]"), ()))
        else:
            parts[-1] = (parts[-1][0], (*parts[-1][1], line))
    return tuple(parts)


@cache
def section(name: str, head: str) -> tuple[str, ...]:
    return next(part for found, part in sections(name) if found == head)


def pick(rng: Random, head: str, **words: object) -> str:
    """One of the sentences of a kind, with its gaps filled."""
    return rng.choice(section("texts", head)).format(**words)


def fill(rng: Random, line: str) -> str:
    return line.format(a=rng.randint(3, 19), b=rng.randint(21, 96), y=rng.choice("二三四五六七八九"))


class Deck:
    """Deals sentences so that each comes up once before any comes up again."""

    def __init__(self, rng: Random, cards: Sequence[str]) -> None:
        self.rng, self.cards, self.left = rng, tuple(cards), []  # type: ignore[var-annotated]

    def deal(self) -> str:
        if not self.left:
            self.left = list(self.cards)
            self.rng.shuffle(self.left)
        return str(self.left.pop())
