"""Sets or previews a schedule. Its slots are made on a reading thread, so that the writer serves others meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

from models.contract.commands.calendars import SetSchedule
from models.contract.commands.command import Answer, Command
from models.contract.errors import StaleExpansion
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane

TRIES = 3  # a change of the calendar's zone, or midnight, makes another try necessary


async def set_schedule(
    service: AsyncService, run: Callable[[Command], Awaitable[Answer]], command: SetSchedule
) -> Answer:
    """Run the command with the slots of its schedule, or preview it. One client's schedules take turns."""
    for _ in range(TRIES):
        expanded = await service.read(service.sync.with_expansion, command, lane=Lane.STAFF)
        with suppress(StaleExpansion):
            if command.preview:
                return await service.read(service.sync.preview, expanded, lane=Lane.STAFF)
            return await run(expanded)
    raise StaleExpansion
