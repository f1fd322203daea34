"""RFC 6455 frames as bytes: what the server writes, and how what it reads is unmasked.

No state lives here; `websocket` keeps it.
"""

from enum import IntEnum
from typing import Final


class Opcode(IntEnum):
    """Frame types (RFC 6455, 5.2)."""

    CONTINUATION = 0x0
    TEXT = 0x1
    BINARY = 0x2
    CLOSE = 0x8
    PING = 0x9
    PONG = 0xA


class CloseCode(IntEnum):
    """Why a WebSocket ends (RFC 6455, 7.4.1); only those that this server sends."""

    NORMAL = 1000
    GOING_AWAY = 1001
    PROTOCOL_ERROR = 1002
    UNSUPPORTED = 1003
    INVALID_TEXT = 1007
    POLICY = 1008
    TOO_BIG = 1009


FIN: Final = 0x80
RESERVED_BITS: Final = 0x70
MASKED: Final = 0x80
CONTROL: Final = 0x8
MAX_CONTROL_BYTES: Final = 125
TWO_BYTE_LENGTH: Final = 126
EIGHT_BYTE_LENGTH: Final = 127
_NO_MASK: Final = b"\0\0\0\0"


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """One whole, unmasked frame, as a server sends it."""
    size = len(payload)
    head = FIN | opcode
    if size < TWO_BYTE_LENGTH:
        return bytes((head, size)) + payload
    if size < 1 << 16:
        return bytes((head, TWO_BYTE_LENGTH)) + size.to_bytes(2, "big") + payload
    return bytes((head, EIGHT_BYTE_LENGTH)) + size.to_bytes(8, "big") + payload


def encode_close(code: int, reason: str = "") -> bytes:
    """A close frame; the reason is cut to what a control frame holds."""
    text = reason.encode()[: MAX_CONTROL_BYTES - 2]
    return encode_frame(Opcode.CLOSE, code.to_bytes(2, "big") + text.decode(errors="ignore").encode())


def unmask(mask: bytes, payload: bytes) -> bytes:
    """XOR with the repeated mask, as one big integer: 1 MB takes about 1 ms and needs no C."""
    size = len(payload)
    if mask == _NO_MASK or not size:
        return bytes(payload)
    key = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
    return mixed.to_bytes(size, "little")


def is_close_code(code: int) -> bool:
    """Whether a peer may send this code (RFC 6455, 7.4, and the IANA registry)."""
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in {1004, 1005, 1006})  # noqa: PLR2004
