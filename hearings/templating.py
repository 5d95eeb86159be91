"""How templates are laid out: the library's way, with less to do for each of the thousands of words of a page.

Two things differ from Jinja's own and neither is seen by who writes a template: what is put out is escaped without
being wrapped (it is joined at once), and a dict's item is looked up before an attribute that dicts have not.
"""

import functools
from typing import Any

import flask.templating
from flask import Flask
from flask_babel import LazyString
from flask_babel import lazy_gettext as _l
from jinja2.compiler import CodeGenerator
from jinja2.nodes import Expr
from jinja2.utils import htmlsafe_json_dumps
from markupsafe import Markup, escape

from .language import catalogues, is_english

try:
    from markupsafe._speedups import _escape_inner as _escaped
except ImportError:  # without its compiled part the library is slower, and as right
    _escaped = escape

_METHODS = frozenset(dir(dict))


def put(value: Any) -> str:
    """A value as it stands on the page; what `markupsafe.escape` gives, but for the type."""
    kind = type(value)
    if kind is Markup:
        return value
    if kind is str:
        return _escaped(value)
    if kind is int:
        return str(value)
    if kind is LazyString:
        return catalogues.of(value)
    return escape(value)


class _Generator(CodeGenerator):
    """Writes `environment.put(…)` where the library writes `escape(…)`."""

    def _output_child_pre(self, node: Expr, frame: Any, finalize: Any) -> None:
        if frame.eval_ctx.autoescape and not frame.eval_ctx.volatile and finalize.src is None:
            self.write("environment.put(")
        else:
            super()._output_child_pre(node, frame, finalize)


class Environment(flask.templating.Environment):
    """The environment of all pages."""

    code_generator_class = _Generator
    put = staticmethod(put)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """As the library: an attribute, else an item; in a dict at once an item, unless its name is a method's."""
        if type(obj) is dict and attribute in obj and attribute not in _METHODS:
            return obj[attribute]
        return super().getattr(obj, attribute)


SAY = {
    "saving": _l("saving …"),
    "saved": _l("saved %(time)s", time="{time}"),
    "kept": _l("Kept at {time}, not sent yet."),
    "notsaved": _l("Not saved. Your words stay on this page; trying again."),
    "refused": _l("Not saved yet: see the marked fields."),
    "both": _l("See both and choose"),
    "signin": _l("You have been signed out. Sign in in another tab, then go on here."),
    "unsaved": _l("What you typed on this page has not been saved."),
    "left": _l("%(count)s more characters possible", count="{count}"),
    "over": _l("%(count)s characters too many", count="{count}"),
    "vague": _l("%(words)s: that is no date. Say by when it will be done.", words="{words}"),
    "narrow": _l("Narrow this list"),
    "all": _l("Choose all shown"),
    "none": _l("Choose none"),
    "chosen": _l("%(count)s chosen", count="{count}"),
    "sending": _l("Sending …"),
    "slow": _l("Still sending; the reception is weak. What you typed is kept on this device."),
    "notsent": _l("Not sent: no connection. Everything is kept on this device and goes by itself once there is one."),
    "keptonly": _l("Kept on this device, not sent. Press the button when you are done."),
    "nottaken": _l(
        "The server did not take it (%(status)s). What you typed is kept on this device.", status="{status}"
    ),
    "toolarge": _l("Too much for one sending. Choose fewer or smaller photos; your words are kept on this device."),
    "offline": _l("No connection. What you typed is kept on this device; press the button again later."),
    "restored": _l("Kept on this device since %(time)s and not sent yet. Go on, or discard it.", time="{time}"),
    "restoredsent": _l(
        "Sent at %(time)s without an answer: first look whether it stands on this page already.", time="{time}"
    ),
    "photosagain": _l("The photos could not be kept; please choose them again."),
    "discard": _l("Discard"),
    "discarded": _l("Discarded."),
    "undo": _l("Undo"),
    "keepnot": _l("This browser keeps nothing on the device. Do not leave this page before it has been sent."),
    "here": _l("On this device since %(time)s, not sent yet:", time="{time}"),
    "leavekept": _l("Words that have not been sent are kept on this device. Signing out discards them. Sign out?"),
}
"""What the scripts say; every page carries it."""


def init_app(app: Flask, stylesheet: Any) -> None:
    """Give the templates what is the same on every page. `stylesheet` makes the library's link, once."""

    @functools.cache
    def say(english: bool) -> Markup:
        return htmlsafe_json_dumps({key: str(words) for key, words in SAY.items()}, dumps=app.json.dumps)

    app.jinja_env.globals.update(
        static_path=app.static_url_path, stylesheet=functools.cache(stylesheet), say=lambda: say(is_english())
    )
