"""A writer: one thread, one connection, a queue of commands, one transaction a batch.

A background command has a transaction of its own, after the other waiting commands. No command is answered before
COMMIT has returned. If another process has locked a calendar for longer than a moment, its commands go to a spare
writer.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from models.contract.commands.background import EraseBookings
from models.contract.commands.bookings import EraseCustomer
from models.contract.commands.command import Command
from models.contract.errors import Overloaded
from models.transaction.routing import Locked, StaleRoute
from models.writing.batch import BatchRunner, Result
from models.writing.command_queue import CommandQueue, QueuedCommand, Reply
from models.writing.spare_writers import Spares

COMMANDS_A_BATCH = 50
# A busy writer offers SQLite's lock to other processes this often. Without the pause one waited up to 3.1 s.
FULL_BATCHES_BEFORE_PAUSE = 20
PAUSE_SECONDS = 0.005
WIPE_AGAIN_SECONDS = 1.0  # after a reader has kept the WAL from being emptied
TRIES = 5  # of a command with a stale route; each time another command has got on

_logger = logging.getLogger("slotcast.writer")


class Writer:
    """Owns a writing connection. It answers the commands of a batch once the batch has run."""

    def __init__(
        self,
        batches: BatchRunner,
        *,
        again: Callable[[QueuedCommand], None] | None = None,
        name: str = "slotcast-writer",
    ) -> None:
        self._batches = batches
        self._again = again or self.queue
        self._queue = CommandQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._name = name
        self._spares = Spares(self._make_spare)
        self._finished = 0  # commands
        self._is_to_wipe = False

    def start(self) -> None:
        self._thread.start()

    def submit(self, command: Command, reply: Reply) -> None:
        """Queue a command from any thread. The writer's thread calls `reply` once the outcome is final."""
        self.queue(QueuedCommand(command, reply, {}))

    def queue(self, asked: QueuedCommand) -> None:
        self._queue.put(asked)

    @property
    def queued(self) -> int:
        """Return the number of waiting commands, with those of the spare writers."""
        return len(self._queue) + self._spares.pending

    @property
    def pending(self) -> int:
        """Return the number of commands queued and not answered yet."""
        return self._queue.taken - self._finished

    def close(self) -> None:
        """Answer every command queued before, then end."""
        self._queue.close()
        if self._thread.is_alive():
            self._thread.join()
        self._spares.close()

    def _make_spare(self, number: int) -> Writer:
        name = f"{self._name}-spare-{number}"
        return Writer(replace(self._batches, waits=True), again=self._again, name=name)

    def _run(self) -> None:
        full_batches = 0
        is_open = True
        while is_open:
            queued, is_open = self._queue.next(COMMANDS_A_BATCH, WIPE_AGAIN_SECONDS if self._is_to_wipe else None)
            asked = self._spares.pass_by(queued)
            outcomes = self._batches.run(asked) if asked else []
            self._wipe(asked)
            self._answer(asked, outcomes)
            self._finished += len(queued)
            full_batches = full_batches + 1 if len(asked) == COMMANDS_A_BATCH else 0
            if full_batches == FULL_BATCHES_BEFORE_PAUSE and not self._batches.db.locks_rows:
                full_batches = 0
                time.sleep(PAUSE_SECONDS)
        self._batches.drop_connection()

    def _wipe(self, asked: Sequence[QueuedCommand]) -> None:
        """Remove an erased customer from every file, before the answer or as soon after it as possible."""
        if self._is_to_wipe or any(isinstance(one.command, EraseCustomer | EraseBookings) for one in asked):
            self._is_to_wipe = not self._batches.wipe()

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
        if self._batches.waits:
            one.reply(Overloaded())
        else:
            self._spares.take(one)
