"""Finds the coming bookings of one customer in several calendars, by e-mail address or by caller."""

from __future__ import annotations

from typing import Any, NamedTuple

from models.contract.values.canonical_email import canonical_email
from models.query.search.booking_search import BEFORE_ALL, MOST_EXAMINED, rows_of
from models.query.search.merge import take_page, write_mark
from models.storage.compiled_query import CompiledQuery, bind
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.tables import Booking, Slot

_LIVE = Booking.status.in_(["confirmed", "pending"])


def _contacts(condition: Any) -> CompiledQuery:
    query = (
        Booking.select(Booking.id, Booking.calendar, Booking.email, Booking.booked_by, Slot.start, Slot.end)
        .join(Slot, on=(Booking.slot == Slot.id))
        .where(condition & _LIVE & (Booking.id < bind("before")))
    )
    return CompiledQuery(query.order_by(Booking.id.desc()).limit(bind("most")))


_in_calendar, _in_all = _contacts(Booking.calendar == bind("calendar")), _contacts(Booking.id != "")


class Coming(NamedTuple):
    """The customer, by the e-mail address or by the pseudonym of the caller, and the window of the slots."""

    calendars: tuple[str, ...] | None
    begin: int
    finish: int
    email: str = ""
    caller: str = ""


def find_coming(db: Dialect, coming: Coming, page: str, most: int) -> tuple[dict[str, list[str]], str]:
    """Return the bookings by calendar, and the mark of the page to go on from; "" after the last one."""
    wanted = canonical_email(coming.email) if coming.email else ""

    def keep(row: tuple[Any, ...]) -> bool:
        _, calendar, email, caller, start, end = row
        is_theirs = caller == coming.caller if coming.caller else email is not None and canonical_email(email) == wanted
        is_in_window = end > coming.begin and start < coming.finish
        return is_theirs and is_in_window and (coming.calendars is None or calendar in coming.calendars)

    with reading(db):
        rows = rows_of(db, _in_calendar, _in_all, coming.calendars, page)
        found, last = take_page(rows, keep, most=most, most_examined=MOST_EXAMINED)
    by_calendar: dict[str, list[str]] = {}
    for row in found:
        by_calendar.setdefault(row[1], []).append(row[0])
    if by_calendar:  # read this page again: what stays may have moved meanwhile
        return by_calendar, page or write_mark(BEFORE_ALL)
    return by_calendar, "" if last is None else write_mark(last[0])
