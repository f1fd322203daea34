"""The watch of the event loop: a thread that notices while the loop stands, since the loop itself can't."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable

from realtime.faults.faults import Faults

INTERVAL_SECONDS = 1.0
STANDSTILL_SECONDS = 2.0  # without a turn of the loop; its slowest timer is due ten times a second
KEPT_SECONDS = 1.0  # after the loop goes on: a probe that has waited gets the reason


class LoopWatch:
    """`ticked_at` is the time of the loop's last turn, by time.monotonic."""

    def __init__(
        self, faults: Faults, ticked_at: Callable[[], float], *, standstill_seconds: float = STANDSTILL_SECONDS
    ) -> None:
        self._faults = faults
        self._ticked_at = ticked_at
        self._standstill_seconds = standstill_seconds
        self._interval = min(INTERVAL_SECONDS, standstill_seconds / 2)
        self._moved_at = 0.0
        self._loop_thread = threading.get_ident()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slotcast-loop-watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    async def close(self) -> None:
        self._stop.set()

    def _run(self) -> None:
        due_at = time.monotonic() + self._interval
        while not self._stop.wait(self._interval):
            now = time.monotonic()
            if now - due_at < self._interval:  # else the whole process stood, for a signal or for want of a core
                self._look(now - self._ticked_at())
            due_at = time.monotonic() + self._interval

    def _look(self, age: float) -> None:
        """Compare the time since the loop's last turn. A fault lasts for a moment longer than its reason."""
        if age > self._standstill_seconds:
            self._faults.begin("loop", _place(self._loop_thread))
            self._moved_at = 0.0
        elif "loop" in self._faults.present:
            now = time.monotonic()
            self._moved_at = self._moved_at or now
            if now - self._moved_at >= KEPT_SECONDS:
                self._faults.end("loop")


def _place(thread: int) -> str:
    """Return the innermost place of the thread in this program: file and line, and no value of a variable."""
    frame = sys._current_frames().get(thread)  # noqa: SLF001 - Python documents it for such a watch
    while frame is not None and "site-packages" in frame.f_code.co_filename and frame.f_back is not None:
        frame = frame.f_back
    return "" if frame is None else f"{frame.f_code.co_filename.rpartition('/')[2]}, line {frame.f_lineno}"
