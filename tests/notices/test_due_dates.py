"""Due dates in people's calendars by mail: one file with the day's digest, holding what is new, moved, kept or off."""

from datetime import date, datetime, timedelta

import pytest
import vobject
from sqlalchemy import delete, select

from hearings.calendars.models import FeedKind
from hearings.calendars.operations import subscribe
from hearings.db import clock_at, db, local, now
from hearings.issues import operations as issues
from hearings.issues.models import Commitment
from hearings.notices import due_dates, news, outbox, queries, reminders
from hearings.notices.models import Preference, ToldDueDate
from hearings.notices.told import compare
from hearings.schedule import operations as schedule
from tests import factories
from tests.calendars import witness

MONDAY = date(2026, 3, 2)


def on(day):
    """The clock at nine in the morning."""
    return clock_at(local(day, datetime.min.time().replace(hour=9)))


@pytest.fixture
def owed(begun, post):
    """A promise of a bureau whose one person has an address, handed over on a Friday."""
    begun.department.email = "bureau@example.org"
    with on(MONDAY - timedelta(days=3)):
        issue = begun.issue(begun.hearing("in_session", day=MONDAY - timedelta(days=3)))
        promise = begun.commitment(issue, measure="桥下装灯", due_on=MONDAY + timedelta(days=28))
        schedule.conclude(issue.hearing, actor=begun.organiser)
        issues.assign(issue, lead=begun.bureau, actor=begun.organiser)
        db.session.commit()
        news.skip()
        db.session.commit()
    return promise


def digest(day, hour=9):
    """One hour of the worker."""
    with clock_at(local(day, datetime.min.time().replace(hour=hour))):
        made = reminders.digest()
        db.session.commit()
        outbox.send_all()
        db.session.commit()
    return made


def files(post, address="bureau@example.org"):
    """The calendar files that came to an address."""
    parts = [p for mail in post.to(address) for p in mail.walk() if p.get_content_type() == "text/calendar"]
    return [p.get_payload(decode=True) for p in parts]


def events(body):
    return list(vobject.readOne(body.decode()).vevent_list)


def weekday(n):
    """The n-th morning after the Monday, weekends left out."""
    return MONDAY + timedelta(days=n + 2 * (n // 5))


def test_a_promise_comes_into_the_calendar_moves_and_gets_its_tick(owed, begun, post):
    assert digest(weekday(0)) == 1
    (mail,) = post.to("bureau@example.org")
    words = mail.get_body(("plain",)).get_content()
    assert "以下到期日有新增或变化" in words and "桥下装灯" in words
    (first,) = files(post)
    (event,) = events(first)
    assert event.uid.value == f"commitment-{owed.uid}@yexunhui.local"
    assert event.summary.value == "【承诺到期】桥下装灯"
    assert (event.dtstart.value, event.dtend.value) == (date(2026, 3, 30), date(2026, 3, 31))
    assert (event.transp.value, event.status.value) == ("TRANSPARENT", "CONFIRMED")
    assert digest(weekday(1)) == 0, "nothing has changed"

    with on(weekday(1)):
        issues.move_date(owed, date(2026, 4, 10), reason="雨季", actor=begun.organiser)
        db.session.commit()
    assert digest(weekday(2)) == 1
    assert "2026年4月10日（原为 2026年3月30日）：桥下装灯" in post.mails[-1][1].get_body(("plain",)).get_content()
    moved = events(files(post)[1])[0]
    assert moved.uid.value == event.uid.value
    assert int(moved.sequence.value) > int(event.sequence.value)
    assert moved.dtstart.value == date(2026, 4, 10)

    with on(weekday(3)):
        issues.report_done(owed, report="已装", actor=begun.department)
        db.session.commit()
    assert digest(weekday(3)) == 0, "reported is not kept: the date stands"
    with on(weekday(3)):
        issues.verify_commitment(owed, actor=begun.organiser)
        db.session.commit()
    assert digest(weekday(4)) == 1
    kept = events(files(post)[2])[0]
    assert kept.summary.value == "✓ 桥下装灯"
    assert not hasattr(kept, "valarm")
    assert digest(weekday(5)) == 0, "and that is the end of it"


def test_a_released_promise_is_called_off_and_frees_the_day(owed, begun, post):
    digest(weekday(0))
    with on(weekday(0)):
        issues.release_commitment(owed, reason="规划调整", actor=begun.organiser)
        db.session.commit()
    digest(weekday(1))
    off = events(files(post)[1])[0]
    assert off.summary.value == "【已撤销】桥下装灯"
    assert off.status.value == "CANCELLED"
    assert "不再执行：桥下装灯" in post.mails[-1][1].get_body(("plain",)).get_content()


def test_a_promise_that_goes_to_another_office_leaves_the_first_calendar_and_enters_the_second(owed, begun, post):
    begun.other_department.email = "other@example.org"
    digest(weekday(0))
    assert files(post, "other@example.org") == []
    with on(weekday(0)):
        issues.correct_commitment(owed, {"lead": begun.other_bureau}, actor=begun.organiser)
        db.session.commit()
    digest(weekday(1))
    before, off = (events(f)[0] for f in files(post))
    assert (off.uid.value, off.status.value) == (before.uid.value, "CANCELLED")
    assert int(off.sequence.value) > int(before.sequence.value)
    assert "不再由您负责：桥下装灯" in post.to("bureau@example.org")[-1].get_body(("plain",)).get_content()
    (theirs,) = files(post, "other@example.org")
    assert events(theirs)[0].status.value == "CONFIRMED"
    with on(weekday(1)):
        issues.correct_commitment(owed, {"lead": begun.bureau}, actor=begun.organiser)
        db.session.commit()
    digest(weekday(2))
    again = events(files(post)[2])[0]
    assert again.status.value == "CONFIRMED"
    assert int(again.sequence.value) > int(off.sequence.value), "or a client would leave it cancelled"


def test_an_office_that_hands_the_issue_back_is_rid_of_its_dates(owed, begun, post):
    digest(weekday(0))
    with on(weekday(0)):
        (assignment,) = db.session.scalars(select(issues.Assignment)).all()
        issues.return_assignment(assignment, reason="属街道职责", actor=begun.department)
        db.session.commit()
    digest(weekday(1))
    assert events(files(post)[1])[0].status.value == "CANCELLED"
    row = db.session.scalars(select(ToldDueDate)).one()
    assert row.status is None


def test_a_promise_taken_off_the_record_is_called_off_all_the_same(owed, begun, post):
    digest(weekday(0))
    identity = owed.uid
    db.session.execute(delete(Commitment).where(Commitment.id == owed.id))
    db.session.commit()
    digest(weekday(1))
    off = events(files(post)[1])[0]
    assert (off.uid.value, off.status.value) == (f"commitment-{identity}@yexunhui.local", "CANCELLED")
    assert off.summary.value == "【已撤销】桥下装灯"
    assert digest(weekday(2)) == 0


def test_what_is_not_yet_handed_over_and_what_is_only_reworded_makes_no_mail(begun, post):
    begun.department.email = "bureau@example.org"
    with on(weekday(0)):
        issue = begun.issue(begun.hearing("in_session", day=weekday(0)))
        promise = begun.commitment(issue)
    assert digest(weekday(0)) == 0, "the evening is not over"
    with on(weekday(0)):
        schedule.conclude(issue.hearing, actor=begun.organiser)
        issues.assign(issue, lead=begun.bureau, actor=begun.organiser)
        db.session.commit()
    assert digest(weekday(1)) == 1
    with on(weekday(1)):
        issues.correct_commitment(promise, {"measure": "改正了错字"}, actor=begun.organiser)
        db.session.commit()
    assert digest(weekday(2)) == 0


def test_it_rides_along_with_the_one_digest_of_the_day(owed, begun, post):
    with on(weekday(0)):
        outbox.write(
            key="x", kind="issue.strike_off", channel="inbox", user_id=begun.department.id, name="郑某某", subject="题",
            text="文", url="/",
        )  # fmt: skip
        db.session.commit()
    assert digest(weekday(0)) == 1
    with on(weekday(0)):
        issues.move_date(owed, date(2026, 4, 10), reason="雨季", actor=begun.organiser)
        db.session.commit()
    assert digest(weekday(0), hour=15) == 0
    (mail,) = post.to("bureau@example.org")
    assert mail["Subject"] == "题"
    assert digest(weekday(1)) == 1


def test_who_reads_their_calendar_here_or_wants_no_mail_gets_no_file(owed, begun, post):
    row, _token = subscribe(FeedKind.PERSONAL, actor=begun.department)
    with on(weekday(0)):
        row.read_at = now()
        db.session.commit()
    assert digest(weekday(0)) == 0
    with on(weekday(0)):
        row.read_at = now() - timedelta(days=40)
        db.session.add(Preference(user_id=begun.department.id, mail=False))
        db.session.commit()
    assert digest(weekday(0)) == 0
    db.session.get_one(Preference, begun.department.id).mail = True
    db.session.commit()
    assert digest(weekday(0)) == 1, "a calendar that nothing has read for a month is no calendar"


def test_it_goes_to_the_contact_and_the_head_and_to_all_only_where_nobody_is_named(owed, begun, post):
    begun.department.name = "郑某某"
    others = [factories.user("department", name=n, department=begun.bureau, email=f"{k}@example.org") for k, n in
              (("contact", "孙某某"), ("clerk", "李某某"))]  # fmt: skip
    db.session.commit()
    assert {u.email for u in queries.answering(begun.bureau.id)} == {
        "bureau@example.org", "contact@example.org", "clerk@example.org",
    }  # fmt: skip
    begun.bureau.head, begun.bureau.contact = "郑某某", "孙某某"
    db.session.commit()
    assert {u.email for u in queries.answering(begun.bureau.id)} == {"bureau@example.org", "contact@example.org"}
    others[0].email = None
    db.session.commit()
    assert {u.email for u in queries.answering(begun.bureau.id)} == {"bureau@example.org"}


def test_a_long_list_comes_in_several_files_the_nearest_first(owed, begun, post, monkeypatch):
    monkeypatch.setattr(due_dates, "AT_ONCE", 2)
    with on(weekday(0)):
        for n in range(3):
            begun.commitment(owed.issue, due_on=MONDAY + timedelta(days=20 + n))
    assert digest(weekday(0)) == 1
    assert digest(weekday(1)) == 1
    assert digest(weekday(2)) == 0
    days = [[e.dtstart.value.day for e in events(f)] for f in files(post)]
    assert days == [[22, 23], [24, 30]]


def test_the_file_asks_nobody_anything_and_is_an_attachment_only(owed, post):
    digest(weekday(0))
    (mail,) = post.to("bureau@example.org")
    assert [p.get_content_type() for p in mail.walk()] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    part = next(iter(mail.iter_attachments()))
    assert part.get_filename() == "due-dates.ics"
    assert part.get_param("method") == "PUBLISH"
    (body,) = files(post)
    assert b"\r\nMETHOD:PUBLISH\r\n" in body
    assert b"ATTENDEE" not in body and body.count(b"ORGANIZER") == 1
    assert mail["From"].addresses[0].addr_spec == "yexunhui@rd.example"
    assert witness.by_libical(body) == []


def test_evolution_takes_it_over_moves_it_and_marks_it(owed, begun, post, tmp_path):
    digest(weekday(0))
    with on(weekday(0)):
        issues.move_date(owed, date(2026, 4, 10), reason="雨季", actor=begun.organiser)
        db.session.commit()
    digest(weekday(1))
    with on(weekday(1)):
        issues.report_done(owed, report="已装", actor=begun.department)
        issues.verify_commitment(owed, actor=begun.organiser)
        db.session.commit()
    digest(weekday(2))
    held = witness.by_evolution(tmp_path, *files(post))
    assert [len(h) for h in held] == [1, 1, 1]
    assert [h[0].split("|")[:2] for h in held] == [
        ["【承诺到期】桥下装灯", "20260330"],
        ["【承诺到期】桥下装灯", "20260410"],
        ["✓ 桥下装灯", "20260410"],
    ]


def test_what_is_off_stays_in_evolution_under_its_mark(owed, begun, post, tmp_path):
    digest(weekday(0))
    with on(weekday(0)):
        issues.release_commitment(owed, reason="并入桥区改造", actor=begun.organiser)
        db.session.commit()
    digest(weekday(1))
    held = witness.by_evolution(tmp_path, *files(post))
    assert [h[0].split("|")[:2] for h in held] == [
        ["【承诺到期】桥下装灯", "20260330"],
        ["【已撤销】桥下装灯", "20260330"],
    ], "a PUBLISH takes nothing out of a calendar"


def test_comparing_tells_only_the_difference():
    told = {"a": 1, "b": 1, "c": None, "d": 1}
    steps = compare(told, {"a": 1, "b": 2, "c": 1, "e": 1})
    assert (steps.fresh, steps.changed, steps.gone) == (["c", "e"], ["b"], ["d"])
    assert not compare(told, {"a": 1, "b": 1, "d": 1})
