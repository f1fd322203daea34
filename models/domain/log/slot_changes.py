"""Appends the change of a command to the log, with every slot that the command has written.

Each write notes its slot in `transaction.touched`. `append_slot_changes` takes the notes, so a change leaves out no
slot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import UNSET, UnsetType

from models.contract.changes import SLOTS_A_CHANGE, Info, Type
from models.contract.changes import Slot as PublicSlot
from models.domain.log import change_log
from models.domain.log.public_view import public_slot
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.rows import SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS, has_seats
from models.storage.tables import Booking, Slot
from models.transaction.transaction import Transaction

_restamp = CompiledListQuery(
    lambda ids: (
        Slot.update({Slot.version: bind("seq"), Slot.changed_at: bind("now")})
        .where(Slot.id.in_(ids))
        .returning(*SLOT_COLUMNS)
    )
)
_restamp_bookable = CompiledQuery(
    Slot.update({Slot.version: bind("seq"), Slot.changed_at: bind("now")})
    .where((Slot.calendar == bind("calendar")) & has_seats(literal(1)))
    .returning(*SLOT_COLUMNS)
)

_bookings_of = CompiledListQuery(lambda slots: Booking.select(Booking.id).where(Booking.slot.in_(slots)))


def restamp(transaction: Transaction, slots: Sequence[str], seq: int) -> list[SlotRow]:
    """Set the version of these slots, and return their rows."""
    rows = _restamp.rows(transaction.db, slots, seq=seq, now=transaction.now)
    return [SlotRow._make(row) for row in rows]


def note_bookable(transaction: Transaction, calendar: str, seq: int) -> None:
    """Put every slot with free seats into the change, after the calendar was archived or restored."""
    rows = _restamp_bookable.rows(transaction.db, calendar=calendar, seq=seq, now=transaction.now)
    for row in map(SlotRow._make, rows):
        transaction.touched[row.id] = row


def append_slot_changes(
    transaction: Transaction,
    calendar: str,
    kind: Type,
    *,
    bookings: Sequence[str] = (),
    about: str = "",
    info: Info | UnsetType = UNSET,
    tx: str | UnsetType = UNSET,
) -> list[PublicSlot]:
    """Append the change of the seq just allotted, with every slot of the calendar that the command has written.

    Return the slots as the first change shows them.

    More slots than fit into one change follow in changes of their own. The first change also has the slots that
    waited behind a slot just removed. `about` is the slot of a booking that was written alone.
    """
    if transaction.vacated:
        transaction.refill(transaction, calendar)
    touched, transaction.touched = transaction.touched, {}
    rows = [row for row in touched.values() if row.calendar == calendar]
    if len(rows) < len(touched):  # a booking moves between two calendars
        transaction.touched = {name: row for name, row in touched.items() if row.calendar != calendar}
    beside = _bookings_of_removed(transaction, rows, bookings)
    told = [*bookings, *beside[:SLOTS_A_CHANGE]]
    shown = _append(transaction, calendar, kind, rows[:SLOTS_A_CHANGE], about=about, bookings=told, info=info, tx=tx)
    for place in range(SLOTS_A_CHANGE, max(len(rows), len(beside)), SLOTS_A_CHANGE):
        seq = change_log.next_seq(transaction, calendar)
        some, told = rows[place : place + SLOTS_A_CHANGE], beside[place : place + SLOTS_A_CHANGE]
        stamped = {row.id: row for row in restamp(transaction, [row.id for row in some], seq)} if some else {}
        rest = [stamped.get(row.id, row) for row in some]
        kind = Type.SLOT_UPDATED if rest else Type.BOOKING_UPDATED
        _append(transaction, calendar, kind, rest, bookings=told, is_rest=True)
    return shown


def _bookings_of_removed(transaction: Transaction, rows: Sequence[SlotRow], known: Sequence[str]) -> list[str]:
    """Return the other bookings of the removed slots: staff see the times of the slot in them from now on."""
    removed = [row.id for row in rows if row.state == SlotState.REMOVED]
    if not removed:
        return []
    found = {booking for (booking,) in _bookings_of.rows(transaction.db, removed)}
    return sorted(found.difference(known))


def _append(
    transaction: Transaction,
    calendar: str,
    kind: Type,
    rows: Sequence[SlotRow],
    *,
    about: str = "",
    is_rest: bool = False,
    **more: Any,
) -> list[PublicSlot]:
    home, now = transaction.calendar(calendar), transaction.now
    removed = [row.id for row in rows if row.state == SlotState.REMOVED]
    slots = [public_slot(row, home, now) for row in rows if row.state != SlotState.REMOVED]
    subjects = [row.id for row in rows if row.id not in transaction.beside]
    if about and about not in subjects:
        subjects.append(about)
    is_in_history = bool(subjects) or not is_rest
    change_log.append(
        transaction, calendar, kind, slots=slots, removed=removed, about=subjects if is_in_history else None, **more
    )
    return slots
