"""After the evening all issues of a hearing are handed over on one page, and taken back as one."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from hearings import audit
from hearings.db import db, today
from hearings.issues import operations
from hearings.issues.models import Assignment, ExchangeKind, Issue, Outcome, Part
from hearings.schedule import operations as schedule
from tests.reviews.forms import filled
from tests.reviews.test_night import undo_from


def where(hearing):
    return f"/hearings/{hearing.id}/assign"


def parts(issue):
    rows = db.session.scalars(select(Assignment).where(Assignment.issue_id == issue.id).order_by(Assignment.id))
    return [(a.department.short_name, a.part) for a in rows]


@pytest.fixture
def evening(world):
    """A concluded hearing: two issues with promises, one that was only answered, one settled, two that cannot go."""
    hearing = world.hearing("in_session", day=today())
    promised = world.issue(hearing, title="桥下无灯")
    world.commitment(promised, co_handlers=[world.street_office])
    world.commitment(promised, lead=world.other_bureau)
    studied = world.issue(hearing, title="公交延时")
    operations.decide_outcome(studied, Outcome.FURTHER_STUDY, actor=world.organiser)
    world.commitment(studied, days=12, measure="研究后答复代表")
    answered = world.issue(hearing, title="校门口停车")
    operations.add_exchange(
        answered, ExchangeKind.ANSWER, "会后研究。", department=world.other_bureau, actor=world.organiser
    )
    settled = world.issue(hearing, title="站牌看不清")
    operations.add_exchange(settled, ExchangeKind.ANSWER, "已换。", department=world.bureau, actor=world.organiser)
    operations.decide_outcome(settled, Outcome.ANSWERED_ON_SITE, actor=world.organiser)
    refused = world.issue(hearing, title="拆迁诉讼")
    operations.decide_outcome(refused, Outcome.NOT_ACCEPTED, note="正在诉讼。", actor=world.organiser)
    residents = world.issue(hearing, title="弄堂积水", lead_deputy=None)
    schedule.conclude(hearing, actor=world.organiser)
    db.session.commit()
    return hearing, promised, studied, answered, settled, refused, residents


def test_they_go_out_together_as_they_were_promised_and_come_back_as_one(world, browser, evening):
    hearing, promised, studied, answered, settled, *_blocked = evening
    one = browser(world.organiser)
    assert f'href="{where(hearing)}"' in one.get(f"/hearings/{hearing.id}").text
    page = one.get(where(hearing))
    form = filled(page)
    assert {k: form.get(f"lead_{i.id}") for k, i in zip("psa", (promised, studied, answered), strict=True)} == {
        "p": str(world.bureau.id), "s": str(world.bureau.id), "a": str(world.other_bureau.id),
    }  # fmt: skip
    assert form[f"co_handlers_{promised.id}"] == str(world.street_office.id)
    assert form[f"split_{promised.id}"] == str(world.other_bureau.id)
    assert f"take_{settled.id}" not in form, "what was settled in the room is there, and not ticked"
    assert "拆迁诉讼" in page.text and "弄堂积水" in page.text

    done = one.post(where(hearing), form | {"requirement": "请书面答复代表。"})
    assert done.status_code == 303, done.text[:500]
    assert parts(promised) == [("区交通运输局", Part.LEAD), ("新碶街道办", Part.CO_HANDLER), ("区教育局", Part.SPLIT)]
    assert parts(studied) == [("区交通运输局", Part.LEAD)] and parts(answered) == [("区教育局", Part.LEAD)]
    assert (promised.status, settled.status) == ("assigned", "registered")
    due = {a.issue_id: a.due_on for a in db.session.scalars(select(Assignment).where(Assignment.part == Part.LEAD))}
    assert due[studied.id] == today() + timedelta(days=12), "the day that was promised on the night"
    assert due[promised.id] == operations.default_limit(promised, today())[0]
    assert {a.requirement for a in db.session.scalars(select(Assignment))} == {"请书面答复代表。"}

    after = one.get(where(hearing))
    assert "3个问题已交办" in after.text and "已交办" in after.text
    one.get("/")
    undo_from(one, one.get(where(hearing)))
    assert db.session.scalar(select(func.count()).select_from(Assignment)) == 0
    assert [i.status for i in (promised, studied, answered)] == ["registered"] * 3
    assert audit.trail(promised)[-1].action == "issue.assign.undo"
    assert audit.verify() is None


def test_once_a_department_has_answered_the_act_is_not_offered_back(world, browser, evening):
    hearing, promised, *_rest = evening
    one = browser(world.organiser)
    one.post(where(hearing), filled(one.get(where(hearing))))
    stale = one.get(where(hearing))
    assert stale.text.count('"/undo/') == 1
    task = db.session.scalars(select(Assignment).where(Assignment.issue_id == promised.id)).first()
    operations.accept_assignment(task, actor=world.department)
    db.session.commit()
    assert undo_from(one, stale).status_code == 409
    assert '"/undo/' not in one.get(where(hearing)).text
    assert promised.status == "in_handling"


def test_a_refusal_stands_at_its_row_and_nothing_goes_out(world, browser, evening):
    hearing, promised, studied, answered, *_rest = evening
    one = browser(world.organiser)
    form = filled(one.get(where(hearing)))
    early = (today() - timedelta(days=3)).isoformat()
    answer = one.post(
        where(hearing), form | {f"lead_{answered.id}": "", f"due_on_{studied.id}": early, "requirement": "请尽早。"}
    )
    assert answer.status_code == 422
    for issue, field, words in ((answered, "lead", "请选择主办单位"), (studied, "due_on", "早于交办")):
        error = answer.text.partition(f'id="{field}_{issue.id}-error">')[2].partition("</p>")[0]
        assert issue.reference in error and words in error, error
    kept = filled(answer)
    assert (kept[f"due_on_{studied.id}"], kept["requirement"]) == (early, "请尽早。")
    assert db.session.scalar(select(func.count()).select_from(Assignment)) == 0
    assert promised.status == "registered"
    # unticked, the others go out
    del kept[f"take_{answered.id}"]
    assert one.post(where(hearing), kept | {f"due_on_{studied.id}": ""}).status_code == 303
    assert [i.status for i in (promised, studied, answered)] == ["assigned", "assigned", "registered"]


@pytest.mark.parametrize(
    ("name", "value"),
    [("lead", "999999"), ("lead", "x"), ("co_handlers", "999999"), ("split", "1"), ("limit", "never"), ("due_on", "明天"),
     ("due_on", "1990-01-01")],
)  # fmt: skip
def test_odd_values_are_refused_with_the_page(world, browser, evening, name, value):
    hearing, _promised, studied, *_rest = evening
    one = browser(world.organiser)
    answer = one.post(where(hearing), filled(one.get(where(hearing))) | {f"{name}_{studied.id}": value})
    assert answer.status_code == 422 and 'class="error-summary"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(Assignment)) == 0


def test_nothing_ticked_is_said_and_the_same_form_twice_is_one_act(world, browser, evening):
    hearing = evening[0]
    one = browser(world.organiser)
    form = filled(one.get(where(hearing)))
    none = {key: value for key, value in form.items() if not key.startswith("take_")}
    answer = one.post(where(hearing), none)
    assert answer.status_code == 422 and "请至少勾选一个问题" in answer.text
    for _time in range(2):
        assert one.post(where(hearing), form).status_code == 303
    assert db.session.scalar(select(func.count()).select_from(Assignment)) == 5


def test_what_another_has_handed_over_meanwhile_is_refused_at_its_row(world, browser, evening):
    hearing, promised, studied, *_rest = evening
    one = browser(world.organiser)
    form = filled(one.get(where(hearing)))
    operations.assign(promised, lead=world.other_bureau, actor=world.street)
    db.session.commit()
    answer = one.post(where(hearing), form)
    assert answer.status_code == 422
    assert promised.reference in answer.text.partition(f'id="take_{promised.id}-error">')[2].partition("</p>")[0]
    assert parts(promised) == [("区教育局", Part.LEAD)] and studied.status == "registered"


def test_a_returned_one_is_not_proposed_to_who_sent_it_back(world, browser, evening):
    hearing, _promised, studied, *_rest = evening
    operations.assign(studied, lead=world.bureau, actor=world.organiser)
    task = db.session.scalars(select(Assignment)).one()
    operations.return_assignment(task, reason="不属我局职责。", actor=world.department)
    db.session.commit()
    one = browser(world.organiser)
    page = one.get(where(hearing))
    form = filled(page)
    assert "不属我局职责。" in page.text
    assert form[f"lead_{studied.id}"] == "" and f"take_{studied.id}" not in form
    chosen = {f"take_{studied.id}": "y", f"lead_{studied.id}": str(world.other_bureau.id)}
    assert one.post(where(hearing), form | chosen).status_code == 303
    assert studied.status == "assigned"


def test_before_the_end_nothing_is_handed_over_and_only_by_organisers_of_the_station(world, browser, evening):
    hearing = evening[0]
    running = world.hearing("in_session")
    assert browser(world.organiser).get(where(running)).status_code == 409
    assert browser(world.street).get(where(hearing)).status_code == 200
    for person in (world.deputy, world.department, world.leader, world.auditor, world.admin):
        one = browser(person)
        code = 404 if one.get(f"/hearings/{hearing.id}").status_code == 404 else 403
        assert one.get(where(hearing)).status_code == code
        assert one.post(where(hearing), {}).status_code == code
    far = world.hearing("concluded", station=world.other_station)
    assert browser(world.street).get(where(far)).status_code == 404


def test_an_empty_hearing_and_a_finished_one_say_so(world, browser):
    hearing = world.hearing("concluded")
    one = browser(world.organiser)
    assert "本次会议没有问题" in one.get(where(hearing)).text
    world.assigned(world.issue(hearing))
    text = one.get(where(hearing)).text
    assert "问题已全部交办或处置" in text and '<form class="form' not in text


def test_as_many_statements_for_sixty_issues_as_for_two(world, browser, statements):
    hearing = world.hearing("concluded")
    one = browser(world.organiser)

    def more(count):
        for _n in range(count):
            issue = world.issue(hearing)
            world.commitment(issue, co_handlers=[world.street_office])
            world.commitment(issue, lead=world.other_bureau)
            given = world.issue(hearing)
            operations.assign(given, lead=world.bureau, co_handlers=[world.other_bureau], actor=world.organiser)
        db.session.commit()
        db.session.expire_all()

    more(2)
    one.get(where(hearing))
    with statements() as few:
        one.get(where(hearing))
    more(28)
    with statements() as many:
        one.get(where(hearing))
    assert len(few) == len(many) <= 12
    one.post(where(hearing), filled(one.get(where(hearing))))
    assert db.session.scalar(select(func.count()).where(Issue.status == "registered")) == 0
    with statements() as after:
        one.get(where(hearing))
    assert len(after) <= len(many) + 1, "the offer to take all back asks once"
