"""Search: two Chinese characters anywhere, within the person's scope, newest first."""

import re

import pytest
from sqlalchemy import insert, text

from hearings import search
from hearings.db import db
from hearings.desk import queries
from hearings.issues import operations as issues
from hearings.issues.models import ExchangeKind, ResultClass
from hearings.people import operations as people
from hearings.schedule import operations as schedule
from hearings.search import SearchEntry


def found(browser_, **args):
    """(address, marked words) of each hit."""
    page = browser_.get("/search", query_string=args)
    assert page.status_code == 200
    return [
        (re.search(r'<a href="([^"]+)"', hit)[1], re.findall(r"<mark>([^<]*)</mark>", hit))
        for hit in re.findall(r'<li class="hit keep">.*?</li>', page.text, re.S)
    ]


def record(world):
    """An issue with everything that can be searched."""
    hearing = world.hearing("concluded", title="家门口的出行小事")
    issue = world.issue(
        hearing, statement="柴桥老街公交站牌缺失，老人候车不便。", title="公交站牌缺失", place="柴桥老街"
    )
    turn = issues.add_exchange(
        issue, kind=ExchangeKind.ANSWER, text="已列入下月站亭改造计划。", actor=world.organiser, speaker="郑局长"
    )
    promise = world.commitment(issue, measure="补设电子站牌三处")
    assignment = world.assigned(issue)
    reply = issues.reply(
        assignment,
        result_class=ResultClass.A,
        text="电子站牌已安装并启用。",
        signed_by="郑某某",
        actor=world.department,
    )
    db.session.commit()
    return hearing, issue, turn, promise, reply


def test_every_kind_is_found_with_its_hit_marked(world, browser):
    hearing, issue, _turn, promise, _reply = record(world)
    one = browser(world.organiser)
    assert found(one, q="出行") == [(f"/hearings/{hearing.id}", ["出行"])]
    assert found(one, q="候车") == [(f"/issues/{issue.id}", ["候车"])]
    assert found(one, q="站亭") == [(f"/issues/{issue.id}", ["站亭"])]
    assert found(one, q="三处") == [(f"/commitments/{promise.id}", ["三处"])]
    assert found(one, q="启用") == [(f"/issues/{issue.id}", ["启用"])]
    assert found(one, q="霞浦街道人大") == [(f"/stations/{world.other_station.id}", ["霞浦街道人大"])]
    assert found(one, q="电子 安装") == [(f"/issues/{issue.id}", ["电子", "安装"])]
    assert found(one, q="安装电子") == []  # the order of a word counts
    assert found(one, q="没有这个") == []


def test_newest_first_and_by_kind(world, browser):
    _hearing, issue, _turn, promise, _reply = record(world)
    one = browser(world.organiser)
    every = [url for url, _marks in found(one, q="站牌")]
    assert every == [f"/issues/{issue.id}", f"/commitments/{promise.id}", f"/issues/{issue.id}"]
    assert [url for url, _m in found(one, q="站牌", kind="commitment")] == [f"/commitments/{promise.id}"]
    assert len(found(one, q="站牌", kind="nonsense")) == 3


@pytest.mark.parametrize("words", ["{serial}-01", "{serial}-1", "{serial}－01", " {serial}-01 "])
def test_a_reference_finds_its_issue(world, browser, words):
    hearing, issue, *_rest = record(world)
    page = browser(world.organiser).get("/search", query_string={"q": words.format(serial=hearing.serial_no)})
    direct = re.search(r'id="direct".*?</section>', page.text, re.S)[0]
    assert f'href="/issues/{issue.id}"' in direct
    assert 'id="direct"' not in browser(world.other_department).get(f"/search?q={hearing.serial_no}-01").text


def test_a_hearings_numbers_find_it(world, browser):
    hearing, *_rest = record(world)
    one = browser(world.organiser)
    for words in (f"第{hearing.serial_no}期", f"{hearing.serial_no}期", hearing.code, hearing.code.lower()):
        assert f"/hearings/{hearing.id}" in [url for url, _m in found(one, q=words)]


def test_everyone_finds_only_what_they_may_read(world, browser):
    hearing, *_rest = record(world)
    draft = world.hearing("draft", title="尚未公布的出行会议")
    for who in (world.organiser, world.street, world.leader, world.auditor):
        assert len(found(browser(who), q="站牌")) == 3
        assert len(found(browser(who), q="出行")) == 2
    assert len(found(browser(world.deputy), q="站牌")) == 3
    assert [u for u, _m in found(browser(world.deputy), q="出行")] == [f"/hearings/{hearing.id}"]
    assert len(found(browser(world.department), q="站牌")) == 3
    for who in (world.other_deputy, world.other_department, world.admin):
        assert found(browser(who), q="站牌") == []
    assert draft.id
    assert found(browser(world.admin), q="出行") == []
    assert len(found(browser(world.admin), q="联络站")) == 2  # places are everybody's


def test_an_amended_text_is_found_by_its_new_words_only(world, browser):
    _hearing, issue, *_rest = record(world)
    issues.amend_issue(issue, {"statement": "柴桥老街缺少遮阳棚。"}, actor=world.organiser)
    one = browser(world.organiser)
    assert [u for u, _m in found(one, q="遮阳")] == [f"/issues/{issue.id}"]
    assert found(one, q="候车") == []


def test_no_residents_name_is_indexed(world, browser):
    world.issue(world.hearing("concluded"), resident="欧阳", community="明港社区", lead_deputy=None)
    assert found(browser(world.organiser), q="欧阳") == []


@pytest.mark.parametrize("words", ["桥", "?", "a", "“", "桥 路", "\x00", "　", "-", '"', "%"])
def test_one_character_is_too_little(world, browser, words):
    record(world)
    page = browser(world.organiser).get("/search", query_string={"q": words})
    assert page.status_code == 200 and 'class="hit keep"' not in page.text


@pytest.mark.parametrize(
    "words",
    [
        'a" OR "b',
        "站牌*",
        "站牌 AND NOT (",
        "NEAR(站牌 缺失)",
        "^站牌",
        "bigrams:站牌",
        "站牌' OR '1'='1",
        "站牌 & | ! <-> :*",
        "'; DROP TABLE search_entry; --",
        "\\",
        "%_",
        "站\x00牌",
        "站牌" * 2500,
        "站 " * 2500,
        "\ud83d\ude00",
        "<script>alert(1)</script>",
        "\u202e站牌",
    ],
)
def test_what_looks_like_a_language_is_only_words(world, browser, words):
    record(world)
    one = browser(world.organiser)
    page = one.get("/search", query_string={"q": words.encode("utf-8", "replace").decode()})
    assert page.status_code == 200
    assert "<script>alert" not in page.text
    assert len(found(one, q="站牌")) == 3  # nothing was harmed


def test_characters_that_stand_alone_beside_others(world):
    """A single character at the head or the tail of a word is looked at in the text."""
    hearing = world.hearing("concluded")
    issue = world.issue(hearing, statement="请在第9期会议后通报A座旁边的积水情况。", title="A座积水")
    user = world.organiser

    def hits(words):
        rows = queries.hits(words, user, {})
        return [] if rows is None else [row["url"] for row in rows.rows]

    assert hits("第9期会议") == [f"/issues/{issue.id}"]
    assert hits("a座") == [f"/issues/{issue.id}"]
    assert hits("A座旁") == [f"/issues/{issue.id}"]
    assert hits("9期") == [f"/issues/{issue.id}"]
    assert hits("第8期") == []
    assert search.can_look_up("第9期") and not search.can_look_up("桥")


def bulk(count, word):
    rows = []
    for number in range(count):
        body = f"{word}第{number}号路段夜间照明不足"
        rows.append(
            {
                "kind": "station",
                "subject_id": 100_000 + number,
                "hearing_id": None,
                "issue_id": None,
                "body": body,
                "bigrams": " ".join(search.tokens(body)),
            }
        )
    db.session.execute(insert(SearchEntry), rows)
    db.session.commit()


def test_pages_by_key_and_a_total_exact_to_a_thousand(world, browser, statements):
    one = browser(world.organiser)
    bulk(1, "青枫里")
    with statements() as few:
        one.get("/search?q=青枫")
    db.session.execute(text("DELETE FROM search_entry WHERE kind = 'station' AND subject_id >= 100000"))
    db.session.commit()
    bulk(1000, "青枫里")
    with statements() as many:
        page = one.get("/search?q=青枫")
    assert len(many) == len(few) <= 12
    assert "1000" in page.text and "1,000+" not in page.text
    seen, path = [], "/search?q=青枫"
    while path:
        page = one.get(path)
        seen += re.findall(r"第(\d+)号", page.text)
        following = re.search(r'rel="next"\s+href="([^"]+)"', page.text)
        path = following[1].replace("&amp;", "&") if following else None
    assert [int(n) for n in seen] == list(range(999, -1, -1))
    back = re.search(r'rel="prev"\s+href="([^"]+)"', page.text)[1].replace("&amp;", "&")
    assert re.findall(r"第(\d+)号", one.get(back).text) == seen[900:950]


@pytest.mark.parametrize("often", [0, 10**6])
def test_common_words_are_found_the_same_whichever_way_they_are_looked_for(world, browser, monkeypatch, often):
    """PostgreSQL reads common words off the end of the table and looks rare ones up."""
    monkeypatch.setattr(search, "OFTEN", often)
    _hearing, issue, _turn, promise, _reply = record(world)
    one = browser(world.organiser)
    assert found(one, q="电子 安装") == [(f"/issues/{issue.id}", ["电子", "安装"])]
    assert found(one, q="安装电子") == []  # the order of a word counts
    assert found(one, q="亭改造计") == [(f"/issues/{issue.id}", ["亭改造计"])]
    assert found(one, q="设电子站") == [(f"/commitments/{promise.id}", ["设电子站"])]
    assert found(one, q="第站牌") == []


def test_more_than_a_thousand_are_said_to_be_more(world, browser):
    bulk(1200, "青枫里")
    assert "1,000+" in browser(world.organiser).get("/search?q=青枫").text


def test_odd_keys_and_kinds_show_the_first_page(world, browser):
    record(world)
    one = browser(world.organiser)
    for odd in ("after=x", "after=-1", "before=" + "9" * 50, "kind=%00", "after=1&before=2"):
        assert one.get(f"/search?q=站牌&{odd}").status_code == 200
    assert one.get("/search").status_code == 200


def test_stations_and_departments_stay_findable_by_new_names(world, browser):
    schedule.amend_station(world.station, {"name": "明州路人大代表联络站"}, actor=world.organiser)
    people.amend_department(world.bureau, {"head": "某某"}, actor=world.organiser)
    assert [u for u, _m in found(browser(world.deputy), q="明州路人大")] == [f"/stations/{world.station.id}"]
