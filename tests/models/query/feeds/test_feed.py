"""The entries of the iCalendar feed: the slots that calendar programs show."""

from __future__ import annotations

from models.contract.changes import read_cursor
from models.contract.commands.background import RaiseFeedFloor
from models.contract.commands.calendars import UpdateCalendar
from models.contract.commands.slots import CloseSlot, RemoveSlot
from models.contract.values.time import DAY, HOUR, SECOND
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


def changed(driver: Driver) -> dict[str, int]:
    """The times of the slots' last changes, by their ids."""
    return {slot.id: slot.changed_at for slot in driver.service.feed("room", -EVER, EVER, most=100).slots}


def test_a_slot_has_the_time_of_its_own_change(driver: Driver) -> None:
    """A booking moves the time of its slot and of no other; a neighbour that becomes blocked changes with it."""
    slots = driver.open(3)
    begun = driver.clock.now
    driver.clock.go(10)
    driver.reserve(slots[1])
    assert changed(driver) == {slots[0]: begun, slots[1]: driver.clock.now, slots[2]: begun}
    driver.clock.go(10)
    driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", policy={"buffer_after": 60}))
    assert changed(driver) == {slots[0]: driver.clock.now, slots[1]: begun + 10_000, slots[2]: driver.clock.now}


def test_a_removed_slot_stays_for_a_week_and_a_booked_one_for_ever(driver: Driver) -> None:
    """A program that has seen the slot lately learns of its removal; the feed has no older ones."""
    slots = driver.open(2)
    driver.cancel(driver.reserve(slots[0]))
    for slot in slots:
        driver.service.run(RemoveSlot(principal=STAFF, slot=slot))
    driver.clock.go(7 * DAY / SECOND)
    assert feed(driver) == dict.fromkeys(slots, "removed")
    driver.clock.go(1)
    assert feed(driver) == {slots[0]: "removed"}


def test_a_replaced_history_is_found(driver: Driver) -> None:
    """The cursor of an earlier feed is in the history, or it is not; a raised floor is the newest."""
    driver.open()
    head, is_continued = driver.service.feed_head("room", None)
    assert (head.floor, is_continued) == (0, True)
    served = read_cursor(head.cursor)
    driver.open()
    assert driver.service.feed_head("room", served)[1]
    assert not driver.service.feed_head("room", served._replace(nonce="other"))[1]
    assert not driver.service.feed_head("room", served._replace(seq=99))[1]
    for calendar in ("room", ""):
        driver.clock.go(1)
        driver.service.run(RaiseFeedFloor(calendar=calendar))
        assert driver.service.feed_head("room", None)[0].floor == driver.clock.now


def test_a_feed_says_until_when_it_is_good(driver: Driver) -> None:
    """By the clock alone a slot opens with the advance, and ends with the notice and the start: to the millisecond."""
    driver.service.run(
        UpdateCalendar(principal=STAFF, calendar="room", policy={"min_notice": 3_600, "max_advance": 86_400})
    )
    start = driver.clock.now + 3 * DAY
    (slot,) = driver.open(start=start)
    opens, ends = start - DAY, start - HOUR + 1
    seen = []
    for now in (opens - 1, opens, ends - 1, ends, start - 1, start):
        driver.clock.now = now
        found = driver.service.feed("room", -EVER, EVER, most=9)
        assert found.since <= now < found.until
        seen.append((found.slots[0].status, found.since, found.until))
    assert seen == [
        ("too_far", 0, opens),
        ("open", opens, ends),
        ("open", opens, ends),
        ("too_soon", ends, start),
        ("too_soon", ends, start),
        ("past", start, seen[-1][2]),
    ]
    assert slot == driver.service.feed("room", -EVER, EVER, most=9).slots[0].id
