"""What the commands of one transaction share: the instant, the calendars as this transaction has them, the receipts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

from models.change import Logged
from models.clock import Clock
from models.dialect import Dialect
from models.errors import NotFound
from models.identity import Tokens
from models.receipts import Kept
from models.tables import CalendarRow, SlotRow

T = TypeVar("T")


class Done(NamedTuple):
    """What a command did, before it is an answer: `{name: value}` is its result; without a name, the value itself.

    `token` says that the asker gets one with it, and of which kind; it is made from the value's id. `left` is another
    calendar that the command has changed.
    """

    calendar: str
    name: str
    value: Any
    token: Literal["hold", "booking"] | None = None
    left: str = ""


Step = Callable[[int, int], None]


def unseen(done: int, of: int) -> None:
    """Where nobody looks on."""


Refill = Callable[["Batch", str], None]


def unfilled(batch: Batch, calendar: str) -> None:
    """Where nothing waits."""


@dataclass(slots=True)
class Keeping:
    """How much of the past the book keeps."""

    log_seconds: int = 7 * 86_400
    log_changes: int = 100_000
    receipt_seconds: int = 86_400


@dataclass(slots=True)
class Batch:
    """One transaction: `now` was read once, after its locks were held; what is cached here, this connection owns.

    `clock` is None where `now` is the database's.
    `logged` are the rows that its commit will add to the log, in order; `follows` has the nonce that each calendar's
    last allotted seq comes after. `touched` are the slots that the command at hand has written, as they stand, until
    its change tells of them; `vacated` are those of a schedule that have given way to what waits behind them, and
    their calendars, which `refill` opens in the change at hand. `on_step` hears how far a long command has come.
    """

    db: Dialect
    tokens: Tokens
    keeping: Keeping
    now: int = 0
    clock: Clock | None = None
    on_step: Step = unseen
    refill: Refill = unfilled
    calendars: dict[str, CalendarRow] = field(default_factory=dict)
    receipts: dict[str, Kept] = field(default_factory=dict)
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
        calendars, receipts, logged = self.calendars.copy(), self.receipts.copy(), len(self.logged)
        try:
            done = do()
        except Exception:
            self.calendars, self.receipts = calendars, receipts
            del self.logged[logged:]
            self.db.execute_sql("ROLLBACK TO SAVEPOINT command")
            self.db.execute_sql("RELEASE SAVEPOINT command")
            raise
        self.db.execute_sql("RELEASE SAVEPOINT command")
        return done
