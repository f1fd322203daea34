"""Packed slots are the slots given, by start and id."""

from __future__ import annotations

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from models.query.packed_slots import PackedSlots, PlacedSlot


def placed(name: str, start: int, length: int) -> PlacedSlot:
    return PlacedSlot(start, start + length, name, msgspec.json.encode({"id": name, "start": "", "end": ""}))


SLOTS = st.lists(
    st.builds(placed, st.text(st.characters(codec="utf-8"), max_size=3), st.integers(0, 9), st.integers(1, 9)),
    unique_by=lambda slot: slot.id,
)


@given(SLOTS, st.integers(-2, 20), st.integers(0, 20))
def test_they_are_the_slots_in_order(slots: list[PlacedSlot], begin: int, length: int) -> None:
    packed, ordered = PackedSlots.of(slots), sorted(slots, key=lambda slot: (slot.start, slot.id))
    assert list(packed) == ordered
    inside = [slot for slot in ordered if slot.start < begin + length and slot.end > begin]
    places = packed.between(begin, begin + length)
    assert [packed[place] for place in places] == inside
    assert packed.joined(places) == b",".join([slot.body for slot in inside])
