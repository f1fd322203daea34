"""Fixtures of the tests of bookings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from models.service import SlotService
from tests.models.database_audit import audit
from tests.models.driver import Driver, FakeClock


@pytest.fixture
def mailing(open_service: Callable[..., SlotService], clock: FakeClock) -> Iterator[Driver]:
    """Yield a driver of a server that sends mail, with a calendar that asks for a code."""
    driver = Driver(open_service(sends_mail=True), clock)
    driver.create(verification="email")
    yield driver
    audit(driver.path)
