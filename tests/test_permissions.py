"""Role × action, against a table written by hand (tests/permissions.txt); the test reads no table of ours."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from hearings.audit import AuditEvent
from hearings.db import db, now, today
from hearings.files import Blob
from hearings.issues import operations as issues
from hearings.issues.models import Assignment, Commitment, Extension, Issue, ResultClass
from hearings.minutes.models import Minutes
from hearings.people.models import Department, User
from hearings.permissions import POLICY, may, scoped
from hearings.reviews import operations as reviews
from hearings.reviews.models import Confirmation
from hearings.schedule import operations as schedule
from hearings.schedule.models import Hearing, Participant, Preparation, Station, Topic
from hearings.workdays import CalendarDay

ROLES = ["admin", "auditor", "organiser", "street", "deputy", "department", "leader"]
ROW_OF = {
    # the row that an action is done on, where it is not the action's own entity
    "hearing.create": "station",
    "issue.log": "hearing",
    "hearing.run": "hearing",
    "topic.create": "topic",
    "commitment.make": "issue",
    "extension.ask": "commitment",
    "look_back.plan": "hearing",
    "finding.record": "hearing",
    "ballot.record": "hearing",
    "confirmation.ask": "issue",
    "minutes.draft": "hearing",
    "paper.print": "hearing",
    "invitation.read": "hearing",
    "invitation.remind": "hearing",
    "message.read": "hearing",
}
NO_ROW = {"user", "setting", "holiday", "audit"}
MODELS: dict[str, Any] = {
    "user": User,
    "department": Department,
    "station": Station,
    "setting": CalendarDay,
    "holiday": CalendarDay,
    "audit": AuditEvent,
    "hearing": Hearing,
    "participant": Participant,
    "topic": Topic,
    "preparation": Preparation,
    "issue": Issue,
    "assignment": Assignment,
    "commitment": Commitment,
    "extension": Extension,
    "confirmation": Confirmation,
    "minutes": Minutes,
}


def table() -> dict[str, dict[str, str]]:
    rows = {}
    for line in (Path(__file__).parent / "permissions.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            action, *cells = line.split()
            rows[action] = dict(zip(ROLES, cells, strict=True))
    return rows


@pytest.fixture
def two_circles(world: Any) -> dict[str, tuple[int, int]]:
    """For each entity the id of a row in the test people's circle, and of one in another's."""
    made: dict[str, list[int]] = {name: [] for name in MODELS}
    for deputy, bureau, station, street in (
        (world.deputy, world.bureau, world.station, "新碶"),
        (world.other_deputy, world.other_bureau, world.other_station, "霞浦"),
    ):
        hearing = schedule.draft_hearing(
            title=f"{street}的一晚",
            station=station,
            starts_at=now() - timedelta(hours=3),
            ends_at=now() - timedelta(hours=1),
            actor=world.organiser,
        )
        schedule.add_person(hearing, deputy, actor=world.organiser)
        seat = schedule.add_department(hearing, bureau, actor=world.organiser)
        topic = schedule.add_topic(
            title="议题", street=street, departments=[bureau], deputy=deputy, hearing=hearing, actor=world.organiser
        )
        preparation = schedule.prepare(hearing, bureau, text="已备材料", file=None, actor=world.organiser)
        for act in (schedule.announce, schedule.open_session):
            act(hearing, actor=world.organiser)
        issue = issues.log_issue(
            hearing, statement="路灯不亮，晚上看不清路。", lead_deputy=deputy, street=street, actor=world.organiser
        )
        commitment = issues.make_commitment(
            issue, measure="修好路灯", lead=bureau, due_on=today() + timedelta(days=9), actor=world.organiser
        )
        schedule.conclude(hearing, actor=world.organiser)
        assignment = issues.assign(issue, lead=bureau, actor=world.organiser)[0]
        extension = issues.ask_extension(
            commitment, new_due_on=today() + timedelta(days=19), reason="等灯具", actor=world.organiser
        )
        issues.reply(assignment, result_class=ResultClass.A, text="已修好", signed_by="局长", actor=world.organiser)
        confirmation = reviews.ask_confirmation(issue, actor=world.organiser)
        minutes = Minutes(
            hearing=hearing,
            version=1,
            content={},
            composed={},
            drafted_by=world.organiser,
            status="published",
            issued_by="张某某",
            issued_on=date(2026, 1, 1),
            published_at=now(),
            content_sha256="0",
        )
        db.session.add(Blob(sha256=f"blob{hearing.id}", data=b"x"))
        db.session.flush()
        minutes.pdf_sha256 = f"blob{hearing.id}"
        db.session.add(minutes)
        db.session.flush()
        rows = {
            "station": station, "hearing": hearing, "participant": seat, "topic": topic, "issue": issue,
            "commitment": commitment, "assignment": assignment, "extension": extension,
            "confirmation": confirmation, "minutes": minutes, "preparation": preparation, "department": bureau, "user": deputy,
        }  # fmt: skip
        for name, row in rows.items():
            made[name].append(row.id)
    db.session.commit()
    return {name: (ids[0], ids[1]) for name, ids in made.items() if ids}


def person(world: Any, role: str) -> User:
    return getattr(world, role)


def test_every_action_stands_in_the_table() -> None:
    assert sorted(table()) == sorted(POLICY)


def test_who_may_do_what_on_which_row(world: Any, two_circles: dict[str, tuple[int, int]]) -> None:
    wrong = []
    for action, cells in table().items():
        entity = ROW_OF.get(action, action.split(".")[0])
        for role in ROLES:
            user, wanted = person(world, role), cells[role]
            if entity in NO_ROW or action in ("hearing.create", "topic.create"):
                found = "yes" if may(user, action) else "-"
                wanted = "-" if wanted == "-" else "yes"
            else:
                model = MODELS[entity]
                mine, foreign = two_circles[entity]
                seen = set(db.session.scalars(select(model.id).where(scoped(action, user, model))))
                found = "-"
                if mine in seen:
                    found = "both" if foreign in seen else "own"
                elif foreign in seen:
                    found = "only the foreign one"
            if found != wanted:
                wrong.append(f"{action} {role}: {found}, not {wanted}")
    assert wrong == []


def test_nobody_may_anything_without_signing_in() -> None:
    class Nobody:
        is_authenticated = False

    assert [action for action in POLICY if may(Nobody(), action)] == []


def test_who_is_asked_nobody_may_only_read(app: Any) -> None:
    anonymous = [rule for rule in app.url_map.iter_rules() if hasattr(app.view_functions[rule.endpoint], "anonymous")]
    assert anonymous
    assert {method for rule in anonymous for method in rule.methods} == {"GET", "HEAD", "OPTIONS"}
