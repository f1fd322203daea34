"""Reschedules a booking to another slot, also of another calendar, in one transaction."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from models.contract.changes import Type
from models.contract.commands.bookings import RescheduleBooking
from models.contract.errors import PolicyRefused
from models.contract.values.ids import new_id
from models.domain.bookings import bookings, holds, mail_order
from models.domain.log import change_log
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import limits, override, rules
from models.domain.policy.booking_states import is_done
from models.domain.slots import capacity
from models.storage.rows import BookingRow, CalendarRow, HoldRow, SlotRow
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction


@handles(RescheduleBooking)
def reschedule_booking(transaction: Transaction, command: RescheduleBooking) -> CommandResult:
    """`booking.reschedule`: free the old seats and take the new ones; a refusal leaves the booking as it was."""
    row = bookings.find_here(transaction, command.principal, command.booking, command.token)
    bookings.check_version(row, command.if_version)
    is_done(row.status, "reschedule")
    slot = capacity.find(transaction, command.slot)
    calendar = transaction.calendar(slot.calendar)
    is_override = override.is_asked(command.principal, calendar.id, command.override)
    hold = holds.find_on(transaction, command.hold, slot) if command.hold else None
    if slot.id == row.slot:
        return CommandResult(row.calendar, "booking", bookings.public(row), overridden=[] if is_override else None)
    is_covered = hold is not None and holds.is_usable(hold, command.received or transaction.now, if_still_free=False)
    holds.check_seats(row.seats, hold)
    if not command.principal.is_staff_of(row.calendar):
        policy = rules.policy_of(transaction.calendar(row.calendar))
        rules.check_cancel(policy, capacity.find(transaction, row.slot), transaction.now)
    if not is_covered:
        _check_target(command, row, calendar)
    _check_verification(transaction, command, row, calendar, is_covered=is_covered)
    rules.check_not_blocked(command.principal, calendar.id)
    booker = limits.Booker(row.booked_by, row.email or "")
    limits.check(transaction, command.principal, calendar, slot, booker, moving=row.id)
    moved = row._replace(calendar=calendar.id, slot=slot.id)
    if not is_override and mail_order.is_waited_for(transaction, row):
        moved = moved._replace(expires_at=min(row.expires_at or slot.start, slot.start))
    else:
        status = "confirmed" if is_override else _status(command, row, calendar)
        moved = bookings.with_expiry(transaction, moved._replace(status=status), slot)
    passed = _move(transaction, row, moved, slot, hold, is_covered=is_covered, is_override=is_override)
    left = row.calendar if row.calendar != calendar.id else ""
    overridden = passed.split() if is_override else None
    return CommandResult(calendar.id, "booking", bookings.public(moved), left=left, overridden=overridden)


def _move(
    transaction: Transaction,
    old: BookingRow,
    new: BookingRow,
    slot: SlotRow,
    hold: HoldRow | None,
    *,
    is_covered: bool,
    is_override: bool,
) -> str:
    """Move the seats, and return the rules passed over. The old ones go first: the booking may block the new slot.

    Within a calendar this is one change. Between two calendars each of them gets a change with the same `tx`.
    """
    seq = change_log.next_seq(transaction, old.calendar)
    capacity.shift(transaction, old.slot, seq, booked=-old.seats)
    tx: str | UnsetType = UNSET
    if old.calendar != new.calendar:
        tx = new_id(transaction.now)
        append_slot_changes(transaction, old.calendar, Type.SLOT_RESCHEDULED, bookings=[old.id], tx=tx)
        seq = change_log.next_seq(transaction, new.calendar)
    passed = holds.take_for_booking(
        transaction, slot, seq, old.seats, hold, is_covered=is_covered, is_override=is_override
    )
    bookings.write(transaction, new._replace(overridden=passed), old, seq)
    append_slot_changes(transaction, new.calendar, Type.SLOT_RESCHEDULED, bookings=[old.id], tx=tx)
    return passed


def _check_target(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> None:
    """Check the right to book in the new calendar. A booking of the same calendar has it."""
    if row.calendar == calendar.id:
        rules.check_in_use(calendar)
    else:
        rules.check_book(command.principal, calendar)


def _check_verification(
    transaction: Transaction, command: RescheduleBooking, row: BookingRow, calendar: CalendarRow, *, is_covered: bool
) -> None:
    """Refuse a guest's move into a calendar that asks more of a guest than the present one. A hold had its proof."""
    asked = rules.policy_of(calendar).verification
    if asked == "none" or command.principal.is_named(calendar.id) or (asked == "proof" and is_covered):
        return
    if asked != rules.policy_of(transaction.calendar(row.calendar)).verification:
        message = "The other calendar verifies its guests: cancel, and book there."
        raise PolicyRefused(message, rule="verification", verification=asked)


def _status(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> str:
    """Return the new status: a customer's move needs the staff's confirmation anew, a move by staff does not."""
    if command.principal.is_staff_of(calendar.id):
        return row.status
    return bookings.new_status(calendar)
