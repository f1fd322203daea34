"""The SQL predicate for taking seats, and the columns of a slot with its answer.

The UPDATE of a booking has this predicate. The same predicate lists a slot as bookable, so the list and the booking
never disagree.
"""

from __future__ import annotations

from typing import Any

from peewee import Case

from models.storage.compiled_query import literal
from models.storage.rows import SlotState
from models.storage.tables import Slot, columns


def has_seats(seats: Any) -> Any:
    """Return the predicate: the slot is open, nothing blocks it, and it has this many seats left."""
    return (
        (Slot.state == literal(SlotState.OPEN))
        & (Slot.blocked == literal(0))
        & (Slot.busy == literal(0))
        & (Slot.capacity - Slot.held - Slot.booked >= seats)
    )


def fewer_over(over: Any) -> Any:
    """Return the new number of overbooked seats, after a write that leaves `over` more taken than there are.

    It is the old number or a lower one: seats given back are first those over the capacity.
    """
    return Case(
        None,
        [
            (Slot.overbooked == literal(0), literal(0)),
            (over < literal(1), literal(0)),
            (over < Slot.overbooked, over),
        ],
        Slot.overbooked,
    )


# Each slot is read with the predicate's own answer, so Python has no second version of it.
SLOT_COLUMNS = (*columns(Slot), has_seats(1).alias("bookable"))
