"""Heartbeats for the clients that ask for them: an empty packet every few seconds, on one timer.

A client that is promised one takes its absence for a dead network. A Socket.IO ping would cost the client's pong
too, and its interval is the same for every client.
"""

import asyncio
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from realtime.engine.admission import SLICE_SECONDS

if TYPE_CHECKING:
    from realtime.engine.engineio.session import Connection

BEAT_SECONDS: Final = 3.0


class Heartbeat:
    """Send a NOOP to every added connection once an interval; yield to the loop every few milliseconds."""

    def __init__(self, interval_seconds: float = BEAT_SECONDS) -> None:
        self.interval_seconds = interval_seconds
        self._connections: set[Connection] = set()
        self._timer: asyncio.Handle | None = None

    def add(self, connection: "Connection") -> None:
        """Begin to send heartbeats to this connection."""
        self._connections.add(connection)
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(self.interval_seconds, self._begin)

    def discard(self, connection: "Connection") -> None:
        """Stop, as the connection has ended."""
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

    def _beat(self, rest: "Iterator[Connection]", next_at: float) -> None:
        until = time.perf_counter() + SLICE_SECONDS
        loop = asyncio.get_running_loop()
        for connection in rest:
            connection.beat()
            if time.perf_counter() >= until:
                self._timer = loop.call_soon(self._beat, rest, next_at)
                return
        self._timer = loop.call_at(next_at, self._begin)
