"""The worker: 10,000 mails to a loopback SMTP server by one worker, by three, and by three killed in turn.

Part of `make bench`; alone: `make bench PART=mail`. `MAILS=1000` for a shorter look.
"""

import math
import os
import tempfile
from pathlib import Path

from tests import mailing
from tests.benchmarks import data
from tests.benchmarks.figures import note

MAILS = int(os.environ.get("MAILS", "10000"))
KILL_EVERY = 5.0
RUNS = ((1, math.inf), (3, math.inf), (3, KILL_EVERY))
"""Workers, and seconds between two kills."""


def main() -> None:
    """Note what arrived, how fast, and what arrived twice."""
    for database in data.DATABASES:
        for workers, pause in RUNS:
            with tempfile.TemporaryDirectory(prefix="bench") as scratch:
                url = data.address(database, Path(scratch))
                app = mailing.house(url, Path(scratch), MAILS)
                found = mailing.deliver(url, app, Path(scratch), workers=workers, kill_every=pause)
            killed = math.isfinite(pause)
            label = f"{database}, {workers} worker{'s' * (workers > 1)}{', one killed each 5 s' * killed}"
            note(f"{label}: sent", found.per_second, "/s")
            note(f"{label}: lost of {found.count}", found.lost, "", most=0)
            note(f"{label}: twice, {found.kills} kills", found.twice, "", most=found.kills)
            if killed:
                note(f"{label}: twice and not marked so", found.unmarked, "", most=0)
