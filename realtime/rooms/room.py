"""A calendar's room: its replica, its subscribers, and the one order of all its events.

The promise: every change reaches the subscribers in seq order, encoded once. A fair lock orders changes and joins: the
room applies a change and writes it to the subscribers of that moment, and only then takes the next change or join. The
replica has every sent change. A new subscriber's answer and its first change never hold the same change.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from models.contract.changes import Booking, Cursor, Logged, Type, encode, with_bookings
from models.contract.errors import Overloaded
from models.contract.principal import Principal
from realtime.engine import Event, Packet, write_all
from realtime.rooms.fan_out import write_sliced
from realtime.rooms.replica.replica import Replica
from realtime.rooms.subscriber import Audience, CutReason, SocketIoRooms, Subscriber, Subscribers
from realtime.rooms.waiters import Waiters

ReadBookings = Callable[[list[str]], Awaitable[dict[str, Booking]]]
CaughtUp = Callable[[float], Awaitable[None]]

CHANGES_A_WRITE = 100
BYTES_A_WRITE = 256 * 1024  # some 1,000 slots; 100 changes of 200 slots would stop the loop for 50 ms or more
SECONDS_A_WRITE = 10e-6  # to one subscriber, about
LONGEST_REST_SECONDS = 0.01
PATIENCE = 3  # times the same for commands under way
MOST_AT_ONCE = 16  # subscribers, to which a change is written without a task

_log = logging.getLogger("slotcast.room")


class Room:
    """The subscribers of one calendar at this process."""

    __slots__ = (
        "_caught_up",
        "_read_bookings",
        "_waiters",
        "_written_at",
        "calendar",
        "counted_bytes",
        "fetched",
        "idle_since",
        "lock",
        "replica",
        "sent",
        "subscribers",
        "waiting",
    )

    def __init__(
        self,
        replica: Replica,
        read_bookings: ReadBookings,
        caught_up: CaughtUp,
        socketio: Mapping[Audience, SocketIoRooms],
    ) -> None:
        self.calendar = replica.info.id
        self.replica = replica
        self.sent = replica.seq
        # The end of the rows read from the log: ahead of the replica while rows wait.
        self.fetched = Cursor(replica.seq, replica.nonce)
        self.waiting: list[Logged] = []  # fetched rows, not sent yet
        self.lock = asyncio.Lock()
        self.subscribers = {
            audience: Subscribers(self.calendar, audience, socketio.get(audience)) for audience in Audience
        }
        self.idle_since: float | None = None
        self.counted_bytes = 0  # in the sum of all rooms
        self._written_at = float("-inf")
        self._waiters = Waiters()
        self._read_bookings = read_bookings
        self._caught_up = caught_up

    @property
    def is_empty(self) -> bool:
        """Whether the room has no subscriber, and no request waits for a change."""
        return not self.subscriber_count and not self._waiters

    @property
    def subscriber_count(self) -> int:
        return sum(map(len, self.subscribers.values()))

    @property
    def is_free(self) -> bool:
        """Whether neither a write to the subscribers nor a join is under way."""
        return not self.lock.locked()

    def join(self, subscriber: Subscriber) -> None:
        """Subscribe, under the same lock as the subscriber's answer."""
        self.subscribers[subscriber.audience].add(subscriber)
        self.idle_since = None

    def leave(self, subscriber: Subscriber) -> None:
        self.subscribers[subscriber.audience].remove(subscriber)

    def check_view(self, principal: Principal) -> None:
        """Raise the principal's refusal if it may not see the calendar."""
        if not principal.may_view(self.replica.info):
            raise principal.refusal()

    async def advance(self) -> int:
        """Apply and send the waiting rows, and return their number; Gap if one does not follow.

        Rows from the time of a write go out together in the next one, after the waiting joins.
        """
        count = 0
        while self.waiting:
            await self._gather()
            async with self.lock:
                rows = self._next_rows()
                for row in rows:
                    self.replica.apply(row)
                if any(row.type == Type.CALENDAR_UPDATED for row in rows):
                    # Before the write: the change may make the calendar private.
                    for subscribers in self.subscribers.values():
                        subscribers.cut_off_refused(self.replica.info)
                await self._send(rows)
                self._note_sent(rows)
                count += len(rows)
            if self.waiting:
                await asyncio.sleep(0)  # neither the lock nor a write without subscribers lets other tasks run
        return count

    def advance_at_once(self) -> int:
        """Do the same in this step of the loop, or return 0: for many subscribers, for staff, and during a join.

        With few subscribers a task, a lock and a wait for further changes cost more than the write.
        """
        if not self.is_free or self.subscribers[Audience.STAFF] or self.subscriber_count > MOST_AT_ONCE:
            return 0
        rows = self._next_rows()
        if len(rows) < len(self.waiting) or any(row.type == Type.CALENDAR_UPDATED for row in rows):
            return 0
        for row in rows:
            self.replica.apply(row)
        if public := self.subscribers[Audience.PUBLIC].connections():
            write_all(public, public_packet(rows))
        self._note_sent(rows)
        return len(rows)

    def _note_sent(self, rows: Sequence[Logged]) -> None:
        del self.waiting[: len(rows)]
        self.sent = rows[-1].seq
        self._waiters.wake(self.sent)

    def _next_rows(self) -> list[Logged]:
        """Return the rows that one write takes, at least one."""
        size = count = 0
        for row in self.waiting[:CHANGES_A_WRITE]:
            size += len(row.body)
            if count and size > BYTES_A_WRITE:
                break
            count += 1
        return self.waiting[:count]

    async def _gather(self) -> None:
        """Wait for the commands under way, for at most three times a write to all subscribers.

        A change costs less the more changes share its write, and a burst takes half of the loop at most. A single
        change does not wait.
        """
        span = min(self.subscriber_count * SECONDS_A_WRITE, LONGEST_REST_SECONDS)
        pause = self._written_at + span - time.monotonic()
        if pause > 0 and len(self.waiting) > 1:
            await asyncio.sleep(pause)
        else:
            await self._caught_up(PATIENCE * span)

    async def _send(self, rows: Sequence[Logged]) -> None:
        self._written_at = time.monotonic()
        if public := self.subscribers[Audience.PUBLIC].connections():
            await write_sliced(public, public_packet(rows))
        if staff := self.subscribers[Audience.STAFF]:
            try:
                bodies = await self.bodies_for_staff(rows)
            except Exception as error:  # the public has the change already, so only staff reconnect for it
                _log.warning("Bookings can't be read now: %s", error, exc_info=not isinstance(error, Overloaded))
                staff.cut_off(CutReason.BOOKINGS_UNREADABLE)
            else:
                await write_sliced(staff.connections(), _packet(Audience.STAFF, rows, bodies))

    async def bodies_for_staff(self, rows: Sequence[Logged]) -> list[bytes]:
        """Return the changes with their bookings, as the database has those now."""
        found = await self.bookings_of(rows)
        return [
            with_bookings(
                row.body,
                [found[name] for name in row.bookings if name in found],
                [name for name in row.bookings if name not in found],
            )
            for row in rows
        ]

    async def bookings_of(self, rows: Sequence[Logged]) -> dict[str, Booking]:
        """Return the bookings of these changes, as the database has them now."""
        ids = list({name: None for row in rows for name in row.bookings})
        return await self._read_bookings(ids) if ids else {}

    def disband(self, reason: CutReason) -> None:
        """Cut off every subscriber. It reconnects by its cursor, to a new room."""
        for subscribers in self.subscribers.values():
            subscribers.cut_off(reason)
        self.sent = self.replica.seq
        self._waiters.wake()

    async def reached(self, seq: int) -> None:
        """Return once the change `seq` was sent to every subscriber, or the room is disbanded."""
        if self.sent < seq:
            await self._waiters.wait(seq)

    async def settled(self, seq: int) -> None:
        """Return once the committed change `seq` was sent to every subscriber, or after some seconds."""
        if self.sent < seq:
            await self._waiters.wait_briefly(seq)

    def hold(self, seq: int, future: asyncio.Future[Any], result: Any) -> bool:
        """Set the future's result at that time; return False if it is now."""
        if self.sent >= seq:
            return False
        self._waiters.hold(seq, future, result)
        return True


def public_packet(rows: Sequence[Logged]) -> Packet:
    """Return the changes as one write to the public."""
    return _packet(Audience.PUBLIC, rows, [row.body for row in rows])


def _packet(audience: Audience, rows: Sequence[Logged], bodies: Sequence[bytes]) -> Packet:
    return Packet(
        Event(audience.value, encode(row.type), body, row.cursor.encode())
        for row, body in zip(rows, bodies, strict=True)
    )
