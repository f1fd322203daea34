"""Sends heartbeats to the clients that ask for them: an empty packet every few seconds, on one timer.

Such a client takes a missing heartbeat for a dead network. A Socket.IO ping would cost the client's pong too, and
its interval is the same for every client.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import Final, Protocol

from realtime.engine.admission import SLICE_SECONDS

BEAT_SECONDS: Final = 3.0


class Beatable(Protocol):
    """A connection with heartbeats."""

    def beat(self) -> None:
        """Send one heartbeat."""


class Heartbeat:
    """Send a NOOP to every added connection once an interval; yield to the loop every few milliseconds."""

    def __init__(self, interval_seconds: float = BEAT_SECONDS) -> None:
        self.interval_seconds = interval_seconds
        self._connections: set[Beatable] = set()
        self._timer: asyncio.Handle | None = None

    def add(self, connection: Beatable) -> None:
        """Begin to send heartbeats to this connection."""
        self._connections.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.interval_seconds, self._begin)

    def discard(self, connection: Beatable) -> None:
        """Stop the heartbeats of a connection that has ended."""
        self._connections.discard(connection)

    def stop(self) -> None:
        """Stop the timer; `add` starts it again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self) -> None:
        if not self._connections:
            self._timer = None
            return
        loop = asyncio.get_running_loop()
        self._beat(iter(list(self._connections)), loop.time() + self.interval_seconds)

    def _beat(self, rest: Iterator[Beatable], next_at: float) -> None:
        until = time.perf_counter() + SLICE_SECONDS
        loop = asyncio.get_running_loop()
        for connection in rest:
            connection.beat()
            if time.perf_counter() >= until:
                self._timer = loop.call_soon(self._beat, rest, next_at)
                return
        self._timer = loop.call_at(next_at, self._begin)
