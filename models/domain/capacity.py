"""Seats: the one write that takes them and gives them back, what it does to neighbouring slots, and what is told of it.

Every slot that a command writes is noted in its transaction, and `append_slot_changes` puts them into the command's
change: so nothing that moved is left out of it. Under `overlap: "reject"` a slot's `blocked` counts the neighbours in
which somebody has a seat; it is moved with the first seat taken and the last one given back, in the same transaction.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import Any, Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType
from peewee import Case, Database, fn

from models.contract.changes import SLOTS_A_CHANGE, Info, Type
from models.contract.changes import Slot as PublicSlot
from models.contract.errors import NotFound
from models.contract.time import SECOND, write_time
from models.domain import change_log, rules
from models.domain.rules import SLOT_COLUMNS
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.tables import CalendarRow, Hold, HoldState, Origin, Slot, SlotRow, SlotState
from models.transaction.routing import StaleRoute
from models.transaction.transaction import Transaction

_read = CompiledQuery(
    Slot.select(*SLOT_COLUMNS).where((Slot.id == bind("slot")) & (Slot.state != literal(SlotState.REMOVED)))
)
_first_expiry = Hold.select(fn.MIN(Hold.expires_at)).where(
    (Hold.slot == bind("slot")) & (Hold.state == literal(HoldState.ACTIVE))
)
_move_seats = Slot.update(
    {
        Slot.held: Slot.held + bind("held"),
        Slot.booked: Slot.booked + bind("booked"),
        Slot.held_until: _first_expiry,
        Slot.version: bind("seq"),
    }
).returning(*SLOT_COLUMNS)
_take = CompiledQuery(_move_seats.where((Slot.id == bind("slot")) & rules.has_seats(bind("seats"))))
_shift = CompiledQuery(_move_seats.where(Slot.id == bind("slot")))

# The longest slot bounds where a neighbour can end: without it every later slot would be looked at.
LONGEST = Slot.select(fn.MAX(Slot.end - Slot.start)).where(Slot.calendar == bind("calendar"))
IS_NEIGHBOUR = (
    (Slot.calendar == bind("calendar"))
    & (Slot.id != bind("slot"))
    & (Slot.state != literal(SlotState.REMOVED))
    & (Slot.end > bind("after"))
    & (Slot.end < bind("before") + LONGEST)
    & (Slot.start < bind("before"))
)
_press = CompiledQuery(
    Slot.update(
        {
            Slot.blocked: Slot.blocked + bind("by"),
            # Only a slot that this opens or shuts has changed for anyone.
            Slot.version: Case(None, [(Slot.blocked == bind("threshold"), bind("seq"))], Slot.version),
        }
    )
    .where(IS_NEIGHBOUR)
    .returning(*SLOT_COLUMNS)
)
_count_pressing = CompiledQuery(
    Slot.select(fn.COUNT(Slot.id)).where(IS_NEIGHBOUR & (Slot.held + Slot.booked > literal(0)))
)
_remove = CompiledQuery(
    Slot.update({Slot.state: literal(SlotState.REMOVED)}).where(Slot.id == bind("slot")).returning(*SLOT_COLUMNS)
)
_all = CompiledQuery(
    Slot.select(Slot.id, Slot.start, Slot.end, Slot.held + Slot.booked, Slot.blocked).where(
        (Slot.calendar == bind("calendar")) & (Slot.state != literal(SlotState.REMOVED))
    )
)
block = CompiledQuery(
    Slot.update({Slot.blocked: bind("blocked"), Slot.version: bind("seq")})
    .where(Slot.id == bind("slot"))
    .returning(*SLOT_COLUMNS)
)
_stamp_bookable = CompiledQuery(
    Slot.update({Slot.version: bind("seq")})
    .where((Slot.calendar == bind("calendar")) & rules.has_seats(literal(1)))
    .returning(*SLOT_COLUMNS)
)
restamp = CompiledListQuery(
    lambda ids: Slot.update({Slot.version: bind("seq")}).where(Slot.id.in_(ids)).returning(*SLOT_COLUMNS)
)


def status_of(row: SlotRow) -> Literal["open", "held", "booked", "closed"]:
    """How the slot stands, whoever stands beside it."""
    if row.state != SlotState.OPEN:
        return "closed"
    if row.remaining > 0:
        return "open"
    return "held" if row.held else "booked"


def public(row: SlotRow, calendar: CalendarRow) -> PublicSlot:
    """The slot of this calendar as everyone may see it."""
    return PublicSlot(
        id=row.id,
        start=write_time(row.start),
        end=write_time(row.end),
        capacity=row.capacity,
        held=row.held,
        held_until=UNSET if row.held_until is None else write_time(row.held_until),
        remaining=row.remaining,
        status=status_of(row),
        bookable=rules.is_bookable(row, calendar),
        version=row.version,
        data=UNSET if row.data is None else _raw(row.data),
    )


def _raw(data: str) -> Raw:
    """One line of it: what an outside writer wrote has not been taken yet."""
    return Raw(msgspec.json.format(data.encode(), indent=-1) if "\n" in data or "\r" in data else data.encode())


def read(db: Database, slot: str) -> SlotRow:
    """The slot as this transaction has it; NotFound for one that was removed."""
    row = _read.row(db, slot=slot)
    if row is None:
        raise NotFound(what="slot")
    return SlotRow._make(row)


def find(transaction: Transaction, slot: str) -> SlotRow:
    row = read(transaction.db, slot)
    check_home(transaction, row.calendar)
    return row


def check_home(transaction: Transaction, calendar: str) -> None:
    """Outrun where somebody has moved the slot by hand to a calendar that this transaction has no lock on."""
    if calendar not in transaction.calendars and transaction.db.locks_rows:
        raise StaleRoute


def try_take(transaction: Transaction, slot: str, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow | None:
    """Takes seats if they are there to be had: the one write that stands between two who want the same seat."""
    row = _take.row(transaction.db, slot=slot, seq=seq, held=held, booked=booked, seats=held + booked)
    return None if row is None else _moved(transaction, SlotRow._make(row), seq, held + booked)


def shift(transaction: Transaction, slot: str, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow:
    """Moves seats between held, booked and free (negative numbers) for who has them already; no guard."""
    row = _shift.row(transaction.db, slot=slot, seq=seq, held=held, booked=booked)
    if row is None:
        raise NotFound(what="slot")
    return _moved(transaction, SlotRow._make(row), seq, held + booked)


def _moved(transaction: Transaction, row: SlotRow, seq: int, more: int) -> SlotRow:
    transaction.touched[row.id] = row
    taken = row.held + row.booked
    if more and (taken in {0, more}):  # the last seat given back, or the first one taken
        block_neighbours(transaction, row, seq, 1 if taken else -1)
    if row.dropped and not taken:
        transaction.touched[row.id] = row = SlotRow._make(_remove.rows(transaction.db, slot=row.id)[0])
        transaction.vacated[row.id] = row.calendar
    elif row.origin == Origin.SCHEDULE and not taken and row.start <= transaction.now:
        transaction.vacated[row.id] = row.calendar
    return row


def block_neighbours(transaction: Transaction, slot: SlotRow, seq: int, by: int) -> None:
    """Blocks the slot's neighbours once more, or once less; those that this opens or shuts are in the change."""
    calendar = transaction.calendar(slot.calendar)
    if not rules.policy_of(calendar).rejects_overlap:
        return
    threshold = 0 if by > 0 else 1
    found = _press.rows(
        transaction.db, by=by, threshold=threshold, seq=seq, **around(calendar, slot.id, slot.start, slot.end)
    )
    for row in map(SlotRow._make, found):
        if row.version == seq:
            transaction.touched[row.id] = row


def around(calendar: CalendarRow, slot: str, start: int, end: int) -> dict[str, Any]:
    """What IS_NEIGHBOUR is asked with: a neighbour starts before `before` and ends after `after`."""
    policy = rules.policy_of(calendar)
    room = (policy.buffer_before + policy.buffer_after) * SECOND
    return {"calendar": calendar.id, "slot": slot, "after": start - room, "before": end + room}


def count_blocking(transaction: Transaction, calendar: CalendarRow, slot: str, start: int, end: int) -> int:
    """How many neighbours stand in the way of a slot at this place."""
    if not rules.policy_of(calendar).rejects_overlap:
        return 0
    found = _count_pressing.row(transaction.db, **around(calendar, slot, start, end))
    return int(found[0]) if found else 0


def recount_blocked(transaction: Transaction, calendar: CalendarRow, seq: int) -> None:
    """Counts every slot's blocking neighbours, after the policy that says what a neighbour is has changed."""
    policy = rules.policy_of(calendar)
    room = (policy.buffer_before + policy.buffer_after) * SECOND
    slots = _all.rows(transaction.db, calendar=calendar.id)
    pressing = [(start, end) for _, start, end, taken, _ in slots if taken and policy.rejects_overlap]
    starts, ends = sorted(start for start, _ in pressing), sorted(end for _, end in pressing)
    for slot, start, end, taken, blocked in slots:
        # Those that start in time, less those that have ended by then, less itself.
        count = bisect_left(starts, end + room) - bisect_right(ends, start - room)
        count -= bool(taken and policy.rejects_overlap)
        if count != blocked:
            row = block.row(transaction.db, slot=slot, blocked=count, seq=seq)
            if row is not None:
                transaction.touched[slot] = SlotRow._make(row)


def note_bookable(transaction: Transaction, calendar: str, seq: int) -> None:
    """Stamp every slot with free seats: whether it is bookable has changed with its calendar."""
    for row in map(SlotRow._make, _stamp_bookable.rows(transaction.db, calendar=calendar, seq=seq)):
        transaction.touched[row.id] = row


def append_slot_changes(
    transaction: Transaction,
    calendar: str,
    kind: Type,
    *,
    bookings: Sequence[str] = (),
    info: Info | UnsetType = UNSET,
    tx: str | UnsetType = UNSET,
) -> None:
    """Writes the change of the seq just allotted, with every slot of the calendar that the command has written.

    Where those are more than a change may have, the rest follow in changes of their own. Slots that waited for what the
    command has removed are in it too.
    """
    if transaction.vacated:
        transaction.refill(transaction, calendar)
    rows = [row for row in transaction.touched.values() if row.calendar == calendar]
    transaction.touched = {name: row for name, row in transaction.touched.items() if row.calendar != calendar}
    _append(transaction, calendar, kind, rows[:SLOTS_A_CHANGE], bookings=bookings, info=info, tx=tx)
    for place in range(SLOTS_A_CHANGE, len(rows), SLOTS_A_CHANGE):
        seq = change_log.next_seq(transaction, calendar)
        more = rows[place : place + SLOTS_A_CHANGE]
        found = restamp.rows(transaction.db, [row.id for row in more], seq=seq)
        stamped = {row[0]: SlotRow._make(row) for row in found}
        _append(transaction, calendar, Type.SLOT_UPDATED, [stamped.get(row.id, row) for row in more])


def _append(transaction: Transaction, calendar: str, kind: Type, rows: Sequence[SlotRow], **more: Any) -> None:
    told: list[PublicSlot] = []
    removed: list[str] = []
    for row in rows:
        if row.state == SlotState.REMOVED:
            removed.append(row.id)
        else:
            told.append(public(row, transaction.calendar(calendar)))
    change_log.append(transaction, calendar, kind, slots=told, removed=removed, **more)
