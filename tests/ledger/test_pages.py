"""The figures page: grouped, scoped, in a fixed number of statements."""

import re

import pytest

from hearings.db import db
from hearings.issues import operations as issues
from hearings.ledger import queries
from hearings.ledger.figures import Rate, figures
from hearings.schedule import operations as schedule
from tests.ledger.test_figures import Story


@pytest.fixture
def story(world):
    told = Story(world)
    told.evening()
    told.hand_over()
    told.year()
    return told


def cells(page: str) -> list[list[str]]:
    """The table's rows as words."""
    body = re.search(r"<tbody>(.*?)</tbody>", page, re.S)[1]
    rows = re.findall(r"<tr>(.*?)</tr>", body, re.S)
    return [
        [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", c)).strip() for c in re.findall(r"<td[^>]*>(.*?)</td>", row, re.S)]
        for row in rows
    ]


def test_by_year_street_and_department(story, browser):
    one = browser(story.w.leader)
    row = ["6", "1", "4", "1", "0", "1", "83.3% 5/6", "66.7% 4/6"]
    assert cells(one.get("/ledger/").text) == [["2021", *row]]
    assert cells(one.get("/ledger/?by=street&year=2021").text)[0][1:] == row
    by_office = cells(one.get("/ledger/?by=department").text)
    assert sorted(r[1:3] for r in by_office) == [["0", "1"], ["6", "0"], ["6", "1"]]  # unassigned, bureau, together


def test_it_counts_as_the_hearing_does(story):
    told, line = figures(story.hearing), queries.lines(story.w.leader, "year", None)[0]
    assert (line.accepted, line.not_accepted, line.tracked) == (told.accepted, told.not_accepted, told.tracked)
    assert (line.closure, line.resolution) == (told.closure, told.resolution)


def test_each_sees_its_own(world, browser):
    hearing = world.hearing("in_session")
    mine = world.issue(hearing, lead_deputy=world.deputy)
    world.issue(hearing, lead_deputy=world.other_deputy)
    schedule.conclude(hearing, actor=world.organiser)
    issues.assign(mine, lead=world.bureau, actor=world.organiser)
    db.session.commit()
    assert queries.lines(world.leader, "year", None)[0].accepted == 2
    assert queries.lines(world.deputy, "year", None)[0].closure == Rate(0, 1)
    assert queries.lines(world.department, "department", None)[0].name == world.bureau.name
    assert browser(world.admin).get("/ledger/").status_code == 403


@pytest.mark.parametrize("odd", ["by=x", "year=x", "year=99999999999999", "by=department&year=-1", "by=%00"])
def test_odd_words_show_all(story, browser, odd):
    page = browser(story.w.leader).get(f"/ledger/?{odd}")
    assert page.status_code == 200 and "83.3%" in page.text


def test_nothing_yet_and_few_statements(world, browser, statements):
    one = browser(world.organiser)
    assert "/hearings/" in one.get("/ledger/").text
    world.issue()
    with statements() as said:
        one.get("/ledger/?by=department")
    assert len(said) <= 6
