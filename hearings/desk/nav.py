"""The rooms that a person has: the first six in the bar (look.md), the rest in the menu under the name."""

from typing import Any

from flask import request
from flask_babel import lazy_gettext as _l

from ..permissions import Role, may

ROOMS: tuple[tuple[str, str, str | None], ...] = (
    ("front", "/", None),
    ("hearings", "/hearings/", "hearing.read"),
    ("issues", "/issues/", "issue.read"),
    ("commitments", "/commitments/", "commitment.read"),
    ("look_backs", "/look-backs/", "hearing.read"),
    ("topics", "/topics/", "topic.amend"),
    ("people", "/people/", "user.read"),
    ("departments", "/departments/", "department.amend"),
    ("stations", "/stations/", "station.amend"),
    ("settings", "/settings/", "setting.read"),
    ("audit", "/audit/", "audit.read"),
)


LABELS = {
    "front": _l("To do"),
    "hearings": _l("Hearings"),
    "issues": _l("Issues"),
    "commitments": _l("Commitments"),
    "look_backs": _l("Look-backs"),
    "topics": _l("Topics"),
    "people": _l("People"),
    "departments": _l("Departments"),
    "stations": _l("Stations"),
    "settings": _l("Settings"),
    "audit": _l("Trail"),
}


def rooms_of(user: Any) -> list[dict[str, Any]]:
    """{key, label, endpoint_url, active} of each room, those that this person works in first."""
    mine = [(k, url) for k, url, action in ROOMS if action is None or may(user, action)]
    if Role.AUDITOR in user.role_set:  # the trail is what the auditor comes for
        mine = [m for m in mine if m[0] != "topics"]
    here = request.path
    return [
        {
            "key": key,
            "label": LABELS[key],
            "endpoint_url": url,
            "active": here == url if url == "/" else here.startswith(url),
        }
        for key, url in mine
    ]
