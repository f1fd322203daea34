"""The interface of a database: the operations that differ between SQLite and PostgreSQL.

All other SQL is the same for both. Each implementation is one file beside this one. A connection belongs to its thread
and is in autocommit, and the callers begin and end transactions. A read transaction sees one instant. No other
transaction changes the rows read in a write transaction under its locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, NamedTuple, Self, cast

from peewee import Database, IntegrityError, OperationalError

LEAD_SECONDS = 3.0  # a leader that stands still for so long loses the lead


class UnusableDatabase(Exception):
    """The setting or its database can't be used. The message is one clear line."""


class UnreachableDatabase(UnusableDatabase):
    """The database does not answer now, or refuses. It may do so later."""


class Duplicate(IntegrityError):
    """Another process has just written a row with the same key, without a lock to wait for."""


class Busy(OperationalError):
    """Another transaction has kept the lock for longer than this one may wait."""


class Commits(NamedTuple):
    """The log's position, the last seq of each calendar with later changes, and whether outside writers left notes.

    `last` is None where the log does not go on from the position: every calendar must be compared.
    """

    position: Any
    last: dict[str, int] | None
    has_notes: bool


class Newest(NamedTuple):
    """A row of the log, by which another copy of the database is noticed."""

    calendar: str
    seq: int
    nonce: str


class CloseCommits(NamedTuple):
    """Commits with the newest row of the log, whether the log has the newest one of before, and the database's time."""

    commits: Commits
    newest: Newest | None
    is_same: bool
    moment: int

    @classmethod
    def of(cls, commits: Commits, was: Newest | None, newest: Sequence[Any], *, has_it: bool, moment: int) -> Self:
        found = Newest(*newest) if newest[0] is not None else None
        return cls(commits, found, was is None or bool(has_it), moment)


class Dialect(Database):
    """A Peewee database with the operations of this service."""

    most_writers: ClassVar[int]
    """The most writers at the same time."""

    locks_rows: ClassVar[bool]
    """True if a writer locks its calendars, False if it locks the whole database."""

    has_lead: ClassVar[bool] = False
    """True if one of the servers on the database can have the lead."""

    poll_seconds: ClassVar[float]
    """The interval between two polls for commits of other processes."""

    time_sql: ClassVar[str] = ""
    """An SQL expression for the time in milliseconds; "" if the database's clock is this machine's."""

    sees_old_notes: ClassVar[bool] = False
    """True if `read_commits` tells of the notes of outside writers for as long as they are there."""

    most_notification_bytes: ClassVar[int] = 0
    """The longest notification to other processes; 0 if the database has none."""

    _state: Any  # Peewee's own: a connection for each thread

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Run one statement and return the driver's cursor; raise Peewee's errors."""
        raise NotImplementedError

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Run one statement without a result for each of these parameters, in order; raise Peewee's errors."""
        raise NotImplementedError

    @property
    def written_rows(self) -> int:
        """Return the number of rows that the thread's connection has written so far."""
        raise NotImplementedError

    def connection(self) -> Any:
        """Return the thread's driver connection; make one if there is none."""
        return cast("Any", super()).connection()

    def check(self) -> None:
        """Raise UnusableDatabase for an unsuitable database. Called once, on an open connection."""

    def changing_schema(self) -> AbstractContextManager[Any]:
        """Begin a transaction in which no other process changes the schema."""
        raise NotImplementedError

    def install_triggers(self) -> bool:
        """Make the triggers those of this program; return True if one was missing."""
        raise NotImplementedError

    def begin_anew(self) -> None:
        """Begin another history of every calendar."""
        raise NotImplementedError

    def settle_positions(self) -> None:
        """Bring the log's positions into this server's order. A dump has those of the server before."""

    def begin_write(self, *, waits: bool = False) -> None:
        """Begin a write transaction, on a new connection if the old one fails.

        With row locks, a statement waits a moment for a lock and then raises Busy; with `waits` it waits much longer.
        `waits` is the same for all transactions of a thread.
        """
        raise NotImplementedError

    def begin_read(self) -> None:
        """Begin a read transaction, on a new connection if the old one fails."""
        raise NotImplementedError

    def commit_write(self) -> None:
        """Commit durably. After an error the outcome is unknown."""
        raise NotImplementedError

    def is_in_transaction(self, *, or_failed: bool = False) -> bool:
        """Say if the driver still has a transaction that can be committed, or one that can only be rolled back."""
        raise NotImplementedError

    def roll_back(self) -> None:
        """Roll back the transaction, if there is one."""
        raise NotImplementedError

    def wipe(self) -> bool:
        """Remove overwritten data from the files of this database; return False to be called again.

        Called outside of transactions. A database server takes care of its own files.
        """
        return True

    def may_have_commits(self, position: Any) -> bool:  # noqa: ARG002 - for those that know more
        """Say if changes may have been committed after this position, where that costs less than to read them."""
        return True

    @property
    def written_file(self) -> str:
        """Return the path of a file that every commit writes; "" if there is none to be watched."""
        return ""

    def foreign_version(self) -> Any:
        """Return what differs after a commit of any other connection than the thread's, or on a new connection."""
        raise NotImplementedError

    def read_commits(self, position: Any) -> Commits:
        """Read the changes committed after this position of the log; None is no position yet."""
        raise NotImplementedError

    def read_closely(self, position: Any, was: Newest | None) -> CloseCommits:
        """Read the same and more, also where nothing may have been committed."""
        mark = self.param
        commits = self.read_commits(position)
        ((has_it, *newest),) = self.execute_sql(
            f"SELECT EXISTS (SELECT 1 FROM change_log WHERE calendar = {mark} AND seq = {mark} AND nonce = {mark}),"  # noqa: S608
            " calendar, seq, nonce FROM (SELECT 1) AS once LEFT JOIN"
            " (SELECT calendar, seq, nonce FROM change_log ORDER BY position DESC LIMIT 1) AS newest ON TRUE",
            was or ("", 0, ""),
        ).fetchall()
        return CloseCommits.of(commits, was, newest, has_it=has_it, moment=0)

    def keep_lead(self) -> bool:
        """Take or keep the lead of the servers on this database, on the thread's connection; say if this one has it.

        The connection loses the lead when it ends, and after `LEAD_SECONDS` without a call.
        """
        raise NotImplementedError

    def channel(self) -> str:
        """Return the name of this database's channel of notifications."""
        raise NotImplementedError

    def identity(self) -> str:
        """Return a name that no other database has, and that its standby has too."""
        raise NotImplementedError

    def notify(self, channel: str, payloads: Sequence[str]) -> None:
        """Send notifications, on the thread's connection."""
        raise NotImplementedError

    def listen(self, channel: str) -> None:
        """Listen for notifications, on the thread's connection."""
        raise NotImplementedError

    def notified(self, seconds: float, wake: int) -> list[str]:
        """Return the notifications that have arrived; wait so many seconds for the first, or for input of `wake`."""
        raise NotImplementedError

    def interrupter(self) -> Callable[[], None]:
        """Return a function that ends the statement on the calling thread's connection; any thread may call it."""
        raise NotImplementedError

    def drop(self) -> None:
        """Close the thread's connection, in any state."""
        raise NotImplementedError
