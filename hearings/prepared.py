"""Statements that are built once and run with the particulars of each request.

SQLAlchemy takes longer to build a statement than a database takes to run most of ours. What is asked on every
page is therefore built once per kind of person, with a stand-in whose particulars are parameters, and kept.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import CursorResult, Date, bindparam

from .db import UTCDateTime, db
from .permissions import StandIn, particulars, stand_in

TODAY: Any = bindparam("today", type_=Date())
MIDNIGHT: Any = bindparam("midnight", type_=UTCDateTime())
"""When this day began."""


def ask(statement: Any, values: Mapping[str, Any] | None = None) -> CursorResult[*tuple[Any, ...]]:
    """The rows of a statement of columns, in this request's transaction.

    The session's own way prepares for whole objects and writes out what has changed first: for columns, on a page
    that only reads, that is half of what a small statement costs.
    """
    return db.session.connection().execute(statement, values)


__all__ = ["MIDNIGHT", "TODAY", "StandIn", "ask", "particulars", "stand_in"]
