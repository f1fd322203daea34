"""A calendar's room: its replica, its members, and the one order in which things happen to them.

The promise: a member gets its snapshot or replay first and then every later change, in seq order, each as it was
encoded once. Everything that moves the room takes its turn (a fair lock): a change is applied and written to the
members of that instant before the next one, or a joining member, is looked at. No change goes out that the replica
does not have, and none that a new member's answer has too.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from enum import StrEnum
from itertools import chain

from models.contract.changes import Booking, Cursor, Info, Logged, Type, encode, with_bookings
from models.contract.errors import Overloaded
from models.contract.principal import Principal
from realtime.engine import ConnectionWriter, Event, Packet
from realtime.rooms.fan_out import write_sliced
from realtime.rooms.replica import Replica

ReadBookings = Callable[[list[str]], Awaitable[dict[str, Booking]]]
Quiet = Callable[[float], Awaitable[None]]
Waiter = tuple[int, asyncio.Future[None]]  # for a seq

CHANGES_A_WRITE = 100
SECONDS_A_WRITE = 10e-6  # to one member, about
LONGEST_REST_SECONDS = 0.01
SETTLE_SECONDS = 5.0
HISTORY_REPLACED = "history replaced"
NO_LONGER_ALLOWED = "no longer allowed"
BOOKINGS_UNREADABLE = "bookings unreadable"

_log = logging.getLogger("slotcast.room")


class Audience(StrEnum):
    """Who is looking: the public sees changes, staff see their bookings too. The values are the namespaces."""

    PUBLIC = "/calendars"
    STAFF = "/staff"


class Subscriber:
    """One connection's seat in one room. `leave` is called on whoever may not stay."""

    __slots__ = ("audience", "connection", "is_gone", "principal")

    def __init__(self, connection: ConnectionWriter, audience: Audience, principal: Principal) -> None:
        self.connection = connection
        self.audience = audience
        self.principal = principal
        self.is_gone = False

    def may_subscribe(self, info: Info) -> bool:
        """Whether its asker may have this seat, as the calendar is now."""
        is_of_these = self.audience is Audience.PUBLIC or self.principal.is_staff_of(info.id)
        return is_of_these and self.principal.may_view(info)


class Room:
    """Everyone who watches one calendar from this process."""

    __slots__ = (
        "_patience",
        "_pollers",
        "_quiet",
        "_read_bookings",
        "_waiters",
        "_written_at",
        "calendar",
        "fetched",
        "idle_since",
        "replica",
        "sent",
        "subscribers",
        "turn",
        "waiting",
    )

    def __init__(self, replica: Replica, read_bookings: ReadBookings, quiet: Quiet) -> None:
        self.calendar = replica.info.id
        self.replica = replica
        self.sent = replica.seq
        # How far the log was read: ahead of the replica while changes wait for their turn.
        self.fetched = Cursor(replica.seq, replica.nonce)
        self.waiting: list[Logged] = []  # rows that are fetched and not sent
        self.turn = asyncio.Lock()
        self.subscribers: dict[Audience, dict[ConnectionWriter, Subscriber]] = {audience: {} for audience in Audience}
        self.idle_since: float | None = None
        self._written_at = float("-inf")
        self._waiters: set[Waiter] = set()  # for what was committed
        self._pollers: set[Waiter] = set()  # for what nobody may have done yet
        self._patience: asyncio.TimerHandle | None = None
        self._read_bookings = read_bookings
        self._quiet = quiet

    @property
    def is_empty(self) -> bool:
        """Whether nobody has a seat here or waits for a change."""
        return not any(self.subscribers.values()) and not self._waiters and not self._pollers

    @property
    def has_staff(self) -> bool:
        return bool(self.subscribers[Audience.STAFF])

    def join(self, subscriber: Subscriber) -> None:
        """Takes a seat, within the turn in which the member's answer is made. Joining twice is joining once."""
        if not subscriber.is_gone:
            self.subscribers[subscriber.audience][subscriber.connection] = subscriber
            self.idle_since = None

    def leave(self, subscriber: Subscriber) -> None:
        seated = self.subscribers[subscriber.audience]
        if seated.get(subscriber.connection) is subscriber:
            del seated[subscriber.connection]

    async def advance(self) -> int:
        """Applies the rows that wait, sends them out and says how many; Gap if one does not follow.

        What comes while others are written to goes out in one write, after whoever waited to join has joined.
        """
        count = 0
        while self.waiting:
            await self._gather()
            async with self.turn:
                transaction = self.waiting[:CHANGES_A_WRITE]
                for row in transaction:
                    self.replica.apply(row)
                if any(row.type == Type.CALENDAR_UPDATED for row in transaction):
                    self._put_out_who_may_not_stay()  # before it is sent: what is private now is not theirs to hear
                await self._send(transaction)
                del self.waiting[: len(transaction)]
                count += len(transaction)
                self._settle(transaction[-1].seq)
        return count

    async def _gather(self) -> None:
        """Lets what is being committed join this write: for as long as a write to everyone here takes, about.

        So the more there is to send, the less each change costs, and what comes in company takes half of the loop at
        most. A change that comes alone never waits.
        """
        seats = sum(map(len, self.subscribers.values()))
        span = min(seats * SECONDS_A_WRITE, LONGEST_REST_SECONDS)
        pause = self._written_at + span - time.monotonic()
        if pause > 0 and len(self.waiting) > 1:
            await asyncio.sleep(pause)
        else:
            await self._quiet(span)

    async def _send(self, rows: Sequence[Logged]) -> None:
        self._written_at = time.monotonic()
        if public := self.subscribers[Audience.PUBLIC]:
            await write_sliced(list(public), public_packet(rows))
        if self.has_staff:
            try:
                bodies = await self.bodies_for_staff(rows)
            except Exception as error:  # the public has the change already: it is not theirs to come back for
                _log.warning("Bookings can't be read now: %s", error, exc_info=not isinstance(error, Overloaded))
                self._cut_off(Audience.STAFF, BOOKINGS_UNREADABLE)
            else:
                await write_sliced(list(self.subscribers[Audience.STAFF]), _packet(Audience.STAFF, rows, bodies))

    async def bodies_for_staff(self, rows: Sequence[Logged]) -> list[bytes]:
        """The changes with their bookings, as those are when they are sent."""
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
        """The bookings that these changes are about, as they are now."""
        ids = list({name: None for row in rows for name in row.bookings})
        return await self._read_bookings(ids) if ids else {}

    def _put_out_who_may_not_stay(self) -> None:
        for subscribers in self.subscribers.values():
            for subscriber in [
                subscriber for subscriber in subscribers.values() if not subscriber.may_subscribe(self.replica.info)
            ]:
                self.leave(subscriber)
                subscriber.connection.abort(NO_LONGER_ALLOWED)

    def disband(self, reason: str) -> None:
        """Cuts every member off: it comes back by its cursor, to a new room, and gets what fits it there."""
        for audience in Audience:
            self._cut_off(audience, reason)
        self._settle(self.replica.seq, is_disbanded=True)

    def _cut_off(self, audience: Audience, reason: str) -> None:
        for subscriber in list(self.subscribers[audience].values()):
            self.leave(subscriber)
            subscriber.connection.abort(reason)

    async def reached(self, seq: int) -> None:
        """Returns once the change `seq` was sent to everyone here, or the room is disbanded."""
        if self.sent < seq:
            await self._wait(seq, self._pollers)

    async def settled(self, seq: int) -> None:
        """The same of a change that was committed, but far too late it returns all the same."""
        if self.sent >= seq:
            return
        waiting = self._wait(seq, self._waiters)
        if self._patience is None:  # one timer for all: one for each would cost a fifth of a request
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(SETTLE_SECONDS, self._lose_patience, frozenset(self._waiters))
        await waiting

    def _wait(self, seq: int, among: set[Waiter]) -> asyncio.Future[None]:
        """Who is cancelled cancels it too, and then it leaves as well."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (seq, future)
        among.add(waiter)
        future.add_done_callback(lambda _: among.discard(waiter))
        return future

    def _lose_patience(self, old: frozenset[Waiter]) -> None:
        """Lets go whoever has waited for all that time, and looks at the others as much later."""
        late, young = self._waiters & old, self._waiters - old
        self._patience = None
        if young:
            loop = asyncio.get_running_loop()
            self._patience = loop.call_later(SETTLE_SECONDS, self._lose_patience, frozenset(young))
        if late:
            _log.warning("A change was not sent within %s s of its commit", SETTLE_SECONDS)
        _wake(late)

    def _settle(self, seq: int, *, is_disbanded: bool = False) -> None:
        self.sent = seq
        everyone = chain(self._waiters, self._pollers)
        _wake(waiter for waiter in everyone if is_disbanded or waiter[0] <= seq)


def _wake(waiters: Iterable[Waiter]) -> None:
    for _, future in waiters:
        if not future.done():
            future.set_result(None)


def public_packet(rows: Sequence[Logged]) -> Packet:
    """The changes as one write to the public."""
    return _packet(Audience.PUBLIC, rows, [row.body for row in rows])


def _packet(audience: Audience, rows: Sequence[Logged], bodies: Sequence[bytes]) -> Packet:
    return Packet(
        Event(audience.value, encode(row.type), body, row.cursor.encode())
        for row, body in zip(rows, bodies, strict=True)
    )
