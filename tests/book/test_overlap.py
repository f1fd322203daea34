"""Overlap and buffers govern taking, not opening: a taken slot keeps its neighbours from being taken."""

from __future__ import annotations

import pytest

from models.clock import HOUR, MINUTE
from models.commands import Asker, CloseSlot, RemoveSlot, UpdateCalendar, UpdateSlot
from models.errors import SlotUnavailable
from tests.book.desk import STAFF, START, Desk, Viewer, code, moving
from tests.book.desk import booking as booking_of

NOON = START + 12 * HOUR
OTHER = Asker(address="198.51.100.7")


def open_at(desk: Desk, *minutes: tuple[int, int], capacity: int = 1) -> list[str]:
    """Slots by their begin and end, in minutes from noon."""
    return [desk.open_between(NOON + a * MINUTE, NOON + b * MINUTE, capacity=capacity)[0] for a, b in minutes]


def bookable(desk: Desk, *slots: str) -> list[bool]:
    seen = desk.slots()
    return [seen[slot]["bookable"] for slot in slots]


def test_by_default_slots_may_overlap(desk: Desk) -> None:
    """`allow`: two bookings at the same time stand side by side."""
    for slot in open_at(desk, (0, 60), (30, 90)):
        desk.reserve(slot)


@pytest.mark.parametrize("by", ["hold", "booking"])
def test_a_taken_slot_blocks_what_it_overlaps(desk: Desk, by: str) -> None:
    """From either side, inside and around, but not what only touches it; and it gives them free again."""
    desk.create("strict", overlap="reject")
    middle, left, right, inside, around, before, after = open_at(
        desk, (0, 60), (-30, 1), (59, 90), (20, 30), (-60, 120), (-60, 0), (60, 120)
    )
    taken = desk.hold(middle) if by == "hold" else desk.reserve(middle)
    assert bookable(desk, left, right, inside, around) == [False] * 4
    assert bookable(desk, before, after) == [True] * 2
    with pytest.raises(SlotUnavailable) as refused:
        desk.hold(inside, asker=OTHER)
    assert refused.value.details == {"rule": "overlap"}
    if by == "hold":
        desk.release(taken)
    else:
        desk.cancel(taken)
    assert bookable(desk, left, right, inside, around, before, after) == [True] * 6


@pytest.mark.parametrize(("policy", "gap", "is_blocked"), [
    ({"buffer_before": 600}, 9, True),
    ({"buffer_before": 600}, 10, False),
    ({"buffer_after": 600}, 9, True),
    ({"buffer_after": 600}, 10, False),
    ({"buffer_before": 600, "buffer_after": 300}, 14, True),
    ({"buffer_before": 600, "buffer_after": 300}, 15, False),
])  # fmt: skip
def test_a_buffer_keeps_room_on_both_sides(desk: Desk, policy: dict[str, int], gap: int, is_blocked: bool) -> None:
    """Buffers imply `reject`, and the room between two is the one's after and the other's before."""
    desk.create("spaced", **policy)
    early, middle, late = open_at(desk, (-30 - gap, -gap), (0, 60), (60 + gap, 90 + gap))
    desk.reserve(middle)
    assert bookable(desk, early, late) == [not is_blocked] * 2
    desk.cancel(desk.reserve(early)) if not is_blocked else None


def test_a_slot_is_not_its_own_neighbour(desk: Desk) -> None:
    """Its other seats stay to be had; and its neighbours are blocked once, until the last seat is given back."""
    desk.create("strict", overlap="reject")
    (slot,) = open_at(desk, (0, 60), capacity=3)
    (near,) = open_at(desk, (30, 90))
    first, second = desk.reserve(slot), desk.reserve(slot, seats=2)
    desk.cancel(first)
    assert bookable(desk, near) == [False]
    desk.cancel(second)
    assert bookable(desk, near) == [True]


def test_neighbours_are_told_of_when_they_open_or_shut(desk: Desk) -> None:
    """They are in the same change as what shut them; one that is shut already is not told of again."""
    desk.create("strict", overlap="reject")
    left, middle, right = open_at(desk, (0, 60), (30, 120), (90, 150))
    viewer = Viewer(desk.book, "strict")
    first = desk.reserve(left)
    desk.reserve(right)
    desk.cancel(first)
    changes = viewer.follow()
    assert [[slot["id"] for slot in change["slots"]] for change in changes] == [[left, middle], [right], [left]]
    viewer.check()


def test_a_lapsed_hold_does_not_block_its_neighbours(desk: Desk) -> None:
    """Whoever wants the neighbour lapses it inside the same change, from the end of its grace, before any sweep."""
    desk.create("strict", overlap="reject")
    left, right = open_at(desk, (0, 60), (30, 90))
    desk.hold(left)
    desk.clock.go(300.4)
    with pytest.raises(SlotUnavailable):
        desk.reserve(right, asker=OTHER)
    desk.clock.go(0.1)
    viewer = Viewer(desk.book, "strict")
    desk.reserve(right, asker=OTHER)
    (change,) = viewer.follow()
    assert {slot["id"]: (slot["held"], slot["remaining"], slot["bookable"]) for slot in change["slots"]} == {
        left: (0, 1, False),
        right: (0, 0, False),
    }
    viewer.check()


def test_two_who_want_overlapping_slots_in_one_batch_get_one(desk: Desk) -> None:
    """The guard is in the write: the second finds what the first has done."""
    desk.create("strict", buffer_after=60)
    outcomes = desk.together([booking_of(slot) for slot in open_at(desk, (0, 60), (60, 120), (59, 121))])
    assert [code(outcome) for outcome in outcomes] == ["ok", "slot_unavailable", "slot_unavailable"]


def test_a_slot_opened_or_moved_beside_a_taken_one_is_blocked(desk: Desk) -> None:
    """Opening is never refused; what is opened in the way can't be taken."""
    desk.create("strict", overlap="reject")
    (slot,) = open_at(desk, (0, 60))
    desk.reserve(slot)
    near, far = open_at(desk, (30, 90), (120, 180))
    assert bookable(desk, near, far) == [False, True]
    desk.book.run(UpdateSlot(asker=STAFF, slot=far, start=NOON + 59 * MINUTE, end=NOON + 61 * MINUTE))
    desk.book.run(UpdateSlot(asker=STAFF, slot=near, start=NOON + 60 * MINUTE, end=NOON + 61 * MINUTE))
    assert bookable(desk, near, far) == [True, False]


def test_a_closed_slot_with_bookings_still_blocks_and_a_removed_one_never(desk: Desk) -> None:
    """Who has a seat comes, whether the slot lets others in or not."""
    desk.create("strict", overlap="reject")
    left, right = open_at(desk, (0, 60), (30, 90))
    booked = desk.reserve(left)
    desk.book.run(CloseSlot(asker=STAFF, slot=left))
    assert bookable(desk, right) == [False]
    desk.cancel(booked)
    desk.book.run(RemoveSlot(asker=STAFF, slot=left))
    assert bookable(desk, right) == [True]


def test_a_change_of_policy_counts_anew(desk: Desk) -> None:
    """From `allow` to `reject`, to other buffers and back; what stood already stands."""
    left, middle, right = open_at(desk, (0, 60), (30, 90), (95, 120))
    desk.reserve(left)
    desk.reserve(middle)
    viewer = Viewer(desk.book, "room")
    for policy, expected in (
        ({"overlap": "reject"}, [False, False, True]),
        ({"buffer_before": 600}, [False, False, False]),
        ({"overlap": "allow", "buffer_before": 0}, [False, False, True]),
    ):
        desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", policy=policy))
        assert bookable(desk, left, middle, right) == expected
    viewer.follow()
    viewer.check()


def test_a_booking_may_move_to_where_only_it_stood_in_the_way(desk: Desk) -> None:
    """Its own slot's neighbour is free for it, though nobody else could take it."""
    desk.create("strict", overlap="reject")
    left, right = open_at(desk, (0, 60), (30, 90))
    booked = desk.reserve(left)
    with pytest.raises(SlotUnavailable):
        desk.reserve(right)
    desk.book.run(moving(booked, right))
    assert bookable(desk, left, right) == [False, False]
