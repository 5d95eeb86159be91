"""Nothing typed on the night's screen is lost: not when another part is sent, not when the issue is opened afresh."""

import json

import pytest
from sqlalchemy import select

from hearings.db import db
from hearings.issues import operations as issues
from hearings.issues.models import Commitment, Exchange, ExchangeKind, Outcome
from hearings.reviews.models import Draft
from tests.factories import tonight
from tests.reviews.forms import filled
from tests.reviews.test_night import AJAX

MEASURE, ANSWER = "清理桥下空间，\n安装路灯六盏。", "权属已经查明，由我局牵头。"


@pytest.fixture
def night(world, browser):
    hearing = world.hearing("in_session", **tonight())
    issue = world.issue(hearing)
    db.session.commit()
    base = f"/hearings/{hearing.id}/session"
    return browser(world.organiser), f"{base}?issue={issue.id}", f"{base}/issues/{issue.id}", issue


def texts():
    return list(db.session.scalars(select(Exchange.text).order_by(Exchange.id)))


def test_a_half_typed_commitment_survives_an_answer_and_the_answer_a_commitment(world, night):
    one, screen, at, _issue = night
    half = {
        "measure": MEASURE,
        "lead": str(world.other_bureau.id),
        "count": "10",
        "co_handlers": [str(world.bureau.id)],
    }
    one.post(f"{at}/turns", filled(one.get(screen), f"{at}/turns") | {"kind": "answer", "text": ANSWER} | half)
    assert texts() == [ANSWER]
    for _time in range(2):  # after sending, and opened afresh by its address
        shown = filled(one.get(screen), f"{at}/commitments")
        assert {name: shown[name] for name in half} == half | {"co_handlers": str(world.bureau.id)}
        assert shown["text"] == "", "what was sent is not typed any more"
    assert "已输入，尚未提交" in one.get(screen).text

    # the other way round; and what was sent is a draft no longer
    due = tonight()["starts_at"].date().replace(year=tonight()["starts_at"].year + 1).isoformat()
    one.post(
        f"{at}/commitments", shown | {"count": "", "unit": "", "due_on": due, "text": "还有一句", "speaker": "代表甲"}
    )
    promise = db.session.scalars(select(Commitment)).one()
    assert (promise.measure, promise.lead, promise.co_handlers) == (MEASURE, world.other_bureau, [world.bureau])
    shown = filled(one.get(screen), f"{at}/turns")
    assert (shown["text"], shown["speaker"], shown["measure"]) == ("还有一句", "代表甲", "")
    one.post(f"{at}/turns", shown)
    assert texts() == [ANSWER, "还有一句"]
    assert db.session.scalars(select(Draft)).all() == []


@pytest.mark.parametrize(
    "button", ["outcome", "amend", "move", "move_turn", "remove_turn", "count", "issued", "agreed"]
)
def test_it_survives_every_button_of_the_opened_issue(world, night, button):
    one, screen, at, issue = night
    base = at.partition("/issues/")[0]
    first = issues.add_exchange(issue, ExchangeKind.QUESTION, "何时清理？", actor=world.organiser)
    issues.add_exchange(issue, ExchangeKind.ANSWER, "四月。", actor=world.organiser)
    world.issue(issue.hearing, title="另一件")
    issue.hearing.ballots_issued = 18
    issues.decide_outcome(issue, Outcome.ANSWERED_ON_SITE, actor=world.organiser)
    db.session.commit()
    to = {
        "outcome": f"{at}/outcome", "amend": at, "move": f"{at}/move", "move_turn": f"{base}/turns/{first.id}/move",
        "remove_turn": f"{base}/turns/{first.id}/remove", "count": f"{at}/ballot", "agreed": f"{at}/agreed",
        "issued": f"{base}/ballots-issued?issue={issue.id}",
    }[button]  # fmt: skip
    counts = {"satisfied": "1", "mostly_satisfied": "0", "dissatisfied": "0"} if button == "count" else {}
    where = (
        to if "move" not in to else to + ("?direction=down" if "turns" in to else f"?issue={issue.id}&direction=down")
    )
    assert (
        one.post(where, filled(one.get(screen), to) | {"text": ANSWER, "measure": MEASURE} | counts).status_code == 303
    )
    shown = filled(one.get(screen), f"{at}/turns")
    assert (shown["text"], shown["measure"].replace("\r\n", "\n")) == (ANSWER, MEASURE)


def test_what_is_refused_keeps_the_other_parts_on_the_page(world, night):
    one, screen, at, _issue = night
    refused = one.post(f"{at}/turns", filled(one.get(screen), f"{at}/turns") | {"text": "", "measure": MEASURE})
    assert refused.status_code == 422
    assert filled(refused, f"{at}/commitments")["measure"] == MEASURE


def test_words_saved_by_themselves_are_there_when_the_issue_is_opened_afresh_and_are_ones_own(world, browser, night):
    one, screen, at, issue = night
    page = filled(one.get(screen), f"{at}/keep")
    own = page["page_id"]
    saved = one.post(f"{at}/keep", page | {"text": ANSWER, "form_id": f"{own}~100001"}, headers=AJAX)
    assert saved.status_code == 200 and saved.json["saved_at"]
    assert filled(one.get(screen), f"{at}/turns")["text"] == ANSWER
    assert filled(browser(world.street).get(screen), f"{at}/turns")["text"] == ""
    # another issue has drafts of its own
    other = world.issue(issue.hearing)
    base = at.partition("/issues/")[0]
    assert filled(one.get(f"{base}?issue={other.id}"), f"{base}/issues/{other.id}/turns")["text"] == ""
    # emptied, it is forgotten
    one.post(f"{at}/keep", filled(one.get(screen), f"{at}/keep") | {"text": ""})
    assert db.session.scalars(select(Draft)).all() == []


def test_what_a_page_saves_by_itself_too_late_does_not_bring_sent_words_back(world, night):
    one, screen, at, _issue = night
    page = filled(one.get(screen), f"{at}/turns")
    late = page | {"text": ANSWER, "form_id": f"{page['page_id']}~100001"}
    one.post(f"{at}/turns", page | {"text": ANSWER})
    assert one.post(f"{at}/keep", late, headers=AJAX).status_code == 200
    assert filled(one.get(screen), f"{at}/turns")["text"] == ""
    assert texts() == [ANSWER]


def test_a_page_gone_back_to_sends_its_other_part(world, night):
    one, screen, at, _issue = night
    shown = one.get(screen)
    one.post(f"{at}/turns", filled(shown, f"{at}/turns") | {"text": ANSWER})
    one.post(f"{at}/turns", filled(shown, f"{at}/turns") | {"text": "第二次"})
    assert texts() == [ANSWER], "the same button twice is one act"
    given = {"measure": MEASURE, "lead": str(world.bureau.id), "count": "10", "unit": "workdays"}
    one.post(f"{at}/commitments", filled(shown, f"{at}/commitments") | given)
    assert db.session.scalars(select(Commitment.measure)).all() == [MEASURE]


def test_a_draft_meets_what_another_wrote_meanwhile(world, browser, night):
    """A change of the issue that was typed and not saved is compared with what it showed then, not with what is now."""
    one, screen, at, issue = night
    one.post(f"{at}/turns", filled(one.get(screen), f"{at}/turns") | {"text": ANSWER, "place": "桥东"})
    assert issue.place == "霞浦铁路桥"
    issues.amend_issue(issue, {"place": "桥西"}, actor=world.street)
    shown = filled(one.get(screen), at)
    assert shown["place"] == "桥东"
    assert one.post(at, shown).status_code == 409
    assert one.post(at, shown | {"place__choice": "mine"}).status_code == 303
    assert issue.place == "桥东"


def test_odd_drafts_hurt_nobody(world, night):
    one, screen, at, _issue = night
    page = filled(one.get(screen), f"{at}/keep")
    for odd in ("[]", "null", "{", json.dumps({"text": "x", "nothing": "y"})):
        fresh = filled(one.get(screen), f"{at}/keep")
        assert one.post(f"{at}/keep", fresh | {"base": odd, "text": "啊\0啊", "opened_turn": "²"}).status_code == 303
        assert one.get(screen).status_code == 200
    assert (
        one.post(f"{at}/keep", page | {"due_on": "x", "lead": "x", "co_handlers": "x", "count": "多"}).status_code
        == 303
    )
    assert one.get(screen).status_code == 200


def test_an_issue_with_a_draft_is_still_removed_and_the_screen_asks_no_more(world, night, statements):
    one, screen, at, _issue = night
    with statements() as before:
        one.get(screen)
    one.post(f"{at}/keep", filled(one.get(screen), f"{at}/keep") | {"text": ANSWER})
    with statements() as after:
        one.get(screen)
    assert len(before) == len(after)
    assert one.post(f"{at}/remove", filled(one.get(screen), f"{at}/remove")).status_code == 303
    assert db.session.scalars(select(Draft)).all() == []
