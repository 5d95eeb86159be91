"""Words typed on the night's screen and not sent yet: they outlive whatever else is sent, and opening the issue anew.

The opened issue is one form with a button for each part, so every post brings along what stands in the other parts.
"""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import request
from sqlalchemy import delete, select
from werkzeug.datastructures import MultiDict

from ..db import db, now
from ..forms import Form, as_number, digest, fingerprints
from ..issues.forms import CommitmentForm, ExchangeForm, IssueForm, OutcomeForm
from ..issues.models import Issue
from ..people.models import User
from ..web import carried_out
from .forms import CountForm
from .models import Draft

PARTS: dict[str, Any] = {
    "issue": IssueForm,
    "outcome": OutcomeForm,
    "turn": ExchangeForm,
    "promise": CommitmentForm,
    "count": CountForm,
}
KEPT_FOR = timedelta(days=30)
BY_ITSELF = 100_000
"""From this number on, the ids of a page's forms are those it saves by itself under (app.js)."""


def key_of(part: str, opened: Any) -> str:
    """The name of a part: words or a promise that is opened for mending is another part than a new one."""
    return f"{part}:{opened}" if opened else part


def _posted_keys() -> dict[str, str]:
    opened = {part: as_number(request.form.get(f"opened_{part}", "")) for part in PARTS}
    return {part: key_of(part, opened[part]) for part in PARTS}


def typed(but: str = "") -> dict[str, Any]:
    """What this post brings of the parts other than `but` that somebody has typed into."""
    base = fingerprints(request.form.get("base"))
    found: dict[str, Any] = {}
    for part, key in _posted_keys().items():
        if part == but:
            continue
        form = PARTS[part]()
        names = [field.name for field in form if field.name in base]
        if any(digest(form[name].data) != base[name] for name in names):
            found[key] = {
                "values": {n: [v.replace("\0", "") for v in request.form.getlist(n)] for n in names},
                "base": {n: base[n] for n in names},
            }
    return found


def _comes_too_late() -> bool:
    """Whether this was saved by itself by a page of which a button has been sent meanwhile."""
    page, _sep, nth = request.form.get("form_id", "").partition("~")
    if (as_number(nth) or 0) < BY_ITSELF:
        return False
    return any(number < BY_ITSELF for number in carried_out(page))


def keep(issue: Issue, *, actor: User, but: str = "") -> None:
    """Keep what the post brings of the other parts; the part `but` has been sent and is a draft no longer.

    What a page still saves by itself after it has been sent comes too late and is dropped.
    """
    if "base" not in request.form or _comes_too_late():
        return
    db.session.execute(delete(Draft).where(Draft.at < now() - KEPT_FOR))
    row = db.session.scalar(select(Draft).where(Draft.issue_id == issue.id, Draft.user_id == actor.id))
    here = _posted_keys().values()
    parts = {key: kept for key, kept in (row.parts if row else {}).items() if key not in here} | typed(but)
    if row is None and parts:
        db.session.add(Draft(user_id=actor.id, issue_id=issue.id, parts=parts))
    elif row is not None and parts:
        row.parts, row.at = parts, now()
    elif row is not None:
        db.session.delete(row)


def kept(issue: Issue, actor: User) -> dict[str, Any]:
    """What this person has typed for an issue and not sent, by part. One statement."""
    row = db.session.scalar(select(Draft).where(Draft.issue_id == issue.id, Draft.user_id == actor.id))
    return row.parts if row else {}


def fill_in(form: Form, draft: Mapping[str, Any]) -> None:
    """Show in a form what was typed into it, beside what it showed then."""
    form_id, base = form.form_id.data, fingerprints(form.base.data)
    form.process(MultiDict([(name, word) for name, words in draft["values"].items() for word in words]))
    form.form_id.data = form_id
    form.base.data = json.dumps(base | draft["base"], separators=(",", ":"))
