"""Packets whose binary attachments are still to come, one a connection.

A packet with more attachments than are taken is not a fault: they are read and thrown away, and who waits for its
answer is told.
"""

from collections.abc import Callable
from typing import Any

from socketio.packet import Packet as SocketPacket

from realtime.engine.socketio.message import Malformed, Message, decode


class Partial:
    """A packet, and what has come of its attachments; `parts` is None where they are thrown away."""

    __slots__ = ("bytes_left", "left", "message", "parts")

    def __init__(self, message: Message, parts: list[bytes] | None, bytes_left: int) -> None:
        self.message = message
        self.parts = parts
        self.left = message.attachments
        self.bytes_left = bytes_left

    def take(self, data: bytes) -> None:
        """Take the next attachment; one too large turns all of them away."""
        self.left -= 1
        self.bytes_left -= len(data)
        if self.bytes_left < 0:
            self.parts = None
        if self.parts is not None:
            self.parts.append(data)


class Attachments:
    """Puts a packet and the binary messages behind it together again.

    A packet has `most` attachments at most, of `most_bytes` together.
    """

    def __init__(self, most: int, most_bytes: int, loads: Callable[[str], Any]) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._loads = loads
        self._waiting: dict[str, Partial] = {}

    def complete(self, sid: str, data: str | bytes) -> Message | None:
        """A whole message, or None while attachments are missing; one without data was refused. Raises Malformed."""
        waiting = self._waiting.get(sid)
        if waiting is None:
            return self._begin(sid, data)
        if isinstance(data, str):
            raise Malformed("attachment missing")
        waiting.take(data)
        if waiting.left:
            return None
        del self._waiting[sid]
        message = waiting.message
        if waiting.parts is None:
            return message._replace(data=None)
        try:
            whole = SocketPacket.reconstruct_binary(message.data, waiting.parts)
        except (IndexError, TypeError, RecursionError) as fault:
            raise Malformed("placeholder") from fault
        return message._replace(data=whole, attachments=0, size=message.size + sum(map(len, waiting.parts)))

    def forget(self, sid: str) -> None:
        """The connection is over."""
        self._waiting.pop(sid, None)

    def _begin(self, sid: str, data: str | bytes) -> Message | None:
        if isinstance(data, bytes):
            raise Malformed("attachment without a packet")
        message = decode(data, self._loads)
        if not message.attachments:
            return message
        is_taken = message.attachments <= self._most
        if not is_taken:
            message = message._replace(data=None)
        self._waiting[sid] = Partial(message, [] if is_taken else None, self._most_bytes)
        return None
