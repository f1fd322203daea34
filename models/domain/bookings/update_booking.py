"""Corrects a booking: the details of its customer, its data, and its number of seats."""

from __future__ import annotations

from typing import Any, Literal, get_args

from msgspec import UnsetType

from models.contract.commands.bookings import NewDetails, UpdateBooking
from models.contract.errors import BadRequest, PolicyRefused
from models.contract.values.canonical_email import canonical_email
from models.domain.bookings import bookings, holds, mail_order
from models.domain.log import change_log
from models.domain.policy import limits, override, rules
from models.domain.policy.booking_states import is_done
from models.domain.policy.customer import check_detail, check_name
from models.domain.policy.intake import check_answers, check_phone
from models.domain.policy.metadata import check_object
from models.domain.slots import capacity
from models.storage.rows import BookingRow
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

_Detail = Literal["email", "phone", "note"]
_DETAILS: tuple[_Detail, ...] = get_args(_Detail)


@handles(UpdateBooking)
def update_booking(transaction: Transaction, command: UpdateBooking) -> CommandResult:
    """`booking.update`: replace what is given, and take or give back seats; a refusal leaves all as it was.

    More seats are taken like those of a new booking. A holder gives some back as late as they could cancel.
    """
    principal = command.principal
    row = bookings.find_here(transaction, principal, command.booking, command.token)
    is_override = override.is_asked(principal, row.calendar, command.override)
    bookings.check_version(row, command.if_version)
    rules.check_not_blocked(principal, row.calendar)
    if not principal.is_staff_of(row.calendar):
        is_done(row.status, "update")
    seats = row.seats if not isinstance(command.seats, int) else command.seats
    changed = row
    if isinstance(command.customer, NewDetails):
        changed = _with_details(row, command.customer)
        _check_limits(transaction, command, row, changed)
    if not isinstance(command.data, UnsetType):
        changed = _with_data(changed, command.data)
    _check_intake(transaction, command, row, changed)
    passed: list[str] | None = [] if is_override else None
    if seats != row.seats:
        holds.check_seats(seats)
        is_done(row.status, "change_seats")
        rules.check_in_use(transaction.calendar(row.calendar))
        seq = change_log.next_seq(transaction, row.calendar)
        taken = _move_seats(transaction, command, changed._replace(seats=seats), seq, seats - row.seats)
        if is_override:
            passed = taken
        if taken:
            changed = changed._replace(overridden=" ".join(dict.fromkeys([*row.overridden.split(), *taken])))
        changed = _asked_anew(transaction, command, changed._replace(seats=seats), seats - row.seats)
        return bookings.write_with_change(transaction, changed, row, seq)._replace(overridden=passed)
    if changed == row:
        return CommandResult(row.calendar, "booking", bookings.public(row), overridden=passed)
    return bookings.write_alone(transaction, changed, row)._replace(overridden=passed)


def _check_intake(transaction: Transaction, command: UpdateBooking, before: BookingRow, after: BookingRow) -> None:
    """Check what a holder changes against what the calendar asks. A booking from before a question has no answer."""
    if command.principal.is_staff_of(before.calendar):
        return
    policy = rules.policy_of(transaction.calendar(before.calendar))
    if after.phone != before.phone:
        check_phone(policy, after.phone)
    if after.data != before.data:
        check_answers(policy, after.data)


def _with_details(row: BookingRow, given: NewDetails) -> BookingRow:
    """Return the booking with the given details, checked like those of a new booking."""
    changed: dict[str, Any] = {}
    if isinstance(given.name, str):
        changed["name"] = check_name(given.name)
    elif row.name is None:
        raise BadRequest("A booking needs a name.", field="customer.name")
    for field in _DETAILS:
        value = getattr(given, field)
        if value is None or isinstance(value, str):
            changed[field] = check_detail(field, value)
    return row._replace(**changed)


def _with_data(row: BookingRow, given: dict[str, Any] | None) -> BookingRow:
    """Return the booking with this data. It was erased with the customer, and comes back with a customer only."""
    if given is not None and row.name is None:
        raise BadRequest("The customer of this booking was erased.", field="data")
    return row._replace(data=check_object(given, "data"))


def _check_limits(transaction: Transaction, command: UpdateBooking, row: BookingRow, changed: BookingRow) -> None:
    """Refuse another e-mail address that has as many bookings already as the calendar allows a customer.

    Where guests prove their address by a code, they change it by a new booking: it would count unproven otherwise, and
    mails with codes would go to anyone.
    """
    is_other = canonical_email(changed.email or "") != canonical_email(row.email or "")
    if not is_other or command.principal.is_staff_of(row.calendar):
        return
    if mail_order.is_needed(command.principal, transaction.calendar(row.calendar)):
        message = "The e-mail address of a booking here is verified, so only staff change it."
        raise PolicyRefused(message, rule="verification", field="customer.email")
    slot, booker = capacity.find(transaction, row.slot), limits.Booker("", changed.email or "")
    limits.check(transaction, command.principal, transaction.calendar(row.calendar), slot, booker, moving=row.id)


def _move_seats(transaction: Transaction, command: UpdateBooking, row: BookingRow, seq: int, more: int) -> list[str]:
    """Take `more` seats, or give some back, and return the rules passed over."""
    slot = capacity.find(transaction, row.slot)
    policy = rules.policy_of(transaction.calendar(row.calendar))
    if more < 0:
        if not command.principal.is_staff_of(row.calendar):
            rules.check_cancel(policy, slot, transaction.now)
        capacity.shift(transaction, slot.id, seq, booked=more)
        return []
    if override.is_asked(command.principal, row.calendar, command.override):
        return holds.take_over_rules(transaction, slot, seq, booked=more)
    rules.check_notice(policy, slot, transaction.now)
    holds.take(transaction, slot, seq, booked=more)
    return []


def _asked_anew(transaction: Transaction, command: UpdateBooking, row: BookingRow, more: int) -> BookingRow:
    """Return the booking with its new status: a customer's further seats need the staff's confirmation anew."""
    calendar = transaction.calendar(row.calendar)
    if more < 0 or command.principal.is_staff_of(row.calendar) or row.status == "pending":
        return row
    asked = row._replace(status=bookings.new_status(calendar))
    return bookings.with_expiry(transaction, asked, capacity.find(transaction, row.slot))
