"""The notes of outside writes: the service's own writes leave none."""

from __future__ import annotations

from models.contract.changes import Policy
from models.contract.commands.bookings import RescheduleBooking
from models.contract.commands.calendars import UpdateCalendar
from models.storage.triggers.note import POLICY_FIELDS
from tests.models.driver import GUEST, STAFF, Driver, new_key


def test_own_writes_are_not_noted(driver: Driver) -> None:
    """The service's own commands leave no note: otherwise each change would be sent twice."""
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"overlap": "reject"}))
    slots = driver.open(3, capacity=2)
    driver.reserve(slots[0], driver.hold(slots[0]))
    driver.release(driver.hold(slots[1]))
    booked = driver.reserve(slots[1])
    moved = RescheduleBooking(
        principal=GUEST, key=new_key(), booking=booked["id"], token=booked["token"], slot=slots[2]
    )
    driver.service.run(moved)
    driver.cancel(booked)
    assert driver.query("SELECT COUNT(*) FROM touched") == [(0,)]


def test_outside_writers_may_set_every_field_of_a_policy() -> None:
    """A field that only the service knew would make every outside write to its calendar a refused one."""
    assert sorted(POLICY_FIELDS) == sorted(Policy.__struct_fields__)
