"""Runs `server.py` in forks of one process that has its modules in memory: an import of them costs 0.8 s of CPU.

`serve_forks` takes one request at a time from a Unix socket. A request is a JSON line with four open files: the child's
input, output and errors, and a pipe for its exit status. The answer is the child's pid. The child has its own
environment, signals, session and open files.
"""

import gc
import json
import os
import runpy
import selectors
import signal
import socket
import sys
from contextlib import suppress
from importlib import import_module
from typing import Any

PID_BYTES = 4
_MOST_BYTES = 65_536
# server.py's own modules, and the modules that it imports only when it serves.
_MODULES = ("cli.command_line", "typer._adapters", "uvloop", "psycopg", "engineio.async_drivers.aiohttp")


class _Forks:
    """The children, each with the pipe for its exit status."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._pipes: dict[int, int] = {}

    def take(self) -> list[str] | None:
        """Fork for one request. Return its arguments in the child, and None in the parent; EOFError at the end."""
        message, files, _, _ = socket.recv_fds(self._control, _MOST_BYTES, 4)
        if not message:
            raise EOFError
        request: dict[str, Any] = json.loads(message)
        pid = os.fork()
        if pid == 0:
            self._become(request, files)
            return list(request["arguments"])
        self._pipes[pid] = files[3]
        for file in files[:3]:
            os.close(file)
        self._control.sendall(pid.to_bytes(PID_BYTES, "big"))
        return None

    def reap(self) -> None:
        """Write the status of each child that has ended to its pipe."""
        while self._pipes:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            pipe = self._pipes.pop(pid)
            with suppress(BrokenPipeError):
                os.write(pipe, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(pipe)

    def _become(self, request: dict[str, Any], files: list[int]) -> None:
        """Turn the fork into the child of the request."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setsid()
        for place, file in enumerate(files[:3]):
            os.dup2(file, place)
        self._control.close()
        for file in (*files, *self._pipes.values()):
            os.close(file)
        os.environ.clear()
        os.environ.update(request["environment"])


def _next_child(control: socket.socket) -> list[str]:
    """Serve requests. Return only in a child, with its arguments; EOFError at the end."""
    forks = _Forks(control)
    awake, waking = socket.socketpair()
    waking.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waking.fileno(), warn_on_full_buffer=False)
    with selectors.DefaultSelector() as selector, awake, waking:
        for readable in (control, awake):
            selector.register(readable, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is awake:
                    awake.recv(_MOST_BYTES)
                    forks.reap()
                elif (arguments := forks.take()) is not None:
                    return arguments


def serve_forks(control_file: int) -> None:
    """Serve until the other end of the control socket is closed. In a child, run server.py and end."""
    for module in _MODULES:
        import_module(module)
    gc.collect()
    gc.freeze()  # no collection of a child copies the pages of the modules
    try:
        arguments = _next_child(socket.socket(fileno=control_file))
    except EOFError:
        return
    sys.argv = ["server.py", *arguments]
    runpy.run_path("server.py", run_name="__main__")
