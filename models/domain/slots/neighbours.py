"""Neighbouring slots under `overlap: "reject"`: a slot with a taken seat blocks the slots beside it.

A slot's `blocked` counts its neighbours with a taken seat. The count moves with the first seat taken and the last seat
given back, in the same transaction.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any

from peewee import Case, fn

from models.contract.changes import Policy
from models.contract.values.time import DAY, SECOND
from models.domain.policy import rules
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.rows import CalendarRow, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Slot
from models.transaction.transaction import Transaction

Span = tuple[int, int]  # a start and an end, in milliseconds

# The longest slot bounds the end of a neighbour. Without the bound the query reads every later slot.
_LONGEST = Slot.select(fn.MAX(Slot.end - Slot.start)).where(Slot.calendar == bind("calendar"))
_IS_NEAR = (
    (Slot.calendar == bind("calendar"))
    & (Slot.state != literal(SlotState.REMOVED))
    & (Slot.end > bind("after"))
    & (Slot.end < bind("before") + _LONGEST)
    & (Slot.start < bind("before"))
)
IS_NEIGHBOUR = _IS_NEAR & (Slot.id != bind("slot"))
_COUNTED = (Slot.id, Slot.start, Slot.end, Slot.held + Slot.booked, Slot.blocked)

_block = CompiledQuery(
    Slot.update(
        {
            Slot.blocked: Slot.blocked + bind("by"),
            # The version moves only where the slot becomes blocked or free: nobody sees the count itself.
            Slot.version: Case(None, [(Slot.blocked == bind("threshold"), bind("seq"))], Slot.version),
            Slot.changed_at: Case(None, [(Slot.blocked == bind("threshold"), bind("now"))], Slot.changed_at),
        }
    )
    .where(IS_NEIGHBOUR)
    .returning(*SLOT_COLUMNS)
)
_count_blocking = CompiledQuery(
    Slot.select(fn.COUNT(Slot.id)).where(IS_NEIGHBOUR & (Slot.held + Slot.booked > literal(0)))
)
_times = CompiledQuery(Slot.select(Slot.id, Slot.start, Slot.end).where(_IS_NEAR))
_taken_times = CompiledQuery(
    Slot.select(Slot.id, Slot.start, Slot.end).where(_IS_NEAR & (Slot.held + Slot.booked > literal(0)))
)
_set_blocked = CompiledQuery(
    Slot.update({Slot.blocked: bind("blocked"), Slot.version: bind("seq"), Slot.changed_at: bind("now")})
    .where(Slot.id == bind("slot"))
    .returning(*SLOT_COLUMNS)
)
_all = CompiledQuery(
    Slot.select(*_COUNTED).where((Slot.calendar == bind("calendar")) & (Slot.state != literal(SlotState.REMOVED)))
)
_near = CompiledQuery(Slot.select(*_COUNTED).where(_IS_NEAR))
_taken_or_blocked = CompiledQuery(
    Slot.select(Slot.id)
    .where(_IS_NEAR & ((Slot.held + Slot.booked > literal(0)) | (Slot.blocked != literal(0))))
    .limit(literal(1))
)


def buffer_of(policy: Policy) -> int:
    """Return the least time between two taken slots, in milliseconds."""
    return (policy.buffer_before + policy.buffer_after) * SECOND


def around(calendar: CalendarRow, slot: str, start: int, end: int) -> dict[str, Any]:
    """Return the parameters of IS_NEIGHBOUR: a neighbour starts before `before` and ends after `after`."""
    buffer = buffer_of(rules.policy_of(calendar))
    return {"calendar": calendar.id, "slot": slot, "after": start - buffer, "before": end + buffer}


def block_neighbours(transaction: Transaction, slot: SlotRow, seq: int, by: int) -> None:
    """Add `by` (1 or -1) to the neighbours' counts. Neighbours that become blocked or free are in the change."""
    calendar = transaction.calendar(slot.calendar)
    if not rules.policy_of(calendar).rejects_overlap:
        return
    threshold = 0 if by > 0 else 1
    place = around(calendar, slot.id, slot.start, slot.end)
    found = _block.rows(transaction.seats_db, by=by, threshold=threshold, seq=seq, now=transaction.now, **place)
    for row in map(SlotRow._make, found):
        transaction.slots[row.id] = row
        if row.version == seq:
            _note(transaction, row)


def count_blocking(transaction: Transaction, calendar: CalendarRow, slot: str, start: int, end: int) -> int:
    """Count the taken neighbours of a slot at this place."""
    if not rules.policy_of(calendar).rejects_overlap:
        return 0
    found = _count_blocking.row(transaction.seats_db, **around(calendar, slot, start, end))
    return int(found[0]) if found else 0


def count_blocking_each(transaction: Transaction, calendar: CalendarRow, slots: Sequence[Span]) -> list[int]:
    """Count the taken neighbours of a new slot at each of these places."""
    policy = rules.policy_of(calendar)
    if not policy.rejects_overlap:
        return [0] * len(slots)
    buffer = buffer_of(policy)
    near = Crowd(transaction, calendar.id, [(start - buffer, end + buffer) for start, end in slots], is_taken=True)
    return [near.count(start - buffer, end + buffer) for start, end in slots]


class Crowd:
    """The slots that overlap some spans, or the taken ones of them: read at once, and counted for each span.

    Removed slots are none of them.
    """

    def __init__(self, transaction: Transaction, calendar: str, spans: Sequence[Span], *, is_taken: bool) -> None:
        query = _taken_times if is_taken else _times
        found: dict[str, Span] = {}
        for start, end in near_spans(spans):
            rows = query.rows(transaction.seats_db, calendar=calendar, after=start, before=end)
            found |= {slot: (begin, finish) for slot, begin, finish in rows}
        self._starts = sorted(begin for begin, _ in found.values())
        self._ends = sorted(finish for _, finish in found.values())

    def count(self, start: int, end: int) -> int:
        """Return the number that overlap `[start, end)`, one of the spans."""
        return bisect_left(self._starts, end) - bisect_right(self._ends, start)


def recount_calendar(transaction: Transaction, calendar: CalendarRow, seq: int) -> None:
    """Correct the count of every slot, after a new policy has changed the meaning of a neighbour."""
    slots = _all.rows(transaction.db, calendar=calendar.id)
    for slot, count in miscounted(rules.policy_of(calendar), slots, slots):
        _write_count(transaction, slot, count, seq)


def recount_near(transaction: Transaction, calendar: CalendarRow, spans: Iterable[Span], seq: int) -> None:
    """Correct the counts of the slots near these spans, after an outside writer has touched slots there."""
    policy = rules.policy_of(calendar)
    buffer = buffer_of(policy)
    for start, end in near_spans(spans):
        place = {"calendar": calendar.id, "after": start - buffer, "before": end + buffer}
        if not _taken_or_blocked.rows(transaction.db, **place):
            continue  # every count is 0, as it should be; a bulk may have thousands of slots there
        near = _near.rows(transaction.db, **place)
        after, before = min(row[1] for row in near) - buffer, max(row[2] for row in near) + buffer
        blocking = _near.rows(transaction.db, calendar=calendar.id, after=after, before=before)
        for slot, count in miscounted(policy, near, blocking):
            _write_count(transaction, slot, count, seq)


def _write_count(transaction: Transaction, slot: str, count: int, seq: int) -> None:
    row = _set_blocked.row(transaction.db, slot=slot, blocked=count, seq=seq, now=transaction.now)
    assert row is not None, "the slot was found in this transaction"
    _note(transaction, SlotRow._make(row))


def _note(transaction: Transaction, row: SlotRow) -> None:
    """Put the slot into the change. The command is about it only if it was written before."""
    if row.id not in transaction.touched:
        transaction.beside.add(row.id)
    transaction.touched[row.id] = row


def near_spans(spans: Iterable[Span]) -> list[Span]:
    """Merge the spans that are less than a day apart, since each of them costs a query or two."""
    merged: list[Span] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + DAY:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def miscounted(policy: Policy, slots: Iterable[Sequence[Any]], near: Iterable[Sequence[Any]]) -> list[tuple[str, int]]:
    """Return the slots with a wrong count, each with the right one. `near` has every slot that may block them.

    Both hold rows that begin with id, start, end, taken seats and blocked.
    """
    if not policy.rejects_overlap:
        return [(row[0], 0) for row in slots if row[4]]
    buffer = buffer_of(policy)
    blocking = [(row[1], row[2]) for row in near if row[3]]
    starts, ends = sorted(start for start, _ in blocking), sorted(end for _, end in blocking)
    wrong = []
    for slot, start, end, taken, blocked, *_ in slots:
        # The slots that start in time, less the slots that end too early, less the slot itself.
        count = bisect_left(starts, end + buffer) - bisect_right(ends, start - buffer) - bool(taken)
        if count != blocked:
            wrong.append((slot, count))
    return wrong
