"""The plain WebSocket: `GET /api/calendars/{id}/socket`. The first message is the subscribe answer, then changes."""

from __future__ import annotations

from typing import ClassVar

from aiohttp import web

from models.contract.changes import encode
from models.contract.errors import BadRequest
from realtime.engine import Counters, Limits, Packet, WebSocket, answer_handshake, is_handshake, take_over
from realtime.engine.websocket.frame import CloseCode, Opcode, encode_frame
from realtime.engine.websocket.handshake import BadHandshake
from realtime.transports.stream import DRAIN, Streams, StreamSubscriptions

NO_PONG = "ping timeout"

_PING = encode_frame(Opcode.PING, b"")


def plain_frames(packet: Packet) -> bytes:
    """Write a packet's events, each as a text frame."""
    return b"".join([encode_frame(Opcode.TEXT, event.payload) for event in packet.events])


class PlainSocket(WebSocket):
    """The connection of one client. It reads messages for the pongs among them, and ignores the rest."""

    __slots__ = ("has_answered", "streams")

    kind: ClassVar[str] = "socket"

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.format = plain_frames
        self.has_answered = True
        self.streams: Streams | None = None

    def data_received(self, data: bytes) -> None:
        """Take any bytes as an answer to the last ping (asyncio.Protocol)."""
        self.has_answered = True
        super().data_received(data)

    def send_heartbeat(self) -> None:
        """Ping; close the connection of a client that has not answered the last ping."""
        if not self.has_answered:
            self.abort(NO_PONG)
            return
        self.has_answered = False
        self.put(_PING)

    def close_for_drain(self) -> None:
        self.shut(CloseCode.GOING_AWAY, DRAIN)

    def on_end(self, reason: str) -> None:  # noqa: ARG002 - the hook's signature
        """Run the endings of the stream (ConnectionWriter)."""
        if self.streams is not None:
            self.streams.remove(self)


class PlainWebSockets:
    """The handler of the route."""

    def __init__(self, subscriptions: StreamSubscriptions) -> None:
        self._subscriptions = subscriptions

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/calendars/{id}/socket", self.socket, allow_head=False)]

    async def socket(self, request: web.Request) -> web.StreamResponse:
        """Open a WebSocket and send the answer, a snapshot or the missed changes."""
        if not is_handshake(request):
            raise BadRequest("This address is a WebSocket's.")
        try:
            head = answer_handshake(request)
        except BadHandshake as fault:
            raise BadRequest(f"{fault}.") from fault
        identity, wanted = await self._subscriptions.read(request, request.query.get("after"))
        stream = self._subscriptions.open(PlainSocket, request)
        subscriber, joined = await self._subscriptions.join(request, stream, identity, wanted)
        response = take_over(request, stream, head)
        first = b'{"ok":true,"mode":%b,%b' % (encode(joined.mode), joined.body)
        stream.put_reply(encode_frame(Opcode.TEXT, first))
        self._subscriptions.keep(stream, subscriber, joined, identity)
        return response
