"""Who takes part: from the directory in bulk, by name, without names; what an office says and brings."""

import io
from datetime import timedelta

import pytest
from sqlalchemy import select

from hearings.db import db, today
from hearings.schedule import operations
from hearings.schedule.models import AttendanceList, Capacity, HearingStatus, Participant, Preparation
from tests import factories
from tests.schedule.helpers import acts, button_of, error_at, fill, form_of, soup, value_of, words


def seats(hearing):
    return db.session.scalars(
        select(Participant).where(Participant.hearing_id == hearing.id).order_by(Participant.position, Participant.id)
    ).all()


def office_seat(hearing, office):
    return next(s for s in seats(hearing) if s.department_id == office.id)


def empty_draft(world):
    """A draft where only the chair has a seat."""
    draft = world.hearing("draft")
    for seat in seats(draft):
        if seat.user_id != world.leader.id:
            db.session.delete(seat)
    db.session.commit()
    return draft


def test_many_at_once_in_protocol_order(world, browser):
    draft = empty_draft(world)
    mayor = factories.user("leader", name="王某某", title="副区长", protocol_order=3)
    street = factories.user("organiser", name="孙某某", title="主任", protocol_order=43, stations=[world.station])
    writer = factories.user("organiser", name="钱某", title="工作人员", protocol_order=60)
    db.session.commit()
    one = browser(world.organiser)
    path = f"/hearings/{draft.id}/participants/add"
    page = one.get(path)
    offered = {box["value"] for box in soup(page).select("input[name=leaders]")}
    assert offered == {str(mayor.id)}  # the chair has a seat already
    data = form_of(page) | {
        "leaders": [str(mayor.id)],
        "deputies": [str(world.other_deputy.id), str(world.deputy.id)],
        "departments": [str(world.street_office.id), str(world.bureau.id)],
        "staff": [str(world.organiser.id), str(writer.id), str(street.id)],
    }
    assert "孙某某（新碶 主任）" in page.text
    first, second = one.post(path, data), one.post(path, data)
    assert first.headers["Location"] == second.headers["Location"] == f"/hearings/{draft.id}/participants"
    assert [(s.name or s.unit, s.capacity, s.listed) for s in seats(draft)] == [
        ("张某某", Capacity.CHAIR, AttendanceList.PRESENT),
        ("王某某", Capacity.GOVERNMENT_LEADER, AttendanceList.IN_ATTENDANCE),
        ("孙某某", Capacity.STREET_COMMITTEE, AttendanceList.PRESENT),
        ("代表甲", Capacity.DEPUTY, AttendanceList.PRESENT),
        ("代表乙", Capacity.DEPUTY, AttendanceList.PRESENT),
        ("周某某", Capacity.STREET_COMMITTEE, AttendanceList.PRESENT),
        ("区交通运输局", Capacity.DEPARTMENT_HEAD, AttendanceList.IN_ATTENDANCE),
        ("新碶街道办", Capacity.STREET_OFFICE, AttendanceList.IN_ATTENDANCE),
        ("钱某", Capacity.STAFF, AttendanceList.IN_ATTENDANCE),
    ]
    shown = soup(one.get(f"/hearings/{draft.id}/participants"))
    assert [h.get_text(" ", strip=True) for h in shown.select(".section h2")] == [
        f"{words('Present')} 5",
        f"{words('In attendance')} 4",
    ]


def test_nobody_chosen_or_somebody_not_offered(world, browser):
    draft = world.hearing("draft")
    one = browser(world.organiser)
    path = f"/hearings/{draft.id}/participants/add"
    nobody = one.post(path, form_of(one.get(path)))
    assert nobody.status_code == 422
    assert words("Choose at least one person or office.") in soup(nobody).get_text()
    retired = factories.department("已撤的局")
    retired.valid_until = draft.day.replace(year=2020)
    for field, value in (
        ("leaders", str(world.deputy.id)),
        ("deputies", "999999"),
        ("departments", str(retired.id)),
        ("departments", "999999999999999999999999"),
        ("staff", "abc"),
    ):
        refused = one.post(path, form_of(one.get(path)) | {field: [value]})
        assert (refused.status_code, error_at(refused, field)) == (422, words("Please choose from the list.")), field
    assert len(seats(draft)) == 5


def test_ten_residents_without_names_fill_the_room(world, browser):
    draft = world.hearing("draft")
    one = browser(world.organiser)
    path = f"/hearings/{draft.id}/participants/guest"
    assert fill(one, path, seats="10", unit="高塘社区").status_code == 303
    residents = seats(draft)[-1]
    assert (residents.name, residents.seats, residents.capacity, residents.listed) == (
        None,
        10,
        Capacity.RESIDENT,
        AttendanceList.IN_ATTENDANCE,
    )
    page = one.get(f"/hearings/{draft.id}/participants")
    assert words("%(total)d seats are taken; the station has %(room)d.", total=15, room=60) in soup(page).get_text()
    assert words("%(count)d seats", count=10) in page.text
    assert words("That is more than the room holds.") not in page.text
    fill(one, path, seats="50")
    assert words("That is more than the room holds.") in one.get(f"/hearings/{draft.id}/participants").text


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "李大妈", "seats": "2"}, "seats"),
        ({"seats": "0"}, "seats"),
        ({"seats": "501"}, "seats"),
        ({"seats": "viele"}, "seats"),
        ({"capacity": "king"}, "capacity"),
        ({"listed": ""}, "listed"),
        ({"name": "a\r\nb"}, "name"),
        ({"name": "字" * 41}, "name"),
        ({"email": "kein@@ x"}, "email"),
        ({"position": "99999999999999999999"}, "position"),
        ({"capacity": "media", "listed": "public_gallery"}, "name"),
    ],
)
def test_a_guest_that_does_not_hold(world, browser, changes, field):
    draft = world.hearing("draft")
    refused = fill(
        browser(world.organiser), f"/hearings/{draft.id}/participants/guest", **({"title": "留住"} | changes)
    )
    assert refused.status_code == 422
    assert error_at(refused, field)
    assert value_of(refused, "title") == "留住"
    assert len(seats(draft)) == 5


def test_one_seat_is_changed_removed_and_put_back(world, browser):
    hearing = world.hearing()
    deputy = next(s for s in seats(hearing) if s.user_id == world.deputy.id)
    one = browser(world.organiser)
    page = one.get(f"/participants/{deputy.id}")
    assert soup(page).find(id="name") is None and soup(page).find(id="seats") is None
    done = one.post(
        f"/participants/{deputy.id}",
        form_of(page) | {"capacity": "recorder", "listed": "public_gallery", "position": "7", "name": "别人"},
    )
    assert done.headers["Location"] == f"/hearings/{hearing.id}/participants"
    assert (deputy.capacity, deputy.listed, deputy.position, deputy.name) == (
        Capacity.RECORDER,
        AttendanceList.PUBLIC_GALLERY,
        7,
        "代表甲",
    )
    id_, path = deputy.id, f"/participants/{deputy.id}/remove"
    one.post(path, button_of(one.get(f"/hearings/{hearing.id}/participants"), path))
    assert db.session.get(Participant, id_) is None
    page = one.get(f"/hearings/{hearing.id}/participants")
    undo = soup(page).select_one("form.undo")["action"]
    one.post(undo, button_of(page, undo))
    back = db.session.get(Participant, id_)
    assert (back.user, back.position) == (world.deputy, 7)
    assert acts("participant", id_) == [
        "participant.add",
        "participant.amend",
        "participant.remove",
        "participant.remove.undo",
    ]


def test_two_people_change_one_seat(world, browser):
    hearing = world.hearing()
    seat = seats(hearing)[0]
    one, two = browser(world.organiser), browser(world.street)
    path = f"/participants/{seat.id}"
    mine, theirs = form_of(one.get(path)), form_of(two.get(path))
    two.post(path, theirs | {"position": "3", "title": "他写的"})
    clash = one.post(path, mine | {"unit": "我的单位", "title": "我写的"})
    assert clash.status_code == 409
    assert (seat.position, seat.title, seat.unit) == (3, "他写的", None)
    one.post(path, form_of(clash) | {"title__choice": "mine"})
    assert (seat.position, seat.title, seat.unit) == (3, "我写的", "我的单位")


def test_when_the_list_is_closed(world, browser):
    hearing = world.hearing()
    seat = seats(hearing)[0]
    operations.cancel(hearing, reason="台风", actor=world.organiser)
    one = browser(world.organiser)
    page = one.get(f"/hearings/{hearing.id}/participants")
    assert soup(page).select("tbody a, tbody form") == soup(page).select("tbody a[href*=attendee]")
    closed = words("The list of this hearing is closed.")
    assert closed in soup(one.post(f"/participants/{seat.id}/remove")).get_text()
    guest = fill(one, f"/hearings/{hearing.id}/participants/guest", name="李大妈")
    assert (guest.status_code, closed in soup(guest).get_text()) == (422, True)
    assert closed in soup(browser(world.department).get(f"/hearings/{hearing.id}/attendee")).get_text()
    late = browser(world.department).post(
        f"/hearings/{hearing.id}/attendee", {"name": "郑某某", "text": "太晚了", "base": "{}"}
    )
    assert (late.status_code, closed in soup(late).get_text()) == (422, True)
    assert db.session.scalars(select(Preparation)).all() == []


def test_who_may_read_and_who_may_change_the_list(world, browser):
    hearing = world.hearing()
    seat = seats(hearing)[0]
    for person in (world.deputy, world.department, world.leader, world.auditor):
        one = browser(person)
        assert "代表乙" in one.get(f"/hearings/{hearing.id}/participants").text
        assert one.get(f"/hearings/{hearing.id}/participants/add").status_code == 403
        assert one.post(f"/hearings/{hearing.id}/participants/guest", {"name": "x"}).status_code == 403
        assert one.post(f"/participants/{seat.id}/remove").status_code in (403, 404)
    elsewhere = world.hearing(station=world.other_station)
    foreign = seats(elsewhere)[0]
    street = browser(world.street)
    assert street.get(f"/participants/{foreign.id}").status_code == 404
    assert street.post(f"/participants/{foreign.id}/remove").status_code == 404
    assert browser(world.admin).get(f"/hearings/{hearing.id}/participants").status_code in (403, 404)
    assert len(seats(hearing)) == len(seats(elsewhere)) == 5


def test_a_department_names_who_comes_and_hands_in_what_it_brings(world, browser):
    hearing = world.hearing()
    operations.add_topic(
        title="桥下堆物", hearing=hearing, departments=[world.bureau], street="新碶", actor=world.organiser
    )
    operations.add_topic(
        title="校门口", hearing=hearing, departments=[world.other_bureau], street="新碶", actor=world.organiser
    )
    one = browser(world.department)
    path = f"/hearings/{hearing.id}/attendee"
    page = one.get(path)
    assert [li.get_text(strip=True) for li in soup(page).select("#topics strong")] == ["桥下堆物"]
    done = one.post(
        path,
        form_of(page)
        | {
            "name": "郑某某",
            "title": "局长",
            "stand_in_name": "何某某",
            "stand_in_title": "副局长",
            "text": "4月16日前完成清理。",
            "file": (io.BytesIO("清理方案".encode()), "方案.txt"),
        },
        content_type="multipart/form-data",
    )
    assert done.status_code == 303
    seat = office_seat(hearing, world.bureau)
    assert (seat.name, seat.title, seat.stand_in_name, seat.stand_in_title) == ("郑某某", "局长", "何某某", "副局长")
    (paper,) = db.session.scalars(select(Preparation))
    assert (paper.text, paper.file.name, paper.by) == ("4月16日前完成清理。", "方案.txt", world.department)
    again = one.get(done.headers["Location"])
    assert (value_of(again, "name"), value_of(again, "text")) == ("郑某某", "")
    file = one.get(f"/preparations/{paper.id}/file")
    assert (file.data.decode(), file.headers["Content-Type"]) == ("清理方案", "text/plain; charset=utf-8")
    assert file.headers["Content-Disposition"].startswith("attachment;")
    assert "%E6%96%B9%E6%A1%88.txt" in file.headers["Content-Disposition"]
    listed = browser(world.organiser).get(f"/hearings/{hearing.id}/participants").text
    assert "郑某某" in listed and words("Stand-in: %(who)s", who="何某某 副局长") in listed


def test_who_may_read_a_preparation(world, browser):
    hearing = world.hearing()
    paper = operations.prepare(hearing, world.bureau, text="只给组织方看", file=None, actor=world.department)
    path = f"/preparations/{paper.id}/file"
    assert browser(world.organiser).get(path).status_code == 404  # words only, no file
    assert browser(world.other_department).get(path).status_code == 404
    assert browser(world.deputy).get(path).status_code in (403, 404)
    assert "只给组织方看" in browser(world.department).get(f"/hearings/{hearing.id}/attendee").text
    theirs = browser(world.other_department).get(f"/hearings/{hearing.id}/attendee")
    assert theirs.status_code == 200 and "只给组织方看" not in theirs.text


def test_the_organiser_does_it_for_an_office_on_the_phone(world, browser):
    hearing = world.hearing()
    one = browser(world.organiser)
    chosen = one.get(f"/hearings/{hearing.id}/attendee")
    links = [a["href"] for a in soup(chosen).select("tbody a")]
    assert links == [f"/hearings/{hearing.id}/attendee?department={d.id}" for d in (world.bureau, world.other_bureau)]
    assert fill(one, links[1], name="吴某某", title="副局长").status_code == 303
    assert office_seat(hearing, world.other_bureau).name == "吴某某"
    assert one.get(f"/hearings/{hearing.id}/attendee?department=99999").status_code == 404
    foreign = browser(world.department).get(links[1])
    assert foreign.status_code == 404
    assert browser(world.department).post(links[1], {"name": "x"}).status_code == 404
    for person in (world.deputy, world.leader):
        assert browser(person).get(f"/hearings/{hearing.id}/attendee").status_code == 403
    stranger = factories.user("department", department=factories.department("没受邀的局"))
    assert browser(stranger).get(f"/hearings/{hearing.id}/attendee").status_code == 404


def test_preparation_alone_is_enough_but_nothing_is_not(world, browser):
    hearing = world.hearing()
    one = browser(world.department)
    path = f"/hearings/{hearing.id}/attendee"
    empty = fill(one, path)
    assert (empty.status_code, error_at(empty, "name")) == (422, words("Say who comes."))
    assert fill(one, path, text="先交材料").status_code == 303
    assert office_seat(hearing, world.bureau).name is None
    fill(one, path, name="郑某某")
    gone = fill(one, path, name="")
    assert error_at(gone, "name") == words("Say who comes.")
    assert office_seat(hearing, world.bureau).name == "郑某某"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("照片.png", b"no picture"),
        ("表.xlsx", b"PK not really"),
        ("病毒.exe", b"MZ"),
        ("空.pdf", b""),
        ("大.txt", b"x" * 11_000_000),
    ],
)
def test_a_file_that_is_not_what_it_says(world, browser, name, data):
    hearing = world.hearing()
    one = browser(world.department)
    path = f"/hearings/{hearing.id}/attendee"
    refused = one.post(
        path,
        form_of(one.get(path)) | {"name": "郑某某", "text": "要留住的话", "file": (io.BytesIO(data), name)},
        content_type="multipart/form-data",
    )
    assert refused.status_code == 422
    assert name in (error_at(refused, "file") or "")
    assert (value_of(refused, "name"), value_of(refused, "text")) == ("郑某某", "要留住的话")
    assert office_seat(hearing, world.bureau).name is None
    assert db.session.scalars(select(Preparation)).all() == []


def test_200_participants_cost_no_more_statements(world, browser, statements):
    hearing = world.hearing()
    one = browser(world.organiser)
    pages = [f"/hearings/{hearing.id}/participants", f"/hearings/{hearing.id}/announce"]
    with statements() as few:
        one.get(pages[0])
    for n in range(200):
        operations.add_guest(
            hearing,
            name=f"来宾{n}",
            capacity=Capacity.OBSERVER,
            listed=AttendanceList.PUBLIC_GALLERY,
            actor=world.organiser,
        )
    for n in range(20):
        operations.add_department(hearing, factories.department(f"第{n}处"), actor=world.organiser)
    hearing.status = HearingStatus.DRAFT
    db.session.commit()
    with statements() as many:
        page = one.get(pages[0])
    assert len(soup(page).select("tbody tr")) == 225
    assert len(few) <= 12 and len(many) <= 12
    with statements() as announcing:
        one.get(pages[1])
    assert len(announcing) <= 16


def test_who_came_last_time_is_proposed_and_sent_as_it_stands(world, browser):
    before = world.hearing("announced", day=today() + timedelta(days=5))
    operations.name_attendee(office_seat(before, world.bureau), name="郑某某", title="局长", actor=world.department)
    hearing = world.hearing("announced", day=today() + timedelta(days=40))
    one, path = browser(world.department), f"/hearings/{hearing.id}/attendee"
    page = one.get(path)
    assert (value_of(page, "name"), value_of(page, "title")) == ("郑某某", "局长")
    assert words("Filled in as at the hearing before; nothing is sent yet.") in page.text
    assert office_seat(hearing, world.bureau).name is None
    assert one.post(path, form_of(page)).status_code == 303
    seat = office_seat(hearing, world.bureau)
    assert (seat.name, seat.title) == ("郑某某", "局长")
    assert value_of(browser(world.other_department).get(path), "name") == "", "only one's own office is looked up"
