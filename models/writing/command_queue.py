"""The queue of a writer: commands from any thread, in order, until it is closed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NamedTuple

from models.contract.commands.command import Answer, Command
from models.contract.errors import Overloaded, Refused
from models.transaction.routing import Routes

Outcome = Answer | Refused
Reply = Callable[[Outcome], None]


class QueuedCommand(NamedTuple):
    """A waiting command: its reply, its known routes, and the number of its stale routes so far."""

    command: Command
    reply: Reply
    routes: Routes
    stale_routes: int = 0

    @property
    def calendars(self) -> set[str]:
        return set(self.routes.values())


class CommandQueue:
    """A queue with one reader. `taken` counts all its commands so far.

    A background command waits until the other waiting commands have been read, and is read alone.
    """

    def __init__(self) -> None:
        self.taken = 0
        self._queue: SimpleQueue[QueuedCommand | None] = SimpleQueue()
        self._background: deque[QueuedCommand] = deque()  # the reader's only
        self._is_background_next = False
        self._is_closed = False
        self._closing = threading.Lock()

    def __len__(self) -> int:
        return self._queue.qsize() + len(self._background)

    def put(self, asked: QueuedCommand) -> None:
        """Take a command, or refuse it once the queue is closed."""
        with self._closing:  # else a command could be queued after the end, and get no answer
            if not self._is_closed:
                self.taken += 1
                self._queue.put(asked)
                return
        asked.reply(Overloaded("The server is stopping."))

    def next(self, most: int, timeout: float | None = None) -> tuple[list[QueuedCommand], bool]:
        """Wait for a command, then take the other waiting ones, up to `most`; False at the end of the queue.

        After each such batch comes one background command, also after an empty batch.
        """
        self._is_background_next = not self._is_background_next and bool(self._background)
        if self._is_background_next:
            return [self._background.popleft()], True
        asked: list[QueuedCommand] = []
        try:
            item = self._queue.get_nowait() if self._background else self._queue.get(timeout=timeout)
            while item is not None:
                (self._background if item.command.is_background else asked).append(item)
                if len(asked) == most:
                    return asked, True
                item = self._queue.get_nowait()
        except Empty:
            return asked, True
        if self._background:
            self._queue.put(None)  # the end comes after the background commands
        return asked, bool(self._background)

    def close(self) -> None:
        """Take no more commands. The reader still gets all of those before."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)
