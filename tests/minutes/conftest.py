"""A concluded hearing, its minutes published without waiting for the printer, and with it."""

from datetime import timedelta
from typing import Any

import pytest

from hearings.db import db, today
from hearings.issues import operations as issues
from hearings.minutes import operations
from hearings.schedule import operations as schedule

PDF = b"%PDF-1.7 stand-in "
WORD = b"PK stand-in "


@pytest.fixture
def concluded(world: Any) -> Any:
    """A concluded hearing with one issue, handed over."""
    hearing = world.hearing("in_session", day=today() - timedelta(days=3))
    issue = world.issue(hearing)
    world.commitment(issue)
    schedule.conclude(hearing, actor=world.organiser)
    issues.assign(issue, lead=world.bureau, actor=world.organiser)
    db.session.commit()
    return hearing


@pytest.fixture
def publish(world: Any) -> Any:
    """`publish(hearing)` → minutes published with stand-ins that no other version has; `texts` writes pieces anew."""

    def act(hearing: Any, *, texts: dict[str, str] | None = None, **changes: Any) -> Any:
        newest = operations.latest(hearing)
        if newest is not None and newest.status == "published":
            operations.correct(newest, reason="更正一处", actor=world.organiser)
        minutes = operations.latest(hearing) or operations.draft(hearing, actor=world.organiser)
        operations.amend(minutes, texts or {}, actor=world.organiser)
        operations.review(minutes, actor=world.street)
        mark = f"{hearing.id}.{minutes.version}".encode()
        signed = {"issued_by": "李某某", "issued_on": today(), "pdf": PDF + mark, "docx": WORD + mark} | changes
        operations.publish(minutes, actor=world.organiser, **signed)
        db.session.commit()
        return minutes

    return act
