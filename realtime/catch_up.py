"""How a client joins: with what it has missed, or with a snapshot, and nothing between that and the first change.

All of it happens within the room's turn: the answer is made at the replica's seq, the seat is taken, and the answer
leaves before any later change, as whoever calls writes it in the same step of the loop. Where the database must be
asked (staff's bookings, a window in the past) the turn is kept meanwhile, so what is read is never behind the room.
"""

from __future__ import annotations

from typing import NamedTuple

from models.change import Cursor, encode
from models.clock import DAY, Clock
from models.commands import Asker
from models.errors import Refused
from realtime import wire
from realtime.dispatcher import Dispatcher
from realtime.door import Door
from realtime.replica import MOST_SLOTS
from realtime.room import Audience, Member, Room

WINDOW = 62 * DAY


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


class CatchUp:
    """Answers whoever joins or only looks; bodies are JSON objects without their opening brace."""

    def __init__(self, door: Door, dispatcher: Dispatcher, clock: Clock) -> None:
        self._door = door
        self._dispatcher = dispatcher
        self._clock = clock

    def wanted(self, after: str | None, begin: str | None, finish: str | None) -> Wanted:
        """Reads what a client sent; BadRequest names the field."""
        first, last = wire.read_window(begin, finish, self._clock(), WINDOW)
        return Wanted(wire.read_after(after), first, last)

    async def join(self, calendar: str, member: Member, wanted: Wanted) -> Joined:
        """Seats the member. Raises NotFound, or the refusal of a private calendar.

        There is no suspension between taking the seat and returning.
        """
        while True:
            room = await self._dispatcher.room(calendar)
            async with room.turn:
                if self._dispatcher.rooms.get(calendar) is not room:
                    continue  # let go while this one waited
                check_view(member.asker, room)
                body = await self._replay(room, member.audience, wanted.after)
                mode, cursor = "resumed", room.replica.cursor
                if body is None:
                    mode = "snapshot"
                    body, cursor = await self._snapshot(room, member.audience, wanted)
                room.join(member)
                return Joined(room, mode, body, cursor)

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

    async def _snapshot(self, room: Room, audience: Audience, wanted: Wanted) -> tuple[bytes, str]:
        """The body and its cursor; a window in the past is read from the database, which may be ahead of the room."""
        replica = room.replica
        seq, cursor, begin = replica.seq, replica.cursor, wanted.begin
        if begin < replica.since:
            found = await self._door.read(
                self._door.book.snapshot, room.calendar, begin, wanted.finish, most=MOST_SLOTS
            )
            seq, cursor, finish = found.seq, found.cursor, found.finish
            slots = b",".join([slot.body for slot in found.slots])
        else:
            slots, finish = replica.slots(begin, wanted.finish)
        bookings = b""
        if audience is Audience.STAFF:
            found_bookings, _ = await self._door.read(self._door.book.bookings, room.calendar, begin, finish)
            bookings = encode(found_bookings)
        body = wire.write_snapshot(
            replica.info,
            slots,
            seq=seq,
            cursor=cursor,
            begin=begin,
            finish=finish,
            now=self._clock(),
            bookings=bookings,
        )
        return body, cursor

    async def look(self, calendar: str, asker: Asker, wanted: Wanted) -> bytes:
        """A snapshot's body for who does not stay, from the room, or from the database where there is none."""
        room = self._dispatcher.rooms.get(calendar)
        if room is not None:
            check_view(asker, room)
            return (await self._snapshot(room, Audience.PUBLIC, wanted))[0]
        found = await self._door.read(self._door.book.snapshot, calendar, wanted.begin, wanted.finish, most=MOST_SLOTS)
        if not asker.may_view(found.info):
            raise asker.refusal()
        return wire.write_snapshot(
            found.info,
            b",".join([slot.body for slot in found.slots]),
            seq=found.seq,
            cursor=found.cursor,
            begin=wanted.begin,
            finish=found.finish,
            now=self._clock(),
        )


def check_view(asker: Asker, room: Room) -> None:
    """Refuses who may not see the room's calendar."""
    if not asker.may_view(room.replica.info):
        refusal: Refused = asker.refusal()
        raise refusal
