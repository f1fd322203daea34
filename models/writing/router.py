"""Routes commands to several writers: each calendar has one writer, in the order of its commands.

One thread looks up the calendars of many commands at a time, and hands each command to its calendar's writer. The
order within a calendar is a courtesy to a client with two commands in a row. Correctness rests on the locks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from zlib import crc32

from peewee import DatabaseError, InterfaceError

from models.contract.commands.command import Command
from models.contract.errors import Internal, Overloaded, Refused
from models.storage.dialect import Dialect
from models.transaction.routing import Routes, Subject, is_permanent, read_routes, subjects
from models.writing.command_queue import CommandQueue, QueuedCommand, Reply
from models.writing.writer import Writer

COMMANDS_AT_ONCE = 200
ROUTES_KEPT = 20_000  # subjects; some 5 MB

_logger = logging.getLogger("slotcast.router")


class Router:
    """Has the methods of a writer. `make` makes one writer from its number and the queue for stale commands."""

    def __init__(
        self,
        db: Dialect,
        count: int,
        make: Callable[[int, Callable[[QueuedCommand], None]], Writer],
        *,
        max_wait_seconds: float = 0.0,
    ) -> None:
        self._db = db
        self.writers = [make(number, self.queue) for number in range(count)]
        self._queue = CommandQueue(max_wait_seconds=max_wait_seconds)
        self._remembered: Routes = {}
        self._thread = threading.Thread(target=self._run, name="slotcast-router", daemon=True)

    def start(self) -> None:
        for writer in self.writers:
            writer.start()
        self._thread.start()

    def submit(self, command: Command, reply: Reply, arrived: float | None = None) -> None:
        """Queue a command from any thread. Its writer's thread calls `reply` once the outcome is final."""
        self.queue(QueuedCommand(command, reply, {}, arrived=arrived))

    def queue(self, asked: QueuedCommand) -> None:
        self._queue.put(asked)

    @property
    def queued(self) -> int:
        """Return the number of commands that wait, here and with the writers."""
        return len(self._queue) + sum(writer.queued for writer in self.writers)

    def writer_of(self, calendar: str) -> Writer:
        return self.writers[crc32(calendar.encode()) % len(self.writers)]

    def close(self) -> None:
        """Answer every command queued before, then end."""
        self._queue.close()
        if self._thread.is_alive():
            self._thread.join()
        for writer in self.writers:
            writer.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            asked, late, is_open = self._queue.next(COMMANDS_AT_ONCE)
            if late:
                self._refuse(late, Overloaded())
            if asked:
                self._hand_on(asked)
        self._db.drop()

    def _hand_on(self, asked: Sequence[QueuedCommand]) -> None:
        try:
            about = [subjects(one.command) for one in asked]
            for one, some in zip(asked, about, strict=True):
                for subject in some if one.stale_routes else ():  # the remembered route is wrong
                    self._remembered.pop(subject, None)
            routes = self._routes({subject for some in about for subject in some})
        except Refused as refusal:
            self._refuse(asked, refusal)
            return
        except Exception:
            _logger.exception("Commands could not be routed")
            self._refuse(asked, Internal())
            return
        for one, some in zip(asked, about, strict=True):
            known = {subject: routes[subject] for subject in some if subject in routes}
            self.writer_of(known.get(some[0], "")).queue(one._replace(routes=known))

    def _routes(self, wanted: set[Subject]) -> Routes:
        """Return the routes, from memory or by one lookup. A remembered route is wrong only after an outside write."""
        routes = {subject: self._remembered[subject] for subject in wanted if subject in self._remembered}
        missing = wanted - routes.keys()
        if all(kind == "calendar" for kind, _ in missing):
            return routes | read_routes(self._db, missing)
        found = self._look_up(missing)
        for subject, calendar in found.items():
            if is_permanent(subject):
                self._remembered[subject] = calendar
        while len(self._remembered) > ROUTES_KEPT:
            del self._remembered[next(iter(self._remembered))]
        return routes | found

    def _look_up(self, missing: set[Subject]) -> Routes:
        """Look routes up without a transaction, which costs two more round trips; once more on a new connection."""
        try:
            if not self._db.is_closed():
                return read_routes(self._db, missing)
        except (DatabaseError, InterfaceError):
            self._db.drop()
        try:
            self._db.connect()
            return read_routes(self._db, missing)
        except (DatabaseError, InterfaceError) as error:
            self._db.drop()
            raise Overloaded("The database does not answer.") from error

    def _refuse(self, asked: Sequence[QueuedCommand], refusal: Refused) -> None:
        for one in asked:
            try:
                one.reply(refusal)
            except Exception:
                _logger.exception("A reply could not be delivered")
