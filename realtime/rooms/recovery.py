"""The join of a room: a client gets its missed changes, or a snapshot, and then every later change.

Under the room's lock the answer is made at the replica's seq, and the client is subscribed. The caller writes the
answer in the same step of the loop, so the answer leaves before any later change. Windows in the past and staff's
bookings are in the database only. They are read before the lock is taken, so no change waits for the read. Under the
lock the changes since the read are applied to them.
"""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from models.contract.changes import Booking, Cursor, encode
from models.contract.errors import Overloaded
from models.contract.values.histogram import Histogram
from models.contract.values.time import Clock
from realtime import protocol
from realtime.access.visibility import hiding
from realtime.async_service import AsyncService
from realtime.reads.read_queue import Lane
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.replica.replica import MOST_SLOTS, Replica
from realtime.rooms.replica.text import ReplicaText
from realtime.rooms.room import Room
from realtime.rooms.subscriber import Audience, Subscriber

DEPTHS = (0, 1, 5, 20, 100, 1_000, 10_000, 100_000)  # changes
MOST_TRIES = 10  # a try fails if the room closes meanwhile, or has too many new changes


class Wanted(NamedTuple):
    """The cursor and the window of a subscriber, in milliseconds.

    `at_least` is the newest cursor known to the client, for example from the answer to its own command.
    """

    after: Cursor | None
    begin: int
    finish: int
    at_least: Cursor | None = None

    @property
    def is_new(self) -> bool:
        """Return whether the client knows no change, so that any state of the room will do."""
        return self.after is None and self.at_least is None


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


class Recovery:
    """Answers subscribing clients."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, text: ReplicaText, clock: Clock) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._text = text
        self._clock = clock
        self.replayed = Histogram(DEPTHS)  # changes of a resumption
        self.snapshots: Counter[str] = Counter()  # by their reason

    def wanted(self, after: str | None, begin: str | None, finish: str | None, at_least: str | None = None) -> Wanted:
        """Read the fields of a request; BadRequest names an unreadable time."""
        first, last = protocol.read_window(begin, finish, self._clock())
        return Wanted(protocol.read_after(after), first, last, protocol.read_after(at_least))

    async def join(self, subscriber: Subscriber, wanted: Wanted) -> Joined:
        """Subscribe to the subscriber's calendar. Raise NotFound, or the refusal of the principal.

        Nothing else runs between the subscription and the return.
        """
        calendar = subscriber.calendar
        for _ in range(MOST_TRIES):
            room = self._dispatcher.rooms.get(calendar) if wanted.is_new else None
            if room is None:
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
                self._count(answer[0], room.replica, wanted.after)
                return Joined(room, *answer)
        raise Overloaded

    def join_at_once(self, room: Room, subscriber: Subscriber, wanted: Wanted) -> Joined | None:
        """Do the same for a new client of a free room in this step of the loop; None if the room lacks its slots."""
        replica = room.replica
        subscriber.check(replica.info)
        if not _has_all(room, subscriber.audience, wanted):
            return None
        body = self._text.snapshot(replica, wanted.begin, wanted.finish)
        room.join(subscriber)
        self._count("snapshot", replica, None)
        return Joined(room, "snapshot", body, replica.cursor)

    def _count(self, mode: str, replica: Replica, after: Cursor | None) -> None:
        """Count an answer: the depth of a replay, or the reason of a snapshot."""
        if after is None:
            self.snapshots["new"] += 1
        elif mode == "resumed":
            self.replayed.observe(replica.seq - after.seq)
        else:
            is_old = after.seq < replica.tail_start - 1
            self.snapshots["too_old" if is_old else "other_history"] += 1

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
        changes = await self._changes(room, audience, wanted.after)
        if changes is not None:
            return "resumed", self._text.resumption(replica, changes), replica.cursor
        if wanted.after is not None and replica.lacks(wanted.after):
            return None  # more changes than the tail keeps have come since
        if _has_all(room, audience, wanted):
            return "snapshot", self._text.snapshot(replica, wanted.begin, wanted.finish), replica.cursor
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
        return "snapshot", self._text.snapshot(view.replica, wanted.begin, view.finish, bookings), replica.cursor

    async def _changes(self, room: Room, audience: Audience, after: Cursor | None) -> bytes | None:
        """Return the audience's changes after the cursor, encoded; None if there is no cursor or it is gone."""
        if after is None:
            return None
        if audience is Audience.PUBLIC:
            return self._text.changes(room.replica, after)
        rows = room.replica.replay(after)
        return None if rows is None else b",".join(await room.bodies_for_staff(rows))


def _has_all(room: Room, audience: Audience, wanted: Wanted) -> bool:
    """Whether the room alone can make a snapshot for this audience."""
    return audience is Audience.PUBLIC and wanted.begin >= room.replica.since
