"""Sends all pings and checks all ping timeouts with one timer.

A connection is in one bucket: the one of its next ping, or of its ping timeout. A tick with much work yields to the
loop every few milliseconds. The timer's clock stops while the process stands still (SIGSTOP, a snapshot of a VM):
pongs that came meanwhile are read before any client times out.
"""

import asyncio
import math
from typing import Final, Protocol

from realtime.engine.admission import SLICE_SECONDS

_COARSEST_TICK_SECONDS: Final = 0.25
_TICKS_PER_DELAY: Final = 8
_STANDSTILL_SECONDS: Final = 1.0  # a later timer means that the process stood still


class Pingable(Protocol):
    """A connection as the timer sees it."""

    deadline: float  # by the timer's clock
    ping_slot: int  # the index of its bucket, -1 for none
    is_pinged: bool
    is_congested: bool
    is_reading_paused: bool
    is_open: bool

    def ping(self) -> None:
        """Send a ping."""

    def abort(self, reason: str) -> None:
        """Abort the transport."""


class PingTimer:
    """Ping every connection `interval` seconds after its last pong, and abort it `timeout` seconds later."""

    def __init__(self, interval: float, timeout: float) -> None:
        self.interval = interval
        self.timeout = timeout
        self.tick_seconds = min(_COARSEST_TICK_SECONDS, interval / _TICKS_PER_DELAY, timeout / _TICKS_PER_DELAY)
        self._interval_ticks = max(1, math.ceil(interval / self.tick_seconds))
        self._timeout_ticks = max(1, math.ceil(timeout / self.tick_seconds))
        slots = max(self._interval_ticks, self._timeout_ticks) + 2
        self._buckets: list[set[Pingable]] = [set() for _ in range(slots)]
        self._size = 0
        self._tick = 0  # the last finished one
        self._begun_at = 0.0
        self._timer: asyncio.Handle | None = None
        self._due_at = 0.0  # of the timer, by the loop's clock
        self._stood_seconds = 0.0

    @property
    def patience(self) -> float:
        """Return the seconds for which a client may be silent."""
        return self.interval + self.timeout

    def now(self) -> float:
        """Return the clock of the deadlines: the loop's time minus the time of standstills."""
        time = asyncio.get_running_loop().time()
        late = time - self._due_at if self._timer is not None else 0.0
        return time - self._stood_seconds - (late if late > _STANDSTILL_SECONDS else 0.0)

    def add(self, connection: Pingable) -> None:
        """Add a connection. Its first ping comes after one interval."""
        if self._timer is None:
            self._begun_at = self.now() - self._tick * self.tick_seconds
            self._run_in(self.tick_seconds)
        self._size += 1
        connection.deadline = self.now() + self.patience
        self._place(connection, self._interval_ticks)

    def discard(self, connection: Pingable) -> None:
        """Forget a connection that has ended."""
        if connection.ping_slot >= 0:
            self._buckets[connection.ping_slot].discard(connection)
            connection.ping_slot = -1
            self._size -= 1

    def pong(self, connection: Pingable) -> None:
        """Note a pong: the next ping comes after one interval."""
        if connection.ping_slot < 0:
            return
        self._buckets[connection.ping_slot].discard(connection)
        connection.is_pinged = False
        connection.deadline = self.now() + self.patience
        self._place(connection, self._interval_ticks)

    def stop(self) -> None:
        """Stop the timer; `add` starts it again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _place(self, connection: Pingable, ticks: int) -> None:
        slot = (self._tick + ticks) % len(self._buckets)
        connection.ping_slot = slot
        self._buckets[slot].add(connection)

    def _run(self) -> None:
        loop = asyncio.get_running_loop()
        began = self.now()
        self._stood_seconds = loop.time() - began
        self._due_at = loop.time()
        current = int((began - self._begun_at) / self.tick_seconds)
        while self._tick < current:
            bucket = self._buckets[(self._tick + 1) % len(self._buckets)]
            now = self.now()
            while bucket:
                self._visit(bucket.pop(), now)
                now = self.now()
                if now - began > SLICE_SECONDS:
                    self._run_in(0)
                    return
            self._tick += 1
        if self._size:
            self._run_in(self._begun_at + (self._tick + 1) * self.tick_seconds - self.now())
        else:
            self._timer = None

    def _run_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._due_at = loop.time() + max(0.0, seconds)
        self._timer = loop.call_at(self._due_at, self._run)

    def _visit(self, connection: Pingable, now: float) -> None:
        """Send the ping that is due, or abort a connection without a pong."""
        if connection.is_pinged and connection.is_reading_paused and not connection.is_congested:
            # The server itself does not read, so the pong may wait in the kernel.
            connection.deadline = now + self.timeout
        elif connection.is_pinged:
            connection.ping_slot = -1
            self._size -= 1
            connection.abort("ping timeout")
            return
        else:
            connection.is_pinged = True
            connection.deadline = now + self.timeout
            connection.ping()
        if connection.is_open:
            self._place(connection, self._timeout_ticks)
