"""What looks personal: found in whatever it is written, and not asked about where it is plainly an office's."""

import re
from pathlib import Path

import pytest

from hearings.minutes import privacy
from hearings.minutes.names import bare
from hearings.minutes.queries import Known
from tests.documents.sample import minutes


def marks(text: str, **known: list[str]) -> list[tuple[str, str]]:
    names = Known(**{k: frozenset(v) for k, v in known.items()})
    return [(kind, text[a:b]) for a, b, kind in privacy._marks(text, names)]


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("phone", "13812345678"), ("phone", "138 1234 5678"), ("phone", "138-1234-5678"), ("phone", "+86 13812345678"),
        ("phone", "１３８１２３４５６７８"), ("phone", "0574-86781234"), ("phone", "（0574）86781234"), ("phone", "86781234"),
        ("phone", "400-800-1234"), ("phone", "138****5678"), ("phone", "一三八一二三四五六七八"), ("phone", "幺三八〇零零一三八零零零"),
        ("identity", "330206198001011237"), ("identity", "33020619800101123X"), ("identity", "330206800101123"),
        ("identity", "330206 19800101 1234"), ("card", "6222020200112233445"), ("card", "6222 0202 0011 2233"),
        ("plate", "浙B12345"), ("plate", "浙B·D12345"), ("plate", "浙BD12345"), ("plate", "浙B1234警"), ("plate", "粤Z1234港"),
        ("plate", "沪A1234领"), ("plate", "使123456"), ("plate", "123456使"), ("plate", "WJ浙12345"), ("plate", "浙b12345"),
        ("email", "wang.xx@example.cn"), ("account", "微信号wang_12345"), ("address", "明州路12号3幢501室"), ("address", "3幢2单元501室"),
        ("address", "2-1-501"), ("address", "三单元五〇一室"), ("address", "牌门弄7号"),
        ("name", "陈某"), ("name", "陈某某"), ("name", "陈女士"), ("name", "张大爷"), ("name", "王阿姨"), ("name", "欧阳先生"), ("name", "王秀英阿姨"),
        ("name", "李**"), ("name", "刘XX"), ("name", "陈姓居民"), ("name", "赵老师"),
    ],
)  # fmt: skip
def test_each_kind_is_found(kind, words):
    found = marks(f"反映，{words}，请处理")
    assert kind in [k for k, _w in found]
    assert any(words in w or w in words for _k, w in found)
    assert "".join(w for _k, w in found).replace(" ", "") == words.replace(" ", "")


def test_what_is_beside_a_person_of_health_and_circumstances():
    assert ("health", "患糖尿病") in marks("张大爷患糖尿病多年")
    assert [k for k, _w in marks("独居老人中风后瘫痪在床")] == ["health", "health"]
    assert marks("加强疾病预防控制，完善公共卫生设施。") == []


@pytest.mark.parametrize(
    "text",
    [
        "2021年3月25日19时至21时05分", "2021-04-30", "1.3万针次/日，46.15万人", "投入12345678元", "第03、05号问题", "编号YX-2021-09",
        "2020—2021年", "拨打12345热线", "会议确认，该问题已当场解决。", "由区交通运输局牵头、区综合行政执法局和霞浦街道办事处配合",
        "小学门口人车混行，老年人出行不便", "计票规则：“满意”票达到发出票数半数的为满意；", "满意度测评18张，收回18张",
        "由区卫生健康局牵头，4月9日前完成村社宣讲全覆盖。", "长1200米、宽8米",
    ],
)  # fmt: skip
def test_what_is_no_persons_is_not_asked_about(text):
    assert marks(text) == []


def test_an_official_with_the_title_before_the_name_is_not_asked_about():
    known = {"office": ["张某某", "李某某"]}
    assert marks("会议由区人大常委会主任张某某主持。副区长李某某到会应询。", **known) == []
    assert marks("居民张某某反映", **known) == [("name", "张某某")]
    assert marks("居民代表张某某反映", **known) == [("name", "张某某")]
    assert marks("张某某反映", **known) == [("name", "张某某")]
    assert marks("主任王某某主持", **known) == [("name", "王某某")]


def test_names_of_the_record_are_found_wherever_they_stand():
    assert marks("由秀英代为说明", private=["秀英"]) == [("name", "秀英")]


def test_check_digits():
    assert privacy.is_identity_number("11010519491231002X")
    assert not privacy.is_identity_number("110105194912310021")
    assert not privacy.is_identity_number("11010519491331002X")
    assert privacy._is_certain("identity", "１１０１０５１９４９１２３１００２X")
    assert privacy._is_certain("card", "4111 1111 1111 1111") and not privacy._is_certain("card", "4111111111111112")


def planted() -> dict:
    paper = minutes(2)
    for section in paper["sections"]:
        section["key"] = section["heading"]
    paper["sections"][1]["key"] = "items"
    for n, item in enumerate(paper["sections"][1]["items"]):
        item |= {"key": f"issue_{n}", "number": f"0{n}", "title": f"关于陈女士家漏水的问题{n}"}
    paper["attachments"][0]["rows"][0][1] = "陈女士家漏水"
    paper["overview"][0] += "电话13812345678。"
    paper["cc"] = ["王阿姨"]
    return paper


def test_every_text_of_the_dict_is_looked_at_and_blackened():
    paper = planted()
    spots = privacy.scan(paper)
    assert [(s.kind, s.text) for s in spots if s.text in ("陈女士", "13812345678", "王阿姨")] == [
        ("phone", "13812345678"), ("name", "陈女士"), ("name", "陈女士"), ("name", "陈女士"), ("name", "王阿姨"),
    ]  # fmt: skip
    assert len({s.key for s in spots}) == len(spots)
    made = privacy.blacken(paper, spots)
    words = str(made)
    for gone in ("陈女士", "13812345678", "王阿姨"):
        assert gone not in words
    assert made["sections"][1]["items"][0]["heading"] == "（一）关于某居民家漏水的问题0"
    assert privacy.scan(made) == []
    one = privacy.blacken(paper, [spots[0]])
    assert one["cc"] == ["王阿姨"] and one["sections"][1]["items"][0]["title"] == "关于陈女士家漏水的问题0"


def test_a_decision_does_not_write_the_blackened_words_down_again():
    spots = privacy.scan(planted())
    choices = {s.key: ("keep", "公开的电话") if s.kind == "phone" else ("blacken", None) for s in spots}
    stored = privacy.decided(spots, choices)
    assert len(stored) == len(spots)
    assert "陈女士" not in "".join(str(d) for d in stored if d["choice"] == "blacken")
    assert [d["reason"] for d in stored if d["choice"] == "keep"] == ["公开的电话"]


# -- bare names: no 女士 behind, no 居民 before, not in the record ---------------------------------------

LISTS = Path(__file__).with_name("names.txt").read_text().split("\n\n")
TOLD = [line.split("|") for line in LISTS[0].splitlines() if not line.startswith("#")]
"""A sentence and the residents it names."""
PLAIN = [line for line in LISTS[1].splitlines() if not line.startswith("#")]
"""Sentences of the same kind that name nobody."""


def named(text: str, **known: list[str]) -> list[str]:
    return [words for kind, words in marks(text, **known) if kind == "name"]


def test_bare_names_are_found_and_ordinary_words_are_not_asked_about():
    wanted = [(text, name) for text, names in TOLD for name in names.split("、")]
    missed = [(text, name) for text, name in wanted if not any(name in words for words in named(text))]
    asked = [(text, found) for text in PLAIN if (found := named(text))]
    assert len(wanted) > 100 and len(PLAIN) > 120
    assert len(missed) <= 0.04 * len(wanted), missed
    assert len(asked) <= 0.02 * len(PLAIN), asked


def test_an_official_of_the_directory_is_not_asked_about_wherever_the_name_stands():
    assert named("董建成反映，由刘继承、周晓敏代为说明。") == ["董建成", "刘继承", "周晓敏"]
    assert named("董建成反映，由刘继承、周晓敏代为说明。", office=["董建成", "刘继承"]) == ["周晓敏"]
    assert named("居民董建成反映漏水", office=["董建成"]) == ["董建成"]


def test_looking_for_names_stays_quick_whatever_was_typed():
    for words in ("方" * 5000, "王小明家、" * 1000, "居民" * 2500, "张" * 3000 + "反映", "，" * 5000):
        marks(words)  # a pattern that backtracks would not come back


def test_a_long_record_has_few_false_alarms():
    """The stock of what is said at hearings, 50,000 characters that name no resident."""
    stock = Path(__file__).parents[2] / "hearings" / "demo" / "stock"
    texts = [f.read_text() for f in sorted(stock.iterdir()) if f.suffix in (".txt", ".lines")]
    assert sum(map(len, texts)) > 40000
    asked = [text[a:b] for text in texts for a, b in bare(re.sub(r"\{[^}]*\}", "某", text))]
    assert len(asked) <= 10, asked
