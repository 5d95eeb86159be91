"""Topics that have been collected and wait for a hearing; some say nearly the same and want merging."""

from __future__ import annotations

from datetime import date, timedelta

from hearings.demo.shapes import Topic

# key, title, source, days ago, departments, street, detail, similar to
_POOL: tuple[tuple[str, str, str, int, tuple[str, ...], str, str, str | None], ...] = (
    (
        "pool-market",
        "菜市场改造期间临时过渡点",
        "选民接待日",
        26,
        ("market", "chaiqiao"),
        "柴桥",
        "老菜场封闭改造要五个月，过渡点还没有定，老人买菜要走两里多路。",
        None,
    ),
    (
        "pool-market-2",
        "柴桥老菜场改造，居民买菜去哪里",
        "代表码留言",
        19,
        ("market", "commerce"),
        "柴桥",
        "希望改造前先把临时摊位安排好，并公布时间。",
        "pool-market",
    ),
    (
        "pool-summer",
        "暑期儿童托管班名额与收费",
        "代表走访",
        24,
        ("education", "labour"),
        "霞浦",
        "双职工家庭多，去年名额两天报满，收费各点不一。",
        None,
    ),
    (
        "pool-summer-2",
        "增加园区暑托班",
        "居民议事会",
        17,
        ("education", "economy"),
        "霞浦",
        "企业愿意出场地，盼望由教育部门派老师。",
        "pool-summer",
    ),
    (
        "pool-well",
        "农村老井保护与取水安全",
        "联络站意见箱",
        31,
        ("water", "culture"),
        "郭巨",
        "古城内七口老井无盖无栏，既是文物又有隐患。",
        None,
    ),
    (
        "pool-card",
        "高龄老人异地就医陪护补助",
        "12345热线",
        15,
        ("insurance", "civil"),
        "新碶",
        "子女在外地的高龄老人住院陪护费用高，建议纳入补助。",
        None,
    ),
    (
        "pool-noise",
        "港区夜间作业噪声监测数据公开",
        "代表走访",
        22,
        ("environment", "port"),
        "白峰",
        "居民希望像空气质量一样看到噪声数据。",
        None,
    ),
    (
        "pool-bike",
        "非机动车停放点与充电设施不足",
        "代表码留言",
        13,
        ("enforcement", "fire"),
        "大碶",
        "商业街周边电动自行车无处停、无处充。",
        None,
    ),
    (
        "pool-bike-2",
        "商业街电动自行车充电难",
        "选民接待日",
        9,
        ("fire", "commerce"),
        "大碶",
        "外卖骑手和店员集中，充电口十分紧张。",
        "pool-bike",
    ),
    (
        "pool-azalea",
        "杜鹃花产业冷链与电商培训",
        "代表小组调研",
        28,
        ("agriculture", "commerce"),
        "柴桥",
        "花期短、运损大，花农盼望预冷设备和直播培训。",
        None,
    ),
    (
        "pool-ferry",
        "陆岛交通春节加班船",
        "联络站意见箱",
        20,
        ("transport", "port"),
        "梅山",
        "节前客流集中，希望提前公布加班船时刻。",
        None,
    ),
    (
        "pool-square",
        "健身步道夜间照明",
        "居民议事会",
        11,
        ("housing", "culture"),
        "小港",
        "步道沿河三公里，夜里只有两头有灯。",
        None,
    ),
    (
        "pool-form",
        "基层表格合并后新增填报事项",
        "代表走访",
        8,
        ("govoffice", "data"),
        "戚家山",
        "合并之后半年又新增了十一张表，社区希望再清一次。",
        None,
    ),
    (
        "pool-tide",
        "滩涂禁采期渔民转产补助",
        "上期遗留",
        34,
        ("agriculture", "labour"),
        "春晓",
        "上期时间不够未及讨论，渔民盼望明确补助口径。",
        None,
    ),
    (
        "pool-shuttle",
        "高铁站末班接驳公交",
        "12345热线",
        6,
        ("transport", "bus"),
        "新碶",
        "晚点列车到站后无公交可乘，出租车排队过长。",
        None,
    ),
)


def topic_pool(today: date) -> tuple[Topic, ...]:
    """The pool as it would stand on a day: everything collected in the weeks before."""
    return tuple(
        Topic(key, title, source, today - timedelta(days=ago), codes, street, detail, similar)
        for key, title, source, ago, codes, street, detail, similar in _POOL
    )


TOPIC_POOL = topic_pool(date(2025, 10, 30))
"""The same on a fixed day, for those who do not mind how long a topic has been waiting."""
