"""A booking's move to another slot, also of another calendar: in one transaction, so it always stands in one place."""

from __future__ import annotations

from models.contract.changes import Type
from models.contract.commands import RescheduleBooking
from models.contract.identifiers import new_id
from models.domain import bookings, capacity, change_log, holds, rules
from models.storage.tables import BookingRow, CalendarRow
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction


@handles(RescheduleBooking)
def reschedule_booking(transaction: Transaction, command: RescheduleBooking) -> CommandResult:
    """`booking.reschedule`: gives the old seats back and takes the new ones; what refuses it leaves the old booking.

    The old seats come first, so that a booking may move to a slot that only it stood in the way of. Between two
    calendars each gets its change, with one `tx`.
    """
    principal = command.principal
    row = bookings.find(
        transaction.db, transaction.tokens, command.booking, command.token, is_staff_of=principal.is_staff_of
    )
    bookings.check_live(row)
    slot = capacity.find(transaction, command.slot)
    calendar = transaction.calendar(slot.calendar)
    hold = holds.find_on(transaction, command.hold, slot) if command.hold else None
    if slot.id == row.slot:
        return CommandResult(row.calendar, "booking", bookings.public(row))
    is_paid = hold is not None and holds.is_usable(hold, command.received or transaction.now, if_still_free=False)
    holds.check_seats(row.seats, hold)
    if not principal.is_staff_of(row.calendar):
        rules.check_cancel(
            rules.policy_of(transaction.calendar(row.calendar)), capacity.find(transaction, row.slot), transaction.now
        )
    if not is_paid:
        _check_welcome(command, row, calendar)
    moved = row._replace(calendar=calendar.id, slot=slot.id, status=_status(command, row, calendar))
    tx = new_id(transaction.now)
    if row.calendar != calendar.id:
        capacity.shift(transaction, row.slot, change_log.next_seq(transaction, row.calendar), booked=-row.seats)
        capacity.append_slot_changes(transaction, row.calendar, Type.SLOT_RESCHEDULED, bookings=[row.id], tx=tx)
        seq = change_log.next_seq(transaction, calendar.id)
        holds.seat(transaction, slot, seq, row.seats, hold, is_paid=is_paid)
        bookings.write(transaction, moved, seq)
        capacity.append_slot_changes(transaction, calendar.id, Type.SLOT_RESCHEDULED, bookings=[row.id], tx=tx)
    else:
        seq = change_log.next_seq(transaction, calendar.id)
        capacity.shift(transaction, row.slot, seq, booked=-row.seats)
        holds.seat(transaction, slot, seq, row.seats, hold, is_paid=is_paid)
        bookings.write(transaction, moved, seq)
        capacity.append_slot_changes(transaction, calendar.id, Type.SLOT_RESCHEDULED, bookings=[row.id])
    left = row.calendar if row.calendar != calendar.id else ""
    return CommandResult(calendar.id, "booking", bookings.public(moved), left=left)


def _check_welcome(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> None:
    """Who has a booking in a calendar may move it there; for another calendar it takes what a new booking takes."""
    if row.calendar == calendar.id:
        rules.check_in_use(calendar)
    else:
        rules.check_book(command.principal, calendar)


def _status(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> str:
    """Where staff confirm, what a customer moves is to be confirmed again; what staff move is as it was."""
    if command.principal.is_staff_of(calendar.id):
        return row.status
    return "pending" if rules.policy_of(calendar).confirmation == "staff" else "confirmed"
