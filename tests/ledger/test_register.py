"""The register of commitments: the list's rows, as a workbook and on paper, with the same columns."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from hearings.db import db, today
from hearings.documents import RenderFailed, render
from hearings.issues import operations as issues
from hearings.issues.models import ResultClass
from hearings.issues.queries import Filter
from hearings.ledger import register as registers
from hearings.ledger import routes
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from tests.documents import measure


def sheet(answer: Any) -> list[list[Any]]:
    assert answer.status_code == 200 and answer.mimetype.endswith("spreadsheetml.sheet")
    page = openpyxl.load_workbook(io.BytesIO(answer.data)).active
    return [[c.value.date() if hasattr(c.value, "date") else c.value for c in row] for row in page.iter_rows()]


def one(row: list[Any]) -> dict[str, Any]:
    return dict(zip([c.head for c in registers.COLUMNS], row, strict=True))


@pytest.fixture
def kept(world: Any) -> Any:
    """A promise that moved, was kept, its issue struck off; and one still open."""
    hearing = world.hearing("in_session", day=today() - timedelta(days=40))
    issue = world.issue(hearing, resident="陈", community="备碶社区")
    promise = world.commitment(issue, days=5, co_handlers=[world.other_bureau], measure="=清理桥下空间")
    other = world.commitment(
        world.issue(hearing, title="公交末班车过早"), days=3, measure="延长末班车", lead=world.other_bureau
    )
    schedule.conclude(hearing, actor=world.organiser)
    assignment = issues.assign(issue, lead=world.bureau, actor=world.organiser)[0]
    issues.accept_assignment(assignment, actor=world.department)
    asked = issues.ask_extension(
        promise, new_due_on=today() + timedelta(days=30), reason="等灯具", actor=world.department
    )
    issues.grant_extension(asked, note=None, actor=world.organiser)
    issues.reply(assignment, result_class=ResultClass.A, text="已修好", signed_by="局长", actor=world.department)
    issues.report_done(promise, report="已装灯12盏", actor=world.department)
    issues.verify_commitment(promise, actor=world.organiser)
    confirmation = reviews.ask_confirmation(issue, actor=world.organiser)
    reviews.confirm(confirmation, actor=world.deputy)
    issues.strike_off(issue, actor=world.organiser)
    db.session.commit()
    return issue, promise, other


def test_what_a_row_says(world: Any, kept: Any, browser: Any) -> None:
    issue = kept[0]
    rows = sheet(browser(world.leader).get("/ledger/register.xlsx?status=all"))
    held = issue.hearing.day
    assert rows[0] == [c.head for c in registers.COLUMNS]
    assert one(rows[2]) == {
        "编号": issue.reference,
        "期次": f"第{issue.hearing.serial_no}期 {held}",
        "问题": "铁路桥下堆物无灯",
        "提出人": "代表甲（群众反映）",
        "承诺措施": "=清理桥下空间",
        "主办单位": "区交通运输局",
        "会办单位": "区教育局",
        "完成时限": today() + timedelta(days=30),
        "原定时限": today() + timedelta(days=5),
        "状态": "已兑现",
        "报完成或兑现": today(),
        "类别": "A",
        "代表确认": "已确认",
        "销号": today(),
    }
    assert one(rows[1])["状态"] == "办理中（临期）" and one(rows[1])["承诺措施"] == "延长末班车"
    assert one(rows[1])["销号"] is None and len(rows) == 5
    assert rows[4][0] == f"截至{registers.day_words(today())}，共2项。范围：全部承诺。"
    words = str(rows)
    assert "陈" not in words and "备碶" not in words


def test_it_is_the_list_on_the_screen(world: Any, kept: Any, browser: Any) -> None:
    reader = browser(world.leader)
    narrowings = [
        ("", 1, "尚未兑现的承诺"),
        ("status=kept", 1, "已兑现"),
        ("status=all&street=霞浦", 2, "街道：霞浦；全部承诺"),
        (f"status=all&department={world.other_bureau.id}", 2, "单位：区教育局；全部承诺"),
        (f"status=all&hearing={kept[0].hearing_id}", 2, "第"),
        (f"status=all&year={kept[0].hearing.day.year}", 2, "年份："),
        ("status=all&year=2001", 0, "年份：2001"),
        ("status=all&light=yellow", 1, "全部承诺；临期"),
        (f"status=all&due_from={today()}&due_to={today() + timedelta(days=4)}", 1, "完成时限"),
        (f"status=all&due_to={today() - timedelta(days=4)}", 0, "完成时限至"),
        ("status=all&q=末班车", 1, "含“末班车”"),
        ("status=zzz&hearing=99999999999&year=x&due_from=x&light=%00&department=-1", 1, "尚未兑现的承诺"),
    ]
    for query, count, words in narrowings:
        rows = sheet(reader.get(f"/ledger/register.xlsx?{query}"))
        assert (query, len(rows) - 3) == (query, count)
        assert words in rows[-1][0] and f"共{count}项" in rows[-1][0]
        assert reader.get(f"/commitments/?{query}").text.count("data-item") == count


def test_buttons_carry_the_narrowing(world: Any, kept: Any, browser: Any) -> None:
    reader = browser(world.leader)
    page = reader.get("/commitments/?status=all&street=霞浦&before=2021-01-01.1").text
    assert 'href="/ledger/register.xlsx?status=all&amp;street=%E9%9C%9E%E6%B5%A6"' in page
    assert 'href="/ledger/register.pdf?status=all&amp;street=%E9%9C%9E%E6%B5%A6"' in page
    year = kept[0].hearing.day.year
    assert f'href="/ledger/register.pdf?status=all&amp;year={year}"' in reader.get(f"/ledger/?year={year}").text


def test_each_sees_its_own(world: Any, kept: Any, browser: Any) -> None:
    query = "/ledger/register.xlsx?status=all"
    assert [r[4] for r in sheet(browser(world.other_department).get(query))[1:-2]] == ["延长末班车", "=清理桥下空间"]
    mine = sheet(browser(world.department).get(query))
    assert [r[4] for r in mine[1:-2]] == ["=清理桥下空间"]
    assert len(sheet(browser(world.other_deputy).get(query))) == 3
    assert browser(world.admin).get(query).status_code == 403
    assert browser().get(query).status_code in (302, 303)
    assert browser(world.leader).get("/ledger/register.csv").status_code == 404


def test_what_one_may_not_read_of_the_issue_is_left_out(world: Any, kept: Any, browser: Any) -> None:
    """A co-handler of a promise that has no assignment: the promise, not who raised it or what was replied."""
    row = one(sheet(browser(world.other_department).get("/ledger/register.xlsx?status=kept"))[1])
    assert (row["提出人"], row["类别"], row["代表确认"]) == (None, None, None)
    assert row["承诺措施"] == "=清理桥下空间"


def test_the_same_columns_on_paper(world: Any, kept: Any, browser: Any) -> None:
    answer = browser(world.leader).get("/ledger/register.pdf?status=all")
    assert answer.status_code == 200 and answer.mimetype == "application/pdf"
    assert "attachment" in answer.headers["Content-Disposition"]
    sheets = measure.pages(answer.data)
    words = "".join(c["text"] for c in sheets[0].chars).replace(" ", "")
    assert "北仑区人大代表民生夜询会承诺事项台账" in words and "共2项" in words
    assert all(c.head in words for c in registers.COLUMNS)
    assert "=清理桥下空间" in words and "延长末班车" in words and "陈" not in words
    assert sheets[0].width > sheets[0].height


def paper(rows: int) -> dict[str, Any]:
    measure_words = "由区交通运输局牵头清理桥下空间并安装照明，落实日常管护单位，每季度通报一次进展情况"
    row = [
        "9-01",
        "第9期 2021-03-25",
        "铁路桥下堆物无灯",
        "代表甲",
        measure_words,
        "区交通运输局",
        "区综合行政执法局、霞浦街道办",
    ]
    row += [today(), today(), "办理中（逾期）", today(), "A", "免予确认", today()]
    told = registers.Register(today(), [[f"{n}-01", *row[1:]] for n in range(rows)], rows)
    return registers.papers(told, "全部承诺")[0]


def test_on_paper_the_head_repeats_rows_stay_whole_and_nothing_leaves_the_type_area(app: Any) -> None:
    sheets = measure.pages(render("ledger", paper(40)))
    assert len(sheets) > 3
    for number, page in enumerate(sheets, 1):
        words = page.extract_text().replace("\n", "")
        assert "承诺措施" in words and "编号" in words
        upright = [c for c in page.chars if c["upright"]]
        mm = measure.MM
        top, bottom = (28, 184) if number % 2 else (26, 182)  # 156 mm of the sheet's 210
        assert min(c["top"] for c in upright) * mm > top - 0.5
        assert max(c["bottom"] for c in upright) * mm < bottom + 0.5
        assert min(c["x0"] for c in upright) * mm > 34.5 and max(c["x1"] for c in upright) * mm < 260.5
        turned = "".join(c["text"] for c in sorted((c for c in page.chars if not c["upright"]), key=lambda c: c["top"]))
        assert turned.replace(" ", "") == f"—{number}—"
        ends = {round(r["bottom"], 1) for r in [*page.rects, *page.lines]}
        assert ends  # the rules of the table: its rows end with one on every page
        assert words.count("每季度通") == words.count("情况")  # the measure's first and last line on the same page


def test_a_register_that_is_not_whole_says_so(world: Any, kept: Any) -> None:
    told = registers.register(world.leader, Filter(status="all"), 1)
    assert (told.total, len(told.rows), told.is_cut) == (2, 1, True)
    words = "共2项，本表按完成时限列前1项；请缩小范围后另行导出其余事项。"
    assert registers.cut_words(told) == words == registers.papers(told, "")[0]["note"]
    assert words in registers.book(told, "")["sheets"][0]["note"]
    assert registers.cut_words(registers.register(world.leader, Filter(status="all"), 2)) is None


def test_statements_do_not_grow(world: Any, browser: Any, statements: Any) -> None:
    hearing = world.hearing("in_session")
    issue = world.issue(hearing)
    counts = []
    for number in (1, 300):
        for _ in range(number - (len(counts) and 1)):
            issues.make_commitment(
                issue, measure="一项", lead=world.bureau, co_handlers=[world.other_bureau], due_on=today() + timedelta(days=9),
                actor=world.organiser,
            )  # fmt: skip
        reader = browser(world.leader)
        reader.get("/ledger/register.xlsx")
        with statements() as said:
            assert len(sheet(reader.get("/ledger/register.xlsx"))) == number + 3
        counts.append(len(said))
    assert counts[0] == counts[1] <= 8


def test_words_typed_into_a_promise_are_only_words(world: Any, browser: Any) -> None:
    issue = world.issue(title="<img src=file:///etc/passwd>")
    world.commitment(issue, measure="<b>x</b>" + "长" * 990)
    answer = browser(world.leader).get("/ledger/register.pdf")
    assert answer.status_code == 200
    words = [p.extract_text().replace(" ", "").replace("\n", "") for p in measure.pages(answer.data)]
    # a row longer than a page is the only one that splits, and leaves no empty page before it
    assert "<b>x</b>" in words[0] and words[0].count("长") > 200 and words[1].count("长") > 300
    assert "<img" in "".join(words) and "".join(words).count("长") == 990


@pytest.mark.parametrize(
    ("cell", "lines"),
    [
        ("办理中（逾期）", ["办理中", "（逾期）"]),
        ("已报完成", ["已报完成"]),
        ("代表乙（群众反映）", ["代表乙（群众反映）"]),
        (None, []),
    ],
)
def test_what_is_in_short_brackets_stands_on_a_line_of_its_own(cell: str | None, lines: list[str]) -> None:
    assert registers._printed(cell) == lines


def promises(world: Any, count: int) -> None:
    issue = world.issue(world.hearing("in_session"))
    for number in range(1, count + 1):
        world.commitment(issue, days=number, measure=f"第{number:03d}项措施，" + "按计划推进并通报进展" * 4)
    db.session.commit()


def printed_number(page: Any) -> str:
    turned = sorted((c for c in page.chars if not c["upright"]), key=lambda c: c["top"])
    return "".join(c["text"] for c in turned).replace(" ", "")


def test_a_long_register_is_printed_in_volumes_whose_pages_go_on(
    world: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registers, "IN_A_VOLUME", 20)
    promises(world, 45)
    answer = browser(world.leader).get("/ledger/register.pdf?status=all")
    assert answer.status_code == 200 and answer.mimetype == "application/zip"
    assert ".zip" in answer.headers["Content-Disposition"]
    box = zipfile.ZipFile(io.BytesIO(answer.data))
    assert box.testzip() is None
    title = registers.title()
    assert box.namelist() == [f"{n:02d} {title}（第{n}册，共3册）.pdf" for n in (1, 2, 3)]
    page, found = 1, ""
    for name in box.namelist():
        for number, sheet_ in enumerate(measure.pages(box.read(name))):
            words = "".join(c["text"] for c in sheet_.chars if c["upright"]).replace(" ", "")
            if number == 0:
                assert "共45项" in words and "本册第" in words
            assert "承诺措施" in words and printed_number(sheet_) == f"—{page}—"
            top = 28 if page % 2 else 26  # the head is at the binding on odd pages
            assert abs(min(c["top"] for c in sheet_.chars if c["upright"]) * measure.MM - top) < 3
            page, found = page + 1, found + words
    assert page > 5
    assert [n for n in range(1, 46) if f"第{n:03d}项措施" not in found] == []


def test_a_volume_that_fails_is_told_in_the_archive_and_the_first_on_the_page(
    world: Any, browser: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registers, "IN_A_VOLUME", 2)
    promises(world, 5)
    left = [b"%PDF first"]

    def fails(template: str, papers: Any) -> Any:
        yield from left
        raise RenderFailed("The paper took too long and was stopped.")

    monkeypatch.setattr(routes, "render_volumes", fails)
    box = zipfile.ZipFile(io.BytesIO(browser(world.leader).get("/ledger/register.pdf?status=all").data))
    assert box.read(box.namelist()[0]) == b"%PDF first"
    assert len(box.namelist()) == 2 and b"took too long" in box.read(box.namelist()[1])
    left.clear()
    answer = browser(world.leader).get("/ledger/register.pdf?status=all")
    assert answer.status_code == 409 and "took too long" in answer.text
