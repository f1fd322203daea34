"""The mark of a slot at an imported busy time.

`slot.busy` is 1 while a row of `busy` overlaps the slot, or is nearer to it than the calendar's buffer. The seat guard
reads the mark, so a taken seat costs no query more. The mark is set with the slot, and again when the busy times of its
calendar or the buffer change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from peewee import Case, fn

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.domain.log import change_log
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import rules
from models.domain.slots import neighbours
from models.domain.slots.neighbours import buffer_of
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.rows import SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import BusySource, BusyTime, Slot
from models.transaction.transaction import Transaction

Span = tuple[int, int]  # a start and an end, in milliseconds


def _when_any(calendar: object, start: object, end: object) -> Case:
    found = BusyTime.select(literal(1)).where(
        (BusyTime.calendar == calendar) & (BusyTime.end > start) & (BusyTime.start < end)
    )
    return Case(None, [(fn.EXISTS(found), literal(1))], literal(0))


_is_there = CompiledQuery(
    BusyTime.select(literal(1))
    .where((BusyTime.calendar == bind("calendar")) & (BusyTime.end > bind("start")) & (BusyTime.start < bind("end")))
    .limit(literal(1))
)

_overlapping = CompiledQuery(
    BusyTime.select(BusyTime.start, BusyTime.end).where(
        (BusyTime.calendar == bind("calendar")) & (BusyTime.end > bind("start")) & (BusyTime.start < bind("end"))
    )
)
_mark = CompiledListQuery(
    lambda ids: Slot.update(
        {Slot.busy: _when_any(Slot.calendar, Slot.start - bind("buffer"), Slot.end + bind("buffer"))}
    ).where(Slot.id.in_(ids))
)
_coming = CompiledQuery(
    Slot.select(Slot.id, Slot.start, Slot.end, Slot.busy)
    .where(
        (Slot.calendar == bind("calendar")) & (Slot.end > bind("since")) & (Slot.state != literal(SlotState.REMOVED))
    )
    .order_by(Slot.start, Slot.id)
)
_times = CompiledQuery(
    BusyTime.select(BusyTime.start, BusyTime.end).where(
        (BusyTime.calendar == bind("calendar")) & (BusyTime.end > bind("since"))
    )
)
_write = CompiledListQuery(
    lambda ids: (
        Slot.update({Slot.busy: literal(1) - Slot.busy, Slot.version: bind("seq"), Slot.changed_at: bind("now")})
        .where(Slot.id.in_(ids))
        .returning(*SLOT_COLUMNS)
    )
)
_expand_again = CompiledQuery(
    BusySource.update({BusySource.expanded_at: 0, BusySource.checked_at: 0}).where(
        BusySource.calendar == bind("calendar")
    )
)
_forget_times = CompiledQuery(BusyTime.delete().where(BusyTime.calendar == bind("calendar")))
_forget_sources = CompiledQuery(BusySource.delete().where(BusySource.calendar == bind("calendar")))


def _buffer(transaction: Transaction, calendar: str) -> int:
    return buffer_of(rules.policy_of(transaction.calendar(calendar)))


def marks_of_new(transaction: Transaction, calendar: str, spans: Sequence[Span]) -> list[int]:
    """Return the mark of a new slot at each of these places: a busy time keeps the same distance as a booking.

    Most calendars have no busy time there, which one statement says for all of them.
    """
    buffer, db = _buffer(transaction, calendar), transaction.seats_db
    around = [(start - buffer, end + buffer) for start, end in spans]
    first, last = min(start for start, _ in around), max(end for _, end in around)
    if not _is_there.rows(db, calendar=calendar, start=first, end=last):
        return [0] * len(spans)
    times: list[Span] = []
    for start, end in neighbours.near_spans(around):
        times += _overlapping.rows(db, calendar=calendar, start=start, end=end)
    is_busy_at = finder(merged(times), 0)
    return [int(is_busy_at(start, end)) for start, end in around]


def is_busy(transaction: Transaction, calendar: str, start: int, end: int) -> bool:
    """Say if a busy time leaves no room for a slot at this time."""
    buffer = _buffer(transaction, calendar)
    return bool(_is_there.rows(transaction.db, calendar=calendar, start=start - buffer, end=end + buffer))


def mark(transaction: Transaction, calendar: str, slots: Sequence[str]) -> None:
    """Correct the marks of the calendar's slots written by an outside writer. The caller puts them into its change."""
    buffer = _buffer(transaction, calendar)
    for place in range(0, len(slots), SLOTS_A_CHANGE):
        _mark.run(transaction.db, slots[place : place + SLOTS_A_CHANGE], buffer=buffer)


def expand_again(transaction: Transaction, calendar: str) -> None:
    """Have the sources read again after a change of the calendar's zone. All-day events are in this zone."""
    _expand_again.execute(transaction.db, calendar=calendar)


def forget(transaction: Transaction, calendar: str) -> None:
    """Delete the busy times and sources of a deleted calendar."""
    _forget_times.execute(transaction.db, calendar=calendar)
    _forget_sources.execute(transaction.db, calendar=calendar)


def recount(transaction: Transaction, calendar: str, since: int) -> int:
    """Correct the marks of the slots near the time after `since`, by changes; return the number of those corrected."""
    buffer = _buffer(transaction, calendar)
    slots = _coming.rows(transaction.db, calendar=calendar, since=since - buffer)
    first = min((row[1] for row in slots), default=since) - buffer
    times = merged([(start, end) for start, end in _times.rows(transaction.db, calendar=calendar, since=first)])
    wrong = miscounted(slots, times, buffer)
    for place in range(0, len(wrong), SLOTS_A_CHANGE):
        seq = change_log.next_seq(transaction, calendar)
        rows = _write.rows(transaction.db, wrong[place : place + SLOTS_A_CHANGE], seq=seq, now=transaction.now)
        transaction.touched |= {row.id: row for row in map(SlotRow._make, rows)}
        append_slot_changes(transaction, calendar, Type.SLOT_UPDATED)
    return len(wrong)


def miscounted(slots: Iterable[Sequence[Any]], times: Sequence[Span], buffer: int) -> list[str]:
    """Return the slots with a wrong mark, of rows with id, start, end and mark. `times` are merged."""
    is_busy_at = finder(times, buffer)
    return [slot for slot, start, end, busy in slots if bool(busy) != is_busy_at(start, end)]


def finder(times: Sequence[Span], buffer: int) -> Callable[[int, int], bool]:
    """Return a function that says if one of these merged times is nearer to a slot than the buffer."""
    ends = [end for _, end in times]

    def is_busy_at(start: int, end: int) -> bool:
        place = bisect_left(ends, start - buffer + 1)
        return place < len(times) and times[place][0] < end + buffer

    return is_busy_at


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return the spans by start, and join adjacent and overlapping ones."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
