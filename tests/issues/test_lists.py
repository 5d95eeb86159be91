"""The list of issues and the ledger of promises: filters, pages, lights, statement counts."""

import re
from datetime import timedelta
from itertools import chain

import pytest

from hearings.db import clock_at, db, now, today
from hearings.issues import operations, queries, rules
from hearings.issues.models import Category, CommitmentStatus, Outcome, ResultClass
from hearings.schedule import operations as schedule
from tests.issues.pages import said


def ids(answer, kind="issues"):
    return [int(n) for n in re.findall(rf'class="card-title">\s*<a href="/{kind}/(\d+)"', answer.text)]


@pytest.fixture
def many(world):
    """Issues that differ in everything a filter asks for."""
    with clock_at(now() - timedelta(days=60)):
        hearing = world.hearing("in_session", day=today())
        lamp = world.issue(hearing, street="霞浦", category=Category.MUNICIPAL)
        world.commitment(lamp, days=50)
        bus = world.issue(
            hearing, statement="末班太早。", title="末班公交太早", street="新碶", category=Category.TRANSPORT
        )
        world.commitment(bus, days=63)
        meal = world.issue(
            hearing, statement="缺晚餐。", title="助餐点不供晚餐", street="郭巨", category=Category.ELDERLY
        )
        world.commitment(meal, days=200, lead=world.other_bureau)
        court = world.issue(hearing, statement="拆迁合同纠纷。", title="拆迁合同纠纷", street="新碶")
        schedule.conclude(hearing, actor=world.organiser)
        operations.decide_outcome(court, Outcome.NOT_ACCEPTED, note="诉讼", actor=world.organiser)
        operations.decline(court, reason="诉讼", actor=world.organiser)
        study = world.issue(hearing, statement="希望开通微公交。", title="希望开通微公交", street="霞浦")
        first = world.assigned(study)
        second = world.assigned(meal, lead=world.other_bureau)
        operations.accept_assignment(second, actor=world.other_department)
        operations.reply(
            second, result_class=ResultClass.C, text="暂不具备条件。", signed_by="吴", actor=world.other_department
        )
    db.session.commit()
    assert first.due_on > today() + timedelta(days=rules.soon())
    return {"hearing": hearing, "lamp": lamp, "bus": bus, "meal": meal, "court": court, "study": study}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", "study court meal bus lamp"),
        ("status=registered", "bus lamp"),
        ("status=not_accepted", "court"),
        ("outcome=not_accepted", "court"),
        ("street=霞浦", "study lamp"),
        ("category=elderly", "meal"),
        ("light=red", "lamp"),
        ("light=yellow", "bus"),
        ("light=green", "study meal"),
        ("light=blue", "court"),
        ("light=grey", ""),
        ("q=公交", "study bus"),
        ("q=1-03", "meal"),
        ("q=暂不具备", "meal"),
        ("q=没有这个词", ""),
        ("street=霞浦&light=red", "lamp"),
        (
            "status=bogus&light=bogus&category=7&year=abc&hearing=x&department=99999999999",
            "study court meal bus lamp",
        ),
        ("q=%00%E2%80%AE&year=9999", "study court meal bus lamp"),
        ("street=没有", ""),
        ("year=1999", "study court meal bus lamp"),
    ],
)
def test_filters(app, world, browser, many, query, expected):
    answer = browser(world.organiser).get(f"/issues/?{query}")
    assert answer.status_code == 200
    assert sorted(ids(answer)) == sorted(many[name].id for name in expected.split())
    if not query.startswith("q=1-"):
        assert ids(answer) == sorted(ids(answer), reverse=True)


def test_filters_by_row(app, world, browser, many):
    desk = browser(world.organiser)
    year = many["hearing"].day.year
    all_of_it = [many[n].id for n in ("lamp", "bus", "meal", "court", "study")]
    assert ids(desk.get(f"/issues/?hearing={many['hearing'].id}")) == all_of_it
    assert ids(desk.get("/issues/?hearing=4711")) == []
    assert ids(desk.get(f"/issues/?year={year}")) == all_of_it[::-1]
    assert ids(desk.get(f"/issues/?year={year - 1}")) == []
    assert ids(desk.get(f"/issues/?department={world.other_bureau.id}")) == [many["meal"].id]


def test_a_line_says_what_matters(app, world, browser, many):
    page = browser(world.organiser).get("/issues/?q=1-03").text
    row = re.sub(r"\s+", " ", re.sub("<[^>]+>", " ", page[page.index("<tbody") : page.index("</tbody")]))
    for words in ("1-03", "助餐点不供晚餐", "代表甲", "区教育局", "C"):
        assert words in row


def test_an_empty_list_says_what_to_do_next(app, world, browser):
    page = browser(world.deputy).get("/issues/").text
    assert 'class="empty"' in page and 'href="/hearings/"' in page
    page = browser(world.deputy).get("/issues/?q=铁路").text
    assert 'class="empty"' in page and 'href="/issues/"' in page


def walk(desk, address, kind="issues"):
    """All pages forwards, then all back; returns both lists of pages."""
    forwards, backwards = [], []
    answer = desk.get(address)
    while True:
        forwards.append(ids(answer, kind))
        older = re.search(r'rel="next"\s+href="([^"]+)"', answer.text)
        if not older:
            break
        answer = desk.get(older[1].replace("&amp;", "&"))
    while True:
        backwards.append(ids(answer, kind))
        newer = re.search(r'rel="prev"\s+href="([^"]+)"', answer.text)
        if not newer:
            break
        answer = desk.get(newer[1].replace("&amp;", "&"))
    return forwards, backwards[::-1]


def test_pages_by_key(app, world, browser):
    hearing = world.hearing("in_session")
    made = [world.issue(hearing).id for _n in range(123)]
    desk = browser(world.organiser)
    forwards, backwards = walk(desk, "/issues/?street=霞浦")
    assert [len(p) for p in forwards] == [50, 50, 23]
    assert [*chain(*forwards)] == made[::-1]
    assert backwards == forwards
    one_hearing, back = walk(desk, f"/issues/?hearing={hearing.id}")
    assert [*chain(*one_hearing)] == made
    assert back == one_hearing
    assert said(app, "%(count)s issues", count="123") in desk.get("/issues/").text


def test_totals_above_a_thousand(app, world, browser, monkeypatch):
    monkeypatch.setattr(queries, "COUNT_TO", 3)
    hearing = world.hearing("in_session")
    for _n in range(3):
        world.commitment(world.issue(hearing))
    desk = browser(world.organiser)
    assert said(app, "%(count)s issues", count="3") in desk.get("/issues/").text
    world.commitment(world.issue(hearing))
    assert said(app, "%(count)s issues", count="1,000+") in desk.get("/issues/").text
    assert said(app, "%(count)s commitments", count="1,000+") in desk.get("/commitments/").text


# -- promises ------------------------------------------------------------------------------------------


@pytest.fixture
def promises(world, many):
    """One promise of each light and status."""
    act = {"actor": world.organiser}
    issue = world.issue(world.hearing("concluded"), street="霞浦")
    kept = world.commitment(issue, co_handlers=[world.street_office])
    operations.report_done(kept, report="好了", **act)
    operations.verify_commitment(kept, **act)
    reported = world.commitment(issue)
    operations.report_done(reported, report="好了", **act)
    released = world.commitment(issue)
    operations.release_commitment(released, reason="并入", **act)
    db.session.commit()
    return {"issue": issue, "kept": kept, "reported": reported, "released": released}


def test_the_ledger_of_promises(app, world, browser, many, promises):
    desk = browser(world.organiser)
    page = desk.get("/commitments/")
    shown = ids(page, "commitments")
    assert len(shown) == 4  # three open, one reported
    assert promises["kept"].id not in shown
    every = ids(desk.get("/commitments/?status=all"), "commitments")
    assert len(every) == 6
    for query, expected in (
        ("status=kept", [promises["kept"].id]),
        ("status=reported", [promises["reported"].id]),
        ("status=released", [promises["released"].id]),
        (f"status=all&department={world.street_office.id}", [promises["kept"].id]),
        (f"hearing={promises['issue'].hearing_id}", [promises["reported"].id]),
        ("light=bogus&status=bogus&due_from=2021&department=x&hearing=-3&after=nonsense", shown),
        (f"due_to={(today() - timedelta(days=1)).isoformat()}", shown[:1]),
        (f"due_from={(today() + timedelta(days=100)).isoformat()}", shown[-1:]),
    ):
        assert ids(desk.get(f"/commitments/?{query}"), "commitments") == expected, query
    for light in ("red", "yellow", "green"):
        assert len(ids(desk.get(f"/commitments/?light={light}"), "commitments")) == 1


def test_the_ledger_is_scoped(app, world, browser, many, promises):
    counts = {
        role: len(ids(browser(getattr(world, role)).get("/commitments/?status=all"), "commitments"))
        for role in ("organiser", "street", "deputy", "other_deputy", "department", "other_department", "leader")
    }
    assert counts == {
        "organiser": 6,
        "street": 6,
        "deputy": 6,
        "other_deputy": 0,
        "department": 5,
        "other_department": 1,
        "leader": 6,
    }
    assert browser(world.admin).get("/commitments/").status_code == 403


def test_promises_by_key(app, world, browser):
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    made = [world.commitment(issue, days=20 + n % 5) for n in range(107)]
    expected = [c.id for c in sorted(made, key=lambda c: (c.due_on, c.id))]
    forwards, backwards = walk(browser(world.organiser), "/commitments/", "commitments")
    assert [*chain(*forwards)] == expected
    assert backwards == forwards
    operations.report_done(made[3], report="好", actor=world.organiser)
    forwards, backwards = walk(browser(world.organiser), "/commitments/?status=all", "commitments")
    assert [*chain(*forwards)] == expected[::-1]
    assert backwards == forwards


# -- how much it asks the database ---------------------------------------------------------------------


def test_the_same_statements_for_1_and_300(app, world, browser, statements):
    hearing = world.hearing("concluded")
    addresses = ["/issues/", "/commitments/", "/issues/?light=yellow&q=铁路", "/commitments/?q=照明&status=all"]
    roles = [world.organiser, world.street, world.deputy, world.department, world.leader]

    def more(number):
        for _n in range(number):
            operations.assign(world_issue(hearing, world), lead=world.bureau, actor=world.organiser)
        db.session.commit()

    def count():
        asked = {}
        for role in roles:
            one = browser(role)
            for address in addresses:
                with statements() as heard:
                    assert one.get(address).status_code == 200
                asked[role.username, address] = len(heard)
        return asked

    more(1)
    few = count()
    more(299)
    assert count() == few
    assert max(few.values()) <= 12


def world_issue(hearing, world):
    issue = operations.log_issue(
        hearing, statement="铁路桥下无灯。", lead_deputy=world.deputy, street="新碶", actor=world.organiser
    )
    operations.make_commitment(
        issue,
        measure="安装照明",
        lead=world.bureau,
        co_handlers=[world.street_office],
        due_on=hearing.day + timedelta(days=3),
        actor=world.organiser,
    )
    return issue


def test_an_issues_page_asks_the_same_for_1_and_60_of_each(app, world, browser, statements):
    issue = world_issue(world.hearing("concluded"), world)
    assignment = world.assigned(issue)
    first = world.commitment(issue, co_handlers=[world.street_office])
    desk = browser(world.organiser)

    def more(number):
        act = {"actor": world.department}
        for percent in range(number):
            made = world.commitment(issue, co_handlers=[world.street_office, world.other_bureau])
            operations.report_progress(assignment, text="进展", commitment=first, percent=percent, **act)
            later = made.due_on + timedelta(days=5)
            extension = operations.ask_extension(made, new_due_on=later, reason="雨天", **act)
            operations.grant_extension(extension, actor=world.organiser)
            operations.reply(assignment, result_class=ResultClass.B, text="在办", signed_by="郑", **act)
        db.session.commit()

    def count():
        with statements() as story:
            assert desk.get(f"/issues/{issue.id}").status_code == 200
        with statements() as promise:
            assert desk.get(f"/commitments/{first.id}").status_code == 200
        return len(story), len(promise)

    more(1)
    few = count()
    more(59)
    assert count() == few
    assert few[1] <= 12


def test_statuses_of_the_filter():
    assert queries.statuses_of(None) == (CommitmentStatus.OPEN, CommitmentStatus.REPORTED)
    assert queries.statuses_of("all") == tuple(CommitmentStatus)
    assert queries.statuses_of("kept") == (CommitmentStatus.KEPT,)
