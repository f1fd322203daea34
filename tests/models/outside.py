"""Outside writes to the tables, and the changes that the service makes of them."""

from __future__ import annotations

from typing import Any

from models.contract.values.time import DAY, HOUR
from models.service import SlotService
from tests.models.database_audit import audit
from tests.models.driver import START, Driver, Viewer
from tests.support.databases.outsider import write

AT = START + 30 * DAY


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012x}"


def slot_row(number: int, at: int = 0, *, calendar: str = "room") -> str:
    start = AT + at * HOUR
    return (
        'INSERT INTO slot (id, calendar, start, "end")'
        f" VALUES ('{uuid(number)}', '{calendar}', {start}, {start + HOUR});"
    )


def take(service: SlotService) -> int:
    """Take all notes; return the number of commands."""
    count = 0
    while commands := service.outside():
        for command in commands:
            service.run(command)
            count += 1
    return count


class Outside:
    """A driver, a viewer of its calendar, and a writer outside of the service."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.viewer = Viewer(driver.service, driver.calendar)

    def write(self, sql: str) -> list[dict[str, Any]]:
        """Return the changes of the notes; a viewer with only these equals the state."""
        write(self.driver.service.url, sql)
        take(self.driver.service)
        changes = self.viewer.follow()
        self.viewer.check()
        audit(self.driver.path)
        return changes

    @property
    def is_sqlite(self) -> bool:
        return self.driver.service.url.startswith("sqlite:")
