"""The night's screen: the story first, then two recorders at once, then every refusal."""

import re

import pytest
from sqlalchemy import func, select

from hearings.db import db, today
from hearings.forms import form_owner
from hearings.issues import operations as issues
from hearings.issues.limits import basis_words, due_by
from hearings.issues.models import Commitment, Exchange, Issue, Outcome
from hearings.reviews import operations, queries
from hearings.reviews.models import Ballot
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Came, Capacity, Hearing, Participant
from tests.factories import tonight
from tests.reviews.forms import filled

AJAX = {"X-Requested-With": "XMLHttpRequest"}


def undo_from(one, path):
    """Press the "undo" of the latest act that stands on a page."""
    page = one.get(path) if isinstance(path, str) else path
    offers = sorted(re.findall(r'action="(/undo/\d+)"', page.text), key=lambda where: int(where.split("/")[-1]))
    assert offers, "nothing to undo is offered"
    where = offers[-1]
    return one.post(where, filled(page, where))


@pytest.fixture
def hearing(world):
    made = world.hearing("announced", **tonight())
    schedule.add_guest(
        made,
        capacity=Capacity.RESIDENT,
        listed=AttendanceList.IN_ATTENDANCE,
        seats=10,
        actor=world.organiser,
    )
    schedule.add_topic(
        title="铁路桥下堆物",
        details="霞浦铁路桥下堆物，夜间无灯。",
        deputy=world.deputy,
        departments=[world.bureau],
        hearing=made,
        street="霞浦",
        actor=world.organiser,
    )
    db.session.commit()
    return made


def test_an_evening_from_the_first_name_to_the_last_vote(world, browser, hearing):
    one = browser(world.organiser)
    base = f"/hearings/{hearing.id}/session"
    screen = one.get(base)
    assert screen.status_code == 200
    assert re.search(r'item=last#item"\s+aria-current="true"', screen.text), "an evening begins with last time's items"

    # open
    start, end = f"/hearings/{hearing.id}/open", f"/hearings/{hearing.id}/conclude"
    done = one.post(start, filled(screen, start))
    assert (done.status_code, hearing.status) == (303, "in_session")

    # sign-in: one tap each
    screen = one.get(base)
    chair, deputy = db.session.scalars(
        select(Participant).where(Participant.hearing_id == hearing.id).order_by(Participant.id)
    ).all()[:2]
    for seat, came in ((chair, "signed_in"), (deputy, "on_leave")):
        where = f"{base}/seats/{seat.id}"
        one.post(where, filled(screen, where) | {"came": came, "reason": "公务"})
    assert (chair.came, chair.reason, deputy.came, deputy.reason) == ("signed_in", None, "on_leave", "公务")
    group = db.session.scalars(select(Participant).where(Participant.seats == 10)).one()
    where = f"{base}/seats/{group.id}"
    one.post(where, filled(screen, where) | {"came": "signed_in", "seats_taken": "8"})
    assert (group.came, group.seats_taken) == ("signed_in", 8)
    screen = one.get(base)
    assert "9 / 15" in screen.text
    undo_from(one, screen)
    assert group.came == "unknown"

    # a topic is taken up, and asked and answered
    topic = queries.night(hearing).topics[0]
    where = f"{base}/topics/{topic.id}/take-up"
    done = one.post(where, filled(screen, where))
    issue = db.session.scalars(select(Issue)).one()
    assert (issue.title, issue.lead_deputy_id, issue.street) == ("铁路桥下堆物", world.deputy.id, "霞浦")
    assert done.headers["Location"] == f"{base}?issue={issue.id}#item"
    at = f"{base}/issues/{issue.id}"
    for kind, words in (("question", "什么时候清理？"), ("answer", "四月十六日前清理。"), ("follow_up", "灯呢？")):
        screen = one.get(f"{base}?issue={issue.id}")
        one.post(f"{at}/turns", filled(screen, f"{at}/turns") | {"kind": kind, "text": words, "speaker": "代表甲"})
    turns = db.session.scalars(select(Exchange).order_by(Exchange.position)).all()
    assert [t.kind for t in turns] == ["question", "answer", "follow_up"]
    where = f"{base}/turns/{turns[2].id}/move"
    one.post(where, filled(one.get(f"{base}?issue={issue.id}"), where) | {"direction": "up"})
    assert [t.text for t in sorted(turns, key=lambda t: t.position)] == [
        "什么时候清理？",
        "灯呢？",
        "四月十六日前清理。",
    ]

    # a promise by a number of working days, its date reckoned and its basis kept
    screen = one.get(f"{base}?issue={issue.id}")
    given = filled(screen, f"{at}/commitments") | {
        "measure": "尽快清理桥下空间",
        "lead": str(world.bureau.id),
        "co_handlers": [str(world.street_office.id)],
        "count": "10",
        "unit": "workdays",
    }
    due, basis = due_by(hearing.day, 10, "workdays")
    shown = one.post(f"{at}/commitments", given | {"reckon": "1"})
    assert (shown.status_code, db.session.scalars(select(Commitment)).all()) == (200, [])
    assert basis_words(basis) in shown.text
    assert filled(shown, f"{at}/commitments")["due_on"] == due.isoformat()
    assert "“尽快”" in shown.text
    one.post(f"{at}/commitments", given)
    said = one.get(f"{base}?issue={issue.id}").text.split('<div class="flashes">')[1].split("</div>")[0]
    assert "flash-warning" in said, "a vague word is no success"
    promise = db.session.scalars(select(Commitment)).one()
    assert (promise.due_on, promise.due_basis, promise.vague_words) == (due, basis, "尽快")
    assert [d.id for d in promise.co_handlers] == [world.street_office.id]

    # the outcome saves itself
    screen = one.get(f"{base}?issue={issue.id}")
    saved = one.post(f"{at}/outcome", filled(screen, f"{at}/outcome") | {"outcome": "time_limited"}, headers=AJAX)
    assert saved.status_code == 200
    assert set(saved.json) >= {"saved_at", "fields"}
    assert set(saved.json["fields"]) >= {"form_id", "base"}
    assert issue.outcome == Outcome.TIME_LIMITED

    # ballots
    where = f"{base}/ballots-issued?issue={issue.id}"
    one.post(where, filled(screen, where) | {"issued": "18"})
    screen = one.get(f"{base}?issue={issue.id}")
    count = {"satisfied": "10", "mostly_satisfied": "6", "dissatisfied": "2", "invalid": ""}
    one.post(f"{at}/ballot", filled(screen, f"{at}/ballot") | count)
    ballot = db.session.scalars(select(Ballot)).one()
    assert (ballot.verdict, ballot.issued, ballot.invalid) == ("satisfied", 18, 0)
    undo_from(one, f"{base}?issue={issue.id}")
    assert db.session.scalars(select(Ballot)).all() == []

    # conclude: what comes next stands on the hearing's page
    ended = one.post(end, filled(one.get(end)))
    assert (hearing.status, ended.headers["Location"]) == ("concluded", f"/hearings/{hearing.id}")
    undo_from(one, base)
    assert hearing.status == "in_session"


def test_it_begins_with_what_became_of_last_time(world, browser, hearing):
    past = world.hearing("concluded", day=today().replace(year=today().year - 1))
    older = world.hearing("concluded", day=today().replace(year=today().year - 2))
    world.issue(older, title="更早的问题")
    issue = world.issue(past, title="上期的问题")
    world.commitment(issue, measure="清理桥下空间")
    one = browser(world.organiser)
    screen = one.get(f"/hearings/{hearing.id}/session")
    assert "上期的问题" in screen.text
    assert "清理桥下空间" in screen.text
    assert issue.reference in screen.text
    assert "更早的问题" not in screen.text


def test_last_time_stays_within_the_persons_scope(world, browser):
    far = world.hearing("concluded", day=today().replace(year=today().year - 1), station=world.other_station)
    world.issue(far, title="别处的问题", street="霞浦")
    here = world.hearing("in_session", day=today())
    assert [i.issue.title for i in queries.last_time(here)] == ["别处的问题"]
    assert queries.last_time(here, world.street) == []


def test_a_walk_in_a_stand_in_and_a_change_of_mind(world, browser, hearing):
    one = browser(world.organiser)
    base = f"/hearings/{hearing.id}/session"
    page = one.get(f"{base}/walk-in")
    one.post(f"{base}/walk-in", filled(page) | {"name": "陈某", "capacity": "resident", "seats": "2"})
    guest = db.session.scalars(select(Participant).where(Participant.name == "陈某")).one()
    assert (guest.is_walk_in, guest.came, guest.seats_taken) == (True, "signed_in", 2)
    page = one.get(f"{base}/walk-in")
    one.post(f"{base}/walk-in", filled(page) | {"person": str(world.department.id)})
    person = db.session.scalars(select(Participant).where(Participant.user_id == world.department.id)).one()
    assert (person.is_walk_in, person.came) == (True, "signed_in")

    seat = db.session.scalars(select(Participant).where(Participant.department_id == world.bureau.id)).one()
    schedule.name_attendee(
        seat, name="郑某某", title="局长", stand_in_name="何某", stand_in_title="副局长", actor=world.organiser
    )
    where = f"{base}/seats/{seat.id}"
    one.post(where, filled(one.get(base), where) | {"came": "stand_in"})
    assert (seat.came, seat.is_stand_in) == ("signed_in", True)
    assert "何某" in one.get(base).text
    one.post(where, filled(one.get(base), where) | {"came": "unknown"})
    assert (seat.came, seat.is_stand_in, seat.came_at) == ("unknown", False, None)


def test_a_walk_in_needs_a_name_or_a_number(world, browser, hearing):
    one = browser(world.organiser)
    where = f"/hearings/{hearing.id}/session/walk-in"
    refused = one.post(where, filled(one.get(where)) | {"title": "科长"})
    assert refused.status_code == 422
    assert filled(refused)["title"] == "科长"


# -- two recorders -------------------------------------------------------------------------------------


@pytest.fixture
def pair(world, browser):
    issue = world.issue(world.hearing("in_session", day=today()), title="桥下堆物", statement="桥下堆物，夜间无灯。")
    base = f"/hearings/{issue.hearing_id}/session"
    return issue, base, f"{base}/issues/{issue.id}", browser(world.organiser), browser(world.street)


def test_different_fields_are_both_kept(world, pair):
    issue, base, at, one, two = pair
    first, second = (filled(b.get(f"{base}?issue={issue.id}"), at) for b in (one, two))
    assert one.post(at, first | {"place": "霞浦铁路桥南侧"}, headers=AJAX).status_code == 200
    saved = two.post(at, second | {"title": "铁路桥下堆物"}, headers=AJAX)
    assert (issue.place, issue.title) == ("霞浦铁路桥南侧", "铁路桥下堆物")
    assert saved.json["fields"]["place"] == "霞浦铁路桥南侧", "the second sees what the first changed"
    third = second | {k: saved.json["fields"][k] for k in ("form_id", "base", "place")}
    assert two.post(at, third | {"title": "桥下堆物无灯"}, headers=AJAX).status_code == 200
    assert (issue.place, issue.title) == ("霞浦铁路桥南侧", "桥下堆物无灯")


def test_the_same_field_shows_the_second_both_values(world, pair):
    issue, base, at, one, two = pair
    first, second = (filled(b.get(f"{base}?issue={issue.id}"), at) for b in (one, two))
    one.post(at, first | {"title": "甲的标题"}, headers=AJAX)
    clash = two.post(at, second | {"title": "乙的标题"}, headers=AJAX)
    assert (clash.status_code, issue.title) == (409, "甲的标题")
    shown = two.post(at, second | {"title": "乙的标题"})
    assert shown.status_code == 409
    assert "甲的标题" in shown.text
    assert "乙的标题" in shown.text
    assert world.organiser.name in shown.text
    again = filled(shown, at)
    kept = two.post(at, again | {"title__choice": "mine"})
    assert (kept.status_code, issue.title) == (303, "乙的标题")


def test_choosing_theirs_keeps_theirs(world, pair):
    issue, base, at, one, two = pair
    first, second = (filled(b.get(f"{base}?issue={issue.id}"), at) for b in (one, two))
    one.post(at, first | {"statement": "甲写的情况，夜间无灯。"})
    shown = two.post(at, second | {"statement": "乙写的情况，夜间无灯。", "place": "桥南"})
    two.post(at, filled(shown, at) | {"statement__choice": "theirs"})
    assert (issue.statement, issue.place) == ("甲写的情况，夜间无灯。", "桥南")


def test_the_same_outcome_and_words_at_once(world, pair):
    issue, base, at, one, two = pair
    where = f"{at}/outcome"
    first, second = (filled(b.get(f"{base}?issue={issue.id}"), where) for b in (one, two))
    one.post(where, first | {"outcome": "time_limited"}, headers=AJAX)
    assert two.post(where, second | {"outcome": "planned"}, headers=AJAX).status_code == 409
    assert two.post(where, second | {"outcome_note": "副区长领办"}, headers=AJAX).status_code == 200
    assert (issue.outcome, issue.outcome_note) == ("time_limited", "副区长领办")


def test_a_count_typed_twice_differently_is_shown(world, pair):
    issue, base, at, one, two = pair
    operations.hand_out_ballots(issue.hearing, 18, actor=world.organiser)
    where = f"{at}/ballot"
    first, second = (filled(b.get(f"{base}?issue={issue.id}"), where) for b in (one, two))
    count = {"satisfied": "10", "mostly_satisfied": "6", "dissatisfied": "2", "invalid": "0"}
    assert one.post(where, first | count).status_code == 303
    assert two.post(where, second | count).status_code == 303
    assert two.post(where, second | {"form_id": ""} | count | {"satisfied": "9"}).status_code == 409
    assert db.session.scalars(select(Ballot)).one().satisfied == 10


def test_adding_ordering_and_removing_at_once(world, pair):
    issue, base, at, one, two = pair
    other = world.issue(issue.hearing, title="第二个")
    screens = [b.get(base + "?item=new") for b in (one, two)]
    for b, screen, words in zip((one, two), screens, ("甲记的问题，很急。", "乙记的问题，很急。"), strict=True):
        assert b.post(f"{base}/issues", filled(screen, f"{base}/issues") | {"statement": words}).status_code == 303
    numbers = [tuple(row) for row in db.session.execute(select(Issue.number, Issue.position).order_by(Issue.id))]
    assert numbers == [(1, 1), (2, 2), (3, 3), (4, 4)]

    # one moves the second up while the other, who has an older page, removes the first
    older = two.get(f"{base}?issue={issue.id}")
    move = f"{base}/issues/{other.id}/move?issue={other.id}&direction=up"
    one.post(move, filled(one.get(f"{base}?issue={other.id}"), move))
    assert [i.title for i in queries.night(issue.hearing).issues][:2] == ["第二个", "桥下堆物"]
    gone = two.post(f"{at}/remove", filled(older, f"{at}/remove"))
    assert gone.status_code == 303
    assert db.session.scalar(select(func.count()).select_from(Issue)) == 3
    # the first, who still sees it, removes it too; nothing breaks, and nobody else's is taken
    late = one.post(f"{at}/remove", filled(older, f"{at}/remove") | {"form_id": ""})
    assert late.status_code == 303
    assert db.session.scalar(select(func.count()).select_from(Issue)) == 3
    # what was typed on the removed one is not lost without a word
    assert one.post(at, filled(older, at) | {"form_id": ""}).status_code == 404
    undo_from(two, base)
    assert db.session.scalar(select(func.count()).select_from(Issue)) == 4


def test_a_topic_tapped_twice_is_one_issue(world, browser, hearing):
    one, two = browser(world.organiser), browser(world.street)
    base = f"/hearings/{hearing.id}/session"
    topic = queries.night(hearing).topics[0]
    where = f"{base}/topics/{topic.id}/take-up"
    first, second = (filled(b.get(base), where) for b in (one, two))
    places = {one.post(where, first).headers["Location"], two.post(where, second).headers["Location"]}
    assert len(places) == 1
    assert db.session.scalar(select(func.count()).select_from(Issue)) == 1


def test_a_form_sent_twice_is_one_issue(world, pair):
    _issue, base, _at, one, _two = pair
    given = filled(one.get(base + "?item=new"), f"{base}/issues") | {"statement": "同一个问题，发了两次。"}
    assert [one.post(f"{base}/issues", given).status_code for _time in range(2)] == [303, 303]
    assert db.session.scalar(select(func.count()).select_from(Issue)) == 2


# -- refusals ------------------------------------------------------------------------------------------


def test_not_accepted_asks_for_the_reason(world, pair):
    issue, base, at, one, _two = pair
    where = f"{at}/outcome"
    given = filled(one.get(f"{base}?issue={issue.id}"), where) | {"outcome": "not_accepted"}
    refused = one.post(where, given)
    assert (refused.status_code, issue.outcome) == (422, None)
    by_itself = one.post(where, given, headers=AJAX)
    assert by_itself.status_code == 422
    assert "outcome_note" in by_itself.json["errors"]
    one.post(where, given | {"outcome_note": "诉讼事项，请走司法途径"})
    assert issue.outcome == Outcome.NOT_ACCEPTED


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"count": "", "unit": "", "due_on": ""}, "due_on"),
        ({"count": "10", "unit": "", "due_on": ""}, "unit"),
        ({"count": "9999", "unit": "workdays"}, "count"),
        ({"count": "10", "unit": "years"}, "unit"),
        ({"due_on": "1990-01-01"}, "due_on"),
        ({"due_on": "2020-05-01"}, "due_on"),
        ({"due_on": "13月40日"}, "due_on"),
        ({"due_on": "2026-12-01", "lead": "99999"}, "lead"),
        ({"due_on": "2026-12-01", "lead": "x"}, "lead"),
        ({"due_on": "2026-12-01", "measure": ""}, "measure"),
        ({"due_on": "2026-12-01", "measure": "清理\x00桥下"}, "measure"),
    ],
)
def test_a_promise_without_measure_department_or_date_is_refused(world, pair, given, field):
    issue, base, at, one, _two = pair
    where = f"{at}/commitments"
    whole = filled(one.get(f"{base}?issue={issue.id}"), where) | {
        "measure": "清理桥下空间",
        "lead": str(world.bureau.id),
        "count": "",
        "unit": "",
        "due_on": "",
    }
    refused = one.post(where, whole | given)
    assert refused.status_code == 422
    assert f'id="promise-{field}-error"' in refused.text
    assert db.session.scalars(select(Commitment)).all() == []


def test_too_many_counted_is_refused_with_what_was_typed(world, pair):
    issue, base, at, one, _two = pair
    operations.hand_out_ballots(issue.hearing, 18, actor=world.organiser)
    count = {"satisfied": "16", "mostly_satisfied": "2", "dissatisfied": "1", "invalid": ""}
    refused = one.post(f"{at}/ballot", filled(one.get(f"{base}?issue={issue.id}"), f"{at}/ballot") | count)
    assert refused.status_code == 422
    assert filled(refused, f"{at}/ballot")["satisfied"] == "16"


def test_words_and_promises_are_mended_and_removed(world, pair):
    issue, base, _at, one, _two = pair
    turn = issues.add_exchange(issue, "question", "原来的话", actor=world.organiser)
    promise = world.commitment(issue)
    db.session.commit()
    where = f"{base}/turns/{turn.id}"
    given = filled(one.get(f"{base}?issue={issue.id}&turn={turn.id}"), where)
    assert given["text"] == "原来的话"
    assert one.post(where, given | {"text": "改过的话"}, headers=AJAX).status_code == 200
    assert turn.text == "改过的话"
    where = f"{base}/commitments/{promise.id}"
    given = filled(one.get(f"{base}?issue={issue.id}&promise={promise.id}"), where)
    assert given["due_on"] == promise.due_on.isoformat()
    one.post(where, given | {"due_on": "", "count": "3", "unit": "months"})
    assert promise.due_basis.startswith(f"months:3:{issue.hearing.day.isoformat()}")
    promise_basis = promise.due_basis
    screen = one.get(f"{base}?issue={issue.id}")
    where = f"{base}/commitments/{promise.id}/remove"
    one.post(where, filled(screen, where))
    assert db.session.scalars(select(Commitment)).all() == []
    undo_from(one, f"{base}?issue={issue.id}")
    assert db.session.scalars(select(Commitment)).one().due_basis == promise_basis
    one.post(f"{base}/turns/{turn.id}/remove", filled(screen, f"{base}/turns/{turn.id}/remove"))
    assert db.session.scalars(select(Exchange)).all() == []


def test_the_deputy_agreed_on_the_spot(world, pair):
    issue, base, at, one, _two = pair
    issues.decide_outcome(issue, Outcome.ANSWERED_ON_SITE, actor=world.organiser)
    screen = one.get(f"{base}?issue={issue.id}")
    one.post(f"{at}/agreed", filled(screen, f"{at}/agreed"))
    assert issue.status == "answered"
    undo_from(one, f"{base}?issue={issue.id}")
    assert issue.status == "registered"


def test_a_filed_hearing_is_read_only(world, pair):
    issue, base, at, one, _two = pair
    screen = one.get(f"{base}?issue={issue.id}")
    turn = filled(screen, f"{at}/turns") | {"text": "太晚了"}
    issue.hearing.status = "filed"
    assert one.get(f"{base}?issue={issue.id}").status_code == 200
    assert one.post(f"{at}/turns", turn).status_code == 422
    assert db.session.scalars(select(Exchange)).all() == []


def test_who_may_run_the_night(world, browser, pair):
    _issue, base, at, _one, _two = pair
    codes = {
        name: browser(getattr(world, name)).get(base).status_code
        for name in ("organiser", "street", "deputy", "department", "leader", "auditor", "admin")
    }
    assert codes == {
        "organiser": 200,
        "street": 200,
        "deputy": 403,
        "department": 403,
        "leader": 403,
        "auditor": 403,
        "admin": 404,
    }
    assert browser(world.deputy).post(f"{at}/outcome", {"outcome": "planned"}).status_code == 403
    assert browser().get(base).status_code == 302


def test_another_stations_night_is_not_there(world, browser):
    far = world.hearing("in_session", station=world.other_station)
    issue = world.issue(far)
    base = f"/hearings/{far.id}/session"
    street = browser(world.street)
    assert street.get(base).status_code == 404
    assert street.get("/hearings/99999/session").data == street.get(base).data.replace(b"", b"")
    assert street.post(f"{base}/issues/{issue.id}/remove").status_code == 404


def test_rows_of_another_hearing_are_not_there(world, browser, pair):
    _issue, base, _at, one, _two = pair
    other = world.issue(world.hearing("in_session"))
    turn = issues.add_exchange(other, "question", "别处的话", actor=world.organiser)
    promise = world.commitment(other)
    seat = db.session.scalars(select(Participant).where(Participant.hearing_id == other.hearing_id)).first()
    for path in (
        f"issues/{other.id}",
        f"issues/{other.id}/outcome",
        f"issues/{other.id}/move",
        f"turns/{turn.id}",
        f"turns/{turn.id}/remove",
        f"commitments/{promise.id}/remove",
        f"seats/{seat.id}",
        "topics/1/take-up",
        "seats/99999999999999999999",
    ):
        assert one.post(f"{base}/{path}", {}).status_code == 404, path


@pytest.mark.parametrize("query", ["issue=x", "issue=99999999999999", "item=%00", "issue=-1", "turn=²&issue=1"])
def test_odd_addresses_are_no_crash(world, browser, hearing, query):
    assert browser(world.organiser).get(f"/hearings/{hearing.id}/session?{query}").status_code == 200


@pytest.mark.parametrize(
    ("data", "code"), [({"came": "flew"}, 422), ({"came": "signed_in", "seats_taken": "9999"}, 422), ({}, 422)]
)
def test_an_odd_sign_in_is_refused(world, browser, hearing, data, code):
    seat = db.session.scalars(select(Participant)).first()
    answer = browser(world.organiser).post(f"/hearings/{hearing.id}/session/seats/{seat.id}", data)
    assert (answer.status_code, seat.came) == (code, Came.UNKNOWN)


def test_reckoning_a_date(world, browser, hearing):
    one = browser(world.organiser)
    base = f"/hearings/{hearing.id}/session/reckon"
    due, basis = due_by(hearing.day, 3, "months")
    assert one.get(f"{base}?count=3&unit=months").json["day"] == due.isoformat()
    assert one.get(f"{base}?count=3&unit=months").json["basis"] == basis_words(basis)
    assert one.get(f"{base}?count=x&unit=months").status_code == 422
    assert one.get(f"{base}?count=3&unit=decades").status_code == 422


def test_as_many_statements_for_sixty_issues_as_for_one(world, browser, statements):
    hearing = world.hearing("in_session", day=today())
    past = world.hearing("concluded", day=today().replace(year=today().year - 1))

    def fill(number: int, where: Hearing) -> Issue:
        for _n in range(number):
            issue = issues.log_issue(
                where, statement=f"第{_n}个问题，居民反映多次。", lead_deputy=world.deputy, actor=world.organiser
            )
            for _m in range(3 if _n % 2 else 2):
                issues.make_commitment(
                    issue,
                    measure=f"措施{_m}",
                    lead=world.bureau,
                    co_handlers=[world.other_bureau],
                    due_on=hearing.day,
                    actor=world.organiser,
                )
            issues.add_exchange(issue, "answer", "答复", actor=world.organiser, department=world.bureau)
        return issue

    def count(path: str) -> int:
        db.session.commit()
        with statements() as said:
            assert one.get(path).status_code == 200
        return len(said)

    one = browser(world.organiser)
    base = f"/hearings/{hearing.id}/session"
    issue = fill(1, hearing)
    fill(1, past)
    few = [count(f"{base}?issue={issue.id}"), count(f"{base}?item=last"), count(f"/hearings/{hearing.id}/ballots")]
    fill(59, hearing)
    fill(59, past)
    for number in range(195):
        schedule.add_guest(
            hearing,
            capacity=Capacity.OBSERVER,
            listed=AttendanceList.PUBLIC_GALLERY,
            name=f"旁听{number}",
            actor=world.organiser,
        )
    for number in range(20):
        schedule.add_topic(title=f"议题{number}", departments=[world.bureau], hearing=hearing, actor=world.organiser)
    many = [count(f"{base}?issue={issue.id}"), count(f"{base}?item=last"), count(f"/hearings/{hearing.id}/ballots")]
    assert few == many
    assert max(many) <= 12


def test_every_seat_has_a_form_of_its_own_and_a_repeat_of_it_is_harmless(world, browser, hearing):
    one, two = browser(world.organiser), browser(world.street)
    base = f"/hearings/{hearing.id}/session"
    screen = one.get(base)
    seats = db.session.scalars(select(Participant).where(Participant.hearing_id == hearing.id)).all()
    posts = {seat.id: filled(screen, f"{base}/seats/{seat.id}") for seat in seats}
    assert len({post["form_id"] for post in posts.values()}) == len(seats) == 6
    first, second = seats[:2]
    for seat in (first, second):
        one.post(f"{base}/seats/{seat.id}", posts[seat.id] | {"came": "signed_in"})
    assert (first.came, second.came) == (Came.SIGNED_IN, Came.SIGNED_IN)
    one.post(f"{base}/seats/{first.id}", posts[first.id] | {"came": "absent"})
    assert first.came == Came.SIGNED_IN, "the form was used already"
    with one.app.test_request_context():
        given = posts[second.id]["form_id"]
        whose = [form_owner(words) for words in (given, given + "~2", given + "x", "~1", given.replace("~", "~x"))]
    assert whose == [world.organiser.id, None, None, None, None]
    assert two.get(base).text.count(given) == 0


def test_further_study_asks_for_a_day_and_goes_on_without(world, browser, hearing):
    issue = world.issue(hearing)
    one = browser(world.organiser)
    where = f"/hearings/{hearing.id}/session?issue={issue.id}"
    asked = "请问明答复时间"
    assert asked not in one.get(where).text
    issues.decide_outcome(issue, Outcome.FURTHER_STUDY, actor=world.organiser)
    assert asked in one.get(where).text
    world.commitment(issue, measure="书面答复调查结果")
    assert asked not in one.get(where).text


def test_who_raises_it_too_is_chosen_on_the_nights_screen(world, browser, hearing):
    schedule.add_person(hearing, world.other_deputy, actor=world.organiser)
    one, two = browser(world.organiser), browser(world.organiser)
    base = f"/hearings/{hearing.id}/session"
    screen = one.get(f"{base}?item=new")
    given = filled(screen, f"{base}/issues") | {"statement": "路灯不亮。", "lead_deputy": str(world.deputy.id)}
    refused = one.post(f"{base}/issues", given | {"cosigners": str(world.organiser.id)})
    assert refused.status_code == 422 and "路灯不亮。" in refused.text
    one.post(f"{base}/issues", given | {"cosigners": str(world.other_deputy.id)})
    issue = db.session.scalars(select(Issue)).one()
    assert (issue.lead_deputy, issue.cosigners) == (world.deputy, [world.other_deputy])

    # it stands on the opened item, saves by itself, and keeps what another has written meanwhile
    where = f"{base}/issues/{issue.id}"
    mine, theirs = (filled(one.get(f"{base}?issue={issue.id}"), where) for one in (one, two))
    assert mine["cosigners"] == str(world.other_deputy.id)
    assert two.post(where, theirs | {"place": "桥东"}, headers=AJAX).status_code == 200
    saved = one.post(where, mine | {"cosigners": []}, headers=AJAX)
    assert saved.status_code == 200 and saved.json["fields"]["place"] == "桥东"
    assert (issue.cosigners, issue.place) == ([], "桥东")
    late = two.post(
        where, theirs | {"place": "桥东", "title": "路灯"} | saved_base(two, base, issue, where), headers=AJAX
    )
    assert late.status_code == 200 and issue.cosigners == []


def saved_base(one, base, issue, where):
    """What a screen knows that has been loaded now."""
    now = filled(one.get(f"{base}?issue={issue.id}"), where)
    return {name: now[name] for name in ("base", "form_id")} | {"cosigners": now.get("cosigners", [])}


def test_a_screen_that_did_not_touch_the_co_signers_takes_over_the_others(world, browser, hearing):
    issue = world.issue(hearing, cosigners=[world.other_deputy])
    one, two = browser(world.organiser), browser(world.organiser)
    base = f"/hearings/{hearing.id}/session"
    where = f"{base}/issues/{issue.id}"
    mine, theirs = (filled(screen.get(f"{base}?issue={issue.id}"), where) for screen in (one, two))
    assert one.post(where, mine | {"cosigners": []}, headers=AJAX).status_code == 200
    saved = two.post(where, theirs | {"place": "桥西"}, headers=AJAX)
    assert (saved.json["fields"]["cosigners"], issue.cosigners, issue.place) == ([], [], "桥西")
