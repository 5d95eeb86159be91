"""The demo as loaded: the example hearing's figures to the digit, and a whole office around it.

The rows are read by SQL written here, the figures from the page a person opens.
"""

import re
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from hearings.audit import AuditEvent, verify
from hearings.db import LOCAL, clock_at, db, today
from hearings.demo import loader
from hearings.issues.models import (
    Assignment,
    AssignmentStatus,
    Commitment,
    CommitmentStatus,
    Extension,
    ExtensionStatus,
    Issue,
    IssueStatus,
    Outcome,
    OutcomeFigure,
)
from hearings.issues.rules import light
from hearings.people.models import Department, User, UserRole
from hearings.reviews.models import ConfirmationStatus
from hearings.schedule.models import Hearing, HearingKind, HearingStatus, Station
from tests import factories
from tests.conftest import make_app
from tests.person import Person
from tests.postgres import database_or_skip

DECEMBER = date(2021, 12, 31)


class LatePress:
    """A press that is done with nothing until somebody waits for it."""

    def __init__(self, children: int):
        assert children > 0

    def __enter__(self) -> "LatePress":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, _render: Any, _template: str, content: dict[str, Any], **__: Any) -> "LatePaper":
        return LatePaper(content)


class LatePaper:
    def __init__(self, content: dict[str, Any]):
        self.bytes = f"%PDF-1.7 {content['title']} {content['serial_no']} {content['overview']}".encode()

    def done(self) -> bool:
        return False

    def result(self) -> bytes:
        return self.bytes


def ninth() -> Hearing:
    return db.session.scalars(select(Hearing).where(Hearing.serial_no == 9)).one()


def issue(number: int) -> Issue:
    """An issue of the example evening by its number there."""
    wanted = select(Issue).where(Issue.hearing_id == ninth().id, Issue.number == number)
    return db.session.scalars(wanted).one()


def promise(number: int, position: int) -> Commitment:
    """①, ②, ③ of an issue of the example evening."""
    wanted = select(Commitment).where(Commitment.issue_id == issue(number).id, Commitment.position == position)
    return db.session.scalars(wanted).one()


def found(entity: str, column: str = "status") -> set[str]:
    """The values that occur in a column."""
    return set(db.session.scalars(text(f"SELECT DISTINCT {column} FROM {entity} WHERE {column} IS NOT NULL")))


def counts() -> dict[str, int]:
    """How many rows each table holds."""
    return {
        name: db.session.scalar(select(func.count()).select_from(table)) or 0
        for name, table in sorted(db.metadata.tables.items())
    }


class TestNinth:
    """第9期, 25 March 2021 (domain.md §5.2)."""

    def test_its_figures_as_of_the_evaluation_meeting(self, office):
        app, _people = office
        page = Person(app, "leader", factories.PASSWORD).opens(f"/hearings/{ninth().id}?as_of=2021-09-16")
        page.reads(
            "受理 6 不予受理1个另计、2021年9月16日",
            "已销号 4 2021年9月16日",
            "解释答复办结 1 2021年9月16日",
            "跟踪中 1 2021年9月16日",
            "办结率 83.3% （销号＋解释答复）/受理：5/6、2021年9月16日",
            "解决率 66.7% A类/受理：4/6、2021年9月16日",
            "办理结果类别 A4 B1 C1",
            "当晚测评 6 满意×3、基本满意×2、不满意×1",
            "最近测评 6 满意×4、基本满意×2、2021年9月16日",
        )

    def test_which_issue_stood_where_on_that_day(self, office):
        """Struck off 01, 02, 03, 05; explained 06; tracked 04; not accepted 07: as the trail tells it."""
        end = datetime(2021, 9, 17, tzinfo=LOCAL).astimezone(UTC)
        stood: dict[int, str] = {}
        for number in range(1, 8):
            lines = db.session.scalars(
                select(AuditEvent)
                .where(AuditEvent.subject_type == "issue", AuditEvent.subject_id == issue(number).id)
                .order_by(AuditEvent.id)
            )
            stood[number] = [line.status for line in lines if line.status and line.at < end][-1]
        closed = dict.fromkeys((1, 2, 3, 5), IssueStatus.STRUCK_OFF)
        assert stood == closed | {4: IssueStatus.REPLIED, 6: IssueStatus.ANSWERED, 7: IssueStatus.NOT_ACCEPTED}

    def test_the_first_items_outcome_has_its_figures_and_their_date(self, office):
        app, _people = office
        rows = db.session.scalars(select(OutcomeFigure).where(OutcomeFigure.issue_id == issue(1).id)).all()
        assert {row.as_of for row in rows} == {DECEMBER}
        page = Person(app, "deputy", factories.PASSWORD).opens(f"/issues/{issue(1).id}")
        page.reads("50余处", "1.3万针次", "46.15万人", "65%", "截至2021年12月31日")

    def test_the_dissatisfied_one_began_in_round_two_with_one_month(self, office):
        made = db.session.scalars(
            select(Assignment).where(Assignment.issue_id == issue(5).id, Assignment.part == "lead")
        ).all()
        assert {(a.round, a.assigned_on, a.due_on) for a in made} == {(2, date(2021, 3, 29), date(2021, 4, 29))}
        the_rest = [issue(n).id for n in (1, 2, 3, 4, 6)]
        others = select(Assignment.due_on).where(Assignment.issue_id.in_(the_rest), Assignment.part == "lead")
        assert set(db.session.scalars(others)) == {date(2021, 6, 29)}

    def test_what_went_over_the_year_was_extended_and_kept(self, office):
        third = promise(4, 3)
        moved = db.session.scalars(select(Extension).where(Extension.commitment_id == third.id)).all()
        assert [(e.old_due_on, e.new_due_on, e.status) for e in moved] == [
            (DECEMBER, date(2022, 6, 30), ExtensionStatus.GRANTED)
        ]
        assert (third.due_on, third.status) == (date(2022, 6, 30), CommitmentStatus.KEPT)
        assert issue(4).status == IssueStatus.STRUCK_OFF

    @pytest.mark.parametrize(
        ("day", "number", "position", "colour"),
        [
            (date(2021, 5, 27), 4, 2, "green"),  # 34 days before its date
            (date(2021, 5, 27), 5, 1, "yellow"),  # 4 days
            (date(2021, 5, 31), 5, 1, "yellow"),  # "before" includes the day
            (date(2021, 6, 1), 5, 1, "red"),
        ],
    )
    def test_the_lights_of_that_spring(self, office, day, number, position, colour):
        made = promise(number, position)
        with clock_at(datetime(day.year, day.month, day.day, 9, tzinfo=LOCAL)):
            assert light(made.due_on, CommitmentStatus.OPEN) == colour

    def test_its_minutes_were_published_on_the_thirtieth(self, office):
        app, _people = office
        page = Person(app, "department", factories.PASSWORD).opens(f"/hearings/{ninth().id}/minutes")
        page.reads("签发 李某某 · 2021年3月30日", "版本 1")


class TestOffice:
    """A real office's years around it."""

    def test_there_is_enough_of_everything(self, office):
        sizes = counts()
        least = {"hearing": 30, "issue": 250, "commitment": 400, "department": 12, "station": 4}
        assert {name: sizes[name] for name in least if sizes[name] < least[name]} == {}
        deputies = select(func.count()).select_from(UserRole).where(UserRole.role == "deputy")
        assert (db.session.scalar(deputies) or 0) >= 40

    def test_every_state_and_outcome_occurs(self, office):
        assert found("hearing") == set(HearingStatus)
        assert found("issue") == set(IssueStatus)
        assert found("commitment") == set(CommitmentStatus)
        assert found("confirmation") == set(ConfirmationStatus) - {
            ConfirmationStatus.WITHDRAWN
        }  # nobody was that hasty
        assert found("extension") == set(ExtensionStatus)
        assert found("assignment") == set(AssignmentStatus)
        assert found("issue", "outcome") == set(Outcome)

    def test_no_two_statements_are_alike(self, office):
        said = [re.sub(r"\s", "", words) for words in db.session.scalars(select(Issue.statement))]
        assert len(set(said)) == len(said)

    def test_numbers_run_on_without_a_gap_and_in_order(self, office):
        numbered = select(Hearing.serial_no).where(Hearing.serial_no.is_not(None)).order_by(Hearing.starts_at)
        numbers = db.session.scalars(numbered).all()
        assert numbers == list(range(1, len(numbers) + 1))
        eighth = db.session.scalars(select(Hearing).where(Hearing.serial_no == 8)).one()
        assert eighth.day < date(2021, 3, 1)

    def test_references_run_on_in_every_hearing(self, office):
        rows = db.session.execute(select(Issue.hearing_id, Issue.number).order_by(Issue.hearing_id, Issue.number))
        by_hearing: dict[int, list[int]] = {}
        for hearing_id, number in rows:
            by_hearing.setdefault(hearing_id, []).append(number)
        gaps = {key: there for key, there in by_hearing.items() if there != list(range(1, len(there) + 1))}
        assert gaps == {}

    def test_one_is_coming_and_one_is_in_session_today(self, office):
        nights = select(Hearing).where(Hearing.kind == HearingKind.NIGHT_HEARING)
        coming = db.session.scalars(nights.where(Hearing.status == HearingStatus.ANNOUNCED)).all()
        assert [hearing.day > today() for hearing in coming] == [True]
        running = db.session.scalars(select(Hearing).where(Hearing.status == HearingStatus.IN_SESSION)).all()
        assert [hearing.day for hearing in running] == [today()]

    def test_everybody_of_the_demo_signs_in_and_finds_something(self, office):
        app, people = office
        for login in ("organiser", "street", "deputy", "department", "leader"):
            front = Person(app, login, factories.PASSWORD).opens("/")
            assert front.soup.select("main a[href]"), login
        assert {"admin", "auditor"} <= people.keys()

    def test_rare_characters_and_old_names_are_there(self, office):
        assert db.session.scalars(select(Station).where(Station.name.contains("新碶"))).all()
        assert db.session.scalars(select(Department).where(Department.valid_until.is_not(None))).all()


class TestTrail:
    def test_it_is_whole_and_its_times_never_go_back(self, office):
        assert verify() is None
        times = db.session.scalars(select(AuditEvent.at).order_by(AuditEvent.id)).all()
        assert [(a, b) for a, b in pairwise(times) if b < a] == []
        assert times[-1] <= datetime.now(UTC)

    def test_every_change_of_state_has_its_line(self, office):
        """The state of each row is the one its last line tells."""
        for entity in ("hearing", "issue", "commitment", "assignment", "confirmation", "extension", "minutes"):
            newest = (
                select(func.max(AuditEvent.id))
                .where(AuditEvent.subject_type == entity, AuditEvent.status.is_not(None))
                .group_by(AuditEvent.subject_id)
            )
            told = dict(
                db.session.execute(
                    select(AuditEvent.subject_id, AuditEvent.status).where(AuditEvent.id.in_(newest))
                ).all()
            )
            stands = dict(db.session.execute(text(f"SELECT id, status FROM {entity}")).all())
            wrong = {key: (told.get(key), status) for key, status in stands.items() if told.get(key) != status}
            assert wrong == {}, entity

    def test_no_undo_is_left_offered(self, office):
        """What was done years ago is not for undoing."""
        assert counts()["undo_offer"] == 0


class TestCommand:
    def test_a_second_time_changes_nothing(self, office):
        app, _people = office
        before = counts()
        result = app.test_cli_runner().invoke(args=["demo"])
        assert result.exit_code == 0
        assert "演示数据已载入。" in result.output
        assert counts() == before

    def test_a_database_with_real_data_is_refused(self, tmp_path):
        app = make_app(f"sqlite:///{tmp_path / 'real.db'}", tmp_path)
        with app.app_context():
            db.create_all()
            factories.user("admin")
            db.session.commit()
            before = counts()
            result = app.test_cli_runner().invoke(args=["demo"])
            assert result.exit_code == 1
            assert "库中已有数据。" in result.output
            assert counts() == before
            db.session.remove()
            db.engine.dispose()

    @pytest.mark.long
    def test_a_printer_that_is_always_late_changes_nothing(self, office, tmp_path, monkeypatch):
        here = counts()
        db.session.remove()
        monkeypatch.setattr(loader, "IN_PRINT", 10**6)
        monkeypatch.setattr(loader, "ThreadPoolExecutor", LatePress)
        app = make_app(f"sqlite:///{tmp_path / 'late.db'}", tmp_path)
        with app.app_context():
            db.create_all()
            result = app.test_cli_runner().invoke(args=["demo"])
            assert result.exit_code == 0, result.output
            assert counts() == here
            assert verify() is None
            db.session.remove()
            db.engine.dispose()

    @pytest.mark.long
    def test_on_postgresql_it_is_the_same_office(self, office, tmp_path):
        here = counts()
        db.session.remove()
        app: Flask = make_app(database_or_skip(), tmp_path)
        with app.app_context():
            db.create_all()
            result = app.test_cli_runner().invoke(args=["demo"])
            assert result.exit_code == 0, result.output
            there: dict[str, Any] = counts()
            assert verify() is None
            people = set(db.session.scalars(select(User.username)))
            db.session.remove()
            db.engine.dispose()
        assert there == here
        assert {"admin", "auditor", "organiser", "street", "deputy", "department", "leader"} <= people
