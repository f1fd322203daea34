"""The sending half of any connection: bytes go straight to the transport, up to a cap.

The promise: whatever is put leaves in the order it was put. There is no queue, task or writer per
client; the transport's own buffer is the queue, and who lets it grow past the cap is cut off.
A WebSocket and a stream of server-sent events are both an outlet.
"""

import asyncio
from collections.abc import Callable, Iterable
from typing import ClassVar, NamedTuple

from .counter import SLOW, Counters
from .packet import Format, Packet, socketio_frames


class Limits(NamedTuple):
    """What one connection may hold, in bytes. Shared by all of a server's connections."""

    max_queued_bytes: int = 1_000_000
    max_message_bytes: int = 1_000_000


def discard(_data: bytes) -> None:
    """Where a closed connection's bytes go."""


class Outlet(asyncio.Protocol):
    """A transport with a byte cap. `put` takes bytes already in this connection's `format`."""

    __slots__ = ("_excused_bytes", "address", "counters", "format", "is_congested", "limits", "put", "transport")

    linger_seconds: ClassVar[float] = 1.0

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        self.limits = limits
        self.counters = counters
        self.address = address
        self.transport: asyncio.Transport | None = None
        self.format: Format = socketio_frames
        self.put: Callable[[bytes], object] = discard
        self.is_congested = False
        self._excused_bytes = 0

    @property
    def is_open(self) -> bool:
        """Whether what is written now has a chance to arrive."""
        return self.put is not discard

    def begin(self, transport: asyncio.Transport) -> None:
        """Own this transport from now on."""
        self.transport = transport
        self.put = transport.write
        transport.set_protocol(self)

    def write(self, packet: Packet) -> None:
        """Send a packet. Never raises for a dead peer."""
        data = packet.encoded(self.format)
        self.counters.packets_out += 1
        self.counters.bytes_out += len(data)
        self.put(data)

    def put_reply(self, data: bytes) -> None:
        """Send the answer to a request. It does not count towards the cap while it is in flight."""
        self._excused_bytes += len(data)
        self.put(data)
        if not self.is_congested:
            self._excused_bytes = 0

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
            transport.write_eof()
            if not transport.is_reading():
                transport.resume_reading()  # else its half of the close would go unseen
            asyncio.get_running_loop().call_later(self.linger_seconds, transport.abort)
        else:
            transport.close()

    def pause_writing(self) -> None:
        """The peer takes less than it is sent (asyncio.Protocol)."""
        if not self.is_open:
            return
        self.is_congested = True
        self.put = self._put_capped
        self._check_cap()

    def resume_writing(self) -> None:
        """The peer has caught up (asyncio.Protocol)."""
        self.is_congested = False
        self._excused_bytes = 0
        if self.is_open and self.transport is not None:
            self.put = self.transport.write
            self.on_clear()

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone (asyncio.Protocol)."""
        self._end("transport close" if exc is None else "transport error")
        self.transport = None

    def on_clear(self) -> None:
        """Hook: a congested connection may be written to freely again."""

    def on_end(self, reason: str) -> None:
        """Hook: the connection is over. Called exactly once."""

    def _put_capped(self, data: bytes) -> None:
        if self.transport is not None:
            self.transport.write(data)
            self._check_cap()

    def _check_cap(self) -> None:
        allowed = self.limits.max_queued_bytes + self._excused_bytes
        if self.transport is not None and self.transport.get_write_buffer_size() > allowed:
            self.abort(SLOW)

    def _end(self, reason: str) -> None:
        if self.is_open:
            self.put = discard
            self.counters.closed[reason] += 1
            self.on_end(reason)


def write_all(connections: Iterable[Outlet], packet: Packet) -> None:
    """Send one packet to many: the hot loop. One call into C per connection, nothing else.

    The caller slices: 10,000 writes in one go block the loop for 70 ms.
    """
    form: Format | None = None
    data = b""
    count = packets = octets = 0
    counters: Counters | None = None
    for connection in connections:
        if connection.format is not form:
            octets += (packets - count) * len(data)
            count = packets
            form = connection.format
            data = packet.encoded(form)
            counters = connection.counters
        connection.put(data)
        packets += 1
    if counters is not None:
        counters.packets_out += packets
        counters.bytes_out += octets + (packets - count) * len(data)
