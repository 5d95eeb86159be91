"""What in the minutes looks like a person's data: found, shown, decided one by one, blackened.

It errs to the side of asking: what is harmless costs a click, what slips through cannot be called back. Nothing is
kept out silently but what `public.py` strips by its structure. (个人信息保护法 第二十五、二十八条)
"""

import copy
import functools
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from .content import settled
from .names import SURNAME, SURNAMES, bare, is_a_word
from .queries import Known

BLACK = "×××"
REPLACED = {"name": "某居民", "address": "某处"}
"""What stands in the place of a blackened spot; for all other kinds BLACK."""
AROUND = 18
"""Characters of context on either side."""

NOT_TEXT = {
    "format", "kind", "language", "key", "organisation", "mark", "code", "issuer", "issued_on", "issued_by", "number",
    "drafted_by", "reviewed_by", "verify", "previous_sha256", "draft", "data", "label", "landscape",
}  # fmt: skip
"""Keys that hold what the house or the law puts there, and no free text."""

_GIVEN = "(?:(?![局处委办院镇街区部队站所校科股室厅会员长任的])[\u4e00-\u9fff])"
_HONORIFIC = (
    "先生|女士|小姐|大爷|大妈|大伯|大叔|大娘|大姐|大哥|大嫂|阿姨|阿婆|阿公|阿伯|爷爷|奶奶|叔叔|伯伯|婆婆|婶婶|老伯|老太太?|老人家?|"
    "老汉|师傅|老师|同学|同志|姑娘|小朋友|某某|某人|某|[xX×＊*]{1,3}"
)
_RESIDENT = "居民|群众|村民|业主|住户|市民|选民|租户|家长|商户|老人|患者|病人|反映人|投诉人|来访人|联系人"
_SPEAKS = r"提出|反映|询问|追问|表示|认为|建议|希望|介绍|投诉|来电|说|称|等|家|的|因|在|（|\(|，|。|、|：|；|,|$"
_PLATES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼"
_UNITS = "元万亿吨米平人次户个件辆亩株盏棵处千套公kK㎡%％年"
_DIGITS = "零〇一二三四五六七八九幺两"

PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("email", re.compile(r"[\w.+\-]{1,64}@[\w\-]{1,63}(?:\.[\w\-]{1,63}){1,5}", re.ASCII)),
    ("identity", re.compile(r"(?<!\d)[1-9]\d{5}[ \-]?\d{8}[ \-]?\d{3}[\dXx](?![\dA-Za-z])")),
    ("card", re.compile(r"(?<!\d)\d(?:[ \-]?\d){15,18}(?!\d)")),
    ("identity", re.compile(r"(?<!\d)[1-9]\d{14}(?!\d)")),
    ("identity", re.compile(r"(?:身份证|证件)号?码?(?:尾号|后[四六]位)?[为是:： ]{0,2}[\dXx]{4,18}")),
    ("phone", re.compile(r"(?<!\d)(?:\(?\+?0{0,2}86\)?[ \-]?)?1[3-9]\d(?:[ \-·.]?\d){8}(?!\d)")),
    ("phone", re.compile(
        r"(?<!\d)\(?0[1-9]\d{1,2}\)?[ \-—–]{0,3}[2-9]\d{2,3}[ \-]?\d{4}(?:[ \-转]{1,2}\d{1,6})?(?!\d)"
    )),
    ("phone", re.compile(r"(?<!\d)[48]00[ \-]?\d{3,4}[ \-]?\d{3,4}(?!\d)")),
    ("phone", re.compile(rf"(?<![\d.A-Za-z])[2-9]\d{{2,3}}[ \-]?\d{{4}}(?![\d.]|[ ]?[{_UNITS}])")),
    ("phone", re.compile(r"1[3-9]\d[*×xX＊]{3,8}\d{2,4}")),
    ("phone", re.compile(
        r"(?:电话|手机|号码|尾号|拨打)[号码为是:： ]{0,4}(?!(?:1[12]\d|12\d{3}|96\d{3,4})(?!\d))\d{3,12}(?!\d)"
    )),
    ("phone", re.compile(rf"(?:[{_DIGITS}][ 、\-]?){{7,}}")),
    ("plate", re.compile(
        rf"[{_PLATES}][A-Ha-hJ-Nj-nP-Zp-z][ ·•.\-]{{0,2}}[A-Za-z0-9*×]{{4,5}}[A-Za-z0-9挂学警港澳领试超*×]"
        r"(?![A-Za-z0-9])"
    )),
    ("plate", re.compile(r"使[ ·•.\-]?\d{3}[ ·•.\-]?\d{3}(?!\d)|(?<!\d)\d{3}[ ·•.\-]?\d{3}使")),
    ("plate", re.compile(rf"WJ[ ·]?[{_PLATES}]?[ ·]?\d{{4}}[\dA-Z]|[军空海北沈兰济南广成][A-Z][ ·]?\d{{5}}(?!\d)")),
    ("plate", re.compile(r"车牌号?码?(?:尾号)?[为是:： ]{0,2}[A-Za-z0-9]{3,8}")),
    ("account", re.compile(r"(?:微信号?|QQ号?|qq号?|支付宝)[为是:： ]{0,2}[A-Za-z0-9_\-]{5,30}")),
    ("name", re.compile(rf"(?:{_RESIDENT})(?:代表)?{SURNAME}(?:[\u4e00-\u9fff]{{1,2}}?)(?={_SPEAKS})")),
    ("name", re.compile(rf"{SURNAME}{_GIVEN}{{0,2}}?(?:{_HONORIFIC})")),
    ("name", re.compile(rf"{SURNAME}姓(?:{_RESIDENT}|男子|女子|司机|车主|户主)?|姓{SURNAME}的?")),
    ("name", re.compile(rf"[老小阿][{SURNAMES[:60]}](?={_SPEAKS}|他|她|夫妇|夫妻|一家)")),
    ("address", re.compile(
        r"[\u4e00-\u9fff]{0,10}(?:路|街|道|巷|弄|里|村|小区|花园|苑|公寓|园|庄|城|府|湾|邸|组|桥|社区|门牌)"
        r"[ ]?\d{1,5}(?:[\-—]\d{1,4}){0,3}(?:号楼?|弄|幢|栋|座|支弄)"
        r"(?:[\u4e00-\u9fffA-Za-z]{0,6}?\d{1,5}(?:号楼?|幢|栋|座|单元|弄|室|户|楼|层)){0,4}"
    )),
    ("address", re.compile(
        r"[\u4e00-\u9fff]{0,8}(?<!\d)\d{1,4}(?:[\-—]\d{1,4})*(?:幢|栋|号楼|单元|室)"
        r"(?:\d{1,4}(?:[\-—]\d{1,4})*(?:单元|室|户|号|楼|层)?){0,3}"
    )),
    ("address", re.compile(r"(?<![\d\-])\d{1,3}[\-—]\d{1,2}[\-—]\d{3,4}(?![\d\-])")),
    ("address", re.compile(
        r"[一二三四五六七八九十]{1,3}(?:幢|栋|号楼|单元)(?:[一二三四五六七八九十〇零百\d]{1,5}(?:室|号|户))?"
    )),
)  # fmt: skip

_ILL = re.compile(
    "患[\u4e00-\u9fff]{1,8}?[病癌瘤症炎]|患[\u4e00-\u9fff]{1,4}|"
    "(?:[\u4e00-\u9fff]{0,3}[病癌]|肿瘤|残疾|残障|糖尿|血压|心脏|精神|抑郁|怀孕|孕妇|孕期|透析|住院|手术|瘫痪|失能|失智|痴呆|艾滋|"
    "结核|肝炎|乙肝|中风|偏瘫|卒中|尿毒症|阳性|确诊|截肢|自闭|骨折|失明|失聪|聋哑|帕金森|阿尔茨海默|过敏|不适|护理等级|低保|吸毒|"
    "戒毒|服刑|刑满|社区矫正)[病症人者史重]{0,2}"
)
_PERSON = re.compile(
    rf"{SURNAME}(?:{_HONORIFIC})|[他她]|本人|自己|家人|父亲|母亲|父母|丈夫|妻子|老伴|爱人|儿子|女儿|孩子|孙子|孙女|婆婆|公公|"
    rf"老人|大爷|大妈|阿姨|奶奶|爷爷|一名|一位|某|家中|{_RESIDENT}"
)
_TITLES = re.compile(
    r"(?:主任|局长|区长|科长|处长|书记|站长|代表|委员|部长|院长|所长|队长|主席|经理|董事长|校长|镇长|乡长|负责人|联络员|主持|秘书长|工作人员|记者|局|委员会|办公室|办事处|委|院|站|公司|中心)"
    r"[、和]?(?:[\u4e00-\u9fff]{2,3}[、和]){0,30}$"
)
_NO_OFFICE = re.compile(rf"(?:{_RESIDENT})代表$")

_HALF = {ord("＠"): "@", ord("（"): "(", ord("）"): ")", ord("－"): "-", ord("＋"): "+", ord("　"): " ", ord("．"): "."}
_HALF |= {0xFF10 + n: str(n) for n in range(10)}
_HALF |= {0xFF21 + n: chr(65 + n) for n in range(26)} | {0xFF41 + n: chr(97 + n) for n in range(26)}
_HALF |= {ord("\u00a0"): " ", ord("\u2011"): "-", ord("\u2010"): "-"}


class Spot(NamedTuple):
    """One place to decide on."""

    key: str
    kind: str
    path: tuple[str | int, ...]
    start: int
    text: str
    before: str
    after: str
    place: str
    """Section, item or attachment, in the paper's words."""
    is_certain: bool
    """An identity or card number whose check digit is right."""

    @property
    def replacement(self) -> str:
        return REPLACED.get(self.kind, BLACK)


def scan(content: Mapping[str, Any], known: Known = Known()) -> list[Spot]:
    """Every spot that looks personal, in the order of the paper."""
    found = []
    for path, place, text in texts(content):
        for start, end, kind in _marks(text, known):
            words = text[start:end]
            key = hashlib.sha256(f"{path}|{start}|{words}".encode()).hexdigest()[:12]
            found.append(
                Spot(
                    key=f"spot_{key}",
                    kind=kind,
                    path=path,
                    start=start,
                    text=words,
                    before=("…" if start > AROUND else "") + text[max(0, start - AROUND) : start],
                    after=text[end : end + AROUND] + ("…" if len(text) > end + AROUND else ""),
                    place=place,
                    is_certain=_is_certain(kind, words),
                )
            )
    return found


def texts(content: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str, str]]:
    """(path, place, text) of every free text of the dict. A numbered heading follows its title and is left out."""
    for key, value in content.items():
        if key in NOT_TEXT or value is None:
            continue
        if isinstance(value, str):
            yield (key,), content["title"], value
        elif isinstance(value, list):
            yield from _inside(value, (key,), content["title"])


def _inside(things: list[Any], path: tuple[str | int, ...], place: str) -> Iterator[tuple[Any, str, str]]:
    for n, thing in enumerate(things):
        here = (*path, n)
        if isinstance(thing, str):
            yield here, place, thing
        elif isinstance(thing, list):
            yield from _inside(thing, here, place)
        elif isinstance(thing, dict):
            title = thing.get("heading") or thing.get("title") or thing.get("label") or place
            for key, value in thing.items():
                if key in NOT_TEXT or (key == "heading" and "title" in thing):
                    continue
                if isinstance(value, str):
                    yield (*here, key), title, value
                elif isinstance(value, list):
                    yield from _inside(value, (*here, key), title)


def _marks(text: str, known: Known) -> list[tuple[int, int, str]]:
    """(start, end, kind) in a text, none over another: of a find that overlaps an earlier one the rest is taken."""
    plain = text.translate(_HALF)
    covered = bytearray(len(text))
    taken: list[tuple[int, int, str]] = []

    def take(start: int, end: int, kind: str) -> None:
        whole = not any(covered[start:end])
        while start < end:
            if covered[start]:
                start += 1
                continue
            stop = covered.find(1, start, end)
            stop = end if stop < 0 else stop
            rest = plain[start:stop]
            if whole or (len(rest) > 1 and (kind in ("name", "health") or re.search(r"\d", rest))):
                taken.append((start, stop, kind))
            covered[start:stop] = b"\1" * (stop - start)
            start = stop

    for name in sorted(known.private, key=len, reverse=True):
        if len(name) > 1:
            for hit in re.finditer(re.escape(name), text):
                take(*hit.span(), "name")
    for kind, pattern in PATTERNS:
        for hit in pattern.finditer(plain):
            start, end = hit.span()
            if kind == "name":
                start += _lead_in(plain[start:end])
                start += _weak(plain[start:end])
                if is_a_word(plain[start:end]) or _holds_office(text, start, end, known):
                    continue
            take(start, end, kind)
    officials = [hit.span() for hit in _any_of(known.office).finditer(text)] if known.office else []
    for start, end in bare(plain):
        if not any(start < b and a < end for a, b in officials):
            take(start, end, "name")
    for sentence in re.finditer("[^。；！？\n]+", plain):
        about_a_person = bool(_PERSON.search(sentence[0]))
        for hit in _ILL.finditer(sentence[0]):
            if about_a_person or hit[0].startswith("患"):
                take(sentence.start() + hit.start(), sentence.start() + hit.end(), "health")
    return sorted(taken)


@functools.lru_cache(8)
def _any_of(names: frozenset[str]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(name) for name in sorted(names, key=len, reverse=True) if name))


def _lead_in(words: str) -> int:
    """How much of a find is the word 居民 and the like before the name itself."""
    hit = re.match(rf"(?:{_RESIDENT})(?:代表)?(?={SURNAME})", words)
    return hit.end() if hit else 0


_ADJACENT = re.compile(rf"[于向任方安常单时高和从]{SURNAME}(?:{_HONORIFIC})$")


def _weak(words: str) -> int:
    """1 where the first character is more likely a word of its own: 主任张某某, 由于王某, 向李女士."""
    return 1 if _ADJACENT.fullmatch(words) else 0


def _holds_office(text: str, start: int, end: int, known: Known) -> bool:
    """Whether this is an official, said so by the title before the name."""
    name = next((n for n in known.office if text.startswith(n, start) and start + len(n) >= end), None)
    if name is None:
        return False
    before = text[max(0, start - 120) : start]
    return bool(_TITLES.search(before)) and not _NO_OFFICE.search(before)


def _is_certain(kind: str, words: str) -> bool:
    digits = re.sub(r"[^0-9Xx]", "", words.translate(_HALF)).upper()
    if kind == "identity":
        return is_identity_number(digits)
    return kind == "card" and digits.isdigit() and _luhn(digits)


def is_identity_number(digits: str) -> bool:
    """Whether 18 characters are a citizen's number: a day of birth that was, and the check digit (GB 11643)."""
    if not re.fullmatch(r"[1-9]\d{16}[\dX]", digits):
        return False
    try:
        date(int(digits[6:10]), int(digits[10:12]), int(digits[12:14]))
    except ValueError:
        return False
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(d) * w for d, w in zip(digits[:17], weights, strict=True))
    return "10X98765432"[total % 11] == digits[17]


def _luhn(digits: str) -> bool:
    total = 0
    for n, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if n % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def blacken(content: Mapping[str, Any], spots: Iterable[Spot]) -> dict[str, Any]:
    """A copy without these spots; headings are made again from their titles."""
    made = copy.deepcopy(dict(content))
    for spot in sorted(spots, key=lambda s: (str(s.path), s.start), reverse=True):
        owner: Any = made
        for step in spot.path[:-1]:
            owner = owner[step]
        last: Any = spot.path[-1]
        text = owner[last]
        owner[last] = text[: spot.start] + spot.replacement + text[spot.start + len(spot.text) :]
    return settled(made)


def decided(spots: Sequence[Spot], choices: Mapping[str, tuple[str, str | None]]) -> list[dict[str, Any]]:
    """What is stored of the decisions: kind, place and fate of each spot, with the reason where it is kept.

    The words themselves stay in the internal minutes; a blackened one is not written down a second time.
    """
    kept = []
    for spot in spots:
        choice, reason = choices[spot.key]
        line: dict[str, Any] = {"spot": spot.key, "kind": spot.kind, "path": list(spot.path)}
        line |= {"start": spot.start, "length": len(spot.text), "choice": choice}
        if choice == "keep":
            line |= {"text": spot.text, "reason": reason}
        kept.append(line)
    return kept
