"""The second socket of an upgrade: several candidates, and the end of the server."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime.engine import SocketServer
from realtime.engine.engineio import upgrade
from tests.realtime.engine.conftest import Endpoint, closes, text_of
from tests.support import eventually


async def test_a_second_socket_changes_nothing(server: SocketServer, endpoint: Endpoint) -> None:
    """Other sockets that open, probe and leave do not disturb the answered one."""
    sid = await endpoint.open_polling()
    query = {"EIO": "4", "transport": "websocket", "sid": sid}
    socket = await endpoint.dial(**query)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    for word in ("2probe", "5"):
        other = await endpoint.dial(**query)
        await other.send(word)
        await closes(other)
    await (await endpoint.dial(**query)).close()
    await eventually(lambda: len(server.eio.side_sockets) == 1)
    await socket.send("5")
    await socket.send("40")
    assert (await text_of(socket)).startswith("40")
    assert not server.eio.side_sockets


async def test_a_probe_that_says_nothing(
    server: SocketServer, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is closed after a while, and its session goes on polling."""
    monkeypatch.setattr(upgrade, "PROBE_SECONDS", 0.05)
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await closes(socket)
    assert server.counters.closed == {"probe timeout": 1}
    assert not server.eio.side_sockets
    await endpoint.post(sid, "40")
    assert (await endpoint.poll(sid))[1].startswith("40")


async def test_probes_end_with_the_server(server: SocketServer, endpoint: Endpoint) -> None:
    """A server that ends closes a half upgraded session too."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await eventually(lambda: server.eio.side_sockets)
    await server.drain()
    with pytest.raises(ConnectionClosed) as closed:
        await asyncio.wait_for(socket.recv(), 20)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001


async def test_a_probe_that_its_client_has_not_closed_ends_with_the_server(
    server: SocketServer, endpoint: Endpoint
) -> None:
    """The attempt is over and its client was told, but does not close its half: the drain does not leave that open."""
    sid = await endpoint.open_polling()
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await eventually(lambda: server.eio.side_sockets)
    (probe,) = server.eio.side_sockets
    socket.transport.pause_reading()
    socket.transport.write(b"\x81\x02hi")  # without a mask
    await eventually(lambda: not probe.is_open)
    transport = probe.transport
    assert transport is not None
    await server.drain()
    assert transport.is_closing()
    assert not server.eio.side_sockets
    socket.transport.resume_reading()


async def test_no_upgrade_begins_during_a_drain(server: SocketServer, endpoint: Endpoint) -> None:
    """The drain has closed the probes already, so a late one would outlive the server."""
    sid = await endpoint.open_polling()
    server.eio.is_draining = True
    with pytest.raises(InvalidStatus) as refusal:
        await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    assert refusal.value.response.status_code == 400
    assert not server.eio.side_sockets
