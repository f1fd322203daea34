"""All pings and all ping time-outs, on one timer.

A connection sits in one bucket: that of its next ping, or of the time-out of the one it was sent.
A turn that has much to do lets the loop go every few milliseconds. Its time stands still with the process
(SIGSTOP, a VM's snapshot): the pongs that came meanwhile are read before anyone is given up.
"""

import asyncio
import math
from typing import TYPE_CHECKING, Final

from realtime.engine.admission import SLICE_SECONDS

if TYPE_CHECKING:
    from realtime.engine.engineio.session import Connection

_COARSEST_TICK_SECONDS: Final = 0.25
_TICKS_PER_DELAY: Final = 8
_STANDSTILL_SECONDS: Final = 1.0  # a timer that is later than this was not late: the process stood still


class PingTimer:
    """Pings every connection `interval` seconds after its last pong, and drops it `timeout` later."""

    def __init__(self, interval: float, timeout: float) -> None:
        self.interval = interval
        self.timeout = timeout
        self.tick_seconds = min(_COARSEST_TICK_SECONDS, interval / _TICKS_PER_DELAY, timeout / _TICKS_PER_DELAY)
        slots = math.ceil(max(interval, timeout) / self.tick_seconds) + 2
        self._buckets: list[set[Connection]] = [set() for _ in range(slots)]
        self._size = 0
        self._tick = 0  # the last one that was done
        self._begun_at = 0.0
        self._timer: asyncio.Handle | None = None
        self._due_at = 0.0  # when the timer runs, by the loop's clock
        self._stood_seconds = 0.0

    @property
    def patience(self) -> float:
        """How many seconds a client may be silent."""
        return self.interval + self.timeout

    def now(self) -> float:
        """The time by which deadlines go: the loop's, less that in which the process stood still."""
        time = asyncio.get_running_loop().time()
        late = time - self._due_at if self._timer is not None else 0.0
        return time - self._stood_seconds - (late if late > _STANDSTILL_SECONDS else 0.0)

    def add(self, connection: "Connection") -> None:
        """Begin with a ping after one interval."""
        if self._timer is None:
            self._begun_at = self.now() - self._tick * self.tick_seconds
            self._turn_in(self.tick_seconds)
        self._size += 1
        connection.deadline = self.now() + self.patience
        self._place(connection, self.interval)

    def discard(self, connection: "Connection") -> None:
        """Forget a connection that has ended."""
        if connection.wheel_slot >= 0:
            self._buckets[connection.wheel_slot].discard(connection)
            connection.wheel_slot = -1
            self._size -= 1

    def pong(self, connection: "Connection") -> None:
        """The client is there."""
        if connection.wheel_slot < 0:
            return
        self._buckets[connection.wheel_slot].discard(connection)
        connection.is_pinged = False
        connection.deadline = self.now() + self.patience
        self._place(connection, self.interval)

    def stop(self) -> None:
        """Stop the timer; `add` starts it again."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _place(self, connection: "Connection", delay: float) -> None:
        ticks = max(1, math.ceil(delay / self.tick_seconds))
        slot = (self._tick + ticks) % len(self._buckets)
        connection.wheel_slot = slot
        self._buckets[slot].add(connection)

    def _turn(self) -> None:
        loop = asyncio.get_running_loop()
        began = self.now()
        self._stood_seconds = loop.time() - began
        self._due_at = loop.time()
        current = int((began - self._begun_at) / self.tick_seconds)
        while self._tick < current:
            bucket = self._buckets[(self._tick + 1) % len(self._buckets)]
            while bucket:
                self._visit(bucket.pop(), self.now())
                if self.now() - began > SLICE_SECONDS:
                    self._turn_in(0)
                    return
            self._tick += 1
        if self._size:
            self._turn_in(self._begun_at + (self._tick + 1) * self.tick_seconds - self.now())
        else:
            self._timer = None

    def _turn_in(self, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        self._due_at = loop.time() + max(0.0, seconds)
        self._timer = loop.call_at(self._due_at, self._turn)

    def _visit(self, connection: "Connection", now: float) -> None:
        """A ping is due, or the answer to one is."""
        if connection.is_pinged and connection.is_held and not connection.is_congested:
            # We are the ones who do not read, so the pong may be there.
            connection.deadline = now + self.timeout
        elif connection.is_pinged:
            connection.wheel_slot = -1
            self._size -= 1
            connection.abort("ping timeout")
            return
        else:
            connection.is_pinged = True
            connection.deadline = now + self.timeout
            connection.ping()
        if connection.is_open:
            self._place(connection, self.timeout)
