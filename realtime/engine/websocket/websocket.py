"""One WebSocket connection: socket, RFC 6455 framing and byte cap in a single slotted object.

It owns its transport (see `handshake`) and has no task, no queue and no stream reader. Messages go to `on_text` and
`on_binary`, in order. A subclass applies back-pressure with `pause_reading`: bytes wait in the kernel until
`resume_reading`, and the client is slowed down.
"""

import asyncio
import select
import time
from typing import Final

from realtime.engine.budget import cost_of
from realtime.engine.connection_writer import ConnectionWriter, Limits
from realtime.engine.counters import Counters
from realtime.engine.reading_line import Conduct
from realtime.engine.websocket.frame import (
    CONTROL,
    EIGHT_BYTE_LENGTH,
    FIN,
    MASKED,
    MAX_CONTROL_BYTES,
    RESERVED_BITS,
    TWO_BYTE_LENGTH,
    CloseCode,
    Opcode,
    encode_close,
    encode_frame,
    is_close_code,
    unmask,
)

_WHOLE_TEXT: Final = FIN | Opcode.TEXT
_OPCODES: Final = frozenset(Opcode)
_SHORTEST_HEAD: Final = 2
_MASK_BYTES: Final = 4
_LONG_BYTES: Final = 16_384  # an incomplete frame of more bytes has a deadline
_GONE_BYTES: Final = 16_384  # so many waiting bytes are dropped once their sender has gone
_HANG_UP: Final = getattr(select, "POLLRDHUP", 0)  # Linux only
READ_BYTES: Final = 200_000  # a read of fewer bytes has emptied the socket: uvloop reads up to 256,000, asyncio 256 KB
_FRAMES_AN_ITERATION: Final = 2_000  # of 1 to 3 us each; one read of asyncio is 256 KB, up to 43,000 frames


class Violation(Exception):
    """The peer broke the protocol."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class WebSocket(ConnectionWriter):
    """The server's end of one WebSocket connection."""

    __slots__ = (
        "_begun_at",
        "_message",
        "_message_opcode",
        "_needed_bytes",
        "_tail",
        "conduct",
        "is_reading_paused",
        "late_since",
    )

    def __init__(self, limits: Limits, counters: Counters, address: str) -> None:
        super().__init__(limits, counters, address)
        self.is_reading_paused = False
        self._begun_at = 0.0
        self._tail: bytearray | None = None  # the bytes of an incomplete frame
        self._needed_bytes = 0  # the length of the tail at which reading it makes sense
        self._message: bytearray | None = None  # the fragments so far
        self._message_opcode = 0
        self.conduct: Conduct | None = None
        self.late_since = 0.0  # by time.monotonic: messages may have waited in the line since then; 0 if they have not

    def begin(self, transport: asyncio.Transport) -> None:
        """Take over this transport; read from it unless reading is paused."""
        super().begin(transport)
        if self.is_reading_paused:
            transport.pause_reading()

    def on_text(self, text: str) -> None:
        """Hook: take a whole text message of valid UTF-8."""

    def on_binary(self, data: bytes) -> None:
        """Hook: take a whole binary message."""

    def pause_reading(self) -> None:
        """Stop reading until `resume_reading`."""
        if not self.is_reading_paused:
            self.is_reading_paused = True
            if self.transport is not None:
                self.transport.pause_reading()

    def resume_reading(self) -> None:
        """Continue: first with the bytes that were read already, then with the socket."""
        if not self.is_reading_paused:
            return
        if self._tail is not None and len(self._tail) > _GONE_BYTES and self.has_peer_gone:
            self.abort("transport close")
            return
        self.is_reading_paused = False
        self._needed_bytes = 0
        self.data_received(b"")
        if not self.is_reading_paused and self.is_open and self.transport is not None:
            self.transport.resume_reading()

    def delay_reading(self, seconds: float) -> None:
        """Leave the client's bytes in the kernel for this time. Drop them if it closes meanwhile."""
        self.begin_delay()
        asyncio.get_running_loop().call_later(seconds, self.end_delay)

    def begin_delay(self) -> None:
        """Leave the client's bytes in the kernel until `end_delay`."""
        self.pause_reading()

    def end_delay(self) -> None:
        """Read on, unless the client has gone."""
        if self.has_peer_gone:
            self.abort("transport close")
        else:
            self.read_on()

    def enter_line(self) -> None:
        """Read nothing until `leave_line` (ReadingLine)."""
        self.late_since = self.late_since or time.monotonic()
        self.begin_delay()

    def leave_line(self) -> None:
        """Read on. The bytes that wait are late (ReadingLine)."""
        if not self.has_unread:
            self.late_since = 0.0
        self.end_delay()

    def read_late(self, data: bytes) -> None:
        """Read bytes that may have waited in the line. The bytes behind a short read have not."""
        WebSocket.data_received(self, self.refuse_late(data) if self._message is None else data)
        if 0 < len(data) < READ_BYTES and not self.is_reading_paused:
            self.late_since = 0.0

    def refuse_late(self, data: bytes) -> bytes:
        """Hook: refuse late messages together. Return the bytes of the others."""
        return data

    @property
    def has_unread(self) -> bool:
        """Return whether bytes of the client wait to be read."""
        return self._tail is not None or self._polls(select.POLLIN)

    @property
    def is_between_frames(self) -> bool:
        """Return whether the next byte is read at once and begins a message."""
        return self._tail is None and self._message is None and not self.is_reading_paused

    @property
    def has_peer_gone(self) -> bool:
        """Return whether the peer has closed or reset the connection, also while its earlier bytes are unread."""
        return bool(_HANG_UP) and self._polls(_HANG_UP)

    def _polls(self, event: int) -> bool:
        raw = self.transport.get_extra_info("socket") if self.transport is not None else None
        if raw is None:
            return False
        poll = select.poll()
        poll.register(raw.fileno(), event)
        return any(found & event for _, found in poll.poll(0))

    def on_writable(self) -> None:
        """Read on (ConnectionWriter)."""
        self.read_on()

    def read_on(self) -> None:
        """Resume reading. A subclass first checks whether anything is in the way."""
        self.resume_reading()

    def shut(self, code: int, reason: str) -> None:
        """End the connection with a close frame."""
        self.finish(reason, encode_close(code, reason))

    def data_received(self, data: bytes) -> None:
        """Read the frames of these bytes (asyncio.Protocol)."""
        if not self.is_open:
            return
        tail = self._tail
        if tail is not None:
            tail += data
            if len(tail) < self._needed_bytes or self.is_reading_paused:
                return
            data = bytes(tail)
            self._tail = None
        try:
            rest = self._read_frames(data)
        except Violation as violation:
            self.shut(violation.code, violation.reason)
        else:
            if rest < len(data):
                self.keep_tail(data[rest:] if rest else data)

    def keep_tail(self, rest: bytes) -> None:
        """Keep the first bytes of an incomplete frame."""
        if self.is_open:
            self._tail = bytearray(rest)
            if self._needed_bytes > _LONG_BYTES and self._message is None:  # else the message has its deadline
                self._expect_end()

    def _read_frames(self, data: bytes) -> int:
        """Read whole frames. Return the position of the first incomplete one."""
        at, end, frames = 0, len(data), 0
        while end - at >= _SHORTEST_HEAD and not self.is_reading_paused and self.is_open:
            head, size = data[at], data[at + 1] & ~MASKED
            if head != _WHOLE_TEXT or self._message is not None:
                self._check_head(head, size)
            if data[at + 1] < MASKED:
                raise Violation(CloseCode.PROTOCOL_ERROR, "frame without a mask")
            start = at + _SHORTEST_HEAD + _MASK_BYTES
            if size >= TWO_BYTE_LENGTH:
                start += 2 if size == TWO_BYTE_LENGTH else 8
                if end < start - _MASK_BYTES:
                    self._needed_bytes = start - at - _MASK_BYTES
                    return at
                size = self._read_length(data[at + 2 : start - _MASK_BYTES], size)
            stop = start + size
            if end < stop:
                self._needed_bytes = stop - at
                return at
            payload = unmask(data[start - _MASK_BYTES : start], data[start:stop])
            at = stop
            if self.budget is not None and not self.spend(cost_of(size)):
                return at
            frames += 1
            if frames == _FRAMES_AN_ITERATION:
                self.pause_reading()
                asyncio.get_running_loop().call_soon(self.read_on)
            if head == _WHOLE_TEXT:
                self.on_text(_decode(payload))
            else:
                self._take(head, payload)
        self._needed_bytes = _SHORTEST_HEAD
        return at

    def _check_head(self, head: int, size: int) -> None:
        """Refuse a bad frame by its first bytes, before its payload (RFC 6455, 5.2 to 5.5)."""
        opcode = head & 0x0F
        if head & RESERVED_BITS:
            raise Violation(CloseCode.PROTOCOL_ERROR, "reserved bit")
        if opcode not in _OPCODES:
            raise Violation(CloseCode.PROTOCOL_ERROR, "unknown opcode")
        if opcode & CONTROL:
            if not head & FIN:
                raise Violation(CloseCode.PROTOCOL_ERROR, "fragmented control frame")
            if size > MAX_CONTROL_BYTES:
                raise Violation(CloseCode.PROTOCOL_ERROR, "control frame too long")
        elif (opcode == Opcode.CONTINUATION) is (self._message is None):
            raise Violation(CloseCode.PROTOCOL_ERROR, "fragment out of place")

    def _read_length(self, encoded: bytes, size: int) -> int:
        """Read an extended length. Refuse one that is not in its shortest form, or too large."""
        length = int.from_bytes(encoded, "big")
        if length < (TWO_BYTE_LENGTH if size < EIGHT_BYTE_LENGTH else 1 << 16) or length >> 63:
            raise Violation(CloseCode.PROTOCOL_ERROR, "length not in its shortest form")
        self._check_size(length)
        return length

    def _check_size(self, size: int) -> None:
        if size + len(self._message or b"") > self.limits.max_message_bytes:
            raise Violation(CloseCode.TOO_BIG, "message too big")

    def _take(self, head: int, payload: bytes) -> None:
        """Take a frame that is not a whole text message."""
        opcode = head & 0x0F
        if opcode == Opcode.PING:
            self.put(encode_frame(Opcode.PONG, payload))
        elif opcode == Opcode.CLOSE:
            self._take_close(payload)
        elif not opcode & CONTROL:
            self._take_fragment(opcode, payload, is_last=head & FIN != 0)

    def _take_fragment(self, opcode: int, payload: bytes, *, is_last: bool) -> None:
        if opcode != Opcode.CONTINUATION:
            self._message_opcode = opcode
            if is_last:
                self._deliver(payload)
                return
            self._message = bytearray()
            self._expect_end()
        self._check_size(len(payload))
        assert self._message is not None
        self._message += payload
        if is_last:
            whole, self._message = bytes(self._message), None
            self._deliver(whole)

    def _expect_end(self) -> None:
        """Close unless the message ends in time. The timer keeps none of its bytes."""
        if self.limits.message_seconds:
            loop = asyncio.get_running_loop()
            self._begun_at = loop.time()
            loop.call_later(self.limits.message_seconds, self._end_if_late, self._begun_at)

    def _end_if_late(self, begun_at: float) -> None:
        is_coming = self._message is not None or (self._tail is not None and len(self._tail) < self._needed_bytes)
        if not self.is_open or not is_coming or begun_at != self._begun_at:
            return
        if self.is_reading_paused:  # the rest may wait unread in the kernel
            self._expect_end()
        else:
            self.shut(CloseCode.POLICY, "message timeout")

    def _deliver(self, whole: bytes) -> None:
        if self._message_opcode == Opcode.TEXT:
            self.on_text(_decode(whole))
        else:
            self.on_binary(whole)

    def _take_close(self, payload: bytes) -> None:
        """Answer the peer's close frame with its own code (RFC 6455, 5.5.1)."""
        if not payload:
            self.finish("transport close", encode_frame(Opcode.CLOSE, b""))
            return
        code = int.from_bytes(payload[:2], "big")
        _decode(payload[2:])
        if len(payload) == 1 or not is_close_code(code):
            raise Violation(CloseCode.PROTOCOL_ERROR, "close code")
        self.finish("transport close", encode_close(code))


def _decode(payload: bytes) -> str:
    try:
        return payload.decode()
    except UnicodeDecodeError:
        raise Violation(CloseCode.INVALID_TEXT, "text is not UTF-8") from None
