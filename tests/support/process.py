"""Processes of `server.py`, as forks or as new interpreters."""

import atexit
import json
import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Protocol

from tests.support.fork_server import PID_BYTES

ROOT = Path(__file__).resolve().parents[2]
_FORK_SECONDS = 30.0


class Process(Protocol):
    """The part of `subprocess.Popen` that the tests use."""

    @property
    def pid(self) -> int: ...
    def poll(self) -> int | None: ...
    def wait(self, timeout: float | None = None) -> int: ...
    def kill(self) -> None: ...
    def send_signal(self, sig: int, /) -> None: ...


class _Fork:
    """A process that is the fork server's child. Its exit status comes over a pipe."""

    def __init__(self, pid: int, status: int) -> None:
        self.pid = pid
        self._status = status
        self._code: int | None = None
        self._lock = Lock()

    def poll(self) -> int | None:
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self._code

    def wait(self, timeout: float | None = None) -> int:
        if self._code is None:
            waited = None if timeout is None else timeout * 1_000
            poll = select.poll()
            poll.register(self._status, select.POLLIN)
            if not poll.poll(waited):
                raise subprocess.TimeoutExpired("server.py", timeout or 0)
            with self._lock:
                if self._code is None:
                    self._code = int(os.read(self._status, 16))
                    os.close(self._status)
        return self._code

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def send_signal(self, number: int, /) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


class _ForkServer:
    """The tests' end of the fork server, which ends with the process of the tests."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._control, theirs = socket.socketpair()
        self._control.settimeout(_FORK_SECONDS)
        command = f"from tests.support.fork_server import serve_forks; serve_forks({theirs.fileno()})"
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONASYNCIODEBUG"}
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-c", command],
                cwd=ROOT,
                env=environment | {"PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        atexit.register(self._close)

    def fork(self, arguments: Sequence[str], environment: Mapping[str, str], files: Sequence[int]) -> _Fork:
        status, theirs = os.pipe()
        request = json.dumps({"arguments": arguments, "environment": dict(environment)})
        try:
            with self._lock:
                socket.send_fds(self._control, [request.encode()], [*files, theirs])
                pid = int.from_bytes(self._control.recv(PID_BYTES), "big")
        finally:
            os.close(theirs)
        assert pid, "the fork server has ended"
        return _Fork(pid, status)

    def _close(self) -> None:
        self._control.close()
        self._process.wait()


_fork_server = cache(_ForkServer)


def start_server_py(
    arguments: Sequence[str], environment: Mapping[str, str], output: int, errors: int, *, is_fresh: bool, root: Path
) -> Process:
    """Start `python server.py …` in a session of its own, with two open files for its output and errors.

    It is a fork of a process that has the server's modules in memory; `is_fresh` starts a new interpreter in `root`.
    """
    with Path(os.devnull).open("rb") as nothing:
        if not is_fresh:
            return _fork_server().fork(arguments, environment, (nothing.fileno(), output, errors))
        return subprocess.Popen(
            [sys.executable, "server.py", *arguments],
            cwd=root,
            env=environment,
            stdin=nothing,
            stdout=output,
            stderr=errors,
            start_new_session=True,
        )
