"""One client that sends as much as it may in one go: the others' turn comes within a few milliseconds."""

import asyncio
import time

import pytest

from realtime.engine import SocketServer
from realtime.engine.engineio.polling import _deliver
from realtime.engine.socketio.decoder import Malformed, decode, read_json
from tests.realtime.engine.conftest import Endpoint, Serve
from tests.realtime.engine.websocket.test_frame import Ours
from tests.support import eventually

FLOOD = 100_000  # packets of which each takes 1 us or more
MOST_SECONDS = 0.05  # of this thread, between two turns of the loop
PONG = b"\x81\x81\0\0\0\x003"


class Turns:
    """Watches the loop: the most that this thread worked between two of its turns."""

    def __init__(self) -> None:
        self.longest = 0.0

    async def watch(self) -> None:
        while True:
            began = time.thread_time()
            await asyncio.sleep(0)
            self.longest = max(self.longest, time.thread_time() - began)


@pytest.fixture
async def turns() -> Turns:
    asyncio.get_running_loop().set_debug(False)  # which makes a packet cost ten times as much
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
    """What was read at once is taken a few thousand frames at a time, and what comes meanwhile waits behind it."""
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
