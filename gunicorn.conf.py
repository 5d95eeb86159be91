"""How the product is served; gunicorn reads this file when it is started here (`make run`)."""

import gc
import os
import signal
import subprocess
import sys
from contextlib import suppress

wsgi_app = "wsgi:app"
bind = f"127.0.0.1:{os.environ.get('HEARINGS_PORT') or os.environ.get('PORT') or '5000'}"
workers = 2
worker_class = "gthread"
threads = 4
keepalive = 5
loglevel = "error"  # first-start has said where to find the product; what follows are only troubles
control_socket_disable = True  # nobody steers it from outside, and its place is outside this folder

# The application is loaded once and shared by the workers: less memory, and the first answer comes sooner.
preload_app = True


def when_ready(server):
    """What was loaded stays: the collector need not walk through it again, and the workers go on sharing it."""
    gc.collect()
    gc.freeze()
    when_ready_to_tell()


TELLER = []
"""The process that tells people (`flask worker`), beside the server."""


AGAIN = """
trap : TERM
until "$0" -m flask --app wsgi worker --beside "$1" || ! kill -0 "$1"; do sleep 5; done
"""
"""A worker that was killed is started again while the server is there; one that ended of its own accord is not."""


def when_ready_to_tell():
    """Start it, unless HEARINGS_WORKER=0: on a larger installation it runs as a service of its own."""
    if os.environ.get("HEARINGS_WORKER", "1") != "0":
        command = ["sh", "-c", AGAIN, sys.executable, str(os.getpid())]
        TELLER.append(subprocess.Popen(command, start_new_session=True))


def on_exit(server):
    """It ends with the server."""
    for process in TELLER:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)


def post_fork(server, worker):
    """A connection must not be used by two processes: each worker opens its own. Its threads take turns often."""
    from hearings.db import db
    from wsgi import app

    sys.setswitchinterval(0.001)  # a quick page does not wait long for a thread that composes a paper or a calendar
    with app.app_context():
        db.engine.dispose(close=False)


def take_the_terminal():
    """Let Ctrl-C reach gunicorn alone, as a shell does for its foreground job.

    Otherwise `make` dies of the same Ctrl-C and reports an error although everything stopped cleanly. Ctrl-Z
    is ignored, because the shell could not bring back a job that it did not start.
    """
    signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    signal.signal(signal.SIGTSTP, signal.SIG_IGN)
    os.setpgid(0, 0)
    os.tcsetpgrp(sys.stdin.fileno(), os.getpgrp())


if "MAKELEVEL" in os.environ and sys.stdin.isatty() and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp():
    take_the_terminal()
