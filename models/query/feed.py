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


_NEVER = 1 << 62
# The status of a slot with seats left, by the rule that refuses them.
_STATUS = {
    "archived": "closed",
    "past": "past",
    "min_notice": "too_soon",
    "max_advance": "too_far",
    "overlap": "blocked",
}


class Feed(NamedTuple):
    """A calendar with its slots as (id, start, end, status, version).

    `status` is "open" only for a slot that can be taken now. It has more values than the wire's: "removed", and for an
    open slot with seats left "blocked" by a neighbour, "past", "too_soon" and "too_far". An open slot of an archived
    calendar is "closed". `changed_at` is the time of the last change. Without `is_dated` the log has lost that change,
    and `changed_at` is the time of the calendar's creation. The clock alone changes no slot from `since` on until
    before `until`.
    """

    info: Info
    seq: int
    nonce: str
    changed_at: int
    is_dated: bool
    slots: list[tuple[str, int, int, str, int]]
    since: int
    until: int

    @property
    def cursor(self) -> str:
        return write_cursor(self.seq, self.nonce)


def read_feed(db: Dialect, calendar: str, begin: int, finish: int, *, most: int, now: int) -> Feed:
    """Return at most `most` slots within `[begin, finish)`, in part or whole: by start, with removed ones last.

    A calendar program keeps an event until the feed marks its slot as removed.
    """
    with reading(db):
        head = read_calendar_row(db, calendar)
        found = _between.rows(db, calendar=calendar, begin=begin, finish=finish, most=most)
        rows = [SlotRow._make(row) for row in checked(found)]
        changed_at, is_dated = change_log.read_changed_at(db, head)
    slots = [_entry(row, head, now) for row in checked(rows)]
    policy = rules.policy_of(head)
    moments = [] if head.archived else [one for row in rows if row.bookable for one in rules.boundaries(row, policy)]
    return Feed(
        info=calendar_info(head),
        seq=head.seq,
        nonce=head.nonce,
        changed_at=changed_at,
        is_dated=is_dated,
        slots=slots,
        since=max((one for one in moments if one <= now), default=0),
        until=min((one for one in moments if one > now), default=_NEVER),
    )


def _entry(row: SlotRow, calendar: CalendarRow, now: int) -> tuple[str, int, int, str, int]:
    status: str = "removed" if row.state == SlotState.REMOVED else slot_status(row)
    if status == "open" and (refusal := rules.refusal_of(row, calendar, now)) is not None:
        status = _STATUS[str(refusal.details["rule"])]
    return row.id, row.start, row.end, status, row.version
