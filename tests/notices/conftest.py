"""A mail server on loopback, and a house that sends."""

import socket
from datetime import time
from email import message_from_bytes, policy

import pytest
from aiosmtpd.controller import Controller
from flask import current_app

from hearings.db import clock_at, db, local, today
from hearings.notices import news


class Post:
    """What a mail server took, and what it shall say next."""

    def __init__(self):
        self.mails = []
        self.raw = []
        self.answers = {}

    async def handle_RCPT(self, server, session, envelope, address, options):
        said = self.answers.get(address)
        if said and said[0].startswith(("4", "5")):
            return said.pop(0) if len(said) > 1 else said[0]
        if said:
            said.pop(0)
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.raw.append(envelope.content)
        self.mails.append((envelope.rcpt_tos[0], mail))
        return "250 taken"

    def to(self, address):
        return [mail for who, mail in self.mails if who == address]


@pytest.fixture
def post(app, request):
    """A mail server that the house knows; with `@pytest.mark.parametrize("post", [False], indirect=True)` one

    that takes ASCII addresses only (no SMTPUTF8).
    """
    taken = Post()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Controller(taken, hostname="127.0.0.1", port=port, enable_SMTPUTF8=getattr(request, "param", True))
    server.start()
    kept = {k: app.config[k] for k in ("MAIL_HOST", "MAIL_PORT", "MAIL_FROM", "MAIL_TIMEOUT", "NEWS_DELAY")}
    app.config.update(
        MAIL_HOST="127.0.0.1", MAIL_PORT=port, MAIL_FROM="yexunhui@rd.example", MAIL_TIMEOUT=5, NEWS_DELAY=0
    )
    yield taken
    server.stop()
    app.config.update(kept)


@pytest.fixture
def begun(world):
    """The worker has read everything so far."""
    news.skip()
    db.session.commit()
    assert current_app
    return world


@pytest.fixture
def by_day():
    """It is noon: no mail waits for the morning."""
    with clock_at(local(today(), time(12))):
        yield
