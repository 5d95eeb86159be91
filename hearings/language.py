"""Which language a page is in, and its words.

A page asks for hundreds of words. The library finds the context, the locale and the catalogue anew for each;
here the language is settled once a request, and a word without placeholders is one look into a dict.
"""

import re
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from flask import Flask, has_request_context, request, session
from flask_babel import Babel, Domain, LazyString, force_locale, get_locale
from flask_babel import gettext as _gettext
from flask_login import current_user
from markupsafe import Markup

CHINESE, ENGLISH = "zh_Hans", "en"

_settled: ContextVar[str | None] = ContextVar("language", default=None)
"""The language of the request under way: "zh" or "en"."""


_INNER = str.maketrans("“”", "‘’")
_QUOTED = re.compile(r"“%\((\w+)\)")


def inner(words: str) -> str:
    """What is to stand in quotation marks: marks of its own become single ones (GB/T 15834-2011, 4.8.3.3)."""
    return words.translate(_INNER)


def _within(text: str, values: dict[str, Any]) -> dict[str, Any]:
    """The values of a text, those that it quotes with `inner` marks."""
    if "“%" not in text:
        return values
    quoted = {name: values[name] for name in _QUOTED.findall(text)}
    return values | {name: inner(words if isinstance(words, str) else str(words)) for name, words in quoted.items()}


class Catalogues(Domain):
    """The library's domain, with catalogues kept by language."""

    def __init__(self) -> None:
        super().__init__()
        self.by_language: dict[str, Any] = {}
        self.plain: dict[str, dict[str, Markup]] = {}

    def get_translations(self) -> Any:
        language = _settled.get() or _language()
        known = self.by_language.get(language)
        if known is None:
            known = self.by_language[language] = super().get_translations()
        return known

    def gettext(self, string: str, **variables: Any) -> str:
        """As the library; quotation marks of what is quoted become single ones."""
        found = self.get_translations().ugettext(string)
        return found % _within(found, variables) if variables else found

    def in_template(self, message: str, **values: Any) -> Markup:
        """A template's `_()`: what is filled in is escaped, the text itself is ours."""
        found = self._look_up(message)
        return found % _within(found, values) if values or "%" in found else found

    def _look_up(self, message: str) -> Markup:
        language = _settled.get() or _language()
        words = self.plain.setdefault(language, {})
        found = words.get(message)
        if found is None:
            found = Markup(self.get_translations().ugettext(message))
            if language:
                words[message] = found
        return found

    def of(self, lazy: LazyString) -> str:
        """What `str()` of a lazy text gives. One without placeholders is looked up as a template's; its % is a %."""
        if lazy._func is _gettext and not lazy._kwargs:  # the library has no other way to ask what it says
            return self._look_up(lazy._args[0])
        return str(lazy)


def _language() -> str:
    locale = get_locale()
    return locale.language if locale is not None else ""


def settle() -> None:
    """Settle the language of this request, once it is known who asks."""
    _settled.set("en" if choose() == ENGLISH else "zh")


def forget() -> None:
    """The request is over, or the language has changed."""
    _settled.set(None)


def choose() -> str:
    """The person's language, else the session's, else the browser's; Chinese when in doubt."""
    if not has_request_context():
        return CHINESE
    if current_user and current_user.is_authenticated and current_user.locale:
        return str(current_user.locale)
    if session.get("locale") in (CHINESE, ENGLISH):
        return str(session["locale"])
    return of_browser()


def of_browser() -> str:
    """What the browser asks for. A Chinese one says `zh-CN,zh;q=0.9,en;q=0.8`; anything unknown gets Chinese."""
    best = request.accept_languages.best_match(["zh-CN", "zh-Hans", "zh-SG", "zh", "en"])
    return ENGLISH if best == "en" else CHINESE


@contextmanager
def speaking(locale: str | None) -> Iterator[None]:
    """Words for somebody else than who asked for the page: in that person's language, Chinese unless they chose."""
    token = _settled.set(None)
    try:
        with force_locale(locale or CHINESE):
            yield
    finally:
        _settled.reset(token)


def in_chinese() -> AbstractContextManager[None]:
    """Words of papers: Chinese, whatever language the page is in."""
    return speaking(CHINESE)


def is_english() -> bool:
    """Whether this page is in English."""
    return (_settled.get() or _language()) == "en"


babel = Babel()
catalogues = babel.domain_instance = Catalogues()


def init_app(app: Flask) -> None:
    """Join the library to the application, and give the templates the short way to a word."""
    babel.init_app(app, locale_selector=choose)
    app.jinja_env.globals["_"] = app.jinja_env.globals["gettext"] = catalogues.in_template
    app.teardown_request(lambda error: forget())
