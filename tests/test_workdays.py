"""Working days: the measured vectors of domain.md §2.1, years nobody has published, the district's own table."""

from datetime import date

import pytest

from hearings import workdays
from hearings.db import db
from hearings.workdays import CalendarDay, add_months, add_workdays, is_workday, next_workday, workdays_between

NOTHING: dict[date, bool] = {}


@pytest.mark.parametrize(
    ("count", "end"),
    [(3, "2021-03-30"), (5, "2021-04-01"), (7, "2021-04-06"), (10, "2021-04-09"), (15, "2021-04-16"),
     (20, "2021-04-23"), (30, "2021-05-10")],
)  # fmt: skip
def test_so_many_working_days_after_2021_03_25(count, end):
    assert add_workdays(date(2021, 3, 25), count, NOTHING) == date.fromisoformat(end)
    assert workdays_between(date(2021, 3, 25), date.fromisoformat(end), NOTHING) == count


@pytest.mark.parametrize(
    ("start", "count", "end"),
    [
        ("2021-03-26", 3, "2021-06-28"),  # 26 June is a Saturday: the next working day
        ("2021-03-26", 6, "2021-09-26"),  # a Sunday that is worked, so it stays
        ("2021-03-29", 3, "2021-06-29"),
        ("2021-03-29", 1, "2021-04-29"),
        ("2021-01-31", 1, "2021-03-01"),  # 28 February, the last of a shorter month, is a Sunday
        ("2020-01-31", 1, "2020-03-02"),  # 29 February of a leap year is a Saturday
        ("2021-07-01", 3, "2021-10-08"),  # into the National Day week
        ("2021-11-30", 3, "2022-02-28"),
        ("2021-10-31", 14, "2023-01-03"),  # over two ends of year, into New Year's Day
    ],
)
def test_a_limit_in_months_ends_on_the_corresponding_day_or_the_next_working_one(start, count, end):
    assert add_months(date.fromisoformat(start), count, NOTHING) == date.fromisoformat(end)


@pytest.mark.parametrize(
    ("day", "works"),
    [
        ("2021-04-25", True),  # Sunday, worked for Labour Day
        ("2021-09-26", True),  # Sunday, worked for National Day
        ("2021-04-05", False),  # Tomb-sweeping Day, a Monday
        ("2021-10-07", False),
        ("2026-10-01", False),
        ("2026-11-26", True),
        ("2026-11-28", False),
    ],
)
def test_holidays_and_the_weekends_that_make_up_for_them(day, works):
    assert is_workday(date.fromisoformat(day), NOTHING) is works


def test_the_start_is_not_counted_and_the_way_back_is_negative():
    assert add_workdays(date(2021, 3, 25), 0, NOTHING) == date(2021, 3, 25)
    assert workdays_between(date(2021, 3, 30), date(2021, 3, 25), NOTHING) == -3
    assert next_workday(date(2021, 4, 3), NOTHING) == date(2021, 4, 6)
    assert next_workday(date(2021, 4, 6), NOTHING) == date(2021, 4, 6)


def test_in_a_year_nobody_has_published_only_weekends_are_free():
    assert workdays.year_is_known(2026, NOTHING)
    assert not workdays.year_is_known(2027, NOTHING)
    assert is_workday(date(2027, 10, 1), NOTHING)  # a Friday; nothing is known yet
    assert not is_workday(date(2027, 10, 2), NOTHING)
    assert workdays.holiday_name(date(2027, 10, 1)) is None
    assert add_workdays(date(2027, 9, 30), 2, NOTHING) == date(2027, 10, 4)
    assert add_months(date(2026, 10, 30), 3, NOTHING) == date(2027, 2, 1)  # 30 January 2027 is a Saturday


@pytest.mark.parametrize(
    ("day", "name"),
    [
        ("2021-04-05", "清明节"),
        ("2021-05-03", "劳动节"),
        ("2021-06-14", "端午节"),
        ("2021-09-21", "中秋节"),
        ("2021-10-01", "国庆节"),
        ("2022-01-03", "元旦"),
        ("2022-02-01", "春节"),
        ("2022-02-09", None),
        ("2026-11-24", None),
    ],
)
def test_holidays_have_their_chinese_names(app, day, name):
    assert workdays.holiday_name(date.fromisoformat(day)) == name


def test_the_districts_own_table_stands_above_the_library(app):
    db.session.add_all(
        [
            CalendarDay(day=date(2027, 10, 1), is_workday=False, name="国庆节"),
            CalendarDay(day=date(2027, 10, 9), is_workday=True, name="国庆节调休"),
            CalendarDay(day=date(2026, 11, 26), is_workday=False, name="全区停电检修"),
        ]
    )
    db.session.commit()
    assert workdays.overrides() == {
        date(2027, 10, 1): False,
        date(2027, 10, 9): True,
        date(2026, 11, 26): False,
    }
    assert workdays.year_is_known(2027)
    assert not workdays.year_is_known(2028)
    assert not is_workday(date(2027, 10, 1))
    assert is_workday(date(2027, 10, 9))
    assert not is_workday(date(2026, 11, 26))
    assert add_workdays(date(2026, 11, 25), 1) == date(2026, 11, 27)
    assert add_workdays(date(2027, 10, 8), 1) == date(2027, 10, 9)


def test_the_month_calls_days_by_their_names(app, world, browser):
    db.session.add(CalendarDay(day=date(2026, 11, 26), is_workday=False, name="全区停电检修"))
    page = browser(world.organiser).get("/hearings/calendar?month=2026-11").text
    assert "全区停电检修" in page
    october = browser(world.organiser).get("/hearings/calendar?month=2026-10").text
    assert october.count("国庆节") == 7
    worked = october.split('datetime="2026-10-10"')
    assert worked[0].rsplit("<td", 1)[1].startswith(' class="is-workday"')  # a Saturday, worked for National Day
    assert worked[1].split("</td>")[0].count("calendar-note") == 1
