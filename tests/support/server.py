"""A real server process: started from server.py, waited for, killed and started again."""

import os
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.support.port import free_port
from tests.support.process import ROOT, Process, start_server_py

_SECRET = "a secret of the tests, on no other machine"
_STOP_SECONDS = 15.0
_POLL_SECONDS = 0.02
_MAX_WAIT_MS = "20000"  # a machine that is busy with tests stands for longer than the product lets a command wait


class Server:
    """One server on a database of its own, at `url` from `__enter__` to `__exit__`.

    It gets only `settings`, and no `SLOTCAST_*` of the machine. The output of the server and its commands is kept in
    one file over all restarts, readable as `log`. It is printed at the end, so that pytest shows it beside a failure. A
    traceback in it fails the test, unless the server `may_crash`.

    Attributes:
        is_fresh: each process is a new interpreter, and no fork. The option `--fresh` sets it for all servers. A
            setting for the interpreter, such as PYTHONPATH, sets it for one.
        root: the folder of the program; a fork is always of this one.
        ready_seconds: the longest start.
    """

    is_fresh = False
    root = ROOT
    ready_seconds = 30.0

    def __init__(
        self,
        folder: Path,
        *flags: str,
        port: int | None = None,
        database: str | None = None,
        settings: Mapping[str, str] | None = None,
        may_crash: bool = False,
    ) -> None:
        self.port = port or free_port()
        self.database = database or self.new_database(folder)
        self.url = f"http://127.0.0.1:{self.port}"
        self._flags = flags
        self._settings = dict(settings or {})
        self.is_fresh = self.is_fresh or any(not name.startswith("SLOTCAST_") for name in self._settings)
        if not self.database.startswith("sqlite:"):  # else the secret is kept beside the database
            self._settings.setdefault("SLOTCAST_SECRET", _SECRET)
        self._may_crash = may_crash
        self._log_path = folder / f"server-{self.port}.log"
        self._process: Process | None = None
        self._groups: list[int] = []

    @staticmethod
    def new_database(folder: Path) -> str:
        """Return the URL of a new database for a server without one."""
        return f"sqlite:///{folder / 'slotcast.db'}"

    @property
    def log(self) -> str:
        return self._log_path.read_text(errors="replace") if self._log_path.exists() else ""

    @property
    def environment(self) -> dict[str, str]:
        """Return the environment of this server and of commands on its database."""
        clean = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("SLOTCAST_", "PYTEST_")) and name != "PYTHONASYNCIODEBUG"
        }
        own = {"PYTHONUNBUFFERED": "1", "SLOTCAST_DATABASE": self.database, "SLOTCAST_MAX_WAIT_MS": _MAX_WAIT_MS}
        return clean | own | self._settings

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start the process and return when it is ready to serve."""
        assert not self.is_running, "this server already runs"
        with self._log_path.open("ab") as log:
            self._process = start_server_py(
                self._serving_flags(),
                self.environment,
                log.fileno(),
                log.fileno(),
                is_fresh=self.is_fresh,
                root=self.root,
            )
        self._groups.append(self._process.pid)
        self._wait_until_ready()

    def kill9(self) -> None:
        """Kill the process as a power cut or the kernel would, without a clean end."""
        process = self._running()
        process.kill()
        process.wait()

    def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Ask the process to end, and return its exit code."""
        process = self._running()
        process.send_signal(with_signal)
        return process.wait(_STOP_SECONDS)

    def restart(self) -> None:
        """Start again on the same port and database; stop a running process first."""
        if self.is_running:
            self.stop()
        self.start()

    def command(self, *arguments: str, timeout: float = 30.0) -> str:
        """Run `python server.py …` on the same database, and return its output."""
        done = self.try_command(*arguments, timeout=timeout)
        assert done.returncode == 0, f"server.py {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    def try_command(self, *arguments: str, timeout: float = 30.0) -> subprocess.CompletedProcess[str]:
        """Run `python server.py …` on the same database; it may fail."""
        with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
            process = start_server_py(
                arguments, self.environment, output.fileno(), errors.fileno(), is_fresh=self.is_fresh, root=self.root
            )
            try:
                code = process.wait(timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise
            for file in (output, errors):
                file.seek(0)
            return subprocess.CompletedProcess(arguments, code, output.read().decode(), errors.read().decode())

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if self.is_running:
                self.stop()
        finally:
            self._end()
        if kind is None and not self._may_crash:
            assert "Traceback (most recent call last)" not in self.log, "the server logged a crash"

    def _serving_flags(self) -> list[str]:
        return ["--port", str(self.port), "--database", self.database, *self._flags]

    def _running(self) -> Process:
        assert self._process is not None, "this server was never started"
        return self._process

    def _wait_until_ready(self) -> None:
        process = self._running()
        give_up_at = time.monotonic() + self.ready_seconds
        while not self._is_ready():
            if (code := process.poll()) is not None:
                raise AssertionError(f"server.py ended with {code}:\n{self.log}")
            if time.monotonic() > give_up_at:
                raise AssertionError(f"not ready within {self.ready_seconds} s:\n{self.log}")
            time.sleep(_POLL_SECONDS)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/livez", timeout=2) as answer:
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    def _end(self) -> None:
        """Leave nothing running, also no child process of the server."""
        for group in self._groups:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(group, signal.SIGKILL)
        if self._process is not None:
            self._process.wait()
        print(self.log)
