"""`data`: of a booking for staff and its holder, of a calendar for everyone, and what is no JSON for nobody."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from models.contract.changes import read_cursor
from models.contract.commands.bookings import EraseCustomer
from models.contract.commands.calendars import CreateCalendar, UpdateCalendar
from models.contract.commands.command import WithToken
from models.contract.errors import BadRequest
from models.contract.values.time import HOUR
from models.domain.policy.metadata import DATA_BYTES
from tests.models.driver import EVER, GUEST, STAFF, Driver, Viewer, booking, moving, results
from tests.support.databases.outsider import write

ROOM = {"room": "2", "marker": ["Marker", 1, None, {"é": "\u2028"}]}


def update(driver: Driver, **fields: Any) -> Any:
    return results(driver.service.run(UpdateCalendar(principal=STAFF, calendar="room", **fields)))


def read(driver: Driver, booked: dict[str, Any], token: str = "") -> Any:
    principal = GUEST if token else STAFF
    return driver.service.booking(WithToken(principal=principal, booking=booked["id"], token=token)).data


def test_a_bookings_data_is_for_staff_and_its_holder(driver: Driver) -> None:
    """It is in what those two read, and in no answer, slot, change or feed; it goes with the customer."""
    slot, other = driver.open(2)
    booked = driver.reserve(slot, data=ROOM)
    assert "data" not in booked
    assert read(driver, booked) == read(driver, booked, booked["token"]) == ROOM
    (listed,), _ = driver.service.bookings("room", -EVER, EVER)
    assert listed.data == ROOM
    driver.service.run(moving(booked, other))
    assert read(driver, booked) == ROOM
    rows = driver.service.new_rows({"room": read_cursor("0.x")})["room"]
    assert not [row for row in rows if b"Marker" in row.body]
    driver.service.run(EraseCustomer(principal=STAFF, booking=booked["id"]))
    assert read(driver, booked) is UNSET


def test_a_booking_without_data_has_none(driver: Driver) -> None:
    """Not even an empty one."""
    booked = driver.reserve(driver.open()[0])
    assert b"data" not in msgspec.json.encode(driver.service.booking(WithToken(principal=STAFF, booking=booked["id"])))


def test_data_has_4096_bytes_at_most(driver: Driver) -> None:
    """As it is encoded: exactly so many are taken, one more is not."""
    slots = driver.open(2)
    fits = {"a": "x" * (DATA_BYTES - len('{"a":""}'))}
    driver.reserve(slots[0], data=fits)
    for data in ({"a": fits["a"] + "x"}, {"a": "é" * (DATA_BYTES // 2)}):
        with pytest.raises(BadRequest) as refused:
            driver.service.run(booking(slots[1], data=data))
        assert refused.value.details == {"field": "data"}
    update(driver, data=msgspec.json.encode(fits))
    with pytest.raises(BadRequest):
        update(driver, data=msgspec.json.encode(fits) + b" ")


def test_a_calendars_data_is_public(driver: Driver) -> None:
    """It is in `info` when it is made, changed and taken away, and each is one change."""
    viewer = Viewer(driver.service, "room")
    assert "data" not in viewer.info
    assert update(driver, data=msgspec.json.encode(ROOM))["data"] == ROOM
    assert [change["info"]["data"] for change in viewer.follow()] == [ROOM]
    assert "data" in update(driver, name="New")
    assert "data" not in update(driver, data=None)
    viewer.follow()
    viewer.check()
    made = CreateCalendar(principal=STAFF, calendar="other", name="O", zone="Etc/UTC", data=b'[1,\n"x"]')
    assert results(driver.service.run(made))["data"] == [1, "x"]
    assert driver.service.calendar("other").data == [1, "x"]


def test_what_an_outside_writer_has_put_there_harms_nobody(driver: Driver) -> None:
    """Its new data comes as a change; what is no JSON, or no object, is left out."""
    booked = driver.reserve(driver.open(start=driver.clock.now + HOUR)[0], data=ROOM)
    viewer = Viewer(driver.service, "room")
    for text, seen in (('{"a": 1}', {"a": 1}), ("{", UNSET), ("[1]", [1])):
        for table in ("calendar", "booking"):
            write(driver.service.url, f"UPDATE {table} SET data = '{text}'")
        while commands := driver.service.outside():
            for command in commands:
                driver.service.run(command)
        assert driver.service.calendar("room").data == seen
        assert read(driver, booked) == (seen if isinstance(seen, dict) else UNSET)
        assert viewer.follow()
    viewer.check()
