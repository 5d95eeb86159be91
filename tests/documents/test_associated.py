"""Files inside a paper (PDF/A-3 associated files): bound to it, described, and the same bytes every time."""

import re
import subprocess
from pathlib import Path

import pypdfium2
import pytest
from pdfminer.pdftypes import resolve1

from hearings.documents import Associated, pdf, render, render_many
from hearings.documents.pdf import Job

from .sample import minutes
from .structure import Reader, plain, words

FILES = [
    Associated("minutes.json", "application/json", b'{"a": 1}\n', "纪要正文和数据"),
    Associated("commitments.csv", "text/csv", "\ufeff编号,承诺\r\n".encode(), "承诺事项清单"),
    Associated("calendar.ics", "text/calendar", b"BEGIN:VCALENDAR\r\n" * 400, "日程", "Supplement"),
]


@pytest.fixture(scope="module")
def printed() -> bytes:
    return render("minutes", minutes(1), associated=FILES)


def test_they_come_out_as_they_went_in(printed: bytes, tmp_path: Path) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(printed)
    subprocess.run(["pdfdetach", "-saveall", "-o", str(tmp_path), str(file)], check=True, capture_output=True)
    wanted = {each.name: each.data for each in FILES}
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir() if p != file} == wanted
    document = pypdfium2.PdfDocument(printed)
    every = [document.get_attachment(n) for n in range(document.count_attachments())]
    assert {a.get_name(): bytes(a.get_data()) for a in every} == wanted


def test_each_is_bound_to_the_paper_once_and_described(printed: bytes) -> None:
    reader = Reader(printed)
    bound = [resolve1(each) for each in resolve1(reader.catalog["AF"])]
    names = resolve1(resolve1(resolve1(reader.catalog["Names"])["EmbeddedFiles"])["Names"])
    assert [words(n) for n in names[::2]] == sorted(each.name for each in FILES)  # a name tree is in order
    assert [each.objid for each in names[1::2]] == [each.objid for each in resolve1(reader.catalog["AF"])]
    by_name = {each.name: each for each in FILES}
    assert len(bound) == len(FILES)
    for spec in bound:
        wanted = by_name[words(spec["UF"])]
        assert plain(spec["Type"]) == "Filespec"
        assert words(spec["F"]) == wanted.name
        assert words(spec["Desc"]) == wanted.description
        assert plain(spec["AFRelationship"]) == wanted.relationship
        stream = resolve1(resolve1(spec["EF"])["F"])
        assert plain(stream.attrs["Type"]) == "EmbeddedFile"
        assert plain(stream.attrs["Subtype"]) == wanted.media_type
        params = resolve1(stream.attrs["Params"])
        assert params["Size"] == len(wanted.data)
        assert words(params["CreationDate"]) == words(params["ModDate"]) == "D:20000101000000Z"
        assert stream.get_data() == wanted.data


def test_the_same_files_give_the_same_bytes_in_any_order_and_child(printed: bytes) -> None:
    pdf.close()
    assert render("minutes", minutes(1), associated=FILES[::-1]) == printed
    assert list(render_many([Job("minutes", minutes(1), associated=FILES)] * 2)) == [printed] * 2


def test_another_byte_is_another_paper_and_none_is_none(printed: bytes) -> None:
    other = [FILES[0]._replace(data=b'{"a": 2}\n'), *FILES[1:]]
    assert render("minutes", minutes(1), associated=other) != printed
    bare = render("minutes", minutes(1))
    assert bare == render("minutes", minutes(1), associated=[])
    assert "AF" not in Reader(bare).catalog
    assert pypdfium2.PdfDocument(bare).count_attachments() == 0


@pytest.mark.parametrize("name", ["数据（一）.json", "a b&c;'\"(1).json", "x" * 200 + ".bin"])
def test_a_name_may_be_anything(name: str) -> None:
    one = Associated(name, "application/octet-stream", bytes(range(256)) * 10, '说明 "(一)" \\ ；')
    document = pypdfium2.PdfDocument(render("paper", {"language": "zh-CN", "organisation": "区人大", "title": "单"},
                                            associated=[one]))  # fmt: skip
    (found,) = (document.get_attachment(n) for n in range(document.count_attachments()))
    assert (found.get_name(), bytes(found.get_data())) == (name, one.data)


def test_pictures_of_the_text_and_associated_files_do_not_mix() -> None:
    """A file that is associated cannot be drawn, and a picture is not attached."""
    paper = {
        "language": "zh-CN", "organisation": "区人大", "title": "单",
        "pictures": [{"sha256": "minutes.json", "caption": "不是图片"}],
    }  # fmt: skip
    held = pdf._Child(pdf._fontset(None))
    try:
        outcome = held.ask(pdf.to_html("paper", paper, pdf._fontset(None)), {}, FILES)
    finally:
        held.end()
    assert outcome is not None
    assert outcome[0]["refused"] == ["attachment:minutes.json"]
    assert outcome[0]["fetched"] == []
    assert len(re.findall(rb"/EmbeddedFile\b", outcome[1])) == 3
