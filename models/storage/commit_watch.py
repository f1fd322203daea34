"""Watches the database for the commits of other processes, and measures its clock."""

from __future__ import annotations

import time
from typing import Any

from peewee import DatabaseError, InterfaceError

from models.contract.errors import Overloaded
from models.contract.time import MeasuredClock
from models.storage.dialect import Dialect

MEASURE_SECONDS = 1.0


def measure(db: Dialect, clock: MeasuredClock) -> None:
    """Set the clock by the database's, on an open connection."""
    began = time.monotonic()
    ((moment,),) = db.execute_sql(f"SELECT {db.time_sql}").fetchall()
    clock.measure(moment, began, time.monotonic())


class CommitWatch:
    """Polls a connection of its own for commits of other connections. The answer is a hint.

    It also measures the database's clock, if there is one, about once a second.
    """

    def __init__(self, db: Dialect, clock: MeasuredClock | None = None) -> None:
        self._db = db
        self._clock = clock
        self._measured_at = float("-inf")
        self._seen: Any = None

    @property
    def poll_seconds(self) -> float:
        """Return the interval between two polls."""
        return self._db.poll_seconds

    def has_moved(self) -> bool:
        """Say if anything was committed since the last call. Only one thread may call it."""
        try:
            if self._db.is_closed():
                self._db.connect()
            version = self._db.version()
            if self._clock is not None and time.monotonic() > self._measured_at + MEASURE_SECONDS:
                measure(self._db, self._clock)
                self._measured_at = time.monotonic()
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error
        moved: bool = version != self._seen
        self._seen = version
        return moved

    def close(self) -> None:
        if not self._db.is_closed():
            self._db.close()
