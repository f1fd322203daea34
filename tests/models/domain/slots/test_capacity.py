"""Seats: one write takes them, and one gives them back."""

from __future__ import annotations

import pytest

from models.contract.commands.bookings import BookSlot
from models.contract.errors import CapacityExceeded, SlotUnavailable
from tests.models.driver import STAFF, Driver, booking, results


def counters(driver: Driver, slot: str) -> tuple[int, int, int]:
    """Return the seats held, booked and overbooked."""
    ((held, booked, overbooked),) = driver.query("SELECT held, booked, overbooked FROM slot WHERE id = ?", slot)
    return held, booked, overbooked


def test_seats_move_between_held_booked_and_free(driver: Driver) -> None:
    """A booking takes the seats of its hold, and every seat comes back."""
    (slot,) = driver.open(capacity=3)
    hold = driver.hold(slot, 2)
    assert counters(driver, slot) == (2, 0, 0)
    booked = driver.reserve(slot, hold)
    assert counters(driver, slot) == (0, 2, 0)
    driver.cancel(booked)
    assert counters(driver, slot) == (0, 0, 0)


def test_a_command_takes_all_its_seats_or_none(driver: Driver) -> None:
    """Two seats of one that is left are refused, and the seat stays free for others."""
    (slot,) = driver.open(capacity=2)
    driver.reserve(slot)
    with pytest.raises(CapacityExceeded):
        driver.reserve(slot, seats=2)
    driver.reserve(slot)
    with pytest.raises((CapacityExceeded, SlotUnavailable)):
        driver.reserve(slot)
    assert counters(driver, slot) == (0, 2, 0)


def test_seats_over_the_capacity_are_given_back_first(driver: Driver) -> None:
    """Staff take two of one; after one cancellation the slot is full and not overbooked."""
    (slot,) = driver.open()
    taken = [results(driver.service.run(_by_staff(slot))) for _ in range(2)]
    assert counters(driver, slot) == (0, 2, 1)
    driver.cancel(taken[0], principal=STAFF)
    assert counters(driver, slot) == (0, 1, 0)


def _by_staff(slot: str) -> BookSlot:
    return booking(slot, principal=STAFF, override=True)
