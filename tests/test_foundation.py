"""The frame: signing in, closed views, the trail."""

from sqlalchemy import select, text

from hearings import audit
from hearings.audit import AuditEvent
from hearings.db import db
from tests.factories import PASSWORD


def test_signing_in_by_login_name(app, world, browser):
    one = browser()
    assert one.get("/").headers["Location"] == "/login?next=/"
    refused = one.post("/login", {"username": "organiser", "password": "wrong"})
    assert "账号或口令不正确" in refused.text or "Login name or password is wrong" in refused.text
    done = one.post("/login", {"username": " Organiser ", "password": PASSWORD})
    assert done.status_code == 302
    assert one.get("/").status_code == 200
    actions = db.session.scalars(select(AuditEvent.action).where(AuditEvent.action.like("user.sign_in%"))).all()
    assert actions == ["user.sign_in_failed", "user.sign_in"]


def test_the_trail_is_whole_until_a_line_is_changed(app, world):
    world.hearing()
    assert audit.verify() is None
    line = db.session.scalars(select(AuditEvent.id).order_by(AuditEvent.id)).all()[3]
    drop = (
        "DROP TRIGGER audit_event_final_update"
        if db.engine.dialect.name == "sqlite"
        else "ALTER TABLE audit_event DISABLE TRIGGER USER"
    )
    db.session.execute(text(drop))
    db.session.execute(text(f"UPDATE audit_event SET actor_name = 'x' WHERE id = {line}"))
    assert audit.verify() == line
    db.session.rollback()
