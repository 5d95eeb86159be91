"""Forms of the reviews room: sign-in, counts, planning, findings, confirmations."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import time
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import MultipleFileField

from ..forms import Choice, Choices, ClockField, DayField, Form, Number, TextBlock, TextLine, enum_choices
from ..issues.models import Commitment, Issue
from ..people.models import User
from ..schedule.models import CAME_LABELS, CAPACITY_LABELS, KIND_LABELS, Came, Capacity, HearingKind, Station
from .models import VERDICT_LABELS, Ballot, Verdict
from .queries import LOOKING_BACK

COUNTED = ("satisfied", "mostly_satisfied", "dissatisfied", "invalid")
"""The four piles a ballot paper can land on."""

COUNT_LABELS = {
    "satisfied": _l("Satisfied"),
    "mostly_satisfied": _l("Basically satisfied"),
    "dissatisfied": _l("Dissatisfied"),
    "invalid": _l("Invalid"),
}

CONSEQUENCES = {
    Verdict.STRIKE_OFF: _l(
        "Every promise must be kept. If the deputy has confirmed, the issue is struck off at once; if not, the "
        "deputy is asked. For one commitment: it is noted as kept."
    ),
    Verdict.KEEP_TRACKING: _l(
        "It stays open. With a new date the chosen commitment moves to it; the old date stays readable as an extension."
    ),
    Verdict.HANDLE_AGAIN: _l("A new round begins with the same departments; the old one stays readable."),
    Verdict.ESCALATE: _l("It is noted for a higher level, and stays open."),
}
"""What follows from each verdict, said before it is given."""


class SeatForm(Form):
    """Who came: one tap; for leave the reason, for seats without names how many."""

    came = Choice(_l("Sign-in"))
    reason = TextLine(_l("Reason"), required=False, limit=60)
    seats_taken = Number(_l("How many came"), required=False, least=0, most=500)
    who = TextLine(_l("Who came"), required=False, limit=40)
    who_title = TextLine(_l("Job title"), required=False, limit=40)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.came.offer([*((c.value, CAME_LABELS[c]) for c in Came), ("stand_in", _l("Stand-in came"))])


class ConcludeForm(Form):
    """What is noted at the end of those whom nobody has registered: who was here, and what holds for the others."""

    came = Choices(_l("Was here after all"))
    rest = Choice(
        _l("The others without an entry"),
        required=False,
        kind=Came,
        blank=_l("stay “not registered”: nothing is said of them"),
    )

    def __init__(
        self, *args: Any, seats: Sequence[tuple[str, str, str, str, Any]] = (), surely: Mapping[int, str], **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.came.offer(
            (seat.id, " ".join(filter(None, (who, about, f"（{surely[seat.id]}）" if seat.id in surely else None))))
            for _id, _came, who, about, seat in seats
        )
        self.rest.offer(
            [(Came.ABSENT.value, _l("are noted as absent")), (Came.SIGNED_IN.value, _l("are noted as here"))]
        )
        if not self.is_submitted():
            self.came.data = [seat.id for *_words, seat in seats if seat.id in surely]
            self.rebase()


class WalkInForm(Form):
    """Somebody at the door who is not on the list: of the directory, or a guest."""

    person = Choice(_l("From the directory"), required=False, kind=int, blank=_l("Somebody else"))
    name = TextLine(_l("Name of the person"), required=False, limit=40)
    unit = TextLine(_l("Unit"), required=False, limit=60)
    title = TextLine(_l("Job title"), required=False, limit=40)
    capacity = Choice(_l("Comes as"), kind=Capacity)
    seats = Number(_l("How many people"), required=False, least=1, most=300)

    def __init__(self, *args: Any, people: Sequence[User] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.known = {person.id: person for person in people}
        self.person.offer(
            (p.id, " ".join(filter(None, (p.name, p.title, p.department.short_name if p.department else None))))
            for p in people
        )
        self.capacity.offer(enum_choices(CAPACITY_LABELS))
        if not self.is_submitted():
            self.capacity.data = Capacity.RESIDENT
            self.rebase()


class IssuedForm(Form):
    """How many ballot papers went out."""

    issued = Number(_l("Ballots handed out"), least=1, most=5000)


class CountForm(Form):
    """The count of one issue."""

    satisfied = Number(COUNT_LABELS["satisfied"], most=5000)
    mostly_satisfied = Number(COUNT_LABELS["mostly_satisfied"], most=5000)
    dissatisfied = Number(COUNT_LABELS["dissatisfied"], most=5000)
    invalid = Number(COUNT_LABELS["invalid"], required=False, most=5000)

    def __init__(self, *args: Any, ballot: Ballot | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        if ballot is not None and not self.is_submitted():
            for name in COUNTED:
                self[name].data = getattr(ballot, name)
            self.rebase()

    @staticmethod
    def now(ballot: Ballot | None) -> dict[str, Any]:
        """What is counted now, for `merge()`."""
        return {name: getattr(ballot, name) if ballot is not None else None for name in COUNTED}


def ballots_form(issues: Iterable[Issue], ballots: dict[int, Ballot], issued: int | None) -> Form:
    """One form for all items of a meeting: `issued`, and `<pile>_<issue id>` for each item."""
    fields: dict[str, Any] = {"issued": Number(_l("Ballots handed out"), least=1, most=5000)}
    for issue in issues:
        for name in COUNTED:
            label = f"{issue.reference} {COUNT_LABELS[name]}"  # an error at the head of the page says whose it is
            fields[f"{name}_{issue.id}"] = Number(label, required=False, most=5000)
    form: Form = type("BallotsForm", (Form,), fields)()
    if not form.is_submitted():
        form["issued"].data = issued
        for name, value in counts_now(issues, ballots).items():
            form[name].data = value
        form.rebase()
    return form


def counts_now(issues: Iterable[Issue], ballots: dict[int, Ballot]) -> dict[str, Any]:
    """What is counted now, by field name of `ballots_form`."""
    return {
        f"{name}_{issue.id}": getattr(ballots[issue.id], name) if issue.id in ballots else None
        for issue in issues
        for name in COUNTED
    }


class PlanForm(Form):
    """A meeting that looks back: what, where, when, and which issues."""

    kind = Choice(_l("Kind"), kind=HearingKind)
    title = TextLine(_l("Title"), limit=80)
    theme = TextLine(_l("Theme"), required=False, limit=80)
    station = Choice(_l("Station"), kind=int, blank=_l("Choose one"))
    day = DayField(_l("Day of the meeting"))
    starts = ClockField(_l("Begins at"))
    ends = ClockField(_l("Ends at"))
    chair = Choice(_l("Chair"), required=False, kind=int, blank=_l("Not decided yet"))
    items = Choices(_l("Issues to look back at"))

    def __init__(
        self, *args: Any, stations: Sequence[Station] = (), chairs: Sequence[User] = (), title: str = "", **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.places = {s.id: s for s in stations}
        self.people = {u.id: u for u in chairs}
        self.kind.offer((k.value, KIND_LABELS[k]) for k in LOOKING_BACK)
        self.station.offer((s.id, s.name) for s in stations)
        self.chair.offer((u.id, " ".join(filter(None, (u.name, u.title)))) for u in chairs)
        if not self.is_submitted():
            self.title.data = title
            self.starts.data, self.ends.data = time(14, 30), time(16, 30)
            if len(stations) == 1:
                self.station.data = stations[0].id
            self.rebase()


class AddItemsForm(Form):
    """More issues for an agenda."""

    items = Choices(_l("Issues to look back at"))


class FindingForm(Form):
    """What was found of one item, and what is concluded."""

    commitment = Choice(_l("What is looked at"), required=False, kind=int, blank=_l("The whole issue"))
    found = TextBlock(
        _l("State found"),
        limit=3000,
        description=_l("What there is to see today, in plain words."),
        render_kw={"rows": 5},
    )
    deputy_opinion = TextBlock(_l("Deputies' opinion"), required=False, limit=1000, render_kw={"rows": 2})
    resident_opinion = TextBlock(_l("Residents' opinion"), required=False, limit=1000, render_kw={"rows": 2})
    percent = Number(_l("Done so far, in percent"), required=False, least=0, most=100)
    files = MultipleFileField(_l("Evidence"), description=_l("Photos are made small; place and device are removed."))
    verdict = Choice(_l("Conclusion"), kind=Verdict)
    new_due_on = DayField(
        _l("New date"), required=False, description=_l("For “keep tracking” of one commitment, or “handle again”.")
    )

    def __init__(self, *args: Any, commitments: Sequence[Commitment] = (), **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.known = {c.id: c for c in commitments}
        self.commitment.offer((c.id, c.measure) for c in commitments)
        self.verdict.offer(enum_choices(VERDICT_LABELS))


class AskForm(Form):
    """Which deputy is asked to confirm."""

    deputy = Choice(_l("Deputy"), kind=int)

    def __init__(self, *args: Any, people: Sequence[User] = (), default: int | None = None, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.known = {p.id: p for p in people}
        self.deputy.offer((p.id, p.name) for p in people)
        if not self.is_submitted():
            self.deputy.data = default
            self.rebase()


class ConfirmForm(Form):
    """It is done; a word may go with it."""

    note = TextBlock(_l("A word on it"), required=False, limit=500, render_kw={"rows": 2})


class RefuseForm(Form):
    """It is not done: what is missing."""

    reason = TextBlock(
        _l("What is missing"),
        limit=1000,
        description=_l("The departments read this as their task."),
        render_kw={"rows": 3},
    )


class WaiveForm(Form):
    """Why it goes on without the deputy's word."""

    reason = TextBlock(
        _l("Reason"),
        limit=500,
        description=_l("It is printed with the issue."),
        render_kw={"rows": 2},
    )


def default_title(kind: HearingKind, serial: str = "") -> str:
    """The title a meeting of that kind usually has on paper; words of the record, in Chinese."""
    congress = current_app.config["CONGRESS"]
    return {
        HearingKind.LOOK_BACK: f"{congress}代表民生夜询会{serial}回头看",
        HearingKind.EVALUATION_MEETING: "重点督办建议绩效评估座谈会",
        HearingKind.GROUP_CONSULTATION: "代表建议集体面商会",
    }[kind]


def nobody_named(form: WalkInForm) -> bool:
    """Whether a walk-in names neither a person, nor a guest, nor seats. Sets the error."""
    if form.person.data is None and not form.name.data and not form.unit.data and not form.seats.data:
        form.name.errors = [*form.name.errors, _("Give a name, or the unit, or how many people.")]
        return True
    return False
