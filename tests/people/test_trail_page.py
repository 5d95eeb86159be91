"""The auditor's page: the trail narrowed, in words, and whether its chain holds."""

import ast
import re
from pathlib import Path

import pytest
from flask_babel import force_locale
from sqlalchemy import select, text

from hearings.audit import AuditEvent, record
from hearings.db import db, today
from hearings.people import words
from hearings.permissions import POLICY
from hearings.workflow import MACHINES


def lines_on(page):
    return [int(n) for n in re.findall(r'<td class="card-ref num">(\d+)</td>', page.text)]


def test_the_trail_is_the_auditors(world, browser):
    assert browser(world.auditor).get("/audit/").status_code == 200
    for who in (world.admin, world.organiser, world.street, world.deputy, world.department, world.leader):
        assert browser(who).get("/audit/").status_code == 403


def test_it_narrows_by_person_act_thing_and_days(world, browser):
    hearing = world.hearing()
    auditor = browser(world.auditor)
    every = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc())).all()
    assert lines_on(auditor.get("/audit/")) == [e.id for e in every][:50]
    announced = [e.id for e in every if e.action == "hearing.announce"]
    assert lines_on(auditor.get("/audit/?action=hearing.announce")) == announced
    of_hearing = [e.id for e in every if e.subject_type == "hearing" and e.subject_id == hearing.id]
    assert lines_on(auditor.get("/audit/?subject=hearing")) == of_hearing
    assert lines_on(auditor.get("/audit/?person=周某某")) == [e.id for e in every if e.actor_name == "周某某"][:50]
    assert lines_on(auditor.get(f"/audit/?first={today()}&last={today()}&action=hearing.announce")) == announced
    assert lines_on(auditor.get("/audit/?last=2001-01-01")) == []
    odd = auditor.get("/audit/?action=%00&subject=x&person=%00&first=31.12.&last=9999-99-99&after=-1&before=x")
    assert odd.status_code == 200


@pytest.mark.parametrize("day", ["0001-01-01", "1999-12-31", "9999-12-31", "2021-02-30", "gestern"])
def test_days_at_the_edge_of_time_narrow_nothing(world, browser, day):
    one = browser(world.auditor)
    for name in ("first", "last"):
        page = one.get(f"/audit/?{name}={day}")
        assert page.status_code == 200


def test_failed_sign_ins_are_there(world, browser):
    browser().post("/login", {"username": "deputy", "password": "wrong"})
    assert len(lines_on(browser(world.auditor).get("/audit/?action=user.sign_in_failed"))) == 1


def test_the_chain_is_checked_on_request(world, browser):
    auditor = browser(world.auditor)
    assert 'class="panel panel-done"' in auditor.get("/audit/?check=1").text
    line = db.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id)).all()[3]
    off, on = (
        ("DROP TRIGGER audit_event_final_update", None)
        if db.engine.dialect.name == "sqlite"
        else ("ALTER TABLE audit_event DISABLE TRIGGER USER", "ALTER TABLE audit_event ENABLE TRIGGER USER")
    )
    db.session.execute(text(off))
    db.session.execute(text(f"UPDATE audit_event SET actor_name = 'x' WHERE id = {line}"))
    if on:
        db.session.execute(text(on))
    page = auditor.get("/audit/?check=1").text
    assert 'class="panel panel-now"' in page and str(line) in page


def test_every_act_that_the_house_records_has_words(app):
    """Read off the code: what stands in `record("…")`, and every move of the machine."""
    room = Path(app.root_path)
    found = {f"{entity}.{move}" for entity, moves in MACHINES.items() for move in moves}
    for file in room.rglob("*.py"):
        found |= set(re.findall(r'\brecord\(\s*"([a-z_]+\.[a-z_.]+)"', file.read_text()))
    assert sorted(a for a in found if a not in words.ACTS) == []
    assert {a for a in POLICY if a.startswith("user.")} - set(words.ACTS) == {"user.read"}


def test_what_a_line_notes_is_in_words(world):
    class Line:
        subject_type, status = "issue", "assigned"
        details = {
            "before": "registered",
            "departments": ["区教育局"],
            "fields": ["statement"],
            "odd": {"a": 1},
            "no": None,
        }

    pairs = words.notes(Line())
    assert [len(pair) for pair in pairs] == [2] * 5
    assert ("odd", "a 1") in pairs


def test_every_word_that_a_line_notes_is_known(app):
    """Read off the code: the keywords of `record(…)` and `advance(…)`."""
    found = set()
    for file in Path(app.root_path).rglob("*.py"):
        for call in (n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)):
            name = getattr(call.func, "attr", getattr(call.func, "id", ""))
            if name in ("record", "advance"):
                found |= {k.arg for k in call.keywords if k.arg} - {"actor", "status"}
    assert len(found) > 30
    assert sorted(found - set(words._KEYS)) == []


def test_moments_days_and_pieces_of_minutes_are_read_as_such(world):
    class Line:
        subject_type, status = "minutes", None
        details = {
            "was": {"starts_at": "2026-12-04T11:00:00+00:00", "station": "霞浦站"},
            "now": "2026-12-09T19:00:00+08:00",
            "due_on": "2026-12-31",
            "fields": ["list_present", "issue_309_title", "issue_309"],
            "kind": "personal",
        }

    with force_locale("zh_Hans"):
        told = dict(words.notes(Line()))
    assert told["原为"] == "开始 2026年12月4日 19:00、联络站 霞浦站"
    assert told["改为"] == "2026年12月9日 19:00"
    assert "2026年12月31日" in told.values()
    assert not [w for w in told.values() if re.search("[a-z]", w)], told


def test_the_page_has_as_many_statements_for_one_line_as_for_thousands(world, browser, statements):
    auditor = browser(world.auditor)
    with statements() as few:
        auditor.get("/audit/?action=hearing.create")
    for _i in range(1100):
        record("user.amend", world.deputy, world.admin, fields=["title"])
    db.session.commit()
    with statements() as many:
        page = auditor.get("/audit/")
    assert len(many) == len(few) <= 12
    assert len(lines_on(page)) == 50 and "1,000+" in page.text
    older = re.search(r'rel="next"\s+href="([^"]+)"', page.text)[1]
    assert lines_on(auditor.get(older))[0] == lines_on(page)[-1] - 1
