"""Another writer of the database than the service: SQL by the database's own program, in a process of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys

_PATIENCE_SECONDS = 60.0
# Without the program: the driver, and nothing of the service.
_SQLITE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=20)
script = sys.stdin.read()
connection.executescript(script)
"""
_POSTGRES = """
import psycopg, sys
with psycopg.connect(sys.argv[1], autocommit=True) as connection:
    connection.execute(sys.stdin.read())
"""


class Refused(Exception):
    """The database refused it; the message is the database's."""


def write(url: str, sql: str) -> str:
    """Run the SQL, one statement or more, and return its output; Refused if the database refuses it."""
    if url.startswith("postgresql:"):
        program = shutil.which("psql")
        command = (
            [program, "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1", "-d", url]
            if program
            else [sys.executable, "-c", _POSTGRES, url]
        )
    else:
        program, path = shutil.which("sqlite3"), url.removeprefix("sqlite:///")
        command = (
            [program, "-bail", "-cmd", ".timeout 20000", path] if program else [sys.executable, "-c", _SQLITE, path]
        )
    done = subprocess.run(
        command, input=sql, capture_output=True, text=True, timeout=_PATIENCE_SECONDS, check=False, env=None
    )
    if done.returncode or "Error" in done.stderr:
        raise Refused(done.stderr.strip())
    return done.stdout.strip()
