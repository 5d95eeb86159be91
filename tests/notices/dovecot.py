"""A real mailbox server: Debian's dovecot, as root (its processes give root away)."""

import contextlib
import imaplib
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server import free_port

PASSWORD = "geheim"
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
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=nobody gid=nogroup home={folder}/home/%u
}}
"""


@contextlib.contextmanager
def dovecot() -> Iterator[int]:
    """A running server; yields its port. Every name has a mailbox, all with the same password.

    Where it cannot run, the test is skipped; in CI that is a failure.
    """
    if not shutil.which("dovecot") or os.geteuid() != 0:
        if os.environ.get("CI"):
            pytest.fail("missing: dovecot-imapd, as root")
        pytest.skip("dovecot-imapd is not installed, or we are not root")
    # its processes are not root: every folder above must let them in
    folder = Path(tempfile.mkdtemp(prefix="dovecot-"))
    folder.chmod(0o755)
    for name in ("mail", "home"):
        (folder / name).mkdir()
        (folder / name).chmod(0o777)
    port = free_port()
    config = folder / "dovecot.conf"
    config.write_text(CONFIG.format(folder=folder, port=port, password=PASSWORD))
    process = subprocess.Popen(["dovecot", "-F", "-c", str(config)], stderr=subprocess.DEVNULL)
    try:
        until = time.monotonic() + 20
        while True:
            try:
                imaplib.IMAP4("127.0.0.1", port).shutdown()
                break
            except (OSError, imaplib.IMAP4.error):
                assert time.monotonic() < until, (folder / "log").read_text()
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(10)
        shutil.rmtree(folder, ignore_errors=True)


def put(port: int, user: str, raw: bytes) -> None:
    """Lay a mail into somebody's mailbox."""
    box = imaplib.IMAP4("127.0.0.1", port)
    box.login(user, PASSWORD)
    box.append("INBOX", None, None, raw)
    box.logout()
