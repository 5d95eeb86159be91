"""A person at a browser, who reads pages, fills in the forms found there, and goes where they lead.

Nothing here knows an address or a value that the pages do not offer: a form is found by the words on its button,
a choice by the words beside it, a link by its text.
"""

import re
from typing import Any
from urllib.parse import urldefrag, urlencode, urljoin

from bs4 import BeautifulSoup, Tag
from flask import Flask

from tests.conftest import Browser
from tests.crawl import FormOnPage, Page, forms_of


def words_of(tag: Tag) -> str:
    """The text of a piece of a page on one line."""
    return re.sub(r"\s+", " ", tag.get_text(" ")).strip()


class Person:
    """Signs in by name and password like everybody else.

    Each step gives the person back, so that steps can be told in one breath:
    `organiser.opens("/topics/new").sends("保存", title="…").reads("议题已收入。")`
    """

    def __init__(self, app: Flask, login: str, password: str):
        self.browser = Browser(app)
        self.path = "/"
        self.answer: Any = None
        self.opens("/login").sends("登录", username=login, password=password)

    # -- reading ---------------------------------------------------------------------------------------------

    @property
    def soup(self) -> BeautifulSoup:
        return BeautifulSoup(self.answer.text, "html.parser")

    @property
    def text(self) -> str:
        """What stands on the page, the frame around it left out."""
        soup = self.soup
        for unseen in soup.select("[hidden], script, style"):
            unseen.decompose()
        return words_of(soup.find("main") or soup)

    def reads(self, *words: str) -> "Person":
        """All of these words stand on the page."""
        for one in words:
            assert one in self.text, f"“{one}” is not on {self.path}:\n{self.text}"
        return self

    def does_not_read(self, *words: str) -> "Person":
        """None of these words stands on the page."""
        for one in words:
            assert one not in self.text, f"“{one}” is on {self.path}:\n{self.text}"
        return self

    def has_no_button(self) -> "Person":
        """The page offers nothing to send, only to look for something."""
        main = self.soup.find("main")
        assert isinstance(main, Tag)
        offered = [words_of(form) for form in main.find_all("form") if form.get("method", "get").lower() == "post"]
        assert offered == [], f"on {self.path}"
        return self

    # -- going -----------------------------------------------------------------------------------------------

    def opens(self, path: str) -> "Person":
        """Go to an address, and on to where it leads."""
        self.path = urldefrag(urljoin(self.path, path)).url
        self.answer = self.browser.get(self.path)
        if self.answer.status_code in (301, 302, 303):
            return self.opens(self.answer.headers["Location"])
        assert self.answer.status_code == 200, f"{self.answer.status_code} at {self.path}: {self.text[:800]}"
        return self

    def is_refused(self, path: str, code: int) -> "Person":
        """An address that this person does not get to."""
        self.path = path
        self.answer = self.browser.get(path)
        assert self.answer.status_code == code, path
        return self

    def follows(self, words: str) -> "Person":
        """Click the first link of the page proper that says this."""
        links = [(words_of(a), str(a["href"])) for a in self.soup.select("main a[href]")]
        for said, target in links:
            if words in said:
                return self.opens(target)
        raise AssertionError(f"no link “{words}” on {self.path}, only {links}")

    def downloads(self, path: str) -> Any:
        """A file; the page stays open."""
        answer = self.browser.get(urljoin(self.path, path))
        assert answer.status_code == 200, path
        return answer

    # -- sending ---------------------------------------------------------------------------------------------

    def sends(self, button: str, at: str = "", *, row: str = "", code: int = 303, **fields: Any) -> "Person":
        """Fill in the form with this button and send it.

        Several forms with the same button are told apart by their address (`at`) or by the words of their `row`.
        Choices are named by their words. With `code` 422 the form is to come back with what is wrong.
        """
        form, tag, pressed = self._form(button, at, row)
        data = form.data | {name: self._chosen(tag, name, value) for name, value in fields.items()}
        if pressed.get("name"):
            data[str(pressed["name"])] = pressed.get("value", "")
        self.path = urljoin(form.action, str(pressed.get("formaction") or ""))
        if form.method == "GET":
            return self.opens(f"{urldefrag(self.path).url}?{urlencode(data, doseq=True)}")
        self.answer = self.browser.post(self.path, data)
        found = 303 if self.answer.status_code == 302 else self.answer.status_code
        assert found == code, f"{found} for “{button}” at {self.path}: {self.text}"
        return self.opens(self.answer.headers["Location"]) if found == 303 else self

    def _form(self, button: str, at: str, row: str) -> tuple[FormOnPage, Tag, Tag]:
        page = Page(self.path, "", 200, self.answer.text)
        seen = []
        for form, tag in zip(forms_of(page), page.soup.find_all("form"), strict=True):
            around = tag.find_parent(["li", "tr"])
            for pressed in tag.find_all("button"):
                to = urljoin(form.action, str(pressed.get("formaction") or ""))
                beside = around or pressed.find_parent(["li", "tr"]) or tag
                if words_of(pressed) == button and at in to and row in words_of(beside):
                    return form, tag, pressed
                seen.append((words_of(pressed), to))
        raise AssertionError(f"no button “{button}” {at} {row} on {self.path}, only {seen}")

    def _chosen(self, form: Tag, name: str, value: Any) -> Any:
        """The value behind the words of a choice; anything else as it is."""
        if isinstance(value, list):
            return [self._chosen(form, name, one) for one in value]
        controls = form.find_all(["input", "select", "textarea"], attrs={"name": name})
        assert controls, f"no field {name} in {form.get('action')}"
        if not isinstance(value, str):
            return value
        offered = {words_of(option): option["value"] for c in controls for option in c.find_all("option")}
        for control in controls:
            if control.get("type") in ("checkbox", "radio"):
                label = control.find_parent("label") or form.find("label", attrs={"for": str(control.get("id"))})
                offered[words_of(label)] = control["value"] if control.has_attr("value") else "on"
        if not offered or value == "":
            return value
        fits = [kept for said, kept in offered.items() if value in said]
        assert fits, f"“{value}” is not offered as {name}, only {list(offered)}"
        return fits[0]
