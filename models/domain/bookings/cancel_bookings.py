"""Cancels many bookings of one customer for staff, a batch in one change."""

from __future__ import annotations

from models.contract.changes import Type
from models.contract.commands.background import CancelMany
from models.contract.values.canonical_email import canonical_email
from models.domain.bookings import bookings
from models.domain.log import change_log
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy.booking_states import LIVE, State
from models.domain.slots import capacity
from models.storage.compiled_query import CompiledListQuery
from models.storage.rows import BookingRow
from models.storage.tables import Booking, columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_read = CompiledListQuery(lambda ids: Booking.select(*columns(Booking)).where(Booking.id.in_(ids)))


@handles(CancelMany)
def cancel_many(transaction: Transaction, command: CancelMany) -> CommandResult:
    """Cancel the bookings and free their seats. One of another customer or calendar by now stays as it is.

    The answer has their number.
    """
    wanted = canonical_email(command.email) if command.email else ""

    def is_theirs(row: BookingRow) -> bool:
        if command.caller:
            return row.booked_by == command.caller
        return row.email is not None and canonical_email(row.email) == wanted

    rows = [BookingRow._make(row) for row in _read.rows(transaction.db, command.bookings)]
    rows = [row for row in rows if row.calendar == command.calendar and row.status in LIVE and is_theirs(row)]
    if rows:
        seq = change_log.next_seq(transaction, command.calendar)
        for row in rows:
            capacity.shift(transaction, row.slot, seq, booked=-row.seats)
            bookings.write(transaction, row._replace(status=State.CANCELLED.value), row, seq)
        append_slot_changes(transaction, command.calendar, Type.SLOT_CANCELLED, bookings=[row.id for row in rows])
    return CommandResult(command.calendar, "cancelled", len(rows))
