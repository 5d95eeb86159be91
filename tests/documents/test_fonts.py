"""Which face serves which part, and what is said when one is missing."""

import shutil
import subprocess
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import Babel
from fontTools.ttLib import TTFont

from hearings.documents import RenderFailed, fonts, render
from hearings.documents.commands import fonts_cli

from .measure import pages
from .sample import minutes


def test_a_missing_face_is_a_warning_that_names_it(no_fonts_dir: Path) -> None:
    served = {service.part.name: service for service in fonts.services(no_fonts_dir)}
    if served["fang"].face is None or not served["fang"].substitute:
        pytest.skip("this machine has the office's own typefaces")
    assert "Fangsong" in str(served["fang"].warning)
    assert served["fang"].face.family in str(served["fang"].warning)


def test_another_process_reads_which_characters_the_faces_share(
    no_fonts_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The maps take 80 MB; a web process that had read them would never give them back."""

    def refuse(font: TTFont) -> None:
        raise AssertionError("read here")

    monkeypatch.setattr(TTFont, "getBestCmap", refuse)
    covered = fonts.prepare(no_fonts_dir).covered
    assert covered.issuperset("人大代表民生夜询会2021")
    assert not covered & {"\U0001f600", "\n"}
    assert fonts.prepare(no_fonts_dir).covered == covered  # kept


def test_a_dropped_in_face_wins(tmp_path: Path) -> None:
    source = fonts.FONTS_DIR / "FandolFang-Regular.otf"
    if not source.exists():
        pytest.skip("FandolFang-Regular is not installed here: flask --app wsgi fonts fetch")
    shutil.copy(source, tmp_path / "whatever-name.otf")
    served = {service.part.name: service for service in fonts.services(tmp_path)}
    assert served["fang"].face == fonts.Face("FandolFang-Regular", tmp_path / "whatever-name.otf", 0)
    assert served["fang"].warning is None


def test_what_the_body_lacks_comes_from_the_face_that_is_as_light(tmp_path: Path) -> None:
    """The regular one makes 碶 stand out of a line of Fangsong; a machine that has only that one goes on with it."""
    installed = {name: fonts.Face(name, tmp_path / f"{name}.ttf", 0) for name in ("LXGWWenKai-Regular", *fonts.SANS)}
    rare = {service.part.name: service.face for service in fonts._match(installed)}["rare"]
    assert rare is not None and rare.family == "LXGWWenKai-Regular"
    installed["LXGWWenKai-Light"] = fonts.Face("LXGWWenKai-Light", tmp_path / "light.ttf", 0)
    rare = {service.part.name: service.face for service in fonts._match(installed)}["rare"]
    assert rare is not None and rare.family == "LXGWWenKai-Light"


def test_a_character_that_only_noto_has_is_not_bold_in_the_body() -> None:
    if not fonts._installed(fonts.FONTS_DIR).keys() & {"NotoSerifCJKsc-Regular", "NotoSansCJKsc-Regular"}:
        pytest.skip("Noto's regular faces are not installed here")
    face = pages(render("paper", {"language": "zh-CN", "organisation": "办", "title": "名单", "paragraphs": ["邱㳒"]}))
    assert {c["fontname"].split("+")[1] for c in face[0].chars if c["text"] == "㳒"} <= {
        "NotoSerifCJKsc-Regular",
        "NotoSansCJKsc-Regular",
    }


def test_cards_that_stand_side_by_side_are_of_one_face(fonts_dir: Path) -> None:
    def faces(*names: str) -> set[str]:
        content = {"language": "zh-CN", "organisation": "办", "title": "桌签"}
        cards = [{"name": name, "unit": None} for name in names]
        printed = pages(render("cards", content | {"cards": cards}, fonts_dir=fonts_dir))
        return {c["fontname"].split("+")[1] for page in printed for c in page.chars if c["size"] > 40}

    assert len(faces("李某某", "王某某", "区教育局")) == 1
    assert len(faces("李某某", "新碶街道办事处", "陈喆")) == 1


def test_a_broken_file_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "broken.ttf").write_bytes(b"not a font")
    (tmp_path / "empty.otf").write_bytes(b"")
    assert len(fonts.services(tmp_path)) == len(fonts.PARTS)


def test_without_any_chinese_face_there_is_a_sentence_and_no_paper(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "SYSTEM_DIRS", ())
    with pytest.raises(RenderFailed, match=r"no Chinese typeface"):
        render("minutes", minutes(1), fonts_dir=tmp_path / "none")


def test_a_directory_that_cannot_be_written_is_no_obstacle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    assert render("minutes", minutes(1), fonts_dir=blocked).startswith(b"%PDF")


def test_fetch_elsewhere_than_on_debian_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(fonts.FontsMissing, match=r"not Debian.*by hand"):
        fonts.fetch(tmp_path)


def test_fetch_without_a_network_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: name)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, 100))
    with pytest.raises(fonts.FontsMissing, match=r"could not be downloaded"):
        fonts.fetch(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_command_says_which_face_serves_which_part(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    app = Flask(__name__)
    Babel(app)
    app.cli.add_command(fonts_cli)
    app.config["FONTS_DIR"] = tmp_path
    result = app.test_cli_runner().invoke(args=["fonts"])
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == [part.name for part in fonts.PARTS]

    monkeypatch.setattr(shutil, "which", lambda name: None)
    refused = app.test_cli_runner().invoke(args=["fonts", "fetch"])
    assert refused.exit_code == 1
    assert "not Debian" in refused.output
