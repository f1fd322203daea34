"""SQLite: one writer, one lock for the whole file, and readers whom it never keeps waiting (WAL)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

import peewee
from peewee import DatabaseError, SqliteDatabase

from models.storage.dialect import Dialect, UnusableDatabase
from models.storage.triggers import sqlite as triggers
from models.storage.triggers.note import begin_anew

BUSY_TIMEOUT_SECONDS = 10
_OLDEST = (3, 35, 0)  # the first with RETURNING


class Sqlite(Dialect, SqliteDatabase):
    """With a short way to its driver: a hot command would spend more time in Peewee's than in the statement."""

    most_writers = 1
    locks_rows = False
    poll_seconds = 0.018  # at each, two changes of thread and some 0.1 ms of CPU while the loop is busy

    def _connect(self) -> Any:
        """As Peewee's, but that a new file is for its owner only; the WAL and its index get the mode of the file."""
        with suppress(OSError):  # it exists, or SQLite says better what is wrong
            os.close(os.open(self.database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return cast("Any", super())._connect()  # noqa: SLF001 - Peewee's hook for it

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """As Peewee's, but that it logs nothing: parameters are people's names."""
        connection = self._state.conn or self.connection()
        try:
            return connection.execute(sql, params or ())
        except sqlite3.Error as error:
            kind = getattr(peewee, type(error).__name__, DatabaseError)
            raise kind(*error.args) from error

    @contextmanager
    def changing_schema(self) -> Iterator[None]:
        """With foreign keys off, as SQLite wants it where tables are made anew: on, a DROP deletes their rows first."""
        self._own()
        self.execute_sql("PRAGMA foreign_keys = OFF")
        try:
            with self.atomic("IMMEDIATE"):
                yield
        finally:
            self.execute_sql("PRAGMA foreign_keys = ON")

    def install_triggers(self) -> bool:
        return triggers.install(self.execute_sql)

    def begin_anew(self) -> None:
        begin_anew(self.execute_sql, "lower(hex(randomblob(6)))")

    def begin_write(self, *, waits: bool = False) -> None:  # noqa: ARG002 - whoever writes waits for the whole file
        """Takes the one write lock at once, so that nothing read before it can be stale."""
        if self.is_closed():
            self.connect()
        self._own()
        self.execute_sql("BEGIN IMMEDIATE")

    def _own(self) -> None:
        """Marks the connection as the service's own: what it writes is not noted. Only where it is about to write."""
        connection = self.connection()
        if getattr(self._state, "own", None) is not connection:
            connection.set_authorizer(triggers.ignore_own)
            self._state.own = connection

    def begin_read(self) -> None:
        self._begin("BEGIN")

    def _begin(self, sql: str) -> None:
        if self.is_closed():
            self.connect()
        self.execute_sql(sql)

    def commit_write(self) -> None:
        self.execute_sql("COMMIT")

    def is_in_transaction(self) -> bool:
        """SQLITE_FULL, for one, ends it without a word."""
        connection = self._state.conn or self.connection()
        return bool(connection.in_transaction)

    def roll_back(self) -> None:
        if not self.is_closed() and self.is_in_transaction():
            self.execute_sql("ROLLBACK")

    def wipe(self) -> bool:
        """Empties the WAL, where old pages stand until others are written over them. Waits for nobody who reads."""
        self.execute_sql("PRAGMA busy_timeout = 0").fetchall()
        try:
            ((is_busy, *_),) = self.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self.execute_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1_000}").fetchall()
        return not is_busy

    def version(self) -> Any:
        """`PRAGMA data_version` does not see its own connection's commits and stands still inside a read transaction
        or an unfinished cursor; hence the fetchall. A checkpoint may move it too.
        """
        return self.execute_sql("PRAGMA data_version").fetchall()[0][0]

    def interrupter(self) -> Callable[[], None]:
        interrupt: Callable[[], None] = self.connection().interrupt
        return interrupt

    def drop(self) -> None:
        """SQLite closes for good only once its last statement is forgotten: rolled back first, it lets go of the lock
        at once.
        """
        try:
            self.roll_back()
        finally:
            self.close()


def open_sqlite(path: str, *, synchronous: str) -> Sqlite:
    """The database in this file, not connected yet."""
    if sqlite3.sqlite_version_info < _OLDEST:
        message = f"SQLite 3.35 or newer is needed; this Python has {sqlite3.sqlite_version}"
        raise UnusableDatabase(message)
    if Path(path).is_dir():
        message = f"SLOTCAST_DATABASE: {path!r} is a folder"
        raise UnusableDatabase(message)
    folder = Path(path).absolute().parent
    if not folder.is_dir():
        message = f"SLOTCAST_DATABASE: there is no folder {str(folder)!r}"
        raise UnusableDatabase(message)
    return Sqlite(
        path,
        pragmas={
            "journal_mode": "wal",
            "synchronous": synchronous,
            "foreign_keys": 1,
            "cache_size": -16_000,
            "secure_delete": "on",  # "fast" leaves what stood on pages that are free now, like a long note's
        },
        timeout=BUSY_TIMEOUT_SECONDS,
    )
