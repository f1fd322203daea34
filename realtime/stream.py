"""Clients with nothing but EventSource or a WebSocket: one connection, one calendar, the same changes and the same cap.

Those who can't even hold a connection open ask again and again (long poll); here they are only counted, and seen off.

A format says how a packet of changes looks to them; everything else is the engine's outlet. All heartbeats are on one
timer.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import ClassVar

from realtime.engine import Counters, Limits, Outlet, Packet, WebSocket, cost_of
from realtime.engine.frame import CloseCode, Opcode, encode_frame
from realtime.fan_out import SLICE_SECONDS

HEARTBEAT_SECONDS = 15.0
RETRY_MILLISECONDS = range(1_000, 5_001)  # one of them each, or after a restart all would be back at once
SILENT = "ping timeout"
DRAIN = "drain"
LONG_POLL = "longpoll"

_PING = encode_frame(Opcode.PING, b"")
_COMMENT = b":\n\n"


def event_stream(packet: Packet) -> bytes:
    """Server-sent events (HTML Standard, 9.2): the cursor as `id`, and no `event`, which EventSource would drop."""
    return b"".join([b"id: %b\ndata: %b\n\n" % (event.id, event.payload) for event in packet.events])


def plain_frames(packet: Packet) -> bytes:
    """A text frame a change."""
    return b"".join([encode_frame(Opcode.TEXT, event.payload) for event in packet.events])


def named_event(name: str, data: bytes, cursor: str = "") -> bytes:
    """One server-sent event with a name: a snapshot, or word that the cursor is gone."""
    head = f"id: {cursor}\n" if cursor else ""
    return b"%bevent: %b\ndata: %b\n\n" % (head.encode(), name.encode(), data)


class EventStream(Outlet):
    """A stream of server-sent events; what the client sends after its request is of no interest."""

    __slots__ = ("is_heard", "streams")

    kind: ClassVar[str] = "sse"

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.format = event_stream
        self.is_heard = True
        self.streams: Streams | None = None

    def data_received(self, data: bytes) -> None:
        """Nothing is expected, so it is only counted (asyncio.Protocol)."""
        if self.is_open:
            self.spend(cost_of(len(data)))

    def pause(self, seconds: float) -> None:
        """Leave what comes in the kernel for so long."""
        if self.transport is not None:
            self.transport.pause_reading()
            asyncio.get_running_loop().call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        if self.is_open and self.transport is not None:
            self.transport.resume_reading()

    def beat(self) -> None:
        """Keeps proxies from giving up on a silent response, and finds out who has gone."""
        self.put(_COMMENT)

    def bid_farewell(self) -> None:
        self.finish(DRAIN)

    def on_end(self, reason: str) -> None:  # noqa: ARG002 - the hook's signature
        """The connection is over (Outlet)."""
        if self.streams is not None:
            self.streams.forget(self)


class PlainSocket(WebSocket):
    """A WebSocket that only listens; what its client says is read, so that pongs are, and ignored."""

    __slots__ = ("is_heard", "streams")

    kind: ClassVar[str] = "socket"

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.format = plain_frames
        self.is_heard = True
        self.streams: Streams | None = None

    def data_received(self, data: bytes) -> None:
        """Anything shows that the client is there (asyncio.Protocol)."""
        self.is_heard = True
        super().data_received(data)

    def beat(self) -> None:
        """Pings; who has not answered the last one by now is gone."""
        if not self.is_heard:
            self.abort(SILENT)
            return
        self.is_heard = False
        self.put(_PING)

    def bid_farewell(self) -> None:
        self.shut(CloseCode.GOING_AWAY, DRAIN)

    def on_end(self, reason: str) -> None:  # noqa: ARG002 - the hook's signature
        """The connection is over (Outlet)."""
        if self.streams is not None:
            self.streams.forget(self)


Stream = EventStream | PlainSocket
Ending = Callable[[], None]
Act = Callable[[Stream], None]


class Streams:
    """All of them: their heartbeat, their seats, and their end."""

    def __init__(self, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._heartbeat_seconds = heartbeat_seconds
        self.open: dict[Stream, list[Ending]] = {}
        self.is_draining = False
        self._polls: set[asyncio.Timeout] = set()
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._beat(), name="heartbeat")

    def add(self, stream: Stream, *endings: Ending) -> None:
        """From now on the stream is kept alive; when it ends, so does what is given with it."""
        stream.streams = self
        self.open[stream] = list(endings)
        if not stream.is_open:
            self.forget(stream)

    def forget(self, stream: Stream) -> None:
        for ending in self.open.pop(stream, ()):
            ending()

    @asynccontextmanager
    async def polling(self, seconds: float) -> AsyncIterator[None]:
        """A long poll: what it waits for is given up after so many seconds, or when the server ends."""
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self.is_draining else seconds) as patience:
                self._polls.add(patience)
                try:
                    yield
                finally:
                    self._polls.discard(patience)

    def count(self, kind: str) -> int:
        if kind == LONG_POLL:
            return len(self._polls)
        return sum(stream.kind == kind for stream in self.open)

    async def _beat(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            await self._each(lambda stream: stream.beat())

    async def close(self) -> None:
        """Ends every stream in good order; clients come back by their cursor."""
        self.is_draining = True
        for patience in self._polls:
            if not patience.expired():
                patience.reschedule(0)
        if self._task is not None:
            self._task.cancel()
        await self._each(lambda stream: stream.bid_farewell())

    async def _each(self, act: Act) -> None:
        until = time.perf_counter() + SLICE_SECONDS
        for stream in list(self.open):
            if time.perf_counter() >= until:
                await asyncio.sleep(0)
                until = time.perf_counter() + SLICE_SECONDS
            act(stream)
