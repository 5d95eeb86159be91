"""Which language a page is in, and its words."""

from typing import Any

from flask import has_request_context, request, session
from flask_babel import Babel, Domain, get_locale
from flask_login import current_user

CHINESE, ENGLISH = "zh_Hans", "en"


class Catalogues(Domain):
    """The library's domain, with catalogues found by language instead of by the locale's spelled-out name.

    A page asks for some two hundred words; spelling the name each time cost more than looking the word up.
    """

    def __init__(self) -> None:
        super().__init__()
        self.by_language: dict[str, Any] = {}

    def get_translations(self) -> Any:
        locale = get_locale()
        language = locale.language if locale is not None else ""
        known = self.by_language.get(language)
        if known is None:
            known = self.by_language[language] = super().get_translations()
        return known


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


def is_english() -> bool:
    """Whether this page is in English."""
    locale = get_locale()
    return locale is not None and locale.language == "en"


babel = Babel()
babel.domain_instance = Catalogues()
