"""Due dates that the calendar of working days would put elsewhere than they stand.

Nothing moves by itself: when the table of holidays is filled in, dates counted before it stay as they were given, and
this list says which would be different now. A commitment moves by an extension, with its reason.
"""

import re
from datetime import date
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from .. import workdays
from ..db import db, today
from ..issues.models import Assignment, AssignmentStatus, Commitment, CommitmentStatus, Issue

MOST = 2000
_COUNTED = re.compile(r"自(\d{4})年(\d{1,2})月(\d{1,2})日起(\d{1,3})(个工作日|个月)")
_FROM_ASSIGNING = re.compile(r"交办之日起(\d{1,3})个月")


def recomputed(basis: str, table: dict[date, bool], assigned_on: date | None = None) -> date | None:
    """The date that a basis in words gives with the calendar as it is now, or None when it was not computed."""
    found = _COUNTED.search(basis)
    if found:
        year, month, day, count = (int(found[i]) for i in range(1, 5))
        unit = "workdays" if found[5] == "个工作日" else "months"
        return workdays.LIMITS[unit](date(year, month, day), count, table)
    found = _FROM_ASSIGNING.search(basis)
    if found and assigned_on is not None:
        return workdays.add_months(assigned_on, int(found[1]), table)
    return None


def affected() -> list[dict[str, Any]]:
    """Open commitments and unanswered assignments whose computed date would be another one now, earliest first."""
    table = workdays.overrides()
    if not table:
        return []
    first = min(table)
    promises = db.session.scalars(
        select(Commitment)
        .where(
            Commitment.status == CommitmentStatus.OPEN,
            Commitment.due_basis.is_not(None),
            Commitment.due_on >= max(first, today()),
        )
        .options(joinedload(Commitment.issue).joinedload(Issue.hearing), joinedload(Commitment.lead))
        .order_by(Commitment.due_on, Commitment.id)
        .limit(MOST)
    ).all()
    given = db.session.scalars(
        select(Assignment)
        .where(
            Assignment.status.in_((AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED)),
            Assignment.due_on >= max(first, today()),
        )
        .options(joinedload(Assignment.issue).joinedload(Issue.hearing), joinedload(Assignment.department))
        .order_by(Assignment.due_on, Assignment.id)
        .limit(MOST)
    ).all()
    rows: list[tuple[Any, ...]] = [
        (c.issue, c.measure, c.lead, c.due_on, c.due_basis or "", None, f"/commitments/{c.id}") for c in promises
    ]
    for a in given:
        rows.append(
            (a.issue, a.issue.title, a.department, a.due_on, a.due_basis, a.assigned_on, f"/issues/{a.issue_id}")
        )
    found: list[dict[str, Any]] = []
    for issue, text, office, due, basis, start, url in rows:
        now_due = recomputed(basis, table, start)
        if now_due is not None and now_due != due:
            found.append(
                {
                    "reference": issue.reference,
                    "text": text,
                    "department": office.short_name,
                    "due": due,
                    "now_due": now_due,
                    "basis": basis,
                    "url": url,
                }
            )
    found.sort(key=lambda row: row["due"])
    return found
