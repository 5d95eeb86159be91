"""Pages of the public rendering: decide on every spot, release, withdraw; and what everybody may fetch."""

from collections.abc import Sequence
from typing import Any

from flask import abort, render_template, request, url_for
from flask_babel import gettext as _

from .. import files, permissions
from ..db import db
from ..documents import RenderFailed
from ..errors import RuleBroken
from ..forms import as_number
from ..permissions import public, requires
from ..schedule.models import Hearing
from ..web import me, page, submit
from . import operations, press, privacy, proof, queries
from .forms import KIND_LABELS, WithdrawForm, alike, choices_of, decided_at, fill_in, release_form, why
from .models import Minutes, MinutesStatus, Release
from .routes import _file, bp


def _newest(hearing: Hearing, *, lock: bool = False) -> Minutes:
    """The newest version if it is published; 404 when there is none, else a sentence."""
    minutes = queries.latest(hearing, lock=lock)
    if minutes is None:
        abort(404)
    if minutes.status != MinutesStatus.PUBLISHED:
        raise RuleBroken(_("Only published minutes can be released."))
    return minutes


@bp.route("/hearings/<int:id>/minutes/release", methods=["GET", "POST"])
@requires("minutes.release", Hearing)
def release(hearing: Hearing) -> Any:
    """Decide on every spot that looks personal, look at the paper, then open it to everybody.

    With `act=preview` a post prints what was decided so far, and changes nothing; with `act=rest` what is still
    open is marked to be blackened.
    """
    minutes = _newest(hearing)
    hearing_id, title = hearing.id, minutes.content["title"]
    stripped, spots = operations.spots_of(minutes)
    form = release_form(spots)
    refilled = 0
    if request.method == "GET":  # one spot decided wrongly is mended without deciding on all the others again
        refilled = fill_in(form, spots, queries.decided_before(hearing))
    asked = request.form.get("act") if request.method == "POST" else None
    at = decided_at(form, spots)
    if asked == "preview":
        black = [s for s in spots if form[at[s.key]].data != "keep"]
        return _preview(privacy.blacken(stripped, black))
    if asked == "rest":
        for key in at.values():
            form[key].data = form[key].data or "blacken"
        return _page(hearing, minutes, form, spots)
    choices = choices_of(form, spots)
    beside = {why(key): why(field) for key, field in at.items()}

    def act() -> None:
        try:
            final, _decisions = operations.to_release(minutes, choices)
        except RuleBroken as broken:  # said beside the field where all equal spots were decided
            raise RuleBroken(broken.message, beside.get(broken.field or "", broken.field)) from broken
        db.session.rollback()
        try:
            pdf, docx = press.both(final)
        except RenderFailed as failed:
            raise RuleBroken(str(failed)) from failed
        again = permissions.fetch("minutes.release", Hearing, hearing_id, me(), lock=True)
        operations.release(
            _newest(again, lock=True), choices, actor=me(), seen=final["verify"]["code"], pdf=pdf, docx=docx
        )

    undecided = [s for s in spots if form[at[s.key]].data not in ("blacken", "keep")]
    if form.is_submitted() and undecided:
        form.validate()
        form.form_errors.append(_("%(count)d places have not been decided yet.", count=len(undecided)))
        return _page(hearing, minutes, form, spots, undecided)
    done = submit(
        form,
        act,
        to=url_for("minutes.show", id=hearing_id),
        said=_("The public rendering of “%(title)s” is open to everybody.", title=title),
    )
    return done or _page(hearing, minutes, form, spots, refilled=refilled)


def _page(
    hearing: Hearing,
    minutes: Minutes,
    form: Any,
    spots: list[privacy.Spot],
    undecided: Sequence[privacy.Spot] = (),
    refilled: int = 0,
) -> Any:
    """The spots, equal ones together; those that were forgotten are marked each, and told in one line on top."""

    def fields(key: str) -> dict[str, Any]:
        return {"choice": form[key], "reason": form[why(key)]}

    rows = [
        fields(key)
        | {
            "kind": KIND_LABELS[some[0].kind],
            "spots": [fields(s.key) | {"spot": s} for s in some],
            "is_forgotten": any(s in undecided for s in some),
        }
        for key, some in alike(spots).items()
    ]
    return page(
        "minutes/release.html",
        form,
        hearing=hearing,
        minutes=minutes,
        rows=rows,
        count=len(spots),
        refilled=refilled,
        there=queries.released(minutes),
    )


def _preview(content: dict[str, Any]) -> Any:
    db.session.rollback()  # nothing is held while a child prints
    try:
        pdf = press.pdf(content | {"draft": True})
    except RenderFailed as failed:
        raise RuleBroken(str(failed)) from failed
    name = _("%(title)s (draft).pdf", title=content["title"])
    return _file(pdf, proof.code_of(content), name, "application/pdf", download=False)


@bp.route("/hearings/<int:id>/minutes/withdraw", methods=["GET", "POST"])
@requires("minutes.withdraw", Hearing)
def withdraw(hearing: Hearing) -> Any:
    """Close a public rendering (`?code=`; else the newest that is open), with the reason. Its bytes are kept."""
    opened = [r for r in queries.releases(hearing) if r.withdrawn_at is None]
    wanted = request.args.get("code")
    chosen = next((r for r in opened if wanted is None or r.code == wanted), None)
    if chosen is None:
        raise RuleBroken(_("No public rendering of these minutes is open."))
    if request.method == "POST" and db.engine.dialect.name == "postgresql":
        db.session.refresh(chosen, with_for_update={"of": Release})
    form = WithdrawForm()
    done = submit(
        form,
        lambda: operations.withdraw(chosen, reason=form.reason.data or "", actor=me()),
        to=url_for("minutes.show", id=hearing.id),
        said=_("The public rendering has been withdrawn."),
    )
    return done or page("minutes/withdraw.html", form, hearing=hearing, release=chosen)


# -- for everybody -------------------------------------------------------------------------------------

PAGE = 50


@bp.get("/public/minutes/")
@public
def public_list() -> Any:
    """The minutes that are open to everybody, of each hearing the newest."""
    before = as_number(request.args.get("before", ""))
    rows = queries.public_list(before, PAGE)
    older = f"/public/minutes/?before={rows[PAGE - 1].id}" if len(rows) > PAGE else None
    return render_template("minutes/public.html", rows=rows[:PAGE], older=older, first=before is None)


@bp.get("/public/minutes/<word>.pdf")
@public
def public_pdf(word: str) -> Any:
    """The public rendering, byte for byte as released; 410 once it has been withdrawn."""
    return _public(word, "pdf")


@bp.get("/public/minutes/<word>.docx")
@public
def public_docx(word: str) -> Any:
    """The same as Word file."""
    return _public(word, "docx")


def _public(word: str, kind: str) -> Any:
    code = proof.tidy(word)
    found = queries.public_release(code) if code else None
    if found is None:
        abort(404)
    if found.withdrawn_at is not None:
        return render_template("minutes/withdrawn.html", title_of=found.title, on=found.withdrawn_at), 410
    digest = getattr(found, f"{kind}_sha256")
    if digest is None:
        abort(404)
    known = request.if_none_match.contains(digest)
    data = b"" if known else db.session.get_one(files.Blob, digest).data
    answer = _file(data, digest, f"{found.title}.{kind}", files.PAPERS[kind], download=not known)
    answer.headers["Cache-Control"] = "public, no-cache"  # asked for anew each time: it may be withdrawn
    return answer
