"""How a meeting begins and ends: asked twice on another day, nobody made absent unasked, and both taken back."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from hearings import audit
from hearings.db import clock_at, db, now, today
from hearings.issues import operations as issues
from hearings.issues.models import ExchangeKind, Outcome
from hearings.minutes import content
from hearings.notices import news
from hearings.notices.models import Message
from hearings.schedule import operations as schedule
from hearings.schedule.models import Came, HearingKind, HearingStatus, Participant
from tests.factories import tonight
from tests.reviews.forms import filled
from tests.reviews.test_night import undo_from


def seats(hearing):
    """The seats by who sits there."""
    rows = db.session.scalars(select(Participant).where(Participant.hearing_id == hearing.id))
    return {seat.name or seat.unit: seat for seat in rows}


@pytest.fixture
def evening(world):
    """In session: the chair signed in, one deputy on leave; the other and two departments not registered."""
    hearing = world.hearing("in_session", **tonight())
    schedule.add_person(hearing, world.organiser, actor=world.organiser)
    there = seats(hearing)
    schedule.sign_in(there["张某某"], Came.SIGNED_IN, actor=world.organiser)
    schedule.sign_in(there["代表乙"], Came.ON_LEAVE, reason="公务", actor=world.organiser)
    issue = world.issue(hearing)
    issues.add_exchange(issue, ExchangeKind.ANSWER, "马上清理。", department=world.bureau, actor=world.organiser)
    db.session.commit()
    return hearing


def came(hearing):
    return {who: seat.came.value for who, seat in seats(hearing).items()}


def test_before_it_ends_who_is_not_registered_is_named_and_stays_so_unless_something_is_said(world, browser, evening):
    one = browser(world.organiser)
    base, end = f"/hearings/{evening.id}/session", f"/hearings/{evening.id}/conclude"
    screen = one.get(base)
    assert f'href="{end}"' in screen.text and f'action="{end}"' not in screen.text, "it asks first"
    page = one.get(end)
    assert "还有4个席位未登记" in page.text
    for who in ("代表甲", "区交通运输局", "区教育局", "周某某"):
        assert who in page.text
    assert "代表乙" not in page.text and "张某某" not in page.text

    # who spoke and who writes is ticked, the rest stays as it is
    there = seats(evening)
    given = filled(page)
    assert set(given["came"]) == {str(there["区交通运输局"].id), str(there["周某某"].id)}
    assert given["rest"] == ""
    assert one.post(end, given).status_code == 303
    assert came(evening) == {
        "张某某": "signed_in", "代表甲": "unknown", "代表乙": "on_leave", "区交通运输局": "signed_in",
        "区教育局": "unknown", "周某某": "signed_in",
    }  # fmt: skip
    assert (evening.status, there["区交通运输局"].came_at) == (HearingStatus.CONCLUDED, None)
    assert "签到3人、请假1人、未登记2人" in one.get(f"/hearings/{evening.id}").text

    # taken back from the hearing's own page, also after other pages were opened
    one.get("/")
    one.get(base)
    undo_from(one, f"/hearings/{evening.id}")
    assert evening.status == HearingStatus.IN_SESSION
    assert came(evening) == {
        "张某某": "signed_in", "代表甲": "unknown", "代表乙": "on_leave", "区交通运输局": "unknown",
        "区教育局": "unknown", "周某某": "unknown",
    }  # fmt: skip
    assert there["代表乙"].reason == "公务"


def test_the_others_are_absent_or_here_only_when_that_is_said_and_undo_restores_each(world, browser, evening):
    one = browser(world.organiser)
    end = f"/hearings/{evening.id}/conclude"
    there = seats(evening)
    before = came(evening)
    one.post(end, filled(one.get(end)) | {"came": str(there["代表甲"].id), "rest": "absent"})
    assert came(evening) == before | {
        "代表甲": "signed_in", "区交通运输局": "absent", "区教育局": "absent", "周某某": "absent",
    }  # fmt: skip
    # one that is mended afterwards keeps what it says
    schedule.sign_in(there["区教育局"], Came.ON_LEAVE, reason="出差", actor=world.organiser)
    undo_from(one, f"/hearings/{evening.id}")
    assert came(evening) == before | {"区教育局": "on_leave"}
    assert [line.details["came"] for line in audit.trail(there["区交通运输局"])[1:]] == ["absent", "unknown"]

    one.post(end, filled(one.get(end)) | {"came": [], "rest": "signed_in"})
    assert set(came(evening).values()) == {"signed_in", "on_leave"}


def test_a_meeting_where_all_are_registered_ends_in_one_step(world, browser, evening):
    for seat in schedule.unregistered(evening):
        schedule.sign_in(seat, Came.SIGNED_IN, actor=world.organiser)
    one = browser(world.organiser)
    base, end = f"/hearings/{evening.id}/session", f"/hearings/{evening.id}/conclude"
    one.post(end, filled(one.get(base), end))
    assert evening.status == HearingStatus.CONCLUDED
    assert one.post(end).status_code == 422, "a second click elsewhere says that it is over"
    assert "已结束" in one.get(end).text


def test_the_end_takes_nobody_but_those_it_named(world, browser, evening):
    one = browser(world.organiser)
    end = f"/hearings/{evening.id}/conclude"
    other = world.hearing("in_session", **tonight())
    theirs = seats(other)["代表甲"]
    refused = one.post(end, filled(one.get(end)) | {"came": [str(theirs.id)]})
    assert (refused.status_code, evening.status, theirs.came) == (422, "in_session", "unknown")
    assert one.post(end, filled(one.get(end)) | {"rest": "on_leave"}).status_code == 422
    assert one.post(end, filled(one.get(end)) | {"rest": "nonsense"}).status_code == 422
    assert browser(world.deputy).get(end).status_code == 403
    assert browser(world.other_department).post(end).status_code == 403


@pytest.mark.parametrize("kind", [HearingKind.NIGHT_HEARING, HearingKind.LOOK_BACK])
def test_on_another_day_it_opens_only_when_that_is_said_once_more(world, browser, kind):
    hearing = world.hearing("announced", kind=kind)
    one = browser(world.organiser)
    start = f"/hearings/{hearing.id}/open"
    screens = [f"/hearings/{hearing.id}/session"] + ([f"/look-backs/{hearing.id}"] if kind == "look_back" else [])
    for screen in screens:
        seen = one.get(screen).text
        assert f'href="{start}"' in seen and f'action="{start}"' not in seen
    page = one.get(start)
    assert f"会议定于{hearing.day.year}年{hearing.day.month}月{hearing.day.day}日" in page.text
    assert f'href="/hearings/{hearing.id}/reschedule"' in page.text
    refused = one.post(start, filled(page))
    assert (refused.status_code, hearing.status) == (422, "announced")
    assert "会议定于" in refused.text
    assert one.post(start, filled(refused) | {"sure": "1"}).headers["Location"] == screens[-1]
    assert (hearing.status, hearing.venue is None) == ("in_session", False)

    # nothing recorded yet: a name signed in does not hinder, and nobody is lost
    schedule.sign_in(seats(hearing)["代表甲"], Came.SIGNED_IN, actor=world.organiser)
    sequence = hearing.sequence
    undo_from(one, screens[-1])
    assert (hearing.status, hearing.opened_at, hearing.venue) == ("announced", None, None)
    assert hearing.sequence > sequence and seats(hearing)["代表甲"].came == "signed_in"
    assert one.get(f"/hearings/{hearing.id}/reschedule").status_code == 200
    assert audit.trail(hearing)[-1].action == "hearing.open.undo"


def test_opening_is_taken_back_for_as_long_as_nothing_was_recorded_and_no_longer(world, browser):
    hearing = world.hearing("announced", **tonight())
    one, two = browser(world.organiser), browser(world.street)
    base, start = f"/hearings/{hearing.id}/session", f"/hearings/{hearing.id}/open"
    one.post(start, filled(one.get(base), start))
    assert hearing.status == "in_session"
    with clock_at(now() + timedelta(hours=30)):
        stale = one.get(f"/hearings/{hearing.id}")
        assert "/undo/" in stale.text, "no ten minutes for this"
    assert "/undo/" not in two.get(f"/hearings/{hearing.id}").text, "only who opened it"
    world.issue(hearing)
    undo = undo_from(one, stale)
    assert (undo.status_code, hearing.status) == (409, "in_session")
    assert "开会后已有记录" in undo.text
    assert "/undo/" not in one.get(f"/hearings/{hearing.id}").text, "what no longer holds is not offered"


def test_long_before_its_hour_it_is_asked_twice_as_well(app, world, monkeypatch):
    hearing = world.hearing("announced", day=today() + timedelta(days=1))
    with clock_at(hearing.starts_at - timedelta(minutes=90)):
        monkeypatch.setitem(app.config, "OPEN_EARLY_HOURS", 1)
        assert schedule.untimely(hearing) is not None, "how long is the district's own rule"
        monkeypatch.undo()
    with clock_at(hearing.starts_at - timedelta(hours=5)):
        assert schedule.untimely(hearing) is not None
    with clock_at(hearing.starts_at - timedelta(minutes=90)):
        assert schedule.untimely(hearing) is None
    with clock_at(hearing.starts_at + timedelta(hours=1)):
        assert schedule.untimely(hearing) is None
    with clock_at(hearing.starts_at + timedelta(days=1)):
        assert schedule.untimely(hearing) is not None


def test_what_was_announced_is_taken_back_from_the_hearings_page_within_its_time(world, browser):
    hearing = world.hearing("draft")
    one = browser(world.organiser)
    page = f"/hearings/{hearing.id}"
    one.post(f"{page}/announce", filled(one.get(f"{page}/announce")))
    first = one.get(page).text
    assert first.count('"/undo/') == 1, "the head of the next page offers it, and no second time"
    one.get("/")
    again = one.get(page)
    assert again.text.count('"/undo/') == 1
    undo_from(one, again)
    assert hearing.status == "draft"
    assert "/undo/" not in one.get(page).text
    one.post(f"{page}/announce", filled(one.get(f"{page}/announce")))
    one.get(page)
    with clock_at(now() + timedelta(minutes=11)):
        assert "/undo/" not in one.get(page).text


def test_who_is_not_registered_is_no_absentee_on_any_paper(world, evening):
    schedule.conclude(evening, actor=world.organiser)
    db.session.commit()
    text = str(content.compose(evening))
    assert "张某某" in text and "缺席" not in text and "区教育局负责人" not in text
    assert came(evening)["区教育局"] == "unknown"


# -- who came for a department, and all at once ------------------------------------------------------------


def test_who_came_for_a_department_is_named_at_the_door_and_stands_in_the_minutes(world, browser, evening):
    one = browser(world.organiser)
    base = f"/hearings/{evening.id}/session"
    there = seats(evening)
    school, roads = there["区教育局"], there["区交通运输局"]
    schedule.name_attendee(
        roads, name="郑某某", title="局长", stand_in_name="龚某某", stand_in_title="副局长", actor=world.organiser
    )
    at = {seat.id: f"{base}/seats/{seat.id}" for seat in (school, roads)}
    screen = one.get(base)
    given = filled(screen, at[roads.id])
    assert (given["who"], given["who_title"]) == ("郑某某", "局长"), "what the department has said stands there"

    # named while signing in; again, to mend it, the hour stays
    one.post(at[school.id], filled(screen, at[school.id]) | {"came": "signed_in", "who": "吴某", "who_title": "局长"})
    assert (school.came, school.name, school.title) == ("signed_in", "吴某", "局长")
    hour = school.came_at
    mended = filled(one.get(base), at[school.id]) | {"came": "signed_in", "who": "吴某某"}
    one.post(at[school.id], mended)
    assert (school.name, school.title, school.came_at) == ("吴某某", "局长", hour)
    undo_from(one, base)
    assert (school.name, school.came, school.came_at) == ("吴某", "signed_in", hour)

    # the stand-in that was named before, and one whom nobody expected
    one.post(at[roads.id], given | {"came": "stand_in"})
    assert (roads.is_stand_in, roads.stand_in_name, roads.name) == (True, "龚某某", "郑某某")
    one.post(
        at[roads.id], filled(one.get(base), at[roads.id]) | {"came": "stand_in", "who": "秦某", "who_title": "科长"}
    )
    assert (roads.is_stand_in, roads.stand_in_name, roads.stand_in_title, roads.name) == (
        True,
        "秦某",
        "科长",
        "郑某某",
    )

    schedule.conclude(evening, actor=world.organiser)
    text = str(content.compose(evening))
    assert "区教育局局长吴某" in text
    assert "区交通运输局科长秦某（代局长郑某某）" in text
    assert "负责人" not in text.replace("个部门和街道的负责人", "")


def test_a_stand_in_without_a_name_is_refused_and_what_was_typed_stays(world, browser, evening):
    one = browser(world.organiser)
    base = f"/hearings/{evening.id}/session"
    school = seats(evening)["区教育局"]
    where = f"{base}/seats/{school.id}"
    refused = one.post(where, filled(one.get(base), where) | {"came": "stand_in", "who_title": "副局长"})
    assert (refused.status_code, school.came) == (422, "unknown")
    assert "请写明替会人的姓名" in refused.text
    assert filled(refused, where)["who_title"] == "副局长"
    long = one.post(where, filled(one.get(base), where) | {"came": "signed_in", "who": "长" * 41})
    assert (long.status_code, filled(long, where)["who"]) == (422, "长" * 41)
    # a person of the directory keeps the name
    deputy = seats(evening)["代表甲"]
    where = f"{base}/seats/{deputy.id}"
    one.post(where, filled(one.get(base), where) | {"came": "signed_in", "who": "别人"})
    assert (deputy.came, deputy.name) == ("signed_in", "代表甲")


def test_all_who_are_not_registered_are_signed_in_at_once_and_taken_back_at_once(world, browser, evening):
    one = browser(world.organiser)
    base = f"/hearings/{evening.id}/session"
    where, before = f"{base}/sign-in-rest", came(evening)
    screen = one.get(base)
    assert "未登记的4个席位全部签到" in screen.text
    one.post(where, filled(screen, where))
    assert set(came(evening).values()) == {"signed_in", "on_leave"}
    assert all(seat.came_at for seat in seats(evening).values() if seat.came == Came.SIGNED_IN)
    assert "全部签到" not in one.get(base).text
    undo_from(one, base)
    assert came(evening) == before
    assert browser(world.deputy).post(where).status_code == 403
    draft = world.hearing("draft")
    assert one.post(f"/hearings/{draft.id}/session/sign-in-rest").status_code == 409


def test_a_hearing_moved_by_mistake_is_moved_back_until_anybody_is_told(world, browser):
    hearing = world.hearing("announced")
    one = browser(world.organiser)
    page, form = f"/hearings/{hearing.id}", f"/hearings/{hearing.id}/reschedule"
    was = (hearing.starts_at, hearing.ends_at, hearing.station_id, hearing.reason, hearing.reply_sequence)
    moved = {
        "day": (hearing.day + timedelta(days=1)).isoformat(),
        "station": str(world.other_station.id),
        "reason": "台风",
    }
    one.post(form, filled(one.get(form)) | moved)
    assert (hearing.station, hearing.reason) == (world.other_station, "台风")
    for path in (page, "/"):
        one.get(path)
    undo_from(one, page)
    assert (hearing.starts_at, hearing.ends_at, hearing.station_id, hearing.reason, hearing.reply_sequence) == was
    assert hearing.status == HearingStatus.ANNOUNCED and audit.verify() is None

    # the worker tells nobody of what was taken back, and all of what was not
    news.skip()
    one.post(form, filled(one.get(form)) | moved)
    undo_from(one, page)
    with clock_at(now() + timedelta(minutes=2)):
        news.read()
    assert db.session.scalars(select(Message.kind).where(Message.kind == "hearing.reschedule")).all() == []

    one.post(form, filled(one.get(form)) | moved)
    one.get(page)
    assert one.get(page).text.count("/undo/") == 2, "the announcement's own, and this one"
    with clock_at(now() + timedelta(seconds=61)):
        assert one.get(page).text.count("/undo/") == 1, "they are being told"


def test_what_is_to_be_studied_without_a_day_is_named_before_the_end(world, browser):
    evening = world.hearing("in_session", day=today())
    loose, dated = world.issue(evening), world.issue(evening)
    for issue in (loose, dated):
        issues.decide_outcome(issue, Outcome.FURTHER_STUDY, actor=world.organiser)
    world.commitment(dated)
    page = browser(world.organiser).get(f"/hearings/{evening.id}/conclude").text
    assert f"?issue={loose.id}" in page and f"?issue={dated.id}" not in page
