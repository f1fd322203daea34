"""A no-show keeps its seats, and keeps neither the slot from removal nor the calendar from being archived."""

import pytest

from models.contract.commands.bookings import ConfirmBooking, MarkNoShow, ReinstateBooking
from models.contract.commands.calendars import ArchiveCalendar
from models.contract.commands.slots import RemoveSlot
from models.contract.errors import InvalidTransition, NotFound, TooSoon
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
    with pytest.raises(Exception, match=r"(?i)check|a removed slot"):
        driver.query("UPDATE booking SET status = 'confirmed' WHERE id = ?", booked["id"])
    while asked := driver.service.outside():
        for command in asked:
            driver.service.run(command)
    audit(driver.path)


def test_a_no_show_keeps_its_seats(driver: Driver) -> None:
    """A no-show gives no seat back, and nothing can be done with it but to take it back."""
    (slot,) = driver.open()
    booked = driver.reserve(slot)
    driver.clock.go(2 * 86_400)
    for _ in range(2):
        assert driver.run_as_staff(MarkNoShow, booked)["status"] == "no_show"
    assert driver.slot(slot)["status"] == "booked"
    with pytest.raises(InvalidTransition):
        driver.cancel(booked, principal=STAFF)
    with pytest.raises(InvalidTransition):
        driver.run_as_staff(ConfirmBooking, booked)
    for _ in range(2):
        assert driver.run_as_staff(ReinstateBooking, booked)["status"] == "confirmed"
    assert driver.slot(slot)["status"] == "booked"
    assert driver.cancel(booked, principal=STAFF)["status"] == "cancelled"
    assert driver.slot(slot)["remaining"] == 1


@pytest.mark.parametrize(("after", "is_begun"), [(-1_000, False), (-1, False), (0, True), (1, True)])
def test_a_no_show_before_the_start_is_refused(driver: Driver, after: int, is_begun: bool) -> None:
    """A slot has begun for a no-show in the millisecond from which it can't be booked any more, and not before."""
    start = driver.clock.now + HOUR
    slot, other = (driver.open_between(start, start + HOUR, capacity=2)[0] for _ in range(2))
    booked = driver.reserve(slot)
    driver.clock.now = start + after
    if is_begun:
        assert driver.run_as_staff(MarkNoShow, booked)["status"] == "no_show"
        with pytest.raises(TooSoon):
            driver.reserve(other)
        return
    with pytest.raises(InvalidTransition) as refused:
        driver.run_as_staff(MarkNoShow, booked)
    assert refused.value.details["rule"] == "not_begun"
    assert driver.reserve(other)["status"] == "confirmed"
    assert driver.cancel(booked)["status"] == "cancelled", "everything is possible that was before"
