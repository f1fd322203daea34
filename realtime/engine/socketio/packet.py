"""What leaves: events, encoded once for each kind of connection however many receive them.

A *format* is a function from a packet to the bytes that one kind of connection wants. A new kind of
connection is a new function; `Packet.encoded` calls it the first time that someone asks.
"""

import json
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeAlias

import msgspec

from realtime.engine.websocket.frame import Opcode, encode_frame

SEPARATOR: Final = b"\x1e"  # between two packets of one polling payload


def write_json(value: Any) -> bytes:
    """JSON. Half of a surrogate pair, which UTF-8 cannot say and clients may have sent, goes out as an escape.

    Raises TypeError for what is no JSON.
    """
    try:
        return msgspec.json.encode(value)
    except TypeError:  # perhaps a subclass of str or float (numpy's), or a key that is None
        value = _plain(value)
    except UnicodeEncodeError:
        return _escaped(value)
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return _escaped(value)


def _escaped(value: Any) -> bytes:
    return json.dumps(msgspec.to_builtins(value), separators=(",", ":")).encode()


def _plain(value: Any) -> Any:
    """Subclasses of JSON's types as the types themselves, as Python's json takes them and msgspec does not."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, float):
        return float.__float__(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return int.__int__(value)
    if isinstance(value, dict):
        return {_plain_key(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item) for item in value]
    return value


def _plain_key(key: Any) -> Any:
    return json.dumps(key) if key is None or isinstance(key, bool) else _plain(key)


class Encoded:
    """JSON that is already bytes. A handler returns it as the one argument of its acknowledgement."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


class Event(NamedTuple):
    """One event. `payload` is the JSON of its argument (or of several, with commas between).

    `id` is for transports that number their events (server-sent events); Socket.IO does not.
    """

    namespace: str
    name: bytes
    payload: bytes
    id: bytes = b""

    def text(self) -> bytes:
        """The Socket.IO packet inside its Engine.IO message, as text."""
        comma = b"," if self.payload else b""
        return b"42%b[%b%b%b]" % (namespace_prefix(self.namespace), self.name, comma, self.payload)


class Packet:
    """Events that go out in one write, in order."""

    __slots__ = ("_encodings", "events")

    def __init__(self, events: Iterable[Event]) -> None:
        self.events = tuple(events)
        self._encodings: dict[Format, bytes] = {}

    @staticmethod
    def join(packets: "Iterable[Packet]") -> "Packet":
        """All their events, in one write."""
        return Packet(event for packet in packets for event in packet.events)

    def encoded(self, form: "Format") -> bytes:
        """The bytes in this format, made on the first call."""
        data = self._encodings.get(form)
        if data is None:
            data = self._encodings[form] = form(self)
        return data


Format: TypeAlias = Callable[[Packet], bytes]


def socketio_frames(packet: Packet) -> bytes:
    """Socket.IO over WebSocket: a text frame an event."""
    return b"".join([encode_frame(Opcode.TEXT, event.text()) for event in packet.events])


def socketio_text(packet: Packet) -> bytes:
    """Socket.IO over long polling: text packets with a separator between."""
    return SEPARATOR.join([event.text() for event in packet.events])


def namespace_prefix(namespace: str) -> bytes:
    """How a Socket.IO packet names its namespace; the default one goes unnamed."""
    return b"" if namespace == "/" else namespace.encode() + b","
