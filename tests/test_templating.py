"""What our way of laying out pages shares with the library's: every value comes out the same."""

import jinja2
import pytest
from flask import Flask
from flask_babel import lazy_gettext as _l
from markupsafe import Markup, escape

from hearings.templating import Environment, put


class _Html:
    def __html__(self) -> str:
        return "<i>"


@pytest.mark.parametrize(
    "value", ["<b>'\"&", "海", Markup("<b>"), 7, 1.5, None, True, _Html(), _l("Hearings"), ["<"], _l("%(a)s<", a="<")]
)
def test_a_value_is_put_as_the_library_escapes_it(app: Flask, value: object) -> None:
    with app.test_request_context():
        assert str(put(value)) == str(escape(value))


def test_a_template_gives_what_the_library_gives(app: Flask) -> None:
    source = (
        "{% macro m(x) %}<p>{{ x }}</p>{% endmacro %}{% set s %}{{ row.a }}{% endset %}"
        "{{ row.a }}|{{ row.items | length }}|{{ row.get('b') }}|{{ m(row.a) }}|{{ s }}|{{ row.a ~ '<' }}|{{ list.n }}"
    )
    values = {"row": {"a": "<a>", "b": "&", "items": [1, 2, 3]}, "list": type("T", (), {"n": "'"})()}
    theirs = jinja2.Environment(autoescape=True)
    theirs.filters["length"] = ours_length = lambda it: len(it() if callable(it) else it)
    ours = Environment(app, autoescape=True)
    ours.filters["length"] = ours_length
    assert ours.from_string(source).render(values) == theirs.from_string(source).render(values)


def test_what_a_dict_has_not_is_still_an_error(app: Flask) -> None:
    made = Environment(app, undefined=jinja2.StrictUndefined)
    with pytest.raises(jinja2.UndefinedError):
        made.from_string("{{ row.nothing }}").render(row={})
