"""Stations: add, change, retire, use again; history keeps the old names."""

from datetime import timedelta

from sqlalchemy import select

from hearings.db import db, today
from hearings.schedule import operations
from hearings.schedule.models import Station
from tests.schedule.helpers import acts, button_of, error_at, fill, form_of, soup, value_of, words

FIELDS = {
    "code": "DQ",
    "name": "大碶街道人大代表联络站",
    "street": "大碶",
    "address": "坝头路88号（示例）",
    "capacity": "40",
}


def test_a_station_is_added_renamed_retired_and_used_again(world, browser):
    one = browser(world.organiser)
    done = fill(one, "/stations/new", **FIELDS)
    made = db.session.scalars(select(Station).where(Station.code == "DQ")).one()
    assert (done.status_code, done.headers["Location"]) == (303, f"/stations/{made.id}")
    assert (made.name, made.street, made.capacity, made.contact) == ("大碶街道人大代表联络站", "大碶", 40, None)

    held = world.hearing("concluded", station=made)
    planned = world.hearing(station=made)
    before = planned.sequence
    fill(one, f"/stations/{made.id}/edit", name="大碶联络站（新址）", address="沿山河路1号（示例）")
    assert held.place == "大碶街道人大代表联络站（坝头路88号（示例））"
    assert planned.place == "大碶联络站（新址）（沿山河路1号（示例））"
    assert planned.sequence == before + 1
    page = soup(one.get(f"/stations/{made.id}"))
    (was,) = page.select("#formerly tbody tr")
    assert [cell.get_text(strip=True) for cell in was.select("td")][1:] == [
        "大碶街道人大代表联络站",
        "坝头路88号（示例）",
    ]
    places = [row.select("td")[3].get_text(strip=True) for row in page.select("#hearings tbody tr")]
    assert places == ["大碶联络站（新址）（沿山河路1号（示例））", "大碶街道人大代表联络站（坝头路88号（示例））"]

    refused = fill(one, f"/stations/{made.id}/retire", on=today().isoformat())
    assert refused.status_code == 422
    assert error_at(refused, "on") == words("After that day, hearings are still planned there: %(count)d.", count=1)
    last = planned.day + timedelta(days=1)
    assert fill(one, f"/stations/{made.id}/retire", on=last.isoformat()).status_code == 303
    assert made.valid_until == last
    again = one.post(
        f"/stations/{made.id}/reopen", button_of(one.get(f"/stations/{made.id}"), f"/stations/{made.id}/reopen")
    )
    assert again.status_code == 303
    assert made.valid_until is None
    assert acts("station", made.id) == ["station.create", "station.amend", "station.retire", "station.amend"]


def test_a_retired_station_takes_no_hearing_after_its_last_day(world, browser):
    operations.retire_station(world.other_station, on=today() - timedelta(days=1), actor=world.organiser)
    one = browser(world.organiser)
    assert "霞浦" not in soup(one.get("/hearings/new")).select_one("#station").get_text()
    operations.reopen_station(world.other_station, actor=world.organiser)
    operations.retire_station(world.other_station, on=today() + timedelta(days=3), actor=world.organiser)
    refused = fill(
        one, "/hearings/new", station=str(world.other_station.id), day=(today() + timedelta(days=9)).isoformat()
    )
    assert refused.status_code == 422
    assert error_at(refused, "station")
    assert value_of(refused, "station") == str(world.other_station.id)


def test_everybody_reads_and_only_the_district_and_the_administrator_change(world, browser):
    for person in (world.deputy, world.department, world.leader, world.auditor, world.street):
        one = browser(person)
        assert "新碶街道人大代表联络站" in one.get("/stations/").text
        assert one.get(f"/stations/{world.station.id}").status_code == 200
        assert one.get("/stations/new").status_code == 403
        assert one.post(f"/stations/{world.station.id}/edit", FIELDS).status_code == 403
        assert one.post(f"/stations/{world.station.id}/retire", {"on": "2026-01-01"}).status_code == 403
        assert one.post(f"/stations/{world.station.id}/reopen").status_code == 403
    assert world.station.name == "新碶街道人大代表联络站"
    for person in (world.admin, world.organiser):
        assert browser(person).get("/stations/new").status_code == 200
    assert browser(world.admin).get("/stations/999999").status_code == 404


def test_what_does_not_hold_is_said_at_the_field_and_kept(world, browser):
    one = browser(world.organiser)
    taken = fill(one, "/stations/new", **(FIELDS | {"code": "XQ"}))
    assert (taken.status_code, error_at(taken, "code")) == (422, words("There is a station with this code already."))
    assert (value_of(taken, "name"), value_of(taken, "capacity")) == ("大碶街道人大代表联络站", "40")
    odd = fill(one, "/stations/new", **(FIELDS | {"name": "一行\r\n二行", "capacity": "9" * 30, "address": "\x00路"}))
    assert odd.status_code == 422
    assert error_at(odd, "name") == words("This field takes one line only.")
    assert error_at(odd, "capacity") == words("This is not a whole number.")
    assert error_at(odd, "address")
    assert value_of(odd, "capacity") == "9" * 30
    assert db.session.scalars(select(Station.code).order_by(Station.code)).all() == ["XP", "XQ"]


def test_sent_twice_it_is_added_once(world, browser):
    one = browser(world.organiser)
    data = form_of(one.get("/stations/new")) | FIELDS
    first, second = one.post("/stations/new", data), one.post("/stations/new", data)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(db.session.scalars(select(Station).where(Station.code == "DQ")).all()) == 1


def test_two_people_change_different_fields_and_the_same(world, browser):
    one, two = browser(world.organiser), browser(world.admin)
    path = f"/stations/{world.station.id}/edit"
    mine, theirs = form_of(one.get(path)), form_of(two.get(path))
    assert two.post(path, theirs | {"contact": "周老师", "name": "甲站"}).status_code == 303
    clash = one.post(path, mine | {"capacity": "80", "name": "乙站"})
    assert clash.status_code == 409
    assert "甲站" in clash.text and "乙站" in clash.text
    assert (world.station.name, world.station.capacity) == ("甲站", 60)
    again = one.post(path, form_of(clash) | {"name__choice": "mine"})
    assert again.status_code == 303
    assert (world.station.name, world.station.capacity, world.station.contact) == ("乙站", 80, "周老师")
