"""Finds what is to be trimmed, by the first rows of an index and not calendar by calendar."""

from __future__ import annotations

from peewee import SQL, fn

from models.contract.values.time import SECOND
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Calendar, Log, StoredRecord
from models.transaction.transaction import Retention

_FIRST = 100  # changes; more than one, since clocks differ

_first = Log.select(Log.at).order_by(SQL("position")).limit(literal(_FIRST)).alias("first")
_oldest_change = CompiledQuery(Log.select(fn.MIN(_first.c.at)).from_(_first))
_oldest_record = CompiledQuery(StoredRecord.select(fn.MIN(StoredRecord.created_at)))
_oldest_seq = Log.select(fn.MIN(Log.seq)).where(Log.calendar == Calendar.id)
_too_many = CompiledQuery(
    Calendar.select(Calendar.id).where((Calendar.seq > bind("most")) & (_oldest_seq <= Calendar.seq - bind("most")))
)


def has_old(db: Dialect, now: int, retention: Retention) -> bool:
    """Say if there are changes or idempotency records past their time."""
    with reading(db):
        ((changed_at,),) = _oldest_change.rows(db)
        ((recorded_at,),) = _oldest_record.rows(db)
    is_change_old = changed_at is not None and changed_at < now - retention.log_seconds * SECOND
    return is_change_old or (recorded_at is not None and recorded_at < now - retention.receipt_seconds * SECOND)


def read_calendars_to_trim(db: Dialect, retention: Retention) -> list[str]:
    """Return the ids of the calendars with more changes than are kept."""
    with reading(db):
        return [calendar for (calendar,) in _too_many.rows(db, most=retention.log_changes)]
