"""The figures of the example session (domain.md §5.2) as of its dates, told through the operations people use."""

from datetime import date, datetime, timedelta

import pytest

from hearings.db import LOCAL, clock_at, db
from hearings.issues import operations as issues
from hearings.issues.models import Outcome, Part
from hearings.issues.models import ResultClass as R
from hearings.ledger.figures import Rate, figures
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import HearingKind
from tests import factories


def at(month: int, day: int, hour: int = 10) -> datetime:
    return datetime(2021, month, day, hour, tzinfo=LOCAL)


ITEMS = (
    # outcome, [(measure due)], ballot
    (Outcome.TIME_LIMITED, [(4, 9), (4, 30)], (16, 2, 0, 0)),
    (Outcome.TIME_LIMITED, [(4, 20), (8, 31)], (12, 5, 1, 0)),
    (Outcome.TIME_LIMITED, [(4, 16), (6, 30)], (10, 6, 2, 0)),
    (Outcome.PLANNED, [(4, 20), (6, 30), (12, 31)], (8, 8, 2, 0)),
    (Outcome.FURTHER_STUDY, [], (4, 4, 10, 0)),
    (Outcome.FURTHER_STUDY, [(4, 30)], (6, 7, 4, 1)),
    (Outcome.NOT_ACCEPTED, [], None),
)


class Story:
    """The ninth session, step by step."""

    def __init__(self, world):
        self.w, self.o = world, world.organiser

    def evening(self):
        w, o = self.w, self.o
        with clock_at(at(3, 18)):
            self.hearing = schedule.draft_hearing(
                title="家门口的民生小事",
                station=w.station,
                chair=w.leader,
                actor=o,
                **factories.evening(date(2021, 3, 25)),
            )
            schedule.announce(self.hearing, actor=o)
            db.session.commit()
        with clock_at(at(3, 25, 19)):
            schedule.open_session(self.hearing, actor=o)
            self.issues, self.promises = [], []
            for outcome, dues, votes in ITEMS:
                n = len(self.issues) + 1
                issue = issues.log_issue(
                    self.hearing, title=f"问题{n}", statement=f"问题{n}。", lead_deputy=w.deputy, actor=o
                )
                note = "引导至司法渠道" if outcome == Outcome.NOT_ACCEPTED else None
                issues.decide_outcome(issue, outcome, note=note, actor=o)
                self.promises.append(
                    [
                        issues.make_commitment(
                            issue, measure=f"措施{i}", lead=w.bureau, due_on=date(2021, *due), actor=o
                        )
                        for i, due in enumerate(dues, 1)
                    ]
                )
                if votes:
                    self.vote(self.hearing, issue, votes)
                self.issues.append(issue)
            db.session.commit()
        with clock_at(at(3, 25, 21)):
            schedule.conclude(self.hearing, actor=o)
            db.session.commit()

    def vote(self, hearing, issue, votes):
        satisfied, mostly, dissatisfied, invalid = votes
        reviews.record_ballot(
            hearing,
            issue,
            issued=18,
            satisfied=satisfied,
            mostly_satisfied=mostly,
            dissatisfied=dissatisfied,
            invalid=invalid,
            actor=self.o,
        )

    def hand_over(self):
        with clock_at(at(3, 29)):
            self.leads = [
                issues.assign(i, lead=self.w.bureau, co_handlers=[self.w.street_office], actor=self.o)[0]
                for i in self.issues[:6]
            ]
            issues.decline(self.issues[6], reason="引导至司法渠道", actor=self.o)
            for lead in self.leads:
                issues.accept_assignment(lead, actor=self.w.department)
            db.session.commit()

    def reply(self, n, letter, month, day):
        with clock_at(at(month, day)):
            issues.reply(
                self.leads[n - 1], result_class=letter, text="答复。", signed_by="郑某某", actor=self.w.department
            )
            db.session.commit()

    def keep(self, n, k, month, day):
        promise = self.promises[n - 1][k - 1]
        with clock_at(at(month, day)):
            issues.report_done(promise, report="完成", actor=self.w.department)
            issues.verify_commitment(promise, actor=self.o)
            db.session.commit()

    def confirm(self, n, month, day):
        with clock_at(at(month, day, 15)):
            reviews.confirm(reviews.ask_confirmation(self.issues[n - 1], actor=self.o), actor=self.w.deputy)
            db.session.commit()

    def close(self, n, month, day, how="strike_off"):
        with clock_at(at(month, day, 16)):
            getattr(issues, how)(self.issues[n - 1], actor=self.o)
            db.session.commit()

    def year(self):
        self.keep(1, 1, 4, 9)
        self.keep(3, 1, 4, 16)
        self.keep(2, 1, 4, 20)
        self.keep(4, 1, 4, 20)
        self.reply(5, R.B, 4, 28)
        self.keep(1, 2, 4, 30)
        self.keep(6, 1, 4, 30)
        self.reply(6, R.C, 4, 30)
        self.confirm(6, 5, 10)
        self.close(6, 5, 10, "explain")
        self.reply(1, R.A, 5, 20)
        self.confirm(1, 5, 27)
        self.close(1, 5, 27)
        self.reply(5, R.A, 6, 21)
        for n in (2, 3, 4):
            self.reply(n, R.B, 6, 25)
        self.keep(3, 2, 6, 30)
        self.keep(4, 2, 6, 30)
        self.reply(3, R.A, 6, 30)
        self.confirm(3, 6, 30)
        self.close(3, 6, 30)
        self.keep(2, 2, 8, 31)
        self.reply(2, R.A, 9, 3)
        o = self.o
        with clock_at(at(9, 10)):
            meeting = reviews.plan_look_back(
                title="绩效评估座谈会",
                station=self.w.station,
                items=[self.issues[1], self.issues[4]],
                kind=HearingKind.EVALUATION_MEETING,
                follows=self.hearing,
                actor=o,
                **factories.evening(date(2021, 9, 16), "14:30", "17:00"),
            )
            schedule.announce(meeting, actor=o)
            db.session.commit()
        with clock_at(at(9, 16, 14)):
            schedule.open_session(meeting, actor=o)
            self.vote(meeting, self.issues[1], (15, 3, 0, 0))
            self.vote(meeting, self.issues[4], (11, 6, 1, 0))
            db.session.commit()
        for n in (2, 5):
            self.confirm(n, 9, 16)
            self.close(n, 9, 16)
        with clock_at(at(12, 31)):
            issues.report_done(self.promises[3][2], report="部分完成", actor=self.w.department)
            db.session.commit()


@pytest.fixture
def story(world):
    told = Story(world)
    told.evening()
    told.hand_over()
    told.year()
    return told


def test_the_counts_of_the_example_as_of_its_evaluation_meeting(story):
    told = figures(story.hearing, date(2021, 9, 16))
    assert (told.raised, told.accepted, told.not_accepted) == (7, 6, 1)
    assert (told.struck_off, told.explained, told.tracked, told.transferred) == (4, 1, 1, 0)
    assert told.classes == {"A": 4, "B": 1, "C": 1, "D": 0}
    assert told.closure == Rate(5, 6) and told.resolution == Rate(4, 6)
    assert told.replied == Rate(6, 6) and told.on_time == Rate(6, 6)
    assert told.night == {"satisfied": 3, "mostly_satisfied": 2, "dissatisfied": 1}
    assert told.latest == {"satisfied": 4, "mostly_satisfied": 2, "dissatisfied": 0}


@pytest.mark.parametrize(
    ("day", "accepted", "closed", "classes", "replied"),
    [
        (date(2021, 3, 24), (0, 0), (0, 0), "", Rate(0, 0)),
        (date(2021, 3, 25), (6, 1), (0, 0), "", Rate(0, 0)),
        (date(2021, 3, 29), (6, 1), (0, 0), "", Rate(0, 6)),
        (date(2021, 4, 30), (6, 1), (0, 0), "BC", Rate(2, 6)),
        (date(2021, 5, 9), (6, 1), (0, 0), "BC", Rate(2, 6)),
        (date(2021, 5, 10), (6, 1), (0, 1), "BC", Rate(2, 6)),
        (date(2021, 5, 27), (6, 1), (1, 1), "ABC", Rate(3, 6)),
        (date(2021, 6, 30), (6, 1), (2, 1), "AAABBC", Rate(6, 6)),
        (date(2021, 9, 15), (6, 1), (2, 1), "AAAABC", Rate(6, 6)),
        (date(2026, 1, 1), (6, 1), (4, 1), "AAAABC", Rate(6, 6)),
    ],
)
def test_past_days_stay_what_they_were(story, day, accepted, closed, classes, replied):
    told = figures(story.hearing, day)
    assert (told.accepted, told.not_accepted) == accepted
    assert (told.struck_off, told.explained) == closed
    assert "".join(letter * n for letter, n in told.classes.items()) == classes
    assert told.replied == replied


def test_today_counts_rows_as_the_trail_does(story):
    rows = figures(story.hearing)
    trail = figures(story.hearing, rows.as_of - timedelta(days=1))
    assert rows.closure == trail.closure and rows.classes == trail.classes and rows.latest == trail.latest


def test_refused_on_the_spot_counts_apart_before_it_is_declined(story):
    assert figures(story.hearing, date(2021, 3, 26)).not_accepted == 1
    reopened = story.issues[6]
    with clock_at(at(10, 1)):
        issues.reopen(reopened, reason="补交材料", actor=story.o)
        issues.decide_outcome(reopened, Outcome.FURTHER_STUDY, actor=story.o)
        db.session.commit()
    assert figures(story.hearing, date(2021, 9, 30)).not_accepted == 1
    assert figures(story.hearing, date(2021, 10, 1)).not_accepted == 0
    assert figures(story.hearing).accepted == 7


def test_a_late_first_reply_is_not_on_time_and_an_opinion_is_no_reply(world):
    told = Story(world)
    told.evening()
    told.hand_over()
    helper = db.session.scalars(
        db.select(issues.Assignment).where(
            issues.Assignment.issue_id == told.issues[0].id, issues.Assignment.part == Part.CO_HANDLER
        )
    ).one()
    with clock_at(at(4, 10)):
        issues.reply(helper, result_class=R.A, text="会办意见", signed_by="街道", actor=told.o)
        db.session.commit()
    assert figures(told.hearing).replied == Rate(0, 6)
    told.reply(1, R.A, 6, 29)  # the last day
    told.reply(2, R.A, 6, 30)  # one late
    assert figures(told.hearing).replied == Rate(2, 6)
    assert figures(told.hearing).on_time == Rate(1, 2)


def test_at_most_four_statements(story, statements):
    for day in (date(2021, 9, 16), None):
        db.session.refresh(story.hearing)
        with statements() as said:
            figures(story.hearing, day)
        assert len(said) <= 4, said


def test_nothing_yet(world):
    told = figures(world.hearing())
    assert (told.accepted, told.closure, told.resolution) == (0, Rate(0, 0), Rate(0, 0))
