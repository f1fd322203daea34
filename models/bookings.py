"""Bookings: seats taken for good, with a customer whom only staff and the booking's own holder may read."""

from __future__ import annotations

from typing import Any, cast

from msgspec import UNSET, Struct, UnsetType
from peewee import Database

from models import change, holds, log, rules, slots
from models.batch import Batch, Done
from models.change import Customer, Type
from models.clock import write_time
from models.commands import BookSlot, CancelBooking
from models.errors import BadRequest, Forbidden, HoldExpired, InvalidTransition, NotFound
from models.identity import UUID, Tokens, new_id
from models.statement import Insertion, ListStatement, Statement, bind
from models.tables import Booking, BookingRow, HoldRow, HoldState, Slot, SlotRow, columns

CUSTOMER_CHARACTERS = {"name": 200, "email": 254, "phone": 40, "note": 2_000}


class PublicBooking(Struct, kw_only=True):
    """A booking as its holder sees it; customers are not repeated."""

    id: str
    calendar: str
    slot: str
    seats: int
    status: str
    token: str | UnsetType = UNSET


_read = Statement(Booking.select(*columns(Booking)).where(Booking.id == bind("booking")))
_insert = Insertion(Booking)
_set_status = Statement(
    Booking.update({Booking.status: bind("status"), Booking.version: bind("seq")}).where(Booking.id == bind("booking"))
)
_by_id = ListStatement(lambda ids: Booking.select(*columns(Booking)).where(Booking.id.in_(ids)))
_in_window = Statement(
    Booking.select(*columns(Booking))
    .join(Slot, on=(Booking.slot == Slot.id))
    .where((Booking.calendar == bind("calendar")) & (Slot.end > bind("begin")) & (Slot.start < bind("finish")))
    .order_by(Slot.start, Booking.id)
    .limit(bind("most"))
)


def public(row: BookingRow) -> PublicBooking:
    """Without its token, which is added for whoever made it."""
    return PublicBooking(id=row.id, calendar=row.calendar, slot=row.slot, seats=row.seats, status=row.status)


def for_staff(row: BookingRow) -> change.Booking:
    """With its customer; null once erased."""
    customer = None
    if row.name is not None:
        customer = Customer(name=row.name, email=row.email or UNSET, phone=row.phone or UNSET, note=row.note or UNSET)
    return change.Booking(
        id=row.id,
        calendar=row.calendar,
        slot=row.slot,
        seats=row.seats,
        status=cast("Any", row.status),  # the table's CHECK
        customer=customer,
        created_at=write_time(row.created_at),
        version=row.version,
    )


def book_slot(batch: Batch, command: BookSlot) -> Done:
    """`slot.book`: with a hold its seats, else seats that are free; one write decides."""
    slot = slots.find(batch, command.slot)
    calendar = batch.calendar(slot.calendar)
    policy = rules.policy_of(calendar)
    customer = _checked_customer(command.customer)
    hold = _named_hold(batch, command, slot)
    seats = command.seats if command.seats is not None else hold.seats if hold else 1
    holds.check_seats(seats)
    if hold is not None and seats > hold.seats:
        raise BadRequest("A hold can be booked with its own seats or fewer.", field="seats")
    if hold is not None and _is_usable(hold, command, batch.now):
        seq = log.next_seq(batch, slot.calendar)
        holds.end(batch, hold, HoldState.BOOKED)
        taken = slots.shift(batch, slot.id, seq, held=-hold.seats, booked=seats)
    else:
        rules.check_book(command.asker, calendar)
        rules.check_notice(policy, slot, batch.now)
        seq = log.next_seq(batch, slot.calendar)
        if hold is not None and hold.state == HoldState.ACTIVE:  # its grace keeps others out, not its holder
            holds.end(batch, hold, HoldState.EXPIRED)
            slots.shift(batch, slot.id, seq, held=-hold.seats)
        taken = holds.take(batch, slot, seq, booked=seats)
    status = "pending" if policy.confirmation == "staff" else "confirmed"
    row = BookingRow(new_id(batch.now), slot.calendar, slot.id, seats, status, *customer, batch.now, seq)
    _insert.run(batch.db, row)
    log.append(batch, slot.calendar, Type.SLOT_BOOKED, slots=[slots.public(taken)], bookings=[row.id])
    return Done(slot.calendar, "booking", public(row), token="booking")


def _named_hold(batch: Batch, command: BookSlot, slot: SlotRow) -> HoldRow | None:
    """The hold that is to pay for the booking."""
    if command.hold is None:
        return None
    hold = holds.find(batch, command.hold)
    if hold.slot != slot.id:
        raise BadRequest("The hold is on another slot.", field="hold")
    return hold


def _is_usable(hold: HoldRow, command: BookSlot, now: int) -> bool:
    """Whether the hold pays; False to try the plain way, once it ran out and if the asker said so."""
    try:
        holds.check_active(hold, command.received or now)
    except HoldExpired:
        if command.if_still_free:
            return False
        raise
    return True


def _checked_customer(customer: Customer) -> tuple[str, str | None, str | None, str | None]:
    """Name, email, phone and note, trimmed; BadRequest names the first that can't be kept."""
    name = _checked("name", customer.name)
    if name is None:
        raise BadRequest("A booking needs a name.", field="customer.name")
    return name, _checked("email", customer.email), _checked("phone", customer.phone), _checked("note", customer.note)


def _checked(field: str, value: str | UnsetType) -> str | None:
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


def cancel_booking(batch: Batch, command: CancelBooking) -> Done:
    """`booking.cancel`: idempotent; its seats are free at once. Staff are not bound by the notice."""
    asker = command.asker
    row = find(batch.db, batch.tokens, command.booking, command.token, is_staff_of=asker.is_staff_of)
    if row.status == "cancelled":
        return Done(row.calendar, "booking", public(row))
    if row.status not in {"pending", "confirmed"}:
        raise InvalidTransition(f"The booking is {row.status}.", rule="status", status=row.status)
    if not asker.is_staff_of(row.calendar):
        policy = rules.policy_of(batch.calendar(row.calendar))
        rules.check_cancel(policy, slots.find(batch, row.slot), batch.now)
    seq = log.next_seq(batch, row.calendar)
    _set_status.execute(batch.db, booking=row.id, status="cancelled", seq=seq)
    slot = slots.shift(batch, row.slot, seq, booked=-row.seats)
    log.append(batch, row.calendar, Type.SLOT_CANCELLED, slots=[slots.public(slot)], bookings=[row.id])
    return Done(row.calendar, "booking", public(row._replace(status="cancelled")))


def read_by_id(db: Database, ids: list[str]) -> dict[str, change.Booking]:
    """The bookings with these ids, as staff see them now."""
    found: dict[str, change.Booking] = {}
    for place in range(0, len(ids), 256):
        for row in _by_id.rows(db, ids[place : place + 256]):
            booking = for_staff(BookingRow._make(row))
            found[booking.id] = booking
    return found


def read_window(db: Database, calendar: str, begin: int, finish: int, most: int) -> list[change.Booking]:
    """The bookings of the slots that touch `[begin, finish)`, by their start."""
    rows = _in_window.rows(db, calendar=calendar, begin=begin, finish=finish, most=most)
    return [for_staff(BookingRow._make(row)) for row in rows]
