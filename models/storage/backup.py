"""Copies a SQLite database by SQLite's own backup, while other processes read and write both files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

from models.storage.dialect import UnusableDatabase

_OUR_TRIGGERS = "outside_"  # models/storage/triggers
_PAGES = 2_000  # a step; 8 MB
_WAIT_SECONDS = 10.0

_FIRST = "SELECT EXISTS (SELECT 1 FROM schema_migration WHERE name = '0001_book')"
_OURS = (
    "SELECT id, name, zone, seq FROM calendar",
    'SELECT id, calendar, start, "end", version FROM slot',
    "SELECT id, calendar, slot, seats, status FROM booking",
    "SELECT calendar, seq FROM change_log",
)

OnCopied = Callable[[int, int], None]
"""Is called with the number of copied pages and of all pages."""


def copy(source: Path, target: Path, on_copied: OnCopied | None = None) -> None:
    """Copy the newest commit of `source` into `target`, with all it replaces there.

    Processes with an open `target` see the old content, then the new one. A new file is for its owner only. Raise
    UnusableDatabase, with `target` as it was, if the copy fails: also without it, where a disk was full.
    """
    is_new = False
    try:
        with closing(_open(source)) as old:
            old.execute("BEGIN")
            old.execute("SELECT 1 FROM sqlite_schema").fetchone()  # one commit, whatever is written meanwhile
            with suppress(FileExistsError):
                os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                is_new = True
            with closing(sqlite3.connect(target, timeout=_WAIT_SECONDS)) as new:
                told = (lambda _, left, count: on_copied(count - left, count)) if on_copied else None
                old.backup(new, pages=_PAGES, progress=told)
    except (sqlite3.Error, OSError) as error:
        if is_new:
            target.unlink(missing_ok=True)
        raise UnusableDatabase(f"{source} can't be copied to {target}: {error}") from error


def damage(file: Path) -> list[str]:
    """Return the complaints of SQLite about the pages, indexes and references of a file; none if it is whole."""
    try:
        with closing(_open(file)) as connection:
            found = [str(line) for (line,) in connection.execute("PRAGMA integrity_check(20)")]
            orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(20)
    except sqlite3.Error as error:
        return [str(error)]
    return [line for line in found if line != "ok"] + [f"{row[0]}: a row without its {row[2]}" for row in orphans]


def is_ours(file: Path) -> bool:
    """Say if a file is a database of Slotcast, of any release: its first migration, and the tables that made."""
    try:
        with closing(_open(file)) as connection:
            for select in _OURS:
                connection.execute(f"{select} LIMIT 0")
            return bool(connection.execute(_FIRST).fetchone()[0])
    except sqlite3.Error:
        return False


def page_bytes(file: Path) -> int:
    """Return the size of a database's pages. SQLite copies a file into another one of the same size only."""
    with closing(_open(file)) as connection:
        ((size,),) = connection.execute("PRAGMA page_size")
    return int(size)


def foreign_triggers(file: Path) -> list[str]:
    """Return the names of the triggers that are not Slotcast's. They would run with every write to the database."""
    with closing(_open(file)) as connection:
        found = connection.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger' ORDER BY name").fetchall()
    return [name for (name,) in found if not name.startswith(_OUR_TRIGGERS)]


def fit(draft: Path, size: int) -> None:
    """Remove the foreign triggers of a copy, and write it with pages of this size. Raise UnusableDatabase if it fails.

    The copy has no other user: a change of the size needs the whole file, and a file without a WAL.
    """
    try:
        triggers = foreign_triggers(draft)
        with closing(_open(draft)) as connection:
            for name in triggers:
                connection.execute('DROP TRIGGER "{}"'.format(name.replace('"', '""')))
            connection.commit()
            connection.execute("PRAGMA journal_mode = DELETE")
            connection.execute(f"PRAGMA page_size = {size:d}")
            connection.execute("VACUUM")
    except sqlite3.Error as error:
        raise UnusableDatabase(f"{draft} can't be written anew: {error}") from error


def _open(file: Path) -> sqlite3.Connection:
    """Open an existing file. Even a reader of a WAL needs to write its index."""
    return sqlite3.connect(f"{file.resolve().as_uri()}?mode=rw", uri=True, timeout=_WAIT_SECONDS)
