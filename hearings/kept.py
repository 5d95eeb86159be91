"""The last so many values of a process, by key."""

import threading
from typing import Any


class Kept:
    """The last values by key, the oldest going first; shared by the threads of a process.

    Only for what its key names wholly (a fingerprint, a row's version): nothing here is ever stale.
    """

    def __init__(self, most: int):
        self.most = most
        self.rows: dict[Any, Any] = {}
        self.lock = threading.Lock()

    def get(self, key: Any) -> Any:
        """The value, or None."""
        return self.rows.get(key)

    def put(self, key: Any, value: Any) -> None:
        """Keep a value; the oldest go when there are too many."""
        with self.lock:
            self.rows.pop(key, None)
            self.rows[key] = value
            while len(self.rows) > self.most:
                del self.rows[next(iter(self.rows))]

    def clear(self) -> None:
        """Forget everything; for tests and benchmarks."""
        with self.lock:
            self.rows.clear()
