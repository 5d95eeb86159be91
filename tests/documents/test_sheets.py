"""Workbooks, read back by openpyxl and by LibreOffice."""

import io
import subprocess
import sys
import zipfile
from datetime import UTC, date, datetime
from typing import Any

import openpyxl
import pytest

from hearings.documents import to_workbook
from hearings.documents.sheets import CELL, CUT

FORMULAS = ["=1+1", "+86 574", "-5℃以下停工", "@所有单位", '=HYPERLINK("http://x.example")', "\t=1+1", "\r=1+1", "＝1"]


def book(rows: list[list[Any]], kinds: str = "text", **more: Any) -> dict[str, Any]:
    columns = [{"head": f"第{n}列", "width": 12, "kind": kind} for n, kind in enumerate(kinds.split())]
    return {"title": "台账", "sheets": [{"name": "承诺事项", "columns": columns, "rows": rows} | more]}


def read(data: bytes) -> Any:
    return openpyxl.load_workbook(io.BytesIO(data))


def test_head_widths_filter_and_paper() -> None:
    made = book([["甲", 3], ["乙", 4]], "text number", note="截至2021年9月16日，共2项。")
    made["sheets"][0]["columns"][1]["width"] = 30
    workbook = read(to_workbook(made))
    sheet = workbook["承诺事项"]
    assert [c.value for c in sheet[1]] == ["第0列", "第1列"]
    assert [[c.value for c in row] for row in sheet["A2:B3"]] == [["甲", 3], ["乙", 4]]
    assert sheet["A5"].value == "截至2021年9月16日，共2项。"
    assert sheet.freeze_panes == "A2" and sheet.auto_filter.ref == "A1:B3"
    assert 30 <= sheet.column_dimensions["B"].width < 31
    assert (sheet.page_setup.orientation, int(sheet.page_setup.paperSize)) == ("landscape", 9)
    assert int(sheet.page_setup.fitToHeight) == 0  # as many pages as it takes; one wide is the default
    assert sheet.sheet_properties.pageSetUpPr.fitToPage and sheet.print_title_rows == "$1:$1"
    assert sheet.oddFooter.center.text == "— &P —" and "台账" in sheet.oddHeader.center.text
    assert sheet["A2"].alignment.wrap_text and workbook.properties.title == "台账"


def test_dates_are_dates_and_numbers_numbers() -> None:
    late = datetime(2021, 4, 30, 17, 0, tzinfo=UTC)  # after midnight at home
    rows = [[date(2021, 4, 30), 12, 0.8333], [late, 1.5, 1], [None, "", None]]
    sheet = read(to_workbook(book(rows, "date number percent")))["承诺事项"]
    assert sheet["A2"].is_date and sheet["A2"].value.date() == date(2021, 4, 30)
    assert sheet["A3"].value.date() == date(2021, 5, 1)
    assert (sheet["B2"].data_type, sheet["B2"].value, sheet["C2"].number_format) == ("n", 12, "0.0%")
    assert [sheet.cell(4, n).value for n in (1, 2, 3)] == [None, None, None]


def test_what_does_not_fit_its_column_is_text() -> None:
    rows = [[date(1899, 12, 31), 10**15, float("nan")], ["无", "第9期", float("inf")], [True, False, True]]
    sheet = read(to_workbook(book(rows, "date number percent")))["承诺事项"]
    found = [[c.value for c in row] for row in sheet["A2:C4"]]
    assert found == [["1899-12-31", str(10**15), "nan"], ["无", "第9期", "inf"], ["True", "False", "True"]]


@pytest.mark.parametrize("kind", ["text", "number", "date", "percent"])
def test_nothing_becomes_a_formula_or_a_link(kind: str) -> None:
    data = to_workbook(book([[words] for words in FORMULAS], kind, note="=2+2"))
    sheet = read(data)["承诺事项"]
    cells = [sheet.cell(n, 1) for n in range(2, 2 + len(FORMULAS))]
    assert [c.value for c in cells] == [w.replace("\t", " ").replace("\r", "\n") for w in FORMULAS]
    assert {c.data_type for c in cells} == {"s"} and sheet.cell(len(FORMULAS) + 3, 1).data_type == "s"
    assert [c.quotePrefix for c in cells][:5] == [True] * 5  # stays text when somebody edits the cell
    assert not any(c.hyperlink for c in cells)
    with zipfile.ZipFile(io.BytesIO(data)) as parts:
        assert "<f>" not in parts.read("xl/worksheets/sheet1.xml").decode()


def test_marked_up_text_is_escaped() -> None:
    words = [
        "<r><t>x</t></r>",
        "<r></r>",
        "<b>&amp;</b>",
        "_x0041_",
        "第一行\r\n第二行",
        " 前后有空格 ",
        "大碶街道𠮷😀",
    ]
    sheet = read(to_workbook(book([[w] for w in words])))["承诺事项"]
    found = [sheet.cell(n, 1).value for n in range(2, 2 + len(words))]
    assert found[:3] == words[:3]
    assert found[4:] == ["第一行\n第二行", " 前后有空格 ", "大碶街道𠮷😀"]


def test_long_texts_are_cut_with_a_sentence_and_control_characters_gone() -> None:
    rows = [["长" * CELL], ["长" * (CELL + 1)], ["a\x00\x08b\x1b\u202ec\ud800\ufffe"], ["x" + "😀" * CELL]]
    sheet = read(to_workbook(book(rows)))["承诺事项"]
    assert sheet["A2"].value == "长" * CELL
    assert len(sheet["A3"].value) == CELL and sheet["A3"].value.endswith(CUT)
    assert sheet["A4"].value == "abc"
    assert sheet["A5"].value == "x" + "😀" * ((CELL - len(CUT) - 1) // 2) + CUT


def test_rows_are_as_high_as_their_lines() -> None:
    rows = [["短"], ["长" * 22], ["一\n二\n三"], ["长" * 9000], ["x" * 11]]
    sheet = read(to_workbook(book(rows)))["承诺事项"]  # a column 12 wide: five Han characters and a half
    assert [sheet.row_dimensions[n].height for n in range(2, 7)] == [None, 63, 48, 405, 33]


def test_names_of_sheets() -> None:
    sheet = book([])["sheets"][0]
    names = ["a/b[c]:*?\\", "", "同名", "同名", "同" * 40, "同" * 40, "History", "'引号'"]
    made = read(to_workbook({"title": "T & <T>" * 90, "sheets": [sheet | {"name": n} for n in names]}))
    assert made.sheetnames == [
        "a b c", "表", "同名", "同名(2)", "同" * 31, "同" * 28 + "(2)", "History表", "引号"
    ]  # fmt: skip


def test_same_dict_same_bytes_whatever_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    first = to_workbook(book([["甲", date(2021, 1, 1)]], "text date"))
    monkeypatch.setenv("TZ", "America/New_York")
    monkeypatch.setattr("time.time", lambda: 4e9)
    assert to_workbook(book([["甲", date(2021, 1, 1)]], "text date")) == first


def test_no_sheet_and_too_many_rows() -> None:
    with pytest.raises(ValueError, match="needs a sheet"):
        to_workbook({"title": "x", "sheets": []})
    with pytest.raises(ValueError, match="more than a sheet holds"):
        to_workbook(book([[""]] * 1_048_574))


def test_only_who_makes_a_workbook_loads_the_library() -> None:
    look = "import hearings.documents, sys; sys.exit('xlsxwriter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", look], check=False).returncode == 0


def test_libreoffice_reads_it(tmp_path: Any) -> None:
    rows = [["=1+1", date(2021, 4, 30), 3], ["大碶", date(2021, 6, 30), 4]]
    (tmp_path / "book.xlsx").write_bytes(to_workbook(book(rows, "text date number")))
    home = f"-env:UserInstallation=file://{tmp_path}/home"
    command = ["soffice", home, "--headless", "--convert-to", "csv:Text - txt - csv (StarCalc):44,34,76", "book.xlsx"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=120)
    assert (tmp_path / "book.csv").read_text("utf-8-sig").split() == [
        "第0列,第1列,第2列", "=1+1,2021-04-30,3", "大碶,2021-06-30,4"
    ]  # fmt: skip
