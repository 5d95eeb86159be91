"""Seeded walks: whatever people do in whatever order, the house stays whole."""

import random
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select

from hearings import audit
from hearings.audit import AuditEvent
from hearings.db import clock_at, db, now, today
from hearings.errors import RuleBroken
from hearings.issues import operations as issues
from hearings.issues.models import (
    Assignment,
    Commitment,
    CommitmentStatus,
    ExchangeKind,
    Extension,
    Issue,
    IssueStatus,
    Outcome,
    ResultClass,
)
from hearings.reviews import operations as reviews
from hearings.reviews.models import Confirmation, Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import Came, Hearing, HearingKind, HearingStatus, Participant
from hearings.search import SearchEntry
from hearings.undo import UndoOffer, take_back
from tests import factories

pytestmark = pytest.mark.long
SEEDS, STEPS = 24, 160


class Walk:
    """One office, acting at random."""

    def __init__(self, world: Any, seed: int):
        self.world, self.dice = world, random.Random(seed)
        self.done: dict[str, int] = {}
        self.refused = 0

    def any(self, model: Any) -> Any:
        rows = db.session.scalars(select(model)).all()
        return self.dice.choice(rows) if rows else None

    def step(self) -> None:
        """Try at random until something is allowed, or six refusals have been heard."""
        acts = [name for name in dir(self) if name.startswith("do_")]
        for _ in range(6):
            name = self.dice.choice(acts)
            try:
                done = getattr(self, name)() is not False
                db.session.commit()
            except RuleBroken as broken:
                assert str(broken.message).strip()
                self.refused += 1
                db.session.rollback()
                continue
            if done:
                self.done[name] = self.done.get(name, 0) + 1
                return

    @property
    def office(self) -> Any:
        return self.dice.choice([self.world.bureau, self.world.other_bureau, self.world.street_office])

    @property
    def boss(self) -> Any:
        return self.world.organiser

    def do_draft(self) -> None:
        kind = self.dice.choice(list(HearingKind))
        day = today() + timedelta(days=self.dice.randrange(0, 20))
        hearing = schedule.draft_hearing(
            title="一晚", station=self.world.station, kind=kind, chair=self.world.leader, actor=self.boss,
            **factories.evening(day),
        )  # fmt: skip
        schedule.add_person(hearing, self.world.deputy, actor=self.boss)
        schedule.add_department(hearing, self.office, actor=self.boss)

    def _hearing(self, act: Any, **more: Any) -> Any:
        hearing = self.any(Hearing)
        return False if hearing is None else act(hearing, actor=self.boss, **more)

    def do_announce(self) -> Any:
        return self._hearing(schedule.announce)

    def do_open(self) -> Any:
        return self._hearing(schedule.open_session)

    def do_conclude(self) -> Any:
        return self._hearing(schedule.conclude)

    def do_cancel(self) -> Any:
        return self._hearing(schedule.cancel, reason="改日") if self.dice.random() < 0.3 else False

    def do_postpone(self) -> Any:
        return self._hearing(schedule.postpone, reason="台风") if self.dice.random() < 0.3 else False

    def do_file(self) -> Any:
        return self._hearing(schedule.file_hearing)

    def do_sign_in(self) -> Any:
        seat = self.any(Participant)
        return False if seat is None else schedule.sign_in(seat, self.dice.choice(list(Came)), actor=self.boss)

    def do_log(self) -> Any:
        return self._hearing(
            issues.log_issue,
            statement=f"第{self.dice.randrange(10**6)}件烦心事：楼道里的灯坏了。",
            lead_deputy=self.dice.choice([self.world.deputy, self.world.other_deputy, None]),
        )

    def _issue(self, act: Any, **more: Any) -> Any:
        issue = self.any(Issue)
        return False if issue is None else act(issue, actor=self.boss, **more)

    def do_say(self) -> Any:
        issue = self.any(Issue)
        if issue is None:
            return False
        return issues.add_exchange(issue, self.dice.choice(list(ExchangeKind)), "这就去办。", actor=self.boss)

    def do_outcome(self) -> Any:
        issue = self.any(Issue)
        outcome = self.dice.choice(list(Outcome))
        return False if issue is None else issues.decide_outcome(issue, outcome, actor=self.boss, note="说明")

    def do_promise(self) -> Any:
        due = today() + timedelta(days=self.dice.randrange(0, 60))
        return self._issue(issues.make_commitment, measure="尽快修好", lead=self.office, due_on=due)

    def do_assign(self) -> Any:
        return self._issue(issues.assign, lead=self.office, co_handlers=[self.office])

    def do_decline(self) -> Any:
        return self._issue(issues.decline, reason="走信访渠道") if self.dice.random() < 0.2 else False

    def do_remove(self) -> Any:
        return self._issue(issues.remove_issue) if self.dice.random() < 0.2 else False

    def do_rework(self) -> Any:
        return self._issue(issues.rework, reason="没办好") if self.dice.random() < 0.4 else False

    def do_reopen(self) -> Any:
        return self._issue(issues.reopen, reason="反弹") if self.dice.random() < 0.4 else False

    def do_strike_off(self) -> Any:
        return self._issue(issues.strike_off)

    def do_ask_confirmation(self) -> Any:
        return self._issue(reviews.ask_confirmation)

    def do_ballot(self) -> Any:
        hearing, issue = self.any(Hearing), self.any(Issue)
        if not hearing or not issue:
            return False
        counts = [self.dice.randrange(0, 8) for _ in range(4)]
        return reviews.record_ballot(
            hearing, issue, issued=20, satisfied=counts[0], mostly_satisfied=counts[1], dissatisfied=counts[2],
            invalid=counts[3], actor=self.boss,
        )  # fmt: skip

    def do_accept(self) -> Any:
        row = self.any(Assignment)
        return False if row is None else issues.accept_assignment(row, actor=self.world.department)

    def do_return(self) -> Any:
        row = self.any(Assignment)
        return False if row is None else issues.return_assignment(row, reason="不归我们", actor=self.world.department)

    def do_reply(self) -> Any:
        row = self.any(Assignment)
        if row is None:
            return False
        return issues.reply(
            row, result_class=self.dice.choice(list(ResultClass)), text="已办", signed_by="局长", actor=self.boss
        )

    def do_report(self) -> Any:
        row = self.any(Commitment)
        return False if row is None else issues.report_done(row, report="修好了", actor=self.world.department)

    def do_verify(self) -> Any:
        row = self.any(Commitment)
        return False if row is None else issues.verify_commitment(row, actor=self.boss)

    def do_reject(self) -> Any:
        row = self.any(Commitment)
        return False if row is None else issues.reject_report(row, reason="还没亮", actor=self.boss)

    def do_extend(self) -> Any:
        row = self.any(Commitment)
        later = today() + timedelta(days=90)
        return False if row is None else issues.ask_extension(row, new_due_on=later, reason="等料", actor=self.boss)

    def do_grant(self) -> Any:
        row = self.any(Extension)
        return False if row is None else issues.grant_extension(row, actor=self.boss)

    def do_confirm(self) -> Any:
        row = self.any(Confirmation)
        if row is None:
            return False
        if self.dice.random() < 0.3:
            return reviews.refuse(row, reason="没好", actor=row.deputy)
        return reviews.confirm(row, actor=row.deputy)

    def do_find(self) -> Any:
        hearing, issue = self.any(Hearing), self.any(Issue)
        if not hearing or not issue:
            return False
        reviews.carry_in(hearing, [issue], actor=self.boss)
        return reviews.record_finding(
            hearing, issue, found="看过了", verdict=self.dice.choice(list(Verdict)), actor=self.boss
        )

    def do_undo(self) -> Any:
        offer = self.any(UndoOffer)
        return False if offer is None else take_back(offer.id, actor=self.boss)


def whole(walk: Walk) -> None:
    """What must be true after any walk."""
    assert audit.verify() is None
    serials = sorted(db.session.scalars(select(Hearing.serial_no).where(Hearing.serial_no.is_not(None))))
    assert len(serials) == len(set(serials))
    for issue in db.session.scalars(select(Issue)):
        closed = issue.status in (IssueStatus.STRUCK_OFF, IssueStatus.ANSWERED, IssueStatus.NOT_ACCEPTED)
        assert not closed or issue.closed_at is not None
        if issue.status == IssueStatus.STRUCK_OFF:
            owed = db.session.scalar(
                select(func.count())
                .select_from(Commitment)
                .where(Commitment.issue_id == issue.id, Commitment.status.in_(("open", "reported")))
            )
            assert owed == 0, "struck off with a promise owed"
        line = db.session.scalar(
            select(AuditEvent.status)
            .where(
                AuditEvent.subject_type == "issue", AuditEvent.subject_id == issue.id, AuditEvent.status.is_not(None)
            )
            .order_by(AuditEvent.id.desc())
            .limit(1)
        )
        assert line == issue.status, "the trail and the issue disagree"
        assert db.session.scalar(
            select(func.count()).where(SearchEntry.kind == "issue", SearchEntry.subject_id == issue.id)
        )
    for commitment in db.session.scalars(select(Commitment)):
        moved = db.session.scalars(
            select(Extension)
            .where(Extension.commitment_id == commitment.id, Extension.status == "granted")
            .order_by(Extension.decided_at, Extension.id)
        ).all()
        if moved:
            assert moved[-1].new_due_on == commitment.due_on, "a date moved silently"
        for before, after in pairwise(moved):
            assert before.new_due_on == after.old_due_on
        assert commitment.status not in (CommitmentStatus.KEPT, CommitmentStatus.RELEASED) or commitment.closed_at
    texts = db.session.scalar(select(func.count()).select_from(SearchEntry).where(SearchEntry.kind == "issue"))
    assert texts == db.session.scalar(select(func.count()).select_from(Issue))
    cancelled = (HearingStatus.CANCELLED, HearingStatus.DISCARDED)
    assert not db.session.scalars(
        select(Hearing.id).where(Hearing.status.in_(cancelled), Hearing.serial_no.is_not(None))
    ).all()


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_walk_leaves_the_house_whole(app: Any, world: Any, seed: int) -> None:
    walk = Walk(world, seed)
    for status in ("in_session", "concluded"):
        for _ in range(3):
            world.issue(world.hearing(status))
    moment = now()
    for _ in range(STEPS):
        moment += timedelta(hours=walk.dice.choice((0, 1, 5, 30, 200)))
        with clock_at(moment):
            walk.step()
    with clock_at(moment):
        whole(walk)
    assert sum(walk.done.values()) > 20, walk.done
