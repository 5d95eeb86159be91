"""/verify: whether a paper is one that we issued. Open to everybody; nothing that is sent here is kept."""

from typing import Any

from flask import request
from flask_babel import gettext as _
from werkzeug.exceptions import RequestEntityTooLarge

from ..db import will_write
from ..permissions import public
from ..web import page
from . import proof
from .routes import bp

MOST = 40 * 1024 * 1024
"""Bytes of a file that is sent to be checked."""


@bp.route("/verify", methods=["GET", "POST"])
@public
def verify() -> Any:
    """Ask by a file (posted), by its SHA-256 (`sha256`), or by the code in the record block (`code`)."""
    will_write(False)
    if request.method == "POST":
        request.max_content_length = MOST + 64 * 1024
        try:
            return _of_upload()
        except RequestEntityTooLarge:
            return _answer(trouble=_too_large(), status=413)
    if "sha256" in request.args:
        return _of_digest(request.args["sha256"].strip())
    if request.args.get("code", "").strip():
        return _of_code(request.args["code"])
    return _answer()


@bp.get("/verify/<word>")
@public
def verify_code(word: str) -> Any:
    """Where the square code in the record block leads."""
    will_write(False)
    return _of_code(word)


def _of_upload() -> Any:
    given = request.form.get("sha256", "").strip()
    upload = request.files.get("file")
    if upload is None or not upload.filename:
        return _of_digest(given) if given else _answer(trouble=_("Please choose a file."), status=422)
    digest = proof.digest_of(upload.stream, MOST)
    return _answer(trouble=_too_large(), status=413) if digest is None else _of_digest(digest)


def _too_large() -> str:
    return _("The file is larger than %(limit)s MB: it is not one of ours.", limit=MOST // 1024 // 1024)


def _of_digest(words: str) -> Any:
    if not proof.is_digest(words):
        return _answer(trouble=_("This is not a SHA-256 fingerprint: it has 64 characters, 0 to 9 and a to f."))
    return _answer(proof.by_digest(words), by="file", digest=words.lower())


def _of_code(words: str) -> Any:
    tidy = proof.tidy(words[:200])
    if tidy is None:
        trouble = _("This is not a code of ours: it has 20 characters, letters A to Z and numbers 2 to 7.")
        return _answer(trouble=trouble)
    return _answer(proof.by_code(tidy), by="code", entered=proof.grouped(tidy))


def _answer(
    found: proof.Found | None = None,
    *,
    by: str | None = None,
    trouble: str | None = None,
    entered: str | None = None,
    digest: str | None = None,
    status: int = 200,
) -> Any:
    words, _status = page(
        "minutes/verify.html",
        found=found,
        by=by,
        trouble=trouble,
        entered=entered,
        digest=digest,
        grouped=proof.grouped(found.code) if found is not None and found.code else None,
    )
    return words, status
