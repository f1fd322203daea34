"""Written frames, read by an independent implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from realtime.engine.websocket.frame import encode_close, encode_frame, encode_texts, unmask, whole_texts


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, 1_000_000])
def test_written_frames_can_be_read(size: int) -> None:
    """Frames of every length are read by the reference as they were meant."""
    client = ClientProtocol(parse_uri("ws://x/"), state=State.OPEN, max_size=None)
    client.receive_data(encode_frame(1, b"x" * size) + encode_close(1001, "é" * 100))
    message, close = client.events_received()
    assert isinstance(message, Frame)
    assert isinstance(close, Frame)
    assert message.data == b"x" * size
    parsed = Close.parse(close.data)
    assert parsed.code == 1001
    assert set(parsed.reason) == {"é"}


def test_texts_are_encoded_as_one_by_one() -> None:
    """Heads of one length are shared, and no text changes another's frame."""
    texts = [b"a" * size for size in (0, 1, 125, 126, 1, 65_535, 65_536, 126)]
    assert encode_texts(texts) == b"".join(encode_frame(1, text) for text in texts)
    assert encode_texts([]) == b""


@given(
    st.lists(st.tuples(st.sampled_from([0x81, 0x81, 0x81, 0x82, 0x01, 0x89, 0xC1]), st.binary(max_size=300))),
    st.binary(max_size=4),
    st.integers(0, 20),
)
def test_whole_texts_are_those_before_anything_else(frames: list[tuple[int, bytes]], mask: bytes, cut: int) -> None:
    """They are the valid text messages of one whole frame each, up to the first other frame, each with its end."""
    mask = (mask + b"\0\0\0\0")[:4]
    data, texts, stops, is_over = b"", list[bytes](), list[int](), False
    for head, payload in frames:
        size = len(payload)
        length = bytes((0x80 | size,)) if size < 126 else bytes((0x80 | 126,)) + size.to_bytes(2, "big")
        data += bytes((head,)) + length + mask + unmask(mask, payload)
        is_over = is_over or head != 0x81 or "\N{REPLACEMENT CHARACTER}" in payload.decode(errors="replace")
        if not is_over:
            texts.append(payload)
            stops.append(len(data))
    data = data[: len(data) - cut] if cut else data
    found = whole_texts(data)
    count = sum(stop <= len(data) for stop in stops)
    short = min((place for place, text in enumerate(texts) if len(text) < 3), default=count)
    assert min(count, short) <= len(found[0]) <= count  # shorter ones than any request may be left to the usual way
    assert found == (texts[: len(found[0])], stops[: len(found[0])])


def test_a_length_in_a_longer_form_is_no_whole_text() -> None:
    """The usual way refuses it."""
    for length in (bytes((0xFE, 0, 125)), bytes((0xFF, *(125).to_bytes(8, "big")))):
        assert whole_texts(b"\x81" + length + b"\0\0\0\0" + b"a" * 125) == ([], [])
