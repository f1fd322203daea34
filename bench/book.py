"""The database at the start of the measurements: a calendar with 50 slots for subscribers, and one for bookings."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from models.contract.changes import Cursor
from models.contract.commands.calendars import CreateCalendar
from models.contract.commands.slots import NewSlot, OpenSlots, UpdateSlot
from models.contract.principal import OPERATOR
from models.contract.values.time import DAY, HOUR
from models.service import SlotService
from realtime import protocol
from realtime.access.auth import Auth

CALENDAR = "bench"
TO_BOOK = "books"  # the calendar whose slots are booked
SHOWN_SLOTS = 50
BOOKED_SLOTS = 500
SEATS = 200
_SLOTS_AT_ONCE = 200
_POLICY = {"overlap": "allow", "max_holds": 100}


def write_book(path: Path, secret: str, place: str = "", *, seats: int = SEATS) -> tuple[dict[str, Any], str]:
    """Write the database; return a change and a snapshot in their wire format, and a token for staff.

    The database is the SQLite file, unless a `place` is given.

    The ids of the slots for bookings are in a file beside it, one a line.
    """
    service = SlotService(place or f"sqlite:///{path}", secret.encode(), synchronous="normal")
    service.open()
    for calendar in (CALENDAR, TO_BOOK):
        service.run(
            CreateCalendar(
                principal=OPERATOR,
                calendar=calendar,
                name="Bench",
                zone="Europe/Vienna",
                policy=_POLICY,
            )
        )
    first = (service.clock() // DAY + 1) * DAY
    open_slots(service, CALENDAR, first, SHOWN_SLOTS, 1)
    open_slots(service, TO_BOOK, first, BOOKED_SLOTS, seats)
    slot = service.snapshot(CALENDAR, first, first + HOUR).slots[0].id
    service.run(UpdateSlot(principal=OPERATOR, slot=slot, data=json.dumps({"t": 10**14}).encode()))
    shown = service.snapshot(CALENDAR, first - DAY, first + 62 * DAY)
    ids = [slot.id for slot in service.snapshot(TO_BOOK, first, first + BOOKED_SLOTS * HOUR).slots]
    path.with_name("slots.txt").write_text("".join(f"{name}\n" for name in ids))
    slots = b",".join([slot.body for slot in shown.slots])
    body = protocol.write_snapshot(
        shown.info, slots, seq=shown.seq, cursor=shown.cursor, begin=first, finish=first + 62 * DAY, now=service.clock()
    )
    last = service.new_rows({CALENDAR: Cursor(shown.seq - 1, "")})[CALENDAR][-1]
    service.close()
    snapshot = {"ok": True, "mode": "snapshot", **json.loads(b"{" + body)}
    token = Auth(secret.encode()).write_token("bench", scope="staff", calendars="*", seconds=86_400)
    return {"change": json.loads(last.body), "snapshot": snapshot}, token


def open_slots(service: SlotService, calendar: str, first: int, count: int, capacity: int) -> None:
    starts = [first + place * HOUR for place in range(count)]
    for begin in range(0, count, _SLOTS_AT_ONCE):
        transaction = starts[begin : begin + _SLOTS_AT_ONCE]
        slots = tuple(NewSlot(start=start, end=start + HOUR, capacity=capacity) for start in transaction)
        service.run(OpenSlots(principal=OPERATOR, key=f"open {begin}", calendar=calendar, slots=slots))
