"""Compresses the JSON answers of reads with gzip: a snapshot of 748 slots is 140 KB, and 17 KB compressed.

A large answer is compressed on a thread. Clients that ask for the same content at once share one compression. Static
files are compressed when they are built. Answers to commands stay as they are: they have tokens.
"""

from __future__ import annotations

import asyncio
import gzip
import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import hdrs, web
from aiohttp.typedefs import Middleware

LEAST_BYTES = 1_024
_LOOP_BYTES = 16_384  # compressed on the loop, in 0.06 ms
_LEVEL = 6  # 154 KB become 25 in 2.3 ms; level 1 needs 1.9 ms for 29
_GZIP = re.compile(r"(?:^|,)\s*(?:gzip|\*)\s*(?:;\s*q=(?!0(?:\.0*)?\s*(?:,|$))[^,]*)?(?=,|$)", re.IGNORECASE)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Compression:
    """The middleware, and the compressions under way by the ETag of their content."""

    def __init__(self) -> None:
        self._under_way: dict[str, asyncio.Future[bytes]] = {}

    def middleware(self) -> Middleware:
        @web.middleware
        async def compress(request: web.Request, handler: Handler) -> web.StreamResponse:
            response = await handler(request)
            if response.status == HTTPStatus.NOT_MODIFIED:
                _name_known(request, response)
            if isinstance(response, web.Response) and request.method == hdrs.METH_GET and _is_json(response):
                await self._compress(request, response)
            return response

        return compress

    async def _compress(self, request: web.Request, response: web.Response) -> None:
        body, headers = response.body, response.headers
        headers[hdrs.VARY] = f"Accept-Encoding, {headers.get(hdrs.VARY, 'Origin')}"
        if not isinstance(body, bytes) or len(body) < LEAST_BYTES or not takes_gzip(request):
            return
        etag = headers.get(hdrs.ETAG, "")
        is_short = len(body) <= _LOOP_BYTES
        response.body = gzip.compress(body, _LEVEL, mtime=0) if is_short else await self._on_thread(etag, body)
        headers[hdrs.CONTENT_ENCODING] = "gzip"
        if etag:
            headers[hdrs.ETAG] = _packed(etag)

    async def _on_thread(self, etag: str, body: bytes) -> bytes:
        """Compress on a thread. A caller with the ETag of a compression under way gets its result."""
        running = self._under_way.get(etag)
        if running is None:
            running = asyncio.ensure_future(asyncio.to_thread(gzip.compress, body, _LEVEL, mtime=0))
            if etag:
                self._under_way[etag] = running
                running.add_done_callback(lambda _: self._under_way.pop(etag, None))
        return await asyncio.shield(running)


def _name_known(request: web.Request, response: web.StreamResponse) -> None:
    """Name the representation that the client has, in the answer that nothing has changed."""
    packed = _packed(response.headers.get(hdrs.ETAG, ""))
    if packed and packed in request.headers.get(hdrs.IF_NONE_MATCH, ""):
        response.headers[hdrs.ETAG] = packed


def _packed(etag: str) -> str:
    """Return the ETag of the compressed representation (RFC 9110, 8.8.3); none for none."""
    return etag and f'{etag[:-1]}-gzip"'


def takes_gzip(request: web.Request) -> bool:
    """Say if the client accepts gzip (RFC 9110, 12.5.3)."""
    return _GZIP.search(request.headers.get(hdrs.ACCEPT_ENCODING, "")) is not None


def _is_json(response: web.Response) -> bool:
    return response.content_type == "application/json" and hdrs.CONTENT_ENCODING not in response.headers
