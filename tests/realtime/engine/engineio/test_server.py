"""The end of a server: received requests are answered, and all clients are told to come back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from websockets.exceptions import ConnectionClosed

from realtime.engine import SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
from tests.realtime.engine.raw_client import RawClient
from tests.support import eventually


async def test_every_request_read_is_answered(serve: Serve) -> None:
    """Every request read so far is answered before the transport closes, and no other begins."""
    server, latch, begun = SocketServer(), asyncio.Event(), list[int]()

    @server.on("book")
    async def book(_sid: str, number: int) -> int:
        begun.append(number)
        await latch.wait()
        return number

    endpoint = await serve(server)
    socket = await endpoint.join()
    for number in range(100):
        await socket.send(f'42{number}["book",{number}]')
    await eventually(lambda: len(begun) == server.eio.max_in_flight)
    draining = asyncio.create_task(server.drain(5))
    await eventually(lambda: server.eio.is_draining)
    latch.set()
    await draining
    answers = [await text_of(socket) for _ in begun]
    assert answers == [f"43{number}[{number}]" for number in begun]
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert len(begun) == server.eio.max_in_flight


async def test_an_endless_handler_delays_no_end(serve: Serve) -> None:
    """An endless handler delays the end for no longer than the server's time-out."""
    server = SocketServer()

    @server.on("book")
    async def book(_sid: str) -> None:
        await asyncio.Event().wait()

    endpoint = await serve(server)
    socket = await endpoint.join()
    await socket.send('421["book"]')
    await eventually(lambda: server.eio._tasks)
    await asyncio.wait_for(server.drain(0.05), 20)
    with pytest.raises(ConnectionClosed):
        await socket.recv()
    for task in server.eio._tasks:
        task.cancel()


async def test_a_peer_that_has_just_gone(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """A client that has closed its connection unnoticed delays no other client's end."""
    server = SocketServer()
    endpoint = await serve(server)
    gone = await RawClient.join(endpoint)
    await eventually(lambda: len(server.manager.clients.get("/", ())) == 1)
    socket = await endpoint.join()
    while not (await gone.read()).endswith(b"}"):
        pass
    gone.socket.close()  # the server's next write is taken, and answered with a reset before its half is closed
    await server.drain()
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert not server.eio.sockets
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []


@asynccontextmanager
async def _waiting_poll(endpoint: Endpoint, sid: str) -> AsyncIterator[asyncio.Task[tuple[int, str]]]:
    task = asyncio.create_task(endpoint.poll(sid))
    yield task
    await task


async def test_draining(server: SocketServer, endpoint: Endpoint) -> None:
    """Draining closes transports without a DISCONNECT, and fails the waiting polls."""
    socket = await endpoint.join()
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    await endpoint.poll(sid)
    async with _waiting_poll(endpoint, sid) as poll:
        mailbox = server.eio.sockets[sid].mailbox
        await eventually(lambda: mailbox is not None and mailbox.is_polled, what="the waiting poll")
        await server.drain()
        assert (await poll)[0] == 503
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert not server.eio.sockets
    assert server.counters.closed["drain"] == 2
