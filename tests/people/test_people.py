"""The directory: making people, what they may do, locking, resetting."""

import re

import pytest
from sqlalchemy import func, select

from hearings.audit import AuditEvent
from hearings.db import db
from hearings.people import operations
from hearings.people.models import User
from hearings.permissions import Role
from tests import factories
from tests.factories import PASSWORD


def person(**fields):
    """A person's form as a browser sends it."""
    return {
        "name": "俞春燕",
        "username": "yu.chunyan",
        "title": "联络员",
        "email": "",
        "roles": ["organiser"],
        "department": "",
        "reach": "district",
        "protocol_order": "300",
    } | fields


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text)[1].replace("&#34;", '"').replace("&quot;", '"')


def shown_password(page):
    return re.search(r'class="num first-password">([^<]+)<', page.text)[1]


def actions():
    return db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id)).all()


def test_a_new_person_gets_a_first_password_once(app, world, browser):
    admin = browser(world.admin)
    made = admin.post("/people/new", person(reach="stations", stations=[str(world.station.id)]))
    assert made.status_code == 303, made.text
    user = db.session.scalars(select(User).where(User.username == "yu.chunyan")).one()
    assert made.headers["Location"] == f"/people/{user.id}"
    assert (user.role_set, user.station_ids, user.must_change_password) == ({Role.ORGANISER}, [world.station.id], True)
    page = admin.get(f"/people/{user.id}")
    password = shown_password(page)
    assert "first-password" not in admin.get(f"/people/{user.id}").text  # only once
    newcomer = browser()
    assert newcomer.post("/login", {"username": "YU.chunyan", "password": password}).status_code == 302
    assert newcomer.get("/departments/").headers["Location"].endswith("/password")
    assert actions()[-2:] == ["user.create", "user.sign_in"]


def test_the_first_password_is_long_and_has_no_letters_that_look_alike(app):
    made = {operations.first_password() for _i in range(200)}
    assert len(made) == 200
    assert all(re.fullmatch(r"[abcdefghjkmnp-z2-9]{4}(-[abcdefghjkmnp-z2-9]{4}){2,}", p) for p in made)
    for password in made:
        operations.check_password(password)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"name": ""}, None),
        ({"name": "一\x00二"}, None),
        ({"name": "很" * 41}, None),
        ({"username": "deputy"}, None),  # taken
        ({"username": "俞春燕"}, None),
        ({"username": "a"}, None),
        ({"roles": []}, None),
        ({"roles": ["emperor"]}, None),
        ({"roles": ["department"]}, None),  # of which department?
        ({"department": "99999"}, None),
        ({"department": "1; DROP TABLE user"}, None),
        ({"reach": "stations"}, None),  # which?
        ({"reach": "stations", "stations": ["99999"]}, None),
        ({"email": "kein at"}, None),
        ({"email": "a@b.cn\r\nBcc: x@y.cn"}, None),
        ({"protocol_order": "0"}, None),
        ({"protocol_order": "9" * 40}, None),
    ],
)
def test_bad_input_is_refused_and_kept(world, browser, fields, sentence):
    before = db.session.scalar(select(func.count()).select_from(User))
    answer = browser(world.admin).post("/people/new", person(title="原样保留", **fields))
    assert answer.status_code == 422
    assert 'value="原样保留"' in answer.text and 'class="error-summary"' in answer.text
    assert "first-password" not in answer.text
    assert db.session.scalar(select(func.count()).select_from(User)) == before


def test_amending_a_person(world, browser):
    admin = browser(world.admin)
    page = admin.get(f"/people/{world.deputy.id}")
    fields = person(
        name="代表甲",
        username="deputy",
        title="区人大代表、社区党委书记",
        roles=["deputy", "leader"],
        protocol_order="200",
        base=hidden(page, "base"),
        form_id=hidden(page, "form_id"),
    )
    assert admin.post(f"/people/{world.deputy.id}", fields).status_code == 303
    user = db.session.get(User, world.deputy.id)
    assert (user.title, user.role_set) == ("区人大代表、社区党委书记", {Role.DEPUTY, Role.LEADER})
    line = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).first()
    assert (line.action, line.details) == ("user.amend", {"fields": ["roles", "title"]})


def test_an_organiser_without_stations_is_never_made_by_accident(world, browser):
    """Emptying the stations of a street's organiser would open the whole district."""
    admin = browser(world.admin)
    page = admin.get(f"/people/{world.street.id}")
    fields = person(name="钱某某", username="street", title="新碶街道人大工委主任", protocol_order="1000") | {
        "base": hidden(page, "base")
    }
    assert admin.post(f"/people/{world.street.id}", fields | {"reach": "stations"}).status_code == 422
    assert db.session.get(User, world.street.id).station_ids == [world.station.id]
    assert admin.post(f"/people/{world.street.id}", fields | {"reach": "district"}).status_code == 303
    assert db.session.get(User, world.street.id).is_district


def test_the_administrator_cannot_lose_the_house(world, browser):
    admin = browser(world.admin)
    page = admin.get(f"/people/{world.admin.id}")
    fields = person(name="系统管理员", username="admin", title="", roles=["leader"], protocol_order="1000")
    answer = admin.post(f"/people/{world.admin.id}", fields | {"base": hidden(page, "base")})
    assert answer.status_code == 422
    assert admin.post(f"/people/{world.admin.id}/lock").status_code == 409
    assert (world.admin.role_set, world.admin.active) == ({Role.ADMIN}, True)


def test_two_administrators_at_one_person(world, browser):
    other_admin = factories.user("admin", username="admin2", name="程立信")
    one, other = browser(world.admin), browser(other_admin)
    fields = person(name="代表甲", username="deputy", title="区人大代表", roles=["deputy"], protocol_order="200")
    mine = fields | {"base": hidden(one.get(f"/people/{world.deputy.id}"), "base")}
    theirs = fields | {"base": hidden(other.get(f"/people/{world.deputy.id}"), "base")}
    assert one.post(f"/people/{world.deputy.id}", mine | {"title": "居委会主任"}).status_code == 303
    clash = other.post(f"/people/{world.deputy.id}", theirs | {"title": "小学校长", "email": "a@b.cn"})
    assert clash.status_code == 409
    assert "居委会主任" in clash.text and "小学校长" in clash.text and "系统管理员" in clash.text
    assert db.session.get(User, world.deputy.id).title == "居委会主任"


def test_locking_ends_sign_ins_and_leads_to_what_is_open(world, browser):
    admin, deputy = browser(world.admin), browser(world.deputy)
    assert deputy.get("/").status_code == 200
    assert admin.post(f"/people/{world.deputy.id}/lock").headers["Location"] == f"/hand-over/{world.deputy.id}"
    assert deputy.get("/").headers["Location"].startswith("/login")
    assert browser().post("/login", {"username": "deputy", "password": PASSWORD}).status_code == 200
    assert admin.post(f"/people/{world.deputy.id}/unlock").status_code == 303
    assert browser().post("/login", {"username": "deputy", "password": PASSWORD}).status_code == 302
    assert actions()[-3:] == ["user.lock", "user.unlock", "user.sign_in"]


def test_a_reset_shows_the_new_first_password_once_and_ends_the_old(world, browser):
    admin, deputy = browser(world.admin), browser(world.deputy)
    assert admin.post(f"/people/{world.deputy.id}/reset").status_code == 303
    password = shown_password(admin.get(f"/people/{world.deputy.id}"))
    assert deputy.get("/").headers["Location"].startswith("/login")
    assert browser().post("/login", {"username": "deputy", "password": PASSWORD}).status_code == 200
    assert browser().post("/login", {"username": "deputy", "password": password}).status_code == 302
    assert password not in "".join(str(line.details) for line in db.session.scalars(select(AuditEvent)))


def test_only_administrators_keep_the_directory(world, browser):
    for who in (world.auditor, world.organiser, world.street, world.deputy, world.department, world.leader):
        one = browser(who)
        for path in ("/people/", "/people/new"):
            assert one.get(path).status_code == 403
        assert one.get(f"/people/{world.deputy.id}").status_code == 404  # whom one may not read does not exist
        for act in ("lock", "unlock", "reset"):
            assert one.post(f"/people/{world.deputy.id}/{act}").status_code in (403, 404)
        assert one.post("/people/new", person()).status_code == 403
    assert browser(world.admin).get("/people/424242").status_code == 404
    assert db.session.scalar(select(func.count()).select_from(User)) == 9


def names_on(page):
    return re.findall(r'<a href="/people/\d+">([^<]+)</a>', page.text)


def test_the_list_narrows(world, browser):
    admin = browser(world.admin)
    assert names_on(admin.get("/people/?role=deputy")) == ["代表甲", "代表乙"]
    assert names_on(admin.get(f"/people/?department={world.bureau.id}")) == ["郑某某"]
    assert names_on(admin.get("/people/?q=DEPUTY2")) == ["代表乙"]
    assert names_on(admin.get("/people/?q=%25")) == []  # a percent sign is itself
    admin.post(f"/people/{world.deputy.id}/lock")
    assert names_on(admin.get("/people/?role=deputy")) == ["代表乙"]
    assert names_on(admin.get("/people/?state=locked")) == ["代表甲"]
    assert names_on(admin.get("/people/?state=all&role=deputy")) == ["代表甲", "代表乙"]
    odd = admin.get("/people/?role=x&department=abc&state=%00&q=%00&after=1.x&before=" + "9" * 400)
    assert odd.status_code == 200 and len(names_on(odd)) == 8


def test_the_list_pages_by_key_with_as_many_statements_for_one_as_for_three_hundred(world, browser, statements):
    admin = browser(world.admin)
    with statements() as few:
        admin.get("/people/")
    template = world.deputy.password
    for number in range(300):
        extra = User(
            username=f"p{number}",
            name=f"人员{number}",
            password=template,
            fs_uniquifier=f"u{number}",
            protocol_order=5000,
        )
        extra.set_roles([Role.DEPUTY])
        extra.stations = [world.station]
        db.session.add(extra)
    db.session.commit()
    with statements() as many:
        page = admin.get("/people/")
    assert len(many) == len(few) <= 12
    assert "309" in page.text
    seen, path = names_on(page), re.search(r'rel="next"\s+href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    while path:
        page = admin.get(path)
        seen += names_on(page)
        found = re.search(r'rel="next"\s+href="([^"]+)"', page.text)
        path = found[1].replace("&amp;", "&") if found else None
    assert len(seen) == len(set(seen)) == 309
    back = re.search(r'rel="prev"\s+href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    assert names_on(admin.get(back)) == seen[250:300]
