"""Runs several worker processes on one address: starts them, restarts those that die, and stops them together."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from cli.settings import BadSetting, Settings

VARIABLE = "_SLOTCAST_WORKER"  # number, count and folder: for the workers that this module starts
RESTART_SECONDS = 1.0  # between two starts of a worker that dies at once
STOP_SECONDS = 30.0
_LOOK_SECONDS = 0.1
_BAD_SETTING = 2  # the exit code: another start would end the same way


class Worker(NamedTuple):
    """This process as a worker: its number from 0, the number of workers, and their folder."""

    number: int
    workers: int
    folder: Path


def this_worker() -> Worker | None:
    """Return this process's place among the workers; None for a server without workers."""
    written = os.environ.get(VARIABLE)
    if not written:
        return None
    number, count, folder = written.split(":", 2)
    return Worker(int(number), int(count), Path(folder))


def end_with_supervisor() -> None:
    """End this process by SIGTERM when the supervisor has gone, however that ended."""

    def wait() -> None:
        os.read(sys.stdin.fileno(), 1)  # not through its buffer, which locks at the interpreter's end
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="slotcast-supervisor", daemon=True).start()


def supervise(settings: Settings, count: int, why_not: Callable[[Settings, OSError | UnicodeError], str]) -> None:
    """Run so many workers until SIGINT or SIGTERM. `why_not` says why the address can't be had."""
    with ExitStack() as ends:
        try:
            ends.enter_context(_reserved(settings))
        except (OSError, UnicodeError) as error:
            raise BadSetting(why_not(settings, error)) from error
        folder = Path(tempfile.mkdtemp(prefix="slotcast-workers-"))
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        _Supervisor(folder, count).run()


def _reserved(settings: Settings) -> socket.socket:
    """Bind the address without listening, so that no other program takes it while a worker restarts."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:  # a server without SO_REUSEPORT is noticed here
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    reserved = socket.socket(family, kind, protocol)
    reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    reserved.bind(address)
    return reserved


class _Supervisor:
    def __init__(self, folder: Path, count: int) -> None:
        self._folder = folder
        self._count = count
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._started_at: dict[int, float] = {}
        self._is_stopping = threading.Event()

    def run(self) -> None:
        for end in (signal.SIGINT, signal.SIGTERM):
            signal.signal(end, lambda *_: self._is_stopping.set())
        try:
            for number in range(self._count):
                self._start(number)
            while not self._is_stopping.wait(_LOOK_SECONDS):
                self._look()
        finally:
            self._stop()

    def _start(self, number: int) -> None:
        self._started_at[number] = time.monotonic()
        self._workers[number] = subprocess.Popen(  # noqa: S603 - this program again
            [sys.executable, *sys.orig_argv[1:]],
            env={**os.environ, VARIABLE: f"{number}:{self._count}:{self._folder}"},
            stdin=subprocess.PIPE,  # its end tells the worker that this process has gone
            start_new_session=True,  # Ctrl-C reaches this process, which stops the workers in good order
        )

    def _look(self) -> None:
        for number, worker in self._workers.items():
            code = worker.poll()
            if code is None or time.monotonic() - self._started_at[number] < RESTART_SECONDS:
                continue
            if code == _BAD_SETTING:
                raise BadSetting(f"worker {number} has ended: see its message")
            print(f"Worker {number} ended with {code}, and starts again.", file=sys.stderr, flush=True)
            self._start(number)

    def _stop(self) -> None:
        print("\nStopping: writes finish, and clients reconnect by themselves …", flush=True)
        give_up_at = time.monotonic() + STOP_SECONDS
        for worker in self._workers.values():
            worker.terminate()
        for worker in self._workers.values():
            try:
                worker.wait(max(0.0, give_up_at - time.monotonic()))
            except subprocess.TimeoutExpired:
                worker.kill()
                worker.wait()
        print("Goodbye.", flush=True)
