"""Deletes the rows that belong to a calendar deleted by an outside writer."""

from __future__ import annotations

from peewee import fn

from models.domain.log import history
from models.domain.outside_writes.notes import note_gone
from models.domain.slots import busy_times
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.tables import Log, PrivateFeed, StoredRecord, StoredSchedule, WaitingSlot
from models.transaction.transaction import Transaction

FORGOTTEN_AT_ONCE = 20_000  # rows of a deleted calendar's log

_oldest = CompiledQuery(Log.select(fn.MIN(Log.seq)).where(Log.calendar == bind("calendar")))
_forget_log = CompiledQuery(Log.delete().where((Log.calendar == bind("calendar")) & (Log.seq < bind("before"))))
_forget_receipts = CompiledQuery(StoredRecord.delete().where(StoredRecord.calendar == bind("calendar")))
_forget_hours = CompiledQuery(StoredSchedule.delete().where(StoredSchedule.calendar == bind("calendar")))
_forget_feeds = CompiledQuery(PrivateFeed.delete().where(PrivateFeed.calendar == bind("calendar")))
_forget_waiting = CompiledQuery(WaitingSlot.delete().where(WaitingSlot.calendar == bind("calendar")))


def forget_calendar(transaction: Transaction, calendar: str) -> bool:
    """Delete the rest of a deleted calendar, so that a new one of its name begins anew; True if some is left."""
    (oldest,) = _oldest.rows(transaction.db, calendar=calendar)[0]
    if oldest is not None:
        _forget_log.execute(transaction.db, calendar=calendar, before=oldest + FORGOTTEN_AT_ONCE)
    _forget_receipts.execute(transaction.db, calendar=calendar)
    _forget_hours.execute(transaction.db, calendar=calendar)
    busy_times.forget(transaction, calendar)
    history.forget(transaction, calendar)
    _forget_feeds.execute(transaction.db, calendar=calendar)  # their keys are not those of the next calendar
    _forget_waiting.execute(transaction.db, calendar=calendar)
    if oldest is not None and _oldest.rows(transaction.db, calendar=calendar)[0][0] is not None:
        note_gone(transaction, calendar)
        return True
    return False
