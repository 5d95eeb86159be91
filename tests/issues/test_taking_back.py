"""Handing over, accepting, returning, deciding an extension: each is taken back from the issue's page while it stands."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from hearings import audit
from hearings.db import clock_at, db, now
from hearings.issues import operations
from hearings.issues.models import Assignment, Extension
from tests.reviews.forms import filled
from tests.reviews.test_night import undo_from


def twice(one, issue):
    """The issue's page, opened again after another: the head of the page that came next is gone."""
    path = f"/issues/{issue.id}"
    one.get(path)
    one.get("/")
    return path


def offers(one, issue):
    return one.get(f"/issues/{issue.id}").text.count('"/undo/')


@pytest.fixture
def issue(world):
    return world.issue(world.hearing("concluded"))


def test_an_issue_handed_over_is_taken_back_until_the_department_has_answered(world, browser, issue):
    one, other = browser(world.organiser), browser(world.street)
    form = f"/issues/{issue.id}/assign"
    one.post(form, filled(one.get(form)) | {"lead": str(world.bureau.id), "co_handlers": str(world.other_bureau.id)})
    assert (issue.status, len(db.session.scalars(select(Assignment)).all())) == ("assigned", 2)
    assert browser(world.department).get(f"/issues/{issue.id}").status_code == 200
    assert offers(other, issue) == 0, "only who handed it over"
    undo_from(one, twice(one, issue))
    assert (issue.status, issue.assigned_at, db.session.scalars(select(Assignment)).all()) == ("registered", None, [])
    assert browser(world.department).get(f"/issues/{issue.id}").status_code == 404
    assert (audit.trail(issue)[-1].action, audit.trail(issue)[-1].status) == ("issue.assign.undo", "registered")
    assert audit.verify() is None

    one.post(form, filled(one.get(form)) | {"lead": str(world.bureau.id)})
    stale = one.get(twice(one, issue))
    operations.accept_assignment(db.session.scalars(select(Assignment)).one(), actor=world.department)
    assert undo_from(one, stale).status_code == 409
    assert (issue.status, offers(one, issue)) == ("in_handling", 0)


def test_what_was_accepted_or_returned_by_mistake_is_taken_back(world, browser, issue):
    task = world.assigned(issue)
    one = browser(world.department)
    where = f"/assignments/{task.id}/accept"
    one.post(where, filled(one.get(f"/issues/{issue.id}"), where))
    assert (task.status, issue.status) == ("accepted", "in_handling")
    undo_from(one, twice(one, issue))
    assert (task.status, task.accepted_at, issue.status) == ("assigned", None, "assigned")

    where = f"/assignments/{task.id}/return"
    one.post(where, filled(one.get(where)) | {"reason": "属区教育局职责。"})
    assert (task.status, task.return_reason, issue.status) == ("returned", "属区教育局职责。", "returned")
    undo_from(one, twice(one, issue))
    assert (task.status, task.return_reason, task.returned_at, issue.status) == ("assigned", None, None, "assigned")

    # handed to somebody else meanwhile, it stays returned
    one.post(where, filled(one.get(where)) | {"reason": "属区教育局职责。"})
    stale = one.get(twice(one, issue))
    operations.assign(issue, lead=world.other_bureau, actor=world.organiser)
    assert undo_from(one, stale).status_code == 409
    assert (task.status, issue.status) == ("returned", "assigned")


def test_accepting_is_no_more_taken_back_once_something_was_reported_or_it_is_late(world, browser, issue):
    task = world.assigned(issue)
    one = browser(world.department)
    where = f"/assignments/{task.id}/accept"
    one.post(where, filled(one.get(f"/issues/{issue.id}"), where))
    stale = one.get(twice(one, issue))
    with clock_at(now() + timedelta(minutes=11)):
        assert offers(one, issue) == 0
        assert undo_from(one, stale).status_code == 409
    operations.report_progress(task, text="已清运。", actor=world.department)
    assert (task.status, undo_from(one, stale).status_code) == ("accepted", 409)


@pytest.mark.parametrize("verdict", ["grant", "refuse"])
def test_an_extension_decided_by_mistake_is_taken_back_until_the_department_is_told(world, browser, issue, verdict):
    promise = world.commitment(issue)
    world.assigned(issue)
    before = promise.due_on
    asked = operations.ask_extension(
        promise, new_due_on=before + timedelta(days=30), reason="雨季", actor=world.department
    )
    db.session.commit()
    one = browser(world.organiser)
    where = f"/extensions/{asked.id}/{verdict}"
    one.post(where, filled(one.get(where)) | {"reason": "不同意", "note": "同意"})
    assert asked.status == {"grant": "granted", "refuse": "refused"}[verdict]
    undo_from(one, twice(one, issue))
    asked = db.session.scalars(select(Extension)).one()
    assert (asked.status, asked.decided_at, asked.decided_by_id, asked.decision_note) == ("asked", None, None, None)
    assert promise.due_on == before
    one.post(where, filled(one.get(where)) | {"reason": "不同意", "note": "同意"})
    twice(one, issue)
    with clock_at(now() + timedelta(seconds=61)):
        assert offers(one, issue) == 0
