"""A calendar in memory at one seq: its slots and the end of its log, encoded for the wire.

Only `apply` changes a replica, in seq order. It makes snapshots and replays for any number of clients without a read of
the database.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from models.contract.changes import Cursor, Info, Logged, decode_applied, decode_slot_key
from models.contract.values.time import read_time
from models.service import PackedSlots, PlacedSlot, Snapshot, cut
from realtime.rooms.replica.slot_list import SlotList, begun

MOST_REPLAYED = 1_000  # changes
MOST_REPLAYED_BYTES = 512 * 1024
MOST_SLOTS = 2_000  # in one snapshot
AT_REST = 200  # changes of a tail that was not extended
AT_REST_BYTES = 64 * 1024
EXTENDED_SECONDS = 60.0
_ROW_BYTES = 400  # of a change in the tail, beside its body


class Gap(Exception):
    """A row does not follow the replica's last one: the log was trimmed, or the database was restored."""


Mark = tuple[str, str, int, int] | None


class Cut(NamedTuple):
    """The places of the slots in a window, and the window's end in milliseconds.

    At one cursor, equal marks mean equal slots. `is_repeated` says that the cut before had the same slots.
    """

    places: Sequence[int]
    finish: int
    mark: Mark
    is_repeated: bool = False


class _Standing(NamedTuple):
    """The last cut, and the bounds of the windows and times with the same slots."""

    places: Sequence[int]
    mark: Mark
    begin: int
    next_begin: float
    finish: int
    last_finish: float
    next_now: float

    def has(self, begin: int, finish: int, now: int) -> bool:
        return (
            self.begin <= begin < self.next_begin and self.finish <= finish <= self.last_finish and now < self.next_now
        )


def mark_of(slots: PackedSlots | SlotList, places: Sequence[int], now: int) -> Mark:
    """Return a key of the slots at these places, unique among the windows of one calendar at one cursor.

    It contains the number of begun slots, because the clock alone makes a slot not bookable.
    """
    if not places:
        return None
    begun_slots = bisect_right(places, now, key=slots.start)
    return slots.id(places[0]), slots.id(places[-1]), len(places), begun_slots


class Replica:
    """A calendar's replica. It has no slots that ended before `since`, in milliseconds.

    Its tail is short, and begins at the seq of the read. `pin` keeps it longer, `extend` adds earlier changes for late
    clients, and `shrink` lets them go.
    """

    __slots__ = (
        "_begun_at",
        "_extended_at",
        "_rested_seq",
        "_slots",
        "_standing",
        "_tail",
        "_tail_bytes",
        "info",
        "is_tail_whole",
        "nonce",
        "seq",
        "since",
    )

    def __init__(self, snapshot: Snapshot, since: int) -> None:
        self.info: Info = snapshot.info
        self.seq = snapshot.seq
        self.nonce = snapshot.nonce
        self.since = since
        self._slots = SlotList(snapshot.slots)
        self._standing: _Standing | None = None
        self._begun_at = snapshot.now  # slots that start until then have begun, and are not bookable
        self._rested_seq = -1  # at the last `shrink`
        self._tail: deque[Logged] = deque()
        self._tail_bytes = 0
        self._extended_at: float | None = None
        self.is_tail_whole = False  # the log has no earlier change, or one more would be too many

    @property
    def cursor(self) -> str:
        return f"{self.seq}.{self.nonce}"

    def apply(self, row: Logged) -> None:
        """Apply the next change; Gap for a change that is not the next, or of another history."""
        if row.seq != self.seq + 1 or row.follows != self.nonce:
            raise Gap
        self._standing = None
        change = decode_applied(row.body)
        for body in change.slots:
            key = decode_slot_key(body)
            start = read_time(key.start)
            encoded = begun(bytes(body)) if start <= self._begun_at else bytes(body)
            self._slots.put(PlacedSlot(start, read_time(key.end), key.id, encoded))
        for slot in change.removed:
            self._slots.drop(slot)
        self.info = change.info or self.info
        self.seq, self.nonce = row.seq, row.nonce
        self._tail.append(row)
        self._tail_bytes += len(row.body)
        self._trim()

    def _trim(self) -> None:
        """Drop the first changes of too long a tail. The last change always stays."""
        is_extended = self._extended_at is not None
        most, most_bytes = (MOST_REPLAYED, MOST_REPLAYED_BYTES) if is_extended else (AT_REST, AT_REST_BYTES)
        while len(self._tail) > 1 and (len(self._tail) > most or self._tail_bytes > most_bytes):
            self._tail_bytes -= len(self._tail.popleft().body)
            self.is_tail_whole = is_extended

    def lacks(self, cursor: Cursor) -> bool:
        """Whether changes after the cursor may be in the log, and are not in the tail."""
        first = self.seq - len(self._tail)
        return cursor.seq < first and not self.is_tail_whole and self.seq - cursor.seq <= MOST_REPLAYED

    @property
    def tail_start(self) -> int:
        """Return the seq of the tail's first change, or the next one if the tail is empty."""
        return self.seq + 1 - len(self._tail)

    def pin(self) -> None:
        """Keep the changes from now on for a while, for a read that begins now."""
        self._extended_at = time.monotonic()

    def extend(self, rows: Sequence[Logged]) -> None:
        """Put the changes before the tail's first one into the tail, oldest first, as far as they belong to it."""
        rows = [row for row in rows if row.seq < self.tail_start]
        if rows and rows[-1].seq + 1 != self.tail_start:
            return  # the tail has lost changes since the read
        self.pin()
        self.is_tail_whole = True
        for row in reversed(rows):
            size = self._tail_bytes + len(row.body)
            follows = self._tail[0].follows if self._tail else self.nonce
            if row.nonce != follows or len(self._tail) >= MOST_REPLAYED or size > MOST_REPLAYED_BYTES:
                break
            self._tail.appendleft(row)
            self._tail_bytes = size

    def shrink(self) -> None:
        """Let go of a tail extended a while ago, and pack slots without a change since the last call."""
        if self.seq == self._rested_seq and not self._slots.is_packed:
            self._slots.pack()
        self._rested_seq = self.seq
        if self._extended_at is not None and time.monotonic() - self._extended_at > EXTENDED_SECONDS:
            self._extended_at, self.is_tail_whole = None, False
            self._trim()

    @property
    def size_bytes(self) -> int:
        """Return the bytes of the slots and the tail, about."""
        return self._slots.size_bytes + self._tail_bytes + len(self._tail) * _ROW_BYTES

    def _begin_slots(self, now: int) -> None:
        """Make the slots begun since the last call not bookable. No change announces it."""
        if now > self._begun_at:
            for place in self._slots.starting(self._begun_at + 1, now + 1):
                body = self._slots.body(place)
                if (ended := begun(body)) is not body:
                    self._slots.replace(place, ended)
            self._begun_at = now

    def cut(self, begin: int, finish: int, now: int) -> Cut:
        """Find the slots that overlap `[begin, finish)` as they are now, by start.

        After 2,000 the cut ends before the next start. Its places are good until the next change or cut.
        """
        standing = self._standing
        if standing is not None and standing.has(begin, finish, now):
            return Cut(standing.places, finish, standing.mark, is_repeated=True)
        self._begin_slots(now)
        slots = self._slots
        places = slots.between(begin, finish)
        if len(places) > MOST_SLOTS:
            finish = cut([slots.start(place) for place in places], begin, finish, MOST_SLOTS)
            places = slots.between(begin, finish)
        mark = mark_of(slots, places, self._begun_at)
        bounds = (
            begin,
            slots.first_end(places),
            finish,
            slots.next_start(finish),
            slots.next_start(self._begun_at + 1),
        )
        self._standing = _Standing(places, mark, *bounds)
        return Cut(places, finish, mark)

    def joined(self, found: Cut) -> bytes:
        """Return the slots of the cut, encoded with commas between."""
        return self._slots.joined(found.places)

    @property
    def is_packed(self) -> bool:
        """Whether the slots are one text, so that `joined` copies a part of it."""
        return self._slots.is_packed

    def replay(self, cursor: Cursor) -> Sequence[Logged] | None:
        """Return the changes after the cursor; None for another history, or for too many changes."""
        if cursor.seq == self.seq:
            return () if cursor.nonce == self.nonce else None
        first = len(self._tail) - (self.seq - cursor.seq)
        if not 0 <= first < len(self._tail) or self._tail[first].follows != cursor.nonce:
            return None
        return [self._tail[index] for index in range(first, len(self._tail))]
