"""One Engine.IO session: a WebSocket, or a mailbox until the client upgrades to a WebSocket.

All bytes leave through `put`, either straight to the transport or into the mailbox, never both. So nothing
overtakes anything.
"""

import asyncio
import base64
import functools
from typing import Any, ClassVar, Final, NamedTuple, Protocol

from engineio.async_socket import AsyncSocket

from realtime.engine.admission import AdmissionQueue
from realtime.engine.connection_writer import CONGESTED_BYTES, Limits
from realtime.engine.counters import SLOW, Counters
from realtime.engine.engineio.back_pressure import BackPressure, HandlerHost
from realtime.engine.engineio.mailbox import SEPARATOR, Mailbox
from realtime.engine.engineio.ping_timer import PingTimer
from realtime.engine.origins import Origins
from realtime.engine.packet import Format, no_format
from realtime.engine.websocket.frame import FIN, MASKED, CloseCode, Opcode, encode_frame
from realtime.engine.websocket.websocket import WebSocket

PING: Final = b"2"
CLOSE: Final = b"1"
NOOP: Final = b"6"
_PING_FRAME: Final = encode_frame(Opcode.TEXT, PING)
_NOOP_FRAME: Final = encode_frame(Opcode.TEXT, NOOP)
_PONG: Final = ord("3")
_PONG_HEAD: Final = bytes((FIN | Opcode.TEXT, MASKED | 1))  # of a frame with one masked byte
_PONG_BYTES: Final = 7
NOTHING: Final = b""
DEPARTURE_SECONDS: Final = 50e-6  # the cost of removing one client, roughly


class Formats(NamedTuple):
    """The formats of packets over each transport."""

    websocket: Format
    polling: Format


class ConnectionHost(HandlerHost, Protocol):
    """The server's side of a session: its settings, and the methods that a connection calls."""

    limits: Limits
    counters: Counters
    admission: AdmissionQueue
    ping_timer: PingTimer
    origins: Origins
    reason: Any
    max_in_flight: int
    request_seconds: float

    def refuse_late(self, connection: "EngineConnection", texts: list[bytes]) -> list[bytes]:
        """Return the answers to the first of these packets that are refused, as they have waited for too long."""

    def receive(self, connection: "EngineConnection", data: str | bytes) -> None:
        """Pass a message to its handler."""

    def expect_late_poll(self, sid: str) -> None:
        """Answer one more poll of this client after its close."""

    def weigh(self, reply_bytes: int) -> None:
        """Charge this loop iteration for an answer of this size."""

    def forget(self, connection: "EngineConnection", reason: str) -> None:
        """Tell the application of the end, then drop the connection."""

    def lost(self, connection: "EngineConnection") -> None:
        """Note that the connection's transport is gone."""


class EngineConnection(BackPressure, AsyncSocket):
    """One session. Slotted: 5,000 of them take 2 to 3 KB each, transport included."""

    __slots__ = (
        "_session",
        "deadline",
        "headers",
        "is_pinged",
        "mailbox",
        "ping_slot",
        "query",
        "sid",
    )

    server: ConnectionHost
    formats: ClassVar[Formats] = Formats(no_format, no_format)

    def __init__(self, server: ConnectionHost, sid: str, address: str, query: str) -> None:
        BackPressure.__init__(self, server, server.limits, server.counters, address)
        self.format = self.formats.websocket
        self.sid = sid
        self.query = query
        self.headers: dict[str, str] | None = None
        self.mailbox: Mailbox | None = None
        self.deadline = 0.0
        self.is_pinged = False
        self.ping_slot = -1
        self._session: dict[str, Any] | None = None

    @property
    def queued_bytes(self) -> int:
        """Return the bytes that wait for the peer, in the transport or for its next poll (ConnectionWriter)."""
        return super().queued_bytes if self.mailbox is None else self.mailbox.queued_bytes

    # -- the interface of engineio.AsyncSocket

    @property
    def session(self) -> dict[str, Any]:
        """Return the application's own data of this session."""
        if self._session is None:
            self._session = {}
        return self._session

    @session.setter
    def session(self, value: dict[str, Any]) -> None:
        self._session = value

    @property
    def connected(self) -> bool:
        """Return whether the session is open."""
        return self.is_open

    @property
    def closed(self) -> bool:
        """Return whether the session has ended."""
        return not self.is_open

    @property
    def upgraded(self) -> bool:
        """Return whether the session runs over WebSocket."""
        return self.mailbox is None

    async def send(self, pkt: Any) -> None:
        """Send an engineio packet (AsyncSocket)."""
        data = pkt.encode()
        if isinstance(data, str):
            self.send_text(data.encode())
        else:
            self.send_binary(bytes(data))

    async def close(self, wait: bool = True, abort: bool = False, reason: str | None = None) -> None:  # noqa: FBT001, FBT002, ARG002
        """End the session (AsyncSocket)."""
        self.depart(reason or self.server.reason.SERVER_DISCONNECT)

    @property
    def environ(self) -> dict[str, Any]:
        """Return the kept parts of the request under WSGI's names: the address, the query and the kept headers."""
        kept = self.headers or {}
        return {
            "REMOTE_ADDR": self.address,
            "QUERY_STRING": self.query,
            **{f"HTTP_{name.upper().replace('-', '_')}": value for name, value in kept.items()},
        }

    # -- sending

    def open_mailbox(self) -> None:
        """Begin as a polling session."""
        self.mailbox = Mailbox()
        self.format = self.formats.polling
        self.is_open = True

    def send_text(self, text: bytes) -> None:
        """Send one Engine.IO packet, its type included."""
        self.counters.packets_out += 1
        self.counters.bytes_out += len(text)
        self.put(text if self.mailbox is not None else encode_frame(Opcode.TEXT, text))

    def send_binary(self, data: bytes) -> None:
        """Send one binary message."""
        self.counters.packets_out += 1
        self.counters.bytes_out += len(data)
        if self.mailbox is not None:
            self.put(b"b" + base64.b64encode(data))
        else:
            self.put(encode_frame(Opcode.BINARY, data))

    def reply(self, text: bytes) -> None:
        """Send the answer to a request, as `send_text` does."""
        self.counters.packets_out += 1
        self.counters.bytes_out += len(text)
        self.server.weigh(len(text))
        self.put_reply(text if self.mailbox is not None else encode_frame(Opcode.TEXT, text))

    def ping(self) -> None:
        """Send a ping."""
        self._send_ready(PING, _PING_FRAME)

    def beat(self) -> None:
        """Send a heartbeat, unless other bytes wait for the client."""
        if self.is_open and not self.is_congested:
            self._send_ready(NOOP, _NOOP_FRAME)

    def _send_ready(self, text: bytes, frame: bytes) -> None:
        """Send a packet whose frame is encoded already."""
        counters = self.counters
        counters.packets_out += 1
        counters.bytes_out += len(text)
        if self.mailbox is None:
            WebSocket.put(self, frame)
        else:
            self.put(text)

    def put(self, data: bytes) -> None:
        """Send bytes to the socket, or to the mailbox of a polling session."""
        mailbox = self.mailbox
        if mailbox is None:
            WebSocket.put(self, data)
        elif self.is_open:
            mailbox.put(data)
            self.is_congested = mailbox.queued_bytes > CONGESTED_BYTES
            if mailbox.queued_bytes > self.limits.max_queued_bytes + self._excused_bytes:
                self.abort(SLOW)

    def take_mail(self, most: int = 0) -> bytes:
        """Take the first `most` waiting packets for a poll's answer. With 0 take all."""
        mailbox = self.mailbox
        mail = mailbox.take(most) if mailbox is not None else b""
        left = mailbox.queued_bytes if mailbox is not None else 0
        self.is_congested = left > CONGESTED_BYTES
        self._excused_bytes = min(self._excused_bytes, left)
        self.read_on()
        return mail

    # -- receiving

    def data_received(self, data: bytes) -> None:
        """Take a pong, which is most of what idle clients send, in few steps; read all else as frames (WebSocket)."""
        if (
            len(data) == _PONG_BYTES
            and data[2] ^ data[6] == _PONG
            and data[:2] == _PONG_HEAD
            and self.is_between_frames
            and self.is_open
        ):
            if self.budget is None or self.spend(1):
                self.server.ping_timer.pong(self)
        elif self.late_since:
            self.read_late(data)
        else:
            super().data_received(data)

    def on_text(self, text: str) -> None:
        """Take one Engine.IO packet."""
        kind = text[:1]
        if kind == "4":
            self.server.receive(self, text[1:])
        elif kind == "3":
            self.server.ping_timer.pong(self)
        elif kind == "1":
            if self.mailbox is not None and not self.mailbox.is_polled:
                self.server.expect_late_poll(self.sid)
            self.on_client_close()
            self.depart(self.server.reason.CLIENT_DISCONNECT, NOOP)
        elif kind != "6":
            self.fail()

    def on_binary(self, data: bytes) -> None:
        """Take one binary message."""
        self.server.receive(self, data)

    def on_client_close(self) -> None:
        """Hook: the client has sent its close packet."""

    def fail(self) -> None:
        """End the session because the client broke the protocol."""
        self.depart("parse error")

    # -- ending

    def abort(self, reason: str) -> None:
        """Abort the transport without a Socket.IO DISCONNECT, so that the client's library reconnects."""
        mailbox = self.mailbox
        self._end_mailbox(reason, NOTHING)
        if mailbox is not None:
            mailbox.cut()
        WebSocket.abort(self, reason)

    def depart(self, reason: str, last: bytes = CLOSE, code: int = CloseCode.NORMAL) -> None:
        """Close the transport in good order and answer a waiting poll with `last`.

        After CLOSE some clients (python-engineio) never come back. Without a last packet the poll fails: every
        client takes that for a transport error and reconnects.
        """
        self._end_mailbox(reason, last)
        self.shut(code, reason)

    def on_end(self, reason: str) -> None:
        """Tell the server, once (ConnectionWriter)."""
        self._notify_resumed()
        self.server.forget(self, reason)

    def eof_received(self) -> bool | None:
        """Abort in the admission queue: thousands of clients may hang up at once (asyncio.Protocol)."""
        if self.transport is None or not self.is_open or not self.transport.can_write_eof():
            return None  # asyncio closes
        self.server.admission.run(functools.partial(self.abort, "transport close"), DEPARTURE_SECONDS)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the server that the transport is gone (asyncio.Protocol)."""
        super().connection_lost(exc)
        self.server.lost(self)

    def _end_mailbox(self, reason: str, last: bytes) -> None:
        if self.mailbox is not None and self.is_open:
            self._end(reason)
            self.mailbox.end(last)

    # -- upgrading

    def adopt(self, transport: asyncio.Transport) -> None:
        """Move from the mailbox to this WebSocket. Waiting packets leave first, in order."""
        mailbox = self.mailbox
        if mailbox is None or not self.is_open:
            transport.abort()
            return
        waiting = self.take_mail()
        self.mailbox = None
        self.format = self.formats.websocket
        self._excused_bytes = len(waiting)
        self.begin(transport)
        for text in waiting.split(SEPARATOR) if waiting else ():
            if text[:1] == b"b":
                self.put(encode_frame(Opcode.BINARY, base64.b64decode(text[1:])))
            else:
                self.put(encode_frame(Opcode.TEXT, text))
        if not self.is_congested:
            self._excused_bytes = 0
        mailbox.end(NOOP)
        self.counters.open_polling -= 1
        self.counters.open_websocket += 1
        if self.budget is not None:
            self.budget.upgrade()
