"""The requests that wait for a room to send a change."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from itertools import chain

SETTLE_SECONDS = 5.0

Waiter = tuple[int, asyncio.Future[None]]  # for a seq

_log = logging.getLogger("slotcast.room")


class Waiters:
    """The waiters of one room. Those for a committed change have a deadline, the long polls have none."""

    __slots__ = ("_for_commits", "_for_polls", "_timer")

    def __init__(self) -> None:
        self._for_commits: set[Waiter] = set()
        self._for_polls: set[Waiter] = set()  # a change that may never be made
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._for_commits) + len(self._for_polls)

    def wait(self, seq: int) -> asyncio.Future[None]:
        """Return a future. It is done once the change is sent, or the room is disbanded."""
        return self._wait(seq, self._for_polls)

    def wait_briefly(self, seq: int) -> asyncio.Future[None]:
        """Return the same for a committed change; it is done at the latest after once or twice `SETTLE_SECONDS`."""
        future = self._wait(seq, self._for_commits)
        if self._timer is None:  # one timer for all: one for each would cost a fifth of a request
            self._start_timer(self._for_commits)
        return future

    def wake(self, seq: int | None = None) -> None:
        """End the waits for changes up to this seq, or all of them."""
        _wake(waiter for waiter in chain(self._for_commits, self._for_polls) if seq is None or waiter[0] <= seq)

    def _wait(self, seq: int, among: set[Waiter]) -> asyncio.Future[None]:
        """Add a waiter. A cancelled task cancels its future, and so removes the waiter."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (seq, future)
        among.add(waiter)
        future.add_done_callback(lambda _: among.discard(waiter))
        return future

    def _start_timer(self, waiters: set[Waiter]) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SETTLE_SECONDS, self._expire, frozenset(waiters))

    def _expire(self, old: frozenset[Waiter]) -> None:
        """End the waits from before the timer, and start it again for the younger ones."""
        late, young = self._for_commits & old, self._for_commits - old
        self._timer = None
        if young:
            self._start_timer(young)
        if late:
            _log.warning("A change was not sent within %s s of its commit", SETTLE_SECONDS)
        _wake(late)


def _wake(waiters: Iterable[Waiter]) -> None:
    for _, future in waiters:
        if not future.done():
            future.set_result(None)
