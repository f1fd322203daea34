"""The door between the loop and the book's threads: commands and questions go in, answers come out on the loop.

A batch's answers wake the loop once, however many there are; and what its commit added to the log comes first.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any, TypeVar

from models.contract.changes import Logged
from models.contract.commands import Answer, Command
from models.contract.errors import Overloaded, Refused
from models.service import Outcome, SlotService
from realtime.read_queue import Lane
from realtime.readers import Readers

T = TypeVar("T")

MOST_QUEUED = 5_000  # commands; a second or so of work, after which "later" is the honest answer


class AsyncService:
    """The loop's side of the book. `on_commit` hears, on the loop, what this process has added to the log."""

    def __init__(self, sync: SlotService, on_commit: Callable[[list[Logged]], None]) -> None:
        self.sync = sync
        self._on_commit = on_commit
        self._loop = asyncio.get_running_loop()
        self._done: deque[tuple[asyncio.Future[Answer] | None, Any]] = deque()
        self._is_woken = False
        self._under_way = 0  # commands that were given to the book and are not answered yet
        self._until_quiet: asyncio.Future[None] | None = None
        self._readers = Readers(sync.close_thread_connection)
        sync.on_commit = self._committed

    async def run(self, command: Command) -> Answer:
        """Does the command; raises what refuses it. Commands are done in the order in which `run` was called."""
        if self.is_full:
            raise Overloaded
        future: asyncio.Future[Answer] = self._loop.create_future()
        self._under_way += 1
        self.sync.submit(command, partial(self._reply, future))
        return await future

    async def quiet(self, seconds: float) -> None:
        """Returns once no command is under way, or after so many seconds."""
        if self._under_way:
            if self._until_quiet is None:
                self._until_quiet = self._loop.create_future()
            await asyncio.wait([self._until_quiet], timeout=seconds)

    @property
    def is_full(self) -> bool:
        """Whether so much waits for the writer that more would only wait in vain."""
        return self.sync.queued > MOST_QUEUED

    async def read(
        self,
        question: Callable[..., T],
        *args: Any,
        lane: Lane = Lane.SERVER,
        key: Hashable = None,
        is_late_welcome: bool = False,
        **kwargs: Any,
    ) -> T:
        """Asks the book something, off the loop; see `Readers.run` for the lane and the key."""
        asked = partial(question, *args, **kwargs)
        return await self._readers.run(asked, lane, key, is_late_welcome=is_late_welcome)

    def end_heavy_reads(self) -> None:
        """The server is stopping: what is cheap to read is read still, the rest is refused."""
        self._readers.end_heavy()

    async def close(self) -> None:
        """Lets queued commands finish and closes the book."""
        await self._loop.run_in_executor(None, self.sync.close)
        await self._readers.close()

    def _committed(self, rows: list[Logged]) -> None:
        self._wake(None, rows)

    def _reply(self, future: asyncio.Future[Answer], outcome: Outcome) -> None:
        self._wake(future, outcome)

    def _wake(self, future: asyncio.Future[Answer] | None, what: Any) -> None:
        """On the writer's thread. The flag is cleared before the deque is emptied, so no answer is ever left in it."""
        self._done.append((future, what))
        if not self._is_woken:
            self._is_woken = True
            self._loop.call_soon_threadsafe(self._deliver)

    def _deliver(self) -> None:
        self._is_woken = False
        while self._done:
            future, what = self._done.popleft()
            if future is None:
                self._on_commit(what)
                continue
            self._under_way -= 1
            if future.done():
                continue  # whoever asked has gone
            if isinstance(what, Refused):
                future.set_exception(what)
            else:
                future.set_result(what)
        if not self._under_way and self._until_quiet is not None:
            self._until_quiet.set_result(None)
            self._until_quiet = None
