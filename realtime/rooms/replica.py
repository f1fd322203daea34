"""A calendar in memory at one seq: its slots and the end of its log, encoded for the wire.

Only `apply` changes a replica, in seq order. It makes snapshots and replays for any number of clients without a read of
the database, and keeps them until the next change.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Sequence
from itertools import takewhile
from typing import NamedTuple

from models.contract.changes import Cursor, Info, Logged, decode_applied, decode_slot_key
from models.contract.time import read_time
from models.service import PlacedSlot, Snapshot, cut

MOST_REPLAYED = 1_000  # changes
MOST_REPLAYED_BYTES = 512 * 1024
MOST_SLOTS = 2_000  # in one snapshot
_MOST_CUTS = 64


class Gap(Exception):
    """A row does not follow the replica's last one: the log was trimmed, or the database was restored."""


Mark = tuple[str, str, int, int] | None
_BOOKABLE = b'"bookable":'  # of the slot; `data`, which may say so too, stands behind it


class Cut(NamedTuple):
    """The slots of a window, encoded with commas between, and the window's end in milliseconds.

    At one cursor, equal marks mean equal slots.
    """

    slots: bytes
    finish: int
    mark: Mark


def mark_of(slots: Sequence[PlacedSlot], now: int) -> Mark:
    """Return a key of these slots, unique among the windows of one calendar at one cursor.

    The number of those that have begun is part of it, as they are not bookable any more.
    """
    if not slots:
        return None
    begun = sum(1 for _ in takewhile(lambda slot: slot.start <= now, slots))
    return slots[0].id, slots[-1].id, len(slots), begun


def _begun(slot: PlacedSlot) -> PlacedSlot:
    """Return the slot as it is once it has begun."""
    head, name, tail = slot.body.partition(_BOOKABLE)
    return slot._replace(body=b"%b%bfalse%b" % (head, name, tail.removeprefix(b"true").removeprefix(b"false")))


class Replica:
    """A calendar's replica. It has no slots that ended before `since`, in milliseconds."""

    __slots__ = (
        "_begun_at",
        "_cuts",
        "_longest",
        "_order",
        "_slots",
        "_tail",
        "_tail_bytes",
        "info",
        "nonce",
        "seq",
        "since",
    )

    def __init__(self, snapshot: Snapshot, since: int) -> None:
        self.info: Info = snapshot.info
        self.seq = snapshot.seq
        self.nonce = snapshot.nonce
        self.since = since
        self._slots: dict[str, PlacedSlot] = {slot.id: slot for slot in snapshot.slots}
        self._order: list[tuple[int, str]] = sorted((slot.start, slot.id) for slot in snapshot.slots)
        self._longest = max((slot.end - slot.start for slot in snapshot.slots), default=0)
        self._tail: deque[Logged] = deque()
        self._tail_bytes = 0
        self._cuts: dict[object, bytes | None] = {}
        self._begun_at = -1  # slots that began until then are not bookable
        for row in snapshot.tail:
            self._remember(row)

    @property
    def cursor(self) -> str:
        return f"{self.seq}.{self.nonce}"

    def apply(self, row: Logged) -> None:
        """Apply the next change; Gap for a change that is not the next, or of another history."""
        if row.seq != self.seq + 1 or row.follows != self.nonce:
            raise Gap
        change = decode_applied(row.body)
        for body in change.slots:
            key = decode_slot_key(body)
            self._put(PlacedSlot(read_time(key.start), read_time(key.end), key.id, bytes(body)))
        for slot in change.removed:
            self._drop(slot)
        self.info = change.info or self.info
        self.seq, self.nonce = row.seq, row.nonce
        self._cuts.clear()
        self._remember(row)

    def _put(self, slot: PlacedSlot) -> None:
        if slot.start <= self._begun_at:
            slot = _begun(slot)
        before = self._slots.get(slot.id)
        if before is None or before.start != slot.start:
            self._drop(slot.id)
            insort(self._order, (slot.start, slot.id))
        self._slots[slot.id] = slot
        self._longest = max(self._longest, slot.end - slot.start)

    def _drop(self, slot: str) -> None:
        before = self._slots.pop(slot, None)
        if before is not None:
            del self._order[bisect_left(self._order, (before.start, slot))]

    def _remember(self, row: Logged) -> None:
        self._tail.append(row)
        self._tail_bytes += len(row.body)
        while len(self._tail) > MOST_REPLAYED or self._tail_bytes > MOST_REPLAYED_BYTES:
            self._tail_bytes -= len(self._tail.popleft().body)

    def _begin_slots(self, now: int) -> None:
        """Make the slots that have begun since the last look unbookable. No change says so."""
        if now <= self._begun_at:
            return
        first = bisect_left(self._order, (self._begun_at + 1, ""))
        last = bisect_left(self._order, (now + 1, ""))
        self._begun_at = now
        for _, name in self._order[first:last]:
            self._slots[name] = _begun(self._slots[name])
            self._cuts.clear()

    def slots(self, begin: int, finish: int, now: int) -> Cut:
        """Return the slots that overlap `[begin, finish)` as they are now, by start.

        After 2,000 the cut ends before the next start.
        """
        self._begin_slots(now)
        first = bisect_left(self._order, (begin - self._longest, ""))
        last = bisect_left(self._order, (finish, ""))
        found = [slot for _, name in self._order[first:last] if (slot := self._slots[name]).end > begin]
        if len(found) > MOST_SLOTS:
            finish = cut([slot.start for slot in found], begin, finish, MOST_SLOTS)
            found = [slot for slot in found if slot.start < finish]
        key = mark_of(found, self._begun_at)
        body = self._cuts.get(key)
        if body is None:
            body = self._keep(key, b",".join([slot.body for slot in found]))
        return Cut(body or b"", finish, key)

    def replay(self, cursor: Cursor) -> Sequence[Logged] | None:
        """Return the changes after the cursor; None for another history, or for too many changes."""
        if cursor.seq == self.seq:
            return () if cursor.nonce == self.nonce else None
        first = len(self._tail) - (self.seq - cursor.seq)
        if not 0 <= first < len(self._tail) or self._tail[first].follows != cursor.nonce:
            return None
        return [self._tail[index] for index in range(first, len(self._tail))]

    def replayed(self, cursor: Cursor) -> bytes | None:
        """Return the same changes encoded, with commas between."""
        if cursor not in self._cuts:
            rows = self.replay(cursor)
            return self._keep(cursor, None if rows is None else b",".join([row.body for row in rows]))
        return self._cuts[cursor]

    def _keep(self, key: object, body: bytes | None) -> bytes | None:
        if len(self._cuts) < _MOST_CUTS:
            self._cuts[key] = body
        return body
