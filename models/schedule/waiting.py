"""Waiting slots of a schedule: each overlaps a taken slot outside of the schedule, and waits behind it.

A slot gives way when it is removed, or when it has begun and its last seat is free. The change that makes it give way
also opens the slots behind it, unless they overlap another such slot.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from peewee import JOIN

from models.contract.changes import SLOTS_A_CHANGE
from models.domain.slots import neighbours, slots
from models.domain.slots.planned import Planned
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.rows import Origin, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Slot, WaitingSlot
from models.transaction.transaction import Transaction

_insert = CompiledQuery(
    WaitingSlot.insert(
        {
            WaitingSlot.calendar: bind("calendar"),
            WaitingSlot.start: bind("start"),
            WaitingSlot.end: bind("end"),
            WaitingSlot.capacity: bind("capacity"),
            WaitingSlot.data: bind("data"),
            WaitingSlot.behind: bind("behind"),
        }
    ).on_conflict_ignore()
)
_forget = CompiledQuery(WaitingSlot.delete().where(WaitingSlot.calendar == bind("calendar")))
_take = CompiledListQuery(
    lambda ids: (
        WaitingSlot.delete()
        .where((WaitingSlot.calendar == bind("calendar")) & (WaitingSlot.behind.in_(ids)))
        .returning(WaitingSlot.start, WaitingSlot.end, WaitingSlot.capacity, WaitingSlot.data)
    )
)
_vacated = CompiledQuery(
    WaitingSlot.select(WaitingSlot.behind)
    .join(Slot, JOIN.LEFT_OUTER, on=((Slot.id == WaitingSlot.behind) & (Slot.calendar == WaitingSlot.calendar)))
    .where(
        (WaitingSlot.calendar == bind("calendar"))
        & (
            Slot.id.is_null()
            | (Slot.state == literal(SlotState.REMOVED))
            | ((Slot.start <= bind("now")) & (Slot.held + Slot.booked == literal(0)))
        )
    )
    .distinct()
)
_standing = CompiledQuery(Slot.select(*SLOT_COLUMNS).where(neighbours.IS_NEIGHBOUR).order_by(Slot.start, Slot.id))


class Behind(NamedTuple):
    """A waiting slot, and the id of the slot in its way."""

    planned: Planned
    slot: str


class Obstacles:
    """The slots in the way of others, sorted by start."""

    def __init__(self, rows: Iterable[SlotRow]) -> None:
        self._rows = sorted(rows, key=lambda row: (row.start, row.id))
        self._starts = [row.start for row in self._rows]
        self._latest_ends = list(accumulate((row.end for row in self._rows), max))

    def find(self, start: int, end: int) -> str | None:
        """Return the id of the first slot that overlaps `[start, end)`."""
        earlier = bisect_left(self._starts, end)
        if not earlier or self._latest_ends[earlier - 1] <= start:
            return None
        first = bisect_left(self._latest_ends, start + 1)  # the first with an end after `start` up to it
        return self._rows[first].id


def replace(transaction: Transaction, calendar: str, waiting: Sequence[Behind]) -> None:
    """Replace the calendar's waiting slots by these."""
    _forget.execute(transaction.db, calendar=calendar)
    keep(transaction, calendar, waiting)


def keep(transaction: Transaction, calendar: str, waiting: Sequence[Behind]) -> None:
    for planned, slot in waiting:
        _insert.execute(transaction.db, calendar=calendar, behind=slot, **planned._asdict())


def note_vacated(transaction: Transaction, calendar: str) -> None:
    """Note every slot that gave way while the calendar was archived."""
    for (slot,) in _vacated.rows(transaction.db, calendar=calendar, now=transaction.now):
        transaction.vacated[slot] = calendar


def open_vacated(transaction: Transaction, calendar: str) -> None:
    """Open the slots behind those gone, under the seq just allotted."""
    open_planned(transaction, calendar, ready(transaction, calendar), transaction.calendar(calendar).seq)


def ready(transaction: Transaction, calendar: str) -> list[Planned]:
    """Remove and return the slots without a need to wait. Those of an archived calendar go on waiting."""
    vacated = [slot for slot, where in transaction.vacated.items() if where == calendar]
    transaction.vacated = {slot: where for slot, where in transaction.vacated.items() if where != calendar}
    if transaction.calendar(calendar).archived:
        return []
    found = [
        Planned._make(row)
        for place in range(0, len(vacated), SLOTS_A_CHANGE)
        for row in _take.rows(transaction.db, vacated[place : place + SLOTS_A_CHANGE], calendar=calendar)
    ]
    ahead = sorted((planned for planned in found if planned.start > transaction.now), key=lambda planned: planned.times)
    return _still_wanted(transaction, calendar, ahead) if ahead else []


def _still_wanted(transaction: Transaction, calendar: str, ahead: list[Planned]) -> list[Planned]:
    """Return the slots with a free place. The others wait behind the slot in their way."""
    after, before = ahead[0].start, max(planned.end for planned in ahead)
    found = _standing.rows(transaction.db, calendar=calendar, slot="", after=after, before=before)
    standing = [SlotRow._make(row) for row in found]
    obstacles = Obstacles(row for row in standing if is_in_the_way(row, transaction.now))
    present = {(row.start, row.end) for row in standing}
    wanted: list[Planned] = []
    for planned in ahead:
        if planned.times in present:
            continue
        slot = obstacles.find(*planned.times)
        if slot is None:
            wanted.append(planned)
        else:
            keep(transaction, calendar, [Behind(planned, slot)])
    return wanted


def is_in_the_way(row: SlotRow, now: int) -> bool:
    """Say if the slot is dropped, or has begun with a taken seat: then it keeps its place."""
    is_taken = row.held + row.booked > 0
    return bool(row.dropped) or (row.origin == Origin.SCHEDULE and row.start <= now and is_taken)


def open_planned(transaction: Transaction, calendar: str, planned: Sequence[Planned], seq: int) -> None:
    for place in range(0, len(planned), SLOTS_A_CHANGE):
        some = planned[place : place + SLOTS_A_CHANGE]
        opened = slots.write_new(transaction, seq, calendar, some, Origin.SCHEDULE)
        transaction.touched |= {row.id: row for row in opened}
