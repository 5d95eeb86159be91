"""Photos and papers: adding, seeing, removing with undo, and who gets the bytes."""

import io
import struct
import zlib

from PIL import Image
from sqlalchemy import select

from hearings import files
from hearings.db import db
from hearings.issues import operations
from hearings.issues.models import IssueFile
from hearings.undo import UndoOffer
from tests.issues.pages import form_of, photo, said


class Upload(io.BytesIO):
    def __init__(self, data: bytes, filename: str):
        super().__init__(data)
        self.filename = filename


def attached(world, issue, name="桥下.jpg", data=None, **more):
    kept = files.store(Upload(data or photo().getvalue(), name), actor=world.organiser)
    link = operations.attach(issue, kept, actor=world.organiser, **more)
    db.session.commit()
    return link


def test_adding_by_the_page(app, world, browser):
    issue = world.issue()
    phone = browser(world.deputy)
    address = f"/issues/{issue.id}/files"
    empty = phone.post(address, form_of(phone.get(address)))
    assert empty.status_code == 422
    assert said(app, "Please choose a file.") in empty.text
    form = form_of(phone.get(address)) | {
        "caption": "桥下现状",
        "files": [(photo(), "a.jpg"), (io.BytesIO(b"%PDF-1.4\n%%EOF"), "清单.pdf")],
    }
    assert phone.post(address, form, content_type="multipart/form-data").status_code == 303
    assert [link.file.name for link in db.session.scalars(select(IssueFile).order_by(IssueFile.id))] == [
        "a.jpg",
        "清单.pdf",
    ]
    assert "桥下现状" in phone.get(f"/issues/{issue.id}").text


def test_one_bad_file_keeps_all_out(app, world, browser):
    issue = world.issue()
    phone = browser(world.deputy)
    address = f"/issues/{issue.id}/files"
    form = form_of(phone.get(address)) | {
        "caption": "两张",
        "files": [(photo(), "a.jpg"), (io.BytesIO(b"nonsense"), "b.jpg")],
    }
    answer = phone.post(address, form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert form_of(answer)["caption"] == "两张"
    assert db.session.scalars(select(IssueFile)).all() == []


def test_a_photo_is_shown_large_and_small(app, world, browser):
    link = attached(world, world.issue(), data=photo((900, 600)).getvalue())
    one = browser(world.leader)
    large, small = one.get(f"/files/{link.id}"), one.get(f"/files/{link.id}?thumb=1")
    for answer, size in ((large, (900, 600)), (small, (320, 213))):
        assert answer.status_code == 200
        assert answer.mimetype == "image/jpeg"
        assert answer.headers["Content-Disposition"].startswith("inline")
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Cache-Control"] == "private, max-age=31536000, immutable"
        picture = Image.open(io.BytesIO(answer.data))
        assert picture.size == size
        assert dict(picture.getexif()) == {}
    assert large.headers["ETag"] == f'"{link.file.sha256}"'
    again = one.get(f"/files/{link.id}", headers={"If-None-Match": large.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def saved(kind: str, size: tuple[int, int], **more: object) -> bytes:
    made = io.BytesIO()
    Image.new("L", size, 90).save(made, kind, **more)
    return made.getvalue()


def a_small_file_of_a_great_picture() -> bytes:
    """The beginning of a PNG that says it has 150 million pixels: half a megabyte can hold them."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 12_500, 12_000, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(50_000)))


def test_what_would_fill_the_memory_is_refused_before_it_is_read(app, world, browser):
    issue = world.issue()
    phone = browser(world.deputy)
    address = f"/issues/{issue.id}/files"
    for name, data in (
        ("大图.png", a_small_file_of_a_great_picture()),
        ("渐进.jpg", saved("JPEG", (8000, 5100), progressive=True)),
    ):
        form = form_of(phone.get(address)) | {"files": [(io.BytesIO(data), name)]}
        answer = phone.post(address, form, content_type="multipart/form-data")
        assert answer.status_code == 422
        assert f"“{name}”像素过大，请缩小后再上传。" in answer.text
    assert db.session.scalars(select(IssueFile)).all() == []


def test_a_great_photo_of_a_good_camera_is_kept_small_and_upright(app, world):
    turned = Image.Exif()
    turned[0x0112] = 6  # held upright
    link = attached(world, world.issue(), data=saved("JPEG", (8000, 6000), exif=turned.tobytes()))
    with Image.open(io.BytesIO(db.session.get(files.Blob, link.file.sha256).data)) as kept:
        assert (kept.size, dict(kept.getexif())) == ((1500, 2000), {})
    with Image.open(io.BytesIO(db.session.get(files.Blob, link.file.thumb_sha256).data)) as small:
        assert small.size == (240, 320)


def test_every_kind_of_photo_loses_its_place(app, world):
    for kind, name in (("JPEG", "a.jpg"), ("PNG", "b.png"), ("WEBP", "c.webp")):
        made = Image.effect_noise((40, 30), 50).convert("RGB")
        exif = Image.Exif()
        exif[0x010F] = "SecretPhone"
        out = io.BytesIO()
        made.save(out, kind, exif=exif.tobytes())
        assert b"SecretPhone" in out.getvalue()
        kept = files.store(Upload(out.getvalue(), name), actor=world.organiser)
        data = db.session.get(files.Blob, kept.sha256).data
        assert b"SecretPhone" not in data
        assert dict(Image.open(io.BytesIO(data)).getexif()) == {}


def test_a_photo_stands_upright(app, world):
    out = io.BytesIO()
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by a quarter
    Image.new("RGB", (60, 40)).save(out, "JPEG", exif=exif.tobytes())
    kept = files.store(Upload(out.getvalue(), "a.jpg"), actor=world.organiser)
    assert Image.open(io.BytesIO(db.session.get(files.Blob, kept.sha256).data)).size == (40, 60)


def test_a_paper_is_a_download_under_its_name(app, world, browser):
    link = attached(world, world.issue(), "验收清单.pdf", b"%PDF-1.4\n%%EOF")
    answer = browser(world.organiser).get(f"/files/{link.id}")
    assert answer.mimetype == "application/pdf"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert "%E9%AA%8C%E6%94%B6" in answer.headers["Content-Disposition"]
    assert answer.data == b"%PDF-1.4\n%%EOF"
    assert browser(world.organiser).get(f"/files/{link.id}?thumb=1").data == answer.data


def test_who_gets_the_bytes(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue, co_handlers=[world.other_bureau])
    world.assigned(issue)
    of_issue, of_promise = attached(world, issue), attached(world, issue, "b.png", commitment=promise)
    far = attached(world, world.issue(world.hearing("concluded", station=world.other_station), lead_deputy=None))
    seen = {
        "organiser": {of_issue, of_promise, far},
        "street": {of_issue, of_promise},
        "deputy": {of_issue, of_promise},
        "other_deputy": set(),
        "department": {of_issue, of_promise},
        "other_department": {of_promise},
        "leader": {of_issue, of_promise, far},
        "auditor": {of_issue, of_promise, far},
    }
    for role, links in seen.items():
        one = browser(getattr(world, role))
        for link in (of_issue, of_promise, far):
            code = 200 if link in links else 404
            assert one.get(f"/files/{link.id}").status_code == code, (role, link.id)
            assert one.get(f"/files/{link.id}?thumb=1").status_code == code
    assert browser(world.admin).get(f"/files/{of_issue.id}").status_code == 403
    assert browser().get(f"/files/{of_issue.id}").status_code == 302
    assert browser(world.leader).get("/files/99999").status_code == 404


def test_removing_with_undo(app, world, browser):
    issue = world.issue()
    link = attached(world, issue)
    number = link.id
    phone = browser(world.deputy)
    address = f"/issues/{issue.id}/files/{number}/remove"
    assert address in phone.get(f"/issues/{issue.id}").text
    other = world.issue(issue.hearing)
    assert phone.post(f"/issues/{other.id}/files/{number}/remove").status_code == 404
    assert browser(world.leader).post(address).status_code == 403
    assert browser(world.other_deputy).post(address).status_code == 404
    assert phone.post(address).status_code == 303
    assert phone.get(f"/files/{number}").status_code == 404
    assert phone.post(address).status_code == 404
    offer = db.session.scalars(select(UndoOffer)).all()[-1]
    assert browser(world.organiser).post(f"/undo/{offer.id}").status_code == 409
    assert phone.post(f"/undo/{offer.id}").status_code == 303
    assert phone.get(f"/files/{number}").status_code == 200


def test_evidence_of_a_closed_issue_stays(app, world, browser):
    issue = world.issue(world.hearing("concluded"))
    link = attached(world, issue)
    operations.decline(issue, reason="诉讼", actor=world.organiser)
    desk = browser(world.organiser)
    address = f"/issues/{issue.id}/files/{link.id}/remove"
    assert address not in desk.get(f"/issues/{issue.id}").text
    assert desk.post(address).status_code == 409
