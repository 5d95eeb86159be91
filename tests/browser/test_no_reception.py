"""A deputy logs an issue in a room with bad reception: what is typed stays on the device until the server has it."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, expect
from sqlalchemy import select

from hearings.db import db
from hearings.issues.models import Issue, IssueFile
from tests import factories
from tests.browser import chromium as kit
from tests.browser.test_journeys import STATEMENT, button, evening, logged, photo, reads

CUT = ("ERR_INTERNET_DISCONNECTED", "ERR_FAILED")


def entries(town: Any, hearing: int) -> list[tuple[str, str | None, int]]:
    """(statement, place, photos) of the issues of a hearing."""

    def look(_world: factories.World) -> Any:
        found = db.session.scalars(select(Issue).where(Issue.hearing_id == hearing).order_by(Issue.id)).all()
        return [
            (i.statement, i.place, len(db.session.scalars(select(IssueFile).where(IssueFile.issue_id == i.id)).all()))
            for i in found
        ]

    return town.arrange(look)


def form(town: Any, hearing: int, login: str = "deputy", **details: Any) -> Page:
    page = town.page(login, viewport=kit.PHONE, **details)
    page.goto(f"/hearings/{hearing}/issues/new")
    return page


def settled(town: Any) -> None:
    """A cut line is what these tests are about: the browser's own complaints of it are no trouble."""
    for trouble in town.trouble:
        trouble.said = [words for words in trouble.said if not any(cut in words for cut in CUT)]


def test_a_cut_line_loses_neither_words_nor_photo_and_one_issue_comes_of_it(town: Any, tmp_path: Path) -> None:
    hearing = evening(town)
    page = form(town, hearing)
    page.get_by_label("反映的问题").fill(STATEMENT)
    page.get_by_label("地点").fill("霞浦铁路桥")
    page.locator("input[type=file]").set_input_files(photo(tmp_path))
    page.context.set_offline(True)
    button(page, "登记").click()
    reads(page, "没有送到：网络不通")
    expect(page.get_by_label("反映的问题")).to_have_value(STATEMENT)
    assert entries(town, hearing) == []

    # the page is lost too; it comes back with what was typed, and the photo
    page.close(run_before_unload=False)
    again = town.profiles[-1].new_page()
    town.trouble.append(kit.Trouble(again))
    town.profiles[-1].set_offline(False)
    again.goto("/")
    expect(again.locator("[data-kept-list]")).to_contain_text("尚未发送")
    again.locator("[data-kept-list] a").click()
    reads(again, "保存在本机，尚未发送")
    expect(again.get_by_label("反映的问题")).to_have_value(STATEMENT)
    expect(again.get_by_label("地点")).to_have_value("霞浦铁路桥")
    assert again.locator("input[type=file]").evaluate("field => field.files.length") == 1
    assert again.evaluate("document.documentElement.scrollWidth <= innerWidth")
    button(again, "登记").click()
    reads(again, "已登记，编号")
    assert entries(town, hearing) == [(STATEMENT, "霞浦铁路桥", 1)]
    expect(again.get_by_label("反映的问题")).to_have_value("")
    assert again.evaluate("Object.keys(localStorage).length") == 0
    again.reload()
    expect(again.locator("[data-kept-notice]")).to_have_count(0)
    settled(town)


def test_it_goes_by_itself_when_the_line_is_back(town: Any) -> None:
    hearing = evening(town)
    page = form(town, hearing)
    page.get_by_label("反映的问题").fill(STATEMENT)
    page.context.set_offline(True)
    button(page, "登记").click()
    reads(page, "有信号后自动发送")
    page.context.set_offline(False)
    reads(page, "已登记，编号")
    assert len(entries(town, hearing)) == 1
    settled(town)


@pytest.mark.parametrize("more", ["", "灯也要装。"])
def test_what_is_changed_after_a_sending_without_an_answer_is_in_the_one_issue(town: Any, more: str) -> None:
    """The server had it, only the answer was lost: sent again as it is, and sent again with other words."""
    hearing = evening(town)
    page = form(town, hearing)
    swallowed: list[str] = []

    def swallow(route: Route) -> None:
        if route.request.method == "POST" and not swallowed:
            swallowed.append(route.fetch(max_redirects=0).text())
            route.abort("failed")
        else:
            route.continue_()

    page.route("**/issues/new", swallow)
    page.get_by_label("反映的问题").fill(STATEMENT)
    button(page, "登记").click()
    reads(page, "没有送到")
    assert len(entries(town, hearing)) == 1
    if more:
        page.get_by_label("反映的问题").press("Control+End")
        page.keyboard.type(more)
        reads(page, "改好后请再按一次按钮")
    button(page, "登记").click()
    reads(page, "已登记，编号")
    assert entries(town, hearing) == [(STATEMENT + more, None, 0)]
    settled(town)


def test_a_refused_form_says_so_at_the_field_and_keeps_the_photo(town: Any, tmp_path: Path) -> None:
    hearing = evening(town)
    page = form(town, hearing)
    page.locator("input[type=file]").set_input_files(photo(tmp_path))
    button(page, "登记").click()
    expect(page.locator(".field-error")).to_contain_text("请填写")
    page.get_by_label("反映的问题").fill(STATEMENT)
    button(page, "登记").click()
    reads(page, "已登记，编号")
    assert entries(town, hearing) == [(STATEMENT, None, 1)]


def test_it_is_discarded_taken_back_and_never_shown_to_another_person(town: Any) -> None:
    hearing = evening(town)
    page = form(town, hearing)
    page.get_by_label("反映的问题").fill(STATEMENT)
    page.get_by_label("群众姓氏").fill("陈")
    page.wait_for_timeout(600)
    assert page.evaluate("Object.keys(localStorage).length") == 1
    page.goto("about:blank")

    other = town.profiles[-1].new_page()
    kit.sign_in(town.page(), "deputy2")  # leaves its sign-in with the town
    town.profiles[-2].clear_cookies()
    kit.sign_in(other, "deputy2")
    other.goto(f"/hearings/{hearing}/issues/new")
    expect(other.get_by_label("反映的问题")).to_have_value("")
    expect(other.locator("[data-kept-notice]")).to_have_count(0)
    other.goto("/")
    expect(other.locator("[data-kept-list]")).to_be_hidden()
    other.context.clear_cookies()

    kit.sign_in(other, "deputy")
    other.goto(f"/hearings/{hearing}/issues/new")
    expect(other.get_by_label("群众姓氏")).to_have_value("陈")
    other.get_by_role("button", name="丢弃").click()
    expect(other.get_by_label("反映的问题")).to_have_value("")
    other.get_by_role("button", name="撤销").click()
    expect(other.get_by_label("反映的问题")).to_have_value(STATEMENT)

    # who signs out leaves nothing behind, and is asked
    other.goto("/")
    asked: list[str] = []
    other.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    other.locator("summary.bar-link").click()
    other.get_by_role("button", name="退出登录").click()
    other.wait_for_url("**/login*")
    assert len(asked) == 1 and "尚未发送" in asked[0]
    assert other.evaluate("Object.keys(localStorage).length") == 0


def test_a_sign_in_that_has_ended_goes_on_after_signing_in(town: Any) -> None:
    hearing = evening(town)
    page = town.page()
    kit.sign_in(page, "deputy")
    page.goto(f"/hearings/{hearing}/issues/new")
    page.get_by_label("反映的问题").fill(STATEMENT)
    page.context.clear_cookies()
    button(page, "登记").click()
    reads(page, "登录已过期")
    kit.sign_in(page, "deputy")
    page.locator("main button[type=submit]").click()
    reads(page, "已登记，编号")
    assert len(entries(town, hearing)) == 1
    assert page.evaluate("Object.keys(localStorage).length") == 0


def test_the_nights_screen_keeps_what_could_not_be_saved(town: Any) -> None:
    hearing, issue = logged(town)
    page = town.page("organiser")
    here = f"/hearings/{hearing}/session?issue={issue}"
    page.goto(here)
    page.context.set_offline(True)
    page.locator("#say").get_by_label("发言内容").fill("由我局牵头。")
    page.get_by_label("地点").fill("桥西") if page.get_by_label("地点").is_visible() else None
    expect(page.locator("#say [data-autosave-note]")).to_contain_text("未保存")
    button(page, "添加", "#say").click()
    expect(page.locator("#say [data-autosave-note]")).to_contain_text("网络不通")
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(here)
    reads(page, "保存在本机，尚未发送")
    expect(page.locator("#say").get_by_label("发言内容")).to_have_value("由我局牵头。")
    expect(page.locator("#say [data-autosave-note]")).to_contain_text("已保留，尚未提交")
    assert page.evaluate("Object.keys(localStorage).length") == 0
    button(page, "添加", "#say").click()
    expect(page.locator(".turn")).to_contain_text("由我局牵头。")
    expect(page.locator("#say").get_by_label("发言内容")).to_have_value("")
    expect(page.locator("[data-kept-notice]")).to_have_count(0)
    settled(town)
