"""`flask demo`: the example hearing and a real office's years around it."""

import os
import secrets
import time
from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext
from sqlalchemy import func, select

from ..db import db, today
from ..people.models import User
from ..schedule.models import Hearing


@click.command("demo")
@with_appcontext
def demo_cli() -> None:
    """Load the demo data: once; a database that holds anything else is refused."""
    people = db.session.scalar(select(func.count()).select_from(User)) or 0
    demo = db.session.scalar(select(func.count()).select_from(User).where(User.fs_uniquifier.like("demo-%"))) or 0
    hearings = db.session.scalar(select(func.count()).select_from(Hearing)) or 0
    db.session.rollback()
    if demo:
        click.echo("The demo is loaded already. 演示数据已载入。")
        return
    if people or hearings:
        raise click.ClickException("This database holds real data; the demo is not loaded into it. 库中已有数据。")
    from .loader import Loader  # only here: the stock of texts should not rest in every worker

    start = time.monotonic()
    Loader(today(), demo_password()).load()
    click.echo(f"Demo loaded in {time.monotonic() - start:.1f} s. 演示数据已载入。")


def demo_password() -> str:
    """The password of the demo's people: the setting, else a random one kept under instance/ (mode 0600)."""
    place = Path(current_app.instance_path) / "demo-password"
    chosen = current_app.config["DEMO_PASSWORD"]
    if not chosen and place.exists():
        return place.read_text().strip()
    chosen = chosen or secrets.token_urlsafe(9)
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as out:
        out.write(f"{chosen}\n")
    return chosen
