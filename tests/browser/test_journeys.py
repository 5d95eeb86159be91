"""The journeys people make, in a real browser and in Chinese: at the desk, on the phone, with and without JavaScript."""

import io
import re
from pathlib import Path
from typing import Any

from PIL import Image
from playwright.sync_api import Page, expect

from hearings.db import db, today
from hearings.issues import operations as issues
from hearings.issues.models import ResultClass
from hearings.notices import invitations
from hearings.notices.models import Invitation
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import Hearing
from tests import factories
from tests.browser import chromium as kit

STATEMENT = "霞浦铁路桥下堆了半年的建筑垃圾，夜里没有灯，老人接孩子放学要绕半里路，盼清理并装灯。"


def photo(folder: Path) -> Path:
    """A picture as a phone takes it: large, and telling where it was taken."""
    exif = Image.Exif()
    exif[0x010F] = "Phone"
    exif.get_ifd(0x8825).update({1: "N", 2: (29.0, 54.0, 12.0), 3: "E", 4: (121.0, 50.0, 30.0)})
    path = folder / "桥下.jpg"
    Image.new("RGB", (4000, 3000), (90, 110, 130)).save(path, exif=exif)
    return path


def evening(town: Any, status: str = "in_session") -> int:
    """A hearing of today, by its id."""

    def build(world: factories.World) -> int:
        hearing = world.hearing(status, day=today())
        schedule.add_topic(
            title="铁路桥下的灯", departments=[world.bureau], street="新碶", hearing=hearing, actor=world.organiser
        )
        return hearing.id

    return int(town.arrange(build))


def logged(town: Any, status: str = "in_session", **details: Any) -> tuple[int, int]:
    """(hearing, issue): an evening of today with one issue on its list."""

    def build(world: factories.World) -> tuple[int, int]:
        hearing = world.hearing(status, day=today())
        return hearing.id, world.issue(hearing, **details).id

    return town.arrange(build)


def button(page: Page, name: str, within: str = "main") -> Any:
    return page.locator(within).get_by_role("button", name=name, exact=True)


def reads(page: Page, *words: str) -> None:
    for each in words:
        expect(page.locator("body")).to_contain_text(each)


# -- one issue, from a phone to struck off ----------------------------------------------------------------


def test_an_issue_from_a_deputys_phone_until_it_is_struck_off(town: Any, tmp_path: Path) -> None:
    hearing = evening(town)
    issue = the_deputy_logs_it_on_the_phone(town, hearing, tmp_path)
    the_night(town, hearing, issue)
    commitment = the_organiser_assigns_it(town, hearing, issue)
    the_department_does_it(town, issue, commitment, tmp_path)
    the_organiser_verifies_and_asks(town, issue, commitment)
    the_deputy_confirms_on_the_phone(town)
    the_organiser_strikes_it_off(town, issue)


def the_deputy_logs_it_on_the_phone(town: Any, hearing: int, folder: Path) -> int:
    page = town.page("deputy", viewport=kit.PHONE, has_touch=True)
    page.goto(f"/hearings/{hearing}")
    page.get_by_role("link", name="登记问题").first.tap()
    page.get_by_label("反映的问题").fill(STATEMENT)
    page.get_by_label("照片").set_input_files(photo(folder))
    page.get_by_label("地点").fill("霞浦铁路桥")
    button(page, "登记").tap()
    reads(page, "已登记，编号")
    page.get_by_role("link", name="查看").tap()
    expect(page.get_by_role("heading", level=1)).to_contain_text("霞浦铁路桥下堆了半年的建筑垃圾")

    picture = page.locator("#files img")
    expect(picture).to_be_visible()
    large = page.context.request.get(page.locator("#files .files-open").get_attribute("href") or "")
    seen = Image.open(io.BytesIO(large.body()))
    assert max(seen.size) <= 2000
    assert dict(seen.getexif()) == {}

    button(page, "移除", "#files").tap()
    expect(page.locator("#files li")).to_have_count(0)
    button(page, "撤销").tap()
    expect(page.locator("#files li")).to_have_count(1)
    found = re.search(r"/issues/(\d+)", page.url)
    assert found is not None
    return int(found[1])


def the_night(town: Any, hearing: int, issue: int) -> None:
    page = town.page("organiser")
    page.goto(f"/hearings/{hearing}/session")
    seat = page.locator(".seat", has_text="代表甲")
    seat.get_by_role("button", name="签到").click()
    expect(page.locator(".seat", has_text="代表甲")).to_contain_text("已签到")
    page.locator(".seat", has_text="代表乙").get_by_role("button", name="请假").click()
    expect(page.locator(".seat", has_text="代表乙")).to_contain_text("请假")

    page.locator(f'[data-issue-link][href*="issue={issue}"]').click()
    say = page.locator("#say")
    say.get_by_label("类型").select_option(label="答复")
    say.get_by_label("部门").select_option(label="区交通运输局")
    say.get_by_label("发言内容").fill("桥下空间权属已经查明，由我局牵头清理。")
    button(page, "添加", "#say").click()
    expect(page.locator(".turn")).to_contain_text("桥下空间权属已经查明")

    promise = page.locator("#promise")
    promise.get_by_label("整改措施").fill("尽快清理桥下堆物并安装照明")
    expect(promise.locator(".field-vague")).to_contain_text("“尽快”")
    promise.get_by_label("主办单位").select_option(label="区交通运输局")
    promise.get_by_label("或者，期限为").fill("20")
    expect(promise.locator("[data-reckoned]")).to_contain_text("→")
    button(page, "添加承诺", "#promise").click()
    expect(page.locator(".promises")).to_contain_text("尽快清理桥下堆物并安装照明")
    expect(page.locator(".promises .field-vague")).to_contain_text("尽快")

    page.locator("#outcome").get_by_label("当场处理意见").select_option(label="限期办理")
    expect(page.locator("#outcome [data-autosave-note]")).to_have_text(re.compile(r"已保存\s?\d\d:\d\d"))

    page.get_by_label("会场发出票数").fill("18")
    page.locator(".night-issued").get_by_role("button", name="保存").click()
    ballot = page.locator("#ballot")
    for label, count in (("满意", "16"), ("基本满意", "3"), ("不满意", "0")):
        ballot.get_by_label(label, exact=True).fill(count)
    button(page, "保存计票", "#ballot").click()
    expect(page.locator("[data-error-summary]")).to_be_focused()
    page.locator("#ballot").get_by_label("基本满意", exact=True).fill("2")
    button(page, "保存计票", "#ballot").click()
    expect(page.locator("#ballot .status").first).to_have_text("满意")
    page.get_by_role("link", name="结束会议").click()
    expect(page.get_by_label("区交通运输局")).to_be_checked()
    expect(page.get_by_label("区教育局")).not_to_be_checked()
    button(page, "结束会议").click()
    reads(page, "已结束", "区教育局")
    page.goto(f"/hearings/{hearing}")
    reads(page, "未登记")
    button(page, "撤销").click()
    reads(page, "进行中")
    page.goto(f"/hearings/{hearing}/conclude")
    button(page, "结束会议").click()
    reads(page, "已结束")


def the_organiser_assigns_it(town: Any, hearing: int, issue: int) -> int:
    page = town.page("organiser")
    page.goto(f"/issues/{issue}")
    page.get_by_role("link", name="交办", exact=True).click()
    page.get_by_label("主办单位").select_option(label="区交通运输局")
    button(page, "交办").click()
    reads(page, "已交办")
    found = re.search(r"/commitments/(\d+)", page.locator("#promises a").first.get_attribute("href") or "")
    assert found is not None
    return int(found[1])


def the_department_does_it(town: Any, issue: int, commitment: int, folder: Path) -> None:
    page = town.page("department")
    page.goto("/")
    page.get_by_role("link", name=re.compile("签收.*霞浦铁路桥下")).click()
    button(page, "签收").click()
    reads(page, "办理中")

    page.get_by_role("link", name="填报进展").first.click()
    page.locator("[name=text]").fill("堆物已清运三车，照明立杆完成。")
    page.locator("[name=commitment]").select_option(index=1)
    page.locator("[name=percent]").fill("60")
    page.locator("main form button[type=submit]").last.click()
    reads(page, "60%")

    page.goto(f"/commitments/{commitment}")
    page.get_by_role("link", name="报告完成").click()
    page.locator("[name=report]").fill("堆物全部清运，安装路灯六盏，已移交街道管护。")
    page.locator("[name=files]").set_input_files(photo(folder))
    page.locator("main form button[type=submit]").last.click()
    reads(page, "已报告完成")

    page.goto(f"/issues/{issue}")
    page.get_by_role("link", name="答复", exact=True).first.click()
    page.locator("[name=result_class]").first.evaluate("(e) => e.options ? (e.value = 'A') : e.click()")
    page.locator("[name=text]").fill("桥下堆物已清运完毕，路灯六盏已亮，日常管护移交霞浦街道。")
    page.locator("[name=signed_by]").fill("郑某某")
    page.locator("main form button[type=submit]").last.click()
    reads(page, "已答复")


def the_organiser_verifies_and_asks(town: Any, issue: int, commitment: int) -> None:
    page = town.page("organiser")
    page.goto(f"/commitments/{commitment}")
    expect(page.locator(".files img")).to_have_count(1)
    page.locator("form[action$='/verify'] button").click()
    reads(page, "已兑现")
    page.goto(f"/issues/{issue}")
    page.get_by_role("link", name="提请代表确认").click()
    page.locator("main form button[type=submit]").last.click()
    reads(page, "代表尚未确认")


def the_deputy_confirms_on_the_phone(town: Any) -> None:
    page = town.page("deputy", viewport=kit.PHONE, has_touch=True)
    page.goto("/")
    page.get_by_role("link", name=re.compile("确认.*霞浦铁路桥下")).first.tap()
    reads(page, "尽快清理桥下堆物并安装照明", "路灯六盏已亮")
    button(page, "确认").tap()
    reads(page, "已确认")


def the_organiser_strikes_it_off(town: Any, issue: int) -> None:
    page = town.page("organiser")
    page.goto(f"/issues/{issue}")
    page.get_by_role("link", name="销号", exact=True).click()
    page.locator("main form button[type=submit]").last.click()
    reads(page, "已销号")
    expect(page.locator(".flash-undo, .flash .undo").get_by_role("button", name="撤销")).to_be_visible()


# -- the night's screen ------------------------------------------------------------------------------------


def test_two_recorders_write_the_same_field(town: Any) -> None:
    hearing, issue = logged(town)
    first, second = town.page("organiser"), town.page("street")
    for page in (first, second):
        page.goto(f"/hearings/{hearing}/session?issue={issue}")
    statement = "#item [name=statement]"
    first.fill(statement, "铁路桥下堆物，已有老人绊倒，先写的一句。")
    expect(first.locator("#item form [data-autosave-note]").first).to_have_text(re.compile(r"已保存\s?\d\d:\d\d"))

    second.fill(statement, "铁路桥下无灯，后写的一句。")
    second.get_by_role("button", name="查看两份内容并选择").click()
    reads(second, "先写的一句", "后写的一句")
    pair = second.locator(".pair")
    expect(pair.locator(".pair-mine")).to_contain_text("后写的一句")
    expect(pair.locator(".pair-theirs")).to_contain_text("先写的一句")
    second.locator("input[name=statement__choice][value=mine]").check()
    button(second, "保存", "#item .panel").first.click()
    first.reload()
    expect(first.locator(statement)).to_have_value("铁路桥下无灯，后写的一句。")


def test_two_recorders_write_different_fields(town: Any) -> None:
    hearing, issue = logged(town)
    first, second = town.page("organiser"), town.page("street")
    for page in (first, second):
        page.goto(f"/hearings/{hearing}/session?issue={issue}")
    note = "#item form [data-autosave-note]"
    first.fill("#item [name=statement]", "铁路桥下堆物，夜里没有灯。")
    expect(first.locator(note).first).to_have_text(re.compile("已保存"))
    second.fill("#item [name=title]", "桥下堆物与照明")
    expect(second.locator(note).first).to_have_text(re.compile("已保存"))
    for page in (first, second):
        page.reload()
        expect(page.locator("#item [name=statement]")).to_have_value("铁路桥下堆物，夜里没有灯。")
        expect(page.locator("#item [name=title]")).to_have_value("桥下堆物与照明")


def test_the_night_by_keyboard(town: Any) -> None:
    hearing, issue = logged(town)
    town.arrange(lambda world: world.issue(_hearing(hearing), title="第二个问题").id)
    page = town.page("organiser")
    page.goto(f"/hearings/{hearing}/session?issue={issue}")
    current = page.locator("[data-issue-link][aria-current]")
    expect(current).to_contain_text("铁路桥下堆物无灯")
    page.keyboard.press("j")
    expect(current).to_contain_text("第二个问题")
    page.keyboard.press("k")
    expect(current).to_contain_text("铁路桥下堆物无灯")
    for key, name in (("q", "text"), ("c", "measure"), ("o", "outcome")):
        page.keyboard.press(key)
        expect(page.locator(f"#item [name={name}]")).to_be_focused()
        page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.type("代表乙")
    expect(page.locator(".seat:visible")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator(".seat:visible")).to_contain_text("已签到")
    page.keyboard.press("n")
    reads(page, "新增问题")


def test_undo_on_the_night(town: Any) -> None:
    hearing, issue = logged(town)
    page = town.page("organiser")
    page.goto(f"/hearings/{hearing}/session?issue={issue}")
    page.locator("#say [name=text]").fill("什么时候能亮灯？")
    button(page, "添加", "#say").click()
    button(page, "移除", ".turn").click()
    expect(page.locator(".turn")).to_have_count(0)
    button(page, "撤销", ".flashes").click()
    expect(page.locator(".turn")).to_contain_text("什么时候能亮灯？")


# -- without JavaScript ------------------------------------------------------------------------------------


def test_without_javascript(town: Any, tmp_path: Path) -> None:
    hearing = evening(town)
    page = town.page(java_script_enabled=False, viewport=kit.PHONE)
    page.goto(f"/hearings/{hearing}/issues/new")
    kit.sign_in(page, "deputy")
    page.get_by_label("反映的问题").fill("菜场门口积水，无障碍坡道被占。")
    page.get_by_label("照片").set_input_files(photo(tmp_path))
    button(page, "登记").click()
    reads(page, "已登记，编号")

    desk = town.page("organiser", java_script_enabled=False)
    desk.goto(f"/hearings/{hearing}/session")
    desk.locator(".seat", has_text="代表甲").get_by_role("button", name="签到").click()
    expect(desk.locator(".seat", has_text="代表甲")).to_contain_text("已签到")
    desk.locator("[data-issue-link]").first.click()
    desk.locator("#outcome [name=outcome]").select_option(label="限期办理")
    button(desk, "保存", "#outcome").click()
    expect(desk.locator("#outcome [name=outcome] option:checked")).to_have_text("限期办理")

    asked = town.arrange(_asked)
    page.goto("/")
    page.goto(f"/confirmations/{asked}")
    button(page, "确认").click()
    reads(page, "已确认")


def test_who_is_invited_answers_on_the_phone_and_the_organiser_takes_the_stand_in(town: Any) -> None:
    town.app.config["SECRET_KEY"] = Path(town.app.config["INSTANCE"], "secret-key").read_text().strip()

    def invited(world: factories.World) -> tuple[int, str]:
        hearing = world.hearing("announced")
        rows = []
        for seat in db.session.scalars(db.select(schedule.Participant).where(schedule.Participant.hearing == hearing)):
            rows.append(
                Invitation(
                    hearing=hearing, participant_id=seat.id, name=seat.name or seat.unit, told={}, sequence=1,
                    address=f"a.rather.long.address.of.seat.{seat.id}@mail.example.org",
                )
            )  # fmt: skip
        db.session.add_all(rows)
        db.session.flush()
        return hearing.id, invitations.token_of(rows[0])

    hearing, token = town.arrange(invited)
    phone = town.page(java_script_enabled=False, viewport=kit.PHONE)
    phone.goto(f"/r/{token}")
    phone.get_by_label("由谁代为参加").fill("孙某某")
    phone.get_by_label("代为参加人职务").fill("副局长")
    button(phone, "不参加").click()
    reads(phone, "您的答复已记录", "不参加")
    assert phone.evaluate("document.documentElement.scrollWidth") <= kit.PHONE["width"]
    desk = town.page("organiser", viewport=kit.PHONE)
    desk.goto(f"/hearings/{hearing}")
    answers = desk.locator("#answers")
    answers.get_by_role("button", name="列为代为参加人").click()
    expect(answers).to_contain_text("已列入名单（代为参加）")
    reads(desk, "孙某某 已作为代为参加人列入名单")
    answers.locator("summary", has_text="4").click()
    expect(answers).to_contain_text("代表乙")
    for path in (f"/hearings/{hearing}", f"/hearings/{hearing}/answers"):
        desk.goto(path)
        assert desk.evaluate("document.documentElement.scrollWidth") <= kit.PHONE["width"], path


def _hearing(number: int) -> Any:
    return db.session.get_one(Hearing, number)


def _asked(world: factories.World) -> int:
    """A confirmation asked of the first deputy, for an issue replied to."""
    assignment = world.assigned()
    issues.accept_assignment(assignment, actor=world.department)
    issues.reply(
        assignment,
        result_class=ResultClass.A,
        text="已经办好，请代表查看。",
        signed_by="郑某某",
        actor=world.department,
    )
    return reviews.ask_confirmation(assignment.issue, actor=world.organiser).id


# -- what goes wrong in real life --------------------------------------------------------------------------


def test_a_sign_in_that_ends_while_a_form_is_filled_in(town: Any) -> None:
    hearing = evening(town)
    page = town.page("deputy", viewport=kit.PHONE)
    page.goto(f"/hearings/{hearing}/issues/new")
    page.get_by_label("反映的问题").fill("路灯坏了三个月，夜跑的人摔了两次。")
    page.context.clear_cookies()
    button(page, "登记").click()
    page.wait_for_url(re.compile("/login"))
    kit.sign_in(page, "deputy")
    button(page, "继续").click()
    reads(page, "已登记，编号", "路灯坏了三个月")


def test_a_double_click_gives_one_result(town: Any) -> None:
    hearing = evening(town)
    page = town.page("deputy")
    page.goto(f"/hearings/{hearing}/issues/new")
    page.get_by_label("反映的问题").fill("公交站台没有座椅，老人等车只能站着。")
    button(page, "登记").dblclick()
    reads(page, "已登记，编号")
    page.go_back()
    page.goto(f"/issues/?hearing={hearing}")
    expect(page.locator("tbody tr")).to_have_count(1)


def test_words_are_not_lost_by_leaving(town: Any) -> None:
    hearing = evening(town)
    page = town.page("deputy")
    page.goto(f"/hearings/{hearing}/issues/new")
    page.get_by_label("反映的问题").click()
    page.keyboard.type("写了一半的话")
    asked: list[str] = []
    page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    page.get_by_role("link", name="问题", exact=True).first.click()
    page.wait_for_timeout(500)
    assert asked == ["beforeunload"]
    expect(page.get_by_label("反映的问题")).to_have_value("写了一半的话")
    page.close(run_before_unload=False)


def test_the_other_language_and_back(town: Any) -> None:
    page = town.page("leader")
    page.goto("/hearings/")
    page.locator(".menu > summary").click()
    button(page, "English", ".menu").click()
    expect(page.locator("html")).to_have_attribute("lang", "en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Hearings")
    assert page.url.endswith("/hearings/")
    page.locator(".menu > summary").click()
    button(page, "简体中文", ".menu").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("夜询会")


def test_by_keyboard_alone_the_focus_is_always_seen(town: Any) -> None:
    """From the sign-in to an issue's page without a mouse; whatever has the focus shows it (WCAG 2.4.7)."""
    hearing = evening(town)
    page = town.page()
    page.goto("/login")
    page.locator("input[name=username]").focus()
    page.keyboard.type("deputy")
    page.keyboard.press("Tab")
    page.keyboard.type(factories.PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/$"))
    page.keyboard.press("Tab")
    expect(page.locator(".skip-link")).to_be_focused()
    expect(page.locator(".skip-link")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()

    page.goto(f"/hearings/{hearing}/issues/new")
    seen = set()
    for _step in range(40):
        page.keyboard.press("Tab")
        name, visible = page.evaluate(FOCUS)
        if name in ("BODY", None):
            break
        assert visible, name
        seen.add(name)
        if name.startswith("BUTTON") and "登记" in name:
            break
    assert any("statement" in name for name in seen)
    page.locator("[name=statement]").focus()
    page.keyboard.type("消防通道被私家车长期占用。")
    page.locator("main form button[type=submit]").last.focus()
    page.keyboard.press("Enter")
    reads(page, "已登记，编号")


FOCUS = """() => {
  const at = document.activeElement;
  const style = getComputedStyle(at);
  const ring = (s) => s.outlineStyle !== "none" && parseFloat(s.outlineWidth) >= 2;
  return [`${at.tagName} ${at.name || ""} ${at.textContent.trim().slice(0, 10)}`,
          ring(style) || ring(getComputedStyle(at, "::after")) || style.boxShadow !== "none"];
}"""


# -- nothing typed on the night's screen is lost -----------------------------------------------------------


def test_words_half_typed_survive_another_form_and_opening_the_issue_afresh(town: Any) -> None:
    hearing, issue = logged(town)
    page = town.page("organiser")
    here = f"/hearings/{hearing}/session?issue={issue}"
    page.goto(here)
    page.locator("#promise").get_by_label("整改措施").fill("清理桥下堆物")
    page.locator("#promise").get_by_label("主办单位").select_option(label="区教育局")
    say = page.locator("#say")
    say.get_by_label("类型").select_option(label="答复")
    say.get_by_label("发言内容").fill("由我局牵头。")
    button(page, "添加", "#say").click()  # at once, before anything has been saved by itself
    expect(page.locator(".turn")).to_contain_text("由我局牵头。")
    expect(page.locator("#promise").get_by_label("整改措施")).to_have_value("清理桥下堆物")
    expect(page.locator("#say").get_by_label("发言内容")).to_have_value("")

    page.locator("#say").get_by_label("发言内容").fill("灯什么时候装")
    expect(page.locator("#say [data-autosave-note]")).to_have_text(re.compile(r"\d\d:\d\d已保留，尚未提交"))
    page.goto("/")
    page.goto(here)
    expect(page.locator("#say").get_by_label("发言内容")).to_have_value("灯什么时候装")
    expect(page.locator("#promise").get_by_label("整改措施")).to_have_value("清理桥下堆物")
    expect(page.locator("#promise").get_by_label("主办单位")).to_have_value(re.compile(r"\d+"))

    # Enter in a line sends the part it stands in
    page.locator("#promise").get_by_label("或者，期限为").fill("10")
    page.locator("#promise").get_by_label("或者，期限为").press("Enter")
    expect(page.locator(".promises")).to_contain_text("清理桥下堆物")
    expect(page.locator("#say").get_by_label("发言内容")).to_have_value("灯什么时候装")
    expect(page.locator("#promise").get_by_label("整改措施")).to_have_value("")
    page.reload()
    expect(page.locator("#promise").get_by_label("整改措施")).to_have_value("")


def test_without_javascript_what_is_half_typed_travels_along(town: Any) -> None:
    hearing, issue = logged(town)
    page = town.page("organiser", java_script_enabled=False)
    here = f"/hearings/{hearing}/session?issue={issue}"
    page.goto(here)
    page.locator("#promise").get_by_label("整改措施").fill("清理桥下堆物")
    page.locator("#say").get_by_label("发言内容").fill("什么时候清理？")
    page.locator("#outcome").get_by_label("当场处理意见").select_option(label="限期办理")
    button(page, "添加", "#say").click()
    expect(page.locator(".turn")).to_contain_text("什么时候清理？")
    page.goto(here)
    expect(page.locator("#promise").get_by_label("整改措施")).to_have_value("清理桥下堆物")
    expect(page.locator("#outcome").get_by_label("当场处理意见")).to_have_value("time_limited")
    expect(page.locator("#outcome")).to_contain_text("已输入，尚未提交")
    page.locator("#say").get_by_label("发言人").fill("代表甲")
    page.locator("#say").get_by_label("发言人").press("Enter")
    expect(page.locator("#say").get_by_label("发言人")).to_have_value("代表甲")
    expect(page.locator(".turn")).to_have_count(1)
