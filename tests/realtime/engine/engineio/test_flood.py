"""One client sends the most it may at once: other clients are served within a few milliseconds."""

import asyncio
import time

import pytest

from realtime.engine import SocketServer
from realtime.engine.engineio.polling import _deliver
from realtime.engine.socketio.decoder import Malformed, decode, read_json
from tests.realtime.engine.conftest import Endpoint, Serve
from tests.realtime.engine.websocket.test_websocket import Ours
from tests.support import eventually

FLOOD = 100_000  # packets that take 1 us each or more
MOST_SECONDS = 0.05  # CPU time of this thread between two steps of the loop
PONG = b"\x81\x81\0\0\0\x003"


class Turns:
    """Measures the longest step of the loop, in CPU time of this thread."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.thread_time() - began)


@pytest.fixture
async def turns() -> Turns:
    asyncio.get_running_loop().set_debug(False)  # a packet costs ten times as much with it
    return Turns()


@pytest.mark.parametrize("packet", ["3", "431[]"])
async def test_a_payload_of_many_packets(serve: Serve, turns: Turns, packet: str) -> None:
    """A POST of half a million packets is taken a few milliseconds at a time."""
    server = SocketServer()
    endpoint: Endpoint = await serve(server)
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    watching = asyncio.create_task(turns.watch())
    assert await _deliver(server.eio.sockets[sid], "\x1e".join([packet] * FLOOD).encode())
    watching.cancel()
    assert 0 < turns.longest < MOST_SECONDS


async def test_a_flood_of_frames(turns: Turns) -> None:
    """Frames read at once are handled a few thousand at a time, and later ones wait behind them."""
    ours = Ours()
    ours.data_received(PONG * FLOOD)
    assert 0 < len(ours.heard) <= 2_000
    ours.data_received(b"\x81\x81\0\0\0\0x")
    watching = asyncio.create_task(turns.watch())
    await eventually(lambda: not ours.is_reading_paused)
    watching.cancel()
    assert ours.heard == ["3"] * FLOOD + ["x"]
    assert 0 < turns.longest < MOST_SECONDS


def test_a_number_without_end() -> None:
    """A megabyte of digits is refused at the seventeenth."""
    text = "42" + "9" * 1_000_000
    began = time.thread_time()
    with pytest.raises(Malformed):
        decode(text, read_json)
    assert time.thread_time() - began < 0.01
