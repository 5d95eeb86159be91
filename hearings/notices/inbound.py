"""Answers that come by mail: from a mailbox over IMAP, or piped in by the mail server."""

import email
import email.policy
import email.utils
import imaplib
import re
import ssl
from collections.abc import Iterator
from datetime import timedelta
from email.message import EmailMessage
from typing import Any

from flask import current_app

from ..calendars.ics import MOST_ANSWER
from ..db import db
from . import invitations, outbox, state

MOST_MAIL = 4 * 1024 * 1024


def take(raw: bytes) -> str:
    """Read one mail and note the answer in it; the caller commits. Returns what was done, for the log.

    Raises nothing that a stranger's mail could provoke: automatic replies, mails without a calendar part and
    broken ones are dropped.
    """
    if len(raw) > MOST_MAIL:
        return "dropped: too large"
    try:
        mail = email.message_from_bytes(raw, policy=email.policy.default)
        if not isinstance(mail, EmailMessage):
            return "dropped: unreadable"
        bounced = _bounced(mail)
        if bounced is not None:
            return outbox.bounced(*bounced)
        if str(mail.get("Auto-Submitted", "no")).lower() == "auto-replied" and not _calendar(mail):
            return "dropped: automatic"
        data = _calendar(mail)
        if data is None:
            return "dropped: no calendar"
        sender = email.utils.parseaddr(str(mail.get("From", "")))[1]
        headers = [str(v) for name in ("To", "Cc", "Delivered-To", "X-Original-To") for v in mail.get_all(name, [])]
        recipients = [a for _name, a in email.utils.getaddresses(headers)]
        authentic = _vouched(mail, sender)
    except Exception:  # the parser of mails fails in many ways on hostile bytes
        return "dropped: unreadable"
    return invitations.from_mail(data, sender=sender, recipients=recipients, authentic=authentic)


def _bounced(mail: EmailMessage) -> tuple[str, str] | None:
    """Of a report that a mail could not be delivered (RFC 3464): the mail's Message-ID and what was said."""
    if mail.get_content_type() != "multipart/report" or mail.get_param("report-type") != "delivery-status":
        return None
    message_id = said = ""
    for part in mail.walk():
        kind = part.get_content_type()
        if kind == "message/delivery-status":
            blocks: Any = part.get_payload()
            for block in blocks if isinstance(blocks, list) else ():
                if str(block.get("Action", "")).strip().lower() == "failed":
                    said = _said(block)
        elif kind == "text/rfc822-headers":
            message_id = str(email.message_from_string(part.get_content()).get("Message-ID", ""))
        elif part is not mail and part.get("Message-ID"):
            message_id = str(part["Message-ID"])
    return (message_id.strip(), said) if said else None


def _said(block: Any) -> str:
    """What the other server said, with its codes first, as `queries.trouble` reads them."""
    words = " ".join(str(block.get("Diagnostic-Code", "")).rpartition(";")[2].split())
    return words if re.match(r"\d{3}\b", words) else f"550 {str(block.get('Status', '')).strip()} {words}".strip()


def _calendar(mail: EmailMessage) -> bytes | None:
    """The first text/calendar part, then the first application/ics."""
    for kind in ("text/calendar", "application/ics"):
        for part in mail.walk():
            if part.get_content_type() == kind:
                data = part.get_payload(decode=True)
                if isinstance(data, bytes) and len(data) <= MOST_ANSWER:
                    return data
    return None


def _vouched(mail: EmailMessage, sender: str) -> bool:
    """Whether our own mail server has written that DMARC passed for the sender's domain (RFC 8601).

    Only the topmost Authentication-Results with the name of MAIL_AUTHSERV counts: anything below may have come
    with the mail. What a sender can put into a result of another method (an envelope address such as
    `dmarc=pass@evil.example`), into a quoted string or a comment, is no result of this one.
    """
    server = current_app.config["MAIL_AUTHSERV"]
    results = mail.get_all("Authentication-Results", [])
    if not server or not results:
        return False
    bare, found = str(results[0]).lower(), 1
    while found:  # comments may hold comments
        bare, found = _SAID_BY_THE_SENDER.subn(" ", bare)
    name, *said = bare.split(";")
    wanted = f"header.from={sender.rsplit('@', 1)[-1].lower()}"
    words = [result.split() for result in said]
    return name.strip() == server.lower() and any(w[:1] == ["dmarc=pass"] and wanted in w for w in words)


_SAID_BY_THE_SENDER = re.compile(r"""\"(?:[^"\\]|\\.)*\"|\((?:[^()\\]|\\.)*\)""")


def fetch() -> list[str]:
    """Read the mailbox of MAIL_IMAP_HOST; each mail is noted, committed, then marked as seen.

    Returns what was done with each. Raises OSError or imaplib.IMAP4.error when the server cannot be reached; either
    is kept for the administrator's page.
    """
    done = []
    config = current_app.config
    try:
        with _mailbox() as box:
            done_, said = box.select(config["MAIL_IMAP_FOLDER"])
            if done_ != "OK":
                raise imaplib.IMAP4.error(str(said[0]))
            for number, raw in _unseen(box):
                done.append(take(raw))
                db.session.commit()
                box.store(number, "+FLAGS", "\\Seen")
    except (OSError, imaplib.IMAP4.error) as trouble:
        db.session.rollback()
        state.ended("mailbox", f"{type(trouble).__name__}: {trouble}")
        db.session.commit()
        raise
    state.ended("mailbox")
    db.session.commit()
    return done


def fetch_now_and_then() -> int:
    """The same for the worker: every MAIL_IMAP_MINUTES by one of all workers. Returns how many mails there were."""
    config = current_app.config
    every = timedelta(minutes=float(config["MAIL_IMAP_MINUTES"]))
    if not config["MAIL_IMAP_HOST"] or not every or not state.beat("mailbox", every=every):
        return 0
    try:
        return len(fetch())
    except (OSError, imaplib.IMAP4.error) as trouble:
        current_app.logger.warning("the mailbox cannot be read: %s", trouble)
        return 0


def _mailbox() -> imaplib.IMAP4:
    config = current_app.config
    host, port = config["MAIL_IMAP_HOST"], int(config["MAIL_IMAP_PORT"])
    timeout = float(config["MAIL_TIMEOUT"])
    if config["MAIL_IMAP_SECURITY"] == "tls":
        box: imaplib.IMAP4 = imaplib.IMAP4_SSL(host, port, ssl_context=ssl.create_default_context(), timeout=timeout)
    else:
        box = imaplib.IMAP4(host, port, timeout=timeout)
        if config["MAIL_IMAP_SECURITY"] == "starttls":
            box.starttls(ssl.create_default_context())
    box.login(config["MAIL_IMAP_USER"], config["MAIL_IMAP_PASSWORD"])
    return box


def _unseen(box: imaplib.IMAP4) -> Iterator[tuple[str, bytes]]:
    _ok, found = box.search(None, "UNSEEN")
    for number in (found[0] or b"").split()[:500]:
        _ok, parts = box.fetch(number.decode(), "(BODY.PEEK[])")
        raw = next((p[1] for p in parts if isinstance(p, tuple)), b"")
        yield number.decode(), raw
