"""Forms of the minutes room. The editing form has one field for each piece of the paper."""

from collections.abc import Mapping
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from wtforms import HiddenField

from ..forms import Choice, DayField, Filled, Form, TextBlock, TextLine
from ..people.words import PIECES
from .content import Difference, Piece
from .privacy import Spot


def label_of(key: str, about: str) -> Any:
    """What a piece is called in the reader's language."""
    if key in PIECES:
        return PIECES[key]
    if key.endswith("_title"):
        return _("%(item)s: heading", item=about)
    return about


class _Several(TextBlock):
    """A piece of several paragraphs; long ones get more room."""


def edit_form(pieces: Mapping[str, Piece]) -> Form:
    """The form for these pieces, filled from them unless it was posted."""
    fields: dict[str, Any] = {}
    for piece in pieces.values():
        label = label_of(piece.key, piece.about)
        if piece.kind == "line":
            fields[piece.key] = TextLine(label, limit=120)
        elif piece.kind in ("prose", "list"):
            rows = min(16, max(3, sum(1 + len(line) // 40 for line in piece.text.split("\n"))))
            fields[piece.key] = _Several(label, required=False, limit=20000, render_kw={"rows": rows})
    kind = type("MinutesForm", (Form,), fields)
    return kind(data={key: piece.text for key, piece in pieces.items()})


def differences_form(found: list[Difference], state: str) -> Form:
    """A choice for each difference, and what the person has seen of the record."""
    offers = [("record", _("Take what the record says")), ("mine", _("Keep the text of the minutes"))]
    fields: dict[str, Any] = {
        d.key: Choice(label_of(d.key, d.about), required=False, blank=_l("Decide later")) for d in found
    }
    fields["seen"] = HiddenField()
    made = type("DifferencesForm", (Form,), fields)()
    for difference in found:
        made[difference.key].offer(offers)
    if not made.is_submitted():
        made["seen"].data = state
    return made


class ReturnForm(Form):
    """Back to the drafter."""

    reason = TextBlock(_l("What is to be changed"), limit=1000)


class CorrectForm(Form):
    """Begin a correction."""

    reason = TextLine(_l("Reason for the correction (printed on the paper)"), limit=200)


class WithdrawForm(Form):
    """Close a public rendering."""

    reason = TextLine(_l("Why it is withdrawn"), limit=200)


KIND_LABELS = {
    "phone": _l("telephone number"),
    "identity": _l("identity number"),
    "card": _l("bank card"),
    "plate": _l("number plate"),
    "email": _l("e-mail address"),
    "account": _l("account"),
    "address": _l("detailed address"),
    "name": _l("person's name"),
    "health": _l("health or circumstances"),
}


def alike(spots: list[Spot]) -> dict[str, list[Spot]]:
    """The spots by the field that decides them, in the order of the paper: equal words are decided at once."""
    found: dict[tuple[str, str], list[Spot]] = {}
    for spot in spots:
        found.setdefault((spot.kind, spot.text), []).append(spot)
    return {some[0].key if len(some) == 1 else f"same_{some[0].key}": some for some in found.values()}


def release_form(spots: list[Spot]) -> Form:
    """A choice for each spot and for all equal ones, and beside it why it is kept. A spot's own choice counts first."""
    keys = [s.key for s in spots] + [key for key, some in alike(spots).items() if len(some) > 1]
    fields: dict[str, Any] = {}
    for key in keys:
        fields[key] = Choice(_l("Decision"), required=False)
        fields[why(key)] = TextLine(_l("Why it may be public"), required=False, limit=200)
    made = type("ReleaseForm", (Form,), fields)()
    for key in keys:
        made[key].offer([("blacken", _("Blacken")), ("keep", _("Keep"))])
    return made


def why(key: str) -> str:
    """The field of the reason beside a choice."""
    return f"why_{key.removeprefix('spot_')}"


def decided_at(form: Form, spots: list[Spot]) -> dict[str, str]:
    """For each spot's key the field that decides it: its own if that was answered, else that of all equal ones."""
    return {
        spot.key: spot.key if form[spot.key].data in ("blacken", "keep") else key
        for key, some in alike(spots).items()
        for spot in some
    }


def fill_in(form: Form, spots: list[Spot], before: Mapping[str, tuple[str, str | None]]) -> int:
    """Put in what was decided `before` (by spot key), equal ones at once if they had one fate; return how many."""
    known = [s for s in spots if s.key in before]
    for key, some in alike(spots).items():
        fates = {before.get(s.key) for s in some}
        at = {key: fates.pop()} if len(fates) == 1 else {s.key: before.get(s.key) for s in some}
        for field, fate in at.items():
            if fate is not None:
                form[field].data, form[why(field)].data = fate
    return len(known)


def choices_of(form: Form, spots: list[Spot]) -> dict[str, tuple[str, str | None]]:
    """What was chosen, as the operation takes it."""
    return {key: (form[at].data or "", form[why(at)].data) for key, at in decided_at(form, spots).items()}


class PublishForm(Form):
    """As signed on paper."""

    issued_by = TextLine(_l("Signed by (the leader's name)"), limit=60)
    issued_on = DayField(_l("Signed on"))
    signed_copy = FileField(_l("Scan of the signed copy"))


__all__ = [
    "KIND_LABELS", "CorrectForm", "Filled", "PublishForm", "ReturnForm", "WithdrawForm", "alike",
    "choices_of", "decided_at", "differences_form", "edit_form", "fill_in", "label_of", "release_form", "why",
]  # fmt: skip
