"""Which language a page comes in: the person's, else the session's, else the browser's; Chinese when in doubt."""

import pytest
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from hearings.db import db
from hearings.language import in_chinese
from hearings.people.models import User

HEADERS = [
    # as browsers really send them
    ("zh-CN,zh;q=0.9", "zh-Hans"),  # Chrome, 奇安信 and 360 on a Chinese desktop
    ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans"),  # the same with English added
    ("zh-CN,zh;q=0.9,en-US;q=0.8,en;q=0.7", "zh-Hans"),
    ("zh-CN,zh;q=0.8,zh-TW;q=0.7,zh-HK;q=0.5,en-US;q=0.3,en;q=0.2", "zh-Hans"),  # Firefox
    ("zh-Hans-CN", "zh-Hans"),  # Safari on macOS
    ("zh-cn", "zh-Hans"),  # Safari on iOS, WeChat's web view
    ("zh-SG,zh;q=0.9", "zh-Hans"),
    ("zh-TW,zh;q=0.9,en-US;q=0.8,en;q=0.7", "zh-Hans"),
    ("en-US,en;q=0.9", "en"),
    ("en-GB,en-US;q=0.9,en;q=0.8", "en"),
    ("en", "en"),
    ("en-US,en;q=0.9,zh-CN;q=0.8,zh;q=0.7", "en"),
    ("de-DE,de;q=0.9,en-US;q=0.8,en;q=0.7", "en"),  # English is what this person reads of the two
    ("fr-FR,fr;q=0.9", "zh-Hans"),
    ("ja", "zh-Hans"),
    ("*", "zh-Hans"),
    ("", "zh-Hans"),
    (";;;q=x,,", "zh-Hans"),
    (None, "zh-Hans"),
]


@pytest.mark.parametrize(("header", "expected"), HEADERS)
def test_the_browsers_language(app, browser, header, expected):
    given = {"Accept-Language": header} if header is not None else {}
    page = browser().get("/login", headers=given)
    assert page.status_code == 200
    assert f'<html lang="{expected}"' in page.text


def test_a_choice_stands_above_the_browser(app, world, browser):
    one = browser()
    assert one.post("/language", {"lang": "en", "next": "/login"}).headers["Location"] == "/login"
    assert '<html lang="en"' in one.get("/login", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).text
    one.post("/language", {"lang": "zh_Hans"})
    assert '<html lang="zh-Hans"' in one.get("/login", headers={"Accept-Language": "en-US,en;q=0.9"}).text
    one.post("/language", {"lang": "xx"})  # what we do not speak changes nothing
    assert '<html lang="zh-Hans"' in one.get("/login", headers={"Accept-Language": "en-US,en;q=0.9"}).text


def test_a_persons_choice_is_kept_with_the_person(app, world, browser):
    browser(world.deputy).post("/language", {"lang": "en"})
    assert db.session.get(User, world.deputy.id).locale == "en"
    page = browser(world.deputy).get("/", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert '<html lang="en"' in page.text


def test_marks_of_what_is_quoted_become_single_ones(app, world, browser):
    """A title with marks of its own within a sentence that quotes it (GB/T 15834-2011, 4.8.3.3)."""
    hearing = world.hearing("announced", title="夜询会“回头看”<b>")
    page = browser(world.organiser).get(f"/hearings/{hearing.id}/cancel").text
    assert "“夜询会‘回头看’&lt;b&gt;”" in page and "看””" not in page
    with app.test_request_context(), in_chinese():
        assert _("“%(title)s” is closed.", title="“儿童友好”学校") == "“‘儿童友好’学校”已办结。"
        assert str(_l("“%(name)s” is empty.", name=_l("Leave"))) == "“请假”是空文件。"
        assert _("Finished by %(name)s", name="“甲”") == "Finished by “甲”", "only what stands in marks"
