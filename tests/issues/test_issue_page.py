"""An issue's page and what the organiser does on it, role by role."""

import io
import re
import sys
from datetime import timedelta

import pytest
from sqlalchemy import select

from hearings import workflow
from hearings.audit import trail
from hearings.db import clock_at, db, now, today
from hearings.issues import operations, queries
from hearings.issues.limits import basis_words
from hearings.issues.models import (
    Assignment,
    AssignmentStatus,
    ExchangeKind,
    IssueStatus,
    Outcome,
    OutcomeFigure,
    Part,
    ResultClass,
)
from hearings.schedule import operations as schedule
from hearings.undo import UndoOffer
from tests.issues.pages import form_of, said


def links(answer):
    """The acts that a page offers: addresses of its buttons, links and one-button forms."""
    found = re.findall(r'(?:href|action)="(/(?:issues|assignments|commitments|extensions)/\d+/[^"]+)"', answer.text)
    return {a for a in found if not any(word in a for word in ("/files/", "/papers/", "remove"))}


def replied(world, issue=None, **promise):
    """An issue whose lead has replied with class A; with one kept promise unless told otherwise."""
    issue = issue or world.issue(world.hearing("concluded"))
    commitment = world.commitment(issue, **promise)
    assignment = world.assigned(issue)
    operations.accept_assignment(assignment, actor=world.department)
    operations.report_done(commitment, report="已完成。", actor=world.department)
    operations.verify_commitment(commitment, actor=world.organiser)
    operations.reply(assignment, result_class=ResultClass.A, text="已办。", signed_by="郑某某", actor=world.department)
    db.session.commit()
    return issue


# -- the story -----------------------------------------------------------------------------------------


def test_the_page_tells_the_story_in_order(app, world, browser):
    hearing = world.hearing("in_session", day=today())
    issue = world.issue(hearing, resident="陈", community="霞浦社区", cosigners=[world.other_deputy])
    act = {"actor": world.organiser}
    operations.add_exchange(issue, ExchangeKind.QUESTION, "什么时候装灯？", speaker="代表甲", **act)
    operations.add_exchange(issue, ExchangeKind.ANSWER, "由我局负责。", department=world.bureau, **act)
    promise = world.commitment(issue, measure="尽快安装照明", co_handlers=[world.street_office])
    schedule.conclude(hearing, **act)
    assignment = world.assigned(issue, co_handlers=[world.street_office], requirement="请逐项落实。")
    operations.correct_commitment(promise, {"measure": "安装照明8盏"}, **act)
    operations.accept_assignment(assignment, actor=world.department)
    operations.report_progress(assignment, text="灯具到货。", percent=40, commitment=promise, actor=world.department)
    operations.reply(
        assignment,
        result_class=ResultClass.B,
        text="正在安装。",
        signed_by="郑某某",
        next_step="装好再答复",
        met_deputy=True,
        actor=world.department,
    )
    operations.add_figure(issue, label="新增路灯", value="8", unit="盏", as_of=today(), source="区交通运输局", **act)
    db.session.commit()
    page = browser(world.leader).get(f"/issues/{issue.id}").text
    order = [
        issue.statement,
        "什么时候装灯？",
        "由我局负责。",
        "安装照明8盏",
        "请逐项落实。",
        "灯具到货。",
        "正在安装。",
    ]
    story = page[page.index('id="story"') : page.index('id="rounds"')]
    places = [story.index(words) for words in order]
    assert places == sorted(places)
    assert "<del>尽快安装照明" in story
    assert "霞浦社区 陈" in story
    for words in ("新增路灯", "8盏", "代表乙", "新碶街道办", "装好再答复", "40%"):
        assert words in page


def test_a_later_room_adds_to_the_story_and_the_buttons(app, world, browser, monkeypatch):
    issue = world.issue()
    events = [
        *queries.STORY_PARTS,
        lambda i, user: [{"at": now(), "label": "现场核查", "text": f"核查{i.id}", "tone": "green"}],
    ]
    buttons = [
        lambda i, user: [{"url": f"/issues/{i.id}/ask", "label": f"征询{user.name}"}, {"why": "代表尚未确认。"}],
    ]
    routes = sys.modules["hearings.issues.routes"]
    monkeypatch.setattr(routes, "STORY_PARTS", events)
    monkeypatch.setattr(routes, "ISSUE_BUTTONS", buttons)
    page = browser(world.organiser).get(f"/issues/{issue.id}").text
    assert f"核查{issue.id}" in page
    assert f"征询{world.organiser.name}" in page
    assert "代表尚未确认。" in page


def test_who_reads_an_issue(app, world, browser):
    mine = world.issue(world.hearing("concluded"))
    theirs = world.issue(mine.hearing, lead_deputy=world.other_deputy, actor=world.organiser)
    far = world.issue(world.hearing("concluded", station=world.other_station), lead_deputy=world.other_deputy)
    world.assigned(mine)
    seen = {
        "organiser": {mine, theirs, far},
        "street": {mine, theirs},
        "deputy": {mine},
        "other_deputy": {theirs, far},
        "leader": {mine, theirs, far},
        "auditor": {mine, theirs, far},
        "department": {mine},
        "other_department": set(),
    }
    for role, issues in seen.items():
        one = browser(getattr(world, role))
        for issue in (mine, theirs, far):
            expected = 200 if issue in issues else 404
            assert one.get(f"/issues/{issue.id}").status_code == expected, (role, issue.id)
        listed = set(re.findall(r'href="/issues/(\d+)"', one.get("/issues/").text))
        assert listed == {str(i.id) for i in issues}, role
    assert browser(world.admin).get("/issues/").status_code == 403
    assert browser(world.admin).get(f"/issues/{mine.id}").status_code in (403, 404)
    far.street = "新碶"
    assert browser(world.street).get(f"/issues/{far.id}").status_code == 200


def test_the_trail_is_for_auditor_and_organiser(app, world, browser):
    issue = world.issue()
    for who, sees in (
        (world.organiser, True),
        (world.auditor, True),
        (world.leader, False),
        (world.deputy, False),
    ):
        assert ('id="history"' in browser(who).get(f"/issues/{issue.id}").text) == sees


# -- buttons are exactly what would work ---------------------------------------------------------------


@pytest.fixture
def stages(world):
    """One issue in each status that its page treats differently."""
    hearing = world.hearing("concluded")
    made = {"registered": world.issue(hearing)}
    made["assigned"] = world.assigned(world.issue(hearing)).issue
    handled = world.assigned(world.issue(hearing))
    operations.accept_assignment(handled, actor=world.department)
    made["in_handling"] = handled.issue
    returned = world.assigned(world.issue(hearing))
    operations.return_assignment(returned, reason="不属我局职责。", actor=world.department)
    made["returned"] = returned.issue
    made["replied"] = replied(world)
    declined = world.issue(hearing)
    operations.decline(declined, reason="诉讼事项。", actor=world.organiser)
    made["not_accepted"] = declined
    db.session.commit()
    return made


def test_every_button_opens_what_it_promises(app, world, browser, stages):
    """No button of any role leads to a refusal, in any status."""
    count = 0
    for issue in stages.values():
        for role in ("organiser", "street", "deputy", "department", "leader", "auditor"):
            one = browser(getattr(world, role))
            page = one.get(f"/issues/{issue.id}")
            if page.status_code == 404:
                continue
            for address in links(page):
                if address.endswith(("/accept", "/ask-confirmation")) or "/look-backs" in address:
                    continue
                answer = one.get(address)
                assert answer.status_code == 200, (role, issue.status, address)
                count += 1
    assert count > 40


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("registered", {"assign", "decline", "transfer", "edit", "figure", "files"}),
        ("assigned", {"rework", "edit", "figure", "files"}),
        ("in_handling", {"rework", "edit", "figure", "files"}),
        ("returned", {"assign", "edit", "figure", "files"}),
        ("replied", {"rework", "edit", "figure", "files"}),
        ("not_accepted", {"reopen", "edit", "figure", "files"}),
    ],
)
def test_organisers_buttons_by_status(app, world, browser, stages, status, expected):
    page = browser(world.organiser).get(f"/issues/{stages[status].id}")
    own = {a.rsplit("/", 1)[1] for a in links(page) if a.startswith("/issues/")}
    assert own - {"ask-confirmation", "explain", "strike-off"} == expected


def test_readers_get_no_buttons(app, world, browser, stages):
    for issue in stages.values():
        assert links(browser(world.leader).get(f"/issues/{issue.id}")) == set()
        assert links(browser(world.auditor).get(f"/issues/{issue.id}")) == set()


def test_the_department_accepts_first(app, world, browser, stages):
    issue = stages["assigned"]
    number = db.session.scalar(select(Assignment.id).where(Assignment.issue_id == issue.id))
    page = browser(world.department).get(f"/issues/{issue.id}")
    assert links(page) == {
        f"/assignments/{number}/accept",
        f"/assignments/{number}/return",
        f"/assignments/{number}/progress",
    }


def test_why_it_cannot_be_struck_off_stands_on_the_page(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    world.commitment(issue)
    assignment = world.assigned(issue)
    operations.accept_assignment(assignment, actor=world.department)
    operations.reply(assignment, result_class=ResultClass.B, text="在办。", signed_by="郑", actor=world.department)
    page = browser(world.organiser).get(f"/issues/{issue.id}")
    sentence = said(app, "%(count)d commitments are still owed.", count=1)
    assert sentence in page.text
    assert f"/issues/{issue.id}/strike-off" not in links(page)
    refused = browser(world.organiser).get(f"/issues/{issue.id}/strike-off")
    assert refused.status_code == 409
    assert sentence in refused.text


# -- edit ----------------------------------------------------------------------------------------------


def test_editing(app, world, browser):
    issue = world.issue()
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/edit"
    form = form_of(desk.get(address)) | {
        "title": "",
        "statement": "改过的问题，说清楚了。",
        "cosigners": [world.other_deputy.id],
    }
    assert desk.post(address, form).status_code == 303
    assert issue.statement == "改过的问题，说清楚了。"
    assert issue.title == "改过的问题"
    assert issue.cosigners == [world.other_deputy]
    assert trail(issue)[-1].details == {"fields": ["cosigners", "statement", "title"]}


def test_two_editors_of_different_fields_are_both_kept(app, world, browser):
    issue = world.issue()
    address = f"/issues/{issue.id}/edit"
    one, two = browser(world.organiser), browser(world.deputy)
    first, second = form_of(one.get(address)), form_of(two.get(address))
    assert one.post(address, first | {"place": "铁路桥东侧"}).status_code == 303
    assert two.post(address, second | {"title": "桥下没有灯"}).status_code == 303
    assert (issue.place, issue.title) == ("铁路桥东侧", "桥下没有灯")


def test_two_editors_of_one_field_see_both(app, world, browser):
    issue = world.issue()
    address = f"/issues/{issue.id}/edit"
    one, two = browser(world.organiser), browser(world.deputy)
    first, second = form_of(one.get(address)), form_of(two.get(address))
    assert one.post(address, first | {"title": "甲的标题", "place": "桥东"}).status_code == 303
    clash = two.post(address, second | {"title": "乙的标题", "resident": "王"})
    assert clash.status_code == 409
    assert "甲的标题" in clash.text and "乙的标题" in clash.text
    assert issue.title == "甲的标题"
    chosen = form_of(clash) | {"title__choice": "mine"}
    assert two.post(address, chosen).status_code == 303
    assert (issue.title, issue.place, issue.resident) == ("乙的标题", "桥东", "王")


def test_after_filing_the_words_stay(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    issue.hearing.status, issue.hearing.filed_at = "filed", now()
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/edit"
    form = form_of(desk.get(address))
    assert {"category", "street", "lead_deputy"} <= set(form)
    assert "statement" not in form
    before = issue.statement
    assert desk.post(address, form | {"statement": "偷偷改", "category": "safety"}).status_code == 303
    assert (issue.statement, issue.category) == (before, "safety")


def test_once_the_issue_is_closed_the_words_stay(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    issue.status, issue.closed_at = IssueStatus.STRUCK_OFF, now()
    before = issue.statement
    for who in (world.organiser, world.deputy):
        one, address = browser(who), f"/issues/{issue.id}/edit"
        page = one.get(address)
        assert "已办结" in page.text and "statement" not in form_of(page)
        assert one.post(address, form_of(page) | {"statement": "销号之后改", "street": "霞浦"}).status_code == 303
        assert (issue.statement, issue.street) == (before, "霞浦")


def test_an_issue_without_a_deputy_says_where_to_choose_one(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    issue.lead_deputy = None
    db.session.commit()
    one = browser(world.organiser)
    assert f"/issues/{issue.id}/edit#lead_deputy" in one.get(f"/issues/{issue.id}").text
    refused = one.get(f"/issues/{issue.id}/assign")
    assert refused.status_code == 409
    assert f'href="/issues/{issue.id}">返回' in " ".join(refused.text.split()), "the way back is not the front page"


def test_what_the_night_noted_need_not_be_typed_again(app, world, browser):
    over = world.hearing("concluded")
    declined, answered = world.issue(over), world.issue(over)
    operations.decide_outcome(declined, Outcome.NOT_ACCEPTED, note="涉诉事项。", actor=world.organiser)
    operations.decide_outcome(answered, Outcome.ANSWERED_ON_SITE, note="路灯归公路段管。", actor=world.organiser)
    db.session.commit()
    one = browser(world.organiser)
    assert form_of(one.get(f"/issues/{declined.id}/decline"))["reason"] == "涉诉事项。"
    assert form_of(one.get(f"/issues/{answered.id}/explain"))["note"] == "路灯归公路段管。"


def test_who_may_edit(app, world, browser):
    issue = world.assigned().issue
    for who, code in (
        (world.organiser, 200),
        (world.street, 200),
        (world.deputy, 200),
        (world.other_deputy, 404),
        (world.department, 403),
        (world.other_department, 403),
        (world.leader, 403),
        (world.auditor, 403),
    ):
        assert browser(who).get(f"/issues/{issue.id}/edit").status_code == code, who.username


# -- assigning and its kin -----------------------------------------------------------------------------


def test_assigning_from_the_promises(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    world.commitment(issue, co_handlers=[world.street_office])
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/assign"
    page = desk.get(address)
    form = form_of(page)
    limit, basis = operations.default_limit(issue, today())
    assert form["lead"] == str(world.bureau.id)
    assert form["co_handlers"] == str(world.street_office.id)
    assert (form["limit"], form["due_on"], form["co_due_on"]) == ("usual", "", "")
    assert basis_words(basis) in page.text
    assert desk.post(address, form | {"requirement": "一个月内反馈。"}).status_code == 303
    made = db.session.scalars(select(Assignment).order_by(Assignment.id)).all()
    assert [(a.department, a.part, a.due_on, a.requirement) for a in made] == [
        (world.bureau, Part.LEAD, limit, "一个月内反馈。"),
        (world.street_office, Part.CO_HANDLER, operations.opinion_limit(today(), limit, basis)[0], "一个月内反馈。"),
    ]
    assert issue.status == IssueStatus.ASSIGNED
    again = desk.get(address)
    assert again.status_code == 409


def test_assigning_refused_keeps_what_was_typed(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/assign"
    form = form_of(desk.get(address)) | {"requirement": "记着。"}
    for wrong in ({}, {"lead": "99999"}, {"lead": world.bureau.id, "due_on": "1990-01-01"}):
        answer = desk.post(address, form | wrong)
        assert answer.status_code == 422
        assert form_of(answer)["requirement"] == "记着。"
    past = {"lead": world.bureau.id, "due_on": (today() - timedelta(days=1)).isoformat()}
    answer = desk.post(address, form | past)
    assert answer.status_code == 422
    assert said(app, "The date lies before the assignment.") in answer.text
    assert issue.status == IssueStatus.REGISTERED


def test_a_residents_issue_needs_a_deputy_first(app, world, browser):
    issue = world.issue(world.hearing("concluded"), lead_deputy=None)
    answer = browser(world.organiser).get(f"/issues/{issue.id}/assign")
    assert answer.status_code == 409
    assert said(app, "Choose the deputy who will confirm it first.") in answer.text


def test_declining_names_the_reason_and_where_to_turn(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/decline"
    assert desk.post(address, form_of(desk.get(address)) | {"reason": "诉讼事项"}).status_code == 422
    form = form_of(desk.get(address)) | {"reason": "属诉讼事项", "referral": "区人民法院"}
    assert desk.post(address, form).status_code == 303
    assert issue.status == IssueStatus.NOT_ACCEPTED
    assert issue.outcome_note == "属诉讼事项；引导渠道：区人民法院"
    assert "属诉讼事项；引导渠道：区人民法院" in desk.get(f"/issues/{issue.id}").text


def test_transferring(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/transfer"
    form = form_of(desk.get(address)) | {"to": "suggestion", "note": "关于加强桥下空间管理的建议"}
    assert desk.post(address, form | {"to": "nonsense"}).status_code == 422
    assert desk.post(address, form).status_code == 303
    assert issue.status == IssueStatus.TRANSFERRED
    assert issue.outcome_note == "转代表建议：关于加强桥下空间管理的建议"


def test_handling_again_keeps_the_old_round(app, world, browser):
    issue = replied(world)
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/rework"
    past = form_of(desk.get(address)) | {"reason": "夜里还是黑。", "due_on": "2020-01-01"}
    assert desk.post(address, past).status_code == 422
    form = form_of(desk.get(address)) | {"reason": "夜里还是黑。"}
    assert desk.post(address, form).status_code == 303
    assert (issue.status, issue.round) == (IssueStatus.IN_HANDLING, 2)
    page = desk.get(f"/issues/{issue.id}").text
    assert page.count('<section class="round') == 2
    assert "已办。" in page and "夜里还是黑。" in page


def test_reopening(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    operations.decline(issue, reason="诉讼", actor=world.organiser)
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/reopen"
    assert desk.post(address, form_of(desk.get(address))).status_code == 422
    assert desk.post(address, form_of(desk.get(address)) | {"reason": "撤诉了。"}).status_code == 303
    assert (issue.status, issue.round) == (IssueStatus.REGISTERED, 2)


def test_acts_are_for_the_organiser(app, world, browser):
    issue = world.assigned().issue
    acts = ("assign", "decline", "transfer", "explain", "strike-off", "rework", "reopen", "figure")
    outsiders = (world.deputy, world.department, world.leader, world.auditor, world.other_deputy)
    far = world.issue(world.hearing("concluded", station=world.other_station))
    for act in acts:
        for who in outsiders:
            one = browser(who)
            assert one.get(f"/issues/{issue.id}/{act}").status_code == 403, (act, who.username)
            assert one.post(f"/issues/{issue.id}/{act}", {"reason": "x"}).status_code == 403
        assert browser(world.street).get(f"/issues/{far.id}/{act}").status_code == 404
        assert browser(world.organiser).get(f"/issues/99999/{act}").status_code == 404
    assert issue.status == IssueStatus.ASSIGNED


def test_figures(app, world, browser):
    issue = replied(world)
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/figure"
    form = form_of(desk.get(address))
    assert form["as_of"] == today().isoformat()
    form |= {"label": "临时接种点", "value": "50余", "unit": "处", "as_of": "2021年12月31日", "source": "区卫生健康局"}
    assert desk.post(address, form).status_code == 303
    figure = db.session.scalars(select(OutcomeFigure)).one()
    assert (figure.value, figure.as_of.isoformat()) == ("50余", "2021-12-31")
    assert "50余处" in desk.get(f"/issues/{issue.id}").text
    elsewhere = world.issue(issue.hearing)
    assert desk.post(f"/issues/{elsewhere.id}/figures/{figure.id}/remove").status_code == 404
    assert desk.post(f"/issues/{issue.id}/figures/{figure.id}/remove").status_code == 303
    assert db.session.scalars(select(OutcomeFigure)).all() == []
    offer = db.session.scalars(select(UndoOffer)).all()[-1]
    desk.post(f"/undo/{offer.id}")
    assert db.session.scalars(select(OutcomeFigure.label)).all() == ["临时接种点"]


def test_removing_what_was_logged_by_mistake(app, world, browser):
    issue = world.issue()
    hearing, number = issue.hearing_id, issue.id
    desk = browser(world.organiser)
    assert desk.post(f"/issues/{issue.id}/remove").headers["Location"] == f"/issues/?hearing={hearing}"
    assert desk.get(f"/issues/{number}").status_code == 404
    offer = db.session.scalars(select(UndoOffer)).all()[-1]
    assert desk.post(f"/undo/{offer.id}").status_code == 303
    assert desk.get(f"/issues/{number}").status_code == 200


# -- what the department does --------------------------------------------------------------------------


def test_accepting_twice_is_said_in_words(app, world, browser):
    assignment = world.assigned()
    office = browser(world.department)
    assert office.post(f"/assignments/{assignment.id}/accept").status_code == 303
    assert assignment.status == AssignmentStatus.ACCEPTED
    assert assignment.issue.status == IssueStatus.IN_HANDLING
    assert office.post(f"/assignments/{assignment.id}/accept").status_code == 409


def test_returning_within_the_limit(app, world, browser):
    assignment = world.assigned()
    office = browser(world.department)
    address = f"/assignments/{assignment.id}/return"
    assert office.post(address, form_of(office.get(address)) | {"reason": ""}).status_code == 422
    assert office.post(address, form_of(office.get(address)) | {"reason": "属综合执法局。"}).status_code == 303
    assert assignment.issue.status == IssueStatus.RETURNED
    assert "属综合执法局。" in browser(world.organiser).get(f"/issues/{assignment.issue_id}").text


def test_after_the_limit_it_counts_as_accepted(app, world, browser):
    with clock_at(now() - timedelta(days=30)):
        assignment = world.assigned(world.issue(world.hearing("concluded")))
    office = browser(world.department)
    page = office.get(f"/issues/{assignment.issue_id}")
    assert said(app, "no answer within the limit: counts as accepted") in page.text
    assert f"/assignments/{assignment.id}/return" not in links(page)
    refused = office.get(f"/assignments/{assignment.id}/return")
    assert refused.status_code == 409
    assert office.post(f"/assignments/{assignment.id}/return", {"reason": "晚了"}).status_code == 422
    assert assignment.status == AssignmentStatus.ASSIGNED


def test_the_daily_command_writes_down_what_silence_accepted(app, world, browser):
    with clock_at(now() - timedelta(days=30)):
        old = world.assigned(world.issue(world.hearing("concluded")))
    new = world.assigned(world.issue(old.issue.hearing))
    db.session.commit()
    for expected in ("1 ", "0 "):
        result = app.test_cli_runner().invoke(args=["daily"])
        assert result.output.startswith(expected), result.output
        db.session.expire_all()
    assert (old.status, old.accepted_by_silence) == (AssignmentStatus.ACCEPTED, True)
    assert new.status == AssignmentStatus.ASSIGNED
    assert trail(old)[-1].actor_name == "系统"
    assert said(app, "Counts as accepted") in browser(world.leader).get(f"/issues/{old.issue_id}").text


def test_progress_on_a_promise(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    other = world.commitment(issue, lead=world.other_bureau)
    assignment = world.assigned(issue)
    office = browser(world.department)
    address = f"/assignments/{assignment.id}/progress"
    form = form_of(office.get(f"{address}?commitment={promise.id}"))
    assert form["commitment"] == str(promise.id)
    form |= {"text": "已完成招标。", "percent": "60"}
    for wrong in ({"percent": "101"}, {"percent": "-1"}, {"percent": "六十"}, {"commitment": other.id}, {"text": ""}):
        answer = office.post(address, form | wrong)
        assert answer.status_code == 422, wrong
    assert office.post(address, form).status_code == 303
    assert promise.percent == 60
    assert assignment.status == AssignmentStatus.ACCEPTED
    assert "已完成招标。" in browser(world.deputy).get(f"/issues/{issue.id}").text


def test_replying_with_a_class_and_an_attachment(app, world, browser):
    assignment = world.assigned()
    office = browser(world.department)
    office.post(f"/assignments/{assignment.id}/accept")
    address = f"/assignments/{assignment.id}/reply"
    page = office.get(address)
    for letter, words in app.config["RESULT_CLASSES"].items():
        assert f"{letter}　{words}" in page.text
    form = form_of(page) | {"text": "已全部清理。", "signed_by": "郑某某", "met_deputy": "y"}
    assert office.post(address, form).status_code == 422
    assert office.post(address, form | {"result_class": "E"}).status_code == 422
    form |= {"result_class": "A", "files": [(io.BytesIO("验收单".encode()), "验收单.txt")]}
    assert office.post(address, form, content_type="multipart/form-data").status_code == 303
    assert assignment.issue.status == IssueStatus.REPLIED
    shown = browser(world.organiser).get(f"/issues/{assignment.issue_id}").text
    assert "已全部清理。" in shown and "验收单.txt" in shown


def test_a_department_acts_only_on_its_own_assignment(app, world, browser):
    assignment = world.assigned(co_handlers=[world.street_office])
    other = browser(world.other_department)
    for act in ("accept", "return", "progress", "reply"):
        assert other.post(f"/assignments/{assignment.id}/{act}", {"reason": "x", "text": "x"}).status_code == 404
        for who in (world.leader, world.auditor, world.deputy):
            assert browser(who).post(f"/assignments/{assignment.id}/{act}", {}).status_code == 403, act
    assert assignment.status == AssignmentStatus.ASSIGNED


def test_settled_by_explanation_when_the_deputy_agreed_in_the_room(app, world, browser, monkeypatch):
    routes, heard = sys.modules["hearings.issues.routes"], []
    issue = replied(world)
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/explain"
    monkeypatch.setattr(routes, "AGREED_ON_THE_SPOT", [])
    refused = desk.get(address)
    assert refused.status_code == 409  # the guard of the confirmations says why

    def agree(thing, *, actor):
        heard.append((thing.id, actor.id))
        monkeypatch.setattr(workflow, "_guards", workflow._guards | {"issue.explain": []})

    monkeypatch.setattr(routes, "AGREED_ON_THE_SPOT", [agree])
    form = form_of(desk.get(address)) | {"note": "已向代表说明。"}
    assert desk.post(address, form).status_code == 422
    form = form_of(desk.get(address)) | {"note": "已向代表说明。", "agreed": "y"}
    assert desk.post(address, form).status_code == 303
    assert heard == [(issue.id, world.organiser.id)]
    assert issue.status == IssueStatus.ANSWERED
    offer = db.session.scalars(select(UndoOffer)).all()[-1]
    assert desk.post(f"/undo/{offer.id}").status_code == 303
    assert issue.status == IssueStatus.REPLIED


def test_struck_off_with_undo(app, world, browser, monkeypatch):
    monkeypatch.setattr(workflow, "_guards", workflow._guards | {"issue.strike_off": []})
    issue = replied(world)
    desk = browser(world.organiser)
    page = desk.get(f"/issues/{issue.id}")
    assert f'class="btn btn-primary" href="/issues/{issue.id}/strike-off"' in page.text
    address = f"/issues/{issue.id}/strike-off"
    assert desk.post(address, form_of(desk.get(address)) | {"note": "书面核查。"}).status_code == 303
    assert issue.status == IssueStatus.STRUCK_OFF
    assert trail(issue)[-1].details["basis"] == "书面核查。"
    offer = db.session.scalars(select(UndoOffer)).all()[-1]
    assert desk.post(f"/undo/{offer.id}").status_code == 303
    assert issue.status == IssueStatus.REPLIED
