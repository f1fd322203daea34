"""The writer's turn: the event loop blocks for a moment in an overload, so that the writer's thread gets on.

Reading and refusing keep the loop's thread busy, and a busy thread gives the interpreter away for moments only. A
writer of 5,000 bookings a second then made a hundred.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sized

WRITER_SHARE = 2.0  # of the loop's time: a booking takes 65 us of the loop, and 110 of the writer
LEAST_SECONDS, MOST_SECONDS = 0.001, 0.1
_NEVER = 1 << 62


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

    def plan(self) -> None:
        """Give the writer its turn once in this iteration of the loop."""
        if not self._is_planned:
            self._is_planned = True
            self._loop.call_soon(self._give)

    def note(self) -> None:
        """Note an answer, from the writer's thread."""
        if len(self._answers) >= self._wanted:
            self._wanted = _NEVER
            self._has_answered.set()

    def _give(self) -> None:
        self._is_planned = False
        seconds = WRITER_SHARE * (time.thread_time() - self._ended_at)
        self._has_answered.clear()
        wanted = self._wanted = self._hand_over()
        if len(self._answers) < wanted:
            self._has_answered.wait(min(max(seconds, LEAST_SECONDS), MOST_SECONDS))
        self._wanted = _NEVER
        self._ended_at = time.thread_time()
