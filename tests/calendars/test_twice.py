"""Who takes invitations by mail into the same calendar may leave them out of the feed (calendar.md b 40)."""

import re

import pytest
from sqlalchemy import select

from hearings.calendars import feeds, operations
from hearings.calendars.models import CalendarFeed, FeedKind
from hearings.db import db
from hearings.notices.models import Invitation, Message, MessageState
from hearings.schedule import operations as schedule
from tests import factories
from tests.calendars.test_feeds import summaries
from tests.notices.conftest import begun, by_day, post  # noqa: F401
from tests.notices.test_invitations import asked, tell  # noqa: F401

pytestmark = pytest.mark.usefixtures("by_day")


@pytest.fixture(autouse=True)
def _cold():
    feeds.events.clear()
    feeds.tags.clear()


@pytest.fixture
def path(asked, begun):  # noqa: F811
    """The deputy's own calendar; the invitation by mail has gone out."""
    _row, token = operations.subscribe(FeedKind.PERSONAL, actor=begun.deputy)
    db.session.commit()
    return f"/cal/{token}/calendar.ics"


def choose(browser, user, hide):
    row = db.session.scalars(select(CalendarFeed).where(CalendarFeed.revoked_at.is_(None))).one()
    return browser(user).post(f"/calendar/{row.id}/invited", {"hide": hide})


def test_it_is_left_out_only_for_those_who_want_it(asked, begun, post, browser, path):  # noqa: F811
    reader = browser()
    assert summaries(reader.get(path).data) == [asked.title], "by default everything is shown"
    page = browser(begun.deputy).get("/calendar/").text
    assert "不再显示" in page
    assert choose(browser, begun.deputy, "on").status_code == 303
    assert "重新显示" in browser(begun.deputy).get("/calendar/").text
    assert summaries(reader.get(path).data) == []
    schedule.cancel(asked, reason="台风", actor=begun.organiser)
    db.session.commit()
    tell()
    assert summaries(reader.get(path).data) == [], "the mail that called it off took it out of the calendar"
    assert choose(browser, begun.deputy, "off").status_code == 303
    assert summaries(reader.get(path).data) == [f"【已取消】{asked.title}"]


def test_whom_the_mail_did_not_reach_still_reads_it(asked, begun, browser, path):  # noqa: F811
    choose(browser, begun.deputy, "on")
    reader = browser()
    first = reader.get(path)
    assert summaries(first.data) == []
    message = db.session.scalars(select(Message).where(Message.address == "deputy@example.org")).one()
    message.state, message.sent_at = MessageState.FAILED, None
    db.session.commit()  # the worker writes nothing into the trail
    again = reader.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 200
    assert summaries(again.data) == [asked.title]


def test_who_was_taken_off_the_list_still_reads_what_the_office_is_asked_to(asked, begun, browser):  # noqa: F811
    clerk = begun.department
    clerk.email = "office@example.org"
    factories.user("department", name="林某", department=begun.bureau, email="lin@example.org")
    begun.bureau.contact = "林某"  # is asked for the office
    seat = schedule.add_person(asked, clerk, actor=begun.organiser)
    row, token = operations.subscribe(FeedKind.PERSONAL, actor=clerk)
    operations.set_hides_invited(row, True, actor=clerk)
    db.session.commit()
    tell()
    path = f"/cal/{token}/calendar.ics"
    assert summaries(browser().get(path).data) == []
    schedule.remove_participant(seat, actor=begun.organiser)
    db.session.commit()
    tell()
    withdrawn = select(Invitation.withdrawn_at).where(Invitation.user_id == clerk.id)
    assert db.session.scalar(withdrawn) is not None, "the mail took it out of the calendar"
    assert summaries(browser().get(path).data) == [asked.title]


def test_other_calendars_and_tasks_hold_everything(asked, begun, browser, path):  # noqa: F811
    row, token = operations.subscribe(FeedKind.DISTRICT, actor=begun.organiser)
    db.session.commit()
    assert browser(begun.organiser).post(f"/calendar/{row.id}/invited", {"hide": "on"}).status_code == 404
    assert browser(begun.deputy).post(f"/calendar/{row.id}/invited", {"hide": "on"}).status_code == 404
    choose_own = db.session.scalars(select(CalendarFeed).where(CalendarFeed.user_id == begun.deputy.id)).one()
    browser(begun.deputy).post(f"/calendar/{choose_own.id}/invited", {"hide": "on"})
    assert summaries(browser().get(f"/cal/{token}/calendar.ics").data) == [asked.title]


def test_it_costs_one_statement_more_and_a_304_takes_two(asked, begun, browser, path, statements):  # noqa: F811
    choose(browser, begun.deputy, "on")
    reader = browser()
    tag = reader.get(path).headers["ETag"]
    with statements() as said:
        assert reader.get(path, headers={"If-None-Match": tag}).status_code == 304
    assert len(said) == 2


def test_a_new_address_keeps_how_the_old_one_was_set(asked, begun, browser, path):  # noqa: F811
    choose(browser, begun.deputy, "on")
    clerk = browser(begun.deputy)
    form_id = re.search(r'name="form_id"[^>]*value="([^"]+)"', clerk.get("/calendar/").text)[1]
    assert clerk.post("/calendar/new", {"kind": "personal", "form_id": form_id}).status_code == 303
    row = db.session.scalars(select(CalendarFeed).where(CalendarFeed.revoked_at.is_(None))).one()
    assert row.hides_invited
    assert browser().get(path).status_code == 410
