"""Papers after a hearing: compared whole, measured on the page, refused in a sentence, the same in both languages."""

import io
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from flask_babel import force_locale
from PIL import Image
from sqlalchemy import select, update
from werkzeug.datastructures import FileStorage

from hearings import audit, files
from hearings.db import LOCAL, clock_at, db, today
from hearings.documents import pdf, render
from hearings.errors import RuleBroken
from hearings.issues import operations as issues
from hearings.issues.limits import basis_on_paper
from hearings.issues.models import Assignment, Commitment, ExchangeKind, Issue, Outcome, Progress, Reply, ResultClass
from hearings.papers import after, pages, queries
from hearings.people.models import Department, User
from hearings.reviews import operations as reviews
from hearings.reviews.models import Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import Came, Capacity, HearingKind
from tests import factories
from tests.documents import measure


@pytest.fixture(scope="module", autouse=True)
def _no_child_left() -> Any:
    yield
    pdf.close()


def at(month: int, day: int, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(2021, month, day, hour, minute, tzinfo=LOCAL)


def photo(colour: str = "red") -> FileStorage:
    out = io.BytesIO()
    Image.new("RGB", (80, 60), colour).save(out, "JPEG")
    out.seek(0)
    return FileStorage(out, filename="桥下.jpg")


@pytest.fixture
def story(world: Any) -> SimpleNamespace:
    """The evening of 25 March 2021: one trouble of a resident put by a deputy, two promises, handed over on the 29th."""
    w, o = world, world.organiser
    with clock_at(at(3, 18)):
        hearing = schedule.draft_hearing(
            title="家门口的民生小事", station=w.station, chair=w.leader, actor=o, **factories.evening(date(2021, 3, 25))
        )
        for person in (w.deputy, w.other_deputy):
            schedule.add_person(hearing, person, actor=o)
        schedule.add_department(hearing, w.bureau, actor=o)
        schedule.announce(hearing, actor=o)
    with clock_at(at(3, 25, 19)):
        schedule.open_session(hearing, actor=o)
        issue = issues.log_issue(
            hearing,
            title="霞浦铁路桥下堆物、夜间无灯",
            statement="陈某某（13812345678）说：桥下堆物，夜间无灯",
            resident="陈某某",
            community="明州社区",
            lead_deputy=w.deputy,
            actor=o,
        )
        issues.add_exchange(issue, ExchangeKind.ANSWER, "先清理、后亮灯。", department=w.bureau, actor=o)
        issues.decide_outcome(issue, Outcome.TIME_LIMITED, actor=o)
        cleared, lit = (
            issues.make_commitment(issue, measure=m, lead=w.bureau, due_on=d, co_handlers=[w.other_bureau], actor=o)
            for m, d in (("清理桥下空间", date(2021, 4, 16)), ("安装照明并移交管护", date(2021, 6, 30)))
        )
        schedule.conclude(hearing, actor=o)
        db.session.commit()
    with clock_at(at(3, 29)):
        lead, helper = issues.assign(issue, lead=w.bureau, co_handlers=[w.other_bureau], actor=o)
        db.session.commit()
    return SimpleNamespace(
        w=w,
        o=o,
        hearing=hearing,
        issue=issue,
        cleared=cleared,
        lit=lit,
        lead=lead,
        helper=helper,
        official=w.department,
    )


FRAME = {"language": "zh-CN", "organisation": "北仑区人大常委会", "single_sided": False}
OFFICE = "北仑区人大常委会办公室"
B6 = "　" * 6


def printed(content: Any) -> str:
    """All words of a dict."""
    if isinstance(content, dict):
        return "".join(printed(v) for v in content.values())
    if isinstance(content, list):
        return "".join(printed(v) for v in content)
    return str(content)


def test_the_assignment_sheet_says_all_a_department_needs(story: Any) -> None:
    basis = basis_on_paper(story.lead.due_basis)
    assert after.assignment_sheet(story.lead) == FRAME | {
        "title": "第1期人大代表民生夜询会问题交办单",
        "code": "1-01",
        "summary": [
            ["承办单位", "区交通运输局（主办）"],
            ["交办日期", "2021年3月29日"],
            [
                "问题来源",
                "第1期人大代表民生夜询会（2021年3月25日，新碶街道人大代表联络站），选民代表提出（代表甲代为提出）",
            ],
            ["问题摘要", ["关于霞浦铁路桥下堆物、夜间无灯的问题", "选民（（号码略））说：桥下堆物，夜间无灯。"]],
            ["具体要求", ["按照会上承诺的措施和时限办理，落实责任人，办理结果书面答复提出问题的代表。"]],
            ["会办单位", "区教育局"],
            ["承诺措施1", "2021年4月16日前清理桥下空间（区交通运输局；区教育局配合）。"],
            ["承诺措施2", "2021年6月30日前安装照明并移交管护（区交通运输局；区教育局配合）。"],
            ["办结时限", f"2021年6月29日前（{basis}）"],
            [
                "反馈要求",
                [
                    f"以答复函答复提出问题的代表，附征询意见表，注明联系人和联系电话，抄送{OFFICE}。",
                    "答复函首页右上角注明办理结果类别：A 已解决或基本解决；B 部分解决或列入计划逐步解决；"
                    "C 因条件、能力所限近期尚不能解决；D 未被采纳或留作参考。",
                    "承诺事项未完成的，完成后再次答复。不能按期完成的，到期前书面申请延期。",
                    "不属本单位职责的，2021年4月6日前书面说明理由退回；期满未退回的视为签收。",
                ],
            ],
            ["签　　收", [f"签收人：{B6}{B6}签收时间：　　年　　月　　日　　时", "有无异议：□无　　□有："]],
            ["经 办 人", "周某某　联系电话："],
        ],
        "signature": {"organ": OFFICE, "date": "2021年3月29日", "sealed": True},
        "receipt": {
            "title": f"回　执　联（签收后裁下，送{OFFICE}）",
            "rows": [
                ["交 办 单", "1-01　霞浦铁路桥下堆物、夜间无灯"],
                ["承办单位", "区交通运输局"],
                ["签收人", f"{B6}{B6}联系电话："],
                ["签收时间", "　　　　年　　月　　日　　时"],
                ["有无异议", "□无　　□有："],
            ],
        },
    }


def test_a_co_handler_is_told_whom_it_helps_and_where_its_opinion_goes(story: Any) -> None:
    rows = dict(after.assignment_sheet(story.helper)["summary"])
    assert rows["承办单位"] == "区教育局（会办）"
    assert rows["主办单位"] == "区交通运输局"
    assert rows["具体要求"] == ["配合主办单位办理，按照承诺的措施和时限完成本单位承担的工作。"]
    assert rows["反馈要求"] == [
        f"会办意见书面送主办单位汇总答复，注明联系人和联系电话，抄送{OFFICE}。",
        "不属本单位职责的，2021年4月6日前书面说明理由退回；期满未退回的视为签收。",
    ]


def test_the_sheet_says_how_it_was_taken(story: Any) -> None:
    with clock_at(at(3, 30)):
        issues.accept_assignment(story.lead, actor=story.official)
        issues.return_assignment(story.helper, reason="不属于本局职责", actor=story.w.other_department)
        db.session.commit()
    assert dict(after.assignment_sheet(story.lead)["summary"])["签　　收"] == ["郑某某　2021年3月30日（在系统中签收）"]
    assert dict(after.assignment_sheet(story.helper)["summary"])["签　　收"] == [
        "2021年3月30日退回，理由：不属于本局职责。"
    ]


def test_the_sheet_of_a_new_round_asks_for_what_is_left(story: Any) -> None:
    s = story
    with clock_at(at(4, 1)):
        issues.accept_assignment(s.lead, actor=s.official)
    with clock_at(at(4, 20, 9)):
        issues.verify_commitment(s.cleared, actor=s.o)
    with clock_at(at(4, 20, 15)):
        issues.rework(s.issue, reason="灯还没有亮。", actor=s.o)
        db.session.commit()
        again = max((a for a in db.session.scalars(select(Assignment)) if a.round == 2), key=lambda a: a.part == "lead")
        words = printed(after.assignment_sheet(again))
        assert "安装照明" in words and "清理桥下空间" not in words, "what was kept that morning is not asked for again"
        assert "退回" not in words and "重新办理的，由原承办单位继续承办。" in words
        issues.verify_commitment(s.lit, actor=s.o)
    with clock_at(at(4, 21)):
        issues.rework(s.issue, reason="又暗了。", actor=s.o)
        db.session.commit()
        third = max((a for a in db.session.scalars(select(Assignment)) if a.round == 3), key=lambda a: a.part == "lead")
        assert "此前承诺的措施已报完成，按本次要求重新办理。" in printed(after.assignment_sheet(third))


def test_a_returned_sheet_names_who_held_it_then(story: Any) -> None:
    s = story
    with clock_at(at(3, 30)):
        issues.return_assignment(s.lead, reason="不属本单位职责。", actor=s.official)
        issues.assign(s.issue, lead=s.w.street_office, actor=s.o)
        db.session.commit()
    assert s.w.street_office.name not in printed(after.assignment_sheet(s.lead))


def test_a_moved_date_is_told_beside_the_first_one(story: Any) -> None:
    with clock_at(at(6, 20)):
        asked = issues.ask_extension(
            story.lit, new_due_on=date(2021, 8, 31), reason="灯具到货推迟", actor=story.official
        )
        issues.grant_extension(asked, actor=story.o)
        db.session.commit()
    assert dict(after.assignment_sheet(story.lead)["summary"])["承诺措施2"] == (
        "2021年6月30日前安装照明并移交管护（区交通运输局；区教育局配合）（经批准延期至2021年8月31日）。"
    )


def test_marks_inside_marks_are_single_ones(story: Any) -> None:
    reply = answered(story)
    story.issue.title = "建设“儿童友好型学校”"
    db.session.commit()
    letter = after.reply_letter(reply)
    assert "提出的“建设‘儿童友好型学校’”（编号" in printed(letter)
    assert letter["title"] == "关于建设“儿童友好型学校”的问题的答复"


def test_no_paper_names_the_resident(story: Any) -> None:
    reply = answered(story)
    report = looked_back(story)
    for content in (
        after.assignment_sheet(story.lead),
        after.assignment_sheet(story.helper),
        after.reply_letter(reply),
        after.feedback_form(reply),
        after.ballot_paper(story.hearing),
        after.look_back_report(report),
    ):
        words = printed(content)
        assert [w for w in ("陈某某", "明州社区", "13812345678") if w in words] == []


# -- supervision ---------------------------------------------------------------------------------------


def test_the_supervision_sheet_counts_days_and_tells_what_was_said_before(story: Any) -> None:
    with clock_at(at(4, 19)):
        audit.record("assignment.remind", story.lead, story.o, reason="请抓紧清理")
        db.session.commit()
    with clock_at(at(4, 16)):
        asked = issues.ask_extension(
            story.cleared, new_due_on=date(2021, 5, 10), reason="场地被占", actor=story.official
        )
        db.session.commit()
    with clock_at(at(4, 26)):
        issues.refuse_extension(asked, reason="应按期完成", actor=story.o)
        db.session.commit()
        made = after.supervision_sheet(story.lead)
        assert after.supervision_sheet(story.lead, new_limit=date(2021, 5, 7)) == made | {
            "summary": [r if r[0] != "新 时 限" else ["新 时 限", "2021年5月7日前"] for r in made["summary"]]
        }
    assert made == FRAME | {
        "title": "第1期人大代表民生夜询会问题督办单",
        "code": "1-01（督办）",
        "summary": [
            ["督办对象", "区交通运输局（主办）"],
            [
                "交 办 单",
                f"1-01号，2021年3月29日交办，办结时限2021年6月29日（{basis_on_paper(story.lead.due_basis)}）",
            ],
            ["问　　题", "关于霞浦铁路桥下堆物、夜间无灯的问题"],
            # 25 April 2021 is a Sunday that was worked
            ["逾期事项", ["1. 清理桥下空间：时限2021年4月16日，已逾期10天（自然日），合7个工作日。"]],
            ["此前催办", ["2021年4月19日催办（周某某）：请抓紧清理。"]],
            ["延期情况", ["“清理桥下空间”由2021年4月16日延至2021年5月10日，未批准；理由：场地被占。"]],
            ["督办要求", "请说明逾期原因，落实责任人和措施，在新时限前完成，并书面报告结果。"],
            ["新 时 限", "　　　　年　　月　　日前"],
            ["经 办 人", f"{B6}　联系电话："],
            ["领导批示", ["　", "　", "　", "　", f"签名：{B6}　　　年　　月　　日"]],
        ],
        "signature": {"organ": OFFICE, "date": "2021年4月26日", "sealed": True},
        "receipt": {
            "title": f"回　执　联（签收后裁下，送{OFFICE}）",
            "rows": [
                ["督办单编号", "1-01（督办）"],
                ["督办对象", "区交通运输局"],
                ["签收人", f"{B6}{B6}联系电话："],
                ["签收时间", "　　　　年　　月　　日　　时"],
            ],
        },
    }


def test_without_anything_overdue_there_is_no_supervision(story: Any) -> None:
    with clock_at(at(4, 16)):  # the day itself still counts
        assert after.why_not_supervised(story.lead)
        with pytest.raises(RuleBroken):
            after.supervision_sheet(story.lead)
    with clock_at(at(4, 17)):
        assert after.why_not_supervised(story.lead) is None
        assert after.why_not_supervised(story.helper), "a co-handler does not owe the lead's promise"
    with clock_at(at(6, 30)):
        late = dict(after.supervision_sheet(story.lead)["summary"])["逾期事项"]
    assert late == [
        "1. 书面答复提出问题的代表：时限2021年6月29日，已逾期1天（自然日），合1个工作日。",
        "2. 清理桥下空间：时限2021年4月16日，已逾期75天（自然日），合51个工作日。",
    ]


# -- letters -------------------------------------------------------------------------------------------


def answered(story: Any, **details: Any) -> Reply:
    """The lead's first reply, class B, of 25 June."""
    with clock_at(at(4, 16)):
        issues.accept_assignment(story.lead, actor=story.official, by_silence=True)
        issues.report_done(story.cleared, report="已清理", actor=story.official)
        issues.verify_commitment(story.cleared, actor=story.o)
        db.session.commit()
    with clock_at(at(6, 25)):
        reply = issues.reply(
            story.lead,
            **{
                "result_class": ResultClass.B,
                "text": "桥下已清理。\n照明正在招标。",
                "next_step": "加快招标。",
                "signed_by": "郑某某",
                "contact": "林某，0574-00000000",
                "met_deputy": True,
                "actor": story.official,
            }
            | details,
        )
        db.session.commit()
    return reply


FORM = {
    "columns": ["项　目", "内　容"],
    "widths": [25, 75],
    "rows": [
        ["问　　题", "1-01　霞浦铁路桥下堆物、夜间无灯"],
        ["提出代表", "代表甲"],
        ["答　　复", "区交通运输局，2021年6月25日"],
        ["办理结果类别", "B　部分解决或列入计划逐步解决"],
        ["是否当面沟通", "□是　　□否"],
        ["对办理工作", "□满意　　□基本满意　　□不满意"],
        ["对办理结果", "□满意　　□基本满意　　□不满意"],
        ["意见和建议", ""],
        ["", ""],
        ["", ""],
        ["代表签名", ""],
        ["日　　期", "　　　　年　　月　　日"],
    ],
    "note": "注：对办理结果不满意的，请写明理由，有关单位将重新办理并再次答复。",
    "tall": True,
}


def test_the_letter_says_what_was_done_and_what_comes_next(story: Any) -> None:
    reply = answered(story)
    expected = FRAME | {
        "title": "关于霞浦铁路桥下堆物、夜间无灯的问题的答复",
        "letter": "B",
        "code": "1-01",
        "addressee": "代表甲：",
        "paragraphs": [
            "您代选民在第1期人大代表民生夜询会上提出的“霞浦铁路桥下堆物、夜间无灯”（编号1-01）收悉。现答复如下："
        ],
        "sections": [
            {
                "heading": "一、办理情况",
                "paragraphs": ["桥下已清理。", "照明正在招标。", "办理过程中，已与代表当面沟通。"],
            },
            {
                "heading": "二、下一步工作",
                "paragraphs": [
                    "加快招标。",
                    "1. 2021年6月30日前安装照明并移交管护（区交通运输局；区教育局配合）。",
                    f"感谢您对这项工作的关心和支持。请填写所附征询意见表，收到之日起15个工作日内送{OFFICE}。",
                ],
            },
        ],
        "signature": {"organ": "区交通运输局", "date": "2021年6月25日", "sealed": True},
        "remark": "签发人：郑某某　联系人及电话：林某，0574-00000000",
        "cc": [OFFICE, "区政府办公室", "区教育局"],
        "issuer": "区交通运输局",
        "issued_on": "2021年6月25日",
        "attachments": [{"title": "办理情况征询意见表"} | FORM],
    }
    assert after.reply_letter(reply) == expected
    with clock_at(at(6, 28)):  # a later change does not rewrite the letter
        asked = issues.ask_extension(story.lit, new_due_on=date(2021, 8, 31), reason="推迟", actor=story.official)
        issues.grant_extension(asked, actor=story.o)
    with clock_at(at(8, 30)):
        issues.report_done(story.lit, report="已亮灯", actor=story.official)
        issues.verify_commitment(story.lit, actor=story.o)
        db.session.commit()
    db.session.expire_all()
    assert after.reply_letter(reply) == expected


def test_the_last_letter_owes_nothing(story: Any) -> None:
    answered(story)
    with clock_at(at(6, 29)):
        issues.report_done(story.lit, report="已亮灯", actor=story.official)
        last = issues.reply(
            story.lead, result_class=ResultClass.A, text="已亮灯。", signed_by="郑某某", actor=story.official
        )
        db.session.commit()
    letter = after.reply_letter(last)
    assert after.latest_reply(story.lead) is last
    assert letter["sections"] == []
    assert letter["paragraphs"][1:] == [
        "已亮灯。",
        f"感谢您对这项工作的关心和支持。请填写所附征询意见表，收到之日起15个工作日内送{OFFICE}。",
    ]
    assert letter["letter"] == "A"
    assert letter["remark"] == f"签发人：郑某某　联系人：{B6}　联系电话：{B6}"


def test_a_co_handler_writes_to_the_lead(story: Any) -> None:
    with clock_at(at(4, 10)):
        reply = issues.reply(
            story.helper, result_class=ResultClass.A, text="配合划线。", signed_by="吴某某", actor=story.o
        )
        db.session.commit()
    letter = after.reply_letter(reply)
    assert letter["title"] == "关于霞浦铁路桥下堆物、夜间无灯的问题的会办意见"
    assert letter["addressee"] == "区交通运输局："
    assert letter["paragraphs"] == [
        "第1期人大代表民生夜询会1-01号问题（霞浦铁路桥下堆物、夜间无灯）由区交通运输局主办、我单位会办。"
        "现提出会办意见如下：",
        "配合划线。",
    ]
    assert "attachments" not in letter
    assert after.why_no_letter(story.helper) is None
    assert after.why_no_form(story.helper), "nobody asks a deputy about it"
    assert letter["sections"] == []


def test_the_feedback_form_stands_alone_too(story: Any) -> None:
    assert after.feedback_form(answered(story)) == FRAME | {
        "title": "办理情况征询意见表",
        "code": "1-01",
        "paragraphs": [f"请在相应的□内打“√”，收到答复之日起15个工作日内送{OFFICE}。"],
        "tables": [FORM],
    }


# -- ballots -------------------------------------------------------------------------------------------


def test_the_ballot_paper_asks_of_topics_and_then_of_issues(story: Any) -> None:
    expected = FRAME | {
        "title": "第1期人大代表民生夜询会满意度测评票",
        "paragraphs": [
            "2021年3月25日　　新碶街道人大代表联络站",
            "填写说明：本票不记名。对每个问题的答复情况，在“满意”“基本满意”“不满意”中选一项，在□内打“√”；"
            "一项未选或者选了两项以上的，该问题按废票计。填好后投入票箱。",
        ],
        "tables": [
            {
                "columns": ["编号", "测评事项", "答复单位", "满意", "基本满意", "不满意"],
                "widths": [9, 36, 24, 10, 11, 10],
                "rows": [["01", "霞浦铁路桥下堆物、夜间无灯", "区交通运输局", "□", "□", "□"]],
                "tall": True,
            }
        ],
    }
    assert after.ballot_paper(story.hearing) == expected
    coming = story.w.hearing("announced")
    assert after._why_no_ballot(queries.state(coming))
    with pytest.raises(RuleBroken):
        after.ballot_paper(coming)
    schedule.add_topic(
        title="末班公交延时。", departments=[story.w.bureau], street="新碶", hearing=coming, actor=story.o
    )
    db.session.commit()
    assert after._why_no_ballot(queries.state(coming)) is None
    assert after.ballot_paper(coming)["tables"][0]["rows"] == [["01", "末班公交延时", "区交通运输局", "□", "□", "□"]]


def test_what_was_not_accepted_is_not_voted_on(story: Any) -> None:
    with clock_at(at(3, 25, 20)):
        refused = issues.log_issue(story.hearing, statement="合同诉讼的事", title="合同诉讼", actor=story.o)
        issues.decide_outcome(refused, Outcome.NOT_ACCEPTED, note="走司法渠道", actor=story.o)
        db.session.commit()
    assert [row[0] for row in after.ballot_paper(story.hearing)["tables"][0]["rows"]] == ["01"]


def test_the_result_prints_the_rule_that_gave_it(story: Any) -> None:
    with pytest.raises(RuleBroken):
        after.ballot_result(story.hearing)
    assert after._why_no_result(queries.state(story.hearing))
    counted(story, satisfied=8, mostly_satisfied=8, dissatisfied=2, issued=18)
    assert after.ballot_result(story.hearing) == FRAME | {
        "title": "第1期人大代表民生夜询会满意度测评结果表",
        "paragraphs": [
            "2021年3月25日，第1期人大代表民生夜询会在新碶街道人大代表联络站对1个问题进行无记名测评，结果为基本满意1个。"
        ],
        "tables": [
            {
                "title": None,
                "columns": ["编号", "问题", "答复单位", "发出", "满意", "基本 满意", "不满意", "废票", "结果"],
                "widths": [8, 32, 20, 6, 6, 6, 8, 6, 8],
                "rows": [["01", "霞浦铁路桥下堆物、夜间无灯", "区交通运输局", 18, 8, 8, 2, 0, "基本满意"]],
                "note": "注：计票规则：以发出票数（18）为基数，“满意”票达到半数（9票）的为满意；不足的，"
                "“满意”和“基本满意”票合计达到半数的为基本满意；其余为不满意。",
            }
        ],
        "remark": f"监票人：{B6}　计票人：{B6}",
    }


def counted(story: Any, **counts: Any) -> None:
    with clock_at(at(3, 25, 20, 30)):
        reviews.record_ballot(story.hearing, story.issue, actor=story.o, **counts)
        db.session.commit()


# -- look-back -----------------------------------------------------------------------------------------


def looked_back(story: Any, *, pictures: int = 1, percent: int | None = 60) -> Any:
    """A look-back of 27 May: one promise kept, one on its way with a new date."""
    w, o = story.w, story.o
    if story.lead.accepted_at is None:
        with clock_at(at(4, 16)):
            issues.accept_assignment(story.lead, actor=story.official)
            issues.report_done(story.cleared, report="已清理", actor=story.official)
            issues.verify_commitment(story.cleared, actor=o)
            db.session.commit()
    with clock_at(at(5, 20)):
        made = schedule.draft_hearing(
            title="第1期夜询会问题回头看",
            kind=HearingKind.LOOK_BACK,
            station=w.station,
            chair=w.leader,
            follows=story.hearing,
            actor=o,
            **factories.evening(date(2021, 5, 27)),
        )
        deputy = schedule.add_person(made, w.deputy, actor=o)
        residents = schedule.add_guest(
            made, capacity=Capacity.RESIDENT, listed="in_attendance", name="陈某某", seats=3, actor=o
        )
        reviews.carry_in(made, [story.issue], actor=o)
        schedule.announce(made, actor=o)
        db.session.commit()
    with clock_at(at(5, 27, 19)):
        schedule.open_session(made, actor=o)
        for seat in (deputy, residents):
            schedule.sign_in(seat, Came.SIGNED_IN, actor=o)
        kept = [files.store(photo(c), actor=o) for c in ("red", "green", "blue")[:pictures]]
        reviews.record_finding(
            made,
            story.issue,
            commitment=story.lit,
            found="陈某某家门口已立杆，灯未亮",
            deputy_opinion="进度可以",
            resident_opinion="盼早点亮",
            percent=percent,
            verdict=Verdict.KEEP_TRACKING,
            new_due_on=date(2021, 7, 15),
            files=kept,
            actor=o,
        )
        db.session.commit()
    with clock_at(at(5, 27, 21)):
        schedule.conclude(made, actor=o)
        db.session.commit()
    return made


def test_no_percentage_put_down_is_not_nothing_done() -> None:
    assert after._moved([None, None]) is None
    assert after._moved([None, 0]) is False
    assert after._moved([0, None, 100]) is True


def test_the_report_counts_apart_what_nobody_put_a_number_to(story: Any) -> None:
    made = looked_back(story, percent=None)
    db.session.execute(update(Progress).values(percent=None))
    db.session.execute(update(Commitment).values(status="open", closed_at=None, reported_at=None))
    told = after.look_back_report(made)["sections"][0]
    assert "推进0个、未动0个、进度未注明1个" in told["paragraphs"][0]
    assert told["tables"][0]["columns"] == ["总数", "销号", "推进", "未动", "进度未注明", "未查看"]
    assert told["tables"][0]["rows"] == [[1, 0, 0, 0, 1, 0]]


def test_the_report_tells_promise_state_opinions_and_verdict(story: Any) -> None:
    made = looked_back(story)
    report = after.look_back_report(made)
    (picture,) = report["sections"][3]["pictures"]
    expected = FRAME | {
        "title": "第1期人大代表民生夜询会问题回头看报告",
        "summary": [
            ["时　　间", "2021年5月27日"],
            ["地　　点", made.place],
            ["主　　持", "主任张某某"],
            ["对　　象", "第1期人大代表民生夜询会问题1个"],
            ["方　　式", "现场回头看"],
            ["出　　席", "区人大代表代表甲"],
            ["列　　席", "选民代表3名"],
        ],
        "sections": [
            {
                "heading": "一、总体情况",
                "paragraphs": ["本次共列入问题1个，其中销号0个、推进1个、未动0个。结论为继续跟踪1个。逐项情况见附件。"],
                "tables": [
                    {
                        "columns": ["总数", "销号", "推进", "未动", "未查看"],
                        "rows": [[1, 0, 1, 0, 0]],
                        "note": "注：“推进”指未销号但已有进度的，“未动”指进度为零的。",
                    }
                ],
            },
            {
                "heading": "二、存在问题",
                "paragraphs": ["1. 1-01霞浦铁路桥下堆物、夜间无灯：尚有1项承诺未完成。"],
            },
            {
                "heading": "三、下一步工作",
                "paragraphs": [
                    "1. 1-01：“安装照明并移交管护”继续跟踪，由区交通运输局在2021年7月15日前完成。",
                    "未销号的问题继续跟踪，列入下次回头看；已销号的问题由提出代表确认后归档，出现反弹的重新办理。",
                ],
            },
            {
                "heading": "四、现场照片",
                "paragraphs": [],
                "pictures": [{"sha256": picture["sha256"], "caption": "图1　1-01　霞浦铁路桥下堆物、夜间无灯"}],
            },
        ],
        "attachments": [
            {
                "title": "回头看情况表",
                "columns": ["问题", "原承诺", "现状", "佐证", "代表意见", "群众意见", "结论", "新时限"],
                "widths": [15, 22, 22, 9, 11, 11, 8, 9],
                "rows": [
                    [
                        "1-01 霞浦铁路桥下堆物、夜间无灯",
                        "2021年6月30日前安装照明并移交管护（区交通运输局）。",
                        "“安装照明并移交管护”：选民家门口已立杆，灯未亮（完成60%）。",
                        "图1",
                        "进度可以。",
                        "盼早点亮。",
                        "继续跟踪",
                        "2021-07-15",
                    ]
                ],
                "landscape": True,
                "note": None,
            }
        ],
        "signature": {"organ": OFFICE, "date": "2021年5月27日", "sealed": True},
    }
    assert report == expected
    assert list(pages.files_of(report)) == [picture["sha256"]]
    with clock_at(at(7, 10)):  # what comes later does not rewrite it
        issues.report_done(story.lit, report="已亮灯", actor=story.official)
        issues.verify_commitment(story.lit, actor=story.o)
        db.session.commit()
    db.session.expire_all()
    assert after.look_back_report(made) == expected


def test_no_report_of_an_evening_or_before_anything_was_found(story: Any) -> None:
    assert after._why_no_report(queries.state(story.hearing))
    with pytest.raises(RuleBroken):
        after.look_back_report(story.hearing)
    empty = story.w.hearing("announced", kind=HearingKind.LOOK_BACK)
    reviews.carry_in(empty, [story.issue], actor=story.o)
    db.session.commit()
    assert after._why_no_report(queries.state(empty))
    with pytest.raises(RuleBroken):
        after.look_back_report(empty)


# -- addresses -----------------------------------------------------------------------------------------


def test_papers_are_fetched_by_whoever_reads_the_assignment(story: Any, browser: Any) -> None:
    w = story.w
    path = f"/assignments/{story.lead.id}/papers/sheet.pdf"
    first = browser(w.department).get(path)
    assert first.status_code == 200
    assert first.mimetype == "application/pdf"
    assert first.data.startswith(b"%PDF-")
    assert "交办单 1-01" in first.headers["Content-Disposition"] or "filename*" in first.headers["Content-Disposition"]
    tag = first.headers["ETag"]
    again = browser(w.organiser).get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    for person in (w.organiser, w.street, w.deputy, w.leader, w.auditor):
        assert browser(person).get(path, headers={"If-None-Match": tag}).status_code == 304
    for stranger in (w.other_department, w.other_deputy):
        assert browser(stranger).get(path).status_code == 404
    assert browser(w.admin).get(path).status_code == 404
    assert browser(w.other_department).get(f"/assignments/{story.helper.id}/papers/sheet.pdf").status_code == 200
    word = browser(w.department).get(f"/assignments/{story.lead.id}/papers/sheet.docx")
    assert word.status_code == 200
    assert word.data.startswith(b"PK")


def test_what_cannot_be_printed_says_why(story: Any, browser: Any) -> None:
    who = browser(story.official)
    base = f"/assignments/{story.lead.id}/papers"
    with clock_at(at(4, 1)):
        for key in ("supervision", "reply", "feedback"):
            refused = who.get(f"{base}/{key}.pdf")
            assert refused.status_code == 409
    assert who.get(f"{base}/nothing.pdf").status_code == 404
    assert who.get(f"/assignments/{2**40}/papers/sheet.pdf").status_code == 404


def test_an_earlier_reply_is_asked_for_by_number(story: Any, browser: Any) -> None:
    first = answered(story)
    with clock_at(at(6, 29)):
        issues.report_done(story.lit, report="已亮灯", actor=story.official)
        last = issues.reply(
            story.lead, result_class=ResultClass.A, text="已亮灯。", signed_by="郑某某", actor=story.official
        )
        db.session.commit()
    who = browser(story.official)
    base = f"/assignments/{story.lead.id}/papers/reply.pdf"
    tags = {
        "": pages.fingerprint(after.reply_letter(last)),
        f"?reply={last.id}": pages.fingerprint(after.reply_letter(last)),
        f"?reply={first.id}": pages.fingerprint(after.reply_letter(first)),
    }
    for query, tag in tags.items():
        assert who.get(base + query, headers={"If-None-Match": f'"{tag}-pdf"'}).status_code == 304
    for odd in ("?reply=", "?reply=x", "?reply=9999999999", "?reply=-1", "?reply=٣", f"?reply={last.id + 1}"):
        assert who.get(base + odd).status_code == 404


def test_a_new_limit_is_printed_when_the_address_sets_one(story: Any, browser: Any) -> None:
    who = browser(story.o)
    base = f"/assignments/{story.lead.id}/papers/supervision.pdf"
    limit = today() + timedelta(days=10)
    blank = pages.fingerprint(after.supervision_sheet(story.lead))
    filled = pages.fingerprint(after.supervision_sheet(story.lead, new_limit=limit))
    assert blank != filled
    for query, tag in (("", blank), ("?until=soon", blank), ("?until=", blank), (f"?until={limit}", filled)):
        assert who.get(base + query, headers={"If-None-Match": f'"{tag}-pdf"'}).status_code == 304


def test_the_issue_page_links_what_can_be_printed(story: Any, browser: Any) -> None:
    reply = answered(story)
    page = browser(story.official).get(f"/issues/{story.issue.id}").text
    base = f"/assignments/{story.lead.id}/papers"
    assert f'href="{base}/sheet.pdf"' in page
    assert f'href="{base}/sheet.docx"' in page
    assert f'href="{base}/reply.pdf?reply={reply.id}"' in page
    assert f'href="{base}/supervision.pdf"' in page, "the lamp is overdue by now"
    assert f"/assignments/{story.helper.id}/papers" not in page, "a department reads its own assignments"
    organiser = browser(story.o).get(f"/issues/{story.issue.id}").text
    assert f"/assignments/{story.helper.id}/papers/sheet.pdf" in organiser
    made = looked_back(story)
    link = f"/hearings/{made.id}/papers/look-back.pdf"
    assert link in browser(story.o).get(f"/look-backs/{made.id}").text
    assert link not in browser(story.w.deputy).get(f"/look-backs/{made.id}").text


# -- cost, languages, and the page itself --------------------------------------------------------------


def grown(story: Any, count: int) -> Any:
    """A concluded evening with `count` issues, each promised, assigned, answered and voted on, and its look-back."""
    w, o = story.w, story.o
    hearing = w.hearing("in_session", day=today() - timedelta(days=60))
    made = [
        issues.log_issue(hearing, statement=f"第{n}件事，路灯不亮", lead_deputy=w.deputy, actor=o)
        for n in range(1, count + 1)
    ]
    for issue in made:
        for n in range(2):
            issues.make_commitment(
                issue, measure=f"第{n}项修复", lead=w.bureau, due_on=today() - timedelta(days=9 - n), actor=o
            )
    votes = {issue: {"satisfied": 5, "mostly_satisfied": 1, "dissatisfied": 0, "invalid": 0} for issue in made}
    reviews.record_ballots(hearing, votes, issued=6, actor=o)
    schedule.conclude(hearing, actor=o)
    back = w.hearing("announced", kind=HearingKind.LOOK_BACK, day=today())
    for issue in made:
        lead, _helper = issues.assign(issue, lead=w.bureau, co_handlers=[w.other_bureau], actor=o)
        issues.reply(lead, result_class=ResultClass.B, text="已修。", signed_by="郑某某", actor=o)
    reviews.carry_in(back, made, actor=o)
    schedule.open_session(back, actor=o)
    for issue in made:
        reviews.record_finding(
            back, issue, found="已看", verdict=Verdict.KEEP_TRACKING, files=[files.store(photo(), actor=o)], actor=o
        )
    schedule.conclude(back, actor=o)
    db.session.commit()
    return hearing, back


def test_statements_do_not_grow(story: Any, statements: Any) -> None:
    seen: dict[int, list[int]] = {}
    for count in (1, 60):
        hearing, back = grown(story, count)
        numbers = []
        for compose, of in (
            (after.ballot_paper, hearing),
            (after.ballot_result, hearing),
            (after.look_back_report, back),
        ):
            of_id = of.id
            db.session.commit()
            db.session.expire_all()
            again = db.session.get(type(of), of_id)
            with statements() as said:
                compose(again)
            numbers.append(len(said))
        seen[count] = numbers
    assert seen[1] == seen[60]
    assert max(seen[60]) <= 32


def test_an_assignments_papers_cost_the_same_with_sixty_promises(story: Any, statements: Any) -> None:
    reply_id, lead_id, issue_id = answered(story).id, story.lead.id, story.issue.id
    bureau_id, organiser_id = story.w.bureau.id, story.o.id
    seen = []
    for more in (0, 60):
        issue = db.session.get_one(Issue, issue_id)
        for n in range(more):
            issues.make_commitment(
                issue,
                measure=f"第{n}项修复",
                lead=db.session.get_one(Department, bureau_id),
                due_on=date(2021, 4, 20),
                actor=db.session.get_one(User, organiser_id),
            )
        db.session.commit()
        numbers = []
        for compose in (after.assignment_sheet, after.supervision_sheet, after.reply_letter, after.feedback_form):
            db.session.expunge_all()
            of_reply = compose in (after.reply_letter, after.feedback_form)
            thing = db.session.get_one(Reply, reply_id) if of_reply else db.session.get_one(Assignment, lead_id)
            with statements() as said:
                compose(thing)
            numbers.append(len(said))
        seen.append(numbers)
    assert seen[0] == seen[1]
    assert max(seen[0]) <= 12


@contextmanager
def language(app: Any, name: str) -> Any:
    with app.test_request_context("/"), force_locale(name):
        yield


def test_both_languages_print_the_same(story: Any, app: Any) -> None:
    reply = answered(story)
    counted(story, satisfied=8, mostly_satisfied=8, dissatisfied=2, issued=18)
    made = looked_back(story)

    def all_of() -> list[Any]:
        return [
            after.assignment_sheet(story.lead),
            after.supervision_sheet(story.lead),
            after.reply_letter(reply),
            after.feedback_form(reply),
            after.ballot_paper(story.hearing),
            after.ballot_result(story.hearing),
            after.look_back_report(made),
        ]

    with language(app, "en"):
        english = all_of()
    with language(app, "zh_Hans"):
        assert all_of() == english
    first, second = (render("paper", english[0]) for _n in range(2))
    assert first == second


def test_every_paper_stands_inside_the_type_area(story: Any) -> None:
    reply = answered(story)
    counted(story, satisfied=8, mostly_satisfied=8, dissatisfied=2, issued=18)
    made = looked_back(story)
    for content, sheets in (
        (after.assignment_sheet(story.lead), 2),
        (after.supervision_sheet(story.lead), 2),
        (after.reply_letter(reply), 3),
        (after.feedback_form(reply), 1),
        (after.ballot_paper(story.hearing), 1),
        (after.ballot_result(story.hearing), 1),
        (after.look_back_report(made), 3),
    ):
        inside(content, sheets)


def test_sixty_issues_and_a_long_answer_stay_inside_too(story: Any) -> None:
    hearing, back = grown(story, 60)
    inside(after.ballot_paper(hearing), 4)
    inside(after.ballot_result(hearing), 5)
    inside(after.look_back_report(back) | {"sections": after.look_back_report(back)["sections"][:3]}, None)
    issue = db.session.get_one(Issue, story.issue.id)
    issue.statement = "很长的一段话，" * 700 + "w" * 60 + "<img src=x> 😀 مرحبا"
    reply = answered(story, text="做了很多工作。" * 700)
    inside(after.assignment_sheet(story.lead), None)
    inside(after.reply_letter(reply), None)


def inside(content: dict[str, Any], sheets: int | None) -> None:
    """Printed, it has so many pages, and nothing stands over the edge of the type area."""
    paper = render("paper", content, files=pages.files_of(content))
    found = measure.pages(paper)
    assert sheets is None or len(found) == sheets, content["title"]
    for page in found:
        if page.width > page.height or page.rotation:
            continue
        odd = page.page_number % 2 == 1
        left, right = (28, 184) if odd else (26, 182)
        for line in measure.body(page):
            assert line.left > left - 0.6, (content["title"], page.page_number, line)
            assert line.right < right + 0.6, (content["title"], page.page_number, line)
        assert measure.outside(page) == [], content["title"]


def test_the_page_of_the_signature_carries_text(story: Any) -> None:
    """GB/T 9704-2012, 7.3.5: no page holds only the attachment's name and the signature, however long the letter is."""
    reply = answered(story)
    seen = set()
    for count in range(1, 9):
        reply.text = "桥下堆物已清理。\n" * count
        letter = measure.pages(render("paper", after.reply_letter(reply)))[:-1]  # the form is a page of its own
        (signed,) = [
            [line.text for line in measure.body(page)]
            for page in letter
            if any(line.text.strip() == "2021年6月25日" for line in measure.body(page))
        ]
        assert any("征询意见表，" in text or "收到之日起" in text for text in signed), signed
        seen.add(len(letter))
    assert seen == {2}  # so that there is a break to fall badly
