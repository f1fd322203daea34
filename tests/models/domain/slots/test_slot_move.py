"""A slot that moves with its bookings."""

from typing import Any

import msgspec
import pytest

from models.contract.commands.slots import UpdateSlot
from models.contract.errors import InvalidTransition, SlotUnavailable
from models.contract.values.time import HOUR, MINUTE, write_time
from tests.models.driver import STAFF, Driver, Viewer, results


def test_everyone_moves_by_a_quarter_of_an_hour(driver: Driver) -> None:
    """In one change, with the bookings in the staff's form of it; only if it was asked for."""
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + HOUR, capacity=3)
    booked, hold = driver.reserve(slot, seats=2), driver.hold(slot)
    times: dict[str, Any] = {"start": start + 15 * MINUTE, "end": start + 75 * MINUTE}
    with pytest.raises(InvalidTransition) as refused:
        driver.service.run(UpdateSlot(principal=STAFF, slot=slot, **times))
    assert refused.value.details == {"rule": "taken"}
    viewer = Viewer(driver.service, "room")
    before = driver.service.bookings_by_id([booked["id"]])[booked["id"]].version
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot, with_bookings=True, **times))
    (change,) = viewer.follow()
    viewer.check()
    assert change["type"] == "slot.updated"
    assert (driver.slot(slot)["start"], driver.slot(slot)["remaining"]) == (write_time(times["start"]), 0)
    (logged,) = driver.query("SELECT bookings FROM change_log ORDER BY seq DESC LIMIT 1")
    assert booked["id"] in logged[0]
    assert driver.service.bookings_by_id([booked["id"]])[booked["id"]].version > before
    assert driver.reserve(slot, hold)["slot"] == slot


def test_neighbours_are_free_behind_it_and_blocked_before_it(driver: Driver) -> None:
    """Under `reject`; over a taken neighbour it moves only by an override, which the answer names."""
    driver.create("strict", overlap="reject")
    start = driver.clock.now + HOUR
    first, second, third = driver.open(3, start=start)
    (beside,) = driver.open_between(start, start + HOUR // 2)
    driver.reserve(first)
    assert driver.slot(beside)["bookable"] is False
    later: dict[str, Any] = {"start": start + HOUR // 2, "end": start + 3 * HOUR // 2}
    viewer = Viewer(driver.service, "strict")
    driver.service.run(UpdateSlot(principal=STAFF, slot=first, with_bookings=True, **later))
    assert {name: slot["bookable"] for name, slot in driver.slots().items()} == {
        first: False, second: False, third: True, beside: True,
    }  # fmt: skip
    driver.reserve(third)
    onto: dict[str, Any] = {"start": start + 3 * HOUR // 2, "end": start + 5 * HOUR // 2}
    with pytest.raises(SlotUnavailable) as refused:
        driver.service.run(UpdateSlot(principal=STAFF, slot=first, with_bookings=True, **onto))
    assert refused.value.details == {"rule": "overlap"}
    command = UpdateSlot(principal=STAFF, slot=first, with_bookings=True, override=True, **onto)
    assert msgspec.json.decode(driver.service.run(command).result)["overridden"] == ["overlap"]
    viewer.follow()
    viewer.check()


def test_taken_seats_do_not_move_over_a_busy_time(driver: Driver) -> None:
    """But by an override, which the answer names; beside it, and without a taken seat, a slot moves freely."""
    start = driver.clock.now + HOUR
    (slot,), (empty,) = driver.open_between(start, start + HOUR), driver.open_between(start, start + HOUR)
    driver.reserve(slot)
    driver.keep_busy(start + 2 * HOUR, start + 3 * HOUR)
    onto: dict[str, Any] = {"start": start + HOUR + 1, "end": start + 2 * HOUR + 1}
    with pytest.raises(SlotUnavailable) as refused:
        driver.service.run(UpdateSlot(principal=STAFF, slot=slot, with_bookings=True, **onto))
    assert refused.value.details == {"rule": "busy"}
    beside: dict[str, Any] = {"start": start + HOUR, "end": start + 2 * HOUR}
    driver.service.run(UpdateSlot(principal=STAFF, slot=slot, with_bookings=True, **beside))
    viewer = Viewer(driver.service, "room")
    command = UpdateSlot(principal=STAFF, slot=slot, with_bookings=True, override=True, **onto)
    assert msgspec.json.decode(driver.service.run(command).result)["overridden"] == ["busy"]
    driver.service.run(UpdateSlot(principal=STAFF, slot=empty, **onto))
    assert driver.query("SELECT busy FROM slot") == [(1,), (1,)]
    assert driver.slot(empty)["bookable"] is False
    viewer.follow()
    viewer.check()


def test_a_pending_booking_takes_its_last_time_along(driver: Driver) -> None:
    """It expired at the start of its slot, and does so still."""
    driver.create("asked", confirmation="staff")
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + HOUR)
    driver.reserve(slot)
    for move in (HOUR, -HOUR // 2):
        command = UpdateSlot(
            principal=STAFF, slot=slot, start=start + move, end=start + move + HOUR, with_bookings=True
        )
        assert results(driver.service.run(command))["start"] == write_time(start + move)
        assert driver.query("SELECT expires_at FROM booking") == [(start + move,)]
