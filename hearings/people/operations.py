"""What happens to offices and people. No commit, no request: the caller passes the actor and commits once."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from flask_security.utils import hash_password
from sqlalchemy import delete, select

from .. import audit, undo, workdays
from ..db import db, now, today
from ..errors import RuleBroken
from ..filters import day as day_words
from ..permissions import Role
from ..workdays import CalendarDay
from . import login_name
from .models import Department, House, User, WrongName

_LETTERS = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that cannot be mistaken for another when a password is read out on the telephone."""


def check_password(password: str, username: str = "") -> None:
    """Raises `RuleBroken` for a password that is too short, of one kind of character, or the login name."""
    least = current_app.config["PASSWORD_MIN"]
    if len(password) < least:
        raise RuleBroken(_("The password needs at least %(least)d characters.", least=least), "password")
    kinds = sum(bool(re.search(p, password)) for p in ("[a-z]", "[A-Z]", "[0-9]", "[^a-zA-Z0-9]"))
    if kinds < 2 or (username and password.lower() == username.lower()):
        raise RuleBroken(
            _("Mix at least two of: small letters, capitals, digits, signs; and do not use the login name."),
            "password",
        )


def _check_username(username: str, but: User | None = None) -> str:
    name = login_name(username)
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]{1,31}", name):
        raise RuleBroken(_("A login name has 2 to 32 letters a–z, digits, dots or dashes."), "username")
    other = db.session.scalar(select(User).where(User.username == name))
    if other is not None and other is not but:
        raise RuleBroken(_("This login name is taken."), "username")
    return name


def create_user(
    *,
    username: str,
    name: str,
    roles: Iterable[str],
    password: str | None,
    actor: User | None,
    title: str | None = None,
    email: str | None = None,
    department: Department | None = None,
    stations: Iterable[Any] = (),
    protocol_order: int = 1000,
    must_change_password: bool = False,
) -> User:
    """A person who can sign in; without a password, once a slip with a first one has been made (`reset_password`).

    Raises `RuleBroken` for a taken or odd login name, a weak password, no role.
    """
    login = _check_username(username)
    if password is not None:
        check_password(password, login)
    roles = set(roles)
    if not roles:
        raise RuleBroken(_("Choose at least one role."), "roles")
    if Role.DEPARTMENT in roles and department is None:
        raise RuleBroken(_("Somebody who acts for a department needs the department."), "department")
    user = User(
        username=login,
        name=name,
        title=title,
        email=email,
        department=department,
        stations=list(stations),
        protocol_order=protocol_order,
        password=None if password is None else hash_password(password),
        must_change_password=must_change_password,
        fs_uniquifier=secrets.token_hex(16),
    )
    user.set_roles(roles)
    db.session.add(user)
    db.session.flush()
    audit.record("user.create", user, actor, roles=sorted(roles))
    return user


def amend_user(user: User, changes: Mapping[str, Any], *, actor: User) -> None:
    """Change name, title, email, protocol_order, department, stations, roles, username."""
    changes = dict(changes)
    if "username" in changes:
        changes["username"] = _check_username(changes["username"], user)
    roles = changes.pop("roles", None)
    if roles is not None:
        if not roles:
            raise RuleBroken(_("Choose at least one role."), "roles")
        if user is actor and Role.ADMIN in user.role_set and Role.ADMIN not in roles:
            raise RuleBroken(_("You cannot take the administrator's role from yourself."), "roles")
        user.set_roles(roles)
    for name, value in changes.items():
        setattr(user, name, value)
    if Role.DEPARTMENT in user.role_set and user.department is None:
        raise RuleBroken(_("Somebody who acts for a department needs the department."), "department")
    if roles is not None or {"stations", "department"} & set(changes):
        undo.end_offers(user)
    audit.record("user.amend", user, actor, fields=sorted([*changes, *(["roles"] if roles is not None else [])]))


def lock_user(user: User, *, actor: User) -> None:
    """Close a sign-in; what is open stays and is handed over by an act of its own."""
    if user is actor:
        raise RuleBroken(_("You cannot lock yourself."))
    user.active = False
    user.valid_until = today()
    user.fs_uniquifier = secrets.token_hex(16)
    audit.record("user.lock", user, actor)


def unlock_user(user: User, *, actor: User) -> None:
    """Open a sign-in again, also after too many wrong passwords and before LOCK_MINUTES have passed."""
    user.active = True
    user.valid_until = None
    user.failures, user.failed_at = 0, None
    audit.record("user.unlock", user, actor)


def wrong_name(name: str) -> WrongName:
    """The count of tries under a login name that nobody has."""
    key = current_app.secret_key or ""
    digest = hmac.new(key if isinstance(key, bytes) else key.encode(), name.encode(), hashlib.sha256).hexdigest()
    return db.session.get(WrongName, digest) or WrongName(digest=digest, failures=0)


def is_shut_out(tried: User | WrongName) -> bool:
    """Whether a name takes no password now: LOGIN_FAILURES wrong ones, the last less than LOCK_MINUTES ago.

    GB/T 22239-2019 8.1.4.1. Tries meanwhile are not counted, so nobody is shut out for ever by another's typing.
    """
    return tried.failures >= current_app.config["LOGIN_FAILURES"] and not _is_long_ago(tried.failed_at)


def _is_long_ago(moment: datetime | None) -> bool:
    return moment is None or moment + timedelta(minutes=current_app.config["LOCK_MINUTES"]) <= now()


def count_failure(tried: User | WrongName) -> None:
    """One more wrong password; after a time of rest it is the first."""
    tried.failures = 1 if _is_long_ago(tried.failed_at) else tried.failures + 1
    tried.failed_at = now()
    if isinstance(tried, User):
        audit.record("user.sign_in_failed", tried, None)
        return
    rested = now() - timedelta(minutes=current_app.config["LOCK_MINUTES"])
    db.session.execute(delete(WrongName).where(WrongName.failed_at < rested))
    db.session.add(tried)


def first_password() -> str:
    """A random password to be told to a person and changed at once: groups of four, as long as the house asks."""
    groups = max(3, -(-(current_app.config["PASSWORD_MIN"] + 1) // 5))
    return "-".join("".join(secrets.choice(_LETTERS) for _i in range(4)) for _j in range(groups))


def password_changed(user: User) -> None:
    """The person has chosen a password of their own."""
    user.must_change_password = False
    user.failures, user.failed_at = 0, None
    audit.record("user.password", user, user)


def reset_password(user: User, *, actor: User | None, password: str | None = None) -> str:
    """A new first password, to be changed at the next sign-in; ends all sign-ins. Returns it."""
    password = password or first_password()
    user.password = hash_password(password)
    user.must_change_password = True
    user.failures, user.failed_at = 0, None
    user.fs_uniquifier = secrets.token_hex(16)
    audit.record("user.reset", user, actor)
    return password


def name_office(words: Mapping[str, Any], *, actor: User | None) -> House:
    """What the office is called from now on, by setting (`house.WORDS`); what is not named stays as it is."""
    row = db.session.get(House, 1)
    if row is None:
        row = House(id=1, words={}, version=0)
        db.session.add(row)
    row.words = row.words | dict(words)
    row.version += 1
    db.session.flush()
    audit.record("house.name", row, actor, name=words.get("ORGANISATION"))
    return row


def create_department(*, name: str, short_name: str, actor: User | None, **details: Any) -> Department:
    """A new office. `details`: kind, street, head, contact, contact_phone, position, valid_from, parent_id."""
    _check_name_free(name)
    department = Department(name=name, short_name=short_name, **details)
    db.session.add(department)
    db.session.flush()
    audit.record("department.create", department, actor, name=name)
    return department


def _check_name_free(name: str, but: Department | None = None) -> None:
    same = db.session.scalars(select(Department).where(Department.name == name)).all()
    if any((d.is_current or d.is_planned) and d is not but for d in same):
        raise RuleBroken(_("There is a department of this name already."), "name")


def amend_department(department: Department, changes: Mapping[str, Any], *, actor: User | None) -> None:
    """Mend details. A rename that should leave old records alone is `rename_department`."""
    if "name" in changes:
        _check_name_free(changes["name"], department)
    for name, value in changes.items():
        setattr(department, name, value)
    department.touch()
    audit.record("department.amend", department, actor, fields=sorted(changes))


def rename_department(
    department: Department, *, name: str, short_name: str, on: date, actor: User | None
) -> Department:
    """From `on` the office has a new name: a new row that succeeds the old one. Old records keep the old name;

    its people move over, on that day when it is still to come (`settle_offices`). Returns the new row.
    """
    if not department.is_current or department.valid_until is not None:
        raise RuleBroken(_("This department has been retired."))
    if on <= department.valid_from:
        raise RuleBroken(_("This lies before the department began."), "on")
    successor = create_department(
        name=name,
        short_name=short_name,
        actor=actor,
        kind=department.kind,
        street=department.street,
        head=department.head,
        contact=department.contact,
        contact_phone=department.contact_phone,
        position=department.position,
        valid_from=on,
    )
    _end(department, on=on - timedelta(days=1), successor=successor, moves=on <= today(), actor=actor)
    return successor


def retire_department(
    department: Department, *, on: date, actor: User | None, successor: Department | None = None
) -> None:
    """The office ends on that day; with a successor (rename, merger) its people move over. With undo.

    Raises `RuleBroken` for a day before it began, and for a successor that is itself or has ended.
    """
    if department.valid_until is not None:
        raise RuleBroken(_("This department has been retired."))
    if on < department.valid_from:
        raise RuleBroken(_("This lies before the department began."), "on")
    if successor is department:
        raise RuleBroken(_("A department cannot succeed itself."), "successor")
    if successor is not None and not (successor.is_current and (successor.valid_until or on) >= on):
        raise RuleBroken(_("This department has been retired."), "successor")
    moved = _end(department, on=on, successor=successor, moves=on <= today(), actor=actor)
    if actor is not None:
        undo.offer(
            "department.retire",
            _("“%(name)s” ends on %(day)s.", name=department.name, day=day_words(on)),
            actor=actor,
            back=f"/departments/{department.id}",
            department_id=department.id,
            moved=moved,
        )


def _end(
    department: Department, *, on: date, successor: Department | None, moves: bool, actor: User | None
) -> list[int]:
    """Closes the row; people move to the successor, unless the day is still to come. Returns their ids."""
    department.valid_until = on
    department.successor = successor
    department.touch()
    moved = []
    if successor is not None and moves:
        for user in db.session.scalars(select(User).where(User.department_id == department.id)):
            user.department = successor
            moved.append(user.id)
    named = successor.name if successor else None
    audit.record("department.retire", department, actor, on=on.isoformat(), successor=named)
    return moved


def settle_offices() -> int:
    """Move the people of offices whose planned day has come. Returns how many."""
    over = select(Department.id).where(Department.valid_until < today(), Department.successor_id.is_not(None))
    moved = db.session.scalars(select(User).where(User.department_id.in_(over))).all()
    for user in moved:
        if user.department is not None:
            user.department = user.department.now
            audit.record("user.amend", user, None, fields=["department"])
    db.session.flush()
    return len(moved)


def drop_plan(department: Department, *, actor: User | None) -> None:
    """Take back a rename or merger whose day has not come."""
    plan = department.successor
    if plan is None or not department.is_current:
        raise RuleBroken(_("Nothing is planned for this department."))
    department.valid_until = None
    department.successor = None
    department.touch()
    audit.record("department.unplan", department, actor, successor=plan.name)
    if plan.is_planned:
        db.session.flush()
        db.session.delete(plan)  # nothing can rest on a name that was never in use


@undo.compensation("department.retire")
def _retire_back(*, actor: User, department_id: int, moved: list[int]) -> None:
    department = db.session.get_one(Department, department_id)
    if department.valid_until is None:
        raise RuleBroken(_("This has been undone already."))
    _check_name_free(department.name, department)
    successor_id = department.successor_id
    department.valid_until = None
    department.successor = None
    department.touch()
    for user in db.session.scalars(select(User).where(User.id.in_(moved), User.department_id == successor_id)):
        user.department = department
    audit.record("department.retire.undo", department, actor)


# -- the calendar of working days ----------------------------------------------------------------------


def decide_days(*, first: date, last: date | None, is_workday: bool, name: str, actor: User) -> list[CalendarDay]:
    """The district's own table decides these days: free, or worked to make up for a holiday.

    It stands above what the library knows; no due date moves by it. Raises `RuleBroken` for an order that is
    wrong, and for more than a month at once.
    """
    last = last or first
    if last < first:
        raise RuleBroken(_("The last day lies before the first."), "last")
    if (last - first).days > 31:
        raise RuleBroken(_("At most a month at once."), "last")
    made = []
    for step in range((last - first).days + 1):
        day = first + timedelta(days=step)
        row = db.session.get(CalendarDay, day)
        if row is None:
            row = CalendarDay(day=day, is_workday=is_workday, name=name)
            db.session.add(row)
        row.is_workday, row.name = is_workday, name
        made.append(row)
    db.session.flush()
    words = first.isoformat() if first == last else f"{first.isoformat()}–{last.isoformat()}"
    audit.record("holiday.amend", made[0], actor, day=words, name=name, is_workday=is_workday)
    return made


def forget_day(day: date, *, actor: User) -> None:
    """The district's table no longer decides this day. With undo."""
    row = db.session.get(CalendarDay, day)
    if row is None:
        return
    audit.record("holiday.remove", row, actor, day=day.isoformat(), name=row.name)
    undo.offer(
        "holiday.forget",
        _("%(day)s has been taken off the table.", day=day_words(day)),
        actor=actor,
        back=f"/settings/holidays?year={day.year}",
        day=day.isoformat(),
        is_workday=row.is_workday,
        name=row.name,
    )
    db.session.delete(row)


@undo.compensation("holiday.forget")
def _remember_day(*, actor: User, day: str, is_workday: bool, name: str) -> None:
    decide_days(first=date.fromisoformat(day), last=None, is_workday=is_workday, name=name, actor=actor)


def years_without_holidays(ahead: int = 1) -> list[int]:
    """Years from this one to `ahead` later whose holidays nobody has published yet."""
    table = workdays.overrides()
    first = today().year
    return [year for year in range(first, first + ahead + 1) if not workdays.year_is_known(year, table)]
