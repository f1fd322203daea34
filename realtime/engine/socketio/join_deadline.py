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
        loop = asyncio.get_running_loop()
        due = loop.time() + self._seconds
        if not self._queue:
            loop.call_at(due + _SLACK_SECONDS, self._expire)
        self._queue.append((due, eio_sid))

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._queue and self._queue[0][0] <= loop.time():
            connection = self._connections.get(self._queue.popleft()[1])
            if connection is not None and not connection.clients:
                connection.abort("no namespace")
        if self._queue:
            loop.call_at(self._queue[0][0] + _SLACK_SECONDS, self._expire)
