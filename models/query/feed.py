"""Reads a calendar for calendar programs: its slots with their status, and the removed ones."""

from __future__ import annotations

from typing import NamedTuple

from models.contract.changes import Info, write_cursor
from models.domain import change_log, rules
from models.domain.public_view import calendar_info, slot_status
from models.query.calendars import read_calendar_row
from models.storage.cancellation import checked
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import CalendarRow, Slot, SlotRow, SlotState

_between = CompiledQuery(
    Slot.select(*SLOT_COLUMNS)
    .where((Slot.calendar == bind("calendar")) & (Slot.end > bind("begin")) & (Slot.start < bind("finish")))
    .order_by(Slot.state == literal(SlotState.REMOVED), Slot.start, Slot.id)
    .limit(bind("most"))
)


class Feed(NamedTuple):
    """A calendar with its slots as (id, start, end, status, version).

    `status` has two more values: "removed", and "blocked" for a slot blocked by a neighbour. An open slot of an
    archived calendar is "closed". `changed_at` is the time of the last change. Without `is_dated` the log has
    lost that change, and `changed_at` is the time of the calendar's creation.
    """

    info: Info
    seq: int
    nonce: str
    changed_at: int
    is_dated: bool
    slots: list[tuple[str, int, int, str, int]]

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


def read_feed(db: Dialect, calendar: str, begin: int, finish: int, most: int) -> Feed:
    """Return at most `most` slots within `[begin, finish)`, in part or whole: by start, with removed ones last.

    A calendar program keeps an event until the feed marks its slot as removed.
    """
    with reading(db):
        head = read_calendar_row(db, calendar)
        found = _between.rows(db, calendar=calendar, begin=begin, finish=finish, most=most)
        rows = [SlotRow._make(row) for row in checked(found)]
        changed_at, is_dated = change_log.read_changed_at(db, head)
    slots = [_entry(row, head) for row in checked(rows)]
    return Feed(calendar_info(head), head.seq, head.nonce, changed_at, is_dated, slots)


def _entry(row: SlotRow, calendar: CalendarRow) -> tuple[str, int, int, str, int]:
    status: str = "removed" if row.state == SlotState.REMOVED else slot_status(row)
    if status == "open" and not rules.is_bookable(row, calendar):
        status = "closed" if calendar.archived else "blocked"
    return row.id, row.start, row.end, status, row.version
