"""Pages of the minutes room."""

from typing import Any

from flask import Blueprint, abort, current_app, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.wrappers import Response

from .. import files, permissions, workflow
from ..audit import trail
from ..db import db, today, will_write
from ..documents import RenderFailed
from ..errors import RuleBroken
from ..forms import as_number
from ..kept import Kept
from ..permissions import requires
from ..schedule.models import Hearing
from ..web import me, page, perform, submit
from . import compare, operations, proof, queries
from . import content as paper
from .forms import CorrectForm, PublishForm, ReturnForm, differences_form, edit_form, label_of
from .models import Minutes, MinutesStatus
from .press import pdf as render
from .press import word

bp = Blueprint("minutes", __name__)

ACTIONS = (
    "minutes.draft", "minutes.review", "minutes.return", "minutes.publish", "minutes.correct", "minutes.release",
    "minutes.withdraw",
)  # fmt: skip


def _current(hearing: Hearing, status: MinutesStatus | None = None, *, lock: bool = False) -> Minutes:
    """The newest version, or 404. With a status: the act needs the newest to stand there, else a sentence."""
    minutes = queries.latest(hearing, lock=lock)
    if minutes is None:
        abort(404)
    if status is not None and minutes.status != status:
        raise RuleBroken(
            _(
                "This is not possible while the minutes are “%(status)s”.",
                status=workflow.label("minutes", minutes.status),
            )
        )
    return minutes


def _here(hearing: Hearing) -> str:
    return url_for("minutes.show", id=hearing.id)


def _version_asked() -> int | None:
    return _number("version")


def _number(arg: str) -> int | None:
    return as_number(request.args.get(arg, ""), 5)


@bp.route("/hearings/<int:id>/minutes", methods=["GET", "POST"])
@requires("hearing.read", Hearing)
def show(hearing: Hearing) -> Any:
    """Read the minutes, and what can be done with them next. A post composes the first draft."""
    may = permissions.allowed(me(), hearing, ACTIONS)
    if request.method == "POST":
        if "minutes.draft" not in may:
            abort(403)
        return perform(
            lambda: operations.draft(hearing, actor=me()), _here(hearing), _("The minutes have been composed.")
        )
    versions = queries.versions(hearing, me())
    wanted = _version_asked()
    chosen = next((m for m in versions if m.version == wanted), versions[0] if versions else None)
    newest = versions[0] if versions else None
    actions: set[str] = set()
    outdated: list[paper.Difference] = []
    if chosen is not None and chosen is newest:
        actions = {m for m in workflow.moves(chosen) if f"minutes.{m}" in may}
        if chosen.status == MinutesStatus.DRAFT and "minutes.draft" in may:
            actions.add("edit")
            outdated = paper.differences(chosen.content, chosen.composed, paper.compose(hearing))
        if chosen.status == MinutesStatus.PUBLISHED and "minutes.correct" in may:
            actions.add("correct")
        if chosen.status != MinutesStatus.PUBLISHED and chosen.version > 1 and "minutes.correct" in may:
            actions.add("abandon")
        if chosen.status == MinutesStatus.PUBLISHED and "minutes.release" in may and queries.released(chosen) is None:
            actions.add("release")
    own_draft = chosen is not None and chosen.drafted_by_id == me().id
    return render_template(
        "minutes/show.html",
        hearing=hearing,
        versions=versions,
        minutes=chosen,
        is_newest=chosen is newest,
        actions=actions,
        outdated=outdated,
        may_compose="minutes.draft" in may and not versions,
        can_compose=hearing.status in ("concluded", "filed"),
        may_draft="minutes.draft" in may,
        returned=_returned(chosen) if chosen is not None and "edit" in actions else None,
        not_reviewer=own_draft and not current_app.config["DRAFTER_MAY_REVIEW"],
        released=queries.releases(hearing) if "minutes.release" in may or "minutes.withdraw" in may else [],
        fetched=queries.fetched(chosen) if chosen and chosen.status == "published" and "minutes.draft" in may else None,
        code=proof.grouped(chosen.code) if chosen is not None and chosen.code else None,
    )


def _returned(minutes: Minutes) -> Any:
    """The reason the draft came back with, if its last step was that."""
    moves = [line for line in trail(minutes) if line.status is not None]
    return moves[-1] if moves and moves[-1].action == "minutes.return" else None


@bp.route("/hearings/<int:id>/minutes/edit", methods=["GET", "POST"])
@requires("minutes.draft", Hearing)
def edit(hearing: Hearing) -> Any:
    """Write the prose, piece by piece; saves by itself, and two editors' pieces are merged."""
    minutes = _current(hearing, MinutesStatus.DRAFT)
    pieces = paper.pieces(minutes.content)
    form = edit_form(pieces)

    def act() -> None:
        editable = {k: p.text for k, p in pieces.items() if k in form}
        changes = form.merge(editable, minutes)
        if not form.errors:
            operations.amend(minutes, changes, actor=me())

    done = submit(form, act, to=_here(hearing), said=_("The text has been saved."))
    groups = _grouped(pieces, form)
    return done or page("minutes/edit.html", form, hearing=hearing, minutes=minutes, groups=groups)


def _grouped(pieces: dict[str, paper.Piece], form: Any) -> list[tuple[str, list[str]]]:
    """The form's fields under the headings of the page."""
    groups: dict[str, list[str]] = {"head": [], "items": [], "rest": [], "lists": []}
    for key, piece in pieces.items():
        if key not in form:
            continue
        if key in ("title", "overview", "situation"):
            groups["head"].append(key)
        elif key.startswith("issue_") or key == "items":
            groups["items"].append(key)
        else:
            groups["lists" if piece.kind == "list" else "rest"].append(key)
    return [(name, keys) for name, keys in groups.items() if keys]


@bp.route("/hearings/<int:id>/minutes/differences", methods=["GET", "POST"])
@requires("minutes.draft", Hearing)
def differences(hearing: Hearing) -> Any:
    """What the record says otherwise by now: take it, or keep the prose, each by itself."""
    minutes = _current(hearing, MinutesStatus.DRAFT)
    said = paper.compose(hearing)
    state = paper.fingerprint({k: v for k, v in said.items() if k != "data"})
    found = paper.differences(minutes.content, minutes.composed, said)
    form = differences_form(found, state)

    def act() -> None:
        if form["seen"].data != state:
            form["seen"].data = state
            raise RuleBroken(_("The record has changed once more. Please look at the differences again."))
        if request.form.get("all") == "unedited":
            choices = {d.key: "record" for d in found if not d.is_edited}
        else:
            choices = {d.key: form[d.key].data for d in found if form[d.key].data}
        operations.settle(minutes, said, choices, actor=me())

    done = submit(form, act, to=_here(hearing), said=_("The differences you decided on are settled."))
    rows = [(d, label_of(d.key, d.about)) for d in found]
    return done or page("minutes/differences.html", form, hearing=hearing, minutes=minutes, rows=rows)


@bp.post("/hearings/<int:id>/minutes/review")
@requires("minutes.review", Hearing)
def review(hearing: Hearing) -> Any:
    """Read and found right."""
    minutes = _current(hearing, MinutesStatus.DRAFT, lock=True)
    return perform(lambda: operations.review(minutes, actor=me()), _here(hearing), _("The minutes have been reviewed."))


@bp.route("/hearings/<int:id>/minutes/return", methods=["GET", "POST"])
@requires("minutes.return", Hearing)
def return_(hearing: Hearing) -> Any:
    """Back to draft, with what is to be changed."""
    form = ReturnForm()
    minutes = _current(hearing, MinutesStatus.REVIEWED, lock=request.method == "POST")
    done = submit(
        form,
        lambda: operations.return_to_draft(minutes, reason=form.reason.data or "", actor=me()),
        to=_here(hearing),
        said=_("Returned to draft."),
    )
    return done or page("minutes/return.html", form, hearing=hearing, minutes=minutes)


@bp.route("/hearings/<int:id>/minutes/publish", methods=["GET", "POST"])
@requires("minutes.publish", Hearing)
def publish(hearing: Hearing) -> Any:
    """Publish as signed on paper. Rendering happens between two transactions, so nobody waits for it."""
    minutes = _current(hearing, MinutesStatus.REVIEWED)
    form = PublishForm()
    hearing_id, title = hearing.id, minutes.content["title"]

    def act() -> None:
        issued_by, issued_on = form.issued_by.data or "", form.issued_on.data or today()
        content = operations.to_print(minutes, issued_by=issued_by, issued_on=issued_on)
        seen = operations.state(minutes)
        db.session.rollback()
        try:
            pdf, docx = render(content), word(content)
        except RenderFailed as failed:
            raise RuleBroken(str(failed)) from failed
        again = permissions.fetch("minutes.publish", Hearing, hearing_id, me(), lock=True)
        current = _current(again, MinutesStatus.REVIEWED, lock=True)
        scan = form.signed_copy.data
        copy = files.store(scan, actor=me(), field="signed_copy") if scan and scan.filename else None
        operations.publish(
            current,
            issued_by=issued_by,
            issued_on=issued_on,
            actor=me(),
            seen=seen,
            pdf=pdf,
            docx=docx,
            signed_copy=copy,
        )

    done = submit(
        form,
        act,
        to=url_for("minutes.show", id=hearing_id),
        said=_(
            "“%(title)s” has been published. In a minute everybody who took part is told of it; if you see a mistake "
            "now, begin a correction, and nobody is told before that is published.",
            title=title,
        ),
    )
    if done is not None:
        return done
    outdated = paper.differences(minutes.content, minutes.composed, paper.compose(hearing))
    return page("minutes/publish.html", form, hearing=hearing, minutes=minutes, outdated=outdated)


@bp.route("/hearings/<int:id>/minutes/correct", methods=["GET", "POST"])
@requires("minutes.correct", Hearing)
def correct(hearing: Hearing) -> Any:
    """Begin the next version; the published one stays as it is."""
    form = CorrectForm()
    minutes = _current(hearing, MinutesStatus.PUBLISHED, lock=request.method == "POST")
    done = submit(
        form,
        lambda: operations.correct(minutes, reason=form.reason.data or "", actor=me()),
        to=url_for("minutes.edit", id=hearing.id),
        said=_("A correction has been begun from the published text."),
    )
    return done or page("minutes/correct.html", form, hearing=hearing, minutes=minutes)


@bp.post("/hearings/<int:id>/minutes/abandon")
@requires("minutes.correct", Hearing)
def abandon(hearing: Hearing) -> Any:
    """Throw away the correction that is being written; with undo."""
    minutes = operations.latest(hearing) or abort(404)
    return perform(lambda: operations.abandon(minutes, actor=me()), to=_here(hearing))


# -- papers --------------------------------------------------------------------------------------------

_previews = Kept(3)
"""The last few previews of this process, by the fingerprint of their dict."""


@bp.get("/hearings/<int:id>/minutes/preview.pdf")
@requires("minutes.draft", Hearing)
def preview(hearing: Hearing) -> Any:
    """The draft as it would be printed."""
    minutes = _current(hearing)
    draft = paper.printable(
        minutes.content,
        draft=minutes.status != MinutesStatus.PUBLISHED,
        version=minutes.version,
        correction_reason=minutes.reason,
        drafted_by=minutes.drafted_by.name,
        reviewed_by=minutes.reviewed_by.name if minutes.reviewed_by else None,
    )
    key = paper.fingerprint(draft)
    name = _("%(title)s (draft).pdf", title=draft["title"])
    if request.if_none_match.contains(key):
        return _pdf(b"", key, name)
    db.session.rollback()  # nothing is held while a child prints
    pdf = _previews.get(key)
    if pdf is None:
        try:
            pdf = render(draft)
        except RenderFailed as failed:
            raise RuleBroken(str(failed)) from failed
        _previews.put(key, pdf)
    return _pdf(pdf, key, name)


@bp.get("/hearings/<int:id>/minutes.pdf")
@requires("hearing.read", Hearing)
def pdf(hearing: Hearing) -> Any:
    """The published minutes, byte for byte as published; `?version=` for an earlier one."""
    return _published(hearing, "pdf")


@bp.get("/hearings/<int:id>/minutes.docx")
@requires("hearing.read", Hearing)
def docx(hearing: Hearing) -> Any:
    """The same as Word file, byte for byte as published."""
    return _published(hearing, "docx")


def _published(hearing: Hearing, kind: str) -> Any:
    wanted = _version_asked() if "version" in request.args else None
    minutes = None
    if "version" not in request.args or wanted is not None:
        minutes = queries.published(hearing, me(), wanted)
    digest = getattr(minutes, f"{kind}_sha256") if minutes is not None else None
    if minutes is None or digest is None:
        return render_template("minutes/none.html", hearing=hearing, without_word=minutes is not None), 404
    suffix = _(" (version %(number)d)", number=minutes.version) if minutes.version > 1 else ""
    name = f"{minutes.content['title']}{suffix}.{kind}"
    if request.if_none_match.contains(digest):
        return _file(b"", digest, name, files.PAPERS[kind], download=False)
    data = db.session.get_one(files.Blob, digest).data
    answer = _file(data, digest, name, files.PAPERS[kind], download=True)
    if request.method == "GET" and answer.status_code in (200, 206) and _from_the_start():
        _count(minutes.id, kind)
    return answer


def _from_the_start() -> bool:
    """A reader that fetches piece by piece counts once."""
    pieces = request.range.ranges if request.range is not None else []
    return not pieces or pieces[0][0] in (0, None)


def _count(minutes_id: int, kind: str) -> None:
    """Count a download, in a transaction of its own. If that fails the file is given all the same."""
    person = me()
    user_id, department_id = person.id, person.department_id
    db.session.rollback()  # what was read is read; the line is written with the write lock from the start
    will_write(True)
    try:
        operations.count_download(minutes_id, kind, user_id=user_id, department_id=department_id)
        db.session.commit()
    except SQLAlchemyError:
        db.session.rollback()
        current_app.logger.warning("a download could not be counted", exc_info=True)
    finally:
        will_write(False)


@bp.get("/hearings/<int:id>/minutes/compare")
@requires("hearing.read", Hearing)
def compare_versions(hearing: Hearing) -> Any:
    """Two versions side by side, `?a=1&b=2`; left out or unknown: the newest beside the one before."""
    versions = queries.versions(hearing, me())
    if len(versions) < 2:
        return redirect(_here(hearing))
    by_number = {m.version: m for m in versions}
    new = by_number.get(_number("b") or 0, versions[0])
    others = [m for m in versions if m is not new]
    old = by_number.get(_number("a") or 0)
    if old is None or old is new:
        old = next((m for m in others if m.version < new.version), others[0])
    old, new = sorted((old, new), key=lambda m: m.version)
    found, same = compare.compare(old.content, new.content)
    rows = [(label_of(c.key, c.about), c) for c in found]
    return render_template(
        "minutes/compare.html", hearing=hearing, versions=versions, old=old, new=new, rows=rows, same=same
    )


@bp.get("/hearings/<int:id>/minutes/signed-copy")
@requires("hearing.read", Hearing)
def signed_copy(hearing: Hearing) -> Any:
    """The scan of the paper as signed, of a published version."""
    minutes = queries.published(hearing, me(), _version_asked())
    scan = minutes.content.get("signed_copy") if minutes is not None else None
    if scan is None:
        abort(404)
    blob = db.session.get_one(files.Blob, scan["sha256"])
    return _file(blob.data, scan["sha256"], scan["name"], scan["media_type"], download=True)


def _pdf(data: bytes, etag: str, name: str, *, download: bool = False) -> Response:
    return _file(data, etag, name, "application/pdf", download=download)


def _file(data: bytes, etag: str, name: str, media_type: str, *, download: bool) -> Response:
    return files.answer(data, name=name, media_type=media_type, etag=etag, download=download)


from . import pages_public, pages_verify  # noqa: E402, F401  (they hang their pages on this blueprint)
