"""A calendar deleted by an outside writer leaves no rows."""

from __future__ import annotations

from tests.models.driver import Viewer
from tests.models.outside import Outside, take
from tests.support.databases.outsider import write


def test_a_calendar_that_is_deleted_leaves_nothing(outside: Outside) -> None:
    """A new calendar of its name has a new history, made by hand or by the service."""
    driver = outside.driver
    driver.open()
    write(driver.service.url, "DELETE FROM slot; DELETE FROM calendar")
    take(driver.service)
    assert driver.query("SELECT COUNT(*) FROM change_log") == [(0,)]
    driver.create()
    driver.open()
    write(driver.service.url, "DELETE FROM slot; DELETE FROM calendar")
    driver.create()  # before anything was taken
    driver.open()
    take(driver.service)
    viewer = Viewer(driver.service, "room")
    driver.open()
    viewer.follow()
    viewer.check()
