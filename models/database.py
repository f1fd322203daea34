"""Opens the book's database, brings its schema up to date, and knows what its kind calls a transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import peewee
from peewee import Database, DatabaseError, InterfaceError, SqliteDatabase
from playhouse.migrations import Runner

from models.errors import Overloaded

MIGRATIONS = Path(__file__).with_name("migrations")
BUSY_TIMEOUT_SECONDS = 10
_OLDEST_SQLITE = (3, 35, 0)  # the first with RETURNING


class UnusableDatabase(Exception):
    """The setting, or the database it names, can't be used; the message is one clear line."""


class Sqlite(SqliteDatabase):
    """SQLite, with a short way to its driver: a hot command would spend more time in Peewee's than in the statement."""

    _state: Any  # Peewee's, a connection for each thread

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """As Peewee's, but that it logs nothing: parameters are people's names."""
        connection = self._state.conn or cast("Any", self).connection()
        try:
            return connection.execute(sql, params or ())
        except sqlite3.Error as error:
            kind = getattr(peewee, type(error).__name__, DatabaseError)
            raise kind(*error.args) from error


def open_database(url: str, *, synchronous: str = "full") -> Database:
    """The database of `url`: `sqlite:///file.db` (four slashes for an absolute path). Not connected yet."""
    parts = urlsplit(url)
    if parts.scheme in {"postgresql", "postgres"}:
        message = "PostgreSQL is not supported yet: set SLOTCAST_DATABASE to sqlite:///file.db"
        raise UnusableDatabase(message)
    path = unquote(parts.path).removeprefix("/")
    if parts.scheme != "sqlite" or parts.netloc or not path or "\0" in path:
        message = f"SLOTCAST_DATABASE must look like sqlite:///slotcast.db, not {url!r}"
        raise UnusableDatabase(message)
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        message = f"SQLite 3.35 or newer is needed; this Python has {sqlite3.sqlite_version}"
        raise UnusableDatabase(message)
    if not Path(path).absolute().parent.is_dir():
        message = f"SLOTCAST_DATABASE: there is no folder {str(Path(path).absolute().parent)!r}"
        raise UnusableDatabase(message)
    return Sqlite(
        path,
        pragmas={
            "journal_mode": "wal",
            "synchronous": synchronous,
            "foreign_keys": 1,
            "cache_size": -16_000,
            "secure_delete": "fast",
        },
        timeout=BUSY_TIMEOUT_SECONDS,
    )


def database_file(url: str) -> Path | None:
    """Where an embedded database lies; None for a server's."""
    parts = urlsplit(url)
    return Path(unquote(parts.path).removeprefix("/")) if parts.scheme == "sqlite" else None


def migrate(db: Database) -> list[str]:
    """Applies the migrations that are missing; returns their names. Refuses a schema newer than this program.

    Two processes may start at once: the whole run is one write transaction, so the second finds it done.
    """
    runner = Runner(db, str(MIGRATIONS))
    with db.atomic("IMMEDIATE") if isinstance(db, SqliteDatabase) else db.atomic():
        unknown = [row.name for row in runner.status() if row.path is None]
        if unknown:
            message = f"The database is newer than this program (it has {', '.join(unknown)}): update Slotcast"
            raise UnusableDatabase(message)
        return list(runner.up())


def begin_write(db: Database) -> None:
    """Takes SQLite's one write lock at once, so that nothing read before it can be stale."""
    db.execute_sql("BEGIN IMMEDIATE")


@contextmanager
def reading(db: Database) -> Iterator[None]:
    """One read transaction: everything in it sees the same instant."""
    try:
        db.connect(reuse_if_open=True)
        db.execute_sql("BEGIN")
        try:
            yield
        finally:
            db.execute_sql("ROLLBACK")
    except (DatabaseError, InterfaceError) as error:
        with suppress(DatabaseError, InterfaceError):
            drop(db)
        raise Overloaded("The database does not answer.") from error


def is_in_transaction(db: Database) -> bool:
    """Whether the driver still has one: SQLITE_FULL, for one, ends it without a word."""
    connection: Any = db.connection()
    return bool(connection.in_transaction)


def roll_back(db: Database) -> None:
    """Ends what is left of a transaction, if anything is."""
    if not db.is_closed() and is_in_transaction(db):
        db.execute_sql("ROLLBACK")


def drop(db: Database) -> None:
    """Closes the thread's connection. SQLite closes for good only once its last statement is forgotten: rolled back
    first, it lets go of the lock at once.
    """
    try:
        roll_back(db)
    finally:
        db.close()


class Watch:
    """Tells that some other connection has committed, on a connection of its own, in autocommit.

    `PRAGMA data_version` does not see its own connection's commits and stands still inside a read transaction or an
    unfinished cursor; hence the fetchall. A checkpoint may move it too: it is a hint.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._seen: int | None = None

    def has_moved(self) -> bool:
        """Whether anything was committed since the last call. Call it on one thread only."""
        try:
            self._db.connect(reuse_if_open=True)
            version = self._db.execute_sql("PRAGMA data_version").fetchall()[0][0]
        except (DatabaseError, InterfaceError) as error:
            raise Overloaded("The database does not answer.") from error
        moved: bool = version != self._seen
        self._seen = version
        return moved

    def close(self) -> None:
        if not self._db.is_closed():
            self._db.close()
