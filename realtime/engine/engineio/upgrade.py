"""An upgrade in progress: a second socket that asks whether WebSocket works for this client.

The client sends `2probe`, gets `3probe`, finishes its poll, and says `5`. Until then everything goes
through the mailbox; at `5` the session adopts the transport. So nothing is lost and nothing overtakes.
Some clients (SocketIOClient for .NET) say `5` at once, without a probe.
"""

import asyncio
from typing import TYPE_CHECKING, Final

from realtime.engine.websocket.frame import Opcode, encode_frame
from realtime.engine.websocket.websocket import WebSocket

if TYPE_CHECKING:
    from realtime.engine.engineio.mailbox import Mailbox
    from realtime.engine.engineio.session import Connection

PROBE_SECONDS: Final = 10.0


class UpgradeProbe(WebSocket):
    """The new transport, before it is the session's."""

    __slots__ = ("_connection", "_is_answered", "_is_handed_on", "_mailbox", "_timer")

    def __init__(self, connection: "Connection", mailbox: "Mailbox") -> None:
        super().__init__(connection.limits, connection.counters, connection.address)
        self.budget = connection.budget
        self._connection = connection
        self._mailbox = mailbox
        self._is_answered = False
        self._is_handed_on = False
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, transport: asyncio.Transport) -> None:
        """From now on it may be answered, for a while."""
        super().begin(transport)
        self._connection.server.probes.add(self)
        self._timer = asyncio.get_running_loop().call_later(PROBE_SECONDS, self.abort, "probe timeout")

    def on_text(self, text: str) -> None:
        """`2probe`, then `5`, or `5` alone; anything else ends the attempt and leaves the session polling."""
        if text == "2probe" and not self._mailbox.is_upgrading:
            self._mailbox.is_upgrading = self._is_answered = True
            self.put(encode_frame(Opcode.TEXT, b"3probe"))
            self._mailbox.wake()
        elif text == "5" and (self._is_answered or not self._mailbox.is_upgrading):
            self._hand_on()
        else:
            self.abort("probe failed")

    def on_end(self, reason: str) -> None:  # noqa: ARG002
        """The attempt is over; the session goes on polling, or with the attempt of another socket."""
        self._stop_waiting()
        if self._is_answered:
            self._mailbox.is_upgrading = False

    def keep_tail(self, rest: bytes) -> None:
        """What was read behind the `5` goes with the transport."""
        if self._is_handed_on:
            self._connection.data_received(rest)
        else:
            super().keep_tail(rest)

    def _stop_waiting(self) -> None:
        self._connection.server.probes.discard(self)
        if self._timer is not None:
            self._timer.cancel()

    def _hand_on(self) -> None:
        """The transport changes hands once more."""
        self._stop_waiting()
        self._is_handed_on = True
        transport = self.hand_over()
        if transport is not None:
            self._connection.adopt(transport)
