"""Written frames, read by an independent implementation."""

import pytest
from websockets.client import ClientProtocol
from websockets.frames import Close, Frame
from websockets.protocol import State
from websockets.uri import parse_uri

from realtime.engine.websocket.frame import encode_close, encode_frame


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
