"""Before a release: a deputy's Thunderbird and our served house, with real mail between them."""

import contextlib
import subprocess
import sys
import time
from datetime import time as clock
from datetime import timedelta
from pathlib import Path

import pytest

from hearings import workdays
from hearings.calendars import operations as calendars
from hearings.calendars.models import FeedKind
from hearings.db import LOCAL, clock_at, db, local, today
from hearings.issues import operations as issues
from hearings.notices import news, outbox, reminders
from hearings.schedule import operations as schedule
from tests import factories
from tests.browser import chromium as kit
from tests.conftest import make_app
from tests.notices.dovecot import PASSWORD
from tests.server import ROOT, serving
from tests.thunderbird.client import post_office, thunderbird, wait_for

SHOTS = Path(__file__).parents[1] / "browser" / "shots"
DEPUTY = "deputy@example.org"
BUREAU = "bureau@example.org"


@pytest.fixture
def office():
    with post_office() as running:
        yield running


@pytest.fixture
def world(office, tmp_path):
    """A small district in a file, whose deputy has an address."""
    app = make_app(
        f"sqlite:///{tmp_path / 'house.db'}",
        tmp_path,
        MAIL_HOST="127.0.0.1",
        MAIL_PORT=office.smtp,
        MAIL_FROM="yexunhui@rd.example",
    )
    with app.app_context():
        db.create_all()
        made = factories.World.make()
        made.deputy.email = DEPUTY
        news.skip()
        db.session.commit()
        yield made
        db.session.remove()
        db.engine.dispose()


@pytest.fixture
def house(office, world, tmp_path):
    """The district's server with its worker, as `make run` starts them, and its mailbox."""
    with serving(
        f"sqlite:///{tmp_path / 'house.db'}",
        tmp_path,
        HEARINGS_WORKER="1",
        HEARINGS_BASE_URL="http://yexunhui.rd.example",
        HEARINGS_NEWS_DELAY="0",
        HEARINGS_QUIET_FROM="00:00",
        HEARINGS_QUIET_UNTIL="00:00",  # whoever checks in the evening waits for no morning
        HEARINGS_MAIL_HOST="127.0.0.1",
        HEARINGS_MAIL_PORT=str(office.smtp),
        HEARINGS_MAIL_FROM="yexunhui@rd.example",
        HEARINGS_MAIL_IMAP_HOST="127.0.0.1",
        HEARINGS_MAIL_IMAP_PORT=str(office.imap),
        HEARINGS_MAIL_IMAP_SECURITY="",
        HEARINGS_MAIL_IMAP_USER="yexunhui",
        HEARINGS_MAIL_IMAP_PASSWORD=PASSWORD,
    ) as server:
        yield server


@contextlib.contextmanager
def at(client, name):
    """A picture of the screen at the end, whatever comes of it."""
    try:
        yield
        time.sleep(1)  # the icons come last
    finally:
        client.shot(SHOTS / f"thunderbird-{name}.png")


def there(hearing):
    """When it begins, as a calendar file in our zone says it."""
    starts = hearing.starts_at.astimezone(LOCAL).strftime("%Y%m%dT%H%M%S")
    db.session.commit()  # the served house must be able to write meanwhile
    return starts


def coming(page):
    """Who comes, as the hearing's page says it."""
    said = page.locator("#answers dl > div").filter(has=page.get_by_text("参加", exact=True))
    said.locator("summary").click()
    return said.locator("details").inner_text().split("\n")[1:]


def fetch(house):
    """What `flask mail fetch` says."""
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", "mail", "fetch"],
        cwd=ROOT, env=house.env, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def answer(client, office, house):
    """The deputy accepts; what our house makes of the reply."""
    before = len(office.taken)
    client.click("imipAcceptButton")
    wait_for(lambda: len(office.taken) > before, "no reply goes out")
    to, _mail = office.taken[-1]
    assert to.startswith("yexunhui+")
    wait_for(lambda: client.bar()[0] == client.words("imipBarAlreadyProcessedText"), "it is not noted there")
    return fetch(house)


def test_a_deputy_accepts_in_thunderbird_and_hears_of_the_change_and_the_end(office, world, house, chromium):
    hearing = world.hearing("announced", title="家门口的民生小事")
    path = f"/hearings/{hearing.id}"
    db.session.commit()
    with thunderbird(office, address=DEPUTY, name="代表甲") as client:
        asked = office.mail(DEPUTY, "邀请：")
        with at(client, "invitation"):
            client.open_mail(asked)
            buttons = {"imipAcceptButton", "imipTentativeButton", "imipDeclineButton"}
            wait_for(lambda: buttons <= set(client.bar()[1]), "no buttons")
            assert client.bar()[0] == client.words("imipBarRequestText")
            assert "新碶街道人大代表联络站" in client.text()
            assert client.events() == []
        with at(client, "accepted"):
            assert answer(client, office, house) == ["noted: accepted"]
        (event,) = client.events()
        assert event["title"] == "家门口的民生小事"
        assert event["starts"] == there(hearing)
        assert (event["zone"], event["answer"]) == ("Asia/Shanghai", "ACCEPTED")

        profile = kit.context(chromium, house.base)
        page = profile.new_page()
        kit.sign_in(page, "organiser")
        page.goto(path)
        assert coming(page) == ["代表甲"]
        page.screenshot(path=SHOTS / "thunderbird-answers.png", full_page=True)

        schedule.reschedule(
            hearing,
            station=world.other_station,
            reason="场地冲突",
            actor=world.organiser,
            **factories.evening(hearing.day + timedelta(days=1)),
        )
        db.session.commit()
        changed = office.mail(DEPUTY, "变更：")
        with at(client, "change"):
            client.open_mail(changed)
            wait_for(lambda: client.bar()[0] == client.words("imipBarUpdateText"), "it is not taken for a change")
            assert answer(client, office, house) == ["noted: accepted"]
        (event,) = client.events()
        assert event["starts"] == there(hearing)
        page.reload()
        assert coming(page) == ["代表甲"]
        profile.close()

        schedule.cancel(hearing, reason="台风红色预警", actor=world.organiser)
        db.session.commit()
        off = office.mail(DEPUTY, "取消：")
        with at(client, "cancelled"):
            client.open_mail(off)
            wait_for(lambda: client.bar()[1] == ["imipDeleteButton"], "it is not taken for an end")
            assert client.bar()[0] == client.words("imipBarCancelText")
            assert "台风红色预警" in client.text()
        client.click("imipDeleteButton")
        wait_for(lambda: client.events() == [], "the event stays")


def digest(day):
    """One hour of a worker, on a morning."""
    with clock_at(local(day, clock.min.replace(hour=9))):
        assert reminders.digest() == 1
        db.session.commit()
        outbox.send_all()
        db.session.commit()


def test_due_dates_come_into_thunderbird_by_mail_move_and_get_their_tick(office, world):
    first = workdays.next_workday(today())
    second = workdays.next_workday(first + timedelta(days=1))
    world.department.email = BUREAU
    issue = world.issue(world.hearing("in_session", day=today()))
    lamps = world.commitment(issue, measure="桥下装灯", days=40)
    bins = world.commitment(issue, measure="加装垃圾桶", days=50)
    schedule.conclude(issue.hearing, actor=world.organiser)
    issues.assign(issue, lead=world.bureau, actor=world.organiser)
    db.session.commit()
    news.skip()
    db.session.commit()
    with thunderbird(office, address=BUREAU, name="郑某某") as client:

        def held():
            return {e["title"]: e["starts"] for e in client.events()}

        digest(first)
        with at(client, "due-dates"):
            client.open_mail(office.mail(BUREAU))
            wait_for(lambda: client.bar()[1] == ["imipAddButton"], f"they cannot be taken over: {client.bar()}")
        client.click("imipAddButton")
        due = {f"【承诺到期】{c.measure}": f"{c.due_on:%Y%m%d}" for c in (lamps, bins)}
        db.session.commit()
        wait_for(lambda: held() == due, f"they are not taken over: {held()}")

        issues.move_date(lamps, lamps.due_on + timedelta(days=10), reason="雨季", actor=world.organiser)
        issues.report_done(bins, report="已装", actor=world.department)
        issues.verify_commitment(bins, actor=world.organiser)
        due = {"【承诺到期】桥下装灯": f"{lamps.due_on:%Y%m%d}", "✓ 加装垃圾桶": f"{bins.due_on:%Y%m%d}"}
        db.session.commit()
        digest(second)
        with at(client, "due-dates-later"):
            client.open_mail(office.mail(BUREAU))
            wait_for(lambda: client.bar()[1] == ["imipUpdateButton"], "it is not taken for a change")
        client.click("imipUpdateButton")
        wait_for(lambda: held() == due, f"they do not change: {held()}")

        issues.release_commitment(lamps, reason="并入桥区改造", actor=world.organiser)
        db.session.commit()
        digest(workdays.next_workday(second + timedelta(days=1)))
        with at(client, "due-date-off"):
            client.open_mail(office.mail(BUREAU))
            wait_for(lambda: client.bar()[1] == ["imipUpdateButton"], "it is not taken for a change")
        client.click("imipUpdateButton")
        due = {"【已撤销】桥下装灯": f"{lamps.due_on:%Y%m%d}", "✓ 加装垃圾桶": f"{bins.due_on:%Y%m%d}"}
        db.session.commit()
        wait_for(lambda: held() == due, f"it does not stay with its mark: {held()}")


def test_a_subscribed_calendar_shows_in_thunderbird_and_follows(office, world, house):
    hearing = world.hearing("announced", title="家门口的民生小事")
    world.commitment(world.issue(world.hearing("in_session", day=today())), measure="清理桥下空间并安装照明", days=10)
    _row, token = calendars.subscribe(FeedKind.DEPARTMENT, actor=world.department)
    first = there(hearing)
    with thunderbird(office, address=DEPUTY, name="代表甲") as client:

        def shown():
            return {e["title"]: e for e in client.events() if e["calendar"] == "夜询会日程"}

        client.subscribe(f"{house.base}/cal/{token}/calendar.ics")
        wait_for(lambda: len(shown()) == 3, "not every event is there")
        event = shown()["家门口的民生小事"]
        assert (event["starts"], event["zone"], event["answer"]) == (first, "Asia/Shanghai", "")
        due = shown()["【承诺到期】清理桥下空间并安装照明"]
        assert len(due["starts"]) == len("20261204"), "a day, not an hour"

        schedule.cancel(hearing, reason="台风红色预警", actor=world.organiser)
        db.session.commit()
        client.refresh()
        wait_for(lambda: "【已取消】家门口的民生小事" in shown(), "the cancellation is not seen")
        assert shown()["【已取消】家门口的民生小事"]["status"] == "CANCELLED"
        with at(client, "feed"):
            client.show_month(today() + timedelta(days=7))
