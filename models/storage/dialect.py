"""What each kind of database does in its own way. Everything else is SQL that all of them speak.

Each is one file beside this one. A connection belongs to its thread and is in autocommit; the book says itself where a
transaction begins and ends. What is read in a read transaction is of one instant; what is read in a write transaction,
after its locks are held, no one else can change before it ends.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, ClassVar, cast

from peewee import Database, IntegrityError, OperationalError


class UnusableDatabase(Exception):
    """The setting, or the database it names, can't be used; the message is one clear line."""


class Duplicate(IntegrityError):
    """Another process has just written a row with the same key: where no lock could keep it from that."""


class Busy(OperationalError):
    """Another transaction has the lock, and did not give it back while this one could wait."""


class Dialect(Database):
    """A database, with what differs from one kind to the next."""

    most_writers: ClassVar[int]
    """How many may write at the same time."""

    locks_rows: ClassVar[bool]
    """Whether writers lock the calendars they write to; else one of them has the whole database to itself."""

    poll_seconds: ClassVar[float]
    """How often to ask whether another process has committed."""

    time_sql: ClassVar[str] = ""
    """Its time in milliseconds, as an expression; "" where its clock is this machine's."""

    _state: Any  # Peewee's, a connection for each thread

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Runs one statement, and returns the driver's cursor; raises Peewee's errors."""
        raise NotImplementedError

    def connection(self) -> Any:
        """The thread's own connection of the driver, made where there is none."""
        return cast("Any", super()).connection()

    def check(self) -> None:
        """UnusableDatabase for one that the book can't live in. Asked once, on an open connection."""

    def changing_schema(self) -> AbstractContextManager[Any]:
        """One transaction, in which no other process sees to the schema."""
        raise NotImplementedError

    def install_triggers(self) -> bool:
        """Makes the triggers that note other writers' rows what this program has them; whether one was missing."""
        raise NotImplementedError

    def begin_anew(self) -> None:
        """Begins another history of every calendar."""
        raise NotImplementedError

    def begin_write(self, *, waits: bool = False) -> None:
        """Begins what may change something, on a connection that works.

        Where rows are locked, others' locks are waited for only if it `waits`: for as long as patience lasts, else for
        a moment; then the statement raises Busy. It is the same for all transactions of a thread.
        """
        raise NotImplementedError

    def begin_read(self) -> None:
        """Begins what sees one instant, on a connection that works."""
        raise NotImplementedError

    def commit_write(self) -> None:
        """Returns once what was written is there to stay. If it raises, nobody knows."""
        raise NotImplementedError

    def is_in_transaction(self) -> bool:
        """Whether the driver still has one that can be committed."""
        raise NotImplementedError

    def roll_back(self) -> None:
        """Ends what is left of a transaction, if anything is."""
        raise NotImplementedError

    def wipe(self) -> bool:
        """Makes sure that what was overwritten can't be read from the files of this database; False to try again.

        Never in a transaction. Where a server has the files, that is the server's to see to.
        """
        return True

    def version(self) -> Any:
        """Stands still until some other connection commits; a hint, and may move without need."""
        raise NotImplementedError

    def interrupter(self) -> Callable[[], None]:
        """Return what ends the statement that the calling thread's connection runs; any thread may call it."""
        raise NotImplementedError

    def drop(self) -> None:
        """Closes the thread's connection, whatever state it is in."""
        raise NotImplementedError
