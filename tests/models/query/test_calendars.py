"""Reads of calendars: their info, and the cursor of their last change."""

from __future__ import annotations

import pytest

from models.contract.errors import NotFound
from models.query.calendars import read_calendar, read_calendars, read_head
from tests.models.driver import Driver, Viewer


def test_a_head_has_the_cursor_of_the_last_change(driver: Driver) -> None:
    """Equal cursors mean equal calendars, and each change gives another one."""
    before = read_head(driver.service._db, "room")
    assert before == read_head(driver.service._db, "room")
    driver.open()
    after = read_head(driver.service._db, "room")
    assert (after.seq, after.cursor) == (before.seq + 1, Viewer(driver.service, "room").cursor)


@pytest.mark.parametrize("calendar", ["none", "", "../room", "\ud800", "ROOM"])
def test_an_unknown_calendar_is_not_found(driver: Driver, calendar: str) -> None:
    """A text that is no id never reaches the database."""
    with pytest.raises(NotFound):
        read_calendar(driver.service._db, calendar)


def test_calendars_are_listed_by_id(driver: Driver) -> None:
    """The order does not depend on the order of their creation."""
    for name in ("zebra", "alpha"):
        driver.create(name)
    assert [info.id for info in read_calendars(driver.service._db)] == ["alpha", "room", "zebra"]
