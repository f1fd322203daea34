"""A writer: one thread, one connection, a queue of commands, one transaction a batch, a savepoint a command.

A background command has a transaction of its own, after the other commands that wait by then.

No command is answered before COMMIT has returned. A refusal undoes its own command only. Any other database error
abandons the batch, and then each of its commands is tried once, alone. A failed COMMIT is not run again, since it may
have happened: its commands are answered with `overloaded`, and the idempotency records make the retry safe.

If another process has locked a calendar for longer than a moment, its commands go to a spare writer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from peewee import DatabaseError, IntegrityError, InterfaceError

from models.contract.changes import Logged
from models.contract.commands import Command, EraseCustomer
from models.contract.errors import BadRequest, Internal, InvalidTransition, Overloaded, Refused
from models.contract.time import Clock
from models.contract.tokens import Tokens
from models.schedule.waiting import open_vacated
from models.storage.dialect import Busy, Dialect
from models.transaction.routing import Locked, Routes, StaleRoute
from models.transaction.transaction import OnProgress, Retention, Transaction, no_progress
from models.writing.dispatch import RoutedCommand, execute, prepare
from models.writing.spare_writers import Outcome, QueuedCommand, Reply, Spares

COMMANDS_A_BATCH = 50
# A busy writer offers SQLite's lock to other processes this often. Without the pause one waited up to 3.1 s.
FULL_BATCHES_BEFORE_PAUSE = 20
PAUSE_SECONDS = 0.005
# The commands of an abandoned batch are tried one by one for this long, since each may wait for the same lock.
PATIENCE_SECONDS = 10.0
WIPE_AGAIN_SECONDS = 1.0  # after a reader has kept the WAL from being emptied
TRIES = 5  # of a command with a stale route; each time another command has got on

Result = Outcome | StaleRoute | Locked
OnCommit = Callable[[list[Logged]], None]

_logger = logging.getLogger("slotcast.writer")


class _CalendarBusy(Busy):
    """The lock of a calendar was not free, and nothing was done yet."""


class _Abandoned(Exception):
    """Nothing of the batch was done. `is_for_all` says that another try would fail too."""

    def __init__(self, outcome: Refused, *, is_for_all: bool = False) -> None:
        super().__init__(outcome)
        self.outcome = outcome
        self.is_for_all = is_for_all


class Writer:
    """Owns a writing connection.

    It calls `on_commit` with the rows of each commit before it answers the commands. `clock` is None where each
    transaction reads the database's time.
    """

    def __init__(
        self,
        db: Dialect,
        tokens: Tokens,
        clock: Clock | None,
        retention: Retention,
        on_commit: OnCommit,
        *,
        again: Callable[[QueuedCommand], None] | None = None,
        on_progress: OnProgress = no_progress,
        name: str = "slotcast-writer",
        is_spare: bool = False,
    ) -> None:
        self._db = db
        self._tokens = tokens
        self._clock = clock
        self._retention = retention
        self._on_commit = on_commit
        self._again = again or self.queue
        self._on_progress = on_progress
        self._queue: SimpleQueue[QueuedCommand | None] = SimpleQueue()
        self._background: deque[QueuedCommand] = deque()
        self._is_turn_of_background = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._name = name
        self._is_spare = is_spare
        self._spares = Spares(self._make_spare)
        self._taken = self._finished = 0  # commands; each is counted by one thread at a time
        self._is_to_wipe = False
        self._is_closed = False
        self._closing = threading.Lock()

    def start(self) -> None:
        self._thread.start()

    def submit(self, command: Command, reply: Reply) -> None:
        """Queue a command from any thread. The writer's thread calls `reply` once the outcome is final."""
        self.queue(QueuedCommand(command, reply, {}))

    def queue(self, asked: QueuedCommand) -> None:
        with self._closing:  # else a command could be queued after the end, and get no answer
            if not self._is_closed:
                self._taken += 1
                self._queue.put(asked)
                return
        asked.reply(Overloaded("The server is stopping."))

    @property
    def queued(self) -> int:
        """Return the number of waiting commands, with those of the spare writers."""
        return self._queue.qsize() + len(self._background) + self._spares.pending

    @property
    def pending(self) -> int:
        """Return the number of commands queued and not answered yet."""
        return self._taken - self._finished

    def close(self) -> None:
        """Answer every command queued before, then end."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._spares.close()

    def _make_spare(self, number: int) -> Writer:
        return Writer(
            self._db,
            self._tokens,
            self._clock,
            self._retention,
            self._on_commit,
            again=self._again,
            on_progress=self._on_progress,
            name=f"{self._name}-spare-{number}",
            is_spare=True,
        )

    def _run(self) -> None:
        full_batches = 0
        is_open = True
        while is_open:
            queued, is_open = self._next_batch()
            asked = self._spares.pass_by(queued)
            outcomes = self._outcomes(asked) if asked else []
            self._wipe(asked)
            self._answer(asked, outcomes)
            self._finished += len(queued)
            full_batches = full_batches + 1 if len(asked) == COMMANDS_A_BATCH else 0
            if full_batches == FULL_BATCHES_BEFORE_PAUSE and not self._db.locks_rows:
                full_batches = 0
                time.sleep(PAUSE_SECONDS)
        self._drop_connection()

    def _next_batch(self) -> tuple[list[QueuedCommand], bool]:
        """Wait for a command, then take the others that wait; False at the end of the queue.

        One background command comes alone after each such batch, also after an empty one.
        """
        self._is_turn_of_background = not self._is_turn_of_background and bool(self._background)
        if self._is_turn_of_background:
            return [self._background.popleft()], True
        asked: list[QueuedCommand] = []
        try:
            item = self._wait_for_item()
            while item is not None:
                (self._background if item.command.is_background else asked).append(item)
                if len(asked) == COMMANDS_A_BATCH:
                    return asked, True
                item = self._queue.get_nowait()
        except Empty:
            return asked, True
        if self._background:
            self._queue.put(None)  # the end comes after them
        return asked, bool(self._background)

    def _wait_for_item(self) -> QueuedCommand | None:
        """Return the next item of the queue; raise Empty at once if a background command waits."""
        if self._background:
            return self._queue.get_nowait()
        return self._queue.get(timeout=WIPE_AGAIN_SECONDS if self._is_to_wipe else None)

    def _wipe(self, asked: Sequence[QueuedCommand]) -> None:
        """Remove an erased customer from every file, before the answer or as soon after it as possible."""
        if self._is_to_wipe or any(isinstance(one.command, EraseCustomer) for one in asked):
            try:
                self._is_to_wipe = not self._db.wipe()
            except Exception as error:
                self._is_to_wipe = True
                _log_error("What was erased could not be wiped yet: %s", error)

    def _answer(self, asked: Sequence[QueuedCommand], outcomes: Sequence[Result]) -> None:
        for one, outcome in zip(asked, outcomes, strict=True):
            try:
                if isinstance(outcome, Locked):
                    self._wait_for(one)
                elif not isinstance(outcome, StaleRoute):
                    one.reply(outcome)
                elif one.stale_routes < TRIES:
                    self._again(one._replace(routes={}, stale_routes=one.stale_routes + 1))
                else:
                    one.reply(Overloaded())
            except Exception:
                _logger.exception("A reply could not be delivered")

    def _wait_for(self, one: QueuedCommand) -> None:
        """Hand a command with a locked calendar to a spare. A spare itself has waited for the full time."""
        if self._is_spare:
            one.reply(Overloaded())
        else:
            self._spares.take(one)

    def _outcomes(self, asked: Sequence[QueuedCommand]) -> list[Result]:
        """Return one outcome for each command, in order."""
        try:
            return self._attempt(asked)
        except _Abandoned as abandoned:
            if abandoned.is_for_all or len(asked) == 1:
                return [abandoned.outcome] * len(asked)
        outcomes: list[Result] = []
        give_up_at = time.monotonic() + PATIENCE_SECONDS
        for one in asked:
            try:
                outcomes += self._attempt([one])
            except _Abandoned as alone:
                outcomes.append(alone.outcome)
                if alone.is_for_all or time.monotonic() > give_up_at:
                    return outcomes + [alone.outcome] * (len(asked) - len(outcomes))
        return outcomes

    def _attempt(self, asked: Sequence[QueuedCommand], *, skips_locked: bool = False) -> list[Result]:
        """Run one transaction; raise `_Abandoned` if nothing of it was done.

        After one wait for a locked calendar, a second transaction runs the commands of the other calendars.
        """
        try:
            self._db.begin_write(waits=self._is_spare)
        except Exception as error:
            _logger.warning("No transaction could begin: %s", error)
            self._drop_connection()
            raise _Abandoned(Overloaded(), is_for_all=True) from error
        try:
            transaction, outcomes = self._transact(asked, skips_locked=skips_locked)
        except Busy as busy:
            self._roll_back()
            if len(asked) == 1:
                return [Locked()]
            if skips_locked or not isinstance(busy, _CalendarBusy):
                raise _Abandoned(Overloaded()) from busy
            return self._attempt(asked, skips_locked=True)
        except (DatabaseError, InterfaceError) as error:
            _logger.warning("A batch of %d was abandoned: %s", len(asked), error)
            self._roll_back()
            raise _Abandoned(Overloaded()) from error
        except Exception as error:
            _logger.exception("A batch of %d failed", len(asked))
            self._roll_back()
            raise _Abandoned(Internal()) from error
        return outcomes if self._commit(transaction) else [Overloaded()] * len(asked)

    def _transact(self, asked: Sequence[QueuedCommand], *, skips_locked: bool) -> tuple[Transaction, list[Result]]:
        transaction = Transaction(
            self._db,
            self._tokens,
            self._retention,
            clock=self._clock,
            on_progress=self._on_progress,
            refill=open_vacated,
        )
        routes: Routes = {}
        for one in asked:
            routes |= one.routes
        try:
            routed = prepare(transaction, [one.command for one in asked], routes, skips_locked=skips_locked)
        except Busy as busy:
            raise _CalendarBusy(*busy.args) from busy
        return transaction, [self._outcome(transaction, one) for one in routed]

    def _commit(self, transaction: Transaction) -> bool:
        """Commit, and call `on_commit`; return False if the commit may not have happened."""
        try:
            self._db.commit_write()
        except Exception as error:
            _log_error("A commit failed; its commands are answered with overloaded: %s", error)
            self._drop_connection()
            return False
        try:
            if transaction.logged:
                self._on_commit(transaction.logged)
        except Exception:
            _logger.exception("The change listener failed")
        return True

    def _outcome(self, transaction: Transaction, routed: RoutedCommand) -> Result:
        name = type(routed.command).__name__
        try:
            outcome: Result = transaction.attempt(lambda: execute(transaction, routed))
        except (Refused, StaleRoute, Locked) as refusal:
            outcome = refusal
        except IntegrityError as error:
            _logger.warning("A constraint refused %s: %s", name, error)
            outcome = InvalidTransition("The database's constraints refused it.", rule="constraint")
        except (DatabaseError, InterfaceError):
            raise
        except (UnicodeEncodeError, OverflowError) as error:
            outcome = BadRequest(f"The command can't be written down: {error}")
        except Exception:
            _logger.exception("%s failed", name)
            outcome = Internal()
        if not self._db.is_in_transaction():
            message = "the connection is no longer in a transaction"
            raise DatabaseError(message)
        return outcome

    def _roll_back(self) -> None:
        """Roll back; drop a connection that can't."""
        try:
            self._db.roll_back()
        except Exception as error:
            _log_error("A rollback failed; the connection is dropped: %s", error)
            self._drop_connection()

    def _drop_connection(self) -> None:
        try:
            self._db.drop()
        except Exception as error:
            _log_error("The connection could not be closed: %s", error)


def _log_error(message: str, error: Exception) -> None:
    """Log an error. A database's failure is not the program's fault, so it needs no traceback."""
    _logger.warning(message, error, exc_info=not isinstance(error, DatabaseError | InterfaceError))
