"""Forms of the schedule room. What they offer is set by the routes, from `queries`."""

from datetime import date
from enum import StrEnum
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import BooleanField
from wtforms import Form as PlainForm

from .. import workflow
from ..forms import (
    EARLIEST,
    LATEST_YEARS,
    Choice,
    Choices,
    ClockField,
    DayField,
    Form,
    Number,
    TextBlock,
    TextLine,
    as_number,
    clean_arg,
    enum_choices,
)
from .models import (
    CAPACITY_LABELS,
    KIND_LABELS,
    LIST_LABELS,
    SOURCE_LABELS,
    AttendanceList,
    Capacity,
    HearingKind,
    HearingStatus,
)
from .models import TopicSource as Source


def default_title(kind: HearingKind) -> str:
    """The title a meeting of that kind usually has on paper; words of the record, in Chinese."""
    congress = current_app.config["CONGRESS"]
    return {
        HearingKind.NIGHT_HEARING: f"{congress}代表民生夜询会",
        HearingKind.LOOK_BACK: f"{congress}代表民生夜询会回头看",
        HearingKind.EVALUATION_MEETING: "重点督办建议绩效评估座谈会",
        HearingKind.GROUP_CONSULTATION: "代表建议集体面商会",
    }[kind]


class StationForm(Form):
    """A liaison station."""

    code = TextLine(_l("Code"), limit=20, description=_l("Short and for good, such as XQ; it stands on lists."))
    name = TextLine(_l("Name"), limit=60)
    street = TextLine(_l("Street"), limit=20, description=_l("Its short name, without “street”."))
    address = TextLine(_l("Address"), limit=100)
    capacity = Number(_l("Seats"), required=False, least=1, most=5000)
    contact = TextLine(_l("Contact"), required=False, limit=40)
    contact_phone = TextLine(_l("Office phone"), required=False, limit=40)
    feed_is_public = BooleanField(
        _l("Everybody may subscribe to this station's calendar"),
        description=_l(
            "The hearings and look-backs announced here, as on the notice at the door: when, where, theme. "
            "No topics, no names."
        ),
    )


class RetireForm(Form):
    """From when on a station is not used any more."""

    on = DayField(_l("Last day in use"))


def _in_order(form: Any) -> bool:
    """Say at once, beside the other fields' errors, that the end must come after the start."""
    if form.starts is None or not form.starts.data or not form.ends.data or form.ends.data > form.starts.data:
        return True
    form.ends.errors = [*form.ends.errors, _("The end must come after the start.")]
    return False


class HearingForm(Form):
    """A meeting of any kind, before anybody is told; later only its words and its chair."""

    kind: Any = Choice(_l("Kind"), kind=HearingKind)
    station: Any = Choice(_l("Station"), kind=int)
    day: Any = DayField(_l("Day"))
    starts: Any = ClockField(_l("Start"))
    ends: Any = ClockField(_l("End"))
    title = TextLine(_l("Title"), limit=100)
    theme = TextLine(_l("Theme"), required=False, limit=100)
    chair = Choice(_l("Chair"), kind=int, required=False)
    follows: Any = Choice(_l("Looks back at"), kind=int, required=False)

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kind.offer(enum_choices(KIND_LABELS))

    def validate(self, extra_validators: Any = None) -> bool:
        """Fields, and the order of the hours."""
        fine = super().validate(extra_validators)
        return _in_order(self) and fine


class RescheduleForm(Form):
    """Another time or place, and why."""

    day = DayField(_l("Day"))
    starts = ClockField(_l("Start"))
    ends = ClockField(_l("End"))
    station = Choice(_l("Station"), kind=int)
    reason = TextLine(_l("Reason"), description=_l("Everybody invited reads it."))

    def validate(self, extra_validators: Any = None) -> bool:
        """Fields, and the order of the hours."""
        fine = super().validate(extra_validators)
        return _in_order(self) and fine


class AnnounceForm(Form):
    """The running number of an evening hearing."""

    serial_no: Any = Number(_l("Running number"), least=1, most=99999)


class ReasonForm(Form):
    """Why."""

    reason = TextLine(_l("Reason"), description=_l("Everybody invited reads it."))


class InviteForm(Form):
    """Many at once from the directory."""

    leaders = Choices(_l("Leaders"))
    deputies = Choices(_l("Deputies"))
    departments = Choices(_l("Departments"))
    staff = Choices(_l("Organisers and staff"))


class SeatForm(Form):
    """A named guest, or seats without names; later the same of any seat."""

    capacity = Choice(_l("Capacity"), kind=Capacity)
    listed = Choice(_l("Stands on the list"), kind=AttendanceList)
    seats: Any = Number(_l("Number of seats"), least=1, most=500, default=1)
    name: Any = TextLine(_l("Name of the person"), required=False, limit=40)
    unit = TextLine(_l("Unit"), required=False, limit=60)
    title = TextLine(_l("Job title"), required=False, limit=60)
    email = TextLine(_l("E-mail"), required=False, limit=120)
    position = Number(
        _l("Place in protocol order"),
        least=0,
        most=99999,
        default=5000,
        description=_l("Small numbers come first. People of the directory bring theirs."),
    )

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.capacity.offer(enum_choices(CAPACITY_LABELS))
        self.listed.offer(enum_choices(LIST_LABELS))

    def validate(self, extra_validators: Any = None) -> bool:
        """One name takes one seat; an address of mail has an @."""
        fine = super().validate(extra_validators)
        if self.seats is not None and self.name is not None and self.name.data and (self.seats.data or 1) > 1:
            self.seats.errors = [*self.seats.errors, _("A name takes one seat. Leave the name empty for several.")]
            fine = False
        if self.email.data and ("@" not in self.email.data.strip("@") or " " in self.email.data):
            self.email.errors = [*self.email.errors, _("This is not an e-mail address.")]
            fine = False
        return fine


class AttendeeForm(Form):
    """Who comes for an office, who else if need be, and what they bring."""

    name = TextLine(_l("Who comes"), required=False, limit=40)
    title = TextLine(_l("Job title"), required=False, limit=60)
    stand_in_name = TextLine(_l("Stand-in"), required=False, limit=40)
    stand_in_title = TextLine(_l("Stand-in's job title"), required=False, limit=60)
    text = TextBlock(_l("Preparation"), required=False, limit=5000)
    file = FileField(_l("Attachment"))


class TopicForm(Form):
    """A topic, in the pool or on a list."""

    title = TextLine(_l("Topic"), limit=100)
    details = TextBlock(_l("Details"), required=False, limit=2000)
    source = Choice(_l("Source"), kind=Source)
    street: Any = Choice(_l("Street"), required=False)
    deputy: Any = Choice(_l("Brought by"), kind=int, required=False)
    departments: Any = Choices(_l("Departments to answer"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.source.offer(enum_choices(SOURCE_LABELS))


class MergeForm(Form):
    """Which of the chosen topics stays."""

    into = Choice(_l("The one that stays"), kind=int)


class TakeForm(Form):
    """The hearing that topics of the pool go to."""

    hearing = Choice(_l("Hearing"), kind=int)


class ChooseTopicsForm(Form):
    """Topics of the pool for this hearing."""

    topics = Choices(_l("Topics of the pool"))


class SetAsideForm(Form):
    """Why a topic is left alone."""

    reason = TextLine(
        _l("Reason"),
        description=_l("For instance: in court, a tender is running, settled meanwhile, nothing concrete."),
    )


# -- filters: GET, shareable, forgiving ----------------------------------------------------------------


class Filter(PlainForm):
    """What narrows a list, read from an address. Whatever makes no sense is as if it were not there."""

    def settle(self) -> None:
        """Keep only what is offered, and words a database keeps. Call it when the choices are set."""
        for field in self:
            if isinstance(field, Choice):
                if not any(str(value) == str(field.data) for value, *_rest in field.iter_choices()):
                    field.data = None
            else:
                field.data = clean_arg(field.data or "", 60) or None

    @property
    def used(self) -> bool:
        return any(field.data is not None for field in self)


class HearingFilter(Filter):
    """Of the list of hearings."""

    q = TextLine(_l("Title, theme or number"), required=False)
    kind: Any = Choice(_l("Kind"), kind=HearingKind, required=False, blank=_l("All kinds"))
    status: Any = Choice(_l("Status"), kind=HearingStatus, required=False, blank=_l("All states"))
    station: Any = Choice(_l("Station"), kind=int, required=False, blank=_l("All stations"))
    year: Any = Choice(_l("Year"), kind=int, required=False, blank=_l("All years"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.kind.offer(enum_choices(KIND_LABELS))
        self.status.offer(workflow.LABELS["hearing"].items())


class TopicState(StrEnum):
    """Where a topic is; derived, never stored."""

    POOL = "pool"
    ON_LIST = "on_list"
    MERGED = "merged"
    SET_ASIDE = "set_aside"


STATE_LABELS = {
    TopicState.POOL: _l("In the pool"),
    TopicState.ON_LIST: _l("On a list"),
    TopicState.MERGED: _l("Merged"),
    TopicState.SET_ASIDE: _l("Set aside"),
}


class TopicFilter(Filter):
    """Of the pool."""

    q = TextLine(_l("Words of the topic"), required=False)
    state: Any = Choice(_l("Where it is"), kind=TopicState, required=False, blank=_l("Anywhere"))
    source: Any = Choice(_l("Source"), kind=Source, required=False, blank=_l("All sources"))
    street: Any = Choice(_l("Street"), required=False, blank=_l("All streets"))

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.state.offer(enum_choices(STATE_LABELS))
        self.source.offer(enum_choices(SOURCE_LABELS))


def month_of(words: str, otherwise: date) -> date:
    """The first of a month written 2026-11; of `otherwise`'s month for anything else."""
    year, dash, month = words.partition("-")
    digits = year + month
    if dash and len(year) == 4 and len(month) in (1, 2) and digits.isascii() and digits.isdigit():
        known = EARLIEST.year <= int(year) <= otherwise.year + LATEST_YEARS
        if known and 1 <= int(month) <= 12:
            return date(int(year), int(month), 1)
    return otherwise.replace(day=1)


def ids_of(words: list[str], most: int = 200) -> list[int]:
    """Row numbers out of an address; what is none is left out."""
    return [n for n in map(as_number, words[:most]) if n is not None]
