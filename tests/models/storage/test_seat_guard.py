"""The guard: a slot is listed as bookable exactly if a seat of it can be taken."""

from __future__ import annotations

import pytest

from models.contract.errors import Refused
from models.contract.values.time import HOUR
from tests.models.driver import Driver


def write_own(driver: Driver, sql: str) -> None:
    """Write as the service itself, so that no trigger corrects the row."""
    db = driver.service._db
    db.begin_write()
    db.execute_sql(f"UPDATE slot SET {sql}")
    db.commit_write()
    driver.service.close_thread_connection()


@pytest.mark.parametrize(
    ("sql", "is_bookable"),
    [
        ("state = 0", True),
        ("state = 1", False),
        ("capacity = 2", True),
        ("blocked = 1", False),
        ("busy = 1", False),
    ],
)
def test_the_list_and_the_booking_agree(driver: Driver, sql: str, is_bookable: bool) -> None:
    """The same predicate answers both, also before the notes of an outside write are taken."""
    (slot,) = driver.open()
    write_own(driver, sql)
    assert driver.slot(slot)["bookable"] is is_bookable
    try:
        driver.reserve(slot)
    except Refused:
        assert not is_bookable
    else:
        assert is_bookable
    write_own(driver, "blocked = 0, busy = 0")


def test_the_last_seat_is_listed_until_it_is_taken(driver: Driver) -> None:
    """A held seat is no seat left."""
    (slot,) = driver.open_between(driver.clock.now + HOUR, driver.clock.now + 2 * HOUR, capacity=2)
    driver.hold(slot)
    assert driver.slot(slot)["bookable"]
    driver.hold(slot)
    assert not driver.slot(slot)["bookable"]
