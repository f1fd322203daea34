"""Overlapping slots. Under `allow` they cause a warning. Under `reject` the same times twice are refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from models.contract.commands.slots import NewSlot
from models.contract.errors import AlreadyExists
from models.contract.values.time import write_time
from models.domain.policy import rules
from models.domain.slots import neighbours
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.rows import CalendarRow, SlotState
from models.storage.tables import Slot
from models.transaction.transaction import Transaction

Times = tuple[int, int]  # a start and an end, in milliseconds

_ending = CompiledListQuery(
    lambda ends: Slot.select(Slot.start, Slot.end).where(
        (Slot.calendar == bind("calendar")) & Slot.end.in_(ends) & (Slot.state != literal(SlotState.REMOVED))
    )
)
_coming = CompiledQuery(
    Slot.select(Slot.start, Slot.end).where(
        (Slot.calendar == bind("calendar")) & (Slot.end > bind("now")) & (Slot.state != literal(SlotState.REMOVED))
    )
)


def check_new(transaction: Transaction, calendar: CalendarRow, slots: Sequence[NewSlot]) -> None:
    """Refuse a slot at exactly the times of another one, in a calendar without overlaps."""
    if not rules.policy_of(calendar).rejects_overlap:
        return
    there: set[Times] = set(_ending.rows(transaction.seats_db, [slot.end for slot in slots], calendar=calendar.id))
    for place, slot in enumerate(slots):
        times = (slot.start, slot.end)
        if times in there:
            raise AlreadyExists(
                "There is a slot at exactly these times already; `duplicates` opens another one.",
                what="slot",
                rule="duplicate",
                field=f"slots[{place}]",
            )
        there.add(times)


def overlapping(slots: Iterable[Times]) -> list[Times]:
    """Return the slots with a start before the end of an earlier one."""
    found: list[Times] = []
    latest = 0
    for start, end in sorted(slots):
        if start < latest:
            found.append((start, end))
        latest = max(latest, end)
    return found


def coming(transaction: Transaction, calendar: str) -> list[Times]:
    """Return the overlapping slots of the calendar, without past ones."""
    return overlapping(_coming.rows(transaction.db, calendar=calendar, now=transaction.now))


def beside(transaction: Transaction, calendar: CalendarRow, slots: Sequence[Times]) -> list[Times]:
    """Return those of these standing slots that overlap any other slot of the calendar."""
    if rules.policy_of(calendar).rejects_overlap:
        return []
    crowd = neighbours.Crowd(transaction, calendar.id, slots, is_taken=False)
    return sorted(times for times in slots if crowd.count(*times) > 1)  # it is one of them itself


def warnings(calendar: CalendarRow, found: Sequence[Times]) -> list[dict[str, Any]]:
    """Return the warning of these overlapping slots; none in a calendar without overlaps."""
    if not found or rules.policy_of(calendar).rejects_overlap:
        return []
    first, last = map(write_time, found[0])
    how_many = "One slot overlaps" if len(found) == 1 else f"{len(found)} slots overlap"
    message = (
        f"{how_many} another one, the first at {first}: since the calendar's `overlap` is `allow`, both can be "
        "taken at the same time."
    )
    return [{"rule": "overlap", "message": message, "count": len(found), "start": first, "end": last}]
