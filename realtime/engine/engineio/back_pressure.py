"""Back-pressure of one client: its messages stay unread while earlier ones are at work.

A blocker is a reason to read nothing: a delay, or a handler that later messages depend on.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, Protocol

from realtime.engine.connection_writer import Limits
from realtime.engine.counters import Counters
from realtime.engine.websocket.websocket import WebSocket


class HandlerHost(Protocol):
    """The server's side of back-pressure."""

    is_draining: bool

    def run(self, connection: "BackPressure", awaitable: Awaitable[Any]) -> None:
        """Run this and remove the connection's blocker afterwards."""


class BackPressure(WebSocket):
    """A connection that reads only while it has no blocker."""

    __slots__ = ("_blockers", "_resumed", "server")

    def __init__(self, server: HandlerHost, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.server = server
        self._blockers = 0
        self._resumed: asyncio.Future[None] | None = None

    def begin_delay(self) -> None:
        """Read nothing until `end_delay`, even if other blockers go."""
        self._blockers += 1
        self.pause_reading()

    def end_delay(self) -> None:
        """Remove the blocker of `begin_delay`, and abort if the client has gone."""
        if self.has_peer_gone:
            self.abort("transport close")
        self.remove_blocker()

    def pause_until_done(self, awaitable: Awaitable[Any]) -> None:
        """Run this and read nothing until it is done: later messages depend on it."""
        self._blockers += 1
        self.pause_reading()
        self.server.run(self, awaitable)

    def remove_blocker(self) -> None:
        """Count one blocker less, and read on if it was the last."""
        self._blockers -= 1
        self.read_on()

    def read_on(self) -> None:
        """Resume reading if nothing is in the way."""
        if self._may_resume():
            self.resume_reading()
            if not self.is_reading_paused:
                self._notify_resumed()

    def may_read(self) -> bool:
        """Return whether more may be read."""
        return not self.is_congested and not self._blockers

    def _may_resume(self) -> bool:
        return self.is_reading_paused and self.may_read() and not self.server.is_draining

    def _notify_resumed(self) -> None:
        if self._resumed is not None and not self._resumed.done():
            self._resumed.set_result(None)

    @property
    def has_unread(self) -> bool:
        """Return whether messages of the client wait to be read, in its socket or in a POST."""
        return super().has_unread or (self._resumed is not None and not self._resumed.done())

    async def until_resumed(self) -> None:
        """Wait while reading is paused. A POST needs it: it has no socket to leave unread."""
        while self.is_reading_paused and self.is_open:
            if self._resumed is None or self._resumed.done():
                self._resumed = asyncio.get_running_loop().create_future()
            await self._resumed
