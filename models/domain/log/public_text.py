"""The public slots of a calendar as JSON text, straight from the rows of one query.

A room is opened with hundreds of slots, and this takes a fifth of the time of `encode(public_slot(row))` for each. The
text is the same, byte for byte; tests/models/domain/log/test_public_text.py holds the two together.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from peewee import Case

from models.contract.changes import encode
from models.contract.values.time import write_time
from models.domain.log.public_view import one_line, status_of
from models.storage.compiled_query import bind, literal
from models.storage.rows import SlotRow, SlotState
from models.storage.seat_guard import has_seats
from models.storage.tables import Slot

_IS_BOOKABLE, _IS_CLOSED = 1 << 0, 1 << 1
_REMAINING, _CAPACITY, _HELD = 2, 16, 32  # bits before each number; both of the first are 10,000 at most
_MASK = (1 << 14) - 1

_taken = Slot.held + Slot.booked
# One number for all that makes the status: the driver takes more time for a column than the database for a sum.
_form = (
    Slot.held * literal(1 << _HELD)
    + Slot.capacity * literal(1 << _CAPACITY)
    + Case(None, [(Slot.capacity > _taken, (Slot.capacity - _taken) * literal(1 << _REMAINING))], literal(0))
    + Case(None, [(Slot.state == literal(SlotState.OPEN), literal(0))], literal(_IS_CLOSED))
    + Case(None, [(has_seats(literal(1)) & (Slot.start > bind("bookable_after")), literal(_IS_BOOKABLE))], literal(0))
)
TEXT_COLUMNS = (Slot.start, Slot.id, Slot.end, Slot.version, Slot.held_until, Slot.data, _form)
"""The columns of `write_slots`, so that the rows sort by start and id. Their query takes `bookable_after`."""

_time = lru_cache(maxsize=65_536)(write_time)  # neighbouring calendars have slots at the same times


def write_slots(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    """Return the JSON of each slot, as everyone may see it."""
    starts, ids, ends, versions, held_untils, data, forms = zip(*rows, strict=True)
    if not _is_plain("".join(ids)):
        ids = tuple(encode(name)[1:-1].decode() for name in ids)
    columns = zip(ids, map(_time, starts), map(_time, ends), map(_numbers, forms), versions, strict=True)
    if held_untils.count(None) == data.count(None) == len(rows):
        return [
            f'{{"id":"{name}","start":"{start}","end":"{end}",{before}{after}{version}}}'
            for name, start, end, (before, after), version in columns
        ]
    return [
        f'{{"id":"{name}","start":"{start}","end":"{end}",{before}{_held_until(moment)}{after}{version}{_data(text)}}}'
        for (name, start, end, (before, after), version), moment, text in zip(columns, held_untils, data, strict=True)
    ]


def write_rows(rows: Sequence[SlotRow], bookable_after: int) -> list[str]:
    """Return the JSON of slots that were just written, without a read of the database."""
    return write_slots(
        [
            (row.start, row.id, row.end, row.version, row.held_until, row.data, _form_of(row, bookable_after))
            for row in rows
        ]
    )


def _form_of(row: SlotRow, bookable_after: int) -> int:
    """Return the number that the database makes of the row."""
    held, capacity = row.held, row.capacity
    left = capacity - held - row.booked
    bits = _IS_BOOKABLE if row.bookable and row.start > bookable_after else 0
    if row.state != SlotState.OPEN:
        bits |= _IS_CLOSED
    return held << _HELD | capacity << _CAPACITY | (left << _REMAINING if left > 0 else 0) | bits


def _is_plain(text: str) -> bool:
    """Whether JSON has this text as it is. An outside writer may give a slot any id."""
    return encode(text)[1:-1] == text.encode()


@lru_cache(maxsize=65_536)
def _numbers(form: int) -> tuple[str, str]:
    """Return the text of the numbers and the status, before and after `held_until`."""
    held, capacity, remaining = form >> _HELD, form >> _CAPACITY & _MASK, form >> _REMAINING & _MASK
    status = status_of(SlotState.CLOSED if form & _IS_CLOSED else SlotState.OPEN, remaining, held)
    bookable = "true" if form & _IS_BOOKABLE else "false"
    return (
        f'"capacity":{capacity},"held":{held}',
        f',"remaining":{remaining},"status":"{status}","bookable":{bookable},"version":',
    )


def _held_until(moment: int | None) -> str:
    return "" if moment is None else f',"held_until":"{write_time(moment)}"'


def _data(data: str | None) -> str:
    return "" if data is None else f',"data":{one_line(data)}'
