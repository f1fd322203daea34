"""Finds what is to be trimmed. Old changes and records are found by the first rows of an index."""

from __future__ import annotations

from peewee import SQL, fn

from models.contract.values.time import SECOND
from models.domain.log.history import kept_seconds
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Calendar, Log, StoredEntry, StoredRecord
from models.transaction.transaction import Retention

_FIRST = 100  # changes; more than one, since clocks differ

_first = Log.select(Log.at).order_by(SQL("position")).limit(literal(_FIRST)).alias("first")
_oldest_change = CompiledQuery(Log.select(fn.MIN(_first.c.at)).from_(_first))
_oldest_record = CompiledQuery(StoredRecord.select(fn.MIN(StoredRecord.created_at)))
_oldest_seq = Log.select(fn.MIN(Log.seq)).where(Log.calendar == Calendar.id)
_oldest_entry_at = (
    StoredEntry.select(StoredEntry.at).where(StoredEntry.calendar == Calendar.id).order_by(StoredEntry.seq).limit(1)
)
_to_trim = CompiledQuery(
    Calendar.select(Calendar.id).where(
        ((Calendar.seq > bind("most")) & (_oldest_seq <= Calendar.seq - bind("most")))
        | (_oldest_entry_at < bind("entries_before"))
    )
)


def has_old(db: Dialect, now: int, retention: Retention) -> bool:
    """Say if there are changes or idempotency records past their time."""
    with reading(db):
        ((changed_at,),) = _oldest_change.rows(db)
        ((recorded_at,),) = _oldest_record.rows(db)
    is_change_old = changed_at is not None and changed_at < now - retention.log_seconds * SECOND
    return is_change_old or (recorded_at is not None and recorded_at < now - retention.receipt_seconds * SECOND)


def read_calendars_to_trim(db: Dialect, now: int, retention: Retention) -> list[str]:
    """Return the ids of the calendars with more changes than are kept, or with old entries in the history.

    The entries have no index by age: each write would pay for it. They cost a probe for each calendar.
    """
    entries_before = now - kept_seconds(retention) * SECOND
    with reading(db):
        rows = _to_trim.rows(db, most=retention.log_changes, entries_before=entries_before)
    return [calendar for (calendar,) in rows]
