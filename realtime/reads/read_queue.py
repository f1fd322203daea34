"""The queues of the reads that wait for a thread: one for each client in each lane.

The clients of a lane take turns, and one client has at most one heavy read running. After a long one it rests.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum
from typing import Any

from models.contract.errors import Refused
from models.service import Cancellation

LONG_SECONDS = 0.02  # a heavy read of this time makes its client rest
REST_SHARE = 3  # times the read: so one client keeps a thread busy for a quarter of the time
LONGEST_REST_SECONDS = 1.0


class Lane(IntEnum):
    """The kinds of reads, by client and by cost."""

    SERVER = 0  # the server's own work
    LIGHT = 1  # a few rows by key
    STAFF = 2  # a window of a calendar, for its staff
    HEAVY = 3  # a window, a whole calendar or a list, for anyone


def _never() -> bool:
    return False


class Peer:
    """The client of a request: the name of its queue, and whether it has hung up."""

    __slots__ = ("client", "is_gone")

    def __init__(self, client: str, is_gone: Callable[[], bool] = _never) -> None:
        self.client = client
        self.is_gone = is_gone


_peer: ContextVar[Peer | None] = ContextVar("peer", default=None)


@contextmanager
def reading_for(peer: Peer) -> Iterator[None]:
    """Make this the peer of all reads in the block. A timer set in the block keeps the peer, but not its connection."""
    token = _peer.set(peer)
    try:
        yield
    finally:
        peer.is_gone = _never
        _peer.reset(token)


def current_peer() -> Peer:
    """Return the peer of the block that runs, or the server itself."""
    return _peer.get() or Peer("")


class Read:
    """One read of the database, and its waiters."""

    __slots__ = ("began_at", "cancellation", "client", "key", "lane", "question", "queued_for", "waiters")

    def __init__(self, question: Callable[[], Any], lane: Lane, key: Hashable) -> None:
        self.question = question
        self.lane = lane
        self.key = key
        self.waiters: list[Waiter] = []
        self.queued_for: set[str] = set()  # clients
        self.client = ""  # the read was taken from this client's queue
        self.began_at: float | None = None
        self.cancellation = Cancellation()

    @property
    def is_wanted(self) -> bool:
        return any(waiter.is_waiting for waiter in self.waiters)

    def settle(self, result: Any, error: Exception | None) -> None:
        for waiter in self.waiters:
            if waiter.future.done():
                continue
            if error is None:
                waiter.future.set_result(result)
            else:
                waiter.future.set_exception(error)


class Waiter:
    """One wait for a read."""

    __slots__ = ("future", "peer", "since")

    def __init__(self, peer: Peer, now: float) -> None:
        self.peer = peer
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.since = now

    @property
    def is_waiting(self) -> bool:
        return not self.future.done() and not self.peer.is_gone()

    def refuse(self, refusal: Refused) -> None:
        if not self.future.done():
            self.future.set_exception(refusal)


class ReadQueue:
    """The waiting reads of one lane: a queue for each client. The clients take turns."""

    def __init__(self, lane: Lane) -> None:
        self._is_heavy = lane in {Lane.STAFF, Lane.HEAVY}
        self._queues: OrderedDict[str, deque[Read]] = OrderedDict()
        self.running: Counter[str] = Counter()
        self._resting: set[str] = set()  # clients
        self.length = 0

    def add(self, client: str, read: Read) -> None:
        """Put the read at the end of the client's queue."""
        self._queues.setdefault(client, deque()).append(read)
        self.length += 1

    def length_of(self, client: str) -> int:
        return len(self._queues.get(client, ()))

    def next(self) -> Read | None:
        """Take the next read, wanted or not; None while every waiting client rests or has a heavy read running."""
        for client in list(self._queues):
            if self._is_heavy and (self.running[client] or client in self._resting):
                continue
            queue = self._queues[client]
            while queue:
                read = queue.popleft()
                self.length -= 1
                if read.began_at is None:
                    read.client = client
                    return read
            del self._queues[client]
        return None

    def begin(self, client: str) -> None:
        """Note that a read of this client runs, and move the client behind the others."""
        self.running[client] += 1
        if client in self._queues:
            self._queues.move_to_end(client)

    def end(self, client: str, seconds: float) -> float:
        """Note that a read of this client has ended after so many seconds; return the seconds that the client rests.

        The caller calls `wake` after these.
        """
        self.running[client] -= 1
        if not self.running[client]:
            del self.running[client]
        if not self._is_heavy or seconds < LONG_SECONDS:
            return 0.0
        self._resting.add(client)
        return min(seconds * REST_SHARE, LONGEST_REST_SECONDS)

    def wake(self, client: str) -> None:
        """End the rest of this client."""
        self._resting.discard(client)

    def sift(self, keep: Callable[[ReadQueue, str, Read], bool]) -> None:
        """Drop the reads that `keep` does not keep."""
        for client, queue in list(self._queues.items()):
            kept = deque(read for read in queue if keep(self, client, read))
            self.length -= len(queue) - len(kept)
            if kept:
                self._queues[client] = kept
            else:
                del self._queues[client]
