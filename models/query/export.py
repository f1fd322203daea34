"""Exports the data of a person: the bookings of an e-mail address, and the person's names and addresses in the history.

An entry of a staff member's is no data of the customer, so it is left out.
"""

from __future__ import annotations

from collections.abc import Collection

from msgspec import UNSET

from models.contract.answers import ExportAnswer, ExportedEntry
from models.contract.changes import ListedBooking
from models.contract.principal import Principal, Role
from models.contract.values.time import write_time
from models.domain.log import history_address
from models.query.search import booking_search
from models.storage.compiled_query import CompiledListQuery
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import StoredEntry

_named = CompiledListQuery(
    lambda ids: StoredEntry.select(
        StoredEntry.calendar, StoredEntry.seq, StoredEntry.at, StoredEntry.bookings, StoredEntry.sub
    ).where(StoredEntry.bookings.in_(ids) & (StoredEntry.sub != "") & (StoredEntry.actor != "staff"))
)


def read_export(
    db: Dialect, principal: Principal, email: str, *, calendars: tuple[str, ...] | None, page: str, most: int
) -> ExportAnswer:
    """Return a page of a person's data in these calendars, None for all."""
    found, mark = booking_search.find_data(db, email, calendars, page, most)
    return ExportAnswer(bookings=found, entries=_entries(db, principal, found), next_page=mark or UNSET)


def _entries(db: Dialect, principal: Principal, found: Collection[ListedBooking]) -> list[ExportedEntry]:
    ids = [booking.id for booking in found]
    if not ids:
        return []
    entries: dict[tuple[str, int, str], ExportedEntry] = {}
    with reading(db):
        for calendar, seq, at, booking, sub in _named.rows(db, ids):
            key = (calendar, seq, booking)
            entries[key] = ExportedEntry(calendar=calendar, seq=seq, at=write_time(at), booking=booking, sub=sub)
        for calendar in sorted({booking.calendar for booking in found}):
            if principal.role_in(calendar) < Role.OWNER:
                continue
            of_calendar = [booking.id for booking in found if booking.calendar == calendar]
            for seq, at, booking, address in history_address.read_of_bookings(db, calendar, of_calendar):
                new = ExportedEntry(calendar=calendar, seq=seq, at=write_time(at), booking=booking)
                entries.setdefault((calendar, seq, booking), new).address = address
    return [entries[key] for key in sorted(entries)]
