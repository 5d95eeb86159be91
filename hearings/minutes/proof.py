"""Whether a paper is one that we issued: the code in the record block, the fingerprint of a file.

The code is made of the content, so that the same content has the same bytes and another content another code.
Whoever asks is told title, number, version, dates and issuer, and nothing else.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, NamedTuple

from flask import current_app
from sqlalchemy import or_, select
from sqlalchemy.orm import load_only

from ..db import db
from .content import fingerprint
from .models import Minutes, MinutesStatus, Release

LENGTH = 20
"""Characters of a code: a hundred bits."""
NOT_COUNTED = ("verify", "signed_copy")
"""Keys of the dict that come after the code is made."""


def code_of(content: Mapping[str, Any]) -> str:
    """The code of a final dict: the first characters of its fingerprint's base32, capital letters and 2 to 7."""
    counted = {k: v for k, v in content.items() if k not in NOT_COUNTED}
    return base64.b32encode(bytes.fromhex(fingerprint(counted))).decode()[:LENGTH]


def stamp(content: Mapping[str, Any]) -> dict[str, Any]:
    """A copy of the final dict with `verify`: its code and the address that answers for it."""
    code = code_of(content)
    return dict(content) | {"verify": {"code": code, "url": address(f"/verify/{code}")}}


def address(path: str) -> str:
    """A whole address of ours as printed on paper: under BASE_URL, else where `make run` serves."""
    base = current_app.config["BASE_URL"] or f"http://127.0.0.1:{current_app.config['PORT']}"
    return base.rstrip("/") + path


def tidy(words: str) -> str | None:
    """A code as typed from paper (small letters, blanks, hyphens, 0 for O, 1 for I, 8 for B), or None."""
    code = re.sub(r"[\s\-—–·.]", "", words).upper().translate(str.maketrans("018", "OIB"))
    return code if re.fullmatch(rf"[A-Z2-7]{{{LENGTH}}}", code) else None


def grouped(code: str) -> str:
    """Five letters at a time, as printed."""
    return "-".join(code[i : i + 5] for i in range(0, len(code), 5))


def digest_of(stream: Any, limit: int) -> str | None:
    """SHA-256 of an upload, read piece by piece and not kept; None when it is longer than `limit` bytes."""
    reader = hashlib.sha256()
    read = 0
    while piece := stream.read(1 << 20):
        read += len(piece)
        if read > limit:
            return None
        reader.update(piece)
    return reader.hexdigest()


def is_digest(words: str) -> bool:
    """Whether this is a SHA-256 in hexadecimal."""
    return re.fullmatch(r"[0-9a-fA-F]{64}", words) is not None


class Found(NamedTuple):
    """What may be told of a paper of ours."""

    is_public: bool
    title: str
    serial_no: int | None
    version: int
    issued_on: date
    issuer: str
    code: str | None
    superseded_by: int | None
    """The newest published version, where it is a later one."""
    withdrawn_at: datetime | None
    """Of a public rendering."""


def by_code(code: str) -> Found | None:
    """The paper with this code in its record block, or None."""
    return _found(Minutes.code == code, Release.code == code)


def by_digest(sha256: str) -> Found | None:
    """The PDF or Word file with exactly these bytes, or None."""
    digest = sha256.lower()
    return _found(
        or_(Minutes.pdf_sha256 == digest, Minutes.docx_sha256 == digest),
        or_(Release.pdf_sha256 == digest, Release.docx_sha256 == digest),
    )


def _found(of_minutes: Any, of_release: Any) -> Found | None:
    minutes = db.session.scalar(
        select(Minutes).where(of_minutes, Minutes.status == MinutesStatus.PUBLISHED).order_by(Minutes.id).limit(1)
    )
    if minutes is not None:
        return _told(minutes, minutes.content, minutes.code, None)
    row = db.session.execute(
        select(Release, Minutes)
        .join(Release.minutes)
        .where(of_release)
        .options(load_only(Minutes.hearing_id, Minutes.version, Minutes.issued_on))
        .order_by(Release.withdrawn_at.is_not(None), Release.id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    release, minutes = row
    return _told(minutes, release.content, release.code, release)


def _told(minutes: Minutes, content: Mapping[str, Any], code: str | None, release: Release | None) -> Found:
    newest = db.session.scalar(
        select(Minutes.version)
        .where(
            Minutes.hearing_id == minutes.hearing_id,
            Minutes.version > minutes.version,
            Minutes.status == MinutesStatus.PUBLISHED,
        )
        .order_by(Minutes.version.desc())
        .limit(1)
    )
    assert minutes.issued_on is not None
    return Found(
        is_public=release is not None,
        title=content["title"],
        serial_no=content["serial_no"],
        version=minutes.version,
        issued_on=minutes.issued_on,
        issuer=content["issuer"],
        code=code,
        superseded_by=newest,
        withdrawn_at=release.withdrawn_at if release is not None else None,
    )


__all__ = [
    "Found", "address", "by_code", "by_digest", "code_of", "digest_of", "grouped", "is_digest", "stamp", "tidy",
]  # fmt: skip
