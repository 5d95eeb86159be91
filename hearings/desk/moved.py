"""Due dates that the calendar of working days would put elsewhere than they stand.

Nothing moves by itself: when the table of holidays is filled in, dates counted before it stay as they were given, and
this list says which would be different now. A commitment moves by an extension, with its reason.
"""

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from .. import workdays
from ..db import db, today
from ..issues import limits
from ..issues.models import Assignment, AssignmentStatus, Commitment, CommitmentStatus, Issue

MOST = 2000


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
        (c.issue, c.measure, c.lead, c.due_on, c.due_basis, {}, f"/commitments/{c.id}") for c in promises
    ]
    for a in given:
        starts = {limits.ASSIGNED: a.assigned_on}
        rows.append((a.issue, a.issue.title, a.department, a.due_on, a.due_basis, starts, f"/issues/{a.issue_id}"))
    found: list[dict[str, Any]] = []
    for issue, text, office, due, basis, starts, url in rows:
        now_due = limits.recomputed(basis, table, hearing=issue.hearing.day, **starts)
        if now_due is not None and now_due != due:
            found.append(
                {
                    "reference": issue.reference,
                    "text": text,
                    "department": office.short_name,
                    "due": due,
                    "now_due": now_due,
                    "basis": limits.basis_words(basis),
                    "url": url,
                }
            )
    found.sort(key=lambda row: row["due"])
    return found
