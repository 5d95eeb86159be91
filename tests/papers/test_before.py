"""What the papers of an evening say, and how they come out of the printer."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from hearings.db import LOCAL, db, today
from hearings.documents import render
from hearings.issues import operations as issues
from hearings.issues.models import Outcome
from hearings.papers import before
from hearings.papers.registry import PAPERS, State
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Came, Capacity, Hearing, HearingKind
from tests.documents.measure import MM, body, outside, pages, text_of
from tests.factories import World, department, evening

THURSDAY = date(2030, 3, 21)


def full(world: World, status: str = "announced", **details: Any) -> Hearing:
    """An evening with one of every capacity, the list as an office makes it."""
    world.station.contact, world.station.contact_phone = "孙某某", "0574-86780000"
    fields: dict[str, Any] = {"day": THURSDAY, "title": "北仑区人大代表民生夜询会"} | details
    hearing = world.hearing("draft", **fields)
    actor = world.organiser
    schedule.add_person(hearing, world.street, actor=actor)
    schedule.add_department(hearing, world.street_office, actor=actor)
    for capacity, listed, name, unit, title, seats in (
        (Capacity.GOVERNMENT_LEADER, AttendanceList.IN_ATTENDANCE, "王某某", "区政府", "副区长", 1),
        (Capacity.RESIDENT, AttendanceList.IN_ATTENDANCE, "陈阿婆", None, None, 1),
        (Capacity.RESIDENT, AttendanceList.IN_ATTENDANCE, None, None, "选民代表", 3),
        (Capacity.MEDIA, AttendanceList.PUBLIC_GALLERY, None, "区融媒体中心", "记者", 2),
    ):
        schedule.add_guest(
            hearing, capacity=capacity, listed=listed, name=name, unit=unit, title=title, seats=seats, actor=actor
        )
    for title, offices in (
        ("新碶街道铁路桥下堆物、夜间无灯。", [world.bureau]),
        ("学校门口人车混行", [world.other_bureau, world.bureau]),
        ("社区助餐点只供午餐", []),
    ):
        schedule.add_topic(title=title, departments=offices, street="新碶", hearing=hearing, actor=actor)
    if status != "draft":
        schedule.announce(hearing, actor=actor)
    db.session.commit()
    return hearing


def said(paper: dict[str, Any]) -> list[str]:
    """The running text of a paper."""
    return [
        *paper.get("paragraphs", []),
        *(line for s in paper.get("sections", []) for line in [s["heading"], *s["paragraphs"]]),
    ]


# -- what they say -------------------------------------------------------------------------------------


def test_the_notice_says_who_should_come_when_with_what(world: World) -> None:
    hearing = full(world)
    paper = before.notice(hearing)
    assert paper["title"] == "关于召开第1期人大代表民生夜询会的通知"
    assert paper["code"] == "YX-2030-01"
    assert paper["addressee"] == "区交通运输局、区教育局、新碶街道办事处，有关街道人大工委，有关区人大代表："
    assert said(paper) == [
        "为密切人大代表同人民群众的联系，推动解决群众关心的民生问题，经研究，定于2030年3月21日（星期四）召开"
        "第1期人大代表民生夜询会。现将有关事项通知如下：",
        "一、会议时间、地点和主题",
        "时间：2030年3月21日（星期四）19时至21时。",
        f"地点：新碶街道人大代表联络站（{world.station.address}）。",
        "主题：家门口的民生小事。",
        "二、参加人员",
        "1. 主持人：北仑区人大常委会主任张某某。",
        "2. 区政府领导：区政府副区长王某某。",
        "3. 应询单位主要负责人：区交通运输局、区教育局。",
        "4. 街道办事处负责人：新碶街道办事处。",
        "5. 街道人大工委负责人：新碶街道人大工委主任钱某某。",
        "6. 区人大代表：代表甲、代表乙。",
        "7. 选民代表：4名。",
        "8. 工作人员、媒体和旁听人员：2名。",
        "三、会议议程",
        "1. 代表提出问题，应询单位答复，代表追问。",
        "2. 应询单位作出承诺，明确措施、责任单位和时限。",
        "3. 进行满意度测评并宣布结果。",
        "4. 区政府领导讲话。",
        "四、应询事项",
        "请应询单位对照议题清单（见附件）做好应询准备：区交通运输局：第1、2项；区教育局：第2项。",
        "五、有关要求",
        "1. 请参加人员提前15分钟到会签到，会议期间将手机调至静音。",
        "2. 应询单位由主要负责人到会应询；确因公务不能到会的，应当事先请假，并委托熟悉情况的分管负责人参加。",
        "3. 请应询单位准备书面材料，写明基本情况、有关数据、存在问题和拟采取的措施。"
        "现场答复应当简明，承诺事项应当有措施、有责任单位、有完成时限。",
        "4. 请于2030年3月18日（星期一）前将参会人员姓名、职务和书面材料报北仑区人大常委会办公室。",
        "5. 联系人：孙某某，联系电话：0574-86780000。",
    ]
    assert paper["attachments"] == [
        {
            "title": "议题清单",
            "columns": ["序号", "议题", "应询单位"],
            "widths": [8, 52, 40],
            "rows": [
                ["1", "新碶街道铁路桥下堆物、夜间无灯", "区交通运输局"],
                ["2", "学校门口人车混行", "区交通运输局、区教育局"],
                ["3", "社区助餐点只供午餐", "待明确"],
            ],
        }
    ]
    day = today()
    assert paper["signature"] == {
        "organ": "北仑区人大常委会办公室",
        "date": f"{day.year}年{day.month}月{day.day}日",
        "sealed": True,
    }
    assert paper["draft"] is False
    assert "remark" not in paper


def test_a_draft_of_a_notice_has_no_number_and_no_date(world: World) -> None:
    paper = before.notice(full(world, "draft"))
    assert paper["title"] == "关于召开人大代表民生夜询会的通知"
    assert paper["code"] is None
    assert paper["signature"]["date"] == "　　　　年　　月　　日"
    assert paper["draft"] is True
    text = text_of(render("paper", paper))
    assert "年月日" in text.replace("　", "")


def test_a_new_date_makes_a_new_notice_that_says_so(world: World) -> None:
    hearing = full(world)
    schedule.reschedule(
        hearing,
        **evening(THURSDAY + timedelta(days=7)),
        station=world.station,
        reason="场地维修",
        actor=world.organiser,
    )
    db.session.commit()
    paper = before.notice(hearing)
    assert "时间：2030年3月28日（星期四）19时至21时。" in said(paper)
    assert paper["remark"] == "会议时间、地点与此前通知不一致的，以本通知为准"
    assert said(before.public_notice(hearing))[-1] == "此前公告的时间、地点与本公告不一致的，以本公告为准。"


def test_replies_are_due_on_a_working_day_and_never_before_the_notice(world: World) -> None:
    tuesday = world.hearing(day=date(2030, 3, 26))  # three days before is a Saturday
    assert "4. 请于2030年3月22日（星期五）前将参会人员姓名、职务和书面材料报北仑区人大常委会办公室。" in said(
        before.notice(tuesday)
    )
    soon = world.hearing(day=today() + timedelta(days=1))
    assert "4. 请于收到通知后将参会人员姓名、职务和书面材料报北仑区人大常委会办公室。" in said(before.notice(soon))


@pytest.mark.parametrize(
    ("kind", "title", "wanted", "agenda"),
    [
        (
            HearingKind.LOOK_BACK,
            "第9期夜询会交办问题第一次“回头看”",
            "关于开展第9期夜询会交办问题第一次“回头看”的通知",
            "1. 实地查看或听取承诺事项办理情况。",
        ),
        (
            HearingKind.EVALUATION_MEETING,
            "2021年重点督办建议办理工作绩效评估座谈会",
            "关于召开2021年重点督办建议办理工作绩效评估座谈会的通知",
            "1. 承办单位报告办理情况。",
        ),
        (HearingKind.GROUP_CONSULTATION, "加装电梯面商", "关于召开“加装电梯面商”的通知", "1. 承办单位介绍办理情况。"),
    ],
)
def test_meetings_of_other_kinds_go_by_their_own_names(
    world: World, kind: HearingKind, title: str, wanted: str, agenda: str
) -> None:
    hearing = world.hearing(kind=kind, title=title)
    paper = before.notice(hearing)
    assert (paper["title"], paper["code"]) == (wanted, None)
    assert agenda in said(paper)
    assert "2. 承办单位主要负责人：区交通运输局、区教育局。" in said(paper)
    assert "2. 承办单位由主要负责人参加；确因公务不能到会的，应当事先请假，并委托熟悉情况的分管负责人参加。" in said(
        paper
    )
    assert not [line for line in said(paper) if "议题" in line]
    assert before.public_notice(hearing)["title"] == wanted.replace("的通知", "的公告")


def test_many_offices_are_addressed_together(world: World) -> None:
    hearing = world.hearing("draft")
    for number in range(8):
        schedule.add_department(hearing, department(f"第{number}局"), actor=world.organiser)
    assert before.notice(hearing)["addressee"] == "各应询单位，有关区人大代表："


def test_the_notice_on_the_door_names_nobody_and_is_one_page(world: World) -> None:
    hearing = full(world)
    paper = before.public_notice(hearing)
    assert paper["title"] == "关于召开第1期人大代表民生夜询会的公告"
    assert said(paper) == [
        "区人大代表将听取居民意见，请有关部门负责人现场答复群众关心的民生问题。现将有关事项公告如下：",
        "时间：2030年3月21日（星期四）19时至21时。",
        f"地点：新碶街道人大代表联络站（{world.station.address}）。",
        "主题：家门口的民生小事。",
        "反映问题：会前可到新碶街道人大代表联络站向人大代表当面反映，或投入站内意见箱，也可拨打联络站电话0574-86780000。",
        "参加会议：居民可到站报名旁听，名额有限，以报名先后为序。",
        "诉讼、仲裁等事项请通过法定途径提出，不在会上受理。",
    ]
    sheets = pages(render("paper", paper))
    text = text_of(sheets)
    assert [name for name in ("张某某", "代表甲", "孙某某", "钱某某", "陈阿婆") if name in text] == []
    assert len(sheets) == 1
    assert paper["large"] is True
    assert {line.size for line in body(sheets[0])} == {27.0, 18.0}


def test_a_long_theme_takes_a_smaller_type_and_still_one_page(world: World) -> None:
    paper = before.public_notice(full(world, theme="家门口的民生小事" * 12))
    assert paper["large"] is False
    assert len(pages(render("paper", paper))) == 1


def test_the_sign_in_sheet_lists_everybody_and_no_resident_by_name(world: World) -> None:
    hearing = full(world)
    schedule.open_session(hearing, actor=world.organiser)
    seats = {s.name or s.unit: s for s in before.queries.seats_of(hearing)}
    schedule.sign_in(seats["代表甲"], Came.SIGNED_IN, actor=world.organiser)
    seats["代表甲"].came_at = datetime(2030, 3, 21, 18, 42, tzinfo=LOCAL)
    seats["区交通运输局"].name = "郑某"
    seats["区交通运输局"].stand_in_name, seats["区交通运输局"].stand_in_title = "冯某", "副局长"
    db.session.commit()
    paper = before.sign_in_sheet(hearing)
    assert paper["title"] == "第1期人大代表民生夜询会签到表"
    assert paper["qr"] == {
        "url": f"http://localhost/hearings/{hearing.id}",
        "caption": "扫码打开本次会议页面（须登录）",
    }
    assert {t["title"]: t["rows"] for t in paper["tables"]} == {
        "出席": [
            ["1", "北仑区人大常委会主任", "张某某", "", "", ""],
            ["2", "区人大代表", "代表甲", "", "", "18:42"],
            ["3", "区人大代表", "代表乙", "", "", ""],
            ["4", "新碶街道人大工委主任", "钱某某", "", "", ""],
        ],
        "列席": [
            ["5", "区交通运输局", "郑　某", "", "冯某（副局长）", ""],
            ["6", "区教育局", "", "", "", ""],
            ["7", "新碶街道办事处", "", "", "", ""],
            ["8", "区政府副区长", "王某某", "", "", ""],
            *[[str(n), "选民代表", "", "", "", ""] for n in range(9, 13)],
        ],
        "旁听": [[str(n), "区融媒体中心记者", "", "", "", ""] for n in (13, 14)],
        "其他到会人员": [[str(n), "", "", "", "", ""] for n in range(15, 20)],
    }
    assert "陈阿婆" not in text_of(render("paper", paper))


def test_the_sheet_shows_as_many_as_came_and_no_stand_in_of_who_came_himself(world: World) -> None:
    hearing = full(world)
    schedule.open_session(hearing, actor=world.organiser)
    seats = {s.name or s.unit or s.capacity: s for s in before.queries.seats_of(hearing)}
    bureau, residents = seats["区交通运输局"], seats["resident"]
    bureau.name, bureau.stand_in_name = "郑某", "冯某"
    schedule.sign_in(bureau, Came.SIGNED_IN, actor=world.organiser)
    schedule.sign_in(seats["区教育局"], Came.SIGNED_IN, actor=world.organiser)
    schedule.sign_in(residents, Came.SIGNED_IN, seats_taken=2, actor=world.organiser)
    for seat in (bureau, seats["区教育局"], residents):
        seat.came_at = datetime(2030, 3, 21, 18, 50, tzinfo=LOCAL)
    db.session.commit()

    def rows() -> dict[str, list[list[str]]]:
        found: dict[str, list[list[str]]] = {}
        for row in next(t for t in before.sign_in_sheet(hearing)["tables"] if t["title"] == "列席")["rows"]:
            found.setdefault(row[1], []).append(row[4:])
        return found

    shown = rows()
    assert shown["区交通运输局"] == [["", "18:50"]] and shown["区教育局"] == [["", "18:50"]]
    assert sorted(when for _proxy, when in shown["选民代表"]) == ["", "", "18:50", "18:50"]
    schedule.sign_in(bureau, Came.SIGNED_IN, stand_in=True, actor=world.organiser)
    assert rows()["区交通运输局"][0][0] == "冯某"


def test_offices_and_people_with_names_get_cards(world: World) -> None:
    hearing = full(world)
    seat = next(s for s in before.queries.seats_of(hearing) if s.unit == "区教育局")
    seat.name, seat.title = "吴某", "局长"
    db.session.commit()
    assert before.name_cards(hearing)["cards"] == [
        {"name": "张某某", "unit": "北仑区人大常委会主任"},
        {"name": "代表甲", "unit": "区人大代表"},
        {"name": "代表乙", "unit": "区人大代表"},
        {"name": "钱某某", "unit": "新碶街道人大工委主任"},
        {"name": "区交通运输局", "unit": ""},
        {"name": "区教育局", "unit": "局长　吴　某"},
        {"name": "新碶街道办事处", "unit": ""},
        {"name": "王某某", "unit": "区政府副区长"},
    ]


def test_a_street_committee_is_known_by_the_station_it_looks_after(world: World) -> None:
    hearing = full(world)
    next(s for s in before.queries.seats_of(hearing) if s.name == "钱某某").title = "主任"
    db.session.commit()
    assert before.sign_in_sheet(hearing)["tables"][0]["rows"][3][1:3] == ["新碶街道人大工委主任", "钱某某"]
    assert "5. 街道人大工委负责人：新碶街道人大工委主任钱某某。" in said(before.notice(hearing))


def test_the_issue_list_tells_each_issue_in_a_row(world: World) -> None:
    hearing = world.hearing("in_session")
    lit = world.issue(hearing, statement="铁路桥下堆物无灯，居民晚上走路不安全。")
    due = hearing.day + timedelta(days=20)
    world.commitment(lit, measure="清理桥下空间。", due_on=due)
    world.commitment(lit, measure="安装照明", due_on=due + timedelta(days=30), co_handlers=[world.other_bureau])
    issues.amend_issue(lit, {"outcome": Outcome.TIME_LIMITED}, actor=world.organiser)
    world.issue(
        hearing,
        lead_deputy=world.other_deputy,
        resident="陈阿婆",
        title="晚餐难",
        statement="陈阿婆家晚餐难，电话13912345678",
    )
    refused = world.issue(hearing, lead_deputy=None, resident="王", title="拆迁合同", statement="个人拆迁合同诉讼")
    issues.amend_issue(refused, {"outcome": Outcome.NOT_ACCEPTED, "outcome_note": "走司法渠道"}, actor=world.organiser)
    db.session.commit()

    def day(d: date) -> str:
        return (f"{d.year}年" if d.year != hearing.day.year else "") + f"{d.month}月{d.day}日"

    paper = before.issue_list(hearing)
    assert paper["tables"][0]["rows"] == [
        [
            "01",
            "代表甲",
            "铁路桥下堆物无灯，居民晚上走路不安全。",
            "区交通运输局",
            "限期办理",
            f"1. 清理桥下空间（区交通运输局，{day(due)}前）；2. 安装照明（区交通运输局，{day(due + timedelta(days=30))}前）。",
        ],
        ["02", "选民代表（代表乙代为提出）", "晚餐难。选民家晚餐难，电话（号码略）", "", "", ""],
        ["03", "选民代表", "拆迁合同。个人拆迁合同诉讼。", "", "不予受理", ""],
    ]
    assert paper["tables"][0]["note"] == "注：提出问题3个，受理2个，不予受理1个。处置栏为空的，会上尚未明确。"


def test_words_too_long_for_a_row_follow_in_full_under_the_same_number(world: World) -> None:
    hearing = world.hearing("in_session")
    statement = "弄堂积水，" * 100 + "望解决。"
    issue = world.issue(hearing, title="弄堂积水", statement=statement)
    world.commitment(issue, measure="清淤，" * 110 + "建成管网")
    db.session.commit()
    paper = before.issue_list(hearing)
    row = paper["tables"][0]["rows"][0]
    assert row[2].endswith("……（全文附后）") and len(row[2]) < 320
    assert "……（全文附后）（区交通运输局，" in row[5]
    assert paper["tables"][1]["rows"] == [["01", statement], ["01", "清淤，" * 110 + "建成管网"]]
    printed = "".join(c["text"] for sheet in pages(render("paper", paper)) for c in sheet.chars)
    assert printed.count("弄堂积水，") >= 100 and "望解决。" in printed and "建成管网" in printed


# -- when they can be printed --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "possible"),
    [
        ("draft", {"notice", "public-notice"}),
        ("announced", {"notice", "public-notice", "sign-in", "cards", "issues"}),
        ("filed", {"notice", "public-notice", "sign-in", "cards", "issues"}),
        ("postponed", set()),
        ("cancelled", set()),
        ("discarded", set()),
    ],
)
def test_what_can_be_printed_depends_on_where_the_hearing_stands(world: World, status: str, possible: set[str]) -> None:
    hearing = Hearing(status=status)
    state = State(hearing, seats=2, cards=2, issues=1)
    mine = ("notice", "public-notice", "sign-in", "cards", "issues")
    assert {key for key in mine if not PAPERS[key].when(state)} == possible
    empty = State(hearing)
    assert {key for key in mine if not PAPERS[key].when(empty)} == possible - {"sign-in", "cards", "issues"}


# -- how they come out ---------------------------------------------------------------------------------


def overlapping(page: Any) -> list[tuple[str, str]]:
    """Pairs of characters of which one's centre lies well inside the other."""
    near: dict[tuple[int, int], list[Any]] = defaultdict(list)
    chars = [c for c in page.chars if c["text"].strip()]
    for char in chars:
        near[int(char["x0"] // 24), int(char["top"] // 24)].append(char)
    found = []
    for char in chars:
        x, y = (char["x0"] + char["x1"]) / 2, (char["top"] + char["bottom"]) / 2
        column, row = int(char["x0"] // 24), int(char["top"] // 24)
        for other in (o for i in (-1, 0, 1) for j in (-1, 0, 1) for o in near.get((column + i, row + j), [])):
            inner_x, inner_y = (other["x1"] - other["x0"]) / 4, (other["bottom"] - other["top"]) / 4
            if (
                other is not char
                and other["x0"] + inner_x < x < other["x1"] - inner_x
                and other["top"] + inner_y < y < other["bottom"] - inner_y
            ):
                found.append((char["text"], other["text"]))
    return found


def check(pdf: bytes, *, landscape_from: int | None = None) -> list[Any]:
    """The pages of a PDF whose text stays inside the type area, in black, no line upon another."""
    sheets = pages(pdf)
    for page in sheets:
        across = page.width > page.height
        assert across == (landscape_from is not None and page.page_number >= landscape_from)
        if across:
            even = page.page_number % 2 == 0
            area = (35.0, 26.0 if even else 28.0, 35.0 + 225, (26.0 if even else 28.0) + 156)
            inside = [c for c in page.chars if c["upright"]]
            for char in inside:
                assert area[0] - 0.5 <= char["x0"] * MM
                assert char["x1"] * MM <= area[2] + 0.6
                assert area[1] - 1 <= char["top"] * MM
                assert char["bottom"] * MM <= area[3] + 1
        else:
            assert outside(page) == []
            left = 26.0 if page.page_number % 2 == 0 else 28.0
            for line in body(page):
                assert left - 0.5 <= line.left
                assert line.right <= left + 156 + 0.6
        assert overlapping(page) == []
        colours = {c["non_stroking_color"] for c in page.chars} | {r["stroking_color"] for r in page.rects}
        assert {c for c in colours if c and len(set(c)) > 1} == set()
    return sheets


def column(page: Any) -> list[Any]:
    """The numbers in a sign-in sheet's first column."""
    left = 26.0 if page.page_number % 2 == 0 else 28.0
    return [w for w in page.crop((left / MM, 0, (left + 11) / MM, 262 / MM)).extract_words() if w["text"].isdigit()]


@pytest.mark.parametrize("count", [0, 1, 60, 200])
def test_sign_in_sheets_of_any_length(world: World, count: int) -> None:
    hearing = world.hearing("draft")
    if count:
        schedule.add_guest(
            hearing,
            capacity=Capacity.RESIDENT,
            listed=AttendanceList.IN_ATTENDANCE,
            seats=count,
            actor=world.organiser,
        )
    sheets = check(render("paper", before.sign_in_sheet(hearing)))
    for page in sheets:
        assert "签名" in "".join(line.text for line in body(page)).replace(" ", "")
    everything = text_of(sheets)
    assert everything.count("选民代表") == count
    numbers = [int(w["text"]) for page in sheets for w in column(page)]
    assert numbers == list(range(1, 5 + count + before.SPARE_ROWS + 1))


@pytest.mark.parametrize("count", [1, 60, 200])
def test_issue_lists_of_any_length(world: World, count: int) -> None:
    hearing = world.hearing("in_session")
    for number in range(count):
        issues.log_issue(
            hearing,
            statement=f"第{number + 1}个问题：大碶街道道路破损，夜间无灯，居民出行不便。",
            title=f"问题{number + 1}",
            lead_deputy=world.deputy,
            street="大碶",
            actor=world.organiser,
        )
    db.session.commit()
    sheets = check(render("paper", before.issue_list(hearing)), landscape_from=1)
    text = "".join("".join(c["text"] for c in page.chars if c["upright"]) for page in sheets).replace(" ", "")
    assert text.count("编号提出人问题答复单位") == len(sheets)
    assert text.count("大碶街道") == count
    assert text.count(f"第{count}个问题") == 1


HOSTILE = "<img src=file:///etc/passwd><script>alert(1)</script>&amp;{{ 7*7 }}"


def test_what_people_type_stays_text_on_every_paper(world: World) -> None:
    hearing = full(world, theme=HOSTILE)
    seat = before.queries.seats_of(hearing)[1]
    seat.name, seat.title = HOSTILE, "碶" * 3
    long = "abcdefghij" * 6
    schedule.add_guest(
        hearing,
        capacity=Capacity.STAFF,
        listed=AttendanceList.IN_ATTENDANCE,
        name=long,
        unit="😀مرحبا",
        title=long,
        actor=world.organiser,
    )
    schedule.open_session(hearing, actor=world.organiser)
    world.issue(hearing, title=HOSTILE, statement=HOSTILE + "长" * 5000)
    db.session.commit()
    for key in ("notice", "public-notice", "sign-in", "issues"):
        paper = PAPERS[key].compose(hearing)
        pdf = render("paper", paper)
        sheets = check(pdf, landscape_from=1 if key == "issues" else None)
        text = "".join(c["text"] for page in sheets for c in page.chars).replace(" ", "")
        assert HOSTILE.replace(" ", "")[:20] in text
        assert b"root:" not in pdf
    cards = pages(render("cards", before.name_cards(hearing)))
    for page in cards:
        assert min(c["x0"] for c in page.chars) * MM >= 14.5
        assert max(c["x1"] for c in page.chars) * MM <= 195.5


def test_cards_stand_two_to_a_sheet_with_the_name_on_both_faces(world: World) -> None:
    hearing = full(world)
    sheets = pages(render("cards", before.name_cards(hearing)))
    assert len(sheets) == 4
    for page in sheets:
        assert (page.width * MM, page.height * MM) == pytest.approx((210, 297), abs=0.05)
        for top in (0.0, 148.5):
            over = [c for c in page.chars if top <= c["top"] * MM < top + 74.25]
            under = [c for c in page.chars if top + 74.25 <= c["top"] * MM < top + 148.5]
            assert sorted(c["text"] for c in over) == sorted(c["text"] for c in under)
            assert len({c["text"] for c in over}) >= 3
            assert {c["matrix"][0] < 0 for c in over} == {True}
            assert {c["matrix"][0] > 0 for c in under} == {True}
