"""The worker as a process: it ends beside a server and by a signal. That it is killed: tests/long/test_kill.py."""

import signal
import subprocess
import time

from tests.mailing import begun, house, worker


def test_it_ends_with_the_process_it_stands_beside_and_by_a_signal(tmp_path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    app = house(url, tmp_path, 0)
    other = subprocess.Popen(["sleep", "60"])
    beside = worker(url, tmp_path, 1, "--beside", str(other.pid))
    alone = worker(url, tmp_path, 1)
    until = time.monotonic() + 60
    while time.monotonic() < until and not begun(app):  # then both have taken up their work, or will within a moment
        time.sleep(0.3)
    time.sleep(2)
    assert beside.poll() is None and alone.poll() is None
    other.kill()
    other.wait()
    alone.send_signal(signal.SIGTERM)
    assert beside.wait(15) == 0
    assert alone.wait(15) == 0
