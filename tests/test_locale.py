"""Which language a page comes in: the person's, else the session's, else the browser's; Chinese when in doubt."""

import pytest

from hearings.db import db
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
