"""What the iCalendar feed is made of: slots as calendar programs are to show them."""

from __future__ import annotations

from models.commands import CloseSlot, RemoveSlot, UpdateCalendar
from tests.book.desk import EVER, STAFF, Desk


def feed(desk: Desk, most: int = 100) -> dict[str, str]:
    """The slots' statuses by their ids, in the feed's order."""
    return {slot[0]: slot[3] for slot in desk.book.feed("room", -EVER, EVER, most=most).slots}


def test_removed_slots_take_the_room_that_is_left(desk: Desk) -> None:
    """Every slot that stands comes before the first that was removed, however early that was."""
    slots = desk.open(6)
    for slot in slots[:4]:
        desk.book.run(RemoveSlot(asker=STAFF, slot=slot))
    assert list(feed(desk)) == [*slots[4:], *slots[:4]]
    assert feed(desk, most=3) == {slots[4]: "open", slots[5]: "open", slots[0]: "removed"}
    assert list(feed(desk, most=1)) == [slots[4]]


def test_what_a_neighbour_blocks_is_not_free(desk: Desk) -> None:
    """As long as it is open and has seats left; else it is as it is."""
    desk.book.run(UpdateCalendar(asker=STAFF, calendar="room", policy={"overlap": "reject"}))
    (taken,) = desk.open()
    (start,) = desk.query("SELECT start FROM slot")[0]
    blocked, closed = (desk.open(start=start + minutes)[0] for minutes in (1, 2))
    booked = desk.reserve(taken)
    desk.book.run(CloseSlot(asker=STAFF, slot=closed))
    assert feed(desk) == {taken: "booked", blocked: "blocked", closed: "closed"}
    desk.cancel(booked)
    assert feed(desk) == {taken: "open", blocked: "open", closed: "closed"}
