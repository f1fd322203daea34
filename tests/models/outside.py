"""Outside writes to the tables, and the changes that the service makes of them."""

from __future__ import annotations

import re
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


def sql(text: str) -> str:
    """Return the SQL with ids in the place of `<1>`, and times in the place of `<at>` and `<end>`."""
    text = text.replace("<at>", str(AT)).replace("<end>", str(AT + HOUR))
    return re.sub("<([0-9]+)>", lambda found: f"'{uuid(int(found[1]))}'", text)


ROWS = sql(
    "DELETE FROM booking; DELETE FROM hold; DELETE FROM slot;"
    + "".join(slot_row(number, number) for number in (1, 2, 3))
    + slot_row(9, calendar="other")
    + "UPDATE slot SET capacity = 3;"
    " INSERT INTO booking (id, calendar, slot) VALUES (<11>, 'room', <1>), (<12>, 'room', <2>);"
    " INSERT INTO hold (id, calendar, slot, expires_at) VALUES (<21>, 'room', <1>, <at>), (<22>, 'room', <2>, <at>);"
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
