"""What the schema says beyond tables: triggers that keep final things final, and the search index.

Made by `create_all` and by migrations through one function. Alembic's batch mode on SQLite drops triggers
without a word, so each migration that touches these tables calls `install()` again; `test_migrations` compares.
"""

from typing import Any

from sqlalchemy import event, text

from .db import db

FINAL = {
    "minutes": ("OLD.status = 'published'", "published minutes are final"),
    "audit_event": ("1 = 1", "the trail is append-only"),
}


def _other(*columns: str) -> str:
    """That one of these columns changes (as text: PostgreSQL's json has no equality)."""
    return " OR ".join(f"CAST(NEW.{c} AS TEXT) IS DISTINCT FROM CAST(OLD.{c} AS TEXT)" for c in columns)


FROZEN = _other(
    "id", "hearing_id", "minutes_id", "code", "title", "content", "decisions", "pdf_sha256", "docx_sha256",
    "released_by_id", "released_at",
)  # fmt: skip
FINAL_BY_ACT = {
    "minutes_release": (
        {"update": f"OLD.withdrawn_at IS NOT NULL OR NEW.withdrawn_at IS NULL OR {FROZEN}", "delete": "1 = 1"},
        "a release can only be withdrawn",
    )
}
"""As `FINAL`, where one kind of change is allowed: a release is withdrawn, once."""


def _sqlite() -> list[tuple[str, str]]:
    made = []
    for table, (acts, why) in FINAL_BY_ACT.items():
        for act, when in acts.items():
            name = f"{table}_final_{act}"
            made.append(
                (
                    f"DROP TRIGGER IF EXISTS {name}",
                    f"CREATE TRIGGER {name} BEFORE {act.upper()} ON {table} "
                    f"WHEN {when.replace('IS DISTINCT FROM', 'IS NOT')} BEGIN SELECT RAISE(ABORT, '{why}'); END",
                )
            )
    for table, (when, why) in FINAL.items():
        for act in ("update", "delete"):
            name = f"{table}_final_{act}"
            made.append(
                (
                    f"DROP TRIGGER IF EXISTS {name}",
                    f"CREATE TRIGGER {name} BEFORE {act.upper()} ON {table} WHEN {when} "
                    f"BEGIN SELECT RAISE(ABORT, '{why}'); END",
                )
            )
    made.append(
        (
            "DROP TABLE IF EXISTS search_fts",
            "CREATE VIRTUAL TABLE search_fts USING fts5(bigrams, content='search_entry', content_rowid='id',"
            " tokenize='unicode61')",
        )
    )
    put = "INSERT INTO search_fts(rowid, bigrams) VALUES (new.id, new.bigrams);"
    take = "INSERT INTO search_fts(search_fts, rowid, bigrams) VALUES ('delete', old.id, old.bigrams);"
    for act, body in (("insert", put), ("delete", take), ("update", take + put)):
        name = f"search_entry_{act}"
        made.append(
            (
                f"DROP TRIGGER IF EXISTS {name}",
                f"CREATE TRIGGER {name} AFTER {act.upper()} ON search_entry BEGIN {body} END",
            )
        )
    return made


def _postgresql() -> list[tuple[str, str]]:
    made = []
    for table, (acts, why) in FINAL_BY_ACT.items():
        function = f"{table}_final"
        made.append(
            (
                "SELECT 1",
                f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
            )
        )
        for act, when in acts.items():
            name = f"{function}_{act}"
            made.append(
                (
                    f"DROP TRIGGER IF EXISTS {name} ON {table}",
                    f"CREATE TRIGGER {name} BEFORE {act.upper()} ON {table} FOR EACH ROW WHEN ({when}) "
                    f"EXECUTE FUNCTION {function}()",
                )
            )
    for table, (when, why) in FINAL.items():
        function = f"{table}_final"
        made.append(
            (
                f"DROP TRIGGER IF EXISTS {function} ON {table}",
                f"CREATE OR REPLACE FUNCTION {function}() RETURNS trigger LANGUAGE plpgsql AS $$ "
                f"BEGIN RAISE EXCEPTION '{why}' USING ERRCODE = 'integrity_constraint_violation'; END $$",
            )
        )
        made.append(
            (
                "SELECT 1",
                f"CREATE TRIGGER {function} BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW WHEN ({when}) "
                f"EXECUTE FUNCTION {function}()",
            )
        )
    made.append(
        (
            "DROP INDEX IF EXISTS ix_search_entry_bigrams",
            "CREATE INDEX ix_search_entry_bigrams ON search_entry USING gin "
            "(to_tsvector('simple'::regconfig, bigrams))",
        )
    )
    # What is known of how common words are goes with the old index; without it each search would read a tenth of all.
    made.append(("SELECT 1", "ANALYZE search_entry"))
    return made


def statements(dialect: str) -> list[tuple[str, str]]:
    """(drop, create) pairs for a database, in order."""
    return _sqlite() if dialect == "sqlite" else _postgresql()


def install(connection: Any) -> None:
    """Make (or make again) everything here; refills the search index."""
    for drop, create in statements(connection.dialect.name):
        connection.execute(text(drop))
        connection.execute(text(create))
    if connection.dialect.name == "sqlite":
        connection.execute(text("INSERT INTO search_fts(search_fts) VALUES ('rebuild')"))


def remove(connection: Any) -> None:
    """Take everything here away (for downgrades)."""
    for drop, _ in reversed(statements(connection.dialect.name)):
        connection.execute(text(drop))
    if connection.dialect.name == "postgresql":
        for table in (*FINAL, *FINAL_BY_ACT):
            connection.execute(text(f"DROP FUNCTION IF EXISTS {table}_final()"))


@event.listens_for(db.metadata, "after_create")
def _after_create(target: Any, connection: Any, **kwargs: Any) -> None:
    install(connection)
