"""Calendars: a cold feed beside bare icalendar, a warm one beside a cold one, a 304 beside a warm 200.

Ratios of one run in one process; part of `make bench`, alone: `make bench PART=feeds`.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import date, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from flask import Flask
from icalendar import Alarm, Calendar, Event
from sqlalchemy import select
from werkzeug.test import EnvironBuilder

from hearings.calendars import feeds, operations
from hearings.calendars.models import FeedKind
from hearings.db import LOCAL, db, now, today
from hearings.issues.models import Commitment
from tests import factories
from tests.benchmarks.figures import note
from tests.conftest import counted, make_app

EVENTS = 900
"""What one of our feeds holds at most; the baseline builds as many."""


def seconds(act: Callable[[], Any], times: int = 7) -> float:
    """The median of some runs."""
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        act()
        taken.append(time.perf_counter() - start)
    return median(taken)


def bare(count: int) -> bytes:
    """As many due dates by icalendar alone, with the same properties."""
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", "-//x//y//ZH")
    day = date(2026, 12, 1)
    for n in range(count):
        event = Event()
        event.add("uid", f"commitment-{n:032x}@yexunhui.local")
        event.add("sequence", 1)
        for name in ("created", "last-modified", "dtstamp"):
            event.add(name, now())
        event.add("summary", f"【承诺到期】第{n}项：清理桥下空间并安装照明")
        event.add("description", "问题：铁路桥下堆物无灯\n主办：区交通运输局\nhttp://localhost/issues/1")
        event.add("url", "http://localhost/issues/1", parameters={"VALUE": "URI"})
        event.add("class", "PUBLIC")
        event.add("categories", ["承诺"])
        event.add("related-to", f"hearing-{n:032x}@yexunhui.local", parameters={"RELTYPE": "PARENT"})
        event.add("dtstart", day)
        event.add("dtend", day + timedelta(days=1))
        event.add("status", "CONFIRMED")
        event.add("transp", "TRANSPARENT")
        event.add("x-microsoft-cdo-busystatus", "FREE")
        for back in (3, 1):
            alarm = Alarm()
            alarm.add("action", "DISPLAY")
            alarm.add("description", f"【承诺到期】第{n}项：清理桥下空间并安装照明")
            at = datetime(2026, 12, 1, 9, tzinfo=LOCAL) - timedelta(days=back)
            alarm.add("trigger", at, parameters={"VALUE": "DATE-TIME"})
            alarm.add("uid", f"alarm-{back}-{n:032x}@yexunhui.local")
            event.add_component(alarm)
        calendar.add_component(event)
    return calendar.to_ical(sorted=False)


def answered(app: Flask, path: str, headers: dict[str, str] | None = None) -> Callable[[], None]:
    """Asks the application itself, as a server does: what a test client does beside it is not ours."""
    environ = EnvironBuilder(path=path, headers=headers).get_environ()

    def ask() -> None:
        with closing(app.wsgi_app(dict(environ), lambda *_args: bytearray().extend)) as body:  # type: ignore[type-var]
            for _piece in body:
                pass

    return ask


def main() -> None:
    """Note the ratios beside what was asked for."""
    folder = Path(tempfile.mkdtemp())
    app = make_app(f"sqlite:///{folder / 'bench.db'}", folder)
    with app.app_context():
        db.create_all()
        world = factories.World.make()
        issue = world.issue(world.hearing("in_session", day=today()))
        for n in range(EVENTS):
            db.session.add(
                Commitment(
                    issue_id=issue.id,
                    position=n + 1,
                    lead_id=world.bureau.id,
                    measure=f"第{n}项：清理桥下空间并安装照明",
                    due_on=today() + timedelta(days=n % 300),
                )
            )
        row, token = operations.subscribe(FeedKind.DEPARTMENT, actor=world.department)
        db.session.commit()
        path, base = f"/cal/{token}/calendar.ics", "http://localhost"

        def cold() -> None:
            feeds.events.clear()
            feeds.tags.clear()
            db.session.expire_all()
            feeds.body(feeds.of(row), base_url=base)

        def warm() -> None:
            feeds.body(feeds.of(row), base_url=base)

        baseline = seconds(lambda: bare(EVENTS), 5)
        taken = {"bare icalendar": baseline, "cold": seconds(cold, 5)}
        promise = db.session.scalars(select(Commitment).limit(1)).one()

        def one_changed() -> float:
            promise.touch()
            db.session.commit()
            feeds.of(row)  # the subscription itself, and its owner, are read by every request
            start = time.perf_counter()
            warm()
            return time.perf_counter() - start

        warm()
        taken["warm, one event changed"] = median(one_changed() for _ in range(15))
        db.session.remove()
    tag = app.test_client().get(path).headers["ETag"]
    known = {"If-None-Match": tag}
    taken["warm 200"] = seconds(answered(app, path), 200)
    taken["304"] = seconds(answered(app, path, known), 1000)
    with app.app_context(), counted() as said:
        assert app.test_client().get(path, headers=known).status_code == 304
    for name, value in taken.items():
        note(name, 1000 * value, "ms")
    note("cold over bare icalendar", taken["cold"] / taken["bare icalendar"], most=1.2)
    note("cold over warm with one event changed", taken["cold"] / taken["warm, one event changed"], least=100)
    note("warm 200 over 304", taken["warm 200"] / taken["304"], least=10)
    note("statements of a 304", len(said), "", most=3)
    with app.app_context():
        db.engine.dispose()
