"""Runs several worker processes on one address: starts them, restarts those that die or freeze, and stops them.

At the start all workers begin to listen in the same moment. Clients that wait for the server would all stay with the
first one otherwise.
On SQLite it also runs the one process that writes. That starts before the workers, and ends after them.
"""

from __future__ import annotations

import fcntl
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
from concurrent.futures import Future
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import NamedTuple

from cli.heartbeat import Heartbeats
from cli.settings import BadSetting, Settings

VARIABLE = "_SLOTCAST_WORKER"  # number, count and folder: for the workers that this module starts
RESTART_SECONDS = 1.0  # between two starts of a worker that dies at once
STOP_SECONDS = 30.0  # after the drain
WRITER_STOP_SECONDS = 10.0  # after the workers
TOGETHER_SECONDS = 10.0  # how long workers wait for the slowest one before they listen
_LOOK_SECONDS = 0.1
_STOP_LOOK_SECONDS = 0.02
_FOLDER = "slotcast-workers-"  # for the sockets between the processes
_LOCK = "lock"  # in it: held while the supervisor or one of its processes lives
_BAD_SETTING = 2  # the exit code: another start would end the same way


_WRITER = -1  # in the place of a worker's number


class Worker(NamedTuple):
    """This process as a worker: its number from 0, the number of workers, and their folder."""

    number: int
    workers: int
    folder: Path

    @property
    def is_writer(self) -> bool:
        """Say if this is no worker, but the process that writes for all of them."""
        return self.number == _WRITER


def this_worker() -> Worker | None:
    """Return this process's place among the workers; None for a server without workers."""
    written = os.environ.get(VARIABLE)
    if not written:
        return None
    number, count, folder = written.split(":", 2)
    return Worker(int(number), int(count), Path(folder))


def follow_supervisor() -> Future[None]:
    """End this process by SIGTERM when the supervisor has gone, however that ended. Return when it may listen."""
    may_listen: Future[None] = Future()

    def wait() -> None:
        while os.read(sys.stdin.fileno(), 1):  # not through its buffer, which locks at the interpreter's end
            if not may_listen.done():
                may_listen.set_result(None)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="slotcast-supervisor", daemon=True).start()
    return may_listen


def supervise(
    settings: Settings,
    why_not: Callable[[Settings, OSError | UnicodeError], str],
    welcome: str,
    *,
    has_writer: bool,
) -> None:
    """Run the workers until SIGINT or SIGTERM. `why_not` says why the address can't be had.

    `welcome` is printed once the addresses are reserved, also the one for operators: the workers of another server
    would share it unnoticed.
    """
    with ExitStack() as ends:
        try:
            ends.enter_context(reserved(settings.host, settings.port))
        except (OSError, UnicodeError) as error:
            raise BadSetting(why_not(settings, error)) from error
        if settings.metrics_listen is not None:
            try:
                ends.enter_context(reserved(*settings.metrics_listen))
            except (OSError, UnicodeError) as error:
                raise BadSetting(f"SLOTCAST_METRICS_LISTEN: {error}") from error
        print(welcome, flush=True)
        remove_left()
        folder = Path(tempfile.mkdtemp(prefix=_FOLDER))
        lock = locked(folder / _LOCK, os.O_CREAT)
        ends.callback(os.close, lock)
        ends.callback(shutil.rmtree, folder, ignore_errors=True)
        stop_seconds = STOP_SECONDS + settings.drain_seconds
        _Supervisor(folder, settings.workers, stop_seconds, lock, has_writer=has_writer).run()


def remove_left() -> None:
    """Remove the folders of this user's supervisors that were killed: nobody has their lock.

    A process id says nothing here: a container that shares the folder for temporary files has ids of its own.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError):
            if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
                continue
            lock = locked(folder / _LOCK)
            shutil.rmtree(folder, ignore_errors=True)
            os.close(lock)


def locked(path: Path, more: int = 0) -> int:
    """Return the lock of a folder, open; OSError if there is none, or if another supervisor or its workers have it."""
    lock = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC | more, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock


def reserved(host: str, port: int) -> socket.socket:
    """Bind the address without listening, so that no other program takes it while a worker restarts."""
    family, kind, protocol, _, address = socket.getaddrinfo(
        host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
    )[0]
    with socket.socket(family, kind, protocol) as probe:  # a server without SO_REUSEPORT is noticed here
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
    held = socket.socket(family, kind, protocol)
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        held.bind(address)
    except OSError:
        # Closed connections of a server without workers keep the port for a minute. Only then is the address shared
        # with programs that set SO_REUSEADDR: another supervisor that starts would not notice this one otherwise.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(address)
    return held


class _Supervisor:
    def __init__(self, folder: Path, count: int, stop_seconds: float, lock: int, *, has_writer: bool) -> None:
        self._folder = folder
        self._lock = lock
        self._beats = Heartbeats(folder)
        self._has_writer = has_writer
        self._stop_seconds = stop_seconds
        self._count = count
        self._workers: dict[int, subprocess.Popen[bytes]] = {}
        self._started_at: dict[int, float] = {}
        self._is_stopping = False  # an Event's lock may be held by the thread that a signal interrupts
        self._is_killing = False
        self._may_listen = False
        self._began_at = time.monotonic()

    def run(self) -> None:
        for end in (signal.SIGINT, signal.SIGTERM):
            signal.signal(end, lambda *_: self._end())
        try:
            for number in range(_WRITER if self._has_writer else 0, self._count):
                self._start(number)
            while not self._is_stopping:
                self._look()
                time.sleep(_LOOK_SECONDS)
        finally:
            self._stop()
            self._beats.close()

    def _end(self) -> None:
        """Take a signal: the first one begins the stop, and the second one ends all processes at once."""
        if self._is_stopping:
            self._is_killing = True
            for process in self._workers.values():
                process.kill()
        self._is_stopping = True

    def _start(self, number: int) -> None:
        self._started_at[number] = time.monotonic()
        self._beats.forget(number)
        self._workers[number] = subprocess.Popen(  # noqa: S603 - this program again
            [sys.executable, *sys.orig_argv[1:]],
            env={**os.environ, VARIABLE: f"{number}:{self._count}:{self._folder}"},
            stdin=subprocess.PIPE,  # its end tells the worker that this process has gone
            pass_fds=(self._lock,),  # the folder is in use until the last process has ended
            start_new_session=True,  # Ctrl-C reaches this process, which stops the workers in good order
        )
        if self._may_listen and number != _WRITER:
            self._let_listen(number)

    def _let_listen_together(self) -> None:
        """Let the workers listen once all of them can, or after a while."""
        numbers = [number for number in self._workers if number != _WRITER]
        is_late = time.monotonic() - self._began_at > TOGETHER_SECONDS
        if is_late or all(map(self._beats.has_begun, numbers)):
            self._may_listen = True
            for number in numbers:
                self._let_listen(number)

    def _let_listen(self, number: int) -> None:
        pipe = self._workers[number].stdin
        assert pipe is not None
        with suppress(BrokenPipeError):  # it has died: its next start gets another one
            os.write(pipe.fileno(), b"\n")

    def _look(self) -> None:
        self._beats.look()
        if not self._may_listen:
            self._let_listen_together()
        self._end_frozen()
        for number, worker in self._workers.items():
            if worker.poll() == _BAD_SETTING and self._may_start(number):
                name = _name(number)
                raise BadSetting(f"{name[0].lower()}{name[1:]} has ended: see its message")
            self._start_again(number)

    def _end_frozen(self) -> None:
        """Kill the processes that stand still."""
        for number, worker in self._workers.items():
            if worker.poll() is None and self._beats.is_frozen(number):
                print(f"{_name(number)} stands still, and is ended.", file=sys.stderr, flush=True)
                self._beats.forget(number)
                worker.kill()

    def _start_again(self, number: int) -> None:
        """Start a process again that has ended, not sooner than a while after its last start."""
        code = self._workers[number].poll()
        if code is not None and self._may_start(number):
            print(f"{_name(number)} ended with {code}, and starts again.", file=sys.stderr, flush=True)
            self._start(number)

    def _may_start(self, number: int) -> bool:
        return time.monotonic() - self._started_at[number] >= RESTART_SECONDS

    def _stop(self) -> None:
        print("\nStopping: writes finish, and clients reconnect by themselves …", flush=True)
        give_up_at = time.monotonic() + self._stop_seconds
        workers = [worker for number, worker in self._workers.items() if number != _WRITER]
        for worker in workers:
            worker.terminate()
        self._await(workers, give_up_at, needs_writer=_WRITER in self._workers)
        writer = self._workers.get(_WRITER)
        if writer is not None:
            assert writer.stdin is not None
            writer.stdin.close()  # it takes no signal: one to all processes of a service must not end it first
            self._await([writer], give_up_at + WRITER_STOP_SECONDS)
        print("Goodbye.", flush=True)

    def _await(
        self, processes: list[subprocess.Popen[bytes]], give_up_at: float, *, needs_writer: bool = False
    ) -> None:
        """Wait for the ends of the processes. Kill those that stand still, and in the end those that are left.

        The workers answer requests in their drain: they need a writer until they have ended.
        """
        while any(process.poll() is None for process in processes):
            if time.monotonic() > give_up_at:
                for process in processes:
                    process.kill()
            self._beats.look()
            self._end_frozen()
            if needs_writer and not self._is_killing:
                self._start_again(_WRITER)
            time.sleep(_STOP_LOOK_SECONDS)


def _name(number: int) -> str:
    return "The writer" if number == _WRITER else f"Worker {number}"
