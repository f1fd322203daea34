"""A no-show is no reason to keep a slot or a calendar."""

import pytest

from models.contract.commands.bookings import MarkNoShow, ReinstateBooking
from models.contract.commands.calendars import ArchiveCalendar
from models.contract.commands.slots import RemoveSlot
from models.contract.errors import InvalidTransition, NotFound
from models.contract.values.time import HOUR
from tests.models.database_audit import audit
from tests.models.driver import STAFF, Driver, Viewer, booking, results


def begun(driver: Driver) -> tuple[str, dict[str, str]]:
    """Return a slot that has begun and is not over, and its booking, a no-show."""
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + 4 * HOUR, capacity=2)
    booked = driver.reserve(slot)
    driver.clock.go(3_700)
    driver.service.run(MarkNoShow(principal=STAFF, booking=booked["id"]))
    return slot, booked


def test_a_slot_with_no_shows_only_is_removed(driver: Driver) -> None:
    """The booking stands as a no-show; it can't be reinstated without its slot."""
    slot, booked = begun(driver)
    viewer = Viewer(driver.service, "room")
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    viewer.follow()
    viewer.check()
    assert driver.slots() == {}
    assert driver.service.bookings_by_id([booked["id"]])[booked["id"]].status == "no_show"
    with pytest.raises(NotFound):
        driver.service.run(ReinstateBooking(principal=STAFF, booking=booked["id"]))


def test_a_slot_with_another_booking_is_not_removed(driver: Driver) -> None:
    """Whoever is still to come, and whoever holds a seat, keeps it."""
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + HOUR, capacity=2)
    missed, kept = driver.reserve(slot), driver.reserve(slot)
    driver.clock.go(3_700)
    driver.service.run(MarkNoShow(principal=STAFF, booking=missed["id"]))
    with pytest.raises(InvalidTransition):
        driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    driver.cancel(kept, principal=STAFF)
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))


def test_a_removed_slot_blocks_no_neighbour(driver: Driver) -> None:
    """Under `reject` a no-show's slot is in the way until it is removed."""
    driver.create("strict", overlap="reject")
    slot, _ = begun(driver)
    (neighbour,) = driver.open_between(driver.clock.now + HOUR, driver.clock.now + 2 * HOUR)
    assert driver.slot(neighbour)["bookable"] is False
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    assert driver.slot(neighbour)["bookable"] is True
    assert results(driver.service.run(booking(neighbour)))["status"] == "confirmed"


def test_a_calendar_with_no_shows_only_is_archived(driver: Driver) -> None:
    """A booking that is still to come keeps it."""
    start = driver.clock.now + HOUR
    (slot,) = driver.open_between(start, start + 4 * HOUR)
    booked = driver.reserve(slot)
    driver.clock.go(3_700)
    with pytest.raises(InvalidTransition):
        driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    driver.service.run(MarkNoShow(principal=STAFF, booking=booked["id"]))
    assert results(driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room")))["archived"] is True


def test_an_outside_writer_removes_a_slot_with_no_shows_only(driver: Driver) -> None:
    """The database counts the seats anew, and refuses where somebody is still to come."""
    slot, booked = begun(driver)
    driver.query("UPDATE slot SET state = 2, booked = 0 WHERE id = ?", slot)
    assert driver.query("SELECT booked FROM slot WHERE id = ?", slot) == [(0,)]
    with pytest.raises(Exception, match=r"(?i)check"):
        driver.query("UPDATE booking SET status = 'confirmed' WHERE id = ?", booked["id"])
    while asked := driver.service.outside():
        for command in asked:
            driver.service.run(command)
    audit(driver.path)
