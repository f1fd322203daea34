"""RFC 6455, against an independent implementation: both read any bytes alike."""

import asyncio
import socket
from typing import Any

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from websockets.exceptions import InvalidState, ProtocolError
from websockets.frames import Frame, Opcode
from websockets.protocol import SERVER
from websockets.protocol import Protocol as Reference

from realtime.engine import Counters, Limits, WebSocket
from tests.support import eventually

LIMIT = 2_000
MASK = b"\x01\x02\x83\xff"
Heard = list[str | bytes]


class Wire(asyncio.Transport):
    """A transport that keeps its writes for the peer."""

    def __init__(self) -> None:
        super().__init__()
        self.written = bytearray()
        self.is_aborted = False

    def write(self, data: Any) -> None:
        self.written += data

    def get_write_buffer_size(self) -> int:
        return 0

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None: ...

    def set_protocol(self, protocol: Any) -> None: ...

    def is_closing(self) -> bool:
        return False

    def is_reading(self) -> bool:
        return True

    def can_write_eof(self) -> bool:
        return False

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    def close(self) -> None: ...

    def abort(self) -> None:
        self.is_aborted = True


class Ours(WebSocket):
    """Our end, listening."""

    __slots__ = ("heard", "wire")

    def __init__(self) -> None:
        super().__init__(Limits(max_message_bytes=LIMIT, message_seconds=0), Counters(), "")
        self.heard: Heard = []
        self.wire = Wire()
        self.begin(self.wire)

    def on_text(self, text: str) -> None:
        self.heard.append(text)

    def on_binary(self, data: bytes) -> None:
        self.heard.append(data)


def read_as_reference(data: bytes) -> tuple[Heard, list[bytes], int | None]:
    """Return the messages, the pongs, and the reference's close code."""
    reference = Reference(SERVER, max_size=LIMIT)
    reference.receive_data(data)
    heard: Heard = []
    parts: list[bytes] = []
    pongs: list[bytes] = []
    opcode = Opcode.TEXT
    for frame in reference.events_received():
        assert isinstance(frame, Frame)
        if frame.opcode is Opcode.PING:
            pongs.append(bytes(frame.data))
        if frame.opcode in {Opcode.TEXT, Opcode.BINARY, Opcode.CONT}:
            opcode = opcode if frame.opcode is Opcode.CONT else frame.opcode
            parts.append(bytes(frame.data))
            if frame.fin:
                whole = b"".join(parts)
                parts = []
                try:
                    heard.append(whole.decode() if opcode is Opcode.TEXT else whole)
                except UnicodeDecodeError:
                    return heard, pongs, 1007  # the reference leaves a message's UTF-8 to its caller
    # It refuses a close between fragments; the RFC (5.4) lets control frames stand there.
    assume("incomplete fragmented" not in str(reference.parser_exc))
    return heard, pongs, read_frames(b"".join(reference.data_to_send()))[1]


def read_frames(data: bytes) -> tuple[list[bytes], int | None]:
    """Return the pongs in a server's output, and its close code (1005 without one)."""
    assume(b"shortest form" not in data)  # the RFC asks for it, the reference does not
    at = 0
    pongs: list[bytes] = []
    while at < len(data):
        head, size = data[at], data[at + 1]
        assert size <= 125
        payload = data[at + 2 : at + 2 + size]
        at += 2 + size
        if head == 0x8A:
            pongs.append(payload)
        elif head == 0x88:
            assert at == len(data), "something follows the close frame"
            return pongs, int.from_bytes(payload[:2], "big") if payload else 1005
    return pongs, None


def read_as_ours(data: bytes, cuts: list[int]) -> tuple[Heard, list[bytes], int | None]:
    """The same, by our end, with the bytes arriving in pieces."""
    ours = Ours()
    at = 0
    for cut in [*sorted({min(cut, len(data)) for cut in cuts}), len(data)]:
        ours.data_received(data[at:cut])
        at = cut
    pongs, code = read_frames(bytes(ours.wire.written))
    return ours.heard, pongs, code


def frame(head: int, payload: bytes, *, mask: bytes | None = MASK, size_bytes: int | None = None) -> bytes:
    """A frame as a client may send it, right or wrong."""
    size = len(payload)
    if size_bytes is None:
        size_bytes = 1 if size < 126 else 2 if size < 1 << 16 else 8
    flag = 0x80 if mask is not None else 0
    if size_bytes == 1:
        length = bytes((flag | min(size, 125),))
    else:
        length = bytes((flag | (126 if size_bytes == 2 else 127),)) + size.to_bytes(size_bytes, "big")
    if mask is None:
        return bytes((head,)) + length + payload
    masked = bytes(byte ^ mask[index % 4] for index, byte in enumerate(payload))
    return bytes((head,)) + length + mask + masked


HEADS = st.one_of(
    st.sampled_from([0x81, 0x82, 0x01, 0x02, 0x00, 0x80, 0x88, 0x89, 0x8A]),
    st.integers(0, 255),
)
PAYLOADS = st.one_of(
    st.text(max_size=50).map(str.encode),
    st.binary(max_size=130),
    st.integers(0, 5000).map(lambda code: code.to_bytes(2, "big")),
    st.sampled_from([0, 125, 126, 127, 1999, 2000, 2001, 70_000]).map(lambda size: b"x" * size),
)
FRAMES = st.builds(
    frame,
    HEADS,
    PAYLOADS,
    mask=st.one_of(st.just(MASK), st.just(MASK), st.just(bytes(4)), st.none()),
)
STREAMS = st.one_of(
    st.lists(FRAMES, max_size=6).map(b"".join),
    st.lists(st.builds(frame, st.sampled_from([0x81, 0x01, 0x00, 0x80, 0x89]), PAYLOADS), max_size=8).map(b"".join),
    st.binary(max_size=200),
)


@given(STREAMS, st.lists(st.integers(0, 400), max_size=5))
@settings(max_examples=1500)
@example(frame(0x81, "é".encode()), [3])
@example(frame(0x01, "é".encode()[:1]) + frame(0x89, b"between") + frame(0x80, "é".encode()[1:]), [])
@example(frame(0x88, b"") + frame(0x81, b"late"), [])
@example(frame(0x88, b"\x03\xe8\xff"), [])
@example(frame(0x81, b"x" * LIMIT), [])
@example(frame(0x01, b"x" * LIMIT) + frame(0x80, b""), [])
@example(frame(0x01, b"x" * LIMIT) + frame(0x80, b"x"), [])
def test_differential(data: bytes, cuts: list[int]) -> None:
    """Messages, pongs and close codes are those of the reference, wherever the bytes are cut."""
    try:
        theirs = read_as_reference(data)
    except (ProtocolError, InvalidState):  # pragma: no cover
        pytest.fail("the reference raised")
    ours = read_as_ours(data, cuts)
    if theirs[2] is None and ours[2] is not None:
        # We refuse a fragment out of place by its head; the reference waits for the rest of the frame.
        theirs = read_as_reference(data + bytes(1 << 17))
    # The reference counts a ping between fragments towards the message's size; the RFC does not.
    assume(not (theirs[2] == 1009 and len(ours[1]) > len(theirs[1])))
    assert ours[:2] == theirs[:2]
    # A misplaced frame that is also too big has two faults; the engine finds the one in its head first.
    assert ours[2] == theirs[2] or (ours[2], theirs[2]) == (1002, 1009)


@pytest.mark.parametrize(("size", "size_bytes"), [(0, 2), (125, 2), (125, 8), (65_535, 8)])
def test_lengths_in_their_shortest_form_only(size: int, size_bytes: int) -> None:
    """A length in more bytes than it needs is refused (RFC 6455, 5.2)."""
    ours = Ours()
    ours.data_received(frame(0x82, bytes(size), size_bytes=size_bytes))
    assert ours.heard == []
    assert b"shortest form" in ours.wire.written


def test_a_held_connection_reads_nothing() -> None:
    """A paused connection delivers no frame, not even whole ones of the same piece; later it delivers all, in order."""

    class Holding(Ours):
        __slots__ = ()

        def on_text(self, text: str) -> None:
            super().on_text(text)
            self.pause_reading()

    ours = Holding()
    ours.data_received(b"".join(frame(0x81, str(number).encode()) for number in range(5)))
    for count in range(1, 6):
        assert ours.heard == [str(number) for number in range(count)]
        ours.resume_reading()


def test_a_byte_at_a_time_is_not_quadratic() -> None:
    """A message that arrives byte by byte is not copied once a byte."""
    ours = Ours()
    whole = frame(0x82, bytes(LIMIT))
    for index in range(len(whole)):
        ours.data_received(whole[index : index + 1])
    assert ours.heard == [bytes(LIMIT)]


async def test_only_what_waited_in_the_line_is_late() -> None:
    """The bytes that came meanwhile are late, up to the end of the first short read; what comes later is not."""
    mine, theirs = socket.socketpair()
    loop = asyncio.get_running_loop()
    connection = Late()
    transport, _ = await loop.create_connection(lambda: connection, sock=mine)
    connection.begin(transport)
    theirs.sendall(frame(0x81, b"early"))
    await eventually(lambda: connection.heard == [("early", False)])
    connection.enter_line()
    since = connection.late_since
    theirs.sendall(frame(0x81, b"late"))
    connection.leave_line()
    assert connection.late_since == since
    await eventually(lambda: len(connection.heard) == 2)
    theirs.sendall(frame(0x81, b"in time"))
    await eventually(lambda: len(connection.heard) == 3)
    connection.enter_line()
    connection.leave_line()
    assert connection.late_since == 0.0
    theirs.sendall(frame(0x81, b"after nothing"))
    await eventually(lambda: len(connection.heard) == 4)
    assert connection.heard == [("early", False), ("late", True), ("in time", False), ("after nothing", False)]
    transport.abort()
    theirs.close()


class Late(WebSocket):
    """A connection that keeps its messages, and if they were late."""

    __slots__ = ("heard",)

    def __init__(self) -> None:
        super().__init__(Limits(), Counters(), "")
        self.heard: list[tuple[str, bool]] = []

    def data_received(self, data: bytes) -> None:
        if self.late_since:
            self.read_late(data)
        else:
            super().data_received(data)

    def on_text(self, text: str) -> None:
        self.heard.append((text, bool(self.late_since)))
