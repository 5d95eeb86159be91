"""Two versions side by side."""

import re

import pytest

from hearings.db import db
from hearings.minutes import compare, operations
from tests import factories


def test_only_what_differs_is_marked():
    left, right = compare.marked("由区交通局牵头，4月16日前完成。", "由区城管局牵头，4月18日前完成。")
    assert [p for p in left if p[0] == "out"] == [("out", "交通"), ("out", "16")]
    assert [p for p in right if p[0] == "in"] == [("in", "城管"), ("in", "18")]


@pytest.mark.parametrize(
    ("old", "new"),
    [("", ""), ("甲", ""), ("", "乙"), ("甲\n乙", "乙\n丙"), ("长" * 3000, "长" * 2990 + "短"), ("🙂a1.5", "🙂a1.6")],
)
def test_joined_again_both_are_their_texts(old, new):
    left, right = compare.marked(old, new)
    assert "".join(w for _k, w in left) == old
    assert "".join(w for _k, w in right) == new


def test_the_page_shows_both(world, browser, concluded, publish):
    publish(concluded)
    base = f"/hearings/{concluded.id}/minutes"
    assert browser(world.organiser).get(f"{base}/compare").location == base  # one version only
    publish(concluded, texts={"overview": "更正后的概况。", "requirements": "会议要求，限期办结。"})
    for user in (world.organiser, world.deputy, world.department, world.leader, world.auditor):
        page = browser(user).get(f"{base}/compare?a=1&b=2")
        assert page.status_code == 200
        assert "更正后的" in re.sub("<[^>]+>", "", page.text) and "<del>" in page.text and "<ins>" in page.text
    same = browser(world.organiser).get(f"{base}/compare?a=2&b=1").text
    assert same.count("<ins>") == page.text.count("<ins>")  # older left, however they are asked for
    assert f"{base}/compare" in browser(world.deputy).get(base).text


@pytest.mark.parametrize("query", ["a=x&b=y", "a=1&b=1", "a=99999999999&b=0", "a=%00", "", "a=2&b=2"])
def test_odd_questions_get_the_last_two(world, browser, concluded, publish, query):
    publish(concluded)
    publish(concluded, texts={"overview": "更正后的概况。"})
    assert "<ins>" in browser(world.organiser).get(f"/hearings/{concluded.id}/minutes/compare?{query}").text


def test_drafts_are_compared_by_those_who_write_them(world, browser, concluded, publish):
    first = publish(concluded)
    operations.correct(first, reason="更正", actor=world.organiser)
    db.session.commit()
    base = f"/hearings/{concluded.id}/minutes"
    assert browser(world.organiser).get(f"{base}/compare").status_code == 200
    assert browser(world.deputy).get(f"{base}/compare?a=1&b=2").location == base
    stranger = factories.user("deputy")
    db.session.commit()
    assert browser(stranger).get(f"{base}/compare").status_code == 404
    assert browser().get(f"{base}/compare").status_code == 302
