"""aiohttp's HTTP connections with deadlines and a cap.

Without them aiohttp waits without end for a slow request head and for a peer that does not read, and accepts any number
of connections. `tests/realtime/http/test_connection.py` pins the private parts of aiohttp used here.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from math import inf
from time import monotonic_ns
from typing import Any, NamedTuple, cast

from aiohttp import web
from aiohttp.http import RawRequestMessage, StreamWriter
from aiohttp.web_protocol import RequestHandler

from models.contract.errors import Overloaded, RateLimited
from realtime.engine import AddressBudget
from realtime.http.base_path import stripping
from realtime.http.handshake import Handshakes, is_first_handshake
from realtime.http.middleware import RequestGuard
from realtime.http.problem import EVERY_ANSWER, refused_connection

LINGER_SECONDS = 2.0  # for what a client still sends behind its last answer, so that it reads the answer
_LINGER_BYTES = 1_000_000
_PARTING_SECONDS = 1.0  # for a refused client to read why
_MOST_PARTING = 16  # such connections at once
_PERIOD_SECONDS = 1.0
_PRUNE_SECONDS = 0.05  # at the cap closed connections are looked for no more often
_REST_SECONDS = 30.0  # below the cap, as a search among 10,000 open connections takes some milliseconds
_FEW = 100  # connections of which the closed ones are looked for each period
_FULL = refused_connection(Overloaded("Too many connections are open.", retry_after=5))
_TOO_MANY = refused_connection(RateLimited("Too many connections a second.", retry_after=5))
_USER_TIMEOUT = getattr(socket, "TCP_USER_TIMEOUT", None)  # Linux only


class Bounds(NamedTuple):
    """The limits: seconds for a request's head and for unread bytes, and the number of open connections."""

    head_seconds: float
    unread_seconds: float
    most_open: int  # 0 for any number


class BoundedHandler(RequestHandler):
    """One connection. The time for a head runs from its first byte, for the first head from the connect.

    aiohttp's task and timer of a connection begin with its first bytes, and never where these are a handshake.
    """

    __slots__ = ("_address", "_has_begun", "_head_at", "_lingering", "_seen_requests", "_unread_bytes")

    def __init__(self, manager: BoundedServer, **options: Any) -> None:
        super().__init__(manager, **options)
        self._address: AddressBudget | None = None
        self._has_begun = False
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
            server.part(opened)
            return
        self._head_at = self._loop.time()
        self.transport = opened  # the loop has set TCP_NODELAY, which aiohttp sets again
        server.connection_made(self, opened)

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
        if not self._has_begun and self.transport is not None:
            self._begin(self.transport)
        if self._request_count != self._seen_requests:
            self._seen_requests = self._request_count
            self._head_at = inf
        elif self._head_at is inf and self._waiter is not None:
            self._head_at = self._loop.time()

    def _begin(self, transport: asyncio.Transport) -> None:
        """Begin with a handshake, or else as aiohttp does."""
        self._has_begun = True
        handshakes = cast("BoundedServer", self._manager).handshakes
        if (
            handshakes is not None
            and self._upgraded
            and len(self._messages) == 1
            and is_first_handshake(*self._messages[0])
        ):
            self._task_handler = self._loop.create_task(self._open_session())
        else:
            super().connection_made(transport)

    async def _open_session(self) -> None:
        """Answer the handshake, the only request of the connection."""
        server = cast("BoundedServer", self._manager)
        if self._force_close or server is None:  # it was closed before this ran
            return
        assert server.handshakes is not None
        message, payload = self._messages.popleft()
        task = asyncio.current_task()
        assert task is not None
        head = cast("RawRequestMessage", message)
        request = server.request_factory(head, payload, self, StreamWriter(self, self._loop), task)
        server.requests_count += 1
        try:
            await self._handle_request(request, None, server.handshakes.answer)
        finally:
            request._task = cast("Any", None)  # noqa: SLF001 - else the task and the request keep each other
            self.force_close()

    def close(self) -> None:
        """Close the connection after the request under way, or at once without any (aiohttp)."""
        super().close()
        if not self._has_begun:
            self.force_close()

    async def finish_response(
        self, request: web.BaseRequest, resp: web.StreamResponse, start_time: float | None
    ) -> tuple[web.StreamResponse, bool]:
        """Send a response. Linger after a refusal that ends the connection: its client may go on sending (aiohttp)."""
        response, is_reset = await super().finish_response(request, resp, start_time)
        is_last = not response.keep_alive and response.status >= HTTPStatus.BAD_REQUEST
        if is_last and not is_reset and request.content.is_eof():  # aiohttp lingers for the rest of a body
            await self._linger()
        return response, is_reset

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, which no route and no signal sees (aiohttp)."""
        response = super().handle_error(request, status, exc, message)
        response.headers.update(EVERY_ANSWER)
        return response

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

    def end_if_late(self, now: float, head_seconds: float) -> None:
        """Close the connection if its head is late. One without any byte is closed as early as an idle one."""
        seconds = head_seconds if self._has_begun else min(head_seconds, self._keepalive_timeout)
        if now - self._head_at > seconds and self.transport is not None:
            self.transport.abort()


class BoundedServer(web.Server):
    """The connections of one runner. One timer checks their deadlines while there are any.

    Without a guard no address has a budget: the operator is served while one of that address floods the public routes.
    """

    def __init__(
        self,
        served: web.Server,
        bounds: Bounds,
        guard: RequestGuard | None,
        handshakes: Handshakes | None = None,
        prefix: str = "",
    ) -> None:
        super().__init__(
            served.request_handler,
            request_factory=stripping(prefix, served.request_factory),
            handler_cancellation=served.handler_cancellation,
            loop=served._loop,  # noqa: SLF001
        )
        self._options = served._kwargs  # noqa: SLF001
        self._bounds = bounds
        self._guard = guard
        self.handshakes = handshakes
        self._transports: set[asyncio.Transport] = set()  # those taken over by a WebSocket or a stream included
        self._unread: dict[asyncio.Transport, tuple[int, float]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._has_bounded_listeners = False
        self._parting: set[asyncio.Transport] = set()
        self._pruned_at = -inf
        self._kept = 0  # open ones at the last look

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
        address = self._guard.peer(name) if self._guard is not None else None
        if address is not None:
            if 0 < address.most_open <= address.open_count:
                return _FULL, None
            if address.charge(1, monotonic_ns()):
                return _TOO_MANY, None
            address.open_count += 1
        self._track(transport, is_tcp=isinstance(name, tuple))
        return b"", address

    def part(self, transport: asyncio.Transport) -> None:
        """Close a refused connection once its client has read why: a close with unread bytes resets it.

        Only a few may wait for that, and not for long: a refused connection is one for which there is no room.
        """
        self._parting = {one for one in self._parting if not one.is_closing()}
        if len(self._parting) < _MOST_PARTING and transport.can_write_eof():
            self._parting.add(transport)
            self._loop.call_later(_PARTING_SECONDS, transport.abort)
            with suppress(OSError):  # the peer has gone, and the loop has not seen it yet
                transport.write_eof()
        else:
            transport.close()

    def _track(self, transport: asyncio.Transport, *, is_tcp: bool) -> None:
        self._transports.add(transport)
        if is_tcp and not self._has_bounded_listeners:
            self._bound(transport.get_extra_info("socket"))
        if self._timer is None:
            period = min(_PERIOD_SECONDS, self._bounds.head_seconds / 4, self._bounds.unread_seconds / 4)
            self._timer = self._loop.call_later(period, self._check, period)

    def bound_listeners(self, listeners: Iterable[Any]) -> None:
        """Bound the connections of these listening sockets, the only ones: each inherits it, which costs no call."""
        for listener in listeners:
            self._bound(listener)
        self._has_bounded_listeners = True

    def _bound(self, tcp: Any) -> None:
        """Let the kernel give up a peer that reads nothing for so long, under any owner of the transport."""
        if _USER_TIMEOUT is not None:
            tcp.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, int(self._bounds.unread_seconds * 1_000))

    def _check(self, period: float) -> None:
        """Close the connections that are past their deadlines."""
        now = self._loop.time()
        for handler in self.connections:
            cast("BoundedHandler", handler).end_if_late(now, self._bounds.head_seconds)
        if _USER_TIMEOUT is None:
            self._end_unread(now)
        count = len(self._transports)
        if count <= _FEW or count > 2 * self._kept or now - self._pruned_at >= _REST_SECONDS:
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
            self._kept = len(self._transports)

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

    def __init__(
        self,
        app: web.Application,
        bounds: Bounds,
        guard: RequestGuard | None,
        handshakes: Handshakes | None = None,
        prefix: str = "",
        **options: Any,
    ) -> None:
        super().__init__(app, **options)
        self._bounds = bounds
        self._guard = guard
        self._handshakes = handshakes
        self._prefix = prefix

    async def _make_server(self) -> web.Server:
        served = await super()._make_server()
        return BoundedServer(served, self._bounds, self._guard, self._handshakes, self._prefix)


class BoundedSite(web.TCPSite):
    """The only listening address of a BoundedRunner."""

    async def start(self) -> None:
        """Listen (aiohttp)."""
        await super().start()
        server = self._runner.server
        if self._server is not None and isinstance(server, BoundedServer):
            server.bound_listeners(cast("asyncio.Server", self._server).sockets)
