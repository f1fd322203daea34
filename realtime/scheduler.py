"""Time that is nobody's request: sweeps lapsed holds, fills horizons, trims the log, lets idle rooms go.

What it asks for are commands like any other; that two processes ask for the same one does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable

import msgspec

from models.contract.changes import SLOTS_A_CHANGE
from models.contract.commands import Answer, Command, ExpireHolds
from models.contract.errors import Refused
from realtime.async_service import AsyncService
from realtime.rooms.dispatcher import Dispatcher

SWEEP_SECONDS = 0.1  # a hold's seats are free 0.5 s after its end, and everyone knows by 1 s
HOUSEKEEPING_SECONDS = 10.0
FILL_SECONDS = 60.0
TRIM_SECONDS = 600.0

_log = logging.getLogger("slotcast.timekeeper")


class Scheduler:
    """A task a duty, which is done once at the start; whatever fails is logged and tried again at the next tick."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._tasks: list[asyncio.Task[None]] = []
        self._sweeping: set[str] = set()  # calendars
        self._sweeps: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        for name, seconds, work in (
            ("sweep", SWEEP_SECONDS, self._sweep),
            ("rooms", HOUSEKEEPING_SECONDS, self._let_go),
            ("fill", FILL_SECONDS, self._fill),
            ("trim", TRIM_SECONDS, self._trim),
        ):
            self._tasks.append(asyncio.create_task(self._every(seconds, work), name=name))

    async def close(self) -> None:
        tasks = [*self._tasks, *self._sweeps]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await work()
            except Refused as refusal:
                _log.warning("Not done now: %s", refusal.message)
            except Exception:
                _log.exception("The clock's work failed")
            await asyncio.sleep(seconds)

    async def _sweep(self) -> None:
        """All calendars at once; one that another process has locked keeps no other waiting."""
        for command in await self._service.read(self._service.sync.due):
            if command.calendar not in self._sweeping:
                self._sweeping.add(command.calendar)
                task = asyncio.create_task(self._lapse(command))
                self._sweeps.add(task)
                task.add_done_callback(self._sweeps.discard)

    async def _lapse(self, command: ExpireHolds) -> None:
        """One calendar, and again at once while it had more than fits into a change."""
        try:
            while (answer := await self._done(command)) is not None and _lapsed(answer) >= SLOTS_A_CHANGE:
                pass
        except Exception:
            _log.exception("The clock's work failed")
        finally:
            self._sweeping.discard(command.calendar)

    async def _let_go(self) -> None:
        self._dispatcher.close_idle_rooms()

    async def _fill(self) -> None:
        await self._one_by_one(await self._service.read(self._service.sync.behind))

    async def _trim(self) -> None:
        await self._one_by_one(await self._service.read(self._service.sync.trims))

    async def _one_by_one(self, commands: Iterable[Command]) -> None:
        """What can wait stands in nobody's way: never more than one of it is in the queue."""
        for command in commands:
            await self._done(command)

    async def _done(self, command: Command) -> Answer | None:
        """None for one that was refused, which keeps no other from being done."""
        try:
            return await self._service.run(command)
        except Refused as refusal:
            _log.warning("%s was not done now: %s", type(command).__name__, refusal.message)
            return None


def _lapsed(answer: Answer) -> int:
    count: int = msgspec.json.decode(answer.result)["lapsed"]
    return count
