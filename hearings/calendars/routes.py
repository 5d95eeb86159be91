"""“Add to calendar”: a hearing or a look-back as a file."""

import hashlib
from typing import Any
from urllib.parse import quote

from flask import Blueprint, abort, current_app, make_response, request
from sqlalchemy import select

from ..db import db
from ..permissions import requires, scoped
from ..schedule.models import Hearing, HearingKind, HearingStatus, Topic
from ..web import me
from . import ics

bp = Blueprint("calendars", __name__)

CATEGORIES = {
    HearingKind.NIGHT_HEARING: "民生夜询会",
    HearingKind.LOOK_BACK: "回头看",
    HearingKind.EVALUATION_MEETING: "绩效评估座谈会",
    HearingKind.GROUP_CONSULTATION: "集体面商",
}
"""Words of the record, in Chinese whoever reads the page."""


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


def occasion(hearing: Hearing, *, agenda: tuple[str, ...], base_url: str) -> ics.Occasion:
    """What the calendar tells of a hearing. `agenda` holds only topics that the reader may see."""
    return ics.Occasion(
        uid=hearing.uid,
        sequence=hearing.sequence,
        created=hearing.created_at,
        changed=hearing.changed_at,
        starts=hearing.starts_at,
        ends=hearing.ends_at,
        title=hearing.title,
        place=hearing.place,
        url=f"{base_url.rstrip('/')}/hearings/{hearing.id}",
        station_key=str(hearing.station_id),
        agenda=agenda,
        theme=hearing.theme,
        category=CATEGORIES[hearing.kind],
        follows_uid=hearing.follows.uid if hearing.follows is not None else None,
        cancelled=hearing.status == HearingStatus.CANCELLED,
        postponed=hearing.status == HearingStatus.POSTPONED,
        reason=hearing.reason,
    )


def _download(hearing: Hearing) -> Any:
    if hearing.status in (HearingStatus.DRAFT, HearingStatus.DISCARDED):
        abort(404)
    agenda = db.session.scalars(
        select(Topic.title)
        .where(Topic.hearing_id == hearing.id, scoped("topic.read", me(), Topic))
        .order_by(Topic.position, Topic.id)
    ).all()
    settings = current_app.config
    base_url = settings["BASE_URL"] or request.host_url
    told = occasion(hearing, agenda=tuple(agenda), base_url=base_url)
    body = ics.publish([ics.event(told, host=settings["UID_HOST"], organisation=settings["ORGANISATION"])])
    answer = make_response(body)
    answer.content_type = "text/calendar; charset=utf-8"
    number = f"第{hearing.serial_no}期" if hearing.serial_no else ""
    name = quote(f"{number}{CATEGORIES[hearing.kind]}-{hearing.day.isoformat()}.ics")
    answer.headers["Content-Disposition"] = (
        f"attachment; filename=\"hearing-{hearing.id}.ics\"; filename*=UTF-8''{name}"
    )
    answer.headers["Cache-Control"] = "private, no-cache"
    answer.headers["X-Robots-Tag"] = "noindex"
    answer.set_etag(hashlib.sha256(body).hexdigest())
    return answer.make_conditional(request)
