"""Acts on an issue that are taken back as one: everything that moved stands again as it stood before."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select

from .. import audit, undo
from ..db import db
from ..errors import RuleBroken
from ..people.models import User
from .models import Assignment, Commitment, Extension, Issue, Progress

RESTS: dict[type[Any], tuple[str, ...]] = {
    Issue: ("status", "round", "assigned_at", "replied_at", "closed_at"),
    Commitment: ("status", "due_on", "due_basis", "percent", "report", "reported_at", "closed_at"),
    Assignment: (
        "status", "accepted_at", "replied_at", "returned_at", "accepted_by_silence", "return_reason", "part",
        "assigned_on", "due_on", "due_basis", "requirement", "respond_by",
    ),
    Extension: ("status", "new_due_on", "decided_at", "decided_by_id", "decision_note"),
}  # fmt: skip
"""What an act may move, by table; taking it back asks whether it still stands as the act left it. Later rooms add."""


def standing(issue: Issue) -> dict[str, dict[str, dict[str, Any]]]:
    """How an issue and all that hangs on it stands now, as JSON: table → id → columns."""
    db.session.flush()
    mine = select(Commitment.id).where(Commitment.issue_id == issue.id)
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for model, columns in RESTS.items():
        which = model.id == issue.id if model is Issue else None
        if which is None:
            which = model.commitment_id.in_(mine) if model is Extension else model.issue_id == issue.id
        rows = {}
        for row in db.session.scalars(select(model).where(which).order_by(model.id)):
            kept = undo.snapshot(row)
            rows[str(row.id)] = {name: kept[name] for name in columns}
        found[model.__tablename__] = rows
    lines = (
        select(func.count())
        .select_from(Progress)
        .join(Assignment, Assignment.id == Progress.assignment_id)
        .where(Assignment.issue_id == issue.id)
    )
    return found | {"progress": {"all": {"count": db.session.scalar(lines)}}}


@contextmanager
def one_act(
    issue: Issue, act: str, *, actor: User, back: str, kind: str = "issue.act", lasts: timedelta | None = None
) -> Iterator[dict[str, Any]]:
    """Everything inside is taken back as one. The block puts the sentence of the offer under "said";

    what else it puts there goes to the compensation, which is `kind`'s.
    """
    holder: dict[str, Any] = {"said": None}
    if undo.is_part():
        yield holder
        return
    before = standing(issue)
    with undo.as_one():
        yield holder
    said = holder.pop("said")
    undo.offer(
        kind,
        said,
        actor=actor,
        back=back,
        page=f"/issues/{issue.id}",
        lasts=lasts,
        action=act,
        issue_id=issue.id,
        before=before,
        after=standing(issue),
        **holder,
    )


@contextmanager
def acts_together(issues: Sequence[Issue], act: str, *, actor: User, back: str, page: str) -> Iterator[dict[str, Any]]:
    """The same act on several issues, taken back as one; the block puts the sentence of the offer under "said".

    Without a sentence nothing is offered.
    """
    before = {issue.id: standing(issue) for issue in issues}
    holder: dict[str, Any] = {"said": None}
    with undo.as_one():
        yield holder
    if holder["said"] is not None:
        rows = [[issue.id, before[issue.id], standing(issue)] for issue in issues]
        undo.offer("issue.acts", holder["said"], actor=actor, back=back, page=page, action=act, rows=rows)


def stands(*, issue_id: int, after: Any, **_payload: Any) -> bool:
    """Whether everything stands as the act has left it."""
    return standing(db.session.get_one(Issue, issue_id)) == after


def check(issue: Issue, after: Any) -> None:
    """Raises `RuleBroken` where something has followed from the act."""
    if standing(issue) != after:
        raise RuleBroken(_("Something rests on it by now."))


def put_back(before: Any, after: Any) -> None:
    """Every row as it was; one that the act has made goes."""
    made = []
    with db.session.no_autoflush:
        for model in RESTS:
            table = model.__tablename__
            for id_ in after[table]:
                row = db.session.get_one(model, int(id_))
                kept = before[table].get(id_)
                if kept is None:
                    made.append(row)
                    continue
                if kept == after[table][id_]:
                    continue
                for name, value in kept.items():
                    setattr(row, name, undo.value_of(value))
                if hasattr(row, "touch"):
                    row.touch()
    db.session.flush()
    undo.remove(*made)


@undo.compensation("issue.act", holds=stands)
def _act_back(*, actor: User, action: str, issue_id: int, before: Any, after: Any) -> None:
    issue = db.session.get_one(Issue, issue_id)
    check(issue, after)
    for model in RESTS:  # each thing's own line: figures as of a date read the status from it
        table = model.__tablename__
        for id_, stood in after[table].items():
            was = before[table].get(id_)
            if model is not Issue and was != stood:
                row = db.session.get_one(model, int(id_))
                audit.record(f"{action}.undo", row, actor, status=was and was["status"])
    audit.record(f"{action}.undo", issue, actor, status=before["issue"][str(issue_id)]["status"])
    put_back(before, after)


def _statuses_stand(*, rows: Sequence[Any], **_payload: Any) -> bool:
    """Whether no issue and no assignment has moved on; taking back looks at everything."""
    left = {id_: after["issue"][str(id_)]["status"] for id_, _before, after in rows}
    given = {int(a): kept["status"] for _id, _before, after in rows for a, kept in after["assignment"].items()}
    now = db.session.execute(
        select(Issue.id, Issue.status, Assignment.id, Assignment.status)
        .outerjoin(Assignment, Assignment.issue_id == Issue.id)
        .where(Issue.id.in_(list(left)))
    ).all()
    return {i: s for i, s, _a, _s in now} == left and {a: s for _i, _s, a, s in now if a is not None} == given


@undo.compensation("issue.acts", holds=_statuses_stand)
def _acts_back(*, actor: User, action: str, rows: Sequence[Any]) -> None:
    for issue_id, before, after in reversed(rows):
        _act_back(actor=actor, action=action, issue_id=issue_id, before=before, after=after)
