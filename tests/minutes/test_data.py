"""The record for machines: described by its schema, equal to the database, the same after the way through a PDF."""

import csv
import io
import json
import re
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pypdfium2
import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream
from sqlalchemy import text

from hearings.db import LOCAL, clock_at, db
from hearings.documents import render
from hearings.issues import operations as issues
from hearings.issues.models import Outcome
from hearings.minutes import content, data, operations
from hearings.reviews import operations as reviews
from hearings.reviews.models import AgendaItem
from hearings.schedule import operations as schedule
from hearings.schedule.models import HearingKind
from tests import factories

SCHEMA = json.loads((Path(data.__file__).parent / "schema.json").read_text())
TYPES: dict[str, Any] = {
    "object": dict, "array": list, "string": str, "integer": int, "number": (int, float), "boolean": bool,
    "null": type(None),
}  # fmt: skip


def faults(value: Any, schema: dict[str, Any] = SCHEMA, at: str = "$") -> list[str]:
    """Where `value` is not as the schema says: the keywords that ours uses, by their definition."""
    known = {"$schema", "$id", "$defs", "title", "description", "type", "properties", "required", "pattern",
             "additionalProperties", "items", "enum", "const", "$ref", "anyOf"}  # fmt: skip
    assert set(schema) <= known, set(schema) - known
    if "$ref" in schema:
        return faults(value, SCHEMA["$defs"][schema["$ref"].removeprefix("#/$defs/")], at)
    if "anyOf" in schema:
        return min((faults(value, each, at) for each in schema["anyOf"]), key=len)
    if "const" in schema and value != schema["const"]:
        return [f"{at}: {value!r} is not {schema['const']!r}"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{at}: {value!r} is none of {schema['enum']}"]
    if "type" in schema:
        names = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
        fits = any(isinstance(value, TYPES[n]) and (n == "boolean" or not isinstance(value, bool)) for n in names)
        if not fits:
            return [f"{at}: {value!r} is no {names}"]
    found = []
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} does not match {schema['pattern']}")
    if isinstance(value, dict) and "properties" in schema:
        properties = schema["properties"]
        found += [f"{at}.{key} is missing" for key in schema["required"] if key not in value]
        found += [f"{at}.{key} is unknown" for key in value if key not in properties]
        for key in value:
            if key in properties:
                found += faults(value[key], properties[key], f"{at}.{key}")
    if isinstance(value, list) and "items" in schema:
        for n, each in enumerate(value):
            found += faults(each, schema["items"], f"{at}[{n}]")
    return found


def test_the_validator_itself_finds_faults() -> None:
    assert faults(3, {"type": "string"}) and faults(True, {"type": "integer"}) and faults("x", {"enum": ["y", None]})
    assert faults({"a": 1}, {"type": "object", "properties": {"b": {}}, "required": ["b"]}) == [
        "$.b is missing",
        "$.a is unknown",
    ]
    assert not faults([None, "2021-03-25"], {"items": {"type": ["string", "null"], "pattern": r"^\d{4}-"}})


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=LOCAL)


EVENING = date(2021, 3, 25)
SECRET = "13957412345"


@pytest.fixture
def evening(world):
    """One evening: a promise whose date moved, one kept, a resident's issue, a ballot, a planned and a held look-back."""
    w, o = world, world.organiser
    co = factories.department("区综合行政执法局", position=30)
    with clock_at(at(date(2021, 3, 18), 9)):
        hearing = schedule.draft_hearing(
            title="家门口的民生小事", theme="家门口的民生小事", station=w.station, chair=w.leader, actor=o,
            **factories.evening(EVENING),
        )  # fmt: skip
        schedule.add_person(hearing, w.deputy, actor=o)
        schedule.add_department(hearing, w.bureau, actor=o)
        schedule.announce(hearing, actor=o)
    with clock_at(at(EVENING, 19)):
        schedule.open_session(hearing, actor=o)
        bridge = issues.log_issue(
            hearing, title="霞浦铁路桥下堆物", statement="桥下长期堆物", lead_deputy=w.deputy, street="霞浦", actor=o
        )
        for measure, day in (("完成桥下空间清理", date(2021, 4, 16)), ("=安装照明，并移交管护", date(2021, 6, 30))):
            issues.make_commitment(bridge, measure=measure, lead=w.bureau, co_handlers=[co], due_on=day, actor=o)
        supper = issues.log_issue(
            hearing,
            title=f"独居老人晚餐难（电话{SECRET}）",
            statement=f"陈某住在明州路3号，电话{SECRET}",
            resident="陈",
            community="牡丹社区",
            lead_deputy=w.other_deputy,
            actor=o,
        )
        issues.make_commitment(
            supper,
            measure=f"联系{SECRET}后开通晚餐配送",
            lead=w.other_bureau,
            due_on=date(2021, 5, 31),
            actor=o,
        )
        issues.decide_outcome(supper, Outcome.FURTHER_STUDY, note="请陈某等通知", actor=o)
        hearing.ballots_issued = 18
        reviews.record_ballot(hearing, bridge, satisfied=10, mostly_satisfied=6, dissatisfied=2, actor=o)
    with clock_at(at(EVENING, 21, 5)):
        schedule.conclude(hearing, actor=o)
    with clock_at(at(date(2021, 3, 29), 9)):
        issues.assign(bridge, lead=w.bureau, co_handlers=[co], actor=o)
    with clock_at(at(date(2021, 4, 1), 9)):
        db.session.execute(
            text(
                "INSERT INTO extension (commitment_id, old_due_on, new_due_on, reason, status, asked_by_id, asked_at,"
                " decided_at, directed) SELECT id, due_on, '2021-07-15', '天气', 'granted', :by, made_at, made_at, :no"
                " FROM commitment WHERE due_on = '2021-06-30'"
            ),
            {"by": w.department.id, "no": False},
        )
        db.session.execute(text("UPDATE commitment SET due_on = '2021-07-15' WHERE due_on = '2021-06-30'"))
        for day, status in ((date(2021, 5, 27), "announced"), (date(2021, 9, 16), "draft"), (date(2021, 8, 1), "gone")):
            back = schedule.draft_hearing(
                kind=HearingKind.LOOK_BACK, title="第一次回头看", station=w.other_station, follows=hearing, actor=o,
                **factories.evening(day, "14:00", "16:00"),
            )  # fmt: skip
            db.session.add(AgendaItem(hearing=back, issue=bridge, position=1))
            if status != "draft":
                schedule.announce(back, actor=o)
            if status == "gone":
                schedule.cancel(back, reason="台风", actor=o)
    db.session.commit()
    return hearing


@pytest.fixture
def final(world, evening):
    """The dict as it would be published on 30 March, at that moment."""
    with clock_at(at(date(2021, 4, 2), 14)):
        minutes = operations.draft(evening, actor=world.organiser)
        operations.review(minutes, actor=world.street)
        made = operations.to_print(minutes, issued_by="张某某", issued_on=date(2021, 3, 30))
        db.session.commit()
    return made


def whole(made: dict[str, Any]) -> dict[str, Any]:
    (found,) = [json.loads(each.data) for each in data.associated(made) if each.name == "minutes.json"]
    return found


def test_minutes_json_is_as_its_schema_says(final):
    assert faults(whole(final)) == []
    assert [each[:2] for each in data.associated(final)] == [
        ("minutes.json", "application/json"),
        ("commitments.csv", "text/csv"),
        ("calendar.ics", "text/calendar"),
    ]


def test_every_meeting_of_an_office_is_as_the_schema_says(office):
    _app, _users = office
    rows = db.session.execute(text("SELECT content FROM minutes WHERE status = 'published'")).scalars().all()
    assert len(rows) > 10
    for row in rows:
        made = json.loads(row) if isinstance(row, str) else row
        found = whole(made)
        assert faults(found) == []
        parse_calendar(data.to_calendar(found["data"]))
    kinds = {json.loads(r)["data"]["hearing"]["kind"] for r in rows}
    assert {"night_hearing", "look_back"} <= kinds


def test_a_draft_carries_nothing(final):
    assert data.associated(final | {"draft": True}) == []
    assert data.associated({k: v for k, v in final.items() if k != "data"}) == []


def test_the_data_is_what_the_database_says(world, evening, final):
    """Read by SQL of its own, never through the models."""
    found = final["data"]
    ask = lambda words: [dict(r) for r in db.session.execute(text(words)).mappings()]  # noqa: E731
    (row,) = ask(f"SELECT uid, serial_no, title, theme, venue, sequence FROM hearing WHERE id = {evening.id}")
    hearing = found["hearing"]
    assert {k: hearing[k] for k in ("uid", "serial_no", "title", "theme", "sequence")} == {
        k: row[k] for k in ("uid", "serial_no", "title", "theme", "sequence")
    }
    assert (hearing["place"], hearing["number"], hearing["kind"]) == (row["venue"], "YX-2021-01", "night_hearing")
    assert (hearing["opened_at"], hearing["concluded_at"]) == ("2021-03-25T19:00:00+08:00", "2021-03-25T21:05:00+08:00")
    promises = ask(
        "SELECT c.uid, c.measure, c.status, c.percent, c.sequence, c.due_on, d.name AS lead, i.number AS n,"
        " (SELECT e.old_due_on FROM extension e WHERE e.commitment_id = c.id AND e.status = 'granted'"
        "  ORDER BY e.id LIMIT 1) AS first FROM commitment c JOIN department d ON d.id = c.lead_id"
        f" JOIN issue i ON i.id = c.issue_id WHERE i.hearing_id = {evening.id} ORDER BY i.position, c.position"
    )
    assert [
        (c["uid"], c["measure"], c["status"], c["percent"], c["sequence"], c["due_on"], c["lead"], c["first_due_on"])
        for c in found["commitments"]
    ] == [
        (r["uid"], r["measure"], r["status"], r["percent"], r["sequence"], str(r["due_on"]), r["lead"],
         str(r["first"] or r["due_on"]))
        for r in promises
    ]  # fmt: skip
    assert [(c["number"], c["first_due_on"], c["due_on"]) for c in found["commitments"]] == [
        ("1-01-1", "2021-04-16", "2021-04-16"),
        ("1-01-2", "2021-06-30", "2021-07-15"),
        ("1-02-1", "2021-05-31", "2021-05-31"),
    ]
    assert found["commitments"][0]["co_handlers"] == ["区综合行政执法局"]
    (ballot,) = ask("SELECT issued, satisfied, mostly_satisfied, dissatisfied, invalid, verdict FROM ballot")
    assert {k: found["issues"][0]["ballot"][k] for k in ballot} == ballot
    assert found["issues"][1]["ballot"] is None
    assert [(i["number"], i["outcome"], i["status"]) for i in found["issues"]] == [
        (f"1-{r['number']:02d}", r["outcome"], r["status"])
        for r in ask("SELECT number, outcome, status FROM issue ORDER BY position")
    ]
    assert found["issues"][0]["assigned"] == [
        {"department": r["name"], "part": r["part"], "assigned_on": "2021-03-29", "due_on": str(r["due_on"])}
        for r in ask(
            "SELECT d.name, a.part, a.due_on FROM assignment a JOIN department d ON d.id = a.department_id ORDER BY a.id"
        )
    ]
    backs = ask(
        f"SELECT uid, status FROM hearing WHERE follows_id = {evening.id} AND status <> 'draft' ORDER BY starts_at"
    )
    assert [(b["uid"], b["status"]) for b in found["look_backs"]] == [(b["uid"], b["status"]) for b in backs]
    of_bridge = [c["uid"] for c in found["commitments"][:2]]
    assert [b["commitments"] for b in found["look_backs"]] == [of_bridge, of_bridge]


def test_no_resident_is_in_it(evening, final):
    words = json.dumps(final["data"], ensure_ascii=False)
    assert [i["raised_by"] for i in final["data"]["issues"]] == ["deputy", "resident"]
    for hidden in ("陈", "牡丹社区", "明州路3号", "桥下长期堆物"):
        assert hidden not in words


def blackened(value: Any) -> Any:
    """What a person decided: the telephone number goes, wherever it is printed."""
    if isinstance(value, str):
        return value.replace(SECRET, "×××")
    if isinstance(value, dict):
        return {k: v if k == "data" else blackened(v) for k, v in value.items()}
    return [blackened(v) for v in value] if isinstance(value, list) else value


def test_the_public_rendering_embeds_what_its_paper_prints(final):
    shown = blackened(final) | {"kind": "public", "drafted_by": None, "reviewed_by": None}
    files = {each.name: each.data for each in data.associated(shown)}
    assert all(SECRET.encode() not in body for body in files.values())
    found = json.loads(files["minutes.json"])
    assert faults(found) == []
    assert [i["title"] for i in found["data"]["issues"]] == ["霞浦铁路桥下堆物", None]
    assert [c["measure"] for c in found["data"]["commitments"]] == ["完成桥下空间清理", "=安装照明，并移交管护", None]
    assert found["data"]["hearing"]["title"] == "家门口的民生小事"  # printed as the theme
    assert found["data"]["look_backs"][0]["title"] is None  # not printed, so not told
    summaries = [e.summary for e in parse_calendar(files["calendar.ics"])]
    assert "【承诺到期】1-02-1 区教育局" in summaries
    assert "回头看" in summaries
    assert rows(files["commitments.csv"])[3][:4] == ["1-02-1", "", "", "区教育局"]
    assert data.public(found["data"], shown) == found["data"]


def rows(body: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def test_the_list_opens_in_spreadsheets(final):
    body = data.to_csv(final["data"])
    assert body.startswith(b"\xef\xbb\xbf") and body.endswith(b"\r\n")
    head, *lines = rows(body)
    assert head == list(data.CSV_HEAD)
    promises = final["data"]["commitments"]
    assert lines == [
        ["1-01-1", "霞浦铁路桥下堆物", "完成桥下空间清理", "区交通运输局", "区综合行政执法局", "2021-04-16", "2021-04-16",
         "办理中", promises[0]["uid"]],
        ["1-01-2", "霞浦铁路桥下堆物", "'=安装照明，并移交管护", "区交通运输局", "区综合行政执法局", "2021-06-30", "2021-07-15",
         "办理中", promises[1]["uid"]],
        ["1-02-1", f"独居老人晚餐难（电话{SECRET}）", f"联系{SECRET}后开通晚餐配送", "区教育局", "", "2021-05-31", "2021-05-31",
         "办理中", promises[2]["uid"]],
    ]  # fmt: skip


@pytest.mark.parametrize("words", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "　＝1", "＋1", "－1", "＠1"])
def test_no_cell_is_a_formula(words):
    assert data.cell(words) == f"'{words}"


@pytest.mark.parametrize("words", ["", "4月16日前完成", "A=1", "'", '引号"和,逗号\n换行'])
def test_other_words_stay_as_they_are(words):
    assert data.cell(words) == words


def parse_calendar(body: bytes) -> list[Any]:
    """By a parser that did not write it; and what every such file must be."""
    assert body.startswith(b"BEGIN:VCALENDAR\r\n") and b"\nMETHOD" not in body
    assert all(len(line) <= 75 for line in body.split(b"\r\n"))
    return list(IcsCalendarStream.calendar_from_ics(body.decode()).events)


def test_the_calendar_holds_due_dates_and_look_backs(final):
    body = data.to_calendar(final["data"])
    events = parse_calendar(body)
    promises, backs = final["data"]["commitments"], final["data"]["look_backs"]
    assert [e.uid for e in events] == [
        *(f"commitment-{c['uid']}@yexunhui.local" for c in promises),
        *(f"hearing-{b['uid']}@yexunhui.local" for b in backs),
    ]
    moved = events[1]
    assert (moved.dtstart, moved.dtend) == (date(2021, 7, 15), date(2021, 7, 16))
    assert moved.summary == "【承诺到期】=安装照明，并移交管护"
    assert moved.dtstamp == moved.last_modified
    assert str(moved.transparency) == "TRANSPARENT"
    plain = body.decode().replace("\r\n ", "")
    first = plain.split("BEGIN:VEVENT")[2]
    triggers = re.findall(r"^TRIGGER;VALUE=DATE-TIME:(\w+)\r$", first, re.M)
    assert triggers == ["20210712T010000Z", "20210714T010000Z"]  # nine o'clock in China, three days and one before
    assert re.findall(r"^RELATED-TO;RELTYPE=PARENT:(\S+)\r$", first, re.M) == [
        f"hearing-{final['data']['hearing']['uid']}@yexunhui.local"
    ]
    back = events[3]
    assert back.dtstart.astimezone(UTC) == datetime(2021, 5, 27, 6, tzinfo=UTC)
    assert back.dtend - back.dtstart == timedelta(hours=2)
    assert back.categories == ["回头看"]
    told = plain.split("BEGIN:VEVENT")[4]
    assert re.findall(r"RELTYPE=(\w+):(\S+)\r$", told, re.M) == [
        ("PARENT", f"hearing-{final['data']['hearing']['uid']}@yexunhui.local"),
        *(("SIBLING", f"commitment-{c['uid']}@yexunhui.local") for c in promises[:2]),
    ]
    assert events[4].summary == "【已取消】第一次回头看"
    assert str(events[4].status) in ("CANCELLED", "EventStatus.CANCELLED")
    assert [str(e.summary.value) for e in vobject.readOne(body.decode()).vevent_list] == [e.summary for e in events]
    assert not events[0].organizer and not events[0].attendees


def test_a_calendar_without_events_is_a_calendar(final):
    empty = final["data"] | {"commitments": [], "look_backs": []}
    assert parse_calendar(data.to_calendar(empty)) == []


def extracted(pdf: bytes, folder: Path) -> dict[str, bytes]:
    """The attachments as poppler takes them out; PDFium must agree."""
    file = folder / "minutes.pdf"
    file.write_bytes(pdf)
    subprocess.run(["pdfdetach", "-saveall", "-o", str(folder), str(file)], check=True, capture_output=True)
    found = {p.name: p.read_bytes() for p in folder.iterdir() if p != file}
    document = pypdfium2.PdfDocument(pdf)
    every = [document.get_attachment(n) for n in range(document.count_attachments())]
    assert {a.get_name(): bytes(a.get_data()) for a in every} == found
    document.close()
    return found


def test_what_comes_out_of_the_pdf_is_what_went_in(world, evening, final, tmp_path):
    pdf = render("minutes", final, associated=data.associated(final))
    assert pdf == render("minutes", final, associated=data.associated(json.loads(json.dumps(final))))
    found = extracted(pdf, tmp_path)
    assert found == {each.name: each.data for each in data.associated(final)}
    read = json.loads(found["minutes.json"])
    assert read["data"] == final["data"]
    assert read["paper"]["sections"] == final["sections"]
    assert read["signatures"] == {
        "drafted_by": "周某某", "reviewed_by": "钱某某", "issued_by": "张某某", "issued_on": "2021年3月30日",
    }  # fmt: skip


def test_a_published_pdf_carries_the_record(world, evening, tmp_path):
    with clock_at(at(date(2021, 4, 2), 14)):
        minutes = operations.draft(evening, actor=world.organiser)
        operations.review(minutes, actor=world.street)
        operations.publish(minutes, issued_by="张某某", issued_on=date(2021, 3, 30), actor=world.organiser)
        db.session.commit()
    found = extracted(minutes.pdf.data, tmp_path)
    assert sorted(found) == ["calendar.ics", "commitments.csv", "minutes.json"]
    read = json.loads(found["minutes.json"])
    assert read["data"] == minutes.content["data"]
    assert read["data"]["commitments"][1]["due_on"] == db.session.scalar(
        text("SELECT CAST(due_on AS VARCHAR(10)) FROM commitment WHERE uid = :uid"),
        {"uid": read["data"]["commitments"][1]["uid"]},
    )


def test_the_data_is_taken_anew_when_the_paper_is_made_final(world, evening):
    with clock_at(at(date(2021, 4, 2), 14)):
        minutes = operations.draft(evening, actor=world.organiser)
        before = minutes.content["data"]["commitments"][0]["percent"]
        operations.review(minutes, actor=world.street)
        db.session.execute(text("UPDATE commitment SET percent = 70"))
        db.session.expire_all()
        made = operations.to_print(minutes, issued_by="张某某", issued_on=date(2021, 3, 30))
    assert before == 0
    assert [c["percent"] for c in made["data"]["commitments"]] == [70, 70, 70]
    assert content.differences(minutes.content, minutes.composed, content.compose(evening)) == []


def test_what_was_blackened_for_the_public_is_in_no_embedded_file(world, evening):
    with clock_at(at(date(2021, 4, 2), 14)):
        minutes = operations.draft(evening, actor=world.organiser)
        operations.review(minutes, actor=world.street)
        operations.publish(minutes, issued_by="张某某", issued_on=date(2021, 3, 30), actor=world.organiser, pdf=b"%PDF")
        _stripped, spots = operations.spots_of(minutes)
        assert SECRET in {spot.text for spot in spots}
        shown, _decisions = operations.to_release(minutes, {spot.key: ("blacken", None) for spot in spots})
        db.session.commit()
    files = {each.name: each.data for each in data.associated(shown)}
    assert sorted(files) == ["calendar.ics", "commitments.csv", "minutes.json"]
    assert faults(json.loads(files["minutes.json"])) == []
    for body in [json.dumps(shown, ensure_ascii=False).encode(), *files.values()]:
        assert SECRET.encode() not in body
    assert json.loads(files["minutes.json"])["signatures"]["drafted_by"] is None
