"""Every torture × every form that has such a field, as the pages show them to the people who have them.

A refusal is a sentence beside the field, and what was typed stays in it; nothing answers with a 500.
"""

import re
from typing import Any

import pytest

from tests.conftest import Browser
from tests.crawl import Field, FormOnPage, Page, crawl, endpoint_of, forms_of

REFUSED = {
    "NUL": "路灯\x00不亮",
    "escape": "路灯\x1b[31m不亮",
    "right-to-left": "路灯\u202e不亮",
    "too long": "长" * 20001,
}
REFUSED_IN_A_LINE = {"line break": "路灯\r\n不亮"}
HALF = "路灯\ud83d不亮"
"""A broken client's half of a character: no decoder makes it whole; whatever is kept must not break anything."""
TAKEN = "🏮<script>alert(1)</script>{{7*7}}'\"&;--碶‘’"
BAD_DAYS = ("1990-01-01", "2190-01-01", "2021-02-30", "昨天", "0000-00-00", "99999-01-01")
BAD_NUMBERS = ("-1", "1e9", "99999999999999999999", "十八", "NaN", "\x00")
BAD_CHOICES = ("999999", "-1", "drop", "\x00", "1' or '1'='1")
SKIPPED_ENDPOINTS = {"web.choose_language", "security.logout", "security.login", "web.take_back", "reviews.keep_typed"}
TEXT = ("text", "textarea", "search", "email", "tel")


def encode(data: dict[str, Any]) -> bytes:
    """urlencoded, half characters as the bytes that a broken client sends."""
    from urllib.parse import quote_plus

    def quoted(value: Any) -> str:
        return quote_plus(str(value).encode("utf-8", "surrogatepass"))

    pairs = [(k, v) for k, values in data.items() for v in (values if isinstance(values, list) else [values])]
    return "&".join(f"{quoted(k)}={quoted(v)}" for k, v in pairs).encode()


def send(browser: Browser, form: FormOnPage, changes: dict[str, Any]) -> Any:
    data = form.data | changes
    data.pop("form_id", None)  # a form sent twice goes to its first result, and here each sending is its own
    body = encode(data)
    return browser.open(
        form.action, method="POST", data=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )


def shown(answer: Any, field: Field, path: str) -> str | None:
    """What the field holds in the page that came back."""
    for form in forms_of(Page(path, "", answer.status_code, answer.text)):
        for other in form.fields:
            if other.name == field.name and other.kind == field.kind:
                return str(other.value)
    return None


def plain(words: str) -> str:
    return re.sub("[\x00-\x1f\ud800-\udfff\ufffd]", "", words.replace("\r\n", "\n")).strip()


def unique_forms(app: Any, browser: Browser) -> list[FormOnPage]:
    found: dict[Any, FormOnPage] = {}
    for page in crawl(app, browser, per_endpoint=3):
        assert page.status < 500, page.path
        if not page.text:
            continue
        for form in forms_of(page, parts=True):
            endpoint = endpoint_of(app, form.action, "POST")
            if form.method != "POST" or not endpoint or endpoint in SKIPPED_ENDPOINTS:
                continue
            key = (endpoint, tuple(sorted({f.name for f in form.fields})))
            found.setdefault(key, form)
    return list(found.values())


@pytest.mark.parametrize("role", ["organiser", "deputy", "department", "admin"])
def test_bad_input_gets_a_sentence_and_loses_nothing(office: Any, role: str) -> None:
    app, users = office
    browser = Browser(app, users[role])
    forms = unique_forms(app, browser)
    assert len(forms) > {"organiser": 15, "admin": 8}.get(role, 3), [f.action for f in forms]
    wrong: list[str] = []
    tried = 0

    def expect(form: FormOnPage, field: Field, name: str, value: str, *, kept: bool = True) -> None:
        nonlocal tried
        tried += 1
        answer = send(browser, form, {field.name: value})
        where = f"{form.action} {field.name} {name}: {answer.status_code}"
        if answer.status_code not in (422, 409, 404, 403):
            wrong.append(where)
        elif answer.status_code == 422 and kept:
            held = shown(answer, field, form.action)
            if held is None or plain(held) != plain(value):
                wrong.append(f"{where} lost what was typed: {str(held)[:40]!r}")
            if "field-error" not in answer.text and "error-summary" not in answer.text:
                wrong.append(f"{where} without a sentence")

    for form in forms:
        for field in form.fields:
            if field.name in ("csrf_token", "form_id", "page_id", "base", "next", "client_id"):
                continue
            if field.kind in TEXT:
                for name, value in REFUSED.items():
                    expect(form, field, name, value)
                if field.kind != "textarea":
                    for name, value in REFUSED_IN_A_LINE.items():
                        expect(form, field, name, value, kept=False)
            elif field.kind in ("date", "datetime-local"):
                for value in BAD_DAYS:
                    expect(form, field, "day", value, kept=False)
            elif field.kind == "number":
                for value in BAD_NUMBERS:
                    expect(form, field, "number", value, kept=False)
            elif field.kind in ("select", "radio"):
                for value in BAD_CHOICES:
                    expect(form, field, "choice", value, kept=False)
    for form in forms:
        for odd in (HALF, TAKEN):
            texts = {f.name: odd for f in form.fields if f.kind in TEXT}
            if not texts:
                continue
            tried += 1
            answer = send(browser, form, texts)
            if answer.status_code >= 500:
                wrong.append(f"{form.action} {odd!a}: {answer.status_code}")
            elif answer.mimetype == "text/html" and "<script>alert(1)" in answer.text:
                wrong.append(f"{form.action}: a script came through")
    assert wrong == [], "\n".join(wrong[:60])
    assert tried > 50


@pytest.mark.parametrize("role", ["organiser", "deputy", "department", "admin", "leader", "auditor"])
def test_odd_addresses_never_break(office: Any, role: str) -> None:
    app, users = office
    browser = Browser(app, users[role])
    wrong = []
    tails = ["?q=%00", "?page=-1", "?year=99999999999", "?before=x&after=y&status=drop&light=9", "?as_of=1990-13-45",
             "?hearing=99999999999999999999&department=%F0%9F%8F%AE&q=%22%20OR%20*", "?month=2026-99", "?month=9999-12",
             "?issue=abc", "?version=0"]  # fmt: skip
    kinds = {page.endpoint: page.path for page in crawl(app, browser, per_endpoint=1)}
    for path in kinds.values():
        for tail in tails:
            answer = browser.get(path.split("?")[0] + tail)
            if answer.status_code >= 500:
                wrong.append(f"{path}{tail}: {answer.status_code}")
    for path in (
        "/hearings/0",
        "/hearings/99999999999999999999",
        "/issues/-1",
        "/issues/x",
        "//evil",
    ):
        if browser.get(path).status_code not in (404, 308, 301, 400, 403):
            wrong.append(path)
    assert wrong == []
