"""SQLite's triggers: a replaced row counts as deleted."""

from __future__ import annotations

import pytest

from models.contract.commands.calendars import CreateCalendar
from tests.models.driver import STAFF
from tests.models.outside import Outside, slot_row, uuid


@pytest.mark.only("sqlite")
@pytest.mark.parametrize("recursive", ["OFF", "ON"])
def test_a_row_that_is_replaced_counts_as_deleted(outside: Outside, recursive: str) -> None:
    """INSERT OR REPLACE fires no trigger for the replaced row; it is still noticed, whatever the pragma."""
    driver = outside.driver
    pragma = f"PRAGMA recursive_triggers = {recursive};"
    outside.write(slot_row(1) + slot_row(2, 1))
    booked = driver.reserve(uuid(1))["id"]
    outside.viewer.follow()
    outside.write(
        f"{pragma}INSERT OR REPLACE INTO booking (id, calendar, slot) VALUES ('{booked}', 'room', '{uuid(2)}')"
    )
    assert [outside.viewer.slots[uuid(number)]["remaining"] for number in (1, 2)] == [1, 0]
    outside.write(f"{pragma}UPDATE slot SET state = 1 WHERE id = '{uuid(1)}'")
    outside.write(pragma + slot_row(1, 7).replace("INSERT", "INSERT OR REPLACE"))
    assert outside.viewer.slots[uuid(1)]["bookable"]
    driver.service.run(CreateCalendar(principal=STAFF, calendar="other", name="Other", zone="Etc/UTC"))
    outside.write(pragma + slot_row(1, 7, calendar="other").replace("INSERT", "INSERT OR REPLACE"))
    assert uuid(1) not in outside.viewer.slots
    outside.write(f"{pragma}INSERT OR REPLACE INTO calendar (id, name) VALUES ('room', 'Sala')")
    assert outside.viewer.info["name"] == "Sala"
    outside.write(f"{pragma}UPDATE calendar SET seq = 0, nonce = ''")
    outside.write(f"{pragma}UPDATE slot SET booked = 0, held = 1")
