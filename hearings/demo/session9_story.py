"""The example hearing's story: every event of it in time order.

The history runs over more than a year, so the events are written out one by one with their dates.
"""

from __future__ import annotations

from datetime import date
from typing import Any

from hearings.demo.people import DEPARTMENT_LOGINS
from hearings.demo.people import EXAMPLE_DEPUTIES as DEPUTY
from hearings.demo.session9 import EVALUATION, HEARING, ISSUED, ISSUES, LOOK_BACK, PARTICIPANTS, TOPICS
from hearings.demo.shapes import Ballot, Commitment, Event, Example, Figure, Finding, at

_HEALTH = DEPARTMENT_LOGINS["health"]
_EDUCATION = DEPARTMENT_LOGINS["education"]
_TRANSPORT = DEPARTMENT_LOGINS["transport"]
_CIVIL = DEPARTMENT_LOGINS["civil"]
_GUOJU = DEPARTMENT_LOGINS["guoju"]
_LEADS = {1: "health", 2: "education", 3: "transport", 4: "guoju", 5: "civil", 6: "transport"}
_CO = {issue.position: issue.co for issue in ISSUES}

Events = list[Event]


def _before() -> Events:
    events = [
        Event(
            at(t.collected_on.year, t.collected_on.month, t.collected_on.day, 15, 30),
            "topic_collected",
            {"topic": t.key, "by": "street"},
        )
        for t in TOPICS
    ]
    events.append(Event(at(2021, 3, 11, 9, 0), "hearing_drafted", {"by": "organiser"}))
    events += [
        Event(at(2021, 3, 15, 10, 5 * i), "topic_selected", {"topic": t.key, "by": "organiser"})
        for i, t in enumerate(TOPICS)
    ]
    events.append(Event(at(2021, 3, 18, 10, 0), "hearing_announced", {"by": "organiser"}))
    prepared = (
        ("health", "已备接种点位表和安全性说明一页纸。"),
        ("education", "已会同交警到校门口看过，放学时段车流统计随会携带。"),
        ("transport", "桥下用地权属图和四条线路末班时刻已备。"),
        ("enforcement", "桥下堆物现场照片已备。"),
        ("civil", "助餐点名册和午餐人次统计已备。"),
        ("housing", "等候区退让红线图已备。"),
        ("xinqi", "参会。"),
        ("xiapu", "参会，带桥下现场图。"),
        ("guoju", "参会，带弄堂积水点位图。"),
    )
    events += [
        Event(
            at(2021, 3, 22, 9 + i // 2, 20 + i % 2 * 25),
            "attendee_named",
            {
                "department": code,
                "person": DEPARTMENT_LOGINS[code],
                "text": text,
                "by": DEPARTMENT_LOGINS[code],
            },
        )
        for i, (code, text) in enumerate(prepared)
    ]
    events.append(
        Event(
            at(2021, 3, 24, 16, 40),
            "participant_answered",
            {"participant": DEPUTY["壬"], "answer": "declined", "text": "公务", "by": DEPUTY["壬"]},
        )
    )
    return events


def _night() -> Events:
    came: list[Event] = []
    minute = 0
    for person in PARTICIPANTS:
        if person.came == "on_leave":
            came.append(
                Event(
                    at(2021, 3, 25, 18, 30),
                    "participant_came",
                    {"participant": person.key, "came": "on_leave", "by": "organiser"},
                )
            )
        else:
            came.append(
                Event(
                    at(2021, 3, 25, 18, 30 + minute),
                    "participant_came",
                    {"participant": person.key, "came": "signed_in", "by": "organiser"},
                )
            )
            minute += 1
    came.sort(key=lambda event: event.at)
    events = [*came, Event(at(2021, 3, 25, 19, 0), "hearing_opened", {"by": "organiser"})]
    starts = {1: 8, 2: 24, 3: 38, 4: 52, 5: 66, 6: 78, 7: 90}
    for issue in ISSUES:
        clock = starts[issue.position]

        def moment(after: int, base: int = clock) -> Any:
            return at(2021, 3, 25, 19 + (base + after) // 60, (base + after) % 60)

        events.append(Event(moment(0), "issue_registered", {"issue": issue.position, "by": "organiser"}))
        for i in range(len(issue.exchanges)):
            events.append(
                Event(
                    moment(2 + 2 * i),
                    "exchange_added",
                    {"issue": issue.position, "exchange": i + 1, "by": "organiser"},
                )
            )
        events.append(
            Event(
                moment(9),
                "outcome_decided",
                {
                    "issue": issue.position,
                    "outcome": issue.outcome,
                    "answer_by": issue.answer_by,
                    "by": "organiser",
                },
            )
        )
        for i in range(len(issue.commitments)):
            events.append(
                Event(
                    moment(10),
                    "commitment_made",
                    {"issue": issue.position, "commitment": i + 1, "by": "organiser"},
                )
            )
    for issue in ISSUES:
        if issue.ballot:
            events.append(
                Event(
                    at(2021, 3, 25, 20, 48 + issue.position),
                    "ballot_counted",
                    {"issue": issue.position, "ballot": issue.ballot, "by": "organiser"},
                )
            )
    events.append(Event(at(2021, 3, 25, 21, 5), "hearing_concluded", {"by": "organiser"}))
    return events


def _assigning() -> Events:
    events: Events = []
    limit = date(2021, 6, 29)
    for position, department in _LEADS.items():
        rework = position == 5
        if rework:
            events.append(
                Event(
                    at(2021, 3, 29, 9, 30),
                    "rework_ordered",
                    {
                        "issue": 5,
                        "round": 2,
                        "due_on": date(2021, 4, 29),
                        "reason": "当晚测评不满意，重新办理，期限一个月。",
                        "by": "organiser",
                    },
                )
            )
        events.append(
            Event(
                at(2021, 3, 29, 10, position),
                "assigned",
                {
                    "issue": position,
                    "department": department,
                    "co": _CO[position],
                    "round": 2 if rework else 1,
                    "due_on": date(2021, 4, 29) if rework else limit,
                    "basis": "1 month" if rework else "3 months",
                    "by": "organiser",
                },
            )
        )
    events.append(
        Event(
            at(2021, 3, 29, 10, 30),
            "declined",
            {
                "issue": 7,
                "reason": "涉及正在审理的诉讼，依法不属代表提出和交办的范围。",
                "referral": "引导至法律援助和信访渠道，街道司法所已当面说明。",
                "by": "organiser",
            },
        )
    )
    for position, department in _LEADS.items():
        events.append(
            Event(
                at(2021, 3, 30, 9, 5 * position),
                "accepted",
                {"issue": position, "department": department, "by": DEPARTMENT_LOGINS[department]},
            )
        )
    events += [
        Event(at(2021, 3, 30, 10, 0), "minutes_drafted", {"text": HEARING.minutes, "by": "organiser"}),
        Event(at(2021, 3, 30, 14, 0), "minutes_reviewed", {"by": "organiser2"}),
        Event(
            at(2021, 3, 30, 16, 0),
            "minutes_published",
            {"issued_by": "李某某", "issued_on": date(2021, 3, 30), "by": "organiser"},
        ),
        Event(at(2021, 4, 2, 9, 0), "hearing_filed", {"by": "organiser"}),
    ]
    return events


def _spring() -> Events:
    """April and May, until the first look-back."""
    return [
        Event(
            at(2021, 4, 9, 16, 0),
            "done_reported",
            {
                "issue": 1,
                "commitment": 1,
                "text": "两个街道的村、社区宣讲全部完成，共开讲78场，家庭医生随网格员入户，发放一页纸说明2.6万份。",
                "evidence": ("宣讲场次登记表", "村民大会宣讲照片"),
                "by": _HEALTH,
            },
        ),
        Event(
            at(2021, 4, 12, 9, 30),
            "done_verified",
            {
                "issue": 1,
                "commitment": 1,
                "text": "抽查12个村社，宣讲记录与入户登记相符。",
                "by": "organiser",
            },
        ),
        Event(
            at(2021, 4, 16, 15, 0),
            "done_reported",
            {
                "issue": 3,
                "commitment": 1,
                "text": "桥下清出堆物46吨，无牌三轮车2辆已移交处置，场地平整完毕，附清理前后对比照片。",
                "evidence": ("清理前照片", "清理后照片"),
                "by": _TRANSPORT,
            },
        ),
        Event(
            at(2021, 4, 19, 10, 0),
            "done_verified",
            {"issue": 3, "commitment": 1, "text": "对照照片到现场看过，桥下已无堆物。", "by": "organiser"},
        ),
        Event(
            at(2021, 4, 20, 11, 0),
            "done_reported",
            {
                "issue": 2,
                "commitment": 1,
                "text": "校门两侧护学通道已划线，错峰放学自4月19日起实行，交警、学校、家长三方轮值表已张贴。",
                "evidence": ("护学通道照片", "轮值表"),
                "by": _EDUCATION,
            },
        ),
        Event(
            at(2021, 4, 20, 16, 30),
            "done_reported",
            {
                "issue": 4,
                "commitment": 1,
                "text": "古城弄堂排水沟清淤1.8公里，清出淤泥62立方米，松动石板31块作了临时加固。",
                "evidence": ("清淤施工照片",),
                "by": _GUOJU,
            },
        ),
        Event(
            at(2021, 4, 22, 9, 40),
            "done_verified",
            {
                "issue": 2,
                "commitment": 1,
                "text": "放学时段到现场看过，通道畅通，轮值到位。",
                "by": "organiser",
            },
        ),
        Event(
            at(2021, 4, 28, 15, 0),
            "replied",
            {
                "issue": 5,
                "department": "civil",
                "round": 2,
                "result_class": "B",
                "signed_by": "褚某某",
                "contact": "滕秀兰",
                "text": "经入户摸底，新碶街道有晚餐需求的独居老人112位。我局与街道商定，"
                "由助餐点中央厨房统一制作，"
                "5月31日前开通2处晚餐配送试点，每餐补助4元，腿脚不便的送餐上门，试点满三个月后评估推开。",
                "by": _CIVIL,
            },
        ),
        Event(
            at(2021, 4, 28, 15, 5),
            "commitment_made",
            {
                "issue": 5,
                "commitment": 1,
                "commitment_data": Commitment("开通2处晚餐配送试点", date(2021, 5, 31), "civil", ("xinqi",)),
                "by": _CIVIL,
            },
        ),
        Event(
            at(2021, 4, 30, 14, 0),
            "done_reported",
            {
                "issue": 1,
                "commitment": 2,
                "text": "新增临时接种点23处，清单已在区政府网站和村社公告栏公布，后续随接种进度继续增设。",
                "evidence": ("临时接种点清单",),
                "by": _HEALTH,
            },
        ),
        Event(
            at(2021, 4, 30, 15, 30),
            "replied",
            {
                "issue": 6,
                "department": "transport",
                "round": 1,
                "result_class": "C",
                "signed_by": "郑某某",
                "contact": "龚海涛",
                "text": "4月12日至25日在六家企业门口和四条线路实测，22时以后有乘车意愿的日均37人，"
                "分散在11个方向，"
                "延时后每班平均不足4人，目前不具备延时条件。已将企业拼车平台和夜间约车点位告知各企业工会。",
                "by": _TRANSPORT,
            },
        ),
        Event(
            at(2021, 4, 30, 15, 35),
            "done_reported",
            {
                "issue": 6,
                "commitment": 1,
                "text": "夜间客流调查结果已书面送达代表，附分线路、分时段统计表。",
                "evidence": ("夜间客流调查表",),
                "by": _TRANSPORT,
            },
        ),
        Event(
            at(2021, 5, 6, 9, 10),
            "done_verified",
            {"issue": 6, "commitment": 1, "text": "书面反馈已收到，数据齐全。", "by": "organiser"},
        ),
        Event(
            at(2021, 5, 6, 9, 20),
            "confirmation_asked",
            {"issue": 6, "deputy": DEPUTY["己"], "by": "organiser"},
        ),
        Event(
            at(2021, 5, 10, 20, 15),
            "confirmed",
            {
                "issue": 6,
                "deputy": DEPUTY["己"],
                "text": "数字我看了，也同工会的同志核过，确实人少分散。同意这个结论，以后人多了再提。",
                "by": DEPUTY["己"],
            },
        ),
        Event(
            at(2021, 5, 10, 20, 20),
            "explained",
            {"issue": 6, "text": "调查表明需求偏少，已书面说明，代表同意，解释答复办结。", "by": "organiser"},
        ),
        Event(at(2021, 5, 11, 9, 0), "hearing_drafted", {"meeting": LOOK_BACK.key, "by": "organiser"}),
        Event(at(2021, 5, 18, 9, 0), "hearing_announced", {"meeting": LOOK_BACK.key, "by": "organiser"}),
        Event(
            at(2021, 5, 20, 10, 0),
            "replied",
            {
                "issue": 1,
                "department": "health",
                "round": 1,
                "result_class": "A",
                "signed_by": "赵某某",
                "contact": "贺明珠",
                "text": "两项承诺均已完成：村社宣讲全覆盖，临时接种点增至31处并公布清单，"
                "行动不便老人由街道接送。"
                "接种点排队时间由两个小时降到半小时以内，后续按进度继续增设。",
                "by": _HEALTH,
            },
        ),
        Event(
            at(2021, 5, 21, 9, 0),
            "confirmation_asked",
            {"issue": 1, "deputy": DEPUTY["甲"], "by": "organiser"},
        ),
        Event(
            at(2021, 5, 24, 16, 0),
            "progress",
            {
                "issue": 3,
                "commitment": 2,
                "department": "transport",
                "text": "照明灯杆基础12处已浇筑，管线敷设约六成，车止石和公示牌已装好。",
                "by": _TRANSPORT,
            },
        ),
        Event(
            at(2021, 5, 25, 10, 0),
            "progress",
            {
                "issue": 5,
                "commitment": 1,
                "department": "civil",
                "text": "第1处晚餐配送试点5月24日开餐，首日供餐41份；第2处厨房验收尚未通过。",
                "by": _CIVIL,
            },
        ),
    ]


def _look_back() -> Events:
    key = LOOK_BACK.key
    events = [
        Event(
            at(2021, 5, 27, 14, 10 + i),
            "participant_came",
            {"meeting": key, "participant": p.key, "came": p.came, "by": "organiser"},
        )
        for i, p in enumerate(LOOK_BACK.participants)
    ]
    events += [
        Event(at(2021, 5, 27, 14, 30), "hearing_opened", {"meeting": key, "by": "organiser"}),
        Event(
            at(2021, 5, 27, 15, 20),
            "finding_recorded",
            {
                "issue": 4,
                "by": "organiser",
                "finding": Finding(
                    key,
                    "弄堂排水沟清淤到位，上周一场大雨后积水半天退尽；改造方案初稿已形成，正在听取居民和文保专家意见，距期限还有34天。",
                    "排水见效，方案要把旧石板编号复铺写进去。",
                    "住户说今年梅雨心里有底了，盼石板路早些修。",
                    "keep_tracking",
                    commitment=2,
                    evidence=("弄堂现场照片",),
                ),
            },
        ),
        Event(
            at(2021, 5, 27, 15, 25),
            "done_verified",
            {"issue": 4, "commitment": 1, "text": "代表现场看过，清淤到位。", "by": "organiser"},
        ),
        Event(
            at(2021, 5, 27, 15, 45),
            "finding_recorded",
            {
                "issue": 1,
                "by": "organiser",
                "finding": Finding(
                    key,
                    "宣讲全覆盖有记录可查，临时接种点31处已公布，现场打电话抽问5个村，老人知道到哪里打、什么时候人少。",
                    "两项承诺都做到了，同意销号。",
                    "接种点近了，排队短了，满意。",
                    "struck_off",
                    commitment=2,
                    evidence=("临时接种点公示照片",),
                ),
            },
        ),
        Event(
            at(2021, 5, 27, 15, 50),
            "done_verified",
            {"issue": 1, "commitment": 2, "text": "临时接种点已超过清单数，公示属实。", "by": "organiser"},
        ),
        Event(
            at(2021, 5, 27, 15, 55),
            "confirmed",
            {"issue": 1, "deputy": DEPUTY["甲"], "text": "老人们都说方便了，确认办结。", "by": DEPUTY["甲"]},
        ),
        Event(
            at(2021, 5, 27, 16, 0),
            "struck_off",
            {
                "issue": 1,
                "basis": "finding",
                "text": "回头看认定两项承诺完成，代表确认，予以销号。",
                "by": "organiser",
            },
        ),
        Event(
            at(2021, 5, 27, 16, 15),
            "finding_recorded",
            {
                "issue": 3,
                "by": "organiser",
                "finding": Finding(
                    key,
                    "桥下保持整洁，未见新的堆物；照明工程完成约60%，灯杆基础已做好，按6月30日的期限推进正常。",
                    "清理守得住，照明抓紧收尾。",
                    "白天敢走了，晚上还等着亮灯。",
                    "keep_tracking",
                    commitment=2,
                    evidence=("灯杆基础照片",),
                ),
            },
        ),
        Event(
            at(2021, 5, 27, 16, 30),
            "finding_recorded",
            {
                "issue": 5,
                "by": "organiser",
                "finding": Finding(
                    key,
                    "晚餐配送试点已开1处，另1处厨房改造未通过验收，离5月31日只剩4天。",
                    "请区民政局盯住第二处，不要拖过月底。",
                    "开了的那一处老人都说好，另一边的老人还在等。",
                    "keep_tracking",
                    commitment=1,
                ),
            },
        ),
        Event(at(2021, 5, 27, 16, 50), "hearing_concluded", {"meeting": key, "by": "organiser"}),
        Event(
            at(2021, 5, 31, 9, 0),
            "minutes_drafted",
            {"meeting": key, "text": LOOK_BACK.minutes, "by": "organiser"},
        ),
        Event(at(2021, 5, 31, 10, 0), "minutes_reviewed", {"meeting": key, "by": "organiser2"}),
        Event(
            at(2021, 5, 31, 15, 0),
            "minutes_published",
            {"meeting": key, "issued_by": "李某某", "issued_on": date(2021, 5, 31), "by": "organiser"},
        ),
        Event(at(2021, 5, 31, 16, 0), "hearing_filed", {"meeting": key, "by": "organiser"}),
    ]
    return events


def _summer() -> Events:
    return [
        Event(
            at(2021, 6, 1, 9, 0),
            "reminded",
            {
                "issue": 5,
                "commitment": 1,
                "department": "civil",
                "text": "第2处晚餐配送试点承诺5月31日前开通，已逾期1天，请说明原因并报完成日期。",
                "by": "organiser",
            },
        ),
        Event(
            at(2021, 6, 2, 14, 0),
            "progress",
            {
                "issue": 5,
                "commitment": 1,
                "department": "civil",
                "text": "第2处厨房排烟改造返工，预计6月18日开餐，期间由第1处代送。",
                "by": _CIVIL,
            },
        ),
        Event(
            at(2021, 6, 18, 18, 30),
            "done_reported",
            {
                "issue": 5,
                "commitment": 1,
                "text": "第2处晚餐配送试点今晚开餐，供餐36份，其中送餐上门9份；两处试点合计日均供餐80份。",
                "evidence": ("第2处试点开餐照片", "供餐登记表"),
                "by": _CIVIL,
            },
        ),
        Event(
            at(2021, 6, 21, 10, 0),
            "replied",
            {
                "issue": 5,
                "department": "civil",
                "round": 2,
                "result_class": "A",
                "signed_by": "褚某某",
                "contact": "滕秀兰",
                "text": "两处晚餐配送试点均已开通，覆盖新碶街道112位有需求的独居老人，"
                "费用由财政补助、老人自付和慈善资助共同负担。"
                "第二处比承诺晚了18天，我局已作检讨，并将晚餐供应写入助餐点运营合同。",
                "by": _CIVIL,
            },
        ),
        Event(
            at(2021, 6, 25, 10, 0),
            "replied",
            {
                "issue": 2,
                "department": "education",
                "round": 1,
                "result_class": "B",
                "signed_by": "吴某某",
                "contact": "柴文静",
                "text": "护学通道和错峰放学已落实。接送等候区方案经家长代表三轮讨论定稿，7月5日开工，"
                "8月31日前建成投用，建成后再次答复。",
                "by": _EDUCATION,
            },
        ),
        Event(
            at(2021, 6, 25, 14, 0),
            "replied",
            {
                "issue": 3,
                "department": "transport",
                "round": 1,
                "result_class": "B",
                "signed_by": "郑某某",
                "contact": "龚海涛",
                "text": "桥下空间已清理，车止石、公示牌已安装，照明工程进入调试，6月30日前亮灯并移交管护，"
                "完成后再次答复。",
                "by": _TRANSPORT,
            },
        ),
        Event(
            at(2021, 6, 25, 15, 0),
            "replied",
            {
                "issue": 4,
                "department": "guoju",
                "round": 1,
                "result_class": "B",
                "signed_by": "刘继承",
                "contact": "舒国良",
                "text": "排水沟已清淤，改造方案经居民议事会和文保专家审议修改，6月30日前定稿；"
                "第一段（南门内）列入今年下半年实施，其余纳入明年计划。",
                "by": _GUOJU,
            },
        ),
        Event(
            at(2021, 6, 30, 9, 0),
            "done_reported",
            {
                "issue": 3,
                "commitment": 2,
                "text": "桥下照明12盏全部亮灯，管护移交霞浦街道办事处，协议已签。",
                "evidence": ("夜间亮灯照片", "管护移交协议"),
                "by": _TRANSPORT,
            },
        ),
        Event(
            at(2021, 6, 30, 9, 30),
            "replied",
            {
                "issue": 3,
                "department": "transport",
                "round": 1,
                "result_class": "A",
                "signed_by": "郑某某",
                "contact": "龚海涛",
                "text": "清理和照明两项承诺均已完成，桥下空间由霞浦街道办事处日常管护，网格员每周巡查，"
                "公示牌写明责任人。",
                "by": _TRANSPORT,
            },
        ),
        Event(
            at(2021, 6, 30, 10, 0),
            "done_verified",
            {"issue": 3, "commitment": 2, "text": "核对亮灯照片和管护协议，承诺完成。", "by": "organiser"},
        ),
        Event(
            at(2021, 6, 30, 10, 5),
            "confirmation_asked",
            {"issue": 3, "deputy": DEPUTY["丙"], "by": "organiser"},
        ),
        Event(
            at(2021, 6, 30, 16, 0),
            "done_reported",
            {
                "issue": 4,
                "commitment": 2,
                "text": "古城弄堂改造方案定稿，共分四段，第一段自南门起长320米，旧石板编号复铺。",
                "evidence": ("弄堂改造方案",),
                "by": _GUOJU,
            },
        ),
        Event(
            at(2021, 6, 30, 19, 30),
            "confirmed",
            {
                "issue": 3,
                "deputy": DEPUTY["丙"],
                "text": "今晚去走了一遍，亮堂了，确认。",
                "by": DEPUTY["丙"],
            },
        ),
        Event(
            at(2021, 6, 30, 19, 40),
            "struck_off",
            {
                "issue": 3,
                "basis": "desk_check",
                "text": "凭照片、协议核验，代表确认，予以销号。",
                "by": "organiser",
            },
        ),
        Event(
            at(2021, 7, 2, 9, 0),
            "done_verified",
            {"issue": 4, "commitment": 2, "text": "方案文本已报备，文保部门意见齐全。", "by": "organiser"},
        ),
        Event(at(2021, 8, 20, 10, 0), "hearing_drafted", {"meeting": EVALUATION.key, "by": "organiser"}),
        Event(
            at(2021, 8, 31, 15, 0),
            "done_reported",
            {
                "issue": 2,
                "commitment": 2,
                "text": "接送等候区竣工，退让围墙3米，雨棚长46米，设座椅40个、低位照明18盏，9月1日开学启用。",
                "evidence": ("等候区竣工照片", "竣工验收单"),
                "by": _EDUCATION,
            },
        ),
        Event(
            at(2021, 9, 3, 10, 0),
            "replied",
            {
                "issue": 2,
                "department": "education",
                "round": 1,
                "result_class": "A",
                "signed_by": "吴某某",
                "contact": "柴文静",
                "text": "等候区已启用，开学三天秩序良好，两项承诺全部完成，轮值制度写入学校安全管理办法。",
                "by": _EDUCATION,
            },
        ),
        Event(at(2021, 9, 6, 9, 0), "hearing_announced", {"meeting": EVALUATION.key, "by": "organiser"}),
        Event(
            at(2021, 9, 6, 9, 30),
            "confirmation_asked",
            {"issue": 2, "deputy": DEPUTY["乙"], "by": "organiser"},
        ),
        Event(
            at(2021, 9, 6, 9, 31),
            "confirmation_asked",
            {"issue": 5, "deputy": DEPUTY["戊"], "by": "organiser"},
        ),
    ]


def _evaluation() -> Events:
    key = EVALUATION.key
    events = [
        Event(
            at(2021, 9, 16, 13, 35 + i),
            "participant_came",
            {"meeting": key, "participant": p.key, "came": p.came, "by": "organiser"},
        )
        for i, p in enumerate(EVALUATION.participants)
    ]
    events += [
        Event(at(2021, 9, 16, 14, 0), "hearing_opened", {"meeting": key, "by": "organiser"}),
        Event(
            at(2021, 9, 16, 14, 40),
            "finding_recorded",
            {
                "issue": 2,
                "by": "organiser",
                "finding": Finding(
                    key,
                    "护学通道畅通，错峰放学坚持至今，等候区9月1日启用，雨天家长有处可等。",
                    "校门口像样了，同意销号，建议向其他学校推开。",
                    "孩子出校门不再钻车缝，满意。",
                    "struck_off",
                    commitment=2,
                    evidence=("放学时段照片",),
                    preliminary_evaluation="人大新碶街道工委初步评估：承诺如期完成，措施实在，建议评为满意。",
                ),
            },
        ),
        Event(
            at(2021, 9, 16, 14, 45),
            "done_verified",
            {"issue": 2, "commitment": 2, "text": "会前实地看过，竣工资料齐全。", "by": "organiser"},
        ),
        Event(
            at(2021, 9, 16, 15, 10),
            "finding_recorded",
            {
                "issue": 3,
                "by": "organiser",
                "finding": Finding(
                    key,
                    "桥下空间整洁，照明正常，管护单位每周巡查，三个月未见反弹，办理成果得到巩固。",
                    "成果守住了，建议把经验用到其他高架桥下。",
                    "晚上走得安心。",
                    "struck_off",
                    commitment=2,
                    preliminary_evaluation="人大霞浦街道工委初步评估：已于6月30日销号，管护到位，不再测评。",
                ),
            },
        ),
        Event(
            at(2021, 9, 16, 15, 25),
            "finding_recorded",
            {
                "issue": 5,
                "by": "organiser",
                "finding": Finding(
                    key,
                    "两处晚餐配送试点运行三个月，日均供餐86份，老人按月续订率九成以上。",
                    "先难后成，同意销号，请把试点推到其他街道。",
                    "晚上有热饭吃了。",
                    "struck_off",
                    commitment=1,
                    evidence=("供餐统计表",),
                ),
            },
        ),
        Event(
            at(2021, 9, 16, 15, 30),
            "done_verified",
            {"issue": 5, "commitment": 1, "text": "供餐登记与现场相符。", "by": "organiser"},
        ),
        Event(
            at(2021, 9, 16, 15, 50),
            "reballot_counted",
            {"meeting": key, "issue": 2, "ballot": Ballot(ISSUED, 15, 3, 0, 0), "by": "organiser"},
        ),
        Event(
            at(2021, 9, 16, 15, 55),
            "reballot_counted",
            {"meeting": key, "issue": 5, "ballot": Ballot(ISSUED, 11, 6, 1, 0), "by": "organiser"},
        ),
        Event(
            at(2021, 9, 16, 16, 0),
            "confirmed",
            {"issue": 2, "deputy": DEPUTY["乙"], "text": "承诺兑现，确认办结。", "by": DEPUTY["乙"]},
        ),
        Event(
            at(2021, 9, 16, 16, 2),
            "confirmed",
            {
                "issue": 5,
                "deputy": DEPUTY["戊"],
                "text": "问过老人，都吃上了，确认办结。",
                "by": DEPUTY["戊"],
            },
        ),
        Event(
            at(2021, 9, 16, 16, 5),
            "struck_off",
            {"issue": 2, "basis": "finding", "text": "复评满意，代表确认，予以销号。", "by": "organiser"},
        ),
        Event(
            at(2021, 9, 16, 16, 6),
            "struck_off",
            {"issue": 5, "basis": "finding", "text": "复评满意，代表确认，予以销号。", "by": "organiser"},
        ),
        Event(at(2021, 9, 16, 16, 20), "hearing_concluded", {"meeting": key, "by": "organiser"}),
        Event(
            at(2021, 9, 22, 9, 0),
            "minutes_drafted",
            {"meeting": key, "text": EVALUATION.minutes, "by": "organiser"},
        ),
        Event(at(2021, 9, 22, 10, 0), "minutes_reviewed", {"meeting": key, "by": "organiser2"}),
        Event(
            at(2021, 9, 22, 15, 0),
            "minutes_published",
            {"meeting": key, "issued_by": "张某某", "issued_on": date(2021, 9, 22), "by": "organiser"},
        ),
        Event(at(2021, 9, 22, 16, 0), "hearing_filed", {"meeting": key, "by": "organiser"}),
    ]
    return events


FIGURES = (
    Figure("增设临时接种点", "50", "处", date(2021, 12, 31), "区卫生健康局", "余"),
    Figure("单日疫苗接种量", "1.3", "万针次", date(2021, 12, 31), "区卫生健康局", "最高"),
    Figure("接种人数", "46.15", "万人", date(2021, 12, 31), "区卫生健康局", "超"),
    Figure("目标人群接种比例", "65", "%", date(2021, 12, 31), "区卫生健康局", "超"),
)


def _across_the_years() -> Events:
    """Lane improvement slips into 2022; the vaccination figures come in after striking off."""
    return [
        Event(
            at(2021, 12, 27, 9, 30),
            "extension_asked",
            {
                "issue": 4,
                "commitment": 3,
                "new_due_on": date(2022, 6, 30),
                "reason": "施工中发现地下古排水涵，须由文保部门勘察后调整做法，第一段年内只能完成约一半。",
                "by": _GUOJU,
            },
        ),
        Event(
            at(2021, 12, 29, 15, 0),
            "extension_granted",
            {
                "issue": 4,
                "commitment": 3,
                "text": "情况属实，同意延至2022年6月30日，跨年跟踪。",
                "by": "organiser",
            },
        ),
        Event(
            at(2021, 12, 31, 15, 0),
            "progress",
            {
                "issue": 4,
                "commitment": 3,
                "department": "guoju",
                "text": "第一段部分完成：南门内165米石板复铺完毕，排水涵勘察报告已出，其余155米跨年实施。",
                "by": _GUOJU,
            },
        ),
        *(
            Event(at(2022, 1, 10, 10, 5 * i), "figure_added", {"issue": 1, "figure": figure, "by": "organiser"})
            for i, figure in enumerate(FIGURES)
        ),
        Event(
            at(2022, 4, 15, 10, 0),
            "progress",
            {
                "issue": 4,
                "commitment": 3,
                "department": "guoju",
                "text": "排水涵修复完成，第一段其余155米4月18日复工。",
                "by": _GUOJU,
            },
        ),
        Event(
            at(2022, 6, 30, 9, 0),
            "done_reported",
            {
                "issue": 4,
                "commitment": 3,
                "text": "第一段320米全部完成，旧石板复铺率92%，排水涵恢复通水，一场梅雨未见积水。",
                "evidence": ("第一段竣工照片", "文保部门验收意见"),
                "by": _GUOJU,
            },
        ),
        Event(
            at(2022, 6, 30, 9, 30),
            "replied",
            {
                "issue": 4,
                "department": "guoju",
                "round": 1,
                "result_class": "A",
                "signed_by": "刘继承",
                "contact": "舒国良",
                "text": "清淤、方案、第一段实施三项承诺均已完成，其余三段已列入街道年度计划。",
                "by": _GUOJU,
            },
        ),
        Event(
            at(2022, 6, 30, 10, 30),
            "done_verified",
            {"issue": 4, "commitment": 3, "text": "现场看过，石板平稳，排水通畅。", "by": "organiser"},
        ),
        Event(
            at(2022, 6, 30, 10, 35),
            "confirmation_asked",
            {"issue": 4, "deputy": DEPUTY["丁"], "by": "organiser"},
        ),
        Event(
            at(2022, 6, 30, 15, 0),
            "confirmed",
            {
                "issue": 4,
                "deputy": DEPUTY["丁"],
                "text": "弄堂修好了，样子没变，确认办结。",
                "by": DEPUTY["丁"],
            },
        ),
        Event(
            at(2022, 6, 30, 15, 20),
            "struck_off",
            {
                "issue": 4,
                "basis": "desk_check",
                "text": "三项承诺完成，代表确认，予以销号。",
                "by": "organiser",
            },
        ),
    ]


SESSION_9 = Example(
    HEARING,
    (LOOK_BACK, EVALUATION),
    tuple(
        sorted(
            [
                *_before(),
                *_night(),
                *_assigning(),
                *_spring(),
                *_look_back(),
                *_summer(),
                *_evaluation(),
                *_across_the_years(),
            ],
            key=lambda event: event.at,
        )
    ),
)
"""Sorting is stable, so what happens in one minute keeps the order in which it is written here."""
