"""The two requests of long polling: a GET that waits for packets, a POST that brings some."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from aiohttp import web
from aiohttp.http import HttpProcessingError

from realtime.engine.admission import SLICE_SECONDS
from realtime.engine.budget import cost_of
from realtime.engine.engineio.session import NOOP, Connection, decode_packet

UNREADABLE: Final = (web.RequestPayloadError, HttpProcessingError)  # a body that is not what its head says
MOST_PACKETS: Final = 16  # in one payload: python-engineio's client takes more for an attack, and hangs up
_OK: Final = b"ok"
CUT_OFF_SECONDS: Final = 5  # after which a client that was cut off may come back
_OVER: Final = "The session is over; connect again."


class TooMuch(Exception):
    """The client has sent more than its budget, and is cut off."""


def refuse_too_much() -> web.Response:
    """Answer 429 to who was cut off; its transport closes."""
    response = web.Response(status=429, headers={"Retry-After": str(CUT_OFF_SECONDS)}, text="Too many requests.")
    response.force_close()
    return response


class PollWatch(asyncio.Protocol):
    """Sits before aiohttp's handler while a poll waits, to learn that the client has hung up.

    aiohttp tells a handler only when it is made to cancel handlers everywhere.
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
        """Tell both."""
        self._on_lost()
        self._handler.connection_lost(exc)


async def answer_poll(connection: Connection, request: web.Request, compress_above: int | None) -> web.StreamResponse:
    """Wait for packets and send them, a few at a time. A second poll beside it ends the session."""
    mailbox = connection.mailbox
    transport = request.transport
    if mailbox is None:
        return web.Response(status=400, text=_OVER)
    if transport is None or transport.is_closing():
        connection.abort("transport error")  # hung up before its poll had its turn
        return web.Response(status=400, text=_OVER)
    if mailbox.is_polled:
        connection.depart("parse error")
        return web.Response(status=400, text="Another poll is waiting.")
    mailbox.is_polled = True
    watch = PollWatch(request.protocol, lambda: connection.abort("transport error"))
    transport.set_protocol(watch)
    try:
        await mailbox.wait()
    except asyncio.CancelledError:
        connection.abort("transport error")
        raise
    finally:
        mailbox.is_polled = False
        if not transport.is_closing():
            transport.set_protocol(request.protocol)
    is_going_on = connection.mailbox is mailbox and not mailbox.is_ended
    body = connection.take_mail(MOST_PACKETS) if is_going_on else mailbox.take()
    if not body and mailbox.is_ended:
        return web.Response(status=503 if connection.server.is_draining else 400, text=_OVER)
    body = body or NOOP
    if is_going_on and body is NOOP and not connection.spend(1):  # while it upgrades each poll is answered at once
        return refuse_too_much()
    response = web.Response(body=body, content_type="text/plain", charset="utf-8")
    if compress_above is not None and len(body) >= compress_above:
        response.enable_compression()
    response.headers.update(connection.server.origins.headers(request))
    mailbox.transport = transport
    try:
        await response.prepare(request)
        await response.write_eof()
    except ConnectionError:
        connection.abort("transport error")
    finally:
        mailbox.transport = None
    return response


def is_encoded(request: web.BaseRequest) -> bool:
    """Whether the body is compressed, or says so: it is taken neither way, as a small one may become any size."""
    named = request.headers.getall("Content-Encoding", ())
    return any(part.strip().lower() not in {"", "identity"} for line in named for part in line.split(","))


async def take_post(connection: Connection, request: web.Request) -> web.StreamResponse:
    """Take the packets of one payload, in order. A fault in any ends the session."""
    mailbox = connection.mailbox
    if mailbox is None or mailbox.is_posted:
        if mailbox is not None:
            connection.depart("parse error")
        return web.Response(status=400, text="This session takes no payload now.")
    if is_encoded(request):
        return web.Response(status=415, text="The server takes no compressed bodies.")
    mailbox.is_posted = True
    try:
        return await _take(connection, request)
    except TooMuch:
        return refuse_too_much()
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


async def _take(connection: Connection, request: web.Request) -> web.Response:
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


async def _deliver(connection: Connection, body: bytes) -> bool:
    """Hand on each packet; false if one of them was the session's fault and end.

    A payload may be half a million packets: every few milliseconds the loop is let go.
    """
    clock = asyncio.get_running_loop().time
    until = clock() + SLICE_SECONDS
    for text in _split(body.decode()):
        if clock() >= until:
            await asyncio.sleep(0)
            until = clock() + SLICE_SECONDS
        if not connection.spend(cost_of(len(text))):
            raise TooMuch
        await connection.until_released()
        if connection.closed:
            return False
        packet = decode_packet(text)
        if isinstance(packet, bytes):
            connection.on_binary(packet)
        else:
            connection.on_text(packet)
        if not connection.is_open:
            return packet == "1"
    return True


def _split(payload: str) -> Iterator[str]:
    """One at a time: a megabyte of separators must not become a million strings at once."""
    at = 0
    while True:
        stop = payload.find("\x1e", at)
        if stop < 0:
            yield payload[at:]
            return
        yield payload[at:stop]
        at = stop + 1
