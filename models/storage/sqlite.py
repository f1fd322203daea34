"""SQLite: one writer with one lock for the whole file. Readers never wait for it (WAL)."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple, cast

import peewee
from peewee import DatabaseError, SqliteDatabase

from models.contract.values.time import system_clock
from models.storage.dialect import Commits, Dialect, UnusableDatabase
from models.storage.triggers import sqlite as triggers
from models.storage.triggers.note import begin_anew

BUSY_TIMEOUT_SECONDS = 10
_OLDEST = (3, 35, 0)  # the first with RETURNING
_SETTLED_MILLISECONDS = 2_000  # from a commit's last write to the end of its fsync, at most
_READER_CACHE_KB = 2_000  # most rows are read once, for a room
_WRITER_CACHE_KB = 16_000
_ROWS_AT_ONCE = (32, 16, 8, 4)  # rows of one INSERT; with two it takes as long as two INSERTs


class _Position(NamedTuple):
    """A place in the log: `PRAGMA data_version`, the last row's id, and the state of the WAL file."""

    version: int
    newest: int
    written: tuple[int, int] | None


class Sqlite(Dialect, SqliteDatabase):
    """Calls the driver directly: Peewee's own code takes more time than a hot statement."""

    most_writers = 1
    locks_rows = False
    poll_seconds = 0.018  # each poll costs two thread switches and some 0.1 ms of CPU

    def _connect(self) -> Any:
        """Connect. A new file is readable for its owner only; the WAL and its index get the file's mode."""
        with suppress(OSError):  # the file exists, or SQLite gives a better error
            os.close(os.open(self.database, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        return cast("Any", super())._connect()  # noqa: SLF001 - Peewee's hook for it

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """Run a statement without a log line, since parameters are people's names."""
        connection = self._state.conn or self.connection()
        try:
            return connection.execute(sql, params or ())
        except sqlite3.Error as error:
            raise _translated(error) from error

    def execute_many(self, sql: str, rows: Iterable[Sequence[Any]]) -> None:
        """Insert several rows by one statement: a booking takes 5 us instead of 8, and its triggers 1 instead of 2."""
        connection = self._state.conn or self.connection()
        try:
            if sql.startswith("INSERT "):
                rows = list(rows)
                for size in _ROWS_AT_ONCE:
                    while len(rows) >= size:
                        connection.execute(_of_rows(sql, size), tuple(chain.from_iterable(rows[:size])))
                        del rows[:size]
            if rows:
                connection.executemany(sql, rows)
        except sqlite3.Error as error:
            raise _translated(error) from error

    @property
    def written_rows(self) -> int:
        rows: int = (self._state.conn or self.connection()).total_changes
        return rows

    @contextmanager
    def changing_schema(self) -> Iterator[None]:
        """Begin with foreign keys off: with them on, the DROP of a rebuilt table deletes the rows that refer to it."""
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

    def begin_write(self, *, waits: bool = False) -> None:  # noqa: ARG002 - a writer always waits for the file's lock
        """Take the write lock at once, so that no row is read before it."""
        if self.is_closed():
            self.connect()
        self._own()
        self.execute_sql("BEGIN IMMEDIATE")

    def _own(self) -> None:
        """Mark the connection as the service's own, before its first write: the triggers note none of its rows."""
        connection = self.connection()
        if getattr(self._state, "own", None) is not connection:
            connection.set_authorizer(triggers.ignore_own)
            connection.execute(f"PRAGMA cache_size = -{_WRITER_CACHE_KB}")
            self._state.own = connection

    def begin_read(self) -> None:
        self._begin("BEGIN")

    def _begin(self, sql: str) -> None:
        if self.is_closed():
            self.connect()
        self.execute_sql(sql)

    def commit_write(self) -> None:
        self.execute_sql("COMMIT")

    def is_in_transaction(self, *, or_failed: bool = False) -> bool:  # noqa: ARG002 - an error fails its statement only
        """Ask the driver: some errors, like SQLITE_FULL, end the transaction by themselves."""
        connection = self._state.conn or self.connection()
        return bool(connection.in_transaction)

    def roll_back(self) -> None:
        if not self.is_closed() and self.is_in_transaction():
            self.execute_sql("ROLLBACK")

    def wipe(self) -> bool:
        """Empty the WAL, as it keeps old pages. Return False if a reader is in the way."""
        self.execute_sql("PRAGMA busy_timeout = 0").fetchall()
        try:
            ((is_busy, *_),) = self.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        finally:
            self.execute_sql(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_SECONDS * 1_000}").fetchall()
        return not is_busy

    def may_have_commits(self, position: _Position | None) -> bool:
        """Compare the state of the WAL file: a `stat` costs a tenth of a statement."""
        return position is None or position.written is None or self._written() != position.written

    @property
    def written_file(self) -> str:
        return f"{self.database}-wal"

    def _written(self) -> tuple[int, int] | None:
        """Return the time of the last write to the WAL and its size; None while a commit may still follow that write.

        A commit is seen once its fsync is over, some time after it was written.
        """
        try:
            found = os.stat(self.written_file)  # noqa: PTH116 - a Path costs as much again
        except OSError:
            return None
        is_over = system_clock() - _SETTLED_MILLISECONDS - found.st_mtime_ns // 1_000_000 >= 0
        return (found.st_mtime_ns, found.st_size) if is_over else None

    def foreign_version(self) -> tuple[Any, int]:
        """Return the connection with its `data_version`, which says nothing about another connection's."""
        return self.connection(), self._data_version()

    def _data_version(self) -> int:
        ((version,),) = self.execute_sql("PRAGMA data_version").fetchall()
        return int(version)

    def read_commits(self, position: _Position | None) -> Commits:
        """Look at `PRAGMA data_version` first, and read only once another connection has committed.

        The version stands still inside a read transaction or an unfinished cursor; hence each fetchall. One writer at
        a time gives the log's positions in the order of the commits.
        """
        written = self._written()  # before the read: what is written later has another time
        version = self._data_version()
        if position is not None and position.version == version:
            return Commits(position._replace(written=written), {}, has_notes=False)
        ((newest, has_notes),) = self.execute_sql(
            "SELECT (SELECT COALESCE(MAX(position), 0) FROM change_log), EXISTS (SELECT 1 FROM touched)"
        ).fetchall()
        now = _Position(version, newest, written)
        if position is None or newest < position.newest:
            return Commits(now, None, bool(has_notes))
        found = self.execute_sql(
            "SELECT calendar, MAX(seq) FROM change_log NOT INDEXED WHERE position > ? GROUP BY calendar",
            (position.newest,),
        ).fetchall()
        return Commits(now, dict(found), bool(has_notes))

    def interrupter(self) -> Callable[[], None]:
        interrupt: Callable[[], None] = self.connection().interrupt
        return interrupt

    def drop(self) -> None:
        """Roll back, then close. SQLite closes for good only with its last statement; the rollback frees the lock."""
        try:
            self.roll_back()
        finally:
            self.close()


@lru_cache(maxsize=64)
def _of_rows(sql: str, count: int) -> str:
    """Return the INSERT of one row as an INSERT of so many rows."""
    head, values, row = sql.partition(" VALUES ")
    return f"{head}{values}{', '.join([row] * count)}"


def _translated(error: sqlite3.Error) -> DatabaseError:
    """Return Peewee's error of the same name."""
    kind: type[DatabaseError] = getattr(peewee, type(error).__name__, DatabaseError)
    return kind(*error.args)


def open_sqlite(path: str, *, synchronous: str) -> Sqlite:
    """Return the database in this file, not connected yet."""
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
            "cache_size": -_READER_CACHE_KB,
            # An INSERT in a savepoint writes aside the pages it changes. In a file that takes as long as the row.
            "temp_store": "memory",
            "secure_delete": "on",  # "fast" leaves the content of freed pages, like a long note
        },
        timeout=BUSY_TIMEOUT_SECONDS,
    )
