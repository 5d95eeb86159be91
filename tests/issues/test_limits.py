"""Time limits: how a date came about, in whichever language it is read; what is proposed for whom."""

from datetime import date

import pytest
from flask_babel import refresh

from hearings.db import db
from hearings.errors import RuleBroken
from hearings.issues import limits

WORDS = [
    ("months:3:assigned", "交办之日起3个月", "3 months from the day of assignment"),
    ("months:1:assigned:rework", "交办之日起1个月（重新办理）", "1 month from the day of assignment (handled again)"),
    ("workdays:15:hearing", "会后15个工作日", "15 working days from the hearing"),
    ("workdays:10:2021-03-25", "自2021年3月25日起10个工作日", "10 working days from 25 Mar 2021"),
    (
        "workdays:1:2026-12-30:unpublished-2027",
        "自2026年12月30日起1个工作日（2027年节假日尚未公布，日期可能调整）",
        "1 working day from 30 Dec 2026 (the holidays of 2027 are not published yet, the date may change)",
    ),
    ("set:assigned", "交办时确定", "set when it was assigned"),
    ("set:rework", "重新办理时确定", "set when it was to be handled again"),
    ("局务会议定", "局务会议定", "局务会议定"),  # somebody's words stay as they are
    (None, "", ""),
]


@pytest.mark.parametrize(("basis", "chinese", "english"), WORDS)
def test_a_basis_is_read_in_the_readers_language_and_printed_in_chinese(app, basis, chinese, english):
    with app.test_request_context(headers={"Accept-Language": "en"}):
        assert limits.basis_words(basis) == english
        assert limits.basis_on_paper(basis) == chinese
        assert limits.basis_words(basis) == english
    refresh()
    with app.test_request_context(headers={"Accept-Language": "zh-CN"}):
        assert limits.basis_words(basis) == chinese


def test_what_is_stored_has_no_language_and_both_pages_say_it(world, browser):
    due, basis = limits.due_by(date(2021, 3, 25), 10, "workdays")
    assert (due, basis) == (date(2021, 4, 9), "workdays:10:2021-03-25")
    issue = world.issue(world.hearing("concluded", day=date(2021, 3, 25)))
    promise = world.commitment(issue, due_on=due, due_basis=basis)
    assignment = world.assigned(issue)
    assert assignment.due_basis.startswith("months:3:assigned")
    one = browser(world.organiser)
    for path in (f"/issues/{issue.id}", f"/commitments/{promise.id}"):
        assert "自2021年3月25日起10个工作日" in one.get(path).text
    assert "交办之日起3个月" in one.get(f"/issues/{issue.id}").text
    world.organiser.locale = "en"
    for path in (f"/issues/{issue.id}", f"/commitments/{promise.id}"):
        page = one.get(path).text
        assert "10 working days from 25 Mar 2021" in page and "个工作日" not in page
    assert "3 months from the day of assignment" in one.get(f"/issues/{issue.id}").text


@pytest.mark.parametrize(
    ("basis", "due"),
    [
        ("workdays:10:2021-03-25", date(2021, 4, 10)),
        ("workdays:10:hearing", date(2021, 4, 10)),
        ("months:3:assigned", date(2021, 6, 28)),
        ("set:assigned", None),
        ("自2021年3月25日起10个工作日", None),
        ("workdays:10:2021-03-25; drop", None),
        (None, None),
    ],
)
def test_reckoned_anew_under_another_calendar(app, basis, due):
    table = {date(2021, 4, 9): False, date(2021, 4, 10): True}
    starts = {limits.ASSIGNED: date(2021, 3, 26), limits.HEARING: date(2021, 3, 25)}
    assert limits.recomputed(basis, table, **starts) == due


@pytest.mark.parametrize(
    ("count", "unit"), [(0, "months"), (121, "months"), (751, "workdays"), (3, "decades"), (3, "")]
)
def test_odd_lengths_are_refused(app, count, unit):
    with pytest.raises(RuleBroken) as broken:
        limits.due_by(date(2021, 3, 25), count, unit)
    assert broken.value.field == "count"
    assert not db.session.new
