"""The list in this folder's docstring names tests that there are, and every pitfall."""

import re
from pathlib import Path

import tests.calendars


def test_every_test_of_the_list_is_there():
    root = Path(__file__).parent.parent
    there = {
        name for path in root.rglob("test_*.py") for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    named = set(re.findall(r"\btest_\w+(?!\w|\.py)", tests.calendars.__doc__))
    assert sorted(named - there) == []
    assert len(named) > 40


def test_every_pitfall_is_on_it():
    assert [int(n) for n in re.findall(r"^ ?(\d+)  test_", tests.calendars.__doc__, re.M)] == list(range(1, 42))
