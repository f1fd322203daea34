"""Finds what is to be trimmed. Old changes and records are found by the first rows of an index."""

from __future__ import annotations

from peewee import SQL, fn

from models.contract.values.time import SECOND
from models.domain.bookings.trim_holds import IS_OLD_HOLD, old_holds
from models.domain.log.history import kept_seconds
from models.storage.access_tables import Block
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Booking, Calendar, Hold, Log, Slot, StoredAddresses, StoredEntry, StoredRecord
from models.transaction.transaction import Retention

BOOKINGS_A_PAGE = 10_000
_FIRST = 100  # changes; more than one, since clocks differ

_first = Log.select(Log.at).order_by(SQL("position")).limit(literal(_FIRST)).alias("first")
_oldest_change = CompiledQuery(Log.select(fn.MIN(_first.c.at)).from_(_first))
_oldest_record = CompiledQuery(StoredRecord.select(fn.MIN(StoredRecord.created_at)))
_oldest_seq = Log.select(fn.MIN(Log.seq)).where(Log.calendar == Calendar.id)
_oldest_entry_at = (
    StoredEntry.select(StoredEntry.at).where(StoredEntry.calendar == Calendar.id).order_by(StoredEntry.seq).limit(1)
)
_end = Slot.select(Slot.end).where(Slot.id == Booking.slot)
_has_customer = (
    Booking.name.is_null(is_null=False)
    | Booking.email.is_null(is_null=False)
    | Booking.phone.is_null(is_null=False)
    | Booking.note.is_null(is_null=False)
    | Booking.data.is_null(is_null=False)
    | (Booking.booked_by != "")
)
_old_hold = CompiledQuery(Hold.select(Hold.id).where(IS_OLD_HOLD).order_by(Hold.id).limit(literal(1)))
_ended_block = CompiledQuery(Block.select(Block.id).where(Block.ends_at <= bind("now")).limit(literal(1)))
_page_of_bookings = CompiledQuery(
    Booking.select(Booking.id, Booking.calendar, _has_customer, fn.COALESCE(_end, Booking.created_at))
    .where(Booking.id > bind("after"))
    .order_by(Booking.id)
    .limit(literal(BOOKINGS_A_PAGE))
)
_oldest_address_at = (
    StoredAddresses.select(StoredAddresses.at)
    .where(StoredAddresses.calendar == Calendar.id)
    .order_by(StoredAddresses.seq)
    .limit(1)
)
_to_trim = CompiledQuery(
    Calendar.select(Calendar.id).where(
        ((Calendar.seq > bind("most")) & (_oldest_seq <= Calendar.seq - bind("most")))
        | (_oldest_entry_at < bind("entries_before"))
        | (_oldest_address_at < bind("addresses_before"))
    )
)


def read_past_customers(db: Dialect, ended_before: int, after: str) -> tuple[dict[str, list[str]], str]:
    """Return the bookings of the past that have a customer, by calendar, and the mark to go on from.

    One page by id; the mark is "" at the end. An index would cost each booking more than this costs an hour.
    """
    with reading(db):
        rows = _page_of_bookings.rows(db, after=after)
    found: dict[str, list[str]] = {}
    for booking, calendar, has_customer, ended in rows:
        if has_customer and ended < ended_before:
            found.setdefault(calendar, []).append(booking)
    return found, rows[-1][0] if len(rows) == BOOKINGS_A_PAGE else ""


def has_old(db: Dialect, now: int, retention: Retention) -> bool:
    """Say if there are changes or idempotency records past their time."""
    with reading(db):
        ((changed_at,),) = _oldest_change.rows(db)
        ((recorded_at,),) = _oldest_record.rows(db)
    is_change_old = changed_at is not None and changed_at < now - retention.log_seconds * SECOND
    return is_change_old or (recorded_at is not None and recorded_at < now - retention.receipt_seconds * SECOND)


def has_ended_blocks(db: Dialect, now: int) -> bool:
    """Say if there are blocks past their end."""
    with reading(db):
        return bool(_ended_block.rows(db, now=now))


def has_old_holds(db: Dialect, now: int, retention: Retention) -> bool:
    """Say if there are ended holds past their time."""
    with reading(db):
        return bool(_old_hold.rows(db, **old_holds(now, retention)))


def read_calendars_to_trim(db: Dialect, now: int, retention: Retention) -> list[str]:
    """Return the ids of the calendars with more changes than are kept, or with old entries or addresses in the history.

    The entries have no index by age: each write would pay for it. They cost a probe for each calendar.
    """
    entries_before = now - kept_seconds(retention) * SECOND
    addresses_before = now - retention.address_seconds * SECOND
    with reading(db):
        rows = _to_trim.rows(
            db, most=retention.log_changes, entries_before=entries_before, addresses_before=addresses_before
        )
    return [calendar for (calendar,) in rows]
