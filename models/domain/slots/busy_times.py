"""The mark of a slot at an imported busy time.

`slot.busy` is 1 while a row of `busy` overlaps the slot. The seat guard reads the mark, so a taken seat costs no query
more. The mark is set with the slot, and again when the busy times of its calendar change.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

from peewee import Case, fn

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.domain.log import change_log
from models.domain.log.slot_changes import append_slot_changes
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

# The mark of a slot with the parameters `calendar`, `start` and `end`.
IS_BUSY_THERE = _when_any(bind("calendar"), bind("start"), bind("end"))

_mark = CompiledListQuery(
    lambda ids: Slot.update({Slot.busy: _when_any(Slot.calendar, Slot.start, Slot.end)}).where(Slot.id.in_(ids))
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


def is_busy(transaction: Transaction, calendar: str, start: int, end: int) -> bool:
    """Say if a busy time overlaps this time."""
    return bool(_is_there.rows(transaction.db, calendar=calendar, start=start, end=end))


def mark(transaction: Transaction, slots: Sequence[str]) -> None:
    """Correct the marks of slots written by an outside writer. The caller puts them into its change."""
    for place in range(0, len(slots), SLOTS_A_CHANGE):
        _mark.run(transaction.db, slots[place : place + SLOTS_A_CHANGE])


def expand_again(transaction: Transaction, calendar: str) -> None:
    """Have the sources read again after a change of the calendar's zone. All-day events are in this zone."""
    _expand_again.execute(transaction.db, calendar=calendar)


def forget(transaction: Transaction, calendar: str) -> None:
    """Delete the busy times and sources of a deleted calendar."""
    _forget_times.execute(transaction.db, calendar=calendar)
    _forget_sources.execute(transaction.db, calendar=calendar)


def recount(transaction: Transaction, calendar: str, since: int) -> int:
    """Correct the marks of all slots with an end after `since`, by changes; return the number of changed slots."""
    times = merged([(start, end) for start, end in _times.rows(transaction.db, calendar=calendar, since=since)])
    ends = [end for _, end in times]
    wrong = []
    for slot, start, end, busy in _coming.rows(transaction.db, calendar=calendar, since=since):
        place = bisect_left(ends, start + 1)
        if bool(busy) != (place < len(times) and times[place][0] < end):
            wrong.append(slot)
    for place in range(0, len(wrong), SLOTS_A_CHANGE):
        seq = change_log.next_seq(transaction, calendar)
        rows = _write.rows(transaction.db, wrong[place : place + SLOTS_A_CHANGE], seq=seq, now=transaction.now)
        transaction.touched |= {row.id: row for row in map(SlotRow._make, rows)}
        append_slot_changes(transaction, calendar, Type.SLOT_UPDATED)
    return len(wrong)


def merged(spans: Sequence[Span]) -> list[Span]:
    """Return the spans by start, and join adjacent and overlapping ones."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found
