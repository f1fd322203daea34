"""The public form of a slot and of a calendar."""

from __future__ import annotations

import pytest

from models.contract.commands.slots import CloseSlot
from tests.models.driver import OTHER, STAFF, Driver


@pytest.mark.parametrize(
    ("booked", "held", "status"),
    [(0, 0, "open"), (1, 1, "open"), (3, 0, "booked"), (2, 1, "held"), (0, 3, "held")],
)
def test_the_status_of_a_slot(driver: Driver, booked: int, held: int, status: str) -> None:
    """A slot with free seats is open; a full one is held while one of its seats is."""
    (slot,) = driver.open(capacity=3)
    if booked:
        driver.reserve(slot, seats=booked)
    if held:
        driver.hold(slot, held, principal=OTHER)
    seen = driver.slot(slot)
    assert (seen["status"], seen["held"], seen["remaining"]) == (status, held, 3 - booked - held)
    driver.service.run(CloseSlot(principal=STAFF, slot=slot))
    assert driver.slot(slot)["status"] == "closed"


def test_a_slot_has_no_field_of_a_customer(driver: Driver) -> None:
    """The fields are those of the protocol, and optional ones are left out."""
    (slot,) = driver.open()
    driver.reserve(slot)
    fields = {"id", "start", "end", "capacity", "held", "remaining", "status", "bookable", "version"}
    assert driver.slot(slot).keys() == fields
