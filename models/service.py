"""The door to the book: a command goes in, rows of the log come out; a query goes in, a snapshot comes out.

Everything here may be called from any thread. What reads does so at once, on the calling thread's own connection;
what writes goes to the writer.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from peewee import DatabaseError, InterfaceError

from models.contract.changes import Booking, Cursor, Info, Logged
from models.contract.commands import Answer, Command, ExpireHolds, FillHorizon, TakeOutside, TrimLog, WithToken
from models.contract.errors import Refused
from models.contract.principal import Principal
from models.contract.time import Clock, MeasuredClock, system_clock
from models.contract.tokens import Tokens
from models.domain import outside_writes
from models.domain.rules import GRACE
from models.query import audit, bookings, calendars, changes, feed, snapshot
from models.query.audit import Finding
from models.query.calendars import Head
from models.query.explain import explain, is_bookable
from models.query.feed import Feed
from models.query.page import EVERY, cut
from models.query.snapshot import PlacedSlot, Snapshot
from models.schedule import apply
from models.schedule.schedule import Schedule
from models.storage import database
from models.storage.cancellation import Cancellation, Cancelled, checked
from models.storage.compiled_query import CompiledQuery, bind, literal
from models.storage.database import CommitWatch, UnusableDatabase
from models.storage.dialect import Dialect
from models.storage.tables import Hold, HoldState
from models.transaction.transaction import OnProgress, Retention, no_progress
from models.writing.router import Router
from models.writing.spare_writers import Outcome, QueuedCommand, Reply
from models.writing.writer import Writer

__all__ = [
    "Cancellation",
    "Cancelled",
    "CommitWatch",
    "Feed",
    "Finding",
    "Head",
    "OnProgress",
    "Outcome",
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
]  # fmt: skip

_due = CompiledQuery(
    Hold.select(Hold.calendar)
    .where((Hold.state == literal(HoldState.ACTIVE)) & (Hold.expires_at <= bind("before")))
    .distinct()
)


def _nobody_hears(rows: list[Logged]) -> None:
    """Where no bell hangs: the command line."""


@dataclass(slots=True)
class SlotService:
    """The book behind one database.

    `on_commit` hears, on a writer's thread, what a commit of this process has added to the log. `writers` is how many
    write at the same time, where the database lets more than one. `on_progress` hears, there too, to how many slots of
    how many a schedule has come that is being set; it is set before `open`. `clock` is the machine's, where nobody has
    set another, until `open` puts the database's own in its place, if that has one.
    """

    url: str
    secret: bytes
    clock: Clock = system_clock
    synchronous: str = "full"
    retention: Retention = field(default_factory=Retention)
    writers: int = 4
    on_commit: Callable[[list[Logged]], None] = _nobody_hears
    on_progress: OnProgress = no_progress
    tokens: Tokens = field(init=False)
    _db: Dialect = field(init=False)
    _writer: Writer | Router = field(init=False)

    def open(self) -> list[str]:
        """Opens the database and brings its schema up to date; returns the migrations that this took."""
        with self._connected():
            applied = database.migrate(self._db)
            database.check_secret(self._db, self.tokens.fingerprint)
        count = min(self.writers, self._db.most_writers)
        self._writer = Router(self._db, count, self._make_writer) if self._db.locks_rows else self._make_writer(0)
        self._writer.start()
        return applied

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """A connection to a database that can be used, and its clock; whatever fails is one clear line."""
        self.tokens = Tokens(self.secret)
        self._db = database.open_database(self.url, synchronous=self.synchronous)
        try:
            self._db.connect()
            self._db.check()
            if self.clock is system_clock and self._db.time_sql:
                self.clock = MeasuredClock()
                database.measure(self._db, self.clock)
            yield
        except (DatabaseError, InterfaceError) as error:
            raise UnusableDatabase(f"SLOTCAST_DATABASE can't be opened: {error}") from error
        finally:
            self.close_thread_connection()

    def check_secret(self) -> None:
        """UnusableDatabase if the secret is not the database's, for who only signs tokens; nothing stays open.

        A file that is not there yet is not made.
        """
        file = database.database_file(self.url)
        if file is not None and not file.exists():
            return
        with self._connected():
            if database.has_secret(self._db):
                database.check_secret(self._db, self.tokens.fingerprint)

    def replace_secret(self) -> None:
        """Makes the settings' secret the database's. What was made with another one is void."""
        with self._connected():
            database.migrate(self._db)
            database.replace_secret(self._db, self.tokens.fingerprint)

    def _make_writer(self, number: int, again: Callable[[QueuedCommand], None] | None = None) -> Writer:
        name = f"slotcast-writer-{number}"
        return Writer(
            self._db,
            self.tokens,
            None if isinstance(self.clock, MeasuredClock) else self.clock,
            self.retention,
            self._heard,
            again=again,
            on_progress=self.on_progress,
            name=name,
        )

    def close(self) -> None:
        """Lets queued commands finish."""
        self._writer.close()
        self.close_thread_connection()

    def _heard(self, rows: list[Logged]) -> None:
        """Looks up who listens at each commit, as that may be set after the writer has started."""
        self.on_commit(rows)

    def close_thread_connection(self) -> None:
        """Closes the calling thread's connection; each thread that reads ends with it."""
        if not self._db.is_closed():
            self._db.close()

    # Commands

    def submit(self, command: Command, reply: Reply) -> None:
        """Queues the command; `reply` hears its outcome on a writer's thread, after COMMIT."""
        self._writer.submit(command, reply)

    def run(self, command: Command) -> Answer:
        """Does the command and waits for it: for callers without a loop. Raises what refuses it."""
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
        """How many commands wait for a writer."""
        return self._writer.queued

    # Queries

    def calendars(self) -> list[Info]:
        """Every calendar; whose they are to see is the caller's to sort out, with `Principal.may_view`."""
        return calendars.read_calendars(self._db)

    def calendar(self, calendar: str) -> Info:
        """One calendar's info; NotFound without it. Whose it is to see is the caller's to sort out."""
        return calendars.read_calendar(self._db, calendar)

    def head(self, calendar: str) -> Head:
        """The calendar's info and its cursor, by one row; NotFound without such a calendar."""
        return calendars.read_head(self._db, calendar)

    def feed(self, calendar: str, begin: int, finish: int, *, most: int) -> Feed:
        """The calendar's slots that touch `[begin, finish)`, removed ones last; NotFound without such a calendar."""
        return feed.read_feed(self._db, calendar, begin, finish, most)

    def snapshot(
        self, calendar: str, begin: int, finish: int, *, most: int = EVERY, tail: int = 0, with_bookings: bool = False
    ) -> Snapshot:
        """The calendar's slots that touch `[begin, finish)`, in milliseconds, and the last `tail` changes of its log.

        Where there are more than `most` the window ends sooner, between two starts. NotFound without such a calendar.
        """
        return snapshot.read_snapshot(
            self._db, calendar, begin, finish, most=most, tail=tail, with_bookings=with_bookings
        )

    def new_rows(self, have: dict[str, Cursor]) -> dict[str, list[Logged]]:
        """What came after `have`, for each calendar that stands elsewhere now; no rows for one that was put back."""
        return changes.read_new_rows(self._db, have)

    def booking(self, asked: WithToken) -> Booking:
        """One booking with its customer, for its holder or its calendar's staff."""
        return bookings.read_booking(self._db, self.tokens, asked)

    def bookings(self, calendar: str, begin: int, finish: int, *, most: int = EVERY) -> tuple[list[Booking], int]:
        """The bookings of the slots that touch `[begin, finish)`, by the slots' start, and how far they go. For staff.

        Where there are more than `most` the window ends sooner, between two starts.
        """
        return bookings.read_bookings(self._db, calendar, begin, finish, most)

    def bookings_by_id(self, ids: list[str]) -> dict[str, Booking]:
        """The bookings with these ids, as they are now. For staff."""
        return bookings.read_bookings_by_id(self._db, ids)

    def explain(self, principal: Principal, slot: str) -> list[dict[str, Any]]:
        """Why the slot can or can't be taken by the asker, rule by rule: `{rule, ok, ...}` each, in the order asked."""
        return explain(self._db, self.tokens, principal, slot, self.clock())

    def schedule(self, calendar: str) -> bytes | None:
        """The calendar's opening hours, as JSON; None without any. For staff."""
        with database.reading(self._db):
            return apply.read_body(self._db, calendar)

    def due(self) -> list[ExpireHolds]:
        """What the clock asks for now: a sweep of each calendar whose holds have run out."""
        with database.reading(self._db):
            return [ExpireHolds(calendar=row[0]) for row in _due.rows(self._db, before=self.clock() - GRACE)]

    def behind(self) -> list[Command]:
        """What the clock asks for about once a minute: horizons that days have moved on from."""
        with database.reading(self._db):
            return [FillHorizon(calendar=calendar) for calendar in apply.due(self._db, self.clock())]

    def outside(self) -> list[Command]:
        """What other writers ask for: taking what they did, for each calendar that they have touched."""
        with database.reading(self._db):
            return [TakeOutside(calendar=calendar) for calendar in outside_writes.read_calendars(self._db)]

    def audit(self) -> list[Finding]:
        """What is wrong in the database, as of one instant."""
        return audit.find(self._db)

    def repair(self, found: list[Finding]) -> None:
        """Sets right what an audit has found, by changes like any other; waits for it."""
        for repair in audit.commands_for(found):
            self.run(repair)
        while asked := self.outside():
            for command in asked:
                self.run(command)

    def trims(self) -> list[Command]:
        """What the clock asks for once in a while: that what is too old to be asked for goes."""
        return [TrimLog(calendar=info.id) for info in self.calendars()]

    def watch(self) -> CommitWatch:
        """What hears of other processes' commits; for one thread of its own."""
        return CommitWatch(self._db, self.clock if isinstance(self.clock, MeasuredClock) else None)

    def check(self) -> None:
        """Overloaded if the database does not answer."""
        with database.reading(self._db):
            self._db.execute_sql("SELECT 1").fetchall()
