"""A slot list does what a dictionary of slots does, in the order of start and id."""

from __future__ import annotations

import sys

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from models.contract.values.time import write_time
from models.service import PlacedSlot
from realtime.rooms.slot_list import SlotList

# Ids of the service, which have one length, and ids of any other form.
IDS = st.sampled_from([f"slot-{number}" for number in range(6)] + [f"{number:036}" for number in range(6)])
TIMES = st.integers(0, 5)
SLOTS = st.builds(lambda name, start, length: placed(name, start, start + length), IDS, TIMES, st.integers(1, 9))


def placed(name: str, start: int, end: int) -> PlacedSlot:
    body = msgspec.json.encode({"id": name, "start": write_time(start), "end": write_time(end)})
    return PlacedSlot(start, end, name, body)


def found(slots: SlotList, begin: int, finish: int) -> list[bytes]:
    return [slots.body(place) for place in slots.between(begin, finish)]


@given(st.lists(SLOTS, unique_by=lambda slot: slot.id), st.lists(st.one_of(SLOTS, IDS), max_size=30), TIMES, TIMES)
def test_it_is_a_dictionary_in_order(
    first: list[PlacedSlot], steps: list[PlacedSlot | str], begin: int, length: int
) -> None:
    slots, model = SlotList(first), {slot.id: slot for slot in first}
    for step in steps:
        if isinstance(step, PlacedSlot):
            slots.put(step)
            model[step.id] = step
        else:
            assert slots.drop(step) == (model.pop(step, None) is not None)
    ordered = sorted(model.values(), key=lambda slot: (slot.start, slot.id))
    assert [slots.id(place) for place in slots.between(-100, 100)] == [slot.id for slot in ordered]
    inside = [slot.body for slot in ordered if slot.start < begin + length and slot.end > begin]
    assert found(slots, begin, begin + length) == inside
    assert len(slots) == len(model)
    bare = SlotList(model.values())
    assert slots.size_bytes == bare.size_bytes


def test_slots_whose_hashes_are_equal_are_told_apart() -> None:
    """The ids of slots come from outside, so two of them may have one hash."""

    class Same(str):
        __slots__ = ()

        def __hash__(self) -> int:
            return 7

    slots = SlotList(
        PlacedSlot(slot.start, slot.end, Same(slot.id), slot.body) for slot in (placed("a", 1, 2), placed("b", 3, 4))
    )
    assert slots.drop(Same("b"))
    assert not slots.drop(Same("b"))
    assert [slots.id(place) for place in slots.between(0, 9)] == ["a"]


def test_a_slot_costs_its_json_and_less_than_a_hundred_bytes() -> None:
    data = "x" * 150
    bodies = [
        PlacedSlot(
            number, number + 1, f"{number:036}", msgspec.json.encode({"id": f"{number:036}", "start": "", "data": data})
        )
        for number in range(1_000)
    ]
    slots = SlotList(bodies)
    parts = (getattr(slots, name) for name in SlotList.__slots__)
    taken = sum(map(sys.getsizeof, parts)) + sum(sys.getsizeof(slots.body(place)) for place in range(1_000))
    json_bytes = sum(len(slot.body) for slot in bodies)
    assert taken < json_bytes + 1_000 * 100
    assert abs(taken - slots.size_bytes) < 0.1 * taken
