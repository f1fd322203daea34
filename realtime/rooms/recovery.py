"""The join of a room: a client gets its missed changes, or a snapshot, and then every later change.

Under the room's lock the answer is made at the replica's seq, and the client is subscribed. The caller writes the
answer in the same step of the loop, so the answer leaves before any later change. Windows in the past and staff's
bookings are in the database only. They are read before the lock is taken, so no change waits for the read. Under the
lock the changes since the read are applied to them.
"""

from __future__ import annotations

from bisect import bisect_right
from hashlib import blake2b
from math import inf
from typing import NamedTuple

from models.contract.changes import Booking, Cursor, Info, encode
from models.contract.errors import Overloaded
from models.contract.principal import Principal
from models.contract.values.time import DAY, HOUR, Clock
from models.service import PackedSlots, cut
from realtime import protocol
from realtime.access.visibility import hiding
from realtime.async_service import AsyncService
from realtime.reads.byte_cache import ByteCache
from realtime.reads.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.replica import MOST_SLOTS, Cut, Mark, Replica, mark_of
from realtime.rooms.room import Room
from realtime.rooms.slot_list import begun
from realtime.rooms.subscriber import Audience, Subscriber

WINDOW = 62 * DAY
KEPT_BYTES = 16_000_000  # of encoded windows and replays of all calendars
SPARE = HOUR  # slots from now on are read by so much further, and SPARE_SLOTS more, so that they can be kept
SPARE_SLOTS = 50
MOST_TRIES = 10  # a try fails if the room closes meanwhile, or has too many new changes


class Wanted(NamedTuple):
    """The cursor and the window of a client, in milliseconds.

    `is_from_now` is true if the client names no window. `at_least` is the newest cursor known to the client, for
    example from the answer to its own command.
    """

    after: Cursor | None
    begin: int
    finish: int
    is_from_now: bool = False
    at_least: Cursor | None = None


class Joined(NamedTuple):
    """The answer to a subscriber: its mode, "resumed" or "snapshot", its body, and its cursor."""

    room: Room
    mode: str
    body: bytes
    cursor: str


class _View(NamedTuple):
    """A window and its bookings from the database, at another seq than the room's."""

    replica: Replica
    finish: int
    bookings: list[Booking]


class Looked(NamedTuple):
    """An answer's body and its ETag. There is no body for a client with the same ETag."""

    etag: str
    body: bytes | None


class _Window(NamedTuple):
    """A window of a calendar without a room, encoded."""

    info: Info
    seq: int
    cursor: str
    begin: int
    finish: int
    etag: str
    slots: bytes
    good_until: float  # the start of its next slot, in milliseconds


class _FromNow(NamedTuple):
    """The slots of a calendar without a room from some instant on, as they were read."""

    info: Info
    seq: int
    cursor: str
    begin: int
    finish: int
    slots: PackedSlots

    def window(self, begin: int, finish: int) -> _Window:
        """Encode a window that begins later, at this moment. It is right if it ends where the slots end, or before."""
        slots = self.slots
        places = slots.between(begin, finish)
        if len(places) > MOST_SLOTS:
            finish = cut([slots.start(place) for place in places], begin, finish, MOST_SLOTS)
            places = slots.between(begin, finish)
        mark = mark_of(slots, places, begin)
        count = 0 if mark is None else mark[-1]  # of slots that have begun
        bodies = [begun(slots.body(place)) for place in places[:count]]
        if rest := slots.joined(places[count:]):
            bodies.append(rest)
        return _Window(
            info=self.info,
            seq=self.seq,
            cursor=self.cursor,
            begin=begin,
            finish=finish,
            etag=_etag(self.cursor, mark),
            slots=b",".join(bodies),
            good_until=begin,
        )


class Recovery:
    """Answers subscribing clients, and clients with a single read. Bodies are JSON objects without the first brace."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, clock: Clock) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._clock = clock
        self._kept: ByteCache[bytes | _Window | _FromNow] = ByteCache(KEPT_BYTES)

    def wanted(self, after: str | None, begin: str | None, finish: str | None, at_least: str | None = None) -> Wanted:
        """Read the fields of a request; BadRequest names an unreadable time."""
        first, last = protocol.read_window(begin, finish, self._clock(), WINDOW)
        is_from_now = begin is None and finish is None
        return Wanted(protocol.read_after(after), first, last, is_from_now, protocol.read_after(at_least))

    async def join(self, subscriber: Subscriber, wanted: Wanted) -> Joined:
        """Subscribe to the subscriber's calendar. Raise NotFound, or the refusal of the principal.

        Nothing else runs between the subscription and the return.
        """
        calendar = subscriber.calendar
        for _ in range(MOST_TRIES):
            with hiding(calendar, subscriber.principal):
                room = await self._dispatcher.room_at(calendar, wanted.after, wanted.at_least)
            subscriber.check(room.replica.info)
            view = await self._view(room, subscriber, wanted)
            async with room.lock:
                answer = await self._answer(room, subscriber.audience, wanted, view)
                if answer is None or self._dispatcher.rooms.get(calendar) is not room:
                    continue
                subscriber.check(room.replica.info)  # its client may have left, or have a new token
                room.join(subscriber)
                return Joined(room, *answer)
        raise Overloaded

    async def _view(self, room: Room, subscriber: Subscriber, wanted: Wanted) -> _View | None:
        """Read the answer's parts missing in the room, at a seq known to the room; None if none is missing."""
        if _has_all(room, subscriber.audience, wanted):
            return None
        if wanted.after is not None and room.replica.replay(wanted.after) is not None:
            return None
        is_staff = subscriber.audience is Audience.STAFF
        room.replica.pin()  # the answer needs the changes since the read
        lane = Lane.STAFF if is_staff else Lane.HEAVY
        view = await self._service.read(self._read_view, room.calendar, wanted, with_bookings=is_staff, lane=lane)
        subscriber.check(room.replica.info)  # its client may have left during the read
        await self._dispatcher.settled(room.calendar, view.replica.seq)
        return view

    def _read_view(self, calendar: str, wanted: Wanted, *, with_bookings: bool) -> _View:
        """Read a window, on a reader's thread."""
        found = self._service.sync.snapshot(
            calendar, wanted.begin, wanted.finish, most=MOST_SLOTS, with_bookings=with_bookings
        )
        return _View(Replica(found, wanted.begin), found.finish, found.bookings)

    async def _answer(
        self, room: Room, audience: Audience, wanted: Wanted, view: _View | None
    ) -> tuple[str, bytes, str] | None:
        """Return mode, body and cursor at the room's seq; None if the database must be read again."""
        replica = room.replica
        body = await self._replay(room, audience, wanted.after)
        if body is not None:
            return "resumed", body, replica.cursor
        if wanted.after is not None and replica.lacks(wanted.after):
            return None  # more changes than the tail keeps have come since
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
            changes = self._replayed(replica, after)
        else:
            rows = replica.replay(after)
            changes = None if rows is None else b",".join(await room.bodies_for_staff(rows))
        if changes is None:
            return None
        return protocol.write_replay(replica.info, changes, seq=replica.seq, cursor=replica.cursor, now=self._clock())

    def _replayed(self, replica: Replica, after: Cursor) -> bytes | None:
        """Return the changes after the cursor, encoded with commas between: once for all clients with the cursor."""
        rows = replica.replay(after)
        if rows is None:
            return None
        key = (replica.info.id, replica.cursor, after)
        kept = self._kept.get(key)
        if not isinstance(kept, bytes):
            kept = b",".join([row.body for row in rows])
            self._kept.put(key, kept, len(kept))
        return kept

    def _slots(self, replica: Replica, found: Cut) -> bytes:
        """Return the slots of the cut, encoded with commas between: once for all clients with the window."""
        if replica.is_packed:
            return replica.joined(found)  # a copy, in less time than the cache takes
        key = (replica.info.id, replica.cursor, found.mark)
        kept = self._kept.get(key)
        if not isinstance(kept, bytes):
            kept = replica.joined(found)
            self._kept.put(key, kept, len(kept))
        return kept

    def _snapshot(self, replica: Replica, begin: int, finish: int, bookings: bytes = b"") -> bytes:
        now = self._clock()
        found = replica.cut(begin, finish, now)
        return protocol.write_snapshot(
            replica.info,
            self._slots(replica, found),
            seq=replica.seq,
            cursor=replica.cursor,
            begin=begin,
            finish=found.finish,
            now=now,
            bookings=bookings,
        )

    async def look(self, calendar: str, principal: Principal, wanted: Wanted, has: str = "") -> Looked:
        """Return a snapshot to a client with a single read, which `has` these ETags: from the room or the database."""
        if calendar in self._dispatcher.rooms:
            room = await self._dispatcher.room_at(calendar, None, wanted.at_least)
            check_view(principal, room)
            if _has_all(room, Audience.PUBLIC, wanted):
                return self._look_at(room.replica, wanted, has)
        find = self._window_from_now if wanted.is_from_now else self._window
        with hiding(calendar, principal):
            window = await find(calendar, wanted)
        if not principal.may_view(window.info):
            raise principal.refusal()
        if _is_known(window.etag, has):
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
        etag = _etag(replica.cursor, replica.cut(wanted.begin, wanted.finish, self._clock()).mark)
        return Looked(etag, None if _is_known(etag, has) else self._snapshot(replica, wanted.begin, wanted.finish))

    async def _window_from_now(self, calendar: str, wanted: Wanted) -> _Window:
        """Cut the window from the kept slots if the calendar has not changed since, else read it for all that ask."""
        key = ("from now", calendar)
        kept = self._kept.get(key)
        if isinstance(kept, _FromNow) and kept.begin <= wanted.begin:
            head = await self._service.read(self._service.sync.head, calendar, lane=Lane.LIGHT)
            if head.cursor == kept.cursor:
                window = kept.window(wanted.begin, wanted.finish)
                if window.finish <= kept.finish:
                    return window
        read = await self._service.read(self._read_from_now, calendar, lane=Lane.HEAVY, key=key)
        self._kept.put(key, read, read.slots.size_bytes)
        return read.window(max(wanted.begin, read.begin), min(wanted.finish, read.finish))

    def _read_from_now(self, calendar: str) -> _FromNow:
        """Read the slots from now on, on a reader's thread."""
        begin, finish = protocol.read_window(None, None, self._clock(), WINDOW)
        found = self._service.sync.snapshot(calendar, begin, finish + SPARE, most=MOST_SLOTS + SPARE_SLOTS)
        return _FromNow(found.info, found.seq, found.cursor, begin, found.finish, found.slots)

    async def _window(self, calendar: str, wanted: Wanted) -> _Window:
        """Return the cached window if the calendar has not changed since, else read it once for all callers."""
        span = (wanted.begin, wanted.finish)
        key = ("window", calendar, span)
        kept = self._kept.get(key)
        if isinstance(kept, _Window) and self._clock() < kept.good_until:
            head = await self._service.read(self._service.sync.head, calendar, lane=Lane.LIGHT)
            if head.cursor == kept.cursor:
                return kept
        window = await self._service.read(self._read_window, calendar, span, lane=Lane.HEAVY, key=key)
        self._kept.put(key, window, len(window.slots))
        return window

    def _read_window(self, calendar: str, span: tuple[int, int]) -> _Window:
        """Read and encode a window, on a reader's thread."""
        begin, finish = span
        now = self._clock()
        found = self._service.sync.snapshot(calendar, begin, finish, most=MOST_SLOTS)
        starts = found.slots.starts
        place = bisect_right(starts, now)
        return _Window(
            info=found.info,
            seq=found.seq,
            cursor=found.cursor,
            begin=begin,
            finish=found.finish,
            etag=_etag(found.cursor, mark_of(found.slots, range(len(starts)), now)),
            slots=found.slots.text,
            good_until=starts[place] if place < len(starts) else inf,
        )


def _etag(cursor: str, mark: Mark) -> str:
    return blake2b(encode([cursor, mark]), digest_size=12).hexdigest()


def _is_known(etag: str, has: str) -> bool:
    """Whether a client has this content, by its `If-None-Match`: a list of ETags, or `*` for any."""
    return etag in has or has.strip() == "*"


def _has_all(room: Room, audience: Audience, wanted: Wanted) -> bool:
    """Whether the room alone can make a snapshot for this audience."""
    return audience is Audience.PUBLIC and wanted.begin >= room.replica.since


def check_view(principal: Principal, room: Room) -> None:
    """Raise the principal's refusal if it may not see the room's calendar."""
    if not principal.may_view(room.replica.info):
        raise principal.refusal()
