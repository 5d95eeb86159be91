"""A real server, as `make run` starts it, for tests that need one: browsers, kill rounds."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """gunicorn on a port of its own, in a process group of its own."""

    def __init__(self, url: str, instance: Path, **settings: str):
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.env = os.environ | {"HEARINGS_DATABASE_URL": url, "HEARINGS_INSTANCE": str(instance)}
        self.env |= {"HEARINGS_WORKER": "0"} | settings
        self.env.pop("MAKELEVEL", None)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "gunicorn", "-c", "gunicorn.conf.py", "-b", f"127.0.0.1:{self.port}"]
        self.process = subprocess.Popen(command, cwd=ROOT, env=self.env, start_new_session=True)
        until = time.monotonic() + 40
        while True:
            try:
                urllib.request.urlopen(f"{self.base}/healthz", timeout=5).read()
                return
            except urllib.error.HTTPError:
                return
            except OSError:
                if time.monotonic() > until or self.process.poll() is not None:
                    raise
                time.sleep(0.05)

    def kill(self) -> None:
        """As a power cut would: every process at once, without a word."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait(10)
            self.process = None

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(15)
            except subprocess.TimeoutExpired:
                self.kill()
            self.process = None


@contextlib.contextmanager
def serving(url: str, instance: Path, **settings: str) -> Iterator[Server]:
    """A server for the length of a block."""
    server = Server(url, instance, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
