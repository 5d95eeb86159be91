"""Static files go out compressed, for good, and under an address that follows their content."""

import brotli
import pytest
from flask import Flask, url_for
from flask_bootstrap import Bootstrap5
from werkzeug.test import Client

from hearings import assets


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A bare application that serves one style sheet of ours and Bootstrap's."""
    ours = tmp_path / "static"
    ours.mkdir()
    (ours / "theme.css").write_text("body { color: #123456; }\n" * 100)
    (ours / "logo.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(500))
    monkeypatch.setattr(assets, "OURS", ours)
    return tmp_path


def start(site):
    assets.digest.cache_clear()
    app = Flask(__name__, static_folder=site / "static", static_url_path=assets.url_path())
    app.config["BOOTSTRAP_SERVE_LOCAL"] = True
    Bootstrap5(app)
    assets.serve(app, site / "instance" / "static")
    assets.digest.cache_clear()
    with app.test_request_context():
        urls = {name: url_for("static", filename=name) for name in ("theme.css", "logo.png")}
        urls["bootstrap"] = url_for("bootstrap.static", filename="css/bootstrap.min.css")
    return app, urls


def fetch(app, url, accept="gzip, deflate, br"):
    return Client(app).get(url, headers={"Accept-Encoding": accept})


def test_style_sheets_go_out_compressed_and_for_good(site):
    app, urls = start(site)
    for url in (urls["theme.css"], urls["bootstrap"]):
        answer = fetch(app, url)
        assert answer.status_code == 200
        assert answer.headers["Content-Encoding"] == "br"
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "max-age=315360000, public, immutable"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        plain = fetch(app, url, accept="identity")
        assert "Content-Encoding" not in plain.headers
        assert brotli.decompress(answer.data) == plain.data
        assert len(answer.data) < len(plain.data) / 5
        assert fetch(app, url, accept="gzip").headers["Content-Encoding"] == "gzip"


def test_pictures_are_left_as_they_are(site):
    app, urls = start(site)
    answer = fetch(app, urls["logo.png"])
    assert "Content-Encoding" not in answer.headers
    assert answer.data == (site / "static" / "logo.png").read_bytes()


def test_a_changed_file_has_a_new_address_and_never_the_old_content(site):
    _, before = start(site)
    (site / "static" / "theme.css").write_text("body { color: #654321; }\n" * 100)
    app, after = start(site)
    assert before["theme.css"] != after["theme.css"]
    assert brotli.decompress(fetch(app, after["theme.css"]).data).startswith(b"body { color: #654321; }")
    assert fetch(app, before["theme.css"]).status_code == 404


def test_the_second_start_makes_no_copies(site, monkeypatch):
    start(site)

    def refuse(built):
        raise AssertionError("built again")

    monkeypatch.setattr(assets, "_build", refuse)
    app, urls = start(site)
    assert fetch(app, urls["theme.css"]).status_code == 200
