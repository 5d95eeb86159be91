"""A private PostgreSQL server for one test run.

`fresh_database()` answers the URL of an empty database. The first caller of a run starts the server, in a
folder of its own and without TCP; the workers of pytest-xdist share it, each with databases of its own. A
watcher process stops it: each worker holds a shared lock on one file until it ends, however it ends, and once
nobody holds it any more the watcher shuts the server down and removes the folder.
"""

import fcntl
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any, TextIO

import psycopg
import pytest

USER = "hearings"
START_WITHIN = 60  # seconds; two are usual
INITDB = ("--encoding", "UTF8", "--locale", "C.UTF-8", "--auth", "trust", "--no-sync")
SETTINGS = {
    "listen_addresses": "",
    "max_connections": "100",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


class NoServer(Exception):
    """There is no PostgreSQL on this machine, or it would not start."""


@pytest.fixture(scope="session")
def postgres_url() -> str:
    """An empty database for this worker alone."""
    return database_or_skip()


def database_or_skip() -> str:
    """A fresh database; without PostgreSQL a failure in CI, and elsewhere a skip."""
    try:
        return fresh_database()
    except NoServer as reason:
        if os.environ.get("CI"):
            pytest.fail(str(reason), pytrace=False)
        pytest.skip(str(reason))


def fresh_database() -> str:
    home = _server()
    name = f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{uuid.uuid4().hex[:12]}"
    with _connect(home) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    return f"postgresql+psycopg://{USER}@/{name}?host={home}"


def _connect(home: Path) -> psycopg.Connection:
    return psycopg.connect(host=str(home), user=USER, dbname="postgres", autocommit=True)


_mine: dict[str, Any] = {}  # this process's server, and the open file whose lock says that the process is still there


def _server() -> Path:
    if not _mine:
        programs = _programs()
        run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or uuid.uuid4().hex
        home = Path(tempfile.gettempdir()) / f"hearings-postgres-{run[:12]}"
        with home.with_suffix(".lock").open("a") as mutex:  # one worker starts it while the others wait here
            fcntl.flock(mutex, fcntl.LOCK_EX)
            users = _join(home) or _start(home, programs)
        _mine.update(home=home, users=users)
    return _mine["home"]


def _join(home: Path) -> TextIO | None:
    """The lock on a server that another worker has started, or None."""
    try:
        users = (home / "users").open()
    except FileNotFoundError:
        return None
    fcntl.flock(users, fcntl.LOCK_SH)
    return users if (home / "ready").exists() else None


def _start(home: Path, programs: Path) -> TextIO:
    shutil.rmtree(home, ignore_errors=True)
    home.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = _owner()
        os.chown(home, owner["user"], owner["group"])
    (home / "users").touch()
    users = (home / "users").open()
    fcntl.flock(users, fcntl.LOCK_SH)
    with (home / "log").open("w") as log:
        watcher = subprocess.Popen(
            [sys.executable, "-P", __file__, str(home), str(programs)],
            stdin=subprocess.DEVNULL,  # xdist talks to its workers through stdin and stdout
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for the tests; the server ends after them
        )
    deadline = time.monotonic() + START_WITHIN
    while not (home / "ready").exists():
        if watcher.poll() is not None or time.monotonic() > deadline:
            watcher.kill()
            last_words = (home / "log").read_text().strip().splitlines()[-5:]
            shutil.rmtree(home, ignore_errors=True)
            raise NoServer("PostgreSQL did not start:\n" + "\n".join(last_words))
        time.sleep(0.02)
    return users


def _programs() -> Path:
    """Where initdb and postgres are: Debian keeps them out of the PATH, in a folder for each version."""
    initdb = max(
        Path("/usr/lib/postgresql").glob("*/bin/initdb"),
        key=lambda path: int(path.parts[-3]),
        default=shutil.which("initdb"),
    )
    if initdb is None:
        raise NoServer("There is no PostgreSQL server on this machine (Debian: apt-get install postgresql).")
    return Path(initdb).resolve().parent


def _owner() -> dict[str, Any]:
    """Whom the server runs as: PostgreSQL refuses to be root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            someone = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": someone.pw_uid, "group": someone.pw_gid, "extra_groups": []}
    raise NoServer("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as.")


def _watch(home: Path, programs: Path) -> None:
    """The watcher's life: make the server, wait until nobody uses it, take it away."""
    owner = _owner()
    data = home / "data"
    subprocess.run(
        [programs / "initdb", *INITDB, "--username", USER, "--pgdata", data],
        cwd=home,
        check=True,
        **owner,
    )
    settings = [f"--{name}={value}" for name, value in SETTINGS.items()]
    server = subprocess.Popen([programs / "postgres", "-D", data, "-k", home, *settings], cwd=home, **owner)
    try:
        while True:
            try:
                _connect(home).close()
                break
            except psycopg.OperationalError:
                if server.poll() is not None:
                    sys.exit(1)
                time.sleep(0.02)
        (home / "ready").touch()
        with (home / "users").open() as users:
            fcntl.flock(users, fcntl.LOCK_EX)
            _stop(server)
            shutil.rmtree(home, ignore_errors=True)
    finally:
        _stop(server)
    home.with_suffix(".lock").unlink(missing_ok=True)


def _stop(server: subprocess.Popen) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)  # "fast": connections still open are closed
        server.wait()


if __name__ == "__main__":
    _watch(Path(sys.argv[1]), Path(sys.argv[2]))
