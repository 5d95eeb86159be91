"""Walks the pages of one person as a reader would: from the front page along every link."""

import json
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Comment
from flask import Flask
from werkzeug.exceptions import HTTPException

PER_ENDPOINT = 4
"""Pages of one kind that are looked at; the kinds are what matters."""
SHOWN_ATTRIBUTES = ("placeholder", "title", "alt", "aria-label", "data-label", "data-confirm", "content")


@dataclass(frozen=True)
class Page:
    """One answer."""

    path: str
    endpoint: str
    status: int
    text: str

    @property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.text, "html.parser")


def endpoint_of(app: Flask, path: str, method: str = "GET") -> str:
    """The endpoint an address leads to, or ''."""
    try:
        return str(app.url_map.bind("localhost").match(urlsplit(path).path, method=method)[0])
    except HTTPException:  # not one of ours: the caller asks for what it gets
        return ""


def crawl(app: Flask, browser: Any, start: str = "/", per_endpoint: int = PER_ENDPOINT) -> Iterator[Page]:
    """Every kind of page that links lead to, each kind a few times."""
    seen, queue, counts = {start}, deque([start]), Counter[str]()
    while queue:
        path = queue.popleft()
        endpoint = endpoint_of(app, path)
        if endpoint in ("static", "bootstrap.static", "security.logout"):
            continue
        counts[endpoint] += 1
        answer = browser.get(path)
        html = answer.mimetype == "text/html"
        page = Page(path, endpoint, answer.status_code, answer.text if html else "")
        yield page
        if answer.status_code in (301, 302, 303):
            links = [answer.headers["Location"]]
        elif html:
            links = [a["href"] for a in page.soup.find_all("a", href=True)]
        else:
            links = []
        for link in links:
            target = urljoin(path, str(link)).split("#")[0]
            if urlsplit(target).netloc not in ("", "localhost") or not target.startswith("/"):
                continue
            kind = endpoint_of(app, target)
            if target not in seen and counts[kind] + sum(endpoint_of(app, q) == kind for q in queue) < per_endpoint:
                seen.add(target)
                queue.append(target)


def visible(page: Page) -> list[str]:
    """What a reader sees or hears: text, and the attributes that are shown or read out."""
    soup = page.soup
    for hidden in soup(["script", "style"]):
        hidden.decompose()
    said = [str(node).strip() for node in soup.find_all(string=True) if not isinstance(node, Comment)]
    for tag in soup.find_all(True):
        if tag.name == "meta":
            continue
        said += [str(tag[name]) for name in SHOWN_ATTRIBUTES if tag.get(name)]
        if tag.get("data-say"):  # the sentences of app.js
            said += [str(words) for words in json.loads(str(tag["data-say"])).values()]
        if tag.name == "input" and tag.get("type") in ("submit", "button"):
            said.append(str(tag.get("value", "")))
    return [words for words in said if words and words != "html"]


LATIN = re.compile(r"[A-Za-z][A-Za-z'’-]+")
HAN = re.compile(r"[\u3400-\u9fff]+")


@dataclass
class Field:
    """One field of a form on a page."""

    name: str
    kind: str
    """text, textarea, date, time, number, select, checkbox, radio, file, hidden …"""
    value: Any
    options: tuple[str, ...] = ()


@dataclass
class FormOnPage:
    """A form as a reader finds it, with what it would send as it stands."""

    action: str
    method: str
    fields: list[Field]

    @property
    def data(self) -> dict[str, Any]:
        """What an untouched form sends (without files)."""
        sent: dict[str, Any] = {}
        for field in self.fields:
            if field.kind == "file" or field.value is None:
                continue
            if field.name in sent:
                old = sent[field.name]
                sent[field.name] = [*(old if isinstance(old, list) else [old]), field.value]
            else:
                sent[field.name] = field.value
        return sent


def forms_of(page: Page, parts: bool = False) -> list[FormOnPage]:
    """The forms of a page, each with its fields; with `parts` also each part of a form that has its own button."""
    found = []
    for tag in page.soup.find_all("form"):
        action = urljoin(page.path, tag.get("action") or page.path)
        found.append(FormOnPage(action, tag.get("method", "get").upper(), _fields_in(tag)))
        for button in tag.find_all("button", formaction=True) if parts else ():
            part = button.find_parent(attrs={"data-autosave": True})
            if part is not None and button.has_attr("data-part-send"):
                hidden = [field for field in _fields_in(tag) if field.kind == "hidden"]
                pressed = Field(button["name"], "hidden", button["value"])
                action = urljoin(page.path, button["formaction"])
                found.append(FormOnPage(action, "POST", [*hidden, pressed, *_fields_in(part)]))
    return found


def _fields_in(tag: Any) -> list[Field]:
    fields = []
    for control in tag.find_all(["input", "textarea", "select"]):
        name = control.get("name")
        if not name or control.has_attr("disabled"):
            continue
        if control.name == "textarea":
            fields.append(Field(name, "textarea", control.text.removeprefix("\n")))
        elif control.name == "select":
            options = tuple(o.get("value", o.text) for o in control.find_all("option"))
            chosen = [o.get("value", o.text) for o in control.find_all("option", selected=True)]
            fields.append(Field(name, "select", chosen[0] if chosen else (options or ("",))[0], options))
        else:
            kind = control.get("type", "text")
            if kind in ("submit", "button", "reset", "image"):
                continue
            value = control.get("value", "on" if kind in ("checkbox", "radio") else "")
            ticked = kind not in ("checkbox", "radio") or control.has_attr("checked")
            fields.append(Field(name, kind, value if ticked else None, (value,)))
    return fields
