"""The papers of an assignment: its sheet, the supervision sheet, the reply letter and its feedback form."""

from datetime import date
from typing import Any

from flask import abort, request
from sqlalchemy import select
from sqlalchemy.orm import joinedload
from werkzeug.wrappers import Response

from ..db import db
from ..errors import RuleBroken
from ..forms import as_number
from ..issues.models import Assignment, Reply
from ..permissions import requires
from . import after
from .pages import answer, bp
from .registry import ASSIGNMENT_PAPERS

OF_A_REPLY = {"reply": after.reply_letter, "feedback": after.feedback_form}
"""Papers of one reply: the latest, or the one that `?reply=` names."""


@bp.get("/assignments/<int:id>/papers/<key>.pdf")
@requires("assignment.read", Assignment)
def assignment_pdf(assignment: Assignment, key: str) -> Response:
    """One paper, laid out for the printer."""
    return _one(assignment, key, "pdf")


@bp.get("/assignments/<int:id>/papers/<key>.docx")
@requires("assignment.read", Assignment)
def assignment_docx(assignment: Assignment, key: str) -> Response:
    """One paper for Word or WPS, to go on with by hand."""
    return _one(assignment, key, "docx")


def _one(assignment: Assignment, key: str, form: str) -> Response:
    paper = ASSIGNMENT_PAPERS.get(key)
    if paper is None:
        abort(404)
    why_not = paper.when(assignment)
    if why_not:
        raise RuleBroken(str(why_not))
    content = _content(assignment, key)
    number = content["code"] if key != "feedback" else assignment.issue.reference
    name = f"{paper.file} {number} {assignment.department.short_name}"
    return answer(paper.template, content, form, name)


def _content(assignment: Assignment, key: str) -> dict[str, Any]:
    if key in OF_A_REPLY and "reply" in request.args:
        return OF_A_REPLY[key](_reply_asked(assignment))
    if key == "supervision":
        return after.supervision_sheet(assignment, new_limit=_limit_asked())
    return ASSIGNMENT_PAPERS[key].compose(assignment)


def _reply_asked(assignment: Assignment) -> Reply:
    """The reply of the address, if it is one of this assignment; else 404."""
    number = as_number(request.args.get("reply", ""))
    reply = None
    if number is not None:
        reply = db.session.scalar(
            select(Reply)
            .where(Reply.id == number, Reply.assignment_id == assignment.id)
            .options(joinedload(Reply.assignment))
        )
    if reply is None:
        abort(404)
    return reply


def _limit_asked() -> date | None:
    """The new limit of the address (`?until=2021-06-10`); nonsense leaves it blank to be written in."""
    try:
        return date.fromisoformat(request.args.get("until", ""))
    except ValueError:
        return None
