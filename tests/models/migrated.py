"""Databases that are copies of a migrated one: a copy takes a tenth of the time of the migrations."""

import tempfile
from functools import cache
from pathlib import Path

from models.service import SlotService
from models.storage.database import open_database
from tests.support.databases.postgres import Postgres


def copy_sqlite(path: Path) -> str:
    """Write a migrated SQLite file, and return its URL."""
    path.write_bytes(_sqlite_file())
    return f"sqlite:///{path}"


def copy_postgres(postgres: Postgres) -> str:
    """Return the URL of a new database with the migrated schema."""
    return postgres.new_copy(_migrate)


@cache
def _sqlite_file() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "migrated.db"
        _migrate(f"sqlite:///{path}")
        assert not list(path.parent.glob("*-wal"))
        return path.read_bytes()


def _migrate(url: str) -> None:
    """Make the schema; the secret is that of the first service on a copy."""
    service = SlotService(url, b"a secret of no copy")
    service.open()
    service.close()
    database = open_database(url)
    database.connect()
    database.execute_sql("DELETE FROM secret")
    database.close()
