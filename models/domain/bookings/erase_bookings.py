"""Erases the customer of many bookings with one e-mail address, a batch in one change."""

from __future__ import annotations

from models.contract.changes import Type
from models.contract.commands.background import EraseBookings
from models.contract.values.fold import fold
from models.domain.bookings import bookings
from models.domain.log import change_log, history
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import rules
from models.storage.compiled_query import CompiledListQuery
from models.storage.rows import BookingRow
from models.storage.tables import Booking, columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_read = CompiledListQuery(lambda ids: Booking.select(*columns(Booking)).where(Booking.id.in_(ids)))


@handles(EraseBookings)
def erase_bookings(transaction: Transaction, command: EraseBookings) -> CommandResult:
    """Erase the customers. A booking with another address or in another calendar by now stays as it is.

    The answer has their number.
    """
    rules.check_staff(command.principal, command.calendar)
    folded = fold(command.email.strip())
    rows = [BookingRow._make(row) for row in _read.rows(transaction.db, command.bookings)]
    rows = [
        row
        for row in rows
        if row.calendar == command.calendar and row.email is not None and fold(row.email.strip()) == folded
    ]
    if rows:
        seq = change_log.next_seq(transaction, command.calendar)
        for row in rows:
            history.erase(transaction, row.id)
            bookings.write(transaction, bookings.without_customer(row), seq)
        append_slot_changes(transaction, command.calendar, Type.BOOKING_UPDATED, bookings=[row.id for row in rows])
    return CommandResult(command.calendar, "erased", len(rows))
