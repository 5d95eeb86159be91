"""Logging an issue on a phone: in the room, at a desk, late, twice, and with odd input."""

import io

import pytest
from PIL import Image
from sqlalchemy import select

from hearings import undo
from hearings.audit import trail
from hearings.db import db
from hearings.files import Blob
from hearings.issues import operations
from hearings.issues.models import Category, Issue, IssueFile
from hearings.undo import UndoOffer
from tests.issues.pages import form_of, photo, said


def where(hearing):
    return f"/hearings/{hearing.id}/issues/new"


def test_a_deputy_logs_an_issue_with_a_photo(app, world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing)))
    assert "lead_deputy" not in form, "a deputy speaks in his own name"
    assert form["street"] == "新碶"
    assert len(form["client_id"]) == 32
    form |= {
        "statement": "霞浦铁路桥下长期堆物，夜间无灯。\r\n老人摔倒过两次。",
        "place": "霞浦铁路桥",
        "resident": "陈",
        "community": "霞浦社区",
        "category": "transport",
        "photos": [(photo((3000, 2000)), "桥下.JPG")],
    }
    done = phone.post(where(hearing), form, content_type="multipart/form-data")
    assert done.status_code == 303
    issue = db.session.scalars(select(Issue)).one()
    assert done.headers["Location"] == f"{where(hearing)}?done={issue.id}"
    assert issue.reference == "1-01"
    assert issue.statement == "霞浦铁路桥下长期堆物，夜间无灯。\n老人摔倒过两次。"
    assert issue.title == "霞浦铁路桥下长期堆物"
    assert (issue.lead_deputy, issue.logged_by) == (world.deputy, world.deputy)
    assert (issue.resident, issue.community, issue.category) == ("陈", "霞浦社区", Category.TRANSPORT)
    assert not issue.is_late
    assert [line.action for line in trail(issue)] == ["issue.log", "issue.attach"]
    assert "陈" not in str([line.details for line in trail(issue)])

    kept = db.session.scalars(select(IssueFile)).one().file
    stored = Image.open(io.BytesIO(db.session.get(Blob, kept.sha256).data))
    assert stored.size == (2000, 1333)
    assert dict(stored.getexif()) == {}
    assert b"SecretPhone" not in db.session.get(Blob, kept.sha256).data
    assert max(Image.open(io.BytesIO(db.session.get(Blob, kept.thumb_sha256).data)).size) == 320

    after = phone.get(done.headers["Location"])
    assert said(app, "Logged as %(reference)s", reference="1-01") in after.text
    assert f'href="/issues/{issue.id}"' in after.text
    again = form_of(after)
    assert again["statement"] == ""
    assert again["client_id"] != form["client_id"]


def test_the_organiser_logs_for_a_resident_with_co_signers(app, world, browser):
    hearing = world.hearing("announced")
    desk = browser(world.organiser)
    form = form_of(desk.get(where(hearing)))
    assert form["lead_deputy"] == ""
    form |= {"statement": "社区助餐点只供午餐。", "cosigners": [world.deputy.id, world.other_deputy.id]}
    assert desk.post(where(hearing), form).status_code == 303
    issue = db.session.scalars(select(Issue)).one()
    assert issue.lead_deputy is None
    assert issue.cosigners == [world.deputy, world.other_deputy]


def test_a_deputy_names_who_raises_it_too(app, world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    page = phone.get(where(hearing))
    assert said(app, "Co-signing deputies") in page.text
    form = form_of(page) | {"statement": "社区助餐点只供午餐。"}
    refused = phone.post(where(hearing), form | {"cosigners": [world.organiser.id]})  # no deputy
    assert refused.status_code == 422 and "社区助餐点只供午餐。" in refused.text
    assert db.session.scalars(select(Issue)).all() == []
    assert phone.post(where(hearing), form | {"cosigners": [world.deputy.id, world.other_deputy.id]}).status_code == 303
    issue = db.session.scalars(select(Issue)).one()
    assert issue.lead_deputy == world.deputy
    assert issue.cosigners == [world.other_deputy]  # nobody signs twice
    assert issue.title in browser(world.other_deputy).get(f"/issues/{issue.id}").text


def test_a_deputy_does_not_put_an_issue_in_another_deputys_name(world, browser):
    """It would be the other one who is asked to confirm it; whoever raises it too co-signs."""
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing))) | {"statement": "社区助餐点只供午餐。"}
    for named in (str(world.other_deputy.id), ""):
        fresh = form | {key: form_of(phone.get(where(hearing)))[key] for key in ("form_id", "client_id")}
        assert phone.post(where(hearing), fresh | {"lead_deputy": named}).status_code == 303
    assert [i.lead_deputy for i in db.session.scalars(select(Issue))] == [world.deputy] * 2


def sent(phone, hearing, form, nth, **words):
    """The form as a device sends it from the page, for the nth time."""
    return phone.post(
        where(hearing),
        form | words | {"form_id": f"{form['form_id']}~{nth}"},
        headers={"X-Requested-With": "XMLHttpRequest"},
    )


def test_words_changed_after_a_sending_without_an_answer_take_the_place_of_the_first(world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing)))
    first = sent(phone, hearing, form, 1, statement="弄堂雨后积水。", place="弄堂")
    assert first.status_code == 200
    again = sent(phone, hearing, form, 2, statement="弄堂雨后积水，石板松动。", cosigners=[world.other_deputy.id])
    assert again.json["location"] == first.json["location"]
    issue = db.session.scalars(select(Issue)).one()
    assert (issue.statement, issue.title, issue.place) == (
        "弄堂雨后积水，石板松动。", "弄堂雨后积水", None,
    )  # fmt: skip
    assert issue.cosigners == [world.other_deputy]
    assert [line.action for line in trail(issue)] == ["issue.log", "issue.amend"]
    # what arrives late, or a second time, changes nothing back
    assert sent(phone, hearing, form, 2, statement="弄堂雨后积水，石板松动。").status_code == 303
    assert sent(phone, hearing, form, 1, statement="弄堂雨后积水。").status_code == 303
    assert issue.statement == "弄堂雨后积水，石板松动。"


def test_a_sending_that_was_overtaken_changes_nothing_back(world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing)))
    for nth, words in ((3, "第三次的话，最后改定。"), (2, "第二次的话，来得太迟。")):
        assert sent(phone, hearing, form, nth, statement=words).status_code == 200
    assert db.session.scalars(select(Issue)).one().statement == "第三次的话，最后改定。"


def test_what_another_has_worked_on_is_not_overwritten_by_a_second_sending(app, world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing)))
    sent(phone, hearing, form, 1, statement="弄堂雨后积水。")
    issue = db.session.scalars(select(Issue)).one()
    operations.amend_issue(issue, {"title": "弄堂积水"}, actor=world.organiser)
    db.session.commit()
    refused = sent(phone, hearing, form, 2, statement="弄堂雨后积水，石板松动。")
    assert refused.status_code == 422
    assert "1-01" in refused.json["message"]
    assert (issue.statement, issue.title) == ("弄堂雨后积水。", "弄堂积水")


def test_the_device_learns_which_form_was_carried_out(world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing))) | {"statement": "弄堂雨后积水。"}
    for _time in range(2):
        answer = phone.post(where(hearing), form)
        assert f"sent={form['form_id']}" in answer.headers["Set-Cookie"].replace('"', "")
    refused = phone.post(where(hearing), form_of(phone.get(where(hearing))) | {"statement": ""})
    assert "sent=" not in refused.headers.get("Set-Cookie", "")


def test_a_co_signer_who_takes_the_lead_signs_once(world):
    issue = world.issue(world.hearing("in_session"), cosigners=[world.other_deputy])
    operations.amend_issue(issue, {"lead_deputy": world.other_deputy}, actor=world.organiser)
    assert (issue.lead_deputy, issue.cosigners) == (world.other_deputy, [])


def test_after_the_evening_it_is_marked_late(app, world, browser):
    hearing = world.hearing("concluded")
    desk = browser(world.deputy)
    page = desk.get(where(hearing))
    assert said(app, "The hearing has concluded: what is logged now is marked as a late entry.") in page.text
    desk.post(where(hearing), form_of(page) | {"statement": "会后补记的一个问题。"})
    issue = db.session.scalars(select(Issue)).one()
    assert issue.is_late
    assert said(app, "Late entry") in desk.get(f"/issues/{issue.id}").text


def test_the_same_form_twice_gives_one_issue(app, world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing))) | {"statement": "弄堂雨后积水，老石板松动。"}
    first = phone.post(where(hearing), form)
    second = phone.post(where(hearing), form)
    assert first.headers["Location"] == second.headers["Location"]
    assert len(db.session.scalars(select(Issue)).all()) == 1


def test_the_same_device_id_in_another_form_gives_one_issue_and_one_photo(app, world, browser):
    """The phone's queue sends an entry again without knowing that it arrived."""
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    picture = photo().getvalue()
    for _time in range(2):
        form = form_of(phone.get(where(hearing)))
        form |= {
            "statement": "弄堂雨后积水。",
            "client_id": "phone-0001-abcd",
            "photos": [(io.BytesIO(picture), "a.jpg")],
        }
        assert phone.post(where(hearing), form, content_type="multipart/form-data").status_code == 303
    assert len(db.session.scalars(select(Issue)).all()) == 1
    assert len(db.session.scalars(select(IssueFile)).all()) == 1


def test_another_persons_device_id_does_not_open_their_issue(app, world, browser):
    hearing = world.hearing("in_session")
    theirs = world.issue(hearing, client_id="phone-0001-abcd", lead_deputy=world.other_deputy)
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing))) | {"statement": "我的问题。", "client_id": "phone-0001-abcd"}
    refused = phone.post(where(hearing), form)
    assert refused.status_code == 422
    assert "我的问题。" in refused.text
    assert db.session.scalars(select(Issue)).all() == [theirs]


def test_who_may_log(app, world, browser):
    hearing = world.hearing("in_session")
    elsewhere = world.hearing("in_session", station=world.other_station)
    for who, code in (
        (world.organiser, 200),
        (world.street, 200),
        (world.deputy, 200),
        (world.department, 403),
        (world.leader, 403),
        (world.auditor, 403),
        (world.admin, 404),
    ):
        assert browser(who).get(where(hearing)).status_code == code, who.username
        assert browser(who).post(where(hearing), {"statement": "x"}).status_code == (code if code != 200 else 422)
    assert browser(world.street).get(where(elsewhere)).status_code == 404


def test_not_before_the_announcement(app, world, browser):
    draft = world.hearing("draft")
    answer = browser(world.organiser).get(where(draft))
    assert answer.status_code == 409
    assert said(app, "Issues are logged from the announcement until the hearing is filed.") in answer.text
    assert browser(world.deputy).get(where(draft)).status_code == 404


@pytest.mark.parametrize(
    "statement",
    ["问" * 5000, "桥下没有灯😀，<script>alert(1)</script>", "مرحبا", "第一行\r\n第二行\n第三行", "a" * 4999 + "字"],
)
def test_text_that_is_kept(app, world, browser, statement):
    hearing = world.hearing("in_session")
    desk = browser(world.organiser)
    assert desk.post(where(hearing), form_of(desk.get(where(hearing))) | {"statement": statement}).status_code == 303
    issue = db.session.scalars(select(Issue)).one()
    assert issue.statement == statement.replace("\r\n", "\n")
    assert "<script>alert" not in desk.get(f"/issues/{issue.id}").text
    assert desk.get("/issues/").status_code == 200


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("statement", "问" * 5001),
        ("statement", "  \n "),
        ("statement", "夜里\u202e没有灯"),
        ("statement", "夜里\x00没有灯"),
        ("statement", "夜里\x1b没有灯"),
        ("title", "两行\n标题"),
        ("title", "题" * 61),
        ("resident", "陈\r\n李"),
        ("resident", "陈" * 11),
        ("place", "桥\u2067下"),
        ("community", "社\x00区"),
        ("category", "nonsense"),
        ("street", "不存在的街道"),
        ("lead_deputy", "999999"),
        ("lead_deputy", "9" * 40),
        ("lead_deputy", "abc"),
        ("topic", "77"),
        ("cosigners", "12345"),
    ],
)
def test_text_that_is_refused_stays_in_the_page(app, world, browser, field, value):
    hearing = world.hearing("in_session")
    desk = browser(world.organiser)
    form = form_of(desk.get(where(hearing))) | {"statement": "记着这一句。", "place": "霞浦铁路桥"} | {field: value}
    answer = desk.post(where(hearing), form)
    assert answer.status_code == 422
    assert db.session.scalars(select(Issue)).all() == []
    kept = form_of(answer)
    if field != "place":
        assert kept["place"] == "霞浦铁路桥"
    if field in ("statement", "title", "resident") and value.strip() and "\x00" not in value and "\x1b" not in value:
        assert kept[field].replace("\r\n", "\n").split() == value.split()
    assert 'class="error-summary"' in answer.text


def test_an_organiser_cannot_be_named_as_the_deputy(app, world, browser):
    hearing = world.hearing("in_session")
    desk = browser(world.organiser)
    form = form_of(desk.get(where(hearing))) | {"statement": "问题。", "lead_deputy": world.leader.id}
    assert desk.post(where(hearing), form).status_code == 422


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("photo.jpg", b"<html>not a picture</html>"),
        ("photo.png", b"%PDF-1.4 says png"),
        ("empty.jpg", b""),
        ("tool.exe", b"MZ"),
        ("noname", b"hello"),
        ("paper.pdf", b"PK\x03\x04 a zip"),
    ],
)
def test_uploads_that_are_not_what_they_say(app, world, browser, name, data):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing)))
    form |= {"statement": "照片说明问题。", "photos": [(io.BytesIO(data), name)]}
    answer = phone.post(where(hearing), form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert form_of(answer)["statement"] == "照片说明问题。"
    assert name in answer.text
    assert db.session.scalars(select(Issue)).all() == []
    assert db.session.scalars(select(Blob)).all() == []


def test_an_upload_over_the_limit(app, world, browser, monkeypatch):
    monkeypatch.setitem(app.config, "UPLOAD_MB", 1)
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing)))
    form |= {"statement": "照片太大。", "photos": [(io.BytesIO(b"x" * (1024 * 1024 + 1)), "a.jpg")]}
    answer = phone.post(where(hearing), form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert said(app, "“%(name)s” is larger than %(limit)s MB.", name="a.jpg", limit=1) in answer.text
    assert form_of(answer)["statement"] == "照片太大。"


def test_chosen_photos_are_asked_for_again_when_something_else_is_wrong(app, world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing))) | {"statement": "", "photos": [(photo(), "a.jpg")]}
    answer = phone.post(where(hearing), form, content_type="multipart/form-data")
    assert answer.status_code == 422
    assert said(app, "Please choose the files again; a browser does not keep them.") in answer.text


def test_a_file_name_with_odd_characters(app, world, browser):
    hearing = world.hearing("in_session")
    phone = browser(world.deputy)
    form = form_of(phone.get(where(hearing)))
    form |= {"statement": "照片。", "photos": [(photo(), "../../etc/\u202e桥<script>.jpg")]}
    assert phone.post(where(hearing), form, content_type="multipart/form-data").status_code == 303
    link = db.session.scalars(select(IssueFile)).one()
    assert "/" not in link.file.name and "\u202e" not in link.file.name
    assert "<script>." not in phone.get(f"/issues/{link.issue_id}").text


def test_a_removed_issues_number_and_id_are_not_given_again(world):
    hearing = world.hearing("in_session")
    first, second = world.issue(hearing), world.issue(hearing)
    gone, number = second.id, second.number
    operations.remove_issue(second, actor=world.organiser)
    db.session.commit()
    third = world.issue(hearing)
    assert third.number == number + 1 and third.id > gone
    offer = db.session.scalars(select(UndoOffer).where(UndoOffer.act == "issue.remove")).one()
    undo.take_back(offer.id, actor=world.organiser)
    db.session.commit()
    rows = db.session.execute(
        select(Issue.id, Issue.number).where(Issue.hearing_id == hearing.id).order_by(Issue.number)
    ).all()
    assert rows == [(first.id, 1), (gone, number), (third.id, number + 1)]
