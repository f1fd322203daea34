"""Encoded slots in one text: a calendar in memory costs little more than its JSON."""

from __future__ import annotations

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from operator import attrgetter, sub
from typing import NamedTuple

from models.contract.changes import decode_slot_key


class PlacedSlot(NamedTuple):
    """An encoded public slot, with its times in milliseconds."""

    start: int
    end: int
    id: str
    body: bytes


class PackedSlots:
    """Slots by start and id. A place is the number of a slot in this order, and `offsets` are their places in `text`.

    `ends` is None if every slot lasts `longest` milliseconds.
    """

    __slots__ = ("ends", "longest", "offsets", "starts", "text")

    def __init__(self, text: bytes, sizes: Iterable[int], starts: Iterable[int], ends: Iterable[int]) -> None:
        """Take the text of all slots with commas between, and the bytes of each."""
        self.text = text
        self.offsets = array("I", accumulate(map((1).__add__, sizes), initial=0))
        self.starts = array("q", starts)
        self.ends: array[int] | None = array("q", ends)
        self.longest = 0
        if self.starts:
            lengths = list(map(sub, self.ends, self.starts))
            self.longest = max(lengths)
            if self.longest == min(lengths):
                self.ends = None

    @classmethod
    def of(cls, slots: Iterable[PlacedSlot]) -> PackedSlots:
        """Pack single slots, in any order."""
        ordered = sorted(slots, key=attrgetter("start", "id"))
        return cls(
            b",".join([slot.body for slot in ordered]),
            [len(slot.body) for slot in ordered],
            [slot.start for slot in ordered],
            [slot.end for slot in ordered],
        )

    def __len__(self) -> int:
        return len(self.starts)

    def __iter__(self) -> Iterator[PlacedSlot]:
        return map(self.__getitem__, range(len(self.starts)))

    def __getitem__(self, place: int) -> PlacedSlot:
        place = range(len(self.starts))[place]
        body = self.body(place)
        return PlacedSlot(self.starts[place], self.end(place), decode_slot_key(body).id, body)

    def body(self, place: int) -> bytes:
        return self.text[self.offsets[place] : self.offsets[place + 1] - 1]

    def start(self, place: int) -> int:
        return self.starts[place]

    def end(self, place: int) -> int:
        return self.starts[place] + self.longest if self.ends is None else self.ends[place]

    def id(self, place: int) -> str:
        return decode_slot_key(self.body(place)).id

    def joined(self, places: Sequence[int]) -> bytes:
        """Return the slots at these places, with commas between."""
        if isinstance(places, range):
            return self.text[self.offsets[places.start] : self.offsets[places.stop] - 1] if places else b""
        return b",".join(map(self.body, places))

    @property
    def size_bytes(self) -> int:
        """Return about the bytes of memory."""
        return len(self.text) + len(self.starts) * (12 if self.ends is None else 20)

    def between(self, begin: int, finish: int) -> Sequence[int]:
        """Return the places of the slots that overlap `[begin, finish)`, by start."""
        return places_between(self.starts, self.ends, self.longest, begin, finish)


def places_between(starts: array[int], ends: array[int] | None, longest: int, begin: int, finish: int) -> Sequence[int]:
    """Return the places of the slots that overlap `[begin, finish)`: a range where they are side by side."""
    last = bisect_left(starts, finish)
    middle = min(bisect_right(starts, begin), last)  # the slots from here on end after `begin`
    first = bisect_right(starts, begin - longest, hi=middle)
    if ends is None:
        return range(first, last)
    early = [place for place in range(first, middle) if ends[place] > begin]
    if not early or early[0] + len(early) == middle:
        return range(early[0] if early else middle, last)
    return [*early, *range(middle, last)]
