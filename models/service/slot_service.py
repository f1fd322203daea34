"""The service of one database: opens it, takes commands to the writer, and closes it.

Any thread may call any method.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from peewee import DatabaseError, InterfaceError

from models.audit import audit
from models.audit.audit import Finding
from models.contract.changes import Logged
from models.contract.commands.command import Answer, Command
from models.contract.errors import Refused
from models.contract.values.time import Clock, MeasuredClock, system_clock
from models.contract.values.tokens import Tokens
from models.schedule import apply
from models.service.queries import Queries
from models.storage import commit_watch, database, secret
from models.storage.commit_watch import CommitWatch
from models.storage.dialect import Dialect, UnusableDatabase
from models.storage.notifications import Notifications
from models.transaction.transaction import OnProgress, Retention, no_progress
from models.writing.batch import BatchRunner
from models.writing.command_queue import Outcome, QueuedCommand, Reply
from models.writing.router import Router
from models.writing.writer import Writer


def _ignore(rows: list[Logged]) -> None:
    """Stand in for a change listener, for the command line."""


@dataclass(slots=True)
class SlotService(Queries):
    """The commands and queries of one database, from its opening to its end.

    A writer's thread calls `on_commit` with the rows that a commit of this process has added to the log, and
    `on_progress` with the slots done and to do while it sets a schedule. Set `on_progress` before `open`. `writers` is
    the number of writers, if the database takes more than one. `open` replaces the system clock by the database's, if
    the database has one. With `notifies` the servers on one database notify each other of changes, where the database
    can do it. They listen at `listen_url`, or at `url`.
    """

    url: str
    secret: bytes
    clock: Clock = system_clock
    synchronous: str = database.SYNCHRONOUS
    retention: Retention = field(default_factory=Retention)
    writers: int = 4
    notifies: bool = True
    listen_url: str = ""
    on_commit: Callable[[list[Logged]], None] = _ignore
    on_progress: OnProgress = no_progress
    tokens: Tokens = field(init=False)
    _db: Dialect = field(init=False)
    _writer: Writer | Router = field(init=False)
    _notifications: Notifications | None = field(init=False, default=None)

    def open(self) -> list[str]:
        """Open the database and migrate its schema; return the migrations applied."""
        with self._connected():
            applied = database.migrate(self._db)
            secret.check_secret(self._db, self.tokens.fingerprint)
            if database.DUE_MIGRATION in applied:
                with self._db.changing_schema():
                    apply.note_due(self._db)
        if self.notifies and self._db.most_notification_bytes:
            self._notifications = Notifications(self._db, self.tokens)
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
        if self._notifications is not None:
            self._notifications.close()
        self.close_thread_connection()

    def _call_on_commit(self, rows: list[Logged]) -> None:
        """Look up `on_commit` at each commit, as it may be set after the writer has started."""
        self.on_commit(rows)
        if self._notifications is not None:
            self._notifications.send(rows)

    def close_thread_connection(self) -> None:
        """Close the calling thread's connection. Each thread that reads calls this at its end."""
        if not self._db.is_closed():
            self._db.close()

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

    def repair(self, found: list[Finding]) -> None:
        """Repair the faults that an audit has found, by changes like any other, and wait for the end."""
        for repair in audit.commands_for(found):
            self.run(repair)
        while asked := self.outside():
            for command in asked:
                self.run(command)

    def watch(self) -> CommitWatch:
        """Return a watch on other processes' commits. It needs a thread of its own."""
        clock = self.clock if isinstance(self.clock, MeasuredClock) else None
        is_apart = self._notifications is not None and self.listen_url
        db = database.open_database(self.listen_url, synchronous=self.synchronous) if is_apart else self._db
        return CommitWatch(db, clock, self._notifications)

    @property
    def clock_offset(self) -> int:
        """Return by how much this machine's clock is ahead of the database's, in milliseconds; 0 for one clock."""
        return self.clock.offset if isinstance(self.clock, MeasuredClock) else 0

    @property
    def notifications(self) -> Notifications | None:
        """Return the notifications between servers; None if the database has none."""
        return self._notifications

    def check(self) -> None:
        """Raise Overloaded if the database does not answer."""
        with database.reading(self._db):
            self._db.execute_sql("SELECT 1").fetchall()
