"""Admits and removes clients a few at a time when thousands come or go at once.

An action runs at once while the current loop iteration has time for it. Otherwise it waits in order for a later
iteration. 10,000 clients that vanish together therefore do not block the others.
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
    """A first-in, first-out queue of actions. Each loop iteration runs as many as fit a slice."""

    def __init__(self) -> None:
        self._queue: deque[tuple[Callable[[], object], float]] = deque()
        self._spent_seconds = 0.0  # in this loop iteration
        self._is_scheduled = False

    def __len__(self) -> int:
        return len(self._queue)

    @property
    def has_time(self) -> bool:
        """Whether nothing waits, and this loop iteration has time for an action."""
        return not self._queue and self._spent_seconds < SLICE_SECONDS

    def run(self, action: Callable[[], object], cost_seconds: float) -> None:
        """Run this action now, or in order later. `cost_seconds` estimates the work that it causes."""
        if self.has_time:
            self._run(action, cost_seconds)
        else:
            self._queue.append((action, cost_seconds))

    async def admit(self, cost_seconds: float) -> None:
        """Wait until the caller may do work of this cost. Return at once while this loop iteration has time."""
        if self.has_time:
            self.charge(cost_seconds)
            return
        admitted = asyncio.get_running_loop().create_future()
        self.run(functools.partial(_resolve, admitted), cost_seconds)
        await admitted

    async def until_served(self) -> None:
        """Wait until all actions of the queue have run."""
        served = asyncio.get_running_loop().create_future()
        self.run(functools.partial(_resolve, served), 0)
        await served

    def charge(self, cost_seconds: float) -> None:
        """Add work to the account of this loop iteration."""
        self._spent_seconds += cost_seconds
        if not self._is_scheduled:
            self._is_scheduled = True
            asyncio.get_running_loop().call_soon(self._begin_iteration)

    def _run(self, action: Callable[[], object], cost_seconds: float) -> None:
        self.charge(cost_seconds)
        try:
            action()
        except Exception:  # else the actions behind it would never run
            logger.exception("action of the admission queue")

    def _begin_iteration(self) -> None:
        self._is_scheduled = False
        self._spent_seconds = 0.0
        while self._queue and self._spent_seconds < SLICE_SECONDS:
            self._run(*self._queue.popleft())


def _resolve(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
