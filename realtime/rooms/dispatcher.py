"""From the bell to the rooms: compares the watched calendars' seq, reads the log's new rows, hands them to the rooms.

What this process commits comes with its bell and is not read again: that takes two changes of thread and a read
transaction off every change. Rows reach a room in the order of the log, whoever brought them; one room waits for no
other.
"""

from __future__ import annotations

import asyncio
import logging
import time
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from models.contract.changes import Booking, Cursor, Logged
from models.contract.errors import Overloaded
from models.contract.time import DAY
from realtime.async_service import AsyncService
from realtime.readers import Lane
from realtime.rooms.replica import MOST_REPLAYED, Gap, Replica
from realtime.rooms.room import HISTORY_REPLACED, Room

KEPT_SECONDS = 60.0  # how long a room stays that nobody watches
FAR = 1 << 53
CHANGES_A_READ = 1_000  # the most that the book gives at once
REACH_SECONDS = 1.0  # how long whoever is ahead of this process waits for it
_RETRY_SECONDS = 0.5

_log = logging.getLogger("slotcast.dispatcher")


class NewRows(NamedTuple):
    """What one look at the log has found, by calendar, after the seqs that were asked for."""

    have: dict[str, Cursor]
    found: dict[str, list[Logged]]


class _Opening:
    """A room that is being read, and how many wait for it."""

    __slots__ = ("has_begun", "is_over", "waiters")

    def __init__(self) -> None:
        self.waiters = 0
        self.has_begun = False
        self.is_over = asyncio.Event()


class Dispatcher:
    """All rooms of this process. Every method but `look` is for the loop's thread."""

    def __init__(self, service: AsyncService) -> None:
        self._service = service
        self.rooms: dict[str, Room] = {}
        self._opening: dict[str, _Opening] = {}
        self._rung: set[str] = set()
        self._bell = asyncio.Event()
        self._lookers: list[asyncio.Future[None]] = []  # who waits for a read of the log that is not begun yet
        self._advances: set[asyncio.Task[None]] = set()
        self._task: asyncio.Task[None] | None = None
        self.changes = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="dispatcher")

    async def close(self) -> None:
        tasks = [task for task in (self._task, *self._advances) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def ring(self, calendars: set[str]) -> None:
        """These calendars may have moved: the log is read."""
        self._rung |= calendars
        self._bell.set()

    def hear(self, rows: list[Logged]) -> None:
        """What this process has just committed, in the log's order; of a watched calendar it need not be read."""
        for calendar, group in groupby(rows, key=attrgetter("calendar")):
            room = self.rooms.get(calendar)
            if room is not None:
                self._hand_over(room, list(group))

    def look(self) -> NewRows | None:
        """What the log has and the rooms have not. For any thread, as it reads at once."""
        have = {name: room.fetched for name, room in list(self.rooms.items())}
        found = self._service.sync.new_rows(have) if have else {}
        return NewRows(have, found) if found else None

    def take(self, new_rows: NewRows) -> None:
        """Hands the rooms what was read for them, unless they have moved on meanwhile."""
        for calendar, rows in new_rows.found.items():
            room = self.rooms.get(calendar)
            if room is None:
                continue
            if rows:
                self._hand_over(room, rows)
                if len(rows) >= CHANGES_A_READ:
                    self.ring({calendar})  # there may be more than one read brings
            elif room.fetched == new_rows.have[calendar]:
                self._disband(room)  # what was sent is not in it: the database was put back to another copy

    def _hand_over(self, room: Room, rows: list[Logged]) -> None:
        """Gives the room what it does not have of these rows, which follow one another."""
        known = room.fetched.seq + 1 - rows[0].seq
        if known < 0:
            self.ring({room.calendar})  # others have committed in between
        elif known < len(rows):
            room.fetched = Cursor(rows[-1].seq, rows[-1].nonce)
            is_advancing = bool(room.waiting)
            room.waiting += rows[known:]
            if not is_advancing:
                task = asyncio.create_task(self._advance(room))
                self._advances.add(task)
                task.add_done_callback(self._advances.discard)

    async def room(self, calendar: str) -> Room:
        """The calendar's room, opened by one read of the database however many ask at once."""
        room = self.rooms.get(calendar)
        if room is not None:
            return room
        opening = self._opening.setdefault(calendar, _Opening())
        opening.waiters += 1
        try:
            replica = await self._service.read(
                self._load, calendar, lane=Lane.HEAVY, key=("room", calendar), is_late_welcome=True
            )
            return self.rooms.get(calendar) or self._opened(replica)
        finally:
            opening.waiters -= 1
            if not opening.waiters:
                del self._opening[calendar]
                opening.is_over.set()

    async def room_at(self, calendar: str, *cursors: Cursor | None) -> Room:
        """The calendar's room with all that these cursors have. A cursor of another history asks for nothing.

        A client that comes from another server may be ahead of this process: then the log is read first, once for
        all who wait. Overloaded where that takes longer than a second.
        """
        room = await self.room(calendar)
        wanted = max((cursor.seq for cursor in cursors if cursor is not None), default=0)
        if wanted <= room.sent:
            return room
        try:
            async with asyncio.timeout(REACH_SECONDS):
                while not await self._has_reached(room, wanted):
                    room = await self.room(calendar)
        except TimeoutError as error:
            raise Overloaded("This server does not have that change yet.") from error
        return room

    async def _has_reached(self, room: Room, seq: int) -> bool:
        """Brings the room to this seq, or to the end of the log; False where it was disbanded meanwhile."""
        before = None
        while room.fetched.seq < seq and room.fetched != before:
            before = room.fetched
            await self._looked_at(room.calendar)
        if self.rooms.get(room.calendar) is room:
            await room.reached(min(seq, room.fetched.seq))
        return self.rooms.get(room.calendar) is room

    async def _looked_at(self, calendar: str) -> None:
        """Returns once the log was read for this calendar, by a read that began after this call."""
        looked: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._lookers.append(looked)
        self.ring({calendar})
        await looked

    def _opened(self, replica: Replica) -> Room:
        room = self.rooms[replica.info.id] = Room(replica, self._read_bookings, self._service.quiet)
        room.idle_since = time.monotonic()
        self.ring({room.calendar})  # what was committed between the read and now
        return room

    def _load(self, calendar: str) -> Replica:
        """Reads a calendar whole; on a reader's thread."""
        if opening := self._opening.get(calendar):
            opening.has_begun = True
        since = self._service.sync.clock() - DAY
        return Replica(self._service.sync.snapshot(calendar, since, FAR, tail=MOST_REPLAYED), since)

    async def _read_bookings(self, ids: list[str]) -> dict[str, Booking]:
        return await self._service.read(self._service.sync.bookings_by_id, ids)

    async def settled(self, calendar: str, seq: int) -> None:
        """Returns once everyone here was sent the change, or at once where nobody looks."""
        opening = self._opening.get(calendar)
        if opening is not None and opening.has_begun:  # what it reads may be from before the change
            await opening.is_over.wait()
        room = self.rooms.get(calendar)
        if room is not None:
            await room.settled(seq)

    async def _run(self) -> None:
        while True:
            await self._bell.wait()
            self._bell.clear()
            rung, self._rung = self._rung & self.rooms.keys(), set()
            lookers, self._lookers = self._lookers, []
            have = {name: self.rooms[name].fetched for name in rung}
            try:
                if have:
                    self.take(NewRows(have, await self._service.read(self._service.sync.new_rows, have)))
            except Exception as error:
                _log.warning("The change log can't be read now: %s", error, exc_info=not isinstance(error, Overloaded))
                self._lookers += lookers
                await asyncio.sleep(_RETRY_SECONDS)
                self.ring(rung)
                continue
            for looker in lookers:
                if not looker.done():
                    looker.set_result(None)

    async def _advance(self, room: Room) -> None:
        """A room that fails is disbanded, and no other room hears of it."""
        try:
            self.changes += await room.advance()
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
