"""Opens a database by its URL, migrates its schema, and begins read transactions. The same for every dialect."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import cache
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

from peewee import DatabaseError, InterfaceError, OperationalError
from playhouse.migrations import Runner

from models.contract.errors import Overloaded
from models.storage.cancellation import Cancelled, current
from models.storage.dialect import Dialect, UnusableDatabase
from models.storage.schema_rule import check_schema
from models.storage.sqlite import open_sqlite

T = TypeVar("T")

_logger = logging.getLogger("slotcast.database")

MIGRATIONS = Path(__file__).with_name("migrations")
# Their tables are new, so their triggers are missing, and no outside writer was at work meanwhile.
_WITH_NEW_TABLES = {"0007_outside", "0010_override"}
SYNCHRONOUS = "full"  # an answered request survives a power cut
FIRST_MIGRATION = "0001_book"  # only a new database needs it
DUE_MIGRATION = "0014_due"


def open_database(
    url: str, *, synchronous: str = SYNCHRONOUS, is_pooled: bool | None = None, answer_seconds: float | None = None
) -> Dialect:
    """Return the database of `url`, not connected yet.

    `sqlite:///file.db` (four slashes for an absolute path) or `postgresql://user:password@host:5432/name`. `is_pooled`
    says if a pooler shares the sessions of PostgreSQL between transactions; None is to find out.
    """
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise UnusableDatabase(f"SLOTCAST_DATABASE is no URL: {error}") from None
    if parts.scheme in {"postgresql", "postgres"}:
        if parts.netloc.count("@") > 1:  # otherwise part of the password would be looked up, and shown, as the host
            raise UnusableDatabase("SLOTCAST_DATABASE: an @ in the user or password is written %40")
        from models.storage.postgres import open_postgres  # noqa: PLC0415 - SQLite needs no psycopg

        url = url.replace("postgres://", "postgresql://", 1)
        return open_postgres(url, synchronous=synchronous, is_pooled=is_pooled, answer_seconds=answer_seconds)
    path = unquote(parts.path).removeprefix("/")
    # Each thread has its own connection, and in memory each connection would have its own database.
    if parts.scheme != "sqlite" or parts.netloc or path in {"", ":memory:"} or "\0" in path:
        message = (
            "SLOTCAST_DATABASE must look like sqlite:///slotcast.db or postgresql://user:password@host:5432/name,"
            f" not {public_url(url)!r}"
        )
        raise UnusableDatabase(message)
    return open_sqlite(path, synchronous=synchronous)


def with_connect_seconds(url: str, seconds: int) -> str:
    """Return the URL of a PostgreSQL with a bound to its connect, unless it has one."""
    return url if "connect_timeout=" in url else f"{url}{'&' if '?' in url else '?'}connect_timeout={seconds}"


def public_url(url: str) -> str:
    """Return the URL as it may be shown: without user, password and parameters, as one of those may be a password."""
    if url.startswith("sqlite:"):
        return url
    place = url.split("?", 1)[0]
    scheme, found, rest = place.partition("://")
    if not found:
        return place.rpartition("@")[2]
    return f"{scheme}://{rest.rpartition('@')[2]}"


def database_file(url: str) -> Path | None:
    """Return the file of a SQLite URL; None for other URLs."""
    parts = urlsplit(url)
    return Path(unquote(parts.path).removeprefix("/")) if parts.scheme == "sqlite" else None


def migrate(db: Dialect) -> list[str]:
    """Apply the missing migrations and return their names. Refuse a schema that this program can't serve.

    Many processes may start at once. The whole run is one transaction under one lock, so the others find it done.
    """
    runner = Runner(db, str(MIGRATIONS))
    with db.changing_schema():
        if check_schema(db, migrations(), runner.applied()):
            return []
        applied = list(runner.up())
        db.settle_positions()
        if db.install_triggers() and not _WITH_NEW_TABLES.intersection(applied):
            # A table was dropped and restored, or its triggers were off. The writes of that time are unknown.
            db.begin_anew()
            _logger.warning("Triggers were missing: every calendar's history begins anew; run server.py check --repair")
        return applied


def needs_migration(db: Dialect) -> bool:
    """Say if `migrate` would change the schema; raise UnusableDatabase for one that this program can't serve."""
    applied = {str(name) for (name,) in db.execute_sql("SELECT name FROM schema_migration").fetchall()}
    check_schema(db, migrations(), applied)
    return not applied.issuperset(migrations())


def ask(db: Dialect, question: Callable[[], T]) -> T:
    """Return the result of a read of one statement, which needs no transaction to see one instant.

    A connection that the server has closed is replaced. It is for the server's own reads, which are never cancelled.
    """
    try:
        if not db.is_closed():
            with suppress(OperationalError, InterfaceError):
                return question()
            db.drop()
        db.connect()
        return question()
    except (DatabaseError, InterfaceError) as error:
        with suppress(DatabaseError, InterfaceError):
            db.drop()
        raise Overloaded("The database does not answer.") from error


def migrations() -> tuple[str, ...]:
    """Return the names of this program's migrations."""
    return _names(MIGRATIONS)


@cache
def _names(folder: Path) -> tuple[str, ...]:
    """Read the folder once: later there may be no descriptor left for it."""
    return tuple(sorted(path.stem for path in folder.glob("[0-9]*.py")))


@contextmanager
def reading(db: Dialect) -> Iterator[None]:
    """Run the block in one read transaction, which sees one instant.

    Raise Cancelled once the thread's read is cancelled, and drop the connection, since an interrupt may come late.
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
        if "Could not decode to UTF-8" in str(error):
            _logger.error("A text in the database is not UTF-8: run server.py check --repair")  # noqa: TRY400
        if isinstance(error, DatabaseError | InterfaceError):
            raise Overloaded("The database does not answer.") from error
        raise
