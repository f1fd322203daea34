"""The transaction of a batch of commands: its time, its calendars, its idempotency records, and its savepoints."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from peewee import Model

from models.contract.changes import Logged
from models.contract.commands.command import Command
from models.contract.errors import NotFound
from models.contract.values.addressed import Addressed
from models.contract.values.time import Clock
from models.contract.values.tokens import Tokens
from models.storage.compiled_query import CompiledInsert, CompiledQuery
from models.storage.dialect import Dialect
from models.storage.rows import CalendarRow, SlotRow
from models.transaction.idempotency import IdempotencyRecord
from models.transaction.pending_rows import PendingRows

T = TypeVar("T")

_NO_COMMAND = Command()


class CommandResult(NamedTuple):
    """The result of a command: `{name: value}` on the wire, or the value itself without a name.

    `token` is the kind of token that the answer carries, made from the value's id. `left` is the calendar that a
    booking has left. `overridden` are the rules that staff passed over, None if they did not ask for it.
    """

    calendar: str
    name: str
    value: Any
    token: Literal["hold", "booking", "feed"] | None = None
    left: str = ""
    overridden: list[str] | None = None
    warnings: list[dict[str, Any]] | None = None

    def fields(self) -> Any:
        """Return the answer as it goes on the wire, without the cursor."""
        if not self.name:
            return self.value
        fields = {self.name: self.value}
        if self.overridden is not None:
            fields["overridden"] = self.overridden
        if self.warnings:
            fields["warnings"] = self.warnings
        return fields


class NeedsSavepoint(Exception):
    """A command without a savepoint was refused after a write, and only the whole transaction can undo that."""


OnProgress = Callable[[int, int], None]


def no_progress(done: int, of: int) -> None:
    """Stand in for a progress listener."""


Refill = Callable[["Transaction", str], None]


def unfilled(transaction: Transaction, calendar: str) -> None:
    """Stand in for `open_vacated`, in a transaction without schedules."""


@dataclass(slots=True)
class Retention:
    """The time and number of changes for which the log, the history, addresses, records and customers are kept."""

    log_seconds: int = 7 * 86_400
    history_seconds: int = 90 * 86_400
    log_changes: int = 100_000
    receipt_seconds: int = 86_400
    address_seconds: int = 7 * 86_400
    customer_seconds: int = 0  # after the end of a booking's slot; 0 for ever


@dataclass(slots=True)
class Transaction:
    """One transaction on the writer's connection.

    In a batch of several commands, bookings, rows of the log, records and the heads of calendars are `pending` until
    the end, or until a statement may read them: `db` writes them first. A statement about slots and holds alone uses
    `seats_db`, and keeps `slots` up to date: rows by id that nobody else can change until the end.

    `locked_at` is the time at which the locks are held, by time.perf_counter. `now` is read once, after that; `clock`
    is None where it is the database's time.
    `calendars` and `records` are rows as this transaction has them. `logged` are the rows that the commit adds to the
    log, in order. `addresses` are those of these changes. `follows` has, for each calendar, the nonce before the last
    allotted seq.
    `command` is the running one, for the history, and `passed` are the rules that it has passed over.
    `touched` are the slots written by the running command, until its change is appended. `beside` are those of them
    that were written as neighbours only. `vacated` are the slots of a schedule, with their calendars, that have left
    their place: `refill` opens the slots waiting behind them.
    `on_progress` is called during a long command. `sends_mail` is true on a server that can send mail.
    """

    seats_db: Dialect
    tokens: Tokens
    retention: Retention
    now: int = 0
    locked_at: float = 0.0
    clock: Clock | None = None
    on_progress: OnProgress = no_progress
    refill: Refill = unfilled
    sends_mail: bool = False
    calendars: dict[str, CalendarRow] = field(default_factory=dict)
    records: dict[str, IdempotencyRecord] = field(default_factory=dict)
    logged: list[Logged] = field(default_factory=list)
    addresses: list[Addressed] = field(default_factory=list)
    follows: dict[str, str] = field(default_factory=dict)
    command: Command = _NO_COMMAND
    passed: list[str] = field(default_factory=list)
    touched: dict[str, SlotRow] = field(default_factory=dict)
    beside: set[str] = field(default_factory=set)
    vacated: dict[str, str] = field(default_factory=dict)
    slots: dict[str, SlotRow] = field(default_factory=dict)
    pending: PendingRows | None = None
    is_rolled_back: bool = False

    @property
    def db(self) -> Dialect:
        """Return the database with all rows of this transaction, for any statement."""
        self.write_pending()
        self.slots.clear()
        return self.seats_db

    def db_with(self, table: type[Model]) -> Dialect:
        """Return the database with all rows of this table, of slots and of holds, for a statement about these.

        The statement writes no slot.
        """
        if self.pending is not None:
            self.pending.write_table(self.seats_db, table)
        return self.seats_db

    def insert(self, statement: CompiledInsert, row: tuple[Any, ...]) -> None:
        """Insert a row of a table that other commands of the batch seldom read."""
        if self.pending is None:
            statement.run(self.seats_db, row)
        else:
            self.pending.insert(statement, row)

    def update_head(self, statement: CompiledQuery, calendar: str, values: dict[str, Any]) -> None:
        """Write the head of a calendar. Of several in a batch, the last one is written."""
        if self.pending is None:
            statement.execute(self.seats_db, **values)
        else:
            self.pending.update(statement, calendar, values)

    def write_pending(self) -> None:
        if self.pending is not None:
            self.pending.write(self.seats_db)

    def calendar(self, name: str) -> CalendarRow:
        """Return the calendar as this transaction has it; raise NotFound without it."""
        row = self.calendars.get(name)
        if row is None:
            raise NotFound(what="calendar")
        return row

    def attempt(self, do: Callable[[], T], *, has_savepoint: bool = True) -> T:
        """Run `do`. An error takes back its rows, and the cached and pending ones with them.

        Without a savepoint an error after a write raises `NeedsSavepoint`: the whole transaction has to run again.
        """
        db, pending = self.seats_db, self.pending
        if has_savepoint:
            db.execute_sql("SAVEPOINT command")
        written_rows = db.written_rows
        self.touched, self.beside, self.vacated, self.passed = {}, set(), {}, []
        mark = None if pending is None else pending.mark()
        calendars, records, logged = self.calendars.copy(), self.records.copy(), len(self.logged)
        addresses = len(self.addresses)
        try:
            done = do()
        except Exception as error:
            has_written = db.written_rows != written_rows
            if has_written and not has_savepoint:
                raise NeedsSavepoint from error
            self.calendars, self.records = calendars, records
            del self.logged[logged:]
            del self.addresses[addresses:]
            if pending is not None and mark is not None:
                pending.roll_back(mark)
            if has_written:
                self.slots.clear()
            if has_savepoint:
                db.execute_sql("ROLLBACK TO SAVEPOINT command")
                db.execute_sql("RELEASE SAVEPOINT command")
            raise
        if has_savepoint:
            db.execute_sql("RELEASE SAVEPOINT command")
        return done
