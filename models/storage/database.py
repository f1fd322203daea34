"""Opens the book's database, brings its schema up to date, and is the same for every kind of database."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from peewee import DatabaseError, InterfaceError
from playhouse.migrations import Runner

from models.contract.errors import Overloaded
from models.contract.time import MeasuredClock
from models.storage.cancellation import Cancelled, current
from models.storage.dialect import Dialect, UnusableDatabase
from models.storage.sqlite import open_sqlite

__all__ = [
    "FIRST_MIGRATION",
    "CommitWatch",
    "Dialect",
    "UnusableDatabase",
    "check_secret",
    "database_file",
    "has_secret",
    "measure",
    "migrate",
    "open_database",
    "public_url",
    "reading",
    "replace_secret",
]  # fmt: skip

_logger = logging.getLogger("slotcast.database")

MIGRATIONS = Path(__file__).with_name("migrations")
MEASURE_SECONDS = 1.0
_WITH_TRIGGERS = "0007_outside"
FIRST_MIGRATION = "0001_book"  # what only a new database is in need of


def open_database(url: str, *, synchronous: str = "full") -> Dialect:
    """The database of `url`, not connected yet.

    `sqlite:///file.db` (four slashes for an absolute path) or `postgresql://user:password@host:5432/name`.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UnusableDatabase(f"SLOTCAST_DATABASE is no URL: {error}") from None
    if parts.scheme in {"postgresql", "postgres"}:
        if parts.netloc.count("@") > 1:  # else some of the password would be looked up, and told, as the host
            raise UnusableDatabase("SLOTCAST_DATABASE: an @ in the user or password is written %40")
        from models.storage.postgres import open_postgres  # noqa: PLC0415 - its driver is loaded where it is used

        return open_postgres(url.replace("postgres://", "postgresql://", 1), synchronous=synchronous)
    path = unquote(parts.path).removeprefix("/")
    # Each thread has a connection of its own: in memory each would have a book of its own.
    if parts.scheme != "sqlite" or parts.netloc or path in {"", ":memory:"} or "\0" in path:
        message = (
            "SLOTCAST_DATABASE must look like sqlite:///slotcast.db or postgresql://user:password@host:5432/name,"
            f" not {public_url(url)!r}"
        )
        raise UnusableDatabase(message)
    return open_sqlite(path, synchronous=synchronous)


def public_url(url: str) -> str:
    """The URL as it may be shown: without its password, and without parameters, among which there may be one."""
    if url.startswith("sqlite:"):
        return url
    place = url.split("?", 1)[0]
    scheme, found, rest = place.partition("://")
    if not found:
        return place.rpartition("@")[2]
    user, at, host = rest.rpartition("@")
    return f"{scheme}://{user.split(':', 1)[0]}{at}{host}"


def database_file(url: str) -> Path | None:
    """Where an embedded database lies; None for a server's."""
    parts = urlsplit(url)
    return Path(unquote(parts.path).removeprefix("/")) if parts.scheme == "sqlite" else None


def migrate(db: Dialect) -> list[str]:
    """Applies the migrations that are missing; returns their names. Refuses a schema newer than this program.

    Many processes may start at once: the whole run is one transaction under one lock, so the others find it done.
    """
    runner = Runner(db, str(MIGRATIONS))
    with db.changing_schema():
        unknown = [row.name for row in runner.status() if row.path is None]
        if unknown:
            message = f"The database is newer than this program (it has {', '.join(unknown)}): update Slotcast"
            raise UnusableDatabase(message)
        applied = list(runner.up())
        if db.install_triggers() and _WITH_TRIGGERS not in applied:
            # A table was dropped and restored, or its triggers were switched off: what was written then, nobody knows.
            db.begin_anew()
            _logger.warning("Triggers were missing: every calendar's history begins anew; run server.py check --repair")
        return applied


def check_secret(db: Dialect, fingerprint: str) -> None:
    """UnusableDatabase for another secret than the one that the database was begun with; the first start stores it.

    With two secrets the same key would be another request at each server, and be done twice.
    """
    kept = _fingerprint(db)
    if kept is None:
        with db.changing_schema():  # of two that start at once with different secrets, one is refused
            kept = _fingerprint(db)
            if kept is None:
                _keep_fingerprint(db, fingerprint)
                return
    if kept != fingerprint:
        message = (
            "SLOTCAST_SECRET is not the secret of this database: set the one that its other servers have,"
            " or stop them all and make this one its secret with `server.py secret replace`"
        )
        raise UnusableDatabase(message)


def replace_secret(db: Dialect, fingerprint: str) -> None:
    """From now on this is the secret of the database: what was made with another one is void."""
    with db.changing_schema():
        db.execute_sql("DELETE FROM secret")
        _keep_fingerprint(db, fingerprint)


def has_secret(db: Dialect) -> bool:
    """Whether the database is new enough to know its secret."""
    return db.table_exists("secret")


def _fingerprint(db: Dialect) -> str | None:
    rows = db.execute_sql("SELECT fingerprint FROM secret").fetchall()
    return str(rows[0][0]) if rows else None


def _keep_fingerprint(db: Dialect, fingerprint: str) -> None:
    db.execute_sql(f"INSERT INTO secret (fingerprint) VALUES ({db.param})", (fingerprint,))  # noqa: S608 - its mark


@contextmanager
def reading(db: Dialect) -> Iterator[None]:
    """One read transaction: everything in it sees the same instant.

    Raises Cancelled once the thread's read is cancelled, and drops the connection, which an interrupt may hit late.
    """
    cancellation = current()
    try:
        db.begin_read()
        try:
            with cancellation.interruptible(db.interrupter()) if cancellation else nullcontext():
                yield
        finally:
            db.roll_back()
    except Exception as error:
        is_cancelled = cancellation is not None and cancellation.is_cancelled
        if is_cancelled or isinstance(error, DatabaseError | InterfaceError):
            with suppress(DatabaseError, InterfaceError):
                db.drop()
        if is_cancelled:
            raise Cancelled from error
        if isinstance(error, DatabaseError | InterfaceError):
            raise Overloaded("The database does not answer.") from error
        raise


def measure(db: Dialect, clock: MeasuredClock) -> None:
    """Sets the clock by the database's, on a connection that works."""
    began = time.monotonic()
    ((moment,),) = db.execute_sql(f"SELECT {db.time_sql}").fetchall()
    clock.measure(moment, began, time.monotonic())


class CommitWatch:
    """Tells that some other connection has committed, on a connection of its own, in autocommit. It is a hint.

    Where the database has a clock of its own it is measured about once a second.
    """

    def __init__(self, db: Dialect, clock: MeasuredClock | None = None) -> None:
        self._db = db
        self._clock = clock
        self._measured_at = float("-inf")
        self._seen: Any = None

    @property
    def poll_seconds(self) -> float:
        """How often it is worth asking."""
        return self._db.poll_seconds

    def has_moved(self) -> bool:
        """Whether anything was committed since the last call. Call it on one thread only."""
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
