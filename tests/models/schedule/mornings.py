"""A schedule of two mornings, and the slots that it opens."""

from __future__ import annotations

from typing import Any

import msgspec

from models.contract.commands.calendars import SetSchedule
from models.contract.values.time import HOUR, read_time
from tests.models.driver import STAFF, START, Driver

MORNINGS: dict[str, Any] = {
    "windows": [{"days": ["mon", "tue"], "start": "09:00", "end": "11:00"}],
    "slot_minutes": 60,
    "from": "2027-01-04",
    "horizon_days": 7,
}
NINE = START + 9 * HOUR  # on Monday; the calendar's zone is UTC


def set_schedule(
    driver: Driver, schedule: dict[str, Any] | None = None, *, preview: bool = False, **fields: Any
) -> Any:
    """Return the answer of `schedule.set`, with the ids of its kept slots."""
    command = SetSchedule(
        principal=STAFF, calendar=driver.calendar, schedule=(schedule or MORNINGS) | fields, preview=preview
    )
    answer = msgspec.json.decode(driver.service.run(command).result)
    return answer | {"kept": [slot["id"] for slot in answer["kept"]]}


def answer(opened: int = 0, removed: int = 0, updated: int = 0, kept: list[str] | None = None) -> dict[str, Any]:
    return {"opened": opened, "removed": removed, "updated": updated, "kept": kept or []}


def starts(driver: Driver) -> list[int]:
    return sorted(read_time(slot["start"]) for slot in driver.slots().values())


def slot_at(driver: Driver, start: int) -> str:
    (found,) = [name for name, slot in driver.slots().items() if read_time(slot["start"]) == start]
    return found


def at(driver: Driver, start: int) -> Any:
    return driver.slot(slot_at(driver, start))
