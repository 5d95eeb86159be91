"""A line of progress with what shows it: photos and papers, on the whole matter or on one promise."""

import io

import pytest
from sqlalchemy import select

from hearings.db import db, now
from hearings.issues.models import IssueFile, IssueStatus, Progress
from tests.issues.pages import form_of, photo, said

MANY = {"content_type": "multipart/form-data"}


@pytest.fixture
def handled(world, browser):
    """A promise, its assignment, and the department's browser."""
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue)
    return promise, world.assigned(issue), browser(world.department)


def test_a_photo_stands_beside_its_line(world, browser, handled):
    promise, assignment, office = handled
    address = f"/assignments/{assignment.id}/progress"
    page = office.get(f"{address}?commitment={promise.id}")
    assert 'enctype="multipart/form-data"' in page.text
    form = form_of(page) | {"text": "东侧已清运。", "percent": "40"}
    form["files"] = [(photo(), "东侧.jpg"), (io.BytesIO("清单".encode()), "清单.txt")]
    assert office.post(address, form, **MANY).status_code == 303
    line = db.session.scalars(select(Progress)).one()
    links = db.session.scalars(select(IssueFile).order_by(IssueFile.id)).all()
    assert [(f.progress_id, f.commitment_id, f.file.name) for f in links] == [
        (line.id, promise.id, "东侧.jpg"),
        (line.id, promise.id, "清单.txt"),
    ]
    for path in (f"/issues/{assignment.issue_id}", f"/commitments/{promise.id}"):
        shown = browser(world.organiser).get(path).text
        story = shown[shown.index('<ol class="story">') :].partition('id="files"')[0]
        assert story.index("东侧已清运。") < story.index("东侧.jpg") < story.index("清单.txt")
        assert story.count("东侧.jpg") == story.count("清单.txt") == 1
    assert office.get(f"/files/{links[0].id}?thumb=1").mimetype == "image/jpeg"
    assert browser(world.other_department).get(f"/files/{links[0].id}").status_code == 404


def test_what_showed_progress_is_not_evidence_that_it_is_done(world, browser, handled):
    promise, assignment, office = handled
    address = f"/assignments/{assignment.id}/progress"
    form = form_of(office.get(f"{address}?commitment={promise.id}")) | {
        "text": "开工。",
        "files": [(photo(), "开工.jpg")],
    }
    assert office.post(address, form, **MANY).status_code == 303
    address = f"/commitments/{promise.id}/report-done"
    form = form_of(office.get(address)) | {"report": "完工。", "files": [(photo(), "完工.jpg")]}
    assert office.post(address, form, **MANY).status_code == 303
    shown = office.get(f"/commitments/{promise.id}").text
    assert shown.index("开工。") < shown.index("开工.jpg") < shown.index("完工。") < shown.index("完工.jpg")
    assert shown.count("开工.jpg") == shown.count("完工.jpg") == 1


def test_on_the_whole_matter(world, browser, handled):
    _promise, assignment, office = handled
    address = f"/assignments/{assignment.id}/progress"
    form = form_of(office.get(address)) | {"text": "已现场勘察。", "files": [(photo(), "现场.jpg")]}
    assert office.post(address, form, **MANY).status_code == 303
    link = db.session.scalars(select(IssueFile)).one()
    assert (link.commitment_id, link.progress_id is None) == (None, False)
    page = browser(world.deputy).get(f"/issues/{assignment.issue_id}").text
    story = page[page.index('<ol class="story">') :]
    assert story.index("已现场勘察。") < story.index("现场.jpg")


def test_sent_twice_it_is_one_line(world, handled):
    _promise, assignment, office = handled
    address = f"/assignments/{assignment.id}/progress"
    form = form_of(office.get(address)) | {"text": "已现场勘察。"}
    for _i in range(2):
        answer = office.post(address, form | {"files": [(photo(), "现场.jpg")]}, **MANY)
        assert answer.headers["Location"].startswith(f"/issues/{assignment.issue_id}")
    assert len(db.session.scalars(select(Progress)).all()) == len(db.session.scalars(select(IssueFile)).all()) == 1


@pytest.mark.parametrize(
    ("data", "name"), [(b"MZ", "x.jpg"), (b"", "空.jpg"), (b"<script>", "x.html"), (b"%PDF-1.7 cut", "y.png")]
)
def test_a_file_that_is_not_what_it_says_keeps_the_words(app, handled, data, name):
    _promise, assignment, office = handled
    address = f"/assignments/{assignment.id}/progress"
    form = form_of(office.get(address)) | {"text": "已现场勘察。", "percent": "30"}
    answer = office.post(address, form | {"files": [(io.BytesIO(data), name)]}, **MANY)
    assert answer.status_code == 422
    assert form_of(answer)["text"] == "已现场勘察。" and 'class="error-summary"' in answer.text
    assert db.session.scalars(select(Progress)).all() == db.session.scalars(select(IssueFile)).all() == []


def test_a_good_file_beside_missing_words_is_asked_for_again(app, handled):
    _promise, assignment, office = handled
    address = f"/assignments/{assignment.id}/progress"
    answer = office.post(address, form_of(office.get(address)) | {"files": [(photo(), "现场.jpg")]}, **MANY)
    assert answer.status_code == 422
    assert said(app, "Please choose the files again; a browser does not keep them.") in answer.text


def test_not_on_a_closed_issue_nor_another_offices(world, browser, handled):
    _promise, assignment, office = handled
    address = f"/assignments/{assignment.id}/progress"
    given = {"text": "改。", "files": [(photo(), "现场.jpg")]}
    assert browser(world.other_department).post(address, given, **MANY).status_code == 404
    assert browser(world.leader).post(address, given | {"files": [(photo(), "a.jpg")]}, **MANY).status_code == 403
    issue = assignment.issue
    issue.status, issue.closed_at = IssueStatus.STRUCK_OFF, now()
    assert office.get(address).status_code == 409
    answer = office.post(address, given | {"files": [(photo(), "b.jpg")]}, **MANY)
    assert answer.status_code == 422 and "改。" in answer.text
    assert db.session.scalars(select(Progress)).all() == []
