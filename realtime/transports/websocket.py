"""The plain WebSockets: `GET /api/socket` or `/` for any number of calendars, `/api/calendars/{id}/socket` for one.

The socket of one calendar begins with the subscribe answer. Both take every request (see `socket_session`).
"""

from __future__ import annotations

import asyncio
from typing import ClassVar

from aiohttp import web

from models.contract.changes import encode
from models.contract.errors import BadRequest
from realtime.access.auth import Identity
from realtime.engine import (
    Counters,
    HandedOverResponse,
    Limits,
    Packet,
    WebSocket,
    answer_handshake,
    is_handshake,
    take_over,
)
from realtime.engine.websocket.frame import CloseCode, Opcode, encode_frame
from realtime.engine.websocket.handshake import BadHandshake
from realtime.http.api import calendar_of
from realtime.http.middleware import RequestGuard
from realtime.http.query import wants_beats
from realtime.transports.socket_session import SocketParts, SocketSession
from realtime.transports.stream import DRAIN, Streams, StreamSubscriptions

NO_PONG = "ping timeout"
MOST_AT_ONCE = 16  # requests of one client; its next ones stay unread

_PING = encode_frame(Opcode.PING, b"")
_BINARY = b'{"ok":false,"error":{"code":"bad_request","message":"A message is text, a JSON object.","retryable":false}}'


def plain_frames(packet: Packet) -> bytes:
    """Write a packet's events, each as a text frame."""
    return b"".join([encode_frame(Opcode.TEXT, event.payload) for event in packet.events])


class PlainSocket(WebSocket):
    """The connection of one client. It reads nothing while the client has too many requests or unread answers."""

    __slots__ = ("_delays", "_is_leaving", "_tasks", "has_answered", "session", "streams")

    kind: ClassVar[str] = "socket"

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.format = plain_frames
        self.has_answered = True
        self.session: SocketSession | None = None
        self.streams: Streams | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._delays = 0
        self._is_leaving = False

    def data_received(self, data: bytes) -> None:
        """Take any bytes as an answer to the last ping (asyncio.Protocol)."""
        self.has_answered = True
        if self.late_since:
            self.read_late(data)
        else:
            super().data_received(data)

    def on_text(self, text: str) -> None:
        """Answer a message. Messages begin in order."""
        if self.session is not None and not self.session.refuse_early(text, self.late_since):
            task = asyncio.create_task(self.session.answer(text, self.late_since))
            self._tasks.add(task)
            task.add_done_callback(self._on_answered)
        if not self._may_read():
            self.pause_reading()

    def on_binary(self, data: bytes) -> None:  # noqa: ARG002 - the hook's signature
        """Refuse a binary message."""
        self.reply(_BINARY)

    def reply(self, answer: bytes) -> None:
        """Send the answer to a request."""
        self.counters.packets_out += 1
        self.counters.bytes_out += len(answer)
        self.put_reply(encode_frame(Opcode.TEXT, answer))

    def _on_answered(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._is_leaving and not self._tasks:
            self.shut(CloseCode.GOING_AWAY, DRAIN)
        else:
            self.read_on()

    def _may_read(self) -> bool:
        return not (self.is_congested or self._delays or self._is_leaving) and len(self._tasks) < MOST_AT_ONCE

    def read_on(self) -> None:
        """Resume reading if nothing is in the way (WebSocket)."""
        if self._may_read():
            self.resume_reading()

    def begin_delay(self) -> None:
        """Read nothing until `end_delay`, also when requests end meanwhile."""
        self._delays += 1
        super().begin_delay()

    def end_delay(self) -> None:
        """Read on, unless the client has gone."""
        self._delays -= 1
        super().end_delay()

    def send_heartbeat(self) -> None:
        """Ping; close the connection of a client that has not answered the last ping, if it would have been read."""
        if self.is_reading_paused:
            return
        if not self.has_answered:
            self.abort(NO_PONG)
            return
        self.has_answered = False
        self.put(_PING)

    def send_beat(self, beat: str) -> None:
        """Send a beat, unless other bytes are on their way to the client."""
        if self.is_open and not self.is_congested:
            self.put(encode_frame(Opcode.TEXT, encode({"beat": beat})))

    def close_for_drain(self) -> None:
        """Close once the running requests are answered. The further ones stay unread."""
        self._is_leaving = True
        self.pause_reading()
        if not self._tasks:
            self.shut(CloseCode.GOING_AWAY, DRAIN)

    def on_end(self, reason: str) -> None:  # noqa: ARG002 - the hook's signature
        """Run the endings of the stream (ConnectionWriter)."""
        if self.streams is not None:
            self.streams.remove(self)


class PlainWebSockets:
    """The handlers of the routes."""

    def __init__(self, subscriptions: StreamSubscriptions, parts: SocketParts) -> None:
        self._subscriptions = subscriptions
        self._parts = parts

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/calendars/{id}/socket", self.one_calendar, allow_head=False),
            web.get("/api/socket", self.any_calendar, allow_head=False),
        ]

    async def one_calendar(self, request: web.Request) -> web.StreamResponse:
        """Open a WebSocket and send the answer, a snapshot or the missed changes."""
        head = _head(request, self._subscriptions.guard)
        identity, wanted = await self._subscriptions.read(request, request.query.get("after"))
        socket = self._subscriptions.open(PlainSocket, request)
        subscriber, joined = await self._subscriptions.join(calendar_of(request), socket, identity, wanted)
        session, response = self._begin(request, socket, identity, head)
        socket.reply(session.follow(subscriber, joined))
        self._subscriptions.register(socket, socket, session.close)
        return response

    async def any_calendar(self, request: web.Request) -> web.StreamResponse:
        """Open a WebSocket. The client says what it follows."""
        head = _head(request, self._subscriptions.guard)
        identity, _ = await self._subscriptions.read(request, None)
        socket = self._subscriptions.open(PlainSocket, request)
        session, response = self._begin(request, socket, identity, head)
        self._subscriptions.register(socket, socket, session.close)
        return response

    def _begin(
        self, request: web.Request, socket: PlainSocket, identity: Identity, head: bytes
    ) -> tuple[SocketSession, HandedOverResponse]:
        named = identity.principal.calendars if "ticket" in request.query else None
        session = socket.session = SocketSession(self._parts, socket, identity, socket.reply, named=named)
        response = take_over(request, socket, head)
        if wants_beats(request):
            streams = self._subscriptions.streams
            socket.send_beat(streams.beat_now())
            streams.add_beat(socket, socket.send_beat)
        return session, response


def _head(request: web.Request, guard: RequestGuard) -> bytes:
    """Return the head of the answer to a handshake; BadRequest for any other request."""
    if not is_handshake(request):
        raise BadRequest("This address is a WebSocket's.")
    wants_beats(request)  # refused here, as the address `/` is in no table of parameters
    try:
        return answer_handshake(request, guard.handshake_lines(request))
    except BadHandshake as fault:
        raise BadRequest(f"{fault}.") from fault
