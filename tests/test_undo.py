"""What one person takes back never takes back what another has done since, nor opens a record that has been closed."""

import io
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select
from werkzeug.datastructures import FileStorage

from hearings import undo
from hearings.db import db, now, today
from hearings.errors import RuleBroken
from hearings.files import store
from hearings.issues import operations as issues
from hearings.issues.models import ExchangeKind, Extension, IssueFile, IssueStatus
from hearings.people import operations as people
from hearings.people.models import User
from hearings.reviews import operations as reviews
from hearings.reviews.models import AgendaItem, Ballot, FindingFile, Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import Came, Hearing, HearingKind, HearingStatus, Participant
from tests.factories import evening


def last_offer(actor: Any) -> int:
    mine = select(undo.UndoOffer.id).where(undo.UndoOffer.actor_id == actor.id)
    return db.session.scalars(mine.order_by(undo.UndoOffer.id.desc())).first()


def seat_of(hearing: Hearing, person: Any) -> Participant:
    return db.session.scalars(
        select(Participant).where(Participant.hearing_id == hearing.id, Participant.user_id == person.id)
    ).one()


def refused(offer: int, actor: Any) -> None:
    """Taking it back is refused, and changes nothing."""
    db.session.commit()
    with pytest.raises(RuleBroken):
        undo.take_back(offer, actor=actor)
    db.session.rollback()


def file(hearing: Hearing) -> None:
    hearing.status, hearing.filed_at = HearingStatus.FILED, now()
    db.session.commit()


# -- somebody has gone on ------------------------------------------------------------------------------


def test_an_issue_closed_reopened_and_closed_otherwise_stays_as_it_was_closed_last(world: Any) -> None:
    issue = world.issue(world.hearing("concluded"))
    reviews.confirmed_on_the_spot(issue, actor=world.organiser)
    issues.explain(issue, actor=world.organiser)
    offer = last_offer(world.organiser)
    db.session.commit()
    issues.reopen(issue, reason="又坏了", actor=world.street)
    issues.transfer(issue, to="市里", actor=world.street)
    refused(offer, world.organiser)
    assert (issue.status, issue.round) == (IssueStatus.TRANSFERRED, 2)


def test_a_count_that_a_colleague_has_mended_stays_mended(world: Any) -> None:
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    count = {"mostly_satisfied": 1, "dissatisfied": 1, "issued": 20}
    reviews.record_ballot(hearing, issue, satisfied=10, actor=world.organiser, **count)
    offer = last_offer(world.organiser)
    reviews.record_ballot(hearing, issue, satisfied=12, actor=world.street, **count)
    refused(offer, world.organiser)
    assert db.session.scalars(select(Ballot.satisfied)).all() == [12]
    undo.take_back(last_offer(world.street), actor=world.street)
    undo.take_back(offer, actor=world.organiser)  # now it stands as it was left
    assert db.session.scalars(select(Ballot)).all() == []


def test_ballots_handed_out_anew_by_a_colleague_stay_so(world: Any) -> None:
    hearing = world.hearing("in_session")
    reviews.hand_out_ballots(hearing, 40, actor=world.organiser)
    offer = last_offer(world.organiser)
    reviews.hand_out_ballots(hearing, 42, actor=world.street)
    refused(offer, world.organiser)
    assert hearing.ballots_issued == 42


def test_a_seat_that_a_colleague_has_noted_otherwise_stays_so(world: Any) -> None:
    seat = seat_of(world.hearing("in_session"), world.deputy)
    schedule.sign_in(seat, Came.SIGNED_IN, actor=world.organiser)
    offer = last_offer(world.organiser)
    schedule.sign_in(seat, Came.ABSENT, actor=world.street)
    refused(offer, world.organiser)
    assert seat.came == Came.ABSENT


def test_a_stand_in_whom_a_colleague_has_named_stays(world: Any) -> None:
    seat = seat_of(world.hearing(), world.deputy)
    schedule.name_stand_in(seat, name="代表丙", title=None, actor=world.organiser)
    offer = last_offer(world.organiser)
    schedule.name_stand_in(seat, name="代表丁", title=None, actor=world.street)
    refused(offer, world.organiser)
    assert seat.stand_in_name == "代表丁"


def test_a_meeting_that_a_colleague_has_concluded_again_stays_concluded(world: Any) -> None:
    hearing = world.hearing("in_session")
    schedule.conclude(hearing, actor=world.organiser)
    offer, another = last_offer(world.organiser), world.street
    db.session.commit()
    undo.take_back(offer, actor=world.organiser)
    schedule.conclude(hearing, actor=world.organiser)
    offer = last_offer(world.organiser)
    db.session.commit()
    hearing.status, hearing.concluded_at = HearingStatus.IN_SESSION, None
    schedule.conclude(hearing, actor=another)
    refused(offer, world.organiser)
    assert hearing.status == HearingStatus.CONCLUDED


def _log(hearing: Hearing, world: Any) -> None:
    world.issue(hearing)


def _move(hearing: Hearing, world: Any) -> None:
    later = evening(hearing.day + timedelta(days=7))
    schedule.reschedule(hearing, **later, station=hearing.station, reason="台风", actor=world.street)


@pytest.mark.parametrize("act", [_log, _move])
def test_an_announcement_is_not_taken_back_under_an_issue_or_a_new_time(
    world: Any, browser: Any, act: Callable[..., None]
) -> None:
    hearing = world.hearing("announced")
    offer, page = last_offer(world.organiser), f"/hearings/{hearing.id}"
    one = browser(world.organiser)
    assert f"/undo/{offer}" in one.get(page).text
    schedule.amend_hearing(hearing, {"theme": "另一个主题"}, actor=world.organiser)
    assert f"/undo/{offer}" in one.get(page).text
    act(hearing, world)
    refused(offer, world.organiser)
    assert hearing.status == HearingStatus.ANNOUNCED
    assert f"/undo/{offer}" not in one.get(page).text


def test_two_clicks_at_once_take_it_back_once(app: Any, world: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []

    def slowly(*, actor: Any, of: str) -> None:
        done.append(of)
        time.sleep(0.3)

    monkeypatch.setitem(undo._compensations, "test.slow", slowly)
    offer = undo.offer("test.slow", "…", actor=world.organiser, of="one")
    number, person = offer.id, world.organiser.id
    db.session.commit()
    start, said = threading.Barrier(2), []

    def click() -> None:
        with app.app_context():
            start.wait()
            try:
                undo.take_back(number, actor=db.session.get_one(User, person))
                db.session.commit()
                said.append("undone")
            except RuleBroken:
                db.session.rollback()
                said.append("refused")

    clicks = [threading.Thread(target=click) for _i in range(2)]
    for one in clicks:
        one.start()
    for one in clicks:
        one.join()
    assert (done, sorted(said)) == (["one"], ["refused", "undone"])


@pytest.mark.parametrize("change", ["stations", "roles", "department"])
def test_nothing_is_taken_back_with_rights_that_one_no_longer_has(world: Any, browser: Any, change: str) -> None:
    hearing = world.hearing("announced")
    schedule.remove_participant(seat_of(hearing, world.deputy), actor=world.street)
    offer = last_offer(world.street)
    people.amend_user(world.street, {"title": "副主任"}, actor=world.admin)
    db.session.commit()
    others = {"stations": [world.other_station], "roles": ["deputy"], "department": world.bureau}
    people.amend_user(world.street, {change: others[change]}, actor=world.admin)
    refused(offer, world.street)
    seats = select(Participant).where(Participant.hearing_id == hearing.id, Participant.user_id == world.deputy.id)
    assert db.session.scalars(seats).all() == []


# -- what was removed keeps its number -----------------------------------------------------------------


def _picture(colour: str) -> FileStorage:
    made = io.BytesIO()
    Image.new("RGB", (8, 8), colour).save(made, "PNG")
    made.seek(0)
    return FileStorage(made, f"{colour}.png")


def test_a_file_removed_comes_back_beside_one_added_since(world: Any) -> None:
    issue = world.issue()
    first = issues.attach(issue, store(_picture("red"), actor=world.organiser), actor=world.organiser)
    issues.detach(first, actor=world.organiser)
    offer = last_offer(world.organiser)
    second = issues.attach(issue, store(_picture("blue"), actor=world.organiser), actor=world.organiser)
    db.session.commit()
    assert second.id != first.id, "browsers keep /files/1 for good"
    undo.take_back(offer, actor=world.organiser)
    db.session.commit()
    kept = db.session.scalars(select(IssueFile).where(IssueFile.issue_id == issue.id).order_by(IssueFile.id))
    assert [link.file.name for link in kept] == ["red.png", "blue.png"]


def _assigned(world: Any) -> Any:
    return world.assigned()


def _asked(world: Any) -> Any:
    return reviews.ask_confirmation(world.issue(world.hearing("concluded")), actor=world.organiser)


def _moved(world: Any) -> Any:
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    meeting = world.hearing("in_session", kind=HearingKind.LOOK_BACK)
    later = promise.due_on + timedelta(days=9)
    found = {"found": "还没完", "verdict": Verdict.KEEP_TRACKING, "commitment": promise, "new_due_on": later}
    reviews.record_finding(
        meeting, issue, actor=world.organiser, files=[store(_picture("red"), actor=world.organiser)], **found
    )
    return db.session.scalars(select(Extension)).one()


@pytest.mark.parametrize("make", [_assigned, _asked, _moved])
def test_what_the_trail_says_of_a_thing_taken_back_is_never_anothers(world: Any, make: Callable[..., Any]) -> None:
    first = make(world)
    model, gone = type(first), first.id
    files = db.session.scalars(select(FindingFile.id)).all()
    undo.take_back(last_offer(world.organiser), actor=world.organiser)
    db.session.commit()
    assert db.session.get(model, gone) is None
    assert make(world).id != gone
    assert not set(files) & set(db.session.scalars(select(FindingFile.id)))


def test_a_plan_dropped_does_not_give_its_number_away(world: Any) -> None:
    day = today() + timedelta(days=9)
    plan = people.rename_department(world.bureau, name="区新局", short_name="新局", on=day, actor=world.admin)
    gone = plan.id
    people.drop_plan(world.bureau, actor=world.admin)
    db.session.commit()
    assert people.create_department(name="区另局", short_name="另局", actor=world.admin).id != gone


# -- the record has been closed ------------------------------------------------------------------------


def _removed_turn(hearing: Hearing, world: Any) -> None:
    turn = issues.add_exchange(world.issue(hearing), ExchangeKind.QUESTION, "为什么？", actor=world.organiser)
    issues.remove_exchange(turn, actor=world.organiser)


def _removed_issue(hearing: Hearing, world: Any) -> None:
    issues.remove_issue(world.issue(hearing), actor=world.organiser)


def _removed_seat(hearing: Hearing, world: Any) -> None:
    schedule.remove_participant(seat_of(hearing, world.deputy), actor=world.organiser)


def _noted_seat(hearing: Hearing, world: Any) -> None:
    schedule.sign_in(seat_of(hearing, world.deputy), Came.ON_LEAVE, actor=world.organiser)


def _noted_rest(hearing: Hearing, world: Any) -> None:
    schedule.sign_in_rest(hearing, actor=world.organiser)


def _counted(hearing: Hearing, world: Any) -> None:
    _ballot(hearing, world)


def _removed_count(hearing: Hearing, world: Any) -> None:
    reviews.remove_ballot(_ballot(hearing, world), actor=world.organiser)


def _ballot(hearing: Hearing, world: Any) -> Ballot:
    counts = {"satisfied": 3, "mostly_satisfied": 1, "dissatisfied": 1, "issued": 5}
    return reviews.record_ballot(hearing, world.issue(hearing), actor=world.organiser, **counts)


def _handed_out(hearing: Hearing, world: Any) -> None:
    reviews.hand_out_ballots(hearing, 5, actor=world.organiser)


def _dropped_item(hearing: Hearing, world: Any) -> None:
    reviews.carry_in(hearing, [world.issue(world.hearing("concluded"))], actor=world.organiser)
    reviews.drop_item(db.session.scalars(select(AgendaItem)).one(), actor=world.organiser)


@pytest.mark.parametrize(
    "act",
    [
        _removed_turn,
        _removed_issue,
        _removed_seat,
        _noted_seat,
        _noted_rest,
        _counted,
        _removed_count,
        _handed_out,
        _dropped_item,
    ],
)
def test_what_was_done_before_the_file_was_closed_is_not_taken_back_after_it(
    world: Any, act: Callable[..., None]
) -> None:
    hearing = world.hearing("concluded", kind=HearingKind.LOOK_BACK)
    act(hearing, world)
    offer = last_offer(world.organiser)
    file(hearing)
    refused(offer, world.organiser)
    hearing.status = HearingStatus.CONCLUDED
    db.session.commit()
    undo.take_back(offer, actor=world.organiser)  # it was the closed file and nothing else


def test_the_agenda_of_a_closed_file_stands(world: Any) -> None:
    hearing = world.hearing("concluded", kind=HearingKind.LOOK_BACK)
    reviews.carry_in(hearing, [world.issue(world.hearing("concluded")) for _i in range(2)], actor=world.organiser)
    item = db.session.scalars(select(AgendaItem)).first()
    file(hearing)
    for act in (lambda: reviews.drop_item(item, actor=world.organiser),
                lambda: reviews.move_item(item, up=False, actor=world.organiser)):  # fmt: skip
        with pytest.raises(RuleBroken):
            act()
    assert [i.position for i in db.session.scalars(select(AgendaItem).order_by(AgendaItem.id))] == [1, 2]
