"""A database restored into the served file, by SQLite's own backup as an operator does it."""

import sqlite3
from contextlib import closing


def copy(source: str, target: str) -> None:
    """Copy the database of one URL into that of another; others may have it open."""
    files = [url.removeprefix("sqlite:///") for url in (source, target)]
    with closing(sqlite3.connect(files[0], timeout=10)) as old, closing(sqlite3.connect(files[1], timeout=10)) as new:
        old.backup(new)
