"""Takes into the log what other writers did to the tables: notices it with the watch's poll, and asks for the commands.

A bulk of rows is taken in many commands, one after the other, with a rest after each that is as long as it took: other
calendars' commands come between them, and watchers have the time to read what they are sent. Every server asks; the
one whose command comes first finds the notes, and the others find none.
"""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import NamedTuple

import msgspec

from models.contract.commands import Command
from models.contract.errors import Refused
from realtime.async_service import AsyncService
from realtime.rooms.dispatcher import Dispatcher, NewRows

MOST_AT_ONCE = 4  # calendars
LONGEST_REST_SECONDS = 0.25

_log = logging.getLogger("slotcast.intake")


class Found(NamedTuple):
    """What one look has found: new rows of the log for the rooms, and what other writers ask for."""

    new_rows: NewRows | None
    outside: list[Command]


class Intake:
    """`look` is for the watch's thread, everything else for the loop's."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._tasks: dict[Command, asyncio.Task[None]] = {}
        self._turns = asyncio.Semaphore(MOST_AT_ONCE)

    def look(self) -> Found | None:
        """Reads what the rooms do not have, and which calendars others have touched; None for neither."""
        found = Found(self._dispatcher.look(), self._service.sync.outside())
        return found if any(found) else None

    def take(self, found: Found) -> None:
        """Hands the rooms their rows, and has each touched calendar taken, unless that is under way."""
        if found.new_rows is not None:
            self._dispatcher.take(found.new_rows)
        for command in found.outside:
            if command not in self._tasks:
                task = self._tasks[command] = asyncio.create_task(self._drain(command))
                task.add_done_callback(partial(self._forget, command))

    def _forget(self, command: Command, _task: asyncio.Task[None]) -> None:
        self._tasks.pop(command, None)

    async def close(self) -> None:
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _drain(self, command: Command) -> None:
        """What is refused now is found again by a later look: the notes are still there."""
        loop = asyncio.get_running_loop()
        try:
            while True:
                async with self._turns:
                    began = loop.time()
                    answer = await self._service.run(command)
                    if not msgspec.json.decode(answer.result)["left"]:
                        return
                await self._dispatcher.settled(answer.calendar, answer.seq)
                await asyncio.sleep(min(loop.time() - began, LONGEST_REST_SECONDS))
        except Refused as refusal:
            _log.warning("What others wrote was not taken now: %s", refusal.message)
        except Exception:
            _log.exception("What others wrote could not be taken")
