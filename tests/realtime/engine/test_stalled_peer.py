"""Peers that neither read nor close: each is closed in the end, on every transport."""

import asyncio
import socket as sockets

import pytest

from realtime.engine import ConnectionWriter, Encoded, SocketServer
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
from tests.realtime.engine.raw_client import KERNEL_BYTES, RawClient
from tests.support import eventually

CAP_BYTES = 200_000
PING = b"\x89\xfd\0\0\0\0" + b"x" * 125


@pytest.fixture
def server() -> SocketServer:
    return SocketServer(max_queued_bytes=CAP_BYTES)


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    @server.on("snapshot")
    async def snapshot(_sid: str) -> Encoded:
        return Encoded(b'"%b"' % (b"x" * 5 * CAP_BYTES))

    return await serve(server, send_buffer_bytes=KERNEL_BYTES)


async def test_a_flood_of_pings(server: SocketServer, endpoint: Endpoint) -> None:
    """The unread pongs of a client count towards its cap too."""
    client = await RawClient.open(endpoint)
    await eventually(lambda: server.eio.sockets)
    loop = asyncio.get_running_loop()
    flood = loop.create_task(loop.sock_sendall(client.socket, PING * (20 * CAP_BYTES // len(PING))))
    await eventually(lambda: server.counters.dropped_slow == 1)
    await asyncio.wait([flood])
    assert flood.exception() is None or isinstance(flood.exception(), ConnectionError)
    client.socket.close()


async def test_a_poll_that_is_not_taken(server: SocketServer, endpoint: Endpoint) -> None:
    """A session closed while its poll writes a large answer loses that connection as well."""
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    await endpoint.poll(sid)
    await endpoint.post(sid, '421["snapshot"]')
    connection = server.eio.sockets[sid]
    mailbox = connection.mailbox
    assert mailbox is not None
    loop = asyncio.get_running_loop()
    with sockets.socket() as client:
        client.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, KERNEL_BYTES)
        client.setblocking(False)
        await loop.sock_connect(client, ("127.0.0.1", endpoint.port))
        request = f"GET /socket.io/?EIO=4&transport=polling&sid={sid} HTTP/1.1\r\nHost: x\r\n\r\n"
        await loop.sock_sendall(client, request.encode())
        await eventually(lambda: mailbox.transport is not None)
        transport = mailbox.transport
        connection.abort("no longer allowed")
        assert transport is not None
        assert transport.is_closing()
        read = 0
        try:
            while part := await loop.sock_recv(client, 65_536):
                read += len(part)
        except ConnectionError:
            pass
        assert read < 5 * CAP_BYTES


async def test_an_end_without_an_answer(
    server: SocketServer, endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that does not close its half after the server's end is not waited for."""
    monkeypatch.setattr(ConnectionWriter, "linger_seconds", 0.05)
    client = await RawClient.join(endpoint)
    await eventually(lambda: server.manager.clients)
    (connection,) = server.connections.values()
    connection.depart("drain")
    assert connection.transport is not None
    await eventually(lambda: connection.transport is None)
    client.socket.close()


async def test_an_upgrade_with_a_large_answer(server: SocketServer, endpoint: Endpoint) -> None:
    """A large answer waits for a poll beyond the cap; a client that upgrades instead gets it."""
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    await endpoint.poll(sid)
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    await endpoint.post(sid, '421["snapshot"]')
    await eventually(lambda: server.eio.sockets[sid].is_congested)
    await socket.send("5")
    assert len(await text_of(socket)) > 5 * CAP_BYTES
    assert server.counters.dropped_slow == 0


async def test_a_client_of_too_many_namespaces(serve: Serve) -> None:
    """One connection is in 32 namespaces at most; the next is refused, and the others stay."""
    server = SocketServer(namespaces="*")
    endpoint = await serve(server)
    socket = await endpoint.join()
    for number in range(31):
        await socket.send(f"40/{number},")
        assert (await text_of(socket)).startswith(f"40/{number},")
    await socket.send("40/more,")
    assert (await text_of(socket)).startswith("44/more,")
    (connection,) = server.connections.values()
    assert len(connection.clients) == 32
