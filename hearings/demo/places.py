"""Invented places in the ten streets: two or three of each kind in each, made from everyday name stems."""

from __future__ import annotations

from hearings.demo.people import STREETS

_STEMS = (
    "海棠", "望潮", "金桂", "芦江", "凤洋", "银杏", "听涛", "枫林", "桃源", "星河",
    "玉兰", "紫荆", "云帆", "石桥", "青峙", "松涛", "兰亭", "碧湖", "晨曦", "九峰",
    "香樟", "柳岸", "白鹭", "竹山", "双狮", "永丰", "和乐", "清溪", "东盛", "南塘",
    "西洋", "北渡", "瑞岩", "灵峰", "沙湾", "甬港", "里仁", "安居", "嘉溪", "明月",
    "春晖", "秋实", "梅林", "茶园", "盐田", "渔歌", "古井", "新桥", "高塘", "大涂",
    "后洋", "前郑", "上傅", "下史", "虹桥", "福明", "礼贤", "崇文", "杜鹃", "望海",
)  # fmt: skip

_SUFFIXES = {
    "estate": ("小区", "花园", "新村", "家园", "苑", "公寓"),
    "road": ("路", "东路", "西路", "街"),
    "primary": ("小学", "第二小学", "学校小学部"),
    "middle": ("中学", "初级中学"),
    "kinder": ("幼儿园", "第二幼儿园"),
    "village": ("村",),
    "market": ("菜市场", "农贸市场"),
    "park": ("公园", "文化广场", "健身广场"),
    "river": ("河", "江", "大河"),
    "clinic": ("社区卫生服务中心", "医院"),
    "zone": ("工业园", "产业园", "工业小区"),
    "stop": ("公交站", "换乘站", "客运中心站"),
    "dock": ("码头", "渔港"),
    "lane": ("弄", "老街", "巷"),
    "hall": ("便民服务中心", "文化礼堂"),
}

_PER_STREET = 3


def _name(street: str, kind: str, index: int) -> str:
    street_at, kind_at = STREETS.index(street), list(_SUFFIXES).index(kind)
    nth = index % _PER_STREET
    stem = _STEMS[(street_at * _PER_STREET + nth * 20 + kind_at * 7) % len(_STEMS)]
    suffixes = _SUFFIXES[kind]
    return stem + suffixes[(street_at + nth) % len(suffixes)]


def place(street: str, kind: str, index: int) -> str:
    """The name of one place of a kind in a street; the same numbers always give the same place."""
    return _name(street, kind, index)


PLACE_NAMES: tuple[str, ...] = tuple(
    sorted(
        {_name(street, kind, i) for street in STREETS for kind in _SUFFIXES for i in range(_PER_STREET)},
        key=lambda name: (-len(name), name),
    )
)
"""Longest first, so that taking them out of a text leaves no remains."""


def community(street: str, index: int) -> str:
    """Where a resident lives, as far as the paper goes: the community."""
    return _STEMS[(STREETS.index(street) * 5 + index * 11) % len(_STEMS)] + "社区"
