"""Private feeds: the scope of a key, and bookings as events."""

from __future__ import annotations

import pytest

from models.contract.commands.calendars import CreateFeed
from models.contract.commands.command import WithToken
from models.contract.errors import Forbidden, NotFound
from models.contract.values.time import DAY, SECOND
from tests.models.driver import EVER, GUEST, STAFF, Driver, new_key, results


def test_a_booking_is_an_event_with_its_own_time(driver: Driver) -> None:
    """A feed has the customer; a cancelled booking stays for a month; its holder reads it with the token."""
    slots = driver.open(2)
    first = driver.reserve(slots[0])
    driver.clock.go(60)
    second = driver.reserve(slots[1])
    found = driver.service.booking_feed("room", -EVER, EVER, most=9).bookings
    assert [(event.id, event.name, event.changed_at) for event in found] == [
        (first["id"], "Ada Example", driver.clock.now - 60 * SECOND),
        (second["id"], "Ada Example", driver.clock.now),
    ]
    driver.clock.go(60)
    driver.cancel(first)
    asked = WithToken(principal=GUEST, booking=first["id"], token=first["token"])
    (event,) = driver.service.booking_event(asked).bookings
    assert (event.status, event.changed_at) == ("cancelled", driver.clock.now)
    with pytest.raises(Forbidden):
        driver.service.booking_event(WithToken(principal=GUEST, booking=first["id"], token=second["token"]))
    driver.clock.go(30 * DAY / SECOND + 1)
    assert [event.id for event in driver.service.booking_feed("room", -EVER, EVER, most=9).bookings] == [second["id"]]


def test_a_key_has_the_scope_of_its_feed(driver: Driver) -> None:
    """Without a right key there is no feed, and an unknown calendar looks the same."""
    made = results(driver.service.run(CreateFeed(principal=STAFF, calendar="room", scope="bookings", key=new_key())))
    assert driver.service.feed_scope("room", made["token"]) == "bookings"
    for calendar, key in (("room", made["id"]), ("room", ""), ("room", "\ud800"), ("none", made["token"])):
        with pytest.raises(NotFound):
            driver.service.feed_scope(calendar, key)
