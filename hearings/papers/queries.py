"""What papers are composed from, and what there is of a hearing to print."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from ..db import db
from ..files import Blob
from ..issues.models import Assignment, Issue, Reply
from ..minutes import queries as minutes
from ..minutes.models import Minutes, MinutesStatus
from ..people.models import User
from ..permissions import scoped
from ..reviews.models import AgendaItem, Ballot, Finding
from ..schedule.models import Capacity, Hearing, Participant, Topic
from .registry import State


def state(hearing: Hearing) -> State:
    """Count what there is, in one statement."""

    def count(model: Any, *where: Any) -> Any:
        found = select(func.count()).select_from(model).where(model.hearing_id == hearing.id, *where)
        return found.scalar_subquery()

    row = db.session.execute(
        select(
            count(Participant).label("seats"),
            count(Participant, *with_card()).label("cards"),
            count(Topic).label("topics"),
            count(Issue).label("issues"),
            count(AgendaItem).label("agenda"),
            count(Ballot).label("ballots"),
            count(Finding).label("findings"),
        )
    ).one()
    return State(hearing, **row._mapping)


def with_card() -> tuple[Any, ...]:
    """Seats that get a name card: offices, and people with a name who are not residents or press."""
    return (
        Participant.capacity.not_in((Capacity.RESIDENT, Capacity.MEDIA, Capacity.OBSERVER)),
        or_(Participant.department_id.is_not(None), func.coalesce(Participant.name, "") != ""),
    )


def seats_of(hearing: Hearing) -> Sequence[Participant]:
    """The seats in protocol order, with their offices and the stations their people look after."""
    return db.session.scalars(
        select(Participant)
        .where(Participant.hearing_id == hearing.id)
        .options(joinedload(Participant.department), selectinload(Participant.user).selectinload(User.stations))
        .order_by(Participant.position, Participant.id)
    ).all()


def topics_of(hearing: Hearing) -> Sequence[Topic]:
    """All topics of a hearing in order, with whom they are put to."""
    return db.session.scalars(
        select(Topic)
        .where(Topic.hearing_id == hearing.id)
        .options(selectinload(Topic.departments))
        .order_by(Topic.position, Topic.id)
    ).all()


def record_of(hearing: Hearing) -> minutes.Record:
    """The whole record, as the minutes read it."""
    return minutes.record_of(hearing)


def published_minutes(hearing: Hearing, user: Any) -> Sequence[Minutes]:
    """The published versions this person may read, oldest first; without their bytes."""
    return db.session.scalars(
        select(Minutes)
        .where(
            Minutes.hearing_id == hearing.id,
            Minutes.status == MinutesStatus.PUBLISHED,
            scoped("minutes.read", user, Minutes),
        )
        .order_by(Minutes.version)
    ).all()


def assignments_of(hearing: Hearing, user: Any) -> Sequence[Assignment]:
    """The assignments of a hearing's own issues that this person may read, in the order of the issues."""
    return (
        db.session.scalars(
            select(Assignment)
            .join(Assignment.issue)
            .where(Issue.hearing_id == hearing.id, scoped("assignment.read", user, Assignment))
            .options(
                joinedload(Assignment.department),
                contains_eager(Assignment.issue).joinedload(Issue.hearing),
                contains_eager(Assignment.issue).joinedload(Issue.lead_deputy),
            )
            .order_by(Issue.position, Issue.id, Assignment.round, Assignment.id)
        )
        .unique()
        .all()
    )


def replies_to(assignments: Sequence[Assignment]) -> Sequence[Reply]:
    """Every reply to these assignments, in their order and then as they were given."""
    place = {a.id: n for n, a in enumerate(assignments)}
    if not place:
        return []
    found = db.session.scalars(select(Reply).where(Reply.assignment_id.in_(place)).order_by(Reply.id))
    return sorted(found, key=lambda reply: place[reply.assignment_id])


def blobs(sha256s: set[str]) -> dict[str, bytes]:
    """The stored bytes by their SHA-256."""
    if not sha256s:
        return {}
    rows = db.session.execute(select(Blob.sha256, Blob.data).where(Blob.sha256.in_(sorted(sha256s))))
    return {row.sha256: row.data for row in rows}


def by_key(rows: Iterable[Any], key: str) -> dict[Any, list[Any]]:
    """Rows grouped by one attribute."""
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        found[getattr(row, key)].append(row)
    return found
