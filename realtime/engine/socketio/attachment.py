"""Collects the binary attachments of packets, one incomplete packet per connection.

A packet with too many attachments is not a protocol fault. Its attachments are dropped, and the server can
acknowledge it.
"""

from collections.abc import Callable
from typing import Any

from socketio.packet import Packet as SocketPacket

from realtime.engine.socketio.decoder import DecodedPacket, Malformed, decode


class PartialPacket:
    """A packet and its attachments so far. `parts` is None if the attachments are dropped."""

    __slots__ = ("bytes_left", "left", "packet", "parts")

    def __init__(self, packet: DecodedPacket, parts: list[bytes] | None, bytes_left: int) -> None:
        self.packet = packet
        self.parts = parts
        self.left = packet.attachments
        self.bytes_left = bytes_left

    def take(self, data: bytes) -> None:
        """Take the next attachment. One that is too large drops all of them."""
        self.left -= 1
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            self.parts = None
        if self.parts is not None:
            self.parts.append(data)


class Attachments:
    """Joins a packet and the binary messages behind it.

    A packet has at most `most` attachments, and at most `most_bytes` in all of them.
    """

    def __init__(self, most: int, most_bytes: int, loads: Callable[[str], Any]) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._loads = loads
        self._waiting: dict[str, PartialPacket] = {}

    def complete(self, eio_sid: str, data: str | bytes) -> DecodedPacket | None:
        """Return a whole packet, or None while attachments are missing. Raises Malformed.

        A packet without data had too many attachments.
        """
        waiting = self._waiting.get(eio_sid)
        if waiting is None:
            return self._begin(eio_sid, data)
        if isinstance(data, str):
            raise Malformed("attachment missing")
        waiting.take(data)
        if waiting.left:
            return None
        del self._waiting[eio_sid]
        packet = waiting.packet
        if waiting.parts is None:
            return packet._replace(data=None)
        try:
            whole = SocketPacket.reconstruct_binary(packet.data, waiting.parts)
        except (IndexError, TypeError, RecursionError) as fault:
            raise Malformed("placeholder") from fault
        return packet._replace(data=whole, attachments=0, size=packet.size + sum(map(len, waiting.parts)))

    def forget(self, eio_sid: str) -> None:
        """Forget a connection that has ended."""
        self._waiting.pop(eio_sid, None)

    def _begin(self, eio_sid: str, data: str | bytes) -> DecodedPacket | None:
        if isinstance(data, bytes):
            raise Malformed("attachment without a packet")
        packet = decode(data, self._loads)
        if not packet.attachments:
            return packet
        is_taken = packet.attachments <= self._most
        if not is_taken:
            packet = packet._replace(data=None)
        self._waiting[eio_sid] = PartialPacket(packet, [] if is_taken else None, self._most_bytes)
        return None
