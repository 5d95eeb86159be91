"""Static files: compressed once, and kept by browsers for good.

Their address holds a digest of their content (`/static/<digest>/…`), so that a browser never asks twice for
what has not changed and never keeps what has. The compressed copies lie under `instance/static/<digest>/`;
they are made when the digest is new, so no step of an installation can be forgotten and no copy can be stale.
"""

import hashlib
import shutil
import tempfile
from functools import cache
from pathlib import Path
from wsgiref.headers import Headers

import flask_bootstrap
from flask import Flask
from whitenoise import WhiteNoise
from whitenoise.compress import Compressor

OURS = Path(__file__).parent / "static"
BOOTSTRAP = Path(flask_bootstrap.__file__).parent / "static" / "bootstrap5"
BOOTSTRAP_FILES = ("css/bootstrap.min.css", "js/bootstrap.min.js", "umd/popper.min.js")


def _sources() -> dict[str, Path]:
    """Each file's name below the digest folder, and where it comes from."""
    ours = {f"static/{path.relative_to(OURS)}": path for path in OURS.rglob("*") if path.is_file()}
    return ours | {f"bootstrap/{name}": BOOTSTRAP / name for name in BOOTSTRAP_FILES}


@cache
def digest() -> str:
    """Of all static files, names and content."""
    whole = hashlib.sha256()
    for name, path in sorted(_sources().items()):
        whole.update(name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:12]


def url_path() -> str:
    """For `Flask(static_url_path=…)`; Bootstrap-Flask puts its own files under `/bootstrap` and the same."""
    return f"/static/{digest()}"


def serve(app: Flask, folder: Path) -> None:
    """Answer for the static files before the application is asked, from compressed copies below `folder`."""
    built = folder / digest()
    if not built.is_dir():
        _build(built)
    noise = WhiteNoise(
        app.wsgi_app,
        allow_all_origins=False,
        immutable_file_test=lambda path, url: True,
        add_headers_function=_add_headers,
    )
    noise.add_files(built / "static", prefix=str(app.static_url_path))
    noise.add_files(built / "bootstrap", prefix=f"/bootstrap{app.static_url_path}")
    app.wsgi_app = noise  # type: ignore[method-assign]


def _add_headers(headers: Headers, path: str, url: str) -> None:
    headers["X-Content-Type-Options"] = "nosniff"


def _build(built: Path) -> None:
    """Whole or not at all, and by whoever is first when several start at once."""
    built.parent.mkdir(parents=True, exist_ok=True)
    compressor = Compressor(quiet=True)
    with tempfile.TemporaryDirectory(dir=built.parent) as draft:
        for name, source in _sources().items():
            copy = Path(draft, "files", name)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
            if compressor.should_compress(copy.name):
                compressor.compress(str(copy))
        try:
            Path(draft, "files").rename(built)
        except OSError:
            if not built.is_dir():
                raise
