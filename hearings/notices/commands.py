"""The worker, and the mailbox."""

import imaplib
import os
import signal
import sys
import time
from typing import Any

import click
from flask import current_app
from flask.cli import AppGroup, with_appcontext
from sqlalchemy.exc import OperationalError

from ..db import db
from ..people import house
from . import inbound, news, outbox, reminders, state

HOUR = 3600.0
mail_cli = AppGroup("mail", help="Answers that come by mail.")


def round_(*, remind: bool) -> int:
    """One round: news, reminders when it is their hour, sending, the mailbox. Returns how much there was to do."""
    house.refresh()
    steps = [news.read_on]
    if remind:
        steps += [reminders.write, reminders.digest]
    if outbox.mail_is_set() or current_app.config["ROBOT_URL"]:
        steps.append(outbox.send_all)
    steps.append(inbound.fetch_now_and_then)
    done = 0
    for step in steps:
        try:
            done += step()
        except OperationalError:
            raise
        except Exception:  # a fault in one step must not keep the others from being taken
            current_app.logger.exception("worker: %s", step.__name__)
            db.session.rollback()
    db.session.remove()
    return done


@click.command("worker")
@click.option("--once", is_flag=True, help="One round, with reminders, then end.")
@click.option("--pause", default=5.0, show_default=True, help="Seconds between rounds with nothing to do.")
@click.option("--beside", type=int, help="End when this process has ended (the server's).")
@with_appcontext
def worker_cli(once: bool, pause: float, beside: int | None) -> None:
    """Tell people: what the trail says is new, what is due, and send what waits. Any number may run."""
    stopped = []

    def stop(*_: Any) -> None:
        stopped.append(True)
        if once:
            sys.exit(0)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    reminded = 0.0
    while not stopped and (beside is None or _is_there(beside)):
        due = once or time.monotonic() - reminded >= HOUR or reminded == 0.0
        try:
            state.beat("worker", every=state.EVERY)
            done = round_(remind=due)
        except OperationalError as trouble:  # the database is busy or away; it will come back
            current_app.logger.warning("worker: %s", trouble.orig)
            db.session.remove()
            done = 0
        else:
            if due:
                reminded = time.monotonic()
        if once:
            click.echo(f"{done}")
            return
        if not done:
            outbox.wait(pause)


def _is_there(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@mail_cli.command("fetch")
def mail_fetch() -> None:
    """Read answers from the mailbox (IMAP)."""
    if not current_app.config["MAIL_IMAP_HOST"]:
        raise click.ClickException("HEARINGS_MAIL_IMAP_HOST 未设置 / is not set.")
    try:
        for line in inbound.fetch():
            click.echo(line)
    except (OSError, imaplib.IMAP4.error) as trouble:
        raise click.ClickException(f"邮箱无法读取 / the mailbox cannot be read: {trouble}") from None


@mail_cli.command("take")
def mail_take() -> None:
    """Read one mail from standard input, as a mail server pipes it."""
    click.echo(inbound.take(sys.stdin.buffer.read(inbound.MOST_MAIL + 1)))
    db.session.commit()
