"""What the office is called: asked of a new one, on its pages and papers, and before the first minutes."""

import re

import pytest
from sqlalchemy import select

from config import Config
from hearings.audit import AuditEvent
from hearings.db import db
from hearings.errors import RuleBroken
from hearings.minutes import operations as minutes
from hearings.people import house, operations
from hearings.people.models import House, User
from tests import factories


@pytest.fixture
def unnamed(app):
    """The application as it stands in an office that has just begun."""
    kept = dict(app.extensions["house"])
    for name in house.WORDS:
        app.config[name] = app.extensions["house"][name] = getattr(Config, name)
    yield app
    app.extensions["house"] = kept


def fields(**more):
    given = {
        "system_name": "人大代表民生夜询会",
        "minutes_mark": "人大代表民生夜询会纪要",
        "minutes_cc": "区委办公室\n\n区政府办公室",
    }
    return given | more


def foot(page):
    return re.search(r'<div class="foot-inner">.*?</div>', page.text, re.S)[0]


def test_the_district_gives_the_other_names(unnamed, world, browser):
    admin = browser(world.admin)
    assert "填写机关名称" in admin.get("/settings/").text
    done = admin.post("/settings/office", fields(district="镇海区"))
    assert done.headers["Location"] == "/settings/"
    page = admin.get("/settings/").text
    for words in ("镇海区人大常委会办公室", "镇海区人大", "区委办公室、区政府办公室"):
        assert words in page
    assert "镇海区人大常委会办公室" in foot(admin.get("/"))
    assert 'value="镇海区人大代表民生夜询会"' in browser(world.organiser).get("/hearings/new").text
    line = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert (line.action, line.actor_name, line.details) == ("house.name", "系统管理员", {"name": "镇海区人大常委会"})
    assert "设置机关名称" in browser(world.auditor).get("/audit/").text


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (fields(), "行政区划：请填写此项"),
        (fields(organisation="镇海区人大常委会"), "办事机构：请填写此项"),
        (fields(district="镇海区", system_name=""), "系统名称：请填写此项"),
        (fields(district="镇\x00海区"), "行政区划"),
        (fields(district="长" * 21), "行政区划"),
    ],
)
def test_what_is_missing_is_said_and_nothing_is_lost(unnamed, world, browser, given, sentence):
    answer = browser(world.admin).post("/settings/office", given | {"minutes_cc": "原样保留"})
    assert answer.status_code == 422 and sentence in answer.text and "原样保留" in answer.text
    assert db.session.get(House, 1) is None


def test_two_administrators_name_it_at_once(unnamed, world, browser):
    one, other = browser(world.admin), browser(factories.user("admin", username="admin2", name="程立信"))
    base = {}
    for who in (one, other):
        found = re.search(r'name="base"[^>]*value="([^"]*)"', who.get("/settings/office").text)[1]
        base[who] = found.replace("&#34;", '"').replace("&quot;", '"')
    assert one.post("/settings/office", fields(district="镇海区", base=base[one])).status_code == 303
    clash = other.post("/settings/office", fields(organisation="镇海人大", district="镇海", base=base[other]))
    assert clash.status_code == 409 and "镇海区人大常委会" in clash.text
    assert db.session.get(House, 1).words["ORGANISATION"] == "镇海区人大常委会"


def test_another_process_takes_the_new_name_over_without_asking_more(app, world, browser, statements):
    admin = browser(world.admin)
    with statements() as before:
        admin.get("/departments/")
    operations.name_office({"OFFICE_NAME": "镇海区人大常委会办公室"}, actor=world.admin)  # as another process does it
    db.session.commit()
    assert app.config["OFFICE_NAME"] == "北仑区人大常委会办公室"
    assert "镇海区" in foot(admin.get("/departments/"))
    with statements() as after:
        admin.get("/departments/")
    assert len(after) == len(before)


def test_only_administrators_name_it(world, browser):
    for who in (world.auditor, world.organiser, world.street, world.deputy, world.department, world.leader):
        assert browser(who).get("/settings/office").status_code == 403
        assert browser(who).post("/settings/office", fields(district="镇海区")).status_code == 403


def test_minutes_are_not_published_by_an_office_without_a_name(unnamed, world, browser):
    hearing = world.hearing("concluded", day=factories.now().date())
    drafted = minutes.draft(hearing, actor=world.organiser)
    minutes.review(drafted, actor=world.street)
    db.session.commit()
    day = hearing.day
    with pytest.raises(RuleBroken) as refused:
        minutes.to_print(drafted, issued_by="张某某", issued_on=day)
    assert "尚未填写本机关名称" in str(refused.value.message)
    answer = browser(world.organiser).post(
        f"/hearings/{hearing.id}/minutes/publish", {"issued_by": "张某某", "issued_on": day.isoformat()}
    )
    assert answer.status_code == 422 and "尚未填写本机关名称" in answer.text


# -- first steps ---------------------------------------------------------------------------------------


def steps(page):
    found = re.search(r'id="first-steps".*?</section>', page.text, re.S)
    if found is None:
        return None
    return ["已完成" in item for item in re.findall(r"<li>.*?</li>", found[0], re.S)]


def test_a_new_office_is_led_through_its_first_steps(unnamed, browser):
    admin = factories.user("admin")
    db.session.commit()
    page = browser(admin)
    assert steps(page.get("/")) == [False] * 6
    operations.name_office({"ORGANISATION": "镇海区人大常委会"}, actor=admin)
    factories.department()
    db.session.commit()
    assert steps(page.get("/")) == [True, True, False, False, False, False]
    factories.station()
    organiser = operations.create_user(
        username="zz01", name="周某", roles=["organiser"], password=None, must_change_password=True, actor=admin
    )
    db.session.commit()
    assert steps(page.get("/")) == [True, True, True, True, False, False]
    operations.reset_password(organiser, actor=admin)
    db.session.commit()
    assert steps(page.get("/")) == [True, True, True, True, True, False]
    unnamed.config.update(MAIL_HOST="mail.example.cn", MAIL_FROM="a@example.cn")
    assert steps(page.get("/")) is None
    assert steps(browser(organiser).get("/password")) is None


def test_the_list_goes_away_when_the_first_hearing_is_planned_and_is_the_administrators_alone(world, browser):
    assert steps(browser(world.admin).get("/")) is not None  # no mail yet
    assert steps(browser(world.organiser).get("/")) is None
    world.hearing("draft")
    assert steps(browser(world.admin).get("/")) is None


def test_every_step_leads_somewhere(unnamed, world, browser):
    admin = browser(world.admin)
    found = re.search(r'id="first-steps".*?</section>', admin.get("/").text, re.S)[0]
    for path in re.findall(r'href="([^"#]+)', found):
        assert admin.get(path).status_code == 200, path


# -- nobody, and nothing, yet --------------------------------------------------------------------------


def test_the_sign_in_says_how_the_first_administrator_is_made(app, browser):
    assert "flask --app wsgi user add" in browser().get("/login").text
    factories.user("admin")
    db.session.commit()
    assert "flask --app wsgi user add" not in browser().get("/login").text


def test_a_first_administrator_who_mistypes_is_asked_again(app, monkeypatch):
    from hearings import cli

    said = iter(["王管理", "王管理", "abc", "sysadmin", "王管理", "short", "sysadmin", "王管理", "Long-enough-1"])
    told = []
    monkeypatch.setattr(cli.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr(cli.click, "prompt", lambda *words, **kw: next(said))
    monkeypatch.setattr(cli.click, "echo", lambda words="": told.append(words))
    cli._first_admin()
    assert [u.username for u in db.session.scalars(select(User))] == ["sysadmin"]
    assert len(told) == 3 and next(said, None) is None  # the heading, and two sentences


def test_an_organiser_of_a_new_office_is_led_to_the_first_hearing(app, browser):
    one = factories.user("organiser")
    db.session.commit()
    page = browser(one)
    front = page.get("/").text
    assert 'href="/hearings/new"' in front and 'href="/help"' in front
    form = page.get("/hearings/new").text
    assert "还没有联络站" in form and 'href="/stations/new"' in form
    factories.station()
    db.session.commit()
    assert "还没有联络站" not in page.get("/hearings/new").text


def test_a_hearing_that_was_planned_ends_the_lead(world, browser):
    world.hearing("draft")
    world.hearing("concluded", day=factories.today())
    quiet = factories.user("organiser", stations=[world.other_station])
    db.session.commit()
    front = browser(quiet).get("/").text
    assert "拟定第一次会议" not in front
