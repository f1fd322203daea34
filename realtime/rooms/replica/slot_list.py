"""A calendar's slots in memory: one text while nothing changes, and a body for each slot while something does."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Sequence
from itertools import pairwise
from math import inf

from models.contract.changes import decode_slot_key
from models.service import PackedSlots, PlacedSlot, places_between

_BODY_BYTES = 33 + 8  # of a slot's own body, beside its JSON
_ID = b'{"id":"'
_HEAD_BYTES = len(_ID) + 36 + 1  # with the id and its closing quote
_BOOKABLE = b'"bookable":'  # the slot's own comes before its `data`, which may have one too


def begun(body: bytes) -> bytes:
    """Return the JSON of a slot that has begun: it is not bookable."""
    at = body.find(_BOOKABLE) + len(_BOOKABLE)
    return b"%bfalse%b" % (body[:at], body[at + 4 :]) if body.startswith(b"true", at) else body


class SlotList:
    """Encoded slots by start and id. It takes over the arrays of the packed slots.

    The first change of a slot unpacks the list, and `pack` packs it again. A slot that was moved or removed is found by
    its id, through a sorted array of hashes with the starts beside it. A dictionary would cost more than the slots'
    JSON. The first such change makes the array.
    """

    __slots__ = (
        "_bodies", "_bytes", "_ends", "_hashes", "_longest", "_offsets", "_starts", "_starts_by_hash", "_text",
    )  # fmt: skip

    def __init__(self, slots: PackedSlots) -> None:
        self._take(slots)

    def _take(self, slots: PackedSlots) -> None:
        self._text = slots.text
        self._offsets: array[int] | None = slots.offsets  # None while the list is unpacked
        self._bodies: list[bytes] = []
        self._bytes = len(slots.text)
        self._starts = slots.starts
        self._ends = slots.ends  # None while all slots last `_longest`
        self._longest = slots.longest
        self._hashes: array[int] | None = None
        self._starts_by_hash = array("q")

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def is_packed(self) -> bool:
        return self._offsets is not None

    def pack(self) -> None:
        """Put all slots into one text again, once they have stopped changing."""
        self._hashes, self._starts_by_hash = None, array("q")
        if self._offsets is None:
            sizes = list(map(len, self._bodies))
            ends = [self._end(place) for place in range(len(sizes))]
            self._take(PackedSlots(b",".join(self._bodies), sizes, self._starts, ends))

    def _unpack(self) -> None:
        if self._offsets is not None:
            text = self._text
            self._bodies = [text[first : last - 1] for first, last in pairwise(self._offsets)]
            self._bytes = sum(map(len, self._bodies))
            self._text, self._offsets = b"", None

    @property
    def size_bytes(self) -> int:
        """Return about the bytes of memory."""
        each = 8 if self._ends is None else 16
        each += _BODY_BYTES if self._offsets is None else 4
        each += 16 if self._hashes is not None else 0
        return self._bytes + len(self._starts) * each

    def put(self, slot: PlacedSlot) -> None:
        """Add the slot, or replace the one with its id."""
        place = bisect_left(self._starts, slot.start)
        if not self._is_first_at(place, slot):
            place = self._place(slot.start, slot.id)
            if not self._is_at(place, slot.start, slot.id):
                self._add(slot, place)
                return
        self.replace(place, slot.body)
        self._set_end(place, slot.end)

    def _add(self, slot: PlacedSlot, place: int) -> None:
        if self.drop(slot.id):
            place = self._place(slot.start, slot.id)
        self._unpack()
        self._bytes += len(slot.body)
        self._bodies.insert(place, slot.body)
        self._starts.insert(place, slot.start)
        if self._ends is not None:
            self._ends.insert(place, slot.end)
        self._set_end(place, slot.end)
        hashes, key = self._indexed(), hash(slot.id)
        at = bisect_left(hashes, key)
        hashes.insert(at, key)
        self._starts_by_hash.insert(at, slot.start)

    def drop(self, slot: str) -> bool:
        """Remove the slot with this id; return False if there is none."""
        hashes, key = self._indexed(), hash(slot)
        at = bisect_left(hashes, key)
        while at < len(hashes) and hashes[at] == key:
            start = self._starts_by_hash[at]
            place = self._place(start, slot)
            if self._is_at(place, start, slot):
                self._unpack()
                self._bytes -= len(self._bodies[place])
                del self._bodies[place], self._starts[place], hashes[at], self._starts_by_hash[at]
                if self._ends is not None:
                    del self._ends[place]
                return True
            at += 1
        return False

    def between(self, begin: int, finish: int) -> Sequence[int]:
        """Return the places of the slots that overlap `[begin, finish)`, by start."""
        return places_between(self._starts, self._ends, self._longest, begin, finish)

    def start(self, place: int) -> int:
        return self._starts[place]

    def starting(self, first: int, last: int) -> range:
        """Return the places of the slots that start in `[first, last)`."""
        return range(bisect_left(self._starts, first), bisect_left(self._starts, last))

    def next_start(self, moment: int) -> float:
        """Return the first start of a slot from this moment on; infinity if there is none."""
        place = bisect_left(self._starts, moment)
        return self._starts[place] if place < len(self._starts) else inf

    def first_end(self, places: Sequence[int]) -> float:
        """Return the first end of the slots at these places; infinity without any."""
        if not places:
            return inf
        if self._ends is None:
            return self._starts[places[0]] + self._longest
        return min(
            self._ends[places.start : places.stop] if isinstance(places, range) else map(self._ends.__getitem__, places)
        )

    def body(self, place: int) -> bytes:
        offsets = self._offsets
        return self._bodies[place] if offsets is None else self._text[offsets[place] : offsets[place + 1] - 1]

    def joined(self, places: Sequence[int]) -> bytes:
        """Return the slots at these places, with commas between."""
        if not places:
            return b""
        if not isinstance(places, range):
            return b",".join(map(self.body, places))
        if self._offsets is None:
            return b",".join(self._bodies[places.start : places.stop])
        return self._text[self._offsets[places.start] : self._offsets[places.stop] - 1]

    def replace(self, place: int, body: bytes) -> None:
        """Give the slot at this place another body with the same id."""
        self._unpack()
        self._bytes += len(body) - len(self._bodies[place])
        self._bodies[place] = body

    def id(self, place: int) -> str:
        return decode_slot_key(self.body(place)).id

    def _indexed(self) -> array[int]:
        """Return the sorted hashes of the ids; make them for the first slot that is looked for by its id."""
        if self._hashes is None:
            found = sorted((hash(self.id(place)), start) for place, start in enumerate(self._starts))
            self._hashes = array("q", [key for key, _ in found])
            self._starts_by_hash = array("q", [start for _, start in found])
        return self._hashes

    def _end(self, place: int) -> int:
        return self._starts[place] + self._longest if self._ends is None else self._ends[place]

    def _set_end(self, place: int, end: int) -> None:
        length = end - self._starts[place]
        if self._ends is None and length != self._longest:
            self._ends = array("q", [start + self._longest for start in self._starts])
        if self._ends is not None:
            self._ends[place] = end
        self._longest = max(self._longest, length)

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
            and self.body(place).startswith(head)
        )

    def _is_at(self, place: int, start: int, slot: str) -> bool:
        return place < len(self._starts) and self._starts[place] == start and self.id(place) == slot

    def _place(self, start: int, slot: str) -> int:
        """Return the place of this start and id, where the slot is or would be."""
        first = bisect_left(self._starts, start)
        last = bisect_left(self._starts, start + 1, first)
        return first if first == last else bisect_left(range(last), slot, first, key=self.id)
