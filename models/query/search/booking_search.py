"""Searches the bookings of several calendars, the latest made first.

The pages go by the id of a booking. It never changes, so a booking that is changed or moved between two pages is on
neither both nor none of them.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

from models.contract.changes import ListedBooking
from models.contract.values.canonical_email import canonical_email
from models.contract.values.fold import fold
from models.contract.values.ids import UUID
from models.query.bookings import LISTED_COLUMNS, listed
from models.query.search.merge import merged, read_mark, take_page, write_mark
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import BookingRow
from models.storage.tables import Booking, Slot

MOST_CALENDARS = 500  # with reads of their own; for more, the bookings of all are read
MOST_EXAMINED = 10_000  # bookings a page
MOST_CHANGED = 10_000  # changed bookings that are found by their time; with more, all are examined
_LEAST_DIGITS = 3
BEFORE_ALL = "z"  # ids are hexadecimal, and the newest has the greatest
_MARK = re.compile(f"({UUID.pattern}|{BEFORE_ALL})", re.ASCII)
_PHONE = re.compile(r"[0-9 ()+./-]+", re.ASCII)
_NO_DIGIT = re.compile(r"[^0-9]+", re.ASCII)
_by_place = Booking.id < bind("before")
_of_calendar = (Booking.calendar == bind("calendar")) & _by_place


def _pages(condition: Any, *fields: Any) -> CompiledQuery:
    query = Booking.select(*fields).join(Slot, on=(Booking.slot == Slot.id)).where(condition)
    return CompiledQuery(query.order_by(Booking.id.desc()).limit(bind("most")))


def _contacts(condition: Any) -> CompiledQuery:
    query = Booking.select(Booking.id, Booking.calendar, Booking.email).where(condition)
    return CompiledQuery(query.order_by(Booking.id.desc()).limit(bind("most")))


_in_calendar, _in_all = (_pages(one, Booking.id, *LISTED_COLUMNS) for one in (_of_calendar, _by_place))
_contacts_in_calendar, _contacts_in_all = _contacts(_of_calendar), _contacts(_by_place)
_changed = CompiledQuery(
    Booking.select(Booking.id, Booking.calendar)
    .where(Booking.changed_at > bind("after"))
    .order_by(Booking.changed_at)
    .limit(bind("most"))
)
_by_id = CompiledListQuery(
    lambda ids: (
        Booking.select(Booking.id, *LISTED_COLUMNS)
        .join(Slot, on=(Booking.slot == Slot.id))
        .where(Booking.id.in_(ids))
        .order_by(Booking.id.desc())
    )
)


class Search(NamedTuple):
    """The conditions of a search. `calendars` are those of the caller, None for all; times are in milliseconds.

    Only bookings that changed after `updated_after` are found, and slots that touch `[begin, finish)`.
    """

    calendars: tuple[str, ...] | None
    begin: int
    finish: int
    status: str = ""
    text: str = ""
    updated_after: int | None = None
    page: str = ""


def find_bookings(db: Dialect, search: Search, most: int) -> tuple[list[ListedBooking], str]:
    """Return a page of at most `most` bookings, and the mark of the next page, "" after the last one."""
    has_text = _matcher(search.text)

    def keep(row: tuple[Any, ...]) -> bool:
        _, start, end, _state, *fields = row
        booking = BookingRow._make(fields)
        return (
            (search.calendars is None or booking.calendar in search.calendars)
            and (not search.status or booking.status == search.status)
            and end > search.begin
            and start < search.finish
            and (search.updated_after is None or booking.changed_at > search.updated_after)
            and has_text(booking)
        )

    with reading(db):
        rows = _changed_rows(db, search)
        if rows is None:
            rows = rows_of(db, _in_calendar, _in_all, search.calendars, search.page)
        found, last = take_page(rows, keep, most=most, most_examined=MOST_EXAMINED)
    return [listed(row[1:]) for row in found], "" if last is None else write_mark(last[0])


def find_customer(
    db: Dialect, email: str, calendars: tuple[str, ...] | None, page: str, most: int
) -> tuple[dict[str, list[str]], str]:
    """Return the bookings with an e-mail address, by calendar, and the mark of the page to go on from.

    Where there are some it is this page, since they may have moved before they are erased. After the last page it is
    "".
    """
    wanted = canonical_email(email)

    def keep(row: tuple[Any, ...]) -> bool:
        _, calendar, found = row
        return found is not None and canonical_email(found) == wanted and (calendars is None or calendar in calendars)

    with reading(db):
        rows = rows_of(db, _contacts_in_calendar, _contacts_in_all, calendars, page)
        found, last = take_page(rows, keep, most=most, most_examined=MOST_EXAMINED)
    by_calendar: dict[str, list[str]] = {}
    for name, calendar, _ in found:
        by_calendar.setdefault(calendar, []).append(name)
    if by_calendar:
        return by_calendar, page or write_mark(BEFORE_ALL)
    return by_calendar, "" if last is None else write_mark(last[0])


def find_data(
    db: Dialect, email: str, calendars: tuple[str, ...] | None, page: str, most: int
) -> tuple[list[ListedBooking], str]:
    """Return a page of the bookings with an e-mail address, whole, and the mark of the next page, "" after the last."""
    wanted = canonical_email(email)

    def keep(row: tuple[Any, ...]) -> bool:
        booking = BookingRow._make(row[4:])
        is_seen = calendars is None or booking.calendar in calendars
        return is_seen and booking.email is not None and canonical_email(booking.email) == wanted

    with reading(db):
        rows = rows_of(db, _in_calendar, _in_all, calendars, page)
        found, last = take_page(rows, keep, most=most, most_examined=MOST_EXAMINED)
    return [listed(row[1:]) for row in found], "" if last is None else write_mark(last[0])


def _changed_rows(db: Dialect, search: Search) -> Any:
    """Return the bookings changed after a time, in the order of `rows_of`; None if there are too many or no time."""
    if search.updated_after is None:
        return None
    changed = _changed.rows(db, after=search.updated_after, most=MOST_CHANGED + 1)
    if len(changed) > MOST_CHANGED:
        return None
    wanted = None if search.calendars is None else set(search.calendars)
    ids = sorted(name for name, calendar in changed if wanted is None or calendar in wanted)

    def read(_: str, before: str, count: int) -> list[tuple[Any, ...]]:
        end = bisect_left(ids, before)
        return _by_id.rows(db, ids[max(0, end - count) : end])

    return merged([""], read, itemgetter(0), _place_of(search.page), is_descending=True)


def _place_of(page: str) -> str:
    """Return the id before which a page begins."""
    return read_mark(page, _MARK)[0] if page else BEFORE_ALL


def rows_of(
    db: Dialect, of_calendar: CompiledQuery, of_all: CompiledQuery, calendars: Sequence[str] | None, page: str
) -> Any:
    """Return the bookings after a page, the latest made first, by one read for each calendar or for all."""

    def read(lane: str, before: str, count: int) -> list[tuple[Any, ...]]:
        return of_calendar.rows(db, calendar=lane, before=before, most=count)

    def read_all(_: str, before: str, count: int) -> list[tuple[Any, ...]]:
        return of_all.rows(db, before=before, most=count)

    is_each = calendars is not None and len(calendars) <= MOST_CALENDARS
    lanes = sorted(set(calendars)) if calendars is not None and is_each else [""]
    return merged(lanes, read if is_each else read_all, itemgetter(0), _place_of(page), is_descending=True)


def _matcher(text: str) -> Callable[[BookingRow], bool]:
    """Return the test for a text within one of the customer's fields. A number matches however it is written."""
    if not text:
        return lambda _: True
    wanted = fold(text)
    digits = _NO_DIGIT.sub("", text) if _PHONE.fullmatch(text) else ""

    def matches(row: BookingRow) -> bool:
        if any(field is not None and wanted in fold(field) for field in (row.name, row.email, row.phone, row.note)):
            return True
        return len(digits) >= _LEAST_DIGITS and row.phone is not None and digits in _NO_DIGIT.sub("", row.phone)

    return matches
