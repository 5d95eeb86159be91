"""Minutes from the first draft to published, and corrected."""

import copy
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from .. import audit, workflow
from ..db import db, now, today
from ..documents import render
from ..errors import RuleBroken
from ..files import StoredFile, _keep
from ..filters import day as day_words
from ..people.models import User
from ..schedule.models import Hearing, HearingStatus
from ..workflow import guard
from . import content as paper
from .models import Minutes, MinutesStatus
from .queries import is_published, latest

__all__ = ["amend", "correct", "draft", "latest", "publish", "return_to_draft", "review", "settle", "to_print"]


@guard("hearing.file")
def _minutes_are_published(hearing: Hearing) -> None:
    if not is_published(hearing.id):
        raise RuleBroken(_("Its minutes have not been published yet."))


# -- writing -------------------------------------------------------------------------------------------


def draft(hearing: Hearing, *, actor: User) -> Minutes:
    """Compose the first version from the record. A second time gives the version there is."""
    there = latest(hearing)
    if there is not None:
        return there
    if hearing.status not in (HearingStatus.CONCLUDED, HearingStatus.FILED):
        raise RuleBroken(_("Minutes are composed after the hearing has concluded."))
    said = paper.compose(hearing)
    minutes = Minutes(
        hearing=hearing,
        version=1,
        status=MinutesStatus.DRAFT,
        content=said,
        composed=copy.deepcopy(said),
        drafted_by=actor,
        drafted_at=now(),
    )
    db.session.add(minutes)
    db.session.flush()
    audit.record("minutes.draft", minutes, actor, status=MinutesStatus.DRAFT, version=1)
    return minutes


def _open(minutes: Minutes) -> None:
    if minutes.status == MinutesStatus.PUBLISHED:
        raise RuleBroken(_("Published minutes never change. Publish a correction instead."))
    if minutes.status == MinutesStatus.REVIEWED:
        raise RuleBroken(_("They have been reviewed; return them to draft first."))


def amend(minutes: Minutes, texts: Mapping[str, str | None], *, actor: User) -> None:
    """Write pieces anew, by their key (see content.pieces). Raises `RuleBroken` unless it is a draft."""
    if not texts:
        return
    _open(minutes)
    minutes.content = paper.with_texts(minutes.content, texts)
    audit.record("minutes.amend", minutes, actor, fields=sorted(texts))


def settle(minutes: Minutes, said: Mapping[str, Any], choices: Mapping[str, str], *, actor: User) -> None:
    """Settle differences between the minutes and what the record says now (`said`), by key.

    `record` takes the piece from the record, `mine` keeps the prose; either way the difference is not offered
    again until the record changes once more.
    """
    _open(minutes)
    known = {d.key for d in paper.differences(minutes.content, minutes.composed, said)}
    chosen = {k: c for k, c in choices.items() if k in known and c in ("record", "mine")}
    if not chosen:
        return
    taken = [k for k, c in chosen.items() if c == "record"]
    minutes.content = paper.take(minutes.content, said, taken)
    minutes.composed = paper.take(minutes.composed, said, chosen)
    kept = [k for k, c in chosen.items() if c == "mine"]
    audit.record("minutes.settle", minutes, actor, taken=sorted(taken), kept=sorted(kept))


# -- review --------------------------------------------------------------------------------------------


def review(minutes: Minutes, *, actor: User) -> None:
    """Somebody other than the drafter has read them (核稿), unless DRAFTER_MAY_REVIEW."""
    if minutes.drafted_by_id == actor.id and not current_app.config["DRAFTER_MAY_REVIEW"]:
        raise RuleBroken(_("Who drafted them cannot review them; ask a colleague."))
    workflow.advance(minutes, "review", actor=actor, version=minutes.version)
    minutes.reviewed_by = actor


def return_to_draft(minutes: Minutes, *, reason: str, actor: User) -> None:
    """Back to the drafter, with what is to be changed."""
    workflow.advance(minutes, "return", actor=actor, reason=reason)
    minutes.reviewed_by = None
    minutes.reviewed_at = None


# -- publishing ----------------------------------------------------------------------------------------


def state(minutes: Minutes) -> str:
    """A fingerprint of everything that publishing rests on: the version as it stands, and the record."""
    return paper.fingerprint(
        {
            "id": minutes.id,
            "status": minutes.status,
            "content": minutes.content,
            "reviewed_by": minutes.reviewed_by_id,
            "record": paper.compose(minutes.hearing),
        }
    )


def _previous(minutes: Minutes) -> Minutes | None:
    return db.session.scalar(
        select(Minutes)
        .where(
            Minutes.hearing_id == minutes.hearing_id,
            Minutes.version < minutes.version,
            Minutes.status == MinutesStatus.PUBLISHED,
        )
        .order_by(Minutes.version.desc())
        .limit(1)
    )


def to_print(minutes: Minutes, *, issued_by: str, issued_on: date) -> dict[str, Any]:
    """The final dict, before anything is written. Raises `RuleBroken` when it could not be published."""
    broken = workflow.refusal(minutes, "publish")
    if broken is not None:
        raise broken
    if issued_on > today():
        raise RuleBroken(_("The day it was signed cannot lie in the future."), "issued_on")
    if issued_on < minutes.hearing.day:
        raise RuleBroken(
            _("It cannot have been signed before the hearing (%(day)s).", day=day_words(minutes.hearing.day)),
            "issued_on",
        )
    before = _previous(minutes)
    return paper.printable(
        minutes.content,
        issued_by=issued_by,
        issued_on=paper.day_words(issued_on),
        drafted_by=minutes.drafted_by.name,
        reviewed_by=minutes.reviewed_by.name if minutes.reviewed_by else None,
        version=minutes.version,
        correction_reason=minutes.reason,
        draft=False,
        previous_sha256=before.pdf_sha256 if before else None,
    )


def publish(
    minutes: Minutes,
    *,
    issued_by: str,
    issued_on: date,
    actor: User,
    seen: str | None = None,
    pdf: bytes | None = None,
    signed_copy: StoredFile | None = None,
) -> None:
    """Publish for good: the dict, its PDF, both fingerprints, chained to the version before.

    A route takes `to_print()` and `state()`, ends its transaction, renders, and comes back with the state it has
    `seen` and the `pdf`; then nothing may have changed meanwhile. A command may leave both out. Raises
    `RuleBroken`, or `RenderFailed`.
    """
    final = to_print(minutes, issued_by=issued_by, issued_on=issued_on)
    if seen is not None and seen != state(minutes):
        raise RuleBroken(_("Something has changed while the paper was being made. Look at it again, then publish."))
    printed = render("minutes", final) if pdf is None else pdf
    if signed_copy is not None:
        final["signed_copy"] = {
            "name": signed_copy.name,
            "media_type": signed_copy.media_type,
            "sha256": signed_copy.sha256,
        }
    minutes.content = final
    minutes.issued_by, minutes.issued_on = issued_by, issued_on
    minutes.published_by = actor
    minutes.pdf_sha256 = _keep(printed)
    minutes.content_sha256 = paper.fingerprint(final)
    minutes.previous_sha256 = final["previous_sha256"]
    workflow.advance(
        minutes,
        "publish",
        actor=actor,
        version=minutes.version,
        issued_by=issued_by,
        pdf=minutes.pdf_sha256,
        content=minutes.content_sha256,
    )
    db.session.flush()


def correct(minutes: Minutes, *, reason: str, actor: User) -> Minutes:
    """Begin version n + 1 from the published one, with the reason that will be printed."""
    newest = latest(minutes.hearing)
    if newest is None or newest.status != MinutesStatus.PUBLISHED:
        raise RuleBroken(_("A correction is being written already."))
    again = paper.printable(
        newest.content,
        draft=True,
        issued_by=None,
        issued_on=None,
        drafted_by=None,
        reviewed_by=None,
        version=newest.version + 1,
        correction_reason=reason,
    )
    again.pop("signed_copy", None)
    again.pop("previous_sha256", None)
    made = Minutes(
        hearing=newest.hearing,
        version=newest.version + 1,
        status=MinutesStatus.DRAFT,
        content=again,
        composed=copy.deepcopy(newest.composed),
        reason=reason,
        drafted_by=actor,
        drafted_at=now(),
    )
    db.session.add(made)
    db.session.flush()
    audit.record("minutes.correct", made, actor, status=MinutesStatus.DRAFT, version=made.version, reason=reason)
    return made
