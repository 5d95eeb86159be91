"""Text on its way to paper."""

import pytest

from hearings.documents import text

GB2312 = frozenset(chr(c) for c in range(0x4E00, 0x9FFF) if chr(c) != "碶") | frozenset("（），。、-:0123456789")


@pytest.mark.parametrize(
    ("typed", "printed"),
    [
        ("一\x00二\x07三\x9b四", "一二三四"),
        ("甲\u202e乙\u2066丙\u200f", "甲乙丙"),
        ("甲\ufeff\ufffe\ufdd0乙\ud800", "甲乙"),
        ("第一行\r\n第二行", "第一行第二行"),
        ("line one\nline two\ttabbed", "line one line two tabbed"),
        ("见附件 \n 清单", "见附件清单"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("𠮷野家😀é", "𠮷野家😀é"),
    ],
)
def test_clean_takes_out_what_must_not_reach_a_page(typed: str, printed: str) -> None:
    assert text.clean(typed) == printed


def test_clean_all_reaches_every_string_and_changes_nothing_else() -> None:
    assert text.clean_all({"a": ["x\x00", 1, None, {"b": ("y\x00",)}], "c": True}) == {
        "a": ["x", 1, None, {"b": ["y"]}],
        "c": True,
    }


def test_run_escapes_and_marks_only_what_needs_it() -> None:
    assert text.run("会议明确", GB2312) == "会议明确"
    assert text.run("新碶街道", GB2312) == '<span class="t">新碶街道</span>'
    assert text.run("2021-04-30前", GB2312) == '<span class="n">2021-04-30</span>前'
    assert text.run("<script>", GB2312) == '<span class="t">&lt;script&gt;</span>'
    assert text.run("YX-2021-09", frozenset("YX-0123456789")) == "YX-2021-09"


def test_run_lets_a_very_long_latin_word_break() -> None:
    assert "\u200b" not in text.run("a" * 24)
    assert text.run("a" * 60).count("\u200b") == 14


@pytest.mark.parametrize(
    ("title", "lines"),
    [
        ("第9期北仑区人大代表民生夜询会纪要", ["第9期北仑区人大代表民生夜询会纪要"]),
        (
            "关于第9期民生夜询会承诺事项办理情况第一次“回头看”的报告",
            ["关于第9期民生夜询会承诺事项办理", "情况第一次“回头看”的报告"],
        ),
        ("", [""]),
    ],
)
def test_title_lines(title: str, lines: list[str]) -> None:
    assert text.title_lines(title) == lines


def test_title_lines_lose_nothing_and_fit() -> None:
    for length in (21, 40, 61, 200, 5000):
        title = "关于进一步加强和改进民生实事项目的监督工作（2021年度）" * 200
        found = text.title_lines(title[:length])
        assert "".join(found) == title[:length]
        assert all(text.width(line) <= 20 for line in found)
    assert "".join(text.title_lines("x" * 300)) == "x" * 300


def test_the_mark_fits_one_line_until_it_cannot() -> None:
    assert text.mark_lines("夜询会纪要") == (42.0, ["夜询会纪要"])
    assert text.mark_lines("北仑区人大代表民生夜询会纪要") == (31.4, ["北仑区人大代表民生夜询会纪要"])
    size, lines = text.mark_lines("北仑区人民代表大会常务委员会人大代表民生夜询会纪要")
    assert lines == ["北仑区人民代表大会常务委员会", "人大代表民生夜询会纪要"]
    assert size == 31.4
    assert text.mark_lines("") == (42.0, [""])


@pytest.mark.parametrize("mark", ["夜询会纪要", "北仑区人大代表民生夜询会纪要", "区" * 25])
@pytest.mark.parametrize("serial", [True, False])
def test_the_red_rule_ends_on_the_grid(mark: str, serial: bool) -> None:
    size, lines = text.mark_lines(mark)
    head = (
        35 * text.MM
        + size * (1.2 * len(lines) - 0.2)
        + text.head_gap(mark, serial)
        + text.PITCH * (1 + serial)
        + 4 * text.MM
        + text.RULE
    )
    assert head / text.PITCH == pytest.approx(round(head / text.PITCH))
    assert text.head_gap(mark, serial) >= text.PITCH


def test_columns_are_wide_enough_for_dates_and_short_heads() -> None:
    shares = text.column_shares(["编号", "问题", "时限"], [["01", "长" * 300, "2021-04-30"]], [1, 98, 1], 442, 12)
    assert sum(shares) == pytest.approx(100)
    assert shares[0] * 4.42 >= 2 * 12 + 8
    assert shares[2] * 4.42 >= 10 * 6 + 8
    assert text.column_shares([], [], [], 442, 12) == []
    crowded = text.column_shares(["甲"] * 40, [["2021-04-30"] * 40], [], 442, 12)
    assert sum(crowded) == pytest.approx(100)


def test_centred_columns() -> None:
    assert text.centred([["01", "很长的一段文字说明", 5], ["02", "短", None]]) == [True, False, True]
    assert text.centred([]) == []


def test_lines_needed_is_an_upper_bound() -> None:
    assert text.lines_needed("", 26) == 1
    assert text.lines_needed("字" * 25, 26) == 1
    assert text.lines_needed("字" * 26, 26) == 2
