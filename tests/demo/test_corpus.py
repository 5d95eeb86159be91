"""The demo data says what the domain paper says, and no two residents say the same."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

from hearings.demo.corpus import DEPARTMENT_LOGINS, DEPARTMENTS, PEOPLE, PEOPLE_BY_LOGIN, SESSION_9, STATIONS
from hearings.demo.shapes import Event


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
        assert {d.code for d in DEPARTMENTS if d.kind in ("bureau", "street_office")} == set(
            DEPARTMENT_LOGINS
        )


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
        assert [e.payload["new_due_on"] for e in after(4) if e.kind == "extension_asked"] == [
            date(2022, 6, 30)
        ]

    def test_retest(self):
        retests = {
            e.payload["issue"]: e.payload["ballot"].counts
            for e in after(2) + after(5)
            if e.kind == "reballot_counted"
        }
        assert retests == {2: (15, 3, 0, 0), 5: (11, 6, 1, 0)}

    def test_figures_of_the_article(self):
        figures = [
            (e.payload["figure"].value, e.payload["figure"].unit)
            for e in after(1)
            if e.kind == "figure_added"
        ]
        assert figures == [("50", "处"), ("1.3", "万针次"), ("46.15", "万人"), ("65", "%")]

    def test_events_stand_in_order_of_time(self):
        moments = [e.at for e in SESSION_9.events]
        assert moments == sorted(moments)
        assert moments[-1] - moments[0] < timedelta(days=500)

    def test_everyone_who_acts_exists(self):
        assert {e.payload["by"] for e in SESSION_9.events} <= PEOPLE_BY_LOGIN.keys()
