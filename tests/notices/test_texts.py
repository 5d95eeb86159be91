"""Every kind of message as it should read, in both languages: `texts/<kind>.<language>.txt`.

One story is told in each language; what people get is compared, letter for letter, with the files beside this test.
After changing a text on purpose: `REWRITE_TEXTS=1 pytest tests/notices/test_texts.py`, and read the difference.
"""

import os
import re
from collections import defaultdict
from datetime import date, time
from pathlib import Path

import pytest
from sqlalchemy import select

from hearings import undo
from hearings.db import clock_at, db, local
from hearings.issues import operations as issues
from hearings.issues.models import Assignment, Extension, Part, ResultClass
from hearings.minutes import operations as minutes_
from hearings.notices import invitations, news, outbox, reminders, robot, texts
from hearings.notices.models import Invitation, Message, Reply
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Capacity
from tests import factories

HERE = Path(__file__).parent / "texts"
LANGUAGES = {"zh": "zh_Hans", "en": "en"}
CARRIERS = {
    "zh": {"inbox": "站内消息", "mail": "邮件", "robot": "群机器人"},
    "en": {"inbox": "In this house", "mail": "Mail", "robot": "Group robot"},
}
OTHERS = {
    "hearing.before", "hearing.day", "due.before", "due.day", "due.reply", "due.reply.day", "overdue.promise",
    "overdue.reply", "confirmation.waits", "minutes.unfetched", "message.failed", "invitation.remind", "digest",
    "taken_back",
}  # fmt: skip
"""Kinds that the trail does not tell."""


class Story:
    """A house in March 2026, told day by day; `heard` is what came out, by kind."""

    def __init__(self, world, language):
        self.w, self.language = world, language
        self.heard = defaultdict(dict)
        self.seen = 0
        world.station.address, world.other_station.address = "明州路1号", "霞浦路2号"
        for user in (world.deputy, world.other_deputy, world.leader, world.department, world.other_department,
                     world.organiser, world.street):  # fmt: skip
            user.locale = LANGUAGES[language]
        world.deputy.email, world.department.email = "deputy@example.org", "department@example.org"
        world.street.email = "street@example.org"
        colleague = factories.user("department", name="王某某", department=world.bureau, email="colleague@example.org")
        colleague.locale = LANGUAGES[language]  # of the office that is invited through its contact
        world.bureau.contact = world.department.name
        db.session.commit()
        news.skip()
        db.session.commit()

    def at(self, day, hour=9):
        return clock_at(local(day, time(hour)))

    def tell(self):
        """A round of the worker."""
        db.session.commit()
        news.read()
        db.session.commit()
        reminders.write()
        reminders.digest()
        outbox.send_all()
        self.listen()

    def listen(self):
        rows = db.session.scalars(select(Message).where(Message.id > self.seen).order_by(Message.id)).all()
        for row in rows:
            self.seen = row.id
            chinese_only = row.channel == "robot" or (row.channel == "mail" and row.user_id is None)
            if self.language == "en" and chinese_only:
                continue
            said = row.text
            if row.channel == "mail":
                said = outbox.compose(row).get_body(("plain",)).get_content()
            said = re.sub(r"/r/\d+-\w+", "/r/…", said)
            to = {"mail": f"{row.name} <{row.address}>", "inbox": row.name}.get(row.channel, "")
            head = f"【{CARRIERS[self.language][row.channel]}】{to}".strip()
            self.heard[row.kind].setdefault(
                (row.channel, skeleton(row, said)), f"{head}\n{row.subject}\n\n{said.strip()}"
            )
        db.session.rollback()

    def pages(self):
        """The files as they should stand: every different text once, with the first who got it."""
        for kind, said in self.heard.items():
            yield kind, "\n\n".join(said.values()) + "\n"


DATA = re.compile(
    "区教育局|区交通运输局|郑某某|王某某|吴某某|张某某|周某某|钱某某|代表甲|代表乙|居民陈某|居民林某|霞浦专场|小港专场|春晓专场"
    "|铁路桥下无路灯|工地扬尘|个人劳动争议|新建小学选址|公交末班车时间|在铁路桥下安装路灯12盏并接电亮灯|工地出入口设置冲洗平台|清走桥下堆物"
    "|[一二三四五六日]|Mon|Tue|Wed|Thu|Fri|Jan|Mar|Apr|May|Jun|Jul|Aug|\\d+|[a-z]+@example.org"
)


def skeleton(row, said):
    """What of a message is the template's: two that differ only in names and dates are shown once."""
    if row.kind == "digest":
        return said.count("http://") > 3
    return DATA.sub("", row.subject + said)


def tell(story, post):
    """From the invitation to the last reminder."""
    w = story.w
    organiser, department = w.organiser, w.department
    with story.at(date(2026, 3, 2)):
        evening = w.hearing("draft", day=date(2026, 3, 20), title="霞浦专场民生夜询会", theme="霞浦铁路桥下的路灯")
        for name, address in (("居民陈某", "chen@example.org"), ("居民林某", "lin@example.org")):
            schedule.add_guest(
                evening,
                capacity=Capacity.RESIDENT,
                listed=AttendanceList.IN_ATTENDANCE,
                name=name,
                email=address,
                actor=organiser,
            )
        schedule.announce(evening, actor=organiser)
        other = w.hearing("announced", day=date(2026, 3, 12), title="小港专场民生夜询会")
        story.tell()
    with story.at(date(2026, 3, 3)):
        seat = schedule.add_person(evening, w.street, actor=organiser)
        story.tell()
    with story.at(date(2026, 3, 4)):
        moved = factories.evening(date(2026, 3, 19), "19:30", "21:30")
        schedule.reschedule(evening, station=w.other_station, reason="联络站电路检修", actor=organiser, **moved)
        story.tell()
    with story.at(date(2026, 3, 5)):
        schedule.postpone(evening, reason="台风橙色预警", actor=organiser)
        story.tell()
    with story.at(date(2026, 3, 6)):
        again = factories.evening(date(2026, 3, 20))
        schedule.reschedule(evening, station=w.station, reason="天气好转", actor=organiser, **again)
        story.tell()
    with story.at(date(2026, 3, 9)):
        schedule.remove_participant(seat, actor=organiser)
        schedule.cancel(other, reason="与区人代会时间冲突", actor=organiser)
        guest = db.session.scalars(select(Invitation).where(Invitation.address == "lin@example.org")).first()
        invitations.answer(guest, Reply.TENTATIVE, by="link")
        invitations.remind(evening, actor=organiser)
        post.answers["chen@example.org"] = ["550 5.1.1 no such user"]
        story.tell()
    for day in (10, 17, 20):
        with story.at(date(2026, 3, day)):
            story.tell()
    with story.at(date(2026, 3, 20), 19):
        schedule.open_session(evening, actor=organiser)
        lamps, dust, wages, school = (
            w.issue(evening, title=title, statement=statement)
            for title, statement in (
                ("铁路桥下无路灯", "霞浦铁路桥下夜间无灯，居民晚上走路不安全，去年已反映过一次。"),
                ("工地扬尘", "桥北工地出入口没有冲洗，晴天扬尘、雨天泥泞。"),
                ("个人劳动争议", "某厂拖欠本人两个月工资。"),
                ("新建小学选址", "希望在桥南新建一所小学。"),
            )
        )
        light = w.commitment(lamps, measure="在铁路桥下安装路灯12盏并接电亮灯", due_on=date(2026, 4, 8))
        wash = w.commitment(dust, measure="工地出入口设置冲洗平台", due_on=date(2026, 3, 27), lead=w.other_bureau)
        clear = w.commitment(lamps, measure="清走桥下堆物", due_on=date(2026, 3, 31))
        issues.decline(wages, reason="属于劳动争议，请向劳动监察大队反映", actor=organiser)
        issues.transfer(school, to="转为代表建议，由区人大代表工委交办", actor=organiser)
        schedule.conclude(evening, actor=organiser)
    with story.at(date(2026, 3, 23)):
        issues.assign(lamps, lead=w.bureau, co_handlers=[w.other_bureau], actor=organiser)
        issues.assign(dust, lead=w.other_bureau, actor=organiser)
        story.tell()
        paper = minutes_.draft(evening, actor=organiser)
        minutes_.review(paper, actor=w.street)
        minutes_.return_to_draft(paper, reason="承诺第二项的期限请核对", actor=w.street)
        story.tell()
    lead, helper, wrong = db.session.scalars(select(Assignment).order_by(Assignment.id))
    with story.at(date(2026, 3, 24)):
        minutes_.review(paper, actor=w.street)
        minutes_.publish(paper, issued_by="张某某", issued_on=date(2026, 3, 24), pdf=b"%PDF", actor=w.street)
        issues.return_assignment(wrong, reason="工地归住建部门监管", actor=w.other_department)
        for one, who in ((lead, department), (helper, w.other_department)):
            issues.accept_assignment(one, actor=who)
        answer = {"signed_by": "吴某某", "actor": w.other_department}
        issues.reply(helper, result_class=ResultClass.A, text="校门一侧请同步装灯。", **answer)
        story.tell()
    with story.at(date(2026, 3, 24)):
        offer = db.session.scalars(select(undo.UndoOffer).order_by(undo.UndoOffer.id)).all()
        (back,) = [x for x in offer if x.act == "issue.act" and x.payload["action"] == "assignment.return"]
        undo.take_back(back.id, actor=w.other_department)
        db.session.flush()
        story.tell()
        issues.return_assignment(wrong, reason="工地归住建部门监管", actor=w.other_department)
        story.tell()
    with story.at(date(2026, 3, 25)):
        issues.ask_extension(clear, new_due_on=date(2026, 4, 30), reason="需等铁路部门天窗期", actor=department)
        story.tell()
        issues.refuse_extension(
            db.session.scalars(select(Extension)).one(), reason="可先清走人行道一侧", actor=organiser
        )
        story.tell()
        issues.release_commitment(clear, reason="并入路灯项目一次完成", actor=organiser)
        story.tell()
    for day in (27, 30, 31):
        with story.at(date(2026, 3, day)):
            story.tell()
    with story.at(date(2026, 4, 1)):
        issues.ask_extension(light, new_due_on=date(2026, 4, 10), reason="灯杆到货推迟两天", actor=department)
        story.tell()
        asked = db.session.scalars(select(Extension).order_by(Extension.id.desc())).first()
        issues.grant_extension(asked, note="仅此一次", actor=organiser)
        issues.report_done(light, report="12盏路灯已全部安装", actor=department)
        story.tell()
        issues.reject_report(light, reason="现场仍有3盏未亮", actor=organiser)
        story.tell()
    for day in (3, 9, 10, 13, 15, 16):  # a week before; one day before; the day; overdue: office, organiser
        with story.at(date(2026, 4, day)):
            story.tell()
    w.bureau.head = w.department.name
    with story.at(date(2026, 4, 17)):
        issues.remind_assignment(lead, reason="安装路灯已逾期7天，请抓紧办理", actor=organiser)
        story.tell()
    with story.at(date(2026, 4, 20)):
        issues.supervise_assignment(
            lead, reason="催办后仍未完成，请主要负责人督促办理", new_due_on=date(2026, 4, 30), actor=organiser
        )
        story.tell()
    with story.at(date(2026, 4, 27)):  # and the leader
        story.tell()
    for day in (date(2026, 6, 15), date(2026, 6, 23), date(2026, 6, 24), date(2026, 6, 30), date(2026, 7, 10)):
        with story.at(day):
            story.tell()
    with story.at(date(2026, 7, 10), 14):
        issues.report_done(light, report="全部亮灯", actor=department)
        issues.verify_commitment(light, actor=organiser)
        issues.release_commitment(wash, reason="由住建部门另行承诺", actor=organiser)
        issues.reply(
            lead,
            result_class=ResultClass.A,
            text="12盏路灯全部亮灯。",
            signed_by="郑某某",
            met_deputy=True,
            actor=department,
        )
        story.tell()
        asked = reviews.ask_confirmation(lamps, deputy=w.deputy, actor=organiser)
        story.tell()
        reviews.remind_deputy(asked, actor=organiser)
        story.tell()
    with story.at(date(2026, 7, 17)):
        story.tell()
        reviews.refuse(asked, reason="桥南口两盏又不亮了", actor=w.deputy)
        story.tell()
    with story.at(date(2026, 7, 24)):
        anew = db.session.scalars(select(Assignment).where(Assignment.round == 2, Assignment.part == Part.LEAD)).one()
        issues.reply(
            anew, result_class=ResultClass.A, text="已修复。", signed_by="郑某某", met_deputy=True, actor=department
        )
        again = reviews.ask_confirmation(lamps, deputy=w.deputy, actor=organiser)
        story.tell()
    with story.at(date(2026, 8, 17)):
        story.tell()
        reviews.confirm(again, note="都亮了", actor=w.deputy)
        story.tell()
        issues.strike_off(lamps, actor=organiser)
        story.tell()
    with story.at(date(2026, 8, 18)):
        last = w.hearing("in_session", day=date(2026, 8, 18), title="春晓专场民生夜询会")
        plain = w.issue(last, title="公交末班车时间", statement="希望末班车延到晚上九点半以后。")
        reviews.confirmed_on_the_spot(plain, actor=organiser)
        issues.explain(plain, note="运力所限，暂不延长，已当面说明", actor=organiser)
        story.tell()
    if story.language == "en":  # guests have no language of their own; an office may write to them in English
        row = db.session.scalars(select(Invitation).where(Invitation.address == "lin@example.org")).first()
        for kind in ("before", "day"):
            said = texts.compose(f"invitation.{kind}", "en", hearing=evening, row=row, link="http://localhost/r/…")
            head = f"【Mail】{row.name} <{row.address}>"
            story.heard[f"hearing.{kind}"]["guest"] = f"{head}\n{said.subject}\n\n{said.body}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_message_reads_as_it_should(language, world, post, app, monkeypatch):
    monkeypatch.setitem(app.config, "ROBOT_URL", "http://robot.example/")
    monkeypatch.setattr(robot, "send", lambda *_: None)  # test_robot tries the call itself
    texts._environment.cache.clear()
    story = Story(world, language)
    tell(story, post)
    pages = dict(story.pages())
    if os.environ.get("REWRITE_TEXTS"):
        HERE.mkdir(exist_ok=True)
        for old in HERE.glob(f"*.{language}.txt"):
            old.unlink()
        for kind, page in pages.items():
            (HERE / f"{kind}.{language}.txt").write_text(page, encoding="utf-8")
    for kind, page in pages.items():
        assert page == (HERE / f"{kind}.{language}.txt").read_text(encoding="utf-8"), kind
    assert set(pages) == {*news.TELLERS, *OTHERS}, "the story tells every kind"
    used = {str(key[1]) for key in texts._environment.cache}
    assert used >= {f"{language}/{p.name}" for p in (texts.FOLDER / language).glob("*.txt")}, "and uses every template"


def test_every_kind_has_its_text_and_its_template_in_both_languages():
    for language in LANGUAGES:
        kinds = {p.name.removesuffix(f".{language}.txt") for p in HERE.glob(f"*.{language}.txt")}
        assert kinds == {*news.TELLERS, *OTHERS}
    assert {p.name for p in (texts.FOLDER / "zh").iterdir()} == {p.name for p in (texts.FOLDER / "en").iterdir()}
    assert {p.stem for p in (texts.FOLDER / "zh").iterdir()} >= {*news.TELLERS, *OTHERS}


def test_no_text_has_a_gap_a_raw_object_or_a_word_of_the_other_language():
    for path in sorted(HERE.glob("*.txt")):
        page = path.read_text(encoding="utf-8")
        assert not re.search(r"\bNone\b|\{|\}|%\(|&[a-z]+;|<[A-Z]\w+ \d|  |\n\n\n|[ \t]\n", page), path.name
        if path.name.endswith(".zh.txt"):
            ours = re.sub(r"https?://\S+|\S+@\S+|550 5\.1\.1 no such user", "", page)
            assert not re.search(r"[A-Za-z]{3,}", ours), path.name
            assert not re.search(r"[，。；：]{2}|[,;]", ours), path.name


def test_what_people_type_neither_breaks_a_subject_nor_is_escaped(app):
    said = texts.compose(
        "minutes.return", None, to=None, minutes=_Minutes("甲\r\n乙：<b>“丙”&丁</b>" + "长" * 90), reason="改 & <看>"
    )
    assert said.subject.startswith("纪要退回修改：甲 乙：<b>“丙”&丁</b>长")
    assert said.subject.endswith("…") and len(said.subject) < 80
    assert said.body == "核稿意见：改 & <看>。\n请修改后再送核稿。"


class _Minutes:
    def __init__(self, title):
        self.content = {"title": title}


def test_a_message_of_no_known_kind_is_an_error_and_not_an_empty_mail(app):
    from jinja2 import TemplateNotFound, UndefinedError

    with pytest.raises(TemplateNotFound):
        texts.compose("no.such", None)
    with pytest.raises(UndefinedError):
        texts.compose("due.before", None)
