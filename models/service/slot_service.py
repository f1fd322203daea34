"""The service of one database: opens it, takes commands to the writer, and closes it.

Any thread may call any method.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from peewee import DatabaseError, InterfaceError

from models.audit import audit, unreadable
from models.audit.audit import Finding
from models.contract.changes import Logged
from models.contract.commands.command import Answer, Command
from models.contract.errors import Overloaded, Refused
from models.contract.values.time import Clock, MeasuredClock, system_clock
from models.contract.values.tokens import Tokens
from models.domain.access import blocks
from models.query.standby import ANSWER_SECONDS, CONNECT_SECONDS, Standby
from models.schedule import horizon
from models.service.queries import Queries
from models.storage import database, schema_rule, secret
from models.storage.commits import commit_watch
from models.storage.commits.commit_watch import CommitWatch, ToldWatch
from models.storage.commits.foreign_commits import ForeignCommits
from models.storage.commits.notice import Bus
from models.storage.commits.notifications import Notifications
from models.storage.dialect import Dialect, UnreachableDatabase
from models.transaction.transaction import OnProgress, Retention, no_progress
from models.writing.address_notes import AddressNotes
from models.writing.batch import BatchRunner
from models.writing.command_queue import CommandSource, Outcome, QueuedCommand, Reply
from models.writing.router import Router
from models.writing.write_fault import WriteFault, WriteFaults
from models.writing.write_figures import WriteFigures
from models.writing.writer import COMMANDS_A_LONG_BATCH, Writer
from models.writing.writer_state import WriterState, figures_of, set_figures


def _ignore(rows: list[Logged]) -> None:
    """Stand in for a change listener, for the command line."""


def _open_replica(url: str) -> Dialect:
    return database.open_database(database.with_connect_seconds(url, CONNECT_SECONDS), answer_seconds=ANSWER_SECONDS)


@dataclass(slots=True)
class SlotService(Queries):
    """The commands and queries of one database, from its opening to its end.

    A writer's thread calls `on_commit` with the rows that a commit of this process has added to the log, and
    `on_progress` with the slots done and to do while it sets a schedule. Set `on_progress` before `open`. `writers` is
    the number of writers, if the database takes more than one; with none, another process writes. `open` replaces the
    system clock by the database's, if the database has one. With `notifies` the servers on one database notify each
    other of changes, where the database can do it. They listen at `listen_url`, or at `url`. With `redis_url` their
    rows go by that Redis. `is_pooled` says if a pooler is before the database; None is to find out. The other servers
    reach this one at `internal_url`. Snapshots are read from the replica at `replica_url` while that has the newest
    state. What the `previous_secret` has signed is good too.
    A client's command that waits for longer than `max_wait_seconds` is refused; 0 is for no bound. `sends_mail` says if
    calendars may ask for a code by mail.
    """

    url: str
    secret: bytes
    clock: Clock = system_clock
    synchronous: str = database.SYNCHRONOUS
    retention: Retention = field(default_factory=Retention)
    writers: int = 4
    notifies: bool = True
    listen_url: str = ""
    redis_url: str = ""
    is_pooled: bool | None = None
    internal_url: str = ""
    replica_url: str = ""
    previous_secret: bytes = b""
    max_wait_seconds: float = 0.0
    sends_mail: bool = False
    on_commit: Callable[[list[Logged]], None] = _ignore
    on_progress: OnProgress = no_progress
    tokens: Tokens = field(init=False)
    standby: Standby | None = field(init=False, default=None)
    _db: Dialect = field(init=False)
    _writer: Writer | Router | None = field(init=False, default=None)
    _notifications: Notifications | None = field(init=False, default=None)
    figures: WriteFigures = field(init=False, default_factory=WriteFigures)
    _identity: str = field(init=False, default="")
    _addresses: AddressNotes = field(init=False, default_factory=AddressNotes)
    _faults: WriteFaults = field(init=False, default_factory=WriteFaults)

    def open(self) -> list[str]:
        """Open the database and migrate its schema; return the migrations applied."""
        with self._connected():
            applied = database.migrate(self._db)
            unreadable.mend_calendars(self._db)
            secret.check_secret(self._db, *self._fingerprints)
            if self.previous_secret:
                blocks.renew_digests(self._db, self.tokens)
            if database.DUE_MIGRATION in applied:
                with self._db.changing_schema():
                    horizon.note_due(self._db)
            self._identity = self._db.identity() if self.redis_url else ""
        if self._db.most_notification_bytes and (self.notifies or self.redis_url):
            self._notifications = Notifications(
                self._db, self.tokens, self._bus(), uses_database=self.notifies, url=self.internal_url
            )
        if self.replica_url:
            self.standby = Standby(_open_replica(self.replica_url))
        count = min(self.writers, self._db.most_writers)
        if count:
            if self._db.locks_rows:
                self._writer = Router(self._db, count, self._make_writer, max_wait_seconds=self.max_wait_seconds)
            else:
                self._writer = self._make_writer(0)
            self._writer.start()
        return applied

    def _bus(self) -> Bus | None:
        if not self.redis_url:
            return None
        from models.storage.commits.redis_bus import RedisBus  # noqa: PLC0415 - its import takes 80 ms

        return RedisBus(self.redis_url, f"slotcast:{self._identity}")

    @contextmanager
    def _connected(self) -> Iterator[None]:
        """Connect to the database and measure its clock. A failure raises UnreachableDatabase with one line."""
        self.tokens = Tokens(self.secret, self.previous_secret)
        self._db = database.open_database(self.url, synchronous=self.synchronous, is_pooled=self.is_pooled)
        try:
            self._db.connect()
            self._db.check()
            if self.clock is system_clock and self._db.time_sql:
                self.clock = MeasuredClock()
                commit_watch.measure(self._db, self.clock)
            yield
        except (DatabaseError, InterfaceError) as error:
            raise UnreachableDatabase(f"SLOTCAST_DATABASE can't be opened: {error}") from error
        finally:
            self.close_thread_connection()

    @property
    def _fingerprints(self) -> list[str]:
        return [tokens.fingerprint for tokens in self.tokens.every]

    def check_secret(self) -> None:
        """Raise UnusableDatabase if the secret is not the database's. For a command that only signs tokens.

        It leaves nothing open, and makes no file.
        """
        file = database.database_file(self.url)
        if file is not None and not file.exists():
            return
        with self._connected():
            if secret.has_secret(self._db):
                secret.check_secret(self._db, *self._fingerprints, may_replace=False)

    def audit_as_it_is(self) -> list[Finding] | None:
        """Return the faults of a database that is not open, and change nothing; None if it needs a migration first.

        Raise UnusableDatabase for a database of another secret or of a newer program.
        """
        self.check_secret()
        with self._connected():
            return None if database.needs_migration(self._db) else audit.find(self._db)

    @property
    def schema(self) -> str:
        """Return the newest migration of this program, as the version of its schema."""
        return database.migrations()[-1]

    def why_unfit(self) -> str:
        """Return why this process can't serve the database any more; "" if it can."""
        if secret.has_other_secret(self._db, *self._fingerprints):
            return secret.NOT_THIS_ONE
        return schema_rule.why_unfit(self._db, database.migrations())

    def replace_secret(self) -> None:
        """Make this service's secret the database's. Tokens and idempotency records of another secret become void."""
        with self._connected():
            database.migrate(self._db)
            secret.replace_secret(self._db, self.tokens.fingerprint)
            blocks.renew_digests(self._db, self.tokens)

    def write_from(self, source: CommandSource, on_answered: Callable[[], None]) -> None:
        """Run the commands of a source on the calling thread, to its end; for a service opened without a writer.

        `on_answered` is called after the replies of each batch.
        """
        most = COMMANDS_A_LONG_BATCH
        Writer(self._make_batches(), source=source, on_answered=on_answered, most=most).run()

    def foreign_commits(self) -> ForeignCommits:
        """Return a watch on the commits of other processes, for the thread that calls `write_from`."""
        return ForeignCommits(self._db)

    def _make_writer(self, number: int, again: Callable[[QueuedCommand], None] | None = None) -> Writer:
        return Writer(
            self._make_batches(),
            again=again,
            name=f"slotcast-writer-{number}",
            max_wait_seconds=self.max_wait_seconds,
        )

    def _make_batches(self) -> BatchRunner:
        return BatchRunner(
            db=self._db,
            tokens=self.tokens,
            clock=None if isinstance(self.clock, MeasuredClock) else self.clock,
            retention=self.retention,
            on_commit=self._call_on_commit,
            on_progress=self.on_progress,
            faults=self._faults,
            figures=self.figures,
            addresses=self._addresses,
            sends_mail=self.sends_mail,
        )

    def close(self) -> None:
        """Finish the queued commands, then close."""
        if self._writer is not None:
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
        for db in (self._db, self.standby.db if self.standby is not None else None):
            if db is not None and not db.is_closed():
                db.close()

    def submit(self, command: Command, reply: Reply, arrived: float | None = None) -> None:
        """Queue the command. A writer's thread calls `reply` with the outcome, after COMMIT.

        `arrived` is the time of a client's request by `time.monotonic`; without it the command may wait for any time.
        """
        assert self._writer is not None, "another process writes"
        self._writer.submit(command, reply, arrived)

    def run(self, command: Command) -> Answer:
        """Run the command and wait for its answer; raise its refusal. For callers without an event loop.

        Such a caller is the operator, who learns why the database can't be written.
        """
        done = threading.Event()
        outcomes: list[Outcome] = []

        def reply(outcome: Outcome) -> None:
            outcomes.append(outcome)
            done.set()

        self.submit(command, reply)
        done.wait()
        if isinstance(outcomes[0], Overloaded) and (fault := self.write_fault) is not None:
            raise Overloaded(f"The database can't be written: {fault.reason}.")
        if isinstance(outcomes[0], Refused):
            raise outcomes[0]
        return outcomes[0]

    @property
    def queued(self) -> int:
        """Return the number of commands that wait for a writer of this process."""
        return self._writer.queued if self._writer is not None else 0

    @property
    def write_fault(self) -> WriteFault | None:
        """Return the fault that keeps the writers from writing."""
        return self._faults.present

    @property
    def writer_state(self) -> WriterState:
        """Return the state of this process's writer, for the processes that it writes for."""
        return WriterState(self._faults.present, figures_of(self.figures))

    def take_writer_state(self, state: WriterState, *, has_figures: bool) -> None:
        """Take the state of the process that writes for this one. Only one process has its figures."""
        self._faults.present = state.fault
        if has_figures:
            set_figures(self.figures, state.figures)

    @property
    def free_bytes(self) -> int | None:
        """Return the space left on the disk of the database's file; None for a database without one, or unknown."""
        file = database.database_file(self.url)
        try:
            return None if file is None else shutil.disk_usage(file.absolute().parent).free
        except OSError:
            return None

    def repair(self, found: list[Finding]) -> None:
        """Repair the faults that an audit has found, by changes like any other, and wait for the end."""
        if any(finding.kind == audit.TEXT for finding in found):
            unreadable.mend(self._db)
            found = self.audit()
        for repair in audit.commands_for(found):
            self.run(repair)
        while asked := self.outside():
            for command in asked:
                self.run(command)

    def watch(self) -> CommitWatch:
        """Return a watch on other processes' commits. It needs a thread of its own."""
        if not self.writers:
            return ToldWatch(self._db)
        clock = self.clock if isinstance(self.clock, MeasuredClock) else None
        direct = None
        if self._notifications is not None and self.listen_url:
            url = database.with_connect_seconds(self.listen_url, commit_watch.CONNECT_SECONDS)
            direct = database.open_database(url, synchronous=self.synchronous)
        return CommitWatch(self._db, clock, self._notifications, direct)

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
        database.ask(self._db, lambda: self._db.execute_sql("SELECT 1").fetchall())

    @property
    def has_lead(self) -> bool:
        """Say if one of the servers on the database can have the lead."""
        return self._db.has_lead

    def keep_lead(self) -> bool:
        """Take or keep the lead, on the calling thread's connection; say if this process has it."""
        try:
            return self._db.keep_lead()
        except (DatabaseError, InterfaceError):
            with suppress(DatabaseError, InterfaceError):
                self._db.drop()
            return False
