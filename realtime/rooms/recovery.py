"""How a client joins: with what it has missed, or with a snapshot, and nothing between that and the first change.

Within the room's turn the answer is made at the replica's seq and the seat is taken; and the answer leaves before any
later change, as whoever calls writes it in the same step of the loop. What only the database has (a window in the
past, staff's bookings) is read before, so that no change waits for it, and within the turn it is brought to the room's
seq by the changes that came meanwhile.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from models.contract.changes import Booking, Cursor, Info, encode
from models.contract.errors import Forbidden, Overloaded
from models.contract.principal import Principal
from models.contract.time import DAY, Clock
from realtime import protocol
from realtime.async_service import AsyncService
from realtime.byte_cache import ByteCache
from realtime.readers import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.replica import MOST_SLOTS, Mark, Replica, mark_of
from realtime.rooms.room import Audience, Room, Subscriber

WINDOW = 62 * DAY
WINDOWS_BYTES = 16_000_000  # of encoded windows that are kept
MOST_TRIES = 10  # each finds that its room was let go, or has moved further on than it remembers


class Wanted(NamedTuple):
    """What a client asks to join with: where it stands, and which window it shows, in milliseconds.

    `is_from_now` is whether the window is the one of a client that names none. `at_least` is how far it knows that the
    calendar has come, by the answer to a command of its own for one.
    """

    after: Cursor | None
    begin: int
    finish: int
    is_from_now: bool = False
    at_least: Cursor | None = None


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


class Looked(NamedTuple):
    """A snapshot's body and its ETag, which names what is in it; no body for a client that has it."""

    etag: str
    body: bytes | None


class _Window(NamedTuple):
    """A window of a calendar that no room has, encoded."""

    info: Info
    seq: int
    cursor: str
    begin: int
    finish: int
    etag: str
    slots: bytes


class Recovery:
    """Answers whoever joins or only looks; bodies are JSON objects without their opening brace."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, clock: Clock) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._clock = clock
        self._windows: ByteCache[_Window] = ByteCache(WINDOWS_BYTES)

    def wanted(self, after: str | None, begin: str | None, finish: str | None, at_least: str | None = None) -> Wanted:
        """Reads what a client sent; BadRequest names the time that can't be read."""
        first, last = protocol.read_window(begin, finish, self._clock(), WINDOW)
        is_from_now = begin is None and finish is None
        return Wanted(protocol.read_after(after), first, last, is_from_now, protocol.read_after(at_least))

    async def join(self, calendar: str, subscriber: Subscriber, wanted: Wanted) -> Joined:
        """Seats the member. Raises NotFound, or the refusal of who may not watch the calendar.

        There is no suspension between taking the seat and returning.
        """
        for _ in range(MOST_TRIES):
            room = await self._dispatcher.room_at(calendar, wanted.after, wanted.at_least)
            check_subscriber(subscriber, room)
            view = await self._view(room, subscriber, wanted)
            async with room.turn:
                answer = await self._answer(room, subscriber.audience, wanted, view)
                if answer is None or self._dispatcher.rooms.get(calendar) is not room:
                    continue
                check_subscriber(subscriber, room)  # its token may be another by now
                room.join(subscriber)
                return Joined(room, *answer)
        raise Overloaded

    async def _view(self, room: Room, subscriber: Subscriber, wanted: Wanted) -> _View | None:
        """What the room has not, as of a seq that the room has reached; None where the room has it all."""
        if _has_all(room, subscriber.audience, wanted):
            return None
        if wanted.after is not None and room.replica.replay(wanted.after) is not None:
            return None
        is_staff = subscriber.audience is Audience.STAFF
        lane = Lane.STAFF if is_staff else Lane.HEAVY
        view = await self._service.read(self._read_view, room.calendar, wanted, with_bookings=is_staff, lane=lane)
        check_subscriber(subscriber, room)  # it may have gone while it waited
        await self._dispatcher.settled(room.calendar, view.replica.seq)
        return view

    def _read_view(self, calendar: str, wanted: Wanted, *, with_bookings: bool) -> _View:
        """Reads a window; on a reader's thread."""
        found = self._service.sync.snapshot(
            calendar, wanted.begin, wanted.finish, most=MOST_SLOTS, with_bookings=with_bookings
        )
        return _View(Replica(found, wanted.begin), found.finish, found.bookings)

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
        return protocol.write_replay(replica.info, changes, seq=replica.seq, cursor=replica.cursor, now=self._clock())

    def _snapshot(self, replica: Replica, begin: int, finish: int, bookings: bytes = b"") -> bytes:
        slots, finish, _ = replica.slots(begin, finish)
        return protocol.write_snapshot(
            replica.info,
            slots,
            seq=replica.seq,
            cursor=replica.cursor,
            begin=begin,
            finish=finish,
            now=self._clock(),
            bookings=bookings,
        )

    async def look(self, calendar: str, principal: Principal, wanted: Wanted, has: str = "") -> Looked:
        """A snapshot for who does not stay and `has` these ETags: from the room, or from the database."""
        if calendar in self._dispatcher.rooms:
            room = await self._dispatcher.room_at(calendar, wanted.at_least)
            check_view(principal, room)
            if _has_all(room, Audience.PUBLIC, wanted):
                return self._look_at(room.replica, wanted, has)
        window = await self._window(calendar, wanted)
        if not principal.may_view(window.info):
            raise principal.refusal()
        if window.etag in has:
            return Looked(window.etag, None)
        body = protocol.write_snapshot(
            window.info,
            window.slots,
            seq=window.seq,
            cursor=window.cursor,
            begin=window.begin,
            finish=window.finish,
            now=self._clock(),
        )
        return Looked(window.etag, body)

    def _look_at(self, replica: Replica, wanted: Wanted, has: str) -> Looked:
        etag = _etag(replica.cursor, replica.slots(wanted.begin, wanted.finish).mark)
        return Looked(etag, None if etag in has else self._snapshot(replica, wanted.begin, wanted.finish))

    async def _window(self, calendar: str, wanted: Wanted) -> _Window:
        """A window as it was read last, if nothing has changed since; else it is read once for all that ask for it."""
        span = None if wanted.is_from_now else (wanted.begin, wanted.finish)
        key = ("window", calendar, span)
        kept = self._windows.get(key)
        if kept is not None:
            head = await self._service.read(self._service.sync.head, calendar, lane=Lane.LIGHT)
            if head.cursor == kept.cursor:
                return kept
        window = await self._service.read(self._read_window, calendar, span, lane=Lane.HEAVY, key=key)
        if span is not None:
            self._windows.put(key, window, len(window.slots))
        return window

    def _read_window(self, calendar: str, span: tuple[int, int] | None) -> _Window:
        """Reads and encodes a window, from now on where there is no span; on a reader's thread."""
        begin, finish = span or protocol.read_window(None, None, self._clock(), WINDOW)
        found = self._service.sync.snapshot(calendar, begin, finish, most=MOST_SLOTS)
        etag = _etag(found.cursor, mark_of(found.slots))
        slots = b",".join([slot.body for slot in found.slots])
        return _Window(found.info, found.seq, found.cursor, begin, found.finish, etag, slots)


def _etag(cursor: str, mark: Mark) -> str:
    return blake2b(encode([cursor, mark]), digest_size=12).hexdigest()


def _has_all(room: Room, audience: Audience, wanted: Wanted) -> bool:
    """Whether the room has all that a snapshot for this audience takes."""
    return audience is Audience.PUBLIC and wanted.begin >= room.replica.since


def check_view(principal: Principal, room: Room) -> None:
    """Refuses who may not see the room's calendar."""
    if not principal.may_view(room.replica.info):
        raise principal.refusal()


def check_subscriber(subscriber: Subscriber, room: Room) -> None:
    """Refuses who has left again, and who may not have this seat."""
    if subscriber.is_gone:
        raise Forbidden("The connection has left again.")
    if not subscriber.may_subscribe(room.replica.info):
        raise subscriber.principal.refusal()
