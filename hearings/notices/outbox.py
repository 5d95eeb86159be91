"""The outbox: messages are written in a transaction with what they tell of, and sent afterwards, at least once.

A worker claims a message (`claimed_until`) and commits; sends with no transaction open; stamps it as it claims the
next. A worker that dies in between leaves a claim that runs out; the mail then goes again under the same Message-ID
and is shown as "perhaps twice" (at least once, never lost).
"""

import hashlib
import logging
import re
import smtplib
import socket
import ssl
import time as clock_
from collections.abc import Iterable, Sequence
from datetime import datetime, time, timedelta
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Any

from flask import current_app
from sqlalchemy import Row, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import aliased

from ..calendars import ics
from ..db import LOCAL, db, now, reading
from ..people.models import User
from ..people.signin import beside
from . import robot
from .models import Channel, Invitation, Message, MessageState
from .robot import Refused

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=5)
PAUSES = (1, 5, 15, 60, 240, 720)
"""Minutes until the next try; after the last the message has failed."""
NO_UTF8 = "SMTPUTF8: "
"""What a refusal begins with when our server sends to no address with other letters than Latin ones (RFC 6531)."""
BREATH = 0.005
"""Seconds between two mails: people who save something meanwhile get their turn."""


def base_url() -> str:
    """How people reach this house, without a slash at the end."""
    config = current_app.config
    return (config["BASE_URL"] or f"http://127.0.0.1:{config['PORT']}").rstrip("/")


def mail_is_set() -> bool:
    """Whether mail can go out at all."""
    return bool(current_app.config["MAIL_HOST"] and current_app.config["MAIL_FROM"])


def sender(token: str | None = None) -> str:
    """Our own address; with the seal of an invitation behind a plus sign, so that the answer can be told."""
    config = current_app.config
    whole = config["MAIL_FROM"] or f"noreply@{config['UID_HOST']}"
    local, _sign, domain = whole.rpartition("@")
    return f"{local}+{token}@{domain}" if token else whole


def postal(address: str) -> str:
    """An address as mail servers know it: lower case, its domain in ASCII (RFC 5890); a strange one as it is."""
    local, _sign, domain = address.strip().lower().rpartition("@")
    try:
        return f"{local}@{domain.encode('idna').decode()}" if domain else address.strip().lower()
    except UnicodeError:
        return address.strip().lower()


def write(**fields: Any) -> Message | None:
    """Write a message unless there is one with its key. Raises nothing for a repeat; returns None then."""
    if db.session.scalar(select(Message.id).where(Message.key == fields["key"])) is not None:
        return None
    fields["channel"] = Channel(fields["channel"])
    message = Message(created_at=now(), send_after=fields.pop("send_after", None) or now(), **fields)
    if message.channel == Channel.INBOX:
        message.state, message.sent_at = MessageState.SENT, now()
    try:
        with db.session.begin_nested():
            db.session.add(message)
            db.session.flush()
    except IntegrityError:  # another worker has written it meanwhile
        return None
    return message


# -- when ------------------------------------------------------------------------------------------------


def time_of(setting: str) -> time:
    return time.fromisoformat(str(current_app.config[setting]))


def is_quiet(moment: datetime | None = None) -> bool:
    """Whether people should be left alone (21:00–08:00 unless set otherwise)."""
    at = (moment or now()).astimezone(LOCAL).time()
    begin, end = time_of("QUIET_FROM"), time_of("QUIET_UNTIL")
    return begin <= at or at < end if begin > end else begin <= at < end


# -- sending ---------------------------------------------------------------------------------------------


def ready(limit: int = 50) -> list[int]:
    """Ids of mails whose time has come, oldest first; of one person and hearing only the first, so that a CANCEL
    cannot overtake its REQUEST.
    """
    moment = now()
    carriers = [Channel.MAIL] if mail_is_set() else []
    carriers += [Channel.ROBOT] if current_app.config["ROBOT_URL"] else []
    earlier = aliased(Message)
    overtaken = (
        select(earlier.id)
        .where(
            earlier.hearing_id == Message.hearing_id,
            earlier.address == Message.address,
            earlier.method.is_not(None),
            earlier.state == MessageState.WAITING,
            earlier.id < Message.id,
        )
        .exists()
    )
    wanted = (
        select(Message.id)
        .where(
            Message.state == MessageState.WAITING,
            Message.channel.in_(carriers),
            Message.part_of_id.is_(None),
            Message.send_after <= moment,
            or_(Message.claimed_until.is_(None), Message.claimed_until < moment),
            or_(Message.method.is_(None), ~overtaken),
        )
        .order_by(Message.id)
        .limit(limit)
    )
    if is_quiet():
        wanted = wanted.where(Message.urgent)
    return list(db.session.scalars(wanted))


def claim(ids: Sequence[int], *, sent: Row[Any] | None = None) -> Row[Any] | None:
    """Take the first of these messages that is free, for this worker; commits.

    `sent` is what went out just before: it is stamped in the same transaction, so a mail costs
    one commit, and a worker that dies leaves at most one whose fate is unknown. Returns the message's row, with no
    transaction open, or None when none is free.
    """
    if sent is not None:
        _stamp(sent)
    moment = now()
    free = (
        Message.state == MessageState.WAITING,
        Message.send_after <= moment,
        or_(Message.claimed_until.is_(None), Message.claimed_until < moment),
    )
    first = select(Message.id).where(Message.id.in_(ids), *free).order_by(Message.id).limit(1)
    taken = db.session.execute(
        update(Message)
        .where(Message.id == first.with_for_update(skip_locked=True).scalar_subquery(), *free)
        .values(
            claimed_until=moment + CLAIM,
            maybe_twice=or_(Message.maybe_twice, Message.claimed_until.is_not(None)),
            attempts=Message.attempts + 1,
        )
        .returning(*Message.__table__.c)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    db.session.commit()
    return taken


def send_all(limit: int = 100) -> int:
    """Send what is ready. Returns how many went out."""
    count, sent = 0, None
    with reading():
        ids = ready(limit)
        db.session.commit()
    with _Post() as post:
        while ids and (message := claim(ids, sent=sent)):
            sent = None
            try:
                if message.channel == Channel.ROBOT:
                    robot.send(current_app.config["ROBOT_URL"], message.subject, message.text)
                else:
                    post.send(_composed(message), message.address)
            except Refused as refused:
                _failed(message.id, refused)
                if refused.nobody_there:
                    break  # the others wait as well, and their tries are not used up
            else:
                sent = message
                count += 1
    return count


def _composed(message: Message | Row[Any]) -> EmailMessage:
    """The mail, or `Refused` for good: what cannot be written must not keep the others waiting."""
    try:
        return compose(message)
    except Exception as trouble:
        log.exception("message %s could not be written", message.id)
        raise Refused(f"{type(trouble).__name__}: {trouble}", for_good=True) from trouble


def message_id_of(message: Message | Row[Any]) -> str:
    """The same at every try, so that a mail that went twice can be told (RFC 5322 3.6.4)."""
    return f"<{message.id}.{_short(message.key)}@{current_app.config['UID_HOST']}>"


def _short(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:20]


def _stamp(sent: Row[Any]) -> None:
    went = {"state": MessageState.SENT, "sent_at": now()}
    db.session.execute(
        update(Message)
        .where(Message.id == sent.id)
        .values(**went, claimed_until=None, error=None, message_id=message_id_of(sent))
    )
    db.session.execute(update(Message).where(Message.part_of_id == sent.id).values(**went))
    _note_trouble(sent, None)


def _failed(id_: int, refused: Refused) -> None:
    message = db.session.get_one(Message, id_)
    message.error = refused.words[:500]
    message.claimed_until = None
    message.maybe_twice = message.maybe_twice or refused.fate_unknown
    if refused.for_good or message.attempts > len(PAUSES):
        message.state = MessageState.FAILED
        _note_trouble(message, message.error)
    else:
        message.send_after = now() + timedelta(minutes=PAUSES[message.attempts - 1])
    db.session.commit()
    log.warning("message %s to %s: %s", id_, message.address, refused.words)


def _note_trouble(message: Message | Row[Any], words: str | None) -> None:
    """Whether an invited person's address takes mail, for the organiser to see."""
    if message.hearing_id is not None and message.channel == Channel.MAIL:
        db.session.execute(
            update(Invitation)
            .where(Invitation.hearing_id == message.hearing_id, Invitation.address == message.address)
            .values(trouble=words)
        )


def bounced(message_id: str, words: str) -> str:
    """Note that a mail came back, as another server reports. Returns what was done with the report, for the log.

    The Message-ID holds a digest that nobody can guess, so a report about a mail that never was changes nothing.
    """
    found = re.fullmatch(r"<(\d{1,9})\.[0-9a-f]{20}@.+>", message_id)
    message = db.session.get(Message, int(found[1])) if found else None
    if message is None or message.channel != Channel.MAIL or message_id_of(message) != message_id:
        return "dropped: came back, but is none of ours"
    message.state, message.error = MessageState.FAILED, words[:500]
    _note_trouble(message, message.error)
    return f"came back: {message.address}"


def try_out(address: str, name: str, subject: str, words: str) -> None:
    """Send one mail at once, past the outbox, to see whether mail works. Raises `Refused` with the server's words.

    No transaction may be open: a server that hangs would keep everybody waiting.
    """
    mail = EmailMessage()
    mail["Message-ID"] = make_msgid("test", current_app.config["UID_HOST"])
    mail["Date"] = format_datetime(now().astimezone(LOCAL))
    mail["Subject"] = ics.line(subject)[:300]
    mail["From"] = _address(current_app.config["ORGANISATION"], sender())
    mail["To"] = _address(name, postal(address))
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(words)
    with _Post() as post:
        post.send(mail, address)


class _Line(smtplib.SMTP):
    """A connection that knows whether a mail has been handed over whose fate the server did not tell."""

    untold = False

    def data(self, msg: Any) -> tuple[int, bytes]:
        self.untold = True
        said = super().data(msg)
        self.untold = False
        return said


class _SafeLine(_Line, smtplib.SMTP_SSL):
    """The same within TLS."""


class _Post:
    """One connection to the mail server for a batch; opened when the first mail goes, anew after a trouble."""

    def __init__(self) -> None:
        self.line: _Line | None = None

    def __enter__(self) -> "_Post":
        return self

    def __exit__(self, *_: object) -> None:
        if self.line is not None:
            try:
                self.line.quit()
            except (OSError, smtplib.SMTPException):
                self.line.close()

    def send(self, mail: EmailMessage, address: str) -> None:
        """Hand one mail to the server. Raises `Refused`: for good when it is about this mail or address only."""
        try:
            if self.line is None:
                self.line = _connect()
            self.line.untold = False
            self.line.send_message(mail, from_addr=sender(), to_addrs=[postal(address)])
        except smtplib.SMTPRecipientsRefused as trouble:
            code, words = next(iter(trouble.recipients.values()))
            self._rest()
            raise Refused(f"{code} {_plain(words)}", for_good=code >= 500) from trouble
        except smtplib.SMTPDataError as trouble:
            self._rest()
            raise Refused(
                f"{trouble.smtp_code} {_plain(trouble.smtp_error)}", for_good=trouble.smtp_code >= 500
            ) from trouble
        except smtplib.SMTPResponseException as trouble:  # it wants no mail of ours at all: greeting, sign-in, sender
            self._drop()
            raise Refused(
                f"{trouble.smtp_code} {_plain(trouble.smtp_error)}", for_good=False, nobody_there=True
            ) from trouble
        except (smtplib.SMTPNotSupportedError, UnicodeError, ValueError) as trouble:
            self._rest()
            raise Refused(f"{'' if postal(address).isascii() else NO_UTF8}{trouble}", for_good=True) from trouble
        except (smtplib.SMTPException, OSError) as trouble:
            unknown = self.line is not None and self.line.untold
            self._drop()
            raise Refused(
                f"{type(trouble).__name__}: {trouble}", for_good=False, nobody_there=True, fate_unknown=unknown
            ) from trouble

    def _rest(self) -> None:
        try:
            if self.line is not None:
                self.line.rset()
        except (OSError, smtplib.SMTPException):
            self._drop()

    def _drop(self) -> None:
        if self.line is not None:
            self.line.close()
        self.line = None


def _plain(words: Any) -> str:
    return words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)


def _connect() -> _Line:
    config = current_app.config
    host, port, timeout = config["MAIL_HOST"], int(config["MAIL_PORT"]), float(config["MAIL_TIMEOUT"])
    name = socket.gethostname().encode("ascii", "ignore").decode() or "localhost"
    if config["MAIL_SECURITY"] == "tls":
        line: _Line = _SafeLine(host, port, local_hostname=name, timeout=timeout, context=ssl.create_default_context())
    else:
        line = _Line(host, port, local_hostname=name, timeout=timeout)
    try:
        if config["MAIL_SECURITY"] == "starttls":
            line.starttls(context=ssl.create_default_context())
        if config["MAIL_USER"]:
            line.login(config["MAIL_USER"], config["MAIL_PASSWORD"])
    except BaseException:
        line.close()
        raise
    return line


# -- the mail --------------------------------------------------------------------------------------------


def compose(message: Message | Row[Any]) -> EmailMessage:
    """The mail (RFC 5322); with a calendar part in the shape all clients take (RFC 6047; calendar.md a.7).

    A file of due dates (PUBLISH) asks for no answer and is an attachment only.
    """
    config = current_app.config
    mail = EmailMessage()
    mail["Message-ID"] = message_id_of(message)
    mail["Date"] = format_datetime(message.created_at.astimezone(LOCAL))
    mail["Subject"] = ics.line(message.subject)[:300]
    asks = message.calendar is not None and message.method != "PUBLISH"
    mail["From"] = _address(config["ORGANISATION"], _organiser(message.calendar or "") if asks else sender())
    mail["To"] = _address(message.name or "", postal(message.address or ""))
    if message.reply_to:
        mail["Reply-To"] = _address("", postal(message.reply_to))
    mail["Auto-Submitted"] = "auto-generated"
    words = message.text
    if message.url and message.url not in words and not message.calendar:
        words = f"{words.rstrip()}\n\n{base_url()}{message.url}\n"
    mail.set_content(words)
    mail.add_alternative(_html(words), subtype="html")
    if message.calendar:
        body = message.calendar.encode()
        kind = {"charset": "UTF-8", "method": message.method or "REQUEST"}
        if asks:
            mail.add_alternative(body, maintype="text", subtype="calendar", params=kind | {"component": "VEVENT"})
            part = list(mail.iter_parts())[-1]
            del part["Content-Disposition"]
            mail.add_attachment(body, maintype="application", subtype="ics", filename="invite.ics")
        else:
            mail.add_attachment(body, maintype="text", subtype="calendar", params=kind, filename="due-dates.ics")
    return mail


def _organiser(calendar: str) -> str:
    """The address of ORGANIZER, which the mail is from."""
    found = [line for line in calendar.replace("\r\n ", "").split("\r\n") if line.startswith("ORGANIZER")]
    return found[0].rsplit("mailto:", 1)[1]


def _address(name: str, address: str) -> Address:
    """A name and an address that cannot open a header of their own."""
    clean = "".join(c for c in ics.line(name) if c not in '<>"@,;:').strip()
    local, _sign, domain = "".join(ics.line(address).split()).rpartition("@")
    return Address(display_name=clean[:100], username=local, domain=domain)


def _html(words: str) -> str:
    from markupsafe import escape

    lines = []
    for line in words.split("\n"):
        safe = str(escape(line))
        if line.startswith(("http://", "https://")) and " " not in line:
            safe = f'<a href="{safe}">{safe}</a>'
        lines.append(safe)
    return f"<!DOCTYPE html><html><body><p>{'<br>'.join(lines)}</p></body></html>"


# -- telling ---------------------------------------------------------------------------------------------


def unread(user_id: int) -> int:
    """How many messages of the inbox the person has not opened."""
    return (
        db.session.scalar(
            select(func.count())
            .select_from(Message)
            .where(Message.user_id == user_id, Message.channel == Channel.INBOX, Message.read_at.is_(None))
        )
        or 0
    )


def _unread_beside() -> Any:
    """The same of whoever asks for a page, in the statement that finds the person."""
    return (
        select(func.count())
        .select_from(Message)
        .where(Message.user_id == User.id, Message.channel == Channel.INBOX, Message.read_at.is_(None))
        .correlate(User)
        .scalar_subquery()
    )


beside["unread"] = _unread_beside


def mark_read(user_id: int, ids: Iterable[int] | None = None) -> None:
    """Mark messages as read; all of them without `ids`."""
    wanted = update(Message).where(
        Message.user_id == user_id, Message.channel == Channel.INBOX, Message.read_at.is_(None)
    )
    if ids is not None:
        wanted = wanted.where(Message.id.in_(list(ids)))
    db.session.execute(wanted.values(read_at=now()).execution_options(synchronize_session=False))


def wait(seconds: float) -> None:
    """Sleep; a name of its own so that tests need not."""
    clock_.sleep(seconds)
