"""Answers read from a real mailbox: Debian's dovecot, as root (its processes give root away); elsewhere skipped."""

import imaplib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest
from sqlalchemy import select

from hearings.db import db
from hearings.notices.models import Invitation, Reply
from tests.notices.test_invitations import _by_day, asked, reply  # noqa: F401
from tests.server import free_port

CONFIG = """
base_dir = {folder}/run
log_path = {folder}/log
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
mail_location = maildir:{folder}/mail/%u
default_internal_user = dovecot
default_login_user = dovenull
default_internal_group = dovecot
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
passdb {{
  driver = static
  args = password=geheim
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/home/%u
}}
"""


@pytest.fixture
def mailbox(app):
    """A mailbox that the house reads; yields a function that puts a mail into it."""
    if not shutil.which("dovecot") or os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("missing: dovecot-imapd, as root")
        pytest.skip("dovecot-imapd is not installed, or we are not root")
    folder = Path(
        tempfile.mkdtemp(prefix="dovecot-")
    )  # its processes are not root: every folder above must let them in
    folder.chmod(0o755)
    for name in ("mail", "home"):
        (folder / name).mkdir(mode=0o777)
        (folder / name).chmod(0o777)
    port = free_port()
    config = folder / "dovecot.conf"
    config.write_text(CONFIG.format(folder=folder, port=port))
    process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
    settings = {
        "MAIL_IMAP_HOST": "127.0.0.1",
        "MAIL_IMAP_PORT": port,
        "MAIL_IMAP_SECURITY": "",
        "MAIL_IMAP_USER": "yexunhui",
        "MAIL_IMAP_PASSWORD": "geheim",
    }
    kept = {k: app.config[k] for k in settings}
    app.config.update(settings)

    def put(raw: bytes) -> None:
        box = imaplib.IMAP4("127.0.0.1", port)
        box.login("yexunhui", "geheim")
        box.append("INBOX", None, None, raw)
        box.logout()

    until = time.monotonic() + 20
    while True:
        try:
            imaplib.IMAP4("127.0.0.1", port).shutdown()
            break
        except (OSError, imaplib.IMAP4.error):
            assert time.monotonic() < until, (folder / "log").read_text()
            time.sleep(0.1)
    yield put
    app.config.update(kept)
    process.terminate()
    process.wait(10)
    shutil.rmtree(folder, ignore_errors=True)


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
