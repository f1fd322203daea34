"""Reads a calendar for calendar programs: its slots with their status, and the removed ones."""

from __future__ import annotations

from typing import NamedTuple

from peewee import fn

from models.contract.changes import Cursor, Info, write_cursor
from models.contract.values.time import DAY
from models.domain.log import change_log
from models.domain.log.public_view import calendar_info, slot_status
from models.domain.policy import rules
from models.query.calendars import read_calendar_row
from models.storage.cancellation import checked
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import reading
from models.storage.dialect import Dialect
from models.storage.rows import CalendarRow, SlotRow, SlotState
from models.storage.seat_guard import SLOT_COLUMNS
from models.storage.tables import Booking, FeedFloor, Slot

SEEN_LATELY = 7 * DAY  # the calendar programs ask at least once a week

_IN_WINDOW = (Slot.calendar == bind("calendar")) & (Slot.end > bind("begin")) & (Slot.start < bind("finish"))
_between = CompiledQuery(
    Slot.select(*SLOT_COLUMNS)
    .where(_IN_WINDOW & (Slot.state != literal(SlotState.REMOVED)))
    .order_by(Slot.start, Slot.id)
    .limit(bind("most"))
)
_WAS_BOOKED = fn.EXISTS(Booking.select(literal(1)).where(Booking.slot == Slot.id))
_removed = CompiledQuery(
    Slot.select(Slot.id, Slot.start, Slot.end, Slot.version, Slot.changed_at, _WAS_BOOKED)
    .where(_IN_WINDOW & (Slot.state == literal(SlotState.REMOVED)) & ((Slot.changed_at >= bind("since")) | _WAS_BOOKED))
    .order_by(Slot.changed_at.desc(), Slot.start, Slot.id)
    .limit(bind("most"))
)
_last_change = CompiledQuery(Slot.select(fn.MAX(Slot.changed_at)).where(Slot.calendar == bind("calendar")))
_floor = CompiledQuery(
    FeedFloor.select(fn.MAX(FeedFloor.at)).where((FeedFloor.calendar == bind("calendar")) | (FeedFloor.calendar == ""))
)


_NEVER = 1 << 62
# The status of a slot with seats left, by the rule that refuses them.
_STATUS = {
    "archived": "closed",
    "past": "past",
    "min_notice": "too_soon",
    "max_advance": "too_far",
    "overlap": "blocked",
    "busy": "blocked",
}


class FeedSlot(NamedTuple):
    """A slot of a feed; times are in milliseconds.

    `status` is "open" only for a slot that can be taken now. It has more values than the wire's: "removed", and for an
    open slot with seats left "blocked" by a neighbour or a busy time, "past", "too_soon" and "too_far". An open slot of
    an archived calendar is "closed". `was_booked` is set for removed slots only.
    """

    id: str
    start: int
    end: int
    status: str
    version: int
    changed_at: int
    was_booked: bool = False


class FeedHead(NamedTuple):
    """The state of a feed, but for the clock. `floor` is the least SEQUENCE, as a time."""

    info: Info
    cursor: str
    floor: int


class Feed(NamedTuple):
    """A calendar with its slots: existing slots by start, then removed slots, the latest first.

    `changed_at` is the time of the last change. Without `is_dated` the log has lost that change, and `changed_at` is
    the time of the calendar's creation. `slots_changed_at` is the last change of any slot. The clock alone changes no
    slot from `since` on until before `until`.
    """

    info: Info
    seq: int
    nonce: str
    floor: int
    changed_at: int
    is_dated: bool
    slots_changed_at: int
    slots: list[FeedSlot]
    since: int
    until: int

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


def read_feed(db: Dialect, calendar: str, begin: int, finish: int, *, most: int, now: int) -> Feed:
    """Return at most `most` slots within `[begin, finish)`, in part or whole.

    A calendar program keeps an event until the feed marks its slot as removed. So a removed slot is in the feed for a
    week, and for ever if it had a booking.
    """
    with reading(db):
        head = read_calendar_row(db, calendar)
        found = _between.rows(db, calendar=calendar, begin=begin, finish=finish, most=most)
        rows = [SlotRow._make(row) for row in checked(found)]
        gone = _removed.rows(
            db, calendar=calendar, begin=begin, finish=finish, most=most - len(rows), since=now - SEEN_LATELY
        )
        changed_at, is_dated = change_log.read_changed_at(db, head)
        last_change = _last_change.rows(db, calendar=calendar)[0][0] or head.created_at
        floor = read_floor(db, calendar)
    slots = [_entry(row, head, now) for row in checked(rows)]
    slots += [
        FeedSlot(slot, start, end, "removed", version, changed_at, was_booked=bool(was_booked))
        for slot, start, end, version, changed_at, was_booked in checked(gone)
    ]
    policy = rules.policy_of(head)
    moments = [] if head.archived else [one for row in rows if row.bookable for one in rules.boundaries(row, policy)]
    return Feed(
        info=calendar_info(head),
        seq=head.seq,
        nonce=head.nonce,
        floor=floor,
        changed_at=changed_at,
        is_dated=is_dated,
        slots_changed_at=int(last_change),
        slots=slots,
        since=max((one for one in moments if one <= now), default=0),
        until=min((one for one in moments if one > now), default=_NEVER),
    )


def read_head(db: Dialect, calendar: str, served: Cursor | None) -> tuple[FeedHead, bool]:
    """Return the head of a feed, and if the cursor `served` is in the calendar's history.

    A database restored from a backup has not.
    """
    with reading(db):
        row = read_calendar_row(db, calendar)
        floor = read_floor(db, calendar)
        is_continued = served is None or _is_continued(db, row, served)
    return FeedHead(calendar_info(row), write_cursor(row.seq, row.nonce), floor), is_continued


def _is_continued(db: Dialect, row: CalendarRow, served: Cursor) -> bool:
    if served.seq == row.seq:
        return served.nonce == row.nonce
    after = change_log.read_after(db, row.id, served.seq, 1)
    if served.seq > row.seq:
        return False
    return bool(after) and after[0].seq == served.seq + 1 and after[0].follows == served.nonce


def read_floor(db: Dialect, calendar: str) -> int:
    """Return the least time of a SEQUENCE, inside the caller's transaction."""
    return int(_floor.rows(db, calendar=calendar)[0][0] or 0)


def _entry(row: SlotRow, calendar: CalendarRow, now: int) -> FeedSlot:
    status: str = slot_status(row)
    if status == "open" and (refusal := rules.refusal_of(row, calendar, now)) is not None:
        status = _STATUS[str(refusal.details["rule"])]
    return FeedSlot(row.id, row.start, row.end, status, row.version, row.changed_at)
