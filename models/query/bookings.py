"""Reads bookings with their customers, for staff and for the booking's holder."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple, cast

from msgspec import UNSET
from msgspec.structs import asdict, replace

from models.contract.changes import Booking, Customer, ListedBooking
from models.contract.commands.command import WithToken
from models.contract.principal import Role
from models.contract.values.time import write_time
from models.contract.values.tokens import Tokens
from models.domain.bookings import bookings
from models.domain.policy.metadata import read_object
from models.query.page import EVERY, read_page
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import BookingRow, SlotState
from models.storage.tables import Booking as BookingTable
from models.storage.tables import Slot, columns

IDS_A_READ = 256


class _Place(NamedTuple):
    """The slot of a booking: its times and its state."""

    start: int
    end: int
    state: int


_PLACE = (Slot.start, Slot.end, Slot.state)
LISTED_COLUMNS = (*_PLACE, *columns(BookingTable))
_place_of = CompiledQuery(Slot.select(*_PLACE).where(Slot.id == bind("slot")))
_by_id = CompiledListQuery(
    lambda ids: (
        BookingTable.select(*LISTED_COLUMNS)
        .join(Slot, on=(BookingTable.slot == Slot.id))
        .where(BookingTable.id.in_(ids))
    )
)
_between = CompiledQuery(
    BookingTable.select(*LISTED_COLUMNS)
    .join(Slot, on=(BookingTable.slot == Slot.id))
    .where((BookingTable.calendar == bind("calendar")) & (Slot.end > bind("begin")) & (Slot.start < bind("finish")))
    .order_by(Slot.start, BookingTable.id)
    .limit(bind("most"))
)


def read_booking(db: Dialect, tokens: Tokens, asked: WithToken) -> Booking:
    """Return one booking with its times, for the bearer of its token or its calendar's staff."""
    with reading(db):
        row = bookings.find(db, tokens, asked.principal, asked.booking, asked.token, role=Role.VIEWER)
        place = _Place._make(_place_of.rows(db, slot=row.slot)[0])
    found = replace(_with_customer(row, place), start=write_time(place.start), end=write_time(place.end))
    return found if asked.principal.is_viewer_of(found.calendar) else replace(found, overridden=UNSET)


def read_bookings_by_id(db: Dialect, ids: list[str]) -> dict[str, Booking]:
    """Return the bookings with these ids, as staff see them now."""
    found: dict[str, Booking] = {}
    with reading(db):
        for place in range(0, len(ids), IDS_A_READ):
            for row in _by_id.rows(db, ids[place : place + IDS_A_READ]):
                booking = _of(row)
                found[booking.id] = booking
    return found


def read_bookings(db: Dialect, calendar: str, begin: int, finish: int, most: int) -> tuple[list[ListedBooking], int]:
    """Return a page of the bookings whose slots touch `[begin, finish)`, by start, and the end of the page."""
    with reading(db):
        rows, end = _read_rows(db, calendar, begin, finish, most)
    return [listed(row) for row in rows], end


def read_bookings_in(db: Dialect, calendar: str, begin: int, finish: int) -> list[Booking]:
    """Return the bookings whose slots touch `[begin, finish)`, by start, inside the caller's transaction."""
    rows, _ = _read_rows(db, calendar, begin, finish, EVERY)
    return [_of(row) for row in rows]


def _read_rows(db: Dialect, calendar: str, begin: int, finish: int, most: int) -> tuple[list[tuple[Any, ...]], int]:
    def read(count: int) -> list[tuple[Any, ...]]:
        return _between.rows(db, calendar=calendar, begin=begin, finish=finish, most=count)

    return read_page(read, itemgetter(0), begin, finish, most)


def listed(row: Sequence[Any]) -> ListedBooking:
    """Return the booking of a row with `LISTED_COLUMNS`, as staff see it in a list."""
    place, changed_at = _Place._make(row[: len(_PLACE)]), BookingRow._make(row[len(_PLACE) :]).changed_at
    times = {"start": write_time(place.start), "end": write_time(place.end), "updated_at": write_time(changed_at)}
    return ListedBooking(**{**asdict(_of(row)), **times})


def _of(row: Sequence[Any]) -> Booking:
    """Return the booking of a row that begins with its place."""
    return _with_customer(BookingRow._make(row[len(_PLACE) :]), _Place._make(row[: len(_PLACE)]))


def _with_customer(row: BookingRow, place: _Place) -> Booking:
    """Return the booking as staff see it. The customer is None once erased."""
    customer = None
    is_removed = place.state == SlotState.REMOVED
    if row.name is not None:
        customer = Customer(name=row.name, email=row.email or UNSET, phone=row.phone or UNSET, note=row.note or UNSET)
    return Booking(
        id=row.id,
        calendar=row.calendar,
        slot=row.slot,
        seats=row.seats,
        status=cast("Any", row.status),  # the table's CHECK allows no other value
        customer=customer,
        created_at=write_time(row.created_at),
        version=row.version,
        data=read_object(row.data),
        overridden=row.overridden.split() or UNSET,
        expires_at=write_time(row.expires_at) if row.status == "pending" and row.expires_at is not None else UNSET,
        start=write_time(place.start) if is_removed else UNSET,
        end=write_time(place.end) if is_removed else UNSET,
        slot_removed=is_removed or UNSET,
    )
