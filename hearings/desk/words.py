"""The acts of the trail in the reader's words, for a hearing's history."""

from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from ..people.words import ACTS

ACTION_LABELS: dict[str, Any] = {
    "hearing.resume.undo": _l("took the resumption back"),
    "minutes.settle": _l("settled differences between minutes and record"),
    "ballot.hand_out": _l("noted how many ballots were handed out"),
    "ballot.remove": _l("removed a ballot"),
    "assignment.remind": _l("reminded a department"),
    "assignment.supervise": _l("sent a supervision order"),
    "exchange.order": _l("ordered questions and answers"),
    "issue.escalate": _l("escalated an issue"),
    "look_back.order": _l("ordered a look-back's list"),
    "topic.set_aside": _l("set a topic aside"),
    "topic.take_up": _l("took a topic up again"),
    "commitment.progress": _l("noted progress of a commitment"),
} | ACTS
"""Every act that the operations write into the trail. Taking back has its own words, or those of the act."""


def action_words(action: str) -> str:
    """An act in words; `….undo` says what was taken back. Never empty."""
    known = ACTION_LABELS.get(action)
    if known is not None:
        return str(known)
    if action.endswith(".undo"):
        return str(_("took back: %(act)s", act=action_words(action.removesuffix(".undo"))))
    return str(_("changed something"))
