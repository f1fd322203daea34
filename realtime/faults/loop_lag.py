"""The event loop's lag, and the refusal of new connections while it is too long.

Connected clients take precedence. While the loop is late, or too many commands wait for the writer, handshakes are
answered 503. Every client's library takes that for "try again".
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from math import inf

INTERVAL_SECONDS = 0.02
IDLE_INTERVAL_SECONDS = 0.2  # while the loop's thread does nearly nothing: each wake of an idle core is dear
IDLE_SHARE = 0.05  # of an interval, in CPU
LATE_SECONDS = 0.25
LATE_INTERVALS = 3  # in a row: one late interval is no overload
CALM_SECONDS = 1.0  # without a late interval, before the server accepts connections again

_log = logging.getLogger("slotcast.loop_lag")


class LoopLagMonitor:
    """Measures the lag with one timer. It calls `refuse` with True at an overload, and with False after it.

    The timer is slower while the loop idles. A block in that time then takes the thread's CPU where that is more than
    the lateness.
    """

    def __init__(self, is_full: Callable[[], bool], refuse: Callable[[bool], None]) -> None:
        self._is_full = is_full
        self._refuse = refuse
        self._is_refusing = False
        self._late_intervals = 0
        self._late_at = float("-inf")
        self._timer: asyncio.TimerHandle | None = None
        self._due_at = 0.0
        self._used = 0.0  # CPU of the loop's thread at the last interval
        self._interval = INTERVAL_SECONDS
        self.ticked_at = time.monotonic()  # of the last turn of the loop
        self.longest_block_seconds = 0.0
        self.overloads = 0

    def start(self) -> None:
        self._used = time.thread_time()
        self._wait(INTERVAL_SECONDS)

    def _wait(self, seconds: float) -> None:
        self.ticked_at = time.monotonic()
        self._interval = seconds
        self._due_at = time.perf_counter() + seconds
        self._timer = asyncio.get_running_loop().call_later(seconds, self._tick)

    def close(self) -> None:
        self.ticked_at = inf  # the loop does not stand: nobody counts its turns any more
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        now, used = time.perf_counter(), time.thread_time()
        spent, self._used = used - self._used, used
        late = now - self._due_at
        if self._interval > INTERVAL_SECONDS <= late:  # the block began at any time of a long interval
            late = max(late, min(spent, late + self._interval))
        try:
            self.measure(now, late)
        finally:
            is_idle = spent < IDLE_SHARE * self._interval and not self._is_refusing
            self._wait(IDLE_INTERVAL_SECONDS if is_idle else INTERVAL_SECONDS)

    def measure(self, now: float, late_seconds: float) -> None:
        """Take one measurement, in seconds."""
        self.longest_block_seconds = max(self.longest_block_seconds, late_seconds)
        self._late_intervals = self._late_intervals + 1 if late_seconds >= LATE_SECONDS else 0
        if self._late_intervals >= LATE_INTERVALS or self._is_full():
            self._late_at = now
        is_overloaded = now - self._late_at < CALM_SECONDS
        if is_overloaded is not self._is_refusing:
            self._is_refusing = is_overloaded
            self.overloads += is_overloaded
            self._refuse(is_overloaded)
            _log.warning("Overloaded: new connections are %s", "refused" if is_overloaded else "accepted again")
