"""Working days and the arithmetic of time limits.

The start day is not counted; n months end on the corresponding day, or on the last of a shorter month; a limit
that ends on a holiday ends on the next working day (民法典 art. 201–203). Holidays and the working weekends
that make up for them come from `chinese_calendar`, under a table that administrators keep.
"""

from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

import chinese_calendar
from chinese_calendar.constants import holidays as _holidays
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from sqlalchemy.orm import Mapped, mapped_column

from .db import Model, db


class CalendarDay(Model):
    """A day that the district's own table decides: a holiday, or a weekend that is worked."""

    day: Mapped[date] = mapped_column(primary_key=True)
    is_workday: Mapped[bool]
    name: Mapped[str]


LAST_KNOWN_YEAR = max(day.year for day in _holidays)


def overrides() -> dict[date, bool]:
    """The district's table: day → worked."""
    return dict(db.session.execute(select(CalendarDay.day, CalendarDay.is_workday)).all())


def year_is_known(year: int, table: dict[date, bool] | None = None) -> bool:
    """Whether the year's holidays are published: by the library, or in the district's table."""
    if year <= LAST_KNOWN_YEAR:
        return True
    table = overrides() if table is None else table
    return any(day.year == year for day in table)


@lru_cache(maxsize=4096)
def _by_library(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return day.weekday() < 5


def is_workday(day: date, table: dict[date, bool] | None = None) -> bool:
    """Whether offices work on that day. For a year that no table knows, Monday to Friday."""
    table = overrides() if table is None else table
    decided = table.get(day)
    return _by_library(day) if decided is None else decided


def holiday_name(day: date) -> str | None:
    """The name of the statutory holiday that `day` belongs to, in the page's language, or None."""
    name = _holidays.get(day)
    return None if name is None else str(HOLIDAY_NAMES.get(str(name), name))


HOLIDAY_NAMES = {
    "New Year's Day": _l("New Year's Day"),
    "Spring Festival": _l("Spring Festival"),
    "Tomb-sweeping Day": _l("Tomb-sweeping Day"),
    "Labour Day": _l("Labour Day"),
    "Dragon Boat Festival": _l("Dragon Boat Festival"),
    "National Day": _l("National Day"),
    "Mid-autumn Festival": _l("Mid-autumn Festival"),
    "Anti-Fascist 70th Day": _l("Anti-Fascist 70th Day"),
}


def next_workday(day: date, table: dict[date, bool] | None = None) -> date:
    """The day itself if it is worked, else the first worked day after it."""
    table = overrides() if table is None else table
    while not is_workday(day, table):
        day += timedelta(days=1)
    return day


def add_workdays(start: date, count: int, table: dict[date, bool] | None = None) -> date:
    """The `count`-th working day after `start`; `start` itself is not counted."""
    table = overrides() if table is None else table
    day = start
    while count > 0:
        day += timedelta(days=1)
        if is_workday(day, table):
            count -= 1
    return day


def add_months(start: date, count: int, table: dict[date, bool] | None = None) -> date:
    """The end of a limit of `count` months, rolled to a working day."""
    years, month = divmod(start.month - 1 + count, 12)
    year, month = start.year + years, month + 1
    return next_workday(date(year, month, min(start.day, monthrange(year, month)[1])), table)


def add_days(start: date, count: int, table: dict[date, bool] | None = None) -> date:
    """The end of a limit of `count` days, rolled to a working day."""
    return next_workday(start + timedelta(days=count), table)


def workdays_between(start: date, end: date, table: dict[date, bool] | None = None) -> int:
    """Working days after `start` up to and including `end`; negative when `end` is earlier."""
    table = overrides() if table is None else table
    if end < start:
        return -workdays_between(end, start, table)
    days = (start + timedelta(days=i) for i in range(1, (end - start).days + 1))
    return sum(is_workday(day, table) for day in days)


LIMITS: dict[str, Callable[..., date]] = {"workdays": add_workdays, "days": add_days, "months": add_months}
