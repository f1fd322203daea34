"""Encodes and unmasks RFC 6455 frames. It keeps no state: `websocket` does."""

from collections.abc import Iterable
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
    """The close codes of this server (RFC 6455, 7.4.1)."""

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
_SHORT_HEAD: Final = 6  # of a masked frame; with a length of two bytes it has two more
_WHOLE_TEXT: Final = FIN | Opcode.TEXT
_NO_MASK: Final = b"\0\0\0\0"


def encode_frame(opcode: int, payload: bytes) -> bytes:
    """Return one whole frame without a mask, as a server sends it."""
    size = len(payload)
    head = FIN | opcode
    if size < TWO_BYTE_LENGTH:
        return bytes((head, size)) + payload
    if size < 1 << 16:
        return bytes((head, TWO_BYTE_LENGTH)) + size.to_bytes(2, "big") + payload
    return bytes((head, EIGHT_BYTE_LENGTH)) + size.to_bytes(8, "big") + payload


def encode_close(code: int, reason: str = "") -> bytes:
    """Return a close frame. The reason is cut to the size of a control frame."""
    text = reason.encode()[: MAX_CONTROL_BYTES - 2]
    return encode_frame(Opcode.CLOSE, code.to_bytes(2, "big") + text.decode(errors="ignore").encode())


def unmask(mask: bytes, payload: bytes) -> bytes:
    """XOR the payload with the repeated mask, as one big integer. 1 MB takes about 1 ms without C code."""
    size = len(payload)
    if mask == _NO_MASK or not size:
        return bytes(payload)
    key = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "little") ^ int.from_bytes(key, "little")
    return mixed.to_bytes(size, "little")


def encode_texts(texts: Iterable[bytes]) -> bytes:
    """Return the frames of these texts. Many of them have the same length, so its head is encoded once."""
    heads = dict[int, bytes]()
    parts = list[bytes]()
    for text in texts:
        size = len(text)
        head = heads.get(size)
        if head is None:
            head = heads[size] = encode_frame(Opcode.TEXT, text)[: -size or None]
        parts += (head, text)
    return b"".join(parts)


def whole_texts(data: bytes) -> tuple[list[bytes], list[int]]:
    """Return the text messages of one whole frame each at the begin of the data, and the position behind each.

    It ends before anything else, also before a frame that is not valid. An overloaded server reads most messages
    here, so the loop is written for speed: 1 us a message instead of 2.
    """
    texts, stops = list[bytes](), list[int]()
    at, end = 0, len(data)
    while end - at > _SHORT_HEAD + 2 and data[at] == _WHOLE_TEXT and data[at + 1] >= MASKED:
        size, start = data[at + 1] - MASKED, at + _SHORT_HEAD
        is_long = size == TWO_BYTE_LENGTH
        if is_long:
            size, start = data[at + 2] << 8 | data[at + 3], start + 2
        at = start + size
        if at > end or is_long is not (size >= TWO_BYTE_LENGTH):  # incomplete, or a length in another form
            break
        mask, text = data[start - 4 : start], data[start:at]
        if mask != _NO_MASK:
            text = unmask(mask, text)
        if not text.isascii() and not _is_utf8(text):
            break
        texts.append(text)
        stops.append(at)
    return texts, stops


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode()
    except UnicodeDecodeError:
        return False
    return True


def is_close_code(code: int) -> bool:
    """Return whether a peer may send this code (RFC 6455, 7.4, and the IANA registry)."""
    return 3000 <= code <= 4999 or (1000 <= code <= 1014 and code not in {1004, 1005, 1006})  # noqa: PLR2004
