"""Lights and references: pure functions."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from hearings.issues import rules


@pytest.mark.parametrize(
    ("due", "on", "colour", "left"),
    [
        (date(2021, 6, 30), date(2021, 5, 27), "green", 34),  # domain.md §5.2: 04②
        (date(2021, 5, 31), date(2021, 5, 27), "yellow", 4),  # 05
        (date(2021, 5, 31), date(2021, 6, 1), "red", -1),
        (date(2021, 5, 31), date(2021, 5, 31), "yellow", 0),  # the day itself still counts
        (date(2021, 6, 8), date(2021, 6, 1), "yellow", 7),
        (date(2021, 6, 9), date(2021, 6, 1), "green", 8),
    ],
)
def test_light_of_an_open_promise(app, due, on, colour, left):
    assert rules.light(due, "open", on) == colour
    assert rules.days_left(due, on) == left


def test_the_yellow_days_are_a_setting(app, monkeypatch):
    monkeypatch.setitem(app.config, "LIGHT_YELLOW_DAYS", 3)
    assert rules.light(date(2021, 5, 31), "open", date(2021, 5, 27)) == "green"
    assert rules.light(date(2021, 5, 31), "open", date(2021, 5, 28)) == "yellow"


def test_light_of_what_is_settled(app):
    due, on = date(2021, 5, 31), date(2021, 7, 1)
    assert rules.light(due, "kept", on) == "blue"
    assert rules.light(due, "released", on) == "grey"
    assert rules.light(None, "open", on) == "grey"


def test_a_report_stops_the_clock(app):
    """The department waits for the organiser, not the other way round."""

    def reported(day):
        return SimpleNamespace(due_on=date(2021, 5, 31), status="reported", reported_at=day)

    in_time = reported(datetime(2021, 5, 31, 15, tzinfo=UTC))  # 23:00 in Shanghai
    late = reported(datetime(2021, 5, 31, 17, tzinfo=UTC))  # 01:00 on 1 June
    assert rules.light(in_time, on=date(2021, 7, 1)) == "green"
    assert rules.light(late, on=date(2021, 7, 1)) == "red"


def test_every_light_has_its_word(app):
    assert list(rules.LIGHT_WORDS) == ["red", "yellow", "green", "blue", "grey"]


def test_reference():
    assert rules.reference(9, 3, 1) == "9-01"
    assert rules.reference(None, 12, 4) == "H12-04"
