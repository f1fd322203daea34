"""A client that does not read: the cap on its memory, its end, and no effect on other clients."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator, Callable

import pytest
from websockets.asyncio.client import ClientConnection

from realtime.engine import Connection, Encoded, Packet, SocketServer, write_all
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
from tests.realtime.engine.raw_client import KERNEL_BYTES, RawClient
from tests.support import eventually

CAP_BYTES = 200_000


@pytest.fixture
def server() -> SocketServer:
    """Make a server with a small cap."""
    return SocketServer(max_queued_bytes=CAP_BYTES)


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    @server.on("count")
    async def count(_sid: str, number: int) -> int:
        return number

    return await serve(server, send_buffer_bytes=KERNEL_BYTES)


@pytest.fixture
async def stalled(server: SocketServer, endpoint: Endpoint) -> AsyncIterator[Connection]:
    """The server's side of a stalled client."""
    client = await RawClient.join(endpoint)
    yield await _the(server, lambda connection: bool(connection.clients))
    client.socket.close()


async def _the(server: SocketServer, is_it: Callable[[Connection], bool]) -> Connection:
    """Wait for a connection that fits."""
    found = await eventually(lambda: [connection for connection in server.connections.values() if is_it(connection)])
    return found[0]


def _change(server: SocketServer, size: int = 10_000) -> Packet:
    return server.encode_event("/", "change", b'"%b"' % (b"x" * size))


async def _quiet() -> None:
    """Let every ready task run, many times over."""
    for _ in range(100):
        await asyncio.sleep(0)


def _queued_bytes(connection: Connection) -> int:
    return connection.transport.get_write_buffer_size() if connection.transport is not None else 0


async def test_it_is_cut_off_at_the_cap(server: SocketServer, stalled: Connection) -> None:
    """It holds at most the cap, and is closed in the write that exceeds it."""
    packet = _change(server)
    most = 0
    while True:
        stalled.write(packet)
        if stalled.closed:
            break
        most = max(most, _queued_bytes(stalled))
    assert 0 < most <= CAP_BYTES
    assert server.counters.dropped_slow == 1
    stalled.write(packet)  # and a dead peer is no error


async def test_all_of_it_is_freed(server: SocketServer, stalled: Connection) -> None:
    """Nothing of it stays: no session, no member, no room, no gauge, no object."""
    sid = stalled.clients[0].sid
    await server.enter_room(sid, "room")
    while stalled.is_open:
        stalled.write(_change(server))
    remains = weakref.ref(stalled.transport)
    await eventually(lambda: not server.eio.sockets and stalled.transport is None)
    assert not server.manager.clients
    assert not server.manager.rooms
    assert server.counters.open_websocket == 0
    gc.collect()
    await eventually(lambda: remains() is None)


async def test_others_notice_nothing(server: SocketServer, endpoint: Endpoint, stalled: Connection) -> None:
    """A reading client gets everything, in order, while another one is closed."""
    healthy = await endpoint.join()
    connections = list(server.connections.values())
    assert len(connections) == 2
    for seq in range(500):
        write_all(connections, server.encode_event("/", "change", b'"%d %b"' % (seq, b"x" * 5000)))
        assert (await text_of(healthy)).startswith(f'42["change","{seq} ')
    assert not stalled.is_open


async def test_a_reply_does_not_count(server: SocketServer, endpoint: Endpoint) -> None:
    """A reply bigger than the cap closes no connection, and later messages have the whole cap."""

    @server.on("snapshot")
    async def snapshot(_sid: str) -> Encoded:
        return Encoded(b'"%b"' % (b"x" * 5 * CAP_BYTES))

    client = await RawClient.join(endpoint)
    await client.send('421["snapshot"]')
    connection = await _the(server, lambda connection: _queued_bytes(connection) > 0)
    before = _queued_bytes(connection)
    assert before > CAP_BYTES
    packet = _change(server)
    while connection.is_open and _queued_bytes(connection) < before + CAP_BYTES - 20_000:
        connection.write(packet)
    assert connection.is_open
    for _ in range(4):
        connection.write(packet)
    assert connection.closed
    client.socket.close()


async def test_requests_wait_while_replies_do(server: SocketServer, endpoint: Endpoint) -> None:
    """A client that reads no answers gets no further ones: 1,000 requests hold the cap and one reply."""
    answered = 0

    @server.on("snapshot")
    async def snapshot(_sid: str) -> Encoded:
        nonlocal answered
        answered += 1
        return Encoded(b'"%b"' % (b"x" * 100_000))

    client = await RawClient.join(endpoint)
    for _ in range(1000):
        await client.send('421["snapshot"]')
    connection = await _the(server, lambda connection: connection.is_reading_paused and connection.is_congested)
    assert connection.is_open
    await _quiet()
    assert answered <= 2
    assert _queued_bytes(connection) <= CAP_BYTES + 100_100
    client.socket.close()


async def test_replies_that_are_under_way_count(server: SocketServer, endpoint: Endpoint) -> None:
    """Of the replies that come at once only the largest is exempt: the others count towards the cap."""
    latch, running = asyncio.Event(), 0

    @server.on("snapshot")
    async def snapshot(_sid: str) -> Encoded:
        nonlocal running
        running += 1
        await latch.wait()
        return Encoded(b'"%b"' % (b"x" * 100_000))

    client = await RawClient.join(endpoint)
    for _ in range(16):
        await client.send('421["snapshot"]')
    await eventually(lambda: running == 16)
    latch.set()
    await eventually(lambda: server.counters.dropped_slow == 1)
    client.socket.close()


async def test_requests_that_waited_begin_in_order(server: SocketServer, endpoint: Endpoint) -> None:
    """Requests that wait for a slow client begin in the order of sending, and all of them are answered."""
    begun: list[int] = []

    @server.on("mixed")
    async def mixed(_sid: str, number: int) -> Encoded:
        begun.append(number)
        if number % 3 == 0:
            await asyncio.sleep(0)
        return Encoded(b'"%d %b"' % (number, b"x" * (100_000 if number % 4 == 0 else 10)))

    socket = await endpoint.join()
    for number in range(40):
        await socket.send(f'42{number}["mixed",{number}]')
    answers = [await text_of(socket) for _ in range(40)]
    assert begun == list(range(40))
    assert {answer[2 : answer.index("[")] for answer in answers} == set(map(str, range(40)))


async def test_a_waiting_request_ends_with_its_client(server: SocketServer, endpoint: Endpoint) -> None:
    """A waiting request leaves nothing behind when its client goes without reading."""

    @server.on("snapshot")
    async def snapshot(_sid: str) -> Encoded:
        return Encoded(b'"%b"' % (b"x" * 150_000))

    client = await RawClient.join(endpoint)
    for _ in range(5):
        await client.send('421["snapshot"]')
    await _the(server, lambda connection: connection.is_congested)
    client.socket.close()
    await eventually(lambda: not server.eio.sockets and not server.manager.clients)
    await eventually(lambda: not server.eio._tasks)


async def test_a_slow_but_healthy_client_gets_all_answers(server: SocketServer, endpoint: Endpoint) -> None:
    """A late reader gets the answer to every request, in order."""

    @server.on("snapshot")
    async def snapshot(_sid: str, number: int) -> Encoded:
        return Encoded(b'"%d %b"' % (number, b"x" * 100_000))

    socket = await endpoint.join()
    for number in range(60):
        await socket.send(f'42{number}["snapshot",{number}]')
    for number in range(60):
        assert (await text_of(socket)).startswith(f'43{number}["{number} x')


async def test_a_polling_client_that_does_not_poll(server: SocketServer, endpoint: Endpoint) -> None:
    """A mailbox has the same cap."""
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    connection = server.eio.sockets[sid]
    packet = _change(server)
    for _ in range(CAP_BYTES // 10_000 - 1):
        connection.write(packet)
    assert connection.is_open
    for _ in range(2):
        connection.write(packet)
    assert connection.closed
    assert server.counters.dropped_slow == 1
    assert (await endpoint.poll(sid))[0] == 400


async def test_requests_in_flight_are_bounded(server: SocketServer, endpoint: Endpoint) -> None:
    """Only so many requests of one client run at once; the next is read when one has ended."""
    running = 0
    most = 0
    latch = asyncio.Event()

    @server.on("wait")
    async def wait(_sid: str) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await latch.wait()
        running -= 1

    socket: ClientConnection = await endpoint.join()
    for number in range(100):
        await socket.send(f'42{number}["wait"]')
    await eventually(lambda: running == server.eio.max_in_flight)
    latch.set()
    for number in range(100):
        assert await text_of(socket) == f"43{number}[]"
    assert most == server.eio.max_in_flight


async def test_a_schedule_throws_nobody_off(serve: Serve) -> None:
    """Reading clients get 4,000 slots opened at once, 200 a change, even with small kernel buffers."""
    server = SocketServer()
    endpoint = await serve(server, send_buffer_bytes=KERNEL_BYTES)
    sockets = [await endpoint.join() for _ in range(3)]
    change = b'"%b"' % (b"x" * 200 * 180)
    packet = Packet.join([server.encode_event("/", "schedule.changed", change) for _ in range(20)])
    write_all(list(server.connections.values()), packet)
    for socket in sockets:
        for _ in range(20):
            assert len(await text_of(socket)) > 36_000
    assert server.counters.dropped_slow == 0
