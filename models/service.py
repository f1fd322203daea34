"""The service layer: the only way from the server and the command line to the database.

A command goes in and rows of the log come out; a query goes in and a snapshot comes out. Any thread may call any
method. A query reads at once, on the calling thread's own connection; a command goes to the writer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from peewee import DatabaseError, InterfaceError

from models.audit import audit
from models.audit.audit import Finding
from models.contract.changes import Booking, Cursor, Info, Logged
from models.contract.commands.background import (
    ExpireBookings,
    ExpireHolds,
    FillHorizon,
    TakeOutside,
    TrimLog,
    TrimOldest,
)
from models.contract.commands.command import Answer, Command, WithToken
from models.contract.errors import Refused
from models.contract.principal import Principal
from models.contract.values.time import Clock, MeasuredClock, system_clock
from models.contract.values.tokens import Tokens
from models.domain import outside_writes
from models.domain.bookings import expire_bookings
from models.domain.bookings.expire_bookings import DUE_AT_ONCE
from models.domain.calendars.busy_sources import PublicSource
from models.domain.calendars.feeds import PublicFeed
from models.domain.policy.rules import GRACE
from models.query import bookings, busy, calendars, changes, feed, housekeeping, private_feed, snapshot
from models.query.busy import DueSource
from models.query.calendars import Head
from models.query.explain import explain, is_bookable
from models.query.feed import Feed, FeedHead, FeedSlot
from models.query.packed_slots import PackedSlots, PlacedSlot, places_between
from models.query.page import EVERY, cut
from models.query.private_feed import BookingFeed, FeedBooking
from models.query.snapshot import Snapshot
from models.schedule import apply
from models.schedule.schedule import Schedule
from models.storage import commit_watch, database, secret
from models.storage.cancellation import Cancellation, Cancelled, checked
from models.storage.commit_watch import CommitWatch, News
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.dialect import Dialect, UnusableDatabase
from models.storage.tables import Hold, HoldState
from models.transaction.transaction import OnProgress, Retention, no_progress
from models.writing.batch import BatchRunner
from models.writing.command_queue import Outcome, QueuedCommand, Reply
from models.writing.router import Router
from models.writing.writer import Writer

__all__ = [
    "BookingFeed",
    "Cancellation",
    "Cancelled",
    "CommitWatch",
    "DueSource",
    "Feed",
    "FeedBooking",
    "FeedHead",
    "FeedSlot",
    "Finding",
    "Head",
    "News",
    "OnProgress",
    "Outcome",
    "PackedSlots",
    "PlacedSlot",
    "Reply",
    "Retention",
    "Schedule",
    "SlotService",
    "Snapshot",
    "UnusableDatabase",
    "checked",
    "cut",
    "is_bookable",
    "no_progress",
    "places_between",
]  # fmt: skip

# In the order of the index: with DISTINCT, SQLite reads every active hold in the order of another one.
_due = CompiledQuery(
    Hold.select(Hold.calendar, Hold.expires_at)
    .where((Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("before")))
    .order_by(Hold.expires_at)
    .limit(literal(DUE_AT_ONCE))
)


def _ignore(rows: list[Logged]) -> None:
    """Stand in for a change listener, for the command line."""


@dataclass(slots=True)
class SlotService:
    """The commands and queries of one database.

    A writer's thread calls `on_commit` with the rows that a commit of this process has added to the log, and
    `on_progress` with the slots done and to do while it sets a schedule. Set `on_progress` before `open`. `writers` is
    the number of writers, if the database takes more than one. `open` replaces the system clock by the database's, if
    the database has one.
    """

    url: str
    secret: bytes
    clock: Clock = system_clock
    synchronous: str = database.SYNCHRONOUS
    retention: Retention = field(default_factory=Retention)
    writers: int = 4
    on_commit: Callable[[list[Logged]], None] = _ignore
    on_progress: OnProgress = no_progress
    tokens: Tokens = field(init=False)
    _db: Dialect = field(init=False)
    _writer: Writer | Router = field(init=False)

    def open(self) -> list[str]:
        """Open the database and migrate its schema; return the migrations applied."""
        with self._connected():
            applied = database.migrate(self._db)
            secret.check_secret(self._db, self.tokens.fingerprint)
            if database.DUE_MIGRATION in applied:
                with self._db.changing_schema():
                    apply.note_due(self._db)
        count = min(self.writers, self._db.most_writers)
        self._writer = Router(self._db, count, self._make_writer) if self._db.locks_rows else self._make_writer(0)
        self._writer.start()
        return applied

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Connect to the database and measure its clock. A failure raises UnusableDatabase with one clear line."""
        self.tokens = Tokens(self.secret)
        self._db = database.open_database(self.url, synchronous=self.synchronous)
        try:
            self._db.connect()
            self._db.check()
            if self.clock is system_clock and self._db.time_sql:
                self.clock = MeasuredClock()
                commit_watch.measure(self._db, self.clock)
            yield
        except (DatabaseError, InterfaceError) as error:
            raise UnusableDatabase(f"SLOTCAST_DATABASE can't be opened: {error}") from error
        finally:
            self.close_thread_connection()

    def check_secret(self) -> None:
        """Raise UnusableDatabase if the secret is not the database's. For a command that only signs tokens.

        It leaves nothing open, and makes no file.
        """
        file = database.database_file(self.url)
        if file is not None and not file.exists():
            return
        with self._connected():
            if secret.has_secret(self._db):
                secret.check_secret(self._db, self.tokens.fingerprint)

    def has_other_secret(self) -> bool:
        """Say if the database has another secret by now."""
        return secret.has_other_secret(self._db, self.tokens.fingerprint)

    def replace_secret(self) -> None:
        """Make this service's secret the database's. Tokens and idempotency records of another secret become void."""
        with self._connected():
            database.migrate(self._db)
            secret.replace_secret(self._db, self.tokens.fingerprint)

    def _make_writer(self, number: int, again: Callable[[QueuedCommand], None] | None = None) -> Writer:
        batches = BatchRunner(
            db=self._db,
            tokens=self.tokens,
            clock=None if isinstance(self.clock, MeasuredClock) else self.clock,
            retention=self.retention,
            on_commit=self._call_on_commit,
            on_progress=self.on_progress,
        )
        return Writer(batches, again=again, name=f"slotcast-writer-{number}")

    def close(self) -> None:
        """Finish the queued commands, then close."""
        self._writer.close()
        self.close_thread_connection()

    def _call_on_commit(self, rows: list[Logged]) -> None:
        """Look up `on_commit` at each commit, as it may be set after the writer has started."""
        self.on_commit(rows)

    def close_thread_connection(self) -> None:
        """Close the calling thread's connection. Each thread that reads calls this at its end."""
        if not self._db.is_closed():
            self._db.close()

    # Commands

    def submit(self, command: Command, reply: Reply) -> None:
        """Queue the command. A writer's thread calls `reply` with the outcome, after COMMIT."""
        self._writer.submit(command, reply)

    def run(self, command: Command) -> Answer:
        """Run the command and wait for its answer; raise its refusal. For callers without an event loop."""
        done = threading.Event()
        outcomes: list[Outcome] = []

        def reply(outcome: Outcome) -> None:
            outcomes.append(outcome)
            done.set()

        self._writer.submit(command, reply)
        done.wait()
        if isinstance(outcomes[0], Refused):
            raise outcomes[0]
        return outcomes[0]

    @property
    def queued(self) -> int:
        """Return the number of commands that wait for a writer."""
        return self._writer.queued

    # Queries

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

    def bookings(self, calendar: str, begin: int, finish: int, *, most: int = EVERY) -> tuple[list[Booking], int]:
        """Return the bookings whose slots touch `[begin, finish)`, by start, and the end of the page. For staff.

        With more than `most` bookings the page ends sooner, between two starts.
        """
        return bookings.read_bookings(self._db, calendar, begin, finish, most)

    def bookings_by_id(self, ids: list[str]) -> dict[str, Booking]:
        """Return the bookings with these ids, as they are now. For staff."""
        return bookings.read_bookings_by_id(self._db, ids)

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
            return [TakeOutside(calendar=calendar) for calendar in outside_writes.read_calendars(self._db)]

    def audit(self) -> list[Finding]:
        """Return the faults of the database, as of one instant."""
        return audit.find(self._db)

    def repair(self, found: list[Finding]) -> None:
        """Repair the faults that an audit has found, by changes like any other, and wait for the end."""
        for repair in audit.commands_for(found):
            self.run(repair)
        while asked := self.outside():
            for command in asked:
                self.run(command)

    def trims(self) -> list[Command]:
        """Return the commands that trim logs and idempotency records: one for all that is old, if anything is."""
        many = housekeeping.read_calendars_to_trim(self._db, self.retention)
        old: list[Command] = [TrimOldest()] if housekeeping.has_old(self._db, self.clock(), self.retention) else []
        return old + [TrimLog(calendar=calendar) for calendar in many]

    def watch(self) -> CommitWatch:
        """Return a watch on other processes' commits. It needs a thread of its own."""
        return CommitWatch(self._db, self.clock if isinstance(self.clock, MeasuredClock) else None)

    def check(self) -> None:
        """Raise Overloaded if the database does not answer."""
        with database.reading(self._db):
            self._db.execute_sql("SELECT 1").fetchall()
