"""Reschedules a booking to another slot, also of another calendar, in one transaction."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from models.contract.changes import Type
from models.contract.commands import RescheduleBooking
from models.contract.ids import new_id
from models.domain import bookings, capacity, change_log, holds, limits, rules
from models.domain.slot_changes import append_slot_changes
from models.storage.tables import BookingRow, CalendarRow, HoldRow, SlotRow
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction


@handles(RescheduleBooking)
def reschedule_booking(transaction: Transaction, command: RescheduleBooking) -> CommandResult:
    """`booking.reschedule`: free the old seats and take the new ones; a refusal leaves the booking as it was."""
    row = bookings.find(transaction.db, transaction.tokens, command.principal, command.booking, command.token)
    bookings.check_version(row, command.if_version)
    bookings.check_live(row)
    slot = capacity.find(transaction, command.slot)
    calendar = transaction.calendar(slot.calendar)
    hold = holds.find_on(transaction, command.hold, slot) if command.hold else None
    if slot.id == row.slot:
        return CommandResult(row.calendar, "booking", bookings.public(row))
    is_covered = hold is not None and holds.is_usable(hold, command.received or transaction.now, if_still_free=False)
    holds.check_seats(row.seats, hold)
    if not command.principal.is_staff_of(row.calendar):
        policy = rules.policy_of(transaction.calendar(row.calendar))
        rules.check_cancel(policy, capacity.find(transaction, row.slot), transaction.now)
    if not is_covered:
        _check_target(command, row, calendar)
    booker = limits.Booker(row.booked_by, row.email or "")
    limits.check(transaction, command.principal, calendar, slot, booker, moving=row.id)
    moved = row._replace(calendar=calendar.id, slot=slot.id, status=_status(command, row, calendar))
    _move(transaction, row, moved, slot, hold, is_covered=is_covered)
    left = row.calendar if row.calendar != calendar.id else ""
    return CommandResult(calendar.id, "booking", bookings.public(moved), left=left)


def _move(
    transaction: Transaction, old: BookingRow, new: BookingRow, slot: SlotRow, hold: HoldRow | None, *, is_covered: bool
) -> None:
    """Move the seats. The old ones go first, since the booking may itself block the new slot.

    Within a calendar this is one change. Between two calendars each of them gets a change with the same `tx`.
    """
    seq = change_log.next_seq(transaction, old.calendar)
    capacity.shift(transaction, old.slot, seq, booked=-old.seats)
    tx: str | UnsetType = UNSET
    if old.calendar != new.calendar:
        tx = new_id(transaction.now)
        append_slot_changes(transaction, old.calendar, Type.SLOT_RESCHEDULED, bookings=[old.id], tx=tx)
        seq = change_log.next_seq(transaction, new.calendar)
    holds.take_for_booking(transaction, slot, seq, old.seats, hold, is_covered=is_covered)
    bookings.write(transaction, new, seq)
    append_slot_changes(transaction, new.calendar, Type.SLOT_RESCHEDULED, bookings=[old.id], tx=tx)


def _check_target(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> None:
    """Check the right to book in the new calendar. A booking of the same calendar has it."""
    if row.calendar == calendar.id:
        rules.check_in_use(calendar)
    else:
        rules.check_book(command.principal, calendar)


def _status(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> str:
    """Return the new status: a customer's move needs the staff's confirmation anew, a move by staff does not."""
    if command.principal.is_staff_of(calendar.id):
        return row.status
    return "pending" if rules.policy_of(calendar).confirmation == "staff" else "confirmed"
