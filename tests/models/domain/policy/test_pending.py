"""The time at which a pending booking expires."""

from __future__ import annotations

import pytest

from models.contract.changes import Policy
from models.contract.commands.slots import UpdateSlot
from models.contract.values.time import HOUR, SECOND
from models.domain.policy.pending import expires_at
from tests.models.database_audit import query
from tests.models.driver import STAFF, Driver
from tests.models.outside import take

START = 10_000 * SECOND


@pytest.mark.parametrize(("seconds", "ahead"), [(None, 90), (60, 60), (90, 90), (91, 90)])
def test_it_is_the_start_of_the_slot_at_the_latest(seconds: int | None, ahead: int) -> None:
    """A booking that becomes pending 90 s before the start."""
    now = START - 90 * SECOND
    assert expires_at(Policy(pending_seconds=seconds), START, now) == now + ahead * SECOND


def test_it_moves_with_the_start(driver: Driver) -> None:
    """A time at the old start is at the new one; an outside writer's time is not past the start."""
    driver.create("asked", confirmation="staff")
    start = driver.clock.now + HOUR
    (slot,) = driver.open(start=start)
    driver.reserve(slot)
    move = UpdateSlot(principal=STAFF, slot=slot, start=start + HOUR, end=start + 2 * HOUR, with_bookings=True)
    driver.service.run(move)
    assert driver.query("SELECT expires_at FROM booking") == [(start + HOUR,)]
    query(driver.path, "UPDATE booking SET expires_at = ?", start + 9 * HOUR)
    take(driver.service)
    assert driver.query("SELECT expires_at FROM booking") == [(start + HOUR,)]
