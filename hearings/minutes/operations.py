"""Minutes from the first draft to published, and corrected."""

import copy
from collections.abc import Mapping
from datetime import date
from typing import Any

from flask import current_app
from flask_babel import gettext as _
from sqlalchemy import select

from .. import audit, undo, workflow
from ..db import db, now, today
from ..errors import RuleBroken
from ..files import StoredFile, _keep
from ..filters import day as day_words
from ..people import house
from ..people.models import User
from ..schedule.models import Hearing, HearingStatus
from ..workflow import guard
from . import content as paper
from . import data, press, privacy, proof
from .models import Download, Minutes, MinutesStatus, Release
from .public import public
from .queries import is_published, known_names, latest, record_of, released

__all__ = [
    "abandon", "amend", "correct", "count_download", "draft", "latest", "publish", "release", "return_to_draft",
    "review", "settle", "to_print", "to_release", "withdraw",
]  # fmt: skip


@guard("hearing.file")
def _minutes_are_published(hearing: Hearing) -> None:
    if not is_published(hearing.id):
        raise RuleBroken(_("Its minutes have not been published yet."))
    newest = latest(hearing)
    if newest is not None and newest.status != MinutesStatus.PUBLISHED:
        raise RuleBroken(_("A correction of the minutes is being written: publish it, or throw it away, first."))


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
    if not house.is_named():
        raise RuleBroken(
            _("Nobody has said yet what your office is called. The administrator does so under “Settings”.")
        )
    if issued_on > today():
        raise RuleBroken(_("The day it was signed cannot lie in the future."), "issued_on")
    if issued_on < minutes.hearing.day:
        raise RuleBroken(
            _("It cannot have been signed before the hearing (%(day)s).", day=day_words(minutes.hearing.day)),
            "issued_on",
        )
    before = _previous(minutes)
    final = paper.printable(
        minutes.content,
        issued_by=issued_by,
        issued_on=paper.day_words(issued_on),
        drafted_by=minutes.drafted_by.name,
        reviewed_by=minutes.reviewed_by.name if minutes.reviewed_by else None,
        version=minutes.version,
        correction_reason=minutes.reason,
        draft=False,
        previous_sha256=before.pdf_sha256 if before else None,
        data=data.machine(record_of(minutes.hearing)),
    )
    return proof.stamp(final)


def publish(
    minutes: Minutes,
    *,
    issued_by: str,
    issued_on: date,
    actor: User,
    seen: str | None = None,
    pdf: bytes | None = None,
    docx: bytes | None = None,
    printed: Mapping[str, Any] | None = None,
    signed_copy: StoredFile | None = None,
) -> None:
    """Publish for good: the dict, its PDF and Word file, their fingerprints, chained to the version before.

    A route takes `to_print()` and `state()`, ends its transaction, renders, and comes back with the state it has
    `seen`, the `pdf` and the `docx`; then nothing may have changed meanwhile. A command may leave all out; with a
    `pdf` and no `docx` the version has no Word file. Who rendered while the record went on (the demo) gives the dict
    that was `printed`. Raises `RuleBroken`, or `RenderFailed`.
    """
    final = to_print(minutes, issued_by=issued_by, issued_on=issued_on) if printed is None else dict(printed)
    if seen is not None and seen != state(minutes):
        raise RuleBroken(_("Something has changed while the paper was being made. Look at it again, then publish."))
    if pdf is None:
        pdf, docx = press.both(final)
    if signed_copy is not None:
        final["signed_copy"] = {
            "name": signed_copy.name,
            "media_type": signed_copy.media_type,
            "sha256": signed_copy.sha256,
        }
    minutes.content = final
    minutes.issued_by, minutes.issued_on = issued_by, issued_on
    minutes.published_by = actor
    minutes.pdf_sha256 = _keep(pdf)
    minutes.docx_sha256 = _keep(docx) if docx is not None else None
    minutes.code = final["verify"]["code"]
    minutes.content_sha256 = paper.fingerprint(final)
    minutes.previous_sha256 = final["previous_sha256"]
    workflow.advance(
        minutes,
        "publish",
        actor=actor,
        version=minutes.version,
        issued_by=issued_by,
        pdf=minutes.pdf_sha256,
        docx=minutes.docx_sha256,
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
    for key in ("signed_copy", "previous_sha256", "verify"):
        again.pop(key, None)
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


def abandon(minutes: Minutes, *, actor: User) -> None:
    """Throw away a correction that is not published, with undo; the published version holds."""
    if minutes.version == 1 or minutes.status == MinutesStatus.PUBLISHED:
        raise RuleBroken(_("Only a correction that is not published yet can be thrown away."))
    audit.record("minutes.abandon", minutes, actor, version=minutes.version)
    undo.offer(
        "minutes.abandon",
        _("The correction has been thrown away."),
        actor=actor,
        back=f"/hearings/{minutes.hearing_id}/minutes",
        row=undo.snapshot(minutes),
    )
    undo.remove(minutes)


@undo.compensation("minutes.abandon")
def _correction_again(*, actor: User, row: dict[str, Any]) -> None:
    newest = latest(db.session.get_one(Hearing, row["hearing_id"]))
    if newest is None or newest.version != row["version"] - 1:
        raise RuleBroken(_("A correction is being written already."))
    minutes = undo.restore(Minutes, row)
    audit.record("minutes.abandon.undo", minutes, actor, status=minutes.status, version=minutes.version)


# -- to the public -------------------------------------------------------------------------------------


def spots_of(minutes: Minutes) -> tuple[dict[str, Any], list[privacy.Spot]]:
    """The public rendering before decisions, and every spot of it that somebody has to decide on."""
    known = known_names(minutes.hearing)
    stripped = public(minutes.content, known)
    return stripped, privacy.scan(stripped, known)


def to_release(
    minutes: Minutes, choices: Mapping[str, tuple[str, str | None]]
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The final public dict and the decisions to store. `choices`: spot key -> ("blacken" | "keep", reason).

    Raises `RuleBroken` when this is not the newest published version, is open to the public already, or a spot has
    not been decided: with its field's name, so that the page shows where.
    """
    newest = latest(minutes.hearing)
    if minutes.status != MinutesStatus.PUBLISHED or newest is None:
        raise RuleBroken(_("Only published minutes can be released."))
    if released(minutes) is not None:
        raise RuleBroken(_("This version is open to the public already."))
    stripped, spots = spots_of(minutes)
    for spot in spots:
        choice, reason = choices.get(spot.key, ("", None))
        if choice not in ("blacken", "keep"):
            raise RuleBroken(_("Please decide on every spot."), spot.key)
        if choice == "keep" and not reason:
            raise RuleBroken(_("Please say why this may be public."), f"why_{spot.key.removeprefix('spot_')}")
    black = [s for s in spots if choices[s.key][0] == "blacken"]
    final = privacy.blacken(stripped, black)
    if minutes.content.get("data"):
        final["data"] = data.public(minutes.content["data"], final)
    return proof.stamp(final), privacy.decided(spots, choices)


def release(
    minutes: Minutes,
    choices: Mapping[str, tuple[str, str | None]],
    *,
    actor: User,
    seen: str | None = None,
    pdf: bytes | None = None,
    docx: bytes | None = None,
) -> Release:
    """Open the public rendering to everybody: dict, decisions, PDF and Word file, frozen.

    As with `publish`, a route renders between two transactions and comes back with the code it has `seen`.
    Raises `RuleBroken` as `to_release` does, or `RenderFailed`.
    """
    final, decisions = to_release(minutes, choices)
    code = final["verify"]["code"]
    if seen is not None and seen != code:
        raise RuleBroken(_("Something has changed while the paper was being made. Look at it again."))
    if pdf is None:
        pdf, docx = press.both(final)
    made = Release(
        hearing_id=minutes.hearing_id,
        minutes_id=minutes.id,
        code=code,
        title=final["title"],
        content=final,
        decisions=decisions,
        pdf_sha256=_keep(pdf),
        docx_sha256=_keep(docx) if docx is not None else None,
        released_by=actor,
        released_at=now(),
    )
    db.session.add(made)
    db.session.flush()
    counts = [d["choice"] for d in decisions]
    audit.record(
        "minutes.release",
        made,
        actor,
        version=minutes.version,
        code=code,
        pdf=made.pdf_sha256,
        docx=made.docx_sha256,
        blackened=counts.count("blacken"),
        kept=counts.count("keep"),
    )
    return made


def withdraw(release: Release, *, reason: str, actor: User) -> None:
    """No longer serve a public rendering. Its bytes stay for the archive, and /verify says that it was withdrawn."""
    if release.withdrawn_at is not None:
        raise RuleBroken(_("It has been withdrawn already."))
    release.withdrawn_by = actor
    release.withdrawn_at = now()
    release.withdraw_reason = reason
    audit.record("minutes.withdraw", release, actor, code=release.code, reason=reason)
    db.session.flush()


def count_download(minutes_id: int, format: str, *, user_id: int, department_id: int | None) -> None:
    """Note that somebody has fetched a published version."""
    db.session.add(Download(minutes_id=minutes_id, format=format, user_id=user_id, department_id=department_id))
    db.session.flush()
