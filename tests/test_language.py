"""Not one untranslated string: every page as every role, in both languages, errors and empty states too."""

import re
from pathlib import Path
from typing import Any

import pytest
from babel.messages import pofile

from tests.conftest import Browser
from tests.crawl import HAN, LATIN, crawl, visible

ROLES = "admin auditor organiser street deputy department leader".split()
ALLOWED = {
    # the one word of the other language, names of formats and of things that have no Chinese name
    "Outlook", "Web", "http", "iPhone", "Mac", "Android", "Thunderbird", "GNOME", "Google", "ICSx", "HEARINGS", "BASE", "ZIP",
    "English", "PDF", "Word", "Excel", "WPS", "XLSX", "CSV", "ICS", "ics", "MB", "KB", "YX", "HTTP", "GB", "IP", "SHA", "sha", "id", "URL",
    "PostgreSQL", "SQLite",
    "BL", "XQ", "XG", "DQ", "XP", "CQ", "QJ", "CX", "MS", "BF", "GJ",  # codes of stations
    "issued", "present", "valid",  # values of a setting, as they are written
}  # fmt: skip
DATA = re.compile(
    r"\b[A-Z]{1,4}-?\d[\w-]*\b|\bdaibiao\d+\b|\b[LH]\d+-\d+\b|HEARINGS_\w+|[\w.-]+@[\w.-]+|\S+\.(?:png|jpe?g|pdf|docx|xlsx|webp|txt)\b"
    r"|\b(?:[A-Z2-7]{5}-){3}[A-Z2-7]{5}\b"  # what is printed on minutes to check them by
    r"|flask --app wsgi \w+|(?:db|bm)01"  # a command; sign-in names as they are made
    r"|https?://\S+|\b[0-9a-f]{8,}\b|\{\w+\}|[a-z_]+\.[a-z_.]+"
)


RECORD = re.compile(r"[（）　]|北仑区人大代表民生夜询会回头看|贵单位.+?完成日期。")
"""Words of the record, which is kept in Chinese: a proposed title, the beginning of what goes to an office."""


def untranslated(said: list[str], logins: set[str]) -> list[str]:
    found = []
    for words in said:
        for word in LATIN.findall(DATA.sub(" ", words)):
            if word not in ALLOWED and word.lower() not in logins and len(word) > 1:
                found.append(f"{word!r} in {words[:60]!r}")
    return found


@pytest.mark.parametrize("role", ROLES)
def test_no_english_in_the_chinese_pages(office: Any, role: str) -> None:
    app, users = office
    logins = set(users) | {"say"}
    wrong: dict[str, list[str]] = {}
    kinds = set()
    browser = Browser(app, users[role])
    for page in crawl(app, browser, per_endpoint=2):
        kinds.add(page.endpoint)
        assert page.status < 400, (page.path, page.status)
        if bad := untranslated(visible(page), logins) if page.text and page.status < 300 else []:
            wrong[page.path] = bad[:6]
    for path in ("/nowhere", "/hearings/999999", "/audit/", "/people/"):
        answer = browser.get(path)
        from tests.crawl import Page

        if bad := untranslated(visible(Page(path, "", answer.status_code, answer.text)), logins):
            wrong[f"{path} {answer.status_code}"] = bad[:6]
    assert wrong == {}
    assert len(kinds) > 4, kinds


@pytest.mark.parametrize("role", ROLES)
def test_no_chinese_in_the_english_pages(latin_office: Any, role: str) -> None:
    app, users = latin_office
    browser = Browser(app, users[role])
    with browser.client.session_transaction() as session:
        session["locale"] = "en"
    wrong: dict[str, list[str]] = {}
    for page in crawl(app, browser, per_endpoint=2):
        assert page.status < 400, (page.path, page.status)
        if page.endpoint in ("people.settings",) or not page.text:  # the law is quoted in Chinese
            continue
        bad = [w for w in visible(page) if HAN.search(RECORD.sub("", w)) and w not in ("简体中文",)]
        if bad:
            wrong[page.path] = bad[:6]
    assert wrong == {}


def test_every_message_has_its_chinese() -> None:
    path = Path(__file__).parent.parent / "hearings/locale/zh_Hans/LC_MESSAGES/messages.po"
    with path.open("rb") as catalogue:
        messages = pofile.read_po(catalogue, locale="zh_Hans")
    missing = [m.id for m in messages if m.id and not (m.string[0] if isinstance(m.string, tuple) else m.string)]
    assert missing == []


def test_every_word_of_the_code_stands_in_the_catalogue() -> None:
    from babel.messages.extract import extract_from_dir

    root = Path(__file__).parent.parent
    path = root / "hearings/locale/zh_Hans/LC_MESSAGES/messages.po"
    with path.open("rb") as catalogue:
        known = {m.id if isinstance(m.id, str) else m.id[0] for m in pofile.read_po(catalogue, locale="zh_Hans")}
    keywords = {"_": None, "gettext": None, "ngettext": (1, 2), "_l": None, "lazy_gettext": None}
    missing = []
    for folder, methods in ((root / "hearings", [("**.py", "python")]), (root / "templates", [("**.html", "jinja2")])):
        for name, line, message, *_ in extract_from_dir(folder, method_map=methods, keywords=keywords):
            text = message if isinstance(message, str) else message[0]
            if text not in known:
                missing.append(f"{folder.name}/{name}:{line} {text!r}")
    assert missing == []
