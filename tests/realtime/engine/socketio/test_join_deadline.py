"""The deadline for a client without a namespace."""

import time

import pytest

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint
from tests.realtime.engine.raw_client import RawClient
from tests.support import eventually
from tests.support.clients.raw import frame


@pytest.fixture
def server() -> SocketServer:
    """Make a server with a deadline of 0.2 s."""
    return SocketServer(join_timeout=0.2)


async def test_a_client_that_joins_nothing_is_closed(server: SocketServer, endpoint: Endpoint) -> None:
    """A client without a namespace is closed, whether it has joined none or left all."""
    silent = await RawClient.open(endpoint)
    leaver = await RawClient.join(endpoint)
    stayer = await endpoint.join()
    await leaver.send("41")
    for client in (silent, leaver):
        while await client.read():
            pass
        client.socket.close()
    assert server.counters.closed["no namespace"] == 2
    await stayer.send("3")
    assert len(server.eio.sockets) == 1


async def test_a_client_that_joins_in_a_standstill_is_not_late(server: SocketServer, endpoint: Endpoint) -> None:
    """The loop reads what came while it stood still before it closes anyone."""
    client = await RawClient.open(endpoint)
    await eventually(lambda: server.eio.sockets)
    client.socket.send(frame("40"))
    time.sleep(0.6)  # noqa: ASYNC251 - nothing of this process runs, as after a SIGSTOP
    await eventually(lambda: server.manager.clients.get("/"))
    client.socket.close()
    await eventually(lambda: not server.eio.sockets)
    assert server.counters.closed["no namespace"] == 0
