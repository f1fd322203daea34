"""A calendar is trimmed where there is something to trim, and is left alone otherwise."""

from models.contract.commands.background import TrimLog
from models.contract.values.time import SECOND
from tests.models.driver import Driver

DAY_SECONDS = 86_400


def _due(driver: Driver) -> list[str]:
    return sorted(command.calendar for command in driver.service.trims() if isinstance(command, TrimLog))


def _trim_all(driver: Driver) -> None:
    for command in driver.service.trims():
        driver.service.run(command)


def test_young_calendars_are_not_due(driver: Driver) -> None:
    driver.open()
    driver.create("other")
    assert _due(driver) == []


def test_a_calendar_is_due_once_its_oldest_record_or_change_is_too_old(driver: Driver) -> None:
    """Exactly at its age a row is kept; one millisecond later it is trimmed."""
    driver.service.retention.log_seconds = 7 * DAY_SECONDS
    driver.open()
    driver.clock.go(3_600)
    driver.create("other")
    driver.clock.go(DAY_SECONDS - 3_600)
    assert _due(driver) == []
    driver.clock.now += 1
    assert _due(driver) == ["room"]  # the record of the opened slot
    _trim_all(driver)
    assert _due(driver) == []
    driver.clock.now += 6 * DAY_SECONDS * SECOND
    assert _due(driver) == ["room"]  # its changes
    _trim_all(driver)
    assert _due(driver) == []


def test_a_calendar_is_due_once_it_has_too_many_changes(driver: Driver) -> None:
    driver.service.retention.log_changes = 3
    for _ in range(3):
        driver.open()
    assert _due(driver) == []
    driver.open()
    assert _due(driver) == ["room"]
    _trim_all(driver)
    assert _due(driver) == []
