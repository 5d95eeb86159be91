"""Departments: the list everyone reads; amending, renaming on a day, retiring, merging; the names they had."""

import re
from datetime import date, time, timedelta

import pytest
from sqlalchemy import select

from hearings.audit import AuditEvent
from hearings.db import clock_at, db, local, today
from hearings.errors import RuleBroken
from hearings.filters import day
from hearings.issues import operations as issues
from hearings.people import operations
from hearings.people.models import Department, User
from tests import factories


def office(**fields):
    return {"name": "区数据局", "short_name": "区数据局", "kind": "bureau", "position": "30"} | fields


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text)[1].replace("&#34;", '"').replace("&quot;", '"')


def names_on(page):
    return re.findall(r'<a href="/departments/\d+">([^<]+)</a>', page.text)


def test_everyone_reads_names_contacts_and_heads(world, browser):
    operations.amend_department(world.bureau, {"head": "郑某某", "contact": "龚海涛"}, actor=world.admin)
    for who in (world.admin, world.auditor, world.organiser, world.deputy, world.department, world.leader):
        one = browser(who)
        page = one.get("/departments/")
        assert names_on(page) == ["区交通运输局", "区教育局", "新碶街道办事处"]
        assert "郑某某" in page.text and "龚海涛" in page.text
        assert one.get(f"/departments/{world.bureau.id}").status_code == 200


def test_the_list_narrows(world, browser):
    one = browser(world.deputy)
    assert names_on(one.get("/departments/?kind=street_office")) == ["新碶街道办事处"]
    assert names_on(one.get("/departments/?q=教育")) == ["区教育局"]
    operations.retire_department(world.other_bureau, on=today() - timedelta(days=1), actor=None)
    assert names_on(one.get("/departments/")) == ["区交通运输局", "新碶街道办事处"]
    assert names_on(one.get("/departments/?state=retired")) == ["区教育局"]
    assert one.get("/departments/?kind=x&state=y&q=%00&after=a.b").status_code == 200
    assert "/departments/new" not in one.get("/departments/").text


def test_adding_one(world, browser):
    made = browser(world.organiser).post("/departments/new", office(head="盛智勇"))
    department = db.session.scalars(select(Department).where(Department.name == "区数据局")).one()
    assert made.headers["Location"] == f"/departments/{department.id}"
    assert (department.head, department.valid_from) == ("盛智勇", today())


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "区教育局"},  # there is one
        {"name": "局" * 61},
        {"short_name": "两\n行"},
        {"kind": "ministry"},
        {"position": "-1"},
        {"position": "eins"},
        {"contact": "\u202e倒"},
    ],
)
def test_bad_input_is_refused_and_kept(world, browser, fields):
    answer = browser(world.admin).post("/departments/new", office(head="原样保留") | fields)
    assert answer.status_code == 422
    assert 'value="原样保留"' in answer.text and 'class="error-summary"' in answer.text


def test_a_rename_keeps_the_old_name_on_old_records(world, browser):
    issue = world.issue()
    promise = world.commitment(issue)
    started = today() - timedelta(days=3)
    done = browser(world.organiser).post(
        f"/departments/{world.bureau.id}/rename",
        {"name": "区交通运输和港航局", "short_name": "区交通港航局", "on": started.isoformat()},
    )
    assert done.status_code == 303, done.text
    new = db.session.scalars(select(Department).where(Department.name == "区交通运输和港航局")).one()
    old = db.session.get(Department, world.bureau.id)
    assert (old.name, old.valid_until, old.successor_id) == ("区交通运输局", started - timedelta(days=1), new.id)
    assert (new.valid_from, new.head, new.position) == (started, old.head, 10)
    assert db.session.get(User, world.department.id).department_id == new.id  # its people go on
    assert promise.lead.name == "区交通运输局"
    page = browser(world.department).get(f"/commitments/{promise.id}")  # and so does what is open
    assert page.status_code == 200
    history = browser(world.deputy).get(f"/departments/{new.id}")
    assert "区交通运输局" in history.text
    assert f'href="/departments/{new.id}"' in browser(world.deputy).get(f"/departments/{old.id}").text


def test_the_history_goes_over_every_rename_and_merger(world, browser):
    second = operations.rename_department(world.bureau, name="甲局", short_name="甲局", on=date(2020, 1, 1), actor=None)
    third = operations.rename_department(second, name="乙局", short_name="乙局", on=date(2022, 1, 1), actor=None)
    operations.retire_department(world.other_bureau, on=date(2023, 1, 1), successor=third, actor=None)
    page = browser(world.leader).get(f"/departments/{third.id}")
    assert names_on(page) == ["区教育局", "甲局", "区交通运输局"]


def later(days):
    """The clock, that many days on, at nine."""
    return clock_at(local(today() + timedelta(days=days), time(9)))


def test_a_rename_planned_ahead_begins_on_its_day(world, browser):
    begins = today() + timedelta(days=30)
    one = browser(world.organiser)
    fields = {"name": "区交通运输和港航局", "short_name": "区交通港航局", "on": begins.isoformat()}
    old = world.bureau
    assert one.post(f"/departments/{old.id}/rename", fields).status_code == 303
    new = db.session.scalars(select(Department).where(Department.name == "区交通运输和港航局")).one()
    assert (new.valid_from, old.valid_until, old.successor_id) == (begins, begins - timedelta(days=1), new.id)
    assert world.department.department_id == old.id  # until then its people stay

    # until then: the old name everywhere, the new one beside it with its day
    page = one.get("/departments/").text
    assert names_on(one.get("/departments/")) == ["区交通运输局", "区教育局", "新碶街道办事处"]
    assert f"自{day(begins)}起：区交通运输和港航局" in page
    assert f"自{day(begins)}起：" in one.get(f"/departments/{old.id}").text
    assert day(begins) in one.get(f"/departments/{new.id}").text
    assert names_on(one.get("/departments/?state=planned")) == ["区交通运输和港航局"]
    issue = world.issue(world.hearing("concluded"))
    form = one.get(f"/issues/{issue.id}/assign").text
    assert "区交通运输局" in form and "区交通运输和港航局" not in form
    narrowed = one.get("/issues/").text
    assert (
        f'<option value="{old.id}">{old.short_name}' in narrowed
        and f'<option value="{new.id}">{new.short_name}' not in narrowed
    )
    assignment = world.assigned(issue)
    assert browser(world.department).get(f"/issues/{issue.id}").status_code == 200
    another = world.issue(world.hearing("concluded"))
    with pytest.raises(RuleBroken):
        issues.assign(another, lead=new, actor=world.organiser)

    with later(30):
        assert names_on(one.get("/departments/")) == ["区交通运输和港航局", "区教育局", "新碶街道办事处"]
        form = one.get(f"/issues/{another.id}/assign").text
        assert "区交通运输和港航局" in form and "区交通运输局" not in form
        narrowed = one.get("/issues/").text
        assert (
            f'<option value="{new.id}">{new.short_name}' in narrowed
            and f'<option value="{old.id}">{old.short_name}' not in narrowed
        )
        # the people go on at once with what is open, and are written down as the new office's by the daily run
        assert browser(world.department).post(f"/assignments/{assignment.id}/accept").status_code == 303
        assert world.department.department_id == old.id
        assert operations.settle_offices() == 1
        assert operations.settle_offices() == 0
        assert world.department.department_id == new.id
        assert browser(world.department).get(f"/issues/{issue.id}").status_code == 200
        assert "区交通运输局" in one.get(f"/issues/{issue.id}").text  # old records keep the old name
        assert f"/departments/{old.id}" in one.get(f"/departments/{new.id}").text


def test_a_merger_planned_ahead(world, browser):
    last = today() + timedelta(days=10)
    one = browser(world.admin)
    fields = {"on": last.isoformat(), "successor": str(world.other_bureau.id)}
    assert one.post(f"/departments/{world.bureau.id}/retire", fields).status_code == 303
    assert world.department.department_id == world.bureau.id and world.bureau.is_current
    assert f"自{day(last + timedelta(days=1))}起：区教育局" in one.get("/departments/").text
    with later(10):
        assert world.bureau.is_current and operations.settle_offices() == 0
    with later(11):
        assert not world.bureau.is_current
        assert world.other_bureau.id in world.department.department_ids
        assert operations.settle_offices() == 1
        assert world.department.department_id == world.other_bureau.id


def test_what_is_planned_may_be_taken_back(world, browser):
    one = browser(world.organiser)
    path = f"/departments/{world.bureau.id}"
    fields = {"name": "甲局", "short_name": "甲局", "on": (today() + timedelta(days=1)).isoformat()}
    assert one.post(f"{path}/rename", fields).status_code == 303
    for again in ({"on": today().isoformat()}, fields):  # one plan at a time
        assert one.post(f"{path}/{'rename' if 'name' in again else 'retire'}", again).status_code == 422
    assert one.post("/departments/new", office(name="甲局")).status_code == 422  # the name is spoken for
    assert one.post("/departments/new", office(name="区交通运输局")).status_code == 422  # and this one in use
    assert f"{path}/drop-plan" in one.get(path).text
    for who in (world.deputy, world.leader, world.department, world.street):
        assert f"{path}/drop-plan" not in browser(who).get(path).text
        assert browser(who).post(f"{path}/drop-plan").status_code == 403
    assert one.post(f"{path}/drop-plan").status_code == 303
    assert (world.bureau.valid_until, world.bureau.successor_id) == (None, None)
    assert db.session.scalars(select(Department).where(Department.name == "甲局")).all() == []
    assert one.post(f"{path}/drop-plan").status_code == 409


def test_what_has_begun_is_not_taken_back_as_a_plan(world, browser):
    operations.rename_department(world.bureau, name="甲局", short_name="甲局", on=today(), actor=None)
    assert browser(world.admin).post(f"/departments/{world.bureau.id}/drop-plan").status_code == 409
    assert world.bureau.successor.name == "甲局"


def test_a_merger_and_its_undo(world, browser):
    one = browser(world.organiser)
    fields = {"on": today().isoformat(), "successor": str(world.other_bureau.id)}
    assert one.post(f"/departments/{world.bureau.id}/retire", fields).status_code == 303
    assert db.session.get(User, world.department.id).department_id == world.other_bureau.id
    undo = re.search(r"/undo/\d+", one.get(f"/departments/{world.bureau.id}").text)[0]
    assert one.post(undo).status_code == 303
    back = db.session.get(Department, world.bureau.id)
    assert (back.valid_until, back.successor_id) == (None, None)
    assert db.session.get(User, world.department.id).department_id == world.bureau.id
    lines = db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()
    assert lines[-2:] == ["department.retire", "department.retire.undo"]


def test_retiring_refuses_what_makes_no_sense(world, browser):
    one = browser(world.admin)
    path = f"/departments/{world.bureau.id}/retire"
    assert one.post(path, {"on": "2015-01-01"}).status_code == 422  # before it began
    assert one.post(path, {"on": "1990-01-01"}).status_code == 422
    assert one.post(path, {"on": "gestern"}).status_code == 422
    assert one.post(path, {"on": today().isoformat(), "successor": str(world.bureau.id)}).status_code == 422
    assert one.post(path, {"on": today().isoformat(), "successor": "77777"}).status_code == 422
    assert db.session.get(Department, world.bureau.id).valid_until is None


def test_only_administrators_and_district_organisers_amend(world, browser):
    for who in (world.auditor, world.street, world.deputy, world.department, world.leader):
        one = browser(who)
        assert one.get("/departments/new").status_code == 403
        for page in ("edit", "rename", "retire"):
            assert one.get(f"/departments/{world.bureau.id}/{page}").status_code == 403
        assert one.post("/departments/new", office()).status_code == 403
        text = one.get(f"/departments/{world.bureau.id}").text
        assert "/edit" not in text and "/retire" not in text
    for who in (world.admin, world.organiser):
        assert browser(who).get(f"/departments/{world.bureau.id}/edit").status_code == 200
    assert browser(world.admin).get("/departments/4242/edit").status_code == 404


def test_as_many_statements_for_one_as_for_three_hundred(world, browser, statements):
    one = browser(world.deputy)
    with statements() as few:
        one.get("/departments/")
    for _i in range(300):
        factories.department()
    db.session.commit()
    with statements() as many:
        page = one.get("/departments/")
    assert len(many) == len(few) <= 12
    assert len(names_on(page)) == 50 and "303" in page.text
