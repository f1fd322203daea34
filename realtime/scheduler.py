"""The periodic work: expires holds and bookings, opens slots, trims the log, forgets customers, closes idle rooms.

It sends ordinary commands, on the server that leads. Two servers may send the same one without harm. Each server closes
its own rooms.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import msgspec

from models.contract.changes import SLOTS_A_CHANGE
from models.contract.commands.background import ExpireHolds, TrimHolds, TrimOldest
from models.contract.commands.command import Answer, Command
from models.contract.errors import Refused
from models.contract.values.time import SECOND
from realtime.async_service import AsyncService
from realtime.background_task import end_tasks
from realtime.nodes.leader import Leader
from realtime.reads.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher

EXPIRE_SECONDS = 0.1  # a hold's seats are free 0.5 s after its end, and clients are told by 1 s
CALM_SECONDS = 2.0  # while no hold ends within that time; the service's own last 30 s at least
HOUSEKEEPING_SECONDS = 10.0
ANSWER_SECONDS = 1.5
FILL_SECONDS = 60.0
TRIM_SECONDS = 600.0
FORGET_SECONDS = 3_600.0
COMMANDS_AT_ONCE = 10  # of less urgent work; they share a transaction, for which other commands wait

Work = Callable[[], Awaitable[None]]

_log = logging.getLogger("slotcast.scheduler")


class Scheduler:
    """One task for each kind of work, first run at the start. A failure is logged, and the next run tries again."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, leader: Leader) -> None:
        self._service = service
        self._leader = leader
        self._hurry = asyncio.Event()
        self._dispatcher = dispatcher
        self._tasks: list[asyncio.Task[None]] = []
        self._expiring: set[str] = set()  # calendars
        self._expiries: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        works: tuple[tuple[str, float, Work], ...] = (
            ("expire", EXPIRE_SECONDS, self._expire),
            ("unanswered", ANSWER_SECONDS, self._expire_bookings),
            ("fill", FILL_SECONDS, self._fill),
            ("trim", TRIM_SECONDS, self._trim),
            ("forget", FORGET_SECONDS, self._forget),
        )
        for name, seconds, work in works:
            self._tasks.append(asyncio.create_task(self._every(seconds, work, self._leader.turn), name=name))
        self._tasks.append(asyncio.create_task(self._every(HOUSEKEEPING_SECONDS, self._close_idle_rooms), name="rooms"))

    async def close(self) -> None:
        await end_tasks([*self._tasks, *self._expiries])

    def hurry(self) -> None:
        """Look for overdue holds soon: another program may have written one that ends at once."""
        self._hurry.set()

    async def _every(self, seconds: float, work: Work, turn: Callable[[], Awaitable[None]] | None = None) -> None:
        """Do the work again and again, at this server's `turn`."""
        while True:
            try:
                if turn is not None:
                    await turn()
                await work()
            except Refused as refusal:
                _log.warning("Not done now: %s", refusal.message)
            except Exception:
                _log.exception("Periodic work failed")
            await asyncio.sleep(seconds)

    async def _expire(self) -> None:
        """Expire the holds of all calendars at once, so that a locked calendar delays no other."""
        commands, is_soon = await self._service.read(self._service.sync.expiring, int(CALM_SECONDS * SECOND))
        for command in commands:
            if command.calendar not in self._expiring:
                self._expiring.add(command.calendar)
                task = asyncio.create_task(self._expire_calendar(command))
                self._expiries.add(task)
                task.add_done_callback(self._expiries.discard)
        if not commands and not is_soon:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), CALM_SECONDS - EXPIRE_SECONDS)
            self._hurry.clear()

    async def _expire_calendar(self, command: ExpireHolds) -> None:
        """Expire the holds of one calendar, again while it has more than one change can hold."""
        try:
            while (answer := await self._done(command)) is not None and _count(answer, "lapsed") >= SLOTS_A_CHANGE:
                pass
        except Exception:
            _log.exception("Periodic work failed")
        finally:
            self._expiring.discard(command.calendar)

    async def _close_idle_rooms(self) -> None:
        self._dispatcher.close_idle_rooms()

    async def _expire_bookings(self) -> None:
        await self._in_batches(await self._service.read(self._service.sync.unanswered))

    async def _fill(self) -> None:
        await self._in_batches(await self._service.read(self._service.sync.behind))

    async def _trim(self) -> None:
        for command in await self._service.read(self._service.sync.trims):
            answer = await self._done(command)
            while isinstance(command, TrimOldest | TrimHolds) and answer is not None and _count(answer, "trimmed"):
                answer = await self._done(command)

    async def _forget(self) -> None:
        """Erase the customers of bookings that are past their retention."""
        page = ""
        while True:
            commands, page = await self._service.read(self._service.sync.past_customers, page, lane=Lane.STAFF)
            await self._in_batches(commands)
            if not page:
                return

    async def _in_batches(self, commands: Sequence[Command]) -> None:
        """Run less urgent commands, some at a time: in one transaction, and other commands come in between."""
        for place in range(0, len(commands), COMMANDS_AT_ONCE):
            await asyncio.gather(*map(self._done, commands[place : place + COMMANDS_AT_ONCE]))

    async def _done(self, command: Command) -> Answer | None:
        """Run the command. Return None for a refused one, so that the others still run."""
        try:
            return await self._service.run(command)
        except Refused as refusal:
            _log.warning("%s was not done now: %s", type(command).__name__, refusal.message)
            return None


def _count(answer: Answer, name: str) -> int:
    count: int = msgspec.json.decode(answer.result)[name]
    return count
