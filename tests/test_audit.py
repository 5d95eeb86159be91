"""The trail: one chain, whatever writes at once; nothing without its line, no line without its change."""

import threading
from typing import Any

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from hearings import audit
from hearings.audit import AuditEvent
from hearings.db import db
from hearings.errors import RuleBroken
from hearings.people.models import User
from hearings.schedule import operations as schedule
from hearings.schedule.models import Topic

WRITERS, EACH = 4, 25


def test_the_chain_holds_under_four_writers(app: Any, world: Any) -> None:
    organiser = world.organiser.id
    before = db.session.scalar(select(func.count()).select_from(AuditEvent))
    db.session.commit()
    failures: list[str] = []
    start = threading.Barrier(WRITERS)

    def write(number: int) -> None:
        with app.app_context():
            start.wait()
            for i in range(EACH):
                try:
                    schedule.add_topic(title=f"{number}-{i}", actor=db.session.get_one(User, organiser))
                    db.session.commit()
                except Exception as error:  # counted below
                    failures.append(repr(error))
                    db.session.rollback()

    threads = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert db.session.scalar(select(func.count()).select_from(Topic)) == WRITERS * EACH
    assert db.session.scalar(select(func.count()).select_from(AuditEvent)) == before + WRITERS * EACH
    assert audit.verify() is None


def test_a_refused_change_leaves_no_line(world: Any) -> None:
    hearing = world.hearing("draft")
    count = select(func.count()).select_from(AuditEvent)
    before = db.session.scalar(count)
    with pytest.raises(RuleBroken):
        schedule.conclude(hearing, actor=world.organiser)
    db.session.rollback()
    assert db.session.scalar(count) == before


def test_a_rolled_back_change_leaves_no_line(world: Any) -> None:
    count = select(func.count()).select_from(AuditEvent)
    before = db.session.scalar(count)
    schedule.add_topic(title="没有保存", actor=world.organiser)
    db.session.rollback()
    schedule.add_topic(title="保存了", actor=world.organiser)
    db.session.commit()
    assert db.session.scalar(count) == before + 1


def test_a_savepoint_that_fails_takes_its_own_lines_and_no_others(world: Any) -> None:
    count = select(func.count()).select_from(AuditEvent)
    before = db.session.scalar(count)
    schedule.amend_station(world.station, {"capacity": 70}, actor=world.organiser)
    with db.session.begin_nested():
        schedule.amend_station(world.station, {"contact": "小钱"}, actor=world.organiser)
    schedule.amend_station(world.station, {"street": "新碶"}, actor=world.organiser)
    with pytest.raises(IntegrityError), db.session.begin_nested():  # as where another worker was first
        schedule.amend_station(world.station, {"code": world.other_station.code + "x"}, actor=world.organiser)
        db.session.execute(text("UPDATE station SET code = (SELECT min(code) FROM station)"))
    schedule.amend_station(world.station, {"capacity": 80}, actor=world.organiser)
    db.session.commit()
    lines = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id).offset(before)).all()
    assert [line.details["fields"] for line in lines] == [["capacity"], ["contact"], ["street"], ["capacity"]]
    assert world.station.capacity == 80
    assert audit.verify() is None


@pytest.mark.parametrize("statement", ["UPDATE audit_event SET actor_name = 'x'", "DELETE FROM audit_event"])
def test_the_database_refuses_to_change_a_line(world: Any, statement: str) -> None:
    with pytest.raises(DBAPIError, match="append-only"):
        db.session.execute(text(statement))
    db.session.rollback()


def test_a_line_says_who_what_and_where_it_belongs(world: Any) -> None:
    hearing = world.hearing("announced")
    line = audit.trail(hearing)[-1]
    assert (line.action, line.actor_name, line.hearing_id, line.status, line.subject_type) == (
        "hearing.announce",
        "周某某",
        hearing.id,
        "announced",
        "hearing",
    )
    assert line.details["serial_no"] == 1
