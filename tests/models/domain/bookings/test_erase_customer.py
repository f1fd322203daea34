"""An erased customer is in no table and in no page of the file."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.contract.changes import Customer
from models.contract.commands.bookings import EraseCustomer
from models.contract.commands.command import WithToken
from tests.models.database_audit import asking
from tests.models.driver import STAFF, Driver
from tests.support import wait_until


@pytest.mark.only("sqlite")
def test_an_erased_customer_is_nowhere(driver: Driver) -> None:
    """The booking stands and keeps its seats; nothing in the tables, and no page of the file, has the name."""
    (slot,) = driver.open()
    booked = driver.reserve(slot, customer=Customer(name="Marked Name", email="marked@example.org", note="marked note"))
    driver.run_as_staff(EraseCustomer, booked)
    driver.run_as_staff(EraseCustomer, booked)
    seen = driver.service.booking(WithToken(principal=STAFF, booking=booked["id"]))
    assert (seen.customer, seen.status) == (None, "confirmed")
    assert driver.slot(slot)["status"] == "booked"
    assert b"marked" not in content(driver)
    assert driver.cancel(booked)["status"] == "cancelled"


def content(driver: Driver) -> bytes:
    """All bytes of the database's files."""
    return b"".join(path.read_bytes() for path in Path(driver.path).parent.glob("slotcast.db*")).lower()


@pytest.mark.only("sqlite")
def test_an_erased_note_is_nowhere_however_long(driver: Driver) -> None:
    """After the answer to the erasure the name is in no page of the file, free or used, nor in the WAL."""
    note = ("marked" + "\N{GRINNING FACE}" * 50) * 35
    slots = driver.open(20)
    booked = [driver.reserve(slot, customer=Customer(name="Ada", note=note)) for slot in slots]
    assert content(driver).count(b"marked") >= 20 * 35
    for one in booked:
        driver.run_as_staff(EraseCustomer, one)
    assert b"marked" not in content(driver)


@pytest.mark.only("sqlite")
def test_an_erasure_does_not_wait_for_readers(driver: Driver) -> None:
    """An erasure is answered during a read; the old pages go after the read, without another command."""
    (slot,) = driver.open()
    booked = driver.reserve(slot, customer=Customer(name="Marked Name"))
    with asking(driver.path) as ask:
        ask("BEGIN")
        ask("SELECT * FROM booking")
        driver.run_as_staff(EraseCustomer, booked)
        assert driver.slot(slot)["status"] == "booked"
        assert b"marked" in content(driver)
        ask("COMMIT")
    wait_until(lambda: b"marked" not in content(driver), what="the wiping")
