"""What the minutes say, compared whole; and the arithmetic of pieces and differences."""

import copy
from datetime import date, datetime, timedelta

import pytest

from hearings.db import LOCAL, clock_at, db
from hearings.issues import operations as issues
from hearings.issues.models import ExchangeKind, Outcome
from hearings.minutes import content
from hearings.people.models import Department, DepartmentKind, User
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Came, Capacity, Participant, Station
from tests import factories
from tests.documents.sample import numeral as sample_numeral


def at(hour: int, minute: int = 0, day: date = date(2021, 3, 25)) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=LOCAL)


@pytest.fixture
def evening(world):
    """The evening of 25 March 2021: three issues, a ballot, seats of every sort."""
    w = world
    co = factories.department("区综合行政执法局", position=30)
    office = factories.department(
        "霞浦街道办事处", short_name="霞浦街道办", kind=DepartmentKind.STREET_OFFICE, street="霞浦", position=51
    )
    o = w.organiser
    with clock_at(at(9, day=date(2021, 3, 18))):
        hearing = schedule.draft_hearing(
            title="家门口的民生小事",
            theme="家门口的民生小事",
            station=w.station,
            chair=w.leader,
            actor=o,
            **factories.evening(date(2021, 3, 25)),
        )
        for person in (w.deputy, w.other_deputy):
            schedule.add_person(hearing, person, actor=o)
        away = factories.user("deputy", name="代表壬", protocol_order=210)
        on_leave = schedule.add_person(hearing, away, actor=o)
        bureau = schedule.add_department(hearing, w.bureau, actor=o)
        stood_for = schedule.add_department(hearing, w.other_bureau, actor=o)
        street = schedule.add_department(hearing, office, actor=o)
        schedule.name_attendee(bureau, name="郑某某", title="局长", actor=o)
        schedule.name_attendee(
            stood_for, name="吴某某", title="局长", stand_in_name="何某某", stand_in_title="副局长", actor=o
        )
        residents = schedule.add_guest(
            hearing, capacity=Capacity.RESIDENT, listed=AttendanceList.IN_ATTENDANCE, seats=10, actor=o
        )
        schedule.announce(hearing, actor=o)
        db.session.commit()
    with clock_at(at(19)):
        schedule.open_session(hearing, actor=o)
        for seat in db.session.scalars(db.select(schedule.Participant)):
            if seat is on_leave:
                schedule.sign_in(seat, Came.ON_LEAVE, reason="公务", actor=o)
            elif seat is stood_for:
                schedule.sign_in(seat, Came.SIGNED_IN, stand_in=True, actor=o)
            elif seat is residents:
                schedule.sign_in(seat, Came.SIGNED_IN, seats_taken=9, actor=o)
            else:
                schedule.sign_in(seat, Came.SIGNED_IN, actor=o)
        schedule.add_guest(
            hearing,
            capacity=Capacity.OBSERVER,
            listed=AttendanceList.PUBLIC_GALLERY,
            name="冯某",
            unit="区融媒体中心",
            title="记者",
            is_walk_in=True,
            actor=o,
        )
        assert street.came == Came.SIGNED_IN
        one = issues.log_issue(
            hearing,
            title="霞浦铁路桥下堆物、夜间无灯",
            statement="霞浦铁路桥下长期堆物，夜间无灯",
            lead_deputy=w.deputy,
            actor=o,
        )
        issues.add_exchange(one, ExchangeKind.QUESTION, "什么时候清掉", speaker="代表甲", actor=o)
        issues.add_exchange(one, ExchangeKind.ANSWER, "先清理、后亮灯。", department=w.bureau, actor=o)
        issues.decide_outcome(one, Outcome.TIME_LIMITED, actor=o)
        for measure, day in (
            ("完成桥下空间清理", date(2021, 4, 16)),
            ("完成照明安装并落实日常管护单位", date(2021, 6, 30)),
        ):
            issues.make_commitment(one, measure=measure, lead=w.bureau, co_handlers=[co, office], due_on=day, actor=o)
        two = issues.log_issue(
            hearing,
            title="独居老人晚餐难",
            statement="社区助餐点只供午餐",
            resident="陈",
            lead_deputy=w.other_deputy,
            actor=o,
        )
        issues.add_exchange(two, ExchangeKind.ANSWER, "先摸底再研究", department=w.other_bureau, actor=o)
        issues.decide_outcome(two, Outcome.FURTHER_STUDY, actor=o)
        three = issues.log_issue(
            hearing, title="个人拆迁合同诉讼", statement="拆迁合同正在打官司", resident="李", actor=o
        )
        issues.decide_outcome(three, Outcome.NOT_ACCEPTED, note="请通过司法途径解决", actor=o)
        hearing.ballots_issued = 18
        reviews.record_ballot(hearing, one, satisfied=10, mostly_satisfied=6, dissatisfied=2, actor=o)
        reviews.record_ballot(hearing, two, satisfied=4, mostly_satisfied=4, dissatisfied=10, actor=o)
    with clock_at(at(21, 5)):
        schedule.conclude(hearing, actor=o)
        issues.log_issue(hearing, title="关于路灯的建议", statement="补记：路灯昏暗", lead_deputy=w.deputy, actor=o)
    with clock_at(at(9, day=date(2021, 3, 29))):
        issues.assign(two, lead=w.other_bureau, co_handlers=[w.street_office], actor=o)
    db.session.commit()
    return hearing


def seat(capacity, name, title, **more):
    return Participant(capacity=capacity, name=name, title=title, seats=1, **more)


def test_leaders_stand_by_rank_with_their_unit_and_nothing_is_said_twice():
    office = Department(name="新碶街道办事处", short_name="新碶街道办")
    seats = [
        seat(Capacity.CHAIR, "李某某", "副主任"),
        seat(Capacity.COMMITTEE_LEADER, "张某某", "主任"),
        seat(Capacity.STREET_COMMITTEE, "钱某某", "主任"),
        seat(Capacity.STREET_OFFICE, "董建成", "办事处主任", department=office),
        seat(Capacity.GOVERNMENT_LEADER, "王某某", "副区长", unit="区政府"),
        seat(Capacity.STREET_COMMITTEE, "孙某某", "霞浦街道人大工委主任"),
    ]
    seats[2].user = User(name="钱某某", stations=[Station(name="新碶街道人大代表联络站", street="新碶街道")])
    assert content._groups(seats) == [
        "区人大常委会主任张某某",
        "区人大常委会副主任李某某",
        "新碶街道人大工委主任钱某某",
        "新碶街道办事处主任董建成",
        "区政府副区长王某某",
        "霞浦街道人大工委主任孙某某",
    ]
    assert content.post("区教育局", "局长") == "区教育局局长" and content.post("", "副区长") == "副区长"


def test_the_whole_paper(world, evening):
    said = content.compose(evening)
    ids = [i["key"] for i in said["sections"][1]["items"]]
    assert said.pop("data")["issues"]  # test_data.py
    assert said == {
        "format": 1,
        "kind": "minutes",
        "language": "zh-CN",
        "organisation": "北仑区人大常委会",
        "mark": "人大代表民生夜询会纪要",
        "serial_no": 1,
        "code": "YX-2021-01",
        "issuer": "北仑区人大常委会办公室",
        "issued_on": None,
        "title": "第1期人大代表民生夜询会纪要",
        "overview": [
            "2021年3月25日19时至21时05分，第1期人大代表民生夜询会在新碶街道人大代表联络站"
            f"（{world.station.address}）召开，主题为“家门口的民生小事”。会议由区人大常委会主任张某某主持。"
            "2名区人大代表、9名选民代表、3个部门和街道的负责人参加会议。"
        ],
        "sections": [
            {
                "key": "situation",
                "heading": "一、总体情况",
                "paragraphs": [
                    "会议共提出问题4个，受理3个，不予受理1个。受理的问题中，限期办理1个、会后研究1个。"
                    "形成承诺措施2项，均已明确责任单位和办理时限。另有1个问题未给时限。有1个问题为会后补录。"
                ],
                "items": [],
            },
            {
                "key": "items",
                "heading": "二、询问答复及议定事项",
                "paragraphs": [],
                "items": [
                    {
                        "key": ids[0],
                        "number": "01",
                        "title": "关于霞浦铁路桥下堆物、夜间无灯的问题",
                        "heading": "（一）关于霞浦铁路桥下堆物、夜间无灯的问题",
                        "paragraphs": [
                            "区人大代表代表甲提出：霞浦铁路桥下长期堆物，夜间无灯。",
                            "代表甲询问：什么时候清掉。",
                            "区交通运输局答复：先清理、后亮灯。",
                            "会议明确：由区交通运输局牵头、区综合行政执法局和霞浦街道办事处配合，4月16日前完成桥下空间清理，"
                            "6月30日前完成照明安装并落实日常管护单位。",
                        ],
                        "measures": [],
                    },
                    {
                        "key": ids[1],
                        "number": "02",
                        "title": "关于独居老人晚餐难的问题",
                        "heading": "（二）关于独居老人晚餐难的问题",
                        "paragraphs": [
                            "选民代表提出（代表乙代为提出）：社区助餐点只供午餐。",
                            "区教育局答复：先摸底再研究。",
                            "因现场测评为不满意，会议明确：由区教育局牵头、新碶街道办事处配合重新办理，4月29日前书面答复代表。",
                        ],
                        "measures": [],
                    },
                    {
                        "key": ids[2],
                        "number": "03",
                        "title": "关于个人拆迁合同诉讼的问题",
                        "heading": "（三）关于个人拆迁合同诉讼的问题",
                        "paragraphs": [
                            "选民代表提出：拆迁合同正在打官司。",
                            "会议说明：该事项不属于夜询会受理范围，不予受理。请通过司法途径解决。",
                        ],
                        "measures": [],
                    },
                    {
                        "key": ids[3],
                        "number": "04",
                        "title": "关于路灯的建议",
                        "heading": "（四）关于路灯的建议",
                        "paragraphs": [
                            "区人大代表代表甲提出：补记：路灯昏暗。（会后补录）",
                            "会议未对该问题作出处置决定。",
                        ],
                        "measures": [],
                    },
                ],
            },
            {
                "key": "ballot",
                "heading": "三、满意度测评结果",
                "paragraphs": [
                    "会议对2个问题的答复情况进行了满意度测评，每个问题发出测评票18张。测评结果为满意的1个、不满意的1个。"
                    "计票规则：“满意”票达到发出票数半数的为满意；“满意”和“基本满意”票合计达到半数的为基本满意；其余为不满意。",
                    "测评为不满意的第02号问题重新办理，自交办之日起1个月内再次答复。",
                ],
                "items": [],
            },
            {
                "key": "requirements",
                "heading": "四、会议要求",
                "paragraphs": [
                    "会议要求，各承办单位要对照问题交办清单，逐项落实责任人、措施和时限，自交办之日起3个月内书面答复"
                    "提出问题的代表；不能按期完成的，应当在到期前说明原因。街道人大工委要做好跟踪，未当场解决的问题列入“回头看”，"
                    "办理结果向代表和选民反馈。"
                ],
                "items": [],
            },
        ],
        "attendance": [
            {
                "key": "present",
                "label": "出席",
                "groups": ["区人大常委会主任张某某", "区人大代表代表甲、代表乙"],
            },
            {"key": "on_leave", "label": "请假", "groups": ["代表壬（公务）"]},
            {
                "key": "in_attendance",
                "label": "列席",
                "groups": [
                    "区交通运输局局长郑某某",
                    "区教育局副局长何某某（代局长吴某某）",
                    "霞浦街道办事处负责人",
                    "选民代表9名",
                ],
            },
            {"key": "public_gallery", "label": "旁听", "groups": ["区融媒体中心记者冯某"]},
        ],
        "attachments": [
            {
                "key": "handed_over",
                "title": "问题交办清单",
                "columns": ["编号", "问题", "承诺措施和时限", "主办单位", "会办单位", "办结时限"],
                "widths": [6, 17, 30, 15, 19, 13],
                "rows": [
                    [
                        "01",
                        "霞浦铁路桥下堆物、夜间无灯",
                        "4月16日前完成桥下空间清理；6月30日前完成照明安装并落实日常管护单位",
                        "区交通运输局",
                        "区综合行政执法局、霞浦街道办事处",
                        "2021-06-30",
                    ],
                    ["02", "独居老人晚餐难", "会后研究（未给时限）", "区教育局", "新碶街道办事处", "2021-04-29"],
                ],
                "note": "注：交办日为2021年3月29日。",
            },
            {
                "key": "counted",
                "title": "满意度测评汇总表",
                "columns": ["编号", "答复单位", "满意", "基本满意", "不满意", "废票", "结果"],
                "widths": [8, 30, 11, 14, 12, 11, 14],
                "rows": [
                    ["01", "区交通运输局", 10, 6, 2, 0, "满意"],
                    ["02", "区教育局", 4, 4, 10, 0, "不满意"],
                ],
                "note": "注：03、04号问题不测评。",
            },
        ],
        "cc": ["区委办公室", "区政府办公室", "各应询单位", "各街道人大工委"],
        "drafted_by": None,
        "reviewed_by": None,
        "issued_by": None,
        "version": 1,
        "correction_reason": None,
        "draft": True,
        "single_sided": False,
    }


def test_no_name_of_a_resident_is_printed(evening):
    assert "陈" not in str(content.compose(evening)["sections"][1])


@pytest.mark.parametrize("number", [1, 2, 9, 10, 11, 20, 60, 99, 100, 101, 110, 119, 120, 200, 999])
def test_numerals_count_as_the_papers_do(number):
    assert content.numeral(number) == sample_numeral(number)


def promised(world, leads, **details):
    """The decision on an issue with a promise of each of these (measure, lead, helpers, due)."""
    issue = world.issue(**details)
    for measure, lead, helpers, due in leads:
        issues.make_commitment(
            issue, measure=measure, lead=lead, co_handlers=helpers, due_on=due, actor=world.organiser
        )
    issues.decide_outcome(issue, Outcome.TIME_LIMITED, actor=world.organiser)
    db.session.commit()
    item = content.compose(issue.hearing)["sections"][1]["items"][-1]
    return [*item["paragraphs"][1:], *item["measures"]]


def test_many_promises_of_one_lead_are_numbered(world):
    hearing = world.hearing("in_session", day=date(2031, 3, 25))
    w = world
    days = [date(2031, 4, 20), date(2031, 6, 30), date(2032, 1, 5)]
    said = promised(
        w,
        [(m, w.bureau, [w.street_office], d) for m, d in zip(("清淤", "提出方案。", "实施第一段"), days, strict=True)],
        hearing=hearing,
    )
    assert said == [
        "会议明确：由区交通运输局牵头、新碶街道办事处配合，抓好以下工作：",
        "1. 4月20日前清淤。",
        "2. 6月30日前提出方案。",
        "3. 2032年1月5日前实施第一段。",
    ]


def test_helpers_that_differ_stand_with_their_measure(world):
    hearing = world.hearing("in_session", day=date(2031, 3, 25))
    w = world
    said = promised(
        w,
        [
            ("4月20日前划定护学通道", w.other_bureau, [w.street_office], date(2031, 4, 20)),
            ("建成接送等候区", w.other_bureau, [], date(2031, 8, 31)),
        ],
        hearing=hearing,
    )
    assert said == [
        "会议明确：由区教育局牵头，抓好以下工作：",
        "1. 4月20日前划定护学通道（新碶街道办事处配合）。",
        "2. 8月31日前建成接送等候区。",
    ]


def test_promises_of_several_leads_name_each(world):
    hearing = world.hearing("in_session", day=date(2031, 3, 25))
    w = world
    said = promised(
        w,
        [("清理", w.bureau, [], date(2031, 4, 20)), ("宣讲", w.other_bureau, [w.bureau], date(2031, 5, 1))],
        hearing=hearing,
    )
    assert said == [
        "会议明确以下事项：",
        "1. 由区交通运输局牵头，4月20日前清理。",
        "2. 由区教育局牵头、区交通运输局配合，5月1日前宣讲。",
    ]


@pytest.mark.parametrize(
    ("outcome", "words"),
    [
        (Outcome.ANSWERED_ON_SITE, "会议认为，应询单位已当场作出解释答复，不再交办。"),
        (Outcome.RESOLVED_ON_SITE, "会议确认，该问题已当场解决。"),
        (Outcome.TIME_LIMITED, "会议明确：由有关单位办理（未给时限），按交办要求书面答复代表。"),
        (Outcome.PLANNED, "会议明确：由有关单位列入计划办理（未给时限），按交办要求书面答复代表。"),
        (Outcome.FURTHER_STUDY, "会议明确：由有关单位会后研究（未给时限），按交办要求书面答复代表。"),
        (Outcome.ESCALATE, "会议明确：由有关单位提请上级协调，按交办要求书面答复代表。"),
        (Outcome.CONVERT_TO_SUGGESTION, "会议明确：该问题转为代表建议，按代表建议办理程序办理。"),
        (Outcome.NOT_ACCEPTED, "会议说明：该事项不属于夜询会受理范围，不予受理。请走诉讼途径。"),
        (None, "会议未对该问题作出处置决定。"),
    ],
)
def test_every_outcome_is_told_in_the_third_person(world, outcome, words):
    issue = world.issue()
    note = "请走诉讼途径" if outcome == Outcome.NOT_ACCEPTED else None
    issues.decide_outcome(issue, outcome, note=note, actor=world.organiser)
    db.session.commit()
    assert content.compose(issue.hearing)["sections"][1]["items"][0]["paragraphs"][-1] == words


def test_a_date_moved_later_is_printed_as_it_was_given(world):
    issue = world.issue(world.hearing("concluded"))
    promise = world.commitment(issue, days=30)
    first = promise.due_on
    asked = issues.ask_extension(promise, new_due_on=first + timedelta(days=40), reason="雨季", actor=world.organiser)
    issues.grant_extension(asked, actor=world.organiser)
    db.session.commit()
    assert promise.due_on != first
    assert content.compose(issue.hearing)["attachments"][0]["rows"][0][-1] == first.isoformat()


def test_nothing_was_asked(world):
    said = content.compose(world.hearing("concluded"))
    assert [s["paragraphs"] for s in said["sections"][:3]] == [
        ["会议未提出问题。"],
        ["本次会议没有询问事项。"],
        ["本次会议未进行满意度测评。"],
    ]
    assert said["attachments"] == []


def test_last_time_is_told_as_it_stood_on_the_evening(world):
    first = world.hearing("in_session")
    for n in range(3):
        world.issue(first, title=f"问题{n}")
    refused = world.issue(first)
    issues.decide_outcome(refused, Outcome.NOT_ACCEPTED, note="诉讼", actor=world.organiser)
    schedule.conclude(first, actor=world.organiser)
    issues.decline(refused, reason="诉讼", actor=world.organiser)
    db.session.commit()
    second = world.hearing("concluded", day=first.day + timedelta(days=30))
    assert content.compose(second)["overview"][1] == (
        "会议通报了第1期夜询会问题的办理情况：受理3个，已销号0个，解释答复办结0个，其余3个正在跟踪办理。"
    )


def test_a_look_back_tells_what_was_found(world):
    from hearings.reviews.models import Verdict
    from hearings.schedule.models import HearingKind

    issue = world.assigned().issue
    promise = world.commitment(issue, days=60)
    back = reviews.plan_look_back(
        title="第1期夜询会回头看",
        station=world.station,
        items=[issue],
        kind=HearingKind.LOOK_BACK,
        follows=issue.hearing,
        actor=world.organiser,
        **factories.evening(issue.hearing.day + timedelta(days=30)),
    )
    schedule.announce(back, actor=world.organiser)
    schedule.open_session(back, actor=world.organiser)
    reviews.record_finding(
        back,
        issue,
        commitment=promise,
        found="已清理一半",
        verdict=Verdict.KEEP_TRACKING,
        deputy_opinion="抓紧",
        actor=world.organiser,
    )
    schedule.conclude(back, actor=world.organiser)
    db.session.commit()
    said = content.compose(back)
    assert said["title"] == "第1期夜询会回头看纪要"
    assert said["sections"][0]["paragraphs"] == ["会议听取了1个问题的办理情况，继续跟踪1个。"]
    assert said["sections"][1]["items"][0]["paragraphs"] == [
        f"该问题由第1期夜询会提出，编号{issue.reference}。{issue.statement}",
        f"现场查看（{promise.measure}）：已清理一半。",
        "代表意见：抓紧。",
        "会议明确：继续跟踪。",
    ]


def test_the_same_number_of_statements_for_1_and_60_issues(world, statements):
    hearing = world.hearing("in_session")

    def fill(count):
        for _n in range(count):
            issue = world.issue(hearing)
            world.commitment(issue, co_handlers=[world.other_bureau])
            issues.add_exchange(issue, ExchangeKind.ANSWER, "马上办。", department=world.bureau, actor=world.organiser)
        for n in range(count):
            schedule.add_guest(
                hearing,
                capacity=Capacity.STAFF,
                listed=AttendanceList.IN_ATTENDANCE,
                name=f"员{n}",
                actor=world.organiser,
            )
        db.session.commit()

    fill(1)
    with statements() as few:
        content.compose(hearing)
    fill(59)
    db.session.expire_all()
    hearing.title  # noqa: B018
    with statements() as many:
        said = content.compose(hearing)
    assert len(said["sections"][1]["items"]) == 60
    assert said["sections"][1]["items"][59]["heading"].startswith("（六十）")
    assert abs(len(many) - len(few)) <= 1 and len(many) <= 16, many


# -- pieces --------------------------------------------------------------------------------------------


def test_pieces_put_back_unchanged_give_the_same_paper(evening):
    said = content.compose(evening)
    texts = {k: p.text for k, p in content.pieces(said).items()}
    assert content.with_texts(said, texts) == said


def test_numbered_lines_at_the_end_of_an_item_are_its_measures(evening):
    said = content.compose(evening)
    key = said["sections"][1]["items"][0]["key"]
    made = content.with_texts(said, {key: "第一段。\n\n会议明确：\n1. 甲。\n2. 乙。"})
    item = made["sections"][1]["items"][0]
    assert (item["paragraphs"], item["measures"]) == (["第一段。", "会议明确："], ["1. 甲。", "2. 乙。"])


def test_differences_are_what_the_record_changed_and_the_paper_does_not_say(evening):
    was = content.compose(evening)
    mine = content.with_texts(was, {"overview": "我写的。", "requirements": "我写的要求。"})
    now = copy.deepcopy(was)
    now["overview"] = ["记录新说的。"]
    now["sections"][1]["items"].pop(2)
    new = copy.deepcopy(now["sections"][1]["items"][0]) | {"key": "issue_99", "number": "05", "title": "关于新问题"}
    now["sections"][1]["items"].insert(1, new)
    content.settled(now)
    found = content.differences(mine, was, now)
    gone = was["sections"][1]["items"][2]["key"]
    assert [(d.key, d.is_edited) for d in found] == [("overview", True), ("issue_99", False), (gone, False)]
    assert content.differences(was, was, was) == []

    taken = content.take(mine, now, ["issue_99", gone])
    assert [i["heading"] for i in taken["sections"][1]["items"]] == [
        "（一）关于霞浦铁路桥下堆物、夜间无灯的问题",
        "（二）关于新问题",
        "（三）关于独居老人晚餐难的问题",
        "（四）关于路灯的建议",
    ]
    assert taken["overview"] == ["我写的。"] and taken["sections"][3]["paragraphs"] == ["我写的要求。"]
    assert content.take(mine, now, ["overview"])["overview"] == ["记录新说的。"]


def test_tables_and_lists_come_and_go_as_wholes(evening):
    was = content.compose(evening)
    now = copy.deepcopy(was)
    now["attachments"] = now["attachments"][1:]
    now["attendance"] = now["attendance"][:1]
    keys = [d.key for d in content.differences(was, was, now)]
    assert keys == ["list_on_leave", "list_in_attendance", "list_public_gallery", "table_handed_over"]
    taken = content.take(was, now, keys)
    assert (taken["attachments"], taken["attendance"]) == (now["attachments"], now["attendance"])
    assert content.take(taken, was, keys) == was


def test_the_fingerprint_knows_no_order_of_keys():
    assert content.fingerprint({"a": 1, "b": ["碶"]}) == content.fingerprint({"b": ["碶"], "a": 1})
    assert content.fingerprint({"a": 1}) != content.fingerprint({"a": 2})


def test_an_issue_is_called_the_same_in_the_text_and_in_the_lists(evening):
    said = content.compose(evening)
    item = said["sections"][1]["items"][0]
    old = "霞浦铁路桥下堆物、夜间无灯"
    assert item["title"] == f"关于{old}的问题" and said["attachments"][0]["rows"][0][1] == old
    made = content.with_texts(said, {f"{item['key']}_title": "关于桥下照明的问题"})
    assert made["attachments"][0]["rows"][0][1] == "桥下照明"
    assert made["attachments"][0]["rows"][1:] == said["attachments"][0]["rows"][1:]
    again = content.with_texts(made, {f"{item['key']}_title": "桥下的事"})
    assert again["attachments"][0]["rows"][0][1] == "桥下的事"
