"""The addresses of committed commands, until a transaction of their own writes them: once a second at most.

In the transaction of a command they would cost it a statement and a page. A process that is killed loses those of its
last second, and no command.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable

from models.contract.values.addressed import Addressed

WRITE_SECONDS = 1.0
MOST_KEPT = 200_000  # while the database takes none; the oldest go first


class AddressNotes:
    """Shared by all writers of one database. Any thread may call any method."""

    def __init__(self) -> None:
        self._kept: list[Addressed] = []
        self._since = 0.0
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        return bool(self._kept)

    def add(self, some: Iterable[Addressed]) -> None:
        with self._lock:
            if not self._kept:
                self._since = time.monotonic()
            self._kept.extend(some)
            del self._kept[:-MOST_KEPT]

    @property
    def is_due(self) -> bool:
        return bool(self._kept) and time.monotonic() - self._since >= WRITE_SECONDS

    def take(self) -> list[Addressed]:
        """Return all and forget them: the caller writes them, or adds them again."""
        with self._lock:
            taken, self._kept = self._kept, []
            return taken
