"""The links between the workers of one machine: processes that listen on the same address.

The kernel gives each new connection to any worker. A session of Engine.IO is in one of them, and its id begins with the
number of that worker. A request for a session elsewhere is handed over: the other worker gets the client's connection
itself, with what was read of it, through a Unix socket. So no worker copies another one's bytes.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import cast

from aiohttp import web

from realtime.engine import UNREADABLE, HandedOverResponse, RejectedRequest

LINK_SECONDS = 5.0  # the longest time for one exchange between two workers
_BACKLOG = 1_024
_THREADS = 8  # not the loop's own threads: a worker that stands would keep those from reading files and names
_HANDOVER, _METRICS = b"h", b"m"
_LENGTH_BYTES = 8
_UNKNOWN = "The session is unknown."
NO_HEADERS: Mapping[str, str] = MappingProxyType({})

_log = logging.getLogger("slotcast.workers")


class WorkerLinks:
    """One worker's links. `folder` is the same for all workers of a machine, and belongs to the server's user alone."""

    def __init__(self, folder: Path, number: int, count: int) -> None:
        self.number = number
        self.count = count
        self._folder = folder
        self._listener: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._protocol: Callable[[], asyncio.Protocol] | None = None
        self._exposition: Callable[[], bytes] = bytes
        self._adoptions: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="slotcast-links")

    @property
    def place(self) -> str:
        """Return the name that the workers of this machine share; another start has another one."""
        return self._folder.name

    @property
    def sid_prefix(self) -> str:
        return f"{self.number}."

    def start(self, protocol: Callable[[], asyncio.Protocol], exposition: Callable[[], bytes]) -> None:
        """Take connections of other workers: `protocol` makes the handler of a connection."""
        self._loop = asyncio.get_running_loop()
        self._protocol, self._exposition = protocol, exposition
        path = self._path(self.number)
        path.unlink(missing_ok=True)  # of a worker that was killed
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(_BACKLOG)
        threading.Thread(target=self._run, args=(self._listener,), name="slotcast-workers", daemon=True).start()

    def close(self) -> None:
        if self._listener is not None:
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)  # ends the accept of the thread
            self._listener.close()
        self._path(self.number).unlink(missing_ok=True)

    def _path(self, number: int) -> Path:
        return self._folder / f"worker-{number}.sock"

    # Handing over

    def is_elsewhere(self, sid: str) -> bool:
        """Say if the session is another worker's."""
        number, dot, _ = sid.partition(".")
        return bool(dot) and number != str(self.number) and number in map(str, range(self.count))

    async def hand_over(self, request: web.Request, sid: str) -> web.StreamResponse:
        """Give the request and its connection to the session's worker. RejectedRequest if that has gone."""
        try:
            body = await request.read()
        except UNREADABLE as error:
            raise RejectedRequest("The body is not what its head says.") from error
        transport = request.transport
        if transport is None or transport.is_closing():
            raise RejectedRequest(_UNKNOWN)
        transport.pause_reading()  # what comes from now on is for the other worker
        data = head_of(request, body) + body + request.protocol._message_tail  # noqa: SLF001  WebSocket frames sent early
        handle = os.dup(transport.get_extra_info("socket").fileno())
        path = self._path(int(sid.partition(".")[0]))
        try:
            # A cancelled request leaves the handle to the thread: another file could get its number meanwhile.
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._threads, _give, path, handle, data))
        except OSError as error:
            transport.resume_reading()
            raise RejectedRequest(_UNKNOWN) from error
        transport.abort()  # closes this process's copy only
        return HandedOverResponse()

    # Taking over, and metrics

    def _run(self, listener: socket.socket) -> None:
        while True:
            try:
                link, _ = listener.accept()
            except OSError:
                return
            with link:
                link.settimeout(LINK_SECONDS)
                try:
                    self._take(link)
                except Exception:
                    _log.exception("A link between workers failed")

    def _take(self, link: socket.socket) -> None:
        message, handles, _flags, _address = socket.recv_fds(link, 1 + _LENGTH_BYTES, 1)
        if message == _METRICS:
            link.sendall(self._on_loop(self._exposition))
        elif handles:
            peer = socket.socket(fileno=handles[0])
            data = _read(link)
            if message != _message_of(data):  # the other worker died meanwhile
                peer.close()
                return
            assert self._loop is not None
            self._loop.call_soon_threadsafe(self._adopt, peer, data)

    def _on_loop(self, ask: Callable[[], bytes]) -> bytes:
        """Return the function's result, from the loop's thread."""
        answer: Future[bytes] = Future()

        def run() -> None:
            try:
                answer.set_result(ask())
            except Exception as error:  # for the thread that waits
                answer.set_exception(error)

        assert self._loop is not None
        self._loop.call_soon_threadsafe(run)
        return answer.result(LINK_SECONDS)

    def _adopt(self, peer: socket.socket, data: bytes) -> None:
        task = asyncio.ensure_future(self._begin(peer, data))
        self._adoptions.add(task)
        task.add_done_callback(self._adoptions.discard)

    async def _begin(self, peer: socket.socket, data: bytes) -> None:
        assert self._loop is not None
        assert self._protocol is not None
        peer.setblocking(False)  # noqa: FBT003 - the standard library's
        try:
            await self._loop.connect_accepted_socket(partial(_Adopted, self._protocol, data), peer)
        except OSError:
            peer.close()  # the client has gone

    async def expositions(self) -> dict[int, bytes]:
        """Return the metrics of all workers that answer, by number."""
        others = [number for number in range(self.count) if number != self.number]
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(
            *(loop.run_in_executor(self._threads, _ask, self._path(number)) for number in others),
            return_exceptions=True,
        )
        found = {number: answer for number, answer in zip(others, answers, strict=True) if isinstance(answer, bytes)}
        return {self.number: self._exposition(), **found}


class _Adopted(asyncio.Protocol):
    """Gives a connection to its handler, with the bytes that were read of it before any later ones."""

    def __init__(self, handler: Callable[[], asyncio.Protocol], data: bytes) -> None:
        self._handler = handler
        self._data = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        handler = self._handler()
        cast("asyncio.Transport", transport).set_protocol(handler)
        handler.connection_made(transport)
        handler.data_received(self._data)


def head_of(request: web.Request, body: bytes, more: Mapping[str, str] = NO_HEADERS) -> bytes:
    """Return the request's head as it came, with the length of the body that was read, and with more headers."""
    left_out = {b"content-length", b"transfer-encoding", b"expect", *(name.lower().encode() for name in more)}
    start = f"{request.method} {request.raw_path} HTTP/{request.version.major}.{request.version.minor}"
    lines = [start.encode(errors="surrogateescape")]  # as aiohttp has decoded it
    lines += [b"%b: %b" % header for header in request.raw_headers if header[0].lower() not in left_out]
    lines += [f"{name}: {value}".encode() for name, value in more.items()]
    if body or request.method == "POST":
        lines.append(b"Content-Length: %d" % len(body))
    return b"\r\n".join([*lines, b"", b""])


def _message_of(data: bytes) -> bytes:
    return _HANDOVER + len(data).to_bytes(_LENGTH_BYTES, "big")


def _give(path: Path, handle: int, data: bytes) -> None:
    """Give the handle and the data to the worker at this path, and close the handle.

    OSError if the worker does not take them. If it may take them later, the connection ends: with two answers to one
    request, each later client of a proxy's connection would get the answer to the request before.
    """
    with socket.socket(fileno=handle) as client, socket.socket(socket.AF_UNIX) as link:
        link.settimeout(LINK_SECONDS)
        link.connect(str(path))
        try:
            socket.send_fds(link, [_message_of(data)], [handle])
            link.sendall(data)
            link.shutdown(socket.SHUT_WR)
            link.recv(1)  # the other worker has it: it closes the link
        except OSError:
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            raise


def _ask(path: Path) -> bytes:
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(LINK_SECONDS)
        link.connect(str(path))
        link.sendall(_METRICS)
        return _read(link)


def _read(link: socket.socket) -> bytes:
    parts: list[bytes] = []
    while part := link.recv(65_536):
        parts.append(part)
    return b"".join(parts)
