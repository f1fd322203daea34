"""How well the loop keeps time, and what follows when it does not: newcomers are asked to come back later.

Those who are connected matter more than those who are not. So while the loop is late, or commands pile up before the
writer, a handshake is answered 503, which every client's library takes for "try again".
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

BEAT_SECONDS = 0.02
LATE_SECONDS = 0.25
LATE_BEATS = 3  # one after the other: a machine that stumbles once is not overloaded
CALM_SECONDS = 1.0  # without a late beat, before newcomers are welcome again

_log = logging.getLogger("slotcast.pulse")


class LoopLagMonitor:
    """One timer. `refuse` is told when newcomers should be refused, and when no longer."""

    def __init__(self, is_pressed: Callable[[], bool], refuse: Callable[[bool], None]) -> None:
        self._is_pressed = is_pressed
        self._refuse = refuse
        self._is_refusing = False
        self._late_beats = 0
        self._late_at = float("-inf")
        self._task: asyncio.Task[None] | None = None
        self.longest_block_seconds = 0.0
        self.overloads = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="pulse")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            began = time.perf_counter()
            await asyncio.sleep(BEAT_SECONDS)
            self.beat(time.perf_counter(), time.perf_counter() - began - BEAT_SECONDS)

    def beat(self, now: float, late_seconds: float) -> None:
        """Takes one measurement, in seconds."""
        self.longest_block_seconds = max(self.longest_block_seconds, late_seconds)
        self._late_beats = self._late_beats + 1 if late_seconds >= LATE_SECONDS else 0
        if self._late_beats >= LATE_BEATS or self._is_pressed():
            self._late_at = now
        is_overloaded = now - self._late_at < CALM_SECONDS
        if is_overloaded is not self._is_refusing:
            self._is_refusing = is_overloaded
            self.overloads += is_overloaded
            self._refuse(is_overloaded)
            _log.warning("Overloaded: newcomers are refused" if is_overloaded else "Calm again: newcomers are welcome")
