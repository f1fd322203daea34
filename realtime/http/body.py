"""Bodies that are still on their way: the end of the server does not wait for the rest of them.

Once it has begun aiohttp reads nothing more, so what is missing then never comes.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import StreamReader, web
from aiohttp.typedefs import Middleware

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Bodies:
    """Those of all requests, also of Socket.IO's."""

    def __init__(self) -> None:
        self._coming: set[StreamReader] = set()
        self._is_over = False

    def middleware(self) -> Middleware:
        @web.middleware
        async def watch(request: web.Request, handler: Handler) -> web.StreamResponse:
            body = request.content
            if body.is_eof():
                return await handler(request)
            if self._is_over:
                _end(body)
            self._coming.add(body)
            try:
                return await handler(request)
            finally:
                self._coming.discard(body)

        return watch

    def end(self) -> None:
        """Whoever waits for the rest of a body answers 503."""
        self._is_over = True
        for body in self._coming:
            _end(body)


def _end(body: StreamReader) -> None:
    if not body.is_eof():
        body.set_exception(web.HTTPServiceUnavailable(headers={"Retry-After": "1"}))
        body.feed_eof()  # else aiohttp waits for the rest all the same, to be polite
