"""Moves a slot to other times, with its holds and bookings, as one change."""

from __future__ import annotations

from peewee import Case

from models.domain.policy import booking_states, pending, rules
from models.domain.slots import busy_times, neighbours
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.rows import SlotRow
from models.storage.tables import Booking, Slot
from models.transaction.transaction import Transaction

# A statement of its own: an UPDATE that names these columns writes their indexes anew on SQLite, changed or not.
_move = CompiledQuery(
    Slot.update({Slot.start: bind("start"), Slot.end: bind("end"), Slot.busy: bind("busy")}).where(
        Slot.id == bind("slot")
    )
)
_stamp_bookings = CompiledQuery(
    Booking.update(
        {
            Booking.version: Case(None, [(Booking.version < bind("seq"), bind("seq"))], Booking.version + 1),
            Booking.changed_at: bind("now"),
        }
    )
    .where((Booking.slot == bind("slot")) & Booking.status.in_(sorted(booking_states.SEATED)))
    .returning(Booking.id)
)


def at_new_place(transaction: Transaction, changed: SlotRow) -> SlotRow:
    """Return the slot with its blocking neighbours counted at its new times, and with the mark of a busy time."""
    calendar = transaction.calendar(changed.calendar)
    blocked = neighbours.count_blocking(transaction, calendar, changed.id, changed.start, changed.end)
    is_busy = busy_times.is_busy(transaction, changed.calendar, changed.start, changed.end)
    return changed._replace(blocked=blocked, busy=int(is_busy))


def check(changed: SlotRow) -> None:
    """Refuse to move taken seats over a taken neighbour, or over a busy time."""
    if changed.held or changed.booked:
        rules.check_unblocked(changed)
        rules.check_not_busy(changed)


def broken_rules(changed: SlotRow) -> list[str]:
    """Return the rules broken by the move, as `check` would find them."""
    if not (changed.held or changed.booked):
        return []
    return [name for name, is_broken in (("overlap", changed.blocked), ("busy", changed.busy)) if is_broken]


def move(transaction: Transaction, row: SlotRow, changed: SlotRow, seq: int) -> list[str]:
    """Write the times, and return the bookings in the slot. The caller writes the other columns of the slot."""
    is_taken = row.held + row.booked > 0
    if is_taken:
        neighbours.block_neighbours(transaction, row, seq, -1)
    _move.execute(transaction.db, slot=row.id, start=changed.start, end=changed.end, busy=changed.busy)
    if not is_taken:
        return []
    neighbours.block_neighbours(transaction, changed, seq, 1)
    pending.shift(transaction, row.id, row.start, changed.start)
    return [found[0] for found in _stamp_bookings.rows(transaction.db, slot=row.id, seq=seq, now=transaction.now)]
