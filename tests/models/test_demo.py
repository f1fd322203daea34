"""The demo calendar."""

from __future__ import annotations

from models import demo
from models.contract.values.time import DAY
from tests.models.driver import EVER, Driver


def test_the_demo_has_two_weeks_of_future_slots(driver: Driver) -> None:
    """A second time opens nothing."""
    count = demo.seed(driver.service)
    slots = driver.service.snapshot(demo.CALENDAR, 0, EVER).slots
    assert len(slots) == count > 100
    assert all(driver.clock.now < slot.start < driver.clock.now + demo.DAYS * DAY for slot in slots)
    assert demo.seed(driver.service) == 0
