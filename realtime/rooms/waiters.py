"""The requests that wait for a room to send a change."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

SETTLE_SECONDS = 5.0

_log = logging.getLogger("slotcast.room")


class Waiters:
    """The waiters of one room. Those for a committed change have a deadline, the long polls have none.

    Each has a seq, a future, and the result of the future once the change of this seq is sent.
    """

    __slots__ = ("_for_commits", "_for_polls", "_timer")

    def __init__(self) -> None:
        self._for_commits: dict[asyncio.Future[Any], tuple[int, Any]] = {}
        self._for_polls: dict[asyncio.Future[Any], tuple[int, Any]] = {}  # for changes that may never be made
        self._timer: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._for_commits) + len(self._for_polls)

    def wait(self, seq: int) -> asyncio.Future[None]:
        """Return a future. It is done once the change is sent, or the room is disbanded."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._for_polls[future] = (seq, None)
        future.add_done_callback(self._forget_poll)  # a cancelled task cancels its future
        return future

    def wait_briefly(self, seq: int) -> asyncio.Future[None]:
        """Return the same for a committed change; it is done at the latest after once or twice `SETTLE_SECONDS`."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.hold(seq, future, None)
        return future

    def hold(self, seq: int, future: asyncio.Future[Any], result: Any) -> None:
        """Do the same with the caller's future and result."""
        self._for_commits[future] = (seq, result)  # also after its task was cancelled: the commit is sent soon
        if self._timer is None:  # one timer for all: one for each would cost a fifth of a request
            self._start_timer()

    def wake(self, seq: int | None = None) -> None:
        """End the waits for changes up to this seq, or all of them."""
        for waiters in (self._for_commits, self._for_polls):
            if waiters:
                _wake(waiters, [future for future, (wanted, _) in waiters.items() if seq is None or wanted <= seq])

    def _forget_poll(self, future: asyncio.Future[None]) -> None:
        self._for_polls.pop(future, None)

    def _start_timer(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(SETTLE_SECONDS, self._expire, frozenset(self._for_commits))

    def _expire(self, old: frozenset[asyncio.Future[Any]]) -> None:
        """End the waits from before the timer, and start it again for the younger ones."""
        late = [future for future in self._for_commits if future in old]
        self._timer = None
        if len(late) < len(self._for_commits):
            self._start_timer()
        if late:
            _log.warning("A change was not sent within %s s of its commit", SETTLE_SECONDS)
        _wake(self._for_commits, late)


def _wake(waiters: dict[asyncio.Future[Any], tuple[int, Any]], futures: list[asyncio.Future[Any]]) -> None:
    for future in futures:
        _, result = waiters.pop(future)
        if not future.done():
            future.set_result(result)
