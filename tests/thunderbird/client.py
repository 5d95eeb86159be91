"""Debian's Thunderbird under Xvfb, driven over Marionette as its own makers drive it; and a post office for it."""

import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from PIL import Image

from tests.calendars.witness import need
from tests.notices import dovecot
from tests.server import free_port

PATIENCE = 60
"""Seconds that a busy machine may take for one thing."""

PREFERENCES: dict[str, Any] = {
    # nothing that asks, tells or fetches by itself
    "app.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "toolkit.telemetry.server": "",
    "mail.rights.version": 1,
    "mail.provider.suppress_dialog_on_startup": True,
    "mail.spotlight.firstRunDone": True,
    "mail.shell.checkDefaultClient": False,
    "mail.inappnotifications.enabled": False,
    "mailnews.start_page.enabled": False,
    "mailnews.start_page_override.mstone": "ignore",
    "browser.policies.runOncePerModification.extensionsInstall": "",
    "extensions.getAddons.cache.enabled": False,
    "services.settings.server": "data:,",
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    # who sits before it
    "intl.locale.requested": "zh-CN",
    "calendar.timezone.local": "Asia/Shanghai",
    "calendar.timezone.useSystemTimezone": False,
    "calendar.registry.home.type": "storage",
    "calendar.registry.home.uri": "moz-storage-calendar://",
    "calendar.registry.home.name": "Home",
    "calendar.registry.home.calendar-main-in-composite": True,
    "calendar.registry.home.imip.identity.key": "id1",
    "calendar.list.sortOrder": "home",
    "mail.accountmanager.accounts": "account1,account2",
    "mail.accountmanager.defaultaccount": "account1",
    "mail.accountmanager.localfoldersserver": "server2",
    "mail.account.account1.server": "server1",
    "mail.account.account1.identities": "id1",
    "mail.account.account2.server": "server2",
    "mail.identity.id1.smtpServer": "smtp1",
    "mail.identity.id1.valid": True,
    "mail.identity.id1.fcc": False,
    "mail.identity.id1.fcc_folder_picker_mode": "0",
    "mail.server.server1.type": "imap",
    "mail.server.server1.hostname": "127.0.0.1",
    "mail.server.server1.socketType": 0,
    "mail.server.server1.authMethod": 3,
    "mail.server.server1.login_at_startup": False,  # its password is told later
    "mail.server.server1.check_new_mail": False,
    "mail.server.server2.type": "none",
    "mail.server.server2.hostname": "Local Folders",
    "mail.server.server2.userName": "nobody",
    "mail.server.server2.name": "本地文件夹",
    "mail.smtpservers": "smtp1",
    "mail.smtp.defaultserver": "smtp1",
    "mail.smtpserver.smtp1.hostname": "127.0.0.1",
    "mail.smtpserver.smtp1.authMethod": 1,
    "mail.smtpserver.smtp1.try_ssl": 0,
}


class Marionette:
    """The few commands we need of Mozilla's remote protocol: length, colon, JSON; over one connection."""

    def __init__(self, port: int):
        self.line = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self.count = 0
        self._read()  # it greets
        self.ask("WebDriver:NewSession", {"capabilities": {"alwaysMatch": {"timeouts": {"script": PATIENCE * 1000}}}})
        self.ask("Marionette:SetContext", {"value": "chrome"})

    def ask(self, command: str, details: dict[str, Any] | None = None) -> Any:
        """One command. Raises RuntimeError with what Thunderbird says against it."""
        self.count += 1
        sent = json.dumps([0, self.count, command, details or {}]).encode()
        self.line.sendall(str(len(sent)).encode() + b":" + sent)
        _kind, _number, refused, result = self._read()
        if refused:
            raise RuntimeError(f"{refused['error']}: {refused['message']}")
        return result

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._some(1)
        body = b""
        while len(body) < int(size[:-1]):
            body += self._some(int(size[:-1]) - len(body))
        return json.loads(body)

    def _some(self, size: int) -> bytes:
        found = self.line.recv(size)
        if not found:
            raise ConnectionError("Thunderbird has ended")
        return found

    def run(self, script: str, *args: Any) -> Any:
        """The result of a script (the body of an async function) in the main window."""
        body = (
            "const [...given] = arguments; const done = given.pop();"
            "(async function () {" + script + "}).apply(null, given).then("
            "(value) => done({ value }), (trouble) => done({ trouble: String(trouble) + (trouble && trouble.stack || '') }));"
        )
        said = self.ask("WebDriver:ExecuteAsyncScript", {"script": body, "args": list(args), "sandbox": "system"})
        if "trouble" in said["value"]:
            raise RuntimeError(said["value"]["trouble"])
        return said["value"].get("value")


class PostOffice:
    """Takes every mail by SMTP, and lays it into the IMAP mailbox of the one it is for."""

    def __init__(self, imap: int):
        self.imap, self.smtp = imap, free_port()
        self.taken: list[tuple[str, EmailMessage]] = []

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        for address in envelope.rcpt_tos:
            dovecot.put(self.imap, address.partition("@")[0].partition("+")[0], envelope.content)
            self.taken.append((address, message_from_bytes(envelope.content, policy=policy.default)))
        return "250 taken"

    def mail(self, address: str, subject: str = "") -> EmailMessage:
        """The last mail to an address, with a subject that begins so; waits until it comes."""

        def found() -> EmailMessage | None:
            mails = [m for to, m in self.taken if to == address and m["Subject"].startswith(subject)]
            return mails[-1] if mails else None

        mail: EmailMessage = wait_for(found, f"no mail “{subject}…” to {address}")
        return mail


@contextlib.contextmanager
def post_office() -> Iterator[PostOffice]:
    """SMTP and IMAP for the length of a block."""
    with dovecot.dovecot() as port:
        office = PostOffice(port)
        server = Controller(office, hostname="127.0.0.1", port=office.smtp)
        server.start()
        try:
            yield office
        finally:
            server.stop()


def wait_for(what: Callable[[], Any], why: str, patience: float = PATIENCE) -> Any:
    """What a function gives once it gives something. Fails with the reason when it never does."""
    until = time.monotonic() + patience
    while not (found := what()):
        assert time.monotonic() < until, f"waited in vain: {why}"
        time.sleep(0.2)
    return found


class Thunderbird:
    """One person's Thunderbird on a screen of its own."""

    def __init__(self, folder: Path, *, imap: int, smtp: int, address: str, name: str):
        self.folder, self.address = folder, address
        user = address.partition("@")[0]
        port = free_port()
        (folder / "user.js").write_text(
            "".join(
                f"user_pref({json.dumps(key)}, {json.dumps(value)});\n"
                for key, value in (
                    PREFERENCES
                    | {
                        "marionette.port": port,
                        "mail.server.server1.port": imap,
                        "mail.server.server1.userName": user,
                        "mail.smtpserver.smtp1.port": smtp,
                        "mail.identity.id1.useremail": address,
                        "mail.identity.id1.fullName": name,
                        "mail.server.server1.name": address,
                    }
                ).items()
            )
        )
        self.port, self.user = port, user
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        """With its screen; the person signs in to the mailbox."""
        self.display = self._screen()
        env = os.environ | {
            "DISPLAY": self.display,
            "HOME": str(self.folder),
            "TZ": "Asia/Shanghai",
            "MOZ_CRASHREPORTER_DISABLE": "1",
        }
        log = (self.folder / "log").open("wb")
        command = ["thunderbird", "--marionette", "--remote-allow-system-access", "--no-remote"]
        self.processes.append(
            subprocess.Popen(
                [*command, "--profile", str(self.folder)], env=env, stdout=log, stderr=log, start_new_session=True
            )
        )
        self.line: Marionette = wait_for(lambda: self._line(self.port), "Thunderbird does not listen")
        self.line.run(
            """
            const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
            login.init("imap://127.0.0.1", null, "imap://127.0.0.1", arguments[0], arguments[1], "", "");
            await Services.logins.addLoginAsync(login);
            document.getElementById("today-pane-panel").setVisible(false);
            window.moveTo(0, 0);
            window.resizeTo(screen.width, screen.height);
            """,
            self.user,
            dovecot.PASSWORD,
        )

    def _screen(self) -> str:
        """Xvfb, which keeps what it shows in a file."""
        reader, writer = os.pipe()
        screen = ["Xvfb", "-displayfd", str(writer), "-screen", "0", "1440x900x24", "-nolisten", "tcp"]
        self.processes.append(
            subprocess.Popen(
                [*screen, "-fbdir", str(self.folder)],
                pass_fds=[writer],
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        os.close(writer)
        with os.fdopen(reader) as said:
            number = said.readline().strip()
        assert number, "Xvfb did not start"
        return f":{number}"

    def _line(self, port: int) -> Marionette | None:
        assert self.processes[-1].poll() is None, (self.folder / "log").read_text()
        with contextlib.suppress(OSError):
            return Marionette(port)
        return None

    def close(self) -> None:
        """Ends what this has started, and nothing else."""
        for process in reversed(self.processes):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(15)

    def shot(self, file: Path) -> None:
        """A picture of the whole screen, out of the file where Xvfb keeps it (X window dump, 32 bits a pixel)."""
        data = (self.folder / "Xvfb_screen0").read_bytes()
        head = struct.unpack(">25I", data[:100])
        start, width, height, row = head[0] + 12 * head[19], head[4], head[5], head[12]
        file.parent.mkdir(parents=True, exist_ok=True)
        pixels = data[start : start + row * height]
        Image.frombuffer("RGB", (width, height), pixels, "raw", "BGRX", row, 1).save(file, optimize=True)

    # -- what a person does ------------------------------------------------------------------------------

    def open_mail(self, mail: EmailMessage) -> None:
        """Ask for new mail until this one is there, and open it."""
        id_ = mail["Message-ID"].strip("<>")
        wait_for(lambda: self._select(id_), f"“{mail['Subject']}” does not arrive")
        wait_for(lambda: self._message("return message.gMessage?.messageId") == id_, "it does not open")

    def _select(self, id_: str) -> bool:
        return bool(
            self.line.run(
                """
                const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");
                const server = MailServices.accounts.getAccount("account1").incomingServer;
                const inbox = server.rootFolder.getFolderWithFlags(Ci.nsMsgFolderFlags.Inbox);
                if (!inbox) {
                  server.performExpand(null); // signs in, and looks which folders there are
                  return false;
                }
                const pane = document.getElementById("tabmail").currentAbout3Pane;
                if (pane.gFolder != inbox) pane.displayFolder(inbox.URI);
                inbox.getNewMessages(null, null);
                const view = pane.gDBView;
                if (!view) return false;
                for (let row = 0; row < view.rowCount; row++) {
                  if (view.getMsgHdrAt(row).messageId == arguments[0]) {
                    pane.threadTree.selectedIndex = row;
                    return true;
                  }
                }
                return false;
                """,
                id_,
            )
        )

    def _message(self, script: str, *args: Any) -> Any:
        """A script about the open mail; `message` is the window that shows it."""
        return self.line.run(
            "const message = document.getElementById('tabmail').currentAboutMessage; if (!message) return null;"
            + script,
            *args,
        )

    def bar(self) -> tuple[str, list[str]]:
        """What Thunderbird says of an invitation, and the buttons it offers."""
        label, buttons = self._message(
            """
            const bar = message.document.querySelector(".calendar-notification-bar");
            if (!bar || bar.collapsed) return ["", []];
            const buttons = [...message.document.querySelectorAll("#imip-view-toolbar > toolbarbutton:not([hidden])")];
            return [bar.querySelector(".msgNotificationBarText").textContent, buttons.map((b) => b.id)];
            """
        ) or ("", [])
        return label, buttons

    def text(self) -> str:
        """What the open mail shows, once it does."""
        body = "return message.document.getElementById('messagepane').contentDocument?.body?.innerText ?? ''"
        return str(wait_for(lambda: (self._message(body) or "").strip(), "the mail shows nothing"))

    def words(self, name: str) -> str:
        """What its calendar says under that name, in its language."""
        return str(
            self.line.run(
                """
                const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
                return cal.l10n.getLtnString(arguments[0]);
                """,
                name,
            )
        )

    def click(self, button: str) -> None:
        """Press the mouse on a button beside an invitation."""
        place = self._message(
            """
            const button = message.document.getElementById(arguments[0]);
            const box = button.getBoundingClientRect();
            const ratio = message.devicePixelRatio;
            return [
              Math.round((message.mozInnerScreenX + box.left) * ratio + 20),
              Math.round((message.mozInnerScreenY + box.top + box.height / 2) * ratio),
            ];
            """,
            button,
        )
        env = os.environ | {"DISPLAY": self.display}
        subprocess.run(["xdotool", "mousemove", *map(str, place), "click", "1"], env=env, check=True, timeout=30)

    def subscribe(self, address: str) -> None:
        """Add a calendar from the network."""
        self.line.run(
            """
            const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
            const made = cal.manager.createCalendar("ics", Services.io.newURI(arguments[0]));
            made.name = "夜询会日程";
            cal.manager.registerCalendar(made);
            """,
            address,
        )

    def refresh(self) -> None:
        """Ask the networks' calendars anew, as the button “synchronise” does."""
        self.line.run(
            """
            const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
            cal.manager.getCalendars().forEach((calendar) => calendar.refresh());
            """
        )

    def show_month(self, day: date) -> None:
        """Open the calendar at a month."""
        self.line.run(
            """
            const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
            const tab = document.getElementById("tabmail");
            tab.openTab("calendar");
            switchToView("month");
            currentView().goToDay(cal.createDateTime(arguments[0]));
            """,
            day.strftime("%Y%m%d"),
        )

    def events(self) -> list[dict[str, Any]]:
        """What its calendars hold."""
        return list(
            self.line.run(
                """
                const { cal } = ChromeUtils.importESModule("resource:///modules/calendar/calUtils.sys.mjs");
                const found = [];
                for (const calendar of cal.manager.getCalendars()) {
                  const items = await calendar.getItemsAsArray(Ci.calICalendar.ITEM_FILTER_ALL_ITEMS, 0, null, null);
                  for (const item of items) {
                    found.push({
                      calendar: calendar.name,
                      uid: item.id,
                      title: item.title,
                      starts: item.startDate?.icalString,
                      zone: item.startDate?.timezone.tzid,
                      status: item.status,
                      answer: item.getAttendees().map((a) => a.participationStatus).join(),
                    });
                  }
                }
                return found;
                """
            )
        )


@contextlib.contextmanager
def thunderbird(office: PostOffice, *, address: str, name: str) -> Iterator[Thunderbird]:
    """Somebody's Thunderbird, with a profile of its own, for the length of a block."""
    need("thunderbird", "Xvfb", "xdotool")
    folder = Path(tempfile.mkdtemp(prefix="thunderbird-"))
    client = Thunderbird(folder, imap=office.imap, smtp=office.smtp, address=address, name=name)
    try:
        client.start()
        yield client
    finally:
        client.close()
        shutil.rmtree(folder, ignore_errors=True)
