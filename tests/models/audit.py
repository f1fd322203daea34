"""Asks the database itself, and fails where an audit finds anything."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from models.query.audit import find
from models.storage.database import open_database

Ask = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def asking(url: str) -> Iterator[Ask]:
    """A connection that is not the book's, to a URL or a file; parameters are `?`."""
    if url.startswith("postgresql:"):
        with psycopg.connect(url, autocommit=True) as server:

            def ask_server(sql: str, *params: Any) -> list[tuple[Any, ...]]:
                cursor = server.execute(sql.replace("?", "%s"), params or None)
                return cursor.fetchall() if cursor.description else []

            yield ask_server
        return
    with closing(sqlite3.connect(url.removeprefix("sqlite:///"), isolation_level=None)) as file:
        yield lambda sql, *params: file.execute(sql, params).fetchall()


def query(url: str, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """One statement, and its rows."""
    with asking(url) as ask:
        return ask(sql, *params)


def audit(url: str) -> None:
    """Fails with what `server.py check` would find."""
    db = open_database(url if url.startswith("postgresql:") else f"sqlite:///{url.removeprefix('sqlite:///')}")
    try:
        assert [str(finding) for finding in find(db)] == []
    finally:
        db.drop()
