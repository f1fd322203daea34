"""Handlers that call the client they serve: answers reach any number of handlers at once."""

import asyncio
from typing import Any

import pytest
import socketio
from websockets.exceptions import ConnectionClosed

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
from tests.support import eventually


@pytest.fixture
def server() -> SocketServer:
    """Make a server with a handler that calls its client before it answers."""
    server = SocketServer()

    @server.on("order")
    async def order(sid: str, number: int) -> Any:
        return await server.call("confirm", number, to=sid, timeout=5)

    return server


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    return await serve(server)


@pytest.mark.parametrize("transport", ["websocket", "polling"])
@pytest.mark.parametrize("count", [16, 20, 300])
async def test_more_calls_than_may_run(endpoint: Endpoint, transport: str, count: int) -> None:
    """All requests sent at once are answered, though each handler waits for an answer of that client."""
    client = socketio.AsyncClient(reconnection=False)
    client.on("confirm", lambda number: number * 2)
    await client.connect(endpoint.http_url, transports=[transport])
    answers = await asyncio.gather(*[client.call("order", number, timeout=20) for number in range(count)])
    assert answers == [number * 2 for number in range(count)]
    await client.disconnect()


async def test_a_callback_that_is_waited_for(server: SocketServer, endpoint: Endpoint) -> None:
    """The same goes for `emit` with a callback, and for a call to a client by handlers of another."""
    other = await endpoint.join()
    (target,) = server.manager.clients["/"]

    @server.on("relay")
    async def relay(_sid: str) -> Any:
        answered = asyncio.get_running_loop().create_future()
        await server.emit("question", to=target, callback=answered.set_result)
        return await answered

    principal = await endpoint.join()
    for number in range(40):
        await principal.send(f'42{number}["relay"]')
    for _ in range(40):
        question = await text_of(other)
        ack_id = question.removeprefix("42").partition("[")[0]
        await other.send(f'43{ack_id}["yes"]')
    assert {await text_of(principal) for _ in range(40)} == {f'43{number}["yes"]' for number in range(40)}


async def test_requests_begin_in_order(server: SocketServer, endpoint: Endpoint) -> None:
    """Requests that wait behind calls begin in the order of sending, and before a DISCONNECT behind them."""
    order: list[int] = []

    @server.on("ask")
    async def ask(sid: str, number: int) -> Any:
        order.append(number)
        return await server.call("confirm", number, to=sid)

    socket = await endpoint.join()
    for number in range(40):
        await socket.send(f'42{number}["ask",{number}]')
    await eventually(lambda: len(order) == 16)
    await socket.send("41")
    await eventually(lambda: not server.manager.clients)
    assert order == list(range(40))


async def test_a_client_that_never_answers(server: SocketServer, endpoint: Endpoint) -> None:
    """The requests that wait for a client's answer are bounded: it is read no further, and others are served."""
    began: list[int] = []

    @server.on("ask")
    async def ask(sid: str, number: int) -> Any:
        began.append(number)
        return await server.call("confirm", number, to=sid)

    socket = await endpoint.join()
    (connection,) = server.connections.values()
    flood = asyncio.create_task(_flood(socket))
    most = connection.limits.max_queued_bytes
    await eventually(lambda: connection.is_reading_paused and connection._backlog_bytes >= most)
    assert connection._backlog_bytes < most + 10_000
    client = socketio.AsyncClient(reconnection=False)
    client.on("confirm", lambda number: number)
    await client.connect(endpoint.http_url, transports=["websocket"])
    assert await client.call("order", 5) == 5
    await client.disconnect()
    assert began == list(range(server.eio.max_in_flight))
    connection.abort("enough")
    await asyncio.wait([flood])
    assert flood.exception() is None or isinstance(flood.exception(), ConnectionClosed)
    for task in server.eio._tasks:
        task.cancel()


async def _flood(socket: Any) -> None:
    for number in range(3_000):
        await socket.send(f'42{number}["ask",{number}]')
