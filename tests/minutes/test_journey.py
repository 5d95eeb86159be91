"""Minutes from the first draft to a correction, over HTTP; and every refusal."""

import hashlib
import io
import json
import re
from datetime import timedelta
from urllib.parse import quote

import pytest
from sqlalchemy import select, text, update

from hearings import undo
from hearings.audit import AuditEvent, verify
from hearings.db import db, today
from hearings.documents import RenderFailed
from hearings.errors import RuleBroken
from hearings.files import Blob
from hearings.issues import operations as issues
from hearings.minutes import content, operations, press, proof, queries, routes
from hearings.minutes.models import Minutes
from hearings.people.models import User
from hearings.schedule import operations as schedule
from hearings.schedule.models import Hearing
from tests import factories
from tests.reviews.test_night import undo_from

PDF = b"%PDF-1.7 stand-in "
WORD = b"PK stand-in"


@pytest.fixture
def rendered(monkeypatch):
    """Stand in for the child that prints (it has tests of its own): what was asked to be printed."""
    asked = []

    def render(paper):
        assert not db.session().in_transaction(), "a transaction is held while the paper is made"
        asked.append(paper)
        return PDF + hashlib.sha256(json.dumps(paper, sort_keys=True).encode()).digest()

    monkeypatch.setattr(routes, "render", render)
    monkeypatch.setattr(routes, "word", lambda paper: WORD)
    return asked


@pytest.fixture
def concluded(world):
    """A concluded hearing with one issue, handed over."""
    hearing = world.hearing("in_session", day=today() - timedelta(days=3))
    issue = world.issue(hearing)
    world.commitment(issue)
    schedule.conclude(hearing, actor=world.organiser)
    issues.assign(issue, lead=world.bureau, actor=world.organiser)
    db.session.commit()
    return hearing


def form_id(page: str) -> str:
    return re.search(r'name="form_id"[^>]*value="([^"]+)"', page)[1]


def fields(page: str) -> dict[str, str]:
    """The hidden and text fields of a page's main form, as a browser would send them."""
    import html

    found = dict(re.findall(r'<input[^>]*name="(form_id|base|seen)"[^>]*value="([^"]*)"', page))
    for tag, name, inner in re.findall(r'<(textarea)[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', page, re.S):
        found[name] = inner.removeprefix("\r\n").removeprefix("\n") if tag else ""
    for attrs in re.findall(r"<input[^>]*>", page):
        if 'type="text"' in attrs:
            found[re.search(r'name="([^"]+)"', attrs)[1]] = re.search(r'value="([^"]*)"', attrs)[1]
    return {k: html.unescape(v) for k, v in found.items()}


def test_from_draft_to_published_to_corrected(world, browser, concluded, rendered):
    base = f"/hearings/{concluded.id}/minutes"
    drafter, colleague = browser(world.organiser), browser(world.street)
    assert drafter.get(f"{base}.pdf").status_code == 404
    assert f'href="/hearings/{concluded.id}"' in drafter.get(f"{base}.pdf").text

    page = drafter.get(base)
    assert page.status_code == 200
    assert drafter.post(base, {"form_id": form_id(page.text)}).location == base
    minutes = db.session.scalars(select(Minutes)).one()
    assert (minutes.status, minutes.version, minutes.drafted_by) == ("draft", 1, world.organiser)
    assert minutes.content == minutes.composed == content.compose(concluded)
    assert drafter.post(base).status_code == 303  # a second time changes nothing
    assert db.session.scalars(select(Minutes)).all() == [minutes]

    sent = fields(drafter.get(f"{base}/edit").text)
    done = drafter.post(f"{base}/edit", sent | {"requirements": "会议要求，限期办结。\r\n逐项销号。"})
    assert done.status_code == 303
    assert minutes.content["sections"][3]["paragraphs"] == ["会议要求，限期办结。", "逐项销号。"]
    assert minutes.composed == content.compose(concluded)

    preview = drafter.get(f"{base}/preview.pdf")
    assert preview.mimetype == "application/pdf" and rendered[-1]["draft"] is True
    assert drafter.get(f"{base}/preview.pdf", headers={"If-None-Match": preview.headers["ETag"]}).status_code == 304
    assert len(rendered) == 1

    assert drafter.post(f"{base}/review").status_code == 409  # who drafted does not review
    assert colleague.post(f"{base}/review").status_code == 303
    assert colleague.post(f"{base}/return", {"reason": "要求写具体些"}).status_code == 303
    assert "要求写具体些" in drafter.get(base).text
    assert (minutes.status, minutes.reviewed_by) == ("draft", None)
    assert colleague.post(f"{base}/review").status_code == 303
    assert (minutes.status, minutes.reviewed_by) == ("reviewed", world.street)
    assert drafter.get(f"{base}/edit").status_code == 409  # reviewed: return it first

    scan = (io.BytesIO(b"%PDF-1.4 scan"), "签发稿.pdf")
    signed = {"issued_by": "李某某", "issued_on": today().isoformat(), "signed_copy": scan}
    sent = fields(drafter.get(f"{base}/publish").text) | signed
    assert drafter.post(f"{base}/publish", sent).location == base
    final = rendered[-1]
    assert {k: final[k] for k in ("issued_by", "drafted_by", "reviewed_by", "draft", "version")} == {
        "issued_by": "李某某",
        "drafted_by": "周某某",
        "reviewed_by": "钱某某",
        "draft": False,
        "version": 1,
    }
    db.session.refresh(minutes)
    stored = db.session.get_one(Blob, minutes.pdf_sha256).data
    assert stored.startswith(PDF) and hashlib.sha256(stored).hexdigest() == minutes.pdf_sha256
    assert content.fingerprint(minutes.content) == minutes.content_sha256
    assert minutes.previous_sha256 is None
    copy = drafter.get(f"{base}/signed-copy")
    assert copy.data == b"%PDF-1.4 scan" and quote("签发稿.pdf") in copy.headers["Content-Disposition"]

    got = drafter.get(f"{base}.pdf")
    assert (got.data, got.headers["ETag"]) == (stored, f'"{minutes.pdf_sha256}"')
    assert f"filename*=UTF-8''{quote('第1期人大代表民生夜询会纪要.pdf')}" in got.headers["Content-Disposition"]
    again = drafter.get(f"{base}.pdf", headers={"If-None-Match": got.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")

    correction = drafter.post(f"{base}/correct", {"reason": "更正一处人名"})
    assert correction.location == f"{base}/edit"
    second = queries.latest(concluded)
    assert (second.version, second.status, second.reason) == (2, "draft", "更正一处人名")
    assert second.content["sections"] == minutes.content["sections"]
    assert "signed_copy" not in second.content
    assert drafter.post(f"{base}/correct", {"reason": "再来"}).status_code == 409
    assert drafter.get(f"{base}.pdf").data == stored  # still the first
    sent = fields(drafter.get(f"{base}/edit").text)
    drafter.post(f"{base}/edit", sent | {"overview": "更正后的概况。"})
    colleague.post(f"{base}/review")
    drafter.post(f"{base}/publish", {"issued_by": "张某某", "issued_on": today().isoformat()})
    db.session.refresh(second)
    assert (second.status, second.previous_sha256) == ("published", minutes.pdf_sha256)
    assert second.content["previous_sha256"] == minutes.pdf_sha256
    assert rendered[-1]["correction_reason"] == "更正一处人名" and rendered[-1]["version"] == 2
    newest = drafter.get(f"{base}.pdf")
    assert newest.headers["ETag"] == f'"{second.pdf_sha256}"'
    assert (
        quote("（第2版）") in newest.headers["Content-Disposition"]
        or "version" in newest.headers["Content-Disposition"]
    )
    assert drafter.get(f"{base}.pdf?version=1").data == stored
    assert drafter.get(f"{base}.pdf?version=3").status_code == 404
    assert drafter.get(f"{base}.pdf?version=x").status_code == 404
    assert "更正一处人名" in drafter.get(base).text
    assert "更正后的概况" not in drafter.get(f"{base}?version=1").text

    told = db.session.scalars(
        select(AuditEvent.action).where(AuditEvent.subject_type == "minutes").order_by(AuditEvent.id)
    ).all()
    assert told == [f"minutes.{a}" for a in (
        "draft", "amend", "review", "return", "review", "publish", "correct", "amend", "review", "publish",
    )]  # fmt: skip
    assert verify() is None


def published(world, hearing, **changes):
    """Minutes published without a browser."""
    minutes = operations.draft(hearing, actor=world.organiser)
    operations.review(minutes, actor=world.street)
    signed = {"issued_by": "李某某", "issued_on": today(), "pdf": PDF} | changes
    operations.publish(minutes, actor=world.organiser, **signed)
    db.session.commit()
    return minutes


# -- who may what --------------------------------------------------------------------------------------


def test_who_reads_and_who_does_not(world, browser, concluded, rendered):
    base = f"/hearings/{concluded.id}/minutes"
    minutes = operations.draft(concluded, actor=world.organiser)
    minutes_title = minutes.content["title"]
    db.session.commit()
    for user in (world.deputy, world.department):  # drafts are invisible
        assert minutes_title not in browser(user).get(base).text
        assert browser(user).get(f"{base}.pdf").status_code == 404
    assert minutes_title in browser(world.leader).get(base).text
    operations.review(minutes, actor=world.street)
    operations.publish(minutes, issued_by="李", issued_on=today(), actor=world.organiser, pdf=PDF)
    db.session.commit()
    for user in (world.deputy, world.department, world.leader, world.auditor, world.organiser, world.street):
        assert browser(user).get(f"{base}.pdf").data == PDF
        assert minutes_title in browser(user).get(base).text
    stranger = factories.user("deputy")
    elsewhere = factories.user("organiser", stations=[world.other_station])
    db.session.commit()
    for user in (stranger, elsewhere, world.admin):
        assert browser(user).get(f"{base}.pdf").status_code == 404
        assert browser(user).get(base).status_code == 404
    assert browser().get(f"{base}.pdf").status_code == 302


@pytest.mark.parametrize("path", ["edit", "differences", "return", "publish", "correct", "preview.pdf"])
def test_only_organisers_write(world, browser, concluded, path):
    operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    for user in (world.deputy, world.department, world.leader, world.auditor):
        assert browser(user).get(f"/hearings/{concluded.id}/minutes/{path}").status_code == 403
        if path != "preview.pdf":
            assert browser(user).post(f"/hearings/{concluded.id}/minutes/{path}").status_code == 403
    assert browser(world.deputy).post(f"/hearings/{concluded.id}/minutes").status_code == 403
    assert browser(world.leader).post(f"/hearings/{concluded.id}/minutes/review").status_code == 403


def test_nothing_to_work_on_yet(world, browser):
    hearing = world.hearing("announced")
    one = browser(world.organiser)
    base = f"/hearings/{hearing.id}/minutes"
    assert one.get(base).status_code == 200
    assert one.post(base).status_code == 409  # before the evening
    assert db.session.scalars(select(Minutes)).all() == []
    for path in ("edit", "differences", "publish", "return", "correct", "preview.pdf", "signed-copy"):
        assert one.get(f"{base}/{path}").status_code == 404
    assert one.post(f"{base}/review").status_code == 404


# -- publishing ----------------------------------------------------------------------------------------


def reviewed(world, hearing):
    minutes = operations.draft(hearing, actor=world.organiser)
    operations.review(minutes, actor=world.street)
    db.session.commit()
    return minutes


@pytest.mark.parametrize(
    ("sent", "typed"),
    [
        ({"issued_by": "", "issued_on": "2021-03-30"}, "2021-03-30"),
        ({"issued_by": "李某某", "issued_on": "昨天"}, "昨天"),
        ({"issued_by": "李某某", "issued_on": "2021-03-30"}, "李某某"),  # before the hearing
        ({"issued_by": "李\x00某", "issued_on": ""}, "李"),
    ],
)
def test_what_is_wrong_about_the_signature_is_said_and_kept(world, browser, concluded, rendered, sent, typed):
    minutes = reviewed(world, concluded)
    answer = browser(world.organiser).post(f"/hearings/{concluded.id}/minutes/publish", sent)
    assert answer.status_code == 422 and typed in answer.text
    assert minutes.status == "reviewed" and not rendered


def test_the_signature_does_not_lie_in_the_future(world, browser, concluded, rendered):
    reviewed(world, concluded)
    tomorrow = (today() + timedelta(days=1)).isoformat()
    answer = browser(world.organiser).post(
        f"/hearings/{concluded.id}/minutes/publish", {"issued_by": "李", "issued_on": tomorrow}
    )
    assert answer.status_code == 422 and tomorrow in answer.text


def test_a_scan_that_is_not_what_it_says_publishes_nothing(world, browser, concluded, rendered):
    minutes = reviewed(world, concluded)
    sent = {"issued_by": "李", "issued_on": today().isoformat(), "signed_copy": (io.BytesIO(b"MZ"), "a.pdf")}
    answer = browser(world.organiser).post(f"/hearings/{concluded.id}/minutes/publish", sent)
    assert answer.status_code == 422 and "a.pdf" in answer.text
    db.session.refresh(minutes)
    assert minutes.status == "reviewed"


def test_a_paper_that_cannot_be_made_leaves_the_draft(world, browser, concluded, monkeypatch):
    minutes = reviewed(world, concluded)

    def render(*args, **kwargs):
        raise RenderFailed("排版失败，请稍后再试。")

    monkeypatch.setattr(routes, "render", render)
    monkeypatch.setattr(routes, "word", lambda paper: WORD)
    answer = browser(world.organiser).post(
        f"/hearings/{concluded.id}/minutes/publish", {"issued_by": "李某某", "issued_on": today().isoformat()}
    )
    assert answer.status_code == 422
    assert "排版失败，请稍后再试。" in answer.text and "李某某" in answer.text
    db.session.refresh(minutes)
    assert (minutes.status, minutes.pdf_sha256) == ("reviewed", None)


@pytest.mark.parametrize("what", ["record", "text", "returned"])
def test_what_changes_while_the_paper_is_made_stops_it(world, browser, concluded, monkeypatch, what):
    minutes = reviewed(world, concluded)

    hearing_id, colleague_id = concluded.id, world.street.id

    def render(paper):
        hearing = db.session.get_one(Hearing, hearing_id)
        current = queries.latest(hearing)
        if what == "record":
            hearing.theme = "换了主题"
        elif what == "text":
            current.content = content.with_texts(current.content, {"overview": "别人改的。"})
        else:
            operations.return_to_draft(current, reason="再看", actor=db.session.get_one(User, colleague_id))
        db.session.commit()
        return PDF

    monkeypatch.setattr(routes, "render", render)
    monkeypatch.setattr(routes, "word", lambda paper: WORD)
    answer = browser(world.organiser).post(
        f"/hearings/{concluded.id}/minutes/publish", {"issued_by": "李某某", "issued_on": today().isoformat()}
    )
    assert answer.status_code in (409, 422) and "%PDF" not in answer.text
    db.session.refresh(minutes)
    assert minutes.status == ("draft" if what == "returned" else "reviewed")
    assert minutes.pdf_sha256 is None


def test_publishing_twice_is_one_publication(world, browser, concluded, rendered):
    reviewed(world, concluded)
    one = browser(world.organiser)
    base = f"/hearings/{concluded.id}/minutes"
    sent = fields(one.get(f"{base}/publish").text) | {"issued_by": "李", "issued_on": today().isoformat()}
    assert one.post(f"{base}/publish", sent).location == base
    assert one.post(f"{base}/publish", sent).location == base
    assert len(rendered) == 1 and len(db.session.scalars(select(Minutes)).all()) == 1


def test_the_drafter_may_review_where_the_district_says_so(app, world, concluded, monkeypatch):
    minutes = operations.draft(concluded, actor=world.organiser)
    with pytest.raises(RuleBroken):
        operations.review(minutes, actor=world.organiser)
    monkeypatch.setitem(app.config, "DRAFTER_MAY_REVIEW", True)
    operations.review(minutes, actor=world.organiser)
    assert minutes.status == "reviewed"


# -- final is final: three locks -----------------------------------------------------------------------


def test_the_workflow_lets_nothing_change_what_is_published(world, concluded):
    minutes = published(world, concluded)
    for act in (
        lambda: operations.amend(minutes, {"overview": "改"}, actor=world.organiser),
        lambda: operations.settle(minutes, minutes.content, {"overview": "record"}, actor=world.organiser),
        lambda: operations.review(minutes, actor=world.street),
        lambda: operations.return_to_draft(minutes, reason="改", actor=world.street),
        lambda: operations.publish(minutes, issued_by="王", issued_on=today(), actor=world.organiser, pdf=PDF),
    ):
        with pytest.raises(RuleBroken):
            act()
        db.session.rollback()


@pytest.mark.parametrize("change", ["content", "status", "delete"])
def test_the_flush_lets_nothing_change_what_is_published(world, concluded, change):
    minutes = published(world, concluded)
    if change == "content":
        minutes.content = {"format": 1}
    elif change == "status":
        minutes.status = "draft"
    else:
        db.session.delete(minutes)
    with pytest.raises(RuleBroken):
        db.session.flush()
    db.session.rollback()


@pytest.mark.parametrize("how", ["update", "delete"])
def test_the_database_lets_nothing_change_what_is_published(world, concluded, how):
    published(world, concluded)
    statement = update(Minutes).values(issued_by="王") if how == "update" else text("DELETE FROM minutes")
    with pytest.raises(Exception, match="published minutes are final"):
        db.session.execute(statement)
    db.session.rollback()
    assert db.session.scalars(select(Minutes.issued_by)).all() == ["李某某"]


# -- editing by two, and the record that moves on ------------------------------------------------------


def test_two_editors_of_different_pieces_are_both_kept(world, browser, concluded):
    minutes = operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    one, two = browser(world.organiser), browser(world.street)
    path = f"/hearings/{concluded.id}/minutes/edit"
    first, second = fields(one.get(path).text), fields(two.get(path).text)
    assert one.post(path, first | {"overview": "甲写的概况。"}).status_code == 303
    assert two.post(path, second | {"requirements": "乙写的要求。"}).status_code == 303
    assert minutes.content["overview"] == ["甲写的概况。"]
    assert minutes.content["sections"][3]["paragraphs"] == ["乙写的要求。"]


def test_two_editors_of_one_piece_choose(world, browser, concluded):
    minutes = operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    one, two = browser(world.organiser), browser(world.street)
    path = f"/hearings/{concluded.id}/minutes/edit"
    first, second = fields(one.get(path).text), fields(two.get(path).text)
    one.post(path, first | {"overview": "甲写的概况。"})
    clash = two.post(path, second | {"overview": "乙写的概况。"})
    assert clash.status_code == 409
    assert "甲写的概况。" in clash.text and "乙写的概况。" in clash.text
    assert minutes.content["overview"] == ["甲写的概况。"]
    settled = two.post(path, fields(clash.text) | {"overview__choice": "mine"})
    assert settled.status_code == 303 and minutes.content["overview"] == ["乙写的概况。"]


def test_the_page_saves_by_itself(world, browser, concluded):
    minutes = operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    one = browser(world.organiser)
    path = f"/hearings/{concluded.id}/minutes/edit"
    saved = one.post(
        path, fields(one.get(path).text) | {"overview": "随写随存。"}, headers={"X-Requested-With": "XMLHttpRequest"}
    )
    assert saved.is_json and saved.json["fields"]["form_id"] and minutes.content["overview"] == ["随写随存。"]


def test_odd_text_is_refused_and_kept(world, browser, concluded):
    minutes = operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    one = browser(world.organiser)
    path = f"/hearings/{concluded.id}/minutes/edit"
    sent = fields(one.get(path).text)
    answer = one.post(path, sent | {"overview": "反\u202e写", "requirements": "保留的字"})
    assert answer.status_code == 422 and "保留的字" in answer.text
    assert minutes.content == minutes.composed


def test_the_record_that_moves_on_is_offered_and_never_forced(world, browser, concluded):
    minutes = operations.draft(concluded, actor=world.organiser)
    operations.amend(minutes, {"overview": "手写的概况。"}, actor=world.organiser)
    db.session.commit()
    one = browser(world.organiser)
    base = f"/hearings/{concluded.id}/minutes"
    assert one.get(f"{base}/differences").status_code == 200
    issues.log_issue(
        concluded, title="补记的问题", statement="会后补记", lead_deputy=world.deputy, actor=world.organiser
    )
    concluded.theme = "新的主题"
    db.session.commit()
    before = minutes.content
    shown = one.get(base).text
    assert f"{base}/differences" in shown and minutes.content == before
    page = one.get(f"{base}/differences").text
    assert "手写的概况。" in page and "新的主题" in page and "补记的问题" in page
    new = content.compose(concluded)["sections"][1]["items"][1]["key"]
    sent = fields(page) | {"overview": "mine", new: "record"}
    assert one.post(f"{base}/differences", sent).location == base
    assert minutes.content["overview"] == ["手写的概况。"]
    assert [i["key"] for i in minutes.content["sections"][1]["items"]][1] == new
    left = content.differences(minutes.content, minutes.composed, content.compose(concluded))
    assert [d.key for d in left] == ["situation"]  # decided later
    page = one.get(f"{base}/differences").text
    assert one.post(f"{base}/differences", fields(page) | {"all": "unedited"}).location == base
    assert content.differences(minutes.content, minutes.composed, content.compose(concluded)) == []
    assert minutes.content["overview"] == ["手写的概况。"]


def test_a_choice_made_on_an_old_view_of_the_record_is_not_taken(world, browser, concluded):
    minutes = operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    concluded.theme = "新的主题"
    db.session.commit()
    one = browser(world.organiser)
    path = f"/hearings/{concluded.id}/minutes/differences"
    sent = fields(one.get(path).text) | {"overview": "record"}
    concluded.theme = "更新的主题"
    db.session.commit()
    answer = one.post(path, sent)
    assert answer.status_code == 422 and "更新的主题" in answer.text
    assert minutes.content == minutes.composed


# -- filing --------------------------------------------------------------------------------------------


def test_a_hearing_is_filed_when_its_minutes_are_published(world, concluded):
    with pytest.raises(RuleBroken, match=r"minutes|纪要"):
        schedule.file_hearing(concluded, actor=world.organiser)
    db.session.rollback()
    published(world, concluded)
    schedule.file_hearing(concluded, actor=world.organiser)
    assert concluded.status == "filed"


def test_a_file_closed_by_mistake_is_opened_again(world, browser, concluded):
    published(world, concluded)
    one = browser(world.organiser)
    one.post(f"/hearings/{concluded.id}/file", fields(one.get(f"/hearings/{concluded.id}").text))
    assert concluded.status == "filed" and concluded.filed_at is not None
    undo_from(one, f"/hearings/{concluded.id}")
    assert (concluded.status, concluded.filed_at) == ("concluded", None)


def test_a_correction_begun_by_mistake_is_thrown_away_and_nothing_is_filed_before(world, browser, concluded):
    first = published(world, concluded)
    operations.correct(first, reason="错字", actor=world.organiser)
    db.session.commit()
    with pytest.raises(RuleBroken, match=r"correction|更正"):
        schedule.file_hearing(concluded, actor=world.organiser)
    db.session.rollback()
    with pytest.raises(RuleBroken):
        operations.abandon(first, actor=world.organiser)
    db.session.rollback()
    one, at = browser(world.organiser), f"/hearings/{concluded.id}/minutes"
    page = one.get(at).text
    assert f'action="{at}/abandon"' in page
    one.post(f"{at}/abandon", fields(page))
    assert operations.latest(concluded) is first
    undo_from(one, at)
    again = operations.latest(concluded)
    assert (again.version, again.status, again.reason) == (2, "draft", "错字")
    operations.abandon(again, actor=world.organiser)
    schedule.file_hearing(concluded, actor=world.organiser)
    assert concluded.status == "filed"


def test_a_real_paper_is_printed(world, browser, concluded):
    """Once through the real child: 新碶 and the deputies' words are on paper."""
    reviewed(world, concluded)
    one = browser(world.organiser)
    base = f"/hearings/{concluded.id}/minutes"
    answer = one.post(f"{base}/publish", {"issued_by": "李某某", "issued_on": today().isoformat()})
    if answer.status_code == 422 and "fonts" in answer.text:
        pytest.skip("no Chinese typeface on this machine")
    assert answer.status_code == 303, answer.text
    pdf = one.get(f"{base}.pdf").data
    assert pdf.startswith(b"%PDF-") and len(pdf) > 10_000
    minutes = queries.latest(concluded)
    word = one.get(f"{base}.docx").data
    assert hashlib.sha256(word).hexdigest() == minutes.docx_sha256 and word.startswith(b"PK")
    printed = {k: v for k, v in minutes.content.items() if k != "signed_copy"}
    assert press.both(printed) == (pdf, word)  # the same content has the same bytes
    assert minutes.content["verify"]["code"] == minutes.code == proof.code_of(printed)


def test_a_correction_thrown_away_comes_back_beside_other_minutes_begun_since(world, concluded, publish):
    publish(concluded)
    correction = operations.correct(queries.latest(concluded), reason="更正", actor=world.organiser)
    gone = correction.id
    operations.abandon(correction, actor=world.organiser)
    offer = db.session.scalars(select(undo.UndoOffer.id).order_by(undo.UndoOffer.id.desc())).first()
    other = operations.draft(world.hearing("concluded"), actor=world.organiser)
    db.session.commit()
    assert other.id != gone, "the trail names them by their number"
    undo.take_back(offer, actor=world.organiser)
    assert [(m.id, m.version) for m in (queries.latest(concluded), other)] == [(gone, 2), (other.id, 1)]
