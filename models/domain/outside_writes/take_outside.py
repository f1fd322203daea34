"""Takes the rows of outside writers into the log, as changes like any other.

The triggers of models/storage/triggers note each row of an outside write, in its own transaction. Taking
the notes removes them and appends the changes in one transaction under the calendar's lock. So each note leads to one
change, however many servers see it, and a crash loses none.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

import msgspec
from peewee import Case, fn

from models.contract.changes import Policy, Type
from models.contract.commands.background import TakeOutside
from models.contract.values.zones import is_zone
from models.domain.calendars import due_schedule
from models.domain.log import change_log, history, slot_changes
from models.domain.log.public_view import calendar_info
from models.domain.outside_writes.correct_slots import correct_slots
from models.domain.outside_writes.forget_calendar import forget_calendar
from models.domain.outside_writes.notes import NOTES_AT_ONCE, Note, read_versions, take_notes
from models.domain.policy import pending, rules
from models.domain.slots import busy_times, neighbours
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.rows import CalendarRow, HoldState, Origin, SlotState
from models.storage.tables import Booking, Calendar, Hold, Log, Slot, Touched
from models.transaction.handlers import handles
from models.transaction.transaction import CommandResult, Transaction

DEFAULT_ZONE = "Etc/UTC"
LATEST_VERSION = 1 << 53  # what JSON can have; the column may have more

_logger = logging.getLogger("slotcast.outside")

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
_lift = CompiledQuery(
    Booking.update({Booking.version: bind("version")}).where(
        (Booking.id == bind("booking"))
        & ((Booking.version < bind("version")) | (Booking.version >= literal(LATEST_VERSION)))
    )
)
_away = CompiledListQuery(
    lambda ids: (
        Booking.select(Booking.id, Slot.calendar)
        .join(Slot, on=(Booking.slot == Slot.id))
        .where(Booking.id.in_(ids) & (Slot.calendar != bind("calendar")))
    )
)
_note_booking = CompiledQuery(
    Touched.insert({Touched.kind: "lost", Touched.calendar: bind("calendar"), Touched.subject: bind("booking")})
)
_elsewhere = CompiledListQuery(
    lambda ids: Booking.select(Booking.id).where((Booking.slot.in_(ids)) & (Booking.calendar != bind("calendar")))
)
_home_of_hold = Slot.select(Slot.calendar).where(Slot.id == Hold.slot)
# Only active holds: the others are in no index by their slot.
_move_holds = CompiledListQuery(
    lambda ids: (
        Hold.update({Hold.calendar: fn.COALESCE(_home_of_hold, Hold.calendar)})
        .where((Hold.slot.in_(ids)) & (Hold.state == literal(HoldState.ACTIVE)) & (Hold.calendar != bind("calendar")))
        .returning(Hold.id)
    )
)
_at_head = CompiledQuery(Log.select(Log.nonce).where((Log.calendar == bind("calendar")) & (Log.seq == bind("seq"))))
_mend = CompiledQuery(
    Calendar.update({Calendar.policy: bind("policy"), Calendar.zone: bind("zone")}).where(
        Calendar.id == bind("calendar")
    )
)


@handles(TakeOutside)
def take_outside(transaction: Transaction, command: TakeOutside) -> CommandResult:
    """Take at most 100 notes of the calendar; the answer says if there may be more."""
    name = command.calendar
    notes = take_notes(transaction, name)
    is_left = len(notes) == NOTES_AT_ONCE
    if name not in transaction.calendars:
        is_left |= bool(notes) and forget_calendar(transaction, name)
        # A deleted calendar gets no change; the cursor is that of an empty history.
        return CommandResult(name, "left", is_left)
    if notes:
        _append_change(transaction, transaction.calendars[name], notes)
    return CommandResult(name, "left", is_left)


def _append_change(transaction: Transaction, calendar: CalendarRow, notes: Sequence[Note]) -> None:
    kinds = {note.kind for note in notes}
    is_about_calendar = bool(kinds & {"calendar", "policy", "mended", "archived", "head", "gone"})
    if is_about_calendar:
        calendar = _repaired(transaction, calendar)
        due_schedule.look_again(transaction, calendar.id)
    slots = list({note.subject: None for note in notes if note.kind in {"slot", "seats", "new", "moved", "later"}})
    bookings = list({note.subject: None for note in notes if note.kind in {"booking", "lost"}})
    bookings += [
        row[0] for row in _elsewhere.rows(transaction.db, slots, calendar=calendar.id) if row[0] not in bookings
    ]
    bounded = pending.bound_by_start(transaction, "slot", slots)
    bookings += [booking for booking in bounded if booking not in bookings]
    seq = change_log.next_seq(transaction, calendar.id)
    _lift_versions(transaction, notes, bookings, seq)
    _write_bookings(transaction, calendar, bookings, seq)
    _move_holds.rows(transaction.db, slots, calendar=calendar.id)
    correct_slots(transaction, calendar, slots, seq)
    _note_vacated(transaction, notes, slots)
    pending.bound_by_start(transaction, "booking", bookings)
    has_policy = bool(kinds & {"policy", "mended"})
    if has_policy:
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
    if has_policy:
        busy_times.recount(transaction, calendar.id, 0)


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
        history.forget(transaction, calendar.id)
    return calendar


def _lift_versions(transaction: Transaction, notes: Sequence[Note], bookings: Sequence[str], seq: int) -> None:
    """Bring bookings to their old versions: a row may be written anew after it came from a calendar with a higher seq.

    A client with the old version would not take a lower one. The note with the old version may be one of the calendar
    that the booking has left, and that takes it later.
    """
    olds = [(note.subject, note.version) for note in notes if note.kind in {"booking", "lost"} and note.version]
    for place in range(0, len(bookings), 256):
        olds += read_versions(transaction.db, bookings[place : place + 256]).items()
    for booking, version in olds:
        if seq <= version < LATEST_VERSION:
            _lift.execute(transaction.db, booking=booking, version=version)


def _write_bookings(transaction: Transaction, calendar: CalendarRow, bookings: Sequence[str], seq: int) -> None:
    """Give these bookings their next version. One that is in another calendar now is noted there once more.

    That calendar may have taken its own note before, with the version of then.
    """
    for place in range(0, len(bookings), 256):
        some = bookings[place : place + 256]
        _stamp_bookings.run(transaction.db, some, seq=seq, now=transaction.now)
        for booking, home in _away.rows(transaction.db, some, calendar=calendar.id):
            _note_booking.execute(transaction.db, calendar=home, booking=booking)


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
