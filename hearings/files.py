"""Files that things own: stored once by content, checked for being what they say, photos made small.

The bytes lie in the database, so that a photo and the line that mentions it are saved together or not at all,
and a backup is one file.
"""

import hashlib
import io
from datetime import datetime
from typing import IO, Any

from flask import Response, current_app, send_file
from flask_babel import lazy_gettext as _l
from PIL import Image, ImageOps, UnidentifiedImageError
from sqlalchemy import ForeignKey, LargeBinary
from sqlalchemy.orm import Mapped, mapped_column

from .db import Model, db, now
from .errors import RuleBroken
from .forms import clean_arg

IMAGES = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP"}
PAPERS = {
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "wps": "application/vnd.ms-works",
    "txt": "text/plain",
}
THUMB = (320, 320)
Image.MAX_IMAGE_PIXELS = 80_000_000
"""A photo of twice as many is refused by the library before anything of it is read."""
WHOLE_PIXELS = 40_000_000
"""The most of a picture that is held whole while it is made small (A4 at 600 dpi has 35 million): only a plain JPEG is
read in small at once, and half a megabyte of PNG can hold two gigabytes."""


class Blob(Model):
    """Bytes, once per content."""

    sha256: Mapped[str] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class StoredFile(Model):
    """A file somebody handed in. Rooms link to it by a table of their own."""

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    media_type: Mapped[str]
    size: Mapped[int]
    """Bytes, as stored."""
    sha256: Mapped[str] = mapped_column(ForeignKey("blob.sha256"), index=True)
    thumb_sha256: Mapped[str | None] = mapped_column(ForeignKey("blob.sha256"))
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    uploaded_at: Mapped[datetime] = mapped_column(default=now)

    @property
    def is_image(self) -> bool:
        return self.thumb_sha256 is not None


def store(upload: Any, *, actor: Any, field: str = "files") -> StoredFile:
    """Keep an uploaded file (werkzeug's FileStorage, or anything with `filename` and `read()`).

    Photos are turned upright, shrunk to PHOTO_PIXELS on the longer side and lose their EXIF block (place and
    device are personal data). Raises `RuleBroken` when the file is empty, over UPLOAD_MB, of a kind we do not
    keep, not what its name says, or a picture of too many pixels.
    """
    name = clean_arg((upload.filename or "").replace("\\", "/").rsplit("/", 1)[-1], 1000)[-150:]
    limit = current_app.config["UPLOAD_MB"]
    data = upload.read(limit * 1024 * 1024 + 1)
    if not data:
        raise RuleBroken(_l("“%(name)s” is empty.", name=name), field)
    if len(data) > limit * 1024 * 1024:
        raise RuleBroken(_l("“%(name)s” is larger than %(limit)s MB.", name=name, limit=limit), field)
    suffix = name.rsplit(".", 1)[-1].lower() if "." in name else ""
    thumb = None
    if suffix in IMAGES:
        data, thumb = _shrink(data, name, field)
        media = f"image/{IMAGES[suffix].lower()}"
    elif suffix in PAPERS:
        if not _is_what_it_says(data, suffix):
            raise RuleBroken(_l("“%(name)s” is not what its name says.", name=name), field)
        media = PAPERS[suffix]
    else:
        kinds = "、".join(sorted(IMAGES | PAPERS))
        raise RuleBroken(
            _l("“%(name)s”: only these kinds of files are kept: %(kinds)s.", name=name, kinds=kinds), field
        )
    kept = StoredFile(
        name=name,
        media_type=media,
        size=len(data),
        sha256=_keep(data),
        thumb_sha256=_keep(thumb) if thumb else None,
        uploaded_by_id=actor.id,
    )
    db.session.add(kept)
    db.session.flush()
    return kept


def _shrink(data: bytes, name: str, field: str) -> tuple[bytes, bytes]:
    try:
        with Image.open(io.BytesIO(data), formats=sorted(set(IMAGES.values()))) as opened:
            kind = opened.format or "PNG"
            is_read_small = kind == "JPEG" and "progressive" not in opened.info
            if opened.width * opened.height > WHOLE_PIXELS and not is_read_small:
                raise RuleBroken(_l("“%(name)s” has too many pixels; please make it smaller.", name=name), field)
            side = current_app.config["PHOTO_PIXELS"]
            opened.thumbnail((side, side))  # before anything makes the library read it whole
            picture = ImageOps.exif_transpose(opened)
            if kind != "PNG" and picture.mode not in ("RGB", "L"):
                picture = picture.convert("RGB")
            small = picture.copy()
            small.thumbnail(THUMB)
            if small.mode not in ("RGB", "L"):
                small = small.convert("RGB")
            return _bytes(picture, kind), _bytes(small, "JPEG")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError) as broken:
        raise RuleBroken(_l("“%(name)s” is not a picture that can be read.", name=name), field) from broken


def _bytes(picture: Any, kind: str) -> bytes:
    out = io.BytesIO()
    picture.info.clear()
    picture.save(out, kind, **({"quality": 85} if kind != "PNG" else {"optimize": False}))
    return out.getvalue()


def _is_what_it_says(data: bytes, suffix: str) -> bool:
    if suffix == "txt":
        if b"\0" in data:
            return False
        for encoding in ("utf-8", "gb18030"):
            try:
                data.decode(encoding)
                return True
            except UnicodeDecodeError:
                continue
        return False
    if suffix == "pdf":
        return data[:1024].lstrip().startswith(b"%PDF-")
    if suffix in ("docx", "xlsx"):
        return data.startswith(b"PK\3\4") and (b"word/" if suffix == "docx" else b"xl/") in data
    if suffix in ("doc", "xls", "wps"):
        return data.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")
    return False


def answer(
    data: bytes | IO[bytes], *, name: str, media_type: str, etag: str | None = None, download: bool = True
) -> Response:
    """Bytes, or an open file, as an answer with its fingerprint as ETag; 304 when the reader has them.

    The reader asks anew each time (rights may change); a name may be Chinese (RFC 6266).
    """
    source = io.BytesIO(data) if isinstance(data, bytes) else data
    sent = send_file(
        source,
        mimetype=media_type,
        as_attachment=download,
        download_name=name.replace("/", "-"),
        etag=etag if etag is not None else True,
    )
    sent.headers["Cache-Control"] = "private, no-cache"
    return sent


def _keep(data: bytes) -> str:
    digest = hashlib.sha256(data).hexdigest()
    if db.session.get(Blob, digest) is None:
        db.session.add(Blob(sha256=digest, data=data))
        db.session.flush()
    return digest
