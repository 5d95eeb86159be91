"""Signing in with a login name. The library carries the sign-in; looking people up and locking are ours."""

import functools
from collections.abc import Callable
from typing import Any

from flask import current_app, flash, g, session
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_security import signals
from flask_security.core import Security
from flask_security.datastore import SQLAlchemyUserDatastore
from flask_security.forms import ChangePasswordForm, LoginForm
from flask_security.utils import hash_password, set_request_attr, verify_and_update_password
from sqlalchemy import bindparam, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import joinedload
from wtforms import BooleanField, PasswordField, StringField, SubmitField

from .. import audit
from ..db import db
from ..errors import RuleBroken
from ..forms import Filled, clean_arg
from . import login_name
from .models import User
from .operations import check_password, count_failure, is_shut_out, password_changed, wrong_name

security = Security()


LOGIN_NAME = StringField(_l("Login name"), validators=[Filled()], render_kw={"autocomplete": "username"})


class SignInForm(LoginForm):
    """Login name and password. The same sentences for all wrong pairs, also after too many tries: which names exist

    stays unknown.
    """

    email = None  # type: ignore[assignment]
    username = LOGIN_NAME
    password = PasswordField(_l("Password"), validators=[Filled()], render_kw={"autocomplete": "current-password"})
    remember = BooleanField(_l("Keep me signed in on this computer"))
    submit = SubmitField(_l("Sign in"))

    def validate(self, **kwargs: Any) -> bool:
        if not super(LoginForm, self).validate(**kwargs):
            return False
        name = login_name(clean_arg(self.username.data or ""))
        # Locked while the password is looked at: many tries at once are as many, one after another.
        self.user = db.session.scalar(
            select(User).where(User.username == name).with_for_update(of=User).execution_options(populate_existing=True)
        )
        tried = self.user or wrong_name(name)
        if is_shut_out(tried):
            self.form_errors.append(_too_many())
            return False
        if self.user is None:
            hash_password(self.password.data or "")  # as long as a wrong password takes
        if (
            self.user is None
            or not self.user.password
            or not verify_and_update_password(self.password.data or "", self.user)
        ):
            count_failure(tried)
            try:
                db.session.commit()
            except IntegrityError:  # the same unknown name, at the same moment
                db.session.rollback()
            return self._wrong()
        if not self.user.is_with_us:
            self.form_errors.append(_("This sign-in has been closed. Please ask the administrator."))
            return False
        self.user.failures, self.user.failed_at = 0, None
        audit.record("user.sign_in", self.user, self.user)
        db.session.commit()
        return True

    def _wrong(self) -> bool:
        self.form_errors.append(_("Login name or password is wrong."))
        return False


def _too_many() -> str:
    return _(
        "Too many wrong tries. Please try again in %(minutes)d minutes, or ask the administrator.",
        minutes=current_app.config["LOCK_MINUTES"],
    )


class NewPasswordForm(ChangePasswordForm):
    """Old password once, the new one twice. The rules are the house's (GB/T 22239: complexity), in its words."""

    password = PasswordField(_l("Password now"), validators=[Filled()], render_kw={"autocomplete": "current-password"})
    new_password = PasswordField(_l("New password"), validators=[Filled()], render_kw={"autocomplete": "new-password"})
    new_password_confirm = PasswordField(
        _l("New password again"), validators=[Filled()], render_kw={"autocomplete": "new-password"}
    )
    submit = SubmitField(_l("Change password"))

    def validate(self, **kwargs: Any) -> bool:
        if not super(ChangePasswordForm, self).validate(**kwargs):
            return False
        user, new = me_now(), self.new_password.data or ""
        if is_shut_out(user):  # at a screen that somebody has left open it is guessed as well as at the door
            self.form_errors.append(_too_many())
            return False
        if not verify_and_update_password(self.password.data or "", user):
            count_failure(user)
            db.session.commit()
            self.password.errors = [_("This is not the password you have now.")]
            return False
        if new == self.password.data:
            self.new_password.errors = [_("The new password is the same as the one now.")]
            return False
        if new != self.new_password_confirm.data:
            self.new_password_confirm.errors = [_("The two new passwords are not the same.")]
            return False
        try:
            check_password(new, user.username)
        except RuleBroken as broken:
            self.new_password.errors = [str(broken.message)]
            return False
        return True


def me_now() -> User:
    """The person of this request, as a row."""
    return current_user._get_current_object()


def _changed(sender: Any, user: User, **kwargs: Any) -> None:
    """The library has set the new password and ended the other sign-ins; ours to note it."""
    password_changed(user)
    flash(_("Your password has been changed. Other sign-ins of yours have ended."), "success")


def _nobody_yet() -> dict[str, bool]:
    """Whether there is nobody who could sign in: the page then says how the first one is made."""
    return {"nobody_yet": db.session.scalar(select(User.id).limit(1)) is None}


beside: dict[str, Callable[[], Any]] = {}
"""What later rooms want to know of the person on every page, as columns by name: asked in the same statement, and

found in `flask.g.beside`."""


@functools.cache
def _person() -> Any:
    """The statement every page begins with, built once."""
    whole = (joinedload(User.role_rows), joinedload(User.stations))
    columns = [column().label(name) for name, column in beside.items()]
    return select(User, *columns).where(User.fs_uniquifier == bindparam("key")).options(*whole)


def load_user(fs_uniquifier: str) -> User | None:
    """The signed-in person of a request, with office, roles and stations, in one statement."""
    row = db.session.execute(_person(), {"key": fs_uniquifier}).unique().one_or_none()
    if row is None or not row[0].is_with_us:
        return None
    user: User = row[0]
    g.beside = {name: getattr(row, name) for name in beside}
    set_request_attr("fs_authn_via", "session")  # the library's own views ask how the person came in
    set_request_attr("fs_paa", session.get("fs_paa", 0))
    return user


def init_app(app: Any) -> None:
    """Join the library to the application."""
    store = SQLAlchemyUserDatastore(db, User, None)  # type: ignore[arg-type]
    security.init_app(app, store, login_form=SignInForm, change_password_form=NewPasswordForm)
    SignInForm.username = LOGIN_NAME  # the library has put one of its own there, that refuses dots and dashes
    app.login_manager.user_loader(load_user)
    app.login_manager.request_loader(lambda request: None)  # by the session only, never by a token in an address
    signals.password_changed.connect(_changed, app)
    security.login_context_processor(_nobody_yet)
