"""Lets in and out a few at a time, when thousands come or go at once.

What is asked of it runs at once as long as this turn of the loop has time for it, and in a later turn, in
order, when it has not. So 10,000 clients that vanish together do not block those that stay.
"""

import asyncio
import functools
import logging
from collections import deque
from collections.abc import Callable
from typing import Final

logger: Final = logging.getLogger(__name__)

SLICE_SECONDS: Final = 0.005


class AdmissionQueue:
    """One line, first come first served; each turn of the loop serves as much as fits a slice."""

    def __init__(self) -> None:
        self._line: deque[tuple[Callable[[], object], float]] = deque()
        self._spent_seconds = 0.0  # of this turn of the loop
        self._is_due = False

    def run(self, act: Callable[[], object], cost_seconds: float) -> None:
        """Run this now or in its turn. The cost is what it will set in motion, roughly."""
        if self._line or self._spent_seconds >= SLICE_SECONDS:
            self._line.append((act, cost_seconds))
        else:
            self._serve(act, cost_seconds)

    async def turn_for(self, cost_seconds: float) -> None:
        """Wait until what the caller goes on to do may be done; not at all while this turn of the loop has time."""
        if not self._line and self._spent_seconds < SLICE_SECONDS:
            self._serve(_go_on, cost_seconds)
            return
        turn = asyncio.get_running_loop().create_future()
        self.run(functools.partial(_resolve, turn), cost_seconds)
        await turn

    async def until_served(self) -> None:
        """Wait for all that are in line now."""
        served = asyncio.get_running_loop().create_future()
        self.run(functools.partial(_resolve, served), 0)
        await served

    def charge(self, cost_seconds: float) -> None:
        """This turn of the loop has done so much, or so much more than was foreseen."""
        self._spent_seconds += cost_seconds
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._turn)

    def _serve(self, act: Callable[[], object], cost_seconds: float) -> None:
        self.charge(cost_seconds)
        try:
            act()
        except Exception:  # or who stands behind it would wait for nothing
            logger.exception("in the usher's line")

    def _turn(self) -> None:
        self._is_due = False
        self._spent_seconds = 0.0
        while self._line and self._spent_seconds < SLICE_SECONDS:
            self._serve(*self._line.popleft())


def _go_on() -> None:
    """What is to be done is the caller's own next step."""


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
