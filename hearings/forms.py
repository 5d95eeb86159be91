"""The form that all forms are: cleaned text, honest dates, a one-time id, and merging of two people's edits."""

import hashlib
import json
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime, time
from typing import Any

from flask import current_app, request
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm
from itsdangerous import BadSignature, Signer
from markupsafe import Markup, escape
from wtforms import (
    DateField,
    Field,
    HiddenField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    TimeField,
)
from wtforms.fields.choices import Choice as Option  # type: ignore[attr-defined]
from wtforms.validators import Optional, StopValidation, ValidationError
from wtforms.widgets import Select, html_params

from .audit import trail
from .db import LOCAL, today
from .errors import RuleBroken
from .templating import put

EARLIEST = date(2000, 1, 1)
LATEST_YEARS = 20

_BAD = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd\ud800-\udfff]"
)


def unfit(words: str, *, line: bool = False) -> Any | None:
    """Why a text cannot be kept, as a sentence, or None: control characters, half characters, invisible

    marks that turn the writing direction, and in one-line fields a line break.
    """
    if line and re.search("[\r\n\x85\u2028\u2029]", words):
        return _("This field takes one line only.")
    if _BAD.search(words):
        return _("This text contains invisible or broken characters. Please type that place again.")
    return None


def clean_arg(words: str, limit: int = 100) -> str:
    """A word from an address, without what no database keeps."""
    return _BAD.sub("", words).replace("\n", " ").replace("\r", " ").strip()[:limit]


def as_number(words: str, digits: int = 9) -> int | None:
    """The whole number that an address or a form names, of at most so many digits; None for anything else."""
    return int(words) if words.isascii() and words.isdigit() and len(words) <= digits else None


class _Clean:
    """Text as kept: one kind of line break, no blank edges; `None` for nothing."""

    def __init__(self, limit: int, line: bool):
        self.limit, self.line = limit, line

    def __call__(self, form: Any, field: Any) -> None:
        words = field.data
        if not words:
            return
        why = unfit(words, line=self.line)
        if why is not None:
            raise ValidationError(why)
        if len(words) > self.limit:
            raise ValidationError(
                _("At most %(limit)d characters; this is %(length)d.", limit=self.limit, length=len(words))
            )


class Filled:
    """Required: something other than blanks."""

    field_flags = {"required": True}

    def __init__(self, message: Any = None):
        self.message = message

    def __call__(self, form: Any, field: Any) -> None:
        data = field.data
        if data is None or data == "" or data == [] or (isinstance(data, str) and not data.strip()):
            if not field.errors:
                raise StopValidation(str(self.message or _("Please fill in this field.")))
            raise StopValidation()


def _rules(required: bool, rest: Iterable[Any]) -> list[Any]:
    return [Filled() if required else Optional(strip_whitespace=True), *rest]


def _text_filter(value: Any) -> Any:
    if isinstance(value, str):
        value = value.replace("\r\n", "\n").strip() or None
    return value


class TextLine(StringField):
    """One line of text."""

    def __init__(self, label: Any, *, required: bool = True, limit: int = 200, rules: Iterable[Any] = (), **kw: Any):
        kw.setdefault("filters", [_text_filter])
        super().__init__(label, _rules(required, [_Clean(limit, True), *rules]), **kw)
        self.limit = limit


class TextBlock(TextAreaField):
    """Several lines of text."""

    def __init__(self, label: Any, *, required: bool = True, limit: int = 5000, rules: Iterable[Any] = (), **kw: Any):
        kw.setdefault("filters", [_text_filter])
        super().__init__(label, _rules(required, [_Clean(limit, False), *rules]), **kw)
        self.limit = limit


class DayField(DateField):
    """A date, typed as people type them: 2021-03-25, 2021/3/25, 2021年3月25日."""

    def __init__(
        self,
        label: Any,
        *,
        required: bool = True,
        earliest: date = EARLIEST,
        rules: Iterable[Any] = (),
        **kw: Any,
    ):
        super().__init__(label, _rules(required, rules), **kw)
        self.earliest = earliest

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        parts = re.findall(r"\d+", valuelist[0])
        try:
            if len(parts) != 3 or len(parts[0]) != 4:
                raise ValueError
            self.data = date(int(parts[0]), int(parts[1]), int(parts[2]))
        except ValueError:
            raise ValueError(_("This is not a date. Please write it like 2021-03-25.")) from None

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            return
        last = today().replace(month=12, day=31, year=today().year + LATEST_YEARS)
        if not self.earliest <= self.data <= last:
            raise ValidationError(
                _(
                    "The date must lie between %(first)s and %(last)s.",
                    first=self.earliest.isoformat(),
                    last=last.isoformat(),
                )
            )


class ClockField(TimeField):
    """A time of day, 19:00 or 19：00."""

    def __init__(self, label: Any, *, required: bool = True, rules: Iterable[Any] = (), **kw: Any):
        super().__init__(label, _rules(required, rules), **kw)

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        found = re.fullmatch(r"\s*(\d{1,2})\s*[:：时.]\s*(\d{2})(?::\d{2})?\s*分?\s*", valuelist[0])
        try:
            if not found:
                raise ValueError
            self.data = time(int(found[1]), int(found[2]))
        except ValueError:
            raise ValueError(_("This is not a time. Please write it like 19:00.")) from None


class Number(IntegerField):
    """A whole number within bounds."""

    def __init__(
        self,
        label: Any,
        *,
        required: bool = True,
        least: int = 0,
        most: int = 99999,
        rules: Iterable[Any] = (),
        **kw: Any,
    ):
        super().__init__(label, _rules(required, [self._within, *rules]), **kw)
        self.least, self.most = least, most

    @staticmethod
    def _within(form: Any, field: Any) -> None:
        if field.data is not None and not field.least <= field.data <= field.most:
            raise ValidationError(_("A number from %(least)d to %(most)d, please.", least=field.least, most=field.most))

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = None
        if not valuelist or not valuelist[0].strip():
            return
        try:
            words = valuelist[0].strip()
            if len(words) > 18:
                raise ValueError
            self.data = int(words)
        except ValueError:
            raise ValueError(_("This is not a whole number.")) from None


Offered = Iterable[tuple[Any, Any]] | Callable[[], Iterable[tuple[Any, Any]]]


def _nothing_or(kind: Any) -> Any:
    def coerce(value: Any) -> Any:
        if value is None or value in ("", "None"):
            return None
        return kind(value)

    return coerce


class _Dropdown(Select):
    """The library's, with options of no more than value, words and whether chosen: a screen has hundreds."""

    def __call__(self, field: Any, **kwargs: Any) -> Markup:
        kwargs.setdefault("id", field.id)
        for flag in self.validation_attrs:
            if flag not in kwargs and getattr(field.flags, flag, None) is not None:
                kwargs[flag] = getattr(field.flags, flag)
        chosen = "" if field.data is None else str(field.data)
        parts = [f"<select {html_params(name=field.name, **kwargs)}>"]
        for value, words in field.choices or ():
            tick = " selected" if value == chosen else ""
            parts.append(f'<option{tick} value="{escape(value)}">{put(words or value)}</option>')
        parts.append("</select>")
        return Markup("".join(parts))


class Choice(SelectField):
    """One of a list. `kind` makes the value (int for rows, a StrEnum for vocabularies)."""

    def __init__(
        self,
        label: Any,
        *,
        required: bool = True,
        kind: Any = str,
        blank: Any = "",
        rules: Iterable[Any] = (),
        **kw: Any,
    ):
        self.blank = blank
        self.with_blank = not required or blank
        kw.setdefault("widget", _Dropdown())
        super().__init__(label, _rules(required, rules), coerce=_nothing_or(kind), validate_choice=False, **kw)

    def offer(self, pairs: Offered) -> None:
        """Set the choices: (value, words), or what gives them once somebody looks."""

        def choices() -> list[tuple[Any, Any]]:
            rest = [(str(v), words) for v, words in (pairs() if callable(pairs) else pairs)]
            return [("", self.blank), *rest] if self.with_blank or not rest else rest

        self.choices = choices  # type: ignore[assignment]

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            super().process_formdata(valuelist)
        except ValueError:
            self.data = None
            raise ValueError(_("Please choose one of the list.")) from None

    def pre_validate(self, form: Any) -> None:
        if self.data is None:
            return
        if not any(str(value) == str(self.data) for value, *_rest in self.iter_choices()):
            raise ValidationError(_("Please choose one of the list."))

    def iter_choices(self) -> Any:
        for value, words in self.choices or ():  # type: ignore[misc, str-unpack]
            yield Option(value, words, value == ("" if self.data is None else str(self.data)), {})


class Choices(SelectMultipleField):
    """Any number of a list."""

    def __init__(self, label: Any, *, required: bool = False, kind: Any = int, rules: Iterable[Any] = (), **kw: Any):
        super().__init__(label, _rules(required, rules), coerce=kind, validate_choice=False, **kw)

    def offer(self, pairs: Offered) -> None:
        """Set the choices: (value, words), or what gives them once somebody looks."""
        self.choices = lambda: list(pairs() if callable(pairs) else pairs)  # type: ignore[assignment]

    def process_formdata(self, valuelist: list[str]) -> None:
        try:
            self.data = [self.coerce(v) for v in valuelist if v != ""]
        except (ValueError, TypeError):
            self.data = []
            raise ValueError(_("Please choose from the list.")) from None

    def pre_validate(self, form: Any) -> None:
        if not self.data:
            return
        known = {str(choice[0]) for choice in self.choices or ()}
        if any(str(value) not in known for value in self.data or ()):
            raise ValidationError(_("Please choose from the list."))

    def iter_choices(self) -> Any:
        chosen = {str(v) for v in self.data or ()}
        for value, words in self.choices or ():  # type: ignore[misc, str-unpack]
            yield Option(value, words, str(value) in chosen, {})


def enum_choices(labels: Mapping[Any, Any]) -> list[tuple[str, Any]]:
    """A vocabulary as choices, in its own order."""
    return [(member.value, words) for member, words in labels.items()]


# -- one-time ids --------------------------------------------------------------------------------------


def _signer() -> Signer:
    return Signer(current_app.secret_key or "", salt="form", digest_method=hashlib.sha256)


def new_form_id() -> str:
    """A one-time id for a form, signed for the person it is shown to.

    A page of many small forms signs once: any `~` and a number after it makes another id of the same person's.
    """
    person = current_user.id if current_user.is_authenticated else 0
    return _signer().sign(f"{person}.{secrets.token_urlsafe(9)}").decode()


_NTH = re.compile(r"~[0-9]{1,10}\Z")


def form_owner(form_id: str) -> int | None:
    """The person (id) a form id was made for, or None when it is not one of ours."""
    try:
        return int(_signer().unsign(_NTH.sub("", form_id)).split(b".", 1)[0])
    except (BadSignature, ValueError):
        return None


# -- the form ------------------------------------------------------------------------------------------


def digest(value: Any) -> str:
    """A short fingerprint of a field's value; nothing and blank are the same."""
    if isinstance(value, list | tuple | set | frozenset):
        value = sorted(str(getattr(v, "id", v)) for v in value)
    elif isinstance(value, datetime | date | time):
        value = value.isoformat()
    elif value is None or value == "":
        value = None
    else:
        value = str(getattr(value, "id", value)).replace("\r\n", "\n").strip() or None
    return hashlib.sha256(json.dumps(value, ensure_ascii=False).encode()).hexdigest()[:12]


def fingerprints(base: str | None) -> dict[str, str]:
    """What a form's `base` says its fields showed: fingerprint by field name. Nonsense is none."""
    try:
        read = json.loads(base or "{}")
    except ValueError:
        return {}
    return read if isinstance(read, dict) else {}


def _last_change(thing: Any) -> dict[str, str]:
    line = trail(thing)[-1:] if thing is not None else []
    if not line:
        return {"who": _("Somebody else"), "when": ""}
    return {"who": line[0].actor_name, "when": line[0].at.astimezone(LOCAL).strftime("%H:%M")}


class Form(FlaskForm):
    """Every form of the house.

    `form_id` makes a repeat of the same form harmless. `base` holds fingerprints of what the fields showed when
    the form was filled in, so that `merge()` can tell my changes from another person's.
    """

    # Without a label of its own a field has one made, and for that the library reads its catalogue from the disk.
    form_id = HiddenField("")
    base = HiddenField("")

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.taken: dict[str, Any] = {}
        """Fields that only another person changed, with their value: an autosaving page shows them."""
        if not self.is_submitted():
            self.form_id.data = new_form_id()
            self.rebase()

    def rebase(self) -> None:
        """Take what the fields show now as what was read. Call it again if fields are set after construction.

        Fingerprints of fields that are another form's, sent together with this one, stay.
        """
        own = {f.name: digest(f.data) for f in self._own()}
        self.base.data = json.dumps(fingerprints(self.base.data) | own, separators=(",", ":"))

    def _own(self) -> list[Field]:
        return [f for f in self if not isinstance(f, HiddenField) and f.type not in ("SubmitField", "CSRFTokenField")]

    def merge(self, current: Mapping[str, Any], thing: Any = None) -> dict[str, Any]:
        """What of the submitted fields to change, given the `current` values of the row `thing` by field name.

        A field only the other person changed keeps their value; one that both changed differently gets
        `conflict` and an error, and the caller shows the form again: then this returns {} and `errors` is set.
        """
        base = fingerprints(self.base.data)
        changes: dict[str, Any] = {}
        clash = False
        for name, theirs in current.items():
            field = self[name]
            mine = field.data
            if digest(mine) == digest(theirs):
                continue
            was = base.get(name)
            choice = request.form.get(f"{name}__choice")
            if choice == "theirs":
                field.data = theirs
                self.taken[name] = theirs
            elif was is None or was == digest(theirs) or choice == "mine":
                changes[name] = mine
            elif was == digest(mine):
                field.data = theirs
                self.taken[name] = theirs
            else:
                clash = True
                field.conflict = {"mine": mine, "theirs": theirs} | _last_change(thing)
                field.errors = [
                    *field.errors,
                    _("Somebody else changed this meanwhile. Choose which to keep."),
                ]
                base[name] = digest(theirs)
        if clash:
            self.base.data = json.dumps(base, separators=(",", ":"))
            return {}
        return changes

    def add_error(self, broken: RuleBroken) -> None:
        """Show a broken rule at the field it names, or at the head of the form."""
        field = self._fields.get(broken.field or "")
        if field is not None:
            field.errors = [*field.errors, str(broken.message)]
        else:
            self.form_errors.append(str(broken.message))

    @property
    def has_errors(self) -> bool:
        return bool(self.errors)


__all__ = [
    "Choice", "Choices", "ClockField", "DayField", "Filled", "Form", "Number", "TextBlock",
    "TextLine", "clean_arg", "digest", "enum_choices", "fingerprints", "form_owner", "new_form_id", "unfit",
]  # fmt: skip
