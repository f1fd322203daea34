"""The cost of an open connection, and the cleanup after its end."""

import asyncio
import gc
import socket as sockets
import struct
import sys
import time
import weakref
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiohttp import web
from aiohttp.web_protocol import RequestHandler

from realtime.engine import Connection, SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
from tests.realtime.engine.raw_client import RawClient
from tests.support import eventually
from tests.support.clients.raw import frame


@pytest.fixture
def server() -> SocketServer:
    return SocketServer()


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    return await serve(server)


@pytest.fixture
async def clients(server: SocketServer, endpoint: Endpoint) -> AsyncIterator[list[RawClient]]:
    """Connect twenty clients without tasks of their own."""
    clients = [await RawClient.join(endpoint) for _ in range(20)]
    await eventually(lambda: len(server.manager.clients.get("/", ())) == 20)
    yield clients
    for client in clients:
        client.socket.close()


async def test_no_task_and_no_timer_a_client(server: SocketServer, clients: list[RawClient]) -> None:
    """Twenty idle clients have no task, and one timer together."""
    await eventually(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    scheduled: list[asyncio.TimerHandle] = getattr(asyncio.get_running_loop(), "_scheduled", [])
    live = [handle for handle in scheduled if not handle.cancelled()]
    assert len(live) <= 2, "the wheel, and the newcomers' line"


async def test_nothing_is_kept_of_the_request(server: SocketServer, clients: list[RawClient]) -> None:
    """No request, response or HTTP handler outlives the handshake."""
    await eventually(lambda: asyncio.all_tasks() == {asyncio.current_task()})
    gc.collect()
    kept = [thing for thing in gc.get_objects() if isinstance(thing, web.Request | web.Response | RequestHandler)]
    assert kept == []
    assert sum(sys.getsizeof(connection) for connection in server.connections.values()) < 20 * 400


async def test_all_is_freed_without_the_collector(server: SocketServer, clients: list[RawClient]) -> None:
    """A closed connection leaves no cycle for the collector to find."""
    remains = [weakref.ref(connection) for connection in server.connections.values()]
    gc.collect()
    gc.disable()
    try:
        for client in clients:
            client.socket.close()
        await eventually(lambda: not server.eio.sockets)
        await eventually(lambda: all(remain() is None for remain in remains))
    finally:
        gc.enable()
    assert not server.manager.clients
    assert server.counters.open_websocket == 0


class Unscanned(dict[str, Any]):
    """A dictionary that fails on iteration."""

    def __iter__(self) -> Iterator[str]:
        raise AssertionError("walked through all rooms")

    items = keys = values = copy = __iter__  # type: ignore[assignment]


async def test_leaving_costs_its_own_rooms(server: SocketServer, clients: list[RawClient]) -> None:
    """A leaving client does not make the server iterate over other rooms."""
    connections = list(server.connections.values())
    for number, connection in enumerate(connections):
        await server.enter_room(connection.clients[0].sid, f"room {number}")
        await server.enter_room(connection.clients[0].sid, "all")
    server.manager.rooms["/"] = Unscanned(server.manager.rooms["/"])
    others = Unscanned(server.manager.clients["/"])
    server.manager.clients["/"] = others
    clients[0].socket.close()
    await eventually(lambda: len(others) == 19)
    assert len(server.manager.rooms["/"]) == 20
    assert len(server.manager.rooms["/"]["all"]) == 19


async def test_the_timer_ends_with_the_last_client(server: SocketServer, clients: list[RawClient]) -> None:
    """A server without clients wakes up for nothing."""
    ping_timer = server.eio.ping_timer
    assert ping_timer._timer is not None
    for client in clients:
        client.socket.close()
    await eventually(lambda: ping_timer._timer is None)


async def test_a_dead_peer_is_no_error(server: SocketServer, endpoint: Endpoint) -> None:
    """A connection with a closed peer takes writes, replies and aborts, and does nothing."""
    socket = await endpoint.join()
    (connection,) = server.connections.values()
    await socket.close()
    await eventually(lambda: connection.closed)
    packet = server.encode_event("/", "change", b"1")
    connection.write(packet)
    connection.reply(b"431[]")
    connection.abort("again")
    connection.depart("again")
    assert server.counters.closed == {"transport close": 1}


async def test_a_peer_that_has_reset_its_connection(
    server: SocketServer, endpoint: Endpoint, caplog: pytest.LogCaptureFixture
) -> None:
    """A write before the loop has noticed the end goes nowhere, and logs nothing."""
    client = await RawClient.join(endpoint)
    await eventually(lambda: server.manager.clients)
    (connection,) = server.connections.values()
    client.socket.setsockopt(sockets.SOL_SOCKET, sockets.SO_LINGER, struct.pack("ii", 1, 0))
    client.socket.close()
    for _ in range(100):
        connection.reply(b"431[]")
    await eventually(lambda: not server.eio.sockets)
    assert [record for record in caplog.records if record.levelname != "DEBUG" and "took" not in record.message] == []


async def test_a_peer_that_dies_in_the_middle_of_a_request(server: SocketServer, endpoint: Endpoint) -> None:
    """A request of a client that has left runs to its end, and its answer is discarded."""
    latch = asyncio.Event()
    ended = asyncio.Event()

    @server.on("wait")
    async def wait(_sid: str) -> int:
        await latch.wait()
        ended.set()
        return 1

    socket = await endpoint.join()
    await socket.send('421["wait"]')
    await socket.close()
    await eventually(lambda: not server.eio.sockets)
    latch.set()
    await ended.wait()


async def test_leaving_while_joining(server: SocketServer, endpoint: Endpoint) -> None:
    """A client that leaves during its connect handler is disconnected after the handler, and leaves nothing."""
    latch = asyncio.Event()
    reasons: list[str] = []

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        await latch.wait()

    @server.on("disconnect")
    async def disconnect(_sid: str, reason: str) -> None:
        reasons.append(reason)

    client = await RawClient.join(endpoint)
    await eventually(lambda: server.manager.clients)
    (connection,) = server.connections.values()
    connection.abort("expired")
    client.socket.close()
    latch.set()
    await eventually(lambda: not server.manager.clients)
    assert reasons == ["transport close"]
    await eventually(lambda: not server.eio.sockets)


async def test_a_ping_timeout_frees_the_client(serve: Serve) -> None:
    """A client that stops answering pings is closed and forgotten."""
    server = SocketServer(ping_interval=0.1, ping_timeout=0.1)
    endpoint = await serve(server)
    client = await RawClient.join(endpoint)
    await eventually(lambda: server.counters.closed["ping timeout"] == 1)
    await eventually(lambda: not server.eio.sockets)
    client.socket.close()


async def test_a_client_held_by_us_is_not_timed_out(serve: Serve) -> None:
    """While its requests keep us from reading its pongs, it is not taken for dead."""
    server = SocketServer(ping_interval=0.1, ping_timeout=0.1, max_in_flight=1)
    release = asyncio.Event()

    @server.on("wait")
    async def wait(_sid: str) -> int:
        await release.wait()
        return 1

    endpoint = await serve(server)
    socket = await endpoint.join()
    await socket.send('421["wait"]')
    await asyncio.sleep(0.5)  # more than twice the time-out
    release.set()
    assert await text_of(socket) == "431[1]"


async def test_a_process_that_stood_still(serve: Serve) -> None:
    """After a pause of the whole process longer than the time-out, clients are not taken for dead."""
    server = SocketServer(ping_interval=0.3, ping_timeout=0.3)
    endpoint = await serve(server)
    polling = await endpoint.open_polling()
    await endpoint.post(polling, "40")
    client = await RawClient.join(endpoint)
    await eventually(lambda: all(connection.is_pinged for connection in server.connections.values()))
    await client.send("3")
    time.sleep(1.7)  # noqa: ASYNC251 - nothing of this process runs, as after a SIGSTOP
    assert (await endpoint.post(polling, "3"))[0] == 200
    await asyncio.sleep(0)
    assert server.counters.closed == {}
    assert len(server.eio.sockets) == 2
    await eventually(lambda: server.counters.closed["ping timeout"] == 2)
    client.socket.close()


PONG = bytes((0x81, 0x81, 7, 8, 9, 10, ord("3") ^ 7))  # with a mask, as browsers send it


@pytest.mark.parametrize("cut", [0, 1, 2, 6])
@pytest.mark.parametrize("before", [b"", frame("6"), frame("", 0x89)], ids=["alone", "after a NOOP", "after a ping"])
async def test_a_pong_counts_however_it_is_cut(serve: Serve, before: bytes, cut: int) -> None:
    """A pong in a read of its own takes a shorter way. It counts like one that is cut, or behind another frame."""
    connection, client = await _pinged(serve)
    data = before + PONG
    for part in (data[:cut], data[cut:]):
        connection.data_received(part)
    assert not connection.is_pinged
    assert connection.is_open
    client.socket.close()


async def test_a_pong_inside_a_fragmented_message_is_refused(serve: Serve) -> None:
    """The fragments of one message come without another message between them (RFC 6455, 5.4)."""
    connection, client = await _pinged(serve)
    connection.data_received(frame("4", 0x01))
    connection.data_received(PONG)
    assert connection.closed
    client.socket.close()


async def _pinged(serve: Serve) -> tuple[Connection, RawClient]:
    """Return a connection whose pong is due."""
    server = SocketServer(ping_interval=0.2, ping_timeout=10.0)
    client = await RawClient.join(await serve(server))
    await eventually(lambda: any(connection.is_pinged for connection in server.connections.values()))
    (connection,) = server.connections.values()
    return connection, client
