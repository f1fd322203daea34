"""What the commands of one transaction share: the instant, the calendars as this transaction has them, the receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from models.contract.changes import Logged
from models.contract.errors import NotFound
from models.contract.time import Clock
from models.contract.tokens import Tokens
from models.storage.dialect import Dialect
from models.storage.tables import CalendarRow, SlotRow
from models.transaction.idempotency import IdempotencyRecord

T = TypeVar("T")


class CommandResult(NamedTuple):
    """What a command did, before it is an answer: `{name: value}` is its result; without a name, the value itself.

    `token` says that the asker gets one with it, and of which kind; it is made from the value's id. `left` is another
    calendar that the command has changed.
    """

    calendar: str
    name: str
    value: Any
    token: Literal["hold", "booking"] | None = None
    left: str = ""


OnProgress = Callable[[int, int], None]


def no_progress(done: int, of: int) -> None:
    """Where nobody looks on."""


Refill = Callable[["Transaction", str], None]


def unfilled(transaction: Transaction, calendar: str) -> None:
    """Where nothing waits."""


@dataclass(slots=True)
class Retention:
    """How much of the past the book keeps."""

    log_seconds: int = 7 * 86_400
    log_changes: int = 100_000
    receipt_seconds: int = 86_400


@dataclass(slots=True)
class Transaction:
    """One transaction: `now` was read once, after its locks were held; what is cached here, this connection owns.

    `clock` is None where `now` is the database's.
    `logged` are the rows that its commit will add to the log, in order; `follows` has the nonce that each calendar's
    last allotted seq comes after. `touched` are the slots that the command at hand has written, as they stand, until
    its change tells of them; `vacated` are those of a schedule that have given way to what waits behind them, and
    their calendars, which `refill` opens in the change at hand. `on_progress` hears how far a long command has come.
    """

    db: Dialect
    tokens: Tokens
    retention: Retention
    now: int = 0
    clock: Clock | None = None
    on_progress: OnProgress = no_progress
    refill: Refill = unfilled
    calendars: dict[str, CalendarRow] = field(default_factory=dict)
    records: dict[str, IdempotencyRecord] = field(default_factory=dict)
    logged: list[Logged] = field(default_factory=list)
    follows: dict[str, str] = field(default_factory=dict)
    touched: dict[str, SlotRow] = field(default_factory=dict)
    vacated: dict[str, str] = field(default_factory=dict)

    def calendar(self, name: str) -> CalendarRow:
        """The calendar as it is in this transaction."""
        row = self.calendars.get(name)
        if row is None:
            raise NotFound(what="calendar")
        return row

    def attempt(self, do: Callable[[], T]) -> T:
        """All that `do` does, or nothing: on an error the rows, and what is cached of them, go back together."""
        self.db.execute_sql("SAVEPOINT command")
        self.touched, self.vacated = {}, {}
        calendars, records, logged = self.calendars.copy(), self.records.copy(), len(self.logged)
        try:
            done = do()
        except Exception:
            self.calendars, self.records = calendars, records
            del self.logged[logged:]
            self.db.execute_sql("ROLLBACK TO SAVEPOINT command")
            self.db.execute_sql("RELEASE SAVEPOINT command")
            raise
        self.db.execute_sql("RELEASE SAVEPOINT command")
        return done
