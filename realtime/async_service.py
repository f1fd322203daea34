"""The service for the event loop: commands and reads go to the service's threads, and their results come to the loop.

The answers of one batch wake the loop once. The rows that its commit added to the log come before the answers.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar

from models.contract.changes import Logged
from models.contract.commands.command import Answer, Command
from models.contract.errors import Overloaded, Refused
from models.service import Outcome, SlotService
from realtime.reads.read_queue import Lane
from realtime.reads.readers import Readers

T = TypeVar("T")

Hold = Callable[["asyncio.Future[Answer]", Answer], bool]

MOST_QUEUED = 5_000  # commands: about a second of work; further ones are refused


class AsyncService:
    """The loop's side of the service. `on_commit` is called on the loop with the rows that this process commits."""

    def __init__(self, sync: SlotService, on_commit: Callable[[list[Logged]], None]) -> None:
        self.sync = sync
        self._on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._done: deque[tuple[asyncio.Future[Answer] | None, Any, Hold | None]] = deque()
        self._is_woken = False
        self._under_way = 0  # commands without an answer yet
        self._moved_at = 0.0  # the loop's time of the last answer, or of the first command after all answers
        self._until_quiet: asyncio.Future[None] | None = None
        self._readers = Readers(sync.close_thread_connection)
        sync.on_commit = self._committed

    async def run(self, command: Command, hold: Hold | None = None) -> Answer:
        """Run the command and return its answer, or raise its refusal. Commands run in the order of the calls.

        `hold` gets the future and the answer after the rows of the commit. It returns True if it sets the result.
        """
        if self.is_full:
            raise Overloaded
        future: asyncio.Future[Answer] = self._loop.create_future()
        if not self._under_way:
            self._moved_at = self._loop.time()
        self._under_way += 1
        self.sync.submit(command, partial(self._reply, future, hold))
        return await future

    async def quiet(self, seconds: float) -> None:
        """Return once no command is under way, or after so many seconds."""
        if self._under_way:
            if self._until_quiet is None:
                self._until_quiet = self._loop.create_future()
            await asyncio.wait([self._until_quiet], timeout=seconds)

    @property
    def is_full(self) -> bool:
        """Whether the writer has too many commands to take another one."""
        return self.sync.queued > MOST_QUEUED

    @property
    def standstill_seconds(self) -> float:
        """Return how long commands have waited without any answer; 0 if none waits."""
        return self._loop.time() - self._moved_at if self._under_way else 0.0

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
        await self._loop.run_in_executor(None, self.sync.close)
        await self._readers.close()

    def _committed(self, rows: list[Logged]) -> None:
        self._wake(None, rows)

    def _reply(self, future: asyncio.Future[Answer], hold: Hold | None, outcome: Outcome) -> None:
        self._wake(future, outcome, hold)

    def _wake(self, future: asyncio.Future[Answer] | None, what: Any, hold: Hold | None = None) -> None:
        """Wake the loop from the writer's thread. `_deliver` clears the flag first, so no result stays in the deque."""
        self._done.append((future, what, hold))
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_woken = False
        self._moved_at = self._loop.time()
        while self._done:
            future, what, hold = self._done.popleft()
            if future is None:
                self._on_commit(what)
                continue
            self._under_way -= 1
            if future.done():
                continue  # the caller has gone
            if isinstance(what, Refused):
                future.set_exception(what)
            elif hold is None or not hold(future, what):
                future.set_result(what)
        if not self._under_way and self._until_quiet is not None:
            self._until_quiet.set_result(None)
            self._until_quiet = None
