"""Serves the two requests of long polling: a GET waits for packets, a POST brings packets."""

import asyncio
import base64
from collections.abc import Callable, Iterator
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from realtime.engine.admission import SLICE_SECONDS
from realtime.engine.budget import cost_of
from realtime.engine.engineio.connection import NOOP, EngineConnection
from realtime.engine.engineio.mailbox import NO_POLL, SEPARATOR, Mailbox

UNREADABLE: Final = (web.RequestPayloadError, HttpProcessingError)  # a body that does not match its headers
MOST_PACKETS: Final = 16  # in one payload: python-engineio's client disconnects on more
_OK: Final = b"ok"
CUT_OFF_SECONDS: Final = 5  # before a rate-limited client may reconnect
_OVER: Final = "The session is over; connect again."
_SEPARATOR: Final = SEPARATOR.decode()


class BudgetExceeded(Exception):
    """The client has sent more than its budget and is disconnected."""


def too_many_requests() -> web.Response:
    """Return a 429 that closes the transport."""
    response = web.Response(status=429, headers={"Retry-After": str(CUT_OFF_SECONDS)}, text="Too many requests.")
    response.force_close()
    return response


class PollProtocol(asyncio.Protocol):
    """Wraps aiohttp's protocol while a poll waits, and reports the loss of the connection.

    aiohttp reports it to a handler only if handler cancellation is on for the whole application.
    """

    __slots__ = ("_handler", "_on_lost")

    def __init__(self, handler: asyncio.Protocol, on_lost: Callable[[], None]) -> None:
        self._handler = handler
        self._on_lost = on_lost

    def data_received(self, data: bytes) -> None:
        self._handler.data_received(data)

    def eof_received(self) -> bool | None:
        return self._handler.eof_received()

    def pause_writing(self) -> None:
        self._handler.pause_writing()

    def resume_writing(self) -> None:
        self._handler.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        """Report the loss to both (asyncio.Protocol)."""
        self._on_lost()
        self._handler.connection_lost(exc)


async def answer_poll(
    connection: EngineConnection, request: web.Request, compress_above: int | None
) -> web.StreamResponse:
    """Wait for packets and send them, a few at a time. A second concurrent poll ends the session.

    A poll that is sent again gets the same answer. HTTP clients and proxies send a GET again where the connection ends
    before its answer; the packets of a lost answer would be missing.
    """
    mailbox = connection.mailbox
    transport = request.transport
    if mailbox is None:
        return web.Response(status=400, text=_OVER)
    if transport is None or transport.is_closing():
        connection.abort("transport error")  # the client left before its poll was handled
        return web.Response(status=400, text=_OVER)
    if mailbox.is_polled:
        connection.depart("parse error")
        return web.Response(status=400, text="Another poll is waiting.")
    name = request.query.get("t", "")
    if name and name == mailbox.answered[0]:
        if not connection.spend(1):
            return too_many_requests()
        body = mailbox.answered[1]
    else:
        mailbox.answered = NO_POLL
        await _wait(connection, mailbox, request, transport)
        is_going_on = connection.mailbox is mailbox and not mailbox.is_ended
        body = connection.take_mail(MOST_PACKETS) if is_going_on else mailbox.take()
        if not body and mailbox.is_ended:
            return web.Response(status=503 if connection.server.is_draining else 400, text=_OVER)
        body = body or NOOP
        if is_going_on and body is NOOP and not connection.spend(1):  # during an upgrade each poll is answered at once
            return too_many_requests()
        mailbox.answered = name, body
    return await _answer(connection, mailbox, request, body, compress_above)


async def _answer(
    connection: EngineConnection,
    mailbox: Mailbox,
    request: web.Request,
    body: bytes,
    compress_above: int | None,
) -> web.StreamResponse:
    """Send the packets of one poll."""
    response = web.Response(body=body, content_type="text/plain", charset="utf-8")
    if compress_above is not None and len(body) >= compress_above:
        response.enable_compression()
    response.headers.update(connection.server.origins.headers(request))
    mailbox.transport = request.transport
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        connection.abort("transport error")
    finally:
        mailbox.transport = None
    return response


async def _wait(
    connection: EngineConnection, mailbox: Mailbox, request: web.Request, transport: asyncio.Transport
) -> None:
    """Wait for packets. Abort the session if the client leaves meanwhile."""
    mailbox.is_polled = True
    transport.set_protocol(PollProtocol(request.protocol, lambda: connection.abort("transport error")))
    try:
        await mailbox.wait()
    except asyncio.CancelledError:
        connection.abort("transport error")
        raise
    finally:
        mailbox.is_polled = False
        if not transport.is_closing():
            transport.set_protocol(request.protocol)


def is_encoded(request: web.BaseRequest) -> bool:
    """Return whether the body is, or claims to be, compressed. A small one may grow to any size, so none is taken."""
    named = request.headers.getall("Content-Encoding", ())
    return any(part.strip().lower() not in {"", "identity"} for line in named for part in line.split(","))


async def take_post(connection: EngineConnection, request: web.Request) -> web.StreamResponse:
    """Take the packets of one payload, in order. One bad packet ends the session."""
    mailbox = connection.mailbox
    if mailbox is None or mailbox.is_posted:
        if mailbox is not None:
            connection.depart("parse error")
        return web.Response(status=400, text="This session takes no payload now.")
    mailbox.is_posted = True
    try:
        return await _take(connection, request)
    except BudgetExceeded:
        return too_many_requests()
    except web.HTTPException:  # the body took too long
        connection.abort("transport error")
        raise
    except TimeoutError:
        connection.abort(connection.server.reason.PING_TIMEOUT)
        return web.Response(status=408, text="The payload has not ended in time.")
    except ConnectionError:
        connection.abort("transport error")
        return web.Response(status=400, text="The client has gone.")
    finally:
        mailbox.is_posted = False
        if not connection.is_reading_paused:
            connection.late_since = 0.0


async def _take(connection: EngineConnection, request: web.Request) -> web.Response:
    """Read the payload and deliver its packets."""
    try:
        async with asyncio.timeout(connection.server.ping_timer.patience):
            body = await _read_body(request, connection.limits.max_message_bytes)
        if body is None:
            connection.depart("parse error")
            return web.Response(status=413, text="The payload is too large.")
        is_sound = await _deliver(connection, body)
    except (ValueError, *UNREADABLE):
        connection.depart("parse error")
        is_sound = False
    if not is_sound:
        return web.Response(status=400, text="The payload is malformed.")
    return web.Response(body=_OK, content_type="text/plain")


async def _read_body(request: web.Request, limit: int) -> bytes | None:
    if (request.content_length or 0) > limit:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > limit:
            return None
    return bytes(body)


async def _deliver(connection: EngineConnection, body: bytes) -> bool:
    """Deliver each packet. Return False if a packet was malformed and ended the session.

    A payload may hold half a million packets, so this yields to the loop every few milliseconds.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + SLICE_SECONDS
    for text in _split(body.decode()):
        if clock() >= until:
            await asyncio.sleep(0)
            until = clock() + SLICE_SECONDS
        if not connection.spend(cost_of(len(text))):
            raise BudgetExceeded
        await connection.until_resumed()
        if connection.closed:
            return False
        packet = _decode_packet(text)
        if isinstance(packet, bytes):
            connection.on_binary(packet)
        else:
            connection.on_text(packet)
        if not connection.is_open:
            return packet == "1"
    return True


def _split(payload: str) -> Iterator[str]:
    """Yield one packet at a time: a megabyte of separators must not become a million strings at once."""
    at = 0
    while True:
        stop = payload.find(_SEPARATOR, at)
        if stop < 0:
            yield payload[at:]
            return
        yield payload[at:stop]
        at = stop + 1


def _decode_packet(text: str) -> str | bytes:
    """Decode one packet of a polling payload: text, or binary behind a `b`. Raises ValueError."""
    if text[:1] == "b":
        return base64.b64decode(text[1:], validate=True)
    return text
