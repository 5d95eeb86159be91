"""`flask demo`."""

import click
from flask.cli import with_appcontext


@click.command("demo")
@with_appcontext
def demo_cli() -> None:
    """Load the demo data."""
