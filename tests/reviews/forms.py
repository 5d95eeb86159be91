"""Reading a page's forms as a browser would fill them in."""

from html.parser import HTMLParser
from typing import Any


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, list[str]], dict[str, list[str]]]] = []
        self.action = ""
        self.open: dict[str, list[str]] | None = None
        self.area: str | None = None
        self.select: str | None = None
        self.first: str | None = None

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        a = {k: v or "" for k, v in attrs}
        names = {k for k, _v in attrs}
        if tag == "form":
            self.open = {}
            self.action = a.get("action", "")
            self.found.append((self.action, self.open, {}))
        elif self.open is None:
            return
        elif tag == "button" and (a.get("formaction") or a.get("name") == "form_id"):
            pressed = {a["name"]: [a["value"]]} if a.get("name") else {}
            self.found.append((a.get("formaction", self.action), self.open, pressed))
        elif tag == "input" and a.get("name") and a.get("type") not in ("submit", "file"):
            if a.get("type") in ("checkbox", "radio") and "checked" not in names:
                return
            self.open.setdefault(a["name"], []).append(a.get("value", "on"))
        elif tag == "textarea":
            self.area = a["name"]
            self.open[self.area] = [""]
        elif tag == "select":
            self.select, self.first = a.get("name"), None
        elif tag == "option" and self.select:
            if self.first is None:
                self.first = a.get("value", "")
                self.open[self.select] = [self.first]
            if "selected" in names:
                self.open[self.select] = [a.get("value", "")]

    def handle_data(self, data: str) -> None:
        if self.area and self.open is not None:
            self.open[self.area][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self.open = None
        elif tag == "textarea" and self.area and self.open is not None:
            self.open[self.area][0] = self.open[self.area][0].lstrip("\r\n")
            self.area = None
        elif tag == "select":
            self.select = None


def filled(answer: Any, action: str = "") -> dict[str, Any]:
    """The fields of the page's POST form with that action, or with a button that sends it there, as they stand."""
    reader = _Forms()
    reader.feed(answer.text)
    exact = [line for line in reader.found if line[0] == action]
    for _where, fields, pressed in exact or [line for line in reader.found if line[0].partition("?")[0] == action]:
        sent = fields | pressed
        if "form_id" in sent:
            return {name: values if len(values) > 1 else values[0] for name, values in sent.items()}
    raise AssertionError(f"no form for {action!r}; there are {[w for w, *_rest in reader.found]}")
