"""The line of an overloaded server: clients who ignore its refusals are read in turn, as far as there is room.

A refusal costs a tenth of the work that it refuses. So a client that sends again at once would cost more than one who
is served. Such a client is not read until its turn: the kernel keeps its messages, and then holds it back.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Final, Protocol

TOLERATED: Final = 4  # requests before the told time: a page may ask for several things at once
GRACE_SECONDS: Final = 0.1  # requests that may have been sent before the first refusal had arrived
FORGIVEN_SECONDS: Final = 10.0  # without a request that was not to come yet
TURN_SECONDS: Final = 0.01
TURNS: Final = 16  # in which the room is used up: a connection brings more than one request


class Conduct:
    """Notes how a client heeds its refusals. A client without any refusal needs none."""

    __slots__ = ("_began", "_ignored", "_until")

    def __init__(self) -> None:
        self._began = self._until = 0.0  # of the time for which the client was told to wait
        self._ignored = 0

    def note(self, now: float, wait_seconds: float) -> None:
        """Count a refusal at this time, which tells the client to wait for so long."""
        if self.is_ignoring(now):
            self._until = max(self._until, now + wait_seconds)
        elif now >= self._until:
            self._began, self._until, self._ignored = now, now + wait_seconds, 0
        else:
            self._ignored += now > self._began + GRACE_SECONDS

    def is_ignoring(self, now: float) -> bool:
        """Return whether the client does not heed refusals."""
        return self._ignored > TOLERATED and now < self._until + FORGIVEN_SECONDS


class Queueing(Protocol):
    """A connection as the line sees it."""

    conduct: Conduct | None
    is_open: bool

    def enter_line(self) -> None:
        """Read nothing from now on."""

    def leave_line(self) -> None:
        """Read on."""


class ReadingLine:
    """The connections that wait for their turn. `read_room` returns how many more requests may be taken now."""

    def __init__(self, read_room: Callable[[], float], clock: Callable[[], float] = time.monotonic) -> None:
        self._read_room = read_room
        self._clock = clock
        self._line: deque[Queueing] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._line)

    def is_ignoring(self, connection: Queueing) -> bool:
        """Return whether the connection's client does not heed refusals."""
        return connection.conduct is not None and connection.conduct.is_ignoring(self._clock())

    def note(self, connection: Queueing, wait_seconds: float) -> None:
        """Note a refusal that tells the client to wait for so long. A client that ignores refusals enters the line."""
        conduct = connection.conduct = connection.conduct or Conduct()
        now = self._clock()
        conduct.note(now, wait_seconds)
        if conduct.is_ignoring(now) and not self._is_closed:
            self._line.append(connection)
            connection.enter_line()
            if self._timer is None:
                self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self._take_turns)

    def close(self) -> None:
        """Read on from all, as the server stops."""
        self._is_closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._line:
            self._leave(self._line.popleft())

    def _take_turns(self) -> None:
        """Read on from as many connections as there is room for."""
        room = self._read_room()
        turns = 0 if room <= 0 else 1 + int(room / TURNS)
        while turns > 0 and self._line:
            turns -= self._leave(self._line.popleft())
        self._timer = asyncio.get_running_loop().call_later(TURN_SECONDS, self._take_turns) if self._line else None

    def _leave(self, connection: Queueing) -> bool:
        if connection.is_open:
            connection.leave_line()
        return connection.is_open
