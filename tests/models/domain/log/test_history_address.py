"""The addresses of the history: who reads them, how long they stay, and what an erasure takes away."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from models.contract.commands.background import EraseBookings, TrimLog
from models.contract.commands.bookings import EraseCustomer
from models.contract.errors import SlotUnavailable
from models.contract.principal import Principal, Role
from models.contract.values.time import DAY
from models.service import Retention, SlotService
from tests.models.driver import GUEST, OTHER, Driver, history
from tests.support.eventually import wait_until

ANNA = Principal(subject="anna", role=Role.STAFF, calendars=None, address="203.0.113.9")
HOME, CAFE, OFFICE = GUEST.address, OTHER.address, ANNA.address


def _check(driver: Driver, *expected: str | None, **about: Any) -> None:
    """Check the addresses of the history, newest first, once they are written."""

    def are_there() -> bool:
        return [entry.get("address") for entry in history(driver, with_addresses=True, **about)] == list(expected)

    wait_until(are_there, what=f"the addresses {expected}")


def _booked(driver: Driver) -> dict[str, Any]:
    """Make a hold and a booking from home, and a booking from a café."""
    (slot,) = driver.open(capacity=9)
    booked: dict[str, Any] = driver.reserve(slot, driver.hold(slot))
    driver.reserve(slot, principal=OTHER)
    return booked


def test_an_entry_has_the_address_of_its_command(driver: Driver) -> None:
    """Only who asks for addresses gets them; the log and the entries have none."""
    _booked(driver)
    _check(driver, CAFE, HOME, HOME, None)
    assert {entry.get("address") for entry in history(driver)} == {None}
    for table in ("change_log", "history"):
        assert HOME not in str(driver.query(f"SELECT * FROM {table}"))


def test_a_page_has_the_addresses_of_its_entries(driver: Driver) -> None:
    _booked(driver)
    _check(driver, CAFE, most=1)
    _check(driver, HOME, HOME, before=4, most=2)


def test_a_refused_command_leaves_no_address(driver: Driver) -> None:
    (slot,) = driver.open()
    driver.reserve(slot)
    with pytest.raises(SlotUnavailable):
        driver.reserve(slot, principal=OTHER)
    _check(driver, HOME, None)
    assert CAFE not in str(driver.query("SELECT * FROM history_address"))


def test_addresses_go_at_the_end_of_their_retention(driver: Driver) -> None:
    """They stay for their days, to the millisecond; the entries stay longer."""
    _booked(driver)
    _check(driver, CAFE, HOME, HOME, None)
    driver.clock.now += 7 * DAY
    driver.service.run(TrimLog(calendar=driver.calendar))
    _check(driver, CAFE, HOME, HOME, None)
    driver.clock.now += 1
    assert TrimLog(calendar=driver.calendar) in driver.service.trims()
    driver.service.run(TrimLog(calendar=driver.calendar))
    _check(driver, None, None, None, None)
    assert driver.query("SELECT COUNT(*) FROM history_address") == [(0,)]
    assert TrimLog(calendar=driver.calendar) not in driver.service.trims()


def test_none_are_kept_for_no_days(driver: Driver, open_service: Callable[..., SlotService]) -> None:
    driver.service.close()
    driver.service = open_service(retention=Retention(address_seconds=0))
    _booked(driver)
    driver.service.close()
    driver.service.open()
    assert driver.query("SELECT COUNT(*) FROM history_address") == [(0,)]


@pytest.mark.parametrize("is_one", [True, False], ids=["one booking", "an e-mail address"])
def test_an_erasure_takes_the_addresses_of_the_customer(driver: Driver, *, is_one: bool) -> None:
    """Also those of the customer's holds. Others and staff keep theirs."""
    booked = _booked(driver)
    _check(driver, CAFE, HOME, HOME, None)
    if is_one:
        driver.service.run(EraseCustomer(principal=ANNA, booking=booked["id"]))
    else:
        command = EraseBookings(
            principal=ANNA, calendar=driver.calendar, email="ada@example.org", bookings=(booked["id"],)
        )
        driver.service.run(command)
    _check(driver, OFFICE, CAFE, None, None, None)


def test_an_erasure_finds_an_address_of_this_moment(driver: Driver) -> None:
    """Also one that is not written yet."""
    booked = _booked(driver)
    driver.service.run(EraseCustomer(principal=ANNA, booking=booked["id"]))
    _check(driver, OFFICE, CAFE, None, None, None)


def test_the_end_writes_what_waits(driver: Driver) -> None:
    """A server that stops in order loses no address."""
    _booked(driver)
    driver.service.close()
    driver.service.open()
    assert [entry.get("address") for entry in history(driver, with_addresses=True)] == [CAFE, HOME, HOME, None]
