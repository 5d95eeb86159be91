"""`make bench`: all parts, or those named (`make bench PART=feeds`). Ratios of one run are the point.

Absolute figures are this machine's; on a machine that others use at the same time they mean little. Databases:
SQLite as in production, and a PostgreSQL of our own that does not wait for the disk; `DATABASES=sqlite` for one.
"""

import argparse
import os
import time
import traceback
from importlib import import_module

from tests.benchmarks import figures

PARTS = {
    "feeds": "a feed beside bare icalendar, warm, known",
    "papers": "export beside bare WeasyPrint, downloads, ten people at once",
    "subscribers": "500 calendars polled in a minute beside list pages",
    "mail": "10,000 mails, workers killed meanwhile",
    "pages": "the pages people open most beside a bare Flask hello",
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="part", help="; ".join(f"{k}: {v}" for k, v in PARTS.items()))
    parts = parser.parse_args().parts or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    for part in parts:
        figures.begin(part)
        print(f"\n== {part}: {PARTS[part]} (load average {os.getloadavg()[0]:.1f})", flush=True)
        start = time.monotonic()
        try:
            import_module(f"tests.benchmarks.{part}").main()
        except Exception:  # the other parts, and the table, are still wanted
            traceback.print_exc()
            figures.note("broke off", 1, "", most=0)
        print(f"  ({time.monotonic() - start:.0f} s)", flush=True)
    figures.table()


if __name__ == "__main__":
    main()
