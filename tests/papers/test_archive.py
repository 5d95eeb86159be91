"""The archive package: built from a whole story, checked offline, and every way to damage one found."""

import hashlib
import io
import json
import random
import subprocess
import sys
import tempfile
import tracemalloc
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import select, text
from werkzeug.datastructures import FileStorage

from hearings import files
from hearings.audit import AuditEvent
from hearings.db import db, today
from hearings.errors import RuleBroken
from hearings.issues import operations as issues
from hearings.issues.models import ResultClass
from hearings.minutes import operations as minutes
from hearings.minutes.models import Release
from hearings.papers import archive, parcel
from hearings.reviews import operations as reviews
from hearings.reviews.models import Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import HearingKind

PDF, WORD = b"%PDF-1.7 ", b"PK stand-in "


def picture(world: Any, name: str, colour: str) -> files.StoredFile:
    out = io.BytesIO()
    Image.new("RGB", (40, 30), colour).save(out, "JPEG")
    return files.store(FileStorage(io.BytesIO(out.getvalue()), name), actor=world.organiser)


def publish(world: Any, hearing: Any, mark: bytes = b"1", scan: Any = None) -> Any:
    newest = minutes.latest(hearing)
    if newest is not None:
        minutes.correct(newest, reason="一处日期写错", actor=world.organiser)
    draft = minutes.latest(hearing) or minutes.draft(hearing, actor=world.organiser)
    minutes.review(draft, actor=world.street)
    signed = {"issued_by": "张某某", "issued_on": today(), "pdf": PDF + mark, "docx": WORD + mark, "signed_copy": scan}
    minutes.publish(draft, actor=world.organiser, **signed)
    db.session.commit()
    return draft


def open_to_all(world: Any, of: Any) -> Release:
    _stripped, spots = minutes.spots_of(of)
    choices = {s.key: ("blacken", None) for s in spots}
    made = minutes.release(of, choices, actor=world.organiser, pdf=PDF + b"public" + str(of.version).encode())
    db.session.commit()
    return made


@pytest.fixture
def story(world: Any) -> Any:
    """A hearing with everything there can be: two versions, a withdrawn release, files of every kind, a look-back."""
    hearing = world.hearing("announced", day=today() - timedelta(days=40))
    schedule.prepare(
        hearing, world.bureau, text=None, file=picture(world, "备答 材料.jpg", "white"), actor=world.organiser
    )
    schedule.open_session(hearing, actor=world.organiser)
    issue = world.issue(hearing, resident="陈", community="备碶社区", cosigners=[world.other_deputy])
    promise = world.commitment(issue, days=5, co_handlers=[world.other_bureau])
    schedule.conclude(hearing, actor=world.organiser)
    assignment = issues.assign(issue, lead=world.bureau, actor=world.organiser)[0]
    issues.accept_assignment(assignment, actor=world.department)
    issues.attach(issue, picture(world, "桥下../../x:.JPG", "red"), caption="堆物", actor=world.organiser)
    issues.report_progress(assignment, text="已清运", percent=50, actor=world.department)
    reply = issues.reply(
        assignment, result_class=ResultClass.B, text="已清理", signed_by="局长", actor=world.department,
        files=[picture(world, "答复.jpg", "green")],
    )  # fmt: skip
    assert reply is not None
    first = publish(world, hearing, b"1", scan=picture(world, "签发.jpg", "blue"))
    gone = open_to_all(world, first)
    minutes.withdraw(gone, reason="附件有误", actor=world.organiser)
    second = publish(world, hearing, b"2")
    open_to_all(world, second)
    issues.report_progress(
        assignment, text="灯杆已立", percent=80, commitment=promise, files=[picture(world, "灯杆基础.jpg", "grey")],
        actor=world.department,
    )  # fmt: skip
    issues.report_done(promise, report="已装灯", files=[picture(world, "灯杆.jpg", "yellow")], actor=world.department)
    again = schedule.draft_hearing(
        title="回头看", station=world.station, kind=HearingKind.LOOK_BACK, chair=world.leader,
        starts_at=hearing.starts_at + timedelta(days=20), ends_at=hearing.ends_at + timedelta(days=20), actor=world.organiser,
    )  # fmt: skip
    reviews.carry_in(again, [issue], actor=world.organiser)
    for act in (schedule.announce, schedule.open_session):
        act(again, actor=world.organiser)
    reviews.record_finding(
        again, issue, found="灯已亮", verdict=Verdict.KEEP_TRACKING, percent=90, actor=world.organiser,
        files=[picture(world, "现场.jpg", "black")],
    )  # fmt: skip
    db.session.commit()
    return hearing


def made(hearing: Any) -> bytes:
    out = io.BytesIO()
    archive.build(hearing, out)
    return out.getvalue()


_packages: dict[str, bytes] = {}


@pytest.fixture
def package(app: Any, request: pytest.FixtureRequest) -> bytes:
    """The story's package, made once: the same record gives the same bytes, and to damage it needs no database."""
    name = db.engine.dialect.name
    if name not in _packages or "story" in request.fixturenames:
        _packages[name] = made(request.getfixturevalue("story"))
    return _packages[name]


def checked(tmp_path: Path, data: bytes) -> list[str]:
    """What `verify` says of these bytes, in Chinese."""
    place = tmp_path / "package.zip"
    place.write_bytes(data)
    return [f.zh for f in parcel.verify(place).findings]


Member = tuple[str, bytes]


def members(data: bytes) -> list[Member]:
    with zipfile.ZipFile(io.BytesIO(data)) as box:
        return [(n, box.read(n)) for n in box.namelist()]


def packed(rows: list[Member], seal: bool = True) -> bytes:
    """A package of these members, well made; with `seal` its manifest is made anew, as a careful forger would."""
    out = io.BytesIO()
    if seal:
        writer = parcel.Writer(out)
        for name, body in rows:
            if name not in (parcel.MANIFEST, parcel.SEAL):
                writer.add(name, body)
        writer.seal()
    else:
        with zipfile.ZipFile(out, "w") as box:
            for name, body in rows:
                box.writestr(parcel._entry(name, len(body)), body)
    return out.getvalue()


def changed(data: bytes, name: str, change: Callable[[bytes], bytes]) -> list[Member]:
    rows = members(data)
    assert name in dict(rows)
    return [(n, change(b) if n == name else b) for n, b in rows]


# -- what is in it -------------------------------------------------------------------------------------


def test_a_whole_story(story: Any, package: bytes, tmp_path: Path) -> None:
    assert checked(tmp_path, package) == []
    there = dict(members(package))
    reference = f"{story.serial_no}-01"
    expected = {
        "说明.txt", "metadata.xml", "manifest.json", "manifest.sha256", "轨迹.jsonl",
        "纪要/第1版/纪要.pdf", "纪要/第1版/纪要.docx", "纪要/第1版/纪要.json", "纪要/第1版/版本.json", "纪要/第1版/签发件.jpg",
        "纪要/第2版/纪要.pdf", "纪要/第2版/纪要.docx", "纪要/第2版/纪要.json", "纪要/第2版/版本.json",
        "公开版/第1版-1/公开版.pdf", "公开版/第1版-1/公开版.json", "公开版/第1版-1/发布.json",
        "公开版/第2版-2/公开版.pdf", "公开版/第2版-2/公开版.json", "公开版/第2版-2/发布.json",
        f"附件/{reference}/问题附件-1 x.jpg", f"附件/{reference}/答复附件-2 答复.jpg",
        f"附件/{reference}/承诺佐证-4 灯杆.jpg", f"附件/{reference}/进展附件-3 灯杆基础.jpg", f"附件/{reference}/回头看-1 现场.jpg", "附件/会前/应询材料-1 备答 材料.jpg",
        "记录/会议.json", "记录/问题.json", "记录/交办.json", "记录/承诺.json", "记录/回头看与测评.json", "记录/人员与单位.json",
        "记录/附件清单.json",
    }  # fmt: skip
    assert set(there) == expected
    assert there["纪要/第1版/纪要.pdf"] == PDF + b"1" and there["公开版/第2版-2/公开版.pdf"] == PDF + b"public2"
    withdrawn = json.loads(there["公开版/第1版-1/发布.json"])
    assert withdrawn["withdraw_reason"] == "附件有误" and withdrawn["withdrawn_at"]
    record = json.loads(there["记录/问题.json"])
    assert record["issues"][0]["statement"] and record["cosigners"] and record["agenda"]
    assert json.loads(there["记录/交办.json"])["progress"][0]["text"] == "已清运"
    assert json.loads(there["记录/交办.json"])["replies"][0]["result_class"] == "B"
    assert json.loads(there["记录/承诺.json"])["co_handlers"]
    assert json.loads(there["记录/回头看与测评.json"])["findings"][0]["found"] == "灯已亮"
    people = {p["name"] for p in json.loads(there["记录/人员与单位.json"])["people"]}
    assert {"周某某", "代表甲", "代表乙", "郑某某"} <= people
    acts = [json.loads(line)["action"] for line in there["轨迹.jsonl"].splitlines()]
    assert {
        "hearing.announce",
        "issue.log",
        "commitment.make",
        "minutes.publish",
        "minutes.withdraw",
        "finding.record",
    } <= set(acts)


def test_metadata_names_title_number_creator_day_period_and_versions(story: Any, package: bytes) -> None:
    root = ET.fromstring(dict(members(package))["metadata.xml"])
    said = {e.get("label"): e.text for e in root if e.text and e.text.strip()}
    assert said["题名"] == minutes.latest(story).content["title"]
    numbers = {e.get("label"): e.get("element") for e in root if e.get("element")}
    assert numbers == {
        "立档单位名称": "M6", "题名": "M22", "文件编号": "M31", "责任者": "M32", "日期": "M33", "文种": "M34", "密级": "M38",
        "保管期限": "M12", "语种": "M44", "信息系统描述": "M51",
    }  # fmt: skip
    assert said["文件编号"] == f"{story.code}　第{story.serial_no}期"
    assert said["责任者"] == "北仑区人大常委会" and said["日期"] == story.day.isoformat()
    assert said["密级"] == "非涉密" and said["保管期限"] == "永久" and said["信息系统描述"] == "人大代表民生夜询会"
    assert [(v.get("kind"), v.get("folder")) for v in root.iter("version")] == [
        ("internal", "纪要/第1版"), ("internal", "纪要/第2版"), ("public", "公开版/第1版-1"), ("public", "公开版/第2版-2"),
    ]  # fmt: skip
    second = {e.get("label"): e.text for e in list(root.iter("version"))[1]}
    assert second["更正说明"] == "一处日期写错" and (second["拟稿"], second["核稿"]) == ("周某某", "钱某某")
    assert (root.find("files").get("hash_algorithm"), int(root.find("files").get("count"))) == (
        "SHA-256",
        len(members(package)) - 3,
    )


def test_the_period_is_a_setting(story: Any, app: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for value, words in (("30y", "30年"), ("长期", "长期")):
        monkeypatch.setitem(app.config, "RETENTION_PERIOD", value)
        root = ET.fromstring(dict(members(made(story)))["metadata.xml"])
        assert root.find("retention").text == words


def test_the_same_record_gives_the_same_bytes(world: Any, story: Any, package: bytes, browser: Any) -> None:
    first = browser(world.organiser).get(f"/hearings/{story.id}/archive.zip")
    second = browser(world.auditor).get(f"/hearings/{story.id}/archive.zip")
    assert first.data == second.data == package
    issues.add_figure(
        issue_of(story), label="清运", value="12", unit="吨", as_of=today(), source=None, actor=world.organiser
    )
    db.session.commit()
    assert made(story) != package


def issue_of(hearing: Any) -> Any:
    return db.session.scalar(select(issues.Issue).where(issues.Issue.hearing_id == hearing.id))


def test_sha256sum_agrees(package: bytes) -> None:
    there = dict(members(package))
    listed = json.loads(there["manifest.json"])["files"]
    for file in listed:
        body = there[file["path"]]
        assert (file["size"], file["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert there["manifest.sha256"].decode() == f"{hashlib.sha256(there['manifest.json']).hexdigest()}  manifest.json\n"


# -- who may, and when ---------------------------------------------------------------------------------


def test_making_one_is_noted_with_its_seal(world: Any, story: Any, browser: Any) -> None:
    answer = browser(world.organiser).get(f"/hearings/{story.id}/archive.zip")
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    assert "no-store" in answer.headers["Cache-Control"]
    line = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "hearing.archive")).one()
    seal = hashlib.sha256(dict(members(answer.data))["manifest.json"]).hexdigest()
    assert (line.hearing_id, line.actor_name, line.details) == (story.id, "周某某", {"file": seal})
    assert answer.headers["X-Manifest-SHA256"] == seal


def test_who_may(world: Any, story: Any, browser: Any) -> None:
    address = f"/hearings/{story.id}/archive.zip"
    for person in (world.leader, world.deputy, world.department):
        assert browser(person).get(address).status_code == 403
    assert browser(world.admin).get(address).status_code == 404
    assert browser(world.street).get(address).status_code == 200
    story.station = world.other_station
    db.session.execute(text("UPDATE issue SET street = '霞浦'"))
    db.session.commit()
    assert browser(world.street).get(address).status_code == 404
    assert browser().get(address).status_code in (302, 303)


def test_not_before_it_is_over_and_published(world: Any, browser: Any) -> None:
    reader = browser(world.organiser)
    running = world.hearing("in_session")
    page = reader.get(f"/hearings/{running.id}/archive.zip")
    assert page.status_code == 409 and "zip" not in page.mimetype
    schedule.conclude(running, actor=world.organiser)
    minutes.draft(running, actor=world.organiser)
    db.session.commit()
    assert reader.get(f"/hearings/{running.id}/archive.zip").status_code == 409
    assert reader.get("/hearings/999999999999/archive.zip").status_code == 404
    assert db.session.scalar(select(AuditEvent.id).where(AuditEvent.action == "hearing.archive")) is None


def test_the_link_is_on_the_hearings_page_for_those_who_may(world: Any, story: Any, browser: Any) -> None:
    link = f'href="/hearings/{story.id}/archive.zip"'
    assert link in browser(world.organiser).get(f"/hearings/{story.id}").text
    assert link in browser(world.auditor).get(f"/hearings/{story.id}").text
    assert link not in browser(world.leader).get(f"/hearings/{story.id}").text
    other = world.hearing("in_session")
    assert "archive.zip" not in browser(world.organiser).get(f"/hearings/{other.id}").text


def test_what_is_damaged_is_not_archived(world: Any, story: Any, browser: Any) -> None:
    digest = minutes.latest(story).pdf_sha256
    db.session.execute(text("UPDATE blob SET data = :d WHERE sha256 = :s"), {"d": b"other", "s": digest})
    db.session.commit()
    with pytest.raises(RuleBroken, match="纪要/第2版"):
        made(story)
    assert browser(world.organiser).get(f"/hearings/{story.id}/archive.zip").status_code == 409


def test_statements_and_memory_do_not_grow_with_the_record(world: Any, story: Any, statements: Any) -> None:
    with statements() as said:
        made(story)
    few = len(said)
    issue = issue_of(story)
    for number in range(40):
        issues.make_commitment(issue, measure=f"第{number}项", lead=world.bureau, due_on=today(), actor=world.organiser)
    db.session.commit()
    with statements() as said:
        made(story)
    assert len(said) <= few
    big = [b"%PDF-1.4 " + bytes([65 + n]) * 4_000_000 for n in range(8)]
    for number, body in enumerate(big):
        file = files.store(FileStorage(io.BytesIO(body), f"大文件{number}.pdf"), actor=world.organiser)
        issues.attach(issue, file, actor=world.organiser)
    db.session.commit()
    db.session.expunge_all()
    del big, body
    hearing = db.session.get(type(story), 1)
    with tempfile.TemporaryFile() as out:
        tracemalloc.start()
        archive.build(hearing, out)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert out.tell() > 32_000_000 and peak < 20_000_000


# -- damage --------------------------------------------------------------------------------------------


def test_one_byte_of_any_member(package: bytes, tmp_path: Path) -> None:
    """With the ZIP written anew, so that its own checksum tells nothing; then also with a new manifest where it can tell."""
    for name, body in members(package):
        flipped = body[:-1] + bytes([body[-1] ^ 1])
        rows = changed(package, name, lambda _body, new=flipped: new)
        assert checked(tmp_path, packed(rows, seal=False)), name


def test_any_byte_of_the_file(package: bytes, tmp_path: Path) -> None:
    chance = random.Random(9)
    places = [*range(40), *range(len(package) - 60, len(package)), *chance.sample(range(len(package)), 150)]
    for place in places:
        data = bytearray(package)
        data[place] ^= 0x10
        assert checked(tmp_path, bytes(data)), place


def test_one_removed_added_renamed(package: bytes, tmp_path: Path) -> None:
    rows = members(package)
    for name, body in rows:
        without = checked(tmp_path, packed([r for r in rows if r[0] != name], seal=False))
        assert f"缺少文件：{name}" in without
        renamed = [(n if n != name else f"改名-{n}".replace("/", "-"), b) for n, b in rows]
        assert f"缺少文件：{name}" in checked(tmp_path, packed(renamed, seal=False))
        assert body is not None
    extra = [*rows[:-2], ("附件/多出.txt", b"x"), *rows[-2:]]
    assert checked(tmp_path, packed(extra, seal=False)) == ["多出文件：附件/多出.txt"]
    assert checked(tmp_path, packed([rows[1], rows[0], *rows[2:]], seal=False)) == ["文件次序与清单不符"]


@pytest.mark.parametrize("share", [0, 1, 50, 90, 99])
def test_cut_short(package: bytes, tmp_path: Path, share: int) -> None:
    assert checked(tmp_path, package[: len(package) * share // 100]) == [
        ("不是归档包，或已残缺" if share else "空文件")
    ]
    assert checked(tmp_path, package[:-1]) == ["不是归档包，或已残缺"]


def test_not_a_package(tmp_path: Path) -> None:
    assert checked(tmp_path, b"hello") == ["不是归档包，或已残缺"]
    assert [f.zh[:6] for f in parcel.verify(tmp_path / "none").findings] == ["没有这个文件"]
    assert [f.zh for f in parcel.verify(tmp_path).findings] == ["不是归档包，或已残缺"]
    assert "缺少文件：manifest.json" in checked(tmp_path, packed([("a.txt", b"x")], seal=False))
    for odd in (
        b"[]",
        b"{",
        b"{}",
        b"\xff",
        b"[" * 100_000,
        b'{"format": "yexunhui-archive-1", "algorithm": "SHA-256", "files": [1]}',
    ):
        seal = f"{hashlib.sha256(odd).hexdigest()}  manifest.json\n".encode()
        assert checked(tmp_path, packed([("manifest.json", odd), ("manifest.sha256", seal)], seal=False))


def test_bytes_before_between_and_behind(package: bytes, tmp_path: Path) -> None:
    foreign = "包内夹有清单以外的字节"
    assert checked(tmp_path, b"#!/bin/sh\n" + package) == [foreign]
    assert checked(tmp_path, package + b"more") == [foreign]
    out = io.BytesIO(package)
    with zipfile.ZipFile(out, "a") as box:
        box.comment = b"hidden"
    assert checked(tmp_path, out.getvalue()) == [foreign]


@pytest.mark.parametrize(
    "name",
    ["../x", "/etc/x", "a/../../x", "a\\..\\x", "C:/x", "a//b", "./x", "a/", "x\x1b[2J", "con?", "a/.. /x", "b" * 600],
)
def test_paths_that_leave_the_folder(package: bytes, tmp_path: Path, name: str) -> None:
    said = checked(tmp_path, packed([*members(package), (name, b"x")]))
    assert any(s.startswith("路径不合规") for s in said)
    assert not any("\x1b" in s for s in said)


def test_bombs_doubles_links_and_locks(package: bytes, tmp_path: Path) -> None:
    rows = members(package)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as box:
        for name, body in rows:
            box.writestr(zipfile.ZipInfo(name, parcel.LONG_AGO), body)
        box.writestr("炸弹.txt", bytes(50_000_000))
    assert "文件经过压缩：炸弹.txt" in checked(tmp_path, out.getvalue())
    with pytest.warns(UserWarning, match="Duplicate"):
        double = packed([*rows, ("说明.txt", b"other")], seal=False)
    assert "文件重名：说明.txt" in checked(tmp_path, double)
    assert "文件重名：METADATA.xml" in checked(tmp_path, packed([*rows, ("METADATA.xml", b"x")], seal=False))
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as box:
        link = zipfile.ZipInfo("link", parcel.LONG_AGO)
        link.external_attr = 0o120777 << 16
        box.writestr(link, "/etc/passwd")
    assert checked(tmp_path, out.getvalue()) == ["不是普通文件：link"]
    locked = bytearray(package)
    locked[package.rindex(b"PK\x01\x02") + 8] |= 1
    assert any(s.startswith("文件加密") for s in checked(tmp_path, bytes(locked)))


# -- a forger who makes the manifest anew --------------------------------------------------------------


def edited(package: bytes, name: str, **changes: Any) -> bytes:
    return packed(changed(package, name, lambda body: parcel.to_json(json.loads(body) | changes)))


def test_versions_have_their_fingerprints_and_follow_each_other(package: bytes, tmp_path: Path) -> None:
    other = packed(changed(package, "纪要/第2版/纪要.pdf", lambda body: body + b"x"))
    assert checked(tmp_path, other) == ["与发布时的指纹不符：纪要/第2版/纪要.pdf"]
    assert checked(tmp_path, edited(package, "纪要/第1版/版本.json", pdf_sha256="0" * 64)) == [
        "与发布时的指纹不符：纪要/第1版/纪要.pdf", "版本链断开：纪要/第2版"
    ]  # fmt: skip
    assert checked(tmp_path, edited(package, "纪要/第2版/版本.json", previous_sha256=None)) == [
        "版本链断开：纪要/第2版"
    ]
    assert checked(tmp_path, packed(changed(package, "纪要/第1版/签发件.jpg", lambda b: b + b"x"))) == [
        "与发布时的指纹不符：纪要/第1版/签发件.jpg"
    ]
    assert checked(tmp_path, packed(changed(package, "公开版/第1版-1/公开版.pdf", lambda b: b + b"x"))) == [
        "与发布时的指纹不符：公开版/第1版-1/公开版.pdf"
    ]
    first_gone = packed([r for r in members(package) if not r[0].startswith("纪要/第1版/")])
    assert "版本链断开：纪要/第2版" in checked(tmp_path, first_gone)
    assert "元数据所列版本与文件不符" in checked(tmp_path, first_gone)


def test_attachments_are_those_on_record(package: bytes, tmp_path: Path) -> None:
    name = "附件/会前/应询材料-1 备答 材料.jpg"
    assert checked(tmp_path, packed(changed(package, name, lambda b: b + b"x"))) == [f"与发布时的指纹不符：{name}"]
    rows = members(package)
    assert checked(tmp_path, packed([*rows, ("附件/会前/另一份.jpg", b"x")])) == ["附件清单未列：附件/会前/另一份.jpg"]


def test_lines_of_the_trail_have_their_hashes_and_follow_each_other(package: bytes, tmp_path: Path) -> None:
    def other_actor(body: bytes) -> bytes:
        return body.replace("周某某".encode(), "周某乙".encode(), 1)

    assert checked(tmp_path, packed(changed(package, "轨迹.jsonl", other_actor))) == ["轨迹第 1 行与其摘要不符"]
    lines = dict(members(package))["轨迹.jsonl"].splitlines(keepends=True)
    swapped = b"".join([lines[1], lines[0], *lines[2:]])
    said = checked(tmp_path, packed(changed(package, "轨迹.jsonl", lambda _b: swapped)))
    assert "轨迹第 2 行与上一行不相接" in said
    broken = b"".join([b"{}\n", b"[]\n", b"nonsense\n", *lines])
    said = checked(tmp_path, packed(changed(package, "轨迹.jsonl", lambda _b: broken)))
    assert said[:3] == [f"轨迹第 {n} 行无法读取" for n in (1, 2, 3)]


def test_metadata_is_read_with_care(package: bytes, tmp_path: Path) -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bb">]><archive format="yexunhui-archive-1">&b;</archive>'
    for odd, words in (
        (bomb, "元数据无法读取"),
        (b"<archive", "元数据无法读取"),
        (b"<a/>", "元数据格式不符"),
        (b"", "元数据无法读取"),
    ):
        said = checked(tmp_path, packed(changed(package, "metadata.xml", lambda _b, new=odd: new)))
        assert said[0].startswith(words)


# -- at the desk ---------------------------------------------------------------------------------------


def test_commands(app: Any, world: Any, story: Any, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    place = tmp_path / "归档.zip"
    said = run.invoke(args=["archive", "make", str(story.id), "-o", str(place)])
    assert said.exit_code == 0 and place.exists() and list(tmp_path.iterdir()) == [place]
    line = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "hearing.archive")).one()
    assert line.details["file"] in said.output and line.actor_name == "系统"
    said = run.invoke(args=["archive", "verify", str(place)])
    assert said.exit_code == 0 and "完好" in said.output and line.details["file"] in said.output
    place.write_bytes(place.read_bytes()[:-1])
    said = run.invoke(args=["archive", "verify", str(place)])
    assert said.exit_code == 1 and len(said.output.strip().splitlines()) == 1
    for arguments in (["archive", "make", "99", "-o", "x"], ["archive", "make", str(10**12), "-o", "x"]):
        said = run.invoke(args=arguments)
        assert said.exit_code == 1 and "没有这次夜询会" in said.output
    said = run.invoke(args=["archive", "make", str(story.id), "-o", str(tmp_path / "none" / "x.zip")])
    assert said.exit_code == 1 and "写不进" in said.output
    early = world.hearing("in_session")
    said = run.invoke(args=["archive", "make", str(early.id), "-o", str(tmp_path / "y.zip")])
    assert said.exit_code == 1 and not (tmp_path / "y.zip").exists()


def test_it_is_checked_where_there_is_neither_database_nor_product(package: bytes, tmp_path: Path) -> None:
    (tmp_path / "p.zip").write_bytes(package)
    (tmp_path / "q.zip").write_bytes(package + b"x")
    command = [sys.executable, "-I", parcel.__file__, "p.zip", "q.zip"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert [line[:9] for line in ended.stdout.splitlines()] == ["p.zip：完好：", "q.zip：包内夹"]
