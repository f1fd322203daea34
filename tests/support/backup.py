"""A database as it was, put back into the file that is served: by SQLite's own backup, as an operator would."""

import sqlite3
from contextlib import closing


def copy(source: str, target: str) -> None:
    """Copies the database of one URL into that of another, which others may have open."""
    files = [url.removeprefix("sqlite:///") for url in (source, target)]
    with closing(sqlite3.connect(files[0], timeout=10)) as old, closing(sqlite3.connect(files[1], timeout=10)) as new:
        old.backup(new)
