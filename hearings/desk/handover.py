"""Handing a person's open items over to another, in one step.

A person who leaves must not block a hearing, an issue or a confirmation for ever. What is past stays under the old
name: only what is still ahead moves. Each row that moves has its own line in the trail, and so has the person.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from .. import audit, undo
from ..db import db
from ..errors import RuleBroken
from ..filters import listed
from ..issues.models import CLOSED, Assignment, AssignmentStatus, Commitment, CommitmentStatus, Issue
from ..people.models import Department, User, UserRole
from ..permissions import Role
from ..reviews.models import Confirmation, ConfirmationStatus
from ..schedule.models import Hearing, HearingStatus, Participant
from ..schedule.operations import unit_of, usual_position

AHEAD = (HearingStatus.DRAFT, HearingStatus.ANNOUNCED, HearingStatus.POSTPONED)
"""A hearing that has begun keeps who was in the room."""
MOST = 200
"""Rows of one kind that the page lists; all of them move."""


@dataclass
class Open:
    """What a person still has open."""

    chaired: Sequence[Hearing] = ()
    seats: Sequence[Participant] = ()
    issues: Sequence[Issue] = ()
    confirmations: Sequence[Confirmation] = ()
    department: Department | None = None
    """Set when nobody else signs in for the person's office, and the office has something open."""
    duties: dict[str, int] = field(default_factory=dict)
    """Of that office: assignments not answered, promises owed."""

    @property
    def anything(self) -> bool:
        """Whether there is anything to hand over."""
        return bool(self.count or self.department)

    @property
    def count(self) -> int:
        """How many rows a person takes over."""
        return len(self.chaired) + len(self.seats) + len(self.issues) + len(self.confirmations)


def open_items(user: User) -> Open:
    """The person's hearings and seats still ahead, issues led, confirmations asked, and a lonely office."""
    made = Open(
        chaired=db.session.scalars(
            select(Hearing)
            .where(Hearing.chair_id == user.id, Hearing.status.in_(AHEAD))
            .order_by(Hearing.starts_at, Hearing.id)
        ).all(),
        seats=db.session.scalars(
            select(Participant)
            .join(Hearing, Hearing.id == Participant.hearing_id)
            .where(Participant.user_id == user.id, Hearing.status.in_(AHEAD))
            .options(joinedload(Participant.hearing))
            .order_by(Hearing.starts_at, Hearing.id)
        ).all(),
        issues=db.session.scalars(
            select(Issue)
            .where(Issue.lead_deputy_id == user.id, Issue.status.not_in(CLOSED))
            .options(joinedload(Issue.hearing))
            .order_by(Issue.id)
        ).all(),
        confirmations=db.session.scalars(
            select(Confirmation)
            .where(Confirmation.deputy_id == user.id, Confirmation.status == ConfirmationStatus.ASKED)
            .options(joinedload(Confirmation.issue).joinedload(Issue.hearing))
            .order_by(Confirmation.due_on, Confirmation.id)
        ).all(),
    )
    if Role.DEPARTMENT in user.role_set and user.department is not None:
        _lonely(user, user.department, made)
    return made


def _lonely(user: User, office: Department, made: Open) -> None:
    others = (
        select(func.count())
        .select_from(User)
        .join(UserRole, UserRole.user_id == User.id)
        .where(User.department_id == office.id, User.id != user.id, User.active, UserRole.role == Role.DEPARTMENT)
        .scalar_subquery()
    )
    ids = user.department_ids
    awaited = (
        select(func.count())
        .select_from(Assignment)
        .join(Issue, Issue.id == Assignment.issue_id)
        .where(
            Issue.status.not_in(CLOSED),  # a closed issue asks a silent co-handler for nothing any more
            Assignment.department_id.in_(ids),
            Assignment.status.in_((AssignmentStatus.ASSIGNED, AssignmentStatus.ACCEPTED)),
        )
        .scalar_subquery()
    )
    owed = (
        select(func.count())
        .select_from(Commitment)
        .where(Commitment.lead_id.in_(ids), Commitment.status.in_((CommitmentStatus.OPEN, CommitmentStatus.REPORTED)))
        .scalar_subquery()
    )
    row = db.session.execute(select(others.label("others"), awaited.label("awaited"), owed.label("owed"))).one()
    if not row.others and (row.awaited or row.owed):
        made.department = office
        made.duties = {"assignments": row.awaited, "commitments": row.owed}


def candidates(user: User) -> Sequence[User]:
    """Who may take over: everyone else who can sign in, deputies first, in protocol order."""
    deputy = select(UserRole.user_id).where(UserRole.role == Role.DEPUTY)
    return (
        db.session.scalars(
            select(User)
            .where(User.active, User.id != user.id)
            .order_by(User.id.in_(deputy).desc(), User.protocol_order, User.id)
        )
        .unique()
        .all()
    )


def hand_over(user: User, *, actor: User, to: User | None = None, office_to: User | None = None) -> dict[str, int]:
    """Move everything open of `user` to `to`, and the lonely office's work to `office_to`. With undo.

    Returns how many of each moved. Raises `RuleBroken` when nobody was chosen for what there is, when issues or
    confirmations would go to somebody who is no deputy, or the office to somebody of another office.
    """
    found = open_items(user)
    if not found.anything:
        raise RuleBroken(_("Nothing is open any more."))
    if found.count and to is None:
        raise RuleBroken(_("Choose who takes over."), "to")
    for chosen, name in ((to, "to"), (office_to, "office_to")):
        if chosen is not None and (chosen is user or not chosen.active):
            raise RuleBroken(_("This person cannot sign in and takes nothing over."), name)
    kept: dict[str, Any] = {"user": user.id, "chaired": [], "seats": [], "dropped": [], "issues": [], "asked": []}
    counts: dict[str, int] = {}
    if found.count and to is not None:
        if (found.issues or found.confirmations) and Role.DEPUTY not in to.role_set:
            raise RuleBroken(_("Issues and confirmations go to a deputy."), "to")
        kept["to"] = to.id
        _move_hearings(found, to, actor, kept)
        _move_issues(found, to, actor, kept)
        counts = {"hearings": len({h.id for h in found.chaired} | {s.hearing_id for s in found.seats})}
        counts |= {"issues": len(found.issues), "confirmations": len(found.confirmations)}
    if office_to is not None and found.department is not None:
        _move_office(found.department, office_to, kept)
        counts["department"] = 1
    names = [person.name for person in (to, office_to) if person is not None]
    audit.record("user.hand_over", user, actor, to=list(dict.fromkeys(names)), items=counts)
    db.session.flush()
    undo.offer(
        "user.hand_over",
        _("Handed over to %(name)s.", name=listed(dict.fromkeys(names))),
        actor=actor,
        back=f"/hand-over/{user.id}",
        kept=kept,
    )
    return counts


def _move_hearings(found: Open, to: User, actor: User, kept: dict[str, Any]) -> None:
    ids = [seat.hearing_id for seat in found.seats]
    seated = set(
        db.session.scalars(
            select(Participant.hearing_id).where(Participant.user_id == to.id, Participant.hearing_id.in_(ids))
        )
    )
    touched: dict[int, Hearing] = {}
    for hearing in found.chaired:
        hearing.chair_id = to.id
        kept["chaired"].append(hearing.id)
        touched[hearing.id] = hearing
    for seat in found.seats:
        touched[seat.hearing_id] = seat.hearing
        if seat.hearing_id in seated:  # one person, one seat
            kept["dropped"].append(undo.snapshot(seat))
            db.session.delete(seat)
            continue
        kept["seats"].append(undo.snapshot(seat))
        seat.user_id = to.id
        seat.name, seat.title, seat.email = to.name, to.title, None
        seat.unit = unit_of(to)
        seat.position = usual_position(to)
    for hearing in touched.values():
        hearing.touch()
        audit.record("user.hand_over", hearing, actor, to=to.name)


def _move_issues(found: Open, to: User, actor: User, kept: dict[str, Any]) -> None:
    for issue in found.issues:
        issue.lead_deputy_id = to.id
        kept["issues"].append(issue.id)
        audit.record("user.hand_over", issue, actor, to=to.name)
    for asked in found.confirmations:
        asked.deputy_id = to.id
        kept["asked"].append(asked.id)
        audit.record("user.hand_over", asked, actor, to=to.name)


def _move_office(office: Department, to: User, kept: dict[str, Any]) -> None:
    if to.department_id not in (None, office.id):
        raise RuleBroken(
            _("%(name)s acts for another department. Make a person for this one, or choose another.", name=to.name),
            "office_to",
        )
    kept["office"] = {
        "to": to.id,
        "department": to.department_id,
        "had_role": Role.DEPARTMENT in to.role_set,
        "id": office.id,
    }
    to.department = office
    to.set_roles(to.role_set | {Role.DEPARTMENT})


@undo.compensation("user.hand_over")
def _take_back(*, actor: User, kept: dict[str, Any]) -> None:
    """Everything back to where it was, unless it has moved on meanwhile."""
    user, to = kept["user"], kept.get("to")
    moved_on = RuleBroken(_("Some of it has moved on meanwhile; hand it over again instead."))
    hearings = db.session.scalars(select(Hearing).where(Hearing.id.in_(kept["chaired"]))).all()
    issues = db.session.scalars(select(Issue).where(Issue.id.in_(kept["issues"]))).all()
    asked = db.session.scalars(select(Confirmation).where(Confirmation.id.in_(kept["asked"]))).all()
    if (
        any(h.chair_id != to or h.status not in AHEAD for h in hearings)
        or any(i.lead_deputy_id != to for i in issues)
        or any(c.deputy_id != to or c.status != ConfirmationStatus.ASKED for c in asked)
    ):
        raise moved_on
    for hearing in hearings:
        hearing.chair_id = user
        hearing.touch()
    for issue in issues:
        issue.lead_deputy_id = user
    for confirmation in asked:
        confirmation.deputy_id = user
    for row in kept["seats"]:
        seat = db.session.get(Participant, row["id"])
        if seat is None or seat.user_id != to:
            raise moved_on
        for name in ("user_id", "name", "title", "email", "unit", "position"):
            setattr(seat, name, row[name])
    for row in kept["dropped"]:
        undo.restore(Participant, row)
    office = kept.get("office")
    if office:
        taker = db.session.get_one(User, office["to"])
        if taker.department_id == office["id"]:
            taker.department_id = office["department"]
            if not office["had_role"]:
                taker.set_roles(taker.role_set - {Role.DEPARTMENT})
    audit.record("user.hand_over.undo", db.session.get_one(User, user), actor)
