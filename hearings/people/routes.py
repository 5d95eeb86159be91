"""Pages of the people room: the directory, the departments, the settings, the trail."""

from datetime import date
from typing import Any

from flask import Blueprint, abort, current_app, flash, render_template, request, url_for
from flask_babel import gettext as _
from markupsafe import Markup
from sqlalchemy.orm import selectinload

from config import RULES

from .. import audit, workdays
from ..audit import AuditEvent
from ..db import today
from ..forms import EARLIEST, clean_arg
from ..permissions import allowed, may, requires
from ..web import commit_once, me, page, perform, submit
from ..workdays import LAST_KNOWN_YEAR
from . import house, importing, operations, queries, words
from .forms import (
    DEPARTMENT_FIELDS,
    DISTRICT,
    KIND_LABELS,
    PERSON_FIELDS,
    STATIONS,
    DaysForm,
    DepartmentFilter,
    DepartmentForm,
    OfficeForm,
    PeopleFilter,
    PersonForm,
    RenameForm,
    RetireForm,
    SlipsForm,
    TrailFilter,
    person_values,
)
from .models import Department, DepartmentKind, User

bp = Blueprint("people", __name__)


def _keys() -> dict[str, str]:
    """The arguments that say which page of a list, cleaned."""
    return {k: clean_arg(request.args.get(k, "")) for k in ("after", "before")}


# -- people --------------------------------------------------------------------------------------------


@bp.get("/people/")
@requires("user.read")
def index() -> Any:
    """The directory: filters role, department, state and part of a name."""
    form = PeopleFilter(request.args)
    form.offer()
    wanted = form.clean()
    number = int(wanted["department"]) if wanted["department"] else None
    found = queries.people(role=wanted["role"], department=number, state=wanted["state"], q=wanted["q"])
    rows = queries.keyed(
        found,
        (User.protocol_order, User.id),
        wanted | _keys(),
        url_for(".index"),
        options=[selectinload(User.stations)],
    )
    return render_template(
        "people/index.html", form=form, rows=rows, is_shut_out=operations.is_shut_out, filtered=any(wanted.values())
    )


def _show_once(user: User, password: str) -> None:
    """The new first password, on the next page only; it is kept nowhere in the clear."""
    said = _("First password of %(name)s (login name %(login)s):", name=user.name, login=user.username)
    rest = _("It is shown only now and must be changed at the first sign-in.")
    flash(Markup('{} <strong class="num first-password">{}</strong> {}').format(said, password, rest), "success")


@bp.route("/people/new", methods=["GET", "POST"])
@requires("user.create")
def new() -> Any:
    """A new person with a first password, shown once."""
    form = PersonForm(data={"protocol_order": 1000, "reach": DISTRICT, "roles": []})
    form.offer()

    def act() -> User:
        given = form.chosen({name: form[name].data for name in PERSON_FIELDS})
        password = operations.first_password()
        user = operations.create_user(password=password, must_change_password=True, actor=me(), **given)
        _show_once(user, password)
        return user

    done = submit(form, act, to=lambda user: url_for(".show", id=user.id))
    return done or page("people/edit.html", form, user=None, state=None)


@bp.route("/people/import", methods=["GET", "POST"])
@requires("user.create")
def import_people() -> Any:
    """Many people at once, from a spreadsheet."""
    return importing.bring(importing.people)


@bp.get("/people/import/template.xlsx")
@requires("user.create")
def people_template() -> Any:
    """The workbook to fill in."""
    return importing.template(importing.people)


SLIPS = 100
"""Slips made at once: hashing a password takes a moment, on purpose."""


@bp.route("/people/slips", methods=["GET", "POST"])
@requires("user.reset")
def slips() -> Any:
    """First passwords to hand out, a slip a person; shown once, never kept in the clear."""
    waiting = [user for user in queries.awaiting_slips(SLIPS) if user.id != me().id]
    form = SlipsForm(data={"people": [user.id for user in waiting if user.password is None]})
    form.people.offer([(user.id, _slip_words(user)) for user in waiting])
    if form.validate_on_submit():
        wanted = set(form.people.data or ())
        made = [(user, operations.reset_password(user, actor=me())) for user in waiting if user.id in wanted]
        again = commit_once(url_for(".slips"))
        if again is not None:
            return again
        base = (current_app.config["BASE_URL"] or request.host_url).rstrip("/")
        return render_template("people/slips_print.html", slips=made, address=base)
    return page("people/slips.html", form, count=len(waiting), most=SLIPS)


def _slip_words(user: User) -> str:
    place = user.department.short_name if user.department else user.title
    words = f"{user.name}（{place}）" if place else user.name
    return words if user.password is None else _("%(who)s: has a first password already", who=words)


@bp.route("/people/<int:id>", methods=["GET", "POST"])
@requires("user.amend", User)
def show(user: User) -> Any:
    """One person: everything an administrator may change, and the sign-in's state."""
    values = person_values(user)
    form = PersonForm(data=values | {"reach": STATIONS if user.stations else DISTRICT})
    form.offer(user)

    def act() -> None:
        changes = form.chosen(form.merge(values, user))
        if changes and not form.errors:
            operations.amend_user(user, changes, actor=me())

    done = submit(form, act, to=url_for(".show", id=user.id), said=_("Saved."))
    if done:
        return done
    state = {
        "locked": not user.is_with_us,
        "failed": operations.is_shut_out(user),
        "is_me": user.id == me().id,
    }
    return page("people/edit.html", form, user=user, state=state)


@bp.post("/people/<int:id>/lock")
@requires("user.lock", User)
def lock(user: User) -> Any:
    """Close a sign-in; then show what is still open."""
    return perform(
        lambda: operations.lock_user(user, actor=me()),
        to=f"/hand-over/{user.id}",
        said=_("%(name)s can no longer sign in. See what is still open.", name=user.name),
    )


@bp.post("/people/<int:id>/unlock")
@requires("user.unlock", User)
def unlock(user: User) -> Any:
    """Open a sign-in again."""
    return perform(
        lambda: operations.unlock_user(user, actor=me()),
        to=url_for(".show", id=user.id),
        said=_("%(name)s can sign in again.", name=user.name),
    )


@bp.post("/people/<int:id>/reset")
@requires("user.reset", User)
def reset(user: User) -> Any:
    """A new first password, shown once."""
    return perform(
        lambda: _show_once(user, operations.reset_password(user, actor=me())), to=url_for(".show", id=user.id)
    )


# -- departments ---------------------------------------------------------------------------------------


@bp.get("/departments/")
@requires("department.read")
def departments() -> Any:
    """Names, contacts and heads of the offices; for everyone who signs in."""
    form = DepartmentFilter(request.args)
    form.offer()
    wanted = form.clean()
    rows = queries.keyed(
        queries.departments(kind=wanted["kind"], state=wanted["state"], q=wanted["q"]),
        (Department.position, Department.id),
        wanted | _keys(),
        url_for(".departments"),
        options=[selectinload(Department.successor)],
    )
    return render_template(
        "people/departments.html",
        form=form,
        rows=rows,
        kinds=KIND_LABELS,
        may_add=may(me(), "department.amend"),
        filtered=any(wanted.values()),
    )


@bp.route("/departments/new", methods=["GET", "POST"])
@requires("department.amend")
def new_department() -> Any:
    """A new office."""
    form = DepartmentForm(data={"kind": DepartmentKind.BUREAU, "position": 100})
    form.offer()

    def act() -> Department:
        given = {name: form[name].data for name in DEPARTMENT_FIELDS}
        return operations.create_department(valid_from=today(), actor=me(), **given)

    done = submit(form, act, to=lambda made: url_for(".department", id=made.id), said=_("The department is listed."))
    return done or page("people/department_edit.html", form, department=None)


@bp.route("/departments/import", methods=["GET", "POST"])
@requires("department.amend")
def import_departments() -> Any:
    """Many offices at once, from a spreadsheet."""
    return importing.bring(importing.departments)


@bp.get("/departments/import/template.xlsx")
@requires("department.amend")
def departments_template() -> Any:
    """The workbook to fill in."""
    return importing.template(importing.departments)


@bp.get("/departments/<int:id>")
@requires("department.read", Department)
def department(department: Department) -> Any:
    """One office: contacts, and the names it had."""
    can = allowed(me(), department, ["department.amend", "department.retire"]) if may_amend() else set()
    return render_template(
        "people/department.html",
        department=department,
        kinds=KIND_LABELS,
        can=can,
        before=queries.names_before(department),
        people=queries.people_of(department) if can or may(me(), "user.read") else None,
        may_open=may(me(), "user.read"),
    )


def may_amend() -> bool:
    """Whether this person keeps the directory: an administrator, or an organiser of the whole district."""
    return may(me(), "department.amend")


@bp.route("/departments/<int:id>/edit", methods=["GET", "POST"])
@requires("department.amend", Department)
def edit_department(department: Department) -> Any:
    """Mend details."""
    values = {name: getattr(department, name) for name in DEPARTMENT_FIELDS}
    form = DepartmentForm(data=values)
    form.offer()

    def act() -> None:
        changes = form.merge(values, department)
        if changes and not form.errors:
            operations.amend_department(department, changes, actor=me())

    done = submit(form, act, to=url_for(".department", id=department.id), said=_("Saved."))
    return done or page("people/department_edit.html", form, department=department)


@bp.route("/departments/<int:id>/rename", methods=["GET", "POST"])
@requires("department.amend", Department)
def rename_department(department: Department) -> Any:
    """A new name from a day on; old records keep the old one."""
    form = RenameForm(data={"on": today()})
    done = submit(
        form,
        lambda: operations.rename_department(
            department,
            name=str(form.name.data),
            short_name=str(form.short_name.data),
            on=form.on.data or today(),
            actor=me(),
        ),
        to=lambda made: url_for(".department", id=made.id),
        said=_("Old records keep the old name."),
    )
    return done or page("people/department_rename.html", form, department=department)


@bp.post("/departments/<int:id>/drop-plan")
@requires("department.retire", Department)
def drop_plan(department: Department) -> Any:
    """Take back a rename or merger whose day has not come."""
    return perform(
        lambda: operations.drop_plan(department, actor=me()),
        to=url_for(".department", id=department.id),
        said=_("The plan has been taken back."),
    )


@bp.route("/departments/<int:id>/retire", methods=["GET", "POST"])
@requires("department.retire", Department)
def retire_department(department: Department) -> Any:
    """The end of an office, or its merging into another."""
    form = RetireForm(data={"on": today()})
    form.offer(department)
    done = submit(
        form,
        lambda: operations.retire_department(
            department, on=form.on.data or today(), successor=form.rows.get(form.successor.data), actor=me()
        ),
        to=url_for(".department", id=department.id),
    )
    return done or page("people/department_retire.html", form, department=department)


# -- settings ------------------------------------------------------------------------------------------


@bp.get("/settings/")
@requires("setting.read")
def settings() -> Any:
    """Every rule a district may set: value, environment name, legal basis. Read only."""
    rows = [
        {
            "label": words.RULE_LABELS.get(name, name),
            "value": words.rule_value(name, current_app.config[name]),
            "default": words.rule_value(name, rule.value) if current_app.config[name] != rule.value else None,
            "env": f"HEARINGS_{name}",
            "basis": rule.basis,
        }
        for name, rule in RULES.items()
    ]
    changed = sum(1 for row in rows if row["default"] is not None)
    unknown = operations.years_without_holidays()
    config = current_app.config
    return render_template(
        "people/settings.html",
        rows=rows,
        changed=changed,
        unknown=unknown,
        mail=bool(config["MAIL_HOST"] and config["MAIL_FROM"]),
        mailbox=bool(config["MAIL_IMAP_HOST"]),
        robot=bool(config["ROBOT_URL"]),
        base_url=config["BASE_URL"],
        named=house.is_named(),
        office={name.lower(): config[name] for name in house.WORDS},
    )


@bp.route("/settings/office", methods=["GET", "POST"])
@requires("setting.amend")
def office() -> Any:
    """What the office is called, on every page and paper; published papers keep what they say."""
    config, named = current_app.config, house.is_named()
    now = {name.lower(): config[name] if named else None for name in house.WORDS}
    now |= {
        "system_name": config["SYSTEM_NAME"],
        "minutes_mark": config["MINUTES_MARK"],
        "minutes_cc": "\n".join(config["MINUTES_CC"]),
    }
    form = OfficeForm(data=now)

    def act() -> None:
        if form.merge(now) and not form.errors:
            operations.name_office(form.said(), actor=me())

    done = submit(form, act, to=url_for(".settings"), said=_("Pages and new papers say so from now on."))
    return done or page("people/office.html", form, named=named)


def _year() -> int:
    given = request.args.get("year", "")
    year = int(given) if given.isascii() and given.isdigit() and len(given) == 4 else today().year
    return year if 2004 <= year <= today().year + 10 else today().year


@bp.route("/settings/holidays", methods=["GET", "POST"])
@requires("holiday.amend")
def holidays() -> Any:
    """The calendar of working days: what the library publishes, and what the district's own table says."""
    year = _year()
    form = DaysForm(data={"kind": "holiday"})
    form.offer()
    done = submit(
        form,
        lambda: operations.decide_days(
            first=form.first.data or today(),
            last=form.last.data,
            is_workday=form.kind.data == "workday",
            name=str(form.name.data),
            actor=me(),
        ),
        to=lambda made: url_for(".holidays", year=made[0].day.year),
        said=_("The calendar has been changed. No due date has moved."),
    )
    if done:
        return done
    table = workdays.overrides()
    here = today().year
    years = [
        {"year": y, "known": workdays.year_is_known(y, table), "active": y == year}
        for y in sorted({year, *range(here - 1, here + 3)})
    ]
    return page(
        "people/holidays.html",
        form,
        year=year,
        years=years,
        known=workdays.year_is_known(year, table),
        by_library=year <= LAST_KNOWN_YEAR,
        days=_days_of(year),
        any_own=any(day.year >= here for day in table),
    )


def _days_of(year: int) -> list[dict[str, Any]]:
    """The days of a year that are not like their weekday, in order: published or decided by the district."""
    own = {row.day: row for row in queries.own_days(year)}
    found = []
    for ordinal in range(date(year, 1, 1).toordinal(), date(year, 12, 31).toordinal() + 1):
        day = date.fromordinal(ordinal)
        row = own.get(day)
        published = workdays.is_workday(day, {}) if year <= LAST_KNOWN_YEAR else day.weekday() < 5
        name = workdays.holiday_name(day)
        if row is None and published == (day.weekday() < 5) and (name is None or published):
            continue
        found.append(
            {
                "day": day,
                "is_workday": row.is_workday if row is not None else published,
                "name": row.name if row is not None else name,
                "own": row is not None,
            }
        )
    return found


@bp.post("/settings/holidays/remove")
@requires("holiday.amend")
def forget_day() -> Any:
    """Take a day off the district's table."""
    try:
        day = date.fromisoformat(request.form.get("day", ""))
    except ValueError:
        abort(400)
    return perform(lambda: operations.forget_day(day, actor=me()), to=url_for(".holidays", year=day.year))


# -- the trail -----------------------------------------------------------------------------------------


def _day_arg(given: str) -> date | None:
    try:
        day = date.fromisoformat(given)
    except ValueError:
        return None
    return day if EARLIEST.year <= day.year < 9999 else None  # the edges have no midnight of ours


@bp.get("/audit/", endpoint="audit")
@requires("audit.read")
def trail() -> Any:
    """Who did what to what, when and from where; and whether the chain holds."""
    form = TrailFilter(request.args)
    form.action.choices = [("", _("all acts")), *words.ACTS.items()]
    form.subject.choices = [("", _("all kinds")), *words.THINGS.items()]
    wanted = form.clean()
    first, last = _day_arg(wanted["first"]), _day_arg(wanted["last"])
    found = queries.trail(
        person=wanted["person"], action=wanted["action"], subject=wanted["subject"], first=first, last=last
    )
    rows = queries.keyed(found, (AuditEvent.id,), wanted | _keys(), url_for(".audit"), descending=True)
    checked = None
    if request.args.get("check"):
        checked = {"broken": audit.verify(), "count": queries.lines_in_trail()}
    return render_template(
        "people/audit.html",
        form=form,
        rows=rows,
        act=words.act,
        actor=words.actor_words,
        thing=words.thing,
        notes=words.notes,
        checked=checked,
        filtered=any(wanted.values()),
    )
