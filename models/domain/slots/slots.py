"""The commands of slots: staff open, update, close, reopen and remove them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat
from typing import TypeVar

from msgspec import Raw, UnsetType

from models.contract.changes import SLOTS_A_CHANGE, Type
from models.contract.changes import Slot as PublicSlot
from models.contract.commands.slots import CloseSlot, NewSlot, OpenSlots, RemoveSlot, ReopenSlot, UpdateSlot
from models.contract.errors import BadRequest, CapacityExceeded, InvalidTransition, VersionConflict
from models.contract.values.ids import new_ids
from models.contract.values.time import DAY
from models.domain.log import change_log
from models.domain.log.public_text import write_rows
from models.domain.log.public_view import public_slot
from models.domain.log.slot_changes import append_slot_changes
from models.domain.policy import override, rules
from models.domain.policy.metadata import check_json
from models.domain.slots import busy_times, capacity, neighbours, overlap, slot_move
from models.domain.slots.planned import Planned
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.rows import Origin, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS, fewer_over
from models.storage.tables import Slot
from models.transaction.handlers import handles
from models.transaction.routing import StaleRoute
from models.transaction.transaction import CommandResult, Transaction

Given = TypeVar("Given")

LONGEST_SLOT = 366 * DAY
EARLIEST, LATEST = 0, 253_402_214_400_000  # 1970-01-01 to 9999-12-31: RFC 3339 can write them in any zone

_insert = CompiledQuery(
    Slot.insert(
        {
            Slot.id: bind("id"),
            Slot.calendar: bind("calendar"),
            Slot.start: bind("start"),
            Slot.end: bind("end"),
            Slot.capacity: bind("capacity"),
            Slot.held: literal(0),
            Slot.booked: literal(0),
            Slot.blocked: bind("blocked"),
            Slot.busy: bind("busy"),
            Slot.state: literal(SlotState.OPEN),
            Slot.origin: bind("origin"),
            Slot.version: bind("seq"),
            Slot.changed_at: bind("now"),
            Slot.data: bind("data"),
        }
    )
)
_overbook = CompiledQuery(
    Slot.update({Slot.overbooked: Slot.held + Slot.booked - bind("capacity")}).where(Slot.id == bind("slot"))
)
_update = CompiledQuery(
    Slot.update(
        {
            Slot.capacity: bind("capacity"),
            Slot.data: bind("data"),
            Slot.state: bind("state"),
            Slot.blocked: bind("blocked"),
            Slot.dropped: bind("dropped"),
            Slot.overbooked: fewer_over(Slot.held + Slot.booked - bind("capacity")),
            Slot.version: bind("seq"),
            Slot.changed_at: bind("now"),
        }
    )
    .where(Slot.id == bind("slot"))
    .returning(*SLOT_COLUMNS)
)


@handles(OpenSlots, checks_first=True)
def open_slots(transaction: Transaction, command: OpenSlots) -> CommandResult:
    """`slot.open`: open up to 200 slots, all or none."""
    rules.check_in_use(transaction.calendar(command.calendar))
    if not 1 <= len(command.slots) <= SLOTS_A_CHANGE:
        raise BadRequest(f"`slots` has 1 to {SLOTS_A_CHANGE} of them.", field="slots")
    if command.duplicates is not True:
        overlap.check_new(transaction, transaction.calendar(command.calendar), command.slots)
    seq = change_log.next_seq(transaction, command.calendar)
    planned = [_checked(slot, f"slots[{place}]") for place, slot in enumerate(command.slots)]
    opened = write_new(transaction, seq, command.calendar, planned, Origin.MANUAL)
    calendar = transaction.calendar(command.calendar)
    texts = write_rows(opened, rules.bookable_after(calendar, transaction.now))
    slots = [Raw(text) for text in texts]  # encoded once, for the change and for the answer
    about = [row.id for row in opened]
    change_log.append(transaction, command.calendar, Type.SLOT_OPENED, slots=slots, about=about)
    beside = overlap.beside(transaction, calendar, [slot.times for slot in planned])
    return CommandResult(command.calendar, "slots", slots, warnings=overlap.warnings(calendar, beside))


def _checked(slot: NewSlot, where: str) -> Planned:
    _check_times(slot.start, slot.end, where)
    _check_capacity(slot.capacity, where)
    return Planned(slot.start, slot.end, slot.capacity, check_json(slot.data, f"{where}.data"))


def write_new(
    transaction: Transaction, seq: int, calendar: str, slots: Sequence[Planned], origin: Origin
) -> list[SlotRow]:
    """Write new slots, each with its count of blocking neighbours; return their rows. The caller appends the change.

    The rows are those of the database, which reads none of them back.
    """
    places, now = [slot.times for slot in slots], transaction.now
    blocked = neighbours.count_blocking_each(transaction, transaction.calendar(calendar), places)
    busy = busy_times.marks_of_new(transaction, calendar, places)
    rows = [
        SlotRow(
            id=name,
            calendar=calendar,
            start=slot.start,
            end=slot.end,
            capacity=slot.capacity,
            held=0,
            booked=0,
            blocked=count,
            held_until=None,
            state=SlotState.OPEN,
            origin=origin,
            version=seq,
            data=slot.data,
            dropped=False,
            changed_at=now,
            busy=mark,
            overbooked=0,
            bookable=not count and not mark,
        )
        for name, slot, count, mark in zip(new_ids(now, len(slots)), slots, blocked, busy, strict=True)
    ]
    _insert.run_columns(
        transaction.seats_db,
        id=[row.id for row in rows],
        calendar=repeat(calendar),
        start=[slot.start for slot in slots],
        end=[slot.end for slot in slots],
        capacity=[slot.capacity for slot in slots],
        blocked=blocked,
        busy=busy,
        origin=repeat(int(origin)),
        seq=repeat(seq),
        now=repeat(now),
        data=[slot.data for slot in slots],
    )
    return rows


def _check_times(start: int, end: int, where: str) -> None:
    if not start < end <= start + LONGEST_SLOT:
        raise BadRequest("`end` is after `start`, by a year at most.", field=f"{where}.end")
    if not EARLIEST <= start < end <= LATEST:
        raise BadRequest("A slot lies between the years 1970 and 9999.", field=f"{where}.start")


def _check_capacity(capacity: int, where: str) -> None:
    if not 1 <= capacity <= rules.MOST_SEATS:
        raise BadRequest(f"`capacity` is 1 to {rules.MOST_SEATS}.", field=f"{where}.capacity")


def _found_for_staff(transaction: Transaction, command: UpdateSlot | CloseSlot | ReopenSlot | RemoveSlot) -> SlotRow:
    """Return the slot; refuse an archived calendar and another version."""
    row = capacity.find(transaction, command.slot)
    rules.check_in_use(transaction.calendar(row.calendar))
    if command.if_version is not None and command.if_version != row.version:
        raise VersionConflict(version=row.version)
    return row


def _answer(transaction: Transaction, row: SlotRow, shown: Sequence[PublicSlot] = ()) -> CommandResult:
    """Return the answer with the slot, as its change shows it. A change does not show a removed one."""
    found = next((slot for slot in shown if slot.id == row.id), None)
    if found is None:
        found = public_slot(row, transaction.calendar(row.calendar), transaction.now)
    return CommandResult(row.calendar, "slot", found)


def _write_with_change(transaction: Transaction, row: SlotRow, kind: Type) -> CommandResult:
    """Write the slot, append its change, and return the answer."""
    written = write(transaction, row, change_log.next_seq(transaction, row.calendar))
    return _answer(transaction, written, append_slot_changes(transaction, row.calendar, kind))


def write(transaction: Transaction, row: SlotRow, seq: int) -> SlotRow:
    """Write the slot's columns but its times. The caller appends the change."""
    written = _update.row(
        transaction.seats_db,
        slot=row.id,
        capacity=row.capacity,
        data=row.data,
        state=int(row.state),
        blocked=row.blocked,
        dropped=bool(row.dropped),
        seq=seq,
        now=transaction.now,
    )
    if written is None:  # an outside writer has deleted it since it was read
        raise StaleRoute
    row = transaction.touched[row.id] = transaction.slots[row.id] = SlotRow._make(written)
    transaction.beside.discard(row.id)
    capacity.check_route(transaction, row.calendar)
    return row


def _given(value: Given | UnsetType, otherwise: Given) -> Given:
    return otherwise if isinstance(value, UnsetType) else value


@handles(UpdateSlot, checks_first=True)
def update_slot(transaction: Transaction, command: UpdateSlot) -> CommandResult:
    """`slot.update`: the capacity covers the taken seats, and with one taken the times change only `with_bookings`.

    An override lowers the capacity below the taken seats. The seats over it count as overbooked.
    """
    row = _found_for_staff(transaction, command)
    is_override = override.is_asked(command.principal, row.calendar, command.override)
    passed: list[str] | None = [] if is_override else None
    changed = row._replace(
        start=_given(command.start, row.start),
        end=_given(command.end, row.end),
        capacity=_given(command.capacity, row.capacity),
        data=row.data if isinstance(command.data, UnsetType) else check_json(command.data, "slot.data"),
    )
    _check_times(changed.start, changed.end, "slot")
    _check_capacity(changed.capacity, "slot")
    is_moved = (changed.start, changed.end) != (row.start, row.end)
    if is_moved:
        if (row.held or row.booked) and command.with_bookings is not True:
            raise _somebody_has_a_seat()
        changed = slot_move.at_new_place(transaction, changed)
        if is_override:
            passed = transaction.passed = slot_move.broken_rules(changed)
        else:
            slot_move.check(changed)
    is_overbooked = changed.capacity < min(row.capacity, row.held + row.booked)
    if is_overbooked and passed is None:
        raise CapacityExceeded("That many seats are taken already.", rule="capacity", taken=row.held + row.booked)
    if is_overbooked:
        passed = transaction.passed = [*(passed or ()), "capacity"]
    if changed == row:
        return _answer(transaction, row)._replace(overridden=passed)
    seq = change_log.next_seq(transaction, row.calendar)
    bookings = slot_move.move(transaction, row, changed, seq) if is_moved else ()
    if is_moved:
        _vacate(transaction, row)
    if is_overbooked:
        _overbook.execute(transaction.db, slot=row.id, capacity=changed.capacity)
    written = write(transaction, changed, seq)
    shown = append_slot_changes(transaction, row.calendar, Type.SLOT_UPDATED, bookings=bookings)
    calendar = transaction.calendar(row.calendar)
    beside = overlap.beside(transaction, calendar, [(written.start, written.end)]) if is_moved else []
    return _answer(transaction, written, shown)._replace(overridden=passed, warnings=overlap.warnings(calendar, beside))


@handles(CloseSlot, checks_first=True)
def close_slot(transaction: Transaction, command: CloseSlot) -> CommandResult:
    """`slot.close`: refuse new holds and bookings. Holds can still be booked, and bookings stand."""
    row = _found_for_staff(transaction, command)
    if row.state == SlotState.CLOSED:
        return _answer(transaction, row)
    return _write_with_change(transaction, row._replace(state=SlotState.CLOSED), Type.SLOT_CLOSED)


@handles(ReopenSlot, checks_first=True)
def reopen_slot(transaction: Transaction, command: ReopenSlot) -> CommandResult:
    row = _found_for_staff(transaction, command)
    if row.state == SlotState.OPEN:
        return _answer(transaction, row)
    return _write_with_change(transaction, row._replace(state=SlotState.OPEN, dropped=False), Type.SLOT_REOPENED)


@handles(RemoveSlot, checks_first=True)
def remove_slot(transaction: Transaction, command: RemoveSlot) -> CommandResult:
    """`slot.remove`: remove a slot without a taken seat but those of no-shows. The answer has the slot as it was."""
    row = _found_for_staff(transaction, command)
    if not capacity.is_empty(transaction, row):
        raise _somebody_has_a_seat()
    _vacate(transaction, row)
    seq = change_log.next_seq(transaction, row.calendar)
    freed = capacity.forget_no_shows(transaction, row, seq)
    removed = write(transaction, freed._replace(state=SlotState.REMOVED), seq)
    append_slot_changes(transaction, row.calendar, Type.SLOT_REMOVED)
    return _answer(transaction, removed)


def _vacate(transaction: Transaction, row: SlotRow) -> None:
    """Note that the slot leaves its place, so that a slot waiting behind it may open."""
    if row.origin == Origin.SCHEDULE:
        transaction.vacated[row.id] = row.calendar


def _somebody_has_a_seat() -> InvalidTransition:
    return InvalidTransition("Somebody has a seat in the slot.", rule="taken")
