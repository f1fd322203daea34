"""Snapshots for clients that do not subscribe: from the calendar's room, or from the database.

A window of a calendar without a room is kept until a change of the calendar, or until the clock changes a slot of it.
"""

from __future__ import annotations

from bisect import bisect_right
from math import inf
from typing import NamedTuple

from models.contract.changes import Cursor, Info, encode
from models.contract.principal import Principal
from models.contract.values.time import HOUR, Clock
from models.service import PackedSlots, cut
from realtime import protocol
from realtime.access.visibility import hiding
from realtime.async_service import AsyncService
from realtime.reads.byte_cache import ByteCache
from realtime.reads.read_queue import Lane
from realtime.requests.etag import Tagged, etag_of, is_known
from realtime.rooms.dispatcher import Dispatcher
from realtime.rooms.replica.replica import MOST_SLOTS, Mark, mark_of
from realtime.rooms.replica.slot_list import begun
from realtime.rooms.replica.text import ReplicaText

KEPT_BYTES = 16_000_000  # of encoded windows of all calendars
SPARE = HOUR  # slots from now on are read by so much further, and SPARE_SLOTS more, so that they can be kept
SPARE_SLOTS = 50


class Asked(NamedTuple):
    """The window of a client, in milliseconds, and the newest cursor known to it.

    `is_from_now` is true if the client names no window.
    """

    begin: int
    finish: int
    is_from_now: bool
    at_least: Cursor | None


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


class SnapshotReader:
    """The reader for all transports."""

    def __init__(self, service: AsyncService, dispatcher: Dispatcher, text: ReplicaText, clock: Clock) -> None:
        self._service = service
        self._dispatcher = dispatcher
        self._text = text
        self._clock = clock
        self._kept: ByteCache[_Window | _FromNow] = ByteCache(KEPT_BYTES)

    def asked(self, begin: str | None, finish: str | None, at_least: str | None = None) -> Asked:
        """Read the fields of a request; BadRequest names an unreadable time."""
        first, last = protocol.read_window(begin, finish, self._clock())
        return Asked(first, last, begin is None and finish is None, protocol.read_after(at_least))

    async def read(self, calendar: str, principal: Principal, asked: Asked, has: str = "") -> Tagged:
        """Return a snapshot to a client that `has` these ETags. Raise NotFound, or the refusal of the principal."""
        if calendar in self._dispatcher.rooms:
            room = await self._dispatcher.room_at(calendar, None, asked.at_least)
            room.check_view(principal)
            if asked.begin >= room.replica.since:
                etag = _etag(room.replica.cursor, room.replica.cut(asked.begin, asked.finish, self._clock()).mark)
                is_new = not is_known(etag, has)
                return Tagged(etag, self._text.snapshot(room.replica, asked.begin, asked.finish) if is_new else None)
        find = self._window_from_now if asked.is_from_now else self._window
        with hiding(calendar, principal):
            window = await find(calendar, asked)
        if not principal.may_view(window.info):
            raise principal.refusal()
        return Tagged(window.etag, None if is_known(window.etag, has) else self._write(window))

    def _write(self, window: _Window) -> bytes:
        return protocol.write_snapshot(
            window.info,
            window.slots,
            seq=window.seq,
            cursor=window.cursor,
            begin=window.begin,
            finish=window.finish,
            now=self._clock(),
        )

    async def _window_from_now(self, calendar: str, asked: Asked) -> _Window:
        """Cut the window from the kept slots if the calendar has not changed since, else read it for all callers."""
        key = ("from now", calendar)
        kept = self._kept.get(key)
        if isinstance(kept, _FromNow) and kept.begin <= asked.begin:
            head = await self._service.read(self._service.sync.head, calendar, lane=Lane.LIGHT)
            if head.cursor == kept.cursor:
                window = kept.window(asked.begin, asked.finish)
                if window.finish <= kept.finish:
                    return window
        read = await self._service.read(self._read_from_now, calendar, lane=Lane.HEAVY, key=key)
        self._kept.put(key, read, read.slots.size_bytes)
        return read.window(max(asked.begin, read.begin), min(asked.finish, read.finish))

    def _read_from_now(self, calendar: str) -> _FromNow:
        """Read the slots from now on, on a reader's thread."""
        begin, finish = protocol.read_window(None, None, self._clock())
        found = self._service.sync.snapshot(calendar, begin, finish + SPARE, most=MOST_SLOTS + SPARE_SLOTS)
        return _FromNow(found.info, found.seq, found.cursor, begin, found.finish, found.slots)

    async def _window(self, calendar: str, asked: Asked) -> _Window:
        """Return the kept window if the calendar has not changed since, else read it once for all callers."""
        span = (asked.begin, asked.finish)
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
    return etag_of(encode([cursor, mark]))
