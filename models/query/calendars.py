"""Reads calendars: their info for viewers, and the cursor of their last change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from models.contract.changes import Info, write_cursor
from models.contract.errors import NotFound
from models.contract.values.ids import SLUG
from models.domain.log.public_view import calendar_info
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import CalendarRow
from models.storage.tables import Calendar, columns

_one = CompiledQuery(Calendar.select(*columns(Calendar)).where(Calendar.id == bind("calendar")))
_some = CompiledListQuery(lambda ids: Calendar.select(*columns(Calendar)).where(Calendar.id.in_(ids)))
_all = CompiledQuery(Calendar.select(*columns(Calendar)).order_by(Calendar.id))


class Head(NamedTuple):
    """A calendar's info, and the cursor of its last change. Equal cursors mean equal calendars."""

    info: Info
    seq: int
    nonce: str

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


def read_calendar_row(db: Dialect, calendar: str) -> CalendarRow:
    """Return the calendar's row, inside the caller's transaction; raise NotFound without one."""
    row = _one.row(db, calendar=calendar) if SLUG.fullmatch(calendar) else None
    if row is None:
        raise NotFound(what="calendar")
    return CalendarRow._make(row)


def read_calendar_rows(db: Dialect, calendars: Sequence[str]) -> list[CalendarRow]:
    """Return the rows of the calendars that exist, some hundreds at most, inside the caller's transaction."""
    return [CalendarRow._make(row) for row in _some.rows(db, calendars)]


def read_head(db: Dialect, calendar: str) -> Head:
    with reading(db):
        row = read_calendar_row(db, calendar)
    return Head(calendar_info(row), row.seq, row.nonce)


def read_calendars(db: Dialect) -> list[Info]:
    with reading(db):
        return [calendar_info(CalendarRow._make(row)) for row in _all.rows(db)]


def read_calendar(db: Dialect, calendar: str) -> Info:
    with reading(db):
        return calendar_info(read_calendar_row(db, calendar))
