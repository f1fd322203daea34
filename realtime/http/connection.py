"""aiohttp's HTTP connections with deadlines and a cap.

Without them aiohttp waits without end for a slow request head and for a peer that does not read, and accepts any number
of connections. `tests/realtime/http/test_connection.py` pins the private parts of aiohttp used here.
"""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from http import HTTPStatus
from math import inf
from time import monotonic_ns
from typing import Any, NamedTuple, cast

from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from realtime.engine import AddressBudget
from realtime.http.middleware import RequestGuard

LINGER_SECONDS = 2.0  # for what a client still sends behind its last answer, so that it reads the answer
_LINGER_BYTES = 1_000_000
_PERIOD_SECONDS = 1.0
_PRUNE_SECONDS = 0.05  # at the cap closed connections are looked for no more often
_REFUSAL = b"HTTP/1.1 %b\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_FULL = _REFUSAL % b"503 Service Unavailable"
_TOO_MANY = _REFUSAL % b"429 Too Many Requests"
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux only


class Bounds(NamedTuple):
    """The limits: seconds for a request's head and for unread bytes, and the number of open connections."""

    head_seconds: float
    unread_seconds: float
    most_open: int  # 0 for any number


class BoundedHandler(RequestHandler):
    """One connection. The time for a head runs from its first byte, for the first head from the connect."""

    __slots__ = ("_address", "_head_at", "_lingering", "_seen_requests", "_unread_bytes")

    def __init__(self, manager: BoundedServer, **options: Any) -> None:
        super().__init__(manager, **options)
        self._address: AddressBudget | None = None
        self._head_at = inf
        self._seen_requests = 0
        self._lingering: asyncio.Future[None] | None = None
        self._unread_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Refuse a connection over a cap at once (asyncio.Protocol)."""
        opened = cast("asyncio.Transport", transport)
        server = cast("BoundedServer", self._manager)
        refusal, self._address = server.admit(opened)
        if refusal:
            self._force_close = True  # its bytes are not read
            opened.write(refusal)
            opened.close()
            return
        self._head_at = self._loop.time()
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Note that the connection is closed, or has another owner (asyncio.Protocol)."""
        address, self._address = self._address, None
        if address is not None:
            address.open_count -= 1
        self.end_lingering()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Note the begin and the end of a head (asyncio.Protocol)."""
        if self._lingering is not None:
            self._unread_bytes += len(data)
            if self._unread_bytes > _LINGER_BYTES:
                self.end_lingering()
            return
        super().data_received(data)
        if self._request_count != self._seen_requests:
            self._seen_requests = self._request_count
            self._head_at = inf
        elif self._head_at is inf and self._waiter is not None:
            self._head_at = self._loop.time()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response. Linger after a refusal that ends the connection: its client may go on sending (aiohttp)."""
        response, is_reset = await super().finish_response(request, resp, start_time)
        is_last = not response.keep_alive and response.status >= HTTPStatus.BAD_REQUEST
        if is_last and not is_reset and request.content.is_eof():  # aiohttp lingers for the rest of a body
            await self._linger()
        return response, is_reset

    async def _linger(self) -> None:
        """Send the end of the answer, discard what the client still sends, and close once it has closed.

        A close with unread bytes resets the connection, and a client that is still sending loses the answer.
        """
        transport = self.transport
        if self._force_close or transport is None or transport.is_closing() or not transport.can_write_eof():
            return
        transport.write_eof()
        transport.resume_reading()  # pipelined requests may have paused it
        self._lingering = self._loop.create_future()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._lingering_time):
                await self._lingering
        self.force_close()

    def end_lingering(self) -> None:
        """Close the connection if it lingers."""
        if self._lingering is not None and not self._lingering.done():
            self._lingering.set_result(None)

    def end_if_late(self, since: float) -> None:
        """Close the connection if its head began before this instant and is incomplete."""
        if self._head_at < since and self.transport is not None:
            self.transport.abort()


class BoundedServer(web.Server):
    """The connections of one runner. One timer checks their deadlines while there are any."""

    def __init__(self, served: web.Server, bounds: Bounds, guard: RequestGuard) -> None:
        super().__init__(
            served.request_handler,
            request_factory=served.request_factory,
            handler_cancellation=served.handler_cancellation,
            loop=served._loop,  # noqa: SLF001
        )
        self._options = served._kwargs  # noqa: SLF001
        self._bounds = bounds
        self._guard = guard
        self._transports: set[asyncio.Transport] = set()  # those taken over by a WebSocket or a stream included
        self._unread: dict[asyncio.Transport, tuple[int, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._pruned_at = -inf

    def __call__(self) -> RequestHandler:
        """Return the protocol of a new connection."""
        return BoundedHandler(self, loop=self._loop, **self._options)

    def admit(self, transport: asyncio.Transport) -> tuple[bytes, AddressBudget | None]:
        """Return the answer to a refused connection, and its address's budget; a trusted proxy has none."""
        if self._bounds.most_open and len(self._transports) >= self._bounds.most_open:
            self._prune()
            if len(self._transports) >= self._bounds.most_open:
                return _FULL, None
        name = transport.get_extra_info("peername")
        address = self._guard.peer(name)
        if address is not None:
            if 0 < address.most_open <= address.open_count:
                return _FULL, None
            if address.charge(1, monotonic_ns()):
                return _TOO_MANY, None
            address.open_count += 1
        self._track(transport, is_tcp=isinstance(name, tuple))
        return b"", address

    def _track(self, transport: asyncio.Transport, *, is_tcp: bool) -> None:
        self._transports.add(transport)
        if _USER_TIMEOUT is not None and is_tcp:
            # The kernel gives up a peer that reads nothing for so long, under any owner of the transport.
            transport.get_extra_info("socket").setsockopt(
                socket.IPPROTO_TCP, _USER_TIMEOUT, int(self._bounds.unread_seconds * 1_000)
            )
        if self._timer is None:
            period = min(_PERIOD_SECONDS, self._bounds.head_seconds / 4, self._bounds.unread_seconds / 4)
            self._timer = self._loop.call_later(period, self._check, period)

    def _check(self, period: float) -> None:
        """Close the connections that are past their deadlines."""
        now = self._loop.time()
        for handler in self.connections:
            cast("BoundedHandler", handler).end_if_late(now - self._bounds.head_seconds)
        if _USER_TIMEOUT is None:
            self._end_unread(now)
        self._prune()
        self._timer = self._loop.call_later(period, self._check, period) if self._transports else None

    def _end_unread(self, now: float) -> None:
        """Close the connections with a buffer that has not shrunk in time, where the kernel has no such timeout."""
        seen, self._unread = self._unread, {}
        for transport in self._transports:
            size = transport.get_write_buffer_size()
            if not size:
                continue
            least, since = seen.get(transport, (size + 1, now))
            if size < least:
                least, since = size, now
            if now - since >= self._bounds.unread_seconds:
                transport.abort()
            else:
                self._unread[transport] = (least, since)

    def _prune(self) -> None:
        """Forget the closed connections."""
        now = self._loop.time()
        if now - self._pruned_at >= _PRUNE_SECONDS:
            self._pruned_at = now
            gone = [one for one in self._transports if one.is_closing() and not one.get_write_buffer_size()]
            self._transports.difference_update(gone)

    async def shutdown(self, timeout: float | None = None) -> None:
        """End all connections, and the timer (web.Server)."""
        for handler in self.connections:
            cast("BoundedHandler", handler).end_lingering()
        await super().shutdown(timeout)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


class BoundedRunner(web.AppRunner):
    """Runs an application on bounded connections."""

    def __init__(self, app: web.Application, bounds: Bounds, guard: RequestGuard, **options: Any) -> None:
        super().__init__(app, **options)
        self._bounds = bounds
        self._guard = guard

    async def _make_server(self) -> web.Server:
        return BoundedServer(await super()._make_server(), self._bounds, self._guard)
