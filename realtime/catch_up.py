"""How a client joins: with what it has missed, or with a snapshot, and nothing between that and the first change.

Within the room's turn the answer is made at the replica's seq and the seat is taken; and the answer leaves before any
later change, as whoever calls writes it in the same step of the loop. What only the database has (a window in the
past, staff's bookings) is read before, so that no change waits for it, and within the turn it is brought to the room's
seq by the changes that came meanwhile.
"""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from models.change import Booking, Cursor, encode
from models.clock import DAY, Clock
from models.commands import Asker
from models.errors import Forbidden, Overloaded
from models.service import Snapshot
from realtime import wire
from realtime.dispatcher import Dispatcher
from realtime.door import Door
from realtime.replica import MOST_SLOTS, Replica
from realtime.room import Audience, Member, Room

WINDOW = 62 * DAY
MOST_TRIES = 10  # each finds that its room was let go, or has moved further on than it remembers


class Wanted(NamedTuple):
    """What a client asks to join with: where it stands, and which window it shows, in milliseconds."""

    after: Cursor | None
    begin: int
    finish: int


class Joined(NamedTuple):
    """A seat that was taken: "resumed" or "snapshot", the answer's body, and the cursor that it says."""

    room: Room
    mode: str
    body: bytes
    cursor: str


class _View(NamedTuple):
    """A window as the database has it, to be brought to the room's seq; and its bookings, which staff see."""

    replica: Replica
    finish: int
    bookings: list[Booking]


class CatchUp:
    """Answers whoever joins or only looks; bodies are JSON objects without their opening brace."""

    def __init__(self, door: Door, dispatcher: Dispatcher, clock: Clock) -> None:
        self._door = door
        self._dispatcher = dispatcher
        self._clock = clock
        # One read of each kind at a time: however many guests ask for the past, others find a free reader.
        self._reading = {audience: asyncio.Lock() for audience in Audience}

    def wanted(self, after: str | None, begin: str | None, finish: str | None) -> Wanted:
        """Reads what a client sent; BadRequest names the time that can't be read."""
        first, last = wire.read_window(begin, finish, self._clock(), WINDOW)
        return Wanted(wire.read_after(after), first, last)

    async def join(self, calendar: str, member: Member, wanted: Wanted) -> Joined:
        """Seats the member. Raises NotFound, or the refusal of who may not watch the calendar.

        There is no suspension between taking the seat and returning.
        """
        for _ in range(MOST_TRIES):
            room = await self._dispatcher.room(calendar)
            check_member(member, room)
            view = await self._view(room, member, wanted)
            async with room.turn:
                answer = await self._answer(room, member.audience, wanted, view)
                if answer is None or self._dispatcher.rooms.get(calendar) is not room:
                    continue
                check_member(member, room)  # its token may be another by now
                room.join(member)
                return Joined(room, *answer)
        raise Overloaded

    async def _view(self, room: Room, member: Member, wanted: Wanted) -> _View | None:
        """What the room has not, as of a seq that the room has reached; None where the room has it all."""
        if _has_all(room, member.audience, wanted):
            return None
        if wanted.after is not None and room.replica.replay(wanted.after) is not None:
            return None
        async with self._reading[member.audience]:
            check_member(member, room)  # it may have gone while it waited
            found = await self._read(room.calendar, wanted, with_bookings=member.audience is Audience.STAFF)
        await self._dispatcher.settled(room.calendar, found.seq)
        return _View(Replica(found, wanted.begin), found.finish, found.bookings)

    async def _read(self, calendar: str, wanted: Wanted, *, with_bookings: bool = False) -> Snapshot:
        return await self._door.read(
            self._door.book.snapshot,
            calendar,
            wanted.begin,
            wanted.finish,
            most=MOST_SLOTS,
            with_bookings=with_bookings,
        )

    async def _answer(
        self, room: Room, audience: Audience, wanted: Wanted, view: _View | None
    ) -> tuple[str, bytes, str] | None:
        """The mode, the body and the cursor, at the room's seq; None where something must be read for that first."""
        replica = room.replica
        body = await self._replay(room, audience, wanted.after)
        if body is not None:
            return "resumed", body, replica.cursor
        if _has_all(room, audience, wanted):
            return "snapshot", self._snapshot(replica, wanted.begin, wanted.finish), replica.cursor
        rows = None if view is None else replica.replay(Cursor(view.replica.seq, view.replica.nonce))
        if view is None or rows is None:
            return None
        for row in rows:
            view.replica.apply(row)
        bookings = b""
        if audience is Audience.STAFF:
            newer = await room.bookings_of(rows)
            gone = {name for row in rows for name in row.bookings} - newer.keys()
            found = {one.id: one for one in view.bookings if one.id not in gone} | newer
            bookings = encode(list(found.values()))
        return "snapshot", self._snapshot(view.replica, wanted.begin, view.finish, bookings), replica.cursor

    async def _replay(self, room: Room, audience: Audience, after: Cursor | None) -> bytes | None:
        if after is None:
            return None
        replica = room.replica
        if audience is Audience.PUBLIC:
            changes = replica.replayed(after)
        else:
            rows = replica.replay(after)
            changes = None if rows is None else b",".join(await room.bodies_for_staff(rows))
        if changes is None:
            return None
        return wire.write_replay(replica.info, changes, seq=replica.seq, cursor=replica.cursor, now=self._clock())

    def _snapshot(self, replica: Replica, begin: int, finish: int, bookings: bytes = b"") -> bytes:
        slots, finish = replica.slots(begin, finish)
        return wire.write_snapshot(
            replica.info,
            slots,
            seq=replica.seq,
            cursor=replica.cursor,
            begin=begin,
            finish=finish,
            now=self._clock(),
            bookings=bookings,
        )

    async def look(self, calendar: str, asker: Asker, wanted: Wanted) -> bytes:
        """A snapshot's body for who does not stay, from the room, or from the database where that has more."""
        room = self._dispatcher.rooms.get(calendar)
        if room is not None:
            check_view(asker, room)
            if _has_all(room, Audience.PUBLIC, wanted):
                return self._snapshot(room.replica, wanted.begin, wanted.finish)
        async with self._reading[Audience.PUBLIC]:
            found = await self._read(calendar, wanted)
        if not asker.may_view(found.info):
            raise asker.refusal()
        return self._snapshot(Replica(found, wanted.begin), wanted.begin, found.finish)


def _has_all(room: Room, audience: Audience, wanted: Wanted) -> bool:
    """Whether the room has all that a snapshot for this audience takes."""
    return audience is Audience.PUBLIC and wanted.begin >= room.replica.since


def check_view(asker: Asker, room: Room) -> None:
    """Refuses who may not see the room's calendar."""
    if not asker.may_view(room.replica.info):
        raise asker.refusal()


def check_member(member: Member, room: Room) -> None:
    """Refuses who has left again, and who may not have this seat."""
    if member.is_gone:
        raise Forbidden("The connection has left again.")
    if not member.may_watch(room.replica.info):
        raise member.asker.refusal()
