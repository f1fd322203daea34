"""Old changes and records of all calendars are trimmed in batches, and the others stay."""

import pytest

from models.contract.commands.background import TrimLog, TrimOldest
from models.contract.commands.command import Command
from models.contract.values.time import SECOND
from models.domain.calendars import calendars as module
from tests.models.driver import Driver

DAY_SECONDS = 86_400


def _trim_all(driver: Driver) -> int:
    """Trim until nothing is due, and return the number of commands."""
    count = 0
    while due := driver.service.trims():
        for command in due:
            driver.service.run(command)
            count += 1
    return count


def _due(driver: Driver) -> list[Command]:
    return driver.service.trims()


def _left(driver: Driver, table: str) -> list[str]:
    return sorted({row[0] for row in driver.query(f"SELECT calendar FROM {table}")})


def test_nothing_young_is_due(driver: Driver) -> None:
    driver.open()
    driver.create("other")
    assert _due(driver) == []


def test_old_records_and_changes_are_due(driver: Driver) -> None:
    """Exactly at its age a row is kept; one millisecond later it is trimmed."""
    driver.service.retention.log_seconds = 7 * DAY_SECONDS
    driver.open()
    driver.clock.go(3_600)
    driver.create("other")
    driver.open()
    driver.clock.go(DAY_SECONDS - 3_600)
    assert _due(driver) == []
    driver.clock.now += 1
    assert _due(driver) == [TrimOldest()]
    _trim_all(driver)
    assert _left(driver, "receipt") == ["other"]
    driver.clock.now += 6 * DAY_SECONDS * SECOND
    assert _due(driver) == [TrimOldest()]
    _trim_all(driver)
    assert _left(driver, "receipt") == []
    assert _left(driver, "change_log") == ["other"]


def test_a_batch_is_of_all_calendars(driver: Driver, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many calendars with something old cost a few commands, and the rest of each log has no gap."""
    monkeypatch.setattr(module, "OLDEST_AT_ONCE", 10)
    names = [f"room-{number}" for number in range(20)]
    for name in names:
        driver.create(name)
        driver.open()
    driver.clock.go(8 * DAY_SECONDS)
    for name in names:
        driver.calendar = name
        driver.open()
    assert _trim_all(driver) <= 8
    assert _due(driver) == []
    assert _left(driver, "change_log") == sorted(names)
    for name in names:
        (kept,) = driver.query(f"SELECT MIN(seq), COUNT(*) FROM change_log WHERE calendar = '{name}'")
        assert kept == (driver.service.head(name).seq, 1)


def test_a_calendar_is_due_once_it_has_too_many_changes(driver: Driver) -> None:
    driver.service.retention.log_changes = 3
    for _ in range(3):
        driver.open()
    assert _due(driver) == []
    driver.open()
    assert _due(driver) == [TrimLog(calendar="room")]
    _trim_all(driver)
    assert _due(driver) == []
