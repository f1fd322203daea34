"""Reads the sources of busy times: the list for staff, and those to be read again."""

from __future__ import annotations

from typing import NamedTuple

from models.contract import answers
from models.contract.values.time import DAY
from models.domain.calendars import busy_sources
from models.query.calendars import read_calendar_row
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import ask, reading
from models.storage.dialect import Dialect
from models.storage.tables import BusySource, Calendar

EXPAND_EVERY = DAY  # the events of the next day come into the window
DUE_AT_ONCE = 20

_COLUMNS = (
    BusySource.id,
    BusySource.calendar,
    Calendar.zone,
    BusySource.url,
    BusySource.body,
    BusySource.etag,
    BusySource.modified,
    BusySource.checked_at,
    BusySource.expanded_at,
)
_due = CompiledQuery(
    BusySource.select(*_COLUMNS)
    .join(Calendar, on=(BusySource.calendar == Calendar.id))
    .where(
        ~Calendar.archived
        & (BusySource.removed == literal(0))
        & (BusySource.checked_at <= bind("before"))
        & (BusySource.url.is_null(is_null=False) | (BusySource.expanded_at <= bind("stale")))
    )
    .order_by(BusySource.checked_at)
    .limit(bind("most"))
)


class DueSource(NamedTuple):
    """A due source, with its last good copy and the headers of that answer."""

    id: str
    calendar: str
    zone: str
    url: str | None
    body: bytes | None
    etag: str
    modified: str
    checked_at: int
    is_stale: bool


def read_sources(db: Dialect, calendar: str) -> list[answers.BusySource]:
    """Return the calendar's sources, for its staff; raise NotFound without the calendar."""
    with reading(db):
        read_calendar_row(db, calendar)
        return [busy_sources.public(row) for row in busy_sources.of_calendar.rows(db, calendar=calendar)]


def read_due(db: Dialect, now: int, interval: int) -> list[DueSource]:
    """Return the sources not checked for `interval` milliseconds, the oldest check first."""
    rows = ask(db, lambda: _due.rows(db, before=now - interval, stale=now - EXPAND_EVERY, most=DUE_AT_ONCE))
    return [
        DueSource._make((*row[:4], None if row[4] is None else bytes(row[4]), *row[5:8], row[8] <= now - EXPAND_EVERY))
        for row in rows
    ]
