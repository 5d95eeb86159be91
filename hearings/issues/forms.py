"""Forms of the issues room, and the pieces of them that the session screen uses too."""

import functools
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import wtforms
from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField
from wtforms import BooleanField, HiddenField
from wtforms.widgets import ListWidget, RadioInput

from ..db import today
from ..errors import RuleBroken
from ..filters import day, days_until
from ..forms import Choice, Choices, DayField, Form, Number, TextBlock, TextLine, clean_arg, enum_choices
from ..language import inner, speaking
from ..people.models import Department
from ..workflow import LABELS
from . import operations
from .limits import due_by
from .models import (
    CATEGORY_LABELS,
    EXCHANGE_LABELS,
    OUTCOME_LABELS,
    Assignment,
    Category,
    Commitment,
    ExchangeKind,
    IssueStatus,
    Outcome,
    Part,
    ResultClass,
)
from .queries import Filter, Lists, persons
from .rules import LIGHT_WORDS

Pairs = Iterable[tuple[Any, Any]]

UNITS: list[tuple[str, Any]] = [("workdays", _l("working days")), ("months", _l("months"))]


def offices(departments: Iterable[Department]) -> list[tuple[int, str]]:
    """Departments as choices, in the order given."""
    return [(d.id, d.name) for d in departments]


def _radio(label: Any, **kw: Any) -> Choice:
    return Choice(label, widget=ListWidget(prefix_label=False), option_widget=RadioInput(), **kw)


# -- what the session screen shares --------------------------------------------------------------------


class CommitmentForm(Form):
    """Measure + department + date. The date is given, or reckoned from "n working days / months".

    Vague words warn at the field (`measure.warnings`, and data-vague-words for the script); they stop nothing.
    """

    measure = TextBlock(_l("Measure"), limit=1000, description=_l("What will be done, so that anybody can see it."))
    lead = Choice(_l("Lead department"), kind=int, blank=_l("Choose one"))
    co_handlers = Choices(_l("Co-handling departments"))
    due_on = DayField(_l("Due on"), required=False, description=_l("The day itself still counts."))
    count = Number(_l("or within"), required=False, least=1, most=750)
    unit = Choice(_l("Unit"), required=False, blank="—")

    def __init__(self, *args: Any, departments: Iterable[Department] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.unit.offer(UNITS)
        self.offer(departments)
        self.measure.render_kw = {
            "rows": 3,
            "data-vague-words": json.dumps(list(current_app.config["VAGUE_WORDS"]), ensure_ascii=False),
        }
        self.warn()

    def offer(self, departments: Iterable[Department]) -> None:
        """Set the departments to choose from."""
        self.known = {d.id: d for d in departments}
        pairs = offices(self.known.values())
        self.lead.offer(pairs)
        self.co_handlers.offer(pairs)

    def warn(self) -> None:
        """Name the vague words of the measure under the field."""
        found = operations.vague_words(self.measure.data or "")
        words = "".join(f"“{word}”" for word in found)
        self.measure.warnings = (  # type: ignore[attr-defined]
            [_("%(words)s: that is no date. Say by when it will be done.", words=words)] if found else []
        )

    def fields(self, start: date) -> dict[str, Any]:
        """What `operations.make_commitment` takes: measure, lead, co_handlers, due_on, due_basis.

        `start` is the day that a length of time is counted from. Raises `RuleBroken` without a date.
        """
        due_on, basis = commit_due(self, start)
        return {
            "measure": self.measure.data,
            "lead": self.known[self.lead.data],
            "co_handlers": [self.known[i] for i in self.co_handlers.data or () if i != self.lead.data],
            "due_on": due_on,
            "due_basis": basis,
        }


def commit_due(form: Any, start: date) -> tuple[date, str | None]:
    """The due date of a commitment form and, when it was reckoned, its basis.

    Raises `RuleBroken` at the field when there is neither a date nor a length of time, or when both are given
    and say different days.
    """
    given, count, unit = form.due_on.data, form.count.data, form.unit.data
    if count is None:
        if given is None:
            raise RuleBroken(_("Say by when: a date, or a number of working days or months."), "due_on")
        return given, None
    if not unit:
        raise RuleBroken(_("Working days or months?"), "unit")
    due, basis = due_by(start, count, unit)
    if given is not None and given != due:
        raise RuleBroken(
            _("The date and the length of time say different days (%(day)s). Leave one out.", day=due.isoformat()),
            "count",
        )
    return due, basis


class ExchangeForm(Form):
    """One turn of speech."""

    kind = Choice(_l("Kind"), kind=ExchangeKind)
    speaker = TextLine(_l("Speaker"), required=False, limit=50)
    department = Choice(_l("Department"), required=False, kind=int)
    text = TextBlock(_l("Words"), limit=5000)

    def __init__(self, *args: Any, departments: Iterable[Department] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kind.offer(enum_choices(EXCHANGE_LABELS))
        self.known = {d.id: d for d in departments}
        self.department.offer(offices(self.known.values()))

    def fields(self) -> dict[str, Any]:
        """What `operations.add_exchange` and `amend_exchange` take."""
        return {
            "kind": self.kind.data,
            "speaker": self.speaker.data,
            "department": self.known.get(self.department.data or 0),
            "text": self.text.data,
        }


class IssueForm(Form):
    """What was said, by whom, where. The statement comes first; everything else may follow later.

    What can be chosen is asked for only where something was chosen, or the form is shown.
    """

    statement = TextBlock(
        _l("What is the trouble?"),
        limit=5000,
        description=_l("In the speaker's own words: what, where, since when, what is hoped for."),
        render_kw={"rows": 6},
    )
    title = TextLine(
        _l("Short title"), required=False, limit=60, description=_l("Left empty, it is taken from the text.")
    )
    lead_deputy = Choice(
        _l("Deputy who raises it"), required=False, kind=int, blank=_l("None yet (a resident's issue)")
    )
    cosigners = Choices(_l("Co-signing deputies"), description=_l("Those who raise it too."))
    resident = TextLine(
        _l("Resident's surname"),
        required=False,
        limit=10,
        description=_l("Surname only. No phone or house number here."),
    )
    community = TextLine(_l("Resident's community"), required=False, limit=60)
    category = Choice(_l("Category"), kind=Category)
    place = TextLine(_l("Place"), required=False, limit=120)
    street = Choice(_l("Street"), required=False)
    topic = Choice(_l("Topic of the hearing"), required=False, kind=int)

    def __init__(
        self,
        *args: Any,
        deputies: Callable[[], Sequence[Any]] = tuple,
        streets: Callable[[], Sequence[str]] = tuple,
        topics: Callable[[], Sequence[Any]] = tuple,
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self._deputies, self._topics = functools.cache(deputies), functools.cache(topics)
        self.lead_deputy.offer(lambda: [(d.id, d.name) for d in self._deputies()])
        self.cosigners.offer(lambda: [(d.id, d.name) for d in self._deputies()])
        self.category.offer(enum_choices(CATEGORY_LABELS))
        self.street.offer(lambda: [(s, s) for s in streets()])
        self.topic.offer(lambda: [(t.id, t.title) for t in self._topics()])
        if not self.is_submitted() and self.category.data is None:
            self.category.data = Category.OTHER
            self.rebase()

    @property
    def deputies(self) -> set[int]:
        """The ids of those who can be chosen."""
        return {d.id for d in self._deputies()}

    @property
    def topics(self) -> dict[int, Any]:
        """What can be chosen, by id."""
        return {t.id: t for t in self._topics()}

    def rows(self, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Changes by field name, with ids made rows: what `operations.amend_issue` takes."""
        made = dict(changes)
        named = [i for i in (made.get("lead_deputy"), *(made.get("cosigners") or ())) if i]
        people = persons([i for i in named if i in self.deputies] if named else [])
        if "lead_deputy" in made:
            made["lead_deputy"] = people.get(made["lead_deputy"] or 0)
        if "cosigners" in made:
            made["cosigners"] = [people[i] for i in made["cosigners"] or ()]
        if "topic" in made:
            made["topic"] = self.topics.get(made["topic"]) if made["topic"] else None
        return made

    def fields(self) -> dict[str, Any]:
        """What `operations.log_issue` takes."""
        named = (
            "statement", "title", "lead_deputy", "cosigners", "resident", "community",
            "category", "place", "street", "topic",
        )  # fmt: skip
        return self.rows({name: self[name].data for name in named if name in self})


class OutcomeForm(Form):
    """What was decided on the spot (domain.md §1.6)."""

    outcome = Choice(_l("Decided on the spot"), required=False, kind=Outcome, blank=_l("Not decided yet"))
    outcome_note = TextBlock(
        _l("Note"),
        required=False,
        limit=500,
        description=_l("When not accepted: the reason, and where to turn instead."),
        render_kw={"rows": 2},
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.outcome.offer(enum_choices(OUTCOME_LABELS))


# -- logging -------------------------------------------------------------------------------------------


class LogForm(IssueForm):
    """The phone's form: an issue and its photos. `client_id` makes a double send one issue."""

    client_id = HiddenField("")
    photos = MultipleFileField(_l("Photos"), description=_l("They are made small; place and device are removed."))

    @property
    def sender(self) -> str | None:
        """The id the device made, if it looks like one."""
        words = self.client_id.data or ""
        return words if re.fullmatch(r"[A-Za-z0-9-]{8,64}", words) else None


class FilesForm(Form):
    """Photos and papers."""

    files = MultipleFileField(
        _l("Photos or papers"), description=_l("Photos are made small; place and device are removed.")
    )
    caption = TextLine(_l("What they show"), required=False, limit=120)


# -- filters -------------------------------------------------------------------------------------------


def _row_id(words: Any) -> int:
    number = int(words)
    if not 0 < number < 2**31:
        raise ValueError
    return number


class IssueFilter(wtforms.Form):
    """What the list of issues is narrowed to. What makes no sense is left out."""

    q = TextLine(_l("Words or reference"), required=False)
    hearing = Choice(_l("Hearing"), required=False, kind=_row_id, blank=_l("All"))
    status = Choice(_l("Status"), required=False, kind=IssueStatus, blank=_l("All"))
    light = Choice(_l("Light"), required=False, blank=_l("All"))
    department = Choice(_l("Department"), required=False, kind=_row_id, blank=_l("All"))
    street = Choice(_l("Street"), required=False, kind=clean_arg, blank=_l("All"))
    category = Choice(_l("Category"), required=False, kind=Category, blank=_l("All"))
    outcome = Choice(_l("Decided on the spot"), required=False, kind=Outcome, blank=_l("All"))
    year = Choice(_l("Year"), required=False, kind=_row_id, blank=_l("All"))

    def __init__(self, args: Any, lists: Lists):
        super().__init__(args)
        _offer_lists(self, lists)
        self.status.offer(LABELS["issue"].items())
        self.category.offer(enum_choices(CATEGORY_LABELS))
        self.outcome.offer(enum_choices(OUTCOME_LABELS))
        self.year.offer((y, y) for y in lists.years)

    def wanted(self) -> Filter:
        """As a filter of the queries."""
        year = self.year.data if self.year.data and 2000 <= self.year.data <= 2200 else None
        return Filter(
            hearing=self.hearing.data,
            status=self.status.data,
            outcome=self.outcome.data,
            street=self.street.data or None,
            category=self.category.data,
            department=self.department.data,
            light=self.light.data if self.light.data in LIGHT_WORDS else None,
            year=year,
            q=clean_arg(self.q.data or "") or None,
        )


class PromiseFilter(wtforms.Form):
    """What the ledger of promises is narrowed to."""

    q = TextLine(_l("Words or reference"), required=False)
    department = Choice(_l("Department"), required=False, kind=_row_id, blank=_l("All"))
    status = Choice(_l("Status"), required=False, blank=_l("Still owed"))
    light = Choice(_l("Light"), required=False, blank=_l("All"))
    street = Choice(_l("Street"), required=False, kind=clean_arg, blank=_l("All"))
    hearing = Choice(_l("Hearing"), required=False, kind=_row_id, blank=_l("All"))
    year = Choice(_l("Year"), required=False, kind=_row_id, blank=_l("All"))
    due_from = DayField(_l("Due from"), required=False)
    due_to = DayField(_l("Due until"), required=False)

    def __init__(self, args: Any, lists: Lists):
        super().__init__(args)
        _offer_lists(self, lists)
        self.status.offer([*LABELS["commitment"].items(), ("all", _("All"))])
        self.year.offer((y, y) for y in lists.years)

    def wanted(self) -> Filter:
        """As a filter of the queries."""
        return Filter(
            hearing=self.hearing.data,
            status=self.status.data,
            street=self.street.data or None,
            department=self.department.data,
            light=self.light.data if self.light.data in LIGHT_WORDS else None,
            year=self.year.data if self.year.data and 2000 <= self.year.data <= 2200 else None,
            q=clean_arg(self.q.data or "") or None,
            due_from=self.due_from.data,
            due_to=self.due_to.data,
        )


def _offer_lists(form: Any, lists: Lists) -> None:
    form.hearing.offer(lists.hearings)
    form.department.offer(lists.departments)
    form.street.offer((s, s) for s in lists.streets)
    form.light.offer(LIGHT_WORDS.items())


# -- the organiser's acts ------------------------------------------------------------------------------


class ReasonForm(Form):
    """A reason, in words."""

    reason = TextBlock(_l("Reason"), limit=1000)


class RemindForm(Form):
    """What a department is told that owes something (催办)."""

    reason = TextBlock(_l("What the department is told"), limit=1000)


class SuperviseForm(RemindForm):
    """A formal order (督办), with its limit."""

    new_due_on = DayField(_l("New limit"), description=_l("It stands on the order; the promise keeps its own date."))


def reminder(assignment: Assignment, found: Sequence[tuple[Commitment | None, date]]) -> str:
    """A polite sentence to begin from, naming what is owed, the earliest first; Chinese, as what goes to an office is.

    `found` as `operations.may_remind` gives it.
    """
    found = sorted(found, key=lambda one: one[1])
    with speaking(None):
        lines = [f"{_owed_words(assignment, promise, due)}（{days_until(due)}）" for promise, due in found[:5]]
        more = f"；另有{len(found) - 5}项" if len(found) > 5 else ""
    return f"贵单位{'；'.join(lines)}{more}。请抓紧办理，并告知进展情况和完成日期。"


def _owed_words(assignment: Assignment, promise: Commitment | None, due: date) -> str:
    if promise is not None:
        return f"承诺“{inner(promise.measure.strip().rstrip('。；')[:100])}”，应于{day(due)}前完成"
    if assignment.part == Part.CO_HANDLER:
        return f"应于{day(due)}前向主办单位提出会办意见"
    return f"应于{day(due)}前书面答复代表"


class NoteForm(Form):
    """A note, if there is one."""

    note = TextBlock(_l("Note"), required=False, limit=1000)


class ExplainForm(NoteForm):
    """Settled in words."""

    agreed = BooleanField(_l("The deputy said on the spot that it is settled"))


class DeclineForm(Form):
    """Not accepted: why, and where to turn instead."""

    reason = TextBlock(_l("Reason"), limit=800)
    referral = TextLine(_l("Where to turn instead"), limit=150, description=_l("Court, arbitration, petition office …"))


TRANSFER_WORDS = {"suggestion": "转代表建议", "higher": "提请上级协调"}
"""As they stand in the record."""


class TransferForm(Form):
    """Turned into a formal suggestion, or handed to a higher level."""

    to = _radio(_l("Handed over as"))
    note = TextLine(_l("To whom, or under which title"), limit=150)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.to.offer([("suggestion", _("Deputy's suggestion")), ("higher", _("For coordination by a higher level"))])


class AssignForm(Form):
    """Who handles it: a lead with co-handlers, or several that answer each their part."""

    lead = Choice(_l("Lead department"), kind=int, blank=_l("Choose one"))
    co_handlers = Choices(_l("Co-handling departments"), description=_l("They give their opinion to the lead."))
    split = Choices(_l("Departments that answer separately"), description=_l("Each answers its own part."))
    limit = _radio(_l("Limit for the reply"))
    due_on = DayField(
        _l("Another day for the reply"), required=False, description=_l("Left empty, the limit above applies.")
    )
    co_due_on = DayField(_l("Co-handlers' opinion due on"), required=False)
    requirement = TextBlock(_l("What is asked of them"), required=False, limit=1000, render_kw={"rows": 3})

    def __init__(
        self,
        *args: Any,
        departments: Iterable[Department] = (),
        limits: Iterable[tuple[str, Any]] = (),
        law: str = "",
        opinion: str = "",
        **kwargs: Any,
    ):
        super().__init__(*args, **kwargs)
        self.limit.offer(limits)
        self.limit.description = law
        self.co_due_on.description = opinion
        self.known = {d.id: d for d in departments}
        pairs = offices(self.known.values())
        for name in ("lead", "co_handlers", "split"):
            self[name].offer(pairs)

    def fields(self) -> dict[str, Any]:
        """What `operations.assign` takes."""
        return {
            "lead": self.known[self.lead.data],
            "co_handlers": [self.known[i] for i in self.co_handlers.data or ()],
            "split": [self.known[i] for i in self.split.data or ()],
            "is_hard": self.limit.data == "hard",
            "due_on": self.due_on.data,
            "co_due_on": self.co_due_on.data,
            "requirement": self.requirement.data,
        }


class ReworkForm(Form):
    """Handle again: why, and by when."""

    reason = TextBlock(_l("Reason"), limit=1000)
    due_on = DayField(_l("Reply due on"), required=False)


class FigureForm(Form):
    """A number that says what came of it."""

    label = TextLine(_l("What is counted"), limit=60)
    value = TextLine(_l("Figure"), limit=30)
    unit = TextLine(_l("Unit"), required=False, limit=20)
    as_of = DayField(_l("As of"))
    source = TextLine(_l("Source"), required=False, limit=120)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if not self.is_submitted() and self.as_of.data is None:
            self.as_of.data = today()
            self.rebase()


# -- the department's acts -----------------------------------------------------------------------------


class ProgressForm(Form):
    """How far it is."""

    text = TextBlock(_l("What has been done since"), limit=2000)
    commitment = Choice(_l("Which promise"), required=False, kind=int, blank=_l("The whole matter"))
    percent = Number(_l("Done so far, in percent"), required=False, least=0, most=100)
    files = MultipleFileField(
        _l("Photos or papers"), description=_l("Photos are made small; place and device are removed.")
    )

    def __init__(self, *args: Any, commitments: Sequence[Any] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.known = {c.id: c for c in commitments}
        self.commitment.offer((c.id, c.measure) for c in commitments)


class ReplyForm(Form):
    """The answer after handling, with its result class."""

    result_class = _radio(_l("Result class"), kind=ResultClass)
    text = TextBlock(_l("Reply"), limit=5000, render_kw={"rows": 8})
    next_step = TextBlock(
        _l("Next step"),
        required=False,
        limit=1000,
        description=_l("What is still to come, and when. B and C are answered again when it is done."),
        render_kw={"rows": 2},
    )
    signed_by = TextLine(_l("Signed by"), limit=30, description=_l("The head of the department."))
    contact = TextLine(_l("Contact"), required=False, limit=60, description=_l("Person and office telephone."))
    met_deputy = BooleanField(_l("We have talked with the deputy face to face"))
    files = MultipleFileField(_l("Attachments"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        words = current_app.config["RESULT_CLASSES"]
        self.result_class.offer((c.value, f"{c.value}　{words[c.value]}") for c in ResultClass if c.value in words)


class ReportDoneForm(Form):
    """It is done, and this shows it."""

    report = TextBlock(_l("What has been done"), limit=2000)
    files = MultipleFileField(_l("Evidence"), description=_l("Photos, acceptance papers, lists."))


class ExtensionForm(Form):
    """More time: until when, and why."""

    new_due_on = DayField(_l("New date"))
    reason = TextBlock(_l("Reason"), limit=1000)
