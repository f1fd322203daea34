"""Rejects pending bookings without an answer of staff in time. The scheduler finds them by an index."""

from __future__ import annotations

from peewee import Database, fn

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.contract.commands.background import ExpireBookings
from models.domain.bookings import bookings
from models.domain.log import change_log
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy.booking_states import MOVES, State
from models.domain.policy.pending import IS_PENDING
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.rows import BookingRow
from models.storage.tables import Booking, Calendar, Slot, columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

DUE_AT_ONCE = 1_000  # bookings

_calendar = Calendar.select(1).where(Calendar.id == Booking.calendar)
# In the order of the index: with DISTINCT, SQLite reads every booking in the order of another one.
_due = CompiledQuery(
    Booking.select(Booking.calendar)
    .where(IS_PENDING & (Booking.expires_at <= bind("now")) & fn.EXISTS(_calendar))
    .order_by(Booking.expires_at)
    .limit(literal(DUE_AT_ONCE))
)
_home = Slot.select(Slot.calendar).where(Slot.id == Booking.slot)
_overdue = CompiledQuery(
    Booking.select(*columns(Booking), _home)
    .where(IS_PENDING & (Booking.expires_at <= bind("now")) & (Booking.calendar == bind("calendar")))
    .order_by(Booking.expires_at)
    .limit(literal(SLOTS_A_CHANGE))
)
_put_right = CompiledQuery(
    Booking.update({Booking.calendar: bind("calendar"), Booking.status: bind("status")}).where(
        Booking.id == bind("booking")
    )
)


def read_due(db: Database, now: int) -> list[str]:
    """Return the calendars of expired pending bookings, the most overdue first."""
    return list(dict.fromkeys(row[0] for row in _due.rows(db, now=now)))


@handles(ExpireBookings)
def expire_bookings(transaction: Transaction, command: ExpireBookings) -> CommandResult:
    """Reject at most 200 overdue bookings, and free their seats, in one change. The answer has their number.

    A booking without a slot, or with one of another calendar, is put right like such a hold (ExpireHolds).
    """
    found = _overdue.rows(transaction.db, calendar=command.calendar, now=transaction.now)
    rows = [BookingRow._make(row) for *row, home in found if home == command.calendar]
    for booking, *_, home in found:
        if home != command.calendar:
            status = MOVES["expire"].to if home is None else State.PENDING
            _put_right.execute(transaction.db, booking=booking, calendar=home or command.calendar, status=str(status))
    if rows:
        seq = change_log.next_seq(transaction, command.calendar)
        for row in rows:
            bookings.free(transaction, row, str(MOVES["expire"].to), seq)
        append_slot_changes(transaction, command.calendar, Type.BOOKING_UPDATED, bookings=[row.id for row in rows])
    return CommandResult(command.calendar, "lapsed", len(found))
