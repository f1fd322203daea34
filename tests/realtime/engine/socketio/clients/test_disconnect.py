"""DISCONNECT packets: requests before one, events after one, and clients that come back at once."""

import asyncio
import contextlib

import pytest

from realtime.engine import SocketServer
from realtime.engine.admission import SLICE_SECONDS
from tests.realtime.engine.conftest import Endpoint, text_of
from tests.support import eventually


@pytest.fixture
def latch(server: SocketServer) -> asyncio.Event:
    """Return the event that lets disconnect handlers end."""
    latch = asyncio.Event()

    @server.on("disconnect")
    async def disconnect(_sid: str, _reason: str) -> None:
        await latch.wait()

    return latch


async def test_requests_before_a_disconnect_begin_before_its_handler(server: SocketServer, endpoint: Endpoint) -> None:
    """Waiting requests begin before the disconnect handler of the DISCONNECT behind them."""
    order: list[str] = []

    @server.on("event")
    async def event(_sid: str, number: int) -> None:
        order.append(f"event {number}")

    @server.on("disconnect")
    async def disconnect(_sid: str, _reason: str) -> None:
        order.append("disconnect")

    await endpoint.join()
    (connection,) = server.connections.values()
    server.eio.admission.run(lambda: None, SLICE_SECONDS)
    for packet in ('2["event",1]', '2["event",2]', '2["event",3]', "1"):
        server.eio.receive(connection, packet)
    await eventually(lambda: "disconnect" in order)
    assert order == ["event 1", "event 2", "event 3", "disconnect"]


async def test_nothing_is_sent_after_a_disconnect(
    server: SocketServer, endpoint: Endpoint, latch: asyncio.Event
) -> None:
    """A disconnected client gets no more events, even while its disconnect handler runs."""
    socket = await endpoint.join()
    (member,) = server.manager.clients["/"].values()
    await server.enter_room(member.sid, "room")
    leaving = asyncio.create_task(server.disconnect(member.sid))
    assert await text_of(socket) == "41"
    assert server.rooms(member.sid) == [member.sid, "room"]
    for to in (None, "room", member.sid):
        await server.emit("late", to=to)
    latch.set()
    await leaving
    await socket.send("40")
    assert (await text_of(socket)).startswith("40")


async def test_a_client_that_joins_again_at_once_stays(
    server: SocketServer, endpoint: Endpoint, latch: asyncio.Event
) -> None:
    """A client that joins again while its disconnect handler runs is connected, and stays so."""
    socket = await endpoint.join()
    (member,) = server.manager.clients["/"].values()
    leaving = asyncio.create_task(server.disconnect(member.sid))
    assert await text_of(socket) == "41"
    await socket.send("40")
    assert (await text_of(socket)).startswith("40")
    latch.set()
    await leaving
    (again,) = server.manager.clients["/"].values()
    assert again is not member
    await server.emit("hello")
    assert await text_of(socket) == '42["hello"]'


async def test_joining_and_cut_off_in_one_step(
    server: SocketServer, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that is cut off before its CONNECT is handled is no error."""
    socket, _ = await endpoint.open_websocket()
    (connection,) = server.connections.values()
    server.eio.receive(connection, "0")
    connection.abort("no longer allowed")
    with contextlib.suppress(ConnectionError):
        await socket.wait_closed()
    await eventually(lambda: not server.eio._tasks)
    assert not server.eio.sockets
    assert not server.manager.clients
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
