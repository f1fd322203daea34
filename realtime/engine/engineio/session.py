"""One Engine.IO session: a WebSocket, or a mailbox that becomes one when the client upgrades.

Everything that leaves it goes through `put`, so nothing can overtake anything: either straight to the
transport, or into the mailbox, never both.
"""

import asyncio
import base64
import functools
from collections import deque
from typing import TYPE_CHECKING, Any

from engineio.async_socket import AsyncSocket

from realtime.engine.connection_writer import CONGESTED_BYTES
from realtime.engine.counters import SLOW
from realtime.engine.engineio.mailbox import Mailbox
from realtime.engine.socketio.packet import SEPARATOR, socketio_frames, socketio_text
from realtime.engine.websocket.frame import CloseCode, Opcode, encode_frame
from realtime.engine.websocket.websocket import WebSocket

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from realtime.engine.engineio.server import EngineServer
    from realtime.engine.socketio.client import NamespaceClient

PING = b"2"
CLOSE = b"1"
NOOP = b"6"
NOTHING = b""
PARKED_BYTES = 1_000  # what a request in the backlog weighs beside its own bytes
DEPARTURE_SECONDS = 50e-6  # what it takes to let one client go, roughly


class Connection(WebSocket, AsyncSocket):
    """What a Socket.IO sid stands for. Slotted: 5,000 of them cost 2 to 3 KB each, transport included."""

    __slots__ = (
        "_backlog",
        "_backlog_bytes",
        "_blockers",
        "_in_flight",
        "_line",
        "_released",
        "_session",
        "deadline",
        "headers",
        "is_pinged",
        "mailbox",
        "members",
        "query",
        "server",
        "sid",
        "wheel_slot",
    )

    def __init__(self, server: "EngineServer", sid: str, address: str, query: str) -> None:
        WebSocket.__init__(self, server.limits, server.counters, address)
        self.server = server
        self.sid = sid
        self.query = query
        self.headers: dict[str, str] | None = None
        self.members: tuple[NamespaceClient, ...] = ()
        self.mailbox: Mailbox | None = None
        self.deadline = 0.0
        self.is_pinged = False
        self.wheel_slot = -1
        self._backlog: deque[tuple[Callable[[], object], int]] | None = None  # requests read past the limit
        self._backlog_bytes = 0
        self._blockers = 0  # what must be done before anything more is read
        self._in_flight = 0
        self._line: deque[asyncio.Future[None]] | None = None  # requests that wait to begin
        self._released: asyncio.Future[None] | None = None
        self._session: dict[str, Any] | None = None

    # -- what engineio expects of a socket

    @property
    def session(self) -> dict[str, Any]:
        """The application's own data, made when first asked for."""
        if self._session is None:
            self._session = {}
        return self._session

    @session.setter
    def session(self, value: dict[str, Any]) -> None:
        self._session = value

    @property
    def connected(self) -> bool:
        """Whether the session is open."""
        return self.is_open

    @property
    def closed(self) -> bool:
        """Whether the session is over."""
        return not self.is_open

    @property
    def upgraded(self) -> bool:
        """Whether it runs over WebSocket."""
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
        """What is left of the request, named as WSGI does: the peer, the query, the kept headers."""
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
        self.format = socketio_text
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
        """Ask whether the client is there."""
        self.send_text(PING)

    def beat(self) -> None:
        """Show the client that the network is alive, unless other bytes are on their way to it."""
        if self.is_open and not self.is_congested:
            self.send_text(NOOP)

    def put(self, data: bytes) -> None:
        """Send bytes to where this connection is: its socket, or its mailbox."""
        mailbox = self.mailbox
        if mailbox is None:
            WebSocket.put(self, data)
        elif self.is_open:
            mailbox.put(data)
            self.is_congested = mailbox.queued_bytes > CONGESTED_BYTES
            if mailbox.queued_bytes > self.limits.max_queued_bytes + self._excused_bytes:
                self.abort(SLOW)

    def take_mail(self, most: int = 0) -> bytes:
        """The first `most` packets that wait, for a poll's answer; or all of them."""
        mailbox = self.mailbox
        mail = mailbox.take(most) if mailbox is not None else b""
        left = mailbox.queued_bytes if mailbox is not None else 0
        self.is_congested = left > CONGESTED_BYTES
        self._excused_bytes = min(self._excused_bytes, left)
        self.on_clear()
        return mail

    # -- receiving

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
            self.begin_backlog()
            self.depart(self.server.reason.CLIENT_DISCONNECT, NOOP)
        elif kind != "6":
            self.fail()

    def on_binary(self, data: bytes) -> None:
        """Take one binary message."""
        self.server.receive(self, data)

    def fail(self) -> None:
        """The client broke the protocol."""
        self.depart("parse error")

    def request(self, begin: "Callable[[], object]", size: int) -> None:
        """Begin a request. When as many run as may, nothing more is read until one has ended.

        But while answers of this client are waited for, perhaps by those that run, it is read on, and its further
        requests wait in a backlog. That is bounded too: a full one is the end of reading.
        """
        if self._in_flight < self.server.max_in_flight:
            self._begin(begin)
        else:
            if self._backlog is None:
                self._backlog = deque()
            self._backlog.append((begin, size + PARKED_BYTES))
            self._backlog_bytes += size + PARKED_BYTES
        if not self._may_read():
            self.hold()

    def end_request(self) -> None:
        """A request has been answered."""
        self._in_flight -= 1
        if self._backlog and self._in_flight < self.server.max_in_flight:
            self._begin_next()
        self.on_clear()

    def pause(self, seconds: float) -> None:
        """Read nothing for so long, whatever is answered meanwhile."""
        self._blockers += 1
        self.hold()
        asyncio.get_running_loop().call_later(seconds, self._end_pause)

    def _end_pause(self) -> None:
        if self.has_peer_gone:
            self.abort("transport close")
        self.end_hold()

    def begin_backlog(self) -> None:
        """Begin all that waits: the client has said goodbye behind it."""
        while self._backlog:
            self._begin_next()

    def _begin(self, begin: "Callable[[], object]") -> None:
        self._in_flight += 1
        self.server.admission.run(begin, self.server.request_seconds)

    def _begin_next(self) -> None:
        assert self._backlog is not None
        begin, weight = self._backlog.popleft()
        self._backlog_bytes -= weight
        self._begin(begin)

    def hold_for(self, awaitable: "Awaitable[Any]") -> None:
        """Read nothing more until this is done: what follows depends on it."""
        self._blockers += 1
        self.hold()
        self.server.run(self, awaitable)

    def end_hold(self) -> None:
        """What `hold_for` was for is done."""
        self._blockers -= 1
        self.on_clear()

    def expect_answer(self) -> None:
        """The client was asked something, so it is read again, though as many of its requests run as may."""
        if self.is_held:
            asyncio.get_running_loop().call_soon(self.on_clear)

    def _may_read(self) -> bool:
        """Whether anything more may be read. Asked after each request, so the usual case comes first."""
        if self.is_congested or self._blockers:
            return False
        if self._in_flight < self.server.max_in_flight:
            return True
        is_awaited = any(member.is_asked for member in self.members)
        return is_awaited and self._backlog_bytes < self.limits.max_queued_bytes

    async def until_clear(self) -> None:
        """Wait, in line, while answers wait to be taken: one request at a time may add to them."""
        if (not self.is_congested or not self.is_open) and not self._line:
            return
        if self._line is None:
            self._line = deque()
        turn = asyncio.get_running_loop().create_future()
        self._line.append(turn)
        try:
            await turn
        finally:
            self._line.remove(turn)
            # Only in the loop's next turn is it known whether what this one answers is taken.
            asyncio.get_running_loop().call_soon(self._admit)

    def _admit(self) -> None:
        """Let the first in line begin."""
        if self._line and not self._line[0].done() and (not self.is_congested or not self.is_open):
            self._line[0].set_result(None)

    def on_clear(self) -> None:
        """Go on with what waits, if nothing is in the way any more."""
        self._admit()
        if self._may_go_on():
            self.release()
            if not self.is_held:
                self._tell_released()

    def _may_go_on(self) -> bool:
        return self.is_held and self._may_read() and not self.server.is_draining

    def _tell_released(self) -> None:
        if self._released is not None and not self._released.done():
            self._released.set_result(None)

    async def until_released(self) -> None:
        """Wait while the connection is held (for a POST, which has no socket to leave unread)."""
        while self.is_held and self.is_open:
            if self._released is None or self._released.done():
                self._released = asyncio.get_running_loop().create_future()
            await self._released

    # -- ending

    def abort(self, reason: str) -> None:
        """Cut the transport, without a Socket.IO goodbye, so that the client's library reconnects."""
        mailbox = self.mailbox
        self._end_mailbox(reason, NOTHING)
        if mailbox is not None:
            mailbox.cut()
        WebSocket.abort(self, reason)

    def depart(self, reason: str, last: bytes = CLOSE, code: int = CloseCode.NORMAL) -> None:
        """Close the transport in good order. A poll that waits is answered with `last`.

        After CLOSE some clients (python-engineio) never come back; without a last packet the poll fails, and every
        client takes that for a transport error and connects again.
        """
        self._end_mailbox(reason, last)
        self.shut(code, reason)

    def on_end(self, reason: str) -> None:
        """Tell the server, once."""
        self._backlog = None
        self._tell_released()
        self._admit()
        self.server.forget(self, reason)

    def eof_received(self) -> bool | None:
        """The client has hung up (asyncio.Protocol); when thousands do, they are let go a few at a time."""
        if self.transport is None or not self.is_open or not self.transport.can_write_eof():
            return None  # asyncio closes
        self.server.admission.run(functools.partial(self.abort, "transport close"), DEPARTURE_SECONDS)
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone (asyncio.Protocol)."""
        super().connection_lost(exc)
        self.server.lost(self)

    def _end_mailbox(self, reason: str, last: bytes) -> None:
        if self.mailbox is not None and self.is_open:
            self._end(reason)
            self.mailbox.end(last)

    # -- upgrading

    def adopt(self, transport: asyncio.Transport) -> None:
        """Move from the mailbox to this WebSocket; what waited goes out first, in order."""
        mailbox = self.mailbox
        if mailbox is None or not self.is_open:
            transport.abort()
            return
        waiting = self.take_mail()
        self.mailbox = None
        self.format = socketio_frames
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


def decode_packet(text: str) -> str | bytes:
    """One packet of a polling payload: text, or binary behind a `b`. Raises ValueError."""
    if text[:1] == "b":
        return base64.b64decode(text[1:], validate=True)
    return text
