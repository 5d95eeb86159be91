"""Who may do what to which rows.

`POLICY` names, for each action, the roles that have it and the *scope* each has it in. A scope is a WHERE
clause that the room owning the model registers (`@scope("issue", Role.DEPUTY, "raised")`), so a list can never
show what the page would refuse, and a page is fetched and authorised in one breath: what one may not read is
404, the same bytes as what never was; 403 is only for an act on something one may read.
"""

import functools
from collections import defaultdict
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any

from flask import abort, request
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import ColumnElement, bindparam, false, or_, select, true

from .db import db, today


class Role(StrEnum):
    """What a person is; a set, rights their union."""

    ADMIN = "admin"
    AUDITOR = "auditor"
    ORGANISER = "organiser"
    DEPUTY = "deputy"
    DEPARTMENT = "department"
    LEADER = "leader"


ROLE_LABELS = {
    Role.ADMIN: _l("Administrator"),
    Role.AUDITOR: _l("Auditor"),
    Role.ORGANISER: _l("Organiser"),
    Role.DEPUTY: _l("Deputy"),
    Role.DEPARTMENT: _l("Department"),
    Role.LEADER: _l("Leader"),
}

_A, _U, _O, _D, _B, _L = Role.ADMIN, Role.AUDITOR, Role.ORGANISER, Role.DEPUTY, Role.DEPARTMENT, Role.LEADER
OWN = "own"
"""The role's ordinary scope on that entity."""
ALL = "all"

_ORGANISER = {_O: OWN}
_READ = {_O: OWN, _D: OWN, _B: OWN, _L: ALL, _U: ALL}

POLICY: dict[str, dict[Role, str]] = {
    # directory and house
    "user.read": {_A: ALL},
    "user.create": {_A: ALL},
    "user.amend": {_A: ALL},
    "user.lock": {_A: ALL},
    "user.unlock": {_A: ALL},
    "user.reset": {_A: ALL},
    "user.hand_over": {_A: ALL},
    "department.read": dict.fromkeys(Role, ALL),
    "department.amend": {_A: ALL, _O: "district"},
    "department.retire": {_A: ALL, _O: "district"},
    "station.read": dict.fromkeys(Role, ALL),
    "station.amend": {_A: ALL, _O: "district"},
    "station.retire": {_A: ALL, _O: "district"},
    "setting.read": {_A: ALL},
    "setting.amend": {_A: ALL},
    "setting.try_mail": {_A: ALL},
    "holiday.amend": {_A: ALL},
    "audit.read": {_U: ALL},
    # hearings
    "hearing.read": _READ,
    "hearing.create": _ORGANISER,
    "hearing.amend": _ORGANISER,
    "hearing.announce": _ORGANISER,
    "hearing.reschedule": _ORGANISER,
    "hearing.postpone": _ORGANISER,
    "hearing.cancel": _ORGANISER,
    "hearing.discard": _ORGANISER,
    "hearing.open": _ORGANISER,
    "hearing.conclude": _ORGANISER,
    "hearing.resume": _ORGANISER,
    "hearing.file": _ORGANISER,
    "hearing.run": _ORGANISER,
    "hearing.archive": {_O: OWN, _U: ALL},
    "hearing.name_attendee": {_O: OWN, _B: OWN},
    "participant.amend": _ORGANISER,
    "preparation.read": {_O: OWN, _B: OWN, _L: ALL, _U: ALL},
    "topic.read": {_O: OWN, _L: ALL, _U: ALL, _B: OWN, _D: OWN},
    "topic.create": {_O: OWN, _D: OWN},
    "topic.amend": _ORGANISER,
    "topic.merge": _ORGANISER,
    # issues and promises
    "issue.read": _READ,
    "issue.log": {_O: OWN, _D: OWN},
    "issue.amend": {_O: OWN, _D: "raised"},
    "issue.attach": {_O: OWN, _D: "raised"},
    "issue.remove": _ORGANISER,
    "issue.assign": _ORGANISER,
    "issue.explain": _ORGANISER,
    "issue.decline": _ORGANISER,
    "issue.transfer": _ORGANISER,
    "issue.rework": _ORGANISER,
    "issue.strike_off": _ORGANISER,
    "issue.reopen": _ORGANISER,
    "issue.figure": _ORGANISER,
    "assignment.read": _READ,
    "assignment.accept": {_O: OWN, _B: OWN},
    "assignment.return": {_O: OWN, _B: OWN},
    "assignment.progress": {_O: OWN, _B: OWN},
    "assignment.reply": {_O: OWN, _B: OWN},
    "assignment.remind": _ORGANISER,
    "assignment.supervise": _ORGANISER,
    "commitment.read": _READ,
    "commitment.make": _ORGANISER,
    "commitment.correct": _ORGANISER,
    "commitment.remove": _ORGANISER,
    "commitment.report_done": {_O: OWN, _B: "lead"},
    "commitment.verify": _ORGANISER,
    "commitment.reject": _ORGANISER,
    "commitment.release": _ORGANISER,
    "extension.ask": {_O: OWN, _B: "lead"},
    "extension.grant": _ORGANISER,
    "extension.refuse": _ORGANISER,
    # reviews
    "look_back.plan": _ORGANISER,
    "finding.record": _ORGANISER,
    "ballot.record": _ORGANISER,
    "confirmation.read": _READ,
    "confirmation.ask": _ORGANISER,
    "confirmation.confirm": {_D: "asked"},
    "confirmation.refuse": {_D: "asked"},
    "confirmation.waive": _ORGANISER,
    # invitations and messages
    "invitation.read": {_O: OWN, _L: ALL, _U: ALL},
    "invitation.remind": _ORGANISER,
    "message.read": {_O: OWN, _L: ALL, _U: ALL},
    # minutes
    "paper.print": {_O: OWN, _L: ALL, _U: ALL},
    "minutes.read": _READ,
    "minutes.draft": _ORGANISER,
    "minutes.review": _ORGANISER,
    "minutes.return": _ORGANISER,
    "minutes.publish": _ORGANISER,
    "minutes.correct": _ORGANISER,
    "minutes.release": _ORGANISER,
    "minutes.withdraw": _ORGANISER,
}

Clause = ColumnElement[bool]
_scopes: dict[tuple[str, Role, str], list[Callable[[Any], Clause]]] = defaultdict(list)


def scope(entity: str, role: Role, variant: str = OWN) -> Callable[[Callable[[Any], Clause]], Callable[[Any], Clause]]:
    """Register rows of a table that a role has in a variant, as a function from the person to a clause.

    A later room may add rows to an earlier entity's scope; the clauses are joined by OR.
    """

    def register(clause: Callable[[Any], Clause]) -> Callable[[Any], Clause]:
        _scopes[entity, role, variant].append(clause)
        return clause

    return register


def scoped(action: str, user: Any, model: Any) -> Clause:
    """The WHERE clause for the rows of `model` on which `user` may do `action`."""
    clauses: list[Clause] = []
    roles = user.role_set
    for role, variant in POLICY[action].items():
        if role not in roles:
            continue
        if variant == ALL:
            return true()
        clauses.extend(clause(user) for clause in _scopes[model.__tablename__, role, variant])
    if any(clause is true() for clause in clauses):  # a district organiser's, say: plainly all, for whoever asks
        return true()
    return or_(*clauses) if clauses else false()


def may(user: Any, action: str) -> bool:
    """Whether any role of the person has the action at all, on whatever row."""
    if not user.is_authenticated:
        return False
    policy, roles = POLICY[action], user.role_set
    return any(role in roles and (variant != "district" or user.is_district) for role, variant in policy.items())


def allowed(user: Any, thing: Any, actions: Iterable[str]) -> set[str]:
    """Which of `actions` the person may do on this row; one statement at most, one column per distinct scope."""
    model = type(thing)
    clauses: dict[tuple[tuple[Role, str], ...], Clause] = {}
    keys, roles = {}, user.role_set
    for action in actions:
        mine = tuple((r, v) for r, v in POLICY[action].items() if r in roles)
        if mine:
            keys[action] = mine
            if mine not in clauses:
                clauses[mine] = scoped(action, user, model)
    asked = {key: clause for key, clause in clauses.items() if clause is not true()}
    verdict = dict.fromkeys(clauses, True)  # who may do it to every row need not ask about this one
    if asked:
        columns = [clause.label(f"c{i}") for i, clause in enumerate(asked.values())]
        row = db.session.execute(select(*columns).select_from(model).where(model.id == thing.id)).one()
        verdict |= dict(zip(asked, row, strict=True))
    return {action for action, key in keys.items() if verdict[key]}


class StandIn:
    """A person of a kind, for the clauses of `scoped`: what the kind does not fix is a parameter."""

    def __init__(self, role_set: frozenset[Role], is_district: bool) -> None:
        self.role_set = role_set
        self.is_district = is_district
        self.id: Any = bindparam("person_id")
        self.department_ids: Any = bindparam("person_departments", expanding=True)
        self.station_ids: Any = bindparam("person_stations", expanding=True)
        self.streets: Any = bindparam("person_streets", expanding=True)


@functools.lru_cache(maxsize=256)
def _stand_in(role_set: frozenset[Role], is_district: bool) -> StandIn:
    return StandIn(role_set, is_district)


def stand_in(user: Any) -> StandIn:
    """One and the same for all people of a kind, so that it can be the key under which a statement is kept."""
    roles = user.role_set
    return _stand_in(roles, Role.ORGANISER not in roles or user.is_district)


def particulars(user: Any) -> dict[str, Any]:
    """The parameters that belong to a statement with this person's stand-in, and the day."""
    roles, district = user.role_set, stand_in(user).is_district
    return {
        "person_id": user.id,
        "person_departments": user.department_ids if Role.DEPARTMENT in roles else [],
        "person_stations": [] if district else user.station_ids,
        "person_streets": [] if district else user.streets,
        "today": today(),
    }


def fetch(action: str, model: Any, id_: int, user: Any, *, lock: bool = False, options: Any = ()) -> Any:
    """The row, if the person may read it and do `action` on it; else aborts with 404 or 403."""
    if id_ > 2**31 - 1:  # no database keeps such a number, and one says so with an error
        abort(404)
    statement = _fetching(action, model, stand_in(user), lock and db.engine.dialect.name == "postgresql")
    if options:
        statement = statement.options(*options)
    found = db.session.execute(statement, particulars(user) | {"row_id": id_}).unique().one_or_none()
    if found is None:
        abort(404)
    if not found.may:
        abort(403)
    return found[0]


@functools.lru_cache(maxsize=512)
def _fetching(action: str, model: Any, who: StandIn, lock: bool) -> Any:
    """The row `row_id` for a person of this kind, and whether `action` is theirs."""
    read = f"{model.__tablename__}.read"
    may_read = scoped(read if read in POLICY else action, who, model)
    found = select(model, scoped(action, who, model).label("may")).where(model.id == bindparam("row_id"), may_read)
    return found.with_for_update(of=model) if lock else found


def requires(action: str, model: Any = None) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a view's action. With a model the view gets the row in place of the address's `id`."""

    def wrap(view: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(view)
        def inner(**kwargs: Any) -> Any:
            user: Any = current_user._get_current_object()
            if not may(user, action):
                abort(404 if model is not None and not _may_read(user, model) else 403)
            if model is None:
                return view(**kwargs)

            thing = fetch(action, model, kwargs.pop("id"), user, lock=request.method == "POST")
            return view(thing, **kwargs)

        inner.action = action  # type: ignore[attr-defined]
        return inner

    return wrap


def _may_read(user: Any, model: Any) -> bool:
    read = f"{model.__tablename__}.read"
    return read not in POLICY or may(user, read)


def public(view: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a view open to everyone, signed in or not."""
    view.action = "public"  # type: ignore[attr-defined]
    return view


def anonymous(view: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a view that is read by programs: open to everyone, and nobody asks who it is. Only for reading."""
    view.anonymous = True  # type: ignore[attr-defined]
    return public(view)


def signed_in(view: Callable[..., Any]) -> Callable[..., Any]:
    """Declare a view open to everyone who is signed in."""
    view.action = "signed_in"  # type: ignore[attr-defined]
    return view
