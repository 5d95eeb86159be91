"""The public rendering: stripped, asked about, released, withdrawn; and nothing of a resident in any layer of it."""

import io
import re
import zipfile
from datetime import timedelta

import pdfplumber
import pypdfium2
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from hearings.audit import AuditEvent, verify
from hearings.db import db, today
from hearings.documents import RenderFailed
from hearings.errors import RuleBroken
from hearings.files import Blob
from hearings.issues import operations as issues
from hearings.issues.models import ExchangeKind, Outcome
from hearings.minutes import operations, press, queries
from hearings.minutes.models import Release
from hearings.minutes.public import public
from hearings.minutes.queries import Known
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Capacity
from tests import factories
from tests.minutes.test_journey import fields

PLANTED = {
    "陈女士": "name", "13812345678": "phone", "86781234": "phone", "浙B·D12345": "plate", "330206198001011237": "identity",
    "3幢501室": "address", "患糖尿病": "health", "冯小宝": "guest", "孙桂兰": "speaker",
}  # fmt: skip


@pytest.fixture
def personal(world):
    """A concluded hearing whose record tells of residents in every free text."""
    hearing = world.hearing("in_session", day=today() - timedelta(days=3))
    schedule.add_guest(
        hearing,
        capacity=Capacity.OBSERVER,
        listed=AttendanceList.PUBLIC_GALLERY,
        name="冯小宝",
        is_walk_in=True,
        actor=world.organiser,
    )
    issue = world.issue(
        hearing,
        title="陈女士家漏水",
        statement="居民陈女士反映漏水，住明州路12号3幢501室，患糖尿病，电话13812345678、86781234，车牌浙B·D12345",
        resident="陈",
    )
    issues.add_exchange(issue, ExchangeKind.QUESTION, "什么时候修", speaker="孙桂兰", actor=world.organiser)
    issues.add_exchange(
        issue,
        ExchangeKind.ANSWER,
        "已联系陈女士，身份证330206198001011237。",
        department=world.bureau,
        actor=world.organiser,
    )
    issues.decide_outcome(issue, Outcome.TIME_LIMITED, note="冯小宝到场", actor=world.organiser)
    world.commitment(issue, measure="4月30日前修好陈女士家的水管")
    schedule.conclude(hearing, actor=world.organiser)
    db.session.commit()
    return hearing


def decide(page: str, choice: str = "blacken") -> dict[str, str]:
    """Every radio of the page chosen alike."""
    sent = {k: v for k, v in fields(page).items() if k == "form_id"}
    return sent | dict.fromkeys(re.findall(r'type="radio"\s+id="[^"]+"\s+name="([^"]+)"', page), choice)


@pytest.fixture
def printed(monkeypatch):
    """Stand-ins for the printer: what was to be printed."""
    asked = []

    def both(paper):
        assert not db.session().in_transaction(), "a transaction is held while the paper is made"
        asked.append(paper)
        return b"%PDF public " + paper["verify"]["code"].encode(), b"PK public " + paper["verify"]["code"].encode()

    monkeypatch.setattr(press, "both", both)
    monkeypatch.setattr(press, "pdf", lambda paper: asked.append(paper) or b"%PDF preview")
    return asked


# -- what the structure tells --------------------------------------------------------------------------


def test_what_is_stripped_without_asking(world, personal, publish):
    minutes = publish(personal)
    made = public(minutes.content, queries.known_names(personal))
    assert made["kind"] == "public" and made["title"] == minutes.content["title"] + "（公开版）"
    assert made["drafted_by"] is made["reviewed_by"] is None and made["issued_by"] == "李某某"
    assert "signed_copy" not in made and "previous_sha256" not in made and "data" not in made and "verify" not in made
    lists = {a["key"]: a["groups"] for a in made["attendance"]}
    assert lists["public_gallery"] == ["旁听人员1名"]
    words = str(made)
    assert "居民陈女士" not in words and "居民代表反映漏水" in words
    assert minutes.content["kind"] == "minutes" and "居民陈女士" in str(minutes.content)


def test_reasons_of_leave_and_guests_of_other_lists():
    content = {
        "title": "纪要", "sections": [], "overview": ["选民李某某和居民代表王阿姨提出"],
        "attendance": [
            {"key": "on_leave", "label": "请假", "groups": ["代表壬（住院手术）", "区教育局何某某（代局长吴某某）（病假）"]},
            {"key": "in_attendance", "label": "列席", "groups": ["区教育局局长吴某某", "居委会冯小宝", "选民代表9名"]},
            {"key": "public_gallery", "label": "旁听", "groups": ["冯小宝", "市民3名"]},
        ],
    }  # fmt: skip
    made = public(content, Known(frozenset({"冯小宝", "陈"})))
    assert [a["groups"] for a in made["attendance"]] == [
        ["代表壬", "区教育局何某某（代局长吴某某）"],
        ["区教育局局长吴某某", "选民代表9名", "群众1名"],
        ["旁听人员4名"],
    ]
    assert made["overview"] == ["选民代表和居民代表提出"]


# -- the journey ---------------------------------------------------------------------------------------


def test_from_published_to_released_to_withdrawn(world, browser, personal, publish, printed):
    minutes = publish(personal)
    base = f"/hearings/{personal.id}/minutes"
    one, anybody = browser(world.organiser), browser()
    assert f"{base}/release" in one.get(base).text
    assert "第1期" not in anybody.get("/public/minutes/").text
    page = one.get(f"{base}/release")
    for words, kind in PLANTED.items():
        assert (f"<mark>{words}</mark>" in page.text or words in page.text) == (kind != "guest") or kind == "guest"

    answer = one.post(f"{base}/release", fields(page.text))
    assert answer.status_code == 422 and not printed and not db.session.scalars(select(Release)).all()
    sent = decide(page.text)
    first = next(k for k in sent if k.startswith("spot_"))
    answer = one.post(f"{base}/release", sent | {first: ""})
    assert answer.status_code == 422 and answer.text.count(" checked") == len(sent) - 2
    answer = one.post(f"{base}/release", sent | {first: "keep"})
    assert answer.status_code == 422  # without a reason
    assert one.post(f"{base}/release", sent | {first: "publish it"}).status_code == 422
    rest = one.post(f"{base}/release", {"act": "rest"}).text
    assert rest.count(" checked") == rest.count("choices panel") < len(sent) - 1  # equal places at once
    assert not db.session.scalars(select(Release)).all()

    preview = one.post(f"{base}/release", sent | {"act": "preview"})
    assert (preview.mimetype, preview.data) == ("application/pdf", b"%PDF preview")
    assert printed.pop()["draft"] is True and not db.session.scalars(select(Release)).all()

    done = one.post(f"{base}/release", sent)
    assert done.location == base
    assert one.post(f"{base}/release", sent).location == base  # once more: the same release
    release = db.session.scalars(select(Release)).one()
    for words in PLANTED:
        assert words not in str(printed[0]) and words not in str(release.content) and words not in release.title
    assert release.content == printed[0]
    assert (release.minutes_id, release.code) == (minutes.id, release.content["verify"]["code"])
    assert release.code != minutes.code
    assert {d["choice"] for d in release.decisions} == {"blacken"} and len(release.decisions) == sum(
        k.startswith("spot_") for k in sent
    )

    listed = anybody.get("/public/minutes/").text
    assert f"/public/minutes/{release.code}.pdf" in listed and release.title in listed
    got = anybody.get(f"/public/minutes/{release.code}.pdf")
    assert (got.status_code, got.data) == (200, b"%PDF public " + release.code.encode())
    assert got.headers["Cache-Control"] == "public, no-cache"
    again = anybody.get(f"/public/minutes/{release.code}.pdf", headers={"If-None-Match": got.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    assert anybody.get(f"/public/minutes/{release.code}.docx").data == b"PK public " + release.code.encode()
    assert release.title in anybody.get(f"/verify/{release.code}").text
    assert "panel-done" in anybody.post("/verify", {"file": (io.BytesIO(got.data), "a.pdf")}).text
    assert one.get(f"{base}/release").status_code == 200
    fresh = {k: v for k, v in sent.items() if k != "form_id"}
    assert one.post(f"{base}/release", fresh).status_code == 422  # open already

    assert one.post(f"{base}/withdraw", {"reason": ""}).status_code == 422
    assert one.post(f"{base}/withdraw?code={release.code}", {"reason": "门牌号没有遮"}).location == base
    assert one.post(f"{base}/withdraw", {"reason": "再来"}).status_code == 409
    for kind in ("pdf", "docx"):
        gone = anybody.get(f"/public/minutes/{release.code}.{kind}", headers={"If-None-Match": got.headers["ETag"]})
        assert gone.status_code == 410 and "门牌号" not in gone.text and release.title in gone.text
    assert release.code not in anybody.get("/public/minutes/").text
    said = anybody.get(f"/verify/{release.code}").text
    assert "panel-now" in said and "门牌号" not in said
    assert "panel-now" in anybody.post("/verify", {"file": (io.BytesIO(got.data), "a.pdf")}).text
    assert db.session.get(Blob, release.pdf_sha256).data == got.data  # kept for the archive
    assert "门牌号没有遮" in one.get(base).text

    assert one.post(f"{base}/release", decide(one.get(f"{base}/release").text)).location == base  # and once more
    assert anybody.get(f"/public/minutes/{release.code}.pdf").status_code == 200
    told = db.session.scalars(
        select(AuditEvent.action).where(AuditEvent.subject_type == "minutes_release").order_by(AuditEvent.id)
    ).all()
    assert told == ["minutes.release", "minutes.withdraw", "minutes.release"]
    assert verify() is None


def test_a_kept_spot_stays_with_its_reason(world, browser, personal, publish, printed):
    publish(personal)
    base = f"/hearings/{personal.id}/minutes"
    one = browser(world.organiser)
    page = one.get(f"{base}/release").text
    sent = decide(page)
    key = re.search(
        r'id="(spot_\w+)">\s*<legend[^>]*>[^<]*</legend>\s*<p class="prose">[^<]*<mark>86781234</mark>', page
    )[1]
    answer = one.post(f"{base}/release", sent | {key: "keep", key.replace("spot_", "why_"): "区长热线，本来公开"})
    assert answer.location == base
    release = db.session.scalars(select(Release)).one()
    assert "86781234" in str(release.content) and "13812345678" not in str(release.content)
    kept = [d for d in release.decisions if d["choice"] == "keep"]
    assert [(d["text"], d["reason"]) for d in kept] == [("86781234", "区长热线，本来公开")]


def test_equal_places_are_decided_at_once_or_one_by_one(world, browser, personal, publish, printed):
    publish(
        personal, texts={"overview": "陈秀英来过。陈秀英反映漏水。由陈秀英代签。", "requirements": "会议要求抓紧办理。"}
    )
    base = f"/hearings/{personal.id}/minutes"
    one = browser(world.organiser)
    page = one.get(f"{base}/release").text
    sent = decide(page) | dict.fromkeys(
        re.findall(r'name="(spot_\w+)"', page.split("<details")[1].split("</details")[0]), ""
    )
    parts = {
        p.split('"')[0]: p for p in page.split('<fieldset class="field choices panel"\n                  id="')[1:]
    }
    same = next(key for key, part in parts.items() if "<mark>陈秀英</mark>" in part)
    assert same.startswith("same_") and ("3处相同" in parts[same] or "3 equal places" in parts[same])
    own = list(dict.fromkeys(re.findall(r'name="(spot_\w+)"', parts[same])))
    assert len(own) == 3
    sent |= dict.fromkeys(own, "")
    assert one.post(f"{base}/release", sent | {same: ""}).status_code == 422
    answer = one.post(f"{base}/release", sent | {same: "keep"})
    assert answer.status_code == 422 and answer.text.count("Please say why") + answer.text.count("为什么可以公开") >= 1
    why = {f"why_{own[1].removeprefix('spot_')}": "本人同意"}
    done = one.post(f"{base}/release", sent | {same: "blacken", own[1]: "keep"} | why)
    assert done.location == base
    release = db.session.scalars(select(Release)).one()
    assert release.content["overview"] == ["某居民来过。陈秀英反映漏水。由某居民代签。"]
    assert [d["reason"] for d in release.decisions if d["choice"] == "keep"] == ["本人同意"]


def test_one_spot_decided_wrongly_is_mended_without_deciding_on_the_others_again(
    world, browser, personal, publish, printed
):
    publish(
        personal, texts={"overview": "陈秀英来过。陈秀英反映漏水。电话86781234。", "requirements": "会议要求抓紧办理。"}
    )
    base = f"/hearings/{personal.id}/minutes"
    one = browser(world.organiser)
    first = one.get(f"{base}/release").text
    assert " checked" not in first
    wrong = next(key for key in decide(first) if key.startswith("spot_"))
    sent = decide(first) | {wrong: "keep", wrong.replace("spot_", "why_"): "看错了"}
    assert one.post(f"{base}/release", sent).location == base
    assert one.post(f"{base}/withdraw", {"reason": "一处应遮未遮"}).location == base

    page = one.get(f"{base}/release").text
    assert "上次公开时的决定" in page or "at the last release" in page
    known = re.findall(r'name="(\w+)"\s+value="(\w+)" checked', page)
    assert dict(known)[wrong] == "keep" and 'value="看错了"' in page
    assert set(dict(known).values()) == {"keep", "blacken"}
    assert all(" checked" in part for part in page.split("choices panel")[1:])
    again = {k: v for k, v in fields(page).items() if k == "form_id"} | dict(known) | {wrong: "blacken"}
    assert one.post(f"{base}/release", again).location == base
    releases = db.session.scalars(select(Release).order_by(Release.id)).all()
    assert [r.withdrawn_at is None for r in releases] == [False, True]
    assert {d["choice"] for d in releases[1].decisions} == {"blacken"}


def test_what_was_written_anew_since_is_asked_anew(world, browser, personal, publish, printed):
    minutes = publish(personal, texts={"overview": "电话86781234。", "requirements": "会议要求抓紧办理。"})
    base = f"/hearings/{personal.id}/minutes"
    one = browser(world.organiser)
    one.post(f"{base}/release", decide(one.get(f"{base}/release").text))
    operations.correct(minutes, reason="改号码", actor=world.organiser)
    db.session.commit()
    publish(personal, texts={"overview": "电话86785678。"})
    page = one.get(f"{base}/release").text
    part = page.split("<mark>86785678</mark>")[1].split("</fieldset")[0]
    assert " checked" not in part and " checked" in page


def test_a_new_version_supersedes_the_public_one(world, browser, concluded, publish, printed):
    base = f"/hearings/{concluded.id}/minutes"
    one, anybody = browser(world.organiser), browser()
    publish(concluded)
    assert one.post(f"{base}/release", decide(one.get(f"{base}/release").text)).location == base
    old = db.session.scalars(select(Release)).one()
    publish(concluded, texts={"overview": "更正后的概况。"})
    assert "panel-now" in anybody.get(f"/verify/{old.code}").text
    assert one.post(f"{base}/release", decide(one.get(f"{base}/release").text)).location == base
    new = db.session.scalars(select(Release).order_by(Release.id.desc())).first()
    listed = anybody.get("/public/minutes/").text
    assert new.code in listed and old.code not in listed
    assert anybody.get(f"/public/minutes/{old.code}.pdf").status_code == 200


def test_who_may_and_when(world, browser, concluded, publish, printed):
    base = f"/hearings/{concluded.id}/minutes"
    one = browser(world.organiser)
    for path in ("release", "withdraw"):
        assert one.get(f"{base}/{path}").status_code == (404 if path == "release" else 409)
    operations.draft(concluded, actor=world.organiser)
    db.session.commit()
    assert one.get(f"{base}/release").status_code == 409 and one.post(f"{base}/release").status_code == 409
    publish(concluded)
    for path in ("release", "withdraw"):
        for user in (world.deputy, world.department, world.leader, world.auditor):
            assert browser(user).get(f"{base}/{path}").status_code == 403
            assert browser(user).post(f"{base}/{path}", {"reason": "x"}).status_code == 403
        stranger = factories.user("organiser", stations=[world.other_station])
        db.session.commit()
        assert browser(stranger).get(f"{base}/{path}").status_code == 404
        assert browser(stranger).post(f"{base}/{path}").status_code == 404
        assert browser().get(f"{base}/{path}").status_code == 302
    assert not printed


def test_a_paper_that_cannot_be_made_releases_nothing(world, browser, concluded, publish, monkeypatch):
    publish(concluded)

    def both(paper):
        raise RenderFailed("排版失败，请稍后再试。")

    monkeypatch.setattr(press, "both", both)
    base = f"/hearings/{concluded.id}/minutes"
    one = browser(world.organiser)
    answer = one.post(f"{base}/release", decide(one.get(f"{base}/release").text))
    assert answer.status_code == 422 and "排版失败，请稍后再试。" in answer.text
    assert db.session.scalars(select(Release)).all() == []


@pytest.mark.parametrize("word", ["x", "A" * 20, "A" * 3000, "%00", "..%5c", "🙂"])
def test_odd_codes_are_no_minutes(app, browser, word):
    for kind in ("pdf", "docx"):
        assert browser().get(f"/public/minutes/{word}.{kind}").status_code == 404
    assert browser().get(f"/public/minutes/?before={word}").status_code == 200


def test_the_list_is_two_statements_at_most(world, browser, concluded, publish, printed, statements):
    minutes = publish(concluded)
    for number in range(60):
        other = world.hearing("concluded", day=today() - timedelta(days=3 + number))
        made = publish(other)
        db.session.add(
            Release(
                hearing_id=other.id, minutes_id=made.id, code=f"{'A' * 18}{number // 20 + 2}{chr(65 + number % 20)}",
                title=f"第{number}份", content={}, decisions=[], pdf_sha256=made.pdf_sha256, released_by_id=world.organiser.id,
            )
        )  # fmt: skip
    db.session.commit()
    assert minutes.code
    anybody = browser()
    with statements() as said:
        page = anybody.get("/public/minutes/").text
    assert len(said) <= 2
    older = re.search(r'href="(/public/minutes/\?before=\d+)"', page)[1]
    assert page.count("data-item") == 50
    assert anybody.get(older).text.count("data-item") == 10


# -- what is final -------------------------------------------------------------------------------------


@pytest.fixture
def released(world, concluded, publish):
    minutes = publish(concluded)
    _stripped, spots = operations.spots_of(minutes)
    made = operations.release(
        minutes, {s.key: ("blacken", None) for s in spots}, actor=world.organiser, pdf=b"%PDF r", docx=b"PK r"
    )
    db.session.commit()
    return made


@pytest.mark.parametrize(
    "column", ["title", "code", "content", "decisions", "pdf_sha256", "docx_sha256", "released_at"]
)
def test_the_database_refuses_every_change_but_withdrawing(world, released, column):
    wanted = {
        "content": "{}",
        "decisions": "[]",
        "released_at": "2020-01-01 00:00:00",
        "pdf_sha256": released.docx_sha256,
    }
    row = {"id": released.id, "v": wanted.get(column, None if column == "docx_sha256" else "x")}
    with pytest.raises(DBAPIError, match="a release can only be withdrawn"):
        db.session.execute(text(f"UPDATE minutes_release SET {column} = :v WHERE id = :id"), row)
    db.session.rollback()
    with pytest.raises(DBAPIError, match="a release can only be withdrawn"):
        db.session.execute(text("DELETE FROM minutes_release WHERE id = :id"), {"id": row["id"]})
    db.session.rollback()


def test_withdrawing_is_the_only_change_and_the_last(world, released):
    released.title = "别的"
    with pytest.raises(RuleBroken):
        db.session.flush()
    db.session.rollback()
    db.session.delete(released)
    with pytest.raises(RuleBroken):
        db.session.flush()
    db.session.rollback()
    operations.withdraw(released, reason="有误", actor=world.organiser)
    db.session.commit()
    with pytest.raises(RuleBroken):
        operations.withdraw(released, reason="再来", actor=world.organiser)
    released.withdraw_reason = "改写"
    with pytest.raises(RuleBroken):
        db.session.flush()
    db.session.rollback()
    for change in ("withdrawn_at = NULL", "withdraw_reason = 'x'"):
        with pytest.raises(DBAPIError, match="a release can only be withdrawn"):
            db.session.execute(text(f"UPDATE minutes_release SET {change} WHERE id = {released.id}"))
        db.session.rollback()


@pytest.mark.parametrize("column", ["docx_sha256", "code", "pdf_sha256"])
def test_published_copies_and_codes_are_final(world, concluded, publish, column):
    minutes = publish(concluded)
    setattr(minutes, column, None)
    with pytest.raises(RuleBroken):
        db.session.flush()
    db.session.rollback()
    with pytest.raises(DBAPIError, match="published minutes are final"):
        db.session.execute(text(f"UPDATE minutes SET {column} = NULL WHERE id = {minutes.id}"))
    db.session.rollback()


# -- the bytes -----------------------------------------------------------------------------------------


def layers(pdf: bytes) -> str:
    """Everything a PDF says anywhere: pages, all its objects and streams, metadata, outline, attachments, alt texts."""
    said = []
    with pdfplumber.open(io.BytesIO(pdf)) as opened:
        said += [page.extract_text() or "" for page in opened.pages]
        said.append(str(opened.metadata))
        document = opened.doc
        for xref in document.xrefs:
            for number in xref.get_objids():
                thing = document.getobj(number)
                data = thing.get_data() if hasattr(thing, "get_data") else b""
                for encoding in ("utf-8", "utf-16-be", "gb18030", "latin-1"):
                    said.append(data.decode(encoding, "ignore"))
                said.append(_strings(thing))
    read = pypdfium2.PdfDocument(pdf)
    said += [read[n].get_textpage().get_text_range() for n in range(len(read))]
    said += [item.get_title() for item in read.get_toc()]
    for n in range(read.count_attachments()):
        attached = read.get_attachment(n)
        said += [attached.get_name(), bytes(attached.get_data()).decode("utf-8", "ignore")]
    read.close()
    return re.sub(r"\s", "", "\n".join(said))


def _strings(thing, depth=0) -> str:
    if depth > 6:
        return ""
    if isinstance(thing, bytes):
        return " ".join(thing.decode(e, "ignore") for e in ("utf-16", "utf-8", "latin-1"))
    if isinstance(thing, dict):
        return " ".join(_strings(v, depth + 1) for v in thing.values())
    if isinstance(thing, list | tuple):
        return " ".join(_strings(v, depth + 1) for v in thing)
    return (
        " ".join(_strings(v, depth + 1) for v in getattr(thing, "attrs", {}).values())
        if hasattr(thing, "attrs")
        else ""
    )


def test_no_resident_is_in_any_layer_of_what_is_released(world, browser, personal, publish):
    """With the real printer, PDF and Word; the internal ones have them, so the search works."""
    try:
        inside = publish(personal, pdf=None)
    except RenderFailed:
        pytest.skip("no Chinese typeface on this machine")
    base = f"/hearings/{personal.id}/minutes"
    one = browser(world.organiser)
    assert one.post(f"{base}/release", decide(one.get(f"{base}/release").text)).location == base
    release = db.session.scalars(select(Release)).one()
    anybody = browser()
    pdf = anybody.get(f"/public/minutes/{release.code}.pdf").data
    docx = anybody.get(f"/public/minutes/{release.code}.docx").data
    internal = layers(db.session.get(Blob, inside.pdf_sha256).data)
    outside = layers(pdf)
    word, inside_word = (
        "".join(
            re.sub(r"<[^>]+>|\s", "", z.read(n).decode("utf-8", "ignore")) + z.read(n).decode("utf-8", "ignore") + n
            for n in z.namelist()
        )
        for z in (zipfile.ZipFile(io.BytesIO(d)) for d in (docx, db.session.get(Blob, inside.docx_sha256).data))
    )
    for words in PLANTED:
        assert words in internal and words in inside_word, words
        assert words not in outside, words
        assert words not in word, words
    assert "公开版" in outside and release.code[:5] in outside and "漏水" in outside
    assert "公开版" in word and "漏水" in word
    assert world.organiser.name not in outside  # who drafted it
    assert release.title in "".join(pypdfium2.PdfDocument(pdf).get_metadata_value("Title"))
