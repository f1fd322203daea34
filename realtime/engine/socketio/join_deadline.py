"""Closes connections that join no namespace in time.

Without the deadline a socket that only opens would stay for ever, at no cost to an attacker with thousands.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Final

from realtime.engine.socketio.connection import Connection

_SLACK_SECONDS: Final = 0.1  # one timer serves all deadlines within it


class JoinDeadlines:
    """A queue of connections without a namespace, oldest first. It keeps their ids only."""

    def __init__(self, seconds: float, connections: Mapping[str, Connection]) -> None:
        self._seconds = seconds
        self._connections = connections
        self._queue: deque[tuple[float, str]] = deque()

    def add(self, eio_sid: str) -> None:
        """Start the deadline of this connection."""
        self._queue.append((asyncio.get_running_loop().time() + self._seconds, eio_sid))
        if len(self._queue) == 1:
            self._wait()

    def _wait(self) -> None:
        at = self._queue[0][0] + _SLACK_SECONDS
        asyncio.get_running_loop().call_at(at, self._on_time, at)

    def _on_time(self, at: float) -> None:
        """Expire now. A late timer means that the loop stood still: it first reads the CONNECTs that came meanwhile."""
        loop = asyncio.get_running_loop()
        if loop.time() - at > _SLACK_SECONDS:
            loop.call_later(_SLACK_SECONDS, self._expire)
        else:
            self._expire()

    def _expire(self) -> None:
        now = asyncio.get_running_loop().time()
        while self._queue and self._queue[0][0] <= now:
            connection = self._connections.get(self._queue.popleft()[1])
            if connection is not None and not connection.clients:
                connection.abort("no namespace")
        if self._queue:
            self._wait()
