"""One promise: made with its date reckoned, corrected, reported, verified, moved."""

import io
import re
from datetime import date, time, timedelta

import pytest
from sqlalchemy import select

from hearings.db import clock_at, db, local, now, today
from hearings.errors import RuleBroken
from hearings.issues import operations
from hearings.issues.forms import CommitmentForm, commit_due
from hearings.issues.limits import due_by
from hearings.issues.models import CommitmentStatus, Extension, ExtensionStatus, IssueFile, IssueStatus
from hearings.undo import UndoOffer
from tests.issues.pages import form_of, photo, said


def filled(app, **fields):
    """A commitment form as posted."""
    with app.test_request_context(method="POST", data=fields):
        form = CommitmentForm()
        form.validate()
        return form


@pytest.mark.parametrize(
    ("count", "unit", "due"),
    [  # domain.md §2.1, from 2021-03-25
        ("3", "workdays", date(2021, 3, 30)),
        ("5", "workdays", date(2021, 4, 1)),
        ("10", "workdays", date(2021, 4, 9)),
        ("30", "workdays", date(2021, 5, 10)),
        ("1", "months", date(2021, 4, 25)),  # a Sunday, but worked
    ],
)
def test_a_date_reckoned_from_a_length_of_time(app, count, unit, due):
    form = filled(app, count=count, unit=unit)
    found, basis = commit_due(form, date(2021, 3, 25))
    assert found == due
    assert basis == f"{unit}:{count}:2021-03-25"


def test_a_date_given(app):
    assert commit_due(filled(app, due_on="2021/4/16"), date(2021, 3, 25)) == (date(2021, 4, 16), None)


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "due_on"),
        ({"count": "3"}, "unit"),
        ({"count": "3", "unit": "workdays", "due_on": "2021-06-01"}, "count"),
        ({"count": "121", "unit": "months"}, "count"),
    ],
)
def test_no_date_no_promise(app, fields, field):
    with pytest.raises(RuleBroken) as broken:
        commit_due(filled(app, **fields), date(2021, 3, 25))
    assert broken.value.field == field


def test_vague_words_are_named_at_the_field_and_stop_nothing(app, world):
    form = filled(app, measure="尽快清理，适时安装照明", due_on="2021-06-01")
    assert not form.measure.errors
    assert len(form.measure.warnings) == 1
    assert "“尽快”" in form.measure.warnings[0] and "“适时”" in form.measure.warnings[0]
    assert filled(app, measure="4月16日前清理").measure.warnings == []
    promise = world.commitment(world.issue(), measure="尽快清理，适时安装照明")
    assert promise.vague_words == "尽快、适时"


# -- correcting ----------------------------------------------------------------------------------------


def test_a_recording_error_is_corrected_until_it_is_accepted(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue, measure="安装照明")
    assignment = world.assigned(issue)
    desk = browser(world.organiser)
    address = f"/commitments/{promise.id}/correct"
    form = form_of(desk.get(address))
    assert form["due_on"] == promise.due_on.isoformat()
    old = promise.due_on
    form |= {"measure": "安装照明8盏", "count": "20", "unit": "workdays"}
    assert desk.post(address, form).status_code == 303
    due, basis = due_by(issue.hearing.day, 20, "workdays")
    assert (promise.measure, promise.due_on, promise.due_basis) == ("安装照明8盏", due, basis)
    assert promise.corrected[0]["due_on"] == old.isoformat()
    page = desk.get(f"/commitments/{promise.id}").text
    assert "<del>安装照明（区交通运输局" in page

    operations.accept_assignment(assignment, actor=world.department)
    refused = desk.get(address)
    assert refused.status_code == 409
    late = {name: value for name, value in form.items() if name != "form_id"} | {"measure": "别的"}
    assert desk.post(address, late).status_code == 422
    assert promise.measure == "安装照明8盏"
    assert address not in desk.get(f"/commitments/{promise.id}").text


def test_two_people_correcting_one_field_see_both(app, world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")), measure="安装照明")
    address = f"/commitments/{promise.id}/correct"
    one, two = browser(world.organiser), browser(world.street)
    first, second = form_of(one.get(address)), form_of(two.get(address))
    assert one.post(address, first | {"measure": "装灯8盏"}).status_code == 303
    clash = two.post(address, second | {"measure": "装灯9盏"})
    assert clash.status_code == 409
    assert "装灯8盏" in clash.text and "装灯9盏" in clash.text
    assert promise.measure == "装灯8盏"


# -- reporting and verifying ---------------------------------------------------------------------------


def test_reported_with_evidence_verified_and_taken_back(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    world.assigned(issue)
    office, desk = browser(world.department), browser(world.organiser)
    address = f"/commitments/{promise.id}/report-done"
    form = form_of(office.get(address)) | {"report": "已清理，清运12车。", "files": [(photo(), "清理后.jpg")]}
    assert office.post(address, form, content_type="multipart/form-data").status_code == 303
    assert (promise.status, promise.percent) == (CommitmentStatus.REPORTED, 100)
    page = desk.get(f"/commitments/{promise.id}")
    assert "已清理，清运12车。" in page.text and "清理后.jpg" in page.text
    assert office.get(address).status_code == 409

    assert desk.post(f"/commitments/{promise.id}/verify").status_code == 303
    assert promise.status == CommitmentStatus.KEPT
    offer = db.session.scalars(select(UndoOffer)).all()[-1]
    assert desk.post(f"/undo/{offer.id}").status_code == 303
    assert promise.status == CommitmentStatus.REPORTED

    reject = f"/commitments/{promise.id}/reject"
    assert desk.post(reject, form_of(desk.get(reject))).status_code == 422
    assert desk.post(reject, form_of(desk.get(reject)) | {"reason": "东侧还有堆物。"}).status_code == 303
    assert promise.status == CommitmentStatus.OPEN
    assert desk.get(reject).status_code == 409


def test_evidence_that_is_not_what_it_says_keeps_the_words(app, world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")))
    office = browser(world.department)
    address = f"/commitments/{promise.id}/report-done"
    form = form_of(office.get(address)) | {"report": "办好了。", "files": [(io.BytesIO(b"MZ"), "x.jpg")]}
    answer = office.post(address, form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert form_of(answer)["report"] == "办好了。"
    assert promise.status == CommitmentStatus.OPEN
    assert db.session.scalars(select(IssueFile)).all() == []


def test_releasing(app, world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")))
    desk = browser(world.organiser)
    address = f"/commitments/{promise.id}/release"
    assert desk.post(address, form_of(desk.get(address))).status_code == 422
    assert desk.post(address, form_of(desk.get(address)) | {"reason": "并入旧改项目。"}).status_code == 303
    assert promise.status == CommitmentStatus.RELEASED
    assert "并入旧改项目。" in desk.get(f"/commitments/{promise.id}").text


# -- more time -----------------------------------------------------------------------------------------


def test_an_extension_asked_and_granted(app, world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")))
    old, new = promise.due_on, promise.due_on + timedelta(days=30)
    office, desk = browser(world.department), browser(world.organiser)
    address = f"/commitments/{promise.id}/extend"
    form = form_of(office.get(address)) | {"new_due_on": new.isoformat(), "reason": "雨天停工。"}
    for wrong in (
        {"new_due_on": old.isoformat()},
        {"new_due_on": "2190-01-01"},
        {"new_due_on": "明年"},
        {"reason": " "},
    ):
        answer = office.post(address, form | wrong)
        assert answer.status_code == 422, wrong
    assert office.post(address, form).status_code == 303
    assert promise.due_on == old
    again = office.post(address, form_of(office.get(address)) | {"new_due_on": new.isoformat(), "reason": "再来"})
    assert again.status_code == 422
    extension = db.session.scalars(select(Extension)).one()
    page = desk.get(f"/commitments/{promise.id}").text
    assert f"/extensions/{extension.id}/grant" in page and "雨天停工。" in page
    assert f"/extensions/{extension.id}/grant" not in office.get(f"/commitments/{promise.id}").text
    assert office.get(f"/extensions/{extension.id}/grant").status_code == 403
    grant = f"/extensions/{extension.id}/grant"
    assert desk.post(grant, form_of(desk.get(grant)) | {"note": "同意一次。"}).status_code == 303
    assert (promise.due_on, extension.status) == (new, ExtensionStatus.GRANTED)
    shown = desk.get(f"/commitments/{promise.id}").text
    assert "同意一次。" in shown and "→" in shown
    assert desk.get(grant).status_code == 409


def test_an_extension_refused(app, world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")))
    old = promise.due_on
    extension = operations.ask_extension(
        promise, new_due_on=old + timedelta(days=9), reason="忙", actor=world.department
    )
    desk = browser(world.organiser)
    address = f"/extensions/{extension.id}/refuse"
    assert desk.post(address, form_of(desk.get(address))).status_code == 422
    assert desk.post(address, form_of(desk.get(address)) | {"reason": "理由不充分。"}).status_code == 303
    assert (promise.due_on, extension.status) == (old, ExtensionStatus.REFUSED)


def test_time_is_asked_for_before_the_date_and_once(app, world, browser, monkeypatch):
    """Domain.md §2.1; a date that a finding sets does not count."""
    promise = world.commitment(world.issue(world.hearing("concluded")))
    more = {"reason": "雨季", "actor": world.department}
    first = operations.ask_extension(promise, new_due_on=promise.due_on + timedelta(days=9), **more)
    operations.grant_extension(first, actor=world.organiser)
    with pytest.raises(RuleBroken, match="1"):
        operations.ask_extension(promise, new_due_on=promise.due_on + timedelta(days=9), **more)
    monkeypatch.setitem(app.config, "EXTENSIONS_MOST", 2)
    operations.move_date(promise, promise.due_on + timedelta(days=5), reason="回头看", actor=world.organiser)
    second = operations.ask_extension(promise, new_due_on=promise.due_on + timedelta(days=9), **more)
    operations.refuse_extension(second, reason="不同意", actor=world.organiser)
    with clock_at(local(promise.due_on, time(23))):
        last = operations.ask_extension(promise, new_due_on=promise.due_on + timedelta(days=9), **more)
    operations.refuse_extension(last, reason="不同意", actor=world.organiser)
    db.session.commit()
    with clock_at(local(promise.due_on + timedelta(days=1), time(9))):
        office = browser(world.department)
        address = f"/commitments/{promise.id}/extend"
        assert address not in office.get(f"/commitments/{promise.id}").text  # no button that would be refused
        form = form_of(office.get(address)) | {"reason": "忘了"}
        form["new_due_on"] = (promise.due_on + timedelta(days=20)).isoformat()
        answer = office.post(address, form)
        assert answer.status_code == 422 and "到期前申请" in answer.text and "忘了" in answer.text


def test_a_promise_reported_done_needs_no_more_time(app, world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")))
    old = promise.due_on
    extension = operations.ask_extension(
        promise, new_due_on=old + timedelta(days=9), reason="忙", actor=world.department
    )
    db.session.commit()
    desk = browser(world.organiser)
    grant = f"/extensions/{extension.id}/grant"
    form = form_of(desk.get(grant))
    operations.report_done(promise, report="已装灯", actor=world.department)
    db.session.commit()
    assert extension.status == ExtensionStatus.WITHDRAWN and extension.decided_at is not None
    assert grant not in desk.get("/").text and grant not in desk.get(f"/commitments/{promise.id}").text
    assert desk.post(grant, form).status_code == 422  # had been opened before; nothing moves
    assert promise.due_on == old and extension.status == ExtensionStatus.WITHDRAWN
    assert "不再需要" in desk.get(f"/commitments/{promise.id}").text


def test_lights_on_the_pages(app, world, browser):
    with clock_at(now() - timedelta(days=30)):
        issue = world.issue(world.hearing("concluded", day=today()))
        promise = world.commitment(issue, days=31)
    desk = browser(world.organiser)
    assert "light-yellow" in desk.get(f"/commitments/{promise.id}").text
    assert said(app, "tomorrow") in desk.get(f"/commitments/{promise.id}").text
    promise.due_on = today() - timedelta(days=1)
    page = desk.get(f"/issues/{issue.id}").text
    assert "light-red" in page and said(app, "%(count)d days overdue", count=1) in page


# -- who -----------------------------------------------------------------------------------------------

ACTS = ("report-done", "verify", "reject", "release", "extend", "correct", "remove")


def test_who_may_do_what(app, world, browser):
    """404 for what one may not read, 403 for an act one may not do; nothing happens either way."""
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue, co_handlers=[world.street_office])
    world.assigned(issue)
    helper = world.other_department  # its office neither leads nor helps
    for who, codes in (
        (world.leader, dict.fromkeys(ACTS, 403)),
        (world.auditor, dict.fromkeys(ACTS, 403)),
        (world.deputy, dict.fromkeys(ACTS, 403)),
        (helper, {act: 404 if act in ("report-done", "extend") else 403 for act in ACTS}),
    ):
        one = browser(who)
        for act in ACTS:
            answer = one.post(f"/commitments/{promise.id}/{act}", {"reason": "x", "report": "x"})
            assert answer.status_code == codes[act], (who.username, act)
    assert (promise.status, issue.status) == (CommitmentStatus.OPEN, IssueStatus.ASSIGNED)
    assert browser(helper).get(f"/commitments/{promise.id}").status_code == 404


def test_a_co_handler_reads_the_promise_but_reports_nothing(app, world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")), co_handlers=[world.other_bureau])
    helper = browser(world.other_department)
    page = helper.get(f"/commitments/{promise.id}")
    assert page.status_code == 200
    assert f'href="/issues/{promise.issue_id}"' not in page.text
    assert f"/commitments/{promise.id}/" not in page.text
    assert helper.get(f"/commitments/{promise.id}/report-done").status_code == 403
    assert helper.get(f"/issues/{promise.issue_id}").status_code == 404


def test_buttons_of_a_promise_work(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    world.assigned(issue)

    for who in (world.organiser, world.department, world.street, world.deputy, world.leader):
        one = browser(who)
        page = one.get(f"/commitments/{promise.id}").text
        for address in set(re.findall(r'href="(/(?:commitments|assignments)/\d+/[^"]+)"', page)):
            assert one.get(address).status_code == 200, (who.username, address)
