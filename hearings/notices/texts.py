"""What messages say: `templates/notices/texts/<language>/<kind>.txt`, a template for every kind in both languages.

The first line is the subject, what follows the text. Whoever carries a message (mail, digest, robot) adds the
address where the matter stands, so no template has one, save those for guests, who have no sign-in.
"""

import re
from typing import Any, NamedTuple

from flask import current_app
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from config import ROOT

from .. import filters
from ..language import is_english, speaking

FOLDER = ROOT / "templates" / "notices" / "texts"
MOST_SUBJECT = 300


class Text(NamedTuple):
    """What one message says."""

    subject: str
    body: str


def short(value: object, most: int = 60) -> str:
    """On one line, and no longer than a subject bears."""
    words = " ".join(str(value).split())
    return words if len(words) <= most else words[: most - 1].rstrip() + "…"


def _ended(value: object) -> str:
    """What somebody typed, as a sentence of ours: with a full stop."""
    words = str(value or "").strip()
    if not words or words[-1] in "。！？.!?…":
        return words
    return words + ("." if words[-1].isascii() and is_english() else "。")


_environment = Environment(
    loader=FileSystemLoader(FOLDER), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, autoescape=False
)
"""Plain text: nothing is escaped. A mail's HTML part is made from the finished text."""
_environment.filters.update(filters.ALL | {"short": short, "ended": _ended})


def compose(kind: str, locale: str | None, **facts: Any) -> Text:
    """A message of this kind in this language (None: Chinese). `facts` are what its template asks for.

    Raises `jinja2.TemplateNotFound` for a kind without a template and `jinja2.UndefinedError` for a missing fact.
    """
    with speaking(locale):
        template = _environment.get_template(f"{'en' if is_english() else 'zh'}/{kind}.txt")
        said = template.render(classes=current_app.config["RESULT_CLASSES"], **facts)
    subject, _sep, body = said.strip().partition("\n")
    return Text(subject[:MOST_SUBJECT], re.sub(r"\n{3,}", "\n\n", body.strip()))
