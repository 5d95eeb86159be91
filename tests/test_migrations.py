"""Migrations give exactly the models' schema, on both databases, up and down, and keep the demo."""

from pathlib import Path
from typing import Any

import pytest
from flask_migrate import downgrade, upgrade
from sqlalchemy import text

from hearings.db import db
from tests.conftest import DATABASES, make_app
from tests.postgres import database_or_skip


def catalogue() -> dict[str, Any]:
    """Everything the database says of its schema: tables, columns, checks, keys, indexes, triggers."""
    said = db.session.execute
    if db.engine.dialect.name == "sqlite":
        rows = said(text("SELECT type, name, tbl_name, sql FROM sqlite_master WHERE name NOT LIKE 'alembic%'")).all()
        return {f"{r.type} {r.name}": _normal(r.sql) for r in rows if r.tbl_name != "alembic_version"}
    columns = said(
        text(
            "SELECT table_name, column_name, data_type, is_nullable, character_maximum_length, column_default"
            " FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'"
        )
    ).all()
    constraints = said(
        text(
            "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace AND conrelid <> 'alembic_version'::regclass"
        )
        if said(text("SELECT to_regclass('alembic_version')")).scalar()
        else text(
            "SELECT conname, conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint"
            " WHERE connamespace = 'public'::regnamespace"
        )
    ).all()
    indexes = said(
        text(
            "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'"
        )
    ).all()
    triggers = said(text("SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal")).all()
    functions = said(text("SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace")).all()
    return {
        **{f"column {r[0]}.{r[1]}": tuple(r[2:]) for r in columns},
        **{f"constraint {r[0]}": (r[1], r[2]) for r in constraints},
        **{f"index {r[0]}": r[1] for r in indexes},
        **{f"trigger {r[0]}": r[1] for r in triggers},
        **{f"function {r[0]}": r[1] for r in functions},
    }


def _normal(sql: str | None) -> Any:
    """SQLite keeps the words of CREATE TABLE: the same words whatever their order and quotes."""
    words = (sql or "").replace('"', "").replace("`", "").replace("\n", " ").replace("\t", " ")
    if words.startswith("CREATE TABLE"):
        return sorted(
            filter(None, (part.strip(" ,") for part in words.replace("(", " ( ").replace(")", " ) ").split()))
        )
    return " ".join(words.split())


def _database(kind: str, folder: Path) -> str:
    return f"sqlite:///{folder / 'm.db'}" if kind == "sqlite" else database_or_skip()


@pytest.mark.parametrize("kind", DATABASES)
def test_migrations_give_the_models_schema(kind: str, tmp_path: Path) -> None:
    migrated = make_app(_database(kind, tmp_path), tmp_path)
    with migrated.app_context():
        upgrade()
        first = catalogue()
        db.session.remove()
        db.engine.dispose()
    (tmp_path / "other").mkdir()
    created = make_app(_database(kind, tmp_path / "other"), tmp_path / "other")
    with created.app_context():
        db.create_all()
        second = catalogue()
        db.session.remove()
        db.engine.dispose()
    assert first == second
    assert any("final" in name for name in first)


@pytest.mark.parametrize("kind", DATABASES)
def test_down_and_up_again_leaves_the_same(kind: str, tmp_path: Path) -> None:
    app = make_app(_database(kind, tmp_path), tmp_path)
    with app.app_context():
        upgrade()
        before = catalogue()
        db.session.remove()
        downgrade(revision="base")
        left = {name for name in catalogue() if " sqlite_" not in name}
        db.session.remove()
        assert left == set()
        upgrade()
        assert catalogue() == before
        db.session.remove()
        db.engine.dispose()
