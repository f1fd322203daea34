"""The public form of a slot and of a calendar. Both are allow-lists: nothing of a customer gets in."""

from __future__ import annotations

from typing import Any, Literal, cast

import msgspec
from msgspec import UNSET, Raw

from models.contract.changes import Info, Slot
from models.contract.values.time import write_time
from models.domain.policy import rules
from models.domain.policy.metadata import read_json
from models.storage.rows import CalendarRow, SlotRow, SlotState


def slot_status(row: SlotRow) -> Literal["open", "held", "booked", "closed"]:
    """Return the status of the slot alone, without regard to its neighbours."""
    return status_of(row.state, row.remaining, row.held)


def status_of(state: int, remaining: int, held: int) -> Literal["open", "held", "booked", "closed"]:
    """Return the status of a slot with so many seats left and held."""
    if state != SlotState.OPEN:
        return "closed"
    if remaining > 0:
        return "open"
    return "held" if held else "booked"


def public_slot(row: SlotRow, calendar: CalendarRow, now: int) -> Slot:
    """Return the slot of this calendar as everyone may see it at this moment."""
    return Slot(
        id=row.id,
        start=write_time(row.start),
        end=write_time(row.end),
        capacity=row.capacity,
        held=row.held,
        held_until=UNSET if row.held_until is None else write_time(row.held_until),
        remaining=row.remaining,
        status=slot_status(row),
        bookable=rules.is_bookable(row, calendar, now),
        version=row.version,
        data=UNSET if row.data is None else Raw(one_line(row.data)),
    )


def one_line(data: str) -> str:
    """Return a slot's data as one line. An outside writer's data has several until its note is taken."""
    return msgspec.json.format(data, indent=-1) if "\n" in data or "\r" in data else data


def calendar_info(calendar: CalendarRow) -> Info:
    """Return the calendar as its viewers see it."""
    return Info(
        id=calendar.id,
        name=calendar.name,
        zone=calendar.zone,
        visibility=cast("Any", calendar.visibility),  # the table's CHECK allows no other value
        booking=cast("Any", calendar.booking),
        policy=rules.policy_of(calendar),
        archived=bool(calendar.archived),
        data=read_json(calendar.data),
    )
