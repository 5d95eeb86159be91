"""`flask fonts`: which typeface serves which part of a paper, and the free ones fetched."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from flask_babel import gettext

from . import fonts


@click.group("fonts", invoke_without_command=True)
@click.pass_context
@with_appcontext
def fonts_cli(context: click.Context) -> None:
    """Say which typeface serves which part of a paper, and what is missing."""
    if context.invoked_subcommand:
        return
    for service in fonts.services(_directory()):
        face = f"{service.face.family}  {service.face.path}" if service.face else "—"
        click.echo(f"{service.part.name:6} {service.part.label}: {face}")
        if service.warning:
            click.echo(f"       ! {service.warning}", err=True)


@fonts_cli.command("fetch")
@with_appcontext
def fetch_command() -> None:
    """Unpack the free Fandol typefaces from Debian into the fonts directory; no root, no TeX."""
    try:
        written = fonts.fetch(_directory())
    except fonts.FontsMissing as problem:
        raise click.ClickException(str(problem)) from None
    click.echo(gettext("%(n)s typefaces in %(directory)s", n=len(written), directory=str(_directory())))


def _directory() -> Path:
    return Path(current_app.config.get("FONTS_DIR") or fonts.FONTS_DIR)
