"""Encodes Socket.IO packets: JSON, and the formats of events for WebSocket and long polling."""

import json
from typing import Any

import msgspec

from realtime.engine.engineio.mailbox import SEPARATOR
from realtime.engine.packet import Event, Packet
from realtime.engine.websocket.frame import Opcode, encode_frame


class Encoded:
    """JSON as bytes. A handler returns it as the one argument of its acknowledgement."""

    __slots__ = ("json",)

    def __init__(self, json: bytes) -> None:
        self.json = json


def write_json(value: Any) -> bytes:
    """Return JSON. Half a surrogate pair, which UTF-8 cannot express, becomes an escape.

    Raises TypeError for a value that is no JSON.
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
    """Convert subclasses of JSON's types to the types themselves. Python's json takes them, msgspec does not."""
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


def namespace_prefix(namespace: str) -> bytes:
    """Return a packet's namespace with its comma. The default namespace has none."""
    return b"" if namespace == "/" else namespace.encode() + b","


def event_text(event: Event) -> bytes:
    """Return the EVENT packet in its Engine.IO message, as text."""
    comma = b"," if event.payload else b""
    return b"42%b[%b%b%b]" % (namespace_prefix(event.namespace), event.name, comma, event.payload)


def socketio_frames(packet: Packet) -> bytes:
    """Format a packet for Socket.IO over WebSocket: one text frame per event."""
    return b"".join([encode_frame(Opcode.TEXT, event_text(event)) for event in packet.events])


def socketio_text(packet: Packet) -> bytes:
    """Format a packet for Socket.IO over long polling: text packets with separators between."""
    return SEPARATOR.join([event_text(event) for event in packet.events])
