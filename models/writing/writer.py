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

from models.contract.commands.background import EraseBookings, ErasePastBookings
from models.contract.commands.bookings import EraseCustomer
from models.contract.commands.command import Command
from models.contract.errors import Overloaded
from models.transaction.routing import Locked, StaleRoute
from models.writing.batch import BatchRunner, Join, Result
from models.writing.command_queue import CommandQueue, CommandSource, QueuedCommand, Reply
from models.writing.spare_writers import Spares

COMMANDS_A_BATCH = 100  # beside an event loop: a longer batch delays its answers by the interpreter's turns
COMMANDS_A_LONG_BATCH = 200  # in a process of its own: a booking takes 122 us instead of 152
# A busy writer offers SQLite's lock to other processes this often. Without the pause one waited up to 3.1 s.
COMMANDS_BEFORE_PAUSE = 1_000
PAUSE_SECONDS = 0.005
WAKE_SECONDS = 1.0  # while addresses are to be written, or after a reader has kept the WAL from being emptied
_ERASURES = (EraseCustomer, EraseBookings, ErasePastBookings)
TRIES = 5  # of a command with a stale route; each time another command has got on

_logger = logging.getLogger("slotcast.writer")


def _ignore() -> None:
    """Stand in for the end of a batch, where nothing waits for it."""


class Writer:
    """Owns a writing connection. It answers the commands of a batch once the batch has run.

    `on_answered` is called after the replies of each batch, of which the longest has `most` commands.
    """

    def __init__(
        self,
        batches: BatchRunner,
        *,
        again: Callable[[QueuedCommand], None] | None = None,
        name: str = "slotcast-writer",
        source: CommandSource | None = None,
        on_answered: Callable[[], None] = _ignore,
        most: int = COMMANDS_A_BATCH,
        max_wait_seconds: float = 0.0,
    ) -> None:
        self._batches = batches
        self._again = again or self.queue
        self._queue = CommandQueue(source, max_wait_seconds)
        self._on_answered = on_answered
        self._most = most
        self._thread = threading.Thread(target=self.run, name=name, daemon=True)
        self._name = name
        self._spares = Spares(self._make_spare)
        self._finished = 0  # commands
        self._is_to_wipe = False

    def start(self) -> None:
        self._thread.start()

    def submit(self, command: Command, reply: Reply, arrived: float | None = None) -> None:
        """Queue a command from any thread. The writer's thread calls `reply` once the outcome is final."""
        self.queue(QueuedCommand(command, reply, {}, arrived=arrived))

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

    def run(self) -> None:
        """Run commands on the calling thread, to the end of the queue."""
        in_full_batches = 0
        is_open = True
        while is_open:
            must_wake = self._is_to_wipe or bool(self._batches.addresses)
            queued, late, is_open = self._queue.next(self._most, WAKE_SECONDS if must_wake else None)
            self._answer(late, [Overloaded()] * len(late))
            asked = self._spares.pass_by(queued)
            passed_by = len(queued) - len(asked)
            if self._batches.addresses and _erases(asked):  # an erasure finds the written ones only
                self._batches.write_addresses()
            outcomes = self._batches.run(asked, self._join(asked)) if asked else []
            self._wipe(asked)
            self._answer(asked, outcomes)
            self._on_answered()
            self._finished += len(asked) + passed_by + len(late)
            if self._batches.addresses.is_due:
                self._batches.write_addresses()
            in_full_batches = in_full_batches + len(asked) if len(asked) == self._most else 0
            if in_full_batches >= COMMANDS_BEFORE_PAUSE and not self._batches.db.locks_rows:
                in_full_batches = 0
                time.sleep(PAUSE_SECONDS)
        if self._batches.addresses:
            self._batches.write_addresses()
        self._batches.drop_connection()

    def _join(self, asked: Sequence[QueuedCommand]) -> Join:
        """Return what adds to this batch from the queue. A background command has a transaction of its own."""
        is_background = asked[0].command.is_background

        def join(calendars: set[str]) -> Sequence[QueuedCommand]:
            def fits(one: QueuedCommand) -> bool:
                its = one.calendars
                return bool(its) and its <= calendars and not _erases([one]) and not self._spares.have(its)

            most = self._most - len(asked)  # a second transaction of the batch has what joined the first one
            return self._queue.more(fits, most) if most > 0 and not is_background else ()

        return join

    def _wipe(self, asked: Sequence[QueuedCommand]) -> None:
        """Remove an erased customer from every file, before the answer or as soon after it as possible."""
        if self._is_to_wipe or _erases(asked):
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


def _erases(asked: Sequence[QueuedCommand]) -> bool:
    return any(isinstance(one.command, _ERASURES) for one in asked)
