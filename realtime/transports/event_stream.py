"""The connection and the format of server-sent events, for one calendar (`sse`) and for many (`sse_many`).

The format is the HTML Standard's, section 9.2. A change has no `event` line: EventSource would give it to no
`onmessage` handler.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from itertools import chain
from typing import ClassVar

from aiohttp import web

from realtime.engine import ConnectionWriter, Counters, Limits, Packet, cost_of
from realtime.http.problem import EVERY_ANSWER, REQUEST_ID
from realtime.http.query import wants_beats
from realtime.transports.stream import DRAIN, Streams, StreamSubscriptions

RETRY_MILLISECONDS = range(1_000, 5_001)  # a random one each, or after a crash all would reconnect at once
STOP_RETRY_MILLISECONDS = range(200, 2_001)  # other servers are there: back within three seconds
DRAIN_RETRY_MILLISECONDS = range(200, 1_001)  # a drain has spread them already

_COMMENT = b":\n\n"
_BEAT = b":beat %b\n\n"  # the first one announces the others


def event_stream(packet: Packet) -> bytes:
    """Write a packet's events, each with its cursor as `id`."""
    return b"".join([b"id: %b\ndata: %b\n\n" % (event.id, event.payload) for event in packet.events])


def events_without_id(packet: Packet) -> bytes:
    """Write a packet's events. Their cursors are in them."""
    return b"".join([b"data: %b\n\n" % event.payload for event in packet.events])


def named_event(name: str, data: bytes, cursor: str = "") -> bytes:
    """Write one event with a name: `snapshot`, or `reset` for a cursor that is gone."""
    head = f"id: {cursor}\n" if cursor else ""
    return b"%bevent: %b\ndata: %b\n\n" % (head.encode(), name.encode(), data)


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

    def send_beat(self, beat: str) -> None:
        """Send a beat, unless other bytes are on their way to the client."""
        if self.is_open and not self.is_congested:
            self.put(_BEAT % beat.encode())

    def close_for_drain(self) -> None:
        """End the response, with a short wait before the client comes back."""
        is_spread = self.streams is not None and self.streams.refuses
        self.finish(DRAIN, _retry(DRAIN_RETRY_MILLISECONDS if is_spread else STOP_RETRY_MILLISECONDS))

    def on_end(self, reason: str) -> None:  # noqa: ARG002 - the hook's signature
        """Run the endings of the stream (ConnectionWriter)."""
        if self.streams is not None:
            self.streams.remove(self)


def stream_head(request: web.Request, subscriptions: StreamSubscriptions) -> bytes:
    """Write the response's head. The response ends with the connection; no proxy may buffer or change it."""
    headers = {
        **EVERY_ANSWER,
        "Content-Type": "text/event-stream; charset=utf-8",
        "Cache-Control": "no-cache, no-store, no-transform",
        "X-Accel-Buffering": "no",
        "X-Request-ID": request[REQUEST_ID],
        "Connection": "close",
        **subscriptions.guard.headers(request),
    }
    lines = chain(("HTTP/1.1 200 OK",), (f"{name}: {value}" for name, value in headers.items()), ("", ""))
    return "\r\n".join(lines).encode(errors="surrogateescape")  # an origin in bytes goes back as it came


def first_lines(request: web.Request, stream: EventStream, streams: Streams) -> bytes:
    """Begin the beats that a client asks for; return the lines before its first event."""
    beat = b""
    if wants_beats(request):
        beat = _BEAT % streams.beat_now().encode()  # before a snapshot that may fill every buffer on the way
        streams.add_beat(stream, stream.send_beat)
    return _retry(RETRY_MILLISECONDS) + beat


def _retry(milliseconds: Sequence[int]) -> bytes:
    """Write a random wait before the client's next connection."""
    return b"retry: %d\n\n" % random.choice(milliseconds)  # noqa: S311 - a wait is no secret
