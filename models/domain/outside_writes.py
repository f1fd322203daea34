"""Takes the rows of outside writers into the log, as changes like any other.

The triggers of models/storage/triggers note each row of an outside write, in its own transaction. Taking
the notes removes them and appends the changes in one transaction under the calendar's lock. So each note leads to one
change, however many servers see it, and a crash loses none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec
from peewee import Case, fn

from models.contract.changes import Policy, Type
from models.contract.commands.background import TakeOutside
from models.contract.values.zones import is_zone
from models.domain.calendars import due_schedule
from models.domain.log import change_log, slot_changes
from models.domain.log.public_view import calendar_info
from models.domain.policy import booking_states, pending, rules
from models.domain.policy.booking_states import State
from models.domain.slots import busy_times, neighbours
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.dialect import Dialect
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import (
    Booking,
    Calendar,
    CalendarRow,
    Hold,
    HoldState,
    Log,
    Origin,
    PrivateFeed,
    Slot,
    SlotRow,
    SlotState,
    StoredRecord,
    StoredSchedule,
    Touched,
    WaitingSlot,
)
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

NOTES_AT_ONCE = 100  # about as many slots, 5 to 10 ms: a change may have 200, but other commands wait for the writer
DEFAULT_ZONE = "Etc/UTC"
FORGOTTEN_AT_ONCE = 20_000  # rows of a deleted calendar's log
LATEST_VERSION = 1 << 53  # what JSON can have; the column may have more

_logger = logging.getLogger("slotcast.outside")

# One step in the index for each calendar; DISTINCT would read every note, after each commit.
_TOUCHED_CALENDARS = (
    "WITH RECURSIVE found (name) AS (SELECT MIN(calendar) FROM touched UNION ALL"
    " SELECT (SELECT MIN(calendar) FROM touched WHERE calendar > found.name) FROM found WHERE found.name IS NOT NULL)"
    " SELECT name FROM found WHERE name IS NOT NULL LIMIT 1000"
)
_first = Touched.alias()
_take = CompiledQuery(
    Touched.delete()
    .where(
        Touched.id.in_(
            _first.select(_first.id)
            .where(_first.calendar == bind("calendar"))
            .order_by(_first.id)
            .limit(literal(NOTES_AT_ONCE))
        )
    )
    .returning(Touched.id, Touched.kind, Touched.subject, Touched.start, Touched.end)
)

_SEATED = Booking.status.in_(sorted(booking_states.LIVE)) | (
    (Booking.status == State.NO_SHOW.value) & (Slot.state != literal(SlotState.REMOVED))
)
_held = Hold.select(fn.COALESCE(fn.SUM(Hold.seats), 0)).where(
    (Hold.slot == Slot.id) & (Hold.state == literal(HoldState.ACTIVE))
)
_held_until = Hold.select(fn.MIN(Hold.expires_at)).where(
    (Hold.slot == Slot.id) & (Hold.state == literal(HoldState.ACTIVE))
)
_booked = Booking.select(fn.COALESCE(fn.SUM(Booking.seats), 0)).where((Booking.slot == Slot.id) & _SEATED)
# By id only: with the calendar in the condition SQLite reads all of the calendar's slots.
_counted = CompiledListQuery(
    lambda ids: Slot.select(*SLOT_COLUMNS, _held, _booked, _held_until).where(Slot.id.in_(ids))
)
_correct = CompiledQuery(
    Slot.update(
        {
            Slot.capacity: bind("capacity"),
            Slot.held: bind("held"),
            Slot.booked: bind("booked"),
            Slot.held_until: bind("held_until"),
            Slot.state: bind("state"),
            Slot.data: bind("data"),
            Slot.blocked: bind("blocked"),
            Slot.overbooked: bind("overbooked"),
        }
    ).where(Slot.id == bind("slot"))
)
_home = Slot.select(Slot.calendar).where(Slot.id == Booking.slot)
_stamp_bookings = CompiledListQuery(
    lambda ids: Booking.update(
        {
            Booking.version: Case(
                None,
                [((Booking.version < bind("seq")) | (Booking.version >= literal(LATEST_VERSION)), bind("seq"))],
                Booking.version + 1,
            ),
            Booking.calendar: fn.COALESCE(_home, Booking.calendar),
            Booking.changed_at: bind("now"),
        }
    ).where(Booking.id.in_(ids))
)
_elsewhere = CompiledListQuery(
    lambda ids: Booking.select(Booking.id).where((Booking.slot.in_(ids)) & (Booking.calendar != bind("calendar")))
)
_move_holds = CompiledListQuery(
    lambda ids: (
        Hold.update({Hold.calendar: bind("calendar")})
        .where((Hold.slot.in_(ids)) & (Hold.calendar != bind("calendar")))
        .returning(Hold.id)
    )
)
_at_head = CompiledQuery(Log.select(Log.nonce).where((Log.calendar == bind("calendar")) & (Log.seq == bind("seq"))))
_oldest = CompiledQuery(Log.select(fn.MIN(Log.seq)).where(Log.calendar == bind("calendar")))
_forget_log = CompiledQuery(Log.delete().where((Log.calendar == bind("calendar")) & (Log.seq < bind("before"))))
_forget_receipts = CompiledQuery(StoredRecord.delete().where(StoredRecord.calendar == bind("calendar")))
_forget_hours = CompiledQuery(StoredSchedule.delete().where(StoredSchedule.calendar == bind("calendar")))
_forget_feeds = CompiledQuery(PrivateFeed.delete().where(PrivateFeed.calendar == bind("calendar")))
_forget_waiting = CompiledQuery(WaitingSlot.delete().where(WaitingSlot.calendar == bind("calendar")))
_note_gone = CompiledQuery(
    Touched.insert({Touched.kind: "gone", Touched.calendar: bind("calendar"), Touched.subject: bind("calendar")})
)
_mend = CompiledQuery(
    Calendar.update({Calendar.policy: bind("policy"), Calendar.zone: bind("zone")}).where(
        Calendar.id == bind("calendar")
    )
)


class Note(NamedTuple):
    """A touched row: a slot with its old or new times, a booking, or the calendar itself."""

    id: int
    kind: str
    subject: str
    start: int | None
    end: int | None


def read_calendars(db: Dialect) -> list[str]:
    """Return the calendars with notes, also deleted ones."""
    return [row[0] for row in db.execute_sql(_TOUCHED_CALENDARS).fetchall()]


@handles(TakeOutside)
def take_outside(transaction: Transaction, command: TakeOutside) -> CommandResult:
    """Take at most 100 notes of the calendar; the answer says if there may be more."""
    name = command.calendar
    notes = sorted(Note._make(row) for row in _take.rows(transaction.db, calendar=name))
    is_left = len(notes) == NOTES_AT_ONCE
    if name not in transaction.calendars:
        is_left |= bool(notes) and _forget(transaction, name)
        # A deleted calendar gets no change; the cursor is that of an empty history.
        return CommandResult(name, "left", is_left)
    if notes:
        _append_change(transaction, transaction.calendars[name], notes)
    return CommandResult(name, "left", is_left)


def _forget(transaction: Transaction, calendar: str) -> bool:
    """Delete the rest of a deleted calendar, so that a new one of its name begins anew; True if some is left."""
    (oldest,) = _oldest.rows(transaction.db, calendar=calendar)[0]
    if oldest is not None:
        _forget_log.execute(transaction.db, calendar=calendar, before=oldest + FORGOTTEN_AT_ONCE)
    _forget_receipts.execute(transaction.db, calendar=calendar)
    _forget_hours.execute(transaction.db, calendar=calendar)
    busy_times.forget(transaction, calendar)
    _forget_feeds.execute(transaction.db, calendar=calendar)  # their keys are not those of the next calendar
    _forget_waiting.execute(transaction.db, calendar=calendar)
    if oldest is not None and _oldest.rows(transaction.db, calendar=calendar)[0][0] is not None:
        _note_gone.execute(transaction.db, calendar=calendar)
        return True
    return False


def _append_change(transaction: Transaction, calendar: CalendarRow, notes: Sequence[Note]) -> None:
    kinds = {note.kind for note in notes}
    is_about_calendar = bool(kinds & {"calendar", "policy", "archived", "head", "gone"})
    if is_about_calendar:
        calendar = _repaired(transaction, calendar)
        due_schedule.look_again(transaction, calendar.id)
    slots = list({note.subject: None for note in notes if note.kind in {"slot", "seats", "new", "later"}})
    bookings = list({note.subject: None for note in notes if note.kind == "booking"})
    bookings += [
        row[0] for row in _elsewhere.rows(transaction.db, slots, calendar=calendar.id) if row[0] not in bookings
    ]
    seq = change_log.next_seq(transaction, calendar.id)
    _write_bookings(transaction, bookings, seq)
    _move_holds.rows(transaction.db, slots, calendar=calendar.id)
    _take_slots(transaction, calendar, slots, seq)
    _note_vacated(transaction, notes, slots)
    pending.bound_by_start(transaction, "slot", slots)
    pending.bound_by_start(transaction, "booking", bookings)
    if "policy" in kinds:
        neighbours.recount_calendar(transaction, transaction.calendar(calendar.id), seq)
    elif rules.policy_of(calendar).rejects_overlap:
        spans = [(note.start, note.end) for note in notes if note.start is not None and note.end is not None]
        spans += [(row.start, row.end) for row in transaction.touched.values() if row.state != SlotState.REMOVED]
        neighbours.recount_near(transaction, calendar, spans, seq)
    if "archived" in kinds:
        slot_changes.note_bookable(transaction, calendar.id, seq)
    info = calendar_info(calendar) if is_about_calendar else msgspec.UNSET
    kind = Type.CALENDAR_UPDATED if is_about_calendar else Type.SLOT_UPDATED if slots else Type.BOOKING_UPDATED
    slot_changes.append_slot_changes(transaction, calendar.id, kind, bookings=bookings, info=info)


def _repaired(transaction: Transaction, calendar: CalendarRow) -> CalendarRow:
    """Return the calendar with a readable zone and policy. A log that does not end at its head is deleted."""
    mended = calendar
    try:
        rules.policy_of(calendar)
    except msgspec.DecodeError as error:
        _logger.warning("The policy of %s can't be read, and is the default now: %s", calendar.id, error)
        mended = mended._replace(policy=msgspec.json.encode(Policy()).decode())
    if not is_zone(calendar.zone):
        _logger.warning("The zone of %s is not known, and is %s now: %r", calendar.id, DEFAULT_ZONE, calendar.zone[:64])
        mended = mended._replace(zone=DEFAULT_ZONE)
    if mended is not calendar:
        calendar = transaction.calendars[calendar.id] = mended
        _mend.execute(transaction.db, calendar=calendar.id, policy=calendar.policy, zone=calendar.zone)
    last = change_log.read_last(transaction.db, calendar.id)
    at_head = _at_head.row(transaction.db, calendar=calendar.id, seq=calendar.seq)
    if last and (at_head is None or last > calendar.seq or at_head[0] != calendar.nonce):
        # The log is of an earlier calendar with this id. A client with a cursor of it gets a snapshot.
        change_log.forget(transaction, calendar.id)
    return calendar


def _write_bookings(transaction: Transaction, bookings: Sequence[str], seq: int) -> None:
    for place in range(0, len(bookings), 256):
        _stamp_bookings.run(transaction.db, bookings[place : place + 256], seq=seq, now=transaction.now)


def _take_slots(transaction: Transaction, calendar: CalendarRow, slots: Sequence[str], seq: int) -> None:
    """Correct these slots and put them into the change; a slot no longer in the calendar is removed."""
    here: list[str] = []
    for row in _counted.rows(transaction.db, slots):
        slot, (held, booked, held_until) = SlotRow._make(row[: len(SlotRow._fields)]), row[len(SlotRow._fields) :]
        if slot.calendar != calendar.id:
            continue
        here.append(slot.id)
        _correct_row(transaction, slot, int(held), int(booked), held_until)
    busy_times.mark(transaction, here)
    for stamped in slot_changes.restamp(transaction, here, seq):
        transaction.touched[stamped.id] = stamped
    for name in slots:
        if name not in transaction.touched:
            transaction.touched[name] = _removed(calendar.id, name)


def _note_vacated(transaction: Transaction, notes: Sequence[Note], slots: Sequence[str]) -> None:
    """Note the slots that have left their place, as the service's own commands do."""
    was_at: dict[str, set[tuple[int, int]]] = {}
    for note in notes:
        if note.start is not None and note.end is not None:
            was_at.setdefault(note.subject, set()).add((note.start, note.end))
    for name in slots:
        row = transaction.touched[name]
        is_over = row.origin == Origin.SCHEDULE and row.start <= transaction.now and not row.held + row.booked
        if row.state == SlotState.REMOVED or is_over or was_at.get(name, set()) - {(row.start, row.end)}:
            transaction.vacated[name] = row.calendar


def _removed(calendar: str, slot: str) -> SlotRow:
    """Return the row of a removed slot, for the change."""
    gone = (0, 0, 0, 0, 0, 0, None, SlotState.REMOVED, 0, 0, None)
    return SlotRow(slot, calendar, *gone, dropped=False, changed_at=0, busy=0, overbooked=0, bookable=False)


def _correct_row(transaction: Transaction, slot: SlotRow, held: int, booked: int, held_until: int | None) -> None:
    """Set the counters to the sums of holds and bookings. Where the CHECKs were off, raise the capacity to them."""
    state = int(slot.state)
    if state == SlotState.REMOVED and held + booked:
        state = int(SlotState.CLOSED)
    elif slot.dropped and not held + booked:
        state = int(SlotState.REMOVED)
    data = _one_line(slot)
    is_strict = rules.policy_of(transaction.calendars[slot.calendar]).rejects_overlap
    capacity = max(slot.capacity, held + booked - slot.overbooked, 1)
    correct = slot._replace(
        capacity=capacity,
        overbooked=min(slot.overbooked, max(0, held + booked - capacity)),
        held=held,
        booked=booked,
        held_until=held_until,
        state=state,
        data=data,
        blocked=slot.blocked if is_strict else 0,
    )
    if correct != slot:
        _correct.execute(
            transaction.db,
            slot=slot.id,
            capacity=correct.capacity,
            held=held,
            booked=booked,
            held_until=held_until,
            state=state,
            data=data,
            blocked=correct.blocked,
            overbooked=correct.overbooked,
        )


def _one_line(slot: SlotRow) -> str | None:
    """Return the slot's data as one line of JSON; None if it is not JSON."""
    if slot.data is None:
        return None
    try:
        msgspec.json.decode(slot.data)
    except (ValueError, RecursionError) as error:
        _logger.warning("The data of %s is not JSON, and is taken away: %s", slot.id, error)
        return None
    return msgspec.json.format(slot.data.encode(), indent=-1).decode() if "\n" in slot.data else slot.data
