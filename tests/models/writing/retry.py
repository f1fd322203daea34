"""Six bookings in one batch, and the check of their retries after a fault."""

from __future__ import annotations

from models.contract.changes import Customer
from models.contract.commands.bookings import BookSlot
from tests.models.driver import Driver, booking, results

POISONED, SOUND = Customer(name="Poisoned"), Customer(name="Sound")


def six(driver: Driver, *, poisoned: int | None = None) -> list[BookSlot]:
    """Return six bookings of six slots; the fault reacts to the name in one of them."""
    slots = driver.open(6)
    return [booking(slot, customer=POISONED if place == poisoned else SOUND) for place, slot in enumerate(slots)]


def booked(driver: Driver) -> int:
    return int(driver.query("SELECT COUNT(*) FROM booking")[0][0])


def check_retried(driver: Driver, commands: list[BookSlot]) -> None:
    """After the fault the same requests are each done, once in all."""
    answers = [results(driver.service.run(command)) for command in commands]
    assert [answer["status"] for answer in answers] == ["confirmed"] * len(commands)
    assert booked(driver) == len(commands)
    assert len({answer["id"] for answer in answers}) == len(commands)
