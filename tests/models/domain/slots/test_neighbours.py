"""Overlap and buffers govern taking, not opening: a taken slot keeps its neighbours from being taken."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from models.audit import audit
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, RemoveSlot, UpdateSlot
from models.contract.errors import SlotUnavailable
from models.contract.values.time import HOUR, MINUTE, write_time
from tests.models.driver import OTHER, STAFF, START, Driver, Viewer, code, moving, new_key
from tests.models.driver import booking as booking_of

NOON = START + 12 * HOUR


def open_at(driver: Driver, *minutes: tuple[int, int], capacity: int = 1) -> list[str]:
    """Slots by their begin and end, in minutes from noon."""
    return [driver.open_between(NOON + a * MINUTE, NOON + b * MINUTE, capacity=capacity)[0] for a, b in minutes]


def bookable(driver: Driver, *slots: str) -> list[bool]:
    seen = driver.slots()
    return [seen[slot]["bookable"] for slot in slots]


def test_by_default_slots_may_overlap(driver: Driver) -> None:
    """`allow`: two bookings at the same time stand side by side."""
    for slot in open_at(driver, (0, 60), (30, 90)):
        driver.reserve(slot)


@pytest.mark.parametrize("by", ["hold", "booking"])
def test_a_taken_slot_blocks_overlapping_slots(driver: Driver, by: str) -> None:
    """A slot blocks neighbours from either side, inside and around, and frees them again; touching slots stay free."""
    driver.create("strict", overlap="reject")
    middle, left, right, inside, around, before, after = open_at(
        driver, (0, 60), (-30, 1), (59, 90), (20, 30), (-60, 120), (-60, 0), (60, 120)
    )
    taken = driver.hold(middle) if by == "hold" else driver.reserve(middle)
    assert bookable(driver, left, right, inside, around) == [False] * 4
    assert bookable(driver, before, after) == [True] * 2
    with pytest.raises(SlotUnavailable) as refused:
        driver.hold(inside, principal=OTHER)
    assert refused.value.details == {"rule": "overlap"}
    if by == "hold":
        driver.release(taken)
    else:
        driver.cancel(taken)
    assert bookable(driver, left, right, inside, around, before, after) == [True] * 6


@pytest.mark.parametrize(("policy", "gap", "is_blocked"), [
    ({"buffer_before": 600}, 9, True),
    ({"buffer_before": 600}, 10, False),
    ({"buffer_after": 600}, 9, True),
    ({"buffer_after": 600}, 10, False),
    ({"buffer_before": 600, "buffer_after": 300}, 14, True),
    ({"buffer_before": 600, "buffer_after": 300}, 15, False),
])  # fmt: skip
def test_a_buffer_keeps_room_on_both_sides(driver: Driver, policy: dict[str, int], gap: int, is_blocked: bool) -> None:
    """Buffers imply `reject`, and the room between two is the one's after and the other's before."""
    driver.create("spaced", **policy)
    early, middle, late = open_at(driver, (-30 - gap, -gap), (0, 60), (60 + gap, 90 + gap))
    driver.reserve(middle)
    assert bookable(driver, early, late) == [not is_blocked] * 2
    driver.cancel(driver.reserve(early)) if not is_blocked else None


def test_a_slot_is_not_its_own_neighbour(driver: Driver) -> None:
    """The slot's other seats stay bookable; its neighbours are blocked once, until the last seat is free."""
    driver.create("strict", overlap="reject")
    (slot,) = open_at(driver, (0, 60), capacity=3)
    (near,) = open_at(driver, (30, 90))
    first, second = driver.reserve(slot), driver.reserve(slot, seats=2)
    driver.cancel(first)
    assert bookable(driver, near) == [False]
    driver.cancel(second)
    assert bookable(driver, near) == [True]


def test_a_neighbour_that_becomes_blocked_or_free_is_in_the_change(driver: Driver) -> None:
    """Blocked neighbours are in the change that blocks them; an already blocked one is in no further change."""
    driver.create("strict", overlap="reject")
    left, middle, right = open_at(driver, (0, 60), (30, 120), (90, 150))
    viewer = Viewer(driver.service, "strict")
    first = driver.reserve(left)
    driver.reserve(right)
    driver.cancel(first)
    changes = viewer.follow()
    assert [[slot["id"] for slot in change["slots"]] for change in changes] == [[left, middle], [right], [left]]
    viewer.check()


def test_an_expired_hold_does_not_block_its_neighbours(driver: Driver) -> None:
    """A command for the neighbour expires the hold in its own change, after the grace, before the scheduler does."""
    driver.create("strict", overlap="reject")
    left, right = open_at(driver, (0, 60), (30, 90))
    driver.hold(left)
    driver.clock.go(300.4)
    with pytest.raises(SlotUnavailable):
        driver.reserve(right, principal=OTHER)
    driver.clock.go(0.1)
    viewer = Viewer(driver.service, "strict")
    driver.reserve(right, principal=OTHER)
    (change,) = viewer.follow()
    assert {slot["id"]: (slot["held"], slot["remaining"], slot["bookable"]) for slot in change["slots"]} == {
        left: (0, 1, False),
        right: (0, 0, False),
    }
    viewer.check()


def test_of_two_overlapping_slots_in_one_batch_one_is_booked(driver: Driver) -> None:
    """The guard is in the write: the second command sees the effect of the first."""
    driver.create("strict", buffer_after=60)
    outcomes = driver.together([booking_of(slot) for slot in open_at(driver, (0, 60), (60, 120), (59, 121))])
    assert [code(outcome) for outcome in outcomes] == ["ok", "slot_unavailable", "slot_unavailable"]


def test_a_slot_opened_or_moved_beside_a_taken_one_is_blocked(driver: Driver) -> None:
    """Opening is never refused; a slot opened beside a taken one can't be booked."""
    driver.create("strict", overlap="reject")
    (slot,) = open_at(driver, (0, 60))
    driver.reserve(slot)
    near, far = open_at(driver, (30, 90), (120, 180))
    assert bookable(driver, near, far) == [False, True]
    driver.service.run(UpdateSlot(principal=STAFF, slot=far, start=NOON + 59 * MINUTE, end=NOON + 61 * MINUTE))
    driver.service.run(UpdateSlot(principal=STAFF, slot=near, start=NOON + 60 * MINUTE, end=NOON + 61 * MINUTE))
    assert bookable(driver, near, far) == [True, False]


def test_a_closed_slot_with_bookings_still_blocks_and_a_removed_one_never(driver: Driver) -> None:
    """A closed slot keeps its booking, and the booking its time; a removed slot takes no time."""
    driver.create("strict", overlap="reject")
    left, right = open_at(driver, (0, 60), (30, 90))
    booked = driver.reserve(left)
    driver.service.run(CloseSlot(principal=STAFF, slot=left))
    assert bookable(driver, right) == [False]
    driver.cancel(booked)
    driver.service.run(RemoveSlot(principal=STAFF, slot=left))
    assert bookable(driver, right) == [True]


def test_a_new_policy_recounts_the_neighbours(driver: Driver) -> None:
    """The rule changes from `allow` to `reject`, to other buffers and back; existing bookings stay."""
    left, middle, right = open_at(driver, (0, 60), (30, 90), (95, 120))
    driver.reserve(left)
    driver.reserve(middle)
    viewer = Viewer(driver.service, "room")
    for policy, expected in (
        ({"overlap": "reject"}, [False, False, True]),
        ({"buffer_before": 600}, [False, False, False]),
        ({"overlap": "allow", "buffer_before": 0}, [False, False, True]),
    ):
        driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy=policy))
        assert bookable(driver, left, middle, right) == expected
    viewer.follow()
    viewer.check()


def test_a_booking_may_move_to_a_slot_that_only_it_blocked(driver: Driver) -> None:
    """A neighbour of the booking's own slot is free for this booking, and for no other one."""
    driver.create("strict", overlap="reject")
    left, right = open_at(driver, (0, 60), (30, 90))
    booked = driver.reserve(left)
    with pytest.raises(SlotUnavailable):
        driver.reserve(right)
    driver.service.run(moving(booked, right))
    assert bookable(driver, left, right) == [False, False]


@pytest.mark.parametrize("policy", [{"overlap": "reject"}, {"buffer_before": 600, "buffer_after": 300}])
def test_slots_opened_together_count_their_taken_neighbours(driver: Driver, policy: dict[str, Any]) -> None:
    """Each of them counts the same neighbours as one opened alone, wherever they lie."""
    chance = random.Random(3)
    driver.create("strict", **policy)
    times = [(NOON + chance.randint(-9_000, 9_000) * MINUTE, chance.randint(1, 300) * MINUTE) for _ in range(150)]
    for start, length in times[:50]:
        (slot,) = driver.open_between(start, start + length)
        if slot in driver.slots() and driver.slot(slot)["bookable"] and chance.random() < 0.7:
            driver.reserve(slot)
    new = tuple(NewSlot(start=start, end=start + length) for start, length in times[50:])
    driver.service.run(OpenSlots(principal=STAFF, key=new_key(), calendar="strict", slots=new, duplicates=True))
    assert audit.find(driver.service._db) == []


def test_a_slot_beside_others_is_told_of_among_many(driver: Driver) -> None:
    """In a calendar with overlaps the warning counts the new slots that overlap a new or an old one."""
    driver.open_between(NOON, NOON + HOUR)
    far = NOON + 300 * 24 * HOUR
    places = [(NOON + HOUR, 60), (NOON + 30 * MINUTE, 10), (far, 60), (far + 59 * MINUTE, 60), (far + 3 * HOUR, 60)]
    slots = tuple(NewSlot(start=start, end=start + minutes * MINUTE) for start, minutes in places)
    answer = driver.service.run(OpenSlots(principal=STAFF, key=new_key(), calendar="room", slots=slots))
    (warning,) = msgspec.json.decode(answer.result)["warnings"]
    assert (warning["rule"], warning["count"], warning["start"]) == ("overlap", 3, write_time(NOON + 30 * MINUTE))
