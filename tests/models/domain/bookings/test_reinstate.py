"""Reinstated bookings take their seats anew."""

from __future__ import annotations

import pytest

from models.contract.commands.bookings import ReinstateBooking, RejectBooking
from models.contract.commands.slots import CloseSlot, RemoveSlot, ReopenSlot
from models.contract.errors import CapacityExceeded, InvalidTransition, NotFound, SlotUnavailable
from tests.models.driver import STAFF, Driver


def test_a_pending_booking_is_not_reinstated(driver: Driver) -> None:
    """It is confirmed instead."""
    driver.create("asked", confirmation="staff")
    booked = driver.reserve(driver.open()[0])
    with pytest.raises(InvalidTransition) as refused:
        driver.run_as_staff(ReinstateBooking, booked)
    assert refused.value.details == {"rule": "status", "status": "pending"}


@pytest.mark.parametrize("status", ["cancelled", "rejected"])
def test_a_booking_that_gave_its_seats_back_takes_them_anew(driver: Driver, status: str) -> None:
    """While they are there: a full, closed or removed slot refuses, and the booking stays as it was."""
    driver.create("asked", confirmation="staff")
    (slot,) = driver.open(capacity=2)
    booked = driver.reserve(slot, seats=2)
    if status == "cancelled":
        driver.cancel(booked)
    else:
        driver.run_as_staff(RejectBooking, booked)
    other = driver.reserve(slot)
    with pytest.raises(CapacityExceeded):
        driver.run_as_staff(ReinstateBooking, booked)
    driver.cancel(other)
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    with pytest.raises(SlotUnavailable):
        driver.run_as_staff(ReinstateBooking, booked)
    driver.service.run(ReopenSlot(principal=STAFF, slot=slot))
    assert driver.run_as_staff(ReinstateBooking, booked)["status"] == "confirmed"
    assert driver.slot(slot)["remaining"] == 0
    driver.cancel(booked)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    with pytest.raises(NotFound):
        driver.run_as_staff(ReinstateBooking, booked)
