"""Commands. May import every room."""

import os
import sys
from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from flask_migrate import upgrade
from sqlalchemy import func, select

from . import audit, search
from .db import db
from .demo.commands import demo_cli
from .documents.commands import fonts_cli
from .errors import RuleBroken
from .issues.commands import daily_cli
from .notices.commands import mail_cli, worker_cli
from .papers import archive, parcel
from .people import operations as people
from .people.models import User
from .permissions import Role
from .schedule.models import Hearing

user_cli = AppGroup("user", help="People who sign in.")


@user_cli.command("add")
@click.argument("username")
@click.argument("name")
@click.option("--role", "roles", multiple=True, type=click.Choice([r.value for r in Role]), required=True)
@click.option("--password", help="Asked for when left out.")
def user_add(username: str, name: str, roles: tuple[str, ...], password: str | None) -> None:
    """Make a person who can sign in."""
    password = password or click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        people.create_user(username=username, name=name, roles=roles, password=password, actor=None)
    except RuleBroken as broken:
        raise click.ClickException(str(broken.message)) from None
    db.session.commit()
    click.echo(f"{username}: {', '.join(roles)}")


@click.command("first-start")
@with_appcontext
def first_start() -> None:
    """Migrate; load the demo into an empty database (DEMO=0: ask for the first administrator); say where to go."""
    upgrade()
    demo = str(os.environ.get("DEMO", current_app.config["DEMO"])) != "0"
    empty = not db.session.scalar(select(func.count()).select_from(User))
    db.session.rollback()
    if empty and demo:
        click.echo("Loading the demo … 正在载入演示数据 …")
        current_app.cli.commands["demo"].main(args=[], standalone_mode=False)
    elif empty:
        _first_admin()
    port = current_app.config["PORT"]
    click.echo(f"\n人大代表民生夜询会  http://127.0.0.1:{port}")
    place = Path(current_app.instance_path) / "demo-password"
    if place.exists() and db.session.scalar(select(func.count()).where(User.fs_uniquifier.like("demo-%"))):
        logins = "admin auditor organiser street deputy department leader"
        click.echo(f"演示账号 sign-ins: {logins}\n演示口令 password: {place.read_text().strip()}\n")


def _first_admin() -> None:
    if not sys.stdin.isatty():
        click.echo("No administrator yet. Make one: flask --app wsgi user add NAME 姓名 --role admin")
        return
    click.echo("The first administrator 首位系统管理员")
    while True:
        username = click.prompt("Login name 账号")
        name = click.prompt("Name 姓名")
        password = click.prompt("Password 口令", hide_input=True, confirmation_prompt=True)
        try:
            people.create_user(username=username, name=name, roles=[Role.ADMIN], password=password, actor=None)
        except RuleBroken as broken:  # asked again, not begun anew: setting up has taken minutes
            click.echo(f"{broken.message}")
        else:
            db.session.commit()
            return


@click.command("audit")
@with_appcontext
def audit_verify() -> None:
    """Walk the trail's chain."""
    broken = audit.verify()
    if broken is not None:
        raise click.ClickException(f"the trail is broken at line {broken}")
    click.echo("the trail is whole")


archive_cli = AppGroup("archive", help="Archive packages of hearings.")


@archive_cli.command("make")
@click.argument("hearing_id", type=int)
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), required=True, help="Where to.")
def archive_make(hearing_id: int, output: Path) -> None:
    """Write the archive package of hearing HEARING_ID; note it in the trail."""
    hearing = db.session.get(Hearing, hearing_id) if 0 < hearing_id < 2**31 else None
    if hearing is None:
        raise click.ClickException(f"没有这次夜询会 / no such hearing: {hearing_id}")
    beside = output.with_name(f"{output.name}.part")
    try:
        with beside.open("wb") as out:
            seal = archive.build(hearing, out)
        beside.replace(output)
    except RuleBroken as broken:
        raise click.ClickException(str(broken.message)) from None
    except OSError as broken:
        raise click.ClickException(f"写不进 / cannot write: {output} ({broken.strerror})") from None
    finally:
        beside.unlink(missing_ok=True)
    archive.record(hearing, seal, actor=None)
    db.session.commit()
    click.echo(f"{output}：清单摘要 manifest SHA-256 {seal}")


@archive_cli.command("verify", with_appcontext=False)
@click.argument("files", nargs=-1, required=True, type=click.Path())
def archive_verify(files: tuple[str, ...]) -> None:
    """Check archive packages offline: structure, every hash, nothing missing, nothing extra. Asks no database."""
    sys.exit(parcel.main(files))


@click.command("reindex")
@with_appcontext
def reindex() -> None:
    """Build the search index anew."""
    count = search.rebuild()
    db.session.commit()
    click.echo(f"{count} texts")


def init_app(app: Any) -> None:
    """Add the commands."""
    groups = (user_cli, archive_cli, daily_cli, demo_cli, fonts_cli, worker_cli, mail_cli)
    for command in (*groups, first_start, audit_verify, reindex):
        app.cli.add_command(command)
