"""Reads snapshots from a read replica of the database, and never an older state than the database has.

A replica lags, and a reader must not go back in time. So the calendar's cursor is read from the database itself: a
snapshot with another cursor is read again there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable

from models.contract.errors import NotFound, Overloaded
from models.query.calendars import read_head
from models.query.snapshot import Snapshot
from models.storage.dialect import Dialect

REST_SECONDS = 5.0  # after a failure
CONNECT_SECONDS = 2
ANSWER_SECONDS = 3.0  # of a statement: one that has frozen must not keep the reading threads


class Standby:
    """A read replica. Any thread may read, each on a connection of its own.

    `reads` counts the snapshots by their outcome: `used`, `behind`, or `down` where the replica did not answer.
    """

    def __init__(self, db: Dialect) -> None:
        """Take a database that gives up a connect and a statement in time (`CONNECT_SECONDS`, `ANSWER_SECONDS`)."""
        self.db = db
        self.reads: Counter[str] = Counter(used=0, behind=0, down=0)
        self._is_down = False
        self._rests_until = 0.0

    def read(self, primary: Dialect, calendar: str, read: Callable[[Dialect], Snapshot]) -> Snapshot:
        """Return the snapshot that `read` returns for the replica, or for the primary if that has a newer one."""
        if time.monotonic() < self._rests_until:
            return read(primary)
        if self._is_down:
            self._rest()  # one thread tries, and the others go on
        try:
            found = read(self.db)
        except Overloaded:
            self._is_down = True
            self._rest()
            self.reads["down"] += 1
            return read(primary)
        except NotFound:  # it may be new
            self._is_down = False
            self.reads["behind"] += 1
            return read(primary)
        self._is_down = False
        if read_head(primary, calendar).cursor != found.cursor:
            self.reads["behind"] += 1
            return read(primary)
        self.reads["used"] += 1
        return found

    def _rest(self) -> None:
        self._rests_until = time.monotonic() + REST_SECONDS
