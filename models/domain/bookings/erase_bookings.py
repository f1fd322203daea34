"""Erases the customer of many bookings, of one e-mail address or of the past, a batch in one change."""

from __future__ import annotations

from peewee import fn

from models.contract.changes import Type
from models.contract.commands.background import EraseBookings, ErasePastBookings
from models.contract.values.canonical_email import canonical_email
from models.domain.access import blocks
from models.domain.bookings import bookings
from models.domain.log import change_log, history
from models.domain.log.slot_changes import append_slot_changes
from models.storage.compiled_query import CompiledListQuery, bind
from models.storage.rows import BookingRow
from models.storage.tables import Booking, Slot, columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_end = Slot.select(Slot.end).where(Slot.id == Booking.slot)
_ended = CompiledListQuery(
    lambda ids: Booking.select(Booking.id).where(
        Booking.id.in_(ids) & (fn.COALESCE(_end, Booking.created_at) < bind("before"))
    )
)
_read = CompiledListQuery(lambda ids: Booking.select(*columns(Booking)).where(Booking.id.in_(ids)))


@handles(EraseBookings)
def erase_bookings(transaction: Transaction, command: EraseBookings) -> CommandResult:
    """Erase the customers. A booking with another address or in another calendar by now stays as it is.

    The answer has their number.
    """
    erased = canonical_email(command.email)
    rows = [BookingRow._make(row) for row in _read.rows(transaction.db, command.bookings)]
    rows = [
        row
        for row in rows
        if row.calendar == command.calendar and row.email is not None and canonical_email(row.email) == erased
    ]
    for row in rows:
        blocks.forget(transaction, (command.calendar,), row.email, row.phone)
    return _erase(transaction, command.calendar, rows)


@handles(ErasePastBookings)
def erase_past_bookings(transaction: Transaction, command: ErasePastBookings) -> CommandResult:
    """Erase the customers. A booking that was moved to a later time, or to another calendar, stays as it is."""
    ids = [booking for (booking,) in _ended.rows(transaction.db, command.bookings, before=command.ended_before)]
    rows = [BookingRow._make(row) for row in _read.rows(transaction.db, ids)]
    return _erase(transaction, command.calendar, [row for row in rows if row.calendar == command.calendar])


def _erase(transaction: Transaction, calendar: str, rows: list[BookingRow]) -> CommandResult:
    if rows:
        seq = change_log.next_seq(transaction, calendar)
        history.erase(transaction, calendar, [row.id for row in rows])
        for row in rows:
            bookings.write(transaction, bookings.without_customer(row), row, seq)
        append_slot_changes(transaction, calendar, Type.BOOKING_UPDATED, bookings=[row.id for row in rows])
    return CommandResult(calendar, "erased", len(rows))
