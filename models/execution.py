"""From a command to its answer, inside the writer's transaction: where it belongs, whether it was done before, doing it.

What a whole batch needs is read with one statement each: the calendars of its commands, their rows, its receipts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from models import bookings, calendars, commands, holds, log, receipts, slots
from models.batch import Batch, Done
from models.commands import Answer, Command
from models.errors import BadRequest, NotFound
from models.receipts import Kept
from models.statement import ListStatement
from models.tables import Booking, Calendar, CalendarRow, Hold, Slot, columns

Handler = Callable[[Batch, Any], Done]

HANDLERS: dict[type[Command], Handler] = {
    commands.CreateCalendar: calendars.create_calendar,
    commands.UpdateCalendar: calendars.update_calendar,
    commands.ArchiveCalendar: calendars.archive_calendar,
    commands.TrimLog: calendars.trim_log,
    commands.OpenSlots: slots.open_slots,
    commands.UpdateSlot: slots.update_slot,
    commands.CloseSlot: slots.close_slot,
    commands.ReopenSlot: slots.reopen_slot,
    commands.RemoveSlot: slots.remove_slot,
    commands.HoldSlot: holds.hold_slot,
    commands.ExtendHold: holds.extend_hold,
    commands.ReleaseHold: holds.release_hold,
    commands.LapseHolds: holds.lapse_holds,
    commands.BookSlot: bookings.book_slot,
    commands.CancelBooking: bookings.cancel_booking,
}

KEY_REQUIRED = (
    commands.HoldSlot,
    commands.ExtendHold,
    commands.ReleaseHold,
    commands.BookSlot,
    commands.CancelBooking,
    commands.OpenSlots,
)

_calendars = ListStatement(
    lambda ids: Calendar.select(*columns(Calendar)).where(Calendar.id.in_(ids)).order_by(Calendar.id)
)
_homes = {
    "slot": ListStatement(lambda ids: Slot.select(Slot.id, Slot.calendar).where(Slot.id.in_(ids))),
    "hold": ListStatement(lambda ids: Hold.select(Hold.id, Hold.calendar).where(Hold.id.in_(ids))),
    "booking": ListStatement(lambda ids: Booking.select(Booking.id, Booking.calendar).where(Booking.id.in_(ids))),
}


def _subject(command: Command) -> tuple[str, str]:
    """What the command is about: the kind of thing, and its id."""
    match command:
        case commands.ExtendHold() | commands.ReleaseHold():
            return "hold", command.hold.id
        case commands.CancelBooking():
            return "booking", command.booking
        case _ if hasattr(command, "slot"):
            return "slot", command.slot
    return "calendar", command.calendar  # type: ignore[attr-defined] - what is left has one


def prepare(batch: Batch, asked: Sequence[Command]) -> list[str]:
    """Reads what the batch's commands have in common; returns each one's calendar, "" where there is none."""
    subjects = [_subject(command) for command in asked]
    homes: dict[tuple[str, str], str] = {}
    for kind, statement in _homes.items():
        ids = [subject for of, subject in subjects if of == kind]
        homes |= {(kind, row[0]): row[1] for row in statement.rows(batch.db, ids)}
    places = [subject[1] if subject[0] == "calendar" else homes.get(subject, "") for subject in subjects]
    known = sorted({place for place in places if place})
    batch.calendars = {row[0]: CalendarRow._make(row) for row in _calendars.rows(batch.db, known)}
    marks = [
        receipts.identify(batch.tokens, place, command)
        for command, place in zip(asked, places, strict=True)
        if command.key and place
    ]
    batch.receipts = {row[0]: Kept(*row[1:]) for row in receipts.find(batch.db, marks)}
    return places


def execute(batch: Batch, command: Command, calendar: str) -> Answer:
    """Does the command, or answers as it was answered before; raises what refuses it."""
    receipts.check_key(command, is_required=isinstance(command, KEY_REQUIRED))
    if not calendar:
        raise NotFound(what=_subject(command)[0])
    handler = HANDLERS.get(type(command))
    if handler is None:
        raise BadRequest("This command is not supported.")
    if not command.key:
        return _answer(batch, handler(batch, command))[0]
    mark = receipts.identify(batch.tokens, calendar, command)
    fingerprint = receipts.fingerprint(batch.tokens, command)
    kept = batch.receipts.get(mark)
    if kept is not None:
        receipts.check_same(kept, fingerprint)
        return _repeated(batch, calendar, kept)
    answer, public = _answer(batch, handler(batch, command))
    kept = Kept(fingerprint, answer.seq, answer.cursor, public)
    receipts.keep.execute(batch.db, id=mark, calendar=calendar, now=batch.now, **kept._asdict())
    batch.receipts[mark] = kept
    return answer


def _answer(batch: Batch, done: Done) -> tuple[Answer, bytes]:
    """The answer, and the same without its token: what a receipt may hold."""
    head = batch.calendar(done.calendar)
    public = result = msgspec.json.encode({done.name: done.value})
    if done.secret:
        done.value.token = batch.tokens.token(done.secret, done.value.id)
        result = msgspec.json.encode({done.name: done.value})
    return Answer(calendar=head.id, seq=head.seq, cursor=log.head_cursor(head), result=result), public


_SECRETS = ("hold", "booking")


def _repeated(batch: Batch, calendar: str, kept: Kept) -> Answer:
    """The first answer again, its token made anew."""
    result = msgspec.json.decode(kept.result)
    for kind in _SECRETS:
        if kind in result:
            result[kind]["token"] = batch.tokens.token(kind, result[kind]["id"])
    return Answer(calendar=calendar, seq=kept.seq, cursor=kept.cursor, result=msgspec.json.encode(result))


def supported() -> Iterable[type[Command]]:
    """Every command that the book can do."""
    return HANDLERS
