"""The papers of a hearing as people reach them: the list, one paper, all of them; and who may not."""

import io
import re
import zipfile
from typing import Any
from urllib.parse import unquote

import pypdfium2
import pytest
from docx import Document
from sqlalchemy import select

from hearings.db import db, today
from hearings.documents import RenderFailed
from hearings.files import Blob
from hearings.issues import operations as issues
from hearings.minutes import operations as minutes
from hearings.minutes.models import Minutes
from hearings.papers import pages as shared
from hearings.papers import routes
from hearings.papers.registry import PAPERS
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Capacity, Hearing, HearingKind
from tests.factories import World, department
from tests.papers.test_before import full

PRINTED = ("notice", "public-notice", "sign-in", "cards", "issues")


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    shared._made.clear()


def words(pdf: bytes) -> str:
    return "".join(page.get_textpage().get_text_range() for page in pypdfium2.PdfDocument(pdf)).replace("\r\n", "")


def saved_as(answer: Any) -> str:
    return unquote(answer.headers["Content-Disposition"].split("filename*=UTF-8''")[1])


def offered(answer: Any, hearing: Hearing) -> list[str]:
    """Of the papers made before and on the night: those with buttons, in the order of the page."""
    text = answer.text
    links = [piece.split('"')[0] for piece in text.split(f'href="/hearings/{hearing.id}/papers/')[1:]]
    return [key for link in links if link.endswith(".pdf") and (key := link.removesuffix(".pdf")) in PRINTED]


# -- the list ------------------------------------------------------------------------------------------


def test_the_list_fills_as_the_hearing_goes_on(world: World, browser: Any) -> None:
    hearing = full(world, "draft")
    at = browser(world.organiser)
    draft = at.get(f"/hearings/{hearing.id}/papers")
    assert draft.status_code == 200
    assert offered(draft, hearing) == ["notice", "public-notice"]
    assert (
        draft.text.count("Possible once the hearing has been announced.") + draft.text.count("会议发布后可以印制。")
        >= 3
    )

    schedule.announce(hearing, actor=world.organiser)
    announced = at.get(f"/hearings/{hearing.id}/papers")
    assert offered(announced, hearing)[:2] == ["notice", "public-notice"]
    assert {"sign-in", "cards"} <= set(offered(announced, hearing))
    assert "issues" not in offered(announced, hearing)

    schedule.open_session(hearing, actor=world.organiser)
    world.issue(hearing)
    assert "issues" in offered(at.get(f"/hearings/{hearing.id}/papers"), hearing)
    assert f'href="/hearings/{hearing.id}/papers.zip"' in at.get(f"/hearings/{hearing.id}/papers").text


def test_the_hearings_page_leads_there(world: World, browser: Any) -> None:
    hearing = full(world)
    for person in (world.organiser, world.department, world.deputy, world.leader):
        assert f'href="/hearings/{hearing.id}/papers"' in browser(person).get(f"/hearings/{hearing.id}").text


def test_published_minutes_stand_on_the_list_and_sheets_for_whom_they_concern(world: World, browser: Any) -> None:
    hearing = full(world, "draft", day=today())
    schedule.announce(hearing, actor=world.organiser)
    schedule.open_session(hearing, actor=world.organiser)
    issue = world.issue(hearing)
    other = world.issue(hearing, title="另一件事")
    schedule.conclude(hearing, actor=world.organiser)
    mine = world.assigned(issue)
    theirs = world.assigned(other, lead=world.other_bureau)
    publish(world, hearing)
    page = browser(world.department).get(f"/hearings/{hearing.id}/papers").text
    assert f'href="/hearings/{hearing.id}/minutes.pdf"' in page
    assert f"/assignments/{mine.id}/papers/sheet.pdf" in page
    assert f"/assignments/{theirs.id}/" not in page
    assert "另一件事" not in page
    whole = browser(world.organiser).get(f"/hearings/{hearing.id}/papers").text
    assert f"/assignments/{mine.id}/papers/sheet.docx" in whole
    assert f"/assignments/{theirs.id}/papers/sheet.docx" in whole


def test_of_several_versions_the_newest_comes_first_and_the_others_say_that_they_are_superseded(
    world: World, browser: Any
) -> None:
    hearing = full(world, "draft", day=today())
    schedule.announce(hearing, actor=world.organiser)
    schedule.open_session(hearing, actor=world.organiser)
    schedule.conclude(hearing, actor=world.organiser)
    first = publish(world, hearing, b"%PDF-1.7 one")
    alone = browser(world.organiser).get(f"/hearings/{hearing.id}/papers").text
    assert "取代" not in alone and "Superseded by" not in alone
    second = minutes.correct(first, reason="日期有误", actor=world.organiser)
    minutes.review(second, actor=world.street)
    minutes.publish(second, issued_by="张某某", issued_on=today(), actor=world.organiser, pdf=b"%PDF-1.7 two")
    db.session.commit()
    one = browser(world.organiser)
    page = one.get(f"/hearings/{hearing.id}/papers").text
    base = f"/hearings/{hearing.id}/minutes.pdf"
    assert page.index(f'"{base}"') < page.index(f'"{base}?version=1"')
    assert page.count("已被第2版取代") + page.count("Superseded by version 2") == 1
    names = zipfile.ZipFile(io.BytesIO(one.get(f"/hearings/{hearing.id}/papers.zip").data)).namelist()
    assert [n.partition("纪要（")[2] for n in names if n.startswith("会议纪要/")] == [
        "第1版，已被第2版取代）.pdf",
        "第2版）.pdf",
    ]


def publish(world: World, hearing: Hearing, pdf: bytes = b"%PDF-1.7 as published") -> Minutes:
    """Minutes drafted, reviewed and published with these bytes."""
    from tests.factories import user

    reviewer = user("organiser")
    drafted = minutes.draft(hearing, actor=world.organiser)
    db.session.commit()
    minutes.review(drafted, actor=reviewer)
    db.session.commit()
    minutes.publish(
        drafted,
        issued_by="张某某",
        issued_on=today(),
        actor=reviewer,
        seen=minutes.state(drafted),
        pdf=pdf,
        signed_copy=None,
    )
    db.session.commit()
    return drafted


def test_the_list_costs_the_same_for_many_rows(world: World, browser: Any, statements: Any) -> None:
    hearing = full(world)
    schedule.open_session(hearing, actor=world.organiser)
    at = browser(world.organiser)

    def cost() -> int:
        address = f"/hearings/{hearing.id}/papers"
        at.get(address)
        with statements() as said:
            assert at.get(address).status_code == 200
        assert len(said) <= 12, said
        return len(said)

    made = [world.issue(hearing) for _n in range(30)]
    schedule.conclude(hearing, actor=world.organiser)
    world.assigned(made[0])
    few = cost()
    for issue in made[1:]:
        world.assigned(issue, co_handlers=[world.other_bureau])
    assert cost() == few
    assert at.get(f"/hearings/{hearing.id}/papers").text.count("/papers/sheet.pdf") == 59


# -- one paper -----------------------------------------------------------------------------------------


def test_each_paper_comes_as_pdf_and_as_word_under_a_chinese_name(world: World, browser: Any) -> None:
    hearing = full(world)
    schedule.open_session(hearing, actor=world.organiser)
    world.issue(hearing)
    at = browser(world.organiser)
    names = {
        "notice": "关于召开第1期人大代表民生夜询会的通知",
        "public-notice": "关于召开第1期人大代表民生夜询会的公告",
        "sign-in": "第1期人大代表民生夜询会签到表",
        "cards": "第1期人大代表民生夜询会桌签",
        "issues": "第1期人大代表民生夜询会问题清单",
    }
    for key in PRINTED:
        pdf = at.get(f"/hearings/{hearing.id}/papers/{key}.pdf")
        assert (pdf.status_code, pdf.mimetype) == (200, "application/pdf")
        assert pdf.headers["Content-Disposition"].startswith("inline")
        assert saved_as(pdf) == f"{names[key]}.pdf"
        assert pdf.data.startswith(b"%PDF-")
        word = at.get(f"/hearings/{hearing.id}/papers/{key}.docx")
        assert word.status_code == 200
        assert word.headers["Content-Disposition"].startswith("attachment")
        assert saved_as(word) == f"{names[key]}.docx"
        document = Document(io.BytesIO(word.data))
        text = "".join(node.text or "" for node in document.element.body.iter() if node.tag.endswith("}t"))
        looked_for = "区交通运输局" if key in ("notice", "sign-in", "cards") else "新碶" if key != "issues" else "桥下"
        assert looked_for in text.replace("\n", "")
        assert looked_for in words(pdf.data)


def test_who_has_a_paper_is_not_sent_it_again(world: World, browser: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    hearing = full(world)
    at = browser(world.organiser)
    address = f"/hearings/{hearing.id}/papers/notice.pdf"
    first = at.get(address)

    def refuse(*args: Any, **kwargs: Any) -> bytes:
        raise RenderFailed("not asked for")

    monkeypatch.setattr(shared, "render", refuse)
    shared._made.clear()
    again = at.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    word = at.get(f"/hearings/{hearing.id}/papers/notice.docx", headers={"If-None-Match": first.headers["ETag"]})
    assert word.status_code == 200  # the other form is another file
    schedule.amend_hearing(hearing, {"theme": "另一主题"}, actor=world.organiser)
    assert at.get(address, headers={"If-None-Match": first.headers["ETag"]}).status_code == 409


def test_nothing_is_held_while_a_paper_prints_and_a_failure_is_a_sentence(
    world: World, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hearing = full(world)
    seen = []

    def fail(*args: Any, **kwargs: Any) -> Any:
        seen.append(db.session().in_transaction())
        raise RenderFailed("纸张没有印出来，什么都没有改变。")

    monkeypatch.setattr(shared, "render", fail)
    monkeypatch.setattr(routes, "render_many", fail)
    at = browser(world.organiser)
    for address in ("papers/notice.pdf", "papers.zip"):
        answer = at.get(f"/hearings/{hearing.id}/{address}")
        assert answer.status_code == 409
        assert "纸张没有印出来，什么都没有改变。" in answer.text
    assert seen == [False, False]


def test_departments_and_deputies_have_the_notices_and_no_other_paper(world: World, browser: Any) -> None:
    hearing = full(world)
    for person in (world.department, world.deputy):
        at = browser(person)
        page = at.get(f"/hearings/{hearing.id}/papers")
        assert offered(page, hearing) == ["notice", "public-notice"]
        assert "papers.zip" not in page.text
        assert "sign-in" not in page.text
        assert at.get(f"/hearings/{hearing.id}/papers/notice.pdf").status_code == 200
        assert at.get(f"/hearings/{hearing.id}/papers/public-notice.docx").status_code == 200
        for key in ("sign-in", "cards", "issues"):
            for form in ("pdf", "docx"):
                assert at.get(f"/hearings/{hearing.id}/papers/{key}.{form}").status_code == 403
        assert at.get(f"/hearings/{hearing.id}/papers.zip").status_code == 403


def test_leaders_and_auditors_print_and_the_administrator_does_not(world: World, browser: Any) -> None:
    hearing = full(world)
    for person in (world.leader, world.auditor, world.street):
        assert browser(person).get(f"/hearings/{hearing.id}/papers/sign-in.pdf").status_code == 200
    at = browser(world.admin)
    for address in ("papers", "papers/notice.pdf", "papers.zip"):
        assert at.get(f"/hearings/{hearing.id}/{address}").status_code == 404


def plain(answer: Any) -> str:
    """A page without the one-time ids of its forms."""
    return re.sub(r'value="[\w.-]{40,}"', "", answer.text)


def test_out_of_scope_is_what_never_was(world: World, browser: Any) -> None:
    elsewhere = world.hearing(station=world.other_station)
    draft = full(world, "draft")
    for person, hearing in ((world.street, elsewhere), (world.department, draft), (world.deputy, draft)):
        at = browser(person)
        for address in ("papers", "papers/notice.pdf", "papers/notice.docx", "papers/sign-in.pdf", "papers.zip"):
            theirs = at.get(f"/hearings/{hearing.id}/{address}")
            never = at.get(f"/hearings/{hearing.id + 5000}/{address}")
            assert theirs.status_code == never.status_code
            assert theirs.status_code == (403 if address == "papers.zip" and person is not world.street else 404)
            assert plain(theirs) == plain(never).replace(f"/{hearing.id + 5000}/", f"/{hearing.id}/")
    assert browser().get(f"/hearings/{draft.id}/papers").status_code == 302


def test_odd_addresses_get_a_page(world: World, browser: Any) -> None:
    hearing = full(world)
    at = browser(world.organiser)
    for address in ("papers/x.pdf", "papers/notice.odt", "papers/notice", "papers/%00.pdf", "papers/minutes.pdf"):
        assert at.get(f"/hearings/{hearing.id}/{address}").status_code == 404
    assert at.get(f"/hearings/{2**40}/papers/notice.pdf").status_code == 404


def test_what_cannot_be_printed_yet_says_why(world: World, browser: Any) -> None:
    at = browser(world.organiser)
    draft = full(world, "draft")
    answer = at.get(f"/hearings/{draft.id}/papers/sign-in.pdf")
    assert answer.status_code == 409
    assert str(PAPERS["sign-in"].when(routes.queries.state(draft))) in answer.text
    schedule.announce(draft, actor=world.organiser)
    assert at.get(f"/hearings/{draft.id}/papers/issues.docx").status_code == 409
    schedule.postpone(draft, reason="台风", actor=world.organiser)
    assert at.get(f"/hearings/{draft.id}/papers/notice.pdf").status_code == 409
    assert offered(at.get(f"/hearings/{draft.id}/papers"), draft) == []


def test_long_and_hostile_titles_make_names_that_any_system_takes(world: World, browser: Any) -> None:
    title = '../../etc/passwd "会"：<面商>|?*' + "长" * 80
    hearing = world.hearing(kind=HearingKind.GROUP_CONSULTATION, title=title)
    answer = browser(world.organiser).get(f"/hearings/{hearing.id}/papers/notice.pdf")
    assert answer.status_code == 200
    name = saved_as(answer)
    assert len(name) <= 74
    assert not set('/\\:*?"<>|') & set(name)


# -- all of them ---------------------------------------------------------------------------------------


def test_the_archive_holds_every_paper_twice_and_the_minutes_as_published(world: World, browser: Any) -> None:
    hearing = full(world, "draft", day=today())
    schedule.announce(hearing, actor=world.organiser)
    schedule.open_session(hearing, actor=world.organiser)
    issue = world.issue(hearing)
    schedule.conclude(hearing, actor=world.organiser)
    lead = world.assigned(issue, co_handlers=[world.other_bureau])
    issues.accept_assignment(lead, actor=world.department)
    for letter in (issues.ResultClass.B, issues.ResultClass.A):
        issues.reply(lead, result_class=letter, text="已办理。", signed_by="郑某某", actor=world.department)
    published = publish(world, hearing)
    at = browser(world.organiser)
    answer = at.get(f"/hearings/{hearing.id}/papers.zip")
    assert (answer.status_code, answer.mimetype) == (200, "application/zip")
    assert saved_as(answer) == f"第1期人大代表民生夜询会 {today().isoformat()}.zip"
    box = zipfile.ZipFile(io.BytesIO(answer.data))
    assert box.testzip() is None
    names = [entry.filename for entry in box.infolist()]
    stems = sorted({name.rsplit(".", 1)[0] for name in names if "纪要" not in name})
    state = routes.queries.state(hearing)
    assert [stem[3:] for stem in stems if "/" not in stem] == [
        paper.file
        for group in ("before", "night", "after")
        for paper in PAPERS.values()
        if paper.group == group and not paper.when(state)
    ]
    assert [stem for stem in stems if "/" in stem] == [
        "交办单/1-01 区交通运输局",
        "交办单/1-01 区教育局",
        "答复函/1-01 区交通运输局",
        "答复函/1-01 区交通运输局（第2份）",
    ]
    second = words(box.read("答复函/1-01 区交通运输局（第2份）.pdf"))
    assert "征询意见表" in second and second != words(box.read("答复函/1-01 区交通运输局.pdf"))
    assert sorted(names) == sorted(
        [f"{stem}.{form}" for stem in stems for form in ("pdf", "docx")]
        + [n for n in names if n.startswith("会议纪要/")]
    )
    for entry in box.infolist():
        assert entry.date_time == (1980, 1, 1, 0, 0, 0)
        assert entry.flag_bits & 0x800
    minutes_name = "会议纪要/第1期人大代表民生夜询会纪要.pdf"
    stored = db.session.scalar(select(Blob.data).where(Blob.sha256 == published.pdf_sha256))
    assert box.read(minutes_name) == stored == b"%PDF-1.7 as published"
    assert "签到表" in words(box.read("03 签到表.pdf"))

    assert at.get(f"/hearings/{hearing.id}/papers.zip").data == answer.data
    known = at.get(f"/hearings/{hearing.id}/papers.zip", headers={"If-None-Match": answer.headers["ETag"]})
    assert (known.status_code, known.data) == (304, b"")


def test_the_archive_of_a_draft_is_what_a_draft_has(world: World, browser: Any) -> None:
    hearing = full(world, "draft")
    box = zipfile.ZipFile(io.BytesIO(browser(world.organiser).get(f"/hearings/{hearing.id}/papers.zip").data))
    assert box.namelist()[:4] == ["01 会议通知.pdf", "01 会议通知.docx", "02 公告.pdf", "02 公告.docx"]
    assert not [name for name in box.namelist() if "签到" in name or "桌签" in name]


def test_offices_of_one_name_do_not_overwrite_each_other(world: World, browser: Any) -> None:
    hearing = full(world)
    schedule.add_guest(
        hearing,
        capacity=Capacity.OBSERVER,
        listed=AttendanceList.PUBLIC_GALLERY,
        name="旁听人",
        actor=world.organiser,
    )
    twin = department("区　交通运输局", short_name=world.bureau.short_name)
    schedule.open_session(hearing, actor=world.organiser)
    issue = world.issue(hearing)
    schedule.conclude(hearing, actor=world.organiser)
    world.assigned(issue, co_handlers=[twin])
    box = zipfile.ZipFile(io.BytesIO(browser(world.organiser).get(f"/hearings/{hearing.id}/papers.zip").data))
    assert len(box.namelist()) == len(set(box.namelist()))
    assert [n for n in box.namelist() if n.startswith("交办单/") and n.endswith(".pdf")] == [
        "交办单/1-01 区交通运输局.pdf",
        "交办单/1-01 区交通运输局（第2份）.pdf",
    ]
