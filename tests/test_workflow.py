"""Every move, from every status, against a table written by hand (tests/workflow.txt)."""

from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hearings import workflow
from hearings.errors import RuleBroken

STATUSES = {
    "hearing": "draft announced in_session concluded filed postponed cancelled discarded",
    "issue": "registered assigned in_handling replied struck_off answered not_accepted transferred returned",
    "assignment": "assigned accepted returned replied superseded",
    "commitment": "open reported kept released",
    "confirmation": "asked confirmed refused waived withdrawn",
    "extension": "asked granted refused withdrawn",
    "minutes": "draft reviewed published",
}


def expected() -> dict[tuple[str, str], tuple[list[str], str]]:
    rows = {}
    for line in (Path(__file__).parent / "workflow.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            entity, move, sources, target = line.split()
            rows[entity, move] = (sources.split(","), target)
    return rows


def thing(entity: str, status: str) -> Any:
    return SimpleNamespace(__tablename__=entity, status=status, id=1)


@pytest.fixture
def no_guards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workflow, "_guards", defaultdict(list))


def test_the_moves_from_every_status(app: Any, no_guards: None) -> None:
    table = expected()
    for entity, statuses in STATUSES.items():
        for status in statuses.split():
            wanted = sorted(m for (e, m), (sources, _) in table.items() if e == entity and status in sources)
            assert sorted(workflow.moves(thing(entity, status))) == wanted, (entity, status)


def test_each_move_lands_where_the_table_says(app: Any, no_guards: None, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: list[tuple[str, str]] = []
    monkeypatch.setattr(
        workflow.audit, "record", lambda action, it, actor, *, status, **rest: lines.append((action, status))
    )
    for (entity, move), (sources, target) in expected().items():
        for status in sources:
            it = thing(entity, status)
            workflow.advance(it, move, actor=None)
            assert it.status == target
            assert lines[-1] == (f"{entity}.{move}", target)


def test_every_other_move_is_refused_in_words(app: Any, no_guards: None) -> None:
    table = expected()
    for entity, statuses in STATUSES.items():
        for status in statuses.split():
            for e, move in table:
                if e == entity and status not in table[e, move][0]:
                    with pytest.raises(RuleBroken) as said:
                        workflow.advance(thing(entity, status), move, actor=None)
                    assert str(said.value)


def test_every_status_has_a_word() -> None:
    for entity, statuses in STATUSES.items():
        assert sorted(workflow.LABELS[entity]) == sorted(statuses.split())
