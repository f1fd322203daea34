"""Takes what other writers have done to the tables into the log: as changes like any other, at most 200 slots each.

The triggers of models/storage/triggers note each row that an outside writer touches, in its own transaction. Taking a
calendar's notes removes them and appends what they led to in one transaction under the calendar's lock, so each is
told once, however many servers notice it, and none is lost to a crash.
"""

from __future__ import annotations

import logging
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
from peewee import Case, Database, fn

from models.contract.changes import Policy, Type
from models.contract.commands import TakeOutside
from models.contract.time import DAY, SECOND
from models.domain import capacity, change_log, rules
from models.domain.rules import SLOT_COLUMNS
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.tables import (
    Booking,
    Calendar,
    CalendarRow,
    Hold,
    HoldState,
    Log,
    Receipt,
    Slot,
    SlotRow,
    SlotState,
    StoredSchedule,
    Touched,
)
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

NOTES_AT_ONCE = 100  # and so about as many slots, 5 to 10 ms: a change may have 200, but others wait for the writer
CALENDARS_A_READ = 1_000
FORGOTTEN_AT_ONCE = 20_000  # rows of a deleted calendar's log
SEATED = ("pending", "confirmed", "no_show")

_logger = logging.getLogger("slotcast.outside")

_calendars = CompiledQuery(Touched.select(Touched.calendar).distinct().limit(CALENDARS_A_READ))
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

_SEATED = Booking.status.in_(list(SEATED))
_held = Hold.select(fn.COALESCE(fn.SUM(Hold.seats), 0)).where(
    (Hold.slot == Slot.id) & (Hold.state == literal(HoldState.ACTIVE))
)
_held_until = Hold.select(fn.MIN(Hold.expires_at)).where(
    (Hold.slot == Slot.id) & (Hold.state == literal(HoldState.ACTIVE))
)
_booked = Booking.select(fn.COALESCE(fn.SUM(Booking.seats), 0)).where((Booking.slot == Slot.id) & _SEATED)
# By their ids only: with the calendar too, SQLite would go through all of its slots.
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
        }
    ).where(Slot.id == bind("slot"))
)
_home = Slot.select(Slot.calendar).where(Slot.id == Booking.slot)
_stamp_bookings = CompiledListQuery(
    lambda ids: Booking.update(
        {
            Booking.version: Case(None, [(Booking.version < bind("seq"), bind("seq"))], Booking.version + 1),
            Booking.calendar: fn.COALESCE(_home, Booking.calendar),
        }
    ).where(Booking.id.in_(ids))
)
_strayed = CompiledListQuery(
    lambda ids: Booking.select(Booking.id).where((Booking.slot.in_(ids)) & (Booking.calendar != bind("calendar")))
)
_bring_holds = CompiledListQuery(
    lambda ids: (
        Hold.update({Hold.calendar: bind("calendar")})
        .where((Hold.slot.in_(ids)) & (Hold.calendar != bind("calendar")))
        .returning(Hold.id)
    )
)
_between = CompiledQuery(
    Slot.select(Slot.id, Slot.start, Slot.end, Slot.held + Slot.booked, Slot.blocked).where(
        (Slot.calendar == bind("calendar"))
        & (Slot.state != literal(SlotState.REMOVED))
        & (Slot.end > bind("after"))
        & (Slot.end < bind("before") + capacity.LONGEST)
        & (Slot.start < bind("before"))
    )
)
_at_head = CompiledQuery(Log.select(Log.nonce).where((Log.calendar == bind("calendar")) & (Log.seq == bind("seq"))))
_oldest = CompiledQuery(Log.select(fn.MIN(Log.seq)).where(Log.calendar == bind("calendar")))
_forget_log = CompiledQuery(Log.delete().where((Log.calendar == bind("calendar")) & (Log.seq < bind("before"))))
_forget_receipts = CompiledQuery(Receipt.delete().where(Receipt.calendar == bind("calendar")))
_forget_hours = CompiledQuery(StoredSchedule.delete().where(StoredSchedule.calendar == bind("calendar")))
_note_gone = CompiledQuery(
    Touched.insert({Touched.kind: "gone", Touched.calendar: bind("calendar"), Touched.subject: bind("calendar")})
)
_set_policy = CompiledQuery(Calendar.update({Calendar.policy: bind("policy")}).where(Calendar.id == bind("calendar")))


class Note(NamedTuple):
    """A row that was touched: a slot, with the times that it has or had, a booking, or the calendar itself."""

    id: int
    kind: str
    subject: str
    start: int | None
    end: int | None


def read_calendars(db: Database) -> list[str]:
    """The calendars that there are notes of, and some that there were once."""
    return [row[0] for row in _calendars.rows(db)]


@handles(TakeOutside)
def take_outside(transaction: Transaction, command: TakeOutside) -> CommandResult:
    """Takes at most 100 notes of the calendar; answers whether there may be more."""
    name = command.calendar
    notes = sorted(Note._make(row) for row in _take.rows(transaction.db, calendar=name))
    is_left = len(notes) == NOTES_AT_ONCE
    if name not in transaction.calendars:
        is_left |= bool(notes) and _forget(transaction, name)
        # No calendar, no change: the cursor is the empty history's.
        return CommandResult(name, "left", is_left)
    if notes:
        _append(transaction, transaction.calendars[name], notes)
    return CommandResult(name, "left", is_left)


def _forget(transaction: Transaction, calendar: str) -> bool:
    """Removes what is left of a deleted calendar, so that another of its name begins anew; True if not all of it."""
    (oldest,) = _oldest.rows(transaction.db, calendar=calendar)[0]
    if oldest is not None:
        _forget_log.execute(transaction.db, calendar=calendar, before=oldest + FORGOTTEN_AT_ONCE)
    _forget_receipts.execute(transaction.db, calendar=calendar)
    _forget_hours.execute(transaction.db, calendar=calendar)
    if oldest is not None and _oldest.rows(transaction.db, calendar=calendar)[0][0] is not None:
        _note_gone.execute(transaction.db, calendar=calendar)
        return True
    return False


def _append(transaction: Transaction, calendar: CalendarRow, notes: Sequence[Note]) -> None:
    kinds = {note.kind for note in notes}
    is_about_calendar = bool(kinds & {"calendar", "policy", "head", "gone"})
    if is_about_calendar:
        calendar = _mended(transaction, calendar)
    slots = list({note.subject: None for note in notes if note.kind in {"slot", "seats", "new", "later"}})
    bookings = list({note.subject: None for note in notes if note.kind == "booking"})
    bookings += [row[0] for row in _strayed.rows(transaction.db, slots, calendar=calendar.id) if row[0] not in bookings]
    seq = change_log.next_seq(transaction, calendar.id)
    _stamp_bookings_in(transaction, bookings, seq)
    _bring_holds.rows(transaction.db, slots, calendar=calendar.id)
    _take_slots(transaction, calendar, slots, seq)
    if "policy" in kinds:
        capacity.recount_blocked(transaction, transaction.calendar(calendar.id), seq)
    elif rules.policy_of(calendar).rejects_overlap:
        _press(transaction, calendar, notes, seq)
    info = rules.info_of(calendar) if is_about_calendar else msgspec.UNSET
    kind = Type.CALENDAR_UPDATED if is_about_calendar else Type.SLOT_UPDATED if slots else Type.BOOKING_UPDATED
    capacity.append_slot_changes(transaction, calendar.id, kind, bookings=bookings, info=info)


def _mended(transaction: Transaction, calendar: CalendarRow) -> CalendarRow:
    """The calendar, once it is sure that its policy can be read and that its log ends at its head."""
    try:
        rules.policy_of(calendar)
    except msgspec.DecodeError as error:
        _logger.warning("The policy of %s can't be read, and is the default now: %s", calendar.id, error)
        calendar = calendar._replace(policy=msgspec.json.encode(Policy()).decode())
        _set_policy.execute(transaction.db, calendar=calendar.id, policy=calendar.policy)
        transaction.calendars[calendar.id] = calendar
    last = change_log.read_last(transaction.db, calendar.id)
    at_head = _at_head.row(transaction.db, calendar=calendar.id, seq=calendar.seq)
    if last and (at_head is None or last > calendar.seq or at_head[0] != calendar.nonce):
        # The log of another calendar that had this id: who has a cursor of it gets a snapshot.
        change_log.forget(transaction, calendar.id)
    return calendar


def _stamp_bookings_in(transaction: Transaction, bookings: Sequence[str], seq: int) -> None:
    for place in range(0, len(bookings), 256):
        _stamp_bookings.run(transaction.db, bookings[place : place + 256], seq=seq)


def _take_slots(transaction: Transaction, calendar: CalendarRow, slots: Sequence[str], seq: int) -> None:
    """Sets these slots right, stamps them, and has the change tell of them; those that are not here any more went."""
    here: list[str] = []
    for row in _counted.rows(transaction.db, slots):
        slot, (held, booked, held_until) = SlotRow._make(row[: len(SlotRow._fields)]), row[len(SlotRow._fields) :]
        if slot.calendar != calendar.id:
            continue
        here.append(slot.id)
        _set_right(transaction, slot, int(held), int(booked), held_until)
    for stamped in map(SlotRow._make, capacity.restamp.rows(transaction.db, here, seq=seq)):
        transaction.touched[stamped.id] = stamped
    for name in slots:
        if name not in transaction.touched:
            transaction.touched[name] = _removed(calendar.id, name)


def _removed(calendar: str, slot: str) -> SlotRow:
    """What a change needs of a slot that is not there."""
    return SlotRow(slot, calendar, 0, 0, 0, 0, 0, 0, None, SlotState.REMOVED, 0, 0, None, dropped=False, bookable=False)


def _set_right(transaction: Transaction, slot: SlotRow, held: int, booked: int, held_until: int | None) -> None:
    """Counters are those of holds and bookings. Where the CHECKs were off, the slot has the seats that are taken."""
    state = int(slot.state)
    if state == SlotState.REMOVED and held + booked:
        state = int(SlotState.CLOSED)
    elif slot.dropped and not held + booked:
        state = int(SlotState.REMOVED)
    data = _one_line(slot)
    is_strict = rules.policy_of(transaction.calendars[slot.calendar]).rejects_overlap
    right = slot._replace(
        capacity=max(slot.capacity, held + booked, 1),
        held=held,
        booked=booked,
        held_until=held_until,
        state=state,
        data=data,
        blocked=slot.blocked if is_strict else 0,
    )
    if right != slot:
        _correct.execute(
            transaction.db,
            slot=slot.id,
            capacity=right.capacity,
            held=held,
            booked=booked,
            held_until=held_until,
            state=state,
            data=data,
            blocked=right.blocked,
        )


def _one_line(slot: SlotRow) -> str | None:
    """The slot's data as one line of JSON; None for what is none."""
    if slot.data is None:
        return None
    try:
        msgspec.json.decode(slot.data)
    except (ValueError, RecursionError) as error:
        _logger.warning("The data of %s is not JSON, and is taken away: %s", slot.id, error)
        return None
    return msgspec.json.format(slot.data.encode(), indent=-1).decode() if "\n" in slot.data else slot.data


def _press(transaction: Transaction, calendar: CalendarRow, notes: Iterable[Note], seq: int) -> None:
    """Counts the blocking neighbours anew of what stands near the slots that were touched, where those are or were."""
    policy = rules.policy_of(calendar)
    room = (policy.buffer_before + policy.buffer_after) * SECOND
    spans = [(note.start, note.end) for note in notes if note.start is not None and note.end is not None]
    spans += [(row.start, row.end) for row in transaction.touched.values() if row.state != SlotState.REMOVED]
    for start, end in _merged(spans):
        near = _between.rows(transaction.db, calendar=calendar.id, after=start - room, before=end + room)
        if not near:
            continue
        after, before = min(row[1] for row in near) - room, max(row[2] for row in near) + room
        around = _between.rows(transaction.db, calendar=calendar.id, after=after, before=before)
        for slot, count in recounted(near, around, room):
            row = capacity.block.row(transaction.db, slot=slot, blocked=count, seq=seq)
            assert row is not None, "it was found in this transaction"
            transaction.touched[slot] = SlotRow._make(row)


def _merged(spans: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those that are less than a day apart, as one."""
    merged: list[tuple[int, int]] = []
    for start, end in sorted(spans):
        if merged and start <= merged[-1][1] + DAY:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def recounted(slots: Iterable[Sequence[Any]], around: Iterable[Sequence[Any]], room: int) -> list[tuple[str, int]]:
    """The slots whose count of blocking neighbours is another, and what it is; `around` has all that may block them."""
    pressing = [(row[1], row[2]) for row in around if row[3]]
    starts, ends = sorted(start for start, _ in pressing), sorted(end for _, end in pressing)
    wrong = []
    for slot, start, end, taken, blocked, *_ in slots:
        count = bisect_left(starts, end + room) - bisect_right(ends, start - room) - bool(taken)
        if count != blocked:
            wrong.append((slot, count))
    return wrong
