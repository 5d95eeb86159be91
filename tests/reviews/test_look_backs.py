"""Look-backs, their findings and ballots, and confirmations: the story, then the refusals."""

import io
import re
from datetime import timedelta

import pytest
from flask_babel import force_locale
from PIL import Image
from sqlalchemy import select

from hearings.db import db, today
from hearings.issues import operations as issues
from hearings.issues import queries as issue_reads
from hearings.issues.models import Commitment, Extension, Issue, ResultClass
from hearings.reviews import operations, queries, story
from hearings.reviews.models import AgendaItem, Ballot, Confirmation, Finding, FindingFile, Verdict
from hearings.schedule import operations as schedule
from hearings.schedule.models import Hearing, HearingKind
from tests.factories import evening
from tests.reviews.forms import filled
from tests.reviews.test_night import undo_from
from tests.reviews.test_operations import look_back, replied


def photo() -> io.BytesIO:
    out = io.BytesIO()
    Image.new("RGB", (600, 400), "#abc").save(out, "JPEG")
    out.seek(0)
    return out


def test_from_planning_to_struck_off(world, browser):
    done, open_one = replied(world, title="第一件"), replied(world, title="第二件", promises=1)
    closed = replied(world, title="早已办结")
    operations.confirm(operations.ask_confirmation(closed, actor=world.organiser), actor=world.deputy)
    issues.strike_off(closed, actor=world.organiser)
    one, deputy = browser(world.organiser), browser(world.deputy)

    # gather and plan
    page = one.get("/look-backs/new")
    assert ("第一件" in page.text, "早已办结" in page.text) == (True, False)
    planned = one.post(
        "/look-backs/new",
        filled(page)
        | {
            "items": [str(done.id), str(open_one.id)],
            "station": str(world.station.id),
            "day": today().isoformat(),
            "starts": "14:30",
            "ends": "16:30",
        },
    )
    meeting = db.session.scalars(select(Hearing).where(Hearing.kind == HearingKind.LOOK_BACK)).one()
    assert planned.headers["Location"] == f"/look-backs/{meeting.id}"
    assert (meeting.status, meeting.serial_no) == ("draft", None)
    assert db.session.scalars(select(AgendaItem.issue_id).order_by(AgendaItem.position)).all() == [
        done.id,
        open_one.id,
    ]
    assert deputy.get(f"/look-backs/{meeting.id}").status_code == 404, "nobody has been told"

    # announce, open
    schedule.announce(meeting, actor=world.organiser)
    at = f"/look-backs/{meeting.id}"
    assert "第一件" in deputy.get(at).text
    start = f"/hearings/{meeting.id}/open"
    one.post(start, filled(one.get(start)) | {"sure": "1"})
    assert meeting.status == "in_session"

    # one promise is not done yet: its date moves
    promise = db.session.scalars(select(Commitment)).one()
    where = f"{at}/findings/{open_one.id}"
    new = promise.due_on + timedelta(days=30)
    found = one.post(
        where,
        filled(one.get(f"{where}?commitment={promise.id}"))
        | {
            "found": "照明完成六成。",
            "verdict": "keep_tracking",
            "new_due_on": new.isoformat(),
            "percent": "60",
            "files": (photo(), "现场.jpg"),
        },
    )
    assert found.status_code == 303
    assert (promise.due_on, promise.percent) == (new, 60)
    link = db.session.scalars(select(FindingFile)).one()
    picture = one.get(f"/findings/files/{link.id}?thumb=1")
    assert (picture.status_code, picture.mimetype) == (200, "image/jpeg")
    assert browser(world.other_department).get(f"/findings/files/{link.id}").status_code == 404
    undo_from(one, at)
    assert db.session.scalars(select(Finding)).all() == []
    assert db.session.scalars(select(Extension)).all() == []

    # the other is done: the deputy is asked, confirms, and it is struck off
    where = f"{at}/findings/{done.id}"
    one.post(where, filled(one.get(where)) | {"found": "已完成。", "verdict": "strike_off"})
    asked = db.session.scalars(select(Confirmation).where(Confirmation.issue_id == done.id)).one()
    assert (done.status, asked.status) == ("replied", "asked")
    assert world.deputy.name in one.get(at).text
    assert [c.id for c in queries.waiting_for(world.deputy)] == [asked.id]
    assert f"/confirmations/{asked.id}" in deputy.get("/confirmations/").text
    place = f"/confirmations/{asked.id}"
    page = deputy.get(place)
    deputy.post(f"{place}/confirm", filled(page, f"{place}/confirm") | {"note": "去看过了"})
    assert (asked.status, asked.reason) == ("confirmed", "去看过了")
    one.post(where, filled(one.get(where)) | {"found": "代表已确认。", "verdict": "strike_off"})
    assert done.status == "struck_off"

    # conclude
    end = f"/hearings/{meeting.id}/conclude"
    one.post(end, filled(one.get(end)))
    assert meeting.status == "concluded"
    assert meeting.title in one.get("/look-backs/?state=held").text
    assert meeting.title not in one.get("/look-backs/?state=upcoming").text


def test_all_counts_of_an_evaluation_meeting_at_once(world, browser):
    """domain.md §5.2, 16 September: 02 15/3/0, 05 11/6/1, both satisfied of 18."""
    two, five, three = replied(world), replied(world), replied(world)
    meeting = world.hearing("in_session", day=today(), kind=HearingKind.EVALUATION_MEETING, title="评估座谈会")
    operations.carry_in(meeting, [two, five, three], actor=world.organiser)
    one = browser(world.organiser)
    where = f"/hearings/{meeting.id}/ballots"
    page = one.get(where)
    given = filled(page) | {
        "issued": "18",
        f"satisfied_{two.id}": "15",
        f"mostly_satisfied_{two.id}": "3",
        f"satisfied_{five.id}": "11",
        f"mostly_satisfied_{five.id}": "6",
        f"dissatisfied_{five.id}": "1",
    }
    assert one.post(where, given).status_code == 303
    rows = {b.issue_id: (b.verdict, b.issued, b.rule["threshold"]) for b in db.session.scalars(select(Ballot))}
    assert rows == {two.id: ("satisfied", 18, 9), five.id: ("satisfied", 18, 9)}
    assert (two.round, five.round) == (1, 1), "only an issue's own evening sets its round"
    page = one.get(where)
    wrong = one.post(where, filled(page) | {f"invalid_{five.id}": "9"})
    assert wrong.status_code == 422
    assert filled(wrong)[f"invalid_{five.id}"] == "9"
    assert f'id="invalid_{five.id}-error"' in wrong.text
    summary = wrong.text.split("data-error-summary")[1].split("</ul>")[0]
    assert five.reference in summary and two.reference not in summary
    # emptied again: the count is taken back
    emptied = {f"{name}_{two.id}": "" for name in ("satisfied", "mostly_satisfied", "dissatisfied", "invalid")}
    assert one.post(where, filled(one.get(where)) | emptied).status_code == 303
    assert db.session.scalars(select(Ballot.issue_id)).all() == [five.id]
    undo_from(one, where)
    assert sorted(db.session.scalars(select(Ballot.issue_id))) == sorted([two.id, five.id])


def test_two_counters_at_the_table(world, browser):
    a, b = replied(world), replied(world)
    meeting = world.hearing("in_session", day=today(), kind=HearingKind.EVALUATION_MEETING, title="评估座谈会")
    operations.carry_in(meeting, [a, b], actor=world.organiser)
    operations.hand_out_ballots(meeting, 18, actor=world.organiser)
    one, two = browser(world.organiser), browser(world.street)
    where = f"/hearings/{meeting.id}/ballots"
    first, second = filled(one.get(where)), filled(two.get(where))
    assert one.post(where, first | {f"satisfied_{a.id}": "10"}).status_code == 303
    assert two.post(where, second | {f"satisfied_{b.id}": "9"}).status_code == 303
    counts = dict(db.session.execute(select(Ballot.issue_id, Ballot.satisfied)).all())
    assert counts == {a.id: 10, b.id: 9}
    clash = two.post(where, second | {"form_id": "", f"satisfied_{a.id}": "8"})
    assert clash.status_code == 409
    assert f'name="satisfied_{a.id}__choice"' in clash.text
    assert two.post(where, filled(clash) | {f"satisfied_{a.id}__choice": "mine"}).status_code == 303
    counts = dict(db.session.execute(select(Ballot.issue_id, Ballot.satisfied)).all())
    assert counts == {a.id: 8, b.id: 9}


def test_a_refusal_over_the_page_starts_round_two(world, browser):
    issue = replied(world)
    asked = operations.ask_confirmation(issue, actor=world.organiser)
    deputy = browser(world.deputy)
    place = f"/confirmations/{asked.id}"
    page = deputy.get(place)
    empty = deputy.post(f"{place}/refuse", filled(page, f"{place}/refuse"))
    assert (empty.status_code, asked.status) == (422, "asked")
    given = filled(page, f"{place}/refuse") | {"reason": "灯还没亮"}
    assert deputy.post(f"{place}/refuse", given).status_code == 303
    assert (asked.status, issue.round, issue.status) == ("refused", 2, "in_handling")
    assert deputy.post(f"{place}/refuse", given).status_code == 303, "sent twice, done once"
    assert issue.round == 2
    undo_from(deputy, place)
    assert (asked.status, issue.round, issue.status) == ("asked", 1, "replied")


def test_the_organiser_asks_reminds_and_waives_late(world, browser):
    issue = replied(world)
    one = browser(world.organiser)
    where = f"/issues/{issue.id}/ask-confirmation"
    one.post(where, filled(one.get(where)))
    asked = db.session.scalars(select(Confirmation)).one()
    assert asked.deputy_id == world.deputy.id
    again = one.post(where, filled(one.get(where)))
    assert again.status_code == 422
    place = f"/confirmations/{asked.id}"
    page = one.get(place)
    one.post(f"{place}/remind", filled(page, f"{place}/remind"))
    assert asked.reminded_at is not None
    early = one.post(f"{place}/waive", {"reason": "代表出国"})
    assert (early.status_code, asked.status) == (422, "asked")
    asked.due_on = today() - timedelta(days=1)
    page = one.get(place)
    one.post(f"{place}/waive", filled(page, f"{place}/waive") | {"reason": "代表出国"})
    assert (asked.status, asked.reason) == ("waived", "代表出国")
    assert "代表出国" in one.get(place).text


def test_the_issues_story_tells_findings_confirmations_and_ballots(app, world):
    issue = replied(world)
    meeting = look_back(world, issue)
    operations.hand_out_ballots(meeting, 18, actor=world.organiser)
    operations.record_ballot(meeting, issue, satisfied=15, mostly_satisfied=3, dissatisfied=0, actor=world.organiser)
    asked = operations.ask_confirmation(issue, actor=world.organiser)
    operations.record_finding(meeting, issue, found="灯亮了。", verdict=Verdict.ESCALATE, actor=world.organiser)
    operations.confirm(asked, actor=world.deputy, note="去看过了")
    db.session.commit()
    assert story.parts in issue_reads.STORY_PARTS
    assert story.buttons in issue_reads.ISSUE_BUTTONS
    with app.test_request_context(), force_locale("en"):
        events = sorted(story.parts(issue, world.organiser), key=lambda e: e["at"])
        assert [str(e["label"]) for e in events] == [
            "Ballot: Satisfied",
            "Asked to confirm",
            "Looked back: Escalate",
            "Confirmed by the deputy",
        ]
        assert "18 handed out" in events[0]["text"]
        assert "from 9 votes" in events[0]["text"]
        assert (events[2]["text"], events[3]["text"]) == ("灯亮了。", "去看过了")


def test_a_promise_seen_kept_at_a_look_back_was_not_reported_by_its_department(app, world, browser):
    issue = replied(world, promises=1)
    promise = db.session.scalars(select(Commitment)).one()
    meeting = look_back(world, issue)
    one, at = browser(world.organiser), f"/look-backs/{meeting.id}"
    where = f"{at}/findings/{issue.id}"
    page = one.get(f"{where}?commitment={promise.id}")
    one.post(where, filled(page) | {"found": "末班车已延后。", "verdict": "strike_off"})
    assert (promise.status, promise.percent, promise.reported_at, promise.report) == ("kept", 100, None, None)
    story_ = browser(world.leader).get(f"/issues/{issue.id}").text
    assert "承诺已兑现" in story_ and "报告完成</" not in story_
    undo_from(one, at)
    assert (promise.status, promise.percent, promise.closed_at) == ("open", 0, None)


def test_an_issue_is_not_called_struck_off_before_its_deputy_has_spoken(world, browser):
    issue = replied(world)
    meeting = look_back(world, issue)
    finding = operations.record_finding(
        meeting, issue, found="灯亮了。", verdict=Verdict.STRIKE_OFF, actor=world.organiser
    )
    asked = db.session.scalars(select(Confirmation)).one()
    db.session.commit()
    assert "待代表确认后销号" in browser(world.deputy).get(f"/confirmations/{asked.id}").text
    operations.confirm(asked, actor=world.deputy)
    issues.strike_off(issue, actor=world.organiser)
    db.session.commit()
    with force_locale("zh_Hans"):
        assert str(finding.conclusion) == "销号"


def test_buttons_for_who_may_press_them(app, world):
    issue = replied(world)
    with app.test_request_context(), force_locale("en"):
        urls = [b.get("url") for b in story.buttons(issue, world.organiser)]
        assert urls == [f"/issues/{issue.id}/ask-confirmation"]
        assert story.buttons(issue, world.deputy) == []
        assert story.buttons(issue, world.leader) == []
        asked = operations.ask_confirmation(issue, actor=world.organiser)
        for person in (world.organiser, world.deputy):
            assert [b.get("url") for b in story.buttons(issue, person)] == [f"/confirmations/{asked.id}"]


# -- refusals ------------------------------------------------------------------------------------------


def test_an_evening_hearing_is_shown_at_its_own_address(world, browser):
    hearing = world.hearing()
    answer = browser(world.organiser).get(f"/look-backs/{hearing.id}")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"/hearings/{hearing.id}")


def test_who_may_read_and_plan(world, browser):
    meeting = look_back(world, replied(world))
    at = f"/look-backs/{meeting.id}"
    read = {
        n: browser(getattr(world, n)).get(at).status_code for n in ("street", "deputy", "leader", "auditor", "admin")
    }
    assert read == {"street": 200, "deputy": 200, "leader": 200, "auditor": 200, "admin": 404}
    plan = {
        n: browser(getattr(world, n)).get("/look-backs/new").status_code
        for n in ("organiser", "street", "deputy", "department", "leader", "admin")
    }
    assert plan == {"organiser": 200, "street": 200, "deputy": 403, "department": 403, "leader": 403, "admin": 403}
    kept = f"/hearings/{meeting.id}"
    for path in (f"{kept}/open", f"{kept}/conclude", f"{at}/findings/{db.session.scalars(select(Issue.id)).first()}"):
        assert browser(world.leader).post(path).status_code == 403


def test_a_department_sees_only_its_own_items(world, browser):
    mine, others = replied(world, title="本局的事"), world.issue(world.hearing("concluded"), title="别局的事")
    world.assigned(others, lead=world.other_bureau)
    meeting = look_back(world, mine, others)
    text = browser(world.department).get(f"/look-backs/{meeting.id}").text
    assert ("本局的事" in text, "别局的事" in text) == (True, False)
    text = browser(world.other_department).get(f"/look-backs/{meeting.id}").text
    assert ("本局的事" in text, "别局的事" in text) == (False, True)


def test_a_confirmation_is_the_deputys_own(world, browser):
    asked = operations.ask_confirmation(replied(world), actor=world.organiser)
    place = f"/confirmations/{asked.id}"
    seen = {
        n: browser(getattr(world, n)).get(place).status_code
        for n in ("organiser", "deputy", "other_deputy", "department", "other_department", "leader", "auditor", "admin")
    }
    assert seen == {
        "organiser": 200,
        "deputy": 200,
        "other_deputy": 404,
        "department": 200,
        "other_department": 404,
        "leader": 200,
        "auditor": 200,
        "admin": 404,
    }
    assert f'action="{place}/confirm"' not in browser(world.department).get(place).text
    assert browser(world.department).post(f"{place}/confirm", {}).status_code == 403
    assert browser(world.organiser).post(f"{place}/confirm", {}).status_code == 403
    assert browser(world.other_deputy).post(f"{place}/refuse", {"reason": "不"}).status_code == 404
    assert asked.status == "asked"


def test_a_street_follows_what_it_looks_back_at(world, browser):
    far = world.issue(world.hearing("concluded", station=world.other_station), title="别处的事", street="霞浦")
    task = world.assigned(far)
    issues.reply(task, result_class=ResultClass.A, text="已完成。", signed_by="郑某某", actor=world.department)
    asked = operations.ask_confirmation(far, actor=world.organiser)
    street = browser(world.street)
    assert street.get(f"/confirmations/{asked.id}").status_code == 404
    meeting = look_back(world, far)
    assert f"/confirmations/{asked.id}" in street.get(f"/look-backs/{meeting.id}").text
    assert street.get(f"/confirmations/{asked.id}").status_code == 200


def test_issues_out_of_scope_are_not_gathered(world, browser):
    far = world.issue(world.hearing("concluded", station=world.other_station), title="别处的事", street="霞浦")
    world.assigned(far)
    street = browser(world.street)
    page = street.get("/look-backs/new")
    assert "别处的事" not in page.text
    given = filled(page) | {
        "station": str(world.station.id),
        "day": (today() + timedelta(days=9)).isoformat(),
        "items": [str(far.id)],
    }
    refused = street.post("/look-backs/new", given)
    assert refused.status_code == 422
    assert db.session.scalars(select(AgendaItem)).all() == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"items": []}, "items"),
        ({"day": "1990-01-01"}, "day"),
        ({"day": "明天"}, "day"),
        ({"ends": "13:00"}, "ends"),
        ({"title": ""}, "title"),
        ({"station": "9999"}, "station"),
        ({"kind": "night_hearing"}, "kind"),
        ({"theme": "\u202e题目"}, "theme"),
    ],
)
def test_a_plan_that_does_not_hold(world, browser, given, field):
    issue = replied(world)
    one = browser(world.organiser)
    whole = filled(one.get("/look-backs/new")) | {
        "station": str(world.station.id),
        "day": (today() + timedelta(days=9)).isoformat(),
        "items": [str(issue.id)],
        "theme": "家门口的事",
    }
    refused = one.post("/look-backs/new", whole | given)
    assert refused.status_code == 422
    assert re.search(rf'href="#{field}(-0)?"', refused.text)
    assert db.session.scalars(select(AgendaItem)).all() == []


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"found": ""}, "found"),
        ({"verdict": ""}, "verdict"),
        ({"verdict": "forget"}, "verdict"),
        ({"verdict": "strike_off"}, "verdict"),
        ({"verdict": "keep_tracking", "new_due_on": "2020-01-01"}, "new_due_on"),
        ({"percent": "101"}, "percent"),
        ({"commitment": "999"}, "commitment"),
        ({"found": "灯\x00亮"}, "found"),
        ({"files": b"no picture"}, "files"),
    ],
)
def test_a_finding_that_does_not_hold(world, browser, given, field):
    issue = replied(world, promises=1)
    meeting = look_back(world, issue)
    if "files" in given:
        given = {"files": (io.BytesIO(given["files"]), "现场.jpg")}
    one = browser(world.organiser)
    where = f"/look-backs/{meeting.id}/findings/{issue.id}"
    whole = filled(one.get(where)) | {"found": "现场查看。", "verdict": "escalate", "deputy_opinion": "写下的意见"}
    refused = one.post(where, whole | given)
    assert refused.status_code == 422
    assert f'href="#{field}"' in refused.text
    assert filled(refused)["deputy_opinion"] == "写下的意见"
    assert db.session.scalars(select(Finding)).all() == []


def test_an_item_not_on_the_agenda_is_not_there(world, browser):
    issue, other = replied(world), replied(world)
    meeting = look_back(world, issue)
    one = browser(world.organiser)
    at = f"/look-backs/{meeting.id}"
    assert one.get(f"{at}/findings/{other.id}").status_code == 404
    assert one.post(f"{at}/items/{other.id}/drop").status_code == 404
    assert one.get(f"{at}/findings/99999999999999").status_code == 404
    one.post(f"{at}/items", filled(one.get(f"{at}/items")) | {"items": [str(other.id)]})
    assert [i.issue.id for i in queries.agenda(meeting, world.organiser).items] == [issue.id, other.id]
    where = f"{at}/items/{other.id}/move"
    one.post(where, filled(one.get(at), where) | {"direction": "up"})
    assert [i.issue.id for i in queries.agenda(meeting, world.organiser).items] == [other.id, issue.id]
    where = f"{at}/items/{issue.id}/drop"
    one.post(where, filled(one.get(at), where))
    undo_from(one, at)
    assert {i.issue.id for i in queries.agenda(meeting, world.organiser).items} == {other.id, issue.id}


@pytest.mark.parametrize(
    "query", ["state=x", "kind=night_hearing", "after=x", "after=1.2", "before=9999999999999.1", "after=99999999999.1"]
)
def test_odd_addresses_of_the_list_are_no_crash(world, browser, query):
    look_back(world, replied(world))
    assert browser(world.organiser).get(f"/look-backs/?{query}").status_code == 200


@pytest.mark.parametrize("query", ["hearing=x", "light=purple", "street=%00", "department=999", "items=x&items=1"])
def test_odd_filters_are_no_crash(world, browser, query):
    replied(world)
    assert browser(world.organiser).get(f"/look-backs/new?{query}").status_code == 200


def test_pages_of_the_list_by_key(world, browser):
    for number in range(5):
        schedule.draft_hearing(
            kind=HearingKind.LOOK_BACK,
            title=f"回头看{number}",
            station=world.station,
            actor=world.organiser,
            **evening(today() + timedelta(days=number + 1)),
        )
    db.session.commit()
    first = queries.look_backs(world.organiser, size=2)
    second = queries.look_backs(world.organiser, size=2, after=first.older or "")
    third = queries.look_backs(world.organiser, size=2, after=second.older or "")
    back = queries.look_backs(world.organiser, size=2, before=third.newer or "")
    titles = [[h.title for h in p.rows] for p in (first, second, third, back)]
    assert titles == [["回头看0", "回头看1"], ["回头看2", "回头看3"], ["回头看4"], ["回头看2", "回头看3"]]
    assert (first.newer, third.older, first.total) == (None, None, 5)


def test_the_same_statements_for_one_item_and_for_sixty(world, browser, statements):
    hearing = world.hearing("concluded")
    meeting = look_back(world)

    def fill(number: int) -> Issue:
        for n in range(number):
            issue = issues.log_issue(
                hearing, statement=f"第{n}个问题，反映多次。", lead_deputy=world.deputy, actor=world.organiser
            )
            issues.make_commitment(
                issue,
                measure="整改",
                lead=world.bureau,
                co_handlers=[world.other_bureau],
                due_on=hearing.day,
                actor=world.organiser,
            )
            task = issues.assign(issue, lead=world.bureau, co_handlers=[world.other_bureau], actor=world.organiser)[0]
            issues.reply(task, result_class=ResultClass.B, text="办理中", signed_by="郑", actor=world.department)
            operations.carry_in(meeting, [issue], actor=world.organiser)
            operations.record_finding(
                meeting, issue, found="看过", verdict=Verdict.KEEP_TRACKING, actor=world.organiser
            )
            if n % 2:
                operations.ask_confirmation(issue, actor=world.organiser)
        return issue

    one = browser(world.organiser)

    def count() -> list[int]:
        db.session.commit()
        found = []
        for path in (
            f"/look-backs/{meeting.id}",
            "/look-backs/",
            "/look-backs/new",
            "/confirmations/",
            f"/hearings/{meeting.id}/ballots",
            f"/look-backs/{meeting.id}/findings/{issue.id}",
        ):
            with statements() as said:
                assert one.get(path).status_code == 200
            found.append(len(said))
        return found

    fill(2)
    issue = fill(1)
    few = count()
    fill(57)
    assert count() == few
    assert max(few) <= 12


def _pages(browser, path):
    """The ids on each page of a list, walked to its end and back again."""
    walked = []
    for rel in ("next", "prev"):
        while path:
            page = browser.get(path).text
            ids = [int(found) for found in re.findall(r'href="/confirmations/(\d+)"', page)]
            if not walked or walked[-1] != ids:
                walked.append(ids)
            link = re.search(rf'rel="{rel}"\s+href="([^"]+)"', page)
            last, path = path, link[1].replace("&amp;", "&") if link else None
        path = last
    return walked


def test_confirmations_are_read_in_pages(world, browser):
    for number in range(1, 105):
        asked = operations.ask_confirmation(replied(world), actor=world.organiser)
        asked.due_on = today() + timedelta(days=number // 3)
        if number > 51:
            operations.confirm(asked, actor=world.deputy)
    db.session.commit()
    one = browser(world.organiser)

    def ids(status, *order):
        return list(db.session.scalars(select(Confirmation.id).where(Confirmation.status == status).order_by(*order)))

    waiting = ids("asked", Confirmation.due_on, Confirmation.id)
    assert _pages(one, "/confirmations/") == [waiting[:50], waiting[50:], waiting[:50]]
    answered = ids("confirmed", Confirmation.answered_at.desc(), Confirmation.id.desc())
    assert _pages(one, "/confirmations/?state=answered") == [answered[:50], answered[50:], answered[:50]]
    assert _pages(one, "/confirmations/?after=999999999") == [waiting[:50], waiting[50:], waiting[:50]]
