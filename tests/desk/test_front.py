"""The front page: what each role must do now, most urgent first; what comes up; what one follows."""

import re
from datetime import timedelta

from sqlalchemy import insert

from hearings.db import clock_at, db, local, now, today
from hearings.desk import duties
from hearings.issues import operations as issues
from hearings.issues.models import (
    Assignment,
    AssignmentStatus,
    Commitment,
    Issue,
    IssueStatus,
    Outcome,
    Part,
    ResultClass,
)
from hearings.people import operations as people
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from tests import factories


def tasks(user):
    """{kind: [(verb's url, text, light)]} of what the person must do now."""
    return {g.key: [(t["url"], t["light"]) for t in g.tasks] for g in duties.front(user).now}


def replied(world, letter="A"):
    """An issue accepted and answered by the lead."""
    assignment = world.assigned()
    issues.accept_assignment(assignment, actor=world.department)
    issues.reply(
        assignment, result_class=ResultClass(letter), text="已办理。", signed_by="郑某某", actor=world.department
    )
    db.session.commit()
    return assignment.issue


def test_nothing_to_do_says_what_comes_up(world, browser):
    for who in (world.organiser, world.street, world.deputy, world.department, world.leader, world.auditor):
        page = browser(who).get("/")
        assert page.status_code == 200 and 'class="tasks"' not in page.text


def test_what_was_settled_on_the_night_is_not_to_be_assigned(world):
    over = world.hearing("concluded")
    assign, answered, declined = (world.issue(over) for _ in range(3))
    issues.decide_outcome(answered, Outcome.ANSWERED_ON_SITE, actor=world.organiser)
    issues.decide_outcome(declined, Outcome.NOT_ACCEPTED, note="不属本区职权，请向市里反映。", actor=world.organiser)
    off = world.hearing("announced")
    early = world.issue(off)
    schedule.cancel(off, reason="台风", actor=world.organiser)
    db.session.commit()
    found = tasks(world.organiser)
    assert found["assign"] == [(f"/issues/{assign.id}/assign", "yellow")]
    assert found["settle"] == [
        (f"/issues/{answered.id}", "yellow"),
        (f"/issues/{declined.id}", "yellow"),
        (f"/issues/{early.id}", "yellow"),
    ]


def test_an_organisers_hearings_by_where_they_are_in_their_life(world):
    soon = world.hearing("draft", day=today() + timedelta(days=3))
    far = world.hearing("draft", day=today() + timedelta(days=40))
    ahead = world.hearing("announced", day=today() + timedelta(days=9))
    tonight = world.hearing("announced", day=today())
    running = world.hearing("in_session", day=today())
    over = world.hearing("concluded")
    postponed = world.hearing("announced")
    schedule.postpone(postponed, reason="台风", actor=world.organiser)
    db.session.commit()
    assert tasks(world.organiser) == {
        "conclude": [(f"/hearings/{running.id}/session", "yellow")],
        "open": [(f"/hearings/{tonight.id}/session", "yellow")],
        "announce": [(f"/hearings/{soon.id}/announce", "yellow")],
        "papers": [(f"/hearings/{over.id}/minutes", None)],
        "postponed": [(f"/hearings/{postponed.id}/reschedule", None)],
    }
    coming = [t["url"] for t in duties.front(world.organiser).coming]
    assert coming == [f"/hearings/{ahead.id}", f"/hearings/{far.id}"]
    assert [t["url"] for t in duties.front(world.deputy).coming] == [
        f"/hearings/{tonight.id}",
        f"/hearings/{running.id}",
        f"/hearings/{ahead.id}",
    ]


def test_a_concluded_hearings_issues_wait_to_be_assigned_with_the_days_since(world):
    hearing = world.hearing("concluded")
    issue = world.issue(hearing)
    with clock_at(now() + timedelta(days=5)):
        front = duties.front(world.organiser)
    group = next(g for g in front.now if g.key == "assign")
    assert [t["url"] for t in group.tasks] == [f"/issues/{issue.id}/assign"]
    assert "5" in group.tasks[0]["note"]
    assert group.tasks[0]["text"] == f"{issue.reference} {issue.title}"


def test_returned_assignments_come_back_to_the_organiser(world):
    assignment = world.assigned()
    issues.return_assignment(assignment, reason="不属于本部门职责", actor=world.department)
    helped = world.assigned(world.issue(world.hearing("concluded")), co_handlers=[world.other_bureau])
    helper = db.session.query(Assignment).filter_by(issue_id=helped.issue_id, part=Part.CO_HANDLER).one()
    issues.return_assignment(helper, reason="不属于本部门职责", actor=world.other_department)
    db.session.commit()
    found = tasks(world.organiser)
    assert found["returned"] == [(f"/issues/{assignment.issue_id}", "yellow")]
    assert found["helper"] == [(f"/issues/{helped.issue_id}", "yellow")]


def test_reports_extensions_and_overdue_promises_of_the_organiser(world):
    issue = world.issue(world.hearing("concluded"))
    reported, asked, late, fine = (world.commitment(issue, days=d) for d in (20, 20, 2, 20))
    issues.report_done(reported, report="已完成", actor=world.department)
    issues.ask_extension(asked, new_due_on=asked.due_on + timedelta(days=5), reason="雨季", actor=world.department)
    db.session.commit()
    with clock_at(local(late.due_on + timedelta(days=1), now().time())):
        found = tasks(world.organiser)
    assert found["verify"] == [(f"/commitments/{reported.id}", "yellow")]
    assert found["extension"] == [(f"/commitments/{asked.id}", "yellow")]
    assert found["overdue"] == [(f"/commitments/{late.id}", "red")]
    assert all(f"/commitments/{fine.id}" not in str(rows) for rows in found.values())


def test_an_overdue_promise_on_a_planned_look_back_no_longer_asks_for_one(world):
    issue = world.issue(world.hearing("concluded"))
    late = world.commitment(issue, days=2)
    moment = local(late.due_on + timedelta(days=1), now().time())
    with clock_at(moment):
        assert "overdue" in tasks(world.organiser)
        look_back = reviews.plan_look_back(
            title="回头看",
            station=world.station,
            chair=world.leader,
            actor=world.organiser,
            items=[issue],
            **factories.evening(late.due_on + timedelta(days=10)),
        )
        db.session.commit()
        assert look_back.id and "overdue" not in tasks(world.organiser)


def test_the_way_to_striking_off(world):
    issue = replied(world)
    assert tasks(world.organiser)["ask"] == [(f"/issues/{issue.id}", None)]
    asked = reviews.ask_confirmation(issue, actor=world.organiser)
    db.session.commit()
    assert "ask" not in tasks(world.organiser)
    assert tasks(world.deputy)["confirm"] == [(f"/confirmations/{asked.id}", "green")]
    with clock_at(local(asked.due_on + timedelta(days=1), now().time())):
        assert tasks(world.organiser)["waive"] == [(f"/confirmations/{asked.id}", "red")]
        assert tasks(world.deputy)["confirm"] == [(f"/confirmations/{asked.id}", "red")]
    reviews.confirm(asked, actor=world.deputy)
    db.session.commit()
    found = tasks(world.organiser)
    assert found["strike_off"] == [(f"/issues/{issue.id}", None)]
    assert not {"ask", "waive"} & set(found)
    issues.strike_off(issue, actor=world.organiser)
    db.session.commit()
    assert "strike_off" not in tasks(world.organiser)


def test_a_promise_still_owed_keeps_an_issue_from_being_asked_about(world):
    issue = replied(world)
    world.commitment(issue)
    assert "ask" not in tasks(world.organiser)


def test_a_street_organiser_sees_the_own_stations_and_street_only(world):
    here = world.hearing("concluded")
    mine = world.issue(here, street="新碶")
    there = world.hearing("concluded", station=world.other_station)
    world.issue(there, street="霞浦")
    assert tasks(world.street)["assign"] == [(f"/issues/{mine.id}/assign", "yellow")]
    assert tasks(world.street)["papers"] == [(f"/hearings/{here.id}/minutes", None)]
    assert len(tasks(world.organiser)["assign"]) == 2


def test_a_departments_duties(world):
    assignment = world.assigned()
    promise = world.commitment(assignment.issue, days=20)
    accepted = world.assigned(world.issue(world.hearing("concluded")))
    issues.accept_assignment(accepted, actor=world.department)
    again = replied(world, "B")
    done = replied(world, "A")
    coming = world.hearing("announced", day=today() + timedelta(days=3))
    db.session.commit()
    assert tasks(world.department) == {
        "accept": [(f"/issues/{assignment.issue_id}", "yellow")],
        "attendee": [(f"/hearings/{coming.id}/attendee", "yellow")],
        "promise": [(f"/commitments/{promise.id}", "green")],
        "reply": [(f"/issues/{accepted.issue_id}", "green")],
        "again": [(f"/issues/{again.id}", None)],
    }
    assert done.id and set(tasks(world.other_department)) == {"attendee"}


def test_the_sheet_of_an_assignment_is_one_click_from_its_duty(world, browser):
    fresh = world.assigned()
    accepted = world.assigned(world.issue(world.hearing("concluded")))
    issues.accept_assignment(accepted, actor=world.department)
    db.session.commit()
    one = browser(world.department)
    page = one.get("/").text
    for assignment in (fresh, accepted):
        assert page.count(f'href="/assignments/{assignment.id}/papers/sheet.pdf"') == 1
    assert "papers/sheet.pdf" not in browser(world.deputy).get("/").text


def test_after_the_return_limit_silence_counts_as_accepted(world):
    assignment = world.assigned()
    with clock_at(local(assignment.respond_by + timedelta(days=1), now().time())):
        found = tasks(world.department)
    assert "accept" not in found
    assert found["reply"] == [(f"/issues/{assignment.issue_id}", "green")]


def test_a_closed_issue_asks_nothing_of_a_silent_co_handler(world):
    assignment = world.assigned(co_handlers=[world.other_bureau])
    issues.accept_assignment(assignment, actor=world.department)
    assert tasks(world.other_department) == {"accept": [(f"/issues/{assignment.issue_id}", "yellow")]}
    issues.reply(assignment, result_class=ResultClass.A, text="已办理。", signed_by="郑某某", actor=world.department)
    asked = reviews.ask_confirmation(assignment.issue, actor=world.organiser)
    reviews.confirm(asked, actor=world.deputy)
    issues.strike_off(assignment.issue, actor=world.organiser)
    assert tasks(world.other_department) == {}


def test_promises_stand_by_their_light(world):
    issue = world.issue(world.hearing("concluded"))
    green, yellow, red = (world.commitment(issue, days=d) for d in (60, 10, 4))
    with clock_at(local(red.due_on + timedelta(days=1), now().time())):
        found = tasks(world.department)["promise"]
    assert found == [
        (f"/commitments/{red.id}", "red"),
        (f"/commitments/{yellow.id}", "yellow"),
        (f"/commitments/{green.id}", "green"),
    ]


def test_a_renamed_office_keeps_its_duties(world):
    promise = world.commitment(world.issue(world.hearing("concluded")))
    people.rename_department(world.bureau, name="甲局", short_name="甲局", on=today(), actor=world.admin)
    db.session.commit()
    world.department.__dict__.pop("_department_ids", None)
    assert tasks(world.department)["promise"] == [(f"/commitments/{promise.id}", "green")]


def test_a_deputy_follows_the_own_issues_with_their_state(world):
    issue = world.issue(world.hearing("concluded"))
    world.issue(issue.hearing, lead_deputy=world.other_deputy)
    follow = duties.front(world.deputy).follow
    assert [(g.key, [t["url"] for t in g.tasks]) for g in follow] == [("own", [f"/issues/{issue.id}"])]


def test_leaders_and_auditors_see_what_is_overdue_and_do_nothing(world, browser):
    late = world.commitment(world.issue(world.hearing("concluded")), days=2)
    for who in (world.leader, world.auditor):
        with clock_at(local(late.due_on + timedelta(days=1), now().time())):
            front = duties.front(who)
            assert [g.key for g in front.now] == ["see_overdue"]
            assert [f["value"] for f in front.figures] == [1, 0, 1, 1]
        assert "<form" not in re.search(r"<main.*</main>", browser(who).get("/").text, re.S)[0]


def test_the_administrators_duties(app, world):
    assert "hand_over" not in tasks(world.admin)
    issue = world.issue(world.hearing("concluded"))
    people.lock_user(world.deputy, actor=world.admin)
    people.lock_user(world.other_deputy, actor=world.admin)  # has nothing open
    world.department.failures = app.config["LOGIN_FAILURES"]
    db.session.commit()
    found = tasks(world.admin)
    assert issue.lead_deputy_id == world.deputy.id
    assert found["hand_over"] == [(f"/hand-over/{world.deputy.id}", "yellow")]
    assert found["failures"] == [(f"/people/{world.department.id}", "yellow")]


def test_the_most_urgent_kind_stands_first(world):
    issue = world.issue(world.hearing("concluded"))
    late = world.commitment(issue, days=2)
    with clock_at(local(late.due_on + timedelta(days=1), now().time())):
        assert next(g.key for g in duties.front(world.organiser).now) == "overdue"


def flood(world, count):
    """`count` issues in each state that asks for something, each with a promise."""
    hearing = world.hearing("concluded")
    first = world.issue(hearing)
    template = {c.key: getattr(first, c.key) for c in Issue.__table__.columns if c.key != "id"}
    states = (IssueStatus.REGISTERED, IssueStatus.RETURNED, IssueStatus.REPLIED)
    rows = [
        template
        | {"number": 100 + i, "position": 100 + i, "status": states[i % 3], "replied_at": now(), "assigned_at": now()}
        for i in range(count * 3)
    ]
    db.session.execute(insert(Issue), rows)
    ids = db.session.scalars(db.select(Issue.id).where(Issue.number >= 100).order_by(Issue.id)).all()
    promises = [
        {
            "issue_id": id_,
            "position": 1,
            "lead_id": world.bureau.id,
            "measure": f"第{id_}项措施",
            "due_on": today() - timedelta(days=1 + id_ % 9),
            "uid": f"c{id_}",
            "sequence": 0,
            "changed_at": now(),
        }
        for id_ in ids[:count]
    ]
    db.session.execute(insert(Commitment), promises)
    given = [
        {
            "issue_id": id_,
            "round": 1,
            "department_id": world.bureau.id,
            "part": Part.LEAD,
            "status": AssignmentStatus.ACCEPTED,
            "assigned_on": today(),
            "due_on": today() + timedelta(days=id_ % 30),
            "due_basis": "months:3:assigned",
            "respond_by": today(),
            "accepted_at": now(),
        }
        for id_ in ids
    ]
    db.session.execute(insert(Assignment), given)
    db.session.commit()


def test_as_many_statements_for_one_duty_as_for_three_hundred(world, browser, statements):
    people_ = [world.organiser, world.street, world.deputy, world.department, world.leader, world.auditor, world.admin]
    before = []
    world.issue(world.hearing("concluded"))
    for who in people_:
        one = browser(who)
        with statements() as said:
            one.get("/")
        before.append(len(said))
    flood(world, 300)
    for who, few in zip(people_, before, strict=True):
        one = browser(who)
        with statements() as said:
            page = one.get("/")
        assert page.status_code == 200
        assert len(said) == few <= 12


def test_each_kind_shows_twenty_and_leads_to_the_list(world, browser):
    flood(world, 300)
    group = next(g for g in duties.front(world.organiser).now if g.key == "assign")
    assert (len(group.tasks), group.total, group.more) == (20, 301, 281)
    page = browser(world.organiser).get("/").text
    assert "281" in page and f'href="{group.more_url}"' in page
    assert browser(world.organiser).get(group.more_url).status_code == 200


# -- rooms ---------------------------------------------------------------------------------------------


def rooms(page: str) -> tuple[list[str], list[str]]:
    """Addresses in the bar, and in the menu under the name."""
    bar, menu = page.split('class="bar-rooms"')[1].split("</nav>", 1)
    return re.findall(r'href="([^"]+)"', bar), re.findall(r'href="([^"]+)"', menu.split("</details>")[0])


def test_the_bar_has_six_rooms_and_the_menu_the_rest(world, browser):
    both = factories.user(roles=["admin", "organiser"])
    db.session.commit()
    for user, wanted in (
        (world.organiser, {"/stations/", "/departments/"}),
        (both, {"/people/", "/stations/", "/departments/", "/settings/", "/hearings/", "/topics/"}),
    ):
        bar, menu = rooms(browser(user).get("/").text)
        assert len(bar) == 6 and bar[0] == "/"
        assert wanted <= {*bar, *menu}, wanted - {*bar, *menu}
    bar, menu = rooms(browser(world.deputy).get("/").text)
    assert not {"/stations/", "/people/", "/settings/"} & {*bar, *menu}
