"""The story: one hearing from the first topic to the last item struck off. Read it first.

Everything happens over HTTP, by people who sign in, open pages, fill in the forms they find there and read what
the pages say. The clock is set to the day of each chapter.
"""

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import icalendar
import pdfplumber
import pytest
from PIL import Image

from hearings.db import LOCAL, clock_at
from tests.factories import PASSWORD, World
from tests.person import Person

HEARING = "/hearings/2"
"""The second hearing of this office: before it stands the one that the street planned for the same evening."""


@contextmanager
def on(moment: str) -> Iterator[None]:
    """A moment of the story, by the clock on the wall."""
    with clock_at(datetime.fromisoformat(moment).replace(tzinfo=LOCAL)):
        yield


@pytest.fixture
def cast(app) -> Any:
    """A district of two streets; everybody signs in as who they are."""
    with on("2025-04-18 09:00"):
        World.make()
    names = ("organiser", "street", "deputy", "deputy2", "department", "department2", "leader", "auditor")
    with on("2025-04-21 08:30"):
        return SimpleNamespace(**{name: Person(app, name, PASSWORD) for name in names})


def test_a_hearing_from_the_first_topic_to_the_last_item_struck_off(cast):
    topics_are_collected(cast)
    the_evening_is_planned(cast)
    everybody_is_invited(cast)
    departments_prepare(cast)
    people_sign_in(cast)
    the_bridge_is_heard(cast)
    residents_and_deputies_speak(cast)
    votes_are_counted(cast)
    the_record_is_completed(cast)
    departments_are_charged(cast)
    the_minutes_are_published(cast)
    promises_are_reported_and_moved(cast)
    departments_reply(cast)
    the_deputy_refuses(cast)
    a_silent_deputy_is_waived(cast)
    the_deputy_confirms(cast)
    it_is_looked_back_at(cast)
    everybody_reads_what_came_of_it(cast)


# -- before ------------------------------------------------------------------------------------------------


def topics_are_collected(cast):
    """Two deputies' visits tell of the same bridge; a third topic is a resident's."""
    with on("2025-04-21 09:00"):
        organiser = cast.organiser.opens("/topics/").follows("征集议题")
        organiser.sends(
            "保存",
            title="霞浦铁路桥下堆物、夜间无灯",
            details="霞浦铁路桥下长期堆物，夜里没有灯，居民绕行半里路。",
            source="代表走访",
            street="霞浦",
            deputy="代表甲",
            departments=["区交通运输局"],
        ).reads("议题已收入。", "代表甲", "区交通运输局")
        organiser.opens("/topics/new").sends("保存", title="社区助餐点没有晚餐", source="联络站信箱", street="新碶")
        cast.deputy.opens("/topics/new").reads("应询单位和列入哪次会议由组织方确定。")
        cast.deputy.sends("保存", title="铁路桥下太黑", source="代表走访", street="霞浦").reads("议题已收入。")

    with on("2025-04-22 09:00"):
        pool = organiser.opens("/topics/").reads("共3个议题")
        pool.sends("合并所选议题", topic=["霞浦铁路桥下堆物、夜间无灯", "铁路桥下太黑"]).reads("合并2个议题")
        organiser.sends("合并", into="霞浦铁路桥下堆物、夜间无灯").reads("已合并2个议题。", "铁路桥下太黑")
        organiser.opens("/topics/").follows("社区助餐点没有晚餐").reads("应询单位 待定").follows("修改")
        organiser.sends("保存", departments=["新碶街道办"]).reads("应询单位 新碶街道办")


def the_evening_is_planned(cast):
    """The evening first thought of is a holiday, the next one is taken; the third one stands."""
    with on("2025-04-22 10:00"):
        cast.street.opens("/hearings/new").sends("保存", title="新碶街道选民接待", day="2025-05-22", station="新碶")
        cast.street.reads("会议已拟定，尚未通知任何人。")

        organiser = cast.organiser.opens("/hearings/").follows("拟定会议")
        organiser.sends("先核对时间", code=200, day="2025-05-01", station="新碶", chair="张某某")
        organiser.reads("2025年5月1日（周四）是法定节假日（劳动节）。")
        organiser.sends("先核对时间", code=200, day="2025-05-22").reads(
            "该站同一时间已安排“新碶街道选民接待 19:00–21:00”。"
        )
        organiser.sends("保存", day="2025-05-15", theme="家门口的民生小事")
        assert organiser.path == HEARING
        organiser.reads("草稿", "2025年5月15日（周四）19:00–21:00", "主持人 张某某").does_not_read("请注意")


def everybody_is_invited(cast):
    """Topics bring their departments; the rest is chosen in bulk; residents get seats without names."""
    with on("2025-04-23 09:00"):
        organiser = cast.organiser.opens(HEARING).follows("从议题库选择")
        organiser.sends("列入会议", topics=["霞浦铁路桥下堆物", "社区助餐点没有晚餐"])
        organiser.reads("议题已列入会议，应询单位已列入参加人名单。", "从议题库选取 0")
        organiser.sends("上移").reads("1 霞浦铁路桥下堆物、夜间无灯")
        organiser.opens(HEARING).follows("席位与签到").follows("从名册添加")
        organiser.sends("加入名单", deputies=["代表甲", "代表乙"], departments=["区教育局"]).reads("已安排6个席位")
        organiser.follows("添加来宾或不具名席位").sends("保存", capacity="群众代表", seats="10")
        organiser.reads("已安排16个席位", "10个席位 — 群众代表")

    with on("2025-05-07 09:00"):
        organiser.opens(HEARING).follows("发布").reads("张某某、代表甲、代表乙", "新碶街道办、群众代表 × 10")
        organiser.sends("发布", serial_no="34").reads("已发布", "第34期", "会议编号 YX-2025-34")


def departments_prepare(cast):
    """The bureau names who comes and hands in its paper; the deputy puts the evening into a calendar."""
    with on("2025-05-08 09:00"):
        bureau = cast.department.opens("/").reads("确定参会人员").follows("确定参会人员")
        bureau.reads("需应询的议题 1", "霞浦铁路桥下堆物、夜间无灯").does_not_read("社区助餐点没有晚餐")
        paper = (io.BytesIO(b"%PDF-1.4\n%%EOF\n"), "桥下用地权属图.pdf")
        bureau.sends(
            "保存",
            name="郑某某",
            title="局长",
            stand_in_name="龚某某",
            stand_in_title="副局长",
            text="桥下用地权属图已备。",
            file=paper,
        ).reads("已记录，组织方可在参加人名单中看到。", "桥下用地权属图.pdf")
        cast.organiser.opens(f"{HEARING}/attendee?department=1").reads("桥下用地权属图已备。")

        deputy = cast.deputy.opens("/").reads("第34期 北仑区人大代表民生夜询会", "还有7天").follows("第34期")
        deputy.reads("1 霞浦铁路桥下堆物、夜间无灯", "2 社区助餐点没有晚餐")
        invitation = icalendar.Calendar.from_ical(deputy.downloads(f"{HEARING}/invite.ics").data)
        (event,) = invitation.walk("VEVENT")
        assert event["DTSTART"].dt == datetime(2025, 5, 15, 19, 0, tzinfo=LOCAL)
        assert event["DTEND"].dt == datetime(2025, 5, 15, 21, 0, tzinfo=LOCAL)
        assert event["SUMMARY"] == "北仑区人大代表民生夜询会"
        assert event["LOCATION"].startswith("新碶街道人大代表联络站")


# -- the night ---------------------------------------------------------------------------------------------


def people_sign_in(cast):
    """Who is here, who sent somebody else, who came without being on the list."""
    with on("2025-05-15 18:30"):
        cast.organiser.opens("/").follows("宣布开会 第34期").reads("到会人员 0 / 16", "此前没有可通报的夜询会。")
        organiser = cast.organiser
        organiser.sends("签到", row="张某某").sends("签到", row="代表甲").reads("已签到 18:30")
        organiser.sends("请假", row="代表乙").sends("保存", row="代表乙", reason="公务").reads("代表乙：已记录。")
        organiser.sends("龚某某替会", row="郑某某").reads("龚某某 副局长 （替郑某某） 已签到")
        organiser.sends("签到", row="区教育局").sends("签到", row="新碶街道办")
        organiser.sends("签到", row="群众代表", seats_taken="9").reads("实到9人")
        organiser.follows("临时到会").sends("登记并签到", name="冯某某", unit="郭巨街道", capacity="街道人大工委")
        organiser.reads("冯某某 郭巨街道 临时到会 已签到", "到会人员 15 / 17")
    with on("2025-05-15 19:00"):
        organiser.sends("宣布开会").reads("进行中")


def the_bridge_is_heard(cast):
    """The first topic: asked, answered, asked again, promised by a date and by a number of working days."""
    with on("2025-05-15 19:08"):
        organiser = cast.organiser
        organiser.sends("开始询问").reads("01 霞浦铁路桥下堆物、夜间无灯 已登记")
        for kind, speaker, department, text in (
            ("询问", "代表甲", "", "桥下的堆物什么时候清，灯什么时候装？"),
            ("答复", "龚某某", "区交通运输局", "堆物马上清，照明列入本月计划。"),
            ("追问", "代表甲", "", "装好以后谁来管？"),
        ):
            organiser.sends("添加", "/turns", kind=kind, speaker=speaker, department=department, text=text)
        organiser.reads("桥下的堆物什么时候清", "堆物马上清", "装好以后谁来管？")

        organiser.sends("添加承诺", measure="清理桥下堆物", lead="区交通运输局", due_on="2025-05-30").reads("已记录。")
        organiser.sends(
            "添加承诺",
            measure="尽快安装桥下照明",
            lead="区交通运输局",
            co_handlers=["新碶街道办事处"],
            count="15",
            unit="个工作日",
        ).reads("已记录，其中“尽快”没有明确时限。", "2025年6月6日（周五） 自2025年5月15日起15个工作日")
        organiser.sends("保存", "/outcome", outcome="限期办理").reads("代表甲 · 限期办理 · 承诺2项")


def residents_and_deputies_speak(cast):
    """A resident's issue has no deputy yet; a deputy logs one on the phone; one belongs to the court."""
    with on("2025-05-15 19:35"):
        organiser = cast.organiser.sends("开始询问").reads("02 社区助餐点没有晚餐 已登记")
        organiser.sends(
            "保存",
            "/issues/2",
            statement="社区助餐点只供午餐，独居老人的晚餐没有着落。",
            resident="王",
            community="明港社区",
            category="养老助残",
        )
        organiser.sends("保存", "/outcome", outcome="会后研究")

        deputy = cast.deputy.opens(HEARING).follows("登记问题")
        deputy.sends(
            "登记",
            statement="某小学门口人车混行，放学时段尤其危险。",
            street="新碶",
            category="教育",
            photos=photo("校门口.jpg"),
        ).reads("34-03")
        deputy.opens("/issues/").reads("某小学门口人车混行").follows("某小学门口人车混行").reads("校门口.jpg")

        organiser.opens(f"{HEARING}/session?issue=3").sends("保存", "/outcome", outcome="列入计划")
        organiser.sends("添加承诺", measure="建成校门口接送等候区", lead="区教育局", due_on="2025-08-31")
        organiser.reads("代表甲 · 列入计划 · 承诺1项")

    with on("2025-05-15 20:10"):
        organiser.opens(f"{HEARING}/session?item=new").sends(
            "登记问题", statement="个人拆迁合同诉讼，请代表督促法院。", resident="张", street="新碶"
        )
        organiser.sends("保存", "/outcome", code=422, outcome="不予受理").reads("理由")
        organiser.sends("保存", "/outcome", outcome="不予受理", outcome_note="正在诉讼，引导至法律援助。")
        organiser.opens(f"{HEARING}/session?item=new").sends(
            "登记问题", statement="末班公交几点收车，站牌上看不清。", lead_deputy="代表甲", street="新碶"
        )
        organiser.sends("保存", "/outcome", outcome="当场答复")
        organiser.sends("代表甲当场认可，予以办结").reads("解释答复办结")


def votes_are_counted(cast):
    """Ten papers: the bridge pleases, the canteen does not, the school gate does by half."""
    with on("2025-05-15 20:50"):
        organiser = cast.organiser.follows("全部计票").reads("已签到15人")
        counts = {1: (8, 3, 0, 0), 2: (2, 2, 5, 1), 3: (4, 4, 2, 0)}
        piles = ("satisfied", "mostly_satisfied", "dissatisfied", "invalid")
        papers = {f"{pile}_{n}": str(c) for n, row in counts.items() for pile, c in zip(piles, row, strict=True)}
        organiser.sends("保存计票", code=422, issued="10", **papers).reads("合计11票，超过发出的10票。").does_not_read(
            "撤销"
        )
        organiser.sends("保存计票", mostly_satisfied_1="2")
        organiser.reads("已计票3项。", "铁路桥下堆物、夜间无灯 满意", "没有晚餐 不满意", "人车混行 基本满意")
    with on("2025-05-15 21:05"):
        organiser.opens(f"{HEARING}/session").sends("结束会议")
        organiser.opens(HEARING).reads("已结束", "17个席位、签到15人、请假1人", "龚某某（代郑某某）")
        organiser.reads("请假（公务）", "冯某某 郭巨街道 临时到会")
        organiser.reads("当晚测评 3 满意×1、基本满意×1、不满意×1", "满意票达到5票为满意")


# -- the papers --------------------------------------------------------------------------------------------


def the_record_is_completed(cast):
    """A deputy remembers one more trouble; until filing it is taken in, and marked."""
    with on("2025-05-16 09:00"):
        cast.deputy.opens(HEARING).follows("登记问题").sends(
            "登记", statement="小区门口窨井盖破损，夜里有人绊倒。", street="新碶", category="市政城管"
        ).reads("34-06")
        cast.organiser.opens(HEARING).reads("补录")


def departments_are_charged(cast):
    """Each issue finds its department; what dissatisfied the room starts in round 2, with one month."""
    with on("2025-05-19 09:00"):
        organiser = cast.organiser.opens("/issues/4").follows("不予受理")
        organiser.sends("不予受理", reason="正在诉讼", referral="法律援助").reads("不予受理", "引导渠道：法律援助")

        organiser.opens("/issues/2").reads("第2轮", "请先确定负责确认的代表").follows("修改")
        organiser.sends("保存", lead_deputy="代表乙").follows("交办").reads(
            "2025年6月19日（交办之日起1个月（重新办理））"
        )
        organiser.sends("交办", lead="新碶街道办事处").reads("已交办。")

        organiser.opens("/issues/1").follows("交办").reads("2025年8月19日（交办之日起3个月）").sends("交办")
        organiser.opens("/issues/3").follows("交办").sends("交办").reads("区教育局")
        organiser.opens("/issues/6").follows("交办").sends("交办", lead="区教育局")

    with on("2025-05-20 09:00"):
        school = cast.department2.opens("/").reads("小区门口窨井盖破损").opens("/issues/3").sends("签收")
        school.reads("已签收，请于2025年8月19日前答复。")
        school.opens("/issues/6").follows("退办").sends("退办", reason="窨井盖不属教育部门，属道路养护。")
        school.reads("退办", "窨井盖不属教育部门")
        cast.organiser.opens("/").reads("小区门口窨井盖破损").opens("/issues/6").reads("承办单位已退办，待重新交办。")
        cast.organiser.follows("交办").sends("交办", lead="区交通运输局").reads("区交通运输局")
        bureau = cast.department.opens("/issues/1").sends("签收").opens("/issues/6").sends("签收").reads("已签收")
        bureau.is_refused("/issues/2", 404).is_refused("/issues/3", 404)
        # the street's office has no sign-in here: the organiser notes what it says on the telephone
        cast.organiser.opens("/issues/2").sends("签收（新碶街道办）").reads(
            "办理中", "重新办理（第2轮） 2025年5月19日", "已签收 新碶街道办 2025年5月20日"
        )


def the_minutes_are_published(cast):
    """Drafted by one, reviewed by another, signed on paper by the chair, and never changed again."""
    with on("2025-05-21 09:00"):
        organiser = cast.organiser.opens(HEARING).follows("生成纪要").sends("根据记录生成纪要")
        organiser.reads(
            "您是拟稿人，请同事核稿。",
            "因现场测评为不满意，会议明确：由新碶街道办事处牵头重新办理，6月19日前书面答复代表。",
        )
        organiser.follows("编辑文字").sends("保存", requirements="会议要求，各承办单位限时办结。")
        organiser.reads("会议要求，各承办单位限时办结。")
        cast.department.is_refused(f"{HEARING}/minutes.pdf", 404)
        cast.street.opens(f"{HEARING}/minutes").sends("核稿通过").reads("已核稿")
    with on("2025-05-22 09:00"):
        organiser.opens(f"{HEARING}/minutes").follows("发布").sends("发布", issued_by="张某某", issued_on="2025-05-22")
        organiser.reads("已发布")
        organiser.reads("签发 张某某 · 2025年5月22日", "核稿 钱某某", "拟稿 周某某")
        first = cast.department.opens(HEARING).downloads("/hearings/2/minutes.pdf").data
        assert "新碶街道人大代表联络站" in printed(first)
        organiser.reads(hashlib.sha256(first).hexdigest())

    with on("2025-05-23 09:00"):
        organiser.follows("更正").sends("开始更正", reason="列席名单有漏")
        organiser.sends("保存", list_in_attendance="区交通运输局副局长龚某某；郭巨街道冯某某；选民代表9名").reads(
            "版本 2 状态 草稿"
        )
        cast.street.opens(f"{HEARING}/minutes").sends("核稿通过").reads("更正原因 列席名单有漏")
        organiser.opens(f"{HEARING}/minutes").follows("发布").sends("发布", issued_by="张某某", issued_on="2025-05-23")
        organiser.reads("版本 2 状态 已发布", "第1版")
        bureau = cast.department.opens(HEARING).reads("纪要 · 第2版", "列席名单有漏", "纪要 · 第1版")
        second = bureau.downloads(f"{HEARING}/minutes.pdf").data
        assert "（第2版）" in printed(second)
        assert bureau.downloads(f"{HEARING}/minutes.pdf?version=1").data == first

    with on("2025-05-26 09:00"):
        organiser.opens(HEARING).sends("归档").reads("会议已归档。", "安排回头看")


# -- handling ----------------------------------------------------------------------------------------------


def promises_are_reported_and_moved(cast):
    """Progress, more time, and a photo of what was done."""
    organiser, bureau = cast.organiser, cast.department
    with on("2025-05-28 09:00"):
        bureau.opens("/").reads("清理桥下堆物 5月30日到期 还有2天 临期", "尽快安装桥下照明 6月6日到期 还有9天 正常")
        bureau.follows("尽快安装桥下照明").follows("填报进展").sends("报告", text="灯杆基础已浇筑。", percent="60")
        bureau.reads("进展已记录。", "完成比例 60%").follows("申请延期")
        bureau.sends("提出申请", code=422, new_due_on="2025-06-01", reason="灯具到货推迟。").reads("2025年6月6日")
        bureau.sends("提出申请", new_due_on="2025-06-20").reads("批准之前仍按原时限")
    with on("2025-05-29 09:00"):
        organiser.opens("/").reads("待审批的延期 1").follows("审批").follows("同意").sends("同意")
        organiser.reads("已同意延期至2025年6月20日。", "2025年6月6日 → 2025年6月20日")
    with on("2025-05-30 15:00"):
        bureau.opens("/commitments/1").follows("报告完成")
        bureau.sends("报告完成", report="桥下清出堆物46吨。", files=photo("清理后.jpg")).reads("已报完成", "清理后.jpg")
    with on("2025-06-03 09:00"):
        organiser.opens("/").reads("待验收的完成报告 1").follows("验收").sends("验收").reads("已兑现", "撤销")


def departments_reply(cast):
    """B while something is left to do, A when it is done. The deputy is asked whether it is."""
    organiser, bureau = cast.organiser, cast.department
    with on("2025-06-10 09:00"):
        organiser.opens("/issues/2").follows("答复（新碶街道办）")
        organiser.sends("提交答复", result_class="A", text="助餐点已供应晚餐。", signed_by="沈某某")
        organiser.reads("销号：尚未提请代表确认。").follows("提请代表确认").reads("2025年7月1日（周二）前答复")
        organiser.sends("提请").reads("已提请代表乙在2025年7月1日前确认。")
        cast.deputy2.opens("/").reads("待您确认 1", "社区助餐点没有晚餐", "还有21天")
    with on("2025-06-12 09:00"):
        bureau.opens("/issues/1").follows("答复").reads("B 部分解决或列入计划逐步解决")
        bureau.sends(
            "提交答复",
            result_class="B",
            text="堆物已清，照明正在安装。",
            next_step="6月20日前装好并移交管护。",
            signed_by="郑某某",
        ).reads("答复（B类）", "尚有1项承诺未办结")
    with on("2025-06-20 09:00"):
        bureau.opens("/commitments/2").follows("报告完成").sends("报告完成", report="12盏灯全部装好。")
        bureau.opens("/issues/1").follows("再次答复")
        bureau.sends("提交答复", result_class="A", text="两项承诺均已完成。", signed_by="郑某某").reads("答复（A类）")
        organiser.opens("/commitments/2").sends("验收").reads("已兑现")


def the_deputy_refuses(cast):
    """Two lamps do not shine: round 2 begins at once; the round before stays readable."""
    with on("2025-06-23 09:00"):
        cast.organiser.opens("/issues/1").follows("提请代表确认").sends("提请")
    with on("2025-06-24 20:00"):
        deputy = cast.deputy.opens("/").reads("待您确认 1").follows("确认").reads("12盏灯全部装好。", "是，已办到")
        deputy.sends("不认可，重新办理", code=422).reads("请填写")
        deputy.sends("不认可，重新办理", reason="装了十二盏，有两盏不亮。").reads("重新办理，第2轮已开始。")
    with on("2025-06-25 09:00"):
        bureau = cast.department.opens("/").reads("霞浦铁路桥下堆物、夜间无灯 7月24日到期").opens("/issues/1")
        bureau.reads("办理中 第2轮", "装了十二盏，有两盏不亮。", "两项承诺均已完成。")


def a_silent_deputy_is_waived(cast):
    """After 15 working days without an answer the organiser may go on, and says why."""
    organiser = cast.organiser
    with on("2025-07-01 09:00"):
        organiser.opens("/issues/2").follows("查看代表确认情况").reads("2025年7月1日之后可以免予确认。")
        organiser.sends("记录已提醒代表").reads("已记录")
    with on("2025-07-02 09:00"):
        organiser.opens("/").reads("代表逾期未确认 1", "逾期1天").follows("社区助餐点没有晚餐")
        organiser.sends("免予确认", reason="代表乙在外培训，三次联系未果。").reads("免予确认 2025年7月2日")
        organiser.opens("/issues/2").follows("销号").sends("销号").reads("已销号", "代表乙在外培训，三次联系未果。")


def the_deputy_confirms(cast):
    """The lamps are replaced, and the deputy is asked once more."""
    with on("2025-07-03 09:00"):
        bureau = cast.department.opens("/issues/1").follows("答复")
        bureau.sends("提交答复", result_class="A", text="两盏灯已更换。", signed_by="郑某某")
        cast.organiser.opens("/issues/1").follows("提请代表确认").sends("提请")
    with on("2025-07-03 20:00"):
        cast.deputy.opens("/").follows("确认").sends("确认", note="都亮了。").reads("已确认，谢谢。", "都亮了。")


# -- looking back ------------------------------------------------------------------------------------------


def it_is_looked_back_at(cast):
    """What is not closed is gathered into a meeting; on the spot each item gets its finding."""
    organiser = cast.organiser
    with on("2025-07-04 09:00"):
        organiser.opens(HEARING).follows("安排回头看").reads("未办结问题3个").does_not_read("社区助餐点没有晚餐")
        items = ["34-01", "34-03", "34-06"]
        organiser.sends("拟定", items=items, day="2025-07-10", station="霞浦", chair="张某某")
        organiser.reads("已拟定草稿，尚未通知任何人。", "议程 3")
        look_back = organiser.path
        organiser.follows("发布").sends("发布").reads("已发布", "代表甲", "区交通运输局")
        invitation = icalendar.Calendar.from_ical(cast.deputy.downloads(f"{look_back}/invite.ics").data)
        (event,) = invitation.walk("VEVENT")
        assert event["DTSTART"].dt == datetime(2025, 7, 10, 14, 30, tzinfo=LOCAL)

    with on("2025-07-10 14:30"):
        organiser.opens(look_back).sends("开始会议").reads("已查看0项，共3项")
        organiser.follows("记录结论").sends(
            "记录结论", found="桥下整洁，灯全亮。", verdict="销号", files=photo("桥下.jpg")
        ).reads("已记录：代表已确认，问题销号。", "34-01 霞浦铁路桥下堆物、夜间无灯 已销号", "桥下.jpg")
        organiser.follows("查看此项").sends(
            "记录结论", code=422, found="等候区正在施工。", verdict="继续跟踪", percent="40", new_due_on="2025-07-10"
        ).reads("新的时限")
        organiser.sends("记录结论", new_due_on="2025-10-31")
        organiser.reads("时限由2025年8月31日调整为2025年10月31日，并作为延期存档。")
        organiser.opens(f"{look_back}/findings/6").sends("记录结论", found="井盖换了，车一过就响。", verdict="重新办理")
        organiser.reads("已记录：重新办理，第2轮已开始。", "已查看3项，共3项")
        organiser.follows("结束会议").reads("保持未登记").sends("结束会议", rest="记为缺席").reads("已结束")
        cast.department.opens("/issues/6").reads("第2轮", "井盖换了，车一过就响。", "2025年8月11日前答复")


def everybody_reads_what_came_of_it(cast):
    """The leader reads all and changes nothing; the deputy reads own things; the auditor finds the trail whole."""
    with on("2025-07-11 09:00"):
        leader = cast.leader.opens("/").reads("已销号或办结的问题 3").opens(HEARING).has_no_button()
        leader.reads("受理 5", "不予受理1个另计", "已销号 2", "解释答复办结 1", "跟踪中 2", "办理结果类别 A2")
        leader.reads("办结率 60.0% （销号＋解释答复）/受理：3/5、2025年7月11日", "解决率 40.0% A类/受理：2/5")
        leader.sends("查看当日数据", as_of="2025-07-02").reads(
            "办结率 40.0% （销号＋解释答复）/受理：2/5、2025年7月2日"
        )
        for issue in range(1, 7):
            leader.opens(f"/issues/{issue}").has_no_button()
        for refused in (f"{HEARING}/cancel", "/issues/3/edit", "/commitments/3/extend"):
            leader.is_refused(refused, 403)
            assert leader.browser.post(refused, {"reason": "x"}).status_code == 403

        cast.deputy.opens(HEARING).reads("问题 4").does_not_read("个人拆迁合同诉讼")
        cast.department2.opens("/issues/").reads("某小学门口人车混行").does_not_read("霞浦铁路桥下堆物")
        cast.auditor.opens("/audit/").sends("校验完整性").reads("完整")


def photo(name: str) -> tuple[io.BytesIO, str]:
    """A picture to send."""
    kept = io.BytesIO()
    Image.new("RGB", (2400, 1600), "gray").save(kept, "JPEG")
    return io.BytesIO(kept.getvalue()), name


def printed(pdf: bytes) -> str:
    """The text of a PDF, as it would be read on paper."""
    with pdfplumber.open(io.BytesIO(pdf)) as document:
        return "".join((page.extract_text() or "").replace("\n", "") for page in document.pages)
