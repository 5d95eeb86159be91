"""Statements that are built once and run with the particulars of each request.

SQLAlchemy takes longer to build a statement than a database takes to run most of ours. What is asked on every
page is therefore built once per kind of person, with a stand-in whose particulars are parameters, and kept.
"""

import functools
from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, Date, bindparam

from .db import UTCDateTime, db, today
from .permissions import Role

TODAY: Any = bindparam("today", type_=Date())
MIDNIGHT: Any = bindparam("midnight", type_=UTCDateTime())
"""When this day began."""


class StandIn:
    """A person of a kind, for the clauses of `permissions.scoped`: what the kind does not fix is a parameter."""

    def __init__(self, role_set: frozenset[Role], is_district: bool) -> None:
        self.role_set = role_set
        self.is_district = is_district
        self.id: Any = bindparam("person_id")
        self.department_ids: Any = bindparam("person_departments", expanding=True)
        self.station_ids: Any = bindparam("person_stations", expanding=True)
        self.streets: Any = bindparam("person_streets", expanding=True)


@functools.lru_cache(maxsize=256)
def _stand_in(role_set: frozenset[Role], is_district: bool) -> StandIn:
    return StandIn(role_set, is_district)


def stand_in(user: Any) -> StandIn:
    """One and the same for all people of a kind, so that it can be the key under which a statement is kept."""
    roles = user.role_set
    return _stand_in(roles, Role.ORGANISER not in roles or user.is_district)


def particulars(user: Any) -> dict[str, Any]:
    """The parameters that belong to a statement with this person's stand-in, and the day."""
    roles, district = user.role_set, stand_in(user).is_district
    return {
        "person_id": user.id,
        "person_departments": user.department_ids if Role.DEPARTMENT in roles else [],
        "person_stations": [] if district else user.station_ids,
        "person_streets": [] if district else user.streets,
        "today": today(),
    }


def ask(statement: Any, values: Mapping[str, Any] | None = None) -> CursorResult[*tuple[Any, ...]]:
    """The rows of a statement of columns, in this request's transaction.

    The session's own way prepares for whole objects and writes out what has changed first: for columns, on a page
    that only reads, that is half of what a small statement costs.
    """
    return db.session.connection().execute(statement, values)


__all__ = ["MIDNIGHT", "TODAY", "StandIn", "ask", "particulars", "stand_in"]
