"""Holds that ended long ago are deleted; others stay."""

from __future__ import annotations

from models.contract.commands.background import TrimHolds
from models.domain.bookings import trim_holds
from tests.models.database_audit import query
from tests.models.driver import Driver, FakeClock, results

DAY = 86_400


def _holds(driver: Driver) -> int:
    ((count,),) = query(driver.path, "SELECT count(*) FROM hold")
    return int(count)


def test_ended_holds_go_with_the_answers_to_their_requests(driver: Driver, clock: FakeClock) -> None:
    """A released and a booked hold are kept for a day after the last moment they could last, and go then."""
    first, second, third = driver.open(3)
    driver.release(driver.hold(first))
    driver.reserve(second, driver.hold(second))
    clock.go(DAY + 3_600 - 1)
    assert [type(command) for command in driver.service.trims() if isinstance(command, TrimHolds)] == []
    clock.go(2)
    fresh = driver.hold(third)
    assert TrimHolds() in driver.service.trims()
    assert results(driver.service.run(TrimHolds())) == 2
    assert query(driver.path, "SELECT id FROM hold") == [(fresh["id"],)]
    assert results(driver.service.run(TrimHolds())) == 0


def test_an_active_hold_stays(driver: Driver, clock: FakeClock) -> None:
    """It has seats until it is expired, however old it is."""
    (slot,) = driver.open()
    driver.hold(slot)
    clock.go(3 * DAY)
    assert results(driver.service.run(TrimHolds())) == 0
    assert _holds(driver) == 1


def test_a_trim_is_of_so_many_holds(driver: Driver, clock: FakeClock) -> None:
    """Other commands come in between the batches."""
    (slot,) = driver.open()
    for _ in range(5):
        driver.release(driver.hold(slot))
    clock.go(2 * DAY)
    assert trim_holds.HOLDS_AT_ONCE == 1_000
    assert results(driver.service.run(TrimHolds())) == 5
    assert _holds(driver) == 0
