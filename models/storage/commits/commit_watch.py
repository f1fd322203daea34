"""Watches the database for new changes and notes of outside writers, and measures its clock."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, NamedTuple

from peewee import DatabaseError, InterfaceError

from models.contract.changes import Logged
from models.contract.errors import Overloaded
from models.contract.values.time import MeasuredClock
from models.storage.commits.file_watch import FileWatch
from models.storage.commits.notifications import Heard, Notifications
from models.storage.dialect import Dialect, Newest

WAIT_SECONDS = 0.25  # the longest wait for a notification
OUTSIDE_SECONDS = 0.5  # between two looks for outside writes, where servers hear each other by Redis alone
DIRECT_SECONDS = 30.0  # between two tries of the direct way to the database, while only the other one is open
CONNECT_SECONDS = 2  # of the direct way: the log is not read meanwhile

_log = logging.getLogger("slotcast.notifications")


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
    while none is heard, the watch polls. It does not poll a file in which nothing is written, where the system tells of
    writes. Where the servers have a Redis, their rows come by another thread.

    `direct` is another way to the same database, past a pooler. While it is closed the watch goes by `db`.

    The newest row of the log proves that the database is still the same one: a restored copy lacks it.
    """

    def __init__(
        self,
        db: Dialect,
        clock: MeasuredClock | None,
        notifications: Notifications | None,
        direct: Dialect | None = None,
    ) -> None:
        self._db = db
        self._other = direct  # the way that is not in use
        self._is_direct = False
        self._direct_at = float("-inf")  # no earlier than then the direct way is tried
        self._clock = clock
        self._notifications = notifications
        self._file = FileWatch(db.written_file)
        self._listening: Any = None  # the connection that listens
        self._position: Any = None
        self._newest: Newest | None = None

    def wait(self, seconds: float = WAIT_SECONDS) -> Heard:
        """Return when it is time for a look, when others have sent rows, or after so many seconds.

        Only one thread may call it.
        """
        notifications = self._notifications
        if notifications is None:
            # In the middle of commits a sleep takes less CPU than a wait for the next write.
            if self._db.may_have_commits(self._position) or not self._file.wait(seconds):
                time.sleep(self._db.poll_seconds)
            return Heard([], must_look=True)
        try:
            self._connect()
            if not notifications.is_deaf and notifications.uses_database:
                return notifications.wait(self._db, seconds)
            pause = self._db.poll_seconds if notifications.is_redis_deaf else OUTSIDE_SECONDS
            return notifications.wait(self._db, pause)._replace(must_look=True)
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error

    def _connect(self) -> None:
        """Connect, and listen on each new connection: a read of this thread may have replaced the last one."""
        if self._other is not None:
            self._choose(self._other)
        connection = self._db.connection()
        if self._notifications is not None and connection is not self._listening:
            self._notifications.listen(self._db)
            self._listening = connection

    def _choose(self, other: Dialect) -> None:
        """Take the direct way where it is open; try it now and then."""
        if self._is_direct and not self._db.is_closed():
            return
        if not self._is_direct and time.monotonic() < self._direct_at:
            return
        direct, usual = (self._db, other) if self._is_direct else (other, self._db)
        try:
            direct.connection()
        except (DatabaseError, InterfaceError) as error:
            usual.connection()  # if this fails too, the database is away, and the way is as before
            if self._is_direct or self._direct_at < 0:
                _log.warning("SLOTCAST_DATABASE_DIRECT can't be opened, and the log is polled: %s", error)
            self._is_direct, self._db, self._other = False, usual, direct
            self._direct_at = time.monotonic() + DIRECT_SECONDS
            return
        if not usual.is_closed():
            usual.close()
        self._is_direct, self._db, self._other = True, direct, usual

    def wake(self) -> None:
        """End a wait. Any thread may call it."""
        self._file.wake()
        if self._notifications is not None:
            self._notifications.wake()

    def on_heard(self, take: Callable[[list[Logged]], None]) -> None:
        """Call `take` with the rows that come by Redis, on another thread. `wait` returns all others."""
        if self._notifications is not None:
            self._notifications.on_heard(take)

    def look(self) -> News | None:
        """Return the news since the last look, or None. Only one thread may call it."""
        if not self._db.may_have_commits(self._position):
            return None
        try:
            self._connect()
            self._position, last, has_notes = self._db.read_commits(self._position)
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error
        return None if last == {} and not has_notes else News(last, has_notes)

    def look_closely(self) -> News:
        """Do the same, and compare the log with the one of the last such look. Called about once a second.

        Notes from before the last look are among the news too, as a command on them may have been refused.
        """
        try:
            self._connect()
            began = time.monotonic()
            (self._position, last, has_notes), self._newest, is_same, moment = self._db.read_closely(
                self._position, self._newest
            )
            if self._clock is not None:
                self._clock.measure(moment, began, time.monotonic())
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error
        return News(last if is_same else None, has_notes or not self._db.sees_old_notes)

    def forget(self) -> None:
        """Make the next look one at all calendars."""
        self._position = None

    def close(self) -> None:
        self._file.close()
        if not self._db.is_closed():
            self._db.close()


class ToldWatch(CommitWatch):
    """A watch that does not poll: another process tells of commits whose rows it has not sent, by `wake`."""

    def __init__(self, db: Dialect) -> None:
        super().__init__(db, None, None)
        self._is_told = threading.Event()

    def wait(self, seconds: float = WAIT_SECONDS) -> Heard:
        is_told = self._is_told.wait(seconds)
        self._is_told.clear()
        return Heard([], must_look=is_told)

    def wake(self) -> None:
        self._is_told.set()
