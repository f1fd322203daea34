"""The threads that read the database, and which read each of them takes next.

The promise: no client's reads keep another client or the server waiting. Each client has a queue of its own in each
lane, the queues take turns, and at most one heavy read of a client runs at a time. A read that nobody waits for any
more leaves its queue, or is cancelled if it runs. Reads with the same key are done once for all that ask.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from enum import IntEnum
from queue import SimpleQueue
from typing import Any, TypeVar

from models.contract.errors import Overloaded, RateLimited, Refused
from models.service import Cancellation, Cancelled

T = TypeVar("T")


class Lane(IntEnum):
    """The kinds of reads, by whom they are for and how much they take."""

    SERVER = 0  # the server's own work
    LIGHT = 1  # a few rows by key
    STAFF = 2  # a window of a calendar, for its staff
    HEAVY = 3  # a window, a whole calendar or a list, for anyone


# Each thread takes from its lanes, the first one first. The first thread has no lane in which a read takes long.
THREADS: tuple[tuple[Lane, ...], ...] = (
    (Lane.SERVER, Lane.LIGHT),
    (Lane.SERVER, Lane.STAFF, Lane.HEAVY, Lane.LIGHT),
    (Lane.SERVER, Lane.STAFF, Lane.HEAVY, Lane.LIGHT),
)
MOST_WAITING = 2_000  # reads in one lane
MOST_WAITING_EACH = 200  # of one client
LONGEST_WAIT_SECONDS = 10.0  # then "later" is the honest answer
LONGEST_READ_SECONDS = 15.0
LOOK_SECONDS = 0.1  # how often it is looked who has hung up
STOP_SECONDS = 2.0

_log = logging.getLogger("slotcast.reader")


def _never() -> bool:
    return False


class Peer:
    """The client of a request: the name under which its reads wait, and whether it has hung up."""

    __slots__ = ("client", "is_gone")

    def __init__(self, client: str, is_gone: Callable[[], bool] = _never) -> None:
        self.client = client
        self.is_gone = is_gone


_peer: ContextVar[Peer | None] = ContextVar("peer", default=None)


@contextmanager
def reading_for(peer: Peer) -> Iterator[None]:
    """Make this the peer of all reads in the block. A timer that is set here keeps the peer, but not its connection."""
    token = _peer.set(peer)
    try:
        yield
    finally:
        peer.is_gone = _never
        _peer.reset(token)


class _Read:
    """One read of the database, and all who wait for it."""

    __slots__ = ("began_at", "cancellation", "client", "key", "lane", "question", "queued_for", "waiters")

    def __init__(self, question: Callable[[], Any], lane: Lane, key: Hashable) -> None:
        self.question = question
        self.lane = lane
        self.key = key
        self.waiters: list[_Waiter] = []
        self.queued_for: set[str] = set()  # clients
        self.client = ""  # in whose turn it runs
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


class _Waiter:
    """One who waits for a read."""

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


class _Line:
    """The reads of one lane that wait, a queue for each client; the clients take turns."""

    def __init__(self, lane: Lane) -> None:
        self._is_heavy = lane in {Lane.STAFF, Lane.HEAVY}
        self._queues: OrderedDict[str, deque[_Read]] = OrderedDict()
        self.running: Counter[str] = Counter()
        self.length = 0

    def add(self, client: str, read: _Read) -> None:
        """Put the read at the end of the client's queue."""
        self._queues.setdefault(client, deque()).append(read)
        self.length += 1

    def length_of(self, client: str) -> int:
        return len(self._queues.get(client, ()))

    def next(self) -> _Read | None:
        """Take the next read, wanted or not; None while each client that waits has a heavy one running."""
        for client in list(self._queues):
            if self._is_heavy and self.running[client]:
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
        """A read runs in this client's turn; its next turn is after the others'."""
        self.running[client] += 1
        if client in self._queues:
            self._queues.move_to_end(client)

    def end(self, client: str) -> None:
        self.running[client] -= 1
        if not self.running[client]:
            del self.running[client]

    def sift(self, keep: Callable[[_Line, str, _Read], bool]) -> None:
        """Drop the reads that need not be kept."""
        for client, queue in list(self._queues.items()):
            kept = deque(read for read in queue if keep(self, client, read))
            self.length -= len(queue) - len(kept)
            if kept:
                self._queues[client] = kept
            else:
                del self._queues[client]


class _Thread:
    """One thread with its connection; it does one read at a time."""

    def __init__(self, number: int, lanes: tuple[Lane, ...], readers: Readers) -> None:
        self.lanes = lanes
        self.reading: _Read | None = None
        self.inbox: SimpleQueue[_Read | None] = SimpleQueue()
        self._readers = readers
        self.thread = threading.Thread(target=self._run, name=f"slotcast-reader-{number}", daemon=True)

    def _run(self) -> None:
        while (read := self.inbox.get()) is not None:
            result: Any = None
            error: Exception | None = None
            try:
                with read.cancellation.running():
                    result = read.question()
            except Cancelled:
                error = Overloaded("The read was cancelled.")
            except Exception as failure:
                error = failure
            with suppress(RuntimeError):  # the loop has closed
                self._readers.loop.call_soon_threadsafe(self._readers.done, self, read, result, error)
            del read, result, error
        self._readers.close_thread_connection()


def _too_late(*, is_hogging: bool) -> Refused:
    """Return the refusal of a read that has waited too long; of one that waited for its own client's others."""
    return RateLimited("Too many reads at the same time.", retry_after=1) if is_hogging else Overloaded()


class Readers:
    """All reading threads. Every method is for the loop's thread."""

    def __init__(self, close_thread_connection: Callable[[], None]) -> None:
        self.loop = asyncio.get_running_loop()
        self.close_thread_connection = close_thread_connection
        self._lines = {lane: _Line(lane) for lane in Lane}
        self._keyed: dict[Hashable, _Read] = {}
        self._threads = [_Thread(number, lanes, self) for number, lanes in enumerate(THREADS)]
        self._timer: asyncio.TimerHandle | None = None
        self._is_ending = False
        for thread in self._threads:
            thread.thread.start()

    async def run(
        self, question: Callable[[], T], lane: Lane, key: Hashable = None, *, is_late_welcome: bool = False
    ) -> T:
        """Ask on a thread. Raises what the question raises; RateLimited or Overloaded where too much waits already.

        Whoever asks for the same key shares a read that has not begun, as one that has may be older than what the
        waiter has seen; where that does no harm, `is_late_welcome`, also one that runs.
        """
        if self._is_ending and lane > Lane.LIGHT:
            raise Overloaded("The server is stopping.")
        peer = _peer.get() or Peer("")
        waiter = _Waiter(peer, self.loop.time())
        read = self._keyed.get(key) if key is not None else None
        if read is None or not (read.began_at is None or is_late_welcome):
            read = _Read(question, lane, key)
        if read.began_at is None:
            self._queue(read, waiter)
        else:
            read.waiters.append(waiter)
        self._watch()
        result: T = await waiter.future
        return result

    def _queue(self, read: _Read, waiter: _Waiter) -> None:
        line, client = self._lines[read.lane], waiter.peer.client
        if client in read.queued_for:
            read.waiters.append(waiter)
            return
        if read.lane is not Lane.SERVER:
            self._make_room(line, client)
        read.waiters.append(waiter)
        read.queued_for.add(client)
        if read.key is not None:
            self._keyed[read.key] = read
        line.add(client, read)
        self._hand_out()

    def _make_room(self, line: _Line, client: str) -> None:
        if line.length_of(client) >= MOST_WAITING_EACH or line.length >= MOST_WAITING:
            self._sift()
        if line.length_of(client) >= MOST_WAITING_EACH:
            raise RateLimited("Too many reads at the same time.", retry_after=1)
        if line.length >= MOST_WAITING:
            raise Overloaded

    def _hand_out(self) -> None:
        for thread in self._threads:
            if thread.reading is None:
                self._feed(thread)

    def _feed(self, thread: _Thread) -> None:
        """Give an idle thread the next read of its lanes."""
        for lane in thread.lanes:
            line = self._lines[lane]
            while line.length and (read := line.next()) is not None:
                if not read.is_wanted:
                    self._drop(read, "The client has gone.")
                    continue
                line.begin(read.client)
                read.began_at = self.loop.time()
                thread.reading = read
                thread.inbox.put(read)
                return

    def done(self, thread: _Thread, read: _Read, result: Any, error: Exception | None) -> None:
        """A thread has done its read: tell who asked, and give it the next."""
        self._lines[read.lane].end(read.client)
        self._unkey(read)
        thread.reading = None
        read.settle(result, error)
        self._hand_out()

    def _drop(self, read: _Read, reason: str) -> None:
        self._unkey(read)
        read.settle(None, Overloaded(reason))

    def _unkey(self, read: _Read) -> None:
        if self._keyed.get(read.key) is read:
            del self._keyed[read.key]

    def _watch(self) -> None:
        """Look again soon at who waits, as long as anybody does."""
        is_busy = any(thread.reading for thread in self._threads) or any(line.length for line in self._lines.values())
        if self._timer is None and is_busy:
            self._timer = self.loop.call_later(LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        self._sift()
        for thread in self._threads:
            read = thread.reading
            if read is None or read.lane is Lane.SERVER or read.began_at is None:
                continue
            if not read.is_wanted or self.loop.time() - read.began_at > LONGEST_READ_SECONDS:
                self._cancel(read)
        self._watch()

    def _sift(self) -> None:
        """Drop what nobody waits for any more, and refuse who has waited too long."""
        late = self.loop.time() - LONGEST_WAIT_SECONDS

        def keep(line: _Line, client: str, read: _Read) -> bool:
            if read.began_at is not None:
                return False
            for waiter in read.waiters:
                if waiter.peer.is_gone():
                    waiter.refuse(Overloaded("The client has gone."))
                elif waiter.peer.client == client and waiter.since < late and read.lane is not Lane.SERVER:
                    waiter.refuse(_too_late(is_hogging=line.length_of(client) > 1))
            if not read.is_wanted:
                self._unkey(read)
                return False
            return True

        for line in self._lines.values():
            line.sift(keep)

    def _cancel(self, read: _Read) -> None:
        if not read.cancellation.is_cancelled:
            self._unkey(read)
            read.cancellation.is_cancelled = True
            self.loop.run_in_executor(None, read.cancellation.cancel)

    def end_heavy(self) -> None:
        """The server is stopping: heavy reads that wait are refused, and those that run are cancelled."""
        self._is_ending = True
        self._end(lambda read: read.lane > Lane.LIGHT)

    def _end(self, is_over: Callable[[_Read], bool]) -> None:
        def keep(_line: _Line, _client: str, read: _Read) -> bool:
            if read.began_at is None and not is_over(read):
                return True
            if read.began_at is None:
                self._drop(read, "The server is stopping.")
            return False

        for line in self._lines.values():
            line.sift(keep)
        for thread in self._threads:
            if thread.reading is not None and is_over(thread.reading):
                self._cancel(thread.reading)

    async def close(self) -> None:
        """End every read and thread, or leave behind a thread that does not end in time."""
        self._is_ending = True
        self._end(lambda _read: True)
        for thread in self._threads:
            thread.inbox.put(None)
        until = time.monotonic() + STOP_SECONDS
        for thread in self._threads:
            await asyncio.to_thread(thread.thread.join, max(0.0, until - time.monotonic()))
            if thread.thread.is_alive():
                _log.warning("A read has not ended in time: its thread is left behind")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
