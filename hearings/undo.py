"""Undo instead of "are you sure?": a compensating act, offered to the same person for a while.

An operation that can be taken back says so with `offer()`; the room registers the compensation with
`@compensation(name)`, which raises `RuleBroken` when something rests on the act by now. An offer that names the
`page` of its thing is found there again (`standing()`) for as long as it holds, not only in the next page's head.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date, datetime, timedelta
from typing import Any

from flask import current_app, flash, get_template_attribute, has_request_context, session
from flask_babel import get_locale
from flask_babel import gettext as _
from sqlalchemy import ForeignKey, Index, inspect, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from .db import Model, db, now
from .errors import RuleBroken


class UndoOffer(Model):
    """An act that its doer may take back until `until`."""

    __table_args__ = (Index("ix_undo_offer_actor_id_page", "actor_id", "page"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    actor_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    act: Mapped[str]
    payload: Mapped[dict[str, Any]]
    back: Mapped[str]
    """Where to go after undoing."""
    said: Mapped[str]
    """What was done, in the language that the doer read then."""
    locale: Mapped[str]
    page: Mapped[str | None]
    """The address of the thing's own page, which shows the offer while it stands."""
    until: Mapped[datetime]
    used_at: Mapped[datetime | None]

    @property
    def words(self) -> str:
        """What was done, for a reader who may have changed the language since."""
        return self.said if self.locale == str(get_locale() or "") else _("What you did here last can be taken back.")


_compensations: dict[str, Callable[..., Any]] = {}
_holding: dict[str, Callable[..., bool]] = {}
_part_of_one: ContextVar[bool] = ContextVar("part_of_one", default=False)


@contextmanager
def as_one() -> Iterator[None]:
    """Acts inside offer nothing of their own: the act that they are part of is taken back as one."""
    token = _part_of_one.set(True)
    try:
        yield
    finally:
        _part_of_one.reset(token)


def compensation(
    act: str, holds: Callable[..., bool] | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register how to take an act back: `f(actor=…, **payload)`; `holds(**payload)` says whether it still can be."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        _compensations[act] = function
        if holds is not None:
            _holding[act] = holds
        return function

    return register


def is_part() -> bool:
    """Whether we are inside `as_one()`."""
    return _part_of_one.get()


def offer(
    act: str,
    said: Any,
    *,
    actor: Any,
    back: str = "/",
    page: str | None = None,
    lasts: timedelta | None = None,
    **payload: Any,
) -> UndoOffer | None:
    """Offer to take `act` back; in a request the offer is flashed with the sentence `said`.

    With `page`, the address of the thing's own page, it is shown there too. It lasts UNDO_MINUTES unless `lasts`
    says otherwise. Inside `as_one()` nothing is offered, and None comes back.
    """
    if _part_of_one.get():
        return None
    kept = UndoOffer(
        actor_id=actor.id,
        act=act,
        payload=payload,
        back=back,
        said=str(said),
        locale=str(get_locale() or ""),
        page=page,
        until=now() + (lasts or timedelta(minutes=current_app.config["UNDO_MINUTES"])),
    )
    db.session.add(kept)
    db.session.flush()
    if has_request_context():
        form = get_template_attribute("macros/ui.html", "undo_form")
        flash(form(f"/undo/{kept.id}", str(said)), "undo")
    return kept


def standing(page: str, *, actor: Any, limit: int = 3, act: str | None = None) -> list[UndoOffer]:
    """This person's offers on a thing's page that can still be taken up, the newest first; those of one `act` if named.

    One that the head of this very page is about to show is left out. One statement, and what `holds` asks.
    """
    flashed = " ".join(str(words) for _kind, words in session.get("_flashes", ())) if has_request_context() else ""
    rows = db.session.scalars(
        select(UndoOffer)
        .where(
            UndoOffer.actor_id == actor.id,
            UndoOffer.page == page,
            UndoOffer.used_at.is_(None),
            UndoOffer.until >= now(),
            true() if act is None else UndoOffer.act == act,
        )
        .order_by(UndoOffer.id.desc())
        .limit(limit)
    )
    return [
        kept
        for kept in rows
        if f'"/undo/{kept.id}"' not in flashed and _holding.get(kept.act, lambda **_payload: True)(**kept.payload)
    ]


def take_back(offer_id: int, *, actor: Any) -> UndoOffer:
    """Carry out an offer. Raises `RuleBroken` when it is not this person's, used, or too late."""
    kept = db.session.scalar(
        select(UndoOffer)
        .where(UndoOffer.id == offer_id, UndoOffer.actor_id == actor.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if kept is None:
        raise RuleBroken(_("There is nothing to undo here."))
    if kept.used_at is not None:
        raise RuleBroken(_("This has been undone already."))
    if now() > kept.until:
        raise RuleBroken(_("The time to undo this has passed."))
    _compensations[kept.act](actor=actor, **kept.payload)
    kept.used_at = now()
    return kept


def end_offers(person: Any) -> None:
    """Nothing that this person has done before can be taken back: it was done with other rights."""
    db.session.execute(
        update(UndoOffer)
        .where(UndoOffer.actor_id == person.id, UndoOffer.used_at.is_(None), UndoOffer.until > now())
        .values(until=now() - timedelta(seconds=1))
    )


def check(stands: Any, left: Any) -> None:
    """Raises `RuleBroken` unless a thing stands as the act has left it: somebody's later change is not undone."""
    if stands != left:
        raise RuleBroken(_("This has been changed since; it can no longer be undone."))


def snapshot(row: Any) -> dict[str, Any]:
    """A row's columns as JSON, to be put back by `restore()`."""
    return {
        attr.key: {"at": v.isoformat()} if isinstance(v := getattr(row, attr.key), datetime | date) else v
        for attr in inspect(row).mapper.column_attrs
    }


def value_of(kept: Any) -> Any:
    """One value of a `snapshot()` as it was: moments and days come back as such."""
    if isinstance(kept, dict) and set(kept) == {"at"}:
        words = kept["at"]
        return datetime.fromisoformat(words) if "T" in words else date.fromisoformat(words)
    return kept


def restore(model: Any, kept: dict[str, Any]) -> Any:
    """Put a removed row back, with its id."""
    row = model(**{attr.key: value_of(kept[attr.key]) for attr in inspect(model).column_attrs})
    db.session.add(row)
    db.session.flush()
    return row


def remove(*rows: Any) -> None:
    """Delete rows that nothing refers to. Raises `RuleBroken` when something does, whatever room it is of."""
    try:
        with db.session.begin_nested():
            for row in rows:
                db.session.delete(row)
                db.session.flush()
    except IntegrityError as error:
        raise RuleBroken(_("Something rests on it by now.")) from error
