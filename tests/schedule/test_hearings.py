"""A hearing before the evening: planned, checked, announced, moved, put off, called off; and every refusal."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import func, select

from hearings.db import LOCAL, db, local, today
from hearings.schedule import operations
from hearings.schedule.models import Capacity, Hearing, HearingKind, HearingStatus, Participant, Topic
from hearings.workdays import CalendarDay
from tests.factories import evening
from tests.schedule.helpers import acts, button_of, error_at, fill, flashes, form_of, soup, thursday, value_of, words


def hours(hearing):
    return hearing.starts_at.astimezone(LOCAL).time(), hearing.ends_at.astimezone(LOCAL).time()


def latest():
    return db.session.scalars(select(Hearing).order_by(Hearing.id.desc())).first()


def test_from_the_plan_to_the_last_move(world, browser):
    one = browser(world.organiser)
    page = one.get("/hearings/new")
    assert (value_of(page, "starts"), value_of(page, "ends")) == ("19:00", "21:00")
    offered = date.fromisoformat(value_of(page, "day"))
    assert offered.weekday() == 3 and offered >= today() + timedelta(days=3)
    assert value_of(page, "title") == "北仑区人大代表民生夜询会"
    done = one.post(
        "/hearings/new",
        form_of(page) | {"station": str(world.station.id), "theme": "家门口的民生小事", "chair": str(world.leader.id)},
    )
    made = latest()
    assert (done.status_code, done.headers["Location"]) == (303, f"/hearings/{made.id}")
    assert (made.status, made.serial_no, made.day, hours(made)) == (
        HearingStatus.DRAFT,
        None,
        offered,
        (time(19), time(21)),
    )
    (chair,) = db.session.scalars(select(Participant).where(Participant.hearing_id == made.id))
    assert (chair.user, chair.capacity) == (world.leader, Capacity.CHAIR)

    one.get("/stations/")  # the flashes are read
    announced = fill(one, f"/hearings/{made.id}/announce")
    assert announced.headers["Location"] == f"/hearings/{made.id}"
    assert (made.status, made.serial_no) == (HearingStatus.ANNOUNCED, 1)

    moved = fill(
        one,
        f"/hearings/{made.id}/reschedule",
        day=(offered + timedelta(days=7)).isoformat(),
        starts="19：30",
        ends="21:30",
        station=str(world.other_station.id),
        reason="场地维修",
    )
    assert moved.status_code == 303
    assert (made.day, hours(made)) == (offered + timedelta(days=7), (time(19, 30), time(21, 30)))
    assert (made.station, made.reason, made.reply_sequence) == (world.other_station, "场地维修", made.sequence)

    fill(one, f"/hearings/{made.id}/postpone", reason="台风")
    assert (made.status, made.serial_no, made.reason) == (HearingStatus.POSTPONED, 1, "台风")
    fill(one, f"/hearings/{made.id}/reschedule", day=offered.isoformat(), reason="台风过去了")
    assert (made.status, made.day) == (HearingStatus.ANNOUNCED, offered)
    fill(one, f"/hearings/{made.id}/cancel", reason="会期冲突")
    assert (made.status, made.serial_no, made.reason) == (HearingStatus.CANCELLED, None, "会期冲突")
    assert acts("hearing", made.id) == [
        "hearing.create",
        "hearing.announce",
        "hearing.reschedule",
        "hearing.postpone",
        "hearing.reschedule",
        "hearing.cancel",
    ]


def test_the_evening_begins_ends_and_its_file_waits_for_what_is_missing(world, browser):
    one = browser(world.organiser)
    made = world.hearing()
    assert one.post(f"/hearings/{made.id}/open", {"sure": "1"}).headers["Location"] == f"/hearings/{made.id}/session"
    assert (made.status, made.venue) == (HearingStatus.IN_SESSION, f"{world.station.name}（{world.station.address}）")
    assert one.post(f"/hearings/{made.id}/conclude").status_code == 303
    assert made.status == HearingStatus.CONCLUDED
    refused = one.post(f"/hearings/{made.id}/file")
    assert refused.status_code == 409
    assert made.status == HearingStatus.CONCLUDED
    again = one.post(f"/hearings/{made.id}/open", {"sure": "1"})
    assert again.status_code == 422
    assert words("This is not possible while it is “%(status)s”.", status=words("Concluded")) in soup(again).get_text()


def test_a_draft_is_discarded_and_its_topics_return(world, browser):
    draft = world.hearing("draft")
    topic = operations.add_topic(title="桥下堆物", actor=world.organiser, hearing=draft)
    one = browser(world.organiser)
    assert one.post(f"/hearings/{draft.id}/discard").headers["Location"] == "/hearings/"
    assert (draft.status, db.session.get(Topic, topic.id).hearing) == (HearingStatus.DISCARDED, None)
    announced = world.hearing()
    assert one.post(f"/hearings/{announced.id}/discard").status_code == 409
    assert announced.status == HearingStatus.ANNOUNCED


def test_the_offered_evening_is_a_free_thursday_that_is_worked(world, browser):
    first = thursday(0)
    while first < today() + timedelta(days=3):
        first += timedelta(days=7)
    world.hearing("draft", day=first)
    db.session.add(CalendarDay(day=first + timedelta(days=7), is_workday=False, name="停电检修"))
    db.session.add(CalendarDay(day=first + timedelta(days=14), is_workday=True, name="上班"))
    assert value_of(browser(world.organiser).get("/hearings/new"), "day") == (first + timedelta(days=14)).isoformat()


@pytest.mark.parametrize("kind", list(HearingKind))
def test_every_kind_has_its_usual_title(world, browser, kind):
    page = browser(world.organiser).get(f"/hearings/new?kind={kind.value}")
    assert (value_of(page, "kind"), value_of(page, "title")) == (
        kind.value,
        {
            "night_hearing": "北仑区人大代表民生夜询会",
            "look_back": "北仑区人大代表民生夜询会回头看",
            "evaluation_meeting": "重点督办建议绩效评估座谈会",
            "group_consultation": "代表建议集体面商会",
        }[kind.value],
    )


def test_looking_at_the_evening_first_saves_nothing(world, browser):
    world.hearing("announced", day=thursday(3), title="已有的夜询会")
    one = browser(world.organiser)
    page = one.get("/hearings/new")
    sunday = thursday(3) + timedelta(days=3)
    before = db.session.scalar(select(func.count(Hearing.id)))
    data = form_of(page) | {"station": str(world.station.id), "theme": "主题", "check": "1"}
    clash = one.post("/hearings/new", data | {"day": thursday(3).isoformat()})
    assert clash.status_code == 200
    taken = operations._told(db.session.scalars(select(Hearing).where(Hearing.title == "已有的夜询会")).one())
    assert words("The station is taken at that time: “%(title)s”.", title=taken) in clash.text
    assert (value_of(clash, "day"), value_of(clash, "theme")) == (thursday(3).isoformat(), "主题")
    free = one.post("/hearings/new", data | {"day": sunday.isoformat()})
    assert soup(free).select_one(".panel-now li")
    fine = one.post("/hearings/new", data | {"day": thursday(5).isoformat()})
    assert words("Checked; not saved yet. Nothing speaks against that evening.") in soup(fine).get_text()
    assert db.session.scalar(select(func.count(Hearing.id))) == before
    saved = one.post("/hearings/new", {k: v for k, v in form_of(fine).items() if k != "check"})
    assert saved.status_code == 303
    assert (latest().day, latest().theme) == (thursday(5), "主题")


def test_warnings_follow_the_saving(world, browser):
    other = world.hearing(day=thursday(3), station=world.other_station, title="同一晚的夜询会")
    one = browser(world.organiser)
    made = fill(one, "/hearings/new", day=thursday(3).isoformat(), chair=str(world.leader.id))
    assert made.status_code == 303
    said = words("Booked elsewhere that day, “%(title)s”: %(who)s.", who="张某某", title=operations._told(other))
    assert said in " ".join(flashes(one.get("/stations/")))
    for page in ("edit", "participants", "announce"):
        assert said in one.get(f"/hearings/{latest().id}/{page}").text
    assert other.status == HearingStatus.ANNOUNCED


def test_a_copys_evening_is_checked_with_its_people(world, browser):
    source = world.hearing("announced", day=thursday(2))
    other = world.hearing("announced", day=thursday(3), station=world.other_station)
    one = browser(world.organiser)
    address = f"/hearings/{source.id}/copy"
    data = form_of(one.get(address)) | {"check": "1", "day": thursday(3).isoformat()}
    told = soup(one.post(address, data)).select_one(".panel-now").get_text()
    assert operations._told(other) in told and world.deputy.name in told and "区交通运输局" in told
    assert told.count(operations._told(other)) == 1  # one sentence a hearing, however many are booked there
    free = one.post(address, data | {"day": thursday(5).isoformat()})
    assert words("Checked; not saved yet. Nothing speaks against that evening.") in soup(free).get_text()


@pytest.mark.parametrize(
    ("field", "typed"),
    [("day", "1990-05-01"), ("day", "2190-05-01"), ("day", "31.2.2027"), ("starts", "25:61"), ("ends", "abends")],
)
def test_a_day_or_an_hour_that_cannot_be_stays_as_typed(world, browser, field, typed):
    refused = fill(browser(world.organiser), "/hearings/new", **{field: typed, "theme": "要留住的主题"})
    assert refused.status_code == 422
    assert error_at(refused, field)
    assert (value_of(refused, field), value_of(refused, "theme")) == (typed, "要留住的主题")
    assert latest() is None


@pytest.mark.parametrize("check", [{}, {"check": "1"}])
def test_the_end_comes_after_the_start(world, browser, check):
    refused = fill(browser(world.organiser), "/hearings/new", starts="21:00", ends="19:00", title="", **check)
    assert error_at(refused, "title") == words("Please fill in this field.")  # both at once
    assert (refused.status_code, error_at(refused, "ends")) == (
        422,
        words("The end must come after the start."),
    )
    assert (value_of(refused, "starts"), value_of(refused, "ends")) == ("21:00", "19:00")
    assert latest() is None


@pytest.mark.parametrize(
    "changes",
    [
        {"station": "999999"},
        {"station": "99999999999999999999999"},
        {"station": "abc"},
        {"chair": "-1"},
        {"kind": "party"},
        {"follows": "12345"},
        {"title": "一行\r\n二行"},
        {"title": "字" * 101},
        {"title": "a\x00b"},
        {"theme": "\u202eabc"},
        {"title": "   "},
    ],
)
def test_what_is_not_offered_or_cannot_be_kept_is_refused_at_its_field(world, browser, changes):
    refused = fill(browser(world.organiser), "/hearings/new", **changes)
    assert refused.status_code == 422
    (field,) = changes
    assert error_at(refused, field)
    assert latest() is None


def test_emoji_and_markup_are_only_words(world, browser):
    one = browser(world.organiser)
    title = "<script>alert(1)</script> 👩‍👧 “民生”"
    fill(one, "/hearings/new", title=title)
    assert latest().title == title
    listed = one.get("/hearings/")
    assert "<script>alert" not in listed.text
    assert soup(listed).select_one("tbody .card-title a").get_text() == title


def test_the_same_form_twice_plans_one_hearing(world, browser):
    one = browser(world.organiser)
    data = form_of(one.get("/hearings/new"))
    first, second = one.post("/hearings/new", data), one.post("/hearings/new", data)
    assert first.headers["Location"] == second.headers["Location"] == f"/hearings/{latest().id}"
    assert db.session.scalar(select(func.count(Hearing.id))) == 1


def test_a_copy_brings_the_seats_but_nobodys_answers(world, browser):
    source = world.hearing("concluded", title="第一次", theme="老主题")
    seat = db.session.scalars(
        select(Participant).where(Participant.hearing_id == source.id, Participant.department_id == world.bureau.id)
    ).one()
    seat.name, seat.title, seat.stand_in_name = "郑某某", "局长", "何某某"
    one = browser(world.organiser)
    page = one.get(f"/hearings/{source.id}/copy")
    assert (value_of(page, "title"), value_of(page, "theme")) == ("第一次", "老主题")
    done = one.post(
        f"/hearings/{source.id}/copy", form_of(page) | {"title": "第二次", "chair": str(world.organiser.id)}
    )
    made = latest()
    assert done.headers["Location"] == f"/hearings/{made.id}"
    assert (made.title, made.theme, made.status, made.chair) == (
        "第二次",
        "老主题",
        HearingStatus.DRAFT,
        world.organiser,
    )
    seats = db.session.scalars(select(Participant).where(Participant.hearing_id == made.id)).all()
    assert {s.user_id for s in seats if s.user_id} == {
        world.leader.id,
        world.deputy.id,
        world.other_deputy.id,
        world.organiser.id,
    }
    (office,) = [s for s in seats if s.department_id == world.bureau.id]
    assert (office.name, office.title, office.stand_in_name, office.came.value) == (None, None, None, "unknown")
    assert [s.user_id for s in seats if s.capacity == Capacity.CHAIR] == [world.organiser.id]


def test_a_draft_changes_in_everything_an_announced_one_in_its_words(world, browser):
    draft = world.hearing("draft", day=thursday(2))
    one = browser(world.organiser)
    before = draft.sequence
    fill(
        one,
        f"/hearings/{draft.id}/edit",
        day=thursday(4).isoformat(),
        ends="20:30",
        title="改过的题目",
        station=str(world.other_station.id),
        chair="",
    )
    assert (draft.day, hours(draft), draft.title, draft.station, draft.chair) == (
        thursday(4),
        (time(19), time(20, 30)),
        "改过的题目",
        world.other_station,
        None,
    )
    assert draft.sequence == before + 1
    told = world.hearing(day=thursday(2))
    page = one.get(f"/hearings/{told.id}/edit")
    assert soup(page).find(id="day") is None
    sneaked = one.post(
        f"/hearings/{told.id}/edit",
        form_of(page) | {"theme": "新主题", "day": thursday(9).isoformat(), "station": str(world.other_station.id)},
    )
    assert sneaked.status_code == 303
    late = form_of(one.get(f"/hearings/{told.id}/edit"))
    assert (told.theme, told.day, told.station) == ("新主题", thursday(2), world.station)
    operations.cancel(told, reason="台风", actor=world.organiser)
    refused = one.post(f"/hearings/{told.id}/edit", late | {"theme": "太晚了"})
    assert refused.status_code == 422
    assert words("This hearing can no longer be changed.") in soup(refused).get_text()
    assert value_of(refused, "theme") == "太晚了"


def test_two_editors_of_one_hearing(world, browser):
    draft = world.hearing("draft", title="原题", theme="原主题", day=thursday(2))
    other = browser(world.street)
    one = browser(world.organiser)
    path = f"/hearings/{draft.id}/edit"
    mine, theirs = form_of(one.get(path)), form_of(other.get(path))
    other.post(path, theirs | {"starts": "18:30", "title": "他的题"})
    clash = one.post(path, mine | {"theme": "我的主题", "title": "我的题"})
    assert clash.status_code == 409
    assert (draft.title, draft.theme, hours(draft)) == ("他的题", "原主题", (time(18, 30), time(21)))
    settled = one.post(path, form_of(clash) | {"title__choice": "theirs"})
    assert settled.status_code == 303
    assert (draft.title, draft.theme, hours(draft)) == ("他的题", "我的主题", (time(18, 30), time(21)))


def test_a_taken_number_is_refused_at_the_field(world, browser):
    world.hearing(title="第一期的题目")
    draft = world.hearing("draft")
    one = browser(world.organiser)
    page = one.get(f"/hearings/{draft.id}/announce")
    assert value_of(page, "serial_no") == "2"
    refused = one.post(f"/hearings/{draft.id}/announce", form_of(page) | {"serial_no": "1"})
    assert refused.status_code == 422
    assert error_at(refused, "serial_no") == words(
        "No. %(number)d is taken by “%(title)s”; %(free)d is free.", number=1, title="第一期的题目", free=2
    )
    assert value_of(refused, "serial_no") == "1"
    gap = one.post(f"/hearings/{draft.id}/announce", form_of(page) | {"serial_no": "7"})
    assert error_at(gap, "serial_no") == words("The numbers run on without a gap: the next is %(free)d.", free=2)
    for odd in ("0", "-3", "1e3", "9" * 40, ""):
        assert error_at(one.post(f"/hearings/{draft.id}/announce", form_of(page) | {"serial_no": odd}), "serial_no")
    assert (draft.status, draft.serial_no) == (HearingStatus.DRAFT, None)


def test_a_cancelled_number_is_given_again(world, browser):
    first, second = world.hearing(), world.hearing()
    operations.cancel(first, reason="台风", actor=world.organiser)
    draft = world.hearing("draft")
    fill(browser(world.organiser), f"/hearings/{draft.id}/announce")
    assert (first.serial_no, second.serial_no, draft.serial_no) == (None, 2, 1)


def test_look_backs_have_no_number_and_announcing_can_be_undone(world, browser):
    back = world.hearing("draft", kind=HearingKind.LOOK_BACK)
    one = browser(world.organiser)
    page = one.get(f"/hearings/{back.id}/announce")
    assert soup(page).find(id="serial_no") is None
    one.post(f"/hearings/{back.id}/announce", form_of(page))
    assert (back.status, back.serial_no) == (HearingStatus.ANNOUNCED, None)
    shown = one.get("/stations/")
    undo = soup(shown).select_one("form.undo")["action"]
    one.post(undo, button_of(shown, undo))
    assert back.status == HearingStatus.DRAFT


def test_announcing_names_who_will_hear_of_it(world, browser):
    draft = world.hearing("draft")
    operations.add_guest(draft, capacity=Capacity.RESIDENT, listed="in_attendance", seats=10, actor=world.organiser)
    operations.add_department(draft, world.street_office, actor=world.organiser)
    page = soup(browser(world.organiser).get(f"/hearings/{draft.id}/announce"))
    told = [row.get_text(" ", strip=True) for row in page.select("#who dd")]
    joined = words(", ")
    assert told[0] == joined.join(["张某某", "代表甲", "代表乙"])
    assert [name in told[1] for name in ("区交通运输局", "区教育局", "新碶街道办")] == [True, True, False]
    assert told[2] == joined.join(["新碶街道办", f"{words('Resident')} × 10"])


def test_moving_needs_a_reason_and_a_change(world, browser):
    told = world.hearing(day=thursday(2))
    one = browser(world.organiser)
    path = f"/hearings/{told.id}/reschedule"
    same = fill(one, path, reason="没有变化")
    assert (same.status_code, error_at(same, "day")) == (
        422,
        words("Time and place are as they were: there is nothing to tell."),
    )
    silent = fill(one, path, day=thursday(3).isoformat(), reason=" ")
    assert error_at(silent, "reason") == words("Please fill in this field.")
    assert value_of(silent, "day") == thursday(3).isoformat()
    backwards = fill(one, path, starts="21:00", ends="20:00", reason="场地")
    assert error_at(backwards, "ends") == words("The end must come after the start.")
    looked = fill(one, path, day=(today() + timedelta(days=1)).isoformat(), reason="场地", check="1")
    assert words("Less than %(count)d days' notice.", count=3) in soup(looked).get_text()
    assert told.day == thursday(2)
    draft = world.hearing("draft")
    refused = one.post(f"/hearings/{draft.id}/reschedule", form_of(one.get(path)) | {"reason": "场地"})
    assert refused.status_code == 422
    for move in ("postpone", "cancel"):
        assert error_at(fill(one, f"/hearings/{told.id}/{move}", reason="字" * 201), "reason")
    assert told.status == HearingStatus.ANNOUNCED


def test_who_may_not_and_what_is_not_theirs(world, browser):
    here, there = world.hearing(), world.hearing(station=world.other_station)
    for person in (world.deputy, world.department, world.leader, world.auditor):
        one = browser(person)
        assert one.get("/hearings/new").status_code == 403
        for move in ("edit", "copy", "announce", "reschedule", "postpone", "cancel"):
            assert one.get(f"/hearings/{here.id}/{move}").status_code == 403
            assert one.post(f"/hearings/{here.id}/{move}", {"reason": "x"}).status_code == 403
        for move in ("discard", "open", "conclude", "file"):
            assert one.post(f"/hearings/{here.id}/{move}").status_code == 403
    street = browser(world.street)
    assert street.get(f"/hearings/{here.id}/cancel").status_code == 200
    for move in ("edit", "cancel", "announce", "participants", "topics", "attendee"):
        assert street.get(f"/hearings/{there.id}/{move}").status_code == 404
    assert street.post(f"/hearings/{there.id}/open").status_code == 404
    assert browser(world.admin).get("/hearings/").status_code == 403
    refused = fill(street, "/hearings/new", station=str(world.other_station.id))
    assert (refused.status_code, error_at(refused, "station")) == (422, words("Please choose one of the list."))
    assert (here.status, there.status) == (HearingStatus.ANNOUNCED, HearingStatus.ANNOUNCED)


# -- the list and the month ----------------------------------------------------------------------------


def listed(answer):
    return [a.get_text(strip=True) for a in soup(answer).select("tbody .card-title a")]


def test_the_list_shows_the_latest_evening_first_within_the_scope(world, browser):
    world.hearing("concluded", title="早的", day=today() - timedelta(days=30))
    world.hearing(title="晚的", day=today() + timedelta(days=30))
    world.hearing("draft", title="草稿的", station=world.other_station)
    gone = world.hearing("draft", title="作废的")
    operations.discard(gone, actor=world.organiser)
    assert listed(browser(world.organiser).get("/hearings/")) == ["晚的", "草稿的", "早的"]
    assert listed(browser(world.organiser).get("/hearings/?status=discarded")) == ["作废的"]
    assert listed(browser(world.street).get("/hearings/")) == ["晚的", "早的"]
    assert listed(browser(world.deputy).get("/hearings/")) == ["晚的", "早的"]
    assert listed(browser(world.leader).get("/hearings/")) == ["晚的", "草稿的", "早的"]


def test_the_list_is_narrowed_by_an_address_that_can_be_shared(world, browser):
    world.hearing("concluded", title="老小区", theme="停车", day=date(2025, 3, 27))
    world.hearing("announced", title="校门口", day=thursday(3), station=world.other_station)
    world.hearing("announced", title="回头看的", day=thursday(4), kind=HearingKind.LOOK_BACK)
    one = browser(world.organiser)
    assert listed(one.get("/hearings/?year=2025")) == ["老小区"]
    assert listed(one.get("/hearings/?kind=look_back")) == ["回头看的"]
    assert listed(one.get(f"/hearings/?station={world.other_station.id}")) == ["校门口"]
    assert listed(one.get("/hearings/?status=concluded")) == ["老小区"]
    assert listed(one.get("/hearings/?q=停车")) == ["老小区"]
    assert listed(one.get("/hearings/?q=第2期")) == ["校门口"]
    assert listed(one.get("/hearings/?q=%25")) == []
    assert words("No hearing fits this filter.") in one.get("/hearings/?q=没有").text
    odd = "/hearings/?year=99999999999999&kind=x&status=%00&station=-1&before=1e9.x&after=9999999999.1&q=%E2%80%AE"
    assert len(listed(one.get(odd))) == 3
    assert len(listed(one.get("/hearings/?before=99999999999999999999.1"))) == 3


def test_pages_by_key_and_the_same_number_of_statements(world, browser, statements):
    world.hearing("concluded")
    one = browser(world.organiser)
    with statements() as few:
        one.get("/hearings/")
    day = datetime(2024, 1, 4, 19, tzinfo=LOCAL)
    for n in range(299):
        db.session.add(
            Hearing(
                title=f"第{n}场",
                station=world.station,
                starts_at=day + timedelta(days=n // 2),
                ends_at=day + timedelta(days=n // 2, hours=2),
                status=HearingStatus.CONCLUDED,
            )
        )
    db.session.commit()
    with statements() as many:
        first = one.get("/hearings/")
    assert len(few) == len(many) <= 12
    assert "300" in soup(first).select_one(".pages-count").get_text()
    seen, page = listed(first), first
    while soup(page).select_one("a[rel=next]"):
        page = one.get(soup(page).select_one("a[rel=next]")["href"])
        seen += listed(page)
    assert len(seen) == len(set(seen)) == 300
    back = one.get(soup(page).select_one("a[rel=prev]")["href"])
    assert listed(back) == seen[200:250]
    filtered = one.get("/hearings/?status=concluded&year=2024")
    assert "status=concluded" in soup(filtered).select_one("a[rel=next]")["href"]


def test_an_empty_list_says_what_to_do(world, browser):
    page = browser(world.organiser).get("/hearings/")
    assert soup(page).select_one(".empty a")["href"] == "/hearings/new"
    nothing = browser(world.deputy).get("/hearings/")
    assert words("You have not been invited to a hearing yet. Once you are, it stands here.") in nothing.text
    assert soup(nothing).select_one("a[href='/hearings/new']") is None


def cell(answer, day):
    return soup(answer).find("time", datetime=day.isoformat()).find_parent("td")


def test_the_month_begins_on_monday_and_marks_days(world, browser):
    one = browser(world.organiser)
    october = one.get("/hearings/calendar?month=2026-10")
    heads = [th.get_text() for th in soup(october).select(".calendar th")]
    assert heads == [words(d) for d in ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")]
    assert len(soup(october).select(".calendar tbody tr")) == 5
    first = soup(october).select(".calendar tbody tr")[0].select("td")
    assert ["is-empty" in td.get("class", []) for td in first] == [True] * 3 + [False] * 4
    assert words("holiday: %(name)s", name="国庆节") in cell(october, date(2026, 10, 1)).get_text()
    assert words("make-up workday") in cell(october, date(2026, 10, 10)).get_text()
    assert "is-workday" in cell(october, date(2026, 10, 10))["class"]
    links = [a["href"] for a in soup(october).select("nav a[rel]")]
    assert links == ["/hearings/calendar?month=2026-09", "/hearings/calendar?month=2026-11"]
    now = one.get("/hearings/calendar")
    assert cell(now, today())["aria-current"] == "date"
    later = one.get("/hearings/calendar?month=2030-02")
    assert (
        words(
            "The holidays of %(year)d are not published yet; only weekends are marked, and dates may move.", year=2030
        )
        in soup(later).get_text()
    )


def test_the_month_shows_hearings_on_their_day_by_local_time(world, browser):
    early = world.hearing(title="早场", day=date(2026, 12, 31), **evening(date(2026, 12, 31), "00:30", "01:30"))
    world.hearing(title="跨年场", **evening(date(2026, 12, 31), "23:00", "23:59"))
    off = world.hearing(title="取消场", **evening(date(2026, 12, 10)))
    operations.cancel(off, reason="台风", actor=world.organiser)
    elsewhere = world.hearing(title="霞浦场", station=world.other_station, **evening(date(2026, 12, 10)))
    one = browser(world.organiser)
    december = one.get("/hearings/calendar?month=2026-12")
    shown = [a.get_text(" ", strip=True) for a in cell(december, date(2026, 12, 31)).select("a")]
    assert [("早场" in shown[0], "00:30–01:30" in shown[0]), ("跨年场" in shown[1], len(shown))] == [
        (True, True),
        (True, 2),
    ]
    assert cell(december, early.day).select("a")[0]["href"] == f"/hearings/{early.id}"
    assert cell(december, off.day).select_one("s").get_text(strip=True) == "取消场"
    january = one.get("/hearings/calendar?month=2027-01")
    assert soup(january).select(".calendar a") == []
    street = browser(world.street).get("/hearings/calendar?month=2026-12")
    assert "霞浦场" not in street.text and elsewhere.title in december.text
    for odd in ("2026-13", "x", "%00", "99999-1", "2026-", "-", "1990-01", "²026-01"):
        assert one.get(f"/hearings/calendar?month={odd}").status_code == 200


def test_a_full_month_costs_no_more_statements(world, browser, statements):
    one = browser(world.organiser)
    with statements() as few:
        one.get("/hearings/calendar?month=2027-03")
    for n in range(300):
        at = local(date(2027, 3, 1) + timedelta(days=n % 31), time(19))
        db.session.add(
            Hearing(
                title=f"{n}", station=world.station, starts_at=at, ends_at=at + timedelta(hours=2), status="announced"
            )
        )
    db.session.commit()
    with statements() as many:
        page = one.get("/hearings/calendar?month=2027-03")
    assert len(soup(page).select(".calendar a")) == 300
    assert len(few) == len(many) <= 12
