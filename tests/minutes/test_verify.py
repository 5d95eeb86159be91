"""/verify: what anybody is told about a paper, by file, by fingerprint, by code."""

import hashlib
import io
import re

import pytest

from hearings.db import db, today
from hearings.filters import day
from hearings.minutes import operations, proof
from hearings.minutes.models import Minutes
from tests.minutes.conftest import PDF, WORD


def sent(data: bytes, name: str = "a.pdf") -> dict:
    return {"file": (io.BytesIO(data), name)}


def told(answer) -> str:
    """What the page says, without its forms."""
    assert answer.status_code == 200
    found = re.search(r'<div class="panel panel-(?:done|now)"\s+role="status">(.*?)</div>', answer.text, re.S)
    assert found, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


def test_our_papers_are_known_by_file_and_by_code(world, browser, concluded, publish):
    minutes = publish(concluded)
    anybody = browser()
    assert anybody.get("/verify").status_code == 200
    whole = f"《{minutes.content['title']}》"
    for answer in (
        anybody.post("/verify", sent(PDF + f"{concluded.id}.1".encode())),
        anybody.post("/verify", sent(WORD + f"{concluded.id}.1".encode(), "b.docx")),
        anybody.get(f"/verify?sha256={minutes.pdf_sha256}"),
        anybody.get(f"/verify?sha256={minutes.docx_sha256.upper()}"),
        anybody.post("/verify", {"sha256": minutes.pdf_sha256}),
        anybody.get(f"/verify/{minutes.code}"),
        anybody.get(f"/verify/{proof.grouped(minutes.code).lower()}"),
        anybody.get("/verify", query_string={"code": f" {proof.grouped(minutes.code)} "}),
    ):
        said = told(answer)
        assert minutes.content["title"] in said and minutes.content["issuer"] in said
        assert day(today()) in said or today().isoformat() in said, whole
    assert db.session.query(Minutes).count() == 1


def test_one_changed_byte_is_not_ours(world, browser, concluded, publish):
    minutes = publish(concluded)
    data = bytearray(PDF + f"{concluded.id}.1".encode())
    data[5] ^= 1
    said = told(browser().post("/verify", sent(bytes(data))))
    assert minutes.content["title"] not in said
    assert said == told(browser().post("/verify", sent(b"something else")))


def test_a_corrected_version_is_superseded(world, browser, concluded, publish):
    first = publish(concluded)
    second = publish(concluded, texts={"overview": "更正后的概况。"})
    assert first.code != second.code
    said = told(browser().get(f"/verify/{first.code}"))
    assert first.content["title"] in said and "2" in said
    assert said != told(browser().get(f"/verify/{second.code}"))
    assert "panel-now" in browser().get(f"/verify/{first.code}").text
    assert "panel-done" in browser().get(f"/verify/{second.code}").text


def test_it_says_nothing_more_than_the_paper(world, browser, concluded, publish):
    minutes = publish(concluded)
    page = browser().get(f"/verify/{minutes.code}").text
    for word in (world.organiser.name, "铁路桥", world.bureau.name, minutes.content_sha256, minutes.pdf_sha256):
        assert word not in page


def test_a_draft_is_not_ours(world, browser, concluded):
    operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    assert "panel-now" in browser().get("/verify/" + "A" * 20).text


@pytest.mark.parametrize(
    "path",
    [
        "/verify/x", "/verify/" + "A" * 20, "/verify/" + "A" * 5000, "/verify/%00%ff", "/verify/..%2f..%2fetc", "/verify/🙂",
        "/verify?code=%00", "/verify?code=" + "9" * 300, "/verify?sha256=", "/verify?sha256=" + "g" * 64,
        "/verify?sha256=" + "0" * 64, "/verify?sha256=%27%20OR%201=1", "/verify?sha256=a&sha256=b",
    ],
)  # fmt: skip
def test_odd_codes_get_a_sentence(app, browser, path):
    answer = browser().get(path)
    assert answer.status_code == 200 if "%2f" not in path else answer.status_code in (200, 404)


def test_odd_posts_get_a_sentence(app, browser, world, monkeypatch):
    for person in (None, world.deputy):
        one = browser(person)
        assert one.post("/verify").status_code == 422
        assert one.post("/verify", {"file": (io.BytesIO(b""), "")}).status_code == 422
        assert one.post("/verify", {"sha256": "no"}).status_code == 200
        assert one.post("/verify", sent(b"")).status_code == 200
    from hearings.minutes import pages_verify

    monkeypatch.setattr(pages_verify, "MOST", 1000)
    answer = browser().post("/verify", sent(b"x" * 1001))
    assert answer.status_code == 413 and "MB" in answer.text
    answer = browser().post("/verify", sent(b"x" * 200_000))
    assert answer.status_code == 413 and "MB" in answer.text


def test_nothing_of_a_checked_file_is_kept(app, browser, statements):
    with statements() as said:
        browser().post("/verify", sent(b"somebody's letter"))
    assert [s for s in said if not s.lstrip().startswith("SELECT")] == []


def test_the_code_is_made_of_the_content(app):
    content = {"title": "甲", "version": 1}
    code = proof.code_of(content)
    assert re.fullmatch("[A-Z2-7]{20}", code)
    stamped = proof.stamp(content)
    assert stamped["verify"] == {"code": code, "url": f"http://localhost/verify/{code}"}
    assert proof.code_of(stamped) == proof.code_of(stamped | {"signed_copy": {}}) == code
    assert proof.stamp(stamped) == stamped
    assert proof.code_of(content | {"version": 2}) != code
    app.config["BASE_URL"] = ""
    assert proof.address("/x") == f"http://127.0.0.1:{app.config['PORT']}/x"
    app.config["BASE_URL"] = "http://localhost"


def test_a_code_is_read_as_people_type_it():
    assert proof.tidy(" abcde-fghij klmno－" + "pqrst".upper()) is None  # a full-width hyphen is none of ours
    assert proof.tidy("abcde-fghij klmno-PQRST") == "ABCDEFGHIJKLMNOPQRST"
    assert proof.tidy("0" * 20) == "O" * 20
    assert proof.tidy("1" * 20) == "I" * 20
    assert proof.tidy("A" * 19) is None
    assert proof.digest_of(io.BytesIO(b"abc"), 3) == hashlib.sha256(b"abc").hexdigest()
    assert proof.digest_of(io.BytesIO(b"abcd"), 3) is None


def test_older_versions_without_a_word_file(world, browser, concluded, publish):
    minutes = publish(concluded, docx=None)
    assert minutes.docx_sha256 is None
    answer = browser(world.organiser).get(f"/hearings/{concluded.id}/minutes.docx")
    assert answer.status_code == 404 and "minutes" in answer.text
    assert "minutes.docx" not in browser(world.organiser).get(f"/hearings/{concluded.id}/minutes").text
