"""The threads' turn: the event loop blocks for a moment, so that the threads of the database get on.

A busy thread gives the interpreter away for moments only. In an overload the loop reads and refuses all the time, and a
writer of 5,000 bookings a second then made a hundred. Without an overload, a caller who sends cheap requests without a
pause keeps the loop busy too. A hold with its release then took 80 ms instead of 7, and a read of a few rows 20 ms
instead of 3.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

WRITER_SHARE = 2.0  # of the loop's time: a booking takes 65 us of the loop, and 110 of the writer
LEAST_SECONDS, MOST_SECONDS = 0.001, 0.1
# While something is under way: between two looks whether the loop's thread works for almost all of the time. After a
# turn without an answer the next look comes later, as a thread may wait for a lock or the disk.
LOOK_SECONDS, MOST_LOOK_SECONDS = 0.002, 0.05
BUSY_SHARE = 0.75
SHORT_SECONDS = 0.01  # the longest turn of a busy loop


class ThreadTurn:
    """Blocks the loop for a multiple of the time that it has worked, or until all commands and reads are done.

    `hand_over` gives the threads what they can take. `under_way` counts the commands and reads that they have not done
    yet; any thread may call it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, hand_over: Callable[[], None], under_way: Callable[[], int]
    ) -> None:
        self._loop = loop
        self._hand_over = hand_over
        self._under_way = under_way
        self._is_planned = False
        self._ended_at = 0.0  # by time.thread_time
        self._is_blocked = False
        self._is_done = threading.Event()
        self._looked_at = (0.0, 0.0)  # by time.perf_counter and time.thread_time
        self._is_looking = False
        self._has_news = False  # something was done since the last look

    def plan(self) -> None:
        """Give the threads their turn once in this iteration of the loop."""
        if not self._is_planned:
            self._is_planned = True
            self._loop.call_soon(self._give)

    def watch(self) -> None:
        """Give turns from now on, until nothing is under way, whenever the loop's thread is busy."""
        if not self._is_looking:
            self._look_in(LOOK_SECONDS)

    def _look_in(self, seconds: float) -> None:
        self._is_looking = True
        self._looked_at = (time.perf_counter(), time.thread_time())
        self._loop.call_later(seconds, self._look, seconds)

    def _look(self, waited: float) -> None:
        began, worked = self._looked_at
        now = time.perf_counter()
        is_busy = time.thread_time() - worked >= BUSY_SHARE * (now - began)
        self._is_looking = False
        self._hand_over()
        if not self._under_way():
            return
        if is_busy:
            self._block(SHORT_SECONDS)
        blocked = time.perf_counter() - now
        has_news, self._has_news = self._has_news, False
        # The loop has at least half of the time.
        next_look = max(LOOK_SECONDS, blocked) if has_news else 2 * waited if is_busy else waited
        self._look_in(min(next_look, MOST_LOOK_SECONDS))

    def note(self) -> None:
        """Note that something is done, from its thread."""
        self._has_news = True
        if self._is_blocked and not self._under_way():
            self._is_done.set()

    def _give(self) -> None:
        self._is_planned = False
        seconds = WRITER_SHARE * (time.thread_time() - self._ended_at)
        self._hand_over()
        self._block(min(max(seconds, LEAST_SECONDS), MOST_SECONDS))

    def _block(self, seconds: float) -> None:
        self._is_done.clear()
        self._is_blocked = True
        if self._under_way():
            self._is_done.wait(seconds)
        self._is_blocked = False
        self._ended_at = time.thread_time()
