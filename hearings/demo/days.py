"""Working days, as far as the demo needs them: when offices work and evenings are not holidays."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta
from functools import cache

import chinese_calendar


@cache
def is_workday(day: date) -> bool:
    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        # No table knows this year yet: weekends, and the days that are holidays in every year.
        fixed = {(1, 1), (4, 5), (5, 1), (5, 2), *((10, d) for d in range(1, 8))}
        return day.weekday() < 5 and (day.month, day.day) not in fixed


def roll(day: date) -> date:
    """The day itself, or the next working day after it."""
    while not is_workday(day):
        day += timedelta(days=1)
    return day


def roll_back(day: date) -> date:
    while not is_workday(day):
        day -= timedelta(days=1)
    return day


def add_workdays(day: date, count: int) -> date:
    step = 1 if count >= 0 else -1
    for _ in range(abs(count)):
        day += timedelta(days=step)
        while not is_workday(day):
            day += timedelta(days=step)
    return day


def add_months(day: date, count: int) -> date:
    """The corresponding day, or the end of a shorter month; after a holiday if it falls on one."""
    years, month = divmod(day.month - 1 + count, 12)
    year, month = day.year + years, month + 1
    return roll(date(year, month, min(day.day, monthrange(year, month)[1])))


def evening(target: date, *, weekdays: tuple[int, ...] = (2, 3), back: bool = False) -> date:
    """The nearest working Wednesday or Thursday from `target` on (or back from it)."""
    step = timedelta(days=-1 if back else 1)
    while target.weekday() not in weekdays or not is_workday(target):
        target += step
    return target
