"""Bringing people, departments and stations along from a spreadsheet: read, shown row by row, then saved at once.

The preview does what will be done and takes it back, so that a row is refused by the same rules, in the same words,
as one that is typed into the form. What was confirmed is what was seen: the button carries the fingerprint of the rows.
"""

import hashlib
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from flask import current_app, flash, request
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.file import FileField
from sqlalchemy import select
from werkzeug.datastructures import MultiDict
from wtforms import HiddenField

from ..db import db, today
from ..documents import rows as sheet
from ..documents.rows import Column, Row
from ..errors import RuleBroken
from ..files import answer
from ..forms import Form, TextBlock
from ..permissions import ROLE_LABELS, Role
from ..web import finish, me, page
from . import operations, queries
from .forms import DEPARTMENT_FIELDS, DISTRICT, KIND_LABELS, STATIONS, DepartmentForm, PersonForm
from .models import DepartmentKind, User

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ANOTHER, LEAVE = "another", "leave"
"""What may be answered to “is this somebody else?”."""


def _as_pasted(words: Any) -> Any:
    """One kind of line break; the tabs at the edges are empty cells and stay."""
    if not isinstance(words, str):
        return words
    return words.replace("\r\n", "\n").replace("\r", "\n").rstrip("\n") if words.strip() else None


class ImportForm(Form):
    """Rows as pasted, or a file."""

    file = FileField(_l("A file"), description=_l("An Excel workbook (.xlsx, its first sheet) or CSV."))
    rows = TextBlock(_l("or the rows, pasted"), required=False, limit=300_000, filters=[_as_pasted])
    seen = HiddenField("")


@dataclass(frozen=True)
class Kind:
    """What is brought along."""

    title: Any
    lead: Any
    columns: Sequence[Column]
    begin: Callable[[Sequence[Row]], Callable[[Row], None]]
    """Looks up what all rows need; gives what makes one row real, fills in `shown`, `errors` and `question`."""
    back: str
    """The list where they stand afterwards."""
    back_label: Any
    said: Callable[[int], str]
    button: Callable[[int], str]
    choices: Callable[[], Iterable[tuple[str, Iterable[str]]]] = tuple


def bring(kind: Kind) -> Any:
    """The page: paste, look, confirm. Nothing is saved while a row is wrong or a question is open."""
    form = ImportForm()
    table = None
    if form.validate_on_submit():
        try:
            upload = request.files.get("file")
            if upload is not None and upload.filename:
                form.rows.data = sheet.from_file(upload, current_app.config["UPLOAD_MB"])
                if not form.rows.validate(form):
                    raise RuleBroken("", "rows")
            if not form.rows.data:
                raise RuleBroken(_("Paste rows, or choose a file."), "rows")
            table = sheet.read(form.rows.data, kind.columns)
        except RuleBroken as broken:
            if broken.message:
                form.add_error(broken)
    if table is None:
        return page("people/import.html", form, kind=kind, table=None, ready=0, asked=0)
    done = _try_out(kind, table.rows)
    digest = hashlib.sha256(str(form.rows.data).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    wrong = sum(1 for row in table.rows if row.errors)
    asked = sum(1 for row in table.rows if row.question and not row.answer)
    if "confirm" in request.form and form.seen.data == digest and not wrong and not asked and done:
        flash(kind.said(done), "success")
        return finish(kind.back)
    db.session.rollback()
    if wrong:
        form.form_errors.append(_("Rows to mend: %(count)d. Each says below what is wrong.", count=wrong))
    if asked:
        form.form_errors.append(_("Rows that ask something: %(count)d. Answer below.", count=asked))
    form.seen.data = digest
    return page("people/import.html", form, kind=kind, table=table, ready=0 if wrong else done + asked, asked=asked)


def _try_out(kind: Kind, rows: Sequence[Row]) -> int:
    """Make every row real, in this transaction. Returns how many were."""
    for row in rows:
        given = request.form.get(f"same-{row.number}", "")
        row.answer = given if given in (ANOTHER, LEAVE) else ""
    take = kind.begin(rows)
    done = 0
    for row in rows:
        try:
            take(row)
        except RuleBroken as broken:
            row.errors.append(str(broken.message))
        done += not (row.errors or (row.question and row.answer != ANOTHER))
    return done


def template(kind: Kind) -> Any:
    """The workbook to fill in."""
    data = sheet.template(str(kind.title), kind.columns, kind.choices())
    return answer(data, name=f"{kind.title}.xlsx", media_type=XLSX)


_LOOKED_UP = ("roles", "department", "stations", "reach")
"""Fields whose words are looked up on lists before the form sees them."""


def say_errors(form: Any, row: Row, columns: Sequence[Column], but: Sequence[str] = ()) -> bool:
    """What a form found wrong with a row, each under its column's name. Returns whether anything was."""
    names = {column.key: column.label for column in columns}
    for name, said in form.errors.items():
        if name in but:
            continue
        label = names.get(name) or (form[name].label.text if name else "")
        row.errors += [f"{label}{_(': ')}{error}" if label else str(error) for error in said]
    return bool(form.errors)


def split(words: str) -> list[str]:
    """Several in one cell."""
    return [word for word in re.split(r"[、,，;；/\n]+|\s{2,}", words) if word.strip()]


def one_of(words: str, rows: dict[str, Any], label: Any, row: Row) -> Any:
    """The row of that name; else a sentence that names what is near."""
    found = rows.get(words.strip())
    if found is None:
        near = get_close_matches(words, list(rows), 2, 0.5)
        if near:
            said = _(
                "“%(words)s” is not on the list. Is it %(near)s?",
                words=words,
                near=_(" or ").join(f"“{n}”" for n in near),
            )
        else:
            said = _("“%(words)s” is not on the list.", words=words)
        row.errors.append(f"{label}{_(': ')}{said}")
    return found


# -- people --------------------------------------------------------------------------------------------

ROLE_WORDS = {
    Role.ADMIN: ("系统管理员", "管理员", "Administrator"),
    Role.AUDITOR: ("审计员", "审计", "Auditor"),
    Role.ORGANISER: ("组织者", "组织", "工作人员", "Organiser"),
    Role.DEPUTY: ("代表", "人大代表", "区人大代表", "Deputy"),
    Role.DEPARTMENT: ("部门", "承办单位", "应询单位", "部门人员", "Department"),
    Role.LEADER: ("领导", "Leader"),
}
_ROLE_OF = {word.lower(): role for role, words in ROLE_WORDS.items() for word in (*words, role.value)}
PREFIX = {
    Role.ADMIN: "gly", Role.AUDITOR: "sjy", Role.ORGANISER: "zz",
    Role.DEPARTMENT: "bm", Role.DEPUTY: "db", Role.LEADER: "ld",
}  # fmt: skip
"""How a login name begins that nobody has given: the initials of the role in pinyin."""
WHOLE_DISTRICT = ("全区", "全县", "全市", "全域", "whole district")

PEOPLE = (
    Column("name", _l("Name of the person"), ("姓名", "名字", "Name of the person", "Name"), required=True),
    Column(
        "roles",
        _l("Roles"),
        ("角色", "身份", "权限", "Roles", "Role"),
        _l("One or several of: Administrator, Auditor, Organiser, Deputy, Department, Leader."),
        required=True,
    ),
    Column(
        "username",
        _l("Login name"),
        ("账号", "帐号", "登录名", "用户名", "Login name", "Login"),
        _l("2 to 32 letters a–z, digits, dots or dashes. Left empty, one is made: db01, bm01 …"),
    ),
    Column("title", _l("Job title"), ("职务", "职称", "工作职务", "Job title", "Title"), _l("As it stands on papers.")),
    Column(
        "department",
        _l("Department"),
        ("部门", "单位", "所在部门", "所在单位", "工作单位", "承办单位", "Department", "Unit"),
        _l("Its full or short name, for those who act for a department."),
    ),
    Column(
        "stations",
        _l("Stations"),
        ("联络站", "代表联络站", "范围", "组织者的范围", "Stations", "Station"),
        _l("For organisers: “whole district”, or the names or codes of their stations."),
    ),
    Column(
        "email",
        _l("E-mail"),
        ("电子邮箱", "邮箱", "电子邮件", "邮件", "E-mail", "Email", "Mail"),
        _l("For invitations."),
    ),
    Column(
        "protocol_order",
        _l("Protocol order"),
        ("排名顺序", "排序", "排序号", "顺序", "Protocol order", "Order"),
        _l("The smaller, the earlier on lists of people."),
    ),
)


def joined_name(words: str) -> str:
    """A Chinese name without the blanks that line up names of two characters in a table."""
    return re.sub(r"(?<=[\u3400-\u9fff])[\s\u3000]+(?=[\u3400-\u9fff])", "", words)


def _who(user: User) -> str:
    place = user.department.short_name if user.department else user.title or ""
    return _(", ").join(w for w in (place, _("login name %(login)s", login=user.username)) if w)


def begin_people(rows: Sequence[Row]) -> Callable[[Row], None]:
    """People: offices, stations, those of the same name, and login names, each asked for once."""
    offices = list(queries.current_departments())
    office_of = {name: d for d in reversed(offices) for name in (d.short_name, d.name)}
    stations = [s for s in queries.stations() if s.is_current]
    station_of = {name: s for s in stations for name in (s.street, s.code, s.name)}
    for row in rows:
        row.cells["name"] = joined_name(row.cells["name"])
    same: dict[str, list[str]] = defaultdict(list)
    for user in queries.people_named({row.cells["name"] for row in rows}):
        same[user.name].append(_who(user))
    taken = set(db.session.scalars(select(User.username)))
    taken |= {row.cells.get("username", "").lower() for row in rows}

    def free_name(roles: Sequence[Role]) -> str:
        start = PREFIX[roles[0]] if roles else "ry"
        number = next(n for n in range(1, 100_000) if f"{start}{n:02d}" not in taken)
        taken.add(f"{start}{number:02d}")
        return f"{start}{number:02d}"

    def take(row: Row) -> None:
        cells = row.cells
        roles = []
        for word in split(cells["roles"]):
            role = _ROLE_OF.get(word.strip().lower())
            if role is None:
                every = _(", ").join(str(label) for label in ROLE_LABELS.values())
                row.errors.append(_("“%(word)s” is no role. There are: %(roles)s.", word=word, roles=every))
            elif role not in roles:
                roles.append(role)
        wanted = cells.get("department", "")
        office = one_of(wanted, office_of, _("Department"), row) if wanted else None
        reach = split(cells.get("stations", ""))
        everywhere = any(word.strip().lower() in WHOLE_DISTRICT for word in reach)
        chosen = [] if everywhere else [one_of(word, station_of, _("Stations"), row) for word in reach]
        login = cells.get("username", "") or free_name(roles)
        order = cells.get("protocol_order", "") or "1000"
        row.shown = [
            cells["name"], _(", ").join(str(ROLE_LABELS[r]) for r in roles) or cells["roles"], login.lower(),
            cells.get("title", ""), office.short_name if office else wanted,
            _("whole district") if everywhere else _(", ").join(s.name if s else "?" for s in chosen),
            cells.get("email", ""), order,
        ]  # fmt: skip
        said_already = bool(row.errors)
        filled = {
            "name": cells["name"], "username": login, "title": cells.get("title", ""), "email": cells.get("email", ""),
            "protocol_order": order, "department": str(office.id) if office else "",
            "reach": STATIONS if chosen or (not everywhere and Role.ORGANISER in roles) else DISTRICT,
        }  # fmt: skip
        fields = MultiDict(filled)
        fields.setlist("roles", [r.value for r in roles])
        fields.setlist("stations", [str(s.id) for s in chosen if s is not None])
        form = PersonForm(fields, meta={"csrf": False})
        form.offer_from(offices, stations)
        form.validate()  # what is wrong with the rest of the row is said at once as well
        if say_errors(form, row, PEOPLE, but=_LOOKED_UP if said_already else ()) or said_already:
            return
        name = str(form.name.data)
        if same[name]:
            row.question = _("There is %(name)s already: %(who)s.", name=name, who="；".join(same[name]))
        if row.question and row.answer != ANOTHER:
            return
        user = operations.create_user(
            username=login, name=name, roles=[r.value for r in roles], password=None, must_change_password=True,
            title=form.title.data, email=form.email.data, department=office, stations=chosen,
            protocol_order=form.protocol_order.data or 1000, actor=me(),
        )  # fmt: skip
        same[name].append(_who(user))

    return take


def _lists_of_people() -> Iterable[tuple[str, Iterable[str]]]:
    return (
        (str(_("Department")), [d.name for d in queries.current_departments()]),
        (str(_("Stations")), [s.name for s in queries.stations() if s.is_current]),
    )


people = Kind(
    title=_l("People from a spreadsheet"),
    lead=_l("All people at once: copy the rows in Excel or WPS with the line of heads, and paste them."),
    columns=PEOPLE,
    begin=begin_people,
    back="/people/?state=first",
    back_label=_l("People"),
    said=lambda count: _(
        "%(count)d people have been added. Now make the slips with their first passwords and hand them out.",
        count=count,
    ),
    button=lambda count: _("Add %(count)d people", count=count),
    choices=_lists_of_people,
)


# -- departments ---------------------------------------------------------------------------------------

KIND_WORDS = {
    DepartmentKind.BUREAU: ("政府部门", "部门", "局", "Bureau"),
    DepartmentKind.STREET_OFFICE: ("街道办事处", "街道", "乡镇", "Sub-district office"),
    DepartmentKind.ENTERPRISE: ("企业", "国有企业", "公司", "Enterprise"),
    DepartmentKind.OTHER: ("其他", "其他，不登录", "Other", "Other, without sign-in"),
}
_KIND_OF = {word.lower(): kind for kind, words in KIND_WORDS.items() for word in (*words, kind.value)}

DEPARTMENTS = (
    Column(
        "name",
        _l("Full name"),
        ("全称", "名称", "部门名称", "单位名称", "部门", "单位", "Full name", "Name"),
        required=True,
    ),
    Column(
        "short_name", _l("Short name"), ("简称", "部门简称", "Short name"), _l("Left empty, the full name is used.")
    ),
    Column(
        "kind",
        _l("Kind"),
        ("类型", "类别", "Kind"),
        _l("Bureau, Sub-district office, Enterprise or Other; left empty: Bureau."),
    ),
    Column("street", _l("Street"), ("街道", "所属街道", "Street"), _l("Of a street office: its short name.")),
    Column("head", _l("Head"), ("主要负责人", "负责人", "Head")),
    Column("contact", _l("Contact"), ("联系人", "联络员", "Contact")),
    Column("contact_phone", _l("Office telephone"), ("办公电话", "联系电话", "电话", "Office telephone", "Telephone")),
    Column("position", _l("Order on lists"), ("排序", "排序号", "列表顺序", "顺序", "Order on lists", "Order")),
)  # fmt: skip


def begin_departments(rows: Sequence[Row]) -> Callable[[Row], None]:
    """Departments, in the order of the sheet where it gives none."""
    last = max((d.position for d in queries.current_departments()), default=0)

    def take(row: Row) -> None:
        nonlocal last
        cells = {key: row.cells.get(key, "") for key in DEPARTMENT_FIELDS}
        cells["short_name"] = cells["short_name"] or cells["name"]
        last = min(last + 10, 9999)
        cells["position"] = cells["position"] or str(last)
        kind = _KIND_OF.get(cells["kind"].lower()) if cells["kind"] else DepartmentKind.BUREAU
        form = DepartmentForm(MultiDict(cells | {"kind": kind.value if kind else ""}), meta={"csrf": False})
        form.offer()
        row.shown = [cells[column.key] for column in DEPARTMENTS]
        row.shown[2] = str(KIND_LABELS[kind]) if kind else cells["kind"]
        if kind is None:
            row.errors.append(
                _(
                    "“%(word)s” is no kind of department. There are: %(kinds)s.",
                    word=cells["kind"],
                    kinds=_("; ").join(str(label) for label in KIND_LABELS.values()),
                )
            )
            return
        if not form.validate() and say_errors(form, row, DEPARTMENTS):
            return
        given = {name: form[name].data for name in DEPARTMENT_FIELDS}
        operations.create_department(valid_from=today(), actor=me(), **given)

    return take


departments = Kind(
    title=_l("Departments from a spreadsheet"),
    lead=_l("All departments at once: copy the rows in Excel or WPS with the line of heads, and paste them."),
    columns=DEPARTMENTS,
    begin=begin_departments,
    back="/departments/",
    back_label=_l("Departments"),
    said=lambda count: _("%(count)d departments are listed.", count=count),
    button=lambda count: _("Add %(count)d departments", count=count),
)
