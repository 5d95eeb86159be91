"""A group's robot: signed as DingTalk documents it, in words that WeCom takes, against a server that checks."""

import base64
import hashlib
import hmac
import json
import threading
from datetime import time, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from hearings.db import clock_at, db, local, today
from hearings.notices import news, outbox, robot
from hearings.notices.models import Message, MessageState
from hearings.schedule import operations as schedule

SECRET = "SEC0123456789"


@pytest.fixture(autouse=True)
def _early():
    """It is before eight; the hours of these tests come after."""
    with clock_at(local(today(), time(7))):
        yield


class Group:
    """What a group has been told, and how its server behaves."""

    def __init__(self):
        self.heard, self.answers = [], []

    def answer(self, path, body):
        """As the documents say: the signature first, then the kind of the message and its length."""
        given = {k: v[0] for k, v in parse_qs(urlsplit(path).query).items()}
        wanted = hmac.new(SECRET.encode(), f"{given.get('timestamp')}\n{SECRET}".encode(), hashlib.sha256).digest()
        if given.get("sign") != base64.b64encode(wanted).decode():
            return 200, {"errcode": 310000, "errmsg": "sign not match"}
        if self.answers:
            return self.answers.pop(0)
        said = json.loads(body)
        if said["msgtype"] != "text" or len(said["text"]["content"].encode()) > 2048:
            return 200, {"errcode": 40008, "errmsg": "invalid message type"}
        self.heard.append(said["text"]["content"])
        return 200, {"errcode": 0, "errmsg": "ok"}


@pytest.fixture
def group(app, monkeypatch):
    told = Group()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            code, said = told.answer(self.path, self.rfile.read(int(self.headers["Content-Length"])))
            assert self.headers["Content-Type"] == "application/json; charset=utf-8"
            body = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(code)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setitem(app.config, "ROBOT_URL", f"http://127.0.0.1:{server.server_port}/robot/send?access_token=x")
    monkeypatch.setitem(app.config, "ROBOT_SECRET", SECRET)
    monkeypatch.setitem(app.config, "NEWS_DELAY", 0)
    yield told
    server.shutdown()
    server.server_close()


def tell(hour):
    with clock_at(local(today(), time(hour))):
        news.read()
        db.session.commit()
        return outbox.send_all()


def test_the_signature_is_the_one_that_the_documents_show():
    url = robot.signed("https://oapi.dingtalk.com/robot/send?access_token=x", "this is secret", 1700000000.0)
    # openssl dgst -sha256 -hmac "this is secret" -binary | base64, of "1700000000000\nthis is secret"
    assert url == (
        "https://oapi.dingtalk.com/robot/send?access_token=x&timestamp=1700000000000&sign=sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0%3D"
    )
    assert robot.signed("https://robot.example/", "s", 1.0).startswith("https://robot.example/?timestamp=1000&sign=")


def test_a_group_hears_of_a_hearing_in_chinese_with_its_address(group, begun):
    hearing = begun.hearing("announced")
    assert tell(9) == 1
    (said,) = group.heard
    assert said.startswith(f"会议通知：{hearing.title}\n时间：")
    assert said.endswith(f"\nhttp://localhost/hearings/{hearing.id}")
    assert tell(10) == 0, "once"


def test_at_night_only_a_change_is_told(group, begun):
    with clock_at(local(today(), time(21))):
        later = begun.hearing("announced")
    assert tell(22) == 0
    with clock_at(local(today() + timedelta(days=1), time(7))):
        assert tell(8) == 1
        schedule.postpone(later, reason="台风橙色预警", actor=begun.organiser)
        db.session.commit()
        assert tell(23) == 1
    assert group.heard[-1].startswith("会议延期：")


@pytest.mark.parametrize(
    ("answer", "for_good"),
    [
        ((200, {"errcode": 130101, "errmsg": "send too fast"}), False),
        ((429, {}), False),
        ((503, {}), False),
        ((200, b"<html>"), False),
        ((200, b"[]"), False),
        ((404, {}), True),
    ],
)
def test_what_the_server_refuses_is_tried_again_or_given_up(group, begun, answer, for_good):
    group.answers.append(answer)
    begun.hearing("announced")
    assert tell(9) == 0
    row = db.session.scalars(select(Message).where(Message.channel == "robot")).one()
    assert row.state == (MessageState.FAILED if for_good else MessageState.WAITING)
    assert row.error and "access_token" not in row.error
    assert tell(10) == (0 if for_good else 1)


def test_a_wrong_secret_is_told_as_the_server_says_it(group, begun, app, monkeypatch):
    monkeypatch.setitem(app.config, "ROBOT_SECRET", "other")
    with pytest.raises(outbox.Refused, match="310000 sign not match"):
        robot.send(app.config["ROBOT_URL"], "题", "文")


@pytest.mark.parametrize("url", ["file:///etc/passwd", "robot.example", ""])
def test_only_a_web_address_is_called(app, url):
    with pytest.raises(outbox.Refused):
        robot.send(url, "题", "文")


def test_a_robot_that_wants_a_keyword_finds_it_in_every_message(group, begun, app, monkeypatch):
    monkeypatch.setitem(app.config, "ROBOT_KEYWORD", "【夜询会】")
    hearing = begun.hearing("announced")
    assert tell(9) == 1
    assert group.heard[0].startswith(f"【夜询会】 会议通知：{hearing.title}\n")
    monkeypatch.setitem(app.config, "ROBOT_KEYWORD", "题")
    robot.send(app.config["ROBOT_URL"], "题", "文")
    assert group.heard[1] == "题\n文", "it holds the word already"
    robot.send(app.config["ROBOT_URL"], "长" * 3000, "文")
    assert group.heard[2].startswith("题 长") and len(group.heard[2].encode()) <= 2048


def test_a_long_text_is_cut_at_a_whole_character_and_keeps_its_address(group, app):
    robot.send(app.config["ROBOT_URL"], "题", "长" * 3000 + "\nhttp://localhost/hearings/1")
    robot.send(app.config["ROBOT_URL"], "题" * 3000, "文")
    first, second = group.heard
    assert first.endswith("长…\nhttp://localhost/hearings/1")
    assert second.endswith("题…")
    assert 2040 < len(first.encode()) <= 2048
    assert robot.fit("题", "文") == "题\n文"


def test_without_a_robot_or_a_mail_server_what_waits_is_left_waiting(group, begun, app, post, monkeypatch):
    begun.deputy.email = "deputy@example.org"
    begun.hearing("announced")
    with clock_at(local(today(), time(9))):
        news.read()
        db.session.commit()
    monkeypatch.setitem(app.config, "MAIL_HOST", "")
    assert tell(9) == 1
    monkeypatch.setitem(app.config, "ROBOT_URL", "")
    assert tell(10) == 0
    waiting = db.session.scalars(select(Message).where(Message.state == MessageState.WAITING)).all()
    assert [(m.channel, m.attempts) for m in waiting] == [("mail", 0)]
