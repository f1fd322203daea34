"""A calendar's slots in memory: each slot's JSON, and some 75 bytes besides."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator

from models.contract.changes import decode_slot_key
from models.service import PlacedSlot

_PLACE_BYTES = 75
_ID = b'{"id":"'
_HEAD_BYTES = len(_ID) + 36 + 1  # with the id and its closing quote
_BOOKABLE = b'"bookable":'  # the slot's own comes before its `data`, which may have one too


def begun(body: bytes) -> bytes:
    """Return the JSON of a slot that has begun: it is not bookable."""
    at = body.find(_BOOKABLE) + len(_BOOKABLE)
    return b"%bfalse%b" % (body[:at], body[at + 4 :]) if body.startswith(b"true", at) else body


class SlotList:
    """Encoded slots by start and id, in parallel arrays.

    A slot is found by its id through a sorted array of hashes with the starts beside it. A dictionary would cost more
    than the slots' JSON.
    """

    __slots__ = ("_bodies", "_bytes", "_ends", "_hashes", "_longest", "_starts", "_starts_by_hash")

    def __init__(self, slots: Iterable[PlacedSlot]) -> None:
        ordered = sorted(slots, key=lambda slot: (slot.start, slot.id))
        hashes = sorted((hash(slot.id), slot.start) for slot in ordered)
        self._bodies = [slot.body for slot in ordered]
        self._starts = array("q", [slot.start for slot in ordered])
        self._ends = array("q", [slot.end for slot in ordered])
        self._hashes = array("q", [key for key, _ in hashes])
        self._starts_by_hash = array("q", [start for _, start in hashes])
        self._bytes = sum(map(len, self._bodies))
        self._longest = max((slot.end - slot.start for slot in ordered), default=0)

    def __len__(self) -> int:
        return len(self._bodies)

    @property
    def size_bytes(self) -> int:
        return self._bytes + len(self._bodies) * _PLACE_BYTES

    def put(self, slot: PlacedSlot) -> None:
        """Add the slot, or replace the one with its id."""
        self._longest = max(self._longest, slot.end - slot.start)
        place = bisect_left(self._starts, slot.start)
        if not self._is_first_at(place, slot):
            place = self._place(slot.start, slot.id)
            if not self._is_at(place, slot.start, slot.id):
                self._add(slot, place)
                return
        self._bytes += len(slot.body) - len(self._bodies[place])
        self._bodies[place] = slot.body
        self._ends[place] = slot.end

    def _add(self, slot: PlacedSlot, place: int) -> None:
        if self.drop(slot.id):
            place = self._place(slot.start, slot.id)
        self._bytes += len(slot.body)
        self._bodies.insert(place, slot.body)
        self._starts.insert(place, slot.start)
        self._ends.insert(place, slot.end)
        key = hash(slot.id)
        at = bisect_left(self._hashes, key)
        self._hashes.insert(at, key)
        self._starts_by_hash.insert(at, slot.start)

    def drop(self, slot: str) -> bool:
        """Remove the slot with this id; return False if there is none."""
        key = hash(slot)
        at = bisect_left(self._hashes, key)
        while at < len(self._hashes) and self._hashes[at] == key:
            start = self._starts_by_hash[at]
            place = self._place(start, slot)
            if self._is_at(place, start, slot):
                self._bytes -= len(self._bodies[place])
                del self._bodies[place], self._starts[place], self._ends[place]
                del self._hashes[at], self._starts_by_hash[at]
                return True
            at += 1
        return False

    def between(self, begin: int, finish: int) -> Iterator[int]:
        """Return the places of the slots that overlap `[begin, finish)`, by start."""
        first = bisect_left(self._starts, begin - self._longest)
        last = bisect_left(self._starts, finish)
        ends = self._ends
        return (place for place in range(first, last) if ends[place] > begin)

    def start(self, place: int) -> int:
        return self._starts[place]

    def starting(self, first: int, last: int) -> range:
        """Return the places of the slots that start in `[first, last)`."""
        return range(bisect_left(self._starts, first), bisect_left(self._starts, last))

    def body(self, place: int) -> bytes:
        return self._bodies[place]

    def replace(self, place: int, body: bytes) -> None:
        """Give the slot at this place another body with the same id."""
        self._bytes += len(body) - len(self._bodies[place])
        self._bodies[place] = body

    def id(self, place: int) -> str:
        return decode_slot_key(self._bodies[place]).id

    def _is_first_at(self, place: int, slot: PlacedSlot) -> bool:
        """Say if the first slot of this start is the same, by the first bytes of both: `{"id":"<a UUID>"`.

        This is the usual case, and reads no JSON. False leaves it open.
        """
        head = slot.body[:_HEAD_BYTES]
        is_id = head.startswith(_ID) and head.endswith(b'"')
        return (
            is_id
            and place < len(self._starts)
            and self._starts[place] == slot.start
            and self._bodies[place].startswith(head)
        )

    def _is_at(self, place: int, start: int, slot: str) -> bool:
        return place < len(self._starts) and self._starts[place] == start and self.id(place) == slot

    def _place(self, start: int, slot: str) -> int:
        """Return the place of this start and id, where the slot is or would be."""
        first = bisect_left(self._starts, start)
        last = bisect_left(self._starts, start + 1, first)
        return first if first == last else bisect_left(range(last), slot, first, key=self.id)
