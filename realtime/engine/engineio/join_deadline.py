"""Clients that have joined no namespace yet, and when patience with them ends.

Without it a socket that only opens stays for ever, at no cost to whoever opens thousands.
"""

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from realtime.engine.engineio.session import Connection

_SLACK_SECONDS: Final = 0.1  # one timer serves all who are due within it


class JoinDeadlines:
    """A line of newcomers, oldest first; it holds their ids, not them."""

    def __init__(self, seconds: float, sockets: "dict[str, Connection]") -> None:
        self._seconds = seconds
        self._sockets = sockets
        self._line: deque[tuple[float, str]] = deque()

    def add(self, connection: "Connection") -> None:
        """Give it its time from now."""
        loop = asyncio.get_running_loop()
        due = loop.time() + self._seconds
        if not self._line:
            loop.call_at(due + _SLACK_SECONDS, self._expire)
        self._line.append((due, connection.sid))

    def _expire(self) -> None:
        loop = asyncio.get_running_loop()
        while self._line and self._line[0][0] <= loop.time():
            connection = self._sockets.get(self._line.popleft()[1])
            if connection is not None and not connection.members:
                connection.abort("no namespace")
        if self._line:
            loop.call_at(self._line[0][0] + _SLACK_SECONDS, self._expire)
