"""The readers of the wire, of packets and of frames, without a server: whatever comes is read or refused.

`make fuzz` sends a million inputs in all; here are nine tenths of them.
"""

import os

import pytest

from models.contract.errors import BadRequest
from realtime import protocol
from realtime.engine.socketio.decoder import DecodedPacket, Malformed, decode, read_json
from tests.realtime.engine.websocket.test_websocket import Ours
from tests.system.fuzz.inputs import Inputs

INPUTS = int(os.environ.get("FUZZ_INPUTS", "5000"))
SEED = int(os.environ.get("FUZZ_SEED", "8"))
FRAMES_A_CONNECTION = 20

pytestmark = pytest.mark.timeout(3_600 if INPUTS > 100_000 else 120)


def test_requests_are_read_or_refused() -> None:
    """Any fields of any name are a request or `bad_request`, and the refusal can be written."""
    inputs, read, refused = Inputs(SEED), 0, 0
    for _ in range(INPUTS * 3 // 10):
        name, fields = inputs.request()
        try:
            assert protocol.read_request(name, fields) is not None
            read += 1
        except BadRequest as refusal:
            refused += b"bad_request" in protocol.write_refusal(refusal)
    assert min(read, refused) > INPUTS // 1_000


def test_packets_are_read_or_malformed() -> None:
    """An event with an unreadable payload is a packet without data if it asks for an acknowledgement."""
    inputs, read, refused = Inputs(SEED + 1), 0, 0
    for _ in range(INPUTS * 3 // 10):
        try:
            packet = decode(inputs.packet(), read_json)
        except Malformed:
            refused += 1
            continue
        assert isinstance(packet, DecodedPacket)
        assert packet.data is not None or packet.type != 2 or packet.ack_id is not None
        read += 1
    assert min(read, refused) > INPUTS // 100


def test_frames_are_read_or_close_the_connection() -> None:
    """Bytes in any pieces raise nothing. What waits for more bytes is bounded by the longest message."""
    inputs, messages = Inputs(SEED + 2), 0
    for _ in range(INPUTS * 3 // 10 // FRAMES_A_CONNECTION):
        connection = Ours()
        for _ in range(FRAMES_A_CONNECTION):
            data = inputs.hostile_length() if inputs.pick.random() < 0.02 else inputs.frames()
            cut = inputs.pick.randrange(len(data) + 1)
            for part in (data[:cut], data[cut:]):
                if part and connection.is_open:
                    connection.data_received(part)
        messages += len(connection.heard)
        assert len(connection.wire.written) < 100_000
    assert messages > INPUTS // 1_000
