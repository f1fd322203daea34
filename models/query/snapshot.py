"""What a calendar looks like at one instant: a snapshot is read in one transaction, and so has one seq."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from models.contract.changes import Booking, Cursor, Info, Logged, encode, write_cursor
from models.contract.errors import NotFound
from models.contract.identifiers import SLUG, UUID
from models.domain import bookings, capacity, change_log, rules
from models.domain.rules import SLOT_COLUMNS
from models.storage.cancellation import checked
from models.storage.compiled_query import CompiledListQuery, CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.page import EVERY, read_cut
from models.storage.tables import Calendar, CalendarRow, Slot, SlotRow, SlotState, columns

CHANGES_A_READ = 1_000
CALENDARS_A_READ = 256
TAIL_BYTES = 1 << 20  # twice what is ever replayed

_calendar = CompiledQuery(Calendar.select(*columns(Calendar)).where(Calendar.id == bind("calendar")))
_all = CompiledQuery(Calendar.select(*columns(Calendar)).order_by(Calendar.id))
_heads = CompiledListQuery(
    lambda ids: Calendar.select(Calendar.id, Calendar.seq, Calendar.nonce).where(Calendar.id.in_(ids))
)
_window = CompiledQuery(
    Slot.select(*SLOT_COLUMNS)
    .where(
        (Slot.calendar == bind("calendar"))
        & (Slot.end > bind("begin"))
        & (Slot.start < bind("finish"))
        & (Slot.state != literal(SlotState.REMOVED))
    )
    .order_by(Slot.start, Slot.id)
    .limit(bind("most"))
)
_slot = CompiledQuery(
    Slot.select(*SLOT_COLUMNS).where((Slot.id == bind("slot")) & (Slot.state != literal(SlotState.REMOVED)))
)


_feed = CompiledQuery(
    Slot.select(*SLOT_COLUMNS)
    .where((Slot.calendar == bind("calendar")) & (Slot.end > bind("begin")) & (Slot.start < bind("finish")))
    .order_by(Slot.state == literal(SlotState.REMOVED), Slot.start, Slot.id)
    .limit(bind("most"))
)


class PlacedSlot(NamedTuple):
    """An encoded public slot and where it stands in time."""

    start: int
    end: int
    id: str
    body: bytes


class Snapshot(NamedTuple):
    """A calendar's slots in a window, by start, as they were at `seq`; `tail` is the end of its log up to there.

    `finish` is how far the window goes, in milliseconds; `bookings` are those of its slots, where they were asked for.
    """

    info: Info
    seq: int
    nonce: str
    finish: int
    slots: list[PlacedSlot]
    tail: list[Logged]
    bookings: list[Booking]

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


def read_calendar_row(db: Dialect, calendar: str) -> CalendarRow:
    """NotFound for a calendar that there is not. Inside the caller's transaction."""
    row = _calendar.row(db, calendar=calendar) if SLUG.fullmatch(calendar) else None
    if row is None:
        raise NotFound(what="calendar")
    return CalendarRow._make(row)


class Head(NamedTuple):
    """A calendar's info, and the cursor of its last change: equal cursors mean equal calendars."""

    info: Info
    seq: int
    nonce: str

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


def read_head(db: Dialect, calendar: str) -> Head:
    with reading(db):
        row = read_calendar_row(db, calendar)
    return Head(rules.info_of(row), row.seq, row.nonce)


def read_calendars(db: Dialect) -> list[Info]:
    with reading(db):
        return [rules.info_of(CalendarRow._make(row)) for row in _all.rows(db)]


def read_calendar(db: Dialect, calendar: str) -> Info:
    with reading(db):
        return rules.info_of(read_calendar_row(db, calendar))


def read_snapshot(
    db: Dialect,
    calendar: str,
    begin: int,
    finish: int,
    *,
    most: int = EVERY,
    tail: int = 0,
    with_bookings: bool = False,
) -> Snapshot:
    """The slots that touch `[begin, finish)`, about `most`, their bookings, and the log's last `tail` changes."""

    def read(count: int) -> list[SlotRow]:
        rows = _window.rows(db, calendar=calendar, begin=begin, finish=finish, most=count)
        return [SlotRow._make(row) for row in checked(rows)]

    with reading(db):
        head = read_calendar_row(db, calendar)
        slots, end = read_cut(read, attrgetter("start"), begin, finish, most)
        booked = bookings.read_window(db, calendar, begin, end, EVERY)[0] if with_bookings else []
        last = change_log.read_tail(db, calendar, tail, TAIL_BYTES) if tail else []
    return Snapshot(
        rules.info_of(head), head.seq, head.nonce, end, [_placed(slot, head) for slot in checked(slots)], last, booked
    )


class Feed(NamedTuple):
    """A calendar for calendar programs: its slots as (id, start, end, status, version).

    `status` is also "removed", or "blocked" for one that a neighbour keeps from being taken. In an archived calendar
    what would be open is "closed". `changed_at` is when the calendar last changed; not `is_dated`, it is when the
    calendar was made, as the log has forgotten the change.
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
    """The slots that touch `[begin, finish)`, by start; after them, in what room is left, the removed ones.

    Who was told of one must be told that it went.
    """
    with reading(db):
        head = read_calendar_row(db, calendar)
        found = _feed.rows(db, calendar=calendar, begin=begin, finish=finish, most=most)
        rows = [SlotRow._make(row) for row in checked(found)]
        changed_at, is_dated = change_log.read_changed_at(db, head)
    slots = [_fed(row, head) for row in checked(rows)]
    return Feed(rules.info_of(head), head.seq, head.nonce, changed_at, is_dated, slots)


def _fed(row: SlotRow, calendar: CalendarRow) -> tuple[str, int, int, str, int]:
    status: str = "removed" if row.state == SlotState.REMOVED else capacity.status_of(row)
    if status == "open" and not rules.is_bookable(row, calendar):
        status = "closed" if calendar.archived else "blocked"
    return row.id, row.start, row.end, status, row.version


def _placed(row: SlotRow, calendar: CalendarRow) -> PlacedSlot:
    return PlacedSlot(row.start, row.end, row.id, encode(capacity.public(row, calendar)))


def read_slot_calendar(db: Dialect, slot: str) -> str:
    """The calendar of a slot; NotFound for a slot that there is not."""
    if UUID.fullmatch(slot):
        with reading(db):
            row = _slot.row(db, slot=slot)
        if row is not None:
            return SlotRow._make(row).calendar
    raise NotFound(what="slot")


def read_new_rows(db: Dialect, have: dict[str, Cursor]) -> dict[str, list[Logged]]:
    """The rows after `have` of each calendar that stands elsewhere now, at most 1,000 of each, in one transaction.

    A calendar that has none, and so no longer what the asker has, was put back to another copy: the asker reads it
    anew. Where the copy has moved on, its first row says that it follows another nonce.
    """
    changes: dict[str, list[Logged]] = {}
    with reading(db):
        names = list(have)
        heads: dict[str, Cursor] = {}
        for place in range(0, len(names), CALENDARS_A_READ):
            for calendar, seq, nonce in _heads.rows(db, names[place : place + CALENDARS_A_READ]):
                heads[calendar] = Cursor(seq, nonce)
        for calendar, cursor in have.items():
            if heads.get(calendar) != cursor:
                changes[calendar] = change_log.read_after(db, calendar, cursor.seq, CHANGES_A_READ)
    return changes
