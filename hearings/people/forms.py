"""Forms of the people room."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Form as PlainForm
from wtforms import SelectField, StringField
from wtforms.validators import ValidationError

from ..forms import Choice, Choices, DayField, Form, Number, TextBlock, TextLine, clean_arg, enum_choices
from ..permissions import ROLE_LABELS, Role
from . import queries
from .models import Department, DepartmentKind, User

KIND_LABELS = {
    DepartmentKind.BUREAU: _l("Bureau"),
    DepartmentKind.STREET_OFFICE: _l("Sub-district office"),
    DepartmentKind.ENTERPRISE: _l("Enterprise"),
    DepartmentKind.OTHER: _l("Other, without sign-in"),
}
"""What an office is, in words."""

DISTRICT, STATIONS = "district", "stations"


def _mail(form: Any, field: Any) -> None:
    if field.data and not re.fullmatch(r"[^\s@<>,;]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24}", field.data):
        raise ValidationError(_("This is not an e-mail address."))


class PersonForm(Form):
    """One person: what stands on papers, and what they may do."""

    name = TextLine(_l("Name of the person"), limit=40)
    username = TextLine(_l("Login name"), limit=32)
    title = TextLine(_l("Job title"), required=False, limit=60)
    email = TextLine(_l("E-mail"), required=False, limit=200, rules=[_mail])
    roles = Choices(_l("Roles"), kind=str, required=True)
    department = Choice(_l("Department"), kind=int, required=False, blank=_l("none"))
    reach = Choice(_l("An organiser's reach"), kind=str)
    stations = Choices(_l("Stations"))
    protocol_order = Number(_l("Protocol order"), least=1, most=9999)

    def offer(self, user: User | None = None) -> None:
        """Fill in what may be chosen, for a new person or for `user`."""
        also = user.department_id if user is not None else None
        kept = set(user.station_ids) if user is not None else set()
        self.offer_from(
            queries.current_departments(also), [s for s in queries.stations() if s.is_current or s.id in kept]
        )

    def offer_from(self, departments: Sequence[Department], stations: Sequence[Any]) -> None:
        """Fill in what may be chosen, of these rows."""
        self.roles.offer(enum_choices(ROLE_LABELS))
        self.department.offer([(d.id, d.name) for d in departments])
        self.reach.offer(
            [(DISTRICT, _("The whole district")), (STATIONS, _("Only the stations chosen below"))],
        )
        self.all_stations = list(stations)
        self.stations.offer([(s.id, s.name) for s in self.all_stations])

    def validate(self, extra_validators: Any = None) -> bool:
        """An organiser of no station is one of the whole district: that must be said, never happen."""
        fine = super().validate(extra_validators)
        if Role.ORGANISER not in (self.roles.data or ()) or self.reach.data == DISTRICT:
            self.stations.data = []
        elif not self.stations.data:
            self.stations.errors = [*self.stations.errors, _("Choose at least one station, or the whole district.")]
            fine = False
        return fine

    def chosen(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Field values as columns and rows of a person; ids become rows of the lists offered."""
        made = dict(values)
        if "department" in made:
            number = made["department"]
            rows = {d.id: d for d in queries.current_departments(number)} if number else {}
            made["department"] = rows.get(number)
        if "stations" in made:
            wanted = set(made["stations"] or ())
            made["stations"] = [s for s in self.all_stations if s.id in wanted]
        return made


PERSON_FIELDS = ("name", "username", "title", "email", "roles", "department", "stations", "protocol_order")


def person_values(user: User) -> dict[str, Any]:
    """What a person's form shows, by field name."""
    return {
        "name": user.name,
        "username": user.username,
        "title": user.title,
        "email": user.email,
        "roles": sorted(r.value for r in user.role_set),
        "department": user.department_id,
        "stations": sorted(user.station_ids),
        "protocol_order": user.protocol_order,
    }


class DepartmentForm(Form):
    """One office."""

    name = TextLine(_l("Full name"), limit=60)
    short_name = TextLine(_l("Short name"), limit=20)
    kind = Choice(_l("Kind"), kind=DepartmentKind)
    street = TextLine(_l("Street"), required=False, limit=20)
    head = TextLine(_l("Head"), required=False, limit=40)
    contact = TextLine(_l("Contact"), required=False, limit=40)
    contact_phone = TextLine(_l("Office telephone"), required=False, limit=40)
    position = Number(_l("Order on lists"), least=1, most=9999)

    def offer(self) -> None:
        """Fill in what may be chosen."""
        self.kind.offer(enum_choices(KIND_LABELS))


DEPARTMENT_FIELDS = ("name", "short_name", "kind", "street", "head", "contact", "contact_phone", "position")


class RenameForm(Form):
    """A new name from a day on."""

    name = TextLine(_l("New full name"), limit=60)
    short_name = TextLine(_l("New short name"), limit=20)
    on = DayField(_l("From"))


class RetireForm(Form):
    """The end of an office, or its merging into another."""

    on = DayField(_l("Last day"))
    successor = Choice(_l("Merged into"), kind=int, required=False, blank=_l("nobody takes over"))

    def offer(self, department: Department) -> None:
        """Fill in what may be chosen: every other office of today."""
        self.rows = {d.id: d for d in queries.current_departments() if d.id != department.id}
        self.successor.offer((d.id, d.name) for d in self.rows.values())


class OfficeForm(Form):
    """What the office is called. From the district's name the others follow, where they are left empty."""

    district = TextLine(_l("District"), required=False, limit=20)
    organisation = TextLine(_l("Standing committee"), required=False, limit=40)
    office_name = TextLine(_l("Its office"), required=False, limit=40)
    congress = TextLine(_l("Congress, as in titles"), required=False, limit=30)
    system_name = TextLine(_l("Name of this system"), limit=40)
    minutes_mark = TextLine(_l("Heading of the minutes"), limit=40)
    minutes_cc = TextBlock(_l("Minutes are sent to"), required=False, limit=1000)

    def validate(self, extra_validators: Any = None) -> bool:
        """Fills in what follows from the district."""
        fine = super().validate(extra_validators)
        district = self.district.data or ""
        if not district and not self.organisation.data:
            self.district.errors = [*self.district.errors, _("Please fill in this field.")]
            return False
        for field, tail in (
            (self.organisation, "人大常委会"),
            (self.office_name, "人大常委会办公室"),
            (self.congress, "人大"),
        ):
            if not field.data:
                field.data = f"{district}{tail}" if district else None
            if not field.data:
                field.errors = [*field.errors, _("Please fill in this field.")]
                fine = False
        return fine

    def said(self) -> dict[str, Any]:
        """The words by setting."""
        lines = [line.strip() for line in (self.minutes_cc.data or "").split("\n")]
        return {
            "ORGANISATION": self.organisation.data,
            "OFFICE_NAME": self.office_name.data,
            "CONGRESS": self.congress.data,
            "SYSTEM_NAME": self.system_name.data,
            "MINUTES_MARK": self.minutes_mark.data,
            "MINUTES_CC": [line for line in lines if line],
        }


class DaysForm(Form):
    """Days that the district's own table decides."""

    first = DayField(_l("From"))
    last = DayField(_l("To"), required=False)
    kind = Choice(_l("These days are"), kind=str)
    name = TextLine(_l("Name of the holiday"), limit=20)

    def offer(self) -> None:
        """Fill in what may be chosen."""
        self.kind.offer([("holiday", _("free (holiday)")), ("workday", _("worked (make-up workday)"))])


class SlipsForm(Form):
    """Who gets a slip with a first password."""

    people = Choices(_l("People"), required=True)


# -- filters: plain GET forms, read by `clean` ---------------------------------------------------------


class _Filter(PlainForm):
    """A filter of a list. What the address holds of an odd value is ignored, never an error."""

    def clean(self) -> dict[str, str]:
        """The values by name, without what no database keeps, and without choices nobody offered."""
        found = {}
        for field in self:
            words = clean_arg(str(field.data or ""))
            if isinstance(field, SelectField) and words not in {str(c[0]) for c in field.choices or ()}:
                words = ""
            field.data = words
            found[field.name] = words
        return found


class PeopleFilter(_Filter):
    """Narrows the directory."""

    q = StringField(_l("Name or login name"))
    role = SelectField(_l("Role"), validate_choice=False)
    department = SelectField(_l("Department"), validate_choice=False)
    state = SelectField(_l("State"), validate_choice=False)

    def offer(self) -> None:
        """Fill in what may be chosen."""
        self.role.choices = [("", _("all roles")), *((r.value, words) for r, words in ROLE_LABELS.items())]
        offices = queries.current_departments()
        self.department.choices = [("", _("all departments")), *((str(d.id), d.short_name) for d in offices)]
        self.state.choices = [
            ("", _("may sign in")),
            ("locked", _("locked")),
            ("first", _("first password not used yet")),
            ("failed", _("wrong passwords")),
            ("all", _("all")),
        ]


class DepartmentFilter(_Filter):
    """Narrows the list of departments."""

    q = StringField(_l("Name or person"))
    kind = SelectField(_l("Kind"), validate_choice=False)
    state = SelectField(_l("State"), validate_choice=False)

    def offer(self) -> None:
        """Fill in what may be chosen."""
        self.kind.choices = [("", _("all kinds")), *((k.value, words) for k, words in KIND_LABELS.items())]
        self.state.choices = [
            ("", _("current")),
            ("planned", _("planned")),
            ("retired", _("retired")),
            ("all", _("all")),
        ]


class TrailFilter(_Filter):
    """Narrows the trail."""

    person = StringField(_l("Who"))
    action = SelectField(_l("Act"), validate_choice=False)
    subject = SelectField(_l("Kind of thing"), validate_choice=False)
    first = StringField(_l("From"), render_kw={"type": "date"})
    last = StringField(_l("To"), render_kw={"type": "date"})
