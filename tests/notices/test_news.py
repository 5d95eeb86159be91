"""What the trail tells becomes messages; and reminders: who hears what on which day, once."""

import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from sqlalchemy import func, select

from hearings import undo
from hearings.audit import AuditEvent
from hearings.db import clock_at, db, now, today
from hearings.filters import full_moment, span
from hearings.issues import operations as issues
from hearings.issues.models import Assignment, ResultClass
from hearings.minutes import operations as minutes_
from hearings.notices import news, reminders
from hearings.notices.commands import round_
from hearings.notices.models import Message
from hearings.reviews import operations as reviews
from hearings.schedule import operations as schedule
from hearings.schedule.models import Participant
from tests import factories
from tests.notices.helpers import inbox, inbox_rows
from tests.reviews.forms import filled


@pytest.fixture
def calm(app):
    """News at once."""
    app.config["NEWS_DELAY"] = 0


def read():
    news.read()
    db.session.commit()


def test_the_life_of_an_issue_reaches_each_whom_it_concerns(calm, begun, browser):
    w = begun
    issue = w.issue(w.hearing("in_session", day=today() - timedelta(days=1)))
    promise = w.commitment(issue)
    schedule.conclude(issue.hearing, actor=w.organiser)
    read()
    db.session.query(Message).delete()
    issues.assign(issue, lead=w.bureau, actor=w.organiser)
    db.session.commit()
    read()
    ref = f"{issue.reference} {issue.title}"
    assert inbox(w.department) == [f"交办通知：{ref}"]
    (assignment,) = db.session.scalars(select(Assignment)).all()
    issues.accept_assignment(assignment, actor=w.department)
    issues.ask_extension(promise, new_due_on=promise.due_on + timedelta(days=9), reason="雨季", actor=w.department)
    db.session.commit()
    read()
    assert inbox(w.organiser) == [f"申请延期：{promise.measure}"]
    (extension,) = db.session.scalars(select(issues.Extension)).all()
    issues.grant_extension(extension, actor=w.organiser)
    issues.report_done(promise, report="已完成", actor=w.department)
    db.session.commit()
    read()
    assert inbox(w.department)[1:] == [f"同意延期：{promise.measure}"]
    assert inbox(w.organiser)[1:] == [f"报告完成，待核实：{promise.measure}"]
    issues.reply(
        assignment,
        result_class=ResultClass.A,
        text="办结",
        signed_by="郑某某",
        contact=None,
        met_deputy=True,
        actor=w.department,
    )
    reviews.ask_confirmation(issue, deputy=w.deputy, actor=w.organiser)
    db.session.commit()
    read()
    assert inbox(w.deputy) == [f"已答复：{ref}", f"请确认是否办结：{ref}"]
    assert inbox(w.other_department) == []
    page = browser(w.deputy).get("/inbox/").text
    assert "请确认是否办结" in page
    assert "2条未读" in page


def test_reading_twice_tells_once_and_nobody_hears_of_their_own_act(calm, begun):
    hearing = begun.hearing("announced")
    read()
    first = db.session.scalar(select(func.count()).select_from(Message))
    row = news.cursor()
    row.audit_id = 0
    db.session.commit()
    read()
    assert db.session.scalar(select(func.count()).select_from(Message)) == first
    assert inbox(begun.deputy) == [f"会议通知：{hearing.title}"]
    assert inbox(begun.organiser) == []


def test_what_was_rolled_back_is_nobodys_news(calm, begun):
    schedule.draft_hearing(
        title="一晚", station=begun.station, actor=begun.organiser, **factories.evening(today() + timedelta(days=9))
    )
    db.session.rollback()
    read()
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_a_new_house_tells_nothing_of_its_past(calm, world):
    world.hearing("announced")
    read()
    assert db.session.scalar(select(func.count()).select_from(Message)) == 0


def test_english_readers_read_english(calm, begun):
    begun.deputy.locale = "en"
    hearing = begun.hearing("announced")
    read()
    assert inbox(begun.deputy) == [f"You are invited: {hearing.title}"]


def test_every_page_says_how_much_is_unread_in_the_statement_that_finds_the_person(calm, begun, browser, statements):
    deputy = browser(begun.deputy)
    assert "bar-count" not in deputy.get("/calendar/").text
    with statements() as before:
        deputy.get("/calendar/")
    begun.hearing("announced")
    begun.hearing("announced")
    read()
    with statements() as after:
        page = deputy.get("/calendar/").text
    assert '<span class="bar-count">2<span class="visually-hidden">未读</span></span>' in page
    assert len(after) == len(before)
    assert "bar-count" not in browser(begun.organiser).get("/calendar/").text
    deputy.post("/inbox/read")
    assert "bar-count" not in deputy.get("/calendar/").text


def test_a_group_is_told_of_hearings_once_and_its_secret_address_is_kept_nowhere(calm, begun, browser, app):
    app.config["ROBOT_URL"] = "https://robot.example/send?access_token=secret"
    try:
        hearing = begun.hearing("announced")
        issue = begun.issue(begun.hearing("in_session"))
        assert issue
        read()
        read()
    finally:
        app.config["ROBOT_URL"] = ""
    rows = db.session.scalars(select(Message).where(Message.channel == "robot").order_by(Message.id)).all()
    assert rows[0].subject == f"会议通知：{hearing.title}"
    assert {m.kind for m in rows} == {"hearing.announce"}
    assert "robot.example" not in browser(begun.organiser).get(f"/hearings/{hearing.id}/sent").text
    assert all(m.address is None for m in rows)


def test_a_round_of_the_worker_with_no_mail_server_still_fills_the_inbox(calm, begun):
    begun.deputy.email = "deputy@example.org"
    begun.hearing("announced")
    deputy_id = begun.deputy.id
    round_(remind=True)
    told = select(func.count()).where(Message.user_id == deputy_id, Message.channel == "inbox")
    assert db.session.scalar(told) == 1
    assert db.session.scalar(select(func.count()).where(Message.channel == "mail")) == 0


def test_a_line_that_cannot_be_told_of_keeps_the_others_from_nobody(calm, begun, monkeypatch, caplog):
    title, deputy = begun.hearing("announced").title, SimpleNamespace(id=begun.deputy.id)
    issue = begun.issue(begun.hearing("concluded"))
    issues.assign(issue, lead=begun.bureau, actor=begun.organiser)
    db.session.commit()
    monkeypatch.setitem(news.TELLERS, "assignment.make", lambda line: 1 / 0)
    round_(remind=False)
    assert f"会议通知：{title}" in inbox(deputy)
    assert news.cursor().audit_id == db.session.scalar(select(func.max(AuditEvent.id)))
    assert "assignment.make" in caplog.text and "ZeroDivisionError" in caplog.text


def test_a_step_of_a_round_that_fails_keeps_the_others_from_nothing(calm, begun, monkeypatch, caplog):
    title, deputy = begun.hearing("announced").title, SimpleNamespace(id=begun.deputy.id)
    monkeypatch.setattr(reminders, "write", lambda: 1 / 0)
    round_(remind=True)
    assert f"会议通知：{title}" in inbox(deputy)
    assert "ZeroDivisionError" in caplog.text


# -- what was undone, what belongs together, who joins and who leaves ------------------------------------


@pytest.fixture
def slow(app, monkeypatch):
    """A minute passes before anything is told, as it does in an office."""
    monkeypatch.setitem(app.config, "NEWS_DELAY", 60)


def after(seconds):
    with clock_at(now() + timedelta(seconds=seconds)):
        read()


def test_announcing_and_publishing_rest_for_a_minute(slow, begun):
    hearing = begun.hearing("announced", day=today() + timedelta(days=4))
    after(50)
    assert inbox(begun.deputy) == []
    after(61)
    assert inbox(begun.deputy) == [f"会议通知：{hearing.title}"]
    with clock_at(hearing.starts_at):
        schedule.open_session(hearing, actor=begun.organiser)
        schedule.conclude(hearing, actor=begun.organiser)
        paper = minutes_.draft(hearing, actor=begun.organiser)
        minutes_.review(paper, actor=begun.street)
        minutes_.publish(paper, issued_by="李", issued_on=today(), pdf=b"%PDF", docx=b"PK", actor=begun.organiser)
        db.session.commit()
        after(50)
        assert len(inbox(begun.deputy)) == 1
        after(61)
        assert inbox(begun.deputy)[1:] == [f"纪要已印发：{paper.content['title']}"]


@pytest.mark.parametrize(("seconds", "told"), [(50, ["第2版"]), (70, ["第1版", "第2版"])])
def test_a_correction_begun_within_the_minute_spares_people_the_first_version(slow, begun, seconds, told):
    hearing = begun.hearing("in_session", day=today() - timedelta(days=1))
    schedule.conclude(hearing, actor=begun.organiser)

    def publish(paper, mark):
        minutes_.review(paper, actor=begun.street)
        minutes_.publish(paper, issued_by="李", issued_on=today(), pdf=mark, docx=mark, actor=begun.organiser)
        db.session.commit()

    def heard():
        return [row.text for row in inbox_rows(begun.deputy) if row.kind == "minutes.publish"]

    one = minutes_.draft(hearing, actor=begun.organiser)
    publish(one, b"%PDF 1")
    with clock_at(now() + timedelta(seconds=seconds)):
        read()
        two = minutes_.correct(one, reason="日期有误", actor=begun.organiser)
        db.session.commit()
        after(3600)
        assert len(heard()) == len(told) - 1
        assert one.status == "published"  # sealed as it was; who looks for it finds it
        publish(two, b"%PDF 2")
        after(3600)
        assert ["第2版" if "第2版" in text else "第1版" for text in heard()] == told


@pytest.mark.parametrize("seconds", [30, 600])
def test_a_correction_thrown_away_lets_the_news_go_once(slow, begun, seconds):
    hearing = begun.hearing("in_session", day=today() - timedelta(days=1))
    schedule.conclude(hearing, actor=begun.organiser)
    one = minutes_.draft(hearing, actor=begun.organiser)
    minutes_.review(one, actor=begun.street)
    minutes_.publish(one, issued_by="李", issued_on=today(), pdf=b"%PDF", docx=b"PK", actor=begun.organiser)
    db.session.commit()
    with clock_at(now() + timedelta(seconds=seconds)):
        read()
        two = minutes_.correct(one, reason="日期有误", actor=begun.organiser)
        db.session.commit()
        after(3600)
        assert len(inbox(begun.deputy)) == (seconds > 60)
        with clock_at(now() + timedelta(seconds=7200)):
            minutes_.abandon(two, actor=begun.organiser)
            db.session.commit()
            after(3600)
        assert inbox(begun.deputy) == [f"纪要已印发：{one.content['title']}"]


def take_back(browser, user):
    """Press undo on the newest offer."""
    offer = db.session.scalars(select(undo.UndoOffer).order_by(undo.UndoOffer.id.desc())).first()
    assert browser(user).post(f"/undo/{offer.id}").status_code == 303


def test_what_was_written_by_a_clock_that_ran_ahead_holds_back_nothing_once_something_later_is_old_enough(slow, begun):
    with clock_at(now() + timedelta(days=400)):
        begun.hearing("announced", title="时钟快了的一场", day=today() + timedelta(days=4))
    after(3600)
    assert inbox(begun.deputy) == [], "nothing has been written since, so it may have been just now"
    begun.hearing("announced", title="时钟校正后的一场", day=today() + timedelta(days=5))
    after(50)
    assert inbox(begun.deputy) == []
    after(61)
    assert inbox(begun.deputy) == ["会议通知：时钟快了的一场", "会议通知：时钟校正后的一场"]


def test_what_the_future_wrote_last_is_told_when_the_clock_gets_there(slow, begun):
    with clock_at(now() + timedelta(hours=2)):
        begun.hearing("announced", title="最后一场", day=today() + timedelta(days=4))
    after(7200 + 50)
    assert inbox(begun.deputy) == []
    after(7200 + 61)
    assert inbox(begun.deputy) == ["会议通知：最后一场"]


def test_what_is_undone_within_the_minute_is_nobodys_news_even_late_in_it(slow, begun, browser):
    hearing = begun.hearing("announced")
    with clock_at(now() + timedelta(seconds=55)):
        take_back(browser, begun.organiser)
    after(61)
    after(200)
    assert inbox(begun.deputy) == []
    with clock_at(now() + timedelta(seconds=300)):
        schedule.announce(hearing, actor=begun.organiser)
        db.session.commit()
    after(400)
    assert inbox(begun.deputy) == [f"会议通知：{hearing.title}"], "announced anew it is news"


def test_what_is_taken_back_after_it_was_told_is_told_to_be_off(slow, begun, browser):
    issue = begun.issue(begun.hearing("concluded"))
    after(61)
    before = len(inbox(begun.department))
    one = browser(begun.organiser)
    where = f"/issues/{issue.id}/assign"
    assert one.post(where, filled(one.get(where)) | {"lead": str(begun.bureau.id)}).status_code == 303
    after(61)
    assert [x[:4] for x in inbox(begun.department)[before:]] == ["交办通知"]
    offer = re.search(r"/undo/\d+", one.get(f"/issues/{issue.id}").text)[0]
    with clock_at(now() + timedelta(seconds=90)):
        assert one.post(offer).status_code == 303
    after(100)
    assert len(inbox(begun.department)) == before + 1, "that, too, rests for a minute"
    after(200)
    after(300)
    new = inbox(begun.department)[before:]
    assert [x[:4] for x in new] == ["交办通知", "已撤销："] and new[1] == f"已撤销：{new[0]}"
    message = db.session.scalars(select(Message).where(Message.kind == "taken_back")).one()
    assert message.url == "/inbox/", "the issue's page is closed to the department again"
    assert "周某某已撤销此事" in message.text


def test_of_a_second_try_undone_at_once_nobody_hears_though_the_first_was_told(slow, begun, browser):
    task = begun.assigned(begun.issue(begun.hearing("concluded")))
    after(61)
    issues.return_assignment(task, reason="不属本局", actor=begun.department)
    db.session.commit()
    after(61)
    assert inbox(begun.organiser)[-1].startswith("退回交办：")
    for seconds in (70, 75):
        with clock_at(now() + timedelta(seconds=seconds)):
            last = db.session.scalars(select(undo.UndoOffer).order_by(undo.UndoOffer.id.desc())).first()
            undo.take_back(last.id, actor=begun.department)
            db.session.commit()
            if seconds == 70:
                issues.return_assignment(task, reason="不属本局", actor=begun.department)
                db.session.commit()
    after(200)
    heard = inbox(begun.organiser)
    assert [x[:4] for x in heard if "退回交办" in x] == ["退回交办", "已撤销："]


def test_who_need_not_come_and_is_put_back_hears_that_too(slow, begun, browser):
    hearing = begun.hearing("announced", day=today() + timedelta(days=4))
    after(61)
    seat = db.session.scalar(select(Participant).where(Participant.user_id == begun.deputy.id))
    schedule.remove_participant(seat, actor=begun.organiser)
    db.session.commit()
    after(61)
    assert len(inbox(begun.deputy)) == 2
    with clock_at(now() + timedelta(seconds=70)):
        last = db.session.scalars(select(undo.UndoOffer).order_by(undo.UndoOffer.id.desc())).first()
        undo.take_back(last.id, actor=begun.organiser)
        db.session.commit()
    after(140)
    assert inbox(begun.deputy)[2] == f"已撤销：{inbox(begun.deputy)[1]}"
    assert hearing.title in inbox(begun.deputy)[2]


def test_undone_and_done_again_within_the_minute_is_told_once(slow, begun, browser):
    hearing = begun.hearing("announced")
    take_back(browser, begun.organiser)
    schedule.announce(hearing, actor=begun.organiser)
    db.session.commit()
    after(61)
    assert inbox(begun.deputy) == [f"会议通知：{hearing.title}"]


def test_several_changes_within_a_minute_are_one_message_from_where_people_knew_it(slow, begun):
    first = today() + timedelta(days=7)
    hearing = begun.hearing("announced", day=first)
    after(61)

    def move(days):
        where = {"station": begun.station, "reason": "场地检修", "actor": begun.organiser}
        schedule.reschedule(hearing, **factories.evening(first + timedelta(days=days)), **where)
        db.session.commit()

    with clock_at(now() + timedelta(seconds=100)):
        move(1)
        move(2)
        move(3)
        after(61)
    _told, changed = db.session.scalars(
        select(Message).where(Message.user_id == begun.deputy.id, Message.channel == "inbox").order_by(Message.id)
    )
    assert changed.subject == f"会议变更：{hearing.title}"
    assert f"时间：{span(hearing)}，原定{full_moment(factories.evening(first)['starts_at'])}\n" in changed.text
    with clock_at(now() + timedelta(seconds=300)):
        move(4)
        schedule.cancel(hearing, reason="台风", actor=begun.organiser)
        db.session.commit()
        after(61)
    assert inbox(begun.deputy)[2:] == [f"会议取消：{hearing.title}"]


def test_who_has_not_heard_of_a_hearing_does_not_hear_that_it_is_off(slow, begun):
    hearing = begun.hearing("announced")
    schedule.cancel(hearing, reason="台风", actor=begun.organiser)
    db.session.commit()
    after(61)
    assert inbox(begun.deputy) == []


def test_who_joins_is_invited_and_who_leaves_is_told_that_they_need_not_come(calm, begun):
    hearing = begun.hearing("announced")
    read()
    told = len(db.session.scalars(select(Message)).all())
    seat = schedule.add_person(hearing, begun.street, actor=begun.organiser)
    db.session.commit()
    read()
    assert inbox(begun.street) == [f"会议通知：{hearing.title}"]
    schedule.remove_participant(seat, actor=begun.organiser)
    db.session.commit()
    read()
    read()
    assert inbox(begun.street)[1:] == [f"不再需要参加：{hearing.title}"]
    assert len(db.session.scalars(select(Message)).all()) == told + 2, "nobody else hears of it"


def test_a_draft_and_an_evening_that_is_over_invite_nobody(calm, begun):
    draft = begun.hearing("draft")
    over = begun.hearing("announced", day=today() - timedelta(days=1))
    read()
    for hearing in (draft, over):
        schedule.add_person(hearing, begun.street, actor=begun.organiser)
    db.session.commit()
    read()
    assert inbox(begun.street) == []


def test_a_co_handlers_opinion_goes_to_the_leading_office_and_not_to_the_deputy(calm, begun):
    w = begun
    issue = w.issue(w.hearing("concluded", day=today() - timedelta(days=1)))
    _lead, helper = issues.assign(issue, lead=w.bureau, co_handlers=[w.other_bureau], actor=w.organiser)
    issues.accept_assignment(helper, actor=w.other_department)
    db.session.commit()
    news.skip()
    db.session.commit()
    issues.reply(helper, result_class=ResultClass.A, text="同意", signed_by="吴某某", actor=w.other_department)
    db.session.commit()
    read()
    said = f"会办意见：{issue.reference} {issue.title}"
    assert inbox(w.department)[-1] == inbox(w.organiser)[-1] == said
    assert said not in inbox(w.deputy)


def test_texts_are_in_the_language_of_who_reads_them_not_of_who_acted(begun, browser, post):
    begun.deputy.email = "deputy@example.org"
    begun.organiser.locale = "en"
    hearing = begun.hearing("announced", day=today() + timedelta(days=9))
    read()
    assert browser(begun.organiser).post(f"/hearings/{hearing.id}/answers/remind").status_code == 303
    asked = db.session.scalars(select(Message).where(Message.kind == "invitation.remind")).one()
    assert asked.subject == f"请答复：{hearing.title}"
