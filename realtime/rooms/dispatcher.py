"""The step from the change log to the rooms: it reads new rows of calendars with a room, and hands them over.

Commits of this process arrive with their rows, so the dispatcher does not read the log for them. That saves two changes
of thread and a read transaction a change. Rows reach a room in the order of the log, from any source. No room waits
for another.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from models.contract.changes import Booking, Cursor, Logged
from models.contract.commands.command import Answer
from models.contract.errors import Overloaded
from realtime.async_service import AsyncService
from realtime.background_task import end_tasks
from realtime.reads.read_queue import Lane
from realtime.rooms.advances import Advances
from realtime.rooms.opening import Openings
from realtime.rooms.replica.replica import Replica
from realtime.rooms.room import Room
from realtime.rooms.room_memory import RoomMemory
from realtime.rooms.subscriber import Audience, CutReason, SocketIoRooms

CHANGES_A_READ = 1_000  # the most rows of one read
REACH_SECONDS = 1.0  # the longest wait of a client ahead of this process
ROOMS_A_CHECK = 100
_RETRY_SECONDS = 0.5

_log = logging.getLogger("slotcast.dispatcher")


class NewRows(NamedTuple):
    """The result of one read of the log: for each calendar the requested cursor and the rows after it."""

    have: dict[str, Cursor]
    found: dict[str, list[Logged]]


def _runs(rows: Iterable[Logged]) -> list[list[Logged]]:
    """Return the rows of a calendar in sequences without gaps."""
    runs: list[list[Logged]] = []
    for row in rows:
        if runs and runs[-1][-1].seq + 1 == row.seq:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


class Dispatcher:
    """All rooms of this process.

    `read_new_rows` and `check_rows` are for the listener's thread, every other method for the loop's.
    """

    def __init__(
        self,
        service: AsyncService,
        socketio: Mapping[Audience, SocketIoRooms] | None = None,
        *,
        max_room_bytes: int = 1 << 40,
    ) -> None:
        self._service = service
        self._socketio = socketio or {}
        self.rooms: dict[str, Room] = {}
        self._openings = Openings(service, self.rooms, self._add, self.notify)
        self._notified: set[str] = set()  # calendars to read the log for
        self._notification = asyncio.Event()
        self._next_read: list[asyncio.Future[None]] = []  # waits for the next read of the log
        self.advances = Advances(self._disband)
        self._task: asyncio.Task[None] | None = None
        self.memory = RoomMemory(self.rooms, max_room_bytes)
        self._unchecked: list[str] = []  # calendars of the present round of checks
        self.opened = 0
        self.looks = 0

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="dispatcher")

    async def close(self) -> None:
        await end_tasks([self._task, *self.advances.tasks])

    def notify(self, calendars: set[str]) -> None:
        """Read the log for these calendars soon."""
        self._notified |= calendars
        self._notification.set()

    def on_rows(self, rows: list[Logged]) -> None:
        """Take rows of commits, of this process or of another one, in the log's order.

        Rows of another process may lack a third one's change between two of them.
        """
        for calendar, group in groupby(rows, key=attrgetter("calendar")):
            room = self.rooms.get(calendar)
            if room is not None:
                for run in _runs(group):
                    self._hand_over(room, run)
            elif calendar in self._openings:
                self._openings.on_commit(calendar, max(row.seq for row in group))

    def read_new_rows(self, last: Mapping[str, int] | None) -> NewRows | None:
        """Read the rows that the rooms of these calendars lack, by the last seq of each; None is every calendar."""
        self._openings.note(last)
        if last is None:
            return self._new_rows({name: room.fetched for name, room in list(self.rooms.items())})
        have = {}
        for name, seq in last.items():
            room = self.rooms.get(name)
            if room is not None and room.fetched.seq < seq:
                have[name] = room.fetched
        return self._new_rows(have)

    def check_rows(self, last: Mapping[str, int] | None) -> NewRows | None:
        """Do the same, and compare some rooms in turn with the log: it finds a row that someone deleted by hand."""
        if last is None:
            return self.read_new_rows(None)
        self._openings.note(last)
        self._unchecked = self._unchecked or list(self.rooms)
        some, self._unchecked = self._unchecked[:ROOMS_A_CHECK], self._unchecked[ROOMS_A_CHECK:]
        names = {*some, *last}
        return self._new_rows({name: room.fetched for name in names if (room := self.rooms.get(name)) is not None})

    def _new_rows(self, have: dict[str, Cursor]) -> NewRows | None:
        self.looks += len(have)
        found = self._service.sync.new_rows(have) if have else {}
        return NewRows(have, found) if found else None

    def take_new_rows(self, new_rows: NewRows) -> None:
        """Hand the rooms their rows, unless a room has newer rows by now."""
        for calendar, rows in new_rows.found.items():
            room = self.rooms.get(calendar)
            if room is None:
                continue
            if rows:
                self._hand_over(room, rows)
                if len(rows) >= CHANGES_A_READ:
                    self.notify({calendar})  # one read may not have brought all
            elif room.fetched == new_rows.have[calendar]:
                self._disband(room)  # the log lacks a sent change: somebody has restored another copy of the database

    def _hand_over(self, room: Room, rows: list[Logged]) -> None:
        """Give the room its missing rows, out of a sequence without gaps."""
        known = room.fetched.seq + 1 - rows[0].seq
        if known < 0:
            self.notify({room.calendar})  # another process has committed in between
        elif known < len(rows):
            room.fetched = Cursor(rows[-1].seq, rows[-1].nonce)
            is_advancing = bool(room.waiting)
            room.waiting += rows[known:]
            if not is_advancing:
                self.advances.begin(room, self._service.committed_at or time.perf_counter())

    async def room(self, calendar: str) -> Room:
        """Return the calendar's room."""
        return self.rooms.get(calendar) or await self._openings.open(calendar)

    async def room_at(self, calendar: str, after: Cursor | None, at_least: Cursor | None = None) -> Room:
        """Return the calendar's room once it has these cursors, and the changes after the first where the log has them.

        A cursor of another history is ignored. A client from another server may be ahead of this process. Then the log
        is read first, once for all waiting callers. Raises Overloaded after more than a second.
        """
        room = await self.room(calendar)
        wanted = max((cursor.seq for cursor in (after, at_least) if cursor is not None), default=0)
        if wanted > room.sent:
            try:
                async with asyncio.timeout(REACH_SECONDS):
                    while not await self._has_reached(room, wanted):
                        room = await self.room(calendar)
            except TimeoutError as error:
                raise Overloaded("This server does not have that change yet.") from error
        if after is not None and room.replica.lacks(after):
            await self._extend(room)
        return room

    async def _extend(self, room: Room) -> None:
        """Read the changes before the room's tail, once for all that ask meanwhile."""
        room.replica.pin()
        rows = await self._service.read(
            self._service.sync.changes_before,
            room.calendar,
            room.replica.tail_start,
            lane=Lane.HEAVY,
            key=("tail", room.calendar),
        )
        room.replica.extend(rows)

    async def _has_reached(self, room: Room, seq: int) -> bool:
        """Bring the room to this seq or to the end of the log; False if it was disbanded meanwhile."""
        before = None
        while room.fetched.seq < seq and room.fetched != before:
            before = room.fetched
            await self._log_read(room.calendar)
        if self.rooms.get(room.calendar) is room:
            await room.reached(min(seq, room.fetched.seq))
        return self.rooms.get(room.calendar) is room

    async def _log_read(self, calendar: str) -> None:
        """Return once a read of the log, begun after this call, has covered this calendar."""
        is_read: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._next_read.append(is_read)
        self.notify({calendar})
        await is_read

    def _add(self, replica: Replica) -> Room:
        self.opened += 1
        room = Room(replica, self._read_bookings, self._service.caught_up, self._socketio)
        self.rooms[room.calendar] = room
        self.memory.count(room)
        room.idle_since = time.monotonic()
        return room

    async def _read_bookings(self, ids: list[str]) -> dict[str, Booking]:
        return await self._service.read(self._service.sync.bookings_by_id, ids)

    def is_settled(self, calendar: str, seq: int) -> bool:
        """Say if every subscriber was sent the change already, so that nothing is to be waited for."""
        room = self.rooms.get(calendar)
        return calendar not in self._openings and (room is None or room.sent >= seq)

    async def settled(self, calendar: str, seq: int) -> None:
        """Return once every subscriber was sent the change; at once for a calendar without a room."""
        await self._openings.finished(calendar)  # its read may be from before the change
        room = self.rooms.get(calendar)
        if room is not None:
            await room.settled(seq)

    def hold(self, future: asyncio.Future[Answer], answer: Answer) -> bool:
        """Set the future's result once every subscriber was sent the change; return False for `settled` to wait.

        One future for the commit and the change saves a change of task.
        """
        room = self.rooms.get(answer.calendar)
        is_reading = self._openings.is_reading(answer.calendar)
        return room is not None and not is_reading and room.hold(answer.seq, future, answer)

    async def _run(self) -> None:
        while True:
            await self._notification.wait()
            self._notification.clear()
            notified, self._notified = self._notified & self.rooms.keys(), set()
            waiting, self._next_read = self._next_read, []
            have = {name: self.rooms[name].fetched for name in notified}
            try:
                if have:
                    self.take_new_rows(NewRows(have, await self._service.read(self._service.sync.new_rows, have)))
            except Exception as error:
                _log.warning("The change log can't be read now: %s", error, exc_info=not isinstance(error, Overloaded))
                self._next_read += waiting
                await asyncio.sleep(_RETRY_SECONDS)
                self.notify(notified)
                continue
            for is_read in waiting:
                if not is_read.done():
                    is_read.set_result(None)

    def _disband(self, room: Room) -> None:
        if self.rooms.get(room.calendar) is room:
            self._forget(room)
        room.disband(CutReason.HISTORY_REPLACED)

    def close_idle_rooms(self) -> None:
        """Forget the rooms without a subscriber for a while. The scheduler calls it."""
        for room in self.memory.idle_rooms():
            self._forget(room)

    def _forget(self, room: Room) -> None:
        self.memory.discount(room)
        del self.rooms[room.calendar]

    @property
    def room_bytes(self) -> int:
        """Return about the bytes of memory that all rooms' slots and changes take."""
        return sum(room.replica.size_bytes for room in self.rooms.values())
