"""The reading threads of the database, and the choice of the next read of each.

The promise: no client's reads delay another client or the server. Reads without a waiter leave their queue, or are
cancelled if they run. Reads with the same key run once for all their waiters.
"""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Hashable
from contextlib import suppress
from math import inf
from queue import SimpleQueue
from typing import Any, TypeVar

from models.contract.errors import Overloaded, RateLimited, Refused
from models.contract.values.histogram import Histogram
from models.service import Cancelled
from realtime.reads.read_queue import Lane, Read, ReadQueue, Waiter, current_peer
from realtime.thread_turn import ThreadTurn

T = TypeVar("T")

# The lanes of each thread, in order of precedence. The first thread has no lane with long reads. Of the others each
# prefers another lane, so neither staff nor guests can take all of them for long.
THREADS: tuple[tuple[Lane, ...], ...] = (
    (Lane.SERVER, Lane.LIGHT),
    (Lane.SERVER, Lane.STAFF, Lane.HEAVY, Lane.LIGHT),
    (Lane.SERVER, Lane.HEAVY, Lane.STAFF, Lane.LIGHT),
)
MOST_WAITING = 2_000  # reads in one lane
MOST_WAITING_EACH = 200  # of one client
LONGEST_WAIT_SECONDS = 10.0  # then it is refused
LONGEST_READ_SECONDS = 15.0
CANCEL_SECONDS = 2.0  # then the waiters of a cancelled read are refused: a frozen database does not even cancel
YOUNG_SECONDS = 0.1  # a busy event loop stops for a read of this age: later, the read is what keeps a thread busy
CHECK_SECONDS = 0.1  # for clients that have hung up
STOP_SECONDS = 2.0

_log = logging.getLogger("slotcast.reader")


class _Thread:
    """One thread with its own connection to the database. It runs one read at a time."""

    def __init__(self, number: int, lanes: tuple[Lane, ...], readers: Readers) -> None:
        self.lanes = lanes
        self.reading: Read | None = None
        self.began_at = -inf  # of the read that runs, by time.monotonic
        self.inbox: SimpleQueue[Read | None] = SimpleQueue()
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
            self.began_at = -inf
            self._readers.note()
            with suppress(RuntimeError):  # the loop has closed
                self._readers.loop.call_soon_threadsafe(self._readers.done, self, read, result, error)
            del read, result, error
        self._readers.close_thread_connection()


def _too_late(*, is_hogging: bool) -> Refused:
    """Return the refusal of a read after too long a wait, of a client with many reads or of any other."""
    return RateLimited("Too many reads at the same time.", retry_after=1) if is_hogging else Overloaded()


class Readers:
    """The reading threads. Every method is for the loop's thread."""

    def __init__(self, close_thread_connection: Callable[[], None], turn: ThreadTurn) -> None:
        self.loop = asyncio.get_running_loop()
        self.close_thread_connection = close_thread_connection
        self._queues = {lane: ReadQueue(lane) for lane in Lane}
        self._keyed: dict[Hashable, Read] = {}
        self._threads = [_Thread(number, lanes, self) for number, lanes in enumerate(THREADS)]
        self.waits = {lane: Histogram() for lane in Lane}  # seconds from a read's first waiter to its begin
        self.times = {lane: Histogram() for lane in Lane}  # seconds from its begin to its end
        self._timer: asyncio.TimerHandle | None = None
        self._is_ending = False
        self._turn = turn
        for thread in self._threads:
            thread.thread.start()

    @property
    def queued(self) -> dict[Lane, int]:
        """Return the number of waiting reads of each lane."""
        return {lane: queue.length for lane, queue in self._queues.items()}

    @property
    def young(self) -> int:
        """Return the number of reads that run since a short time. Any thread may ask."""
        since = time.monotonic() - YOUNG_SECONDS
        return sum(thread.began_at > since for thread in self._threads)

    def note(self) -> None:
        """Note the end of a read, from its thread."""
        self._turn.note()

    async def run(
        self, question: Callable[[], T], lane: Lane, key: Hashable = None, *, is_late_welcome: bool = False
    ) -> T:
        """Run the question on a thread, and return or raise its result. RateLimited or Overloaded if too many wait.

        Calls with the same key share a waiting read. A running read may be older than data seen by the caller; a call
        with `is_late_welcome` shares it all the same.
        """
        if self._is_ending and lane > Lane.LIGHT:
            raise Overloaded("The server is stopping.")
        peer = current_peer()
        waiter = Waiter(peer, self.loop.time())
        read = self._keyed.get(key) if key is not None else None
        if read is None or not (read.began_at is None or is_late_welcome):
            read = Read(question, lane, key)
        if read.began_at is None:
            self._queue(read, waiter)
        else:
            read.waiters.append(waiter)
        self._start_timer()
        result: T = await waiter.future
        return result

    def _queue(self, read: Read, waiter: Waiter) -> None:
        queue, client = self._queues[read.lane], waiter.peer.client
        if client in read.queued_for:
            read.waiters.append(waiter)
            return
        if read.lane is not Lane.SERVER:
            self._make_room(queue, client)
        read.waiters.append(waiter)
        read.queued_for.add(client)
        if read.key is not None:
            self._keyed[read.key] = read
        queue.add(client, read)
        self._feed_idle()

    def _make_room(self, queue: ReadQueue, client: str) -> None:
        if queue.length_of(client) >= MOST_WAITING_EACH or queue.length >= MOST_WAITING:
            self._sift()
        if queue.length_of(client) >= MOST_WAITING_EACH:
            raise RateLimited("Too many reads at the same time.", retry_after=1)
        if queue.length >= MOST_WAITING:
            raise Overloaded

    def _feed_idle(self) -> None:
        for thread in self._threads:
            if thread.reading is None:
                self._feed(thread)

    def _feed(self, thread: _Thread) -> None:
        """Give an idle thread the next read of its lanes."""
        for lane in thread.lanes:
            queue = self._queues[lane]
            while queue.length and (read := queue.next()) is not None:
                if not read.is_wanted:
                    self._drop(read, "The client has gone.")
                    continue
                queue.begin(read.client)
                read.began_at = self.loop.time()
                self.waits[read.lane].observe(read.began_at - read.waiters[0].since if read.waiters else 0.0)
                thread.reading = read
                thread.began_at = time.monotonic()
                thread.inbox.put(read)
                self._turn.watch()
                return

    def done(self, thread: _Thread, read: Read, result: Any, error: Exception | None) -> None:
        """Answer the waiters of a finished read, and give its thread the next one."""
        seconds = 0.0 if read.began_at is None else self.loop.time() - read.began_at
        self.times[read.lane].observe(seconds)
        rest = self._queues[read.lane].end(read.client, seconds)
        if rest:
            self.loop.call_later(rest, self._wake, self._queues[read.lane], read.client)
        self._unkey(read)
        thread.reading = None
        read.settle(result, error)
        self._feed_idle()

    def _wake(self, queue: ReadQueue, client: str) -> None:
        queue.wake(client)
        self._feed_idle()

    def _drop(self, read: Read, reason: str) -> None:
        self._unkey(read)
        read.settle(None, Overloaded(reason))

    def _unkey(self, read: Read) -> None:
        if self._keyed.get(read.key) is read:
            del self._keyed[read.key]

    def _start_timer(self) -> None:
        """Check the waiters again soon, if there are any."""
        is_busy = any(thread.reading for thread in self._threads) or any(
            queue.length for queue in self._queues.values()
        )
        if self._timer is None and is_busy:
            self._timer = self.loop.call_later(CHECK_SECONDS, self._check)

    def _check(self) -> None:
        self._timer = None
        self._sift()
        for thread in self._threads:
            read = thread.reading
            if read is None or read.lane is Lane.SERVER or read.began_at is None:
                continue
            late = self.loop.time() - read.began_at - LONGEST_READ_SECONDS
            if not read.is_wanted or late > 0:
                self._cancel(read)
            if late > CANCEL_SECONDS:
                read.settle(None, Overloaded("The database does not answer."))
        self._start_timer()

    def _sift(self) -> None:
        """Drop the reads without a waiter, and refuse waiters after too long a wait."""
        late = self.loop.time() - LONGEST_WAIT_SECONDS

        def keep(queue: ReadQueue, client: str, read: Read) -> bool:
            if read.began_at is not None:
                return False
            for waiter in read.waiters:
                if waiter.peer.is_gone():
                    waiter.refuse(Overloaded("The client has gone."))
                elif waiter.peer.client == client and waiter.since < late and read.lane is not Lane.SERVER:
                    waiter.refuse(_too_late(is_hogging=queue.length_of(client) > 1))
            if not read.is_wanted:
                self._unkey(read)
                return False
            return True

        for queue in self._queues.values():
            queue.sift(keep)

    def _cancel(self, read: Read) -> None:
        if not read.cancellation.is_cancelled:
            self._unkey(read)
            read.cancellation.is_cancelled = True
            self.loop.run_in_executor(None, read.cancellation.cancel)

    def end_heavy(self) -> None:
        """Refuse the waiting heavy reads, and cancel the running ones: the server stops."""
        self._is_ending = True
        self._end(lambda read: read.lane > Lane.LIGHT)

    def _end(self, is_over: Callable[[Read], bool]) -> None:
        def keep(_reads: ReadQueue, _client: str, read: Read) -> bool:
            if read.began_at is None and not is_over(read):
                return True
            if read.began_at is None:
                self._drop(read, "The server is stopping.")
            return False

        for queue in self._queues.values():
            queue.sift(keep)
        for thread in self._threads:
            if thread.reading is not None and is_over(thread.reading):
                self._cancel(thread.reading)

    async def close(self) -> None:
        """End every read and thread. A thread that does not end in time is left behind."""
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
