"""The entries of the iCalendar feed: the slots that calendar programs show."""

from __future__ import annotations

from models.contract.commands import CloseSlot, RemoveSlot, UpdateCalendar
from tests.models.driver import EVER, STAFF, Driver


def feed(driver: Driver, most: int = 100) -> dict[str, str]:
    """The slots' statuses by their ids, in the feed's order."""
    return {slot[0]: slot[3] for slot in driver.service.feed("room", -EVER, EVER, most=most).slots}


def test_removed_slots_take_the_room_that_is_left(driver: Driver) -> None:
    """Every existing slot comes before the first removed one, even if the removed slot was earlier."""
    slots = driver.open(6)
    for slot in slots[:4]:
        driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    assert list(feed(driver)) == [*slots[4:], *slots[:4]]
    assert feed(driver, most=3) == {slots[4]: "open", slots[5]: "open", slots[0]: "removed"}
    assert list(feed(driver, most=1)) == [slots[4]]


def test_a_blocked_slot_is_not_free(driver: Driver) -> None:
    """A slot is free in the feed while it is open and has free seats."""
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"overlap": "reject"}))
    (taken,) = driver.open()
    (start,) = driver.query("SELECT start FROM slot")[0]
    blocked, closed = (driver.open(start=start + minutes)[0] for minutes in (1, 2))
    booked = driver.reserve(taken)
    driver.service.run(CloseSlot(principal=STAFF, slot=closed))
    assert feed(driver) == {taken: "booked", blocked: "blocked", closed: "closed"}
    driver.cancel(booked)
    assert feed(driver) == {taken: "open", blocked: "open", closed: "closed"}
