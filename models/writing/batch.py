"""Runs a batch: one transaction, with a savepoint for each command that may be refused after a write.

A command alone needs none. A refusal undoes its own command only. Any other database error abandons the batch, and
then each of its commands is tried once, alone. A failed COMMIT is not run again, since it may have happened: its
commands are answered with `overloaded`, and the idempotency records make the retry safe.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from peewee import DatabaseError, IntegrityError, InterfaceError

from models.contract.changes import Logged
from models.contract.commands.command import Answer
from models.contract.errors import BadRequest, Internal, InvalidTransition, Overloaded, Refused
from models.contract.values.time import Clock
from models.contract.values.tokens import Tokens
from models.domain.log import history_address
from models.schedule.waiting import open_vacated
from models.storage.dialect import Busy, Dialect
from models.transaction.handlers import CHECKED_FIRST
from models.transaction.routing import Locked, Routes, StaleRoute
from models.transaction.transaction import NeedsSavepoint, OnProgress, Retention, Transaction, no_progress
from models.writing.address_notes import AddressNotes
from models.writing.command_queue import Outcome, QueuedCommand
from models.writing.dispatch import RoutedCommand, execute, lock_calendars, prepare
from models.writing.write_fault import WriteFaults
from models.writing.write_figures import WriteFigures

# The commands of an abandoned batch are tried one by one for this long, since each may wait for the same lock.
PATIENCE_SECONDS = 10.0

Result = Outcome | StaleRoute | Locked
OnCommit = Callable[[list[Logged]], None]
Join = Callable[[set[str]], Sequence[QueuedCommand]]  # from the locked calendars

_logger = logging.getLogger("slotcast.writer")


def _join_none(_calendars: set[str]) -> Sequence[QueuedCommand]:
    """Stand in for a queue, where each batch is what it is."""
    return ()


class _CalendarBusy(Busy):
    """The lock of a calendar was not free, and nothing was done yet."""


class _Abandoned(Exception):
    """Nothing of the batch was done. `is_for_all` is true if another try would fail too."""

    def __init__(self, outcome: Refused, *, is_for_all: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.is_for_all = is_for_all


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchRunner:
    """Runs batches on the writing connection of the calling thread.

    It calls `on_commit` with the rows of each commit. `clock` is None if each transaction reads the database's
    time. `waits` is true if a batch waits for a locked calendar. `faults` has the fault of the last transaction.
    """

    db: Dialect
    tokens: Tokens
    clock: Clock | None
    retention: Retention
    on_commit: OnCommit
    on_progress: OnProgress = no_progress
    waits: bool = False
    faults: WriteFaults = field(default_factory=WriteFaults)
    figures: WriteFigures = field(default_factory=WriteFigures)
    addresses: AddressNotes = field(default_factory=AddressNotes)
    sends_mail: bool = False

    def run(self, asked: list[QueuedCommand], join: Join = _join_none) -> list[Result]:
        """Return one outcome for each command, in order.

        The database may make a batch wait for the locks of its calendars. `join` returns what has come for them
        meanwhile, which is appended to `asked`: so the batches of writers that wait for each other are larger.
        """
        try:
            return self._attempt(asked, join)
        except _Abandoned as abandoned:
            if abandoned.is_for_all or len(asked) == 1:
                return [abandoned.outcome] * len(asked)
        outcomes: list[Result] = []
        waiting: set[str] = set()  # calendars whose commands wait for a lock
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        for one in asked:
            try:
                outcomes += [Locked()] if waiting & one.calendars else self._attempt([one])
                if isinstance(outcomes[-1], Locked):
                    waiting |= one.calendars  # whatever follows in these would overtake it
            except _Abandoned as alone:
                outcomes.append(alone.outcome)
                if alone.is_for_all or time.monotonic() > give_up_at:
                    return outcomes + [alone.outcome] * (len(asked) - len(outcomes))
        return outcomes

    def _attempt(
        self,
        asked: list[QueuedCommand],
        join: Join = _join_none,
        *,
        skips_locked: bool = False,
        saves_all: bool = False,
    ) -> list[Result]:
        """Run one transaction; raise `_Abandoned` if nothing of it was done.

        After one wait for a locked calendar, a second transaction runs the commands of the other calendars. After a
        refusal that could not be undone, a second one has a savepoint for every command.
        """
        began = time.perf_counter()
        try:
            self.db.begin_write(waits=self.waits)
        except Exception as error:
            _logger.warning("No transaction could begin: %s", error)
            self.faults.note(error)
            self.drop_connection()
            raise _Abandoned(Overloaded(), is_for_all=True) from error
        written_rows = self.db.written_rows if self.faults.present else 0
        try:
            transaction, outcomes = self._transact(asked, join, skips_locked=skips_locked, saves_all=saves_all)
        except NeedsSavepoint:
            self._roll_back()
            return self._attempt(asked, join, skips_locked=skips_locked, saves_all=True)
        except Busy as busy:
            self._roll_back()
            if len(asked) == 1:
                return [Locked()]
            if skips_locked or not isinstance(busy, _CalendarBusy):
                raise _Abandoned(Overloaded()) from busy
            return self._attempt(asked, join, skips_locked=True, saves_all=saves_all)
        except (DatabaseError, InterfaceError) as error:
            _logger.warning("A batch of %d was abandoned: %s", len(asked), error)
            self.faults.note(error)
            self._roll_back()
            raise _Abandoned(Overloaded()) from error
        except Exception as error:
            _logger.exception("A batch of %d failed", len(asked))
            self._roll_back()
            raise _Abandoned(Internal()) from error
        is_done = transaction.is_rolled_back or self._commit(transaction, written_rows)
        ended = time.perf_counter()
        self.figures.note(len(asked), transaction.locked_at - began, ended - began)
        return outcomes if is_done else [Overloaded()] * len(asked)

    def _transact(
        self, asked: list[QueuedCommand], join: Join, *, skips_locked: bool, saves_all: bool
    ) -> tuple[Transaction, list[Result]]:
        transaction = Transaction(
            self.db,
            self.tokens,
            self.retention,
            clock=self.clock,
            on_progress=self.on_progress,
            refill=open_vacated,
            sends_mail=self.sends_mail,
        )
        routes: Routes = {}
        for one in asked:
            routes |= one.routes
        try:
            routes, locked = lock_calendars(
                transaction, [one.command for one in asked], routes, skips_locked=skips_locked
            )
        except Busy as busy:
            raise _CalendarBusy(*busy.args) from busy
        transaction.locked_at = time.perf_counter()
        if self.db.locks_rows:
            joined = join(transaction.calendars.keys() - locked)
            asked += joined
            for one in joined:
                routes |= one.routes
        routed = prepare(transaction, [one.command for one in asked], routes, locked)
        if len(routed) == 1:
            return transaction, [self._alone(transaction, routed[0])]
        outcomes = [self._beside_others(transaction, one, saves_all=saves_all) for one in routed]
        transaction.write_pending()
        return transaction, outcomes

    def _alone(self, transaction: Transaction, routed: RoutedCommand) -> Result:
        """Run a transaction's only command. A savepoint would cost a copy of each written page."""
        outcome = self._outcome(routed, lambda: execute(transaction, routed))
        self._check_transaction(or_failed=not isinstance(outcome, Answer))
        if not isinstance(outcome, Answer):
            self.db.roll_back()
            transaction.is_rolled_back = True
        return outcome

    def _beside_others(self, transaction: Transaction, routed: RoutedCommand, *, saves_all: bool) -> Result:
        """Run one of several commands."""
        has_savepoint = saves_all or type(routed.command) not in CHECKED_FIRST
        outcome = self._outcome(
            routed, lambda: transaction.attempt(lambda: execute(transaction, routed), has_savepoint=has_savepoint)
        )
        self._check_transaction()
        return outcome

    def _commit(self, transaction: Transaction, written_rows: int) -> bool:
        """Commit, and call `on_commit`; return False if the commit may not have happened."""
        try:
            self.db.commit_write()
        except Exception as error:
            _log_error("A commit failed; its commands are answered with overloaded: %s", error)
            self.faults.note(error)
            self.drop_connection()
            return False
        if self.faults.present:
            self.faults.note_commit(has_written=self.db.written_rows != written_rows)
        if transaction.addresses:
            self.addresses.add(transaction.addresses)
        try:
            if transaction.logged:
                self.on_commit(transaction.logged)
        except Exception:
            _logger.exception("The change listener failed")
        return True

    def _outcome(self, routed: RoutedCommand, run: Callable[[], Answer]) -> Result:
        name = type(routed.command).__name__
        try:
            return run()
        except (Refused, StaleRoute, Locked) as refusal:
            return refusal
        except IntegrityError as error:
            _logger.warning("A constraint refused %s: %s", name, error)
            return InvalidTransition("The database's constraints refused it.", rule="constraint")
        except (DatabaseError, InterfaceError, NeedsSavepoint):
            raise
        except (UnicodeEncodeError, OverflowError) as error:
            return BadRequest(f"The command can't be written down: {error}")
        except Exception:
            _logger.exception("%s failed", name)
            return Internal()

    def _check_transaction(self, *, or_failed: bool = False) -> None:
        if not self.db.is_in_transaction(or_failed=or_failed):
            message = "the connection is no longer in a transaction"
            raise DatabaseError(message)

    def write_addresses(self) -> None:
        """Write the addresses that wait, in a transaction of their own. After a failure they wait on."""
        some = self.addresses.take()
        try:
            self.db.begin_write(waits=self.waits)
            history_address.write(self.db, some)
            self.db.commit_write()
        except Exception as error:
            _log_error("Addresses can't be written now: %s", error)
            self.faults.note(error)
            self.addresses.add(some)
            self.drop_connection()

    def wipe(self) -> bool:
        """Remove erased rows from every file of the database; return False if another try is needed."""
        try:
            return self.db.wipe()
        except Exception as error:
            _log_error("What was erased could not be wiped yet: %s", error)
            return False

    def _roll_back(self) -> None:
        """Roll back. Drop the connection if that fails."""
        try:
            self.db.roll_back()
        except Exception as error:
            _log_error("A rollback failed; the connection is dropped: %s", error)
            self.drop_connection()

    def drop_connection(self) -> None:
        """Close the connection. The next batch opens another."""
        try:
            self.db.drop()
        except Exception as error:
            _log_error("The connection could not be closed: %s", error)


def _log_error(message: str, error: Exception) -> None:
    """Log an error. A database's failure is not the program's fault, so it needs no traceback."""
    _logger.warning(message, error, exc_info=not isinstance(error, DatabaseError | InterfaceError))
