"""Answers read from a real mailbox."""

from functools import partial

import pytest
from sqlalchemy import select

from hearings.db import db
from hearings.notices.models import Invitation, Reply
from tests.notices.dovecot import PASSWORD, dovecot, put
from tests.notices.test_invitations import asked, reply  # noqa: F401

pytestmark = pytest.mark.usefixtures("by_day")


@pytest.fixture
def mailbox(app):
    """A mailbox that the house reads; yields a function that puts a mail into it."""
    with dovecot() as port:
        settings = {
            "MAIL_IMAP_HOST": "127.0.0.1",
            "MAIL_IMAP_PORT": port,
            "MAIL_IMAP_SECURITY": "",
            "MAIL_IMAP_USER": "yexunhui",
            "MAIL_IMAP_PASSWORD": PASSWORD,
        }
        kept = {k: app.config[k] for k in settings}
        app.config.update(settings)
        yield partial(put, port, "yexunhui")
        app.config.update(kept)


def test_fetching_notes_each_answer_once(mailbox, asked, post, app):  # noqa: F811
    mail = post.mails[0][1]
    mailbox(b"From: somebody@example.org\r\nSubject: hello\r\n\r\nno answer at all")
    mailbox(reply(asked, mail, "TENTATIVE"))
    mailbox(reply(asked, mail, "ACCEPTED", to="yexunhui@rd.example"))
    said = app.test_cli_runner().invoke(args=["mail", "fetch"])
    assert said.exit_code == 0, said.output
    assert said.output.split("\n") == [
        "dropped: no calendar",
        "noted: tentative",
        "for a person: forged",
        "",
    ]
    db.session.expire_all()
    assert db.session.scalars(select(Invitation)).one().answer == Reply.TENTATIVE
    assert app.test_cli_runner().invoke(args=["mail", "fetch"]).output == ""


def test_a_mailbox_that_cannot_be_read_is_said_in_a_sentence(app):
    assert "HEARINGS_MAIL_IMAP_HOST" in app.test_cli_runner().invoke(args=["mail", "fetch"]).output
    app.config.update(MAIL_IMAP_HOST="127.0.0.1", MAIL_IMAP_PORT=1, MAIL_IMAP_SECURITY="")
    try:
        said = app.test_cli_runner().invoke(args=["mail", "fetch"])
    finally:
        app.config.update(MAIL_IMAP_HOST="")
    assert said.exit_code == 1
    assert "邮箱无法读取" in said.output


def test_a_mail_server_may_pipe_a_mail_in(asked, post, app):  # noqa: F811
    said = app.test_cli_runner().invoke(args=["mail", "take"], input=reply(asked, post.mails[0][1], "DECLINED"))
    assert said.output == "noted: declined\n"
    db.session.expire_all()
    assert db.session.scalars(select(Invitation)).one().answer == Reply.DECLINED
