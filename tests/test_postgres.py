"""The tests' own PostgreSQL: shared by the workers of one run, a database for each, nothing left behind."""

import os
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, make_url, text

from tests import postgres

ASK = """
import sys
from tests.postgres import fresh_database
print(fresh_database(), flush=True)
sys.stdin.read()
"""


def ask_for_a_database(run):
    """Another worker of a run: prints its URL and stays until its stdin closes."""
    return subprocess.Popen(
        [sys.executable, "-c", ASK],
        cwd=Path(__file__).parent.parent,
        env={**os.environ, "PYTEST_XDIST_TESTRUNUID": run},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def home_of(url):
    return Path(make_url(url).query["host"])


def gone(path, within=20):
    deadline = time.monotonic() + within
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    return not path.exists()


def test_a_fresh_database_is_empty_and_speaks_chinese(postgres_url):
    engine = create_engine(postgres_url)
    with engine.begin() as connection:
        assert inspect(connection).get_table_names() == []
        assert connection.scalar(text("SHOW server_encoding")) == "UTF8"
        assert connection.scalar(text("SELECT length('新碶街道')")) == 4
    engine.dispose()


def test_two_workers_share_one_server_and_no_database(postgres_url):
    run = uuid.uuid4().hex
    workers = [ask_for_a_database(run) for _ in range(2)]
    urls = [worker.stdout.readline().strip() for worker in workers]
    assert home_of(urls[0]) == home_of(urls[1]) != home_of(postgres_url)
    assert urls[0] != urls[1]

    workers[0].communicate()
    engine = create_engine(urls[1])
    with engine.connect() as connection:
        assert connection.scalar(text("SELECT 1")) == 1, "the server stays for the one that is left"
    engine.dispose()

    workers[1].communicate()
    assert gone(home_of(urls[0]))


def test_a_killed_run_leaves_no_server_behind(postgres_url):
    worker = ask_for_a_database(uuid.uuid4().hex)
    home = home_of(worker.stdout.readline().strip())
    server = int((home / "data" / "postmaster.pid").read_text().split()[0])
    worker.send_signal(signal.SIGKILL)
    worker.communicate()
    assert gone(home)
    assert gone(Path(f"/proc/{server}"))
    assert not home.with_suffix(".lock").exists()


def test_without_postgresql_ci_fails_and_others_skip(monkeypatch):
    def missing():
        raise postgres.NoServer("There is no PostgreSQL server on this machine")

    monkeypatch.setattr(postgres, "fresh_database", missing)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="no PostgreSQL server"):
        postgres.database_or_skip()
    monkeypatch.delenv("CI")
    with pytest.raises(pytest.skip.Exception, match="no PostgreSQL server"):
        postgres.database_or_skip()
