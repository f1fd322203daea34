"""Packets whose binary attachments are still to come, one a connection."""

from collections.abc import Callable
from typing import Any

from socketio.packet import Packet as SocketPacket

from .message import Malformed, Message, decode


class Attachments:
    """Puts a packet and the binary messages behind it together again."""

    def __init__(self, most: int, loads: Callable[[str], Any]) -> None:
        self._most = most
        self._loads = loads
        self._waiting: dict[str, tuple[Message, list[bytes]]] = {}

    def complete(self, sid: str, data: str | bytes) -> Message | None:
        """A whole message, or None while attachments are missing. Raises Malformed."""
        waiting = self._waiting.get(sid)
        if waiting is None:
            return self._begin(sid, data)
        message, attachments = waiting
        if isinstance(data, str):
            raise Malformed("attachment missing")
        attachments.append(data)
        if len(attachments) < message.attachments:
            return None
        del self._waiting[sid]
        try:
            whole = SocketPacket.reconstruct_binary(message.data, attachments)
        except (IndexError, TypeError, RecursionError) as fault:
            raise Malformed("placeholder") from fault
        return Message(message.type, message.namespace, message.ack_id, whole)

    def forget(self, sid: str) -> None:
        """The connection is over."""
        self._waiting.pop(sid, None)

    def _begin(self, sid: str, data: str | bytes) -> Message | None:
        if isinstance(data, bytes):
            raise Malformed("attachment without a packet")
        message = decode(data, self._loads)
        if message.attachments > self._most:
            raise Malformed("too many attachments")
        if not message.attachments:
            return message
        self._waiting[sid] = (message, [])
        return None
