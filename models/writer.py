"""The writer: one thread, one connection, a queue of commands, one transaction a batch, a savepoint a command.

Nobody is answered before COMMIT has returned. A refusal undoes its own command only. Any other database error
abandons the batch, and each of its commands is then tried once, alone. A COMMIT that fails is not run again: whether
it happened is not known, so its commands are `overloaded`, and the receipt makes the retry safe.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from peewee import Database, DatabaseError, IntegrityError, InterfaceError

from models import database
from models.batch import Batch, Keeping
from models.clock import Clock
from models.commands import Answer, Command
from models.errors import Internal, InvalidTransition, Overloaded, Refused
from models.execution import execute, prepare
from models.identity import Tokens

COMMANDS_A_BATCH = 50
# A busy writer hands SQLite's lock to another process this often: without it one waited up to 3.1 s.
FULL_BATCHES_BEFORE_PAUSE = 20
PAUSE_SECONDS = 0.005

Outcome = Answer | Refused
Reply = Callable[[Outcome], None]
Heard = Callable[[set[str]], None]

_log = logging.getLogger("slotcast.writer")


class _CommitFailed(Exception):
    """COMMIT raised: nobody knows whether it happened."""


class Writer:
    """Owns the writing connection. `on_commit` hears which calendars moved, before anyone is answered."""

    def __init__(self, db: Database, tokens: Tokens, clock: Clock, keeping: Keeping, on_commit: Heard) -> None:
        self._db = db
        self._tokens = tokens
        self._clock = clock
        self._keeping = keeping
        self._on_commit = on_commit
        self._queue: SimpleQueue[tuple[Command, Reply] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="slotcast-writer", daemon=True)
        self._is_closed = False

    def start(self) -> None:
        self._thread.start()

    def submit(self, command: Command, reply: Reply) -> None:
        """Queues a command; `reply` is called on the writer's thread once its outcome is final. Any thread may ask."""
        if self._is_closed:
            reply(Overloaded("The server is stopping."))
            return
        self._queue.put((command, reply))

    @property
    def queued(self) -> int:
        """How many commands wait."""
        return self._queue.qsize()

    def close(self) -> None:
        """Answers everything that was queued before, then ends."""
        self._is_closed = True
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()

    def _run(self) -> None:
        full_batches = 0
        is_open = True
        while is_open:
            asked, is_open = self._next_batch()
            if asked:
                self._answer(asked)
            full_batches = full_batches + 1 if len(asked) == COMMANDS_A_BATCH else 0
            if full_batches == FULL_BATCHES_BEFORE_PAUSE:
                full_batches = 0
                time.sleep(PAUSE_SECONDS)
        self._drop_connection()

    def _next_batch(self) -> tuple[list[tuple[Command, Reply]], bool]:
        """Waits for a command, then takes what else is there; False once `close` was reached."""
        asked: list[tuple[Command, Reply]] = []
        item = self._queue.get()
        while item is not None:
            asked.append(item)
            if len(asked) == COMMANDS_A_BATCH:
                return asked, True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return asked, True
        return asked, False

    def _answer(self, asked: Sequence[tuple[Command, Reply]]) -> None:
        outcomes = self._outcomes([command for command, _ in asked])
        for (_, reply), outcome in zip(asked, outcomes, strict=True):
            try:
                reply(outcome)
            except Exception:
                _log.exception("A reply could not be delivered")

    def _outcomes(self, commands: Sequence[Command]) -> list[Outcome]:
        """One for each command, in order: no caller is ever left without."""
        try:
            self._db.connect(reuse_if_open=True)
            database.begin_write(self._db)
        except (DatabaseError, InterfaceError) as error:
            _log.warning("No transaction could begin: %s", error)
            self._drop_connection()
            return [Overloaded()] * len(commands)
        try:
            return self._transact(commands)
        except _CommitFailed:
            _log.exception("A commit failed; its %d commands are answered with overloaded", len(commands))
            self._drop_connection()
            return [Overloaded()] * len(commands)
        except (DatabaseError, InterfaceError) as error:
            _log.warning("A batch of %d was abandoned: %s", len(commands), error)
            is_connected = self._roll_back()
            if len(commands) == 1 or not is_connected:
                return [Overloaded()] * len(commands)
            return [outcome for command in commands for outcome in self._outcomes([command])]
        except Exception:
            _log.exception("A batch of %d failed", len(commands))
            self._roll_back()
            if len(commands) == 1:
                return [Internal()]
            return [outcome for command in commands for outcome in self._outcomes([command])]

    def _transact(self, commands: Sequence[Command]) -> list[Outcome]:
        batch = Batch(self._db, self._tokens, self._keeping)
        places = prepare(batch, commands)
        batch.now = self._clock()
        outcomes = [self._outcome(batch, command, place) for command, place in zip(commands, places, strict=True)]
        try:
            self._db.execute_sql("COMMIT")
        except Exception as error:
            raise _CommitFailed from error
        if batch.moved:
            self._on_commit(batch.moved)
        return outcomes

    def _outcome(self, batch: Batch, command: Command, calendar: str) -> Outcome:
        try:
            with batch.savepoint():
                outcome: Outcome = execute(batch, command, calendar)
        except Refused as refusal:
            outcome = refusal
        except IntegrityError as error:
            _log.warning("A constraint refused %s: %s", type(command).__name__, error)
            outcome = InvalidTransition("The database's constraints refused it.", rule="constraint")
        except (DatabaseError, InterfaceError):
            raise
        except Exception:
            _log.exception("%s failed", type(command).__name__)
            outcome = Internal()
        if not database.is_in_transaction(self._db):
            message = "the connection is no longer in a transaction"
            raise DatabaseError(message)
        return outcome

    def _roll_back(self) -> bool:
        """Ends what is left of the transaction; drops a connection that can't, and then says False."""
        try:
            if database.is_in_transaction(self._db):
                self._db.execute_sql("ROLLBACK")
        except Exception:
            _log.exception("A rollback failed; the connection is dropped")
            self._drop_connection()
            return False
        return True

    def _drop_connection(self) -> None:
        try:
            if not self._db.is_closed():
                self._db.close()
        except Exception:
            _log.exception("The connection could not be closed")
