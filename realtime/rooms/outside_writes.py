"""Puts the writes of other programs to the tables into the log, with the service's commands.

A large write takes many commands. After each the task pauses for as long as the command took, so other calendars'
commands run in between, and clients have time to read the changes. Every server asks for the commands. The first one
finds the notes of the writes, the others find none.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import msgspec

from models.contract.commands.command import Command
from models.contract.errors import Refused
from models.service import News
from realtime.async_service import AsyncService
from realtime.background_task import end_tasks
from realtime.rooms.dispatcher import Dispatcher, NewRows

MOST_AT_ONCE = 4  # calendars
LONGEST_PAUSE_SECONDS = 0.25

_log = logging.getLogger("slotcast.outside")


class Found(NamedTuple):
    """The result of one read: new rows of the log, and commands for the writes of other programs."""

    new_rows: NewRows | None
    outside: list[Command]


class OutsideWrites:
    """The tasks that take outside writes. `read` is for the listener's thread, every other method for the loop's."""

    def __init__(
        self, service: AsyncService, dispatcher: Dispatcher, on_writes: Callable[[], None] | None = None
    ) -> None:
        self._service = service
        self._on_writes = on_writes
        self._dispatcher = dispatcher
        self._tasks: dict[Command, asyncio.Task[None]] = {}
        self._limit = asyncio.Semaphore(MOST_AT_ONCE)

    def read(self, news: News) -> Found | None:
        """Read the rows that the rooms lack, and the commands for outside writes; None if there are neither."""
        return self._found(self._dispatcher.read_new_rows(news.last), has_notes=news.has_notes)

    def check(self, news: News) -> Found | None:
        """Read the same, and compare some of the rooms with the log. A command that was refused runs again."""
        return self._found(self._dispatcher.check_rows(news.last), has_notes=news.has_notes)

    def _found(self, new_rows: NewRows | None, *, has_notes: bool) -> Found | None:
        found = Found(new_rows, self._service.sync.outside() if has_notes else [])
        return found if any(found) else None

    def take(self, found: Found) -> None:
        """Hand the rooms their rows, and start a task for each calendar that has none."""
        if found.new_rows is not None:
            self._dispatcher.take_new_rows(found.new_rows)
        if found.outside and self._on_writes is not None:
            self._on_writes()
        for command in found.outside:
            if command not in self._tasks:
                task = self._tasks[command] = asyncio.create_task(self._drain(command))
                task.add_done_callback(partial(self._forget, command))

    def _forget(self, command: Command, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(command, None)

    async def close(self) -> None:
        await end_tasks(self._tasks.values())

    async def _drain(self, command: Command) -> None:
        """Run the command until nothing is left. After a refusal a later read finds the notes again."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                async with self._limit:
                    began = loop.time()
                    answer = await self._service.run(command)
                    if not msgspec.json.decode(answer.result)["left"]:
                        return
                await self._dispatcher.settled(answer.calendar, answer.seq)
                await asyncio.sleep(min(loop.time() - began, LONGEST_PAUSE_SECONDS))
        except Refused as refusal:
            _log.warning("What others wrote was not taken now: %s", refusal.message)
        except Exception:
            _log.exception("What others wrote could not be taken")
