"""The queries of the service: clients' reads, and the commands that are due.

A query reads at once, on the calling thread's own connection. Each one sees the database at one instant.
"""

from __future__ import annotations

from typing import Any

import msgspec
from peewee import fn

from models.audit import audit
from models.audit.audit import Finding
from models.contract.access_answers import Account, Credential
from models.contract.answers import BusySource, ExportAnswer, HistoryAnswer
from models.contract.block_answers import Block
from models.contract.changes import Booking, Cursor, Info, ListedBooking, Logged, write_cursor
from models.contract.commands.background import (
    CancelMany,
    EraseBookings,
    ErasePastBookings,
    ExpireBookings,
    ExpireHolds,
    TakeOutside,
    TrimBlocks,
    TrimHolds,
    TrimLog,
    TrimOldest,
)
from models.contract.commands.calendars import SetSchedule
from models.contract.commands.command import Answer, Command, WithToken
from models.contract.errors import NotFound
from models.contract.principal import Principal
from models.contract.values.fold import fold
from models.contract.values.time import SECOND, Clock
from models.contract.values.tokens import Tokens
from models.domain.bookings import expire_bookings
from models.domain.bookings.expire_bookings import DUE_AT_ONCE
from models.domain.calendars.feeds import PublicFeed
from models.domain.outside_writes import notes
from models.domain.policy import limits
from models.domain.policy.rules import GRACE
from models.query import access, blocks, bookings, busy, calendars, changes, export, history, housekeeping, snapshot
from models.query.access import AccessState
from models.query.busy import DueSource
from models.query.calendars import Head
from models.query.explain import explain
from models.query.feeds import feed, private_feed
from models.query.feeds.feed import Feed, FeedHead
from models.query.feeds.private_feed import BookingFeed
from models.query.page import EVERY
from models.query.search import booking_search, coming_search, slot_search
from models.query.search.booking_search import Search
from models.query.search.coming_search import Coming
from models.query.search.slot_search import FoundSlots, SlotSearch
from models.query.snapshot import Snapshot
from models.query.standby import Standby
from models.schedule import apply, horizon
from models.storage import database
from models.storage.access_tables import AccountRow
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.dialect import Dialect
from models.storage.rows import CalendarRow, HoldState
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
    standby: Standby | None
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

    def busy_sources(self, calendar: str) -> list[BusySource]:
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
        now = self.clock()

        def read(db: Dialect) -> Snapshot:
            return snapshot.read_snapshot(db, calendar, begin, finish, now=now, most=most, with_bookings=with_bookings)

        return read(self._db) if self.standby is None else self.standby.read(self._db, calendar, read)

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

    def export(
        self, principal: Principal, email: str, wanted: tuple[str, ...] | None, page: str, most: int
    ) -> ExportAnswer:
        """Return a page of all data about a person with an e-mail address. For staff."""
        found = export.read_export(self._db, principal, email, calendars=wanted, page=page, most=most)
        if not page:
            found.blocks = blocks.read_of_person(self._db, self.tokens, email, wanted, self.clock())
        return found

    def cancellations(self, principal: Principal, coming: Coming, address: str, page: str) -> tuple[list[Command], str]:
        """Return the commands that cancel a page of a customer's bookings, and the mark to go on from.

        It is "" if there is nothing more to cancel. An `address` names the customer in place of an e-mail address.
        """
        if address:
            coming = coming._replace(caller=limits.pseudonym(self.tokens, Principal(address=address)))
        found, page = coming_search.find_coming(self._db, coming, page, ERASED_AT_ONCE)
        commands: list[Command] = [
            CancelMany(
                principal=principal,
                calendar=calendar,
                bookings=tuple(names),
                email=coming.email,
                caller=coming.caller,
            )
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

    def history(
        self, calendar: str, *, slot: str, booking: str, before: int, most: int, with_addresses: bool = False
    ) -> HistoryAnswer:
        """Return a page of the calendar's history, newest first; raise NotFound without the calendar. For staff.

        Addresses are for owners.
        """
        return history.read_history(
            self._db,
            calendar,
            slot=slot,
            booking=booking,
            before=before,
            most=most,
            with_addresses=with_addresses,
        )

    def explain(self, principal: Principal, slot: str) -> list[dict[str, Any]]:
        """Return `{rule, ok, ...}` for each rule of taking the slot, in the order of the checks."""
        return explain(self._db, self.tokens, principal, slot, self.clock())

    def schedule(self, calendar: str) -> bytes | None:
        """Return the calendar's schedule as JSON; None without one. For staff."""
        with database.reading(self._db):
            return apply.read_body(self._db, calendar)

    def with_expansion(self, command: SetSchedule) -> SetSchedule:
        """Return the command with the slots of its schedule, for the writer or for `preview`. It may take long."""
        with database.reading(self._db):
            head = self._head_for(command)
        return apply.with_expansion(head, command, self.clock())

    def preview(self, command: SetSchedule) -> Answer:
        """Return the answer that the command would get, and change nothing."""
        with database.reading(self._db):
            head = self._head_for(command)
            fields = apply.preview(self._db, head, command, self.clock())
        cursor = write_cursor(head.seq, head.nonce)
        return Answer(calendar=head.id, seq=head.seq, cursor=cursor, result=msgspec.json.encode(fields))

    def _head_for(self, command: SetSchedule) -> CalendarRow:
        """Return the calendar's row, for a caller that may run the command."""
        try:
            head = calendars.read_calendar_row(self._db, command.calendar)
        except NotFound as error:
            raise command.principal.unknown(command.calendar) from error
        command.principal.check_role(command.wire.role, head.id)
        return head

    def due(self) -> list[ExpireHolds]:
        """Return the commands that expire the overdue holds, one for each calendar with any."""
        return self.expiring(0)[0]

    def expiring(self, ahead: int) -> tuple[list[ExpireHolds], bool]:
        """Return the same, and whether another hold is overdue within `ahead` milliseconds."""
        now = self.clock() - GRACE
        rows = database.ask(self._db, lambda: _due.rows(self._db, before=now + ahead))
        overdue = dict.fromkeys(calendar for calendar, expires_at in rows if expires_at <= now)
        is_soon = bool(rows) and rows[-1][1] > now
        return [ExpireHolds(calendar=calendar) for calendar in overdue], is_soon

    def unanswered(self) -> list[Command]:
        """Return the commands that reject pending bookings without an answer of staff in time."""
        due = database.ask(self._db, lambda: expire_bookings.read_due(self._db, self.clock()))
        return [ExpireBookings(calendar=calendar) for calendar in due]

    def behind(self) -> list[Command]:
        """Return the commands that fill the horizons of schedules. The scheduler asks about once a minute."""
        now = self.clock()
        with database.reading(self._db):
            due = horizon.read_due(self._db, now)
        return [*horizon.fills(due, now)]

    def past_customers(self, after: str) -> tuple[list[Command], str]:
        """Return the commands that erase the customers of a page of past bookings, and the mark to go on from.

        It is "" at the end, and at once where customers are kept for ever.
        """
        if not self.retention.customer_seconds:
            return [], ""
        before = self.clock() - self.retention.customer_seconds * SECOND
        found, page = housekeeping.read_past_customers(self._db, before, after)
        commands: list[Command] = [
            ErasePastBookings(
                calendar=calendar, bookings=tuple(ids[place : place + ERASED_AT_ONCE]), ended_before=before
            )
            for calendar, ids in found.items()
            for place in range(0, len(ids), ERASED_AT_ONCE)
        ]
        return commands, page

    def outside(self) -> list[Command]:
        """Return the commands that take the notes of outside writers, one for each calendar with any."""
        noted = database.ask(self._db, lambda: notes.read_calendars(self._db))
        return [TakeOutside(calendar=calendar) for calendar in noted]

    def access(self) -> AccessState:
        """Return the sessions in force, and the revoked credentials. The server keeps them in memory."""
        return access.read_state(self._db, self.clock())

    def accounts(self, scope: tuple[str, ...] | None) -> list[Account]:
        """Return the accounts with rights in these calendars only; None for all. For owners."""
        return access.read_accounts(self._db, scope)

    def has_accounts(self) -> bool:
        """Say if there is any account to sign in with."""
        return access.has_accounts(self._db)

    def account(self, name: str) -> AccountRow | None:
        """Return the account with this name, in any case of letters."""
        return access.find_account(self._db, fold(name))

    def credentials(self, kind: str, scope: tuple[str, ...] | None) -> list[Credential]:
        """Return the tokens, links or sessions in these calendars only; None for all. For owners and staff."""
        return access.read_credentials(self._db, kind, scope, self.clock())

    def blocks(self, scope: tuple[str, ...] | None) -> list[Block]:
        """Return the newest blocks of these calendars; None for all. For staff."""
        return blocks.read_blocks(self._db, scope, self.clock())

    def audit(self) -> list[Finding]:
        """Return the faults of the database, as of one instant."""
        return audit.find(self._db)

    def trims(self) -> list[Command]:
        """Return the commands that trim logs, histories, idempotency records, ended holds and ended blocks.

        One is for all old changes and records, one for holds, and one for blocks. The others are for calendars with too
        many changes or old entries.
        """
        now = self.clock()
        many = housekeeping.read_calendars_to_trim(self._db, now, self.retention)
        old: list[Command] = [TrimOldest()] if housekeeping.has_old(self._db, now, self.retention) else []
        holds: list[Command] = [TrimHolds()] if housekeeping.has_old_holds(self._db, now, self.retention) else []
        ended: list[Command] = [TrimBlocks()] if housekeeping.has_ended_blocks(self._db, now) else []
        return old + holds + ended + [TrimLog(calendar=calendar) for calendar in many]
