"""Writes to a connection: bytes go straight to the kernel, with a cap on the bytes that wait.

The promise: bytes leave in the order in which they were put. There is no queue, task or writer per client. While
the kernel takes everything, a put is one `write(2)`. The remaining bytes wait in the transport's own buffer, and
all later bytes wait behind them. A client is disconnected when its buffer grows past the cap. A WebSocket and a
stream of server-sent events are both a ConnectionWriter.
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import ClassVar, Final, NamedTuple

from realtime.engine.budget import CUT_OFF, RATE_LIMITED, Budget
from realtime.engine.counters import SLOW, Counters
from realtime.engine.memory_file import FEWEST_CLIENTS, SHARED_BYTES
from realtime.engine.packet import Format, Packet, no_format

CONGESTED_BYTES: Final = 65_536  # asyncio's own high-water mark
_BUFFERED: Final = -1  # instead of a file descriptor: bytes go through the transport


class Limits(NamedTuple):
    """The limits of one connection, in bytes and seconds. All connections of a server share them."""

    max_queued_bytes: int = 1_000_000
    max_message_bytes: int = 1_000_000
    message_seconds: float = 30.0  # from the first frame of a message to its last; 0 for no limit


class ConnectionWriter(asyncio.Protocol):
    """A transport with a cap on its waiting bytes. `put` takes bytes in this connection's `format`."""

    __slots__ = (
        "_excused_bytes",
        "address",
        "budget",
        "counters",
        "fd",
        "format",
        "is_congested",
        "is_open",
        "limits",
        "transport",
    )

    linger_seconds: ClassVar[float] = 1.0

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        self.limits = limits
        self.counters = counters
        self.address = address
        self.budget: Budget | None = None  # None for no limit
        self.transport: asyncio.Transport | None = None
        self.format: Format = no_format
        self.is_open = False
        self.is_congested = False
        self.fd = _BUFFERED  # the socket's, while the transport's buffer is empty
        self._excused_bytes = 0

    def begin(self, transport: asyncio.Transport) -> None:
        """Take over this transport."""
        self.transport = transport
        self.is_open = True
        transport.set_protocol(self)
        # With 0, pause_writing reports the first waiting byte and resume_writing the empty buffer.
        transport.set_write_buffer_limits(0)
        self.fd = _direct(transport)

    def hand_over(self) -> asyncio.Transport | None:
        """Return the transport to another owner. Later puts are dropped."""
        self.is_open, self.fd = False, _BUFFERED
        transport, self.transport = self.transport, None
        return transport

    def put(self, data: bytes) -> None:
        """Send bytes behind all earlier bytes. Never raises for a dead peer."""
        if self.fd == _BUFFERED:
            self._put_behind(data)
        else:
            try:
                sent = os.write(self.fd, data)
            except OSError:  # the kernel's buffer is full, or the socket is broken and the transport will report it
                sent = 0
            if sent != len(data):
                self.put_rest(data, sent)

    def put_rest(self, data: bytes, sent: int) -> None:
        """Queue the bytes after the first `sent`; all later bytes wait behind them."""
        self.fd = _BUFFERED
        self._put_behind(data[sent:])

    def write(self, packet: Packet) -> None:
        """Send a packet. Never raises for a dead peer."""
        data = packet.encoded(self.format)
        self.counters.packets_out += 1
        self.counters.bytes_out += len(data)
        self.put(data)

    def put_reply(self, data: bytes) -> None:
        """Send the answer to a request. The largest answer in the buffer does not count towards the cap."""
        self._excused_bytes = max(self._excused_bytes, len(data))
        self.put(data)
        if not self.is_congested:
            self._excused_bytes = 0

    @property
    def queued_bytes(self) -> int:
        """Return the bytes that wait for the peer."""
        is_idle = self.fd != _BUFFERED or self.transport is None
        return 0 if is_idle or self.transport is None else self.transport.get_write_buffer_size()

    def spend(self, cost: int) -> bool:
        """Charge the budget for received data. Return False once the client is disconnected.

        While its address is over budget, reading is delayed instead.
        """
        verdict = self.budget.take(cost) if self.budget is not None else 0
        if verdict == CUT_OFF:
            self.abort(RATE_LIMITED)
            return False
        if verdict:
            self.delay_reading(verdict / 1e9)
        return True

    def delay_reading(self, seconds: float) -> None:
        """Hook: read nothing for this time."""

    def abort(self, reason: str) -> None:
        """Abort the transport now. Its waiting bytes are lost, and the peer's library reconnects."""
        transport = self.transport
        self._end(reason)
        if transport is not None:
            transport.abort()

    def finish(self, reason: str, last: bytes = b"") -> None:
        """Send the waiting bytes and `last`, then close. Abort the transport if the peer does not read them."""
        if not self.is_open:
            return
        transport = self.transport
        self._end(reason)
        if transport is None or transport.is_closing():
            return
        if last:
            transport.write(last)
        if transport.can_write_eof():
            # Close only our half: a full close with unread bytes would reset the connection, and the peer
            # might never see `last`. The peer closes its half, or the timer does.
            try:
                transport.write_eof()
            except OSError:  # the peer has closed, but the loop has not seen it yet
                transport.abort()
                return
            if not transport.is_reading():
                transport.resume_reading()  # else the peer's close would go unseen
            asyncio.get_running_loop().call_later(self.linger_seconds, transport.abort)
        else:
            transport.close()

    def pause_writing(self) -> None:
        """Note that bytes wait in the transport's buffer (asyncio.Protocol)."""
        self.fd = _BUFFERED

    def resume_writing(self) -> None:
        """Note that the transport's buffer is empty (asyncio.Protocol)."""
        self.is_congested = False
        self._excused_bytes = 0
        if self.is_open and self.transport is not None:
            self.fd = _direct(self.transport)
            self.on_writable()

    def connection_lost(self, exc: Exception | None) -> None:
        """End the connection: its transport is gone (asyncio.Protocol)."""
        self._end("transport close" if exc is None else "transport error")
        self.transport = None

    def on_writable(self) -> None:
        """Hook: the buffer of a congested connection is empty again."""

    def on_end(self, reason: str) -> None:
        """Hook: the connection has ended. Called exactly once."""

    def _put_behind(self, data: bytes) -> None:
        transport = self.transport
        if not self.is_open or transport is None or transport.is_closing():
            return  # a broken transport logs every write until the loop reports the loss
        transport.write(data)
        waiting = transport.get_write_buffer_size()
        if not waiting:  # the kernel took all at once, so resume_writing will not come
            self.fd = _direct(transport)
        elif waiting > self.limits.max_queued_bytes + self._excused_bytes:
            self.abort(SLOW)
        else:
            self.is_congested = self.is_congested or waiting > CONGESTED_BYTES

    def _end(self, reason: str) -> None:
        self.fd = _BUFFERED  # in this step: the descriptor may soon be another socket's
        if self.is_open:
            self.is_open = False
            self.counters.closed[reason] += 1
            self.on_end(reason)


def _direct(transport: asyncio.Transport) -> int:
    """Return the descriptor for direct writes: only of a plain socket with an empty buffer."""
    if transport.get_write_buffer_size() or transport.get_extra_info("sslcontext") is not None or os.name != "posix":
        return _BUFFERED
    raw = transport.get_extra_info("socket")
    return _BUFFERED if raw is None else raw.fileno()


def write_all(connections: Sequence[ConnectionWriter], packet: Packet) -> None:
    """Send one packet to many connections, with one system call each.

    The caller slices: 10,000 writes in one step block the loop for 70 ms.
    """
    formats = {connection.format for connection in connections}
    for form in formats:
        group = connections if len(formats) == 1 else [one for one in connections if one.format is form]
        data = packet.encoded(form)
        is_shared = len(data) >= SHARED_BYTES and len(group) >= FEWEST_CLIENTS
        file = packet.memory_file(form) if is_shared else None
        _put_all(group, data, os.write if file is None else file.send)
        counters = group[0].counters
        counters.packets_out += len(group)
        counters.bytes_out += len(group) * len(data)


def _put_all(connections: Sequence[ConnectionWriter], data: bytes, write: Callable[[int, bytes], int]) -> None:
    """Inline `put` for many connections: the call alone would cost a tenth of the system call."""
    size = len(data)
    for connection in connections:
        fd = connection.fd
        if fd == _BUFFERED:
            connection.put(data)
            continue
        try:
            sent = write(fd, data)
        except OSError:
            sent = 0
        if sent != size:
            connection.put_rest(data, sent)
