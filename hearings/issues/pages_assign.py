"""After the evening: all issues of a hearing handed over on one page (交办), as they were promised."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import and_, select
from sqlalchemy.orm import joinedload, lazyload, raiseload, selectinload
from wtforms import BooleanField

from .. import undo, workdays, workflow
from ..db import db, today
from ..errors import RuleBroken
from ..filters import day
from ..forms import Choice, Choices, DayField, Form, TextBlock, as_number
from ..people.models import Department, User
from ..permissions import requires, scoped
from ..schedule.models import Hearing, HearingStatus, Topic
from ..web import me, page, submit
from . import operations, queries
from .forms import offices
from .models import (
    OUTCOME_LABELS,
    PART_LABELS,
    Assignment,
    AssignmentStatus,
    Commitment,
    Exchange,
    ExchangeKind,
    Issue,
    IssueStatus,
    Outcome,
)
from .pages import bp

LOOSE = (IssueStatus.REGISTERED, IssueStatus.RETURNED)
DONE_WITH = (Outcome.ANSWERED_ON_SITE, Outcome.RESOLVED_ON_SITE, Outcome.CONVERT_TO_SUGGESTION)
"""Decided on the spot so that usually nobody has to handle it; it is not proposed, but can be ticked."""


@dataclass
class Line:
    """One issue on the page."""

    issue: Issue
    promises: list[Commitment] = field(default_factory=list)
    said_by: list[int] = field(default_factory=list)
    """Offices that answered on the night, or that its topic is addressed to."""
    returned: list[Assignment] = field(default_factory=list)
    limits: list[tuple[str, str]] = field(default_factory=list)
    why_not: Any = None
    """Why it cannot be handed over yet, as a sentence."""

    @property
    def lead(self) -> int | None:
        """Who promised first, else who answered; nobody who has sent it back."""
        back = {a.department_id for a in self.returned}
        wanted = [*(c.lead_id for c in self.promises), *self.said_by]
        return next((id_ for id_ in wanted if id_ not in back), None)

    @property
    def helping(self) -> list[int]:
        """Who was named as co-handler, but for the lead."""
        named = [d.id for c in self.promises for d in c.co_handlers if d.id != self.lead]
        return list(dict.fromkeys(i for i in named if i not in self.apart))

    @property
    def apart(self) -> list[int]:
        """Whoever else promised answers for its own part."""
        back = {a.department_id for a in self.returned}
        named = [c.lead_id for c in self.promises if c.lead_id != self.lead and c.lead_id not in back]
        return list(dict.fromkeys(named))

    @property
    def proposed(self) -> bool:
        """Whether it is ticked when the page opens."""
        return self.lead is not None and self.issue.outcome not in DONE_WITH


def _given(hearing: Hearing, user: User) -> dict[int, list[Assignment]]:
    """Assignments of the current round, by issue in the order of the evening; one statement."""
    rows = db.session.scalars(
        select(Assignment)
        .join(Issue, and_(Issue.id == Assignment.issue_id, Issue.round == Assignment.round))
        .where(Issue.hearing_id == hearing.id, scoped("issue.assign", user, Issue))
        .options(
            joinedload(Assignment.department),
            joinedload(Assignment.issue, innerjoin=True).options(lazyload(Issue.hearing)),
        )
        .order_by(Issue.position, Issue.id, Assignment.id)
    )
    found: dict[int, list[Assignment]] = defaultdict(list)
    for row in rows:
        found[row.issue_id].append(row)
    return found


def _lines(hearing: Hearing, user: User, given: dict[int, list[Assignment]], also: Sequence[int]) -> list[Line]:
    """Issues that wait to be handed over, and those of `also`; few statements, however many they are."""
    locked = select(Issue).where(
        Issue.hearing_id == hearing.id,
        Issue.status.in_(LOOSE) | Issue.id.in_(also),
        scoped("issue.assign", user, Issue),
    )
    if request.method == "POST":
        locked = locked.with_for_update(of=Issue)
    issues = db.session.scalars(
        locked.options(lazyload(Issue.hearing), selectinload(Issue.topic).selectinload(Topic.departments))
        .order_by(Issue.position, Issue.id)
        .execution_options(populate_existing=True)
    ).all()
    ids = [issue.id for issue in issues]
    lines = {issue.id: Line(issue) for issue in issues}
    promised = (
        select(Commitment)
        .where(Commitment.issue_id.in_(ids))
        .options(selectinload(Commitment.co_handlers), joinedload(Commitment.lead), raiseload(Commitment.issue))
        .order_by(Commitment.id)
    )
    for promise in db.session.scalars(promised):
        lines[promise.issue_id].promises.append(promise)
    answered = (
        select(Exchange.issue_id, Exchange.department_id)
        .where(
            Exchange.issue_id.in_(ids),
            Exchange.kind == ExchangeKind.ANSWER,
            Exchange.department_id.is_not(None),
        )
        .order_by(Exchange.position.desc())
    )
    for issue_id, department_id in db.session.execute(answered):
        lines[issue_id].said_by.append(department_id)  # type: ignore[arg-type]
    for issue_id, assignments in given.items():
        if issue_id in lines:
            lines[issue_id].returned = [a for a in assignments if a.status == AssignmentStatus.RETURNED]
    table = workdays.overrides()
    for line in lines.values():
        if line.issue.topic is not None:
            line.said_by += [d.id for d in line.issue.topic.departments]
        broken = workflow.refusal(line.issue, "assign")
        line.why_not = broken.message if broken is not None else None
        line.limits = _limits(line, table)
    return list(lines.values())


def _limits(line: Line, table: dict[date, bool]) -> list[tuple[str, str]]:
    """The usual limit and, the first time, the longer one: each with its day."""

    def due(*, is_hard: bool = False) -> str:
        limit, _basis = operations.default_limit(
            line.issue, today(), is_hard=is_hard, promises=line.promises, table=table
        )
        return day(limit)

    found = [("usual", due())]
    if line.issue.round == 1:
        found.append(("hard", _("%(day)s, a wide or hard matter", day=due(is_hard=True))))
    return found


def _form(lines: Iterable[Line], departments: Sequence[Department]) -> Any:
    """One form for all: `<name>_<issue id>` for each line, and what is asked of everybody."""
    names: dict[str, Any] = {
        "requirement": TextBlock(_l("What is asked of all of them"), required=False, limit=1000, render_kw={"rows": 2})
    }
    open_ = [line for line in lines if line.why_not is None or _ticked(line)]
    for line in open_:
        key = line.issue.id
        names[f"take_{key}"] = BooleanField(_l("Assign"))
        names[f"lead_{key}"] = Choice(_l("Lead department"), required=False, kind=int, blank=_l("Choose one"))
        names[f"co_handlers_{key}"] = Choices(_l("Co-handling departments"))
        names[f"split_{key}"] = Choices(_l("Departments that answer separately"))
        names[f"limit_{key}"] = Choice(_l("Limit for the reply"), kind=str)
        names[f"due_on_{key}"] = DayField(_l("Another day for the reply"), required=False)
    form: Any = type("AssignAllForm", (Form,), names)()
    pairs = offices(departments)
    for line in open_:
        key = line.issue.id
        for name in ("lead", "co_handlers"):
            form[f"{name}_{key}"].offer(pairs)
        form[f"split_{key}"].offer([pair for pair in pairs if pair[0] in line.apart])
        form[f"limit_{key}"].offer(line.limits)
        if not form.is_submitted():
            form[f"take_{key}"].data = line.proposed
            form[f"lead_{key}"].data = line.lead
            form[f"co_handlers_{key}"].data = line.helping
            form[f"split_{key}"].data = line.apart
            form[f"limit_{key}"].data = "usual"
    form.known = {d.id: d for d in departments}
    return form


def _ticked(line: Line) -> bool:
    return bool(request.form.get(f"take_{line.issue.id}"))


def _order(form: Any, line: Line) -> dict[str, Any]:
    """What `operations.assign` takes, of one line. Raises `RuleBroken` where no department is chosen."""
    key = line.issue.id

    def chosen(name: str) -> list[Department]:
        return [form.known[i] for i in form[f"{name}_{key}"].data or ()]

    lead = form.known.get(form[f"lead_{key}"].data or 0)
    if lead is None:
        raise RuleBroken(_("Choose the lead department, or untick the issue."), "lead")
    return {
        "lead": lead,
        "co_handlers": [d for d in chosen("co_handlers") if d is not lead],
        "split": [d for d in chosen("split") if d is not lead],
        "is_hard": form[f"limit_{key}"].data == "hard",
        "due_on": form[f"due_on_{key}"].data,
        "requirement": form.requirement.data,
    }


@bp.route("/hearings/<int:id>/assign", methods=["GET", "POST"])
@requires("issue.assign", Hearing)
def assign_all(hearing: Hearing) -> Any:
    """Every issue of a hearing with the departments it was promised by; those that are ticked go out together."""
    if hearing.status not in (HearingStatus.CONCLUDED, HearingStatus.FILED):
        raise RuleBroken(_("Issues are assigned after the hearing has concluded."))
    user = me()
    posted = [as_number(name.removeprefix("take_")) for name in request.form if name.startswith("take_")]
    given = _given(hearing, user)
    lines = _lines(hearing, user, given, [id_ for id_ in posted if id_ is not None])
    form = _form(lines, queries.departments())
    ready = [line for line in lines if f"take_{line.issue.id}" in form]

    def refuse(line: Line, broken: RuleBroken) -> None:
        name = f"{broken.field}_{line.issue.id}"
        at = form[name if name in form else f"take_{line.issue.id}"]
        at.errors = [*at.errors, f"{line.issue.reference} {broken.message}"]

    def act() -> None:
        orders = {}
        for line in ready:
            if form[f"take_{line.issue.id}"].data:
                try:
                    orders[line.issue] = _order(form, line)
                except RuleBroken as broken:
                    refuse(line, broken)
        if not orders and not form.errors:
            raise RuleBroken(_("Tick at least one issue."))
        refused = operations.assign_all(hearing, orders, actor=user)
        for line in ready:
            if line.issue in refused:
                refuse(line, refused[line.issue])

    done = submit(form, act, to=f"/hearings/{hearing.id}/assign")
    if done is not None:
        return done
    return page(
        "issues/assign_all.html",
        form,
        hearing=hearing,
        ready=ready,
        blocked=[line for line in lines if line not in ready],
        handed=[(rows[0].issue, rows) for rows in given.values() if rows[0].issue.status not in LOOSE],
        outcomes={key: str(words) for key, words in OUTCOME_LABELS.items()},
        part_words=PART_LABELS,
        status_words=workflow.LABELS["assignment"],
        undos=undo.standing(f"/hearings/{hearing.id}/assign", actor=user),
    )
