"""Addresses of calendars: made, renewed, closed."""

import hashlib
import secrets
from typing import NamedTuple

from flask_babel import gettext as _
from sqlalchemy import select

from .. import audit
from ..db import db, now
from ..errors import RuleBroken
from ..people.models import User
from ..permissions import Role, may
from ..schedule.models import Station
from .models import CalendarFeed, FeedKind


class Offer(NamedTuple):
    """A calendar a person may have, and the address they have for it."""

    kind: FeedKind
    station: Station | None
    row: CalendarFeed | None


def fingerprint(token: str) -> str:
    """What is kept of a token."""
    return hashlib.sha256(token.encode()).hexdigest()


def offers(user: User) -> list[Offer]:
    """The calendars that make sense for this person, with the living address of each."""
    rows = db.session.scalars(
        select(CalendarFeed)
        .where(CalendarFeed.user_id == user.id, CalendarFeed.revoked_at.is_(None))
        .order_by(CalendarFeed.id)
    ).all()
    have = {(r.kind, r.station_id): r for r in rows}
    found = [Offer(FeedKind.PERSONAL, None, have.get((FeedKind.PERSONAL, None)))]
    if user.department_id is not None and Role.DEPARTMENT in user.role_set:
        found.append(Offer(FeedKind.DEPARTMENT, None, have.get((FeedKind.DEPARTMENT, None))))
    if _sees_the_district(user):
        found.append(Offer(FeedKind.DISTRICT, None, have.get((FeedKind.DISTRICT, None))))
    if _may_have_stations(user):
        every = select(Station).order_by(Station.code)
        if not _sees_the_district(user):
            every = every.where(Station.id.in_(user.station_ids))
        found += [
            Offer(FeedKind.STATION, s, have.get((FeedKind.STATION, s.id)))
            for s in db.session.scalars(every)
            if s.is_current or (FeedKind.STATION, s.id) in have
        ]
    return found


def _sees_the_district(user: User) -> bool:
    return bool(user.role_set & {Role.LEADER, Role.AUDITOR}) or (Role.ORGANISER in user.role_set and user.is_district)


def _may_have_stations(user: User) -> bool:
    return _sees_the_district(user) or Role.ORGANISER in user.role_set


def subscribe(kind: FeedKind, *, actor: User, station_id: int | None = None) -> tuple[CalendarFeed, str]:
    """A new address and its secret, which is told once and kept by nobody. An older one of the same is closed;

    its settings go on.

    Raises `RuleBroken` for a calendar this person is not offered.
    """
    offer = next(
        (o for o in offers(actor) if o.kind == kind and (o.station.id if o.station else None) == station_id), None
    )
    if offer is None or (kind != FeedKind.PERSONAL and not may(actor, "hearing.read")):
        raise RuleBroken(_("This calendar is not for you."))
    if offer.row is not None:
        revoke(offer.row, actor=actor)
    token = secrets.token_urlsafe(24)
    row = CalendarFeed(
        kind=kind,
        user=actor,
        department_id=actor.department_id if kind == FeedKind.DEPARTMENT else None,
        station_id=station_id,
        token_sha256=fingerprint(token),
        created_at=now(),
    )
    if offer.row is not None:
        row.alarms, row.hides_invited = offer.row.alarms, offer.row.hides_invited
    db.session.add(row)
    db.session.flush()
    audit.record("calendar.subscribe", row, actor, kind=kind)
    return row, token


def revoke(row: CalendarFeed, *, actor: User) -> None:
    """Close an address. A second time changes nothing."""
    if row.revoked_at is None:
        row.revoked_at = now()
        audit.record("calendar.revoke", row, actor)


def set_alarms(row: CalendarFeed, on: bool, *, actor: User) -> None:
    """Whether its events ring in the clients that let them."""
    if row.alarms != on:
        row.alarms = on
        audit.record("calendar.alarms", row, actor, on=on)


def set_hides_invited(row: CalendarFeed, on: bool, *, actor: User) -> None:
    """Whether it leaves out what an invitation by mail has put into the person's calendar already."""
    if row.hides_invited != on:
        row.hides_invited = on
        audit.record("calendar.hide_invited", row, actor, on=on)
