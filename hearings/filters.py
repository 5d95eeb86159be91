"""Dates, numbers and names as people read them, in the page's language."""

from collections.abc import Iterable
from datetime import date, datetime
from functools import lru_cache
from typing import Any

from babel.dates import format_date
from flask_babel import gettext

from .db import LOCAL, today
from .language import is_english


def _chinese() -> bool:
    return not is_english()


def _as_day(value: date | datetime) -> date:
    return value.astimezone(LOCAL).date() if isinstance(value, datetime) else value


@lru_cache(maxsize=4096)
def _day(value: date, chinese: bool) -> str:
    return f"{value.year}年{value.month}月{value.day}日" if chinese else format_date(value, "d MMM y", "en")


@lru_cache(maxsize=4096)
def _short(value: date, chinese: bool) -> str:
    return f"{value.month}月{value.day}日" if chinese else format_date(value, "d MMM", "en")


def day(value: date | datetime | None) -> str:
    """2021年3月25日, or 25 Mar 2021."""
    return "" if value is None else _day(_as_day(value), _chinese())


def short_day(value: date | datetime | None) -> str:
    """Without the year when it is this year's: 3月25日, or 25 Mar."""
    if value is None:
        return ""
    it = _as_day(value)
    return (_short if it.year == today().year else _day)(it, _chinese())


@lru_cache(maxsize=4096)
def _weekday(value: date, chinese: bool) -> str:
    return "周" + "一二三四五六日"[value.weekday()] if chinese else format_date(value, "EEE", "en")


@lru_cache(maxsize=4096)
def _full(value: date, chinese: bool) -> str:
    whole, name = _day(value, chinese), _weekday(value, chinese)
    return f"{whole}（{name}）" if chinese else f"{name} {whole}"


def weekday(value: date | datetime | None) -> str:
    """周四, or Thu."""
    return "" if value is None else _weekday(_as_day(value), _chinese())


def full_day(value: date | datetime | None) -> str:
    """2021年3月25日（周四）, or Thu 25 Mar 2021."""
    return "" if value is None else _full(_as_day(value), _chinese())


def clock(value: datetime | None) -> str:
    """19:00, in the hearings' zone."""
    return "" if value is None else f"{value.astimezone(LOCAL):%H:%M}"


def moment(value: datetime | None) -> str:
    """2021年3月25日 19:00."""
    return "" if value is None else f"{day(value)} {clock(value)}"


def full_moment(value: datetime | None) -> str:
    """2021年3月25日（周四）19:00, or Thu 25 Mar 2021, 19:00."""
    return "" if value is None else f"{full_day(value)}{'' if _chinese() else ', '}{clock(value)}"


def span(hearing: Any) -> str:
    """A hearing's time: 2021年3月25日（周四）19:00–21:00."""
    start, end = clock(hearing.starts_at), clock(hearing.ends_at)
    gap = "" if _chinese() else ", "
    return f"{full_day(hearing.starts_at)}{gap}{start}–{end}"


def percent(part: int, whole: int) -> str:
    """83.3 %, or a dash when there is nothing to divide by. One decimal, rounded half up, never nudged."""
    if not whole:
        return "—"
    tenths = (part * 2000 + whole) // (2 * whole)
    return f"{tenths // 10}.{tenths % 10}%"


def serial(number: int | None) -> str:
    """第9期, or No. 9."""
    if not number:
        return ""
    return f"第{number}期" if _chinese() else f"No. {number}"


def names(things: Iterable[Any]) -> str:
    """Short names of offices or names of people, joined."""
    return listed(getattr(t, "short_name", None) or t.name for t in things)


def listed(words: Iterable[str]) -> str:
    """Words one after the other, as the page's language lists them."""
    return ("、" if _chinese() else ", ").join(words)


def days_until(value: date) -> str:
    """今天, 明天, 还有5天, 逾期3天."""
    left = (value - today()).days
    if left == 0:
        return gettext("today")
    if left == 1:
        return gettext("tomorrow")
    if left > 0:
        return gettext("in %(count)d days", count=left)
    return gettext("%(count)d days overdue", count=-left)


def file_size(size: int) -> str:
    """12 KB, 3.4 MB."""
    return f"{max(1, round(size / 1024))} KB" if size < 1024 * 1024 else f"{size / 1024 / 1024:.1f} MB"


ALL = {
    f.__name__: f
    for f in (
        day,
        short_day,
        weekday,
        full_day,
        clock,
        moment,
        full_moment,
        span,
        percent,
        serial,
        names,
        days_until,
        file_size,
    )
}
