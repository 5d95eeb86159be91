"""What the tests of this room share: reading answers as a person does."""

from datetime import date, timedelta
from html import unescape
from typing import Any

from bs4 import BeautifulSoup
from flask_babel import force_locale, gettext
from sqlalchemy import select

from hearings.audit import AuditEvent
from hearings.db import db, today


def words(message: str, **values: Any) -> str:
    """A sentence of ours as the Chinese page says it."""
    with force_locale("zh_Hans"):
        return gettext(message, **values)


def soup(answer: Any) -> BeautifulSoup:
    return BeautifulSoup(answer.data, "html.parser")


def form_of(answer: Any) -> dict[str, Any]:
    """Every value the page's main form would send, as a browser does without anybody touching it."""
    form = soup(answer).select_one("main form.form")
    assert form is not None
    data: dict[str, Any] = {}
    for field in form.select("input[name], textarea[name], select[name]"):
        name, kind = field["name"], field.get("type")
        if kind in ("checkbox", "radio"):
            if field.has_attr("checked"):
                data.setdefault(name, []).append(field["value"])
        elif kind == "file":
            continue
        elif field.name == "select":
            chosen = field.select_one("option[selected]") or field.select_one("option")
            data[name] = chosen["value"] if chosen else ""
        else:
            data[name] = field.get("value", "") if field.name == "input" else field.get_text().lstrip("\r\n")
    return data


def button_of(answer: Any, path: str) -> dict[str, str]:
    """What a one-button form to `path` would send."""
    form = soup(answer).select_one(f'form[action="{path}"]')
    assert form is not None, path
    return {field["name"]: field.get("value", "") for field in form.select("input[name]")}


def fill(browser: Any, path: str, **changes: Any) -> Any:
    """Open a form, change some of its fields, send it."""
    page = browser.get(path)
    assert page.status_code == 200, page.status_code
    return browser.post(path, form_of(page) | changes)


def error_at(answer: Any, field: str) -> str | None:
    """The sentence beside a field."""
    found = soup(answer).find(id=f"{field}-error")
    if found is not None and found.select_one(".visually-hidden"):
        found.select_one(".visually-hidden").decompose()
    return unescape(found.get_text(" ", strip=True)) if found else None


def value_of(answer: Any, field: str) -> str:
    """What a field shows."""
    found = soup(answer).find(id=field)
    assert found is not None
    if found.name == "select":
        chosen = found.select_one("option[selected]")
        return chosen["value"] if chosen else ""
    return found.get("value", "") if found.name == "input" else found.get_text().lstrip("\r\n")


def flashes(answer: Any) -> list[str]:
    return [f.get_text(" ", strip=True) for f in soup(answer).select(".flash-text")]


def acts(kind: str, id_: int) -> list[str]:
    """What the trail says of a row, in order."""
    return list(
        db.session.scalars(
            select(AuditEvent.action)
            .where(AuditEvent.subject_type == kind, AuditEvent.subject_id == id_)
            .order_by(AuditEvent.id)
        )
    )


def thursday(weeks: int = 2) -> date:
    """A Thursday some weeks from now."""
    start = today() + timedelta(weeks=weeks)
    return start + timedelta(days=(3 - start.weekday()) % 7)
