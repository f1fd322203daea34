"""Several writers behind one door: a calendar is always written by the same one, in the order of its commands.

One thread looks up, for many commands at a time, which calendar each is for, and hands it to that calendar's writer.
The order within a calendar is a courtesy to those who ask twice in a row; what keeps the book right are the locks.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue
from zlib import crc32

from peewee import DatabaseError, InterfaceError

from models.contract.commands import Command
from models.contract.errors import Internal, Overloaded, Refused
from models.storage.dialect import Dialect
from models.transaction.routing import Routes, Subject, is_permanent, read_routes, subjects
from models.writing.spare_writers import QueuedCommand, Reply
from models.writing.writer import Writer

COMMANDS_AT_ONCE = 200
ROUTES_KEPT = 20_000  # subjects; some 5 MB

_logger = logging.getLogger("slotcast.router")


class Router:
    """Has a writer's door. `make` makes one writer, given its number and where its outrun commands go."""

    def __init__(self, db: Dialect, count: int, make: Callable[[int, Callable[[QueuedCommand], None]], Writer]) -> None:
        self._db = db
        self.writers = [make(number, self.queue) for number in range(count)]
        self._queue: SimpleQueue[QueuedCommand | None] = SimpleQueue()
        self._kept: Routes = {}
        self._thread = threading.Thread(target=self._run, name="slotcast-router", daemon=True)
        self._is_closed = False
        self._closing = threading.Lock()

    def start(self) -> None:
        for writer in self.writers:
            writer.start()
        self._thread.start()

    def submit(self, command: Command, reply: Reply) -> None:
        """Queues a command; `reply` is called on its writer's thread once its outcome is final. Any thread may ask."""
        self.queue(QueuedCommand(command, reply, {}))

    def queue(self, asked: QueuedCommand) -> None:
        with self._closing:
            if not self._is_closed:
                self._queue.put(asked)
                return
        asked.reply(Overloaded("The server is stopping."))

    @property
    def queued(self) -> int:
        """How many commands wait, here and with the writers."""
        return self._queue.qsize() + sum(writer.queued for writer in self.writers)

    def writer_of(self, calendar: str) -> Writer:
        return self.writers[crc32(calendar.encode()) % len(self.writers)]

    def close(self) -> None:
        """Answers everything that was queued before, then ends."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()
        for writer in self.writers:
            writer.close()

    def _run(self) -> None:
        is_open = True
        while is_open:
            asked, is_open = self._next()
            if asked:
                self._hand_on(asked)
        self._db.drop()

    def _next(self) -> tuple[list[QueuedCommand], bool]:
        """Waits for a command, then takes what else is there; False once `close` was reached."""
        asked: list[QueuedCommand] = []
        item = self._queue.get()
        while item is not None:
            asked.append(item)
            if len(asked) == COMMANDS_AT_ONCE:
                return asked, True
            try:
                item = self._queue.get_nowait()
            except Empty:
                return asked, True
        return asked, False

    def _hand_on(self, asked: Sequence[QueuedCommand]) -> None:
        try:
            about = [subjects(one.command) for one in asked]
            for one, some in zip(asked, about, strict=True):
                for subject in some if one.outrun else ():  # what is remembered of it is wrong
                    self._kept.pop(subject, None)
            routes = self._routes({subject for some in about for subject in some})
        except Refused as refusal:
            self._refuse(asked, refusal)
            return
        except Exception:
            _logger.exception("Commands could not be placed")
            self._refuse(asked, Internal())
            return
        for one, some in zip(asked, about, strict=True):
            known = {subject: routes[subject] for subject in some if subject in routes}
            self.writer_of(known.get(some[0], "")).queue(one._replace(routes=known))

    def _routes(self, wanted: set[Subject]) -> Routes:
        """From memory as far as they are there, where only a slot that is moved by hand is wrong; else in one look."""
        routes = {subject: self._kept[subject] for subject in wanted if subject in self._kept}
        missing = wanted - routes.keys()
        if all(kind == "calendar" for kind, _ in missing):
            return routes | read_routes(self._db, missing)
        found = self._look(missing)
        for subject, home in found.items():
            if is_permanent(subject):
                self._kept[subject] = home
        while len(self._kept) > ROUTES_KEPT:
            del self._kept[next(iter(self._kept))]
        return routes | found

    def _look(self, missing: set[Subject]) -> Routes:
        """Without a transaction, which would cost two more ways there and back; again on a connection that is new."""
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

    def _refuse(self, asked: Sequence[QueuedCommand], why: Refused) -> None:
        for one in asked:
            try:
                one.reply(why)
            except Exception:
                _logger.exception("A reply could not be delivered")
