"""A booking's move to another slot, also of another calendar: in one transaction, so it always stands in one place."""

from __future__ import annotations

from models import bookings, holds, log, rules, seats
from models.batch import Batch, Done
from models.change import Type
from models.commands import RescheduleBooking
from models.identity import new_id
from models.tables import BookingRow, CalendarRow


def reschedule_booking(batch: Batch, command: RescheduleBooking) -> Done:
    """`booking.reschedule`: gives the old seats back and takes the new ones; what refuses it leaves the old booking.

    The old seats come first, so that a booking may move to a slot that only it stood in the way of. Between two
    calendars each gets its change, with one `tx`.
    """
    asker = command.asker
    row = bookings.find(batch.db, batch.tokens, command.booking, command.token, is_staff_of=asker.is_staff_of)
    bookings.check_live(row)
    slot = seats.find(batch, command.slot)
    calendar = batch.calendar(slot.calendar)
    hold = holds.find_on(batch, command.hold, slot) if command.hold else None
    if slot.id == row.slot:
        return Done(row.calendar, "booking", bookings.public(row))
    is_paid = hold is not None and holds.is_usable(hold, command.received or batch.now, if_still_free=False)
    holds.check_seats(row.seats, hold)
    if not asker.is_staff_of(row.calendar):
        rules.check_cancel(rules.policy_of(batch.calendar(row.calendar)), seats.find(batch, row.slot), batch.now)
    if not is_paid:
        _check_welcome(command, row, calendar)
    moved = row._replace(calendar=calendar.id, slot=slot.id, status=_status(command, row, calendar))
    tx = new_id(batch.now)
    if row.calendar != calendar.id:
        seats.shift(batch, row.slot, log.next_seq(batch, row.calendar), booked=-row.seats)
        seats.tell(batch, row.calendar, Type.SLOT_RESCHEDULED, bookings=[row.id], tx=tx)
        seq = log.next_seq(batch, calendar.id)
        holds.seat(batch, slot, seq, row.seats, hold, is_paid=is_paid)
        bookings.write(batch, moved, seq)
        seats.tell(batch, calendar.id, Type.SLOT_RESCHEDULED, bookings=[row.id], tx=tx)
    else:
        seq = log.next_seq(batch, calendar.id)
        seats.shift(batch, row.slot, seq, booked=-row.seats)
        holds.seat(batch, slot, seq, row.seats, hold, is_paid=is_paid)
        bookings.write(batch, moved, seq)
        seats.tell(batch, calendar.id, Type.SLOT_RESCHEDULED, bookings=[row.id])
    left = row.calendar if row.calendar != calendar.id else ""
    return Done(calendar.id, "booking", bookings.public(moved), left=left)


def _check_welcome(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> None:
    """Who has a booking in a calendar may move it there; for another calendar it takes what a new booking takes."""
    if row.calendar == calendar.id:
        rules.check_in_use(calendar)
    else:
        rules.check_book(command.asker, calendar)


def _status(command: RescheduleBooking, row: BookingRow, calendar: CalendarRow) -> str:
    """Where staff confirm, what a customer moves is to be confirmed again; what staff move is as it was."""
    if command.asker.is_staff_of(calendar.id):
        return row.status
    return "pending" if rules.policy_of(calendar).confirmation == "staff" else "confirmed"
