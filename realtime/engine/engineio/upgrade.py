"""An upgrade in progress: a second socket by which the client tests whether WebSocket works.

The client sends `2probe`, gets `3probe`, finishes its poll, and sends `5`. Until then everything goes through the
mailbox. At `5` the session adopts the transport, so nothing is lost and nothing overtakes. Some clients
(SocketIOClient for .NET) send `5` at once, without a probe.
"""

import asyncio
from typing import Final

from realtime.engine.engineio.connection import EngineConnection
from realtime.engine.engineio.mailbox import Mailbox
from realtime.engine.websocket.frame import Opcode, encode_frame
from realtime.engine.websocket.websocket import WebSocket

PROBE_SECONDS: Final = 10.0


class SideSocket(WebSocket):
    """A socket of an open session that does not carry it.

    It is in `others`, and counts as a connection of the session's address, until its transport is gone.
    """

    __slots__ = ("_others", "_sessions_budget")

    def __init__(self, connection: EngineConnection, address: str, others: "set[SideSocket]") -> None:
        super().__init__(connection.limits, connection.counters, address)
        self._others = others
        self._sessions_budget = connection.budget

    def begin(self, transport: asyncio.Transport) -> None:
        """Take over this transport (ConnectionWriter)."""
        super().begin(transport)
        self._others.add(self)
        if self._sessions_budget is not None:
            self._sessions_budget.add_socket()

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the others (asyncio.Protocol)."""
        super().connection_lost(exc)
        self._leave()

    def hand_over(self) -> asyncio.Transport | None:
        """Leave the others (ConnectionWriter)."""
        self._leave()
        return super().hand_over()

    def _leave(self) -> None:
        if self in self._others:
            self._others.remove(self)
            if self._sessions_budget is not None:
                self._sessions_budget.remove_socket()


class UpgradeProbe(SideSocket):
    """The new transport before the session adopts it."""

    __slots__ = ("_connection", "_is_answered", "_is_handed_on", "_mailbox", "_timer")

    def __init__(self, connection: EngineConnection, mailbox: Mailbox, others: set[SideSocket]) -> None:
        super().__init__(connection, connection.address, others)
        self.budget = connection.budget
        self._connection = connection
        self._mailbox = mailbox
        self._is_answered = False
        self._is_handed_on = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """Wait for the probe, but not for ever."""
        super().begin(transport)
        self._timer = asyncio.get_running_loop().call_later(PROBE_SECONDS, self.abort, "probe timeout")

    def on_text(self, text: str) -> None:
        """Take `2probe`, then `5`, or `5` alone. Any other text ends the attempt, and the session goes on polling."""
        if text == "2probe" and not self._mailbox.is_upgrading:
            self._mailbox.is_upgrading = self._is_answered = True
            self.put(encode_frame(Opcode.TEXT, b"3probe"))
            self._mailbox.wake()
        elif text == "5" and (self._is_answered or not self._mailbox.is_upgrading):
            self._hand_on()
        else:
            self.abort("probe failed")

    def on_end(self, reason: str) -> None:  # noqa: ARG002
        """End the attempt. The session goes on polling, or with the attempt of another socket."""
        self._stop_waiting()
        if self._is_answered:
            self._mailbox.is_upgrading = False

    def keep_tail(self, rest: bytes) -> None:
        """Pass on the bytes behind the `5`, which belong to the session."""
        if self._is_handed_on:
            self._connection.data_received(rest)
        else:
            super().keep_tail(rest)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _hand_on(self) -> None:
        """Give the transport to the session."""
        self._stop_waiting()
        self._is_handed_on = True
        transport = self.hand_over()
        if transport is not None:
            self._connection.adopt(transport)
