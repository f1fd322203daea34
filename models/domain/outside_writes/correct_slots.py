"""Corrects the slots touched by outside writers: the counters are the sums of holds and bookings."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from peewee import fn

from models.domain.log import slot_changes
from models.domain.policy import booking_states, rules
from models.domain.policy.booking_states import State
from models.domain.slots import busy_times
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.rows import CalendarRow, HoldState, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Booking, Hold, Slot
from models.transaction.transaction import Transaction

_logger = logging.getLogger("slotcast.outside")

_SEATED = Booking.status.in_(sorted(booking_states.LIVE)) | (
    (Booking.status == State.NO_SHOW.value) & (Slot.state != literal(SlotState.REMOVED))
)
_held = Hold.select(fn.COALESCE(fn.SUM(Hold.seats), 0)).where(
    (Hold.slot == Slot.id) & (Hold.state == literal(HoldState.ACTIVE))
)
_held_until = Hold.select(fn.MIN(Hold.expires_at)).where(
    (Hold.slot == Slot.id) & (Hold.state == literal(HoldState.ACTIVE))
)
_booked = Booking.select(fn.COALESCE(fn.SUM(Booking.seats), 0)).where((Booking.slot == Slot.id) & _SEATED)
# By id only: with the calendar in the condition SQLite reads all of the calendar's slots.
_counted = CompiledListQuery(
    lambda ids: Slot.select(*SLOT_COLUMNS, _held, _booked, _held_until).where(Slot.id.in_(ids))
)
_correct = CompiledQuery(
    Slot.update(
        {
            Slot.capacity: bind("capacity"),
            Slot.held: bind("held"),
            Slot.booked: bind("booked"),
            Slot.held_until: bind("held_until"),
            Slot.state: bind("state"),
            Slot.data: bind("data"),
            Slot.blocked: bind("blocked"),
            Slot.overbooked: bind("overbooked"),
        }
    ).where(Slot.id == bind("slot"))
)


def correct_slots(transaction: Transaction, calendar: CalendarRow, slots: Sequence[str], seq: int) -> None:
    """Correct these slots and put them into the change; a slot no longer in the calendar is removed."""
    here: list[str] = []
    for row in _counted.rows(transaction.db, slots):
        slot, (held, booked, held_until) = SlotRow._make(row[: len(SlotRow._fields)]), row[len(SlotRow._fields) :]
        if slot.calendar != calendar.id:
            continue
        here.append(slot.id)
        _correct_row(transaction, slot, int(held), int(booked), held_until)
    busy_times.mark(transaction, calendar.id, here)
    for stamped in slot_changes.restamp(transaction, here, seq):
        transaction.touched[stamped.id] = stamped
    for name in slots:
        if name not in transaction.touched:
            transaction.touched[name] = _removed(calendar.id, name)


def _removed(calendar: str, slot: str) -> SlotRow:
    """Return the row of a removed slot, for the change."""
    gone = (0, 0, 0, 0, 0, 0, None, SlotState.REMOVED, 0, 0, None)
    return SlotRow(slot, calendar, *gone, dropped=False, changed_at=0, busy=0, overbooked=0, bookable=False)


def _correct_row(transaction: Transaction, slot: SlotRow, held: int, booked: int, held_until: int | None) -> None:
    """Set the counters to the sums of holds and bookings. Where the CHECKs were off, raise the capacity to them."""
    state = int(slot.state)
    if state == SlotState.REMOVED and held + booked:
        state = int(SlotState.CLOSED)
    elif slot.dropped and not held + booked:
        state = int(SlotState.REMOVED)
    data = _one_line(slot)
    is_strict = rules.policy_of(transaction.calendars[slot.calendar]).rejects_overlap
    capacity = max(slot.capacity, held + booked - slot.overbooked, 1)
    correct = slot._replace(
        capacity=capacity,
        overbooked=min(slot.overbooked, max(0, held + booked - capacity)),
        held=held,
        booked=booked,
        held_until=held_until,
        state=state,
        data=data,
        blocked=slot.blocked if is_strict else 0,
    )
    if correct != slot:
        _correct.execute(
            transaction.db,
            slot=slot.id,
            capacity=correct.capacity,
            held=held,
            booked=booked,
            held_until=held_until,
            state=state,
            data=data,
            blocked=correct.blocked,
            overbooked=correct.overbooked,
        )


def _one_line(slot: SlotRow) -> str | None:
    """Return the slot's data as one line of JSON; None if it is not JSON."""
    if slot.data is None:
        return None
    try:
        msgspec.json.decode(slot.data)
    except (ValueError, RecursionError) as error:
        _logger.warning("The data of %s is not JSON, and is taken away: %s", slot.id, error)
        return None
    return msgspec.json.format(slot.data.encode(), indent=-1).decode() if "\n" in slot.data else slot.data
