"""Handing over what a person still has open."""

import re
from datetime import timedelta

from sqlalchemy import select, update

from hearings.audit import AuditEvent
from hearings.db import db, now, today
from hearings.desk import handover
from hearings.issues import operations as issues
from hearings.issues.models import Issue, ResultClass
from hearings.people import operations as people
from hearings.people.models import User
from hearings.permissions import Role
from hearings.reviews import operations as reviews
from hearings.reviews.models import Confirmation
from hearings.schedule.models import Hearing, Participant
from tests import factories


def burdened(world):
    """The first deputy chairs, sits, leads and is asked."""
    past = world.hearing("concluded")
    chaired = world.hearing("announced", chair=world.deputy)
    seated = world.hearing("draft", day=today() + timedelta(days=20))
    assignment = world.assigned(world.issue(past))
    issues.accept_assignment(assignment, actor=world.department)
    issues.reply(assignment, result_class=ResultClass.A, text="已办。", signed_by="郑某某", actor=world.department)
    asked = reviews.ask_confirmation(assignment.issue, actor=world.organiser)
    db.session.commit()
    return past, chaired, seated, assignment.issue, asked


def seats(hearing):
    return sorted(
        db.session.scalars(
            select(Participant.user_id).where(Participant.hearing_id == hearing.id, Participant.user_id.is_not(None))
        )
    )


def test_everything_ahead_moves_in_one_step_and_what_is_past_stays(world, browser):
    past, chaired, seated, issue, asked = burdened(world)
    newcomer = factories.user("deputy", name="代表丙", protocol_order=210)
    people.lock_user(world.deputy, actor=world.admin)
    db.session.commit()
    admin = browser(world.admin)
    page = admin.get(f"/hand-over/{world.deputy.id}")
    assert chaired.title in page.text and seated.title in page.text and issue.title in page.text
    assert past.title not in page.text
    done = admin.post(f"/hand-over/{world.deputy.id}", {"to": str(newcomer.id)})
    assert done.status_code == 303
    assert db.session.get(Hearing, chaired.id).chair_id == newcomer.id
    assert db.session.get(Confirmation, asked.id).deputy_id == newcomer.id
    assert issue.lead_deputy_id == newcomer.id
    for hearing in (chaired, seated):
        assert newcomer.id in seats(hearing) and world.deputy.id not in seats(hearing)
    assert world.deputy.id in seats(past) and newcomer.id not in seats(past)
    assert not handover.open_items(world.deputy).anything
    lines = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "user.hand_over")).all()
    assert sorted((line.subject_type, line.subject_id) for line in lines) == sorted(
        [
            ("hearing", chaired.id),
            ("hearing", seated.id),
            ("issue", issue.id),
            ("confirmation", asked.id),
            ("user", world.deputy.id),
        ]
    )


def test_one_person_has_one_seat(world, browser):
    _past, chaired, seated, _issue, _asked = burdened(world)
    browser(world.admin).post(f"/hand-over/{world.deputy.id}", {"to": str(world.other_deputy.id)})
    assert seats(chaired).count(world.other_deputy.id) == seats(seated).count(world.other_deputy.id) == 1
    assert world.deputy.id not in seats(chaired)


def test_it_can_be_undone(world, browser):
    _past, chaired, seated, issue, asked = burdened(world)
    before = (seats(chaired), seats(seated))
    admin = browser(world.admin)
    admin.post(f"/hand-over/{world.deputy.id}", {"to": str(world.other_deputy.id)})
    undo = re.search(r"/undo/\d+", admin.get(f"/hand-over/{world.deputy.id}").text)[0]
    assert admin.post(undo).status_code == 303
    assert (seats(chaired), seats(seated)) == before
    assert (chaired.chair_id, issue.lead_deputy_id, asked.deputy_id) == (world.deputy.id,) * 3


def test_undoing_is_refused_when_it_has_moved_on(world, browser):
    _past, _chaired, _seated, _issue, asked = burdened(world)
    admin = browser(world.admin)
    admin.post(f"/hand-over/{world.deputy.id}", {"to": str(world.other_deputy.id)})
    undo = re.search(r"/undo/\d+", admin.get(f"/hand-over/{world.deputy.id}").text)[0]
    reviews.confirm(db.session.get(Confirmation, asked.id), actor=world.other_deputy)
    assert admin.post(undo).status_code == 409
    assert db.session.get(Confirmation, asked.id).deputy_id == world.other_deputy.id


def test_issues_go_to_a_deputy_and_somebody_must_be_chosen(world, browser):
    _past, _chaired, _seated, issue, _asked = burdened(world)
    admin = browser(world.admin)
    for chosen in (str(world.leader.id), "", "424242", "x", str(world.deputy.id)):
        answer = admin.post(f"/hand-over/{world.deputy.id}", {"to": chosen})
        assert answer.status_code == 422 and 'class="error-summary"' in answer.text
    people.lock_user(world.other_deputy, actor=world.admin)
    assert admin.post(f"/hand-over/{world.deputy.id}", {"to": str(world.other_deputy.id)}).status_code == 422
    assert issue.lead_deputy_id == world.deputy.id


def test_sent_twice_it_moves_once(world, browser):
    burdened(world)
    admin = browser(world.admin)
    page = admin.get(f"/hand-over/{world.deputy.id}")
    form_id = re.search(r'name="form_id"[^>]*value="([^"]*)"', page.text)[1]
    fields = {"to": str(world.other_deputy.id), "form_id": form_id}
    first = admin.post(f"/hand-over/{world.deputy.id}", fields)
    second = admin.post(f"/hand-over/{world.deputy.id}", fields)
    assert first.headers["Location"] == second.headers["Location"] and second.status_code == 303
    said = db.session.scalars(
        select(AuditEvent).where(AuditEvent.action == "user.hand_over", AuditEvent.subject_type == "user")
    ).all()
    assert len(said) == 1


def test_the_only_one_of_an_office_hands_the_office_over(world, browser):
    promise = world.commitment(world.issue(world.hearing("concluded")))
    newcomer = factories.user("deputy", name="新来的")
    db.session.commit()
    admin = browser(world.admin)
    path = f"/hand-over/{world.department.id}"
    assert "区交通运输局" in admin.get(path).text
    wrong = admin.post(path, {"office_to": str(world.other_department.id)})
    assert wrong.status_code == 422  # acts for another department
    assert admin.post(path, {"office_to": str(newcomer.id)}).status_code == 303
    taken = db.session.get(User, newcomer.id)
    assert (taken.department_id, taken.role_set) == (world.bureau.id, {Role.DEPUTY, Role.DEPARTMENT})
    assert browser(newcomer).get(f"/commitments/{promise.id}").status_code == 200
    assert handover.open_items(world.department).department is None  # no longer the only one


def test_an_office_with_two_people_is_not_lonely(world):
    world.commitment(world.issue(world.hearing("concluded")))
    factories.user("department", department=world.bureau)
    db.session.commit()
    assert handover.open_items(world.department).department is None


def test_only_administrators_hand_over(world, browser):
    burdened(world)
    for who in (world.auditor, world.organiser, world.street, world.deputy, world.department, world.leader):
        assert browser(who).get(f"/hand-over/{world.deputy.id}").status_code == 404
        assert browser(who).post(f"/hand-over/{world.deputy.id}", {"to": "1"}).status_code == 404
    assert browser(world.admin).get("/hand-over/4242").status_code == 404
    empty = browser(world.admin).get(f"/hand-over/{world.auditor.id}")
    assert empty.status_code == 200 and 'class="empty"' in empty.text


def test_as_many_statements_for_one_as_for_three_hundred(world, browser, statements):
    burdened(world)
    admin = browser(world.admin)
    with statements() as few:
        admin.get(f"/hand-over/{world.deputy.id}")
    hearing = world.hearing("in_session")
    for _i in range(300):
        issues.log_issue(
            hearing,
            statement="路灯不亮，居民夜间出行不便。",
            title="路灯不亮",
            lead_deputy=world.deputy,
            actor=world.organiser,
        )
    db.session.commit()
    with statements() as many:
        admin.get(f"/hand-over/{world.deputy.id}")
    assert len(many) == len(few) <= 12


def test_what_a_closed_issue_never_got_answered_is_not_open(world, browser):
    closed, still = (world.issue(world.hearing("concluded")) for _ in range(2))
    for issue in (closed, still):
        issues.assign(issue, lead=world.bureau, co_handlers=[], actor=world.organiser)
    db.session.flush()
    db.session.execute(update(Issue).where(Issue.id == closed.id).values(status="struck_off", closed_at=now()))
    db.session.commit()
    assert handover.open_items(world.department).duties["assignments"] == 1
