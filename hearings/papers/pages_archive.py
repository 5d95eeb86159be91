"""The archive package of a hearing, to be downloaded by whoever files it."""

import tempfile
from typing import Any

from flask import send_file

from .. import permissions
from ..db import db, will_write
from ..permissions import requires
from ..schedule.models import Hearing
from ..web import me
from . import archive
from .pages import bp


@bp.get("/hearings/<int:id>/archive.zip")
@requires(archive.ACT, Hearing)
def archive_package(hearing: Hearing) -> Any:
    """Everything on record of the hearing with its fingerprints. Each making is noted in the trail with its seal.

    Written to a file on disk and sent from there: a package may be larger than a worker should hold.
    """
    name, hearing_id = archive.file_name(hearing), hearing.id
    out = tempfile.TemporaryFile()  # noqa: SIM115 (closed when it has been sent)
    try:
        seal = archive.build(hearing, out)
        db.session.rollback()
        will_write(True)
        again = permissions.fetch(archive.ACT, Hearing, hearing_id, me())
        archive.record(again, seal, actor=me())
        db.session.commit()
    except BaseException:
        out.close()
        raise
    finally:
        will_write(False)
    out.seek(0)
    answer = send_file(out, mimetype="application/zip", as_attachment=True, download_name=name, etag=seal)
    answer.headers["Cache-Control"] = "private, no-store"
    answer.headers["X-Manifest-SHA256"] = seal
    return answer
