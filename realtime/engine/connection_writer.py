"""The sending half of any connection: bytes go straight to the kernel, up to a cap on what it does not take.

The promise: whatever is put leaves in the order it was put. There is no queue, task or writer per
client. As long as the kernel takes everything, a put is one `write(2)`; what it does not take waits in the
transport's own buffer, everything later waits behind it, and who lets it grow past the cap is cut off.
A WebSocket and a stream of server-sent events are both an outlet.
"""

import asyncio
import os
from collections.abc import Sequence
from typing import ClassVar, Final, NamedTuple

from realtime.engine.budget import CUT_OFF, RATE_LIMITED, Budget
from realtime.engine.counters import SLOW, Counters
from realtime.engine.socketio.packet import Format, Packet, socketio_frames

CONGESTED_BYTES: Final = 65_536  # asyncio's own mark for a transport
_BUFFERED: Final = -1  # instead of a file descriptor: what is put goes through the transport


class Limits(NamedTuple):
    """What one connection may hold, in bytes, and for how long. Shared by all of a server's connections."""

    max_queued_bytes: int = 1_000_000
    max_message_bytes: int = 1_000_000
    message_seconds: float = 0.0  # from the beginning of a message to its end; 0 for any time


class ConnectionWriter(asyncio.Protocol):
    """A transport with a byte cap. `put` takes bytes already in this connection's `format`."""

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
        self.budget: Budget | None = None  # without one there is no limit
        self.transport: asyncio.Transport | None = None
        self.format: Format = socketio_frames
        self.is_open = False  # whether what is put now has a chance to arrive
        self.is_congested = False
        self.fd = _BUFFERED  # the socket's, while nothing waits in the transport's buffer
        self._excused_bytes = 0

    def begin(self, transport: asyncio.Transport) -> None:
        """Own this transport from now on."""
        self.transport = transport
        self.is_open = True
        transport.set_protocol(self)
        # With 0 we are told when the first byte has to wait (pause_writing) and when none does any more.
        transport.set_write_buffer_limits(0)
        self.fd = _direct(transport)

    def hand_over(self) -> asyncio.Transport | None:
        """Give the transport up to another owner; what is put here from now on goes nowhere."""
        self.is_open, self.fd = False, _BUFFERED
        transport, self.transport = self.transport, None
        return transport

    def put(self, data: bytes) -> None:
        """Send bytes, behind all that was put before. Never raises for a dead peer."""
        if self.fd == _BUFFERED:
            self._put_behind(data)
        else:
            try:
                sent = os.write(self.fd, data)
            except OSError:  # it takes nothing now, or it is broken, which the transport finds out
                sent = 0
            if sent != len(data):
                self.put_rest(data, sent)

    def put_rest(self, data: bytes, sent: int) -> None:
        """The kernel took only so many of these bytes, so the rest waits, and all that comes later behind it."""
        self.fd = _BUFFERED
        self._put_behind(data[sent:])

    def write(self, packet: Packet) -> None:
        """Send a packet. Never raises for a dead peer."""
        data = packet.encoded(self.format)
        self.counters.packets_out += 1
        self.counters.bytes_out += len(data)
        self.put(data)

    def put_reply(self, data: bytes) -> None:
        """Send the answer to a request. While any are in flight, the largest does not count towards the cap."""
        self._excused_bytes = max(self._excused_bytes, len(data))
        self.put(data)
        if not self.is_congested:
            self._excused_bytes = 0

    def spend(self, cost: int) -> bool:
        """Charge for what came. False once the client is cut off; it is slowed down while its address is over."""
        verdict = self.budget.take(cost) if self.budget is not None else 0
        if verdict == CUT_OFF:
            self.abort(RATE_LIMITED)
            return False
        if verdict:
            self.pause(verdict / 1e9)
        return True

    def pause(self, seconds: float) -> None:
        """Hook: read nothing for so long."""

    def abort(self, reason: str) -> None:
        """Cut the transport now; what it still holds is lost. The peer's library reconnects."""
        transport = self.transport
        self._end(reason)
        if transport is not None:
            transport.abort()

    def finish(self, reason: str, last: bytes = b"") -> None:
        """Send what is held, and `last`, and close. A peer that does not take it is cut off."""
        if not self.is_open:
            return
        transport = self.transport
        self._end(reason)
        if transport is None or transport.is_closing():
            return
        if last:
            transport.write(last)
        if transport.can_write_eof():
            # Only our half closes. A close with bytes unread would reset the connection, and the
            # peer might never see `last`. It closes its half, or the timer does.
            try:
                transport.write_eof()
            except OSError:  # the peer has closed, and the loop has not seen it yet
                transport.abort()
                return
            if not transport.is_reading():
                transport.resume_reading()  # else its half of the close would go unseen
            asyncio.get_running_loop().call_later(self.linger_seconds, transport.abort)
        else:
            transport.close()

    def pause_writing(self) -> None:
        """Something has to wait in the transport's buffer (asyncio.Protocol)."""
        self.fd = _BUFFERED

    def resume_writing(self) -> None:
        """Nothing waits any more (asyncio.Protocol)."""
        self.is_congested = False
        self._excused_bytes = 0
        if self.is_open and self.transport is not None:
            self.fd = _direct(self.transport)
            self.on_clear()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone (asyncio.Protocol)."""
        self._end("transport close" if exc is None else "transport error")
        self.transport = None

    def on_clear(self) -> None:
        """Hook: a congested connection may be written to freely again."""

    def on_end(self, reason: str) -> None:
        """Hook: the connection is over. Called exactly once."""

    def _put_behind(self, data: bytes) -> None:
        transport = self.transport
        if not self.is_open or transport is None or transport.is_closing():
            return  # a broken one would log every write until the loop tells us
        transport.write(data)
        waiting = transport.get_write_buffer_size()
        if not waiting:  # taken at once after all, so there will be no resume_writing
            self.fd = _direct(transport)
        elif waiting > self.limits.max_queued_bytes + self._excused_bytes:
            self.abort(SLOW)
        else:
            self.is_congested = self.is_congested or waiting > CONGESTED_BYTES

    def _end(self, reason: str) -> None:
        self.fd = _BUFFERED  # at once: the number may soon be another socket's
        if self.is_open:
            self.is_open = False
            self.counters.closed[reason] += 1
            self.on_end(reason)


def _direct(transport: asyncio.Transport) -> int:
    """The descriptor to write to past the transport: of a plain socket with nothing in its buffer."""
    if transport.get_write_buffer_size() or transport.get_extra_info("sslcontext") is not None or os.name != "posix":
        return _BUFFERED
    raw = transport.get_extra_info("socket")
    return _BUFFERED if raw is None else raw.fileno()


def write_all(connections: Sequence[ConnectionWriter], packet: Packet) -> None:
    """Send one packet to many: the hot loop, a system call per connection and next to nothing else.

    The caller slices: 10,000 writes in one go block the loop for 70 ms.
    """
    formats = {connection.format for connection in connections}
    for form in formats:
        group = connections if len(formats) == 1 else [one for one in connections if one.format is form]
        data = packet.encoded(form)
        _put_all(group, data)
        counters = group[0].counters
        counters.packets_out += len(group)
        counters.bytes_out += len(group) * len(data)


def _put_all(connections: Sequence[ConnectionWriter], data: bytes) -> None:
    """`put` for many, written out: the call alone would cost a tenth of the system call."""
    write, size = os.write, len(data)
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
