"""Request bodies on their way: each has a deadline, all together have a cap, and a stopping server waits for none.

aiohttp reads nothing more once the server stops, so an incomplete body stays incomplete.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import StreamReader, web
from aiohttp.typedefs import Middleware

from models.contract.errors import Overloaded
from realtime.http.middleware import RequestGuard
from realtime.http.problem import problem

MOST_BYTES = 64_000_000  # in incomplete bodies; above it the oldest are given up
_PERIOD_SECONDS = 1.0

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Bodies:
    """The bodies of all requests, Socket.IO's included. The guard charges each request before anything reads it."""

    def __init__(self, guard: RequestGuard, seconds: float) -> None:
        self._guard = guard
        self._seconds = seconds
        self._coming: dict[StreamReader, tuple[float, web.Request]] = {}  # the oldest first
        self._timer: asyncio.TimerHandle | None = None
        self._is_over = False

    def middleware(self) -> Middleware:
        @web.middleware
        async def bound(request: web.Request, handler: Handler) -> web.StreamResponse:
            refusal = self._guard.charge(request)
            body = request.content
            occupied = None
            if refusal is None:
                try:
                    occupied = self._guard.occupy(request)
                except Overloaded as full:
                    refusal = problem(full)
            if refusal is not None:
                if not body.is_eof():
                    request.protocol.close()  # after the answer; further bytes are dropped
                return refusal
            try:
                return await (handler(request) if body.is_eof() else self._read_by(handler, request))
            finally:
                if occupied is not None:
                    occupied.remove_socket()

        return bound

    async def _read_by(self, handler: Handler, request: web.Request) -> web.StreamResponse:
        """Run the handler while the body arrives."""
        body = request.content
        if self._is_over:
            _end(body, web.HTTPServiceUnavailable(headers={"Retry-After": "1"}))
        self._expect(body, request)
        try:
            return await handler(request)
        finally:
            self._coming.pop(body, None)
            if request.content_length is None:
                self._guard.charge_bytes(request, body.total_bytes)

    def end(self) -> None:
        """Answer 503 to every request with an incomplete body."""
        self._is_over = True
        for body in self._coming:
            _end(body, web.HTTPServiceUnavailable(headers={"Retry-After": "1"}))

    def _expect(self, body: StreamReader, request: web.Request) -> None:
        loop = asyncio.get_running_loop()
        self._coming[body] = (loop.time(), request)
        if self._timer is None:
            period = min(_PERIOD_SECONDS, self._seconds / 4)
            self._timer = loop.call_later(period, self._check, period)

    def _check(self, period: float) -> None:
        """Answer 408 to late bodies, and to the oldest while all together have too many bytes."""
        loop = asyncio.get_running_loop()
        held = sum(body.total_bytes for body in self._coming)
        for body, (since, request) in list(self._coming.items()):
            if body.is_eof():
                continue
            if loop.time() - since < self._seconds and held <= MOST_BYTES:
                break
            held -= body.total_bytes
            del self._coming[body]
            _end(body, web.HTTPRequestTimeout())
            request.protocol.close()  # after the answer; further bytes are not read
        self._timer = loop.call_later(period, self._check, period) if self._coming else None


def _end(body: StreamReader, error: web.HTTPException) -> None:
    if not body.is_eof():
        body.set_exception(error)
        body.feed_eof()  # else aiohttp waits for the rest all the same
