"""What the office's clock does without anybody."""

import click
from flask.cli import with_appcontext

from ..db import db
from ..people.operations import settle_offices
from ..web import old_forms
from . import operations

AT_ONCE = 500


@click.command("daily")
@with_appcontext
def daily_cli() -> None:
    """Write down what silence has accepted by today (视为签收), move the people of offices whose new name has begun,

    and forget old form ids. Safe to repeat.
    """
    moved = settle_offices()
    db.session.commit()
    settled = 0
    while True:
        some = operations.settle_silence(limit=AT_ONCE)
        db.session.commit()
        settled += some
        if some < AT_ONCE:
            break
    forms = old_forms()
    db.session.commit()
    click.echo(f"{settled} assignments accepted by silence, {moved} people moved, {forms} old forms forgotten")
