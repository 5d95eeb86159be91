"""The outbox against mail servers that take, refuse, stumble and hang; nothing is lost, nothing goes silently twice."""

import socket
import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select, update

from hearings.db import clock_at, db, local, now, today
from hearings.notices import outbox
from hearings.notices.models import Message, MessageState

pytestmark = pytest.mark.usefixtures("by_day")


def mail(key="a", address="a@example.org", **more):
    made = outbox.write(key=key, kind="test", channel="mail", address=address, subject="题", text="文", **more)
    db.session.commit()
    return made


def state(key="a"):
    db.session.expire_all()
    return db.session.scalars(select(Message).where(Message.key == key)).one()


def test_it_goes_once_with_an_id_of_its_own(post):
    mail()
    assert outbox.send_all() == 1
    assert outbox.send_all() == 0
    (taken,) = post.to("a@example.org")
    assert taken["Message-ID"] == state().message_id
    assert state().state == MessageState.SENT


def test_a_key_is_written_once(post):
    assert mail() is not None
    assert mail() is None


def test_what_is_rolled_back_was_never_written(post):
    outbox.write(key="x", kind="test", channel="mail", address="a@example.org", subject="s", text="t")
    db.session.rollback()
    assert outbox.send_all() == 0


def test_a_refusal_for_now_is_tried_again_with_growing_pauses(post):
    post.answers["a@example.org"] = ["451 greylisted", "451 still", "250 OK"]
    mail()
    waited = []
    for _ in range(3):
        outbox.send_all()
        row = state()
        if row.state == MessageState.WAITING:
            waited.append(round((row.send_after - now()).total_seconds() / 60))
            assert "451" in row.error
            assert outbox.send_all() == 0, "not before its time"
            db.session.execute(update(Message).values(send_after=now()))
            db.session.commit()
    assert waited == [1, 5]
    assert state().state == MessageState.SENT
    assert state().error is None
    assert state().maybe_twice is False


def test_what_cannot_be_written_keeps_nobody_waiting(post):
    mail(calendar="BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", method="REQUEST")  # an invitation without an organiser
    mail("b", "b@example.org")
    assert outbox.send_all() == 1
    assert state().state == MessageState.FAILED and state().error
    assert state("b").state == MessageState.SENT


def test_a_dead_address_is_given_up_and_says_why(post):
    post.answers["a@example.org"] = ["550 no such user"]
    mail()
    mail("b", "b@example.org")
    assert outbox.send_all() == 1, "the others go on"
    assert (state().state, state().error) == (MessageState.FAILED, "550 no such user")
    assert state("b").state == MessageState.SENT


def test_after_the_last_pause_it_has_failed(post):
    post.answers["a@example.org"] = ["451 never"]
    mail()
    for _ in range(len(outbox.PAUSES) + 1):
        outbox.send_all()
        db.session.execute(update(Message).values(send_after=now()))
        db.session.commit()
    assert state().state == MessageState.FAILED


def test_a_server_that_is_not_there_loses_nothing(post, app):
    app.config["MAIL_PORT"] = 1
    mail()
    assert outbox.send_all() == 0
    assert state().state == MessageState.WAITING
    assert "ConnectionRefusedError" in state().error


class Rogue:
    """A mail server that keeps to a script: what it answers to each command, then hangs or drops the line."""

    def __init__(self, greeting, **answers):
        self.greeting, self.answers = greeting, answers
        self.calls, self.held = 0, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                line, _ = self.listener.accept()
            except OSError:
                return
            self.calls += 1
            self._talk(line)

    def _talk(self, line):
        if not self._say(line, self.greeting):
            return
        inside = False
        with line.makefile("rb") as reader:
            for words in reader:
                if inside:
                    if words == b".\r\n":
                        inside = False
                        if not self._say(line, self.answers.get("BODY", "250 taken")):
                            return
                    continue
                command = words.decode().split()[0].upper()
                said = self.answers.get(command, "354 go on" if command == "DATA" else "250 OK")
                if not self._say(line, said):
                    return
                inside = command == "DATA" and said.startswith("354")

    def _say(self, line, words):
        if words == "drop":
            line.shutdown(socket.SHUT_RDWR)
            line.close()
        elif words == "hang":
            self.held.append(line)
        else:
            line.sendall(f"{words}\r\n".encode())
            return True
        return False

    def close(self):
        self.listener.close()
        for line in self.held:
            line.close()


@pytest.fixture
def rogue(post, app):
    """Makes the house send to a mail server with that script."""
    made = []

    def make(greeting="220 hello", **answers):
        made.append(Rogue(greeting, **answers))
        app.config.update(MAIL_PORT=made[-1].port, MAIL_TIMEOUT=0.5)
        return made[-1]

    yield make
    for server in made:
        server.close()


@pytest.mark.parametrize(
    ("greeting", "answers", "perhaps_there"),
    [
        ("hang", {}, False),
        ("drop", {}, False),
        ("220 hello", {"EHLO": "hang"}, False),
        ("220 hello", {"EHLO": "drop"}, False),
        ("220 hello", {"MAIL": "drop"}, False),
        ("220 hello", {"RCPT": "hang"}, False),
        ("220 hello", {"BODY": "hang"}, True),
        ("220 hello", {"BODY": "drop"}, True),
    ],
)
def test_a_server_that_hangs_or_drops_the_line_anywhere_loses_nothing(
    post, app, rogue, greeting, answers, perhaps_there
):
    good = app.config["MAIL_PORT"]
    bad = rogue(greeting, **answers)
    mail()
    mail("b", "b@example.org")
    assert outbox.send_all() == 0
    row = state()
    assert (row.state, row.attempts) == (MessageState.WAITING, 1)
    assert row.error
    assert row.maybe_twice is perhaps_there, "only what was handed over may have arrived"
    assert bad.calls == 1, "nobody is there: the next mail is not tried at once"
    assert state("b").attempts == 0
    app.config.update(MAIL_PORT=good, MAIL_TIMEOUT=5)
    db.session.execute(update(Message).values(send_after=now()))
    db.session.commit()
    assert outbox.send_all() == 2
    assert state().state == state("b").state == MessageState.SENT
    assert state().error is None


@pytest.mark.parametrize(
    ("greeting", "answers", "ends"),
    [
        ("554 go away", {}, "waiting"),
        ("421 too busy", {}, "waiting"),
        ("220 hello", {"EHLO": "502 no", "HELO": "550 not you"}, "waiting"),
        ("220 hello", {"MAIL": "550 sender refused"}, "waiting"),
        ("220 hello", {"MAIL": "451 later"}, "waiting"),
        ("220 hello", {"RCPT": "450 mailbox busy"}, "waiting"),
        ("220 hello", {"RCPT": "421 closing"}, "waiting"),
        ("220 hello", {"RCPT": "550 no such user"}, "failed"),
        ("220 hello", {"DATA": "451 later"}, "waiting"),
        ("220 hello", {"DATA": "554 no mails"}, "failed"),
        ("220 hello", {"BODY": "452 disk full"}, "waiting"),
        ("220 hello", {"BODY": "552 too large"}, "failed"),
    ],
)
def test_what_is_about_the_server_is_tried_again_what_is_about_the_mail_is_given_up(
    post, rogue, greeting, answers, ends
):
    rogue(greeting, **answers)
    mail()
    assert outbox.send_all() == 0
    assert state().state == ends
    refusal = next((a for a in [*answers.values(), greeting] if a[0] in "45" and a[:3] != "502"), "")
    assert state().error.startswith(refusal[:3])
    assert state().maybe_twice is False, "it was refused in words"


def test_a_refused_mail_does_not_hold_up_the_next_on_the_same_line(post, rogue):
    server = rogue(BODY="554 looks like spam")
    for n in range(3):
        mail(f"k{n}", f"p{n}@example.org")
    outbox.send_all()
    assert [state(f"k{n}").state for n in range(3)] == [MessageState.FAILED] * 3
    assert server.calls == 1


def test_a_mail_whose_fate_a_crash_left_unknown_goes_again_under_the_same_id(post, monkeypatch):
    mail()

    def die(*_):
        raise SystemExit

    with monkeypatch.context() as crash:
        crash.setattr(outbox, "_stamp", die)
        with pytest.raises(SystemExit):
            outbox.send_all()
    db.session.rollback()
    assert outbox.send_all() == 0, "claimed until the claim runs out"
    with clock_at(now() + outbox.CLAIM + timedelta(seconds=1)):
        assert outbox.send_all() == 1
    first, second = post.to("a@example.org")
    assert first["Message-ID"] == second["Message-ID"]
    assert state().maybe_twice is True


def test_one_claim_holds_against_another(post):
    made = mail()
    assert outbox.claim([made.id]).id == made.id
    assert outbox.claim([made.id]) is None


def test_quiet_hours_hold_back_what_is_not_urgent(post, app):
    mail("calm")
    mail("urgent", "b@example.org", urgent=True)
    with clock_at(local(today(), datetime.min.time().replace(hour=22))):
        assert outbox.send_all() == 1
    assert state("calm").state == MessageState.WAITING
    with clock_at(local(today() + timedelta(days=1), datetime.min.time().replace(hour=7, minute=59))):
        assert outbox.send_all() == 0
    with clock_at(local(today() + timedelta(days=1), datetime.min.time().replace(hour=8))):
        assert outbox.send_all() == 1


def test_a_cancel_never_overtakes_its_request(post, world):
    hearing = world.hearing("announced")
    calendar = "BEGIN:VCALENDAR\r\nORGANIZER:mailto:x@rd.example\r\nEND:VCALENDAR\r\n"
    post.answers["a@example.org"] = ["451 later", "250 OK", "250 OK"]
    mail("ask", hearing_id=hearing.id, calendar=calendar, method="REQUEST")
    mail("off", hearing_id=hearing.id, calendar=calendar, method="CANCEL")
    assert outbox.send_all() == 0
    assert state("off").attempts == 0
    db.session.execute(update(Message).values(send_after=now()))
    db.session.commit()
    assert outbox.send_all() == 1
    assert outbox.send_all() == 1
    parts = [
        p.get_param("method")
        for m in post.to("a@example.org")
        for p in m.walk()
        if p.get_content_type() == "text/calendar"
    ]
    assert parts == ["REQUEST", "CANCEL"]


@pytest.mark.parametrize("address", ["用户@例子.公司", "a b@example.org", "a@b@c", "x" * 300 + "@example.org"])
def test_an_odd_address_fails_alone_and_breaks_nothing(post, address):
    mail("odd", address)
    mail("good", "b@example.org")
    outbox.send_all()
    assert state("good").state == MessageState.SENT
    assert state("odd").attempts == 1
    assert state("odd").state in (MessageState.FAILED, MessageState.SENT), "never tried for ever"
