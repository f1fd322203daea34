"""The opening of rooms: one read of the database opens a calendar's room for all callers of that time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

from models.contract.values.time import DAY
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane
from realtime.rooms.replica.replica import Replica
from realtime.rooms.room import Room

FAR = 1 << 53


class _Opening:
    """A room under construction, and the number of its waiters.

    `committed` and `noted` are the last seqs heard of meanwhile, on the loop and on the listener's thread. They may be
    missing in the room, since the room was not there to take them.
    """

    __slots__ = ("committed", "has_begun", "is_over", "noted", "waiters")

    def __init__(self) -> None:
        self.waiters = 0
        self.has_begun = False
        self.is_over = asyncio.Event()
        self.committed = 0
        self.noted = 0

    def may_lack_rows(self, seq: int) -> bool:
        """Whether a replica at this seq may lack rows. Its read may have begun for an earlier opening."""
        return not self.has_begun or max(self.committed, self.noted) > seq


class Openings:
    """All openings of this process. `note` is for the listener's thread, every other method for the loop's.

    `add` makes the room of a replica. `notify` is called for a room that may lack rows of the log.
    """

    def __init__(
        self,
        service: AsyncService,
        rooms: Mapping[str, Room],
        add: Callable[[Replica], Room],
        notify: Callable[[set[str]], None],
    ) -> None:
        self._service = service
        self._rooms = rooms
        self._add = add
        self._notify = notify
        self._openings: dict[str, _Opening] = {}

    async def open(self, calendar: str) -> Room:
        """Return the room of a calendar that had none."""
        opening = self._openings.setdefault(calendar, _Opening())
        opening.waiters += 1
        try:
            replica = await self._service.read(
                self._load, calendar, lane=Lane.HEAVY, key=("room", calendar), is_late_welcome=True
            )
            return self._rooms.get(calendar) or self._opened(replica, opening)
        finally:
            opening.waiters -= 1
            if not opening.waiters:
                del self._openings[calendar]
                opening.is_over.set()

    def _load(self, calendar: str) -> Replica:
        """Read a whole calendar, on a reader's thread."""
        if opening := self._openings.get(calendar):
            opening.has_begun = True
        since = self._service.sync.clock() - DAY
        return Replica(self._service.sync.snapshot(calendar, since, FAR), since)

    def _opened(self, replica: Replica, opening: _Opening) -> Room:
        room = self._add(replica)
        if opening.may_lack_rows(replica.seq):
            self._notify({room.calendar})
        return room

    def on_commit(self, calendar: str, seq: int) -> None:
        """Note a commit of this process in a calendar without a room."""
        if opening := self._openings.get(calendar):
            opening.committed = max(opening.committed, seq)

    def note(self, last: Mapping[str, int] | None) -> None:
        """Note the last seqs of these calendars; None is every calendar.

        An opening ends once its room is there. Called before the rooms are looked up, so one of both is found.
        """
        for name, opening in list(self._openings.items()):
            opening.noted = max(opening.noted, FAR if last is None else last.get(name, 0))

    def __contains__(self, calendar: str) -> bool:
        return calendar in self._openings

    def is_reading(self, calendar: str) -> bool:
        """Whether a read is under way, perhaps from before a change that was just committed."""
        opening = self._openings.get(calendar)
        return opening is not None and opening.has_begun

    async def finished(self, calendar: str) -> None:
        """Return once no read of the calendar from before this call is under way."""
        if self.is_reading(calendar):
            await self._openings[calendar].is_over.wait()
