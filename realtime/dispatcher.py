"""From the bell to the rooms: compares the watched calendars' seq, reads the log's new rows, hands them to the rooms.

One reader, so rows reach a room in the order of the log; one room waits for no other.
"""

from __future__ import annotations

import asyncio
import logging
import time

from models.change import Booking, Logged
from models.clock import DAY
from realtime.door import Door
from realtime.replica import MOST_REPLAYED, Gap, Replica
from realtime.room import HISTORY_REPLACED, Room

KEPT_SECONDS = 60.0  # how long a room stays that nobody watches
FAR = 1 << 53
_RETRY_SECONDS = 0.5
_SETTLE_SECONDS = 5.0

_log = logging.getLogger("slotcast.dispatcher")


class Dispatcher:
    """All rooms of this process. Every method is for the loop's thread."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self.rooms: dict[str, Room] = {}
        self._opening: dict[str, asyncio.Task[Room]] = {}
        self._rung: set[str] = set()
        self._is_rung_for_all = False
        self._bell = asyncio.Event()
        self._advances: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self.changes = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="dispatcher")

    async def close(self) -> None:
        tasks = [task for task in (self._task, *self._opening.values(), *self._advances) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ring(self, calendars: set[str] | None) -> None:
        """These calendars may have moved; None for any of them."""
        if calendars is None:
            self._is_rung_for_all = True
        else:
            self._rung |= calendars
        self._bell.set()

    async def room(self, calendar: str) -> Room:
        """The calendar's room, opened by one read of the database however many ask at once."""
        room = self.rooms.get(calendar)
        if room is not None:
            return room
        task = self._opening.get(calendar)
        if task is None:
            task = self._opening[calendar] = asyncio.create_task(self._open(calendar))
            task.add_done_callback(lambda _: self._opening.pop(calendar, None))
        return await asyncio.shield(task)

    async def _open(self, calendar: str) -> Room:
        room = self.rooms[calendar] = Room(await self._load(calendar), self._read_bookings)
        room.idle_since = time.monotonic()
        self.ring({calendar})  # what was committed between the read and now
        return room

    async def _load(self, calendar: str) -> Replica:
        since = self._door.book.clock() - DAY
        return Replica(
            await self._door.read(self._door.book.snapshot, calendar, since, FAR, tail=MOST_REPLAYED + 1), since
        )

    async def _read_bookings(self, ids: list[str]) -> dict[str, Booking]:
        return await self._door.read(self._door.book.bookings_by_id, ids)

    async def settled(self, calendar: str, seq: int) -> None:
        """Returns once everyone here was sent the change, or at once where nobody looks."""
        opening = self._opening.get(calendar)
        if opening is not None:  # what it reads may be from before the change
            await asyncio.wait([opening])
        room = self.rooms.get(calendar)
        if room is None:
            return
        try:
            async with asyncio.timeout(_SETTLE_SECONDS):
                await room.settled(seq)
        except TimeoutError:
            _log.warning("A change was not sent within %s s of its commit", _SETTLE_SECONDS)

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            rung = set(self.rooms) if self._is_rung_for_all else self._rung & self.rooms.keys()
            self._is_rung_for_all = False
            self._rung = set()
            if not rung:
                continue
            try:
                await self._read({name: self.rooms[name].fetched for name in rung})
            except Exception:
                _log.exception("The change log could not be read")
                await asyncio.sleep(_RETRY_SECONDS)
                self.ring(rung)

    async def _read(self, have: dict[str, int]) -> None:
        moved = await self._door.read(self._door.book.moves, have)
        for calendar, rows in moved.items():
            room = self.rooms.get(calendar)
            if room is None or room.fetched != have[calendar]:
                continue
            if rows:
                room.fetched = rows[-1].seq
                self.ring({calendar})  # there may be more than one read brings
            task = asyncio.create_task(self._advance(room, rows))
            self._advances.add(task)
            task.add_done_callback(self._advances.discard)

    async def _advance(self, room: Room, rows: list[Logged]) -> None:
        """A room that fails is disbanded, and no other room hears of it."""
        try:
            await room.advance(rows)
            self.changes += len(rows)
        except Gap:
            _log.warning("A calendar's log does not follow what was sent: its room is disbanded")
            self._disband(room)
        except Exception:
            _log.exception("A change could not be sent: its room is disbanded")
            self._disband(room)

    def _disband(self, room: Room) -> None:
        if self.rooms.get(room.calendar) is room:
            del self.rooms[room.calendar]
        room.disband(HISTORY_REPLACED)

    def let_go(self) -> None:
        """Forgets the rooms that nobody has watched for a while; asked by the clock."""
        now = time.monotonic()
        for name, room in list(self.rooms.items()):
            if not room.is_empty:
                room.idle_since = None
            elif room.idle_since is None:
                room.idle_since = now
            elif now - room.idle_since > KEPT_SECONDS and not room.turn.locked():
                del self.rooms[name]
