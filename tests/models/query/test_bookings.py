"""Reads of bookings: one, a page, and those of a change."""

from __future__ import annotations

import pytest

from models.contract.changes import Cursor, Customer
from models.contract.commands.command import WithToken
from models.contract.errors import Forbidden, NotFound
from models.contract.principal import Principal, Role
from tests.models.driver import EVER, GUEST, STAFF, Driver, booking, new_key


def test_a_booking_is_read_by_its_token_or_by_staff(driver: Driver) -> None:
    """Another booking's token and staff of another calendar may not see the customer."""
    booked = driver.reserve(driver.open()[0], customer=Customer(name=" Ada ", note="a note"))
    for asked in (
        WithToken(principal=GUEST, booking=booked["id"], token=booked["token"]),
        WithToken(principal=STAFF, booking=booked["id"]),
    ):
        seen = driver.service.booking(asked)
        assert (seen.id, seen.customer) == (booked["id"], Customer(name="Ada", note="a note"))
    for principal, token in (
        (GUEST, "x" * 22),
        (GUEST, "\ud800"),
        (Principal(subject="s", role=Role.STAFF, calendars=frozenset({"other"})), ""),
        (Principal(subject="guest", calendars=None), ""),
    ):
        with pytest.raises(Forbidden):
            driver.service.booking(WithToken(principal=principal, booking=booked["id"], token=token))
    for name in ("", "\ud800", booked["slot"]):
        with pytest.raises(NotFound):
            driver.service.booking(WithToken(principal=STAFF, booking=name))


def test_a_page_says_where_it_ends_and_loses_nothing(driver: Driver) -> None:
    """Page by page everything comes, each page from the end of the last one; slots with one start stay together."""
    crowded, *others = driver.open(6, capacity=20)
    made = [driver.reserve(slot)["id"] for slot in [crowded] * 17 + others]
    begin, pages = 0, []
    while begin < EVER:
        found, begin = driver.service.bookings("room", begin, EVER, most=3)
        pages.append([one.id for one in found])
    assert [len(page) for page in pages] == [17, 3, 2]
    assert {one for page in pages for one in page} == set(made)
    snapshot = driver.service.snapshot("room", 0, EVER, most=3, with_bookings=True)
    assert (len(snapshot.slots), snapshot.finish) == (3, driver.service.snapshot("room", 0, EVER).slots[3].start)
    assert {one.id for one in snapshot.bookings} == set(made[:19])


def test_the_bookings_of_a_page_are_those_of_its_slots(driver: Driver) -> None:
    """Bookings come by the slots' start; a change names its bookings, but not in its public body."""
    first, second = driver.open(2)
    later, earlier = driver.reserve(second), driver.reserve(first)
    start = driver.query("SELECT start FROM slot WHERE id = ?", second)[0][0]
    assert [one.id for one in driver.service.bookings("room", 0, 1 << 50)[0]] == [earlier["id"], later["id"]]
    assert [one.id for one in driver.service.bookings("room", start, 1 << 50)[0]] == [later["id"]]
    assert driver.service.bookings("room", start + 3_600_000, 1 << 50) == ([], 1 << 50)
    rows = driver.service.new_rows({"room": Cursor(1, "")})["room"]
    assert [row.bookings for row in rows] == [(later["id"],), (earlier["id"],)]
    assert all(later["id"].encode() not in row.body for row in rows)
    assert set(driver.service.bookings_by_id([later["id"], "x"])) == {later["id"]}
    assert booking(first).slot == first
    assert new_key() != new_key()
