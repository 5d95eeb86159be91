"""Rooms stand in the order of a hearing's life; imports only point back."""

import ast
from pathlib import Path

from config import RULES

PACKAGE = Path(__file__).parent.parent / "hearings"
ORDER = [
    "core", "documents", "people", "schedule", "issues", "reviews", "onsite", "calendars", "minutes", "papers", "notices", "ledger", "desk", "demo", "cli",
]  # fmt: skip
RINGS = {"__init__.py": "cli", "cli.py": "cli"}
"""The frame that joins the rooms may import all of them."""
CORE_THAT_KNOWS_PEOPLE = {"web.py"}
"""The request frame needs to say who is asking; `audit` and `files` name people by foreign key only."""
INSIDE = ["models", "rules", "queries", "operations", "forms", "routes"]


def room_of(path: Path) -> str:
    inside = path.relative_to(PACKAGE).parts
    return RINGS.get(inside[0], "core") if len(inside) == 1 else inside[0]


def imports(path: Path) -> list[str]:
    """Dotted names of ours that a module imports, from the package's root."""
    here = path.relative_to(PACKAGE).parts[:-1]
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.level or (node.module or "").startswith("hearings")):
            if node.level:
                base = list(here[: len(here) - (node.level - 1)])
                base += node.module.split(".") if node.module else []
            else:
                base = (node.module or "").split(".")[1:]
            found += [".".join([*base, alias.name]) for alias in node.names]
    return found


def test_imports_point_back_in_time() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room = room_of(path)
        for name in imports(path):
            first = name.split(".")[0]
            target = first if (PACKAGE / first).is_dir() else RINGS.get(f"{first}.py", "core")
            if target == "static" or (path.name in CORE_THAT_KNOWS_PEOPLE and target == "people"):
                continue
            if ORDER.index(target) > ORDER.index(room):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_inside_a_room_writes_stand_on_reads_and_pages_on_both() -> None:
    wrong = []
    for path in sorted(PACKAGE.rglob("*.py")):
        room, stem = room_of(path), path.stem
        if stem not in INSIDE or room in RINGS.values():
            continue
        for name in imports(path):
            parts = name.split(".")
            if (
                parts[0] == room
                and len(parts) > 1
                and parts[1] in INSIDE
                and INSIDE.index(parts[1]) > INSIDE.index(stem)
            ):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_only_their_own_files_know_the_heavy_libraries() -> None:
    homes = {
        "weasyprint": {"documents/child.py"},
        "icalendar": {"calendars/ics.py"},
        "xlsxwriter": {"documents/sheets.py"},
        "openpyxl": {"documents/rows.py"},
        "docx": {"documents/word.py"},
    }
    for path in sorted(PACKAGE.rglob("*.py")):
        text = path.read_text()
        for library, allowed in homes.items():
            if f"import {library}" in text or f"from {library}" in text:
                assert str(path.relative_to(PACKAGE)) in allowed


def test_operations_know_no_request_and_never_commit() -> None:
    for path in sorted(PACKAGE.rglob("operations.py")):
        text = path.read_text()
        for word in ("request", "flash(", ".commit(", "g."):
            lines = [line for line in text.splitlines() if f" {word}" in f" {line}" and "import" in line]
            assert not (word in ("flash(", ".commit(") and word in text), f"{path}: {word}"
            assert not [line for line in lines if "from flask import" in line and "request" in line]


def test_no_setting_is_shown_that_nothing_reads() -> None:
    code = "".join(p.read_text() for p in PACKAGE.rglob("*.py") if p.name != "words.py")
    assert [name for name in RULES if f'"{name}"' not in code and f"'{name}'" not in code] == []


def test_the_top_level_is_as_agreed() -> None:
    root = PACKAGE.parent
    allowed = {"hearings", "templates", "migrations", "tests", "config.py", "wsgi.py", "README.md"}
    tools = {"pyproject.toml", "requirements.txt", "requirements.in", "requirements-test.txt", "requirements-test.in", "Makefile", "gunicorn.conf.py", "instance"}  # fmt: skip
    extra = {p.name for p in root.iterdir() if not p.name.startswith(".") and p.name != "__pycache__"}
    assert extra - allowed - tools == set()
