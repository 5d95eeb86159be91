"""The demo data says what the domain paper says, and no two residents say the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from itertools import combinations

import chinese_calendar
import pytest

from hearings.demo.corpus import (
    DEPARTMENT_LOGINS,
    DEPARTMENTS,
    OTHER_HEARINGS,
    PEOPLE,
    PEOPLE_BY_LOGIN,
    PLACE_NAMES,
    SESSION_9,
    STATIONS,
    STREETS,
    TOPIC_POOL,
)
from hearings.demo.shapes import Commitment, Event, Finding, Hearing, Issue, on
from hearings.demo.troubles import cases


def after(position: int) -> list[Event]:
    """The events of one issue of the example once the hearing was over."""
    night = SESSION_9.hearing.starts_at.date()
    return [e for e in SESSION_9.events if e.payload.get("issue") == position and e.at.date() > night]


def dates(position: int, kind: str) -> list[tuple[int, int]]:
    return [(e.at.month, e.at.day) for e in after(position) if e.kind == kind]


class TestPeople:
    def test_the_sign_ins_of_the_demo_exist(self):
        logins = {"admin", "auditor", "organiser", "street", "deputy", "department", "leader"}
        assert logins <= PEOPLE_BY_LOGIN.keys()
        assert PEOPLE_BY_LOGIN["deputy"].name == "代表甲"
        assert PEOPLE_BY_LOGIN["department"].department == "transport"
        assert PEOPLE_BY_LOGIN["street"].stations == ("XQ",)

    def test_there_are_enough_of_each(self):
        kinds = Counter(d.kind for d in DEPARTMENTS)
        assert kinds["bureau"] >= 16
        assert kinds["street_office"] == 10
        assert len(STATIONS) >= 6
        assert sum("deputy" in p.roles for p in PEOPLE) >= 49

    def test_nobody_shares_a_name_or_a_login(self):
        names = [p.name for p in PEOPLE] + [d.contact for d in DEPARTMENTS]
        assert [name for name, n in Counter(names).items() if n > 1] == []
        assert [login for login, n in Counter(p.login for p in PEOPLE).items() if n > 1] == []

    def test_each_bureau_and_street_office_has_an_account(self):
        assert {d.code for d in DEPARTMENTS if d.signs_in} == set(DEPARTMENT_LOGINS)
        assert {d.code for d in DEPARTMENTS if d.kind in ("bureau", "street_office")} == set(DEPARTMENT_LOGINS)


class TestExample:
    def test_ballots_of_the_night(self):
        assert [i.ballot.counts if i.ballot else None for i in SESSION_9.hearing.issues] == [
            (16, 2, 0, 0),
            (12, 5, 1, 0),
            (10, 6, 2, 0),
            (8, 8, 2, 0),
            (4, 4, 10, 0),
            (6, 7, 4, 1),
            None,
        ]

    def test_promises_and_their_dates(self):
        assert [[c.due_on.isoformat() for c in i.commitments] for i in SESSION_9.hearing.issues] == [
            ["2021-04-09", "2021-04-30"],
            ["2021-04-20", "2021-08-31"],
            ["2021-04-16", "2021-06-30"],
            ["2021-04-20", "2021-06-30", "2021-12-31"],
            [],
            ["2021-04-30"],
            [],
        ]

    def test_replies(self):
        replies = [
            (e.payload["issue"], e.payload["result_class"], e.at.date().isoformat())
            for e in SESSION_9.events
            if e.kind == "replied"
        ]
        assert sorted(replies) == [
            (1, "A", "2021-05-20"),
            (2, "A", "2021-09-03"),
            (2, "B", "2021-06-25"),
            (3, "A", "2021-06-30"),
            (3, "B", "2021-06-25"),
            (4, "A", "2022-06-30"),
            (4, "B", "2021-06-25"),
            (5, "A", "2021-06-21"),
            (5, "B", "2021-04-28"),
            (6, "C", "2021-04-30"),
        ]

    def test_assigned_on_the_second_working_day(self):
        for position in range(1, 7):
            assert dates(position, "assigned") == [(3, 29)]
        limits = {e.payload["issue"]: e.payload["due_on"] for e in SESSION_9.events if e.kind == "assigned"}
        assert limits.pop(5) == date(2021, 4, 29)
        assert set(limits.values()) == {date(2021, 6, 29)}
        assert dates(7, "declined") == [(3, 29)]

    def test_work_done(self):
        assert [dates(n, "done_reported") for n in range(1, 7)] == [
            [(4, 9), (4, 30)],
            [(4, 20), (8, 31)],
            [(4, 16), (6, 30)],
            [(4, 20), (6, 30), (6, 30)],
            [(6, 18)],
            [(4, 30)],
        ]

    def test_endings(self):
        assert [dates(n, "confirmed") for n in range(1, 7)] == [
            [(5, 27)],
            [(9, 16)],
            [(6, 30)],
            [(6, 30)],
            [(9, 16)],
            [(5, 10)],
        ]
        assert dates(6, "explained") == [(5, 10)]
        assert [n for n in range(1, 8) if dates(n, "struck_off")] == [1, 2, 3, 4, 5]
        assert dates(5, "reminded") == [(6, 1)]
        assert [e.payload["new_due_on"] for e in after(4) if e.kind == "extension_asked"] == [date(2022, 6, 30)]

    def test_retest(self):
        retests = {
            e.payload["issue"]: e.payload["ballot"].counts for e in after(2) + after(5) if e.kind == "reballot_counted"
        }
        assert retests == {2: (15, 3, 0, 0), 5: (11, 6, 1, 0)}

    def test_figures_of_the_article(self):
        figures = [(e.payload["figure"].value, e.payload["figure"].unit) for e in after(1) if e.kind == "figure_added"]
        assert figures == [("50", "处"), ("1.3", "万针次"), ("46.15", "万人"), ("65", "%")]

    def test_events_stand_in_order_of_time(self):
        moments = [e.at for e in SESSION_9.events]
        assert moments == sorted(moments)
        assert moments[-1] - moments[0] < timedelta(days=500)

    def test_everyone_who_acts_exists(self):
        assert {e.payload["by"] for e in SESSION_9.events} <= PEOPLE_BY_LOGIN.keys()


TODAY = date(2026, 11, 24)
DAYS = (TODAY, date(2026, 2, 18), date(2027, 10, 3))
"""an ordinary Tuesday, a day of Spring Festival, a day in a year no holiday table knows"""


@cache
def years(today: date = TODAY) -> tuple[Hearing, ...]:
    return tuple(OTHER_HEARINGS(today))


def nights(today: date = TODAY) -> list[Hearing]:
    return [h for h in years(today) if h.kind == "night_hearing"]


def raised(today: date = TODAY) -> list[tuple[Hearing, Issue]]:
    return [(h, i) for h in years(today) for i in h.issues]


def grams(statement: str) -> set[str]:
    """The five-character pieces of what remains once places and numbers are gone."""
    for name in (*PLACE_NAMES, *STREETS):
        statement = statement.replace(name, "")
    statement = re.sub(r"\d", "", statement)
    return {statement[i : i + 5] for i in range(len(statement) - 4)}


@dataclass
class Course:
    """Follows one issue's steps by the rules of the house, and refuses what these would refuse."""

    hearing: Hearing
    issue: Issue
    status: str = "registered"
    confirmation: str = ""
    round: int = 1
    commitments: dict[int, str] = field(default_factory=dict)
    due: dict[int, date] = field(default_factory=dict)
    extensions: dict[int, str] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)

    def run(self) -> Course:
        for number, promise in enumerate(self.issue.commitments, 1):
            self.commitments[number], self.due[number] = "open", promise.due_on
        last = date.min
        for step in self.issue.plan:
            day = self.hearing.starts_at.date() + timedelta(days=step.days_after)
            assert day >= last, (self.hearing.key, self.issue.position, step)
            last = day
            self.seen.add(step.what)
            getattr(self, step.what, self.nothing)(day, **step.payload)
        return self

    def nothing(self, day: date, **payload: object) -> None:
        """A note that moves nothing."""

    def at(self, *allowed: str) -> None:
        assert self.status in allowed, (self.hearing.key, self.issue.position, self.status, allowed)

    def move(self, number: int, source: str, target: str) -> None:
        assert self.commitments[number] == source, (self.hearing.key, self.issue.position, number)
        self.commitments[number] = target

    def new_round(self) -> None:
        self.round += 1
        self.confirmation = ""

    def assigned(self, day: date, **payload: object) -> None:
        self.at("registered", "returned")
        assert payload["round"] == self.round
        self.status = "assigned"

    def accepted(self, day: date, **payload: object) -> None:
        if payload["department"] == self.issue.lead:
            self.at("assigned")
            self.status = "in_handling"

    def returned(self, day: date, **payload: object) -> None:
        self.at("assigned")
        self.status = "returned"

    def replied(self, day: date, **payload: object) -> None:
        self.at("in_handling", "replied")
        assert payload["round"] == self.round
        self.status = "replied"

    def rework_ordered(self, day: date, **payload: object) -> None:
        self.at("registered", "assigned", "in_handling", "replied")
        if self.status != "registered":
            self.status = "in_handling"
        self.new_round()

    def finding_recorded(self, day: date, *, finding: Finding, **payload: object) -> None:
        meeting = next(h for h in years() if h.key == finding.meeting)
        assert meeting.starts_at.date() == day
        assert (self.hearing.key, self.issue.position) in meeting.carried
        if finding.verdict == "handle_again":
            self.at("assigned", "in_handling", "replied")
            self.status = "in_handling"
            self.new_round()

    def confirmation_asked(self, day: date, **payload: object) -> None:
        self.at("registered", "replied")
        self.confirmation = "asked"

    def confirmed(self, day: date, **payload: object) -> None:
        assert self.confirmation == "asked"
        self.confirmation = "confirmed"

    def confirmation_waived(self, day: date, **payload: object) -> None:
        assert self.confirmation == "asked"
        self.confirmation = "waived"

    def confirmation_refused(self, day: date, **payload: object) -> None:
        assert self.confirmation == "asked"
        self.at("replied")
        self.new_round()
        self.status, self.confirmation = "in_handling", "refused"

    def explained(self, day: date, **payload: object) -> None:
        self.at("registered", "replied")
        assert self.confirmation == "confirmed"
        self.status = "answered"

    def declined(self, day: date, **payload: object) -> None:
        self.at("registered")
        self.status = "not_accepted"

    def transferred(self, day: date, **payload: object) -> None:
        self.at("registered")
        self.status = "transferred"

    def struck_off(self, day: date, **payload: object) -> None:
        self.at("replied")
        assert self.confirmation in ("confirmed", "waived")
        assert set(self.commitments.values()) <= {"kept", "released"}
        self.status = "struck_off"

    def reopened(self, day: date, **payload: object) -> None:
        self.at("struck_off", "answered")
        self.status = "registered"
        self.new_round()

    def commitment_made(self, day: date, *, commitment: int, commitment_data: Commitment, **payload: object) -> None:
        assert commitment == len(self.commitments) + 1
        self.commitments[commitment], self.due[commitment] = "open", commitment_data.due_on

    def done_reported(self, day: date, *, commitment: int, **payload: object) -> None:
        self.move(commitment, "open", "reported")
        if self.extensions.get(commitment) == "asked":
            self.extensions[commitment] = "withdrawn"

    def done_verified(self, day: date, *, commitment: int, **payload: object) -> None:
        self.move(commitment, "reported", "kept")

    def done_rejected(self, day: date, *, commitment: int, **payload: object) -> None:
        self.move(commitment, "reported", "open")

    def commitment_released(self, day: date, *, commitment: int, **payload: object) -> None:
        self.move(commitment, "open", "released")

    def extension_asked(self, day: date, *, commitment: int, new_due_on: date, **payload: object) -> None:
        assert new_due_on > self.due[commitment] >= day
        self.extensions[commitment] = "asked"
        self.wanted = new_due_on

    def extension_granted(self, day: date, *, commitment: int, **payload: object) -> None:
        assert self.extensions[commitment] == "asked"
        self.extensions[commitment], self.due[commitment] = "granted", self.wanted

    def extension_refused(self, day: date, *, commitment: int, **payload: object) -> None:
        assert self.extensions[commitment] == "asked"
        self.extensions[commitment] = "refused"


@cache
def courses() -> tuple[Course, ...]:
    return tuple(Course(h, i).run() for h, i in raised())


class TestYears:
    def test_enough_of_everything(self):
        assert len([h for h in nights() if h.serial_no]) >= 33
        assert len(raised()) >= 280
        assert sum(len(i.commitments) for _, i in raised()) >= 450
        assert len({c.trouble.key for c in cases()}) >= 120
        assert len(TOPIC_POOL) >= 12
        assert any(topic.similar_to for topic in TOPIC_POOL)

    def test_the_same_day_gives_the_same_years(self):
        assert OTHER_HEARINGS(TODAY) == list(years())

    @pytest.mark.parametrize("today", DAYS)
    def test_numbers_run_on_without_a_gap(self, today):
        numbers = sorted([h.serial_no for h in nights(today) if h.serial_no] + [9])
        assert numbers == list(range(1, len(numbers) + 1))
        dated = [(h.starts_at, h.serial_no) for h in nights(today) if h.serial_no]
        assert dated == sorted(dated)

    @pytest.mark.parametrize("today", DAYS)
    def test_every_state_of_a_hearing_occurs(self, today):
        by_status: dict[str, list[Hearing]] = {}
        for hearing in nights(today):
            by_status.setdefault(hearing.status, []).append(hearing)
        states = {"draft", "announced", "in_session", "concluded", "filed", "postponed", "cancelled", "discarded"}
        assert by_status.keys() == states
        assert [h.starts_at.date() for h in by_status["in_session"]] == [today]
        (coming,) = by_status["announced"]
        assert 6 < (coming.starts_at.date() - today).days < 15
        assert all(h.starts_at.date() < today for h in by_status["filed"])

    @pytest.mark.parametrize("today", DAYS[:2])
    def test_evenings_are_working_wednesdays_and_thursdays(self, today):
        for hearing in nights(today):
            day = hearing.starts_at.date()
            if hearing.status != "in_session" and day.year <= 2026:
                assert day.weekday() in (2, 3), hearing.key
                assert chinese_calendar.is_workday(day), hearing.key

    def test_every_outcome_occurs(self):
        outcomes = {i.outcome for _, i in raised() if i.outcome}
        assert outcomes == {
            "answered_on_site",
            "resolved_on_site",
            "time_limited",
            "planned",
            "further_study",
            "escalate",
            "convert_to_suggestion",
            "not_accepted",
        }

    def test_issues_of_an_evening(self):
        for hearing in nights():
            if hearing.status in ("filed", "concluded"):
                assert 3 <= len(hearing.issues) <= 9
                assert [i.position for i in hearing.issues] == list(range(1, len(hearing.issues) + 1))
                assert {i.raised_by for i in hearing.issues if i.raised_by} <= set(hearing.deputies)

    def test_ballots_add_up(self):
        for hearing, issue in raised():
            if issue.ballot:
                assert sum(issue.ballot.counts) == issue.ballot.issued, (hearing.key, issue.position)
                assert min(issue.ballot.counts) >= 0

    @pytest.mark.parametrize("today", DAYS)
    def test_nothing_lies_in_the_future(self, today):
        for hearing in years(today):
            for event in hearing.life:
                in_session = hearing.status == "in_session" and event.at.date() == today
                assert event.at.date() < today or in_session, (hearing.key, event)
            for issue in hearing.issues:
                for step in issue.plan:
                    assert hearing.starts_at.date() + timedelta(days=step.days_after) < today

    @pytest.mark.parametrize(
        ("at", "begins"),
        [
            ((0, 0), (0, 0)),
            ((0, 10), (0, 0)),
            ((8, 0), (7, 30)),
            ((9, 45), (9, 30)),
            ((13, 0), (11, 0)),
            ((16, 20), (14, 30)),
            ((19, 5), (18, 30)),
            ((19, 30), (19, 0)),
            ((21, 0), (19, 0)),
            ((23, 50), (22, 0)),
        ],
    )
    def test_a_session_is_under_way_at_any_hour(self, at, begins):
        """It has begun at a time that can be believed, and what has been said so far has been said by then."""
        today = DAYS[0]
        moment = on(today, *at)
        found = OTHER_HEARINGS(today, moment)
        assert found == OTHER_HEARINGS(today, moment)
        (running,) = [h for h in found if h.status == "in_session"]
        assert (running.starts_at, running.opened_at) == (on(today, *begins),) * 2
        assert moment - timedelta(hours=2) <= running.starts_at <= moment < on(today, 23, 59)
        assert running.ends_at.date() == today
        kinds = [event.kind for event in running.life]
        opened = kinds.index("hearing_opened")
        came = [event.at for event in running.life if event.kind == "participant_came"]
        assert running.starts_at - timedelta(minutes=30) <= min(came) <= max(came) <= moment
        assert {"issue_registered", "exchange_added", "outcome_decided"} <= set(kinds[opened:])
        assert "issue_registered" not in kinds[:opened]
        assert all(event.at <= moment for event in running.life)
        assert [event.at for event in running.life] == sorted(event.at for event in running.life)

    def test_lives_stand_in_order(self):
        for hearing in years():
            moments = [event.at for event in hearing.life]
            assert moments == sorted(moments), hearing.key

    def test_everyone_and_every_office_exists(self):
        codes = {d.code for d in DEPARTMENTS}
        for hearing, issue in raised():
            assert {issue.lead, *issue.co} - {None} <= codes
            for promise in issue.commitments:
                assert {promise.lead, *promise.co} <= codes
                assert promise.due_on > hearing.starts_at.date()
            assert {s.payload["by"] for s in issue.plan} <= PEOPLE_BY_LOGIN.keys()
            assert {e.speaker for e in issue.exchanges} - {None} <= PEOPLE_BY_LOGIN.keys()


class TestCourses:
    def test_every_state_of_an_issue_and_of_what_hangs_on_it_occurs(self):
        assert {c.status for c in courses()} == {
            "registered",
            "assigned",
            "in_handling",
            "returned",
            "replied",
            "struck_off",
            "answered",
            "not_accepted",
            "transferred",
        }
        assert {s for c in courses() for s in c.commitments.values()} == {"open", "reported", "kept", "released"}
        assert {s for c in courses() for s in c.extensions.values()} == {"asked", "granted", "refused", "withdrawn"}
        assert {"asked", "confirmed", "refused", "waived"} <= {c.confirmation for c in courses()}

    def test_every_turn_occurs(self):
        turns = {kind for course in courses() for kind in course.seen}
        assert {"returned", "rework_ordered", "reopened", "escalated", "supervised", "done_rejected"} <= turns
        verdicts = {
            step.payload["finding"].verdict
            for _, issue in raised()
            for step in issue.plan
            if step.what == "finding_recorded"
        }
        assert verdicts == {"struck_off", "keep_tracking", "handle_again", "escalate"}
        classes = {s.payload["result_class"] for _, i in raised() for s in i.plan if s.what == "replied"}
        assert classes == {"A", "B", "C", "D"}

    def test_due_dates_around_today(self):
        days = [
            (course.due[number] - TODAY).days
            for course in courses()
            for number, status in course.commitments.items()
            if status == "open" and course.hearing.status in ("filed", "concluded")
        ]
        assert sum(day < 0 for day in days) >= 3
        assert 0 in days
        assert sum(0 < day <= 7 for day in days) >= 2
        assert sum(day > 7 for day in days) >= 10

    def test_the_demo_sign_ins_have_something_to_do(self):
        assert any(c.confirmation == "asked" and c.issue.raised_by == "deputy" for c in courses())
        assert any(c.status == "in_handling" and c.issue.lead == "transport" for c in courses())
        assert any(h.station == "XQ" and h.status == "in_session" for h in nights())


class TestStatements:
    def test_length(self):
        lengths = [len(issue.statement) for _, issue in raised()]
        assert min(lengths) >= 60
        assert max(lengths) <= 300
        assert sum(length > 270 for length in lengths) >= 5

    def test_no_gap_is_left_open(self):
        for _, issue in raised():
            for text in (issue.statement, issue.place, *(e.text for e in issue.exchanges)):
                assert "{" not in text

    def test_rare_characters_and_quotes(self):
        everything = "".join(issue.statement + issue.place for _, issue in raised())
        assert all(sign in everything for sign in "碶「」《》“”")

    @pytest.mark.parametrize("today", DAYS)
    def test_no_two_are_alike(self, today):
        pieces = [
            (f"{hearing.key}-{issue.position}", grams(issue.statement))
            for hearing, issue in [*raised(today), *((SESSION_9.hearing, i) for i in SESSION_9.hearing.issues)]
        ]
        for (one, a), (other, b) in combinations(pieces, 2):
            assert len(a & b) < 0.6 * len(a | b), (one, other)
