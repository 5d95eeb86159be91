"""Reads a page's form as a browser would send it, and says sentences in the language of the page."""

import io
from html.parser import HTMLParser
from typing import Any

from flask_babel import force_locale, gettext
from markupsafe import escape
from PIL import Image


class _Reader(HTMLParser):
    """Fields of the first `form.form` of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, Any] = {}
        self.inside = self.done = False
        self.text: str | None = None
        self.select: str | None = None

    def _add(self, name: str, value: str) -> None:
        if name in self.fields:
            old = self.fields[name]
            self.fields[name] = [*(old if isinstance(old, list) else [old]), value]
        else:
            self.fields[name] = value

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        a = dict(attrs)
        if tag == "form" and "form" in (a.get("class") or "").split() and not self.done:
            self.inside = True
        if not self.inside:
            return
        if tag == "input" and a.get("name"):
            kind = a.get("type", "text")
            if kind == "file" or (kind in ("checkbox", "radio") and "checked" not in a):
                return
            self._add(a["name"], a.get("value") or "")
        elif tag == "textarea":
            self.text = a["name"]
            self.fields[self.text] = ""
        elif tag == "select":
            self.select = a["name"]
        elif tag == "option" and self.select and "selected" in a:
            self.fields[self.select] = a.get("value") or ""

    def handle_data(self, data: str) -> None:
        if self.inside and self.text:
            self.fields[self.text] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self.text:
            self.fields[self.text] = self.fields[self.text].lstrip("\r\n")
            self.text = None
        elif tag == "select":
            self.select = None
        elif tag == "form" and self.inside:
            self.inside, self.done = False, True


def form_of(answer: Any) -> dict[str, Any]:
    """The fields of a page's form, by name."""
    reader = _Reader()
    reader.feed(answer.text)
    assert reader.done, answer.text[:500]
    return reader.fields


def said(app: Any, message: str, **values: Any) -> str:
    """A sentence as the page (in Chinese) shows it."""
    with app.test_request_context(), force_locale("zh_Hans"):
        return str(escape(gettext(message, **values)))


def photo(size: tuple[int, int] = (640, 480), *, kind: str = "JPEG", place: bool = True) -> io.BytesIO:
    """A picture, with EXIF that says where and with what it was taken."""
    picture = Image.effect_noise(size, 60).convert("RGB")
    out = io.BytesIO()
    more: dict[str, Any] = {}
    if place and kind == "JPEG":
        exif = Image.Exif()
        exif[0x010F] = "SecretPhone"
        exif[0x8825] = {1: "N", 2: (29.0, 54.0, 0.0), 3: "E", 4: (121.0, 50.0, 0.0)}
        more["exif"] = exif.tobytes()
    picture.save(out, kind, **more)
    out.seek(0)
    return out
