"""Slots: what staff open, change, close and remove; and the one write that takes and gives back their seats."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import msgspec
from msgspec import UNSET, Raw, UnsetType
from peewee import fn

from models import log, rules
from models.batch import Batch, Done
from models.change import SLOTS_A_CHANGE, Type
from models.change import Slot as PublicSlot
from models.clock import DAY, write_time
from models.commands import CloseSlot, NewSlot, OpenSlots, RemoveSlot, ReopenSlot, UpdateSlot
from models.errors import BadRequest, CapacityExceeded, InvalidTransition, NotFound, VersionConflict
from models.identity import new_id
from models.rules import SLOT_COLUMNS
from models.statement import Statement, bind, literal
from models.tables import Hold, HoldState, Origin, Slot, SlotRow, SlotState

Given = TypeVar("Given")

DATA_BYTES = 4_096
LONGEST_SLOT = 366 * DAY
EARLIEST, LATEST = 0, 253_402_214_400_000  # 1970-01-01 to 9999-12-31: what RFC 3339 can write, whatever the zone

_read = Statement(
    Slot.select(*SLOT_COLUMNS).where((Slot.id == bind("slot")) & (Slot.state != literal(SlotState.REMOVED)))
)
_insert = Statement(
    Slot.insert(
        {
            Slot.id: bind("id"),
            Slot.calendar: bind("calendar"),
            Slot.start: bind("start"),
            Slot.end: bind("end"),
            Slot.capacity: bind("capacity"),
            Slot.held: 0,
            Slot.booked: 0,
            Slot.blocked: 0,
            Slot.state: int(SlotState.OPEN),
            Slot.origin: bind("origin"),
            Slot.version: bind("seq"),
            Slot.data: bind("data"),
        }
    ).returning(*SLOT_COLUMNS)
)
_update = Statement(
    Slot.update(
        {
            Slot.start: bind("start"),
            Slot.end: bind("end"),
            Slot.capacity: bind("capacity"),
            Slot.data: bind("data"),
            Slot.state: bind("state"),
            Slot.version: bind("seq"),
        }
    )
    .where(Slot.id == bind("slot"))
    .returning(*SLOT_COLUMNS)
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
_take = Statement(_move_seats.where((Slot.id == bind("slot")) & rules.has_seats(bind("seats"))))
_shift = Statement(_move_seats.where(Slot.id == bind("slot")))


def public(row: SlotRow) -> PublicSlot:
    """The slot as everyone may see it."""
    remaining = row.remaining
    if row.state != SlotState.OPEN:
        status = "closed"
    elif remaining > 0:
        status = "open"
    else:
        status = "held" if row.held else "booked"
    return PublicSlot(
        id=row.id,
        start=write_time(row.start),
        end=write_time(row.end),
        capacity=row.capacity,
        held=row.held,
        held_until=UNSET if row.held_until is None else write_time(row.held_until),
        remaining=remaining,
        status=cast("Any", status),  # one of the four above
        bookable=bool(row.bookable),
        version=row.version,
        data=UNSET if row.data is None else Raw(row.data.encode()),
    )


def find(batch: Batch, slot: str) -> SlotRow:
    """The slot as this transaction has it; NotFound for one that was removed."""
    row = _read.row(batch.db, slot=slot)
    if row is None:
        raise NotFound(what="slot")
    return SlotRow._make(row)


def try_take(batch: Batch, slot: str, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow | None:
    """Takes seats if they are there to be had: the one write that stands between two who want the same seat."""
    row = _take.row(batch.db, slot=slot, seq=seq, held=held, booked=booked, seats=held + booked)
    return SlotRow._make(row) if row else None


def shift(batch: Batch, slot: str, seq: int, *, held: int = 0, booked: int = 0) -> SlotRow:
    """Moves seats between held, booked and free (negative numbers) for who has them already; no guard."""
    row = _shift.row(batch.db, slot=slot, seq=seq, held=held, booked=booked)
    if row is None:
        raise NotFound(what="slot")
    return SlotRow._make(row)


def open_slots(batch: Batch, command: OpenSlots) -> Done:
    """`slot.open`: any number up to 200, all or none."""
    rules.check_staff(command.asker, command.calendar)
    rules.check_in_use(batch.calendar(command.calendar))
    if not 1 <= len(command.slots) <= SLOTS_A_CHANGE:
        raise BadRequest(f"`slots` has 1 to {SLOTS_A_CHANGE} of them.", field="slots")
    seq = log.next_seq(batch, command.calendar)
    opened = [public(_opened(batch, command.calendar, seq, place, slot)) for place, slot in enumerate(command.slots)]
    log.append(batch, command.calendar, Type.SLOT_OPENED, slots=opened)
    return Done(command.calendar, "slots", opened)


def _opened(batch: Batch, calendar: str, seq: int, place: int, slot: NewSlot) -> SlotRow:
    where = f"slots[{place}]"
    _check_times(slot.start, slot.end, where)
    _check_capacity(slot.capacity, where)
    row = _insert.row(
        batch.db,
        id=new_id(batch.now),
        calendar=calendar,
        start=slot.start,
        end=slot.end,
        capacity=slot.capacity,
        origin=int(Origin.MANUAL),
        seq=seq,
        data=_checked_data(slot.data, where),
    )
    assert row is not None, "RETURNING returns what was inserted"
    return SlotRow._make(row)


def _check_times(start: int, end: int, where: str) -> None:
    if not start < end <= start + LONGEST_SLOT:
        raise BadRequest("`end` is after `start`, by a year at most.", field=f"{where}.end")
    if not EARLIEST <= start < end <= LATEST:
        raise BadRequest("A slot lies between the years 1970 and 9999.", field=f"{where}.start")


def _check_capacity(capacity: int, where: str) -> None:
    if not 1 <= capacity <= rules.MOST_SEATS:
        raise BadRequest(f"`capacity` is 1 to {rules.MOST_SEATS}.", field=f"{where}.capacity")


def _checked_data(data: bytes | None, where: str) -> str | None:
    if data is None:
        return None
    if len(data) > DATA_BYTES:
        raise BadRequest(f"`data` has at most {DATA_BYTES} bytes of JSON.", field=f"{where}.data")
    try:
        msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"`data` is not JSON: {error}", field=f"{where}.data") from error
    # One line of it: an event stream ends a field with the line.
    return msgspec.json.format(data, indent=-1).decode()


def _found_for_staff(batch: Batch, command: UpdateSlot | CloseSlot | ReopenSlot | RemoveSlot) -> SlotRow:
    """The slot, once it is sure that the asker may change it and speaks of it as it is."""
    row = find(batch, command.slot)
    rules.check_staff(command.asker, row.calendar)
    rules.check_in_use(batch.calendar(row.calendar))
    if command.if_version is not None and command.if_version != row.version:
        raise VersionConflict(version=row.version)
    return row


def _written(batch: Batch, row: SlotRow, kind: Type) -> PublicSlot:
    """Writes what staff may change of the slot, and the change that tells of it."""
    seq = log.next_seq(batch, row.calendar)
    written = _update.row(
        batch.db,
        slot=row.id,
        start=row.start,
        end=row.end,
        capacity=row.capacity,
        data=row.data,
        state=int(row.state),
        seq=seq,
    )
    assert written is not None, "the row was found in this transaction"
    slot = public(SlotRow._make(written))
    is_removed = row.state == SlotState.REMOVED
    log.append(batch, row.calendar, kind, slots=[] if is_removed else [slot], removed=[row.id] if is_removed else [])
    return slot


def _given(value: Given | UnsetType, otherwise: Given) -> Given:
    return otherwise if isinstance(value, UnsetType) else value


def update_slot(batch: Batch, command: UpdateSlot) -> Done:
    """`slot.update`: its time only while nobody has a seat, its capacity never below what is taken."""
    row = _found_for_staff(batch, command)
    changed = row._replace(
        start=_given(command.start, row.start),
        end=_given(command.end, row.end),
        capacity=_given(command.capacity, row.capacity),
        data=row.data if isinstance(command.data, UnsetType) else _checked_data(command.data, "slot"),
    )
    _check_times(changed.start, changed.end, "slot")
    _check_capacity(changed.capacity, "slot")
    if (changed.start, changed.end) != (row.start, row.end):
        _check_empty(row)
    if changed.capacity < row.held + row.booked:
        raise CapacityExceeded("That many seats are taken already.", rule="capacity", taken=row.held + row.booked)
    if changed == row:
        return Done(row.calendar, "slot", public(row))
    return Done(row.calendar, "slot", _written(batch, changed, Type.SLOT_UPDATED))


def close_slot(batch: Batch, command: CloseSlot) -> Done:
    """`slot.close`: nobody new gets in; holds stay confirmable and bookings stand."""
    row = _found_for_staff(batch, command)
    if row.state == SlotState.CLOSED:
        return Done(row.calendar, "slot", public(row))
    return Done(row.calendar, "slot", _written(batch, row._replace(state=SlotState.CLOSED), Type.SLOT_CLOSED))


def reopen_slot(batch: Batch, command: ReopenSlot) -> Done:
    row = _found_for_staff(batch, command)
    if row.state == SlotState.OPEN:
        return Done(row.calendar, "slot", public(row))
    return Done(row.calendar, "slot", _written(batch, row._replace(state=SlotState.OPEN), Type.SLOT_REOPENED))


def remove_slot(batch: Batch, command: RemoveSlot) -> Done:
    """`slot.remove`: only while nobody has a seat. Answers with the slot as it last stood."""
    row = _found_for_staff(batch, command)
    _check_empty(row)
    return Done(row.calendar, "slot", _written(batch, row._replace(state=SlotState.REMOVED), Type.SLOT_REMOVED))


def _check_empty(row: SlotRow) -> None:
    if row.held or row.booked:
        raise InvalidTransition("The slot has an active hold or a live booking.", rule="taken")
