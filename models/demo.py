"""Makes a demo calendar on a new database: two weeks of a barber's opening hours, as slots."""

from __future__ import annotations

from datetime import timedelta

from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import NewSlot, OpenSlots
from models.contract.errors import AlreadyExists
from models.contract.principal import OPERATOR
from models.schedule.expand import expand, local_date, read_schedule
from models.service import SlotService

CALENDAR = "demo"
NAME = "Rosa's Barber Shop"
ZONE = "Europe/Vienna"
DAYS = 14
_WEEK = ["mon", "tue", "wed", "thu", "fri"]
_SLOTS_A_COMMAND = 200


def seed(service: SlotService) -> int:
    """Make the demo calendar and return the number of its slots; 0 if the calendar is there already."""
    try:
        service.run(CreateCalendar(principal=OPERATOR, calendar=CALENDAR, name=NAME, zone=ZONE))
    except AlreadyExists:
        return 0
    today = local_date(ZONE, service.clock())
    schedule = read_schedule(
        {
            "windows": [
                {"days": _WEEK, "start": "09:00", "end": "12:30"},
                {"days": _WEEK, "start": "13:30", "end": "18:00"},
                {"days": ["sat"], "start": "09:00", "end": "13:00"},
            ],
            "slot_minutes": 30,
            "from": today.isoformat(),
        }
    )
    now = service.clock()
    hours = expand(schedule, ZONE, today, today + timedelta(days=DAYS - 1))
    slots = [NewSlot(start=slot.start, end=slot.end) for slot in hours if slot.start > now]
    for place in range(0, len(slots), _SLOTS_A_COMMAND):
        some = tuple(slots[place : place + _SLOTS_A_COMMAND])
        service.run(OpenSlots(principal=OPERATOR, key=f"demo-{place}", calendar=CALENDAR, slots=some))
    return len(slots)
