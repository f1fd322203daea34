"""Watches the database for new changes and notes of outside writers, and measures its clock."""

from __future__ import annotations

import time
from typing import Any, NamedTuple

from peewee import DatabaseError, InterfaceError

from models.contract.errors import Overloaded
from models.contract.values.time import MeasuredClock
from models.storage.dialect import Dialect
from models.storage.notifications import Heard, Notifications

WAIT_SECONDS = 0.25  # the longest wait for a notification: an end of the watch takes as long

_NEWEST = "SELECT calendar, seq, nonce FROM change_log ORDER BY position DESC LIMIT 1"


class News(NamedTuple):
    """The commits since the last look.

    `last` has the last seq of each calendar with new changes; None where any calendar may differ. `has_notes` says
    that outside writers have touched rows.
    """

    last: dict[str, int] | None
    has_notes: bool


def measure(db: Dialect, clock: MeasuredClock) -> None:
    """Set the clock by the database's, on an open connection."""
    began = time.monotonic()
    ((moment,),) = db.execute_sql(f"SELECT {db.time_sql}").fetchall()
    clock.measure(moment, began, time.monotonic())


class CommitWatch:
    """Watches by a connection of its own. A look costs the same for any number of watched calendars.

    With notifications a wait ends as soon as one arrives, and brings the rows that other servers have sent. Without, or
    while none is heard, the watch polls.

    The newest row of the log proves that the database is still the same one: a restored copy lacks it.
    """

    def __init__(self, db: Dialect, clock: MeasuredClock | None, notifications: Notifications | None) -> None:
        self._db = db
        self._clock = clock
        self._notifications = notifications
        self._position: Any = None
        self._newest: tuple[Any, ...] | None = None

    def wait(self) -> Heard:
        """Return when it is time for a look, or when others have sent rows. Only one thread may call it."""
        notifications = self._notifications
        if notifications is None:
            time.sleep(self._db.poll_seconds)  # in less CPU than a wait for an event
            return Heard([], must_look=True)
        try:
            self._connect()
            if notifications.is_deaf:
                return notifications.wait(self._db, self._db.poll_seconds)._replace(must_look=True)
            return notifications.wait(self._db, WAIT_SECONDS)
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error

    def _connect(self) -> None:
        if self._db.is_closed():
            self._db.connect()
            if self._notifications is not None:
                self._notifications.listen(self._db)

    def look(self) -> News | None:
        """Return the news since the last look, or None. Only one thread may call it."""
        return self._look() if self._db.may_have_commits(self._position) else None

    def _look(self) -> News | None:
        try:
            self._connect()
            self._position, last, has_notes = self._db.read_commits(self._position)
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error
        return None if last == {} and not has_notes else News(last, has_notes)

    def look_closely(self) -> News:
        """Do the same, and compare the log with the one of the last such look. Called about once a second."""
        news = self._look() or News({}, has_notes=False)
        try:
            if self._clock is not None:
                measure(self._db, self._clock)
            is_same = self._newest is None or self._has(*self._newest)
            self._newest = next(iter(self._db.execute_sql(_NEWEST).fetchall()), None)
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error
        return news if is_same else news._replace(last=None)

    def _has(self, calendar: str, seq: int, nonce: str) -> bool:
        found = self._db.execute_sql(
            f"SELECT 1 FROM change_log WHERE calendar = {self._db.param} AND seq = {self._db.param}"  # noqa: S608
            f" AND nonce = {self._db.param}",
            (calendar, seq, nonce),
        )
        return bool(found.fetchall())

    def forget(self) -> None:
        """Make the next look one at all calendars."""
        self._position = None

    def close(self) -> None:
        if not self._db.is_closed():
            self._db.close()
