"""Reads a snapshot of a calendar: its slots at one seq, in one transaction."""

from __future__ import annotations

from operator import itemgetter
from typing import Any, NamedTuple

from models.contract.changes import Booking, Info, write_cursor
from models.domain.log.public_text import TEXT_COLUMNS, write_slots
from models.domain.log.public_view import calendar_info
from models.domain.policy.rules import bookable_after
from models.query.bookings import read_bookings_in
from models.query.calendars import read_calendar_row
from models.query.packed_slots import PackedSlots
from models.query.page import EVERY, read_page
from models.storage.cancellation import blocks
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import SlotState
from models.storage.tables import Slot

_IN_WINDOW = (
    (Slot.calendar == bind("calendar"))
    & (Slot.end > bind("begin"))
    & (Slot.start < bind("finish"))
    & (Slot.state != literal(SlotState.REMOVED))
)
# Without an order: SQLite's sorter would take a fifth of the time, and the rows are sorted here in any case.
_all = CompiledQuery(Slot.select(*TEXT_COLUMNS).where(_IN_WINDOW))
_page = CompiledQuery(Slot.select(*TEXT_COLUMNS).where(_IN_WINDOW).order_by(Slot.start, Slot.id).limit(bind("most")))
_START, _END = 0, 2  # columns


class Snapshot(NamedTuple):
    """The slots of a calendar at `seq`, as they are at `now`.

    `finish` is the end of the page, in milliseconds. `bookings` are those of the slots, if the caller asked for them.
    """

    info: Info
    seq: int
    nonce: str
    finish: int
    now: int
    slots: PackedSlots
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
    with reading(db):
        head = read_calendar_row(db, calendar)
        window = {"calendar": calendar, "begin": begin, "finish": finish, "bookable_after": bookable_after(head, now)}

        def read(count: int) -> list[tuple[Any, ...]]:
            return _page.rows(db, most=count, **window)

        if most < EVERY:
            rows, finish = read_page(read, itemgetter(_START), begin, finish, most)
        else:
            rows = _all.rows(db, **window)
        booked = read_bookings_in(db, calendar, begin, finish) if with_bookings else []
    rows.sort()  # by start and id, in the order of Python; a database orders texts by its locale
    return Snapshot(calendar_info(head), head.seq, head.nonce, finish, now, _packed(rows), booked)


def _packed(rows: list[tuple[Any, ...]]) -> PackedSlots:
    # Joined as bytes: a text of the whole calendar would leave a hole in the heap beside each room.
    bodies = [body.encode() for block in blocks(rows) for body in write_slots(block)]
    starts, ends = [row[_START] for row in rows], [row[_END] for row in rows]
    return PackedSlots(b",".join(bodies), map(len, bodies), starts, ends)
