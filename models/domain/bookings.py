"""Bookings: seats taken for good, with a customer whom only staff and the booking's own holder may read."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, cast

from msgspec import UNSET, Struct, UnsetType
from peewee import Database

from models.contract import changes
from models.contract.changes import Customer, Type
from models.contract.commands import (
    BookSlot,
    CancelBooking,
    ConfirmBooking,
    EraseCustomer,
    MarkNoShow,
    Person,
    ReinstateBooking,
    RejectBooking,
    StaffOnBooking,
)
from models.contract.errors import BadRequest, Forbidden, InvalidTransition, NotFound
from models.contract.identifiers import UUID, Tokens, new_id
from models.contract.time import write_time
from models.domain import capacity, change_log, holds, rules
from models.storage.compiled_query import CompiledInsert, CompiledListQuery, CompiledQuery, bind
from models.storage.page import read_cut
from models.storage.tables import Booking, BookingRow, Slot, columns
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

LIVE = ("pending", "confirmed")
CUSTOMER_CHARACTERS = {"name": 200, "email": 254, "phone": 40, "note": 2_000}


class PublicBooking(Struct, kw_only=True):
    """A booking as its holder sees it; customers are not repeated."""

    id: str
    calendar: str
    slot: str
    seats: int
    status: str
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
        }
    ).where(Booking.id == bind("id"))
)
_by_id = CompiledListQuery(lambda ids: Booking.select(*columns(Booking)).where(Booking.id.in_(ids)))
_in_window = CompiledQuery(
    Booking.select(Slot.start, *columns(Booking))
    .join(Slot, on=(Booking.slot == Slot.id))
    .where((Booking.calendar == bind("calendar")) & (Slot.end > bind("begin")) & (Slot.start < bind("finish")))
    .order_by(Slot.start, Booking.id)
    .limit(bind("most"))
)


def public(row: BookingRow) -> PublicBooking:
    """Without its token, which is added for whoever made it."""
    return PublicBooking(id=row.id, calendar=row.calendar, slot=row.slot, seats=row.seats, status=row.status)


def for_staff(row: BookingRow) -> changes.Booking:
    """With its customer; null once erased."""
    customer = None
    if row.name is not None:
        customer = Customer(name=row.name, email=row.email or UNSET, phone=row.phone or UNSET, note=row.note or UNSET)
    return changes.Booking(
        id=row.id,
        calendar=row.calendar,
        slot=row.slot,
        seats=row.seats,
        status=cast("Any", row.status),  # the table's CHECK
        customer=customer,
        created_at=write_time(row.created_at),
        version=row.version,
    )


@handles(BookSlot)
def book_slot(transaction: Transaction, command: BookSlot) -> CommandResult:
    """`slot.book`: with a hold its seats, else seats that are free; one write decides."""
    slot = capacity.find(transaction, command.slot)
    calendar = transaction.calendar(slot.calendar)
    customer = _checked_customer(command.customer)
    hold = holds.find_on(transaction, command.hold, slot) if command.hold else None
    count = command.seats if command.seats is not None else hold.seats if hold else 1
    holds.check_seats(count, hold)
    is_paid = hold is not None and holds.is_usable(
        hold, command.received or transaction.now, if_still_free=command.if_still_free
    )
    if not is_paid:
        rules.check_book(command.principal, calendar)
    seq = change_log.next_seq(transaction, slot.calendar)
    holds.seat(transaction, slot, seq, count, hold, is_paid=is_paid)
    status = "pending" if rules.policy_of(calendar).confirmation == "staff" else "confirmed"
    row = BookingRow(new_id(transaction.now), slot.calendar, slot.id, count, status, *customer, transaction.now, seq)
    _insert.run(transaction.db, row)
    capacity.append_slot_changes(transaction, slot.calendar, Type.SLOT_BOOKED, bookings=[row.id])
    return CommandResult(slot.calendar, "booking", public(row), token="booking")


def _checked_customer(customer: Person) -> tuple[str, str | None, str | None, str | None]:
    """Name, email, phone and note, trimmed; BadRequest names the first that can't be kept."""
    name = _checked("name", customer.name)
    if name is None:
        raise BadRequest("A booking needs a name.", field="customer.name")
    return name, _checked("email", customer.email), _checked("phone", customer.phone), _checked("note", customer.note)


def _checked(field: str, value: str | None) -> str | None:
    if not value:
        return None
    text = value.strip()
    if len(text) > CUSTOMER_CHARACTERS[field]:
        raise BadRequest(f"`{field}` has at most {CUSTOMER_CHARACTERS[field]} characters.", field=f"customer.{field}")
    if "\0" in text:
        raise BadRequest(f"`{field}` may not contain U+0000.", field=f"customer.{field}")
    return text or None


def find(db: Database, tokens: Tokens, booking: str, token: str, *, is_staff_of: Any) -> BookingRow:
    """The booking, once its token, or its calendar's staff, has shown the right to it."""
    row = _read.row(db, booking=booking) if UUID.fullmatch(booking) else None
    if row is None:
        raise NotFound(what="booking")
    found = BookingRow._make(row)
    if not is_staff_of(found.calendar) and not tokens.is_token(token, "booking", booking):
        raise Forbidden("This token is not the booking's.")
    return found


@handles(CancelBooking)
def cancel_booking(transaction: Transaction, command: CancelBooking) -> CommandResult:
    """`booking.cancel`: idempotent; its seats are free at once. Staff are not bound by the notice."""
    principal = command.principal
    row = find(transaction.db, transaction.tokens, command.booking, command.token, is_staff_of=principal.is_staff_of)
    if row.status == "cancelled":
        return CommandResult(row.calendar, "booking", public(row))
    check_live(row)
    if not principal.is_staff_of(row.calendar):
        policy = rules.policy_of(transaction.calendar(row.calendar))
        rules.check_cancel(policy, capacity.find(transaction, row.slot), transaction.now)
    return _freed(transaction, row, "cancelled", Type.SLOT_CANCELLED)


def check_live(row: BookingRow) -> None:
    if row.status not in LIVE:
        raise InvalidTransition(f"The booking is {row.status}.", rule="status", status=row.status)


@handles(ConfirmBooking)
def confirm_booking(transaction: Transaction, command: ConfirmBooking) -> CommandResult:
    """`booking.confirm`: what was pending is certain; its seats were its own already."""
    row = _found_for_staff(transaction, command)
    if row.status == "confirmed":
        return CommandResult(row.calendar, "booking", public(row))
    check_live(row)
    return _marked(transaction, row._replace(status="confirmed"), change_log.next_seq(transaction, row.calendar))


@handles(RejectBooking)
def reject_booking(transaction: Transaction, command: RejectBooking) -> CommandResult:
    """`booking.reject`: what was pending is not to be; its seats are free at once."""
    row = _found_for_staff(transaction, command)
    if row.status == "rejected":
        return CommandResult(row.calendar, "booking", public(row))
    if row.status != "pending":
        raise InvalidTransition(f"The booking is {row.status}.", rule="status", status=row.status)
    return _freed(transaction, row, "rejected", Type.BOOKING_UPDATED)


@handles(MarkNoShow)
def mark_no_show(transaction: Transaction, command: MarkNoShow) -> CommandResult:
    """`booking.no_show`: nobody came; the seats were taken, and stay so. Not before the slot has begun."""
    row = _found_for_staff(transaction, command)
    if row.status == "no_show":
        return CommandResult(row.calendar, "booking", public(row))
    if row.status != "confirmed":
        raise InvalidTransition(f"The booking is {row.status}.", rule="status", status=row.status)
    rules.check_begun(capacity.find(transaction, row.slot), transaction.now)
    return _marked(transaction, row._replace(status="no_show"), change_log.next_seq(transaction, row.calendar))


@handles(ReinstateBooking)
def reinstate_booking(transaction: Transaction, command: ReinstateBooking) -> CommandResult:
    """`booking.reinstate`: they came after all; the seats never went."""
    row = _found_for_staff(transaction, command)
    if row.status == "confirmed":
        return CommandResult(row.calendar, "booking", public(row))
    if row.status != "no_show":
        raise InvalidTransition(f"The booking is {row.status}.", rule="status", status=row.status)
    return _marked(transaction, row._replace(status="confirmed"), change_log.next_seq(transaction, row.calendar))


@handles(EraseCustomer)
def erase_customer(transaction: Transaction, command: EraseCustomer) -> CommandResult:
    """`booking.erase`: forgets who booked. The booking stands, and the log never knew."""
    row = _found_for_staff(transaction, command)
    if row.name is None:
        return CommandResult(row.calendar, "booking", public(row))
    bare = row._replace(name=None, email=None, phone=None, note=None)
    return _marked(transaction, bare, change_log.next_seq(transaction, row.calendar))


def _found_for_staff(transaction: Transaction, command: StaffOnBooking) -> BookingRow:
    row = _read.row(transaction.db, booking=command.booking)
    if row is None:
        raise NotFound(what="booking")
    found = BookingRow._make(row)
    rules.check_staff(command.principal, found.calendar)
    return found


def _freed(transaction: Transaction, row: BookingRow, status: str, kind: Type) -> CommandResult:
    seq = change_log.next_seq(transaction, row.calendar)
    capacity.shift(transaction, row.slot, seq, booked=-row.seats)
    return _marked(transaction, row._replace(status=status), seq, kind)


def _marked(transaction: Transaction, row: BookingRow, seq: int, kind: Type = Type.BOOKING_UPDATED) -> CommandResult:
    write(transaction, row, seq)
    capacity.append_slot_changes(transaction, row.calendar, kind, bookings=[row.id])
    return CommandResult(row.calendar, "booking", public(row))


def write(transaction: Transaction, row: BookingRow, seq: int) -> None:
    """Writes the booking as it is to be. Its version only grows, also when it moves to a calendar with a lower seq."""
    _update.execute(transaction.db, **row._replace(version=max(row.version + 1, seq))._asdict())


def read_by_id(db: Database, ids: list[str]) -> dict[str, changes.Booking]:
    """The bookings with these ids, as staff see them now."""
    found: dict[str, changes.Booking] = {}
    for place in range(0, len(ids), 256):
        for row in _by_id.rows(db, ids[place : place + 256]):
            booking = for_staff(BookingRow._make(row))
            found[booking.id] = booking
    return found


def read_window(db: Database, calendar: str, begin: int, finish: int, most: int) -> tuple[list[changes.Booking], int]:
    """The bookings of the slots that touch `[begin, finish)`, by their start, about `most`; and how far they go."""

    def read(count: int) -> list[tuple[Any, ...]]:
        return _in_window.rows(db, calendar=calendar, begin=begin, finish=finish, most=count)

    rows, end = read_cut(read, itemgetter(0), begin, finish, most)
    return [for_staff(BookingRow._make(row[1:])) for row in rows], end
