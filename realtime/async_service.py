"""The service for the event loop: commands and reads go to the service's threads, and their results come to the loop.

The answers of one batch wake the loop once. The rows that its commit added to the log come before the answers. In a
worker on SQLite the commands go to the writer's process instead, and its rows and answers come by the link to it.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Hashable, Sized
from functools import partial
from typing import Any, NamedTuple, TypeVar

from models.contract.changes import Logged
from models.contract.commands.command import Answer, Command
from models.contract.errors import Overloaded, Refused
from models.contract.values.histogram import Histogram
from models.service import Reply, SlotService
from realtime.access.waiting_bound import IGNORING_SHARE, WaitingBound
from realtime.engine.reading_line import Queueing, ReadingLine
from realtime.reads.read_queue import Lane
from realtime.reads.readers import Readers
from realtime.thread_turn import ThreadTurn
from realtime.writer_link.client import WriterLink

T = TypeVar("T")

Hold = Callable[["asyncio.Future[Answer]", Answer], bool]

GIVING_WAY = 200  # commands under way, two batches: from there on the writer gets turns of its own
MOST_QUEUED = 5_000  # commands: about a second of work; further ones are refused; workers share them
STANDSTILL_SECONDS = 1.0  # without an answer to any command, before the writer is asked


class _Asked(NamedTuple):
    """A command under way: its answer, the wait of the answer for its change, and the time of its request."""

    future: asyncio.Future[Answer]
    hold: Hold | None
    arrived: float | None


class AsyncService:
    """The loop's side of the service.

    `on_commit` is called on the loop with the rows that this process commits, or the writer's process.
    """

    def __init__(
        self, sync: SlotService, on_commit: Callable[[list[Logged]], None], link: WriterLink | None = None
    ) -> None:
        self.sync = sync
        self._link = link
        self._writer: SlotService | WriterLink = sync if link is None else link
        self._on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._done: deque[tuple[_Asked | None, Any, float]] = deque()  # with the time, by time.monotonic
        self._unsent: list[tuple[Command, Reply, float | None]] = []  # of this turn of the loop
        self._is_woken = False
        self._turn = ThreadTurn(self._loop, self._submit, self._threads_have)
        self.committed_at = 0.0  # by time.perf_counter, while `on_commit` runs
        self.wait = WaitingBound(sync.max_wait_seconds)
        self.admission: Sized = ()  # the requests that have not begun yet; the app sets it
        self.line = ReadingLine(lambda: self.wait.read_room(len(self.admission)))
        self._asked = self._answered = 0  # commands so far
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()  # for so many answers
        self._readers = Readers(sync.close_thread_connection, self._turn)
        if link is None:
            sync.on_commit = self._committed
        else:
            link.on_rows, link.on_end = self._take_rows, self._deliver
            link.on_state = partial(sync.take_writer_state, has_figures=link.number == 0)  # the sum has them once

    def start(self, look: Callable[[], None]) -> None:
        """Connect to the writer's process, where there is one. `look` is called if the log may have unknown rows."""
        if self._link is not None:
            self._link.on_look = look
            self._link.start()

    async def run(self, command: Command, hold: Hold | None = None, arrived: float | None = None) -> Answer:
        """Run the command and return its answer, or raise its refusal.

        Commands run in the order of the calls, but for customers' claims of free seats: the others go before them.
        `hold` gets the future and the answer after the rows of the commit. It returns True if it sets the result. A
        client's command is refused if it has waited too long since it `arrived`, by `time.monotonic`.
        """
        if self.is_full:
            raise Overloaded
        if arrived is not None and command.is_claim and self.wait.is_too_long:
            raise self.refuse()
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._asked += 1
        self.wait.asked()
        if not self._unsent:
            self._loop.call_soon(self._submit)
        self._unsent.append((command, partial(self._wake, _Asked(future, hold, arrived)), arrived))
        if self._link is None:
            self._turn.watch()
        if self.wait.under_way >= GIVING_WAY:
            self._give_turn()
        return await future

    def _submit(self) -> None:
        """Give the writer all commands of one turn of the loop, so that its next batch has all of them."""
        unsent, self._unsent = self._unsent, []
        for command, reply, arrived in unsent:
            self._writer.submit(command, reply, arrived)

    def must_refuse(self, connection: Queueing) -> bool:
        """Whether a claim of this client would wait too long."""
        wait, waiting = self.wait, len(self.admission)
        if not wait.is_beyond(IGNORING_SHARE, waiting):
            return False
        return wait.is_beyond(1.0, waiting) or self.line.is_ignoring(connection)

    def refuse(self) -> Overloaded:
        """Return the refusal of a command that would wait too long."""
        self._give_turn()
        return self.wait.refusal()

    def refuse_late(self, count: int) -> Overloaded:
        """Return the refusal of so many commands that have waited for too long before they were read."""
        return self.wait.refusal(count)

    def _give_turn(self) -> None:
        """Let the writer's thread get on. A writer in another process has its own interpreter."""
        if self._link is None and not self.wait.is_standing:
            self._turn.plan()

    def _threads_have(self) -> int:
        """Return the number of commands and reads that this process's threads have not done yet."""
        commands = self._under_way - len(self._done) if self._link is None else 0
        return max(commands, 0) + self._readers.young

    @property
    def _under_way(self) -> int:
        """The number of commands without an answer yet."""
        return self._asked - self._answered

    async def caught_up(self, seconds: float) -> None:
        """Return once the commands under way now are answered, or after so many seconds."""
        if self._under_way:
            answered: asyncio.Future[None] = self._loop.create_future()
            self._waiting.append((self._asked, answered))
            await asyncio.wait([answered], timeout=seconds)

    @property
    def is_full(self) -> bool:
        """Whether the writer has too many commands to take another one."""
        return self.queued > (MOST_QUEUED if self._link is None else MOST_QUEUED // self._link.workers)

    @property
    def queued(self) -> int:
        """Return the number of this process's commands that wait for the writer."""
        return self._writer.queued + len(self._unsent)

    @property
    def must_ask_writer(self) -> bool:
        """Whether only a command can show that the writer runs transactions: it is elsewhere, or stands still."""
        if self._under_way:
            return self.standstill_seconds > STANDSTILL_SECONDS
        return self._link is not None

    @property
    def queued_reads(self) -> dict[Lane, int]:
        """Return the number of reads that wait, by their lane."""
        return self._readers.queued

    @property
    def read_times(self) -> tuple[dict[Lane, Histogram], dict[Lane, Histogram]]:
        """Return the waits and the times of the reads so far, by their lane."""
        return self._readers.waits, self._readers.times

    @property
    def standstill_seconds(self) -> float:
        """Return how long commands have waited without any answer; 0 if none waits."""
        return self.wait.standstill_seconds

    async def read(
        self,
        question: Callable[..., T],
        *args: Any,
        lane: Lane = Lane.SERVER,
        key: Hashable = None,
        is_late_welcome: bool = False,
        **kwargs: Any,
    ) -> T:
        """Run a read on a thread; see `Readers.run` for the lane and the key."""
        read = partial(question, *args, **kwargs)
        return await self._readers.run(read, lane, key, is_late_welcome=is_late_welcome)

    def end_heavy_reads(self) -> None:
        """Refuse heavy reads from now on: the server stops."""
        self._readers.end_heavy()

    async def close(self) -> None:
        """Let queued commands finish, and close the service."""
        self._submit()
        if self._link is not None:
            await self._link.close()
        await self._loop.run_in_executor(None, self.sync.close)
        await self._readers.close()

    def _committed(self, rows: list[Logged]) -> None:
        self._wake(None, (rows, time.perf_counter()))

    def _wake(self, asked: _Asked | None, what: Any) -> None:
        """Wake the loop from the writer's thread. `_deliver` clears the flag first, so no result stays in the deque."""
        self._done.append((asked, what, time.monotonic()))
        self._turn.note()
        if self._link is None and not self._is_woken:  # the link calls `_deliver` itself
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _take_rows(self, rows: list[Logged], committed_at: float = 0.0) -> None:
        self.committed_at = committed_at or time.perf_counter()
        self._on_commit(rows)
        self.committed_at = 0.0

    def _deliver(self) -> None:
        self._is_woken = False
        done = late = 0
        waited = 0.0  # the longest wait of a command that was run
        while self._done:
            asked, what, answered_at = self._done.popleft()
            if asked is None:
                self._take_rows(*what)
                continue
            self._answered += 1
            future, hold, arrived = asked
            if type(what) is Overloaded:
                late += 1
                what = Overloaded(what.message, **{"retry_after": self.wait.retry_seconds(), **what.details})
            else:
                done += 1
                waited = max(waited, answered_at - arrived) if arrived is not None else waited
            if future.done():
                continue  # the caller has gone
            if isinstance(what, Refused):
                future.set_exception(what)
            elif hold is None or not hold(future, what):
                future.set_result(what)
        if done or late:
            self.wait.answered(done, late, waited)
        while self._waiting and self._waiting[0][0] <= self._answered:
            self._waiting.popleft()[1].set_result(None)
