"""The frame of a request: forms sent twice, two people editing, posts after the sign-in ended, closed views."""

import io
import re
import threading
import time
from datetime import timedelta
from urllib.parse import urljoin, urlsplit

import pytest
from flask import Blueprint
from PIL import Image
from sqlalchemy import func, select, text, update

from hearings import web
from hearings.audit import AuditEvent
from hearings.db import clock_at, db, now, today
from hearings.issues.models import IssueFile
from hearings.people import operations
from hearings.people.models import Department, User
from hearings.web import ParkedRequest, SubmittedForm
from tests.conftest import make_app
from tests.factories import PASSWORD


def hidden(page, name):
    """The value of a hidden field of a page."""
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page.text)
    assert found, f"no {name} in the page"
    return found[1].replace("&#34;", '"').replace("&quot;", '"')


def department_form(browser, department):
    """The fields of a department's form as a browser would send them."""
    page = browser.get(f"/departments/{department.id}/edit")
    assert page.status_code == 200
    return {
        "form_id": hidden(page, "form_id"),
        "base": hidden(page, "base"),
        "name": department.name,
        "short_name": department.short_name,
        "kind": department.kind.value,
        "street": department.street or "",
        "head": department.head or "",
        "contact": department.contact or "",
        "contact_phone": department.contact_phone or "",
        "position": str(department.position),
    }


NEW = {"name": "区数据局", "short_name": "区数据局", "kind": "bureau", "position": "30"}


# -- a form sent twice ---------------------------------------------------------------------------------


def test_a_form_sent_twice_has_one_result(world, browser):
    one = browser(world.organiser)
    form_id = hidden(one.get("/departments/new"), "form_id")
    first = one.post("/departments/new", NEW | {"form_id": form_id})
    second = one.post("/departments/new", NEW | {"form_id": form_id})
    assert first.status_code == second.status_code == 303
    assert first.headers["Location"] == second.headers["Location"]
    assert db.session.scalar(select(func.count()).select_from(Department).where(Department.name == "区数据局")) == 1


def test_a_refused_form_may_be_sent_again(world, browser):
    one = browser(world.organiser)
    form_id = hidden(one.get("/departments/new"), "form_id")
    refused = one.post("/departments/new", NEW | {"form_id": form_id, "short_name": ""})
    assert refused.status_code == 422
    assert 'value="区数据局"' in refused.text  # what was typed is still there
    assert one.post("/departments/new", NEW | {"form_id": hidden(refused, "form_id")}).status_code == 303


def test_a_form_id_made_for_another_person_is_no_shortcut(world, browser):
    one, other = browser(world.organiser), browser(world.admin)
    form_id = hidden(one.get("/departments/new"), "form_id")
    one.post("/departments/new", NEW | {"form_id": form_id})
    answer = other.post("/departments/new", NEW | {"form_id": form_id})
    assert answer.status_code == 422  # treated as a form of its own: the name is taken
    assert db.session.scalars(select(SubmittedForm.user_id)).all() == [world.organiser.id]


def test_old_form_ids_are_forgotten_after_a_week(world, browser):
    one = browser(world.organiser)
    form_id = hidden(one.get("/departments/new"), "form_id")
    one.post("/departments/new", NEW | {"form_id": form_id})
    assert web.old_forms() == 0
    with clock_at(now() + timedelta(days=8)):
        assert web.old_forms() == 1


# -- two people editing --------------------------------------------------------------------------------


def test_two_people_changing_different_fields_keep_both(world, browser):
    one, other = browser(world.organiser), browser(world.admin)
    mine, theirs = department_form(one, world.bureau), department_form(other, world.bureau)
    assert one.post(f"/departments/{world.bureau.id}/edit", mine | {"head": "郑某某"}).status_code == 303
    assert other.post(f"/departments/{world.bureau.id}/edit", theirs | {"contact": "龚海涛"}).status_code == 303
    assert (world.bureau.head, world.bureau.contact) == ("郑某某", "龚海涛")


def test_two_people_changing_the_same_field_choose(world, browser):
    one, other = browser(world.organiser), browser(world.admin)
    mine, theirs = department_form(one, world.bureau), department_form(other, world.bureau)
    one.post(f"/departments/{world.bureau.id}/edit", mine | {"head": "郑某某"})
    clash = other.post(f"/departments/{world.bureau.id}/edit", theirs | {"head": "王某某"})
    assert clash.status_code == 409
    assert "郑某某" in clash.text and "王某某" in clash.text and world.organiser.name in clash.text
    assert world.bureau.head == "郑某某"
    again = theirs | {
        "head": "王某某",
        "form_id": hidden(clash, "form_id"),
        "base": hidden(clash, "base"),
        "head__choice": "mine",
    }
    assert other.post(f"/departments/{world.bureau.id}/edit", again).status_code == 303
    assert world.bureau.head == "王某某"


# -- posts after the sign-in ended ---------------------------------------------------------------------


def sign_out(one):
    """The sign-in ends, the page stays open."""
    with one.client.session_transaction() as session:
        session.clear()


def sign_in(one, username="organiser"):
    answer = one.post("/login?next=/continue", {"username": username, "password": PASSWORD})
    assert answer.status_code == 302, answer.text
    return answer


def parked_form(one, data=None):
    """A form filled in while signed in and sent after the sign-in had ended."""
    form_id = hidden(one.get("/departments/new"), "form_id")
    sign_out(one)
    answer = one.post("/departments/new", (data or NEW) | {"form_id": form_id})
    assert answer.status_code == 302
    assert answer.headers["Location"].startswith("/login?next=")
    return answer


def test_a_post_after_the_sign_in_ended_goes_on_after_signing_in(world, browser):
    one = browser(world.organiser)
    parked_form(one)
    assert db.session.scalar(select(Department).where(Department.name == "区数据局")) is None
    assert sign_in(one).headers["Location"].endswith("/continue")
    assert one.get("/continue").status_code == 200
    done = one.post("/continue")
    assert done.status_code == 303
    made = db.session.scalars(select(Department).where(Department.name == "区数据局")).one()
    assert done.headers["Location"].endswith(f"/departments/{made.id}")
    assert (
        db.session.scalars(select(AuditEvent.actor_id).where(AuditEvent.action == "department.create")).all()[-1]
        == world.organiser.id
    )
    assert db.session.scalar(select(func.count()).select_from(ParkedRequest)) == 0
    assert one.post("/continue").headers["Location"] == "/"  # only once
    assert db.session.scalar(select(func.count()).select_from(Department).where(Department.name == "区数据局")) == 1


def test_a_parked_post_goes_on_after_a_first_password_has_been_changed(world, browser):
    one = browser(world.organiser)
    parked_form(one)
    operations.reset_password(world.organiser, actor=world.admin, password=PASSWORD)
    sign_in(one)
    assert [one.open("/continue", method=m).headers["Location"] for m in ("GET", "POST")] == ["/password"] * 2
    new = {"password": PASSWORD, "new_password": "Other-12345", "new_password_confirm": "Other-12345"}
    assert one.post("/password", new).headers["Location"] == "/continue"
    assert one.get("/continue").status_code == 200
    assert one.post("/continue").status_code == 303
    assert db.session.scalar(select(func.count()).select_from(Department).where(Department.name == NEW["name"])) == 1


def test_a_parked_form_that_does_not_hold_is_shown_again(world, browser):
    one = browser(world.organiser)
    parked_form(one, NEW | {"short_name": ""})
    sign_in(one)
    answer = one.post("/continue")
    assert answer.status_code == 422
    assert 'value="区数据局"' in answer.text


def test_a_parked_post_is_encrypted(world, browser):
    one = browser(world.organiser)
    answer = parked_form(one)
    row = db.session.scalars(select(ParkedRequest)).one()
    assert "区数据局".encode() not in row.body
    token = re.search(r"parked=([^;]+)", answer.headers["Set-Cookie"])[1]
    assert token not in row.token_hash and token.encode() not in row.body
    assert "HttpOnly" in answer.headers["Set-Cookie"]


def test_another_person_does_not_get_a_parked_post(world, browser):
    one = browser(world.organiser)
    parked_form(one)
    sign_in(one, "admin")
    assert one.post("/continue").headers["Location"] == "/"
    assert db.session.scalar(select(Department).where(Department.name == "区数据局")) is None


def test_another_browser_does_not_get_a_parked_post(world, browser):
    parked_form(browser(world.organiser))
    assert browser(world.organiser).post("/continue").headers["Location"] == "/"
    assert db.session.scalar(select(Department).where(Department.name == "区数据局")) is None


def test_a_parked_post_expires_after_fifteen_minutes(world, browser):
    one = browser(world.organiser)
    parked_form(one)
    sign_in(one)
    db.session.execute(update(ParkedRequest).values(at=now() - timedelta(minutes=15, seconds=1)))
    assert one.post("/continue").headers["Location"] == "/"
    assert db.session.scalar(select(Department).where(Department.name == "区数据局")) is None


def test_a_parked_upload_goes_on_with_its_file(world, browser):
    issue = world.issue()
    one = browser(world.organiser)
    form_id = hidden(one.get(f"/issues/{issue.id}/files"), "form_id")
    sign_out(one)
    picture = io.BytesIO()
    Image.new("RGB", (60, 40), "navy").save(picture, "JPEG")
    data = {"form_id": form_id, "files": (io.BytesIO(picture.getvalue()), "桥下.jpg")}
    parked = one.post(f"/issues/{issue.id}/files", data, content_type="multipart/form-data")
    assert parked.status_code == 302
    sign_in(one)
    assert one.post("/continue").status_code == 303
    assert [link.file.name for link in db.session.scalars(select(IssueFile))] == ["桥下.jpg"]


def test_a_post_without_a_form_of_ours_is_not_parked(world, browser):
    one = browser()
    assert one.post("/departments/new", NEW).status_code == 302
    assert one.post("/departments/new", NEW | {"form_id": "1.made-up"}).status_code == 302
    assert db.session.scalar(select(func.count()).select_from(ParkedRequest)) == 0


# -- idle, closed views, redirects ---------------------------------------------------------------------


def test_a_sign_in_ends_after_two_idle_hours(world, browser):
    one = browser(world.organiser)
    assert one.get("/").status_code == 200
    with one.client.session_transaction() as session:
        session["seen"] = int(time.time()) - 119 * 60
    assert one.get("/").status_code == 200
    with one.client.session_transaction() as session:
        session["seen"] = int(time.time()) - 121 * 60
    assert one.get("/departments/").headers["Location"] == "/login?next=/departments/"
    assert 'class="flash flash-warning"' in one.get("/login").text
    sign_in(one)
    assert one.get("/").status_code == 200


def test_who_comes_back_hours_after_a_sign_in_was_ended_from_elsewhere_is_let_in(world, browser):
    one = browser(world.organiser)
    one.get("/")
    world.organiser.fs_uniquifier = "another"
    with one.client.session_transaction() as session:
        session["seen"] = int(time.time()) - 121 * 60
    sign_in(one)
    assert one.get("/").status_code == 200


def test_nothing_kept_for_who_signs_out_is_shown_to_the_next_one_at_the_browser(world, browser):
    one = browser(world.deputy)
    one.post("/language", {"lang": "en"})
    one.post("/calendar/new", {"kind": "personal"})
    one.post("/logout")
    with one.client.session_transaction() as session:
        assert not {"calendar_address", "_flashes", "seen"} & set(session)
        assert session["locale"] == "en"
    sign_in(one, "deputy2")
    assert "/cal/" not in one.get("/calendar/").text


def test_a_sign_in_ends_with_the_persons_last_day(world, browser):
    one = browser(world.deputy)
    assert one.get("/").status_code == 200
    world.deputy.valid_until = today() - timedelta(days=1)
    assert one.get("/").headers["Location"].startswith("/login")


def test_locking_a_person_ends_their_sign_ins(world, browser):
    one = browser(world.deputy)
    assert one.get("/").status_code == 200
    browser(world.admin).post(f"/people/{world.deputy.id}/lock")
    assert one.get("/").headers["Location"].startswith("/login")


@pytest.mark.parametrize(
    "given",
    [
        "//evil.example/",
        "https://evil.example/",
        "/\\evil.example",
        "javascript:alert(1)",
        "/\t/evil.example",
        "/\n/evil.example",
        "\t//evil.example",
    ],
)
def test_no_redirect_leaves_the_house(world, browser, given):
    one = browser()
    wanted = {"username": "organiser", "password": PASSWORD, "next": given}
    done = one.post("/login", wanted, query_string={"next": given})
    # as a browser reads it: a backslash is a slash, a tab is nothing
    target = urljoin("http://localhost/login", done.headers.get("Location", "/").replace("\\", "/").replace("\t", ""))
    assert urlsplit(target).netloc == "localhost"
    changed = one.post("/language", {"lang": "en", "next": given})
    target = urljoin("http://localhost/language", changed.headers["Location"])
    assert (changed.status_code, urlsplit(target).netloc) == (303, "localhost")


def test_nothing_of_a_sign_in_is_kept_by_the_browser(world, browser):
    one = browser()
    for page in (one.get("/login"), one.post("/login", {"username": "organiser", "password": PASSWORD}), one.get("/")):
        assert page.headers["Cache-Control"] == "no-store"


def test_every_error_is_a_page_of_ours(world, browser):
    one = browser(world.deputy)
    assert one.get("/people/").status_code == 403
    assert one.get("/departments/999999999999999999999").status_code == 404
    assert one.get("/no-such-page").status_code == 404
    assert one.open("/people/new", method="DELETE").status_code in (400, 403, 405)
    for page in (one.get("/people/"), one.get("/no-such-page")):
        assert "<html" in page.text and "Traceback" not in page.text


# -- applications of their own -------------------------------------------------------------------------


@pytest.fixture
def strict(_app, tmp_path):
    """An application on the same database with CSRF protection and a view nobody declared."""
    made = make_app(_app.config["SQLALCHEMY_DATABASE_URI"], tmp_path, WTF_CSRF_ENABLED=True)
    room = Blueprint("undeclared", __name__)
    room.add_url_rule("/undeclared", "view", lambda: "open to everyone")
    made.register_blueprint(room)
    yield made
    with made.app_context():
        db.engine.dispose()


def strict_browser(strict, user):
    client = strict.test_client()
    with client.session_transaction() as session:
        session["_user_id"] = user.fs_uniquifier
        session["_fresh"] = True
    return client


def test_a_view_that_declares_no_action_is_closed(app, world, strict):
    db.session.commit()
    assert strict_browser(strict, world.admin).get("/undeclared").status_code == 403
    assert strict.test_client().get("/undeclared").headers["Location"] == "/login?next=/undeclared"


def test_a_post_needs_the_token_of_its_page(app, world, strict):
    db.session.commit()
    one = strict_browser(strict, world.organiser)
    page = one.get("/departments/new")
    form = NEW | {"form_id": hidden(page, "form_id")}
    refused = one.post("/departments/new", data=form)
    assert refused.status_code == 400 and "<html" in refused.text
    assert one.post("/departments/new", data=form | {"csrf_token": "x" * 40}).status_code == 400
    assert one.post("/departments/new", data=form | {"csrf_token": hidden(page, "csrf_token")}).status_code == 303
    assert one.post("/logout").status_code == 400


def test_signing_in_needs_the_token_too(app, world, strict):
    db.session.commit()
    one = strict.test_client()
    page = one.get("/login")
    wanted = {"username": "organiser", "password": PASSWORD}
    assert one.post("/login", data=wanted).status_code in (200, 400)
    assert one.get("/").status_code == 302
    assert one.post("/login", data=wanted | {"csrf_token": hidden(page, "csrf_token")}).status_code == 302
    assert one.get("/").status_code == 200


def test_a_parked_post_goes_on_under_csrf_protection(app, world, strict):
    db.session.commit()
    one = strict_browser(strict, world.organiser)
    page = one.get("/departments/new")
    form = NEW | {"form_id": hidden(page, "form_id"), "csrf_token": hidden(page, "csrf_token")}
    with one.session_transaction() as session:
        session.clear()
    assert one.post("/departments/new", data=form).status_code == 302
    page = one.get("/login?next=/continue")
    wanted = {"username": "organiser", "password": PASSWORD, "csrf_token": hidden(page, "csrf_token")}
    assert one.post("/login?next=/continue", data=wanted).status_code == 302
    page = one.get("/continue")
    assert one.post("/continue").status_code == 400
    assert one.post("/continue", data={"csrf_token": hidden(page, "csrf_token")}).status_code == 303
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Department).where(Department.name == "区数据局")) == 1


def test_every_cookie_of_a_house_with_https_is_secure(_app, world, tmp_path):
    url = _app.config["SQLALCHEMY_DATABASE_URI"]
    made = make_app(url, tmp_path, BASE_URL="https://hearings.example", WTF_CSRF_ENABLED=False)
    client = made.test_client()
    outer = {"base_url": "https://hearings.example"}
    wanted = {"username": "organiser", "password": PASSWORD, "remember": "y"}
    said = client.post("/login", data=wanted, **outer).headers.getlist("Set-Cookie")
    form_id = hidden(client.get("/departments/new", **outer), "form_id")
    nobody = made.test_client()
    said += nobody.post("/departments/new", data=NEW | {"form_id": form_id}, **outer).headers.getlist("Set-Cookie")
    assert {c.partition("=")[0] for c in said} >= {"session", "remember_token", "parked"}
    for cookie in said:
        assert {"Secure", "HttpOnly", "SameSite=Lax"} <= set(cookie.split("; ")), cookie
    with made.app_context():
        db.engine.dispose()


# -- health --------------------------------------------------------------------------------------------


def questions_end():
    """Wait until no question to the database is left over."""
    for thread in threading.enumerate():
        if thread.name == "healthz":
            thread.join(10)


def test_healthz_says_ok_only_with_a_database(app, world, browser):
    answer = browser().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})
    questions_end()


def test_healthz_answers_within_two_seconds_when_the_database_hangs(app, world, monkeypatch):
    uniquifier = world.admin.fs_uniquifier
    db.session.commit()
    release = threading.Event()
    real = db.engine.connect

    def hang(*args, **kwargs):
        release.wait(20)
        return real(*args, **kwargs)

    monkeypatch.setattr(db.engine, "connect", hang)
    client = app.test_client()
    with client.session_transaction() as session:  # also for somebody who is signed in
        session["_user_id"] = uniquifier
    try:
        for _round in range(3):  # also while earlier questions still wait
            began = time.monotonic()
            answer = client.get("/healthz")
            assert answer.status_code == 503
            assert answer.json == {"status": "unavailable"}
            assert time.monotonic() - began < 2
    finally:
        release.set()
    monkeypatch.undo()
    questions_end()
    assert client.get("/healthz").status_code == 200
    questions_end()


def test_healthz_answers_503_while_the_table_is_locked(app, world):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("readers never wait on SQLite in WAL mode")
    db.session.commit()
    with db.engine.connect() as connection:
        connection.execute(text('LOCK TABLE "user" IN ACCESS EXCLUSIVE MODE'))
        began = time.monotonic()
        assert app.test_client().get("/healthz").status_code == 503
        assert time.monotonic() - began < 2
        connection.rollback()
    questions_end()
    assert app.test_client().get("/healthz").status_code == 200
    questions_end()


@pytest.mark.parametrize(
    "url",
    ["sqlite:////no/such/folder/hearings.db", "postgresql://nobody@127.0.0.1:1/none"],
    ids=["sqlite", "postgresql"],
)
def test_healthz_answers_503_without_a_database(tmp_path, url):
    made = make_app(url, tmp_path)
    began = time.monotonic()
    answer = made.test_client().get("/healthz")
    assert answer.status_code == 503
    assert time.monotonic() - began < 2


# -- passwords -----------------------------------------------------------------------------------------


def test_a_first_password_must_be_changed_before_anything_else(world, browser):
    first = operations.reset_password(world.deputy, actor=world.admin)
    one = browser()
    assert one.post("/login", {"username": "deputy", "password": first}).status_code == 302
    assert one.get("/departments/").headers["Location"].endswith("/password")
    page = one.get("/password")
    assert page.status_code == 200

    def change(old, new, again=None):
        return one.post("/password", {"password": old, "new_password": new, "new_password_confirm": again or new})

    assert change("wrong", "Another-456").status_code == 200
    assert change(first, first).status_code == 200
    assert change(first, "Another-456", "Another-457").status_code == 200
    assert change(first, "short1").status_code == 200
    assert change(first, "onlyletters").status_code == 200
    assert one.get("/departments/").headers["Location"].endswith("/password")
    assert change(first, "Another-456").status_code == 302
    assert one.get("/departments/").status_code == 200
    user = db.session.get(User, world.deputy.id)
    assert user.must_change_password is False
    assert db.session.scalars(select(AuditEvent.action).order_by(AuditEvent.id.desc())).first() == "user.password"
    assert browser().post("/login", {"username": "deputy", "password": "Another-456"}).status_code == 302


def test_changing_the_password_ends_other_sign_ins(world, browser):
    here, elsewhere = browser(world.deputy), browser(world.deputy)
    assert elsewhere.get("/").status_code == 200
    done = here.post(
        "/password",
        {"password": PASSWORD, "new_password": "Another-456", "new_password_confirm": "Another-456"},
    )
    assert done.status_code == 302
    assert here.get("/").status_code == 200
    assert elsewhere.get("/").headers["Location"].startswith("/login")


def test_too_many_wrong_passwords_close_the_sign_in(app, world, browser):
    one = browser()
    for _try in range(app.config["LOGIN_FAILURES"]):
        one.post("/login", {"username": "deputy", "password": "wrong"})
    right = one.post("/login", {"username": "deputy", "password": PASSWORD})
    assert right.status_code == 200
    browser(world.admin).post(f"/people/{world.deputy.id}/unlock")
    assert one.post("/login", {"username": "deputy", "password": PASSWORD}).status_code == 302


# -- how a request ends on the database ----------------------------------------------------------------


def test_statements_stay_prepared_from_page_to_page(world, browser):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite's driver keeps its statements by itself")
    one = browser(world.organiser)
    for _ in range(8):
        one.get("/hearings/")
    with db.engine.connect() as connection:
        kept = connection.scalar(
            text("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%FROM hearing%'")
        )
    assert kept > 0


@pytest.mark.parametrize("how", ["row", "statement", "words"])
def test_what_is_written_and_not_committed_is_gone_with_the_request(app, world, how):
    id_, name = world.bureau.id, world.bureau.name
    db.session.commit()
    with app.app_context():
        office = db.session.get_one(Department, id_)
        if how == "row":
            office.name = "改名局"
            db.session.flush()
        elif how == "statement":
            db.session.execute(update(Department).values(name="改名局"))
        else:
            db.session.execute(text("UPDATE department SET name = '改名局'"))
    db.session.expire_all()
    assert world.bureau.name == name
