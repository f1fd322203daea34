"""Queries a database outside of the service, and audits it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg

from models.audit.audit import find
from models.storage.database import open_database

Ask = Callable[..., list[tuple[Any, ...]]]


@contextmanager
def asking(url: str) -> Iterator[Ask]:
    """Open an outside connection to a URL or a file; parameters are `?`."""
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
    """Run one statement and return its rows."""
    with asking(url) as ask:
        return ask(sql, *params)


def audit(url: str) -> None:
    """Fail with the findings of `server.py check`."""
    db = open_database(url if url.startswith("postgresql:") else f"sqlite:///{url.removeprefix('sqlite:///')}")
    try:
        findings = [str(finding) for finding in find(db)]
        assert findings == [], findings
    finally:
        db.drop()


def spoil(url: str, *statements: str) -> None:
    """Run the SQL without triggers, foreign keys and CHECKs."""
    with asking(url) as ask:
        if url.startswith("postgresql:"):
            ask("SET slotcast.service = 'on'")
            ask("SET session_replication_role = replica")
            for table, checks in ask(
                "SELECT conrelid::regclass::text, string_agg('DROP CONSTRAINT ' || conname, ', ') FROM pg_constraint"
                " WHERE contype = 'c' AND conrelid = 'slot'::regclass GROUP BY 1"
            ):
                ask(f"ALTER TABLE {table} {checks}")
        else:
            ask("PRAGMA ignore_check_constraints = ON")
            for (name,) in ask("SELECT name FROM sqlite_master WHERE type = 'trigger'"):
                ask(f"DROP TRIGGER {name}")
        for sql in statements:
            ask(sql)
