"""A slot list does what a dictionary of slots does, in the order of start and id."""

from __future__ import annotations

import sys

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.contract.values.time import write_time
from models.service import PackedSlots, PlacedSlot
from realtime.rooms.replica import slot_list as module
from realtime.rooms.replica.slot_list import SlotList

# Ids of the service, which have one length, and ids of any other form.
IDS = st.sampled_from([f"slot-{number}" for number in range(6)] + [f"{number:036}" for number in range(6)])
TIMES = st.integers(0, 5)
SLOTS = st.builds(lambda name, start, length: placed(name, start, start + length), IDS, TIMES, st.integers(1, 9))


def placed(name: str, start: int, end: int) -> PlacedSlot:
    body = msgspec.json.encode({"id": name, "start": write_time(start), "end": write_time(end)})
    return PlacedSlot(start, end, name, body)


def found(slots: SlotList, begin: int, finish: int) -> list[bytes]:
    return [slots.body(place) for place in slots.between(begin, finish)]


PACK = None  # a step


@given(
    st.lists(SLOTS, unique_by=lambda slot: slot.id),
    st.lists(st.one_of(SLOTS, IDS, st.just(PACK)), max_size=30),
    TIMES,
    TIMES,
)
def test_it_is_a_dictionary_in_order(
    first: list[PlacedSlot], steps: list[PlacedSlot | str | None], begin: int, length: int
) -> None:
    """It is, packed and unpacked, and after any mix of both."""
    slots, model = SlotList(PackedSlots.of(first)), {slot.id: slot for slot in first}
    for step in steps:
        if step is PACK:
            slots.pack()
            assert slots.is_packed
        elif isinstance(step, PlacedSlot):
            slots.put(step)
            model[step.id] = step
        else:
            assert slots.drop(step) == (model.pop(step, None) is not None)
    ordered = sorted(model.values(), key=lambda slot: (slot.start, slot.id))
    assert [slots.id(place) for place in slots.between(-100, 100)] == [slot.id for slot in ordered]
    inside = [slot.body for slot in ordered if slot.start < begin + length and slot.end > begin]
    assert found(slots, begin, begin + length) == inside
    assert slots.joined(slots.between(begin, begin + length)) == b",".join(inside)
    assert len(slots) == len(model)
    slots.pack()
    assert slots.joined(slots.between(begin, begin + length)) == b",".join(inside)
    assert slots.size_bytes == SlotList(PackedSlots.of(model.values())).size_bytes


def test_slots_whose_hashes_are_equal_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids of slots come from outside, so two of them may have one hash."""
    monkeypatch.setattr(module, "hash", lambda _: 7, raising=False)
    slots = SlotList(PackedSlots.of([placed("a", 1, 2), placed("b", 3, 4)]))
    assert slots.drop("b")
    assert not slots.drop("b")
    assert [slots.id(place) for place in slots.between(0, 9)] == ["a"]


def test_a_slot_costs_its_json_and_a_few_bytes() -> None:
    """Until it changes, it costs 12 bytes more; where every slot may have changed, less than a hundred."""
    data = "x" * 150
    bodies = [
        PlacedSlot(
            number,
            number + 1,
            f"{number:036}",
            msgspec.json.encode({"id": f"{number:036}", "start": "", "end": "", "data": data}),
        )
        for number in range(1_000)
    ]
    slots = SlotList(PackedSlots.of(bodies))
    json_bytes = sum(len(slot.body) for slot in bodies)
    assert _taken(slots) < 1.1 * json_bytes
    assert abs(_taken(slots) - slots.size_bytes) < 0.01 * json_bytes
    slots.put(bodies[0])
    slots.drop(bodies[1].id)
    assert _taken(slots) < json_bytes + 1_000 * 100
    assert abs(_taken(slots) - slots.size_bytes) < 0.1 * json_bytes


def _taken(slots: SlotList) -> int:
    parts = (getattr(slots, name) for name in SlotList.__slots__)
    bodies = 0 if slots.is_packed else sum(sys.getsizeof(slots.body(place)) for place in range(len(slots)))
    return bodies + sum(map(sys.getsizeof, parts))
