"""The queue of a writer: commands from any thread, until it is closed; those that have waited too long are refused.

A client's command that has waited for `max_wait_seconds` when its turn comes is refused as `overloaded`: its client
would not wait for the answer of a longer queue. Claims of free seats wait behind all other commands, so that under
overload a customer who has a hold gets the booking. Other commands keep their order.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import NamedTuple, Protocol

from models.contract.commands.command import Answer, Command
from models.contract.errors import Overloaded, Refused
from models.contract.principal import Role
from models.transaction.routing import Routes

Outcome = Answer | Refused
Reply = Callable[[Outcome], None]


class QueuedCommand(NamedTuple):
    """A waiting command: its reply, its known routes, and the number of its stale routes so far.

    `arrived` is the time of its request by `time.monotonic`; None for a command of the server, which may wait.
    """

    command: Command
    reply: Reply
    routes: Routes
    stale_routes: int = 0
    arrived: float | None = None

    @property
    def calendars(self) -> set[str]:
        return set(self.routes.values())

    @property
    def is_claim(self) -> bool:
        """Whether a customer asks for free seats. Staff's commands keep their order."""
        return self.command.is_claim and self.command.principal.highest_role < Role.STAFF


class Next(NamedTuple):
    """The next commands of a queue: those to run, those that have waited too long, and if others may follow."""

    asked: list[QueuedCommand]
    late: list[QueuedCommand]
    is_open: bool


class CommandSource(Protocol):
    """The store of a queue, with the methods of `SimpleQueue`; None is its end. Others may put commands into it too."""

    def put(self, item: QueuedCommand | None) -> None: ...
    def get(self, block: bool = True, timeout: float | None = None) -> QueuedCommand | None: ...  # noqa: FBT001, FBT002 - the standard library's
    def get_nowait(self) -> QueuedCommand | None: ...
    def qsize(self) -> int: ...


class CommandQueue:
    """A queue with one reader. `taken` counts all commands that were put into it so far.

    A background command waits until the other waiting commands have been read, and is read alone. `max_wait_seconds`
    is 0 if commands may wait for any time.
    """

    def __init__(
        self,
        source: CommandSource | None = None,
        max_wait_seconds: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.taken = 0
        self._max_wait_seconds = max_wait_seconds
        self._clock = clock
        self._queue: CommandSource = source or SimpleQueue()
        # The reader's only: what it has read and not returned yet.
        self._first: deque[QueuedCommand] = deque()
        self._claims: deque[QueuedCommand] = deque()
        self._background: deque[QueuedCommand] = deque()
        self._is_background_next = False
        self._is_ended = False
        self._is_closed = False
        self._closing = threading.Lock()

    def __len__(self) -> int:
        return self._queue.qsize() + len(self._first) + len(self._claims) + len(self._background)

    def put(self, asked: QueuedCommand) -> None:
        """Take a command, or refuse it once the queue is closed."""
        with self._closing:  # else a command could be queued after the end, and get no answer
            if not self._is_closed:
                self.taken += 1
                self._queue.put(asked)
                return
        asked.reply(Overloaded("The server is stopping."))

    def next(self, most: int, timeout: float | None = None) -> Next:
        """Wait for a command, then take the other waiting ones, up to `most`.

        After each such batch comes one background command, also after an empty batch.
        """
        self._is_background_next = not self._is_background_next and bool(self._background)
        if self._is_background_next:
            return Next([self._background.popleft()], [], is_open=True)
        self._read(timeout)
        asked: list[QueuedCommand] = []
        late: list[QueuedCommand] = []
        oldest = self._oldest()
        for lane in (self._first, self._claims):
            while lane and len(asked) < most:
                one = lane.popleft()
                (late if _is_late(one, oldest) else asked).append(one)
        is_empty = not (self._first or self._claims or self._background)
        return Next(asked, late, is_open=not (self._is_ended and is_empty))

    def more(self, fits: Callable[[QueuedCommand], bool], most: int) -> list[QueuedCommand]:
        """Take those of the waiting commands that fit, up to `most`. None overtakes another one of its calendar.

        One that has waited too long stays, to be refused in its turn.
        """
        self._read(is_patient=False)
        oldest = self._oldest()
        taken: list[QueuedCommand] = []
        passed: set[str] = set()
        for lane in (self._first, self._claims):
            for _ in range(len(lane)):
                one = lane.popleft()
                if len(taken) < most and not (passed & one.calendars or _is_late(one, oldest)) and fits(one):
                    taken.append(one)
                else:
                    passed |= one.calendars
                    lane.append(one)
        return taken

    def _oldest(self) -> float:
        """Return the time of arrival before which a client's command is late."""
        return self._clock() - self._max_wait_seconds if self._max_wait_seconds else float("-inf")

    def _read(self, timeout: float | None = None, *, is_patient: bool = True) -> None:
        """Sort everything that has been put into the lanes. Wait for a command if none waits."""
        may_wait = is_patient and not (self._first or self._claims or self._background or self._is_ended)
        try:
            item = self._queue.get(timeout=timeout) if may_wait else self._queue.get_nowait()
            while item is not None:
                if item.command.is_background:
                    self._background.append(item)
                elif item.is_claim:
                    self._claims.append(item)
                else:
                    self._first.append(item)
                item = self._queue.get_nowait()
            self._is_ended = True
        except Empty:
            pass

    def close(self) -> None:
        """Take no more commands. The reader still gets all of those before."""
        with self._closing:
            if not self._is_closed:
                self._is_closed = True
                self._queue.put(None)


def _is_late(one: QueuedCommand, oldest: float) -> bool:
    return one.arrived is not None and one.arrived <= oldest
