"""The change of a command: every slot that it has written, in as many changes as they need."""

from __future__ import annotations

from models.contract.changes import SLOTS_A_CHANGE
from models.contract.commands.calendars import ArchiveCalendar, RestoreCalendar
from models.contract.commands.slots import CloseSlot, RemoveSlot
from tests.models.driver import STAFF, Driver, Viewer


def test_a_removed_slot_is_named_and_not_shown(driver: Driver) -> None:
    """A change has the slots that are there, and the ids of those that are gone."""
    closed, removed = driver.open(2)
    viewer = Viewer(driver.service, "room")
    driver.service.run(CloseSlot(principal=STAFF, slot=closed))
    driver.service.run(RemoveSlot(principal=STAFF, slot=removed))
    first, second = viewer.follow()
    assert [slot["id"] for slot in first["slots"]] == [closed]
    assert (second["slots"], second["removed"]) == ([], [removed])


def test_more_slots_than_fit_follow_in_changes_of_their_own(driver: Driver) -> None:
    """Archiving writes every bookable slot: the first change has the type, the others are updates of slots."""
    driver.open(SLOTS_A_CHANGE + 1)
    driver.clock.go(9 * 86_400)  # all slots are over
    viewer = Viewer(driver.service, "room")
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    changes = viewer.follow()
    assert [(change["type"], len(change["slots"])) for change in changes] == [
        ("calendar.archived", SLOTS_A_CHANGE),
        ("slot.updated", 1),
    ]
    driver.service.run(RestoreCalendar(principal=STAFF, calendar="room"))
    assert len(viewer.follow()) == 2
    viewer.check()


def test_a_removed_slot_comes_with_its_bookings(driver: Driver) -> None:
    """Staff see the slot's times in them from then on. More of them than fit follow in changes of their own."""
    (slot,) = driver.open()
    for _ in range(SLOTS_A_CHANGE + 1):
        driver.cancel(driver.reserve(slot))
    viewer = Viewer(driver.service, "room")
    driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    assert [change["type"] for change in viewer.follow()] == ["slot.removed", "booking.updated"]
    assert all(booking["slot_removed"] for booking in viewer.bookings.values())
    viewer.check()
