"""GET /healthz: 200 only when the database answers, 503 within two seconds otherwise, also when it hangs."""

import threading
from typing import Any

from flask import Blueprint, current_app, jsonify
from sqlalchemy import text

from .db import db, will_write
from .permissions import public

bp = Blueprint("health", __name__)
LIMIT = 1.5
_probe = threading.Lock()


@bp.get("/healthz")
@public
def healthz() -> Any:
    """Ask the database in a thread of its own, so that a database that hangs cannot hang the answer."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    answered = threading.Event()

    def ask() -> None:
        if not _probe.acquire(timeout=LIMIT):  # an earlier question is still waiting
            return
        try:
            will_write(False)
            with app.app_context(), db.engine.connect() as connection:
                connection.execute(text('SELECT id FROM "user" LIMIT 1'))
            answered.set()
        except Exception as error:  # any failure means the same: not healthy
            app.logger.warning("healthz: %s", error)
        finally:
            _probe.release()

    threading.Thread(target=ask, name="healthz", daemon=True).start()
    if answered.wait(LIMIT):
        return jsonify(status="ok")
    return jsonify(status="unavailable"), 503
