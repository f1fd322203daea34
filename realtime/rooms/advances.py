"""Sends the waiting rows of rooms: at once to few subscribers, and by a task to many.

The promise: the rows of a room are sent in order, as one at a time is under way for each room. No room waits for
another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

from models.contract.values.histogram import Histogram
from realtime.rooms.replica.replica import Gap
from realtime.rooms.room import Room

_log = logging.getLogger("slotcast.dispatcher")


class Advances:
    """The rooms on their way to the last row, with the counts for the metrics. A failure disbands its room only."""

    def __init__(self, disband: Callable[[Room], None]) -> None:
        self._disband = disband
        self.tasks: set[asyncio.Task[None]] = set()
        self.changes = 0
        self.push_times = Histogram()

    def begin(self, room: Room, began: float) -> None:
        """Send the waiting rows of a room for which nothing is under way. `began` is the time of their commit."""
        try:
            count = room.advance_at_once()
        except Exception as error:
            self._give_up(room, error)
            return
        if count:
            self._count(count, began)
        else:
            task = asyncio.create_task(self._advance(room, began))
            self.tasks.add(task)
            task.add_done_callback(self.tasks.discard)

    async def _advance(self, room: Room, began: float) -> None:
        try:
            self._count(await room.advance(), began)
        except Exception as error:
            self._give_up(room, error)

    def _count(self, changes: int, began: float) -> None:
        self.changes += changes
        self.push_times.observe(time.perf_counter() - began)

    def _give_up(self, room: Room, error: Exception) -> None:
        if isinstance(error, Gap):
            _log.warning("A calendar's log does not follow what was sent: its room is disbanded")
        else:
            _log.error("A change could not be sent: its room is disbanded", exc_info=error)
        self._disband(room)
