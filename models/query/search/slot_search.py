"""Lists the slots of several calendars by start. The predicate of a hold decides which ones can be taken.

The pages go by the start and the id of a slot.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from peewee import fn

from models.contract.changes import encode
from models.contract.values.ids import UUID
from models.domain.log.public_view import calendar_info, public_slot
from models.domain.policy import rules
from models.query.calendars import Head, read_calendar_rows
from models.query.search.merge import merged, read_mark, take_page, write_mark
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import CalendarRow, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Slot

MOST_EXAMINED = 10_000  # slots a page
NEVER = 1 << 62
_MARK = re.compile(rf"([0-9]{{1,15}}) ({UUID.pattern})", re.ASCII)

_Place = tuple[int, str]

_longest = CompiledQuery(Slot.select(fn.MAX(Slot.end - Slot.start)).where(Slot.calendar == bind("calendar")))
_by_start = CompiledQuery(
    Slot.select(*SLOT_COLUMNS)
    .where(
        (Slot.calendar == bind("calendar"))
        & (Slot.start >= bind("least"))
        & (Slot.start < bind("finish"))
        & (Slot.end > bind("begin"))
        & ((Slot.start > bind("place")) | (Slot.id > bind("id")))
        & (Slot.state != literal(SlotState.REMOVED))
    )
    .order_by(Slot.start, Slot.id)
    .limit(bind("most"))
)


class SlotSearch(NamedTuple):
    """The slots that touch `[begin, finish)`, in milliseconds. `seats` leaves out slots without so many free seats."""

    calendars: tuple[str, ...]
    begin: int
    finish: int
    seats: int
    most: int
    page: str = ""


class FoundSlots(NamedTuple):
    """A page of slots, encoded with their calendars, and the mark of the next page, "" after the last one.

    The clock alone changes nothing of it before `until`. `heads` are the calendars as of the same instant.
    """

    heads: dict[str, Head]
    slots: list[bytes]
    next_page: str
    until: int


def read_heads(db: Dialect, calendars: Sequence[str]) -> dict[str, Head]:
    """Return the heads of the existing ones of these calendars."""
    with reading(db):
        return {row.id: _head(row) for row in read_calendar_rows(db, calendars)}


def find_slots(db: Dialect, search: SlotSearch, now: int) -> FoundSlots:
    """Return a page of the slots of the existing ones of these calendars."""
    until = NEVER
    with reading(db):
        calendars = {row.id: row for row in read_calendar_rows(db, search.calendars)}

        def read(lane: tuple[str, int], place: _Place, count: int) -> list[SlotRow]:
            calendar, longest = lane
            start, after = place
            rows = _by_start.rows(
                db,
                calendar=calendar,
                least=max(start, search.begin - longest),
                finish=search.finish,
                begin=search.begin,
                place=start,
                id=after,
                most=count,
            )
            return [SlotRow._make(row) for row in rows]

        def keep(row: SlotRow) -> bool:
            nonlocal until
            calendar = calendars[row.calendar]
            if row.bookable and not calendar.archived:
                moments = rules.boundaries(row, rules.policy_of(calendar))
                until = min([until, *[moment for moment in moments if moment > now]])
            if not search.seats:
                return True
            # The guard's own answer spares most refusals, 20 us each.
            return bool(row.bookable) and rules.refusal_of(row, calendar, now, search.seats) is None

        lanes = [(name, _longest.rows(db, calendar=name)[0][0] or 0) for name in calendars]
        rows = merged(lanes, read, _place_of, _read_place(search.page)) if lanes else iter(())
        found, last = take_page(rows, keep, most=search.most, most_examined=MOST_EXAMINED)
    return FoundSlots(
        {name: _head(row) for name, row in calendars.items()},
        [_encoded(row, calendars[row.calendar], now) for row in found],
        "" if last is None else write_mark(*_place_of(last)),
        until,
    )


def _place_of(row: SlotRow) -> _Place:
    return row.start, row.id


def _read_place(page: str) -> _Place:
    if not page:
        return -NEVER, ""
    start, name = read_mark(page, _MARK)
    return int(start), name


def _encoded(row: SlotRow, calendar: CalendarRow, now: int) -> bytes:
    return b'{"calendar":%b,%b' % (encode(calendar.id), encode(public_slot(row, calendar, now))[1:])


def _head(row: CalendarRow) -> Head:
    return Head(calendar_info(row), row.seq, row.nonce)
