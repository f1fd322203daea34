"""Clients with nothing but EventSource or a WebSocket: one connection, one calendar, the same changes and the same cap.

Those who can't even hold a connection open ask again and again (long poll); here they are only counted, and seen off.

A format says how a packet of changes looks to them; everything else is the engine's outlet. All heartbeats are on one
timer.
"""

from __future__ import annotations

import asyncio
import functools
import time
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import ClassVar, TypeVar

from models.contract.time import Clock, write_time
from realtime.engine import ConnectionWriter, Counters, Limits, Packet, WebSocket, cost_of
from realtime.engine.websocket.frame import CloseCode, Opcode, encode_frame
from realtime.rooms.fan_out import SLICE_SECONDS

HEARTBEAT_SECONDS = 15.0
BEAT_SECONDS = 3.0  # for who asks, to notice a dead network by
RETRY_MILLISECONDS = range(1_000, 5_001)  # one of them each, or after a restart all would be back at once
SILENT = "ping timeout"
DRAIN = "drain"
LONG_POLL = "longpoll"

_PING = encode_frame(Opcode.PING, b"")
_COMMENT = b":\n\n"
_BEAT = b":beat %b\n\n"  # the first one promises the others


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


class EventStream(ConnectionWriter):
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

    def delay_reading(self, seconds: float) -> None:
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

    def show_life(self, beat: bytes) -> None:
        """Show the client that the network is alive, unless other bytes are on their way to it."""
        if self.is_open and not self.is_congested:
            self.put(beat)

    def bid_farewell(self) -> None:
        self.finish(DRAIN)

    def on_end(self, reason: str) -> None:  # noqa: ARG002 - the hook's signature
        """The connection is over (ConnectionWriter)."""
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
        """The connection is over (ConnectionWriter)."""
        if self.streams is not None:
            self.streams.forget(self)


def _show_life(stream: EventStream, beat: bytes) -> None:
    stream.show_life(beat)


Stream = EventStream | PlainSocket
Ending = Callable[[], None]
_Kind = TypeVar("_Kind", bound=Stream)


class Streams:
    """All of them: their heartbeat, their seats, and their end."""

    def __init__(self, clock: Clock, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self.open: dict[Stream, list[Ending]] = {}
        self._beating: set[EventStream] = set()
        self.is_draining = False
        self._polls: set[asyncio.Timeout] = set()
        self._tasks: tuple[asyncio.Task[None], ...] = ()

    def start(self) -> None:
        beats = (self._beat(), self._show_life())
        self._tasks = tuple(asyncio.create_task(beat, name="heartbeat") for beat in beats)

    def add(self, stream: Stream, *endings: Ending) -> None:
        """From now on the stream is kept alive; when it ends, so does what is given with it."""
        stream.streams = self
        self.open[stream] = list(endings)
        if not stream.is_open:
            self.forget(stream)

    def add_beat(self, stream: EventStream) -> None:
        """Send this stream a heartbeat every few seconds, beginning now."""
        stream.show_life(self._beat_now())
        if stream.is_open:
            self._beating.add(stream)

    def forget(self, stream: Stream) -> None:
        if isinstance(stream, EventStream):
            self._beating.discard(stream)
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
            await self._each(self.open, lambda stream: stream.beat())

    async def _show_life(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            beat = self._beat_now()
            await self._each(self._beating, functools.partial(_show_life, beat=beat))

    def _beat_now(self) -> bytes:
        """A heartbeat with the server's time, which a client's clock may have lost in a sleep."""
        return _BEAT % write_time(self._clock()).encode()

    async def close(self) -> None:
        """Ends every stream in good order; clients come back by their cursor."""
        self.is_draining = True
        for patience in self._polls:
            if not patience.expired():
                patience.reschedule(0)
        for task in self._tasks:
            task.cancel()
        await self._each(self.open, lambda stream: stream.bid_farewell())

    async def _each(self, streams: Iterable[_Kind], act: Callable[[_Kind], None]) -> None:
        until = time.perf_counter() + SLICE_SECONDS
        for stream in list(streams):
            if time.perf_counter() >= until:
                await asyncio.sleep(0)
                until = time.perf_counter() + SLICE_SECONDS
            act(stream)
