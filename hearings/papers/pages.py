"""What the pages of papers share: the blueprint, and how a dict becomes an answer."""

import re
from collections.abc import Iterator, Mapping
from typing import IO, Any

from flask import Blueprint, request
from werkzeug.wrappers import Response

from .. import files
from ..db import db
from ..documents import RenderFailed, render, to_word
from ..errors import RuleBroken
from ..kept import Kept
from ..minutes.content import fingerprint
from . import queries

bp = Blueprint("papers", __name__)

MEDIA_TYPES = files.PAPERS | {"zip": "application/zip"}
_made = Kept(8)
"""The last few papers of this process by fingerprint and form: a notice is fetched by twenty people in an hour."""


def files_of(content: Mapping[str, Any]) -> dict[str, bytes]:
    """The stored bytes of the pictures that a dict names."""
    return queries.blobs(set(_pictures(content)))


def _pictures(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == "pictures":
                yield from (picture["sha256"] for picture in inner)
            else:
                yield from _pictures(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _pictures(inner)


def answer(template: str, content: Mapping[str, Any], form: str, name: str | None = None) -> Response:
    """Answer with one paper, or with 304 before anything is printed.

    In: the template and its composed dict, `pdf` or `docx`, and the file's name without its end (the title unless
    given). Ends the transaction: nothing is held while a child prints. Raises RuleBroken when it cannot be made.
    """
    etag = f"{fingerprint(content)}-{form}"
    name = f"{file_name(name or content['title'])}.{form}"
    if request.if_none_match.contains(etag):
        return send(b"", form, name, etag)
    data = _made.get(etag)
    if data is None:
        pictures = files_of(content)
        db.session.rollback()
        data = made(template, content, form, pictures)
        _made.put(etag, data)
    return send(data, form, name, etag)


def made(template: str, content: Mapping[str, Any], form: str, pictures: Mapping[str, bytes]) -> bytes:
    """One paper's bytes. Raises RuleBroken with a sentence when it cannot be rendered."""
    if form == "docx":
        return to_word(template, content, files=pictures)
    try:
        return render(template, content, files=pictures)
    except RenderFailed as failed:
        raise RuleBroken(str(failed)) from failed


def send(data: bytes | IO[bytes], form: str, name: str, etag: str) -> Response:
    """Bytes, or a file on disk, with their fingerprint; a PDF opens in the browser, the rest is saved."""
    return files.answer(data, name=name, media_type=MEDIA_TYPES[form], etag=etag, download=form != "pdf")


def file_name(words: str) -> str:
    """`words` as a name that every file system takes: no separators, at most 70 characters."""
    return re.sub(r'[\x00-\x1f\x7f/\\:*?"<>|]+', " ", words).strip(" .")[:70] or "paper"
