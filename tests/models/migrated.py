"""Migrated databases for tests: a copy costs a fraction of the migrations.

An SQLite file is copied. On PostgreSQL a copy of a database takes as long as the migrations. There a schema is made by
one script of `pg_dump`, and emptied after the test for the next one.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import psycopg

from models.service import SlotService
from models.storage.database import open_database
from tests.support.databases.postgres import Postgres

_MOST_USES = 50  # of one schema: nothing removes its dead rows
_LOCKED_MS = 2_000
# A mark of the schema's tables, columns, constraints, triggers and functions: a test may have changed one. Each opening
# replaces the functions by themselves, so their rows are new each time, and their text counts.
_MARK = """
SELECT string_agg(mark, ' ' ORDER BY mark) FROM (
    SELECT oid || '.' || md5(prosrc) AS mark FROM pg_proc WHERE pronamespace = %(schema)s::regnamespace
    UNION ALL SELECT oid || '.' || xmin FROM pg_constraint WHERE connamespace = %(schema)s::regnamespace
    UNION ALL SELECT t.oid || '.' || t.xmin || t.tgenabled::text FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
        WHERE c.relnamespace = %(schema)s::regnamespace
    UNION ALL SELECT c.oid || '.' || c.relnatts || c.relname FROM pg_class c
        WHERE c.relnamespace = %(schema)s::regnamespace) AS marks
"""


def copy_migrated(path: Path) -> None:
    """Write a database with the schema; its secret is that of the first service that opens it."""
    path.write_bytes(_migrated_file())


@cache
def _migrated_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        _migrate(f"sqlite:///{path}")
        assert not list(path.parent.glob("*-wal"))
        return path.read_bytes()


@contextmanager
def lend_migrated(postgres: Postgres) -> Iterator[str]:
    """Yield the URL of such a database on PostgreSQL. Nothing may be connected to it at the end."""
    with _schemas_of(postgres).lend() as url:
        yield url


class _Schemas:
    """The schemas of one PostgreSQL: those that wait for their next test, each with its number of uses."""

    def __init__(self, postgres: Postgres) -> None:
        url = postgres.new_url()
        _migrate(url)
        self._postgres = postgres
        self._name = _schema_of(url)
        # Without psql's own commands, and without the schema, which is there.
        unwanted = re.compile(rf"^(\\.*|CREATE SCHEMA {self._name};)$", re.MULTILINE)
        self._script = unwanted.sub("", postgres.dump(self._name))
        found = postgres.execute(f"SELECT tablename FROM pg_tables WHERE schemaname = '{self._name}'")
        tables = [f"{self._name}.{table}" for (table,) in found]
        # The locks wait for the transactions of killed clients.
        self._clearing = (
            f"BEGIN; SET LOCAL lock_timeout = {_LOCKED_MS}; SET LOCAL session_replication_role = replica;"
            f"LOCK TABLE {', '.join(tables)} IN ACCESS EXCLUSIVE MODE;"
            + "".join(f"DELETE FROM {table};" for table in tables)
            + unwanted.sub("", postgres.dump(self._name, "--data-only"))
            + "COMMIT;"
        )
        self._waiting: list[tuple[str, str, int]] = []
        self._clearer: psycopg.Connection | None = None  # a connection for each clearing is most of its time

    @contextmanager
    def lend(self) -> Iterator[str]:
        url, mark, uses = self._waiting.pop() if self._waiting else self._make()
        yield url
        if uses < _MOST_USES and self._clear(url, mark):
            self._waiting.append((url, mark, uses + 1))

    def _make(self) -> tuple[str, str, int]:
        url = self._postgres.new_url()
        with psycopg.connect(self._postgres.url, autocommit=True) as connection:
            connection.execute(self._script.replace(self._name, _schema_of(url)).encode())
            return url, _mark(connection, url), 1

    def _clear(self, url: str, mark: str) -> bool:
        """Remove all rows but the migrations'; return False for a schema that is not as it was, or is in use."""
        if self._mark_of(url) != mark or self._clearer is None:
            return False
        try:
            self._clearer.execute(self._clearing.replace(self._name, _schema_of(url)).encode())
        except psycopg.errors.LockNotAvailable:
            self._clearer.execute("ROLLBACK")
            return False
        return True

    def _mark_of(self, url: str) -> str:
        """Return the schema's mark, by a new connection if the test has ended the last one."""
        if self._clearer is not None:
            try:
                return _mark(self._clearer, url)
            except psycopg.OperationalError:
                self._clearer.close()
        self._clearer = psycopg.connect(self._postgres.url, autocommit=True)
        self._postgres.at_end(self._clearer.close)
        return _mark(self._clearer, url)


_schemas_of = cache(_Schemas)


def _mark(connection: psycopg.Connection, url: str) -> str:
    row = connection.execute(_MARK, {"schema": _schema_of(url)}).fetchone()
    return str(row)


def _schema_of(url: str) -> str:
    return url.rpartition("%3D")[2]


def _migrate(url: str) -> None:
    service = SlotService(url, b"a secret of no copy")
    service.open()
    service.close()
    database = open_database(url)
    database.connect()
    database.execute_sql("DELETE FROM secret")
    database.close()
