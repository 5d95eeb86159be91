"""Independent readers of calendar files: four parsers; Evolution's server, vdirsyncer, khal, Radicale, calcurse.

Each says what it made of a file; a missing one is a failure in CI and skips its tests elsewhere.
"""

import base64
import contextlib
import ctypes
import http.client
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import vobject
from ical.calendar_stream import IcsCalendarStream
from playwright.sync_api import Browser

from tests.server import free_port

PROBE = """
import sys, gi
gi.require_version("ECal", "2.0"); gi.require_version("EDataServer", "1.2"); gi.require_version("ICalGLib", "3.0")
from gi.repository import ECal, EDataServer, ICalGLib
source = EDataServer.SourceRegistry.new_sync(None).ref_builtin_calendar()
client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, 20, None)
for path in sys.argv[1:]:
    client.receive_objects_sync(ICalGLib.Component.new_from_string(open(path).read()), ECal.OperationFlags.NONE, None)
    _ok, found = client.get_object_list_as_comps_sync("#t", None)
    for c in found:
        start = c.get_dtstart().get_value()
        print("|".join((c.get_summary().get_value(), start.as_ical_string(), start.get_tzid() or "")), end=";")
    print()
"""

THUNDERBIRD = Path("/usr/lib/thunderbird/omni.ja")
ICAL_JS = """async (source) => {
  const address = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  const ICAL = (await import(address)).default;
  ICAL.design.strict = true;
  const look = (part) => {
    for (const line of part.getAllProperties()) line.getValues().forEach(String);
    part.getAllSubcomponents().forEach(look);
  };
  window.against = (bytes) => {
    try {
      const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
      look(new ICAL.Component(ICAL.parse(text.decode(Uint8Array.from(atob(bytes), (c) => c.charCodeAt(0))))));
      return [];
    } catch (trouble) {
      return [String(trouble)];
    }
  };
}"""
"""Reads as a client does that opens the file: parses it, then looks at every value."""

CALDAV = """
import sys
from datetime import datetime
import caldav
address, first, last, *paths = sys.argv[1:]
calendar = caldav.DAVClient(address, username="a", password="a").principal().make_calendar("hearings")
window = [datetime.strptime(moment, "%Y%m%dT%H%M%SZ") for moment in (first, last)]
for path in paths:
    calendar.save_event(open(path, encoding="utf-8", newline="").read())
    kept = calendar.events()
    print(len(kept), [e.vobject_instance.vevent.summary.value for e in calendar.date_search(*window, expand=False)])
"""


SUBSCRIBER = """
import sys, gi
gi.require_version("ECal", "2.0"); gi.require_version("EDataServer", "1.2"); gi.require_version("ICalGLib", "3.0")
from gi.repository import ECal, EDataServer, ICalGLib
source = EDataServer.SourceRegistry.new_sync(None).ref_source("ours")
client = ECal.Client.connect_sync(source, ECal.ClientSourceType.EVENTS, 20, None)
for line in sys.stdin:
    if line.strip() == "again":
        client.refresh_sync(None)
    _ok, found = client.get_object_list_as_comps_sync("#t", None)
    said = [c.get_dtstart().get_value().as_ical_string() + "|" + c.get_summary().get_value() + "|" +
            (c.get_location() or "") for c in found]
    print(";".join(sorted(said)), flush=True)
"""

SOURCE = """
[Data Source]
DisplayName=ours
Enabled=true
Parent=webcal-stub
[Calendar]
BackendName=webcal
Selected=true
[Authentication]
Host=127.0.0.1
Port={port}
Method=none
[Security]
Method=none
[WebDAV Backend]
ResourcePath={path}
[Refresh]
Enabled=true
IntervalMinutes=600
"""


def need(*commands: str) -> None:
    """Skip where a program is missing; fail in CI."""
    missing = [c for c in commands if not shutil.which(c) and not Path(c).exists()]
    if missing and os.environ.get("CI"):
        pytest.fail(f"missing: {', '.join(missing)}")
    if missing:
        pytest.skip(f"missing: {', '.join(missing)}")


def libical() -> ctypes.CDLL:
    """Debian's libical, without a compiler."""
    try:
        library = ctypes.CDLL("libical.so.3")
    except OSError:
        if os.environ.get("CI"):
            pytest.fail("missing: libical3")
        pytest.skip("missing: libical3")
    library.icalparser_parse_string.restype = ctypes.c_void_p
    library.icalparser_parse_string.argtypes = [ctypes.c_char_p]
    for name in ("icalrestriction_check", "icalcomponent_count_errors"):
        getattr(library, name).argtypes = [ctypes.c_void_p]
        getattr(library, name).restype = ctypes.c_int
    library.icalcomponent_as_ical_string.argtypes = [ctypes.c_void_p]
    library.icalcomponent_as_ical_string.restype = ctypes.c_char_p
    library.icalcomponent_free.argtypes = [ctypes.c_void_p]
    return library


def by_libical(body: bytes) -> list[str]:
    """What libical has against a file: parse errors, and the tables of RFC 5546."""
    library = libical()
    parsed = library.icalparser_parse_string(body)
    if not parsed:
        return ["unreadable"]
    library.icalrestriction_check(parsed)
    found = []
    if library.icalcomponent_count_errors(parsed):
        text = library.icalcomponent_as_ical_string(parsed).decode("utf-8", "replace").replace("\r\n ", "")
        found = [line for line in text.splitlines() if line.startswith("X-LIC-ERROR")]
    library.icalcomponent_free(parsed)
    return found


def by_ical(body: bytes) -> list[str]:
    """What `ical` (Home Assistant's strict parser) has against a file."""
    try:
        IcsCalendarStream.calendar_from_ics(body.decode())
    except Exception as trouble:  # whatever it raises is what it has against the file
        return [f"{type(trouble).__name__}: {trouble}"]
    return []


def by_vobject(body: bytes) -> list[str]:
    """What vobject has against a file."""
    try:
        vobject.readOne(body.decode())
    except Exception as trouble:  # as above
        return [f"{type(trouble).__name__}: {trouble}"]
    return []


@contextlib.contextmanager
def ical_js(chromium: Browser) -> Iterator[Callable[[bytes], list[str]]]:
    """ical.js in strict mode: what it has against a file.

    It is Thunderbird's parser, so Debian's Thunderbird brings it, as a plain module; Chromium, which the tests
    have anyway, runs it.
    """
    need(str(THUNDERBIRD))
    with zipfile.ZipFile(THUNDERBIRD) as archive:
        source = archive.read("modules/calendar/Ical.sys.mjs").decode()
    page = chromium.new_page()
    page.evaluate(ICAL_JS, source)
    yield lambda body: page.evaluate("bytes => against(bytes)", base64.b64encode(body).decode())
    page.close()


@contextlib.contextmanager
def evolution_home() -> Iterator[dict[str, str]]:
    """An environment of its own for Evolution's data server."""
    need("dbus-run-session", "/usr/libexec/evolution-calendar-factory", "/usr/bin/python3")
    home, run = tempfile.mkdtemp(), tempfile.mkdtemp()
    try:
        yield {k: v for k, v in os.environ.items() if k not in ("DISPLAY", "PYTHONPATH", "VIRTUAL_ENV")} | {
            "HOME": home,
            "XDG_RUNTIME_DIR": run,
            "GIO_USE_VFS": "local",
            "GSETTINGS_BACKEND": "memory",
            "NO_AT_BRIDGE": "1",
            "LC_ALL": "C.UTF-8",
        }
    finally:
        shutil.rmtree(home, ignore_errors=True)
        shutil.rmtree(run, ignore_errors=True)


def by_evolution(folder: Path, *files: bytes) -> list[list[str]]:
    """Evolution's data server receives scheduling files one after another; what its calendar holds after each."""
    probe = folder / "probe.py"
    probe.write_text(PROBE)
    paths = []
    for n, body in enumerate(files):
        path = folder / f"{n}.ics"
        path.write_bytes(body)
        paths.append(str(path))
    with evolution_home() as env:
        done = subprocess.run(
            ["dbus-run-session", "--", "/usr/bin/python3", str(probe), *paths],
            env=env,
            capture_output=True,
            text=True,
            timeout=90,
        )
    assert done.returncode == 0, done.stderr
    return [[e for e in line.split(";") if e] for line in done.stdout.splitlines()]


class Subscriber:
    """Evolution's data server with one subscribed address."""

    def __init__(self, process: Any):
        self.process = process

    def _say(self, word: str) -> list[str]:
        self.process.stdin.write(word + "\n")
        self.process.stdin.flush()
        return [e for e in self.process.stdout.readline().strip().split(";") if e]

    def holds(self, wanted: Callable[[list[str]], bool], *, again: bool = False) -> list[str]:
        """What it holds (`time|title|place`) once that is as `wanted`, or after a while; `again`: it asks us first."""
        until = time.monotonic() + 30
        found = self._say("again" if again else "list")
        while not wanted(found) and time.monotonic() < until:
            time.sleep(0.1)
            found = self._say("list")
        return found


@contextlib.contextmanager
def evolution_subscribed(folder: Path, url: str) -> Iterator[Subscriber]:
    """Evolution's data server subscribes to an address over HTTP."""
    parts = urlsplit(url)
    probe = folder / "subscriber.py"
    probe.write_text(SUBSCRIBER)
    with evolution_home() as env:
        place = Path(env["HOME"]) / ".config/evolution/sources"
        place.mkdir(parents=True)
        (place / "ours.source").write_text(SOURCE.format(port=parts.port, path=parts.path).lstrip())
        process = subprocess.Popen(
            ["dbus-run-session", "--", "/usr/bin/python3", str(probe)],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            yield Subscriber(process)
        finally:
            process.stdin.close()  # type: ignore[union-attr]
            process.wait(20)


@contextlib.contextmanager
def listening_in(base: str) -> Iterator[tuple[str, list[tuple[str | None, int]]]]:
    """An address that hands everything on to `base`, and what was asked there: (If-None-Match, status)."""
    asked: list[tuple[str | None, int]] = []

    class Between(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers.get("If-None-Match")
            there = http.client.HTTPConnection(urlsplit(base).netloc, timeout=20)
            there.request("GET", self.path, headers={"If-None-Match": known} if known else {})
            answer = there.getresponse()
            body = answer.read()
            asked.append((known, answer.status))
            self.send_response(answer.status)
            for name, value in answer.getheaders():
                if name not in ("Connection", "Transfer-Encoding", "Server", "Date"):
                    self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            there.close()

        def log_message(self, *words: Any) -> None:
            """Say nothing."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Between)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}", asked
    finally:
        server.shutdown()
        server.server_close()


def by_vdirsyncer(folder: Path, url: str) -> list[Path]:
    """vdirsyncer subscribes to an address; the items it keeps."""
    need("vdirsyncer")
    store = folder / "items"
    config = folder / "vdirsyncer.conf"
    config.write_text(
        f'[general]\nstatus_path = "{folder}/status"\n'
        '[pair a]\na = "web"\nb = "here"\ncollections = null\nconflict_resolution = "a wins"\n'
        f'[storage web]\ntype = "http"\nurl = "{url}"\n'
        f'[storage here]\ntype = "filesystem"\npath = "{store}"\nfileext = ".ics"\n'
    )
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")} | {
        "LC_ALL": "C.UTF-8",
        "HOME": str(folder),
    }
    for command in (["discover"], ["sync"]):
        done = subprocess.run(
            ["vdirsyncer", "-c", str(config), *command],
            env=env,
            capture_output=True,
            text=True,
            input="y\n",
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
    return sorted(store.glob("*.ics"))


@contextlib.contextmanager
def radicale(folder: Path) -> Iterator[str]:
    """A CalDAV server; yields its address."""
    need("radicale")
    port = free_port()
    config = folder / "radicale.conf"
    config.write_text(
        f"[server]\nhosts = 127.0.0.1:{port}\n[auth]\ntype = none\n[storage]\nfilesystem_folder = {folder}/dav\n"
    )
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")}
    process = subprocess.Popen(["radicale", "-C", str(config)], env=env, stderr=subprocess.DEVNULL)
    base = f"http://127.0.0.1:{port}"
    try:
        until = time.monotonic() + 20
        while True:
            try:
                urllib.request.urlopen(base, timeout=2).read()
                break
            except OSError:
                assert time.monotonic() < until, "radicale did not start"
                time.sleep(0.1)
        yield base
    finally:
        process.terminate()
        process.wait(10)


def dav(method: str, url: str, body: bytes = b"", kind: str = "text/calendar; charset=utf-8") -> tuple[int, bytes]:
    """One request to a CalDAV server."""
    request = urllib.request.Request(url, data=body or None, method=method, headers={"Content-Type": kind})
    request.add_header("Authorization", "Basic YTph")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read()


def by_caldav(folder: Path, server: str, first: str, last: str, *files: bytes) -> list[str]:
    """The library caldav saves files one after another, and asks what there is between two moments in UTC.

    After each: how many events the calendar holds, and the titles of those in that time.
    """
    need("/usr/bin/python3", "/usr/lib/python3/dist-packages/caldav")
    script = folder / "by_caldav.py"
    script.write_text(CALDAV)
    paths = []
    for n, body in enumerate(files):
        paths.append(folder / f"caldav-{n}.ics")
        paths[-1].write_bytes(body)
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "VIRTUAL_ENV")} | {"LC_ALL": "C.UTF-8"}
    done = subprocess.run(
        ["/usr/bin/python3", str(script), server, first, last, *map(str, paths)],
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def by_khal(folder: Path, items: Path, zone: str, first: str, days: int) -> list[str]:
    """What khal lists of a folder of items (such as vdirsyncer keeps) to somebody in that zone."""
    config = folder / "khal.conf"
    config.write_text(
        f"[calendars]\n[[kept]]\npath = {items}\n[sqlite]\npath = {folder / 'khal.db'}\n"
        f"[locale]\nlocal_timezone = {zone}\ndefault_timezone = {zone}\n"
        "timeformat = %H:%M\ndateformat = %Y-%m-%d\nlongdateformat = %Y-%m-%d\n"
        "datetimeformat = %Y-%m-%d %H:%M\nlongdatetimeformat = %Y-%m-%d %H:%M\n"
    )
    done = subprocess.run(
        [
            str(Path(sys.executable).parent / "khal"), "-c", str(config), "list", "--once",
            "--day-format", "", "--format", "{start-date} {start-time}-{end-time} {title}", first, f"{days}d",
        ],
        env=os.environ | {"LC_ALL": "C.UTF-8", "HOME": str(folder), "TZ": zone, "XDG_DATA_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return [line for line in done.stdout.splitlines() if line]


def by_calcurse(folder: Path, body: bytes, zone: str, first: str, days: int) -> str:
    """What calcurse shows of a file to somebody in that zone."""
    need("calcurse")
    store = folder / f"calcurse-{zone.replace('/', '-')}"
    store.mkdir()
    file = folder / "for-calcurse.ics"
    file.write_bytes(body)
    env = os.environ | {"TZ": zone, "LC_ALL": "C.UTF-8", "HOME": str(folder)}
    subprocess.run(
        ["calcurse", "-D", str(store), "-i", str(file)], env=env, capture_output=True, check=True, timeout=30
    )
    shown = subprocess.run(
        [
            "calcurse", "-D", str(store), "--input-datefmt", "4", "-Q", "--from", first, "--days", str(days),
            "--filter-type", "cal", "--format-apt", "%S-%E %m\n", "--output-datefmt", "%Y-%m-%d",
        ],
        env=env,
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )  # fmt: skip
    return shown.stdout
