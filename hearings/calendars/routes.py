"""“Add to calendar” as a file, calendars to subscribe to, and the page where a person gets their addresses."""

import hashlib
import ipaddress
import logging
import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlsplit

from flask import Blueprint, abort, current_app, make_response, render_template, request, session
from flask_babel import gettext as _
from sqlalchemy import or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from ..db import db, now, will_write
from ..forms import as_number
from ..people.models import User
from ..permissions import public, requires, scoped, signed_in
from ..schedule.models import Hearing, HearingKind, HearingStatus, Topic
from ..web import me, perform
from . import feeds, ics, operations
from .models import CalendarFeed, FeedKind

log = logging.getLogger(__name__)

bp = Blueprint("calendars", __name__)


@bp.get("/hearings/<int:id>/invite.ics")
@requires("hearing.read", Hearing)
def invite(hearing: Hearing) -> Any:
    """A hearing of any kind; a draft is nobody's business yet."""
    return _download(hearing)


@bp.get("/look-backs/<int:id>/invite.ics")
@requires("hearing.read", Hearing)
def look_back_invite(hearing: Hearing) -> Any:
    """The same file, under the address of look-backs."""
    if hearing.kind == HearingKind.NIGHT_HEARING:
        abort(404)
    return _download(hearing)


def _download(hearing: Hearing) -> Any:
    if hearing.status in (HearingStatus.DRAFT, HearingStatus.DISCARDED):
        abort(404)
    agenda = db.session.scalars(
        select(Topic.title)
        .where(Topic.hearing_id == hearing.id, scoped("topic.read", me(), Topic))
        .order_by(Topic.position, Topic.id)
    ).all()
    settings = current_app.config
    base_url = _base_url()
    told = feeds.occasion(hearing, agenda=tuple(agenda), base_url=base_url)
    body = ics.publish([ics.event(told, host=settings["UID_HOST"], organisation=settings["ORGANISATION"])])
    answer = make_response(body)
    answer.content_type = "text/calendar; charset=utf-8"
    number = f"第{hearing.serial_no}期" if hearing.serial_no else ""
    name = quote(f"{number}{feeds.CATEGORIES[hearing.kind]}-{hearing.day.isoformat()}.ics")
    answer.headers["Content-Disposition"] = (
        f"attachment; filename=\"hearing-{hearing.id}.ics\"; filename*=UTF-8''{name}"
    )
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.set_etag(hashlib.sha256(body).hexdigest())
    return answer.make_conditional(request)


# -- calendars to subscribe to ---------------------------------------------------------------------------

READ_NOTED = timedelta(hours=1)
"""That a calendar was read is noted at most this often."""
TOKEN = re.compile("[A-Za-z0-9_-]{22,64}")


def _base_url() -> str:
    return current_app.config["BASE_URL"] or request.host_url


@bp.get("/cal/<token>/calendar.ics", defaults={"todo": False})
@bp.get("/cal/<token>/todo.ics", defaults={"todo": True})
@public
def read(token: str, todo: bool) -> Any:
    """A subscribed calendar (calendar.md a.6): no sign-in, no cookie, no redirect; rights are asked anew."""
    row = None
    if TOKEN.fullmatch(token):
        row = db.session.scalar(
            select(CalendarFeed)
            .where(CalendarFeed.token_sha256 == operations.fingerprint(token))
            .options(
                joinedload(CalendarFeed.user).joinedload(User.role_rows),
                joinedload(CalendarFeed.user).joinedload(User.department),
            )
        )
    if row is None:
        abort(404)
    if row.revoked_at is not None or not row.user.is_with_us:
        return _plain(_("This calendar has been closed. Get a new address on the page “My calendar”."), 410)
    feed, base = feeds.of(row, todo=todo), _base_url()
    version = feeds.head()
    tag = feeds.remembered(row.id, feed, base, version)
    due_to_note = row.read_at is None or now() - row.read_at > READ_NOTED
    feed_id = row.id
    if tag is not None and request.if_none_match.contains(tag):
        answer = make_response(b"")
        answer.set_etag(tag)
    else:
        data = feeds.body(feed, base_url=base)
        tag = feeds.etag(data)
        feeds.remember(feed_id, feed, base, version, tag)
        answer = make_response(data)
        answer.set_etag(tag)
    answer.content_type = "text/calendar; charset=utf-8"
    name = quote("夜询会任务.ics" if todo else "夜询会日程.ics")
    answer.headers["Content-Disposition"] = f"inline; filename=\"calendar.ics\"; filename*=UTF-8''{name}"
    answer.headers["Cache-Control"] = "private, max-age=300, must-revalidate"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    if due_to_note:
        _note_reading(feed_id)
    return answer.make_conditional(request)


def _plain(words: str, code: int) -> Any:
    answer = make_response(words + "\n", code)
    answer.content_type = "text/plain; charset=utf-8"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _note_reading(feed_id: int) -> None:
    """When it was last read and by what. A database that is busy must not keep the calendar from its reader."""
    agent = ics.line(request.headers.get("User-Agent", ""))[:200]
    db.session.rollback()
    will_write(True)
    try:
        db.session.execute(
            update(CalendarFeed)
            .where(
                CalendarFeed.id == feed_id,
                or_(CalendarFeed.read_at.is_(None), CalendarFeed.read_at < now() - READ_NOTED),
            )
            .values(read_at=now(), read_by=agent or None)
        )
        db.session.commit()
    except OperationalError:
        log.warning("the reading of calendar %s was not noted", feed_id)
        db.session.rollback()


# -- my calendar -----------------------------------------------------------------------------------------

SHOWN = "calendar_address"


@bp.get("/calendar/")
@signed_in
def mine() -> Any:
    """The addresses this person may have, what reads them, and how to put them into each client."""
    shown = session.pop(SHOWN, None)
    base = _base_url().rstrip("/")
    fresh = None
    if shown:
        path = f"/cal/{shown['token']}/calendar.ics"
        bare = base.split("://", 1)[1]
        fresh = {
            "id": shown["id"],
            "url": base + path,
            "todo_url": f"{base}/cal/{shown['token']}/todo.ics",
            "webcal": f"webcal://{bare}{path}",
            "google": "https://calendar.google.com/calendar/r?cid=" + quote(f"webcal://{bare}{path}", safe=""),
        }
    return render_template(
        "calendars/mine.html",
        offers=operations.offers(me()),
        fresh=fresh,
        qr=qr_of(fresh["url"]) if fresh else None,
        reach=reach_of(base),
        base=base,
        in_wechat="MicroMessenger" in request.headers.get("User-Agent", ""),
    )


def qr_of(url: str) -> Any:
    """The address as a picture for a phone's camera."""
    from ..documents import qr

    return qr.svg(url)


def reach_of(base_url: str) -> str:
    """From where the address can be read: `machine`, `inside` (office network), or `outside` as far as a name tells."""
    host = (urlsplit(base_url).hostname or "").lower()
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if host == "localhost" or host.endswith(".localhost"):
            return "machine"
        inside = "." not in host or host.rsplit(".", 1)[1] in ("local", "lan", "internal", "intranet", "home", "corp")
        return "inside" if inside else "outside"
    if address.is_loopback:
        return "machine"
    return "outside" if address.is_global else "inside"


@bp.post("/calendar/new")
@signed_in
def new() -> Any:
    """A new address, or a new one in place of the old (which is closed at once)."""
    kind = request.form.get("kind", "")
    if kind not in set(FeedKind):
        abort(404)

    def act() -> None:
        station_id = as_number(request.form.get("station", ""))
        row, token = operations.subscribe(FeedKind(kind), station_id=station_id, actor=me())
        session[SHOWN] = {"id": row.id, "token": token}

    return perform(act, "/calendar/#fresh", _("Here is your address. It is shown only this once."))


def _own(id: int) -> CalendarFeed:
    row = db.session.get(CalendarFeed, id) if id < 2**31 else None
    if row is None or row.user_id != me().id:
        abort(404)
    return row


@bp.post("/calendar/<int:id>/revoke")
@signed_in
def revoke(id: int) -> Any:
    """Close an address: whoever has it reads nothing any more."""
    row = _own(id)
    return perform(lambda: operations.revoke(row, actor=me()), "/calendar/", _("The address has been closed."))


@bp.post("/calendar/<int:id>/alarms")
@signed_in
def alarms(id: int) -> Any:
    """Let the calendar ring, or not."""
    row = _own(id)
    wanted = request.form.get("alarms") == "on"
    return perform(
        lambda: operations.set_alarms(row, wanted, actor=me()),
        "/calendar/",
        _("The calendar will ring.") if wanted else _("The calendar will not ring."),
    )
