"""Decodes Socket.IO packets of clients as strictly as the reference parser.

Any other input is Malformed and closes the connection. There is one exception: an event with an ack id and an
unreadable payload becomes a packet without data, so that the server can acknowledge it.
"""

import json
import re
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import msgspec

CONNECT: Final = 0
DISCONNECT: Final = 1
EVENT: Final = 2
ACK: Final = 3
CONNECT_ERROR: Final = 4
BINARY_EVENT: Final = 5
BINARY_ACK: Final = 6

# A client with these events could call the server's own handlers.
RESERVED_EVENTS: Final = frozenset(
    {"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"}
)

_LONGEST_NUMBER: Final = 15  # an id must survive JavaScript's numbers
_DIGITS: Final = re.compile(rf"[0-9]{{0,{_LONGEST_NUMBER + 1}}}")


def read_json(text: str) -> Any:
    """Decode the JSON of the reference parser. Raises ValueError or RecursionError for anything else.

    JavaScript writes half a surrogate pair, as of a name cut in two, as an escape. msgspec refuses the escape, but
    its request must be answered and not close the connection, so Python's json reads it.
    """
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return json.loads(text, parse_constant=_refuse_constant)


def _refuse_constant(name: str) -> None:
    """Refuse NaN and Infinity, an extension of Python."""
    raise Malformed(name)


class Malformed(ValueError):
    """The packet is not valid."""


class DecodedPacket(NamedTuple):
    """One packet. `data` is its JSON payload. `ack_id` is None if the client wants no acknowledgement.

    An event without data has an unreadable payload and wants an acknowledgement.
    """

    type: int
    namespace: str
    ack_id: int | None
    data: Any
    attachments: int = 0
    size: int = 0  # characters and bytes, attachments included


def decode(text: str, loads: Callable[[str], Any]) -> DecodedPacket:
    """Decode `<type>[<attachments>-][<namespace>,][<ack id>][<JSON>]`. Raises Malformed."""
    kind = "0123456".find(text[0]) if text else -1
    if kind < 0:
        raise Malformed("packet type")
    at, attachments = 1, 0
    if kind >= BINARY_EVENT:
        attachments, at = _number(text, at)
        if at == 1 or text[at : at + 1] != "-":
            raise Malformed("attachments")
        at += 1
    namespace = "/"
    if text[at : at + 1] == "/":
        comma = text.find(",", at)
        stop = comma if comma >= 0 else len(text)
        namespace = text[at:stop].partition("?")[0]
        at = stop + 1
    start = at
    number, at = _number(text, at)
    ack_id = number if at > start else None
    try:
        data = loads(text[at:]) if at < len(text) else None
        if not _is_sound(kind, data, has_payload=at < len(text)) or (kind in {ACK, BINARY_ACK} and ack_id is None):
            raise Malformed("payload")
    except (ValueError, RecursionError) as fault:
        if kind != EVENT or ack_id is None:
            raise Malformed("payload") from fault
        data = None
    return DecodedPacket(kind, namespace, ack_id, data, attachments, len(text))


def _number(text: str, at: int) -> tuple[int, int]:
    digits = _DIGITS.match(text, at)
    assert digits is not None, "the pattern matches an empty text too"
    stop = digits.end()
    if stop - at > _LONGEST_NUMBER:
        raise Malformed("number")
    return (int(text[at:stop]) if stop > at else 0), stop


def _is_sound(kind: int, data: Any, *, has_payload: bool) -> bool:
    if kind == CONNECT:
        return not has_payload or isinstance(data, dict)
    if kind == DISCONNECT:
        return not has_payload
    if kind in {EVENT, BINARY_EVENT}:
        return isinstance(data, list) and bool(data) and isinstance(data[0], str) and data[0] not in RESERVED_EVENTS
    return kind in {ACK, BINARY_ACK} and isinstance(data, list)
