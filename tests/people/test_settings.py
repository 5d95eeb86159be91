"""The settings page, and the working calendar that administrators keep."""

from datetime import date

import pytest
from sqlalchemy import select

from config import RULES
from hearings import workdays
from hearings.audit import AuditEvent
from hearings.db import clock_at, db, local
from hearings.issues.limits import due_by
from hearings.people import operations, words
from hearings.workdays import CalendarDay


def test_every_rule_stands_there_with_its_name_and_basis(world, browser):
    page = browser(world.admin).get("/settings/").text
    for name, rule in RULES.items():
        assert f"HEARINGS_{name}" in page
        assert name in words.RULE_LABELS
        assert rule.basis.replace("'", "&#39;") in page


def test_what_differs_from_the_default_is_marked(app, world, browser):
    kept = app.config["REPLY_MONTHS"]
    assert "status-lamp" not in browser(world.admin).get("/settings/").text
    app.config["REPLY_MONTHS"] = 4
    try:
        page = browser(world.admin).get("/settings/").text
    finally:
        app.config["REPLY_MONTHS"] = kept
    assert page.count("status-lamp") == 1


def test_only_administrators(world, browser):
    for who in (world.auditor, world.organiser, world.street, world.deputy, world.department, world.leader):
        one = browser(who)
        assert one.get("/settings/").status_code == 403
        assert one.get("/settings/holidays").status_code == 403
        assert one.post("/settings/holidays", {"first": "2030-01-01"}).status_code == 403
        assert one.post("/settings/holidays/remove", {"day": "2030-01-01"}).status_code == 403


def test_a_year_nobody_knows_says_that_dates_may_move(world, browser):
    admin = browser(world.admin)
    unknown, known = workdays.LAST_KNOWN_YEAR + 1, workdays.LAST_KNOWN_YEAR
    assert 'class="panel panel-now"' in admin.get(f"/settings/holidays?year={unknown}").text
    assert 'class="panel panel-now"' not in admin.get(f"/settings/holidays?year={known}").text
    for odd in ("x", "0000", "99999", "", "%00"):
        assert admin.get(f"/settings/holidays?year={odd}").status_code == 200


def test_filling_in_a_year(world, browser):
    admin = browser(world.admin)
    year = workdays.LAST_KNOWN_YEAR + 1
    fields = {"first": f"{year}-10-01", "last": f"{year}-10-07", "kind": "holiday", "name": "国庆节"}
    done = admin.post("/settings/holidays", fields)
    assert done.headers["Location"] == f"/settings/holidays?year={year}"
    admin.post("/settings/holidays", {"first": f"{year}-10-09", "kind": "workday", "name": "国庆节调休"})
    assert db.session.execute(select(CalendarDay.day, CalendarDay.is_workday).order_by(CalendarDay.day)).all() == [
        *((date(year, 10, day), False) for day in range(1, 8)),
        (date(year, 10, 9), True),
    ]
    assert not workdays.is_workday(date(year, 10, 5))
    assert workdays.year_is_known(year)
    page = admin.get(f"/settings/holidays?year={year}").text
    assert page.count("国庆节") >= 8 and 'class="panel panel-now"' not in page
    lines = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "holiday.amend")).all()
    assert [line.details["day"] for line in lines] == [f"{year}-10-01–{year}-10-07", f"{year}-10-09"]


def test_a_day_may_be_taken_off_again(world, browser):
    import re

    admin = browser(world.admin)
    year = workdays.LAST_KNOWN_YEAR + 1
    admin.post("/settings/holidays", {"first": f"{year}-05-04", "kind": "holiday", "name": "青年节"})
    assert admin.post("/settings/holidays/remove", {"day": f"{year}-05-04"}).status_code == 303
    assert db.session.scalars(select(CalendarDay)).all() == []
    undo = re.search(r"/undo/\d+", admin.get(f"/settings/holidays?year={year}").text)[0]
    assert admin.post(undo).status_code == 303
    assert db.session.scalars(select(CalendarDay.name)).all() == ["青年节"]
    assert admin.post("/settings/holidays/remove", {"day": "morgen"}).status_code == 400
    assert admin.post("/settings/holidays/remove", {"day": "2001-01-01"}).status_code == 303  # nothing to take off


@pytest.mark.parametrize(
    "fields",
    [
        {"first": ""},
        {"first": "1990-01-01"},
        {"first": "2190-01-01"},
        {"first": "2030-02-30"},
        {"last": "2029-12-31"},  # before the first
        {"last": "2030-12-31"},  # a whole year at once
        {"kind": "half"},
        {"name": ""},
        {"name": "\u202e"},
    ],
)
def test_bad_input_is_refused(world, browser, fields):
    whole = {"first": "2030-01-01", "last": "", "kind": "holiday", "name": "元旦"}
    answer = browser(world.admin).post("/settings/holidays", whole | fields)
    assert answer.status_code == 422 and 'class="error-summary"' in answer.text
    assert db.session.scalars(select(CalendarDay)).all() == []


def test_no_due_date_moves_by_itself_but_the_list_says_which_would(world, browser):
    year = workdays.LAST_KNOWN_YEAR + 1
    with clock_at(local(date(year, 1, 11), local(date(year, 1, 11), __import__("datetime").time(9)).timetz())):
        issue = world.issue()
        due, basis = due_by(date(year, 1, 11), 10, "workdays")
        promise = world.commitment(issue, due_on=due, due_basis=basis)
        fixed = world.commitment(issue, due_on=due)
        admin, organiser = browser(world.admin), browser(world.organiser)
        assert str(promise.id) and f"/commitments/{promise.id}" not in organiser.get("/settings/holidays/affected").text
        operations.decide_days(first=due, last=None, is_workday=False, name="调休", actor=world.admin)
        page = organiser.get("/settings/holidays/affected").text
        assert f'href="/commitments/{promise.id}"' in page
        assert f'href="/commitments/{fixed.id}"' not in page  # named as a day, not counted
        assert promise.due_on == due
        seen = admin.get("/settings/holidays/affected").text
        assert promise.measure in seen and f'href="/commitments/{promise.id}"' not in seen
        for who in (world.street, world.deputy, world.department, world.leader, world.auditor):
            assert browser(who).get("/settings/holidays/affected").status_code == 403
