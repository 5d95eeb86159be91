"""What is left to do in an office that has just begun, for its administrator. Gone when it is done."""

from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import exists, select

from ..people import house
from ..people.models import Department, User, UserRole
from ..permissions import Role
from ..prepared import ask
from ..schedule.models import Hearing, Station

_STATE = select(
    exists().where(Hearing.id > 0).label("begun"),
    exists().where(Department.id > 0).label("departments"),
    exists().where(Station.id > 0).label("stations"),
    exists().where(UserRole.role == Role.ORGANISER).label("people"),
    exists().where(User.must_change_password, User.password.is_(None)).label("slips"),
)


def first_steps(user: User) -> list[dict[str, Any]]:
    """The steps in order, {verb, text, url, done}; none for others, and none once all are done or a hearing is planned

    in an office that has a name.
    """
    if Role.ADMIN not in user.role_set:
        return []
    state = ask(_STATE).one()
    named, mail = house.is_named(), bool(current_app.config["MAIL_HOST"] and current_app.config["MAIL_FROM"])
    if named and (state.begun or (state.departments and state.stations and state.people and mail and not state.slips)):
        return []
    return [
        _step(named, _("Name the office"), _("as it stands on pages and papers"), "/settings/office"),
        _step(
            state.departments, _("Add the departments"), _("one by one or from a spreadsheet"), "/departments/import"
        ),
        _step(state.stations, _("Add the liaison stations"), _("hearings are held there"), "/stations/import"),
        _step(
            state.people,
            _("Add the people"),
            _("organisers first; then leaders, deputies and those who act for departments"),
            "/people/import",
        ),
        _step(
            state.people and not state.slips,
            _("Hand out the first passwords"),
            _("on slips, printed and cut apart"),
            "/people/slips",
        ),
        _step(
            mail,
            _("Have mail and address set up"),
            _("by whoever runs the server; without mail the messages in the system still tell everything"),
            "/settings/#told",
        ),
    ]


def has_begun() -> bool:
    """Whether any hearing was ever planned here."""
    return bool(ask(select(exists().where(Hearing.id > 0))).scalar())


def _step(done: Any, verb: str, text: str, url: str) -> dict[str, Any]:
    return {"done": bool(done), "verb": verb, "text": text, "url": url}
