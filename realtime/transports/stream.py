"""Streams: the transports of one connection and one calendar, with the same changes and the same byte cap.

Server-sent events and the plain WebSocket share the way to subscribe, and the timer of their heartbeats. Long polls are
counted here, and end here when the server stops.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Protocol, TypeVar

from aiohttp import web

from models.contract.errors import Overloaded
from models.contract.values.time import Clock, write_time
from realtime.access.auth import Expiry, Identity
from realtime.engine import ConnectionWriter, Counters, Limits
from realtime.http.middleware import RequestGuard
from realtime.rooms.fan_out import SLICE_SECONDS
from realtime.rooms.recovery import Joined, Recovery, Wanted
from realtime.rooms.subscriber import Audience, CutReason, Subscriber

MOST_SUBSCRIPTIONS = 100  # of one connection
HEARTBEAT_SECONDS = 15.0
BEAT_SECONDS = 3.0  # for clients that ask for it, to notice a dead network
LONG_POLL = "longpoll"
DRAIN = "drain"
ANSWER_SECONDS = 5.0  # for the requests of sockets at a stop

_TAKEN_SECONDS = 0.02


class Stream(Protocol):
    """The part of a stream that the registry needs."""

    streams: Streams | None

    @property
    def kind(self) -> str:
        """The name of the transport, for the metrics."""

    @property
    def is_open(self) -> bool:
        """Whether the peer can still receive."""

    def send_heartbeat(self) -> None:
        """Send the heartbeat of the transport."""

    def close_for_drain(self) -> None:
        """Close in good order: the server stops."""


Ending = Callable[[], None]
SendBeat = Callable[[str], None]
_Item = TypeVar("_Item")
_Writer = TypeVar("_Writer", bound=ConnectionWriter)


class Streams:
    """The registry of all streams: it sends their heartbeats, counts them, and closes them."""

    def __init__(self, clock: Clock, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._clock = clock
        self._heartbeat_seconds = heartbeat_seconds
        self.open: dict[Stream, list[Ending]] = {}
        self._beats: dict[Stream, SendBeat] = {}
        self.is_draining = False
        self.refuses = False
        self._polls: dict[asyncio.Timeout, asyncio.Transport | None] = {}
        self._tasks: tuple[asyncio.Task[None], ...] = ()
        self._are_gone = asyncio.Event()

    def start(self) -> None:
        timers = (self._send_heartbeats(), self._send_beats())
        self._tasks = tuple(asyncio.create_task(timer, name="heartbeat") for timer in timers)

    def add(self, stream: Stream, *endings: Ending) -> None:
        """Send heartbeats to the stream from now on, and call the endings when it is over."""
        self.open[stream] = list(endings)
        stream.streams = self
        if not stream.is_open:
            self.remove(stream)

    def add_beat(self, stream: Stream, send: SendBeat) -> None:
        """Send this stream the server's time every few seconds. Its caller sends the first beat."""
        if stream.is_open:
            self._beats[stream] = send

    def remove(self, stream: Stream) -> None:
        """Forget a stream that is over, and call its endings."""
        self._beats.pop(stream, None)
        for ending in self.open.pop(stream, ()):
            ending()
        if not self.open:
            self._are_gone.set()

    @asynccontextmanager
    async def polling(self, seconds: float, transport: asyncio.Transport | None) -> AsyncIterator[Callable[[], None]]:
        """Run the body as a long poll. It is given up after so many seconds, soon after its client has hung up, and
        when the server stops, and when the body's function is called.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(0 if self.is_draining else seconds) as timeout:
                self._polls[timeout] = transport
                try:
                    yield partial(self._end_poll, timeout)
                finally:
                    del self._polls[timeout]

    def count(self, kind: str) -> int:
        if kind == LONG_POLL:
            return len(self._polls)
        return sum(stream.kind == kind for stream in self.open)

    async def _send_heartbeats(self) -> None:
        while True:
            await asyncio.sleep(self._heartbeat_seconds)
            await _each(self.open, lambda stream: stream.send_heartbeat())

    async def _send_beats(self) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await _each(self._beats.values(), partial(_call, beat=self.beat_now()))
            await _each(self._polls, self._end_if_gone)

    def beat_now(self) -> str:
        """Return the server's time for a beat: a client's clock may be wrong after a sleep."""
        return write_time(self._clock())

    def _end_if_gone(self, poll: asyncio.Timeout) -> None:
        """End the poll of a client that has hung up: it would hold memory that no cap on connections counts."""
        transport = self._polls.get(poll)
        if transport is None or transport.is_closing():
            self._end_poll(poll)

    def _end_poll(self, poll: asyncio.Timeout) -> None:
        if poll in self._polls and not poll.expired():
            poll.reschedule(0)

    async def close(self) -> None:
        """Close every stream in good order, a socket after its running requests. The clients come back later."""
        self.is_draining = True
        for poll in self._polls:
            self._end_poll(poll)
        for task in self._tasks:
            task.cancel()
        self._are_gone.clear()
        await _each(self.open, lambda stream: stream.close_for_drain())
        if self.open:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._are_gone.wait(), ANSWER_SECONDS)


async def until_taken(connection: ConnectionWriter) -> None:
    """Wait while earlier answers wait for the client to read them."""
    while connection.is_open and connection.is_congested:  # noqa: ASYNC110 - rare, and an event would cost each client
        await asyncio.sleep(_TAKEN_SECONDS)


def _call(send: SendBeat, beat: str) -> None:
    send(beat)


async def _each(items: Iterable[_Item], act: Callable[[_Item], None]) -> None:
    until = time.perf_counter() + SLICE_SECONDS
    for item in list(items):
        if time.perf_counter() >= until:
            await asyncio.sleep(0)
            until = time.perf_counter() + SLICE_SECONDS
        act(item)


class StreamSubscriptions:
    """The steps that all streams share: reads the request, checks the client, subscribes, and registers the stream."""

    def __init__(
        self, *, guard: RequestGuard, recovery: Recovery, streams: Streams, limits: Limits, counters: Counters
    ) -> None:
        self.guard = guard
        self.streams = streams
        self._recovery = recovery
        self._limits = limits
        self._counters = counters

    async def read(
        self, request: web.Request, after: str | None, calendars: Sequence[str] = ()
    ) -> tuple[Identity, Wanted]:
        """Read the identity, the cursor and the window of a request for these calendars, or the path's."""
        if self.streams.is_draining or self.streams.refuses:
            raise Overloaded("The server is stopping.")
        query = request.query
        at_least = None if calendars else query.get("at_least")
        wanted = self._recovery.wanted(after, query.get("from"), query.get("to"), at_least)
        return await self.guard.follower(request, calendars), wanted

    def open(self, kind: type[_Writer], request: web.Request) -> _Writer:
        """Make a stream that is charged to its address; Overloaded if that has too many."""
        address = self.guard.address_of(request)
        stream = kind(self._limits, self._counters, address)
        stream.budget = self.guard.addresses.connect(address)
        if stream.budget.is_crowded:
            raise Overloaded
        return stream

    async def join(
        self, calendar: str, stream: ConnectionWriter, identity: Identity, wanted: Wanted
    ) -> tuple[Subscriber, Joined]:
        """Subscribe the stream to the calendar. Nothing else runs between that and the return."""
        subscriber = Subscriber(calendar, stream, Audience.PUBLIC, identity.principal)
        return subscriber, await self._recovery.join(subscriber, wanted)

    def keep(self, stream: Stream, connection: ConnectionWriter, identity: Identity, *endings: Ending) -> None:
        """Register the stream until its peer, its token or the server ends it."""
        expiry = Expiry(lambda: connection.abort(CutReason.TOKEN_EXPIRED))
        expiry.set(identity)
        self.register(stream, connection, expiry.cancel, *endings)

    def register(self, stream: Stream, connection: ConnectionWriter, *endings: Ending) -> None:
        """Register the stream until its peer or the server ends it."""
        budget = connection.budget
        assert budget is not None
        budget.open()
        self.streams.add(stream, *endings, budget.close)
