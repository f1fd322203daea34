"""Reads a snapshot of a calendar: its slots at one seq, in one transaction."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from models.contract.changes import Booking, Info, encode, write_cursor
from models.domain.log.public_view import calendar_info, public_slot
from models.query.bookings import read_bookings_in
from models.query.calendars import read_calendar_row
from models.query.page import EVERY, read_page
from models.storage.cancellation import checked
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import CalendarRow, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Slot

_between = CompiledQuery(
    Slot.select(*SLOT_COLUMNS)
    .where(
        (Slot.calendar == bind("calendar"))
        & (Slot.end > bind("begin"))
        & (Slot.start < bind("finish"))
        & (Slot.state != literal(SlotState.REMOVED))
    )
    .order_by(Slot.start, Slot.id)
    .limit(bind("most"))
)


class PlacedSlot(NamedTuple):
    """An encoded public slot, with its times in milliseconds."""

    start: int
    end: int
    id: str
    body: bytes


class Snapshot(NamedTuple):
    """The slots of a calendar at `seq`, by start.

    `finish` is the end of the page, in milliseconds. `bookings` are those of the slots, if the caller asked for them.
    """

    info: Info
    seq: int
    nonce: str
    finish: int
    slots: list[PlacedSlot]
    bookings: list[Booking]

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


def read_snapshot(
    db: Dialect,
    calendar: str,
    begin: int,
    finish: int,
    *,
    now: int,
    most: int = EVERY,
    with_bookings: bool = False,
) -> Snapshot:
    """Return a page of about `most` slots that touch `[begin, finish)`. Slots that start until `now` have begun."""

    def read(count: int) -> list[SlotRow]:
        rows = _between.rows(db, calendar=calendar, begin=begin, finish=finish, most=count)
        return [SlotRow._make(row) for row in checked(rows)]

    with reading(db):
        head = read_calendar_row(db, calendar)
        rows, end = read_page(read, attrgetter("start"), begin, finish, most)
        booked = read_bookings_in(db, calendar, begin, end) if with_bookings else []
    slots = [_encoded(row, head, now) for row in checked(rows)]
    return Snapshot(calendar_info(head), head.seq, head.nonce, end, slots, booked)


def _encoded(row: SlotRow, calendar: CalendarRow, now: int) -> PlacedSlot:
    return PlacedSlot(row.start, row.end, row.id, encode(public_slot(row, calendar, now)))
