"""The pool: collecting, merging, choosing who answers, setting aside; and the lists of hearings."""

from sqlalchemy import select

from hearings.db import db
from hearings.schedule import operations
from hearings.schedule.models import Participant, Topic, TopicSource
from tests.schedule.helpers import acts, button_of, error_at, fill, form_of, soup, value_of, words


def topic(world, title="桥下堆物", **details):
    made = operations.add_topic(**({"title": title, "street": "新碶", "actor": world.organiser} | details))
    db.session.commit()
    return made


def titles(answer):
    return [a.get_text(strip=True) for a in soup(answer).select("tbody .card-title a")]


def test_from_the_pool_onto_a_list_and_back(world, browser):
    one = browser(world.organiser)
    done = fill(
        one,
        "/topics/new",
        title="霞浦铁路桥下堆物",
        details="夜里没有灯",
        source="hotline",
        street="霞浦",
        deputy=str(world.deputy.id),
        departments=[str(world.bureau.id), str(world.street_office.id)],
    )
    made = db.session.scalars(select(Topic)).one()
    assert (done.status_code, done.headers["Location"]) == (303, f"/topics/{made.id}")
    assert (made.title, made.source, made.street, made.deputy) == (
        "霞浦铁路桥下堆物",
        TopicSource.HOTLINE,
        "霞浦",
        world.deputy,
    )
    assert {d.id for d in made.departments} == {world.bureau.id, world.street_office.id}
    hearing = world.hearing("draft")
    page = one.get(f"/topics/take?topic={made.id}")
    assert one.post(f"/topics/take?topic={made.id}", form_of(page) | {"hearing": str(hearing.id)}).status_code == 303
    assert made.hearing is hearing
    seated = set(db.session.scalars(select(Participant.department_id).where(Participant.hearing_id == hearing.id)))
    assert {world.bureau.id, world.street_office.id} <= seated
    listed = one.get(f"/hearings/{hearing.id}/topics")
    assert titles(listed) == ["霞浦铁路桥下堆物"]
    path = f"/topics/{made.id}/release"
    assert one.post(path, button_of(listed, path)).headers["Location"] == f"/hearings/{hearing.id}/topics"
    assert made.hearing is None
    assert acts("topic", made.id) == ["topic.create", "topic.choose", "topic.release"]


def test_a_deputy_brings_one_and_chooses_nobody(world, browser):
    one = browser(world.deputy)
    page = one.get("/topics/new")
    assert soup(page).find(id="departments") is None
    data = form_of(page) | {"title": "末班公交延到23点", "departments": [str(world.bureau.id)], "street": "新碶"}
    done = one.post("/topics/new", data)
    made = db.session.scalars(select(Topic)).one()
    assert done.headers["Location"] == f"/topics/{made.id}"
    assert (made.deputy, made.departments, made.source) == (world.deputy, [], TopicSource.DEPUTY_VISIT)
    assert one.get(f"/topics/{made.id}").status_code == 200
    assert titles(one.get("/topics/")) == ["末班公交延到23点"]
    assert one.get(f"/topics/{made.id}/edit").status_code == 403
    assert browser(world.other_deputy).get(f"/topics/{made.id}").status_code == 404
    assert titles(browser(world.other_deputy).get("/topics/")) == []


def test_several_become_one_and_can_be_taken_apart_again(world, browser):
    hearing = world.hearing("draft")
    stays = topic(world, "桥下堆物", departments=[world.bureau])
    other = topic(world, "桥洞里堆垃圾", departments=[world.street_office], hearing=hearing)
    inner = topic(world, "桥下没有灯")
    operations.merge_topics([other, inner], other, actor=world.organiser)
    one = browser(world.organiser)
    path = f"/topics/merge?topic={stays.id}&topic={other.id}"
    done = one.post(path, form_of(one.get(path)) | {"into": str(stays.id)})
    assert done.headers["Location"] == f"/topics/{stays.id}"
    assert (other.merged_into, inner.merged_into, other.hearing) == (stays, stays, None)
    assert {d.id for d in stays.departments} == {world.bureau.id, world.street_office.id}
    shown = one.get(f"/topics/{stays.id}")
    undo = soup(shown).select_one("form.undo")["action"]
    assert one.post(undo, button_of(shown, undo)).status_code == 303
    assert (other.merged_into, inner.merged_into, other.hearing) == (None, other, hearing)
    assert {d.id for d in stays.departments} == {world.bureau.id}


def test_merging_asks_for_two_and_knows_what_was_merged(world, browser):
    one = browser(world.organiser)
    first, second, third = (topic(world, f"议题{n}") for n in range(3))
    assert one.get(f"/topics/merge?topic={first.id}&topic=abc&topic=99999999999").status_code == 303
    operations.merge_topics([second, first], first, actor=world.organiser)
    path = f"/topics/merge?topic={second.id}&topic={third.id}"
    refused = one.post(path, form_of(one.get(path)) | {"into": str(second.id)})
    assert refused.status_code == 422
    assert words("“%(title)s” has been merged already.", title="议题1") in soup(refused).get_text()
    wrong = one.post(path, form_of(one.get(path)) | {"into": str(first.id)})
    assert error_at(wrong, "into") == words("Please choose one of the list.")
    assert third.merged_into is None


def test_set_aside_with_a_reason_and_taken_up_again(world, browser):
    one = browser(world.organiser)
    made = topic(world)
    path = f"/topics/{made.id}/set-aside"
    empty = fill(one, path, reason="  ")
    assert (empty.status_code, error_at(empty, "reason")) == (422, words("Please fill in this field."))
    assert fill(one, path, reason="正在诉讼").status_code == 303
    assert made.set_aside == "正在诉讼"
    shown = one.get(f"/topics/{made.id}")
    assert "正在诉讼" in shown.text
    up = f"/topics/{made.id}/take-up"
    one.post(up, button_of(shown, up))
    assert made.set_aside is None
    assert acts("topic", made.id) == ["topic.create", "topic.set_aside", "topic.take_up"]
    on_list = topic(world, "已列入的", hearing=world.hearing("draft"))
    refused = fill(one, f"/topics/{on_list.id}/set-aside", reason="正在诉讼")
    assert refused.status_code == 422
    assert words("It is on a hearing's list; take it off first.") in soup(refused).get_text()


def test_removed_and_put_back(world, browser):
    one = browser(world.organiser)
    made = topic(world, departments=[world.bureau])
    id_ = made.id
    path = f"/topics/{id_}/remove"
    assert one.post(path, button_of(one.get(f"/topics/{id_}"), path)).headers["Location"] == "/topics/"
    assert db.session.get(Topic, id_) is None
    pool = one.get("/topics/")
    undo = soup(pool).select_one("form.undo")["action"]
    one.post(undo, button_of(pool, undo))
    back = db.session.get(Topic, id_)
    assert (back.title, [d.id for d in back.departments]) == ("桥下堆物", [world.bureau.id])


def test_the_filter_finds_by_state_source_street_and_words(world, browser):
    hearing = world.hearing("draft")
    pooled = topic(world, "在库的", source=TopicSource.STATION_BOX)
    topic(world, "霞浦的", street="霞浦")
    topic(world, "列入的", hearing=hearing)
    gone = topic(world, "并掉的")
    operations.merge_topics([gone], pooled, actor=world.organiser)
    operations.set_aside_topic(topic(world, "搁下的"), reason="正在诉讼", actor=world.organiser)
    one = browser(world.organiser)
    assert titles(one.get("/topics/?state=pool")) == ["霞浦的", "在库的"]
    assert [t for t in titles(one.get("/topics/?state=on_list")) if t == "列入的"] == ["列入的"]
    assert titles(one.get("/topics/?state=merged")) == ["并掉的"]
    assert titles(one.get("/topics/?state=set_aside")) == ["搁下的"]
    assert titles(one.get("/topics/?source=station_box")) == ["在库的"]
    assert titles(one.get("/topics/?street=霞浦")) == ["霞浦的"]
    assert titles(one.get("/topics/?q=搁下")) == ["搁下的"]
    assert titles(one.get("/topics/?q=100%25")) == []
    odd = one.get("/topics/?state=%00&source=drop+table&street=nowhere&before=x&after=9999999999999&q=%01")
    assert len(titles(odd)) == 5
    assert titles(browser(world.street).get("/topics/?street=霞浦")) == ["搁下的", "并掉的", "列入的", "在库的"]


def test_an_organiser_of_a_station_keeps_to_the_own_streets(world, browser):
    one = browser(world.street)
    options = [o["value"] for o in soup(one.get("/topics/new")).select("#street option")]
    assert options == ["", "新碶"]
    refused = fill(one, "/topics/new", title="别处的", street="霞浦")
    assert (refused.status_code, error_at(refused, "street")) == (422, words("Please choose one of the list."))
    none = fill(one, "/topics/new", title="没有街道的", street="")
    assert none.status_code == 422
    assert value_of(none, "title") == "没有街道的"
    assert fill(one, "/topics/new", title="自己街道的", street="新碶").status_code == 303
    elsewhere = topic(world, "霞浦的", street="霞浦")
    assert one.get(f"/topics/{elsewhere.id}").status_code == 404
    assert one.post(f"/topics/{elsewhere.id}/release").status_code == 404
    assert db.session.scalars(select(Topic.title).order_by(Topic.id)).all() == ["自己街道的", "霞浦的"]


def test_order_by_buttons(world, browser):
    hearing = world.hearing("draft")
    a, b, c = (topic(world, t, hearing=hearing) for t in "甲乙丙")
    one = browser(world.organiser)
    path = f"/hearings/{hearing.id}/topics/order"
    one.post(path, {"topic": c.id, "move": "up"})
    assert titles(one.get(f"/hearings/{hearing.id}/topics")) == ["甲", "丙", "乙"]
    one.post(path, {"topic": a.id, "move": "down"})
    one.post(path, {"topic": c.id, "move": "up"})
    one.post(path, {"topic": "0", "move": "up"})
    one.post(path, {"topic": "99999999999999999999", "move": "sideways"})
    assert titles(one.get(f"/hearings/{hearing.id}/topics")) == ["丙", "甲", "乙"]
    assert [t.position for t in (c, a, b)] == [1, 2, 3]


def test_topics_are_taken_on_the_hearings_own_page(world, browser):
    hearing = world.hearing("draft")
    one, two = topic(world, "第一个"), topic(world, "第二个", departments=[world.street_office])
    person = browser(world.organiser)
    path = f"/hearings/{hearing.id}/topics"
    empty = person.post(path, form_of(person.get(path)))
    assert (empty.status_code, error_at(empty, "topics")) == (422, words("Choose at least one topic."))
    data = form_of(person.get(path)) | {"topics": [str(two.id), str(one.id)]}
    assert person.post(path, data).status_code == person.post(path, data).status_code == 303
    assert titles(person.get(path)) == ["第二个", "第一个"]
    assert acts("topic", one.id) == ["topic.create", "topic.choose"]
    topic(world, "第三个")
    stale = person.post(path, form_of(person.get(path)) | {"topics": [str(one.id)]})
    assert stale.status_code == 422


def test_a_department_sees_only_what_is_addressed_to_it(world, browser):
    hearing = world.hearing()
    topic(world, "交通的", departments=[world.bureau], hearing=hearing)
    topic(world, "教育的", departments=[world.other_bureau], hearing=hearing)
    path = f"/hearings/{hearing.id}/topics"
    assert titles(browser(world.department).get(path)) == ["交通的"]
    assert titles(browser(world.deputy).get(path)) == ["教育的", "交通的"][::-1]
    assert browser(world.department).post(path, {"topics": ["1"]}).status_code == 403
    stranger = world.hearing("draft")
    assert browser(world.department).get(f"/hearings/{stranger.id}/topics").status_code == 404


def test_a_closed_hearing_keeps_its_topics(world, browser):
    hearing = world.hearing()
    made = topic(world, hearing=hearing)
    operations.cancel(hearing, reason="台风", actor=world.organiser)
    db.session.commit()
    db.session.expire_all()
    assert made.hearing is None
    one = browser(world.organiser)
    refused = one.post(f"/hearings/{hearing.id}/topics/order", {"topic": made.id, "move": "up"})
    assert refused.status_code == 409
    assert words("This hearing can no longer be changed.") in soup(refused).get_text()


def test_the_pool_needs_as_many_statements_for_300_as_for_one(world, browser, statements):
    topic(world, departments=[world.bureau], deputy=world.deputy)
    one = browser(world.organiser)
    with statements() as few:
        one.get("/topics/")
    hearing = world.hearing("draft")
    for n in range(300):
        operations.add_topic(
            title=f"议题{n}",
            actor=world.organiser,
            deputy=world.deputy,
            departments=[world.bureau, world.other_bureau],
            hearing=hearing if n % 2 else None,
        )
    db.session.commit()
    with statements() as many:
        page = one.get("/topics/")
    assert len(titles(page)) == 50
    assert len(few) == len(many) <= 12
    with statements() as listed:
        one.get(f"/hearings/{hearing.id}/topics")
    assert len(listed) <= 12
    older = soup(page).select_one("a[rel=next]")["href"]
    second = one.get(older)
    assert titles(second)[0] == "议题249"
    back = soup(second).select_one("a[rel=prev]")["href"]
    assert titles(one.get(back)) == titles(page)
