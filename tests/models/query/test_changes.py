"""New rows of many calendars, in one read."""

from __future__ import annotations

from models.contract.changes import Cursor, read_cursor
from models.query.changes import read_new_rows
from tests.models.driver import Driver, Viewer


def test_only_changed_calendars_have_rows(driver: Driver) -> None:
    """A calendar at its cursor is left out; the others have every row after theirs, in order."""
    driver.create("quiet")
    driver.create("busy")
    have = {name: read_cursor(Viewer(driver.service, name).cursor) for name in ("room", "quiet", "busy")}
    driver.open()
    driver.open()
    found = read_new_rows(driver.service._db, have)
    assert {name: [row.seq for row in rows] for name, rows in found.items()} == {"busy": [1, 2]}


def test_a_calendar_without_the_cursor_has_no_rows(driver: Driver) -> None:
    """The caller reads a restored calendar anew."""
    assert read_new_rows(driver.service._db, {"room": Cursor(7, "another")}) == {"room": []}
