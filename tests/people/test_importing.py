"""An office brings its people, departments and stations along from a spreadsheet."""

import io
import re
import zipfile

import openpyxl
import pytest
from flask_babel import force_locale
from sqlalchemy import func, select

from hearings.audit import AuditEvent
from hearings.db import db
from hearings.documents import rows as sheet
from hearings.people.importing import DEPARTMENTS, PEOPLE
from hearings.people.models import Department, DepartmentKind, User
from hearings.permissions import Role
from hearings.schedule.importing import STATIONS
from hearings.schedule.models import Station
from tests.person import Person

HEADS = ("姓名", "性别", "角色", "部门", "职务", "账号", "邮箱", "联络站")
GOOD = [
    ("王　芳", "女", "部门", "区教育局", "副局长", "wang.fang", "wf@example.cn", ""),
    ("李雷", "男", "代表、领导", "", "区人大代表", "", "", ""),
    ("孙某", "男", "组织者", "", "工委主任", "", "", "新碶、XP"),
    ("周某", "女", "工作人员", "", "", "", "", "全区"),
]


def pasted(*rows, heads=HEADS):
    return "\n".join("\t".join(row) for row in (heads, *rows))


def person(*, name="陈某", role="代表", department="", login="", mail="", stations=""):
    return (name, "", role, department, "", login, mail, stations)


def hidden(page, name):
    return re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text)[1]


def sent(browser, rows, path="/people/import", **more):
    """Look at the rows."""
    return browser.post(path, {"rows": rows, "form_id": hidden(browser.get(path), "form_id")} | more)


def confirmed(browser, rows, path="/people/import", **more):
    """Look at the rows, then press the button below them."""
    seen = sent(browser, rows, path)
    more = {"seen": hidden(seen, "seen"), "form_id": hidden(seen, "form_id"), "confirm": "1"} | more
    return browser.post(path, {"rows": rows} | more)


def count(model=User):
    return db.session.scalar(select(func.count()).select_from(model))


def test_an_empty_office_gets_its_people_from_a_sheet(app, world, browser):
    admin = browser(world.admin)
    before, rows = count(), pasted(*GOOD)
    seen = sent(admin, rows)
    assert seen.status_code == 200
    for words in (
        "王芳",
        "db01",
        "zz01",
        "wf@example.cn",
        "新碶街道人大代表联络站",
        "全区",
        "未读取的栏目：性别",
        "添加这4人",
    ):
        assert words in seen.text
    assert count() == before  # so far only shown

    done = confirmed(admin, rows)
    assert (done.status_code, done.headers["Location"]) == (303, "/people/?state=first")
    made = {u.username: u for u in db.session.scalars(select(User).order_by(User.id.desc()).limit(4))}
    assert set(made) == {"wang.fang", "db01", "zz01", "zz02"}
    assert (made["wang.fang"].name, made["wang.fang"].department) == ("王芳", world.other_bureau)
    assert made["db01"].role_set == {Role.DEPUTY, Role.LEADER}
    assert sorted(made["zz01"].station_ids) == sorted([world.station.id, world.other_station.id])
    assert made["zz02"].is_district
    lines = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(4)).all()
    assert {(line.action, line.actor_name) for line in lines} == {("user.create", "系统管理员")}
    assert "已添加4人" in admin.get("/people/?state=first").text


def test_the_same_button_twice_adds_once(world, browser):
    admin, rows = browser(world.admin), pasted(*GOOD)
    seen = sent(admin, rows)
    data = {"rows": rows, "seen": hidden(seen, "seen"), "form_id": hidden(seen, "form_id"), "confirm": "1"}
    first, before = admin.post("/people/import", data), count()
    second = admin.post("/people/import", data)
    assert (first.status_code, second.status_code, count()) == (303, 303, before)


def test_what_is_confirmed_is_what_was_seen(world, browser):
    """Rows changed after the preview are shown again, not saved."""
    admin, before = browser(world.admin), count()
    seen = sent(admin, pasted(*GOOD))
    other = pasted(person(name="改过的人"))
    answer = admin.post("/people/import", {"rows": other, "seen": hidden(seen, "seen"), "confirm": "1"})
    assert answer.status_code == 200 and "改过的人" in answer.text and count() == before
    assert admin.post("/people/import", {"rows": other, "confirm": "1"}).status_code == 200
    assert count() == before


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (person(role="居民"), "没有“居民”这一角色"),
        (person(role=""), "角色：请填写此项。"),
        (person(name=""), "姓名：请填写此项。"),
        (person(name="很" * 41), "姓名"),
        (person(role="部门"), "部门"),
        (person(role="部门", department="区教育"), "是否为“区教育局”"),
        (person(role="部门", department="外星局"), "没有“外星局”"),
        (person(role="组织者"), "请至少选择一个联络站"),
        (person(role="组织者", stations="月亮湾"), "没有“月亮湾”"),
        (person(login="deputy"), "该账号已有人使用"),
        (person(login="俞春燕"), "账号为2至32位"),
        (person(mail="nomail"), "电子邮箱"),
    ],
)
def test_a_wrong_row_says_so_and_nothing_is_saved(world, browser, row, sentence):
    admin, before = browser(world.admin), count()
    rows = pasted(GOOD[0], row)
    answer = sent(admin, rows)
    assert answer.status_code == 422 and sentence in answer.text
    assert "有1行需要修改" in answer.text and 'name="confirm"' not in answer.text
    assert "wang.fang" in answer.text  # nothing typed is lost
    forced = admin.post("/people/import", {"rows": rows, "seen": hidden(answer, "seen"), "confirm": "1"})
    assert forced.status_code == 422 and count() == before


def test_everything_wrong_with_a_row_is_said_at_once(world, browser):
    answer = sent(browser(world.admin), pasted(person(role="居民", department="外星局", mail="nomail")))
    for words in ("没有“居民”", "没有“外星局”", "电子邮箱："):
        assert words in answer.text


def test_one_login_name_twice_in_the_sheet(world, browser):
    rows = pasted(person(name="甲某", login="same"), person(name="乙某", login="SAME"))
    assert "该账号已有人使用" in sent(browser(world.admin), rows).text


def test_made_login_names_keep_away_from_those_there_are_and_those_to_come(world, browser):
    admin = browser(world.admin)
    confirmed(admin, pasted(person(name="甲某")))
    seen = sent(admin, pasted(person(name="乙某"), person(name="丙某", login="db02")))
    assert seen.status_code == 200 and "db03" in seen.text


def test_a_name_that_is_there_already_is_asked_about(world, browser):
    admin, before = browser(world.admin), count()
    rows = pasted(person(name="代表甲"), person(name="新来的"))
    seen = sent(admin, rows)
    assert seen.status_code == 422 and "已有代表甲：区人大代表、账号deputy" in seen.text
    assert confirmed(admin, rows).status_code == 422 and count() == before  # not answered
    assert confirmed(admin, rows, **{"same-2": "nonsense"}).status_code == 422
    assert confirmed(admin, rows, **{"same-2": "leave"}).status_code == 303
    assert count() == before + 1
    assert confirmed(admin, rows, **{"same-2": "another", "same-3": "leave"}).status_code == 303
    assert db.session.scalar(select(func.count()).where(User.name == "代表甲")) == 2


def test_a_name_twice_in_the_sheet_is_asked_about(world, browser):
    seen = sent(browser(world.admin), pasted(person(name="王某", login="w1"), person(name="王某", login="w2")))
    assert seen.status_code == 422 and seen.text.count("已有王某") == 1 and "账号w1" in seen.text


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ("", "请粘贴表格内容"),
        ("   \n\t\t", "请粘贴表格内容"),
        ("随便写的一段话", "没有找到表头"),
        (pasted(heads=HEADS), "表头下面没有内容"),
        (pasted(person(), heads=("姓名", "姓名", *HEADS[2:])), "“姓名”一栏出现了两次"),
        (pasted(person(), heads=("姓名", "性别", "部门")), "缺少以下各栏：角色"),
        (pasted(*[person(name=f"某{n}") for n in range(sheet.MOST + 1)]), "一次最多500行"),
        ("姓名\t角色\n王\x00芳\t代表", "无法识别"),
    ],
)
def test_what_is_no_table_gets_a_sentence(world, browser, rows, sentence):
    answer = sent(browser(world.admin), rows)
    assert answer.status_code == 422
    if sentence != "无法识别":
        assert sentence in answer.text
    assert "field-error" in answer.text


def test_english_heads_commas_quotes_and_a_title_above(world, browser):
    rows = 'List of people,,\n\nName,Roles,Job title\n"Zhang, San","deputy, leader","says ""hi"""\n'
    seen = sent(browser(world.admin), rows)
    assert seen.status_code == 200 and "Zhang, San" in seen.text and "代表、领导" in seen.text


def workbook(*lines):
    book = openpyxl.Workbook()
    for line in lines:
        book.active.append(line)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def bomb():
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parcel:
        parcel.writestr("xl/workbook.xml", b" " * (70 * 1024 * 1024))
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("名册.xlsx", workbook(HEADS, *GOOD)),
        ("名册.CSV", pasted(*GOOD).replace("\t", ",").encode("gb18030")),
        ("名册.csv", pasted(*GOOD).replace("\t", ",").encode("utf-8-sig")),
        ("名册.txt", pasted(*GOOD).replace("\n", "\r\n").encode("utf-16")),
    ],
)
def test_files_as_excel_and_wps_write_them(world, browser, name, data):
    seen = browser(world.admin).post("/people/import", {"file": (io.BytesIO(data), name)})
    assert seen.status_code == 200, seen.text
    assert "添加这4人" in seen.text and "王芳" in seen.text
    assert re.search("wang.fang[\t,]", seen.text)  # the rows stand below, to be mended


@pytest.mark.parametrize(
    ("name", "data", "sentence"),
    [
        ("名册.xls", b"\xd0\xcf\x11\xe0", "请另存为Excel工作簿"),
        ("名册.xlsx", b"no workbook", "文件内容与扩展名不符"),
        ("名册.xlsx", bomb(), "文件展开后过大"),
        ("名册.csv", b"", "这是一个空文件"),
        ("名册.csv", b"\xff\xfe\x00\xd8\x00", "文件内容与扩展名不符"),
        ("名册.csv", b"x" * (11 * 1024 * 1024), "文件超过10 MB"),
    ],
)
def test_files_that_are_none(world, browser, name, data, sentence):
    answer = browser(world.admin).post("/people/import", {"file": (io.BytesIO(data), name)})
    assert answer.status_code == 422 and sentence in answer.text


def test_numbers_and_empty_cells_of_a_workbook_are_words():
    data = io.BytesIO(workbook(("姓名", "角色", "排序"), (None, None, None), ("王某", "代表", 12.0)))
    data.filename = "x.xlsx"
    table = sheet.read(sheet.from_file(data, 1), PEOPLE)
    assert [(row.number, row.cells) for row in table.rows] == [
        (3, {"name": "王某", "roles": "代表", "protocol_order": "12"})
    ]


@pytest.mark.parametrize("path", ["/people/import", "/departments/import", "/stations/import"])
def test_the_template_is_read_as_it_was_given_out(world, browser, path):
    admin = browser(world.admin)
    given = admin.get(f"{path}/template.xlsx")
    assert given.status_code == 200 and "filename*=UTF-8''" in given.headers["Content-Disposition"]
    answer = admin.post(path, {"file": (io.BytesIO(given.data), "模板.xlsx")})
    assert answer.status_code == 422 and "表头下面没有内容" in answer.text


def test_every_column_is_recognised_by_its_label_in_both_languages(app):
    for language in ("zh_Hans", "en"):
        with force_locale(language):
            for column in (*PEOPLE, *DEPARTMENTS, *STATIONS):
                assert str(column.label) in column.heads


def test_departments_and_stations(world, browser):
    organiser = browser(world.organiser)
    rows = "部门名称\t简称\t类型\t负责人\n区水利局\t\t\t江海平\n区水务公司\t水务公司\t企业\t\n"
    seen = sent(organiser, rows, "/departments/import")
    assert seen.status_code == 200 and "添加这2个部门" in seen.text
    assert confirmed(organiser, rows, "/departments/import").headers["Location"] == "/departments/"
    made = db.session.scalars(select(Department).order_by(Department.id.desc()).limit(2)).all()
    assert [(d.name, d.short_name, d.kind) for d in made] == [
        ("区水务公司", "水务公司", DepartmentKind.ENTERPRISE),
        ("区水利局", "区水利局", DepartmentKind.BUREAU),
    ]
    assert sent(organiser, rows, "/departments/import").status_code == 422  # they are there now
    odd = sent(organiser, "名称\t类型\n区天文局\t星球\n", "/departments/import")
    assert odd.status_code == 422 and "没有“星球”这一类型" in odd.text

    rows = "代码\t名称\t街道\t地址\t座位\nDX\t大碶街道人大代表联络站\t大碶\t人民北路1号\t80\n"
    assert confirmed(organiser, rows, "/stations/import").headers["Location"] == "/stations/"
    station = db.session.scalars(select(Station).where(Station.code == "DX")).one()
    assert (station.capacity, station.feed_is_public) == (80, False)
    assert sent(organiser, rows, "/stations/import").status_code == 422
    assert "座位" in sent(organiser, rows.replace("DX", "DY").replace("80", "很多"), "/stations/import").text


def test_only_those_who_keep_the_lists_may_import(world, browser):
    for who, refused in (
        (world.organiser, ["people"]),
        (world.street, ["people", "departments", "stations"]),
        (world.deputy, ["people", "departments", "stations"]),
        (world.leader, ["people", "departments", "stations"]),
    ):
        one = browser(who)
        for place in refused:
            assert one.get(f"/{place}/import").status_code == 403
            assert one.post(f"/{place}/import", {"rows": "x"}).status_code == 403
            assert one.get(f"/{place}/import/template.xlsx").status_code == 403
    assert browser(world.organiser).get("/people/slips").status_code == 403


# -- slips ---------------------------------------------------------------------------------------------


def slips_of(page):
    return re.findall(r'first-password">\s*(\S+)\s*<', page.text)


def test_slips_are_made_when_they_are_handed_out(app, world, browser):
    admin = browser(world.admin)
    confirmed(admin, pasted(*GOOD))
    assert browser().post("/login", {"username": "db01", "password": ""}).status_code == 200  # no password, no entry
    page = admin.get("/people/slips")
    ticked = re.findall(r'name="people"\s+value="(\d+)" checked', page.text)
    assert len(ticked) == 4
    data = {"people": ticked[:3], "form_id": hidden(page, "form_id")}
    made = admin.post("/people/slips", data)
    passwords = slips_of(made)
    assert made.status_code == 200 and len(passwords) == len(set(passwords)) == 3
    assert made.headers["Cache-Control"] == "no-store"
    again = admin.post("/people/slips", data)  # reloading does not make other ones
    assert (again.status_code, again.headers["Location"]) == (303, "/people/slips")
    later = admin.get("/people/slips")
    assert len(re.findall(r'name="people"\s+value="\d+" checked', later.text)) == 1  # the one who has none yet
    assert later.text.count("已发过初始口令") >= 3

    user = db.session.get(User, int(ticked[0]))
    newcomer = Person(app, user.username, passwords[0])
    assert newcomer.path.endswith("/password")
    line = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "user.reset")).all()
    assert len(line) == 3 and passwords[0] not in str([one.details for one in line])


def test_slips_for_nobody_and_for_others(world, browser):
    admin = browser(world.admin)
    assert "所有人员都已自设口令" in admin.get("/people/slips").text
    assert admin.post("/people/slips", {"people": [str(world.deputy.id)]}).status_code == 422
    assert not world.deputy.must_change_password
    confirmed(admin, pasted(GOOD[1]))
    form_id = hidden(admin.get("/people/slips"), "form_id")
    assert admin.post("/people/slips", {"form_id": form_id}).status_code == 422  # nobody ticked


def test_the_list_shows_who_waits_for_a_password(world, browser):
    admin = browser(world.admin)
    confirmed(admin, pasted(GOOD[1]))
    found = admin.get("/people/?state=first").text
    assert "李雷" in found and "尚无初始口令" in found and "代表甲" not in found
