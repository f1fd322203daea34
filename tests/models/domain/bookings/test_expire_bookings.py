"""Pending bookings that nobody answers expire."""

from typing import Any

import pytest

from models.contract.commands.bookings import ConfirmBooking, ReinstateBooking, RescheduleBooking
from models.contract.errors import BadRequest, InvalidTransition
from models.contract.values.time import HOUR, SECOND, write_time
from models.domain.bookings import expire_bookings
from tests.models.database_audit import spoil
from tests.models.driver import STAFF, Driver, Viewer, new_key, results


def expire(driver: Driver) -> None:
    for command in driver.service.unanswered():
        driver.service.run(command)


def state(driver: Driver, booked: dict[str, Any]) -> str:
    return driver.service.bookings_by_id([booked["id"]])[booked["id"]].status


def asked(driver: Driver, seconds: int | None, ahead: int = 2 * HOUR) -> tuple[str, dict[str, Any]]:
    """Return a slot of a calendar whose staff confirm, and a pending booking of it."""
    driver.create("asked", confirmation="staff", pending_seconds=seconds)
    start = driver.clock.now + ahead
    (slot,) = driver.open_between(start, start + HOUR)
    return slot, driver.reserve(slot)


@pytest.mark.parametrize(("seconds", "ends"), [(60, 60), (None, 7_200), (7_201, 7_200)])
def test_a_pending_booking_expires(driver: Driver, seconds: int | None, ends: int) -> None:
    """`pending_seconds` after it was made, and at the start of its slot at the latest; not a millisecond before."""
    slot, booked = asked(driver, seconds)
    seen = driver.service.bookings_by_id([booked["id"]])[booked["id"]]
    assert seen.expires_at == write_time(driver.clock.now + ends * SECOND)
    driver.clock.now += ends * SECOND - 1
    assert driver.service.unanswered() == []
    driver.clock.now += 1
    viewer = Viewer(driver.service, "asked")
    expire(driver)
    assert state(driver, booked) == "rejected"
    assert driver.slot(slot)["remaining"] == 1
    assert [change["type"] for change in viewer.follow()] == ["booking.updated"]
    viewer.check()
    assert driver.service.unanswered() == []


def test_an_answered_booking_does_not_expire(driver: Driver) -> None:
    """A booking stays confirmed if staff answer late, but before it has expired."""
    _, booked = asked(driver, 60)
    driver.clock.go(60)
    driver.service.run(ConfirmBooking(principal=STAFF, booking=booked["id"]))
    expire(driver)
    assert state(driver, booked) == "confirmed"


def test_an_expired_booking_is_reinstated_and_not_confirmed(driver: Driver) -> None:
    """Its seats may be somebody else's by now."""
    _, booked = asked(driver, 60)
    driver.clock.go(60)
    expire(driver)
    with pytest.raises(InvalidTransition):
        driver.service.run(ConfirmBooking(principal=STAFF, booking=booked["id"]))
    answer = driver.service.run(ReinstateBooking(principal=STAFF, booking=booked["id"]))
    assert results(answer)["status"] == "confirmed"


def test_a_booking_that_becomes_pending_anew_has_its_time_anew(driver: Driver) -> None:
    """Its holder's move needs another answer."""
    _, booked = asked(driver, 3_600)
    (other,) = driver.open_between(driver.clock.now + 3 * HOUR, driver.clock.now + 4 * HOUR)
    driver.clock.go(3_500)
    driver.service.run(RescheduleBooking(key=new_key(), booking=booked["id"], token=booked["token"], slot=other))
    driver.clock.go(3_599)
    assert driver.service.unanswered() == []
    driver.clock.go(1)
    expire(driver)
    assert state(driver, booked) == "rejected"


def test_an_outside_writers_pending_booking_expires_at_the_start(driver: Driver) -> None:
    """Its row has no time to expire at until it is taken, and a slot that is moved takes the time along."""
    (slot,) = driver.open()
    start = driver.query("SELECT start FROM slot WHERE id = ?", slot)[0][0]
    driver.query("INSERT INTO booking (calendar, slot, status, name) VALUES ('room', ?, 'pending', 'Ada')", slot)
    for command in driver.service.outside():
        driver.service.run(command)
    assert driver.query("SELECT expires_at FROM booking") == [(start,)]
    driver.query('UPDATE slot SET start = start - 1000, "end" = "end" - 1000')
    for command in driver.service.outside():
        driver.service.run(command)
    assert driver.query("SELECT expires_at FROM booking") == [(start - 1_000,)]


@pytest.mark.parametrize("seconds", [0, 59, 31_622_401, -1])
def test_the_time_to_answer_has_bounds(driver: Driver, seconds: int) -> None:
    """A minute to a year, or null."""
    with pytest.raises(BadRequest):
        driver.create("asked", pending_seconds=seconds)


@pytest.mark.only("sqlite")
def test_overdue_bookings_are_found_by_an_index(driver: Driver) -> None:
    """The scheduler asks every second, however many bookings there are."""
    database = driver.service._db
    queries = {"booking_expiry": expire_bookings._due, "booking_expiry_calendar": expire_bookings._overdue}
    for index, query in queries.items():
        sql = query.sql(database)
        plan = str(driver.query(f"EXPLAIN QUERY PLAN {sql}", *[0] * sql.count("?")))
        assert f"SEARCH booking USING INDEX {index} " in plan or f"SEARCH t1 USING INDEX {index} " in plan, plan


def test_a_booking_without_a_slot_stops_no_other_booking(driver: Driver) -> None:
    """A writer without triggers and foreign keys may leave one, or one whose calendar is not that of its slot."""
    bookings = [asked(driver, 60)]
    slots = driver.open(3)
    bookings += [(slot, driver.reserve(slot)) for slot in slots]
    (_, usual), (orphan, _), (lost, _), (strange, _) = bookings
    driver.create("other")
    driver.calendar = "asked"
    spoil(
        driver.service.url,
        f"UPDATE booking SET calendar = 'nowhere' WHERE slot = '{lost}'",
        f"UPDATE booking SET calendar = 'other' WHERE slot = '{strange}'",
        f"DELETE FROM slot WHERE id IN ('{orphan}', '{lost}')",
    )
    driver.clock.go(3_600)
    while driver.service.unanswered():
        expire(driver)
    assert state(driver, usual) == "rejected"
    assert {slot["remaining"] for slot in driver.slots().values()} == {1}
    driver.service.repair(driver.service.audit())
    assert driver.query("SELECT COUNT(*) FROM booking") == [(2,)]
