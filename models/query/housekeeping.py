"""Finds the calendars with old changes or idempotency records, by one read for all calendars."""

from __future__ import annotations

from peewee import fn

from models.contract.values.time import SECOND
from models.domain.log.history import kept_seconds
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Calendar, Log, StoredEntry, StoredRecord
from models.transaction.transaction import Retention

_log_of = Log.calendar == Calendar.id
_oldest_at = Log.select(Log.at).where(_log_of).order_by(Log.seq).limit(1)
_oldest_seq = Log.select(fn.MIN(Log.seq)).where(_log_of)
_oldest_entry_at = (
    StoredEntry.select(StoredEntry.at).where(StoredEntry.calendar == Calendar.id).order_by(StoredEntry.seq).limit(1)
)
_old_record = StoredRecord.select(1).where(
    (StoredRecord.calendar == Calendar.id) & (StoredRecord.created_at < bind("records_before"))
)
_to_trim = CompiledQuery(
    Calendar.select(Calendar.id).where(
        (_oldest_at < bind("changes_before"))
        | (_oldest_seq <= Calendar.seq - bind("most"))
        | (_oldest_entry_at < bind("entries_before"))
        | fn.EXISTS(_old_record)
    )
)


def read_calendars_to_trim(db: Dialect, now: int, retention: Retention) -> list[str]:
    """Return the ids of the calendars that a trim would change. Each costs four probes of an index."""
    with reading(db):
        rows = _to_trim.rows(
            db,
            changes_before=now - retention.log_seconds * SECOND,
            most=retention.log_changes,
            entries_before=now - kept_seconds(retention) * SECOND,
            records_before=now - retention.receipt_seconds * SECOND,
        )
    return [calendar for (calendar,) in rows]
