"""Too many wrong passwords: the same answers whether the name exists or not; it opens again by itself."""

import re
import threading
import time as time_
from datetime import time, timedelta

import pytest
from sqlalchemy import select

from hearings.audit import AuditEvent
from hearings.db import clock_at, db, local, now, today
from hearings.people import signin
from hearings.people.models import WrongName
from tests.factories import PASSWORD

START = local(today(), time(9))
SHUT = "尝试次数过多，请30分钟后再试，或联系管理员。"


def tries(one, name, count, *, password="wrong", at=START):
    """The pages that a row of tries is answered with, one a second, without the name and the browser's own token."""
    pages = []
    for second in range(count):
        with clock_at(at + timedelta(seconds=second)):
            answer = one.post("/login", {"username": name, "password": password})
        pages.append(
            (answer.status_code, re.sub(r'name="csrf_token" value="[^"]+"', "", answer.text.replace(name, "")))
        )
    return pages


@pytest.mark.parametrize("unknown", ["nobody", "deputi", "密码当登录名", "x" * 200])
def test_a_name_that_exists_and_one_that_does_not_are_answered_with_the_same_bytes(app, world, browser, unknown):
    limit = app.config["LOGIN_FAILURES"]
    known, other = (tries(browser(), name, limit + 3) for name in ("deputy", unknown))
    assert known == other
    assert [SHUT in page for _status, page in known] == [False] * limit + [True] * 3
    after = START + timedelta(minutes=31)
    assert tries(browser(), "deputy", 2, at=after) == tries(browser(), unknown, 2, at=after)


def test_tries_at_the_same_moment_are_counted_each(app, world, monkeypatch):
    app.config["LOGIN_FAILURES"], looked_at = 3, []

    def slowly(password, user):
        looked_at.append(password)
        time_.sleep(0.2)
        return False

    monkeypatch.setattr(signin, "verify_and_update_password", slowly)
    db.session.commit()
    start = threading.Barrier(6)

    def guess(number):
        client = app.test_client()
        start.wait()
        client.post("/login", data={"username": "deputy", "password": f"guess {number}"})

    at_once(guess, 6)
    db.session.expire_all()
    assert (len(looked_at), world.deputy.failures) == (3, 3)


def at_once(act, count):
    threads = [threading.Thread(target=act, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_it_opens_again_by_itself(app, world, browser):
    limit, minutes = app.config["LOGIN_FAILURES"], app.config["LOCK_MINUTES"]
    tries(browser(), "deputy", limit)
    last = START + timedelta(seconds=limit - 1)
    (shut,) = tries(browser(), "deputy", 1, password=PASSWORD, at=last + timedelta(minutes=minutes, seconds=-1))
    assert SHUT in shut[1]  # the right password too, and this try was not counted
    (opened,) = tries(browser(), "deputy", 1, password=PASSWORD, at=last + timedelta(minutes=minutes))
    assert opened[0] == 302
    assert (world.deputy.failures, world.deputy.failed_at) == (0, None)
    failed = select(AuditEvent.action).where(AuditEvent.action == "user.sign_in_failed")
    assert len(db.session.scalars(failed).all()) == limit


def test_the_password_is_not_guessed_at_a_screen_left_open(app, world, browser):
    limit, one = app.config["LOGIN_FAILURES"], browser(world.deputy)

    def change(password):
        given = {"password": password, "new_password": "Other-12345", "new_password_confirm": "Other-12345"}
        return one.post("/password", given)

    pages = [change(f"guess {n}").text for n in range(limit)]
    assert not any(SHUT in page for page in pages) and world.deputy.failures == limit
    for guess in ("one more", PASSWORD):
        answer = change(guess)
        assert answer.status_code == 200 and SHUT in answer.text
    with clock_at(now() + timedelta(minutes=31)):
        assert change(PASSWORD).status_code == 302
    assert world.deputy.failures == 0


def test_after_a_rest_the_count_begins_anew(app, world, browser):
    limit = app.config["LOGIN_FAILURES"]
    tries(browser(), "deputy", limit - 1)
    again = tries(browser(), "deputy", limit - 1, at=START + timedelta(minutes=31))
    assert not any(SHUT in page for _status, page in again) and world.deputy.failures == limit - 1


def test_one_person_shut_out_shuts_out_nobody_else(app, world, browser):
    one = browser()
    tries(one, "deputy", app.config["LOGIN_FAILURES"] + 1)
    assert tries(one, "organiser", 1, password=PASSWORD)[0][0] == 302


def test_an_administrator_opens_it_at_once(app, world, browser):
    tries(browser(), "deputy", app.config["LOGIN_FAILURES"])
    admin = browser(world.admin)
    with clock_at(START + timedelta(minutes=1)):
        assert "口令错误过多" in admin.get("/people/").text
        assert f"/people/{world.deputy.id}/unlock" in admin.get(f"/people/{world.deputy.id}").text
        assert browser(world.organiser).post(f"/people/{world.deputy.id}/unlock").status_code == 404
        assert admin.post(f"/people/{world.deputy.id}/unlock").status_code == 303
    assert tries(browser(), "deputy", 1, password=PASSWORD, at=START + timedelta(minutes=2))[0][0] == 302
    with clock_at(START + timedelta(hours=1)):
        assert "口令错误过多" not in admin.get("/people/").text


def test_names_that_nobody_has_are_not_kept(app, world, browser):
    tries(browser(), "hunter2", 1)
    kept, failures = db.session.execute(select(WrongName.digest, WrongName.failures)).one()
    assert "hunter2" not in kept and len(kept) == 64 and failures == 1
    tries(browser(), "another", 1, at=START + timedelta(minutes=31))
    assert db.session.scalars(select(WrongName.digest)).one() != kept


def test_the_time_is_a_setting(app, world, browser):
    kept = app.config["LOCK_MINUTES"]
    app.config["LOCK_MINUTES"] = 5
    try:
        limit = app.config["LOGIN_FAILURES"]
        assert "请5分钟后再试" in tries(browser(), "deputy", limit + 1)[-1][1]
        assert tries(browser(), "deputy", 1, password=PASSWORD, at=START + timedelta(minutes=6))[0][0] == 302
    finally:
        app.config["LOCK_MINUTES"] = kept
