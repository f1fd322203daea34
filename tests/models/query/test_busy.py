"""Reads of the sources of busy times: the list for staff, and those to be read again."""

from __future__ import annotations

import pytest

from models.contract.commands.background import CheckBusy, SetBusy
from models.contract.commands.calendars import AddBusy, ArchiveCalendar, RemoveBusy
from models.contract.errors import NotFound
from models.contract.values.time import MINUTE
from models.query.busy import EXPAND_EVERY, read_due, read_sources
from tests.models.driver import STAFF, Driver, new_key, results

TEXT = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


def add(driver: Driver, **fields: str) -> str:
    command = AddBusy(principal=STAFF, calendar="room", key=new_key(), **fields)  # type: ignore[arg-type]
    return str(results(driver.service.run(command))["id"])


def due(driver: Driver) -> list[str]:
    return [source.id for source in read_due(driver.service._db, driver.clock.now, 15 * MINUTE)]


def test_a_source_is_due_after_the_interval(driver: Driver) -> None:
    """A URL is due 15 minutes after its last check, a file only when its events need another expansion."""
    url, file = add(driver, url="https://example.org/a.ics"), add(driver, text=TEXT)
    assert sorted(due(driver)) == sorted([url, file])
    for source in (url, file):
        driver.service.run(CheckBusy(calendar="room", source=source, checked_at=0))
        driver.service.run(SetBusy(calendar="room", source=source, since=driver.clock.now, times=()))
    driver.clock.now += 15 * MINUTE - 1
    assert due(driver) == []
    driver.clock.now += 1
    assert due(driver) == [url]
    driver.clock.now += EXPAND_EVERY
    assert sorted(due(driver)) == sorted([url, file])


def test_a_removed_source_and_an_archived_calendar_have_none_due(driver: Driver) -> None:
    """Both are not fetched again, and the list has no removed source."""
    one, other = add(driver, text=TEXT), add(driver, text=TEXT)
    driver.service.run(RemoveBusy(principal=STAFF, source=one))
    assert due(driver) == [other] == [source.id for source in read_sources(driver.service._db, "room")]
    driver.service.run(ArchiveCalendar(principal=STAFF, calendar="room"))
    assert due(driver) == []
    with pytest.raises(NotFound):
        read_sources(driver.service._db, "none")
