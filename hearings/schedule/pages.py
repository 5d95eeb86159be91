"""What the schedule room's pages share: the blueprint, its words, and small steps."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, flash, request

from .. import workflow
from ..db import db
from . import operations, queries
from .models import KIND_LABELS, Hearing, HearingStatus

bp = Blueprint("schedule", __name__)

TONES = {
    HearingStatus.ANNOUNCED: "blue",
    HearingStatus.IN_SESSION: "lamp",
    HearingStatus.CONCLUDED: "green",
    HearingStatus.FILED: "green",
    HearingStatus.POSTPONED: "yellow",
}
"""Colours of the status words; the rest is grey."""


def hub_of(hearing: Hearing) -> str:
    """The address of a hearing's page, which the desk serves."""
    return f"/hearings/{hearing.id}"


def state_of(status: HearingStatus) -> tuple[Any, str]:
    """A status as (word, tone), for `parts.state`."""
    return workflow.label("hearing", status), TONES.get(status, "grey")


@bp.context_processor
def _words() -> dict[str, Any]:
    """What the room's templates call by name."""
    return {"kind_labels": KIND_LABELS, "hearing_state": state_of, "hub": hub_of}


def total_of(count: int) -> str:
    """A total as lists show it: exact up to 1,000."""
    return "1,000+" if count > queries.TOTAL_CAP else str(count)


def address_of(endpoint_path: str, **more: Any) -> str:
    """This list's address with the filter that is set, and another page."""
    kept = {k: v for k, v in request.args.items() if k not in ("before", "after") and v}
    query = urlencode(kept | more)
    return f"{endpoint_path}?{query}" if query else endpoint_path


def rows_by_id(model: Any, ids: list[int]) -> list[Any]:
    """Rows that a form has checked against what it offered."""
    return list(db.session.scalars(db.select(model).where(model.id.in_(ids)).order_by(model.id))) if ids else []


def topics_open(hearing: Hearing) -> bool:
    """Whether its list of topics can still be changed."""
    return hearing.status not in (*operations.LASTING, HearingStatus.FILED)


def warnings_of(hearing: Hearing) -> list[str]:
    """What speaks against the evening as it is planned; nothing once it has been held."""
    if hearing.status not in operations.BEFORE:
        return []
    return operations.warnings(
        station=hearing.station, starts_at=hearing.starts_at, ends_at=hearing.ends_at, hearing=hearing
    )


def warn(hearing: Hearing) -> None:
    """Say after saving what speaks against the evening; it is saved all the same."""
    for words in warnings_of(hearing):
        flash(words, "warning")
