"""Forms of the notices room."""

from flask_babel import lazy_gettext as _l
from wtforms import HiddenField

from ..forms import Choice, Form, TextBlock, TextLine


class NoteForm(Form):
    """What somebody has said by telephone or in person."""

    answer = Choice(_l("What was said"), blank=_l("Please choose"))
    delegate = TextLine(_l("Who comes in their place"), required=False, limit=40)
    delegate_title = TextLine(_l("Their job title"), required=False, limit=60)
    note = TextBlock(_l("Note"), required=False, limit=300)


class AnswerForm(Form):
    """Whether somebody comes."""

    answer = Choice(_l("Do you come?"))
    delegate = TextLine(_l("Who comes in your place"), required=False, limit=40)
    delegate_title = TextLine(_l("Their job title"), required=False, limit=60)
    note = TextBlock(_l("Note"), required=False, limit=300)
    seen = HiddenField()
    """Which time and place the page showed: an answer for another evening than the one that holds is not taken."""
