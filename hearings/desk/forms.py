"""Forms of the desk."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _l

from ..forms import Choice, Form
from ..people.models import User


class HandOverForm(Form):
    """Who takes over."""

    to = Choice(_l("Who takes over"), kind=int, required=False, blank=_l("please choose"))
    office_to = Choice(_l("Who acts for the department"), kind=int, required=False, blank=_l("nobody yet"))

    def offer(self, people: Sequence[User], office: Any) -> None:
        """Fill in what may be chosen; for an office its own people and those of none."""
        self.rows = {p.id: p for p in people}
        self.to.offer((p.id, f"{p.name}（{p.title}）" if p.title else p.name) for p in people)
        own = [p for p in people if office is None or p.department_id in (None, office.id)]
        self.office_to.offer((p.id, f"{p.name}（{p.title}）" if p.title else p.name) for p in own)
