"""What the office calls itself. The words lie in the database and stand above the settings of the same name.

They are read wherever a setting is read (`current_app.config`); each process takes them over when it sees, in the
statement that finds who is asking, that their version is another.
"""

from typing import Any

from flask import current_app, g
from sqlalchemy import select

from config import Config

from ..db import db
from .models import House
from .signin import beside

WORDS = ("ORGANISATION", "OFFICE_NAME", "CONGRESS", "SYSTEM_NAME", "MINUTES_MARK", "MINUTES_CC")
VERSION = "HOUSE_VERSION"
"""The version that this process has taken over; None for the settings as they came from the environment."""


def _beside() -> Any:
    return select(House.version).where(House.id == 1).scalar_subquery()


beside["house"] = _beside


def init_app(app: Any) -> None:
    """Remember what the environment says."""
    app.config[VERSION] = None
    app.extensions["house"] = {name: app.config[name] for name in WORDS}


def settle() -> None:
    """Before a page for somebody who is signed in: take over what has changed."""
    version = g.get("beside", {}).get("house")
    if version != current_app.config[VERSION]:
        refresh()


def refresh() -> None:
    """Take the words over as they lie in the database."""
    row = db.session.get(House, 1, populate_existing=True)
    current_app.config.update(current_app.extensions["house"] | (row.words if row is not None else {}))
    current_app.config[VERSION] = row.version if row is not None else None


def is_named() -> bool:
    """Whether somebody has said what the office is called, here or in the environment."""
    return bool(current_app.config["ORGANISATION"] != Config.ORGANISATION)
