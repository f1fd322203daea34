"""Time that is nobody's request: sweeps lapsed holds, fills horizons, trims the log, lets idle rooms go.

What it asks for are commands like any other; that two processes ask for the same one does no harm.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from models.errors import Refused
from realtime.dispatcher import Dispatcher
from realtime.door import Door

SWEEP_SECONDS = 0.1  # a hold's seats are free 0.5 s after its end, and everyone knows by 1 s
HOUSEKEEPING_SECONDS = 10.0
UPKEEP_SECONDS = 600.0

_log = logging.getLogger("slotcast.timekeeper")


class Timekeeper:
    """One task; whatever fails in it is logged and tried again at the next tick."""

    def __init__(self, door: Door, dispatcher: Dispatcher) -> None:
        self._door = door
        self._dispatcher = dispatcher
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        for name, seconds, work in (
            ("sweep", SWEEP_SECONDS, self._sweep),
            ("rooms", HOUSEKEEPING_SECONDS, self._let_go),
            ("upkeep", UPKEEP_SECONDS, self._keep_up),
        ):
            self._tasks.append(asyncio.create_task(self._every(seconds, work), name=name))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _every(self, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(seconds)
            try:
                await work()
            except Refused as refusal:
                _log.warning("Not done now: %s", refusal.message)
            except Exception:
                _log.exception("The clock's work failed")

    async def _sweep(self) -> None:
        for command in await self._door.read(self._door.book.due):
            await self._door.run(command)

    async def _let_go(self) -> None:
        self._dispatcher.let_go()

    async def _keep_up(self) -> None:
        for command in await self._door.read(self._door.book.upkeep):
            await self._door.run(command)
