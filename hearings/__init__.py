"""人大代表民生夜询会: the table of contents.

Rooms stand in the order of a hearing's life; a room may import earlier rooms, never later ones.
"""

import os
import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, render_template, request
from flask_bootstrap import Bootstrap5
from flask_login import current_user
from flask_migrate import Migrate
from jinja2 import StrictUndefined
from sqlalchemy.exc import IntegrityError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from config import Config

from . import assets, cli, ddl, filters, health, language, permissions, templating, web
from .calendars.routes import bp as calendars
from .db import SQLite, db, end_reading
from .desk.guide import bp as guide
from .desk.routes import bp as desk
from .errors import RuleBroken
from .forms import new_form_id
from .issues.routes import bp as issues
from .ledger.routes import bp as ledger
from .minutes.routes import bp as minutes
from .notices.routes import bp as notices
from .papers.routes import bp as papers
from .people import house, signin
from .people.routes import bp as people
from .reviews.routes import bp as reviews
from .schedule.routes import bp as schedule

ROOMS = (people, schedule, issues, reviews, calendars, minutes, papers, notices, ledger, desk, guide)

migrate = Migrate(render_as_batch=True, compare_type=True)
bootstrap = Bootstrap5()

CSP = (
    "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'self'; "
    "frame-ancestors 'none'; form-action 'self'"
)


def create_app(config: Any = None) -> Flask:
    """The application. `config` is a Config object; by default one read from the environment."""
    config = config or Config()
    instance = Path(config.INSTANCE)
    instance.mkdir(parents=True, exist_ok=True)
    app = Flask(
        __name__,
        template_folder="../templates",
        static_url_path=assets.url_path(),
        instance_path=str(instance.resolve()),
    )
    app.jinja_environment = templating.Environment
    app.config.from_object(config)
    _settle(app, instance)
    app.logger.setLevel(app.config["LOG_LEVEL"])
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.add_extension("jinja2.ext.do")
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(filters.ALL)
    app.jinja_env.globals.update(new_form_id=new_form_id)

    db.init_app(app)
    app.teardown_appcontext(end_reading)  # before the session goes: what is named last comes first
    migrate.init_app(app, db, directory=str(Path(__file__).parent.parent / "migrations"))
    language.init_app(app)
    bootstrap.init_app(app)
    templating.init_app(app, bootstrap.load_css)
    app.config["WTF_CSRF_CHECK_DEFAULT"] = False  # web.before_request decides
    web.csrf.init_app(app)
    app.before_request(web.before_request)
    signin.init_app(app)
    house.init_app(app)
    app.register_blueprint(web.bp)
    app.register_blueprint(health.bp)
    for room in ROOMS:
        app.register_blueprint(room)
    cli.init_app(app)

    app.context_processor(_everywhere)
    app.after_request(_headers)
    _error_pages(app)
    if not app.testing:
        assets.serve(app, instance / "static")
    if config.PROXY_COUNT:
        app.wsgi_app = ProxyFix(app.wsgi_app, config.PROXY_COUNT, config.PROXY_COUNT)  # type: ignore[method-assign]
    return app


def _settle(app: Flask, instance: Path) -> None:
    """Fill in what the environment left open: database, secret key, password salt."""
    url = app.config["DATABASE_URL"] or f"sqlite:///{instance.resolve() / 'hearings.db'}"
    if url.startswith(("postgres://", "postgresql://")):
        url = "postgresql+psycopg://" + url.split("://", 1)[1]
    app.config["SQLALCHEMY_DATABASE_URI"] = url
    if url.startswith("postgresql"):
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
            "pool_pre_ping": True,
            "pool_use_lifo": True,  # a connection that was used just now has its statements planned
            # compiling a statement, or calling other processes for help with it, takes longer than any of ours runs
            "connect_args": {"connect_timeout": 3, "options": "-c jit=off -c max_parallel_workers_per_gather=0"},
        }
    elif url.startswith("sqlite"):
        app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {"connect_args": {"factory": SQLite}}
    key = app.config["SECRET_KEY"]
    if not key:
        place = instance / "secret-key"
        if not place.exists():
            handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w") as out:
                out.write(secrets.token_urlsafe(48))
        key = app.config["SECRET_KEY"] = place.read_text().strip()
    if app.config["PRODUCTION"] and (len(key) < 24 or key in KNOWN_KEYS):
        raise SystemExit("HEARINGS_SECRET_KEY 太短或已公开，不能用于正式环境 / is too short or publicly known.")
    app.config["SECURITY_PASSWORD_SALT"] = key
    secure = app.config["BASE_URL"].startswith("https://")
    app.config["SESSION_COOKIE_SECURE"] = app.config["REMEMBER_COOKIE_SECURE"] = secure


KNOWN_KEYS = {"only for tests", "dev", "secret", "changeme", "change-me", "password"}


def _everywhere() -> dict[str, Any]:
    from .desk.nav import rooms_of  # desk is the last room; it knows all addresses

    user = current_user._get_current_object()  # the row, so that a template need not find it anew each time
    return {
        "current_user": user,
        "nav": rooms_of(user) if user.is_authenticated else [],
        "inbox_count": g.get("beside", {}).get("unread", 0),
        "inbox_url": "/inbox/",
        "office_name": current_app.config["OFFICE_NAME"],
        "system_name": current_app.config["SYSTEM_NAME"],
        "locale": language.ENGLISH if language.is_english() else language.CHINESE,
        "today": filters.full_day(datetime.now(UTC)),
    }


def _headers(response: Any) -> Any:
    response.headers.setdefault("Content-Security-Policy", CSP)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")
    response.headers.setdefault("Referrer-Policy", "same-origin")
    if request.blueprint == "security":
        response.headers["Cache-Control"] = "no-store"  # the library's own comes out as no directive that is known
    elif "Cache-Control" not in response.headers:
        response.headers["Cache-Control"] = "no-store" if response.mimetype == "text/html" else "private, no-cache"
    return response


def _error_pages(app: Flask) -> None:
    known = {400, 403, 404, 409, 413, 422, 429, 500}

    def plain(error: HTTPException) -> Any:
        code = error.code if error.code in known else 400 if (error.code or 500) < 500 else 500
        db.session.rollback()
        if (error.code or 500) < 400:
            return error
        return render_template(f"errors/{code}.html"), error.code

    def rule(error: RuleBroken) -> Any:
        db.session.rollback()
        if web.autosaving():
            return {"message": str(error.message), "errors": {}}, 422
        return render_template("errors/409.html", message=error.message, back=web.page_above(request.path)), 409

    def integrity(error: IntegrityError) -> Any:
        db.session.rollback()
        app.logger.warning("integrity: %s", error.orig)
        return render_template("errors/409.html"), 409

    def crash(error: Exception) -> Any:
        app.logger.exception("unexpected")
        try:
            db.session.rollback()
        finally:
            # no context processor: it might ask the database that has just failed
            words = app.jinja_env.get_template("errors/500.html").render(locale=language.of_browser())
            return words, 500  # noqa: B012

    app.register_error_handler(HTTPException, plain)
    app.register_error_handler(RuleBroken, rule)
    app.register_error_handler(IntegrityError, integrity)
    if not app.testing:
        app.register_error_handler(Exception, crash)


__all__ = ["create_app", "ddl", "permissions"]
