"""The repair of an audit's findings."""

from __future__ import annotations

from models.contract.commands.calendars import UpdateCalendar
from models.contract.values.time import HOUR
from tests.models.database_audit import spoil
from tests.models.driver import STAFF, Driver
from tests.models.outside import AT, uuid


def test_a_booking_by_hand_behind_the_triggers_is_counted(driver: Driver) -> None:
    """Two bookings of one seat stay: the slot gets the capacity of its taken seats, and blocks its neighbours."""
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"overlap": "reject"}))
    (slot,) = driver.open_between(AT, AT + HOUR)
    driver.open_between(AT, AT + 2 * HOUR)
    driver.reserve(slot)
    spoil(driver.service.url, f"INSERT INTO booking (id, calendar, slot) VALUES ('{uuid(1)}', 'room', '{slot}')")
    driver.service.repair(driver.service.audit())
    assert driver.service.audit() == []
    assert (driver.slot(slot)["capacity"], driver.slot(slot)["remaining"]) == (2, 0)
