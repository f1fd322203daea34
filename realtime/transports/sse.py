"""Server-sent events: `GET /api/calendars/{id}/events`, for EventSource and anything that reads a response by lines.

The format is the HTML Standard's, section 9.2. An event's `id` is the cursor. A change has no `event` line: EventSource
would give it to no `onmessage` handler.
"""

from __future__ import annotations

import asyncio
import random
from itertools import chain
from typing import ClassVar

from aiohttp import web

from realtime.engine import ConnectionWriter, Counters, Limits, Packet, cost_of, take_over
from realtime.http.problem import REQUEST_ID
from realtime.rooms.recovery import Joined, Wanted
from realtime.rooms.room import public_packet
from realtime.transports.stream import DRAIN, Streams, StreamSubscriptions

RETRY_MILLISECONDS = range(1_000, 5_001)  # a random one each, or after a restart all would reconnect at once

_COMMENT = b":\n\n"


def event_stream(packet: Packet) -> bytes:
    """Write a packet's events, each with its cursor as `id`."""
    return b"".join([b"id: %b\ndata: %b\n\n" % (event.id, event.payload) for event in packet.events])


def named_event(name: str, data: bytes, cursor: str = "") -> bytes:
    """Write one event with a name: `snapshot`, or `reset` for a cursor that is gone."""
    head = f"id: {cursor}\n" if cursor else ""
    return b"%bevent: %b\ndata: %b\n\n" % (head.encode(), name.encode(), data)


def first_events(joined: Joined, wanted: Wanted) -> bytes:
    """Write the replay as single changes; or a snapshot, after a `reset` where the client had a cursor."""
    rows = joined.room.replica.replay(wanted.after) if wanted.after is not None else None
    if rows is not None:
        return event_stream(public_packet(rows))
    reset = named_event("reset", b'{"code":"cursor_gone"}') if wanted.after is not None else b""
    return reset + named_event("snapshot", b"{" + joined.body, joined.cursor)


class EventStream(ConnectionWriter):
    """The connection of one stream. It ignores everything that the client sends after its request."""

    __slots__ = ("streams",)

    kind: ClassVar[str] = "sse"

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.format = event_stream
        self.streams: Streams | None = None

    def data_received(self, data: bytes) -> None:
        """Charge for the bytes, and drop them (asyncio.Protocol)."""
        if self.is_open:
            self.spend(cost_of(len(data)))

    def delay_reading(self, seconds: float) -> None:
        """Read nothing for so long; the bytes stay in the kernel."""
        if self.transport is not None:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self._resume_reading)

    def _resume_reading(self) -> None:
        if self.is_open and self.transport is not None:
            self.transport.resume_reading()

    def send_heartbeat(self) -> None:
        """Send a comment: proxies keep the response open, and a dead peer is noticed."""
        self.put(_COMMENT)

    def send_beat(self, beat: bytes) -> None:
        """Send a beat, unless other bytes are on their way to the client."""
        if self.is_open and not self.is_congested:
            self.put(beat)

    def close_for_drain(self) -> None:
        self.finish(DRAIN)

    def on_end(self, reason: str) -> None:  # noqa: ARG002 - the hook's signature
        """Run the endings of the stream (ConnectionWriter)."""
        if self.streams is not None:
            self.streams.remove(self)


class ServerSentEvents:
    """The handler of the route."""

    def __init__(self, subscriptions: StreamSubscriptions) -> None:
        self._subscriptions = subscriptions

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/api/calendars/{id}/events", self.events, allow_head=False)]

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Open a stream. EventSource's own `Last-Event-ID` is newer than the URL's `after`."""
        after = request.headers.get("Last-Event-ID") or request.query.get("after")
        identity, wanted = await self._subscriptions.read(request, after)
        stream = self._subscriptions.open(EventStream, request)
        subscriber, joined = await self._subscriptions.join(request, stream, identity, wanted)
        response = take_over(request, stream, self._head(request))
        wait = random.choice(RETRY_MILLISECONDS)  # noqa: S311 - a wait is no secret
        streams, beat = self._subscriptions.streams, b""
        if request.query.get("beat") == "1":
            beat = streams.beat_now()  # before a snapshot that may fill every buffer on the way
            streams.add_beat(stream, stream.send_beat)
        stream.put_reply(b"retry: %d\n\n%b%b" % (wait, beat, first_events(joined, wanted)))
        self._subscriptions.keep(stream, subscriber, joined, identity)
        return response

    def _head(self, request: web.Request) -> bytes:
        """Write the response's head. The response ends with the connection; no proxy may buffer or change it."""
        headers = {
            "Content-Type": "text/event-stream; charset=utf-8",
            "Cache-Control": "no-cache, no-store, no-transform",
            "X-Accel-Buffering": "no",
            "X-Content-Type-Options": "nosniff",
            "X-Request-ID": request[REQUEST_ID],
            "Connection": "close",
            **self._subscriptions.guard.origin_headers(request),
        }
        lines = chain(("HTTP/1.1 200 OK",), (f"{name}: {value}" for name, value in headers.items()), ("", ""))
        return "\r\n".join(lines).encode()
