"""Seats: one write takes them, and one gives them back.

Each write notes its slot in the transaction for the command's change, and moves the neighbours' counts with the first
seat taken and the last seat given back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from peewee import Case, Database, fn

from models.contract.errors import NotFound
from models.domain.policy import booking_states
from models.domain.slots.neighbours import block_neighbours
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.rows import HoldState, Origin, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS, fewer_over, has_seats
from models.storage.tables import Booking, Hold, Slot
from models.transaction.routing import StaleRoute
from models.transaction.transaction import Transaction

_read = CompiledQuery(
    Slot.select(*SLOT_COLUMNS).where((Slot.id == bind("slot")) & (Slot.state != literal(SlotState.REMOVED)))
)
_read_several = CompiledListQuery(
    lambda ids: Slot.select(*SLOT_COLUMNS).where(Slot.id.in_(ids) & (Slot.state != literal(SlotState.REMOVED)))
)
_first_expiry = Hold.select(fn.MIN(Hold.expires_at)).where(
    (Hold.slot == bind("slot")) & (Hold.state == literal(HoldState.ACTIVE))
)
_over = Slot.held + bind("held") + Slot.booked + bind("booked") - Slot.capacity  # after the write, if above 0
_fewer_over = fewer_over(_over)
_all_over = Case(None, [(_over > literal(0), _over)], literal(0))


def _move_seats(overbooked: Any) -> Any:
    return Slot.update(
        {
            Slot.held: Slot.held + bind("held"),
            Slot.booked: Slot.booked + bind("booked"),
            Slot.overbooked: overbooked,
            Slot.held_until: _first_expiry,
            Slot.version: bind("seq"),
            Slot.changed_at: bind("now"),
        }
    )


_take = CompiledQuery(
    _move_seats(_fewer_over).where((Slot.id == bind("slot")) & has_seats(bind("seats"))).returning(*SLOT_COLUMNS)
)
_shift = CompiledQuery(_move_seats(_fewer_over).where(Slot.id == bind("slot")).returning(*SLOT_COLUMNS))
_force = CompiledQuery(
    _move_seats(_all_over)
    .where((Slot.id == bind("slot")) & (Slot.state != literal(SlotState.REMOVED)))
    .returning(*SLOT_COLUMNS)
)
_live = Booking.select(Booking.id).where(
    (Booking.slot == bind("slot")) & Booking.status.in_(sorted(booking_states.LIVE))
)
_is_empty = CompiledQuery(
    Slot.select(Slot.id).where((Slot.id == bind("slot")) & (Slot.held == literal(0)) & ~fn.EXISTS(_live))
)
_forget_no_shows = CompiledQuery(
    Slot.update({Slot.booked: literal(0), Slot.overbooked: literal(0)})
    .where((Slot.id == bind("slot")) & (Slot.booked == bind("booked")))
    .returning(*SLOT_COLUMNS)
)
_remove = CompiledQuery(
    Slot.update({Slot.state: literal(SlotState.REMOVED)}).where(Slot.id == bind("slot")).returning(*SLOT_COLUMNS)
)


def read(db: Database, slot: str) -> SlotRow:
    """Return the slot as this transaction sees it; raise NotFound for a removed one."""
    row = _read.row(db, slot=slot)
    if row is None:
        raise NotFound(what="slot")
    return SlotRow._make(row)


def prefetch(transaction: Transaction, slots: Sequence[str]) -> list[SlotRow]:
    """Read the slots of a batch's commands by one statement, in a database locked by this transaction.

    Return those that are not removed.
    """
    rows = [SlotRow._make(row) for row in _read_several.rows(transaction.seats_db, slots)]
    transaction.slots = {row.id: row for row in rows}
    return rows


def find(transaction: Transaction, slot: str) -> SlotRow:
    """Return the slot, of a calendar locked by this transaction."""
    row = transaction.slots.get(slot)
    if row is None or row.state == SlotState.REMOVED:
        row = read(transaction.seats_db, slot)
    check_route(transaction, row.calendar)
    return row


def check_route(transaction: Transaction, calendar: str) -> None:
    """Raise StaleRoute if an outside writer has moved the slot to a calendar without this transaction's lock."""
    if calendar not in transaction.calendars and transaction.seats_db.locks_rows:
        raise StaleRoute


def try_take(transaction: Transaction, slot: str, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow | None:
    """Take seats and return the slot, or None if there are not enough.

    This write decides between two commands for the same seat.
    """
    row = _take.row(
        transaction.seats_db, slot=slot, seq=seq, now=transaction.now, held=held, booked=booked, seats=held + booked
    )
    if row is None:
        transaction.slots.pop(slot, None)  # the reason is to be seen in the row as it is
        return None
    return _moved(transaction, SlotRow._make(row), seq, held + booked)


def shift(transaction: Transaction, slot: str, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow:
    """Move the caller's seats between held, booked and free (negative numbers), without the guard."""
    row = _shift.row(transaction.seats_db, slot=slot, seq=seq, now=transaction.now, held=held, booked=booked)
    if row is None:
        raise NotFound(what="slot")
    return _moved(transaction, SlotRow._make(row), seq, held + booked)


def force(transaction: Transaction, slot: str, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow:
    """Take seats that staff ask for against the rules. Those over the capacity count as overbooked."""
    row = _force.row(transaction.seats_db, slot=slot, seq=seq, now=transaction.now, held=held, booked=booked)
    if row is None:
        raise NotFound(what="slot")
    return _moved(transaction, SlotRow._make(row), seq, held + booked)


def is_empty(transaction: Transaction, row: SlotRow) -> bool:
    """Say if nobody holds a seat of the slot or is still to come: those of no-shows do not count."""
    return not row.held + row.booked or _is_empty.row(transaction.db, slot=row.id) is not None


def forget_no_shows(transaction: Transaction, row: SlotRow, seq: int) -> SlotRow:
    """Give back the seats of no-shows, whose slot is to be removed."""
    if not row.booked:
        return row
    block_neighbours(transaction, row, seq, -1)
    freed = _forget_no_shows.row(transaction.db, slot=row.id, booked=row.booked)
    return row if freed is None else SlotRow._make(freed)


def _moved(transaction: Transaction, row: SlotRow, seq: int, more: int) -> SlotRow:
    """Note the slot, after `more` of its seats were taken, and carry out the consequences for the slots around it."""
    check_route(transaction, row.calendar)
    transaction.touched[row.id] = transaction.slots[row.id] = row
    transaction.beside.discard(row.id)
    taken = row.held + row.booked
    if more and (taken in {0, more}):  # the last seat given back, or the first one taken
        block_neighbours(transaction, row, seq, 1 if taken else -1)
    if row.dropped and not taken:
        transaction.touched[row.id] = row = SlotRow._make(_remove.rows(transaction.db, slot=row.id)[0])
        transaction.vacated[row.id] = row.calendar
    elif row.origin == Origin.SCHEDULE and not taken and row.start <= transaction.now:
        transaction.vacated[row.id] = row.calendar
    return row
