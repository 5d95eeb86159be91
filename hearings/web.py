"""How one request travels: sign-in, the declared action, forms sent once, parked posts, answers.

Three mechanisms, built once: (a) a form's one-time id is stored with the address of its result, and a repeat
goes there; (b) two people's edits of one thing are merged by field (`forms.Form.merge`); (c) a post whose
sign-in has ended is parked, encrypted and bound to browser and person, and goes on after signing in.
"""

import base64
import hashlib
import io
import secrets
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from flask import (
    Blueprint,
    abort,
    current_app,
    flash,
    g,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import gettext as _
from flask_login import current_user, logout_user, user_logged_in, user_logged_out
from flask_security.utils import validate_redirect_url
from flask_wtf.csrf import CSRFProtect
from sqlalchemy import ForeignKey, bindparam, delete, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.datastructures import FileStorage
from werkzeug.exceptions import MethodNotAllowed, NotFound
from werkzeug.routing import RequestRedirect
from werkzeug.test import EnvironBuilder
from werkzeug.wrappers import Response

from . import language, undo
from .db import LOCAL, Model, db, now, will_write, write_from_here
from .errors import RuleBroken
from .forms import Form, as_number, clean_arg, form_owner, new_form_id
from .people import house
from .people.models import User
from .permissions import public, signed_in
from .prepared import ask

bp = Blueprint("web", __name__)
csrf = CSRFProtect()

PARKED_FOR = timedelta(minutes=15)
PARKED_COOKIE = "parked"
SENT_COOKIE = "sent"
"""Names the form that was carried out last; a script reads it."""
OPEN_ENDPOINTS = {
    "static",
    "bootstrap.static",
    "security.login",
    "security.logout",
    "security.change_password",
}
"""Views that are not ours and therefore declare no action; the last one asks for a sign-in itself."""


class SubmittedForm(Model):
    """A form that has been carried out, and where its result is."""

    form_id: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    location: Mapped[str]
    at: Mapped[datetime] = mapped_column(default=now, index=True)


_SUBMITTED: Any = insert(SubmittedForm.__table__)  # type: ignore[arg-type]
_DONE = select(SubmittedForm.location).where(
    SubmittedForm.form_id == bindparam("form_id"), SubmittedForm.user_id == bindparam("user_id")
)


class ParkedRequest(Model):
    """A post that arrived without a sign-in. Kept for fifteen minutes, encrypted."""

    token_hash: Mapped[str] = mapped_column(primary_key=True)
    user_id: Mapped[int]
    path: Mapped[str]
    content_type: Mapped[str]
    body: Mapped[bytes]
    at: Mapped[datetime] = mapped_column(default=now)


def me() -> User:
    """The person of this request, as a row and not as a proxy."""
    return current_user._get_current_object()


# -- before the view -----------------------------------------------------------------------------------


def before_request() -> Any:
    """Every request passes here: idle sign-ins end, undeclared views are closed, repeats go to the result."""
    will_write(False)
    if request.endpoint == "health.healthz":  # at once: what comes after would ask the database who is signed in
        return current_app.view_functions[request.endpoint]()
    view = current_app.view_functions.get(request.endpoint or "")
    if request.endpoint in ("static", "bootstrap.static") or getattr(view, "anonymous", False):
        return None
    replayed = request.environ.get("hearings.replay")
    if replayed:
        g.csrf_valid = True
    elif current_app.config["WTF_CSRF_ENABLED"] and request.method == "POST" and current_user.is_authenticated:
        csrf.protect()
    user = me()
    language.settle()
    if user.is_authenticated:
        house.settle()
        moment = int(time.time())
        if moment - session.get("seen", moment) > current_app.config["IDLE_MINUTES"] * 60:
            logout_user()
            user = me()
            flash(_("You were away for a while. Please sign in again."), "warning")
        elif moment - session.get("seen", 0) > 60:
            session["seen"] = moment
    if request.method not in ("GET", "HEAD", "OPTIONS"):
        write_from_here()
    if request.endpoint is None or request.endpoint in OPEN_ENDPOINTS:
        return None
    action = getattr(view, "action", None)
    if action == "public":
        return None
    if not user.is_authenticated:
        return _sign_in_first()
    if action is None:
        abort(403)
    if user.must_change_password and request.endpoint != "web.choose_language":
        flash(_("Please choose a password of your own first."), "warning")
        return redirect(url_for("security.change_password"))
    if request.method == "POST":
        return _repeated(request.form.get("form_id"))
    return None


def _repeated(form_id: str | None) -> Response | None:
    if not form_id:
        return None
    done = ask(_DONE, {"form_id": form_id, "user_id": current_user.id}).scalar()
    return _result(done, form_id) if done is not None else None


def _result(location: str, form_id: str | None) -> Response:
    """303 to where a form's result is; its id goes along, so that the device forgets what it kept of it (keep.js)."""
    answer = redirect(location, 303)
    if form_id:
        answer.set_cookie(SENT_COOKIE, form_id, max_age=3600, samesite="Lax", secure=request.is_secure)
    return answer


def carried_out(page_id: str) -> list[int]:
    """The numbers under which forms of one page (`page_id~number`) have been carried out."""
    ids = db.session.scalars(
        select(SubmittedForm.form_id).where(SubmittedForm.form_id.startswith(f"{page_id}~", autoescape=True))
    )
    return [as_number(id_.rpartition("~")[2]) or 0 for id_ in ids]


def _sign_in_first() -> Response:
    if request.method == "POST":
        owner = form_owner(request.form.get("form_id", ""))
        if owner:
            return _park(owner)
    target = request.full_path.rstrip("?") if request.method == "GET" else "/"
    return redirect(url_for("security.login", next=target))


KEPT_IN_SESSION = {"locale", "fs_cc", "_remember"}
"""What outlives a sign-in: the language, and what the libraries have still to tell the browser."""


@user_logged_in.connect
def _come(sender: Any, **_person: Any) -> None:
    """Being away is counted from here, whatever an earlier sign-in has left in this browser."""
    session["seen"] = int(time.time())


@user_logged_out.connect
def _leave(sender: Any, **_person: Any) -> None:
    """What was kept for who leaves (words still to be said, an address shown once) is not for the next one here."""
    for key in set(session) - KEPT_IN_SESSION:
        del session[key]


# -- parked posts --------------------------------------------------------------------------------------


def _cipher(token: str) -> Fernet:
    key = hashlib.sha256(f"{current_app.config['SECRET_KEY']}|{token}".encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


def _park(owner: int) -> Response:
    data: dict[str, Any] = request.form.to_dict(flat=False)
    for name, uploads in request.files.lists():
        data[name] = [FileStorage(io.BytesIO(f.read()), f.filename, name, f.content_type) for f in uploads]
    builder = EnvironBuilder(method="POST", data=data)
    environ = builder.get_environ()
    body = environ["wsgi.input"].read()
    token = secrets.token_urlsafe(24)
    db.session.execute(delete(ParkedRequest).where(ParkedRequest.at < now() - PARKED_FOR))
    db.session.add(
        ParkedRequest(
            token_hash=hashlib.sha256(token.encode()).hexdigest(),
            user_id=owner,
            path=request.full_path.rstrip("?"),
            content_type=environ["CONTENT_TYPE"],
            body=_cipher(token).encrypt(body),
        )
    )
    db.session.commit()
    flash(_("Your sign-in had ended. Sign in, and what you sent goes on."), "warning")
    answer = redirect(url_for("security.login", next=url_for("web.go_on")))
    answer.set_cookie(
        PARKED_COOKIE,
        token,
        max_age=int(PARKED_FOR.total_seconds()),
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return answer


def _parked() -> tuple[ParkedRequest, bytes] | None:
    token = request.cookies.get(PARKED_COOKIE, "")
    row = db.session.get(ParkedRequest, hashlib.sha256(token.encode()).hexdigest()) if token else None
    if row is None or row.user_id != current_user.id or now() - row.at > PARKED_FOR:
        return None
    try:
        return row, _cipher(token).decrypt(row.body)
    except InvalidToken:
        return None


@bp.route("/continue", methods=["GET", "POST"])
@signed_in
def go_on() -> Any:
    """What was sent before the sign-in ended goes on."""
    found = _parked()
    if found is None:
        if PARKED_COOKIE in request.cookies:
            flash(_("There is nothing left to go on with. Please send it again."), "warning")
        return redirect("/")
    row, body = found
    if request.method == "GET":
        return render_template("continue.html", path=row.path)
    path, _sep, query = row.path.partition("?")
    environ = dict(request.environ)
    for key in [k for k in environ if k.startswith(("werkzeug.", "flask."))]:
        del environ[key]
    environ |= {
        "PATH_INFO": path,
        "QUERY_STRING": query,
        "REQUEST_URI": row.path,
        "RAW_URI": row.path,
        "CONTENT_TYPE": row.content_type,
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "hearings.replay": True,
    }
    db.session.delete(row)
    db.session.commit()
    db.session.remove()
    with current_app.app_context():  # a `g` and a database session of its own, as any other request has
        answer = Response.from_app(current_app.wsgi_app, environ, buffered=True)
    answer.delete_cookie(PARKED_COOKIE)
    return answer


# -- after the form ------------------------------------------------------------------------------------


def _own_form_id() -> str | None:
    """The one-time id of the form that was sent, if it was made for who sends it."""
    form_id = request.form.get("form_id")
    return form_id if form_id and form_owner(form_id) == current_user.id else None


def commit_once(location: str) -> Response | None:
    """Commit, and remember the form's one-time id with its result; the way there if it was carried out before."""
    form_id, person = _own_form_id(), current_user.id
    try:
        if form_id:
            db.session.execute(_SUBMITTED, {"form_id": form_id, "user_id": person, "location": location})
        db.session.commit()
    except IntegrityError:
        db.session.rollback()
        done = db.session.get(SubmittedForm, form_id) if form_id else None
        if done is None:
            raise
        return _result(done.location, form_id)
    return None


def finish(location: str) -> Any:
    """Commit once, remember the form's one-time id with its result, and answer 303 (JSON to autosave)."""
    before = commit_once(location)
    if before is not None:
        return before
    if autosaving():
        form = g.get("form")
        fields: dict[str, Any] = {"form_id": new_form_id()}
        if form is not None:
            form.rebase()
            fields |= {"base": form.base.data} | {name: _as_typed(form[name]) for name in form.taken}
        saved = now().astimezone(LOCAL).strftime("%H:%M")
        return jsonify(saved_at=saved, fields=fields, location=location)
    return _result(location, _own_form_id())


def _as_typed(field: Any) -> str | list[str]:
    """A field's value as its input has it: of several boxes, those that are ticked."""
    if isinstance(field.data, list):
        return [str(value) for value in field.data]
    if hasattr(field, "_value"):
        return field._value()
    return "" if field.data is None else str(field.data)


def autosaving() -> bool:
    """Whether the page saves by itself (app.js sends this header and reads JSON)."""
    return request.headers.get("X-Requested-With") == "XMLHttpRequest"


def submit(
    form: Form, act: Callable[[], Any], to: str | Callable[[Any], str], said: Any = None, tone: str = "success"
) -> Any | None:
    """Carry out a posted, valid form: `act()`, one commit, 303 to `to` (an address, or made of act's result).

    The page it leads to says `said`, in the `tone` of a flash: success or warning.

    Returns None when the form was not posted, does not hold, or a rule refused it: the caller renders it again
    with `page()`, and nothing that was typed is lost.
    """
    if not form.validate_on_submit():
        return None
    g.form = form
    said_before = list(session.get("_flashes", ()))
    try:
        result = act()
    except RuleBroken as broken:
        form.add_error(broken)
    if form.errors:  # a rule, or merge() found a conflict: what parts of the act have said did not happen
        db.session.rollback()
        session["_flashes"] = said_before
        return None
    if said is not None and not autosaving():
        flash(said, tone)
    return finish(to(result) if callable(to) else to)


def perform(act: Callable[[], Any], to: str | Callable[[Any], str], said: Any = None) -> Any:
    """Carry out a one-button post. `RuleBroken` becomes a 409 page."""
    result = act()
    if said is not None and not autosaving():
        flash(said, "success")
    return finish(to(result) if callable(to) else to)


def page(template: str, form: Form | None = None, **context: Any) -> Any:
    """Render; 422 when the form was posted and does not hold, 409 when two people's edits met."""
    code = 200
    if form is not None and form.is_submitted() and form.has_errors:
        clash = any(getattr(f, "conflict", None) for f in form)
        code = 409 if clash else 422
        if autosaving():
            errors = {name: [str(e) for e in said] for name, said in form.errors.items() if name}
            return jsonify(errors=errors, message=" ".join(str(e) for e in form.form_errors) or None), code
    return render_template(template, form=form, **context), code


def page_above(path: str) -> str | None:
    """The nearest page over an address: of `/issues/7/assign` the issue's; None where only the front page is."""
    addresses = current_app.url_map.bind("")
    while path := path.rstrip("/").rpartition("/")[0]:
        for address in (path, f"{path}/"):
            with suppress(NotFound, MethodNotAllowed, RequestRedirect):
                addresses.match(address, method="GET")
                return address
    return None


# -- small pages ---------------------------------------------------------------------------------------


@bp.post("/language")
@public
def choose_language() -> Any:
    """Choose the language: kept with the person, else in the session."""
    chosen = request.form.get("lang", "")
    if chosen in ("zh_Hans", "en"):
        session["locale"] = chosen
        if current_user.is_authenticated:
            current_user.locale = chosen
            db.session.commit()
    back = clean_arg(request.form.get("next", ""), 2000)
    return redirect(back if back.startswith("/") and back[1:2] != "\\" and validate_redirect_url(back) else "/", 303)


@bp.post("/undo/<int:offer_id>")
@signed_in
def take_back(offer_id: int) -> Any:
    """Undo an act of one's own."""
    return perform(lambda: undo.take_back(offer_id, actor=current_user).back, lambda back: back, _("Undone."))


def old_forms() -> int:
    """Forget form ids older than a week. Returns how many."""
    return db.session.execute(  # type: ignore[attr-defined]
        delete(SubmittedForm).where(SubmittedForm.at < now() - timedelta(days=7))
    ).rowcount
