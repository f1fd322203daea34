"""The commands of bookings. Only staff and the holder of a booking may read its customer."""

from __future__ import annotations

from typing import Literal

from msgspec import UNSET, Struct, UnsetType
from peewee import Database

from models.contract.changes import Type
from models.contract.commands.bookings import (
    BookSlot,
    CancelBooking,
    ConfirmBooking,
    EraseCustomer,
    MarkNoShow,
    ReinstateBooking,
    RejectBooking,
    StaffOnBooking,
)
from models.contract.errors import Forbidden, NotFound, Unauthorized, VersionConflict
from models.contract.principal import Principal, Role
from models.contract.values.ids import UUID, new_id
from models.contract.values.tokens import Tokens
from models.domain.access import blocks
from models.domain.bookings import holds, mail_order, proof
from models.domain.log import change_log, history
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import booking_states, limits, override, pending, rules
from models.domain.policy.booking_states import is_done
from models.domain.policy.customer import check_customer
from models.domain.policy.intake import check_intake
from models.domain.policy.metadata import check_object
from models.domain.slots import capacity
from models.storage.compiled_query import CompiledInsert, CompiledQuery, bind
from models.storage.rows import BookingRow, CalendarRow, SlotRow
from models.storage.tables import Booking, columns
from models.transaction.handlers import handles
from models.transaction.routing import StaleRoute
from models.transaction.transaction import CommandResult, Transaction


class PublicBooking(Struct, kw_only=True):
    """A booking as its holder sees it, without the customer."""

    id: str
    calendar: str
    slot: str
    seats: int
    status: str
    verification: Literal["email"] | UnsetType = UNSET
    token: str | UnsetType = UNSET


_read = CompiledQuery(Booking.select(*columns(Booking)).where(Booking.id == bind("booking")))
_insert = CompiledInsert(Booking)
_update = CompiledQuery(
    Booking.update(
        {
            Booking.calendar: bind("calendar"),
            Booking.slot: bind("slot"),
            Booking.status: bind("status"),
            Booking.name: bind("name"),
            Booking.email: bind("email"),
            Booking.phone: bind("phone"),
            Booking.note: bind("note"),
            Booking.version: bind("version"),
            Booking.changed_at: bind("changed_at"),
            Booking.booked_by: bind("booked_by"),
            Booking.data: bind("data"),
            Booking.seats: bind("seats"),
            Booking.overridden: bind("overridden"),
            Booking.expires_at: bind("expires_at"),
        }
    ).where(
        (Booking.id == bind("id"))
        & (Booking.calendar == bind("was_calendar"))
        & (Booking.slot == bind("was_slot"))
        & (Booking.seats == bind("was_seats"))
        & (Booking.status == bind("was_status"))
        & (Booking.version == bind("was_version"))
    )
)


def public(row: BookingRow) -> PublicBooking:
    """Return the booking without its token. The answer to `slot.book` adds the token."""
    return PublicBooking(id=row.id, calendar=row.calendar, slot=row.slot, seats=row.seats, status=row.status)


@handles(BookSlot, checks_first=True)
def book_slot(transaction: Transaction, command: BookSlot) -> CommandResult:
    """`slot.book`: book the seats of a hold, or free seats. One write decides between two commands for a seat."""
    slot = capacity.find(transaction, command.slot)
    calendar = transaction.calendar(slot.calendar)
    customer, data = check_customer(command.customer), check_object(command.data, "data")
    hold = holds.find_on(transaction, command.hold, slot) if command.hold else None
    count = command.seats if command.seats is not None else hold.seats if hold else 1
    holds.check_seats(count, hold)
    is_covered = hold is not None and holds.is_usable(
        hold, command.received or transaction.now, if_still_free=command.if_still_free
    )
    is_override = override.is_asked(command.principal, slot.calendar, command.override)
    if not is_covered:
        rules.check_book(command.principal, calendar)
    rules.check_not_blocked(command.principal, calendar.id)
    if not command.principal.is_staff_of(calendar.id):
        check_intake(rules.policy_of(calendar), customer.phone, data)
    booker = limits.identify(transaction.tokens, command.principal, calendar.id, customer.email)
    limits.check(transaction, command.principal, calendar, slot, booker)
    is_unverified = mail_order.is_needed(command.principal, calendar)
    language = command.language if isinstance(command.language, str) else ""
    order = mail_order.check(transaction, booker.caller, customer.email, language) if is_unverified else None
    if not is_covered:
        proof.use(transaction, command.principal, calendar, command.proof)
    seq = change_log.next_seq(transaction, slot.calendar)
    passed = holds.take_for_booking(transaction, slot, seq, count, hold, is_covered=is_covered, is_override=is_override)
    row = BookingRow(
        id=new_id(transaction.now),
        calendar=slot.calendar,
        slot=slot.id,
        seats=count,
        status="confirmed" if is_override else new_status(calendar),
        name=customer.name,
        email=customer.email,
        phone=customer.phone,
        note=customer.note,
        created_at=transaction.now,
        version=seq,
        changed_at=transaction.now,
        booked_by=booker.caller,
        data=data,
        overridden=passed,
    )
    row = with_expiry(transaction, row, slot) if order is None else mail_order.begin(transaction, row, slot, order)
    transaction.insert(_insert, row)
    append_slot_changes(transaction, slot.calendar, Type.SLOT_BOOKED, bookings=[row.id])
    overridden = passed.split() if is_override else None
    answer = public(row)
    if order is not None:
        answer.verification = "email"
    return CommandResult(slot.calendar, "booking", answer, token="booking", overridden=overridden)


def new_status(calendar: CalendarRow) -> str:
    """Return the status of a booking that a customer makes or moves."""
    return "pending" if rules.policy_of(calendar).confirmation == "staff" else "confirmed"


def with_expiry(transaction: Transaction, row: BookingRow, slot: SlotRow) -> BookingRow:
    """Return the booking with the time at which it expires, if it is pending from now on."""
    if row.status != booking_states.State.PENDING:
        return row if row.expires_at is None else row._replace(expires_at=None)
    policy = rules.policy_of(transaction.calendar(slot.calendar))
    return row._replace(expires_at=pending.expires_at(policy, slot.start, transaction.now))


def read(transaction: Transaction, booking: str) -> BookingRow | None:
    """Return the booking, whoever asks."""
    row = _read.row(transaction.db_with(Booking), booking=booking) if UUID.fullmatch(booking) else None
    return BookingRow._make(row) if row is not None else None


def find(
    db: Database, tokens: Tokens, principal: Principal, booking: str, token: str, *, role: Role = Role.STAFF
) -> BookingRow:
    """Return the booking; raise Forbidden unless the token is the booking's or the principal has the role.

    Raise Unauthorized where neither a token of the booking nor one of a principal came.
    """
    row = _read.row(db, booking=booking) if UUID.fullmatch(booking) else None
    if row is None:
        raise NotFound(what="booking")
    found = BookingRow._make(row)
    if principal.role_in(found.calendar) < role and not tokens.is_token(token, "booking", booking):
        if not token and not principal.subject:
            raise Unauthorized("A booking is shown and changed with its token.")
        raise Forbidden("This token is not the booking's.")
    return found


def find_here(transaction: Transaction, principal: Principal, booking: str, token: str) -> BookingRow:
    """Return the booking as `find` does, of a calendar locked by this transaction."""
    row = find(transaction.db_with(Booking), transaction.tokens, principal, booking, token)
    capacity.check_route(transaction, row.calendar)
    return row


def check_version(row: BookingRow, if_version: int | UnsetType) -> None:
    """Refuse a command about another version of the booking."""
    if not isinstance(if_version, UnsetType) and if_version != row.version:
        raise VersionConflict(version=row.version)


@handles(CancelBooking, checks_first=True)
def cancel_booking(transaction: Transaction, command: CancelBooking) -> CommandResult:
    """`booking.cancel`: free the seats at once; idempotent. The cancel notice does not bind staff."""
    principal = command.principal
    row = find_here(transaction, principal, command.booking, command.token)
    check_version(row, command.if_version)
    if is_done(row.status, "cancel"):
        return CommandResult(row.calendar, "booking", public(row))
    if not principal.is_staff_of(row.calendar):
        policy = rules.policy_of(transaction.calendar(row.calendar))
        rules.check_cancel(policy, capacity.find(transaction, row.slot), transaction.now)
    return _free(transaction, row, "cancelled", Type.SLOT_CANCELLED)


@handles(ConfirmBooking, checks_first=True)
def confirm_booking(transaction: Transaction, command: ConfirmBooking) -> CommandResult:
    """`booking.confirm`: confirm a pending booking, which has its seats already."""
    row = _found_for_staff(transaction, command)
    if is_done(row.status, "confirm"):
        return CommandResult(row.calendar, "booking", public(row))
    return write_alone(transaction, row._replace(status="confirmed"), row)


@handles(RejectBooking, checks_first=True)
def reject_booking(transaction: Transaction, command: RejectBooking) -> CommandResult:
    """`booking.reject`: reject a pending booking, and free its seats at once."""
    row = _found_for_staff(transaction, command)
    if is_done(row.status, "reject"):
        return CommandResult(row.calendar, "booking", public(row))
    return _free(transaction, row, "rejected", Type.BOOKING_UPDATED)


@handles(MarkNoShow, checks_first=True)
def mark_no_show(transaction: Transaction, command: MarkNoShow) -> CommandResult:
    """`booking.no_show`: note that the customer did not come, once the slot has begun. The seats stay taken."""
    row = _found_for_staff(transaction, command)
    if is_done(row.status, "no_show"):
        return CommandResult(row.calendar, "booking", public(row))
    rules.check_begun(capacity.find(transaction, row.slot), transaction.now)
    return write_alone(transaction, row._replace(status="no_show"), row)


@handles(ReinstateBooking)
def reinstate_booking(transaction: Transaction, command: ReinstateBooking) -> CommandResult:
    """`booking.reinstate`: confirm a booking again. A no-show has its seats still; the others take theirs anew."""
    row = _found_for_staff(transaction, command)
    is_override = override.is_asked(command.principal, row.calendar, command.override)
    passed: list[str] | None = [] if is_override else None
    if is_done(row.status, "reinstate"):
        return CommandResult(row.calendar, "booking", public(row), overridden=passed)
    slot = capacity.find(transaction, row.slot)
    confirmed = row._replace(status="confirmed")
    if row.status in booking_states.SEATED:
        return write_alone(transaction, confirmed, row)._replace(overridden=passed)
    rules.check_in_use(transaction.calendar(row.calendar))
    seq = change_log.next_seq(transaction, row.calendar)
    if is_override:
        passed = holds.take_over_rules(transaction, slot, seq, booked=row.seats, checks_time=False)
    else:
        holds.take(transaction, slot, seq, booked=row.seats)
    confirmed = confirmed._replace(overridden=" ".join(passed or ()))
    return write_with_change(transaction, confirmed, row, seq)._replace(overridden=passed)


@handles(EraseCustomer)
def erase_customer(transaction: Transaction, command: EraseCustomer) -> CommandResult:
    """`booking.erase`: forget the customer. The booking stands, and the log never had the customer."""
    row = _found_for_staff(transaction, command)
    if row.name is None:
        return CommandResult(row.calendar, "booking", public(row))
    history.erase(transaction, row.calendar, [row.id])
    blocks.forget(transaction, (row.calendar,), row.email, row.phone)
    return write_alone(transaction, without_customer(row), row)


def without_customer(row: BookingRow) -> BookingRow:
    return row._replace(name=None, email=None, phone=None, note=None, booked_by="", data=None)


def _found_for_staff(transaction: Transaction, command: StaffOnBooking) -> BookingRow:
    row = _read.row(transaction.db_with(Booking), booking=command.booking)
    if row is None:
        raise NotFound(what="booking")
    found = BookingRow._make(row)
    capacity.check_route(transaction, found.calendar)
    check_version(found, command.if_version)
    return found


def _free(transaction: Transaction, row: BookingRow, status: str, kind: Type) -> CommandResult:
    seq = change_log.next_seq(transaction, row.calendar)
    free(transaction, row, status, seq)
    append_slot_changes(transaction, row.calendar, kind, bookings=[row.id], about=row.slot)
    return CommandResult(row.calendar, "booking", public(row._replace(status=status)))


def free(transaction: Transaction, row: BookingRow, status: str, seq: int) -> None:
    """End the booking, and then free its seats: an outside writer may have done so already. The caller appends."""
    write(transaction, row._replace(status=status), row, seq)
    capacity.shift(transaction, row.slot, seq, booked=-row.seats)


def write_alone(transaction: Transaction, row: BookingRow, was: BookingRow) -> CommandResult:
    """Write the booking, whose seats stay as they are, with a change of its own."""
    return write_with_change(transaction, row, was, change_log.next_seq(transaction, row.calendar))


def write_with_change(
    transaction: Transaction, row: BookingRow, was: BookingRow, seq: int, kind: Type = Type.BOOKING_UPDATED
) -> CommandResult:
    """Write the booking, and append the change of the seq just allotted."""
    write(transaction, row, was, seq)
    append_slot_changes(transaction, row.calendar, kind, bookings=[row.id], about=row.slot)
    return CommandResult(row.calendar, "booking", public(row))


def write(transaction: Transaction, row: BookingRow, was: BookingRow, seq: int) -> None:
    """Write the booking. Its version only grows, also if it moves to a calendar with a lower seq.

    Raise StaleRoute if the booking no longer is as it `was` read: an outside writer has changed it since.
    """
    expires_at = row.expires_at if row.status == booking_states.State.PENDING else None
    version = max(row.version + 1, seq)
    written = row._replace(version=version, changed_at=transaction.now, expires_at=expires_at)
    done = _update.execute(
        transaction.db_with(Booking),
        **written._asdict(),
        was_calendar=was.calendar,
        was_slot=was.slot,
        was_seats=was.seats,
        was_status=was.status,
        was_version=was.version,
    )
    if not done.rowcount:
        raise StaleRoute
