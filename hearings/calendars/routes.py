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
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from ..db import db, now, will_write
from ..forms import as_number
from ..people.models import User
from ..permissions import anonymous, requires, signed_in
from ..prepared import ask
from ..schedule.models import Hearing, HearingKind, HearingStatus, Station
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
    settings = current_app.config
    agenda, reviews = feeds.agenda_of(hearing, me())
    told = feeds.occasion(hearing, agenda=agenda, reviews=reviews, base_url=_base_url())
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


_BY_TOKEN = (
    select(
        CalendarFeed.id,
        CalendarFeed.user_id,
        CalendarFeed.hides_invited,
        CalendarFeed.read_at,
        feeds.HEAD.label("version"),
    )
    .where(CalendarFeed.token_sha256 == bindparam("token"))
    .limit(1)
)
_AT_THE_DOOR = select(Station.feed_is_public, feeds.HEAD.label("version")).where(Station.id == bindparam("station"))


@bp.get("/cal/<token>/calendar.ics", defaults={"todo": False})
@bp.get("/cal/<token>/todo.ics", defaults={"todo": True})
@anonymous
def read(token: str, todo: bool) -> Any:
    """A subscribed calendar (calendar.md a.6): no sign-in, no cookie, no redirect; rights are asked anew.

    Nothing was written since this body was made, on this day: then it is the body still, and so are the rights.
    """
    known = None
    if TOKEN.fullmatch(token):
        known = ask(_BY_TOKEN, {"token": operations.fingerprint(token)}).one_or_none()
    if known is None:
        abort(404)
    without = feeds.held_elsewhere(known.user_id) if known.hides_invited and not todo else ()
    version, base = (known.version, without), _base_url()
    tag = feeds.remembered((known.id, todo), base, version)
    if tag is not None and request.if_none_match.contains(tag):
        answer = _unchanged(tag)
    else:
        row = (
            db.session.scalars(
                select(CalendarFeed)
                .where(CalendarFeed.id == known.id)
                .options(
                    joinedload(CalendarFeed.user).joinedload(User.role_rows),
                    joinedload(CalendarFeed.user).joinedload(User.department),
                )
            )
            .unique()
            .one()
        )
        if row.revoked_at is not None or not row.user.is_with_us:
            return _plain(_("This calendar has been closed. Get a new address on the page “My calendar”."), 410)
        data = feeds.body(feeds.of(row, todo=todo, without=without), base_url=base)
        tag = feeds.etag(data)
        feeds.remember((known.id, todo), base, version, tag)
        answer = _calendar(data, tag, "夜询会任务.ics" if todo else "夜询会日程.ics")
    answer.headers["Cache-Control"] = "private, max-age=300, must-revalidate"
    if known.read_at is None or now() - known.read_at > READ_NOTED:
        _note_reading(known.id)
    return answer


@bp.get("/stations/<int:id>/calendar.ics")
@anonymous
def at_the_door(id: int) -> Any:
    """A station's calendar for everybody, if the station wants one: what is announced on its door."""
    known = ask(_AT_THE_DOOR, {"station": id}).one_or_none() if id < 2**31 else None
    if known is None or not known.feed_is_public:
        abort(404)
    base = _base_url()
    tag = feeds.remembered(("station", id), base, known.version)
    if tag is not None and request.if_none_match.contains(tag):
        answer = _unchanged(tag)
    else:
        data = feeds.body(feeds.at_the_door(id), base_url=base)
        tag = feeds.etag(data)
        feeds.remember(("station", id), base, known.version, tag)
        answer = _calendar(data, tag, "夜询会日程.ics")
    answer.headers["Cache-Control"] = "public, max-age=300, must-revalidate"
    return answer


def _calendar(data: bytes, tag: str, name: str) -> Any:
    """The answer of a subscribed calendar."""
    answer = make_response(data)
    answer.set_etag(tag)
    answer.content_type = "text/calendar; charset=utf-8"
    answer.headers["Content-Disposition"] = f"inline; filename=\"calendar.ics\"; filename*=UTF-8''{quote(name)}"
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer.make_conditional(request)


def _unchanged(tag: str) -> Any:
    """The reader has this very body (RFC 9110 §15.4.5)."""
    answer = current_app.response_class(status=304)
    answer.set_etag(tag)
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


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


@bp.post("/calendar/<int:id>/invited")
@signed_in
def invited(id: int) -> Any:
    """Leave out of one's own calendar what an invitation by mail has put there already, or not."""
    row = _own(id)
    if row.kind != FeedKind.PERSONAL:
        abort(404)
    wanted = request.form.get("hide") == "on"
    return perform(
        lambda: operations.set_hides_invited(row, wanted, actor=me()),
        "/calendar/",
        _("What you were invited to by mail is left out.")
        if wanted
        else _("What you were invited to by mail is shown."),
    )


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
