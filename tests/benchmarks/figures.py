"""What was measured beside what was asked for: a line at once, and all of them as a table at the end."""

import unicodedata
from dataclasses import dataclass


@dataclass(frozen=True)
class Figure:
    """One figure; `asked` is empty where nothing was asked for."""

    part: str
    label: str
    value: float
    unit: str
    asked: str
    reached: bool

    def __str__(self) -> str:
        label = self.label + " " * max(0, 80 - _width(self.label))
        verdict = "" if not self.asked else f"(asked {self.asked}) {'ok' if self.reached else 'NOT REACHED'}"
        return f"{label} {self.value:9.2f} {self.unit:6} {verdict}".rstrip()


_found: list[Figure] = []
_part = ""


def begin(part: str) -> None:
    """What follows belongs to this part."""
    global _part
    _part = part


def note(label: str, value: float, unit: str = "×", *, most: float | None = None, least: float | None = None) -> None:
    """Print a figure and keep it for the table; `most` and `least` are what was asked for, themselves included."""
    asked = f"≤ {most:g}" if most is not None else f"≥ {least:g}" if least is not None else ""
    reached = (most is None or value <= most) and (least is None or value >= least)
    _found.append(Figure(_part, label, value, unit, asked, reached))
    print(f"  {_found[-1]}", flush=True)


def table() -> None:
    """Print all figures that something was asked of, marked ✗ where it was not reached."""
    asked = [figure for figure in _found if figure.asked]
    print(f"\n{sum(f.reached for f in asked)} of {len(asked)} reached")
    for figure in asked:
        print(f"{'  ' if figure.reached else '✗ '}{figure.part:12} {figure}")


def _width(words: str) -> int:
    """Columns of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in words)
