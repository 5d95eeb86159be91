"""How Alembic reaches our database and what it compares."""

from typing import Any

from alembic import context
from flask import current_app

from hearings.db import UTCDateTime, db, will_write

OURS_ALONE = ("search_fts",)
"""SQLite's shadow tables of the search index; hearings/ddl.py makes them."""
BY_HAND = {"ix_search_entry_bigrams"}


def include_object(thing: Any, name: str | None, kind: str, reflected: bool, compare_to: Any) -> bool:
    """Leave out what hearings/ddl.py makes."""
    if kind == "table" and name and name.startswith(OURS_ALONE):
        return False
    return not (kind == "index" and name in BY_HAND)


def render_item(kind: str, thing: Any, autogen: Any) -> str | bool:
    """Migrations speak of plain SQL types, so that they go on working when our classes move."""
    if kind == "type" and isinstance(thing, UTCDateTime):
        return "sa.DateTime(timezone=True)"
    return False


def skip_empty(context_: Any, revision: Any, directives: list[Any]) -> None:
    """No file for a migration without changes."""
    if getattr(context.config.cmd_opts, "autogenerate", False) and directives[0].upgrade_ops.is_empty():
        directives[:] = []


def run() -> None:
    """Upgrade or downgrade, each migration in a transaction of its own."""
    will_write(True)
    engine = current_app.extensions["migrate"].db.engine
    with engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=db.metadata,
            include_object=include_object,
            process_revision_directives=skip_empty,
            render_as_batch=True,
            render_item=render_item,
            compare_type=True,
            transaction_per_migration=True,
        )
        with context.begin_transaction():
            context.run_migrations()


run()
