"""The writer's turn: the event loop blocks for a moment, so that the writer's thread gets on.

A busy thread gives the interpreter away for moments only. In an overload the loop reads and refuses all the time, and a
writer of 5,000 bookings a second then made a hundred. Without an overload, a caller who sends cheap requests without a
pause keeps the loop busy too, and a hold with its release then took 80 ms instead of 7.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sized

WRITER_SHARE = 2.0  # of the loop's time: a booking takes 65 us of the loop, and 110 of the writer
LEAST_SECONDS, MOST_SECONDS = 0.001, 0.1
_NEVER = 1 << 62
# While commands are under way: between two looks whether the loop's thread works for almost all of the time. After a
# turn without an answer the next look comes later, as the writer may wait for a lock or the disk.
LOOK_SECONDS, MOST_LOOK_SECONDS = 0.002, 0.05
BUSY_SHARE = 0.75
SHORT_SECONDS = 0.01  # the longest turn of a busy loop


class WriterTurn:
    """Blocks the loop for a multiple of the time that it has worked, or until all commands are answered.

    `answers` are those that wait for the loop. `hand_over` gives the writer all commands, and returns the number of
    those without an answer.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop, answers: Sized, hand_over: Callable[[], int]) -> None:
        self._loop = loop
        self._answers = answers
        self._hand_over = hand_over
        self._is_planned = False
        self._ended_at = 0.0  # by time.thread_time
        self._wanted = _NEVER  # the number of answers that ends the turn
        self._has_answered = threading.Event()
        self._looked_at = (0.0, 0.0)  # by time.perf_counter and time.thread_time
        self._is_looking = False
        self._has_news = False  # an answer since the last look

    def plan(self) -> None:
        """Give the writer its turn once in this iteration of the loop."""
        if not self._is_planned:
            self._is_planned = True
            self._loop.call_soon(self._give)

    def watch(self) -> None:
        """Give turns from now on, until no command is under way, whenever the loop's thread is busy."""
        if not self._is_looking:
            self._look_in(LOOK_SECONDS)

    def _look_in(self, seconds: float) -> None:
        self._is_looking = True
        self._looked_at = (time.perf_counter(), time.thread_time())
        self._loop.call_later(seconds, self._look, seconds)

    def _look(self, waited: float) -> None:
        began, worked = self._looked_at
        is_busy = time.thread_time() - worked >= BUSY_SHARE * (time.perf_counter() - began)
        self._is_looking = False
        if not self._hand_over():
            return
        if is_busy:
            self._block(SHORT_SECONDS)
        has_news, self._has_news = self._has_news, False
        self._look_in(LOOK_SECONDS if has_news else min(2 * waited, MOST_LOOK_SECONDS) if is_busy else waited)

    def note(self) -> None:
        """Note an answer, from the writer's thread."""
        self._has_news = True
        if len(self._answers) >= self._wanted:
            self._wanted = _NEVER
            self._has_answered.set()

    def _give(self) -> None:
        self._is_planned = False
        seconds = WRITER_SHARE * (time.thread_time() - self._ended_at)
        self._block(min(max(seconds, LEAST_SECONDS), MOST_SECONDS))

    def _block(self, seconds: float) -> None:
        self._has_answered.clear()
        wanted = self._wanted = self._hand_over()
        if len(self._answers) < wanted:
            self._has_answered.wait(seconds)
        self._wanted = _NEVER
        self._ended_at = time.thread_time()
