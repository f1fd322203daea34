"""Known bugs of other servers, one test each; see also the suites and the official client's tests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from realtime.engine import Encoded, SocketServer, write_all
from tests.realtime.engine.conftest import Endpoint, Serve, text_of
from tests.support import eventually


@pytest.fixture
def server() -> SocketServer:
    """Make a server that counts events and ends."""
    server = SocketServer(namespaces=["/"])
    server.heard = []

    @server.on("count")
    async def count(_sid: str, number: int) -> int:
        server.heard.append(number)
        return number

    return server


@pytest.fixture
async def endpoint(server: SocketServer, serve: Serve) -> Endpoint:
    return await serve(server)


async def test_many_packets_in_one_post(server: SocketServer, endpoint: Endpoint) -> None:
    """A payload of any number of packets is delivered whole and in order."""
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    await endpoint.poll(sid)
    packets = [f'42["count",{number}]' for number in range(500)]
    assert await endpoint.post(sid, "\x1e".join(packets)) == (200, "ok")
    await eventually(lambda: len(server.heard) == 500)
    assert server.heard == list(range(500))


async def test_overlapping_posts(server: SocketServer, endpoint: Endpoint) -> None:
    """A second POST beside the first ends the session: their order is nobody's guess."""
    guard = asyncio.Event()

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        await guard.wait()

    sid = await endpoint.open_polling()
    first = asyncio.ensure_future(endpoint.post(sid, '40\x1e42["count",1]'))
    await asyncio.sleep(0.05)  # the first must be under way; nothing outside the server shows it
    assert (await endpoint.post(sid, '42["count",2]'))[0] == 400
    guard.set()
    assert (await first)[0] == 400
    assert server.heard == []


async def test_no_compression(endpoint: Endpoint) -> None:
    """permessage-deflate is not accepted: it costs over 100 KB a client."""
    headers = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    socket = await endpoint.dial_with(headers, EIO="4", transport="websocket")
    assert socket.response is not None
    assert "Sec-WebSocket-Extensions" not in socket.response.headers


async def test_requests_start_in_order(server: SocketServer, endpoint: Endpoint) -> None:
    """Requests of one socket start in the order they were sent, however long each takes."""
    started: list[int] = []
    gates = [asyncio.Event() for _ in range(10)]

    @server.on("slow")
    async def slow(_sid: str, number: int) -> int:
        started.append(number)
        await gates[number].wait()
        return number

    socket = await endpoint.join()
    for number in range(10):
        await socket.send(f'42{number}["slow",{number}]')
    await socket.send('4299["count",7]')
    assert await text_of(socket) == "4399[7]"
    assert started == list(range(10))
    for number in reversed(range(10)):
        gates[number].set()
        assert await text_of(socket) == f"43{number}[{number}]"


class Failing(SocketServer):
    """A server that acknowledges failures."""

    def encode_failure(self, error: Exception) -> bytes:
        return b'"%b"' % type(error).__name__.encode()


async def test_failure_without_acknowledgement(server: SocketServer, endpoint: Endpoint) -> None:
    """A handler that raises is not acknowledged, as in AsyncServer, and its connection stays."""

    @server.on("crash")
    async def crash(_sid: str) -> None:
        raise RuntimeError("secret")

    socket = await endpoint.join()
    await socket.send('421["crash"]')
    await socket.send('422["count",5]')
    assert await text_of(socket) == "432[5]"


async def test_failure_is_acknowledged(serve: Serve) -> None:
    """A subclass acknowledges a handler that raises, that gets wrong arguments, or that returns no JSON."""
    server = Failing()

    @server.on("crash")
    async def crash(_sid: str) -> None:
        raise RuntimeError("secret")

    @server.on("odd")
    async def odd(_sid: str) -> object:
        return object()

    socket = await (await serve(server)).join()
    for event, error in (("crash", "RuntimeError"), ("odd", "TypeError")):
        await socket.send(f'421["{event}"]')
        assert await text_of(socket) == f'431["{error}"]'
    await socket.send('421["crash",1]')
    assert await text_of(socket) == '431["TypeError"]'


async def test_acknowledged_in_the_step_of_the_return(server: SocketServer, endpoint: Endpoint) -> None:
    """Nothing comes between a handler's return and its answer, not even a queued write."""

    @server.on("subscribe")
    async def subscribe(sid: str) -> Encoded:
        connection = server.connection(sid, "/")
        packet = server.encode_event("/", "change", b'{"seq":2}')
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(connection.write, packet)
        return Encoded(b'{"seq":1}')

    socket = await endpoint.join()
    await socket.send('421["subscribe"]')
    assert [await text_of(socket), await text_of(socket)] == ['431[{"seq":1}]', '42["change",{"seq":2}]']


@pytest.mark.parametrize("is_rude", [False, True])
async def test_early_emits_follow_the_connect_reply(server: SocketServer, endpoint: Endpoint, is_rude: bool) -> None:
    """Events of the connect handler go out after the CONNECT reply; the Swift client needs this order."""

    @server.on("connect")
    async def connect(sid: str, _environ: object, auth: object) -> None:
        await server.emit("first", auth, to=sid)
        await asyncio.sleep(0)
        await server.emit("second", b"x" if is_rude else 2, to=sid, callback=print if is_rude else None)

    socket, _ = await endpoint.open_websocket()
    await socket.send('40{"token":"t"}')
    assert (await text_of(socket)).startswith("40{")
    assert await text_of(socket) == '42["first",{"token":"t"}]'
    assert (await text_of(socket)).startswith("451-1[" if is_rude else '42["second",2]')


async def test_events_behind_connect_wait_for_it(server: SocketServer, endpoint: Endpoint) -> None:
    """Events sent together with CONNECT are handled after its answer."""
    order: list[str] = []

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        await asyncio.sleep(0)
        order.append("connected")

    @server.on("event")
    async def event(_sid: str) -> None:
        order.append("event")

    socket, _ = await endpoint.open_websocket()
    await socket.send("40")
    await socket.send('421["event"]')
    assert (await text_of(socket)).startswith("40")
    assert await text_of(socket) == "431[]"
    assert order == ["connected", "event"]


async def test_refusal_is_an_object(server: SocketServer, endpoint: Endpoint) -> None:
    """A refused client gets CONNECT_ERROR with an object, because clients read its `message`."""

    @server.on("connect")
    async def connect(_sid: str, _environ: object, auth: object) -> bool:
        return auth is not None

    socket, _ = await endpoint.open_websocket()
    await socket.send("40")
    assert await text_of(socket) == '44{"message":"Connection rejected by server"}'


async def test_a_crashing_connect_handler_does_not_refuse(server: SocketServer, endpoint: Endpoint) -> None:
    """A connect handler that crashes closes the transport: CONNECT_ERROR would stop clients for good."""

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        raise RuntimeError("no database")

    socket, _ = await endpoint.open_websocket()
    await socket.send("40")
    with pytest.raises(ConnectionClosed):
        await socket.recv()


async def test_refusing_newcomers(server: SocketServer, endpoint: Endpoint) -> None:
    """Under overload the handshake is answered 503 with Retry-After, and connected clients stay."""
    socket = await endpoint.join()
    server.refuse = True
    response = await endpoint.response("GET", EIO="4", transport="polling")
    assert response.status == 503
    assert int(response.headers["Retry-After"]) > 0
    with pytest.raises(InvalidStatus, match="503"):
        await endpoint.dial(EIO="4", transport="websocket")
    await socket.send('421["count",1]')
    assert await text_of(socket) == "431[1]"


async def test_the_peers_address(serve: Serve) -> None:
    """The address is the application's reading of the request."""
    seen: list[str] = []
    server = SocketServer(address_of=lambda request: request.headers["X-Real-IP"], keep_headers=["X-Real-IP"])

    @server.on("connect")
    async def connect(sid: str, environ: dict[str, str], _auth: object) -> None:
        seen.extend([environ["REMOTE_ADDR"], environ["HTTP_X_REAL_IP"], server.connection(sid).address])
        assert server.get_environ(sid) == environ

    endpoint = await serve(server)
    socket = await endpoint.dial_with({"X-Real-IP": "203.0.113.7"}, EIO="4", transport="websocket")
    await socket.recv()
    await socket.send("40")
    await socket.recv()
    assert seen == ["203.0.113.7"] * 3


async def test_joined_packets(server: SocketServer, endpoint: Endpoint) -> None:
    """Several events joined go out in order, over WebSocket and over polling alike."""
    packets = [server.encode_event("/", "change", b'{"seq":%d}' % seq) for seq in range(3)]
    texts = [f'42["change",{{"seq":{seq}}}]' for seq in range(3)]
    socket = await endpoint.join()
    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    await endpoint.poll(sid)
    write_all(list(server.connections.values()), type(packets[0]).join(packets))
    assert [await text_of(socket) for _ in texts] == texts
    assert (await endpoint.poll(sid))[1].split("\x1e") == texts


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
        await asyncio.sleep(0.02)  # the poll must be waiting; nothing outside the server shows it
        await server.drain()
        assert (await poll)[0] == 503
    with pytest.raises(ConnectionClosed) as closed:
        await socket.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    assert not server.eio.sockets
    assert server.counters.closed["drain"] == 2


async def test_keep_alive_after_a_poll(endpoint: Endpoint) -> None:
    """A polling client's HTTP connection serves its polls and posts one after the other."""
    connector = aiohttp.TCPConnector(limit=1)
    async with aiohttp.ClientSession(connector=connector) as http:
        single = Endpoint(endpoint.port, "socket.io", http, endpoint.stack)
        sid = await single.open_polling()
        for _ in range(3):
            await single.post(sid, "40" if _ == 0 else '421["count",1]')
            assert (await single.poll(sid))[0] == 200
        assert len(connector._conns) == 1


async def test_upgrading_while_joining(server: SocketServer, endpoint: Endpoint) -> None:
    """A client that upgrades during its connect handler is read on only after that handler."""
    guard = asyncio.Event()
    order: list[str] = []

    @server.on("connect")
    async def connect(_sid: str, _environ: object, _auth: object) -> None:
        await guard.wait()
        order.append("connected")

    @server.on("event")
    async def event(_sid: str) -> None:
        order.append("event")

    sid = await endpoint.open_polling()
    await endpoint.post(sid, "40")
    socket = await endpoint.dial(EIO="4", transport="websocket", sid=sid)
    await socket.send("2probe")
    assert await socket.recv() == "3probe"
    await socket.send("5")
    await socket.send('421["event"]')
    await eventually(lambda: server.eio.sockets[sid].upgraded)
    assert order == []
    guard.set()
    assert (await text_of(socket)).startswith("40")
    assert await text_of(socket) == "431[]"
    assert order == ["connected", "event"]
