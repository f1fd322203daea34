"""Passes requests of Socket.IO sessions on to the servers that have them, so that no load balancer needs to.

The id of a session begins with the mark of its server's internal URL, and the servers tell each other their URLs in
their beats. A poll or a payload is passed on as a request, and a WebSocket as a connection: bytes are copied as they
come. The other server believes the client's address, as it is signed by the secret.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable, Collection
from contextlib import suppress
from hashlib import blake2b
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web

from realtime.access.relay_mark import HEADER, RelayMark
from realtime.engine import HandedOverResponse, RejectedRequest
from realtime.engine.engineio.polling import PollProtocol
from realtime.engine.websocket.handshake import is_handshake
from realtime.nodes.workers import WorkerLinks, head_of

CONNECT_SECONDS = 2.0
ANSWER_SECONDS = 90.0  # longer than a poll waits
LOOK_SECONDS = 1.0  # between two looks whether the other server is still there
WARN_AGAIN_SECONDS = 60.0
_UNKNOWN = "The session is unknown."
_MARK_BYTES = 6
_SEPARATOR = "~"
_MOST_DIGITS = 2  # a client that makes up an id must not open connections of its own number
_HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "content-length", "expect"}
# aiohttp would add them: the answer to a client that reads no compressed ones would then be compressed.
_NO_OTHERS = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")

_log = logging.getLogger("slotcast.relay")


class Relay:
    """The sessions elsewhere: on another server, or on another worker of this one (`links`).

    `url` is this server's own internal URL, and `peer_urls` returns those of the others.
    """

    def __init__(
        self,
        url: str,
        mark: RelayMark,
        address_of: Callable[[web.Request], str],
        peer_urls: Callable[[], Collection[str]],
        links: WorkerLinks | None,
    ) -> None:
        self._here = _mark_of(url)
        self._mark = mark
        self._address_of = address_of
        self._peer_urls = peer_urls
        self._links = links
        self._sessions: dict[str, ClientSession] = {}
        self._warns_from: dict[str, float] = {}  # the time of the next warning, by URL
        self.relayed = 0

    @property
    def sid_prefix(self) -> str:
        return f"{self._here}{_SEPARATOR}{self._links.sid_prefix if self._links is not None else ''}"

    def is_elsewhere(self, sid: str) -> bool:
        """Say if the session is another server's or another worker's."""
        place, separator, rest = sid.partition(_SEPARATOR)
        if not separator:
            return False
        return place != self._here or (self._links is not None and self._links.is_elsewhere(rest))

    async def hand_over(self, request: web.Request, sid: str) -> web.StreamResponse:
        """Pass the request on to the session's server. RejectedRequest if that is unknown or has gone."""
        place, _, rest = sid.partition(_SEPARATOR)
        if place == self._here:
            assert self._links is not None
            return await self._links.hand_over(request, rest)
        url = next((url for url in self._peer_urls() if _mark_of(url) == place), None)
        if url is None or self._mark.read(request) is not None:  # nothing is passed on twice
            raise RejectedRequest(_UNKNOWN)
        if not request.raw_path.startswith("/"):  # behind the URL, a target with a host would name another server
            raise RejectedRequest(_UNKNOWN)
        self.relayed += 1
        mark = self._mark.write(request, self._address_of(request))
        try:
            if is_handshake(request):
                return await _connect(request, url, mark)
            return await self._ask(request, url, mark, worker_of(rest))
        except (ClientError, OSError, TimeoutError) as error:
            self._note(url, error)
            raise RejectedRequest(_UNKNOWN) from error

    def _note(self, url: str, error: Exception) -> None:
        """Log that a server does not answer, as a warning now and then: its SLOTCAST_PEER_URL may be wrong."""
        now = time.monotonic()
        is_due = now >= self._warns_from.get(url, 0.0)
        if is_due:
            self._warns_from[url] = now + WARN_AGAIN_SECONDS
        level = logging.WARNING if is_due else logging.INFO
        _log.log(level, "The server with SLOTCAST_PEER_URL=%s does not answer: %r", url, error)

    async def close(self) -> None:
        for session in self._sessions.values():
            await session.close()

    async def _ask(self, request: web.Request, url: str, mark: str, worker: str) -> web.StreamResponse:
        """Pass one request on, and give it up when its client leaves."""
        body = await request.read()
        transport = request.transport
        if transport is None or transport.is_closing():
            raise RejectedRequest(_UNKNOWN)
        asking = asyncio.ensure_future(self._answer(request, url, mark, body, worker))
        transport.set_protocol(PollProtocol(request.protocol, lambda: _cancel(asking)))
        try:
            return await self._wait(asking, url)
        except asyncio.CancelledError:
            if transport.is_closing():
                raise RejectedRequest(_UNKNOWN) from None
            raise
        finally:
            asking.cancel()
            if not transport.is_closing():
                transport.set_protocol(request.protocol)

    async def _wait(self, asking: asyncio.Future[web.StreamResponse], url: str) -> web.StreamResponse:
        """Return the answer. RejectedRequest once the other server is not heard any more: it has frozen."""
        while not (await asyncio.wait([asking], timeout=LOOK_SECONDS))[0]:
            if url not in self._peer_urls():
                raise RejectedRequest(_UNKNOWN)
        return await asking

    async def _answer(self, request: web.Request, url: str, mark: str, body: bytes, worker: str) -> web.StreamResponse:
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in _HOP_BY_HOP]
        headers = [(name, value) for name, value in headers if name.lower() != HEADER.lower()]
        async with self._connections(worker).request(
            request.method,
            f"{url}{request.raw_path}",
            headers=[*headers, (HEADER, mark)],
            data=body or None,
            skip_auto_headers=_NO_OTHERS,
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in _HOP_BY_HOP]
            return web.Response(status=answer.status, headers=kept, body=await answer.read())

    def _connections(self, worker: str) -> ClientSession:
        """Return the connections for sessions of workers of this number.

        A worker hands a request for another one over with its connection. So a connection is with the right worker from
        its second request on, where all of its requests are for the same one.
        """
        session = self._sessions.get(worker)
        if session is None:
            timeout = ClientTimeout(total=ANSWER_SECONDS, sock_connect=CONNECT_SECONDS)
            session = self._sessions[worker] = ClientSession(
                timeout=timeout, connector=TCPConnector(limit=0), auto_decompress=False, raise_for_status=False
            )
        return session


def worker_of(rest: str) -> str:
    """Return the number of the worker that a session's id names, of at most two digits; "" without one."""
    number, dot, _ = rest.partition(".")
    return number if dot and len(number) <= _MOST_DIGITS and number.isascii() and number.isdigit() else ""


def _cancel(task: asyncio.Future[web.StreamResponse]) -> None:
    task.cancel()


def _mark_of(url: str) -> str:
    """Return the mark of a server's URL: clients see it, and not the URL."""
    return blake2b(url.encode(), digest_size=_MARK_BYTES).hexdigest()


class _Pipe(asyncio.Protocol):
    """Writes what one connection brings to the other one."""

    def __init__(self) -> None:
        self.other: asyncio.Transport | None = None

    def data_received(self, data: bytes) -> None:
        if self.other is not None:
            self.other.write(data)

    def pause_writing(self) -> None:
        if self.other is not None and not self.other.is_closing():
            self.other.pause_reading()

    def resume_writing(self) -> None:
        if self.other is not None and not self.other.is_closing():
            self.other.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the protocol's signature
        if self.other is not None:
            self.other.close()


async def _connect(request: web.Request, url: str, mark: str) -> HandedOverResponse:
    """Connect the client with the other server: from now on each gets what the other sends."""
    transport, handler = request.transport, request.protocol
    if transport is None or transport.is_closing():
        raise RejectedRequest(_UNKNOWN)
    transport.pause_reading()
    parts = urlsplit(url)
    tls = ssl.create_default_context() if parts.scheme == "https" else None
    here, there = _Pipe(), _Pipe()
    loop = asyncio.get_running_loop()
    port = parts.port or (443 if tls else 80)
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            peer, _ = await loop.create_connection(lambda: there, parts.hostname or "", port, ssl=tls)
    except BaseException:
        with suppress(RuntimeError):
            transport.resume_reading()
        raise
    here.other, there.other = peer, transport
    transport.set_protocol(here)
    handler.transport = None
    handler.connection_lost(None)  # or it would close the transport
    if transport.is_closing():
        peer.close()
    else:
        peer.write(head_of(request, b"", {HEADER: mark}) + handler._message_tail)  # noqa: SLF001 - frames sent early
        transport.resume_reading()
    return HandedOverResponse()
