"""The queries of the service: clients' reads, and the commands that are due.

A query reads at once, on the calling thread's own connection. Each one sees the database at one instant.
"""

from __future__ import annotations

from typing import Any

from peewee import fn

from models.audit import audit
from models.audit.audit import Finding
from models.contract.answers import HistoryAnswer
from models.contract.changes import Booking, Cursor, Info, ListedBooking, Logged
from models.contract.commands.background import (
    EraseBookings,
    ExpireBookings,
    ExpireHolds,
    FillHorizon,
    TakeOutside,
    TrimLog,
    TrimOldest,
)
from models.contract.commands.command import Command, WithToken
from models.contract.principal import Principal
from models.contract.values.time import Clock
from models.contract.values.tokens import Tokens
from models.domain.bookings import expire_bookings
from models.domain.bookings.expire_bookings import DUE_AT_ONCE
from models.domain.calendars.busy_sources import PublicSource
from models.domain.calendars.feeds import PublicFeed
from models.domain.outside_writes import notes
from models.domain.policy.rules import GRACE
from models.query import (
    bookings,
    busy,
    calendars,
    changes,
    history,
    housekeeping,
    snapshot,
)
from models.query.busy import DueSource
from models.query.calendars import Head
from models.query.explain import explain
from models.query.feeds import (
    feed,
    private_feed,
)
from models.query.feeds.feed import (
    Feed,
    FeedHead,
)
from models.query.feeds.private_feed import (
    BookingFeed,
)
from models.query.page import EVERY
from models.query.search import (
    booking_search,
    slot_search,
)
from models.query.search.booking_search import (
    Search,
)
from models.query.search.slot_search import (
    FoundSlots,
    SlotSearch,
)
from models.query.snapshot import Snapshot
from models.schedule import apply
from models.storage import database
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.dialect import Dialect
from models.storage.rows import HoldState
from models.storage.tables import Calendar, Hold
from models.transaction.transaction import Retention

ERASED_AT_ONCE = 100  # bookings

# In the order of the index: with DISTINCT, SQLite reads every active hold in the order of another one.
_due = CompiledQuery(
    Hold.select(Hold.calendar, Hold.expires_at)
    .where(
        (Hold.state == literal(HoldState.ACTIVE))
        & (Hold.expires_at <= bind("before"))
        & fn.EXISTS(Calendar.select(1).where(Calendar.id == Hold.calendar))
    )
    .order_by(Hold.expires_at)
    .limit(literal(DUE_AT_ONCE))
)


class Queries:
    """The reads of one database; `SlotService` opens it."""

    __slots__ = ()

    clock: Clock
    tokens: Tokens
    retention: Retention
    _db: Dialect

    def calendars(self) -> list[Info]:
        """Return every calendar. The caller checks `Principal.may_view`."""
        return calendars.read_calendars(self._db)

    def calendar(self, calendar: str) -> Info:
        """Return one calendar's info; raise NotFound without it. The caller checks `Principal.may_view`."""
        return calendars.read_calendar(self._db, calendar)

    def head(self, calendar: str) -> Head:
        """Return the calendar's info and its cursor; raise NotFound without it."""
        return calendars.read_head(self._db, calendar)

    def feed(self, calendar: str, begin: int, finish: int, *, most: int) -> Feed:
        """Return the slots that touch `[begin, finish)`, removed ones last; raise NotFound without the calendar."""
        return feed.read_feed(self._db, calendar, begin, finish, most=most, now=self.clock())

    def feed_head(self, calendar: str, served: Cursor | None) -> tuple[FeedHead, bool]:
        """Return the head of the calendar's feed, and if the history has the cursor of an earlier feed in it."""
        return feed.read_head(self._db, calendar, served)

    def feeds(self, calendar: str) -> list[PublicFeed]:
        """Return the calendar's private feeds, without their keys. For staff."""
        return private_feed.read_feeds(self._db, calendar)

    def feed_scope(self, calendar: str, key: str) -> str:
        """Return the scope of a private feed, by its key; raise NotFound without one."""
        return private_feed.read_scope(self._db, self.tokens, calendar, key)

    def busy_sources(self, calendar: str) -> list[PublicSource]:
        """Return the calendar's sources of busy times. For staff."""
        return busy.read_sources(self._db, calendar)

    def due_sources(self, interval: int) -> list[DueSource]:
        """Return the sources of busy times not checked for `interval` milliseconds. The importer asks."""
        return busy.read_due(self._db, self.clock(), interval)

    def booking_feed(self, calendar: str, begin: int, finish: int, *, most: int) -> BookingFeed:
        """Return the bookings whose slots touch `[begin, finish)`, as events. For staff."""
        return private_feed.read_booking_feed(self._db, calendar, begin, finish, most=most, now=self.clock())

    def booking_event(self, asked: WithToken) -> BookingFeed:
        """Return one booking as an event, for its holder or its calendar's staff."""
        return private_feed.read_booking_event(self._db, self.tokens, asked)

    def snapshot(
        self, calendar: str, begin: int, finish: int, *, most: int = EVERY, with_bookings: bool = False
    ) -> Snapshot:
        """Return the slots that touch `[begin, finish)`, in milliseconds.

        With more than `most` slots the page ends sooner, between two starts. Raise NotFound without the calendar.
        """
        return snapshot.read_snapshot(
            self._db, calendar, begin, finish, now=self.clock(), most=most, with_bookings=with_bookings
        )

    def new_rows(self, have: dict[str, Cursor]) -> dict[str, list[Logged]]:
        """Return the rows after `have` of each calendar with another cursor now; none for a restored calendar."""
        return changes.read_new_rows(self._db, have)

    def changes_after(self, calendar: str, cursor: Cursor) -> list[Logged] | None:
        """Return a page of the changes after the cursor; None if the log has lost them."""
        return changes.read_page_after(self._db, calendar, cursor)

    def changes_before(self, calendar: str, seq: int) -> list[Logged]:
        """Return the last changes before this seq, oldest first, as many as a replica may keep."""
        return changes.read_changes_before(self._db, calendar, seq)

    def booking(self, asked: WithToken) -> Booking:
        """Return one booking with its customer, for its holder or its calendar's staff."""
        return bookings.read_booking(self._db, self.tokens, asked)

    def heads(self, wanted: tuple[str, ...]) -> dict[str, Head]:
        """Return the heads of those calendars that exist."""
        return slot_search.read_heads(self._db, wanted)

    def find_slots(self, search: SlotSearch) -> FoundSlots:
        """Return a page of the slots of several calendars, by start. The caller checks `Principal.may_view`."""
        return slot_search.find_slots(self._db, search, self.clock())

    def find_bookings(self, search: Search, *, most: int) -> tuple[list[ListedBooking], str]:
        """Return a page of the bookings of several calendars, the latest made first, and the mark of the next page."""
        return booking_search.find_bookings(self._db, search, most)

    def erasures(
        self, principal: Principal, email: str, wanted: tuple[str, ...] | None, page: str
    ) -> tuple[list[Command], str]:
        """Return the commands that erase a page of the bookings of an e-mail address, and the mark to go on from.

        It is "" if there is nothing more to erase.
        """
        found, page = booking_search.find_customer(self._db, email, wanted, page, ERASED_AT_ONCE)
        commands: list[Command] = [
            EraseBookings(principal=principal, calendar=calendar, email=email, bookings=tuple(names))
            for calendar, names in found.items()
        ]
        return commands, page

    def bookings(self, calendar: str, begin: int, finish: int, *, most: int = EVERY) -> tuple[list[ListedBooking], int]:
        """Return the bookings whose slots touch `[begin, finish)`, by start, and the end of the page. For staff.

        With more than `most` bookings the page ends sooner, between two starts.
        """
        return bookings.read_bookings(self._db, calendar, begin, finish, most)

    def bookings_by_id(self, ids: list[str]) -> dict[str, Booking]:
        """Return the bookings with these ids, as they are now. For staff."""
        return bookings.read_bookings_by_id(self._db, ids)

    def history(self, calendar: str, *, slot: str, booking: str, before: int, most: int) -> HistoryAnswer:
        """Return a page of the calendar's history, newest first; raise NotFound without the calendar. For staff."""
        return history.read_history(self._db, calendar, slot=slot, booking=booking, before=before, most=most)

    def explain(self, principal: Principal, slot: str) -> list[dict[str, Any]]:
        """Return `{rule, ok, ...}` for each rule of taking the slot, in the order of the checks."""
        return explain(self._db, self.tokens, principal, slot, self.clock())

    def schedule(self, calendar: str) -> bytes | None:
        """Return the calendar's schedule as JSON; None without one. For staff."""
        with database.reading(self._db):
            return apply.read_body(self._db, calendar)

    def due(self) -> list[ExpireHolds]:
        """Return the commands that expire the overdue holds, one for each calendar with any."""
        return self.expiring(0)[0]

    def expiring(self, ahead: int) -> tuple[list[ExpireHolds], bool]:
        """Return the same, and whether another hold is overdue within `ahead` milliseconds."""
        now = self.clock() - GRACE
        with database.reading(self._db):
            rows = _due.rows(self._db, before=now + ahead)
        overdue = dict.fromkeys(calendar for calendar, expires_at in rows if expires_at <= now)
        is_soon = bool(rows) and rows[-1][1] > now
        return [ExpireHolds(calendar=calendar) for calendar in overdue], is_soon

    def unanswered(self) -> list[Command]:
        """Return the commands that reject pending bookings without an answer of staff in time."""
        with database.reading(self._db):
            return [ExpireBookings(calendar=calendar) for calendar in expire_bookings.read_due(self._db, self.clock())]

    def behind(self) -> list[Command]:
        """Return the commands that fill the horizons of schedules. The scheduler asks about once a minute."""
        with database.reading(self._db):
            return [FillHorizon(calendar=calendar) for calendar in apply.due(self._db, self.clock())]

    def outside(self) -> list[Command]:
        """Return the commands that take the notes of outside writers, one for each calendar with any."""
        with database.reading(self._db):
            return [TakeOutside(calendar=calendar) for calendar in notes.read_calendars(self._db)]

    def audit(self) -> list[Finding]:
        """Return the faults of the database, as of one instant."""
        return audit.find(self._db)

    def trims(self) -> list[Command]:
        """Return the commands that trim logs, histories and idempotency records.

        One is for all old changes and records, and the others for calendars with too many changes or old entries.
        """
        now = self.clock()
        many = housekeeping.read_calendars_to_trim(self._db, now, self.retention)
        old: list[Command] = [TrimOldest()] if housekeeping.has_old(self._db, now, self.retention) else []
        return old + [TrimLog(calendar=calendar) for calendar in many]
