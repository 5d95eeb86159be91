"""Time limits: how a date came about, in whichever language it is read; what is proposed for whom."""

from datetime import date, time

import pytest
from flask_babel import refresh
from sqlalchemy import select

from hearings.db import clock_at, db, local
from hearings.errors import RuleBroken
from hearings.issues import limits, operations
from hearings.issues.models import Assignment, Outcome, ResultClass
from tests.issues.pages import form_of

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


# -- what is proposed when an issue is assigned --------------------------------------------------------


ASSIGNING = local(date(2026, 3, 2), time(9))
USUAL, HARD, OPINION = date(2026, 6, 2), date(2026, 9, 2), date(2026, 4, 1)
"""3 months, 6 months, 30 days after 2 March 2026; all three are working days."""


@pytest.fixture
def desk(world, browser):
    """An issue that may be assigned, the organiser's browser, the address."""
    with clock_at(local(date(2026, 2, 27), time(19))):
        issue = world.issue(world.hearing("concluded", day=date(2026, 2, 26)))
    return issue, browser(world.organiser), f"/issues/{issue.id}/assign"


def send(world, desk, **fields):
    _issue, one, where = desk
    with clock_at(ASSIGNING):
        page = one.get(where)
        given = form_of(page) | {"lead": world.bureau.id, "co_handlers": world.street_office.id} | fields
        return page, one.post(where, given)


def made(issue):
    return [
        (a.part.value, a.due_on, a.due_basis)
        for a in db.session.scalars(select(Assignment).where(Assignment.issue_id == issue.id).order_by(Assignment.id))
    ]


def test_three_months_for_the_lead_thirty_days_for_who_helps(world, desk):
    page, done = send(world, desk)
    assert done.status_code == 303
    assert "2026年6月2日（交办之日起3个月）" in page.text
    assert "2026年9月2日（交办之日起6个月（疑难问题））" in page.text
    assert "2026年4月1日（交办之日起30日（会办意见））" in page.text
    assert "《代表法》第五十一条" in page.text and "三个月" not in page.text
    assert made(desk[0]) == [
        ("lead", USUAL, "months:3:assigned"),
        ("co_handler", OPINION, "days:30:assigned:opinion"),
    ]
    shown = desk[1].get(f"/issues/{desk[0].id}").text
    assert "2026年6月2日" in shown and "2026年4月1日" in shown


def test_six_months_for_a_hard_matter(world, desk):
    assert send(world, desk, limit="hard")[1].status_code == 303
    assert made(desk[0])[0] == ("lead", HARD, "months:6:assigned:hard")
    assert made(desk[0])[1] == ("co_handler", OPINION, "days:30:assigned:opinion")


def test_the_organiser_may_say_other_days_for_both(world, desk):
    assert send(world, desk, due_on="2026-05-06", co_due_on="2026-03-20")[1].status_code == 303
    assert made(desk[0]) == [
        ("lead", date(2026, 5, 6), "set:assigned"),
        ("co_handler", date(2026, 3, 20), "set:assigned"),
    ]


def test_an_opinion_never_comes_after_the_reply(world, desk):
    assert send(world, desk, due_on="2026-03-16")[1].status_code == 303
    assert made(desk[0]) == [
        ("lead", date(2026, 3, 16), "set:assigned"),
        ("co_handler", date(2026, 3, 16), "set:assigned"),
    ]


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"limit": ""}, "error-summary"),
        ({"limit": "never"}, "请从列表中选择"),
        ({"due_on": "2026-03-01"}, "日期早于交办日期。"),
        ({"co_due_on": "2026-03-01"}, "日期早于交办日期。"),
        ({"co_due_on": "2026-06-03"}, "会办意见应在主办单位答复期限（2026年6月2日）之前提出。"),
        (
            {"due_on": "2026-03-16", "co_due_on": "2026-03-17"},
            "会办意见应在主办单位答复期限（2026年3月16日）之前提出。",
        ),
        ({"due_on": "soon"}, "日期不正确"),
    ],
)
def test_odd_limits_are_refused_and_what_was_typed_stays(world, desk, fields, words):
    _page, refused = send(world, desk, requirement="逐项落实。", **fields)
    assert (refused.status_code, made(desk[0])) == (422, [])
    assert words in refused.text and "逐项落实。" in refused.text
    for name in ("due_on", "co_due_on"):
        if name in fields:
            assert f'value="{fields[name]}"' in refused.text


def test_handled_again_there_is_no_longer_limit(world, desk):
    issue, one, where = desk
    issue.round = 2
    with clock_at(ASSIGNING):
        page = one.get(where).text
        assert "2026年4月2日（交办之日起1个月（重新办理））" in page and "疑难问题" not in page
        with pytest.raises(RuleBroken) as broken:
            operations.assign(issue, lead=world.bureau, is_hard=True, actor=world.organiser)
    assert (broken.value.field, made(issue)) == ("limit", [])


def test_handling_again_gives_each_its_own_limit(world, desk):
    issue = desk[0]
    with clock_at(ASSIGNING):
        operations.assign(issue, lead=world.bureau, co_handlers=[world.street_office], actor=world.organiser)
        for assignment in db.session.scalars(select(Assignment)).all():
            operations.accept_assignment(assignment, actor=world.organiser)
        first = db.session.scalars(select(Assignment).order_by(Assignment.id)).first()
        operations.reply(first, result_class=ResultClass.B, text="已办。", signed_by="局长", actor=world.department)
        operations.rework(issue, reason="代表不满意。", actor=world.organiser)
    assert made(issue)[2:] == [
        ("lead", date(2026, 4, 2), "months:1:assigned:rework"),
        ("co_handler", OPINION, "days:30:assigned:opinion"),
    ]


@pytest.mark.parametrize(
    ("promised", "due", "basis"),
    [
        (None, USUAL, "months:3:assigned"),  # no date of answer: the default limit
        (date(2026, 4, 10), date(2026, 4, 10), "set:hearing"),
        (date(2026, 2, 27), USUAL, "months:3:assigned"),  # over before it was assigned
    ],
)
def test_what_is_studied_is_answered_by_the_promised_day(world, desk, promised, due, basis):
    issue = desk[0]
    operations.decide_outcome(issue, Outcome.FURTHER_STUDY, actor=world.organiser)
    if promised:
        world.commitment(issue, due_on=promised)
    page, _done = send(world, desk)
    assert made(issue)[0] == ("lead", due, basis)
    assert ("会上承诺的答复时间" in page.text) == (basis == "set:hearing")


def test_a_district_may_set_other_limits(app, world, desk):
    kept = {name: app.config[name] for name in ("REPLY_MONTHS", "HARD_MONTHS", "CO_HANDLER_DAYS")}
    app.config.update(REPLY_MONTHS=2, HARD_MONTHS=4, CO_HANDLER_DAYS=20)
    try:
        page, _done = send(world, desk, limit="hard")
    finally:
        app.config.update(kept)
    assert "交办之日起2个月" in page.text
    assert made(desk[0]) == [
        ("lead", date(2026, 7, 2), "months:4:assigned:hard"),
        ("co_handler", date(2026, 3, 23), "days:20:assigned:opinion"),
    ]
