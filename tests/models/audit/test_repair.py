"""The repair of an audit's findings."""

from __future__ import annotations

from models.contract.commands.calendars import UpdateCalendar
from models.contract.values.time import HOUR
from models.service import SlotService
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


def test_the_triggers_do_not_refuse_a_repair(driver: Driver) -> None:
    """They would refuse the faulty rows from an outside writer, and a start has made them again before the repair."""
    (slot,) = driver.open_between(AT, AT + HOUR)
    driver.reserve(slot)
    spoil(
        driver.service.url,
        "UPDATE calendar SET policy = '[]', name = ''",
        f"INSERT INTO booking (id, calendar, slot, status) VALUES ('{uuid(1)}', 'room', '{slot}', 'pending')",
        "INSERT INTO booking (id, calendar, slot) VALUES ('x', 'room', 'none')",
    )
    again = SlotService(driver.service.url, b"a secret of the tests", clock=driver.clock)
    again.open()
    again.repair(again.audit())
    assert again.audit() == []
    again.close()
