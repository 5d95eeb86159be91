"""A hearing's hub: everything about it, as far as this person may see, in few statements."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from hearings import workflow
from hearings.db import db, now, today
from hearings.issues import operations as issues
from hearings.issues.models import Outcome
from hearings.minutes import operations as minutes
from hearings.notices.models import Invitation
from hearings.people.words import ACTS as ACTION_LABELS
from hearings.people.words import act as action_words
from hearings.reviews import operations as reviews
from hearings.reviews.models import Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import AttendanceList, Came, Capacity
from tests import factories
from tests.ledger.test_figures import Story


def section(page: str, id_: str) -> str:
    """One section of the page, as text with its tags taken out."""
    found = re.search(rf'<section class="section" id="{id_}".*?</section>', page, re.S)
    assert found, id_
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", found[0]))


def without_tokens(page: str) -> str:
    """A page without what differs at every view."""
    return re.sub(r'value="[^"]*"|/hearings/\d+', "", page)


def primary(page: str) -> str:
    """Address of the primary action."""
    head = re.search(r'<div class="page-primary">(.*?)</div>\s*</div>', page, re.S)
    assert head, "no primary action"
    return re.search(r'(?:href|action)="([^"]+)"', head[1])[1]


def sections(page: str) -> list[str]:
    return re.findall(r'<section class="section" id="([\w-]+)"', page)


@pytest.fixture
def whole(world):
    """The example session, a year later."""
    told = Story(world)
    told.evening()
    told.hand_over()
    told.year()
    return told


def test_the_whole_of_a_hearing_on_one_page(whole, browser):
    page = browser(whole.w.leader).get(f"/hearings/{whole.hearing.id}").text
    assert sections(page) == [
        "participants", "topics", "issues", "ballots", "look-backs", "papers", "figures", "history",
    ]  # fmt: skip
    assert "第1期" in page and "家门口的民生小事" in page and "2021年3月25日" in page
    listed = section(page, "issues")
    assert listed.index("1-01") < listed.index("1-07")
    assert "措施1" in listed and "区交通运输局" in listed
    assert len(re.findall(r" 18 +\d+ +\d+ +\d+ +\d+ ", section(page, "ballots"))) == 6
    assert "绩效评估座谈会" in section(page, "look-backs")
    assert f"/hearings/{whole.hearing.id}/invite.ics" in page


def test_the_figures_as_of_a_day(whole, browser):
    one = browser(whole.w.organiser)
    told = section(one.get(f"/hearings/{whole.hearing.id}?as_of=2021-09-16").text, "figures")
    assert "83.3%" in told and "66.7%" in told
    assert re.search(r"5\D{1,8}6\D*2021年9月16日", told) or re.search(r"5 of 6, 2021年9月16日", told)
    assert "A4 B1 C1" in told
    numbers = re.findall(r"(\d+) +[^%]*?2021年9月16日", told)
    assert numbers[:4] == ["6", "4", "1", "1"]
    assert re.search(r"×3\D+×2\D+×1", told) and re.search(r"×4\D+×2", told)
    earlier = section(one.get(f"/hearings/{whole.hearing.id}?as_of=2021年5月10日").text, "figures")
    assert "16.7%" in earlier and "2021年5月10日" in earlier


@pytest.mark.parametrize(
    "odd",
    ["昨天", "2021-13-01", "2021-02-30", "9999-12-31", "0000-00-00", "1990-01-01", "' OR 1=1", "²021-01-01", "\x00"],
)
def test_an_odd_day_gets_a_sentence(world, browser, odd):
    hearing = world.hearing("concluded")
    page = browser(world.organiser).get(f"/hearings/{hearing.id}", query_string={"as_of": odd})
    assert page.status_code == 200
    assert ("field-error" in page.text) == (odd != "\x00")


def test_an_odd_history_key_is_the_beginning(world, browser):
    hearing = world.hearing()
    one = browser(world.organiser)
    for odd in ("x", "-1", "²", "99999999999999999999"):
        assert "history" in one.get(f"/hearings/{hearing.id}", query_string={"history": odd}).text


# -- the one primary action ----------------------------------------------------------------------------


def test_what_comes_next_for_the_organiser(world, browser):
    one = browser(world.organiser)
    hearing = world.hearing("draft", day=today())
    base = f"/hearings/{hearing.id}"

    def ahead() -> str:
        return primary(one.get(base).text)

    assert ahead() == f"{base}/announce"
    schedule.announce(hearing, actor=world.organiser)
    assert ahead() == f"{base}/open"
    schedule.open_session(hearing, actor=world.organiser)
    assert ahead() == f"{base}/session"
    issue = world.issue(hearing)
    schedule.conclude(hearing, actor=world.organiser)
    assert ahead() == f"/hearings/{hearing.id}/assign"
    issues.assign(issue, lead=world.bureau, actor=world.organiser)
    assert ahead() == f"{base}/minutes"
    made = minutes.draft(hearing, actor=world.organiser)
    minutes.review(made, actor=world.street)
    minutes.publish(made, issued_by="李", issued_on=today(), actor=world.organiser, pdf=b"%PDF-")
    assert ahead() == f"{base}/file"
    schedule.file_hearing(hearing, actor=world.organiser)
    assert ahead() == f"/look-backs/new?hearing={hearing.id}"


def test_what_comes_next_where_it_did_not_take_place(world, browser):
    one = browser(world.organiser)
    hearing = world.hearing("announced")
    base = f"/hearings/{hearing.id}"
    assert primary(one.get(base).text) == f"{base}/participants"
    schedule.postpone(hearing, reason="台风", actor=world.organiser)
    page = one.get(base).text
    assert primary(page) == f"{base}/reschedule" and "台风" in page
    schedule.cancel(hearing, reason="与上级会议冲突", actor=world.organiser)
    page = one.get(base).text
    assert primary(page) == f"{base}/copy" and "与上级会议冲突" in page


def test_what_the_others_can_do(world, browser):
    hearing = world.hearing("announced")
    base = f"/hearings/{hearing.id}"
    assert primary(browser(world.deputy).get(base).text) == f"{base}/issues/new"
    assert primary(browser(world.department).get(base).text) == f"{base}/attendee"
    page = browser(world.leader).get(base).text
    assert "page-primary" not in page and f"{base}/edit" not in page


# -- who sees what -------------------------------------------------------------------------------------


def test_drafts_and_strangers(world, browser):
    draft, told = world.hearing("draft"), world.hearing("announced")
    assert browser(world.organiser).get(f"/hearings/{draft.id}").status_code == 200
    stranger = factories.user("deputy")
    elsewhere = factories.user("organiser", stations=[world.other_station])
    db.session.commit()
    for user in (world.deputy, world.department):
        assert browser(user).get(f"/hearings/{draft.id}").status_code == 404
        assert browser(user).get(f"/hearings/{told.id}").status_code == 200
    for user in (stranger, elsewhere, world.admin):
        gone = browser(user).get(f"/hearings/{told.id}")
        never = browser(user).get("/hearings/99999")
        assert gone.status_code == 404
        assert without_tokens(gone.text) == without_tokens(never.text)
    assert browser(world.organiser).get("/hearings/999999999999999999999").status_code == 404


def test_a_department_sees_its_own_and_a_deputy_its_own(world, browser):
    hearing = world.hearing("announced")
    mine = schedule.add_topic(title="桥下环境", departments=[world.bureau], hearing=hearing, actor=world.organiser)
    other = schedule.add_topic(title="校门口", departments=[world.other_bureau], hearing=hearing, actor=world.organiser)
    schedule.open_session(hearing, actor=world.organiser)
    bridge = world.issue(hearing, title="桥下无灯")
    school = world.issue(hearing, title="校门拥堵", lead_deputy=world.other_deputy)
    world.commitment(school, measure="错峰放学", lead=world.other_bureau)
    schedule.conclude(hearing, actor=world.organiser)
    issues.assign(bridge, lead=world.bureau, actor=world.organiser)
    issues.assign(school, lead=world.other_bureau, actor=world.organiser)
    minutes.draft(hearing, actor=world.organiser)
    db.session.commit()
    path = f"/hearings/{hearing.id}"
    office = browser(world.department).get(path).text
    assert mine.title in office and other.title not in office
    assert bridge.title in office and school.title not in office and "错峰放学" not in office
    deputy = browser(world.other_deputy).get(path).text
    assert school.title in deputy and bridge.title not in deputy and "错峰放学" in deputy
    for page in (office, deputy):
        assert "figures" not in sections(page)
        assert f"{path}/minutes?" not in page and f"{path}/minutes.pdf" not in page
    everything = browser(world.leader).get(path).text
    assert {t in everything for t in (mine.title, other.title, bridge.title, school.title)} == {True}


def test_who_came_stood_in_and_stayed_away(world, browser):
    hearing = world.hearing("announced")
    o = world.organiser
    seats = {s.department_id or s.user_id: s for s in db.session.scalars(db.select(schedule.Participant))}
    seat = seats[world.bureau.id]
    schedule.name_attendee(seat, name="郑某某", title="局长", stand_in_name="何某某", stand_in_title="副局长", actor=o)
    residents = schedule.add_guest(
        hearing, capacity=Capacity.RESIDENT, listed=AttendanceList.IN_ATTENDANCE, name="陈某", seats=10, actor=o
    )
    schedule.open_session(hearing, actor=o)
    schedule.sign_in(seat, Came.SIGNED_IN, stand_in=True, actor=o)
    schedule.sign_in(residents, Came.SIGNED_IN, seats_taken=8, actor=o)
    away = next(s for s in seats.values() if s.user_id == world.deputy.id)
    schedule.sign_in(away, Came.ON_LEAVE, reason="公务", actor=o)
    schedule.add_guest(
        hearing, capacity=Capacity.MEDIA, listed=AttendanceList.PUBLIC_GALLERY, name="冯某", is_walk_in=True, actor=o
    )
    db.session.commit()
    page = browser(world.leader).get(f"/hearings/{hearing.id}").text
    told = section(page, "participants")
    assert "何某某" in told and "（公务）" in told and "冯某" in told
    assert "陈某" not in page  # residents by number only
    assert re.search(r"8\D+10|10人，到8人", told)


def invited(hearing, seat, answer="none", **more):
    """An invitation by mail, and what came of it."""
    db.session.add(
        Invitation(
            hearing_id=hearing.id, participant_id=seat.id, name=seat.name or seat.unit, told={}, answer=answer,
            address=f"p{seat.id}@example.org", answered_at=None if answer == "none" else now(), **more,
        )
    )  # fmt: skip


def test_who_comes_who_does_not_and_who_has_not_said(world, browser):
    hearing = world.hearing("announced")
    path = f"/hearings/{hearing.id}"
    seats = db.session.scalars(db.select(schedule.Participant).order_by(schedule.Participant.id)).all()
    by_name = {s.name or s.unit: s for s in seats}
    organiser = browser(world.organiser)
    assert "answers" not in sections(organiser.get(path).text), "this house sends no mail"
    invited(hearing, by_name["代表甲"], "declined", delegate="孙某某", delegate_title="主席")
    invited(hearing, by_name["代表乙"], reminded_at=now())
    invited(hearing, by_name["区交通运输局"], "accepted")
    dead = next(s for s in seats if s.name == "张某某")
    invited(hearing, dead, trouble="550 no such user")
    gone = next(s for s in seats if (s.name or s.unit) == "区教育局")
    invited(hearing, gone, "accepted", withdrawn_at=now())
    db.session.commit()
    page = organiser.get(path).text
    told = section(page, "answers")
    assert re.search(r"参加 1 区交通运输局", told) and re.search(r"不参加 1 代表甲", told)
    assert re.search(r"未答复 1 代表乙", told) and re.search(r"已再次征询 1 代表乙（", told)
    assert re.search(r"未征询：没有邮箱地址 1 区教育局", told)
    assert "孙某某 主席（代代表甲）" in told and "列为代为参加人" in told
    assert "550 no such user" in told and f"/participants/{dead.id}" in page
    assert f'action="{path}/answers/remind"' in page and f'href="{path}/answers"' in page
    done = organiser.post(f"{path}/answers/remind", {"to": "hearing"})
    assert done.location == f"{path}#answers"
    assert "已再次征询 1 人" in organiser.get(path).text
    invitation = db.session.scalar(db.select(Invitation.id).where(Invitation.delegate.is_not(None)))
    done = organiser.post(f"{path}/answers/stand-in", {"invitation": invitation, "to": "hearing"})
    assert done.location == f"{path}#answers"
    assert "已列入名单（代为参加）" in section(organiser.get(path).text, "answers")
    reading = section(browser(world.leader).get(path).text, "answers")
    assert "代表乙" in reading and "再次询问" not in reading
    for user in (world.deputy, world.department):
        assert "answers" not in sections(browser(user).get(path).text)
    schedule.open_session(hearing, actor=world.organiser)
    schedule.conclude(hearing, actor=world.organiser)
    db.session.commit()
    assert "answers" not in sections(organiser.get(path).text), "now it matters who came"


# -- history -------------------------------------------------------------------------------------------


def test_the_history_is_told_in_words_and_pages(world, browser):
    hearing = world.hearing("in_session")
    for n in range(20):
        world.issue(hearing, title=f"问题{n}")
        issues.order_issues(hearing, [], actor=world.organiser)
        db.session.commit()
    one = browser(world.organiser)
    page = one.get(f"/hearings/{hearing.id}").text
    told = section(page, "history")
    assert "问题19" in told and "周某某" in told and "issue." not in told
    older = re.search(r"\?history=(\d+)#history", page)[1]
    before = section(one.get(f"/hearings/{hearing.id}?history={older}").text, "history")
    assert "问题19" not in before and "问题0" in before


def test_every_act_of_the_trail_has_words():
    source = Path(workflow.__file__).parent
    acts = set()
    for path in source.rglob("*.py"):
        acts |= set(re.findall(r'record\(\s*"([a-z_]+\.[a-z_.]+)"', path.read_text()))
    acts |= {f"{entity}.{move}" for entity, table in workflow.MACHINES.items() for move in table}
    assert len(acts) > 80
    assert sorted(a for a in acts if a not in ACTION_LABELS and not a.endswith(".undo")) == []
    assert [a for a in acts if not action_words(a) or "." in action_words(a)] == []
    assert action_words("hearing.file.undo") and action_words("never.heard")


# -- numbers -------------------------------------------------------------------------------------------


def test_few_statements_however_much_there_is(world, browser, statements):
    small, large = world.hearing("in_session"), world.hearing("in_session")
    for hearing, count in ((small, 1), (large, 60)):
        for n in range(count):
            issue = world.issue(hearing, title=f"问题{n}")
            issues.decide_outcome(issue, Outcome.TIME_LIMITED, actor=world.organiser)
            for _k in range(3 if n % 2 else 2):
                issues.make_commitment(
                    issue, measure="措施", lead=world.bureau, co_handlers=[world.other_bureau],
                    due_on=today() + timedelta(days=30), actor=world.organiser,
                )  # fmt: skip
            reviews.record_ballot(
                hearing, issue, issued=18, satisfied=10, mostly_satisfied=4, dissatisfied=4, actor=world.organiser
            )
        for n in range(3 if count == 1 else 200):
            schedule.add_guest(
                hearing, capacity=Capacity.STAFF, listed=AttendanceList.PRESENT, name=f"人{n}", actor=world.organiser
            )
        for seat in db.session.scalars(db.select(schedule.Participant).where(schedule.Participant.hearing == hearing)):
            invited(hearing, seat)
        for n in range(count):
            schedule.add_topic(title=f"议题{n}", departments=[world.bureau], hearing=hearing, actor=world.organiser)
    db.session.commit()
    for user in (world.organiser, world.leader, world.deputy, world.department):
        one = browser(user)
        for asked in ("", f"?as_of={(today() - timedelta(days=1)).isoformat()}"):
            counts = []
            for hearing in (small, large):
                path = f"/hearings/{hearing.id}{asked}"
                with statements() as said:
                    assert one.get(path).status_code == 200
                counts.append(len(said))
            assert counts[0] == counts[1] <= 12, (user.username, asked, counts, said)


def test_as_few_while_the_opening_can_still_be_taken_back(world, browser, statements):
    hearing = world.hearing("in_session")
    one = browser(world.organiser)
    for asked in ("", f"?as_of={today().isoformat()}"):
        path = f"/hearings/{hearing.id}{asked}"
        with statements() as said:
            page = one.get(path).text
        assert len(said) <= 12, said
        assert ('"/undo/' in page) is not bool(asked)


def test_a_look_back_shows_what_it_looked_at(world, browser):
    issue = world.assigned().issue
    promise = world.commitment(issue, days=60)
    back = reviews.plan_look_back(
        title="第一次回头看", station=world.station, items=[issue], follows=issue.hearing, actor=world.organiser,
        **factories.evening(today()),
    )  # fmt: skip
    schedule.announce(back, actor=world.organiser)
    schedule.open_session(back, actor=world.organiser)
    reviews.record_finding(
        back, issue, commitment=promise, found="好一半", verdict=Verdict.KEEP_TRACKING, actor=world.organiser
    )
    db.session.commit()
    one = browser(world.organiser)
    page = one.get(f"/hearings/{back.id}").text
    assert issue.title in section(page, "agenda") and "topics" not in sections(page)
    assert f"/look-backs/{back.id}" in page
    assert "第一次回头看" in section(one.get(f"/hearings/{issue.hearing_id}").text, "look-backs")
